/** `/portfolio/scorecards`, from the rows of `scorecards`. */
import { daysBetween } from '../../src/contract/calendar.js';
import { ratio } from '../../src/contract/money.js';
import { groupRows, json, text, type Row, type Snapshot } from '../projection.js';
import { scorecardsTable, type ScorecardRow } from './scorecards.js';

export interface ScorecardFilters {
  readonly party?: string | undefined;
  readonly programme?: string | undefined;
  readonly buyer?: string | undefined;
  readonly seller?: string | undefined;
}

export interface ScorecardPage extends ScorecardFilters {
  readonly day: string;
  readonly limit: number;
  /** The last party of the page before. */
  readonly after?: string | undefined;
}

const FILTERS = ['party', 'programme', 'buyer', 'seller'] as const;

export type Scorecards = ReturnType<typeof pageOfRows>;

/** One page of parties; a party more than `limit` says that there is a next one. */
export async function scorecardPage({ db, table }: Snapshot, page: ScorecardPage): Promise<Scorecards> {
  let names = db.selectFrom(table(scorecardsTable)).select('party').distinct();
  let query = db.selectFrom(table(scorecardsTable)).select(['contract', 'party', 'facts']);
  for (const name of FILTERS) {
    const value = page[name];
    if (value === undefined) continue;
    names = names.where(name, '=', value);
    query = query.where(name, '=', value);
  }
  if (page.after !== undefined) names = names.where('party', '>', page.after);
  const parties = (
    await names
      .orderBy('party')
      .limit(page.limit + 1)
      .execute()
  ).map((row) => text(row as Row, 'party'));
  const shown = parties.slice(0, page.limit);
  const last = shown.at(-1);
  if (last === undefined) return { parties: [], next: null };
  const rows = (await query.where('party', '>=', shown[0]!).where('party', '<=', last).execute()) as readonly Row[];
  return { parties: scorecardsOf(rows, page.day), next: parties.length > page.limit ? last : null };
}

/** Whether a row is among those asked for: the same as the database is asked, of rows in memory. */
export const isAsked = (row: Row, filters: ScorecardFilters): boolean =>
  FILTERS.every((name) => filters[name] === undefined || row[name] === filters[name]);

/** The same page of rows in memory. */
export function pageOfRows(rows: readonly Row[], page: ScorecardPage) {
  const asked = rows.filter(
    (row) => isAsked(row, page) && (page.after === undefined || text(row, 'party') > page.after),
  );
  const parties = scorecardsOf(asked, page.day);
  const shown = parties.slice(0, page.limit);
  return { parties: shown, next: parties.length > page.limit ? (shown.at(-1)?.party ?? null) : null };
}

/** Scorecards from rows of any number of contracts, sorted by party. */
export function scorecardsOf(rows: readonly Row[], day: string) {
  const byParty = [...groupRows(rows, (row) => text(row, 'party'))].sort(([a], [b]) => (a < b ? -1 : 1));
  return byParty.map(([party, of]) => {
    const cards = of.map((row) => json<ScorecardRow>(row, 'facts'));
    return scorecard(party, cards, day);
  });
}

type Counted = { [K in keyof ScorecardRow]: ScorecardRow[K] extends number ? K : never }[keyof ScorecardRow];

function scorecard(party: string, cards: readonly ScorecardRow[], day: string) {
  const sum = (name: Counted): number => cards.reduce((total, card) => total + card[name], 0);
  const count = (of: (card: ScorecardRow) => readonly string[], those: (date: string) => boolean): number =>
    cards.reduce((total, card) => total + of(card).filter(those).length, 0);
  const overdue = count(
    ({ dueOn }) => dueOn,
    (agreed) => agreed < day,
  );
  const [reached, onTime] = [sum('reached'), sum('onTime')];
  const [delays, lagDays] = [sum('delays'), sum('lagDays')];
  const [first, passed] = [sum('firstChecks'), sum('firstPassed')];
  const [answered, answerDays] = [sum('answered'), sum('answerDays')];
  const openSince = cards.flatMap((card) => card.openSince);
  return {
    party,
    contracts: cards.length,
    deliveries: { reached, onTime, overdue, onTimeRate: ratio(onTime, reached + overdue, 4) },
    notices: { delays, late: sum('lateNotices'), lagDays, averageLagDays: ratio(lagDays, delays, 1) },
    checks: { first, passed, firstPassYield: ratio(passed, first, 4) },
    discrepancies: {
      raised: sum('raised'),
      raisedLate: sum('raisedLate'),
      answered,
      answerDays,
      averageAnswerDays: ratio(answerDays, answered, 1),
      open: openSince.length,
      openDays: openSince.reduce((total, since) => total + daysBetween(since, day), 0),
    },
    reports: { missed: sum('missedReports'), overdue: sum('overdueReports') },
  };
}
