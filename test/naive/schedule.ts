/** The dates of a milestone, worked out from its timeline. */
import { completeSince } from './delivery.js';
import {
  byTime,
  correctionShown,
  daysBetween,
  ever,
  isNamed,
  lastByTime,
  later,
  nameOf,
  once,
  openedId,
  orNull,
  resolved,
  said,
  type Book,
  type Data,
  type Fact,
} from './record.js';
import { amendments, held, milestones, spokeAs, wasOut, type Amendment, type Milestone, type Side } from './terms.js';

export interface Redating {
  readonly kind: 'redating';
  readonly fact: Fact;
  readonly to: string;
  readonly amendment: Amendment;
  /** Before the amendment that introduced the milestone, in `time`: that one comes later and decides. */
  readonly isBefore: boolean;
}
export interface Forecast {
  readonly kind: 'forecast';
  readonly fact: Fact;
  readonly to: string;
  /** Stated by seller, prime or the responsible party. */
  readonly counts: boolean;
}
export type Entry = Redating | Forecast;

/** Re-datings and forecasts, in order. */
export function timeline(book: Book, milestone: Milestone): Entry[] {
  const redatings = amendments(book).flatMap((amendment): Redating[] =>
    ((amendment.fact.data['milestones'] ?? []) as { readonly milestone: string; readonly due?: string }[])
      .filter(({ milestone: id, due }) => id === milestone.milestone && due !== undefined)
      .filter(() => amendment.fact !== milestone.introducedBy)
      .map(({ due }) => ({
        kind: 'redating',
        fact: amendment.fact,
        to: due!,
        amendment,
        isBefore: milestone.introducedBy !== undefined && byTime(amendment.fact, milestone.introducedBy) < 0,
      })),
  );
  const counts = (fact: Fact): boolean =>
    held(book, fact, 'seller') ||
    spokeAs(book, fact, 'prime') ||
    (fact.party === milestone.responsible && !wasOut(book, fact));
  const forecasts = said(book, 'ForecastRevised', 'DelayReported').flatMap((fact): Forecast[] =>
    forecastsIn(fact)
      .filter(({ milestone: id }) => id === milestone.milestone)
      .map(({ forecast }) => ({ kind: 'forecast', fact, to: forecast, counts: counts(fact) })),
  );
  return [...redatings, ...forecasts].toSorted((a, b) => byTime(a.fact, b.fact));
}

interface Stated {
  readonly milestone: string;
  readonly forecast: string;
}
export const forecastsIn = ({ type, data }: Fact): readonly Stated[] =>
  type === 'DelayReported' ? (data['forecasts'] as Stated[]) : [data as Data & Stated];

const isAgreed = (entry: Entry): boolean =>
  entry.kind === 'redating' && !entry.isBefore && entry.amendment.agreement !== undefined;

/** What follows the last agreed re-dating; all where there is none. */
export const sinceAgreed = (entries: readonly Entry[]): readonly Entry[] =>
  entries.slice(entries.findLastIndex(isAgreed) + 1);
export const agreedDate = (entries: readonly Entry[], baseline: string): string =>
  entries.findLast(isAgreed)?.to ?? baseline;

function imposing(entries: readonly Entry[]): Redating | undefined {
  const since = sinceAgreed(entries).filter((entry) => entry.kind === 'redating' && !entry.isBefore) as Redating[];
  const lasts = (['buyer', 'seller'] satisfies Side[])
    .flatMap((side) => voiced(since.filter(({ amendment }) => amendment.side === side)))
    .toSorted((a, b) => byTime(a.fact, b.fact));
  // The latest date; of two with the same date the earlier re-dating.
  return lasts.find(({ to }) => lasts.every((other) => other.to <= to));
}

/** What was last said in person, and what was last recorded on behalf after it. */
function voiced<E extends Entry>(entries: readonly E[]): E[] {
  const own = entries.findLastIndex(({ fact }) => fact.onBehalfOf === undefined);
  const told = entries.findLastIndex(({ fact }) => fact.onBehalfOf !== undefined);
  return [own, ...(told > own ? [told] : [])].filter((at) => at !== -1).map((at) => entries[at]!);
}

/** Whether the date rests on what was recorded in a name, and not on what was said. */
export function restsOnTold(entries: readonly Entry[]): boolean {
  const [own, told] = ['own', 'told'].map((who) =>
    voiced(sinceAgreed(entries).filter((entry) => entry.kind === 'forecast' && entry.counts)).find(
      ({ fact }) => (fact.onBehalfOf === undefined) === (who === 'own'),
    ),
  );
  return told !== undefined && (own === undefined || told.to > own.to);
}

/** The last forecast that counts: in person, unless a later date was recorded on behalf since. */
function forecastDate(entries: readonly Entry[]): string | undefined {
  const dates = voiced(sinceAgreed(entries).filter((entry) => entry.kind === 'forecast' && entry.counts));
  return dates
    .map(({ to }) => to)
    .toSorted()
    .at(-1);
}

/** Where the date stands after some part of the timeline. */
export function standingDate(entries: readonly Entry[], baseline: string): string {
  const standing = forecastDate(entries) ?? agreedDate(entries, baseline);
  const imposed = imposing(entries);
  if (imposed === undefined || imposed.to <= standing) return standing;
  const after = entries.slice(entries.indexOf(imposed) + 1);
  return after.some((entry) => entry.kind === 'forecast' && entry.counts && entry.fact.onBehalfOf === undefined)
    ? standing
    : imposed.to;
}

