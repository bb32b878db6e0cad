/** One running ledger: every part opened from the configuration, joined, and closed in the right order. */
import { randomBytes, randomFillSync } from 'node:crypto';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { projections } from '../projections/index.js';
import { obligations } from '../projections/obligations/obligations.js';
import { nextLook, toLookAt } from '../projections/obligations/queries.js';
import { portfolioFacts } from '../projections/portfolio-facts/portfolio-facts.js';
import { rangesOf, type ContractRange } from '../projections/portfolio-facts/queries.js';
import type { Snapshot } from '../projections/projection.js';
import { keyOf } from './cli/init.js';
import { SteppedClock, SystemClock, type Clock } from './clock.js';
import { Recorder } from './commands/recorder.js';
import type { Config } from './config.js';
import { dayOf } from './contract/calendar.js';
import type { EventStore } from './event-store/event-store.js';
import { decodeEvent } from './evidence/record.js';
import { StoreFeed } from './http/feed.js';
import type { HttpParts, Log } from './http/ports.js';
import { readingExtension } from './http/reading/extension.js';
import { runningExtension } from './http/running/extension.js';
import type { Past, PastPortfolio, PastPortfolioQuestion, PastQuestion } from './http/reading/reading.js';
import { createServer } from './http/server.js';
import { ClockLog, mustBe, readIdentity, type LedgerIdentity } from './log/ledger-stream.js';
import { isSoleWriter, openWriter } from './open-store.js';
import { contractOf } from './subscriptions/decoding.js';
import { lastAtOrBefore } from './subscriptions/place.js';
import { startProjectorHost, type ProjectorHost } from './subscriptions/projector-host.js';
import { ReadModelError } from './subscriptions/errors.js';
import { openReadModel, type ReadModel } from './subscriptions/read-model.js';
import { openReckonedMemory, type ReckonedMemory } from './subscriptions/reckoned-memory.js';
import { Reckoner } from './subscriptions/reckoner.js';
import { startReplayPool, type ReplayPool } from './subscriptions/replay-pool.js';
import { VERSION } from './version.js';
import { Watch } from './watch/watch.js';

export interface Waybook {
  readonly config: Config;
  readonly identity: LedgerIdentity;
  readonly clock: Clock;
  /** Where it listens. */
  readonly url: string;
  /** Stops taking requests, lets those under way finish, and closes every part. May be called twice. */
  close(): Promise<void>;
}

/** What goes wrong in the background is said on standard error, without secrets. */
export const standardLog: Log = {
  info: () => undefined,
  warn: (message) => void process.stderr.write(`warning: ${message}\n`),
  error: (message, error) =>
    void process.stderr.write(
      `error: ${message}${error instanceof Error ? `\n${error.stack ?? error.message}` : ''}\n`,
    ),
};

/**
 * Opens store, read model and server. The ledger must have been initialised.
 * @throws LedgerError, EventStoreError, ReadModelError, ServerError, CommandFailure; what was opened is closed again
 */
