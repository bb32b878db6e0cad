import type { HttpExtension } from '../http.module.js';
import { ContractsController } from './contracts.controller.js';
import { PartsController } from './parts.controller.js';
import { readingPaths } from './paths.js';
import { PortfolioController } from './portfolio.controller.js';
import { Reading, READING, type ReadingParts } from './reading.js';

/** The read models' part of the API. */
export const readingExtension = (parts: ReadingParts): HttpExtension => ({
  controllers: [ContractsController, PartsController, PortfolioController],
  providers: [{ provide: READING, useValue: parts }, Reading],
  paths: readingPaths,
});
