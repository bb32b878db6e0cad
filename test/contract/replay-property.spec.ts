/**
 * Random histories, with corrections, things taken back, amendments agreed, refused, left open and cancelling, and
 * deliveries in parts: whatever the batches, the rows are those of one fold, and the arithmetic's identities hold.
 * fast-check prints seed and path of what fails.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { contractView } from '../../projections/contract-status/queries.js';
import { projections } from '../../projections/index.js';
import { loadRows, type ContractRows, type Row } from '../../projections/projection.js';
import { scheduleView } from '../../projections/schedule/queries.js';
import { SteppedClock } from '../../src/clock.js';
import { Recorder } from '../../src/commands/recorder.js';
import { eventTypes, fold } from '../../src/contract/contract.js';
import type { ContractEvent, EffectiveEvent } from '../../src/contract/event-type.js';
import { ContractModel } from '../../src/contract/model.js';
import { openSqliteReader, openSqliteStore } from '../../src/event-store/sqlite/sqlite-event-store.js';
import { Projector } from '../../src/subscriptions/projector.js';
import { openReadModel } from '../../src/subscriptions/read-model.js';
import { eventsOf, steps, type Step } from '../support/random-history.js';
import {
  CONTRACT,
  effective,
  event,
  given,
  incoming,
  MemoryRows,
  play,
  registered,
  registrationData,
} from '../support/scenario.js';

type Recorded = readonly ContractEvent<object>[];

const tables = projections.flatMap((projection) => projection.tables);

/** Rows in the form that any two ways to them share: every column there, numbers as text, in one order. */
function comparable(rows: ContractRows): Readonly<Record<string, readonly string[]>> {
  const text = (row: Row, columns: readonly string[]): string =>
    JSON.stringify(columns.map((column) => (row[column] === null ? null : String(row[column] ?? null))));
  return Object.fromEntries(
    tables.map(({ name, columns }) => [
      name,
      (rows.get(name) ?? []).map((row) => text(row, Object.keys(columns))).sort(),
    ]),
  );
}

function evolveAll(model: ContractModel, rows: MemoryRows): void {
  const touched = model.takeTouched();
  for (const projection of projections) projection.evolve(model, touched, rows);
}

/** All effective events folded, then the rows made once. */
function inOneFold(recorded: Recorded): ContractRows {
  const model = new ContractModel(CONTRACT);
  for (const event of effective(recorded)) fold(model, event);
  const rows = new MemoryRows();
  evolveAll(model, rows);
  return rows.rows;
}

/** As events come: batch by batch, each event as it was sent; a batch with a correction makes the contract's rows anew. */
function inBatches(recorded: Recorded, sizes: readonly number[]): ContractRows {
  let model = new ContractModel(CONTRACT);
  let rows = new MemoryRows();
  for (let from = 0, batch = 0; from < recorded.length; batch += 1) {
    const to = Math.min(recorded.length, from + (sizes[batch % sizes.length] ?? 1));
    const events = recorded.slice(from, to);
    let fresh: readonly EffectiveEvent<object>[];
    if (events.some(({ type }) => type === 'EventCorrected')) {
      model = new ContractModel(CONTRACT);
      rows = new MemoryRows();
      fresh = effective(recorded.slice(0, to));
    } else fresh = effective(events).map((event) => ({ ...event, position: BigInt(event.revision + 1) }));
    for (const event of fresh) fold(model, event);
    evolveAll(model, rows);
    from = to;
  }
  return rows.rows;
}

const played = (history: readonly Step[]) => play(...eventsOf(history).map(({ sent }) => sent));

const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 8 });

test('rows from batches of any sizes are those of one fold', () => {
  fc.assert(
    fc.property(steps, sizes, (history, batches) => {
      const { recorded } = played(history);
      expect(comparable(inBatches(recorded, batches))).toEqual(comparable(inOneFold(recorded)));
    }),
    { numRuns: 400 },
  );
});

