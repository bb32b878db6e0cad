/**
 * One round of deciding: as much of the waiting commands of a contract as one append takes, decided on its folded state
 * and sealed, with the results that need no append.
 */
import { decide, evolve, latestTime } from '../contract/contract.js';
import { CORRECTION, correctedName, type EventCorrected } from '../contract/correction.js';
import {
  refuse,
  type ContractEvent,
  type DecisionContext,
  type EventName,
  type ProposedEvent,
  type Refusal,
} from '../contract/event-type.js';
import { MAX_APPEND_BYTES, type EventToAppend } from '../event-store/event-store.js';
import { metadataText, NONCE_BYTES, sealEvent, type SealedEvent } from '../evidence/record.js';
import type { Frontier } from '../evidence/merkle.js';
import { sameContent, type IncomingEvent, type Outside } from './envelope.js';
import type { LoadedContract } from './loaded-contract.js';

export type ItemResult =
  | { readonly status: 'recorded' | 'duplicate'; readonly revision: bigint; readonly position: bigint }
  | { readonly status: 'refused'; readonly refusal: ItemRefusal }
  | { readonly status: 'failed'; readonly code: FailureCode; readonly detail: string }
  | BrokenOff;

/** Not known to be recorded: the contract could not be read or written any further, after items before it were. */
export interface BrokenOff {
  readonly status: 'failed';
  readonly error: unknown;
}

/** Refusals of the decider, and those that come from putting items together. */
export type ItemRefusal =
  Refusal | (Omit<Refusal, 'code'> & { readonly code: 'event-too-large' | 'batch-too-large' | 'atomic-batch-refused' });

/** Not known to be recorded. Sending the same again is safe. */
export type FailureCode = 'contended' | 'store-unavailable' | 'append-outcome-unknown';

export type RecordOutcome =
  | { readonly kind: 'itemised'; readonly results: readonly ItemResult[]; readonly revision: bigint }
  /** `If-Match` names another revision; nothing was recorded. */
  | { readonly kind: 'precondition-failed'; readonly revision: bigint };

/** Events of one contract that were sent together, and what has become of them so far. */
export interface Command {
  readonly events: readonly IncomingEvent[];
  readonly ifMatch: bigint | undefined;
  readonly atomic: boolean;
  /** What the ledger may notice, as reckoned at `ifMatch`. */
  readonly missed: DecisionContext['missed'];
  results: (ItemResult | undefined)[];
  /** Index of the first item that has no result yet. */
  next: number;
  /** Whether If-Match has been looked at and held. */
  matched: boolean;
  readonly settle: (outcome: RecordOutcome) => void;
  readonly fail: (error: unknown) => void;
}

/** One event that has been decided and waits for its append. */
interface Pending {
  /** Of its command, with its place in there. */
  readonly results: (ItemResult | undefined)[];
  readonly index: number;
  readonly incoming: IncomingEvent;
  readonly sealed: SealedEvent;
  /** Without the root that the last event of the append has. */
  readonly metadata: string;
}

/** How far a draft got with a command. */
interface Progress {
  readonly results: (ItemResult | undefined)[];
  next: number;
  matched: boolean;
  unmatched: boolean;
  /** Results that were decided on events that wait for the append: they hold only if it succeeds. */
  resting: Set<number> | undefined;
}

/** What is known of stored events that items repeat or name, by revision. */
export interface Originals {
  /** Where it is, and which of the items under its name have the same content. */
  readonly repeats: Map<number, { readonly position: bigint; readonly same: ReadonlySet<IncomingEvent> }>;
  /** Events that corrections name, as many as one round holds. */
  readonly named: Map<number, ContractEvent<object>>;
}

/** Room for `root` in the metadata of the last event of an append, and for what a store adds to the type. */
const ROOM_BYTES = 128;
const MAX_EVENTS_PER_APPEND = 2_000;

/** Changes the state; rolling it back to `mark` takes back what the draft did. */
export class Draft {
  readonly mark: number;
  readonly pending: Pending[] = [];
  refusals = 0;
  readonly #loaded: LoadedContract;
  readonly #commands: readonly Command[];
  readonly #outside: Outside;
  readonly #originals: Originals;
  readonly #context: Omit<DecisionContext, 'missed'>;
  readonly #recordedtime: string;
  readonly #progress = new Map<Command, Progress>();
  /** After all that waits; known when the append is made. */
  #frontier: Frontier | undefined;
  #bytes = 0;
  #failure: ItemResult | undefined;

  constructor(loaded: LoadedContract, commands: readonly Command[], outside: Outside, originals: Originals) {
    this.#loaded = loaded;
    this.#commands = commands;
    this.#outside = outside;
    this.#originals = originals;
    this.mark = loaded.state.mark();
    const nowMs = outside.clock.now();
    this.#context = { latest: latestTime(nowMs), lookup: (name) => this.#lookUp(name) };
    // Never backwards within a stream, whatever the clocks of several nodes say.
    const now = new Date(nowMs).toISOString();
    this.#recordedtime = now < loaded.recordedtime ? loaded.recordedtime : now;
  }

