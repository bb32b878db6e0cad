/**
 * Recording: load, fold, decide, append, retry, one mailbox per contract.
 *
 * Waiting commands of a contract are decided and appended together. What a decision changed in the folded state is
 * taken back unless its append succeeds. A success is proved by the exact expected revision; a refusal is only final
 * when it was decided on the stream read to its end after the command came.
 */
import { correctedName, type EventCorrected } from '../contract/correction.js';
import { decide, evolve } from '../contract/contract.js';
import { refuse, type ContractEvent, type Lookup, type Refusal } from '../contract/event-type.js';
import { EventStoreError, MAX_APPEND_BYTES, type EventStore, type EventToAppend } from '../event-store/event-store.js';
import { decodeEvent, metadataText, sealEvent, type DecodedEvent } from '../evidence/record.js';
import type { Frontier } from '../evidence/merkle.js';
import { sameContent, type IncomingEvent, type Outside } from './envelope.js';
import { ContractCache } from './contract-cache.js';
import { contractEvent, streamOf, type LoadedContract } from './loaded-contract.js';

export type ItemResult =
  | { readonly status: 'recorded' | 'duplicate'; readonly revision: bigint; readonly position: bigint }
  | { readonly status: 'refused'; readonly refusal: ItemRefusal }
  | { readonly status: 'failed'; readonly code: FailureCode; readonly detail: string };

/** Refusals of the decider, and those that come from putting items together. */
export type ItemRefusal =
  Refusal | (Omit<Refusal, 'code'> & { readonly code: 'event-too-large' | 'batch-too-large' | 'atomic-batch-refused' });

/** Not known to be recorded. Sending the same again is safe. */
export type FailureCode = 'contended' | 'store-unavailable' | 'append-outcome-unknown';

export type RecordOutcome =
  | { readonly kind: 'itemised'; readonly results: readonly ItemResult[]; readonly revision: bigint }
  /** `If-Match` names another revision; nothing was recorded. */
  | { readonly kind: 'precondition-failed'; readonly revision: bigint };

export interface RecordOptions {
  /** The revision that the caller believes to be the last. */
  readonly ifMatch?: bigint | undefined;
  /** All or nothing. */
  readonly atomic?: boolean | undefined;
}

export interface RecorderOptions {
  /** The store's only writer is this process: what is folded is the whole stream, and refusals need no second look. */
  readonly soleWriter: boolean;
  /** Bytes of folded states kept. */
  readonly cacheBytes?: number;
  /** Waiting between tries of an append whose outcome is not known, in milliseconds. */
  readonly retryDelaysMs?: readonly number[];
}

interface Command {
  readonly events: readonly IncomingEvent[];
  readonly ifMatch: bigint | undefined;
  readonly atomic: boolean;
  readonly results: (ItemResult | undefined)[];
  /** Index of the first item that has no result yet. */
  next: number;
  /** Whether If-Match has been looked at and held. */
  matched: boolean;
  readonly settle: (outcome: RecordOutcome) => void;
  readonly fail: (error: unknown) => void;
}

interface Mailbox {
  readonly waiting: Command[];
  running: boolean;
}

/** One event that has been decided and waits for its append. */
interface Pending {
  readonly command: Command;
  readonly index: number;
  readonly incoming: IncomingEvent;
  readonly event: ContractEvent<object>;
  readonly stored: {
    readonly id: string;
    readonly type: string;
    readonly data: string;
    readonly record: string;
    readonly nonce: string;
  };
}

/** How far a draft got with a command. */
interface Progress {
  next: number;
  matched: boolean;
  unmatched: boolean;
}

const MAX_CONFLICTS = 10;
const NONCE_BYTES = 16;
/** Room for `root` in the metadata of the last event of an append. */
const ROOT_BYTES = 60;
const MAX_EVENTS_PER_APPEND = 2_000;

export class Recorder {
  readonly #store: EventStore;
  readonly #outside: Outside;
  readonly #soleWriter: boolean;
  readonly #retryDelaysMs: readonly number[];
  readonly #cache: ContractCache;
  readonly #mailboxes = new Map<string, Mailbox>();

