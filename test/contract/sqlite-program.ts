/* oxlint-disable unicorn/require-post-message-target-origin -- the rule is about windows, not worker threads */
/**
 * Drives the adapter from a process or thread of its own. As a process, `sqlite-program TASK PATH` says on its output:
 * - `write`: `open`, or the code of the error; holds the store until its input ends
 * - `read`: the number of events a reader finds, or the code of the error
 * - `load`: `ack STREAM REVISION` for each append that was answered, without end; `failed CODE` and stops at an error
 *
 * As a worker thread it is a reader that posts `[kind, count]` for what its subscription hears, pokes it on any message,
 * and closes on the message `close`.
 */
import { randomUUID } from 'node:crypto';
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import type { EventStore } from '../../src/event-store/event-store.js';
import { EventStoreError } from '../../src/event-store/event-store.js';
import { openSqliteReader, openSqliteStore } from '../../src/event-store/sqlite/sqlite-event-store.js';

const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** Every append holds from 1 to 40 events of about 600 bytes, each of which says how many belong together. */
async function load(store: EventStore): Promise<void> {
  await Promise.all(
    Array.from({ length: 8 }, async (_, worker) => {
      for (let round = 0; ; round++) {
        const stream = `contract-${worker}-${Math.floor(round / 20)}`;
        const count = 1 + ((round * 7 + worker) % 40);
        const events = Array.from({ length: count }, (_, at) => ({
          id: randomUUID(),
          type: 'Loaded',
          data: JSON.stringify({ append: `${worker}-${round}`, at, count, fill: 'x'.repeat(500) }),
          metadata: '{}',
        }));
        const { revision } = await store.append(stream, 'any', events);
        say(`ack ${stream} ${revision}`);
      }
    }),
  );
}

async function asProcess(task: string, path: string): Promise<void> {
  try {
    if (task === 'read') {
      const reader = openSqliteReader(path);
      let count = 0;
      for await (const page of reader.readAll()) count += page.length;
      await reader.close();
      say(`read ${count}`);
      return;
    }
    const store = openSqliteStore(path);
    say('open');
    if (task === 'load') await load(store);
    process.stdin.resume().on('end', () => void store.close().then(() => process.exit(0)));
  } catch (error) {
    if (!(error instanceof EventStoreError)) throw error;
    say(`failed ${error.code}`);
    process.exit(1);
  }
}

function asThread(path: string): void {
  const reader = openSqliteReader(path, { pollMs: 3_600_000 });
  let count = 0;
  reader.subscribe(undefined, {
    batch: (events) => {
      count += events.length;
      parentPort?.postMessage(['batch', count]);
    },
    live: () => parentPort?.postMessage(['live', count]),
    ended: ({ code }) => parentPort?.postMessage([code, count]),
  });
  parentPort?.on('message', (message) => {
    if (message !== 'close') reader.poke();
    else void reader.close().then(() => parentPort?.close());
  });
}

if (isMainThread) await asProcess(process.argv[2] ?? '', process.argv[3] ?? '');
else asThread(String(workerData));
