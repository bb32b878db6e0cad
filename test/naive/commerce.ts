/** What was on its way, what was found wrong with it, what was paid and billed for it. */
import { isUnsettled, settlementDueOn, settlementOverdue } from './contract.js';
import {
  accepted,
  acceptanceIn,
  account,
  countsAsPaid,
  deliveredOn,
  DISPATCHERS,
  firstReceipt,
  itemsOf,
  leftOf,
  quantityIn,
  received,
  receivedOf,
  settlement,
  shipmentOf,
  shippedOf,
  thatCounts,
} from './delivery.js';
import {
  daysBetween,
  ever,
  firstByTime,
  lastByTime,
  minorUnits,
  nameOf,
  openedId,
  orNull,
  quantityOf,
  recordedDay,
  reference,
  said,
  shownMoney,
  shownQuantity,
  sum,
  timeDay,
  worth,
  type Book,
  type Data,
  type Fact,
  type Money,
} from './record.js';
import { done, lines, dueBy, sideOf } from './terms.js';

const common = (fact: Fact) => ({
  by: fact.reporter,
  onBehalfOf: orNull(fact.onBehalfOf),
  time: fact.time,
  recordedtime: fact.recordedtime,
});

function shipmentAnswer(book: Book, shipment: string | null) {
  const here = (...types: readonly string[]): Fact[] =>
    said(book, ...types).filter((fact) => shipmentOf(fact) === shipment);
  const dispatches = here('ShipmentDispatched');
  const movements = here('ShipmentMoved');
  const receipts = here('ShipmentReceived');
  const acceptances = here('DeliveryAccepted');
  const rejections = here('DeliveryRejected');
  const counting = thatCounts(book, dispatches, DISPATCHERS);
  const first = firstByTime(dispatches);
  const received = firstReceipt(book, receipts);
  const moved = lastByTime(movements);
  const allDispatches = ever(book, 'ShipmentDispatched').filter((fact) => shipmentOf(fact) === shipment);
  const named = new Set(
    [...dispatches, ...receipts, ...acceptances, ...rejections]
      .toSorted((a, b) => a.revision - b.revision)
      .flatMap(itemsOf)
      .map((item) => item['line'] as string),
  );
  return {
    shipment,
    withdrawn: shipment !== null && allDispatches.every((fact) => fact.withdrawn),
    carrier: orNull(counting?.data['carrier'] as string | undefined),
    mode: orNull(counting?.data['mode'] as string | undefined),
    from: orNull(counting?.data['from'] as string | undefined),
    to: orNull(counting?.data['to'] as string | undefined),
    eta: orNull(
      (lastByTime(movements.filter(({ data }) => data['eta'] !== undefined)) ?? counting)?.data['eta'] as
        string | undefined,
    ),
    status: orNull(moved?.data['status'] as string | undefined),
    location: orNull(moved?.data['location'] as string | undefined),
    dispatchedOn: first === undefined ? null : timeDay(first),
    receivedOn: received === undefined ? null : timeDay(received),
    lines: [...named].sort().map((line) => {
      const acceptance = acceptanceIn([...acceptances, ...rejections], shipment, line);
      return {
        line,
        shipped: shownQuantity(shippedOf(book, shipment, line)),
        received: shownQuantity(receivedOf(book, shipment, line)),
        acceptedAtOrigin: shownQuantity(acceptance.atOrigin),
        acceptedAtDestination: shownQuantity(acceptance.atDestination),
        revoked: shownQuantity(acceptance.revoked),
        accepted: shownQuantity(leftOf(acceptance)),
        rejected: shownQuantity(quantityIn(rejections, line)),
      };
    }),
    dispatches: allDispatches.map((fact) => ({
      ...common(fact),
      carrier: fact.data['carrier'] as string,
      mode: fact.data['mode'] as string,
      from: fact.data['from'] as string,
      to: fact.data['to'] as string,
      eta: fact.data['eta'] as string,
      items: itemsOf(fact),
      event: nameOf(fact),
      withdrawn: fact.withdrawn,
    })),
    movements: movements.map((fact) => ({
      ...common(fact),
      location: fact.data['location'] as string,
      status: fact.data['status'] as string,
      eta: orNull(fact.data['eta'] as string | undefined),
      event: nameOf(fact),
    })),
    receipts: receipts.map((fact) => ({
      ...common(fact),
      location: fact.data['location'] as string,
      items: itemsOf(fact),
      event: nameOf(fact),
    })),
    // An acceptance is never recorded for somebody else.
    acceptances: acceptances.map((fact) => ({
      by: fact.reporter,
      time: fact.time,
      recordedtime: fact.recordedtime,
      acceptancePoint: fact.data['acceptancePoint'] as string,
      items: itemsOf(fact),
      event: nameOf(fact),
    })),
    rejections: rejections.map((fact) => ({
      ...common(fact),
      reason: fact.data['reason'] as string,
      revokes: fact.data['revokes'] === true,
      items: itemsOf(fact),
      event: nameOf(fact),
    })),
  };
}

