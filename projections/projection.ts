/**
 * What a projection is: tables, and a pure function from the facts of a contract to rows. The projector in
 * `src/subscriptions/` reads, decodes and folds each event once into the facts (`src/contract/model.ts`) and hands them
 * to every projection; no projection reads a clock, a database or another projection.
 */
import type { Kysely } from 'kysely';
import type { ChangedKind, ContractModel, Touched } from '../src/contract/model.js';

/**
 * How a column is kept. `integer` holds a JavaScript number, `bigint` a position; `json` is text that the projection
 * writes and reads itself, so that both databases give back the same characters. A date is `text` (YYYY-MM-DD).
 */
export type ColumnType = 'text' | 'integer' | 'bigint' | 'json';
export type ColumnValue = string | number | bigint | null;
export type Row = Readonly<Record<string, ColumnValue>>;

export interface TableDefinition {
  /** Name without the version: `schedule_milestone` becomes the table `schedule_milestone_v1`. */
  readonly name: string;
  /** In order. `contract` (text) is always the first one and always part of the key. */
  readonly columns: Readonly<Record<string, { readonly type: ColumnType; readonly nullable?: boolean }>>;
  /** Names of the columns of the primary key, `contract` first. */
  readonly key: readonly string[];
  /** Read contract by contract over all of them: on SQLite the rows are then kept in the order of the key. */
  readonly clustered?: boolean;
  /** Further indexes, each a list of columns. */
  readonly indexes?: readonly (readonly string[])[];
}

/** A table of things of a contract by their id: in the order of `seq`, each with what is shown of it as JSON in `facts`. */
export const listTable = (name: string, id: string): TableDefinition => ({
  name,
  columns: { contract: { type: 'text' }, [id]: { type: 'text' }, seq: { type: 'integer' }, facts: { type: 'json' } },
  key: ['contract', id],
});

/** Puts a row of a {@link listTable}. */
export function putListed(
  rows: RowSink,
  table: TableDefinition,
  {
    contract,
    id,
    seq,
    facts,
  }: { readonly contract: string; readonly id: string; readonly seq: number; readonly facts: object },
): void {
  rows.put(table, { contract, [table.key[1]!]: id, seq, facts: JSON.stringify(facts) });
}

/** Those of a kind that changed, with their ids. */
export const changedOf = <T>(
  touched: Touched,
  kind: ChangedKind,
  all: ReadonlyMap<string, T>,
): readonly (readonly [string, T])[] =>
  [...(touched.changed.get(kind) ?? [])].flatMap((id) => {
    const found = all.get(id);
    return found === undefined ? [] : [[id, found] as const];
  });

/** Those of a kind that were changed; all of them where what is in force may have changed. */
export const touchedOf = <T>(
  touched: Touched,
  kind: ChangedKind,
  all: ReadonlyMap<string, T>,
): Iterable<readonly [string, T]> => (touched.all ? all : changedOf(touched, kind, all));

/** Takes the rows of one contract. A row put twice counts as put last; `remove` names the key's columns. */
export interface RowSink {
  put(table: TableDefinition, row: Row): void;
  remove(table: TableDefinition, key: Row): void;
}

export interface Projection {
  /** Kebab case, as on `/health`. */
  readonly name: string;
  /** Raised whenever the same events would give other rows or tables: then it is built anew beside the old one. */
  readonly version: number;
  readonly tables: readonly TableDefinition[];
  /**
   * Puts the rows that the events folded since the last call have changed. Pure: it depends on `facts` and `touched`
   * alone. After a fold from the first event, the rows put are all the rows of the contract.
   */
  evolve(facts: ContractModel, touched: Touched, rows: RowSink): void;
}

/** Tables by their physical names, as Kysely sees them. */
export type Tables = Record<string, Record<string, ColumnValue>>;

/** One consistent view of a projection's rows, with the position that they show. */
export interface Snapshot {
  readonly db: Kysely<Tables>;
  /** The physical name of a table in the copy that serves. */
  readonly table: (definition: TableDefinition) => string;
  readonly position: bigint;
}

/** All rows of one contract, by table name: from the database, or from a replay in memory. */
export type ContractRows = ReadonlyMap<string, readonly Row[]>;

/** Reads all rows of a contract; empty lists where there is none. */
export async function loadRows(
  { db, table }: Snapshot,
  tables: readonly TableDefinition[],
  contract: string,
): Promise<ContractRows> {
  const rows = new Map<string, readonly Row[]>();
  for (const definition of tables)
    rows.set(
      definition.name,
      await db.selectFrom(table(definition)).selectAll().where('contract', '=', contract).execute(),
    );
  return rows;
}

export const rowsOf = (rows: ContractRows, definition: TableDefinition): readonly Row[] =>
  rows.get(definition.name) ?? [];

// Reading columns back: each says what it holds.
export const text = (row: Row, column: string): string => String(row[column]);
export const textOrNull = (row: Row, column: string): string | null => {
  const value = row[column];
  return value === null || value === undefined ? null : String(value);
};
export const integer = (row: Row, column: string): number => Number(row[column]);
export const integerOrNull = (row: Row, column: string): number | null => {
  const value = row[column];
  return value === null || value === undefined ? null : Number(value);
};
export const json = <T>(row: Row, column: string): T => JSON.parse(text(row, column)) as T;
/** The name of an event, of two columns. */
export const nameOrNull = (row: Row, prefix: string): { id: string; source: string } | null => {
  const id = textOrNull(row, `${prefix}_id`);
  return id === null ? null : { id, source: text(row, `${prefix}_source`) };
};
export const flag = (value: boolean): number => (value ? 1 : 0);

/** Rows by what a key says of each, in the order in which they come. */
export function groupRows(rows: readonly Row[], keyOf: (row: Row) => string): Map<string, Row[]> {
  const found = new Map<string, Row[]>();
  for (const row of rows) {
    const key = keyOf(row);
    const of = found.get(key);
    if (of === undefined) found.set(key, [row]);
    else of.push(row);
  }
  return found;
}
/** Rows in the order of an integer column. */
export const ordered = (rows: readonly Row[], column: string): Row[] =>
  [...rows].sort((a, b) => integer(a, column) - integer(b, column));
