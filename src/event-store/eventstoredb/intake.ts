import type { AllStreamResolvedEvent, ResolvedEvent } from '@eventstore/db-client';

/** Portions are cut at whichever comes first; only what stands in a portion is held in memory. */
export const PORTION = 500;
const PORTION_BYTES = 4 * 1024 * 1024;
/** How many events the client's own stream may hold beside them; its default of 16 costs speed. */
export const AHEAD = { highWaterMark: 256 } as const;

/** What a read or a subscription of the client is to us: a stream of objects that can be stopped for good. */
interface Source {
  readonly readableLength: number;
  on(event: 'data', listener: (resolved: AllStreamResolvedEvent & ResolvedEvent) => void): unknown;
  on(event: 'error', listener: (error: unknown) => void): unknown;
  on(event: 'end' | 'confirmation' | 'caughtUp', listener: () => void): unknown;
  pause(): unknown;
  resume(): unknown;
}

export interface Item {
  /** Of what it holds in memory, about. */
  readonly bytes: number;
}

/**
 * Takes in what a stream of the client gives, and holds the stream still while enough of it waits. The client emits
 * `error` in places where nothing but a listener can catch it, also after the stream was cancelled, so the listeners stay.
 */
export class Intake<T extends Item> {
  readonly #source: Source;
  readonly #portion: number;
  #items: T[] = [];
  #bytes = 0;
  #received = 0;
  #ended = false;
  #error: { readonly error: unknown } | undefined;
  #confirmed = false;
  #caughtUp: { readonly after: number; readonly item: T } | undefined;
  #wake: (() => void) | undefined;

  /**
   * @param source a `ReadStream` or `Subscription` of the client
   * @param keep gives what is to be kept of an event, if anything; what it throws ends the intake as an error
   * @param portion after how many items the stream is held still
   * @param caughtUp is put in at the place where the server says that it has sent all there was
   */
  constructor(
    source: unknown,
    keep: (resolved: AllStreamResolvedEvent) => T | undefined,
    portion = PORTION,
    caughtUp?: T,
  ) {
    this.#source = source as Source;
    this.#portion = portion;
    this.#source.on('error', (error) => this.#fail(error));
    this.#source.on('end', () => {
      this.#ended = true;
      this.#wake?.();
    });
    this.#source.on('confirmation', () => {
      this.#confirmed = true;
      this.#wake?.();
    });
    this.#source.on('caughtUp', () => {
      // It overtakes the events that the client's stream still holds.
      if (caughtUp !== undefined)
        this.#caughtUp = { after: this.#received + this.#source.readableLength, item: caughtUp };
      this.#markCaughtUp();
    });
    this.#source.on('data', (resolved) => {
      if (this.#error !== undefined) return;
      this.#received++;
      try {
        const item = keep(resolved);
        if (item !== undefined) this.#put(item);
      } catch (error) {
        this.#fail(error);
      }
      this.#markCaughtUp();
    });
  }

  /** The server has accepted the subscription. */
  get confirmed(): boolean {
    return this.#confirmed;
  }

  /** Enough waits to be taken, so that the stream stands still. */
  get full(): boolean {
    return this.#items.length >= this.#portion || this.#bytes >= PORTION_BYTES;
  }

  get length(): number {
    return this.#items.length;
  }

  /** Nothing will come any more, beside what waits: the end (`undefined`) or an error. */
  get over(): { readonly error: unknown } | undefined {
    if (this.#error !== undefined) return this.#error;
    return this.#ended ? { error: undefined } : undefined;
  }

  /** How many events have come in, kept or not. */
  get received(): number {
    return this.#received;
  }

  /** What waits, all of it. The stream goes on. */
  take(): T[] {
    const items = this.#items;
    this.#items = [];
    this.#bytes = 0;
    if (items.length > 0) this.#source.resume();
    return items;
  }

  /** Resolves when something has come, ended or failed, or after `ms`. For one caller at a time. */
  async changed(ms: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      timer = setTimeout(resolve, ms);
    });
    clearTimeout(timer);
    this.#wake = undefined;
  }

  /** Ends it from our side, with what its reader is to be told. */
  abort(error: unknown): void {
    this.#items = [];
    this.#fail(error);
  }

  #put(item: T): void {
    this.#items.push(item);
    this.#bytes += item.bytes;
    if (this.full) this.#source.pause();
    this.#wake?.();
  }

  #markCaughtUp(): void {
    if (this.#caughtUp === undefined || this.#caughtUp.after > this.#received) return;
    this.#put(this.#caughtUp.item);
    this.#caughtUp = undefined;
  }

  #fail(error: unknown): void {
    this.#error ??= { error };
    this.#wake?.();
  }
}
