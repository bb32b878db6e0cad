/**
 * (g): writing and rebuilding on EventStoreDB, beside what its bare client does on the same server with the same events:
 * appends of the same shape and number at once, and a catch-up subscription that only counts.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import {
  ANY,
  EventStoreDBClient,
  jsonEvent,
  START,
  streamNameFilter,
  type JSONEventData,
  type JSONType,
} from '@eventstore/db-client';
import type { LedgerOptions } from '../support/ledger-process.js';
import { contractNames, EventSource } from './events.js';
import { catchUp, fill, peakOf, rebuildAll, withLedger } from './ledger.js';
import type { Run } from './report.js';
import {
  BATCH_CONNECTIONS,
  BATCH_EVENTS,
  batches,
  CONTRACTS,
  SINGLE_CONNECTIONS,
  singles,
  type Shape,
} from './writing.js';

export interface StoreToMeasure {
  /** Starts it where that is needed, and gives its connection string. */
  readonly start: () => Promise<{ readonly url: string; readonly stop: () => Promise<void> }>;
  /** Beside each measurement. */
  readonly label: string;
}

/** The server that is named, or the one of the tests in a process of its own; `undefined` where neither is wanted. */
export function eventStoreUrl(named: string | undefined, useTestServer: boolean): StoreToMeasure | undefined {
  if (useTestServer) return { label: 'server of the tests', start: startTestServer };
  if (named === undefined || named === '') return undefined;
  return { label: 'EventStoreDB', start: () => Promise.resolve({ url: named, stop: () => Promise.resolve() }) };
}

async function startTestServer() {
  const folder = mkdtempSync(join(tmpdir(), 'waybook-bench-esdb-'));
  const main = fileURLToPath(new URL('../support/eventstoredb/main.js', import.meta.url));
  const child = spawn(process.execPath, [main, '--file', join(folder, 'log.db')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [url] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  return {
    url,
    stop: async () => {
      const gone = once(child, 'exit');
      child.kill('SIGTERM');
      await gone;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const WRITES_AIM = 0.7;
const REBUILD_AIM = 0.4;

export async function eventStoreBench(run: Run, { label, start }: StoreToMeasure): Promise<void> {
  const { url, stop } = await start();
  const folder = mkdtempSync(join(tmpdir(), 'waybook-bench-'));
  const client = EventStoreDBClient.connectionString(url);
  // The contracts of each run have names of their own: nothing is deleted from the server.
  const tag = randomBytes(4).toString('hex');
  const options: LedgerOptions = { folder, eventStore: url };
  const recordingOnly: LedgerOptions = { ...options, env: { WAYBOOK_PROJECTING: 'off' } };
  try {
    const singleEvents = run.sized(30_000, 1_000);
    const bareSingles = await bareAppends(client, `${tag}-bare-a`, singleEvents, 1, SINGLE_CONNECTIONS);
    const foundSingles = await singles(options, singleEvents, `${tag}-a`);
    const singlesRatio = foundSingles.figure.value / bareSingles;
    run.report({
      what: `single events, 32 connections, ${label}`,
      ...foundSingles,
      baseline: { what: 'bare client', figure: { value: bareSingles, unit: 'events/s' }, ratio: singlesRatio },
      aim: { words: `${WRITES_AIM} of the bare client`, met: singlesRatio >= WRITES_AIM },
    });

    const batchEvents = run.sized(100_000, BATCH_EVENTS * 4);
    for (const [shape, words, each] of [
      ['mixed', 'each over all 100 contracts', BATCH_EVENTS / CONTRACTS],
      ['one-contract', 'each of one of 100 contracts', BATCH_EVENTS],
    ] as const satisfies readonly (readonly [Shape, string, number])[]) {
      const atOnce = BATCH_CONNECTIONS * (BATCH_EVENTS / each);
      const bare = await bareAppends(client, `${tag}-bare-${shape}`, batchEvents, each, atOnce);
      const found = await batches(options, batchEvents, shape, `${tag}-${shape}`);
      const ratio = found.figure.value / bare;
      run.report({
        what: `batches of 500, ${words}, ${label}`,
        ...found,
        baseline: { what: `bare client, ${each} an append`, figure: { value: bare, unit: 'events/s' }, ratio },
        aim: { words: `${WRITES_AIM} of the bare client`, met: ratio >= WRITES_AIM },
      });
    }

    await withLedger(recordingOnly, (ledger) =>
      fill(ledger.url, contractNames(200, `${tag}-e`), run.sized(200_000, 2_000)),
    );
    await withLedger(options, async (ledger) => {
      await catchUp(ledger.url);
      const bare = await bareCatchUp(client);
      const seconds = await rebuildAll(ledger.url);
      const value = bare.events / seconds;
      const ratio = value / bare.perSecond;
      run.report({
        what: `rebuild of all projections from ${bare.events} events, ${label}`,
        figure: { value, unit: 'events/s' },
        peakMemoryMb: peakOf(ledger),
        baseline: { what: 'bare catch-up', figure: { value: bare.perSecond, unit: 'events/s' }, ratio },
        aim: { words: `${REBUILD_AIM} of the bare client`, met: ratio >= REBUILD_AIM },
      });
    });
  } finally {
    await client.dispose();
    await stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Events a second that the bare client appends, so many an append and so many appends at once, with any revision. */
async function bareAppends(
  client: EventStoreDBClient,
  tag: string,
  events: number,
  each: number,
  atOnce: number,
): Promise<number> {
  const contracts = contractNames(CONTRACTS, tag);
  const source = new EventSource(contracts);
  const appends = Array.from({ length: events / each }, (_, append) => ({
    // Not a name of the ledger's: the projections must not see it.
    stream: `bare-${contracts[append % CONTRACTS]!}`,
    events: Array.from({ length: each }, () => asJsonEvent(source.of(append % CONTRACTS))),
  }));
  const send = async ({ stream, events }: (typeof appends)[number]): Promise<void> => {
    await client.appendToStream(stream, events, { expectedRevision: ANY });
  };
  for (const append of appends.slice(0, 20)) await send({ ...append, stream: `${append.stream}-warm-up` });
  let next = 0;
  const startedMs = performance.now();
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (next < appends.length) {
        const append = appends[next]!;
        next += 1;
        await send(append);
      }
    }),
  );
  return events / ((performance.now() - startedMs) / 1_000);
}

/** The event as it was sent, its attributes as metadata. */
function asJsonEvent(text: string): JSONEventData {
  const { data, ...metadata } = JSON.parse(text) as { data: JSONType; type: string };
  return jsonEvent({ type: metadata.type, data, metadata });
}

/** A catch-up subscription over the ledger's streams that counts until it has caught up. */
async function bareCatchUp(
  client: EventStoreDBClient,
): Promise<{ readonly events: number; readonly perSecond: number }> {
  const startedMs = performance.now();
  let events = 0;
  const subscription = client.subscribeToAll({
    fromPosition: START,
    filter: streamNameFilter({ prefixes: ['contract-', 'ledger'] }),
  });
  await new Promise<void>((resolve, reject) => {
    subscription.on('data', () => {
      events += 1;
    });
    subscription.on('caughtUp', resolve);
    subscription.on('error', reject);
  });
  const perSecond = events / ((performance.now() - startedMs) / 1_000);
  await subscription.unsubscribe();
  return { events, perSecond };
}
