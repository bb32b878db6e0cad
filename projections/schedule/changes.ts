/** `/portfolio/changes`: every date that was moved, of any contract, in the order in which the ledger heard of it. */
import { sql, type RawBuilder } from 'kysely';
import { daysBetween } from '../../src/contract/calendar.js';
import {
  groupRows,
  integer,
  json,
  text,
  textOrNull,
  type Row,
  type Snapshot,
  type TableDefinition,
} from '../projection.js';
import { walk } from './queries.js';
import { forecastTable, milestoneTable, redatingTable, scheduleContractTable } from './schedule.js';

export const CHANGE_KINDS = ['redating', 'forecast'] as const;
export type ChangeKind = (typeof CHANGE_KINDS)[number];

/** Where a change stands among all: the order of the list. */
export interface ChangePlace {
  readonly recordedtime: string;
  readonly contract: string;
  readonly revision: number;
  readonly milestone: string;
}

export interface ChangesPage {
  /** Only what was recorded at this instant or later. */
  readonly since?: string | undefined;
  readonly kind?: ChangeKind | undefined;
  readonly contract?: string | undefined;
  /** Who recorded it, or for whom it was recorded. */
  readonly by?: string | undefined;
  readonly programme?: string | undefined;
  readonly buyer?: string | undefined;
  readonly seller?: string | undefined;
  readonly limit: number;
  readonly after?: ChangePlace | undefined;
}

const PLACE = ['recordedtime', 'contract', 'revision', 'milestone'] as const;

/** One page; `next` is the place of its last change where there are more. */
export async function changesPage(snapshot: Snapshot, page: ChangesPage) {
  const found: { readonly kind: ChangeKind; readonly row: Row }[] = [];
  for (const kind of CHANGE_KINDS)
    if (page.kind === undefined || page.kind === kind)
      for (const row of await rowsOf(snapshot, kind === 'redating' ? redatingTable : forecastTable, page))
        found.push({ kind, row });
  found.sort((a, b) => comparePlaces(placeOf(a.row), placeOf(b.row)));
  const shown = found.slice(0, page.limit);
  const timelines = await timelinesOf(
    snapshot,
    shown.map(({ row }) => row),
  );
  const last = shown.at(-1);
  return {
    changes: shown.map(({ kind, row }) => changeView(kind, row, timelines.get(keyOf(row))!)),
    next: found.length > page.limit && last !== undefined ? placeOf(last.row) : null,
  };
}

/** The first so many changes of one kind after the place, and one more. */
async function rowsOf({ db, table }: Snapshot, of: TableDefinition, page: ChangesPage): Promise<readonly Row[]> {
  let query = db
    .selectFrom(`${table(of)} as move`)
    .innerJoin(`${table(scheduleContractTable)} as of`, 'of.contract', 'move.contract')
    // What is said of a milestone that nobody has agreed to moves no date.
    .innerJoin(`${table(milestoneTable)} as moved`, (join) =>
      join.onRef('moved.contract', '=', 'move.contract').onRef('moved.milestone', '=', 'move.milestone'),
    )
    .select(PLACE.map((column) => `move.${column}` as const))
    .select('of.programme');
  const { since, contract, by, programme, buyer, seller, after } = page;
  if (since !== undefined) query = query.where('move.recordedtime', '>=', since);
  if (contract !== undefined) query = query.where('move.contract', '=', contract);
  if (by !== undefined) query = query.where((eb) => eb.or([eb('move.by', '=', by), eb('move.on_behalf_of', '=', by)]));
  if (programme !== undefined) query = query.where('of.programme', '=', programme);
  if (buyer !== undefined) query = query.where('of.buyer', '=', buyer);
  if (seller !== undefined) query = query.where('of.seller', '=', seller);
  if (after !== undefined) query = query.where(beyond(after));
  for (const column of PLACE) query = query.orderBy(`move.${column}`);
  return query.limit(page.limit + 1).execute();
}

/** Row values compare column by column, on both databases. */
const beyond = ({ recordedtime, contract, revision, milestone }: ChangePlace): RawBuilder<boolean> =>
  sql<boolean>`(move.recordedtime, move.contract, move.revision, move.milestone) > (${recordedtime}, ${contract}, ${revision}, ${milestone})`;

