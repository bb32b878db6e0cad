import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { Frontier, inclusionProof, leafHash, verifyInclusion } from './merkle.js';

const sha256 = (...parts: readonly Uint8Array[]): Buffer => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};

/** The item at an index that exists. */
function nth<T>(all: readonly T[], index: number): T {
  const item = all.at(index);
  if (item === undefined) throw new RangeError(`there is no item ${index}`);
  return item;
}

const flipBit = (bytes: Buffer, bit: number): Buffer =>
  Buffer.from(bytes.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte)));

/** MTH of RFC 6962 section 2.1 as it is written there, over leaf hashes. */
function naiveRoot(leaves: readonly Buffer[]): Buffer {
  if (leaves.length === 0) return sha256();
  if (leaves.length === 1) return nth(leaves, 0);
  const k = 2 ** Math.floor(Math.log2(leaves.length - 1));
  return sha256(Buffer.of(1), naiveRoot(leaves.slice(0, k)), naiveRoot(leaves.slice(k)));
}

/** PATH of RFC 6962 section 2.1.1 as it is written there. */
function naivePath(m: number, leaves: readonly Buffer[]): Buffer[] {
  if (leaves.length <= 1) return [];
  const k = 2 ** Math.floor(Math.log2(leaves.length - 1));
  return m < k
    ? [...naivePath(m, leaves.slice(0, k)), naiveRoot(leaves.slice(k))]
    : [...naivePath(m - k, leaves.slice(k)), naiveRoot(leaves.slice(0, k))];
}

const badProof = expect.objectContaining({ code: 'bad-proof' });
const leaf = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes));
const leaves = fc.array(leaf, { maxLength: 70 });

/** The leaves and the roots of all sizes that the test suites of Certificate Transparency share. */
const CT_LEAVES = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
].map((hex) => leafHash(Buffer.from(hex, 'hex').toString('latin1')));
const CT_ROOTS = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];

describe('Frontier', () => {
  test.each(CT_ROOTS.map((root, size) => ({ size, root })))('has the known root of $size leaves', ({ size, root }) => {
    expect(Frontier.empty.appendAll(CT_LEAVES.slice(0, size)).root().toString('hex')).toBe(root);
  });

  test('has the root of the naive tree after every append, one by one and all at once', () => {
    fc.assert(
      fc.property(leaves, fc.nat(70), (all, cut) => {
        let frontier = Frontier.empty;
        for (const [i, one] of all.entries()) {
          frontier = frontier.append(one);
          expect(frontier.root()).toEqual(naiveRoot(all.slice(0, i + 1)));
        }
        expect(frontier.size).toBe(BigInt(all.length));
        const inTwo = Frontier.empty.appendAll(all.slice(0, cut)).appendAll(all.slice(cut));
        expect(inTwo.serialise()).toBe(frontier.serialise());
      }),
      { numRuns: 50 },
    );
  });

  test('is not changed by what is appended to it', () => {
    const three = Frontier.empty.appendAll(CT_LEAVES.slice(0, 3));
    const before = three.serialise();
    three.append(nth(CT_LEAVES, 3));
    three.appendAll(CT_LEAVES.slice(3));
    expect(three.serialise()).toBe(before);
  });

  test('goes on from its text as from itself', () => {
    fc.assert(
      fc.property(leaves, leaf, (all, next) => {
        const frontier = Frontier.empty.appendAll(all);
        const parsed = Frontier.parse(frontier.serialise());
        expect(parsed.size).toBe(frontier.size);
        expect(parsed.append(next).root()).toEqual(frontier.append(next).root());
      }),
    );
  });

  test('keeps sizes beyond 32 bits', () => {
    const size = 2 ** 40 + 1;
    const text = `${size}:${Buffer.concat([nth(CT_LEAVES, 0), nth(CT_LEAVES, 1)]).toString('base64url')}`;
    const next = Frontier.parse(text).append(nth(CT_LEAVES, 2));
    expect(next.size).toBe(BigInt(size) + 1n);
    const pair = sha256(Buffer.of(1), nth(CT_LEAVES, 1), nth(CT_LEAVES, 2));
    expect(next.root()).toEqual(sha256(Buffer.of(1), nth(CT_LEAVES, 0), pair));
  });

  const one = Frontier.empty.append(nth(CT_LEAVES, 0)).serialise();
  test.each([
    ['', 'no text'],
    ['0', 'no colon'],
    ['01:', 'a leading zero'],
    ['-1:', 'a negative size'],
    ['0:AAAA', 'bytes without leaves'],
    [one.replace('1:', '3:'), 'bytes for another size'],
    [one.slice(0, -1), 'bytes cut short'],
    [`${one}=`, 'padding'],
    [`${one.slice(0, -1)}1`, 'spare bits'],
    ['9007199254740992:', 'a size past 2^53 - 1'],
  ])('refuses %j as text: %s', (text) => {
    expect(() => Frontier.parse(text)).toThrow(badProof);
  });

  test('refuses a leaf that is not 32 bytes', () => {
    expect(() => Frontier.empty.append(Buffer.alloc(31))).toThrow(badProof);
    expect(() => Frontier.empty.appendAll([Buffer.alloc(33)])).toThrow(badProof);
  });
});

