import { setTimeout as pause } from 'node:timers/promises';
import type Database from 'better-sqlite3';
import { sql, type Kysely } from 'kysely';
import type { ColumnValue, Row, TableDefinition, Tables } from '../../projections/projection.js';
import { physicalTable, type CopyId } from './checkpoint.js';
import { createCopiesTable, moveCheckpointsParameters, moveCheckpointsSql } from './copies.js';
import { codeOf } from './errors.js';
import type { ReadModelWriter, WriteTransaction } from './read-model-writer.js';
import { BUSY_MS, openSqlite, refusing, SQLITE_TYPES, sqliteError } from './sqlite-connection.js';

/**
 * The rows go in one by one, by a statement prepared once per table: SQLite spends its time on pages, so that statements
 * of many rows were no faster when measured, and parsing JSON was slower.
 */
interface TableStatements {
  readonly columns: readonly string[];
  readonly key: readonly string[];
  readonly put: Database.Statement;
  readonly remove: Database.Statement;
  readonly clear: Database.Statement;
}

export async function openSqliteWriter(path: string): Promise<ReadModelWriter> {
  const connection = openSqlite(path, false);
  const { handle, db } = connection;
  await createCopiesTable(db, SQLITE_TYPES);
  const statements = new Map<string, TableStatements>();
  const moves = new Map<string, Database.Statement>();

  const statementsFor = (copy: CopyId, table: TableDefinition): TableStatements => {
    const physical = physicalTable(table.name, copy);
    let known = statements.get(physical);
    if (known === undefined) statements.set(physical, (known = prepareStatements(handle, db, table, physical)));
    return known;
  };

  const transaction: WriteTransaction = {
    db,
    // SQLite has one writer at a time, whatever it writes.
    lockSchema: () => Promise.resolve(),
    moveCheckpoints: async (copies, from, to) => {
      const text = moveCheckpointsSql(db, copies, sql`name`);
      let move = moves.get(text);
      if (move === undefined) moves.set(text, (move = handle.prepare(text)));
      return move.all(moveCheckpointsParameters(from, to)).length === copies.length;
    },
    write: async (copy, table, { puts, removes }) => {
      const { columns, key, put, remove } = statementsFor(copy, table);
      refusing(() => {
        for (const row of removes.values()) remove.run(valuesOf(row, key));
        for (const row of puts.values()) put.run(valuesOf(row, columns));
      });
    },
    clearContract: async (copy, table, contract) => {
      statementsFor(copy, table).clear.run(contract);
    },
  };

  let last: Promise<unknown> = Promise.resolve();
  return {
    types: SQLITE_TYPES,
    shared: undefined,
    transaction: (work) => {
      const mine = last.then(async () => {
        try {
          await begin(handle);
          try {
            const result = await work(transaction);
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
    },
    close: async () => {
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

const valuesOf = (row: Row, columns: readonly string[]): ColumnValue[] => columns.map((column) => row[column] ?? null);

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
    columns,
    key: table.key,
    put: handle.prepare(put.sql),
    remove: handle.prepare(remove.compile().sql),
    clear: handle.prepare(clear.compile().sql),
  };
}
