/** What the projections say of themselves, and who waits for them. */
import type { ProjectionFailure } from './checkpoint.js';
import { ReadModelError } from './errors.js';

/**
 * - `catching-up`: events are there that are not in the rows yet.
 * - `live`: all events are in the rows, and each further one comes as it is recorded.
 * - `rebuilding`: a new copy is being built; the one before serves, and goes on where it is of this version.
 * - `standby`: another process writes the rows; this one takes over when that one goes.
 * - `failed`: an event could not be projected, see `error`; the rows stay as they were before it.
 */
export type ProjectionState = 'catching-up' | 'live' | 'rebuilding' | 'standby' | 'failed';

/** Plain data: it crosses threads. */
export interface ProjectionStatus {
  readonly name: string;
  /** Of the projection as this process knows it. */
  readonly version: number;
  readonly state: ProjectionState;
  /** Of the last event in the rows that queries see; `undefined` before the first one. */
  readonly position: bigint | undefined;
  /** That event's id in the store. */
  readonly eventId: string | undefined;
  /** How far the copy has got that is being built beside, while one is. */
  readonly building: { readonly version: number; readonly position: bigint | undefined } | undefined;
  readonly lag: {
    /** Events received and not yet in the rows; left out while it is not known how many there are. */
    readonly events?: number;
    /** How long ago the rows last had everything there was. */
    readonly milliseconds: number;
  };
  readonly error?: ProjectionFailure | TransientTrouble;
}

/** A store or database that cannot be reached at the moment, or a thread that has ended; it is being tried again. */
export interface TransientTrouble {
  readonly code: 'store-unavailable' | 'read-model-unavailable' | 'projector-stopped';
  readonly detail: string;
}

/** What a projector offers, in whichever thread it runs. */
export interface ProjectorControl {
  status(): readonly ProjectionStatus[];
  /**
   * Waits until queries of a projection show `position` or a later one.
   * @returns false when `timeoutMs` has passed, or the projection has failed before that position, or the projector was closed
   * @throws ReadModelError `unknown-projection`
   */
  waitFor(projection: string, position: bigint, timeoutMs: number): Promise<boolean>;
  /**
   * Builds projections anew from the first event, beside the rows that serve meanwhile, and switches when they have
   * caught up.
   * @throws ReadModelError `unknown-projection`, `rebuild-running`, `rebuild-failed`, `read-model-unavailable`,
   * `projector-stopped`
   */
  rebuild(projection: string, onProgress?: (progress: RebuildProgress) => void): Promise<void>;
  close(): Promise<void>;
}

/** Names all projections in {@link ProjectorControl.rebuild}. */
export const ALL = 'all';

export interface RebuildProgress {
  readonly name: string;
  /** How far the new rows have got; 0 before the first event. */
  readonly position: bigint;
  /** Position of the last event there was when the rebuild began; 0 where there was none. */
  readonly target: bigint;
}

interface Waiter {
  readonly position: bigint;
  readonly resolve: (reached: boolean) => void;
  readonly timer: NodeJS.Timeout;
}

/** Holds the last statuses and wakes who waits for a position. */
export class StatusBoard {
  #statuses = new Map<string, ProjectionStatus>();
  readonly #waiters = new Map<string, Set<Waiter>>();
  #closed = false;

  set(statuses: readonly ProjectionStatus[]): void {
    this.#statuses = new Map(statuses.map((status) => [status.name, status]));
    for (const status of statuses) {
      const waiters = this.#waiters.get(status.name);
      if (waiters === undefined) continue;
      for (const waiter of waiters) {
        const reached = outcome(status, waiter.position);
        if (reached !== undefined) this.#settle(waiters, waiter, reached);
      }
    }
  }

  get(): readonly ProjectionStatus[] {
    return [...this.#statuses.values()];
  }

  waitFor(name: string, position: bigint, timeoutMs: number): Promise<boolean> {
    const status = this.#statuses.get(name);
    if (status === undefined)
      return Promise.reject(new ReadModelError('unknown-projection', `there is no projection ${name}`));
    const reached = outcome(status, position);
    if (reached !== undefined) return Promise.resolve(reached);
    if (this.#closed) return Promise.resolve(false);
    return new Promise((resolve) => {
      const waiters = this.#waiters.get(name) ?? new Set();
      this.#waiters.set(name, waiters);
      const timer = setTimeout(() => this.#settle(waiters, waiter, false), timeoutMs);
      const waiter: Waiter = { position, resolve, timer };
      waiters.add(waiter);
    });
  }

  /** Nothing will come any more. */
  close(): void {
    this.#closed = true;
    for (const waiters of this.#waiters.values()) for (const waiter of waiters) this.#settle(waiters, waiter, false);
  }

  #settle(waiters: Set<Waiter>, waiter: Waiter, reached: boolean): void {
    clearTimeout(waiter.timer);
    waiters.delete(waiter);
    waiter.resolve(reached);
  }
}

/** Whether the position has been reached, `undefined` where it may still be. */
function outcome({ position, state }: ProjectionStatus, wanted: bigint): boolean | undefined {
  if ((position ?? 0n) >= wanted) return true;
  return state === 'failed' ? false : undefined;
}
