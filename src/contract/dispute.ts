/** Disputes: what is claimed and contested, what is answered and submitted, and what an adjudicator decides. */
import { Determination, delayOfDetermination, foldDetermination, foundAtAll, namesOfDetermination } from './delay.js';
import {
  EventReference,
  IsId,
  IsMediaType,
  IsName,
  IsReference,
  IsSha256,
  IsText,
  IsUri,
  ListOfParts,
  Optional,
} from './fields.js';
import { eventType, mention, qualified, refuse, ROLES, type EffectiveEvent, type EventName } from './event-type.js';
import type { ContractModel } from './model.js';

export class DisputeOpened {
  @IsId() readonly dispute!: string;
  @IsText() readonly claim!: string;
  /** Events that it contests. */
  @ListOfParts(() => EventReference) readonly contests!: readonly EventReference[];
  /** What is asked for. */
  @IsText() readonly relief!: string;
}

export class DisputeAnswered {
  @IsReference() readonly dispute!: string;
  @IsText() readonly position!: string;
}

export class DisputeWithdrawn {
  @IsReference() readonly dispute!: string;
  @IsText() readonly reason!: string;
}

export class EvidenceSubmitted {
  @IsReference() readonly dispute!: string;
  @IsId() readonly evidence!: string;
  @IsName() readonly title!: string;
  @IsMediaType() readonly mediaType!: string;
  /** Of the document, which stays outside the ledger. */
  @IsSha256() readonly sha256!: string;
  @Optional() @IsUri() readonly uri?: string;
}

export class DisputeDecided {
  @IsReference() readonly dispute!: string;
  @IsText() readonly decision!: string;
  @Optional() @ListOfParts(() => Determination) readonly determinations?: readonly Determination[];
}

export interface DisputeFacts {
  /** `PARTY/ID`. */
  readonly dispute: string;
  readonly opened: EffectiveEvent<DisputeOpened>;
  readonly contests: readonly Required<EventName>[];
  // Each in recorded order.
  readonly answers: EffectiveEvent<DisputeAnswered>[];
  readonly evidence: EffectiveEvent<EvidenceSubmitted>[];
  readonly decisions: EffectiveEvent<DisputeDecided>[];
  withdrawnAt: string | undefined;
}

/** The dispute that an event is about, noted as changed; `undefined` where it was opened after the day asked about. */
function disputeOf(
  model: ContractModel,
  event: EffectiveEvent<{ readonly dispute: string }>,
): DisputeFacts | undefined {
  const facts = model.disputes.get(qualified('dispute', event.data.dispute, event.party));
  if (facts !== undefined) model.touch('dispute', facts.dispute);
  return facts;
}

/** What was submitted on a dispute, opened or not: what was taken back before its opening does not wait for it, yet stays. */
function evidenceOf(model: ContractModel, dispute: string): EffectiveEvent<EvidenceSubmitted>[] {
  let evidence = model.evidence.get(dispute);
  if (evidence === undefined) model.evidence.set(dispute, (evidence = []));
  return evidence;
}

const aboutDispute = (data: { readonly dispute: string }) => mention('dispute', data.dispute, '/dispute');

export const disputeTypes = [
  eventType<DisputeOpened>({
    type: 'DisputeOpened',
    description: 'A party contests what is recorded, says what it claims, and asks for relief.',
    version: 1,
    payload: DisputeOpened,
    act: true,
    by: ROLES,
    inPersonOnly: true,
    refersTo: (data) => data.contests,
    opens: (data) => ({ kind: 'dispute', id: data.dispute, pointer: '/dispute' }),
    portfolio: { folds: false, keep: ({ dispute }) => ({ dispute }) },
    fold: (model, event) => {
      const dispute = `${event.party}/${event.data.dispute}`;
      model.disputes.set(dispute, {
        dispute,
        opened: event,
        contests: event.data.contests.map(({ id, source }) => ({ id, source: source ?? event.source })),
        answers: [],
        evidence: evidenceOf(model, dispute),
        decisions: [],
        withdrawnAt: undefined,
      });
      model.touch('dispute', dispute);
    },
  }),
  eventType<DisputeAnswered>({
    type: 'DisputeAnswered',
    description: 'A party states its position on a dispute.',
    version: 1,
    payload: DisputeAnswered,
    act: true,
    by: ROLES,
    inPersonOnly: true,
    mentions: aboutDispute,
    fold: (model, event) => {
      disputeOf(model, event)?.answers.push(event);
    },
  }),
  eventType<DisputeWithdrawn>({
    type: 'DisputeWithdrawn',
    description: 'Who opened a dispute withdraws it. What was decided stays decided.',
    version: 1,
    payload: DisputeWithdrawn,
    act: true,
    by: ROLES,
    inPersonOnly: true,
    answers: aboutDispute,
    rules: (_state, { data, party }) =>
      qualified('dispute', data.dispute, party).startsWith(`${party}/`)
        ? undefined
        : refuse('not-permitted', 'only who opened a dispute withdraws it'),
    fold: (model, event) => {
      const facts = disputeOf(model, event);
      if (facts === undefined) return;
      if (facts.withdrawnAt !== undefined || facts.decisions.length > 0)
        model.flag('repeated-answer', event, `dispute ${facts.dispute} had been decided or withdrawn before`);
      facts.withdrawnAt ??= event.recordedtime;
    },
  }),
  eventType<EvidenceSubmitted>({
    type: 'EvidenceSubmitted',
    description: 'A party names a document by its hash; the document itself stays with the parties.',
    version: 1,
    payload: EvidenceSubmitted,
    act: false,
    by: ROLES,
    mentions: aboutDispute,
    opens: (data) => ({ kind: 'evidence', id: data.evidence, pointer: '/evidence' }),
    keeps: (data) => [`evidence ${data.evidence}`, `dispute ${data.dispute}`],
    fold: (model, event) => {
      const evidence = evidenceOf(model, qualified('dispute', event.data.dispute, event.party));
      // What had been held comes after what did not wait.
      const before = evidence.findLastIndex(({ revision }) => revision < event.revision);
      evidence.splice(before + 1, 0, event);
      disputeOf(model, event);
    },
  }),
  eventType<DisputeDecided>({
    type: 'DisputeDecided',
    description: 'An adjudicator decides a dispute, and may determine delays with it.',
    version: 1,
    payload: DisputeDecided,
    act: true,
    by: ['adjudicator'],
    inPersonOnly: true,
    names: (data) =>
      (data.determinations ?? []).flatMap((entry, index) => namesOfDetermination(entry, `/determinations/${index}`)),
    answers: (data) => [
      ...aboutDispute(data),
      ...(data.determinations ?? []).flatMap((entry, index) => delayOfDetermination(entry, `/determinations/${index}`)),
    ],
    refersTo: (data) => (data.determinations ?? []).flatMap(({ evidence }) => evidence),
    portfolio: {
      folds: true,
      keep: ({ dispute, determinations = [] }) => ({ dispute, determinations: determinations.map(foundAtAll) }),
    },
    fold: (model, event) => {
      disputeOf(model, event)?.decisions.push(event);
      for (const determination of event.data.determinations ?? []) foldDetermination(model, event, determination);
    },
  }),
];
