import Database from 'better-sqlite3';
import type { ProposedEvent } from './protocol.js';
import { encodeRecordedEvent } from './protocol.js';

/** A revision counts from 0; -1 is a stream without events. */
export type Expected = 'any' | 'no-stream' | 'stream-exists' | bigint;

export type AppendOutcome =
  /** `revision` and `position` of the last event, also where the same events were there already. */
  | { readonly kind: 'done'; readonly revision: number; readonly position: number }
  | { readonly kind: 'wrong-version'; readonly current: number }
  | { readonly kind: 'deleted' }
  | { readonly kind: 'too-large' };

export interface LoggedEvent {
  readonly position: number;
  readonly stream: string;
  /** -1 for a tombstone, whose revision on the wire is the largest there is. */
  readonly revision: number;
  readonly type: string;
  /** As `encodeRecordedEvent` made it. */
  readonly record: Buffer;
}

/** Which events of a stream can be read. */
export type StreamView =
  | { readonly kind: 'missing' }
  | { readonly kind: 'deleted' }
  | { readonly kind: 'there'; readonly first: number; readonly last: number };

interface StreamState {
  last: number;
  tombstoned: boolean;
  /** `$tb`; the largest revision there is says that the stream was deleted softly. */
  truncateBefore: number;
  maxCount: number | undefined;
  metadata: Readonly<Record<string, unknown>>;
}

type Decision =
  | { readonly kind: 'write'; readonly softDeleted: boolean }
  | { readonly kind: 'repeat'; readonly revision: number; readonly position: number }
  | { readonly kind: 'wrong-version' }
  | { readonly kind: 'deleted' };

export const MAX_APPEND_SIZE = 1024 * 1024;
const DELETED = 2n ** 63n - 1n;
const KNOWN_IDS = 100_000;
const TICKS_PER_MS = 10_000n;

const isMetastream = (stream: string): boolean => stream.startsWith('$$');

const jsonObject = (data: Uint8Array): Readonly<Record<string, unknown>> => {
  const parsed: unknown = JSON.parse(Buffer.from(data).toString());
  return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : {};
};

/**
 * The event log behind the server: one SQLite table in the order of positions, in memory or in a file. It decides as
 * the real server does: expected revisions, repeats by event id, soft deletes and tombstones, `$tb` and `$maxCount`
 * from the streams `$$NAME`. `$maxAge` and scavenging are left out.
 *
 * Appends that arrive in one turn of the event loop share a transaction; each keeps its own decision.
 */
export class EventLog {
  readonly #db: Database.Database;
  readonly #insert: Database.Statement;
  readonly #byRevision: Database.Statement;
  readonly #streams = new Map<string, StreamState>();
  /** What the server knows of ids for `any` and `stream-exists`: a cache in memory, gone after a restart. */
  readonly #recent = new Map<string, { stream: string; revision: number; position: number }>();
  readonly #waiting: { work: () => unknown; resolve: (value: never) => void; reject: (error: unknown) => void }[] = [];
  readonly #listeners = new Set<() => void>();
  #head: number;
  #next: number;

