/**
 * What is on record for a question: the events it selects, as corrections known by then left them, and small helpers for
 * days, quantities and money. Everything is worked out anew from the list for every question; nothing is kept.
 */
import currencyCodes from 'currency-codes';
import type { ContractEvent, EventName } from '../../src/contract/event-type.js';

export type Events = readonly ContractEvent<object>[];

export interface Question {
  /** An explicit day: leaves out events whose `time` falls after it, but never corrections. */
  readonly on?: string;
  /** The day asked about: `on`, else the day of `asOf`. */
  readonly day: string;
  /** Only events up to this revision: what was known by then. */
  readonly upToRevision?: number;
}

/** The data of any type of event, as the catalogue names its fields. */
export type Data = Readonly<Record<string, any>>;

/** An event as corrections left it. */
export interface Fact extends ContractEvent<Data> {
  /** Taken out by a correction: it says nothing any more, but what it opened stays known. */
  readonly withdrawn: boolean;
  /** The data as they were sent. */
  readonly sent: Data;
  /** The correction that decides what it is. */
  readonly correction: ContractEvent | undefined;
}

export interface Book {
  /** The explicit day: what happened after it is left out. */
  readonly on: string | undefined;
  readonly day: string;
  /** All that the question selects, in recorded order; also what is still held. */
  readonly selected: readonly Fact[];
  /** Of these, what takes effect: everything it names has been opened by some event in the list. */
  readonly facts: readonly Fact[];
  /** The revision of the last correction of the registration, -1 where there is none. */
  readonly registrationCorrectedAt: number;
  readonly lastRevision: number;
}

export const dayOf = (instant: string): string => instant.slice(0, 10);
export const recordedDay = (event: { readonly recordedtime: string }): string => dayOf(event.recordedtime);
export const timeDay = (event: { readonly time: string }): string => dayOf(event.time);

const DAY_MS = 86_400_000;
export const dayNumber = (day: string): number => Date.parse(`${day}T00:00:00Z`) / DAY_MS;
/** A date minus a date, in calendar days. */
export const daysBetween = (from: string, to: string): number => dayNumber(to) - dayNumber(from);
export const addDays = (day: string, days: number): string =>
  new Date((dayNumber(day) + days) * DAY_MS).toISOString().slice(0, 10);
export const later = (a: string, b: string): string => (a > b ? a : b);
export const earlier = (a: string, b: string): string => (a < b ? a : b);

/** One instant may be spelt in several ways; seconds and what is left of the fraction compare as text. */
export function instantKey(time: string): string {
  const [seconds = '', fraction = ''] = time.toUpperCase().replace('Z', '').split('.');
  return `${seconds}.${fraction.replace(/0+$/, '')}`;
}

/** By `time`, then by revision. */
export const byTime = (a: ContractEvent, b: ContractEvent): number =>
  byText(instantKey(a.time), instantKey(b.time)) || a.revision - b.revision;

export const byText = (a: string, b: string): number => (a === b ? 0 : a < b ? -1 : 1);
export const nullFirst = (a: string | null, b: string | null): number =>
  a === b ? 0 : a === null ? -1 : b === null ? 1 : byText(a, b);

export const lastByTime = <F extends ContractEvent>(facts: readonly F[]): F | undefined =>
  facts.toSorted(byTime).at(-1);
export const firstByTime = <F extends ContractEvent>(facts: readonly F[]): F | undefined => facts.toSorted(byTime)[0];

const OPENS: Readonly<Record<string, string>> = {
  ShipmentDispatched: 'shipment',
  QualityCheckRecorded: 'check',
  NonconformanceRaised: 'nonconformance',
  DelayReported: 'delay',
  DiscrepancyRaised: 'discrepancy',
  PaymentMade: 'payment',
  StatementIssued: 'statement',
  DisputeOpened: 'dispute',
  EvidenceSubmitted: 'evidence',
};

