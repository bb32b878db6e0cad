/**
 * Dates that were moved by correcting what had stated them: a forecast, a report of a delay, or the registration before it was
 * confirmed. Read models show an event as its last correction leaves it, as if it had always said so; who corrected which date
 * when, and from what to what, is kept here.
 */
import {
  nameOf,
  qualified,
  type EffectiveEvent,
  type EventName,
  type EventTypeDefinition,
  type TypeReading,
} from './event-type.js';
import type { ContractModel, Stand } from './model.js';

/** A date that an event gives a milestone. */
export interface StatedDate {
  readonly milestone: string;
  readonly date: string;
}

/** What an event says of dates, as far as its corrections were folded; kept only of events that were corrected. */
export interface StatedDates {
  readonly event: Required<EventName>;
  readonly type: string;
  readonly version: number;
  /** `PARTY/ID` of the delay that it reported. */
  readonly delay: string | undefined;
  dates: readonly StatedDate[];
  /** What it says of the day on which its delay began: as it was sent, and by each correction since, with their revisions. */
  readonly began: { readonly revision: number; readonly day: string }[];
  /** Which milestone it says was reached, on which day; of none where it was taken back. Likewise with revisions. */
  readonly claimed: { readonly revision: number; readonly milestone: string | undefined; readonly on: string }[];
}

/** A correction that changed the date which an event gives a milestone. */
export interface CorrectedDate extends Stand {
  readonly milestone: string;
  /** What the event said of it until then; `undefined` for nothing. */
  readonly from: string | undefined;
  /** What it says since; `undefined` where that was taken back. */
  readonly to: string | undefined;
  /** Who corrected it. */
  readonly by: string;
  readonly recordedtime: string;
  /** The correction. */
  readonly event: Required<EventName>;
  readonly corrects: Required<EventName>;
  /** `PARTY/ID` of the delay whose report was corrected. */
  readonly delay: string | undefined;
}

/** Notes what an event said when it was sent, where it was corrected since. */
export function noteStated(model: ContractModel, definition: EventTypeDefinition, event: EffectiveEvent<object>): void {
  if (event.correctedBy === undefined) return;
  const { type, version, revision, asSent } = event;
  const claim = definition.claims?.(asSent);
  const dates = definition.dates?.(asSent) ?? (claim === undefined ? undefined : []);
  if (dates === undefined) return;
  const opens = definition.opens?.(asSent);
  const delay = opens?.kind === 'delay' ? qualified('delay', opens.id, event.party) : undefined;
  const day = definition.began?.(asSent);
  const began = day === undefined ? [] : [{ revision, day }];
  const claimed = claim === undefined ? [] : [{ revision, ...claim }];
  model.stated.set(revision, { event: nameOf(event), type, version, delay, dates, began, claimed });
}

/** What is kept of a correction. */
export type Correction = Pick<EffectiveEvent, 'id' | 'source' | 'reporter' | 'time' | 'recordedtime' | 'revision'>;

/**
 * Takes in that a correction changes the dates which an event gives; what the event says is brought up to date.
 * @param of revision of the event that it corrects
 * @param replacement its data by the correction; `null` where it did not occur
 */
export function noteCorrected(
  types: TypeReading,
  model: ContractModel,
  correction: Correction,
  of: number,
  replacement: object | null,
): void {
  const stated = model.stated.get(of);
  if (stated === undefined) return;
  const { type, version } = stated;
  const definition = types.definitionOf(type);
  const data = replacement === null ? undefined : (types.upcast(type, version, replacement) as object);
  const dates = (data && definition?.dates?.(data)) ?? [];
  const day = data && definition?.began?.(data);
  if (day !== undefined) stated.began.push({ revision: correction.revision, day });
  if (definition?.claims !== undefined) {
    const claim = data && definition.claims(data);
    stated.claimed.push({ revision: correction.revision, milestone: claim?.milestone, on: claim?.on ?? '' });
  }
  const [before, since] = [byMilestone(stated.dates), byMilestone(dates)];
  const { time, recordedtime, revision, reporter: by } = correction;
  for (const milestone of new Set([...before.keys(), ...since.keys()])) {
    const [from, to] = [before.get(milestone), since.get(milestone)];
    if (from === to) continue;
    const corrected = { milestone, from, to, by, time, recordedtime, revision, event: nameOf(correction) };
    model.correctedDate({ ...corrected, corrects: stated.event, delay: stated.delay });
  }
  stated.dates = dates;
}

const byMilestone = (dates: readonly StatedDate[]): ReadonlyMap<string, string> =>
  new Map(dates.map(({ milestone, date }) => [milestone, date]));
