/** Finding events by position. */
import { EventStoreError, type EventStore, type StoredEvent } from '../event-store/event-store.js';

/**
 * The last event of the ledger at or before a position; `undefined` where there is none. A position that no event has is
 * answered too, on a store that cannot begin there by going back from the head.
 * @throws EventStoreError
 */
export async function lastAtOrBefore(store: EventStore, position: bigint): Promise<StoredEvent | undefined> {
  try {
    return await lastFrom(store, position, position);
  } catch (error) {
    if (!(error instanceof EventStoreError && error.code === 'no-such-position')) throw error;
    return lastFrom(store, undefined, position);
  }
}

async function lastFrom(
  store: EventStore,
  from: bigint | undefined,
  position: bigint,
): Promise<StoredEvent | undefined> {
  for await (const page of store.readAll(from, from === undefined ? undefined : 1, 'backwards'))
    for (const event of page) if (event.position <= position) return event;
  return undefined;
}
