/**
 * The facts of a contract, folded from its effective events: what the read models are computed from. The family files
 * fill it in (`fold`), `schedule-arithmetic.ts` and `delivery-arithmetic.ts` compute from it, the projections turn it
 * into rows. Nothing in it depends on the day that is asked about.
 *
 * It changes in place and notes what it touched, so that a batch of events writes only the rows that changed.
 */
import { compareInstants } from './calendar.js';
import type { AmendmentData } from './amendment.js';
import type { DelayFacts, DeterminationFacts } from './delay.js';
import type { CorrectedDate, StatedDates } from './corrected-dates.js';
import { AcceptedQuantity, CarriedQuantity } from './delivery-arithmetic.js';
import type { DiscrepancyFacts } from './discrepancy.js';
import type { DisputeFacts, EvidenceSubmitted } from './dispute.js';
import {
  nameOf,
  nameText,
  type CorrectionName,
  type EffectiveEvent,
  type EventName,
  type OpenedKind,
  type PortfolioPart,
  type Role,
} from './event-type.js';
import { IdTable, NameKey } from './id-table.js';
import type { MissedReport, OwingByKey } from './obligations.js';
import type { PaymentFacts, SettlementFacts, StatementFacts } from './payment.js';
import type { CheckFacts, LineQuality, NonconformanceFacts } from './quality.js';
import { Reckoning } from './reckoning.js';
import type { ContractTerms, LineTerms, MilestoneTerms, PartyEntry } from './registration.js';
import type { MilestoneDates } from './schedule-arithmetic.js';
import type { ShipmentEventFacts, ShipmentFacts } from './shipment.js';
import type { InForce, MilestoneInForce } from './terms-in-force.js';

/** Where an event stands in its contract: by `time`, then by `revision`. */
export interface Stand {
  readonly time: string;
  readonly revision: number;
}

export interface RegistrationFacts {
  readonly by: string;
  readonly revision: number;
  readonly event: Required<EventName>;
  readonly title: string;
  readonly reference: string;
  readonly programme: string;
  readonly signedOn: string;
  readonly value: { readonly amount: string; readonly currency: string };
  readonly terms: ContractTerms;
  readonly lines: readonly LineTerms[];
  readonly milestones: readonly MilestoneTerms[];
  readonly recordedtime: string;
  readonly correctedBy: CorrectionName | undefined;
}

export interface AmendmentFacts extends Stand {
  readonly amendment: string;
  readonly by: string;
  readonly side: 'buyer' | 'seller';
  readonly onBehalfOf: string | undefined;
  readonly event: Required<EventName>;
  readonly recordedtime: string;
  readonly data: AmendmentData;
  /** Who of buyer and seller recorded agreement. */
  readonly agreedBy: Map<string, { readonly time: string; readonly recordedtime: string; readonly revision: number }>;
  /** The agreement that made it binding. */
  agreement: { readonly time: string; readonly recordedtime: string; readonly revision: number } | undefined;
  /** Who of buyer and seller recorded a refusal. */
  readonly refusedBy: Set<string>;
  refusedAt: string | undefined;
}

/** A date stated for a milestone, in `ForecastRevised` or `DelayReported`. */
export interface ForecastFacts extends Stand {
  readonly event: Required<EventName>;
  readonly by: string;
  readonly onBehalfOf: string | undefined;
  /** Whose statement it is. */
  readonly party: string;
  readonly recordedtime: string;
  readonly to: string;
  /** `PARTY/ID` of the delay it was reported with. */
  readonly delay: string | undefined;
  /** Stated by seller or prime: it moves the forecast whoever is responsible. */
  readonly counts: boolean;
  /** By a party that who delivers took out, and the buyer brought back: it does not count either where that is responsible. */
  readonly isOut: boolean;
  readonly correctedBy: CorrectionName | undefined;
}

export interface ReachedFacts extends Stand {
  /** By a party that who delivers took out, and the buyer brought back. */
  readonly isOut: boolean;
  readonly party: string;
  readonly buyer: boolean;
  /** Recorded for the party by another. */
  readonly secondHand: boolean;
  readonly on: string;
}

