/** Where each contract stands: one row a contract, with its lines, parties and flags. */
import { dayNumber, dayOf } from '../../src/contract/calendar.js';
import type { ContractModel, LineFacts, Touched } from '../../src/contract/model.js';
import { minorUnits, quantityData } from '../../src/contract/money.js';
import { overdueReports, reportStates } from '../../src/contract/obligations.js';
import { deliveredSince, deliveredValue, exposureOf, settledOn } from '../../src/contract/payment.js';
import { reportsTouched } from '../../src/contract/reporting.js';
import { milestoneDates } from '../../src/contract/schedule-arithmetic.js';
import { acceptedOf, dueBy, inForce, type LineInForce } from '../../src/contract/terms-in-force.js';
import { flag, type Projection, type Row, type RowSink, type TableDefinition } from '../projection.js';

export const contractTable: TableDefinition = {
  name: 'contract_status',
  columns: {
    contract: { type: 'text' },
    title: { type: 'text' },
    reference: { type: 'text' },
    programme: { type: 'text' },
    buyer: { type: 'text' },
    seller: { type: 'text' },
    signed_on: { type: 'text' },
    value: { type: 'json' },
    currency: { type: 'text' },
    /** Minor units, padded with zeros so that they sort as text. */
    value_minor: { type: 'text' },
    delivered_minor: { type: 'text' },
    undelivered_minor: { type: 'text' },
    paid_minor: { type: 'text' },
    exposure_minor: { type: 'text' },
    /** The day from which every line's quantity has stood accepted. */
    delivered_day: { type: 'integer', nullable: true },
    settled_on: { type: 'text', nullable: true },
    settlement_due_day: { type: 'integer', nullable: true },
    closed_day: { type: 'integer', nullable: true },
    /** Milestones that are not cancelled, and those of them not reached. */
    milestones: { type: 'integer' },
    open_milestones: { type: 'integer' },
    /** An open milestone is expected after its agreed date, whatever the day. */
    at_risk: { type: 'integer' },
    open_delays: { type: 'integer' },
    open_criticals: { type: 'integer' },
    overdue_reports: { type: 'integer' },
    // Days (since 1970-01-01) of which a day asked about makes slip and lateness: the larger of the floor and
    // day - since. See the folder's README.
    slip_floor: { type: 'integer', nullable: true },
    slip_since: { type: 'integer', nullable: true },
    late_floor: { type: 'integer', nullable: true },
    late_since: { type: 'integer', nullable: true },
    delivery_late_floor: { type: 'integer', nullable: true },
    delivery_late_since: { type: 'integer', nullable: true },
    last_report_on: { type: 'text', nullable: true },
    revision: { type: 'integer' },
    /** What `q` looks in: id, title, reference and programme in lower case. */
    search: { type: 'text' },
  },
  key: ['contract'],
  indexes: [['programme'], ['signed_on', 'contract'], ['title', 'contract']],
};

/** What only the answer about one contract shows: apart, so that lists and sums read little. */
export const detailTable: TableDefinition = {
  name: 'contract_status_detail',
  columns: {
    contract: { type: 'text' },
    terms: { type: 'json' },
    parties: { type: 'json' },
    registered_by: { type: 'text' },
    confirmed_by: { type: 'json' },
    confirmed_at: { type: 'text', nullable: true },
    contested_at: { type: 'text', nullable: true },
    corrected_by_id: { type: 'text', nullable: true },
    corrected_by_source: { type: 'text', nullable: true },
    corrected_at: { type: 'text', nullable: true },
  },
  key: ['contract'],
};

export const partyTable: TableDefinition = {
  name: 'contract_status_party',
  columns: { contract: { type: 'text' }, party: { type: 'text' } },
  key: ['contract', 'party'],
  indexes: [['party', 'contract']],
};

