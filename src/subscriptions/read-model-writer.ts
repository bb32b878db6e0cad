/** The read model as the projector sees it: transactions that write rows and move checkpoints together. */
import type { Kysely } from 'kysely';
import type { TableDefinition, Tables } from '../../projections/projection.js';
import type { Batch } from './batch.js';
import type { BuildClaim, Checkpoint, CopyId } from './checkpoint.js';
import type { ColumnTypes } from './copies.js';
import { parseReadModelUrl } from './read-model.js';
import type { DistinctRows, TableChanges } from './row-buffer.js';
import { SqliteThread } from './sqlite-thread.js';
import { openSqliteWriter } from './sqlite-writer.js';

/** Loaded only where it is needed: each thread that writes rows would load it for nothing. */
const postgresWriter = () => import('./postgres-writer.js');

export interface ReadModelWriter {
  readonly types: ColumnTypes;
  /** Whether several processes write to it, so that each projection needs a leader; then how to reach it. */
  readonly shared: { readonly url: string } | undefined;
  /**
   * Commits when `work` resolves, takes all back when it rejects. Only one transaction at a time on SQLite, so `work`
   * must not start another one.
   * @throws ReadModelError `row-refused`, `read-model-unavailable`, and whatever `work` throws
   */
  transaction<T>(work: (transaction: WriteTransaction) => Promise<T>): Promise<T>;
  /**
   * Writes a batch as one transaction.
   * @returns false where a checkpoint has been moved, or a copy retired: then nothing was written
   * @throws ChangeFailure, ReadModelError `read-model-unavailable`
   */
  write(batch: Batch): Promise<boolean>;
  close(): Promise<void>;
}

export interface WriteTransaction {
  readonly db: Kysely<Tables>;
  /** To be called before tables are made or dropped: no other process does so until the end of the transaction. */
  lockSchema(): Promise<void>;
  /**
   * Moves the checkpoints of copies that stand together, and keeps other writers from moving them until the end of the
   * transaction. To be called first.
   * @returns false where one of them is not at `from` any more, or was retired: then the transaction must be given up
   */
  moveCheckpoints(
    copies: readonly CopyId[],
    from: Checkpoint | BuildClaim | undefined,
    to: Checkpoint,
  ): Promise<boolean>;
  /** Removes and puts rows, each key at most once. @throws ReadModelError `row-refused` */
  write(copy: CopyId, table: TableDefinition, changes: TableChanges): Promise<void>;
  /** Puts rows of which none has a key that is there already. @throws ReadModelError `row-refused` */
  add(copy: CopyId, table: TableDefinition, rows: DistinctRows): Promise<void>;
  /** Takes out all rows of a contract. */
  clearContract(copy: CopyId, table: TableDefinition, contract: string): Promise<void>;
}

/**
 * Opens a read model for the projector, and makes the table of copies where there is none.
 * @param threaded writes large batches to SQLite in a thread of their own; needs the compiled program
 * @throws ReadModelError `invalid-url`, `read-model-unavailable`
 */
export async function openReadModelWriter(url: string, threaded: boolean): Promise<ReadModelWriter> {
  const parsed = parseReadModelUrl(url);
  switch (parsed.kind) {
    case 'sqlite':
      return openSqliteWriter(parsed.path, threaded ? new SqliteThread(parsed.path) : undefined);
    case 'postgres':
      return (await postgresWriter()).openPostgresWriter(parsed.url);
  }
}