test('a leaf is SHA-256 of a zero byte and the UTF-8 of the record', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (record) => {
      expect(leafHash(record)).toEqual(sha256(Buffer.of(0), Buffer.from(record, 'utf8')));
    }),
  );
});

interface InclusionVector {
  readonly root: string;
  readonly leafHash: string;
  readonly proof: readonly string[] | null;
  readonly wantErr: boolean;
}

const VECTORS = join(process.env['WAYBOOK_VECTORS'] ?? '../shared/data', 'rfc6962-inclusion');
const present = existsSync(VECTORS);

describe('verifyInclusion', () => {
  if (!present)
    test.skip(`agrees with the RFC 6962 vectors (not at ${VECTORS}: WAYBOOK_VECTORS names their folder)`, () =>
      undefined);
  for (const file of present ? readdirSync(VECTORS) : [])
    test(`agrees with ${file}`, () => {
      const text = readFileSync(join(VECTORS, file), 'utf8');
      const vector = JSON.parse(text) as InclusionVector;
      // Indices go up to 2^64 - 1, which JSON.parse would round.
      const integer = (field: string) => BigInt(text.split(`"${field}": `, 2)[1]?.split(',', 1)[0] ?? Number.NaN);
      const bytes = (base64: string) => Buffer.from(base64, 'base64');
      const verify = () =>
        verifyInclusion(
          integer('leafIdx'),
          integer('treeSize'),
          bytes(vector.leafHash),
          (vector.proof ?? []).map(bytes),
          bytes(vector.root),
        );
      if (vector.wantErr) expect(verify).toThrow(badProof);
      else expect(verify).not.toThrow();
    });

  test('refuses a proof too long for the size, also where it leads to the root', () => {
    const [only, extra] = [nth(CT_LEAVES, 0), nth(CT_LEAVES, 1)];
    const root = sha256(Buffer.of(1), extra, only);
    expect(() => verifyInclusion(0n, 1n, only, [extra], root)).toThrow(badProof);
    verifyInclusion(1n, 2n, only, [extra], root);
  });

  test('there are 98 vectors, or none', () => {
    expect(present ? readdirSync(VECTORS).length : 98).toBe(98);
  });
});

describe('inclusionProof', () => {
  const treeAndIndex = fc
    .array(leaf, { minLength: 1, maxLength: 70 })
    .chain((all) => fc.tuple(fc.constant(all), fc.nat(all.length - 1)));

  test('is the path of the naive tree and verifies', () => {
    fc.assert(
      fc.property(treeAndIndex, ([all, index]) => {
        const proof = inclusionProof(BigInt(index), all);
        expect(proof).toEqual(naivePath(index, all));
        verifyInclusion(BigInt(index), BigInt(all.length), nth(all, index), proof, naiveRoot(all));
      }),
    );
  });

  test('does not verify with any bit of leaf, proof or root changed', () => {
    fc.assert(
      fc.property(treeAndIndex, fc.nat(), fc.nat(255), ([all, index], which, bit) => {
        const parts = [nth(all, index), naiveRoot(all), ...inclusionProof(BigInt(index), all)];
        const changed = parts.map((part, i) => (i === which % parts.length ? flipBit(part, bit) : part));
        const verify = () =>
          verifyInclusion(BigInt(index), BigInt(all.length), nth(changed, 0), changed.slice(2), nth(changed, 1));
        expect(verify).toThrow(badProof);
      }),
    );
  });

  test.each([-1n, 8n])('refuses index %s of 8 leaves', (index) => {
    expect(() => inclusionProof(index, CT_LEAVES)).toThrow(badProof);
  });
});
