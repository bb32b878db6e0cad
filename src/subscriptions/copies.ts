/**
 * The table of copies, `waybook_projections`: which copies of which projections there are, which of them serves, and how
 * far each has got. The pointer that queries follow is the role `serving`.
 */
import { sql, type CreateTableBuilder, type Kysely, type RawBuilder } from 'kysely';
import type { ColumnType, Projection, TableDefinition, Tables } from '../../projections/projection.js';
import {
  physicalTable,
  type BuildClaim,
  type Checkpoint,
  type CopyId,
  type CopyRecord,
  type CopyRole,
  type CopySuffix,
  type ProjectionFailure,
} from './checkpoint.js';
import { codeOf, ReadModelError } from './errors.js';

export interface CopiesTable {
  readonly name: string;
  readonly version: number;
  readonly copy: string;
  readonly role: string;
  readonly position: bigint | null;
  readonly event_id: string | null;
  readonly stream: string | null;
  readonly revision: bigint | null;
  /** JSON of a {@link ProjectionFailure}. */
  readonly failure: string | null;
  /** JSON: names of columns by name of table. */
  readonly tables: string;
}
export const COPIES = 'waybook_projections';

/** What each database calls the column types. */
export type ColumnTypes = Readonly<Record<ColumnType, string>> & {
  /** What is said behind the definition of a table whose rows are to be kept in the order of its key. */
  readonly clustered?: string;
};

/** What a column is declared as, with its collation. */
const declared = (types: ColumnTypes, type: ColumnType) => sql.raw(types[type]);

export async function createCopiesTable(db: Kysely<Tables>, types: ColumnTypes): Promise<void> {
  const text = declared(types, 'text');
  await db.schema
    .createTable(COPIES)
    .ifNotExists()
    .addColumn('name', text, (column) => column.notNull())
    .addColumn('version', declared(types, 'integer'), (column) => column.notNull())
    .addColumn('copy', text, (column) => column.notNull())
    .addColumn('role', text, (column) => column.notNull())
    .addColumn('position', declared(types, 'bigint'))
    .addColumn('event_id', text)
    .addColumn('stream', text)
    .addColumn('revision', declared(types, 'bigint'))
    .addColumn('failure', text)
    .addColumn('tables', text, (column) => column.notNull())
    .addPrimaryKeyConstraint(`${COPIES}_pk`, ['name', 'version', 'copy'])
    .execute();
}

/** Gives the copies of one projection, or of all, the older versions first. */
export async function readCopies(db: Kysely<Tables>, name?: string): Promise<readonly CopyRecord[]> {
  let query = db.selectFrom(COPIES).selectAll().orderBy('name').orderBy('version').orderBy('copy');
  if (name !== undefined) query = query.where('name', '=', name);
  return (await query.execute()).map((row) => toRecord(row as unknown as CopiesTable));
}

export function toRecord(row: CopiesTable): CopyRecord {
  const { position, event_id: eventId, stream, revision } = row;
  const checkpoint =
    position === null || eventId === null || stream === null || revision === null
      ? undefined
      : { position, eventId, stream, revision };
  return {
    name: row.name,
    version: row.version,
    copy: row.copy as CopySuffix,
    role: row.role as CopyRole,
    checkpoint,
    isClaimed: position === null && eventId !== null,
    failure: row.failure === null ? undefined : (JSON.parse(row.failure) as ProjectionFailure),
    tables: JSON.parse(row.tables) as CopyRecord['tables'],
  };
}

/** Makes the tables of a copy, empty, and its row. What an interrupted attempt left under the same names goes. */
export async function createCopy(
  db: Kysely<Tables>,
  types: ColumnTypes,
  projection: Projection,
  copy: CopyId,
  role: CopyRole,
): Promise<void> {
  for (const table of projection.tables) {
    const physical = physicalTable(table.name, copy);
    await db.schema.dropTable(physical).ifExists().execute();
    await createTable(db, types, table, physical);
  }
  const tables = Object.fromEntries(projection.tables.map(({ name, columns }) => [name, Object.keys(columns)]));
  await db.deleteFrom(COPIES).where(isCopy(copy)).execute();
  await db
    .insertInto(COPIES)
    .values({
      name: copy.name,
      version: copy.version,
      copy: copy.copy,
      role,
      position: null,
      event_id: null,
      stream: null,
      revision: null,
      failure: null,
      tables: JSON.stringify(tables),
    })
    .execute();
}

