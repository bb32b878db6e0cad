import type { AllStreamResolvedEvent, EventStoreDBClient } from '@eventstore/db-client';
import type { Connection } from './connection.js';
import { NoAnswer, classify, closed, readFailure } from './failures.js';
import { AHEAD, Intake } from './intake.js';
import type { Item } from './intake.js';
import { Patience } from './patience.js';

/** One kind of read. */
export interface Read<T extends Item> {
  /** For messages. */
  readonly what: string;
  readonly stream?: string;
  /** Begins it; called again where it broke, and must then ask for what comes after the pages given so far. */
  readonly begin: (client: EventStoreDBClient, ahead: typeof AHEAD) => { cancel(): Promise<void> };
  /** What is wanted of an event, if anything. */
  readonly keep: (resolved: AllStreamResolvedEvent) => T | undefined;
  /** How much of it makes a page; default {@link PORTION}. */
  readonly portion?: number;
}

/** Reads of the server as pages, made anew where they break. */
export class Reads implements Reads {
  readonly #connection: Connection;
  readonly #answerMs: number;
  readonly #retryMs: number;
  readonly #open = new Set<Intake<Item>>();
  #closed = false;

  constructor(connection: Connection, { answerMs, retryMs }: { readonly answerMs: number; readonly retryMs: number }) {
    this.#connection = connection;
    this.#answerMs = answerMs;
    this.#retryMs = retryMs;
  }

  /**
   * What is kept of the events, in pages. A read that broke is begun anew until nothing has come for `retryMs`.
   * A stream that does not exist gives nothing.
   *
   * @throws EventStoreError `store-unavailable`, `stream-deleted`, `store-refused`, `store-closed`
   */
  async *pages<T extends Item>({ what, stream, begin, keep, portion }: Read<T>): AsyncGenerator<readonly T[]> {
    const patience = new Patience(this.#retryMs);
    for (;;) {
      if (this.#closed) throw closed();
      const read = begin(this.#connection.client, AHEAD);
      const intake = new Intake<T>(read, keep, portion);
      this.#open.add(intake);
      try {
        for (let page = await this.#next(intake); page !== undefined; page = await this.#next(intake)) {
          yield page;
          patience.renew();
        }
        return;
      } catch (error) {
        if (classify(error).kind === 'missing') return;
        const failure = readFailure(error, what, stream);
        if (!failure.retryable || patience.over) throw failure;
      } finally {
        this.#open.delete(intake);
        // Rejects where the read was never begun, of which `error` has told already.
        read.cancel().catch(() => undefined);
      }
      await patience.pause();
    }
  }

  /** Ends all reads with `store-closed`. */
  close(): void {
    this.#closed = true;
    for (const intake of this.#open) intake.abort(closed());
  }

  /** The next page, `undefined` at the end. Only the time that is spent waiting for the server counts. */
  async #next<T extends Item>(intake: Intake<T>): Promise<readonly T[] | undefined> {
    for (;;) {
      const { over } = intake;
      // What came before an error is given first, so that a read that breaks again and again still gets on.
      if (intake.full || (over !== undefined && intake.length > 0)) return intake.take();
      if (over?.error !== undefined) throw over.error;
      if (over !== undefined) return undefined;
      const [before, since] = [intake.received, performance.now()];
      await intake.changed(this.#answerMs);
      const late = performance.now() - since >= this.#answerMs;
      if (late && intake.received === before && intake.over === undefined) throw new NoAnswer('a read', this.#answerMs);
    }
  }
}
