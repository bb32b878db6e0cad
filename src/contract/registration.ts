/** Registration, its confirmation, the parties, and closing: how a contract comes into the ledger and leaves it. */
import {
  IsCountry,
  IsDay,
  IsDays,
  IsFlag,
  IsId,
  IsName,
  IsOneOf,
  IsQuantity,
  IsText,
  IsUnit,
  ListOfParts,
  Money,
  Optional,
  Part,
  RESERVED_PARTIES,
} from './fields.js';
import {
  eventType,
  named,
  nameOf,
  OPERATOR,
  refuse,
  refuseField,
  ROLES,
  type EffectiveEvent,
  type ProposedEvent,
  type Refusal,
  type Role,
  without,
} from './event-type.js';
import type { ContractModel } from './model.js';
import { isAfter } from './model.js';
import type { DecisionState } from './state.js';
import { holdsFrom } from './terms-in-force.js';
import type { FieldProblem } from './validation.js';

/** Most lines, milestones, or party entries that one contract may have. */
export const MAX_ENTRIES = 1_000;

export const MILESTONE_KINDS = ['manufacturing', 'quality', 'shipment', 'delivery', 'payment'] as const;
export type MilestoneKind = (typeof MILESTONE_KINDS)[number];
export const BINDINGS = ['firm', 'estimate'] as const;

export class PartyEntry {
  @IsId() readonly party!: string;
  @IsName() readonly name!: string;
  @IsOneOf(ROLES) readonly role!: Role;
  @IsCountry() readonly country!: string;
}

export class LineTerms {
  @IsId() readonly line!: string;
  @IsText() readonly description!: string;
  @IsQuantity() readonly quantity!: number | string;
  @IsUnit() readonly unit!: string;
  @Part(() => Money) readonly unitValue!: Money;
  @Optional() @IsId() readonly responsible?: string;
  @Optional() @IsName() readonly standard?: string;
}

export class MilestoneTerms {
  @IsId() readonly milestone!: string;
  @Optional() @IsId() readonly line?: string;
  @Optional() @IsQuantity() readonly quantity?: number | string;
  @IsOneOf(MILESTONE_KINDS) readonly kind!: MilestoneKind;
  @IsText() readonly description!: string;
  @IsDay() readonly due!: string;
  @IsOneOf(BINDINGS) readonly binding!: (typeof BINDINGS)[number];
  @Optional() @IsId() readonly responsible?: string;
}

/** Periods in whole days, and whether every report must be signed. */
export class ContractTerms {
  @IsDays() readonly reportEveryDays!: number;
  @IsDays() readonly delayNoticeDays!: number;
  @IsDays() readonly acknowledgeWithinDays!: number;
  @IsDays() readonly resolveWithinDays!: number;
  @IsDays() readonly discrepancyWithinDays!: number;
  @IsDays() readonly settleWithinDays!: number;
  @Optional() @IsFlag() readonly signed?: boolean;
}

export class ContractRegistered {
  @IsName() readonly title!: string;
  /** The case designator. */
  @IsName() readonly reference!: string;
  @IsName() readonly programme!: string;
  @IsDay() readonly signedOn!: string;
  @Part(() => Money) readonly value!: Money;
  @ListOfParts(() => PartyEntry, { min: 2 }) readonly parties!: readonly PartyEntry[];
  @ListOfParts(() => LineTerms, { min: 1 }) readonly lines!: readonly LineTerms[];
  @ListOfParts(() => MilestoneTerms) readonly milestones!: readonly MilestoneTerms[];
  @Part(() => ContractTerms) readonly terms!: ContractTerms;
}

export class RegistrationConfirmed {}

export class Reason {
  @IsText() readonly reason!: string;
}
export class RegistrationContested extends Reason {}
export class ContractClosed extends Reason {}

export class PartyRemoved {
  @IsId() readonly party!: string;
  @IsOneOf(ROLES) readonly role!: Role;
  @IsText() readonly reason!: string;
}
export class PartyAdded extends PartyEntry {}

export const NO_SIGNATURES = 'must be false or left out: this ledger takes no signed reports yet';

