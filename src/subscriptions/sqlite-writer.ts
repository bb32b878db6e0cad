import { setTimeout as pause } from 'node:timers/promises';
import type Database from 'better-sqlite3';
import { sql, type Kysely } from 'kysely';
import type { ColumnValue, TableDefinition, Tables } from '../../projections/projection.js';
import { writeBatch } from './batch.js';
import { physicalTable, type CopyId } from './checkpoint.js';
import { createCopiesTable, moveCheckpointsParameters, moveCheckpointsSql } from './copies.js';
import { codeOf } from './errors.js';
import type { ReadModelWriter, WriteTransaction } from './read-model-writer.js';
import type { DistinctRows } from './row-buffer.js';
import { BUSY_MS, openSqlite, refusing, SQLITE_TYPES, sqliteError } from './sqlite-connection.js';
import type { SqliteThread } from './sqlite-thread.js';

/**
 * The rows go in one by one, by a statement prepared once per table: SQLite spends its time on pages, so that statements
 * of many rows were no faster when measured, and parsing JSON was slower.
 */
interface TableStatements {
  readonly put: Database.Statement;
  readonly remove: Database.Statement;
  readonly clear: Database.Statement;
}

export interface SqliteWriter extends ReadModelWriter {
  /** Within a transaction: puts rows and removes keys, given as values in the order of columns and key. */
  readonly writeValues: (
    copy: CopyId,
    table: TableDefinition,
    puts: Iterable<readonly ColumnValue[]>,
    removes: Iterable<readonly ColumnValue[]>,
  ) => void;
}

/** Fewer rows than these are written before another thread would have heard of them. */
const ROWS_WORTH_A_THREAD = 500;

/** @param thread writes large batches, where it is given */
export async function openSqliteWriter(path: string, thread?: SqliteThread): Promise<SqliteWriter> {
  const connection = openSqlite(path, false);
  const { handle, db } = connection;
  await createCopiesTable(db, SQLITE_TYPES);
  const statements = new Map<string, TableStatements>();
  /** By the list of copies, of which each lane has one. */
  const moves = new WeakMap<readonly CopyId[], Database.Statement>();

  const statementsFor = (copy: CopyId, table: TableDefinition): TableStatements => {
    const physical = physicalTable(table.name, copy);
    let known = statements.get(physical);
    if (known === undefined) statements.set(physical, (known = prepareStatements(handle, db, table, physical)));
    return known;
  };

  const writeValues: SqliteWriter['writeValues'] = (copy, table, puts, removes) => {
    const { put, remove } = statementsFor(copy, table);
    refusing(() => {
      for (const key of removes) remove.run(key);
      for (const row of puts) put.run(row);
    });
  };

  const begun: WriteTransaction = {
    db,
    // SQLite has one writer at a time, whatever it writes.
    lockSchema: () => Promise.resolve(),
    moveCheckpoints: async (copies, from, to) => {
      let move = moves.get(copies);
      if (move === undefined) moves.set(copies, (move = handle.prepare(moveCheckpointsSql(db, copies, sql`name`))));
      return move.all(moveCheckpointsParameters(from, to)).length === copies.length;
    },
    write: async (copy, table, { puts, removes }) => {
      const columns = Object.keys(table.columns);
      writeValues(copy, table, eachOf(puts, columns), eachOf(removes, table.key));
    },
    add: async (copy, table, rows) => {
      writeValues(copy, table, eachOf(rows, Object.keys(table.columns)), []);
    },
    clearContract: async (copy, table, contract) => {
      statementsFor(copy, table).clear.run(contract);
    },
  };

  let last: Promise<unknown> = Promise.resolve();
  const transaction: ReadModelWriter['transaction'] = (work) => {
    const mine = last.then(async () => {
      try {
        await begin(handle);
        try {
          const result = await work(begun);
          handle.exec('commit');
          return result;
        } finally {
          if (handle.inTransaction) handle.exec('rollback');
        }
      } catch (error) {
        throw isDriverError(error) ? sqliteError(error) : error;
      }
    });
    last = mine.catch(() => undefined);
    return mine;
  };
  return {
    types: SQLITE_TYPES,
    shared: undefined,
    transaction,
    writeValues,
    write: (batch) => {
      const rows = batch.changes.reduce((sum, { rows: { puts, removes } }) => sum + puts.size + removes.size, 0);
      return thread !== undefined && rows >= ROWS_WORTH_A_THREAD ? thread.write(batch) : writeBatch(transaction, batch);
    },
    close: async () => {
      await thread?.close();
      await last;
      if (!handle.open) return;
      // Leaves one file behind where nobody else has it open.
      handle.pragma('wal_checkpoint(TRUNCATE)');
      connection.close();
    },
  };
}

/** Waits, without blocking, for a writer of another process. */
async function begin(handle: Database.Database): Promise<void> {
  for (let waited = 0; ; waited += RETRY_MS) {
    try {
      handle.exec('begin immediate');
      return;
    } catch (error) {
      if (codeOf(error) !== 'SQLITE_BUSY' || waited >= BUSY_MS) throw error;
    }
    await pause(RETRY_MS);
  }
}
const RETRY_MS = 5;

/** What better-sqlite3 throws itself, of statements that run here without Kysely. */
const isDriverError = (error: unknown): boolean =>
  error instanceof Error && (error.name === 'SqliteError' || error.name === 'TypeError' || error.name === 'RangeError');

/** Each row's values, in one list that is filled anew: the statement has taken them when the next row comes. */
function* eachOf(rows: DistinctRows, columns: readonly string[]): Iterable<readonly ColumnValue[]> {
  const values: ColumnValue[] = columns.map(() => null);
  for (const row of rows.values()) {
    for (let at = 0; at < columns.length; at += 1) values[at] = row[columns[at]!] ?? null;
    yield values;
  }
}

function prepareStatements(
  handle: Database.Database,
  db: Kysely<Tables>,
  table: TableDefinition,
  physical: string,
): TableStatements {
  const columns = Object.keys(table.columns);
  const others = columns.filter((column) => !table.key.includes(column));
  const any = Object.fromEntries(columns.map((column) => [column, null]));
  const put = db
    .insertInto(physical)
    .values(any)
    .onConflict((conflict) => {
      const onKey = conflict.columns([...table.key]);
      return others.length === 0
        ? onKey.doNothing()
        : onKey.doUpdateSet(Object.fromEntries(others.map((column) => [column, sql.ref(`excluded.${column}`)])));
    })
    .compile();
  let remove = db.deleteFrom(physical);
  for (const column of table.key) remove = remove.where(column, '=', sql<string>`${null}`);
  const clear = db.deleteFrom(physical).where('contract', '=', sql<string>`${null}`);
  return {
    put: handle.prepare(put.sql),
    remove: handle.prepare(remove.compile().sql),
    clear: handle.prepare(clear.compile().sql),
  };
}
