import type { HttpExtension } from '../http.module.js';
import { ContractsController } from './contracts.controller.js';
import { readingPaths } from './paths.js';
import { Reading, READING, type ReadingParts } from './reading.js';

/** The read models' part of the API. */
export const readingExtension = (parts: ReadingParts): HttpExtension => ({
  controllers: [ContractsController],
  providers: [{ provide: READING, useValue: parts }, Reading],
  paths: readingPaths,
});
