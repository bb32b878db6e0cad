/** What the read models answer to the seven questions, folded from what the portfolio's parties recorded. */
import { contractStatus } from '../../projections/contract-status/contract-status.js';
import { contractView } from '../../projections/contract-status/queries.js';
import { delayAccountability } from '../../projections/delay-accountability/delay-accountability.js';
import { accountabilityView } from '../../projections/delay-accountability/queries.js';
import { discrepancies } from '../../projections/discrepancies/discrepancies.js';
import { discrepanciesView } from '../../projections/discrepancies/queries.js';
import { payments } from '../../projections/payments/payments.js';
import { paymentsView } from '../../projections/payments/queries.js';
import type { Projection } from '../../projections/projection.js';
import { quality } from '../../projections/quality/quality.js';
import { qualityView } from '../../projections/quality/queries.js';
import { effective, MemoryRows } from '../../test/support/scenario.js';
import { checkEvent, isRefusal } from '../commands/envelope.js';
import { addDays, dayNumber } from '../contract/calendar.js';
import { fold } from '../contract/contract.js';
import type { ContractEvent, EffectiveEvent } from '../contract/event-type.js';
import { ContractModel } from '../contract/model.js';
import { minorUnits } from '../contract/money.js';
import { endDaysBefore } from '../contract/obligations.js';
import { AUDIT_PROGRAMME } from './audit-programme.js';
import { CONCURRENT_CONTRACT, TAKEN_BACK_CONTRACT } from './disputed-contracts.js';
import { STORY_CONTRACT, STORY_MILESTONE } from './e2d-plan.js';
import { IMPORTED_CONTRACTS, IMPORTED_DAY, IMPORTED_PROGRAMME } from './imported-programme.js';
import { generatePortfolio } from './portfolio.js';
import { DEMO_LAST_DAY } from './script.js';

const portfolio = generatePortfolio();

/** The events of each contract as the ledger records them, in recorded order; `portfolio.spec.ts` shows that it does. */
const recorded = new Map<string, ContractEvent<object>[]>();
for (const { at, contract, event } of portfolio.sendings) {
  const checked = checkEvent(event, undefined);
  if (isRefusal(checked)) throw new Error(`${contract} ${event.id}: ${checked.detail}`);
  const events = recorded.get(contract) ?? [];
  recorded.set(contract, events);
  events.push({ ...checked.proposed, revision: events.length, recordedtime: at.replace('Z', '.000Z') });
}
const effectiveOf = new Map([...recorded].map(([contract, events]) => [contract, effective(events)]));

function folded(contract: string, events: readonly EffectiveEvent<object>[]): ContractModel {
  const model = new ContractModel(contract);
  for (const event of events) fold(model, event);
  return model;
}

/** What is known at the end of what happened by a day; a correction holds whatever its own day. */
const modelOn = (contract: string, day: string): ContractModel =>
  folded(
    contract,
    effectiveOf.get(contract)!.filter(({ time, type }) => time.slice(0, 10) <= day || type === 'EventCorrected'),
  );

/** What was known when a day began. */
const modelAsOf = (contract: string, day: string): ContractModel =>
  folded(contract, effective(recorded.get(contract)!.filter(({ recordedtime }) => recordedtime < day)));

function rowsOf(projection: Projection, model: ContractModel) {
  const rows = new MemoryRows();
  projection.evolve(model, model.takeTouched(), rows);
  return rows.rows;
}

const tally = (values: Iterable<string>): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
};

const programmeOf = (contract: string): string | undefined =>
  (recorded.get(contract)?.[0]?.data as { programme?: string } | undefined)?.programme;
const contractsOf = (programme: string): string[] =>
  [...recorded.keys()].filter((contract) => programmeOf(contract) === programme);

