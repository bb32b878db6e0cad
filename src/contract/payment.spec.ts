import { contractView } from '../../projections/contract-status/queries.js';
import { contractStatus } from '../../projections/contract-status/contract-status.js';
import { exposureOfRows } from '../../projections/contract-status/exposure.js';
import { contractTable } from '../../projections/contract-status/contract-status.js';
import { paymentsView } from '../../projections/payments/queries.js';
import { payments } from '../../projections/payments/payments.js';
import {
  confirmed,
  event,
  foldAll,
  given,
  refusalOf,
  registered,
  rowsAfter,
  usd,
  type Options,
  type Sent,
} from '../../test/support/scenario.js';

const base = [registered(), confirmed()];
const view = (day: string, ...sent: readonly Sent[]) =>
  paymentsView(rowsAfter(payments, given(...base, ...sent)), day)!;
const groups = (day: string, ...sent: readonly Sent[]) =>
  exposureOfRows(rowsAfter(contractStatus, given(...base, ...sent)).get(contractTable.name) ?? [], { day });
const flags = (...sent: readonly Sent[]) =>
  [...foldAll(given(...base, ...sent).recorded).flags.values()].map(({ code }) => code);

const pay = (payment: string, amount: { amount: string; currency: string }, options: Options = {}) =>
  event('PaymentMade', { payment, amount, kind: 'advance' }, { by: 'jp-mod', time: '2020-03-01', ...options });
const accept = (line: string, quantity: number | string, time: string) =>
  event('DeliveryAccepted', { items: [{ line, quantity }], acceptancePoint: 'destination' }, { by: 'jp-mod', time });
const settle = (by: string, finalAmount: string, refund: string, time: string) =>
  event('AccountSettled', { finalAmount: usd(finalAmount), refund: usd(refund) }, { by, time });
const billed = event(
  'StatementIssued',
  { statement: 'B1', amount: usd('410.00'), items: [{ line: '1', quantity: 2, amount: usd('400.00') }] },
  { by: 'us-gov', time: '2021-03-01' },
);

test('paid is in the contract’s currency; other currencies are listed, flagged and never added', () => {
  const sent = [pay('P1', usd('700.50')), pay('P2', { amount: '100000', currency: 'JPY' }), pay('P3', usd('0.25'))];
  expect(view('2020-04-01', ...sent)).toMatchObject({
    paid: usd('700.75'),
    exposure: usd('700.75'),
    payments: [{ counts: true }, { counts: false }, { counts: true }],
  });
  expect(flags(...sent)).toEqual(['other-currency']);
});

test('exposure is what was paid beyond what was delivered, not below zero, and nothing once settled', () => {
  const paid = [pay('P1', usd('700.00'))];
  expect(view('2021-01-01', ...paid, accept('1', 2, '2021-01-01')).exposure).toEqual(usd('300.00'));
  expect(view('2021-01-01', ...paid, accept('1', 4, '2021-01-01')).exposure).toEqual(usd('0.00'));
  const settled = [
    ...paid,
    settle('us-gov', '700.00', '0', '2021-02-01'),
    settle('jp-mod', '700', '0.00', '2021-01-15'),
  ];
  expect(view('2021-03-01', ...settled)).toMatchObject({
    exposure: usd('0.00'),
    settledOn: '2021-02-01',
    finalAmount: usd('700.00'),
  });
});

test('a settlement binds once the other side states the same; one side alone, or other figures, settle nothing', () => {
  const paid = [pay('P1', usd('700.00'))];
  const apart = [
    ...paid,
    settle('us-gov', '700.00', '0.00', '2021-01-01'),
    settle('jp-mod', '650.00', '50.00', '2021-01-02'),
  ];
  expect(view('2021-03-01', ...apart)).toMatchObject({
    settledOn: null,
    settlements: [{ counts: false }, { counts: false }],
  });
  expect(flags(...apart)).toEqual(['one-sided', 'one-sided']);
  const met = [...apart, settle('us-gov', '650.00', '50.00', '2021-01-03')];
  expect(view('2021-03-01', ...met)).toMatchObject({
    settledOn: '2021-01-03',
    finalAmount: usd('650.00'),
    refund: usd('50.00'),
    settlements: [{ counts: false }, { counts: true }, { counts: true }],
  });
  expect(flags(...met)).toEqual(['one-sided']);
  // Stated twice by one side, both have the other's match.
  expect(flags(...met.slice(0, -1), settle('jp-mod', '650.00', '50.00', '2021-01-02'), met.at(-1)!)).toEqual([
    'one-sided',
  ]);
  expect(flags(...met, settle('jp-mod', '1.00', '0.00', '2021-02-01'))).toEqual(['one-sided', 'repeated-answer']);
  expect(
    refusalOf(base, event('AccountSettled', { finalAmount: usd('1'), refund: usd('0') }, { by: 'prime-a' })),
  ).toMatchObject({
    code: 'not-permitted',
  });
});