export async function startWaybook(config: Config, log: Log = standardLog): Promise<Waybook> {
  const opened: (() => Promise<void>)[] = [];
  const closeAll = async (): Promise<void> => {
    for (let close = opened.pop(); close !== undefined; close = opened.pop()) await close();
  };
  try {
    let host: ProjectorHost | undefined;
    let recorder: Recorder | undefined;
    const store = await openWriter(config.eventStore, {
      mustExist: true,
      threaded: true,
      onCommitted: () => host?.poke(),
      onTampered: (stream) => {
        log.warn(`somebody deleted the stream ${stream} or set its metadata`);
        const contract = contractOf(stream);
        // Read anew, it is found out.
        if (contract !== undefined) recorder?.forget(contract);
      },
      log: (line) => log.warn(line),
    });
    opened.push(() => store.close());
    const identity = await readIdentity(store);
    mustBe(identity, { origin: config.origin, clock: config.clock, key: await keyOf(config, identity.origin) });
    const clock = await clockOf(store, identity);
    recorder = new Recorder(store, { clock, random: randomPool() }, { soleWriter: isSoleWriter(config.eventStore) });
    const replays = startReplayPool({
      worker: new URL('./replay-worker.js', import.meta.url),
      eventStore: config.eventStore,
      readModel: config.readModel,
    });
    opened.push(() => replays.close());
    if (config.projecting) {
      host = await startProjectorHost({
        worker: new URL('./projector-worker.js', import.meta.url),
        eventStore: config.eventStore,
        readModel: config.readModel,
        warn: (line) => log.warn(line),
      });
      const started = host;
      opened.push(() => started.close());
    }
    const readModel = openReadModel(config.readModel);
    opened.push(() => readModel.close());
    const memory = openReckonedMemory(config.readModel);
    opened.push(() => memory.close());
    const watch = host === undefined ? undefined : watchOver({ clock, store, recorder, host, readModel, memory, log });
    const server = await listen({ config, identity, clock, store, recorder, host, readModel, replays, watch, log });
    opened.push(() => server.close());
    if (watch !== undefined) {
      // It is closed first: what it has under way needs all the rest.
      opened.push(() => watch.close());
      watch.start(WATCH_EVERY_MS);
    }
    const url = (await server.getUrl()).replace('[::1]', 'localhost');
    let closing: Promise<void> | undefined;
    return { config, identity, clock, url, close: () => (closing ??= closeAll()) };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

interface Parts {
  readonly config: Config;
  readonly identity: LedgerIdentity;
  readonly clock: Clock;
  readonly store: EventStore;
  readonly recorder: Recorder;
  readonly host: ProjectorHost | undefined;
  readonly readModel: ReadModel;
  readonly replays: ReplayPool;
  readonly watch: Watch | undefined;
  readonly log: Log;
}

/** How often it is looked whether a day has begun, or whether what failed can be done now. */
const WATCH_EVERY_MS = 2_000;
/** Facts of contracts that are looked at, from one day to the next. */
const WATCH_CACHE_BYTES = 32 * 1024 * 1024;
/** How long the read model may take to show what is recorded before the watch gives up until the next time. */
const WATCH_WAIT_MS = 60_000;

function watchOver({
  clock,
  store,
  recorder,
  host,
  readModel,
  memory,
  log,
}: Pick<Parts, 'clock' | 'store' | 'recorder' | 'readModel' | 'log'> & {
  readonly host: ProjectorHost;
  readonly memory: ReckonedMemory;
}): Watch {
  const { name } = obligations;
  return new Watch({
    clock,
    recorder,
    reckoner: new Reckoner(store, WATCH_CACHE_BYTES, { memory }),
    head: async () => (await store.head())?.position,
    upTo: async (position) => {
      if (!(await host.waitFor(name, position, WATCH_WAIT_MS)))
        throw new ReadModelError('read-model-unavailable', `the read model of ${name} is behind`);
    },
    nextDay: async (day) => (await readModel.query(obligations, (snapshot) => nextLook(snapshot, day))).result,
    candidates: async (day, after, limit) =>
      (await readModel.query(obligations, (snapshot) => toLookAt(snapshot, { day, after, limit }))).result,
    standsBy: () => host.status().some((status) => status.name === name && status.state === 'standby'),
    warn: (message) => log.warn(message),
  });
}

function listen(parts: Parts): Promise<NestFastifyApplication> {
  const { config, identity, clock, store, recorder, host, readModel, replays, watch, log } = parts;
  const clockLog = new ClockLog(store, (bytes) => randomBytes(bytes));
  const http: HttpParts = {
    recorder,
    clock,
    health: {
      ready: () => true,
      head: async () => (await store.head())?.position,
      projections: () => host?.status() ?? [],
      ...(watch === undefined ? {} : { watch: () => watch.status() }),
    },
    ...(watch === undefined ? {} : { onDay: () => watch.pass() }),
    ...(identity.clock === 'system' ? {} : { onMoved: (nowMs: number) => clockLog.moved(nowMs) }),
    waiter: {
      waitFor: async (projection, position, timeoutMs) =>
        (await host?.waitFor(projection, position, timeoutMs)) ?? false,
    },
    feed: new StoreFeed(store),
    origin: identity.origin,
    version: VERSION,
    log,
  };
  const reading = readingExtension({
    query: (projection, use) => readModel.query(projection, use),
    exposure: (question) => replays.exposure(question),
    scorecards: (page) => replays.scorecards(page),
    replay: (question) => replayOf(question, parts, replays),
    portfolio: (question) => portfolioOf(question, parts, replays),
  });
  return createServer(http, {
    host: config.host,
    port: config.port,
    insecurelyAllowAnyHost: config.insecureAllowRemote,
    extensions: host === undefined ? [reading] : [reading, runningExtension(host, projections)],
  });
}

/** A question about the past, with what a replay must know of the whole ledger: when the position asked about was recorded. */
async function replayOf(
  { contract, asOf, on, projection }: PastQuestion,
  { store, clock }: Parts,
  replays: ReplayPool,
): Promise<Past | undefined> {
  const now = new Date(clock.now()).toISOString();
  const asked = { contract, projection, ...(on === undefined ? {} : { on }) };
  if (asOf === undefined) {
    // All that is recorded by now: up to the head, whatever clock its recorded times are from.
    const head = await store.head();
    if (head === undefined) return undefined;
    return replays.replay({ ...asked, asOf: { instant: now, position: head.position } });
  }
  if (asOf.kind !== 'position') return replays.replay({ ...asked, asOf: { instant: asOf.instant } });
  const last = await lastAtOrBefore(store, asOf.position);
  if (last === undefined) return undefined;
  const instant = decodeEvent(last).recordedtime;
  return replays.replay({ ...asked, asOf: { instant, position: asOf.position } });
}

/** Threads that answer one question about the whole portfolio together. */
const PORTFOLIO_PARTS = 2;

/** The portfolio as it was: its contracts in ranges of about the same size, folded at the same time. */
async function portfolioOf(
  { asOf, on, filters, want }: PastPortfolioQuestion,
  { store, clock, readModel }: Parts,
  replays: ReplayPool,
): Promise<PastPortfolio> {
  const { result: ranges, position: shown } = await readModel.query(portfolioFacts, (snapshot) =>
    rangesAsked(snapshot, want),
  );
  const now = new Date(clock.now()).toISOString();
  let [position, instant] = [shown, now];
  if (asOf?.kind === 'instant') instant = new Date(Math.floor(Date.parse(asOf.instant))).toISOString();
  else if (asOf?.kind === 'position') {
    // What has not been projected yet is not in the rows: the position that is shown says so.
    if (asOf.position < position) position = asOf.position;
    const last = await lastAtOrBefore(store, position);
    instant = last === undefined ? instant : decodeEvent(last).recordedtime;
  }
  const day = on ?? dayOf(instant);
  const past = {
    position,
    ...(asOf?.kind === 'instant' ? { recordedtime: instant } : {}),
    ...(on === undefined ? {} : { on }),
  };
  const wanted = want.kind === 'page' ? ({ kind: 'page', page: { ...want.page, day } } as const) : want;
  const parts = await replays.portfolio(ranges.map((range) => ({ past, filters, day, range, want: wanted })));
  return {
    page: parts.flatMap(({ page }) => page),
    groups: parts.flatMap(({ groups }) => groups),
    cards: parts.flatMap(({ cards }) => cards),
    changes: parts.flatMap(({ changes }) => changes),
    // By instant it is of the events recorded by then, and asked by the position of the last of them it is the same again.
    position:
      asOf?.kind === 'instant'
        ? parts.reduce((last, part) => (part.position > last ? part.position : last), 0n)
        : position,
    on: day,
  };
}

/** The contracts to look at, in ranges; where only one is asked about, that one. */
async function rangesAsked(snapshot: Snapshot, want: PastPortfolioQuestion['want']): Promise<readonly ContractRange[]> {
  if (want.kind === 'changes' && want.page.contract !== undefined) return [{ contract: want.page.contract }];
  const ends = await rangesOf(snapshot, PORTFOLIO_PARTS);
  return [undefined, ...ends].map((after, part) => ({ after, upTo: ends[part] }));
}

/** The machine's clock; or one that goes on from the last event, and moves when it is told to. */
async function clockOf(store: EventStore, identity: LedgerIdentity & { readonly startMs: number }): Promise<Clock> {
  if (identity.clock === 'system') return new SystemClock();
  const head = await store.head();
  const last = head === undefined ? undefined : await lastAtOrBefore(store, head.position);
  const recordedMs = last === undefined ? 0 : Date.parse(decodeEvent(last).recordedtime);
  return new SteppedClock(Math.max(identity.startMs, recordedMs));
}

/** Random bytes, drawn from the system some thousands at a time. No byte is given out twice. */
function randomPool(size = 8 * 1024): (bytes: number) => Uint8Array {
  let pool = Buffer.alloc(0);
  let used = 0;
  return (bytes) => {
    // Never filled again: what was given out stays as it is for as long as somebody holds it.
    if (used + bytes > pool.length) [pool, used] = [randomFillSync(Buffer.allocUnsafeSlow(size)), 0];
    used += bytes;
    return pool.subarray(used - bytes, used);
  };
}