describe(`${AUDIT_PROGRAMME} on ${DEMO_LAST_DAY}`, () => {
  const contracts = contractsOf(AUDIT_PROGRAMME).map((contract) =>
    contractView(rowsOf(contractStatus, modelOn(contract, DEMO_LAST_DAY)), DEMO_LAST_DAY)!,
  );

  test('118 contracts undelivered more than five years after signature, 1.14 trillion yen', () => {
    const old = contracts.filter(({ ageYears }) => ageYears !== null && ageYears >= 5);
    expect(old).toHaveLength(118);
    expect(old.reduce((sum, { undeliveredValue }) => sum + minorUnits(undeliveredValue), 0n)).toBe(1_140_000_000_000n);
  });

  test('all are paid ahead of what was delivered, none is settled', () => {
    const ahead = contracts.filter(({ exposure }) => minorUnits(exposure) > 0n);
    expect(ahead.length).toBeGreaterThan(80);
    expect(contracts.every(({ paid, value }) => minorUnits(paid) > 0n && minorUnits(paid) < minorUnits(value))).toBe(
      true,
    );
    expect(contracts.filter(({ settledOn }) => settledOn !== null)).toEqual([]);
  });
});

describe(`${IMPORTED_PROGRAMME} on ${IMPORTED_DAY}`, () => {
  const day = IMPORTED_DAY;
  const contracts = contractsOf(IMPORTED_PROGRAMME).map((contract) => {
    const model = modelOn(contract, day);
    return {
      contract: contractView(rowsOf(contractStatus, model), day)!,
      payments: paymentsView(rowsOf(payments, modelOn(contract, day)), day)!,
    };
  });
  const sum = (of: typeof contracts) => of.reduce((total, { contract }) => total + minorUnits(contract.paid), 0n);
  const unsettled = contracts.filter((of) => of.payments.unsettled);
  const overdue = unsettled.filter(
    ({ contract }) => (contract.deliveryLateDays ?? 0) > 0 && contract.status === 'late',
  );
  const delivered = unsettled.filter((of) => of.payments.deliveredOn !== null);

  test('653 contracts are unsettled, for which 141.7 billion yen were paid', () => {
    expect([unsettled.length, sum(unsettled)]).toEqual([653, 141_700_000_000n]);
  });

  test('85 of them are overdue, 34.9 billion', () => {
    expect([overdue.length, sum(overdue)]).toEqual([85, 34_900_000_000n]);
  });

  test('568 are delivered and not settled, 106.8 billion, and none of them is overdue', () => {
    expect([delivered.length, sum(delivered)]).toEqual([568, 106_800_000_000n]);
    expect(delivered.filter((of) => overdue.includes(of))).toEqual([]);
    expect(delivered.every(({ contract }) => contract.status === 'completed')).toBe(true);
  });

  test('some two dozen are none of that: settled, or still to come', () => {
    expect(contracts).toHaveLength(IMPORTED_CONTRACTS);
    const others = contracts.filter((of) => !unsettled.includes(of));
    expect(others.filter(({ contract }) => contract.settledOn !== null)).toHaveLength(16);
    expect(others.filter(({ contract }) => contract.status === 'on-track')).toHaveLength(11);
    expect(others.every(({ contract }) => minorUnits(contract.paid) > 0n)).toBe(true);
  });

  test('is recorded on two days, long after', () => {
    const days = contractsOf(IMPORTED_PROGRAMME).flatMap((contract) =>
      recorded.get(contract)!.map(({ recordedtime }) => recordedtime.slice(0, 10)),
    );
    expect([...new Set(days)].sort()).toEqual(['2019-11-08', '2019-11-15']);
    const sizes = contractsOf(IMPORTED_PROGRAMME).map((contract) => recorded.get(contract)!.length);
    expect([Math.min(...sizes), Math.max(...sizes)]).toEqual([3, 9]);
  });

  test('is settled in part later, by one side alone, or by two that do not agree', () => {
    const later = contractsOf(IMPORTED_PROGRAMME).map((contract) => folded(contract, effectiveOf.get(contract)!));
    expect(later.filter(({ settled }) => settled !== undefined).length).toBeGreaterThan(150);
    const open = later.filter(({ settled, settlements }) => settled === undefined && settlements.length > 0);
    expect(open.filter(({ settlements }) => settlements.length === 1).length).toBeGreaterThan(20);
    expect(open.filter(({ settlements }) => settlements.length === 2).length).toBeGreaterThan(20);
  });
});

