/** Histories as they are recorded day by day, the watch run each day, never, or only now and then: what it has recorded. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { naiveNotices } from '../../test/naive/naive.js';
import { eventsOf, steps } from '../../test/support/random-history.js';
import { confirmed, CONTRACT, event, incoming, registered, type Sent } from '../../test/support/scenario.js';
import { SteppedClock } from '../clock.js';
import { Recorder } from '../commands/recorder.js';
import type { ContractEvent } from '../contract/event-type.js';
import { nextNotice } from '../contract/obligations.js';
import type { EventStore } from '../event-store/event-store.js';
import { openSqliteStore } from '../event-store/sqlite/sqlite-event-store.js';
import { decodeEvent } from '../evidence/record.js';
import { contractRules, fromDecoded } from '../subscriptions/decoding.js';
import { foldHistory } from '../subscriptions/history.js';
import { openReckonedMemory, type ReckonedMemory, type Remembered } from '../subscriptions/reckoned-memory.js';
import { Reckoner } from '../subscriptions/reckoner.js';
import { Watch } from './watch.js';

const DAY_MS = 86_400_000;
const at = (day: string): number => Date.parse(day.length === 10 ? `${day}T12:00:00Z` : day);

interface Bench {
  readonly store: EventStore;
  readonly clock: SteppedClock;
  readonly recorder: Recorder;
  readonly warnings: string[];
  /** A watch as after a start of the process: it remembers nothing, and looks at the contract every time. */
  watch(): Watch;
  /** One that is told when to look by the facts as they were folded, as the read model of obligations tells it. */
  hintedWatch(): Watch;
  readonly memory: ReckonedMemory;
  /** Records at the clock's time, moved on to the day at noon. */
  record(day: string, ...sent: readonly Sent[]): Promise<void>;
  /** Moves the clock to the start of a day. */
  dayBegins(day: string): void;
  events(): Promise<readonly ContractEvent<object>[]>;
  notices(): Promise<readonly string[]>;
}

async function withStore<T>(start: string, use: (bench: Bench) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'waybook-watch-'));
  const store = openSqliteStore(join(folder, 'events.db'));
  const clock = new SteppedClock(at(start));
  const recorder = new Recorder(store, { clock, random: (bytes) => randomBytes(bytes) }, { soleWriter: true });
  const warnings: string[] = [];
  const events = async () => {
    const found: ContractEvent<object>[] = [];
    for await (const page of store.readStream(`contract-${CONTRACT}`, 0n))
      for (const stored of page) found.push(fromDecoded(decodeEvent(stored), contractRules) as ContractEvent<object>);
    return found;
  };
  const facts = async () => (await foldHistory(store, CONTRACT, contractRules, {})).model;
  const memory = openReckonedMemory(`sqlite:${join(folder, 'rows.db')}`);
  // Each watch is that of another process, which has only what an earlier one wrote down.
  const parts = () => ({
    clock,
    recorder,
    reckoner: new Reckoner(store, 1_000_000, { memory }),
    head: async () => (await store.head())?.position,
    upTo: () => Promise.resolve(),
    standsBy: () => false,
    warn: (message: string) => void warnings.push(message),
  });
  const bench: Bench = {
    store,
    clock,
    recorder,
    warnings,
    memory,
    watch: () =>
      new Watch({
        ...parts(),
        nextDay: (day) => Promise.resolve(day + 1),
        candidates: async () => {
          const head = (await events()).length - 1;
          return head < 0 ? [] : [{ contract: CONTRACT, revision: head }];
        },
      }),
    hintedWatch: () =>
      new Watch({
        ...parts(),
        nextDay: async (day) => {
          const next = nextNotice(await facts());
          return next !== undefined && next > day ? next : undefined;
        },
        candidates: async (day, after) => {
          const model = await facts();
          const isAsked = after === '' && (model.corrected || (nextNotice(model) ?? Infinity) <= day);
          return isAsked ? [{ contract: CONTRACT, revision: model.revision }] : [];
        },
      }),
    record: async (day, ...sent) => {
      if (at(day) > clock.now()) clock.moveTo(at(day));
      const outcome = await recorder.record(CONTRACT, sent.map(incoming));
      if (outcome.kind === 'itemised')
        for (const result of outcome.results) if (result.status !== 'recorded') throw new Error(JSON.stringify(result));
    },
    dayBegins: (day) => clock.moveTo(Date.parse(`${day}T00:00:00Z`)),
    events,
    notices: async () => (await events()).filter(({ source }) => source.endsWith(':ledger')).map(({ id }) => id),
  };
  try {
    return await use(bench);
  } finally {
    await memory.close();
    await store.close();
    rmSync(folder, { recursive: true });
  }
}

