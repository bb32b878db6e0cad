/** Who is on the contract, what was agreed, and the lines, milestones, value and terms that are in force. */
import type { Role } from '../../src/contract/event-type.js';
import {
  addDays,
  byText,
  byTime,
  dayNumber,
  dayOf,
  daysBetween,
  earlier,
  instantKey,
  later,
  once,
  quantityOf,
  recordedDay,
  said,
  timeDay,
  until,
  type Book,
  type Data,
  type Fact,
  type Money,
  type Quantity,
} from './record.js';

export type Side = 'buyer' | 'seller';
const SIDES: readonly Side[] = ['buyer', 'seller'];

export const registrationOf = (book: Book): Fact | undefined => said(book, 'ContractRegistered')[0];

/** Nobody but the registration makes a buyer or a seller. */
export function holderOfSide(book: Book, side: Side): string {
  const parties = registrationOf(book)!.data['parties'] as Data[];
  return parties.find(({ role }) => role === side)!['party'] as string;
}
export const sideOf = (book: Book, party: string): Side | undefined =>
  SIDES.find((side) => holderOfSide(book, side) === party);

/**
 * From when an act holds that needs both sides: its `time`; its recording where that came more than 30 days later, and more than 30
 * days after the registration was recorded.
 */
export function holdsFrom(book: Book, fact: Fact): string {
  const recorded = recordedDay(fact);
  const isLate = (day: string): boolean => daysBetween(day, recorded) > 30;
  return isLate(timeDay(fact)) && isLate(recordedDay(registrationOf(book)!)) ? fact.recordedtime : fact.time;
}

/** Whether it holds on the day asked about, where what happened after it is left out. */
export const holds = (book: Book, fact: Fact): boolean =>
  !['AmendmentAgreed', 'ContractClosed', 'AccountSettled'].includes(fact.type) ||
  book.on === undefined ||
  dayOf(holdsFrom(book, fact)) <= book.on;
/** What has been said, not taken back, and holds. */
export const done = (book: Book, ...types: readonly string[]): Fact[] =>
  said(book, ...types).filter((fact) => holds(book, fact));

/** The instant from which the last of several holds. */
export const lastHolds = (book: Book, facts: readonly Fact[]): string =>
  facts
    .map((fact) => holdsFrom(book, fact))
    .toSorted((a, b) => byText(instantKey(a), instantKey(b)))
    .at(-1)!;

export interface Amendment {
  readonly id: string;
  readonly fact: Fact;
  readonly side: Side | undefined;
  /** The agreement with which all needed ones were recorded; `undefined` while it is not agreed. */
  readonly agreement: Fact | undefined;
  /** The day (`time`) of the later of the agreements it needed: what it cancels stands still from then. */
  readonly agreedOn: string | undefined;
  readonly refusal: Fact | undefined;
}

/** In recorded order. */
export const amendments = once((book: Book): Amendment[] => {
  return said(book, 'ContractAmended').map((fact) => {
    const id = fact.data['amendment'] as string;
    const side = sideOf(book, fact.party);
    // Recorded on behalf of a side, it binds only when both have agreed themselves.
    const needed = fact.onBehalfOf === undefined ? SIDES.filter((each) => each !== side) : SIDES;
    const answers = needed.map((each) =>
      done(book, 'AmendmentAgreed', 'AmendmentRefused').filter(
        ({ data, party }) => data['amendment'] === id && sideOf(book, party) === each,
      ),
    );
    // Of each side the first answer counts; a refusal may be followed by agreement, nothing else changes anything.
    const agreements = answers.map((of) => of.find(({ type }) => type === 'AmendmentAgreed'));
    const refusals = answers.map((of) => of[0]).filter((answer) => answer?.type === 'AmendmentRefused') as Fact[];
    const agreed = agreements.every((agreement) => agreement !== undefined) ? (agreements as Fact[]) : [];
    return {
      id,
      fact,
      side,
      agreement: agreed.toSorted((a, b) => a.revision - b.revision).at(-1),
      agreedOn: agreed.length === 0 ? undefined : later(timeDay(fact), dayOf(lastHolds(book, agreed))),
      refusal: refusals.toSorted((a, b) => a.revision - b.revision)[0],
    };
  });
});

