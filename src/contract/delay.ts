/**
 * Delays: reported by whom and how late, acknowledged, mitigated, resolved, escalated by the ledger, and determined by an
 * adjudicator. What a reporter blames is an allegation; only a determination finds anybody accountable.
 */
import {
  EventReference,
  IsCount,
  IsDay,
  IsId,
  IsName,
  IsOneOf,
  IsReference,
  IsSpan,
  IsText,
  ListOf,
  ListOfParts,
  Optional,
  Part,
} from './fields.js';
import {
  eventType,
  mention,
  named,
  nameOf,
  qualified,
  refuse,
  refuseField,
  reportedBy,
  type ContractEvent,
  type EffectiveEvent,
  type EventName,
  type Mention,
  type Named,
  type ProposedEvent,
  type Refusal,
} from './event-type.js';
import { insertByStand, isAfter, type ContractModel, type Stand } from './model.js';
import { missedRules } from './obligations.js';
import { answersAsSeller } from './registration.js';
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

export class MitigationProposed {
  @IsReference() readonly delay!: string;
  @IsText() readonly plan!: string;
  /** How many days the plan is to win back. */
  @IsSpan() readonly recoversDays!: number;
  /** The party that carries it out. */
  @IsId() readonly by!: string;
}

export class MitigationAccepted {
  @IsReference() readonly delay!: string;
}

export const SHARE_CLASSES = ['compensable', 'excusable', 'non-excusable'] as const;
/** Words in the place of a party: days that nobody, or several together, are accountable for. */
export const FORCE_MAJEURE = 'force-majeure';
export const CONCURRENT = 'concurrent';

/** Part of a finding: so many days, of which class, and on whose account. */
export class Share {
  @IsSpan() readonly days!: number;
  @IsOneOf(SHARE_CLASSES) readonly class!: (typeof SHARE_CLASSES)[number];
  /** A party, `force-majeure` or `concurrent`. */
  @IsId() readonly accountable!: string;
  /** Whose causes concurred. */
  @Optional() @ListOf('id') readonly between?: readonly string[];
}

/** What an adjudicator finds about a delay and a milestone. A later finding about the same two takes its place. */
export class Determination {
  @IsReference() readonly delay!: string;
  @IsId() readonly milestone!: string;
  @ListOfParts(() => Share) readonly shares!: readonly Share[];
  @IsText() readonly reasons!: string;
  /** Events that it rests on. */
  @ListOfParts(() => EventReference) readonly evidence!: readonly EventReference[];
}
export class DelayDetermined extends Determination {}

export const ESCALATION_STEPS = ['acknowledge', 'resolve'] as const;
export type EscalationStep = (typeof ESCALATION_STEPS)[number];

export class DelayEscalated {
  @IsReference() readonly delay!: string;
  @IsOneOf(ESCALATION_STEPS) readonly step!: EscalationStep;
  /** The day by which it was to be done. */
  @IsDay() readonly overdueSince!: string;
  /** 1 on the day after that, one more for each further such period. */
  @IsCount() readonly level!: number;
}

/** Who recorded it, and for whom. */
type Reported = ReturnType<typeof reportedBy>;

export interface MitigationFacts extends Stand, Reported {
  readonly event: Required<EventName>;
  readonly recordedtime: string;
  readonly plan: string;
  readonly recoversDays: number;
  readonly carriedOutBy: string;
}

export interface DeterminationFacts extends Stand {
  readonly event: Required<EventName>;
  readonly recordedtime: string;
  /** `PARTY/ID`. */
  readonly delay: string;
  readonly milestone: string;
  readonly shares: readonly Share[];
  readonly reasons: string;
  readonly evidence: readonly Required<EventName>[];
}

export interface EscalationFacts {
  readonly event: Required<EventName>;
  readonly recordedtime: string;
  readonly step: EscalationStep;
  readonly level: number;
  readonly overdueSince: string;
}

type Answer = Stand & { readonly recordedtime: string };

export interface DelayFacts extends Stand, Reported {
  /** `PARTY/ID`. */
  readonly delay: string;
  /** Whose report it is. */
  readonly party: string;
  readonly event: Required<EventName>;
  readonly recordedtime: string;
  readonly startedOn: string;
  readonly cause: Cause;
  readonly remedy: string | undefined;
  readonly withdrawn: boolean;
  readonly correctedBy: EffectiveEvent['correctedBy'];
  /** Whether it is the buyer's report: then seller or prime acknowledge it. */
  readonly byBuyer: boolean;
  /** The first that was recorded. */
  acknowledgedAt: Answer | undefined;
  /** The last by {@link Stand}. */
  resolved: (Answer & { readonly resolvedOn: string; readonly actualDays: number }) | undefined;
  /** In order of {@link Stand}. */
  readonly mitigations: MitigationFacts[];
  readonly acceptances: Answer[];
  /** In recorded order. */
  readonly determinations: DeterminationFacts[];
  readonly escalations: EscalationFacts[];
}

