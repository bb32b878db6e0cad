/** `/portfolio/exposure`: what was paid against what was delivered, and how old and late what is missing is, in sums. */
import { sql, type RawBuilder } from 'kysely';
import { addYears, dayNumber } from '../../src/contract/calendar.js';
import { moneyOf } from '../../src/contract/money.js';
import { integer, integerOrNull, text, type Row, type Snapshot } from '../projection.js';
import { contractTable, MINOR_DIGITS, paddedMinor } from './contract-status.js';
import { filtersSql, type ContractFilters } from './queries.js';

export const GROUPINGS = ['programme', 'buyer', 'seller'] as const;
export type Grouping = (typeof GROUPINGS)[number];

/** Ages that are told apart, in whole years after the day of signing. */
export const AGES = [1, 2, 3, 5, 10] as const;

export interface ExposureQuestion extends ContractFilters {
  readonly day: string;
  readonly groupBy?: Grouping | undefined;
}

const AMOUNTS = ['value_minor', 'delivered_minor', 'undelivered_minor', 'paid_minor', 'exposure_minor'] as const;

/** What the sums are made of. */
const COLUMNS = [
  'programme',
  'buyer',
  'seller',
  'currency',
  'signed_on',
  ...AMOUNTS,
  'delivered_day',
  'settled_on',
  'settlement_due_day',
  'closed_day',
  'delivery_late_since',
] as const;

/**
 * The sums over the contracts of the database. It adds up by itself, those together that stand alike; a contract with an
 * amount so large that its integers might not hold the sums is fetched and added here.
 */
export async function exposure(snapshot: Snapshot, question: ExposureQuestion): Promise<ExposureGroups> {
  const { db, table } = snapshot;
  const day = dayNumber(question.day);
  const chosen = db.selectFrom(table(contractTable)).where((eb) => eb.and(filtersSql(eb, snapshot, question, day)));
  const isLarge = sql<boolean>`(${sql.join(
    AMOUNTS.map((column) => sql`${sql.ref(column)} >= ${paddedMinor(SUMMED_BELOW)}`),
    sql` or `,
  )})`;
  const alike = await chosen
    .select(sql<string>`${question.groupBy === undefined ? sql`'all'` : sql.ref(question.groupBy)}`.as('key'))
    .select('currency')
    .select(standingSql(question.day).map(([name, expression]) => expression.as(name)))
    .select(sql<number>`case when ${isLarge} then 1 else 0 end`.as('large'))
    .select(sql<number>`count(*)`.as('contracts'))
    .select(AMOUNTS.map((column) => sql<string>`cast(sum(${lowDigits(column)}) as text)`.as(column)))
    .groupBy(['key', 'currency', ...STANDING, 'large'])
    .execute();
  const found = new Exposure(question);
  const isSummed = (row: Row): boolean => integer(row, 'large') === 0;
  for (const row of alike) if (isSummed(row)) found.addAlike(row);
  if (!alike.every(isSummed))
    for (const row of await chosen
      .select([...COLUMNS])
      .where(isLarge)
      .execute())
      found.add(row);
  return groupsView(found.groups);
}

/** As many contracts as any ledger has add up to less than 2^63, the largest exact integer of SQLite. */
const SUMMED_BELOW = 10n ** 13n;
const lowDigits = (column: string): RawBuilder<number> =>
  sql<number>`cast(substr(${sql.ref(column)}, ${sql.lit(MINOR_DIGITS - 12)}) as bigint)`;

/** What contracts of one key and currency come to, in minor units. Plain data: it crosses threads. */
export interface Group {
  readonly key: string;
  readonly currency: string;
  readonly sums: Sums;
}

const nothing = () => ({
  contracts: 0,
  value: 0n,
  paid: 0n,
  delivered: 0n,
  undelivered: 0n,
  exposure: 0n,
  overdueContracts: 0,
  overdueUndelivered: 0n,
  overduePaid: 0n,
  /** By {@link AGES}. */
  ageContracts: AGES.map(() => 0),
  ageUndelivered: AGES.map(() => 0n),
  deliveredContracts: 0,
  deliveredPaid: 0n,
  lateContracts: 0,
  latePaid: 0n,
  unsettledContracts: 0,
  unsettledPaid: 0n,
});
type Sums = ReturnType<typeof nothing>;