/** In the order in which they decide: of several that change the same thing the one latest in `time` does. */
export const agreedAmendments = once((book: Book): Amendment[] =>
  amendments(book)
    .filter(({ agreement }) => agreement !== undefined)
    .toSorted((a, b) => byTime(a.fact, b.fact)),
);

export interface Seat {
  readonly party: string;
  readonly name: string;
  readonly role: Role;
  readonly country: string;
}

/** Who held which role after all events of a lower revision. */
export function seatsBefore(book: Book, revision: number): Seat[] {
  let seats: Seat[] = [];
  for (const { type, data, revision: at } of book.facts) {
    if (at >= revision) break;
    const seat = ({ party, name, role, country }: Data): Seat => ({ party, name, role, country });
    if (type === 'ContractRegistered') seats.push(...(data['parties'] as Data[]).map(seat));
    if (type === 'PartyAdded') seats.push(seat(data));
    if (type === 'PartyRemoved')
      seats = seats.filter(({ party, role }) => party !== data['party'] || role !== data['role']);
    if (type === 'AmendmentAgreed')
      for (const { fact, agreement } of amendments(book))
        if (agreement?.revision === at)
          for (const judge of (fact.data['adjudicators'] ?? []) as Data[])
            seats.push(seat({ ...judge, role: 'adjudicator' }));
  }
  // Added again with another name, a party has the role but once.
  return seats.filter(
    ({ party, role }, index) => seats.findLastIndex((other) => other.party === party && other.role === role) === index,
  );
}

export const seatsNow = (book: Book): Seat[] => seatsBefore(book, Number.POSITIVE_INFINITY);
export const held = (book: Book, fact: Fact, role: Role): boolean =>
  seatsBefore(book, fact.revision).some((seat) => seat.party === fact.party && seat.role === role);
/** Whether who delivers had taken all its roles from the party of an event, and only the buyer had given it any since. */
export function wasOut(book: Book, { party, revision: before }: Fact): boolean {
  const about = ({ data, revision }: Fact): boolean => data['party'] === party && revision < before;
  const byBuyer = (fact: Fact): boolean => held(book, fact, 'buyer');
  const out = said(book, 'PartyRemoved').findLast(
    (fact) =>
      about(fact) && !byBuyer(fact) && !seatsBefore(book, fact.revision + 1).some((seat) => seat.party === party),
  );
  if (out === undefined) return false;
  return !said(book, 'PartyAdded').some((fact) => about(fact) && fact.revision > out.revision && !byBuyer(fact));
}

/** The prime that spoke for who delivers, after all events of a lower revision. */
export const speakingPrime = (book: Book, before: number): string | undefined =>
  seatsBefore(book, before).find(({ party, role }) => role === 'prime' && isSpokesman(book, party, role, before))
    ?.party;

/**
 * Whether it was the word of a side: of a prime whom the registration or the seller made that, of an inspector whom the registration or
 * the buyer did.
 */
export const spokeAs = (book: Book, fact: Fact, role: Role): boolean =>
  held(book, fact, role) && isSpokesman(book, fact.party, role, fact.revision);

const isOfSide = (book: Book, fact: Fact, side: Side): boolean =>
  held(book, fact, 'buyer') ? side === 'buyer' : side === 'seller';

/** Whether the registration, or the side that a prime or an inspector speaks for, made it that before a revision. */
function isSpokesman(book: Book, party: string, role: Role, before: number): boolean {
  const side = role === 'prime' ? 'seller' : role === 'inspector' ? 'buyer' : undefined;
  if (side === undefined) return true;
  const about = ({ data, revision }: Fact): boolean =>
    data['party'] === party && data['role'] === role && revision < before;
  // Who was brought in by the other side, or taken out by its own and brought back by the other, does not speak for it.
  const taken = said(book, 'PartyRemoved').findLast((each) => about(each) && isOfSide(book, each, side));
  const registered = (registrationOf(book)!.data['parties'] as Data[]).some(
    (each) => each['party'] === party && each['role'] === role,
  );
  const given = said(book, 'PartyAdded').filter((each) => about(each) && isOfSide(book, each, side));
  return taken === undefined ? registered || given.length > 0 : given.some(({ revision }) => revision > taken.revision);
}

