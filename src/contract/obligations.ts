/**
 * Reports that are owed: by whom, of what, since when, and which were missed. The ledger itself records a miss
 * (`ReportOverdue`) and a deadline that passed (`DelayEscalated`, in `delay.ts`), once each; what it may record is
 * reckoned in `reckoning.ts` from what is put together here.
 */
import { dayFromNumber, dayNumber, dayOf } from './calendar.js';
import {
  eventType,
  named,
  nameOf,
  refuse,
  type DecisionContext,
  type EffectiveEvent,
  type EventName,
  type ProposedEvent,
  type Refusal,
} from './event-type.js';
import { IsDay, IsId, Optional } from './fields.js';
import type { ContractModel } from './model.js';
import { MOST_IN_A_ROW, type DayEnd, type OpenStep, type Owing, type Periods } from './reckoning.js';
import { milestoneDates } from './schedule-arithmetic.js';
import type { DecisionState } from './state.js';
import { acceptedOf, inForce, type MilestoneInForce } from './terms-in-force.js';

export class ReportOverdue {
  /** Who owed the report. */
  @IsId() readonly party!: string;
  /** The line of which it was owed; for a milestone that names no line, the milestone. */
  @Optional() @IsId() readonly line?: string;
  @Optional() @IsId() readonly milestone?: string;
  @IsDay() readonly dueOn!: string;
}

/** A report that the ledger noticed to be missing. */
export interface MissedReport {
  readonly dueOn: string;
  readonly recordedtime: string;
  readonly event: Required<EventName>;
}

/** The ledger records what it has reckoned to be missed, and nothing else. */
export function missedRules(
  _state: DecisionState,
  { id, type, data }: ProposedEvent<object>,
  { missed }: DecisionContext,
): Refusal | undefined {
  const found = missed?.get(id);
  return found !== undefined && sameData(found, data)
    ? undefined
    : refuse('nothing-missed', `on the record as it stands there is no ${type} ${id} to be noticed`);
}

function sameData(a: object, b: object): boolean {
  const [x, y] = [Object.entries(a), new Map(Object.entries(b))];
  return x.length === y.size && x.every(([name, value]) => y.get(name) === value);
}

/** The key of a report that is owed: the line's id, or `milestone:ID`, which is the id of no line. */
export const reportKey = (line: string | null | undefined, milestone: string | null | undefined): string =>
  line ?? `milestone:${milestone ?? ''}`;

/** What a party's report names counts for: a line, or the line of a milestone, else the milestone. */
export function noteOwnReport(model: ContractModel, party: string, keys: Iterable<string>, day: number): void {
  for (const key of keys) {
    const name = `${party}\n${key}`;
    const before = model.ownReports.get(name);
    if (before === undefined || before < day) model.ownReports.set(name, day);
    model.touch('report', key);
  }
}

interface OwingNow extends Owing {
  /** Keys under which reports of it are noted: the line's, and those of its milestones. */
  readonly keys: readonly string[];
}

export type OwingByKey = ReadonlyMap<string, OwingNow>;

/** Who owes reports of what, on the facts as they stand. In the order of the contract's milestones. */
function owingOf(model: ContractModel): OwingByKey {
  const cached = model.memo.owing;
  if (cached !== undefined && cached.version === model.datesVersion) return cached.owing;
  const owing: OwingByKey = model.registration === undefined || model.closed !== undefined ? new Map() : compute(model);
  model.memo.owing = { version: model.datesVersion, owing };
  return owing;
}

function compute(model: ContractModel): OwingByKey {
  const first = new Map<string, { readonly milestone: MilestoneInForce; readonly agreed: string }>();
  for (const milestone of inForce(model).milestones.values()) {
    if (milestone.kind === 'payment' || milestone.cancelledOn !== undefined) continue;
    const { agreed, actual } = milestoneDates(model, milestone.milestone);
    if (actual !== undefined) continue;
    const key = reportKey(milestone.line, milestone.milestone);
    const before = first.get(key);
    if (
      before === undefined ||
      agreed < before.agreed ||
      (agreed === before.agreed && milestone.milestone < before.milestone.milestone)
    )
      first.set(key, { milestone, agreed });
  }
  const owing = new Map<string, OwingNow>();
  for (const [key, { milestone }] of first)
    owing.set(key, {
      key,
      line: milestone.line,
      milestone: milestone.line === null ? milestone.milestone : null,
      party: milestone.responsible,
      keys: keysOf(model, key),
    });
  return owing;
}

