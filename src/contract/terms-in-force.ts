/**
 * What is agreed as of the events folded: lines, milestones, value and terms from the registration and the amendments
 * that both sides recorded agreement to. Computed anew when one of these changes, which is seldom.
 */
import type { AmendedLine, AmendedMilestone } from './amendment.js';
import { dayOf, daysBetween } from './calendar.js';
import type { Lowering } from './delivery-arithmetic.js';
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
  /** Agreements by which its quantity became less. */
  readonly lowerings: readonly Lowering[];
}

export interface MilestoneInForce {
  readonly milestone: string;
  readonly line: string | null;
  /** Millionths; `undefined` for that of the line. */
  readonly quantity: bigint | undefined;
  readonly kind: MilestoneKind;
  readonly description: string;
  readonly binding: 'firm' | 'estimate';
  readonly responsible: string;
  readonly baseline: string;
  readonly cancelledOn: string | undefined;
  /** The amendment that introduced it; `undefined` for the registration. */
  readonly introducedBy: AmendmentFacts | undefined;
  /** Agreements that gave it a quantity of its own, or another line. `from` is left out for the quantity of its line. */
  readonly changes: readonly { readonly day: string; readonly from: bigint | undefined; readonly to: bigint }[];
}

export interface InForce {
  readonly lines: ReadonlyMap<string, LineInForce>;
  readonly milestones: ReadonlyMap<string, MilestoneInForce>;
  readonly value: { readonly amount: string; readonly currency: string };
  readonly terms: ContractTerms;
  /** All amendments that re-date a milestone, agreed or not, by milestone, in order of their `time`. */
  readonly redatings: ReadonlyMap<string, readonly Redating[]>;
  /** Ids of the delivery milestones that the accepted quantity of a line bears on. */
  deliveriesOf(line: string): readonly string[];
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

/** @throws RangeError where the contract has not been registered */
export function inForce(model: ContractModel): InForce {
  const cached = model.memo.inForce;
  if (cached !== undefined && cached.version === model.termsVersion) return cached.value;
  const value = compute(model);
  model.memo.inForce = { version: model.termsVersion, value };
  return value;
}

/** What was agreed to ask less of a line, or nothing, where all lines are asked for. */
export const allLowerings = ({ lowerings, cancelledOn }: LineInForce, quantity: bigint): readonly Lowering[] =>
  cancelledOn === undefined ? lowerings : [...lowerings, { day: cancelledOn, from: quantity }];

/** What counts as accepted of a line, in millionths: not more than its quantity in force. */
export function acceptedOf(model: ContractModel, line: string): bigint {
  const accepted = model.lines.get(line)?.accepted.total ?? 0n;
  const most = inForce(model).lines.get(line)?.quantity ?? accepted;
  return accepted > most ? most : accepted;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer E)[] ? E[] : T[K] };

/** More than is ever accepted. */
const EVERYTHING = 1n << 200n;

