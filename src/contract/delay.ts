/** Delays: reported by whom and how late, acknowledged, resolved. What a reporter blames is an allegation. */
import { IsCount, IsDay, IsId, IsName, IsOneOf, IsReference, IsText, ListOfParts, Optional, Part } from './fields.js';
import {
  eventType,
  mention,
  named,
  qualified,
  refuse,
  refuseField,
  type EffectiveEvent,
  type ProposedEvent,
  type Refusal,
} from './event-type.js';
import { isAfter, type ContractModel } from './model.js';
import { foldForecast } from './schedule.js';
import type { DecisionState } from './state.js';

export const LOCI = ['buyer', 'seller', 'prime', 'subcontractor', 'carrier', 'force-majeure', 'undetermined'] as const;

/** What the reporter says the delay comes from. */
export class Cause {
  @IsName() readonly code!: string;
  @IsOneOf(LOCI) readonly locus!: (typeof LOCI)[number];
  @Optional() @IsId() readonly party?: string;
  @IsText() readonly detail!: string;
}

export class MilestoneForecast {
  @IsId() readonly milestone!: string;
  @IsDay() readonly forecast!: string;
}

export class DelayReported {
  @IsId() readonly delay!: string;
  @Part(() => Cause) readonly cause!: Cause;
  @IsDay() readonly startedOn!: string;
  @ListOfParts(() => MilestoneForecast) readonly forecasts!: readonly MilestoneForecast[];
  @Optional() @IsText() readonly remedy?: string;
}

export class DelayAcknowledged {
  @IsReference() readonly delay!: string;
}

export class DelayResolved {
  @IsReference() readonly delay!: string;
  @IsDay() readonly resolvedOn!: string;
  @IsCount() readonly actualDays!: number;
}

const delayMention = (data: { readonly delay: string }) => mention('delay', data.delay, '/delay');

/** Who acknowledges: the buyer; seller or prime, where the buyer reported. */
function acknowledgeRules(state: DecisionState, event: ProposedEvent<DelayAcknowledged>): Refusal | undefined {
  const owner = qualified('delay', event.data.delay, event.party).split('/')[0] ?? '';
  const ok = state.has(owner, 'buyer') ? state.has(event.party, 'seller', 'prime') : state.has(event.party, 'buyer');
  return ok
    ? undefined
    : refuse('not-permitted', 'a delay is acknowledged by the buyer; one the buyer reported, by seller or prime');
}

function foldReported(model: ContractModel, event: EffectiveEvent<DelayReported>): void {
  const { data } = event;
  const delay = `${event.party}/${data.delay}`;
  model.delays.set(delay, {
    delay,
    party: event.party,
    reporter: event.reporter,
    event: { id: event.id, source: event.source },
    time: event.time,
    revision: event.revision,
    recordedtime: event.recordedtime,
    startedOn: data.startedOn,
    cause: data.cause,
    withdrawn: event.withdrawn,
    acknowledgedAt: undefined,
    resolved: undefined,
  });
  if (event.withdrawn) return;
  for (const { milestone, forecast } of data.forecasts) foldForecast(model, event, milestone, forecast, delay);
}

function foldResolved(model: ContractModel, event: EffectiveEvent<DelayResolved>): void {
  if (event.withdrawn) return;
  const name = qualified('delay', event.data.delay, event.party);
  const delay = model.delays.get(name);
  if (delay === undefined) return; // held until it is there
  if (delay.resolved !== undefined && !isAfter(event, delay.resolved)) return;
  const { resolvedOn, actualDays } = event.data;
  const { time, revision, recordedtime } = event;
  delay.resolved = { time, revision, recordedtime, resolvedOn, actualDays };
}

export const delayTypes = [
  eventType<DelayReported>({
    type: 'DelayReported',
    description: 'A party reports a delay, what it says caused it, and the dates it now expects.',
    version: 1,
    payload: DelayReported,
    act: false,
    by: ['seller', 'prime', 'subcontractor', 'carrier', 'buyer'],
    names: (data) => [
      ...named('party', data.cause.party, '/cause/party'),
      ...data.forecasts.flatMap((entry, index) => named('milestone', entry.milestone, `/forecasts/${index}/milestone`)),
    ],
    opens: (data) => ({ kind: 'delay', id: data.delay, pointer: '/delay' }),
    keeps: (data) => [`delay ${data.delay}`],
    checkData: (data) => {
      const twice = data.forecasts.findIndex(
        (entry, index) => data.forecasts.findIndex((other) => other.milestone === entry.milestone) !== index,
      );
      return twice === -1
        ? undefined
        : refuseField('invalid-event', `/forecasts/${twice}/milestone`, 'a milestone has one forecast in one report');
    },
    fold: foldReported,
  }),
  eventType<DelayAcknowledged>({
    type: 'DelayAcknowledged',
    description: 'The other side has taken note of a delay. It does not agree to it by that.',
    version: 1,
    payload: DelayAcknowledged,
    act: true,
    by: ['buyer', 'seller', 'prime'],
    inPersonOnly: true,
    answers: (data) => delayMention(data)[0],
    rules: acknowledgeRules,
    fold: (model, event) => {
      const delay = model.delays.get(qualified('delay', event.data.delay, event.party));
      if (delay === undefined) return; // its `time` is after the day that is asked about
      if (delay.acknowledgedAt !== undefined) {
        model.flag('repeated-answer', event, `delay ${delay.delay} had been acknowledged before`);
        return;
      }
      delay.acknowledgedAt = { time: event.time, revision: event.revision, recordedtime: event.recordedtime };
    },
  }),
  eventType<DelayResolved>({
    type: 'DelayResolved',
    description: 'Seller or prime states that a delay is over and how many days it took.',
    version: 1,
    payload: DelayResolved,
    act: false,
    by: ['seller', 'prime'],
    mentions: delayMention,
    fold: foldResolved,
  }),
];
