/**
 * The sums over a portfolio against their naive evaluation (`test/naive`): of one to four contracts with histories of their
 * own, between parties that some of them share, in several currencies; some not registered yet on the day asked about.
 */
import fc from 'fast-check';
import { contractTable } from '../../projections/contract-status/contract-status.js';
import { exposureOfRows, GROUPINGS, type Grouping } from '../../projections/contract-status/exposure.js';
import type { Row } from '../../projections/projection.js';
import { changesOf, shownChanges, type ChangePlace } from '../../projections/schedule/changes.js';
import { scorecardsOf } from '../../projections/scorecards/queries.js';
import { scorecardsTable } from '../../projections/scorecards/scorecards.js';
import { naiveChanges, naiveExposure, naiveScorecards, type Question } from '../naive/naive.js';
import { retold, steps, type Apart, type Step } from '../support/random-history.js';
import { foldAll, play } from '../support/scenario.js';
import { day, orders, plain, rowsAt, type Recorded } from './naive-support.js';

/** Paid, and all of both lines accepted: without it hardly a random contract is ever delivered and not settled. */
const fulfilled = fc
  .array(fc.record({ gap: fc.nat({ max: 900 }), third: fc.nat({ max: 999 }) }), { maxLength: 1 })
  .map((times) =>
    times.flatMap(({ gap, third }): Step[] => {
      const at = { gap, late: 0, pick: 3 };
      const four = 3;
      return [
        { ...at, kind: 'pay', other: 1, third },
        { ...at, kind: 'accept', other: 0, third: four },
        { ...at, kind: 'accept', other: 1, third: four },
      ];
    }),
  );

const contract = fc.record({
  history: fc.tuple(fulfilled, steps).map((parts) => parts.flat()),
  order: orders,
  /** What was known of it; each contract's stream has its own revisions. */
  known: fc.option(fc.nat({ max: 60 }), { nil: undefined, freq: 2 }),
  apart: fc.record<Omit<Apart, 'contract'>>({
    programme: fc.constantFrom('radars', 'aircraft'),
    buyer: fc.constantFrom('jp-mod', 'au-mod'),
    seller: fc.constantFrom('us-gov', 'uk-gov'),
    currency: fc.constantFrom('USD', 'USD', 'EUR', 'JPY'),
    times: fc.constantFrom(1, 3, 70),
  }),
});
const portfolio = fc.array(contract, { minLength: 1, maxLength: 4 }).map((contracts) =>
  contracts.map(({ history, order, known, apart }, index): Recorded => {
    const { recorded } = play(...retold(order(history), { ...apart, contract: `C-${index}` }).map(({ sent }) => sent));
    return known === undefined ? recorded : recorded.slice(0, known + 1);
  }),
);

/** The day by which the contracts are asked about, and whether what happened after it is left out. */
const question = fc
  .record({ day, past: fc.boolean() })
  .map(({ day, past }): Question => (past ? { day, on: day } : { day }));

const rowsOf = (contracts: readonly Recorded[], about: Question, table: string): Row[] =>
  contracts.flatMap((recorded) => rowsAt(recorded, about).get(table) ?? []);

function agree(
  answer: (contracts: readonly Recorded[], about: Question) => unknown,
  naive: (contracts: readonly Recorded[], about: Question) => unknown,
): void {
  fc.assert(
    fc.property(portfolio, fc.array(question, { minLength: 1, maxLength: 3 }), (contracts, questions) => {
      for (const about of questions) expect(plain(answer(contracts, about))).toEqual(plain(naive(contracts, about)));
    }),
    { numRuns: 150 },
  );
}

test.each<[string, { groupBy?: Grouping }]>([
  ['all', {}],
  ...GROUPINGS.map((groupBy): [string, { groupBy: Grouping }] => [groupBy, { groupBy }]),
])('exposure by %s', (_name, grouping) => {
  agree(
    (contracts, about) => exposureOfRows(rowsOf(contracts, about, contractTable.name), { day: about.day, ...grouping }),
    (contracts, about) => naiveExposure(contracts, about, grouping.groupBy),
  );
});

test('scorecards', () => {
  agree((contracts, about) => scorecardsOf(rowsOf(contracts, about, scorecardsTable.name), about.day), naiveScorecards);
});

/** All pages one after the other, as a caller gets them. */
function changesOfAll(contracts: readonly Recorded[], { on, upToRevision }: Question): unknown {
  const models = contracts.map((recorded) => foldAll(recorded.slice(0, (upToRevision ?? Infinity) + 1), on));
  const pages: object[] = [];
  for (let after: ChangePlace | undefined; ;) {
    const page = { limit: 3, after };
    const found = models.flatMap((model) => (model.registration === undefined ? [] : [...changesOf(model, page)]));
    const { changes, next } = shownChanges(found, page);
    pages.push(...changes);
    if (next === null) return { changes: pages, next };
    after = next;
  }
}

test('changes', () => {
  agree(changesOfAll, naiveChanges);
});
