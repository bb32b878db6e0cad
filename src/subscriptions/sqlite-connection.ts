/** A SQLite file as Kysely sees it: statements prepared once, and `bigint` columns read as bigint, integers as numbers. */
import Database from 'better-sqlite3';
import { Kysely, SqliteDialect, type SqliteDatabase, type SqliteStatement } from 'kysely';
import type { Tables } from '../../projections/projection.js';
import type { ColumnTypes } from './copies.js';
import { codeOf, messageOf, ReadModelError } from './errors.js';

/** What is declared says how a column is read back. `BIGINT` and `INTEGER` have the same affinity. */
export const SQLITE_TYPES: ColumnTypes = {
  text: 'TEXT',
  integer: 'INTEGER',
  bigint: 'BIGINT',
  json: 'TEXT',
  clustered: 'without rowid',
};

/** Queries come from a handful of places with few variants each; what is over the limit is prepared anew. */
const MAX_STATEMENTS = 300;

/** How long a writer waits for another process that writes to the same file. */
export const BUSY_MS = 5_000;

export interface SqliteConnection {
  readonly handle: Database.Database;
  readonly db: Kysely<Tables>;
  close(): void;
}

/** @throws ReadModelError `read-model-unavailable` */
export function openSqlite(path: string, readOnly: boolean): SqliteConnection {
  try {
    const handle = new Database(path, { readonly: readOnly, fileMustExist: readOnly, timeout: BUSY_MS });
    if (!readOnly) {
      // Takes effect in a new file. Rows of an event are 600 bytes: with pages twice the usual size they cost 40 % less.
      handle.pragma('page_size = 8192');
      handle.pragma('journal_mode = WAL');
      // A read model may lose its last transactions in a power cut, rows and checkpoint together: they are made again.
      handle.pragma('synchronous = NORMAL');
      // 40 MB: fewer, larger transfers into the file while a projection is built.
      handle.pragma('wal_autocheckpoint = 5000');
      handle.pragma('cache_size = -16384');
      // From here on the writer waits for others without holding up its thread.
      handle.pragma('busy_timeout = 0');
    }
    const db = new Kysely<Tables>({ dialect: new SqliteDialect({ database: new TypedDatabase(handle) }) });
    return { handle, db, close: () => handle.close() };
  } catch (error) {
    throw sqliteError(error);
  }
}

class TypedDatabase implements SqliteDatabase {
  readonly #handle: Database.Database;
  readonly #statements = new Map<string, TypedStatement>();

  constructor(handle: Database.Database) {
    this.#handle = handle;
  }

  prepare(sql: string): SqliteStatement {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = refusing(() => new TypedStatement(() => this.#handle.prepare(sql)));
    if (this.#statements.size >= MAX_STATEMENTS) this.#statements.clear();
    this.#statements.set(sql, statement);
    return statement;
  }

  close(): void {
    this.#handle.close();
  }
}

type SqliteRow = Record<string, unknown>;

class TypedStatement implements SqliteStatement {
  readonly reader: boolean;
  readonly #prepare: () => Database.Statement;
  readonly #statement: Database.Statement;
  /** Columns that are not declared `BIGINT`, where others are; `undefined` where no column is. */
  readonly #numbers: readonly string[] | undefined;

  constructor(prepare: () => Database.Statement) {
    this.#prepare = prepare;
    this.#statement = prepare();
    this.reader = this.#statement.reader;
    const columns = this.reader ? this.#statement.columns() : [];
    this.#numbers = columns.some(isBigint)
      ? columns.filter((column) => !isBigint(column)).map(({ name }) => name)
      : undefined;
    if (this.#numbers !== undefined) this.#statement.safeIntegers(true);
  }

  all(parameters: readonly unknown[]): unknown[] {
    const rows = refusing(() => this.#statement.all(parameters) as SqliteRow[]);
    if (this.#numbers !== undefined) for (const row of rows) this.#toNumbers(row);
    return rows;
  }

  run(parameters: readonly unknown[]) {
    return refusing(() => this.#statement.run(parameters));
  }

  /** A statement that is being stepped through is busy, so each iteration has one of its own. */
  *iterate(parameters: readonly unknown[]): IterableIterator<unknown> {
    const statement = this.#prepare();
    if (this.#numbers !== undefined) statement.safeIntegers(true);
    for (const row of statement.iterate(parameters) as IterableIterator<SqliteRow>) {
      if (this.#numbers !== undefined) this.#toNumbers(row);
      yield row;
    }
  }

  #toNumbers(row: SqliteRow): void {
    for (const column of this.#numbers!) if (typeof row[column] === 'bigint') row[column] = Number(row[column]);
  }
}

/** No driver's error leaves. @throws ReadModelError `row-refused`, `read-model-unavailable` */
export function refusing<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw sqliteError(error);
  }
}

const isBigint = ({ type }: Database.ColumnDefinition): boolean => type === SQLITE_TYPES.bigint;

/** Statements and rows that SQLite will refuse again; all else may have to do with the disk or with other processes. */
const REFUSED = /^SQLITE_(?:CONSTRAINT|MISMATCH|TOOBIG|RANGE|ERROR)/;

/** Tells what is wrong with a row from what is wrong with the database. Our own errors are passed on. */
export function sqliteError(error: unknown): ReadModelError {
  if (error instanceof ReadModelError) return error;
  const code = codeOf(error);
  const refused = code?.startsWith('SQLITE_') === true ? REFUSED.test(code) : isBindingError(error);
  return new ReadModelError(
    refused ? 'row-refused' : 'read-model-unavailable',
    `SQLite: ${messageOf(error)}${code === undefined ? '' : ` (${code})`}`,
    error,
  );
}

/** better-sqlite3 says so when it is given what is no SQLite value. */
const isBindingError = (error: unknown): boolean =>
  error instanceof Error && (error.name === 'TypeError' || error.name === 'RangeError');
