/**
 * The read models against a second, deliberately naive evaluation of the rules (`test/naive`), on random histories: as they
 * were written, and recorded in another order with the same `time`s; for what was known at any revision, on any day.
 */
import fc from 'fast-check';
import { contractRow } from '../../projections/contract-status/contract-status.js';
import { contractView, summary } from '../../projections/contract-status/queries.js';
import { accountabilityView } from '../../projections/delay-accountability/queries.js';
import { discrepanciesView } from '../../projections/discrepancies/queries.js';
import { projections } from '../../projections/index.js';
import { obligationsView } from '../../projections/obligations/queries.js';
import { paymentsView } from '../../projections/payments/queries.js';
import { factTable } from '../../projections/portfolio-facts/portfolio-facts.js';
import { integer, text, type ContractRows } from '../../projections/projection.js';
import { qualityView } from '../../projections/quality/queries.js';
import { scheduleView } from '../../projections/schedule/queries.js';
import { scorecardsOf } from '../../projections/scorecards/queries.js';
import { cardRows, scorecardsTable } from '../../projections/scorecards/scorecards.js';
import { shipmentsView } from '../../projections/shipments/queries.js';
import type { ContractEvent } from '../../src/contract/event-type.js';
import type { ContractModel } from '../../src/contract/model.js';
import { foldFacts } from '../../src/subscriptions/portfolio.js';
import {
  naiveAccountability,
  naiveContract,
  naiveDiscrepancies,
  naiveObligations,
  naivePayments,
  naiveQuality,
  naiveSchedule,
  naiveScorecards,
  naiveShipments,
  type Question,
} from '../naive/naive.js';
import { eventsOf, shuffled, steps, type Step } from '../support/random-history.js';
import { CONTRACT, foldAll, MemoryRows, play } from '../support/scenario.js';

type Recorded = readonly ContractEvent<object>[];

function rowsAt(recorded: Recorded, { on, upToRevision }: Question): ContractRows {
  const known = upToRevision === undefined ? recorded : recorded.slice(0, upToRevision + 1);
  const model = foldAll(known, on);
  const rows = new MemoryRows();
  if (model.registration === undefined) return rows.rows;
  const touched = model.takeTouched();
  for (const projection of projections) projection.evolve(model, touched, rows);
  return rows.rows;
}

type View = (rows: ContractRows, day: string) => unknown;
type Naive = (events: Recorded, question: Question) => unknown;

/** Flags are no part of the naive evaluation. */
const withoutFlags: View = (rows, day) => {
  const view = contractView(rows, day);
  return view === undefined ? undefined : { ...view, flags: undefined };
};
const schedule: View = (rows, day) => {
  const view = scheduleView(rows, day);
  return contractView(rows, day) === undefined ? undefined : view;
};
const scorecards: View = (rows, day) => scorecardsOf(rows.get(scorecardsTable.name) ?? [], day);

const ANSWERS: readonly (readonly [string, View, Naive])[] = [
  ['contract', withoutFlags, naiveContract],
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
  const model = foldFacts({ contract: CONTRACT, revision, facts: facts.join(',') });
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

const plain = (value: unknown): unknown => (value === undefined ? undefined : JSON.parse(JSON.stringify(value)));

const day = fc
  .integer({ min: 0, max: 2_600 })
  .map((days) => new Date(Date.parse('2020-01-05T00:00:00Z') + days * 86_400_000).toISOString().slice(0, 10));

const question = fc.record({
  on: fc.option(day, { nil: undefined, freq: 2 }),
  day,
  known: fc.option(fc.nat({ max: 60 }), { nil: undefined, freq: 2 }),
});

const orders: fc.Arbitrary<(history: readonly Step[]) => ReturnType<typeof eventsOf>> = fc.oneof(
  fc.constant(eventsOf),
  fc.integer().map((seed) => (history: readonly Step[]) => shuffled(eventsOf(history), seed)),
);

function agree(answer: Naive, naive: Naive): void {
  fc.assert(
    fc.property(steps, orders, fc.array(question, { minLength: 1, maxLength: 3 }), (history, order, questions) => {
      const { recorded } = play(...order(history).map(({ sent }) => sent));
      for (const { on, known, ...asked } of questions) {
        const upToRevision = known === undefined ? undefined : Math.min(known, recorded.length - 1);
        const about: Question = {
          day: on ?? asked.day,
          ...(on === undefined ? {} : { on }),
          ...(upToRevision === undefined ? {} : { upToRevision }),
        };
        expect(plain(answer(recorded, about))).toEqual(plain(naive(recorded, about)));
      }
    }),
    { numRuns: 150 },
  );
}

test.each(ANSWERS)('%s', (_name, view, naive) => {
  agree((recorded, about) => view(rowsAt(recorded, about), about.day), naive);
});

test('an entry of the list as it was, from dated facts', () => {
  agree(entry, listed);
});

test('scorecards as they were, from dated facts', () => {
  agree(cards, (events, about) => naiveScorecards([events], about));
});
