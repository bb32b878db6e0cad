import { discrepanciesView } from '../../projections/discrepancies/queries.js';
import { discrepancies } from '../../projections/discrepancies/discrepancies.js';
import {
  confirmed,
  event,
  foldAll,
  given,
  refusalOf,
  registered,
  rowsAfter,
  type Options,
  type Sent,
} from '../../test/support/scenario.js';

const { terms } = {
  terms: {
    reportEveryDays: 90,
    delayNoticeDays: 30,
    acknowledgeWithinDays: 14,
    resolveWithinDays: 365,
    discrepancyWithinDays: 30,
    settleWithinDays: 730,
  },
};
const base = [registered({ terms }), confirmed()];
const view = (day: string, ...sent: readonly Sent[]) =>
  discrepanciesView(rowsAfter(discrepancies, given(...base, ...sent)), day)!.discrepancies;
const items = [{ line: '1', quantity: 1 }];
const dispatched = event(
  'ShipmentDispatched',
  { shipment: 'S1', items, carrier: 'carrier-a', mode: 'sea', from: 'A', to: 'B', eta: '2020-05-01T00:00:00Z' },
  { by: 'prime-a', time: '2020-04-01' },
);
const received = (time: string, by = 'jp-mod') =>
  event(
    'ShipmentReceived',
    { shipment: 'S1', items: items.map((item) => ({ ...item, condition: 'wet' })), location: 'Base' },
    { by, time, recorded: '2020-07-01' },
  );
const raised = (options: Options & { shipment?: string | null } = {}) =>
  event(
    'DiscrepancyRaised',
    {
      discrepancy: 'R1',
      kind: 'damage',
      ...(options.shipment === null ? {} : { shipment: options.shipment ?? 'S1' }),
      detail: 'water',
    },
    { by: 'jp-mod', time: '2020-05-20', recorded: '2020-07-10', ...options },
  );
const answered = (time: string, options: Options = {}) =>
  event(
    'DiscrepancyAnswered',
    { discrepancy: 'jp-mod/R1', answer: 'accepted', remedy: 'repair' },
    { by: 'us-gov', time, ...options },
  );
const closed = (time: string, options: Options = {}) =>
  event('DiscrepancyClosed', { discrepancy: 'R1', outcome: 'repaired' }, { by: 'jp-mod', time, ...options });

test('how late it was raised counts from the day of the first receipt to the day the ledger heard of it', () => {
  expect(
    view('2020-08-01', dispatched, received('2020-05-15'), received('2020-05-10', 'inspector-a'), raised()),
  ).toMatchObject([{ receivedOn: '2020-05-10', raisedAfterDays: 61, raisedLate: true, status: 'open' }]);
  expect(view('2020-08-01', dispatched, raised())).toMatchObject([
    { receivedOn: null, raisedAfterDays: null, raisedLate: null },
  ]);
  expect(view('2020-08-01', raised({ shipment: null }))).toMatchObject([{ shipment: null, raisedAfterDays: null }]);
});

test('a receipt by an inspector whom the seller alone brought in counts only where there is no other', () => {
  const added = (by: string) =>
    event('PartyAdded', { party: 'shill', name: 's', role: 'inspector', country: 'US' }, { by, time: '2020-05-01' });
  const early = received('2020-05-02', 'shill');
  const [first] = view('2020-08-01', added('us-gov'), dispatched, early, received('2020-07-01'), raised());
  expect(first).toMatchObject({ receivedOn: '2020-07-01', raisedAfterDays: 9 });
  expect(view('2020-08-01', added('jp-mod'), dispatched, early, received('2020-07-01'), raised())).toMatchObject([
    { receivedOn: '2020-05-02' },
  ]);
  expect(view('2020-08-01', added('us-gov'), dispatched, early, raised())).toMatchObject([
    { receivedOn: '2020-05-02' },
  ]);
});

test('an answer and an end are waited for to the day asked about', () => {
  const before = [dispatched, raised()];
  expect(view('2020-07-30', ...before)).toMatchObject([{ answeredAfterDays: 20, closedAfterDays: 20 }]);
  const one = [...before, answered('2020-07-15')];
  expect(view('2020-07-30', ...one)).toMatchObject([{ status: 'answered', answeredAfterDays: 5, closedAfterDays: 20 }]);
  expect(view('2020-09-30', ...one, answered('2020-07-25'), closed('2020-08-09'))).toMatchObject([
    {
      status: 'closed',
      answeredAfterDays: 5,
      closedAfterDays: 30,
      outcome: 'repaired',
      answers: [{ remedy: 'repair' }, {}],
    },
  ]);
  // Closed without an answer, none is waited for any more.
  expect(view('2020-09-30', ...before, closed('2020-08-09'))).toMatchObject([
    { answeredAfterDays: null, closedAfterDays: 30 },
  ]);
});

test('taken back it is not open, and may still be answered', () => {
  const back = event(
    'EventCorrected',
    { event: { id: 'r' }, reason: 'did-not-occur' },
    { by: 'jp-mod', time: '2020-07-20' },
  );
  const history = [dispatched, raised({ id: 'r' }), back, answered('2020-07-25')];
  expect(view('2020-09-30', ...history)).toMatchObject([
    { status: 'withdrawn', answeredAfterDays: 15, closedAfterDays: null },
  ]);
  const flags = [...foldAll(given(...base, ...history).recorded).flags.values()];
  expect(flags.map(({ code }) => code)).toEqual(['basis-withdrawn']);
});

test('a report of a shipment that nobody has heard of is held, and its answers with it', () => {
  const history = [raised(), answered('2020-07-15')];
  expect(view('2020-08-01', ...history)).toEqual([]);
  expect(view('2020-08-01', ...history, dispatched)).toMatchObject([
    { discrepancy: 'jp-mod/R1', status: 'answered', answeredAfterDays: 5 },
  ]);
});

test('who may do what; closed twice is flagged', () => {
  expect(refusalOf(base, raised({ by: 'prime-a' }))).toMatchObject({ code: 'not-permitted' });
  expect(refusalOf(base, answered('2020-07-15'))).toMatchObject({
    code: 'unknown-reference',
    problems: [{ pointer: '/data/discrepancy' }],
  });
  expect(refusalOf([...base, dispatched, raised()], answered('2020-07-15', { by: 'sub-a' }))).toMatchObject({
    code: 'not-permitted',
  });
  const { recorded } = given(...base, dispatched, raised(), closed('2020-08-01'), closed('2020-08-02'));
  expect([...foldAll(recorded).flags.values()].map(({ code }) => code)).toEqual(['repeated-answer']);
});

test('nobody closes a report in the buyer’s name', () => {
  const history = [...base, dispatched, raised()];
  expect(refusalOf(history, closed('2020-08-01', { by: 'us-gov', onbehalfof: 'jp-mod' }))).toMatchObject({
    code: 'not-permitted',
    problems: [{ pointer: '/onbehalfof' }],
  });
});