const terms = { reportEveryDays: 30, delayNoticeDays: 30, acknowledgeWithinDays: 10, resolveWithinDays: 40 };
const contract = () =>
  registered(
    { terms: { ...terms, discrepancyWithinDays: 30, settleWithinDays: 30 } },
    { time: '2020-01-10', recorded: '2020-01-10' },
  );
const forecast = (time: string, by = 'prime-a', id?: string) =>
  event(
    'ForecastRevised',
    { milestone: 'D1', forecast: '2021-06-30', reason: 'on time' },
    { by, time, ...(id === undefined ? {} : { id }) },
  );

test('a report that does not come is noticed on the day after it was due, and each one after it', async () => {
  await withStore('2020-01-10', async (bench) => {
    await bench.record('2020-01-10', contract(), confirmed({ time: '2020-01-10' }));
    const watch = bench.watch();
    bench.dayBegins('2020-02-09');
    await watch.pass();
    expect(await bench.notices()).toEqual([]);
    bench.dayBegins('2020-02-10');
    await watch.pass();
    await watch.pass();
    expect(await bench.notices()).toEqual(['overdue/prime-a/1/2020-02-09']);
    expect((await bench.events()).at(-1)).toMatchObject({
      type: 'ReportOverdue',
      time: '2020-02-10T00:00:00Z',
      reporter: 'ledger',
      data: { party: 'prime-a', line: '1', dueOn: '2020-02-09' },
    });
    bench.dayBegins('2020-03-11');
    await watch.pass();
    expect(await bench.notices()).toEqual(['overdue/prime-a/1/2020-02-09', 'overdue/prime-a/1/2020-03-10']);
    expect(watch.status()).toEqual({ state: 'live', through: '2020-03-11', lagDays: 0, noticed: 2, error: undefined });
  });
});

test('after a pause it names what was missed then, though the report has come since, and not what was averted', async () => {
  await withStore('2020-01-10', async (bench) => {
    await bench.record('2020-01-10', contract(), confirmed({ time: '2020-01-10' }));
    await bench.record('2020-02-09', forecast('2020-02-09')); // on the day it was due
    await bench.record('2020-03-20', forecast('2020-03-20')); // nine days late
    bench.dayBegins('2020-04-01');
    const watch = bench.watch();
    expect(watch.status()).toMatchObject({ state: 'catching-up', through: undefined, lagDays: undefined });
    await watch.pass();
    expect(await bench.notices()).toEqual(['overdue/prime-a/1/2020-03-10']);
  });
});

test('started anew each day, or run by two at once, it notices nothing twice', async () => {
  await withStore('2020-01-10', async (bench) => {
    await bench.record('2020-01-10', contract(), confirmed({ time: '2020-01-10' }));
    for (const day of ['2020-02-10', '2020-02-11', '2020-03-12']) {
      bench.dayBegins(day);
      await Promise.all([bench.watch().pass(), bench.watch().pass()]);
    }
    expect(await bench.notices()).toEqual(['overdue/prime-a/1/2020-02-09', 'overdue/prime-a/1/2020-03-10']);
    expect(bench.warnings).toEqual([]);
  });
});

test('a delay that nobody acknowledges or resolves is escalated step by step, until it is', async () => {
  await withStore('2020-01-10', async (bench) => {
    await bench.record('2020-01-10', contract(), confirmed({ time: '2020-01-10' }));
    const delay = {
      delay: 'X1',
      cause: { code: 'supply', locus: 'subcontractor', detail: 'castings' },
      startedOn: '2020-01-12',
      forecasts: [{ milestone: 'D1', forecast: '2021-08-01' }],
    };
    await bench.record('2020-01-20', event('DelayReported', delay, { by: 'prime-a', time: '2020-01-20' }));
    const watch = bench.watch();
    bench.dayBegins('2020-02-10');
    await watch.pass();
    expect(await bench.notices()).toEqual(['escalated/prime-a/X1/acknowledge/1', 'escalated/prime-a/X1/acknowledge/2']);
    await bench.record(
      '2020-02-10',
      event('DelayAcknowledged', { delay: 'prime-a/X1' }, { by: 'jp-mod', time: '2020-02-10' }),
    );
    await bench.record('2020-02-15', forecast('2020-02-15'));
    bench.dayBegins('2020-03-02');
    await watch.pass();
    expect((await bench.notices()).slice(2)).toEqual(['escalated/prime-a/X1/resolve/1']);
    expect((await bench.events()).at(-1)?.data).toEqual({
      delay: 'prime-a/X1',
      step: 'resolve',
      overdueSince: '2020-02-29',
      level: 1,
    });
  });
});

