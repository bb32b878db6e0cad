import { randomBytes } from 'node:crypto';
import { CONTRACT, confirmed, event, incoming, registered, type Sent } from '../../test/support/scenario.js';
import { checkedStream, faulty, temporaryStore, type Fault, type TemporaryStore } from '../../test/support/stores.js';
import { SteppedClock } from '../clock.js';
import { EventStoreError } from '../event-store/event-store.js';
import { Recorder, type ItemResult, type RecordOptions, type RecordOutcome } from './recorder.js';

const STREAM = `contract-${CONTRACT}`;
let temporary: TemporaryStore;
beforeEach(() => {
  temporary = temporaryStore();
});
afterEach(() => temporary.remove());

const clock = new SteppedClock(Date.parse('2026-01-16T00:00:00Z'));
const outside = { clock, random: (bytes: number) => randomBytes(bytes) };
const node = (faults: Fault[] = [], soleWriter = false) =>
  new Recorder(faulty(temporary.store, faults), outside, { soleWriter, retryDelaysMs: [1, 1, 1] });

const send = (recorder: Recorder, sent: readonly Sent[], options?: RecordOptions): Promise<RecordOutcome> =>
  recorder.record(CONTRACT, sent.map(incoming), options);
async function results(outcome: Promise<RecordOutcome>): Promise<readonly ItemResult[]> {
  const settled = await outcome;
  if (settled.kind !== 'itemised') throw new Error(settled.kind);
  return settled.results;
}
const statuses = async (outcome: Promise<RecordOutcome>): Promise<string[]> =>
  (await results(outcome)).map((result) => (result.status === 'refused' ? result.refusal.code : result.status));
const stored = async () => (await checkedStream(temporary.store, STREAM)).map((entry) => entry.attributes.id);

const base = () => [registered(), confirmed({ id: 'confirmed' })];
const forecast = (id: string, to = '2022-01-01') =>
  event('ForecastRevised', { milestone: 'D1', forecast: to, reason: 'x' }, { id });

test('a batch is recorded in order in one append, and sent again it answers with what was recorded', async () => {
  const recorder = node();
  const first = await results(send(recorder, [...base(), forecast('f')]));
  expect(first.map((result) => result.status)).toEqual(['recorded', 'recorded', 'recorded']);
  expect(new Set(first.map((result) => 'position' in result && result.position)).size).toBe(1);
  expect(await statuses(send(recorder, [...base(), forecast('f')]))).toEqual(['duplicate', 'duplicate', 'duplicate']);
  expect(await statuses(send(node(), [...base(), forecast('f')]))).toEqual(['duplicate', 'duplicate', 'duplicate']);
  expect(await stored()).toEqual(['registration', 'confirmed', 'f']);
});

test('an id used again with other content is refused, in the stream and within one batch', async () => {
  const recorder = node();
  await send(recorder, [...base(), forecast('f')]);
  expect(await statuses(send(recorder, [forecast('f', '2023-01-01')]))).toEqual(['event-id-reused']);
  expect(await statuses(send(recorder, [forecast('g'), forecast('g'), forecast('g', '2024-01-01')]))).toEqual([
    'recorded',
    'duplicate',
    'event-id-reused',
  ]);
  expect(await stored()).toEqual(['registration', 'confirmed', 'f', 'g']);
});

test('itemised: the right ones are recorded, the wrong ones refused; atomic: none where one is wrong', async () => {
  const recorder = node();
  await send(recorder, base());
  const wrong = event('ForecastRevised', { milestone: 'nowhere', forecast: '2022-01-01', reason: 'x' }, { id: 'w' });
  expect(await statuses(send(recorder, [forecast('a'), wrong, forecast('b')], { atomic: true }))).toEqual([
    'atomic-batch-refused',
    'unknown-reference',
    'atomic-batch-refused',
  ]);
  expect(await stored()).toHaveLength(2);
  expect(await statuses(send(recorder, [forecast('a'), wrong, forecast('b')]))).toEqual([
    'recorded',
    'unknown-reference',
    'recorded',
  ]);
  expect(await statuses(send(recorder, [forecast('c'), forecast('a')], { atomic: true }))).toEqual([
    'recorded',
    'duplicate',
  ]);
});

