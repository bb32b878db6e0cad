/** Who is accountable for which days, who says so, and what is disputed. */
import {
  byTime,
  correctionShown,
  daysBetween,
  earlier,
  ever,
  isNamed,
  once,
  lastByTime,
  nameOf,
  nullFirst,
  openedId,
  orNull,
  recordedDay,
  refer,
  reference,
  resolved,
  said,
  timeDay,
  type Book,
  type Data,
  type Fact,
} from './record.js';
import { agreedDate, datedMilestones, sinceAgreed, timeline, type Dated } from './schedule.js';
import { confirmation, milestones, dueBy } from './terms.js';
import type { EventName } from '../../src/contract/event-type.js';

export const delayReports = (book: Book): Fact[] => ever(book, 'DelayReported');

const about = (book: Book, report: Fact, type: string): Fact[] =>
  said(book, type).filter((fact) => reference(fact, 'delay') === openedId(report));

export function delayStatus(book: Book, report: Fact): 'withdrawn' | 'resolved' | 'acknowledged' | 'open' {
  if (report.withdrawn) return 'withdrawn';
  if (about(book, report, 'DelayResolved').length > 0) return 'resolved';
  if (about(book, report, 'DelayAcknowledged').length > 0) return 'acknowledged';
  return 'open';
}

interface Share {
  readonly days: number;
  readonly class: string;
  readonly accountable: string;
}
export interface Determination {
  readonly fact: Fact;
  readonly delay: string;
  readonly milestone: string;
  readonly shares: readonly Share[];
  readonly reasons: string;
  readonly evidence: readonly EventName[];
}

/** In recorded order, from determinations and from decisions of disputes alike. */
export const determinations = once((book: Book): Determination[] => {
  return said(book, 'DelayDetermined', 'DisputeDecided').flatMap((fact) => {
    const all = fact.type === 'DelayDetermined' ? [fact.data] : ((fact.data['determinations'] ?? []) as Data[]);
    return all.map(({ delay, milestone, shares, reasons, evidence }) => ({
      fact,
      delay: refer(fact, 'delay', delay),
      milestone,
      shares,
      reasons,
      evidence,
    }));
  });
});

/** The latest of its delay for its milestone, which is one of the contract, once the registration is confirmed. */
function counts(book: Book, determination: Determination): boolean {
  const rivals = determinations(book)
    .filter(({ delay, milestone }) => delay === determination.delay && milestone === determination.milestone)
    .toSorted((a, b) => byTime(a.fact, b.fact));
  const latest = rivals.at(-1)!;
  return (
    confirmation(book).confirmedAt !== null &&
    milestones(book).some(({ milestone }) => milestone === determination.milestone) &&
    latest.fact.revision === determination.fact.revision &&
    latest.shares === determination.shares
  );
}

const total = (days: readonly number[]): number => days.reduce((sum, each) => sum + each, 0);

/** Days added up for each group, groups sorted by their texts. */
function grouped<G extends Readonly<Record<string, string | null>>>(
  entries: readonly { readonly group: G; readonly days: number }[],
): (G & { readonly days: number })[] {
  const groups = new Map(entries.map(({ group }) => [JSON.stringify(Object.values(group)), group]));
  return [...groups.entries()]
    .map(([key, group]) => ({
      ...group,
      days: total(
        entries.filter((entry) => JSON.stringify(Object.values(entry.group)) === key).map(({ days }) => days),
      ),
    }))
    .toSorted((a, b) => {
      for (const field of Object.keys(a)) {
        if (field === 'days') continue;
        const order = nullFirst(a[field] as string | null, b[field] as string | null);
        if (order !== 0) return order;
      }
      return 0;
    });
}

/** The days that each forecast of a type adds to what its reporter last said, else to what was agreed then. */
function moved(book: Book, milestone: Dated, type: string): { readonly fact: Fact; readonly days: number }[] {
  const entries = timeline(book, milestone);
  return entries.flatMap((entry, at) => {
    if (entry.fact.type !== type) return [];
    const before = entries.slice(0, at);
    // What was recorded in its name takes nothing from what a party says itself.
    const last = sinceAgreed(before).findLast(
      ({ kind, fact }) =>
        kind === 'forecast' &&
        fact.party === entry.fact.party &&
        (fact.onBehalfOf === undefined || entry.fact.onBehalfOf !== undefined),
    );
    const from = last?.to ?? agreedDate(before, milestone.baseline);
    return [{ fact: entry.fact, days: Math.max(0, daysBetween(from, entry.to)) }];
  });
}

