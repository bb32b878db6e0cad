/** `/contracts/{id}/history`, from the rows of `audit-trail`. */
import { sql } from 'kysely';
import { sortableInstant } from '../../src/contract/calendar.js';
import { CORRECTION } from '../../src/contract/correction.js';
import { compareStands } from '../../src/contract/model.js';
import {
  integer,
  json,
  nameOrNull,
  rowsOf,
  text,
  textOrNull,
  type ContractRows,
  type Row,
  type Snapshot,
} from '../projection.js';
import { eventFlagTable, eventTable } from './audit-trail.js';

export interface HistoryFilters {
  readonly type?: string | undefined;
  readonly reporter?: string | undefined;
  /** First and last UTC day of `time`, or of `recordedtime` where that is the order. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

export interface HistoryPage extends HistoryFilters {
  readonly order: 'recorded' | 'time';
  readonly limit: number;
  /** The last event of the page before. */
  readonly after?: { readonly time: string; readonly revision: number } | undefined;
}

/** What is asked for, but for how much of it. */
type HistoryPlaceAsked = Omit<HistoryPage, 'limit'>;

export type HistoryEvent = ReturnType<typeof historyEvent>;

/** One event as `/history` and the feed show it. */
function historyEvent(row: Row, flags: readonly string[]) {
  return {
    revision: text(row, 'revision'),
    position: text(row, 'position'),
    id: text(row, 'id'),
    source: text(row, 'source'),
    type: text(row, 'type'),
    version: integer(row, 'version'),
    time: text(row, 'time'),
    recordedtime: text(row, 'recordedtime'),
    reporter: text(row, 'reporter'),
    onBehalfOf: textOrNull(row, 'on_behalf_of'),
    data: json<unknown>(row, 'data'),
    effective: integer(row, 'effective') === 1,
    corrects: nameOrNull(row, 'corrects'),
    correctedBy: nameOrNull(row, 'corrected_by'),
    flags,
  };
}

const flagsByRevision = (rows: readonly Row[]): Map<number, string[]> => {
  const found = new Map<number, string[]>();
  for (const row of rows) {
    const revision = integer(row, 'revision');
    found.set(revision, [...(found.get(revision) ?? []), text(row, 'code')].sort());
  }
  return found;
};

const stand = (row: Row) => ({ time: text(row, 'time'), revision: integer(row, 'revision') });

const matches =
  ({ type, reporter, from, to }: HistoryFilters, order: HistoryPage['order']) =>
  (row: Row): boolean => {
    const day = text(row, order === 'time' ? 'time' : 'recordedtime').slice(0, 10);
    return (
      (type === undefined || text(row, 'type') === type) &&
      (reporter === undefined || text(row, 'reporter') === reporter) &&
      (from === undefined || day >= from) &&
      (to === undefined || day <= to)
    );
  };

/** A page of a history that is in memory. `undefined` where there is no such contract. */
export function historyView(rows: ContractRows, page: HistoryPage) {
  const all = rowsOf(rows, eventTable);
  if (all.length === 0) return undefined;
  const flags = flagsByRevision(rowsOf(rows, eventFlagTable));
  const ordered = all
    .filter(matches(page, page.order))
    .sort((a, b) =>
      page.order === 'time' ? compareStands(stand(a), stand(b)) : integer(a, 'revision') - integer(b, 'revision'),
    );
  return paged(ordered.filter(beyond(page)).slice(0, page.limit + 1), flags, page.limit);
}

const beyond =
  ({ after, order }: HistoryPage) =>
  (row: Row): boolean =>
    after === undefined ||
    (order === 'time' ? compareStands(stand(row), after) > 0 : integer(row, 'revision') > after.revision);

function paged(rows: readonly Row[], flags: ReadonlyMap<number, readonly string[]>, limit: number) {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return {
    events: shown.map((row) => historyEvent(row, flags.get(integer(row, 'revision')) ?? [])),
    next: rows.length > limit && last !== undefined ? stand(last) : null,
  };
}

/** How many rows are read from the database at once. */
const CHUNK = 1_000;

