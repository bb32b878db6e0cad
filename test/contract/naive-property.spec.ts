/**
 * The read models against a second, deliberately naive evaluation of the rules (`test/naive`), on random histories: as they
 * were written, and recorded in another order with the same `time`s; for what was known at any revision, on any day.
 */
import fc from 'fast-check';
import { historyView } from '../../projections/audit-trail/queries.js';
import { contractRow } from '../../projections/contract-status/contract-status.js';
import { contractView, summary } from '../../projections/contract-status/queries.js';
import { accountabilityView } from '../../projections/delay-accountability/queries.js';
import { discrepanciesView } from '../../projections/discrepancies/queries.js';
import { obligationsView } from '../../projections/obligations/queries.js';
import { paymentsView } from '../../projections/payments/queries.js';
import { factTable } from '../../projections/portfolio-facts/portfolio-facts.js';
import { integer, text, type ContractRows } from '../../projections/projection.js';
import { qualityView } from '../../projections/quality/queries.js';
import { scheduleView } from '../../projections/schedule/queries.js';
import { scorecardsOf } from '../../projections/scorecards/queries.js';
import { cardRows, scorecardsTable } from '../../projections/scorecards/scorecards.js';
import { shipmentsView } from '../../projections/shipments/queries.js';
import type { ContractModel } from '../../src/contract/model.js';
import { foldFacts } from '../../src/subscriptions/portfolio.js';
import {
  naiveAccountability,
  naiveContract,
  FLAGS,
  naiveDiscrepancies,
  naiveFlags,
  naiveHistory,
  naiveObligations,
  naivePayments,
  naiveQuality,
  naiveSchedule,
  naiveScorecards,
  naiveShipments,
  type Question,
} from '../naive/naive.js';
import { steps, stepsAmong, type Kind } from '../support/random-history.js';
import { CONTRACT, play } from '../support/scenario.js';
import { orders, plain, question, questionOf, rowsAt, type Recorded } from './naive-support.js';

type View = (rows: ContractRows, day: string) => unknown;
type Naive = (events: Recorded, question: Question) => unknown;

/** Flags are compared by themselves: `detail` is for people to read. */
const withoutFlags: View = (rows, day) => {
  const view = contractView(rows, day);
  return view === undefined ? undefined : { ...view, flags: undefined };
};
/** What may bring each flag about, and take it away. */
const BEHIND: Readonly<Record<string, readonly Kind[]>> = {
  'after-closing': ['close', 'forecast', 'move', 'reached', 'overdue', 'correct'],
  'basis-withdrawn': [
    ...([
      'check',
      'nonconform',
      'disposition',
      'dispatch',
      'move',
      'receive',
      'accept',
      'delay',
      'acknowledge',
    ] as const),
    ...(['mitigate', 'determine', 'decide', 'dispute', 'raise', 'answer', 'bill', 'match', 'correct'] as const),
  ],
  'one-sided': ['close', 'settle'],
  'repeated-answer': [
    ...(['confirm', 'close', 'amend', 'agree', 'refuse', 'delay', 'acknowledge', 'raise', 'closeReport'] as const),
    ...(['dispute', 'withdraw', 'decide', 'settle', 'correct'] as const),
  ],
  'quantity-exceeds-line': [
    ...([
      'make',
      'check',
      'nonconform',
      'dispatch',
      'receive',
      'accept',
      'reject',
      'amend',
      'agree',
      'correct',
    ] as const),
  ],
  'percent-decreased': ['make', 'correct'],
  'other-currency': ['pay', 'bill', 'amend', 'agree', 'correct'],
};

interface Flag {
  readonly code: string;
  readonly event: { readonly id: string; readonly source: string };
}
/** The events on which one code stands, sorted, so that a flag given twice is seen. */
const flagged = (code: string, flags: readonly Flag[] | undefined): unknown =>
  flags
    ?.filter((flag) => flag.code === code)
    .map(({ event }) => `${event.source} ${event.id}`)
    .sort();

type Order = 'recorded' | 'time';
const historyOf = (rows: ContractRows, order: Order) => historyView(rows, { order, limit: Number.MAX_SAFE_INTEGER });
/** Flags are compared by themselves; the test's events stand in the store by their revisions. */
const history =
  (order: Order): View =>
  (rows) => {
    const found = historyOf(rows, order);
    return found && { ...found, events: found.events.map((event) => ({ ...event, flags: undefined })) };
  };
