import type { Database, Statement } from 'better-sqlite3';
import type { Direction, StoredEvent, StreamExtent } from '../event-store.js';

/** A page ends at so many events, or once it holds about so much text, whichever comes first. */
const PAGE_EVENTS = 500;
const PAGE_CHARACTERS = 1024 * 1024;

const PAGE_STREAMS = 500;

/** So many names of streams are remembered while reading in global order. */
const NAMES_KEPT = 20_000;

export interface Page {
  readonly events: readonly StoredEvent[];
  /** Whether nothing followed when the page was read. */
  readonly atEnd: boolean;
}

type Row = readonly [
  position: number,
  stream: number,
  revision: number,
  id: string,
  type: string,
  data: string,
  metadata: string,
];

const COLUMNS = 'position, stream, revision, lower(hex(id)), type, data, metadata';

/**
 * Reads a file page by page. Each page is one query by key, finished before it is handed out, so that between two pages
 * nothing is held open: no read transaction keeps the log from being checkpointed, no cursor blocks the connection.
 * Throws the driver's errors.
 */
export class Pages {
  readonly #key: Statement<[string], number>;
  readonly #name: Statement<[number], string>;
  readonly #forwards: Statement<[number, number, number], Row>;
  readonly #backwards: Statement<[number, number, number], Row>;
  readonly #all: Statement<[number, number], Row>;
  readonly #allBackwards: Statement<[number, number], Row>;
  readonly #head: Statement<[], readonly [number, string]>;
  readonly #streams: Statement<[string, string, number], readonly [number, string]>;
  readonly #extent: Statement<[number, number], number>;
  /** Names never change, so what is kept here never goes stale. */
  readonly #names = new Map<number, string>();

  constructor(db: Database) {
    this.#key = db.prepare<[string], number>('SELECT key FROM streams WHERE name = ?').pluck();
    this.#name = db.prepare<[number], string>('SELECT name FROM streams WHERE key = ?').pluck();
    const events = `SELECT ${COLUMNS} FROM events WHERE`;
    this.#forwards = db
      .prepare<[number, number, number], Row>(`${events} stream = ? AND revision >= ? ORDER BY revision LIMIT ?`)
      .raw();
    this.#backwards = db
      .prepare<[number, number, number], Row>(`${events} stream = ? AND revision <= ? ORDER BY revision DESC LIMIT ?`)
      .raw();
    this.#all = db.prepare<[number, number], Row>(`${events} position > ? ORDER BY position LIMIT ?`).raw();
    this.#allBackwards = db
      .prepare<[number, number], Row>(`${events} position <= ? ORDER BY position DESC LIMIT ?`)
      .raw();
    this.#head = db
      .prepare<[], readonly [number, string]>(
        'SELECT position, lower(hex(id)) FROM events ORDER BY position DESC LIMIT 1',
      )
      .raw();
    this.#streams = db
      .prepare<[string, string, number], readonly [number, string]>(
        'SELECT key, name FROM streams WHERE name > ? AND name < ? ORDER BY name LIMIT ?',
      )
      .raw();
    // Backwards by revision: only what came after the position is passed over.
    this.#extent = db
      .prepare<[number, number], number>(
        'SELECT revision FROM events WHERE stream = ? AND position <= ? ORDER BY revision DESC LIMIT 1',
      )
      .pluck();
  }

  /**
   * The streams whose names come after `after` and begin with `prefix`, so many at most, each with its last revision at
   * or before a position; those that have none are left out.
   */
  streams(
    prefix: string,
    after: string,
    upTo: number,
  ): { readonly extents: readonly StreamExtent[]; readonly last: string | undefined } {
    const rows = this.#streams.all(after, `${prefix}\u{10ffff}`, PAGE_STREAMS);
    const extents = rows.flatMap(([key, stream]) => {
      const revision = this.#extent.get(key, upTo);
      return revision === undefined ? [] : [{ stream, revision: BigInt(revision) }];
    });
    return { extents, last: rows.at(-1)?.[1] };
  }

  /** From revision `from`, inclusive, in the given direction. */
  ofStream(stream: string, from: number, direction: Direction, limit: number): Page {
    const key = this.#key.get(stream);
    if (key === undefined) return { events: [], atEnd: true };
    const wanted = Math.min(limit, PAGE_EVENTS);
    const statement = direction === 'forwards' ? this.#forwards : this.#backwards;
    return this.#page(statement.iterate(key, from, wanted), wanted, () => stream);
  }

  /** After position `after`, exclusive. */
  ofAll(after: number, limit: number): Page {
    const wanted = Math.min(limit, PAGE_EVENTS);
    return this.#page(this.#all.iterate(after, wanted), wanted, (key) => this.#nameOf(key));
  }

  /** At position `from` and before it, the latest first. */
  ofAllBackwards(from: number, limit: number): Page {
    const wanted = Math.min(limit, PAGE_EVENTS);
    return this.#page(this.#allBackwards.iterate(from, wanted), wanted, (key) => this.#nameOf(key));
  }

  head(): { readonly position: bigint; readonly id: string } | undefined {
    const row = this.#head.get();
    return row === undefined ? undefined : { position: BigInt(row[0]), id: uuid(row[1]) };
  }

  #page(rows: Iterable<Row>, wanted: number, nameOf: (key: number) => string): Page {
    // Rows are turned into events only after the query is over: a name may have to be looked up, and the driver runs no
    // other statement while one is being stepped through.
    const taken: Row[] = [];
    let characters = 0;
    let full = false;
    for (const row of rows) {
      taken.push(row);
      characters += row[5].length + row[6].length;
      full = characters >= PAGE_CHARACTERS;
      if (full) break;
    }
    return { events: taken.map((row) => stored(row, nameOf(row[1]))), atEnd: !full && taken.length < wanted };
  }

  #nameOf(key: number): string {
    const kept = this.#names.get(key);
    if (kept !== undefined) return kept;
    const name = this.#name.get(key);
    if (name === undefined) throw Object.assign(new Error(`stream ${key} has no name`), { code: 'SQLITE_CORRUPT' });
    if (this.#names.size >= NAMES_KEPT) this.#names.clear();
    this.#names.set(key, name);
    return name;
  }
}

function stored([position, , revision, id, type, data, metadata]: Row, stream: string): StoredEvent {
  return { stream, revision: BigInt(revision), position: BigInt(position), id: uuid(id), type, data, metadata };
}

/** The text of a UUID (RFC 9562, section 4) from its 32 hexadecimal digits. */
function uuid(hex: string): string {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
