/** Opens event stores by their URL. The one place, beside the contract suite, that knows every adapter. */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { EventStore } from './event-store/event-store.js';
import { openEventStoreDb } from './event-store/eventstoredb/eventstoredb.js';
import { openSqliteReader, openSqliteStore } from './event-store/sqlite/sqlite-event-store.js';

const SQLITE = 'sqlite:';

/** Whether this process is the only one that can write to a store. */
export const isSoleWriter = (url: string): boolean => url.startsWith(SQLITE);

export interface OpenOptions {
  /** Refuse an embedded store that is not there yet, instead of making it. */
  readonly mustExist: boolean;
  /** Told after each commit, where the store is embedded. */
  readonly onCommitted?: (position: bigint) => void;
  readonly log?: (line: string) => void;
}

/** @throws EventStoreError as the adapters say */
export async function openWriter(url: string, { mustExist, onCommitted, log }: OpenOptions): Promise<EventStore> {
  if (!url.startsWith(SQLITE)) return openEventStoreDb(url, log === undefined ? {} : { log });
  const path = url.slice(SQLITE.length);
  if (!mustExist) mkdirSync(dirname(path), { recursive: true });
  return openSqliteStore(path, { mustExist, ...(onCommitted === undefined ? {} : { onCommitted }) });
}

export interface ReaderStore {
  readonly store: EventStore;
  /** Says that something was committed, where the store cannot push it by itself. */
  readonly poke: () => void;
}

/** A store to read from, beside a writer. @throws EventStoreError as the adapters say */
export async function openReader(url: string): Promise<ReaderStore> {
  if (!url.startsWith(SQLITE)) return { store: await openEventStoreDb(url), poke: () => undefined };
  const store = openSqliteReader(url.slice(SQLITE.length));
  return { store, poke: () => store.poke() };
}
