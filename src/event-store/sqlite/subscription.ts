import { setImmediate as nextTurn } from 'node:timers/promises';
import { EventStoreError } from '../event-store.js';
import type { Subscription, SubscriptionHandler } from '../event-store.js';
import type { Page } from './pages.js';

/** How long a subscription waits after a failed read before it reads again, unless a commit is heard of before. */
const RETRY_MS = 1000;

/**
 * One subscriber. It always reads from the file, page by page, and a commit only wakes it: so there is no moment between
 * catching up and pushing at which an event could be lost or doubled, nothing is queued for a slow handler, and a
 * subscriber that fell behind catches up simply by reading on.
 */
export class FileSubscription implements Subscription {
  readonly #read: (after: number) => Page;
  readonly #handler: SubscriptionHandler;
  readonly #over: Promise<void>;
  #last: number;
  #closed = false;
  /** Whether a commit was heard of since the last page was read. */
  #news = false;
  #wake: (() => void) | undefined;

  /**
   * @param read gives the page after a position; throws only `EventStoreError`
   * @param from the last position that is not wanted; 0 is before all events
   * @param whenOver told once, when the subscription has ended in whatever way
   */
  constructor(read: (after: number) => Page, from: number, handler: SubscriptionHandler, whenOver: () => void) {
    this.#read = read;
    this.#last = from;
    this.#handler = handler;
    this.#over = this.#run().finally(whenOver);
  }

  /** There may be new events. Cheap, and safe to call at any time and any number of times. */
  poke(): void {
    this.#news = true;
    this.#wake?.();
  }

  /** Resolves once a call of the handler that is under way has come back; so a handler must not await this itself. */
  close(): Promise<void> {
    this.#closed = true;
    this.#wake?.();
    return this.#over;
  }

  async #run(): Promise<void> {
    try {
      for (let isLive = false; ;) {
        // One turn of the event loop a page: appends and requests get theirs, and commits made close together are read
        // as one page. It also lets `subscribe` return before the first call of the handler.
        await nextTurn();
        const page = await this.#nextPage();
        if (page === undefined) return;
        const last = page.events.at(-1);
        if (last !== undefined) {
          await this.#call(() => this.#handler.batch(page.events));
          this.#last = Number(last.position);
        }
        if (this.#isClosed()) return;
        if (!page.atEnd) {
          isLive = false;
          continue;
        }
        if (!isLive) await this.#call(() => this.#handler.live?.(BigInt(this.#last)));
        isLive = true;
        await this.#rest();
      }
    } catch (error) {
      // Reads and calls of the handler are the only things that throw here, and both throw this class only.
      if (!this.#isClosed()) this.#handler.ended?.(error as EventStoreError);
    }
  }

  /** The next page, be it empty, or `undefined` when closed meanwhile. Reads again after an error that may pass. */
  async #nextPage(): Promise<Page | undefined> {
    for (let lost = false; !this.#isClosed();) {
      this.#news = false;
      let page: Page;
      try {
        page = this.#read(this.#last);
      } catch (error) {
        if (!(error instanceof EventStoreError) || !error.retryable) throw error;
        if (!lost) await this.#call(() => this.#handler.lost?.(error));
        lost = true;
        await this.#rest(RETRY_MS);
        continue;
      }
      if (lost) await this.#call(() => this.#handler.restored?.());
      return this.#isClosed() ? undefined : page;
    }
    return undefined;
  }

  /** Sleeps until it is poked or closed, or for `ms`; not at all if either happened since the last read. */
  async #rest(ms?: number): Promise<void> {
    if (this.#closed || this.#news) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      if (ms !== undefined) timer = setTimeout(resolve, ms);
    });
    clearTimeout(timer);
    this.#wake = undefined;
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