const delayMention = (data: { readonly delay: string }) => mention('delay', data.delay, '/delay');

/** Who acknowledges: the buyer; seller or prime, where the buyer reported. */
function acknowledgeRules(state: DecisionState, event: ProposedEvent<DelayAcknowledged>): Refusal | undefined {
  const owner = qualified('delay', event.data.delay, event.party).split('/')[0] ?? '';
  if (state.has(owner, 'buyer') && state.has(event.party, 'seller', 'prime')) return answersAsSeller(state, event);
  return !state.has(owner, 'buyer') && state.has(event.party, 'buyer')
    ? undefined
    : refuse('not-permitted', 'a delay is acknowledged by the buyer; one the buyer reported, by seller or prime');
}

function foldReported(model: ContractModel, event: EffectiveEvent<DelayReported>): void {
  const { data } = event;
  const delay = `${event.party}/${data.delay}`;
  model.delays.set(delay, {
    delay,
    party: event.party,
    ...reportedBy(event),
    event: nameOf(event),
    time: event.time,
    revision: event.revision,
    recordedtime: event.recordedtime,
    startedOn: data.startedOn,
    cause: data.cause,
    remedy: data.remedy,
    withdrawn: event.withdrawn,
    correctedBy: event.correctedBy,
    byBuyer: model.holds(event.party, 'buyer'),
    acknowledgedAt: undefined,
    resolved: undefined,
    mitigations: [],
    acceptances: [],
    determinations: [],
    escalations: [],
  });
  model.touch('delay', delay);
  if (event.withdrawn) return;
  for (const { milestone, forecast } of data.forecasts) foldForecast(model, event, milestone, forecast, delay);
}

/** The delay that an event is about, noted as changed; `undefined` where its `time` is after the day asked about. */
function delayOf(model: ContractModel, event: EffectiveEvent<{ readonly delay: string }>): DelayFacts | undefined {
  const delay = model.delays.get(qualified('delay', event.data.delay, event.party));
  if (delay !== undefined) model.touch('delay', delay.delay);
  return delay;
}

const standOf = ({ time, revision, recordedtime }: ContractEvent) => ({ time, revision, recordedtime });

function foldResolved(model: ContractModel, event: EffectiveEvent<DelayResolved>): void {
  if (event.withdrawn) return;
  const delay = delayOf(model, event);
  if (delay === undefined || (delay.resolved !== undefined && !isAfter(event, delay.resolved))) return;
  const { resolvedOn, actualDays } = event.data;
  delay.resolved = { ...standOf(event), resolvedOn, actualDays };
}

export const namesOfDetermination = ({ milestone, shares }: Determination, at = ''): Named[] => [
  ...named('milestone', milestone, `${at}/milestone`),
  ...shares.flatMap(({ accountable, between }, index) => [
    ...(accountable === FORCE_MAJEURE || accountable === CONCURRENT
      ? []
      : named('party', accountable, `${at}/shares/${index}/accountable`)),
    ...(between ?? []).flatMap((party, entry) => named('party', party, `${at}/shares/${index}/between/${entry}`)),
  ]),
];

export const delayOfDetermination = ({ delay }: Determination, at = ''): readonly Mention[] =>
  mention('delay', delay, `${at}/delay`);

/** Takes a finding into the facts, whether it was made by itself or in the decision of a dispute. */
export function foldDetermination(model: ContractModel, event: EffectiveEvent, data: Determination): void {
  const name = qualified('delay', data.delay, event.party);
  const delay = model.delays.get(name);
  if (delay === undefined) return; // the report's `time` is after the day asked about
  const found: DeterminationFacts = {
    time: event.time,
    revision: event.revision,
    recordedtime: event.recordedtime,
    event: nameOf(event),
    delay: name,
    milestone: data.milestone,
    shares: data.shares,
    reasons: data.reasons,
    evidence: data.evidence.map(({ id, source }) => ({ id, source: source ?? event.source })),
  };
  delay.determinations.push(found);
  model.touch('delay', name);
  const { determined } = model.milestone(data.milestone);
  const latest = determined.get(name);
  // Two findings of one decision about the same have one stand: the later in its list is the one that holds.
  if (latest === undefined || !isAfter(latest, found)) determined.set(name, found);
}

/**
 * The day from which the notice of a delay is counted: that on which it began, and no later one than its report gave when something
 * was found of it. A finding rests on what was said then, and no correction since takes anything from how late the notice was.
 */
