/** Payments, statements and settlement of each contract, with what was delivered for them. */
import { nameOf, reportedBy } from '../../src/contract/event-type.js';
import type { ContractModel, Touched } from '../../src/contract/model.js';
import { minorUnits, moneyOf, quantityData, valueOf } from '../../src/contract/money.js';
import {
  currencyOf,
  deliveredSince,
  deliveredValue,
  exposureOf,
  settledOn,
  type PaymentFacts,
  type SettlementFacts,
  type StatementFacts,
} from '../../src/contract/payment.js';
import { overdueFrom } from '../../src/contract/schedule-arithmetic.js';
import { acceptedOf, dueBy, inForce, type LineInForce } from '../../src/contract/terms-in-force.js';
import { changedOf, listTable, putListed, type Projection, type RowSink, type TableDefinition } from '../projection.js';

export const paymentsContractTable: TableDefinition = {
  name: 'payments_contract',
  columns: {
    contract: { type: 'text' },
    /** `PaymentsRow`. */
    facts: { type: 'json' },
  },
  key: ['contract'],
};

export const paymentsLineTable = listTable('payments_line', 'line');
export const paymentTable = listTable('payments_payment', 'payment');
export const statementTable = listTable('payments_statement', 'statement');
export const settlementTable: TableDefinition = {
  name: 'payments_settlement',
  columns: { contract: { type: 'text' }, revision: { type: 'integer' }, facts: { type: 'json' } },
  key: ['contract', 'revision'],
};

function contractFacts(facts: ContractModel) {
  const currency = currencyOf(facts);
  const { delivered, undelivered } = deliveredValue(facts);
  const { settled } = facts;
  const since = deliveredSince(facts);
  return {
    currency,
    paid: moneyOf(facts.paid, currency),
    deliveredValue: moneyOf(delivered, currency),
    undeliveredValue: moneyOf(undelivered, currency),
    exposure: moneyOf(exposureOf(facts.paid, delivered, settled !== undefined), currency),
    billed: moneyOf(facts.billed, currency),
    isPaid: facts.paid > 0n,
    deliveredOn: since ?? null,
    settledOn: settledOn(facts) ?? null,
    settlementDueOn: since === undefined ? null : dueBy(facts, since, 'settleWithinDays'),
    /** The earliest agreed date of a delivery that is still to come. */
    overdueFrom: overdueFrom(facts) ?? null,
    finalAmount: settled?.first.finalAmount ?? null,
    refund: settled?.first.refund ?? null,
  };
}
export type PaymentsRow = ReturnType<typeof contractFacts>;

function lineFacts(facts: ContractModel, { line, unitValue, cancelledOn }: LineInForce) {
  const of = facts.lines.get(line);
  const accepted = acceptedOf(facts, line);
  const currency = currencyOf(facts);
  return {
    billedQuantity: quantityData(of?.billed?.quantity ?? 0n),
    billedAmount: moneyOf(of?.billed?.minor ?? 0n, currency),
    received: quantityData(of?.received.total ?? 0n),
    accepted: quantityData(accepted),
    acceptedValue: moneyOf(valueOf(accepted, minorUnits(unitValue)), currency),
    cancelled: cancelledOn !== undefined,
  };
}
export type PaymentsLineRow = ReturnType<typeof lineFacts>;

function paymentFacts({ event, counts }: PaymentFacts) {
  return {
    amount: event.data.amount,
    kind: event.data.kind,
    ...reportedBy(event),
    time: event.time,
    recordedtime: event.recordedtime,
    counts,
    event: nameOf(event),
    withdrawn: event.withdrawn,
  };
}
export type PaymentRow = ReturnType<typeof paymentFacts>;

function statementFacts({ issued, matches }: StatementFacts) {
  const { amount, items } = issued.data;
  const inOne = items.every((item) => item.amount.currency === amount.currency);
  const sum = items.reduce((total, item) => total + minorUnits(item.amount), 0n);
  const last = matches.at(-1);
  const compared = last === undefined ? 'unmatched' : last.data.differences.length === 0 ? 'matched' : 'differs';
  return {
    amount,
    itemsAmount: inOne ? moneyOf(sum, amount.currency) : null,
    items,
    ...reportedBy(issued),
    time: issued.time,
    recordedtime: issued.recordedtime,
    status: issued.withdrawn ? 'withdrawn' : compared,
    matches: [...matches]
      .sort((a, b) => a.revision - b.revision)
      .map((match) => ({
        comparedBy: match.data.comparedBy,
        shipment: match.data.shipment ?? null,
        differences: match.data.differences,
        ...reportedBy(match),
        recordedtime: match.recordedtime,
        event: nameOf(match),
      })),
    event: nameOf(issued),
  };
}
export type StatementRow = ReturnType<typeof statementFacts>;

function settlementFacts(facts: ContractModel, settlement: SettlementFacts) {
  const { side, by, finalAmount, refund, time, recordedtime, event } = settlement;
  const counts = facts.settled?.first === settlement || facts.settled?.second === settlement;
  return { side, by, finalAmount, refund, time, recordedtime, counts, event };
}
export type SettlementRow = ReturnType<typeof settlementFacts>;

export const payments: Projection = {
  name: 'payments',
  version: 6,
  tables: [paymentsContractTable, paymentsLineTable, paymentTable, statementTable, settlementTable],
  evolve(facts: ContractModel, touched: Touched, rows: RowSink): void {
    const { contract } = facts;
    const { said, changed } = touched;
    const lines = touched.all || touched.lines.size > 0;
    const settled = changed.get('settlement');
    const paidOrBilled = said.payments.length > 0 || changed.has('statement') || settled !== undefined;
    if (lines || touched.milestones.size > 0 || paidOrBilled)
      rows.put(paymentsContractTable, { contract, facts: JSON.stringify(contractFacts(facts)) });
    if (lines) {
      let seq = 0;
      for (const line of inForce(facts).lines.values()) {
        if (touched.all || touched.lines.has(line.line))
          putListed(rows, paymentsLineTable, { contract, id: line.line, seq, facts: lineFacts(facts, line) });
        seq += 1;
      }
    }
    for (const entry of said.payments)
      putListed(rows, paymentTable, {
        contract,
        id: entry.payment,
        seq: entry.event.revision,
        facts: paymentFacts(entry),
      });
    for (const [id, statement] of changedOf(touched, 'statement', facts.statements))
      putListed(rows, statementTable, {
        contract,
        id,
        seq: statement.issued.revision,
        facts: statementFacts(statement),
      });
    if (settled !== undefined)
      for (const settlement of facts.settlements)
        if (settled.has(String(settlement.revision)))
          rows.put(settlementTable, {
            contract,
            revision: settlement.revision,
            facts: JSON.stringify(settlementFacts(facts, settlement)),
          });
  },
};
