/**
 * Who owes what, who is late, who is accountable: one late contract followed through every read model, and every party's
 * attempts to make a delay, a date or a debt disappear.
 */
import { checkLedger } from '../support/check-ledger.js';
import { call, LedgerProcess } from '../support/ledger-process.js';
import { event, registrationData, usd, type Options, type Sent } from '../support/scenario.js';

const CASE = 'CASE-1';
let ledger: LedgerProcess;
let position = '0';

type Body = Record<string, never>;
const get = async (path: string, headers: Record<string, string> = {}) => {
  const answer = await call<Body>(ledger.url, path, undefined, undefined, headers);
  return answer;
};
/** Any member of an answer, by path. */
const read = async (path: string): Promise<any> => {
  const sep = path.includes('?') ? '&' : '?';
  const answer = await get(`${path}${sep}after=${position}`);
  expect({ path, status: answer.status }).toEqual({ path, status: 200 });
  return answer.body;
};
const moveTo = async (now: string): Promise<void> => {
  const { status } = await call(ledger.url, '/clock', { now });
  expect(status).toBe(200);
};
const said = (type: string, data: object, by: string, time: string, options: Options = {}): Sent =>
  event(type, data, { contract: CASE, by, time, ...options });

interface Result {
  readonly status: string;
  readonly problem: { readonly code: string; readonly errors: readonly { readonly pointer: string }[] } | null;
}
/** Sends each at the clock's time; what became of each. */
const send = async (...events: readonly Sent[]): Promise<readonly Result[]> => {
  const { body, headers } = await call<{ results: Result[] }>(
    ledger.url,
    '/events',
    events,
    'application/cloudevents-batch+json',
  );
  position = headers.get('waybook-position') ?? position;
  return body.results;
};
const record = async (...events: readonly Sent[]): Promise<void> => {
  const results = await send(...events);
  expect(results.map(({ status, problem }) => [status, problem])).toEqual(events.map(() => ['recorded', null]));
  await checkLedger(ledger);
};
const refused = async (code: string, sent: Sent): Promise<void> => {
  const [result] = await send(sent);
  expect([result!.status, result!.problem?.code]).toEqual(['refused', code]);
  expect(result!.problem!.errors.length).toBeGreaterThan(0);
};

const parties = [
  ...registrationData().parties,
  { party: 'judge', name: 'judge (illustrative)', role: 'adjudicator', country: 'CH' },
];

beforeAll(async () => {
  ledger = await LedgerProcess.start({ start: '2020-01-15T09:00:00Z' });
  const { parties: _, ...data } = registrationData();
  const registration = { ...data, parties, programme: 'late' };
  await record(
    event('ContractRegistered', registration, { contract: CASE, by: 'us-gov', id: 'registration', time: '2020-01-10' }),
    said('RegistrationConfirmed', {}, 'jp-mod', '2020-01-15T08:00:00Z'),
    said('PaymentMade', { payment: 'P1', amount: usd('900.00'), kind: 'advance' }, 'jp-mod', '2020-01-15T08:00:00Z'),
  );
}, 60_000);
afterAll(async () => {
  await ledger.remove();
});

test('silence is noticed by the ledger itself, and shows on the contract', async () => {
  await moveTo('2020-05-20T12:00:00Z');
  const { reports } = await read(`/contracts/${CASE}/obligations`);
  expect(reports).toMatchObject([
    {
      line: '1',
      milestone: null,
      party: 'prime-a',
      owed: true,
      owedSince: '2020-01-15',
      nextDueOn: '2020-07-13',
      overdue: true,
      overdueSince: '2020-04-14',
      missed: [{ dueOn: '2020-04-14', noticedAt: '2020-04-15T00:00:00.000Z' }],
    },
  ]);
  expect(await read(`/contracts/${CASE}`)).toMatchObject({ status: 'at-risk', overdueReports: 1 });
  expect((await read('/contracts?overdueReports=true')).contracts).toHaveLength(1);
  expect((await read('/contracts?overdueReports=false')).contracts).toHaveLength(0);
  const { body } = await get('/health');
  expect(body).toMatchObject({
    watch: { state: 'live', through: '2020-05-20', lag: { days: 0 }, noticed: 1, error: null },
  });
}, 60_000);