  constructor(store: EventStore, outside: Outside, options: RecorderOptions) {
    this.#store = store;
    this.#outside = outside;
    this.#soleWriter = options.soleWriter;
    this.#retryDelaysMs = options.retryDelaysMs ?? [50, 250, 1_000];
    this.#cache = new ContractCache(options.cacheBytes ?? 128 * 1024 * 1024);
  }

  /**
   * Records events of one contract in their order.
   * @throws EvidenceError, ContractError, EventStoreError where the contract's stream cannot be read or does not hold
   */
  record(contract: string, events: readonly IncomingEvent[], options: RecordOptions = {}): Promise<RecordOutcome> {
    return new Promise((settle, fail) => {
      let mailbox = this.#mailboxes.get(contract);
      if (mailbox === undefined) this.#mailboxes.set(contract, (mailbox = { waiting: [], running: false }));
      mailbox.waiting.push({
        events,
        ifMatch: options.ifMatch,
        atomic: options.atomic ?? false,
        results: events.map(() => undefined),
        next: 0,
        matched: false,
        settle,
        fail,
      });
      if (!mailbox.running) void this.#run(contract, mailbox);
    });
  }

  /** Forgets what is folded of a contract, so that it is read anew. */
  forget(contract: string): void {
    this.#cache.delete(contract);
  }

  async #run(contract: string, mailbox: Mailbox): Promise<void> {
    mailbox.running = true;
    // Commands of the same tick are decided together.
    await Promise.resolve();
    while (mailbox.waiting.length > 0) {
      const commands = [...mailbox.waiting];
      try {
        await this.#round(contract, commands);
      } catch (error) {
        this.#cache.delete(contract);
        for (const command of commands) {
          command.next = command.events.length;
          command.fail(error);
        }
      }
      const open = mailbox.waiting.filter((command) => command.next < command.events.length);
      mailbox.waiting.splice(0, mailbox.waiting.length, ...open);
    }
    mailbox.running = false;
    this.#mailboxes.delete(contract);
  }

  /** Decides as much of the commands as one append takes, appends it, and settles what is done. */
  async #round(contract: string, commands: readonly Command[]): Promise<void> {
    for (let conflicts = 0; ; conflicts += 1) {
      const cached = this.#cache.get(contract);
      const loaded = cached ?? (await this.#cache.load(contract, this.#store));
      let fresh = this.#soleWriter || cached === undefined;
      let draft = await this.#draft(loaded, commands);
      if (draft.refusals > 0 && !fresh) {
        loaded.state.rollback(draft.mark);
        await loaded.readOn(this.#store);
        fresh = true;
        draft = await this.#draft(loaded, commands);
      }
      const outcome = draft.pending.length === 0 ? 'nothing' : await this.#append(loaded, draft);
      if (outcome === 'conflict' && conflicts + 1 < MAX_CONFLICTS) continue;
      if (outcome === 'conflict')
        draft.fail({
          status: 'failed',
          code: 'contended',
          detail: 'other writers were faster ten times in a row; send it again',
        });
      draft.settle(loaded);
      this.#cache.trim();
      return;
    }
  }

  async #draft(loaded: LoadedContract, commands: readonly Command[]): Promise<Draft> {
    const originals = await this.#lookUp(loaded, commands);
    const draft = new Draft(loaded, commands, this.#outside, originals);
    draft.decideAll();
    return draft;
  }

  /**
   * Reads the stored events that deciding will ask for: those that items may be repeats of, and those that corrections
   * name. Neighbouring revisions are read together.
   */
  async #lookUp(loaded: LoadedContract, commands: readonly Command[]): Promise<Map<number, DecodedEvent>> {
    const wanted = new Set<number>();
    const want = (revision: number | undefined) => {
      if (revision !== undefined) wanted.add(revision);
    };
    for (const command of commands)
      for (let index = command.next; index < command.events.length; index += 1) {
        const { proposed } = command.events[index]!;
        want(loaded.state.seenAt(proposed.source, proposed.id));
        if (proposed.type !== 'EventCorrected') continue;
        const name = correctedName(proposed as unknown as ContractEvent<EventCorrected>);
        want(loaded.state.seenAt(name.source, name.id));
      }
    const found = new Map<number, DecodedEvent>();
    if (wanted.size === 0) return found;
    const revisions = [...wanted].sort((a, b) => a - b);
    for (let at = 0; at < revisions.length;) {
      let last = at;
      while (last + 1 < revisions.length && revisions[last + 1]! - revisions[last]! <= 16) last += 1;
      const from = revisions[at]!;
      const count = revisions[last]! - from + 1;
      for await (const page of this.#store.readStream(streamOf(loaded.contract), BigInt(from), 'forwards', count))
        for (const stored of page)
          if (wanted.has(Number(stored.revision))) found.set(Number(stored.revision), decodeEvent(stored));
      at = last + 1;
    }
    return found;
  }

  async #append(loaded: LoadedContract, draft: Draft): Promise<'appended' | 'conflict' | 'failed'> {
    const expected = loaded.revision === -1 ? 'no-stream' : BigInt(loaded.revision);
    const events = draft.toAppend();
    for (let attempt = 0; ; attempt += 1) {
      try {
        const result = await this.#store.append(streamOf(loaded.contract), expected, events);
        draft.appended(result.position);
        return 'appended';
      } catch (error) {
        const code = error instanceof EventStoreError ? error.code : undefined;
        if (code === 'store-unavailable' || code === 'append-outcome-unknown') {
          const delay = this.#retryDelaysMs[attempt];
          if (delay !== undefined) {
            await new Promise((resolve) => setTimeout(resolve, delay));
            continue;
          }
          // Whether it was stored is not known; the next command reads the stream before it decides anything.
          this.#cache.delete(loaded.contract);
          loaded.state.rollback(draft.mark);
          draft.fail({ status: 'failed', code, detail: 'not known to be recorded; send the same again' });
          return 'failed';
        }
        loaded.state.rollback(draft.mark);
        if (code !== 'wrong-expected-revision') throw error;
        await loaded.readOn(this.#store);
        return 'conflict';
      }
    }
  }
}

