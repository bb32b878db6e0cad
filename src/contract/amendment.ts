/** Amendments: offered by one side, binding once the other has agreed. Re-dating alone shows as an imposed date. */
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
  ListOf,
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
  refuse,
  refuseField,
  type EffectiveEvent,
  type Named,
  type ProposedEvent,
  type Refusal,
} from './event-type.js';
import { isAfter, type AmendmentFacts, type ContractModel } from './model.js';
import { BINDINGS, MAX_ENTRIES, MILESTONE_KINDS, NO_SIGNATURES, Reason, type MilestoneKind } from './registration.js';
import type { DecisionState } from './state.js';
import { holdsFrom, isWholeLine, isWholeMilestone } from './terms-in-force.js';
import type { FieldProblem } from './validation.js';

/** `{milestone, due, binding?}` re-dates, `{milestone, cancelled: true}` cancels, all of kind, description, due and binding give it whole. */
export class AmendedMilestone {
  @IsId() readonly milestone!: string;
  @Optional() @IsDay() readonly due?: string;
  @Optional() @IsOneOf(BINDINGS) readonly binding?: (typeof BINDINGS)[number];
  @Optional() @IsOneOf([true]) readonly cancelled?: true;
  @Optional() @IsId() readonly line?: string;
  @Optional() @IsQuantity() readonly quantity?: number | string;
  @Optional() @IsOneOf(MILESTONE_KINDS) readonly kind?: MilestoneKind;
  @Optional() @IsText() readonly description?: string;
  @Optional() @IsId() readonly responsible?: string;
}

/** Any of quantity, unitValue and responsible change a line, `{line, cancelled: true}` cancels it, all of description, quantity, unit and unitValue give it whole. */
export class AmendedLine {
  @IsId() readonly line!: string;
  @Optional() @IsQuantity() readonly quantity?: number | string;
  @Optional() @Part(() => Money) readonly unitValue?: Money;
  @Optional() @IsId() readonly responsible?: string;
  @Optional() @IsOneOf([true]) readonly cancelled?: true;
  @Optional() @IsText() readonly description?: string;
  @Optional() @IsUnit() readonly unit?: string;
  @Optional() @IsName() readonly standard?: string;
}

export class AmendedTerms {
  @Optional() @IsDays() readonly reportEveryDays?: number;
  @Optional() @IsDays() readonly delayNoticeDays?: number;
  @Optional() @IsDays() readonly acknowledgeWithinDays?: number;
  @Optional() @IsDays() readonly resolveWithinDays?: number;
  @Optional() @IsDays() readonly discrepancyWithinDays?: number;
  @Optional() @IsDays() readonly settleWithinDays?: number;
  @Optional() @IsFlag() readonly signed?: boolean;
}

export class AddedAdjudicator {
  @IsId() readonly party!: string;
  @IsName() readonly name!: string;
  @IsCountry() readonly country!: string;
}

export class ContractAmended {
  @IsId() readonly amendment!: string;
  /** Parties that were asked before. */
  @ListOf('id') readonly consulted!: readonly string[];
  @IsText() readonly rationale!: string;
  @Optional() @ListOfParts(() => AmendedMilestone) readonly milestones?: readonly AmendedMilestone[];
  @Optional() @ListOfParts(() => AmendedLine) readonly lines?: readonly AmendedLine[];
  @Optional() @Part(() => Money) readonly value?: Money;
  @Optional() @Part(() => AmendedTerms) readonly terms?: AmendedTerms;
  @Optional() @ListOfParts(() => AddedAdjudicator) readonly adjudicators?: readonly AddedAdjudicator[];
}
export type AmendmentData = ContractAmended;

export class AmendmentAgreed {
  @IsId() readonly amendment!: string;
}
export class AmendmentRefused extends Reason {
  @IsId() readonly amendment!: string;
}

const present = (entry: object): string[] =>
  Object.entries(entry).flatMap(([name, value]) => (value === undefined ? [] : [name]));