test('the ledger will notice some hundred reports that were missed, of most contracts few or none', () => {
  const missed = [...effectiveOf].map(([contract, events]) => {
    const model = folded(contract, events);
    endDaysBefore(model, dayNumber(addDays(DEMO_LAST_DAY, 1)));
    const found = [...model.reckoning.missed.values()].filter(({ type }) => type === 'ReportOverdue');
    return { contract, missed: found.map(({ data }) => (data as { dueOn: string }).dueOn).sort() };
  });
  const all = missed.reduce((sum, of) => sum + of.missed.length, 0);
  expect(all).toBeGreaterThan(500);
  expect(all).toBeLessThan(2_000);
  expect(missed.filter((of) => of.missed.length > 15).length).toBeGreaterThan(5);
  expect(missed.filter((of) => of.missed.length > 60)).toEqual([]);
  expect(missed.filter((of) => programmeOf(of.contract) === IMPORTED_PROGRAMME && of.missed.length > 0)).toEqual([]);
  // The prime of the contract told with care is silent on three lines for two years, and on two of them in the end.
  const story = missed.find(({ contract }) => contract === STORY_CONTRACT)!;
  expect(tally(story.missed)).toEqual({
    '2022-10-19': 3,
    '2023-04-17': 3,
    '2023-10-14': 3,
    '2024-04-11': 3,
    '2025-10-15': 2,
  });
});

const accountability = (contract: string) =>
  accountabilityView(rowsOf(delayAccountability, folded(contract, effectiveOf.get(contract)!)), DEMO_LAST_DAY)!;
const slip = (contract: string, milestone: string) =>
  accountability(contract).milestones.find((of) => of.milestone === milestone)!;
const finding = (days: number, of: string, accountable: string) => ({ days, class: of, accountable });

describe('disputes that can be followed to a decision', () => {
  test('each hears both sides, with evidence of both, and is decided otherwise than was found first', () => {
    for (const contract of [STORY_CONTRACT, TAKEN_BACK_CONTRACT, CONCURRENT_CONTRACT]) {
      const { delays, disputes } = accountability(contract);
      const [decided] = disputes.filter(({ status }) => status === 'decided');
      expect(decided!.answers.length).toBeGreaterThan(0);
      expect(new Set(decided!.evidence.map(({ by }) => by)).size).toBeGreaterThan(1);
      for (const { sha256 } of decided!.evidence) expect(sha256).toMatch(/^[0-9a-f]{64}$/);
      const found = delays.flatMap(({ determinations }) => determinations);
      const decision = decided!.decisions[0]!.event.id;
      expect(found.filter(({ counts, event }) => counts && event.id === decision).length).toBeGreaterThan(0);
      expect(found.filter(({ counts, event }) => !counts && event.id !== decision).length).toBeGreaterThan(0);
    }
  });

  test(`${STORY_CONTRACT}: the seller bears part of what was found to be the contractors’ alone`, () => {
    const { delays, disputes } = accountability(STORY_CONTRACT);
    expect(disputes.map(({ dispute, status }) => [dispute, status])).toEqual([
      ['prime-a/DSP-01', 'decided'],
      ['jp-mod/DSP-01', 'withdrawn'],
      ['prime-a/DSP-02', 'open'],
    ]);
    const [first, second] = delays;
    expect(first).toMatchObject({ delay: 'prime-a/D-01', noticeLagDays: 460, noticeLate: true, status: 'resolved' });
    expect(first!.mitigations).toMatchObject([{ recoversDays: 120, acceptedAt: '2020-04-06T20:00:00.000Z' }]);
    expect(first!.determinations.map(({ milestone, counts }) => [milestone, counts])).toEqual([
      [STORY_MILESTONE, false],
      [STORY_MILESTONE, true],
      ['M-TEST-DEL-1', true],
    ]);
    expect(second!.disputes).toMatchObject([{ dispute: 'prime-a/DSP-02', status: 'open' }]);
    expect(slip(STORY_CONTRACT, STORY_MILESTONE)).toMatchObject({
      slipDays: 2_556,
      determined: [
        { party: 'prime-a', class: 'non-excusable', days: 390 },
        { party: 'subcontractor-c', class: 'non-excusable', days: 132 },
        { party: 'us-fms-office', class: 'compensable', days: 213 },
      ],
      forceMajeureDays: 40,
      concurrentDays: 0,
      unattributedDays: 1_781,
      overAttributedDays: 0,
    });
  });

  test(`${TAKEN_BACK_CONTRACT}: what rests on the report that was taken back stays, and says so`, () => {
    const { delays } = accountability(TAKEN_BACK_CONTRACT);
    expect(delays.map(({ delay, status }) => [delay, status])).toEqual([['prime-b/D-01', 'withdrawn']]);
    expect(delays[0]!.determinations.map(({ shares }) => shares)).toEqual([
      [finding(120, 'compensable', 'agency-north'), finding(28, 'non-excusable', 'prime-b')],
      [finding(60, 'excusable', 'agency-north'), finding(88, 'non-excusable', 'prime-b')],
    ]);
    expect(slip(TAKEN_BACK_CONTRACT, 'M-L1-DEL')).toMatchObject({
      slipDays: 148,
      determined: [
        { party: 'agency-north', class: 'excusable', days: 60 },
        { party: 'prime-b', class: 'non-excusable', days: 88 },
      ],
      unattributedDays: 0,
      alleged: [],
    });
    const flags = [...folded(TAKEN_BACK_CONTRACT, effectiveOf.get(TAKEN_BACK_CONTRACT)!).flags.values()];
    const resting = flags.filter(({ code }) => code === 'basis-withdrawn').map(({ event }) => event.id);
    expect(resting.some((id) => id.startsWith('delay-determined'))).toBe(true);
    expect(resting.some((id) => id.startsWith('dispute-decided'))).toBe(true);
  });

  test(`${CONCURRENT_CONTRACT}: a flood, and days on which several causes met`, () => {
    expect(slip(CONCURRENT_CONTRACT, 'M-L1-DEL')).toMatchObject({
      slipDays: 172,
      determined: [{ party: 'prime-c', class: 'non-excusable', days: 12 }],
      forceMajeureDays: 90,
      concurrentDays: 70,
      unattributedDays: 0,
      overAttributedDays: 0,
    });
    const shares = accountability(CONCURRENT_CONTRACT).delays.flatMap(({ determinations }) =>
      determinations.filter(({ counts }) => counts).flatMap((of) => of.shares),
    );
    expect(shares.flatMap(({ between }) => (between === undefined ? [] : [between]))).toEqual([
      ['prime-c', 'subcontractor-b'],
      ['agency-south', 'prime-c'],
    ]);
  });
});

