/** The read model as queries see it: one consistent view of the rows of one projection, and the position they show. */
import { sql, type Kysely } from 'kysely';
import type { Projection, Snapshot, Tables } from '../../projections/projection.js';
import { physicalTable, type CopyRecord } from './checkpoint.js';
import { readCopies } from './copies.js';
import { ReadModelError } from './errors.js';
import { isUndefinedTable, openPostgres } from './postgres-connection.js';
import { SqliteReaders } from './sqlite-readers.js';

export interface ReadModel {
  /**
   * Runs a query in one snapshot of the copy that serves: rows and position belong together, whatever is projected,
   * rebuilt or switched meanwhile. `use` may be called twice, where the copy it began with has just been dropped.
   *
   * A new version of a projection is built beside the old copy, which serves until then: `use` reads that one as long
   * as it has all the columns of this version.
   *
   * @throws ReadModelError `projection-building` where there is no such copy yet, or its first rows are being built
   * contract by contract and are of no one position; `read-model-unavailable`
   */
  query<T>(projection: Projection, use: (snapshot: Snapshot) => Promise<T>): Promise<Answer<T>>;
  close(): Promise<void>;
}

export interface Answer<T> {
  readonly result: T;
  /** Of the last event in the rows; 0 before the first one. */
  readonly position: bigint;
}

export type ReadModelUrl =
  { readonly kind: 'sqlite'; readonly path: string } | { readonly kind: 'postgres'; readonly url: string };

/** @throws ReadModelError `invalid-url`, which does not repeat the URL: it may hold a password */
export function parseReadModelUrl(url: string): ReadModelUrl {
  if (url.startsWith('sqlite:') && url.length > 7) return { kind: 'sqlite', path: url.slice(7) };
  if (/^postgres(?:ql)?:\/\/./.test(url)) return { kind: 'postgres', url };
  throw new ReadModelError('invalid-url', 'a read model is sqlite:PATH or postgres://...');
}

/** How many queries run at once; further ones wait. */
const CONNECTIONS = 8;

/** Opens a read model for queries. Files and connections are opened by the first of them. @throws ReadModelError `invalid-url` */
export function openReadModel(url: string): ReadModel {
  const parsed = parseReadModelUrl(url);
  switch (parsed.kind) {
    case 'sqlite':
      return sqliteReadModel(parsed.path);
    case 'postgres':
      return postgresReadModel(parsed.url);
  }
}

function sqliteReadModel(path: string): ReadModel {
  const readers = new SqliteReaders(path, CONNECTIONS);
  return {
    query: (projection, use) =>
      readers.read(async (view) => answer(view.db, projection, view.copies(projection.name), use)),
    close: () => readers.close(),
  };
}

function postgresReadModel(url: string): ReadModel {
  const connection = openPostgres(url, { connections: CONNECTIONS });
  const query = <T>(projection: Projection, use: (snapshot: Snapshot) => Promise<T>): Promise<Answer<T>> =>
    connection.db.connection().execute(async (db) => {
      await sql`begin isolation level repeatable read read only`.execute(db);
      try {
        return await answer(db, projection, await readCopies(db, projection.name), use);
      } finally {
        await sql`rollback`.execute(db);
      }
    });
  return {
    query: async (projection, use) => {
      try {
        return await query(projection, use);
      } catch (error) {
        // The snapshot still shows the copy that served, but names of tables are looked up outside of it: between the
        // two the copy may have been replaced and dropped.
        if (!isUndefinedTable(error)) throw error;
        return query(projection, use).catch((again: unknown) => {
          throw isUndefinedTable(again) ? building(projection) : again;
        });
      }
    },
    close: () => connection.close(),
  };
}

async function answer<T>(
  db: Kysely<Tables>,
  projection: Projection,
  copies: readonly CopyRecord[],
  use: (snapshot: Snapshot) => Promise<T>,
): Promise<Answer<T>> {
  const serving = copies.find(({ role }) => role === 'serving');
  if (serving === undefined || serving.isClaimed || !readable(serving, projection)) throw building(projection);
  const position = serving.checkpoint?.position ?? 0n;
  const result = await use({ db, position, table: ({ name }) => physicalTable(name, serving) });
  return { result, position };
}

const building = ({ name, version }: Projection): ReadModelError =>
  new ReadModelError('projection-building', `${name} version ${version} is being built`);

/** Whether the copy has all that queries of this version of the projection ask for. */
const readable = (copy: CopyRecord, { tables, version }: Projection): boolean =>
  copy.version === version ||
  tables.every(({ name, columns }) => {
    const present = copy.tables[name];
    return present !== undefined && Object.keys(columns).every((column) => present.includes(column));
  });
