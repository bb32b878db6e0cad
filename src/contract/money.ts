/**
 * Money and quantities without floating point. Money is a BigInt of minor units (cents) with the exponent that ISO 4217
 * gives its currency; quantities are BigInts of millionths. Currencies are never mixed: callers keep them apart.
 */
import { code as currencyByCode } from 'currency-codes';

/** Millionths of a unit: quantities have at most six decimals. */
export const QUANTITY_DECIMALS = 6;
const QUANTITY_SCALE = 10n ** BigInt(QUANTITY_DECIMALS);
const QUANTITY = /^(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,6})?$/;

export const isQuantityText = (value: string): boolean => QUANTITY.test(value);

/** Metals, units of account, no currency and tests: to these ISO 4217 gives no minor unit, so there is nothing to count in. */
const WITHOUT_MINOR_UNIT: ReadonlySet<string> = new Set(
  'XAG XAU XBA XBB XBC XBD XDR XPD XPT XSU XTS XUA XXX'.split(' '),
);
const exponents = new Map<string, number | undefined>();

/** Number of decimals of a currency's minor unit (ISO 4217); `undefined` for what is no currency. */
export function currencyExponent(currency: string): number | undefined {
  if (exponents.has(currency)) return exponents.get(currency);
  if (!/^[A-Z]{3}$/.test(currency)) return undefined;
  const exponent = WITHOUT_MINOR_UNIT.has(currency) ? undefined : currencyByCode(currency)?.digits;
  exponents.set(currency, exponent);
  return exponent;
}

/** A decimal string as an integer of 10^-decimals. @throws RangeError where it is no such decimal */
function scaled(value: string, decimals: number): bigint {
  const match = /^(-?)(\d+)(?:\.(\d+))?$/.exec(value);
  const fraction = match?.[3] ?? '';
  if (match === null || fraction.length > decimals)
    throw new RangeError(`"${value}" has more than ${decimals} decimals`);
  const magnitude = BigInt(match[2] + fraction.padEnd(decimals, '0'));
  return match[1] === '-' ? -magnitude : magnitude;
}

function unscaled(value: bigint, decimals: number): string {
  const digits = (value < 0n ? -value : value).toString().padStart(decimals + 1, '0');
  const whole = digits.slice(0, digits.length - decimals);
  const sign = value < 0n ? '-' : '';
  return decimals === 0 ? sign + whole : `${sign}${whole}.${digits.slice(digits.length - decimals)}`;
}

/** `{amount: "12.50", currency: "USD"}` → 1250n. @throws RangeError for an unknown currency or too many decimals */
export function minorUnits(money: { readonly amount: string; readonly currency: string }): bigint {
  const exponent = currencyExponent(money.currency);
  if (exponent === undefined) throw new RangeError(`"${money.currency}" is no ISO 4217 currency`);
  return scaled(money.amount, exponent);
}

/** 1250n, `USD` → `{amount: "12.50", currency: "USD"}`. @throws RangeError for an unknown currency */
export function moneyOf(minor: bigint, currency: string): { amount: string; currency: string } {
  const exponent = currencyExponent(currency);
  if (exponent === undefined) throw new RangeError(`"${currency}" is no ISO 4217 currency`);
  return { amount: unscaled(minor, exponent), currency };
}

/** A quantity as it stands in data (a whole number or a decimal string) in millionths. @throws RangeError */
export const quantityOf = (value: number | string): bigint =>
  typeof value === 'number' ? BigInt(value) * QUANTITY_SCALE : scaled(value, QUANTITY_DECIMALS);

/** Millionths as data again: a whole number where it is one, else a decimal string without trailing zeros. */
export function quantityData(millionths: bigint): number | string {
  if (millionths % QUANTITY_SCALE === 0n) {
    const whole = millionths / QUANTITY_SCALE;
    return whole <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(whole) : whole.toString();
  }
  return unscaled(millionths, QUANTITY_DECIMALS).replace(/0+$/, '');
}

/** quantity (millionths) x unit value (minor units), rounded half up to the minor unit. Neither is negative. */
export const valueOf = (millionths: bigint, unitMinor: bigint): bigint =>
  (2n * millionths * unitMinor + QUANTITY_SCALE) / (2n * QUANTITY_SCALE);

/**
 * part / whole as a decimal string with so many decimals, rounded half up; `null` where there is no whole.
 * @param part a whole number, which may be negative
 */
export function ratio(part: number, whole: number, decimals: number): string | null {
  if (whole === 0) return null;
  const scale = 10n ** BigInt(decimals);
  const twice = 2n * BigInt(part) * scale + BigInt(whole);
  const by = 2n * BigInt(whole);
  // Half up goes towards the larger number, so division must round down, also below zero.
  const rounded = twice >= 0n ? twice / by : -((-twice + by - 1n) / by);
  return unscaled(rounded, decimals);
}
