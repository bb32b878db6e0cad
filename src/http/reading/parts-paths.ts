/** What is asked about one contract, a read model at a time: the shapes that the READMEs of the projections give. */
import type { JsonSchema } from '../../contract/validation.js';
import type { ApiPaths } from '../api.js';
import {
  day,
  eventName,
  flag,
  instant,
  integer,
  list,
  maybe,
  money,
  object,
  one,
  quantity,
  SHOWN,
  text,
  textOrNull,
} from './schemas.js';

const anyObject: JsonSchema = { type: 'object' };
const reported = { by: text, onBehalfOf: textOrNull };
const happened = { ...reported, time: instant, recordedtime: instant, event: eventName };
const items = list(anyObject);

const shares = list(anyObject);
const delayStatus: JsonSchema = { type: 'string', enum: ['withdrawn', 'resolved', 'acknowledged', 'open'] };
const disputeStatus: JsonSchema = { type: 'string', enum: ['decided', 'withdrawn', 'answered', 'open'] };

const ACCOUNTABILITY = {
  milestones: list(
    object({
      milestone: text,
      slipDays: integer,
      determined: list(object({ party: text, class: text, days: integer })),
      forceMajeureDays: integer,
      concurrentDays: integer,
      unattributedDays: integer,
      agreedDays: integer,
      overAttributedDays: integer,
      alleged: list(object({ by: text, recordedBy: textOrNull, locus: text, party: textOrNull, days: integer })),
      unexplained: list(object({ by: text, recordedBy: textOrNull, days: integer })),
    }),
  ),
  delays: list(
    object({
      delay: text,
      reportedBy: text,
      onBehalfOf: textOrNull,
      cause: anyObject,
      remedy: textOrNull,
      startedOn: day,
      reportedAt: instant,
      correctedBy: maybe(eventName),
      correctedAt: maybe(instant),
      status: delayStatus,
      noticeLagDays: integer,
      noticeLate: flag,
      acknowledgedAfterDays: maybe(integer),
      resolvedOn: maybe(day),
      resolvedAfterDays: maybe(integer),
      statedNoticeLagDays: integer,
      statedNoticeLate: flag,
      statedAcknowledgedAfterDays: maybe(integer),
      statedResolvedAfterDays: maybe(integer),
      escalations: integer,
      disputes: list(
        object({ dispute: text, by: text, contests: list(eventName), status: disputeStatus, relief: text }),
      ),
      determinations: list(
        object({
          milestone: text,
          shares,
          reasons: text,
          evidence: list(eventName),
          event: eventName,
          counts: flag,
        }),
      ),
      mitigations: list(
        object({
          event: eventName,
          ...reported,
          plan: text,
          recoversDays: integer,
          carriedOutBy: text,
          proposedAt: instant,
          acceptedAt: maybe(instant),
        }),
      ),
    }),
  ),
  disputes: list(
    object({
      dispute: text,
      ...reported,
      claim: text,
      relief: text,
      contests: list(eventName),
      status: disputeStatus,
      openedAt: instant,
      answers: list(object({ ...reported, position: text, answeredAt: instant, event: eventName })),
      evidence: list(
        object({
          evidence: text,
          ...reported,
          title: text,
          mediaType: text,
          sha256: text,
          uri: textOrNull,
          submittedAt: instant,
          status: { type: 'string', enum: ['submitted', 'withdrawn'] },
        }),
      ),
      decisions: list(
        object({
          by: text,
          decision: text,
          determinations: maybe(list(anyObject)),
          decidedAt: instant,
          event: eventName,
        }),
      ),
      withdrawnAt: maybe(instant),
    }),
  ),
};

const DISCREPANCIES = {
  discrepancies: list(
    object({
      discrepancy: text,
      kind: text,
      shipment: textOrNull,
      line: textOrNull,
      quantity: maybe(quantity),
      value: maybe(money),
      detail: text,
      ...reported,
      raisedAt: instant,
      status: { type: 'string', enum: ['withdrawn', 'closed', 'answered', 'open'] },
      receivedOn: maybe(day),
      raisedAfterDays: maybe(integer),
      raisedLate: maybe(flag),
      answers: list(object({ ...reported, answer: text, remedy: text, answeredAt: instant, event: eventName })),
      answeredAfterDays: maybe(integer),
      outcome: textOrNull,
      closedAt: maybe(instant),
      closedAfterDays: maybe(integer),
      event: eventName,
    }),
  ),
};

const QUALITY = {
  lines: list(
    object({
      line: text,
      standard: textOrNull,
      accepted: quantity,
      covered: maybe(quantity),
      uncovered: maybe(quantity),
      coveredBy: list(object({ standard: text, quantity })),
      firstChecks: integer,
      firstPassed: integer,
      firstPassYield: textOrNull,
    }),
  ),
  checks: list(
    object({
      check: text,
      line: text,
      kind: text,
      standard: text,
      quantity,
      result: text,
      sampleSize: maybe(integer),
      characteristics: maybe(list(anyObject)),
      serials: maybe(list(text)),
      lot: textOrNull,
      certificate: textOrNull,
      ...happened,
      withdrawn: flag,
    }),
  ),
  nonconformances: list(
    object({
      nonconformance: text,
      line: text,
      check: textOrNull,
      quantity,
      defect: text,
      severity: text,
      ...reported,
      raisedAt: instant,
      status: { type: 'string', enum: ['withdrawn', 'dispositioned', 'open'] },
      dispositions: list(
        object({ disposition: text, approvedBy: text, ...reported, dispositionedAt: instant, event: eventName }),
      ),
      event: eventName,
    }),
  ),
  ...DISCREPANCIES,
};

