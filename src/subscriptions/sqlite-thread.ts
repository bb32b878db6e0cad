/**
 * Large batches written to SQLite by a thread of their own, so that the next batch is folded meanwhile. The other side is
 * `sqlite-writer-worker.ts`. It has a connection of its own; SQLite lets one of the two write at a time.
 */
import { Worker } from 'node:worker_threads';
import type { ColumnValue, TableDefinition } from '../../projections/projection.js';
import { ChangeFailure, type Batch } from './batch.js';
import type { Checkpoint, CopyId } from './checkpoint.js';
import { ReadModelError, type ReadModelErrorCode } from './errors.js';
import type { DistinctRows } from './row-buffer.js';

/**
 * The values of rows, one row after the other, each in the order of the table's columns or key. One flat list of values
 * crosses threads in a quarter of the time that the rows as objects take, or as JSON.
 */
export type FlatRows = readonly ColumnValue[];

/** A {@link Batch} as it crosses threads. */
export interface BatchMessage {
  readonly copies: readonly CopyId[];
  readonly from: Checkpoint | undefined;
  readonly to: Checkpoint;
  readonly changes: readonly {
    readonly copy: CopyId;
    readonly table: TableDefinition;
    readonly puts: FlatRows;
    readonly removes: FlatRows;
  }[];
}

export type ToWriter = { readonly kind: 'batch'; readonly batch: BatchMessage } | { readonly kind: 'close' };

export type FromWriter =
  | { readonly kind: 'written'; readonly moved: boolean }
  | {
      readonly kind: 'failed';
      readonly code: ReadModelErrorCode;
      readonly message: string;
      /** Whose rows were refused, where it was rows. */
      readonly copy: CopyId | undefined;
    };

/** Rows live here from their text to their statement. */
const YOUNG_MB = 16;

interface Job {
  readonly resolve: (written: boolean) => void;
  readonly reject: (error: Error) => void;
}

function flatRows(rows: DistinctRows, columns: readonly string[]): FlatRows {
  const values: ColumnValue[] = [];
  for (const row of rows.values()) for (const column of columns) values.push(row[column] ?? null);
  return values;
}

/** The rows of `width` values each. */
export function* rowsOf(values: FlatRows, width: number): Iterable<readonly ColumnValue[]> {
  for (let at = 0; at < values.length; at += width) yield values.slice(at, at + width);
}

export class SqliteThread {
  readonly #path: string;
  /** Started with the first batch, and again after it has ended by itself. */
  #worker: Worker | undefined;
  #exited: Promise<void> = Promise.resolve();
  /** Answered in the order they were sent. */
  readonly #jobs: Job[] = [];

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * @returns false where a checkpoint has been moved: then nothing was written
   * @throws ChangeFailure, ReadModelError `read-model-unavailable`
   */
  write({ copies, from, to, changes }: Batch): Promise<boolean> {
    const batch: BatchMessage = {
      copies,
      from,
      to,
      changes: changes.map(({ copy, table, rows }) => ({
        copy,
        table,
        puts: flatRows(rows.puts, Object.keys(table.columns)),
        removes: flatRows(rows.removes, table.key),
      })),
    };
    const worker = this.#worker ?? this.#start();
    return new Promise((resolve, reject) => {
      this.#jobs.push({ resolve, reject });
      this.#post(worker, { kind: 'batch', batch });
    });
  }

  async close(): Promise<void> {
    if (this.#worker !== undefined) this.#post(this.#worker, { kind: 'close' });
    await this.#exited;
  }

  #post(worker: Worker, message: ToWriter): void {
    worker.postMessage(message, []);
  }

  #start(): Worker {
    const worker = new Worker(new URL('./sqlite-writer-worker.js', import.meta.url), {
      workerData: this.#path,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
    });
    this.#worker = worker;
    let why: Error | undefined;
    worker.once('error', (error: Error) => {
      why = error;
    });
    worker.on('message', (message: FromWriter) => {
      const job = this.#jobs.shift();
      switch (message.kind) {
        case 'written':
          job?.resolve(!message.moved);
          break;
        case 'failed': {
          const error = new ReadModelError(message.code, message.message);
          job?.reject(message.copy === undefined ? error : new ChangeFailure(message.copy, error));
          break;
        }
      }
    });
    this.#exited = new Promise((resolve) => {
      worker.once('exit', () => {
        this.#worker = undefined;
        for (const { reject } of this.#jobs.splice(0))
          reject(
            new ReadModelError('read-model-unavailable', `the writing thread has ended: ${why?.message ?? ''}`, why),
          );
        resolve();
      });
    });
    return worker;
  }
}