/** What was said about one milestone id, whether or not the milestone has been agreed yet. */
export interface MilestoneFacts {
  /** Counts what was said, so that the dates are computed once for each. */
  version: number;
  readonly forecasts: ForecastFacts[];
  readonly reached: ReachedFacts[];
  /** The latest determination of each delay (`PARTY/ID`) for it. */
  readonly determined: Map<string, DeterminationFacts>;
}

/** One acceptance, or revocation of one, of some quantity of a line. */
export interface DeliveryFacts extends Stand {
  readonly event: Required<EventName>;
  readonly shipment: string | undefined;
  readonly point: 'origin' | 'destination' | 'revoked';
  /** Millionths. */
  readonly quantity: bigint;
}

export interface LineFacts {
  production:
    | (Stand & { stage: string | null; percent: number | string | null; unitsCompleted: number | string | null })
    | undefined;
  lastReport: (Stand & { readonly recordedtime: string; readonly by: string }) | undefined;
  /** The last percentage that was stated, by {@link Stand}. */
  percent: (Stand & { readonly percent: number | string }) | undefined;
  readonly shipped: CarriedQuantity;
  readonly received: CarriedQuantity;
  /** Events that by themselves stated more than the quantity in force then. */
  readonly overstated: {
    readonly event: Required<EventName> & { readonly revision: number };
    readonly quantity: bigint;
  }[];
  /** In order of {@link Stand}. */
  readonly deliveries: DeliveryFacts[];
  /** What the deliveries come to, with what goes beyond the line's quantity. */
  readonly accepted: AcceptedQuantity;
  /** Millionths. */
  rejected: bigint;
  /** The same by shipment; `undefined` for none. */
  readonly rejectedOf: Map<string | undefined, bigint>;
  /** What was checked of it; none while nothing was. */
  quality: LineQuality | undefined;
  /** What statements name of it, in millionths, and in minor units of the contract's currency. */
  billed: { quantity: bigint; minor: bigint } | undefined;
}

export type FlagCode =
  | 'second-hand'
  | 'unknown-reference'
  | 'after-closing'
  | 'basis-withdrawn'
  | 'one-sided'
  | 'backdated'
  | 'repeated-answer'
  | 'quantity-exceeds-line'
  | 'percent-decreased'
  | 'other-currency';

export interface Flag {
  readonly code: FlagCode;
  readonly revision: number;
  readonly event: Required<EventName>;
  readonly detail: string;
}

/** `report`: keys of reports that are owed. `shipment-line`: shipment (empty for none) LF line. */
export type ChangedKind =
  'delay' | 'dispute' | 'nonconformance' | 'shipment-line' | 'discrepancy' | 'statement' | 'settlement' | 'report';

/** What changed since it was last taken. */
export interface Touched {
  readonly lines: Set<string>;
  readonly milestones: Set<string>;
  /** Parties came, went or changed. */
  parties: boolean;
  /** Who confirmed or contested it, changed. */
  registration: boolean;
  /** All milestones and lines: an amendment or the registration changed what is in force. */
  all: boolean;
  /** What else changed, by kind: ids of delays, shipments and the like, keys of reports. */
  readonly changed: Map<ChangedKind, Set<string>>;
  /** What is said once and never changes but by a correction. */
  readonly said: {
    readonly checks: CheckFacts[];
    readonly shipmentEvents: ShipmentEventFacts[];
    readonly payments: PaymentFacts[];
    readonly correctedDates: CorrectedDate[];
  };
  /** Revisions of forecasts that came, by milestone. */
  readonly forecasts: Map<string, Set<number>>;
  /** Flags that came, by `revision code`. */
  readonly flagged: Map<string, Flag>;
  /** Flags that went. */
  readonly unflagged: Map<string, Flag>;
  /** The events themselves, in order. */
  readonly events: EffectiveEvent[];
  /** What the sums over the portfolio need of each of them, where they need anything. */
  readonly portfolio: (PortfolioPart | undefined)[];
}

export interface HeldEvent {
  readonly event: EffectiveEvent<object>;
  /** Who was on the contract when it was recorded: its rights are judged by that. */
  readonly parties: PartyEntry[];
  readonly missing: Set<string>;
}

/**
 * What has been computed of the facts, each with the count it holds for. Kept here and not in weak maps: these cost the
 * garbage collector more than all that is computed, where many contracts are folded one after the other.
 */