const MENTIONS: Readonly<Record<string, readonly string[]>> = {
  NonconformanceRaised: ['check'],
  NonconformanceDispositioned: ['nonconformance'],
  ShipmentMoved: ['shipment'],
  ShipmentReceived: ['shipment'],
  DeliveryAccepted: ['shipment'],
  DeliveryRejected: ['shipment'],
  DelayAcknowledged: ['delay'],
  MitigationProposed: ['delay'],
  MitigationAccepted: ['delay'],
  DelayResolved: ['delay'],
  DelayDetermined: ['delay'],
  DelayEscalated: ['delay'],
  DiscrepancyRaised: ['shipment'],
  DiscrepancyAnswered: ['discrepancy'],
  DiscrepancyClosed: ['discrepancy'],
  StatementMatched: ['statement', 'shipment'],
  DisputeAnswered: ['dispute'],
  DisputeWithdrawn: ['dispute'],
  EvidenceSubmitted: ['dispute'],
  DisputeDecided: ['dispute'],
};

/** `PARTY/ID` of what data names; a shipment's id belongs to nobody. */
export function refer(fact: Fact, kind: string, reference: string): string {
  return kind === 'shipment' || reference.includes('/') ? reference : `${fact.party}/${reference}`;
}

/** The same, of a field of its data; `undefined` where the field is left out. */
export function reference(fact: Fact, kind: string): string | undefined {
  const named = fact.data[kind] as string | undefined;
  return named === undefined ? undefined : refer(fact, kind, named);
}

/** What an event opened, as `PARTY/ID`. Only the event's party opens under its own name. */
export function openedId(fact: Fact): string {
  const kind = OPENS[fact.type]!;
  const id = fact.data[kind] as string;
  return kind === 'shipment' ? id : `${fact.party}/${id}`;
}

/** What an event opened, as {@link mentions} says it; `undefined` for what opens nothing. */
export const opening = (fact: Fact): string | undefined =>
  OPENS[fact.type] === undefined ? undefined : `${OPENS[fact.type]} ${openedId(fact)}`;

/** What it names that must have been opened. What was taken back says nothing, so it waits for nothing. */
export function mentions(fact: Fact): string[] {
  if (fact.withdrawn) return [];
  const found = (MENTIONS[fact.type] ?? []).flatMap((kind) => {
    const named = reference(fact, kind);
    return named === undefined ? [] : [`${kind} ${named}`];
  });
  if (fact.type === 'DisputeDecided')
    for (const { delay } of (fact.data['determinations'] ?? []) as Data[])
      found.push(`delay ${refer(fact, 'delay', delay)}`);
  return found;
}

/**
 * What is held has no effect, so it opens nothing either: what names something counts once that was opened by an event
 * which itself counts. An opener that was taken back has opened all the same.
 */
function takingEffect(selected: readonly Fact[]): Fact[] {
  const opened = new Set<string>();
  for (let before = -1; before !== opened.size;) {
    before = opened.size;
    for (const fact of selected) {
      const opens = opening(fact);
      if (opens !== undefined && mentions(fact).every((named) => opened.has(named))) opened.add(opens);
    }
  }
  return selected.filter((fact) => mentions(fact).every((named) => opened.has(named)));
}

/** What is shown of the correction that decides what an event is. */
export const correctionShown = ({ correction }: Fact) => ({
  correctedBy: correction === undefined ? null : nameOf(correction),
  correctedAt: orNull(correction?.recordedtime),
});

export const nameOf = (event: ContractEvent): Required<EventName> => ({ id: event.id, source: event.source });
/** A name in data: its source is by default that of the event that names it. */
export const resolved = (fact: Fact, name: EventName): Required<EventName> => ({
  id: name.id,
  source: name.source ?? fact.source,
});
export const isNamed = (name: Required<EventName>, event: Required<EventName>): boolean =>
  name.id === event.id && name.source === event.source;

export function bookOf(events: Events, { on, day, upToRevision }: Question): Book {
  const known = events.filter(({ revision }) => upToRevision === undefined || revision <= upToRevision);
  const corrections = known.filter(({ type }) => type === 'EventCorrected') as readonly ContractEvent<Data>[];
  const correctionOf = (event: ContractEvent): ContractEvent<Data> | undefined =>
    corrections.findLast(
      (correction) =>
        correction.data['event'].id === event.id &&
        (correction.data['event'].source ?? correction.source) === event.source,
    );
  const selected = known
    .filter((event) => on === undefined || event.type === 'EventCorrected' || timeDay(event) <= on)
    .map((event): Fact => {
      const correction = correctionOf(event);
      return {
        ...event,
        data: correction?.data['replacement'] ?? event.data,
        sent: event.data,
        correction,
        withdrawn: correction?.data['reason'] === 'did-not-occur',
      };
    });
  const registered = known.find(({ type }) => type === 'ContractRegistered');
  return {
    on,
    day,
    selected,
    facts: takingEffect(selected),
    registrationCorrectedAt: registered === undefined ? -1 : (correctionOf(registered)?.revision ?? -1),
    lastRevision: selected.at(-1)?.revision ?? -1,
  };
}

