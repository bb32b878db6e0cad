import { hash } from 'node:crypto';
import { EvidenceError } from './errors.js';

/**
 * 32 bytes as a string of 32 characters from U+0000 to U+00FF. Hashes stay in this form inside the tree: V8 keeps it in
 * 48 bytes and hashes to it in a third of the time of a Buffer, which would also pin the 8 KiB slab it was cut from for
 * as long as a folded state with its frontier stays in a cache.
 */
export type Digest = string;

const LEAF_PREFIX = '\0';

/** 0x01, left, right: the input of every node hash. One buffer is enough, hashing is synchronous. */
const nodeInput = Buffer.alloc(65, 1);

function nodeHash(left: Digest, right: Digest): Digest {
  nodeInput.write(left, 1, 'latin1');
  nodeInput.write(right, 33, 'latin1');
  return hash('sha256', nodeInput, 'binary');
}

const toDigest = (bytes: Uint8Array | Digest, what: string): Digest => {
  if (bytes.length !== 32) throw badProof(what, '32 bytes', `${bytes.length} bytes`);
  if (typeof bytes === 'string') return bytes;
  return Buffer.from(bytes.buffer, bytes.byteOffset, 32).toString('latin1');
};

const toBuffer = (digest: Digest): Buffer => Buffer.from(digest, 'latin1');

/** The leaf of a record: SHA-256(0x00 || UTF-8 of the record), RFC 6962 section 2.1. */
export function leafHash(record: string): Buffer {
  return toBuffer(leafDigest(record));
}

/** The same as {@link leafHash}, in the form that the tree keeps. */
export function leafDigest(record: string): Digest {
  return hash('sha256', LEAF_PREFIX + record, 'binary');
}

/** The root of the tree without leaves: SHA-256 of nothing. */
const EMPTY_ROOT: Digest = hash('sha256', '', 'binary');

/**
 * What is needed of an RFC 6962 tree to append to it: its size and the roots of the perfect subtrees it falls into, one
 * for each 1 in the binary form of the size, largest first. Immutable: appending gives a new one. At most 53 hashes.
 */
export class Frontier {
  static readonly empty: Frontier = new Frontier(0, []);

  readonly #size: number;
  readonly #peaks: readonly Digest[];

  private constructor(size: number, peaks: readonly Digest[]) {
    this.#size = size;
    this.#peaks = peaks;
  }

