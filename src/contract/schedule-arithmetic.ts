/**
 * The dates of a milestone, computed from its timeline: its re-datings and the forecasts for it, in order of `time`.
 * What does not depend on the day asked about is in {@link MilestoneDates}; {@link datesOn} adds what does.
 */
import { dayOf, daysBetween } from './calendar.js';
import { reachedSince } from './completion.js';
import { isAfter, type ContractModel, type ForecastFacts, type Stand } from './model.js';
import { inForce, type Redating } from './terms-in-force.js';

/** One entry of a milestone's timeline. */
export type TimelineEntry = Stand & {
  readonly to: string;
  /** Recorded for the party by another: it never puts aside what the party said itself. */
  readonly secondHand: boolean;
} &
  /** `agreed`: it is what holds from there on. `isBefore`: it stands before the introduction, which decides. */
  (
    | { readonly kind: 'redating'; readonly side: Side; readonly agreed: boolean; readonly isBefore: boolean }
    /** `counts`: stated by seller, prime or the responsible party. */
    | { readonly kind: 'forecast'; readonly counts: boolean }
  );
type ModelEntry =
  | (Extract<TimelineEntry, { kind: 'redating' }> & { readonly redating: Redating })
  | (Extract<TimelineEntry, { kind: 'forecast' }> & { readonly forecast: ForecastFacts });
type Side = 'buyer' | 'seller';

export interface MilestoneDates {
  readonly baseline: string;
  readonly agreed: string;
  readonly imposed: string | undefined;
  readonly forecast: string | undefined;
  readonly standing: string;
  readonly actual: string | undefined;
  readonly claimed: string | undefined;
  /** From this day on its day stands still: it was cancelled, or the contract closed. */
  readonly stillFrom: string | undefined;
}

/** The dates of a milestone that do not depend on the day. @throws RangeError where the contract has no such milestone */
export function milestoneDates(model: ContractModel, id: string): MilestoneDates {
  const known = (model.memo.dates ??= new Map());
  const said = model.milestones.get(id)?.version ?? 0;
  const cached = known.get(id);
  if (cached !== undefined && cached.terms === model.termsVersion && cached.said === said) return cached.dates;
  const dates = compute(model, id);
  known.set(id, { terms: model.termsVersion, said, dates });
  return dates;
}

function compute(model: ContractModel, id: string): MilestoneDates {
  const terms = inForce(model);
  const milestone = terms.milestones.get(id);
  if (milestone === undefined) throw new RangeError(`contract ${model.contract} has no milestone ${id}`);
  const said = model.milestones.get(id);
  const walk = new Timeline(milestone.baseline);
  for (const entry of timelineOf(model, id).entries) walk.add(entry);
  const closedOn = model.closed === undefined ? undefined : dayOf(model.closed.time);
  const { cancelledOn } = milestone;
  return {
    baseline: milestone.baseline,
    agreed: walk.agreed,
    imposed: walk.imposed?.to,
    forecast: walk.forecast,
    standing: walk.standing,
    actual: reachedSince(model, milestone),
    claimed: milestone.kind === 'delivery' ? said?.reached.at(-1)?.on : undefined,
    stillFrom: cancelledOn === undefined || (closedOn !== undefined && closedOn < cancelledOn) ? closedOn : cancelledOn,
  };
}

/** A milestone's timeline: where it begins, and what moved it since. @throws RangeError where there is no such milestone */
export function timelineOf(
  model: ContractModel,
  id: string,
): { readonly baseline: string; readonly entries: Iterable<ModelEntry> } {
  const terms = inForce(model);
  const milestone = terms.milestones.get(id);
  if (milestone === undefined) throw new RangeError(`contract ${model.contract} has no milestone ${id}`);
  const forecasts = model.milestones.get(id)?.forecasts ?? [];
  return {
    baseline: milestone.baseline,
    entries: merged(terms.redatings.get(id) ?? [], forecasts, milestone.responsible),
  };
}

/** Whether a forecast moves the milestone's forecast date. */
export const forecastCounts = (forecast: ForecastFacts, responsible: string): boolean =>
  forecast.counts || (forecast.party === responsible && !forecast.isOut);

/** Both lists are in order of {@link Stand}. */
function* merged(
  redatings: readonly Redating[],
  forecasts: readonly ForecastFacts[],
  responsible: string,
): Generator<ModelEntry> {
  let next = 0;
  for (const forecast of forecasts) {
    for (let due = redatings[next]; due !== undefined && isAfter(forecast, due); due = redatings[next]) {
      yield redatingEntry(due);
      next += 1;
    }
    const { time, revision, to, onBehalfOf } = forecast;
    const [counts, secondHand] = [forecastCounts(forecast, responsible), onBehalfOf !== undefined];
    yield { kind: 'forecast', time, revision, to, secondHand, counts, forecast };
  }
  for (; next < redatings.length; next += 1) yield redatingEntry(redatings[next]!);
}

const redatingEntry = (redating: Redating): ModelEntry => ({
  kind: 'redating',
  time: redating.time,
  revision: redating.revision,
  to: redating.to,
  secondHand: redating.amendment.onBehalfOf !== undefined,
  side: redating.amendment.side,
  isBefore: redating.isBefore,
  agreed: redating.amendment.agreement !== undefined && !redating.isBefore,
  redating,
});