/** A page of a history from the database. `undefined` where there is no such contract. */
export async function historyPage(snapshot: Snapshot, contract: string, page: HistoryPage) {
  const rows = await rowsAfter(snapshot, contract, page, page.limit + 1);
  if (rows.length === 0 && !(await exists(snapshot, contract))) return undefined;
  return paged(rows, await flagsOf(snapshot, contract, rows), page.limit);
}

/** One chunk of a history for streaming, after `page.after` and up to a position. Empty at its end. */
export async function historyChunk(
  snapshot: Snapshot,
  contract: string,
  page: HistoryPlaceAsked,
  position: bigint,
): Promise<readonly HistoryEvent[]> {
  const rows = await rowsAfter(snapshot, contract, page, CHUNK, position);
  return paged(rows, await flagsOf(snapshot, contract, rows), CHUNK).events;
}

/** The contract's last revision; `undefined` where there is none. */
export async function lastRevision({ db, table }: Snapshot, contract: string): Promise<number | undefined> {
  const rows = await db
    .selectFrom(table(eventTable))
    .select('revision')
    .where('contract', '=', contract)
    .orderBy('revision', 'desc')
    .limit(1)
    .execute();
  return rows[0] === undefined ? undefined : integer(rows[0], 'revision');
}

/** Whether what was shown up to a revision is shown otherwise now: something was corrected since, or all is gone. */
export async function isOtherwise({ db, table }: Snapshot, contract: string, revision: number): Promise<boolean> {
  const since = await db
    .selectFrom(table(eventTable))
    .select(['revision', 'type'])
    .where('contract', '=', contract)
    .where('revision', '>=', revision)
    .where((eb) => eb.or([eb('revision', '=', revision), eb('type', '=', CORRECTION)]))
    .orderBy('revision')
    .limit(2)
    .execute();
  return since.length !== 1 || integer(since[0]!, 'revision') !== revision;
}

/** Whether there is such a contract. */
export async function exists({ db, table }: Snapshot, contract: string): Promise<boolean> {
  const rows = await db
    .selectFrom(table(eventTable))
    .select('revision')
    .where('contract', '=', contract)
    .limit(1)
    .execute();
  return rows.length > 0;
}

/** The next rows in the order asked for. Both orders have an index, so that a page costs the same wherever it is. */
async function rowsAfter(
  { db, table }: Snapshot,
  contract: string,
  { order, type, reporter, from, to, after }: HistoryPlaceAsked,
  limit: number,
  upTo?: bigint,
): Promise<readonly Row[]> {
  const instant = order === 'time' ? 'happened' : 'recordedtime';
  let query = db.selectFrom(table(eventTable)).selectAll().where('contract', '=', contract);
  if (type !== undefined) query = query.where('type', '=', type);
  if (reporter !== undefined) query = query.where('reporter', '=', reporter);
  // Of a day: from its first instant, `...T00`, to before `...T24`.
  if (from !== undefined) query = query.where(instant, '>=', `${from}T`);
  if (to !== undefined) query = query.where(instant, '<', `${to}T24`);
  if (upTo !== undefined) query = query.where('position', '<=', upTo);
  if (order === 'recorded') {
    if (after !== undefined) query = query.where('revision', '>', after.revision);
    return query.orderBy('revision').limit(limit).execute();
  }
  if (after !== undefined) {
    const place = sql<string>`(${sortableInstant(after.time)}, ${after.revision})`;
    query = query.where(sql<string>`(${sql.ref('happened')}, ${sql.ref('revision')})`, '>', place);
  }
  return query.orderBy('happened').orderBy('revision').limit(limit).execute();
}

async function flagsOf(
  { db, table }: Snapshot,
  contract: string,
  rows: readonly Row[],
): Promise<Map<number, string[]>> {
  if (rows.length === 0) return new Map();
  const revisions = rows.map((row) => integer(row, 'revision'));
  const flags = await db
    .selectFrom(table(eventFlagTable))
    .selectAll()
    .where('contract', '=', contract)
    .where('revision', 'in', revisions)
    .execute();
  return flagsByRevision(flags);
}
