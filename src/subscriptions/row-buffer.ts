/** Collects what projections put and remove, each row once however often it was touched. */
import type { ColumnValue, Row, RowSink, TableDefinition } from '../../projections/projection.js';
import type { Change } from './batch.js';
import type { OwnCopy } from './lane.js';

/** Rows of one table, no two of the same key. */
export interface DistinctRows {
  readonly size: number;
  values(): Iterable<Row>;
}

/** What is to become of the rows of one table. */
export interface TableChanges {
  readonly puts: DistinctRows;
  /** Keys of rows that go. */
  readonly removes: DistinctRows;
}

/** The row of each key that was set last, by contract. */
class KeyedRows implements DistinctRows {
  readonly #rest: readonly string[];
  readonly #contracts = new Map<ColumnValue, Map<ColumnValue, Row>>();
  #size = 0;

  constructor({ key }: TableDefinition) {
    this.#rest = key.slice(1);
  }

  get size(): number {
    return this.#size;
  }

  set(row: Row): void {
    const contract = row['contract']!;
    let rows = this.#contracts.get(contract);
    if (rows === undefined) this.#contracts.set(contract, (rows = new Map()));
    const before = rows.size;
    rows.set(this.#keyOf(row), row);
    this.#size += rows.size - before;
  }

  delete(row: Row): void {
    if (this.#size > 0 && this.#contracts.get(row['contract']!)?.delete(this.#keyOf(row)) === true) this.#size -= 1;
  }

  forget(contract: string): void {
    this.#size -= this.#contracts.get(contract)?.size ?? 0;
    this.#contracts.delete(contract);
  }

  *values(): Iterable<Row> {
    for (const rows of this.#contracts.values()) yield* rows.values();
  }

  /**
   * The rest of the key. Most keys have one column more than the contract: no text is made for these. Key columns hold
   * ids, dates and numbers, none of which has a NUL.
   */
  #keyOf(row: Row): ColumnValue {
    const rest = this.#rest;
    if (rest.length <= 1) return rest.length === 0 ? null : row[rest[0]!]!;
    let name = String(row[rest[0]!]);
    for (let at = 1; at < rest.length; at += 1) name += `\0${String(row[rest[at]!])}`;
    return name;
  }
}

export class RowBuffer implements RowSink {
  readonly #tables = new Map<TableDefinition, { readonly puts: KeyedRows; readonly removes: KeyedRows }>();

  put(table: TableDefinition, row: Row): void {
    const { puts, removes } = this.#changes(table);
    removes.delete(row);
    puts.set(row);
  }

  remove(table: TableDefinition, key: Row): void {
    const { puts, removes } = this.#changes(table);
    puts.delete(key);
    removes.set(key);
  }

  /** How many rows it holds. */
  get size(): number {
    let size = 0;
    for (const { puts, removes } of this.#tables.values()) size += puts.size + removes.size;
    return size;
  }

  changes(table: TableDefinition): TableChanges | undefined {
    return this.#tables.get(table);
  }

  /** Drops what is to become of a contract. */
  forget(contract: string): void {
    for (const { puts, removes } of this.#tables.values()) {
      puts.forget(contract);
      removes.forget(contract);
    }
  }

  clear(): void {
    this.#tables.clear();
  }

  #changes(table: TableDefinition) {
    let changes = this.#tables.get(table);
    if (changes === undefined) {
      changes = { puts: new KeyedRows(table), removes: new KeyedRows(table) };
      this.#tables.set(table, changes);
    }
    return changes;
  }
}

/** What was collected for some copies. */
export function changesOf(rows: ReadonlyMap<OwnCopy, RowBuffer>): readonly Change[] {
  const changes: Change[] = [];
  for (const [{ id, projection }, buffer] of rows)
    for (const table of projection.tables) {
      const changed = buffer.changes(table);
      if (changed !== undefined) changes.push({ copy: id, table, rows: changed });
    }
  return changes;
}
