import { confirmed, event, given, registered, rowsAfter, type Sent } from '../../test/support/scenario.js';
import { auditTrail } from './audit-trail.js';
import { historyView } from './queries.js';

const forecast = (id: string, time: string, recorded: string) =>
  event(
    'ForecastRevised',
    { milestone: 'D1', forecast: '2022-01-01', reason: 'x' },
    { id, time, recorded, by: 'prime-a' },
  );
const history = [
  registered(),
  confirmed(),
  forecast('a', '2020-03-01', '2020-05-01'),
  forecast('b', '2020-02-01', '2020-05-02'),
];
const view = (sent: readonly Sent[], page: object = {}) =>
  historyView(rowsAfter(auditTrail, given(...sent)), { order: 'recorded', limit: 100, ...page })!;
const ids = (shown: ReturnType<typeof view>) => shown.events.map((entry) => entry.id);

test('in recorded order and in order of time, paged without a gap', () => {
  expect(ids(view(history)).slice(2)).toEqual(['a', 'b']);
  expect(ids(view(history, { order: 'time' })).slice(2)).toEqual(['b', 'a']);
  for (const order of ['recorded', 'time']) {
    const first = view(history, { order, limit: 3 });
    const second = view(history, { order, limit: 3, after: first.next });
    expect([...ids(first), ...ids(second)]).toEqual(ids(view(history, { order })));
    expect(second.next).toBeNull();
  }
});

test('filters by type, reporter and day', () => {
  expect(ids(view(history, { reporter: 'prime-a' }))).toEqual(['a', 'b']);
  expect(ids(view(history, { type: 'ContractRegistered' }))).toEqual(['registration']);
  expect(ids(view(history, { from: '2020-05-02' }))).toEqual(['b']);
  expect(ids(view(history, { order: 'time', from: '2020-02-01', to: '2020-02-28' }))).toEqual(['b']);
});

test('a correction and what it corrects are linked both ways; the data stay as they were sent', () => {
  const correct = (id: string, to: string) =>
    event(
      'EventCorrected',
      { event: { id: 'a' }, reason: 'incorrect-data', replacement: { milestone: 'D1', forecast: to, reason: 'x' } },
      { id, by: 'prime-a', time: '2020-06-01' },
    );
  const { events } = view([...history, correct('c', '2023-01-01'), correct('d', '2024-01-01')]);
  const named = (id: string) => events.find((entry) => entry.id === id)!;
  const source = 'urn:waybook:party:prime-a';
  expect(named('a')).toMatchObject({
    effective: false,
    correctedBy: { id: 'd', source },
    data: { forecast: '2022-01-01' },
  });
  expect(named('c')).toMatchObject({ effective: false, corrects: { id: 'a', source } });
  expect(named('d')).toMatchObject({ effective: true, corrects: { id: 'a', source }, correctedBy: null });
  expect(named('b')).toMatchObject({ effective: true, corrects: null, correctedBy: null, flags: [] });
});
