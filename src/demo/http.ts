/** Talking to a running ledger over its public HTTP interface, and reading what it answers without trusting its shape. */

/**
 * - `unreachable`: nobody answered, or the answer broke off
 * - `refused`: the ledger answered with a problem
 * - `unexpected-answer`: what it answered is not of the shape that is documented
 * - `clock-not-stepped`: the ledger's clock moves by itself, so years cannot be told to it
 * - `not-recorded`: an event was neither recorded nor known already
 * - `other-ledger`: the ledger's clock is past what it has never heard of
 */
export type DemoErrorCode =
  'unreachable' | 'refused' | 'unexpected-answer' | 'clock-not-stepped' | 'not-recorded' | 'other-ledger';

export class DemoError extends Error {
  override readonly name = 'DemoError';
  readonly code: DemoErrorCode;
  /** The problem's code as the ledger gave it (RFC 9457 with `code`). */
  readonly problem: string | undefined;

  constructor(code: DemoErrorCode, message: string, options: { problem?: string | undefined; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.problem = options.problem;
  }
}

export interface Answer {
  readonly status: number;
  /** Parsed JSON; `undefined` where there is none. */
  readonly body: unknown;
}

export interface Ask {
  readonly method?: 'GET' | 'POST';
  readonly contentType?: string;
  readonly body?: unknown;
}

/**
 * One request. An answer of any status is an answer.
 * @param path below the ledger's address, beginning with `/`
 * @throws DemoError `unreachable`, `unexpected-answer` (a body that is no JSON)
 */
export async function ask(
  baseUrl: string,
  path: string,
  { method = 'GET', contentType, body }: Ask = {},
): Promise<Answer> {
  const url = new URL(path, baseUrl);
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, {
      method,
      headers: { accept: 'application/json', ...(contentType === undefined ? {} : { 'content-type': contentType }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    text = await response.text();
  } catch (cause) {
    throw new DemoError('unreachable', `${method} ${url.href}: the ledger does not answer`, { cause });
  }
  if (text === '') return { status: response.status, body: undefined };
  try {
    return { status: response.status, body: JSON.parse(text) as unknown };
  } catch (cause) {
    throw new DemoError('unexpected-answer', `${method} ${url.href}: the answer is no JSON`, { cause });
  }
}

export type Json = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Member `name` of an object if it is text, else `undefined`. */
export function textOf(object: unknown, name: string): string | undefined {
  const value = isObject(object) ? object[name] : undefined;
  return typeof value === 'string' ? value : undefined;
}

/** Member `name` of an object if it is a number, else `undefined`. */
export function numberOf(object: unknown, name: string): number | undefined {
  const value = isObject(object) ? object[name] : undefined;
  return typeof value === 'number' ? value : undefined;
}

/** Member `name` of an object as a quantity is written (a whole number or a decimal string); `?` where it is none. */
export const quantityOf = (object: unknown, name: string): string =>
  String(numberOf(object, name) ?? textOf(object, name) ?? '?');

/** Member `name` of an object as a list; an empty one where it is none. */
export function listOf(object: unknown, name: string): readonly unknown[] {
  const value = isObject(object) ? object[name] : undefined;
  return Array.isArray(value) ? value : [];
}

/** What a problem says: its code, its detail and the places it names. */
export function problemText(problem: unknown): string {
  const places = listOf(problem, 'errors').map((place) => `${textOf(place, 'pointer')} ${textOf(place, 'detail')}`);
  const said = [textOf(problem, 'code'), textOf(problem, 'detail') ?? textOf(problem, 'title'), ...places];
  return said.filter((part) => part !== undefined && part !== '').join('; ') || 'without a reason';
}

// Asking for answers

export interface AnswerOptions {
  /** Position that the read models must have got to; the `position` of feeding. */
  readonly after?: string | undefined;
}

/** How often a read model that has not got there in time is asked again. */
const PATIENCE = 12;

const withParameter = (path: string, name: string, value: string | undefined): string =>
  value === undefined ? path : `${path}${path.includes('?') ? '&' : '?'}${name}=${encodeURIComponent(value)}`;

/** @throws DemoError `refused`, `unexpected-answer`, `unreachable` */
export async function get(baseUrl: string, path: string, { after }: AnswerOptions = {}): Promise<Json> {
  const asked = withParameter(path, 'after', after);
  for (let attempt = 1; ; attempt += 1) {
    const { status, body } = await ask(baseUrl, asked);
    if (status === 504 && attempt < PATIENCE) continue; // the ledger itself has waited some seconds
    if (status !== 200)
      throw new DemoError('refused', `GET ${asked}: ${problemText(body)}`, { problem: textOf(body, 'code') });
    if (!isObject(body)) throw new DemoError('unexpected-answer', `GET ${asked}: the answer is no object`);
    return body;
  }
}
