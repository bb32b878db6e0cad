/** `/contracts/{id}/payments`, from the rows of `payments`. */
import { json, ordered, rowsOf, text, type ContractRows } from '../projection.js';
import {
  paymentsContractTable,
  paymentsLineTable,
  paymentTable,
  settlementTable,
  statementTable,
  type PaymentRow,
  type PaymentsLineRow,
  type PaymentsRow,
  type SettlementRow,
  type StatementRow,
} from './payments.js';

/** The answer without `asOf`, `on` and `position`; `undefined` where there is no such contract. */
export function paymentsView(rows: ContractRows, day: string) {
  const row = rowsOf(rows, paymentsContractTable)[0];
  if (row === undefined) return undefined;
  const facts = json<PaymentsRow>(row, 'facts');
  const { deliveredOn, settlementDueOn } = facts;
  const settled = facts.settledOn !== null;
  const delivered = deliveredOn !== null && deliveredOn <= day;
  const overdue = facts.overdueFrom !== null && facts.overdueFrom < day;
  return {
    currency: facts.currency,
    paid: facts.paid,
    deliveredValue: facts.deliveredValue,
    undeliveredValue: facts.undeliveredValue,
    exposure: facts.exposure,
    billed: facts.billed,
    deliveredOn,
    settledOn: facts.settledOn,
    settlementDueOn,
    settlementOverdue: settlementDueOn !== null && !settled && day > settlementDueOn,
    unsettled: facts.isPaid && !settled && (overdue || delivered),
    finalAmount: facts.finalAmount,
    refund: facts.refund,
    lines: ordered(rowsOf(rows, paymentsLineTable), 'seq').map((line) => ({
      line: text(line, 'line'),
      ...json<PaymentsLineRow>(line, 'facts'),
    })),
    payments: ordered(rowsOf(rows, paymentTable), 'seq').map((entry) => ({
      payment: text(entry, 'payment'),
      ...json<PaymentRow>(entry, 'facts'),
    })),
    statements: ordered(rowsOf(rows, statementTable), 'seq').map((entry) => ({
      statement: text(entry, 'statement'),
      ...json<StatementRow>(entry, 'facts'),
    })),
    settlements: ordered(rowsOf(rows, settlementTable), 'revision').map((entry) => json<SettlementRow>(entry, 'facts')),
  };
}