test('a report that is taken back made no miss of the days it stood for, and makes one of those to come', async () => {
  await withStore('2020-01-10', async (bench) => {
    await bench.record('2020-01-10', contract(), confirmed({ time: '2020-01-10' }));
    await bench.record('2020-02-01', forecast('2020-02-01', 'prime-a', 'said'));
    await bench.record(
      '2020-02-20',
      event(
        'EventCorrected',
        { event: { id: 'said' }, reason: 'did-not-occur' },
        { by: 'prime-a', time: '2020-02-20' },
      ),
    );
    bench.dayBegins('2020-03-20');
    await bench.watch().pass();
    // 2020-02-09 was averted by what was known on that day; the chain goes on from the day it came to owe.
    expect(await bench.notices()).toEqual(['overdue/prime-a/1/2020-03-10']);
  });
});

test('what it may not notice is refused: not due, averted, or said by nobody', async () => {
  await withStore('2020-01-10', async (bench) => {
    await bench.record('2020-01-10', contract(), confirmed({ time: '2020-01-10' }));
    bench.dayBegins('2020-03-20');
    const data = { party: 'prime-a', line: '1', dueOn: '2020-02-10' };
    const made = incoming(
      event('ReportOverdue', data, { by: 'ledger', time: '2020-02-11', id: 'overdue/prime-a/1/2020-02-10' }),
    );
    const outcome = await bench.recorder.record(CONTRACT, [made]);
    expect(outcome).toMatchObject({ results: [{ status: 'refused', refusal: { code: 'nothing-missed' } }] });
    const others = await bench.recorder.record(CONTRACT, [made], {
      missed: new Map([[made.proposed.id, { ...data, line: '2' }]]),
    });
    expect(others).toMatchObject({ results: [{ status: 'refused', refusal: { code: 'nothing-missed' } }] });
  });
});

const remembersNothing = { recall: () => Promise.resolve(), remember: () => Promise.resolve() };

describe('a contract in which much was corrected', () => {
  /** Counts what is read of streams. */
  const counting = (store: EventStore) => {
    const read = { events: 0 };
    const counted: Pick<EventStore, 'readStream'> = {
      async *readStream(...of) {
        for await (const page of store.readStream(...of)) {
          read.events += page.length;
          yield page;
        }
      },
    };
    return { read, store: counted as EventStore };
  };
  const corrected = async (bench: Bench): Promise<void> => {
    await bench.record('2020-01-15', contract());
    for (let day = 0; day < 40; day += 1) {
      const on = new Date(at('2020-01-16') + day * DAY_MS).toISOString().slice(0, 10);
      await bench.record(on, forecast(on, 'prime-a', `f${day}`));
      await bench.record(
        on,
        event(
          'EventCorrected',
          { event: { id: `f${day}` }, reason: 'did-not-occur' },
          { by: 'prime-a', time: on, id: `c${day}` },
        ),
      );
    }
  };
  const today = (bench: Bench): number => Math.floor(bench.clock.now() / DAY_MS);

  test('is read and folded once by the process that comes after, and not at all where nothing has come', async () => {
    await withStore('2020-01-15', async (bench) => {
      await corrected(bench);
      await bench.watch().pass();
      const { length } = await bench.events();
      const { read, store } = counting(bench.store);
      const begun = async (day: number) => {
        const reckoner = new Reckoner(store, 1_000_000, { memory: bench.memory });
        read.events = 0;
        await reckoner.recall([CONTRACT]);
        return reckoner.reckon(CONTRACT, day);
      };
      const asBefore = async (day: number) => {
        const { revision, missed, next } = await begun(day);
        const anew = await new Reckoner(bench.store, 1_000_000).reckon(CONTRACT, day);
        expect([revision, missed, next]).toEqual([anew.revision, anew.missed, anew.next]);
      };
      await asBefore(today(bench));
      expect(read.events).toBeLessThanOrEqual(2);
      // Its stream is read for the types of corrections, and to be folded.
      await asBefore(today(bench) + 100);
      expect(read.events).toBeLessThanOrEqual(2 * length + 4);
      await bench.record('2020-03-01', forecast('2020-03-01', 'prime-a', 'more'));
      await asBefore(today(bench));
      expect(read.events).toBeLessThanOrEqual(2 * length + 6);
    });
  });

  test('is reckoned from its first event where what is remembered is of another stream', async () => {
    await withStore('2020-01-15', async (bench) => {
      await corrected(bench);
      await bench.watch().pass();
      const [{ eventId, ...known }] = (await bench.memory.load([CONTRACT])) as [Remembered];
      await bench.memory.save([{ ...known, eventId: `${eventId.slice(0, -1)}x`, next: undefined }]);
      const reckoner = new Reckoner(bench.store, 1_000_000, { memory: bench.memory });
      await reckoner.recall([CONTRACT]);
      expect((await reckoner.reckon(CONTRACT, today(bench))).next).toBe(known.next);
    });
  });

  test('is noticed all the same where nothing can be written down, which is said', async () => {
    await withStore('2020-01-15', async (bench) => {
      await corrected(bench);
      const watch = bench.watch();
      bench.memory.save = () => Promise.reject(new Error('the disk is full'));
      await watch.pass();
      expect(watch.status()).toMatchObject({ state: 'live' });
      expect(bench.warnings).toEqual([
        'how far contracts have been reckoned could not be written down: the disk is full',
      ]);
    });
  });
});

