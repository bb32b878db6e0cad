/** The one decider of a contract: all families joined, and the one generic path from an event to its decision. */
import { amendmentTypes } from './amendment.js';
import { compareInstants, dayNumber, dayOf } from './calendar.js';
import { noteCorrected, noteStated, type Correction } from './corrected-dates.js';
import { CORRECTION, correctionTypes, type TypeAccess } from './correction.js';
import { delayTypes } from './delay.js';
import { discrepancyTypes } from './discrepancy.js';
import { disputeTypes } from './dispute.js';
import {
  LEDGER,
  OPERATOR,
  qualified,
  refuse,
  refuseField,
  type DecisionContext,
  type EffectiveEvent,
  type EventTypeDefinition,
  type Mention,
  type ProposedEvent,
  type Refusal,
  type Role,
} from './event-type.js';
import type { NameKey } from './id-table.js';
import { manufacturingTypes } from './manufacturing.js';
import type { ContractModel } from './model.js';
import { endDaysBefore, obligationTypes } from './obligations.js';
import { paymentTypes } from './payment.js';
import { qualityTypes } from './quality.js';
import { reviewQuantities } from './quantity-flags.js';
import { registrationTypes } from './registration.js';
import { noteReport } from './reporting.js';
import { scheduleTypes } from './schedule.js';
import { shipmentTypes } from './shipment.js';
import { eventKey, type DecisionState } from './state.js';

export type ContractErrorCode = 'unknown-type' | 'unknown-version';