describe(`${STORY_CONTRACT} answers by itself`, () => {
  const now = () => folded(STORY_CONTRACT, effectiveOf.get(STORY_CONTRACT)!);

  test('what was paid against what was delivered, billed, compared and left unsettled', () => {
    const yen = (amount: string) => ({ amount, currency: 'JPY' });
    const view = paymentsView(rowsOf(payments, now()), DEMO_LAST_DAY)!;
    expect(view).toMatchObject({
      paid: yen('23650000000'),
      deliveredValue: yen('6651600000'),
      exposure: yen('16998400000'),
      unsettled: true,
      settledOn: null,
    });
    expect(view.payments.map(({ by, onBehalfOf, counts }) => [by, onBehalfOf, counts])).toEqual([
      ['jp-mod', null, true],
      ['jp-mod', null, true],
      ['jp-mod', null, true],
      ['jp-mod', null, false],
    ]);
    expect(view.statements.map(({ status, matches }) => [status, matches[0]?.comparedBy])).toEqual([
      ['matched', 'Depot 2 receiving office (illustrative)'],
      ['differs', 'Accounts office 1 (illustrative)'],
      ['unmatched', undefined],
    ]);
  });

  test('which accepted items no check covers, and what failed', () => {
    const view = qualityView(rowsOf(quality, now()), DEMO_LAST_DAY)!;
    expect(view.lines.map(({ line, accepted, uncovered }) => [line, accepted, uncovered])).toEqual([
      ['TEST', 3, 0],
      ['TOW', 24, 4],
      ['SPARES', 0, 0],
      ['DATA', 0, null],
    ]);
    expect(view.nonconformances.map(({ severity, status }) => [severity, status])).toEqual([
      ['major', 'dispositioned'],
      ['critical', 'dispositioned'],
      ['major', 'open'],
    ]);
  });

  test('how late each discrepancy was raised, and how long it took', () => {
    const { discrepancies: found } = discrepanciesView(rowsOf(discrepancies, now()), DEMO_LAST_DAY)!;
    expect(
      found.map(({ discrepancy, status, raisedAfterDays, raisedLate, answeredAfterDays }) => [
        discrepancy,
        status,
        raisedAfterDays,
        raisedLate,
        answeredAfterDays,
      ]),
    ).toEqual([
      ['jp-mod/DR-01', 'answered', 88, false, 89],
      ['jp-mod/DR-02', 'closed', 154, false, 234],
      ['jp-mod/DR-03', 'closed', 476, true, 88],
      ['jp-mod/DR-04', 'open', 1_785, true, 102],
    ]);
  });

  test('what was known two years before: no dispute was lost yet, and 90 percent were made', () => {
    const then = modelAsOf(STORY_CONTRACT, '2024-01-16');
    const { disputes } = accountabilityView(rowsOf(delayAccountability, then), '2024-01-16')!;
    expect(disputes.map(({ dispute, status }) => [dispute, status])).toEqual([
      ['prime-a/DSP-01', 'decided'],
      ['jp-mod/DSP-01', 'answered'],
    ]);
    expect(then.line('TEST').production?.percent).toBe(90);
  });
});

