/** Finding events by position. */
import type { EventStore, StoredEvent } from '../event-store/event-store.js';

/**
 * The last event of the ledger at or before a position; `undefined` where there is none.
 * @throws EventStoreError, `no-such-position` among them
 */
export async function lastAtOrBefore(store: EventStore, position: bigint): Promise<StoredEvent | undefined> {
  for await (const page of store.readAll(position, 1, 'backwards')) return page[0];
  return undefined;
}