/** What is wrong with a registration beyond its single fields: its parties, and what its entries name. */
export function registrationProblems(data: ContractRegistered): readonly FieldProblem[] {
  const problems: FieldProblem[] = [];
  const wrong = (pointer: string, detail: string) => void problems.push({ pointer, detail });
  const roles = new Map<string, Set<Role>>();
  const count = (role: Role): number => data.parties.filter((entry) => entry.role === role).length;
  if (data.terms.signed === true) wrong('/terms/signed', NO_SIGNATURES);
  for (const [index, { party, role }] of data.parties.entries()) {
    if (RESERVED_PARTIES.has(party)) wrong(`/parties/${index}/party`, `"${party}" is reserved`);
    const held = roles.get(party) ?? new Set();
    if (held.has(role)) wrong(`/parties/${index}`, `party ${party} already has the role ${role}`);
    roles.set(party, held.add(role));
  }
  for (const role of ['buyer', 'seller'] as const)
    if (count(role) !== 1) wrong('/parties', `must have exactly one ${role}, has ${count(role)}`);
  if (count('prime') > 1) wrong('/parties', `must have at most one prime, has ${count('prime')}`);
  for (const [party, held] of roles)
    if (held.has('adjudicator') && held.size > 1) wrong('/parties', `adjudicator ${party} must have no other role`);
  const buyer = data.parties.find((entry) => entry.role === 'buyer')?.party;
  if (buyer !== undefined && buyer === data.parties.find((entry) => entry.role === 'seller')?.party)
    wrong('/parties', 'buyer and seller must be two parties');

  const lines = new Set<string>();
  for (const [index, line] of data.lines.entries()) {
    if (lines.has(line.line)) wrong(`/lines/${index}/line`, `line ${line.line} stands twice`);
    lines.add(line.line);
    if (line.unitValue.currency !== data.value.currency)
      wrong(`/lines/${index}/unitValue/currency`, `must be ${data.value.currency}, the currency of the contract`);
    if (line.responsible !== undefined && !roles.has(line.responsible))
      wrong(`/lines/${index}/responsible`, `${line.responsible} is not among the parties`);
  }
  const milestones = new Set<string>();
  for (const [index, milestone] of data.milestones.entries()) {
    if (milestones.has(milestone.milestone))
      wrong(`/milestones/${index}/milestone`, `milestone ${milestone.milestone} stands twice`);
    milestones.add(milestone.milestone);
    if (milestone.line !== undefined && !lines.has(milestone.line))
      wrong(`/milestones/${index}/line`, `there is no line ${milestone.line}`);
    if (milestone.responsible !== undefined && !roles.has(milestone.responsible))
      wrong(`/milestones/${index}/responsible`, `${milestone.responsible} is not among the parties`);
  }
  return problems;
}

/** Whether a registration may stand as that party's: only buyer, seller and operator register. */
function registrar(data: ContractRegistered, party: string): boolean {
  if (party === OPERATOR) return true;
  return data.parties.some((entry) => entry.party === party && (entry.role === 'buyer' || entry.role === 'seller'));
}

type RoleOf = { readonly party: string; readonly role: Role };
const isAmong = (entries: readonly RoleOf[], party: string, role: Role): boolean =>
  entries.some((entry) => entry.party === party && entry.role === role);

/** What is wrong with a corrected registration, given what has been recorded on the contract since. */
export function correctedRegistrationProblems(state: DecisionState, data: ContractRegistered): readonly FieldProblem[] {
  const problems: FieldProblem[] = [];
  const before = state.registration?.parties ?? [];
  if (state.amendments.size > 0 && data.value.currency !== state.currency)
    problems.push({ pointer: '/value/currency', detail: `must stay ${state.currency}: amendments are in it` });
  const added = [...state.parties].flatMap(([party, roles]) =>
    [...roles].filter((role) => !isAmong(before, party, role)).map((role) => ({ party, role })),
  );
  for (const [index, { party, role }] of data.parties.entries()) {
    const pointer = `/parties/${index}`;
    if (isAmong(added, party, role)) problems.push({ pointer, detail: `${party} was added as ${role} since` });
    if (!isAmong(before, party, role)) {
      if (role === 'prime' && added.some((entry) => entry.role === 'prime'))
        problems.push({ pointer, detail: 'another prime was added since; there is at most one' });
      if (state.removed.has(`${party} ${role}`))
        problems.push({ pointer, detail: `${party} was removed as ${role} since; PartyAdded gives the role back` });
    }
    if (state.proposedAdjudicators.has(party))
      problems.push({ pointer, detail: `${party} is adjudicator, or proposed as such, and has no other role` });
  }
  for (const { party, role } of before)
    if (state.acted.has(party) && !isAmong(data.parties, party, role))
      problems.push({ pointer: '/parties', detail: `must keep ${party} as ${role}: it has recorded as that` });
  const others = (known: ReadonlySet<string>, ids: readonly string[]): number =>
    new Set([...known, ...ids]).size > MAX_ENTRIES ? known.size - ids.filter((id) => known.has(id)).length : 0;
  for (const [pointer, known, ids] of [
    ['/lines', state.lines, data.lines.map(({ line }) => line)],
    ['/milestones', state.milestones, data.milestones.map(({ milestone }) => milestone)],
  ] as const) {
    const proposed = others(known, ids);
    if (proposed > 0)
      problems.push({
        pointer,
        detail: `must have at most ${MAX_ENTRIES - proposed}, with the ${proposed} others there are`,
      });
  }
  if (data.parties.length + added.length > MAX_ENTRIES)
    problems.push({ pointer: '/parties', detail: `must have at most ${MAX_ENTRIES} entries with those added since` });
  return problems;
}

