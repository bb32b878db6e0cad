import { accountabilityView } from '../../projections/delay-accountability/queries.js';
import { delayAccountability } from '../../projections/delay-accountability/delay-accountability.js';
import { discrepanciesView } from '../../projections/discrepancies/queries.js';
import { discrepancies } from '../../projections/discrepancies/discrepancies.js';
import { paymentsView } from '../../projections/payments/queries.js';
import { payments } from '../../projections/payments/payments.js';
import { quality } from '../../projections/quality/quality.js';
import { qualityView } from '../../projections/quality/queries.js';
import { scorecards } from '../../projections/scorecards/scorecards.js';
import {
  confirmed,
  event,
  foldAll,
  given,
  registered,
  rowsAfter,
  rowsOneByOne,
  type Options,
  type Sent,
} from '../../test/support/scenario.js';
import { milestoneDates } from './schedule-arithmetic.js';
import { inForce } from './terms-in-force.js';

const base = [registered(), confirmed()];

/** An offer of the seller's, made on a day. */
const offer = (amendment: string, time: string, terms: object) =>
  event('ContractAmended', { amendment, consulted: [], rationale: 'x', terms }, { by: 'us-gov', time });
/** The buyer's agreement to it. */
const agree = (amendment: string, time: string) => event('AmendmentAgreed', { amendment }, { by: 'jp-mod', time });

