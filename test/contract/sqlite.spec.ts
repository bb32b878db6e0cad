import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteStore } from '../../src/event-store/sqlite/sqlite-event-store.js';
import { describeEventStore } from './event-store.js';

describeEventStore(
  'sqlite',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'waybook-sqlite-'));
    const path = join(folder, 'events.db');
    let store = openSqliteStore(path);
    return {
      store,
      async reopen() {
        await store.close();
        store = openSqliteStore(path);
        return store;
      },
      async close() {
        await store.close();
        rmSync(folder, { recursive: true });
      },
    };
  },
  { loseConnection: 'an embedded file has no connection to lose' },
);
