/** `waybook import FILE.ndjson`: sends a file of CloudEvents, a line each, to a server. Sent again, it goes on where it stopped. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { CommandFailure, EXIT } from './exit.js';
import { progress, type Output } from './output.js';

export interface ImportCounts {
  recorded: number;
  duplicate: number;
  refused: number;
  failed: number;
}

interface ResultLine {
  readonly id?: string | null;
  readonly line?: number;
  readonly status?: keyof ImportCounts;
  readonly problem?: { readonly code: string; readonly detail: string } | null;
}

/** How many refusals are printed one by one. */
const SHOWN = 20;

/**
 * Streams the file to `POST /events`. Memory does not grow with the file; the server's pace sets the file's.
 * @throws CommandFailure where the file cannot be read or the server breaks off
 */
export async function importFile(path: string, url: string, output: Output): Promise<ImportCounts> {
  const { size } = await stat(path).catch((error: unknown) => {
    throw new CommandFailure(`cannot read ${path}`, EXIT.usage, error);
  });
  const file = createReadStream(path, { highWaterMark: 256 * 1024 });
  const bar = progress('importing', size, output.json);
  let sent = 0;
  file.on('data', (chunk) => {
    sent += chunk.length;
    bar.update(sent);
  });
  const counts: ImportCounts = { recorded: 0, duplicate: 0, refused: 0, failed: 0 };
  let shown = 0;
  try {
    const response = await fetch(new URL('/events', url), {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: Readable.toWeb(file),
      duplex: 'half',
    });
    if (!response.ok || response.body === null)
      throw new CommandFailure(`the server answered ${response.status}: ${await response.text()}`);
    const answers = createInterface({ input: Readable.fromWeb(response.body as never), crlfDelay: Infinity });
    for await (const line of answers) {
      if (line === '') continue;
      const result = JSON.parse(line) as ResultLine;
      if (result.status === undefined) {
        if (result.problem !== undefined && result.problem !== null)
          throw new CommandFailure(`the server broke off: ${result.problem.code}: ${result.problem.detail}`);
        continue;
      }
      counts[result.status] += 1;
      if ((result.status === 'refused' || result.status === 'failed') && shown < SHOWN) {
        shown += 1;
        process.stderr.write(
          `${result.status} ${result.line === undefined ? '' : `line ${result.line} `}${result.id ?? ''}: ${result.problem?.code ?? ''} ${result.problem?.detail ?? ''}\n`,
        );
      }
    }
  } catch (error) {
    if (error instanceof CommandFailure) throw error;
    throw new CommandFailure(
      `the connection to ${url} broke; the same import again goes on from there`,
      EXIT.unavailable,
      error,
    );
  } finally {
    bar.stop();
    file.destroy();
  }
  return counts;
}