export interface Memo {
  inForce?: { readonly version: number; readonly value: InForce };
  /** Milestones as they stood when they were cancelled, with the revision of the agreement. */
  stood?: Map<string, { readonly at: number; readonly milestone: MilestoneInForce }>;
  dates?: Map<string, { readonly terms: number; readonly said: number; readonly dates: MilestoneDates }>;
  owing?: { readonly version: number; readonly owing: OwingByKey };
  reportKeys?: { readonly version: number; readonly keys: ReadonlyMap<string, readonly string[]> };
  deliveredSince?: { readonly version: number; readonly day: string | undefined };
}

const untouched = (): Touched => ({
  lines: new Set(),
  milestones: new Set(),
  parties: false,
  registration: false,
  all: false,
  changed: new Map(),
  said: { checks: [], shipmentEvents: [], payments: [], correctedDates: [] },
  forecasts: new Map(),
  flagged: new Map(),
  unflagged: new Map(),
  events: [],
  portfolio: [],
});

/** Roles whose word stands for one side's: the prime's for who delivers, the inspector's for who receives. */
const SPEAKING_FOR: ReadonlyMap<Role, 'buyer' | 'seller'> = new Map([
  ['prime', 'seller'],
  ['inspector', 'buyer'],
]);

export class ContractModel {
  readonly contract: string;
  /** What holds only from after this day (`holdsFrom` of `terms-in-force.ts`) has not happened yet. */
  readonly until: string | undefined;
  /** Revision, position and recordedtime of the last event folded. */
  revision = -1;
  position = 0n;
  recordedtime = '';

  registration: RegistrationFacts | undefined;
  /** Parties now on the contract, in the order they came. */
  parties: PartyEntry[] = [];
  /** Who was given a role of {@link SPEAKING_FOR} by the registration or the side it speaks for, as `PARTY ROLE`. */
  readonly #spokesmen = new Set<string>();
  /** Parties that who delivers took out, and gave no role since. */
  readonly #out = new Set<string>();
  /** Ids of all that are on the contract or were. */
  readonly partiesEver = new Set<string>();
  readonly confirmations = new Map<string, string>();
  confirmedAt: string | undefined;
  /** The last contest, by {@link Stand}. */
  contested: (Stand & { readonly recordedtime: string }) | undefined;
  readonly amendments = new Map<string, AmendmentFacts>();
  readonly milestones = new Map<string, MilestoneFacts>();
  readonly lines = new Map<string, LineFacts>();
  readonly delays = new Map<string, DelayFacts>();
  readonly disputes = new Map<string, DisputeFacts>();
  /** By dispute, in recorded order. */
  readonly evidence = new Map<string, EffectiveEvent<EvidenceSubmitted>[]>();
  readonly nonconformances = new Map<string, NonconformanceFacts>();
  /** Those that are critical and open. */
  readonly criticalOpen = new Set<string>();
  /** The line of each check, by `PARTY/ID`. */
  readonly checkLines = new Map<string, string>();
  readonly shipments = new Map<string, ShipmentFacts>();
  readonly discrepancies = new Map<string, DiscrepancyFacts>();
  readonly statements = new Map<string, StatementFacts>();
  readonly settlements: SettlementFacts[] = [];
  /** The pair that settled the account; `settlements` has it too. */
  settled: { readonly first: SettlementFacts; readonly second: SettlementFacts } | undefined;
  /** Sums of payments and of statements in the contract's currency, in minor units. */
  paid = 0n;
  billed = 0n;
  /** Recorded day of each party's last own report, by party LF key (`obligations.ts`). */
  readonly ownReports = new Map<string, number>();
  /** Reports noticed to be missing, by key and party, in recorded order. */
  readonly noticed = new Map<string, Map<string, MissedReport[]>>();
  /** Reports and deadlines missed, reckoned in the order in which events were taken in. */
  reckoning = new Reckoning();
  /** What events that were corrected say of dates, by revision. */
  readonly stated = new Map<number, StatedDates>();
  /** Claims that milestones were reached which were corrected or taken back since, by revision. */
  readonly correctedClaims = new Map<number, ReachedFacts>();
  /** In recorded order. */
  readonly correctedDates: CorrectedDate[] = [];
  /** Whether anything has been corrected: what was known on a day is then not what is effective now. */
  corrected = false;
  /** The last event of any that says something about a line. */
  lastReport: (Stand & { readonly recordedtime: string }) | undefined;
  /** Who of buyer and seller closed it first, and with which event. */
  readonly closings = new Map<string, Stand & { readonly event: Required<EventName> }>();
  /** The later of the two closings: from its `time` on, the contract is closed. */
  closed: Stand | undefined;

