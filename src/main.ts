/** What `nest start` runs: the server, configured by the environment alone. */
import './heap.js';
import 'reflect-metadata';
import { outputOf } from './cli/output.js';
import { serveUntilStopped } from './cli/serve.js';
import { parseConfig } from './config.js';

await serveUntilStopped(parseConfig(process.env), outputOf(false));
