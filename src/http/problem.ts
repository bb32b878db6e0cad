/**
 * Problem details (RFC 9457): the one form of every answer that is not a success. Statuses live here and nowhere
 * further in: the folders below know codes alone.
 */
import type { FailureCode, ItemRefusal } from '../commands/recorder.js';
import type { ContractErrorCode } from '../contract/contract.js';
import type { FieldProblem } from '../contract/validation.js';
import { EventStoreError, type EventStoreErrorCode } from '../event-store/event-store.js';
import { EvidenceError, type EvidenceErrorCode } from '../evidence/errors.js';
import { codeOf, type ReadModelErrorCode } from '../subscriptions/errors.js';

interface ProblemKind {
  readonly status: number;
  readonly title: string;
}
const kind = (status: number, title: string): ProblemKind => ({ status, title });

/** Every code that an answer may carry. Codes are stable; titles and details are for people and may change. */
export const PROBLEMS = {
  // the request as such
  'bad-request': kind(400, 'The request cannot be understood'),
  'invalid-json': kind(400, 'The body is not I-JSON'),
  'invalid-header': kind(400, 'A header is not right'),
  'invalid-query': kind(400, 'A query parameter is not right'),
  'foreign-origin': kind(403, 'The request comes from a page of another origin'),
  'not-found': kind(404, 'There is nothing here'),
  'method-not-allowed': kind(405, 'The method is not possible here'),
  'not-acceptable': kind(406, 'There is no answer of a type that is accepted'),
  'request-timeout': kind(408, 'The request took too long to arrive'),
  'body-too-large': kind(413, 'The body is too large'),
  'line-too-large': kind(413, 'The line is too large'),
  'too-many-events': kind(413, 'The batch has too many events'),
  'uri-too-long': kind(414, 'The address is too long'),
  'unsupported-media-type': kind(415, 'The body is of a type that is not taken here'),
  'misdirected-request': kind(421, 'The request is for another host'),
  'too-many-requests': kind(429, 'Too much at once'),
  'headers-too-large': kind(431, 'The headers are too large'),
  'internal-error': kind(500, 'Something is wrong on our side'),
  'not-ready': kind(503, 'The ledger is not ready yet'),
  'shutting-down': kind(503, 'The ledger is being stopped'),
  // an event, and what the contract says to it
  'invalid-event': kind(422, 'The event is not right'),
  'unknown-type': kind(422, 'The event type is not known'),
  'unknown-version': kind(422, 'The version of the event type is not known'),
  'unknown-contract': kind(404, 'There is no such contract'),
  'already-registered': kind(409, 'The contract has been registered'),
  'not-permitted': kind(403, 'The party may not report this'),
  'unknown-reference': kind(422, 'The event names what the contract does not have'),
  'unknown-event': kind(422, 'The event names an event that is not there'),
  'event-id-reused': kind(409, 'The event id is in use with other content'),
  'id-in-use': kind(409, 'The id is in use'),
  'not-correctable': kind(422, 'The event cannot be corrected so'),
  'time-in-future': kind(422, 'The event lies in the future'),
  'limit-exceeded': kind(422, 'A limit of the contract is reached'),
  'invalid-registration': kind(422, 'The registration contradicts itself'),
  'nothing-missed': kind(422, 'Nothing was missed that the ledger could notice'),
  'event-too-large': kind(413, 'The event is too large'),
  // events together
  'batch-too-large': kind(413, 'The atomic batch is too large'),
  'invalid-batch': kind(422, 'The batch is not right'),
  'duplicate-id-in-batch': kind(422, 'An event stands twice in the batch'),
  'atomic-batch-refused': kind(422, 'Another event of the atomic batch is refused'),
  'atomic-not-possible': kind(422, 'This cannot be recorded as one'),
  'precondition-failed': kind(412, 'The contract is at another revision'),
  // a body that is no event
  'invalid-body': kind(422, 'The body is not right'),
  // asking
  'as-of-in-future': kind(422, 'What will be known later is not known yet'),
  'no-such-position': kind(422, 'No event is at that position; take one that an answer gave'),
  'position-not-reached': kind(504, 'The read model has not got there in time'),
  // rebuilding
  'rebuild-running': kind(409, 'It is being rebuilt already'),
  'rebuild-failed': kind(503, 'The rebuild did not succeed'),
  'projector-stopped': kind(503, 'The projector is not running'),
  // the read models
  'projection-building': kind(503, 'The read model is being built'),
  'read-model-unavailable': kind(503, 'The read model does not answer'),
  // the clock
  'clock-not-stepped': kind(409, 'The clock of this ledger moves by itself'),
  'clock-goes-back': kind(422, 'The clock never goes back'),
  // the store and what is in it
  contended: kind(503, 'Other writers were faster'),
  'store-unavailable': kind(503, 'The event store does not answer'),
  'append-outcome-unknown': kind(503, 'Whether it was recorded is not known'),
  'store-refused': kind(503, 'The event store refuses'),
  'store-damaged': kind(503, 'The event store is damaged'),
  'stream-deleted': kind(503, 'The stream was deleted from the event store'),
  'stream-truncated': kind(503, 'The stream is not complete'),
  'chain-broken': kind(503, 'The stream does not match its hashes'),
  'unknown-type-in-store': kind(503, 'The stream holds a type that this program does not know'),
  'unknown-version-in-store': kind(503, 'The stream holds a version that this program does not know'),
} as const satisfies Record<string, ProblemKind> & Record<ItemRefusal['code'] | FailureCode, ProblemKind>;

