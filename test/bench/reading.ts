/** (d) and (e): what is read back from the streams. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projections } from '../../projections/index.js';
import { openReader } from '../../src/open-store.js';
import { replayContract } from '../../src/subscriptions/replay.js';
import { startPostgres } from '../support/postgres.js';
import { rawReads } from './baselines.js';
import { contractNames } from './events.js';
import { catchUp, fill, healthOf, peakOf, rebuildAll, withLedger } from './ledger.js';
import { LoadError } from './load.js';
import { quantile } from './machine.js';
import type { Measurement, Run } from './report.js';

const RECORDING_ONLY = { WAYBOOK_PROJECTING: 'off' };
/** Replays before the clock counts, and those it counts. */
const WARM_UPS = 5;
const REPLAYS = 25;

async function timed(work: () => Promise<void>): Promise<readonly number[]> {
  const took: number[] = [];
  for (let at = 0; at < WARM_UPS + REPLAYS; at += 1) {
    const startedMs = performance.now();
    await work();
    if (at >= WARM_UPS) took.push(performance.now() - startedMs);
  }
  return took;
}

export async function replayBench(run: Run): Promise<void> {
  const events = run.sized(10_000, 1_000);
  const folder = mkdtempSync(join(tmpdir(), 'waybook-bench-'));
  try {
    await withLedger({ folder, env: RECORDING_ONLY }, async (ledger) => {
      const contract = 'R-0000';
      await fill(ledger.url, [contract], events - 1);
      const found = (took: readonly number[]): Pick<Measurement, 'figure' | 'latencyMs' | 'baseline' | 'aim'> => {
        const p50 = quantile(took, 0.5);
        const raw = quantile(
          Array.from({ length: 5 }, () => rawReads(join(folder, 'events.db'), `contract-${contract}`).ms),
          0.5,
        );
        return {
          figure: { value: p50, unit: 'ms' },
          latencyMs: { p50, p99: quantile(took, 0.99) },
          baseline: { what: 'raw reads', figure: { value: raw, unit: 'ms' }, ratio: raw / p50 },
          aim: { words: 'below 100 ms', met: p50 < 100 },
        };
      };
      const { store } = await openReader(ledger.eventStore);
      try {
        for (const verify of [false, true]) {
          const took = await timed(async () => {
            const asOf = { instant: new Date().toISOString() };
            const replayed = await replayContract(store, { contract, asOf, verify }, projections);
            if (replayed?.model.revision !== events - 1) throw new Error('the replay did not come to the last event');
          });
          const words = verify ? ', every hash checked' : '';
          run.report({ what: `replay of ${events} events to the rows of all projections${words}`, ...found(took) });
        }
      } finally {
        await store.close();
      }
      const took = await timed(async () => {
        const response = await fetch(new URL(`/contracts/${contract}?asOf=${new Date().toISOString()}`, ledger.url));
        const text = await response.text();
        if (response.status !== 200)
          throw new LoadError(`the contract's past was answered ${response.status}: ${text}`);
      });
      run.report({
        what: `the same by GET /contracts/{id}?asOf=, in a thread of the server`,
        ...found(took),
        peakMemoryMb: peakOf(ledger),
      });
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const CONTRACTS = 200;

export async function rebuildBench(run: Run): Promise<void> {
  const events = run.sized(200_000, 2_000);
  const folder = mkdtempSync(join(tmpdir(), 'waybook-bench-'));
  const postgres = await startPostgres();
  try {
    await withLedger({ folder, env: RECORDING_ONLY }, ({ url }) => fill(url, contractNames(CONTRACTS, 'R'), events));
    const raw = rawReads(join(folder, 'events.db'));
    const rebuild = async (readModel: string | undefined, words: string, aim: number): Promise<void> => {
      const options = { folder, ...(readModel === undefined ? {} : { readModel }) };
      await withLedger(options, async (ledger) => {
        await catchUp(ledger.url);
        const seconds = await rebuildAll(ledger.url);
        const { projections: after } = await healthOf(ledger.url);
        if (after.some(({ state }) => state !== 'live')) throw new Error('a projection is not live after its rebuild');
        const value = raw.events / seconds;
        run.report({
          what: `rebuild of ${after.length} projections from ${raw.events} events ${words}`,
          figure: { value, unit: 'events/s' },
          peakMemoryMb: peakOf(ledger),
          baseline: { what: 'raw reads', figure: raw.figure, ratio: value / raw.figure.value },
          aim: { words: `${aim.toLocaleString('en')} events/s`, met: value >= aim },
        });
      });
    };
    await rebuild(undefined, 'on SQLite', 30_000);
    if (postgres.kind === 'absent') process.stderr.write(`  PostgreSQL left out: ${postgres.reason}\n`);
    else
      await rebuild(
        await postgres.freshDatabase(),
        process.env['POSTGRES_URL'] ? 'on PostgreSQL' : 'on PostgreSQL (embedded, fsync off)',
        15_000,
      );
  } finally {
    if (postgres.kind === 'ready') await postgres.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}
