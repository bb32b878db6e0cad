/**
 * Keeps all projections up to date: decides which copies this process writes, lets those that stand together run in one
 * lane, brings lanes together when they meet, and says what to do when one cannot go on.
 */
import type { Projection } from '../../projections/projection.js';
import type { EventStore } from '../event-store/event-store.js';
import { keyOfCopy, type CopyRecord, type ProjectionFailure } from './checkpoint.js';
import { CopyKeeper } from './copy-keeper.js';
import { CopyRegister } from './copy-register.js';
import { contractRules, type FoldRules } from './decoding.js';
import { codeOf, messageOf, ReadModelError } from './errors.js';
import type { Careful, Lane, LaneEnd, LaneSettings, OwnCopy } from './lane.js';
import { LaneSet } from './lane-set.js';
import { PostgresLeadership, soleLeader, type Leadership } from './leadership.js';
import { openReadModelWriter, type ReadModelWriter } from './read-model-writer.js';
import { Rebuilds } from './rebuilds.js';
import { statusOf } from './sight.js';
import {
  ALL,
  StatusBoard,
  type ProjectionStatus,
  type ProjectorControl,
  type RebuildProgress,
  type TransientTrouble,
} from './status.js';

export interface ProjectorOptions {
  readonly store: EventStore;
  /** `sqlite:PATH` or `postgres://...` */
  readonly readModel: string;
  readonly projections: readonly Projection[];
  readonly rules?: FoldRules;
  /** Told whenever something has changed, and now and then while a projection is behind. */
  readonly onStatus?: (statuses: readonly ProjectionStatus[]) => void;
  /** How many events go into one transaction at most. */
  readonly batchEvents?: number;
  /** How much memory the facts of contracts in use may take, in bytes as estimated; for each lane. */
  readonly cacheBytes?: number;
  /**
   * With more events than these in the store, rows are built contract by contract where there are none. Meanwhile a
   * copy that serves tells queries that it is being built.
   */
  readonly buildEvents?: number;
  /** Told what somebody should hear of though it goes on. */
  readonly warn?: (line: string) => void;
  /** Threads that help to build; needs the compiled program. */
  readonly help?: LaneSettings['help'];
  /** Writes large batches to SQLite in a thread of their own; needs the compiled program. */
  readonly threaded?: boolean;
  /** How often to look whether another process has gone or has switched copies, where several share a read model. */
  readonly pollMs?: number;
}

/** Larger batches write the row of a contract less often for the same events; these take some 20 MB on their way. */
const BATCH_EVENTS = 4_000;
const CACHE_BYTES = 64 * 1024 * 1024;
const BUILD_EVENTS = 4_000;
const POLL_MS = 1_000;
/** How often the lag is reported while a projection is behind. */
const BEHIND_MS = 1_000;
const BACKOFF_MS = { first: 50, most: 5_000 };

export class Projector implements ProjectorControl {
  readonly #options: ProjectorOptions;
  readonly #writer: ReadModelWriter;
  readonly #keeper: CopyKeeper;
  readonly #leadership: Leadership;
  readonly #copies: CopyRegister;
  readonly #lanes: LaneSet;
  readonly #rebuilds = new Rebuilds();
  readonly #board = new StatusBoard();

  /** Keys of the copies that this process leads. */
  #led: ReadonlySet<string> = new Set();
  /** Copies whose next batches are to be smaller, by key. */
  readonly #careful = new Map<string, Careful>();
  /** Copies that met an event which they cannot project, by key. */
  readonly #failed = new Map<string, ProjectionFailure>();
  #gaveUp: ProjectionFailure | undefined;
  #trouble: TransientTrouble | undefined;
  /** When a projection's rows last had everything, in ms of the monotonic clock. */
  readonly #atHeadMs = new Map<string, number>();

  /** Whatever decides about lanes goes one after the other. */
  #deciding: Promise<unknown> = Promise.resolve();
  #planIsDue = false;
  #refreshIsDue = false;
  #attempts = 0;
  #timer: NodeJS.Timeout | undefined;
  readonly #heartbeat: NodeJS.Timeout;
  #closed = false;

