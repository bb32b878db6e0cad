/** The facts of contracts that were known then, and what had happened by then. */
import { sql } from 'kysely';
import { integer, text, type Row, type Snapshot } from '../projection.js';
import { factTable } from './portfolio-facts.js';

export interface PastOfPortfolio {
  /** Up to and with this position. */
  readonly position: bigint;
  /** And up to and with this instant (three decimals, as recorded times have). */
  readonly recordedtime?: string | undefined;
  /** Only what happened on this day or before it; corrections hold all the same. */
  readonly on?: string | undefined;
}

export interface ContractFacts {
  readonly contract: string;
  /** Of the last event selected. */
  readonly revision: number;
  /** A JSON list of facts, in any order, without its brackets. */
  readonly facts: string;
}

/** Which contracts: one, or those after one id and up to another. */
export interface ContractRange {
  readonly contract?: string | undefined;
  readonly after?: string | undefined;
  readonly upTo?: string | undefined;
}

/** Facts by contract. */
export async function factsOf(
  { db, table }: Snapshot,
  { position, recordedtime, on }: PastOfPortfolio,
  range: ContractRange = {},
): Promise<readonly ContractFacts[]> {
  let query = db
    .selectFrom(table(factTable))
    .select(['contract', sql<number>`max(revision)`.as('revision'), sql<string>`string_agg(fact, ',')`.as('facts')])
    .where('position', '<=', position)
    .groupBy('contract');
  if (recordedtime !== undefined) query = query.where('recordedtime', '<=', recordedtime);
  if (on !== undefined) query = query.where((eb) => eb.or([eb('day', '<=', on), eb('correction', '=', 1)]));
  if (range.contract !== undefined) query = query.where('contract', '=', range.contract);
  if (range.after !== undefined) query = query.where('contract', '>', range.after);
  if (range.upTo !== undefined) query = query.where('contract', '<=', range.upTo);
  const rows = (await query.execute()) as readonly Row[];
  return rows.flatMap((row) =>
    row['facts'] === null
      ? []
      : [{ contract: text(row, 'contract'), revision: integer(row, 'revision'), facts: text(row, 'facts') }],
  );
}

/** Ids that part the contracts into so many ranges of about the same number, each the last of its range. */
export async function rangesOf({ db, table }: Snapshot, parts: number): Promise<readonly string[]> {
  const { count } = (await db
    .selectFrom(table(factTable))
    .select(sql<number>`count(*)`.as('count'))
    .where('revision', '=', 0)
    .executeTakeFirst()) as { count: number };
  const ends: string[] = [];
  for (let part = 1; part < parts; part += 1) {
    const row = await db
      .selectFrom(table(factTable))
      .select('contract')
      .where('revision', '=', 0)
      .orderBy('contract')
      .offset(Math.floor((count * part) / parts))
      .limit(1)
      .executeTakeFirst();
    if (row !== undefined) ends.push(text(row, 'contract'));
  }
  return [...new Set(ends)];
}
