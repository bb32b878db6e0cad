/** `/portfolio/exposure` as a database adds it up, against the same contracts added up one by one. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { contractStatus, contractTable, paddedMinor } from '../../projections/contract-status/contract-status.js';
import { exposure, exposureOfRows, GROUPINGS } from '../../projections/contract-status/exposure.js';
import type { ColumnValue, Row, Snapshot } from '../../projections/projection.js';
import { dayNumber } from '../../src/contract/calendar.js';
import { physicalTable } from '../../src/subscriptions/checkpoint.js';
import { createCopiesTable, createCopy } from '../../src/subscriptions/copies.js';
import { openReadModelWriter } from '../../src/subscriptions/read-model-writer.js';
import { startPostgres } from '../support/postgres.js';

/** Days that tell most about ages: around leap days, whole years apart. */
const days = [-10, -5, -3, -2, -1, 0].flatMap((years) =>
  ['02-27', '02-28', '02-29', '03-01'].map((monthDay) => `${2024 + years}-${monthDay}`),
);
const day = fc.constantFrom(...days.filter((text) => !Number.isNaN(Date.parse(text)) && isDay(text)));
function isDay(text: string): boolean {
  return new Date(`${text}T00:00:00Z`).toISOString().startsWith(text);
}
const dayCount = fc.option(day.map(dayNumber), { freq: 3 });
const amount = fc
  .oneof(
    { weight: 6, arbitrary: fc.bigInt(0n, 2_000_000n) },
    { weight: 1, arbitrary: fc.bigInt(10n ** 13n - 2n, 10n ** 13n + 2n) },
    { weight: 1, arbitrary: fc.bigInt(0n, 10n ** 35n) },
  )
  .map(paddedMinor);

const contract = fc
  .record({
    programme: fc.constantFrom('P-3C', 'E-2D'),
    buyer: fc.constantFrom('jp-mod', 'au-dod'),
    seller: fc.constantFrom('us-gov', 'uk-mod'),
    signed_on: day,
    currency: fc.constantFrom('USD', 'JPY', 'KWD'),
    value_minor: amount,
    delivered_minor: amount,
    undelivered_minor: amount,
    paid_minor: amount,
    exposure_minor: amount,
    delivered_day: dayCount,
    settled_on: fc.option(day, { freq: 1 }),
    settleWithinDays: fc.constantFrom(1, 365, 730),
    closed_day: fc.option(day.map(dayNumber), { freq: 1 }),
    delivery_late_since: dayCount,
  })
  .map(({ settleWithinDays, ...row }) => ({
    ...row,
    settlement_due_day: row.delivered_day === null ? null : row.delivered_day + settleWithinDays,
  }));

function rowOf(facts: object, index: number): Row {
  const row: Record<string, ColumnValue> = {};
  for (const [column, { type, nullable }] of Object.entries(contractTable.columns))
    row[column] = nullable === true ? null : type === 'integer' ? 0 : '';
  return { ...row, contract: `C${index}`, ...facts };
}

function describeSums(name: string, url: () => Promise<string>): void {
  test(`${name} adds up what its rows add up to, whatever the amounts`, async () => {
    const writer = await openReadModelWriter(await url(), false);
    const id = { name: contractStatus.name, version: contractStatus.version, copy: '' } as const;
    try {
      await writer.transaction(async ({ db }) => {
        await createCopiesTable(db, writer.types);
        await createCopy(db, writer.types, contractStatus, id, 'serving');
      });
      await fc.assert(
        fc.asyncProperty(
          fc.array(contract, { maxLength: 12 }),
          day,
          fc.constantFrom(undefined, ...GROUPINGS),
          fc.constantFrom(undefined, 'P-3C'),
          async (contracts, on, groupBy, programme) => {
            const rows = contracts.map(rowOf);
            const question = { day: on, groupBy, programme };
            const sums = await writer.transaction(async (transaction) => {
              await transaction.db.deleteFrom(physicalTable(contractTable.name, id)).execute();
              const puts = new Map(rows.map((row) => [String(row['contract']), row]));
              await transaction.write(id, contractTable, { puts, removes: new Map() });
              const table: Snapshot['table'] = (definition) => physicalTable(definition.name, id);
              return exposure({ db: transaction.db, table, position: 0n }, question);
            });
            const chosen = rows.filter((row) => programme === undefined || row['programme'] === programme);
            expect(sums).toEqual(exposureOfRows(chosen, question));
          },
        ),
        { numRuns: 150 },
      );
    } finally {
      await writer.close();
    }
  });
}

const folder = mkdtempSync(join(tmpdir(), 'waybook-sums-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
describeSums('SQLite', () => Promise.resolve(`sqlite:${join(folder, 'read-model.db')}`));

const postgres = await startPostgres();
if (postgres.kind === 'absent') it.skip(`PostgreSQL adds up (${postgres.reason})`, () => undefined);
else {
  afterAll(() => postgres.stop());
  describeSums('PostgreSQL', () => postgres.freshDatabase());
}
