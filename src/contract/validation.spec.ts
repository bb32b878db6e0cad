import fc from 'fast-check';
import { eventTypes } from './contract.js';
import { FIELD_KINDS } from './fields.js';
import { problemsOf, quicklyValid, schemaOf, validatePayload, type JsonSchema } from './validation.js';

/** Values that a schema accepts, near misses of them, and rubbish. */
function valueOf(schema: JsonSchema, clean = false): fc.Arbitrary<unknown> {
  const near = right(schema, clean);
  return clean
    ? near.filter((value) => fits(schema, value))
    : fc.oneof({ weight: 12, arbitrary: near }, { weight: 1, arbitrary: wrong });
}

/** Whether a plain value is one of its kind, by the kind's own check. */
function fits(schema: JsonSchema, value: unknown): boolean {
  const kind = Object.values(FIELD_KINDS).find(
    (each) => JSON.stringify(each.schema) === JSON.stringify(schema) || inAnyOf(each.schema, schema),
  );
  return kind === undefined || kind.check(value);
}
const inAnyOf = (of: Readonly<Record<string, unknown>>, schema: JsonSchema): boolean =>
  Array.isArray(of['anyOf']) && of['anyOf'].includes(schema);

const wrong: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom(
    null,
    '',
    ' ',
    '\0',
    'a\0b',
    '\ud800',
    -1,
    1.5,
    1e300,
    true,
    [],
    {},
    '2020-02-30',
    '2020-2-1',
    '12.345',
    '-1',
    '9'.repeat(40),
  ),
  fc.string({ maxLength: 8 }),
  fc.double(),
);

function right(schema: JsonSchema, clean = false): fc.Arbitrary<unknown> {
  if (Array.isArray(schema['anyOf']))
    return fc.oneof(...(schema['anyOf'] as JsonSchema[]).map((each) => valueOf(each, clean)));
  if (Array.isArray(schema['enum'])) return fc.constantFrom(...(schema['enum'] as unknown[]));
  if (schema['type'] === 'array')
    return fc.array(valueOf((schema['items'] ?? {}) as JsonSchema, clean), {
      minLength: Number(schema['minItems'] ?? 0),
      maxLength: 3,
    });
  if (schema['properties'] !== undefined) {
    const properties = schema['properties'] as Record<string, JsonSchema>;
    const required = schema['required'] as string[];
    const fields = fc.record(
      Object.fromEntries(Object.entries(properties).map(([name, of]) => [name, valueOf(of, clean)])),
      {
        requiredKeys: required,
      },
    );
    if (clean) return fields;
    return fc.oneof(
      { weight: 12, arbitrary: fields },
      { weight: 1, arbitrary: fields.map((value) => ({ ...value, extra: 1 })) },
      { weight: 1, arbitrary: fields.map((value) => Object.fromEntries(Object.entries(value).slice(1))) },
    );
  }
  if (schema['type'] === 'boolean') return fc.boolean();
  if (schema['type'] === 'object') return fc.dictionary(fc.string(), fc.integer());
  if (schema['type'] === 'integer') return fc.integer({ min: -2, max: 4_000 });
  switch (schema['waybook']) {
    case 'date':
      return fc.constantFrom('2020-01-31', '2024-02-29', '2023-02-29', '0000-01-01');
    case 'instant':
      return fc.constantFrom(
        '2020-01-31T00:00:00Z',
        '2020-01-31T24:00:00Z',
        '2020-01-31T00:00:00.123456789Z',
        '2020-01-31T00:00:00+00:00',
      );
    case 'currency':
      return fc.constantFrom('USD', 'JPY', 'BHD', 'XXZ', 'usd');
    case 'quantity':
      return fc.constantFrom('2.5', '0', '1.1234567', '01', '1e3');
    default:
      return fc.constantFrom(
        'A-1',
        'EA',
        'US',
        '12.5',
        '12.50',
        '0',
        '100',
        '1.234',
        'a'.repeat(64),
        'x'.repeat(201),
        'x'.repeat(4_001),
        'text/plain',
        'P/1',
        'https://example.org/report.pdf',
        '_x',
      );
  }
}