/** What is wrong with an amendment beyond its single fields. */
function amendmentProblems(state: DecisionState, data: ContractAmended): readonly FieldProblem[] {
  const problems: FieldProblem[] = [];
  const wrong = (pointer: string, detail: string) => void problems.push({ pointer, detail });
  if (present(data).every((name) => name === 'amendment' || name === 'consulted' || name === 'rationale'))
    wrong('', 'must amend something: milestones, lines, value, terms or adjudicators');
  const newLines = new Set<string>();
  const twice = new Set<string>();
  for (const [index, line] of (data.lines ?? []).entries()) {
    const pointer = `/lines/${index}`;
    if (twice.has(line.line)) wrong(`${pointer}/line`, `line ${line.line} stands twice`);
    twice.add(line.line);
    if (line.unitValue !== undefined && line.unitValue.currency !== state.currency)
      wrong(`${pointer}/unitValue/currency`, `must be ${state.currency}, the currency of the contract`);
    if (line.cancelled === true) {
      if (present(line).length > 2) wrong(pointer, 'a cancelled line is given with nothing else');
    } else if (isWholeLine(line)) newLines.add(line.line);
    else if (line.description !== undefined || line.unit !== undefined || line.standard !== undefined)
      wrong(pointer, 'a whole line needs description, quantity, unit and unitValue');
    else if (present(line).length < 2) wrong(pointer, 'must change something of the line');
    if (!state.lines.has(line.line) && !newLines.has(line.line))
      wrong(`${pointer}/line`, `there is no line ${line.line}; a new one is given whole`);
  }
  twice.clear();
  for (const [index, milestone] of (data.milestones ?? []).entries()) {
    const pointer = `/milestones/${index}`;
    if (twice.has(milestone.milestone)) wrong(`${pointer}/milestone`, `milestone ${milestone.milestone} stands twice`);
    twice.add(milestone.milestone);
    const whole = isWholeMilestone(milestone);
    if (milestone.cancelled === true) {
      if (present(milestone).length > 2) wrong(pointer, 'a cancelled milestone is given with nothing else');
    } else if (!whole && milestone.due === undefined) wrong(`${pointer}/due`, 'must have the new date');
    else if (!whole && present(milestone).some((name) => !['milestone', 'due', 'binding'].includes(name)))
      wrong(pointer, 'a whole milestone needs kind, description, due and binding; a re-dating only due and binding');
    if (!whole && !state.milestones.has(milestone.milestone))
      wrong(`${pointer}/milestone`, `there is no milestone ${milestone.milestone}; a new one is given whole`);
    if (milestone.line !== undefined && !state.lines.has(milestone.line) && !newLines.has(milestone.line))
      wrong(`${pointer}/line`, `there is no line ${milestone.line}`);
  }
  if (data.value !== undefined && data.value.currency !== state.currency)
    wrong('/value/currency', `must be ${state.currency}, the currency of the contract`);
  twice.clear();
  for (const [index, { party }] of (data.adjudicators ?? []).entries()) {
    const pointer = `/adjudicators/${index}/party`;
    if (RESERVED_PARTIES.has(party)) wrong(pointer, `"${party}" is reserved`);
    if (twice.has(party)) wrong(pointer, `${party} stands twice`);
    twice.add(party);
    if ((state.parties.get(party)?.size ?? 0) > 0)
      wrong(pointer, `${party} has a role already; an adjudicator has no other`);
  }
  if (data.terms?.signed === true) wrong('/terms/signed', NO_SIGNATURES);
  if (data.terms !== undefined && present(data.terms).length === 0) wrong('/terms', 'must change something');
  return problems;
}

function amendmentRules(state: DecisionState, event: ProposedEvent<ContractAmended>): Refusal | undefined {
  const { data } = event;
  if (state.amendments.has(data.amendment))
    return refuseField('id-in-use', '/amendment', `there is an amendment ${data.amendment} already`);
  const problems = amendmentProblems(state, data);
  if (problems.length > 0) return refuse('invalid-event', 'the amendment contradicts itself or the contract', problems);
  const more = (known: ReadonlySet<string>, ids: readonly string[]): number =>
    known.size + ids.filter((id) => !known.has(id)).length;
  if (
    more(
      state.lines,
      (data.lines ?? []).map((entry) => entry.line),
    ) > MAX_ENTRIES ||
    more(
      state.milestones,
      (data.milestones ?? []).map((entry) => entry.milestone),
    ) > MAX_ENTRIES ||
    state.partyEntries() + (data.adjudicators ?? []).length > MAX_ENTRIES
  )
    return refuse('limit-exceeded', `a contract has at most ${MAX_ENTRIES} lines, milestones and party entries each`);
  return undefined;
}

