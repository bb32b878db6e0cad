import { fold } from '../../src/contract/contract.js';
import { inForce } from '../../src/contract/terms-in-force.js';
import {
  confirmed,
  effective,
  event,
  foldAll,
  given,
  MemoryRows,
  registered,
  rowsAfter,
  type Sent,
} from '../../test/support/scenario.js';
import { changesOf, shownChanges } from './changes.js';
import { scheduleView } from './queries.js';
import { forecastTable, schedule } from './schedule.js';

const base = [registered(), confirmed()];
const view = (day: string, ...sent: readonly Sent[]) => {
  const { milestones } = scheduleView(rowsAfter(schedule, given(...base, ...sent)), day)!;
  return (id: string) => milestones.find((milestone) => milestone.milestone === id)!;
};
const redate = (amendment: string, due: string, time: string, by = 'us-gov', milestone = 'D1') =>
  event(
    'ContractAmended',
    { amendment, consulted: ['prime-a'], rationale: 'x', milestones: [{ milestone, due }] },
    { by, time },
  );
const agree = (amendment: string, time: string, by = 'jp-mod') => event('AmendmentAgreed', { amendment }, { by, time });
const forecast = (to: string, time: string, by = 'us-gov', milestone = 'D1') =>
  event('ForecastRevised', { milestone, forecast: to, reason: 'x' }, { by, time });
/** Gives the milestone N whole. */
const whole = (amendment: string, due: string, time: string, by = 'us-gov') =>
  event(
    'ContractAmended',
    {
      amendment,
      consulted: [],
      rationale: 'x',
      milestones: [{ milestone: 'N', line: '2', kind: 'delivery', description: 'n', due, binding: 'firm' }],
    },
    { by, time },
  );
const accept = (quantity: number, time: string, extra: object = {}) =>
  event(
    'DeliveryAccepted',
    { items: [{ line: '1', quantity }], acceptancePoint: 'destination', ...extra },
    { by: 'jp-mod', time },
  );

test('without a word, the baseline stands until its day and then grows late with each day', () => {
  expect(view('2021-06-30')('D1')).toMatchObject({
    agreed: '2021-06-30',
    standing: '2021-06-30',
    expected: '2021-06-30',
    slipDays: 0,
  });
  expect(view('2021-07-10')('D1')).toMatchObject({ expected: '2021-07-10', slipDays: 10, lateDays: 10, actual: null });
});

test('an imposed date never makes lateness vanish; the first promise stays', () => {
  const d1 = view('2021-09-01', redate('A', '2023-01-01', '2020-05-01'))('D1');
  expect(d1).toMatchObject({
    baseline: '2021-06-30',
    agreed: '2021-06-30',
    imposed: '2023-01-01',
    standing: '2023-01-01',
    extensionsAgreedDays: 0,
    extensionsImposedDays: 550,
    timesRedated: 1,
    slipDays: 550,
    lateDays: 550,
  });
  expect(d1.redatings[0]).toMatchObject({
    by: 'us-gov',
    from: '2021-06-30',
    to: '2023-01-01',
    days: 550,
    consulted: ['prime-a'],
    agreedAt: null,
  });
});

test('once agreed, the date is agreed and later statements begin anew', () => {
  const d1 = view(
    '2021-09-01',
    forecast('2022-02-02', '2020-04-01'),
    redate('A', '2022-01-01', '2020-05-01'),
    agree('A', '2020-06-01'),
  )('D1');
  expect(d1).toMatchObject({
    agreed: '2022-01-01',
    imposed: null,
    forecast: null,
    standing: '2022-01-01',
    extensionsAgreedDays: 185,
    lateDays: 0,
  });
});

test('an agreement counts from the amendment’s own time on: a forecast stated in between stays', () => {
  const d1 = view(
    '2021-09-01',
    redate('A', '2022-01-01', '2020-05-01'),
    forecast('2022-03-01', '2020-05-15'),
    agree('A', '2020-06-01'),
  )('D1');
  expect(d1).toMatchObject({ agreed: '2022-01-01', forecast: '2022-03-01', standing: '2022-03-01', lateDays: 59 });
  expect(d1.forecasts[0]).toMatchObject({ from: '2022-01-01', to: '2022-03-01' });
});

