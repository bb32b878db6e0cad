/**
 * Reading a contract's stream as effective events, in memory that does not grow with the stream: in one pass, and in two
 * more where something in it was corrected.
 */
import { dayOf } from '../contract/calendar.js';
import type { EffectiveEvent } from '../contract/event-type.js';
import { CORRECTION } from '../contract/correction.js';
import { ContractModel } from '../contract/model.js';
import type { EventStore, StoredEvent } from '../event-store/event-store.js';
import { decodeEvent, type DecodedEvent } from '../evidence/record.js';
import { StreamVerifier } from '../evidence/stream-verifier.js';
import { Corrections, fromDecoded, streamOf, type FoldRules } from './decoding.js';

export interface HistoryPart {
  /** Up to and with this revision; left out: to the end of the stream. */
  readonly upTo?: bigint;
  /**
   * Whether the event was recorded in the time that is asked about. Positions and recorded times rise within a stream:
   * after the first event for which this is false nothing is looked at.
   */
  readonly recorded?: (event: DecodedEvent) => boolean;
  /** The day asked about, where what happened after it is not folded. Corrections hold whatever their own `time`. */
  readonly on?: string | undefined;
  /** Checks the stream's hashes while reading, as far as it is read. */
  readonly verify?: boolean;
  /** It is known that there is a correction: the pass that hopes for none is left out. */
  readonly corrected?: boolean;
}

/** What is told while a history is folded. */
export interface HistoryListener {
  /** Some events have been folded, the last ones included: what they touched can be taken. */
  readonly page?: (model: ContractModel, events: readonly EffectiveEvent[]) => void | Promise<void>;
  /** A correction was met. All is folded again from the beginning into other facts; what was told so far does not count. */
  readonly again?: () => void;
}

export interface FoldedHistory {
  readonly model: ContractModel;
  /** How many events were folded. */
  readonly count: number;
  /** The last event that was recorded in the time asked about, folded or not. */
  readonly last: DecodedEvent | undefined;
}

/**
 * Folds the effective events of a contract in recorded order.
 *
 * @throws EventStoreError, EvidenceError, ContractError
 */
export async function foldHistory(
  store: EventStore,
  contract: string,
  rules: FoldRules,
  part: HistoryPart,
  listener: HistoryListener = {},
): Promise<FoldedHistory> {
  if (part.corrected !== true) {
    const folded = await fold(store, contract, rules, part, listener, undefined);
    if (folded !== undefined) return folded;
    listener.again?.();
  }
  // The second of these goes no further than the first: what comes meanwhile may be a correction.
  const { corrections, last } = await findCorrections(store, contract, rules, part);
  return (await fold(store, contract, rules, { ...part, upTo: last }, listener, corrections, part.upTo === undefined))!;
}

/** @returns `undefined` where there are corrections and it was not told of them */
async function fold(
  store: EventStore,
  contract: string,
  rules: FoldRules,
  part: HistoryPart,
  listener: HistoryListener,
  corrections: Corrections | undefined,
  whole = part.upTo === undefined,
): Promise<FoldedHistory | undefined> {
  const model = new ContractModel(contract, part.on);
  const verifier = part.verify === true ? new StreamVerifier(streamOf(contract)) : undefined;
  let count = 0;
  let last: DecodedEvent | undefined;
  let ended = false;
  for await (const page of pages(store, contract, part)) {
    const events: EffectiveEvent[] = [];
    for (const stored of page) {
      const decoded = decodeEvent(stored);
      if (part.recorded?.(decoded) === false) {
        ended = true;
        break;
      }
      if (corrections === undefined && stored.type === CORRECTION) return undefined;
      verifier?.check(decoded);
      last = decoded;
      if (part.on !== undefined && stored.type !== CORRECTION && dayOf(decoded.attributes.time) > part.on) continue;
      const read = fromDecoded(decoded, rules);
      const event = corrections === undefined ? read : corrections.apply(read, rules);
      rules.fold(model, event);
      events.push(event);
    }
    count += events.length;
    if (events.length > 0) await listener.page?.(model, events);
    if (ended) break;
  }
  // A stream that is left in the middle may be left within an append, whose last event alone has the root.
  if (!ended && whole) verifier?.finish();
  return { model, count, last };
}

/** Looks at types only, but for corrections. */
async function findCorrections(
  store: EventStore,
  contract: string,
  rules: FoldRules,
  part: HistoryPart,
): Promise<{ readonly corrections: Corrections; readonly last: bigint }> {
  const corrections = new Corrections();
  let last = -1n;
  for await (const page of pages(store, contract, part)) {
    last = page.at(-1)?.revision ?? last;
    for (const stored of page) {
      if (stored.type !== CORRECTION) continue;
      const decoded = decodeEvent(stored);
      if (part.recorded?.(decoded) !== false) corrections.note(fromDecoded(decoded, rules));
    }
  }
  return { corrections, last };
}

function pages(store: EventStore, contract: string, { upTo }: HistoryPart): AsyncIterable<readonly StoredEvent[]> {
  const limit = upTo === undefined ? undefined : Number(upTo) + 1;
  return store.readStream(streamOf(contract), 0n, 'forwards', limit);
}
