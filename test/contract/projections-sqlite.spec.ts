import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeReadModel } from './projections.js';

const directory = mkdtempSync(join(tmpdir(), 'waybook-read-model-'));
let count = 0;
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describeReadModel('SQLite', async () => {
  count += 1;
  return `sqlite:${join(directory, `read-model-${count}.db`)}`;
});
