import * as fc from 'fast-check';
import { inspect, MAX_JSON_DEPTH, parseIJson, parseIJsonText, type ParsedJson } from './ijson.js';

const bytes = (text: string): Buffer => Buffer.from(text, 'utf8');

/** The slow path alone. */
function slowly(text: string): ParsedJson {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  return inspect(text, value);
}

const pointers = (text: string): readonly string[] => {
  const parsed = parseIJson(bytes(text));
  return parsed.ok ? [] : parsed.problems.map(({ pointer }) => pointer);
};

describe('what is no I-JSON', () => {
  test.each([
    ['nothing at all', '', ['']],
    ['text that is cut off', '{"a":[1,2', ['/a']],
    ['a comma too many in a list', '[1,]', ['/1']],
    ['a comma too many in an object', '{"a":{"b":1,}}', ['/a']],
    ['a comment', '{"a":1 /* one */}', ['/a']],
    ['single quotes', "{'a':1}", ['']],
    ['two values', '{} {}', ['']],
    ['a byte order mark', '\uFEFF{}', ['']],
    ['a raw line break in a string', '{"a":"x\ny"}', ['/a']],
    ['a raw NUL in a string', '{"a":"x\0y"}', ['/a']],
    ['a name twice', '{"a":1,"a":1}', ['/a']],
    ['a name twice, once escaped', '{"a":1,"\\u0061":2}', ['/a']],
    ['a name twice further in', '[{"b":{"c":1,"d":2,"c":3}}]', ['/0/b/c']],
    ['__proto__ twice', '{"__proto__":1,"__proto__":2}', ['/__proto__']],
    ['a fraction', '{"a":1.5}', ['/a']],
    ['a fraction of nothing', '{"a":1.0}', ['/a']],
    ['an exponent', '{"a":1e3}', ['/a']],
    ['an exponent as JavaScript writes it', '{"a":1e+21}', ['/a']],
    ['minus zero', '{"a":-0}', ['/a']],
    ['2^53', '[9007199254740992]', ['/0']],
    ['-(2^53)', '[-9007199254740992]', ['/0']],
    ['2^53 + 1, which no double holds', '[9007199254740993]', ['/0']],
    ['a number past the largest double', '[1e999]', ['/0']],
    ['an escaped lone surrogate', '{"a":"\\ud800"}', ['/a']],
    ['an escaped lone surrogate in capitals', '{"a":"\\uDC00"}', ['/a']],
    ['surrogates the wrong way round', '{"a":"\\udc00\\ud800"}', ['/a']],
    ['a lone surrogate in a name', '{"a":{"\\ud800":1}}', ['/a']],
    ['a name with a slash', '{"a/b~":1.5}', ['/a~1b~0']],
    ['several at once', '{"a":1.5,"b":[2.5],"a":1}', ['/a', '/b/0', '/a']],
  ])('%s', (_what, text, expected) => {
    expect(pointers(text)).toEqual(expected);
  });

  test.each([
    ['"a\ufffe"'],
    ['"\\uffff"'],
    ['"\ufdd0"'],
    ['"\u{1ffff}"'],
    ['{"\ufdef":1}'],
    ['{"a":{"b":["\\ud83f\\udffe"]}}'],
  ])('code points that are no characters: %j', (text) => {
    expect(pointers(text)).toHaveLength(1);
    expect(parseIJson(bytes(text)).ok).toBe(false);
  });

  test('bytes that are no UTF-8', () => {
    for (const wrong of [[0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xe2, 0x82]])
      expect(parseIJson(Buffer.concat([bytes('{"a":"'), Buffer.from(wrong), bytes('"}')]))).toEqual({
        ok: false,
        problems: [{ pointer: '', detail: 'is not UTF-8' }],
      });
  });

  test('nesting that is too deep, by one or by a million', () => {
    const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
    expect(parseIJsonText(nested(MAX_JSON_DEPTH)).ok).toBe(true);
    expect(slowly(nested(MAX_JSON_DEPTH)).ok).toBe(true);
    for (const text of [
      nested(MAX_JSON_DEPTH + 1),
      nested(1_000_000),
      '['.repeat(1_000_000),
      '{"a":'.repeat(100_000),
    ]) {
      const parsed = parseIJsonText(text);
      expect(parsed).toMatchObject({ ok: false, problems: [{ detail: expect.stringContaining('nested deeper') }] });
    }
  });

  test('more objects than a body of real events has', () => {
    const parsed = parseIJsonText(`[${'{},'.repeat(500_000)}{}]`);
    expect(parsed).toMatchObject({ ok: false, problems: [{ detail: expect.stringContaining('objects and lists') }] });
  });

  test('no more than twenty problems are named', () => {
    const parsed = parseIJsonText(`[${'1.5,'.repeat(100)}1.5]`);
    expect(parsed.ok ? 0 : parsed.problems.length).toBe(20);
  });
});

describe('what is I-JSON', () => {
  test.each([
    '{"a":9007199254740991,"b":-9007199254740991,"c":0}',
    '{"a":"\\u0000","b":"\\n"}',
    '{"a":"\\ud83d\\ude00"}',
    '{"a":"😀"}',
    '{"2":1,"1":2}',
    ' { "a" : [ 1 , true , null ] } \r\n',
    '{"__proto__":{"x":1},"constructor":2}',
    '"\\\\ud800"',
  ])('%s', (text) => {
    expect(parseIJson(bytes(text))).toEqual({ ok: true, value: JSON.parse(text) });
  });
});

describe('the two paths', () => {
  // Values as clients send them, and worse: any double, any string of UTF-16 units, names that repeat.
  const value = fc.jsonValue({ maxDepth: 5, stringUnit: 'binary' });

  test('agree on what JSON.stringify writes', () => {
    fc.assert(
      fc.property(value, (sent) => {
        const text = JSON.stringify(sent);
        expect(slowly(text)).toEqual(parseIJsonText(text));
      }),
      { numRuns: 500 },
    );
  });

  test('agree on text put together by hand', () => {
    const number = fc.oneof(
      fc.maxSafeInteger().map(String),
      fc.double().map(String),
      fc.constantFrom('-0', '0', '1.0', '1e2', '9007199254740992', '-9007199254740993', '01', '--1', '1.'),
    );
    const string = fc
      .array(fc.constantFrom('a', '"', '\\', '\\"', '\\n', '\\ud800', '\\udc00', '\\u0061', 'é', '😀', '\n'), {
        maxLength: 4,
      })
      .map((parts) => `"${parts.join('')}"`);
    const { node } = fc.letrec<{ node: string }>((tie) => ({
      node: fc.oneof(
        { maxDepth: 4, withCrossShrink: true },
        number,
        string,
        fc.constantFrom('true', 'null'),
        fc.array(tie('node'), { maxLength: 4 }).map((items) => `[${items.join(',')}]`),
        fc
          .array(fc.tuple(fc.constantFrom('"a"', '"b"', '"\\u0061"', '"__proto__"'), tie('node')), { maxLength: 4 })
          .map((members) => `{${members.map(([name, inner]) => `${name}:${inner}`).join(',')}}`),
      ),
    }));
    fc.assert(
      fc.property(node, (text) => {
        const fast = parseIJsonText(text);
        const slow = slowly(text);
        expect(fast.ok).toBe(slow.ok);
        if (fast.ok) expect(slow).toEqual(fast);
        else if (!slow.ok) expect(slow.problems.map((at) => at.pointer)).toEqual(fast.problems.map((at) => at.pointer));
      }),
      { numRuns: 2_000 },
    );
  });
});
