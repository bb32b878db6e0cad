/** Discrepancy reports with their answers. */
import type { ContractModel, Touched } from '../../src/contract/model.js';
import type { DiscrepancyFacts } from '../../src/contract/discrepancy.js';
import { inForce } from '../../src/contract/terms-in-force.js';
import { nameOf, reportedBy, type Projection, type RowSink, type TableDefinition } from '../projection.js';

export const discrepanciesContractTable: TableDefinition = {
  name: 'discrepancies_contract',
  columns: { contract: { type: 'text' }, within_days: { type: 'integer' } },
  key: ['contract'],
};

export const discrepancyTable: TableDefinition = {
  name: 'discrepancies_report',
  columns: {
    contract: { type: 'text' },
    discrepancy: { type: 'text' },
    seq: { type: 'integer' },
    facts: { type: 'json' },
  },
  key: ['contract', 'discrepancy'],
};

function discrepancyFacts(facts: ContractModel, { raised, answers, closing }: DiscrepancyFacts) {
  const { kind, shipment, line, quantity, value, detail } = raised.data;
  return {
    kind,
    shipment: shipment ?? null,
    line: line ?? null,
    quantity: quantity ?? null,
    value: value ?? null,
    detail,
    ...reportedBy(raised),
    raisedAt: raised.recordedtime,
    withdrawn: raised.withdrawn,
    receivedOn: shipment === undefined ? null : (facts.shipments.get(shipment)?.receivedOn ?? null),
    answers: answers.map((answer) => ({
      ...reportedBy(answer),
      answer: answer.data.answer,
      remedy: answer.data.remedy,
      answeredAt: answer.recordedtime,
      event: nameOf(answer),
    })),
    closing: closing === undefined ? null : { outcome: closing.outcome, recordedtime: closing.recordedtime },
    event: nameOf(raised),
  };
}
export type DiscrepancyRow = ReturnType<typeof discrepancyFacts>;

export const discrepancies: Projection = {
  name: 'discrepancies',
  version: 1,
  tables: [discrepanciesContractTable, discrepancyTable],
  evolve(facts: ContractModel, touched: Touched, rows: RowSink): void {
    const { contract } = facts;
    if (touched.all)
      rows.put(discrepanciesContractTable, { contract, within_days: inForce(facts).terms.discrepancyWithinDays });
    for (const name of touched.changed.get('discrepancy') ?? []) {
      const found = facts.discrepancies.get(name);
      if (found === undefined) continue;
      const row = JSON.stringify(discrepancyFacts(facts, found));
      rows.put(discrepancyTable, { contract, discrepancy: name, seq: found.raised.revision, facts: row });
    }
  },
};
