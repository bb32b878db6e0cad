/** What was shipped, received and accepted of each line, and what it comes to in money. */
import {
  closedOn,
  currencyOf,
  done,
  lastHolds,
  lines,
  registrationOf,
  sideOf,
  spokeAs,
  valueInForce,
  yearsAfter,
  type Line,
  type Asked,
} from './terms.js';
import {
  byTime,
  dayOf,
  earlier,
  firstByTime,
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
    const ofRole = facts.filter((fact) => spokeAs(book, fact, role));
    const found = ofRole.find(isOwn) ?? ofRole[0];
    if (found !== undefined) return found;
  }
  return facts.find(isOwn) ?? facts[0];
}

export const DISPATCHERS: readonly Role[] = ['prime', 'subcontractor', 'carrier'];
export const RECEIVERS: readonly Role[] = ['buyer', 'inspector'];

/** The first receipt of some; of those by whoever speaks for the buyer, where there are such. */
export function firstReceipt(book: Book, receipts: readonly Fact[]): Fact | undefined {
  const counting = receipts.filter((fact) => RECEIVERS.some((role) => spokeAs(book, fact, role)));
  return firstByTime(counting.length > 0 ? counting : receipts);
}

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

export const deliveries = (book: Book): Fact[] => said(book, 'DeliveryAccepted', 'DeliveryRejected');

/** What exceeds its quantity is not counted. */
export const accepted = (book: Book, line: Line): bigint =>
  smaller(acceptedInAll(deliveries(book), line.line), line.quantity);

/** From when something was asked for, what was asked on each day, and how long that goes on changing. */
export interface Wanted {
  readonly from: string;
  readonly until: string | undefined;
  readonly changedOn: readonly string[];
  readonly askedOn: (day: string) => Asked;
  /** All that bear on it. */
  readonly lines: readonly Line[];
  /** The day on which it was reached, where that is said and not delivered. */
  readonly reached: string | undefined;
}

/** Whether what was asked for on a day has come about with these deliveries, by another day. */
function isComplete(wanted: Wanted, day: string, facts: readonly Fact[], by: string): boolean {
  const asked = wanted.askedOn(day);
  if (asked.kind !== 'delivery') return wanted.reached !== undefined && wanted.reached <= by;
  const then = wanted.lines.filter(({ introducedOn }) => introducedOn <= day);
  const these = then.filter(({ line, cancelledOn }) =>
    asked.line === null ? cancelledOn === undefined || cancelledOn > day : line === asked.line,
  );
  return (
    these.length > 0 &&
    these.every(({ line, cancelledOn, quantityOn }) => {
      const most = quantityOn(cancelledOn === undefined ? day : earlier(day, cancelledOn));
      return smaller(acceptedInAll(facts, line), most) >= (asked.quantity ?? most);
    })
  );
}

/**
 * The day from which it has been complete without a break, by what was asked for on each day, and not before what is asked for now
 * had come about. Within a day deliveries come first, each by what was asked for until then, and what was agreed comes last.
 */
export function completeSince(book: Book, wanted: Wanted): string | undefined {
  const isOver = (day: string): boolean => wanted.until !== undefined && day > wanted.until;
  const inOrder = deliveries(book)
    .filter((fact) => !isOver(timeDay(fact)))
    .toSorted(byTime);
  const start = registrationOf(book)!.data['signedOn'] as string;
  const changes = [...new Set([...wanted.changedOn, ...wanted.lines.flatMap(daysOfLine)])]
    .filter((day) => day > wanted.from && !isOver(day))
    .toSorted();
  const reached = wanted.reached === undefined || isOver(wanted.reached) ? [] : [wanted.reached];
  const days = [...new Set([...changes, ...inOrder.map(timeDay), ...reached])];
  const walk = (askedBy: (day: string) => string, agreements: readonly string[]): string | undefined => {
    let since = isComplete(wanted, askedBy(''), [], '') ? start : undefined;
    const look = (day: string, asked: string, count: number): void => {
      if (!isComplete(wanted, asked, inOrder.slice(0, count), day)) since = undefined;
      else since ??= day;
    };
    for (const day of days.toSorted()) {
      const atBeginning = since;
      const before = inOrder.filter((fact) => timeDay(fact) < day).length;
      const through = inOrder.filter((fact) => timeDay(fact) <= day).length;
      for (let count = before + 1; count <= through; count += 1) look(day, askedBy(day), count);
      if (day === wanted.reached) look(day, askedBy(day), through);
      if (!agreements.includes(day)) continue;
      look(day, day, through);
      // It was complete before the day of the change, and is after it.
      if (since !== undefined) since = atBeginning ?? since;
    }
    return since;
  };
  const last = changes.at(-1) ?? wanted.from;
  const now = walk(() => last, []);
  const all = walk((day) => changes.findLast((change) => change < day) ?? wanted.from, changes);
  return now && all && later(now, all);
}

const daysOfLine = ({ changedOn, introducedOn, cancelledOn }: Line): readonly string[] => [
  ...changedOn,
  introducedOn,
  ...(cancelledOn === undefined ? [] : [cancelledOn]),
];

/** The day from which every line's quantity has stood accepted, but of cancelled lines. */
export const deliveredOn = once((book: Book): string | undefined =>
  completeSince(book, {
    from: '',
    until: undefined,
    changedOn: [],
    askedOn: () => ({ kind: 'delivery', line: null, quantity: undefined }),
    lines: lines(book),
    reached: undefined,
  }),
);

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
