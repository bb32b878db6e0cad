/**
 * `/portfolio/changes` as a database answers it, page by page, and as it is folded from dated facts, against what moved dates in the
 * facts of each contract.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { factTable, portfolioFacts } from '../../projections/portfolio-facts/portfolio-facts.js';
import type { Row, Snapshot } from '../../projections/projection.js';
import {
  CHANGE_KINDS,
  changesOf,
  changesPage,
  shownChanges,
  type ChangePlace,
  type ChangesPage,
} from '../../projections/schedule/changes.js';
import { schedule } from '../../projections/schedule/schedule.js';
import type { ContractModel } from '../../src/contract/model.js';
import { physicalTable } from '../../src/subscriptions/checkpoint.js';
import { createCopiesTable, createCopy } from '../../src/subscriptions/copies.js';
import { foldFacts } from '../../src/subscriptions/portfolio.js';
import { openReadModelWriter } from '../../src/subscriptions/read-model-writer.js';
import { RowBuffer } from '../../src/subscriptions/row-buffer.js';
import { startPostgres } from '../support/postgres.js';
import { retold, stepsAmong } from '../support/random-history.js';
import { foldAll, MemoryRows, play } from '../support/scenario.js';
import { day, orders } from './naive-support.js';

const history = stepsAmong(['forecast', 'amend', 'agree', 'refuse', 'delay', 'correct']);
const portfolio = fc
  .array(fc.record({ history, order: orders, programme: fc.constantFrom('radars', 'aircraft') }), {
    minLength: 1,
    maxLength: 3,
  })
  .map((contracts) =>
    contracts.map(({ history, order, programme }, index) => {
      const apart = { contract: `C-${index}`, programme, buyer: 'jp-mod', seller: 'us-gov', currency: 'USD', times: 1 };
      return foldAll(
        play(...retold(order(history), apart as Parameters<typeof retold>[1]).map(({ sent }) => sent)).recorded,
      );
    }),
  );

const asked: fc.Arbitrary<ChangesPage> = fc.record({
  since: fc.option(
    day.map((text) => `${text}T00:00:00.000Z`),
    { nil: undefined },
  ),
  kind: fc.constantFrom(undefined, ...CHANGE_KINDS),
  by: fc.constantFrom(undefined, undefined, 'us-gov', 'prime-a'),
  programme: fc.constantFrom(undefined, undefined, 'radars'),
  limit: fc.integer({ min: 1, max: 4 }),
});

/** All pages one after the other, as a caller gets them. */
async function walk(
  page: ChangesPage,
  ask: (page: ChangesPage) => Promise<ReturnType<typeof shownChanges>> | ReturnType<typeof shownChanges>,
): Promise<readonly object[]> {
  const all: object[] = [];
  for (let after: ChangePlace | undefined; ;) {
    const { changes, next } = await ask({ ...page, after });
    all.push(...changes);
    if (next === null) return all;
    after = next;
  }
}

const ofModels = (models: readonly ContractModel[]) => (page: ChangesPage) =>
  shownChanges(
    models.flatMap((model) => [...changesOf(model, page)]),
    page,
  );

function describeChanges(name: string, url: () => Promise<string>): void {
  test(`${name} gives what moved a date, page by page`, async () => {
    const writer = await openReadModelWriter(await url(), false);
    const id = { name: schedule.name, version: schedule.version, copy: '' } as const;
    const table: Snapshot['table'] = (definition) => physicalTable(definition.name, id);
    try {
      await writer.transaction(async ({ db }) => {
        await createCopiesTable(db, writer.types);
        await createCopy(db, writer.types, schedule, id, 'serving');
      });
      await fc.assert(
        fc.asyncProperty(portfolio, fc.array(asked, { minLength: 1, maxLength: 4 }), async (models, questions) => {
          await writer.transaction(async (transaction) => {
            const rows = new RowBuffer();
            for (const model of models) schedule.evolve(model, model.takeTouched(), rows);
            for (const definition of schedule.tables) {
              await transaction.db.deleteFrom(table(definition)).execute();
              const changes = rows.changes(definition);
              if (changes !== undefined) await transaction.write(id, definition, changes);
            }
            for (const page of questions)
              expect(
                await walk(page, (each) => changesPage({ db: transaction.db, table, position: 0n }, each)),
              ).toEqual(await walk(page, ofModels(models)));
          });
        }),
        { numRuns: 60 },
      );
    } finally {
      await writer.close();
    }
  }, 120_000);
}

test('folded from dated facts they are the same', async () => {
  await fc.assert(
    fc.asyncProperty(portfolio, asked, async (models, page) => {
      const folded = models.map((model) => {
        const rows = new MemoryRows();
        portfolioFacts.evolve(model, model.takeTouched(), rows);
        const facts = ((rows.rows.get(factTable.name) ?? []) as readonly Row[])
          .filter(({ fact }) => fact !== null)
          .map(({ fact }) => String(fact));
        return foldFacts({ contract: model.contract, revision: model.revision, facts: facts.join(',') });
      });
      expect(await walk(page, ofModels(folded))).toEqual(await walk(page, ofModels(models)));
    }),
    { numRuns: 150 },
  );
});

const folder = mkdtempSync(join(tmpdir(), 'waybook-changes-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
describeChanges('SQLite', () => Promise.resolve(`sqlite:${join(folder, 'read-model.db')}`));

const postgres = await startPostgres();
if (postgres.kind === 'absent') it.skip(`PostgreSQL gives what moved a date (${postgres.reason})`, () => undefined);
else {
  afterAll(() => postgres.stop());
  describeChanges('PostgreSQL', () => postgres.freshDatabase());
}
