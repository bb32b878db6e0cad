/**
 * Where the ledger takes its time from. `now` is the only way any part of Waybook learns what time it is, so that a
 * demonstration or a test can live through years in seconds.
 */
export interface Clock {
  /** Milliseconds since the Unix epoch, UTC. Never goes backwards within one process. */
  now(): number;
}

/** The machine's clock, held still where the machine sets it back. */
export class SystemClock implements Clock {
  #last = 0;

  now(): number {
    this.#last = Math.max(this.#last, Date.now());
    return this.#last;
  }
}

/** A clock that only moves when it is told to, and only forward. */
export class SteppedClock implements Clock {
  #now: number;

  /** @param startMs milliseconds since the Unix epoch */
  constructor(startMs: number) {
    this.#now = startMs;
  }

  now(): number {
    return this.#now;
  }

  /** Moves to `nowMs`; an earlier instant is a RangeError. */
  moveTo(nowMs: number): void {
    if (!Number.isSafeInteger(nowMs)) throw new RangeError('the instant must be a whole number of milliseconds');
    if (nowMs < this.#now) throw new RangeError('a stepped clock never goes back');
    this.#now = nowMs;
  }
}
