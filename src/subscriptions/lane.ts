/**
 * Projections that stand together: one reading and one decoding feed them all, and their rows are written in one
 * transaction with their checkpoints. A lane runs until it is stopped or cannot go on; what then becomes of its
 * projections is for the projector to say.
 */
import type { Projection } from '../../projections/projection.js';
import { CORRECTION } from '../contract/correction.js';
import { ContractModel } from '../contract/model.js';
import { EventStoreError, type EventStore, type StoredEvent } from '../event-store/event-store.js';
import { ChangeFailure, Moved, writeChanges, type Batch } from './batch.js';
import { build, claimFor, type BuildOptions } from './build.js';
import { keyOfCopy, type Checkpoint, type CopyId, type ProjectionFailure } from './checkpoint.js';
import { contractOf, effectiveEvent, type FoldRules } from './decoding.js';
import { codeOf, messageOf, ReadModelError } from './errors.js';
import { checkpointOf, Feed, HistoryChanged, stillThere } from './feed.js';
import { foldHistory } from './history.js';
import { ModelCache } from './model-cache.js';
import type { ReadModelWriter, WriteTransaction } from './read-model-writer.js';
import { changesOf, RowBuffer } from './row-buffer.js';

/** One copy of a projection that this process writes. */
export interface OwnCopy {
  readonly id: CopyId;
  readonly projection: Projection;
}

export interface LaneSettings {
  readonly store: EventStore;
  readonly writer: ReadModelWriter;
  readonly rules: FoldRules;
  /** How many events go into one transaction at most. */
  readonly batchEvents: number;
  readonly cacheBytes: number;
  /** With more events than these in the store, rows are built contract by contract where there are none. */
  readonly buildEvents: number;
  readonly help: BuildOptions['help'];
  readonly warn: (line: string) => void;
  /** After each transaction. */
  committed(lane: Lane): void;
  /**
   * Between transactions, whenever the lane has come to the head; while it builds, after each transaction once it has
   * been there.
   */
  atRest(lane: Lane): Promise<void>;
}

/** Smaller batches up to a position, to find the event that cannot be projected. */
export interface Careful {
  readonly limit: number;
  readonly until: bigint;
}

export type LaneEnd =
  /** It was stopped, or has come to the position where it was to end. */
  | { readonly kind: 'stopped' }
  /** Somebody else has moved a checkpoint, or retired a copy. Nothing was written. */
  | { readonly kind: 'moved' }
  /** The store has another history than the one that was projected. */
  | { readonly kind: 'history-changed' }
  /** Store or database cannot be used at the moment. */
  | { readonly kind: 'unavailable'; readonly error: unknown }
  /** An event of a type or version that this program does not know. */
  | { readonly kind: 'unknown-type'; readonly failure: ProjectionFailure }
  /** Some batch cannot be projected. Nothing of it was written. */
  | {
      readonly kind: 'poison';
      /** Those that cannot go on: one whose rows it is about, or all. */
      readonly copies: readonly OwnCopy[];
      readonly failure: ProjectionFailure;
      readonly batchSize: number;
      /** Position of the last event of the batch. */
      readonly batchEnd: bigint;
    };

/** Rows that a refold may collect before they are written, so that a long contract does not fill the memory. */
const FLUSH_ROWS = 5_000;

interface Refold {
  readonly contract: string;
  /** Revision of its last event within the batch. */
  readonly upTo: bigint;
}

/**
 * Where the cache is too small for the contracts being written to, most of the work is to fold again what was folded
 * before, once for each contract in a batch: then larger batches are cheaper, up to so many times the usual one.
 */
const MOST_STRETCH = 16;
/** Nobody waits for the rows of a copy that is being built: there the row of a contract is written less often. */
const BUILD_STRETCH = 4;

/** What has to be known of a batch once it is folded: its events are not kept. */
interface BatchEnd {
  readonly size: number;
  readonly last: StoredEvent;
}

/** A batch that has been folded; its rows wait to be written. */
interface Prepared {
  readonly end: BatchEnd;
  readonly to: Checkpoint;
  readonly rows: ReadonlyMap<OwnCopy, RowBuffer>;
  readonly refolds: readonly Refold[];
}

/** What went wrong in a batch, with what is known of where. */
class BatchFailure extends Error {
  override readonly name = 'BatchFailure';
  constructor(
    readonly why: unknown,
    readonly end: BatchEnd,
    readonly event: StoredEvent | undefined,
    readonly copy: OwnCopy | undefined,
  ) {
    super(messageOf(why));
  }
}

