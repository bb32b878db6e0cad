/**
 * Keeps all projections up to date: decides which copies this process writes, lets those that stand together run in one
 * lane, brings lanes together when they meet, and says what to do when one cannot go on.
 */
import type { Projection } from '../../projections/projection.js';
import type { EventStore } from '../event-store/event-store.js';
import { keyOfCopy, type CopyId, type CopyRecord, type ProjectionFailure } from './checkpoint.js';
import { CopyKeeper } from './copy-keeper.js';
import { contractRules, type FoldRules } from './decoding.js';
import { codeOf, messageOf, ReadModelError } from './errors.js';
import { Lane, type Careful, type LaneEnd, type LaneHooks, type LaneSettings, type OwnCopy } from './lane.js';
import { PostgresLeadership, soleLeader, type Leadership } from './leadership.js';
import { openReadModelWriter, type ReadModelWriter } from './read-model-writer.js';
import { statusOf, type ProjectionSight } from './sight.js';
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
  /** How often to look whether another process has gone or has switched copies, where several share a read model. */
  readonly pollMs?: number;
}

const BATCH_EVENTS = 1_000;
const CACHE_BYTES = 64 * 1024 * 1024;
const POLL_MS = 1_000;
/** How often the lag is reported while a projection is behind. */
const BEHIND_MS = 1_000;
const BACKOFF_MS = { first: 50, most: 5_000 };

interface RunningLane {
  readonly lane: Lane;
  readonly done: Promise<LaneEnd>;
}

interface Rebuild {
  readonly copy: CopyId;
  readonly target: bigint;
  readonly onProgress: ((progress: RebuildProgress) => void) | undefined;
  readonly resolve: () => void;
  readonly reject: (error: ReadModelError) => void;
}

export class Projector implements ProjectorControl {
  readonly #options: ProjectorOptions;
  readonly #settings: LaneSettings;
  readonly #writer: ReadModelWriter;
  readonly #keeper: CopyKeeper;
  readonly #leadership: Leadership;
  readonly #board = new StatusBoard();
  readonly #hooks: LaneHooks;

  #records: readonly CopyRecord[] = [];
  #led: ReadonlySet<string> = new Set();
  readonly #lanes = new Set<RunningLane>();
  /** Copies whose next batches are to be smaller, by key. */
  readonly #careful = new Map<string, Careful>();
  /** Copies that met an event which they cannot project, by key. */
  readonly #failed = new Map<string, ProjectionFailure>();
  #gaveUp: ProjectionFailure | undefined;
  #trouble: TransientTrouble | undefined;
  /** By name of the projection. */
  readonly #rebuilds = new Map<string, Rebuild>();
  /** When a projection's rows last had everything, in ms of the monotonic clock. */
  readonly #atHeadMs = new Map<string, number>();

  #attempts = 0;
  #timer: NodeJS.Timeout | undefined;
  readonly #heartbeat: NodeJS.Timeout;
  /** Whatever decides about lanes goes one after the other. */
  #deciding: Promise<unknown> = Promise.resolve();
  #planned = false;
  #refreshing = false;
  #closed = false;

