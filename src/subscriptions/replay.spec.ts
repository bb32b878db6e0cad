import type { Row } from '../../projections/projection.js';
import {
  correction,
  counted,
  headTable,
  itemTable,
  ToyLedger,
  toyProjections,
  toyRules,
  trailTable,
} from '../../test/contract/projections-support.js';
import { temporaryStore, type TemporaryStore } from '../../test/support/stores.js';
import type { EventStore } from '../event-store/event-store.js';
import { replayContract, type ReplayRequest } from './replay.js';

describe('replaying a contract', () => {
  let temporary: TemporaryStore;
  let store: EventStore;
  let ledger: ToyLedger;
  /** Positions by the ids of events. */
  const at: Record<string, bigint> = {};

  beforeAll(async () => {
    temporary = temporaryStore();
    store = temporary.store;
    ledger = new ToyLedger(store);
    const day = (n: number) => ({ time: `2024-03-0${n}T10:00:00Z`, recordedtime: `2024-04-0${n}T00:00:00.000Z` });
    at['other'] = await ledger.register('other', day(1));
    at['registration'] = await ledger.register('a', day(1));
    at['two'] = await ledger.append('a', counted('nut', 2, {}, { id: 'two', ...day(2) }));
    // Recorded before 'two' happened to be late: it speaks of the 5th.
    at['five'] = await ledger.append(
      'a',
      counted('nut', 5, {}, { id: 'five', ...day(3), time: '2024-03-05T23:59:59.9Z' }),
    );
    at['c1'] = await ledger.append(
      'a',
      correction('two', { item: 'bolt', amount: 20 }, { id: 'c1', ...day(4), time: '2024-03-09T00:00:00Z' }),
    );
    at['c2'] = await ledger.append('a', correction('two', undefined, { id: 'c2', ...day(6) }));
  });
  afterAll(() => temporary.remove());

  const replay = (request: Omit<ReplayRequest, 'contract'>, contract = 'a') =>
    replayContract(store, { contract, verify: true, ...request }, toyProjections, toyRules);
  const items = async (request: Omit<ReplayRequest, 'contract'>): Promise<unknown> => {
    const replayed = await replay(request);
    return replayed?.rows.get(itemTable.name)?.map(({ item, amount }: Row) => [item, amount]);
  };
  const late = '2024-12-31T00:00:00Z';

  it.each([
    ['two', [['nut', 2]]],
    ['five', [['nut', 7]]],
    [
      'c1',
      [
        ['bolt', 20],
        ['nut', 5],
      ],
    ],
    ['c2', [['nut', 5]]],
  ])('shows what was known by position: up to %s', async (id, expected) => {
    expect(await items({ asOf: { instant: late, position: at[id]! } })).toEqual(expected);
  });

  it.each([
    ['2024-04-02T00:00:00Z', [['nut', 2]]],
    ['2024-04-02T23:59:59.999999999Z', [['nut', 2]]],
    ['2024-04-03T00:00:00.000Z', [['nut', 7]]],
    [
      '2024-04-04T00:00:00Z',
      [
        ['bolt', 20],
        ['nut', 5],
      ],
    ],
    [late, [['nut', 5]]],
  ])('shows what was known by instant: %s', async (instant, expected) => {
    expect(await items({ asOf: { instant } })).toEqual(expected);
  });

  it.each([
    ['2024-03-01', 'c1', []],
    ['2024-03-02', 'c1', [['bolt', 20]]],
    ['2024-03-04', 'five', [['nut', 2]]],
    ['2024-03-05', 'five', [['nut', 7]]],
    ['2024-03-02', 'c2', []],
  ])(
    'leaves out what happened after %s, while corrections hold whatever their own time (known by %s)',
    async (on, id, expected) => {
      expect(await items({ asOf: { instant: late, position: at[id]! }, on })).toEqual(expected);
    },
  );

  it('says what it reflects', async () => {
    const byPosition = await replay({ asOf: { instant: '2024-04-03T00:00:00.000Z', position: at['five']! } });
    expect(byPosition).toMatchObject({
      position: at['five'],
      asOfInstant: '2024-04-03T00:00:00.000Z',
      on: '2024-04-03',
    });
    expect(await replay({ asOf: { instant: late }, on: '2024-03-02' })).toMatchObject({
      position: at['c2'],
      on: '2024-03-02',
    });
    expect(byPosition?.model.revision).toBe(2);
    expect(byPosition?.rows.get(headTable.name)).toEqual([
      { contract: 'a', events: 3, total: 7, position: at['five'], last_item: 'nut' },
    ]);
  });

  it.each<[string, string, Omit<ReplayRequest, 'contract'>]>([
    ['before it was recorded', 'a', { asOf: { instant: '2024-03-31T23:59:59Z' } }],
    ['before its position', 'a', { asOf: { instant: late, position: 1n } }],
    ['before it happened', 'a', { asOf: { instant: late }, on: '2024-02-29' }],
    ['where there is none', 'nothing', { asOf: { instant: late } }],
  ])('gives nothing %s', async (_, contract, request) => {
    expect(await replay(request, contract)).toBeUndefined();
  });

  it('finds what was changed in the stream', async () => {
    const changed: EventStore = Object.assign(Object.create(store) as EventStore, {
      readStream: async function* (...args: Parameters<EventStore['readStream']>) {
        for await (const page of store.readStream(...args))
          yield page.map((event) =>
            event.position === at['five'] ? { ...event, data: event.data.replace('5', '6') } : event,
          );
      },
    });
    const request = { contract: 'a', asOf: { instant: late }, verify: true };
    await expect(replayContract(changed, request, toyProjections, toyRules)).rejects.toMatchObject({
      code: 'chain-broken',
      revision: 2n,
    });
    // As of before, the change is not looked at.
    const before = { ...request, asOf: { instant: late, position: at['two']! } };
    expect((await replayContract(changed, before, toyProjections, toyRules))?.position).toBe(at['two']);
  });

  it('reads a stream once, and from its beginning again where something in it was corrected', async () => {
    await ledger.register('long');
    for (let n = 0; n < 24; n += 1) await ledger.append('long', counted('nut', 1, {}, { id: `n${n}` }));
    let reads = 0;
    const counting: EventStore = Object.assign(Object.create(store) as EventStore, {
      readStream: (...args: Parameters<EventStore['readStream']>) => {
        reads += 1;
        return store.readStream(...args);
      },
    });
    const request = { contract: 'long', asOf: { instant: late } };
    const plain = await replayContract(counting, request, toyProjections, toyRules);
    expect([reads, plain?.rows.get(itemTable.name)]).toMatchObject([1, [{ amount: 24 }]]);

    await ledger.correct('long', 'n3', { item: 'nut', amount: 10 });
    reads = 0;
    const replayed = await replayContract(counting, request, toyProjections, toyRules);
    expect(reads).toBe(3);
    expect(replayed?.rows.get(itemTable.name)).toMatchObject([{ amount: 33 }]);
    expect(replayed?.rows.get(trailTable.name)).toHaveLength(26);
  });

  it('folds no further than it looked for corrections', async () => {
    await ledger.register('racing');
    await ledger.append('racing', counted('nut', 1, {}, { id: 'first' }));
    await ledger.correct('racing', 'first', { item: 'nut', amount: 2 });
    let reads = 0;
    // Between the pass that finds the corrections and the one that applies them somebody corrects once more.
    const racing: EventStore = Object.assign(Object.create(store) as EventStore, {
      readStream: async function* (...args: Parameters<EventStore['readStream']>) {
        reads += 1;
        if (reads === 3) await ledger.correct('racing', 'first', { item: 'nut', amount: 3 });
        yield* store.readStream(...args);
      },
    });
    const request = { contract: 'racing', asOf: { instant: late }, verify: true };
    const replayed = await replayContract(racing, request, toyProjections, toyRules);
    expect(replayed?.rows.get(itemTable.name)).toMatchObject([{ amount: 2 }]);
    expect(replayed?.rows.get(trailTable.name)).toHaveLength(3);
  });
});
