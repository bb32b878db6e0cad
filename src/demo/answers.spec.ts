/** The answers for the terminal, from a small server that answers in the documented shapes. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { EARLIER_PATH, HISTORY_PATH, LATE_PATH, oneHistory, SCHEDULE_PATH, thenAndNow, whatIsLate } from './answers.js';
import { describeDemo, describeFeed, describePortfolio } from './demo.js';
import { STORY_CONTRACT } from './e2d-support.js';
import { eventTypes } from '../contract/contract.js';
import { gistOf } from './gist.js';
import { generatePortfolio } from './portfolio.js';

type Reply = { readonly status: number; readonly body: unknown };

let server: Server;
let baseUrl: string;
/** Answers by path; every path that was asked is noted. */
let answer: (path: string) => Reply;
let asked: string[];

beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push(request.url ?? '');
    const { status, body } = answer(request.url ?? '');
    response
      .writeHead(status, { 'content-type': 'application/json' })
      .end(typeof body === 'string' ? body : JSON.stringify(body));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => {
    server.close(resolve);
  });
});
beforeEach(() => {
  asked = [];
  answer = (path) => ({ status: 404, body: { code: 'not-found', detail: path } });
});

const ok = (body: object): Reply => ({
  status: 200,
  body: { asOf: '2026-01-16T20:00:00.000Z', on: '2026-01-16', position: '9', ...body },
});
const contract = (id: string, status: string, amount: string, more: object = {}) => ({
  contract: id,
  title: `Title of ${id}`,
  signedOn: '2015-04-01',
  status,
  lateDays: 2_000,
  ageYears: 10,
  undeliveredValue: { amount, currency: 'JPY' },
  ...more,
});

describe('what is late', () => {
  const all = [
    contract('C-1', 'late', '30000000000'),
    contract('C-2', 'late', '1234567'),
    contract('C-3', 'on-track', '5', { ageYears: 2, lateDays: null }),
    contract('C-4', 'at-risk', '12.50', { undeliveredValue: { amount: '12.50', currency: 'USD' } }),
  ];

  test('shows what the ledger lists and sums what it pages through, each currency apart', async () => {
    answer = (path) => {
      if (path === LATE_PATH) return ok({ contracts: all.slice(0, 2), next: null });
      return path.includes('cursor=two')
        ? ok({ contracts: all.slice(2), next: null })
        : ok({ contracts: all.slice(0, 2), next: 'two' });
    };
    const lines = await whatIsLate(baseUrl);
    expect(lines[1]).toBe(
      '3 contracts are undelivered more than five years after signature: 30,001,234,567 JPY, 12.50 USD',
    );
    expect(lines[2]).toBe('2 of 4 are late: 30,001,234,567 JPY. The 2 with the most undelivered:');
    expect(lines.slice(4)).toEqual([
      '  contract  signed      years  days late         undelivered  title',
      '  C-1       2015-04-01     10       2000  30,000,000,000 JPY  Title of C-1',
      '  C-2       2015-04-01     10       2000       1,234,567 JPY  Title of C-2',
    ]);
    expect(asked).toHaveLength(3);
  });

  test('waits for the position that was fed', async () => {
    let slow = 2;
    answer = () => {
      slow -= 1;
      return slow >= 0 ? { status: 504, body: { code: 'position-not-reached' } } : ok({ contracts: [], next: null });
    };
    await whatIsLate(baseUrl, { after: '4711' });
    expect(asked.every((path) => path.includes('after=4711'))).toBe(true);
    expect(asked).toHaveLength(4);
  });

  test('says what is wrong with an answer', async () => {
    await expect(whatIsLate(baseUrl)).rejects.toMatchObject({ code: 'refused', problem: 'not-found' });
    answer = () => ok({ contracts: [{ contract: 'C-1' }], next: null });
    await expect(whatIsLate(baseUrl)).rejects.toMatchObject({ code: 'unexpected-answer' });
    answer = () => ({ status: 200, body: '<html>' });
    await expect(whatIsLate(baseUrl)).rejects.toMatchObject({ code: 'unexpected-answer' });
    answer = () => ({ status: 200, body: [] });
    await expect(whatIsLate(baseUrl)).rejects.toMatchObject({ code: 'unexpected-answer' });
  });
});

