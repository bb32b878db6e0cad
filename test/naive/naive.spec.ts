/** Examples worked out by hand from the rules. */
import { usd } from '../support/scenario.js';
import {
  naiveAccountability,
  naiveContract,
  naiveDiscrepancies,
  naiveExposure,
  naiveNotices,
  naiveObligations,
  naivePayments,
  naiveQuality,
  naiveSchedule,
  naiveScorecards,
  naiveShipments,
} from './naive.js';
import {
  type Said,
  recorded,
  say,
  registration,
  confirmed,
  amend,
  agree,
  redate,
  forecast,
  takeBack,
  dispatch,
  accept,
  revoke,
  delay,
  short,
} from './said.js';

describe('dates', () => {
  const imposed = [
    redate('A', '2022-06-30', 'us-gov', '2020-05-01'),
    redate('B', '2022-01-01', 'jp-mod', '2020-06-01'),
  ];
  const seen = [registration(), ...imposed, forecast('2021-09-30', 'us-gov', '2020-07-01')];
  const d1 = (...all: readonly Said[]) =>
    naiveSchedule(recorded(...all), { day: '2021-08-01' })!.milestones.find(({ milestone }) => milestone === 'D1')!;

  test('of two sides’ dates the later is imposed, and a forecast after it stands', () => {
    expect(d1(...seen.slice(0, 3))).toMatchObject({ imposed: '2022-06-30', standing: '2022-06-30', slipDays: 365 });
    expect(d1(...seen)).toMatchObject({
      agreed: '2021-06-30',
      imposed: '2022-06-30',
      forecast: '2021-09-30',
      standing: '2021-09-30',
      expected: '2021-09-30',
      slipDays: 92,
      extensionsImposedDays: 365,
      timesRedated: 2,
    });
    expect(d1(...seen).redatings.map(({ from, to, days }) => [from, to, days])).toEqual([
      ['2021-06-30', '2022-06-30', 365],
      ['2022-06-30', '2022-01-01', -180],
    ]);
    expect(d1(...seen).forecasts[0]).toMatchObject({ from: '2022-06-30', to: '2021-09-30', delay: null });
  });

  test('what is agreed ends what was imposed before it', () => {
    expect(d1(...seen, agree('B', 'us-gov', '2020-08-01'))).toMatchObject({
      baseline: '2021-06-30',
      agreed: '2022-01-01',
      imposed: null,
      standing: '2021-09-30',
      slipDays: 92,
      lateDays: -93,
      extensionsAgreedDays: 185,
    });
  });

  test('a day asked about leaves out what happened later, but no correction', () => {
    const history = recorded(...seen, takeBack('e3', 'us-gov', '2020-09-01'));
    const on = (day: string) => naiveSchedule(history, { on: day, day })?.milestones[1];
    expect(on('2020-01-09')).toBeUndefined();
    expect(on('2020-05-15')).toMatchObject({ imposed: '2022-06-30', timesRedated: 1 });
    expect(on('2020-07-15')).toMatchObject({ forecast: null });
    expect(naiveSchedule(history, { day: '2020-07-15', upToRevision: 3 })?.milestones[1]).toMatchObject({
      forecast: '2021-09-30',
    });
  });
});

describe('accepted', () => {
  const history = recorded(
    registration(),
    dispatch('S', 3, 'prime-a', '2021-03-01'),
    dispatch('T', 2, 'carrier-a', '2021-03-02'),
    accept(2, 'origin', '2021-03-03', 'S'),
    accept(3, 'destination', '2021-04-01', 'S'),
    accept(2, 'destination', '2021-04-02', 'T'),
    revoke(1, '2021-05-01', 'S'),
    revoke(1, '2021-05-02'),
    accept(1, 'origin', '2021-06-01'),
    accept(9, 'origin', '2021-06-02', 'not heard of'),
  );
  test('is the larger of the two points, shipment by shipment, less what was revoked', () => {
    // S: 3 - 1, T: 2, none: 1, less the 1 revoked of none: 4 in all. It stood at 4 in April, and again from 1 June.
    const { milestones } = naiveSchedule(history, { day: '2021-07-01' })!;
    expect(milestones[1]).toMatchObject({ milestone: 'D1', actual: '2021-06-01', lateDays: -29 });
    const at = (day: string) => naiveContract(history, { on: day, day })!;
    expect(
      ['2021-03-31', '2021-04-01', '2021-04-30', '2021-05-01', '2021-05-02'].map((day) => at(day).lines[0]!.accepted),
    ).toEqual([2, 3, 4, 4, 3]);
    expect(at('2021-04-30')).toMatchObject({ deliveredValue: usd('800.00'), undeliveredValue: usd('200.00') });
    expect(at('2021-07-01').lines[0]).toMatchObject({ shipped: 5, accepted: 4, rejected: 2, lastReportBy: 'jp-mod' });
  });
  test('is shown by shipment, last what was of none', () => {
    const { shipments } = naiveShipments(history, { day: '2021-07-01' })!;
    expect(shipments.map(({ shipment, lines }) => [shipment, lines[0]!.accepted])).toEqual([
      ['S', 2],
      ['T', 2],
      [null, 0],
    ]);
  });
});

