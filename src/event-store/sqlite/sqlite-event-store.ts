import { setImmediate as nextTurn } from 'node:timers/promises';
import { EventStoreError, checkAppend } from '../event-store.js';
import type {
  AppendResult,
  Direction,
  EventStore,
  EventToAppend,
  ExpectedRevision,
  StoredEvent,
  StreamExtent,
  Subscription,
  SubscriptionHandler,
} from '../event-store.js';
import { CommitThread } from './commit-thread.js';
import { translated } from './errors.js';
import { openForReading, openForWriting } from './files.js';
import type { OpenFile } from './files.js';
import { GroupCommit } from './group-commit.js';
import { Pages } from './pages.js';
import type { Page } from './pages.js';
import { FileSubscription } from './subscription.js';

export interface SqliteStoreOptions {
  /** Refuse a file that is missing or empty instead of making a new store. Default false. */
  readonly mustExist?: boolean;
  /** Called after each commit with the position of the last event, so that readers on other threads can be told. */
  readonly onCommitted?: (position: bigint) => void;
  /** So many streams' last revisions are kept in memory, about 200 bytes each. Default 20,000. */
  readonly streamsKept?: number;
  /**
   * The compiled `commit-worker.ts`: appends are then written by a thread of their own, and this one goes on while a commit
   * waits for the disk. Left out, they are written here.
   */
  readonly commitWorker?: URL;
}

export interface SqliteReaderOptions {
  /** How often to look for commits that nobody told of, in milliseconds. Default 500. */
  readonly pollMs?: number;
}

/** A read-only connection beside the writer's, for another thread. `append` is refused as `store-refused`. */
export interface SqliteReader extends EventStore {
  /** The writer has committed: subscriptions read on. Told too often or in vain, it costs one empty read. */
  poke(): void;
}

/**
 * Opens the file as its only writer, making it where it is missing; the folder must be there.
 *
 * @throws EventStoreError `store-locked` (it is open for writing already, here or in another process), `store-damaged`,
 * `store-foreign` (no SQLite file, another program's, or of a later version), `store-refused` (no such folder, no
 * permission), `store-unavailable` (the disk is full or fails)
 */
export function openSqliteStore(path: string, options: SqliteStoreOptions = {}): EventStore {
  return new Writer(openForWriting(path, options.mustExist ?? false), options);
}

/**
 * Opens a read-only connection to a store.
 *
 * @throws EventStoreError `store-refused` (no such file, no permission), `store-damaged`, `store-foreign`,
 * `store-unavailable`
 */
export function openSqliteReader(path: string, options: SqliteReaderOptions = {}): SqliteReader {
  return new Reader(openForReading(path), options.pollMs ?? 500);
}

/** What writer and reader have in common: everything but writing. */
abstract class FileStore implements EventStore {
  readonly #pages: Pages;
  readonly #subscriptions = new Set<FileSubscription>();
  #closing: Promise<void> | undefined;

  constructor(protected readonly file: OpenFile) {
    try {
      this.#pages = new Pages(file.db);
    } catch (error) {
      file.close();
      throw translated(error, `opening ${file.path}`);
    }
  }

  abstract append(stream: string, expected: ExpectedRevision, events: readonly EventToAppend[]): Promise<AppendResult>;

