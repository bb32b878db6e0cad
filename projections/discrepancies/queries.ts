/** `/contracts/{id}/discrepancies`, from the rows of `discrepancies`. */
import { dayOf, daysBetween } from '../../src/contract/calendar.js';
import { integer, json, ordered, rowsOf, text, type ContractRows } from '../projection.js';
import { discrepanciesContractTable, discrepancyTable, type DiscrepancyRow } from './discrepancies.js';

/** The answer without `asOf`, `on` and `position`; `undefined` where there is no such contract. */
export function discrepanciesView(rows: ContractRows, day: string) {
  const contract = rowsOf(rows, discrepanciesContractTable)[0];
  if (contract === undefined) return undefined;
  const within = integer(contract, 'within_days');
  return {
    discrepancies: ordered(rowsOf(rows, discrepancyTable), 'seq').map((row) =>
      reportView(text(row, 'discrepancy'), json<DiscrepancyRow>(row, 'facts'), within, day),
    ),
  };
}

function reportView(discrepancy: string, facts: DiscrepancyRow, within: number, day: string) {
  const { withdrawn, closing, answers, receivedOn } = facts;
  const raisedOn = dayOf(facts.raisedAt);
  const raisedAfterDays = receivedOn === null ? null : daysBetween(receivedOn, raisedOn);
  // What waits for an answer, or to be closed, waits to the day asked about.
  const waits = withdrawn ? null : daysBetween(raisedOn, day);
  const until = (instant: string | undefined, waiting: number | null) =>
    instant === undefined ? waiting : daysBetween(raisedOn, dayOf(instant));
  return {
    discrepancy,
    kind: facts.kind,
    shipment: facts.shipment,
    line: facts.line,
    quantity: facts.quantity,
    value: facts.value,
    detail: facts.detail,
    by: facts.by,
    onBehalfOf: facts.onBehalfOf,
    raisedAt: facts.raisedAt,
    status: withdrawn ? 'withdrawn' : closing !== null ? 'closed' : answers.length > 0 ? 'answered' : 'open',
    receivedOn,
    raisedAfterDays,
    raisedLate: raisedAfterDays === null ? null : raisedAfterDays > within,
    answers,
    answeredAfterDays: until(answers[0]?.answeredAt, closing === null ? waits : null),
    outcome: closing?.outcome ?? null,
    closedAt: closing?.recordedtime ?? null,
    closedAfterDays: until(closing?.recordedtime, waits),
    event: facts.event,
  };
}
