/** `/contracts` and `/contracts/{id}`, from the rows of `contract-status`. */
import { sql, type Expression, type ExpressionBuilder, type RawBuilder, type SqlBool } from 'kysely';
import { dayNumber, yearsPassed } from '../../src/contract/calendar.js';
import { moneyOf } from '../../src/contract/money.js';
import {
  integer,
  integerOrNull,
  json,
  rowsOf,
  text,
  nameOrNull,
  textOrNull,
  type ContractRows,
  type Row,
  type Snapshot,
  type Tables,
} from '../projection.js';
import { contractTable, detailTable, flagTable, lineTable, partyTable } from './contract-status.js';

export const STATUSES = ['closed', 'completed', 'late', 'at-risk', 'on-track'] as const;
export type Status = (typeof STATUSES)[number];

/** What is the largest over a contract's milestones. */
type Largest = 'slip' | 'late' | 'delivery_late';

/** What a field sorts by: a column as it is, an amount, the largest over milestones, or the status. */
type SortBy =
  | { readonly kind: 'column' | 'amount'; readonly column: string }
  | { readonly kind: 'largest'; readonly of: Largest }
  | { readonly kind: 'status' };

const column = (name: string): SortBy => ({ kind: 'column', column: name });
/** Amounts of one currency stand together: minor units of two do not compare. */
const amount = (name: string): SortBy => ({ kind: 'amount', column: name });
const largest = (of: Largest): SortBy => ({ kind: 'largest', of });

/** By what `/contracts` sorts, in the database (`sortSql`) and in memory (`sortValueOf` of `past.ts`). */
const SORTS = {
  contract: column('contract'),
  title: column('title'),
  reference: column('reference'),
  programme: column('programme'),
  buyer: column('buyer'),
  seller: column('seller'),
  signedOn: column('signed_on'),
  value: amount('value_minor'),
  status: { kind: 'status' },
  slipDays: largest('slip'),
  lateDays: largest('late'),
  deliveryLateDays: largest('delivery_late'),
  paid: amount('paid_minor'),
  deliveredValue: amount('delivered_minor'),
  undeliveredValue: amount('undelivered_minor'),
  exposure: amount('exposure_minor'),
  settledOn: column('settled_on'),
  openDelays: column('open_delays'),
  overdueReports: column('overdue_reports'),
  lastReportOn: column('last_report_on'),
  revision: column('revision'),
} as const satisfies Record<string, SortBy>;
export type SortField = keyof typeof SORTS;
export const SORT_FIELDS = Object.keys(SORTS) as readonly SortField[];
export const sortOf = (field: SortField): SortBy => SORTS[field];

export interface ContractFilters {
  readonly status?: Status | undefined;
  readonly party?: string | undefined;
  readonly programme?: string | undefined;
  /** Looked for in id, title, reference and programme, upper and lower case alike. */
  readonly q?: string | undefined;
  /** Whether a report is overdue. */
  readonly overdueReports?: boolean | undefined;
}

export interface ContractPage extends ContractFilters {
  readonly day: string;
  readonly sort: SortField;
  readonly descending: boolean;
  readonly limit: number;
  /** Sort value and contract id of the last row of the page before. */
  readonly after?: { readonly value: string | number | null; readonly contract: string } | undefined;
}

/** What is shown of a contract in lists, and first in its own answer. */
export function summary(row: Row, day: string) {
  const currency = text(row, 'currency');
  const undelivered = BigInt(text(row, 'undelivered_minor'));
  const signedOn = text(row, 'signed_on');
  return {
    contract: text(row, 'contract'),
    title: text(row, 'title'),
    reference: text(row, 'reference'),
    programme: text(row, 'programme'),
    buyer: text(row, 'buyer'),
    seller: text(row, 'seller'),
    signedOn,
    value: json<{ amount: string; currency: string }>(row, 'value'),
    status: statusOn(row, day),
    slipDays: largestOn(row, 'slip', day),
    lateDays: largestOn(row, 'late', day),
    deliveryLateDays: largestOn(row, 'delivery_late', day),
    ageYears: undelivered > 0n && row['closed_day'] === null ? yearsPassed(signedOn, day) : null,
    paid: moneyOf(BigInt(text(row, 'paid_minor')), currency),
    deliveredValue: moneyOf(BigInt(text(row, 'delivered_minor')), currency),
    undeliveredValue: moneyOf(undelivered, currency),
    exposure: moneyOf(BigInt(text(row, 'exposure_minor')), currency),
    settledOn: textOrNull(row, 'settled_on'),
    openDelays: integer(row, 'open_delays'),
    overdueReports: integer(row, 'overdue_reports'),
    lastReportOn: textOrNull(row, 'last_report_on'),
    revision: text(row, 'revision'),
  };
}

