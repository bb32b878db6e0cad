/** `/contracts/{id}/schedule`, from the rows of `schedule`. */
import { compareStands } from '../../src/contract/model.js';
import { daysBetween } from '../../src/contract/calendar.js';
import { datesOn, Timeline, type TimelineEntry } from '../../src/contract/schedule-arithmetic.js';
import { integer, json, rowsOf, text, textOrNull, type ContractRows, type Row } from '../projection.js';
import { forecastTable, milestoneTable, redatingTable, scheduleContractTable } from './schedule.js';

/** The answer without `asOf`, `on` and `position`; `undefined` where there is no such contract. */
export function scheduleView(rows: ContractRows, day: string) {
  if (rowsOf(rows, scheduleContractTable).length === 0) return undefined;
  const redatings = byMilestone(rowsOf(rows, redatingTable));
  const forecasts = byMilestone(rowsOf(rows, forecastTable));
  const milestones = [...rowsOf(rows, milestoneTable)].sort((a, b) => integer(a, 'seq') - integer(b, 'seq'));
  return {
    milestones: milestones.map((row) => {
      const milestone = text(row, 'milestone');
      return milestoneView(row, redatings.get(milestone) ?? [], forecasts.get(milestone) ?? [], day);
    }),
  };
}

function byMilestone(rows: readonly Row[]): Map<string, Row[]> {
  const found = new Map<string, Row[]>();
  for (const row of rows) {
    const of = found.get(text(row, 'milestone'));
    if (of === undefined) found.set(text(row, 'milestone'), [row]);
    else of.push(row);
  }
  return found;
}

function milestoneView(row: Row, redatings: readonly Row[], forecasts: readonly Row[], day: string) {
  const stored = {
    baseline: text(row, 'baseline'),
    agreed: text(row, 'agreed'),
    imposed: textOrNull(row, 'imposed'),
    forecast: textOrNull(row, 'forecast'),
    standing: text(row, 'standing'),
    actual: textOrNull(row, 'actual'),
    claimed: textOrNull(row, 'claimed'),
  };
  const onDay = datesOn({ ...stored, stillFrom: textOrNull(row, 'still_from') }, day);
  const moves = [...walk(stored.baseline, redatings, forecasts)];
  return {
    milestone: text(row, 'milestone'),
    line: textOrNull(row, 'line'),
    kind: text(row, 'kind'),
    description: text(row, 'description'),
    responsible: text(row, 'responsible'),
    binding: text(row, 'binding'),
    cancelled: integer(row, 'cancelled') === 1,
    ...stored,
    ...onDay,
    timesRedated: redatings.length,
    redatings: moves.flatMap(({ row: entry, kind, from }) =>
      kind === 'redating' ? [listedRedating(entry, from)] : [],
    ),
    forecasts: moves.flatMap(({ row: entry, kind, from }) =>
      kind === 'forecast' ? [listedForecast(entry, from)] : [],
    ),
  };
}

/** The entries of a timeline in order, each with the standing date just before it. */
export function* walk(baseline: string, redatings: readonly Row[], forecasts: readonly Row[]) {
  const entries = [
    ...redatings.map((row) => ({ row, entry: redatingEntry(row) })),
    ...forecasts.map((row) => ({ row, entry: forecastEntry(row) })),
  ].sort((a, b) => compareStands(a.entry, b.entry));
  const timeline = new Timeline(baseline);
  for (const { row, entry } of entries) {
    yield { row, kind: entry.kind, from: timeline.standing };
    timeline.add(entry);
  }
}

const stand = (row: Row) => ({ time: text(row, 'time'), revision: integer(row, 'revision'), to: text(row, 'to') });
const redatingEntry = (row: Row): TimelineEntry => ({
  ...stand(row),
  kind: 'redating',
  side: text(row, 'side') === 'buyer' ? 'buyer' : 'seller',
  agreed: textOrNull(row, 'agreed_at') !== null,
});
const forecastEntry = (row: Row): TimelineEntry => ({
  ...stand(row),
  kind: 'forecast',
  counts: integer(row, 'counts') === 1,
});

const listedRedating = (row: Row, from: string) => ({
  amendment: text(row, 'amendment'),
  by: text(row, 'by'),
  onBehalfOf: textOrNull(row, 'on_behalf_of'),
  recordedtime: text(row, 'recordedtime'),
  from,
  to: text(row, 'to'),
  days: daysBetween(from, text(row, 'to')),
  consulted: json<string[]>(row, 'consulted'),
  rationale: text(row, 'rationale'),
  agreedAt: textOrNull(row, 'agreed_at'),
  refusedAt: textOrNull(row, 'refused_at'),
});

const listedForecast = (row: Row, from: string) => ({
  event: { id: text(row, 'event_id'), source: text(row, 'event_source') },
  by: text(row, 'by'),
  onBehalfOf: textOrNull(row, 'on_behalf_of'),
  recordedtime: text(row, 'recordedtime'),
  from,
  to: text(row, 'to'),
  delay: textOrNull(row, 'delay'),
});
