/**
 * `/contracts` and `/portfolio/exposure` over rows in memory: of a time for which the database has no rows. What is filtered
 * and sorted, and how, is what `queries.ts` says in SQL.
 */
import { integer, text, type ColumnValue, type Row } from '../projection.js';
import { largestOn, sortOf, statusOn, type ContractFilters, type ContractPage, type SortField } from './queries.js';

/** Whether a row is among those asked for. Who is or was on the contract is not in it: that is for the caller to see. */
export function matches(row: Row, { status, programme, q, overdueReports }: ContractFilters, day: string): boolean {
  return (
    (programme === undefined || row['programme'] === programme) &&
    (q === undefined || text(row, 'search').includes(q.toLowerCase())) &&
    (overdueReports === undefined || integer(row, 'overdue_reports') > 0 === overdueReports) &&
    (status === undefined || statusOn(row, day) === status)
  );
}

/** What a row is sorted by; `null` comes last in both directions. */
export function sortValueOf(row: Row, field: SortField, day: string): string | number | null {
  const by = sortOf(field);
  switch (by.kind) {
    case 'column':
      return plain(row[by.column]);
    case 'amount':
      return `${text(row, 'currency')} ${text(row, by.column)}`;
    case 'largest':
      return largestOn(row, by.of, day);
    case 'status':
      return statusOn(row, day);
  }
}

const plain = (value: ColumnValue | undefined): string | number | null =>
  value === undefined || value === null ? null : typeof value === 'bigint' ? Number(value) : value;

export interface Placed {
  readonly row: Row;
  readonly value: string | number | null;
}

/** In the order of a list: by value, then by id, both in its direction; rows without a value last. */
export function comparePlaced(descending: boolean): (a: Placed, b: Placed) => number {
  const direction = descending ? -1 : 1;
  return (a, b) => {
    if (a.value === null || b.value === null) {
      if (a.value !== b.value) return a.value === null ? 1 : -1;
    } else if (a.value !== b.value) return direction * compareValues(a.value, b.value);
    return direction * compareValues(text(a.row, 'contract'), text(b.row, 'contract'));
  };
}

function compareValues(a: string | number, b: string | number): number {
  if (typeof a === 'string' && typeof b === 'string') return compareByCodePoint(a, b);
  return a < b ? -1 : a > b ? 1 : 0;
}

/** As both databases sort text: by code point, where JavaScript compares UTF-16 units. */
function compareByCodePoint(a: string, b: string): number {
  if (a === b) return 0;
  let at = 0;
  while (at < a.length && at < b.length && a[at] === b[at]) at += 1;
  // Units that differ may be the second halves of two code points.
  if (at > 0 && isHighSurrogate(a.charCodeAt(at - 1))) at -= 1;
  return (a.codePointAt(at) ?? -1) - (b.codePointAt(at) ?? -1);
}
const isHighSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff;

/** The rows of one page in order, and one more where there is a next page. */
export function pageOf(rows: readonly Row[], page: ContractPage): readonly Placed[] {
  const compare = comparePlaced(page.descending);
  const placed = rows.map((row) => ({ row, value: sortValueOf(row, page.sort, page.day) }));
  const after =
    page.after === undefined
      ? placed
      : placed.filter(
          (entry) => compare(entry, { row: { contract: page.after!.contract }, value: page.after!.value }) > 0,
        );
  return after.sort(compare).slice(0, page.limit + 1);
}