test('a delay: reported late, escalated, determined in part, disputed, decided', async () => {
  await record(
    said(
      'DelayReported',
      {
        delay: 'X1',
        cause: { code: 'supply', locus: 'buyer', party: 'jp-mod', detail: 'drawings came late' },
        startedOn: '2020-03-01',
        forecasts: [{ milestone: 'D1', forecast: '2021-10-08' }],
      },
      'prime-a',
      '2020-05-20T10:00:00Z',
      { id: 'report' },
    ),
  );
  await moveTo('2020-06-10T12:00:00Z');
  const share = (days: number, accountable: string, between?: readonly string[]) => ({
    days,
    class: 'excusable',
    accountable,
    ...(between === undefined ? {} : { between }),
  });
  const determination = {
    delay: 'prime-a/X1',
    milestone: 'D1',
    shares: [share(60, 'prime-a'), share(20, 'force-majeure'), share(10, 'concurrent', ['prime-a', 'jp-mod'])],
    reasons: 'as the logs show',
    evidence: [{ id: 'report', source: 'urn:waybook:party:prime-a' }],
  };
  await record(said('DelayDetermined', determination, 'judge', '2020-06-10T10:00:00Z', { id: 'found' }));
  await record(
    said(
      'DisputeOpened',
      {
        dispute: 'C1',
        claim: 'the drawings were late',
        contests: [{ id: 'found', source: 'urn:waybook:party:judge' }],
        relief: 'find 60 days of the buyer',
      },
      'us-gov',
      '2020-06-10T11:00:00Z',
    ),
    said('DisputeAnswered', { dispute: 'us-gov/C1', position: 'they were not' }, 'jp-mod', '2020-06-10T11:00:00Z'),
    said(
      'EvidenceSubmitted',
      { dispute: 'us-gov/C1', evidence: 'V1', title: 'log', mediaType: 'text/csv', sha256: '0'.repeat(64) },
      'jp-mod',
      '2020-06-10T11:00:00Z',
    ),
    said(
      'DisputeDecided',
      {
        dispute: 'us-gov/C1',
        decision: 'in part',
        determinations: [{ ...determination, shares: [share(50, 'prime-a'), share(30, 'jp-mod')] }],
      },
      'judge',
      '2020-06-10T11:30:00Z',
      { id: 'decided' },
    ),
  );
  await moveTo('2021-12-01T12:00:00Z');
  const answer = await read(`/contracts/${CASE}/accountability`);
  const d1 = answer.milestones.find(({ milestone }: { milestone: string }) => milestone === 'D1');
  expect(d1).toEqual({
    milestone: 'D1',
    slipDays: 154,
    determined: [
      { party: 'jp-mod', class: 'excusable', days: 30 },
      { party: 'prime-a', class: 'excusable', days: 50 },
    ],
    forceMajeureDays: 0,
    concurrentDays: 0,
    unattributedDays: 74,
    agreedDays: 0,
    overAttributedDays: 0,
    alleged: [{ by: 'prime-a', recordedBy: null, locus: 'buyer', party: 'jp-mod', days: 100 }],
    unexplained: [],
  });
  expect(answer.delays).toMatchObject([
    {
      delay: 'prime-a/X1',
      status: 'open',
      noticeLagDays: 80,
      noticeLate: true,
      acknowledgedAfterDays: null,
      disputes: [{ dispute: 'us-gov/C1', status: 'decided' }],
      determinations: [
        { event: { id: 'found' }, counts: false },
        { event: { id: 'decided' }, counts: true },
      ],
    },
  ]);
  // Fourteen days to acknowledge, a year to resolve.
  expect(answer.delays[0].escalations).toBeGreaterThan(35);
  const { delays } = await read(`/contracts/${CASE}/obligations`);
  expect(delays).toMatchObject([
    { step: 'acknowledge', by: ['jp-mod'], dueOn: '2020-06-03', done: false, overdue: true },
    { step: 'resolve', by: ['us-gov', 'prime-a'], dueOn: '2021-05-20', done: false, overdue: true },
  ]);
}, 60_000);

