/** The dates of each milestone, and everything that moved them. */
import type { CorrectedDate } from '../../src/contract/corrected-dates.js';
import type { ContractModel, Touched } from '../../src/contract/model.js';
import { milestoneDates, movesOf, type Move } from '../../src/contract/schedule-arithmetic.js';
import { inForce, type MilestoneInForce } from '../../src/contract/terms-in-force.js';
import { flag, type Projection, type Row, type RowSink, type TableDefinition } from '../projection.js';

export const scheduleContractTable: TableDefinition = {
  name: 'schedule_contract',
  columns: {
    contract: { type: 'text' },
    programme: { type: 'text' },
    buyer: { type: 'text' },
    seller: { type: 'text' },
  },
  key: ['contract'],
};

export const milestoneTable: TableDefinition = {
  name: 'schedule_milestone',
  columns: {
    contract: { type: 'text' },
    milestone: { type: 'text' },
    seq: { type: 'integer' },
    line: { type: 'text', nullable: true },
    kind: { type: 'text' },
    description: { type: 'text' },
    responsible: { type: 'text' },
    binding: { type: 'text' },
    cancelled: { type: 'integer' },
    baseline: { type: 'text' },
    agreed: { type: 'text' },
    imposed: { type: 'text', nullable: true },
    forecast: { type: 'text', nullable: true },
    standing: { type: 'text' },
    actual: { type: 'text', nullable: true },
    claimed: { type: 'text', nullable: true },
    /** From this day on the milestone's day stands still. */
    still_from: { type: 'text', nullable: true },
  },
  key: ['contract', 'milestone'],
};

/** What tables of moved dates have alike: which milestone, by what, who, and when. */
const MOVE_COLUMNS = {
  contract: { type: 'text' },
  milestone: { type: 'text' },
  revision: { type: 'integer' },
  event_id: { type: 'text' },
  event_source: { type: 'text' },
  by: { type: 'text' },
  time: { type: 'text' },
  recordedtime: { type: 'text' },
} as const;
const MOVE_KEY = ['contract', 'milestone', 'revision'];
/** The order in which the ledger heard of them. */
const HEARD = ['recordedtime', 'contract', 'revision', 'milestone'];

export const redatingTable: TableDefinition = {
  name: 'schedule_redating',
  columns: {
    ...MOVE_COLUMNS,
    amendment: { type: 'text' },
    on_behalf_of: { type: 'text', nullable: true },
    /** The standing date just before it. */
    from: { type: 'text' },
    to: { type: 'text' },
    /** Whether it moves a date. */
    moves: { type: 'integer' },
    consulted: { type: 'json' },
    rationale: { type: 'text' },
    agreed_at: { type: 'text', nullable: true },
    refused_at: { type: 'text', nullable: true },
  },
  key: MOVE_KEY,
  indexes: [HEARD, ['agreed_at']],
};

export const forecastTable: TableDefinition = {
  name: 'schedule_forecast',
  columns: {
    ...MOVE_COLUMNS,
    on_behalf_of: { type: 'text', nullable: true },
    /** The standing date just before it. */
    from: { type: 'text' },
    to: { type: 'text' },
    /** Whether it moves the standing date. */
    moves: { type: 'integer' },
    delay: { type: 'text', nullable: true },
    corrected_by_id: { type: 'text', nullable: true },
    corrected_by_source: { type: 'text', nullable: true },
    corrected_at: { type: 'text', nullable: true },
  },
  key: MOVE_KEY,
  indexes: [HEARD],
};

/** Dates that a correction changed, in whatever had stated them. */
export const correctionTable: TableDefinition = {
  name: 'schedule_correction',
  columns: {
    ...MOVE_COLUMNS,
    /** What was said of it before, and since; none where nothing was. */
    from: { type: 'text', nullable: true },
    to: { type: 'text', nullable: true },
    delay: { type: 'text', nullable: true },
    corrects_id: { type: 'text' },
    corrects_source: { type: 'text' },
  },
  key: MOVE_KEY,
  indexes: [HEARD],
};

