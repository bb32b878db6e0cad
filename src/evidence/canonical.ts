import { EvidenceError } from './errors.js';

/** Deeper values have no canonical form here. It also ends the walk over a value that contains itself. */
export const MAX_DEPTH = 100;

/**
 * The canonical JSON of a value (RFC 8785): members sorted by the UTF-16 code units of their names, no white space,
 * numbers and strings as ECMAScript writes them. It is written here, and not by the `canonicalize` package that the
 * spec compares it with, because it takes a third of the time and refuses what the package silently changes: a member
 * that is undefined, an object that brings its own `toJSON`, a Map.
 *
 * @throws EvidenceError `not-canonical` for anything but null, booleans, finite numbers, well-formed strings, arrays
 * without holes and objects of these; also past {@link MAX_DEPTH}
 */
export function canonicalJson(value: unknown): string {
  return write(value, 0);
}

/**
 * Whether `text` is the canonical JSON of `value`, where `value` is what `JSON.parse(text)` gave. It is not for repeated
 * names, white space, or another order or spelling.
 */
export function isCanonical(text: string, value: unknown): boolean {
  try {
    return canonicalJson(value) === text;
  } catch (error) {
    if (error instanceof EvidenceError) return false;
    throw error;
  }
}

/** A JSON string literal as RFC 8785 section 3.2.2.2 writes it. @throws EvidenceError `not-canonical` */
export function canonicalString(value: string): string {
  // The types say string; what comes from a store or a caller's cast need not be, and a regular expression would coerce it.
  if (typeof value !== 'string') throw notCanonical(`a string is needed, not ${describe(value)}`);
  if (PLAIN_ASCII.test(value)) return `"${value}"`;
  if (LONE_SURROGATE.test(value)) throw notCanonical('a string holds a lone surrogate');
  return JSON.stringify(value);
}

/** Printable ASCII without the quote and the backslash: text that JSON writes as it is. */
const PLAIN_ASCII = /^[ !#-[\]-~]*$/;
/** With the `u` flag a pair is one character, so that only a surrogate without its other half has this category. */
const LONE_SURROGATE = /\p{Surrogate}/u;

function write(value: unknown, depth: number): string {
  if (typeof value === 'string') return canonicalString(value);
  if (typeof value === 'number' && Number.isFinite(value)) return `${value}`;
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  if (value === null) return 'null';
  if (typeof value !== 'object') throw notCanonical(`${describe(value)} has no JSON form`);
  if (depth === MAX_DEPTH) throw notCanonical(`nested deeper than ${MAX_DEPTH}`);
  return Array.isArray(value) ? writeArray(value, depth) : writeObject(value as Record<string, unknown>, depth);
}

function writeArray(array: readonly unknown[], depth: number): string {
  if (array.length === 0) return '[]';
  let text = `[${write(array[0], depth + 1)}`;
  for (let i = 1; i < array.length; i++) text += `,${write(array[i], depth + 1)}`;
  return `${text}]`;
}

function writeObject(object: Readonly<Record<string, unknown>>, depth: number): string {
  if (!isPlain(object)) throw notCanonical(`an object of ${Object.prototype.toString.call(object)} has no JSON form`);
  const names = Object.keys(object);
  if (names.length === 0) return '{}';
  sort(names);
  let text = '{';
  let separator = '';
  for (const name of names) {
    text += `${separator}${canonicalString(name)}:${write(object[name], depth + 1)}`;
    separator = ',';
  }
  return `${text}}`;
}

/** Objects of a class count as plain; boxed values, Maps, Dates, byte arrays and whatever brings a `toJSON` do not. */
function isPlain(object: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(object);
  if (
    prototype !== Object.prototype &&
    prototype !== null &&
    Object.prototype.toString.call(object) !== '[object Object]'
  )
    return false;
  return typeof (object as { readonly toJSON?: unknown }).toJSON !== 'function';
}

/** More names than this are sorted by the engine: from here on its setting up costs less than moving names one by one. */
const FEW_NAMES = 24;

/** Sorts names by UTF-16 code units, which is the order of RFC 8785 section 3.2.3; both `<` and `sort` compare so. */
function sort(names: string[]): void {
  if (names.length > FEW_NAMES) {
    names.sort();
    return;
  }
  for (let i = 1; i < names.length; i++) {
    const name = names[i]!;
    let at = i;
    for (; at > 0 && names[at - 1]! > name; at--) names[at] = names[at - 1]!;
    names[at] = name;
  }
}

const notCanonical = (why: string): EvidenceError => new EvidenceError('not-canonical', why);

const describe = (value: unknown): string =>
  typeof value === 'number' ? `${value}` : `a value of type ${typeof value}`;