  /** @param path of the SQLite file; in memory if left out */
  constructor(path = ':memory:') {
    this.#db = new Database(path);
    this.#db.pragma('journal_mode = WAL');
    this.#db.pragma('synchronous = FULL');
    this.#db.exec(`
      CREATE TABLE IF NOT EXISTS events (position INTEGER PRIMARY KEY, stream TEXT NOT NULL, revision INTEGER NOT NULL,
        id TEXT NOT NULL, type TEXT NOT NULL, size INTEGER NOT NULL, data BLOB, record BLOB NOT NULL) STRICT;
      CREATE UNIQUE INDEX IF NOT EXISTS by_stream ON events (stream, revision);`);
    this.#insert = this.#db.prepare('INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?)');
    this.#byRevision = this.#db.prepare('SELECT id, position FROM events WHERE stream = ? AND revision = ?');
    [this.#head, this.#next] = this.#ends();
  }

  /** Position of the last event of all; 0 while there is none. */
  get head(): number {
    return this.#head;
  }

  /** Runs `work`, which calls the writing methods, in the next shared transaction; resolves after its commit. */
  commit<T>(work: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#waiting.length === 0) setImmediate(() => this.#flush());
      this.#waiting.push({ work, resolve, reject });
    });
  }

  /** Calls `listener` after each commit that wrote. Returns how to stop. */
  onCommit(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  append(stream: string, expected: Expected, events: readonly ProposedEvent[]): AppendOutcome {
    let size = 0;
    for (const event of events) size += event.data.length + event.metadata.length + 2 * event.type.length;
    if (size > MAX_APPEND_SIZE) return { kind: 'too-large' };
    const state = this.#state(stream);
    const decision = this.#decide(stream, state, expected, events);
    switch (decision.kind) {
      case 'deleted':
        return decision;
      case 'wrong-version':
        return { kind: 'wrong-version', current: state.last };
      case 'repeat':
        return { kind: 'done', revision: decision.revision, position: decision.position };
      case 'write':
        if (decision.softDeleted && events.length > 0) this.#setMetadata(stream, state, BigInt(state.last + 1));
        for (const event of events) this.#write(stream, state, event);
        return { kind: 'done', revision: state.last, position: this.#head };
    }
  }

  /** Deletes softly: sets `$tb` to the largest revision, so that the events stay in `$all`. */
  delete(stream: string, expected: Expected): AppendOutcome {
    const state = this.#state(stream);
    // The real server refuses this one even where there is no stream, naming -1 on both sides.
    if (expected === 'no-stream') return { kind: 'wrong-version', current: state.last };
    const decision = this.#decide(stream, state, expected, [{ id: '' }]);
    if (decision.kind === 'deleted') return decision;
    if (decision.kind !== 'write') return { kind: 'wrong-version', current: state.last };
    this.#setMetadata(stream, state, DELETED);
    return { kind: 'done', revision: state.last, position: this.#head };
  }

  /** Deletes for ever: the stream ends with `$streamDeleted` and takes nothing any more. */
  tombstone(stream: string, expected: Expected): AppendOutcome {
    const state = this.#state(stream);
    const decision = this.#decide(stream, state, expected, [{ id: '' }]);
    if (decision.kind === 'deleted') return decision;
    if (decision.kind !== 'write') return { kind: 'wrong-version', current: state.last };
    const event = { id: randomId(), type: '$streamDeleted', contentType: 'application/octet-stream', ...NO_CONTENT };
    this.#store(stream, -1, event);
    state.tombstoned = true;
    return { kind: 'done', revision: state.last, position: this.#head };
  }

  view(stream: string): StreamView {
    const { last, tombstoned, truncateBefore, maxCount } = this.#state(stream);
    if (tombstoned) return { kind: 'deleted' };
    if (last < 0 || truncateBefore >= Number(DELETED)) return { kind: 'missing' };
    const kept = maxCount === undefined ? 0 : last - maxCount + 1;
    return { kind: 'there', first: Math.max(0, truncateBefore, kept), last };
  }

  /** Up to `count` events of the stream from `revision` on, inclusive, in either direction. */
  readStream(stream: string, revision: number, backwards: boolean, count: number): readonly LoggedEvent[] {
    const order = backwards ? 'revision BETWEEN 0 AND ? ORDER BY revision DESC' : 'revision >= ? ORDER BY revision';
    return this.#read(`stream = ? AND ${order}`, count, stream, revision);
  }

  /** Up to `count` events of all streams: forwards those after `position`, backwards those before it. */
  readAll(position: number, backwards: boolean, count: number): readonly LoggedEvent[] {
    return this.#read(
      backwards ? 'position < ? ORDER BY position DESC' : 'position > ? ORDER BY position',
      count,
      position,
    );
  }

  close(): void {
    this.#flush();
    this.#db.close();
  }

  #read(where: string, count: number, ...values: (string | number)[]): readonly LoggedEvent[] {
    let statement = this.#reads.get(where);
    if (statement === undefined) {
      statement = this.#db.prepare(
        `SELECT position, stream, revision, type, record FROM events WHERE ${where} LIMIT ?`,
      );
      this.#reads.set(where, statement);
    }
    return statement.all(...values, count) as LoggedEvent[];
  }

  readonly #reads = new Map<string, Database.Statement>();

  #flush(): void {
    const batch = this.#waiting.splice(0);
    if (batch.length === 0) return;
    const before = this.#head;
    const results: (() => void)[] = [];
    try {
      this.#db.exec('BEGIN IMMEDIATE');
      for (const { work, resolve } of batch) {
        const value = work() as never;
        results.push(() => resolve(value));
      }
      this.#db.exec('COMMIT');
    } catch (error) {
      if (this.#db.inTransaction) this.#db.exec('ROLLBACK');
      this.#streams.clear();
      this.#recent.clear();
      [this.#head, this.#next] = this.#ends();
      for (const { reject } of batch) reject(error);
      return;
    }
    for (const settle of results) settle();
    if (this.#head !== before) for (const listener of this.#listeners) listener();
  }

  /** The server's own rules, in its own order; they explain every odd answer of the recording. */
  #decide(
    stream: string,
    state: StreamState,
    expected: Expected,
    events: readonly { readonly id: string }[],
  ): Decision {
    const softDeleted = state.truncateBefore >= Number(DELETED);
    const write: Decision = { kind: 'write', softDeleted };
    const original = isMetastream(stream) ? this.#state(stream.slice(2)) : state;
    if (state.tombstoned || original.tombstoned) return { kind: 'deleted' };
    if (expected === 'stream-exists') {
      if (softDeleted) return { kind: 'deleted' };
      if (state.last < 0 && this.#state(`$$${stream}`).last < 0) return { kind: 'wrong-version' };
    }
    if (expected === 'any' || expected === 'stream-exists') {
      let found: { revision: number; position: number } | undefined;
      for (const { id } of events) {
        const known = this.#recent.get(id);
        if (known?.stream !== stream) return found === undefined ? write : { kind: 'wrong-version' };
        found = known;
      }
      return found === undefined ? write : { kind: 'repeat', ...found };
    }
    const after = expected === 'no-stream' ? -1n : expected;
    if (after > state.last) return { kind: 'wrong-version' };
    if (after === BigInt(state.last)) return write;
    let revision = Number(after);
    let position = 0;
    for (const { id } of events) {
      revision++;
      const there = this.#byRevision.get(stream, revision) as { id: string; position: number } | undefined;
      if (there?.id !== id) {
        const first = revision === Number(after) + 1;
        return first && expected === 'no-stream' && softDeleted ? write : { kind: 'wrong-version' };
      }
      ({ position } = there);
    }
    return events.length === 0 ? { kind: 'wrong-version' } : { kind: 'repeat', revision, position };
  }

  #write(stream: string, state: StreamState, event: ProposedEvent): void {
    state.last++;
    const position = this.#store(stream, state.last, event);
    this.#recent.set(event.id, { stream, revision: state.last, position });
    if (this.#recent.size > KNOWN_IDS) for (const id of this.#recent.keys()) if (this.#recent.delete(id)) break;
    if (isMetastream(stream) && event.type === '$metadata')
      applyMetadata(this.#state(stream.slice(2)), jsonObject(event.data));
  }

  #setMetadata(stream: string, state: StreamState, truncateBefore: bigint): void {
    const { $tb: _, ...rest } = state.metadata;
    const members = Object.entries(rest).map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`);
    // Not JSON.stringify: the largest revision is no number of JavaScript.
    const data = Buffer.from(`{${[...members, `"$tb":${truncateBefore}`].join(',')}}`);
    const metastream = `$$${stream}`;
    const event = {
      id: randomId(),
      type: '$metadata',
      contentType: 'application/json',
      data,
      metadata: Buffer.alloc(0),
    };
    this.#write(metastream, this.#state(metastream), event);
  }

  #store(stream: string, revision: number, event: ProposedEvent): number {
    const position = this.#next;
    const created = BigInt(Date.now()) * TICKS_PER_MS;
    const numbered = revision < 0 ? DELETED : BigInt(revision);
    const record = encodeRecordedEvent(event, { stream, revision: numbered, position, created });
    const data = isMetastream(stream) ? event.data : null;
    this.#insert.run(position, stream, revision, event.id, event.type, record.length, data, record);
    this.#head = position;
    // As in a log file, where a record is longer than its content.
    this.#next = position + record.length + 64;
    return position;
  }

  #state(stream: string): StreamState {
    const cached = this.#streams.get(stream);
    if (cached !== undefined) return cached;
    const [last, tombstone] = this.#db
      .prepare('SELECT MAX(revision), MIN(revision) < 0 FROM events WHERE stream = ?')
      .raw()
      .get(stream) as [number | null, number | null];
    const state: StreamState = {
      last: last ?? -1,
      tombstoned: tombstone === 1,
      truncateBefore: 0,
      // A metadata stream keeps its last event only.
      maxCount: isMetastream(stream) ? 1 : undefined,
      metadata: {},
    };
    const metadata = this.#db
      .prepare('SELECT data FROM events WHERE stream = ? ORDER BY revision DESC LIMIT 1')
      .pluck()
      .get(`$$${stream}`) as Buffer | undefined;
    if (metadata !== undefined) applyMetadata(state, jsonObject(metadata));
    this.#streams.set(stream, state);
    return state;
  }

  #ends(): [head: number, next: number] {
    const last = this.#db.prepare('SELECT position, size FROM events ORDER BY position DESC LIMIT 1').get();
    if (last === undefined) return [0, 1024];
    const { position, size } = last as { position: number; size: number };
    return [position, position + size + 64];
  }
}

const NO_CONTENT = { data: Buffer.alloc(0), metadata: Buffer.alloc(0) };

const randomId = (): string => crypto.randomUUID();

function applyMetadata(state: StreamState, metadata: Readonly<Record<string, unknown>>): void {
  const { $tb, $maxCount } = metadata;
  state.metadata = metadata;
  state.truncateBefore = typeof $tb === 'number' ? $tb : 0;
  state.maxCount = typeof $maxCount === 'number' ? $maxCount : undefined;
}
