/** The OpenAPI 3.1 document: schemas compiled from the payload classes, paths from the controllers' own descriptions. */
import { FIELD_KINDS, type FieldKind } from '../contract/fields.js';
import { eventTypes } from '../contract/contract.js';
import { ContractRegistered } from '../contract/registration.js';
import { schemaOf, type JsonSchema } from '../contract/validation.js';
import type { ApiOperation, ApiPaths } from './api.js';
import { PROBLEMS, problemType, type ProblemCode } from './problem.js';

/** The token under which the docs controller is given the {@link OpenApiDocument}. */
export const API_DOCUMENT = Symbol('the OpenAPI document');

export interface OpenApiDocument {
  readonly openapi: '3.1.0';
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenApiOperation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, JsonSchema>> };
}

export type OpenApiOperation = Omit<ApiOperation, 'tag' | 'problems'> & { readonly tags: readonly string[] };

/** Codes that any request may get, whatever it asks for. */
const ANYWHERE: readonly ProblemCode[] = [
  'bad-request',
  'misdirected-request',
  'foreign-origin',
  'invalid-query',
  'internal-error',
];

export function openApiDocument(paths: ApiPaths, ledger: { readonly version: string }): OpenApiDocument {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Waybook',
      version: ledger.version,
      description:
        'A ledger of contracts: what each party reported, when, and what follows from it. Events are CloudEvents 1.0 in ' +
        'I-JSON (RFC 7493): no name twice, no number but integers within ±(2^53 - 1). Revisions and positions are ' +
        'decimal strings. Every error is a problem (RFC 9457) with a stable `code`.',
    },
    tags: [
      { name: 'Writing', description: 'Recording events.' },
      { name: 'Reading', description: 'Asking the read models and the streams.' },
      { name: 'Running', description: 'Health, metrics, the clock of a demonstration, this description.' },
    ],
    paths: Object.fromEntries(
      Object.entries(paths).map(([path, item]) => [
        path,
        Object.fromEntries(Object.entries(item).map(([method, operation]) => [method, described(operation)])),
      ]),
    ),
    components: { schemas: schemas() },
  };
}