describe('nobody makes a delay, a date or a debt disappear', () => {
  const exposure = async (): Promise<any> => (await read('/portfolio/exposure?programme=late')).groups[0];
  const milestone = async (): Promise<any> =>
    (await read(`/contracts/${CASE}/schedule`)).milestones.find(
      (each: { milestone: string }) => each.milestone === 'D1',
    );

  test('a contractor that withdraws the report a finding rests on', async () => {
    const before = (await read(`/contracts/${CASE}/accountability`)).milestones;
    const again = { event: { id: 'report' }, reason: 'did-not-occur' };
    await record(said('EventCorrected', again, 'prime-a', '2021-12-01T11:00:00Z', { id: 'taken-back' }));
    const after = await read(`/contracts/${CASE}/accountability`);
    const d1 = (list: any[]) => list.find((each) => each.milestone === 'D1');
    // It alleges nothing any more; what was found stays found, and the days stay.
    expect(d1(after.milestones)).toEqual({ ...d1(before), alleged: [] });
    expect(after.delays).toMatchObject([
      { status: 'withdrawn', determinations: [{ counts: false }, { counts: true }] },
    ]);
    const { flags } = await read(`/contracts/${CASE}`);
    expect(flags.filter(({ code }: { code: string }) => code === 'basis-withdrawn').length).toBeGreaterThan(0);
    // And what it was is there for whoever asks what was known.
    const { body } = await get(`/contracts/${CASE}/accountability?asOf=2021-12-01T00:00:00Z`);
    expect(body).toMatchObject({ delays: [{ status: 'open' }] });
    expect(await milestone()).toMatchObject({ baseline: '2021-06-30', lateDays: 154 });
  }, 60_000);

  test('a seller that re-dates without asking', async () => {
    const amendment = (id: string, due: string) => ({
      amendment: id,
      consulted: [],
      rationale: 'production moved',
      milestones: [{ milestone: 'D1', due }],
    });
    await record(said('ContractAmended', amendment('A1', '2023-06-30'), 'us-gov', '2021-12-01T11:00:00Z'));
    expect(await milestone()).toMatchObject({
      agreed: '2021-06-30',
      imposed: '2023-06-30',
      lateDays: 730,
      extensionsAgreedDays: 0,
      extensionsImposedDays: 730,
      redatings: [{ by: 'us-gov', consulted: [], agreedAt: null }],
    });
    expect(await read(`/contracts/${CASE}`)).toMatchObject({ status: 'late' });
    const { changes } = await read('/portfolio/changes?since=2021-12-01&kind=redating');
    expect(changes).toMatchObject([
      {
        contract: CASE,
        milestone: 'D1',
        from: '2021-06-30',
        to: '2023-06-30',
        days: 730,
        basis: 'imposed',
        consulted: [],
      },
    ]);
    // Nor agree in the buyer's name, nor alone.
    await refused('not-permitted', said('AmendmentAgreed', { amendment: 'A1' }, 'us-gov', '2021-12-01T11:00:00Z'));
    await refused(
      'not-permitted',
      said('AmendmentAgreed', { amendment: 'A1' }, 'us-gov', '2021-12-01T11:00:00Z', { onbehalfof: 'jp-mod' }),
    );
    // A later re-dating of its own takes the place of what it imposed; the agreed date and the lateness stay.
    await record(said('ContractAmended', amendment('A2', '2021-06-29'), 'us-gov', '2021-12-01T11:30:00Z'));
    expect(await milestone()).toMatchObject({ agreed: '2021-06-30', lateDays: 154, timesRedated: 2 });
  }, 60_000);

  test('a side that closes or settles alone', async () => {
    const before = await exposure();
    await record(
      said('ContractClosed', { reason: 'we are done' }, 'us-gov', '2021-12-01T11:00:00Z'),
      said('AccountSettled', { finalAmount: usd('900.00'), refund: usd('0.00') }, 'us-gov', '2021-12-01T11:00:00Z'),
    );
    expect(await exposure()).toEqual(before);
    expect(before).toMatchObject({
      overdue: { contracts: 1 },
      exposure: { amount: '900.00', currency: 'USD' },
      unsettled: { contracts: 1, paid: { amount: '900.00', currency: 'USD' } },
    });
    expect(await read(`/contracts/${CASE}`)).toMatchObject({ status: 'late', settledOn: null });
    const { flags } = await read(`/contracts/${CASE}`);
    expect(flags.filter(({ code }: { code: string }) => code === 'one-sided')).toHaveLength(2);
    await refused(
      'not-permitted',
      said('ContractClosed', { reason: 'they are done' }, 'us-gov', '2021-12-01T11:00:00Z', { onbehalfof: 'jp-mod' }),
    );
    await refused(
      'not-permitted',
      said('AccountSettled', { finalAmount: usd('900.00'), refund: usd('0.00') }, 'us-gov', '2021-12-01T11:00:00Z', {
        onbehalfof: 'jp-mod',
      }),
    );
    // The other side's own word on other figures settles nothing either.
    await record(
      said('AccountSettled', { finalAmount: usd('100.00'), refund: usd('800.00') }, 'jp-mod', '2021-12-01T11:40:00Z'),
    );
    expect(await exposure()).toEqual(before);
  }, 60_000);

  test('a prime that takes the buyer’s decisions in its name', async () => {
    const inItsName = (type: string, data: object) =>
      said(type, data, 'prime-a', '2021-12-01T11:00:00Z', { onbehalfof: 'jp-mod' });
    for (const [type, data] of [
      ['PartyRemoved', { party: 'inspector-a', role: 'inspector', reason: 'too strict' }],
      ['PartyAdded', { party: 'friend-a', name: 'A friend (illustrative)', role: 'inspector', country: 'US' }],
      ['NonconformanceDispositioned', { nonconformance: 'jp-mod/N1', disposition: 'use-as-is', approvedBy: 'jp-mod' }],
      ['StatementMatched', { statement: 'us-gov/S1', comparedBy: 'the office', differences: [] }],
      [
        'ShipmentReceived',
        { shipment: 'T1', items: [{ line: '1', quantity: 1, condition: 'good' }], location: 'Misawa' },
      ],
      ['DeliveryRejected', { items: [{ line: '1', quantity: 1 }], reason: 'nothing to settle', revokes: true }],
    ] as const)
      await refused('not-permitted', inItsName(type, data));
  }, 60_000);

  test('a buyer that reports in the seller’s name', async () => {
    const missed = (await read(`/contracts/${CASE}/obligations`)).reports[0].missed.length;
    await record(
      said(
        'ForecastRevised',
        { milestone: 'D1', forecast: '2021-12-31', reason: 'their letter' },
        'jp-mod',
        '2021-12-01T11:50:00Z',
        {
          onbehalfof: 'prime-a',
        },
      ),
    );
    expect((await milestone()).forecasts.at(-1)).toMatchObject({ by: 'jp-mod', onBehalfOf: 'prime-a' });
    const { flags } = await read(`/contracts/${CASE}`);
    expect(flags.filter(({ code }: { code: string }) => code === 'second-hand')).toHaveLength(1);
    // Nor does a re-dating in the seller's name take the place of the one that the seller imposed.
    const { imposed, standing } = await milestone();
    await record(
      said(
        'ContractAmended',
        { amendment: 'LETTER', consulted: [], rationale: 'x', milestones: [{ milestone: 'D1', due: '2021-06-01' }] },
        'jp-mod',
        '2021-12-01T11:55:00Z',
        { onbehalfof: 'us-gov' },
      ),
    );
    expect(await milestone()).toMatchObject({ imposed, standing });
    // It is no report of the seller's side: its silence goes on being noticed.
    await moveTo('2022-06-01T12:00:00Z');
    const { reports } = await read(`/contracts/${CASE}/obligations`);
    expect(reports[0]).toMatchObject({ party: 'prime-a', overdue: true, lastReportOn: null });
    expect(reports[0].missed.length).toBeGreaterThan(missed);
    for (const [type, data] of [
      ['DelayAcknowledged', { delay: 'prime-a/X1' }],
      ['DelayResolved', { delay: 'prime-a/X1', resolvedOn: '2022-05-01', actualDays: 0 }],
      ['ContractClosed', { reason: 'over' }],
      ['AmendmentAgreed', { amendment: 'A1' }],
    ] as const)
      await refused('not-permitted', said(type, data, 'jp-mod', '2022-06-01T11:00:00Z', { onbehalfof: 'us-gov' }));
    // Nor the other way round: no payment, no inspection, no answer in another's name.
    for (const [type, data, onbehalfof] of [
      ['PaymentMade', { payment: 'PX', amount: usd('1.00'), kind: 'final' }, 'jp-mod'],
      [
        'QualityCheckRecorded',
        { check: 'QX', line: '1', kind: 'final', standard: 'AS9102', quantity: 1, result: 'pass' },
        'inspector-a',
      ],
      ['DisputeAnswered', { dispute: 'prime-a/C9', position: 'we give in' }, 'jp-mod'],
    ] as const)
      await refused('not-permitted', said(type, data, 'us-gov', '2022-06-01T11:00:00Z', { onbehalfof }));
    await refused(
      'not-permitted',
      said(
        'DelayDetermined',
        { delay: 'prime-a/X1', milestone: 'D1', shares: [], reasons: 'none', evidence: [] },
        'jp-mod',
        '2022-06-01T11:00:00Z',
      ),
    );
    await refused(
      'not-permitted',
      said('ReportOverdue', { party: 'prime-a', line: '1', dueOn: '2021-01-01' }, 'jp-mod', '2022-06-01T11:00:00Z'),
    );
  }, 60_000);
});