test('a contract that cannot be read is named, and holds up no other', async () => {
  const clock = new SteppedClock(at('2020-01-10'));
  const looked: string[] = [];
  const watch = new Watch({
    clock,
    recorder: { record: () => Promise.reject(new Error('nothing is to be recorded')) },
    reckoner: {
      reckon: (name) => {
        looked.push(name);
        return Promise.reject(new Error('its hashes do not hold'));
      },
      ...remembersNothing,
    },
    head: () => Promise.resolve(1n),
    upTo: () => Promise.resolve(),
    nextDay: () => Promise.resolve(undefined),
    candidates: (_day, after) =>
      Promise.resolve(['A', 'B'].filter((name) => name > after).map((name) => ({ contract: name, revision: 1 }))),
    standsBy: () => false,
    warn: () => undefined,
  });
  await watch.pass();
  expect(looked).toEqual(['A', 'B']);
  expect(watch.status()).toMatchObject({
    state: 'failed',
    through: undefined,
    error: { contract: 'B', detail: 'its hashes do not hold' },
  });
});

test('on random histories it has recorded what a naive reckoning gives, run each day or only at the end', async () => {
  await fc.assert(
    fc.asyncProperty(steps, fc.array(fc.nat({ max: 90 }), { minLength: 1, maxLength: 5 }), async (history, pauses) => {
      await withStore('2020-01-15', async (bench) => {
        const told = eventsOf(history).filter(({ sent }) => !sent.source.endsWith(':ledger'));
        let [watch, pause, next] = [bench.watch(), 0, 0];
        const passTo = async (ms: number): Promise<void> => {
          for (let day = (Math.floor(bench.clock.now() / DAY_MS) + 1) * DAY_MS; day <= ms; day += DAY_MS) {
            if (day < next) continue;
            bench.clock.moveTo(day);
            await watch.pass();
            pause += 1;
            // Now and then it stands still for a while, and is started anew.
            const days = pauses[pause % pauses.length]!;
            next = day + days * DAY_MS;
            if (days > 0) watch = bench.watch();
          }
        };
        for (const { sent, recorded } of told) {
          await passTo(at(recorded));
          if (at(recorded) > bench.clock.now()) bench.clock.moveTo(at(recorded));
          await bench.recorder.record(CONTRACT, [incoming(sent)]);
        }
        const end = (Math.floor(bench.clock.now() / DAY_MS) + 200) * DAY_MS;
        bench.clock.moveTo(end);
        await watch.pass();
        const recorded = await bench.events();
        const expected = naiveNotices(recorded, new Date(end).toISOString().slice(0, 10)).map(
          ({ id, type, time, data }) => ({ id, type, time, data }),
        );
        const found = recorded
          .filter(({ reporter }) => reporter === 'ledger')
          .map(({ id, type, time, data }) => ({ id, type, time, data }));
        const sorted = <T extends { time: string; id: string }>(list: readonly T[]): readonly T[] =>
          [...list].sort((a, b) => (a.time < b.time || (a.time === b.time && a.id < b.id) ? -1 : 1));
        expect(sorted(found)).toEqual(sorted(expected));
        expect(bench.warnings).toEqual([]);
      });
    }),
    { numRuns: 40 },
  );
}, 240_000);