test('the histories are worth it: most of what they say is recorded, and every type is among it', () => {
  const types = new Map<string, number>();
  let sent = 0;
  for (const history of fc.sample(steps, { numRuns: 200, seed: 7 })) {
    const { recorded } = played(history);
    sent += history.length + 1;
    for (const { type } of recorded) types.set(type, (types.get(type) ?? 0) + 1);
  }
  expect([...types.values()].reduce((sum, count) => sum + count, 0)).toBeGreaterThan(sent / 2);
  expect(eventTypes.filter(({ type }) => !types.has(type)).map(({ type }) => type)).toEqual([]);
  expect(types.get('EventCorrected')).toBeGreaterThan(100);
});

const day = fc
  .integer({ min: 0, max: 3_000 })
  .map((after) => new Date(Date.parse('2019-06-01') + after * 86_400_000).toISOString().slice(0, 10));

test('slipDays = lateDays + extensionsAgreedDays, on any day', () => {
  fc.assert(
    fc.property(steps, day, (history, on) => {
      const schedule = scheduleView(inOneFold(played(history).recorded), on)!;
      for (const each of schedule.milestones) {
        expect(each.slipDays).toBe(each.lateDays + each.extensionsAgreedDays);
        expect(each.extensionsImposedDays).toBeGreaterThanOrEqual(0);
        expect(each.timesRedated).toBe(each.redatings.length);
        // Not reached, it is expected neither before the day asked about nor before where it stands, unless it stands still.
        if (each.actual === null && !each.cancelled) expect(each.expected >= each.standing).toBe(true);
      }
    }),
    { numRuns: 200 },
  );
});

const MILLIONTHS = 1_000_000n;
function millionths(quantity: number | string): bigint {
  const [whole = '0', fraction = ''] = String(quantity).split('.');
  return BigInt(whole) * MILLIONTHS + BigInt(fraction.padEnd(6, '0'));
}
const cents = (amount: string): bigint => BigInt(amount.replace('.', ''));
/** Quantity times unit value in cents, half up. */
const worth = (quantity: bigint, unit: string): bigint => (quantity * cents(unit) + MILLIONTHS / 2n) / MILLIONTHS;

/** What was accepted of a line, from the events themselves; the line's quantity not looked at. */
function acceptedOf(events: readonly EffectiveEvent<object>[], line: string): bigint {
  const heardOf = new Set<string>();
  for (const { type, data } of events)
    if (type === 'ShipmentDispatched') heardOf.add((data as { shipment: string }).shipment);
  const sums = new Map<string, { origin: bigint; destination: bigint; revoked: bigint }>();
  let free = 0n;
  for (const { type, data, withdrawn } of events) {
    if (withdrawn || (type !== 'DeliveryAccepted' && type !== 'DeliveryRejected')) continue;
    const said = data as {
      readonly shipment?: string;
      readonly items: readonly { readonly line: string; readonly quantity: number | string }[];
      readonly acceptancePoint?: 'origin' | 'destination';
      readonly revokes?: boolean;
    };
    if (type === 'DeliveryRejected' && said.revokes !== true) continue;
    if (said.shipment !== undefined && !heardOf.has(said.shipment)) continue;
    const what = said.acceptancePoint ?? 'revoked';
    for (const item of said.items) {
      if (item.line !== line) continue;
      if (what === 'revoked' && said.shipment === undefined) free += millionths(item.quantity);
      else {
        const sum = sums.get(said.shipment ?? '') ?? { origin: 0n, destination: 0n, revoked: 0n };
        sum[what] += millionths(item.quantity);
        sums.set(said.shipment ?? '', sum);
      }
    }
  }
  let total = 0n;
  for (const { origin, destination, revoked } of sums.values()) {
    const left = (origin > destination ? origin : destination) - revoked;
    if (left > 0n) total += left;
  }
  return total > free ? total - free : 0n;
}

