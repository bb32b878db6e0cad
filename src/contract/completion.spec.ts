import { confirmed, event, foldAll, given, registered, usd, type Sent } from '../../test/support/scenario.js';
import { allDeliveredSince } from './completion.js';
import { milestoneDates } from './schedule-arithmetic.js';

/** Ten of one line, and a milestone for them that was due on 2016-06-30. */
const LINE = { line: '1', description: 'Test set', quantity: 10, unit: 'EA', unitValue: usd('100.00') };
const MILESTONE = {
  milestone: 'D1',
  line: '1',
  kind: 'delivery',
  description: 'Delivered',
  due: '2016-06-30',
  binding: 'firm',
};
const OF_ALL = { milestone: 'ALL', kind: 'delivery', description: 'All delivered', due: '2016-06-30', binding: 'firm' };
const base = (lines: readonly object[] = [LINE], milestones: readonly object[] = [MILESTONE, OF_ALL]) => [
  registered({ signedOn: '2015-01-02', lines, milestones }, { time: '2015-01-02' }),
  confirmed({ time: '2015-01-02' }),
];

/** An amendment by the buyer, and when the seller agreed to it. */
const offered = (amendment: string, time: string, asked: object) =>
  event('ContractAmended', { amendment, consulted: [], rationale: 'x', ...asked }, { by: 'jp-mod', time });
const agreed = (amendment: string, time: string) => event('AmendmentAgreed', { amendment }, { time });
const amended = (amendment: string, time: string, agreedOn: string, asked: object): readonly Sent[] => [
  offered(amendment, time, asked),
  agreed(amendment, agreedOn),
];
const quantity = (of: number, line = '1') => ({ lines: [{ line, quantity: of }] });
const accepted = (time: string, count: number, line = '1') =>
  event(
    'DeliveryAccepted',
    { items: [{ line, quantity: count }], acceptancePoint: 'destination' },
    { by: 'jp-mod', time },
  );

/** Since when D1, the milestone of all lines and the contract are complete; the latter two are the same. */
function since(sent: readonly Sent[], first: readonly Sent[] = base()): string | undefined {
  // In recorded order, as an import brings them.
  const sorted = [...sent].sort((a, b) => (String(a['time']) < String(b['time']) ? -1 : 1));
  const played = given(...first, ...sorted);
  expect([...played.refusals.values()]).toEqual([]);
  const model = foldAll(played.recorded);
  expect(milestoneDates(model, 'ALL').actual).toBe(allDeliveredSince(model));
  return milestoneDates(model, 'D1').actual;
}

const SIX = accepted('2016-01-01', 6);

test('what asks for less completes from the day of the agreement, wherever the quantity stands', () => {
  const milestone = (of: number) => ({ milestones: [{ ...MILESTONE, quantity: of }] });
  expect(since([SIX, ...amended('A', '2017-12-01', '2018-01-01', quantity(6))])).toBe('2018-01-01');
  const both = { ...quantity(6), ...milestone(6) };
  expect(since([SIX, ...amended('A', '2017-12-01', '2018-01-01', both)])).toBe('2018-01-01');
  const [lineFirst, milestoneFirst] = [
    [quantity(6), milestone(6)],
    [milestone(6), quantity(6)],
  ] as const;
  for (const [first, second] of [lineFirst, milestoneFirst])
    expect(
      since([
        SIX,
        ...amended('A', '2017-11-01', '2018-01-01', first!),
        ...amended('B', '2018-01-15', '2018-02-01', second!),
      ]),
    ).toBe('2018-01-01');
});

test('days on which more was owed stay such days when less is asked for after they were over', () => {
  // Ten were complete two years late; that six are enough since takes nothing from it.
  const rest = accepted('2018-06-30', 4);
  expect(since([SIX, rest, ...amended('A', '2019-01-01', '2019-02-01', quantity(6))])).toBe('2018-06-30');
  expect(since([accepted('2016-01-01', 10), ...amended('A', '2019-01-01', '2019-02-01', quantity(6))])).toBe(
    '2016-01-01',
  );
});