export type ProblemCode = keyof typeof PROBLEMS;

/** After so many seconds it may be tried again. For all codes of status 503 and 429. */
export const RETRY_AFTER_SECONDS = 1;

/**
 * One thing that is wrong. `pointer` is a JSON Pointer (RFC 6901) into the body; a query parameter is `?NAME` and a
 * header `NAME:` instead, neither of which a pointer can be.
 */
export type ProblemPlace = FieldProblem;

/** The members of an answer. Further ones may stand beside them. */
interface ProblemBody {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: ProblemCode;
  readonly detail: string;
  readonly errors: readonly ProblemPlace[];
  readonly [extra: string]: unknown;
}

/** Thrown anywhere in this folder and turned into an answer by the filter. `detail` and `errors` are shown to callers. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly code: ProblemCode;
  readonly detail: string;
  readonly errors: readonly ProblemPlace[];
  /** Further members of the answer. */
  readonly extra: Readonly<Record<string, unknown>>;
  /** Further headers of the answer. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    code: ProblemCode,
    detail: string,
    errors: readonly ProblemPlace[] = [],
    options: {
      readonly extra?: Readonly<Record<string, unknown>>;
      readonly headers?: Readonly<Record<string, string>>;
      readonly cause?: unknown;
    } = {},
  ) {
    super(`${code}: ${detail}`, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.detail = detail;
    this.errors = errors;
    this.extra = options.extra ?? {};
    this.headers = options.headers ?? {};
  }

  get status(): number {
    return PROBLEMS[this.code].status;
  }
}

/** A problem at one place. */
export const problemAt = (code: ProblemCode, pointer: string, detail: string): Problem =>
  new Problem(code, `${pointer === '' ? 'the body' : pointer} ${detail}`, [{ pointer, detail }]);

/** What stands in an answer, or beside an item of one. */
export function problemBody(
  code: ProblemCode,
  detail: string,
  errors: readonly ProblemPlace[],
  extra: Readonly<Record<string, unknown>> = {},
): ProblemBody {
  const { status, title } = PROBLEMS[code];
  return { ...extra, type: problemType(code), title, status, code, detail, errors };
}

/** A URI reference, resolved against the ledger's own address; it leads to the code's entry on the page of the API. */
export const problemType = (code: ProblemCode): string => `/docs#problem-${code}`;

export const refusalProblem = ({ code, detail, problems }: ItemRefusal): Problem => new Problem(code, detail, problems);

/**
 * The problem that an error of a folder below means to a caller; `undefined` for one that nobody expected. Messages are
 * not passed on: they may name files and hosts.
 */
export function problemOf(error: unknown): Problem | undefined {
  if (error instanceof Problem) return error;
  const known = codeFor(error);
  if (known === undefined) return undefined;
  const stream = error instanceof EventStoreError || error instanceof EvidenceError ? error.stream : undefined;
  const about = stream === undefined ? '' : ` (${stream})`;
  return new Problem(known, `${PROBLEMS[known].title}${about}`, [], { cause: error });
}

/** By the name of its class: what comes from another thread has the name and the code that the error had there. */
function codeFor(error: unknown): ProblemCode | undefined {
  if (!(error instanceof Error)) return undefined;
  const code = codeOf(error);
  switch (error.name) {
    case 'EventStoreError':
      return ofStore(code as EventStoreErrorCode);
    case 'EvidenceError':
      return ofEvidence(code as EvidenceErrorCode);
    case 'ContractError':
      return ofContract(code as ContractErrorCode);
    case 'ReadModelError':
      return ofReadModel(code as ReadModelErrorCode);
    default:
      return undefined;
  }
}

function ofReadModel(code: ReadModelErrorCode): ProblemCode | undefined {
  switch (code) {
    case 'projection-building':
    case 'read-model-unavailable':
    case 'projector-stopped':
      return code;
    // Those of a rebuild are told where one is asked for; the rest are mistakes of ours.
    case 'rebuild-running':
    case 'rebuild-failed':
    case 'unknown-projection':
    case 'row-refused':
    case 'invalid-url':
      return undefined;
  }
}

function ofStore(code: EventStoreErrorCode): ProblemCode | undefined {
  switch (code) {
    case 'store-unavailable':
    case 'append-outcome-unknown':
    case 'stream-deleted':
    case 'stream-truncated':
    case 'store-damaged':
    case 'store-refused':
      return code;
    case 'no-such-position':
      return code;
    case 'store-closed':
      return 'shutting-down';
    case 'store-locked':
    case 'store-foreign':
      return 'store-refused';
    // None of these can come from a caller: the recorder checks sizes and settles conflicts itself.
    case 'wrong-expected-revision':
    case 'append-too-large':
    case 'invalid-append':
      return undefined;
  }
}

function ofEvidence(code: EvidenceErrorCode): ProblemCode | undefined {
  switch (code) {
    case 'stream-truncated':
    case 'chain-broken':
      return code;
    case 'not-canonical':
    case 'bad-proof':
      return undefined;
  }
}

function ofContract(code: ContractErrorCode): ProblemCode {
  switch (code) {
    case 'unknown-type':
      return 'unknown-type-in-store';
    case 'unknown-version':
      return 'unknown-version-in-store';
  }
}
