import { setImmediate as nextTurn } from 'node:timers/promises';
import { streamNameFilter, START } from '@eventstore/db-client';
import type { StoredEvent, Subscription, SubscriptionHandler } from '../event-store.js';
import { EventStoreError, OWN_STREAM_PREFIXES } from '../event-store.js';
import type { Connection } from './connection.js';
import { toSeen } from './events.js';
import type { Seen } from './events.js';
import { NoAnswer, classify, closed, readFailure } from './failures.js';
import { AHEAD, Intake, PORTION } from './intake.js';
import { Patience } from './patience.js';

/** A quiet subscription that has not been told it caught up looks for itself, this often. */
const LOOK_MS = 1000;
/** How many events the server looks at before it sends a checkpoint; they are not used, so they may be rare. */
const SEARCH_WINDOW = 10_000;

type Item = Exclude<Seen, { kind: 'other' }> | { readonly kind: 'caught-up'; readonly bytes: number };

const CAUGHT_UP: Item = { kind: 'caught-up', bytes: 0 };

/**
 * One subscriber: a filtered subscription to `$all` that is made anew from the last event handled whenever it breaks.
 *
 * It goes on from events only. The server's own checkpoints would spare it some searching, but some versions send the
 * end of the log, or the largest number there is: going on from there would leave events out.
 */
export class AllSubscription implements Subscription {
  readonly #connection: Connection;
  readonly #handler: SubscriptionHandler;
  readonly #head: () => Promise<bigint | undefined>;
  readonly #answerMs: number;
  readonly #log: (line: string) => void;
  readonly #prefixes: readonly string[];
  readonly #over: Promise<void>;
  #closed = false;
  /** Ends what the subscription is waiting for just now. */
  #interrupt: () => void = () => undefined;
  #last: bigint | undefined;

  /**
   * @param head gives the position of the last event of all own streams
   * @param prefixes of the streams that are heard; left out, those of the ledger and of their metadata
   * @param whenOver told once, when the subscription has ended in whatever way
   */
  constructor(
    connection: Connection,
    from: bigint | undefined,
    handler: SubscriptionHandler,
    options: {
      readonly head: () => Promise<bigint | undefined>;
      readonly answerMs: number;
      readonly log: (line: string) => void;
      readonly prefixes?: readonly string[];
      readonly whenOver: () => void;
    },
  ) {
    this.#connection = connection;
    this.#last = from;
    this.#handler = handler;
    this.#head = options.head;
    this.#answerMs = options.answerMs;
    this.#log = options.log;
    this.#prefixes = options.prefixes ?? PREFIXES;
    this.#over = this.#run().finally(options.whenOver);
  }

  /** Resolves once a call of the handler that is under way has come back; so a handler must not await this itself. */
  close(): Promise<void> {
    this.#closed = true;
    this.#interrupt();
    return this.#over;
  }

