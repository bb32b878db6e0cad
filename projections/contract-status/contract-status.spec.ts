import {
  confirmed,
  CONTRACT,
  event,
  foldAll,
  given,
  registered,
  rowsAfter,
  type Sent,
} from '../../test/support/scenario.js';
import { contractStatus } from './contract-status.js';
import { contractView } from './queries.js';

const base = [registered(), confirmed()];
const view = (day: string, ...sent: readonly Sent[]) =>
  contractView(rowsAfter(contractStatus, given(...base, ...sent)), day)!;
const accept = (line: string, quantity: number | string, time: string, extra: object = {}) =>
  event(
    'DeliveryAccepted',
    { items: [{ line, quantity }], acceptancePoint: 'destination', ...extra },
    { by: 'jp-mod', time },
  );
const reached = (milestone: string, on: string, by: string) =>
  event('MilestoneReached', { milestone, on }, { by, time: on });
const dispatch = (shipment: string, quantity: number, by: string, time = '2021-03-01') =>
  event(
    'ShipmentDispatched',
    {
      shipment,
      items: [{ line: '1', quantity }],
      carrier: 'carrier-a',
      mode: 'sea',
      from: 'a',
      to: 'b',
      eta: '2021-04-01T00:00:00Z',
    },
    { by, time },
  );

test('what is registered is shown, with who confirmed it', () => {
  expect(view('2020-03-01')).toMatchObject({
    contract: CONTRACT,
    buyer: 'jp-mod',
    seller: 'us-gov',
    programme: 'test',
    status: 'on-track',
    revision: '1',
    registration: { by: 'us-gov', confirmedBy: ['jp-mod'], confirmedAt: '2020-01-20T12:00:00.000Z', contestedAt: null },
    paid: { amount: '0.00', currency: 'USD' },
    exposure: { amount: '0.00', currency: 'USD' },
    settledOn: null,
    overdueReports: 0,
    undeliveredValue: { amount: '1000.00', currency: 'USD' },
    deliveredValue: { amount: '0.00', currency: 'USD' },
  });
});

test('status goes from on-track to late with the day alone, and shows the largest of its milestones', () => {
  expect(view('2021-01-31').status).toBe('on-track');
  expect(view('2021-02-01')).toMatchObject({ status: 'late', slipDays: 1, lateDays: 1, deliveryLateDays: 0 });
  expect(view('2022-01-10')).toMatchObject({ lateDays: 344, deliveryLateDays: 194 });
});

test('at risk: standing after agreed, or an open delay', () => {
  const forecast = event('ForecastRevised', { milestone: 'D1', forecast: '2022-01-01', reason: 'x' });
  expect(view('2020-03-01', forecast).status).toBe('at-risk');
  const delay = event('DelayReported', {
    delay: 'D',
    cause: { code: 'parts', locus: 'subcontractor', detail: 'x' },
    startedOn: '2020-02-01',
    forecasts: [],
  });
  expect(view('2020-03-01', delay)).toMatchObject({ status: 'at-risk', openDelays: 1 });
  const resolved = event(
    'DelayResolved',
    { delay: 'D', resolvedOn: '2020-02-20', actualDays: 19 },
    { time: '2020-02-20' },
  );
  expect(view('2020-03-01', delay, resolved)).toMatchObject({ status: 'on-track', openDelays: 0 });
  expect(view('2020-03-01', resolved, delay)).toMatchObject({ status: 'on-track', openDelays: 0 });
});

test('completed when all milestones are reached, closed when both have closed', () => {
  const done = [
    reached('M1', '2021-01-01', 'prime-a'),
    accept('1', 4, '2021-05-01'),
    reached('P1', '2021-06-01', 'jp-mod'),
  ];
  expect(view('2025-01-01', ...done)).toMatchObject({ status: 'completed', lateDays: -30 });
  const close = (by: string) => event('ContractClosed', { reason: 'x' }, { by, time: '2021-07-01', id: `close-${by}` });
  const one = view('2025-01-01', ...done, close('jp-mod'));
  expect(one.status).toBe('completed');
  expect(one.flags).toEqual([
    expect.objectContaining({ code: 'one-sided', event: { id: 'close-jp-mod', source: 'urn:waybook:party:jp-mod' } }),
  ]);
  expect(view('2025-01-01', ...done, close('jp-mod'), close('us-gov'))).toMatchObject({
    status: 'closed',
    flags: [],
    ageYears: null,
  });
});

test('delivered value: the smaller of accepted and quantity, each line rounded half up to the minor unit', () => {
  const lines = [
    { line: '1', description: 'a', quantity: '2.5', unit: 'KGM', unitValue: { amount: '0.33', currency: 'USD' } },
    { line: '2', description: 'b', quantity: 3, unit: 'EA', unitValue: { amount: '10.00', currency: 'USD' } },
  ];
  const sent = given(
    registered({ lines, milestones: [] }),
    accept('1', '1.5', '2021-01-01'),
    accept('2', 5, '2021-01-01'),
  );
  const shown = contractView(rowsAfter(contractStatus, sent), '2021-02-01')!;
  // 1.5 x 0.33 = 0.495 -> 0.50; 2.5 x 0.33 = 0.825 -> 0.83; 3 x 10.
  expect(shown.deliveredValue.amount).toBe('30.50');
  expect(shown.undeliveredValue.amount).toBe('0.33');
  expect(shown.lines.map((line) => line.accepted)).toEqual(['1.5', 3]);
  expect(shown.flags.map((flag) => flag.code)).toEqual(['quantity-exceeds-line']);
});

