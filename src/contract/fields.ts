/**
 * The kinds of field a payload may have. Each is one class-validator decorator whose check is a named function, so that
 * `schema.ts` can compile the same rule for the fast path and the OpenAPI document can describe it.
 */
import 'reflect-metadata';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsBoolean,
  IsIn,
  ValidateBy,
  ValidateIf,
  ValidateNested,
  type ValidationArguments,
} from 'class-validator';
import { Type } from 'class-transformer';
import { isCalendarDate, isInstant } from './calendar.js';
import { currencyExponent, isQuantityText } from './money.js';

/** How many entries a list field may have where nothing smaller is said. */
export const MAX_LIST = 1_000;
/** Serial numbers in one event: small parts come by the thousand. */
export const MAX_SERIALS = 10_000;
export const MAX_TEXT = 4_000;
export const MAX_NAME = 200;
/** Largest number that I-JSON (RFC 7493, section 2.2) lets pass without loss. */
export const MAX_INTEGER = Number.MAX_SAFE_INTEGER;

const ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
const REFERENCE = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}(?:\/[A-Za-z0-9][A-Za-z0-9._-]{0,127})?$/;
/** 1 to 512 printable ASCII characters without space: an event's `id` and `source`. */
const TOKEN = /^[\x21-\x7e]{1,512}$/;
const DECIMAL = /^-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,12})?$/;
const PERCENT = /^(?:100(?:\.0{1,6})?|[1-9]?[0-9](?:\.[0-9]{1,6})?)$/;
const UNIT = /^[A-Z0-9]{2,3}$/;
const COUNTRY = /^[A-Z]{2}$/;
/** `type/subtype` as RFC 6838, section 4.2, restricts the names, with parameters of RFC 9110, section 5.6.6, unchecked. */
const MEDIA_TYPE =
  /^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}\/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}(?:;[\x20-\x7e]{1,200})?$/;
/** 32 bytes, as 64 hexadecimal digits or as unpadded base64url (RFC 4648, section 5). */
const SHA256 = /^(?:[0-9a-f]{64}|[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048])$/;
/** An absolute URI (RFC 3986, section 4.3) of printable ASCII characters. */
const URI = /^[A-Za-z][A-Za-z0-9+.-]{0,31}:[\x21-\x7e]{1,2000}$/;

const wholeNumber = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;

/** Party ids that stand for no party of a contract. */
export const RESERVED_PARTIES: ReadonlySet<string> = new Set(['ledger', 'operator']);

/** What is allowed in a kind of field: the check, the JSON Schema that accepts no more than it, and the words for it. */
export interface FieldKind {
  readonly check: (value: unknown) => boolean;
  readonly schema: Readonly<Record<string, unknown>>;
  readonly message: string;
}

/** Whether a text has at most so many characters, as Unicode and JSON Schema count them: a pair of surrogates is one. */
export function hasAtMost(value: string, max: number): boolean {
  if (value.length <= max) return true;
  if (value.length > 2 * max) return false;
  let count = 0;
  for (const _character of value) if (++count > max) return false;
  return true;
}

const text = (max: number): FieldKind => ({
  check: (value) =>
    typeof value === 'string' &&
    value.length > 0 &&
    hasAtMost(value, max) &&
    !value.includes('\0') &&
    value.isWellFormed(),
  schema: { type: 'string', minLength: 1, maxLength: max, waybook: `text${max}` },
  message: `must be text of 1 to ${max} characters without NUL`,
});
const pattern = (expression: RegExp, message: string): FieldKind => ({
  check: (value) => typeof value === 'string' && expression.test(value),
  schema: { type: 'string', pattern: expression.source },
  message,
});