const sideOf = (state: DecisionState, party: string): 'buyer' | 'seller' =>
  state.has(party, 'buyer') ? 'buyer' : 'seller';

function answerRules(state: DecisionState, event: ProposedEvent<AmendmentAgreed>): Refusal | undefined {
  const amendment = state.amendments.get(event.data.amendment);
  if (amendment !== undefined && !amendment.secondHand && amendment.side === sideOf(state, event.party))
    return refuse('not-permitted', 'only the other of buyer and seller answers an amendment');
  return undefined;
}

/** As {@link answerRules}; and whoever would become adjudicator must have no other role by now. */
function agreeRules(state: DecisionState, event: ProposedEvent<AmendmentAgreed>): Refusal | undefined {
  const refused = answerRules(state, event);
  const amendment = state.amendments.get(event.data.amendment);
  if (refused !== undefined || amendment === undefined) return refused;
  const busy = amendment.adjudicators.find((party) =>
    [...(state.parties.get(party) ?? [])].some((role) => role !== 'adjudicator'),
  );
  return busy === undefined
    ? undefined
    : refuseField('invalid-event', '/amendment', `${busy} has a role by now; an adjudicator has no other`);
}

/** Whether the agreements recorded so far make an amendment binding. */
export const isBinding = (
  side: 'buyer' | 'seller',
  secondHand: boolean,
  agreedBy: { has(side: 'buyer' | 'seller'): boolean },
): boolean =>
  secondHand ? agreedBy.has('buyer') && agreedBy.has('seller') : agreedBy.has(side === 'buyer' ? 'seller' : 'buyer');

function namesOf(data: ContractAmended): Named[] {
  return [
    ...data.consulted.flatMap((party, index) => named('party', party, `/consulted/${index}`)),
    ...(data.lines ?? []).flatMap((line, index) => named('party', line.responsible, `/lines/${index}/responsible`)),
    ...(data.milestones ?? []).flatMap((milestone, index) =>
      named('party', milestone.responsible, `/milestones/${index}/responsible`),
    ),
  ];
}

function foldAgreed(model: ContractModel, event: EffectiveEvent<AmendmentAgreed>): void {
  const from = holdsFrom(model, event);
  if (from === undefined) return;
  const amendment = model.amendments.get(event.data.amendment);
  if (amendment === undefined) return; // its `time` is after the day that is asked about
  const side = model.holds(event.party, 'buyer') ? 'buyer' : 'seller';
  if (amendment.agreement !== undefined || amendment.agreedBy.has(side)) {
    model.flag('repeated-answer', event, `amendment ${amendment.amendment} had been agreed before`);
    return;
  }
  amendment.agreedBy.set(side, { time: from, recordedtime: event.recordedtime, revision: event.revision });
  if (!isBinding(amendment.side, amendment.onBehalfOf !== undefined, amendment.agreedBy)) return;
  // Where both had to agree, it holds from the day of the later of the two, whichever was recorded first; and never from
  // before it was offered, whenever the agreement is said to have been given.
  const { time } = [amendment, ...amendment.agreedBy.values()].reduce((a, b) => (isAfter(a, b) ? a : b));
  amendment.agreement = { time, recordedtime: event.recordedtime, revision: event.revision };
  for (const { party, name, country } of amendment.data.adjudicators ?? [])
    if (!model.holds(party, 'adjudicator'))
      model.parties = [...model.parties, { party, name, role: 'adjudicator', country }];
  model.noteLead(event.revision);
  model.termsChanged();
}

