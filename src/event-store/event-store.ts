/**
 * The event store port. Two adapters stand behind it, `sqlite/` and `eventstoredb/`; `test/contract/event-store.ts`
 * holds every promise made here and runs on both. No driver's error leaves an adapter: all are {@link EventStoreError}.
 *
 * Revisions number the events of one stream from 0 without a gap. Positions order the events of all streams; they rise
 * and may have gaps. Both are bigint in memory and decimal strings on the wire.
 */

/** Only streams with these names are Waybook's own; whatever else a shared server holds is never seen through the port. */
export const OWN_STREAM = /^(?:(?:contract|party)-[A-Za-z0-9][A-Za-z0-9._-]{0,127}|ledger|log)$/;
export const OWN_STREAM_PREFIXES: readonly string[] = ['contract-', 'party-', 'ledger', 'log'];

/** The largest append, as the sum over its events of the bytes of type, data and metadata. An adapter never splits. */
export const MAX_APPEND_BYTES = 900 * 1024;

/** What the stream must be like for an append to happen. `any` promises no idempotency. */
export type ExpectedRevision = 'no-stream' | 'any' | bigint;

export interface EventToAppend {
  /** A UUID in canonical lower-case text. */
  readonly id: string;
  /** 1 to 128 characters. */
  readonly type: string;
  /** A JSON object as text. Stored so that reading gives the same text back, given it is canonical (RFC 8785). */
  readonly data: string;
  /** A JSON object as text. */
  readonly metadata: string;
}

export interface StoredEvent extends EventToAppend {
  readonly stream: string;
  readonly revision: bigint;
  readonly position: bigint;
}

export interface AppendResult {
  /** Revision of the last event of the append. */
  readonly revision: bigint;
  /** Position of the last event of the append, read back where the store did not say. */
  readonly position: bigint;
}

export type Direction = 'forwards' | 'backwards';

/**
 * What a live subscription reports. `batch` and `restored` are awaited, so a slow handler slows the reading down and
 * memory stays bounded. A handler that throws ends the subscription, and `ended` is told why.
 */
export interface SubscriptionHandler {
  /** One or more events in the order of their positions, each exactly once, none left out. */
  batch(events: readonly StoredEvent[]): void | Promise<void>;
  /**
   * All events up to the head have been delivered and the next ones will be pushed. Said again after each catching-up.
   * `position` is at least that of the last event delivered (or of `from`).
   */
  live?(position: bigint): void;
  /** The connection is lost; the adapter is trying again by itself. */
  lost?(error: EventStoreError): void;
  /** Reading goes on after `lost`, from the last event delivered. Called before the first further batch. */
  restored?(): void | Promise<void>;
  /** Somebody deleted one of the ledger's streams or set its metadata. */
  tampered?(stream: string, how: 'deleted' | 'metadata'): void;
  /** The subscription is over, not by `close`. */
  ended?(error: EventStoreError): void;
}

export interface Subscription {
  /** Ends quietly; no handler is called after the promise resolves. */
  close(): Promise<void>;
}

/** A stream, and its last event in some respect. */
export interface StreamExtent {
  readonly stream: string;
  readonly revision: bigint;
}

export interface EventStore {
  /**
   * Appends the events in their order as one atom: all of them or none, at consecutive revisions.
   *
   * Durability: when the promise resolves, the events survive a power cut.
   * Conflict: `wrong-expected-revision` with the actual revision; nothing was written.
   * Repeat: the same event ids at the same exact revision (or `no-stream`) again are answered with the first result and
   * write nothing, also after others have appended; content is not compared. So an append whose outcome is unknown
   * (`append-outcome-unknown`) may be repeated with the identical events at the identical expected revision.
   * The caller must not use one id twice on a stream.
   *
   * @throws EventStoreError `wrong-expected-revision`, `append-too-large` (over {@link MAX_APPEND_BYTES}),
   * `append-outcome-unknown`, `store-unavailable` (known not to be written; may be retried), `stream-deleted`,
   * `stream-truncated` (`no-stream` on a stream that was deleted), `invalid-append` (no events, an id that is no UUID,
   * one id twice, a stream that is not the ledger's, data that is no JSON object), `store-closed`
   */
  append(stream: string, expected: ExpectedRevision, events: readonly EventToAppend[]): Promise<AppendResult>;

  /**
   * The events of a stream in order, in pages, reading on as the caller asks for more (constant memory).
   * `from` is inclusive: forwards the first revision, backwards the last one, `undefined` for the respective end.
   * At most `limit` events. A stream that does not exist gives nothing. On a cluster it is read from the leader, so all
   * that was acknowledged before the call is there.
   *
   * @throws EventStoreError `store-unavailable` (may be retried), `stream-deleted`, `stream-truncated` (a stream of which
   * all that there was cannot be read any more, asked for from its beginning), `store-closed`
   */
  readStream(
    stream: string,
    from?: bigint,
    direction?: Direction,
    limit?: number,
  ): AsyncIterable<readonly StoredEvent[]>;