test('agreeing to an offer that others have taken the place of changes nothing', () => {
  const superseded = [
    offered('A1', '2016-02-01', quantity(8)),
    ...amended('A2', '2016-03-01', '2016-04-01', quantity(5)),
    accepted('2016-05-01', 5),
  ];
  expect(since(superseded)).toBe('2016-05-01');
  expect(since([...superseded, agreed('A1', '2025-12-20')])).toBe('2016-05-01');
  const raised = [
    offered('A1', '2015-06-01', quantity(20)),
    accepted('2016-01-01', 10),
    ...amended('A2', '2016-08-01', '2016-09-01', quantity(10)),
  ];
  expect(since([...raised, agreed('A1', '2025-12-20')])).toBe('2016-01-01');
  // One that decides does: from 2016-02-15 four were enough.
  expect(
    since([SIX, ...amended('A1', '2016-02-01', '2016-02-15', quantity(4)), offered('A2', '2016-03-01', quantity(6))]),
  ).toBe('2016-02-15');
});

test('a line that is cancelled is asked for until it is, and nothing of it afterwards', () => {
  const two = base([LINE, { ...LINE, line: '2' }]);
  const all = (sent: readonly Sent[]) => {
    const model = foldAll(given(...two, ...sent).recorded);
    expect(milestoneDates(model, 'ALL').actual).toBe(allDeliveredSince(model));
    return allDeliveredSince(model);
  };
  const cancelled = amended('A', '2016-02-01', '2016-03-01', { lines: [{ line: '2', cancelled: true }] });
  const ten = accepted('2016-01-01', 10);
  expect(all([ten])).toBeUndefined();
  expect(all([ten, ...cancelled])).toBe('2016-03-01');
  expect(all([ten, ...cancelled, ...amended('B', '2025-12-01', '2025-12-20', quantity(1, '2'))])).toBe('2016-03-01');
});

test('a milestone of a cancelled line keeps the quantity that it had', () => {
  const cancelled = amended('A', '2016-02-01', '2016-03-01', { lines: [{ line: '1', cancelled: true }] });
  const model = foldAll(
    given(...base(), SIX, ...cancelled, ...amended('B', '2018-01-01', '2018-01-02', quantity(6))).recorded,
  );
  expect(milestoneDates(model, 'D1')).toMatchObject({ actual: undefined, stillFrom: '2016-03-01' });
});

test('raised and lowered again, it is incomplete between', () => {
  const ten = accepted('2016-01-01', 10);
  const raised = amended('A', '2017-11-01', '2018-01-01', quantity(12));
  expect(since([ten, ...raised])).toBeUndefined();
  expect(since([ten, ...raised, ...amended('B', '2018-11-01', '2019-01-01', quantity(10))])).toBe('2019-01-01');
});

test('another line, or another kind, completes nothing before it was agreed to, unless it was complete before', () => {
  const two = base([LINE, { ...LINE, line: '2' }], [MILESTONE]);
  const moved = amended('A', '2017-11-01', '2018-01-01', {
    milestones: [{ ...MILESTONE, line: '2' }],
  });
  const actual = (sent: readonly Sent[]) => milestoneDates(foldAll(given(...two, ...sent).recorded), 'D1').actual;
  const ofTwo = accepted('2016-02-01', 10, '2');
  expect(actual([ofTwo, ...moved])).toBe('2018-01-01');
  expect(actual([accepted('2016-01-01', 10), ofTwo, ...moved])).toBe('2016-02-01');
  // What is reported late of the line that it was for before bears on it still.
  expect(actual([ofTwo, ...moved, accepted('2016-03-01', 10)])).toBe('2016-03-01');

  const checked = amended('A', '2017-11-01', '2018-01-01', { milestones: [{ ...MILESTONE, kind: 'quality' }] });
  const reached = event(
    'MilestoneReached',
    { milestone: 'D1', on: '2016-01-01' },
    { by: 'jp-mod', time: '2018-02-01' },
  );
  expect(since([...checked, reached])).toBe('2018-01-01');
});

test('what is claimed after it was agreed that deliveries count changes nothing', () => {
  const first = base([LINE], [{ ...MILESTONE, kind: 'quality' }, OF_ALL]);
  const counted = amended('A', '2017-11-01', '2018-01-01', { milestones: [MILESTONE] });
  const claim = (by: string, time: string) =>
    event('MilestoneReached', { milestone: 'D1', on: '2016-02-01' }, { by, time });
  const ten = accepted('2016-01-01', 10);
  expect(since([ten, ...counted], first)).toBe('2018-01-01');
  expect(since([ten, ...counted, claim('carrier-a', '2026-01-01')], first)).toBe('2018-01-01');
  // What was reached while that was asked for stays reached.
  expect(since([ten, claim('jp-mod', '2016-02-01'), ...counted], first)).toBe('2016-02-01');
});