describe('money and claims are of every kind', () => {
  const models = [...effectiveOf].map(([contract, events]) => folded(contract, events));
  const mixed = models.filter(({ registration }) => registration?.programme === 'illustrative-mixed');

  test('accounts are settled alike, by one side alone, and differently', () => {
    const ways = tally(
      mixed.map(({ settled, settlements }) =>
        settled !== undefined ? 'settled' : ['none', 'one-sided', 'different'][settlements.length]!,
      ),
    );
    for (const way of ['settled', 'one-sided', 'different', 'none'])
      expect({ way, many: (ways[way] ?? 0) >= 2 }).toEqual({ way, many: true });
  });

  test('statements match, differ and lie uncompared; every comparison names an office', () => {
    const statements = models.flatMap((model) => [...model.statements.values()]);
    const ways = tally(
      statements.map(({ matches }) =>
        matches.length === 0 ? 'uncompared' : matches[0]!.data.differences.length === 0 ? 'match' : 'differ',
      ),
    );
    for (const way of ['match', 'differ', 'uncompared'])
      expect({ way, many: (ways[way] ?? 0) > 10 }).toEqual({ way, many: true });
    const offices = statements.flatMap(({ matches }) => matches.map(({ data }) => data.comparedBy));
    expect(offices.filter((office) => !/ office( \d)? \(illustrative\)$/.test(office))).toEqual([]);
  });

  test('a payment in another currency stands in no sum, and the buyer enters each itself, now and then late', () => {
    const flags = models.flatMap(({ flags }) => [...flags.values()].map(({ code }) => code));
    expect(flags.filter((code) => code === 'other-currency')).toHaveLength(1);
    const paid = [...recorded.values()].flat().filter(({ type }) => type === 'PaymentMade');
    expect(paid.every(({ onBehalfOf }) => onBehalfOf === undefined)).toBe(true);
    const daysLate = ({ time, recordedtime }: (typeof paid)[number]) => Date.parse(recordedtime) - Date.parse(time);
    expect(paid.filter((each) => daysLate(each) > 9 * 86_400_000).length).toBeGreaterThan(3);
    expect(tally(paid.map(({ data }) => (data as { kind: string }).kind))).toMatchObject({
      advance: expect.any(Number),
      progress: expect.any(Number),
      final: expect.any(Number),
    });
  });

  test('discrepancies are raised in time and late, answered, closed and left open', () => {
    const found = models.flatMap((model) =>
      model.discrepancies.size === 0
        ? []
        : discrepanciesView(rowsOf(discrepancies, model), DEMO_LAST_DAY)!.discrepancies,
    );
    const ways = tally(found.flatMap(({ status, raisedLate }) => [status, raisedLate === true ? 'late' : 'in time']));
    for (const way of ['open', 'answered', 'closed', 'late', 'in time'])
      expect({ way, many: (ways[way] ?? 0) >= 5 }).toEqual({ way, many: true });
  });

  test('nonconformances are of every severity; some wait for a decision', () => {
    const found = models.flatMap((model) => [...model.nonconformances.values()]);
    const severities = tally(found.map(({ raised }) => raised.data.severity));
    for (const severity of ['minor', 'major', 'critical'])
      expect({ severity, many: (severities[severity] ?? 0) >= 5 }).toEqual({ severity, many: true });
    const decided = tally(found.map(({ dispositions }) => dispositions[0]?.disposition ?? 'none'));
    expect(Object.keys(decided).sort()).toEqual(['none', 'repair', 'return', 'rework', 'scrap', 'use-as-is']);
  });
});
