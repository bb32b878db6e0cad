/** `/portfolio/exposure`: what was paid against what was delivered, and how old and late what is missing is, in sums. */
import { addYears, dayNumber } from '../../src/contract/calendar.js';
import { moneyOf } from '../../src/contract/money.js';
import { integer, integerOrNull, text, type Row, type Snapshot } from '../projection.js';
import { contractTable } from './contract-status.js';
import { filtersSql, type ContractFilters } from './queries.js';

export const GROUPINGS = ['programme', 'buyer', 'seller'] as const;
export type Grouping = (typeof GROUPINGS)[number];

/** Ages that are told apart, in whole years after the day of signing. */
export const AGES = [1, 2, 3, 5, 10] as const;

export interface ExposureQuestion extends ContractFilters {
  readonly day: string;
  readonly groupBy?: Grouping | undefined;
}

/** What the sums are made of. */
const COLUMNS = [
  'programme',
  'buyer',
  'seller',
  'currency',
  'signed_on',
  'value_minor',
  'delivered_minor',
  'undelivered_minor',
  'paid_minor',
  'exposure_minor',
  'delivered_day',
  'settled_on',
  'settle_within_days',
  'closed_day',
  'delivery_late_since',
] as const;

export async function exposure(snapshot: Snapshot, question: ExposureQuestion) {
  const { db, table } = snapshot;
  const rows = await db
    .selectFrom(table(contractTable))
    .select([...COLUMNS])
    .where((eb) => eb.and(filtersSql(eb, snapshot, question, dayNumber(question.day))))
    .execute();
  return exposureOfRows(rows, question);
}

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

function add(sums: Sums, row: Row, day: string, today: number): void {
  const minor = (column: string): bigint => BigInt(text(row, column));
  const [paid, undelivered] = [minor('paid_minor'), minor('undelivered_minor')];
  sums.contracts += 1;
  sums.value += minor('value_minor');
  sums.paid += paid;
  sums.delivered += minor('delivered_minor');
  sums.undelivered += undelivered;
  sums.exposure += minor('exposure_minor');
  const isOpen = row['closed_day'] === null;
  const lateSince = integerOrNull(row, 'delivery_late_since');
  const isOverdue = isOpen && lateSince !== null && lateSince < today;
  if (isOverdue) {
    sums.overdueContracts += 1;
    sums.overdueUndelivered += undelivered;
    sums.overduePaid += paid;
  }
  if (isOpen && undelivered > 0n)
    for (const [at, years] of AGES.entries()) {
      if (!(day > addYears(text(row, 'signed_on'), years))) break;
      sums.ageContracts[at]! += 1;
      sums.ageUndelivered[at]! += undelivered;
    }
  const deliveredOn = integerOrNull(row, 'delivered_day');
  const isUnsettled = row['settled_on'] === null;
  const isDelivered = isUnsettled && deliveredOn !== null && deliveredOn <= today;
  if (isDelivered) {
    sums.deliveredContracts += 1;
    sums.deliveredPaid += paid;
    if (today > deliveredOn + integer(row, 'settle_within_days')) {
      sums.lateContracts += 1;
      sums.latePaid += paid;
    }
  }
  if (paid > 0n && isUnsettled && (isOverdue || isDelivered)) {
    sums.unsettledContracts += 1;
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
    const currency = text(row, 'currency');
    const name = `${key}\n${currency}`;
    let group = this.#groups.get(name);
    if (group === undefined) this.#groups.set(name, (group = { key, currency, sums: nothing() }));
    add(group.sums, row, this.#day, this.#today);
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
