/** The seven answers for the terminal: of the whole portfolio from the documented shape, of one contract from its own rows. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { contractStatus } from '../../projections/contract-status/contract-status.js';
import { contractView } from '../../projections/contract-status/queries.js';
import { delayAccountability } from '../../projections/delay-accountability/delay-accountability.js';
import { accountabilityView } from '../../projections/delay-accountability/queries.js';
import type { Projection } from '../../projections/projection.js';
import { quality } from '../../projections/quality/quality.js';
import { qualityView } from '../../projections/quality/queries.js';
import { scheduleView } from '../../projections/schedule/queries.js';
import { schedule } from '../../projections/schedule/schedule.js';
import { effective, MemoryRows } from '../../test/support/scenario.js';
import { checkEvent, isRefusal } from '../commands/envelope.js';
import { dayNumber } from '../contract/calendar.js';
import { fold } from '../contract/contract.js';
import type { ContractEvent, EffectiveEvent } from '../contract/event-type.js';
import { ContractModel } from '../contract/model.js';
import { endDaysBefore } from '../contract/obligations.js';
import { noticedAt } from '../contract/reckoning.js';
import { STORY_CONTRACT } from './e2d-plan.js';
import { generatePortfolio } from './portfolio.js';
import { DEMO_LAST_DAY } from './script.js';
import { EARLIER, QUESTIONS } from './seven-questions.js';

const sent = generatePortfolio().sendings.filter(({ contract }) => contract === STORY_CONTRACT);
const recorded = sent.map(({ at, event }, revision): ContractEvent<object> => {
  const checked = checkEvent(event, undefined);
  if (isRefusal(checked)) throw new Error(checked.detail);
  return { ...checked.proposed, revision, recordedtime: at.replace('Z', '.000Z') };
});

/** As the watch does, but all at once in the end: what was missed by a day is recorded by the ledger itself. */
function noticeMisses(model: ContractModel, before: string): void {
  const day = before < DEMO_LAST_DAY ? before.slice(0, 10) : DEMO_LAST_DAY;
  endDaysBefore(model, dayNumber(day));
  for (const missed of Array.from(model.reckoning.missed.values())) {
    const time = noticedAt(missed);
    fold(model, {
      id: missed.id,
      source: 'urn:waybook:party:ledger',
      type: missed.type,
      version: 1,
      contract: STORY_CONTRACT,
      time,
      data: missed.data,
      asSent: missed.data,
      dataText: JSON.stringify(missed.data),
      reporter: 'ledger',
      party: 'ledger',
      onBehalfOf: undefined,
      revision: model.revision + 1,
      recordedtime: `${day}T00:00:00.000Z`,
    } as unknown as EffectiveEvent<object>);
  }
}

function rowsOf(projection: Projection, before = '9') {
  const model = new ContractModel(STORY_CONTRACT);
  for (const event of effective(recorded.filter(({ recordedtime }) => recordedtime < before))) fold(model, event);
  noticeMisses(model, before);
  const rows = new MemoryRows();
  projection.evolve(model, model.takeTouched(), rows);
  return rows.rows;
}

const jpy = (amount: string) => ({ amount, currency: 'JPY' });
const GROUP = {
  key: 'all',
  currency: 'JPY',
  contracts: 680,
  value: jpy('9'),
  paid: jpy('8'),
  deliveredValue: jpy('7'),
  undeliveredValue: jpy('1140000000000'),
  exposure: jpy('6'),
  overdue: { contracts: 85, undeliveredValue: jpy('5'), paid: jpy('34900000000') },
  age: [1, 2, 3, 5, 10].map((overYears) => ({ overYears, contracts: 118 - overYears, undeliveredValue: jpy('4000') })),
  deliveredUnsettled: { contracts: 568, paid: jpy('106800000000'), overdueContracts: 12, overduePaid: jpy('3000') },
  unsettled: { contracts: 653, paid: jpy('141700000000') },
};

const day = DEMO_LAST_DAY;
const path = `/contracts/${STORY_CONTRACT}`;
const answers: Readonly<Record<string, () => unknown>> = {
  '/portfolio/exposure': () => ({ groups: [GROUP] }),
  [path]: () => contractView(rowsOf(contractStatus), day),
  [`${path}?asOf=${EARLIER}`]: () => contractView(rowsOf(contractStatus, EARLIER), EARLIER.slice(0, 10)),
  [`${path}/schedule`]: () => scheduleView(rowsOf(schedule), day),
  [`${path}/quality`]: () => qualityView(rowsOf(quality), day),
  [`${path}/accountability`]: () => accountabilityView(rowsOf(delayAccountability), day),
};

let server: Server;
let baseUrl: string;
let asked: string[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    const url = (request.url ?? '').replace(/[?&]after=4711/, '');
    asked.push(request.url ?? '');
    const body = (answers[url] ?? answers[url.split('?')[0] ?? ''])?.();
    const on = new URL(url, 'http://ledger').searchParams.get('on') ?? day;
    response
      .writeHead(body === undefined ? 404 : 200, { 'content-type': 'application/json' })
      .end(JSON.stringify({ asOf: '2026-01-16T20:00:00.000Z', on, position: '9', ...(body as object | undefined) }));
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
});

const answered = (number: number) => QUESTIONS[number - 1]!.ask(baseUrl, { after: '4711' });

