import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { loadRows, type Projection, type Row, type TableDefinition } from '../../projections/projection.js';
import type { EventStore } from '../../src/event-store/event-store.js';
import { openSqliteStore } from '../../src/event-store/sqlite/sqlite-event-store.js';
import type { FoldRules } from '../../src/subscriptions/decoding.js';
import { claimFor, openShare } from '../../src/subscriptions/build.js';
import { releaseClaim } from '../../src/subscriptions/copies.js';
import { CopyKeeper } from '../../src/subscriptions/copy-keeper.js';
import { Projector, type ProjectorOptions } from '../../src/subscriptions/projector.js';
import { openReadModel, type ReadModel } from '../../src/subscriptions/read-model.js';
import { openReckonedMemory } from '../../src/subscriptions/reckoned-memory.js';
import { openReadModelWriter } from '../../src/subscriptions/read-model-writer.js';
import { replayContract } from '../../src/subscriptions/replay.js';
import type { ProjectionStatus, RebuildProgress } from '../../src/subscriptions/status.js';
import {
  correction,
  counted,
  headTable,
  itemTable,
  nextVersion,
  sorted,
  ToyLedger,
  toyHead,
  toyItems,
  toyProjections,
  toyRules,
  toyTrail,
  trailTable,
} from './projections-support.js';

/** How long a test waits for what must happen; its own timeout is longer. */
export const WAIT_MS = 20_000;

