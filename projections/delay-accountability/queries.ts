/** `/contracts/{id}/accountability`, from the rows of `delay-accountability`. */
import { slipParts, type Attribution } from '../../src/contract/accountability.js';
import { dayOf, daysBetween } from '../../src/contract/calendar.js';
import { nameText } from '../../src/contract/event-type.js';
import { datesOn } from '../../src/contract/schedule-arithmetic.js';
import { integer, json, ordered, rowsOf, text, textOrNull, type ContractRows, type Row } from '../projection.js';
import {
  accountabilityContractTable,
  accountabilityDelayTable,
  accountabilityDisputeTable,
  accountabilityMilestoneTable,
  type DelayRow,
  type DisputeRow,
} from './delay-accountability.js';

/** The answer without `asOf`, `on` and `position`; `undefined` where there is no such contract. */
export function accountabilityView(rows: ContractRows, day: string) {
  const contract = rowsOf(rows, accountabilityContractTable)[0];
  if (contract === undefined) return undefined;
  const confirmed = integer(contract, 'confirmed') === 1;
  const disputes = ordered(rowsOf(rows, accountabilityDisputeTable), 'seq').map((row) => ({
    dispute: text(row, 'dispute'),
    facts: json<DisputeRow>(row, 'facts'),
  }));
  return {
    milestones: ordered(rowsOf(rows, accountabilityMilestoneTable), 'seq').map((row) =>
      milestoneView(row, confirmed, day),
    ),
    delays: ordered(rowsOf(rows, accountabilityDelayTable), 'seq').map((row) =>
      delayView(text(row, 'delay'), json<DelayRow>(row, 'facts'), {
        confirmed,
        disputes,
      }),
    ),
    disputes: disputes.map(({ dispute, facts }) => ({
      dispute,
      by: facts.by,
      onBehalfOf: facts.onBehalfOf,
      claim: facts.claim,
      relief: facts.relief,
      contests: facts.contests,
      status: statusOfDispute(facts),
      openedAt: facts.openedAt,
      answers: facts.answers,
      evidence: facts.evidence,
      decisions: facts.decisions,
      withdrawnAt: facts.withdrawnAt,
    })),
  };
}

const NOTHING_DETERMINED = { determined: [], forceMajeureDays: 0, concurrentDays: 0 };

function milestoneView(row: Row, confirmed: boolean, day: string) {
  const stored = {
    baseline: text(row, 'baseline'),
    agreed: text(row, 'agreed'),
    standing: text(row, 'standing'),
    actual: textOrNull(row, 'actual'),
    stillFrom: textOrNull(row, 'still_from'),
  };
  const { slipDays, extensionsAgreedDays } = datesOn(stored, day);
  const { alleged, unexplained, ...found } = json<Attribution>(row, 'attribution');
  const { determined, forceMajeureDays, concurrentDays } = confirmed ? found : NOTHING_DETERMINED;
  const attributed = determined.reduce((sum, { days }) => sum + days, forceMajeureDays + concurrentDays);
  const parts = slipParts(slipDays, extensionsAgreedDays, attributed);
  return {
    milestone: text(row, 'milestone'),
    slipDays,
    determined,
    forceMajeureDays,
    concurrentDays,
    unattributedDays: parts.unattributedDays,
    agreedDays: parts.agreedDays,
    overAttributedDays: parts.overAttributedDays,
    alleged,
    unexplained,
  };
}

interface DelaySetting {
  readonly confirmed: boolean;
  readonly disputes: readonly { readonly dispute: string; readonly facts: DisputeRow }[];
}

const days = (from: string, to: string | undefined): number | null =>
  to === undefined ? null : daysBetween(dayOf(from), dayOf(to));

function delayView(delay: string, facts: DelayRow, { confirmed, disputes }: DelaySetting) {
  const noticeLagDays = daysBetween(facts.noticedFrom, dayOf(facts.reportedAt));
  const statedNoticeLagDays = daysBetween(facts.noticedFrom, dayOf(facts.time));
  const names = new Set([facts.event, ...facts.determinations.map(({ event }) => event)].map(nameText));
  return {
    delay,
    reportedBy: facts.reportedBy,
    onBehalfOf: facts.onBehalfOf,
    cause: facts.cause,
    remedy: facts.remedy,
    startedOn: facts.startedOn,
    reportedAt: facts.reportedAt,
    correctedBy: facts.correctedBy,
    correctedAt: facts.correctedAt,
    status: statusOfDelay(facts),
    noticeLagDays,
    noticeLate: dayOf(facts.reportedAt) > facts.noticeDueOn,
    acknowledgedAfterDays: days(facts.reportedAt, facts.acknowledged?.recordedtime),
    resolvedOn: facts.resolvedOn,
    resolvedAfterDays: days(facts.reportedAt, facts.resolved?.recordedtime),
    statedNoticeLagDays,
    statedNoticeLate: dayOf(facts.time) > facts.noticeDueOn,
    statedAcknowledgedAfterDays: days(facts.time, facts.acknowledged?.time),
    statedResolvedAfterDays: days(facts.time, facts.resolved?.time),
    escalations: facts.escalations,
    disputes: disputes
      .filter((entry) => entry.facts.contests.some((name) => names.has(nameText(name))))
      .map((entry) => ({
        dispute: entry.dispute,
        by: entry.facts.by,
        contests: entry.facts.contests,
        status: statusOfDispute(entry.facts),
        relief: entry.facts.relief,
      })),
    determinations: facts.determinations.map(({ latest, ...found }) => ({ ...found, counts: latest && confirmed })),
    mitigations: facts.mitigations,
  };
}

function statusOfDelay({ withdrawn, resolved, acknowledged }: DelayRow) {
  if (withdrawn) return 'withdrawn';
  if (resolved !== null) return 'resolved';
  return acknowledged === null ? 'open' : 'acknowledged';
}

function statusOfDispute({ decisions, withdrawnAt, answers }: DisputeRow) {
  if (decisions.length > 0) return 'decided';
  if (withdrawnAt !== null) return 'withdrawn';
  return answers.length > 0 ? 'answered' : 'open';
}