export interface Move {
  readonly entry: ModelEntry;
  /** The standing date just before it. */
  readonly from: string;
  /** Whether it moves a date: a forecast the standing one, a re-dating that or the agreed one. */
  readonly moves: boolean;
}

/** A milestone's timeline in order, with what each entry moves. @throws RangeError where there is no such milestone */
export function* movesOf(model: ContractModel, id: string): Generator<Move> {
  const { baseline, entries } = timelineOf(model, id);
  const walk = new Timeline(baseline);
  for (const entry of entries) {
    const { standing: from, agreed, restsOnTold } = walk;
    walk.add(entry);
    yield { entry, from, moves: isMove(entry, walk.standing, { from, agreed, restsOnTold }) };
  }
}

function isMove(
  entry: TimelineEntry,
  standing: string,
  before: { readonly from: string; readonly agreed: string; readonly restsOnTold: boolean },
): boolean {
  if (entry.kind === 'redating') return !entry.isBefore && (entry.to !== before.from || entry.to !== before.agreed);
  // What was said in its name before takes nothing from what a party says itself.
  return standing !== before.from || (entry.counts && !entry.secondHand && before.restsOnTold);
}

interface Dated {
  readonly to: string;
  readonly order: number;
}

/** What a voice said last itself, and what was recorded for it since. */
interface Voice {
  own?: Dated | undefined;
  told?: Dated | undefined;
}

function hear(voice: Voice, entry: TimelineEntry, order: number): void {
  const said = { to: entry.to, order };
  if (entry.secondHand) voice.told = said;
  else {
    voice.own = said;
    voice.told = undefined;
  }
}

/** What was recorded for a voice counts beside its own word where it is later, and never takes its place. */
function latestOf(said: readonly (Dated | undefined)[]): Dated | undefined {
  let latest: Dated | undefined;
  for (const each of said)
    if (
      each !== undefined &&
      (latest === undefined || each.to > latest.to || (each.to === latest.to && each.order < latest.order))
    )
      latest = each;
  return latest;
}

/** Walks a milestone's timeline; its getters tell what holds after the entries added so far. */
export class Timeline {
  agreed: string;
  /** Seller, prime and responsible party are one voice: the last of them counts. */
  #forecasts: Voice = {};
  #redatings: Readonly<Record<Side, Voice>> = { buyer: {}, seller: {} };
  #order = 0;

  constructor(baseline: string) {
    this.agreed = baseline;
  }

  add(entry: TimelineEntry): void {
    this.#order += 1;
    if (entry.kind === 'forecast') {
      if (entry.counts) hear(this.#forecasts, entry, this.#order);
    } else if (entry.agreed) {
      this.agreed = entry.to;
      this.#forecasts = {};
      this.#redatings = { buyer: {}, seller: {} };
    } else if (!entry.isBefore) hear(this.#redatings[entry.side], entry, this.#order);
  }

  /** Whether the forecast is what was recorded in a name, and not what was said. */
  get restsOnTold(): boolean {
    const { own, told } = this.#forecasts;
    return told !== undefined && latestOf([own, told]) === told;
  }

  get forecast(): string | undefined {
    return latestOf([this.#forecasts.own, this.#forecasts.told])?.to;
  }

  /** The latest date among each side's last re-dating; of two with one date the earlier re-dating. */
  get imposed(): Dated | undefined {
    const { buyer, seller } = this.#redatings;
    return latestOf([buyer.own, buyer.told, seller.own, seller.told]);
  }

  /** Forecast, else agreed; where the imposed date is later and no forecast that counts came since, that. */
  get standing(): string {
    const stated = this.forecast ?? this.agreed;
    const { imposed } = this;
    const statedSince = (this.#forecasts.own?.order ?? -1) > (imposed?.order ?? -1);
    return imposed !== undefined && imposed.to > stated && !statedSince ? imposed.to : stated;
  }
}

/** What depends on the day asked about, all in calendar days. */
export interface DatesOnDay {
  readonly expected: string;
  readonly slipDays: number;
  readonly lateDays: number;
  readonly extensionsAgreedDays: number;
  readonly extensionsImposedDays: number;
}

export function datesOn(
  dates: {
    readonly baseline: string;
    readonly agreed: string;
    readonly imposed?: string | null | undefined;
    readonly standing: string;
    readonly actual?: string | null | undefined;
    readonly stillFrom?: string | null | undefined;
  },
  day: string,
): DatesOnDay {
  const still = dates.stillFrom != null && dates.stillFrom < day ? dates.stillFrom : day;
  const expected = dates.actual ?? (dates.standing > still ? dates.standing : still);
  return {
    expected,
    slipDays: daysBetween(dates.baseline, expected),
    lateDays: daysBetween(dates.agreed, expected),
    extensionsAgreedDays: daysBetween(dates.baseline, dates.agreed),
    extensionsImposedDays: dates.imposed == null ? 0 : Math.max(0, daysBetween(dates.agreed, dates.imposed)),
  };
}

/** The earliest agreed date of a delivery milestone that is not reached and not cancelled: on days after it, it is overdue. */
export function overdueFrom(model: ContractModel): string | undefined {
  let first: string | undefined;
  if (model.closed !== undefined) return first;
  for (const { kind, cancelledOn, milestone } of inForce(model).milestones.values()) {
    if (kind !== 'delivery' || cancelledOn !== undefined) continue;
    const { agreed, actual } = milestoneDates(model, milestone);
    if (actual === undefined && (first === undefined || agreed < first)) first = agreed;
  }
  return first;
}
