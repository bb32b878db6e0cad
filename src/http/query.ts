/** Query parameters: each is read by a function that says what is wrong with it, and one nobody asked for is refused. */
import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import type { Clock } from '../clock.js';
import { compareInstants, isCalendarDate, isInstant } from '../contract/calendar.js';
import { hasAtMost, isPlainObject } from '../contract/fields.js';
import type { HealthSource } from './ports.js';
import { Problem } from './problem.js';

/** The parameters of one request, each given once. */
export type Query = ReadonlyMap<string, string>;

const wrong = (name: string, detail: string): Problem =>
  new Problem('invalid-query', `the query parameter ${name} ${detail}`, [{ pointer: `?${name}`, detail }]);

/**
 * The parameters of a request.
 * @param known all that are understood at this address
 * @throws Problem `invalid-query` naming every parameter that is not known, or is given twice
 */
export function readQuery(request: Pick<FastifyRequest, 'query'>, known: readonly string[]): Query {
  const query = new Map<string, string>();
  const errors: { pointer: string; detail: string }[] = [];
  for (const [name, value] of Object.entries(request.query as Readonly<Record<string, unknown>>)) {
    const pointer = `?${name.slice(0, 100)}`;
    if (!known.includes(name))
      errors.push({
        pointer,
        detail: known.length === 0 ? 'is not known; none is' : `is not known; there are ${known.join(', ')}`,
      });
    else if (typeof value !== 'string') errors.push({ pointer, detail: 'is given more than once' });
    else query.set(name, value);
  }
  if (errors.length > 0)
    throw new Problem('invalid-query', errors.map(({ pointer, detail }) => `${pointer} ${detail}`).join('; '), errors);
  return query;
}

const DECIMAL = /^(?:0|[1-9][0-9]{0,18})$/;
/** Positions are unsigned 64-bit numbers in the stores. */
const MAX_POSITION = 2n ** 63n - 1n;

/** A position; `undefined` where it is left out. @throws Problem `invalid-query` */
export function positionParameter(query: Query, name: string): bigint | undefined {
  const text = query.get(name);
  if (text === undefined) return undefined;
  const position = DECIMAL.test(text) ? BigInt(text) : undefined;
  if (position === undefined || position > MAX_POSITION) throw wrong(name, 'must be a position: a whole number from 0');
  return position;
}

/** Where to go on from: a position that there is; `undefined` where it is left out. @throws Problem `invalid-query` */
export function reachedParameter(query: Query, name: string, head: bigint | undefined): bigint | undefined {
  const position = positionParameter(query, name);
  // Whoever is ahead of the ledger has followed another one, and would wait for ever without hearing of it.
  if (position !== undefined && position > (head ?? 0n))
    throw wrong(name, `must not lie ahead: the ledger is at position ${head ?? 0n}`);
  return position;
}

/** `true` or `false`, left out means false. @throws Problem `invalid-query` */
export function flagParameter(query: Query, name: string): boolean {
  const text = query.get(name);
  if (text !== undefined && text !== 'true' && text !== 'false') throw wrong(name, 'must be true or false');
  return text === 'true';
}

/** A day, YYYY-MM-DD; one to come is allowed. @throws Problem `invalid-query` */
export function dayParameter(query: Query, name: string): string | undefined {
  const text = query.get(name);
  if (text !== undefined && !isCalendarDate(text)) throw wrong(name, 'must be a date that exists, as YYYY-MM-DD');
  return text;
}

/** An instant, RFC 3339 in UTC. @throws Problem `invalid-query` */
export function instantParameter(query: Query, name: string): string | undefined {
  const text = query.get(name);
  if (text !== undefined && !isInstant(text)) throw wrong(name, 'must be an instant in UTC, as 2026-01-16T09:30:00Z');
  return text;
}

/** One of several values. @throws Problem `invalid-query` */
export function choiceParameter<T extends string>(query: Query, name: string, choices: readonly T[]): T | undefined {
  const text = query.get(name);
  if (text === undefined) return undefined;
  const choice = choices.find((one) => one === text);
  if (choice === undefined) throw wrong(name, `must be one of ${choices.join(', ')}`);
  return choice;
}

/** Text to look for. @throws Problem `invalid-query` where it is empty, long, or holds NUL */
export function textParameter(query: Query, name: string, maxLength = 200): string | undefined {
  const text = query.get(name);
  if (text === undefined) return undefined;
  if (text === '' || !hasAtMost(text, maxLength) || text.includes('\0') || !text.isWellFormed())
    throw wrong(name, `must be text of 1 to ${maxLength} characters without NUL`);
  return text;
}