/** All kinds by the name that class-validator and JSON Schema know them by. */
export const FIELD_KINDS = {
  id: pattern(ID, 'must be an id: 1 to 128 of A-Z a-z 0-9 . _ - beginning with a letter or digit'),
  reference: pattern(REFERENCE, 'must be an id, or PARTY/ID where another party opened it'),
  token: pattern(TOKEN, 'must be 1 to 512 printable ASCII characters without space'),
  text: text(MAX_TEXT),
  name: text(MAX_NAME),
  date: {
    check: isCalendarDate,
    schema: { type: 'string', waybook: 'date', example: '2026-01-16' },
    message: 'must be a date that exists, as YYYY-MM-DD',
  },
  instant: {
    check: isInstant,
    schema: { type: 'string', waybook: 'instant', example: '2026-01-16T09:30:00Z' },
    message: 'must be an instant that exists in UTC, as YYYY-MM-DDThh:mm:ss[.fraction]Z',
  },
  currency: {
    check: (value) => typeof value === 'string' && currencyExponent(value) !== undefined,
    schema: { type: 'string', waybook: 'currency', example: 'USD' },
    message: 'must be the code of an ISO 4217 currency',
  },
  quantity: {
    check: (value) => (typeof value === 'string' ? isQuantityText(value) : wholeNumber(value)),
    schema: {
      anyOf: [
        { type: 'integer', minimum: 0, maximum: MAX_INTEGER },
        { type: 'string', waybook: 'quantity', example: '2.5' },
      ],
    },
    message: 'must be a whole number from 0, or a decimal string of at most 6 decimals',
  },
  decimal: {
    check: (value) => (typeof value === 'string' ? DECIMAL.test(value) : Number.isSafeInteger(value)),
    schema: {
      anyOf: [
        { type: 'integer', minimum: -MAX_INTEGER, maximum: MAX_INTEGER },
        { type: 'string', pattern: DECIMAL.source },
      ],
    },
    message: 'must be a whole number or a decimal string',
  },
  percent: {
    check: (value) => (typeof value === 'string' ? PERCENT.test(value) : wholeNumber(value) && value <= 100),
    schema: {
      anyOf: [
        { type: 'integer', minimum: 0, maximum: 100 },
        { type: 'string', pattern: PERCENT.source },
      ],
    },
    message: 'must be a whole number from 0 to 100, or a decimal string in that range',
  },
  count: {
    check: wholeNumber,
    schema: { type: 'integer', minimum: 0, maximum: MAX_INTEGER },
    message: 'must be a whole number from 0',
  },
  days: {
    check: (value) => wholeNumber(value) && value >= 1 && value <= 3_650,
    schema: { type: 'integer', minimum: 1, maximum: 3_650 },
    message: 'must be whole days, 1 to 3650',
  },
  span: {
    check: (value) => wholeNumber(value) && value <= 100_000,
    schema: { type: 'integer', minimum: 0, maximum: 100_000 },
    message: 'must be whole days, 0 to 100000',
  },
  unit: pattern(UNIT, 'must be a UNECE Recommendation 20 unit code such as EA, KGM or MTR'),
  country: pattern(COUNTRY, 'must be an ISO 3166-1 alpha-2 country code'),
  mediaType: pattern(MEDIA_TYPE, 'must be a media type such as application/pdf'),
  sha256: pattern(SHA256, 'must be a SHA-256: 64 hexadecimal digits in lower case, or 43 characters of base64url'),
  uri: pattern(URI, 'must be an absolute URI such as https://example.org/report.pdf'),
} as const satisfies Record<string, FieldKind>;

export type FieldKindName = keyof typeof FIELD_KINDS;

function field(kind: FieldKindName, each = false): PropertyDecorator {
  const { check, message } = FIELD_KINDS[kind];
  return ValidateBy(
    { name: kind, validator: { validate: check, defaultMessage: () => message } },
    each ? { each } : {},
  );
}