const naiveHistoryIn =
  (order: Order): Naive =>
  (events, question) => {
    const found = naiveHistory(events, question, order);
    const placed = ({ revision }: { readonly revision: string }): string => String(Number(revision) + 1);
    return (
      found && {
        ...found,
        events: found.events.map((event) => ({ ...event, position: placed(event), flags: undefined })),
      }
    );
  };
const flagsInHistory: View = (rows) =>
  historyOf(rows, 'recorded')?.events.map(({ revision, flags }) => [revision, flags.toSorted()]);

const schedule: View = (rows, day) => {
  const view = scheduleView(rows, day);
  return contractView(rows, day) === undefined ? undefined : view;
};
const scorecards: View = (rows, day) => scorecardsOf(rows.get(scorecardsTable.name) ?? [], day);

const ANSWERS: readonly (readonly [string, View, Naive])[] = [
  ['contract', withoutFlags, naiveContract],
  ['history', history('recorded'), naiveHistoryIn('recorded')],
  ['history by time', history('time'), naiveHistoryIn('time')],
  [
    'flags in the history',
    flagsInHistory,
    (events, question) => naiveHistory(events, question)?.events.map(({ revision, flags }) => [revision, flags]),
  ],
  ['schedule', schedule, naiveSchedule],
  ['accountability', accountabilityView, naiveAccountability],
  [
    'quality',
    qualityView,
    (events, question) => {
      const found = naiveQuality(events, question);
      return found === undefined ? undefined : { ...found, ...naiveDiscrepancies(events, question) };
    },
  ],
  ['shipments', shipmentsView, naiveShipments],
  ['discrepancies', discrepanciesView, naiveDiscrepancies],
  ['payments', paymentsView, naivePayments],
  ['obligations', obligationsView, naiveObligations],
  ['scorecards', scorecards, (events, question) => naiveScorecards([events], question)],
];

/** What is known of one contract, folded from its dated facts; `undefined` where it was not there yet. */
function factsThen(recorded: Recorded, about: Question): ContractModel | undefined {
  const rows = rowsAt(recorded, { day: about.day }).get(factTable.name) ?? [];
  const last = about.upToRevision ?? recorded.length - 1;
  const selected = rows.filter(
    (row) =>
      integer(row, 'revision') <= last &&
      (about.on === undefined || integer(row, 'correction') === 1 || text(row, 'day') <= about.on),
  );
  const facts = selected.flatMap((row) => row['fact'] ?? []).reverse();
  const revision = Math.max(...selected.map((row) => integer(row, 'revision')));
  const model = foldFacts({ contract: CONTRACT, revision, facts: facts.join(',') }, about.on);
  return model.registration === undefined ? undefined : model;
}

const entry = (recorded: Recorded, about: Question): unknown => {
  const model = factsThen(recorded, about);
  return model === undefined ? undefined : summary(contractRow(model), about.day);
};
const cards = (recorded: Recorded, about: Question): unknown => {
  const model = factsThen(recorded, about);
  return scorecardsOf(model === undefined ? [] : cardRows(model), about.day);
};

const listed = (events: Recorded, about: Question): unknown => {
  const contract = naiveContract(events, about) as Record<string, unknown> | undefined;
  if (contract === undefined) return undefined;
  const { registration: _, terms: __, parties: ___, lines: ____, ...entry } = contract;
  return entry;
};

function agree(answer: Naive, naive: Naive, histories = steps): void {
  fc.assert(
    fc.property(histories, orders, fc.array(question, { minLength: 1, maxLength: 3 }), (history, order, questions) => {
      const { recorded } = play(...order(history).map(({ sent }) => sent));
      for (const asked of questions) {
        const about = questionOf(asked, recorded);
        expect(plain(answer(recorded, about))).toEqual(plain(naive(recorded, about)));
      }
    }),
    { numRuns: 150 },
  );
}

test.each(ANSWERS)('%s', (_name, view, naive) => {
  agree((recorded, about) => view(rowsAt(recorded, about), about.day), naive);
});

describe.each(FLAGS)('flags: %s', (code) => {
  const answer: Naive = (recorded, about) => flagged(code, contractView(rowsAt(recorded, about), about.day)?.flags);
  const naive: Naive = (recorded, about) => flagged(code, naiveFlags(recorded, about));
  test('in histories of all kinds', () => agree(answer, naive));
  const behind = BEHIND[code];
  if (behind !== undefined) test('in histories of what bears on it', () => agree(answer, naive, stepsAmong(behind)));
});

test('an entry of the list as it was, from dated facts', () => {
  agree(entry, listed);
});

test('scorecards as they were, from dated facts', () => {
  agree(cards, (events, about) => naiveScorecards([events], about));
});
