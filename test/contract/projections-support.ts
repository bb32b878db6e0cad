/** A ledger of toy contracts, and projections simple enough to say what their rows must be. */
import { randomBytes } from 'node:crypto';
import type { Projection, Row, RowSink, TableDefinition } from '../../projections/projection.js';
import type { EffectiveEvent } from '../../src/contract/event-type.js';
import type { ContractModel } from '../../src/contract/model.js';
import type { EventStore, EventToAppend } from '../../src/event-store/event-store.js';
import { canonicalJson } from '../../src/evidence/canonical.js';
import { Frontier } from '../../src/evidence/merkle.js';
import { metadataText, sealEvent } from '../../src/evidence/record.js';
import type { FoldRules } from '../../src/subscriptions/decoding.js';
import { streamOf } from '../../src/subscriptions/decoding.js';

export interface ToyEvent {
  readonly type?: string;
  readonly version?: number;
  readonly id?: string;
  readonly time?: string;
  readonly recordedtime?: string;
  readonly reporter?: string;
  readonly onbehalfof?: string;
  readonly data: object;
}

/** What a `Counted` says: so many more of an item. The rest makes it go wrong in one place or another. */
export interface Counted {
  readonly item: string;
  readonly amount: number;
  readonly note?: string;
  readonly poison?: 'fold' | 'items' | 'trail';
}

/** Writes sealed events as the ledger does, keeping the frontier of each stream. */
export class ToyLedger {
  readonly #frontiers = new Map<string, Frontier>();
  #count = 0;

  constructor(readonly store: EventStore) {}

  /** Appends events to a contract as one atom. @returns the position of the last one */
  append(contract: string, ...events: readonly ToyEvent[]): Promise<bigint> {
    return this.appendTo(streamOf(contract), contract, events);
  }

  /** Registers a contract, which is its first event. */
  register(contract: string, event: Partial<ToyEvent> = {}): Promise<bigint> {
    return this.append(contract, {
      type: 'ContractRegistered',
      id: 'registration',
      data: { title: contract },
      ...event,
    });
  }

  /** Says again what an event was, or that it never was. */
  correct(
    contract: string,
    id: string,
    replacement: object | undefined,
    event: Partial<ToyEvent> = {},
  ): Promise<bigint> {
    return this.append(contract, correction(id, replacement, event));
  }

