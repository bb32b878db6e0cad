import type { Database, Statement } from 'better-sqlite3';
import { EventStoreError } from '../event-store.js';
import type { AppendResult, EventToAppend, ExpectedRevision } from '../event-store.js';
import { translated, translatedCommit } from './errors.js';
import { StreamStates } from './stream-states.js';
import type { StreamState } from './stream-states.js';

/**
 * A group ends at so many appends, or once it holds about so much text: it blocks the thread while it is written. Small
 * appends are let in many together: each commit writes the index pages of all the streams it touches and waits for the
 * disk.
 */
const GROUP_APPENDS = 512;
const GROUP_CHARACTERS = 4 * 1024 * 1024;
/**
 * While every turn of the event loop brings further appends, a group waits for so many turns: one that comes alone is
 * written at once, those of many callers share a sync of the disk.
 */
const MORE_TURNS = 3;

interface Waiting {
  readonly stream: string;
  readonly expected: ExpectedRevision;
  readonly events: readonly EventToAppend[];
  readonly resolve: (result: AppendResult) => void;
  readonly reject: (error: EventStoreError) => void;
}

/** An append's own answer. A refusal writes nothing, so it needs no savepoint and leaves its group untouched. */
type Outcome = AppendResult | EventStoreError;

/**
 * The appends that arrive within a few turns of the event loop share one transaction, and so one sync of the disk. They
 * are applied in the order of their calls, each checked against what those before it wrote, and answered after the
 * COMMIT.
 */
export class GroupCommit {
  readonly #db: Database;
  readonly #path: string;
  readonly #onCommitted: (position: bigint) => void;
  readonly #streams: StreamStates;
  readonly #begin: Statement<[]>;
  readonly #commit: Statement<[]>;
  readonly #rollback: Statement<[]>;
  readonly #insert: Statement<[number, number, number, string, string, string, string]>;
  readonly #idsAt: Statement<[number, number, number], readonly [position: number, id: string]>;
  readonly #head: Statement<[], number | null>;
  /** Position of the last event written. */
  #position: number;
  #waiting: Waiting[] = [];
  #isScheduled = false;

