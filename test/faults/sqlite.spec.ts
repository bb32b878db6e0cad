import Driver from 'better-sqlite3';
import type { Database } from 'better-sqlite3';
import { assert, asyncProperty, integer } from 'fast-check';
import type { EventToAppend, StoredEvent } from '../../src/event-store/event-store.js';
import { EventStoreError } from '../../src/event-store/event-store.js';
import { translated, translatedCommit } from '../../src/event-store/sqlite/errors.js';
import { GroupCommit } from '../../src/event-store/sqlite/group-commit.js';
import type { Page } from '../../src/event-store/sqlite/pages.js';
import { Pages } from '../../src/event-store/sqlite/pages.js';
import { checkSchema, createSchema } from '../../src/event-store/sqlite/schema.js';
import { openSqliteStore } from '../../src/event-store/sqlite/sqlite-event-store.js';
import { FileSubscription } from '../../src/event-store/sqlite/subscription.js';
import {
  Recorder,
  all,
  event,
  eventOfBytes,
  events,
  freshStream,
  ids,
  pause,
} from '../contract/event-store-support.js';
import type { Programs } from '../contract/sqlite-process.js';
import { OtherProcess, compilePrograms, scratch } from '../contract/sqlite-process.js';

/** Checks a file that `load` wrote to: what it acknowledged is there, every append is whole, revisions have no gap. */
async function checkLoaded(file: string, lines: readonly string[]): Promise<void> {
  const store = openSqliteStore(file);
  try {
    const stored = await all(store.readAll());
    const perStream = new Map<string, bigint>();
    const perAppend = new Map<string, { readonly count: number; readonly seen: number[] }>();
    const gaps: StoredEvent[] = [];
    for (const one of stored) {
      const { stream, revision, data } = one;
      if (revision !== (perStream.get(stream) ?? -1n) + 1n) gaps.push(one);
      perStream.set(stream, revision);
      const { append, at, count } = JSON.parse(data) as { append: string; at: number; count: number };
      const whole = perAppend.get(append) ?? { count, seen: [] };
      perAppend.set(append, whole);
      whole.seen.push(at);
    }
    expect(new Set(ids(stored)).size).toBe(stored.length);
    for (const { count, seen } of perAppend.values())
      expect(seen).toEqual(Array.from({ length: count }, (_, at) => at));
    // A line may have been cut off by the kill, so only whole ones count.
    const acknowledged = lines.flatMap((line) => /^ack (\S+) (\d+)$/.exec(line) ?? []);
    for (let at = 0; at < acknowledged.length; at += 3)
      expect(perStream.get(acknowledged[at + 1] ?? '')).toBeGreaterThanOrEqual(BigInt(acknowledged[at + 2] ?? ''));
  } finally {
    await store.close();
  }
}

describe('a process that is killed while it appends', () => {
  const { path, remove } = scratch();
  let programs: Programs;
  beforeAll(() => {
    programs = compilePrograms();
  });
  afterAll(() => {
    programs.remove();
    remove();
  });

  it('leaves everything it acknowledged, and nothing half written', async () => {
    let round = 0;
    await assert(
      asyncProperty(integer({ min: 0, max: 120 }), async (waitMs) => {
        const file = path(`killed-${round++}.db`);
        const other = new OtherProcess(programs, 'load', file);
        await other.said('ack');
        await pause(waitMs);
        await other.kill();
        await checkLoaded(file, other.lines);
      }),
      { numRuns: 12, endOnFailure: true },
    );
  }, 60_000);

  it('may be killed again and again on the same file', async () => {
    const file = path('again.db');
    for (let round = 0; round < 4; round++) {
      const other = new OtherProcess(programs, 'write', file);
      await other.said('open');
      await other.kill();
      const store = openSqliteStore(file);
      await store.append('log', 'any', events(round + 1));
      await store.close();
    }
    const store = openSqliteStore(file);
    expect((await all(store.readAll())).map(({ revision }) => Number(revision))).toEqual([
      0, 1, 2, 3, 4, 5, 6, 7, 8, 9,
    ]);
    await store.close();
  });

  it('that meets the end of the disk says so, and what it acknowledged stays', async () => {
    const file = path('full.db');
    const other = new OtherProcess(programs, 'load', file, 2048);
    // Which of the two depends on where in a write the limit fell; either may be tried again.
    expect(await other.said('failed')).toMatch(/^failed (?:store-unavailable|append-outcome-unknown)$/);
    expect(other.lines.some((line) => line.startsWith('ack'))).toBe(true);
    await other.kill();
    await checkLoaded(file, other.lines);
  });
});

