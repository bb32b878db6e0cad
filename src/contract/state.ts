/**
 * What deciding must know of a contract, folded from all its events in recorded order. It holds names and rights, no
 * dates and no sums: those are the read models' (`model.ts`). It changes in place, and what a decision that came to
 * nothing changed is taken back by {@link DecisionState.rollback}.
 */
import { LEDGER, nameText, OPERATOR, type OpenedKind, type Role } from './event-type.js';
import { IdTable, NameKey } from './id-table.js';

export interface AmendmentState {
  /** The side that made it. */
  readonly side: 'buyer' | 'seller';
  /** Recorded on behalf of that side: then each side must agree by itself. */
  readonly secondHand: boolean;
  /** Who becomes adjudicator once it is agreed. */
  readonly adjudicators: readonly string[];
  /** Who of buyer and seller recorded their agreement. */
  readonly agreedBy: Set<string>;
}

/** What the registration says of itself, as corrected so far. */
export interface RegistrationState {
  readonly id: string;
  readonly source: string;
  /** The version of its payload: what corrects it has the same. */
  readonly version: number;
  readonly parties: readonly { readonly party: string; readonly role: Role }[];
}

type Undo = () => void;

/** The key of an event's name within its contract. */
export const eventKey = (source: string, id: string): NameKey => new NameKey(nameText({ source, id }));

export class DecisionState {
  /** Who registered it: a party or `operator`; `undefined` while there is no contract. */
  registeredBy: string | undefined = undefined;
  registration: RegistrationState | undefined = undefined;
  /** Who contested the registration as it stands. */
  readonly contestedBy = new Set<string>();
  /** Who of buyer and seller confirmed the registration. */
  readonly confirmedBy = new Set<string>();
  /** All parties that the contract has or had, with the roles they hold now. */
  readonly parties = new Map<string, Set<Role>>();
  /** Who has recorded something, or had it recorded for it, besides registering, confirming and contesting. */
  readonly acted = new Set<string>();
  /** Roles that were taken away and not given again, as `PARTY ROLE`. */
  readonly removed = new Set<string>();
  /** Who was made prime by the registration or the seller, at any time. */
  readonly sellersPrimes = new Set<string>();
  /** Lines and milestones that it has, agreed or proposed. */
  readonly lines = new Set<string>();
  readonly milestones = new Set<string>();
  readonly amendments = new Map<string, AmendmentState>();
  /** Delays (`PARTY/ID`) for which a mitigation has been proposed. */
  readonly mitigated = new Set<string>();
  /** Who is adjudicator once an amendment is agreed. */
  readonly proposedAdjudicators = new Set<string>();
  /** ISO 4217 code of the contract's value: line and unit values have no other. */
  currency = '';
  /** Names of events (`source` LF `id`) and the revisions they are at. */
  readonly seen = new IdTable();
  /** What was opened (`kind` LF `PARTY/ID`) and the revision of the event that opened it. */
  readonly opened = new IdTable();

  #undo: Undo[] = [];

  /** Whether all that either side agreed to about the registration stands: the other side, or both, confirmed. */
  get confirmed(): boolean {
    const missing = this.sides().filter((side) => side !== this.registeredBy && !this.confirmedBy.has(side));
    return this.registeredBy !== undefined && missing.length === 0;
  }

  /** Buyer and seller, in this order. */
  sides(): readonly string[] {
    return [this.holder('buyer'), this.holder('seller')].filter((party) => party !== undefined);
  }

  /** The party that holds a role now; of several the first. */
  holder(role: Role): string | undefined {
    for (const [party, roles] of this.parties) if (roles.has(role)) return party;
    return undefined;
  }

  has(party: string, ...roles: readonly Role[]): boolean {
    const held = this.parties.get(party);
    return held !== undefined && roles.some((role) => held.has(role));
  }

  /** Whether the party may act on this contract at all. */
  acts(party: string): boolean {
    return party === LEDGER || party === OPERATOR || (this.parties.get(party)?.size ?? 0) > 0;
  }

  /** How many (party, role) entries there are: what the limit counts. */
  partyEntries(): number {
    let entries = 0;
    for (const roles of this.parties.values()) entries += roles.size;
    return entries;
  }

  seenAt(source: string, id: string): number | undefined {
    return this.seen.get(eventKey(source, id));
  }

  openedAt(kind: OpenedKind, qualifiedId: string): number | undefined {
    return this.opened.get(new NameKey(`${kind}\n${qualifiedId}`));
  }

  // Changes, each of which can be taken back.

  addSeen(name: NameKey, revision: number): void {
    this.seen.add(name, revision);
    this.#undo.push(() => this.seen.remove(name));
  }

  addOpened(kind: OpenedKind, qualifiedId: string, revision: number): void {
    const name = new NameKey(`${kind}\n${qualifiedId}`);
    if (this.opened.get(name) !== undefined) return;
    this.opened.add(name, revision);
    this.#undo.push(() => this.opened.remove(name));
  }

  addTo<T>(set: Set<T>, member: T): void {
    if (set.has(member)) return;
    set.add(member);
    this.#undo.push(() => set.delete(member));
  }

  removeFrom<T>(set: Set<T>, member: T): void {
    if (set.delete(member)) this.#undo.push(() => set.add(member));
  }

  put<K, V>(map: Map<K, V>, key: K, value: V): void {
    const before = map.get(key);
    const known = map.has(key);
    map.set(key, value);
    this.#undo.push(() => (known ? map.set(key, before as V) : map.delete(key)));
  }

  /** Whether a party answers for who delivers: the seller, and a prime whom not the buyer alone brought in. */
  answersAsSeller(party: string): boolean {
    return this.has(party, 'seller') || (this.has(party, 'prime') && this.sellersPrimes.has(party));
  }

  /** Gives a party a role, and makes the party known. */
  grant(party: string, role: Role): void {
    let roles = this.parties.get(party);
    if (roles === undefined) {
      roles = new Set();
      this.put(this.parties, party, roles);
    }
    this.addTo(roles, role);
    this.removeFrom(this.removed, `${party} ${role}`);
  }

  assign<K extends 'registeredBy' | 'registration' | 'currency'>(field: K, value: DecisionState[K]): void {
    const before: DecisionState[K] = this[field];
    const set = (to: DecisionState[K]): void => {
      (this as Pick<DecisionState, K>)[field] = to;
    };
    set(value);
    this.#undo.push(() => set(before));
  }

  /** A mark to roll back to. */
  mark(): number {
    return this.#undo.length;
  }

  /** Takes back all changes since the mark, the latest first. */
  rollback(mark: number): void {
    while (this.#undo.length > mark) this.#undo.pop()!();
  }

  /** What has changed so far stays. */
  commit(): void {
    this.#undo = [];
  }

  /** Rough size in memory, for caches that are bounded in bytes. */
  get bytes(): number {
    const entries = this.parties.size * 3 + this.lines.size + this.milestones.size + this.amendments.size * 2;
    return 2_048 + entries * 160 + this.seen.bytes + this.opened.bytes;
  }
}