test('If-Match: duplicates first, then the revision, then the decision', async () => {
  const recorder = node();
  await send(recorder, base());
  expect(await send(recorder, [forecast('a')], { ifMatch: 7n })).toEqual({ kind: 'precondition-failed', revision: 1n });
  expect(await statuses(send(recorder, [forecast('a'), forecast('b')], { ifMatch: 1n }))).toEqual([
    'recorded',
    'recorded',
  ]);
  expect(await statuses(send(recorder, [forecast('a')], { ifMatch: 1n }))).toEqual(['duplicate']);
  expect(await send(recorder, [forecast('a'), forecast('c')], { ifMatch: 1n })).toEqual({
    kind: 'precondition-failed',
    revision: 3n,
  });
  expect(await stored()).toHaveLength(4);
});

test('an atomic batch that would not fit one append is refused whole; one that is itemised is cut between events', async () => {
  const recorder = node();
  await send(recorder, base());
  const big = Array.from({ length: 300 }, (_, index) =>
    event(
      'ForecastRevised',
      { milestone: 'D1', forecast: '2022-01-01', reason: 'y'.repeat(4_000) },
      { id: `big-${index}` },
    ),
  );
  expect(new Set(await statuses(send(recorder, big, { atomic: true })))).toEqual(new Set(['batch-too-large']));
  expect(await stored()).toHaveLength(2);
  expect(new Set(await statuses(send(recorder, big)))).toEqual(new Set(['recorded']));
  expect(await stored()).toHaveLength(302);
});

/** `count` forecasts whose reasons make them `characters` long. */
const large = (count: number, characters: number, name = 'big') =>
  Array.from({ length: count }, (_, index) =>
    event(
      'ForecastRevised',
      { milestone: 'D1', forecast: '2022-01-01', reason: 'y'.repeat(characters) },
      { id: `${name}-${index}` },
    ),
  );

test('an atomic batch is too large only for the stream as it is: what another node recorded of it is repeated', async () => {
  const behind = node();
  await send(behind, base());
  const batch = large(300, 4_000);
  await send(node(), batch.slice(0, 150));
  const found = await statuses(send(behind, batch, { atomic: true }));
  expect(found).toEqual([...Array(150).fill('duplicate'), ...Array(150).fill('recorded')]);
});

test('a repeat within an atomic batch that is refused is no duplicate of anything', async () => {
  const recorder = node();
  await send(recorder, base());
  const wrong = event('ForecastRevised', { milestone: 'nowhere', forecast: '2022-01-01', reason: 'x' }, { id: 'w' });
  const both = [
    send(recorder, [forecast('first')]),
    send(recorder, [forecast('a'), forecast('a'), wrong], { atomic: true }),
  ];
  expect(await statuses(both[1]!)).toEqual(['atomic-batch-refused', 'atomic-batch-refused', 'unknown-reference']);
  expect(await statuses(both[0]!)).toEqual(['recorded']);
  expect(await stored()).toEqual(['registration', 'confirmed', 'first']);
});

test('many corrections of large events take several rounds and come out as one', async () => {
  const recorder = new Recorder(temporary.store, outside, { soleWriter: true, namedBytes: 20_000 });
  await send(recorder, base());
  const originals = large(40, 3_900);
  await send(recorder, originals);
  const corrections = originals.map((original, index) =>
    event('EventCorrected', { event: { id: original.id }, reason: 'did-not-occur' }, { id: `c-${index}` }),
  );
  expect(new Set(await statuses(send(recorder, corrections)))).toEqual(new Set(['recorded']));
  expect(new Set(await statuses(send(node(), corrections)))).toEqual(new Set(['duplicate']));
});