/** Everything a test works with: a ledger, an empty read model, and projectors that are closed at the end. */
export class Bench {
  readonly #directory = mkdtempSync(join(tmpdir(), 'waybook-projections-'));
  readonly store: EventStore = openSqliteStore(join(this.#directory, 'ledger.db'));
  readonly ledger = new ToyLedger(this.store);
  readonly readModel: ReadModel;
  readonly #projectors = new Set<Projector>();

  /** @param defaults of the projectors that are started */
  constructor(
    readonly url: string,
    readonly defaults: Partial<ProjectorOptions> = {},
  ) {
    this.readModel = openReadModel(url);
  }

  async start(options: Partial<ProjectorOptions> = {}): Promise<Projector> {
    const projector = await Projector.start({
      store: this.store,
      readModel: this.url,
      projections: toyProjections,
      rules: toyRules,
      pollMs: 100,
      ...this.defaults,
      ...options,
    });
    this.#projectors.add(projector);
    return projector;
  }

  async stop(projector: Projector): Promise<void> {
    this.#projectors.delete(projector);
    await projector.close();
  }

  async close(): Promise<void> {
    for (const projector of this.#projectors) await projector.close();
    await this.readModel.close();
    await this.store.close();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  /** Waits until a projector shows all events there are. */
  async settled(projector: Projector, projections: readonly Projection[] = toyProjections): Promise<void> {
    const head = await this.store.head();
    for (const { name } of projections) expect(await projector.waitFor(name, head?.position ?? 0n, WAIT_MS)).toBe(true);
  }

  /** All rows of a table as queries see them. */
  async rows(projection: Projection, table: TableDefinition): Promise<readonly Row[]> {
    const { result } = await this.readModel.query(projection, (view) =>
      view.db.selectFrom(view.table(table)).selectAll().execute(),
    );
    return sorted(result, table);
  }

  position(projection: Projection): Promise<bigint> {
    return this.readModel.query(projection, async () => undefined).then(({ position }) => position);
  }

  /** Every row must be one that a replay of its contract gives, and none may be missing. */
  async expectReplay(
    contracts: readonly string[],
    projections: readonly Projection[] = toyProjections,
    store: EventStore = this.store,
    rules: FoldRules = toyRules,
  ): Promise<void> {
    const now = { instant: '9999-12-31T00:00:00Z' };
    const expected = new Map<string, Row[]>();
    for (const contract of contracts) {
      const replayed = await replayContract(store, { contract, asOf: now, verify: true }, projections, rules);
      for (const [table, rows] of replayed?.rows ?? []) expected.set(table, [...(expected.get(table) ?? []), ...rows]);
    }
    for (const projection of projections)
      for (const table of projection.tables)
        expect(await this.rows(projection, table)).toEqual(sorted(expected.get(table.name) ?? [], table));
  }
}

/** Waits until a status is as it should be, and gives it. */
export async function statusWhere(
  projector: Projector,
  name: string,
  met: (status: ProjectionStatus) => boolean,
): Promise<ProjectionStatus> {
  for (let left = WAIT_MS / 10; left > 0; left -= 1) {
    const status = projector.status().find((one) => one.name === name);
    if (status !== undefined && met(status)) return status;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(
    `never so: ${JSON.stringify(projector.status(), (_, value) => (typeof value === 'bigint' ? `${value}` : value))}`,
  );
}

/**
 * Every promise of the read models, on one kind of database.
 * @param open gives the URL of an empty one
 */
export function describeReadModel(name: string, open: () => Promise<string>): void {
  describe.each([
    ['event by event', Number.POSITIVE_INFINITY],
    ['contract by contract where there is nothing', 0],
  ])(`${name} as a read model, built %s`, (_how, buildEvents) => {
    let bench: Bench;
    beforeEach(async () => {
      bench = new Bench(await open(), { buildEvents });
    });
    afterEach(() => bench?.close());

    describeProjecting(() => bench);
    describeFaults(() => bench);
    describeCopies(() => bench, open);
    describeQueries(() => bench);
  });
  describe(`${name} as a read model`, () => {
    let bench: Bench;
    beforeEach(async () => {
      bench = new Bench(await open(), { buildEvents: 0 });
    });
    afterEach(() => bench?.close());
    describeBuilding(() => bench);
  });
}

function describeProjecting(bench: () => Bench): void {
  describe('rows', () => {
    /** What happens to one of three contracts: so many of an item, or a correction of an earlier event. */
    const step = fc.record({
      contract: fc.nat(2),
      what: fc.oneof(
        {
          weight: 5,
          arbitrary: fc.record({
            item: fc.constantFrom('bolt', 'nut', 'é🚢"\\{},', '\\N', 'a\tb\r\nc\\'),
            amount: fc.integer({ min: -3, max: 9 }),
          }),
        },
        {
          weight: 1,
          arbitrary: fc.record({ corrects: fc.nat(), replacement: fc.option(fc.integer({ min: 0, max: 5 })) }),
        },
      ),
      stop: fc.boolean(),
    });

    it('are what a replay gives, after any history in batches of any size, whenever the projector was stopped', async () => {
      let run = 0;
      await fc.assert(
        fc.asyncProperty(
          fc.array(step, { maxLength: 25 }),
          fc.integer({ min: 1, max: 12 }),
          async (steps, batchEvents) => {
            run += 1;
            const { ledger } = bench();
            const contracts = [0, 1, 2].map((n) => `run${run}-${n}`);
            const recorded = contracts.map(() => [] as string[]);
            let projector = await bench().start({ batchEvents, cacheBytes: batchEvents % 2 === 0 ? 1 : 10_000_000 });
            for (const contract of contracts) await ledger.register(contract);
            for (const [at, { contract: n, what, stop }] of steps.entries()) {
              const id = `step-${at}`;
              if ('corrects' in what) {
                const corrected = recorded[n]![what.corrects % Math.max(1, recorded[n]!.length)];
                if (corrected === undefined) continue;
                const replacement = what.replacement === null ? undefined : { item: 'nut', amount: what.replacement };
                await ledger.correct(contracts[n]!, corrected, replacement, { id });
              } else {
                await ledger.append(contracts[n]!, counted(what.item, what.amount, {}, { id }));
                recorded[n]!.push(id);
              }
              if (stop && at % 3 === 0) {
                await bench().stop(projector);
                projector = await bench().start({ batchEvents });
              }
            }
            await bench().settled(projector);
            for (const contract of contracts) {
              const replayed = await replayContract(
                bench().store,
                { contract, asOf: { instant: '9999-12-31T00:00:00Z' }, verify: true },
                toyProjections,
                toyRules,
              );
              for (const projection of toyProjections) {
                const { result } = await bench().readModel.query(projection, (snapshot) =>
                  loadRows(snapshot, projection.tables, contract),
                );
                for (const table of projection.tables)
                  expect(sorted(result.get(table.name)!, table)).toEqual(replayed?.rows.get(table.name));
              }
            }
            await bench().stop(projector);
          },
        ),
        { numRuns: 12 },
      );
    });

    it('come from all events of contracts and no others; other streams move the position', async () => {
      const { ledger, store } = bench();
      const projector = await bench().start();
      await ledger.register('a');
      await ledger.appendTo('party-acme', 'acme', [counted('bolt', 1)]);
      await ledger.append('a', counted('bolt', 2));
      const position = await ledger.appendTo('ledger', 'ledger', [counted('bolt', 1)]);
      expect(await projector.waitFor('toy-head', position, WAIT_MS)).toBe(true);
      expect(await bench().rows(toyHead, headTable)).toEqual([
        { contract: 'a', events: 2, total: 2, position: expect.any(BigInt), last_item: 'bolt' },
      ]);
      expect(await bench().position(toyHead)).toBe((await store.head())?.position);
    });

    it('read data of older versions as the newest, also in what corrects them', async () => {
      const { ledger } = bench();
      const projector = await bench().start();
      await ledger.register('a');
      await ledger.append('a', { id: 'old', version: 1, data: { item: 'nut', count: 4 } });
      await ledger.append('a', { id: 'new', version: 2, data: { item: 'bolt', amount: 3 } });
      await ledger.correct('a', 'old', { item: 'nut', count: 5 });
      await bench().settled(projector);
      expect((await bench().rows(toyItems, itemTable)).map(({ item, amount }) => [item, amount])).toEqual([
        ['bolt', 3],
        ['nut', 5],
      ]);
    });

    it('show the last correction of an event, the ones before it superseded, and whose it is', async () => {
      const { ledger } = bench();
      const projector = await bench().start();
      await ledger.register('a');
      await ledger.append('a', counted('nut', 1, {}, { id: 'one', onbehalfof: 'OTHER' }));
      await ledger.append('a', counted('nut', 2, {}, { id: 'two' }));
      await ledger.append('a', correction('one', { item: 'nut', amount: 7 }, { id: 'c1' }));
      await ledger.append(
        'a',
        correction('one', { item: 'nut', amount: 8 }, { id: 'c2' }),
        correction('two', undefined, { id: 'c3' }),
      );
      await bench().settled(projector);
      const trail = await bench().rows(toyTrail, trailTable);
      expect(
        trail.map(({ party, effective, corrected_by: by, superseded }) => [party, effective, by, superseded]).slice(1),
      ).toEqual([
        ['OTHER', '{"amount":8,"item":"nut"}', 'c2', 0],
        ['ACME', 'null', 'c3', 0],
        ['ACME', expect.any(String), null, 1],
        ['ACME', expect.any(String), null, 0],
        ['ACME', expect.any(String), null, 0],
      ]);
      expect(await bench().rows(toyHead, headTable)).toMatchObject([{ total: 8 }]);
    });

    it('follow long contracts through corrections without holding their rows', async () => {
      const { ledger } = bench();
      await ledger.register('long');
      for (let at = 0; at < 12; at += 1)
        await ledger.append(
          'long',
          ...Array.from({ length: 500 }, (_, n) => counted(`item-${n % 7}`, 1, {}, { id: `e${at}-${n}` })),
        );
      await ledger.correct('long', 'e3-3', { item: 'item-3', amount: 100 });
      const projector = await bench().start();
      await bench().settled(projector);
      await bench().expectReplay(['long']);
    });
  });

  describe('being live', () => {
    it('begins on an empty ledger, and each event is there soon after it was recorded', async () => {
      const { ledger } = bench();
      const projector = await bench().start();
      expect(await statusWhere(projector, 'toy-head', ({ state }) => state === 'live')).toMatchObject({
        position: undefined,
        lag: { events: 0, milliseconds: 0 },
      });
      await ledger.register('a');
      for (let n = 1; n <= 20; n += 1) {
        const position = await ledger.append('a', counted('nut', 1));
        expect(await projector.waitFor('toy-items', position, WAIT_MS)).toBe(true);
        expect(await bench().rows(toyItems, itemTable)).toMatchObject([{ amount: n }]);
      }
      await statusWhere(projector, 'toy-items', ({ state, lag }) => state === 'live' && lag.milliseconds === 0);
    });

    it('lets nobody wait longer than asked, for a position to come or for a projection that is not there', async () => {
      const projector = await bench().start();
      expect(await projector.waitFor('toy-head', 1_000n, 20)).toBe(false);
      await expect(projector.waitFor('nothing', 1n, 20)).rejects.toMatchObject({ code: 'unknown-projection' });
      const waiting = projector.waitFor('toy-head', 1_000n, 60_000);
      await bench().stop(projector);
      expect(await waiting).toBe(false);
    });

    it('goes on where it stopped', async () => {
      const { ledger } = bench();
      await ledger.register('a');
      const first = await bench().start();
      await bench().settled(first);
      await bench().stop(first);
      const position = await ledger.append('a', counted('nut', 3));
      expect(await bench().position(toyHead)).toBeLessThan(position);
      await bench().settled(await bench().start());
      await bench().expectReplay(['a']);
    });
  });
}

function describeFaults(bench: () => Bench): void {
  describe('an event that cannot be projected', () => {
    async function history(poison: 'items' | 'trail' | 'fold'): Promise<{ poisoned: bigint }> {
      const { ledger } = bench();
      await ledger.register('a');
      await ledger.register('b');
      for (let n = 0; n < 30; n += 1) await ledger.append(n % 2 === 0 ? 'a' : 'b', counted('nut', 1));
      const poisoned = await ledger.append('a', counted('nut', 1, { poison }));
      for (let n = 0; n < 30; n += 1) await ledger.append(n % 2 === 0 ? 'a' : 'b', counted('bolt', 1));
      return { poisoned };
    }

    it.each([
      ['throws', 'items', 'toy-items', 'poison'],
      ['gives a row that the database refuses', 'trail', 'toy-trail', 'row-refused'],
    ] as const)('stops only the projection that %s', async (_, poison, name, code) => {
      const { poisoned } = await history(poison);
      const projector = await bench().start();
      const others = toyProjections.filter((projection) => projection.name !== name);
      await bench().settled(projector, others);
      const status = await statusWhere(projector, name, ({ state }) => state === 'failed');
      expect(status.error).toMatchObject({ code, stream: 'contract-a', revision: '16', position: `${poisoned}` });
      expect(status.position).toBe(poisoned - 1n);
      await bench().expectReplay(['b'], []);
      await bench().ledger.append('b', counted('nut', 1));
      await bench().settled(projector, others);
      expect(await projector.waitFor(name, poisoned, WAIT_MS)).toBe(false);
      // What was in the rows before it stays to be read.
      expect(await bench().position(toyProjections.find((projection) => projection.name === name)!)).toBe(
        poisoned - 1n,
      );
    });

    it('stops all that share its fold, each with all that came before it', async () => {
      const { poisoned } = await history('fold');
      const projector = await bench().start();
      for (const { name } of toyProjections) {
        const status = await statusWhere(projector, name, ({ state }) => state === 'failed');
        expect(status).toMatchObject({ position: poisoned - 1n, error: { code: 'poison', position: `${poisoned}` } });
      }
    });

    it('is tried again by the next process, which may know better', async () => {
      const { poisoned } = await history('items');
      const first = await bench().start();
      await statusWhere(first, 'toy-items', ({ state }) => state === 'failed');
      await bench().stop(first);
      const better: Projection = {
        ...toyItems,
        evolve: (model, touched, rows) =>
          toyItems.evolve(
            model,
            { ...touched, events: touched.events.filter(({ position }) => position !== poisoned) },
            rows,
          ),
      };
      const projections = [toyHead, better, toyTrail];
      const second = await bench().start({ projections });
      await bench().settled(second, projections);
      expect(await statusWhere(second, 'toy-items', ({ state }) => state === 'live')).not.toHaveProperty('error');
      await bench().expectReplay(['a', 'b'], projections);
    });
  });

  it.each([
    ['type', 'unknown-type', { type: 'Invented', data: {} }],
    ['version', 'unknown-version', { version: 3, data: { item: 'nut', amount: 1 } }],
  ])('gives up all projections at a %s that it does not know', async (_, code, event) => {
    const { ledger } = bench();
    const projector = await bench().start();
    await ledger.register('a');
    const before = await ledger.append('a', counted('nut', 1));
    await bench().settled(projector);
    const position = await ledger.append('a', event);
    await ledger.append('a', counted('nut', 1));
    for (const { name } of toyProjections)
      expect(await statusWhere(projector, name, ({ state }) => state === 'failed')).toMatchObject({
        position: before,
        error: { code, stream: 'contract-a', revision: '2', position: `${position}` },
      });
    await expect(projector.rebuild('toy-head')).rejects.toMatchObject({ code: 'rebuild-failed' });
  });

  it('writes no row twice when two projectors work on one read model', async () => {
    const { ledger } = bench();
    for (const contract of ['a', 'b']) await ledger.register(contract);
    const [first, second] = await Promise.all([bench().start({ batchEvents: 3 }), bench().start({ batchEvents: 5 })]);
    for (let n = 0; n < 60; n += 1)
      await ledger.append(n % 2 === 0 ? 'a' : 'b', counted(`i${n % 5}`, 1, {}, { id: `e${n}` }));
    await ledger.correct('a', 'e10', undefined);
    await bench().settled(first);
    await bench().settled(second);
    await bench().expectReplay(['a', 'b']);
  });

  it('begins anew where the ledger is another one than it was', async () => {
    const { ledger } = bench();
    await ledger.register('a');
    for (let n = 0; n < 10; n += 1) await ledger.append('a', counted('nut', 1));
    const first = await bench().start();
    await bench().settled(first);
    await bench().stop(first);
    // The same read model beside a ledger with as many events and more, but others.
    const other = new Bench(bench().url, bench().defaults);
    try {
      await other.ledger.register('z');
      for (let n = 0; n < 20; n += 1) await other.ledger.append('z', counted('bolt', 1));
      const projector = await other.start();
      await other.settled(projector);
      await other.expectReplay(['z']);
    } finally {
      await other.close();
    }
  });
}

function describeCopies(bench: () => Bench, open: () => Promise<string>): void {
  /** As the first version, but with everything counted twice. */
  const doubled = nextVersion(toyHead, (model, touched, rows) =>
    toyHead.evolve(model, touched, {
      ...rows,
      put: (table, row) => rows.put(table, { ...row, total: Number(row['total']) * 2 }),
    }),
  );

  async function filled(): Promise<void> {
    const { ledger } = bench();
    for (const contract of ['a', 'b', 'c']) await ledger.register(contract);
    for (let n = 0; n < 120; n += 1) await ledger.append('abc'[n % 3]!, counted(`i${n % 4}`, 1, {}, { id: `e${n}` }));
    await ledger.correct('b', 'e4', { item: 'i0', amount: 9 });
  }

  it('builds a new version beside the old one, which serves until it has caught up', async () => {
    await filled();
    const first = await bench().start();
    await bench().settled(first);
    await bench().stop(first);
    const before = await bench().rows(toyHead, headTable);

    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const projections = [doubled, toyItems, toyTrail];
    const slow = slowStore(bench().store, gate);
    const second = await bench().start({ projections, store: slow });
    expect((await statusWhere(second, 'toy-head', ({ state }) => state === 'rebuilding')).building?.version).toBe(2);
    expect(await bench().rows(doubled, headTable)).toEqual(before);
    release();
    await statusWhere(second, 'toy-head', ({ state }) => state === 'live');
    expect(await bench().rows(doubled, headTable)).toEqual(
      before.map((row) => ({ ...row, total: Number(row['total']) * 2 })),
    );
    await bench().expectReplay(['a', 'b', 'c'], projections);
    // An older program finds all it asks for in the newer rows, and does not build the old ones again.
    await bench().stop(second);
    const third = await bench().start();
    expect(await statusWhere(third, 'toy-head', ({ state }) => state === 'standby')).toMatchObject({ version: 1 });
    expect(await bench().rows(toyHead, headTable)).toEqual(await bench().rows(doubled, headTable));
  });

  it('says that a version is being built whose columns the old rows do not have', async () => {
    await filled();
    const first = await bench().start();
    await bench().settled(first);
    await bench().stop(first);
    const wider: Projection = {
      ...toyHead,
      version: 2,
      tables: [{ ...headTable, columns: { ...headTable.columns, more: { type: 'text', nullable: true } } }],
    };
    await expect(bench().readModel.query(wider, async () => undefined)).rejects.toMatchObject({
      code: 'projection-building',
    });
  });

  it('rebuilds by hand while queries answer, to the same rows, and says how far it is', async () => {
    await filled();
    const projector = await bench().start({ batchEvents: 10 });
    await bench().settled(projector);
    const before = await Promise.all([bench().rows(toyHead, headTable), bench().rows(toyTrail, trailTable)]);
    const positions: bigint[] = [];
    const state = { rebuilt: false };
    const asking = (async () => {
      while (!state.rebuilt) {
        const { result, position } = await bench().readModel.query(toyTrail, (view) =>
          view.db.selectFrom(view.table(trailTable)).selectAll().execute(),
        );
        expect(sorted(result, trailTable)).toEqual(before[1]);
        positions.push(position);
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    })();
    const progress: RebuildProgress[] = [];
    await projector.rebuild('all', (one) => progress.push(one));
    state.rebuilt = true;
    await asking;
    expect(positions.length).toBeGreaterThan(0);
    expect(new Set(progress.map(({ name }) => name))).toEqual(new Set(toyProjections.map(({ name }) => name)));
    expect(progress.at(-1)?.position).toBe(progress.at(-1)?.target);
    expect(await Promise.all([bench().rows(toyHead, headTable), bench().rows(toyTrail, trailTable)])).toEqual(before);
    // Once more, back into the first set of tables, and on with the next events.
    await projector.rebuild('toy-head');
    await bench().ledger.append('a', counted('nut', 1));
    await bench().settled(projector);
    await bench().expectReplay(['a', 'b', 'c']);
    for (const { name } of toyProjections) await statusWhere(projector, name, ({ state }) => state === 'live');
  });

  it('rebuilds while events are recorded', async () => {
    await filled();
    const projector = await bench().start({ batchEvents: 20 });
    const state = { done: false };
    const recording = (async () => {
      for (let n = 0; !state.done; n += 1) {
        await bench().ledger.append('a', counted('nut', 1, {}, { id: `more-${n}` }));
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    })();
    await projector.rebuild('all');
    await projector.rebuild('toy-items');
    state.done = true;
    await recording;
    await bench().settled(projector);
    await bench().expectReplay(['a', 'b', 'c']);
  });

  it('mends a projection that had failed, and refuses what it cannot rebuild', async () => {
    const { ledger } = bench();
    await ledger.register('a');
    await ledger.append('a', counted('nut', 1, { poison: 'items' }));
    const projector = await bench().start();
    await statusWhere(projector, 'toy-items', ({ state }) => state === 'failed');
    await expect(projector.rebuild('nothing')).rejects.toMatchObject({ code: 'unknown-projection' });
    await expect(projector.rebuild('toy-items')).rejects.toMatchObject({ code: 'rebuild-failed' });
    await projector.rebuild('toy-head');
    await bench().stop(projector);
    const mended = await bench().start({
      projections: [toyHead, { ...toyItems, evolve: () => undefined }, toyTrail],
    });
    await mended.rebuild('toy-items');
    expect(await statusWhere(mended, 'toy-items', ({ state }) => state === 'live')).not.toHaveProperty('error');
  });

  it('goes on with a rebuild that was interrupted', async () => {
    await filled();
    const first = await bench().start({ batchEvents: 10 });
    await bench().settled(first);
    const rebuilding = first.rebuild('toy-trail', () => void bench().stop(first));
    await expect(rebuilding).rejects.toMatchObject({ code: 'projector-stopped' });
    const second = await bench().start();
    await statusWhere(second, 'toy-trail', ({ state }) => state === 'live');
    await bench().expectReplay(['a', 'b', 'c']);
  });

  it('gives the same rows to a read model that is built from nothing', async () => {
    await filled();
    const projector = await bench().start({ batchEvents: 7 });
    await bench().settled(projector);
    const url = await open();
    const again = openReadModel(url);
    const other = await bench().start({ readModel: url, batchEvents: 50, cacheBytes: 1 });
    try {
      await bench().settled(other);
      for (const [projection, table] of [
        [toyHead, headTable],
        [toyItems, itemTable],
        [toyTrail, trailTable],
      ] as const) {
        const { result } = await again.query(projection, (view) =>
          view.db.selectFrom(view.table(table)).selectAll().execute(),
        );
        expect(sorted(result, table)).toEqual(await bench().rows(projection, table));
      }
    } finally {
      await again.close();
    }
  });
}

function describeQueries(bench: () => Bench): void {
  it('answers each query from one snapshot: rows and position belong together', async () => {
    const { ledger } = bench();
    const projector = await bench().start();
    await ledger.register('a');
    await bench().settled(projector);
    const seen = await bench().readModel.query(toyHead, async (view) => {
      const read = () => view.db.selectFrom(view.table(headTable)).select(['events', 'position']).execute();
      const before = await read();
      await ledger.append('a', counted('nut', 1));
      await bench().settled(projector);
      return { before, after: await read(), position: view.position };
    });
    expect(seen.result.after).toEqual(seen.result.before);
    expect(seen.result.before).toEqual([{ events: 1, position: seen.position }]);
    expect(await bench().rows(toyHead, headTable)).toMatchObject([{ events: 2 }]);
  });

  it('gives integers as numbers and positions as bigint, and sorts text by code point', async () => {
    const { ledger } = bench();
    const projector = await bench().start();
    for (const contract of ['b', 'B', 'a', 'a-1', 'a.1']) await ledger.register(contract);
    await ledger.append('a', counted('nut', Number.MAX_SAFE_INTEGER));
    await bench().settled(projector);
    const { result } = await bench().readModel.query(toyHead, async (view) => ({
      rows: await view.db.selectFrom(view.table(headTable)).selectAll().orderBy('contract').execute(),
      sums: await view.db
        .selectFrom(view.table(headTable))
        .select(({ fn }) => [fn.countAll<number>().as('count'), fn.sum<number>('events').as('events')])
        .executeTakeFirst(),
    }));
    expect(result.rows.map(({ contract }) => contract)).toEqual(['B', 'a', 'a-1', 'a.1', 'b']);
    expect(result.rows[1]).toEqual({
      contract: 'a',
      events: 2,
      total: Number.MAX_SAFE_INTEGER,
      position: expect.any(BigInt),
      last_item: 'nut',
    });
    expect(result.sums).toEqual({ count: 5, events: 6 });
  });

  it('passes on what a query throws, and has its connection again', async () => {
    await bench().start();
    for (let n = 0; n < 20; n += 1)
      await expect(
        bench().readModel.query(toyHead, async () => {
          throw new RangeError('mine');
        }),
      ).rejects.toThrow(RangeError);
    await expect(
      bench().readModel.query(toyHead, ({ db }) => db.selectFrom('nowhere').selectAll().execute()),
    ).rejects.toMatchObject({ name: 'ReadModelError' });
    expect(await bench().rows(toyHead, headTable)).toEqual([]);
  });
}

/** The same store, whose subscriptions from the beginning deliver nothing before the gate opens. */
function slowStore(store: EventStore, gate: Promise<void>): EventStore {
  return {
    append: (stream, expected, events) => store.append(stream, expected, events),
    readStream: (stream, from, direction, limit) => store.readStream(stream, from, direction, limit),
    readAll: (...args) => store.readAll(...args),
    head: () => store.head(),
    close: () => Promise.resolve(),
    subscribe: (from, handler) =>
      store.subscribe(from, {
        ...handler,
        batch: async (events) => {
          if (from === undefined) await gate;
          await handler.batch(events);
        },
        live: (position) => handler.live?.(position),
        restored: () => handler.restored?.(),
      }),
  };
}

/** What is true of building contract by contract alone. */
function describeBuilding(bench: () => Bench): void {
  const toldOf = async (work: (start: Bench['start']) => Promise<void>): Promise<readonly string[]> => {
    const warned: string[] = [];
    await work((options) => bench().start({ warn: (line) => void warned.push(line), ...options }));
    return warned;
  };

  /** Many more rows than go into one transaction, of contracts of all sizes, one of them long, with corrections in some. */
  const filled = async (): Promise<readonly string[]> => {
    const { ledger } = bench();
    const contracts = Array.from({ length: 30 }, (_, n) => `c-${String(n).padStart(2, '0')}`);
    for (const [n, contract] of contracts.entries()) {
      await ledger.register(contract);
      const count = n === 7 ? 6_000 : 20 * n;
      for (let from = 0; from < count; from += 500)
        await ledger.append(
          contract,
          ...Array.from({ length: Math.min(500, count - from) }, (_, at) =>
            counted(at % 2 === 0 ? 'nut' : 'bolt', at % 7, {}, { id: `e${from + at}` }),
          ),
        );
      if (n % 3 === 1) await ledger.correct(contract, 'e3', { item: 'nut', amount: 100 });
    }
    return contracts;
  };

  it('gives the rows that a replay gives, says how far it is, and goes on from there', async () => {
    const contracts = await filled();
    const warned = await toldOf(async (start) => {
      const projector = await start();
      await bench().settled(projector);
      await bench().expectReplay(contracts);
      const progress: RebuildProgress[] = [];
      await projector.rebuild('all', (one) => progress.push(one));
      expect(progress.some(({ position, target }) => position > 0n && position < target)).toBe(true);
      expect(progress.at(-1)!.position).toBe(progress.at(-1)!.target);
      await bench().expectReplay(contracts);
      await bench().ledger.append('c-07', counted('nut', 1));
      await bench().ledger.correct('c-07', 'e9', { item: 'nut', amount: 50 });
      await bench().settled(projector);
      await bench().expectReplay(contracts);
    });
    expect(warned).toEqual([]);
  }, 120_000);

  it('shows no row before all are there', async () => {
    const contracts = await filled();
    const seen = new Set<string>();
    const projector = await bench().start();
    for (let isOver = false; !isOver;) {
      try {
        const { result, position } = await bench().readModel.query(toyTrail, (view) =>
          view.db.selectFrom(view.table(trailTable)).selectAll().execute(),
        );
        seen.add(`${result.length} rows at ${position}`);
        isOver = position > 0n;
      } catch (error) {
        expect(error).toMatchObject({ code: 'projection-building' });
        seen.add('building');
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    const head = (await bench().store.head())!.position;
    await bench().settled(projector);
    const all = (await bench().rows(toyTrail, trailTable)).length;
    // Whether it was met while it was being built is for the clock to say; that no part of it was seen is not.
    expect([...seen].filter((what) => what !== 'building' && what !== '0 rows at 0')).toEqual([
      `${all} rows at ${head}`,
    ]);
    await bench().expectReplay(contracts);
  }, 120_000);

  it('begins again where it was broken off, and leaves nothing of the first attempt', async () => {
    const contracts = await filled();
    const first = await bench().start();
    await bench().settled(first);
    const rebuilding = first.rebuild('all', ({ position }) => void (position > 0n && bench().stop(first)));
    await expect(rebuilding).rejects.toMatchObject({ code: 'projector-stopped' });
    const second = await bench().start();
    for (const { name } of toyProjections) await statusWhere(second, name, ({ state }) => state === 'live');
    await bench().expectReplay(contracts);
  }, 120_000);

  it('is not begun anew by another process, and ends for who waits even where one has dropped what was built', async () => {
    const contracts = await filled();
    const first = await bench().start();
    await bench().settled(first);
    const second = await bench().start();
    let begun: () => void = () => undefined;
    const building = new Promise<void>((resolve) => (begun = resolve));
    const rebuilding = first.rebuild('all', ({ position }) => void (position > 0n && begun()));
    await building;
    await expect(second.rebuild('toy-head')).rejects.toMatchObject({ code: 'rebuild-running' });
    await rebuilding;

    const writer = await openReadModelWriter(bench().url, false);
    try {
      // Where processes share a server, nobody drops what another leads.
      if (writer.shared === undefined) {
        const dropping = new Promise<void>((resolve) => (begun = resolve));
        const again = first.rebuild('toy-trail', ({ position }) => void (position > 0n && begun()));
        // What has been built by then is not dropped any more.
        const ended = again.then(
          () => 'done',
          (error: unknown) => (error as { readonly code: string }).code,
        );
        await dropping;
        const keeper = new CopyKeeper(writer);
        for (const record of await keeper.read()) if (record.role === 'building') await keeper.drop(record);
        expect(['done', 'rebuild-failed']).toContain(await ended);
      }
    } finally {
      await writer.close();
    }
    await first.rebuild('all');
    await bench().expectReplay(contracts);
  }, 120_000);

  it('leaves to the ordinary way what it cannot build, which finds the event', async () => {
    const { ledger } = bench();
    await ledger.register('a');
    await ledger.append('a', counted('nut', 1));
    await ledger.append('a', counted('nut', 1, { poison: 'items' }));
    await ledger.append('a', counted('nut', 2));
    const warned = await toldOf(async (start) => {
      const projector = await start();
      const { error } = await statusWhere(projector, 'toy-items', ({ state }) => state === 'failed');
      expect(error).toMatchObject({ code: 'poison' });
      await statusWhere(projector, 'toy-head', ({ state }) => state === 'live');
    });
    expect(warned[0]).toContain('are built event by event');
  });

  it('keeps how far contracts have been reckoned beside the rows', async () => {
    const reckoning = { day: 18_000, owed: [], steps: [], periods: [], missed: [] };
    const entry = (contract: string, next: number | undefined) => ({
      contract,
      revision: 2n ** 60n,
      eventId: `event of ${contract}`,
      next,
      reckoning,
    });
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const memory = openReckonedMemory(bench().url);
      try {
        const many = Array.from({ length: 250 }, (_, n) => entry(`c-${n}`, n + attempt));
        await memory.save(many);
        await memory.save([entry('c-7', undefined)]);
        const found = await memory.load(['c-7', 'c-8', 'none']);
        expect(found.toSorted((a, b) => (a.contract < b.contract ? -1 : 1))).toEqual([
          entry('c-7', undefined),
          entry('c-8', 8 + attempt),
        ]);
        expect(await memory.load([])).toEqual([]);
      } finally {
        await memory.close();
      }
    }
  });

  it('gives way to another who has taken the copies over', async () => {
    await filled();
    const writer = await openReadModelWriter(bench().url, false);
    try {
      const copies = toyProjections.map((projection) => ({
        id: { name: projection.name, version: projection.version, copy: '' as const },
        projection,
      }));
      const keeper = new CopyKeeper(writer);
      await keeper.ensure(toyProjections);
      const claim = { eventId: 'mine', position: undefined, stream: undefined, revision: undefined };
      await claimFor(writer, copies, claim);
      const written: number[] = [];
      const share = openShare({
        store: bench().store,
        writer,
        rules: toyRules,
        copies,
        claim,
        signal: new AbortController().signal,
        written: (events) => void written.push(events),
      });
      await share.take([{ stream: 'contract-c-02', revision: 40n }]);
      const theirs = { ...claim, eventId: 'theirs' };
      if (writer.shared === undefined) {
        // Nobody leads: another waits as long as something is heard of the first one.
        const busy = {
          code: 'read-model-unavailable',
          message: expect.stringContaining('another process is building'),
        };
        await expect(claimFor(writer, copies, theirs)).rejects.toMatchObject(busy);
        const ids = copies.map(({ id }) => id);
        await writer.transaction(({ db }) => releaseClaim(db, ids, claim));
      }
      await claimFor(writer, copies, theirs);
      await share.take([{ stream: 'contract-c-03', revision: 60n }]);
      await expect(share.finish()).rejects.toMatchObject({ name: 'Moved' });
      expect(written).toEqual([]);
      // Nor does an ordinary writer move what is claimed.
      await writer.transaction(async (transaction) => {
        const to = { position: 1n, eventId: 'e', stream: 'contract-a', revision: 0n };
        const ids = copies.map(({ id }) => id);
        expect(await transaction.moveCheckpoints(ids, undefined, to)).toBe(false);
      });
    } finally {
      await writer.close();
    }
  }, 120_000);
}