async function createTable(
  db: Kysely<Tables>,
  types: ColumnTypes,
  table: TableDefinition,
  physical: string,
): Promise<void> {
  let builder: CreateTableBuilder<string, string> = db.schema.createTable(physical);
  for (const [name, { type, nullable }] of Object.entries(table.columns))
    builder = builder.addColumn(name, declared(types, type), (column) =>
      nullable === true ? column : column.notNull(),
    );
  builder = builder.addPrimaryKeyConstraint(`${physical}_pk`, [...table.key]);
  if (table.clustered === true && types.clustered !== undefined) builder = builder.modifyEnd(sql.raw(types.clustered));
  await builder.execute();
  for (const [at, columns] of (table.indexes ?? []).entries())
    await db.schema
      .createIndex(`${physical}_ix${at + 1}`)
      .on(physical)
      .expression(sql.join(columns.map((column) => sql.ref(column))))
      .execute();
}

/** Drops the tables of a copy and its row. */
export async function dropCopy(db: Kysely<Tables>, record: CopyRecord): Promise<void> {
  for (const table of Object.keys(record.tables))
    await db.schema.dropTable(physicalTable(table, record)).ifExists().execute();
  await db.deleteFrom(COPIES).where(isCopy(record)).execute();
}

/** Takes all rows out and sets the checkpoint back to before the first event. */
export async function emptyCopy(db: Kysely<Tables>, record: CopyId & Pick<CopyRecord, 'tables'>): Promise<void> {
  for (const table of Object.keys(record.tables)) await db.deleteFrom(physicalTable(table, record)).execute();
  await db
    .updateTable(COPIES)
    .set({ position: null, event_id: null, stream: null, revision: null, failure: null })
    .where(isCopy(record))
    .execute();
}

/** How long a claim holds of which nothing has been heard, where nobody is known to lead. Its holder writes several times a second. */
const CLAIM_HOLDS_MS = 15_000;

/** What stands in place of the stream while a copy is claimed: when its holder was last heard of, and its process. */
const heardNow = (): string => `${new Date().toISOString()} ${process.pid}`;

/** Whether who claimed a copy is building it still. Were it wrong about that, the other would find its claim gone and leave off. */
function isAtWork(heard: string | null): boolean {
  const [when, pid] = heard?.split(' ') ?? [];
  if (when === undefined || when <= new Date(Date.now() - CLAIM_HOLDS_MS).toISOString()) return false;
  return pid === undefined || isRunning(Number(pid));
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return codeOf(error) !== 'ESRCH';
  }
}

/** Of which of some copies, where nobody is known to lead, another process is building the rows contract by contract. */
export async function builtElsewhere(db: Kysely<Tables>, copies: readonly CopyId[]): Promise<CopyId | undefined> {
  for (const copy of copies) {
    const found = (await db
      .selectFrom(COPIES)
      .select('stream')
      .where(isCopy(copy))
      .where('position', 'is', null)
      .where('event_id', 'is not', null)
      .executeTakeFirst()) as Pick<CopiesTable, 'stream'> | undefined;
    if (found !== undefined && isAtWork(found.stream)) return copy;
  }
  return undefined;
}

/**
 * Takes all rows out of copies that stand before the first event, and says whose rows are to come: those of one attempt
 * to build them contract by contract, or `undefined` for nobody's.
 * @param isLed whether nobody else can be at work on them, so that an earlier claim is one that was broken off
 * @returns false where one of them has a checkpoint, or was retired: then the transaction must be given up
 * @throws ReadModelError `read-model-unavailable` where somebody else is building one of them
 */