/** How a contract counts on a day. */
interface Standing {
  /** An unreached delivery milestone was agreed for an earlier day, and the contract is not closed. */
  readonly isOverdue: boolean;
  /** How many of {@link AGES} have passed since the signing of one that is open and not wholly delivered. */
  readonly age: number;
  /** All of it stands accepted, and it is not settled. */
  readonly isDelivered: boolean;
  /** And the time for that has run out. */
  readonly isLate: boolean;
  readonly isUnsettled: boolean;
}

/** @param today the day as a number (since 1970-01-01) */
function standingOf(row: Row, { paid, undelivered }: Amounts, day: string, today: number): Standing {
  const isOpen = row['closed_day'] === null;
  const lateSince = integerOrNull(row, 'delivery_late_since');
  const isOverdue = isOpen && lateSince !== null && lateSince < today;
  const deliveredOn = integerOrNull(row, 'delivered_day');
  const isDelivered = row['settled_on'] === null && deliveredOn !== null && deliveredOn <= today;
  return {
    isOverdue,
    age: isOpen && undelivered > 0n ? agesPassed(text(row, 'signed_on'), day) : 0,
    isDelivered,
    isLate: isDelivered && today > integer(row, 'settlement_due_day'),
    isUnsettled: paid > 0n && row['settled_on'] === null && (isOverdue || isDelivered),
  };
}

function agesPassed(signedOn: string, day: string): number {
  const toCome = AGES.findIndex((years) => day <= addYears(signedOn, years));
  return toCome < 0 ? AGES.length : toCome;
}

const STANDING = ['overdue', 'age', 'delivered', 'late', 'unsettled'] as const;

/** {@link standingOf} in SQL: columns of {@link STANDING}, each a whole number. */
function standingSql(day: string): readonly (readonly [(typeof STANDING)[number], RawBuilder<number>])[] {
  const today = dayNumber(day);
  const none = paddedMinor(0n);
  const overdue = sql`closed_day is null and delivery_late_since < ${today}`;
  const delivered = sql`settled_on is null and delivered_day <= ${today}`;
  // 29 February needs no care: in a year without one no day asked about is compared with it.
  const passed = AGES.map((years) => {
    const before = `${String(Math.max(0, Number(day.slice(0, 4)) - years)).padStart(4, '0')}${day.slice(4)}`;
    return sql`case when signed_on < ${before} then 1 else 0 end`;
  });
  const counted = (condition: RawBuilder<unknown>) => sql<number>`case when ${condition} then 1 else 0 end`;
  return [
    ['overdue', counted(overdue)],
    [
      'age',
      sql<number>`case when closed_day is null and undelivered_minor > ${none} then ${sql.join(passed, sql` + `)} else 0 end`,
    ],
    ['delivered', counted(delivered)],
    ['late', counted(sql`${delivered} and settlement_due_day < ${today}`)],
    ['unsettled', counted(sql`paid_minor > ${none} and settled_on is null and (${overdue} or ${delivered})`)],
  ];
}

interface Amounts {
  readonly contracts: number;
  readonly value: bigint;
  readonly delivered: bigint;
  readonly undelivered: bigint;
  readonly paid: bigint;
  readonly exposure: bigint;
}

const minor = (row: Row, column: string): bigint => BigInt(text(row, column));
const amountsOf = (row: Row, contracts: number): Amounts => ({
  contracts,
  value: minor(row, 'value_minor'),
  delivered: minor(row, 'delivered_minor'),
  undelivered: minor(row, 'undelivered_minor'),
  paid: minor(row, 'paid_minor'),
  exposure: minor(row, 'exposure_minor'),
});

/** Adds contracts that stand alike. */
function add(
  sums: Sums,
  standing: Standing,
  { contracts, value, delivered, undelivered, paid, exposure }: Amounts,
): void {
  sums.contracts += contracts;
  sums.value += value;
  sums.paid += paid;
  sums.delivered += delivered;
  sums.undelivered += undelivered;
  sums.exposure += exposure;
  if (standing.isOverdue) {
    sums.overdueContracts += contracts;
    sums.overdueUndelivered += undelivered;
    sums.overduePaid += paid;
  }
  for (let at = 0; at < standing.age; at += 1) {
    sums.ageContracts[at]! += contracts;
    sums.ageUndelivered[at]! += undelivered;
  }
  if (standing.isDelivered) {
    sums.deliveredContracts += contracts;
    sums.deliveredPaid += paid;
  }
  if (standing.isLate) {
    sums.lateContracts += contracts;
    sums.latePaid += paid;
  }
  if (standing.isUnsettled) {
    sums.unsettledContracts += contracts;
    sums.unsettledPaid += paid;
  }
}

