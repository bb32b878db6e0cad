/**
 * I-JSON (RFC 7493): JSON that means one thing only. `JSON.parse` alone keeps the last of two members of one name,
 * rounds numbers, and lets half a character through; two readers of the same text could then disagree about what a
 * reporter said.
 */
import { isUtf8 } from 'node:buffer';
import { printParseErrorCode, visit, type JSONPath } from 'jsonc-parser';
import { pointerToken, type FieldProblem } from '../contract/validation.js';

/** Deeper than any event goes, its place in a batch included. Recursion further on never sees more. */
export const MAX_JSON_DEPTH = 32;
/** More objects and lists than the largest body of real events holds. Each takes many times its text in memory. */
const MAX_CONTAINERS = 500_000;
/** From here on a text is looked through before it is parsed: smaller ones cannot hurt. */
const LARGE_TEXT = 64 * 1024;
/** What is wrong is named this many times at most. */
const MAX_PROBLEMS = 20;

export type ParsedJson =
  | { readonly ok: true; readonly value: unknown }
  /** `pointer` is a JSON Pointer (RFC 6901) into the text as far as it could be read. */
  | { readonly ok: false; readonly problems: readonly FieldProblem[] };

/**
 * Parses UTF-8 bytes as I-JSON. Refused: what is no UTF-8 or no JSON (RFC 8259; a byte order mark too), a name that
 * stands twice in an object, a lone surrogate (escaped or in a name too), any number that is not written as an integer
 * within ±(2^53 - 1), `-0`, and nesting past {@link MAX_JSON_DEPTH}.
 */
export function parseIJson(bytes: Buffer): ParsedJson {
  return isUtf8(bytes) ? parseIJsonText(bytes.toString('utf8')) : refused('', 'is not UTF-8');
}

/** As {@link parseIJson}, for text that came from well-formed UTF-8. */
export function parseIJsonText(text: string): ParsedJson {
  if (text.length > LARGE_TEXT && isOvergrown(text)) return inspect(text, undefined);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return inspect(text, undefined);
    throw error;
  }
  return isEvident(text, value) ? { ok: true, value } : inspect(text, value);
}

/**
 * The fast path: true proves that the text is I-JSON, false says nothing. Parsing has shown that it is JSON. A name that
 * stands twice is one member less in the value than there are colons outside strings in the text; numbers are looked at in
 * the text as they are written. Without a backslash there is no other spelling of a character, and no lone surrogate: the
 * text came from UTF-8.
 */
function isEvident(text: string, value: unknown): boolean {
  if (BEYOND_ASCII.test(text) && NONCHARACTER.test(text)) return false;
  if (text.includes('\\')) return isSpeltOnce(text, value);
  const members = membersIn(text);
  return members !== undefined && membersOf(value, MAX_JSON_DEPTH) === members;
}

/** Colons outside strings of a JSON text without a backslash; `undefined` where a number is no plain integer. */
function membersIn(text: string): number | undefined {
  let colons = 0;
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charCodeAt(at);
    if (character === 0x22) at = text.indexOf('"', at + 1);
    else if (character === 0x3a) colons += 1;
    else if (character === 0x2d || (character >= 0x30 && character <= 0x39)) {
      const start = at;
      while (isDigit(text.charCodeAt(at + 1))) at += 1;
      const after = text.charCodeAt(at + 1);
      // Fifteen digits are always within 2^53; `-0`, a fraction and an exponent are for the slow path to name.
      if (at - start >= 15 || after === 0x2e || after === 0x65 || after === 0x45) return undefined;
      if (character === 0x2d && text.charCodeAt(start + 1) === 0x30) return undefined;
    }
  }
  return colons;
}

const isDigit = (character: number): boolean => character >= 0x30 && character <= 0x39;

/** How many members all objects in the value have together; NaN where it is nested too deep. */
function membersOf(value: unknown, room: number): number {
  if (typeof value !== 'object' || value === null) return 0;
  if (room === 0) return Number.NaN;
  let count = 0;
  if (Array.isArray(value)) {
    for (let at = 0; at < value.length; at += 1) count += membersOf(value[at], room - 1);
    return count;
  }
  const members = value as Readonly<Record<string, unknown>>;
  for (const name in members) count += 1 + membersOf(members[name], room - 1);
  return count;
}

/**
 * The same for a text with escapes. What `JSON.stringify` writes has each name once and each number in the one shortest
 * spelling of its double, so if it gives the very text back, the text had neither a repeated name nor a number that lost
 * something. What it does not prove is looked at apart: fractions, exponents and integers past 2^53 - 1 survive the round
 * trip, and so does a lone surrogate, as the escape `\udXXX`. Clients that write as `JSON.stringify` does get through here.
 */
function isSpeltOnce(text: string, value: unknown): boolean {
  // The order matters: JSON.stringify recurses, so depth is bounded before it runs.
  return isPlain(value, MAX_JSON_DEPTH) && JSON.stringify(value) === text && !text.includes('\\ud');
}

function isPlain(value: unknown, room: number): boolean {
  if (typeof value === 'number') return Number.isSafeInteger(value);
  if (typeof value !== 'object' || value === null) return true;
  if (room === 0) return false;
  if (Array.isArray(value)) {
    for (let at = 0; at < value.length; at += 1) if (!isPlain(value[at], room - 1)) return false;
    return true;
  }
  const members = value as Readonly<Record<string, unknown>>;
  for (const name in members) if (!isPlain(members[name], room - 1)) return false;
  return true;
}

