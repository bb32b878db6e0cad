/** Corrections: the party that reported an event replaces what it said, or takes it back. Both stay on record. */
import { noteCorrected } from './corrected-dates.js';
import { EventReference, IsAnyObject, IsOneOf, Optional, Part } from './fields.js';
import {
  eventType,
  refuse,
  refuseField,
  type ContractEvent,
  type DecisionContext,
  type EventTypeDefinition,
  type TypeReading,
} from './event-type.js';
import type { ProposedEvent, Refusal } from './event-type.js';
import {
  correctedRegistrationProblems,
  evolveRegistration,
  registrationProblems,
  standsFor,
  type ContractRegistered,
} from './registration.js';
import type { DecisionState } from './state.js';
import { validatePayload } from './validation.js';

/** The type of the events that correct others. */
export const CORRECTION = 'EventCorrected';

export class EventCorrected {
  @Part(() => EventReference) readonly event!: EventReference;
  @IsOneOf(['incorrect-data', 'did-not-occur']) readonly reason!: 'incorrect-data' | 'did-not-occur';
  /** The whole data, as it should have been; of the type and version of the event that it corrects. */
  @Optional() @IsAnyObject() readonly replacement?: Record<string, unknown>;
}

/** What a correction needs of the registry; handed in, because the registry holds the correction too. */
export interface TypeAccess extends TypeReading {
  /** The general rules about names, for a replacement as if it were reported anew. */
  checkNames(state: DecisionState, definition: EventTypeDefinition, data: object): Refusal | undefined;
  /** That nothing is said to have happened on a day to come. */
  checkHappened(
    definition: EventTypeDefinition,
    data: object,
    context: Pick<DecisionContext, 'latest'>,
  ): Refusal | undefined;
}

/** The event that a correction names. */
export const correctedName = (event: Pick<ContractEvent<EventCorrected>, 'source' | 'data'>) => ({
  id: event.data.event.id,
  source: event.data.event.source ?? event.source,
});

export function correctionTypes(types: TypeAccess) {
  function rules(
    state: DecisionState,
    event: ProposedEvent<EventCorrected>,
    context: DecisionContext,
  ): Refusal | undefined {
    const { reason, replacement } = event.data;
    const original = context.lookup(correctedName(event));
    if (original === undefined)
      return refuseField('unknown-event', '/event', 'there is no such event on this contract');
    const definition = types.definitionOf(original.type);
    if (definition === undefined)
      return refuseField('not-correctable', '/event', `type ${original.type} is not known here`);
    if (original.reporter !== event.reporter)
      return refuseField('not-permitted', '/event', `only ${original.reporter}, which reported it, corrects it`);
    const isRegistration = state.registration?.id === original.id && state.registration.source === original.source;
    if (isRegistration) {
      if (state.confirmed) return refuseField('not-correctable', '/event', 'the registration has been confirmed');
      if (reason === 'did-not-occur')
        return refuseField('not-correctable', '/reason', 'a registration cannot be said not to have occurred');
      const side = standsFor(state);
      if (side !== undefined)
        return refuseField(
          'not-correctable',
          '/event',
          `${side} has acted on the registration: an amendment that both sides agree to changes the contract, or a correction once ${side} has contested it`,
        );
    } else if (definition.act)
      return refuseField('not-correctable', '/event', `${original.type} is an act; a later act supersedes it`);
    if (reason === 'did-not-occur')
      return replacement === undefined
        ? undefined
        : refuseField('invalid-event', '/replacement', 'an event that did not occur has no replacement');
    if (replacement === undefined)
      return refuseField('invalid-event', '/replacement', 'must have the whole data as it should have been');
    const data = types.upcast(original.type, original.version, replacement);
    return replacementProblems(state, definition, original, data, context);
  }

  function replacementProblems(
    state: DecisionState,
    definition: EventTypeDefinition,
    original: ContractEvent,
    data: unknown,
    context: DecisionContext,
  ): Refusal | undefined {
    const problems = validatePayload(definition.payload, data);
    const at = (pointer: string) => `/replacement${pointer}`;
    if (problems.length > 0)
      return refuse(
        'invalid-event',
        `the replacement is no ${definition.type}`,
        problems.map(({ pointer, detail }) => ({ pointer: at(pointer), detail })),
      );
    const replaced = data as object;
    const kept = new Set(definition.keeps?.(replaced) ?? []);
    const missing = (definition.keeps?.(original.data as object) ?? []).filter((id) => !kept.has(id));
    if (missing.length > 0)
      return refuseField('invalid-event', at(''), `must keep what the original introduced: ${missing[0]}`);
    const refused =
      definition.type === 'ContractRegistered'
        ? registrationRefusal(state, replaced as ContractRegistered, original)
        : (types.checkNames(state, definition, replaced) ??
          definition.checkData?.(replaced) ??
          types.checkHappened(definition, replaced, context));
    return refused === undefined
      ? undefined
      : { ...refused, problems: refused.problems.map(({ pointer, detail }) => ({ pointer: at(pointer), detail })) };
  }

  return [
    eventType<EventCorrected>({
      type: CORRECTION,
      description: 'The reporter of an event replaces its data or says that it did not occur.',
      version: 1,
      payload: EventCorrected,
      act: true,
      by: [],
      inPersonOnly: true,
      aboutRegistration: true,
      rules,
      evolve: (state, event) => {
        const name = correctedName(event);
        if (state.registration?.id !== name.id || state.registration.source !== name.source) return;
        const data = types.upcast('ContractRegistered', state.registration.version, event.data.replacement);
        const { version } = state.registration;
        evolveRegistration(state, { ...name, version, reporter: event.reporter }, data as ContractRegistered);
      },
      fold: (model, event) => {
        model.corrected = true;
        const name = correctedName(event);
        const of = model.revisionOf(name);
        if (of !== undefined) noteCorrected(types, model, event, of, event.data.replacement ?? null);
        const { registration } = model;
        if (registration?.event.id !== name.id || registration.event.source !== name.source) return;
        // Whoever confirmed before had confirmed other terms. That it was contested is still true.
        model.confirmations.clear();
        model.confirmedAt = undefined;
        model.touched.registration = true;
      },
    }),
  ];
}

function registrationRefusal(
  state: DecisionState,
  data: ContractRegistered,
  original: ContractEvent,
): Refusal | undefined {
  const problems = [...registrationProblems(data), ...correctedRegistrationProblems(state, data)];
  if (problems.length > 0) return refuse('invalid-registration', 'the registration contradicts itself', problems);
  const sides = data.parties.filter((entry) => entry.role === 'buyer' || entry.role === 'seller');
  return original.party === 'operator' || sides.some((entry) => entry.party === original.party)
    ? undefined
    : refuse('not-permitted', `${original.party} must stay buyer or seller`, [
        { pointer: '/parties', detail: `must have ${original.party} as buyer or seller` },
      ]);
}