/** The day on which it was reached. A cancelled one keeps what was asked for when it was cancelled. */
export const actualOf = (book: Book, milestone: Milestone): string | undefined =>
  completeSince(book, {
    from: milestone.introducedOn,
    until: milestone.cancelledOn,
    changedOn: milestone.changedOn,
    askedOn: milestone.askedOn,
    lines: milestone.lines,
    reached: saidToBeReached(book, milestone),
  });

function saidToBeReached(book: Book, milestone: Milestone): string | undefined {
  const words = claimsBefore(book, milestone);
  const inPerson = words.filter(({ onBehalfOf }) => onBehalfOf === undefined);
  const ofBuyer = (facts: readonly Fact[]) => lastByTime(facts.filter((fact) => held(book, fact, 'buyer')));
  const ofResponsible = (facts: readonly Fact[]) =>
    lastByTime(facts.filter((fact) => fact.party === milestone.responsible && !wasOut(book, fact)));
  const ofOthers = lastByTime(words.filter((fact) => !wasOut(book, fact)));
  const word =
    ofBuyer(inPerson) ??
    ofResponsible(inPerson) ??
    ofBuyer(words) ??
    ofResponsible(words) ??
    ofOthers ??
    lastByTime(words);
  return word?.data['on'];
}

/** Claims that bear on it; where only those before something count, as corrections recorded before that left them. */
function claimsBefore(book: Book, milestone: Milestone): Fact[] {
  const before = milestone.claimsBefore;
  if (before === Number.POSITIVE_INFINITY) return claims(book, milestone);
  return ever(book, 'MilestoneReached')
    .filter(({ revision }) => revision < before)
    .flatMap((fact) => {
      const correction = book.selected
        .filter(({ type, revision }) => type === 'EventCorrected' && revision < before)
        .findLast((other) => isNamed(resolved(other, other.data['event']), nameOf(fact)));
      if (correction === undefined) return [{ ...fact, data: fact.sent }];
      const { replacement } = correction.data;
      return replacement === undefined ? [] : [{ ...fact, data: replacement as Data }];
    })
    .filter(({ data }) => data['milestone'] === milestone.milestone);
}

const claims = (book: Book, milestone: Milestone): Fact[] =>
  said(book, 'MilestoneReached').filter(({ data }) => data['milestone'] === milestone.milestone);

export function dates(book: Book, milestone: Milestone) {
  const entries = timeline(book, milestone);
  const { baseline } = milestone;
  const agreed = agreedDate(entries, baseline);
  const imposed = imposing(entries)?.to;
  const standing = standingDate(entries, baseline);
  const actual = actualOf(book, milestone);
  const expected = actual ?? later(standing, milestone.day);
  return {
    baseline,
    agreed,
    imposed: orNull(imposed),
    forecast: orNull(forecastDate(entries)),
    standing,
    actual: orNull(actual),
    claimed: milestone.kind === 'delivery' ? orNull(lastByTime(claims(book, milestone))?.data['on'] as string) : null,
    expected,
    slipDays: daysBetween(baseline, expected),
    lateDays: daysBetween(agreed, expected),
    extensionsAgreedDays: daysBetween(baseline, agreed),
    extensionsImposedDays: imposed === undefined ? 0 : Math.max(0, daysBetween(agreed, imposed)),
    timesRedated: entries.filter(({ kind }) => kind === 'redating').length,
  };
}

export interface Dated extends Milestone {
  readonly dates: ReturnType<typeof dates>;
}
export const datedMilestones = once((book: Book): Dated[] =>
  milestones(book).map((milestone) => ({ ...milestone, dates: dates(book, milestone) })),
);

export function schedule(book: Book) {
  return {
    milestones: datedMilestones(book).map(({ dates: found, ...milestone }) => {
      const entries = timeline(book, milestone);
      const before = (entry: Entry): string =>
        standingDate(entries.slice(0, entries.indexOf(entry)), milestone.baseline);
      return {
        milestone: milestone.milestone,
        line: milestone.line,
        kind: milestone.kind,
        description: milestone.description,
        responsible: milestone.responsible,
        binding: milestone.binding,
        cancelled: milestone.cancelled,
        ...found,
        redatings: entries
          .filter((entry) => entry.kind === 'redating')
          .map((entry) => ({
            amendment: entry.amendment.id,
            by: entry.fact.reporter,
            onBehalfOf: orNull(entry.fact.onBehalfOf),
            recordedtime: entry.fact.recordedtime,
            from: before(entry),
            to: entry.to,
            days: daysBetween(before(entry), entry.to),
            consulted: entry.fact.data['consulted'] as readonly string[],
            rationale: entry.fact.data['rationale'] as string,
            agreedAt: orNull(entry.amendment.agreement?.recordedtime),
            refusedAt: orNull(entry.amendment.refusal?.recordedtime),
          })),
        forecasts: entries
          .filter((entry) => entry.kind === 'forecast')
          .map((entry) => ({
            event: nameOf(entry.fact),
            by: entry.fact.reporter,
            onBehalfOf: orNull(entry.fact.onBehalfOf),
            recordedtime: entry.fact.recordedtime,
            from: before(entry),
            to: entry.to,
            delay: entry.fact.type === 'DelayReported' ? openedId(entry.fact) : null,
            ...correctionShown(entry.fact),
          })),
      };
    }),
  };
}