  /** What was opened, by `kind LF qualified id`: whether it has been withdrawn. */
  readonly opened = new Map<string, { readonly withdrawn: boolean }>();
  /** Events that speak of what is not opened yet, by the same name; each with all that it still misses. */
  readonly waiting = new Map<string, HeldEvent[]>();
  /** Events flagged for resting on what is withdrawn, by the same name and their revisions. */
  readonly #resting = new Map<string, Map<number, Required<EventName> & { readonly revision: number }>>();
  readonly flags = new Map<string, Flag>();
  /** Names of all events, by which it is known whether one that is referred to has been heard of. */
  readonly #names = new IdTable();
  /** Revisions of events that refer to one not heard of yet, by its name. */
  readonly #referring = new Map<string, number[]>();
  /** How much each flagged event speaks of that has not been heard of, by revision. */
  readonly #unheard = new Map<number, number>();

  /** Characters of the data of large events: nobody knows how much of them the facts keep, so all of it is counted. */
  largeText = 0;

  /** Counts changes of dates and of what is in force. */
  datesVersion = 0;
  /** Counts changes of what is in force, so that `inForce` of `terms-in-force.ts` is computed once for each. */
  termsVersion = 0;

  readonly memo: Memo = {};

  readonly #leads: { readonly party: string; readonly from: number }[] = [];
  readonly #later = new Map<string, () => void>();
  #touched = untouched();

  /** @param until the day asked about, where events that happened after it are left out */
  constructor(contract: string, until?: string) {
    this.contract = contract;
    this.until = until;
  }

  get touched(): Touched {
    return this.#touched;
  }

  /** Has some work done once, before what was touched is taken next: work that is about all events, not about each. */
  later(name: string, work: () => void): void {
    this.#later.set(name, work);
  }

