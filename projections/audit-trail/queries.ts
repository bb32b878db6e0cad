/** `/contracts/{id}/history`, from the rows of `audit-trail`. */
import { compareStands } from '../../src/contract/model.js';
import { integer, json, rowsOf, text, textOrNull, type ContractRows, type Row, type Snapshot } from '../projection.js';
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
    corrects: name(row, 'corrects'),
    correctedBy: name(row, 'corrected_by'),
    flags,
  };
}

function name(row: Row, column: string): { id: string; source: string } | null {
  const id = textOrNull(row, `${column}_id`);
  return id === null ? null : { id, source: text(row, `${column}_source`) };
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

/** A page of a history from the database, in recorded order; in order of `time` the contract is read whole and sorted. */
export async function historyPage(snapshot: Snapshot, contract: string, page: HistoryPage) {
  if (page.order === 'time') {
    const rows = new Map<string, readonly Row[]>();
    for (const table of [eventTable, eventFlagTable])
      rows.set(
        table.name,
        await snapshot.db.selectFrom(snapshot.table(table)).selectAll().where('contract', '=', contract).execute(),
      );
    return historyView(rows, page);
  }
  const found: Row[] = [];
  const wanted = matches(page, page.order);
  let from = page.after === undefined ? -1 : page.after.revision;
  let any = page.after !== undefined;
  for (;;) {
    const rows = await recordedChunk(snapshot, contract, from, page);
    any ||= rows.length > 0;
    for (const row of rows) if (found.length <= page.limit && wanted(row)) found.push(row);
    if (rows.length < CHUNK || found.length > page.limit) break;
    from = integer(rows.at(-1)!, 'revision');
  }
  if (!any && !(await exists(snapshot, contract))) return undefined;
  return paged(found, await flagsOf(snapshot, contract, found), page.limit);
}

async function recordedChunk(
  snapshot: Snapshot,
  contract: string,
  after: number,
  filters: HistoryFilters,
): Promise<Row[]> {
  let query = snapshot.db
    .selectFrom(snapshot.table(eventTable))
    .selectAll()
    .where('contract', '=', contract)
    .where('revision', '>', after);
  if (filters.type !== undefined) query = query.where('type', '=', filters.type);
  if (filters.reporter !== undefined) query = query.where('reporter', '=', filters.reporter);
  return query.orderBy('revision').limit(CHUNK).execute();
}

async function exists(snapshot: Snapshot, contract: string): Promise<boolean> {
  const rows = await snapshot.db
    .selectFrom(snapshot.table(eventTable))
    .select('revision')
    .where('contract', '=', contract)
    .limit(1)
    .execute();
  return rows.length > 0;
}

async function flagsOf(snapshot: Snapshot, contract: string, rows: readonly Row[]): Promise<Map<number, string[]>> {
  const [first, last] = [rows[0], rows.at(-1)];
  if (first === undefined || last === undefined) return new Map();
  const flags = await snapshot.db
    .selectFrom(snapshot.table(eventFlagTable))
    .selectAll()
    .where('contract', '=', contract)
    .where('revision', '>=', integer(first, 'revision'))
    .where('revision', '<=', integer(last, 'revision'))
    .execute();
  return flagsByRevision(flags);
}

/** One chunk of the whole history in recorded order, for streaming; empty at its end. */
export async function historyChunk(
  snapshot: Snapshot,
  contract: string,
  afterRevision: number,
): Promise<HistoryEvent[]> {
  const rows = await recordedChunk(snapshot, contract, afterRevision, {});
  const flags = await flagsOf(snapshot, contract, rows);
  return rows.map((row) => historyEvent(row, flags.get(integer(row, 'revision')) ?? []));
}
