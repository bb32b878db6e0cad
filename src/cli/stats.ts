/** `waybook stats`: counts what is in the store, and says how far the read models are. */
import { projections } from '../../projections/index.js';
import type { Config } from '../config.js';
import type { EventStore } from '../event-store/event-store.js';
import { readIdentity } from '../log/ledger-stream.js';
import { openReader } from '../open-store.js';
import { ReadModelError } from '../subscriptions/errors.js';
import { openReadModel } from '../subscriptions/read-model.js';
import { table, type Output } from './output.js';

interface Counts {
  readonly contracts: number;
  readonly events: number;
  readonly types: readonly { readonly type: string; readonly count: number }[];
}

/** Reads the whole store once. Memory grows with the number of contracts alone. */
async function countEvents(store: EventStore): Promise<Counts> {
  const contracts = new Set<string>();
  const types = new Map<string, number>();
  let events = 0;
  for await (const page of store.readAll())
    for (const { stream, type } of page) {
      if (!stream.startsWith('contract-')) continue;
      contracts.add(stream);
      types.set(type, (types.get(type) ?? 0) + 1);
      events += 1;
    }
  const sorted = [...types].sort(([a], [b]) => (a < b ? -1 : 1));
  return { contracts: contracts.size, events, types: sorted.map(([type, count]) => ({ type, count })) };
}

interface Stand {
  readonly projection: string;
  readonly version: number;
  /** `null` while it has not been built. */
  readonly position: bigint | null;
}

async function standsOf(config: Config): Promise<Stand[]> {
  const readModel = openReadModel(config.readModel);
  try {
    const stands: Stand[] = [];
    for (const projection of projections) {
      const { name, version } = projection;
      let position: bigint | null = null;
      try {
        position = (await readModel.query(projection, () => Promise.resolve())).position;
      } catch (error) {
        // A ledger that has never been served has no read model yet.
        if (!(error instanceof ReadModelError)) throw error;
      }
      stands.push({ projection: name, version, position });
    }
    return stands;
  } finally {
    await readModel.close();
  }
}

export async function statsCommand(config: Config, output: Output): Promise<void> {
  const { store } = await openReader(config.eventStore);
  try {
    const { origin, clock } = await readIdentity(store);
    const head = (await store.head())?.position ?? null;
    const { contracts, events, types } = await countEvents(store);
    const stands = await standsOf(config);
    output.answer({ origin, clock, head, contracts, events, types, projections: stands });
    output.say(`${origin}: ${events} events on ${contracts} contracts, head at ${head ?? '-'}\n`);
    const counts = types.map(({ type, count }) => [type, count]);
    if (counts.length > 0) output.say(`${table(['type', 'events'], counts)}\n`);
    const rows = stands.map(({ projection, version, position }) => [
      projection,
      version,
      position === null ? 'none yet' : position.toString(),
    ]);
    output.say(table(['projection', 'version', 'position'], rows));
  } finally {
    await store.close();
  }
}