  /** What changed since the last call. */
  takeTouched(): Touched {
    for (const work of this.#later.values()) work();
    this.#later.clear();
    const touched = this.#touched;
    this.#touched = untouched();
    return touched;
  }

  line(id: string): LineFacts {
    let facts = this.lines.get(id);
    if (facts === undefined) {
      facts = {
        production: undefined,
        lastReport: undefined,
        percent: undefined,
        shipped: new CarriedQuantity(),
        received: new CarriedQuantity(),
        overstated: [],
        deliveries: [],
        accepted: new AcceptedQuantity(),
        rejected: 0n,
        rejectedOf: new Map(),
        quality: undefined,
        billed: undefined,
      };
      this.lines.set(id, facts);
    }
    this.#touched.lines.add(id);
    return facts;
  }

  milestone(id: string): MilestoneFacts {
    let facts = this.milestones.get(id);
    if (facts === undefined) {
      facts = { version: 0, forecasts: [], reached: [], determined: new Map() };
      this.milestones.set(id, facts);
    }
    facts.version += 1;
    this.datesVersion += 1;
    this.#touched.milestones.add(id);
    return facts;
  }

  /** What is in force has changed: every line and milestone is to be looked at again. */
  termsChanged(): void {
    this.termsVersion += 1;
    this.datesVersion += 1;
    this.#touched.all = true;
  }

  /** Notes that something else changed. */
  touch(kind: ChangedKind, id: string): void {
    addTo(this.#touched.changed, kind, id);
  }

  /** Notes that a date was corrected. */
  correctedDate(corrected: CorrectedDate): void {
    this.correctedDates.push(corrected);
    this.#touched.said.correctedDates.push(corrected);
  }

  /** Notes that a forecast came. */
  touchForecast(milestone: string, revision: number): void {
    addTo(this.#touched.forecasts, milestone, revision);
  }

  /** Notes that an event is there; what referred to it before is no longer surprising. */
  heardOf(name: Required<EventName>, revision: number): void {
    const text = nameText(name);
    const key = new NameKey(text);
    if (this.#names.get(key) === undefined) this.#names.add(key, revision);
    const referring = this.#referring.get(text);
    if (referring === undefined) return;
    this.#referring.delete(text);
    for (const revision of referring) this.#heard(revision);
  }

  /** What the names of all events take, in bytes. */
  get namesBytes(): number {
    return this.#names.bytes;
  }

  /** The revision of an event of that name; `undefined` where there is none. */
  revisionOf(name: Required<EventName>): number | undefined {
    return this.#names.get(new NameKey(nameText(name)));
  }

  /** Notes that an event refers to others, and flags it while one of them has not been heard of. */
  refer(event: EffectiveEvent, names: readonly Required<EventName>[]): void {
    for (const text of new Set(names.map(nameText))) {
      if (this.#names.get(new NameKey(text)) !== undefined) continue;
      const referring = this.#referring.get(text);
      if (referring === undefined) this.#referring.set(text, [event.revision]);
      else referring.push(event.revision);
      this.#unheardOf(event, `event ${text.slice(text.indexOf('\n') + 1)}`);
    }
  }

  #unheardOf(event: EffectiveEvent, what: string): void {
    this.#unheard.set(event.revision, (this.#unheard.get(event.revision) ?? 0) + 1);
    this.flag('unknown-reference', event, `${what} has not been heard of`);
  }

  #heard(revision: number): void {
    const left = (this.#unheard.get(revision) ?? 0) - 1;
    if (left > 0) this.#unheard.set(revision, left);
    else {
      this.#unheard.delete(revision);
      this.unflag('unknown-reference', revision);
    }
  }

  holds(party: string, ...roles: readonly Role[]): boolean {
    return this.parties.some((entry) => entry.party === party && roles.includes(entry.role));
  }

  /**
   * Whether a party holds a role and speaks for its side with it: not a prime whom the buyer alone brought in, and not an inspector
   * whom the seller did.
   */
  speaksAs(party: string, role: Role): boolean {
    return this.holds(party, role) && (!SPEAKING_FOR.has(role) || this.#spokesmen.has(`${party} ${role}`));
  }

  /** Whether who delivers took all its roles from a party, and only the buyer has given it any since. */
  isOut(party: string): boolean {
    return this.#out.has(party);
  }

  /** Notes that a party was given a role by the registration, or by one of buyer and seller. */
  noteGiven(party: string, role: Role, by?: 'buyer' | 'seller'): void {
    if (by === undefined || by === SPEAKING_FOR.get(role)) this.#spokesmen.add(`${party} ${role}`);
    if (by !== 'buyer') this.#out.delete(party);
  }

  /** Notes that a role was taken away: by the side that it speaks for, its word counts for that side no more. */
  noteTaken(party: string, role: Role, by: 'buyer' | 'seller'): void {
    if (by === SPEAKING_FOR.get(role)) this.#spokesmen.delete(`${party} ${role}`);
    if (by === 'seller' && !this.parties.some((entry) => entry.party === party)) this.#out.add(party);
  }

  holder(role: Role): string | undefined {
    return this.parties.find((entry) => entry.role === role)?.party;
  }

  /** The prime that speaks for who delivers. */
  get speakingPrime(): string | undefined {
    return this.parties.find(({ party, role }) => role === 'prime' && this.speaksAs(party, role))?.party;
  }

  /** Notes who leads from now on: a prime who speaks for who delivers, else the seller. Called whenever the parties change. */
  noteLead(revision: number): void {
    this.#touched.parties = true;
    for (const { party } of this.parties) this.partiesEver.add(party);
    const party = this.speakingPrime ?? this.holder('seller') ?? '';
    if (this.#leads.at(-1)?.party !== party) this.#leads.push({ party, from: revision });
  }

  /**
   * Who led after the event of a revision: who is responsible by default for what it introduced. Not by recorded time,
   * which the events of one append share.
   */
  readonly primeOrSeller = (revision: number): string =>
    (this.#leads.findLast((lead) => lead.from <= revision) ?? this.#leads[0])?.party ?? '';

  flag(code: FlagCode, event: Pick<EffectiveEvent, 'revision' | 'id' | 'source'>, detail: string): void {
    const key = `${event.revision} ${code}`;
    if (this.flags.get(key)?.detail === detail) return;
    const flag: Flag = { code, revision: event.revision, event: nameOf(event), detail };
    this.flags.set(key, flag);
    this.#touched.flagged.set(key, flag);
    this.#touched.unflagged.delete(key);
  }

  unflag(code: FlagCode, revision: number): void {
    const key = `${revision} ${code}`;
    const flag = this.flags.get(key);
    if (flag === undefined) return;
    this.flags.delete(key);
    this.#touched.flagged.delete(key);
    this.#touched.unflagged.set(key, flag);
  }

  /**
   * Notes that something was opened.
   * @returns the events that spoke of it before and now take effect
   */
  open(kind: OpenedKind, qualifiedId: string, withdrawn: boolean): readonly HeldEvent[] {
    const name = `${kind}\n${qualifiedId}`;
    const before = this.opened.get(name);
    if (before === undefined || before.withdrawn) this.opened.set(name, { withdrawn });
    if (before?.withdrawn === true && !withdrawn) {
      for (const event of this.#resting.get(name)?.values() ?? []) {
        this.unflag('basis-withdrawn', event.revision);
        // What else it rests on may still be withdrawn.
        for (const [other, resting] of this.#resting)
          if (other !== name && resting.has(event.revision)) this.flag('basis-withdrawn', event, withdrawnText(other));
      }
      this.#resting.delete(name);
    }
    const waiting = this.waiting.get(name);
    if (waiting === undefined) return [];
    this.waiting.delete(name);
    for (const held of waiting) {
      held.missing.delete(name);
      this.#heard(held.event.revision);
      if (withdrawn) this.#rests(name, held.event);
    }
    return waiting.filter((held) => held.missing.size === 0);
  }

  /**
   * Notes that an event speaks of something: known, withdrawn (flagged), or not heard of (flagged and held).
   * @returns whether the event is held
   */
  mention(
    names: readonly { readonly kind: OpenedKind; readonly id: string }[],
    event: EffectiveEvent<object>,
  ): boolean {
    const missing = new Set<string>();
    for (const { kind, id } of names) {
      const name = `${kind}\n${id}`;
      const opened = this.opened.get(name);
      if (opened === undefined) {
        if (!missing.has(name)) this.#unheardOf(event, `${kind} ${id}`);
        missing.add(name);
      } else if (opened.withdrawn) this.#rests(name, event);
    }
    for (const name of missing) {
      const held = { event, parties: this.parties, missing };
      const waiting = this.waiting.get(name);
      if (waiting === undefined) this.waiting.set(name, [held]);
      else waiting.push(held);
    }
    return missing.size > 0;
  }

  #rests(name: string, { revision, id, source }: EffectiveEvent<object>): void {
    const event = { revision, id, source };
    this.flag('basis-withdrawn', event, withdrawnText(name));
    const resting = this.#resting.get(name);
    if (resting === undefined) this.#resting.set(name, new Map([[revision, event]]));
    else resting.set(revision, event);
  }
}

function addTo<K, V>(sets: Map<K, Set<V>>, key: K, value: V): void {
  const set = sets.get(key);
  if (set === undefined) sets.set(key, new Set([value]));
  else set.add(value);
}

const withdrawnText = (name: string): string => `${name.replace('\n', ' ')} was withdrawn by who reported it`;

/** Whether `a` stands after `b`. */
export function isAfter(a: Stand, b: Stand): boolean {
  // One instant may be spelt in two ways: what counts is the instant.
  const order = compareInstants(a.time, b.time);
  return order === 0 ? a.revision > b.revision : order > 0;
}

/** Puts an entry where it belongs in a list ordered by {@link Stand}; at the end in the ordinary case. */
export function insertByStand<T extends Stand>(list: T[], entry: T): void {
  let [low, high] = [0, list.length];
  if (high > 0 && !isAfter(list[high - 1]!, entry)) low = high;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isAfter(list[middle]!, entry)) high = middle;
    else low = middle + 1;
  }
  list.splice(low, 0, entry);
}

export const compareStands = (a: Stand, b: Stand): number => (isAfter(a, b) ? 1 : isAfter(b, a) ? -1 : 0);