const SHIPMENTS = {
  shipments: list(
    object({
      shipment: textOrNull,
      withdrawn: flag,
      carrier: textOrNull,
      mode: textOrNull,
      from: textOrNull,
      to: textOrNull,
      eta: maybe(instant),
      status: textOrNull,
      location: textOrNull,
      dispatchedOn: maybe(day),
      receivedOn: maybe(day),
      lines: list(
        object({
          line: text,
          shipped: quantity,
          received: quantity,
          acceptedAtOrigin: quantity,
          acceptedAtDestination: quantity,
          revoked: quantity,
          accepted: quantity,
          rejected: quantity,
        }),
      ),
      dispatches: list(
        object({ ...happened, carrier: text, mode: text, from: text, to: text, eta: instant, items, withdrawn: flag }),
      ),
      movements: list(object({ ...happened, location: text, status: text, eta: maybe(instant) })),
      receipts: list(object({ ...happened, location: text, items })),
      acceptances: list(
        object({ by: text, time: instant, recordedtime: instant, acceptancePoint: text, items, event: eventName }),
      ),
      rejections: list(object({ ...happened, reason: text, revokes: flag, items })),
    }),
  ),
};

const PAYMENTS = {
  currency: text,
  paid: money,
  deliveredValue: money,
  undeliveredValue: money,
  exposure: money,
  billed: money,
  deliveredOn: maybe(day),
  settledOn: maybe(day),
  settlementDueOn: maybe(day),
  settlementOverdue: flag,
  unsettled: flag,
  finalAmount: maybe(money),
  refund: maybe(money),
  lines: list(
    object({
      line: text,
      billedQuantity: quantity,
      billedAmount: money,
      received: quantity,
      accepted: quantity,
      acceptedValue: money,
      cancelled: flag,
    }),
  ),
  payments: list(object({ payment: text, amount: money, kind: text, ...happened, counts: flag, withdrawn: flag })),
  statements: list(
    object({
      statement: text,
      amount: money,
      itemsAmount: maybe(money),
      items,
      ...happened,
      status: { type: 'string', enum: ['withdrawn', 'matched', 'differs', 'unmatched'] },
      matches: list(
        object({
          comparedBy: text,
          shipment: textOrNull,
          differences: list(object({ field: text, statement: text, receipt: text })),
          ...reported,
          recordedtime: instant,
          event: eventName,
        }),
      ),
    }),
  ),
  settlements: list(
    object({
      side: { type: 'string', enum: ['buyer', 'seller'] },
      by: text,
      finalAmount: money,
      refund: money,
      time: instant,
      recordedtime: instant,
      counts: flag,
      event: eventName,
    }),
  ),
};

const OBLIGATIONS = {
  reports: list(
    object({
      line: textOrNull,
      milestone: textOrNull,
      party: text,
      owed: flag,
      reportEveryDays: integer,
      owedSince: maybe(day),
      lastReportOn: maybe(day),
      nextDueOn: maybe(day),
      overdue: flag,
      overdueSince: maybe(day),
      missed: list(object({ dueOn: day, noticedAt: instant, event: eventName })),
    }),
  ),
  delays: list(
    object({
      delay: text,
      step: { type: 'string', enum: ['acknowledge', 'resolve'] },
      by: list(text),
      dueOn: day,
      done: flag,
      overdue: flag,
      escalations: list(object({ level: integer, overdueSince: day, noticedAt: instant, event: eventName })),
    }),
  ),
};

export const partsPaths: ApiPaths = {
  '/contracts/{id}/accountability': {
    get: one(
      'getAccountability',
      'Who is accountable for which days',
      'What adjudicators determined, what reporters alleged or left unexplained (never mixed), each delay, each dispute.',
      object({ ...SHOWN, ...ACCOUNTABILITY }),
    ),
  },
  '/contracts/{id}/quality': {
    get: one(
      'getQuality',
      'What was checked, and what did not conform',
      'How much of each line is covered by passed checks of its standard; checks; nonconformances and what became of them.',
      object({ ...SHOWN, ...QUALITY }),
    ),
  },
  '/contracts/{id}/shipments': {
    get: one(
      'getShipments',
      'What left, where it is, what arrived and was accepted',
      'By shipment and line. Of several reports the one of the role that counts first counts; all are listed.',
      object({ ...SHOWN, ...SHIPMENTS }),
    ),
  },
  '/contracts/{id}/discrepancies': {
    get: one(
      'getDiscrepancies',
      'Its discrepancy reports',
      'How late each was raised after the first receipt, what was answered, and how long that took.',
      object({ ...SHOWN, ...DISCREPANCIES }),
    ),
  },
  '/contracts/{id}/payments': {
    get: one(
      'getPayments',
      'What was paid, billed, compared and settled',
      'Sums are in the currency of the contract; payments in others are listed and do not count.',
      object({ ...SHOWN, ...PAYMENTS }),
    ),
  },
  '/contracts/{id}/obligations': {
    get: one(
      'getObligations',
      'Which reports and answers are owed, and which were missed',
      'What the ledger itself noticed stays noticed, whatever is reported later.',
      object({ ...SHOWN, ...OBLIGATIONS }),
    ),
  },
};
