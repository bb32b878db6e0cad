/**
 * Days and instants. A day is `YYYY-MM-DD` and counts as a number of days since 1970-01-01; an instant is RFC 3339 in
 * UTC and counts as its UTC day. Nothing here reads a clock.
 */
const DAY = /^(\d{4})-(\d{2})-(\d{2})$/;
const INSTANT = /^(\d{4}-\d{2}-\d{2})T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?Z$/;
export const DAY_MS = 86_400_000;

const daysInMonth = (year: number, month: number): number =>
  month === 2 ? (isLeap(year) ? 29 : 28) : month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
const isLeap = (year: number): boolean => (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;

/** Whether the value is a date of the Gregorian calendar from year 1 on, as `YYYY-MM-DD`. */
export function isCalendarDate(value: unknown): value is string {
  if (typeof value !== 'string' || value.length !== 10) return false;
  const match = DAY.exec(value);
  if (match === null) return false;
  const year = Number(match[1]);
  const month = Number(match[2]);
  const day = Number(match[3]);
  return year >= 1 && month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month);
}

/** Whether the value is an RFC 3339 instant in UTC (`Z`), with at most nine decimals and no leap second. */
export function isInstant(value: unknown): value is string {
  if (typeof value !== 'string' || value.length > 30) return false;
  const match = INSTANT.exec(value);
  return match !== null && isCalendarDate(match[1]);
}

/** The day of a day or an instant. */
export const dayOf = (dayOrInstant: string): string => dayOrInstant.slice(0, 10);

/** Numbers of days met before, as parsing a date takes longer than anything else that is done with it. */
const knownDays = new Map<string, number>();
/** A century of days; past that the memory begins anew. */
const MAX_KNOWN_DAYS = 36_525;

/** Days since 1970-01-01. @throws RangeError where the day does not exist */
export function dayNumber(day: string): number {
  const known = knownDays.get(day);
  if (known !== undefined) return known;
  const ms = Date.parse(`${dayOf(day)}T00:00:00Z`);
  if (Number.isNaN(ms)) throw new RangeError(`"${day}" is no date`);
  if (knownDays.size >= MAX_KNOWN_DAYS) knownDays.clear();
  // An instant is let through as its day, but there are too many of them to be remembered.
  if (day.length === 10) knownDays.set(day, ms / DAY_MS);
  return ms / DAY_MS;
}

/** The day that many days after 1970-01-01. */
export function dayFromNumber(days: number): string {
  const known = knownNumbers.get(days);
  if (known !== undefined) return known;
  const day = new Date(days * DAY_MS).toISOString().slice(0, 10);
  if (knownNumbers.size >= MAX_KNOWN_DAYS) knownNumbers.clear();
  knownNumbers.set(days, day);
  return day;
}
const knownNumbers = new Map<number, string>();

/** `later - earlier` in calendar days. */
export const daysBetween = (earlier: string, later: string): number => dayNumber(later) - dayNumber(earlier);

export const addDays = (day: string, days: number): string => dayFromNumber(dayNumber(day) + days);

/** That many whole years later; 29 February becomes the 28th where the year has no 29th. */
export function addYears(day: string, years: number): string {
  const year = Number(day.slice(0, 4)) + years;
  const monthDay = day.slice(5) === '02-29' && !isLeap(year) ? '02-28' : day.slice(5);
  return `${String(year).padStart(4, '0')}-${monthDay}`;
}

/** How many whole years have passed: the largest N for which `day` is after `from` plus N years; 0 before that. */
export function yearsPassed(from: string, day: string): number {
  let years = Number(day.slice(0, 4)) - Number(from.slice(0, 4));
  while (years > 0 && !(day > addYears(from, years))) years -= 1;
  return Math.max(0, years);
}

/** Compares two RFC 3339 UTC instants whose fractions may differ in length. Negative, zero or positive. */
export function compareInstants(a: string, b: string): number {
  if (a === b) return 0;
  if (a.length !== b.length && a.startsWith(b.slice(0, 19))) {
    const [x, y] = [sortableInstant(a), sortableInstant(b)];
    return x < y ? -1 : x > y ? 1 : 0;
  }
  return a < b ? -1 : 1;
}

/** An RFC 3339 UTC instant with all nine decimals: such texts sort as what they name. */
export const sortableInstant = (instant: string): string =>
  instant[19] === '.' ? `${instant.slice(0, -1).padEnd(29, '0')}Z` : `${instant.slice(0, 19)}.000000000Z`;
