/** The facts of the contracts that are being written to, so that a batch folds only its own events. */
import type { ContractModel } from '../contract/model.js';

interface Entry {
  readonly model: ContractModel;
  /** Of the last event folded. */
  readonly revision: bigint;
  readonly bytes: number;
}

/** Keeps the facts used last, up to a number of bytes; what is used now is kept whatever its size. */
export class ModelCache {
  readonly #entries = new Map<string, Entry>();
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The facts as they stood after `revision`, taken out: who takes them changes them in place and puts them back. */
  take(contract: string, revision: bigint): ContractModel | undefined {
    const entry = this.#entries.get(contract);
    if (entry === undefined) return undefined;
    this.#entries.delete(contract);
    this.#bytes -= entry.bytes;
    return entry.revision === revision ? entry.model : undefined;
  }

  put(contract: string, revision: bigint, model: ContractModel): void {
    const before = this.#entries.get(contract);
    if (before !== undefined) {
      this.#entries.delete(contract);
      this.#bytes -= before.bytes;
    }
    const bytes = estimateBytes(model);
    this.#entries.set(contract, { model, revision, bytes });
    this.#bytes += bytes;
    for (const [other, entry] of this.#entries) {
      if (this.#bytes <= this.#maxBytes || other === contract) return;
      this.#entries.delete(other);
      this.#bytes -= entry.bytes;
    }
  }

  clear(): void {
    this.#entries.clear();
    this.#bytes = 0;
  }

  get bytes(): number {
    return this.#bytes;
  }
}

/** A rough size in memory, in bytes. Too large rather than too small: V8 gives small objects 100 to 300 bytes. */
export function estimateBytes(model: ContractModel): number {
  const { registration } = model;
  let bytes = 4_096 + model.parties.length * 200 + model.amendments.size * 2_000 + model.delays.size * 1_000;
  bytes += ((registration?.lines.length ?? 0) + (registration?.milestones.length ?? 0)) * 500;
  bytes += model.flags.size * 400 + model.opened.size * 200 + model.waiting.size * 1_500;
  for (const { forecasts, reached } of model.milestones.values())
    bytes += 300 + forecasts.length * 500 + reached.length * 250;
  for (const { shipped, received, deliveries } of model.lines.values())
    bytes += 600 + (shipped.size + received.size) * 150 + deliveries.length * 200;
  return bytes;
}
