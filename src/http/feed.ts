/** The feed over the event store: all contracts' events in global order. */
import type { EventStore, EventStoreError, StoredEvent } from '../event-store/event-store.js';
import { decodeEvent } from '../evidence/record.js';
import type { Feed, FeedEvent } from './ports.js';

const CONTRACT_STREAM = 'contract-';

export class StoreFeed implements Feed {
  readonly #store: EventStore;

  constructor(store: EventStore) {
    this.#store = store;
  }

  async *read(
    after: bigint | undefined,
    { follow, limit, signal }: { readonly follow: boolean; readonly limit: number; readonly signal: AbortSignal },
  ): AsyncGenerator<readonly FeedEvent[], void, undefined> {
    let room = limit;
    for await (const stored of follow ? this.#pushed(after, signal) : this.#store.readAll(after)) {
      const page = ofContracts(stored, room);
      room -= page.length;
      if (page.length > 0) yield page;
      if (room === 0 || signal.aborted) return;
    }
  }

  /**
   * Pages of a live subscription, taken one at a time: the subscription waits until the page before has been taken, so
   * nothing piles up for a caller that is slow.
   */
  async *#pushed(after: bigint | undefined, signal: AbortSignal): AsyncGenerator<readonly StoredEvent[]> {
    const state: { offered?: Offer; ended?: EventStoreError; closed: boolean; wake: () => void } = {
      closed: false,
      wake: () => undefined,
    };
    const onAbort = (): void => state.wake();
    signal.addEventListener('abort', onAbort);
    const subscription = this.#store.subscribe(after, {
      batch: (page) =>
        new Promise<void>((taken) => {
          if (state.closed) taken();
          else state.offered = { page, taken };
          state.wake();
        }),
      ended: (error) => {
        state.ended = error;
        state.wake();
      },
    });
    try {
      for (;;) {
        if (signal.aborted) return;
        const { offered, ended } = state;
        if (offered !== undefined) {
          yield offered.page;
          delete state.offered;
          offered.taken();
        } else if (ended === undefined)
          await new Promise<void>((resolve) => {
            state.wake = resolve;
          });
        // The store going away is the end of the server, not a failure of the feed.
        else if (ended.code === 'store-closed') return;
        else throw ended;
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
      // Closing waits for the handler, and the handler for a page that nobody will take any more.
      state.closed = true;
      state.offered?.taken();
      await subscription.close();
    }
  }
}

/** A page on offer; the subscription goes on once it is taken. */
interface Offer {
  readonly page: readonly StoredEvent[];
  readonly taken: () => void;
}

/** @throws EvidenceError `chain-broken` */
function ofContracts(stored: readonly StoredEvent[], room: number): readonly FeedEvent[] {
  const page: FeedEvent[] = [];
  for (const event of stored) {
    if (page.length === room) break;
    if (event.stream.startsWith(CONTRACT_STREAM))
      page.push({ contract: event.stream.slice(CONTRACT_STREAM.length), event: decodeEvent(event) });
  }
  return page;
}
