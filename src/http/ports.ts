/** What the HTTP layer is given: parts that are already open. It opens nothing and closes nothing itself. */
import type { Recorder } from '../commands/recorder.js';
import type { Clock } from '../clock.js';
import type { DecodedEvent } from '../evidence/record.js';

/** The token under which controllers are given {@link HttpParts}. */
export const PARTS = Symbol('the parts of the HTTP layer');

export interface HttpParts {
  readonly recorder: Recorder;
  readonly clock: Clock;
  readonly health: HealthSource;
  readonly waiter: PositionWaiter;
  readonly feed: Feed;
  /** Name of the ledger. Begins with `demo.` where the clock is stepped. */
  readonly origin: string;
  /** Version of the program. */
  readonly version: string;
  /**
   * Called for each UTC midnight that a stepped clock passes, the clock standing at it; the clock goes on once it
   * resolves.
   * @param day YYYY-MM-DD, the day that begins
   */
  readonly onDay?: (day: string) => Promise<void>;
  /** Called when a stepped clock has been moved, standing where it was to go; the answer waits until it resolves. */
  readonly onMoved?: (nowMs: number) => Promise<void>;
  readonly log: Log;
}

/** Where the server says what its operator should know. Never called on the way of a request that goes well. */
export interface Log {
  error(message: string, error?: unknown): void;
  warn(message: string): void;
  info(message: string): void;
}

/**
 * `rebuilding`: a new copy is built while the old one serves. `standby`: another process writes the rows. `failed`: it
 * stopped at an event and stands still.
 */
export type ProjectionState = 'catching-up' | 'live' | 'rebuilding' | 'standby' | 'failed';

export interface ProjectionHealth {
  readonly name: string;
  readonly version: number;
  readonly state: ProjectionState;
  /** Of the last event in the rows that are shown; `undefined` before the first one. */
  readonly position: bigint | undefined;
  /** The copy that is being built beside it, while one is. */
  readonly building: { readonly version: number; readonly position: bigint | undefined } | undefined;
  /** `events`: received and not in the rows yet, where that is known. `milliseconds`: since the rows had everything. */
  readonly lag: { readonly events?: number; readonly milliseconds: number };
  /** Why it stands still; `event` is the id in the store of the event it stopped at. */
  readonly error?: { readonly code: string; readonly detail: string; readonly event?: string };
}

/** How far the watch is. */
export interface WatchHealth {
  readonly state: 'live' | 'catching-up' | 'standby' | 'failed';
  /** The last day (YYYY-MM-DD) at whose start all that was missed had been noticed. */
  readonly through: string | undefined;
  /** `undefined` before the first pass. */
  readonly lagDays: number | undefined;
  /** How much it has had recorded since the start. */
  readonly noticed: number;
  readonly error: { readonly contract: string | null; readonly detail: string } | undefined;
}

export interface HealthSource {
  /** Whether all parts are open. Before that, only `/health` and `/metrics` tell anything. */
  ready(): boolean;
  /**
   * Position of the last event of all own streams, `undefined` while there is none.
   * @throws EventStoreError `store-unavailable`, `store-closed`
   */
  head(): Promise<bigint | undefined>;
  projections(): readonly ProjectionHealth[];
  /** Left out where this process has none. */
  watch?(): WatchHealth;
}

interface PositionWaiter {
  /**
   * Waits until a projection's rows are complete up to a position.
   * @returns whether they are; false once `timeoutMs` milliseconds have passed
   */
  waitFor(projection: string, position: bigint, timeoutMs: number): Promise<boolean>;
}

/** An event of a contract as the feed gives it. */
export interface FeedEvent {
  readonly contract: string;
  readonly event: DecodedEvent;
}

export interface Feed {
  /**
   * The events of all contracts after a position (exclusive; `undefined` for the beginning), in global order, in pages
   * of one or more. Reads on only as the caller takes pages. With `follow` it does not end at the head but goes on with
   * each new event until `signal` aborts, which ends it quietly.
   *
   * @throws EventStoreError `store-unavailable`, `store-closed`
   * @throws EvidenceError `chain-broken`
   */
  read(
    after: bigint | undefined,
    options: { readonly follow: boolean; readonly limit: number; readonly signal: AbortSignal },
  ): AsyncIterable<readonly FeedEvent[]>;
}
