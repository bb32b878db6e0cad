/** `/contracts/{id}/obligations`, and what the watch asks, from the rows of `obligations`. */
import type { ReportState } from '../../src/contract/obligations.js';
import {
  integer,
  json,
  ordered,
  rowsOf,
  text,
  textOrNull,
  type ContractRows,
  type Row,
  type Snapshot,
} from '../projection.js';
import {
  obligationsContractTable,
  obligationsDelayTable,
  obligationsReportTable,
  type ObligationsDelayRow,
} from './obligations.js';

/** The answer without `asOf`, `on` and `position`; `undefined` where there is no such contract. */
export function obligationsView(rows: ContractRows, day: string) {
  const contract = rowsOf(rows, obligationsContractTable)[0];
  if (contract === undefined) return undefined;
  const reportEveryDays = integer(contract, 'report_every_days');
  const reports = [...rowsOf(rows, obligationsReportTable)].sort(byLine);
  return {
    reports: reports.flatMap((row) =>
      json<readonly ReportState[]>(row, 'states').map((state) => ({
        line: textOrNull(row, 'line'),
        milestone: textOrNull(row, 'milestone'),
        party: state.party,
        owed: state.owed,
        reportEveryDays,
        owedSince: state.owedSince,
        lastReportOn: state.lastReportOn,
        nextDueOn: state.nextDueOn,
        overdue: state.overdue,
        overdueSince: state.overdueSince,
        missed: state.missed.map(({ dueOn, recordedtime, event }) => ({ dueOn, noticedAt: recordedtime, event })),
      })),
    ),
    delays: ordered(rowsOf(rows, obligationsDelayTable), 'seq').flatMap((row) => {
      const { steps, byBuyer } = json<ObligationsDelayRow>(row, 'facts');
      return steps.map(({ step, dueOn, done, escalations }) => ({
        delay: text(row, 'delay'),
        step,
        by: step === 'acknowledge' && !byBuyer ? [text(contract, 'buyer')] : sellers(contract),
        dueOn,
        done,
        overdue: !done && day > dueOn,
        escalations,
      }));
    }),
  };
}

function sellers(contract: Row): readonly string[] {
  const seller = text(contract, 'seller');
  const prime = textOrNull(contract, 'prime');
  return prime === null || prime === seller ? [seller] : [seller, prime];
}

/** Milestones without a line first, by id; then lines, by id. */
function byLine(a: Row, b: Row): number {
  const of = (row: Row) => `${textOrNull(row, 'line') === null ? '0' : '1'}${text(row, 'report')}`;
  return of(a) < of(b) ? -1 : 1;
}

/** A contract at which the watch has to look. */
export interface ToLookAt {
  readonly contract: string;
  readonly revision: number;
}

/**
 * Contracts that may have something to notice by a day (since 1970-01-01), and those in which something was corrected, after a
 * contract id, by id.
 */
export async function toLookAt(
  { db, table }: Snapshot,
  { day, after, limit }: { readonly day: number; readonly after: string; readonly limit: number },
): Promise<readonly ToLookAt[]> {
  const rows = (await db
    .selectFrom(table(obligationsContractTable))
    .select(['contract', 'revision'])
    .where('contract', '>', after)
    .where((eb) => eb.or([eb('look_on', '<=', day), eb('corrected', '=', 1)]))
    .orderBy('contract')
    .limit(limit)
    .execute()) as readonly Row[];
  return rows.map((row) => ({ contract: text(row, 'contract'), revision: integer(row, 'revision') }));
}

/** The first day after `day` (since 1970-01-01) on which there may be something to notice; `undefined` for none. */
export async function nextLook({ db, table }: Snapshot, day: number): Promise<number | undefined> {
  const row = await db
    .selectFrom(table(obligationsContractTable))
    .select('look_on')
    .where('look_on', '>', day)
    .orderBy('look_on')
    .limit(1)
    .executeTakeFirst();
  return row === undefined ? undefined : integer(row, 'look_on');
}
