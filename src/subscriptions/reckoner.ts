/**
 * What is missed on a contract, as was known day by day: its stream folded in recorded order, where a correction counts
 * from the day on which it was recorded. (Read models fold each event as the last correction left it, from the beginning.)
 */
import { CORRECTION } from '../contract/correction.js';
import { dayNumber, dayOf } from '../contract/calendar.js';
import { definitionOf } from '../contract/contract.js';
import { ContractModel } from '../contract/model.js';
import { endDaysBefore, nextNotice } from '../contract/obligations.js';
import { Reckoning, type Missed } from '../contract/reckoning.js';
import type { EventStore, StoredEvent } from '../event-store/event-store.js';
import { decodeEvent } from '../evidence/record.js';
import { contractRules, fromDecoded, streamOf, type FoldRules } from './decoding.js';
import { foldHistory } from './history.js';
import { ModelCache } from './model-cache.js';
import type { ReckonedMemory, Remembered } from './reckoned-memory.js';

export interface Reckoned {
  /** Of the last event looked at; -1n for none. */
  readonly revision: bigint;
  /** Missed and not noticed yet, the earliest first. */
  readonly missed: readonly Missed[];
  /** The first day (since 1970-01-01) on which there may be something to notice; `undefined` for none. */
  readonly next: number | undefined;
  /** What was refused is not missed any more. */
  readonly refused: (id: string) => void;
}

/** A contract folded so far. */
interface Place {
  readonly model: ContractModel;
  readonly revision: bigint;
  readonly eventId: string | undefined;
}

export class Reckoner {
  readonly #store: EventStore;
  readonly #rules: FoldRules;
  readonly #cache: ModelCache;
  readonly #memory: ReckonedMemory | undefined;
  /** How far the facts in the cache go, and those that it let go of since. */
  readonly #places = new Map<string, Omit<Place, 'model'>>();
  /** What is remembered of the contracts that are looked at next. */
  readonly #recalled = new Map<string, Remembered>();
  /** By contract, what is to be remembered. */
  readonly #unsaved = new Map<string, Remembered>();

  /** @param memory where it is remembered how far contracts have been reckoned in which something was corrected */
  constructor(
    store: EventStore,
    cacheBytes: number,
    { rules = contractRules, memory }: { readonly rules?: FoldRules; readonly memory?: ReckonedMemory } = {},
  ) {
    this.#store = store;
    this.#rules = rules;
    this.#cache = new ModelCache(cacheBytes);
    this.#memory = memory;
  }

  /**
   * Reads on to the end of the contract's stream, and reckons what is missed at the start of a day.
   * @param day in days since 1970-01-01; no event is recorded after it
   * @throws EventStoreError, EvidenceError, ContractError
   */
  async reckon(contract: string, day: number): Promise<Reckoned> {
    const begun = this.#cached(contract) ?? (await this.#remembered(contract, day));
    if (begun !== undefined && 'missed' in begun) return begun;
    const { model, revision, eventId } = await this.#readOn(
      contract,
      begun ?? { model: new ContractModel(contract), revision: -1n, eventId: undefined },
    );
    endDaysBefore(model, day);
    this.#cache.put(contract, revision, model);
    this.#places.set(contract, { revision, eventId });
    const missed = [...model.reckoning.missed.values()];
    missed.sort((a, b) => a.day - b.day || (a.id < b.id ? -1 : 1));
    const next = nextNotice(model);
    if (this.#memory !== undefined && model.corrected && missed.length === 0 && eventId !== undefined)
      this.#unsaved.set(contract, { contract, revision, eventId, next, reckoning: model.reckoning.toData() });
    return { revision, missed, next, refused: (id) => model.reckoning.notice(id) };
  }

  /** Recalls what is remembered of contracts that are looked at next. @throws ReadModelError */
  async recall(contracts: readonly string[]): Promise<void> {
    this.#recalled.clear();
    if (this.#memory === undefined) return;
    const unknown = contracts.filter((contract) => !this.#places.has(contract));
    for (const found of await this.#memory.load(unknown)) this.#recalled.set(found.contract, found);
  }

  /** Writes down how far contracts have been reckoned. @throws ReadModelError */
  async remember(): Promise<void> {
    if (this.#memory === undefined || this.#unsaved.size === 0) return;
    const entries = [...this.#unsaved.values()];
    this.#unsaved.clear();
    await this.#memory.save(entries);
  }

  #cached(contract: string): Place | undefined {
    const place = this.#places.get(contract);
    if (place === undefined) return undefined;
    this.#places.delete(contract);
    const model = this.#cache.take(contract, place.revision);
    return model === undefined ? undefined : { model, ...place };
  }

  /**
   * How far the contract had been reckoned, if its stream still says so: facts to go on from, or at once what there is to
   * say, where nothing has come and nothing has fallen due since.
   */
  async #remembered(contract: string, day: number): Promise<Place | Reckoned | undefined> {
    const found = this.#recalled.get(contract);
    this.#recalled.delete(contract);
    if (found === undefined || found.reckoning.day > day) return undefined;
    const { revision, eventId, next, reckoning } = found;
    const [last, after] = await this.#eventsFrom(contract, revision);
    if (last?.id !== eventId || last.revision !== revision) return undefined;
    if (after === undefined && (next === undefined || next > day))
      return { revision, missed: [], next, refused: () => undefined };
    const { model } = await foldHistory(this.#store, contract, this.#rules, { upTo: revision, corrected: true });
    model.reckoning = Reckoning.from(reckoning);
    model.takeTouched();
    return { model, revision, eventId };
  }

  /** The event at a revision and the one after it. */
  async #eventsFrom(contract: string, revision: bigint): Promise<readonly StoredEvent[]> {
    for await (const page of this.#store.readStream(streamOf(contract), revision, 'forwards', 2)) return page;
    return [];
  }

  async #readOn(contract: string, from: Place): Promise<Place> {
    let { model, revision, eventId } = from;
    /** A day with a correction: its events are taken in together, once it has ended. */
    let corrected: number | undefined;
    for await (const page of this.#store.readStream(streamOf(contract), revision + 1n))
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
        eventId = stored.id;
      }
    if (corrected !== undefined) model = await this.#refold(contract, model, revision);
    return { model, revision, eventId };
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
