import { hash, createHash } from 'node:crypto';

/** Digests as strings of 32 characters from U+0000 to U+00FF: a Buffer for each would cost more than the hashing. */
const sha256: (text: string) => string =
  typeof hash === 'function'
    ? (text) => hash('sha256', text, 'binary')
    : (text) => createHash('sha256').update(text).digest('binary');

const KEY_WORDS = 4;
const EMPTY = 0xffffffff;

/**
 * Names mapped to revisions, in flat memory: a contract of a million events remembers them all in some 40 MB. A name is
 * kept as the first 16 bytes of its SHA-256, so two names are taken for one with a chance of about n^2 / 2^129.
 * Open addressing with linear probing; at most three quarters full.
 */
export class IdTable {
  #keys = new Uint32Array(16 * KEY_WORDS);
  #values = new Uint32Array(16).fill(EMPTY);
  #size = 0;
  // The last name looked up: `get` and then `set` of one name hash it once.
  #lastName = '';
  readonly #last = new Uint32Array(KEY_WORDS);

  get size(): number {
    return this.#size;
  }

  get bytes(): number {
    return this.#keys.byteLength + this.#values.byteLength;
  }

  /** The revision recorded for a name, `undefined` for none. */
  get(name: string): number | undefined {
    const value = this.#values[this.#find(name)]!;
    return value === EMPTY ? undefined : value;
  }

  /** Records a name that is not there yet. @throws RangeError where it is, or for a revision of 2^32 - 1 or more */
  add(name: string, revision: number): void {
    if (!(revision >= 0 && revision < EMPTY)) throw new RangeError(`revision ${revision} does not fit the table`);
    const slot = this.#find(name);
    if (this.#values[slot] !== EMPTY) throw new RangeError('that name is taken');
    this.#keys.set(this.#last, slot * KEY_WORDS);
    this.#values[slot] = revision;
    this.#size += 1;
    if (this.#size * 4 > this.#values.length * 3) this.#grow();
  }

  /** Takes back the latest `add` of a name. */
  remove(name: string): void {
    const mask = this.#values.length - 1;
    let hole = this.#find(name);
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

  #find(name: string): number {
    if (name !== this.#lastName || this.#size === 0) {
      const digest = sha256(name);
      for (let word = 0, at = 0; word < KEY_WORDS; word += 1, at += 4)
        this.#last[word] =
          digest.charCodeAt(at) |
          (digest.charCodeAt(at + 1) << 8) |
          (digest.charCodeAt(at + 2) << 16) |
          (digest.charCodeAt(at + 3) << 24);
      this.#lastName = name;
    }
    return this.#slot(this.#last, 0);
  }

  #slot(key: Uint32Array, at: number): number {
    const mask = this.#values.length - 1;
    const keys = this.#keys;
    for (let slot = key[at]! & mask; ; slot = (slot + 1) & mask) {
      if (this.#values[slot] === EMPTY) return slot;
      const base = slot * KEY_WORDS;
      if (
        keys[base] === key[at] &&
        keys[base + 1] === key[at + 1] &&
        keys[base + 2] === key[at + 2] &&
        keys[base + 3] === key[at + 3]
      )
        return slot;
    }
  }

  #grow(): void {
    const [keys, values] = [this.#keys, this.#values];
    this.#keys = new Uint32Array(keys.length * 2);
    this.#values = new Uint32Array(values.length * 2).fill(EMPTY);
    for (let old = 0; old < values.length; old += 1) {
      if (values[old] === EMPTY) continue;
      const slot = this.#slot(keys, old * KEY_WORDS);
      this.#keys.set(keys.subarray(old * KEY_WORDS, (old + 1) * KEY_WORDS), slot * KEY_WORDS);
      this.#values[slot] = values[old]!;
    }
  }
}