export async function claimCopies(
  db: Kysely<Tables>,
  copies: readonly (CopyId & { readonly tables: readonly TableDefinition[] })[],
  claim: BuildClaim | undefined,
  isLed: boolean,
): Promise<boolean> {
  for (const copy of copies) {
    const found = (await db
      .selectFrom(COPIES)
      .select('stream')
      .where(isCopy(copy))
      .where('position', 'is', null)
      .where('role', '!=', 'retired')
      .executeTakeFirst()) as Pick<CopiesTable, 'stream'> | undefined;
    if (found === undefined) return false;
    if (!isLed && isAtWork(found.stream))
      throw new ReadModelError('read-model-unavailable', `another process is building ${copy.name}`);
    const heard = claim === undefined ? null : heardNow();
    const claimed = await db
      .updateTable(COPIES)
      .set({ event_id: claim?.eventId ?? null, stream: heard })
      .where(isCopy(copy))
      .where('position', 'is', null)
      .where('role', '!=', 'retired')
      .returning('name')
      .execute();
    if (claimed.length === 0) return false;
    for (const { name } of copy.tables) await db.deleteFrom(physicalTable(name, copy)).execute();
  }
  return true;
}

/** Whether copies still carry a claim. Nobody else takes them over until the end of the transaction. */
export async function holdsClaim(
  db: Kysely<Tables>,
  copies: readonly CopyId[],
  { eventId }: BuildClaim,
  isLed: boolean,
): Promise<boolean> {
  if (!isLed) return (await hear(db, copies, eventId, heardNow())) === copies.length;
  // Others who work under the same claim go on meanwhile.
  const held = db.selectFrom(COPIES).select('name').where(claimedBy(copies, eventId)).forShare();
  return (await held.execute()).length === copies.length;
}

/** Lets others take over at once what was not built to its end. */
export async function releaseClaim(db: Kysely<Tables>, copies: readonly CopyId[], claim: BuildClaim): Promise<void> {
  await hear(db, copies, claim.eventId, null);
}

async function hear(
  db: Kysely<Tables>,
  copies: readonly CopyId[],
  eventId: string,
  heard: string | null,
): Promise<number> {
  const update = db.updateTable(COPIES).set({ stream: heard }).where(claimedBy(copies, eventId)).returning('name');
  return (await update.execute()).length;
}

/** While a copy is claimed, the id of the claim stands in place of the event's, and in place of its stream when it was heard of. */
const claimedBy = (copies: readonly CopyId[], eventId: string) =>
  sql<boolean>`event_id = ${eventId} and position is null and role <> 'retired' and (${sql.join(copies.map(isCopy), sql` or `)})`;

export async function setFailure(
  db: Kysely<Tables>,
  copy: CopyId,
  failure: ProjectionFailure | undefined,
): Promise<void> {
  // A NUL in the words of an error must not keep the error from being stored.
  const text = failure === undefined ? null : JSON.stringify(failure);
  await db.updateTable(COPIES).set({ failure: text }).where(isCopy(copy)).execute();
}

export async function setRole(db: Kysely<Tables>, copy: CopyId, role: CopyRole): Promise<void> {
  await db.updateTable(COPIES).set({ role }).where(isCopy(copy)).execute();
}

/**
 * The statement that moves the checkpoints of some copies that stand together, each only if it is still where they began
 * and has not been retired. It gives a row for each one moved, with what `returning` says. Parameters: position, event id, stream and revision to
 * move to, then position and event id to move from.
 */
export function moveCheckpointsSql(
  db: Kysely<Tables>,
  copies: readonly CopyId[],
  returning: RawBuilder<unknown>,
): string {
  const parameter = sql`${null}`;
  const set = sql`update ${sql.table(COPIES)} set position = ${parameter}, event_id = ${parameter}, stream = ${parameter}, revision = ${parameter}`;
  const where = sql`where position is not distinct from ${parameter} and event_id is not distinct from ${parameter} and role <> 'retired'`;
  const named = sql.join(
    copies.map(
      ({ name, version, copy }) =>
        sql`(name = ${sql.lit(name)} and version = ${sql.lit(version)} and copy = ${sql.lit(copy)})`,
    ),
    sql` or `,
  );
  return sql`${set} ${where} and (${named}) returning ${returning}`.compile(db).sql;
}

export const moveCheckpointsParameters = (
  from: Checkpoint | BuildClaim | undefined,
  to: Checkpoint,
): readonly (string | bigint | null)[] => [
  to.position,
  to.eventId,
  to.stream,
  to.revision,
  from?.position ?? null,
  from?.eventId ?? null,
];

const isCopy = ({ name, version, copy }: CopyId) =>
  sql<boolean>`(name = ${name} and version = ${version} and copy = ${copy})`;
