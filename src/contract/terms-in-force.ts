/**
 * What is agreed as of the events folded: lines, milestones, value and terms from the registration and the amendments
 * that both sides recorded agreement to. Computed anew when one of these changes, which is seldom.
 */
import type { AmendedLine, AmendedMilestone } from './amendment.js';
import { addDays, dayOf, daysBetween } from './calendar.js';
import type { EffectiveEvent } from './event-type.js';
import { compareStands, type AmendmentFacts, type ContractModel, type Stand } from './model.js';
import { quantityOf } from './money.js';
import type { ContractTerms, MilestoneKind } from './registration.js';

/** Whether it gives all that a milestone, or a line, is introduced with. */
export const isWholeMilestone = (entry: AmendedMilestone): boolean =>
  entry.kind !== undefined && entry.description !== undefined && entry.due !== undefined && entry.binding !== undefined;
export const isWholeLine = (
  entry: AmendedLine,
): entry is AmendedLine & Required<Pick<AmendedLine, 'description' | 'quantity' | 'unit' | 'unitValue'>> =>
  entry.description !== undefined &&
  entry.quantity !== undefined &&
  entry.unit !== undefined &&
  entry.unitValue !== undefined;

/** What holds from a day on, until the next in a list. The first of a list holds from what introduced it; from `''` for the registration. */
export interface From<T> {
  readonly day: string;
  readonly value: T;
}

/** What holds on a day. */
export const onDay = <T>(list: readonly From<T>[], day: string): T | undefined =>
  list.findLast((each) => each.day <= day)?.value;

/** What has to come about for a milestone to be complete. */
export interface Ask {
  readonly kind: MilestoneKind;
  /** `null` for all lines. */
  readonly line: string | null;
  /** Millionths; `undefined` for that of the line. */
  readonly quantity: bigint | undefined;
}

export interface LineInForce {
  readonly line: string;
  readonly description: string;
  /** Millionths. */
  readonly quantity: bigint;
  readonly quantityData: number | string;
  readonly unit: string;
  readonly unitValue: { readonly amount: string; readonly currency: string };
  readonly responsible: string;
  readonly standard: string | null;
  /** The day of the first agreement that cancels it. */
  readonly cancelledOn: string | undefined;
  readonly cancelledAt: number | undefined;
  /** Its quantities by the days of the agreements that gave them. */
  readonly quantities: readonly From<bigint>[];
}

export interface MilestoneInForce extends Ask {
  readonly milestone: string;
  readonly description: string;
  readonly binding: 'firm' | 'estimate';
  readonly responsible: string;
  readonly baseline: string;
  readonly cancelledOn: string | undefined;
  /** The amendment that introduced it; `undefined` for the registration. */
  readonly introducedBy: AmendmentFacts | undefined;
  /** Revision of the agreement by which it was cancelled; `undefined` while it is not. */
  readonly cancelledAt: number | undefined;
  /** What was asked for by the days of the agreements that did; the last is what is in force. */
  readonly asked: readonly From<Ask>[];
  /** Revision of the agreement since which it has been of its kind; -1 for what introduced it. */
  readonly kindAgreedAt: number;
  /** All lines that it has been of, by the agreements as they were recorded. */
  readonly linesEver: ReadonlySet<string>;
  /** Of what is cancelled: the lines that bear on it as they were then. */
  readonly stood: readonly LineAsked[] | undefined;
}

/** What has to be known of a line to say whether what was asked for has come about. */
export type LineAsked = Pick<LineInForce, 'line' | 'quantities' | 'cancelledOn'>;

export interface InForce {
  readonly lines: ReadonlyMap<string, LineInForce>;
  readonly milestones: ReadonlyMap<string, MilestoneInForce>;
  readonly value: { readonly amount: string; readonly currency: string };
  readonly terms: ContractTerms;
  /** The terms by the days from which they bind, in order. */
  readonly termsFrom: readonly From<ContractTerms>[];
  /** All amendments that re-date a milestone, agreed or not, by milestone, in order of their `time`. */
  readonly redatings: ReadonlyMap<string, readonly Redating[]>;
  /** Ids of the milestones that the accepted quantity of a line bears on, or did before they were changed. */
  deliveriesOf(line: string): Iterable<string>;
}

