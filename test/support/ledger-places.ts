/** Where a whole ledger is tried out: on each event store, and on either kind of read model. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { definitionOf } from '../../src/contract/contract.js';
import { openReader } from '../../src/open-store.js';
import { startEventStoreServer } from './eventstoredb/server.js';
import { LedgerProcess, type LedgerOptions } from './ledger-process.js';
import { startPostgres } from './postgres.js';

export interface OpenPlace {
  readonly ledger: LedgerProcess;
  /** Stops the ledger and whatever was started for it. */
  close(): Promise<void>;
}

export type Place =
  | { readonly kind: 'here'; readonly name: string; readonly open: (options?: LedgerOptions) => Promise<OpenPlace> }
  /** Not to be had here; the name says why. */
  | { readonly kind: 'skipped'; readonly name: string };

const onSqlite: Place = {
  kind: 'here',
  name: 'SQLite',
  open: async (options) => {
    const ledger = await LedgerProcess.start(options);
    return { ledger, close: () => ledger.remove() };
  },
};

/** The server of the tests, in this process: what runs as a process of its own is the ledger. */
const onProtocol: Place = {
  kind: 'here',
  name: 'the EventStoreDB protocol, rows in PostgreSQL where it can be started',
  open: async (options) => {
    const [server, postgres] = await Promise.all([startEventStoreServer(), startPostgres()]);
    if (postgres.kind === 'absent') console.warn(`rows in SQLite instead: ${postgres.reason}`);
    const ledger = await LedgerProcess.start({
      eventStore: server.url,
      ...(postgres.kind === 'ready' ? { readModel: await postgres.freshDatabase() } : {}),
      ...options,
    });
    return {
      ledger,
      close: async () => {
        await ledger.remove();
        await server.close();
        if (postgres.kind === 'ready') await postgres.stop();
      },
    };
  },
};

/**
 * A server that others use, too, holds one ledger; its key stays on this machine so that the next test goes on with it.
 * @returns why it cannot be used, `undefined` where it can
 */
async function unusable(url: string, keyFile: string): Promise<string | undefined> {
  const { store } = await openReader(url);
  try {
    for await (const page of store.readAll())
      for (const { stream, type } of page) {
        if (stream === 'ledger' && !existsSync(keyFile)) return 'it holds a ledger whose key is not here';
        if (stream.startsWith('contract-') && definitionOf(type) === undefined)
          return `it holds events of other tests (type ${type}), which a ledger refuses to read`;
      }
    return undefined;
  } finally {
    await store.close();
  }
}

async function onRealServer(url: string | undefined): Promise<Place> {
  const name = 'a real EventStoreDB';
  if (url === undefined || url === '') return { kind: 'skipped', name: `${name} (EVENTSTOREDB_URL is not set)` };
  const keyFile = join(tmpdir(), `waybook-e2e-${createHash('sha256').update(url).digest('hex').slice(0, 16)}.key`);
  const why = await unusable(url, keyFile);
  if (why !== undefined) return { kind: 'skipped', name: `${name} (${why})` };
  return {
    kind: 'here',
    name,
    open: async (options) => {
      const ledger = await LedgerProcess.start({ eventStore: url, env: { WAYBOOK_KEY: keyFile }, ...options });
      return { ledger, close: () => ledger.remove() };
    },
  };
}

export const ledgerPlaces = async (): Promise<readonly Place[]> => [
  onSqlite,
  onProtocol,
  await onRealServer(process.env['EVENTSTOREDB_URL']),
];

/** Runs the same tests at each place; a place that is not to be had is a skipped test that says why. */
export function describeAt(
  places: readonly Place[],
  body: (open: Extract<Place, { kind: 'here' }>['open']) => void,
): void {
  for (const place of places) {
    if (place.kind === 'skipped') test.skip(place.name, () => undefined);
    else describe(place.name, () => body(place.open));
  }
}
