/** `/contracts/{id}/schedule`, from the rows of `schedule`. */
import { compareStands } from '../../src/contract/model.js';
import { daysBetween } from '../../src/contract/calendar.js';
import { datesOn } from '../../src/contract/schedule-arithmetic.js';
import {
  groupRows,
  integer,
  json,
  nameOrNull,
  ordered,
  rowsOf,
  text,
  textOrNull,
  type ContractRows,
  type Row,
} from '../projection.js';
import { forecastTable, milestoneTable, redatingTable, scheduleContractTable } from './schedule.js';

/** The answer without `asOf`, `on` and `position`; `undefined` where there is no such contract. */
export function scheduleView(rows: ContractRows, day: string) {
  if (rowsOf(rows, scheduleContractTable).length === 0) return undefined;
  const redatings = groupRows(rowsOf(rows, redatingTable), ofMilestone);
  const forecasts = groupRows(rowsOf(rows, forecastTable), ofMilestone);
  const milestones = ordered(rowsOf(rows, milestoneTable), 'seq');
  return {
    milestones: milestones.map((row) => {
      const milestone = ofMilestone(row);
      return milestoneView(row, redatings.get(milestone) ?? [], forecasts.get(milestone) ?? [], day);
    }),
  };
}

const ofMilestone = (row: Row): string => text(row, 'milestone');

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
    redatings: inOrder(redatings).map(listedRedating),
    forecasts: inOrder(forecasts).map(listedForecast),
  };
}

const stand = (row: Row) => ({ time: text(row, 'time'), revision: integer(row, 'revision') });
const inOrder = (rows: readonly Row[]): Row[] => [...rows].sort((a, b) => compareStands(stand(a), stand(b)));

const listedRedating = (row: Row) => ({
  amendment: text(row, 'amendment'),
  by: text(row, 'by'),
  onBehalfOf: textOrNull(row, 'on_behalf_of'),
  recordedtime: text(row, 'recordedtime'),
  from: text(row, 'from'),
  to: text(row, 'to'),
  days: daysBetween(text(row, 'from'), text(row, 'to')),
  consulted: json<string[]>(row, 'consulted'),
  rationale: text(row, 'rationale'),
  agreedAt: textOrNull(row, 'agreed_at'),
  refusedAt: textOrNull(row, 'refused_at'),
});

const listedForecast = (row: Row) => ({
  event: { id: text(row, 'event_id'), source: text(row, 'event_source') },
  by: text(row, 'by'),
  onBehalfOf: textOrNull(row, 'on_behalf_of'),
  recordedtime: text(row, 'recordedtime'),
  from: text(row, 'from'),
  to: text(row, 'to'),
  delay: textOrNull(row, 'delay'),
  correctedBy: nameOrNull(row, 'corrected_by'),
  correctedAt: textOrNull(row, 'corrected_at'),
});