/** Every party that is or was on the contract. */
export function partiesEver(book: Book): string[] {
  const found = new Set<string>();
  for (const { party } of registrationOf(book)!.data['parties'] as Data[]) found.add(party);
  for (const { data } of said(book, 'PartyAdded')) found.add(data['party']);
  for (const { fact } of agreedAmendments(book))
    for (const { party } of (fact.data['adjudicators'] ?? []) as Data[]) found.add(party);
  return [...found];
}

export interface Confirmation {
  readonly confirmedBy: readonly string[];
  readonly confirmedAt: string | null;
}

/** A correction of the registration voids the confirmations before it: they were of other terms. */
export const confirmation = once((book: Book): Confirmation => {
  const registration = registrationOf(book)!;
  const confirmations = said(book, 'RegistrationConfirmed').filter(
    ({ revision }) => revision > book.registrationCorrectedAt,
  );
  const needed = SIDES.map((side) => holderOfSide(book, side)).filter((party) => party !== registration.party);
  const firsts = needed.map((party) => confirmations.find((each) => each.party === party));
  const complete = firsts.every((each) => each !== undefined);
  const last = (firsts as Fact[]).toSorted((a, b) => (a?.revision ?? 0) - (b?.revision ?? 0)).at(-1);
  return {
    confirmedBy: [...new Set(confirmations.map(({ party }) => party))],
    confirmedAt: complete ? last!.recordedtime : null,
  };
});

/** The closings of both sides, once there are both; of each side the first recorded one counts. */
export const closings = once((book: Book): readonly Fact[] | undefined => {
  const firsts = SIDES.map((side) => done(book, 'ContractClosed').find(({ party }) => sideOf(book, party) === side));
  return firsts.every((closing) => closing !== undefined) ? firsts : undefined;
});

/** The day from which the later closing holds. */
export const closedOn = once((book: Book): string | undefined => {
  const both = closings(book);
  return both === undefined ? undefined : dayOf(lastHolds(book, both));
});

export interface Line {
  readonly line: string;
  readonly description: string;
  readonly quantity: bigint;
  readonly unit: string;
  readonly unitValue: Money;
  readonly responsible: string;
  readonly standard: string | null;
  readonly cancelled: boolean;
  /** The day of the first agreement that cancels it. */
  readonly cancelledOn: string | undefined;
  /** The day of the agreement that introduced it; empty for the registration. */
  readonly introducedOn: string;
  /** What it was on a day. */
  readonly quantityOn: (day: string) => bigint;
  readonly changedOn: readonly string[];
}

interface Whole {
  readonly id: string;
  readonly data: Data;
  /** The amendment that introduced it; `undefined` where the registration did. */
  readonly amendment: Amendment | undefined;
  /** What later amendments gave of it, in the order in which they decide. */
  readonly changes: readonly Data[];
  /** The changes, with the day on which each was agreed. */
  readonly steps: readonly { readonly on: string; readonly revision: number; readonly data: Data }[];
}

const wholeLine = (data: Data): boolean => ['description', 'quantity', 'unit', 'unitValue'].every((key) => key in data);
const wholeMilestone = (data: Data): boolean => ['kind', 'description', 'due', 'binding'].every((key) => key in data);

/** Lines or milestones in the order in which they were introduced. */
function introduced(book: Book, list: 'lines' | 'milestones', id: string, whole: (data: Data) => boolean): Whole[] {
  const found: Whole[] = (registrationOf(book)!.data[list] as Data[]).map((data) => ({
    id: data[id],
    data,
    amendment: undefined,
    ...changesIn(agreedAmendments(book), list, id, data[id]),
  }));
  const agreed = agreedAmendments(book);
  const gives = (amendment: Amendment, value: string): boolean => given(amendment.fact, list, id, value).some(whole);
  for (const [at, amendment] of agreed.entries())
    for (const data of (amendment.fact.data[list] ?? []) as Data[]) {
      if (!whole(data) || found.some((other) => other.id === data[id])) continue;
      // Whatever its `time`, what was agreed later does not introduce it.
      const first = agreed
        .filter((other) => gives(other, data[id]))
        .toSorted((a, b) => a.agreement!.revision - b.agreement!.revision)[0];
      if (first !== amendment) continue;
      found.push({ id: data[id], data, amendment, ...changesIn(agreed.slice(at + 1), list, id, data[id]) });
    }
  return found;
}

