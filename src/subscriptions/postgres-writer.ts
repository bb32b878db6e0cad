import { CompiledQuery, sql, type Kysely } from 'kysely';
import type { ColumnValue, Row, TableDefinition, Tables } from '../../projections/projection.js';
import { writeBatch } from './batch.js';
import { physicalTable, type CopyId } from './checkpoint.js';
import { createCopiesTable, moveCheckpointsParameters, moveCheckpointsSql } from './copies.js';
import { COPY_IN, openPostgres, POSTGRES_TYPES, type PostgresConnection } from './postgres-connection.js';
import type { ReadModelWriter, WriteTransaction } from './read-model-writer.js';

/** Where leaders tell the others that a checkpoint has moved. */
export const CHANNEL = 'waybook_projections';

/** Each lane writes on one connection at a time, and so does what makes and switches copies. */
const CONNECTIONS = 6;

/** Guards the making and dropping of tables; any number that nobody else is likely to use. */
const SCHEMA_LOCK = 0x77617962;

/**
 * A batch goes in as one statement a table, each column an array: half the time of a list of values on both sides, and
 * its text does not depend on the number of rows, so that the server plans it once.
 */
interface TableStatements {
  readonly columns: readonly string[];
  readonly key: readonly string[];
  readonly put: string;
  readonly remove: string;
  readonly clear: string;
  /** Half the work of `put`, where no key is there yet. */
  readonly copyIn: string;
}

interface Statements {
  /** By physical name. */
  readonly tables: Map<string, TableStatements>;
  /** By the list of copies, of which each lane has one. */
  readonly moves: WeakMap<readonly CopyId[], string>;
}

export async function openPostgresWriter(url: string): Promise<ReadModelWriter> {
  const connection = openPostgres(url, {
    connections: CONNECTIONS,
    // What a crash of the server loses is made again, rows and checkpoint together.
    settings: 'set synchronous_commit = off',
  });
  try {
    await connection.db.transaction().execute(async (db) => {
      await lockSchema(db);
      await createCopiesTable(db, POSTGRES_TYPES);
    });
  } catch (error) {
    await connection.close();
    throw error;
  }
  const statements: Statements = { tables: new Map(), moves: new WeakMap() };
  const transaction: ReadModelWriter['transaction'] = (work) =>
    connection.db.transaction().execute((db) => work(writeTransaction(connection, db, statements)));
  return {
    types: POSTGRES_TYPES,
    shared: { url },
    transaction,
    write: (batch) => writeBatch(transaction, batch),
    close: () => connection.close(),
  };
}

async function lockSchema(db: Kysely<Tables>): Promise<void> {
  await sql`select pg_advisory_xact_lock(${sql.lit(SCHEMA_LOCK)})`.execute(db);
}

function writeTransaction(
  connection: PostgresConnection,
  db: Kysely<Tables>,
  { tables, moves }: Statements,
): WriteTransaction {
  const statementsFor = (copy: CopyId, table: TableDefinition): TableStatements => {
    const physical = physicalTable(table.name, copy);
    let known = tables.get(physical);
    if (known === undefined) tables.set(physical, (known = compileStatements(connection, table, physical)));
    return known;
  };
  return {
    db,
    lockSchema: () => lockSchema(db),
    moveCheckpoints: async (copies, from, to) => {
      let text = moves.get(copies);
      if (text === undefined) {
        moves.set(copies, (text = moveCheckpointsSql(db, copies, sql`pg_notify(${sql.lit(CHANNEL)}, name)`)));
        connection.prepareAlways(text);
      }
      const moved = await db.executeQuery(CompiledQuery.raw(text, [...moveCheckpointsParameters(from, to)]));
      return moved.rows.length === copies.length;
    },
    write: async (copy, table, { puts, removes }) => {
      const { columns, key, put, remove } = statementsFor(copy, table);
      if (removes.size > 0) await db.executeQuery(CompiledQuery.raw(remove, arrays([...removes.values()], key)));
      if (puts.size > 0) await db.executeQuery(CompiledQuery.raw(put, arrays([...puts.values()], columns)));
    },
    add: async (copy, table, rows) => {
      if (rows.size === 0) return;
      const { columns, copyIn } = statementsFor(copy, table);
      await db.executeQuery(CompiledQuery.raw(copyIn, [copyText(rows.values(), columns)]));
    },
    clearContract: async (copy, table, contract) => {
      await db.executeQuery(CompiledQuery.raw(statementsFor(copy, table).clear, [contract]));
    },
  };
}

