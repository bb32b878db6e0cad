/** What the paths of the reading controllers are described with. */
import { CONTRACT_PARAMETER, POSITION_HEADER, type ApiOperation, type ApiParameter } from '../api.js';
import type { JsonSchema } from '../../contract/validation.js';
import { CSV } from '../csv.js';
import { JSON_TYPE } from '../media-types.js';

export const text: JsonSchema = { type: 'string' };
export const maybe = (schema: JsonSchema): JsonSchema => ({ anyOf: [schema, { type: 'null' }] });
export const textOrNull = maybe(text);
export const day: JsonSchema = { type: 'string', format: 'date' };
export const instant: JsonSchema = { type: 'string', format: 'date-time' };
export const integer: JsonSchema = { type: 'integer' };
export const flag: JsonSchema = { type: 'boolean' };
export const money: JsonSchema = object({ amount: text, currency: text });
export const quantity: JsonSchema = { anyOf: [integer, { type: 'string', description: 'a decimal' }] };
export const eventName: JsonSchema = object({ id: text, source: text });

export function object(properties: Readonly<Record<string, JsonSchema>>): JsonSchema {
  return { type: 'object', properties, required: Object.keys(properties) };
}
export const list = (items: JsonSchema): JsonSchema => ({ type: 'array', items });

export const SHOWN = { asOf: text, on: day, position: text };

export const query = (name: string, description: string, schema: JsonSchema): ApiParameter => ({
  name,
  in: 'query',
  description,
  schema,
});
export const AS_OF = query('asOf', 'Only what was recorded by then: an instant or a position. Left out: now.', text);
export const ON = query(
  'on',
  'The day asked about: only what happened by then, and days counted to it. Left out: the day of asOf.',
  day,
);
export const AFTER = query('after', 'Waits until the read model has got to this position; 504 after 5 seconds.', text);
export const LIMIT = query('limit', 'Entries a page.', { type: 'integer', minimum: 1, maximum: 500, default: 50 });
export const CURSOR = query('cursor', 'The `next` of the page before.', text);
export const PAST = [AS_OF, ON, AFTER];

export const answer = (description: string, schema: JsonSchema) => ({
  '200': { description, headers: { 'Waybook-Position': POSITION_HEADER }, content: { [JSON_TYPE]: { schema } } },
});
/** As JSON, or as CSV for `Accept: text/csv`. */
export const tabular = (description: string, schema: JsonSchema) => ({
  '200': {
    description: `${description} CSV (RFC 4180) has a column a field, named by its path; text that a spreadsheet would take for a formula has an apostrophe before it.`,
    headers: { 'Waybook-Position': POSITION_HEADER },
    content: { [JSON_TYPE]: { schema }, [CSV]: { schema: text } },
  },
});

export const ASKING = [
  'invalid-query',
  'projection-building',
  'read-model-unavailable',
  'not-acceptable',
  'as-of-in-future',
  'position-not-reached',
  'too-many-requests',
] as const;
export const OF_CONTRACT = [
  ...ASKING,
  'unknown-contract',
  'stream-truncated',
  'chain-broken',
  'store-unavailable',
] as const;

export const one = (operationId: string, summary: string, description: string, schema: JsonSchema): ApiOperation => ({
  operationId,
  tag: 'Reading',
  summary,
  description,
  parameters: [CONTRACT_PARAMETER, ...PAST],
  responses: answer(summary, schema),
  problems: OF_CONTRACT,
});
