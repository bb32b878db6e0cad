import { contractView } from '../../projections/contract-status/queries.js';
import { contractStatus } from '../../projections/contract-status/contract-status.js';
import { obligationsView } from '../../projections/obligations/queries.js';
import { obligations } from '../../projections/obligations/obligations.js';
import type { ContractRows } from '../../projections/projection.js';
import {
  confirmed,
  event,
  foldAll,
  given,
  registered,
  registrationData,
  rowsAfter,
  rowsOneByOne,
  usd,
  type Options,
  type Sent,
} from '../../test/support/scenario.js';
import { dayNumber } from './calendar.js';
import { endDaysBefore } from './obligations.js';

const terms = {
  reportEveryDays: 30,
  delayNoticeDays: 30,
  acknowledgeWithinDays: 10,
  resolveWithinDays: 40,
  discrepancyWithinDays: 30,
  settleWithinDays: 30,
};
const base = [registered({ terms }, { recorded: '2020-01-10' }), confirmed({ time: '2020-01-10' })];
const reports = (day: string, ...sent: readonly Sent[]) =>
  obligationsView(rowsAfter(obligations, given(...base, ...sent)), day)!.reports;
/** Ids of all that is missed at the start of a day and not noticed. */
const missed = (day: string, ...sent: readonly Sent[]) => {
  const model = foldAll(given(...base, ...sent).recorded);
  endDaysBefore(model, dayNumber(day));
  return [...model.reckoning.missed.keys()].sort();
};
const forecast = (time: string, by = 'prime-a', options: Options = {}) =>
  event('ForecastRevised', { milestone: 'D1', forecast: '2021-06-30', reason: 'on time' }, { by, time, ...options });
const noticed = (dueOn: string, time: string) =>
  event(
    'ReportOverdue',
    { party: 'prime-a', line: '1', dueOn },
    { by: 'ledger', time, id: `overdue/prime-a/1/${dueOn}` },
  );

test('once both sides have closed no step of a delay is waited for', () => {
  const reported = event(
    'DelayReported',
    {
      delay: 'X1',
      cause: { code: 'supply', locus: 'prime', party: 'prime-a', detail: 'x' },
      startedOn: '2020-02-01',
      forecasts: [],
    },
    { by: 'prime-a', time: '2020-02-01' },
  );
  const close = (by: string) => event('ContractClosed', { reason: 'x' }, { by, time: '2020-06-01' });
  const steps = (...sent: readonly Sent[]) =>
    obligationsView(rowsAfter(obligations, given(...base, reported, ...sent)), '2020-07-01')!.delays.map(
      ({ step, done, overdue }) => [step, done, overdue],
    );
  const waiting = [
    ['acknowledge', false, true],
    ['resolve', false, true],
  ];
  expect(steps()).toEqual(waiting);
  expect(steps(close('us-gov'))).toEqual(waiting);
  expect(steps(close('us-gov'), close('jp-mod'))).toEqual([
    ['acknowledge', true, false],
    ['resolve', true, false],
  ]);
});

test('what nobody waits for any more is not overdue, and stays on the record as missed', () => {
  const late = [noticed('2020-02-09', '2020-02-10')];
  const [close, accept] = [
    (by: string) => event('ContractClosed', { reason: 'x' }, { by, time: '2020-02-11' }),
    (quantity: number) =>
      event(
        'DeliveryAccepted',
        { items: [{ line: '1', quantity }], acceptancePoint: 'destination' },
        { by: 'jp-mod', time: '2020-02-11' },
      ),
  ];
  const state = (...sent: readonly Sent[]) => {
    const [first] = reports('2020-03-01', ...late, ...sent);
    return [first!.overdue, first!.missed.length];
  };
  expect(state()).toEqual([true, 1]);
  expect(state(close('jp-mod'))).toEqual([true, 1]);
  expect(state(close('jp-mod'), close('us-gov'))).toEqual([false, 1]);
  // That somebody says it was reached ends no silence.
  const reached = (milestone: string) =>
    event('MilestoneReached', { milestone, on: '2020-02-10' }, { by: 'carrier-a', time: '2020-02-11' });
  expect(state(reached('M1'))).toEqual([true, 1]);
  const line = registrationData().lines.find((entry) => entry.line === '1')!;
  expect(state(reached('M1'), accept(Number(line.quantity) - 1))).toEqual([true, 1]);
  expect(state(reached('M1'), accept(Number(line.quantity)))).toEqual([false, 1]);
});

