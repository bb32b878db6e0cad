/** `/contracts/{id}/discrepancies`, from the rows of `discrepancies`. */
import { reportOn, type ReportFacts } from '../../src/contract/discrepancy.js';
import { json, ordered, rowsOf, type ContractRows } from '../projection.js';
import { discrepanciesContractTable, discrepancyTable } from './discrepancies.js';

/** The answer without `asOf`, `on` and `position`; `undefined` where there is no such contract. */
export function discrepanciesView(rows: ContractRows, day: string) {
  if (rowsOf(rows, discrepanciesContractTable).length === 0) return undefined;
  return {
    discrepancies: ordered(rowsOf(rows, discrepancyTable), 'seq').map((row) =>
      reportOn(json<ReportFacts>(row, 'facts'), day),
    ),
  };
}