/** Takes a registration, or its correction, into the state. */
export function evolveRegistration(
  state: DecisionState,
  event: Pick<ProposedEvent, 'id' | 'source' | 'version' | 'reporter'>,
  data: ContractRegistered,
): void {
  const before = state.registration?.parties ?? [];
  for (const { party, role } of before) {
    const held = state.parties.get(party);
    if (held !== undefined && !isAmong(data.parties, party, role)) state.removeFrom(held, role);
  }
  if (state.registeredBy === undefined) state.assign('registeredBy', event.reporter);
  state.assign('registration', {
    id: event.id,
    source: event.source,
    version: event.version,
    parties: data.parties.map(({ party, role }) => ({ party, role })),
  });
  state.assign('currency', data.value.currency);
  // A role that the registration had given before, and that was taken away since, is not given back by a correction.
  for (const { party, role } of data.parties) if (!isAmong(before, party, role)) state.grant(party, role);
  for (const { party, role } of data.parties) if (role === 'prime') state.addTo(state.sellersPrimes, party);
  // Who confirmed had confirmed other terms.
  for (const party of state.confirmedBy) state.removeFrom(state.confirmedBy, party);
  for (const party of state.contestedBy) state.removeFrom(state.contestedBy, party);
  for (const { line } of data.lines) state.addTo(state.lines, line);
  for (const { milestone } of data.milestones) state.addTo(state.milestones, milestone);
}

/**
 * Whoever of buyer and seller has acted on the registration, and does not contest it as it stands: what it went by is changed by an
 * amendment, which both sides agree to, and not by who registered it alone.
 */
export const standsFor = (state: DecisionState): string | undefined => {
  const others = state.sides().filter((side) => side !== state.registeredBy);
  return others.some((side) => state.contestedBy.has(side)) ? undefined : others.find((side) => state.acted.has(side));
};

function mayConfirm(state: DecisionState, event: ProposedEvent): Refusal | undefined {
  if (!state.sides().includes(event.party) || event.party === state.registeredBy)
    return refuse(
      'not-permitted',
      state.registeredBy === OPERATOR
        ? 'only buyer and seller answer a registration by the operator'
        : 'only the other of buyer and seller answers a registration',
    );
  return undefined;
}

const OPPOSED_ROLES: readonly (readonly [Role, Role])[] = [
  ['buyer', 'prime'],
  ['buyer', 'subcontractor'],
  ['inspector', 'seller'],
  ['inspector', 'prime'],
  ['inspector', 'subcontractor'],
  ['inspector', 'carrier'],
];
/**
 * Roles of which one speaks for who delivers and the other for who receives, each pair both ways: a party that one side makes both
 * would put its own word in the place of the other's.
 */
const OPPOSED = OPPOSED_ROLES.flatMap(([one, other]) => [[one, other] as const, [other, one] as const]);

function partyRules(state: DecisionState, event: ProposedEvent<PartyAdded | PartyRemoved>): Refusal | undefined {
  const { party, role } = event.data;
  if (role === 'buyer' || role === 'seller' || role === 'adjudicator')
    return refuseField('not-permitted', '/role', `the role of ${role} is neither given nor taken away this way`);
  if (RESERVED_PARTIES.has(party)) return refuseField('invalid-event', '/party', `"${party}" is reserved`);
  const bySide = state.has(event.party, 'buyer', 'seller');
  if (!bySide && role !== 'subcontractor' && role !== 'carrier')
    return refuseField('not-permitted', '/role', 'a prime adds and removes only subcontractors and carriers');
  return undefined;
}

