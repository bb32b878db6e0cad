import * as fc from 'fast-check';
import { canonicalJson } from './canonical.js';
import { EvidenceError } from './errors.js';
import { Frontier } from './merkle.js';
import { decodeEvent, metadataText, recordOf, sealEvent, type EventToDecode, type RecordInput } from './record.js';
import { StreamVerifier } from './stream-verifier.js';

const STREAM = 'contract-FMS-1';

/** The item at an index that exists. */
function nth<T>(all: readonly T[], index: number): T {
  const item = all.at(index);
  if (item === undefined) throw new RangeError(`there is no item ${index}`);
  return item;
}

/** What is needed to write one event; the rest follows from its place in the stream. */
interface Fact {
  readonly id: string;
  readonly data: unknown;
  readonly nonce: Uint8Array;
  readonly reporter: string;
  /** Milliseconds since the event before. */
  readonly laterMs: number;
  /** Whether an append ends here. */
  readonly last: boolean;
  readonly signature: string | undefined;
}

const text = fc.string({ unit: 'grapheme', maxLength: 8 });
const fact: fc.Arbitrary<Fact> = fc.record({
  id: text,
  data: fc.dictionary(text, fc.oneof(text, fc.integer(), fc.array(fc.boolean())), { maxKeys: 4 }),
  nonce: fc.uint8Array({ minLength: 16, maxLength: 16 }),
  reporter: fc.constantFrom('acme', 'bolt'),
  laterMs: fc.nat(1000),
  last: fc.boolean(),
  signature: fc.option(text, { nil: undefined }),
});
const facts = fc.array(fact, { minLength: 1, maxLength: 12 });

const plain = (id: string, last = true): Fact => ({
  id,
  data: { line: '1', note: 'x' },
  nonce: Buffer.alloc(16, 3),
  reporter: 'acme',
  laterMs: 1000,
  last,
  signature: undefined,
});
const FOUR = [plain('a'), plain('b', false), plain('c'), plain('d')];

/** Writes a stream as the ledger would; `change` alters what is sealed at one revision, hashes and roots following. */
function write(
  facts: readonly Fact[],
  change: (input: RecordInput) => RecordInput = (input) => input,
): EventToDecode[] {
  let frontier = Frontier.empty;
  let nowMs = Date.parse('2024-03-01T00:00:00Z');
  return facts.map((fact, i) => {
    nowMs += fact.laterMs;
    const input = change({
      attributes: {
        specversion: '1.0',
        id: fact.id,
        source: `urn:waybook:party:${fact.reporter}`,
        type: 'ForecastRevised',
        time: '2024-02-28T00:00:00Z',
        subject: 'FMS-1',
      },
      canonicalData: canonicalJson(fact.data),
      nonce: fact.nonce,
      revision: BigInt(i),
      recordedtime: new Date(nowMs).toISOString(),
      reporter: fact.reporter,
      version: 1,
      ...(fact.signature === undefined ? {} : { signature: fact.signature }),
    });
    const sealed = sealEvent(input);
    frontier = frontier.append(sealed.leaf);
    const root = fact.last || i === facts.length - 1 ? frontier.root() : undefined;
    return {
      stream: STREAM,
      revision: BigInt(i),
      position: BigInt(i),
      id: sealed.id,
      type: input.attributes.type,
      data: input.canonicalData,
      metadata: metadataText(sealed, root),
    };
  });
}

function verify(events: readonly EventToDecode[], verifier = new StreamVerifier(STREAM)): StreamVerifier {
  for (const event of events) verifier.check(decodeEvent(event));
  verifier.finish();
  return verifier;
}

/** The error of a stream that must not verify. */
function refusal(events: readonly EventToDecode[], verifier?: StreamVerifier): EvidenceError {
  try {
    verify(events, verifier);
  } catch (error) {
    if (error instanceof EvidenceError) return error;
    throw error;
  }
  throw new Error('the stream verified');
}