test('a delivery that names no line is waited for until all is accepted', () => {
  const milestones = [{ milestone: 'ALL', kind: 'delivery', description: 'all', due: '2021-06-30', binding: 'firm' }];
  const first = registered({ terms, milestones }, { recorded: '2020-01-10' });
  const late = event(
    'ReportOverdue',
    { party: 'prime-a', milestone: 'ALL', dueOn: '2020-02-09' },
    { by: 'ledger', time: '2020-02-10', id: 'overdue/prime-a/milestone:ALL/2020-02-09' },
  );
  const accept = (...lines: readonly string[]) =>
    event(
      'DeliveryAccepted',
      {
        items: registrationData()
          .lines.filter(({ line }) => lines.includes(line))
          .map(({ line, quantity }) => ({ line, quantity })),
        acceptancePoint: 'destination',
      },
      { by: 'jp-mod', time: '2020-02-11' },
    );
  const overdue = (...sent: readonly Sent[]) => {
    const rows = rowsAfter(obligations, given(first, confirmed({ time: '2020-01-10' }), late, ...sent));
    return obligationsView(rows, '2020-03-01')!.reports.map((report) => [report.owed, report.overdue]);
  };
  expect(overdue(accept('1'))).toEqual([[true, true]]);
  expect(overdue(accept(...registrationData().lines.map(({ line }) => line)))).toEqual([[false, false]]);
});

test('what is owed: a report of each line with something still to come, by who is responsible for what is due first', () => {
  expect(reports('2020-02-01')).toEqual([
    {
      line: '1',
      milestone: null,
      party: 'prime-a',
      owed: true,
      reportEveryDays: 30,
      owedSince: '2020-01-10',
      lastReportOn: null,
      nextDueOn: '2020-02-09',
      overdue: false,
      overdueSince: null,
      missed: [],
    },
  ]);
  // Line 2 has no milestone; the payment milestone owes no report.
  const whole = event(
    'ContractAmended',
    {
      amendment: 'A1',
      consulted: [],
      rationale: 'more',
      milestones: [
        {
          milestone: 'T1',
          kind: 'quality',
          description: 'Trial',
          due: '2021-01-01',
          binding: 'firm',
          responsible: 'sub-a',
        },
      ],
    },
    { by: 'us-gov', time: '2020-02-01' },
  );
  const agreed = event('AmendmentAgreed', { amendment: 'A1' }, { by: 'jp-mod', time: '2020-02-05' });
  expect(reports('2020-02-06', whole, agreed)).toMatchObject([
    { line: null, milestone: 'T1', party: 'sub-a', owedSince: '2020-02-05', nextDueOn: '2020-03-06' },
    { line: '1' },
  ]);
  expect(missed('2020-03-07', whole, agreed)).toEqual([
    'overdue/prime-a/1/2020-02-09',
    'overdue/sub-a/milestone:T1/2020-03-06',
  ]);
});

test('a report is any event of the party’s own about the line, a milestone, shipment, check or nonconformance of it', () => {
  const items = [{ line: '1', quantity: 1 }];
  const dispatch = event(
    'ShipmentDispatched',
    { shipment: 'S1', items, carrier: 'carrier-a', mode: 'sea', from: 'A', to: 'B', eta: '2021-01-01T00:00:00Z' },
    { by: 'carrier-a', time: '2020-01-20' },
  );
  const own: readonly Sent[] = [
    forecast('2020-02-05'),
    event(
      'ManufacturingStarted',
      { line: '1', site: 'Plant', stage: 'casting' },
      { by: 'prime-a', time: '2020-02-05' },
    ),
    event(
      'ShipmentMoved',
      { shipment: 'S1', location: 'Port', status: 'departed' },
      { by: 'prime-a', time: '2020-02-05' },
    ),
  ];
  for (const each of own)
    expect({ type: each.type, missed: missed('2020-02-12', dispatch, each) }).toEqual({ type: each.type, missed: [] });
  const others: readonly Sent[] = [
    forecast('2020-02-05', 'us-gov'),
    forecast('2020-02-05', 'us-gov', { onbehalfof: 'prime-a' }),
    event('PaymentMade', { payment: 'P', amount: usd('1'), kind: 'advance' }, { by: 'jp-mod', time: '2020-02-05' }),
    event(
      'ContractAmended',
      { amendment: 'A1', consulted: [], rationale: 'r', milestones: [{ milestone: 'D1', due: '2022-01-01' }] },
      { by: 'us-gov', time: '2020-02-05' },
    ),
  ];
  for (const each of others)
    expect({ type: each.type, missed: missed('2020-02-12', dispatch, each) }).toEqual({
      type: each.type,
      missed: ['overdue/prime-a/1/2020-02-09'],
    });
});

test('a miss that was noticed stays noticed; a report after it ends its being overdue', () => {
  const first = noticed('2020-02-09', '2020-02-10');
  expect(reports('2020-02-20', first)).toMatchObject([
    { overdue: true, overdueSince: '2020-02-09', nextDueOn: '2020-03-10', missed: [{ dueOn: '2020-02-09' }] },
  ]);
  const status = (...sent: readonly Sent[]) => {
    const view = contractView(rowsAfter(contractStatus, given(...base, ...sent)), '2020-02-20')!;
    return [view.status, view.overdueReports, view.lines[0]!.overdueSince];
  };
  expect(status(first)).toEqual(['at-risk', 1, '2020-02-09']);
  expect(status(first, forecast('2020-02-15'))).toEqual(['on-track', 0, null]);
  expect(reports('2020-02-20', first, forecast('2020-02-15'))).toMatchObject([
    { overdue: false, overdueSince: null, lastReportOn: '2020-02-15', nextDueOn: '2020-03-16', missed: [{}] },
  ]);
  const cancelled = event(
    'ContractAmended',
    { amendment: 'A1', consulted: [], rationale: 'r', lines: [{ line: '1', cancelled: true }] },
    { by: 'us-gov', time: '2020-02-11' },
  );
  const agreed = event('AmendmentAgreed', { amendment: 'A1' }, { by: 'jp-mod', time: '2020-02-12' });
  expect(status(first, cancelled, agreed)).toEqual(['on-track', 0, null]);
});