test('a surplus that is turned back on the day on which less is asked for undoes nothing', () => {
  const less = amended('A', '2017-12-01', '2018-01-01', quantity(6));
  const back = (time: string) =>
    event(
      'DeliveryRejected',
      { items: [{ line: '1', quantity: 4 }], reason: 'x', revokes: true },
      { by: 'jp-mod', time },
    );
  for (const time of ['2018-01-01T13:00:00Z', '2018-01-02'])
    expect(since([accepted('2016-01-01', 10), ...less, back(time)])).toBe('2016-01-01');
  expect(since([accepted('2016-01-01', 10), back('2017-12-31'), ...less])).toBe('2018-01-01');
});

describe('what is cancelled stands still', () => {
  const two = base([LINE, { ...LINE, line: '2' }]);
  const moved = (line: string) => ({ milestones: [{ ...MILESTONE, line }] });
  const gone = (line: string) => ({ lines: [{ line, cancelled: true }] });
  const dates = (...sent: readonly Sent[]) => milestoneDates(foldAll(given(...two, ...sent).recorded), 'D1');

  test('from when it came to be of a line that was cancelled before, and not from then', () => {
    const offer = offered('A', '2015-06-01', moved('2'));
    const cancelled = amended('C', '2015-12-01', '2016-02-01', gone('2'));
    expect(dates(offer, ...cancelled).stillFrom).toBeUndefined();
    expect(dates(offer, ...cancelled, agreed('A', '2026-03-22')).stillFrom).toBe('2026-03-22');
  });

  test('whatever line it is given since', () => {
    const offer = offered('A', '2015-06-01', moved('2'));
    const cancelled = amended('C', '2018-01-01', '2018-02-01', gone('1'));
    expect(dates(offer, ...cancelled, agreed('A', '2026-03-22')).stillFrom).toBe('2018-02-01');
  });

  test('whatever day the agreement to another line is said to be of', () => {
    const offer = offered('A', '2015-06-01', moved('2'));
    const cancelled = amended('C', '2018-01-01', '2018-02-01', gone('1'));
    const agreedOn = (time: string) => event('AmendmentAgreed', { amendment: 'A' }, { time, recorded: '2018-02-20' });
    for (const time of ['2018-01-31', '2018-02-01T23:00:00Z'])
      expect(dates(offer, ...cancelled, agreedOn(time)).stillFrom).toBe('2018-02-01');
    // And the first that was recorded decides, whatever day a second one is said to be of.
    const again = offered('D', '2015-06-01', { milestones: [{ milestone: 'D1', cancelled: true }] });
    const second = event('AmendmentAgreed', { amendment: 'D' }, { time: '2018-01-25', recorded: '2018-02-20' });
    expect(dates(again, ...cancelled, second).stillFrom).toBe('2018-02-01');
  });

  test('also where that was agreed before it was introduced', () => {
    const introduced = offered('I', '2017-01-01', { milestones: [{ ...MILESTONE, milestone: 'N' }] });
    const cancelled = amended('X', '2017-02-01', '2018-02-01', { milestones: [{ milestone: 'N', cancelled: true }] });
    const less = amended('L', '2018-04-01', '2018-05-01', {
      milestones: [{ ...MILESTONE, milestone: 'N', quantity: 1 }],
    });
    const history = [introduced, ...cancelled, agreed('I', '2018-03-01'), ...less, accepted('2018-06-01', 1)];
    const { recorded } = given(...two, ...history);
    expect(milestoneDates(foldAll(recorded), 'N')).toMatchObject({ actual: undefined, stillFrom: '2018-02-01' });
  });

  test('whatever less is agreed to since, as of before', () => {
    const gone2 = amended('C', '2018-01-01', '2018-02-01', { milestones: [{ milestone: 'D1', cancelled: true }] });
    const late = (amendment: string) =>
      event('AmendmentAgreed', { amendment }, { time: '2018-01-30', recorded: '2018-02-20' });
    const some = accepted('2017-01-01', 3);
    for (const less of [
      { milestones: [{ ...MILESTONE, quantity: 3 }] },
      { lines: [{ line: '1', quantity: 3 }] },
      { milestones: [{ ...MILESTONE, line: '2', quantity: 0 }] },
    ]) {
      const offer = offered('A', '2016-02-01', less);
      expect(dates(offer, some, ...gone2, late('A'))).toMatchObject({ actual: undefined, stillFrom: '2018-02-01' });
      expect(
        dates(offer, some, event('AmendmentAgreed', { amendment: 'A' }, { time: '2018-01-30' }), ...gone2),
      ).toMatchObject({
        actual: '2018-01-30',
      });
    }
  });

  test('and what was claimed of it counts as it stood then, whatever that is corrected to since', () => {
    const claimed = base(
      [LINE],
      [
        { ...MILESTONE, kind: 'quality' },
        { ...MILESTONE, milestone: 'Q', kind: 'quality' },
      ],
    );
    const claim = event('MilestoneReached', { milestone: 'D1', on: '2017-12-01' }, { time: '2017-12-01', id: 'claim' });
    const corrected = (time: string, replacement?: object) =>
      event(
        'EventCorrected',
        {
          event: { id: 'claim' },
          ...(replacement === undefined ? { reason: 'did-not-occur' } : { reason: 'incorrect-data', replacement }),
        },
        { time },
      );
    const actual = (...sent: readonly Sent[]) =>
      milestoneDates(foldAll(given(...claimed, ...sent).recorded), 'D1').actual;
    const cancelled = amended('C', '2018-01-01', '2018-02-01', { milestones: [{ milestone: 'D1', cancelled: true }] });
    const on = (day: string, milestone = 'D1') => ({ milestone, on: day });
    expect(actual(claim, ...cancelled, corrected('2019-01-01', on('2016-01-01')))).toBe('2017-12-01');
    expect(actual(claim, ...cancelled, corrected('2019-01-01'))).toBe('2017-12-01');
    expect(actual(claim, ...cancelled, corrected('2019-01-01', on('2016-01-01', 'Q')))).toBe('2017-12-01');
    expect(actual(claim, corrected('2017-12-20', on('2016-01-01')), ...cancelled)).toBe('2016-01-01');
    expect(actual(claim, corrected('2017-12-20'), ...cancelled)).toBeUndefined();
    expect(
      actual(claim, corrected('2017-12-20'), ...cancelled, corrected('2019-01-01', on('2016-01-01'))),
    ).toBeUndefined();
  });

  test('and is not reached by what is claimed since, whatever is agreed about its line thereafter', () => {
    const three = base([LINE, { ...LINE, line: '2' }, { ...LINE, line: '3' }], [{ ...MILESTONE, kind: 'quality' }]);
    const claim = event('MilestoneReached', { milestone: 'D1', on: '2016-01-01' }, { time: '2018-06-01' });
    const to = (amendment: string, time: string, line: string) =>
      offered(amendment, time, { milestones: [{ ...MILESTONE, kind: 'quality', line }] });
    const history = [
      to('A', '2017-05-01', '2'),
      to('B', '2017-06-01', '3'),
      ...amended('C', '2018-01-01', '2018-02-01', gone('2')),
      agreed('A', '2018-03-01'),
      claim,
    ];
    const shown = (...sent: readonly Sent[]) => milestoneDates(foldAll(given(...three, ...sent).recorded), 'D1');
    expect(shown(...history)).toMatchObject({ actual: undefined, stillFrom: '2018-03-01' });
    expect(shown(...history, agreed('B', '2018-07-01'))).toMatchObject({ actual: undefined, stillFrom: '2018-03-01' });
  });

  test('whatever is delivered or claimed since', () => {
    const cancelled = amended('C', '2018-01-01', '2018-02-01', {
      milestones: [{ milestone: 'D1', cancelled: true }],
    });
    expect(dates(...cancelled, accepted('2026-06-30', 10))).toMatchObject({
      actual: undefined,
      stillFrom: '2018-02-01',
    });
    expect(dates(accepted('2017-06-30', 10), ...cancelled).actual).toBe('2017-06-30');
    const quality = base([LINE], [{ ...MILESTONE, kind: 'quality' }]);
    const claim = (time: string) => event('MilestoneReached', { milestone: 'D1', on: '2016-01-01' }, { time });
    const actual = (...sent: readonly Sent[]) =>
      milestoneDates(foldAll(given(...quality, ...sent).recorded), 'D1').actual;
    expect(actual(...cancelled, claim('2026-01-01'))).toBeUndefined();
    expect(actual(claim('2017-01-01'), ...cancelled)).toBe('2016-01-01');
  });
});