describe('accountability', () => {
  const share = (days: number, accountable: string) => ({ days, class: 'non-excusable', accountable });
  const determined = { delay: 'sub-a/X', milestone: 'D1', reasons: 'x', evidence: [] };
  const history = (...first: readonly Said[]) => [
    ...first,
    amend('J', { adjudicators: [{ party: 'judge', name: 'j', country: 'CH' }] }, 'us-gov', '2020-02-01'),
    agree('J', 'jp-mod', '2020-02-02'),
    delay('X', '2020-03-01', '2021-08-29', 'sub-a', '2020-05-01', { id: 'x', recorded: '2020-05-03' }),
    forecast('2021-09-08', 'prime-a', '2020-05-10'),
    delay('Y', '2020-05-15', '2021-09-13', 'sub-a', '2020-05-20'),
    say('DelayAcknowledged', { delay: 'sub-a/X' }, 'jp-mod', '2020-05-23'),
    say('DisputeOpened', { dispute: 'Q', claim: 'x', contests: [{ id: 'd' }] }, 'judge', '2020-06-10'),
    say(
      'DelayDetermined',
      { ...determined, shares: [share(20, 'sub-a'), share(10, 'force-majeure'), share(5, 'concurrent')] },
      'judge',
      '2020-06-01',
      { id: 'd', recorded: '2020-06-11' },
    ),
    say(
      'DisputeDecided',
      {
        dispute: 'Q',
        decision: 'x',
        determinations: [{ ...determined, shares: [share(30, 'sub-a'), share(10, 'force-majeure')] }],
      },
      'judge',
      '2020-07-01',
    ),
  ];
  const answer = (...first: readonly Said[]) =>
    naiveAccountability(recorded(...history(...first)), { day: '2021-07-01' })!;

  test('the latest determination of a delay counts, and what is left is nobody’s', () => {
    // The prime's word stands: 30 June to 8 September are 70 days. 30 + 10 + 0 + 30 - 0.
    expect(answer(registration(), confirmed).milestones[1]).toEqual({
      milestone: 'D1',
      slipDays: 70,
      determined: [{ party: 'sub-a', class: 'non-excusable', days: 30 }],
      forceMajeureDays: 10,
      concurrentDays: 0,
      unattributedDays: 30,
      agreedDays: 0,
      overAttributedDays: 0,
      // 60 days from the agreed date, then 15 from what it had said itself.
      alleged: [{ by: 'sub-a', recordedBy: null, locus: 'subcontractor', party: 'sub-a', days: 75 }],
      unexplained: [{ by: 'prime-a', recordedBy: null, days: 70 }],
    });
  });

  test('before the registration is confirmed nothing that was determined counts', () => {
    const { milestones, delays } = answer(registration());
    expect(milestones[1]).toMatchObject({ determined: [], unattributedDays: 70 });
    expect(delays[0]!.determinations.map(({ counts }) => counts)).toEqual([false, false]);
  });

  test('a delay: its lags as recorded and as stated, its dispute', () => {
    const { delays, disputes } = answer(registration(), confirmed);
    // From 1 March: recorded 63 days later, stated 61; thirty are allowed. Acknowledged 20 days after 3 May, 22 after the 1st.
    expect(delays[0]).toMatchObject({
      delay: 'sub-a/X',
      status: 'acknowledged',
      noticeLagDays: 63,
      statedNoticeLagDays: 61,
      noticeLate: true,
      acknowledgedAfterDays: 20,
      statedAcknowledgedAfterDays: 22,
      disputes: [{ dispute: 'judge/Q', status: 'decided', contests: [{ id: 'd', source: 'urn:waybook:party:judge' }] }],
    });
    expect(delays[0]!.determinations.map(({ counts }) => counts)).toEqual([false, true]);
    expect(delays[1]).toMatchObject({ delay: 'sub-a/Y', noticeLagDays: 5, noticeLate: false, disputes: [] });
    expect(disputes).toHaveLength(1);
  });
});