describe.each(eventTypes.map((definition) => [definition.type, definition] as const))('%s', (_type, { payload }) => {
  test('what the compiled schema lets through class-validator accepts, and whatever it refuses has a place and words', () => {
    const seen = { right: 0, wrong: 0 };
    fc.assert(
      fc.property(valueOf(schemaOf(payload)), (value) => {
        const problems = validatePayload(payload, value);
        if (quicklyValid(payload, value)) {
          seen.right += 1;
          expect([problems, problemsOf(payload, value)]).toEqual([[], []]);
        } else {
          seen.wrong += 1;
          expect(problems.length).toBeGreaterThan(0);
          expect(problems.every(({ pointer, detail }) => /^(?:\/|$)/.test(pointer) && detail !== '')).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
    expect(seen.wrong).toBeGreaterThan(0);
  });

  test('an example without anything wrong passes both', () => {
    const [example] = fc
      .sample(right(schemaOf(payload), true), { seed: 7, numRuns: 400 })
      .filter((value) => quicklyValid(payload, value));
    expect(example).toBeDefined();
    expect(problemsOf(payload, example)).toEqual([]);
  });
});

test('every kind of field says what would be right', () => {
  for (const kind of Object.values(FIELD_KINDS)) expect(kind.message).toMatch(/^must be /);
});

test.each([
  [
    'an unknown field',
    { milestone: 'D1', forecast: '2022-01-01', reason: 'x', extra: 1 },
    '/extra',
    'is not a field of this type',
  ],
  [
    'a field missing',
    { milestone: 'D1', forecast: '2022-01-01' },
    '/reason',
    'must be text of 1 to 4000 characters without NUL',
  ],
  [
    'a date that does not exist',
    { milestone: 'D1', forecast: '2022-02-29', reason: 'x' },
    '/forecast',
    'must be a date that exists, as YYYY-MM-DD',
  ],
  [
    'a NUL',
    { milestone: 'D1', forecast: '2022-02-28', reason: 'a\0' },
    '/reason',
    'must be text of 1 to 4000 characters without NUL',
  ],
  [
    'a newline in an id',
    { milestone: 'D1\n', forecast: '2022-02-28', reason: 'a' },
    '/milestone',
    'must be an id: 1 to 128 of A-Z a-z 0-9 . _ - beginning with a letter or digit',
  ],
  [
    'a prototype name as a field',
    JSON.parse('{"milestone":"D1","forecast":"2022-02-28","reason":"a","__proto__":{}}'),
    '/__proto__',
    'is not a field of this type',
  ],
  [
    'null for a field left out',
    { milestone: null, forecast: '2022-02-28', reason: 'a' },
    '/milestone',
    'must be an id: 1 to 128 of A-Z a-z 0-9 . _ - beginning with a letter or digit',
  ],
])('%s is named by its pointer', (_name, data, pointer, detail) => {
  const forecast = eventTypes.find((definition) => definition.type === 'ForecastRevised')!;
  expect(validatePayload(forecast.payload, data)).toEqual([{ pointer, detail }]);
});

test('the length of a text is counted in characters, not in the units that JavaScript keeps them in', () => {
  const { payload } = eventTypes.find(({ type }) => type === 'ForecastRevised')!;
  const forecast = (reason: string) => ({ milestone: 'D1', forecast: '2022-01-01', reason });
  for (const [reason, wrong] of [
    ['🚢'.repeat(4_000), []],
    ['🚢'.repeat(4_001), [expect.objectContaining({ pointer: '/reason' })]],
    ['x'.repeat(4_001), [expect.objectContaining({ pointer: '/reason' })]],
  ] as const) {
    expect(validatePayload(payload, forecast(reason))).toEqual(wrong);
    expect(quicklyValid(payload, forecast(reason))).toBe(wrong.length === 0);
  }
});

test('too many decimals for the currency are named at the amount', () => {
  const registration = eventTypes.find((definition) => definition.type === 'ContractRegistered')!;
  const problems = validatePayload(registration.payload, { value: { amount: '1.5', currency: 'JPY' } });
  expect(problems).toContainEqual({
    pointer: '/value/amount',
    detail:
      'must be a decimal string such as "1250" with at most 0 decimals, not negative, of at most 18 digits before the point',
  });
});
