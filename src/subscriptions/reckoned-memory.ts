/**
 * How far contracts have been reckoned in which something was corrected: a table beside the read models, which may be lost at
 * any time. Without it each of them would be reckoned from its first event when the watch starts, and folded anew for each
 * day on which something was corrected.
 */
import { sql } from 'kysely';
import type { ReckoningData } from '../contract/reckoning.js';
import { openReadModelWriter, type ReadModelWriter } from './read-model-writer.js';

/** A contract as it was reckoned last. */
export interface Remembered {
  readonly contract: string;
  /** The last event looked at, and its id in the store: what is remembered holds for a stream that has it there. */
  readonly revision: bigint;
  readonly eventId: string;
  /** The first day (since 1970-01-01) on which there may be something to notice; `undefined` for none. */
  readonly next: number | undefined;
  readonly reckoning: ReckoningData;
}

export interface ReckonedMemory {
  /** What is remembered of some contracts, some hundreds at most. */
  load(contracts: readonly string[]): Promise<readonly Remembered[]>;
  save(entries: readonly Remembered[]): Promise<void>;
  close(): Promise<void>;
}

/** The version rises whenever the same events would be reckoned otherwise. */
const TABLE = 'waybook_reckoned_v1';

/** Rows that one statement puts. */
const AT_ONCE = 100;

async function open(url: string): Promise<ReadModelWriter> {
  const writer = await openReadModelWriter(url, false);
  const { text, bigint, integer } = writer.types;
  try {
    await writer.transaction(async (transaction) => {
      await transaction.lockSchema();
      await transaction.db.schema
        .createTable(TABLE)
        .ifNotExists()
        .addColumn('contract', sql.raw(text), (column) => column.primaryKey())
        .addColumn('revision', sql.raw(bigint), (column) => column.notNull())
        .addColumn('event_id', sql.raw(text), (column) => column.notNull())
        .addColumn('next', sql.raw(integer))
        .addColumn('reckoning', sql.raw(text), (column) => column.notNull())
        .execute();
    });
    return writer;
  } catch (error) {
    await writer.close();
    throw error;
  }
}

/** Opens the table with the first call. Errors as of the read model: `read-model-unavailable`. */
export function openReckonedMemory(url: string): ReckonedMemory {
  let opening: Promise<ReadModelWriter> | undefined;
  const opened = (): Promise<ReadModelWriter> => {
    opening ??= open(url);
    // One that could not be opened is opened by the next call.
    opening.catch(() => {
      opening = undefined;
    });
    return opening;
  };
  return {
    load: async (contracts) => {
      if (contracts.length === 0) return [];
      const writer = await opened();
      const rows = await writer.transaction(({ db }) =>
        db
          .selectFrom(TABLE)
          .selectAll()
          .where('contract', 'in', [...contracts])
          .execute(),
      );
      return rows.map((row) => ({
        contract: String(row['contract']),
        revision: BigInt(row['revision']!),
        eventId: String(row['event_id']),
        next: row['next'] === null ? undefined : Number(row['next']),
        reckoning: JSON.parse(String(row['reckoning'])) as ReckoningData,
      }));
    },
    save: async (entries) => {
      const writer = await opened();
      await writer.transaction(async ({ db }) => {
        for (let from = 0; from < entries.length; from += AT_ONCE)
          await db
            .insertInto(TABLE)
            .values(
              entries.slice(from, from + AT_ONCE).map(({ contract, revision, eventId, next, reckoning }) => ({
                contract,
                revision,
                event_id: eventId,
                next: next ?? null,
                reckoning: JSON.stringify(reckoning),
              })),
            )
            .onConflict((conflict) =>
              conflict
                .column('contract')
                .doUpdateSet(
                  Object.fromEntries(
                    ['revision', 'event_id', 'next', 'reckoning'].map((name) => [name, sql.ref(`excluded.${name}`)]),
                  ),
                ),
            )
            .execute();
      });
    },
    close: async () => {
      await (await opening?.catch(() => undefined))?.close();
    },
  };
}
