/** A subscription to the event store turned into batches that are asked for, a bounded number of events ahead. */
import { EventStoreError, type EventStore, type StoredEvent, type Subscription } from '../event-store/event-store.js';
import type { Checkpoint } from './checkpoint.js';

/** What may wait to be projected. Events are at most 900 KiB, so that a batch is bounded in bytes as well. */
const AHEAD_EVENTS = 2_000;
const AHEAD_BYTES = 16 * 1024 * 1024;
const BATCH_BYTES = 8 * 1024 * 1024;

/** The store no longer has the event up to which was read: what was read is not what is there. */
export class HistoryChanged extends Error {
  override readonly name = 'HistoryChanged';
}

export const checkpointOf = ({ position, id, stream, revision }: StoredEvent): Checkpoint => ({
  position,
  eventId: id,
  stream,
  revision,
});

/**
 * Whether the event at the checkpoint is still that event. It is looked up where it stands in its stream, because not
 * every store can read from a position at which no event begins.
 * @throws EventStoreError `store-unavailable`, `store-closed`
 */
export async function stillThere(store: EventStore, checkpoint: Checkpoint | undefined): Promise<boolean> {
  if (checkpoint === undefined) return true;
  const { stream, revision, eventId, position } = checkpoint;
  try {
    for await (const page of store.readStream(stream, revision, 'forwards', 1)) {
      const found = page[0];
      if (found !== undefined)
        return found.id === eventId && found.position === position && found.revision === revision;
    }
    return false;
  } catch (error) {
    if (error instanceof EventStoreError && (error.code === 'stream-deleted' || error.code === 'stream-truncated'))
      return false;
    throw error;
  }
}

export class Feed {
  readonly #subscription: Subscription;
  readonly #store: EventStore;
  /** The queue, of which the first `#taken` events are gone. */
  #queue: StoredEvent[] = [];
  #taken = 0;
  #bytes = 0;
  #live = false;
  #liveFrom: bigint | undefined;
  /** Catching up: more is on its way, and a batch may wait to be full. */
  #filling = true;
  #wanted = 0;
  /** Said by `next` once after it became true. */
  #newlyLive = false;
  #closed = false;
  #failure: unknown;
  #last: Checkpoint | undefined;
  #wakeReader: (() => void) | undefined;
  #wakeWriter: (() => void) | undefined;

  constructor(store: EventStore, from: Checkpoint | undefined) {
    this.#store = store;
    this.#last = from;
    this.#subscription = store.subscribe(from?.position, {
      batch: (events) => this.#push(events),
      live: () => {
        this.#live = true;
        this.#filling = false;
        this.#newlyLive = true;
        this.#liveFrom ??= this.#last?.position ?? 0n;
        this.#wakeReader?.();
      },
      lost: () => {
        this.#live = false;
        this.#filling = false;
      },
      restored: async () => {
        if (await stillThere(this.#store, this.#last)) return;
        this.#fail(new HistoryChanged('the last event read is not in the store any more'));
        throw new HistoryChanged();
      },
      ended: (error) => this.#fail(error),
    });
  }

  /** Whether all there is has been taken. */
  get atHead(): boolean {
    return this.#live && this.queued === 0;
  }

  /** Position of the last event there was when the head was first reached; 0 where there was none. What comes after it is new. */
  get liveFrom(): bigint | undefined {
    return this.#liveFrom;
  }

  get queued(): number {
    return this.#queue.length - this.#taken;
  }

  /**
   * The next events, at most `limit`: as many as there are, waiting for one, and while catching up for all. An empty list says that the head has been
   * reached; `undefined` that the feed was closed.
   * @throws HistoryChanged, EventStoreError
   */
  async next(limit: number): Promise<readonly StoredEvent[] | undefined> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#closed) return undefined;
      this.#wanted = limit;
      if (this.queued > 0 && (!this.#filling || this.queued >= limit || this.#isFull())) return this.#take(limit);
      if (this.#newlyLive) {
        this.#newlyLive = false;
        return [];
      }
      // More may be wanted now than when the store was held up.
      if (!this.#isFull()) this.#wakeWriter?.();
      await new Promise<void>((resolve) => {
        this.#wakeReader = resolve;
      });
      this.#wakeReader = undefined;
    }
  }

  /** Makes `next` give `undefined`. What is queued is dropped. */
  stop(): void {
    this.#closed = true;
    this.#wakeReader?.();
    this.#wakeWriter?.();
  }

  /** Stops, and waits for the subscription to end. */
  async close(): Promise<void> {
    this.stop();
    await this.#subscription.close();
  }

  #take(limit: number): readonly StoredEvent[] {
    const start = this.#taken;
    let end = start;
    let bytes = 0;
    for (; end < this.#queue.length && end - start < limit && bytes < BATCH_BYTES; end += 1)
      bytes += bytesOf(this.#queue[end]!);
    this.#bytes -= bytes;
    if (end === this.#queue.length) {
      const events = start === 0 ? this.#queue : this.#queue.slice(start);
      this.#queue = [];
      this.#taken = 0;
      this.#wakeWriter?.();
      return events;
    }
    const events = this.#queue.slice(start, end);
    this.#taken = end;
    if (end >= AHEAD_EVENTS) {
      this.#queue = this.#queue.slice(end);
      this.#taken = 0;
    }
    if (!this.#isFull()) this.#wakeWriter?.();
    return events;
  }

  async #push(events: readonly StoredEvent[]): Promise<void> {
    for (const event of events) {
      this.#queue.push(event);
      this.#bytes += bytesOf(event);
    }
    const last = events.at(-1);
    if (last !== undefined) this.#last = checkpointOf(last);
    this.#wakeReader?.();
    while (this.#isFull() && !this.#closed) {
      await new Promise<void>((resolve) => {
        this.#wakeWriter = resolve;
      });
      this.#wakeWriter = undefined;
    }
  }

  #isFull(): boolean {
    return this.queued >= Math.max(AHEAD_EVENTS, this.#wanted) || this.#bytes >= AHEAD_BYTES;
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    this.#wakeReader?.();
    this.#wakeWriter?.();
  }
}

const bytesOf = ({ data, metadata }: StoredEvent): number => data.length + metadata.length;