  /**
   * Opens the read model and begins to project. Resolves when it is known who writes what.
   * @throws ReadModelError `invalid-url`, `read-model-unavailable`
   */
  static async start(options: ProjectorOptions): Promise<Projector> {
    const projector = new Projector(options, await openReadModelWriter(options.readModel));
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
    this.#settings = {
      store: options.store,
      writer,
      rules: options.rules ?? contractRules,
      batchEvents: options.batchEvents ?? BATCH_EVENTS,
      cacheBytes: options.cacheBytes ?? CACHE_BYTES,
    };
    this.#leadership =
      writer.shared === undefined
        ? soleLeader
        : new PostgresLeadership(writer.shared.url, {
            lost: () => this.#lostLeadership(),
            moved: () => this.#refreshStandby(),
          });
    this.#hooks = { committed: (lane) => this.#committed(lane), atRest: (lane) => this.#atRest(lane) };
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
    if (this.#gaveUp !== undefined) throw new ReadModelError('rebuild-failed', this.#gaveUp.detail);
    const begun = await this.#decide(() => this.#beginRebuild(projections, onProgress));
    this.#wake(0);
    await Promise.all(begun);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    clearInterval(this.#heartbeat);
    for (const { lane } of this.#lanes) lane.stop();
    await this.#deciding.catch(() => undefined);
    await this.#stopLanes([...this.#lanes]);
    for (const { reject } of this.#rebuilds.values())
      reject(
        new ReadModelError('projector-stopped', 'the projector was closed; the rebuild goes on at its next start'),
      );
    this.#rebuilds.clear();
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
    if (afterMs === 0) {
      if (this.#planned) return;
      this.#planned = true;
      this.#decide(() => {
        this.#planned = false;
        return this.#plan();
      }).catch((error: unknown) => this.#retryLater(error));
      return;
    }
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#wake(0), afterMs).unref();
  }

  /** Looks at the copies there are, and lets those run that this process leads. */
  async #plan(): Promise<void> {
    if (this.#closed || this.#gaveUp !== undefined) return;
    this.#setRecords(await this.#keeper.ensure(this.#options.projections));
    this.#led = await this.#leadership.lead(this.#ownCopies().map(({ id }) => keyOfCopy(id)));
    this.#trouble = undefined;
    await this.#dropUnneeded();
    await this.#merge();
    await this.#forgetFailures();
    this.#startLanes();
    await this.#noteStandby();
    this.#publish();
    if (this.#writer.shared !== undefined) this.#wake(this.#options.pollMs ?? POLL_MS);
  }

  /** Copies of the versions that this program has. */
  #ownCopies(): readonly OwnCopy[] {
    return this.#records.flatMap((record) => {
      const projection = this.#options.projections.find(
        ({ name, version }) => name === record.name && version === record.version,
      );
      return projection === undefined || record.role === 'retired' ? [] : [{ id: record, projection }];
    });
  }

