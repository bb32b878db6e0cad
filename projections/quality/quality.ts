/** What was checked of each line, and what did not conform. */
import type { ContractModel, Touched } from '../../src/contract/model.js';
import { reportFacts } from '../../src/contract/discrepancy.js';
import { nameOf, reportedBy } from '../../src/contract/event-type.js';
import { coverageOf, type CheckFacts, type NonconformanceFacts } from '../../src/contract/quality.js';
import { inForce } from '../../src/contract/terms-in-force.js';
import {
  changedOf,
  listTable,
  putListed,
  touchedOf,
  type Projection,
  type RowSink,
  type TableDefinition,
} from '../projection.js';

export const qualityContractTable: TableDefinition = {
  name: 'quality_contract',
  columns: { contract: { type: 'text' } },
  key: ['contract'],
};

export const qualityDiscrepancyTable = listTable('quality_discrepancy', 'discrepancy');

export const qualityLineTable = listTable('quality_line', 'line');

export const qualityCheckTable = listTable('quality_check', 'check');

export const nonconformanceTable = listTable('quality_nonconformance', 'nonconformance');

function lineFacts(facts: ContractModel, line: string) {
  const { accepted, covered, uncovered, coveredBy } = coverageOf(facts, line);
  const { firstChecks = 0, firstPassed = 0 } = facts.lines.get(line)?.quality ?? {};
  return {
    standard: inForce(facts).lines.get(line)?.standard ?? null,
    accepted,
    covered,
    uncovered,
    coveredBy,
    firstChecks,
    firstPassed,
  };
}
export type QualityLineRow = ReturnType<typeof lineFacts>;

function checkFacts(check: CheckFacts) {
  const { line, kind, standard, quantity, result, ...optional } = check.data;
  return {
    line,
    kind,
    standard,
    quantity,
    result,
    sampleSize: optional.sampleSize ?? null,
    characteristics: optional.characteristics ?? null,
    serials: optional.serials ?? null,
    lot: optional.lot ?? null,
    certificate: optional.certificate ?? null,
    ...reportedBy(check),
    time: check.time,
    recordedtime: check.recordedtime,
    event: nameOf(check),
    withdrawn: check.withdrawn,
  };
}
export type CheckRow = ReturnType<typeof checkFacts>;

function nonconformanceFacts({ raised, check, dispositions }: NonconformanceFacts) {
  const { line, quantity, defect, severity } = raised.data;
  return {
    line,
    check: check ?? null,
    quantity,
    defect,
    severity,
    ...reportedBy(raised),
    raisedAt: raised.recordedtime,
    status: raised.withdrawn ? 'withdrawn' : dispositions.length > 0 ? 'dispositioned' : 'open',
    dispositions: dispositions.map((entry) => ({
      disposition: entry.disposition,
      approvedBy: entry.approvedBy,
      by: entry.by,
      onBehalfOf: entry.onBehalfOf ?? null,
      dispositionedAt: entry.recordedtime,
      event: entry.event,
    })),
    event: nameOf(raised),
  };
}
export type NonconformanceRow = ReturnType<typeof nonconformanceFacts>;

export const quality: Projection = {
  name: 'quality',
  version: 3,
  tables: [qualityContractTable, qualityLineTable, qualityCheckTable, nonconformanceTable, qualityDiscrepancyTable],
  evolve(facts: ContractModel, touched: Touched, rows: RowSink): void {
    const { contract } = facts;
    if (touched.all) rows.put(qualityContractTable, { contract });
    let seq = 0;
    for (const line of inForce(facts).lines.keys()) {
      if (touched.all || touched.lines.has(line))
        putListed(rows, qualityLineTable, { contract, id: line, seq, facts: lineFacts(facts, line) });
      seq += 1;
    }
    for (const check of touched.said.checks)
      putListed(rows, qualityCheckTable, {
        contract,
        id: `${check.party}/${check.data.check}`,
        seq: check.revision,
        facts: checkFacts(check),
      });
    for (const [id, found] of changedOf(touched, 'nonconformance', facts.nonconformances))
      putListed(rows, nonconformanceTable, {
        contract,
        id,
        seq: found.raised.revision,
        facts: nonconformanceFacts(found),
      });
    for (const [id, report] of touchedOf(touched, 'discrepancy', facts.discrepancies))
      putListed(rows, qualityDiscrepancyTable, {
        contract,
        id,
        seq: report.raised.revision,
        facts: reportFacts(facts, report),
      });
  },
};
