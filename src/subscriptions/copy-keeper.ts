/** Makes, switches and drops the copies of projections. Each step is one transaction, so that a crash leaves none half done. */
import { sql } from 'kysely';
import type { Projection } from '../../projections/projection.js';
import { keyOfCopy, type Checkpoint, type CopyId, type CopyRecord, type ProjectionFailure } from './checkpoint.js';
import { builtElsewhere, COPIES, createCopy, dropCopy, emptyCopy, readCopies, setFailure, setRole } from './copies.js';
import type { ReadModelWriter } from './read-model-writer.js';

/** Copies that are not needed are dropped in the background; a query that still reads them is not waited for long. */
const DROP_WAIT_MS = 2_000;

export class CopyKeeper {
  readonly #writer: ReadModelWriter;

  constructor(writer: ReadModelWriter) {
    this.#writer = writer;
  }

  read(): Promise<readonly CopyRecord[]> {
    return this.#writer.transaction(({ db }) => readCopies(db));
  }

  /**
   * Makes the copies that are missing: where a projection has none, one that serves at once, though it is empty; where an
   * older version serves, one beside it. Where a newer version serves, another program is in charge, and nothing is made.
   */
  async ensure(projections: readonly Projection[]): Promise<readonly CopyRecord[]> {
    const missing = (records: readonly CopyRecord[]) =>
      projections.filter(({ name, version }) => {
        const own = records.filter((record) => record.name === name && record.role !== 'retired');
        const served = own.find(({ role }) => role === 'serving');
        return (served?.version ?? 0) < version && !own.some((record) => record.version === version);
      });
    const records = await this.read();
    if (missing(records).length === 0) return records;
    return this.#writer.transaction(async (transaction) => {
      const { db } = transaction;
      await transaction.lockSchema();
      const found = await readCopies(db);
      for (const projection of missing(found)) {
        const serves = found.some(({ name, role }) => name === projection.name && role === 'serving');
        const copy: CopyId = { name: projection.name, version: projection.version, copy: '' };
        await createCopy(db, this.#writer.types, projection, copy, serves ? 'building' : 'serving');
      }
      return readCopies(db);
    });
  }

  /** Which of some copies a process that shares the file is building. Where processes share a server, each copy has a leader. */
  async builtElsewhere(copies: readonly CopyId[]): Promise<CopyId | undefined> {
    if (this.#writer.shared !== undefined) return undefined;
    return this.#writer.transaction(({ db }) => builtElsewhere(db, copies));
  }

  /** Makes an empty copy of this version beside the one that serves, in place of one that was being built. */
  async createBeside(projection: Projection, copy: CopyId): Promise<void> {
    await this.#writer.transaction(async (transaction) => {
      const { db } = transaction;
      await transaction.lockSchema();
      for (const record of await readCopies(db, projection.name))
        if (record.role === 'building' && record.version === projection.version) await dropCopy(db, record);
      await createCopy(db, this.#writer.types, projection, copy, 'building');
    });
  }

  /**
   * Lets a copy that has been built serve, if it shows all that the one serving shows; so the position of answers never
   * goes back. Who writes the other finds it retired with its next transaction.
   */
  switchTo(copy: CopyId, checkpoint: Checkpoint | undefined): Promise<boolean> {
    const position = checkpoint?.position ?? null;
    return this.#writer.transaction(async ({ db }) => {
      // Also locks the row, so that nobody moves that checkpoint before the end of the transaction.
      const retired = await db
        .updateTable(COPIES)
        .set({ role: 'retired' })
        .where('name', '=', copy.name)
        .where('role', '=', 'serving')
        .where((where) => where.or([where('position', 'is', null), where('position', '<=', position)]))
        .returning('version')
        .execute();
      if (retired.length === 0) return false;
      await setRole(db, copy, 'serving');
      return true;
    });
  }

  /** Drops the tables of a copy. One that somebody is reading may be left for the next time. */
  async drop(record: CopyRecord): Promise<void> {
    await this.#writer.transaction(async (transaction) => {
      const { db } = transaction;
      if (this.#writer.shared !== undefined) await sql`set local lock_timeout = ${sql.lit(DROP_WAIT_MS)}`.execute(db);
      await transaction.lockSchema();
      const still = (await readCopies(db, record.name)).find((other) => keyOfCopy(other) === keyOfCopy(record));
      if (still?.role === record.role) await dropCopy(db, still);
    });
  }

  /** Takes out all rows of copies, unless somebody has moved their checkpoints meanwhile. */
  async empty(copies: readonly CopyId[], checkpoint: Checkpoint | undefined): Promise<void> {
    const keys = new Set(copies.map(keyOfCopy));
    await this.#writer.transaction(async ({ db }) => {
      for (const record of await readCopies(db))
        if (keys.has(keyOfCopy(record)) && record.checkpoint?.eventId === checkpoint?.eventId)
          await emptyCopy(db, record);
    });
  }

  async setFailure(copies: readonly CopyId[], failure: ProjectionFailure | undefined): Promise<void> {
    await this.#writer.transaction(async ({ db }) => {
      for (const copy of copies) await setFailure(db, copy, failure);
    });
  }
}
