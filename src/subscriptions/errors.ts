/**
 * What can go wrong with read models.
 *
 * - `invalid-url`: neither `sqlite:PATH` nor `postgres://...`.
 * - `read-model-unavailable`: the database cannot be reached, is busy or full; the same call may succeed later.
 * - `row-refused`: the database does not take a row, whenever it is tried (a NUL in text, a missing value, too long a key).
 * - `unknown-projection`: no projection of this name is run here.
 * - `projection-building`: no copy of the projection serves that this version of its queries can read.
 * - `rebuild-running`: this projection is being rebuilt by hand already.
 * - `rebuild-failed`: a rebuild met what it could not project; the copy that served before serves on.
 * - `projector-stopped`: the projector was closed, or its thread ended.
 */
export type ReadModelErrorCode =
  | 'invalid-url'
  | 'read-model-unavailable'
  | 'row-refused'
  | 'unknown-projection'
  | 'projection-building'
  | 'rebuild-running'
  | 'rebuild-failed'
  | 'projector-stopped';

/** The one error class of this folder. Texts of drivers are in `message`; secrets of the URL never are. */
export class ReadModelError extends Error {
  override readonly name = 'ReadModelError';
  readonly code: ReadModelErrorCode;

  constructor(code: ReadModelErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

/** The literal `code` of any error that carries one: ours, the port's, the contract's, Node's and the drivers'. */
export function codeOf(error: unknown): string | undefined {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