export const lineTable: TableDefinition = {
  name: 'contract_status_line',
  columns: {
    contract: { type: 'text' },
    line: { type: 'text' },
    seq: { type: 'integer' },
    description: { type: 'text' },
    quantity: { type: 'json' },
    unit: { type: 'text' },
    unit_value: { type: 'json' },
    responsible: { type: 'text' },
    standard: { type: 'text', nullable: true },
    cancelled: { type: 'integer' },
    stage: { type: 'text', nullable: true },
    percent: { type: 'json' },
    units_completed: { type: 'json' },
    shipped: { type: 'json' },
    received: { type: 'json' },
    accepted: { type: 'json' },
    rejected: { type: 'json' },
    last_report_on: { type: 'text', nullable: true },
    last_report_by: { type: 'text', nullable: true },
    overdue_since: { type: 'text', nullable: true },
  },
  key: ['contract', 'line'],
};

export const flagTable: TableDefinition = {
  name: 'contract_status_flag',
  columns: {
    contract: { type: 'text' },
    revision: { type: 'integer' },
    code: { type: 'text' },
    event_id: { type: 'text' },
    event_source: { type: 'text' },
    detail: { type: 'text' },
  },
  key: ['contract', 'revision', 'code'],
};

/** Digits of a sum of minor units as it is kept: more than any sum has. */
export const MINOR_DIGITS = 40;
export const paddedMinor = (minor: bigint): string => minor.toString().padStart(MINOR_DIGITS, '0');

interface Latest {
  floor: number | null;
  since: number | null;
}

/** One milestone's part in the largest of something over all: fixed once reached, growing with the day until then. */
function widen(latest: Latest, from: number, actual: string | undefined, standing: string): void {
  const fixed = dayNumber(actual ?? standing) - from;
  if (latest.floor === null || fixed > latest.floor) latest.floor = fixed;
  if (actual === undefined && (latest.since === null || from < latest.since)) latest.since = from;
}

function milestoneColumns(facts: ContractModel) {
  const slip: Latest = { floor: null, since: null };
  const late: Latest = { floor: null, since: null };
  const deliveryLate: Latest = { floor: null, since: null };
  let milestones = 0;
  let open = 0;
  let atRisk = false;
  for (const milestone of inForce(facts).milestones.values()) {
    if (milestone.cancelledOn !== undefined) continue;
    const { baseline, agreed, standing, actual } = milestoneDates(facts, milestone.milestone);
    milestones += 1;
    if (actual === undefined) {
      open += 1;
      atRisk ||= standing > agreed;
    }
    widen(slip, dayNumber(baseline), actual, standing);
    widen(late, dayNumber(agreed), actual, standing);
    if (milestone.kind === 'delivery') widen(deliveryLate, dayNumber(agreed), actual, standing);
  }
  return {
    milestones,
    open_milestones: open,
    at_risk: flag(atRisk),
    slip_floor: slip.floor,
    slip_since: slip.since,
    late_floor: late.floor,
    late_since: late.since,
    delivery_late_floor: deliveryLate.floor,
    delivery_late_since: deliveryLate.since,
  };
}

/**
 * The row of a contract, which lists and sums are made of.
 * @throws RangeError where it has not been registered
 */
export function contractRow(facts: ContractModel): Row {
  const { registration, contract } = facts;
  if (registration === undefined) throw new RangeError(`contract ${contract} has not been registered`);
  const terms = inForce(facts);
  const { delivered, undelivered } = deliveredValue(facts);
  const since = deliveredSince(facts);
  let openDelays = 0;
  for (const delay of facts.delays.values()) if (!delay.withdrawn && delay.resolved === undefined) openDelays += 1;
  const { title, reference, programme } = registration;
  return {
    contract,
    title,
    reference,
    programme,
    buyer: facts.holder('buyer') ?? '',
    seller: facts.holder('seller') ?? '',
    signed_on: registration.signedOn,
    value: JSON.stringify(terms.value),
    currency: terms.value.currency,
    value_minor: paddedMinor(minorUnits(terms.value)),
    delivered_minor: paddedMinor(delivered),
    undelivered_minor: paddedMinor(undelivered),
    paid_minor: paddedMinor(facts.paid),
    exposure_minor: paddedMinor(exposureOf(facts.paid, delivered, facts.settled !== undefined)),
    delivered_day: since === undefined ? null : dayNumber(since),
    settled_on: settledOn(facts) ?? null,
    settlement_due_day: since === undefined ? null : dayNumber(dueBy(facts, since, 'settleWithinDays')),
    closed_day: facts.closed === undefined ? null : dayNumber(dayOf(facts.closed.time)),
    ...milestoneColumns(facts),
    open_delays: openDelays,
    open_criticals: facts.criticalOpen.size,
    overdue_reports: overdueReports(facts).length,
    last_report_on: facts.lastReport === undefined ? null : dayOf(facts.lastReport.recordedtime),
    revision: facts.revision,
    search: `${contract}\n${title}\n${reference}\n${programme}`.toLowerCase(),
  };
}