test('there are seven, each asked as its paths say, after what was fed; of the past nothing is waited for', async () => {
  expect(QUESTIONS).toHaveLength(7);
  for (const { paths, ask } of QUESTIONS) {
    asked = [];
    const lines = await ask(baseUrl, { after: '4711' });
    expect(asked.map((url) => url.replace(/[?&]after=4711/, ''))).toEqual(paths);
    expect(asked.every((url) => url.includes('after=4711') || url.includes('asOf='))).toBe(true);
    expect(lines.length).toBeLessThan(14);
    expect(lines.filter((line) => line.includes('?') || line.includes('undefined') || line.length > 170)).toEqual([]);
  }
});

test('1 and 2: the totals of both audits', async () => {
  expect(await answered(1)).toEqual([
    'fms-japan-audit-2026 on 2026-01-16: 680 contracts, undelivered 1,140,000,000,000 JPY',
    '  more than 5 years after signature: 113, undelivered 4,000 JPY',
    '  more than 10 years after signature: 108, undelivered 4,000 JPY',
    '  past an agreed delivery date: 85, undelivered 5 JPY, paid 34,900,000,000 JPY',
  ]);
  expect(await answered(2)).toEqual([
    'fms-japan-audit-2019 on 2018-03-31: 653 of 680 contracts are unsettled, paid 141,700,000,000 JPY',
    '  past an agreed delivery date: 85, paid 34,900,000,000 JPY',
    '  delivered and not settled: 568, paid 106,800,000,000 JPY; of these 12 past the time for settlement, paid 3,000 JPY',
  ]);
});

test('3: who moved the dates, and whom they asked', async () => {
  expect(await answered(3)).toEqual([
    '  milestone     promised    agreed      standing    delivered   slip  re-dated',
    '  M-TEST-DEL-1  2019-06-28  2019-06-28  2023-09-29  -           2394         2',
    '  M-TEST-DEL    2020-03-31  2020-03-31  2027-03-31  -           2556         2',
    '  M-TOW-DEL     2019-12-20  2019-12-20  2019-12-20  2020-03-02    73         0',
    '  M-SPARES-DEL  2020-06-30  2026-09-30  2026-09-30  -           2283         2',
    '  M-DATA-DEL    2020-06-30  2026-09-30  2026-09-30  -           2283         2',
    '  M-TEST-DEL: us-fms-office on 2019-08-26 from 2020-03-31 to 2021-09-30, 548 days; nobody was asked, refused',
    '  M-TEST-DEL: us-fms-office on 2022-06-30 from 2022-05-31 to 2024-06-28, 759 days; nobody was asked, not answered',
  ]);
});

test('4: how far each line is, and who spoke of it last; what the ledger noticed to be missing', async () => {
  expect(await answered(4)).toEqual([
    '  line    stage                           accepted  last report  by       overdue since',
    '  TEST    system test, 78%, 9 made        3 of 12   2025-10-06   jp-mod   -',
    '  TOW     completed, 100%, 24 made        24 of 24  2021-06-14   jp-mod   -',
    '  SPARES  material on order, 9%, 0 made   0 of 40   2025-04-18   prime-a  2025-10-15',
    '  DATA    documents drafted, 60%, 0 made  0 of 1    2025-04-18   prime-a  2025-10-15',
  ]);
});

test('5: what no check covers, and how long discrepancies took', async () => {
  expect(await answered(5)).toEqual([
    '  line    standard   accepted  not covered  first pass',
    '  TEST    AS9102            3            0      0.6667',
    '  TOW     AQAP-2110        24            4      1.0000',
    '  SPARES  AQAP-2110         0            0           -',
    '  DATA    -                 0            -           -',
    '',
    '  discrepancy   kind           raised after        answered after  closed after',
    '  jp-mod/DR-01  deficient                88                    89   1799 so far  answered',
    '  jp-mod/DR-02  billing                 154                   234           322  closed',
    '  jp-mod/DR-03  documentation           476  late              88           224  closed',
    '  jp-mod/DR-04  documentation          1785  late      102 so far    102 so far  open',
  ]);
});

test('6: what was reported, found and disputed, apart', async () => {
  expect(await answered(6)).toEqual([
    'Reported',
    '  prime-a/D-01: noticed after 460 days, late, blames subcontractor, resolved',
    '  prime-a/D-02: noticed after 118 days, late, blames prime, acknowledged',
    'Found',
    '  M-TEST-DEL-1, 2394 days: subcontractor-c 132 non-excusable, nobody’s yet 2262',
    '  M-TEST-DEL, 2556 days: prime-a 390 non-excusable, subcontractor-c 132 non-excusable, us-fms-office 213 compensable, force majeure 40, nobody’s yet 1781',
    'Disputed',
    '  prime-a/DSP-01, decided: The seller had assigned the capacity to other orders before the board was ready: see amen…',
    '  jp-mod/DSP-01, withdrawn: Amendment A-02 sets dates that we were not asked about.',
    '  prime-a/DSP-02, open: The chamber for tests at low temperature belongs to the seller and was out of order.',
  ]);
});

test('7: what was known two years earlier, silence included', async () => {
  expect(await answered(7)).toEqual([
    'As recorded up to position 9, on 2026-01-16; asked with both, the answer is the same for ever.',
    '  TEST: packing, 90%, 11 made; report overdue since 2022-10-19',
    '  TOW: completed, 100%, 24 made',
    '  SPARES: material on order, 6%, 0 made; report overdue since 2022-10-19',
    '  DATA: documents drafted, 55%, 0 made; report overdue since 2022-10-19',
    '  slip of up to 1663 days, 1 open delays, exposure 16,998,400,000 JPY',
  ]);
});