describe('the portfolio', () => {
  test('as CSV, with the same figures as JSON', async () => {
    for (const path of ['/portfolio/exposure', '/portfolio/changes', '/portfolio/scorecards', '/contracts']) {
      const { status, body, headers } = await call<string>(ledger.url, path, undefined, undefined, {
        accept: 'text/csv',
      });
      expect([path, status, headers.get('content-type'), headers.get('vary')]).toEqual([
        path,
        200,
        'text/csv; charset=utf-8; header=present',
        'Accept',
      ]);
      expect(body.split('\r\n').length).toBeGreaterThan(2);
      expect(body.split('\r\n')[0]!.split(',').length).toBeGreaterThan(10);
    }
    const { body } = await call<string>(ledger.url, '/portfolio/exposure', undefined, undefined, {
      accept: 'text/csv',
    });
    const [names, values] = body.split('\r\n').map((line) => line.split(','));
    const row = Object.fromEntries(names!.map((name, index) => [name, values![index]]));
    expect(row).toMatchObject({ key: 'all', currency: 'USD', contracts: '1', 'paid.amount': '900.00' });
    for (const [path, accept] of [
      ['/portfolio/exposure', 'image/png'],
      ['/contracts', 'image/png'],
      [`/contracts/${CASE}`, 'text/csv'],
      [`/contracts/${CASE}/accountability`, 'text/csv'],
    ] as const)
      expect([path, (await call(ledger.url, path, undefined, undefined, { accept })).status]).toEqual([path, 406]);
  });

  test('scorecards say how each party does', async () => {
    const { parties: cards } = await read('/portfolio/scorecards');
    const prime = cards.find(({ party }: { party: string }) => party === 'prime-a');
    expect(prime).toMatchObject({
      contracts: 1,
      deliveries: { reached: 0, onTime: 0, overdue: 1, onTimeRate: '0.0000' },
      // It took its late notice back after a finding had come to rest on it.
      notices: { delays: 1, averageLagDays: '80.0' },
      reports: { overdue: 1 },
    });
    expect((await read('/portfolio/scorecards?limit=2')).parties).toHaveLength(2);
  });

  test('changes page without a gap or a repeat', async () => {
    const all = (await read('/portfolio/changes')).changes;
    const paged: unknown[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const page: any = await read(`/portfolio/changes?limit=1${cursor === '' ? '' : `&cursor=${cursor}`}`);
      paged.push(...page.changes);
      cursor = page.next;
    }
    expect(paged).toEqual(all);
    expect(all.length).toBeGreaterThan(2);
  });

  test.each([
    '/portfolio/exposure?groupBy=colour',
    '/portfolio/exposure?asof=now',
    '/portfolio/exposure?on=2020-02-30',
    '/portfolio/changes?since=yesterday',
    '/portfolio/changes?asOf=yesterday',
    '/portfolio/changes?cursor=abc',
    '/portfolio/scorecards?limit=0',
    '/contracts?overdueReports=maybe',
  ])('%s is refused with the parameter that is wrong', async (path) => {
    const { status, body } = await get(path);
    expect(status).toBe(400);
    expect(body).toMatchObject({ code: 'invalid-query', errors: [{ pointer: expect.stringContaining('?') }] });
  });

  test.each(['accountability', 'quality', 'shipments', 'discrepancies', 'payments', 'obligations'])(
    '/%s of no contract is 404, of an empty one an empty list',
    async (part) => {
      expect((await get(`/contracts/NONE/${part}`)).status).toBe(404);
      expect((await get(`/contracts/NONE/${part}?on=2021-01-01`)).status).toBe(404);
      expect((await get(`/contracts/${CASE}/${part}?on=2020-01-09`)).status).toBe(404);
      expect((await get(`/contracts/${CASE}/${part}`)).status).toBe(200);
    },
  );
});

