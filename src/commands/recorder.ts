/**
 * Recording: load, fold, decide, append, retry, one mailbox per contract.
 *
 * Waiting commands of a contract are decided and appended together. What a decision changed in the folded state is
 * taken back unless its append succeeds. A success is proved by the exact expected revision; a refusal is only final
 * when it was decided on the stream read to its end after the command came.
 */
import { CORRECTION, correctedName, type EventCorrected } from '../contract/correction.js';
import type { ContractEvent } from '../contract/event-type.js';
import { EventStoreError, type EventStore } from '../event-store/event-store.js';
import { decodeEvent, type DecodedEvent } from '../evidence/record.js';
import { ContractCache } from './contract-cache.js';
import { Draft, type Command, type ItemResult, type Originals, type RecordOutcome } from './draft.js';
import { sameContent, type IncomingEvent, type Outside } from './envelope.js';
import { contractEvent, streamOf, type LoadedContract } from './loaded-contract.js';

export type { BrokenOff, FailureCode, ItemRefusal, ItemResult, RecordOutcome } from './draft.js';

export interface RecordOptions {
  /** The revision that the caller believes to be the last. */
  readonly ifMatch?: bigint | undefined;
  /** All or nothing. */
  readonly atomic?: boolean | undefined;
  /**
   * For events of the ledger itself: what it may notice on the stream as it stands at `ifMatch`, data by event id. What is not
   * among it is refused (`nothing-missed`).
   */
  readonly missed?: ReadonlyMap<string, object> | undefined;
}

export interface RecorderOptions {
  /** The store's only writer is this process: what is folded is the whole stream, and refusals need no second look. */
  readonly soleWriter: boolean;
  /** Bytes of folded states kept. */
  readonly cacheBytes?: number;
  /** How much data of events that are to be corrected one round of deciding holds, in characters; one event at least. */
  readonly namedBytes?: number;
  /** Waiting between tries of an append whose outcome is not known, in milliseconds. */
  readonly retryDelaysMs?: readonly number[];
}

interface Mailbox {
  readonly waiting: Command[];
  running: boolean;
}

const MAX_CONFLICTS = 10;
const NAMED_BYTES = 16 * 1024 * 1024;

const ascending = (a: number, b: number): number => a - b;

export class Recorder {
  readonly #store: EventStore;
  readonly #outside: Outside;
  readonly #soleWriter: boolean;
  readonly #retryDelaysMs: readonly number[];
  readonly #cache: ContractCache;
  readonly #namedBytes: number;
  readonly #mailboxes = new Map<string, Mailbox>();

  constructor(store: EventStore, outside: Outside, options: RecorderOptions) {
    this.#store = store;
    this.#outside = outside;
    this.#soleWriter = options.soleWriter;
    this.#retryDelaysMs = options.retryDelaysMs ?? [50, 250, 1_000];
    this.#namedBytes = options.namedBytes ?? NAMED_BYTES;
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
        missed: options.missed,
        results: Array.from<undefined>({ length: events.length }),
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
          // Of what an earlier round has settled the caller must hear.
          if (command.results.some((result) => result !== undefined)) settleFailed(command, error);
          else command.fail(error);
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
   * Reads the stored events that deciding will ask for: those that items may be repeats of, which are compared and let go,
   * and those that corrections name, which are kept up to `namedBytes`. Items past that wait for another round.
   */
  async #lookUp(loaded: LoadedContract, commands: readonly Command[]): Promise<Originals> {
    const { seen } = loaded.state;
    const repeats = new Map<number, IncomingEvent[]>();
    const named = new Set<number>();
    for (const command of commands)
      for (let index = command.next; index < command.events.length; index += 1) {
        const incoming = command.events[index]!;
        const revision = seen.get(incoming.name);
        if (revision !== undefined) {
          const group = repeats.get(revision);
          if (group === undefined) repeats.set(revision, [incoming]);
          else group.push(incoming);
        } else if (incoming.proposed.type === CORRECTION) {
          const name = correctedName(incoming.proposed as unknown as ContractEvent<EventCorrected>);
          const corrected = loaded.state.seenAt(name.source, name.id);
          if (corrected !== undefined) named.add(corrected);
        }
      }
    const originals: Originals = { repeats: new Map(), named: new Map() };
    await this.#read(loaded.contract, [...repeats.keys()].sort(ascending), (stored) => {
      const revision = Number(stored.revision);
      const same = new Set(repeats.get(revision)!.filter((incoming) => sameContent(incoming, stored)));
      originals.repeats.set(revision, { position: stored.position, same });
      return true;
    });
    let bytes = 0;
    await this.#read(loaded.contract, [...named], (stored) => {
      originals.named.set(Number(stored.revision), contractEvent(stored));
      bytes += stored.dataText.length;
      return bytes < this.#namedBytes;
    });
    return originals;
  }

  /** Reads events of a contract, neighbouring revisions together, until `take` says that it is enough. */
  async #read(contract: string, revisions: readonly number[], take: (stored: DecodedEvent) => boolean): Promise<void> {
    for (let at = 0; at < revisions.length;) {
      const from = revisions[at]!;
      const wanted = new Set([from]);
      for (at += 1; at < revisions.length; at += 1) {
        const gap = revisions[at]! - revisions[at - 1]!;
        if (gap < 1 || gap > 16) break;
        wanted.add(revisions[at]!);
      }
      const count = revisions[at - 1]! - from + 1;
      for await (const page of this.#store.readStream(streamOf(contract), BigInt(from), 'forwards', count))
        for (const stored of page) if (wanted.has(Number(stored.revision)) && !take(decodeEvent(stored))) return;
    }
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

/** The rest of a command of which a part is recorded: each item has a result of its own. */
function settleFailed(command: Command, error: unknown): void {
  const failed: ItemResult = { status: 'failed', error };
  const results = command.results.map((result) => result ?? failed);
  const recorded = results.flatMap((result) => ('revision' in result ? [result.revision] : []));
  command.settle({ kind: 'itemised', results, revision: recorded.reduce((a, b) => (a > b ? a : b), -1n) });
}
