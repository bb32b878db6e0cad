/** `/contracts/{id}/quality`, from the rows of `quality`. */
import { ratio } from '../../src/contract/money.js';
import { reportOn, type ReportFacts } from '../../src/contract/discrepancy.js';
import { json, ordered, rowsOf, text, type ContractRows } from '../projection.js';
import {
  nonconformanceTable,
  qualityCheckTable,
  qualityContractTable,
  qualityDiscrepancyTable,
  qualityLineTable,
  type CheckRow,
  type NonconformanceRow,
  type QualityLineRow,
} from './quality.js';

/** The answer without `asOf`, `on` and `position`; `undefined` where there is no such contract. */
export function qualityView(rows: ContractRows, day: string) {
  if (rowsOf(rows, qualityContractTable).length === 0) return undefined;
  return {
    lines: ordered(rowsOf(rows, qualityLineTable), 'seq').map((row) => {
      const facts = json<QualityLineRow>(row, 'facts');
      return { line: text(row, 'line'), ...facts, firstPassYield: ratio(facts.firstPassed, facts.firstChecks, 4) };
    }),
    checks: ordered(rowsOf(rows, qualityCheckTable), 'seq').map((row) => ({
      check: text(row, 'check'),
      ...json<CheckRow>(row, 'facts'),
    })),
    nonconformances: ordered(rowsOf(rows, nonconformanceTable), 'seq').map((row) => ({
      nonconformance: text(row, 'nonconformance'),
      ...json<NonconformanceRow>(row, 'facts'),
    })),
    discrepancies: ordered(rowsOf(rows, qualityDiscrepancyTable), 'seq').map((row) =>
      reportOn(json<ReportFacts>(row, 'facts'), day),
    ),
  };
}