/** The same record gives the same answer, so it need not be worked out twice; nothing goes from one record to another. */
export function once<A>(answer: (book: Book) => A): (book: Book) => A {
  const known = new WeakMap<Book, { readonly is: A }>();
  return (book) => {
    const found = known.get(book) ?? { is: answer(book) };
    known.set(book, found);
    return found.is;
  };
}

const earlierBooks = once(() => new Map<number, Book>());

/** The same record as it stood after an event was recorded; what is known of corrections stays as it is in the question. */
export function until(book: Book, revision: number): Book {
  const found = earlierBooks(book).get(revision);
  if (found !== undefined) return found;
  const selected = book.selected.filter((fact) => fact.revision <= revision);
  const facts = takingEffect(selected);
  const then = { ...book, selected, facts, lastRevision: selected.at(-1)?.revision ?? -1 };
  earlierBooks(book).set(revision, then);
  return then;
}

/** What has been said and not taken back, in recorded order. */
export const said = (book: Book, ...types: readonly string[]): Fact[] =>
  book.facts.filter(({ type, withdrawn }) => types.includes(type) && !withdrawn);
/** The same, with what was taken back. */
export const ever = (book: Book, ...types: readonly string[]): Fact[] =>
  book.facts.filter(({ type }) => types.includes(type));

// Quantities are BigInt millionths, money BigInt minor units.

export type Quantity = number | string;
export interface Money {
  readonly amount: string;
  readonly currency: string;
}

const scaled = (decimal: Quantity, digits: number): bigint => {
  const [whole = '0', fraction = ''] = String(decimal).split('.');
  return BigInt(whole + fraction.padEnd(digits, '0').slice(0, digits));
};
const text = (value: bigint, digits: number): string => {
  const figures = (value < 0n ? -value : value).toString().padStart(digits + 1, '0');
  const [whole, fraction] = [figures.slice(0, figures.length - digits), figures.slice(figures.length - digits)];
  return `${value < 0n ? '-' : ''}${whole}${digits === 0 ? '' : `.${fraction}`}`;
};

const MILLION = 1_000_000n;
export const quantityOf = (quantity: Quantity): bigint => scaled(quantity, 6);
export const shownQuantity = (millionths: bigint): Quantity =>
  millionths % MILLION === 0n ? Number(millionths / MILLION) : text(millionths, 6).replace(/0+$/, '');

const digitsOf = (currency: string): number => currencyCodes.code(currency)!.digits;
export const minorUnits = (money: Money): bigint => scaled(money.amount, digitsOf(money.currency));
export const shownMoney = (minor: bigint, currency: string): Money => ({
  amount: text(minor, digitsOf(currency)),
  currency,
});
/** Quantity times unit value, rounded half up to the minor unit. */
export const worth = (quantity: bigint, unitValue: Money): bigint =>
  (quantity * minorUnits(unitValue) * 2n + MILLION) / (2n * MILLION);
export const sameMoney = (a: Money, b: Money): boolean => a.currency === b.currency && minorUnits(a) === minorUnits(b);

/** a / b as a decimal string, rounded half up. */
export function ratio(a: number, b: number, digits: number): string | null {
  if (b === 0) return null;
  const [over, under] = [2n * BigInt(a) * 10n ** BigInt(digits) + BigInt(b), 2n * BigInt(b)];
  const whole = over / under;
  // BigInt division cuts towards zero; half up goes down from there for negative numbers.
  return text(over < 0n && over % under !== 0n ? whole - 1n : whole, digits);
}

export const sum = (values: readonly bigint[]): bigint => values.reduce((total, value) => total + value, 0n);
export const notBelowZero = (value: bigint): bigint => (value < 0n ? 0n : value);
export const larger = (a: bigint, b: bigint): bigint => (a > b ? a : b);
export const smaller = (a: bigint, b: bigint): bigint => (a < b ? a : b);
export const orNull = <T>(value: T | undefined): T | null => value ?? null;
