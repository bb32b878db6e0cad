/** The facts of the contracts that are being written to, so that a batch folds only its own events. */
import type { ContractModel } from '../contract/model.js';

interface Entry {
  readonly contract: string;
  readonly model: ContractModel;
  /** Of the last event folded. */
  readonly revision: bigint;
  readonly bytes: number;
  /** Where it stands in the list. */
  at: number;
}

/**
 * Keeps facts up to a number of bytes; what was put last is kept whatever its size.
 *
 * What goes is picked by chance, not by age: contracts written to in turn, more than fit, would each be let go just
 * before they come up again, and every one of them would be folded anew each time. So a part of them always is there.
 */
export class ModelCache {
  readonly #byContract = new Map<string, Entry>();
  readonly #entries: Entry[] = [];
  readonly #maxBytes: number;
  #bytes = 0;
  #dice = 1;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The facts as they stood after `revision`, taken out: who takes them changes them in place and puts them back. */
  take(contract: string, revision: bigint): ContractModel | undefined {
    const entry = this.#byContract.get(contract);
    if (entry === undefined) return undefined;
    this.#remove(entry);
    return entry.revision === revision ? entry.model : undefined;
  }

  put(contract: string, revision: bigint, model: ContractModel): void {
    const before = this.#byContract.get(contract);
    if (before !== undefined) this.#remove(before);
    const bytes = estimateBytes(model);
    while (this.#entries.length > 0 && this.#bytes + bytes > this.#maxBytes) this.#remove(this.#any());
    const entry: Entry = { contract, model, revision, bytes, at: this.#entries.length };
    this.#entries.push(entry);
    this.#byContract.set(contract, entry);
    this.#bytes += bytes;
  }

  clear(): void {
    this.#byContract.clear();
    this.#entries.length = 0;
    this.#bytes = 0;
  }

  #remove(entry: Entry): void {
    const last = this.#entries.pop()!;
    if (last !== entry) {
      this.#entries[entry.at] = last;
      last.at = entry.at;
    }
    this.#byContract.delete(entry.contract);
    this.#bytes -= entry.bytes;
  }

  /** A linear congruential generator (Numerical Recipes): the same run lets go of the same facts. */
  #any(): Entry {
    this.#dice = (Math.imul(this.#dice, 1_664_525) + 1_013_904_223) >>> 0;
    return this.#entries[Math.floor((this.#dice / 2 ** 32) * this.#entries.length)]!;
  }
}

/**
 * A rough size in memory, in bytes. Too large rather than too small: V8 gives small objects 100 to 300 bytes, and an event that
 * is kept whole, with its text and its data, takes about 2,500.
 */
export function estimateBytes(model: ContractModel): number {
  const { registration } = model;
  let bytes = 8_192 + model.namesBytes + model.largeText * LARGE_TEXT_BYTES;
  bytes += model.parties.length * 200 + model.partiesEver.size * 100 + model.ownReports.size * 150;
  bytes += ((registration?.lines.length ?? 0) + (registration?.milestones.length ?? 0)) * 500;
  bytes += model.amendments.size * 2_500 + model.delays.size * 2_500 + model.settlements.length * 800;
  bytes +=
    (model.disputes.size + model.nonconformances.size + model.discrepancies.size + model.statements.size) * WHOLE;
  bytes += model.shipments.size * 700 + model.checkLines.size * 150;
  bytes += model.flags.size * 400 + model.opened.size * 200 + model.waiting.size * WHOLE;
  bytes += model.stated.size * 400 + model.correctedDates.length * 500 + model.reckoning.missed.size * 500;
  for (const byParty of model.noticed.values()) for (const missed of byParty.values()) bytes += missed.length * 300;
  for (const submitted of model.evidence.values()) bytes += submitted.length * WHOLE;
  for (const { answers } of model.discrepancies.values()) bytes += answers.length * WHOLE;
  for (const { mitigations, acceptances, determinations, escalations } of model.delays.values())
    bytes += (mitigations.length + acceptances.length + determinations.length + escalations.length) * WHOLE;
  for (const { answers, decisions } of model.disputes.values()) bytes += (answers.length + decisions.length) * WHOLE;
  for (const { matches } of model.statements.values()) bytes += matches.length * WHOLE;
  for (const { forecasts, reached } of model.milestones.values())
    bytes += 300 + forecasts.length * 500 + reached.length * 250;
  for (const { shipped, received, deliveries, quality } of model.lines.values())
    bytes +=
      600 +
      (shipped.entries.length + received.entries.length) * 400 +
      deliveries.length * 200 +
      (quality?.size ?? 0) * 150;
  return bytes;
}

const WHOLE = 2_500;
/** Of each character of a large event: as text, and as what it parses to. */
const LARGE_TEXT_BYTES = 4;