  /** How many leaves there are: the revision of the next event. */
  get size(): bigint {
    return BigInt(this.#size);
  }

  /** The frontier after one more leaf. @throws EvidenceError `bad-proof` where `leaf` is not 32 bytes */
  append(leaf: Uint8Array | Digest): Frontier {
    const peaks = this.#peaks.slice();
    push(peaks, this.#size, leaf);
    return new Frontier(this.#size + 1, peaks);
  }

  /** The frontier after these leaves in their order. @throws EvidenceError `bad-proof` where one is not 32 bytes */
  appendAll(leaves: Iterable<Uint8Array | Digest>): Frontier {
    const peaks = this.#peaks.slice();
    let size = this.#size;
    for (const leaf of leaves) push(peaks, size++, leaf);
    return new Frontier(size, peaks);
  }

  /** The Merkle tree hash of all leaves so far, 32 bytes (RFC 6962 section 2.1). */
  root(): Buffer {
    let i = this.#peaks.length - 1;
    if (i < 0) return toBuffer(EMPTY_ROOT);
    let root = this.#peaks[i]!;
    while (i > 0) root = nodeHash(this.#peaks[--i]!, root);
    return toBuffer(root);
  }

  /** As text: the size in decimal, a colon, the subtree roots one after the other as base64url. */
  serialise(): string {
    return `${this.#size}:${Buffer.from(this.#peaks.join(''), 'latin1').toString('base64url')}`;
  }

  /** What {@link serialise} wrote. @throws EvidenceError `bad-proof` for any other text */
  static parse(text: string): Frontier {
    const [, digits, encoded] = /^(0|[1-9][0-9]{0,15}):([A-Za-z0-9_-]*)$/.exec(text) ?? [];
    if (digits === undefined || encoded === undefined) throw badProof('frontier', 'SIZE:BASE64URL', text);
    const size = Number(digits);
    const bytes = Buffer.from(encoded, 'base64url');
    const expected = 32 * ones(size);
    // The second look refuses another spelling of the same bytes (spare bits of the last character).
    if (!Number.isSafeInteger(size) || bytes.length !== expected || bytes.toString('base64url') !== encoded)
      throw badProof('frontier', `${expected} bytes for size ${digits}`, `${bytes.length} bytes: ${encoded}`);
    const all = bytes.toString('latin1');
    return new Frontier(
      size,
      Array.from({ length: ones(size) }, (_, i) => all.slice(32 * i, 32 * i + 32)),
    );
  }
}

/** Adds a leaf to the peaks of a tree of `size` leaves: each 1 at the end of the size is a subtree that becomes whole. */
function push(peaks: Digest[], size: number, leaf: Uint8Array | Digest): void {
  let digest = toDigest(leaf, 'leaf');
  for (let rest = size; rest % 2 === 1; rest = (rest - 1) / 2) digest = nodeHash(peaks.pop()!, digest);
  peaks.push(digest);
}

/** How many 1s the binary form of a size has; not by `>>`, which would cut it to 32 bits. */
function ones(size: number): number {
  let count = 0;
  for (let rest = size; rest > 0; rest = Math.floor(rest / 2)) count += rest % 2;
  return count;
}

/**
 * The audit path of the leaf at `leafIndex` in the tree of exactly these leaves, from the leaf upwards
 * (RFC 6962 section 2.1.1). Hashes the whole tree: about one hash a leaf.
 *
 * @throws EvidenceError `bad-proof` where there is no such leaf
 */
export function inclusionProof(leafIndex: bigint, leaves: readonly Uint8Array[]): Buffer[] {
  if (leafIndex < 0n || leafIndex >= BigInt(leaves.length))
    throw badProof('leafIndex', `0 to ${leaves.length - 1}`, `${leafIndex}`);
  const proof: Buffer[] = [];
  let level = leaves.map((leaf) => toDigest(leaf, 'leaf'));
  // Pairing neighbours level by level, and letting an odd last one rise as it is, builds the tree of RFC 6962.
  for (let index = Number(leafIndex); level.length > 1; index = Math.floor(index / 2)) {
    const sibling = level[index % 2 === 0 ? index + 1 : index - 1];
    if (sibling !== undefined) proof.push(toBuffer(sibling));
    level = pairUp(level);
  }
  return proof;
}

function pairUp(level: readonly Digest[]): Digest[] {
  const above: Digest[] = [];
  for (let i = 0; i + 1 < level.length; i += 2) above.push(nodeHash(level[i]!, level[i + 1]!));
  if (level.length % 2 === 1) above.push(level.at(-1)!);
  return above;
}

/**
 * Checks that `proof` shows the leaf hash to stand at `leafIndex` in the tree of `treeSize` leaves with this root
 * (RFC 9162 section 2.1.3.2, whose step names the loop follows; the trees are those of RFC 6962).
 *
 * @throws EvidenceError `bad-proof` where it does not, or where index, size or lengths cannot be
 */
export function verifyInclusion(
  leafIndex: bigint,
  treeSize: bigint,
  leafHash: Uint8Array,
  proof: readonly Uint8Array[],
  root: Uint8Array,
): void {
  if (leafIndex < 0n || leafIndex >= treeSize) throw badProof('leafIndex', `below ${treeSize}`, `${leafIndex}`);
  const expected = toDigest(root, 'root');
  let fn = leafIndex;
  let sn = treeSize - 1n;
  let r = toDigest(leafHash, 'leafHash');
  for (const part of proof) {
    const p = toDigest(part, 'proof');
    if (sn === 0n) throw badProof('proof', 'a shorter proof', `${proof.length} hashes`);
    if (fn % 2n === 1n || fn === sn) {
      r = nodeHash(p, r);
      for (; fn % 2n === 0n && fn !== 0n; fn >>= 1n) sn >>= 1n;
    } else {
      r = nodeHash(r, p);
    }
    fn >>= 1n;
    sn >>= 1n;
  }
  if (sn !== 0n) throw badProof('proof', 'a longer proof', `${proof.length} hashes`);
  if (r !== expected)
    throw badProof('root', toBuffer(expected).toString('base64url'), toBuffer(r).toString('base64url'));
}

const badProof = (field: string, expected: string, found: string): EvidenceError =>
  new EvidenceError('bad-proof', `${field} is ${found.slice(0, 120)}, expected ${expected}`, {
    field,
    expected,
    found,
  });