export interface Redating extends Stand {
  readonly amendment: AmendmentFacts;
  readonly to: string;
  /** It stands before the amendment that introduced the milestone, which is the later one and decides: it moves nothing. */
  readonly isBefore: boolean;
}

/**
 * How many days after it was done an act may be recorded that binds because both sides did it; and after the registration was
 * recorded, whatever its `time`: in these days a history is imported. Not one of the contract's terms, which change.
 */
export const BINDING_WITHIN_DAYS = 30;

/**
 * From when an act holds that binds because both sides did it (an agreement, a closing, a settlement): from its `time`. One that was
 * recorded more than {@link BINDING_WITHIN_DAYS} after it is said to have been done, and after the registration was recorded, is
 * flagged and holds from its recording: nobody makes the days of a delay go away by saying now what was agreed to long ago.
 * @returns `undefined` where that is after the day asked about: it does not hold yet
 */
export function holdsFrom(model: ContractModel, event: EffectiveEvent): string | undefined {
  const { time, recordedtime } = event;
  const recorded = dayOf(recordedtime);
  const days = daysBetween(dayOf(time), recorded);
  const sinceRegistration = daysBetween(dayOf(model.registration?.recordedtime ?? recordedtime), recorded);
  if (Math.min(days, sinceRegistration) <= BINDING_WITHIN_DAYS) return time;
  model.flag('backdated', event, `said to have been done ${days} days before it was recorded: it holds from then`);
  return model.until === undefined || recorded <= model.until ? recordedtime : undefined;
}

/**
 * Flags what one side says so late, or of so early a day, that dates long known come out otherwise: more than {@link BINDING_WITHIN_DAYS}
 * after the day it is about and after the recording of the registration, or of a day before the contract was signed. It counts all the same.
 * @param day the day on which it is said to have happened
 */
export function flagBackdated(model: ContractModel, event: EffectiveEvent, day: string): void {
  const { registration } = model;
  if (registration === undefined) return;
  // Who corrects says it then.
  const recorded = dayOf(event.correctedBy?.recordedtime ?? event.recordedtime);
  const days = Math.min(daysBetween(day, recorded), daysBetween(dayOf(registration.recordedtime), recorded));
  if (day < registration.signedOn)
    model.flag('backdated', event, `said to have happened on ${day}, before the contract was signed`);
  else if (days > BINDING_WITHIN_DAYS) model.flag('backdated', event, `said on ${recorded} to have happened on ${day}`);
}

/** @throws RangeError where the contract has not been registered */
export function inForce(model: ContractModel): InForce {
  const cached = model.memo.inForce;
  if (cached !== undefined && cached.version === model.termsVersion) return cached.value;
  const value = compute(model);
  model.memo.inForce = { version: model.termsVersion, value };
  return value;
}

/** A term that says within how many days something is to be done. */
export type Period = 'delayNoticeDays' | 'discrepancyWithinDays' | 'settleWithinDays';

/**
 * The day by which something is to be done that is to be done within a term from a day on: by the term of that day, and as it was agreed anew
 * while that day was not over. What is agreed later does not put off what was due, and what is shortened is not due before it was agreed.
 */
export function dueBy(model: ContractModel, from: string, term: Period): string {
  const { termsFrom } = inForce(model);
  let due = addDays(from, onDay(termsFrom, from)![term]);
  for (const { day, value } of termsFrom) {
    if (day <= from) continue;
    if (day > due) break;
    const then = addDays(from, value[term]);
    due = then < day ? day : then;
  }
  return due;
}

/** What counts as accepted of a line, in millionths: not more than its quantity in force. */
export function acceptedOf(model: ContractModel, line: string): bigint {
  const accepted = model.lines.get(line)?.accepted.total ?? 0n;
  const most = inForce(model).lines.get(line)?.quantity ?? accepted;
  return accepted > most ? most : accepted;
}

type Writable<T> = {
  -readonly [K in keyof T]: T[K] extends readonly (infer E)[] ? E[] : T[K] extends ReadonlySet<infer E> ? Set<E> : T[K];
};

/**
 * A value as agreements follow each other: on each day that of the amendment latest in `time` among those agreed by then. An agreement
 * to one that stands before what decides already changes nothing.
 */
class Decided<T> {
  readonly list: From<T>[];
  /** Revision of the agreement since which it has been what it is; -1 for what introduced it. */
  agreedAt = -1;
  #by: Stand | undefined;