/** Under which names reports of a line, or of a milestone without one, are noted. */
function milestonesByKey(model: ContractModel): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const { line, milestone } of inForce(model).milestones.values()) {
    const key = reportKey(line, milestone);
    let keys = found.get(key);
    if (keys === undefined) found.set(key, (keys = [key]));
    if (line !== null) keys.push(reportKey(null, milestone));
  }
  return found;
}

/** Recorded day of a party's last own report, in days since 1970-01-01, over the names it may have been noted under. */
export function lastOwnReport(model: ContractModel, party: string, keys: readonly string[]): number | undefined {
  let last: number | undefined;
  for (const key of keys) {
    const day = model.ownReports.get(`${party}\n${key}`);
    if (day !== undefined && (last === undefined || day > last)) last = day;
  }
  return last;
}

/** The names under which reports of a line, or of a milestone without one, are noted, whether or not any is owed. */
function keysOf(model: ContractModel, key: string): readonly string[] {
  let cached = model.memo.reportKeys;
  if (cached === undefined || cached.version !== model.termsVersion)
    model.memo.reportKeys = cached = { version: model.termsVersion, keys: milestonesByKey(model) };
  return cached.keys.get(key) ?? [key];
}

function periodsOf(model: ContractModel): Periods {
  const { reportEveryDays, acknowledgeWithinDays, resolveWithinDays } = inForce(model).terms;
  return { reportEveryDays, acknowledgeWithinDays, resolveWithinDays };
}

/** Steps of delays that are still to be done. */
function* openSteps(model: ContractModel): Generator<OpenStep> {
  if (model.closed !== undefined) return;
  for (const { delay, withdrawn, resolved, acknowledgedAt, recordedtime } of model.delays.values()) {
    if (withdrawn || resolved !== undefined) continue;
    const from = dayNumber(dayOf(recordedtime));
    if (acknowledgedAt === undefined) yield { delay, step: 'acknowledge', from };
    yield { delay, step: 'resolve', from };
  }
}

const dayEndOf = (model: ContractModel): DayEnd => ({
  owing: () => [...owingOf(model).values()],
  openSteps: () => [...openSteps(model)],
  periods: () => periodsOf(model),
  lastReport: (owing) => lastOwnReport(model, owing.party, (owing as OwingNow).keys),
});

/** Ends the days before `day` (in days since 1970-01-01): what was due on them and not done is missed from now on. */
export function endDaysBefore(model: ContractModel, day: number): void {
  if (day > model.reckoning.day)
    model.reckoning.advance(day, model.registration === undefined ? undefined : dayEndOf(model));
}

/** The periods in force at the end of a recorded day; today's for the day that has not ended. */
export function periodsOn(model: ContractModel, day: number): Periods {
  const { reckoning } = model;
  return (day < reckoning.day ? reckoning.periodsOn(day) : undefined) ?? periodsOf(model);
}

export interface ReportState {
  readonly party: string;
  readonly owed: boolean;
  readonly owedSince: string | null;
  readonly lastReportOn: string | null;
  /** The first due day that has not been noticed. */
  readonly nextDueOn: string | null;
  readonly overdue: boolean;
  readonly overdueSince: string | null;
  /** In recorded order. */
  readonly missed: readonly MissedReport[];
}

/** The lines that a milestone has been of which had none when a report of it was missed. */
export function linesSince(model: ContractModel, key: string): readonly string[] {
  if (!key.startsWith('milestone:')) return [];
  const milestone = inForce(model).milestones.get(key.slice('milestone:'.length));
  return [...(milestone?.linesEver ?? [])];
}

/** How each party stands with the reports of a line (or of a milestone without one) that it owes or has missed. */
export function reportStates(model: ContractModel, key: string): readonly ReportState[] {
  const since = linesSince(model, key);
  // What was missed of a milestone that has been given a line since is made up for by reporting on that line, whichever it has now.
  const keys = since.length === 0 ? keysOf(model, key) : [key, ...since.flatMap((line) => keysOf(model, line))];
  const owing = owingOf(model).get(key);
  const parties = new Set([...(owing === undefined ? [] : [owing.party]), ...(model.noticed.get(key)?.keys() ?? [])]);
  const isOver = isOverFor(model, key);
  return [...parties].sort().map((party) => {
    const missed = model.noticed.get(key)?.get(party) ?? [];
    const last = lastOwnReport(model, party, keys);
    const owed = owing !== undefined && owing.party === party;
    const unanswered =
      isOver && !owed ? [] : missed.filter(({ dueOn }) => last === undefined || dayNumber(dueOn) >= last);
    const since = owed ? owedSince(model, owing) : undefined;
    return {
      party,
      owed,
      owedSince: since === undefined ? null : dayFromNumber(since),
      lastReportOn: last === undefined ? null : dayFromNumber(last),
      nextDueOn: since === undefined ? null : dayFromNumber(nextDue(model, Math.max(since, last ?? since), missed)),
      overdue: unanswered.length > 0,
      overdueSince: unanswered.map(({ dueOn }) => dueOn).sort()[0] ?? null,
      missed,
    };
  });
}

