/** Rebuilds by hand that somebody waits for. */
import { keyOfCopy, type CopyId, type CopyRecord } from './checkpoint.js';
import { ReadModelError } from './errors.js';
import type { Lane } from './lane.js';
import type { RebuildProgress } from './status.js';

interface Rebuild {
  readonly copy: CopyId;
  readonly target: bigint;
  readonly onProgress: ((progress: RebuildProgress) => void) | undefined;
  readonly resolve: () => void;
  readonly reject: (error: ReadModelError) => void;
}

export class Rebuilds {
  /** By name of the projection: one at a time. */
  readonly #running = new Map<string, Rebuild>();

  isRunning(name: string): boolean {
    return this.#running.has(name);
  }

  /** @returns settled when the copy serves, or never will */
  add(copy: CopyId, target: bigint, onProgress: Rebuild['onProgress']): Promise<void> {
    const done = new Promise<void>((resolve, reject) => {
      this.#running.set(copy.name, { copy, target, onProgress, resolve, reject });
    });
    // Several are awaited together, and one that fails first must not leave the others unhandled.
    done.catch(() => undefined);
    return done;
  }

  advanced({ copies, reached }: Lane): void {
    for (const { id } of copies) {
      const rebuild = this.#of(id);
      rebuild?.onProgress?.({ name: id.name, position: reached, target: rebuild.target });
    }
  }

  /** Ends those whose copy another process lets serve by now, or has dropped. */
  settle(records: readonly CopyRecord[]): void {
    for (const { copy } of this.#running.values()) {
      const record = records.find((each) => keyOfCopy(each) === keyOfCopy(copy));
      if (record === undefined)
        this.failed(
          copy,
          new ReadModelError('rebuild-failed', `another process has dropped what was built of ${copy.name}`),
        );
      else if (record.role !== 'building') this.done(copy);
    }
  }

  done(copy: CopyId): void {
    const rebuild = this.#of(copy);
    if (rebuild === undefined) return;
    this.#running.delete(copy.name);
    rebuild.resolve();
  }

  /** @returns whether it was a rebuild by hand */
  failed(copy: CopyId, error: ReadModelError): boolean {
    const rebuild = this.#of(copy);
    if (rebuild === undefined) return false;
    this.#running.delete(copy.name);
    rebuild.reject(error);
    return true;
  }

  failAll(error: ReadModelError): void {
    for (const { copy } of this.#running.values()) this.failed(copy, error);
  }

  #of(copy: CopyId): Rebuild | undefined {
    const rebuild = this.#running.get(copy.name);
    return rebuild !== undefined && keyOfCopy(rebuild.copy) === keyOfCopy(copy) ? rebuild : undefined;
  }
}