describe('reports owed', () => {
  const misses = (throughDay: string, ...all: readonly Said[]) =>
    naiveNotices(recorded(...all), throughDay)
      .filter(({ type }) => type === 'ReportOverdue')
      .map(({ id, time }) => [id.split('/').at(-1), time.slice(0, 10)]);
  const base = [
    short(),
    forecast('2021-06-30', 'prime-a', '2020-01-25', { id: 'f' }),
    amend('T', { terms: { reportEveryDays: 5 } }, 'us-gov', '2020-02-01'),
    agree('T', 'jp-mod', '2020-02-01'),
  ];

  test('each due day counts from the one before, by the terms of that day', () => {
    // 10 + 10 = 20 January, missed; 25 January + 10 = 4 February; from there every five days.
    expect(misses('2020-02-10', ...base)).toEqual([
      ['2020-01-20', '2020-01-21'],
      ['2020-02-04', '2020-02-05'],
      ['2020-02-09', '2020-02-10'],
    ]);
    expect(misses('2020-01-20', ...base)).toEqual([]);
  });

  test('a report on the due day averts the miss, one on behalf of the party does not', () => {
    expect(misses('2020-01-22', short(), forecast('2021-06-30', 'prime-a', '2020-01-20'))).toEqual([]);
    const letter = forecast('2021-06-30', 'us-gov', '2020-01-20', { onBehalfOf: 'prime-a' });
    expect(misses('2020-01-22', short(), letter)).toHaveLength(1);
  });

  test('a correction makes no miss of a day before it', () => {
    // Taken back on 2 February, the chain runs from 10 January again: 20, 30, and 9 February by the terms of 30 January.
    expect(misses('2020-02-10', ...base, takeBack('f', 'prime-a', '2020-02-02'))).toEqual([
      ['2020-01-20', '2020-01-21'],
      ['2020-02-09', '2020-02-10'],
    ]);
  });

  test('what is owed and missed is shown, and the next day that was not noticed', () => {
    const noticed = say('ReportOverdue', { party: 'prime-a', line: '1', dueOn: '2020-01-20' }, 'ledger', '2020-01-21');
    const report = (...all: readonly Said[]) => naiveObligations(recorded(...all), { day: '2020-01-28' })!.reports[0];
    expect(report(short(), noticed)).toMatchObject({
      line: '1',
      party: 'prime-a',
      owedSince: '2020-01-10',
      lastReportOn: null,
      nextDueOn: '2020-01-30',
      overdue: true,
      overdueSince: '2020-01-20',
    });
    expect(report(short(), noticed, base[1]!)).toMatchObject({
      lastReportOn: '2020-01-25',
      nextDueOn: '2020-02-04',
      overdue: false,
      overdueSince: null,
      missed: [{ dueOn: '2020-01-20' }],
    });
    expect(naiveContract(recorded(short(), noticed), { day: '2020-01-28' })).toMatchObject({
      status: 'at-risk',
      overdueReports: 1,
    });
  });

  test('a step whose deadline has passed is escalated, once more for each further period', () => {
    const reported = delay('X', '2020-03-01', '', 'sub-a', '2020-03-01');
    const levels = (...more: readonly Said[]) =>
      naiveNotices(recorded(registration(), reported, ...more), '2020-04-01')
        .filter(({ type }) => type === 'DelayEscalated')
        .map(({ id, time, data }) => [id, time, (data as { overdueSince: string }).overdueSince]);
    expect(levels()).toEqual([
      ['escalated/sub-a/X/acknowledge/1', '2020-03-16T00:00:00Z', '2020-03-15'],
      ['escalated/sub-a/X/acknowledge/2', '2020-03-30T00:00:00Z', '2020-03-15'],
    ]);
    expect(levels(say('DelayAcknowledged', { delay: 'sub-a/X' }, 'jp-mod', '2020-03-20'))).toHaveLength(1);
  });
});

