/** The dates of each milestone, and everything that moved them. */
import type { AmendmentFacts, ContractModel, ForecastFacts, Touched } from '../../src/contract/model.js';
import { forecastCounts, milestoneDates } from '../../src/contract/schedule-arithmetic.js';
import { inForce, type MilestoneInForce, type Redating } from '../../src/contract/terms-in-force.js';
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

export const redatingTable: TableDefinition = {
  name: 'schedule_redating',
  columns: {
    contract: { type: 'text' },
    milestone: { type: 'text' },
    revision: { type: 'integer' },
    amendment: { type: 'text' },
    event_id: { type: 'text' },
    event_source: { type: 'text' },
    by: { type: 'text' },
    side: { type: 'text' },
    on_behalf_of: { type: 'text', nullable: true },
    time: { type: 'text' },
    recordedtime: { type: 'text' },
    to: { type: 'text' },
    consulted: { type: 'json' },
    rationale: { type: 'text' },
    agreed_at: { type: 'text', nullable: true },
    refused_at: { type: 'text', nullable: true },
  },
  key: ['contract', 'milestone', 'revision'],
  indexes: [['recordedtime', 'contract', 'revision', 'milestone']],
};

export const forecastTable: TableDefinition = {
  name: 'schedule_forecast',
  columns: {
    contract: { type: 'text' },
    milestone: { type: 'text' },
    revision: { type: 'integer' },
    event_id: { type: 'text' },
    event_source: { type: 'text' },
    by: { type: 'text' },
    on_behalf_of: { type: 'text', nullable: true },
    time: { type: 'text' },
    recordedtime: { type: 'text' },
    to: { type: 'text' },
    delay: { type: 'text', nullable: true },
    /** Whether it moves the milestone's forecast, or is listed only. */
    counts: { type: 'integer' },
  },
  key: ['contract', 'milestone', 'revision'],
  indexes: [['recordedtime', 'contract', 'revision', 'milestone']],
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

function redatingRow(contract: string, milestone: string, { to, amendment }: Redating): Row {
  const { time, revision, by, side, onBehalfOf, recordedtime, data, agreement, refusedAt }: AmendmentFacts = amendment;
  return {
    contract,
    milestone,
    revision,
    amendment: amendment.amendment,
    event_id: amendment.event.id,
    event_source: amendment.event.source,
    by,
    side,
    on_behalf_of: onBehalfOf ?? null,
    time,
    recordedtime,
    to,
    consulted: JSON.stringify(data.consulted),
    rationale: data.rationale,
    agreed_at: agreement?.recordedtime ?? null,
    refused_at: refusedAt ?? null,
  };
}

function forecastRow(facts: ContractModel, milestone: string, forecast: ForecastFacts): Row {
  const responsible = inForce(facts).milestones.get(milestone)?.responsible ?? '';
  return {
    contract: facts.contract,
    milestone,
    revision: forecast.revision,
    event_id: forecast.event.id,
    event_source: forecast.event.source,
    by: forecast.by,
    on_behalf_of: forecast.onBehalfOf ?? null,
    time: forecast.time,
    recordedtime: forecast.recordedtime,
    to: forecast.to,
    delay: forecast.delay ?? null,
    counts: flag(forecastCounts(forecast, responsible)),
  };
}

export const schedule: Projection = {
  name: 'schedule',
  version: 3,
  tables: [scheduleContractTable, milestoneTable, redatingTable, forecastTable],
  evolve(facts: ContractModel, touched: Touched, rows: RowSink): void {
    if (touched.all || touched.parties)
      rows.put(scheduleContractTable, {
        contract: facts.contract,
        programme: facts.registration?.programme ?? '',
        buyer: facts.holder('buyer') ?? '',
        seller: facts.holder('seller') ?? '',
      });
    if (!touched.all && touched.milestones.size === 0) return;
    const { milestones, redatings } = inForce(facts);
    let seq = 0;
    for (const milestone of milestones.values()) {
      if (touched.all || touched.milestones.has(milestone.milestone))
        rows.put(milestoneTable, milestoneRow(facts, milestone, seq));
      seq += 1;
    }
    if (!touched.all) {
      for (const { milestone, forecast } of touched.forecasts)
        rows.put(forecastTable, forecastRow(facts, milestone, forecast));
      return;
    }
    // Terms changed: who is responsible may be another, and re-datings may have become agreed.
    for (const [milestone, list] of redatings)
      for (const redating of list) rows.put(redatingTable, redatingRow(facts.contract, milestone, redating));
    for (const [milestone, { forecasts }] of facts.milestones)
      for (const forecast of forecasts) rows.put(forecastTable, forecastRow(facts, milestone, forecast));
  },
};