describe('group commit when the database fails', () => {
  const { path, remove } = scratch();
  const databases: Database[] = [];
  const database = (name: string): Database => {
    const db = new Driver(path(name));
    databases.push(db);
    createSchema(db);
    return db;
  };
  const read = (db: Database, stream: string): readonly StoredEvent[] =>
    new Pages(db).ofStream(stream, 0, 'forwards', 500).events;
  afterAll(() => {
    for (const db of databases) db.close();
    remove();
  });

  it('answers each append of a group on its own when the disk is full, and goes on when it is not', async () => {
    const db = database('full.db');
    const told: bigint[] = [];
    const group = new GroupCommit(db, 'full.db', 100, (position) => told.push(position));
    const [small, large, other] = [freshStream(), freshStream(), freshStream()];
    const tooMuch = [eventOfBytes(800_000)];
    db.pragma(`max_page_count = ${Number(db.pragma('page_count', { simple: true })) + 20}`);
    const appends = (): readonly Promise<unknown>[] => [
      group.append(small, 'no-stream', events(1)),
      group.append(large, 'no-stream', tooMuch),
      group.append(other, 'no-stream', events(2)),
    ];
    expect(await Promise.allSettled(appends())).toMatchObject([
      { status: 'fulfilled', value: { revision: 0n, position: 1n } },
      { status: 'rejected', reason: { code: 'store-unavailable', retryable: true } },
      { status: 'fulfilled', value: { revision: 1n, position: 3n } },
    ]);
    expect(read(db, large)).toEqual([]);
    db.pragma('max_page_count = 1000000');
    expect(await group.append(large, 'no-stream', tooMuch)).toEqual({ revision: 0n, position: 4n });
    expect(await group.append(small, 0n, events(1))).toEqual({ revision: 1n, position: 5n });
    expect(told.at(-1)).toBe(5n);
    checkSchema(db, 'full.db');
  });

  /** The same database, whose next COMMIT fails to be made durable before or after it has taken effect. */
  const failingOnce = (db: Database, isPersisted: boolean): Database => {
    const commit = db.prepare('COMMIT');
    let left = 1;
    const failing = {
      run: () => {
        if (left-- > 0) {
          if (isPersisted) commit.run();
          throw Object.assign(new Error('disk I/O error'), { code: 'SQLITE_IOERR_FSYNC' });
        }
        return commit.run();
      },
    };
    return new Proxy(db, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name, target);
        if (name === 'prepare') return (sql: string) => (sql === 'COMMIT' ? failing : target.prepare(sql));
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
  };

  it.each([
    ['lost', false],
    ['stored all the same', true],
  ])(
    'says of a COMMIT that fails that its outcome is unknown, and a repeat settles it: %s',
    async (name, isPersisted) => {
      const db = database(`${name}.db`);
      const stream = freshStream();
      const before = await new GroupCommit(db, name, 100, () => undefined).append(stream, 'no-stream', events(2));
      const told: bigint[] = [];
      const group = new GroupCommit(failingOnce(db, isPersisted), name, 100, (position) => told.push(position));
      const [batch, elsewhere]: readonly (readonly EventToAppend[])[] = [events(2), events(1)];
      const attempts = () => [
        group.append(stream, before.revision, batch ?? []),
        group.append('log', 'no-stream', elsewhere ?? []),
      ];
      const unknown = { status: 'rejected', reason: { code: 'append-outcome-unknown', retryable: true } };
      expect(await Promise.allSettled(attempts())).toMatchObject([unknown, unknown]);
      expect(read(db, stream)).toHaveLength(isPersisted ? 4 : 2);
      expect(told).toEqual(isPersisted ? [5n] : []);
      expect(await Promise.all(attempts())).toEqual([
        { revision: 3n, position: 4n },
        { revision: 0n, position: 5n },
      ]);
      expect(await group.append(stream, 3n, [event()])).toEqual({ revision: 4n, position: 6n });
      expect(read(db, stream)).toHaveLength(5);
      expect(told.at(-1)).toBe(6n);
    },
  );

  it('answers those who wait although the listener of commits throws', async () => {
    const db = database('listener.db');
    let thrown = 0;
    const group = new GroupCommit(db, 'listener.db', 100, () => {
      thrown++;
      throw new Error('the listener broke');
    });
    const appends = Array.from({ length: 1_100 }, () => group.append('log', 'any', events(1)));
    // What the event loop would report as uncaught is met here, group by group.
    expect(() => group.finish()).toThrow('the listener broke');
    expect(() => group.finish()).toThrow('the listener broke');
    expect(() => group.finish()).toThrow('the listener broke');
    expect((await Promise.all(appends)).at(-1)).toMatchObject({ revision: 1_099n });
    expect(thrown).toBe(3);
  });
});

