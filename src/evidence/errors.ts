/**
 * What can be wrong with evidence.
 *
 * - `not-canonical`: the value has no canonical form, or an event cannot be sealed as given; nothing was hashed.
 * - `stream-truncated`: a stream does not begin at revision 0, leaves a revision out, or its last event has no root.
 * - `chain-broken`: any other mismatch between what is stored and what its hashes say.
 * - `bad-proof`: a proof, or a frontier as text, is malformed or does not lead to the root.
 */
export type EvidenceErrorCode = 'not-canonical' | 'stream-truncated' | 'chain-broken' | 'bad-proof';

/** Where it was found and what stood there. Each is given where it makes sense. */
export interface EvidenceErrorDetails {
  readonly stream?: string;
  readonly revision?: bigint;
  /** The member that is wrong, with dots: `metadata.nonce`, `record.event.time`. */
  readonly field?: string;
  readonly expected?: string;
  readonly found?: string;
  readonly cause?: unknown;
}

/** The one error class of this folder. Tests and callers look at `code`. */
export class EvidenceError extends Error {
  override readonly name = 'EvidenceError';
  readonly code: EvidenceErrorCode;
  readonly stream: string | undefined;
  readonly revision: bigint | undefined;
  readonly field: string | undefined;
  readonly expected: string | undefined;
  readonly found: string | undefined;

  constructor(code: EvidenceErrorCode, message: string, details: EvidenceErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.stream = details.stream;
    this.revision = details.revision;
    this.field = details.field;
    this.expected = details.expected;
    this.found = details.found;
  }
}

/** Which event a mismatch is about. */
export interface EventPlace {
  readonly stream: string;
  readonly revision: bigint;
}

/** A `chain-broken` error at one field of one event. */
export function chainBroken(
  place: EventPlace,
  field: string,
  expected: string,
  found: string,
  cause?: unknown,
): EvidenceError {
  return new EvidenceError(
    'chain-broken',
    `${place.stream} revision ${place.revision}: ${field} is ${excerpt(found)}, expected ${excerpt(expected)}`,
    { stream: place.stream, revision: place.revision, field, expected, found, cause },
  );
}

/** Messages end up in logs: long texts are cut there, `expected` and `found` keep them whole. */
const excerpt = (text: string): string => (text.length <= 120 ? text : `${text.slice(0, 120)}...`);