test('a forecast after the imposed date takes its place; one before does not', () => {
  const imposed = redate('A', '2023-01-01', '2020-05-01');
  expect(view('2020-09-01', forecast('2021-08-01', '2020-04-01'), imposed)('D1').standing).toBe('2023-01-01');
  expect(view('2020-09-01', imposed, forecast('2021-08-01', '2020-06-01'))('D1').standing).toBe('2021-08-01');
});

test('of two sides’ re-datings the later date is imposed, of one side’s the last', () => {
  const both = [redate('A', '2022-01-01', '2020-05-01'), redate('B', '2022-06-01', '2020-05-02', 'jp-mod')];
  expect(view('2020-09-01', ...both)('D1').imposed).toBe('2022-06-01');
  expect(view('2020-09-01', ...both, redate('C', '2021-12-01', '2020-05-03', 'jp-mod'))('D1').imposed).toBe(
    '2022-01-01',
  );
});

test('forecasts of others are listed and move nothing; the responsible party’s do', () => {
  expect(view('2020-09-01', forecast('2022-01-01', '2020-05-01', 'carrier-a'))('D1')).toMatchObject({
    forecast: null,
    standing: '2021-06-30',
  });
  expect(view('2020-09-01', forecast('2022-01-01', '2020-05-01', 'jp-mod', 'P1'))('P1')).toMatchObject({
    responsible: 'jp-mod',
    forecast: '2022-01-01',
  });
});

test('late and out of order: what counts is `time`, then revision', () => {
  const d1 = view('2020-09-01', forecast('2022-05-01', '2020-06-01'), forecast('2022-01-01', '2020-05-01'))('D1');
  expect(d1.forecast).toBe('2022-05-01');
  expect(d1.forecasts.map((entry) => [entry.from, entry.to])).toEqual([
    ['2021-06-30', '2022-01-01'],
    ['2022-01-01', '2022-05-01'],
  ]);
});

describe('a delivery milestone', () => {
  test('is reached on the day its quantity stands accepted, whatever is claimed', () => {
    const claim = event(
      'MilestoneReached',
      { milestone: 'D1', on: '2021-01-01' },
      { by: 'us-gov', time: '2021-01-02' },
    );
    expect(view('2021-03-01', claim)('D1')).toMatchObject({ actual: null, claimed: '2021-01-01' });
    expect(view('2021-09-01', accept(2, '2021-05-01'), accept(2, '2021-08-01'))('D1')).toMatchObject({
      actual: '2021-08-01',
      lateDays: 32,
    });
  });

  test('is open again when an acceptance is revoked, and counts from the new one', () => {
    const revoke = event(
      'DeliveryRejected',
      { items: [{ line: '1', quantity: 1 }], reason: 'x', revokes: true },
      { by: 'jp-mod', time: '2021-06-01' },
    );
    expect(view('2021-07-10', accept(4, '2021-05-01'), revoke)('D1')).toMatchObject({ actual: null, lateDays: 10 });
    expect(view('2021-07-10', accept(4, '2021-05-01'), revoke, accept(1, '2021-07-05'))('D1').actual).toBe(
      '2021-07-05',
    );
  });

  test('takes the larger of origin and destination of one shipment, and adds shipments up', () => {
    const dispatched = ['S1', 'S2'].map((shipment) =>
      event(
        'ShipmentDispatched',
        {
          shipment,
          items: [{ line: '1', quantity: 2 }],
          carrier: 'carrier-a',
          mode: 'air',
          from: 'a',
          to: 'b',
          eta: '2021-04-01T00:00:00Z',
        },
        { by: 'prime-a', time: '2021-03-01' },
      ),
    );
    const part = (shipment: string, acceptancePoint: string, time: string) =>
      accept(2, time, { shipment, acceptancePoint });
    expect(
      view(
        '2021-05-01',
        ...dispatched,
        part('S1', 'origin', '2021-04-01'),
        part('S1', 'destination', '2021-04-10'),
      )('D1').actual,
    ).toBeNull();
    expect(
      view(
        '2021-05-01',
        ...dispatched,
        part('S1', 'origin', '2021-04-01'),
        part('S2', 'destination', '2021-04-20'),
      )('D1').actual,
    ).toBe('2021-04-20');
  });
});