export class Lane {
  readonly copies: readonly OwnCopy[];
  readonly #settings: LaneSettings;
  readonly #careful: Careful | undefined;
  readonly #ids: readonly CopyId[];
  readonly #cache: ModelCache;
  readonly #isBuilding: boolean;
  #checkpoint: Checkpoint | undefined;
  #feed: Feed | undefined;
  #stopped = false;
  readonly #stopping = new AbortController();
  #writing = false;
  #stretch = 1;
  /** Events that are in the rows while they are built contract by contract. */
  #built = 0;
  /** Events folded again for the batch at hand, because facts were not in the cache. */
  #refolded = 0;

  constructor(
    settings: LaneSettings,
    copies: readonly OwnCopy[],
    checkpoint: Checkpoint | undefined,
    options: {
      readonly careful?: Careful | undefined;
      readonly cache?: ModelCache | undefined;
      /** Whether a copy is among them that waits to take over. */
      readonly isBuilding?: boolean;
    } = {},
  ) {
    this.#settings = settings;
    this.copies = copies;
    this.#ids = copies.map(({ id }) => id);
    this.#checkpoint = checkpoint;
    this.#careful = options.careful;
    this.#isBuilding = options.isBuilding ?? false;
    this.#cache = options.cache ?? new ModelCache(settings.cacheBytes);
  }

  /** The last event that has been committed. */
  get checkpoint(): Checkpoint | undefined {
    return this.#checkpoint;
  }

  /** A position to show how far it has got: while rows are built contract by contract, how many events they show. */
  get reached(): bigint {
    return this.#checkpoint?.position ?? BigInt(this.#built);
  }

  /** Whether all there is has been written. */
  get live(): boolean {
    return this.#feed?.atHead === true && !this.#writing;
  }

