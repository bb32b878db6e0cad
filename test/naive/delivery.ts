/** What was shipped, received and accepted of each line, and what it comes to in money. */
import {
  closedOn,
  currencyOf,
  done,
  held,
  lastHolds,
  lines,
  registrationOf,
  sideOf,
  valueInForce,
  yearsAfter,
  type Line,
  type Asked,
} from './terms.js';
import {
  byTime,
  dayOf,
  larger,
  later,
  minorUnits,
  notBelowZero,
  once,
  quantityOf,
  reference,
  said,
  sameMoney,
  smaller,
  sum,
  timeDay,
  worth,
  type Book,
  type Data,
  type Fact,
} from './record.js';
import type { Role } from '../../src/contract/event-type.js';

export const itemsOf = (fact: Fact): readonly Data[] => (fact.data['items'] ?? []) as Data[];
export const named = (fact: Fact, line: string): boolean => itemsOf(fact).some((item) => item['line'] === line);
export const quantityIn = (facts: readonly Fact[], line: string): bigint =>
  sum(
    facts
      .flatMap(itemsOf)
      .filter((item) => item['line'] === line)
      .map((item) => quantityOf(item['quantity'])),
  );

export const shipmentOf = (fact: Fact): string | null => reference(fact, 'shipment') ?? null;
export const shipmentsIn = (facts: readonly Fact[]): (string | null)[] => [...new Set(facts.map(shipmentOf))];

/** Of several reports the one by the highest role, and within a role the first recorded, in person before on behalf. */
export function thatCounts(book: Book, facts: readonly Fact[], roles: readonly Role[]): Fact | undefined {
  const isOwn = ({ onBehalfOf }: Fact): boolean => onBehalfOf === undefined;
  for (const role of roles) {
    const ofRole = facts.filter((fact) => held(book, fact, role));
    const found = ofRole.find(isOwn) ?? ofRole[0];
    if (found !== undefined) return found;
  }
  return facts.find(isOwn) ?? facts[0];
}

export const DISPATCHERS: readonly Role[] = ['prime', 'subcontractor', 'carrier'];
export const RECEIVERS: readonly Role[] = ['buyer', 'inspector'];

/** Of one shipment and line, the quantity that one reporter states. */
function stated(book: Book, facts: readonly Fact[], line: string, roles: readonly Role[]): bigint {
  const counting = thatCounts(
    book,
    facts.filter((fact) => named(fact, line)),
    roles,
  );
  return counting === undefined ? 0n : quantityIn([counting], line);
}

const of = (facts: readonly Fact[], shipment: string | null): Fact[] =>
  facts.filter((fact) => shipmentOf(fact) === shipment);

export const shippedOf = (book: Book, shipment: string | null, line: string): bigint =>
  stated(book, of(said(book, 'ShipmentDispatched'), shipment), line, DISPATCHERS);
export const receivedOf = (book: Book, shipment: string | null, line: string): bigint =>
  stated(book, of(said(book, 'ShipmentReceived'), shipment), line, RECEIVERS);

/** What some dispatches, or some receipts, come to for a line. */
export const statedInAll = (book: Book, facts: readonly Fact[], line: string, roles: readonly Role[]): bigint =>
  sum(shipmentsIn(facts).map((shipment) => stated(book, of(facts, shipment), line, roles)));
export const shipped = (book: Book, line: string): bigint =>
  statedInAll(book, said(book, 'ShipmentDispatched'), line, DISPATCHERS);
export const received = (book: Book, line: string): bigint =>
  statedInAll(book, said(book, 'ShipmentReceived'), line, RECEIVERS);
export const rejected = (book: Book, line: string): bigint => quantityIn(said(book, 'DeliveryRejected'), line);

const revokes = (fact: Fact): boolean => fact.type === 'DeliveryRejected' && fact.data['revokes'] === true;

export interface Acceptance {
  readonly atOrigin: bigint;
  readonly atDestination: bigint;
  readonly revoked: bigint;
}

/** What some events say was accepted and revoked of a line in a shipment; null for none. */
export function acceptanceIn(facts: readonly Fact[], shipment: string | null, line: string): Acceptance {
  const here = of(facts, shipment);
  const at = (point: string): Fact[] =>
    here.filter(({ type, data }) => type === 'DeliveryAccepted' && data['acceptancePoint'] === point);
  return {
    atOrigin: quantityIn(at('origin'), line),
    atDestination: quantityIn(at('destination'), line),
    revoked: quantityIn(here.filter(revokes), line),
  };
}

export const leftOf = ({ atOrigin, atDestination, revoked }: Acceptance): bigint =>
  notBelowZero(larger(atOrigin, atDestination) - revoked);

/** What some events come to for a line, also what exceeds its quantity. */
export function acceptedInAll(facts: readonly Fact[], line: string): bigint {
  const shipments = shipmentsIn(facts).filter((shipment) => shipment !== null);
  const without = acceptanceIn(facts, null, line);
  const total =
    sum(shipments.map((shipment) => leftOf(acceptanceIn(facts, shipment, line)))) +
    larger(without.atOrigin, without.atDestination);
  // Revoked of no shipment, it is taken from all that was accepted of the line.
  return notBelowZero(total - without.revoked);
}

/** What exceeds its quantity is not counted. */
const acceptedAfter = (facts: readonly Fact[], line: Line): bigint =>
  smaller(acceptedInAll(facts, line.line), line.quantity);