const withMetadata = (event: EventToDecode, change: object): EventToDecode => ({
  ...event,
  metadata: JSON.stringify({ ...(JSON.parse(event.metadata) as object), ...change }),
});
const replaceAt = <T>(all: readonly T[], index: number, change: (item: T) => T): T[] =>
  all.map((item, i) => (i === index ? change(item) : item));

describe('a stream as it was written', () => {
  test('verifies, and leaves the frontier of all its leaves', () => {
    fc.assert(
      fc.property(facts, (facts) => {
        const events = write(facts);
        const { frontier } = verify(events);
        expect(frontier.size).toBe(BigInt(events.length));
        expect(frontier.root().toString('base64url')).toBe(decodeEvent(nth(events, -1)).root);
      }),
    );
  });

  test('verifies in two parts, from the frontier of the first', () => {
    const events = write(FOUR);
    const { frontier } = verify(events.slice(0, 3));
    const lastRecordedtime = decodeEvent(nth(events, 2)).recordedtime;
    const whole = verify(events.slice(3), new StreamVerifier(STREAM, { frontier, lastRecordedtime }));
    expect(whole.frontier.serialise()).toBe(verify(events).frontier.serialise());
  });

  test('verifies without its last appends, which only a checkpoint held elsewhere can show', () => {
    expect(verify(write(FOUR).slice(0, 3)).frontier.size).toBe(3n);
  });

  test('verifies where nothing was appended', () => {
    expect(verify([]).frontier.size).toBe(0n);
  });
});

describe('tampering is found', () => {
  const codes = expect.stringMatching(/^(?:stream-truncated|chain-broken)$/);

  test('with any one character of data, metadata, id or type changed', () => {
    fc.assert(
      fc.property(
        facts,
        fc.nat(),
        fc.constantFrom('data' as const, 'metadata' as const, 'id' as const, 'type' as const),
        fc.nat(),
        fc.string({ unit: 'binary-ascii', minLength: 1, maxLength: 1 }),
        (facts, which, field, at, character) => {
          const events = write(facts);
          const changed = replaceAt(events, which % events.length, (event) => {
            const index = at % event[field].length;
            return { ...event, [field]: event[field].slice(0, index) + character + event[field].slice(index + 1) };
          });
          fc.pre(nth(changed, which % events.length)[field] !== nth(events, which % events.length)[field]);
          expect(refusal(changed).code).toEqual(codes);
        },
      ),
      { numRuns: 2000 },
    );
  });

  test('with any one character of data or metadata taken out or put in twice', () => {
    fc.assert(
      fc.property(
        facts,
        fc.nat(),
        fc.constantFrom('data' as const, 'metadata' as const),
        fc.nat(),
        fc.boolean(),
        (facts, which, field, at, twice) => {
          const changed = replaceAt(write(facts), which % facts.length, (event) => {
            const index = at % event[field].length;
            const rest = event[field].slice(twice ? index : index + 1);
            return { ...event, [field]: event[field].slice(0, twice ? index + 1 : index) + rest };
          });
          expect(refusal(changed).code).toEqual(codes);
        },
      ),
      { numRuns: 1000 },
    );
  });

  test('with an event dropped, unless the rest is a stream that could have been written', () => {
    fc.assert(
      fc.property(facts, fc.nat(), (facts, which) => {
        const events = write(facts);
        const index = which % events.length;
        fc.pre(index < events.length - 1 || (index > 0 && !nth(facts, index - 1).last));
        expect(refusal(events.toSpliced(index, 1)).code).toBe('stream-truncated');
      }),
    );
  });

  test('with the beginning dropped', () => {
    fc.assert(
      fc.property(facts, fc.nat(), (facts, count) => {
        const events = write(facts);
        fc.pre(events.length > 1);
        const error = refusal(events.slice(1 + (count % (events.length - 1))));
        expect(error).toMatchObject({ code: 'stream-truncated', stream: STREAM, revision: 0n, expected: '0' });
      }),
    );
  });

  test('with two events exchanged, with and without their revisions', () => {
    fc.assert(
      fc.property(facts, fc.nat(), fc.nat(), fc.boolean(), (facts, a, b, renumber) => {
        const events = write(facts);
        const [i, j] = [a % events.length, b % events.length];
        fc.pre(i !== j);
        const exchanged = events.with(i, nth(events, j)).with(j, nth(events, i));
        const numbered = exchanged.map((event, at) => (renumber ? { ...event, revision: BigInt(at) } : event));
        expect(refusal(numbered).code).toEqual(codes);
      }),
    );
  });

  test('with an event repeated, with and without a revision of its own', () => {
    fc.assert(
      fc.property(facts, fc.nat(), fc.boolean(), (facts, which, renumber) => {
        const events = write(facts);
        const index = which % events.length;
        const repeated = events.toSpliced(index, 0, nth(events, index));
        const numbered = repeated.map((event, at) => (renumber ? { ...event, revision: BigInt(at) } : event));
        expect(refusal(numbered).code).toBe('chain-broken');
      }),
    );
  });

  test('with an event written anew, record, id and all, under the roots that were there', () => {
    fc.assert(
      fc.property(facts, fc.nat(), (facts, which) => {
        const index = which % facts.length;
        const events = write(facts);
        const forged = nth(write(replaceAt(facts, index, (fact) => ({ ...fact, id: `${fact.id}x` }))), index);
        const { root } = decodeEvent(nth(events, index));
        const error = refusal(events.with(index, withMetadata(forged, { root })));
        expect(error).toMatchObject({ code: 'chain-broken', field: 'metadata.root' });
        expect(error.revision! >= BigInt(index)).toBe(true);
      }),
    );
  });
});