export const IsId = () => field('id');
/** An id of the acting party's own, or `PARTY/ID` of another's. */
export const IsReference = () => field('reference');
export const IsToken = () => field('token');
export const IsText = () => field('text');
export const IsName = () => field('name');
export const IsDay = () => field('date');
export const IsInstant = () => field('instant');
export const IsQuantity = () => field('quantity');
export const IsDecimal = () => field('decimal');
export const IsPercent = () => field('percent');
export const IsCount = () => field('count');
export const IsDays = () => field('days');
/** How many days something took, or is to take. */
export const IsSpan = () => field('span');
export const IsUnit = () => field('unit');
export const IsCountry = () => field('country');
export const IsMediaType = () => field('mediaType');
export const IsSha256 = () => field('sha256');
export const IsUri = () => field('uri');
export const IsFlag = () => IsBoolean({ message: 'must be true or false' });
export const IsOneOf = (values: readonly (string | boolean)[]) =>
  IsIn(values, { message: `must be one of ${values.join(', ')}` });

/** Says that a field may be left out. `null` is not left out: it is refused like any other wrong value. */
export const Optional = () => ValidateIf(isPresent);
export const isPresent = (_object: unknown, value: unknown): boolean => value !== undefined;

function decorate(...decorators: readonly PropertyDecorator[]): PropertyDecorator {
  return (target, key) => {
    for (const decorator of decorators) decorator(target, key);
  };
}

/** A list of one kind of plain value. */
export const ListOf = (kind: FieldKindName, { min = 0, max = MAX_LIST } = {}): PropertyDecorator =>
  decorate(...listBounds(min, max), field(kind, true));

/** A list of objects of one payload part. */
export const ListOfParts = (part: () => new () => object, { min = 0, max = MAX_LIST } = {}): PropertyDecorator =>
  decorate(...listBounds(min, max), ValidateNested({ each: true, message: 'must be a list of objects' }), Type(part));

/** One object of a payload part. */
export const Part = (part: () => new () => object): PropertyDecorator =>
  decorate(ValidateNested({ message: 'must be an object' }), Type(part));

const listBounds = (min: number, max: number): PropertyDecorator[] => [
  IsArray({ message: 'must be a list' }),
  ArrayMinSize(min, { message: `must have at least ${min} ${min === 1 ? 'entry' : 'entries'}` }),
  ArrayMaxSize(max, { message: `must have at most ${max} entries` }),
];

/** `data` that is checked elsewhere (a replacement by its own type's class); here only that it is an object. */
export const IsAnyObject = () =>
  ValidateBy({ name: 'object', validator: { validate: isPlainObject, defaultMessage: () => 'must be an object' } });

export const isPlainObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const AMOUNT = /^(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,4})?$/;

/** Whether `amount` is a decimal with no more decimals than ISO 4217 gives its currency. */
export function isMoneyAmount(amount: unknown, currency: unknown): boolean {
  if (typeof amount !== 'string' || !AMOUNT.test(amount)) return false;
  const exponent = typeof currency === 'string' ? currencyExponent(currency) : undefined;
  if (exponent === undefined) return true; // the currency is what is wrong, and is said to be
  const point = amount.indexOf('.');
  return point === -1 || amount.length - point - 1 <= exponent;
}

const currencyOf = (args: ValidationArguments | undefined): unknown =>
  args === undefined ? undefined : (args.object as { currency?: unknown }).currency;

/** An amount of money. Decimal string, never a number; no more decimals than the currency has (ISO 4217). */
export class Money {
  @ValidateBy({
    name: 'moneyAmount',
    validator: {
      validate: (value: unknown, args) => isMoneyAmount(value, currencyOf(args)),
      defaultMessage: (args) => {
        const exponent = currencyExponent(String(currencyOf(args)));
        const decimals = exponent === undefined ? '' : ` with at most ${exponent} decimals`;
        return `must be a decimal string such as "1250"${decimals}, not negative, of at most 18 digits before the point`;
      },
    },
  })
  readonly amount!: string;

  @field('currency')
  readonly currency!: string;
}

/** Names an event of the same contract. */
export class EventReference {
  @IsToken() readonly id!: string;
  /** Left out: the source of the event that names it. */
  @Optional() @IsToken() readonly source?: string;
}