test('delivered and unsettled from the day on which everything stands accepted; overdue after settleWithinDays', () => {
  const sent = [pay('P1', usd('900.00')), accept('1', 4, '2021-02-01'), accept('2', '2.5', '2021-03-01')];
  expect(view('2021-03-02', ...sent)).toMatchObject({
    deliveredOn: '2021-03-01',
    settlementDueOn: '2023-03-01',
    settlementOverdue: false,
    unsettled: true,
  });
  expect(view('2023-03-02', ...sent)).toMatchObject({ settlementOverdue: true });
  const paid = usd('900.00');
  expect(groups('2023-03-02', ...sent)).toMatchObject([
    {
      overdue: { contracts: 0 },
      deliveredUnsettled: { contracts: 1, paid, overdueContracts: 1, overduePaid: paid },
      unsettled: { contracts: 1, paid },
    },
  ]);
  const back = event(
    'DeliveryRejected',
    { items: [{ line: '1', quantity: 1 }], reason: 'cracked', revokes: true },
    { by: 'jp-mod', time: '2021-04-01' },
  );
  expect(view('2023-03-02', ...sent, back)).toMatchObject({ deliveredOn: null, settlementOverdue: false });
});

test('age counts whole years after the day of signing, while something is undelivered and nobody has closed with the other', () => {
  const ages = (day: string) => groups(day)[0]!.age.map(({ contracts }) => contracts);
  expect(ages('2021-01-10')).toEqual([0, 0, 0, 0, 0]);
  expect(ages('2021-01-11')).toEqual([1, 0, 0, 0, 0]);
  expect(ages('2025-01-11')).toEqual([1, 1, 1, 1, 0]);
  const row = rowsAfter(contractStatus, given(...base));
  expect(contractView(row, '2025-01-10')!.ageYears).toBe(4);
  expect(contractView(row, '2025-01-11')!.ageYears).toBe(5);
});

test('a statement is matched by an office that compared it, or differs, or was compared by nobody', () => {
  const matched = (differences: readonly object[], time: string) =>
    event(
      'StatementMatched',
      { statement: 'us-gov/B1', comparedBy: 'finance office', differences },
      { by: 'jp-mod', time },
    );
  const difference = { field: 'quantity', statement: '2', receipt: '1' };
  const status = (...sent: readonly Sent[]) => view('2021-06-01', billed, ...sent).statements[0]!.status;
  expect(status()).toBe('unmatched');
  expect(status(matched([], '2021-03-02'))).toBe('matched');
  expect(status(matched([], '2021-03-02'), matched([difference], '2021-03-03'))).toBe('differs');
  // The last by `time`, whenever it was recorded.
  expect(status(matched([difference], '2021-03-03'), matched([], '2021-03-02'))).toBe('differs');
  expect(view('2021-06-01', billed, accept('1', 1, '2021-03-05'))).toMatchObject({
    billed: usd('410.00'),
    statements: [{ itemsAmount: usd('400.00') }],
    lines: [
      { line: '1', billedQuantity: 2, billedAmount: usd('400.00'), accepted: 1, acceptedValue: usd('200.00') },
      { line: '2' },
    ],
  });
});

test('what rests on two things that were taken back stays flagged until neither is', () => {
  const dispatch = (id: string, time: string) =>
    event(
      'ShipmentDispatched',
      {
        shipment: 'S1',
        items: [{ line: '1', quantity: 2 }],
        carrier: 'carrier-a',
        mode: 'air',
        from: 'a',
        to: 'b',
        eta: '2021-04-01T00:00:00Z',
      },
      { by: 'prime-a', time, id },
    );
  const back = (id: string, by: string) =>
    event('EventCorrected', { event: { id }, reason: 'did-not-occur' }, { by, time: '2021-03-10' });
  const matched = event(
    'StatementMatched',
    { statement: 'us-gov/B1', shipment: 'S1', comparedBy: 'Accounts', differences: [] },
    { by: 'jp-mod', time: '2021-04-01' },
  );
  const gone = [dispatch('D', '2021-03-02'), back('D', 'prime-a')];
  const again = dispatch('E', '2021-05-01');
  expect(flags(...gone, billed, matched)).toEqual(['basis-withdrawn']);
  expect(flags(...gone, billed, matched, again)).toEqual([]);
  const both = [...gone, billed, back(billed.id, 'us-gov'), matched];
  for (const sent of [both, [...both, again]]) expect(flags(...sent)).toEqual(['basis-withdrawn']);
});
