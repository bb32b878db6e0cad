/** Opens event stores by their URL. The one place, beside the contract suite, that knows every adapter. */
import { existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { EventStore } from './event-store/event-store.js';
import { openSqliteReader, openSqliteStore } from './event-store/sqlite/sqlite-event-store.js';
import { LedgerError } from './log/ledger-stream.js';

const SQLITE = 'sqlite:';

/** Its client is loaded where it is used: it takes longer than all the rest of a short command. */
const eventStoreDb = () => import('./event-store/eventstoredb/eventstoredb.js');

/** Whether this process is the only one that can write to a store. */
export const isSoleWriter = (url: string): boolean => url.startsWith(SQLITE);

export interface OpenOptions {
  /** Refuse an embedded store that is not there yet, instead of making it. */
  readonly mustExist: boolean;
  /** Let an embedded store write in a thread of its own: for a server, which has other things to do meanwhile. */
  readonly threaded?: boolean;
  /** Told after each commit, where the store is embedded. */
  readonly onCommitted?: (position: bigint) => void;
  /** Told of a stream that somebody deleted or whose metadata somebody set, where the store is shared with others. */
  readonly onTampered?: (stream: string) => void;
  readonly log?: (line: string) => void;
}

/** The path of an embedded store that is there. @throws LedgerError `not-initialised` where none is */
function existing(url: string): string {
  const path = url.slice(SQLITE.length);
  if (!existsSync(path))
    throw new LedgerError('not-initialised', `there is no ledger in ${path} yet; \`waybook init\` makes one`);
  return path;
}

/** @throws EventStoreError as the adapters say; LedgerError `not-initialised` where an embedded store is not there */
export async function openWriter(
  url: string,
  { mustExist, threaded = false, onCommitted, onTampered, log }: OpenOptions,
): Promise<EventStore> {
  if (!url.startsWith(SQLITE))
    return (await eventStoreDb()).openEventStoreDb(url, {
      ...(log === undefined ? {} : { log }),
      ...(onTampered === undefined ? {} : { onTampered }),
    });
  const path = mustExist ? existing(url) : url.slice(SQLITE.length);
  if (!mustExist) mkdirSync(dirname(path), { recursive: true });
  return openSqliteStore(path, {
    mustExist,
    ...(onCommitted === undefined ? {} : { onCommitted }),
    ...(threaded ? { commitWorker: new URL('./event-store/sqlite/commit-worker.js', import.meta.url) } : {}),
  });
}

export interface ReaderStore {
  readonly store: EventStore;
  /** Says that something was committed, where the store cannot push it by itself. */
  readonly poke: () => void;
}

/**
 * A store to read from, beside a writer.
 * @throws EventStoreError as the adapters say; LedgerError `not-initialised` where an embedded store is not there
 */
export async function openReader(url: string): Promise<ReaderStore> {
  if (!url.startsWith(SQLITE))
    return { store: await (await eventStoreDb()).openEventStoreDb(url), poke: () => undefined };
  const store = openSqliteReader(existing(url));
  return { store, poke: () => store.poke() };
}
