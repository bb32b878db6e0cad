/** Reading a contract's stream as effective events, in two passes and in memory that does not grow with the stream. */
import type { EffectiveEvent } from '../contract/event-type.js';
import { ContractModel } from '../contract/model.js';
import type { EventStore, StoredEvent } from '../event-store/event-store.js';
import { decodeEvent, type DecodedEvent } from '../evidence/record.js';
import { StreamVerifier } from '../evidence/stream-verifier.js';
import { CORRECTION, Corrections, fromDecoded, streamOf, type FoldRules } from './decoding.js';

/** How many bytes of a stream are kept from the first pass for the second; what is longer is read again. */
const KEPT_BYTES = 16 * 1024 * 1024;

export interface HistoryPart {
  /** Up to and with this revision; left out: to the end of the stream. */
  readonly upTo?: bigint;
  /**
   * Whether the event was recorded in the time that is asked about. Positions and recorded times rise within a stream:
   * after the first event for which this is false nothing is looked at.
   */
  readonly recorded?: (event: DecodedEvent) => boolean;
  /** Which of those are folded. Corrections decide whether they are among them or not. */
  readonly folded?: (event: DecodedEvent) => boolean;
  /** Checks the stream's hashes while reading, as far as it is read. */
  readonly verify?: boolean;
}

export interface FoldedHistory {
  readonly model: ContractModel;
  /** How many events were folded. */
  readonly count: number;
  /** The last event that was recorded in the time asked about, folded or not. */
  readonly last: DecodedEvent | undefined;
}

/**
 * Folds the effective events of a contract in recorded order. `onPage` is called after some events have been folded,
 * and after the last ones, to take what they touched.
 *
 * @throws EventStoreError, EvidenceError, ContractError
 */
export async function foldHistory(
  store: EventStore,
  contract: string,
  rules: FoldRules,
  part: HistoryPart,
  onPage: (model: ContractModel, events: readonly EffectiveEvent[]) => void | Promise<void> = () => undefined,
): Promise<FoldedHistory> {
  const { corrections, kept } = await findCorrections(store, contract, rules, part);
  const model = new ContractModel(contract);
  const verifier = part.verify === true ? new StreamVerifier(streamOf(contract)) : undefined;
  let count = 0;
  let last: DecodedEvent | undefined;
  let ended = false;
  for await (const page of kept ?? pages(store, contract, part)) {
    const events: EffectiveEvent[] = [];
    for (const stored of page) {
      const decoded = decodeEvent(stored);
      if (part.recorded?.(decoded) === false) {
        ended = true;
        break;
      }
      verifier?.check(decoded);
      last = decoded;
      if (part.folded?.(decoded) === false) continue;
      const event = corrections.apply(fromDecoded(decoded, rules), rules);
      rules.fold(model, event);
      events.push(event);
    }
    count += events.length;
    if (events.length > 0) await onPage(model, events);
    if (ended) break;
  }
  // A stream that is left in the middle may be left within an append, whose last event alone has the root.
  if (!ended && part.upTo === undefined) verifier?.finish();
  return { model, count, last };
}

/** The first pass looks at types only. What it read is kept for the second one where that is not too much. */
async function findCorrections(
  store: EventStore,
  contract: string,
  rules: FoldRules,
  part: HistoryPart,
): Promise<{ corrections: Corrections; kept: readonly (readonly StoredEvent[])[] | undefined }> {
  const corrections = new Corrections();
  let kept: (readonly StoredEvent[])[] | undefined = [];
  let bytes = 0;
  for await (const page of pages(store, contract, part)) {
    for (const stored of page) {
      bytes += stored.data.length + stored.metadata.length;
      if (stored.type !== CORRECTION) continue;
      const decoded = decodeEvent(stored);
      if (part.recorded?.(decoded) !== false) corrections.note(fromDecoded(decoded, rules));
    }
    if (bytes > KEPT_BYTES) kept = undefined;
    kept?.push(page);
  }
  return { corrections, kept };
}

function pages(store: EventStore, contract: string, { upTo }: HistoryPart): AsyncIterable<readonly StoredEvent[]> {
  const limit = upTo === undefined ? undefined : Number(upTo) + 1;
  return store.readStream(streamOf(contract), 0n, 'forwards', limit);
}
