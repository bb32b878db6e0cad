import { EventStoreError } from '../event-store.js';

/**
 * The result code SQLite gave (`SQLITE_FULL`, `SQLITE_IOERR_FSYNC`, ...), or the empty string for any other error.
 * The driver's class is not looked at: a native module's errors may come from another realm than ours.
 */
export function sqliteCode(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('code' in error)) return '';
  return typeof error.code === 'string' && error.code.startsWith('SQLITE_') ? error.code : '';
}

/**
 * What an error of the driver means to a caller of the port. An {@link EventStoreError} passes through unchanged.
 *
 * @param doing what was being done, for the message: "reading /data/ledger.db"
 */
export function translated(error: unknown, doing: string): EventStoreError {
  if (error instanceof EventStoreError) return error;
  const code = sqliteCode(error);
  const is = (...primary: readonly string[]): boolean =>
    primary.some((one) => code === `SQLITE_${one}` || code.startsWith(`SQLITE_${one}_`));
  const as = (kind: EventStoreError['code'], why: string): EventStoreError =>
    new EventStoreError(kind, `${doing}: ${why}${code === '' ? '' : ` (${code})`}`, { cause: error });

  if (is('NOTADB')) return as('store-foreign', 'the file is not a SQLite database');
  // A constraint holds although the adapter knows the state it writes on: a table and its index disagree.
  if (is('CORRUPT', 'CONSTRAINT', 'MISMATCH', 'FORMAT')) return as('store-damaged', 'the file is damaged');
  if (is('FULL')) return as('store-unavailable', 'the disk is full');
  if (is('BUSY', 'LOCKED')) return as('store-unavailable', 'another program holds the file for longer than is waited');
  if (is('IOERR')) return as('store-unavailable', 'the disk did not do what it was asked to');
  if (is('NOMEM')) return as('store-unavailable', 'memory ran out');
  if (is('CANTOPEN', 'PERM', 'AUTH', 'READONLY')) return as('store-refused', 'the file may not be opened or written');
  return as('store-refused', error instanceof Error ? error.message : String(error));
}

/**
 * What a failed COMMIT means. Where the disk failed while the commit was made durable, the events may or may not be
 * found after a restart: only a repeat of the same append, or reading back, tells.
 */
export function translatedCommit(error: unknown, doing: string): EventStoreError {
  const known = translated(error, doing);
  if (!sqliteCode(error).startsWith('SQLITE_IOERR')) return known;
  return new EventStoreError('append-outcome-unknown', known.message, { cause: error });
}