/** One round of deciding: results found, and events that wait for the append. Changes the state; `mark` takes it back. */
class Draft {
  readonly mark: number;
  readonly pending: Pending[] = [];
  refusals = 0;
  readonly #loaded: LoadedContract;
  readonly #commands: readonly Command[];
  readonly #outside: Outside;
  readonly #originals: ReadonlyMap<number, DecodedEvent>;
  readonly #now: number;
  readonly #recordedtime: string;
  readonly #results = new Map<Command, (ItemResult | undefined)[]>();
  readonly #done = new Map<Command, Progress>();
  #frontier: Frontier;
  #bytes = 0;
  #failure: ItemResult | undefined;
  /** Results that were decided on events that waited for the append: they hold only if it succeeds. */
  readonly #resting = new Map<Command, Set<number>>();

  constructor(
    loaded: LoadedContract,
    commands: readonly Command[],
    outside: Outside,
    originals: ReadonlyMap<number, DecodedEvent>,
  ) {
    this.#loaded = loaded;
    this.#commands = commands;
    this.#outside = outside;
    this.#originals = originals;
    this.#frontier = loaded.frontier;
    this.mark = loaded.state.mark();
    this.#now = outside.clock.now();
    // Never backwards within a stream, whatever the clocks of several nodes say.
    const now = new Date(this.#now).toISOString();
    this.#recordedtime = now < loaded.recordedtime ? loaded.recordedtime : now;
  }

  decideAll(): void {
    for (const command of this.#commands) {
      const results = [...command.results];
      const done = { next: command.next, matched: command.matched, unmatched: false };
      this.#results.set(command, results);
      this.#done.set(command, done);
      const full = command.atomic ? this.#atomic(command, results, done) : this.#items(command, results, done);
      if (full) return;
    }
  }

  /** @returns whether the append is full */
  #items(command: Command, results: (ItemResult | undefined)[], done: Progress): boolean {
    for (; done.next < command.events.length; done.next += 1) {
      const result = this.#item(command, done.next, done);
      if (result === 'full') return true;
      if (result !== undefined) this.#restsOnPending(command, done.next);
      if (result === 'unmatched') {
        done.unmatched = true;
        return false;
      }
      results[done.next] = result;
    }
    return false;
  }

