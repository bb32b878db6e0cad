/**
 * Every kind of bad input, by every way it can come in: refused with a problem that names the place, never an error of
 * the server, and nothing written.
 */
import {
  BATCH,
  CLOUDEVENT,
  NDJSON,
  post,
  problem,
  progress,
  register,
  registration,
  results,
  startServer,
  type Result,
  type TestServer,
} from './http-support.js';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
  await register(server, 'C');
  await register(server, 'constructor');
});
afterAll(async () => {
  expect(server.errors).toEqual([]);
  await server.close();
});

type Expected = readonly [status: number, code: string, pointer: string | undefined];

/** Data of a small event, with something put over it. */
const data = (over: Record<string, unknown>) => ({
  line: '001',
  stage: 'assembly',
  percent: 40,
  unitsCompleted: 1,
  ...over,
});
const event = (over: Record<string, unknown>): string => JSON.stringify(progress('bad', over));
const withData = (over: Record<string, unknown>): string => event({ data: data(over) });
/** An event with text in place of a value, for what JSON.stringify would never write. */
const spelled = (name: string, text: string): string => withData({ [name]: '@@' }).replace('"@@"', text);
const enveloped = (name: string, text: string): string => event({ [name]: '@@' }).replace('"@@"', text);
const nested = (depth: number): string => '{"a":'.repeat(depth) + '1' + '}'.repeat(depth);

const amount = (text: string): string =>
  event({
    type: 'ContractAmended',
    source: 'urn:waybook:party:jmod',
    data: { amendment: 'A1', consulted: [], rationale: 'r', value: { amount: text, currency: 'JPY' } },
  });

const NO_JSON: readonly (readonly [string, string, string])[] = [
  ['malformed JSON', event({}).slice(0, -1), ''],
  ['JSON with a comment', `${event({}).slice(0, -1)} /* x */}`, ''],
  ['a name twice', event({}).replace('{', '{"id":"other",'), '/id'],
  ['a name twice in the data', spelled('stage', '"a","stage":"b"'), '/data/stage'],
  ['a name twice, once escaped', event({}).replace('{', '{"\\u0069d":"other",'), '/id'],
  ['a fraction', spelled('unitsCompleted', '1.5'), '/data/unitsCompleted'],
  ['a fraction that is none', spelled('unitsCompleted', '1.0'), '/data/unitsCompleted'],
  ['an exponent', spelled('unitsCompleted', '1e3'), '/data/unitsCompleted'],
  ['a number past 2^53', spelled('unitsCompleted', '9007199254740993'), '/data/unitsCompleted'],
  ['a number past everything', spelled('unitsCompleted', '1e400'), '/data/unitsCompleted'],
  ['minus zero', spelled('unitsCompleted', '-0'), '/data/unitsCompleted'],
  ['a lone surrogate', spelled('stage', '"\\ud800"'), '/data/stage'],
  ['a lone surrogate in an id', enveloped('id', '"\\udfff"'), '/id'],
  ['a raw NUL', spelled('stage', '"a\0b"'), '/data'],
  ['nesting without end', event({}).replace('"percent":40', `"percent":${nested(20_000)}`), '/data/percent'],
];