/** Thrown where stored events hold what this program does not know: it must not fold without it. */
export class ContractError extends Error {
  override readonly name = 'ContractError';
  readonly code: ContractErrorCode;
  constructor(code: ContractErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

const access: TypeAccess = { definitionOf, upcast, checkNames, checkHappened };

/** All event types of a contract. A further family is one file and one line here. */
export const eventTypes: readonly EventTypeDefinition[] = [
  ...registrationTypes,
  ...amendmentTypes,
  ...scheduleTypes,
  ...manufacturingTypes,
  ...qualityTypes,
  ...shipmentTypes,
  ...delayTypes,
  ...discrepancyTypes,
  ...paymentTypes,
  ...disputeTypes,
  ...obligationTypes,
  ...correctionTypes(access),
];

const byType: ReadonlyMap<string, EventTypeDefinition> = new Map(
  eventTypes.map((definition) => [definition.type, definition]),
);

export function definitionOf(type: string): EventTypeDefinition | undefined {
  return byType.get(type);
}

/**
 * Brings data of an older version of its type up to the newest.
 * @throws ContractError `unknown-type`, `unknown-version`
 */
export function upcast(type: string, version: number, data: unknown): unknown {
  const definition = byType.get(type);
  if (definition === undefined) throw new ContractError('unknown-type', `event type "${type}" is not known here`);
  return broughtUp(definition, version, data);
}

/** One step after the other, from the version it has to the newest. @throws ContractError `unknown-version` */
export function broughtUp(
  { type, version: newest, upcasters }: Pick<EventTypeDefinition, 'type' | 'version' | 'upcasters'>,
  version: number,
  data: unknown,
): unknown {
  if (!(version >= 1 && version <= newest)) throw unknownVersion(type, version);
  let brought = data;
  for (let at = version; at < newest; at += 1) {
    const step = upcasters?.[at];
    if (step === undefined) throw unknownVersion(type, version);
    brought = step(brought);
  }
  return brought;
}

const unknownVersion = (type: string, version: number): ContractError =>
  new ContractError('unknown-version', `version ${version} of event type "${type}" is not known here`);

/** How far ahead of the ledger's clock the `time` of an event may be. */
const MAX_AHEAD_MS = 5 * 60_000;

/** The latest `time` that an event may have when the ledger's clock says `now` (ms since the epoch, UTC). */
export const latestTime = (now: number): string => new Date(now + MAX_AHEAD_MS).toISOString();

/**
 * Decides whether an event may be recorded. Pure: what the clock says and the events that are named come in. Shape has
 * been checked before; duplicates have been found before.
 * @returns `undefined` where it may, else why not
 */
export function decide(
  state: DecisionState,
  event: ProposedEvent<object>,
  context: DecisionContext,
): Refusal | undefined {
  const definition = byType.get(event.type);
  if (definition === undefined) return refuseField('unknown-type', '/type', `"${event.type}" is no event type`);
  if (compareInstants(event.time, context.latest) > 0)
    return refuseField('time-in-future', '/time', 'must be at most five minutes ahead of the ledger’s clock');
  const registers = event.type === 'ContractRegistered';
  if (state.registeredBy === undefined && !registers)
    return refuse('unknown-contract', `there is no contract ${event.contract}`);
  if (state.registeredBy !== undefined && registers)
    return refuseField('already-registered', '/subject', `contract ${event.contract} has been registered`);
  return placed(
    event,
    checkRights(state, definition, event) ??
      inData(checkNames(state, definition, event.data)) ??
      inData(checkReferences(state, definition, event.data)) ??
      inData(checkOpened(state, definition, event)) ??
      inData(definition.checkData?.(event.data)) ??
      inData(checkHappened(definition, event.data, context)) ??
      inData(definition.rules?.(state, event, context)),
  );
}

/** A refusal that names no field is about who reports, or about the data as a whole. */
function placed({ onBehalfOf }: ProposedEvent, refusal: Refusal | undefined): Refusal | undefined {
  if (refusal === undefined || refusal.problems.length > 0) return refusal;
  const who = onBehalfOf === undefined ? '/source' : '/onbehalfof';
  return {
    ...refusal,
    problems: [{ pointer: refusal.code === 'not-permitted' ? who : '/data', detail: refusal.detail }],
  };
}

/** `PARTY/ID` names a party that the contract has or had, whether the rest has been heard of or not. */
function checkReferences(state: DecisionState, definition: EventTypeDefinition, data: object): Refusal | undefined {
  for (const { kind, reference, pointer } of mentionsOf(definition, data)) {
    const slash = kind === 'shipment' ? -1 : reference.indexOf('/');
    const party = reference.slice(0, Math.max(0, slash));
    if (slash !== -1 && !state.parties.has(party))
      return refuseField('unknown-reference', pointer, `the contract has never had a party ${party}`);
  }
  return undefined;
}

/** Pointers of the rules are below `data`; those of the answer are below the event. */
function inData(refusal: Refusal | undefined): Refusal | undefined {
  return refusal === undefined
    ? undefined
    : { ...refusal, problems: refusal.problems.map(({ pointer, detail }) => ({ pointer: `/data${pointer}`, detail })) };
}

const MAY_RECORD_FOR_OTHERS: readonly Role[] = ['buyer', 'seller', 'prime'];

function checkRights(
  state: DecisionState,
  definition: EventTypeDefinition,
  event: ProposedEvent<object>,
): Refusal | undefined {
  const { reporter, party, onBehalfOf } = event;
  if (definition.ledgerOnly === true)
    return reporter === LEDGER ? undefined : refuse('not-permitted', `${event.type} is reported by the ledger alone`);
  if (state.registeredBy === undefined) return onBehalfOf === undefined ? undefined : notOnBehalf(event.type);
  if (reporter === OPERATOR || reporter === LEDGER)
    return definition.type === CORRECTION && state.registeredBy === reporter
      ? undefined
      : refuse('not-permitted', `${reporter} reports no ${event.type}`);
  if (!state.acts(reporter)) return refuseField('not-permitted', '/source', noParty(state, reporter));
  if (onBehalfOf !== undefined) {
    if (onBehalfOf === reporter)
      return refuseField('not-permitted', '/onbehalfof', 'must be another party than the one that reports');
    if (definition.inPersonOnly === true) return notOnBehalf(event.type);
    if (!state.has(reporter, ...MAY_RECORD_FOR_OTHERS))
      return refuseField('not-permitted', '/onbehalfof', 'only buyer, seller and prime record for another party');
    if (!state.acts(party)) return refuseField('not-permitted', '/onbehalfof', noParty(state, party));
  }
  if (definition.by.length > 0 && !state.has(party, ...definition.by))
    return refuseField(
      'not-permitted',
      onBehalfOf === undefined ? '/source' : '/onbehalfof',
      `${event.type} is reported by ${definition.by.join(', ')}; ${party} is ${[...(state.parties.get(party) ?? [])].join(', ') || 'none of them'}`,
    );
  return undefined;
}

const notOnBehalf = (type: string): Refusal =>
  refuseField('not-permitted', '/onbehalfof', `${type} is never recorded on behalf of another party`);

function checkNames(state: DecisionState, definition: EventTypeDefinition, data: object): Refusal | undefined {
  for (const { kind, id, pointer } of definition.names?.(data) ?? []) {
    const known =
      kind === 'line'
        ? state.lines.has(id)
        : kind === 'milestone'
          ? state.milestones.has(id)
          : kind === 'party'
            ? state.parties.has(id) || state.proposedAdjudicators.has(id)
            : state.amendments.has(id);
    if (!known) return refuseField('unknown-reference', pointer, `the contract has never had ${kind} ${id}`);
  }
  return undefined;
}

function checkHappened(
  definition: EventTypeDefinition,
  data: object,
  { latest }: Pick<DecisionContext, 'latest'>,
): Refusal | undefined {
  for (const { day, pointer } of definition.happenedOn?.(data) ?? [])
    if (day > dayOf(latest)) return refuseField('time-in-future', pointer, 'must not be a day to come');
  return undefined;
}

const noParty = (state: DecisionState, party: string): string =>
  state.parties.has(party)
    ? `${party} has no role in this contract any more: it was taken away, and can be given again`
    : `${party} is no party of this contract`;

function checkOpened(
  state: DecisionState,
  definition: EventTypeDefinition,
  event: ProposedEvent<object>,
): Refusal | undefined {
  const opens = definition.opens?.(event.data);
  if (opens !== undefined && opens.kind !== 'shipment') {
    const name = qualified(opens.kind, opens.id, event.party);
    if (state.openedAt(opens.kind, name) !== undefined)
      return refuseField(
        'id-in-use',
        opens.pointer,
        `there is a ${opens.kind} ${name} already, recorded by ${event.party} or in its name: it needs another id`,
      );
  }
  for (const { kind, reference, pointer } of definition.answers?.(event.data) ?? NONE) {
    const name = qualified(kind, reference, event.party);
    if (state.openedAt(kind, name) === undefined)
      return refuseField('unknown-reference', pointer, `there is no ${kind} ${name}`);
  }
  return undefined;
}

/** Takes an event that is recorded at `revision` into the state. `name` is its key, where that is known already. */
export function evolve(
  state: DecisionState,
  event: ProposedEvent<object>,
  revision: number,
  name: NameKey = eventKey(event.source, event.id),
): void {
  const definition = byType.get(event.type);
  if (definition === undefined) throw new ContractError('unknown-type', `event type "${event.type}" is not known here`);
  state.addSeen(name, revision);
  if (definition.aboutRegistration !== true) {
    state.addTo(state.acted, event.reporter);
    state.addTo(state.acted, event.party);
  }
  const opens = definition.opens?.(event.data);
  if (opens !== undefined) state.addOpened(opens.kind, qualified(opens.kind, opens.id, event.party), revision);
  definition.evolve?.(state, event);
}

/** Data with more characters than this are not counted as one thing of their kind, but by their length. */
const LARGE_TEXT = 1_000;

/**
 * Takes an effective event into the facts. Events come in recorded order, each as the last correction left it.
 * One that names something not heard of yet is flagged and held; it takes effect when that arrives.
 * @throws ContractError `unknown-type`
 */
export function fold(model: ContractModel, event: EffectiveEvent): void {
  const definition = byType.get(event.type);
  if (definition === undefined) throw new ContractError('unknown-type', `event type "${event.type}" is not known here`);
  const effective = event as EffectiveEvent<object>;
  // What was due on the days before this one is judged by what was recorded by then.
  endDaysBefore(model, dayNumber(dayOf(event.recordedtime)));
  model.revision = event.revision;
  model.position = event.position;
  model.recordedtime = event.recordedtime;
  if (event.dataText.length > LARGE_TEXT) model.largeText += event.dataText.length;
  model.touched.events.push(event);
  model.touched.portfolio.push(definition.portfolio);
  model.heardOf(event, event.revision);
  // On a day before its registration a contract is not there, whatever was said to have happened then.
  if (model.registration === undefined && event.type !== 'ContractRegistered') return;
  if (definition.ledgerOnly === true) model.reckoning.notice(event.id);
  if (!event.withdrawn) {
    if (event.onBehalfOf !== undefined)
      model.flag('second-hand', event, `recorded by ${event.reporter} on behalf of ${event.onBehalfOf}`);
    if (model.closed !== undefined && compareInstants(event.time, model.closed.time) > 0)
      model.flag('after-closing', event, 'happened after the contract was closed');
    const refersTo = definition.refersTo?.(effective.data);
    if (refersTo !== undefined)
      model.refer(
        event,
        refersTo.map(({ id, source }) => ({ id, source: source ?? event.source })),
      );
  }
  const terms = model.termsVersion;
  takeIn(model, definition, effective);
  if (model.termsVersion !== terms) reviewQuantities(model);
}

/**
 * The part of an event's data that the sums over the portfolio need; `undefined` where they need nothing of it.
 * @throws ContractError `unknown-type`
 */
export function portfolioPart(type: string, data: object): object | undefined {
  const definition = byType.get(type);
  if (definition === undefined) throw new ContractError('unknown-type', `event type "${type}" is not known here`);
  return definition.portfolio?.keep(data);
}

/**
 * As {@link fold}, of an event with {@link portfolioPart} for data: takes in what the sums over the portfolio are computed
 * from, and nothing else. Neither flags nor what was missed is reckoned, and nothing tells what was touched.
 */
export function foldForPortfolio(model: ContractModel, event: EffectiveEvent<object>): void {
  const definition = byType.get(event.type);
  if (definition === undefined) throw new ContractError('unknown-type', `event type "${event.type}" is not known here`);
  model.recordedtime = event.recordedtime;
  if (model.registration === undefined && event.type !== 'ContractRegistered') return;
  takeIn(model, definition, event, true);
}

/**
 * As {@link foldForPortfolio}, of a correction: the events it is about have been folded as it left them, and what is left to tell
 * is which dates it changed.
 * @param of revision of the event that it corrects
 * @param replacement `null` where that did not occur
 */
export function foldCorrectionForPortfolio(
  model: ContractModel,
  correction: Correction,
  of: number,
  replacement: object | null,
): void {
  noteCorrected(access, model, correction, of, replacement);
}

/** Lets an event take effect, or holds it until all that it speaks of has been heard of. */
function takeIn(
  model: ContractModel,
  definition: EventTypeDefinition,
  event: EffectiveEvent<object>,
  forPortfolio = false,
): void {
  noteStated(model, definition, event);
  const mentions = event.withdrawn ? NONE : mentionsOf(definition, event.data);
  if (mentions.length > 0) {
    const names = mentions.map(({ kind, reference }) => ({ kind, id: qualified(kind, reference, event.party) }));
    if (model.mention(names, event)) return;
  }
  takeEffect(model, definition, event, mentions, forPortfolio);
}

function takeEffect(
  model: ContractModel,
  definition: EventTypeDefinition,
  event: EffectiveEvent<object>,
  mentions: readonly Mention[],
  forPortfolio: boolean,
): void {
  if (!forPortfolio || definition.portfolio?.folds === true) definition.fold?.(model, event);
  if (!event.withdrawn) noteReport(model, definition, event, mentions);
  const opens = definition.opens?.(event.data);
  if (opens === undefined) return;
  for (const held of model.open(opens.kind, qualified(opens.kind, opens.id, event.party), event.withdrawn)) {
    const released = byType.get(held.event.type);
    if (released === undefined) continue;
    const { parties } = model;
    model.parties = held.parties;
    takeEffect(model, released, held.event, mentionsOf(released, held.event.data), forPortfolio);
    model.parties = parties;
  }
}

function mentionsOf(definition: EventTypeDefinition, data: object): readonly Mention[] {
  const answers = definition.answers?.(data) ?? NONE;
  const mentions = definition.mentions?.(data) ?? NONE;
  return answers.length === 0 ? mentions : mentions.length === 0 ? answers : [...answers, ...mentions];
}

const NONE: readonly Mention[] = [];
