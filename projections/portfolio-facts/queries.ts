/** The facts of contracts that were known then, and what had happened by then. */
import { sql, type ExpressionBuilder } from 'kysely';
import { integer, text, type Row, type Snapshot, type Tables } from '../projection.js';
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
  readonly position: bigint;
  /** A JSON list of facts, in any order, without its brackets. */
  readonly facts: string;
}

/** Which contracts: one, or those after one id and up to another. */
export interface ContractRange {
  readonly contract?: string | undefined;
  readonly after?: string | undefined;
  readonly upTo?: string | undefined;
}

/** Contracts read at once: the texts of many more would fill the memory, and be moved about in it while they are folded. */
const CONTRACTS_AT_ONCE = 500;

/** Facts by contract, in pages, contracts in order. */
export async function* factsOf(
  snapshot: Snapshot,
  past: PastOfPortfolio,
  { contract, after, upTo }: ContractRange = {},
): AsyncGenerator<readonly ContractFacts[], void, undefined> {
  if (contract !== undefined) {
    yield await pageOfFacts(snapshot, past, { contract });
    return;
  }
  let from = after;
  for (;;) {
    const to = await endOfPage(snapshot, { after: from, upTo });
    yield await pageOfFacts(snapshot, past, { after: from, upTo: to ?? upTo });
    if (to === undefined) return;
    from = to;
  }
}

/** The last contract of a page; `undefined` where what is left of the range is no more than one. */
async function endOfPage({ db, table }: Snapshot, range: ContractRange): Promise<string | undefined> {
  const row = await db
    .selectFrom(table(factTable))
    .select('contract')
    .where('revision', '=', 0)
    .where((eb) => inRange(eb, range))
    .orderBy('contract')
    .offset(CONTRACTS_AT_ONCE - 1)
    .limit(1)
    .executeTakeFirst();
  return row === undefined ? undefined : text(row, 'contract');
}

function inRange(eb: ExpressionBuilder<Tables, string>, { contract, after, upTo }: ContractRange) {
  return eb.and([
    ...(contract === undefined ? [] : [eb('contract', '=', contract)]),
    ...(after === undefined ? [] : [eb('contract', '>', after)]),
    ...(upTo === undefined ? [] : [eb('contract', '<=', upTo)]),
  ]);
}

async function pageOfFacts(
  { db, table }: Snapshot,
  { position, recordedtime, on }: PastOfPortfolio,
  range: ContractRange,
): Promise<readonly ContractFacts[]> {
  let query = db
    .selectFrom(table(factTable))
    .select([
      'contract',
      sql<number>`max(revision)`.as('revision'),
      // As text: a sum has no declared type, and a number would not hold it.
      sql<string>`cast(max(position) as text)`.as('position'),
      sql<string>`string_agg(fact, ',')`.as('facts'),
    ])
    .where('position', '<=', position)
    .where((eb) => inRange(eb, range))
    .groupBy('contract');
  if (recordedtime !== undefined) query = query.where('recordedtime', '<=', recordedtime);
  if (on !== undefined) query = query.where((eb) => eb.or([eb('day', '<=', on), eb('correction', '=', 1)]));
  const rows = (await query.execute()) as readonly Row[];
  return rows.flatMap((row) => {
    if (row['facts'] === null) return [];
    const [contract, facts] = [text(row, 'contract'), text(row, 'facts')];
    return [{ contract, revision: integer(row, 'revision'), position: BigInt(text(row, 'position')), facts }];
  });
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
