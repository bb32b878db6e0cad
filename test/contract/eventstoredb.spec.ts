import type { EventStore } from '../../src/event-store/event-store.js';
import { openEventStoreDb } from '../../src/event-store/eventstoredb/eventstoredb.js';
import type { EventStoreServer } from '../support/eventstoredb/server.js';
import { startEventStoreServer } from '../support/eventstoredb/server.js';
import { describeAppends, describeRepeats } from './event-store-appends.js';
import { describeEventStore } from './event-store.js';

const streams = 'the server lists no streams, and the adapter says so by having no such method';

describeEventStore(
  'EventStoreDB (the server of the tests)',
  async () => {
    const server = await startEventStoreServer();
    let store = await openEventStoreDb(server.url);
    return {
      store,
      reopen: async () => {
        await store.close();
        store = await openEventStoreDb(server.url);
        return store;
      },
      loseConnection: () => server.dropConnections(),
      close: async () => {
        await store.close();
        await server.close();
      },
    };
  },
  { streams },
);

/** The client then makes one call for each append; nothing but appends goes another way. */
describe('EventStoreDB without batch append (the server of the tests)', () => {
  let server: EventStoreServer;
  let store: EventStore;
  beforeAll(async () => {
    server = await startEventStoreServer({ batchAppend: false });
    store = await openEventStoreDb(server.url);
  });
  afterAll(async () => {
    await store.close();
    await server.close();
  });

  describeAppends(() => store);
  describeRepeats(() => store);
});

const real = process.env['EVENTSTOREDB_URL'];
if (real === undefined || real === '')
  it.skip('EventStoreDB, a real server (EVENTSTOREDB_URL is not set)', () => undefined);
else
  describeEventStore(
    'EventStoreDB, a real server',
    async () => {
      let store = await openEventStoreDb(real);
      return {
        store,
        reopen: async () => {
          await store.close();
          store = await openEventStoreDb(real);
          return store;
        },
        close: () => store.close(),
      };
    },
    { loseConnection: 'the connection to a server that is not ours cannot be cut', streams },
  );