  decideAll(): void {
    for (const command of this.#commands) {
      const progress: Progress = {
        results: command.results.slice(),
        next: command.next,
        matched: command.matched,
        unmatched: false,
        resting: undefined,
      };
      this.#progress.set(command, progress);
      if (command.atomic ? this.#atomic(command, progress) : this.#items(command, progress)) return;
    }
  }

  /** @returns whether the append is full */
  #items(command: Command, progress: Progress): boolean {
    const { events } = command;
    for (; progress.next < events.length; progress.next += 1) {
      const result = this.#item(command, progress.next, progress);
      if (result === undefined) continue;
      if (result === 'full') return true;
      this.#restsOnPending(progress, progress.next);
      if (result === 'unmatched') {
        progress.unmatched = true;
        return false;
      }
      progress.results[progress.next] = result;
    }
    return false;
  }

  #atomic(command: Command, progress: Progress): boolean {
    const { state } = this.#loaded;
    const { results } = progress;
    const before = { mark: state.mark(), pending: this.pending.length, bytes: this.#bytes, matched: progress.matched };
    const takeBack = () => {
      state.rollback(before.mark);
      // Repeats of what is taken back here repeat nothing.
      const last = BigInt(this.#loaded.revision + before.pending);
      for (const [index, result] of results.entries())
        if (result?.status === 'duplicate' && result.revision > last) results[index] = undefined;
      this.pending.length = before.pending;
      this.#bytes = before.bytes;
      progress.matched = before.matched;
    };
    const refusals = this.refusals;
    for (let index = 0; index < command.events.length; index += 1) {
      const result = this.#item(command, index, progress);
      if (result === 'full') {
        takeBack();
        if (before.pending > 0) return true;
        const detail = `an atomic batch is at most ${MAX_APPEND_BYTES} bytes as stored`;
        const tooLarge: ItemResult = { status: 'refused', refusal: { code: 'batch-too-large', detail, problems: [] } };
        this.refusals += 1;
        for (const item of results.keys()) results[item] = tooLarge;
        progress.next = command.events.length;
        return false;
      }
      if (result !== undefined) this.#restsOnPending(progress, index);
      if (result === 'unmatched') {
        takeBack();
        progress.unmatched = true;
        return false;
      }
      results[index] = result;
    }
    if (this.refusals > refusals) {
      takeBack();
      const refusal = {
        code: 'atomic-batch-refused' as const,
        detail: 'another event of the atomic batch is refused',
        problems: [],
      };
      for (const [index, result] of results.entries())
        if (result === undefined) results[index] = { status: 'refused', refusal };
    }
    progress.next = command.events.length;
    return false;
  }

  /** Decides one item; `undefined` where it now waits for the append. */
  #item(command: Command, index: number, progress: Progress): ItemResult | 'full' | 'unmatched' | undefined {
    const incoming = command.events[index]!;
    const { state } = this.#loaded;
    const { proposed } = incoming;
    const seen = state.seen.get(incoming.name);
    if (seen !== undefined) return this.#repeated(incoming, seen);
    if (command.ifMatch !== undefined && !progress.matched) {
      if (BigInt(this.#revision) !== command.ifMatch) {
        this.refusals += 1;
        return 'unmatched';
      }
    }
    if (this.#mustWait(proposed)) return 'full';
    const { missed } = command;
    const refusal = decide(state, proposed, missed === undefined ? this.#context : { ...this.#context, missed });
    if (refusal !== undefined) return this.#refused(refusal);
    const revision = this.#revision + 1;
    const sealed = sealEvent({
      attributes: incoming.attributes,
      canonicalData: incoming.canonicalData,
      nonce: this.#outside.random(NONCE_BYTES),
      revision,
      recordedtime: this.#recordedtime,
      reporter: proposed.reporter,
      version: incoming.version,
    });
    const metadata = metadataText(sealed);
    const bytes =
      Buffer.byteLength(incoming.canonicalData) + Buffer.byteLength(metadata) + proposed.type.length + ROOM_BYTES;
    if (bytes > MAX_APPEND_BYTES)
      return this.#refused({
        code: 'event-too-large',
        detail: `an event is at most ${MAX_APPEND_BYTES} bytes as stored`,
        problems: [{ pointer: '/data', detail: `must be smaller: the event would have ${bytes} bytes as stored` }],
      });
    if (this.#bytes + bytes > MAX_APPEND_BYTES || this.pending.length >= MAX_EVENTS_PER_APPEND) return 'full';
    this.#bytes += bytes;
    progress.matched = true;
    evolve(state, proposed, revision, incoming.name);
    this.pending.push({ results: progress.results, index, incoming, sealed, metadata });
    return undefined;
  }

  /** The last revision, with what waits. */
  get #revision(): number {
    return this.#loaded.revision + this.pending.length;
  }

  #refused(refusal: ItemRefusal): ItemResult {
    this.refusals += 1;
    return { status: 'refused', refusal };
  }

