/**
 * The watch: a process manager that notices, day by day, which reports did not come and which deadlines passed, and has the
 * ledger record it. It keeps nothing that may not be lost. Which contracts to look at it asks the read model of obligations, which is
 * made from the streams; what was missed it reckons from the contract's stream; that it was noticed is an event there, whose
 * id is made of what was missed. So it may be stopped, started or run twice at any time: nothing is noticed twice, and what
 * was missed while it stood still is noticed later, unless it had been averted by then.
 */
import type { Clock } from '../clock.js';
import { checkEvent, isRefusal, type IncomingEvent } from '../commands/envelope.js';
import type { ItemResult, Recorder } from '../commands/recorder.js';
import { DAY_MS, dayFromNumber } from '../contract/calendar.js';
import { LEDGER } from '../contract/event-type.js';
import { noticedAt, type Missed } from '../contract/reckoning.js';
import type { Reckoned, Reckoner } from '../subscriptions/reckoner.js';

/** A contract at which there may be something to notice. */
export interface Candidate {
  readonly contract: string;
  readonly revision: number;
}

export interface WatchParts {
  readonly clock: Clock;
  readonly recorder: Pick<Recorder, 'record'>;
  readonly reckoner: Pick<Reckoner, 'reckon' | 'recall' | 'remember'>;
  /** Position of the last event of the store. */
  head(): Promise<bigint | undefined>;
  /** Waits until {@link candidates} knows of all that is recorded up to a position. */
  upTo(position: bigint): Promise<void>;
  /** Contracts to look at by a day (since 1970-01-01), after a contract id, by id, at most `limit`. */
  candidates(day: number, after: string, limit: number): Promise<readonly Candidate[]>;
  /** The first day after `day` on which there will be a contract to look at, as far as is recorded by now. */
  nextDay(day: number): Promise<number | undefined>;
  /** Whether another process is to do it. */
  standsBy(): boolean;
  warn(message: string): void;
}

export interface WatchStatus {
  readonly state: 'live' | 'catching-up' | 'standby' | 'failed';
  /** The last day at whose start all was noticed; `undefined` before the first. */
  readonly through: string | undefined;
  /** Days of the clock since then that have not been looked at; `undefined` before the first pass, when nobody knows. */
  readonly lagDays: number | undefined;
  /** How much it has had recorded since it was started. */
  readonly noticed: number;
  /** What it could not look at; it is tried again. */
  readonly error: { readonly contract: string | null; readonly detail: string } | undefined;
}

const PAGE = 500;
/** Appended together at most: each is small, and others wait for the contract meanwhile. */
const AT_ONCE = 200;
/** How often other writers may be faster before a contract is left for the next pass. */
const MAX_TRIES = 20;

interface Looked {
  readonly revision: number;
  /** The first day (since 1970-01-01) on which there may be something to notice. */
  readonly next: number;
}

export class Watch {
  readonly #parts: WatchParts;
  /** Of the contracts of the last pass: at which revision they were looked at, and when to look again. */
  #looked: ReadonlyMap<string, Looked> = new Map();
  #through: number | undefined;
  /** Where the store stood when it was last looked at, and the first day on which there is anything to look at again. */
  #quiet: { readonly head: bigint | undefined; readonly until: number } | undefined;
  #noticed = 0;
  #error: WatchStatus['error'];
  #running: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #closed = false;
  readonly #closing: Promise<void>;
  #close: () => void = () => undefined;