test('what is cancelled stands still on the day of the first agreement, and stays shown', () => {
  const cancel = event(
    'ContractAmended',
    { amendment: 'A', consulted: [], rationale: 'x', lines: [{ line: '1', cancelled: true }] },
    { time: '2021-07-01' },
  );
  const d1 = view('2025-01-01', cancel, agree('A', '2021-07-15'))('D1');
  expect(d1).toMatchObject({ cancelled: true, expected: '2021-07-15', lateDays: 15 });
});

test('an amendment introduces a milestone with its own baseline once agreed, and not before', () => {
  const offered = whole('A', '2022-01-01', '2020-07-01');
  const later = forecast('2022-02-01', '2020-08-01', 'us-gov', 'N');
  expect(view('2020-09-01', offered, later)('N')).toBeUndefined();
  expect(view('2020-09-01', offered, later, agree('A', '2020-08-15'))('N')).toMatchObject({
    baseline: '2022-01-01',
    timesRedated: 0,
    standing: '2022-02-01',
    responsible: 'prime-a',
  });
});

test('once both have closed, the day of its milestones stands still', () => {
  const close = (by: string, time: string) => event('ContractClosed', { reason: 'x' }, { by, time });
  expect(view('2025-01-01', close('jp-mod', '2021-07-01'))('D1').lateDays).toBe(1281);
  expect(view('2025-01-01', close('jp-mod', '2021-07-01'), close('us-gov', '2021-07-10'))('D1').lateDays).toBe(10);
});

test('other milestones are reached on the word of the buyer, else the responsible party, else anyone', () => {
  const reached = (by: string, on: string, time: string) =>
    event('MilestoneReached', { milestone: 'M1', on }, { by, time });
  const words = [
    reached('inspector-a', '2021-02-03', '2021-03-03'),
    reached('prime-a', '2021-02-02', '2021-03-02'),
    reached('jp-mod', '2021-02-01', '2021-03-01'),
  ];
  expect(view('2021-05-01', words[0]!)('M1').actual).toBe('2021-02-03');
  expect(view('2021-05-01', words[1]!, words[0]!)('M1').actual).toBe('2021-02-02');
  expect(view('2021-05-01', words[2]!, words[1]!, words[0]!)('M1').actual).toBe('2021-02-01');
});

test('what others record as the word of a party counts where the party has said nothing itself', () => {
  const reached = (by: string, on: string, time: string, onbehalfof?: string) =>
    event(
      'MilestoneReached',
      { milestone: 'M1', on },
      { by, time, ...(onbehalfof === undefined ? {} : { onbehalfof }) },
    );
  const inItsName = reached('prime-a', '2021-01-15', '2021-03-04', 'jp-mod');
  expect(view('2021-05-01', inItsName)('M1').actual).toBe('2021-01-15');
  expect(view('2021-05-01', reached('jp-mod', '2021-02-01', '2021-03-01'), inItsName)('M1').actual).toBe('2021-02-01');
  // Nor is what the responsible party said of itself.
  expect(view('2021-05-01', reached('prime-a', '2021-02-02', '2021-03-02'), inItsName)('M1').actual).toBe('2021-02-02');
  const ofPrime = reached('us-gov', '2021-01-16', '2021-03-04', 'prime-a');
  expect(view('2021-05-01', reached('prime-a', '2021-02-02', '2021-03-02'), ofPrime)('M1').actual).toBe('2021-02-02');
});

test('a correction takes its event out, or puts other data in its place in the timeline', () => {
  const wrong = event(
    'ForecastRevised',
    { milestone: 'D1', forecast: '2025-01-01', reason: 'x' },
    { id: 'w', time: '2020-05-01' },
  );
  const correct = (data: object) => event('EventCorrected', { event: { id: 'w' }, ...data }, { time: '2020-06-01' });
  expect(view('2020-09-01', wrong, correct({ reason: 'did-not-occur' }))('D1').forecasts).toEqual([]);
  const replaced = correct({
    reason: 'incorrect-data',
    replacement: { milestone: 'D1', forecast: '2022-01-01', reason: 'typo' },
  });
  expect(view('2020-09-01', wrong, replaced)('D1')).toMatchObject({ forecast: '2022-01-01' });
});