test('what earlier rounds recorded is answered, where the rest cannot be written', async () => {
  const broken = () => Promise.reject(new EventStoreError('store-refused', 'broken by the test'));
  const recorder = node([() => Promise.resolve(), () => Promise.resolve(), broken]);
  await send(recorder, base());
  const found = await results(send(recorder, large(600, 3_900)));
  const recorded = found.filter(({ status }) => status === 'recorded').length;
  expect(recorded).toBeGreaterThan(100);
  expect(await stored()).toHaveLength(2 + recorded);
  expect(found.slice(recorded).every((result) => result.status === 'failed' && 'error' in result)).toBe(true);
  // Nothing is known to be recorded of a command that did not get so far: it fails as a whole.
  await expect(send(node([broken]), [forecast('z')])).rejects.toMatchObject({ code: 'store-refused' });
});

test('If-Match holds when the append is made, not when there was no room for it', async () => {
  const recorder = node([
    () => Promise.resolve(),
    () => Promise.resolve(),
    async () => void (await send(node(), [forecast('other')])),
  ]);
  await send(recorder, base());
  // The first fills an append; the second waits for the next one, before which another node writes.
  const first = send(recorder, large(222, 4_000));
  const second = send(recorder, [forecast('mine')], { ifMatch: 223n });
  expect(new Set(await statuses(first))).toEqual(new Set(['recorded']));
  expect(await second).toEqual({ kind: 'precondition-failed', revision: 224n });
});