/** Adds rows of `contract_status` up, group by group; of each currency by itself. */
export class Exposure {
  readonly #groups = new Map<string, Group>();
  readonly #day: string;
  readonly #today: number;
  readonly #groupBy: Grouping | undefined;

  constructor({ day, groupBy }: Pick<ExposureQuestion, 'day' | 'groupBy'>) {
    this.#day = day;
    this.#today = dayNumber(day);
    this.#groupBy = groupBy;
  }

  add(row: Row): void {
    const key = this.#groupBy === undefined ? 'all' : text(row, this.#groupBy);
    const amounts = amountsOf(row, 1);
    add(this.#sumsOf(key, text(row, 'currency')), standingOf(row, amounts, this.#day, this.#today), amounts);
  }

  /** Adds what the database added up. */
  addAlike(row: Row): void {
    const standing: Standing = {
      isOverdue: integer(row, 'overdue') === 1,
      age: integer(row, 'age'),
      isDelivered: integer(row, 'delivered') === 1,
      isLate: integer(row, 'late') === 1,
      isUnsettled: integer(row, 'unsettled') === 1,
    };
    const sums = this.#sumsOf(text(row, 'key'), text(row, 'currency'));
    add(sums, standing, amountsOf(row, integer(row, 'contracts')));
  }

  #sumsOf(key: string, currency: string): Sums {
    const name = `${key}\n${currency}`;
    let group = this.#groups.get(name);
    if (group === undefined) this.#groups.set(name, (group = { key, currency, sums: nothing() }));
    return group.sums;
  }

  get groups(): readonly Group[] {
    return [...this.#groups.values()];
  }
}

/** Groups of several parts of the portfolio, those of one key and currency added up. */
function merged(parts: readonly Group[]): readonly Group[] {
  const groups = new Map<string, Group>();
  for (const { key, currency, sums } of parts) {
    const name = `${key}\n${currency}`;
    const before = groups.get(name)?.sums;
    groups.set(name, { key, currency, sums: before === undefined ? sums : sumOf(before, sums) });
  }
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group);
}

const plus = (a: unknown, b: unknown): unknown => {
  if (Array.isArray(a) && Array.isArray(b)) return a.map((entry, at) => plus(entry, b[at]));
  return typeof a === 'bigint' ? a + (b as bigint) : (a as number) + (b as number);
};
const sumOf = (a: Sums, b: Sums): Sums =>
  Object.fromEntries(Object.entries(a).map(([name, value]) => [name, plus(value, b[name as keyof Sums])])) as Sums;

/** The sums over rows of `contract_status`. */
export function exposureOfRows(rows: readonly Row[], question: Pick<ExposureQuestion, 'day' | 'groupBy'>) {
  const found = new Exposure(question);
  for (const row of rows) found.add(row);
  return groupsView(found.groups);
}

export type ExposureGroups = ReturnType<typeof groupsView>;

/** The groups as they are shown, sorted by key and currency. */
export function groupsView(parts: readonly Group[]) {
  return merged(parts).map(({ key, currency, sums }) => {
    const money = (minor: bigint) => moneyOf(minor, currency);
    return {
      key,
      currency,
      contracts: sums.contracts,
      value: money(sums.value),
      paid: money(sums.paid),
      deliveredValue: money(sums.delivered),
      undeliveredValue: money(sums.undelivered),
      exposure: money(sums.exposure),
      overdue: {
        contracts: sums.overdueContracts,
        undeliveredValue: money(sums.overdueUndelivered),
        paid: money(sums.overduePaid),
      },
      age: AGES.map((overYears, at) => ({
        overYears,
        contracts: sums.ageContracts[at]!,
        undeliveredValue: money(sums.ageUndelivered[at]!),
      })),
      deliveredUnsettled: {
        contracts: sums.deliveredContracts,
        paid: money(sums.deliveredPaid),
        overdueContracts: sums.lateContracts,
        overduePaid: money(sums.latePaid),
      },
      unsettled: { contracts: sums.unsettledContracts, paid: money(sums.unsettledPaid) },
    };
  });
}