describe('the error names the place', () => {
  const events = write(FOUR);
  /** The third event, the first one of FOUR after an event without a root, with a change. */
  const third = (change: (event: EventToDecode) => EventToDecode) => refusal(replaceAt(events, 2, change));
  const record = recordOf(decodeEvent(nth(events, 2)));
  const nonce = decodeEvent(nth(events, 2)).nonce;

  test.each<[string, (event: EventToDecode) => EventToDecode, string, string]>([
    ['stream', (event) => ({ ...event, stream: 'contract-FMS-2' }), 'contract-FMS-1', 'contract-FMS-2'],
    ['revision', (event) => ({ ...event, revision: 1n }), '2', '1'],
    ['id', (event) => ({ ...event, id: nth(events, 1).id }), nth(events, 2).id, nth(events, 1).id],
    ['data', (event) => ({ ...event, data: '{"note":"x","line":"1"}' }), 'canonical JSON', 'another form of it'],
    [
      'metadata.nonce',
      (event) => withMetadata(event, { nonce: `${nonce.slice(0, -1)}x` }),
      'base64url of 16 bytes',
      `${nonce.slice(0, -1)}x`,
    ],
    ['metadata.nonce', (event) => withMetadata(event, { nonce: '' }), 'base64url of 16 bytes', ''],
    ['metadata.root', (event) => withMetadata(event, { root: '' }), decodeEvent(nth(events, 2)).root!, ''],
    [
      'record',
      (event) => withMetadata(event, { record: record.replace('{"event"', '{"more":1,"event"') }),
      record,
      record.replace('{"event"', '{"more":1,"event"'),
    ],
    ['record', (event) => withMetadata(event, { record: `${record} ` }), record, `${record} `],
  ])('%s', (field, change, expected, found) => {
    const error = third(change);
    expect(error).toMatchObject({ code: 'chain-broken', field, expected, found });
    expect(error.stream).toBe(field === 'stream' ? 'contract-FMS-2' : STREAM);
    expect(error.revision).toBe(field === 'revision' ? 1n : 2n);
  });

  test('other data', () => {
    const error = third((event) => ({ ...event, data: '{"line":"1","note":"y"}' }));
    expect(error).toMatchObject({ code: 'chain-broken', revision: 2n, field: 'record.event.datahash' });
    expect(record).toContain(`"datahash":${error.found}`);
  });

  test('a record of another revision', () => {
    const error = third((event) => ({ ...nth(events, 0), revision: event.revision }));
    expect(error).toMatchObject({ code: 'chain-broken', field: 'record.revision', expected: '2', found: '0' });
  });

  test('a lone surrogate in the record', () => {
    const error = third((event) =>
      withMetadata(event, { record: record.replace('"id":"c"', String.raw`"id":"\ud800"`) }),
    );
    expect(error).toMatchObject({ code: 'chain-broken', revision: 2n, field: 'record' });
    expect(error.cause).toMatchObject({ code: 'not-canonical' });
  });

  test('a missing revision', () => {
    const error = refusal(events.toSpliced(1, 1));
    expect(error).toMatchObject({ code: 'stream-truncated', revision: 1n, expected: '1', found: '2' });
  });

  test('an append cut short', () => {
    const error = refusal(events.slice(0, 2));
    expect(error).toMatchObject({ code: 'stream-truncated', stream: STREAM, revision: 1n, field: 'metadata.root' });
  });

  test('going on from a known frontier after a gap', () => {
    const { frontier } = verify(events.slice(0, 1));
    const error = refusal(events.slice(2), new StreamVerifier(STREAM, { frontier }));
    expect(error).toMatchObject({ code: 'stream-truncated', revision: 1n });
  });
});