function accountable(book: Book, milestone: Dated) {
  const { slipDays, extensionsAgreedDays } = milestone.dates;
  const shares = determinations(book)
    .filter((determination) => determination.milestone === milestone.milestone && counts(book, determination))
    .flatMap((determination) => determination.shares);
  const of = (who: string): number =>
    total(shares.filter((share) => share.accountable === who).map(({ days }) => days));
  const slip = Math.max(0, slipDays);
  const attributed = total(shares.map(({ days }) => days));
  const unattributedDays = Math.max(0, slip - attributed);
  return {
    milestone: milestone.milestone,
    slipDays,
    determined: grouped(
      shares
        .filter((share) => share.accountable !== 'force-majeure' && share.accountable !== 'concurrent')
        .map((share) => ({ group: { party: share.accountable, class: share.class }, days: share.days })),
    ),
    forceMajeureDays: of('force-majeure'),
    concurrentDays: of('concurrent'),
    unattributedDays,
    agreedDays: Math.max(0, Math.min(unattributedDays, extensionsAgreedDays)),
    overAttributedDays: Math.max(0, attributed - slip),
    alleged: grouped(
      moved(book, milestone, 'DelayReported').map(({ fact, days }) => ({
        group: {
          by: fact.party,
          recordedBy: fact.onBehalfOf === undefined ? null : fact.reporter,
          locus: fact.data['cause'].locus as string,
          party: (fact.data['cause'].party ?? null) as string | null,
        },
        days,
      })),
    ),
    unexplained: grouped(
      moved(book, milestone, 'ForecastRevised').map(({ fact, days }) => ({
        group: { by: fact.party, recordedBy: fact.onBehalfOf === undefined ? null : fact.reporter },
        days,
      })),
    ),
  };
}

/** The day that counts: the earliest of that on which it began and those that its report gave whenever something was found of it. */
function noticeFrom(book: Book, report: Fact): string {
  const corrections = book.selected.filter(
    (fact) => fact.type === 'EventCorrected' && isNamed(resolved(fact, fact.data['event']), nameOf(report)),
  );
  const saidBefore = (revision: number): string => {
    const last = corrections.findLast((fact) => fact.revision < revision && fact.data['replacement'] !== undefined);
    return (last?.data['replacement'] ?? report.sent)['startedOn'];
  };
  return determinations(book)
    .filter(({ delay }) => delay === openedId(report))
    .map(({ fact }) => saidBefore(fact.revision))
    .reduce(earlier, report.data['startedOn'] as string);
}

export const noticeLagDays = (book: Book, report: Fact): number =>
  daysBetween(noticeFrom(book, report), recordedDay(report));

export const isNoticeLate = (book: Book, report: Fact): boolean =>
  recordedDay(report) > dueBy(book, noticeFrom(book, report), 'delayNoticeDays');

function delayAnswer(book: Book, report: Fact) {
  const startedOn = report.data['startedOn'] as string;
  const acknowledged = about(book, report, 'DelayAcknowledged')[0];
  const resolution = lastByTime(about(book, report, 'DelayResolved'));
  const recordedAfter = (fact: Fact | undefined): number | null =>
    fact === undefined ? null : daysBetween(recordedDay(report), recordedDay(fact));
  const statedAfter = (fact: Fact | undefined): number | null =>
    fact === undefined ? null : daysBetween(timeDay(report), timeDay(fact));
  const determined = determinations(book).filter(({ delay }) => delay === openedId(report));
  return {
    delay: openedId(report),
    reportedBy: report.reporter,
    onBehalfOf: orNull(report.onBehalfOf),
    cause: report.data['cause'] as object,
    remedy: orNull(report.data['remedy'] as string | undefined),
    startedOn,
    reportedAt: report.recordedtime,
    ...correctionShown(report),
    status: delayStatus(book, report),
    noticeLagDays: noticeLagDays(book, report),
    noticeLate: isNoticeLate(book, report),
    acknowledgedAfterDays: recordedAfter(acknowledged),
    resolvedOn: orNull(resolution?.data['resolvedOn'] as string | undefined),
    resolvedAfterDays: recordedAfter(resolution),
    statedNoticeLagDays: daysBetween(noticeFrom(book, report), timeDay(report)),
    statedNoticeLate: timeDay(report) > dueBy(book, noticeFrom(book, report), 'delayNoticeDays'),
    statedAcknowledgedAfterDays: statedAfter(acknowledged),
    statedResolvedAfterDays: statedAfter(resolution),
    escalations: about(book, report, 'DelayEscalated').length,
    disputes: said(book, 'DisputeOpened')
      .filter((dispute) =>
        contested(dispute).some((name) =>
          [report, ...determined.map(({ fact }) => fact)].some((of) => isNamed(name, of)),
        ),
      )
      .map((dispute) => ({
        dispute: openedId(dispute),
        by: dispute.party,
        contests: contested(dispute),
        status: disputeStatus(book, dispute),
        relief: orNull(dispute.data['relief'] as string | undefined),
      })),
    determinations: determined.map((determination) => ({
      milestone: determination.milestone,
      shares: determination.shares,
      reasons: determination.reasons,
      evidence: determination.evidence.map((name) => resolved(determination.fact, name)),
      event: nameOf(determination.fact),
      counts: counts(book, determination),
    })),
    mitigations: mitigations(book, report),
  };
}