function changesIn(agreed: readonly Amendment[], list: string, id: string, value: string) {
  const steps = agreed.flatMap(({ fact, agreedOn, agreement }) =>
    given(fact, list, id, value).map((data) => ({ on: agreedOn!, revision: agreement!.revision, data })),
  );
  return { steps, changes: steps.map(({ data }) => data) };
}

const given = (fact: Fact, list: string, id: string, value: string): Data[] =>
  ((fact.data[list] ?? []) as Data[]).filter((each) => each[id] === value);

/** The last that was given of a field, else what it was introduced with. */
const inForce = (whole: Whole, field: string): any =>
  whole.changes.findLast((change) => change[field] !== undefined)?.[field] ?? whole.data[field];

interface Cancelled {
  readonly on: string;
  /** Of the agreement that did it. */
  readonly revision: number;
}

const inRecordedOrder = (book: Book): Amendment[] =>
  agreedAmendments(book).toSorted((a, b) => a.agreement!.revision - b.agreement!.revision);

/** The first recorded agreement that cancels it, by its name. */
function cancellation(book: Book, list: 'lines' | 'milestones', id: string, value: string): Cancelled | undefined {
  const by = inRecordedOrder(book).find(({ fact }) =>
    given(fact, list, id, value).some(({ cancelled }) => cancelled === true),
  );
  return by && { on: by.agreedOn!, revision: by.agreement!.revision };
}

/** The first recorded agreement after which it is of a cancelled line: that cancels the line, or puts it to one. */
function cancelledByLine(book: Book, whole: Whole): Cancelled | undefined {
  for (const { agreement, agreedOn } of inRecordedOrder(book)) {
    const { revision } = agreement!;
    if (whole.amendment !== undefined && whole.amendment.agreement!.revision > revision) continue;
    const line = (whole.steps.findLast((step) => step.revision <= revision && step.data['line'] !== undefined)?.data ??
      whole.data)['line'] as string | undefined;
    const by = line === undefined ? undefined : cancellation(book, 'lines', 'line', line);
    if (by === undefined || by.revision > revision) continue;
    return { on: later(by.on, agreedOn!), revision };
  }
  return undefined;
}

/** What a field was on a day: what the amendment latest in `time` gave of those agreed by then, else what it was introduced with. */
const fieldOn = ({ data, steps }: Whole, field: string, day: string): any =>
  steps.findLast((step) => step.on <= day && step.data[field] !== undefined)?.data[field] ?? data[field];

/** Of the agreements as they followed each other, by day: that from which on a field was what it is now. */
function agreedAtOf(whole: Whole, field: string): number {
  const days = [...new Set(whole.steps.map(({ on }) => on))].toSorted(byText);
  let [value, at] = [whole.data[field], -1];
  for (const day of days) {
    const then = fieldOn(whole, field, day);
    const by = whole.steps.findLast(({ on, data }) => on <= day && data[field] !== undefined);
    if (then !== value) [value, at] = [then, by!.revision];
  }
  return at;
}

const introducedOn = ({ amendment }: Whole): string => amendment?.agreedOn ?? '';

/** Who is responsible for what names nobody: fixed by who was prime when what introduced it was recorded. */
function byDefault(book: Book, amendment: Amendment | undefined): string {
  const before = (amendment === undefined ? 0 : amendment.fact.revision) + 1;
  return speakingPrime(book, before) ?? holderOfSide(book, 'seller');
}

/** Whoever was responsible for its line when it was introduced, as agreed amendments follow each other in `time`. */
function byLine(book: Book, line: string, amendment: Amendment | undefined): string | undefined {
  const whole = introduced(book, 'lines', 'line', wholeLine).find(({ id }) => id === line);
  if (whole === undefined) return undefined;
  const until =
    amendment === undefined ? [] : agreedAmendments(book).filter(({ fact }) => byTime(fact, amendment.fact) <= 0);
  const changes = until
    .filter(({ fact }) => whole.amendment === undefined || byTime(fact, whole.amendment.fact) > 0)
    .flatMap(({ fact }) => given(fact, 'lines', 'line', line));
  return inForce({ ...whole, changes }, 'responsible') ?? byDefault(book, whole.amendment);
}