describe('dates that are recorded in the name of a party', () => {
  const inName = (sent: Sent, onbehalfof: string): Sent => ({ ...sent, onbehalfof }) as Sent;

  test('put aside nothing that it imposed itself, and count beside it where they are later', () => {
    const own = redate('A', '2022-06-30', '2020-05-01');
    const letter = (due: string) => inName(redate('B', due, '2020-06-01', 'jp-mod'), 'us-gov');
    expect(view('2020-09-01', own, letter('2021-06-30'))('D1')).toMatchObject({
      imposed: '2022-06-30',
      standing: '2022-06-30',
      slipDays: 365,
      timesRedated: 2,
    });
    expect(view('2020-09-01', own, letter('2023-06-30'))('D1').imposed).toBe('2023-06-30');
    expect(view('2020-09-01', letter('2023-06-30'))('D1').imposed).toBe('2023-06-30');
    // What it says itself after that takes the place of both.
    expect(view('2020-09-01', own, letter('2023-06-30'), redate('C', '2022-01-31', '2020-07-01'))('D1').imposed).toBe(
      '2022-01-31',
    );
  });

  test('bring no forecast forward, nor an imposed date', () => {
    const own = forecast('2022-06-30', '2020-05-01');
    const letter = (to: string) => inName(forecast(to, '2020-06-01', 'jp-mod'), 'prime-a');
    expect(view('2020-09-01', own, letter('2021-07-31'))('D1')).toMatchObject({
      forecast: '2022-06-30',
      slipDays: 365,
    });
    expect(view('2020-09-01', own, letter('2022-12-31'))('D1').forecast).toBe('2022-12-31');
    expect(view('2020-09-01', own, letter('2022-12-31'), forecast('2022-07-31', '2020-07-01'))('D1').forecast).toBe(
      '2022-07-31',
    );
    const imposed = redate('A', '2023-01-01', '2020-05-15');
    expect(view('2020-09-01', imposed, letter('2021-07-31'))('D1').standing).toBe('2023-01-01');
    expect(view('2020-09-01', imposed, forecast('2021-07-31', '2020-06-01'))('D1').standing).toBe('2021-07-31');
  });

  test('move a date where they are later, and are listed all the same where they move none', () => {
    const moved = (...sent: readonly Sent[]) =>
      [...changesOf(foldAll(given(...base, ...sent).recorded), { limit: 100 })].map(
        ({ row }) => `${String(row['from'])} ${String(row['to'])}`,
      );
    const own = forecast('2022-06-30', '2020-05-01');
    const letter = (to: string) => inName(forecast(to, '2020-06-01', 'jp-mod'), 'prime-a');
    // Told before, in its name, it takes nothing from what the party says itself.
    const before = inName(forecast('2022-06-30', '2020-04-01', 'jp-mod'), 'prime-a');
    expect(moved(own, before)).toEqual(['2021-06-30 2022-06-30', '2022-06-30 2022-06-30']);
    expect(moved(own, letter('2021-07-31'))).toEqual(['2021-06-30 2022-06-30']);
    expect(moved(own, letter('2022-12-31'))).toEqual(['2021-06-30 2022-06-30', '2022-06-30 2022-12-31']);
    expect(view('2020-09-01', own, letter('2021-07-31'))('D1').forecasts).toHaveLength(2);
  });
});

test('an agreement holds from the amendment on, whenever it is said to have been given', () => {
  const cancel = event(
    'ContractAmended',
    { amendment: 'A', consulted: [], rationale: 'x', milestones: [{ milestone: 'D1', cancelled: true }] },
    { by: 'jp-mod', time: '2021-09-01' },
  );
  const d1 = view('2022-01-01', cancel, agree('A', '2020-05-01', 'us-gov'))('D1');
  expect(d1).toMatchObject({ cancelled: true, slipDays: 63 });
});

