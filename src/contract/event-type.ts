/** What a family file says about each of its event types, and the shapes that deciding and folding work on. */
import type { StatedDate } from './corrected-dates.js';
import type { ContractModel } from './model.js';
import type { DecisionState } from './state.js';
import type { FieldProblem, PayloadClass } from './validation.js';

export const ROLES = ['buyer', 'seller', 'prime', 'subcontractor', 'carrier', 'inspector', 'adjudicator'] as const;
export type Role = (typeof ROLES)[number];

/** The parties that are on no contract: they act for the ledger itself and for who runs it. */
export const LEDGER = 'ledger';
export const OPERATOR = 'operator';

/** One event as deciding and folding see it, its data brought to the newest version of its type. */
export interface ContractEvent<D = unknown> {
  readonly contract: string;
  /** From 0 within the contract's stream. */
  readonly revision: number;
  readonly id: string;
  readonly source: string;
  readonly type: string;
  /** The version it was sent with. */
  readonly version: number;
  /** When it happened, as the reporter says (RFC 3339, UTC). */
  readonly time: string;
  /** When the ledger took it in (RFC 3339, UTC, three decimals). */
  readonly recordedtime: string;
  /** The party that sent it. */
  readonly reporter: string;
  /** The party for which a buyer, seller or prime recorded it. */
  readonly onBehalfOf: string | undefined;
  /** Whose doing it is: `onBehalfOf`, else `reporter`. */
  readonly party: string;
  readonly data: D;
}

/** An event with what later corrections made of it: its data replaced, or taken out. */
export interface EffectiveEvent<D = unknown> extends ContractEvent<D> {
  readonly position: bigint;
  /** The data as it was sent, brought to the newest version: what `data` is where nobody has corrected the event. */
  readonly asSent: D;
  /** The same as canonical JSON text: what the audit trail shows. */
  readonly dataText: string;
  /** Taken out by a correction: it alleges nothing, but what it opened stays known. */
  readonly withdrawn: boolean;
  /** The correction that decides what this event is now. */
  readonly correctedBy: CorrectionName | undefined;
  /** For a correction that a later one of the same event has superseded. */
  readonly superseded: boolean;
}

/** Names one event of the same contract. `source` defaults to that of the event that names it. */
export interface EventName {
  readonly id: string;
  readonly source?: string;
}

/** The name of a correction, and when it was recorded. */
export interface CorrectionName extends Required<EventName> {
  readonly recordedtime: string;
}

/** What is shown of the correction that decides what an event is. */
export const correctionOf = ({ correctedBy }: Pick<EffectiveEvent, 'correctedBy'>) => ({
  correctedBy: correctedBy === undefined ? null : nameOf(correctedBy),
  correctedAt: correctedBy?.recordedtime ?? null,
});

/** The name of an event, and nothing else of it. */
export const nameOf = ({ id, source }: Required<EventName>): Required<EventName> => ({ id, source });

/** The name of an event as one text, unique within its contract. */
export const nameText = ({ id, source }: Required<EventName>): string => `${source}\n${id}`;

/** Who recorded an event, and for whom. */
export const reportedBy = ({ reporter, onBehalfOf }: Pick<ContractEvent, 'reporter' | 'onBehalfOf'>) => ({
  by: reporter,
  onBehalfOf: onBehalfOf ?? null,
});

/** What may be opened by an event and named by others. A `shipment` is one id for all parties; the rest belong to who opened them. */
export type OpenedKind =
  'shipment' | 'check' | 'delay' | 'nonconformance' | 'discrepancy' | 'payment' | 'statement' | 'dispute' | 'evidence';

/** A line, milestone, party or amendment that data names. It must be one that the contract has, or had, or was offered. */
export interface Named {
  readonly kind: 'line' | 'milestone' | 'party' | 'amendment';
  readonly id: string;
  readonly pointer: string;
}

/** Something that a party opened and that data names. */
export interface Mention {
  readonly kind: OpenedKind;
  /** As it stands in data: `ID` of the acting party's own, or `PARTY/ID`. */
  readonly reference: string;
  readonly pointer: string;
}

/** Why an event is refused. `code` is stable; `problems` say where and what would be right. */
export interface Refusal {
  readonly code: RefusalCode;
  readonly detail: string;
  readonly problems: readonly FieldProblem[];
}

export type RefusalCode =
  | 'invalid-event'
  | 'unknown-type'
  | 'unknown-version'
  | 'unknown-contract'
  | 'already-registered'
  | 'not-permitted'
  | 'unknown-reference'
  | 'unknown-event'
  | 'event-id-reused'
  | 'id-in-use'
  | 'not-correctable'
  | 'time-in-future'
  | 'limit-exceeded'
  | 'invalid-registration'
  | 'nothing-missed';

export const refuse = (code: RefusalCode, detail: string, problems: readonly FieldProblem[] = []): Refusal => ({
  code,
  detail,
  problems,
});
export const refuseField = (code: RefusalCode, pointer: string, detail: string): Refusal =>
  refuse(code, detail, [{ pointer, detail }]);

/** An event that waits for its decision: everything but what the ledger sets. */
export type ProposedEvent<D = unknown> = Omit<ContractEvent<D>, 'revision' | 'recordedtime'>;