  /** Whether everything has been written that there was when the head was first reached. */
  get hasCaughtUp(): boolean {
    const from = this.#feed?.liveFrom;
    return from !== undefined && (this.#checkpoint?.position ?? 0n) >= from;
  }

  /** Events received and not yet taken into a batch; how many more there are is known only at the head. */
  get queued(): number | undefined {
    return this.#feed?.liveFrom === undefined ? undefined : this.#feed.queued;
  }

  /** Whether it is still looking for an event that cannot be projected. */
  get isCareful(): boolean {
    return this.#careful !== undefined && (this.#checkpoint?.position ?? -1n) < this.#careful.until;
  }

  /** Whether a copy of the projection is among those it writes. */
  writes(projection: string): boolean {
    return this.copies.some(({ id }) => id.name === projection);
  }

  /** The facts that were folded, for a lane that takes over after this one was stopped. */
  get cache(): ModelCache {
    return this.#cache;
  }

  get isStopped(): boolean {
    return this.#stopped;
  }

  /** Ends the lane after the transaction under way. */
  stop(): void {
    this.#stopped = true;
    this.#stopping.abort();
    this.#feed?.stop();
  }

  /** @param until ends after this position, which must be that of an event to come */
  async run(until?: bigint): Promise<LaneEnd> {
    let end: LaneEnd;
    try {
      if (this.#stopped) return { kind: 'stopped' };
      if (this.#checkpoint === undefined) await this.#begin();
      if (this.isStopped) return { kind: 'stopped' };
      if (!(await stillThere(this.#settings.store, this.#checkpoint))) return { kind: 'history-changed' };
      this.#feed = new Feed(this.#settings.store, this.#checkpoint);
      if (this.isStopped) this.#feed.stop();
      await this.#project(this.#feed, until);
      end = { kind: 'stopped' };
    } catch (error) {
      end = this.#endOf(error);
    } finally {
      await this.#feed?.close();
    }
    // Facts that were folded for what was never written are ahead of the rows.
    if (end.kind !== 'stopped') this.#cache.clear();
    return end;
  }

  /**
   * Before the first event: builds the rows of all there is contract by contract, where that is worth it. What cannot be
   * built so is left to the ordinary way, which finds out what is wrong with whom.
   */
  async #begin(): Promise<void> {
    const { store, writer, rules, buildEvents, help } = this.#settings;
    const { copies } = this;
    const head = await store.head();
    if (store.streams !== undefined && this.#careful === undefined && (head?.position ?? 0n) > buildEvents)
      try {
        this.#checkpoint = await build({
          store,
          writer,
          rules,
          copies,
          cache: this.#cache,
          signal: this.#stopping.signal,
          help,
          written: (events) => {
            this.#built = events;
            this.#settings.committed(this);
          },
        });
        if (this.#checkpoint !== undefined) this.#settings.committed(this);
        return;
      } catch (error) {
        this.#cache.clear();
        if (error instanceof Moved || isTransient(error)) throw error;
        this.#settings.warn(
          `rows cannot be built contract by contract, and are built event by event: ${messageOf(error)}`,
        );
      }
    this.#built = 0;
    await claimFor(writer, copies);
  }

  async #project(feed: Feed, until: bigint | undefined): Promise<void> {
    // While the database writes one batch the next one is folded.
    let written: Promise<void> = Promise.resolve();
    try {
      for (;;) {
        const taken = await feed.next(this.#limit());
        if (taken === undefined || this.#stopped) return;
        const events = until === undefined ? taken : taken.filter(({ position }) => position <= until);
        if (events.length > 0) {
          // A refold reads and folds while it writes: it goes alone, so that facts are folded by one at a time.
          const alone = this.#hasCorrection(events);
          if (alone) await written;
          const prepared = await this.#prepare(events);
          await written;
          written = this.#write(prepared);
          // The loop hears of a failure where it awaits; it must not go on waiting for events before.
          written.catch(() => feed.stop());
          if (alone) await written;
        }
        const reached = until !== undefined && taken.some(({ position }) => position >= until);
        if (reached || feed.atHead || (this.#isBuilding && this.hasCaughtUp)) {
          await written;
          if (reached) return;
          await this.#settings.atRest(this);
        }
      }
    } finally {
      await written;
    }
  }

  #limit(): number {
    if (this.isCareful) return this.#careful!.limit;
    return (
      this.#settings.batchEvents * Math.max(this.#stretch, this.#isBuilding && !this.hasCaughtUp ? BUILD_STRETCH : 1)
    );
  }

  #hasCorrection(events: readonly StoredEvent[]): boolean {
    return events.some(({ type, stream }) => type === CORRECTION && contractOf(stream) !== undefined);
  }

  /** Decodes and folds a batch, each contract's events together, and collects the rows. */
  async #prepare(events: readonly StoredEvent[]): Promise<Prepared> {
    this.#refolded = 0;
    const end: BatchEnd = { size: events.length, last: events.at(-1)! };
    const refolds: Refold[] = [];
    const rows = new Map(this.copies.map((copy) => [copy, new RowBuffer()]));
    for (const [contract, own] of byContract(events)) {
      const last = own.at(-1)!;
      if (own.some(({ type }) => type === CORRECTION)) {
        refolds.push({ contract, upTo: last.revision });
        continue;
      }
      let at: StoredEvent | undefined = own[0];
      let model: ContractModel;
      try {
        model = await this.#modelBefore(contract, own[0]!.revision);
        for (at of own) this.#settings.rules.fold(model, effectiveEvent(at, this.#settings.rules));
      } catch (error) {
        throw new BatchFailure(error, end, at, undefined);
      }
      this.#evolve(model, rows, end);
      this.#cache.put(contract, last.revision, model);
    }
    if (this.#refolded > 2 * events.length) this.#stretch = Math.min(this.#stretch * 2, MOST_STRETCH);
    else if (this.#refolded * 2 < events.length) this.#stretch = Math.max(this.#stretch / 2, 1);
    return { end, to: checkpointOf(end.last), rows, refolds };
  }

  /** The facts of a contract before its event of that revision, from the cache or folded from its stream. */
  async #modelBefore(contract: string, revision: bigint): Promise<ContractModel> {
    const known = this.#cache.take(contract, revision - 1n);
    if (known !== undefined) return known;
    const { store, rules } = this.#settings;
    if (revision === 0n) return new ContractModel(contract);
    const { model, count } = await foldHistory(
      store,
      contract,
      rules,
      { upTo: revision - 1n },
      {
        // The rows of these events are there already.
        page: (model) => void model.takeTouched(),
      },
    );
    this.#refolded += count;
    return model;
  }

  /** What was touched is taken once and given to all. */
  #evolve(model: ContractModel, rows: ReadonlyMap<OwnCopy, RowBuffer>, end: BatchEnd): void {
    const touched = model.takeTouched();
    for (const [copy, buffer] of rows) {
      try {
        copy.projection.evolve(model, touched, buffer);
      } catch (error) {
        throw new BatchFailure(error, end, undefined, copy);
      }
    }
  }

  async #write(prepared: Prepared): Promise<void> {
    const { to, end, refolds } = prepared;
    this.#writing = true;
    try {
      if (refolds.length > 0) await this.#writeRefolding(prepared);
      else if (!(await this.#settings.writer.write(this.#batch(prepared)))) throw new Moved();
      this.#checkpoint = to;
    } catch (error) {
      if (error instanceof Moved || error instanceof BatchFailure) throw error;
      if (!(error instanceof ChangeFailure)) throw new BatchFailure(error, end, undefined, undefined);
      const key = keyOfCopy(error.copy);
      const copy = this.copies.find(({ id }) => keyOfCopy(id) === key);
      throw new BatchFailure(error.why, end, undefined, copy);
    } finally {
      this.#writing = false;
    }
    this.#settings.committed(this);
  }

  /** Folds contracts anew and replaces their rows, in the transaction of the batch. */
  async #writeRefolding(prepared: Prepared): Promise<void> {
    const models = await this.#settings.writer.transaction(async (transaction) => {
      const batch = this.#batch(prepared);
      if (!(await transaction.moveCheckpoints(batch.copies, batch.from, batch.to))) throw new Moved();
      await this.#flush(transaction, prepared);
      const refolded: (readonly [Refold, ContractModel])[] = [];
      for (const refold of prepared.refolds) refolded.push([refold, await this.#refold(transaction, prepared, refold)]);
      await this.#flush(transaction, prepared);
      return refolded;
    });
    for (const [{ contract, upTo }, model] of models) this.#cache.put(contract, upTo, model);
  }

  /** Folds a contract from its first event and replaces all its rows. */
  async #refold(transaction: WriteTransaction, prepared: Prepared, { contract, upTo }: Refold): Promise<ContractModel> {
    for (const { id, projection } of this.copies)
      for (const table of projection.tables) await transaction.clearContract(id, table, contract);
    const { store, rules } = this.#settings;
    this.#cache.take(contract, upTo);
    const { model } = await foldHistory(
      store,
      contract,
      rules,
      { upTo, corrected: true },
      {
        page: async (model) => {
          this.#evolve(model, prepared.rows, prepared.end);
          let size = 0;
          for (const buffer of prepared.rows.values()) size += buffer.size;
          if (size > FLUSH_ROWS) await this.#flush(transaction, prepared);
        },
      },
    );
    return model;
  }

  async #flush(transaction: WriteTransaction, prepared: Prepared): Promise<void> {
    await writeChanges(transaction, this.#batch(prepared).changes);
    for (const buffer of prepared.rows.values()) buffer.clear();
  }

  #batch({ rows, to }: Prepared): Batch {
    return { copies: this.#ids, from: this.#checkpoint, to, changes: changesOf(rows) };
  }

  #endOf(error: unknown): LaneEnd {
    if (error instanceof Moved) return { kind: 'moved' };
    if (error instanceof HistoryChanged) return { kind: 'history-changed' };
    const why = error instanceof BatchFailure ? error.why : error;
    if (!(error instanceof BatchFailure) || isTransient(why)) return { kind: 'unavailable', error: why };
    const { end, event, copy } = error;
    const failure = failureAt(event ?? end.last, why);
    const code = codeOf(why);
    if (code === 'unknown-type' || code === 'unknown-version') return { kind: 'unknown-type', failure };
    return {
      kind: 'poison',
      copies: copy === undefined ? this.copies : [copy],
      failure,
      batchSize: end.size,
      batchEnd: end.last.position,
    };
  }
}

const isTransient = (error: unknown): boolean =>
  (error instanceof EventStoreError && (error.retryable || error.code === 'store-closed')) ||
  (error instanceof ReadModelError && error.code === 'read-model-unavailable');

/** Contracts in the order of their first events in the batch. */
function byContract(events: readonly StoredEvent[]): ReadonlyMap<string, readonly StoredEvent[]> {
  const groups = new Map<string, StoredEvent[]>();
  for (const event of events) {
    const contract = contractOf(event.stream);
    if (contract === undefined) continue;
    const group = groups.get(contract);
    if (group === undefined) groups.set(contract, [event]);
    else group.push(event);
  }
  return groups;
}

const failureAt = (event: StoredEvent, why: unknown): ProjectionFailure => ({
  code: codeOf(why) ?? 'poison',
  stream: event.stream,
  event: event.id,
  revision: `${event.revision}`,
  position: `${event.position}`,
  detail: messageOf(why).slice(0, 2_000),
});