test('age counts whole years after signing while something is undelivered', () => {
  expect(view('2025-01-10').ageYears).toBe(4);
  expect(view('2025-01-11').ageYears).toBe(5);
});

test('shipped counts one reporter a shipment: prime before carrier, the first recorded within a role', () => {
  const lineOne = (...sent: Sent[]) => view('2021-05-01', ...sent).lines[0]!;
  expect(lineOne(dispatch('S', 3, 'carrier-a'), dispatch('S', 2, 'prime-a'), dispatch('S', 4, 'prime-a')).shipped).toBe(
    2,
  );
  expect(lineOne(dispatch('S', 1, 'carrier-a'), dispatch('T', 2, 'sub-a')).shipped).toBe(3);
});

test('what names a shipment not heard of is flagged and held, and takes effect when it arrives', () => {
  const accepted = accept('1', 4, '2021-04-02', { shipment: 'S' });
  const early = view('2021-05-01', accepted);
  expect(early.lines[0]!.accepted).toBe(0);
  expect(early.flags).toEqual([expect.objectContaining({ code: 'unknown-reference' })]);
  const after = view('2021-05-01', accepted, dispatch('S', 4, 'carrier-a'));
  expect(after.lines[0]!.accepted).toBe(4);
  expect(after.flags).toEqual([]);
});

test('what rests on a withdrawn shipment keeps its effect and is flagged', () => {
  const sent = { ...dispatch('S', 4, 'prime-a'), id: 'sent' };
  const withdraw = event(
    'EventCorrected',
    { event: { id: 'sent' }, reason: 'did-not-occur' },
    { by: 'prime-a', time: '2021-06-01' },
  );
  const shown = view('2021-07-01', sent, accept('1', 4, '2021-04-02', { shipment: 'S' }), withdraw);
  expect(shown.lines[0]).toMatchObject({ accepted: 4, shipped: 0 });
  expect(shown.flags).toEqual([expect.objectContaining({ code: 'basis-withdrawn' })]);
});

test('a withdrawn delay is not open, may still be acknowledged, and keeps what others said of it flagged', () => {
  const delay = event(
    'DelayReported',
    {
      delay: 'D',
      cause: { code: 'parts', locus: 'seller', detail: 'x' },
      startedOn: '2020-02-01',
      forecasts: [{ milestone: 'D1', forecast: '2023-01-01' }],
    },
    { id: 'd', by: 'prime-a' },
  );
  const withdraw = event(
    'EventCorrected',
    { event: { id: 'd' }, reason: 'did-not-occur' },
    { by: 'prime-a', time: '2020-02-10' },
  );
  const acknowledged = event('DelayAcknowledged', { delay: 'prime-a/D' }, { by: 'jp-mod', time: '2020-02-12' });
  const shown = view('2020-03-01', delay, withdraw, acknowledged);
  expect(shown).toMatchObject({ openDelays: 0, status: 'on-track' });
  expect(shown.flags).toEqual([expect.objectContaining({ code: 'basis-withdrawn' })]);
});

test('manufacturing shows what the latest event by time says, and flags percentages that go down', () => {
  const progress = (percent: number, time: string) =>
    event(
      'ManufacturingProgressed',
      { line: '1', stage: 'assembly', percent, unitsCompleted: 1 },
      { by: 'prime-a', time, recorded: '2020-09-01' },
    );
  const shown = view('2020-10-01', progress(50, '2020-06-01'), progress(30, '2020-05-01'), progress(40, '2020-07-01'));
  expect(shown.lines[0]).toMatchObject({
    stage: 'assembly',
    percent: 40,
    lastReportOn: '2020-09-01',
    lastReportBy: 'prime-a',
  });
  expect(shown.flags.map((flag) => flag.code)).toEqual(['percent-decreased']);
});

test('second-hand and after-closing are flagged', () => {
  const letter = event(
    'ForecastRevised',
    { milestone: 'D1', forecast: '2022-01-01', reason: 'letter' },
    { by: 'jp-mod', onbehalfof: 'us-gov' },
  );
  expect(view('2020-03-01', letter).flags).toEqual([expect.objectContaining({ code: 'second-hand' })]);
  const close = (by: string) => event('ContractClosed', { reason: 'x' }, { by, time: '2021-07-01' });
  const late = event('ManufacturingStarted', { line: '1', site: 'p', stage: 's' }, { time: '2021-08-01' });
  expect(view('2022-01-01', close('jp-mod'), close('us-gov'), late).flags.map((flag) => flag.code)).toEqual([
    'after-closing',
  ]);
});

test('a cancelled line counts in the sums with what was accepted of it', () => {
  const cancel = event(
    'ContractAmended',
    { amendment: 'A', consulted: [], rationale: 'x', lines: [{ line: '1', cancelled: true }] },
    { time: '2021-07-01' },
  );
  const agreed = event('AmendmentAgreed', { amendment: 'A' }, { by: 'jp-mod', time: '2021-07-02' });
  const shown = view('2021-08-01', accept('1', 1, '2021-05-01'), cancel, agreed);
  expect(shown).toMatchObject({ deliveredValue: { amount: '200.00' }, undeliveredValue: { amount: '200.00' } });
  expect(shown.lines[0]!.cancelled).toBe(true);
});

test('on a day before its registration there is no contract, whatever is said to have happened then', () => {
  const early = accept('1', 1, '2019-01-01');
  expect(foldAll(given(...base, early).recorded, '2019-06-01').registration).toBeUndefined();
  expect(view('2020-03-01', early).lines[0]!.accepted).toBe(1);
});