describe('what was late by the terms of its day stays late, whatever terms are agreed later', () => {
  const old = offer('A', '2020-02-01', { delayNoticeDays: 3000, discrepancyWithinDays: 3000, settleWithinDays: 3000 });
  const delay = (options: Options = {}, startedOn = '2020-03-01') =>
    event(
      'DelayReported',
      { delay: 'X1', cause: { code: 'supply', locus: 'prime', detail: 'x' }, startedOn, forecasts: [] },
      { by: 'prime-a', time: '2020-06-01', ...options },
    );
  const items = [{ line: '1', quantity: 1 }];
  const shipped = [
    event(
      'ShipmentDispatched',
      { shipment: 'S1', items, carrier: 'carrier-a', mode: 'sea', from: 'A', to: 'B', eta: '2020-05-09T00:00:00Z' },
      { by: 'prime-a', time: '2020-05-01' },
    ),
    event(
      'ShipmentReceived',
      { shipment: 'S1', items: [{ ...items[0], condition: 'wet' }], location: 'Base' },
      { by: 'jp-mod', time: '2020-05-10' },
    ),
  ];
  const raised = (options: Options = {}) =>
    event(
      'DiscrepancyRaised',
      { discrepancy: 'R1', kind: 'damage', shipment: 'S1', detail: 'water' },
      { by: 'jp-mod', time: '2021-06-01', ...options },
    );
  let first: readonly Sent[] = base;
  afterEach(() => (first = base));
  const notice = (...sent: readonly Sent[]) =>
    accountabilityView(rowsAfter(delayAccountability, given(...first, ...sent)), '2030-01-01')!.delays.map(
      ({ noticeLate, statedNoticeLate }) => [noticeLate, statedNoticeLate],
    );
  const raisedLate = (...sent: readonly Sent[]) => {
    const played = given(...first, ...sent);
    const [shown, beside] = [
      discrepanciesView(rowsAfter(discrepancies, played), '2030-01-01')!.discrepancies,
      qualityView(rowsAfter(quality, played), '2030-01-01')!.discrepancies,
    ];
    expect(shown).toEqual(beside);
    return shown.map((report) => report.raisedLate);
  };

  test('the notice of a delay', () => {
    expect(notice(delay())).toEqual([[true, true]]);
    expect(notice(old, delay(), agree('A', '2022-01-01'))).toEqual([[true, true]]);
    expect(notice(old, agree('A', '2020-02-02'), delay())).toEqual([[false, false]]);
  });

  test('also where it is reported only once they were agreed, or they are said to have been agreed in time', () => {
    // Due on 31 March.
    const recorded = (day: string) =>
      event('AmendmentAgreed', { amendment: 'A' }, { by: 'jp-mod', time: '2020-03-20', recorded: day });
    expect(notice(old, recorded('2020-03-31'), delay())).toEqual([[false, false]]);
    expect(notice(old, recorded('2020-04-01'), delay())).toEqual([[true, true]]);
    expect(notice(old, delay(), recorded('2020-06-02'))).toEqual([[true, true]]);
    // What is signed and registered on one day is no history: within its first days as well.
    const early = delay({ time: '2020-02-06' }, '2020-01-02');
    const before = event(
      'AmendmentAgreed',
      { amendment: 'A' },
      { by: 'jp-mod', time: '2020-01-21', recorded: '2020-02-08' },
    );
    expect(notice(offer('A', '2020-01-20', { delayNoticeDays: 3000 }), early, before)).toEqual([[true, true]]);
    expect(notice(old, recorded('2020-04-01'), delay({ time: '2020-03-30', recorded: '2020-06-01' }))).toEqual([
      [true, false],
    ]);
  });

  test('a discrepancy report', () => {
    expect(raisedLate(...shipped, raised())).toEqual([true]);
    expect(raisedLate(old, ...shipped, raised(), agree('A', '2022-01-01'))).toEqual([true]);
    expect(raisedLate(old, ...shipped, agree('A', '2020-05-20'), raised())).toEqual([false]);
  });

  test('the settlement of the account, where its day was over; before, other terms hold', () => {
    const all = [
      event(
        'DeliveryAccepted',
        {
          items: [
            { line: '1', quantity: 4 },
            { line: '2', quantity: '2.5' },
          ],
          acceptancePoint: 'destination',
        },
        { by: 'jp-mod', time: '2021-03-01' },
      ),
    ];
    const due = (...sent: readonly Sent[]) =>
      paymentsView(rowsAfter(payments, given(...base, ...sent)), '2030-01-01')!.settlementDueOn;
    expect(due(...all)).toBe('2023-03-01');
    expect(due(old, ...all, agree('A', '2023-03-02'))).toBe('2023-03-01');
    expect(due(old, ...all, agree('A', '2023-03-01'))).toBe('2029-05-18');
    expect(due(old, agree('A', '2020-02-02'), ...all)).toBe('2029-05-18');
    const late = event(
      'AmendmentAgreed',
      { amendment: 'A' },
      { by: 'jp-mod', time: '2023-02-20', recorded: '2023-03-02' },
    );
    expect(due(old, ...all, late)).toBe('2023-03-01');
    // Shortened to a day that was over by then.
    const short = offer('B', '2022-01-01', { settleWithinDays: 30 });
    expect(due(...all, short, agree('B', '2022-01-10'))).toBe('2022-01-10');
    expect(due(old, ...all, short, agree('B', '2022-01-10'), agree('A', '2022-02-01'))).toBe('2022-01-10');
  });

  test('and rows say so when they were written before the agreement', () => {
    // A history that is imported, in no order: the agreement is recorded after the reports and is of a day before them.
    const imported = (sent: Sent, time: string, recorded: string) =>
      event(sent.type, sent['data'] as object, {
        by: sent.source.split(':')[3]!,
        time,
        recorded,
      });
    first = [registered({ signedOn: '2018-01-10' }), confirmed()];
    const history = [
      imported(old, '2018-06-01', '2020-01-25'),
      imported(shipped[0]!, '2018-05-01', '2020-01-26'),
      imported(shipped[1]!, '2018-05-10', '2020-01-26'),
      imported(delay({}, '2018-07-01'), '2019-09-01', '2020-01-27'),
      imported(raised(), '2020-01-28', '2020-01-28'),
    ];
    expect([notice(...history), raisedLate(...history)]).toEqual([[[true, true]], [true]]);
    const within = imported(agree('A', ''), '2018-06-02', '2020-02-05');
    expect([notice(...history, within), raisedLate(...history, within)]).toEqual([[[false, false]], [false]]);
    const played = given(...first, ...history, within);
    for (const projection of [delayAccountability, discrepancies, quality, scorecards, payments])
      expect(rowsOneByOne(projection, played)).toEqual(rowsAfter(projection, played));
  });
});