/** Whether a large text is nested too deep or has too many objects and lists, before memory is spent on them. */
function isOvergrown(text: string): boolean {
  let depth = 0;
  let containers = 0;
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charCodeAt(at);
    if (character === 0x22) {
      for (at = text.indexOf('"', at + 1); at !== -1 && isEscaped(text, at);) at = text.indexOf('"', at + 1);
      if (at === -1) return false; // the string never ends, which parsing will say
    } else if (character === 0x7b || character === 0x5b) {
      depth += 1;
      containers += 1;
      if (depth > MAX_JSON_DEPTH || containers > MAX_CONTAINERS) return true;
    } else if (character === 0x7d || character === 0x5d) depth -= 1;
  }
  return false;
}

function isEscaped(text: string, at: number): boolean {
  let backslashes = 0;
  while (text.charCodeAt(at - 1 - backslashes) === 0x5c) backslashes += 1;
  return backslashes % 2 === 1;
}

const BEYOND_ASCII = /[^\0-\x7f]/;
/** Code points that are no characters and never will be (Unicode, section 23.7). I-JSON leaves them out (section 2.1). */
const NONCHARACTER = /\p{Noncharacter_Code_Point}/u;

const INTEGER = /^(?:0|-?[1-9][0-9]{0,15})$/;

/** Ends a visit early: the text is worse than is worth reading on. */
class Enough extends Error {
  override readonly name = 'Enough';
}

/** The slow path: goes through the text token by token and says what is wrong where. `value` is what it parsed to. */
export function inspect(text: string, value: unknown): ParsedJson {
  const problems: FieldProblem[] = [];
  const names: Set<string>[] = [];
  let containers = 0;
  let depth = 0;
  const report = (pointer: string, detail: string): void => {
    problems.push({ pointer, detail });
    if (problems.length >= MAX_PROBLEMS) throw new Enough();
  };
  const enter = (path: () => JSONPath): void => {
    depth += 1;
    containers += 1;
    if (depth <= MAX_JSON_DEPTH && containers <= MAX_CONTAINERS) return;
    problems.push(
      depth > MAX_JSON_DEPTH
        ? { pointer: pointerOf(path()), detail: `is nested deeper than ${MAX_JSON_DEPTH} levels` }
        : { pointer: '', detail: `has more than ${MAX_CONTAINERS} objects and lists` },
    );
    throw new Enough();
  };
  // Where the visit is, also when called later.
  let here: () => JSONPath = () => [];
  try {
    visit(
      text,
      {
        onObjectBegin: (_offset, _length, _line, _column, path) => {
          here = path;
          enter(path);
          names.push(new Set());
        },
        onObjectEnd: () => {
          depth -= 1;
          names.pop();
        },
        onArrayBegin: (_offset, _length, _line, _column, path) => {
          here = path;
          enter(path);
        },
        onArrayEnd: () => void (depth -= 1),
        onObjectProperty: (name, _offset, _length, _line, _column, path) => {
          here = path;
          const seen = names.at(-1);
          if (!name.isWellFormed()) report(pointerOf(path()), 'has a name with a lone surrogate');
          else if (NONCHARACTER.test(name))
            report(pointerOf(path()), 'has a name with a code point that is no character');
          else if (seen?.has(name) === true) report(pointerOf([...path(), name]), 'stands twice');
          seen?.add(name);
        },
        onLiteralValue: (literal, offset, length, _line, _column, path) => {
          here = path;
          if (typeof literal === 'string' && !literal.isWellFormed())
            report(pointerOf(path()), 'holds a lone surrogate, half a character');
          else if (typeof literal === 'string' && NONCHARACTER.test(literal))
            report(pointerOf(path()), 'holds a code point that is no character, such as U+FFFE');
          if (typeof literal === 'number' && !isInteger(text, offset, length))
            report(
              pointerOf(path()),
              'must be written as a whole number within ±9007199254740991; anything else is a decimal string',
            );
        },
        onError: (error, _offset, _length, line, column) => {
          const what = printParseErrorCode(error)
            .replaceAll(/(?<!^)([A-Z])/g, ' $1')
            .toLowerCase();
          problems.push({
            pointer: pointerOf(here()),
            detail: `is not JSON: ${what} at line ${line + 1}, column ${column + 1}`,
          });
          throw new Enough();
        },
      },
      { disallowComments: true, allowTrailingComma: false, allowEmptyContent: false },
    );
  } catch (error) {
    if (!(error instanceof Enough)) throw error;
  }
  if (problems.length > 0) return { ok: false, problems };
  return value === undefined ? refused('', 'is not JSON') : { ok: true, value };
}

function isInteger(text: string, offset: number, length: number): boolean {
  const digits = text.slice(offset, offset + length);
  return INTEGER.test(digits) && Number.isSafeInteger(Number(digits));
}

const pointerOf = (path: JSONPath): string =>
  path.map((step) => `/${pointerToken(String(step)).toWellFormed()}`).join('');

const refused = (pointer: string, detail: string): ParsedJson => ({ ok: false, problems: [{ pointer, detail }] });
