/** A seeded generator of pseudo-random numbers: the same seed gives the same portfolio on every machine and for ever. */

/**
 * Mulberry32 by Tommy Ettinger (2017, public domain): 32 bits of state, one addition and two multiplications a number.
 * Integers only, so that no engine's floating point can change what comes out. Good enough to scatter dates; never to
 * be used for anything that must not be guessed.
 */
export class Random {
  readonly #seed: number;
  #state: number;

  /** @param seed taken modulo 2^32 */
  constructor(seed: number) {
    this.#seed = seed >>> 0;
    this.#state = this.#seed;
  }

  /** A whole number from 0 to 2^32 - 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  }

  /** A whole number from `min` to `max`, both included. */
  int(min: number, max: number): number {
    return min + (this.next() % (max - min + 1));
  }

  /** True in `percent` of a hundred cases. */
  chance(percent: number): boolean {
    return this.next() % 100 < percent;
  }

  /** @throws RangeError for an empty list */
  pick<T>(list: readonly T[]): T {
    if (list.length === 0) throw new RangeError('there is nothing to pick from');
    return list[this.next() % list.length] as T;
  }

  /**
   * A generator of its own for a part of the whole, so that what one part draws moves nothing in another. The label is
   * mixed into the seed by FNV-1a (32 bits).
   */
  fork(label: string): Random {
    let hash = (0x811c9dc5 ^ this.#seed) >>> 0;
    for (let at = 0; at < label.length; at += 1) hash = Math.imul(hash ^ label.charCodeAt(at), 0x01000193) >>> 0;
    return new Random(hash);
  }
}
