/* oxlint-disable unicorn/require-post-message-target-origin -- the rule is about windows, not worker threads */
import { copyFileSync, existsSync, mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import Driver from 'better-sqlite3';
import type { EventStore } from '../../src/event-store/event-store.js';
import { openSqliteReader, openSqliteStore } from '../../src/event-store/sqlite/sqlite-event-store.js';
import { Recorder, all, event, eventOfBytes, events, failure, freshStream, ids } from './event-store-support.js';
import type { Programs } from './sqlite-process.js';
import { OtherProcess, compilePrograms, scratch } from './sqlite-process.js';

/** What only the embedded store has: one file, its lock, its damage, its readers. The port's promises: `sqlite.spec.ts`. */
describe('the file of the embedded store', () => {
  const { path, remove } = scratch();
  const open: EventStore[] = [];
  let programs: Programs;
  const opened = <T extends EventStore>(store: T): T => {
    open.push(store);
    return store;
  };
  beforeAll(() => {
    programs = compilePrograms();
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((store) => store.close()));
  });
  afterAll(() => {
    programs.remove();
    remove();
  });

  /** A closed store of `count` events of about 1 KiB in one stream. */
  const written = async (name: string, count = 400): Promise<string> => {
    const store = openSqliteStore(path(name));
    const batch = Array.from({ length: count }, () => eventOfBytes(1000));
    await store.append('contract-1', 'no-stream', batch);
    await store.close();
    return path(name);
  };

  describe('its one writer', () => {
    it('is the only one: a second process is refused, but may read', async () => {
      const file = await written('locked.db', 3);
      opened(openSqliteStore(file));
      expect(await new OtherProcess(programs, 'write', file).said('failed')).toBe('failed store-locked');
      expect(await new OtherProcess(programs, 'read', file).said('read')).toBe('read 3');
    });

    it('is the only one in its own process, too, by whatever name the file is called', async () => {
      const file = await written('twice.db', 1);
      symlinkSync(file, path('link.db'));
      const first = opened(openSqliteStore(file));
      const error = await failure(() => openSqliteStore(path('link.db')));
      expect(error).toMatchObject({ code: 'store-locked', retryable: false });
      expect(error.message).toContain('already open for writing');
      await first.close();
      opened(openSqliteStore(path('link.db')));
    });

    it('loses the lock when its process is killed', async () => {
      const file = path('killed.db');
      const other = new OtherProcess(programs, 'write', file);
      await other.said('open');
      expect(await failure(() => openSqliteStore(file))).toMatchObject({ code: 'store-locked' });
      await other.kill();
      const store = opened(openSqliteStore(file));
      expect(await store.append('contract-1', 'no-stream', events(1))).toMatchObject({ revision: 0n });
    });

    it('gives the lock back when it closes, and when it could not open', async () => {
      const file = path('returned.db');
      const other = new OtherProcess(programs, 'write', file);
      await other.said('open');
      await other.finish();
      await opened(openSqliteStore(file)).close();
      writeFileSync(path('no.db'), 'no database, but long enough to be looked at as one'.repeat(200));
      for (const _ of [1, 2])
        expect(await failure(() => openSqliteStore(path('no.db')))).toMatchObject({ code: 'store-foreign' });
    });
  });

  describe('a foreign file', () => {
    const database = (name: string, sql: string): string => {
      const db = new Driver(path(name));
      db.exec(sql);
      db.close();
      return path(name);
    };
    const text = (name: string): string => {
      writeFileSync(path(name), 'position,stream\n'.repeat(1000));
      return path(name);
    };
    const cases: readonly [string, () => string | Promise<string>][] = [
      ['text', () => text('text.db')],
      ['a database without an application id', () => database('plain.db', 'CREATE TABLE events (a)')],
      ['an empty database of another program', () => database('other.db', 'PRAGMA application_id = 7; VACUUM')],
      [
        'a store of a later version',
        async () => {
          const file = await written('later.db', 1);
          return database('later.db', 'PRAGMA user_version = 2') && file;
        },
      ],
    ];
    it.each(cases)('is refused and left as it is: %s', async (_, make) => {
      const file = await make();
      const before = readFileSync(file);
      expect(await failure(() => openSqliteStore(file))).toMatchObject({ code: 'store-foreign' });
      expect(await failure(() => openSqliteReader(file))).toMatchObject({ code: 'store-foreign' });
      expect(readFileSync(file).equals(before)).toBe(true);
    });
  });

  describe('a place where there is no store', () => {
    const refused: readonly [string, () => unknown][] = [
      ['a folder that is missing', () => openSqliteStore(path('missing/events.db'))],
      ['a folder instead of a file', () => (mkdirSync(path('folder.db')), openSqliteStore(path('folder.db')))],
      ['a file in the place of a folder', () => (writeFileSync(path('f'), ''), openSqliteStore(path('f/events.db')))],
      ['a file that has to be there', () => openSqliteStore(path('gone.db'), { mustExist: true })],
      ['a file that a reader wants', () => openSqliteReader(path('gone.db'))],
    ];
    it.each(refused)('is refused: %s', async (_, work) => {
      expect(await failure(work)).toMatchObject({ code: 'store-refused', retryable: false });
    });

    it('is made a store where the file is missing or empty, unless it must exist', async () => {
      writeFileSync(path('empty.db'), '');
      expect(await failure(() => openSqliteStore(path('empty.db'), { mustExist: true }))).toMatchObject({
        code: 'store-foreign',
      });
      for (const name of ['empty.db', 'new.db']) {
        const store = opened(openSqliteStore(path(name)));
        expect(await store.head()).toBeUndefined();
        expect(await all(store.readAll())).toEqual([]);
      }
      expect(existsSync(path('gone.db'))).toBe(false);
    });
  });

  describe('damage', () => {
    /** Writes over part of a file as a failing disk would. */
    const garble = (file: string, at: number, bytes: number): void => {
      const content = readFileSync(file);
      content.fill(0xa5, at, at + bytes);
      writeFileSync(file, content);
    };
    beforeAll(() => written('whole.db'));
    const copy = (name: string): string => {
      copyFileSync(path('whole.db'), path(name));
      return path(name);
    };
    const change = (file: string, sql: string): void => {
      const db = new Driver(file);
      db.exec(sql);
      db.close();
    };
    const found: readonly [string, (file: string) => void][] = [
      ['cut in half', (file) => truncateSync(file, Math.floor(readFileSync(file).length / 16384) * 8192)],
      ['the page of the schema overwritten', (file) => garble(file, 100, 8000)],
      ['a trigger dropped', (file) => change(file, 'DROP TRIGGER events_no_update')],
      ['a table added', (file) => change(file, 'CREATE TABLE more (a)')],
      ['the index dropped', (file) => change(file, 'DROP INDEX events_by_stream')],
      [
        'the streams gone',
        (file) => {
          const trigger =
            "CREATE TRIGGER streams_no_delete BEFORE DELETE ON streams BEGIN SELECT raise(ABORT, 'the ledger is append-only'); END";
          change(file, `DROP TRIGGER streams_no_delete; DELETE FROM streams; ${trigger}`);
        },
      ],
      ['the version gone', (file) => change(file, 'PRAGMA user_version = 0')],
    ];
    it.each(found)('is noticed when the file is opened: %s', async (_, harm) => {
      const file = copy('harmed.db');
      harm(file);
      expect(await failure(() => openSqliteStore(file))).toMatchObject({ code: 'store-damaged', retryable: false });
      expect(await failure(() => openSqliteReader(file))).toMatchObject({ code: 'store-damaged' });
    });

    it('inside the file is noticed when it is read, by reads and subscriptions alike', async () => {
      const file = copy('inside.db');
      const pages = Math.floor(readFileSync(file).length / 8192);
      garble(file, Math.floor(pages / 2) * 8192, 3 * 8192);
      const store = opened(openSqliteStore(file));
      expect(await failure(() => all(store.readAll()))).toMatchObject({ code: 'store-damaged' });
      expect(await failure(() => all(store.readStream('contract-1')))).toMatchObject({ code: 'store-damaged' });
      const recorder = new Recorder('contract-1');
      store.subscribe(undefined, recorder);
      await recorder.told('ended');
      expect(recorder.heard.at(-1)).toMatchObject({ what: 'ended', error: { code: 'store-damaged' } });
    });
  });

  it('lets nobody change or delete an event or a stream', async () => {
    const file = await written('fixed.db', 2);
    const before = await all(opened(openSqliteReader(file)).readAll());
    const db = new Driver(file);
    const changes = [
      "UPDATE events SET data = '{}'",
      'DELETE FROM events',
      "UPDATE streams SET name = 'log'",
      'DELETE FROM streams',
    ];
    for (const sql of changes) expect(() => db.exec(sql)).toThrow('append-only');
    db.close();
    expect(await all(opened(openSqliteReader(file)).readAll())).toEqual(before);
  });

  describe('appends in one group', () => {
    it('are applied in the order of their calls, each on what those before it wrote', async () => {
      const store = opened(openSqliteStore(path('group.db')));
      const stream = freshStream();
      const batches = Array.from({ length: 100 }, () => events(3));
      const results = await Promise.all(
        batches.map((batch, at) => store.append(stream, at === 0 ? 'no-stream' : BigInt(at * 3 - 1), batch)),
      );
      expect(results.map(({ revision }) => revision)).toEqual(batches.map((_, at) => BigInt(at * 3 + 2)));
      expect(ids(await all(store.readStream(stream)))).toEqual(ids(batches.flat()));
    });

    it('are told of by one call, after they can be read', async () => {
      const told: bigint[] = [];
      const store = opened(openSqliteStore(path('told.db'), { onCommitted: (position) => told.push(position) }));
      const results = await Promise.all([1, 2, 3].map(() => store.append(freshStream(), 'no-stream', events(2))));
      expect(told).toEqual([results.at(-1)?.position]);
      await failure(() => store.append(freshStream(), 4n, events(1)));
      expect(told).toHaveLength(1);
    });

    it('are checked rightly when more streams are written to than are kept in memory', async () => {
      const store = opened(openSqliteStore(path('many.db'), { streamsKept: 3 }));
      const streams = Array.from({ length: 10 }, freshStream);
      for (const expected of ['no-stream', 1n, 3n] as const)
        await Promise.all(streams.map((stream) => store.append(stream, expected, events(2))));
      const late = await Promise.all(streams.map((stream) => failure(() => store.append(stream, 3n, events(1)))));
      expect(late.map(({ actual }) => actual)).toEqual(streams.map(() => 5n));
    });
  });

  it('reads backwards from past the end as from the end', async () => {
    const store = opened(openSqliteStore(path('past.db')));
    await store.append('log', 'no-stream', events(3));
    for (const from of [3n, 2n ** 60n])
      expect((await all(store.readStream('log', from, 'backwards'))).map(({ revision }) => revision)).toEqual([
        2n,
        1n,
        0n,
      ]);
    expect(await all(store.readAll(2n ** 60n))).toEqual([]);
  });

  it('reads large events in pages of about a mebibyte', async () => {
    const store = opened(openSqliteStore(path('large.db')));
    for (let at = 0; at < 12; at++) await store.append('ledger', 'any', [eventOfBytes(400_000)]);
    const sizes: number[] = [];
    for await (const page of store.readAll()) sizes.push(page.length);
    expect(sizes).toEqual([3, 3, 3, 3]);
  });

  describe('a reader', () => {
    it('refuses to append', async () => {
      const reader = opened(openSqliteReader(await written('reader.db', 1)));
      expect(await failure(() => reader.append('log', 'any', events(1)))).toMatchObject({ code: 'store-refused' });
    });

    it('reads what was committed, and hears of more when it is poked', async () => {
      const file = path('poked.db');
      const readers: { poke(): void }[] = [];
      const store = opened(openSqliteStore(file, { onCommitted: () => readers.forEach((one) => one.poke()) }));
      await store.append('log', 'no-stream', events(2));
      // Looked at once an hour: what arrives was poked.
      const reader = opened(openSqliteReader(file, { pollMs: 3_600_000 }));
      readers.push(reader);
      const recorder = new Recorder('log');
      reader.subscribe(undefined, recorder);
      await recorder.told('live');
      for (let at = 0; at < 20; at++) await store.append('log', BigInt(at + 1), events(1));
      await recorder.received(22);
      expect(recorder.events).toEqual(await all(store.readAll()));
      expect(await reader.head()).toEqual(await store.head());
      expect(recorder.broken).toEqual([]);
    });

    it('finds out by itself where nobody pokes it', async () => {
      const file = path('polled.db');
      const store = opened(openSqliteStore(file));
      const reader = opened(openSqliteReader(file, { pollMs: 20 }));
      const recorder = new Recorder('log');
      reader.subscribe(undefined, recorder);
      await recorder.told('live');
      await store.append('log', 'no-stream', [event()]);
      await recorder.received(1);
    });

    it('may live on another thread, and takes no lock away when it closes', async () => {
      const file = path('thread.db');
      let worker: Worker | undefined;
      const store = opened(openSqliteStore(file, { onCommitted: (position) => worker?.postMessage(position) }));
      await store.append('log', 'no-stream', events(700));
      worker = new Worker(programs.module('test/contract/sqlite-program'), { workerData: file });
      const heard: [string, number][] = [];
      const isOver = new Promise<void>((resolve, reject) => worker?.on('exit', () => resolve()).on('error', reject));
      const caughtUp = new Promise<void>((resolve) => {
        worker?.on('message', (message: [string, number]) => {
          heard.push(message);
          if (message[0] === 'live') resolve();
          if (message[1] === 710) worker?.postMessage('close');
        });
      });
      await caughtUp;
      for (let at = 0; at < 10; at++) await store.append('log', BigInt(699 + at), events(1));
      await isOver;
      expect(heard.at(-1)).toEqual(['batch', 710]);
      expect(await new OtherProcess(programs, 'write', file).said('failed')).toBe('failed store-locked');
      expect(await store.append('log', 709n, events(1))).toMatchObject({ revision: 710n });
    });
  });
});