test('who leads, and so is responsible where nobody is named, is never a prime whom the buyer alone brought in', () => {
  const removed = event(
    'PartyRemoved',
    { party: 'prime-a', role: 'prime', reason: 'x' },
    { by: 'us-gov', time: '2020-03-01' },
  );
  const added = (by: string) =>
    event('PartyAdded', { party: 'prime-b', name: 'n', role: 'prime', country: 'JP' }, { by, time: '2020-03-02' });
  const whole = { kind: 'delivery', description: 'x', due: '2021-06-30', binding: 'firm' };
  const more = event(
    'ContractAmended',
    {
      amendment: 'A',
      consulted: [],
      rationale: 'x',
      milestones: [
        { milestone: 'N', line: '2', ...whole },
        { milestone: 'Q', ...whole },
      ],
    },
    { by: 'us-gov', time: '2020-04-01' },
  );
  const responsible = (...sent: readonly Sent[]) => {
    const { milestones } = inForce(foldAll(given(...base, ...sent, more, agree('A', '2020-04-02')).recorded));
    return ['N', 'Q'].map((id) => milestones.get(id)!.responsible);
  };
  // The line of the one was introduced when another was prime.
  expect(responsible(removed, added('jp-mod'))).toEqual(['prime-a', 'us-gov']);
  expect(responsible(removed, added('us-gov'))).toEqual(['prime-a', 'prime-b']);
  expect(responsible(removed)).toEqual(['prime-a', 'us-gov']);
  const back = event(
    'PartyAdded',
    { party: 'prime-a', name: 'n', role: 'prime', country: 'US' },
    { by: 'jp-mod', time: '2020-03-03' },
  );
  expect(responsible(removed, back)).toEqual(['prime-a', 'us-gov']);
  // Nor does its forecast count where it is responsible from before.
  const forecast = event(
    'ForecastRevised',
    { milestone: 'D1', forecast: '2050-01-01', reason: 'x' },
    { by: 'prime-a', time: '2020-03-04' },
  );
  const standing = (...sent: readonly Sent[]) =>
    milestoneDates(foldAll(given(...base, ...sent).recorded), 'D1').standing;
  expect(standing(forecast)).toBe('2050-01-01');
  expect(standing(removed, back, forecast)).toBe('2021-06-30');
  const carrier = (by: string) =>
    event('PartyAdded', { party: 'prime-a', name: 'n', role: 'carrier', country: 'US' }, { by, time: '2020-03-03' });
  expect(standing(removed, carrier('jp-mod'), forecast)).toBe('2021-06-30');
  expect(standing(removed, carrier('us-gov'), forecast)).toBe('2050-01-01');
  // Nor what it says was reached, beside the word of who delivers.
  const reached = (on: string, by: string, time: string) =>
    event('MilestoneReached', { milestone: 'M1', on }, { by, time });
  const actual = (...sent: readonly Sent[]) => milestoneDates(foldAll(given(...base, ...sent).recorded), 'M1').actual;
  const [own, other] = [reached('2020-03-02', 'us-gov', '2020-03-02'), reached('2020-02-01', 'prime-a', '2020-03-03')];
  expect(actual(own, other)).toBe('2020-02-01');
  const late = reached('2020-02-15', 'us-gov', '2020-03-05');
  expect(actual(removed, back, other, late)).toBe('2020-02-15');
  expect(actual(removed, own, back, other)).toBe('2020-03-02');
  expect(actual(removed, back, other)).toBe('2020-02-01');
  expect(responsible()).toEqual(['prime-a', 'prime-a']);
});
