/** Finding events by position, where the port only reads forwards. */
import type { EventStore, StoredEvent } from '../event-store/event-store.js';

/** How far back to look at first; doubled until an event is found. In SQLite positions are dense, elsewhere they are bytes. */
const FIRST_STEP = 1n;
const GROWTH = 64n;

/**
 * The last event of the ledger at or before a position; `undefined` where there is none.
 * @throws EventStoreError
 */
export async function lastAtOrBefore(store: EventStore, position: bigint): Promise<StoredEvent | undefined> {
  for (let step = FIRST_STEP; ; step *= GROWTH) {
    const from = position - step;
    let found: StoredEvent | undefined;
    pages: for await (const page of store.readAll(from > 0n ? from : undefined))
      for (const event of page) {
        if (event.position > position) break pages;
        found = event;
      }
    if (found !== undefined || from <= 0n) return found;
  }
}