const NO_EVENT: readonly (readonly [string, string, Expected])[] = [
  ['a list', '[]', [422, 'invalid-event', '']],
  ['null', 'null', [422, 'invalid-event', '']],
  ['text', '"event"', [422, 'invalid-event', '']],
  ['an empty object', '{}', [422, 'invalid-event', '/specversion']],
  ['a wrong version of CloudEvents', event({ specversion: '0.3' }), [422, 'invalid-event', '/specversion']],
  ['an id that is a number', event({ id: 7 }), [422, 'invalid-event', '/id']],
  ['an empty id', event({ id: '' }), [422, 'invalid-event', '/id']],
  ['an id with a newline', event({ id: 'a\nb' }), [422, 'invalid-event', '/id']],
  ['an id with a newline at its end', event({ id: 'a\n' }), [422, 'invalid-event', '/id']],
  ['an id with a space', event({ id: 'a b' }), [422, 'invalid-event', '/id']],
  ['an id of 513 characters', event({ id: 'x'.repeat(513) }), [422, 'invalid-event', '/id']],
  ['an id beyond ASCII', event({ id: 'é' }), [422, 'invalid-event', '/id']],
  ['a source that is no party', event({ source: 'northgate' }), [422, 'invalid-event', '/source']],
  ['a source with a newline', event({ source: 'urn:waybook:party:northgate\n' }), [422, 'invalid-event', '/source']],
  ['a source of another scheme', event({ source: 'https://x.example/' }), [422, 'invalid-event', '/source']],
  ['a prototype name as source', event({ source: 'urn:waybook:party:__proto__' }), [422, 'invalid-event', '/source']],
  ['a party that nobody knows', event({ source: 'urn:waybook:party:constructor' }), [403, 'not-permitted', '/source']],
  ['the ledger as source', event({ source: 'urn:waybook:party:ledger' }), [403, 'not-permitted', '/source']],
  ['an unknown attribute', event({ colour: 'red' }), [422, 'invalid-event', '/colour']],
  ['an attribute of the ledger', event({ position: '7' }), [422, 'invalid-event', '/position']],
  [
    'a prototype name as attribute',
    enveloped('x', '1').replace('"x"', '"__proto__"'),
    [422, 'invalid-event', '/__proto__'],
  ],
  ['an attribute named constructor', event({ constructor: 1 }), [422, 'invalid-event', '/constructor']],
  ['data as base64', event({ data: undefined, data_base64: 'e30=' }), [422, 'invalid-event', '/data']],
  [
    'another content type of the data',
    event({ datacontenttype: 'text/xml' }),
    [422, 'invalid-event', '/datacontenttype'],
  ],
  ['an unknown type', event({ type: 'ManufacturingImagined' }), [422, 'unknown-type', '/type']],
  ['a prototype name as type', event({ type: 'constructor' }), [422, 'unknown-type', '/type']],
  ['__proto__ as type', event({ type: '__proto__' }), [422, 'unknown-type', '/type']],
  ['a version to come', event({ version: 99 }), [422, 'unknown-version', '/version']],
  ['version 0', event({ version: 0 }), [422, 'invalid-event', '/version']],
  ['no time', event({ time: undefined }), [422, 'invalid-event', '/time']],
  ['a date that does not exist', event({ time: '2025-02-30T00:00:00Z' }), [422, 'invalid-event', '/time']],
  ['a time of another zone', event({ time: '2025-02-01T00:00:00+09:00' }), [422, 'invalid-event', '/time']],
  ['a time with a newline', event({ time: '2025-02-01T00:00:00Z\n' }), [422, 'invalid-event', '/time']],
  ['a time to come', event({ time: '2026-01-15T09:35:00.001Z' }), [422, 'time-in-future', '/time']],
  ['another contract than the path', event({ subject: 'D' }), [422, 'invalid-event', '/subject']],
  ['data that are a list', event({ data: [] }), [422, 'invalid-event', '/data']],
  ['a missing field', withData({ stage: undefined }), [422, 'invalid-event', '/data/stage']],
  ['an unknown field', withData({ colour: 'red' }), [422, 'invalid-event', '/data/colour']],
  ['a field of a wrong type', withData({ stage: 7 }), [422, 'invalid-event', '/data/stage']],
  ['null for a field', withData({ stage: null }), [422, 'invalid-event', '/data/stage']],
  ['a NUL in text', withData({ stage: 'a\0b' }), [422, 'invalid-event', '/data/stage']],
  ['a megabyte of text', withData({ stage: 'x'.repeat(1_000_000) }), [422, 'invalid-event', '/data/stage']],
  ['a percentage of 101', withData({ percent: 101 }), [422, 'invalid-event', '/data/percent']],
  [
    'a prototype name as field',
    spelled('x', '1').replace('"x"', '"__proto__"'),
    [422, 'invalid-event', '/data/__proto__'],
  ],
  ['a field named toString', withData({ toString: 'x' }), [422, 'invalid-event', '/data/toString']],
  [
    'nesting that is no event’s',
    event({ data: { a: { a: { a: { a: { a: [[[[[]]]]] } } } } } }),
    [422, 'invalid-event', '/data/a'],
  ],
  ['a prototype name as line', withData({ line: '__proto__' }), [422, 'invalid-event', '/data/line']],
  ['constructor as line', withData({ line: 'constructor' }), [422, 'unknown-reference', '/data/line']],
  ['a line with a newline', withData({ line: '001\n' }), [422, 'invalid-event', '/data/line']],
  ['an amount with decimals that the yen has not', amount('12.5'), [422, 'invalid-event', '/data/value/amount']],
  ['an amount with five decimals', amount('12.00000'), [422, 'invalid-event', '/data/value/amount']],
  ['a negative amount', amount('-1'), [422, 'invalid-event', '/data/value/amount']],
  ['an amount as a number', amount('@@').replace('"@@"', '12'), [422, 'invalid-event', '/data/value/amount']],
];

