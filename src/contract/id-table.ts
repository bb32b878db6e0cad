import { hash, createHash } from 'node:crypto';

/** Digests as strings of 32 characters from U+0000 to U+00FF: a Buffer for each would cost more than the hashing. */
const sha256: (text: string) => string =
  typeof hash === 'function'
    ? (text) => hash('sha256', text, 'binary')
    : (text) => createHash('sha256').update(text).digest('binary');

const KEY_WORDS = 4;
const EMPTY = 0xffffffff;
/** Slots of a table that holds little. */
const FIRST = 16;
const NO_KEYS = new Int32Array(0);
const NO_VALUES = new Uint32Array(0);

/** A name as a table keeps it: the first 16 bytes of its SHA-256, as four words of 32 bits, little-endian and signed. */
export class NameKey {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;

  /** Hashes the name, which takes longer than all that a table does with it: whoever asks twice keeps the key. */
  constructor(name: string) {
    const digest = sha256(name);
    this.a = word(digest, 0);
    this.b = word(digest, 4);
    this.c = word(digest, 8);
    this.d = word(digest, 12);
  }
}

const word = (digest: string, at: number): number =>
  digest.charCodeAt(at) |
  (digest.charCodeAt(at + 1) << 8) |
  (digest.charCodeAt(at + 2) << 16) |
  (digest.charCodeAt(at + 3) << 24);

/**
 * Names mapped to revisions, in flat memory: a contract of a million events remembers them all in some 40 MB. A name is
 * kept as 16 bytes of hash, so two names are taken for one with a chance of about n^2 / 2^129.
 * Open addressing with linear probing; at most three quarters full.
 */
export class IdTable {
  // Nothing is set aside before there is something to keep.
  #keys = NO_KEYS;
  #values = NO_VALUES;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get bytes(): number {
    return this.#keys.byteLength + this.#values.byteLength;
  }

  /** The revision recorded for a name, `undefined` for none. */
  get({ a, b, c, d }: NameKey): number | undefined {
    if (this.#size === 0) return undefined;
    const value = this.#values[this.#slot(a, b, c, d)]!;
    return value === EMPTY ? undefined : value;
  }

  /** Records a name that is not there yet. @throws RangeError where it is, or for a revision of 2^32 - 1 or more */
  add({ a, b, c, d }: NameKey, revision: number): void {
    if (!(revision >= 0 && revision < EMPTY)) throw new RangeError(`revision ${revision} does not fit the table`);
    if (this.#values.length === 0) this.#makeRoom(FIRST);
    const slot = this.#slot(a, b, c, d);
    if (this.#values[slot] !== EMPTY) throw new RangeError('that name is taken');
    const base = slot * KEY_WORDS;
    this.#keys[base] = a;
    this.#keys[base + 1] = b;
    this.#keys[base + 2] = c;
    this.#keys[base + 3] = d;
    this.#values[slot] = revision;
    this.#size += 1;
    if (this.#size * 4 > this.#values.length * 3) this.#grow();
  }

  /** Takes back the latest `add` of a name. */
  remove({ a, b, c, d }: NameKey): void {
    if (this.#size === 0) return;
    const mask = this.#values.length - 1;
    let hole = this.#slot(a, b, c, d);
    if (this.#values[hole] === EMPTY) return;
    this.#size -= 1;
    this.#values[hole] = EMPTY;
    // Backward-shift deletion: what probed past the hole moves into it, so no tombstones are needed.
    for (let slot = (hole + 1) & mask; this.#values[slot] !== EMPTY; slot = (slot + 1) & mask) {
      const home = this.#keys[slot * KEY_WORDS]! & mask;
      if (((slot - home) & mask) < ((slot - hole) & mask)) continue;
      this.#keys.copyWithin(hole * KEY_WORDS, slot * KEY_WORDS, (slot + 1) * KEY_WORDS);
      this.#values[hole] = this.#values[slot]!;
      this.#values[slot] = EMPTY;
      hole = slot;
    }
  }

  /** Where the key is, or the empty slot where it would be. */
  #slot(a: number, b: number, c: number, d: number): number {
    const mask = this.#values.length - 1;
    const keys = this.#keys;
    for (let slot = a & mask; ; slot = (slot + 1) & mask) {
      if (this.#values[slot] === EMPTY) return slot;
      const base = slot * KEY_WORDS;
      if (keys[base] === a && keys[base + 1] === b && keys[base + 2] === c && keys[base + 3] === d) return slot;
    }
  }

  #makeRoom(slots: number): void {
    this.#keys = new Int32Array(slots * KEY_WORDS);
    this.#values = new Uint32Array(slots).fill(EMPTY);
  }

  #grow(): void {
    const [keys, values] = [this.#keys, this.#values];
    this.#makeRoom(values.length * 2);
    for (let old = 0; old < values.length; old += 1) {
      if (values[old] === EMPTY) continue;
      const base = old * KEY_WORDS;
      const slot = this.#slot(keys[base]!, keys[base + 1]!, keys[base + 2]!, keys[base + 3]!);
      this.#keys.set(keys.subarray(base, base + KEY_WORDS), slot * KEY_WORDS);
      this.#values[slot] = values[old]!;
    }
  }
}
