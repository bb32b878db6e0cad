import type { Database } from 'better-sqlite3';
import { EventStoreError } from '../event-store.js';

/** `PRAGMA application_id` of a file of ours: "Wybk" in ASCII. */
export const APPLICATION_ID = 0x5779626b;
/** `PRAGMA user_version`: which of our schemas the file has. */
export const SCHEMA_VERSION = 1;

/**
 * SQLite's page size. A page of 8 KiB holds about six records of 1.3 KiB and wastes less of itself than one of 4 KiB;
 * batches are written a tenth faster, and a single append, which writes whole pages, is no slower.
 */
const PAGE_BYTES = 8192;

/**
 * `position` is assigned by the adapter, the only writer, and is one more than the last: rows are never deleted, so a
 * position is never given twice, and AUTOINCREMENT's second table would be written for nothing.
 */
const SCHEMA: readonly (readonly [name: string, sql: string])[] = [
  ['streams', 'CREATE TABLE streams (key INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT'],
  [
    'events',
    'CREATE TABLE events (position INTEGER PRIMARY KEY, stream INTEGER NOT NULL, revision INTEGER NOT NULL, ' +
      'id BLOB NOT NULL CHECK (length(id) = 16), type TEXT NOT NULL, data TEXT NOT NULL, metadata TEXT NOT NULL) STRICT',
  ],
  ['events_by_stream', 'CREATE UNIQUE INDEX events_by_stream ON events (stream, revision)'],
  ...(['events', 'streams'] as const).flatMap((table) =>
    (['UPDATE', 'DELETE'] as const).map((verb): readonly [string, string] => {
      const name = `${table}_no_${verb.toLowerCase()}`;
      return [
        name,
        `CREATE TRIGGER ${name} BEFORE ${verb} ON ${table} BEGIN SELECT raise(ABORT, 'the ledger is append-only'); END`,
      ];
    }),
  ),
];

/** Makes an empty file a store. Atomic: after a crash the file is either still empty or complete. */
export function createSchema(db: Database): void {
  db.pragma(`page_size = ${PAGE_BYTES}`);
  db.pragma('journal_mode = WAL');
  db.transaction(() => {
    for (const [, sql] of SCHEMA) db.exec(sql);
    db.pragma(`application_id = ${APPLICATION_ID}`);
    db.pragma(`user_version = ${SCHEMA_VERSION}`);
  })();
}

/** Whether the file holds nothing at all: new, or left so by a crash before the schema was committed. */
export function isEmpty(db: Database): boolean {
  return (
    db.pragma('application_id', { simple: true }) === 0 &&
    db.pragma('user_version', { simple: true }) === 0 &&
    db.prepare('SELECT count(*) FROM sqlite_schema').pluck().get() === 0
  );
}

/**
 * Looks at the header, at every table, index and trigger by its text, and at the first and last event and stream by
 * every way that leads to them. Reads a few pages, whatever the size of the file.
 *
 * @throws EventStoreError `store-foreign` for another program's file or one of a later version, `store-damaged` where
 * the file is ours but not as we made it
 * @throws the driver's errors where SQLite itself finds damage
 */
export function checkSchema(db: Database, path: string): void {
  if (db.pragma('application_id', { simple: true }) !== APPLICATION_ID)
    throw new EventStoreError('store-foreign', `${path} is a SQLite database of another program`);
  const version = Number(db.pragma('user_version', { simple: true }));
  if (version > SCHEMA_VERSION)
    throw new EventStoreError('store-foreign', `${path} was written by a later version (schema ${version})`);
  const damaged = (what: string): EventStoreError =>
    new EventStoreError('store-damaged', `${path} is damaged: ${what}`);
  if (version !== SCHEMA_VERSION) throw damaged(`there is no schema ${version}`);

  const found = new Map(
    db.prepare<[], [string, string]>('SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL').raw().all(),
  );
  for (const [name, sql] of SCHEMA) {
    if (found.get(name) !== sql) throw damaged(`${name} is missing or was changed`);
    found.delete(name);
  }
  for (const name of found.keys()) throw damaged(`${name} does not belong to it`);

  for (const order of ['ASC', 'DESC'] as const) {
    const byPosition = db
      .prepare<[], [number, number, number]>(
        `SELECT position, stream, revision, id, type, data, metadata FROM events ORDER BY position ${order} LIMIT 1`,
      )
      .raw()
      .get();
    const stream = db
      .prepare<[], [number, string]>(`SELECT key, name FROM streams ORDER BY key ${order} LIMIT 1`)
      .raw()
      .get();
    if ((byPosition === undefined) !== (stream === undefined)) throw damaged('events and streams do not agree');
    if (byPosition === undefined || stream === undefined) return;
    const [position, key, revision] = byPosition;
    const byStream = db.prepare('SELECT position FROM events WHERE stream = ? AND revision = ?').pluck();
    if (byStream.get(key, revision) !== position) throw damaged(`the index leads past the event at ${position}`);
    if (byStream.get(stream[0], 0) === undefined) throw damaged(`stream ${stream[1]} has no first event`);
    if (db.prepare('SELECT key FROM streams WHERE name = ?').pluck().get(stream[1]) !== stream[0])
      throw damaged(`the index leads past the stream ${stream[1]}`);
    if (db.prepare('SELECT 1 FROM streams WHERE key = ?').get(key) === undefined)
      throw damaged(`the stream of the event at ${position} is missing`);
  }
}
