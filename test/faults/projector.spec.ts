import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { projections } from '../../projections/index.js';
import { contractStatus } from '../../projections/contract-status/contract-status.js';
import { EventStoreError, type EventStore, type SubscriptionHandler } from '../../src/event-store/event-store.js';
import { openSqliteStore } from '../../src/event-store/sqlite/sqlite-event-store.js';
import { contractRules } from '../../src/subscriptions/decoding.js';
import { Bench, statusWhere, WAIT_MS } from '../contract/projections.js';
import { correction, counted, headTable, ToyLedger, toyHead } from '../contract/projections-support.js';
import { registrationData } from '../support/scenario.js';

const directory = mkdtempSync(join(tmpdir(), 'waybook-projector-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

let count = 0;
const freshUrl = (): string => {
  count += 1;
  return `sqlite:${join(directory, `read-model-${count}.db`)}`;
};

/** A store that can be told to fail reads, to lose its subscriptions, and to come back as another one. */
class Unreliable implements EventStore {
  failingReads = 0;
  readonly #handlers = new Set<SubscriptionHandler>();
  #store: EventStore;

  constructor(store: EventStore) {
    this.#store = store;
  }

  /** Tells all subscribers that the connection was lost and is there again, with what the given store holds. */
  async comeBackAs(store: EventStore): Promise<void> {
    const handlers = [...this.#handlers];
    for (const handler of handlers) handler.lost?.(new EventStoreError('store-unavailable', 'lost by the test'));
    this.#store = store;
    for (const handler of handlers) await Promise.resolve(handler.restored?.()).catch(() => undefined);
  }

  endSubscriptions(): void {
    for (const handler of this.#handlers)
      handler.ended?.(new EventStoreError('store-unavailable', 'ended by the test'));
  }

  append: EventStore['append'] = (...args) => this.#store.append(...args);
  readAll: EventStore['readAll'] = (...args) => this.#store.readAll(...args);
  head: EventStore['head'] = () => this.#store.head();
  close: EventStore['close'] = () => Promise.resolve();

  readStream: EventStore['readStream'] = (...args) => {
    if (this.failingReads === 0) return this.#store.readStream(...args);
    this.failingReads -= 1;
    throw new EventStoreError('store-unavailable', 'failed by the test');
  };

  subscribe: EventStore['subscribe'] = (from, handler) => {
    this.#handlers.add(handler);
    const subscription = this.#store.subscribe(from, handler);
    return {
      close: () => {
        this.#handlers.delete(handler);
        return subscription.close();
      },
    };
  };
}

describe('the projector, when the event store', () => {
  let bench: Bench;
  beforeEach(() => {
    bench = new Bench(freshUrl());
  });
  afterEach(() => bench.close());

  it('cannot be read for a while, goes on by itself', async () => {
    const store = new Unreliable(bench.store);
    await bench.ledger.register('a');
    for (let n = 0; n < 40; n += 1) await bench.ledger.append('a', counted('nut', 1, {}, { id: `e${n}` }));
    store.failingReads = 3;
    // Nothing is kept, so that every batch reads the stream.
    const projector = await bench.start({ store, cacheBytes: 0, batchEvents: 3 });
    await bench.ledger.append('a', correction('e7', undefined));
    await bench.settled(projector);
    expect(store.failingReads).toBe(0);
    await bench.expectReplay(['a']);
    await statusWhere(projector, 'toy-head', ({ state, error }) => state === 'live' && error === undefined);
  });

  it('ends a subscription, subscribes again', async () => {
    const store = new Unreliable(bench.store);
    await bench.ledger.register('a');
    const projector = await bench.start({ store });
    await bench.settled(projector);
    store.endSubscriptions();
    await bench.ledger.append('a', counted('nut', 1));
    await bench.settled(projector);
    await bench.expectReplay(['a']);
  });

  it('comes back with the history it had, goes on', async () => {
    const store = new Unreliable(bench.store);
    await bench.ledger.register('a');
    const projector = await bench.start({ store });
    await bench.settled(projector);
    await store.comeBackAs(bench.store);
    await bench.ledger.append('a', counted('nut', 1));
    await bench.settled(projector);
    await bench.expectReplay(['a']);
  });

  it('comes back with another history, begins anew', async () => {
    const store = new Unreliable(bench.store);
    await bench.ledger.register('a');
    for (let n = 0; n < 9; n += 1) await bench.ledger.append('a', counted('nut', 1));
    const projector = await bench.start({ store });
    await bench.settled(projector);
    const other = new Bench(freshUrl());
    try {
      await other.ledger.register('z');
      await other.ledger.append('z', counted('bolt', 7));
      await store.comeBackAs(other.store);
      await statusWhere(projector, 'toy-head', ({ state, position }) => state === 'live' && position === 2n);
      expect(await bench.rows(toyHead, headTable)).toMatchObject([{ contract: 'z', total: 7 }]);
    } finally {
      await bench.stop(projector);
      await other.close();
    }
  });
});

/** Run in a process of its own: projects until it is killed, saying each position it has come to. */
const program = (dist: string, ledger: string, readModel: string): string => `
  import { Projector } from '${dist}/src/subscriptions/projector.js';
  import { openSqliteReader } from '${dist}/src/event-store/sqlite/sqlite-event-store.js';
  import { projections } from '${dist}/projections/index.js';
  await Projector.start({
    store: openSqliteReader(${JSON.stringify(ledger)}), readModel: ${JSON.stringify(readModel)}, projections, batchEvents: 5, buildEvents: Infinity,
    onStatus: (statuses) => console.log(String(statuses[0].position)),
  });`;

const dist = resolve('dist');
const hasDist = existsSync(join(dist, 'src/subscriptions/projector.js'));
(hasDist ? it : it.skip)(
  `leaves nothing half done when its process is killed${hasDist ? '' : ' (dist/ is missing; `npm test` builds it)'}`,
  async () => {
    const path = join(directory, 'killed.db');
    const store = openSqliteStore(path);
    const ledger = new ToyLedger(store);
    const contracts = ['k-1', 'k-2', 'k-3'];
    const from = { reporter: 'us-gov' };
    for (const contract of contracts) await ledger.register(contract, { ...from, data: registrationData() });
    for (let n = 0; n < 200; n += 1) {
      const contract = contracts[n % 3]!;
      const milestone = 'D1';
      const day = String(1 + (n % 28)).padStart(2, '0');
      const forecast = { milestone, forecast: `2022-03-${day}`, reason: `report ${n}` };
      await ledger.append(contract, { ...from, type: 'ForecastRevised', id: `f${n}`, data: forecast });
      if (n % 20 === 10)
        await ledger.correct(contract, `f${n - 3}`, { ...forecast, reason: 'as it should have been' }, from);
    }
    const head = (await store.head())!.position;
    const url = freshUrl();
    const bench = new Bench(url);
    try {
      for (let kills = 1; kills <= 6; kills += 1) {
        const child = spawn(
          process.execPath,
          ['--input-type=module', '-e', program(pathToFileURL(dist).href, path, url)],
          { stdio: ['ignore', 'pipe', 'inherit'] },
        );
        // It is killed in the middle of its work, each time somewhat further on.
        await new Promise<void>((gone) => {
          child.once('exit', () => gone());
          child.stdout.setEncoding('utf8').on('data', (text: string) => {
            const positions = text
              .split('\n')
              .filter((line) => /^\d+$/.test(line))
              .map(Number);
            if (positions.some((position) => position >= kills * 30)) child.kill('SIGKILL');
          });
        });
      }
      const before = await bench.position(contractStatus);
      expect(before).toBeGreaterThanOrEqual(180n);
      expect(before).toBeLessThan(head);
      const projector = await bench.start({ store, projections, rules: contractRules });
      for (const { name } of projections) expect(await projector.waitFor(name, head, WAIT_MS)).toBe(true);
      await bench.expectReplay(contracts, projections, store, contractRules);
      await bench.stop(projector);
    } finally {
      await bench.close();
      await store.close();
    }
  },
  60_000,
);
