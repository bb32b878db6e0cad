/** The sheet on which the story of one contract is written: who sent what, when it happened, and when it was sent. */
import type { ContractAmended } from '../contract/amendment.js';
import { addDays, dayNumber } from '../contract/calendar.js';
import type { ContractRegistered, PartyAdded, PartyRemoved } from '../contract/registration.js';
import type { Party } from './cast.js';
import type { DemoEventType, PayloadOf } from './payloads.js';
import type { Random } from './random.js';

/** When the demo's ledger begins and ends. Both are evenings or midnights in UTC; nothing is sent outside. */
export const DEMO_START = '2012-01-01T00:00:00Z';
export const DEMO_END = '2026-01-16T20:00:00Z';
export const DEMO_LAST_DAY = '2026-01-16';

/** A CloudEvent 1.0 as a client sends it: without what the ledger sets. */
export interface CloudEvent<D = unknown> {
  readonly specversion: '1.0';
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly time: string;
  readonly subject: string;
  readonly onbehalfof?: string;
  readonly data: D;
}

/** One thing that one party's system sends. */
export interface Sending {
  /** UTC day of `at`. */
  readonly day: string;
  /** What the ledger's clock shows when it is sent, RFC 3339. */
  readonly at: string;
  readonly contract: string;
  readonly kind: 'register' | 'event';
  readonly event: CloudEvent;
}

/** How an event is told. Days are `YYYY-MM-DD`. */
export interface Telling {
  readonly by: Party;
  /** The day it happened: the day of the event's `time`. */
  readonly on: string;
  /** Days from then until it is sent; 0 where left out. At a weekend a nightly run waits until Monday. */
  readonly lag?: number;
  /** A routine report, which waits for the weekly run on Friday night. */
  readonly routine?: boolean;
  /** It is sent no earlier than this was. */
  readonly after?: Sent | undefined;
  readonly onBehalfOf?: Party;
  /** The figures of the portfolio hang on it: what would be sent after the demo's end is an error, not left out. */
  readonly required?: boolean;
}

/** What was written down, for what comes after it. */
export interface Sent<T extends DemoEventType = DemoEventType> {
  readonly type: T;
  readonly event: CloudEvent<PayloadOf[T]>;
  readonly by: Party;
  readonly at: string;
  readonly day: string;
}

const kebab = (type: string): string => type.replaceAll(/(?<!^)[A-Z]/g, '-$&').toLowerCase();
const two = (value: number): string => String(value).padStart(2, '0');

/** 0 is Sunday; 1970-01-01 was a Thursday. */
const weekdayOf = (day: string): number => (dayNumber(day) + 4) % 7;
const SATURDAY = 6;
const FRIDAY = 5;

/** That day, or the next on which an office works. */
function workday(day: string): string {
  const weekday = weekdayOf(day);
  return weekday === SATURDAY ? addDays(day, 2) : weekday === 0 ? addDays(day, 1) : day;
}

/** That day, or the next Friday. */
const friday = (day: string): string => addDays(day, (FRIDAY - weekdayOf(day) + 7) % 7);

export class Script {
  readonly contract: string;
  readonly sent: Sent[] = [];
  readonly #random: Random;
  /** From when on a party is on the contract, and until when. Instants. */
  readonly #joined = new Map<string, string>();
  readonly #left = new Map<string, string>();

  /** When all of it is sent, where it was imported long after it had happened. */
  readonly #importedAt: string | undefined;

  /** @param importedAt the instant at which everything is sent, whenever it happened; left out where it is sent as it happens */
  constructor(contract: string, random: Random, importedAt?: string) {
    this.contract = contract;
    this.#random = random;
    this.#importedAt = importedAt;
  }

