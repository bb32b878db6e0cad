/**
 * The dates of a milestone, computed from its timeline: its re-datings and the forecasts for it, in order of `time`.
 * What does not depend on the day asked about is in {@link MilestoneDates}; {@link datesOn} adds what does.
 */
import { dayOf, daysBetween } from './calendar.js';
import { stoodSince } from './delivery-arithmetic.js';
import { compareStands, type ContractModel, type ForecastFacts, type Stand } from './model.js';
import { inForce, type MilestoneInForce, type Redating } from './terms-in-force.js';

export interface ListedRedating {
  readonly redating: Redating;
  /** The standing date just before. */
  readonly from: string;
}
export interface ListedForecast {
  readonly forecast: ForecastFacts;
  readonly from: string;
}

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
  readonly redatings: readonly ListedRedating[];
  readonly forecasts: readonly ListedForecast[];
}

type Entry = Stand & ({ readonly redating: Redating } | { readonly forecast: ForecastFacts });
type Side = 'buyer' | 'seller';

/** Walks a milestone's timeline. @throws RangeError where the contract has no such milestone */
export function milestoneDates(model: ContractModel, id: string): MilestoneDates {
  const terms = inForce(model);
  const milestone = terms.milestones.get(id);
  if (milestone === undefined) throw new RangeError(`contract ${model.contract} has no milestone ${id}`);
  const said = model.milestones.get(id);
  const entries: Entry[] = [
    ...(terms.redatings.get(id) ?? []).map((redating) => ({
      time: redating.time,
      revision: redating.revision,
      redating,
    })),
    ...(said?.forecasts ?? []).map((forecast) => ({ time: forecast.time, revision: forecast.revision, forecast })),
  ];
  entries.sort(compareStands);

  const walk = new Walk(milestone);
  const redatings: ListedRedating[] = [];
  const forecasts: ListedForecast[] = [];
  for (const entry of entries) {
    const from = walk.standing;
    if ('redating' in entry) {
      redatings.push({ redating: entry.redating, from });
      walk.redate(entry.redating);
    } else {
      forecasts.push({ forecast: entry.forecast, from });
      if (entry.forecast.counts || entry.forecast.party === milestone.responsible) walk.state(entry.forecast.to);
    }
  }
  const closedOn = model.closed === undefined ? undefined : dayOf(model.closed.time);
  const { cancelledOn } = milestone;
  return {
    baseline: milestone.baseline,
    agreed: walk.agreed,
    imposed: walk.imposed?.to,
    forecast: walk.forecast,
    standing: walk.standing,
    actual: actualOf(model, milestone),
    claimed: milestone.kind === 'delivery' ? said?.reached.at(-1)?.on : undefined,
    stillFrom:
      cancelledOn === undefined || (closedOn !== undefined && closedOn < cancelledOn) ? closedOn : cancelledOn,
    redatings,
    forecasts,
  };
}

class Walk {
  agreed: string;
  forecast: string | undefined;
  /** Whether a forecast that counts came after the re-dating that imposes the date now. */
  readonly #bySide = new Map<Side, { to: string; order: number }>();
  #forecastOrder = -1;
  #order = 0;

  constructor(milestone: MilestoneInForce) {
    this.agreed = milestone.baseline;
  }

  redate({ amendment, to }: Redating): void {
    this.#order += 1;
    if (amendment.agreement === undefined) {
      this.#bySide.set(amendment.side, { to, order: this.#order });
      return;
    }
    this.agreed = to;
    this.#bySide.clear();
    this.forecast = undefined;
    this.#forecastOrder = -1;
  }

  state(to: string): void {
    this.#order += 1;
    this.forecast = to;
    this.#forecastOrder = this.#order;
  }

  /** The latest date among each side's last re-dating; of two with one date the earlier re-dating. */
  get imposed(): { readonly to: string; readonly order: number } | undefined {
    let found: { to: string; order: number } | undefined;
    for (const entry of this.#bySide.values())
      if (found === undefined || entry.to > found.to || (entry.to === found.to && entry.order < found.order)) found = entry;
    return found;
  }

  get standing(): string {
    const stated = this.forecast ?? this.agreed;
    const { imposed } = this;
    return imposed !== undefined && imposed.to > stated && this.#forecastOrder < imposed.order ? imposed.to : stated;
  }
}

/** The day a milestone was reached; `undefined` while it is not. */
function actualOf(model: ContractModel, milestone: MilestoneInForce): string | undefined {
  if (milestone.kind === 'delivery') return deliveredOn(model, milestone);
  const reached = model.milestones.get(milestone.milestone)?.reached ?? [];
  const last =
    reached.findLast((entry) => entry.buyer) ??
    reached.findLast((entry) => entry.party === milestone.responsible) ??
    reached.at(-1);
  return last?.on;
}

function deliveredOn(model: ContractModel, milestone: MilestoneInForce): string | undefined {
  const { lines } = inForce(model);
  const start = model.registration?.signedOn ?? '';
  const of =
    milestone.line === null
      ? [...lines.values()].filter((line) => line.cancelledOn === undefined)
      : [lines.get(milestone.line)].filter((line) => line !== undefined);
  if (of.length === 0) return undefined;
  let latest = '';
  for (const line of of) {
    const target = milestone.line === null ? line.quantity : (milestone.quantity ?? line.quantity);
    const since = stoodSince(model.lines.get(line.line)?.deliveries ?? [], target, start);
    if (since === undefined) return undefined;
    if (since > latest) latest = since;
  }
  return latest;
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
