import { jsonEvent } from '@eventstore/db-client';
import type { AllStreamResolvedEvent, JSONEventData, JSONType, ResolvedEvent } from '@eventstore/db-client';
import type { EventToAppend, StoredEvent } from '../event-store.js';
import { EventStoreError, OWN_STREAM } from '../event-store.js';

/** Positions at or above this are -1 as an unsigned number: the server's way of saying that it does not know. */
const NO_POSITION = 2n ** 63n;

/**
 * The events as the client takes them. It serialises them again, and by then nothing may fail, because the failure
 * would reach nobody: hence parsed values only, in which there is neither a BigInt nor `undefined`.
 *
 * @throws EventStoreError `invalid-append` where data or metadata is no JSON object
 */
export function toProposed(stream: string, events: readonly EventToAppend[]): JSONEventData[] {
  return events.map(({ id, type, data, metadata }) =>
    jsonEvent({ id, type, data: parseObject(stream, data), metadata: parseObject(stream, metadata) }),
  );
}

function parseObject(stream: string, text: string): JSONType {
  try {
    return JSON.parse(text) as JSONType;
  } catch (cause) {
    throw new EventStoreError('invalid-append', 'data and metadata must be JSON objects', { stream, cause });
  }
}

/**
 * What the ledger is to make of an event of `$all`: one of its own, a sign that somebody tampered with one of its
 * streams, or nothing. `bytes` is about what it holds in memory.
 */
export type Seen = { readonly position: bigint; readonly bytes: number } & (
  | { readonly kind: 'own'; readonly event: StoredEvent }
  | { readonly kind: 'tampered'; readonly stream: string; readonly how: 'deleted' | 'metadata' }
  | { readonly kind: 'other' }
);

type Resolved = AllStreamResolvedEvent | ResolvedEvent;

/** Commit position, also of an event that is not the ledger's. @throws EventStoreError `store-refused` */
export function positionOf({ event, commitPosition }: Resolved): bigint {
  const position = commitPosition ?? event?.position?.commit;
  if (position === undefined || position >= NO_POSITION)
    throw new EventStoreError('store-refused', 'this version of EventStoreDB does not give events their position');
  return position;
}

/** Position in an answer to an append, where the server gave one that can be true. */
export const plausible = (position: { readonly commit: bigint } | undefined): bigint | undefined =>
  position === undefined || position.commit >= NO_POSITION ? undefined : position.commit;

/** An event of whatever stream, in the form of the port. `undefined` for a link to an event that is gone. */
export function toStored(resolved: Resolved): { readonly bytes: number; readonly event: StoredEvent } | undefined {
  const { event } = resolved;
  if (event === undefined) return undefined;
  const { streamId: stream, id, type, revision } = event;
  const [data, metadata] = [textOf(event.data), textOf(event.metadata)];
  return {
    bytes: data.length + metadata.length,
    event: { stream, id, type, revision, position: positionOf(resolved), data, metadata },
  };
}

export function toSeen(resolved: Resolved): Seen {
  const nothing = { kind: 'other', position: positionOf(resolved), bytes: 0 } as const;
  const { event } = resolved;
  if (event === undefined) return nothing;
  const { streamId, type, data } = event;
  if (OWN_STREAM.test(streamId)) {
    if (type === '$streamDeleted') return { ...nothing, kind: 'tampered', stream: streamId, how: 'deleted' };
    const stored = toStored(resolved);
    return stored === undefined ? nothing : { ...nothing, kind: 'own', ...stored };
  }
  const stream = streamId.startsWith('$$') ? streamId.slice(2) : '';
  if (type !== '$metadata' || !OWN_STREAM.test(stream)) return nothing;
  return { ...nothing, kind: 'tampered', stream, how: truncation(data) >= WHOLE_STREAM ? 'deleted' : 'metadata' };
}

/** `$tb` of a stream that was deleted softly: the largest revision, 2^63 - 1, as far as a number can say it. */
const WHOLE_STREAM = 2 ** 63;

/** `$tb` in the content of a `$metadata` event: the revision before which nothing can be read; 0 where not set. */
export function truncation(data: unknown): number {
  const before = typeof data === 'object' && data !== null ? (data as { $tb?: unknown }).$tb : undefined;
  return typeof before === 'number' ? before : 0;
}

/**
 * Text for what the client parsed. Canonical text (RFC 8785) comes back as it was: both `JSON.parse` and
 * `JSON.stringify` keep the order of members, but for names that look like array indexes, and those are put back where
 * they belong. What was no JSON, or no object, comes back as a text that is no object either.
 */
function textOf(value: unknown): string {
  if (value instanceof Uint8Array) return JSON.stringify(Buffer.from(value).toString('base64'));
  const text = JSON.stringify(value) ?? 'null';
  return INDEX_AS_NAME.test(text) ? canonical(value) : text;
}

const INDEX_AS_NAME = /"\d+":/;

function canonical(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  const members = Object.entries(value)
    // Not a locale's order: RFC 8785, section 3.2.3, compares UTF-16 code units, and so does "<".
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`);
  return `{${members.join(',')}}`;
}