async function nothingWritten<T>(work: () => Promise<T>): Promise<T> {
  const before = await server.store.head();
  const outcome = await work();
  expect(await server.store.head()).toEqual(before);
  return outcome;
}

const url = (): string => `${server.url}/contracts/C/events`;
const line = async (body: string | Uint8Array): Promise<Expected> => {
  const response = await post(url(), NDJSON, body);
  expect(response.status).toBe(200);
  const lines = (await response.text()).trimEnd().split('\n');
  expect(lines.length).toBe(1);
  const result = JSON.parse(lines[0]!) as Result;
  expect([result.line, result.status, result.revision, result.position]).toEqual([1, 'refused', null, null]);
  return [result.problem!.status, result.problem!.code, result.problem!.errors[0]?.pointer];
};

describe.each(NO_JSON)('%s', (_what, text, pointer) => {
  test('as one event', async () => {
    expect(await nothingWritten(async () => problem(await post(url(), CLOUDEVENT, text)))).toEqual([
      400,
      'invalid-json',
      expect.stringMatching(new RegExp(`^${pointer}`)),
    ]);
  });

  test('in a batch, which is then not read at all', async () => {
    const body = `[${event({ id: 'good' })},${text}]`;
    for (const target of [url(), `${url()}?atomic=true`])
      expect(await nothingWritten(async () => problem(await post(target, BATCH, body)))).toEqual([
        400,
        'invalid-json',
        expect.stringMatching(new RegExp(`^/1${pointer}`)),
      ]);
  });

  test('as a line', async () => {
    expect(await nothingWritten(() => line(text))).toEqual([
      400,
      'invalid-json',
      expect.stringMatching(new RegExp(`^${pointer}`)),
    ]);
  });
});

describe.each(NO_EVENT)('%s', (_what, text, expected) => {
  test('as one event', async () => {
    expect(await nothingWritten(async () => problem(await post(url(), CLOUDEVENT, text)))).toEqual(expected);
  });

  test('in an atomic batch, of which then nothing is recorded', async () => {
    const items = await nothingWritten(async () => {
      const response = await post(`${url()}?atomic=true`, BATCH, `[${event({ id: 'good' })},${text}]`);
      expect(response.status).toBe(422);
      return results(response);
    });
    expect(items.map(({ status }) => status)).toEqual(['refused', 'refused']);
    const refusal = items[1]?.problem;
    expect([refusal?.status, refusal?.code, refusal?.errors[0]?.pointer]).toEqual(expected);
  });

  test('as a line', async () => {
    expect(await nothingWritten(() => line(text))).toEqual(expected);
  });
});

describe('bytes that are no UTF-8', () => {
  const wrong = Buffer.concat([Buffer.from('{"id":"'), Buffer.from([0xc3, 0x28]), Buffer.from('"}')]);
  test('in a body and in a line', async () => {
    expect(await nothingWritten(async () => problem(await post(url(), CLOUDEVENT, wrong)))).toEqual([
      400,
      'invalid-json',
      '',
    ]);
    expect(await nothingWritten(() => line(wrong))).toEqual([400, 'invalid-json', '']);
  });
});