  /**
   * Writes an event down. What a party reports before it is on the contract is sent once it is; what it would send after
   * it has left, or after the demo's end, is not sent; the same for the party it reports for.
   *
   * @returns `undefined` where it is not sent
   * @throws RangeError for a required event that would not be sent
   */
  send<T extends DemoEventType>(type: T, telling: Telling, data: PayloadOf[T]): Sent<T> | undefined {
    const { by, on, after, onBehalfOf } = telling;
    const at = this.#sendingTime(telling);
    if (at > DEMO_END || this.#hasLeft(by, at) || (onBehalfOf !== undefined && this.#hasLeft(onBehalfOf, at))) {
      if (telling.required === true) throw new RangeError(`${this.contract}: ${type} of ${on} would not be sent`);
      return undefined;
    }
    // Before the hour at which the party's system sends, so that nothing is told before it happened.
    const hour = this.#random.int(by.sends === 'noon' ? 1 : 6, by.sends === 'noon' ? 11 : 19);
    const event: CloudEvent<PayloadOf[T]> = {
      specversion: '1.0',
      id:
        type === 'ContractRegistered' ? 'registration' : `${kebab(type)}-${String(this.sent.length).padStart(4, '0')}`,
      source: `urn:waybook:party:${by.id}${by.system === undefined ? '' : `:${by.system}`}`,
      type,
      time:
        type === 'ContractRegistered' ? `${on}T00:00:00Z` : `${on}T${two(hour)}:${two(this.#random.int(0, 59))}:00Z`,
      subject: this.contract,
      ...(onBehalfOf === undefined ? {} : { onbehalfof: onBehalfOf.id }),
      data,
    };
    if (after !== undefined && at < after.at) throw new RangeError(`${this.contract}: ${type} comes before its cause`);
    const sent: Sent<T> = { type, event, by, at, day: at.slice(0, 10) };
    this.sent.push(sent);
    this.#noteParties(sent);
    return sent;
  }

  /** Whether the party could send something on that day. */
  has(party: Party, day: string): boolean {
    const joined = this.#joined.get(party.id);
    const left = this.#left.get(party.id);
    return joined !== undefined && joined.slice(0, 10) <= day && (left === undefined || day < left.slice(0, 10));
  }

  /** Whether the party is or was on the contract on that day, so that others may name it. */
  knows(party: Party, day: string): boolean {
    const joined = this.#joined.get(party.id);
    return joined !== undefined && joined.slice(0, 10) <= day;
  }

  sendings(): Sending[] {
    return this.sent.map(({ type, event, at, day }) => ({
      day,
      at,
      contract: this.contract,
      kind: type === 'ContractRegistered' ? 'register' : 'event',
      event,
    }));
  }

  #hasLeft(party: Party, at: string): boolean {
    const left = this.#left.get(party.id);
    return left !== undefined && at >= left;
  }

  #sendingTime({ by, on, lag = 0, routine = false, after, onBehalfOf }: Telling): string {
    if (this.#importedAt !== undefined) return this.#importedAt;
    const wanted = addDays(on, lag);
    const night = routine ? friday(wanted) : workday(wanted);
    const at = by.sends === 'noon' ? `${wanted}T12:00:00Z` : `${night}T20:00:00Z`;
    const earliest = [after?.at, this.#joined.get(by.id), this.#joined.get(onBehalfOf?.id ?? ''), this.sent[0]?.at];
    return earliest.reduce<string>(
      (latest, instant) => (instant !== undefined && instant > latest ? instant : latest),
      at,
    );
  }

  #noteParties({ type, event, at }: Sent): void {
    if (type === 'AmendmentAgreed') {
      const { amendment } = event.data as ContractAmended;
      const amended = this.sent.map((sent) => sent.event.data as ContractAmended);
      const named = amended.find((data) => data.amendment === amendment && data.adjudicators !== undefined);
      for (const { party } of named?.adjudicators ?? []) this.#joined.set(party, at);
    }
    if (type === 'ContractRegistered')
      for (const { party } of (event.data as ContractRegistered).parties) this.#joined.set(party, at);
    else if (type === 'PartyAdded') this.#joined.set((event.data as PartyAdded).party, at);
    else if (type === 'PartyRemoved') this.#left.set((event.data as PartyRemoved).party, at);
  }
}