  async appendTo(stream: string, subject: string, events: readonly ToyEvent[]): Promise<bigint> {
    let frontier = this.#frontiers.get(stream) ?? Frontier.empty;
    const first = frontier.size;
    const appended: EventToAppend[] = [];
    for (const [at, event] of events.entries()) {
      this.#count += 1;
      const { type = 'Counted', version, reporter = 'ACME', onbehalfof } = event;
      const recordedtime = event.recordedtime ?? new Date(Date.UTC(2024, 0, 1) + this.#count * 1_000).toISOString();
      const data = canonicalJson(event.data);
      const sealed = sealEvent({
        attributes: {
          specversion: '1.0',
          id: event.id ?? `event-${this.#count}`,
          source: `urn:waybook:party:${reporter}`,
          type,
          time: event.time ?? recordedtime,
          subject,
          ...(version === undefined ? {} : { version }),
          ...(onbehalfof === undefined ? {} : { onbehalfof }),
        },
        canonicalData: data,
        nonce: randomBytes(16),
        revision: first + BigInt(at),
        recordedtime,
        reporter,
        version: version ?? 1,
      });
      frontier = frontier.append(sealed.leaf);
      const root = at === events.length - 1 ? frontier.root() : undefined;
      appended.push({ id: sealed.id, type, data, metadata: metadataText(sealed, root) });
    }
    const { position } = await this.store.append(stream, first === 0n ? 'no-stream' : first - 1n, appended);
    this.#frontiers.set(stream, frontier);
    return position;
  }
}

export const counted = (
  item: string,
  amount: number,
  more: Partial<Counted> = {},
  event: Partial<ToyEvent> = {},
): ToyEvent => ({
  ...event,
  data: { item, amount, ...more },
});

export const correction = (id: string, replacement: object | undefined, event: Partial<ToyEvent> = {}): ToyEvent => ({
  type: 'EventCorrected',
  ...event,
  data: {
    event: { id },
    ...(replacement === undefined ? { reason: 'did-not-occur' } : { reason: 'incorrect-data', replacement }),
  },
});

interface ToyFacts {
  readonly items: Map<string, { amount: number; times: number }>;
  total: number;
  last: string | null;
}

const facts = new WeakMap<ContractModel, ToyFacts>();

/** What it keeps beside the model; never shared between two models. */
function factsOf(model: ContractModel): ToyFacts {
  let own = facts.get(model);
  if (own === undefined) facts.set(model, (own = { items: new Map(), total: 0, last: null }));
  return own;
}

/** `Counted` of version 1 calls the amount `count`; a third version, and other types, are not known. */
export const toyRules: FoldRules = {
  upcast(type, version, data) {
    if (type !== 'Counted' && type !== 'ContractRegistered' && type !== 'EventCorrected')
      throw Object.assign(new Error(`no type ${type}`), { code: 'unknown-type' });
    if (version > 2) throw Object.assign(new Error(`no version ${version}`), { code: 'unknown-version' });
    if (type !== 'Counted' || version === 2) return data;
    const { count, ...rest } = data as { count?: number; amount?: number };
    return { amount: count, ...rest };
  },
  fold(model, event) {
    model.revision = event.revision;
    model.position = event.position;
    model.recordedtime = event.recordedtime;
    model.touched.events.push(event);
    if (event.type !== 'Counted' || event.withdrawn) return;
    const { item, amount, poison } = event.data as Counted;
    if (poison === 'fold') throw new Error('cannot be folded');
    const own = factsOf(model);
    const line = own.items.get(item) ?? { amount: 0, times: 0 };
    own.items.set(item, { amount: line.amount + amount, times: line.times + 1 });
    own.total += amount;
    own.last = item;
    model.line(item);
  },
};

export const headTable: TableDefinition = {
  name: 'toy_head',
  columns: {
    contract: { type: 'text' },
    events: { type: 'integer' },
    total: { type: 'integer' },
    position: { type: 'bigint' },
    last_item: { type: 'text', nullable: true },
  },
  key: ['contract'],
  indexes: [['total', 'contract'], ['position']],
};

/** One row a contract. */
export const toyHead: Projection = {
  name: 'toy-head',
  version: 1,
  tables: [headTable],
  evolve: (model, _touched, rows) => {
    const { total, last } = factsOf(model);
    rows.put(headTable, {
      contract: model.contract,
      events: model.revision + 1,
      total,
      position: model.position,
      last_item: last,
    });
  },
};

export const itemTable: TableDefinition = {
  name: 'toy_item',
  columns: {
    contract: { type: 'text' },
    item: { type: 'text' },
    amount: { type: 'integer' },
    times: { type: 'integer' },
  },
  key: ['contract', 'item'],
};

/** One row an item that is there; one whose amount comes to zero goes. */
export const toyItems: Projection = {
  name: 'toy-items',
  version: 1,
  tables: [itemTable],
  evolve: (model, touched, rows) => {
    for (const event of touched.events)
      if ((event.data as Partial<Counted>).poison === 'items') throw new Error('cannot be shown as items');
    for (const item of touched.lines) {
      const { amount, times } = factsOf(model).items.get(item)!;
      if (amount === 0) rows.remove(itemTable, { contract: model.contract, item });
      else rows.put(itemTable, { contract: model.contract, item, amount, times });
    }
  },
};

export const trailTable: TableDefinition = {
  name: 'toy_trail',
  columns: {
    contract: { type: 'text' },
    revision: { type: 'integer' },
    position: { type: 'bigint' },
    type: { type: 'text' },
    party: { type: 'text' },
    data: { type: 'json' },
    effective: { type: 'json' },
    note: { type: 'text', nullable: true },
    corrected_by: { type: 'text', nullable: true },
    superseded: { type: 'integer' },
  },
  key: ['contract', 'revision'],
};

/** One row an event, as it was sent and as it counts. */
export const toyTrail: Projection = {
  name: 'toy-trail',
  version: 1,
  tables: [trailTable],
  evolve: (model, touched, rows) => {
    for (const event of touched.events) putTrail(model, event, rows);
  },
};

function putTrail(model: ContractModel, event: EffectiveEvent, rows: RowSink): void {
  const { note, poison } = event.data as Partial<Counted>;
  const row: Record<string, string | number | bigint | null> = {
    contract: model.contract,
    revision: event.revision,
    position: event.position,
    type: event.type,
    party: event.party,
    data: event.dataText,
    effective: event.withdrawn ? 'null' : JSON.stringify(event.data),
    note: note ?? null,
    corrected_by: event.correctedBy?.id ?? null,
    superseded: event.superseded ? 1 : 0,
  };
  if (poison === 'trail') row['type'] = null;
  rows.put(trailTable, row);
}

export const toyProjections: readonly Projection[] = [toyHead, toyItems, toyTrail];

/** Another version of a projection, whose rows differ. */
export const nextVersion = (projection: Projection, evolve: Projection['evolve']): Projection => ({
  ...projection,
  version: projection.version + 1,
  evolve,
});

/** Rows in the order of their keys, for comparing. */
export const sorted = (rows: readonly Row[], { key }: TableDefinition): readonly Row[] =>
  rows.toSorted((a, b) => {
    for (const column of key) if (a[column] !== b[column]) return a[column]! < b[column]! ? -1 : 1;
    return 0;
  });
