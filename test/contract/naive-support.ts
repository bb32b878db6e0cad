/** What comparing the read models with their naive evaluation takes: rows of a history, questions, and orders to tell it in. */
import fc from 'fast-check';
import { projections } from '../../projections/index.js';
import type { ContractRows } from '../../projections/projection.js';
import type { ContractEvent } from '../../src/contract/event-type.js';
import type { Question } from '../naive/naive.js';
import { eventsOf, shuffled, type Step } from '../support/random-history.js';
import { foldAll, MemoryRows } from '../support/scenario.js';

export type Recorded = readonly ContractEvent<object>[];

/** The rows of all projections of one contract, as a question selects its events. */
export function rowsAt(recorded: Recorded, { on, upToRevision }: Question): ContractRows {
  const known = upToRevision === undefined ? recorded : recorded.slice(0, upToRevision + 1);
  const model = foldAll(known, on);
  const rows = new MemoryRows();
  if (model.registration === undefined) return rows.rows;
  const touched = model.takeTouched();
  for (const projection of projections) projection.evolve(model, touched, rows);
  return rows.rows;
}

/** As it comes out of JSON. */
export const plain = (value: unknown): unknown => (value === undefined ? undefined : JSON.parse(JSON.stringify(value)));

export const day = fc
  .integer({ min: 0, max: 2_600 })
  .map((days) => new Date(Date.parse('2020-01-05T00:00:00Z') + days * 86_400_000).toISOString().slice(0, 10));

export const question = fc.record({
  on: fc.option(day, { nil: undefined, freq: 2 }),
  day,
  known: fc.option(fc.nat({ max: 60 }), { nil: undefined, freq: 2 }),
});

export const orders: fc.Arbitrary<(history: readonly Step[]) => ReturnType<typeof eventsOf>> = fc.oneof(
  fc.constant(eventsOf),
  fc.integer().map((seed) => (history: readonly Step[]) => shuffled(eventsOf(history), seed)),
);

/** What was asked, of one history. */
export function questionOf(
  { on, known, day }: { on: string | undefined; known: number | undefined; day: string },
  recorded: Recorded,
): Question {
  const upToRevision = known === undefined ? undefined : Math.min(known, recorded.length - 1);
  return {
    day: on ?? day,
    ...(on === undefined ? {} : { on }),
    ...(upToRevision === undefined ? {} : { upToRevision }),
  };
}