describe('a subscription whose reads fail for a while', () => {
  const page = (...positions: readonly bigint[]): Page => ({
    atEnd: true,
    events: positions.map((position) => ({ ...event(), stream: 'log', revision: position - 1n, position })),
  });

  it('says that it is lost and restored, and goes on from the last event delivered', async () => {
    const failing = new EventStoreError('store-unavailable', 'the disk is away');
    const answers: (Page | EventStoreError)[] = [page(1n, 2n), failing, failing, page(3n)];
    const asked: number[] = [];
    const recorder = new Recorder('log');
    const subscription = new FileSubscription(
      (after) => {
        asked.push(after);
        const answer = answers.shift() ?? page();
        if (answer instanceof EventStoreError) throw answer;
        return answer;
      },
      0,
      recorder,
      () => undefined,
    );
    await recorder.told('live');
    // A commit is heard of: the reads that follow fail until the third.
    subscription.poke();
    await recorder.told('lost');
    subscription.poke();
    await recorder.received(3);
    await subscription.close();
    expect(recorder.heard.map(({ what }) => what)).toEqual(['batch', 'live', 'lost', 'restored', 'batch']);
    expect(asked.slice(0, 4)).toEqual([0, 2, 2, 2]);
    expect(recorder.broken).toEqual([]);
  });

  it('can be closed while it is lost', async () => {
    const recorder = new Recorder('log');
    const fail = (): Page => {
      throw new EventStoreError('store-unavailable', 'the disk is away');
    };
    const subscription = new FileSubscription(fail, 0, recorder, () => undefined);
    await recorder.told('lost');
    await subscription.close();
    expect(recorder.heard.map(({ what }) => what)).toEqual(['lost']);
  });
});

describe('errors of the driver', () => {
  const driverError = (code: string): Error => Object.assign(new Error('as SQLite puts it'), { code });
  it.each([
    ['SQLITE_CORRUPT', 'store-damaged'],
    ['SQLITE_CORRUPT_INDEX', 'store-damaged'],
    ['SQLITE_CONSTRAINT_UNIQUE', 'store-damaged'],
    ['SQLITE_NOTADB', 'store-foreign'],
    ['SQLITE_FULL', 'store-unavailable'],
    ['SQLITE_BUSY', 'store-unavailable'],
    ['SQLITE_BUSY_SNAPSHOT', 'store-unavailable'],
    ['SQLITE_IOERR_READ', 'store-unavailable'],
    ['SQLITE_CANTOPEN_ISDIR', 'store-refused'],
    ['SQLITE_READONLY', 'store-refused'],
    ['SQLITE_MISUSE', 'store-refused'],
    ['ERR_OF_ANOTHER_KIND', 'store-refused'],
  ] as const)('%s means %s', (driverCode, code) => {
    const cause = driverError(driverCode);
    const error = translated(cause, 'reading /data/events.db');
    expect(error).toMatchObject({ name: 'EventStoreError', code, cause });
    expect(error.message).toContain('reading /data/events.db');
  });

  it('at a COMMIT mean that the outcome is unknown only where the disk itself failed', () => {
    expect(translatedCommit(driverError('SQLITE_IOERR_FSYNC'), 'x').code).toBe('append-outcome-unknown');
    expect(translatedCommit(driverError('SQLITE_FULL'), 'x').code).toBe('store-unavailable');
    expect(translatedCommit(driverError('SQLITE_CORRUPT'), 'x').code).toBe('store-damaged');
  });
});