/** What the shell has looked up before a decision: the events that the proposed one names by `id` and `source`. */
export type Lookup = (name: Required<EventName>) => ContractEvent | undefined;

/** What comes into a decision from outside the folded state. */
export interface DecisionContext {
  /** The latest `time` that an event may have. See `latestTime` in `contract.ts`. */
  readonly latest: string;
  /** Gives the events that an event names. */
  readonly lookup: Lookup;
  /**
   * Data of what the ledger may notice on the stream as it stands, by event id: reports and deadlines that were missed and not
   * noticed yet (`obligations.ts`). Left out: nothing.
   */
  readonly missed?: ReadonlyMap<string, object>;
}

export interface PortfolioPart<D extends object = object> {
  /** Whether its fold bears on the sums; else only that it names lines, or opens what others name. */
  readonly folds: boolean;
  /** The part of its data that this takes. */
  keep(data: D): object;
  /** The name of the event is shown in an answer. */
  readonly named?: boolean;
}

export interface EventTypeDefinition<D extends object = object> {
  readonly type: string;
  readonly description: string;
  /** The newest version; older ones are brought up by `upcasters`. */
  readonly version: number;
  /** From version n (the key) to n + 1. Each takes and gives data; none looks anywhere else. */
  readonly upcasters?: Readonly<Record<number, (data: unknown) => unknown>>;
  readonly payload: PayloadClass<D>;
  /** Acts are superseded by later acts, never corrected. */
  readonly act: boolean;
  /** Roles that give the right to report it; `rules` may ask for more. Empty: `rules` alone decide. */
  readonly by: readonly Role[];
  /** Never recorded on behalf of somebody else. */
  readonly inPersonOnly?: boolean;
  /** Reported by the ledger itself, refused from anybody else. */
  readonly ledgerOnly?: boolean;
  /** Speaks of the registration alone: a party that recorded nothing else may still turn out to be none. */
  readonly aboutRegistration?: boolean;
  /** Lines, milestones, parties and amendments that must be known. */
  names?(data: D): readonly Named[];
  /** What it opens under an id of the acting party's own. */
  opens?(data: D): { readonly kind: OpenedKind; readonly id: string; readonly pointer: string } | undefined;
  /** Answers: refused where what they answer is not there. */
  answers?(data: D): readonly Mention[];
  /** Recorded and flagged where what they name has not been heard of yet. */
  mentions?(data: D): readonly Mention[];
  /** Events that it names, whoever reported them: flagged where they have not been heard of yet, and for nothing else. */
  refersTo?(data: D): readonly EventName[];
  /** Rules of its own that look at the data alone; a replacement in a correction is held to them too. */
  checkData?(data: D): Refusal | undefined;
  /** Dates that it gives milestones, which a correction may change. */
  dates?(data: D): readonly StatedDate[];
  /** The day on which a delay that it reports began, which a correction may change. */
  began?(data: D): string;
  /** Which milestone it says was reached, and on which day, which a correction may change. */
  claims?(data: D): { readonly milestone: string; readonly on: string };
  /** Days on which something is said to have happened: none of them is to come, in a replacement neither. */
  happenedOn?(data: D): readonly { readonly day: string; readonly pointer: string }[];
  /** Rules of its own, after all the general ones. */
  rules?(state: DecisionState, event: ProposedEvent<D>, context: DecisionContext): Refusal | undefined;
  /** What later decisions must know of it. */
  evolve?(state: DecisionState, event: ProposedEvent<D>): void;
  /** What it means for the read models. Called for withdrawn events too, where it opened something. */
  fold?(model: ContractModel, event: EffectiveEvent<D>): void;
  /**
   * What the sums over the portfolio (`/contracts`, `/portfolio/exposure`) need to know of it, so that their past can be folded
   * from little. Left out: nothing.
   */
  readonly portfolio?: PortfolioPart<D>;
  /** Fields of data that hold ids which a correction must keep. */
  readonly keeps?: (data: D) => readonly string[];
}

/** What reading data by its type needs of the registry. */
export interface TypeReading {
  definitionOf(type: string): EventTypeDefinition | undefined;
  upcast(type: string, version: number, data: unknown): unknown;
}

/** Lets a family file list its types with their data types, and the registry hold them all in one list. */
export const eventType = <D extends object>(definition: EventTypeDefinition<D>): EventTypeDefinition =>
  definition as unknown as EventTypeDefinition;

/** `line` and its like as {@link Named} entries. */
export const named = (kind: Named['kind'], id: string | undefined, pointer: string): Named[] =>
  id === undefined ? [] : [{ kind, id, pointer }];

export const mention = (kind: OpenedKind, reference: string | undefined, pointer: string): Mention[] =>
  reference === undefined ? [] : [{ kind, reference, pointer }];

/** `PARTY/ID` for a reference as it stands in the data of an event of `party`; a shipment's id belongs to nobody. */
export const qualified = (kind: OpenedKind, reference: string, party: string): string =>
  kind === 'shipment' || reference.includes('/') ? reference : `${party}/${reference}`;

/** Data without some of its fields. */
export const without = <T extends object, K extends keyof T & string>(data: T, ...names: readonly K[]): Omit<T, K> =>
  Object.fromEntries(Object.entries(data).filter(([name]) => !names.includes(name as K))) as Omit<T, K>;