  #atomic(command: Command, results: (ItemResult | undefined)[], done: Progress): boolean {
    const { state } = this.#loaded;
    const before = { mark: state.mark(), pending: this.pending.length, frontier: this.#frontier, bytes: this.#bytes };
    const takeBack = () => {
      state.rollback(before.mark);
      this.pending.length = before.pending;
      this.#frontier = before.frontier;
      this.#bytes = before.bytes;
    };
    const refusals = this.refusals;
    for (let index = 0; index < command.events.length; index += 1) {
      const result = this.#item(command, index, done);
      if (result === 'full') {
        takeBack();
        if (before.pending > 0) return true;
        const refusal = {
          code: 'batch-too-large' as const,
          detail: `an atomic batch is at most ${MAX_APPEND_BYTES} bytes as stored`,
          problems: [],
        };
        for (const item of results.keys()) results[item] = { status: 'refused', refusal };
        break;
      }
      if (result !== undefined) this.#restsOnPending(command, index);
      if (result === 'unmatched') {
        takeBack();
        done.unmatched = true;
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
    done.next = command.events.length;
    return false;
  }

  /** Decides one item; `undefined` where it now waits for the append. */
  #item(command: Command, index: number, done: { matched: boolean }): ItemResult | 'full' | 'unmatched' | undefined {
    const incoming = command.events[index]!;
    const { state } = this.#loaded;
    const { proposed } = incoming;
    const seen = state.seenAt(proposed.source, proposed.id);
    if (seen !== undefined) return this.#repeated(incoming, seen);
    if (command.ifMatch !== undefined && !done.matched) {
      if (BigInt(this.#revision) !== command.ifMatch) {
        this.refusals += 1;
        return 'unmatched';
      }
      done.matched = true;
    }
    const refusal = decide(state, proposed, { now: this.#now, lookup: this.#lookup });
    if (refusal !== undefined) return this.#refused(refusal);
    const revision = this.#revision + 1;
    const sealed = sealEvent({
      attributes: incoming.attributes,
      canonicalData: incoming.canonicalData,
      nonce: this.#outside.random(NONCE_BYTES),
      revision: BigInt(revision),
      recordedtime: this.#recordedtime,
      reporter: proposed.reporter,
      version: incoming.version,
    });
    const bytes = storedBytes(incoming, sealed.record);
    if (bytes > MAX_APPEND_BYTES)
      return this.#refused({
        code: 'event-too-large',
        detail: `an event is at most ${MAX_APPEND_BYTES} bytes as stored`,
        problems: [],
      });
    if (this.#bytes + bytes > MAX_APPEND_BYTES || this.pending.length >= MAX_EVENTS_PER_APPEND) return 'full';
    this.#bytes += bytes;
    evolve(state, proposed, revision);
    this.#frontier = this.#frontier.append(sealed.leaf);
    this.pending.push({
      command,
      index,
      incoming,
      event: { ...proposed, revision, recordedtime: this.#recordedtime },
      stored: {
        id: sealed.id,
        type: proposed.type,
        data: incoming.canonicalData,
        record: sealed.record,
        nonce: sealed.nonce,
      },
    });
    return undefined;
  }

  get #revision(): number {
    return this.#loaded.revision + this.pending.length;
  }

  #refused(refusal: ItemRefusal): ItemResult {
    this.refusals += 1;
    return { status: 'refused', refusal };
  }

  #restsOnPending(command: Command, index: number): void {
    if (this.pending.length === 0) return;
    let resting = this.#resting.get(command);
    if (resting === undefined) this.#resting.set(command, (resting = new Set()));
    resting.add(index);
  }

  /** The same event again, in the stream or earlier in this append; or its id with other content. */
  #repeated(incoming: IncomingEvent, revision: number): ItemResult {
    const waiting = this.#waiting(revision);
    const stored = this.#originals.get(revision);
    const same =
      waiting === undefined
        ? stored !== undefined && sameContent(incoming, stored)
        : sameContent(incoming, { attributes: waiting.incoming.attributes, dataText: waiting.incoming.canonicalData });
    if (!same) {
      const detail = 'an event of this id and source is recorded with other content';
      return this.#refused(refuse('event-id-reused', detail, [{ pointer: '/id', detail }]));
    }
    // One that waits gets its position when the append has it.
    return { status: 'duplicate', revision: BigInt(revision), position: stored?.position ?? -1n };
  }

