import { BACKWARDS, END, FORWARDS, NO_STREAM, ANY, START } from '@eventstore/db-client';
import type {
  AppendResult,
  Direction,
  EventStore,
  EventToAppend,
  ExpectedRevision,
  StoredEvent,
  Subscription,
  SubscriptionHandler,
} from '../event-store.js';
import { EventStoreError, OWN_STREAM, checkAppend } from '../event-store.js';
import { Connection } from './connection.js';
import { parseConnectionString } from './connection-string.js';
import { plausible, toProposed, toSeen, toStored, truncation } from './events.js';
import { classify, closed, readFailure } from './failures.js';
import { PORTION } from './intake.js';
import { Gate, Patience, answerWithin } from './patience.js';
import { Reads } from './reads.js';
import { AllSubscription, METADATA_PREFIXES } from './subscription.js';

export interface EventStoreDbOptions {
  /** How long one call may go without an answer before it is given up. Default 5 s. */
  readonly answerMs?: number;
  /** For how long what failed is tried again by the adapter itself, where that is safe. Default 15 s. */
  readonly retryMs?: number;
  /**
   * Told, from now on, of streams of the ledger that somebody deleted or whose metadata somebody set: what is known of
   * them from before is not to be relied on. A stream that was tombstoned is not told of; it takes no append anyway.
   */
  readonly onTampered?: (stream: string) => void;
  /** Told what no caller can be told: a client replaced, an answer nobody waits for. Default: nobody. */
  readonly log?: (line: string) => void;
}

/** Appends under way at once; each is at most 900 KiB. More would only wait in the client's memory. */
const APPENDS_AT_ONCE = 64;
/** The server takes this and more for the special revisions it calls -1, -2 and so on. */
const NO_REVISION = 2n ** 63n - 1n;
/** The last own event of all is usually among the very last ones. */
const HEAD_PORTION = 16;

/**
 * Connects to EventStoreDB (or KurrentDB) 22.10 or later and makes sure that it answers and lets us read `$all`.
 *
 * @throws EventStoreError `store-refused` for a connection string that is wrong or a user who may not do what is needed,
 * `store-unavailable` where no server answers for as long as `retryMs`
 */
export async function openEventStoreDb(
  connectionString: string,
  { answerMs = 5000, retryMs = 15_000, log = () => undefined, onTampered }: EventStoreDbOptions = {},
): Promise<EventStore> {
  const connection = new Connection(parseConnectionString(connectionString), log);
  const store = new EventStoreDb(connection, { answerMs, retryMs, log });
  try {
    await store.ping();
    if (onTampered !== undefined) await store.watch(onTampered);
    return store;
  } catch (error) {
    await store.close();
    throw error;
  }
}

type Settings = Required<Omit<EventStoreDbOptions, 'onTampered'>>;

class EventStoreDb implements EventStore {
  readonly #connection: Connection;
  readonly #options: Settings;
  readonly #reads: Reads;
  readonly #gate = new Gate(APPENDS_AT_ONCE);
  readonly #appends = new Set<Promise<unknown>>();
  readonly #subscriptions = new Set<Subscription>();
  #closing: Promise<void> | undefined;

  constructor(connection: Connection, options: Settings) {
    this.#connection = connection;
    this.#options = options;
    this.#reads = new Reads(connection, options);
  }