test('an amendment that is recorded later, with an earlier time, gives no other first promise', () => {
  const first = [whole('A', '2021-01-01', '2020-06-01'), agree('A', '2020-06-02')];
  const later = [whole('B', '2029-01-01', '2020-05-01'), agree('B', '2020-07-01')];
  expect(view('2021-03-01', ...first, ...later)('N')).toMatchObject({ baseline: '2021-01-01', slipDays: 59 });
  const redated = [whole('C', '2021-06-30', '2020-08-01'), agree('C', '2020-08-02')];
  expect(view('2021-03-01', ...first, ...later, ...redated)('N')).toMatchObject({
    baseline: '2021-01-01',
    agreed: '2021-06-30',
  });
});

describe('a stale offer', () => {
  const cancel = event(
    'ContractAmended',
    { amendment: 'A', consulted: [], rationale: 'x', milestones: [{ milestone: 'D1', cancelled: true }] },
    { by: 'jp-mod', time: '2021-01-01' },
  );
  const said = (type: string, data: object, by: string, time: string, recorded: string) =>
    event(type, data, { by, time, recorded });

  test('agreed to years later with a time of long ago holds from its recording', () => {
    const agreed = (time: string) => said('AmendmentAgreed', { amendment: 'A' }, 'us-gov', time, '2023-01-31');
    expect(view('2024-01-01', cancel, agreed('2021-01-02'))('D1').slipDays).toBe(580);
    // Recorded soon after, it is taken at its word.
    expect(view('2024-01-01', cancel, agreed('2023-01-01'))('D1').slipDays).toBe(550);
    // A day before there was a ledger makes no difference, nor a day before the offer.
    expect(view('2024-01-01', cancel, agreed('2019-12-31'))('D1').slipDays).toBe(580);
  });

  test('recorded together with the registration it is history, and holds from its time', () => {
    const history = [
      event(
        'ContractAmended',
        { amendment: 'A', consulted: [], rationale: 'x', milestones: [{ milestone: 'D1', cancelled: true }] },
        { by: 'jp-mod', time: '2016-05-01', recorded: '2020-02-09' },
      ),
      said('AmendmentAgreed', { amendment: 'A' }, 'us-gov', '2016-06-01', '2020-02-09'),
    ];
    const model = foldAll(given(...base, ...history).recorded);
    expect(inForce(model).milestones.get('D1')!.cancelledOn).toBe('2016-06-01');
    expect([...model.flags.values()].map(({ code }) => code)).toEqual([]);
  });

  test('that asks for less makes nothing complete before it was agreed to', () => {
    const offer = (lines: readonly object[]) =>
      event(
        'ContractAmended',
        { amendment: 'A', consulted: [], rationale: 'x', lines },
        { by: 'jp-mod', time: '2021-01-01' },
      );
    const agreed = said('AmendmentAgreed', { amendment: 'A' }, 'us-gov', '2021-01-02', '2023-01-31');
    const accepted = event(
      'DeliveryAccepted',
      { items: [{ line: '1', quantity: 2 }], acceptancePoint: 'destination' },
      { by: 'jp-mod', time: '2021-06-20' },
    );
    for (const quantity of [0, 2])
      expect(view('2024-01-01', accepted, offer([{ line: '1', quantity }]), agreed)('D1')).toMatchObject({
        actual: '2023-01-31',
        slipDays: 580,
      });
    // What was complete before stays so from the day on which it was, by what was asked for then.
    const all = event(
      'DeliveryAccepted',
      { items: [{ line: '1', quantity: 2 }], acceptancePoint: 'destination' },
      { by: 'jp-mod', time: '2021-07-10' },
    );
    expect(view('2024-01-01', accepted, all, offer([{ line: '1', quantity: 2 }]), agreed)('D1')).toMatchObject({
      actual: '2021-07-10',
    });
  });

  test('so does a closing', () => {
    const close = (by: string, time: string, recorded: string) =>
      said('ContractClosed', { reason: 'x' }, by, time, recorded);
    const ours = close('jp-mod', '2021-02-01', '2021-02-01');
    const theirs = close('us-gov', '2021-02-02', '2023-01-31');
    expect(view('2024-01-01', ours, theirs)('D1').slipDays).toBe(580);
    const before = close('us-gov', '2019-12-31', '2023-01-31');
    expect(view('2024-01-01', ours, before)('D1').slipDays).toBe(580);
    expect([...foldAll(given(...base, ours, before).recorded).flags.values()].map(({ code }) => code)).toEqual([
      'backdated',
    ]);
    // Asked about a day before that, it does not hold yet, though it is said to have been done by then.
    const { recorded } = given(...base, ours, theirs);
    expect(foldAll(recorded, '2022-01-01').closed).toBeUndefined();
    expect(foldAll(recorded, '2023-01-31').closed).toBeDefined();
  });

  test('to introduce a milestone otherwise takes nothing from what was agreed first, and is shown', () => {
    const n = view(
      '2023-03-01',
      whole('OLD', '2029-01-01', '2021-02-01', 'jp-mod'),
      event('AmendmentRefused', { amendment: 'OLD', reason: 'x' }, { by: 'us-gov', time: '2021-02-01' }),
      whole('NEW', '2021-09-01', '2021-02-02'),
      agree('NEW', '2021-02-03'),
      agree('OLD', '2023-02-01', 'us-gov'),
    )('N');
    expect(n).toMatchObject({ baseline: '2021-09-01', agreed: '2021-09-01', slipDays: 546, timesRedated: 1 });
    expect(n!.redatings[0]).toMatchObject({ amendment: 'OLD', to: '2029-01-01' });
  });
});

