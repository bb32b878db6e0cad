import type { EventStore } from '../event-store/event-store.js';
import { LoadedContract } from './loaded-contract.js';

/** Folded contracts in use, the least recently used given up first; bounded in bytes. */
export class ContractCache {
  readonly #limit: number;
  // In order of use, the latest last.
  readonly #contracts = new Map<string, LoadedContract>();
  readonly #sizes = new Map<string, number>();
  #bytes = 0;

  constructor(limitBytes: number) {
    this.#limit = limitBytes;
  }

  get(contract: string): LoadedContract | undefined {
    const loaded = this.#contracts.get(contract);
    if (loaded === undefined) return undefined;
    this.#contracts.delete(contract);
    this.#contracts.set(contract, loaded);
    this.#measure(loaded);
    return loaded;
  }

  /** Reads a contract from its stream and keeps it; one that does not exist yet is an empty one. */
  async load(contract: string, store: EventStore): Promise<LoadedContract> {
    const loaded = new LoadedContract(contract);
    await loaded.readOn(store);
    this.#contracts.set(contract, loaded);
    this.#measure(loaded);
    return loaded;
  }

  delete(contract: string): void {
    if (!this.#contracts.delete(contract)) return;
    this.#bytes -= this.#sizes.get(contract) ?? 0;
    this.#sizes.delete(contract);
  }

  /** Gives up what is over the limit; never the one used last. */
  trim(): void {
    for (const contract of this.#contracts.keys()) {
      if (this.#bytes <= this.#limit || this.#contracts.size <= 1) return;
      this.delete(contract);
    }
  }

  #measure(loaded: LoadedContract): void {
    const size = loaded.bytes;
    this.#bytes += size - (this.#sizes.get(loaded.contract) ?? 0);
    this.#sizes.set(loaded.contract, size);
  }
}