  /** Reads one event of `$all`, as everything else will have to. */
  async ping(): Promise<void> {
    const one = this.#reads.pages({
      what: 'reading $all',
      begin: (client) => client.readAll({ direction: BACKWARDS, fromPosition: END, maxCount: 1 }),
      keep: () => undefined,
    });
    await one.next();
  }

  /** Listens to metadata alone, so that it costs nothing however much is recorded. What it missed it is told on return. */
  async watch(onTampered: (stream: string) => void): Promise<void> {
    const { answerMs, log } = this.#options;
    const from = (await this.head())?.position;
    const handler: SubscriptionHandler = {
      batch: () => undefined,
      tampered: (stream) => onTampered(stream),
      ended: (error) => log(`nobody listens for tampering any more: ${error.message}`),
    };
    const whenOver = () => void this.#subscriptions.delete(subscription);
    const subscription: Subscription = new AllSubscription(this.#connection, from, handler, {
      // There is nothing to catch up with: what was done before is found when the stream is read.
      head: () => Promise.resolve(undefined),
      prefixes: METADATA_PREFIXES,
      answerMs,
      log,
      whenOver,
    });
    this.#subscriptions.add(subscription);
  }

  async append(stream: string, expected: ExpectedRevision, events: readonly EventToAppend[]): Promise<AppendResult> {
    this.#assertOpen();
    checkAppend(stream, expected, events);
    if (typeof expected === 'bigint' && expected >= NO_REVISION)
      throw new EventStoreError('invalid-append', 'there is no such revision', { stream });
    const proposed = toProposed(stream, events);
    const full = () =>
      new EventStoreError('store-unavailable', 'too many appends wait for the event store', { stream });
    const work = this.#gate.through(this.#options.retryMs, full, async () => {
      if (expected === 'no-stream') await this.#assertNeverDeleted(stream);
      return await this.#appendSurely(stream, expected, proposed);
    });
    this.#appends.add(work);
    try {
      return await work;
    } finally {
      this.#appends.delete(work);
    }
  }

  async *readStream(
    stream: string,
    from?: bigint,
    direction: Direction = 'forwards',
    limit = Number.MAX_SAFE_INTEGER,
  ): AsyncGenerator<readonly StoredEvent[]> {
    this.#assertOpen();
    if (!OWN_STREAM.test(stream)) return;
    const backwards = direction === 'backwards';
    // The client throws at a revision below 0.
    let next = from !== undefined && from < 0n && !backwards ? 0n : from;
    let left = limit;
    if (left <= 0 || (next !== undefined && next < 0n)) return;
    const pages = this.#reads.pages({
      what: 'reading a stream',
      stream,
      begin: (client, ahead) => {
        const fromRevision = next ?? (backwards ? END : START);
        const options = { direction: backwards ? BACKWARDS : FORWARDS, fromRevision, maxCount: left } as const;
        return client.readStream(stream, { ...options, requiresLeader: true }, ahead);
      },
      keep: toStored,
    });
    const whole = !backwards && (from ?? 0n) <= 0n;
    let any = false;
    for await (const page of pages) {
      const events = page.map(({ event }) => event);
      const last = events.at(-1);
      if (last === undefined) continue;
      next = last.revision + (backwards ? -1n : 1n);
      left -= events.length;
      any = true;
      yield events;
      if (left <= 0 || next < 0n) return;
    }
    // What was deleted softly reads like what never was.
    if (whole && !any) await this.#assertNeverDeleted(stream);
  }

  async *readAll(
    from?: bigint,
    limit = Number.MAX_SAFE_INTEGER,
    direction: Direction = 'forwards',
  ): AsyncGenerator<readonly StoredEvent[]> {
    this.#assertOpen();
    if (limit <= 0) return;
    yield* direction === 'forwards' ? this.#allForwards(from, limit) : this.#allBackwards(from, limit);
  }

  /** The server begins before the position it is given: the event that is there is read by itself. */
  async *#allBackwards(
    from: bigint | undefined,
    limit: number,
    portion = Math.min(PORTION, limit),
  ): AsyncGenerator<readonly StoredEvent[]> {
    let left = limit;
    if (from !== undefined) {
      const there = this.#reads.pages({
        what: 'reading $all',
        begin: (client, ahead) =>
          client.readAll({ fromPosition: { commit: from, prepare: from }, maxCount: 1, requiresLeader: true }, ahead),
        keep: toSeen,
      });
      for await (const page of there)
        for (const seen of page)
          if (seen.position === from && seen.kind === 'own') {
            left -= 1;
            yield [seen.event];
          }
      if (left <= 0) return;
    }
    let before = from;
    const pages = this.#reads.pages({
      what: 'reading $all',
      begin: (client, ahead) => {
        const fromPosition = before === undefined ? END : { commit: before, prepare: before };
        return client.readAll({ direction: BACKWARDS, fromPosition, requiresLeader: true }, ahead);
      },
      keep: toSeen,
      portion,
    });
    for await (const page of pages) {
      const events: StoredEvent[] = [];
      for (const seen of page) {
        before = seen.position;
        if (seen.kind === 'own' && events.length < left) events.push(seen.event);
      }
      left -= events.length;
      if (events.length > 0) yield events;
      if (left <= 0) return;
    }
  }

  async *#allForwards(from: bigint | undefined, limit: number): AsyncGenerator<readonly StoredEvent[]> {
    let last = from;
    let left = limit;
    const pages = this.#reads.pages({
      what: 'reading $all',
      begin: (client, ahead) => {
        const fromPosition = last === undefined ? START : { commit: last, prepare: last };
        return client.readAll({ fromPosition, requiresLeader: true }, ahead);
      },
      keep: toSeen,
      portion: Math.min(PORTION, left),
    });
    for await (const page of pages) {
      const events: StoredEvent[] = [];
      for (const seen of page) {
        // The server counts the position it is given in.
        if (last !== undefined && seen.position <= last) continue;
        last = seen.position;
        if (seen.kind === 'own' && events.length < left) events.push(seen.event);
      }
      left -= events.length;
      if (events.length > 0) yield events;
      if (left <= 0) return;
    }
  }

  subscribe(from: bigint | undefined, handler: SubscriptionHandler): Subscription {
    this.#assertOpen();
    const { answerMs, log } = this.#options;
    const head = async () => (await this.head())?.position;
    const whenOver = () => void this.#subscriptions.delete(subscription);
    const subscription: Subscription = new AllSubscription(this.#connection, from, handler, {
      head,
      answerMs,
      log,
      whenOver,
    });
    this.#subscriptions.add(subscription);
    return subscription;
  }

  async head(): Promise<{ readonly position: bigint; readonly id: string } | undefined> {
    this.#assertOpen();
    for await (const [event] of this.#allBackwards(undefined, 1, HEAD_PORTION))
      if (event !== undefined) return { position: event.position, id: event.id };
    return undefined;
  }

  close(): Promise<void> {
    this.#closing ??= (async () => {
      await Promise.allSettled(this.#appends);
      this.#reads.close();
      await Promise.all([...this.#subscriptions].map((subscription) => subscription.close()));
      await this.#connection.close(this.#options.answerMs);
    })();
    return this.#closing;
  }

  /**
   * Repeats the identical append at the identical exact revision until it is known how it ended: the server answers a
   * repeat with the first result. With `any` it does not for sure, so then there is one attempt only.
   */
  async #appendSurely(
    stream: string,
    expected: ExpectedRevision,
    proposed: ReturnType<typeof toProposed>,
  ): Promise<AppendResult> {
    const { answerMs, retryMs } = this.#options;
    const patience = new Patience(expected === 'any' ? 0 : retryMs);
    const expectedRevision = expected === 'any' ? ANY : expected === 'no-stream' ? NO_STREAM : expected;
    let unsure = false;
    // Each attempt waits longer than the one before, lest repeats pile up faster than a slow server gets through them.
    for (let waitMs = answerMs; ; waitMs += answerMs) {
      try {
        const { client } = this.#connection;
        const result = await answerWithin(waitMs, 'an append', () =>
          client.appendToStream(stream, proposed, { expectedRevision, deadline: waitMs }),
        );
        const revision = result.nextExpectedRevision;
        if (expected === 'no-stream' && revision !== BigInt(proposed.length - 1)) throw truncated(stream);
        return { revision, position: plausible(result.position) ?? (await this.#positionAt(stream, revision)) };
      } catch (error) {
        if (error instanceof EventStoreError) throw error;
        unsure = refuse(stream, error) || unsure;
        if (patience.over || this.#closing !== undefined) throw gaveUp(stream, unsure, error);
        await this.#connection.check(answerMs);
        await patience.pause();
      }
    }
  }

  /** A stream that was deleted softly takes `no-stream`, and goes on after the revisions that can no longer be read. */
  async #assertNeverDeleted(stream: string): Promise<void> {
    const metadata = this.#reads.pages({
      what: 'reading the metadata of a stream',
      stream,
      begin: (client) => {
        const last = { direction: BACKWARDS, fromRevision: END, maxCount: 1 } as const;
        return client.readStream(`$$${stream}`, { ...last, requiresLeader: true });
      },
      keep: ({ event }) => ({ bytes: 0, before: truncation(event?.data) }),
    });
    for await (const page of metadata) if (page.some(({ before }) => before > 0)) throw truncated(stream);
  }

  async #positionAt(stream: string, revision: bigint): Promise<bigint> {
    try {
      for await (const [event] of this.readStream(stream, revision, 'forwards', 1)) {
        if (event?.revision === revision) return event.position;
      }
    } catch (error) {
      throw gaveUp(stream, true, error);
    }
    throw gaveUp(stream, true, new Error('what was just appended cannot be read back'));
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw closed();
  }
}