  readonly #lookup: Lookup = ({ id, source }) => {
    const revision = this.#loaded.state.seenAt(source, id);
    if (revision === undefined) return undefined;
    const waiting = this.#waiting(revision);
    if (waiting !== undefined) return waiting.event;
    const stored = this.#originals.get(revision);
    return stored === undefined ? undefined : contractEvent(stored);
  };

  #waiting(revision: number): Pending | undefined {
    return revision > this.#loaded.revision ? this.pending[revision - this.#loaded.revision - 1] : undefined;
  }

  toAppend(): EventToAppend[] {
    const last = this.pending.length - 1;
    return this.pending.map(({ stored }, index) => ({
      id: stored.id,
      type: stored.type,
      data: stored.data,
      metadata: metadataText(stored, index === last ? this.#frontier.root() : undefined),
    }));
  }

  /** The append is durable: what it changed stays. */
  appended(position: bigint): void {
    const base = this.#loaded.revision + 1;
    for (const [at, { command, index }] of this.pending.entries())
      this.#results.get(command)![index] = { status: 'recorded', revision: BigInt(base + at), position };
    for (const results of this.#results.values())
      for (const [index, result] of results.entries())
        if (result?.status === 'duplicate' && result.position === -1n) results[index] = { ...result, position };
    this.#loaded.state.commit();
    this.#loaded.frontier = this.#frontier;
    this.#loaded.recordedtime = this.#recordedtime;
    this.#loaded.revision += this.pending.length;
  }

  /** The append came to nothing that is known. What was decided without its events keeps its result. */
  fail(result: ItemResult): void {
    this.#failure = result;
    for (const { command, index } of this.pending) this.#results.get(command)![index] = result;
    for (const [command, results] of this.#results) {
      const resting = this.#resting.get(command);
      const done = this.#done.get(command)!;
      if (done.unmatched && resting?.has(done.next) === true) done.unmatched = false;
      for (const [index, found] of results.entries())
        if (resting?.has(index) === true || (found?.status === 'duplicate' && found.position === -1n))
          results[index] = result;
    }
  }

  /** Hands out what is decided. Commands of which something is left keep it for the next round. */
  settle(loaded: LoadedContract): void {
    for (const command of this.#commands) {
      const results = this.#results.get(command);
      const done = this.#done.get(command);
      if (results === undefined || done === undefined) continue;
      if (done.unmatched) {
        // Whatever came before in this command is a repeat of what was recorded long ago.
        command.next = command.events.length;
        command.settle({ kind: 'precondition-failed', revision: BigInt(loaded.revision) });
        continue;
      }
      // After a failure the rest of a command is not tried: its items may build on those that failed.
      if (this.#failure !== undefined) results.fill(this.#failure, done.next);
      command.next = this.#failure === undefined ? done.next : command.events.length;
      command.matched = done.matched;
      for (const [index, result] of results.entries()) command.results[index] = result;
      if (command.next < command.events.length) continue;
      command.settle({ kind: 'itemised', results: results as ItemResult[], revision: BigInt(loaded.revision) });
    }
  }
}

function storedBytes(incoming: IncomingEvent, record: string): number {
  // The record is escaped once more inside the metadata: each quote and backslash takes a byte more.
  let escapes = 0;
  for (let at = record.indexOf('"'); at !== -1; at = record.indexOf('"', at + 1)) escapes += 2;
  return (
    Buffer.byteLength(incoming.canonicalData) +
    Buffer.byteLength(record) +
    escapes +
    incoming.attributes.type.length +
    64 +
    ROOT_BYTES
  );
}
