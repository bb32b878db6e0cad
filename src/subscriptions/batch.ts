/** What a batch of events makes of the read model, as one transaction. */
import type { TableDefinition } from '../../projections/projection.js';
import type { Checkpoint, CopyId } from './checkpoint.js';
import { messageOf } from './errors.js';
import type { ReadModelWriter, WriteTransaction } from './read-model-writer.js';
import type { TableChanges } from './row-buffer.js';

export interface Batch {
  /** Copies that stand together; their checkpoints move. */
  readonly copies: readonly CopyId[];
  readonly from: Checkpoint | undefined;
  readonly to: Checkpoint;
  readonly changes: readonly Change[];
}

/** The rows of one table that change. */
export interface Change {
  readonly copy: CopyId;
  readonly table: TableDefinition;
  readonly rows: TableChanges;
}

/** Rows that could not be written, and whose they are. */
export class ChangeFailure extends Error {
  override readonly name = 'ChangeFailure';
  constructor(
    readonly copy: CopyId,
    readonly why: unknown,
  ) {
    super(messageOf(why));
  }
}

/** Thrown inside a transaction to give it up: a checkpoint is not where the batch began. */
export class Moved extends Error {
  override readonly name = 'Moved';
}

/** @throws ChangeFailure */
export async function writeChanges(transaction: WriteTransaction, changes: readonly Change[]): Promise<void> {
  for (const { copy, table, rows } of changes)
    try {
      await transaction.write(copy, table, rows);
    } catch (error) {
      throw new ChangeFailure(copy, error);
    }
}

/** Writes a batch in one transaction. @returns false where a checkpoint has been moved: then nothing was written */
export async function writeBatch(
  transaction: ReadModelWriter['transaction'],
  { copies, from, to, changes }: Batch,
): Promise<boolean> {
  try {
    await transaction(async (begun) => {
      if (!(await begun.moveCheckpoints(copies, from, to))) throw new Moved();
      await writeChanges(begun, changes);
    });
    return true;
  } catch (error) {
    if (error instanceof Moved) return false;
    throw error;
  }
}