const truncated = (stream: string): EventStoreError =>
  new EventStoreError('stream-truncated', `stream ${stream} was deleted, and what it held cannot be read`, { stream });

/** Throws where the failed append is settled; else gives whether it may have been stored all the same. */
function refuse(stream: string, error: unknown): boolean {
  const failure = classify(error);
  const about = { stream, cause: error };
  switch (failure.kind) {
    case 'conflict': {
      const { actual } = failure;
      throw new EventStoreError('wrong-expected-revision', `stream ${stream} is at ${actual}`, { ...about, actual });
    }
    case 'too-large':
      throw new EventStoreError('append-too-large', 'the append is too large for the server', about);
    case 'deleted':
      throw new EventStoreError('stream-deleted', `stream ${stream} was deleted for ever`, about);
    case 'denied':
      throw readFailure(error, 'appending', stream);
    case 'bad-request':
      throw new EventStoreError('invalid-append', 'the server takes this append for malformed', about);
    case 'missing':
    case 'no-position':
    case 'not-done':
      return false;
    case 'unknown':
      return true;
  }
}

function gaveUp(stream: string, unsure: boolean, cause: unknown): EventStoreError {
  return unsure
    ? new EventStoreError('append-outcome-unknown', 'whether the append was stored is not known', { stream, cause })
    : new EventStoreError('store-unavailable', 'the event store did not take the append', { stream, cause });
}
