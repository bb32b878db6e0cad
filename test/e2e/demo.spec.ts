/** The demo portfolio, fed as `npm run demo` feeds it: what the two audits published, and the seven questions. */
import { DEMO_LEDGER } from '../../src/demo/demo.js';
import { feedPortfolio } from '../../src/demo/feed.js';
import { generatePortfolio } from '../../src/demo/portfolio.js';
import { QUESTIONS } from '../../src/demo/seven-questions.js';
import { checkLedger } from '../support/check-ledger.js';
import { call, LedgerProcess } from '../support/ledger-process.js';

const CASE = 'JP-D-E2D-SUPPORT';
let ledger: LedgerProcess;
let position = '0';

interface Answer {
  readonly [name: string]: unknown;
}
const get = async (path: string): Promise<any> => {
  const { status, body } = await call<Answer>(ledger.url, path);
  expect({ path, status }).toEqual({ path, status: 200 });
  return body;
};
const yen = (amount: string) => ({ amount, currency: 'JPY' });

beforeAll(async () => {
  ledger = await LedgerProcess.start({ start: DEMO_LEDGER.start });
  const portfolio = generatePortfolio();
  const fed = await feedPortfolio(ledger.url, portfolio);
  expect({ recorded: fed.recorded, duplicate: fed.duplicate }).toEqual({
    recorded: portfolio.sendings.length,
    duplicate: 0,
  });
  position = fed.position!;
  await get(`/contracts?limit=1&after=${position}`);
}, 300_000);
afterAll(async () => {
  await ledger.remove();
  expect(ledger.errors).toBe('');
});

test('the whole ledger holds, every row that of a replay', async () => {
  const { contracts } = await checkLedger(ledger);
  expect(contracts.size).toBeGreaterThan(800);
}, 300_000);

test('the audit of January 2026: 118 contracts older than five years, 1.14 trillion yen undelivered', async () => {
  const { groups } = await get('/portfolio/exposure?programme=fms-japan-audit-2026&on=2026-01-16');
  expect(groups).toHaveLength(1);
  expect(groups[0]).toMatchObject({ key: 'all', currency: 'JPY', undeliveredValue: yen('1140000000000') });
  expect(groups[0].age.find(({ overYears }: { overYears: number }) => overYears === 5)).toEqual({
    overYears: 5,
    contracts: 118,
    undeliveredValue: yen('1140000000000'),
  });
});

test('the audit of October 2019: 653 contracts unsettled on 2018-03-31, by 85 overdue and 568 delivered', async () => {
  const { groups } = await get('/portfolio/exposure?programme=fms-japan-audit-2019&on=2018-03-31');
  expect(groups).toHaveLength(1);
  expect(groups[0]).toMatchObject({
    currency: 'JPY',
    unsettled: { contracts: 653, paid: yen('141700000000') },
    overdue: { contracts: 85, paid: yen('34900000000') },
    deliveredUnsettled: { contracts: 568, paid: yen('106800000000') },
  });
});

test('each of the seven questions is answered, in lines for a terminal', async () => {
  expect(QUESTIONS).toHaveLength(7);
  for (const asking of QUESTIONS) {
    const lines = await asking.ask(ledger.url, { after: position });
    expect({ question: asking.question, lines: lines.length > 2 }).toEqual({ question: asking.question, lines: true });
  }
}, 60_000);

test('three disputes can be followed to a decision, and what was found before it no longer counts', async () => {
  for (const contract of [CASE, 'MX-061', 'MX-062']) {
    const { disputes, delays, milestones } = await get(`/contracts/${contract}/accountability`);
    const decided = disputes.filter(({ status }: { status: string }) => status === 'decided');
    expect({ contract, decided: decided.length > 0 }).toEqual({ contract, decided: true });
    const [first] = decided;
    expect(first.answers.length).toBeGreaterThan(0);
    expect(first.evidence.length).toBeGreaterThan(0);
    expect(first.decisions[0].determinations.length).toBeGreaterThan(0);
    const found = delays.flatMap(({ determinations }: { determinations: { counts: boolean }[] }) => determinations);
    expect(found.some(({ counts }: { counts: boolean }) => !counts)).toBe(true);
    for (const each of milestones) {
      const determined = each.determined.reduce((sum: number, { days }: { days: number }) => sum + days, 0);
      const parts =
        determined + each.forceMajeureDays + each.concurrentDays + each.unattributedDays - each.overAttributedDays;
      expect(parts).toBe(Math.max(0, each.slipDays));
    }
  }
});

test('the ledger has noticed silence by itself', async () => {
  const { reports } = await get(`/contracts/${CASE}/obligations`);
  expect(reports.some(({ missed }: { missed: unknown[] }) => missed.length > 0)).toBe(true);
  const { watch } = await get('/health');
  expect(watch).toMatchObject({ state: 'live', lag: { days: 0 }, error: null });
  expect(watch.noticed).toBeGreaterThan(1_000);
});