export const deliveries = (book: Book): Fact[] => said(book, 'DeliveryAccepted', 'DeliveryRejected');

export const accepted = (book: Book, line: Line): bigint => acceptedAfter(deliveries(book), line);

/** The day from which at least a quantity of a line has stood accepted, counted from the start of the contract. */
export function acceptedSince(book: Book, line: Line, quantity: bigint): string | undefined {
  let since: string | undefined =
    acceptedAfter([], line) >= quantity ? (registrationOf(book)!.data['signedOn'] as string) : undefined;
  const inOrder = deliveries(book).toSorted(byTime);
  for (const [at, fact] of inOrder.entries()) {
    const enough = acceptedAfter(inOrder.slice(0, at + 1), line) >= quantity;
    if (!enough) since = undefined;
    else since ??= timeDay(fact);
  }
  return since;
}

/** The day from which all of these lines have; `undefined` also where there are none. */
export function allAcceptedSince(
  book: Book,
  these: readonly Line[],
  quantity: (line: Line) => bigint,
): string | undefined {
  const days = these.map((line) => acceptedSince(book, line, quantity(line)));
  return days.length === 0 || days.includes(undefined) ? undefined : (days as string[]).reduce(later);
}

const notCancelled = (book: Book): Line[] => lines(book).filter(({ cancelled }) => !cancelled);

/** The last day on which less was asked of a line, if what had been asked had not been accepted by then. */
export function relievedOn(book: Book, line: Line, less: readonly { readonly on: string; readonly had: bigint }[]) {
  const open = less.filter(({ on, had }) => {
    const byThen = deliveries(book).filter((fact) => timeDay(fact) <= on);
    return acceptedInAll(byThen, line.line) < had;
  });
  return open
    .map(({ on }) => on)
    .toSorted()
    .at(-1);
}

export const lowerings = (asked: readonly Asked[], { quantity }: Line): { on: string; had: bigint }[] =>
  asked.map(({ on, had = quantity, asks }) => ({ on, had, asks })).filter(({ had, asks }) => asks < had);

export const cancelling = ({ cancelledOn }: Line, had: bigint): { on: string; had: bigint }[] =>
  cancelledOn === undefined ? [] : [{ on: cancelledOn, had }];

/** From the day from which every line's quantity has stood accepted; not before less was agreed to be enough. */
export const deliveredOn = once((book: Book): string | undefined => {
  const stood = allAcceptedSince(book, notCancelled(book), ({ quantity }) => quantity);
  const relieved = lines(book).map((line) =>
    relievedOn(book, line, [...lowerings(line.asked, line), ...cancelling(line, line.quantity)]),
  );
  return stood && [stood, ...relieved.filter((day) => day !== undefined)].reduce(later);
});

export interface Settlement {
  readonly facts: readonly [Fact, Fact];
  /** The day from which the later of the two holds. */
  readonly on: string;
}

/** The first two that agree, one of each side. */
export function settlement(book: Book): Settlement | undefined {
  const statements = done(book, 'AccountSettled');
  for (const [at, second] of statements.entries()) {
    const first = statements
      .slice(0, at)
      .find(
        (each) =>
          sideOf(book, each.party) !== sideOf(book, second.party) &&
          sameMoney(each.data['finalAmount'], second.data['finalAmount']) &&
          sameMoney(each.data['refund'], second.data['refund']),
      );
    if (first !== undefined) return { facts: [first, second], on: dayOf(lastHolds(book, [first, second])) };
  }
  return undefined;
}

/** All in minor units of the contract's currency. */
export interface Account {
  readonly currency: string;
  readonly value: bigint;
  readonly paid: bigint;
  readonly delivered: bigint;
  readonly undelivered: bigint;
  readonly exposure: bigint;
  readonly settledOn: string | undefined;
  readonly deliveredUnsettled: boolean;
}

export const countsAsPaid = (book: Book, payment: Fact): boolean =>
  !payment.withdrawn && payment.data['amount'].currency === currencyOf(book);

export const account = once((book: Book): Account => {
  const paid = sum(
    said(book, 'PaymentMade')
      .filter((payment) => countsAsPaid(book, payment))
      .map(({ data }) => minorUnits(data['amount'])),
  );
  const delivered = sum(lines(book).map((line) => worth(accepted(book, line), line.unitValue)));
  // Of a cancelled line no more was to be delivered than was accepted.
  const total = sum(
    lines(book).map((line) => worth(line.cancelled ? accepted(book, line) : line.quantity, line.unitValue)),
  );
  const settled = settlement(book);
  const since = deliveredOn(book);
  return {
    currency: currencyOf(book),
    value: minorUnits(valueInForce(book)),
    paid,
    delivered,
    undelivered: total - delivered,
    exposure: settled === undefined ? notBelowZero(paid - delivered) : 0n,
    settledOn: settled?.on,
    deliveredUnsettled: settled === undefined && since !== undefined && since <= book.day,
  };
});

/** Older than so many years: for contracts with something undelivered that are not closed. */
export const isOver = (book: Book, years: number): boolean =>
  account(book).undelivered > 0n &&
  closedOn(book) === undefined &&
  book.day > yearsAfter(registrationOf(book)!.data['signedOn'], years);

export function ageYears(book: Book): number | null {
  if (account(book).undelivered <= 0n || closedOn(book) !== undefined) return null;
  let years = 0;
  while (isOver(book, years + 1)) years += 1;
  return years;
}