describe('what moves a date', () => {
  const page = { limit: 100 };
  const moved = (...sent: readonly Sent[]) =>
    shownChanges([...changesOf(foldAll(given(...base, ...sent).recorded), page)], page).changes.map(
      ({ milestone, by, from, to, basis }) => `${milestone} ${by} ${from} ${to} ${basis}`,
    );

  test('a forecast of those whose word counts, not what repeats the date or others expect', () => {
    expect(
      moved(
        forecast('2021-06-30', '2020-05-01'), // as agreed
        forecast('2021-09-30', '2020-06-01', 'jp-mod'), // the buyer expects it
        forecast('2021-08-31', '2020-07-01'),
        forecast('2021-08-31', '2020-08-01', 'prime-a'), // again
        forecast('2021-07-31', '2020-09-01', 'prime-a'), // and back
      ),
    ).toEqual(['D1 us-gov 2021-06-30 2021-08-31 stated', 'D1 prime-a 2021-08-31 2021-07-31 stated']);
  });

  test('a re-dating, also one to the date that stands, where it makes that the agreed one', () => {
    const sent = [
      redate('A', '2021-06-30', '2020-05-01'), // what was agreed and stands
      forecast('2021-12-31', '2020-06-01'),
      redate('B', '2021-12-31', '2020-07-01'),
    ];
    expect(moved(...sent)).toEqual([
      'D1 us-gov 2021-06-30 2021-12-31 stated',
      'D1 us-gov 2021-12-31 2021-12-31 imposed',
    ]);
    expect(moved(...sent, agree('B', '2020-08-01'))[1]).toBe('D1 us-gov 2021-12-31 2021-12-31 agreed');
  });

  test('a correction, from what was said before to what is said since', () => {
    const wrong = event(
      'ForecastRevised',
      { milestone: 'D1', forecast: '2021-09-30', reason: 'x' },
      { by: 'prime-a', time: '2020-05-01', id: 'f' },
    );
    const correct = (replacement: object | undefined, time: string) =>
      event(
        'EventCorrected',
        replacement === undefined
          ? { event: { id: 'f' }, reason: 'did-not-occur' }
          : { event: { id: 'f' }, reason: 'incorrect-data', replacement },
        { by: 'prime-a', time },
      );
    const forecastOf = (to: string) => ({ milestone: 'D1', forecast: to, reason: 'x' });
    const sent = [wrong, correct(forecastOf('2022-09-30'), '2020-06-01'), correct(undefined, '2020-07-01')];
    expect(moved(...sent.slice(0, 2))).toEqual([
      'D1 prime-a 2021-06-30 2022-09-30 stated',
      'D1 prime-a 2021-09-30 2022-09-30 corrected',
    ]);
    expect(moved(...sent)).toEqual([
      'D1 prime-a 2021-09-30 2022-09-30 corrected',
      'D1 prime-a 2022-09-30 null corrected',
    ]);
    expect(view('2020-09-01', ...sent.slice(0, 2))('D1').forecasts[0]).toMatchObject({
      to: '2022-09-30',
      correctedBy: { source: 'urn:waybook:party:prime-a' },
      correctedAt: '2020-06-01T12:00:00.000Z',
    });
  });

  test('a report that comes late changes what those after it moved, up to the next that counts', () => {
    const after = [
      forecast('2021-09-30', '2020-07-01', 'jp-mod'),
      forecast('2021-08-31', '2020-08-01'),
      forecast('2021-10-31', '2020-09-01', 'prime-a'),
    ];
    const late = forecast('2021-08-31', '2020-06-01');
    expect(moved(...after, late)).toEqual([
      // Of what it made the same date nothing is left; what comes after that is as it was.
      'D1 prime-a 2021-08-31 2021-10-31 stated',
      'D1 us-gov 2021-06-30 2021-08-31 stated',
    ]);
    const rows = new MemoryRows();
    const events = effective(given(...base, ...after, late).recorded);
    const model = foldAll(given(...base, ...after).recorded);
    model.takeTouched();
    fold(model, events.at(-1)!);
    schedule.evolve(model, model.takeTouched(), rows);
    expect((rows.rows.get(forecastTable.name) ?? []).map((row) => [row['time'], row['from'], row['moves']])).toEqual([
      ['2020-06-01T12:00:00Z', '2021-06-30', 1],
      ['2020-07-01T12:00:00Z', '2021-08-31', 0],
      ['2020-08-01T12:00:00Z', '2021-08-31', 0],
    ]);
  });

  test('a report that comes late is followed past a re-dating that stands before the introduction', () => {
    const sent = [
      whole('NEW', '2021-09-01', '2020-06-01'),
      agree('NEW', '2020-06-02'),
      whole('OLD', '2029-01-01', '2020-05-01', 'jp-mod'),
      agree('OLD', '2020-06-03', 'us-gov'),
      forecast('2021-11-01', '2020-05-20', 'us-gov', 'N'),
    ];
    const late = forecast('2021-10-01', '2020-04-20', 'us-gov', 'N');
    const events = effective(given(...base, ...sent, late).recorded);
    const rows = new MemoryRows();
    const model = foldAll(given(...base, ...sent).recorded);
    schedule.evolve(model, model.takeTouched(), rows);
    fold(model, events.at(-1)!);
    schedule.evolve(model, model.takeTouched(), rows);
    const replayed = rowsAfter(schedule, given(...base, ...sent, late));
    for (const { name } of schedule.tables)
      expect(new Set(rows.rows.get(name) ?? [])).toEqual(new Set(replayed.get(name) ?? []));
  });
});

test('a prime whom the buyer alone brought in takes back nothing that who delivers has said', () => {
  const removed = event('PartyRemoved', { party: 'prime-a', role: 'prime', reason: 'x' }, { by: 'jp-mod' });
  const added = (party: string, by: string) =>
    event('PartyAdded', { party, name: party, role: 'prime', country: 'JP' }, { by });
  const said = forecast('2022-01-01', '2020-03-01', 'prime-a');
  const other = forecast('2021-06-30', '2020-05-01', 'prime-b');
  expect(view('2020-06-01', said, removed, added('prime-b', 'jp-mod'), other)('D1')).toMatchObject({
    standing: '2022-01-01',
    forecasts: [{ by: 'prime-a' }, { by: 'prime-b', to: '2021-06-30' }],
  });
  // The seller's does, and one that the registration had named, whoever gives it the role back.
  expect(view('2020-06-01', said, removed, added('prime-b', 'us-gov'), other)('D1').standing).toBe('2021-06-30');
  const again = [removed, added('prime-a', 'jp-mod'), forecast('2021-09-30', '2020-05-01', 'prime-a')];
  expect(view('2020-06-01', said, ...again)('D1').standing).toBe('2021-09-30');
});
