/** PostgreSQL as Kysely sees it: `bigint` columns read as bigint, integers as numbers, frequent statements prepared. */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Kysely, PostgresDialect, type PostgresPool, type PostgresPoolClient } from 'kysely';
import {
  DatabaseError,
  Pool,
  types as driverTypes,
  type ClientConfig,
  type CustomTypesConfig,
  type PoolClient,
  type QueryResult,
} from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import type { Tables } from '../../projections/projection.js';
import type { ColumnTypes } from './copies.js';
import { codeOf, messageOf, ReadModelError } from './errors.js';

/**
 * A JavaScript integer needs 53 bits, so `integer` is an eight-byte one; `bigint` is `numeric`, which tells the two apart
 * when they are read. Text sorts by code point, as in SQLite, whatever the database's locale.
 */
export const POSTGRES_TYPES: ColumnTypes = {
  text: 'text collate "C"',
  integer: 'bigint',
  bigint: 'numeric(20)',
  json: 'text collate "C"',
};

const INT8 = 20;
const NUMERIC = 1700;

/** Whatever the driver gives for a type, but integers as numbers; `numeric` stays text for {@link typed} to read. */
const types: CustomTypesConfig = {
  getTypeParser: (oid, format) => {
    const id: number = oid;
    if (id === INT8) return Number;
    return id === NUMERIC ? String : (driverTypes.getTypeParser(oid, format) as (value: string) => unknown);
  },
};

/** A column of a table is a bigint; a sum, which PostgreSQL also gives as `numeric`, is a number as in SQLite. */
function typed(result: QueryResult): QueryResult {
  for (const { name, dataTypeID, tableID } of result.fields ?? []) {
    if (dataTypeID !== NUMERIC) continue;
    for (const row of result.rows as Record<string, unknown>[]) {
      const value = row[name];
      if (typeof value === 'string') row[name] = tableID === 0 ? Number(value) : BigInt(value);
    }
  }
  return result;
}

/** How a statement begins whose one parameter is the text that it copies in: no parameter of the database, but its input. */
export const COPY_IN = 'copy ';
const NO_ROWS = { command: 'COPY', rowCount: 0, rows: [] };

/** How long one statement may take before the connection counts as lost. */
const QUERY_TIMEOUT_MS = 120_000;
const CONNECT_TIMEOUT_MS = 10_000;

export interface PostgresConnection {
  readonly db: Kysely<Tables>;
  /** Has the server keep the plan of a statement that is run again and again. */
  prepareAlways(sql: string): void;
  close(): Promise<void>;
}

export interface PostgresOptions {
  readonly connections: number;
  /** Run on each new connection. */
  readonly settings?: string;
}

export const clientConfig = (url: string): ClientConfig => ({
  connectionString: url,
  connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  query_timeout: QUERY_TIMEOUT_MS,
  keepAlive: true,
  application_name: 'waybook',
});

export function openPostgres(url: string, { connections, settings }: PostgresOptions): PostgresConnection {
  const pool = new Pool({ ...clientConfig(url), max: connections });
  // An idle connection that the server ends is replaced by the next query; without a listener it ends the process.
  pool.on('error', () => undefined);
  // Lost while it is in use, the query under way or the next one says so as well.
  pool.on('connect', (client) => client.on('error', () => undefined));
  const names = new Map<string, string>();
  const ready = new WeakMap<PoolClient, PostgresPoolClient>();

  const wrap = (client: PoolClient): PostgresPoolClient => {
    let failed = false;
    const run = async (text: string, values: readonly unknown[]) => {
      const name = names.get(text);
      try {
        if (text.startsWith(COPY_IN)) {
          await pipeline(Readable.from(values), client.query(copyFrom(text)));
          return NO_ROWS;
        }
        return typed(await client.query({ ...(name === undefined ? {} : { name }), text, values: [...values], types }));
      } catch (error) {
        failed = !isServerError(error);
        throw postgresError(error);
      }
    };
    return {
      query: run as unknown as PostgresPoolClient['query'],
      // A connection on which the protocol failed, or timed out, is not used again.
      release: () => client.release(failed),
    };
  };

  const prepare = async (client: PoolClient): Promise<PostgresPoolClient> => {
    try {
      if (settings !== undefined) await client.query(settings);
    } catch (error) {
      client.release(true);
      throw error;
    }
    const wrapped = wrap(client);
    ready.set(client, wrapped);
    return wrapped;
  };

  const kyselyPool: PostgresPool = {
    async connect() {
      try {
        const client = await pool.connect();
        return ready.get(client) ?? (await prepare(client));
      } catch (error) {
        throw postgresError(error);
      }
    },
    end: () => pool.end(),
  };
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: kyselyPool }) });
  return {
    db,
    prepareAlways: (sql) => {
      if (!names.has(sql)) names.set(sql, `w${names.size}`);
    },
    // Kysely's pool is made with its first query; the driver's own is there before.
    close: async () => {
      await db.destroy();
      if (!pool.ended && !pool.ending) await pool.end();
    },
  };
}

const isServerError = (error: unknown): boolean => error instanceof DatabaseError;

/**
 * Classes of SQLSTATE (PostgreSQL, appendix A) that come again with the same statement: 22 data, 23 integrity,
 * 42 names and syntax, 54 limits of the program, such as the length of a key.
 */
const REFUSED = /^(?:22|23|42|54)/;

const UNDEFINED_TABLE = '42P01';
export const isUndefinedTable = (error: unknown): boolean =>
  error instanceof ReadModelError && codeOf(error.cause) === UNDEFINED_TABLE;

/** No driver's error leaves. */
export function postgresError(error: unknown): ReadModelError {
  if (error instanceof ReadModelError) return error;
  const code = codeOf(error);
  const refused = isServerError(error) && code !== undefined && REFUSED.test(code);
  return new ReadModelError(
    refused ? 'row-refused' : 'read-model-unavailable',
    `PostgreSQL: ${messageOf(error)}${code === undefined ? '' : ` (${code})`}`,
    error,
  );
}