export const lines = once((book: Book): Line[] => {
  return introduced(book, 'lines', 'line', wholeLine).map((whole) => {
    const cancelled = cancellation(book, 'lines', 'line', whole.id)?.on;
    return {
      line: whole.id,
      description: inForce(whole, 'description'),
      quantity: quantityOf(inForce(whole, 'quantity') as Quantity),
      unit: inForce(whole, 'unit'),
      unitValue: inForce(whole, 'unitValue'),
      responsible: inForce(whole, 'responsible') ?? byDefault(book, whole.amendment),
      standard: inForce(whole, 'standard') ?? null,
      cancelled: cancelled !== undefined,
      cancelledOn: cancelled,
      introducedOn: introducedOn(whole),
      quantityOn: (day) => quantityOf(fieldOn(whole, 'quantity', day) as Quantity),
      changedOn: whole.steps.map(({ on }) => on),
    };
  });
});

export interface Milestone {
  readonly milestone: string;
  readonly line: string | null;
  readonly kind: string;
  readonly description: string;
  readonly responsible: string;
  readonly binding: string;
  readonly quantity: bigint | undefined;
  readonly baseline: string;
  readonly cancelled: boolean;
  /** The day asked about, which stands still at the first agreement that cancels it, and at the closing. */
  readonly day: string;
  /** The amendment that introduced it; re-datings come after that. */
  readonly introducedBy: Fact | undefined;
  readonly introducedOn: string;
  /** The day of the first agreement that cancels it, or its line. */
  readonly cancelledOn: string | undefined;
  readonly changedOn: readonly string[];
  readonly askedOn: (day: string) => Asked;
  /** The revision before which claims that it was reached bear on it, as they stood then. */
  readonly claimsBefore: number;
  /** All that it has been of, agreement by agreement as they were recorded. */
  readonly linesEver: readonly string[];
  /** The lines, as they bear on it. */
  readonly lines: readonly Line[];
}

/** What has to come about for it to be complete. */
export interface Asked {
  readonly kind: string;
  readonly line: string | null;
  /** `undefined` for the line's. */
  readonly quantity: bigint | undefined;
}

export const milestones = once((book: Book): Milestone[] =>
  introduced(book, 'milestones', 'milestone', wholeMilestone).map((whole): Milestone => {
    const itself = cancellation(book, 'milestones', 'milestone', whole.id);
    const byItsLine = cancelledByLine(book, whole);
    const isFirst = itself !== undefined && (byItsLine === undefined || itself.revision <= byItsLine.revision);
    const cancelled = isFirst ? itself : byItsLine;
    // What is cancelled stands still: it is looked at as it was by the end of the agreement that did it.
    // But what was cancelled before it was introduced, as that made it.
    const stands =
      cancelled === undefined
        ? book
        : until(book, Math.max(cancelled.revision, whole.amendment?.agreement!.revision ?? -1));
    const then = introduced(stands, 'milestones', 'milestone', wholeMilestone).find(({ id }) => id === whole.id)!;
    const closed = closedOn(book);
    const now = asItStands(stands, then);
    return {
      ...now,
      claimsBefore: Math.min(now.claimsBefore, cancelled?.revision ?? Number.POSITIVE_INFINITY),
      cancelled: cancelled !== undefined,
      day: [cancelled?.on, closed].filter((day) => day !== undefined).reduce(earlier, book.day),
      cancelledOn: cancelled?.on,
    };
  }),
);

function linesEver({ data, steps }: Whole): string[] {
  const revisions = steps.map(({ revision }) => revision);
  const after = revisions.map((last) =>
    steps.findLast((step) => step.revision <= last && step.data['line'] !== undefined),
  );
  return [data['line'], ...after.map((step) => step?.data['line'])].filter((line) => line !== undefined) as string[];
}