test('an answer of today, dated before there was a ledger, to what the other side once offered', async () => {
  const OTHER = 'CASE-2';
  const other = (type: string, data: object, by: string, time: string): Sent =>
    event(type, data, { contract: OTHER, by, time });
  await record(
    other('ContractRegistered', registrationData(), 'us-gov', '2022-06-01T11:00:00Z'),
    other('RegistrationConfirmed', {}, 'jp-mod', '2022-06-01T11:30:00Z'),
    other(
      'ContractAmended',
      { amendment: 'C1', consulted: [], rationale: 'x', milestones: [{ milestone: 'D1', cancelled: true }] },
      'jp-mod',
      '2022-06-01T11:40:00Z',
    ),
    other('AmendmentRefused', { amendment: 'C1', reason: 'we build it' }, 'us-gov', '2022-06-01T11:50:00Z'),
    other('ContractClosed', { reason: 'x' }, 'jp-mod', '2022-06-01T11:50:00Z'),
    other('AccountSettled', { finalAmount: usd('0.00'), refund: usd('0.00') }, 'jp-mod', '2022-06-01T11:50:00Z'),
  );
  await moveTo('2026-01-16T12:00:00Z');
  const late = async () => {
    const { milestones } = await read(`/contracts/${OTHER}/schedule?on=2025-01-01`);
    const [d1] = milestones.filter(({ milestone }: { milestone: string }) => milestone === 'D1');
    const { settledOn } = await read(`/contracts/${OTHER}?on=2025-01-01`);
    return { slipDays: d1.slipDays, cancelled: d1.cancelled, settledOn };
  };
  const before = await late();
  expect(before).toEqual({ slipDays: 1281, cancelled: false, settledOn: null });
  await record(
    other('AmendmentAgreed', { amendment: 'C1' }, 'us-gov', '2019-12-31T00:00:00Z'),
    other('ContractClosed', { reason: 'x' }, 'us-gov', '2019-12-31T00:00:00Z'),
    other('AccountSettled', { finalAmount: usd('0.00'), refund: usd('0.00') }, 'us-gov', '2019-12-31T00:00:00Z'),
  );
  // What stood in the past stands; what both have said now holds from now, and is flagged.
  expect(await late()).toEqual(before);
  const { flags, settledOn } = await read(`/contracts/${OTHER}`);
  expect(settledOn).toBe('2026-01-16');
  expect(flags.map(({ code }: { code: string }) => code)).toEqual(['backdated', 'backdated', 'backdated']);
  // Nor does a buyer speak as prime, or a seller as inspector.
  for (const [party, role, by] of [
    ['jp-mod', 'prime', 'jp-mod'],
    ['us-gov', 'inspector', 'us-gov'],
  ] as const)
    await refused(
      'not-permitted',
      said('PartyAdded', { party, name: party, role, country: 'US' }, by, '2026-01-16T11:00:00Z'),
    );
}, 120_000);
