/**
 * What is missed on a contract, as was known day by day: its stream folded in recorded order, where a correction counts
 * from the day on which it was recorded. (Read models fold each event as the last correction left it, from the beginning.)
 */
import { CORRECTION } from '../contract/correction.js';
import { dayNumber, dayOf } from '../contract/calendar.js';
import { definitionOf } from '../contract/contract.js';
import { ContractModel } from '../contract/model.js';
import { endDaysBefore } from '../contract/obligations.js';
import type { Missed } from '../contract/reckoning.js';
import type { EventStore } from '../event-store/event-store.js';
import { decodeEvent } from '../evidence/record.js';
import { contractRules, fromDecoded, streamOf, type FoldRules } from './decoding.js';
import { foldHistory } from './history.js';
import { ModelCache } from './model-cache.js';

export interface Reckoned {
  /** Of the last event looked at; -1n for none. */
  readonly revision: bigint;
  /** Missed and not noticed yet, the earliest first. */
  readonly missed: readonly Missed[];
  readonly model: ContractModel;
}

export class Reckoner {
  readonly #store: EventStore;
  readonly #rules: FoldRules;
  readonly #cache: ModelCache;
  /** Revisions up to which the facts in the cache go. */
  readonly #revisions = new Map<string, bigint>();

  constructor(store: EventStore, cacheBytes: number, rules: FoldRules = contractRules) {
    this.#store = store;
    this.#rules = rules;
    this.#cache = new ModelCache(cacheBytes);
  }

  /**
   * Reads on to the end of the contract's stream, and reckons what is missed at the start of a day.
   * @param day in days since 1970-01-01; no event is recorded after it
   * @throws EventStoreError, EvidenceError, ContractError
   */
  async reckon(contract: string, day: number): Promise<Reckoned> {
    const known = this.#revisions.get(contract);
    const cached = known === undefined ? undefined : this.#cache.take(contract, known);
    this.#revisions.delete(contract);
    const folded = await this.#readOn(
      contract,
      cached ?? new ContractModel(contract),
      cached === undefined ? -1n : known!,
    );
    const { model, revision } = folded;
    endDaysBefore(model, day);
    this.#cache.put(contract, revision, model);
    this.#revisions.set(contract, revision);
    const missed = [...model.reckoning.missed.values()];
    missed.sort((a, b) => a.day - b.day || (a.id < b.id ? -1 : 1));
    return { revision, missed, model };
  }

  async #readOn(contract: string, from: ContractModel, after: bigint) {
    let [model, revision] = [from, after];
    /** A day with a correction: its events are taken in together, once it has ended. */
    let corrected: number | undefined;
    for await (const page of this.#store.readStream(streamOf(contract), after + 1n))
      for (const stored of page) {
        const event = fromDecoded(decodeEvent(stored), this.#rules);
        const day = dayNumber(dayOf(event.recordedtime));
        if (corrected !== undefined && day > corrected) {
          model = await this.#refold(contract, model, revision);
          corrected = undefined;
        }
        if (corrected === undefined && stored.type === CORRECTION) {
          // The days before this one are judged by what was known on them.
          endDaysBefore(model, day);
          corrected = day;
        }
        if (corrected === undefined) this.#rules.fold(model, event);
        else if (definitionOf(stored.type)?.ledgerOnly === true) model.reckoning.notice(event.id);
        revision = stored.revision;
      }
    if (corrected !== undefined) model = await this.#refold(contract, model, revision);
    return { model, revision };
  }

  /** The facts as corrected by now, with the reckoning of the days before. */
  async #refold(contract: string, before: ContractModel, upTo: bigint): Promise<ContractModel> {
    const { model } = await foldHistory(this.#store, contract, this.#rules, { upTo, corrected: true });
    model.reckoning = before.reckoning;
    // Nobody turns into rows what was touched.
    model.takeTouched();
    return model;
  }
}