export function noticedFrom(model: ContractModel, { startedOn, revision, determinations }: DelayFacts): string {
  const began = model.stated.get(revision)?.began ?? [];
  let earliest = startedOn;
  for (const found of determinations) {
    const said = began.findLast((each) => each.revision < found.revision)?.day;
    if (said !== undefined && said < earliest) earliest = said;
  }
  return earliest;
}

/** That something was found of a delay, and nothing of what: so much bears on how the delay was noticed. */
export const foundAtAll = ({ delay, milestone }: Determination): Determination => ({
  delay,
  milestone,
  shares: [],
  reasons: '',
  evidence: [],
});

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
    began: ({ startedOn }) => startedOn,
    dates: ({ forecasts }) => forecasts.map(({ milestone, forecast }) => ({ milestone, date: forecast })),
    portfolio: {
      folds: true,
      named: true,
      keep: ({ delay, startedOn, forecasts }) => ({ delay, startedOn, forecasts, cause: {} }),
    },
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
    answers: delayMention,
    rules: acknowledgeRules,
    fold: (model, event) => {
      const delay = delayOf(model, event);
      if (delay === undefined) return;
      if (delay.acknowledgedAt !== undefined) {
        model.flag('repeated-answer', event, `delay ${delay.delay} had been acknowledged before`);
        return;
      }
      delay.acknowledgedAt = standOf(event);
    },
  }),
  eventType<MitigationProposed>({
    type: 'MitigationProposed',
    description: 'A plan to win back days that a delay costs.',
    version: 1,
    payload: MitigationProposed,
    act: false,
    by: ['seller', 'prime', 'subcontractor'],
    names: (data) => named('party', data.by, '/by'),
    mentions: delayMention,
    evolve: (state, event) => state.addTo(state.mitigated, qualified('delay', event.data.delay, event.party)),
    fold: (model, event) => {
      if (event.withdrawn) return;
      const delay = delayOf(model, event);
      if (delay === undefined) return;
      const { plan, recoversDays, by } = event.data;
      const proposed = { event: nameOf(event), ...reportedBy(event), plan, recoversDays, carriedOutBy: by };
      insertByStand(delay.mitigations, { ...standOf(event), ...proposed });
    },
  }),
  eventType<MitigationAccepted>({
    type: 'MitigationAccepted',
    description: 'The buyer accepts the plan that was last proposed. It excuses no delay by that.',
    version: 1,
    payload: MitigationAccepted,
    act: true,
    by: ['buyer'],
    inPersonOnly: true,
    answers: delayMention,
    rules: (state, { data, party }) =>
      state.mitigated.has(qualified('delay', data.delay, party))
        ? undefined
        : refuseField('unknown-reference', '/delay', `no mitigation of delay ${data.delay} has been proposed`),
    fold: (model, event) => {
      delayOf(model, event)?.acceptances.push(standOf(event));
    },
  }),
  eventType<DelayResolved>({
    type: 'DelayResolved',
    description: 'Seller or prime states that a delay is over and how many days it took.',
    version: 1,
    payload: DelayResolved,
    act: false,
    by: ['seller', 'prime'],
    inPersonOnly: true,
    mentions: delayMention,
    rules: answersAsSeller,
    happenedOn: ({ resolvedOn }) => [{ day: resolvedOn, pointer: '/resolvedOn' }],
    portfolio: { folds: true, keep: (data) => data },
    fold: foldResolved,
  }),
  eventType<DelayDetermined>({
    type: 'DelayDetermined',
    description: 'An adjudicator finds who is accountable for how many days of a delay of a milestone.',
    version: 1,
    payload: DelayDetermined,
    act: true,
    by: ['adjudicator'],
    inPersonOnly: true,
    names: (data) => namesOfDetermination(data),
    answers: (data) => delayOfDetermination(data),
    refersTo: (data) => data.evidence,
    portfolio: { folds: true, keep: foundAtAll },
    fold: (model, event) => foldDetermination(model, event, event.data),
  }),
  eventType<DelayEscalated>({
    type: 'DelayEscalated',
    description: 'The ledger notices that a delay was not acknowledged, or not resolved, in the time the terms give.',
    version: 1,
    payload: DelayEscalated,
    act: true,
    by: [],
    ledgerOnly: true,
    answers: delayMention,
    rules: missedRules,
    fold: (model, event) => {
      const delay = delayOf(model, event);
      if (delay === undefined) return;
      const { step, level, overdueSince } = event.data;
      delay.escalations.push({
        event: nameOf(event),
        recordedtime: event.recordedtime,
        step,
        level,
        overdueSince,
      });
    },
  }),
];
