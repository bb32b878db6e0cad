/** `/contracts/{id}/discrepancies`, from the rows of `discrepancies`. */
import { reportOn, type ReportFacts } from '../../src/contract/discrepancy.js';
import { integer, json, ordered, rowsOf, type ContractRows } from '../projection.js';
import { discrepanciesContractTable, discrepancyTable } from './discrepancies.js';

/** The answer without `asOf`, `on` and `position`; `undefined` where there is no such contract. */
export function discrepanciesView(rows: ContractRows, day: string) {
  const contract = rowsOf(rows, discrepanciesContractTable)[0];
  if (contract === undefined) return undefined;
  const within = integer(contract, 'within_days');
  return {
    discrepancies: ordered(rowsOf(rows, discrepancyTable), 'seq').map((row) =>
      reportOn(json<ReportFacts>(row, 'facts'), within, day),
    ),
  };
}