  constructor(parts: WatchParts) {
    this.#parts = parts;
    this.#closing = new Promise((resolve) => {
      this.#close = resolve;
    });
  }

  /** Looks now, and from then on whenever a day has begun; what failed is tried again. */
  start(everyMs: number): void {
    const tick = async (): Promise<void> => {
      if (this.#through === undefined || this.#through < this.#today() || this.#error !== undefined) await this.pass();
      if (this.#closed) return;
      this.#timer = setTimeout(() => void tick(), everyMs);
      this.#timer.unref();
    };
    void tick();
  }

  /** Has all noticed that was missed by the start of today. One pass follows another. */
  pass(): Promise<void> {
    const pass = this.#running.then(() => (this.#closed ? undefined : this.#pass()));
    this.#running = pass;
    return pass;
  }

  status(): WatchStatus {
    const today = this.#today();
    const lagDays = this.#through === undefined ? undefined : Math.max(0, today - this.#through);
    const state = this.#parts.standsBy()
      ? 'standby'
      : this.#error !== undefined
        ? 'failed'
        : lagDays === undefined || lagDays > 0
          ? 'catching-up'
          : 'live';
    return {
      state,
      through: this.#through === undefined ? undefined : dayFromNumber(this.#through),
      lagDays,
      noticed: this.#noticed,
      error: this.#error,
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#close();
    clearTimeout(this.#timer);
    await this.#running;
  }

  #today(): number {
    return Math.floor(this.#parts.clock.now() / DAY_MS);
  }

  async #pass(): Promise<void> {
    if (this.#parts.standsBy()) return;
    const day = this.#today();
    let failed: WatchStatus['error'];
    try {
      const head = await this.#parts.head();
      // Nothing was recorded since, and nothing falls due before another day.
      if (this.#quiet !== undefined && this.#quiet.head === head && day < this.#quiet.until) {
        this.#through = day;
        return;
      }
      // What is shown may be long in coming: whoever closes the watch does not wait for it.
      if (head !== undefined) await Promise.race([this.#parts.upTo(head), this.#closing]);
      if (this.#closed) return;
      this.#quiet = undefined;
      const looked = new Map<string, Looked>();
      let after = '';
      for (;;) {
        const page = await this.#parts.candidates(day, after, PAGE);
        await this.#parts.reckoner.recall(this.#toLookAt(page, day));
        for (const candidate of page) {
          if (this.#closed) return;
          failed = (await this.#lookAt(candidate, day, looked)) ?? failed;
        }
        await this.#remember();
        if (page.length < PAGE) break;
        after = page.at(-1)!.contract;
      }
      this.#looked = looked;
      if (failed === undefined) this.#quiet = { head, until: await this.#quietUntil(day) };
    } catch (error) {
      failed = { contract: null, detail: messageOf(error) };
    }
    if (failed === undefined) this.#through = day;
    else if (failed.detail !== this.#error?.detail)
      this.#parts.warn(`the watch could not look at ${failed.contract ?? 'the contracts'}: ${failed.detail}`);
    this.#error = failed;
  }

  async #quietUntil(day: number): Promise<number> {
    let until = (await this.#parts.nextDay(day)) ?? Number.POSITIVE_INFINITY;
    for (const { next } of this.#looked.values()) until = Math.min(until, next);
    return until;
  }

  /** What is known of a contract in which nothing has come or fallen due: its row may go on asking to be looked at. */
  #quietOf({ contract, revision }: Candidate, day: number): Looked | undefined {
    const before = this.#looked.get(contract);
    return before !== undefined && before.revision === revision && before.next > day ? before : undefined;
  }

  #toLookAt(page: readonly Candidate[], day: number): readonly string[] {
    return page.filter((candidate) => this.#quietOf(candidate, day) === undefined).map(({ contract }) => contract);
  }

  /** @returns what kept it from looking; the others are looked at all the same */
  async #lookAt(
    { contract, revision }: Candidate,
    day: number,
    looked: Map<string, Looked>,
  ): Promise<WatchStatus['error']> {
    const before = this.#quietOf({ contract, revision }, day);
    try {
      if (before !== undefined) looked.set(contract, before);
      else {
        const { revision: at, next = Number.POSITIVE_INFINITY } = await this.#notice(contract, day);
        looked.set(contract, { revision: Number(at), next });
      }
      return undefined;
    } catch (error) {
      return { contract, detail: messageOf(error) };
    }
  }

  /** Without it the next start costs more, and nothing else. */
  async #remember(): Promise<void> {
    try {
      await this.#parts.reckoner.remember();
    } catch (error) {
      this.#parts.warn(`how far contracts have been reckoned could not be written down: ${messageOf(error)}`);
    }
  }

  /** Has all recorded that is missed on a contract and not noticed yet. @returns how it stands after that */
  async #notice(contract: string, day: number): Promise<Reckoned> {
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      const reckoned = await this.#parts.reckoner.reckon(contract, day);
      const { revision, missed } = reckoned;
      if (missed.length === 0) return reckoned;
      const now = missed.slice(0, AT_ONCE);
      const outcome = await this.#parts.recorder.record(
        contract,
        now.map((each) => eventOf(contract, each)),
        { ifMatch: revision, missed: new Map(now.map(({ id, data }) => [id, data])) },
      );
      // Somebody else recorded something meanwhile: what is missed is reckoned anew.
      if (outcome.kind === 'precondition-failed') continue;
      this.#count(contract, now, outcome.results, reckoned);
    }
    throw new Error(`other writers were faster ${MAX_TRIES} times in a row`);
  }

  #count(contract: string, sent: readonly Missed[], results: readonly ItemResult[], { refused }: Reckoned): void {
    for (const [index, result] of results.entries()) {
      const { id } = sent[index]!;
      if (result.status === 'recorded') this.#noticed += 1;
      else if (result.status === 'refused') {
        // A refusal ends the matter.
        this.#parts.warn(`${contract} refused ${id}: ${result.refusal.detail}`);
        refused(id);
      } else if (result.status === 'failed')
        throw new Error('detail' in result ? result.detail : messageOf(result.error));
    }
  }
}

/** What the ledger says of a miss. @throws Error where that is no event, which would be a mistake of ours */
function eventOf(contract: string, missed: Missed): IncomingEvent {
  const checked = checkEvent(
    {
      specversion: '1.0',
      id: missed.id,
      source: `urn:waybook:party:${LEDGER}`,
      type: missed.type,
      time: noticedAt(missed),
      subject: contract,
      data: missed.data,
    },
    contract,
  );
  if (isRefusal(checked)) throw new Error(`${missed.id} is no event: ${checked.detail}`);
  return checked;
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