function detailRow(facts: ContractModel): Row {
  const correctedBy = facts.registration?.correctedBy;
  return {
    contract: facts.contract,
    terms: JSON.stringify(inForce(facts).terms),
    parties: JSON.stringify(facts.parties),
    registered_by: facts.registration?.by ?? '',
    confirmed_by: JSON.stringify([...facts.confirmations.keys()]),
    confirmed_at: facts.confirmedAt ?? null,
    contested_at: facts.contested?.recordedtime ?? null,
    corrected_by_id: correctedBy?.id ?? null,
    corrected_by_source: correctedBy?.source ?? null,
    corrected_at: correctedBy?.recordedtime ?? null,
  };
}

const carried = (of: LineFacts['shipped'] | undefined): string => JSON.stringify(quantityData(of?.total ?? 0n));

/** The earliest due day of a report of the line that was missed and not made up for, by any party. */
function overdueSince(facts: ContractModel, line: string): string | null {
  if (!facts.noticed.has(line)) return null;
  const since = reportStates(facts, line).flatMap((state) => state.overdueSince ?? []);
  return since.sort()[0] ?? null;
}

function lineRow(facts: ContractModel, terms: LineInForce, seq: number): Row {
  const line = facts.lines.get(terms.line);
  const { production, lastReport } = line ?? {};
  return {
    contract: facts.contract,
    line: terms.line,
    seq,
    description: terms.description,
    quantity: JSON.stringify(terms.quantityData),
    unit: terms.unit,
    unit_value: JSON.stringify(terms.unitValue),
    responsible: terms.responsible,
    standard: terms.standard,
    cancelled: flag(terms.cancelledOn !== undefined),
    stage: production?.stage ?? null,
    percent: JSON.stringify(production?.percent ?? null),
    units_completed: JSON.stringify(production?.unitsCompleted ?? null),
    shipped: carried(line?.shipped),
    received: carried(line?.received),
    accepted: JSON.stringify(quantityData(acceptedOf(facts, terms.line))),
    rejected: JSON.stringify(quantityData(line?.rejected ?? 0n)),
    last_report_on: lastReport === undefined ? null : dayOf(lastReport.recordedtime),
    last_report_by: lastReport?.by ?? null,
    overdue_since: overdueSince(facts, terms.line),
  };
}

const NONE: ReadonlySet<string> = new Set();

export const contractStatus: Projection = {
  name: 'contract-status',
  version: 10,
  tables: [contractTable, detailTable, partyTable, lineTable, flagTable],
  evolve(facts: ContractModel, touched: Touched, rows: RowSink): void {
    rows.put(contractTable, contractRow(facts));
    if (touched.all || touched.parties || touched.registration) rows.put(detailTable, detailRow(facts));
    if (touched.all || touched.parties)
      for (const party of facts.partiesEver) rows.put(partyTable, { contract: facts.contract, party });
    // Who reports on a milestone of a line may have missed a report of it.
    const reports = facts.noticed.size > 0 ? reportsTouched(facts, touched) : NONE;
    let seq = 0;
    for (const terms of inForce(facts).lines.values()) {
      if (touched.all || touched.lines.has(terms.line) || reports.has(terms.line))
        rows.put(lineTable, lineRow(facts, terms, seq));
      seq += 1;
    }
    for (const { revision, code, event, detail } of touched.flagged.values())
      rows.put(flagTable, {
        contract: facts.contract,
        revision,
        code,
        event_id: event.id,
        event_source: event.source,
        detail,
      });
    for (const { revision, code } of touched.unflagged.values())
      rows.remove(flagTable, { contract: facts.contract, revision, code });
  },
};