  constructor(value: T, introducedBy: AmendmentFacts | undefined) {
    this.list = [{ day: introducedBy === undefined ? '' : agreementDay(introducedBy), value }];
    this.#by = introducedBy;
  }

  /** To be called in the order of the days of agreement. */
  give(amendment: AmendmentFacts, value: T): void {
    if (this.#by !== undefined && compareStands(amendment, this.#by) < 0) return;
    this.#by = amendment;
    if (value !== this.list.at(-1)?.value) this.agreedAt = agreedAt(amendment);
    const [{ day: first } = { day: '' }] = this.list;
    const day = agreementDay(amendment);
    this.list.push({ day: day < first ? first : day, value });
  }
}

type DecidedAsk = { readonly [K in keyof Ask]: Decided<Ask[K]> };

function asksOf({ kind, line, quantity }: DecidedAsk): From<Ask>[] {
  const days = [...new Set([kind, line, quantity].flatMap(({ list }) => list.map(({ day }) => day)))].sort();
  const [kindOn, lineOn, quantityOn] = [inOrder(kind.list), inOrder(line.list), inOrder(quantity.list)];
  return days.map((day) => ({
    day,
    value: { kind: kindOn(day)!, line: lineOn(day) ?? null, quantity: quantityOn(day) },
  }));
}

/** {@link onDay} for days that are asked about in order. */
function inOrder<T>(list: readonly From<T>[]): (day: string) => T | undefined {
  let next = 0;
  return (day) => {
    while (next < list.length && list[next]!.day <= day) next += 1;
    return list[next - 1]?.value;
  };
}

/** @param upTo leaves out what was agreed after this revision, and does not ask how what is cancelled stood before */
function compute(model: ContractModel, upTo?: number): InForce {
  const { registration } = model;
  if (registration === undefined) throw new RangeError(`contract ${model.contract} has not been registered`);
  // `responsible` is fixed when a line or milestone is introduced; by whom the roles were held then is what the
  // registration says, as later primes change nothing of what was introduced before them.
  const lead = model.primeOrSeller;
  const buyer = model.holder('buyer') ?? '';
  const all = [...model.amendments.values()].sort(compareStands);
  const agreed = all.filter(
    (amendment) => amendment.agreement !== undefined && agreedAt(amendment) <= (upTo ?? Number.POSITIVE_INFINITY),
  );
  const byAgreement = agreed.toSorted((a, b) => compareText(agreementDay(a), agreementDay(b)));

  const lines = new Map<string, Writable<LineInForce>>();
  const milestones = new Map<string, Writable<MilestoneInForce>>();
  const quantities = new Map<string, Decided<bigint>>();
  const asks = new Map<string, DecidedAsk>();

  const addLine = (
    entry: {
      line: string;
      description: string;
      unit: string;
      quantity: number | string;
      unitValue: LineInForce['unitValue'];
      responsible?: string;
      standard?: string;
    },
    introducedBy: AmendmentFacts | undefined,
    leading: string,
  ): void => {
    const quantity = new Decided(quantityOf(entry.quantity), introducedBy);
    quantities.set(entry.line, quantity);
    lines.set(entry.line, {
      line: entry.line,
      description: entry.description,
      quantity: quantityOf(entry.quantity),
      quantityData: entry.quantity,
      unit: entry.unit,
      unitValue: entry.unitValue,
      responsible: entry.responsible ?? leading,
      standard: entry.standard ?? null,
      cancelledOn: undefined,
      cancelledAt: undefined,
      quantities: quantity.list,
    });
  };
  const addMilestone = (
    entry: Required<Pick<AmendedMilestone, 'kind' | 'description' | 'due' | 'binding'>> & AmendedMilestone,
    introducedBy: AmendmentFacts | undefined,
    leading: string,
  ): void => {
    const line = entry.line === undefined ? undefined : lines.get(entry.line);
    const ask: Ask = {
      kind: entry.kind,
      line: entry.line ?? null,
      quantity: entry.quantity === undefined ? undefined : quantityOf(entry.quantity),
    };
    asks.set(entry.milestone, {
      kind: new Decided(ask.kind, introducedBy),
      line: new Decided(ask.line, introducedBy),
      quantity: new Decided(ask.quantity, introducedBy),
    });
    milestones.set(entry.milestone, {
      milestone: entry.milestone,
      ...ask,
      description: entry.description,
      binding: entry.binding,
      responsible: entry.responsible ?? (entry.kind === 'payment' ? buyer : (line?.responsible ?? leading)),
      baseline: entry.due,
      cancelledOn: undefined,
      cancelledAt: undefined,
      introducedBy,
      asked: [],
      kindAgreedAt: -1,
      linesEver: new Set(),
      stood: undefined,
    });
  };

  for (const line of registration.lines) addLine(line, undefined, lead(registration.revision));
  for (const milestone of registration.milestones) addMilestone(milestone, undefined, lead(registration.revision));
  const introducers = introducersOf(agreed);
  for (const amendment of agreed) {
    const leading = lead(amendment.revision);
    for (const entry of amendment.data.lines ?? []) {
      const line = lines.get(entry.line);
      if (line === undefined) {
        if (isWholeLine(entry) && introducers.lines.get(entry.line) === amendment) addLine(entry, amendment, leading);
        continue;
      }
      if (entry.quantity !== undefined) {
        line.quantity = quantityOf(entry.quantity);
        line.quantityData = entry.quantity;
      }
      if (entry.unitValue !== undefined) line.unitValue = entry.unitValue;
      if (entry.responsible !== undefined) line.responsible = entry.responsible;
      if (entry.description !== undefined) line.description = entry.description;
      if (entry.unit !== undefined) line.unit = entry.unit;
      if (entry.standard !== undefined) line.standard = entry.standard;
    }
    for (const entry of amendment.data.milestones ?? []) {
      const milestone = milestones.get(entry.milestone);
      if (milestone === undefined) {
        if (isWholeMilestone(entry) && introducers.milestones.get(entry.milestone) === amendment)
          addMilestone(entry as Parameters<typeof addMilestone>[0], amendment, leading);
        continue;
      }
      if (entry.binding !== undefined) milestone.binding = entry.binding;
      if (entry.quantity !== undefined) milestone.quantity = quantityOf(entry.quantity);
      if (entry.description !== undefined) milestone.description = entry.description;
      if (entry.kind !== undefined) milestone.kind = entry.kind;
      if (entry.line !== undefined) milestone.line = entry.line;
      if (entry.responsible !== undefined) milestone.responsible = entry.responsible;
    }
  }
  for (const amendment of byAgreement) {
    for (const entry of amendment.data.lines ?? [])
      if (entry.quantity !== undefined) quantities.get(entry.line)?.give(amendment, quantityOf(entry.quantity));
    for (const entry of amendment.data.milestones ?? []) {
      const ask = asks.get(entry.milestone);
      if (entry.kind !== undefined) ask?.kind.give(amendment, entry.kind);
      if (entry.line !== undefined) ask?.line.give(amendment, entry.line);
      if (entry.quantity !== undefined) ask?.quantity.give(amendment, quantityOf(entry.quantity));
    }
  }
  for (const [id, milestone] of milestones) {
    milestone.asked = asksOf(asks.get(id)!);
    milestone.kindAgreedAt = asks.get(id)!.kind.agreedAt;
  }
  cancel(agreed, lines, milestones);
  if (upTo === undefined) {
    const last = agreed.reduce((latest, amendment) => Math.max(latest, agreedAt(amendment)), -1);
    /** What was in force then, by revision: many are cancelled by one agreement. */
    const then = new Map<number, Then>();
    for (const [id, { cancelledOn, cancelledAt, introducedBy }] of milestones) {
      // What was cancelled before it was introduced is what it was introduced as.
      const at = Math.max(cancelledAt ?? last, introducedBy === undefined ? -1 : agreedAt(introducedBy));
      if (cancelledAt !== undefined && at < last)
        milestones.set(id, { ...stoodAt(model, id, at, then), cancelledOn, cancelledAt });
    }
  }

  const deliveries = new Map<string, Set<string>>([...lines.keys()].map((line) => [line, new Set()]));
  for (const { milestone, asked } of milestones.values()) {
    const delivered = asked.filter(({ value }) => value.kind === 'delivery').map(({ value }) => value.line);
    const of = delivered.includes(null) ? lines.keys() : new Set(delivered as readonly string[]);
    for (const line of of) deliveries.get(line)?.add(milestone);
  }

  const termsFrom = termsByDays(model, registration.terms, agreed);
  return {
    lines,
    milestones,
    value: agreed.findLast(({ data }) => data.value !== undefined)?.data.value ?? registration.value,
    terms: termsFrom.at(-1)!.value,
    termsFrom,
    redatings: redatingsOf(all, milestones),
    deliveriesOf: (line) => deliveries.get(line) ?? [],
  };
}

interface Then {
  readonly inForce: InForce;
  readonly lines: readonly LineAsked[];
}

/**
 * A milestone as it stood when it was cancelled: what is agreed since changes nothing of it. Computed once, as that never changes.
 * @param at the revision of the agreement after which it stands still
 */
function stoodAt(model: ContractModel, id: string, at: number, then: Map<number, Then>): Writable<MilestoneInForce> {
  const memo = (model.memo.stood ??= new Map());
  const cached = memo.get(id);
  if (cached?.at === at) return cached.milestone as Writable<MilestoneInForce>;
  let known = then.get(at);
  if (known === undefined) {
    const inForce = compute(model, at);
    const lines = [...inForce.lines.values()].map(({ line, quantities, cancelledOn }) => ({
      line,
      quantities,
      cancelledOn,
    }));
    then.set(at, (known = { inForce, lines }));
  }
  const milestone = known.inForce.milestones.get(id)!;
  const asked = new Set(milestone.asked.map(({ value }) => value.line));
  const stood = asked.has(null) ? known.lines : known.lines.filter(({ line }) => asked.has(line));
  const found = { ...milestone, stood };
  memo.set(id, { at, milestone: found });
  return found as Writable<MilestoneInForce>;
}

/** The terms by the days from which they bind. */
function termsByDays(
  model: ContractModel,
  first: ContractTerms,
  agreed: readonly AmendmentFacts[],
): From<ContractTerms>[] {
  const list: From<ContractTerms>[] = [{ day: '', value: first }];
  const by = new Map<string, AmendmentFacts>();
  const inOrder = agreed
    .filter(({ data }) => data.terms !== undefined)
    .map((amendment) => ({ amendment, day: bindsFrom(model, amendment) }))
    .sort((a, b) => compareText(a.day, b.day));
  for (const { amendment, day } of inOrder) {
    // Of each of them the amendment decides that is latest in `time`, whichever was agreed first.
    const given = Object.entries(amendment.data.terms ?? {}).filter(([term, value]) => {
      const decides = by.get(term);
      return value !== undefined && (decides === undefined || compareStands(amendment, decides) > 0);
    });
    if (given.length === 0) continue;
    for (const [term] of given) by.set(term, amendment);
    list.push({ day, value: { ...list.at(-1)!.value, ...Object.fromEntries(given) } });
  }
  return list;
}

/**
 * From which day what was agreed bears on what is due: from its recording, so that nobody who is late agrees to more time as of before;
 * while a history is imported, from the day of the agreement.
 */
function bindsFrom(model: ContractModel, { agreement }: AmendmentFacts): string {
  if (agreement === undefined) return '';
  const recorded = dayOf(agreement.recordedtime);
  const { recordedtime, signedOn } = model.registration!;
  const registered = dayOf(recordedtime);
  const imported =
    daysBetween(signedOn, registered) > BINDING_WITHIN_DAYS && daysBetween(registered, recorded) <= BINDING_WITHIN_DAYS;
  return imported ? dayOf(agreement.time) : recorded;
}

/**
 * Which amendment introduces each line and milestone: of those that give it whole the one that was the first to be agreed, whatever
 * `time` the others have. So nothing that is agreed later, a new offer or an old one, takes the place of the first promise.
 */
function introducersOf(agreed: readonly AmendmentFacts[]) {
  const lines = new Map<string, AmendmentFacts>();
  const milestones = new Map<string, AmendmentFacts>();
  const note = (of: Map<string, AmendmentFacts>, id: string, amendment: AmendmentFacts): void => {
    const known = of.get(id);
    if (known === undefined || agreedAt(amendment) < agreedAt(known)) of.set(id, amendment);
  };
  for (const amendment of agreed) {
    for (const entry of amendment.data.lines ?? []) if (isWholeLine(entry)) note(lines, entry.line, amendment);
    for (const entry of amendment.data.milestones ?? [])
      if (isWholeMilestone(entry)) note(milestones, entry.milestone, amendment);
  }
  return { lines, milestones };
}

interface Cancellable {
  cancelledOn: string | undefined;
  cancelledAt: number | undefined;
}

/**
 * Notes what is cancelled, in the order in which the agreements were recorded: the first of them that cancels decides, and nothing agreed
 * since undoes it, whatever day it is of. A cancelled line cancels what is of it then, and what comes to be of it later when it does.
 */
function cancel(
  agreed: readonly AmendmentFacts[],
  lines: ReadonlyMap<string, Cancellable>,
  milestones: ReadonlyMap<
    string,
    Cancellable & Pick<MilestoneInForce, 'introducedBy' | 'asked'> & { readonly linesEver: Set<string> }
  >,
): void {
  const inOrder = agreed.toSorted((a, b) => agreedAt(a) - agreedAt(b));
  const stop = (what: Cancellable, by: AmendmentFacts, since = ''): void => {
    if (what.cancelledOn !== undefined) return;
    const day = agreementDay(by);
    what.cancelledOn = day < since ? since : day;
    what.cancelledAt = agreedAt(by);
  };
  /** What each milestone is of by the agreements so far, and what decides that. */
  const lineOf = new Map<string, { readonly line: string | null; readonly by: Stand | undefined }>();
  const milestonesOf = new Map<string, Set<string>>();
  const put = (milestone: string, line: string | null, by: AmendmentFacts | undefined): void => {
    const before = lineOf.get(milestone);
    if (before?.by !== undefined && by !== undefined && compareStands(by, before.by) < 0) return;
    lineOf.set(milestone, { line, by });
    if (before?.line != null) milestonesOf.get(before.line)?.delete(milestone);
    if (line === null) return;
    milestones.get(milestone)!.linesEver.add(line);
    const of = milestonesOf.get(line);
    if (of === undefined) milestonesOf.set(line, new Set([milestone]));
    else of.add(milestone);
    const since = lines.get(line)?.cancelledOn;
    if (since !== undefined && by !== undefined) stop(milestones.get(milestone)!, by, since);
  };
  for (const [id, { introducedBy, asked }] of milestones)
    if (introducedBy === undefined) put(id, asked[0]!.value.line, undefined);
  for (const amendment of inOrder) {
    for (const entry of amendment.data.milestones ?? []) {
      const milestone = milestones.get(entry.milestone);
      if (milestone === undefined) continue;
      if (milestone.introducedBy === amendment) put(entry.milestone, entry.line ?? null, amendment);
      else if (entry.line !== undefined && lineOf.has(entry.milestone)) put(entry.milestone, entry.line, amendment);
      if (entry.cancelled === true) stop(milestone, amendment);
    }
    for (const { line, cancelled } of amendment.data.lines ?? []) {
      const known = lines.get(line);
      if (cancelled !== true || known === undefined) continue;
      stop(known, amendment);
      for (const milestone of milestonesOf.get(line) ?? []) stop(milestones.get(milestone)!, amendment);
    }
  }
}

/** Revision of the agreement that made it binding. */
const agreedAt = ({ agreement }: AmendmentFacts): number => agreement?.revision ?? Number.POSITIVE_INFINITY;

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const agreementDay = (amendment: AmendmentFacts): string =>
  amendment.agreement === undefined ? '' : dayOf(amendment.agreement.time);

/** Every amendment that gives a milestone a date, but the one that introduced it: that gave the baseline. */
function redatingsOf(
  all: readonly AmendmentFacts[],
  milestones: ReadonlyMap<string, MilestoneInForce>,
): Map<string, Redating[]> {
  const found = new Map<string, Redating[]>();
  for (const amendment of all)
    for (const entry of amendment.data.milestones ?? []) {
      const milestone = milestones.get(entry.milestone);
      if (entry.due === undefined || milestone === undefined || milestone.introducedBy === amendment) continue;
      const isBefore = milestone.introducedBy !== undefined && compareStands(amendment, milestone.introducedBy) < 0;
      const redating = { amendment, to: entry.due, time: amendment.time, revision: amendment.revision, isBefore };
      const known = found.get(entry.milestone);
      if (known === undefined) found.set(entry.milestone, [redating]);
      else known.push(redating);
    }
  return found;
}
