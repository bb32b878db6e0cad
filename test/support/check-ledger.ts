/** After every step of an end-to-end test: the whole ledger holds. */
import { projections } from '../../projections/index.js';
import { loadRows, type Row } from '../../projections/projection.js';
import { contractStatus, contractTable } from '../../projections/contract-status/contract-status.js';
import { decodeEvent } from '../../src/evidence/record.js';
import { StreamVerifier } from '../../src/evidence/stream-verifier.js';
import type { EventStore } from '../../src/event-store/event-store.js';
import { openReader } from '../../src/open-store.js';
import { openReadModel } from '../../src/subscriptions/read-model.js';
import { replayContract } from '../../src/subscriptions/replay.js';
import { call } from './ledger-process.js';

export interface LedgerPlaces {
  readonly url: string;
  readonly eventStore: string;
  readonly readModel: string;
}

export interface CheckedLedger {
  /** Ids of the events of each contract, in order. */
  readonly contracts: ReadonlyMap<string, readonly string[]>;
  readonly position: bigint;
}

/**
 * Every stream from revision 0 without a gap and every hash right; positions rising; no event of a contract twice; every
 * projection live; the rows in the database those that a replay gives, and none besides.
 */
export async function checkLedger({ url, eventStore, readModel }: LedgerPlaces): Promise<CheckedLedger> {
  const { store } = await openReader(eventStore);
  const reading = openReadModel(readModel);
  try {
    const { contracts, position } = await checkStreams(store);
    for (const projection of projections) {
      const path = projection.name === 'contract-status' ? '/contracts?limit=1' : undefined;
      if (path !== undefined && position > 0n) expect((await call(url, `${path}&after=${position}`)).status).toBe(200);
    }
    await allReached(url, position);
    const rows = await reading.query(contractStatus, ({ db, table }) =>
      db.selectFrom(table(contractTable)).select('contract').orderBy('contract').execute(),
    );
    expect(rows.result.map((row) => row['contract']).sort()).toEqual([...contracts.keys()].sort());
    for (const contract of contracts.keys()) {
      const replayed = await replayContract(
        store,
        { contract, asOf: { instant: '9999-12-31T00:00:00Z', position } },
        projections,
      );
      for (const projection of projections) {
        const { result } = await reading.query(projection, (snapshot) =>
          loadRows(snapshot, projection.tables, contract),
        );
        for (const table of projection.tables)
          expect({ table: table.name, rows: sorted(result.get(table.name) ?? []) }).toEqual({
            table: table.name,
            rows: sorted(replayed?.rows.get(table.name) ?? []),
          });
      }
    }
    return { contracts, position };
  } finally {
    await reading.close();
    await store.close();
  }
}

async function checkStreams(store: EventStore): Promise<CheckedLedger> {
  const verifiers = new Map<string, StreamVerifier>();
  const contracts = new Map<string, string[]>();
  const seen = new Set<string>();
  let position = 0n;
  for await (const page of store.readAll())
    for (const stored of page) {
      expect(stored.position > position).toBe(true);
      position = stored.position;
      let verifier = verifiers.get(stored.stream);
      if (verifier === undefined) verifiers.set(stored.stream, (verifier = new StreamVerifier(stored.stream)));
      const event = decodeEvent(stored);
      verifier.check(event);
      if (!stored.stream.startsWith('contract-')) continue;
      const contract = stored.stream.slice('contract-'.length);
      const name = `${contract} ${event.attributes.source} ${event.attributes.id}`;
      expect(seen.has(name)).toBe(false);
      seen.add(name);
      contracts.set(contract, [...(contracts.get(contract) ?? []), event.attributes.id]);
    }
  for (const verifier of verifiers.values()) verifier.finish();
  return { contracts, position };
}

interface Health {
  readonly projections: readonly { readonly name: string; readonly state: string; readonly position: string | null }[];
}

async function allReached(url: string, position: bigint): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    const { body } = await call<Health>(url, '/health');
    const behind = body.projections.filter((each) => each.state !== 'live' || BigInt(each.position ?? '0') < position);
    if (behind.length === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`projections did not get to ${position}: ${JSON.stringify((await call(url, '/health')).body)}`);
}

const sorted = (rows: readonly Row[]): readonly string[] =>
  rows
    .map((row) =>
      JSON.stringify(
        Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1)),
        (_key, value: unknown) => (typeof value === 'bigint' ? value.toString() : value),
      ),
    )
    .sort();