test('one history: recorded, happened, how late, by whom, on whose behalf, corrected or not', async () => {
  const event = (type: string, data: object, more: object = {}) => ({
    type,
    time: '2019-06-10T08:00:00Z',
    recordedtime: '2019-08-26T20:00:00.000Z',
    reporter: 'us-fms-office',
    onBehalfOf: null,
    correctedBy: null,
    data,
    ...more,
  });
  const events = [
    event('ContractAmended', {
      amendment: 'A-01',
      consulted: [],
      milestones: [{ milestone: 'M-1', due: '2021-09-30' }],
    }),
    event(
      'AmendmentAgreed',
      { amendment: 'A-01' },
      { recordedtime: '2019-06-10T20:00:00.000Z', onBehalfOf: 'prime-a' },
    ),
    event('MilestoneReached', { milestone: 'M-1', on: '2019-06-10' }, { correctedBy: { id: 'e', source: 's' } }),
    event('SomethingNew', { a: 1 }),
  ];
  answer = (path) => (path.startsWith(HISTORY_PATH) ? ok({ events, checkpoint: null, next: null }) : ok({}));
  const lines = await oneHistory(baseUrl);
  expect(lines[0]).toContain(`${STORY_CONTRACT}: 4 events`);
  expect(lines.slice(3, 7)).toEqual([
    '  2019-08-26  2019-06-10   +77  us-fms-office              ContractAmended     A-01, nobody asked: M-1 to 2021-09-30',
    '  2019-06-10  2019-06-10        us-fms-office for prime-a  AmendmentAgreed     A-01',
    '  2019-08-26  2019-06-10   +77  us-fms-office              MilestoneReached *  M-1 on 2019-06-10',
    '  2019-08-26  2019-06-10   +77  us-fms-office              SomethingNew',
  ]);
});