function described({ tag, problems, responses, ...operation }: ApiOperation): OpenApiOperation {
  const byStatus = new Map<number, ProblemCode[]>();
  for (const code of [...problems, ...ANYWHERE]) {
    const { status } = PROBLEMS[code];
    const codes = byStatus.get(status) ?? [];
    if (!codes.includes(code)) codes.push(code);
    byStatus.set(status, codes);
  }
  const all: Record<string, ApiOperation['responses'][string]> = { ...responses };
  for (const [status, codes] of [...byStatus].sort(([a], [b]) => a - b)) {
    const own = responses[String(status)];
    const words = codes.map((code) => `\`${code}\`: ${PROBLEMS[code].title}.`).join('\n');
    all[String(status)] = {
      ...own,
      description: own === undefined ? words : `${own.description}\n\nOr a problem:\n${words}`,
      content: { ...own?.content, 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
    };
  }
  return { ...operation, tags: [tag], responses: all };
}

const text = (description: string): JsonSchema => ({ type: 'string', description });
const orNull = (schema: JsonSchema): JsonSchema => ({ anyOf: [schema, { type: 'null' }] });
const ref = (name: string): JsonSchema => ({ $ref: `#/components/schemas/${name}` });
const object = (properties: Readonly<Record<string, JsonSchema>>, optional: readonly string[] = []): JsonSchema => ({
  type: 'object',
  properties,
  required: Object.keys(properties).filter((name) => !optional.includes(name)),
});

const ENVELOPE: Readonly<Record<string, JsonSchema>> = {
  specversion: { const: '1.0' },
  id: { ...ref('Token'), description: 'Names the event together with `source`.' },
  source: text('`urn:waybook:party:PARTY`, optionally `:SYSTEM`: who reports it.'),
  time: { ...ref('Instant'), description: 'When it happened; at most five minutes ahead of the ledger’s clock.' },
  subject: { ...ref('Id'), description: 'The contract. May be left out where the path names it.' },
  datacontenttype: { const: 'application/json' },
  correlationid: ref('Token'),
  causationid: ref('Token'),
  onbehalfof: { ...ref('Id'), description: 'The party for which buyer, seller or prime records it.' },
};
const OPTIONAL = ['subject', 'datacontenttype', 'correlationid', 'causationid', 'onbehalfof', 'version'];

function schemas(): Record<string, JsonSchema> {
  const events = eventTypes.map((definition) => [`${definition.type}Event`, definition] as const);
  const registration = readable(schemaOf(ContractRegistered)) as { readonly properties: JsonSchema };
  return {
    Id: readable(FIELD_KINDS.id.schema),
    Token: readable(FIELD_KINDS.token.schema),
    Instant: readable(FIELD_KINDS.instant.schema),
    Position: { type: 'string', pattern: '^(?:0|[1-9][0-9]{0,18})$' },
    Revision: { type: 'string', pattern: '^(?:0|[1-9][0-9]{0,18})$' },
    Event: {
      oneOf: events.map(([name]) => ref(name)),
      discriminator: {
        propertyName: 'type',
        mapping: Object.fromEntries(events.map(([name, { type }]) => [type, `#/components/schemas/${name}`])),
      },
    },
    ...Object.fromEntries(
      events.map(([name, definition]) => [
        name,
        {
          ...object(
            {
              ...ENVELOPE,
              type: { const: definition.type },
              version: { type: 'integer', minimum: 1, maximum: definition.version, default: 1 },
              data: ref(definition.type),
            },
            OPTIONAL,
          ),
          additionalProperties: false,
        },
      ]),
    ),
    ...Object.fromEntries(
      eventTypes.map((definition) => [
        definition.type,
        { ...readable(schemaOf(definition.payload)), title: definition.type, description: definition.description },
      ]),
    ),
    Registration: {
      ...registration,
      title: 'Registration',
      description: 'The data of `ContractRegistered`, and what its envelope needs.',
      properties: {
        contract: { ...ref('Id'), description: 'The id of the contract.' },
        time: { ...ref('Instant'), description: 'Left out: the start of signedOn.' },
        source: text('Left out: the buyer, `urn:waybook:party:BUYER`.'),
        ...registration.properties,
      },
      required: ['contract', ...((registration as JsonSchema)['required'] as readonly string[])],
    },
    Result: object({
      id: orNull(text('As sent.')),
      status: { enum: ['recorded', 'duplicate', 'refused', 'failed'] },
      revision: orNull(ref('Revision')),
      position: orNull(ref('Position')),
      problem: orNull(ref('Problem')),
    }),
    Results: object({ results: { type: 'array', items: ref('Result') } }),
    LineResult: {
      allOf: [
        ref('Result'),
        { type: 'object', properties: { line: { type: 'integer', minimum: 1, description: 'Counted from 1.' } } },
      ],
    },
    FeedLine: object({
      contract: ref('Id'),
      revision: ref('Revision'),
      position: ref('Position'),
      id: ref('Token'),
      source: { type: 'string' },
      type: { enum: eventTypes.map(({ type }) => type) },
      version: { type: 'integer', minimum: 1 },
      time: ref('Instant'),
      recordedtime: ref('Instant'),
      reporter: ref('Id'),
      onBehalfOf: orNull(ref('Id')),
      data: { type: 'object' },
      effective: { type: 'null' },
      corrects: orNull(object({ id: ref('Token'), source: { type: 'string' } })),
      correctedBy: { type: 'null' },
      flags: { type: 'null' },
    }),
    Problem: object(
      {
        type: text('A URI reference to the entry of the code on the page of the API.'),
        title: { type: 'string' },
        status: { type: 'integer' },
        code: { enum: Object.keys(PROBLEMS) },
        detail: { type: 'string' },
        errors: { type: 'array', items: ref('ProblemPlace') },
        errorId: text('Of an internal error: where to find it in the log.'),
      },
      ['errorId'],
    ),
    ProblemPlace: object({
      pointer: text('A JSON Pointer into the body; `?NAME` for a query parameter, `NAME:` for a header.'),
      detail: text('What would be right.'),
    }),
    Health: object({
      status: { enum: ['ok', 'degraded', 'failed'] },
      version: { type: 'string' },
      origin: text('The name of this ledger.'),
      clock: object({ kind: { enum: ['system', 'stepped'] }, now: ref('Instant') }),
      note: orNull({ type: 'string' }),
      store: object({ reachable: { type: 'boolean' }, position: orNull(ref('Position')) }),
      projections: {
        type: 'array',
        items: object({
          name: { type: 'string' },
          version: { type: 'integer' },
          state: { enum: ['catching-up', 'live', 'rebuilding', 'standby', 'failed'] },
          position: orNull(ref('Position')),
          building: orNull(object({ version: { type: 'integer' }, position: orNull(ref('Position')) })),
          lag: object({
            events: { ...orNull({ type: 'integer' }), description: 'Received and not in the rows yet, where known.' },
            milliseconds: { type: 'integer', description: 'Since the rows had everything there was.' },
          }),
          error: orNull(
            object({ code: { type: 'string' }, detail: { type: 'string' }, event: orNull({ type: 'string' }) }),
          ),
        }),
      },
      watch: orNull(
        object({
          state: { enum: ['catching-up', 'live', 'standby', 'failed'] },
          through: {
            ...orNull({ type: 'string', format: 'date' }),
            description: 'The last day at whose start all that was missed had been noticed.',
          },
          lag: object({
            days: {
              ...orNull({ type: 'integer' }),
              description: 'Days that have begun since then; null before the first pass.',
            },
          }),
          noticed: { type: 'integer', description: 'What it has had recorded since it was started.' },
          error: orNull(object({ contract: orNull({ type: 'string' }), detail: { type: 'string' } })),
        }),
      ),
    }),
    ClockStep: object({ now: ref('Instant') }),
    ClockStood: object({ now: ref('Instant'), position: orNull(ref('Position')) }),
  };
}

const FORMATS: Readonly<Record<string, string>> = { date: 'date', instant: 'date-time' };

/** Without the keywords of the validator, in whose place words and formats stand that readers and tools know. */
function readable(schema: JsonSchema): JsonSchema {
  const result: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(schema)) {
    if (name === 'moneyDecimals') result['description'] = 'No more decimals than ISO 4217 gives the currency.';
    else if (name === 'waybook') {
      const format = FORMATS[String(value)];
      if (format !== undefined) result['format'] = format;
      const kind = (FIELD_KINDS as Readonly<Record<string, FieldKind>>)[String(value)];
      if (kind !== undefined) result['description'] = kind.message;
    } else if (name === 'example') result['examples'] = [value];
    else if (Array.isArray(value))
      result[name] = value.map((item: unknown) => (isSchema(item) ? readable(item) : item));
    else if (name === 'properties')
      result[name] = Object.fromEntries(
        Object.entries(value as Readonly<Record<string, JsonSchema>>).map(([key, inner]) => [key, readable(inner)]),
      );
    else result[name] = isSchema(value) ? readable(value) : value;
  }
  return result;
}

const isSchema = (value: unknown): value is JsonSchema => typeof value === 'object' && value !== null;

/** The address of a code's entry, as it stands in `type`. */
export const problemAnchor = (code: ProblemCode): string => problemType(code).split('#', 2)[1] ?? '';