  /**
   * Opens the read model and begins to project. Resolves when it is known who writes what.
   * @throws ReadModelError `invalid-url`, `read-model-unavailable`
   */
  static async start(options: ProjectorOptions): Promise<Projector> {
    const projector = new Projector(options, await openReadModelWriter(options.readModel, options.threaded ?? false));
    try {
      await projector.#decide(() => projector.#plan());
    } catch (error) {
      await projector.close();
      throw error;
    }
    return projector;
  }

  private constructor(options: ProjectorOptions, writer: ReadModelWriter) {
    this.#options = options;
    this.#writer = writer;
    this.#keeper = new CopyKeeper(writer);
    this.#copies = new CopyRegister(options.projections);
    const settings: LaneSettings = {
      store: options.store,
      writer,
      rules: options.rules ?? contractRules,
      batchEvents: options.batchEvents ?? BATCH_EVENTS,
      cacheBytes: options.cacheBytes ?? CACHE_BYTES,
      buildEvents: options.buildEvents ?? BUILD_EVENTS,
      warn: options.warn ?? (() => undefined),
      help: options.help ?? (() => Promise.resolve([])),
      committed: (lane) => this.#committed(lane),
      atRest: (lane) => this.#atRest(lane),
    };
    this.#lanes = new LaneSet(settings, this.#copies, (lane, end) => {
      this.#decide(() => this.#ended(lane, end)).catch((error: unknown) => this.#retryLater(error));
    });
    this.#leadership =
      writer.shared === undefined
        ? soleLeader
        : new PostgresLeadership(writer.shared.url, {
            lost: () => this.#lostLeadership(),
            moved: () => this.#refreshStandby(),
          });
    for (const { name } of options.projections) this.#atHeadMs.set(name, performance.now());
    this.#publish();
    this.#heartbeat = setInterval(() => this.#publishIfBehind(), BEHIND_MS).unref();
  }

  status(): readonly ProjectionStatus[] {
    return this.#board.get();
  }

  waitFor(projection: string, position: bigint, timeoutMs: number): Promise<boolean> {
    return this.#board.waitFor(projection, position, timeoutMs);
  }

  async rebuild(name: string, onProgress?: (progress: RebuildProgress) => void): Promise<void> {
    const projections = this.#options.projections.filter((projection) => name === ALL || projection.name === name);
    if (projections.length === 0) throw new ReadModelError('unknown-projection', `there is no projection ${name}`);
    const begun = await this.#decide(() => this.#beginRebuild(projections, onProgress));
    this.#wake(0);
    await Promise.all(begun);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    clearInterval(this.#heartbeat);
    this.#lanes.signalStop();
    await this.#deciding.catch(() => undefined);
    await this.#lanes.stop();
    this.#rebuilds.failAll(
      new ReadModelError('projector-stopped', 'the projector was closed; the rebuild goes on at its next start'),
    );
    this.#board.close();
    await this.#leadership.close();
    await this.#writer.close();
  }

  // Deciding what runs.

  #decide<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#deciding.then(work);
    this.#deciding = mine.catch(() => undefined);
    return mine;
  }

  /** Plans again after that time, or earlier if that was asked for. */
  #wake(afterMs: number): void {
    if (this.#closed) return;
    if (afterMs > 0) {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#wake(0), afterMs).unref();
    } else if (!this.#planIsDue) {
      this.#planIsDue = true;
      this.#decide(() => {
        this.#planIsDue = false;
        return this.#plan();
      }).catch((error: unknown) => this.#retryLater(error));
    }
  }

  /** Looks at the copies there are, and lets those run that this process leads. */
  async #plan(): Promise<void> {
    if (this.#closed || this.#gaveUp !== undefined) return;
    this.#setRecords(await this.#keeper.ensure(this.#options.projections));
    this.#led = await this.#leadership.lead(this.#copies.own().map(({ id }) => keyOfCopy(id)));
    this.#trouble = undefined;
    for (const record of this.#copies.unneeded()) await this.#drop(record);
    await this.#lanes.merge(() => this.#keeper.read());
    await this.#forgetFailures();
    this.#startLanes();
    await this.#noteStandby();
    this.#publish();
    if (this.#writer.shared !== undefined) this.#wake(this.#options.pollMs ?? POLL_MS);
  }

  /** A failure that the read model tells of was met by an earlier process. This one tries for itself. */
  async #forgetFailures(): Promise<void> {
    const forgotten = this.#idleCopies().filter(({ id }) => this.#copies.find(id)?.failure !== undefined);
    if (forgotten.length === 0) return;
    await this.#keeper.setFailure(
      forgotten.map(({ id }) => id),
      undefined,
    );
  }

  /** Copies that this process is to write and does not write yet. */
  #idleCopies(): readonly OwnCopy[] {
    const running = this.#lanes.keys;
    return this.#copies.own().filter(({ id }) => {
      const key = keyOfCopy(id);
      return this.#led.has(key) && !running.has(key) && !this.#failed.has(key);
    });
  }

  #startLanes(): void {
    if (this.#closed) return;
    const groups = new Map<string, OwnCopy[]>();
    for (const copy of this.#idleCopies()) {
      const key = keyOfCopy(copy.id);
      const checkpoint = this.#copies.find(copy.id)?.checkpoint;
      if ((checkpoint?.position ?? -1n) >= (this.#careful.get(key)?.until ?? -1n)) this.#careful.delete(key);
      const careful = this.#careful.get(key);
      const group = `${checkpoint?.position} ${checkpoint?.eventId} ${careful?.limit} ${careful?.until}`;
      groups.set(group, [...(groups.get(group) ?? []), copy]);
    }
    for (const copies of groups.values()) {
      const { id } = copies[0]!;
      this.#lanes.start(copies, this.#copies.find(id)?.checkpoint, this.#careful.get(keyOfCopy(id)));
    }
  }

  /** What becomes of the projections of a lane that has ended by itself. */
  async #ended(lane: Lane, end: LaneEnd): Promise<void> {
    if (this.#closed) return;
    switch (end.kind) {
      case 'stopped':
      case 'moved':
        break;
      case 'history-changed':
        await this.#keeper.empty(
          lane.copies.map(({ id }) => id),
          lane.checkpoint,
        );
        break;
      case 'unavailable':
        this.#retryLater(end.error);
        return;
      case 'unknown-type':
        await this.#giveUp(end.failure);
        return;
      case 'poison':
        await this.#poisoned(end);
        break;
    }
    this.#wake(0);
  }

  /** Halves the batch until it holds one event; then that is the one. */
  async #poisoned({ copies, failure, batchSize, batchEnd }: Extract<LaneEnd, { kind: 'poison' }>): Promise<void> {
    if (batchSize > 1) {
      const careful = { limit: Math.floor(batchSize / 2), until: batchEnd };
      for (const { id } of copies) this.#careful.set(keyOfCopy(id), careful);
      return;
    }
    for (const { id } of copies) {
      const record = this.#copies.find(id);
      if (this.#rebuilds.failed(id, new ReadModelError('rebuild-failed', describeFailure(failure)))) {
        if (record !== undefined) await this.#drop(record);
      } else {
        this.#failed.set(keyOfCopy(id), failure);
        await this.#keeper.setFailure([id], failure);
      }
    }
  }

  /** Nothing is projected that would leave out what this program does not know; another program may go on. */
  async #giveUp(failure: ProjectionFailure): Promise<void> {
    this.#gaveUp = failure;
    await this.#lanes.stop();
    this.#rebuilds.failAll(new ReadModelError('rebuild-failed', describeFailure(failure)));
    this.#publish();
    const led = this.#copies.own().filter(({ id }) => this.#led.has(keyOfCopy(id)));
    await this.#keeper.setFailure(
      led.map(({ id }) => id),
      failure,
    );
    await this.#leadership.lead([]);
  }

  #lostLeadership(): void {
    this.#led = new Set();
    this.#lanes.signalStop();
    this.#publish();
    this.#decide(() => this.#lanes.stop()).catch((error: unknown) => this.#retryLater(error));
    this.#wake(BACKOFF_MS.first);
  }

  #retryLater(error: unknown): void {
    const code = codeOf(error) === 'store-unavailable' ? 'store-unavailable' : 'read-model-unavailable';
    this.#trouble = { code, detail: messageOf(error) };
    this.#publish();
    const wait = Math.min(BACKOFF_MS.first * 2 ** this.#attempts, BACKOFF_MS.most);
    this.#attempts += 1;
    this.#wake(wait);
  }

  // Copies beside each other.

  async #beginRebuild(
    projections: readonly Projection[],
    onProgress: ((progress: RebuildProgress) => void) | undefined,
  ): Promise<readonly Promise<void>[]> {
    if (this.#closed) throw new ReadModelError('projector-stopped', 'the projector was closed');
    if (this.#gaveUp !== undefined) throw new ReadModelError('rebuild-failed', describeFailure(this.#gaveUp));
    const running = projections.find(({ name }) => this.#rebuilds.isRunning(name));
    if (running !== undefined) throw new ReadModelError('rebuild-running', `${running.name} is being rebuilt already`);
    this.#setRecords(await this.#keeper.ensure(this.#options.projections));
    const target = (await this.#options.store.head())?.position ?? 0n;
    const copies = projections.map((projection) => ({ projection, id: this.#copies.beside(projection) }));
    // To lead the new copies before they are there keeps other processes from building them as well.
    const keys = [...this.#copies.own(), ...copies].map(({ id }) => keyOfCopy(id));
    this.#led = await this.#leadership.lead(keys);
    const elsewhere = copies.find(({ id }) => !this.#led.has(keyOfCopy(id)));
    if (elsewhere !== undefined)
      throw new ReadModelError('rebuild-running', `${elsewhere.id.name} is being rebuilt by another process`);
    const begun: Promise<void>[] = [];
    const anew = new Set(copies.map(({ id }) => keyOfCopy(id)));
    await this.#lanes.stop((lane) => lane.copies.some(({ id }) => anew.has(keyOfCopy(id))));
    const built = await this.#keeper.builtElsewhere(copies.map(({ id }) => id));
    if (built !== undefined) {
      this.#wake(0);
      throw new ReadModelError('rebuild-running', `${built.name} is being rebuilt by another process`);
    }
    for (const { projection, id } of copies) {
      const key = keyOfCopy(id);
      await this.#keeper.createBeside(projection, id);
      this.#failed.delete(key);
      this.#careful.delete(key);
      begun.push(this.#rebuilds.add(id, target, onProgress));
    }
    return begun;
  }

  /** Lets copies that have caught up serve. */
  async #atRest(lane: Lane): Promise<void> {
    this.#attempts = 0;
    this.#noteAtHead(lane);
    let switched = false;
    for (const { id } of lane.copies) {
      if (!lane.hasCaughtUp || !this.#copies.isBuilding(id)) continue;
      if (!(await this.#keeper.switchTo(id, lane.checkpoint))) continue;
      switched = true;
      this.#copies.serve(id);
      this.#rebuilds.done(id);
    }
    this.#noteAtHead(lane);
    if (switched || (lane.live && !this.#isKnownLive(lane))) this.#publish();
    if (switched || this.#lanes.settled.length > 1) this.#wake(0);
  }

  /** Drops a copy that is not needed. */
  async #drop(record: CopyRecord): Promise<void> {
    this.#failed.delete(keyOfCopy(record));
    try {
      await this.#keeper.drop(record);
    } catch (error) {
      // Somebody reads it still: the next plan tries again.
      if (codeOf(error) !== 'read-model-unavailable') throw error;
      this.#wake(BACKOFF_MS.most);
    }
  }

  // Saying how far it has got.

  #setRecords(records: readonly CopyRecord[]): void {
    this.#copies.set(records);
    this.#rebuilds.settle(records);
    for (const lane of this.#lanes.all) this.#copies.advance(lane.copies, lane.checkpoint);
  }

  #committed(lane: Lane): void {
    this.#copies.advance(lane.copies, lane.checkpoint);
    this.#noteAtHead(lane);
    this.#publish();
    this.#rebuilds.advanced(lane);
  }

  #noteAtHead(lane: Lane): void {
    if (!lane.live) return;
    const now = performance.now();
    for (const { id } of lane.copies) if (!this.#copies.isBuilding(id)) this.#atHeadMs.set(id.name, now);
  }

  /** Whether it was told of already, with the last transaction. */
  #isKnownLive(lane: Lane): boolean {
    return this.#board.get().every(({ name, state }) => state === 'live' || !lane.writes(name));
  }

  /** Serving copies that another process writes. */
  #standby(): readonly CopyRecord[] {
    return this.#copies.all.filter((record) => record.role === 'serving' && !this.#led.has(keyOfCopy(record)));
  }

  /** Whether others have written everything is seen by comparing with the store. */
  async #noteStandby(): Promise<void> {
    const standby = this.#standby();
    if (standby.length === 0) return;
    try {
      const head = (await this.#options.store.head())?.position ?? 0n;
      const now = performance.now();
      for (const { name, checkpoint } of standby)
        if ((checkpoint?.position ?? 0n) >= head) this.#atHeadMs.set(name, now);
    } catch (error) {
      // What it costs is only that the lag grows; the next plan looks again.
      this.#trouble = { code: 'store-unavailable', detail: messageOf(error) };
    }
  }

  /** Some leader has written: if not here, there is a new position to tell of. */
  #refreshStandby(): void {
    if (this.#refreshIsDue || this.#closed || this.#standby().length === 0) return;
    this.#refreshIsDue = true;
    this.#decide(async () => {
      this.#refreshIsDue = false;
      if (this.#closed) return;
      this.#setRecords(await this.#keeper.read());
      this.#publish();
    }).catch((error: unknown) => this.#retryLater(error));
  }

  #publish(): void {
    const lanes = this.#lanes.all;
    const statuses = this.#options.projections.map((projection) => {
      const { name, version } = projection;
      const records = this.#copies.of(name);
      const own = lanes.filter((lane) => lane.writes(name));
      return statusOf({
        projection,
        serving: this.#copies.serving(name),
        building: records.find((record) => record.role === 'building' && record.version === version),
        lane: own.find((lane) => !this.#copies.hasBuilding(lane.copies)) ?? own[0],
        servesAll: own.some((lane) => lane.live && !this.#copies.hasBuilding(lane.copies)),
        isLed: records.some((record) => record.version === version && this.#led.has(keyOfCopy(record))),
        failure: this.#gaveUp ?? this.#failureOf(records),
        trouble: this.#trouble,
        behindMs: performance.now() - (this.#atHeadMs.get(name) ?? 0),
      });
    });
    this.#board.set(statuses);
    this.#options.onStatus?.(statuses);
  }

  #publishIfBehind(): void {
    if (this.#board.get().some(({ lag }) => lag.milliseconds > 0)) this.#publish();
  }

  /** What this process met, else what the leader of the copy has left in the read model. */
  #failureOf(records: readonly CopyRecord[]): ProjectionFailure | undefined {
    for (const record of records) {
      const key = keyOfCopy(record);
      const failure = this.#failed.get(key) ?? (this.#led.has(key) ? undefined : record.failure);
      if (failure !== undefined) return failure;
    }
    return undefined;
  }
}

const describeFailure = ({ stream, revision, event, detail }: ProjectionFailure): string =>
  `${stream} revision ${revision} (event ${event}): ${detail}`;
