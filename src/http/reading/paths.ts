/** What the reading controllers offer. */
import { SORT_FIELDS, STATUSES } from '../../../projections/contract-status/queries.js';
import { CONTRACT_PARAMETER, POSITION_HEADER, type ApiOperation, type ApiParameter, type ApiPaths } from '../api.js';
import { JSON_TYPE, NDJSON } from '../media-types.js';
import type { JsonSchema } from '../../contract/validation.js';

const text: JsonSchema = { type: 'string' };
const maybe = (schema: JsonSchema): JsonSchema => ({ anyOf: [schema, { type: 'null' }] });
const textOrNull = maybe(text);
const day: JsonSchema = { type: 'string', format: 'date' };
const instant: JsonSchema = { type: 'string', format: 'date-time' };
const integer: JsonSchema = { type: 'integer' };
const flag: JsonSchema = { type: 'boolean' };
const money: JsonSchema = object({ amount: text, currency: text });
const quantity: JsonSchema = { anyOf: [integer, { type: 'string', description: 'a decimal' }] };
const eventName: JsonSchema = object({ id: text, source: text });

function object(properties: Readonly<Record<string, JsonSchema>>): JsonSchema {
  return { type: 'object', properties, required: Object.keys(properties) };
}
const list = (items: JsonSchema): JsonSchema => ({ type: 'array', items });

const SHOWN = { asOf: text, on: day, position: text };
const SUMMARY = {
  contract: text,
  title: text,
  reference: text,
  programme: text,
  buyer: text,
  seller: text,
  signedOn: day,
  value: money,
  status: { type: 'string', enum: [...STATUSES] },
  slipDays: maybe(integer),
  lateDays: maybe(integer),
  deliveryLateDays: maybe(integer),
  ageYears: maybe(integer),
  paid: { type: 'null', description: 'needs event types that are still to come' },
  deliveredValue: money,
  undeliveredValue: money,
  exposure: { type: 'null', description: 'needs event types that are still to come' },
  settledOn: { type: 'null', description: 'needs event types that are still to come' },
  openDelays: integer,
  overdueReports: { type: 'null', description: 'needs event types that are still to come' },
  lastReportOn: maybe(day),
  revision: text,
};
const CONTRACT = {
  ...SUMMARY,
  registration: object({ by: text, confirmedBy: list(text), confirmedAt: maybe(instant), contestedAt: maybe(instant) }),
  terms: { type: 'object' },
  parties: list(object({ party: text, name: text, role: text, country: text })),
  lines: list(
    object({
      line: text,
      description: text,
      quantity,
      unit: text,
      unitValue: money,
      responsible: text,
      standard: textOrNull,
      cancelled: flag,
      stage: textOrNull,
      percent: maybe(quantity),
      unitsCompleted: maybe(quantity),
      shipped: quantity,
      received: quantity,
      accepted: quantity,
      rejected: quantity,
      lastReportOn: maybe(day),
      lastReportBy: textOrNull,
      overdueSince: { type: 'null' },
    }),
  ),
  flags: list(object({ code: text, event: eventName, detail: text })),
};
const MILESTONE = {
  milestone: text,
  line: textOrNull,
  kind: text,
  description: text,
  responsible: text,
  binding: { type: 'string', enum: ['firm', 'estimate'] },
  cancelled: flag,
  baseline: day,
  agreed: day,
  imposed: maybe(day),
  forecast: maybe(day),
  standing: day,
  actual: maybe(day),
  claimed: maybe(day),
  expected: day,
  slipDays: integer,
  lateDays: integer,
  extensionsAgreedDays: integer,
  extensionsImposedDays: integer,
  timesRedated: integer,
  redatings: list(
    object({
      amendment: text,
      by: text,
      onBehalfOf: textOrNull,
      recordedtime: instant,
      from: day,
      to: day,
      days: integer,
      consulted: list(text),
      rationale: text,
      agreedAt: maybe(instant),
      refusedAt: maybe(instant),
    }),
  ),
  forecasts: list(
    object({
      event: eventName,
      by: text,
      onBehalfOf: textOrNull,
      recordedtime: instant,
      from: day,
      to: day,
      delay: textOrNull,
    }),
  ),
};
const HISTORY_EVENT = object({
  revision: text,
  position: text,
  id: text,
  source: text,
  type: text,
  version: integer,
  time: instant,
  recordedtime: instant,
  reporter: text,
  onBehalfOf: textOrNull,
  data: { type: 'object' },
  effective: flag,
  corrects: maybe(eventName),
  correctedBy: maybe(eventName),
  flags: list(text),
});

