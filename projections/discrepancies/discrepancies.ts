/** Discrepancy reports with their answers. */
import type { ContractModel, Touched } from '../../src/contract/model.js';
import { reportFacts } from '../../src/contract/discrepancy.js';
import { listTable, putListed, touchedOf, type Projection, type RowSink, type TableDefinition } from '../projection.js';

export const discrepanciesContractTable: TableDefinition = {
  name: 'discrepancies_contract',
  columns: { contract: { type: 'text' } },
  key: ['contract'],
};

export const discrepancyTable = listTable('discrepancies_report', 'discrepancy');

export const discrepancies: Projection = {
  name: 'discrepancies',
  version: 5,
  tables: [discrepanciesContractTable, discrepancyTable],
  evolve(facts: ContractModel, touched: Touched, rows: RowSink): void {
    const { contract } = facts;
    if (touched.all) rows.put(discrepanciesContractTable, { contract });
    for (const [id, report] of touchedOf(touched, 'discrepancy', facts.discrepancies))
      putListed(rows, discrepancyTable, {
        contract,
        id,
        seq: report.raised.revision,
        facts: reportFacts(facts, report),
      });
  },
};