  /**
   * The events of all own streams after position `from` (exclusive; `undefined` for the beginning), in the order of
   * their positions, in pages, to the head as of the last page; at most `limit` events. Backwards: those at or before
   * `from` (`undefined` for the head), the latest first.
   *
   * `from` has to be the position of an event, as it was given by this store. Where others mean something they are taken
   * for what they mean; a store on which they mean nothing says `no-such-position`.
   *
   * @throws EventStoreError `store-unavailable` (may be retried), `no-such-position`, `store-closed`
   */
  readAll(from?: bigint, limit?: number, direction?: Direction): AsyncIterable<readonly StoredEvent[]>;

  /**
   * Catches up from position `from` (exclusive; `undefined` for the beginning), then pushes each event after its commit.
   * Resubscribes by itself when the connection is lost. See {@link SubscriptionHandler}.
   *
   * @throws EventStoreError `store-closed`
   */
  subscribe(from: bigint | undefined, handler: SubscriptionHandler): Subscription;

  /**
   * The own streams whose names begin with `prefix` and which have an event at or before position `upTo`, in the order of
   * their names (by code point), in pages, each with the revision of the last of these events. Left out where the store
   * cannot list its streams, or where reading them one by one costs more than reading all events in their order.
   *
   * @throws EventStoreError `store-unavailable` (may be retried), `store-closed`
   */
  streams?(prefix: string, upTo: bigint): AsyncIterable<readonly StreamExtent[]>;

  /** Position and id of the last event of all own streams; `undefined` while there is none. */
  head(): Promise<{ readonly position: bigint; readonly id: string } | undefined>;

  /** Lets appends under way finish, ends all subscriptions, frees files and connections. May be called twice. */
  close(): Promise<void>;
}

export type EventStoreErrorCode =
  | 'wrong-expected-revision'
  | 'append-too-large'
  | 'append-outcome-unknown'
  | 'invalid-append'
  | 'no-such-position'
  | 'store-unavailable'
  | 'stream-deleted'
  | 'stream-truncated'
  | 'store-locked'
  | 'store-damaged'
  | 'store-foreign'
  | 'store-refused'
  | 'store-closed';

/** The one error class of the port. `code` says what happened; secrets and driver texts with secrets are never in it. */
export class EventStoreError extends Error {
  override readonly name = 'EventStoreError';
  readonly code: EventStoreErrorCode;
  /** The stream it is about, where it is about one. */
  readonly stream: string | undefined;
  /** For `wrong-expected-revision`: what the stream really is like. */
  readonly actual: bigint | 'no-stream' | undefined;

  constructor(
    code: EventStoreErrorCode,
    message: string,
    options: { cause?: unknown; stream?: string; actual?: bigint | 'no-stream' } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.stream = options.stream;
    this.actual = options.actual;
  }

  /** Whether the same call may succeed later, with nothing changed by the caller. */
  get retryable(): boolean {
    return this.code === 'store-unavailable' || this.code === 'append-outcome-unknown';
  }
}

/** Checks what every adapter must check before it touches its driver. @throws EventStoreError `invalid-append`, `append-too-large` */
export function checkAppend(stream: string, expected: ExpectedRevision, events: readonly EventToAppend[]): void {
  const invalid = (message: string) => new EventStoreError('invalid-append', message, { stream });
  if (!OWN_STREAM.test(stream)) throw invalid(`"${stream.slice(0, 150)}" is not the name of a stream of the ledger`);
  if (typeof expected === 'bigint' && expected < 0n) throw invalid('an expected revision is not negative');
  if (events.length === 0) throw invalid('an append needs at least one event');
  const ids = new Set<string>();
  let bytes = 0;
  for (const event of events) {
    if (!UUID.test(event.id)) throw invalid('an event id must be a lower-case UUID');
    if (ids.has(event.id)) throw invalid(`event id ${event.id} stands twice in one append`);
    ids.add(event.id);
    if (event.type.length === 0 || event.type.length > 128) throw invalid('an event type has 1 to 128 characters');
    if (!looksLikeObject(event.data) || !looksLikeObject(event.metadata))
      throw invalid('data and metadata must be JSON objects');
    bytes += Buffer.byteLength(event.type) + Buffer.byteLength(event.data) + Buffer.byteLength(event.metadata);
  }
  if (bytes > MAX_APPEND_BYTES)
    throw new EventStoreError('append-too-large', `an append of ${bytes} bytes is over ${MAX_APPEND_BYTES}`, {
      stream,
    });
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

const looksLikeObject = (text: string): boolean => text.startsWith('{') && text.endsWith('}');