test('money: paid against delivered, and settled by the first two that agree', () => {
  const pay = (payment: string, amount: object, time: string) =>
    say('PaymentMade', { payment, amount, kind: 'advance' }, 'jp-mod', time);
  const settle = (by: string, finalAmount: string, time: string) =>
    say('AccountSettled', { finalAmount: usd(finalAmount), refund: usd('0.00') }, by, time);
  const history = recorded(
    short(),
    pay('P', usd('900.00'), '2020-02-01'),
    pay('Y', { amount: '5', currency: 'JPY' }, '2020-02-02'),
    dispatch('S', 4, 'prime-a', '2021-03-01'),
    accept(3, 'origin', '2021-03-03', 'S'),
    accept(4, 'destination', '2021-04-01', 'S'),
    settle('us-gov', '800.00', '2023-06-02'),
    settle('jp-mod', '799.00', '2023-06-03'),
    settle('jp-mod', '800.0', '2023-05-01'),
  );
  const on = (day: string) => ({ ...naivePayments(history, { on: day, day })! });
  expect(on('2021-03-31')).toMatchObject({ paid: usd('900.00'), exposure: usd('300.00'), deliveredOn: null });
  expect(on('2023-04-01')).toMatchObject({
    deliveredOn: '2021-04-01',
    settlementDueOn: '2023-04-01',
    settlementOverdue: false,
    exposure: usd('100.00'),
    unsettled: true,
  });
  expect(on('2023-04-02')).toMatchObject({ settlementOverdue: true });
  expect(on('2023-06-03')).toMatchObject({ settledOn: '2023-06-02', exposure: usd('0.00'), unsettled: false });
  expect(on('2023-06-03').settlements.map(({ counts }) => counts)).toEqual([true, false, true]);
  expect(on('2023-06-03').payments.map(({ counts }) => counts)).toEqual([true, false]);

  const exposed = (day: string) => naiveExposure([history], { on: day, day }, 'buyer')[0]!;
  expect(exposed('2021-01-10').age[0]).toEqual({ overYears: 1, contracts: 0, undeliveredValue: usd('0.00') });
  expect(exposed('2021-01-11').age[0]).toEqual({ overYears: 1, contracts: 1, undeliveredValue: usd('800.00') });
  expect(exposed('2023-04-02')).toMatchObject({
    key: 'jp-mod',
    currency: 'USD',
    deliveredUnsettled: { contracts: 1, paid: usd('900.00'), overdueContracts: 1, overduePaid: usd('900.00') },
  });
  expect(
    naiveScorecards([history], { day: '2023-04-02' }).find(({ party }) => party === 'prime-a')!.deliveries,
  ).toEqual({
    reached: 1,
    onTime: 1,
    overdue: 0,
    onTimeRate: '1.0000',
  });
});

test('quality: serials cover once, the first check of each serial is its first pass', () => {
  const check = (id: string, result: string, time: string, more: object) =>
    say(
      'QualityCheckRecorded',
      { check: id, line: '1', kind: 'final', standard: 'AQAP-2110', quantity: 2, result, ...more },
      'inspector-a',
      time,
    );
  const history = recorded(
    short(),
    check('A', 'pass', '2020-03-02', { serials: ['s1', 's2'] }),
    check('B', 'fail', '2020-03-01', { serials: ['s2'], quantity: 1 }),
    check('C', 'pass', '2020-03-03', { standard: 'AS9102' }),
    accept(4, 'destination', '2020-04-01'),
  );
  // s1 passed first, s2 failed first, the one without serials passed: two of three.
  expect(naiveQuality(history, { day: '2020-05-01' })!.lines[0]).toEqual({
    line: '1',
    standard: 'AQAP-2110',
    accepted: 4,
    covered: 2,
    uncovered: 2,
    coveredBy: [
      { standard: 'AQAP-2110', quantity: 2 },
      { standard: 'AS9102', quantity: 2 },
    ],
    firstChecks: 3,
    firstPassed: 2,
    firstPassYield: '0.6667',
  });
});

test('a discrepancy counts from the first receipt, and waits for a shipment that nobody has heard of', () => {
  const raised = say(
    'DiscrepancyRaised',
    { discrepancy: 'D', kind: 'shortage', shipment: 'S', line: '1', quantity: 1, detail: 'x' },
    'jp-mod',
    '2021-05-01',
  );
  const received = say(
    'ShipmentReceived',
    { shipment: 'S', items: [{ line: '1', quantity: 3, condition: 'good' }], location: 'x' },
    'jp-mod',
    '2021-04-21',
    { recorded: '2021-05-01' },
  );
  const answered = say(
    'DiscrepancyAnswered',
    { discrepancy: 'jp-mod/D', answer: 'accepted', remedy: 'replace' },
    'us-gov',
    '2021-05-31',
  );
  const shown = (...all: readonly Said[]) =>
    naiveDiscrepancies(recorded(short(), ...all), { day: '2021-06-10' })!.discrepancies;
  expect(shown(raised, received)).toEqual([]);
  const sent = dispatch('S', 4, 'prime-a', '2021-03-01', { recorded: '2021-06-01' });
  expect(shown(raised, received, sent)).toMatchObject([
    {
      discrepancy: 'jp-mod/D',
      receivedOn: '2021-04-21',
      raisedAfterDays: 10,
      raisedLate: false,
      answeredAfterDays: 40,
    },
  ]);
  expect(shown(raised, received, answered, sent)).toMatchObject([
    { status: 'answered', answeredAfterDays: 30, closedAfterDays: 40 },
  ]);
});