/** How many entries a page may have: 1 to `max`. @throws Problem `invalid-query` */
export function limitParameter(query: Query, { max, usual }: { readonly max: number; readonly usual: number }): number {
  const text = query.get('limit');
  if (text === undefined) return usual;
  const limit = DECIMAL.test(text) ? Number(text) : 0;
  if (limit < 1 || limit > max) throw wrong('limit', `must be a whole number from 1 to ${max}`);
  return limit;
}

/** How a list is sorted: `FIELD`, or `-FIELD` for the other way round. */
export interface Sort<F extends string> {
  readonly field: F;
  readonly descending: boolean;
}

/** @throws Problem `invalid-query` */
export function sortParameter<F extends string>(query: Query, fields: readonly F[], usual: Sort<F>): Sort<F> {
  const text = query.get('sort');
  if (text === undefined) return usual;
  const descending = text.startsWith('-');
  const field = fields.find((one) => one === (descending ? text.slice(1) : text));
  if (field === undefined) throw wrong('sort', `must be one of ${fields.join(', ')}, or that with - before it`);
  return { field, descending };
}

/** What is asked about: all that was recorded up to an instant, or up to a position, inclusive. */
export type AsOf =
  { readonly kind: 'instant'; readonly instant: string } | { readonly kind: 'position'; readonly position: bigint };

/**
 * `asOf`: an instant or a position; `undefined` where it is left out, which means now.
 * @throws Problem `invalid-query`; `as-of-in-future` for what has not been recorded yet
 */
export async function asOfParameter(
  query: Query,
  { clock, health }: { readonly clock: Clock; readonly health: HealthSource },
): Promise<AsOf | undefined> {
  const text = query.get('asOf');
  if (text === undefined) return undefined;
  const tooLate = (last: string): Problem => {
    const detail = `must not lie ahead: the ledger is at ${last}`;
    return new Problem('as-of-in-future', `the query parameter asOf ${detail}`, [{ pointer: '?asOf', detail }]);
  };
  if (DECIMAL.test(text)) {
    const position = positionParameter(query, 'asOf')!;
    const head = (await health.head()) ?? 0n;
    if (position > head) throw tooLate(`position ${head}`);
    return { kind: 'position', position };
  }
  if (!isInstant(text))
    throw wrong('asOf', 'must be an instant in UTC, as 2026-01-16T09:30:00Z, or a position, a whole number');
  const now = new Date(clock.now()).toISOString();
  if (compareInstants(text, now) > 0) throw tooLate(now);
  return { kind: 'instant', instant: text };
}

/** Longest cursor there can be, in characters. */
const MAX_CURSOR = 2_048;

/** Where the next page begins, as text that callers hand back and need not understand (base64url of JSON). */
export const cursorText = (
  query: Query,
  about: string,
  place: Readonly<Record<string, string | number | boolean | null>>,
): string => Buffer.from(JSON.stringify({ ...place, of: questionOf(query, about) }), 'utf8').toString('base64url');

/** Which question a cursor belongs to: what it is about, and all parameters but those that differ from page to page. */
function questionOf(query: Query, about: string): string {
  const asked = [...query]
    .filter(([name]) => name !== 'cursor' && name !== 'limit' && name !== 'after')
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256')
    .update(JSON.stringify([about, asked]))
    .digest('base64url')
    .slice(0, 12);
}

/**
 * The place that a cursor holds, `undefined` where there is none. Cursors come from outside, whoever made them first:
 * `isPlace` must check every member before it reaches a query.
 *
 * @throws Problem `invalid-query`
 */
export function cursorParameter<T>(
  query: Query,
  about: string,
  isPlace: (value: Readonly<Record<string, unknown>>) => T | undefined,
): T | undefined {
  const text = query.get('cursor');
  if (text === undefined) return undefined;
  const place = text.length <= MAX_CURSOR && /^[A-Za-z0-9_-]+$/.test(text) ? decoded(text) : undefined;
  const known = place === undefined || place['of'] !== questionOf(query, about) ? undefined : isPlace(place);
  if (known === undefined) throw wrong('cursor', 'must be the cursor of an answer to the same question');
  return known;
}

function decoded(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
    return isPlainObject(value) ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
