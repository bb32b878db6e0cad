/** A few read-only connections to one SQLite file, each in use by one query at a time. */
import type Database from 'better-sqlite3';
import type { Kysely } from 'kysely';
import type { Tables } from '../../projections/projection.js';
import type { CopyRecord } from './checkpoint.js';
import { COPIES, toRecord, type CopiesTable } from './copies.js';
import { codeOf, ReadModelError } from './errors.js';
import { openSqlite, sqliteError, type SqliteConnection } from './sqlite-connection.js';

export interface SqliteView {
  readonly db: Kysely<Tables>;
  /** The copies of a projection, as of the view; none before the first projector has run. */
  copies(name: string): readonly CopyRecord[];
}

interface Reader {
  readonly connection: SqliteConnection;
  readonly begin: Database.Statement;
  readonly end: Database.Statement;
  copies: Database.Statement<[string], CopyRow> | undefined;
}

/** Read with all integers as bigint. */
type CopyRow = Omit<CopiesTable, 'version'> & { readonly version: bigint };

export class SqliteReaders {
  readonly #path: string;
  readonly #limit: number;
  readonly #idle: Reader[] = [];
  readonly #waiting: (() => void)[] = [];
  #open = 0;
  #closed = false;

  constructor(path: string, limit: number) {
    this.#path = path;
    this.#limit = limit;
  }

  /** Runs `use` in one read transaction. @throws ReadModelError `read-model-unavailable` */
  async read<T>(use: (view: SqliteView) => Promise<T>): Promise<T> {
    const reader = await this.#acquire();
    try {
      reader.begin.run();
      try {
        return await use({ db: reader.connection.db, copies: (name) => copiesOf(reader, name) });
      } finally {
        reader.end.run();
      }
    } finally {
      this.#release(reader);
    }
  }

  /** Waits for the queries under way. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const wake of this.#waiting.splice(0)) wake();
    for (;;) {
      for (const { connection } of this.#idle.splice(0)) {
        connection.close();
        this.#open -= 1;
      }
      if (this.#open === 0) return;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  async #acquire(): Promise<Reader> {
    for (;;) {
      if (this.#closed) throw new ReadModelError('read-model-unavailable', 'the read model is closed');
      const idle = this.#idle.pop();
      if (idle !== undefined) return idle;
      if (this.#open < this.#limit) {
        const reader = openReader(this.#path);
        this.#open += 1;
        return reader;
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  #release(reader: Reader): void {
    this.#idle.push(reader);
    this.#waiting.shift()?.();
  }
}

function openReader(path: string): Reader {
  const connection = openSqlite(path, true);
  const { handle } = connection;
  return { connection, begin: handle.prepare('begin'), end: handle.prepare('rollback'), copies: undefined };
}

function copiesOf(reader: Reader, name: string): readonly CopyRecord[] {
  try {
    reader.copies ??= reader.connection.handle
      .prepare<[string], CopyRow>(`select * from ${COPIES} where name = ? order by version, copy`)
      .safeIntegers(true);
    return reader.copies.all(name).map((row) => toRecord({ ...row, version: Number(row.version) }));
  } catch (error) {
    // The file is there, but no projector has made its tables yet.
    if (codeOf(error) === 'SQLITE_ERROR') return [];
    throw sqliteError(error);
  }
}