describe('what the ledger should never have written', () => {
  const at = (revision: bigint, change: (input: RecordInput) => RecordInput) =>
    write(FOUR, (input) => (input.revision === revision ? change(input) : input));
  const otherSubject = (input: RecordInput) => ({ ...input, attributes: { ...input.attributes, subject: 'FMS-2' } });

  test('the subject of another contract', () => {
    expect(refusal(at(1n, otherSubject))).toMatchObject({
      code: 'chain-broken',
      revision: 1n,
      field: 'record.event.subject',
      expected: 'FMS-1',
      found: 'FMS-2',
    });
  });

  test('the subject is free on a stream that is no contract', () => {
    const events = write(FOUR).map((event) => ({ ...event, stream: 'party-acme' }));
    expect(verify(events, new StreamVerifier('party-acme')).frontier.size).toBe(4n);
  });

  const earlier = (input: RecordInput) => ({ ...input, recordedtime: '2024-01-01T00:00:00.000Z' });

  test('a recordedtime that goes back', () => {
    expect(refusal(at(1n, earlier))).toMatchObject({
      code: 'chain-broken',
      revision: 1n,
      field: 'record.recordedtime',
      found: '2024-01-01T00:00:00.000Z',
    });
  });

  test('a recordedtime that goes back behind a known frontier', () => {
    const events = at(3n, earlier);
    const { frontier } = verify(events.slice(0, 3));
    const start = { frontier, lastRecordedtime: decodeEvent(nth(events, 2)).recordedtime };
    expect(refusal(events.slice(3), new StreamVerifier(STREAM, start)).field).toBe('record.recordedtime');
  });

  test('data that are not canonical though their hash is right', () => {
    const events = at(1n, (input) => ({ ...input, canonicalData: '{"a":1,"a":2}' }));
    expect(refusal(events)).toMatchObject({ code: 'chain-broken', revision: 1n, field: 'data' });
  });

  test.each([
    ['record.version', '"version":1}', '"version":2}'],
    ['record.recordedtime', '00:00:01.000Z', '00:00:01Z'],
  ])('%s of another form, under its own leaf', (field, from, to) => {
    const decoded = decodeEvent(nth(write(FOUR), 0));
    const record = recordOf(decoded).replace(from, to);
    const changed = decodeEvent(withMetadata(nth(write(FOUR), 0), { record }));
    const check = () => new StreamVerifier(STREAM).check(changed);
    expect(check).toThrow(expect.objectContaining({ code: 'chain-broken', field }));
  });
});

test('after it has thrown, the verifier stands before that event', () => {
  const events = write(FOUR);
  const verifier = new StreamVerifier(STREAM);
  verifier.check(decodeEvent(nth(events, 0)));
  expect(() => verifier.check(decodeEvent({ ...nth(events, 1), id: nth(events, 0).id }))).toThrow(EvidenceError);
  verify(events.slice(1), verifier);
  expect(verifier.frontier.size).toBe(4n);
});
