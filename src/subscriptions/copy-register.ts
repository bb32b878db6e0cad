/** What a projector knows of the copies there are: as they were read, and better where it writes them itself. */
import type { Projection } from '../../projections/projection.js';
import { keyOfCopy, type Checkpoint, type CopyId, type CopyRecord } from './checkpoint.js';
import type { OwnCopy } from './lane.js';

export class CopyRegister {
  readonly #projections: readonly Projection[];
  #records: readonly CopyRecord[] = [];

  constructor(projections: readonly Projection[]) {
    this.#projections = projections;
  }

  get all(): readonly CopyRecord[] {
    return this.#records;
  }

  set(records: readonly CopyRecord[]): void {
    this.#records = records;
  }

  /** Notes how far copies have got. */
  advance(copies: readonly OwnCopy[], checkpoint: Checkpoint | undefined): void {
    const keys = new Set(copies.map(({ id }) => keyOfCopy(id)));
    this.#records = this.#records.map((record) => (keys.has(keyOfCopy(record)) ? { ...record, checkpoint } : record));
  }

  /** Notes that a copy serves now, in place of the one before. */
  serve(copy: CopyId): void {
    this.#records = this.#records.map((record) =>
      record.name !== copy.name || record.role === 'retired'
        ? record
        : { ...record, role: keyOfCopy(record) === keyOfCopy(copy) ? 'serving' : 'retired' },
    );
  }

  find(copy: CopyId): CopyRecord | undefined {
    return this.#records.find((record) => keyOfCopy(record) === keyOfCopy(copy));
  }

  /** Copies of a projection that are in use or will be. */
  of(name: string): readonly CopyRecord[] {
    return this.#records.filter((record) => record.name === name && record.role !== 'retired');
  }

  serving(name: string): CopyRecord | undefined {
    return this.#records.find((record) => record.name === name && record.role === 'serving');
  }

  isBuilding(copy: CopyId): boolean {
    return this.find(copy)?.role === 'building';
  }

  hasBuilding(copies: readonly OwnCopy[]): boolean {
    return copies.some(({ id }) => this.isBuilding(id));
  }

  /** Copies of the versions that this program has. */
  own(): readonly OwnCopy[] {
    return this.#records.flatMap((record) => {
      const projection = this.#projections.find(
        ({ name, version }) => name === record.name && version === record.version,
      );
      return projection === undefined || record.role === 'retired' ? [] : [{ id: record, projection }];
    });
  }

  /** What was replaced, and what an older program began to build. */
  unneeded(): readonly CopyRecord[] {
    return this.#records.filter((record) => {
      const projection = this.#projections.find(({ name }) => name === record.name);
      const isOutdated = projection !== undefined && record.version < projection.version;
      return record.role === 'retired' || (record.role === 'building' && isOutdated);
    });
  }

  /** Where a rebuild of this version goes: the set of tables that does not serve. */
  beside({ name, version }: Projection): CopyId {
    const serving = this.serving(name);
    return { name, version, copy: serving?.version === version && serving.copy === '' ? '_b' : '' };
  }
}