function milestoneRow(facts: ContractModel, milestone: MilestoneInForce, seq: number): Row {
  const dates = milestoneDates(facts, milestone.milestone);
  return {
    contract: facts.contract,
    milestone: milestone.milestone,
    seq,
    line: milestone.line,
    kind: milestone.kind,
    description: milestone.description,
    responsible: milestone.responsible,
    binding: milestone.binding,
    cancelled: flag(milestone.cancelledOn !== undefined),
    baseline: dates.baseline,
    agreed: dates.agreed,
    imposed: dates.imposed ?? null,
    forecast: dates.forecast ?? null,
    standing: dates.standing,
    actual: dates.actual ?? null,
    claimed: dates.claimed ?? null,
    still_from: dates.stillFrom ?? null,
  };
}

const MOVE_TABLES = { redating: redatingTable, forecast: forecastTable } as const;

/** The row of what is in a milestone's timeline, in its table. */
export function moveRow(contract: string, milestone: string, { entry, from, moves }: Move): Row {
  const { time, revision, to } = entry;
  const { by, onBehalfOf, event, recordedtime } = entry.kind === 'redating' ? entry.redating.amendment : entry.forecast;
  const row = {
    contract,
    milestone,
    revision,
    event_id: event.id,
    event_source: event.source,
    by,
    on_behalf_of: onBehalfOf ?? null,
    time,
    recordedtime,
    from,
    to,
    moves: flag(moves),
  };
  if (entry.kind === 'forecast') {
    const { delay = null, correctedBy } = entry.forecast;
    return {
      ...row,
      delay,
      corrected_by_id: correctedBy?.id ?? null,
      corrected_by_source: correctedBy?.source ?? null,
      corrected_at: correctedBy?.recordedtime ?? null,
    };
  }
  const { amendment, data, agreement, refusedAt } = entry.redating.amendment;
  return {
    ...row,
    amendment,
    consulted: JSON.stringify(data.consulted),
    rationale: data.rationale,
    agreed_at: agreement?.recordedtime ?? null,
    refused_at: refusedAt ?? null,
  };
}

/** The row of a date that was corrected. */
export function correctionRow(contract: string, corrected: CorrectedDate): Row {
  const { milestone, revision, event, by, time, recordedtime, corrects } = corrected;
  const { from = null, to = null, delay = null } = corrected;
  return {
    contract,
    milestone,
    revision,
    event_id: event.id,
    event_source: event.source,
    by,
    time,
    recordedtime,
    from,
    to,
    delay,
    corrects_id: corrects.id,
    corrects_source: corrects.source,
  };
}

/**
 * Puts what is in the timeline of a milestone, or only forecasts that came (by revision) and what is moved from elsewhere
 * since they are there: what comes after them, up to the next entry from which on they make no difference.
 */
function putMoves(facts: ContractModel, milestone: string, rows: RowSink, came?: ReadonlySet<number>): void {
  let differs = false;
  for (const move of movesOf(facts, milestone)) {
    const { entry } = move;
    const isNew = came === undefined || came.has(entry.revision);
    if (isNew || differs) rows.put(MOVE_TABLES[entry.kind], moveRow(facts.contract, milestone, move));
    if (entry.kind === 'redating' ? entry.agreed : entry.counts && !entry.secondHand) differs = isNew;
    else if (entry.kind === 'forecast' && entry.counts && isNew) differs = true;
  }
}

export const schedule: Projection = {
  name: 'schedule',
  version: 11,
  tables: [scheduleContractTable, milestoneTable, redatingTable, forecastTable, correctionTable],
  evolve(facts: ContractModel, touched: Touched, rows: RowSink): void {
    if (touched.all || touched.parties)
      rows.put(scheduleContractTable, {
        contract: facts.contract,
        programme: facts.registration?.programme ?? '',
        buyer: facts.holder('buyer') ?? '',
        seller: facts.holder('seller') ?? '',
      });
    for (const corrected of touched.said.correctedDates)
      rows.put(correctionTable, correctionRow(facts.contract, corrected));
    if (!touched.all && touched.milestones.size === 0) return;
    const { milestones } = inForce(facts);
    let seq = 0;
    for (const milestone of milestones.values()) {
      if (touched.all || touched.milestones.has(milestone.milestone))
        rows.put(milestoneTable, milestoneRow(facts, milestone, seq));
      seq += 1;
    }
    // Terms changed: who is responsible may be another, and re-datings may have become agreed.
    if (touched.all) for (const id of milestones.keys()) putMoves(facts, id, rows);
    else for (const [id, came] of touched.forecasts) if (milestones.has(id)) putMoves(facts, id, rows, came);
  },
};