test('on random histories it notices the same where it is told when to look', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (history) => {
      const told = eventsOf(history).filter(({ sent }) => !sent.source.endsWith(':ledger'));
      const noticed = async (watchOf: (bench: Bench) => Watch, days: number): Promise<readonly string[]> =>
        withStore('2020-01-15', async (bench) => {
          const watch = watchOf(bench);
          const passTo = async (ms: number): Promise<void> => {
            for (let day = (Math.floor(bench.clock.now() / DAY_MS) + 1) * DAY_MS; day <= ms; day += DAY_MS) {
              bench.clock.moveTo(day);
              await watch.pass();
            }
          };
          for (const { sent, recorded } of told) {
            await passTo(at(recorded));
            if (at(recorded) > bench.clock.now()) bench.clock.moveTo(at(recorded));
            await bench.recorder.record(CONTRACT, [incoming(sent)]);
          }
          await passTo(bench.clock.now() + days * DAY_MS);
          return (await bench.events())
            .filter(({ reporter }) => reporter === 'ledger')
            .map(({ id, time }) => id + time);
        });
      // Long enough for a deadline of a day to be named as often as it is named at most.
      expect(await noticed((bench) => bench.hintedWatch(), 300)).toEqual(await noticed((bench) => bench.watch(), 300));
    }),
    { numRuns: 12 },
  );
}, 240_000);

test('what has been named as often as it is named at most keeps the watch from nothing else', async () => {
  await withStore('2020-01-10', async (bench) => {
    const strict = { ...terms, acknowledgeWithinDays: 1, discrepancyWithinDays: 30, settleWithinDays: 30 };
    const cause = { code: 'x', locus: 'undetermined', detail: 'x' };
    const delay = event(
      'DelayReported',
      { delay: 'X', cause, startedOn: '2020-01-10', forecasts: [] },
      { by: 'prime-a', time: '2020-01-10' },
    );
    await bench.record(
      '2020-01-10',
      registered({ terms: strict }, { time: '2020-01-10' }),
      confirmed({ time: '2020-01-10' }),
      delay,
    );
    const watch = bench.hintedWatch();
    for (let day = 0; day < 300; day += 1) {
      bench.clock.moveTo((Math.floor(bench.clock.now() / DAY_MS) + 1) * DAY_MS);
      await watch.pass();
    }
    const found = await bench.notices();
    expect(found.filter((id) => id.startsWith('overdue/'))).toHaveLength(9);
    expect(found.filter((id) => id.includes('/acknowledge/'))).toHaveLength(100);
    expect(found.filter((id) => id.includes('/resolve/'))).toHaveLength(7);
  });
}, 60_000);

test('while nothing is recorded and nothing falls due it asks for nothing', async () => {
  const clock = new SteppedClock(at('2020-01-10'));
  let [head, asked] = [5n, 0];
  const watch = new Watch({
    clock,
    recorder: { record: () => Promise.reject(new Error('nothing is to be recorded')) },
    reckoner: { reckon: () => Promise.reject(new Error('there is nothing to reckon')), ...remembersNothing },
    head: () => Promise.resolve(head),
    upTo: () => Promise.resolve(),
    candidates: () => {
      asked += 1;
      return Promise.resolve([]);
    },
    nextDay: (day) => Promise.resolve(day + 3),
    standsBy: () => false,
    warn: () => undefined,
  });
  const passes = async (days: number): Promise<number> => {
    const before = asked;
    for (let day = 0; day < days; day += 1) {
      await watch.pass();
      clock.moveTo(clock.now() + DAY_MS);
    }
    return asked - before;
  };
  expect(await passes(3)).toBe(1);
  expect(await passes(1)).toBe(1); // the day has come
  head = 6n;
  expect(await passes(1)).toBe(1); // something was recorded
  expect(watch.status()).toMatchObject({ state: 'catching-up', through: '2020-01-14', lagDays: 1 });
});

test('closed while the read model is behind, it waits for nothing', async () => {
  let asked: () => void = () => undefined;
  const waiting = new Promise<void>((resolve) => (asked = resolve));
  const watch = new Watch({
    clock: new SteppedClock(at('2020-01-10')),
    recorder: { record: () => Promise.reject(new Error('nothing is to be recorded')) },
    reckoner: { reckon: () => Promise.reject(new Error('there is nothing to reckon')), ...remembersNothing },
    head: () => Promise.resolve(5n),
    upTo: () => {
      asked();
      return new Promise(() => undefined);
    },
    candidates: () => Promise.reject(new Error('nothing is to be asked for')),
    nextDay: (day) => Promise.resolve(day + 3),
    standsBy: () => false,
    warn: () => undefined,
  });
  const pass = watch.pass();
  await waiting;
  await watch.close();
  await pass;
  expect(watch.status()).toMatchObject({ state: 'catching-up', error: undefined });
});
