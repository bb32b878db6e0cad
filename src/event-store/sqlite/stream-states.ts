import type { Database, Statement } from 'better-sqlite3';

/** What the writer needs to know of a stream: the key of its name and its last revision. */
export interface StreamState {
  readonly key: number;
  last: number;
}

/**
 * The streams written to last, so that an append to one of them reads nothing. What stands here is trusted, because
 * this process is the only writer; whoever rolls a transaction back must {@link forget}.
 */
export class StreamStates {
  readonly #find: Statement<[string], { key: number; last: number | null }>;
  readonly #add: Statement<[string]>;
  /** In the order of their last use, the oldest first. */
  readonly #kept = new Map<string, StreamState>();
  readonly #capacity: number;

  constructor(db: Database, capacity: number) {
    this.#find = db.prepare(
      'SELECT key, (SELECT max(revision) FROM events WHERE stream = key) AS last FROM streams WHERE name = ?',
    );
    this.#add = db.prepare('INSERT INTO streams (name) VALUES (?)');
    this.#capacity = capacity;
  }

  /** `undefined` for a stream that does not exist. */
  find(name: string): StreamState | undefined {
    const kept = this.#kept.get(name);
    if (kept !== undefined) {
      this.#kept.delete(name);
      this.#kept.set(name, kept);
      return kept;
    }
    const row = this.#find.get(name);
    return row === undefined ? undefined : this.#keep(name, { key: row.key, last: row.last ?? -1 });
  }

  /** Adds the row of a stream that does not exist yet; only within the transaction of its first events. */
  add(name: string): StreamState {
    return this.#keep(name, { key: Number(this.#add.run(name).lastInsertRowid), last: -1 });
  }

  forget(): void {
    this.#kept.clear();
  }

  #keep(name: string, state: StreamState): StreamState {
    if (this.#kept.size >= this.#capacity) {
      const oldest = this.#kept.keys().next();
      if (oldest.done !== true) this.#kept.delete(oldest.value);
    }
    this.#kept.set(name, state);
    return state;
  }
}
