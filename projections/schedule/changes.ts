/** `/portfolio/changes`: every date that was moved, of any contract, in the order in which the ledger heard of it. */
import { sql, type RawBuilder } from 'kysely';
import { daysBetween } from '../../src/contract/calendar.js';
import type { ContractModel } from '../../src/contract/model.js';
import { movesOf } from '../../src/contract/schedule-arithmetic.js';
import { inForce } from '../../src/contract/terms-in-force.js';
import {
  integer,
  json,
  nameOrNull,
  text,
  textOrNull,
  type Row,
  type Snapshot,
  type TableDefinition,
} from '../projection.js';
import {
  correctionRow,
  correctionTable,
  forecastTable,
  milestoneTable,
  moveRow,
  redatingTable,
  scheduleContractTable,
} from './schedule.js';

export const CHANGE_KINDS = ['redating', 'forecast', 'correction'] as const;
export type ChangeKind = (typeof CHANGE_KINDS)[number];

/** Where a change stands among all: the order of the list. */
export interface ChangePlace {
  readonly recordedtime: string;
  readonly contract: string;
  readonly revision: number;
  readonly milestone: string;
}

export interface ChangesPage {
  /** Only what was recorded, or agreed, at this instant or later. */
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

/** A row of a re-dating, of a forecast or of a corrected date, with `programme` and the milestone's `baseline` beside it. */
export interface Change {
  readonly kind: ChangeKind;
  readonly row: Row;
}

/** One page; `next` is the place of its last change where there are more. */
export async function changesPage(snapshot: Snapshot, page: ChangesPage) {
  const found: Change[] = [];
  const add = async (kind: ChangeKind, when: 'recorded' | 'agreed'): Promise<void> => {
    if (page.kind !== undefined && page.kind !== kind) return;
    for (const row of await rowsOf(snapshot, kind, page, when)) found.push({ kind, row });
  };
  for (const kind of CHANGE_KINDS) await add(kind, 'recorded');
  if (page.since !== undefined) await add('redating', 'agreed');
  return shownChanges(found, page);
}

/** A page of what may be in it. */
export function shownChanges(found: readonly Change[], { limit }: ChangesPage) {
  const inOrder = firstOf(found, limit + 1);
  const shown = inOrder.slice(0, limit);
  const last = shown.at(-1);
  return {
    changes: shown.map(changeView),
    next: inOrder.length > limit && last !== undefined ? placeOf(last.row) : null,
  };
}

/** The first so many, in order. */
export const firstOf = (found: readonly Change[], count: number): readonly Change[] =>
  found.toSorted((a, b) => comparePlaces(placeOf(a.row), placeOf(b.row))).slice(0, count);

/** What moved dates of a contract, of those that the page asks for. */
export function* changesOf(facts: ContractModel, page: ChangesPage): Generator<Change> {
  const programme = facts.registration?.programme ?? '';
  if (page.contract !== undefined && page.contract !== facts.contract) return;
  if (page.programme !== undefined && page.programme !== programme) return;
  if (page.buyer !== undefined && page.buyer !== facts.holder('buyer')) return;
  if (page.seller !== undefined && page.seller !== facts.holder('seller')) return;
  for (const { kind, row } of allOf(facts)) {
    if (page.kind !== undefined && page.kind !== kind) continue;
    if (page.since !== undefined && text(row, 'recordedtime') < page.since && !isAgreedSince(row, page.since)) continue;
    if (page.by !== undefined && row['by'] !== page.by && row['on_behalf_of'] !== page.by) continue;
    if (page.after !== undefined && comparePlaces(placeOf(row), page.after) <= 0) continue;
    yield { kind, row: { ...row, programme } };
  }
}

const isAgreedSince = (row: Row, since: string): boolean => (textOrNull(row, 'agreed_at') ?? '') >= since;

/** All that moved a date of a milestone that is in force or cancelled. */
function* allOf(facts: ContractModel): Generator<Change> {
  const { contract } = facts;
  const { milestones } = inForce(facts);
  for (const { milestone, baseline } of milestones.values())
    for (const move of movesOf(facts, milestone))
      if (move.moves) yield { kind: move.entry.kind, row: { ...moveRow(contract, milestone, move), baseline } };
  for (const corrected of facts.correctedDates) {
    const milestone = milestones.get(corrected.milestone);
    if (milestone === undefined) continue;
    yield { kind: 'correction', row: { ...correctionRow(contract, corrected), baseline: milestone.baseline } };
  }
}

const TABLES = { redating: redatingTable, forecast: forecastTable, correction: correctionTable } as const;

/**
 * The first so many changes of one kind after the place, and one more: of those recorded since the time asked about, or of those
 * recorded before it and agreed since. Each has an index to go by.
 */
async function rowsOf(
  { db, table }: Snapshot,
  kind: ChangeKind,
  page: ChangesPage,
  when: 'recorded' | 'agreed',
): Promise<readonly Row[]> {
  const of: TableDefinition = TABLES[kind];
  let query = db
    .selectFrom(`${table(of)} as move`)
    .innerJoin(`${table(scheduleContractTable)} as of`, 'of.contract', 'move.contract')
    .innerJoin(`${table(milestoneTable)} as moved`, (join) =>
      join.onRef('moved.contract', '=', 'move.contract').onRef('moved.milestone', '=', 'move.milestone'),
    )
    .selectAll('move')
    .select(['of.programme', 'moved.baseline']);
  if (kind !== 'correction') query = query.where('move.moves', '=', 1);
  const { since, contract, by, programme, buyer, seller, after } = page;
  if (since !== undefined)
    query =
      when === 'recorded'
        ? query.where('move.recordedtime', '>=', since)
        : query.where('move.agreed_at', '>=', since).where('move.recordedtime', '<', since);
  if (contract !== undefined) query = query.where('move.contract', '=', contract);
  if (by !== undefined)
    query = query.where((eb) =>
      eb.or([eb('move.by', '=', by), ...(kind === 'correction' ? [] : [eb('move.on_behalf_of', '=', by)])]),
    );
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

function changeView({ kind, row }: Change) {
  const [baseline, from, to] = [text(row, 'baseline'), textOrNull(row, 'from'), textOrNull(row, 'to')];
  const redating = kind === 'redating';
  const agreedAt = redating ? textOrNull(row, 'agreed_at') : null;
  return {
    contract: text(row, 'contract'),
    programme: text(row, 'programme'),
    milestone: text(row, 'milestone'),
    kind,
    by: text(row, 'by'),
    onBehalfOf: textOrNull(row, 'on_behalf_of'),
    time: text(row, 'time'),
    recordedtime: text(row, 'recordedtime'),
    baseline,
    from,
    to,
    days: from === null || to === null ? null : daysBetween(from, to),
    daysFromBaseline: to === null ? null : daysBetween(baseline, to),
    basis: kind === 'correction' ? 'corrected' : !redating ? 'stated' : agreedAt === null ? 'imposed' : 'agreed',
    agreedAt,
    refusedAt: redating ? textOrNull(row, 'refused_at') : null,
    consulted: redating ? json<string[]>(row, 'consulted') : null,
    rationale: redating ? text(row, 'rationale') : null,
    amendment: redating ? text(row, 'amendment') : null,
    delay: textOrNull(row, 'delay'),
    event: { id: text(row, 'event_id'), source: text(row, 'event_source') },
    corrects: nameOrNull(row, 'corrects'),
    correctedBy: nameOrNull(row, 'corrected_by'),
    correctedAt: textOrNull(row, 'corrected_at'),
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
  'corrects.id',
  'corrects.source',
  'correctedBy.id',
  'correctedBy.source',
  'correctedAt',
] as const;
