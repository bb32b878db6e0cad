/** Dividing a published total over contracts, so that the parts add up to it exactly. */
import type { Random } from './random.js';

/** Splits an amount into unequal parts that add up to it exactly. Few parts are large, many small. */
export function sharesOf(total: bigint, count: number, random: Random): bigint[] {
  const weights = Array.from({ length: count }, () =>
    BigInt(random.int(3, 30) * random.int(3, 30) * 100 + random.int(0, 99)),
  );
  const all = weights.reduce((sum, weight) => sum + weight, 0n);
  const shares = weights.map((weight) => (total * weight) / all);
  const given = shares.reduce((sum, share) => sum + share, 0n);
  return shares.map((share, at) => (at === 0 ? share + (total - given) : share));
}