const briefly = <T extends { readonly description?: string }>(entry: T): T =>
  entry.description === undefined ? entry : { ...entry, description: '' };

export const amendmentTypes = [
  eventType<ContractAmended>({
    type: 'ContractAmended',
    description: 'One side offers to change dates, lines, value or terms, and says who was consulted.',
    version: 1,
    payload: ContractAmended,
    act: true,
    by: ['buyer', 'seller'],
    names: namesOf,
    portfolio: {
      folds: true,
      named: true,
      // Descriptions tell what is given whole; what they say does not matter.
      keep: (data) => ({
        ...data,
        ...(data.lines === undefined ? {} : { lines: data.lines.map(briefly) }),
        ...(data.milestones === undefined ? {} : { milestones: data.milestones.map(briefly) }),
      }),
    },
    rules: amendmentRules,
    evolve: (state, { data, party, onBehalfOf }) => {
      state.put(state.amendments, data.amendment, {
        side: sideOf(state, party),
        secondHand: onBehalfOf !== undefined,
        adjudicators: (data.adjudicators ?? []).map((entry) => entry.party),
        agreedBy: new Set<string>(),
      });
      for (const { party: adjudicator } of data.adjudicators ?? [])
        state.addTo(state.proposedAdjudicators, adjudicator);
      for (const entry of data.lines ?? []) if (isWholeLine(entry)) state.addTo(state.lines, entry.line);
      for (const entry of data.milestones ?? [])
        if (isWholeMilestone(entry)) state.addTo(state.milestones, entry.milestone);
    },
    fold: (model, event) => {
      const facts: AmendmentFacts = {
        amendment: event.data.amendment,
        by: event.reporter,
        side: model.holds(event.party, 'buyer') ? 'buyer' : 'seller',
        onBehalfOf: event.onBehalfOf,
        event: nameOf(event),
        time: event.time,
        revision: event.revision,
        recordedtime: event.recordedtime,
        data: event.data,
        agreedBy: new Map(),
        agreement: undefined,
        refusedBy: new Set(),
        refusedAt: undefined,
      };
      model.amendments.set(facts.amendment, facts);
      model.termsChanged();
    },
  }),
  eventType<AmendmentAgreed>({
    type: 'AmendmentAgreed',
    description: 'The other side agrees; from then on the amendment binds.',
    version: 1,
    payload: AmendmentAgreed,
    act: true,
    by: ['buyer', 'seller'],
    inPersonOnly: true,
    names: (data) => named('amendment', data.amendment, '/amendment'),
    rules: agreeRules,
    portfolio: { folds: true, keep: (data) => data },
    evolve: (state, event) => {
      const amendment = state.amendments.get(event.data.amendment);
      if (amendment === undefined) return;
      const bound = () => isBinding(amendment.side, amendment.secondHand, amendment.agreedBy);
      const before = bound();
      state.addTo(amendment.agreedBy, sideOf(state, event.party));
      if (!before && bound()) for (const party of amendment.adjudicators) state.grant(party, 'adjudicator');
    },
    fold: foldAgreed,
  }),
  eventType<AmendmentRefused>({
    type: 'AmendmentRefused',
    description: 'The other side refuses. It may still agree later.',
    version: 1,
    payload: AmendmentRefused,
    act: true,
    by: ['buyer', 'seller'],
    inPersonOnly: true,
    names: (data) => named('amendment', data.amendment, '/amendment'),
    rules: answerRules,
    portfolio: { folds: true, keep: ({ amendment }) => ({ amendment }) },
    fold: (model, event) => {
      const amendment = model.amendments.get(event.data.amendment);
      if (amendment === undefined) return;
      const side = model.holds(event.party, 'buyer') ? 'buyer' : 'seller';
      if (amendment.agreement !== undefined || amendment.agreedBy.has(side) || amendment.refusedBy.has(side)) {
        model.flag('repeated-answer', event, `amendment ${amendment.amendment} had been answered before`);
        return;
      }
      amendment.refusedBy.add(side);
      amendment.refusedAt ??= event.recordedtime;
      model.termsChanged();
    },
  }),
];