describe('what is too large', () => {
  test('a body of 10 MB, declared or not', async () => {
    const body = withData({ stage: 'x'.repeat(10_000_000) });
    const chunked = () =>
      fetch(url(), {
        method: 'POST',
        headers: { 'content-type': CLOUDEVENT },
        body: new Blob([body]).stream(),
        duplex: 'half',
      });
    for (const send of [() => post(url(), CLOUDEVENT, body), chunked])
      expect(await nothingWritten(async () => problem(await send()))).toEqual([413, 'body-too-large', '']);
  });

  test('a batch of 17 MB', async () => {
    const body = `[${Array.from({ length: 17 }, (_, at) => withData({ stage: 'x'.repeat(1_000_000 + at) })).join(',')}]`;
    expect(await nothingWritten(async () => problem(await post(url(), BATCH, body)))).toEqual([
      413,
      'body-too-large',
      '',
    ]);
  });

  test('a line of 10 MB', async () => {
    const body = withData({ stage: 'x'.repeat(10_000_000) });
    expect(await nothingWritten(() => line(body))).toEqual([413, 'line-too-large', '']);
  });

  test('an event that would not fit into the store', async () => {
    const lines = Array.from({ length: 400 }, (_, at) => ({
      line: `L${at}`,
      description: 'é'.repeat(1_250),
      quantity: 1,
      unit: 'EA',
      unitValue: { amount: '1', currency: 'USD' },
    }));
    const body = JSON.stringify({ ...registration('LARGE'), lines: lines.slice(0, 360), milestones: [] });
    expect(Buffer.byteLength(body)).toBeLessThan(1024 * 1024);
    expect(
      await nothingWritten(async () => problem(await post(`${server.url}/contracts`, 'application/json', body))),
    ).toEqual([413, 'event-too-large', '']);
  });
});

describe('ids of contracts in the path', () => {
  test('that are no ids, or are of no contract', async () => {
    for (const id of ['__proto__', '.hidden', 'a%2Fb', 'a%0Ab', 'a%00b', 'toString', '%E2%82%AC', 'x'.repeat(129)])
      expect(
        await nothingWritten(async () =>
          problem(await post(`${server.url}/contracts/${id}/events`, CLOUDEVENT, event({}))),
        ),
      ).toEqual([404, 'unknown-contract', undefined]);
  });

  test('a name that objects have is an id like any other', async () => {
    const response = await post(`${server.url}/contracts/constructor/events`, CLOUDEVENT, progress('valueOf'));
    expect([response.status, (await results(response))[0]?.revision]).toEqual([201, '1']);
    const again = await post(`${server.url}/contracts/constructor/events`, CLOUDEVENT, progress('hasOwnProperty'));
    expect([again.status, (await results(again))[0]?.revision]).toEqual([201, '2']);
  });
});

describe('an event twice in a batch', () => {
  test('leaves the whole batch unrecorded', async () => {
    const batch = [progress('t1'), progress('t2'), progress('t1', { time: '2025-09-02T00:00:00Z' })];
    for (const target of [url(), `${url()}?atomic=true`])
      expect(await nothingWritten(async () => problem(await post(target, BATCH, batch)))).toEqual([
        422,
        'duplicate-id-in-batch',
        '/2/id',
      ]);
    const many = batch.map((one) => ({ ...one, subject: 'C' }));
    expect(await nothingWritten(async () => problem(await post(`${server.url}/events`, BATCH, many)))).toEqual([
      422,
      'duplicate-id-in-batch',
      '/2/id',
    ]);
  });
});

describe('registrations', () => {
  test.each([
    ['malformed', '{"contract":', [400, 'invalid-json', '/contract']],
    ['a name twice', JSON.stringify(registration('X')).replace('{', '{"title":"x",'), [400, 'invalid-json', '/title']],
    ['a prototype name as id', JSON.stringify(registration('__proto__')), [422, 'invalid-event', '/contract']],
    ['an id with a newline', JSON.stringify(registration('X\n')), [422, 'invalid-event', '/contract']],
    [
      'an id that is no text',
      JSON.stringify({ ...registration('X'), contract: 7 }),
      [422, 'invalid-event', '/contract'],
    ],
    [
      'an unknown field in a line',
      JSON.stringify(registration('X')).replace('"line":"001",', '"line":"001","colour":"red",'),
      [422, 'invalid-event', '/lines/0/colour'],
    ],
    [
      'a milestone of a line that is not there',
      JSON.stringify(registration('X')).replace('"milestone":"M1","line":"001"', '"milestone":"M1","line":"009"'),
      [422, 'invalid-registration', '/milestones/0/line'],
    ],
    ['a list', '[]', [422, 'invalid-event', '']],
  ] as const)('%s', async (_what, body, expected) => {
    expect(
      await nothingWritten(async () => problem(await post(`${server.url}/contracts`, 'application/json', body))),
    ).toEqual(expected);
  });
});
