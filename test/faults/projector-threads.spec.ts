import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { projections } from '../../projections/index.js';
import { contractStatus, contractTable } from '../../projections/contract-status/contract-status.js';
import type { EventStore } from '../../src/event-store/event-store.js';
import { openSqliteStore } from '../../src/event-store/sqlite/sqlite-event-store.js';
import { buildHelpers } from '../../src/subscriptions/build-helpers.js';
import { contractRules } from '../../src/subscriptions/decoding.js';
import { startProjectorHost, type ProjectorHost } from '../../src/subscriptions/projector-host.js';
import { openReadModel } from '../../src/subscriptions/read-model.js';
import { replayContract } from '../../src/subscriptions/replay.js';
import { startReplayPool } from '../../src/subscriptions/replay-pool.js';
import type { RebuildProgress } from '../../src/subscriptions/status.js';
import type { Projector } from '../../src/subscriptions/projector.js';
import { Bench, statusWhere, WAIT_MS } from '../contract/projections.js';
import { counted, ToyLedger, toyHead, toyItems, toyProjections, toyRules } from '../contract/projections-support.js';
import { registrationData } from '../support/scenario.js';

const directory = mkdtempSync(join(tmpdir(), 'waybook-threads-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

let count = 0;
/** A thread that speaks the protocol and does what the test wants. */
function thread(code: string): URL {
  count += 1;
  const path = join(directory, `thread-${count}.mjs`);
  writeFileSync(path, `import { parentPort as port, workerData } from 'node:worker_threads';\n${code}`);
  return pathToFileURL(path);
}

const nowhere = { eventStore: 'sqlite:nowhere', readModel: 'sqlite:nowhere', warn: () => undefined };
const status = (position: string, more = '') =>
  `{ kind: 'status', statuses: [{ name: 'one', version: 1, state: 'live', position: ${position}, eventId: 'e', building: undefined, lag: { milliseconds: 0 } ${more} }] }`;

/** Waits until something is so. */
async function until(met: () => boolean): Promise<void> {
  for (let left = WAIT_MS / 10; left > 0 && !met(); left -= 1) await new Promise((done) => setTimeout(done, 10));
  expect(met()).toBe(true);
}

describe('the host of the projector', () => {
  let host: ProjectorHost | undefined;
  afterEach(() => host?.close());

  it('hears statuses, wakes who waits, and passes pokes on', async () => {
    const worker = thread(`
      let pokes = 0n;
      port.on('message', ({ kind }) => {
        if (kind === 'poke') port.postMessage(${status('(pokes += 1n)')});
        if (kind === 'close') port.close();
      });
      port.postMessage({ kind: 'started' });
      port.postMessage(${status('undefined')});`);
    host = await startProjectorHost({ worker, ...nowhere });
    await until(() => host?.status().length === 1);
    const waiting = host.waitFor('one', 2n, WAIT_MS);
    // Those of one turn of the event loop are one.
    for (let n = 0; n < 100; n += 1) host.poke();
    await until(() => host?.status()[0]?.position === 1n);
    host.poke();
    expect(await waiting).toBe(true);
    expect(host.status()[0]).toMatchObject({ name: 'one', state: 'live', position: 2n });
    await expect(host.waitFor('two', 1n, 10)).rejects.toMatchObject({ code: 'unknown-projection' });
    const further = host.waitFor('one', 99n, WAIT_MS);
    await host.close();
    expect(await further).toBe(false);
    await expect(host.rebuild('one')).rejects.toMatchObject({ code: 'projector-stopped' });
  });

  it('reports the progress and the end of each rebuild to who asked for it', async () => {
    const worker = thread(`
      port.on('message', ({ kind, id, projection }) => {
        if (kind === 'rebuild') {
          port.postMessage({ kind: 'progress', id, progress: { name: projection, position: 5n, target: 9n } });
          const error = projection === 'bad' ? { name: 'ReadModelError', message: 'no', code: 'rebuild-failed' } : undefined;
          port.postMessage({ kind: 'rebuilt', id, error });
        }
        if (kind === 'close') port.close();
      });
      port.postMessage({ kind: 'started' });`);
    host = await startProjectorHost({ worker, ...nowhere });
    const progress: RebuildProgress[] = [];
    const [good, bad] = await Promise.allSettled([
      host.rebuild('good', (one) => progress.push(one)),
      host.rebuild('bad'),
    ]);
    expect(good.status).toBe('fulfilled');
    expect(bad).toMatchObject({ status: 'rejected', reason: { code: 'rebuild-failed', name: 'ReadModelError' } });
    expect(progress).toEqual([{ name: 'good', position: 5n, target: 9n }]);
  });

  it('says why a thread could not start', async () => {
    const refusing = thread(
      `port.postMessage({ kind: 'refused', error: { name: 'ReadModelError', message: 'no', code: 'invalid-url' } });`,
    );
    await expect(startProjectorHost({ worker: refusing, ...nowhere })).rejects.toMatchObject({ code: 'invalid-url' });
    await expect(startProjectorHost({ worker: thread(`throw new RangeError('broken');`), ...nowhere })).rejects.toThrow(
      'broken',
    );
  });

  it('starts a thread again that has ended by itself, and says so meanwhile', async () => {
    const marker = join(directory, 'died-once');
    const worker = thread(`
      import { existsSync, writeFileSync } from 'node:fs';
      const again = existsSync(${JSON.stringify(marker)});
      port.on('message', ({ kind }) => {
        if (kind === 'close') port.close();
        if (kind === 'rebuild') {
          writeFileSync(${JSON.stringify(marker)}, '');
          setImmediate(() => { throw new Error('out of memory'); });
        }
      });
      port.postMessage({ kind: 'started' });
      port.postMessage(${status('again ? 2n : 1n')});`);
    const warned: string[] = [];
    host = await startProjectorHost({ worker, ...nowhere, warn: (line) => void warned.push(line) });
    await until(() => host?.status().length === 1);
    const rebuilding = host.rebuild('one');
    const waiting = host.waitFor('one', 2n, WAIT_MS);
    await expect(rebuilding).rejects.toMatchObject({ code: 'projector-stopped' });
    expect(host.status()[0]).toMatchObject({
      state: 'catching-up',
      error: { code: 'projector-stopped', detail: 'out of memory' },
    });
    expect(await waiting).toBe(true);
    expect(host.status()[0]).not.toHaveProperty('error');
    expect(warned).toEqual(['the thread of the projector has ended and is started again: out of memory']);
  });
});

describe('the pool of replayers', () => {
  const request = (contract: string) => ({ contract, asOf: { instant: '2024-01-01T00:00:00Z' } });
  const worker = () =>
    thread(`
      port.on('message', ({ kind, request }) => {
        if (kind === 'close') return port.close();
        if (request.contract === 'dies') setImmediate(() => { throw new Error('died'); });
        else if (request.contract === 'fails') port.postMessage({ kind: 'failed', error: { name: 'EvidenceError', message: 'no', code: 'chain-broken' } });
        else setTimeout(() => port.postMessage({ kind: 'done', result: request.contract === 'missing' ? undefined : { rows: new Map([['t', [{ contract: request.contract }]]]), position: 1n, asOfInstant: '', on: '' } }), 5);
      });`);

  it('answers each request, also those that wait, in threads that outlive failures', async () => {
    const pool = startReplayPool({
      worker: worker(),
      eventStore: 'sqlite:nowhere',
      readModel: 'sqlite:unused',
      threads: 2,
    });
    try {
      const names = Array.from({ length: 12 }, (_, n) => `c${n}`);
      const answers = await Promise.allSettled(
        [...names, 'missing', 'fails', 'dies', ...names].map((name) => pool.replay(request(name))),
      );
      const given = answers.map((answer) =>
        answer.status === 'fulfilled'
          ? answer.value?.rows.get('t')?.[0]?.['contract']
          : (answer.reason as { code: string }).code,
      );
      expect(given).toEqual([...names, undefined, 'chain-broken', 'projector-stopped', ...names]);
    } finally {
      await pool.close();
    }
    await expect(pool.replay(request('late'))).rejects.toMatchObject({ code: 'projector-stopped' });
  });

  it('lets those under way finish when it is closed, and refuses those that wait', async () => {
    const pool = startReplayPool({
      worker: worker(),
      eventStore: 'sqlite:nowhere',
      readModel: 'sqlite:unused',
      threads: 1,
    });
    const [first, second] = [pool.replay(request('a')), pool.replay(request('b'))];
    const answers = Promise.allSettled([first, second]);
    await pool.close();
    expect(await answers).toMatchObject([
      { status: 'fulfilled', value: { position: 1n } },
      { status: 'rejected', reason: { code: 'projector-stopped' } },
    ]);
  });
});

const dist = resolve('dist/src');

const writerThread = join(dist, 'subscriptions/sqlite-writer-worker.js');
const hasWriter = existsSync(writerThread);
(hasWriter ? describe : describe.skip)(
  `the thread that writes large batches${hasWriter ? '' : ' (dist/ is missing; `npm test` builds it)'}`,
  () => {
    let bench: Bench;
    beforeEach(() => {
      count += 1;
      bench = new Bench(`sqlite:${join(directory, `threaded-${count}.db`)}`);
    });
    afterEach(() => bench.close());

    /** The compiled projector: a thread needs compiled code. */
    async function start(): Promise<Projector> {
      const compiled = (await import(join(dist, 'subscriptions/projector.js'))) as {
        readonly Projector: typeof Projector;
      };
      const options = { store: bench.store, readModel: bench.url, projections: toyProjections, rules: toyRules };
      return compiled.Projector.start({ ...options, threaded: true });
    }

    async function history(poison?: 'trail'): Promise<bigint> {
      await bench.ledger.register('a');
      await bench.ledger.register('b');
      let poisoned = 0n;
      for (let n = 0; n < 6; n += 1) {
        const events = Array.from({ length: 500 }, (_, at) => counted(`i${at % 9}`, 1, {}, { id: `e${n}-${at}` }));
        await bench.ledger.append(n % 2 === 0 ? 'a' : 'b', ...events);
        if (n === 3 && poison !== undefined) poisoned = await bench.ledger.append('a', counted('nut', 1, { poison }));
      }
      await bench.ledger.correct('b', 'e3-3', undefined);
      return poisoned;
    }

    it('writes the rows that a replay gives, beside small batches that do not go there', async () => {
      await history();
      const projector = await start();
      try {
        await bench.settled(projector);
        await projector.rebuild('all');
        await bench.ledger.append('a', counted('nut', 1));
        await bench.settled(projector);
        await bench.expectReplay(['a', 'b']);
      } finally {
        await projector.close();
      }
    });

    it('says whose rows were refused', async () => {
      const poisoned = await history('trail');
      const projector = await start();
      try {
        const failed = await statusWhere(projector, 'toy-trail', ({ state }) => state === 'failed');
        expect(failed.error).toMatchObject({ code: 'row-refused', position: `${poisoned}` });
        await bench.settled(projector, [toyHead, toyItems]);
      } finally {
        await projector.close();
      }
    });

    it('writes no row twice beside another projector', async () => {
      await history();
      const projectors = await Promise.all([start(), bench.start({ batchEvents: 700 })]);
      try {
        for (const projector of projectors) await bench.settled(projector);
        await bench.expectReplay(['a', 'b']);
      } finally {
        await projectors[0].close();
      }
    });
  },
);

const buildThread = join(dist, 'build-worker.js');
const hasBuild = existsSync(buildThread);
(hasBuild ? describe : describe.skip)(
  `the threads that share in a build${hasBuild ? '' : ' (dist/ is missing; `npm test` builds it)'}`,
  () => {
    const CONTRACTS = Array.from({ length: 24 }, (_, n) => `c-${n}`);
    let path: string;
    let store: EventStore;
    let bench: Bench;
    beforeEach(async () => {
      count += 1;
      path = join(directory, `shared-${count}.db`);
      store = openSqliteStore(path);
      bench = new Bench(`sqlite:${join(directory, `shared-${count}-rows.db`)}`);
      const ledger = new ToyLedger(store);
      const from = { reporter: 'us-gov' };
      for (const [n, contract] of CONTRACTS.entries()) {
        await ledger.register(contract, { ...from, data: registrationData() });
        const forecasts = Array.from({ length: 10 + 20 * n }, (_, at) => ({
          ...from,
          type: 'ForecastRevised',
          id: `f${at}`,
          data: { milestone: 'D1', forecast: `20${22 + (at % 70)}-03-01`, reason: `report ${at}` },
        }));
        await ledger.append(contract, ...forecasts);
        if (n % 4 === 1)
          await ledger.correct(contract, 'f3', { milestone: 'D1', forecast: '2024-01-01', reason: 'as it was' }, from);
      }
    }, 60_000);
    afterEach(async () => {
      await bench.close();
      await store.close();
    });

    const options = (worker: URL, warned: string[]) => ({
      store,
      projections,
      rules: contractRules,
      buildEvents: 0,
      help: buildHelpers({ worker, eventStore: `sqlite:${path}`, readModel: bench.url, threads: 2 }),
      warn: (line: string) => void warned.push(line),
    });
    const built = async (worker: URL): Promise<readonly string[]> => {
      const warned: string[] = [];
      const projector = await bench.start(options(worker, warned));
      const { position } = (await store.head())!;
      for (const { name } of projections) expect(await projector.waitFor(name, position, WAIT_MS)).toBe(true);
      await projector.rebuild('all');
      await bench.expectReplay(CONTRACTS, projections, store, contractRules);
      return warned;
    };

    it('write the rows that a replay gives', async () => {
      expect(await built(pathToFileURL(buildThread))).toEqual([]);
    }, 120_000);

    it('leave the work to the ordinary way where none can be started', async () => {
      const warned: string[] = [];
      const help = () => Promise.reject(new Error('no more threads'));
      const projector = await bench.start({ ...options(pathToFileURL(buildThread), warned), help });
      const { position } = (await store.head())!;
      for (const { name } of projections) expect(await projector.waitFor(name, position, WAIT_MS)).toBe(true);
      expect(warned).toEqual([expect.stringContaining('event by event: no more threads')]);
      await bench.expectReplay(CONTRACTS, projections, store, contractRules);
    }, 120_000);

    it('leave the work to the ordinary way where one of them ends', async () => {
      const dying = thread(`port.on('message', () => { throw new Error('out of memory'); });`);
      const warned = await built(dying);
      expect(warned.length).toBeGreaterThan(0);
      for (const line of warned) expect(line).toContain('event by event: out of memory');
    }, 120_000);

    it('are ended with it, whatever they are doing', async () => {
      const silent = thread(`port.on('message', () => undefined);`);
      const warned: string[] = [];
      const projector = await bench.start(options(silent, warned));
      await new Promise((resolve) => setTimeout(resolve, 200));
      await bench.stop(projector);
      expect(warned).toEqual([]);
      // Who comes next finds nothing half done.
      expect(await built(pathToFileURL(buildThread))).toEqual([]);
    }, 120_000);

    it('end the build where one of them says that the read model cannot be reached, which is then tried again', async () => {
      const marker = join(directory, `refused-${count}`);
      const refusing = thread(`
        import { existsSync, writeFileSync } from 'node:fs';
        if (existsSync(${JSON.stringify(marker)})) await import(${JSON.stringify(pathToFileURL(buildThread).href)});
        else {
          writeFileSync(${JSON.stringify(marker)}, '');
          port.on('message', () => port.postMessage({
            kind: 'failed', error: { name: 'ReadModelError', code: 'read-model-unavailable', message: 'busy' },
          }));
        }`);
      expect(await built(refusing)).toEqual([]);
      expect(existsSync(marker)).toBe(true);
    }, 120_000);
  },
);

const hasDist = existsSync(join(dist, 'projector-worker.js')) && existsSync(join(dist, 'replay-worker.js'));
(hasDist ? it : it.skip)(
  `the real threads project and replay to the same rows${hasDist ? '' : ' (dist/ is missing; `npm test` builds it)'}`,
  async () => {
    const path = join(directory, 'ledger.db');
    const urls = { eventStore: `sqlite:${path}`, readModel: `sqlite:${join(directory, 'read-model.db')}` };
    let host: ProjectorHost | undefined;
    const store = openSqliteStore(path, { onCommitted: () => host?.poke() });
    const pool = startReplayPool({ worker: pathToFileURL(join(dist, 'replay-worker.js')), ...urls });
    const readModel = openReadModel(urls.readModel);
    try {
      host = await startProjectorHost({
        worker: pathToFileURL(join(dist, 'projector-worker.js')),
        ...urls,
        warn: () => undefined,
      });
      const ledger = new ToyLedger(store);
      const from = { reporter: 'us-gov' };
      await ledger.register('c', { ...from, data: registrationData() });
      const early = await ledger.append('c', {
        ...from,
        type: 'ForecastRevised',
        data: { milestone: 'D1', forecast: '2022-01-01', reason: 'late' },
      });
      const position = await ledger.append('c', {
        ...from,
        type: 'ForecastRevised',
        data: { milestone: 'D1', forecast: '2023-01-01', reason: 'later' },
      });
      for (const { name } of projections) expect(await host.waitFor(name, position, WAIT_MS)).toBe(true);
      await host.rebuild('all');
      const now = { instant: '9999-01-01T00:00:00Z' };
      const replayed = await pool.replay({ contract: 'c', asOf: now, verify: true });
      const { result } = await readModel.query(contractStatus, (view) =>
        view.db.selectFrom(view.table(contractTable)).selectAll().execute(),
      );
      expect(replayed?.rows.get(contractTable.name)).toEqual(result);
      const past = { contract: 'c', asOf: { ...now, position: early } };
      expect((await pool.replay(past))?.rows).toEqual((await replayContract(store, past, projections))?.rows);
      expect(await pool.replay({ contract: 'other', asOf: now })).toBeUndefined();
    } finally {
      await host?.close();
      await pool.close();
      await readModel.close();
      await store.close();
    }
  },
);