  /** A failure that the read model tells of was met by an earlier process. This one tries for itself. */
  async #forgetFailures(): Promise<void> {
    const forgotten = this.#idleCopies().filter(({ id }) => this.#record(id)?.failure !== undefined);
    if (forgotten.length === 0) return;
    await this.#keeper.setFailure(
      forgotten.map(({ id }) => id),
      undefined,
    );
  }

  /** Copies that this process is to write and does not write yet. */
  #idleCopies(): readonly OwnCopy[] {
    const running = new Set([...this.#lanes].flatMap(({ lane }) => lane.copies.map(({ id }) => keyOfCopy(id))));
    return this.#ownCopies().filter(({ id }) => {
      const key = keyOfCopy(id);
      return this.#led.has(key) && !running.has(key) && !this.#failed.has(key);
    });
  }

  #startLanes(): void {
    const groups = new Map<string, OwnCopy[]>();
    for (const copy of this.#idleCopies()) {
      const key = keyOfCopy(copy.id);
      const checkpoint = this.#record(copy.id)?.checkpoint;
      let careful = this.#careful.get(key);
      if (careful !== undefined && (checkpoint?.position ?? -1n) >= careful.until) {
        this.#careful.delete(key);
        careful = undefined;
      }
      const group = `${checkpoint?.position} ${checkpoint?.eventId} ${careful?.limit} ${careful?.until}`;
      groups.set(group, [...(groups.get(group) ?? []), copy]);
    }
    for (const copies of groups.values()) {
      const { id } = copies[0]!;
      this.#start(
        new Lane(this.#settings, this.#hooks, copies, this.#record(id)?.checkpoint, {
          careful: this.#careful.get(keyOfCopy(id)),
          isBuilding: this.#hasBuilding(copies),
        }),
      );
    }
  }

  #start(lane: Lane): void {
    const running: RunningLane = { lane, done: lane.run() };
    this.#lanes.add(running);
    running.done.then(
      (end) => this.#decide(() => this.#ended(running, end)).catch((error: unknown) => this.#retryLater(error)),
      // A lane says how it ended; what it throws is a fault of this program, and may not end unseen.
      (error: unknown) => this.#retryLater(error),
    );
  }

  /** Lanes that have come to the same place, or nearly so, go on as one. */
  async #merge(): Promise<void> {
    const settled = this.#settled();
    if (settled.length < 2) return;
    await this.#stopLanes(settled);
    const lanes = settled.map(({ lane }) => lane);
    const ahead = lanes.reduce((a, b) => ((a.checkpoint?.position ?? -1n) >= (b.checkpoint?.position ?? -1n) ? a : b));
    const copies: OwnCopy[] = [];
    for (const lane of lanes) {
      if (lane.checkpoint?.position !== ahead.checkpoint?.position) {
        const follower = new Lane(this.#settings, this.#hooks, lane.copies, lane.checkpoint, { cache: lane.cache });
        const end = await this.#runAside(follower, ahead.checkpoint?.position);
        // Whatever kept it from getting there will be met, and answered, by a lane of its own.
        if (end.kind !== 'stopped' || follower.checkpoint?.position !== ahead.checkpoint?.position) continue;
      }
      copies.push(...lane.copies);
    }
    this.#setRecords(await this.#keeper.read());
    const still = new Set(this.#ownCopies().map(({ id }) => keyOfCopy(id)));
    const going = copies.filter(({ id }) => still.has(keyOfCopy(id)));
    if (going.length > 0 && !this.#closed)
      this.#start(new Lane(this.#settings, this.#hooks, going, ahead.checkpoint, { cache: ahead.cache }));
  }

  #settled(): readonly RunningLane[] {
    return [...this.#lanes].filter(
      ({ lane }) => lane.live && !this.#hasBuilding(lane.copies) && !this.#isCareful(lane),
    );
  }

  /** Runs a lane to a position while nothing else is decided; `close` can stop it as any other. */
  async #runAside(lane: Lane, until: bigint | undefined): Promise<LaneEnd> {
    const running: RunningLane = { lane, done: lane.run(until) };
    this.#lanes.add(running);
    const end = await running.done;
    this.#lanes.delete(running);
    this.#noteCheckpoint(lane);
    return end;
  }

  async #stopLanes(running: readonly RunningLane[]): Promise<void> {
    for (const one of running) {
      one.lane.stop();
      await one.done;
      this.#lanes.delete(one);
      this.#noteCheckpoint(one.lane);
    }
  }

  /** What becomes of the projections of a lane that has ended by itself. */
  async #ended(running: RunningLane, end: LaneEnd): Promise<void> {
    if (!this.#lanes.delete(running)) return;
    const { lane } = running;
    this.#noteCheckpoint(lane);
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
  async #poisoned(end: Extract<LaneEnd, { kind: 'poison' }>): Promise<void> {
    if (end.batchSize > 1) {
      const careful = { limit: Math.floor(end.batchSize / 2), until: end.batchEnd };
      for (const { id } of end.copies) this.#careful.set(keyOfCopy(id), careful);
      return;
    }
    for (const { id } of end.copies) {
      const rebuild = this.#rebuilds.get(id.name);
      if (rebuild !== undefined && keyOfCopy(rebuild.copy) === keyOfCopy(id)) {
        this.#rebuilds.delete(id.name);
        const record = this.#record(id);
        if (record !== undefined) await this.#keeper.drop(record);
        rebuild.reject(new ReadModelError('rebuild-failed', describeFailure(end.failure)));
      } else this.#failed.set(keyOfCopy(id), end.failure);
    }
    await this.#keeper.setFailure(
      end.copies.map(({ id }) => id),
      end.failure,
    );
  }

  /** Nothing is projected that would leave out what this program does not know; another program may go on. */
  async #giveUp(failure: ProjectionFailure): Promise<void> {
    this.#gaveUp = failure;
    await this.#stopLanes([...this.#lanes]);
    for (const { reject } of this.#rebuilds.values())
      reject(new ReadModelError('rebuild-failed', describeFailure(failure)));
    this.#rebuilds.clear();
    this.#publish();
    const led = this.#ownCopies().filter(({ id }) => this.#led.has(keyOfCopy(id)));
    await this.#keeper.setFailure(
      led.map(({ id }) => id),
      failure,
    );
    await this.#leadership.lead([]);
  }

  #lostLeadership(): void {
    this.#led = new Set();
    for (const { lane } of this.#lanes) lane.stop();
    this.#publish();
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
    onProgress: Rebuild['onProgress'],
  ): Promise<readonly Promise<void>[]> {
    const running = projections.find(({ name }) => this.#rebuilds.has(name));
    if (running !== undefined) throw new ReadModelError('rebuild-running', `${running.name} is being rebuilt already`);
    if (this.#closed) throw new ReadModelError('projector-stopped', 'the projector was closed');
    this.#setRecords(await this.#keeper.ensure(this.#options.projections));
    const target = (await this.#options.store.head())?.position ?? 0n;
    const copies = projections.map((projection) => ({ projection, copy: this.#besideServing(projection) }));
    // To lead the new copies before they are there keeps other processes from building them as well.
    const keys = copies.map(({ copy }) => keyOfCopy(copy));
    this.#led = await this.#leadership.lead([...this.#ownCopies().map(({ id }) => keyOfCopy(id)), ...keys]);
    const elsewhere = copies.find(({ copy }) => !this.#led.has(keyOfCopy(copy)));
    if (elsewhere !== undefined)
      throw new ReadModelError('rebuild-running', `${elsewhere.projection.name} is being rebuilt by another process`);
    const begun: Promise<void>[] = [];
    for (const { projection, copy } of copies) {
      await this.#stopLanes(
        [...this.#lanes].filter(({ lane }) => lane.copies.some(({ id }) => keyOfCopy(id) === keyOfCopy(copy))),
      );
      await this.#keeper.createBeside(projection, copy);
      this.#failed.delete(keyOfCopy(copy));
      this.#careful.delete(keyOfCopy(copy));
      const one = new Promise<void>((resolve, reject) => {
        this.#rebuilds.set(projection.name, { copy, target, onProgress, resolve, reject });
      });
      // They are awaited together, and one that fails first must not leave the others unhandled.
      one.catch(() => undefined);
      begun.push(one);
    }
    return begun;
  }

  #besideServing({ name, version }: Projection): CopyId {
    const serving = this.#records.find((record) => record.name === name && record.role === 'serving');
    return { name, version, copy: serving?.version === version && serving.copy === '' ? '_b' : '' };
  }

  /** Lets copies that have caught up serve. */
  async #atRest(lane: Lane): Promise<void> {
    this.#attempts = 0;
    const now = performance.now();
    if (lane.live) for (const { id } of lane.copies) if (!this.#isBuilding(id)) this.#atHeadMs.set(id.name, now);
    let switched = false;
    for (const { id } of lane.copies) {
      if (!lane.hasCaughtUp || !this.#isBuilding(id) || !(await this.#keeper.switchTo(id, lane.checkpoint))) continue;
      switched = true;
      this.#servesNow(id);
    }
    if (switched || (lane.live && !this.#isKnownLive(lane))) this.#publish();
    if (switched || this.#settled().length > 1) this.#wake(0);
  }

  /** Whether it was told of already, with the last transaction. */
  #isKnownLive(lane: Lane): boolean {
    return this.#board.get().every(({ name, state }) => state === 'live' || !this.#runs(lane, name));
  }

  #servesNow(copy: CopyId): void {
    this.#records = this.#records.map((record) =>
      record.name !== copy.name || record.role === 'retired'
        ? record
        : { ...record, role: keyOfCopy(record) === keyOfCopy(copy) ? 'serving' : 'retired' },
    );
    this.#careful.delete(keyOfCopy(copy));
    const rebuild = this.#rebuilds.get(copy.name);
    if (rebuild === undefined || keyOfCopy(rebuild.copy) !== keyOfCopy(copy)) return;
    this.#rebuilds.delete(copy.name);
    rebuild.resolve();
  }

  /** Drops what was replaced, and what an older program began to build. */
  async #dropUnneeded(): Promise<void> {
    for (const record of this.#records) {
      const projection = this.#options.projections.find(({ name }) => name === record.name);
      const outdated = record.role === 'building' && projection !== undefined && record.version < projection.version;
      if (record.role !== 'retired' && !outdated) continue;
      this.#failed.delete(keyOfCopy(record));
      try {
        await this.#keeper.drop(record);
      } catch (error) {
        // Somebody reads it still: the next plan tries again.
        if (codeOf(error) !== 'read-model-unavailable') throw error;
        this.#wake(BACKOFF_MS.most);
      }
    }
  }

  #record(copy: CopyId): CopyRecord | undefined {
    return this.#records.find((record) => keyOfCopy(record) === keyOfCopy(copy));
  }

  #isBuilding(copy: CopyId): boolean {
    return this.#record(copy)?.role === 'building';
  }

  #hasBuilding(copies: readonly OwnCopy[]): boolean {
    return copies.some(({ id }) => this.#isBuilding(id));
  }

  #isCareful({ careful, checkpoint }: Lane): boolean {
    return careful !== undefined && (checkpoint?.position ?? -1n) < careful.until;
  }

  // Saying how far it has got.

  #committed(lane: Lane): void {
    this.#noteCheckpoint(lane);
    this.#publish();
    for (const { id } of lane.copies) {
      const rebuild = this.#rebuilds.get(id.name);
      if (rebuild !== undefined && keyOfCopy(rebuild.copy) === keyOfCopy(id))
        rebuild.onProgress?.({ name: id.name, position: lane.checkpoint?.position ?? 0n, target: rebuild.target });
    }
  }

  #setRecords(records: readonly CopyRecord[]): void {
    this.#records = records;
    for (const { lane } of this.#lanes) this.#noteCheckpoint(lane);
  }

  /** The records are as they were read; where this process writes, it knows better. */
  #noteCheckpoint(lane: Lane): void {
    const keys = new Set(lane.copies.map(({ id }) => keyOfCopy(id)));
    const { checkpoint } = lane;
    this.#records = this.#records.map((record) => (keys.has(keyOfCopy(record)) ? { ...record, checkpoint } : record));
  }

  /** Others write these rows: whether they have everything is seen by comparing with the store. */
  async #noteStandby(): Promise<void> {
    const standby = this.#records.filter((record) => record.role === 'serving' && !this.#led.has(keyOfCopy(record)));
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
    const isStandby = this.#records.some((record) => record.role === 'serving' && !this.#led.has(keyOfCopy(record)));
    if (!isStandby || this.#refreshing || this.#closed) return;
    this.#refreshing = true;
    this.#decide(async () => {
      this.#refreshing = false;
      if (this.#closed) return;
      this.#setRecords(await this.#keeper.read());
      this.#publish();
    }).catch((error: unknown) => this.#retryLater(error));
  }

  #publish(): void {
    const sights = this.#options.projections.map((projection): ProjectionSight => {
      const records = this.#records.filter(({ name, role }) => name === projection.name && role !== 'retired');
      const lanes = [...this.#lanes].map(({ lane }) => lane).filter((lane) => this.#runs(lane, projection.name));
      return {
        projection,
        serving: records.find(({ role }) => role === 'serving'),
        building: records.find(({ role, version }) => role === 'building' && version === projection.version),
        lane: lanes.find((lane) => !this.#hasBuilding(lane.copies)) ?? lanes[0],
        isLed: records.some((record) => record.version === projection.version && this.#led.has(keyOfCopy(record))),
        failure: this.#gaveUp ?? this.#failureOf(records),
        trouble: this.#trouble,
        behindMs: performance.now() - (this.#atHeadMs.get(projection.name) ?? 0),
      };
    });
    const statuses = sights.map(statusOf);
    this.#board.set(statuses);
    this.#options.onStatus?.(statuses);
  }

  #publishIfBehind(): void {
    if (this.#board.get().some(({ lag }) => lag.milliseconds > 0)) this.#publish();
  }

  #runs(lane: Lane, name: string): boolean {
    return lane.copies.some(({ id }) => id.name === name);
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
