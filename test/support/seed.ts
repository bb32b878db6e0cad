/** Chance that can be had again: whoever draws from it prints the seed, and `WAYBOOK_SEED` gives the same once more. */
export interface Chance {
  readonly seed: number;
  /** From 0 up to, and not including, 1. */
  next(): number;
  /** A whole number from 1 to `most`. */
  upTo(most: number): number;
  of<T>(list: readonly T[]): T;
}

export function chance(): Chance {
  const seed = Number(process.env['WAYBOOK_SEED'] ?? Date.now() % 2 ** 31);
  console.log(`seed ${seed} (WAYBOOK_SEED)`);
  // Mulberry32, by Tommy Ettinger: 32 bits of state are plenty for moments and sizes.
  let state = seed;
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const upTo = (most: number): number => 1 + Math.floor(next() * most);
  return { seed, next, upTo, of: (list) => list[upTo(list.length) - 1]! };
}
