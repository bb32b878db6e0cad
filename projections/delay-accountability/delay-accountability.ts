/** What was determined, alleged and disputed about each milestone's slip, and how each delay was dealt with. */
import { attributionOf } from '../../src/contract/accountability.js';
import { noticedFrom, type DelayFacts } from '../../src/contract/delay.js';
import type { DisputeFacts } from '../../src/contract/dispute.js';
import { correctionOf, nameOf, reportedBy } from '../../src/contract/event-type.js';
import { isAfter, type ContractModel, type Touched } from '../../src/contract/model.js';
import { milestoneDates } from '../../src/contract/schedule-arithmetic.js';
import { dueBy, inForce } from '../../src/contract/terms-in-force.js';
import {
  changedOf,
  flag,
  listTable,
  putListed,
  touchedOf,
  type Projection,
  type Row,
  type RowSink,
  type TableDefinition,
} from '../projection.js';

export const accountabilityContractTable: TableDefinition = {
  name: 'accountability_contract',
  columns: {
    contract: { type: 'text' },
    /** Determinations count once the registration is confirmed. */
    confirmed: { type: 'integer' },
  },
  key: ['contract'],
};

export const accountabilityMilestoneTable: TableDefinition = {
  name: 'accountability_milestone',
  columns: {
    contract: { type: 'text' },
    milestone: { type: 'text' },
    seq: { type: 'integer' },
    baseline: { type: 'text' },
    agreed: { type: 'text' },
    standing: { type: 'text' },
    actual: { type: 'text', nullable: true },
    still_from: { type: 'text', nullable: true },
    /** `Attribution` of `src/contract/accountability.ts`. */
    attribution: { type: 'json' },
  },
  key: ['contract', 'milestone'],
};

export const accountabilityDelayTable = listTable('accountability_delay', 'delay');

export const accountabilityDisputeTable = listTable('accountability_dispute', 'dispute');

const when = (of: { readonly time: string; readonly recordedtime: string } | undefined) =>
  of === undefined ? null : { time: of.time, recordedtime: of.recordedtime };

/** A delay as its row keeps it: all that does not depend on the day. */
function delayFacts(facts: ContractModel, delay: DelayFacts) {
  const from = noticedFrom(facts, delay);
  const accepted = delay.acceptances.map((acceptance) => ({
    acceptance,
    of: delay.mitigations.findLast((plan) => isAfter(acceptance, plan)),
  }));
  return {
    reportedBy: delay.by,
    onBehalfOf: delay.onBehalfOf,
    cause: delay.cause,
    startedOn: delay.startedOn,
    noticedFrom: from,
    noticeDueOn: dueBy(facts, from, 'delayNoticeDays'),
    reportedAt: delay.recordedtime,
    time: delay.time,
    event: delay.event,
    remedy: delay.remedy ?? null,
    withdrawn: delay.withdrawn,
    ...correctionOf(delay),
    acknowledged: when(delay.acknowledgedAt),
    resolved: when(delay.resolved),
    resolvedOn: delay.resolved?.resolvedOn ?? null,
    escalations: delay.escalations.length,
    determinations: delay.determinations.map((found) => ({
      milestone: found.milestone,
      shares: found.shares,
      reasons: found.reasons,
      evidence: found.evidence,
      event: found.event,
      latest:
        inForce(facts).milestones.has(found.milestone) &&
        facts.milestones.get(found.milestone)?.determined.get(delay.delay) === found,
    })),
    mitigations: [...delay.mitigations]
      .sort((a, b) => a.revision - b.revision)
      .map((plan) => ({
        event: plan.event,
        by: plan.by,
        onBehalfOf: plan.onBehalfOf,
        plan: plan.plan,
        recoversDays: plan.recoversDays,
        carriedOutBy: plan.carriedOutBy,
        proposedAt: plan.recordedtime,
        acceptedAt: accepted.find(({ of }) => of === plan)?.acceptance.recordedtime ?? null,
      })),
  };
}
export type DelayRow = ReturnType<typeof delayFacts>;

function disputeFacts(dispute: DisputeFacts) {
  const { opened, contests, answers, evidence, decisions, withdrawnAt } = dispute;
  return {
    ...reportedBy(opened),
    claim: opened.data.claim,
    relief: opened.data.relief,
    contests,
    openedAt: opened.recordedtime,
    answers: answers.map((answer) => ({
      ...reportedBy(answer),
      position: answer.data.position,
      answeredAt: answer.recordedtime,
      event: nameOf(answer),
    })),
    evidence: evidence.map((submitted) => ({
      evidence: `${submitted.party}/${submitted.data.evidence}`,
      ...reportedBy(submitted),
      title: submitted.data.title,
      mediaType: submitted.data.mediaType,
      sha256: submitted.data.sha256,
      uri: submitted.data.uri ?? null,
      submittedAt: submitted.recordedtime,
      status: submitted.withdrawn ? 'withdrawn' : 'submitted',
    })),
    decisions: decisions.map((decided) => ({
      by: decided.party,
      decision: decided.data.decision,
      determinations: decided.data.determinations ?? null,
      decidedAt: decided.recordedtime,
      event: nameOf(decided),
    })),
    withdrawnAt: withdrawnAt ?? null,
  };
}
export type DisputeRow = ReturnType<typeof disputeFacts>;

function milestoneRow(facts: ContractModel, milestone: string, seq: number): Row {
  const { baseline, agreed, standing, actual, stillFrom } = milestoneDates(facts, milestone);
  return {
    contract: facts.contract,
    milestone,
    seq,
    baseline,
    agreed,
    standing,
    actual: actual ?? null,
    still_from: stillFrom ?? null,
    attribution: JSON.stringify(attributionOf(facts, milestone)),
  };
}

export const delayAccountability: Projection = {
  name: 'delay-accountability',
  version: 9,
  tables: [
    accountabilityContractTable,
    accountabilityMilestoneTable,
    accountabilityDelayTable,
    accountabilityDisputeTable,
  ],
  evolve(facts: ContractModel, touched: Touched, rows: RowSink): void {
    const { contract } = facts;
    const { milestones } = inForce(facts);
    if (touched.all || touched.registration)
      rows.put(accountabilityContractTable, {
        contract,
        confirmed: flag(facts.confirmedAt !== undefined),
      });
    if (touched.all || touched.milestones.size > 0) {
      let seq = 0;
      for (const milestone of milestones.keys()) {
        if (touched.all || touched.milestones.has(milestone))
          rows.put(accountabilityMilestoneTable, milestoneRow(facts, milestone, seq));
        seq += 1;
      }
    }
    // With what is in force it changes which determinations count, and by which terms a notice is late.
    for (const [id, delay] of touchedOf(touched, 'delay', facts.delays))
      putListed(rows, accountabilityDelayTable, {
        contract,
        id,
        seq: delay.revision,
        facts: delayFacts(facts, delay),
      });
    for (const [id, dispute] of changedOf(touched, 'dispute', facts.disputes))
      putListed(rows, accountabilityDisputeTable, {
        contract,
        id,
        seq: dispute.opened.revision,
        facts: disputeFacts(dispute),
      });
  },
};