describe('faults', () => {
  test.each([
    [['lost']],
    [['stored-answer-lost']],
    [['lost', 'stored-answer-lost']],
    [['stored-answer-lost', 'lost']],
  ] as [Fault[]][])(
    'an append %j is repeated with the same bytes until its outcome is known: recorded once',
    async (faults) => {
      const recorder = node([...faults]);
      expect(await statuses(send(recorder, [...base(), forecast('f')]))).toEqual(['recorded', 'recorded', 'recorded']);
      expect(await stored()).toEqual(['registration', 'confirmed', 'f']);
    },
  );

  test('an outcome that stays unknown is `failed`; sent again it is recorded once, whichever it was', async () => {
    for (const fault of ['lost', 'stored-answer-lost'] as const) {
      const id = `f-${fault}`;
      const recorder = node();
      await send(recorder, base());
      const failing = node([fault, 'lost', 'lost', 'lost']);
      expect(
        (await results(send(failing, [forecast(id), forecast(`${id}-2`)]))).map((result) => result.status),
      ).toEqual(['failed', 'failed']);
      const again = await statuses(send(failing, [forecast(id)]));
      expect(again).toEqual([fault === 'lost' ? 'recorded' : 'duplicate']);
      expect((await stored()).filter((found) => found === id)).toHaveLength(1);
    }
  });

  test('what was decided on events that then failed fails with them, and is no refusal', async () => {
    const delay = (id: string, detail: string) =>
      event(
        'DelayReported',
        { delay: 'D1', cause: { code: 'parts', locus: 'seller', detail }, startedOn: '2020-02-01', forecasts: [] },
        { id },
      );
    await send(node(), base());
    const failing = node(['lost', 'lost', 'lost', 'lost']);
    const [first, ...others] = [
      send(failing, [delay('a', 'x')]),
      send(failing, [delay('b', 'x')]), // would be `id-in-use`
      send(failing, [delay('a', 'y')]), // would be `event-id-reused`
      send(failing, [delay('a', 'x')]), // would be a duplicate
      send(failing, [forecast('c')], { ifMatch: 1n }), // would be another revision
    ];
    for (const outcome of [first!, ...others])
      expect(await results(outcome)).toEqual([expect.objectContaining({ status: 'failed' })]);
    expect(await stored()).toHaveLength(2);
    expect(await statuses(send(failing, [delay('b', 'x')]))).toEqual(['recorded']);
  });

  test('a conflict with another node is answered by reading on and deciding again', async () => {
    await send(node(), base());
    const other = node();
    const recorder = node([async () => void (await send(other, [forecast('theirs')]))]);
    expect(await statuses(send(recorder, [forecast('ours')]))).toEqual(['recorded']);
    expect(await stored()).toEqual(['registration', 'confirmed', 'theirs', 'ours']);
    const same = node([async () => void (await send(other, [forecast('same')]))]);
    expect(await statuses(send(same, [forecast('same')]))).toEqual(['duplicate']);
  });

  test('after ten conflicts in a row the items are failed, nothing of them recorded', async () => {
    await send(node(), base());
    const other = node();
    let written = 0;
    const faults: Fault[] = Array.from({ length: 10 }, () => async () => {
      written += 1;
      await send(other, [forecast(`theirs-${written}`)]);
    });
    const [result] = await results(send(node(faults), [forecast('ours')]));
    expect(result).toMatchObject({ status: 'failed', code: 'contended' });
    expect(await stored()).toHaveLength(12);
  });

  test('a refusal is decided on the stream as it is now, not on what was remembered', async () => {
    const [one, other] = [node(), node()];
    await send(one, base());
    await send(other, [forecast('x')]); // `other` remembers the contract from here on
    const added = event('PartyAdded', { party: 'new', name: 'n', role: 'prime', country: 'US' }, { id: 'added' });
    await send(one, [
      event('PartyRemoved', { party: 'prime-a', role: 'prime', reason: 'x' }, { id: 'removed' }),
      added,
    ]);
    const byNew = event(
      'ForecastRevised',
      { milestone: 'D1', forecast: '2022-01-01', reason: 'x' },
      { id: 'n', by: 'new' },
    );
    expect(await statuses(send(other, [byNew]))).toEqual(['recorded']);
    const [stale] = [node()];
    await send(stale, [forecast('y')]);
    await send(one, [forecast('z')]);
    expect(await statuses(send(stale, [forecast('w')], { ifMatch: 7n }))).toEqual(['recorded']);
  });

  test('the same batch to two nodes at once: one history, each event once', async () => {
    await send(node(), base());
    const batch = Array.from({ length: 40 }, (_, index) => forecast(`b-${index}`));
    const nodes = [node(), node(), node()];
    const all = await Promise.all(nodes.map((each) => statuses(send(each, batch))));
    for (const found of all) expect(new Set(found).size).toBeGreaterThan(0);
    expect(all.flat().filter((status) => status === 'recorded')).toHaveLength(40);
    expect(all.flat().filter((status) => status === 'duplicate')).toHaveLength(80);
    expect(await stored()).toHaveLength(42);
  });

  test('many commands at once to one contract are all recorded, gapless, in far fewer appends', async () => {
    const recorder = node([], true);
    await send(recorder, base());
    const before = (await temporary.store.head())!.position;
    const outcomes = await Promise.all(
      Array.from({ length: 200 }, (_, index) => results(send(recorder, [forecast(`c-${index}`)]))),
    );
    const revisions = outcomes
      .map(([result]) => (result?.status === 'recorded' ? result.revision : -1n))
      .sort((a, b) => Number(a - b));
    expect(revisions).toEqual(Array.from({ length: 200 }, (_, index) => BigInt(index + 2)));
    const appends = new Set(outcomes.map(([result]) => (result?.status === 'recorded' ? result.position : 0n)));
    expect(appends.size).toBeLessThan(20);
    expect((await temporary.store.head())!.position - before).toBe(200n);
  });

  test('recordedtime never goes backwards, though another node’s clock was ahead', async () => {
    const ahead = new Recorder(
      temporary.store,
      { ...outside, clock: new SteppedClock(clock.now() + 60_000) },
      { soleWriter: false },
    );
    await send(ahead, base());
    await send(node(), [forecast('f')]);
    const times = (await checkedStream(temporary.store, STREAM)).map((entry) => entry.recordedtime);
    expect(times).toEqual([...times].sort());
    expect(times[2]).toBe(times[1]);
  });

  test('a stream that does not hold takes no writes', async () => {
    const recorder = node();
    await send(recorder, base());
    // Something else writes to the stream, without a record.
    await temporary.store.append(STREAM, 1n, [
      { id: '00000000-0000-4000-8000-000000000000', type: 'ForecastRevised', data: '{}', metadata: '{}' },
    ]);
    await expect(send(node(), [forecast('f')])).rejects.toMatchObject({ code: 'chain-broken' });
    await expect(send(recorder, [forecast('f')])).rejects.toMatchObject({ code: 'chain-broken' });
  });
});