const placeOf = (row: Row): ChangePlace => ({
  recordedtime: text(row, 'recordedtime'),
  contract: text(row, 'contract'),
  revision: integer(row, 'revision'),
  milestone: text(row, 'milestone'),
});

function comparePlaces(a: ChangePlace, b: ChangePlace): number {
  for (const column of PLACE) if (a[column] !== b[column]) return a[column] < b[column] ? -1 : 1;
  return 0;
}

interface Timeline {
  readonly baseline: string;
  /** By `kind revision`. */
  readonly moves: ReadonlyMap<string, { readonly row: Row; readonly from: string }>;
}

const keyOf = (row: Row): string => `${text(row, 'contract')}\n${text(row, 'milestone')}`;

/** What moved each milestone of some rows: what a date was moved from depends on all that is known of it. */
async function timelinesOf(snapshot: Snapshot, shown: readonly Row[]): Promise<ReadonlyMap<string, Timeline>> {
  const wanted = [...new Map(shown.map((row) => [keyOf(row), row])).values()];
  const timelines = new Map<string, Timeline>();
  for (let from = 0; from < wanted.length; from += MILESTONES_AT_ONCE) {
    const some = wanted.slice(from, from + MILESTONES_AT_ONCE);
    const milestones = await rowsOfMilestones(snapshot, milestoneTable, some);
    const redatings = groupRows(await rowsOfMilestones(snapshot, redatingTable, some), keyOf);
    const forecasts = groupRows(await rowsOfMilestones(snapshot, forecastTable, some), keyOf);
    for (const row of milestones) {
      const key = keyOf(row);
      const baseline = text(row, 'baseline');
      const moves = [...walk(baseline, redatings.get(key) ?? [], forecasts.get(key) ?? [])];
      timelines.set(key, {
        baseline,
        moves: new Map(
          moves.map(({ row: move, kind, from: before }) => [moveKey(kind, move), { row: move, from: before }]),
        ),
      });
    }
  }
  return timelines;
}

/** Fewer than either database takes parameters in one statement. */
const MILESTONES_AT_ONCE = 250;
const moveKey = (kind: string, row: Row): string => `${kind} ${integer(row, 'revision')}`;

async function rowsOfMilestones(
  { db, table }: Snapshot,
  of: TableDefinition,
  milestones: readonly Row[],
): Promise<readonly Row[]> {
  const pairs = milestones.map((row) => sql`(${text(row, 'contract')}, ${text(row, 'milestone')})`);
  return db
    .selectFrom(table(of))
    .selectAll()
    .where(sql<boolean>`(contract, milestone) in (values ${sql.join(pairs)})`)
    .execute();
}

function changeView(kind: ChangeKind, place: Row, { baseline, moves }: Timeline) {
  const { row, from } = moves.get(moveKey(kind, place))!;
  const to = text(row, 'to');
  const redating = kind === 'redating';
  const agreedAt = redating ? textOrNull(row, 'agreed_at') : null;
  return {
    contract: text(row, 'contract'),
    programme: text(place, 'programme'),
    milestone: text(row, 'milestone'),
    kind,
    by: text(row, 'by'),
    onBehalfOf: textOrNull(row, 'on_behalf_of'),
    time: text(row, 'time'),
    recordedtime: text(row, 'recordedtime'),
    baseline,
    from,
    to,
    days: daysBetween(from, to),
    daysFromBaseline: daysBetween(baseline, to),
    basis: !redating ? 'stated' : agreedAt === null ? 'imposed' : 'agreed',
    agreedAt,
    refusedAt: redating ? textOrNull(row, 'refused_at') : null,
    consulted: redating ? json<string[]>(row, 'consulted') : null,
    rationale: redating ? text(row, 'rationale') : null,
    amendment: redating ? text(row, 'amendment') : null,
    delay: redating ? null : textOrNull(row, 'delay'),
    event: { id: text(row, 'event_id'), source: text(row, 'event_source') },
  };
}

/** The columns of the list as CSV. */
export const CHANGE_COLUMNS = [
  'contract',
  'programme',
  'milestone',
  'kind',
  'by',
  'onBehalfOf',
  'time',
  'recordedtime',
  'baseline',
  'from',
  'to',
  'days',
  'daysFromBaseline',
  'basis',
  'agreedAt',
  'refusedAt',
  'consulted',
  'rationale',
  'amendment',
  'delay',
  'event.id',
  'event.source',
] as const;
