/** A contract's past: its stream folded again, as far as was recorded by then, with the rows that projections make of it. */
import type { ContractRows, Projection, Row, TableDefinition } from '../../projections/projection.js';
import { compareInstants, dayOf } from '../contract/calendar.js';
import type { ContractModel } from '../contract/model.js';
import type { EventStore } from '../event-store/event-store.js';
import type { DecodedEvent } from '../evidence/record.js';
import { contractRules, REGISTRATION, type FoldRules } from './decoding.js';
import { foldHistory } from './history.js';
import { RowBuffer } from './row-buffer.js';

export interface ReplayRequest {
  readonly contract: string;
  /**
   * What was known then. With `position`, everything up to it; `instant` is then the recorded time of the last event of
   * the ledger at or before it. Without, everything recorded by `instant` (RFC 3339, UTC).
   */
  readonly asOf: { readonly instant: string; readonly position?: bigint };
  /** The day asked about (YYYY-MM-DD): leaves out what happened after it. Left out, it is the day of `asOf` and leaves out nothing. */
  readonly on?: string;
  /** Checks the hashes of the stream as far as it is read. */
  readonly verify?: boolean;
  /** Name of the one projection whose rows are wanted. Left out: of all. */
  readonly projection?: string;
}

/** Plain data, but for the facts: it crosses threads without them. */
export interface ReplayedRows {
  readonly rows: ContractRows;
  /** What it reflects: the position asked for, else that of the contract's last event by then. */
  readonly position: bigint;
  readonly asOfInstant: string;
  readonly on: string;
}

export interface Replayed extends ReplayedRows {
  readonly model: ContractModel;
}

/**
 * Folds what a contract was at a time. Corrections known by then hold whatever their own `time`.
 * @returns `undefined` where the contract had not been registered
 * @throws EventStoreError, ContractError, EvidenceError
 */
export async function replayContract(
  store: EventStore,
  request: ReplayRequest,
  projections: readonly Projection[],
  rules: FoldRules = contractRules,
): Promise<Replayed | undefined> {
  const { contract, asOf, on, verify } = request;
  const wanted = projections.filter(({ name }) => request.projection === undefined || name === request.projection);
  const { position } = asOf;
  const recorded = (event: DecodedEvent): boolean =>
    position === undefined ? compareInstants(event.recordedtime, asOf.instant) <= 0 : event.position <= position;

  let buffer = new RowBuffer();
  let registered = false;
  const { model, last } = await foldHistory(
    store,
    contract,
    rules,
    { recorded, on, verify: verify ?? false },
    {
      page: (model, events) => {
        registered ||= events.some(({ type }) => type === REGISTRATION);
        // What happened before the day of registration is not looked at: on that day there was no contract.
        if (!registered) return;
        const touched = model.takeTouched();
        for (const projection of wanted) projection.evolve(model, touched, buffer);
      },
      again: () => {
        buffer = new RowBuffer();
        registered = false;
      },
    },
  );
  if (!registered || last === undefined) return undefined;
  const tables = wanted.flatMap((projection) => projection.tables);
  return {
    model,
    rows: new Map(tables.map((table) => [table.name, rowsOf(buffer, table)])),
    position: position ?? last.position,
    asOfInstant: asOf.instant,
    on: on ?? dayOf(asOf.instant),
  };
}

/** The rows as a database gives them back: every column there, and in the order of the key. */
function rowsOf(buffer: RowBuffer, table: TableDefinition): readonly Row[] {
  const columns = Object.keys(table.columns);
  const rows = [...(buffer.changes(table)?.puts.values() ?? [])];
  return rows
    .map((row): Row =>
      // A copy is made only of a row that leaves a column out.
      columns.every((column) => row[column] !== undefined)
        ? row
        : Object.fromEntries(columns.map((column) => [column, row[column] ?? null])),
    )
    .sort((a, b) => compareByKey(table, a, b));
}

function compareByKey({ key }: TableDefinition, a: Row, b: Row): number {
  for (const column of key) {
    const [x, y] = [a[column]!, b[column]!];
    if (x !== y) return x < y ? -1 : 1;
  }
  return 0;
}
