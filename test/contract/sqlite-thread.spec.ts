/** The embedded store as the server has it: appends are committed by a thread of their own. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { openSqliteStore } from '../../src/event-store/sqlite/sqlite-event-store.js';
import { describeEventStore } from './event-store.js';
import {
  all,
  appendSurely,
  events,
  failure,
  freshStream,
  ids,
  Recorder,
  withSubscription,
} from './event-store-support.js';

const WORKER = resolve('dist/src/event-store/sqlite/commit-worker.js');
const commitWorker = pathToFileURL(WORKER);

const folder = mkdtempSync(join(tmpdir(), 'waybook-commit-thread-'));
afterAll(() => rmSync(folder, { recursive: true }));

if (!existsSync(WORKER)) throw new Error('dist/ is missing; `npm test` builds it, as does `npm run build`');

let count = 0;
describeEventStore(
  'sqlite, committing in a thread',
  async () => {
    const path = join(folder, `events-${(count += 1)}.db`);
    let store = openSqliteStore(path, { commitWorker });
    return {
      store,
      async reopen() {
        await store.close();
        store = openSqliteStore(path, { commitWorker });
        return store;
      },
      close: () => store.close(),
    };
  },
  { loseConnection: 'an embedded file has no connection to lose' },
);

/** A thread that does `first` the first time it is started, and is the real one from then on. */
function failing(name: string, first: string): URL {
  const path = join(folder, `${name}.mjs`);
  const flag = JSON.stringify(join(folder, `${name}.flag`));
  const real = JSON.stringify(commitWorker.href);
  writeFileSync(
    path,
    `import { existsSync, writeFileSync } from 'node:fs';
    import { parentPort as port } from 'node:worker_threads';
    const again = existsSync(${flag});
    writeFileSync(${flag}, '');
    if (!again) { ${first} }
    await import(${real});`,
  );
  return pathToFileURL(path);
}

describe('a committing thread that ends by itself', () => {
  test.each([
    ['before it has written', 'port.on("message", () => process.exit(1));'],
    ['after it has written and before it has said so', 'port.postMessage = () => process.exit(1);'],
    ['at its start', 'throw new Error("no memory");'],
  ])('%s: the outcome is unknown, and the same append again settles it', async (name, first) => {
    const worker = failing(name.replaceAll(' ', '-'), first);
    const path = join(folder, `${name.replaceAll(' ', '-')}.db`);
    const store = openSqliteStore(path, { commitWorker: worker });
    try {
      const [stream, list] = [freshStream(), events(3)];
      const error = await failure(() => store.append(stream, 'no-stream', list));
      expect(error).toMatchObject({ code: 'append-outcome-unknown', retryable: true });
      expect(await store.append(stream, 'no-stream', list)).toEqual({ revision: 2n, position: 3n });
      expect(await store.append(stream, 2n, events(1))).toEqual({ revision: 3n, position: 4n });
      expect(ids((await all(store.readStream(stream))).slice(0, 3))).toEqual(ids(list));
    } finally {
      await store.close();
    }
  });

  test('all that was under way fails, and none of it is answered twice', async () => {
    const worker = failing('many', 'port.on("message", () => process.exit(1));');
    const store = openSqliteStore(join(folder, 'many.db'), { commitWorker: worker });
    try {
      const appends = Array.from({ length: 20 }, () => store.append(freshStream(), 'no-stream', events(2)));
      const settled = await Promise.allSettled(appends);
      expect(settled.map((one) => one.status === 'rejected' && (one.reason as { code: string }).code)).toEqual(
        Array.from({ length: 20 }, () => 'append-outcome-unknown'),
      );
      expect(await store.head()).toBeUndefined();
      expect((await store.append(freshStream(), 'no-stream', events(2))).position).toBe(2n);
    } finally {
      await store.close();
    }
  });
});

test('what it committed and could not tell of any more is pushed to subscribers all the same', async () => {
  const worker = failing('untold', 'port.postMessage = () => process.exit(1);');
  const store = openSqliteStore(join(folder, 'untold.db'), { commitWorker: worker });
  try {
    const stream = freshStream();
    const recorder = new Recorder(stream);
    await withSubscription(store, undefined, recorder, async () => {
      await recorder.told('live');
      const list = events(2);
      await appendSurely(store, stream, 'no-stream', list);
      // No other append comes to wake the subscription.
      await recorder.received(2);
      expect(ids(recorder.events)).toEqual(ids(list));
    });
  } finally {
    await store.close();
  }
});

test('closing writes and answers what has been appended', async () => {
  const path = join(folder, 'closing.db');
  const store = openSqliteStore(path, { commitWorker });
  const stream = freshStream();
  const appended = store.append(stream, 'no-stream', events(5));
  await store.close();
  expect(await appended).toEqual({ revision: 4n, position: 5n });
  const again = openSqliteStore(path);
  expect(await all(again.readStream(stream))).toHaveLength(5);
  await again.close();
});

test('told of each commit, after the answers to its appends', async () => {
  const told: bigint[] = [];
  const store = openSqliteStore(join(folder, 'told.db'), {
    commitWorker,
    onCommitted: (position) => told.push(position),
  });
  await Promise.all(Array.from({ length: 10 }, () => store.append(freshStream(), 'no-stream', events(1))));
  await store.append(freshStream(), 'no-stream', events(1));
  await store.close();
  expect(told.at(-1)).toBe(11n);
  expect(told).toEqual([...told].sort((a, b) => Number(a - b)));
});