export function shipments(book: Book) {
  const dispatched = new Set(ever(book, 'ShipmentDispatched').map(shipmentOf));
  const ofNone = said(book, 'DeliveryAccepted', 'DeliveryRejected').some((fact) => shipmentOf(fact) === null);
  return { shipments: [...dispatched, ...(ofNone ? [null] : [])].map((shipment) => shipmentAnswer(book, shipment)) };
}

const answersTo = (book: Book, report: Fact): Fact[] =>
  said(book, 'DiscrepancyAnswered').filter((fact) => reference(fact, 'discrepancy') === openedId(report));

export function discrepancy(book: Book, report: Fact) {
  const answers = answersTo(book, report);
  const closing = said(book, 'DiscrepancyClosed').find((fact) => reference(fact, 'discrepancy') === openedId(report));
  const shipment = reference(report, 'shipment');
  const receipt =
    shipment === undefined
      ? undefined
      : firstReceipt(
          book,
          said(book, 'ShipmentReceived').filter((fact) => shipmentOf(fact) === shipment),
        );
  const raisedAfterDays = receipt === undefined ? null : daysBetween(timeDay(receipt), recordedDay(report));
  const daysTo = (day: string): number => daysBetween(recordedDay(report), day);
  const open = !report.withdrawn && closing === undefined;
  return {
    discrepancy: openedId(report),
    kind: report.data['kind'] as string,
    shipment: orNull(shipment),
    line: orNull(report.data['line'] as string | undefined),
    quantity: report.data['quantity'] === undefined ? null : shownQuantity(quantityOf(report.data['quantity'])),
    value: orNull(report.data['value'] as Money | undefined),
    detail: report.data['detail'] as string,
    by: report.reporter,
    onBehalfOf: orNull(report.onBehalfOf),
    raisedAt: report.recordedtime,
    status: report.withdrawn
      ? 'withdrawn'
      : closing !== undefined
        ? 'closed'
        : answers.length > 0
          ? 'answered'
          : 'open',
    receivedOn: receipt === undefined ? null : timeDay(receipt),
    raisedAfterDays,
    raisedLate:
      receipt === undefined ? null : recordedDay(report) > dueBy(book, timeDay(receipt), 'discrepancyWithinDays'),
    answers: answers.map((fact) => ({
      by: fact.reporter,
      onBehalfOf: orNull(fact.onBehalfOf),
      answer: fact.data['answer'] as string,
      remedy: orNull(fact.data['remedy'] as string | undefined),
      answeredAt: fact.recordedtime,
      event: nameOf(fact),
    })),
    answeredAfterDays: answers.length > 0 ? daysTo(recordedDay(answers[0]!)) : open ? daysTo(book.day) : null,
    outcome: orNull(closing?.data['outcome'] as string | undefined),
    closedAt: orNull(closing?.recordedtime),
    closedAfterDays: closing !== undefined ? daysTo(recordedDay(closing)) : open ? daysTo(book.day) : null,
    event: nameOf(report),
  };
}