/** Of what seller or prime say to the buyer: a prime whom the buyer alone brought in does not say it for them. */
export const answersAsSeller = (state: DecisionState, { party }: ProposedEvent): Refusal | undefined =>
  state.answersAsSeller(party)
    ? undefined
    : refuse('not-permitted', `the buyer alone made ${party} prime: it does not answer for who delivers`);

function foldRegistration(model: ContractModel, event: EffectiveEvent<ContractRegistered>): void {
  const { data } = event;
  model.registration = {
    by: event.reporter,
    revision: event.revision,
    event: nameOf(event),
    title: data.title,
    reference: data.reference,
    programme: data.programme,
    signedOn: data.signedOn,
    value: data.value,
    terms: data.terms,
    lines: data.lines,
    milestones: data.milestones,
    recordedtime: event.recordedtime,
    correctedBy: event.correctedBy,
  };
  model.parties = [...data.parties];
  for (const { party, role } of data.parties) model.noteGiven(party, role);
  model.noteLead(event.revision);
  model.termsChanged();
}

const withoutRole = ({ parties }: ContractModel, { party, role }: RoleOf): PartyEntry[] =>
  parties.filter((entry) => entry.party !== party || entry.role !== role);

export const registrationTypes = [
  eventType<ContractRegistered>({
    type: 'ContractRegistered',
    description:
      'Buyer, seller or operator puts a contract into the ledger. Binds when the other side has confirmed it.',
    version: 1,
    payload: ContractRegistered,
    act: true,
    aboutRegistration: true,
    by: [],
    inPersonOnly: true,
    keeps: (data) => [
      ...data.lines.map((line) => `line ${line.line}`),
      ...data.milestones.map((milestone) => `milestone ${milestone.milestone}`),
    ],
    rules: (_state, event) => {
      const problems = registrationProblems(event.data);
      if (problems.length > 0) return refuse('invalid-registration', 'the registration contradicts itself', problems);
      if (!registrar(event.data, event.party))
        return refuse('not-permitted', `${event.party} is neither buyer nor seller of this contract nor the operator`);
      return undefined;
    },
    evolve: (state, event) => evolveRegistration(state, event, event.data),
    fold: foldRegistration,
    dates: ({ milestones }) => milestones.map(({ milestone, due }) => ({ milestone, date: due })),
    portfolio: {
      folds: true,
      named: true,
      keep: (data) => ({
        ...data,
        parties: data.parties.map(({ party, role }) => ({ party, role })),
        lines: data.lines.map(({ line, quantity, unitValue, responsible }) => ({
          line,
          quantity,
          unitValue,
          ...(responsible === undefined ? {} : { responsible }),
        })),
        milestones: data.milestones.map((milestone) => without(milestone, 'description')),
      }),
    },
  }),
  eventType<RegistrationConfirmed>({
    type: 'RegistrationConfirmed',
    description: 'The other side (both, where the operator registered) confirms the registration.',
    version: 1,
    payload: RegistrationConfirmed,
    act: true,
    aboutRegistration: true,
    by: ['buyer', 'seller'],
    inPersonOnly: true,
    rules: mayConfirm,
    evolve: (state, event) => state.addTo(state.confirmedBy, event.party),
    fold: (model, event) => {
      if (model.confirmations.has(event.party)) {
        model.flag('repeated-answer', event, `${event.party} had confirmed before`);
        return;
      }
      model.confirmations.set(event.party, event.recordedtime);
      model.touched.registration = true;
      const sides = [model.holder('buyer'), model.holder('seller')].filter((side) => side !== model.registration?.by);
      if (sides.every((side) => side === undefined || model.confirmations.has(side)))
        model.confirmedAt ??= event.recordedtime;
    },
  }),
  eventType<RegistrationContested>({
    type: 'RegistrationContested',
    description: 'The other side (either, where the operator registered) contests the registration.',
    version: 1,
    payload: RegistrationContested,
    act: true,
    aboutRegistration: true,
    by: ['buyer', 'seller'],
    inPersonOnly: true,
    rules: mayConfirm,
    evolve: (state, event) => state.addTo(state.contestedBy, event.party),
    fold: (model, event) => {
      if (model.contested !== undefined && !isAfter(event, model.contested)) return;
      model.touched.registration = true;
      model.contested = { time: event.time, revision: event.revision, recordedtime: event.recordedtime };
    },
  }),
  eventType<PartyAdded>({
    type: 'PartyAdded',
    description: 'Buyer, seller or (for subcontractors and carriers) prime adds a party, which may report at once.',
    version: 1,
    payload: PartyAdded,
    act: true,
    by: ['buyer', 'seller', 'prime'],
    inPersonOnly: true,
    rules: (state, event) => {
      const { party, role } = event.data;
      const refused = partyRules(state, event);
      if (refused !== undefined) return refused;
      if (state.has(party, role)) return refuseField('invalid-event', '/role', `${party} is ${role} already`);
      if (state.has(party, 'adjudicator'))
        return refuseField('invalid-event', '/party', `${party} is adjudicator and may have no other role`);
      // Whoever had the opposed role before, and has recorded something, speaks for that side still.
      const had = (other: Role): boolean => state.acted.has(party) && state.removed.has(`${party} ${other}`);
      const held = OPPOSED.find(([one, other]) => role === one && (state.has(party, other) || had(other)))?.[1];
      if (held !== undefined)
        return refuseField(
          'not-permitted',
          '/role',
          `${party} is or was ${held} and cannot be made ${role} as well by one side; only a registration, which the other side confirms, gives one party both`,
        );
      const prime = state.holder('prime');
      if (role === 'prime' && prime !== undefined)
        return refuseField('invalid-event', '/role', `${prime} is prime; remove it first`);
      if (state.partyEntries() >= MAX_ENTRIES)
        return refuse('limit-exceeded', `a contract has at most ${MAX_ENTRIES} party entries`);
      return undefined;
    },
    evolve: (state, event) => {
      const { party, role } = event.data;
      state.grant(party, role);
      if (role === 'prime' && !state.has(event.party, 'buyer')) state.addTo(state.sellersPrimes, party);
    },
    portfolio: { folds: true, keep: ({ party, role }) => ({ party, role }) },
    fold: (model, event) => {
      // On a day before it was removed the party has the role already.
      model.parties = [...withoutRole(model, event.data), event.data];
      model.noteGiven(event.data.party, event.data.role, model.holds(event.party, 'buyer') ? 'buyer' : 'seller');
      model.noteLead(event.revision);
    },
  }),
  eventType<PartyRemoved>({
    type: 'PartyRemoved',
    description: 'A party loses a role. What it recorded keeps its effect.',
    version: 1,
    payload: PartyRemoved,
    act: true,
    by: ['buyer', 'seller', 'prime'],
    inPersonOnly: true,
    names: (data) => named('party', data.party, '/party'),
    rules: (state, event) => {
      const { party, role } = event.data;
      const refused = partyRules(state, event);
      if (refused !== undefined) return refused;
      return state.has(party, role) ? undefined : refuseField('invalid-event', '/role', `${party} is not ${role}`);
    },
    evolve: (state, event) => {
      const held = state.parties.get(event.data.party);
      if (held !== undefined) state.removeFrom(held, event.data.role);
      state.addTo(state.removed, `${event.data.party} ${event.data.role}`);
      if (event.data.role === 'prime' && !state.has(event.party, 'buyer'))
        state.removeFrom(state.sellersPrimes, event.data.party);
    },
    portfolio: { folds: true, keep: ({ party, role }) => ({ party, role }) },
    fold: (model, { data, revision, party }) => {
      model.parties = withoutRole(model, data);
      model.noteTaken(data.party, data.role, model.holds(party, 'buyer') ? 'buyer' : 'seller');
      model.noteLead(revision);
    },
  }),
  eventType<ContractClosed>({
    type: 'ContractClosed',
    description: 'One side closes; the contract is closed once both have.',
    version: 1,
    payload: ContractClosed,
    act: true,
    by: ['buyer', 'seller'],
    inPersonOnly: true,
    portfolio: { folds: true, keep: () => ({}) },
    fold: (model, event) => {
      const time = holdsFrom(model, event);
      if (time === undefined) return;
      const side = model.holds(event.party, 'buyer') ? 'buyer' : 'seller';
      if (model.closings.has(side)) {
        model.flag('repeated-answer', event, `the ${side} had closed before`);
        return;
      }
      const closing = { time, revision: event.revision, event: nameOf(event) };
      model.closings.set(side, closing);
      const other = model.closings.get(side === 'buyer' ? 'seller' : 'buyer');
      if (other === undefined) {
        model.flag('one-sided', event, `only the ${side} has closed`);
      } else {
        model.unflag('one-sided', other.revision);
        model.closed = isAfter(closing, other) ? closing : other;
        model.termsChanged();
      }
    },
  }),
];