const query = (name: string, description: string, schema: JsonSchema): ApiParameter => ({
  name,
  in: 'query',
  description,
  schema,
});
const AS_OF = query('asOf', 'Only what was recorded by then: an instant or a position. Left out: now.', text);
const ON = query(
  'on',
  'The day asked about: only what happened by then, and days counted to it. Left out: the day of asOf.',
  day,
);
const AFTER = query('after', 'Waits until the read model has got to this position; 504 after 5 seconds.', text);
const LIMIT = query('limit', 'Entries a page.', { type: 'integer', minimum: 1, maximum: 500, default: 50 });
const CURSOR = query('cursor', 'The `next` of the page before.', text);
const PAST = [AS_OF, ON, AFTER];

const answer = (description: string, schema: JsonSchema) => ({
  '200': { description, headers: { 'Waybook-Position': POSITION_HEADER }, content: { [JSON_TYPE]: { schema } } },
});
const ASKING = ['invalid-query', 'as-of-in-future', 'position-not-reached', 'too-many-requests'] as const;
const OF_CONTRACT = [...ASKING, 'unknown-contract', 'stream-truncated', 'chain-broken', 'store-unavailable'] as const;

const one = (operationId: string, summary: string, description: string, schema: JsonSchema): ApiOperation => ({
  operationId,
  tag: 'Reading',
  summary,
  description,
  parameters: [CONTRACT_PARAMETER, ...PAST],
  responses: answer(summary, schema),
  problems: OF_CONTRACT,
});

export const readingPaths: ApiPaths = {
  '/contracts': {
    get: {
      operationId: 'listContracts',
      tag: 'Reading',
      summary: 'Where the contracts stand',
      description:
        'Slip and lateness are the largest over the milestones of a contract. `on` may be today or a day to come; past days and `asOf` are answered for one contract at a time.',
      parameters: [
        query('status', 'Only contracts of this status.', { type: 'string', enum: [...STATUSES] }),
        query('party', 'Only contracts that this party is or was on.', text),
        query('programme', 'Only contracts of this programme.', text),
        query('q', 'Looked for in id, title, reference and programme.', text),
        query('sort', 'A field, or that with `-` before it.', {
          type: 'string',
          enum: SORT_FIELDS.flatMap((field) => [field, `-${field}`]),
        }),
        LIMIT,
        CURSOR,
        ON,
        AFTER,
      ],
      responses: answer(
        'A page of contracts; `Link` has the next one.',
        object({ ...SHOWN, contracts: list(object(SUMMARY)), next: textOrNull }),
      ),
      problems: ASKING,
    },
  },
  '/contracts/{id}': {
    get: one(
      'getContract',
      'One contract',
      'Its lines, parties, terms, and what is surprising about its record.',
      object({ ...SHOWN, ...CONTRACT }),
    ),
  },
  '/contracts/{id}/schedule': {
    get: one(
      'getSchedule',
      'The dates of its milestones',
      'First promise, agreed, imposed, forecast and actual dates, and who moved them.',
      object({ ...SHOWN, milestones: list(object(MILESTONE)) }),
    ),
  },
  '/contracts/{id}/history': {
    get: {
      ...one(
        'getHistory',
        'Its audit trail',
        'Every event as it was sent, in recorded order or in order of `time`.',
        object({ ...SHOWN, events: list(HISTORY_EVENT), checkpoint: { type: 'null' }, next: textOrNull }),
      ),
      parameters: [
        CONTRACT_PARAMETER,
        query('type', 'Only events of this type.', text),
        query('reporter', 'Only events that this party sent.', text),
        query('from', 'From this day on, by the time that the order goes by.', day),
        query('to', 'Up to and with this day.', day),
        query('order', 'By when it was recorded, or by when it happened.', {
          type: 'string',
          enum: ['recorded', 'time'],
          default: 'recorded',
        }),
        LIMIT,
        CURSOR,
        ...PAST,
      ],
      responses: {
        '200': {
          description: 'A page of events; as NDJSON the whole history, an event a line, last `{"checkpoint": null}`.',
          headers: { 'Waybook-Position': POSITION_HEADER },
          content: {
            [JSON_TYPE]: {
              schema: object({ ...SHOWN, events: list(HISTORY_EVENT), checkpoint: { type: 'null' }, next: textOrNull }),
            },
            [NDJSON]: { schema: HISTORY_EVENT },
          },
        },
      },
      problems: [...OF_CONTRACT, 'not-acceptable'],
    },
  },
};
