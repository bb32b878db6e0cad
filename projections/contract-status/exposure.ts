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
export const COLUMNS_OF_EXPOSURE = [
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
    .select([...COLUMNS_OF_EXPOSURE])
    .where((eb) => eb.and(filtersSql(eb, snapshot, question, dayNumber(question.day))))
    .execute();
  return exposureOf(rows, question);
}

class Sums {
  contracts = 0;
  value = 0n;
  paid = 0n;
  delivered = 0n;
  undelivered = 0n;
  exposure = 0n;
  readonly overdue = { contracts: 0, undelivered: 0n, paid: 0n };
  readonly age = AGES.map((overYears) => ({ overYears, contracts: 0, undelivered: 0n }));
  readonly deliveredUnsettled = { contracts: 0, paid: 0n, overdueContracts: 0, overduePaid: 0n };
  readonly unsettled = { contracts: 0, paid: 0n };

  add(row: Row, day: string, today: number): void {
    const minor = (column: string): bigint => BigInt(text(row, column));
    const [paid, undelivered] = [minor('paid_minor'), minor('undelivered_minor')];
    this.contracts += 1;
    this.value += minor('value_minor');
    this.paid += paid;
    this.delivered += minor('delivered_minor');
    this.undelivered += undelivered;
    this.exposure += minor('exposure_minor');
    const isOpen = row['closed_day'] === null;
    const lateSince = integerOrNull(row, 'delivery_late_since');
    const isOverdue = isOpen && lateSince !== null && lateSince < today;
    if (isOverdue) {
      this.overdue.contracts += 1;
      this.overdue.undelivered += undelivered;
      this.overdue.paid += paid;
    }
    if (isOpen && undelivered > 0n) this.#addAge(text(row, 'signed_on'), day, undelivered);
    const deliveredOn = integerOrNull(row, 'delivered_day');
    const isUnsettled = row['settled_on'] === null;
    const isDelivered = isUnsettled && deliveredOn !== null && deliveredOn <= today;
    if (isDelivered) {
      this.deliveredUnsettled.contracts += 1;
      this.deliveredUnsettled.paid += paid;
      if (today > deliveredOn + integer(row, 'settle_within_days')) {
        this.deliveredUnsettled.overdueContracts += 1;
        this.deliveredUnsettled.overduePaid += paid;
      }
    }
    if (paid > 0n && isUnsettled && (isOverdue || isDelivered)) {
      this.unsettled.contracts += 1;
      this.unsettled.paid += paid;
    }
  }

  #addAge(signedOn: string, day: string, undelivered: bigint): void {
    for (const entry of this.age) {
      if (!(day > addYears(signedOn, entry.overYears))) return;
      entry.contracts += 1;
      entry.undelivered += undelivered;
    }
  }
}

/** The sums over rows of `contract_status`; of each currency by itself, sorted by key and currency. */
export function exposureOf(rows: readonly Row[], { day, groupBy }: ExposureQuestion) {
  const groups = new Map<string, { readonly key: string; readonly currency: string; readonly sums: Sums }>();
  const today = dayNumber(day);
  for (const row of rows) {
    const key = groupBy === undefined ? 'all' : text(row, groupBy);
    const currency = text(row, 'currency');
    const name = `${key}\n${currency}`;
    let group = groups.get(name);
    if (group === undefined) groups.set(name, (group = { key, currency, sums: new Sums() }));
    group.sums.add(row, day, today);
  }
  return [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { key, currency, sums }]) => {
      const money = (minor: bigint) => moneyOf(minor, currency);
      const { overdue, deliveredUnsettled, unsettled } = sums;
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
          contracts: overdue.contracts,
          undeliveredValue: money(overdue.undelivered),
          paid: money(overdue.paid),
        },
        age: sums.age.map(({ overYears, contracts, undelivered }) => ({
          overYears,
          contracts,
          undeliveredValue: money(undelivered),
        })),
        deliveredUnsettled: {
          contracts: deliveredUnsettled.contracts,
          paid: money(deliveredUnsettled.paid),
          overdueContracts: deliveredUnsettled.overdueContracts,
          overduePaid: money(deliveredUnsettled.overduePaid),
        },
        unsettled: { contracts: unsettled.contracts, paid: money(unsettled.paid) },
      };
    });
}
