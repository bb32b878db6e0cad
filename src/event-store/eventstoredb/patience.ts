import { NoAnswer } from './failures.js';

/** The answer, or a {@link NoAnswer} after `ms`. What the call does later is nobody's business any more. */
export async function answerWithin<T>(ms: number, what: string, call: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new NoAnswer(what, ms)), ms);
  });
  try {
    // The race also keeps a rejection that comes too late from being nobody's.
    return await Promise.race([call(), late]);
  } finally {
    clearTimeout(timer);
  }
}

const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 1000;

/** Pauses that grow between the attempts at something, for a limited time since it last got on. */
export class Patience {
  readonly #ms: number;
  #since = performance.now();
  #pauseMs = FIRST_PAUSE_MS;

  /** @param ms after which it is over; Infinity for never */
  constructor(ms: number) {
    this.#ms = ms;
  }

  /** It got on: patience begins anew. */
  renew(): void {
    this.#since = performance.now();
    this.#pauseMs = FIRST_PAUSE_MS;
  }

  get over(): boolean {
    return performance.now() - this.#since >= this.#ms;
  }

  pause(): Promise<void> {
    const ms = this.#pauseMs;
    this.#pauseMs = Math.min(ms * 2, LONGEST_PAUSE_MS);
    return new Promise((resolve) => void setTimeout(resolve, ms));
  }
}

/** Lets so many in at once, the others in the order they came. */
export class Gate {
  #free: number;
  readonly #waiting = new Set<() => void>();

  constructor(places: number) {
    this.#free = places;
  }

  /** Does `work` as soon as there is a place; throws what `refusal` gives where there is none within `ms`. */
  async through<T>(ms: number, refusal: () => Error, work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await this.#place(ms, refusal);
    try {
      return await work();
    } finally {
      const [next] = this.#waiting;
      if (next === undefined) this.#free++;
      else next();
    }
  }

  #place(ms: number, refusal: () => Error): Promise<void> {
    return new Promise((resolve, reject) => {
      const enter = () => {
        clearTimeout(timer);
        this.#waiting.delete(enter);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(enter);
        reject(refusal());
      }, ms);
      this.#waiting.add(enter);
    });
  }
}