function asItStands(book: Book, whole: Whole): Omit<Milestone, 'cancelled' | 'day' | 'cancelledOn'> {
  return {
    milestone: whole.id,
    line: (inForce(whole, 'line') as string | undefined) ?? null,
    kind: inForce(whole, 'kind'),
    description: inForce(whole, 'description'),
    responsible: inForce(whole, 'responsible') ?? responsibleWhenIntroduced(book, whole),
    binding: inForce(whole, 'binding'),
    quantity: inForce(whole, 'quantity') === undefined ? undefined : quantityOf(inForce(whole, 'quantity')),
    baseline: whole.data['due'],
    introducedBy: whole.amendment?.fact,
    introducedOn: introducedOn(whole),
    changedOn: whole.steps.map(({ on }) => on),
    claimsBefore: inForce(whole, 'kind') === 'delivery' ? agreedAtOf(whole, 'kind') : Number.POSITIVE_INFINITY,
    lines: lines(book),
    linesEver: linesEver(whole),
    askedOn: (day) => {
      const quantity = fieldOn(whole, 'quantity', day) as Quantity | undefined;
      return {
        kind: fieldOn(whole, 'kind', day),
        line: fieldOn(whole, 'line', day) ?? null,
        quantity: quantity === undefined ? undefined : quantityOf(quantity),
      };
    },
  };
}

function responsibleWhenIntroduced(book: Book, whole: Whole): string {
  const { kind, line } = whole.data as { readonly kind: string; readonly line?: string };
  if (kind === 'payment') return holderOfSide(book, 'buyer');
  const ofLine = line === undefined ? undefined : byLine(book, line, whole.amendment);
  return ofLine ?? byDefault(book, whole.amendment);
}

export const lineOf = (book: Book, id: string | null): Line | undefined => lines(book).find(({ line }) => line === id);

export const valueInForce = (book: Book): Money =>
  agreedAmendments(book).findLast(({ fact }) => fact.data['value'] !== undefined)?.fact.data['value'] ??
  registrationOf(book)!.data['value'];
export const currencyOf = (book: Book): string => valueInForce(book).currency;

export interface Terms {
  readonly signed: boolean;
  readonly reportEveryDays: number;
  readonly delayNoticeDays: number;
  readonly acknowledgeWithinDays: number;
  readonly resolveWithinDays: number;
  readonly discrepancyWithinDays: number;
  readonly settleWithinDays: number;
}

const termsOf = (book: Book, agreed: readonly Amendment[]): Terms =>
  agreed.reduce<Terms>((terms, { fact }) => ({ ...terms, ...(fact.data['terms'] as Partial<Terms> | undefined) }), {
    signed: false,
    ...(registrationOf(book)!.data['terms'] as Omit<Terms, 'signed'>),
  });

export const termsInForce = once((book: Book): Terms => termsOf(book, agreedAmendments(book)));

/** From when agreed terms bear on what is due: from their recording, but for a history that is imported. */
function bindsFrom(book: Book, { agreedOn, agreement }: Amendment): string {
  const recorded = recordedDay(agreement!);
  const registration = registrationOf(book)!;
  const isImport = daysBetween(registration.data['signedOn'], recordedDay(registration)) > 30;
  return isImport && daysBetween(recordedDay(registration), recorded) <= 30 ? agreedOn! : recorded;
}

/** The day by which something is to be done that is to be done within a number of days from a day on. */
export function dueBy(
  book: Book,
  from: string,
  period: 'delayNoticeDays' | 'discrepancyWithinDays' | 'settleWithinDays',
): string {
  const agreed = agreedAmendments(book);
  const until = (day: string): Terms =>
    termsOf(
      book,
      agreed.filter((amendment) => bindsFrom(book, amendment) <= day),
    );
  // As long as it is not over, what is agreed on it moves it; but not to before that.
  let due = addDays(from, until(from)[period]);
  const days = agreed.map((amendment) => bindsFrom(book, amendment));
  for (const day of [...new Set(days)].filter((each) => each > from).toSorted(byText))
    if (day <= due && until(day)[period] !== until(addDays(day, -1))[period])
      due = later(day, addDays(from, until(day)[period]));
  return due;
}

/** The signing day plus whole years; 29 February becomes the 28th where the year has no 29th. */
export function yearsAfter(day: string, years: number): string {
  const [year, month, date] = [Number(day.slice(0, 4)) + years, day.slice(5, 7), day.slice(8, 10)];
  const same = `${String(year).padStart(4, '0')}-${month}-${date}`;
  return Number.isNaN(dayNumber(same)) || new Date(`${same}T00:00:00Z`).toISOString().slice(0, 10) !== same
    ? `${same.slice(0, 8)}28`
    : same;
}
