/** Collects what projections put and remove, each row once however often it was touched. */
import type { Row, RowSink, TableDefinition } from '../../projections/projection.js';
import type { Change } from './batch.js';
import type { OwnCopy } from './lane.js';

/** What is to become of the rows of one table. */
export interface TableChanges {
  readonly puts: Map<string, Row>;
  /** Keys of rows that go. */
  readonly removes: Map<string, Row>;
}

export class RowBuffer implements RowSink {
  readonly #tables = new Map<TableDefinition, TableChanges>();
  #size = 0;

  put(table: TableDefinition, row: Row): void {
    const { puts, removes } = this.#changes(table);
    const key = keyOf(table, row);
    if (removes.size > 0) removes.delete(key);
    const before = puts.size;
    puts.set(key, row);
    this.#size += puts.size - before;
  }

  remove(table: TableDefinition, key: Row): void {
    const { puts, removes } = this.#changes(table);
    const name = keyOf(table, key);
    puts.delete(name);
    removes.set(name, key);
    this.#size += 1;
  }

  /** About how many rows it holds. */
  get size(): number {
    return this.#size;
  }

  changes(table: TableDefinition): TableChanges | undefined {
    return this.#tables.get(table);
  }

  /** Drops what is to become of a contract. */
  forget(contract: string): void {
    for (const { puts, removes } of this.#tables.values())
      for (const rows of [puts, removes])
        for (const [key, row] of rows)
          if (row['contract'] === contract) {
            rows.delete(key);
            this.#size -= 1;
          }
  }

  clear(): void {
    this.#tables.clear();
    this.#size = 0;
  }

  #changes(table: TableDefinition): TableChanges {
    let changes = this.#tables.get(table);
    if (changes === undefined) {
      changes = { puts: new Map(), removes: new Map() };
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

/** Key columns hold ids, dates and numbers, none of which has a NUL. */
function keyOf({ key }: TableDefinition, row: Row): string {
  let name = String(row[key[0]!]);
  for (let at = 1; at < key.length; at += 1) name += `\0${String(row[key[at]!])}`;
  return name;
}
