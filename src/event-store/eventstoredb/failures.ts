import { EventStoreError } from '../event-store.js';

/** The call was given up after waiting for `ms`; whether the server does it all the same is not known. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
  constructor(what: string, ms: number) {
    super(`no answer to ${what} within ${ms} ms`);
  }
}

/** What a failed call of the client says about the store, whatever form the client gave it. */
export type Failure =
  | { readonly kind: 'conflict'; readonly actual: bigint | 'no-stream' }
  | { readonly kind: 'too-large' | 'deleted' | 'missing' | 'denied' | 'bad-request' | 'no-position' }
  /** The server has not done it, and may later. */
  | { readonly kind: 'not-done' }
  /** The server may have done it, or may be about to. */
  | { readonly kind: 'unknown' };

/** gRPC status codes; see `google.rpc.Code`. */
const PERMISSION_DENIED = 7;
const UNAUTHENTICATED = 16;

/** The client's own names for what the server said, where the name alone is enough to know what it means for us. */
const BY_TYPE: ReadonlyMap<unknown, Exclude<Failure['kind'], 'conflict'>> = new Map([
  ['maximum-append-size-exceeded', 'too-large'],
  ['stream-deleted', 'deleted'],
  ['stream-not-found', 'missing'],
  ['no-stream', 'missing'],
  ['access-denied', 'denied'],
  ['invalid-argument', 'bad-request'],
  ['not-leader', 'not-done'],
]);

/** The texts of a server that takes no calls just now, and of a connection that was never made. */
const TURNED_AWAY = /Not Ready|Busy|No Leader|No connection established|ECONNREFUSED/i;

/** A read of `$all` from where no record of the log begins: the server finds out by failing to read one. */
const NO_POSITION = /Invalid ?Position/i;

/**
 * Tells the errors of `@eventstore/db-client` 6.2.1 apart: those with a `type` of their own; raw gRPC errors, which only
 * the call for the server's features lets through, made before anything is sent; and plain ones from discovery.
 */
export function classify(error: unknown): Failure {
  if (!(error instanceof Error) || error instanceof NoAnswer) return { kind: 'unknown' };
  const { type, code, actualVersion } = error as Error & { type?: unknown; code?: unknown; actualVersion?: unknown };
  if (type === 'wrong-expected-version') {
    const known = typeof actualVersion === 'bigint' && actualVersion >= 0n;
    return { kind: 'conflict', actual: known ? actualVersion : 'no-stream' };
  }
  const kind = BY_TYPE.get(type);
  if (kind !== undefined) return { kind };
  if (code === PERMISSION_DENIED || code === UNAUTHENTICATED) return { kind: 'denied' };
  if (type === 'unknown' && /\bBadRequest\b/.test(error.message)) return { kind: 'bad-request' };
  if (NO_POSITION.test(error.message)) return { kind: 'no-position' };
  if (TURNED_AWAY.test(error.message)) return { kind: 'not-done' };
  const beforeSending =
    type === undefined && (typeof code === 'number' || error.message.startsWith('Failed to discover'));
  return { kind: beforeSending ? 'not-done' : 'unknown' };
}

/** What a failed read, or a failed opening, is to the caller of the port. */
export function readFailure(error: unknown, what: string, stream?: string): EventStoreError {
  if (error instanceof EventStoreError) return error;
  const about = stream === undefined ? { cause: error } : { cause: error, stream };
  const failure = classify(error);
  switch (failure.kind) {
    case 'deleted':
      return new EventStoreError('stream-deleted', `stream ${stream ?? ''} was deleted for ever`, about);
    case 'denied':
      return new EventStoreError('store-refused', `the user of the event store may not do this: ${what}`, about);
    case 'no-position':
      return new EventStoreError('no-such-position', `the event store has no event at that position: ${what}`, about);
    case 'conflict':
    case 'too-large':
    case 'missing':
    case 'bad-request':
    case 'not-done':
    case 'unknown':
      return new EventStoreError('store-unavailable', `the event store did not answer as it should: ${what}`, about);
  }
}

export const closed = (): EventStoreError => new EventStoreError('store-closed', 'the event store is closed');