export const discrepancyReports = (book: Book): Fact[] => ever(book, 'DiscrepancyRaised');
/** Whose answer to it was recorded first. */
export const firstAnswerBy = (book: Book, report: Fact): string | undefined => answersTo(book, report)[0]?.party;
export const discrepancies = (book: Book) => ({
  discrepancies: discrepancyReports(book).map((report) => discrepancy(book, report)),
});

function statementAnswer(book: Book, statement: Fact) {
  const amount = statement.data['amount'] as Money;
  const amounts = itemsOf(statement).map((item) => item['amount'] as Money);
  const matches = said(book, 'StatementMatched').filter((fact) => reference(fact, 'statement') === openedId(statement));
  const last = lastByTime(matches);
  return {
    statement: openedId(statement),
    amount,
    itemsAmount: amounts.every(({ currency }) => currency === amount.currency)
      ? shownMoney(sum(amounts.map(minorUnits)), amount.currency)
      : null,
    items: itemsOf(statement),
    ...common(statement),
    status: statement.withdrawn
      ? 'withdrawn'
      : last === undefined
        ? 'unmatched'
        : (last.data['differences'] as readonly object[]).length === 0
          ? 'matched'
          : 'differs',
    matches: matches.map((fact) => ({
      comparedBy: fact.data['comparedBy'] as string,
      shipment: shipmentOf(fact),
      differences: fact.data['differences'] as readonly object[],
      by: fact.reporter,
      onBehalfOf: orNull(fact.onBehalfOf),
      recordedtime: fact.recordedtime,
      event: nameOf(fact),
    })),
    event: nameOf(statement),
  };
}

export function payments(book: Book) {
  const { currency, paid, delivered, undelivered, exposure, settledOn } = account(book);
  const statements = said(book, 'StatementIssued');
  const settled = settlement(book);
  const inCurrency = (amounts: readonly Money[]): Money =>
    shownMoney(sum(amounts.filter((amount) => amount.currency === currency).map(minorUnits)), currency);
  return {
    currency,
    paid: shownMoney(paid, currency),
    deliveredValue: shownMoney(delivered, currency),
    undeliveredValue: shownMoney(undelivered, currency),
    exposure: shownMoney(exposure, currency),
    billed: inCurrency(statements.map(({ data }) => data['amount'] as Money)),
    deliveredOn: orNull(deliveredOn(book)),
    settledOn: orNull(settledOn),
    settlementDueOn: orNull(settlementDueOn(book)),
    settlementOverdue: settlementOverdue(book),
    unsettled: isUnsettled(book),
    finalAmount: orNull(settled?.facts[0].data['finalAmount'] as Money | undefined),
    refund: orNull(settled?.facts[0].data['refund'] as Money | undefined),
    lines: lines(book).map((line) => {
      const items = statements.flatMap(itemsOf).filter((item: Data) => item['line'] === line.line);
      return {
        line: line.line,
        billedQuantity: shownQuantity(sum(items.map((item) => quantityOf(item['quantity'])))),
        billedAmount: inCurrency(items.map((item) => item['amount'] as Money)),
        received: shownQuantity(received(book, line.line)),
        accepted: shownQuantity(accepted(book, line)),
        acceptedValue: shownMoney(worth(accepted(book, line), line.unitValue), currency),
        cancelled: line.cancelled,
      };
    }),
    payments: ever(book, 'PaymentMade').map((payment) => ({
      payment: openedId(payment),
      amount: payment.data['amount'] as Money,
      kind: payment.data['kind'] as string,
      ...common(payment),
      counts: countsAsPaid(book, payment),
      event: nameOf(payment),
      withdrawn: payment.withdrawn,
    })),
    statements: ever(book, 'StatementIssued').map((statement) => statementAnswer(book, statement)),
    settlements: done(book, 'AccountSettled').map((fact) => ({
      side: sideOf(book, fact.party)!,
      by: fact.party,
      finalAmount: fact.data['finalAmount'] as Money,
      refund: fact.data['refund'] as Money,
      time: fact.time,
      recordedtime: fact.recordedtime,
      counts: settled?.facts.includes(fact) === true,
      event: nameOf(fact),
    })),
  };
}