  async *readStream(
    stream: string,
    from?: bigint,
    direction: Direction = 'forwards',
    limit = Number.POSITIVE_INFINITY,
  ): AsyncGenerator<readonly StoredEvent[], void, undefined> {
    const step = direction === 'forwards' ? 1 : -1;
    let next = from === undefined ? (direction === 'forwards' ? 0 : Number.MAX_SAFE_INTEGER) : toNumber(from);
    yield* this.#paged(limit, (left) => {
      const page = this.#pages.ofStream(stream, next, direction, left);
      const last = page.events.at(-1);
      if (last !== undefined) next = Number(last.revision) + step;
      return page;
    });
  }

  async *readAll(
    from?: bigint,
    limit = Number.POSITIVE_INFINITY,
    direction: Direction = 'forwards',
  ): AsyncGenerator<readonly StoredEvent[], void, undefined> {
    if (direction === 'backwards') {
      let next = from === undefined ? Number.MAX_SAFE_INTEGER : toNumber(from);
      yield* this.#paged(limit, (left) => {
        const page = this.#pages.ofAllBackwards(next, left);
        const last = page.events.at(-1);
        if (last !== undefined) next = Number(last.position) - 1;
        return page;
      });
      return;
    }
    let after = from === undefined ? 0 : toNumber(from);
    yield* this.#paged(limit, (left) => {
      const page = this.#pages.ofAll(after, left);
      const last = page.events.at(-1);
      if (last !== undefined) after = Number(last.position);
      return page;
    });
  }

  subscribe(from: bigint | undefined, handler: SubscriptionHandler): Subscription {
    this.refuseIfClosed();
    const read = (after: number): Page => this.read(() => this.#pages.ofAll(after, Number.POSITIVE_INFINITY));
    const over = (): void => void this.#subscriptions.delete(subscription);
    const subscription = new FileSubscription(read, from === undefined ? 0 : toNumber(from), handler, over);
    this.#subscriptions.add(subscription);
    return subscription;
  }

  async *streams(prefix: string, upTo: bigint): AsyncGenerator<readonly StreamExtent[], void, undefined> {
    for (let after = prefix; ;) {
      const from = after;
      const { extents, last } = this.read(() => this.#pages.streams(prefix, from, toNumber(upTo)));
      if (extents.length > 0) yield extents;
      if (last === undefined) return;
      after = last;
      await nextTurn();
    }
  }

  async head(): Promise<{ readonly position: bigint; readonly id: string } | undefined> {
    return this.read(() => this.#pages.head());
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** What has to be done before the file is closed, at once when `close` is called. */
  protected abstract beforeClose(): void | Promise<void>;

  protected wakeSubscriptions(): void {
    for (const subscription of this.#subscriptions) subscription.poke();
  }

  protected refuseIfClosed(): void {
    if (this.#closing !== undefined || !this.file.db.open)
      throw new EventStoreError('store-closed', `${this.file.path} was closed`);
  }

  protected read<T>(query: () => T): T {
    this.refuseIfClosed();
    try {
      return query();
    } catch (error) {
      throw translated(error, `reading ${this.file.path}`);
    }
  }

  async *#paged(limit: number, next: (left: number) => Page): AsyncGenerator<readonly StoredEvent[], void, undefined> {
    this.refuseIfClosed();
    for (let left = limit; left > 0;) {
      const page = this.read(() => next(left));
      if (page.events.length > 0) yield page.events;
      if (page.atEnd) return;
      left -= page.events.length;
      // A long read leaves the thread to others once a page; its queries do not.
      await nextTurn();
    }
  }

  async #close(): Promise<void> {
    await this.beforeClose();
    await Promise.all([...this.#subscriptions].map((subscription) => subscription.close()));
    try {
      this.file.close();
    } catch (error) {
      throw translated(error, `closing ${this.file.path}`);
    }
  }
}

class Writer extends FileStore {
  readonly #group: GroupCommit | CommitThread;

  constructor(file: OpenFile, { streamsKept = 20_000, onCommitted, commitWorker }: SqliteStoreOptions) {
    super(file);
    const committed = (position: bigint): void => {
      this.wakeSubscriptions();
      onCommitted?.(position);
    };
    try {
      this.#group =
        commitWorker === undefined
          ? new GroupCommit(file.db, file.path, streamsKept, committed)
          : new CommitThread(file.path, commitWorker, committed, () => {
              // Where that fails, the subscriptions meet the same error when they read, and report it.
              this.head().then(
                (head) => void (head !== undefined && committed(head.position)),
                () => this.wakeSubscriptions(),
              );
            });
    } catch (error) {
      file.close();
      throw translated(error, `opening ${file.path}`);
    }
  }

  async append(stream: string, expected: ExpectedRevision, events: readonly EventToAppend[]): Promise<AppendResult> {
    this.refuseIfClosed();
    checkAppend(stream, expected, events);
    return this.#group.append(stream, expected, events);
  }

  protected override beforeClose(): void | Promise<void> {
    return this.#group.finish();
  }
}

class Reader extends FileStore implements SqliteReader {
  readonly #pollMs: number;
  #poll: NodeJS.Timeout | undefined;
  #seen: unknown;

  constructor(file: OpenFile, pollMs: number) {
    super(file);
    this.#pollMs = pollMs;
  }

  async append(stream: string): Promise<AppendResult> {
    this.refuseIfClosed();
    throw new EventStoreError('store-refused', `${this.file.path} was opened for reading only`, { stream });
  }

  override subscribe(from: bigint | undefined, handler: SubscriptionHandler): Subscription {
    const subscription = super.subscribe(from, handler);
    // The poll alone keeps no process alive.
    this.#poll ??= setInterval(() => this.#lookForCommits(), this.#pollMs).unref();
    return subscription;
  }

  poke(): void {
    this.wakeSubscriptions();
  }

  protected override beforeClose(): void {
    clearInterval(this.#poll);
  }

  #lookForCommits(): void {
    let seen: unknown;
    try {
      // Changes whenever another connection has committed (https://www.sqlite.org/pragma.html#pragma_data_version).
      seen = this.file.db.pragma('data_version', { simple: true });
    } catch (error) {
      // Not for here: the subscriptions that are woken meet the same error when they read, and report it.
      seen = error;
    }
    if (seen !== this.#seen) this.wakeSubscriptions();
    this.#seen = seen;
  }
}

/** Rounding above 2^53 is harmless: no file has as many events, and what is asked for stays past the end. */
function toNumber(value: bigint): number {
  return value > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(value);
}