/** The recorded day on which a party came to owe; today's where that is today. */
const owedSince = (model: ContractModel, owing: Owing): number => model.reckoning.since(owing) ?? today(model);
const today = (model: ContractModel): number => dayNumber(dayOf(model.recordedtime));

function nextDue(model: ContractModel, base: number, missed: readonly MissedReport[]): number {
  const noticed = new Set(missed.map(({ dueOn }) => dayNumber(dueOn)));
  let due = base + periodsOn(model, base).reportEveryDays;
  while (noticed.has(due)) due += periodsOn(model, due).reportEveryDays;
  return due;
}

/**
 * Whether nobody waits for a report any more: both sides have closed the contract, the line or milestone is not in force or
 * cancelled, or the buyer has accepted all that was to be delivered. That somebody says that it was reached is not enough.
 */
function isOverFor(model: ContractModel, key: string): boolean {
  if (model.closed !== undefined) return true;
  const { lines, milestones } = inForce(model);
  const line = lines.get(key);
  const of = key.startsWith('milestone:') ? milestones.get(key.slice('milestone:'.length)) : line;
  if (of === undefined || of.cancelledOn !== undefined) return true;
  if (line !== undefined) return acceptedOf(model, key) >= line.quantity;
  return 'kind' in of && of.kind === 'delivery' && milestoneDates(model, of.milestone).actual !== undefined;
}

/** Lines (or milestones without one) and parties of which a report is overdue: those that were noticed, and nothing came since. */
export function overdueReports(model: ContractModel): readonly ReportState[] {
  return [...model.noticed.keys()].flatMap((key) => reportStates(model, key).filter(({ overdue }) => overdue));
}

/**
 * The earliest day (in days since 1970-01-01) on which the ledger may have something to notice that it has not looked at, as far
 * as the facts tell; `undefined` where it never will without a further event: so much is noticed in a row, and no more. Where
 * something was corrected it is for the watch to look.
 */
export function nextNotice(model: ContractModel): number | undefined {
  const { reckoning } = model;
  let next: number | undefined;
  const earlier = (day: number): void => {
    if (next === undefined || day < next) next = day;
  };
  for (const { day } of reckoning.missed.values()) earlier(day);
  const now = Math.max(today(model), reckoning.day);
  for (const owing of owingOf(model).values()) {
    const since = owedSince(model, owing);
    let due = Math.max(since, lastOwnReport(model, owing.party, owing.keys) ?? since);
    let missed = 0;
    do {
      due += periodsOn(model, due).reportEveryDays;
      missed += 1;
    } while (due < now && missed <= MOST_IN_A_ROW);
    if (missed <= MOST_IN_A_ROW) earlier(due + 1);
  }
  for (const { step, from } of openSteps(model)) {
    const { acknowledgeWithinDays, resolveWithinDays } = periodsOn(model, from);
    const period = step === 'acknowledge' ? acknowledgeWithinDays : resolveWithinDays;
    const level = Math.max(1, Math.ceil((now - from) / period));
    if (level <= MOST_IN_A_ROW) earlier(from + level * period + 1);
  }
  return next;
}

function foldOverdue(model: ContractModel, event: EffectiveEvent<ReportOverdue>): void {
  const { party, line, milestone, dueOn } = event.data;
  const key = reportKey(line, milestone);
  let byParty = model.noticed.get(key);
  if (byParty === undefined) model.noticed.set(key, (byParty = new Map()));
  const missed = { dueOn, recordedtime: event.recordedtime, event: nameOf(event) };
  const before = byParty.get(party);
  if (before === undefined) byParty.set(party, [missed]);
  else before.push(missed);
  model.touch('report', key);
}

export const obligationTypes = [
  eventType<ReportOverdue>({
    type: 'ReportOverdue',
    description: 'The ledger notices that a party which owed a report of a line has recorded none in time.',
    version: 1,
    payload: ReportOverdue,
    act: true,
    by: [],
    ledgerOnly: true,
    names: (data) => [
      ...named('party', data.party, '/party'),
      ...named('line', data.line, '/line'),
      ...named('milestone', data.milestone, '/milestone'),
    ],
    rules: missedRules,
    portfolio: { folds: true, keep: (data) => data },
    fold: foldOverdue,
  }),
];
