/** Answering a stream of lines while it is read, in constant memory, with backpressure both ways. */
import { LineSplitter, type Line } from './lines.js';
import { Problem } from './problem.js';
import { resultJson } from './results.js';

export const MAX_LINE_BYTES = 1024 * 1024;
/** So many lines are recorded together at most. */
const LINES_TOGETHER = 500;
/** Groups of lines being recorded at once: one is appended while the next is checked. More would only be more garbage. */
const MAX_IN_FLIGHT = 2;
/** Characters of lines that wait, besides those in flight; past this nothing more is read. */
const MAX_WAITING = 2 * 1024 * 1024;
/** A client from which nothing comes for so long is given up. */
const IDLE_MS = 120_000;

type Happened =
  | { readonly kind: 'chunk'; readonly chunk: IteratorResult<Buffer, unknown> }
  | { readonly kind: 'results'; readonly text: string }
  | { readonly kind: 'stopped'; readonly problem: Problem };

/**
 * Reads lines and gives the lines of the answer, in the same order. What has arrived is recorded together: a client
 * that sends one line and waits gets its answer at once, one that sends without pause is taken in groups of
 * {@link LINES_TOGETHER}. Nothing is read while the caller does not take answers.
 *
 * Where reading ends early, because the ledger is stopped or nothing came for two minutes, all lines read are answered
 * and a last line says so, without number and id.
 *
 * @param record answers a group of lines with as many lines of text; never rejects
 * @param stopping aborts when the ledger is being stopped
 * @throws what `body` throws when it breaks off
 */
export async function* answerLines(
  body: AsyncIterable<Buffer>,
  record: (lines: readonly Line[]) => Promise<string>,
  stopping: AbortSignal,
): AsyncGenerator<string, void, undefined> {
  const reader = body[Symbol.asyncIterator]();
  const splitter = new LineSplitter(MAX_LINE_BYTES);
  const inFlight: Promise<Happened>[] = [];
  let waiting: Line[] = [];
  let waitingSize = 0;
  let reading: Promise<Happened> | undefined;
  let ended = false;
  let stopped: Problem | undefined;
  const take = (lines: readonly Line[]): void => {
    for (const line of lines) {
      waiting.push(line);
      waitingSize += 'text' in line ? line.text.length : 1;
    }
  };
  const mayRecord = (): boolean =>
    waiting.length > 0 &&
    (inFlight.length === 0 || (inFlight.length < MAX_IN_FLIGHT && (ended || waiting.length >= LINES_TOGETHER)));
  try {
    for (;;) {
      while (mayRecord()) {
        const group = waiting.slice(0, LINES_TOGETHER);
        waiting = waiting.slice(LINES_TOGETHER);
        for (const line of group) waitingSize -= 'text' in line ? line.text.length : 1;
        inFlight.push(record(group).then((text) => ({ kind: 'results', text })));
      }
      const oldest = inFlight[0];
      if (ended && oldest === undefined) break;
      const mayRead: boolean = !ended && waiting.length < LINES_TOGETHER && waitingSize < MAX_WAITING;
      if (mayRead) reading ??= next(reader, stopping);
      const happened: Happened = await (reading === undefined || !mayRead
        ? oldest!
        : oldest === undefined
          ? reading
          : Promise.race([oldest, reading]));
      switch (happened.kind) {
        case 'results':
          void inFlight.shift();
          yield happened.text;
          break;
        case 'chunk':
          reading = undefined;
          ended = happened.chunk.done === true;
          take(happened.chunk.done === true ? splitter.end() : splitter.push(happened.chunk.value));
          break;
        case 'stopped':
          reading = undefined;
          ended = true;
          stopped = happened.problem;
          break;
      }
    }
    if (stopped !== undefined) yield `${resultJson(undefined, { status: 'failed', problem: stopped })}\n`;
  } finally {
    // Where the caller gave up, a read may still be on its way; its failure is of no interest to anybody any more.
    reading?.catch(() => undefined);
  }
}

/** The next piece, or why there will be none. */
function next(reader: AsyncIterator<Buffer, unknown>, stopping: AbortSignal): Promise<Happened> {
  return new Promise((resolve, reject) => {
    const settle = (happened: Happened): void => {
      clearTimeout(idle);
      stopping.removeEventListener('abort', onStopping);
      resolve(happened);
    };
    const stop = (code: 'shutting-down' | 'request-timeout', why: string): void =>
      settle({ kind: 'stopped', problem: new Problem(code, `${why}; no further line was read`) });
    const onStopping = (): void => stop('shutting-down', 'the ledger is being stopped');
    const idle = setTimeout(() => stop('request-timeout', `nothing came for ${IDLE_MS / 1_000} seconds`), IDLE_MS);
    stopping.addEventListener('abort', onStopping);
    if (stopping.aborted) onStopping();
    else
      reader.next().then(
        (chunk) => settle({ kind: 'chunk', chunk }),
        (error: Error) => {
          clearTimeout(idle);
          stopping.removeEventListener('abort', onStopping);
          reject(error);
        },
      );
  });
}
