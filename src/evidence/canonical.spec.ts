import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import canonicalize from 'canonicalize';
import * as fc from 'fast-check';
import { canonicalJson, canonicalString, isCanonical, MAX_DEPTH } from './canonical.js';

const VECTORS = join(process.env['WAYBOOK_VECTORS'] ?? '../shared/data', 'jcs');
const present = existsSync(VECTORS);

/** Values with names that need sorting and escaping, some of them array indices, which objects keep in another order. */
const name = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 6 }),
  fc.nat(120).map(String),
  fc.constantFrom(
    '',
    '__proto__',
    'constructor',
    'toString',
    '\u20ac',
    '\r',
    '\ud83d\ude02',
    '\ufb33',
    '\u2028',
    '"',
    '\\',
  ),
);
const { value: json } = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.string({ unit: 'grapheme' }),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.maxSafeInteger(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 5 }),
    fc.uniqueArray(fc.tuple(name, tie('value')), { maxLength: 6, selector: ([key]) => key }).map(Object.fromEntries),
  ),
}));

const nested = (depth: number): unknown => JSON.parse('['.repeat(depth) + ']'.repeat(depth));

describe('canonicalJson', () => {
  if (!present)
    test.skip(`writes the RFC 8785 vectors (not at ${VECTORS}: WAYBOOK_VECTORS names their folder)`, () => undefined);
  for (const file of present ? ['arrays', 'french', 'structures', 'unicode', 'values', 'weird'] : [])
    test(`writes the RFC 8785 vector ${file}`, () => {
      const input: unknown = JSON.parse(readFileSync(join(VECTORS, 'input', `${file}.json`), 'utf8'));
      const output = readFileSync(join(VECTORS, 'output', `${file}.json`), 'utf8').trimEnd();
      expect(canonicalJson(input)).toBe(output);
      expect(isCanonical(output, JSON.parse(output))).toBe(true);
    });

  test('writes what the canonicalize package writes', () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(canonicalJson(value)).toBe(canonicalize(value));
      }),
      { numRuns: 1000 },
    );
  });

  test('writes the numbers of RFC 8785 appendix B', () => {
    const numbers = [
      0, -0, 5e-324, -1.7976931348623157e308, 9007199254740992, 1e21, 9.999999999999997e22, 1e-7, 0.000001,
    ];
    expect(canonicalJson(numbers)).toBe(
      '[0,0,5e-324,-1.7976931348623157e+308,9007199254740992,1e+21,9.999999999999997e+22,1e-7,0.000001]',
    );
  });

  test('sorts names by UTF-16 code units, not as numbers and not by code points', () => {
    expect(canonicalJson({ 2: 'b', 10: 'a' })).toBe('{"10":"a","2":"b"}');
    expect(canonicalJson({ '\ufb33': 2, '\ud83d\ude02': 1 })).toBe('{"\ud83d\ude02":1,"\ufb33":2}');
  });

  test('takes objects of a class and without a prototype', () => {
    class Payload {
      b = 1;
      a = 'x';
    }
    expect(canonicalJson(new Payload())).toBe('{"a":"x","b":1}');
    expect(canonicalJson(Object.assign(Object.create(null) as object, { b: 1, a: 2 }))).toBe('{"a":2,"b":1}');
  });

  test('takes a member named __proto__ for one like any other', () => {
    expect(canonicalJson(JSON.parse('{"z":1,"__proto__":{"a":1}}'))).toBe('{"__proto__":{"a":1},"z":1}');
  });

  test.each<[string, unknown]>([
    ['a lone high surrogate', { a: 'x\ud800' }],
    ['a lone low surrogate', ['\udc00x']],
    ['surrogates the wrong way round', '\udc00\ud800'],
    ['a lone surrogate in a name', { '\ud800': 1 }],
    ['NaN', [Number.NaN]],
    ['Infinity', { a: -Infinity }],
    ['undefined', undefined],
    ['an undefined member', { a: undefined }],
    ['a hole in an array', Array.from({ length: 1 })],
    ['a bigint', { a: 1n }],
    ['a symbol', [Symbol('a')]],
    ['a function', { a: () => 1 }],
    ['a Date', { a: new Date(0) }],
    ['a Map', new Map([['a', 1]])],
    ['a boxed string', [Object('abc')]],
    ['bytes', { a: new Uint8Array(2) }],
    ['an object with its own toJSON', { toJSON: () => ({ a: 1 }) }],
    ['a value nested too deep', nested(MAX_DEPTH + 1)],
  ])('refuses %s', (_, value) => {
    expect(() => canonicalJson(value)).toThrow(expect.objectContaining({ code: 'not-canonical' }));
  });

  test('refuses a value that contains itself', () => {
    const value: Record<string, unknown> = {};
    value['self'] = value;
    expect(() => canonicalJson(value)).toThrow(expect.objectContaining({ code: 'not-canonical' }));
  });

  test(`takes a value nested ${MAX_DEPTH} deep`, () => {
    expect(canonicalJson(nested(MAX_DEPTH))).toBe('['.repeat(MAX_DEPTH) + ']'.repeat(MAX_DEPTH));
  });
});

test('canonicalString refuses what is no string', () => {
  expect(() => canonicalString(undefined as unknown as string)).toThrow(
    expect.objectContaining({ code: 'not-canonical' }),
  );
});

describe('isCanonical', () => {
  const check = (text: string) => isCanonical(text, JSON.parse(text));

  test('holds for every canonical text', () => {
    fc.assert(fc.property(json, (value) => check(canonicalJson(value))));
  });

  test.each([
    ['white space', '{"a": 1}'],
    ['a line end', '{"a":1}\n'],
    ['names out of order', '{"b":1,"a":2}'],
    ['names in the order of numbers', '{"2":1,"10":2}'],
    ['a repeated name', '{"a":1,"a":1}'],
    ['another spelling of a number', '{"a":1.0}'],
    ['minus zero', '{"a":-0}'],
    ['a needless escape', String.raw`{"a":"\u0061"}`],
    ['an escaped slash', String.raw`{"a":"\/"}`],
    ['an escaped lone surrogate', String.raw`{"a":"\ud800"}`],
    ['depth', '['.repeat(20_000) + ']'.repeat(20_000)],
  ])('does not hold for %s', (_, text) => {
    expect(check(text)).toBe(false);
  });
});