test('accepted is what the events add up to, never above the quantity; delivered + undelivered is the total', () => {
  fc.assert(
    fc.property(steps, (history) => {
      const { recorded } = played(history);
      const view = contractView(inOneFold(recorded), '2024-01-01')!;
      const events = effective(recorded);
      let [delivered, total] = [0n, 0n];
      for (const { line, quantity, accepted, unitValue, cancelled } of view.lines) {
        const [limit, sum] = [millionths(quantity), acceptedOf(events, line)];
        expect({ line, accepted: millionths(accepted) }).toEqual({ line, accepted: sum > limit ? limit : sum });
        const unit = (unitValue as { amount: string }).amount;
        delivered += worth(millionths(accepted), unit);
        total += worth(cancelled ? millionths(accepted) : limit, unit);
      }
      expect(cents(view.deliveredValue.amount)).toBe(delivered);
      expect(cents(view.deliveredValue.amount) + cents(view.undeliveredValue.amount)).toBe(total);
    }),
    { numRuns: 200 },
  );
});

test('the recorder and the projector, on files and in batches of any size, give the rows of one fold', async () => {
  await fc.assert(
    fc.asyncProperty(steps, sizes, fc.integer({ min: 1, max: 7 }), async (history, batches, batchEvents) => {
      const folder = mkdtempSync(join(tmpdir(), 'waybook-replay-'));
      const store = openSqliteStore(join(folder, 'events.db'));
      const reader = openSqliteReader(join(folder, 'events.db'));
      const readModel = `sqlite:${join(folder, 'rows.db')}`;
      const projector = await Projector.start({ store: reader, readModel, projections, batchEvents });
      const rows = openReadModel(readModel);
      try {
        const events = eventsOf(history);
        const clock = new SteppedClock(Date.parse(events[0]!.recorded));
        const recorder = new Recorder(store, { clock, random: (bytes) => randomBytes(bytes) }, { soleWriter: true });
        for (let from = 0, batch = 0; from < events.length; batch += 1) {
          const size = batches[batch % batches.length]!;
          for (const { sent, recorded } of events.slice(from, from + size)) {
            clock.moveTo(Date.parse(recorded));
            const one = incoming(sent);
            await recorder.record(CONTRACT, [one], { missed: new Map([[one.proposed.id, one.proposed.data]]) });
          }
          from += size;
          reader.poke();
          // Sometimes the rows keep up, sometimes they fall behind.
          if (batch % 2 === 0) await projector.waitFor(projections[0]!.name, (await store.head())!.position, 20_000);
        }
        reader.poke();
        const head = (await store.head())!.position;
        for (const { name } of projections) expect(await projector.waitFor(name, head, 20_000)).toBe(true);
        const found = new Map<string, readonly Row[]>();
        for (const projection of projections) {
          const { result } = await rows.query(projection, (view) => loadRows(view, projection.tables, CONTRACT));
          for (const [table, of] of result) found.set(table, of);
        }
        expect(comparable(found)).toEqual(comparable(inOneFold(played(history).recorded)));
      } finally {
        await rows.close();
        await projector.close();
        await reader.close();
        await store.close();
        rmSync(folder, { recursive: true });
      }
    }),
    { numRuns: 15 },
  );
}, 120_000);

test('who is responsible is fixed by the order of events, also among those of one instant', () => {
  const parties = registrationData().parties.filter(({ role }) => role !== 'prime');
  const recorded = '2020-02-02';
  const prime = { party: 'prime-b', name: 'Prime (illustrative)', role: 'prime', country: 'US' };
  const terms = { amendment: 'A1', consulted: [], rationale: 'more often', terms: { reportEveryDays: 30 } };
  const history = given(
    registered({ parties }, { recorded }),
    event('PartyAdded', prime, { recorded }),
    event('ContractAmended', terms, { recorded: '2020-03-02' }),
  ).recorded;
  for (const size of [1, 2, 3]) {
    const view = contractView(inBatches(history, [size]), '2020-03-02')!;
    expect(view.lines.map(({ responsible }) => responsible)).toEqual(['us-gov', 'us-gov']);
  }
});