  async #run(): Promise<void> {
    const patience = new Patience(Infinity);
    let lost = false;
    try {
      // `subscribe` returns before the first call of the handler.
      await Promise.resolve();
      while (!this.#isClosed()) {
        const back = async () => {
          patience.renew();
          if (!lost) return;
          lost = false;
          await this.#call(() => this.#handler.restored?.());
        };
        const broken = await this.#follow(back);
        if (this.#isClosed()) return;
        const error = lossOf(broken);
        if (!lost) await this.#call(() => this.#handler.lost?.(error));
        lost = true;
        if (!this.#isClosed()) await this.#pause(patience);
      }
    } catch (error) {
      const told = error instanceof EventStoreError ? error : readFailure(error, 'subscribing to $all');
      if (!this.#isClosed()) this.#handler.ended?.(told);
    }
  }

  /** Subscribes once and handles what comes, until it breaks (gives why) or is closed. Throws what is for good. */
  async #follow(back: () => Promise<void>): Promise<unknown> {
    const position = this.#last;
    const source = this.#connection.client.subscribeToAll(
      {
        fromPosition: position === undefined ? START : { commit: position, prepare: position },
        filter: streamNameFilter({ prefixes: [...this.#prefixes], maxSearchWindow: SEARCH_WINDOW }),
      },
      AHEAD,
    );
    const intake = new Intake<Item>(source, toItem, PORTION, CAUGHT_UP);
    this.#interrupt = () => intake.abort(closed());
    try {
      return await this.#handle(intake, back);
    } finally {
      // Rejects where the subscription was never made, of which `error` has told already.
      source.unsubscribe().catch(() => undefined);
    }
  }

  async #handle(intake: Intake<Item>, back: () => Promise<void>): Promise<unknown> {
    let [isBack, isLive] = [false, false];
    const since = performance.now();
    while (!this.#isClosed()) {
      if (intake.confirmed && !isBack) {
        isBack = true;
        await back();
        continue;
      }
      if (intake.length > 0) {
        // What arrived together is handled together.
        if (!intake.full) await nextTurn();
        isLive = (await this.#deliver(intake.take())) || isLive;
        continue;
      }
      if (intake.over !== undefined) return intake.over.error;
      if (!isBack && performance.now() - since > this.#answerMs) return new NoAnswer('a subscription', this.#answerMs);
      const before = intake.received;
      await intake.changed(isLive ? this.#answerMs : Math.min(LOOK_MS, this.#answerMs));
      if (isBack && !isLive && intake.received === before && intake.length === 0)
        isLive = await this.#lookForHead(intake);
    }
    return undefined;
  }

  /** Calls the handler for what came, in its order. Gives whether the subscription was said to be live. */
  async #deliver(items: readonly Item[]): Promise<boolean> {
    let live = false;
    let batch: StoredEvent[] = [];
    const flush = async () => {
      const events = batch;
      const last = events.at(-1);
      if (last === undefined || this.#isClosed()) return;
      batch = [];
      await this.#call(() => this.#handler.batch(events));
      this.#last = last.position;
    };
    let handled = this.#last ?? -1n;
    for (const item of items) {
      if (item.kind === 'caught-up') {
        await flush();
        await this.#sayLive();
        live = true;
        continue;
      }
      // What was handled before the connection broke, should the server send it again.
      if (item.position <= handled) continue;
      handled = item.position;
      if (item.kind === 'own') {
        batch.push(item.event);
        continue;
      }
      await flush();
      if (this.#isClosed()) return live;
      await this.#call(() => this.#handler.tampered?.(item.stream, item.how));
      this.#last = item.position;
    }
    await flush();
    return live;
  }

  /** For servers that never say that all has been sent: it has, if the last own event of all was among it. */
  async #lookForHead(intake: Intake<Item>): Promise<boolean> {
    const looking = this.#head().catch((error: unknown) => {
      // The subscription itself will notice what is wrong, if it lasts.
      this.#log(`a subscription could not read the head: ${String(error)}`);
      return 'not known' as const;
    });
    const head = await Promise.race([looking, intake.changed(this.#answerMs).then(() => 'not known' as const)]);
    const all = head === undefined || (head !== 'not known' && head <= (this.#last ?? -1n));
    if (!all || this.#isClosed() || intake.length > 0) return false;
    await this.#sayLive();
    return true;
  }

  async #pause(patience: Patience): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#interrupt = resolve;
      void patience.pause().then(resolve);
    });
  }

  async #sayLive(): Promise<void> {
    if (!this.#isClosed()) await this.#call(() => this.#handler.live?.(this.#last ?? 0n));
  }

  async #call(work: () => void | Promise<void>): Promise<void> {
    try {
      await work();
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new EventStoreError('store-refused', `the handler of the subscription failed: ${why}`, { cause });
    }
  }

  /** A call and not a field: it changes while something is awaited, which the compiler does not see. */
  #isClosed(): boolean {
    return this.#closed;
  }
}

/** The streams in which the server keeps the metadata of the ledger's streams. */
export const METADATA_PREFIXES: readonly string[] = OWN_STREAM_PREFIXES.map((prefix) => `$$${prefix}`);
/** The ledger's streams, and those. */
const PREFIXES: readonly string[] = [...OWN_STREAM_PREFIXES, ...METADATA_PREFIXES];

function toItem(resolved: Parameters<typeof toSeen>[0]): Item | undefined {
  const seen = toSeen(resolved);
  return seen.kind === 'other' ? undefined : seen;
}

/** What the handler is told of a break. @throws EventStoreError where trying again is of no use */
function lossOf(broken: unknown): EventStoreError {
  if (broken instanceof EventStoreError && !broken.retryable) throw broken;
  const { kind } = classify(broken);
  if (kind === 'denied' || kind === 'no-position') throw readFailure(broken, 'subscribing to $all');
  return new EventStoreError('store-unavailable', 'the subscription to the event store broke', { cause: broken });
}