  /** @param onCommitted told the position of the last event after each commit that wrote something */
  constructor(db: Database, path: string, streamsKept: number, onCommitted: (position: bigint) => void) {
    this.#db = db;
    this.#path = path;
    this.#onCommitted = onCommitted;
    this.#streams = new StreamStates(db, streamsKept);
    this.#begin = db.prepare('BEGIN IMMEDIATE');
    this.#commit = db.prepare('COMMIT');
    this.#rollback = db.prepare('ROLLBACK');
    this.#insert = db.prepare(
      // The 16 bytes of the UUID (RFC 9562, section 4).
      "INSERT INTO events (position, stream, revision, id, type, data, metadata) VALUES (?, ?, ?, unhex(?, '-'), ?, ?, ?)",
    );
    this.#idsAt = db
      .prepare<[number, number, number], readonly [number, string]>(
        'SELECT position, lower(hex(id)) FROM events WHERE stream = ? AND revision BETWEEN ? AND ? ORDER BY revision',
      )
      .raw();
    this.#head = db.prepare<[], number | null>('SELECT max(position) FROM events').pluck();
    this.#position = this.#head.get() ?? 0;
  }

  /** @param events already checked; not to be changed until the promise settles */
  append(stream: string, expected: ExpectedRevision, events: readonly EventToAppend[]): Promise<AppendResult> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ stream, expected, events, resolve, reject });
      this.#schedule();
    });
  }

  /** Writes and answers all that waits. */
  finish(): void {
    while (this.#waiting.length > 0) this.#writeGroup();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#writeSoon(this.#waiting.length, MORE_TURNS);
  }

  /** Writes in the next turn, unless that has brought more and `turns` are left in which still more may come. */
  #writeSoon(seen: number, turns: number): void {
    setImmediate(() => {
      const { length } = this.#waiting;
      if (length > seen && length < GROUP_APPENDS && turns > 0) {
        this.#writeSoon(length, turns - 1);
        return;
      }
      this.#isScheduled = false;
      try {
        if (this.#waiting.length > 0) this.#writeGroup();
      } finally {
        // Also where `onCommitted` threw: that is its owner's error, and those who wait are not to wait for ever.
        if (this.#waiting.length > 0) this.#schedule();
      }
    });
  }

  #writeGroup(): void {
    const group = this.#takeGroup();
    const before = this.#position;
    const outcomes = this.#write(group);
    for (const [at, { resolve, reject }] of group.entries()) {
      const outcome = outcomes[at];
      if (outcome instanceof EventStoreError) reject(outcome);
      else if (outcome !== undefined) resolve(outcome);
    }
    if (this.#position > before) this.#onCommitted(BigInt(this.#position));
  }

  #takeGroup(): readonly Waiting[] {
    let count = 0;
    for (let characters = 0; count < GROUP_APPENDS && characters < GROUP_CHARACTERS; count++) {
      const next = this.#waiting[count];
      if (next === undefined) break;
      for (const { data, metadata } of next.events) characters += data.length + metadata.length;
    }
    const group = this.#waiting.slice(0, count);
    this.#waiting = this.#waiting.slice(count);
    return group;
  }

  /** One transaction for all, and where that fails before its COMMIT, one for each: none answers for another's failure. */
  #write(group: readonly Waiting[]): readonly Outcome[] {
    let outcomes: readonly Outcome[];
    const before = this.#position;
    try {
      this.#begin.run();
    } catch (error) {
      // The file is held by another program, or cannot be read: it is so for all of them, and was waited for once.
      const failed = translated(error, `appending to ${this.#path}`);
      return group.map(() => failed);
    }
    try {
      outcomes = group.map((one) => this.#apply(one));
    } catch (error) {
      this.#undo(before);
      if (group.length > 1) return group.flatMap((one) => this.#write([one]));
      return [translated(error, `appending to ${this.#path}`)];
    }
    try {
      this.#commit.run();
      return outcomes;
    } catch (error) {
      this.#undo(before);
      const failed = translatedCommit(error, `appending to ${this.#path}`);
      return group.map(() => failed);
    }
  }

  #apply({ stream, expected, events }: Waiting): Outcome {
    const found = this.#streams.find(stream);
    const last = found?.last ?? -1;
    // Above 2^53 this rounds, and is above any revision there is all the same.
    const first = expected === 'any' ? last + 1 : expected === 'no-stream' ? 0 : Number(expected) + 1;
    if (first !== last + 1) {
      const repeated = found === undefined ? undefined : this.#repeated(found, first, events);
      return repeated ?? conflict(stream, expected, last);
    }
    const state = found ?? this.#streams.add(stream);
    const { key } = state;
    let { last: revision } = state;
    let position = this.#position;
    for (const { id, type, data, metadata } of events)
      this.#insert.run(++position, key, ++revision, id, type, data, metadata);
    state.last = revision;
    this.#position = position;
    return { revision: BigInt(revision), position: BigInt(position) };
  }

  /** The first result of an append that stands in the stream already, whole and at the revisions it is meant for. */
  #repeated(state: StreamState, first: number, events: readonly EventToAppend[]): AppendResult | undefined {
    const end = first + events.length - 1;
    if (end > state.last) return undefined;
    let at = 0;
    let position = 0;
    for (const row of this.#idsAt.iterate(state.key, first, end)) {
      const event = events[at++];
      if (event === undefined || event.id.replaceAll('-', '') !== row[1]) return undefined;
      position = row[0];
    }
    return at === events.length ? { revision: BigInt(end), position: BigInt(position) } : undefined;
  }

  /** Back to what is in the file; what was remembered may have come from the transaction that is gone. */
  #undo(before: number): void {
    this.#streams.forget();
    this.#position = before;
    // Some errors end the transaction by themselves, and one at COMMIT may come after the events were stored. If a
    // ROLLBACK or a read fails as well, the next group finds the connection as it is and reports that.
    try {
      if (this.#db.inTransaction) this.#rollback.run();
      this.#position = this.#head.get() ?? 0;
    } catch {
      return;
    }
  }
}

function conflict(stream: string, expected: ExpectedRevision, last: number): EventStoreError {
  const actual = last < 0 ? 'no-stream' : BigInt(last);
  const message = `${stream} is at ${actual}, not at ${expected}`;
  return new EventStoreError('wrong-expected-revision', message, { stream, actual });
}
