import { realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import Driver from 'better-sqlite3';
import type { Database } from 'better-sqlite3';
import { EventStoreError } from '../event-store.js';
import { sqliteCode, translated } from './errors.js';
import { checkSchema, createSchema, isEmpty } from './schema.js';

/** How long a statement waits for another connection, a backup tool's say, before it fails as `store-unavailable`. */
const BUSY_TIMEOUT_MS = 5000;

/** A file opened by this process. Positions and revisions come as numbers: rows are counted up from 1, far below 2^53. */
export interface OpenFile {
  /** Absolute, links resolved. */
  readonly path: string;
  readonly db: Database;
  /** Frees the file and, where it was held, the writer's lock; the lock last. */
  close(): void;
}

/**
 * Opens the file as its only writer and makes it if it is missing or empty.
 *
 * @throws EventStoreError `store-locked`, `store-damaged`, `store-foreign`, `store-refused`, `store-unavailable`
 */
export function openForWriting(given: string, mustExist: boolean): OpenFile {
  const path = realPath(given, mustExist);
  const lock = takeLock(path);
  try {
    const db = open(path, false);
    try {
      if (isEmpty(db)) {
        if (mustExist) throw new EventStoreError('store-foreign', `${path} is empty; it is not a store`);
        createSchema(db);
      }
      checkSchema(db, path);
      db.pragma('journal_mode = WAL');
      makeDurable(db);
    } catch (error) {
      db.close();
      throw error;
    }
    return {
      path,
      db,
      close() {
        db.close();
        lock.close();
      },
    };
  } catch (error) {
    lock.close();
    throw translated(error, `opening ${path}`);
  }
}

/**
 * Opens a second connection that writes, for a thread of a process that has the file open for writing: that one holds the
 * lock and has checked the file.
 *
 * @throws EventStoreError `store-damaged`, `store-foreign`, `store-refused`, `store-unavailable`
 */
export function openBeside(path: string): OpenFile {
  try {
    const db = open(path, false, true);
    makeDurable(db);
    return { path, db, close: () => void db.close() };
  } catch (error) {
    throw translated(error, `opening ${path}`);
  }
}

function makeDurable(db: Database): void {
  // FULL: every commit is synced to the disk before it is answered, which WAL's own default (NORMAL) does not do.
  db.pragma('synchronous = FULL');
  // A long read elsewhere may have let the log grow; give the space back at the next checkpoint.
  db.pragma(`journal_size_limit = ${64 * 1024 * 1024}`);
}

/**
 * Opens a second, read-only connection. It neither takes the writer's lock nor is hindered by it.
 *
 * @throws EventStoreError `store-damaged`, `store-foreign`, `store-refused`, `store-unavailable`
 */
export function openForReading(given: string): OpenFile {
  const path = realPath(given, true);
  try {
    const db = open(path, true);
    try {
      checkSchema(db, path);
    } catch (error) {
      db.close();
      throw error;
    }
    return { path, db, close: () => void db.close() };
  } catch (error) {
    throw translated(error, `opening ${path}`);
  }
}

function open(path: string, readonly: boolean, fileMustExist = readonly): Database {
  const db = new Driver(path, { readonly, fileMustExist, timeout: BUSY_TIMEOUT_MS });
  // Nothing here touches the file: it may turn out to be somebody else's. A damaged page is to be noticed when it is
  // first read, not when something in it is followed into nowhere.
  db.pragma('cell_size_check = ON');
  db.pragma('trusted_schema = OFF');
  // Whoever reads goes through the file once; whoever writes comes back to the same pages of the index.
  if (!readonly) db.pragma('cache_size = -16384');
  return db;
}

/**
 * Holds an exclusive lock on `PATH.lock` until closed. It is the operating system's lock on an otherwise empty SQLite
 * file, so it ends with the process, however that ends; the file itself stays and means nothing. A lock on the store
 * itself (`locking_mode = EXCLUSIVE`) would shut out readers.
 *
 * The lock file must never be opened by other means within the process: closing any descriptor of a file drops the
 * process's POSIX locks on it (fcntl(2)).
 */
function takeLock(path: string): Database {
  const lockPath = `${path}.lock`;
  let db: Database | undefined;
  try {
    db = new Driver(lockPath, { timeout: 0 });
    db.exec('BEGIN EXCLUSIVE');
    return db;
  } catch (error) {
    db?.close();
    if (!sqliteCode(error).startsWith('SQLITE_BUSY')) throw translated(error, `locking ${lockPath}`);
    throw new EventStoreError(
      'store-locked',
      `${path} is already open for writing, by another process or by this one; a store has one writer`,
      { cause: error },
    );
  }
}

/** The one name of a file, so that two ways to it lead to one lock. */
function realPath(given: string, mustExist: boolean): string {
  const absolute = resolve(given);
  try {
    if (!mustExist && statSync(absolute, { throwIfNoEntry: false }) === undefined)
      return join(realpathSync(dirname(absolute)), basename(absolute));
    const path = realpathSync(absolute);
    if (!statSync(path).isFile()) throw new EventStoreError('store-refused', `${path} is not a file`);
    return path;
  } catch (error) {
    if (error instanceof EventStoreError) throw error;
    const reason = (error as NodeJS.ErrnoException).code;
    const why =
      reason === 'ENOENT'
        ? mustExist
          ? 'there is no such file'
          : 'there is no such folder'
        : reason === 'EACCES' || reason === 'EPERM'
          ? 'this user may not look there'
          : String(reason);
    throw new EventStoreError('store-refused', `cannot open ${absolute}: ${why}`, { cause: error });
  }
}