function compute(model: ContractModel): InForce {
  const { registration } = model;
  if (registration === undefined) throw new RangeError(`contract ${model.contract} has not been registered`);
  // `responsible` is fixed when a line or milestone is introduced; by whom the roles were held then is what the
  // registration says, as later primes change nothing of what was introduced before them.
  const lead = model.primeOrSeller;
  const buyer = model.holder('buyer') ?? '';
  const all = [...model.amendments.values()].sort(compareStands);
  const agreed = all.filter((amendment) => amendment.agreement !== undefined);
  const byAgreement = [...agreed].sort((a, b) => (agreementDay(a) < agreementDay(b) ? -1 : 1));

  const lines = new Map<string, Writable<LineInForce>>();
  const milestones = new Map<string, Writable<MilestoneInForce>>();

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
    leading: string,
  ): void => {
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
      lowerings: [],
    });
  };
  const addMilestone = (
    entry: Required<Pick<AmendedMilestone, 'kind' | 'description' | 'due' | 'binding'>> & AmendedMilestone,
    introducedBy: AmendmentFacts | undefined,
    leading: string,
  ): void => {
    const line = entry.line === undefined ? undefined : lines.get(entry.line);
    milestones.set(entry.milestone, {
      milestone: entry.milestone,
      line: entry.line ?? null,
      quantity: entry.quantity === undefined ? undefined : quantityOf(entry.quantity),
      kind: entry.kind,
      description: entry.description,
      binding: entry.binding,
      responsible: entry.responsible ?? (entry.kind === 'payment' ? buyer : (line?.responsible ?? leading)),
      baseline: entry.due,
      cancelledOn: undefined,
      introducedBy,
      changes: [],
    });
  };

  for (const line of registration.lines) addLine(line, lead(registration.revision));
  for (const milestone of registration.milestones) addMilestone(milestone, undefined, lead(registration.revision));
  const introducers = introducersOf(agreed);
  for (const amendment of agreed) {
    const leading = lead(amendment.revision);
    for (const entry of amendment.data.lines ?? []) {
      const line = lines.get(entry.line);
      if (line === undefined) {
        if (isWholeLine(entry) && introducers.lines.get(entry.line) === amendment) addLine(entry, leading);
        continue;
      }
      if (entry.quantity !== undefined) {
        const quantity = quantityOf(entry.quantity);
        if (quantity < line.quantity) line.lowerings.push({ day: agreementDay(amendment), from: line.quantity });
        line.quantity = quantity;
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
      const day = agreementDay(amendment);
      if (entry.quantity !== undefined) {
        const quantity = quantityOf(entry.quantity);
        milestone.changes.push({ day, from: milestone.quantity, to: quantity });
        milestone.quantity = quantity;
      }
      if (entry.line !== undefined && entry.line !== milestone.line)
        milestone.changes.push({ day, from: EVERYTHING, to: 0n });
      if (entry.description !== undefined) milestone.description = entry.description;
      if (entry.kind !== undefined) milestone.kind = entry.kind;
      if (entry.line !== undefined) milestone.line = entry.line;
      if (entry.responsible !== undefined) milestone.responsible = entry.responsible;
    }
  }
  for (const amendment of byAgreement) {
    const day = agreementDay(amendment);
    for (const entry of amendment.data.lines ?? []) {
      const line = lines.get(entry.line);
      if (entry.cancelled === true && line !== undefined) line.cancelledOn ??= day;
    }
    for (const entry of amendment.data.milestones ?? []) {
      const milestone = milestones.get(entry.milestone);
      if (entry.cancelled === true && milestone !== undefined) milestone.cancelledOn ??= day;
    }
  }
  for (const milestone of milestones.values()) {
    const line = milestone.line === null ? undefined : lines.get(milestone.line);
    if (
      line?.cancelledOn !== undefined &&
      !(milestone.cancelledOn !== undefined && milestone.cancelledOn < line.cancelledOn)
    )
      milestone.cancelledOn = line.cancelledOn;
  }

  const deliveries = new Map<string, string[]>();
  for (const milestone of milestones.values()) {
    if (milestone.kind !== 'delivery') continue;
    for (const line of milestone.line === null ? lines.keys() : [milestone.line]) {
      const known = deliveries.get(line);
      if (known === undefined) deliveries.set(line, [milestone.milestone]);
      else known.push(milestone.milestone);
    }
  }

  return {
    lines,
    milestones,
    value: agreed.findLast(({ data }) => data.value !== undefined)?.data.value ?? registration.value,
    terms: agreed.reduce<ContractTerms>((terms, { data }) => ({ ...terms, ...data.terms }), registration.terms),
    redatings: redatingsOf(all, milestones),
    deliveriesOf: (line) => deliveries.get(line) ?? [],
  };
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

/** Revision of the agreement that made it binding. */
const agreedAt = ({ agreement }: AmendmentFacts): number => agreement?.revision ?? Number.POSITIVE_INFINITY;

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