  #restsOnPending(progress: Progress, index: number): void {
    if (this.pending.length > 0) (progress.resting ??= new Set()).add(index);
  }

  /** The same event again, in the stream or earlier in this append; or its id with other content. */
  #repeated(incoming: IncomingEvent, revision: number): ItemResult {
    const waiting = this.#waiting(revision);
    const stored = this.#originals.repeats.get(revision);
    const same =
      waiting === undefined
        ? stored?.same.has(incoming) === true
        : sameContent(incoming, { attributes: waiting.incoming.attributes, dataText: waiting.incoming.canonicalData });
    if (!same) {
      const detail = 'an event of this id and source is recorded with other content';
      return this.#refused(refuse('event-id-reused', detail, [{ pointer: '/id', detail }]));
    }
    // One that waits gets its position when the append has it.
    return { status: 'duplicate', revision: BigInt(revision), position: stored?.position ?? -1n };
  }

  #lookUp({ id, source }: Required<EventName>): ContractEvent<object> | undefined {
    const revision = this.#loaded.state.seenAt(source, id);
    if (revision === undefined) return undefined;
    const waiting = this.#waiting(revision);
    if (waiting !== undefined) return { ...waiting.incoming.proposed, revision, recordedtime: this.#recordedtime };
    return this.#originals.named.get(revision);
  }

  /** Whether the event that a correction names is stored and was too much to be read for this round. */
  #mustWait(proposed: IncomingEvent['proposed']): boolean {
    if (proposed.type !== CORRECTION) return false;
    const name = correctedName(proposed as ProposedEvent<EventCorrected>);
    const revision = this.#loaded.state.seenAt(name.source, name.id);
    return revision !== undefined && this.#waiting(revision) === undefined && !this.#originals.named.has(revision);
  }

  #waiting(revision: number): Pending | undefined {
    return revision > this.#loaded.revision ? this.pending[revision - this.#loaded.revision - 1] : undefined;
  }

  toAppend(): EventToAppend[] {
    const last = this.pending.length - 1;
    this.#frontier = this.#loaded.frontier.appendAll(this.pending.map(({ sealed }) => sealed.leaf));
    const root = this.#frontier.root();
    return this.pending.map(({ incoming, sealed, metadata }, index) => ({
      id: sealed.id,
      type: incoming.proposed.type,
      data: incoming.canonicalData,
      metadata: index === last ? metadataText(sealed, root) : metadata,
    }));
  }

  /** The append is durable: what it changed stays. */
  appended(position: bigint): void {
    const base = this.#loaded.revision + 1;
    for (let at = 0; at < this.pending.length; at += 1) {
      const { results, index } = this.pending[at]!;
      results[index] = { status: 'recorded', revision: BigInt(base + at), position };
    }
    for (const { results, resting } of this.#progress.values())
      for (const index of resting ?? []) {
        const result = results[index];
        if (result?.status === 'duplicate' && result.position === -1n) results[index] = { ...result, position };
      }
    this.#loaded.state.commit();
    this.#loaded.frontier = this.#frontier!;
    this.#loaded.recordedtime = this.#recordedtime;
    this.#loaded.revision += this.pending.length;
  }

  /** The append came to nothing that is known. What was decided without its events keeps its result. */
  fail(result: ItemResult): void {
    this.#failure = result;
    for (const { results, index } of this.pending) results[index] = result;
    for (const progress of this.#progress.values()) {
      const { results, resting, next, unmatched } = progress;
      if (unmatched && resting?.has(next) === true) progress.unmatched = false;
      for (const index of resting ?? []) results[index] = result;
    }
  }

  /** Hands out what is decided. Commands of which something is left keep it for the next round. */
  settle(loaded: LoadedContract): void {
    for (const [command, { results, next, matched, unmatched }] of this.#progress) {
      if (unmatched) {
        // Whatever came before in this command is a repeat of what was recorded long ago.
        command.next = command.events.length;
        command.settle({ kind: 'precondition-failed', revision: BigInt(loaded.revision) });
        continue;
      }
      // After a failure the rest of a command is not tried: its items may build on those that failed.
      if (this.#failure !== undefined) results.fill(this.#failure, next);
      command.next = this.#failure === undefined ? next : command.events.length;
      command.matched = matched;
      command.results = results;
      if (command.next < command.events.length) continue;
      command.settle({ kind: 'itemised', results: results as ItemResult[], revision: BigInt(loaded.revision) });
    }
  }
}
