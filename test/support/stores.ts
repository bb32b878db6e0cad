/** Stores for tests that look above the port: a real SQLite file in a folder of its own, and faults put in front of it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  EventStoreError,
  type AppendResult,
  type EventStore,
  type EventToAppend,
  type ExpectedRevision,
} from '../../src/event-store/event-store.js';
import { openSqliteStore } from '../../src/event-store/sqlite/sqlite-event-store.js';
import { decodeEvent, type DecodedEvent } from '../../src/evidence/record.js';
import { StreamVerifier } from '../../src/evidence/stream-verifier.js';

export interface TemporaryStore {
  readonly store: EventStore;
  readonly path: string;
  remove(): Promise<void>;
}

export function temporaryStore(): TemporaryStore {
  const folder = mkdtempSync(join(tmpdir(), 'waybook-'));
  const path = join(folder, 'events.db');
  const store = openSqliteStore(path);
  return {
    store,
    path,
    remove: async () => {
      await store.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** What happens to one append: refused and lost, stored and its answer lost, or done after something else happened first. */
export type Fault = 'lost' | 'stored-answer-lost' | (() => Promise<void>);

/** The store with faults in front of its appends: each is used up by one append. */
export function faulty(store: EventStore, faults: Fault[]): EventStore {
  return {
    append: async (
      stream: string,
      expected: ExpectedRevision,
      events: readonly EventToAppend[],
    ): Promise<AppendResult> => {
      const fault = faults.shift();
      if (fault === 'lost') throw new EventStoreError('store-unavailable', 'lost by the test', { stream });
      if (typeof fault === 'function') await fault();
      const result = await store.append(stream, expected, events);
      if (fault === 'stored-answer-lost')
        throw new EventStoreError('append-outcome-unknown', 'answer lost by the test', { stream });
      return result;
    },
    readStream: (...args) => store.readStream(...args),
    readAll: (...args) => store.readAll(...args),
    subscribe: (...args) => store.subscribe(...args),
    head: () => store.head(),
    close: () => store.close(),
  };
}

/** All events of a stream, every hash checked. */
export async function checkedStream(store: EventStore, stream: string): Promise<DecodedEvent[]> {
  const verifier = new StreamVerifier(stream);
  const events: DecodedEvent[] = [];
  for await (const page of store.readStream(stream))
    for (const stored of page) {
      const event = decodeEvent(stored);
      verifier.check(event);
      events.push(event);
    }
  verifier.finish();
  return events;
}