test('the period that was in force on the earlier day makes the next due day', () => {
  const shorter = event(
    'ContractAmended',
    { amendment: 'A1', consulted: [], rationale: 'r', terms: { reportEveryDays: 10 } },
    { by: 'us-gov', time: '2020-01-20' },
  );
  const agreed = event('AmendmentAgreed', { amendment: 'A1' }, { by: 'jp-mod', time: '2020-01-25' });
  expect(missed('2020-03-01', shorter, agreed)).toEqual([
    'overdue/prime-a/1/2020-02-09',
    'overdue/prime-a/1/2020-02-19',
    'overdue/prime-a/1/2020-02-29',
  ]);
});

test('nothing is owed once both sides have closed, and not more than a hundred in a row are noticed', () => {
  const close = (by: string) => event('ContractClosed', { reason: 'done' }, { by, time: '2020-02-01' });
  expect(missed('2021-01-01', close('us-gov'), close('jp-mod'))).toEqual([]);
  expect(missed('2021-01-01', close('us-gov')).length).toBe(11);
  expect(missed('2040-01-01').length).toBe(100);
  expect(missed('2040-01-01').at(-1)).toBe('overdue/prime-a/1/2028-03-28');
});

describe('a milestone that is given a line', () => {
  const whole = { kind: 'delivery', description: 'x', due: '2021-06-30', binding: 'firm' };
  const first = registered({ terms, milestones: [{ milestone: 'ALL', ...whole }] }, { recorded: '2020-01-10' });
  const moved = [
    event(
      'ContractAmended',
      { amendment: 'A', consulted: [], rationale: 'x', milestones: [{ milestone: 'ALL', line: '1', ...whole }] },
      { time: '2020-02-15' },
    ),
    event('AmendmentAgreed', { amendment: 'A' }, { by: 'jp-mod', time: '2020-02-16' }),
  ];
  /** Rows as they are written while events come in, one by one; they are those that a replay makes. */
  const shown = (...sent: readonly Sent[]) => {
    const played = given(first, confirmed({ time: '2020-01-10' }), ...sent);
    const rows = rowsOneByOne(obligations, played);
    const inAnyOrder = (of: ContractRows) =>
      [...of].map(([table, all]) => [table, all.map((row) => JSON.stringify(row)).sort()]);
    expect(inAnyOrder(rows)).toEqual(inAnyOrder(rowsAfter(obligations, played)));
    const view = obligationsView(rows, '2020-03-01')!;
    return view.reports.map(({ line, milestone, owed, overdue }) => [line ?? milestone, owed, overdue]);
  };

  test('leaves no row of its own behind', () => {
    expect(shown()).toEqual([['ALL', true, false]]);
    expect(shown(...moved)).toEqual([['1', true, false]]);
  });

  test('keeps what was missed of it, which a report on the line makes up for', () => {
    const late = event(
      'ReportOverdue',
      { party: 'prime-a', milestone: 'ALL', dueOn: '2020-02-09' },
      { by: 'ledger', time: '2020-02-10', id: 'overdue/prime-a/milestone:ALL/2020-02-09' },
    );
    const started = event(
      'ManufacturingStarted',
      { line: '1', site: 'Plant', stage: 'cutting' },
      { by: 'prime-a', time: '2020-02-20' },
    );
    expect(shown(late)).toEqual([['ALL', true, true]]);
    expect(shown(late, ...moved)).toEqual([
      ['ALL', false, true],
      ['1', true, false],
    ]);
    expect(shown(late, ...moved, started)).toEqual([
      ['ALL', false, false],
      ['1', true, false],
    ]);
    // Nor is it missing again once the milestone is given another line.
    const again = [
      event(
        'ContractAmended',
        { amendment: 'B', consulted: [], rationale: 'x', milestones: [{ milestone: 'ALL', line: '2', ...whole }] },
        { time: '2020-02-15T23:00:00Z', recorded: '2020-02-21' },
      ),
      // Recorded last, and said to be of the day of the other agreement.
      event('AmendmentAgreed', { amendment: 'B' }, { by: 'jp-mod', time: '2020-02-16', recorded: '2020-02-22' }),
    ];
    expect(shown(late, ...moved, started, ...again)).toEqual([
      ['ALL', false, false],
      ['2', true, false],
    ]);
  });
});