/** The last day on which something can still grow: that of closing, once the contract is closed. */
function stillOn(row: Row, day: string): number {
  const today = dayNumber(day);
  const closed = integerOrNull(row, 'closed_day');
  return closed !== null && closed < today ? closed : today;
}

export function largestOn(row: Row, of: Largest, day: string): number | null {
  const floor = integerOrNull(row, `${of}_floor`);
  const since = integerOrNull(row, `${of}_since`);
  return since !== null && floor !== null ? Math.max(floor, stillOn(row, day) - since) : floor;
}

/** Counts of which any above zero puts a contract at risk. */
const AT_RISK = ['at_risk', 'open_delays', 'open_criticals', 'overdue_reports'] as const;

/** The status on a day. */
export function statusOn(row: Row, day: string): Status {
  const lateSince = integerOrNull(row, 'late_since');
  if (integerOrNull(row, 'closed_day') !== null) return 'closed';
  if (integer(row, 'milestones') > 0 && integer(row, 'open_milestones') === 0) return 'completed';
  if (lateSince !== null && lateSince < stillOn(row, day)) return 'late';
  return AT_RISK.some((column) => integer(row, column) > 0) ? 'at-risk' : 'on-track';
}

// The same in SQL, so that the database filters and sorts.
type Builder = ExpressionBuilder<Tables, string>;

const still = (day: number) => sql<number>`(case when closed_day < ${day} then closed_day else ${day} end)`;

const largestSql = (of: Largest, day: number): RawBuilder<unknown> => {
  const floor = sql.ref(`${of}_floor`);
  const grown = sql`(${still(day)} - ${sql.ref(`${of}_since`)})`;
  return sql`(case when ${grown} > ${floor} then ${grown} else ${floor} end)`;
};

const statusSql = (day: number): RawBuilder<string> => sql<string>`(case
  when closed_day is not null then 'closed'
  when milestones > 0 and open_milestones = 0 then 'completed'
  when late_since < ${day} then 'late'
  when at_risk + open_delays + open_criticals + overdue_reports > 0 then 'at-risk'
  else 'on-track' end)`;

function sortSql(field: SortField, day: number): RawBuilder<unknown> {
  const by = sortOf(field);
  switch (by.kind) {
    case 'column':
      return sql.ref(by.column);
    case 'amount':
      return sql`(currency || ' ' || ${sql.ref(by.column)})`;
    case 'largest':
      return largestSql(by.of, day);
    case 'status':
      return statusSql(day);
  }
}

/** Whether every contract has a value to sort by. */
function alwaysHas(field: SortField): boolean {
  const by = sortOf(field);
  return by.kind === 'column' && contractTable.columns[by.column]?.nullable !== true;
}

const escapeLike = (words: string): string => words.replaceAll(/[\\%_]/g, (found) => `\\${found}`);

export function filtersSql(eb: Builder, snapshot: Snapshot, page: ContractFilters, day: number): Expression<SqlBool>[] {
  const conditions: Expression<SqlBool>[] = [];
  if (page.status !== undefined) conditions.push(sql<boolean>`${statusSql(day)} = ${page.status}`);
  if (page.overdueReports !== undefined)
    conditions.push(sql<boolean>`overdue_reports ${sql.raw(page.overdueReports ? '>' : '=')} 0`);
  if (page.programme !== undefined) conditions.push(eb('programme', '=', page.programme));
  if (page.q !== undefined)
    conditions.push(sql<boolean>`search like ${`%${escapeLike(page.q.toLowerCase())}%`} escape '\\'`);
  if (page.party !== undefined)
    conditions.push(
      sql<boolean>`contract in (select contract from ${sql.table(snapshot.table(partyTable))} where party = ${page.party})`,
    );
  return conditions;
}