function compileStatements(connection: PostgresConnection, table: TableDefinition, physical: string): TableStatements {
  const { db } = connection;
  const columns = Object.keys(table.columns);
  const others = columns.filter((column) => !table.key.includes(column));
  const arrayOf = (column: string) => sql`${null}::${sql.raw(ARRAY_TYPES[table.columns[column]!.type])}`;
  const into = sql`insert into ${sql.table(physical)} (${sql.join(columns.map((column) => sql.ref(column)))})`;
  const update = sql.join(others.map((column) => sql`${sql.ref(column)} = ${sql.ref(`excluded.${column}`)}`));
  const onConflict = sql`on conflict (${sql.join(table.key.map((column) => sql.ref(column)))}) do ${
    others.length === 0 ? sql`nothing` : sql`update set ${update}`
  }`;
  const keys = table.key.map((_, at) => `k${at}`);
  const matches = sql.join(
    table.key.map((column, at) => sql`${sql.ref(`${physical}.${column}`)} = ${sql.ref(`given.${keys[at]!}`)}`),
    sql` and `,
  );
  const given = sql`unnest(${sql.join(table.key.map(arrayOf))}) as given(${sql.join(keys.map((name) => sql.ref(name)))})`;
  const compiled = {
    put: sql`${into} select * from unnest(${sql.join(columns.map(arrayOf))}) ${onConflict}`.compile(db).sql,
    remove: sql`delete from ${sql.table(physical)} using ${given} where ${matches}`.compile(db).sql,
    clear: sql`delete from ${sql.table(physical)} where contract = ${null}`.compile(db).sql,
  };
  for (const text of Object.values(compiled)) connection.prepareAlways(text);
  const names = sql.join(columns.map((column) => sql.ref(column)));
  const copyIn = sql`${sql.raw(COPY_IN)}${sql.table(physical)} (${names}) from stdin`.compile(db).sql;
  return { columns, key: table.key, ...compiled, copyIn };
}

const ARRAY_TYPES = { text: 'text[]', integer: 'bigint[]', bigint: 'numeric[]', json: 'text[]' } as const;

const arrays = (rows: readonly Row[], columns: readonly string[]): string[] =>
  columns.map((column) => arrayLiteral(rows, column));

/** Rows as `COPY FROM STDIN` takes them (PostgreSQL, COPY, text format): values between tabs, a row a line, `\\N` for null. */
function copyText(rows: Iterable<Row>, columns: readonly string[]): string {
  let text = '';
  for (const row of rows) {
    let isFirst = true;
    for (const column of columns) {
      const value: ColumnValue = row[column] ?? null;
      if (!isFirst) text += '\t';
      isFirst = false;
      if (value === null) text += '\\N';
      else if (typeof value === 'string') text += COPY_SPECIAL.test(value) ? copyEscaped(value) : value;
      else text += value;
    }
    text += '\n';
  }
  return text;
}

const COPY_SPECIAL = /[\\\n\r\t]/;
const copyEscaped = (value: string): string =>
  value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\r', '\\r').replaceAll('\t', '\\t');

/** One column of the rows as the text of an array (PostgreSQL, section 8.15.2): every text quoted. */
function arrayLiteral(rows: readonly Row[], column: string): string {
  let literal = '{';
  for (let at = 0; at < rows.length; at += 1) {
    if (at > 0) literal += ',';
    const value: ColumnValue = rows[at]![column] ?? null;
    if (value === null) literal += 'NULL';
    else if (typeof value === 'string')
      literal += SPECIAL.test(value) ? `"${value.replace(ESCAPED, '\\$&')}"` : `"${value}"`;
    else literal += value;
  }
  return `${literal}}`;
}

const SPECIAL = /["\\]/;
const ESCAPED = /["\\]/g;
