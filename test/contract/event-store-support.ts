import { randomUUID } from 'node:crypto';
import type {
  EventStore,
  EventStoreError,
  EventToAppend,
  StoredEvent,
  Subscription,
  SubscriptionHandler,
} from '../../src/event-store/event-store.js';

/** What a spec hands to the behaviour suite for each group of tests: one store, and what can be done to it. */
export interface StoreUnderTest {
  readonly store: EventStore;
  /** Closes the store and opens another one on the same data; `close` then closes that one. */
  readonly reopen?: () => Promise<EventStore>;
  /** Cuts every connection the store has. The server is there again at once; the store finds back by itself. */
  readonly loseConnection?: () => Promise<void>;
  /** Closes the store and frees all that was opened for it. */
  readonly close: () => Promise<void>;
}

/** Why an adapter has no use for a group of tests; the reason stands in the title of the skipped tests. */
export interface NotApplicable {
  readonly reopen?: string;
  readonly loseConnection?: string;
  readonly streams?: string;
}

/** A stream name nobody else uses: a server under test may be shared. */
export const freshStream = (): string => `contract-${randomUUID()}`;

export const event = (
  n: number | string = 0,
  data = `{"n":${JSON.stringify(n)}}`,
  metadata = '{"m":1}',
): EventToAppend => ({
  id: randomUUID(),
  type: 'Probed',
  data,
  metadata,
});

/** `count` small events, numbered from `first` in their data. */
export const events = (count: number, first = 0): readonly EventToAppend[] =>
  Array.from({ length: count }, (_, at) => event(first + at));

/** An event whose type, data and metadata are `bytes` long together. */
export function eventOfBytes(bytes: number): EventToAppend {
  const around = event(0, '{"x":""}');
  const used = around.type.length + around.data.length + around.metadata.length;
  return { ...around, data: `{"x":"${'x'.repeat(bytes - used)}"}` };
}

export const ids = (list: readonly { readonly id: string }[]): readonly string[] => list.map(({ id }) => id);

export async function all(pages: AsyncIterable<readonly StoredEvent[]>): Promise<readonly StoredEvent[]> {
  const found: StoredEvent[] = [];
  for await (const page of pages) for (const one of page) found.push(one);
  return found;
}

/** The `EventStoreError` that `work` ends in; anything else, success included, fails the test. */
export async function failure(work: () => unknown): Promise<EventStoreError> {
  try {
    await work();
  } catch (error) {
    // Not `instanceof`: what counts is what a caller can rely on, the name and the code.
    if (error instanceof Error && error.name === 'EventStoreError') return error as EventStoreError;
    throw error;
  }
  throw new Error('expected an EventStoreError, but the call succeeded');
}

/** Appends as a careful caller does: what may be repeated is repeated, with the same events at the same revision. */
export async function appendSurely(
  store: EventStore,
  stream: string,
  expected: bigint | 'no-stream',
  list: readonly EventToAppend[],
): Promise<void> {
  for (let left = 50; ; left--) {
    try {
      await store.append(stream, expected, list);
      return;
    } catch (error) {
      const retryable = error instanceof Error && (error as EventStoreError).retryable;
      if (!retryable || left === 0) throw error;
      await pause(100);
    }
  }
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export type Heard =
  | { readonly what: 'batch'; readonly count: number }
  | { readonly what: 'live'; readonly position: bigint }
  | { readonly what: 'lost'; readonly error: EventStoreError }
  | { readonly what: 'restored' }
  | { readonly what: 'ended'; readonly error: EventStoreError };

/**
 * Listens to a subscription, keeps what concerns the given streams, and notes every call. Handler calls that overlap,
 * and positions that do not rise, are collected in `broken`, which each test expects to be empty.
 */
export class Recorder implements SubscriptionHandler {
  readonly events: StoredEvent[] = [];
  readonly heard: Heard[] = [];
  readonly broken: string[] = [];
  /** Awaited inside each `batch` of events of these streams. */
  during: (events: readonly StoredEvent[]) => void | Promise<void> = () => undefined;
  #busy = false;
  #last = -1n;
  readonly #streams: ReadonlySet<string>;
  readonly #waiting: { readonly met: () => boolean; readonly resolve: () => void }[] = [];

  constructor(...streams: readonly string[]) {
    this.#streams = new Set(streams);
  }

  async batch(batch: readonly StoredEvent[]): Promise<void> {
    if (this.#busy) this.broken.push('batch was called while another call was running');
    if (batch.length === 0) this.broken.push('batch was called without events');
    this.#busy = true;
    try {
      for (const one of batch) {
        if (one.position <= this.#last) this.broken.push(`position ${one.position} came after ${this.#last}`);
        this.#last = one.position;
      }
      const own = batch.filter(({ stream }) => this.#streams.has(stream));
      if (own.length > 0) await this.during(own);
      this.events.push(...own);
      this.#note({ what: 'batch', count: own.length });
    } finally {
      this.#busy = false;
    }
  }

  live(position: bigint): void {
    if (this.#busy) this.broken.push('live was called while a batch was running');
    if (position < this.#last) this.broken.push(`live at ${position}, before ${this.#last} that was delivered`);
    this.#note({ what: 'live', position });
  }

  lost(error: EventStoreError): void {
    this.#note({ what: 'lost', error });
  }

  async restored(): Promise<void> {
    if (this.#busy) this.broken.push('restored was called while a batch was running');
    this.#busy = true;
    await pause(5);
    this.#busy = false;
    this.#note({ what: 'restored' });
  }

  ended(error: EventStoreError): void {
    this.#note({ what: 'ended', error });
  }

  /** Resolves when `count` events of the streams have been handled; the test's own timeout is the limit. */
  received(count: number): Promise<void> {
    return this.until(() => this.events.length >= count);
  }

  told(what: Heard['what']): Promise<void> {
    return this.until(() => this.heard.some((one) => one.what === what));
  }

  until(met: () => boolean): Promise<void> {
    if (met()) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ met, resolve }));
  }

  #note(heard: Heard): void {
    this.heard.push(heard);
    for (const one of this.#waiting.filter(({ met }) => met())) {
      this.#waiting.splice(this.#waiting.indexOf(one), 1);
      one.resolve();
    }
  }
}

/** Subscribes, runs `body`, and closes the subscription whatever happens. */
export async function withSubscription(
  store: EventStore,
  from: bigint | undefined,
  handler: SubscriptionHandler,
  body: (subscription: Subscription) => Promise<void>,
): Promise<void> {
  const subscription = store.subscribe(from, handler);
  try {
    await body(subscription);
  } finally {
    await subscription.close();
  }
}