/** One page; a row more than `limit` says that there is a next one. */
export async function contractPage(snapshot: Snapshot, page: ContractPage) {
  const day = dayNumber(page.day);
  const by = sortSql(page.sort, day);
  const direction = page.descending ? 'desc' : 'asc';
  const hasAll = alwaysHas(page.sort);
  let query = snapshot.db
    .selectFrom(snapshot.table(contractTable))
    .selectAll()
    .select(by.as('sort_value') as never)
    .where((eb) => eb.and(filtersSql(eb, snapshot, page, day)))
    .limit(page.limit + 1);
  // Rows without a value come last in both directions, on both databases. Where all have one, an index is in order.
  if (!hasAll) query = query.orderBy(sql<number>`(case when ${by} is null then 1 else 0 end)`);
  query = query.orderBy(by as never, direction).orderBy('contract', direction);
  if (page.after !== undefined) {
    const { value, contract } = page.after;
    const beyond = sql.raw(page.descending ? '<' : '>');
    const further = sql<boolean>`(${by}, contract) ${beyond} (${value}, ${contract})`;
    query = query.where(
      hasAll
        ? further
        : value === null
          ? sql<boolean>`(${by} is null and contract ${beyond} ${contract})`
          : sql<boolean>`(${by} is null or ${further})`,
    );
  }
  const rows = (await query.execute()) as readonly Row[];
  return shownPage(
    rows.map((row) => {
      const value = row['sort_value'] ?? null;
      return { row, value: typeof value === 'bigint' ? Number(value) : value };
    }),
    page,
  );
}

/** A page of the list, of rows in order and of one more where there is a next page. */
export function shownPage(
  rows: readonly { readonly row: Row; readonly value: string | number | null }[],
  page: ContractPage,
) {
  const shown = rows.slice(0, page.limit);
  const last = shown.at(-1);
  return {
    contracts: shown.map(({ row }) => summary(row, page.day)),
    next:
      rows.length > page.limit && last !== undefined
        ? { value: last.value, contract: text(last.row, 'contract') }
        : null,
  };
}

/** `/contracts/{id}` without `asOf`, `on` and `position`; `undefined` where there is no such contract. */
export function contractView(rows: ContractRows, day: string) {
  const row = rowsOf(rows, contractTable)[0];
  const detail = rowsOf(rows, detailTable)[0];
  if (row === undefined || detail === undefined) return undefined;
  const lines = [...rowsOf(rows, lineTable)].sort((a, b) => integer(a, 'seq') - integer(b, 'seq'));
  const flags = [...rowsOf(rows, flagTable)].sort(
    (a, b) => integer(a, 'revision') - integer(b, 'revision') || (text(a, 'code') < text(b, 'code') ? -1 : 1),
  );
  return {
    ...summary(row, day),
    registration: {
      by: text(detail, 'registered_by'),
      confirmedBy: json<string[]>(detail, 'confirmed_by'),
      confirmedAt: textOrNull(detail, 'confirmed_at'),
      contestedAt: textOrNull(detail, 'contested_at'),
      correctedBy: nameOrNull(detail, 'corrected_by'),
      correctedAt: textOrNull(detail, 'corrected_at'),
    },
    terms: { signed: false, ...json<Record<string, unknown>>(detail, 'terms') },
    parties: json<unknown[]>(detail, 'parties'),
    lines: lines.map((line) => ({
      line: text(line, 'line'),
      description: text(line, 'description'),
      quantity: json<number | string>(line, 'quantity'),
      unit: text(line, 'unit'),
      unitValue: json<unknown>(line, 'unit_value'),
      responsible: text(line, 'responsible'),
      standard: textOrNull(line, 'standard'),
      cancelled: integer(line, 'cancelled') === 1,
      stage: textOrNull(line, 'stage'),
      percent: json<number | string | null>(line, 'percent'),
      unitsCompleted: json<number | string | null>(line, 'units_completed'),
      shipped: json<number | string>(line, 'shipped'),
      received: json<number | string>(line, 'received'),
      accepted: json<number | string>(line, 'accepted'),
      rejected: json<number | string>(line, 'rejected'),
      lastReportOn: textOrNull(line, 'last_report_on'),
      lastReportBy: textOrNull(line, 'last_report_by'),
      overdueSince: textOrNull(line, 'overdue_since'),
    })),
    flags: flags.map((entry) => ({
      code: text(entry, 'code'),
      event: { id: text(entry, 'event_id'), source: text(entry, 'event_source') },
      detail: text(entry, 'detail'),
    })),
  };
}