test('then and now: dates as known earlier beside those of now, and who moved them', async () => {
  const milestone = (standing: string, slipDays: number, more: object = {}) => ({
    milestone: 'M-TEST-DEL',
    kind: 'delivery',
    baseline: '2020-03-31',
    agreed: '2020-03-31',
    imposed: '2024-06-28',
    standing,
    actual: null,
    slipDays,
    redatings: [],
    forecasts: [],
    ...more,
  });
  const redating = {
    amendment: 'A-02',
    by: 'us-fms-office',
    recordedtime: '2022-06-30T20:00:00.000Z',
    from: '2022-05-31',
    to: '2024-06-28',
    days: 759,
    consulted: [],
    agreedAt: null,
    refusedAt: null,
  };
  const forecasts = [
    {
      by: 'prime-a',
      recordedtime: '2025-08-18T20:00:00.000Z',
      from: '2025-11-28',
      to: '2027-03-31',
      delay: 'prime-a/D-02',
    },
    { by: 'prime-a', recordedtime: '2024-05-20T20:00:00.000Z', from: '2024-06-28', to: '2025-11-28', delay: null },
  ];
  answer = (path) => {
    if (path === EARLIER_PATH)
      return ok({ on: '2024-01-16', milestones: [milestone('2024-06-28', 1_550, { redatings: [redating] })] });
    const line = (stage: string | null, percent: number | string) => ({
      line: 'TEST',
      stage,
      percent,
      unitsCompleted: 3,
    });
    if (path.startsWith(`/contracts/${STORY_CONTRACT}?asOf=2024-01-16`)) return ok({ lines: [line('packing', 90)] });
    if (path === `/contracts/${STORY_CONTRACT}?after=12`)
      return ok({ lines: [line('system test', '78.5'), { line: 'DATA', stage: null, percent: null }] });
    expect(path).toBe(`${SCHEDULE_PATH}?after=12`);
    const asked = { ...redating, amendment: 'A-01', consulted: ['jp-mod'], refusedAt: '2019-10-15T20:00:00.000Z' };
    return ok({
      milestones: [
        milestone('2027-03-31', 2_556, { redatings: [redating, asked], forecasts }),
        { milestone: 'M-PAY', kind: 'payment' },
      ],
    });
  };
  const lines = await thenAndNow(baseUrl, { after: '12' });
  expect(lines.slice(2, 5)).toEqual([
    '  milestone   as known    promised    agreed      imposed     standing    delivered  slip',
    '  M-TEST-DEL  2024-01-16  2020-03-31  2020-03-31  2024-06-28  2024-06-28  -          1550',
    '              2026-01-16  2020-03-31  2020-03-31  2024-06-28  2027-03-31  -          2556',
  ]);
  const made = lines.indexOf('How far they are made');
  expect(lines.slice(made + 2, made + 4)).toEqual(['  TEST  packing, 90%, 3 made  system test, 78.5%, 3 made', '']);
  const moves = lines.slice(lines.indexOf('Who moved them') + 2);
  expect(moves).toEqual([
    '  M-TEST-DEL  2022-06-30  us-fms-office  2022-05-31  2024-06-28   759  amendment, nobody was asked, not answered',
    '  M-TEST-DEL  2022-06-30  us-fms-office  2022-05-31  2024-06-28   759  amendment, asked jp-mod, refused',
    '  M-TEST-DEL  2024-05-20  prime-a        2024-06-28  2025-11-28        forecast',
    '  M-TEST-DEL  2025-08-18  prime-a        2025-11-28  2027-03-31        forecast with delay prime-a/D-02',
  ]);
});

describe('the gist of an event', () => {
  const { sendings } = generatePortfolio();

  test.each(eventTypes.filter(({ ledgerOnly }) => ledgerOnly !== true).map(({ type }) => type))(
    'of every %s of the demo is a few words without a hole',
    (type) => {
      const gists = sendings.filter(({ event }) => event.type === type).map(({ event }) => gistOf(type, event.data));
      expect(gists.length).toBeGreaterThan(0);
      expect(gists.filter((gist) => gist.includes('?') || gist.includes('undefined'))).toEqual([]);
      if (type !== 'RegistrationConfirmed') expect(gists.every((gist) => gist.length > 3)).toBe(true);
    },
  );

  test('of data of another shape says what it can', () => {
    expect(gistOf('DelayReported', { delay: 'D-1', cause: 'rain' })).toBe('D-1, began ?, says ?: ?');
    expect(gistOf('ShipmentReceived', null)).toBe('?: ');
  });
});

describe('what the demo says of itself', () => {
  test('that it is illustrative comes first, and where its totals come from', () => {
    const [first, ...rest] = describeDemo();
    expect(first).toMatch(/^Illustrative: /);
    expect(rest.join(' ')).toContain('Board of Audit of Japan');
    expect(rest.join(' ')).toContain('made up');
  });

  test('what was generated and what became of it', () => {
    const portfolio = generatePortfolio();
    expect(describePortfolio(portfolio)).toMatch(/^\d,\d{3} events on 178 contracts$/);
    expect(describePortfolio({ ...portfolio, seed: 7 })).toContain('(seed 7)');
    const result = {
      recorded: 7_000,
      duplicate: 12,
      contracts: 178,
      requests: 6_000,
      elapsedMs: 3_500,
      eventsPerSecond: 2_003.4,
      position: '9',
    };
    expect(describeFeed(result)).toBe(
      '7,000 events recorded, 12 known before on 178 contracts in 3.5 s: 2,003 events/s in 6,000 requests, one at a time, the clock moved in between',
    );
  });
});