function mitigations(book: Book, report: Fact) {
  const plans = about(book, report, 'MitigationProposed');
  const acceptances = about(book, report, 'MitigationAccepted').map((fact) => ({
    fact,
    plan: lastByTime(plans.filter((plan) => byTime(plan, fact) < 0)),
  }));
  return plans.map((plan) => ({
    event: nameOf(plan),
    by: plan.reporter,
    onBehalfOf: orNull(plan.onBehalfOf),
    plan: plan.data['plan'] as string,
    recoversDays: plan.data['recoversDays'] as number,
    carriedOutBy: plan.data['by'] as string,
    proposedAt: plan.recordedtime,
    acceptedAt: orNull(acceptances.find((each) => each.plan === plan)?.fact.recordedtime),
  }));
}

const contested = (dispute: Fact): Required<EventName>[] =>
  ((dispute.data['contests'] ?? []) as EventName[]).map((name) => resolved(dispute, name));

const inDispute = (book: Book, dispute: Fact, type: string): Fact[] =>
  said(book, type).filter((fact) => reference(fact, 'dispute') === openedId(dispute));

function disputeStatus(book: Book, dispute: Fact): 'decided' | 'withdrawn' | 'answered' | 'open' {
  if (inDispute(book, dispute, 'DisputeDecided').length > 0) return 'decided';
  if (inDispute(book, dispute, 'DisputeWithdrawn').length > 0) return 'withdrawn';
  if (inDispute(book, dispute, 'DisputeAnswered').length > 0) return 'answered';
  return 'open';
}

function disputeAnswer(book: Book, dispute: Fact) {
  return {
    dispute: openedId(dispute),
    by: dispute.party,
    onBehalfOf: orNull(dispute.onBehalfOf),
    claim: dispute.data['claim'] as string,
    relief: orNull(dispute.data['relief'] as string | undefined),
    contests: contested(dispute),
    status: disputeStatus(book, dispute),
    openedAt: dispute.recordedtime,
    answers: inDispute(book, dispute, 'DisputeAnswered').map((fact) => ({
      by: fact.reporter,
      onBehalfOf: orNull(fact.onBehalfOf),
      position: fact.data['position'] as string,
      answeredAt: fact.recordedtime,
      event: nameOf(fact),
    })),
    evidence: ever(book, 'EvidenceSubmitted')
      .filter((fact) => reference(fact, 'dispute') === openedId(dispute))
      .map((fact) => ({
        evidence: openedId(fact),
        by: fact.reporter,
        onBehalfOf: orNull(fact.onBehalfOf),
        title: fact.data['title'] as string,
        mediaType: fact.data['mediaType'] as string,
        sha256: fact.data['sha256'] as string,
        uri: orNull(fact.data['uri'] as string | undefined),
        submittedAt: fact.recordedtime,
        status: fact.withdrawn ? 'withdrawn' : 'submitted',
      })),
    decisions: inDispute(book, dispute, 'DisputeDecided').map((fact) => ({
      by: fact.party,
      decision: fact.data['decision'] as string,
      determinations: orNull(fact.data['determinations'] as readonly object[] | undefined),
      decidedAt: fact.recordedtime,
      event: nameOf(fact),
    })),
    withdrawnAt: orNull(inDispute(book, dispute, 'DisputeWithdrawn')[0]?.recordedtime),
  };
}

export const accountability = (book: Book) => ({
  milestones: datedMilestones(book).map((milestone) => accountable(book, milestone)),
  delays: delayReports(book).map((report) => delayAnswer(book, report)),
  disputes: said(book, 'DisputeOpened').map((dispute) => disputeAnswer(book, dispute)),
});
