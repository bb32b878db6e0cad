/** Given, when, then for the contract: events with fixed times and ids, decided in order, then folded to facts and rows. */
import { decide, evolve, fold, latestTime, upcast } from '../../src/contract/contract.js';
import type { EventCorrected } from '../../src/contract/correction.js';
import type { ContractEvent, EffectiveEvent, Refusal } from '../../src/contract/event-type.js';
import { ContractModel } from '../../src/contract/model.js';
import { DecisionState } from '../../src/contract/state.js';
import { checkEvent, isRefusal, type IncomingEvent } from '../../src/commands/envelope.js';
import { canonicalJson } from '../../src/evidence/canonical.js';
import type { ContractRows, Projection, Row, RowSink, TableDefinition } from '../../projections/projection.js';

export const CONTRACT = 'JP-D-001';
const URN = 'urn:waybook:party:';

export type Sent = Record<string, unknown> & { readonly id: string; readonly source: string; readonly type: string };
export interface Options {
  readonly by?: string;
  /** A day or an instant. */
  readonly time?: string;
  readonly id?: string;
  readonly onbehalfof?: string;
  /** When the ledger takes it in; by default at `time`. */
  readonly recorded?: string;
  /** Default {@link CONTRACT}. */
  readonly contract?: string;
}

let count = 0;
const recordedAt = new WeakMap<Sent, string>();
const instant = (dayOrInstant: string): string =>
  dayOrInstant.length === 10 ? `${dayOrInstant}T12:00:00Z` : dayOrInstant;

/** An event as a client sends it. */
export function event(type: string, data: object, options: Options = {}): Sent {
  count += 1;
  const { by = 'us-gov', time = '2020-02-01', id = `e${count}`, onbehalfof } = options;
  const sent: Sent = {
    specversion: '1.0',
    id,
    source: `${URN}${by}`,
    type,
    time: instant(time),
    subject: options.contract ?? CONTRACT,
    data,
    ...(onbehalfof === undefined ? {} : { onbehalfof }),
  };
  if (options.recorded !== undefined) recordedAt.set(sent, instant(options.recorded));
  return sent;
}

export const usd = (amount: string) => ({ amount, currency: 'USD' });
const party = (id: string, role: string, country: string) => ({
  party: id,
  name: `${id} (illustrative)`,
  role,
  country,
});

/** The data of a registration between jp-mod and us-gov, with two lines and three milestones. */
export const registrationData = (change: Record<string, unknown> = {}) => ({
  title: 'Radar support equipment',
  reference: 'JA-D-ABC',
  programme: 'test',
  signedOn: '2020-01-10',
  value: usd('1000.00'),
  parties: [
    party('jp-mod', 'buyer', 'JP'),
    party('us-gov', 'seller', 'US'),
    party('prime-a', 'prime', 'US'),
    party('sub-a', 'subcontractor', 'US'),
    party('carrier-a', 'carrier', 'US'),
    party('inspector-a', 'inspector', 'US'),
  ],
  lines: [
    { line: '1', description: 'Test set', quantity: 4, unit: 'EA', unitValue: usd('200.00'), standard: 'AQAP-2110' },
    { line: '2', description: 'Cable', quantity: '2.5', unit: 'MTR', unitValue: usd('80.00') },
  ],
  milestones: [
    { milestone: 'M1', line: '1', kind: 'manufacturing', description: 'Built', due: '2021-01-31', binding: 'estimate' },
    { milestone: 'D1', line: '1', kind: 'delivery', description: 'Delivered', due: '2021-06-30', binding: 'estimate' },
    { milestone: 'P1', kind: 'payment', description: 'Paid', due: '2021-12-31', binding: 'firm' },
  ],
  terms: {
    reportEveryDays: 90,
    delayNoticeDays: 30,
    acknowledgeWithinDays: 14,
    resolveWithinDays: 365,
    discrepancyWithinDays: 365,
    settleWithinDays: 730,
  },
  ...change,
});

export const registered = (change: Record<string, unknown> = {}, options: Options = {}): Sent =>
  event('ContractRegistered', registrationData(change), { time: '2020-01-10', id: 'registration', ...options });
export const confirmed = (options: Options = {}): Sent =>
  event('RegistrationConfirmed', {}, { by: 'jp-mod', time: '2020-01-20', ...options });

export interface Played {
  readonly state: DecisionState;
  readonly recorded: readonly ContractEvent<object>[];
  readonly refusals: ReadonlyMap<string, Refusal>;
}

export function incoming(sent: Sent): IncomingEvent {
  const checked = checkEvent(sent, CONTRACT);
  if (isRefusal(checked)) throw new Error(`${sent.type} ${sent.id}: ${JSON.stringify(checked)}`);
  return checked;
}

/** Decides the events of one contract in order, each at its own recorded time; what is refused is left out and noted by id. */
export function play(...sent: readonly Sent[]): Played {
  const state = new DecisionState();
  const recorded: ContractEvent<object>[] = [];
  const refusals = new Map<string, Refusal>();
  let last = '';
  for (const each of sent) {
    const time = recordedAt.get(each) ?? String(each['time']);
    const recordedtime = new Date(Math.max(Date.parse(time), last === '' ? 0 : Date.parse(last))).toISOString();
    const checked = checkEvent(each, String(sent[0]!['subject']));
    const refusal = isRefusal(checked)
      ? checked
      : decide(state, checked.proposed, {
          latest: latestTime(Date.parse(recordedtime)),
          lookup: (name) => recorded.find((event) => event.id === name.id && event.source === name.source),
          // What the ledger says of itself is taken as reckoned: what may be noticed has specs of its own.
          missed: new Map([[checked.proposed.id, checked.proposed.data]]),
        });
    if (refusal !== undefined || isRefusal(checked)) {
      refusals.set(each.id, refusal as Refusal);
      continue;
    }
    last = recordedtime;
    const event = { ...checked.proposed, revision: recorded.length, recordedtime };
    evolve(state, checked.proposed, event.revision);
    state.commit();
    recorded.push(event);
  }
  return { state, recorded, refusals };
}

/** Expects that nothing is refused. */
export function given(...sent: readonly Sent[]): Played {
  const played = play(...sent);
  if (played.refusals.size > 0) throw new Error(JSON.stringify([...played.refusals]));
  return played;
}

/** The refusal of the last event after the others were recorded; `undefined` where it is recorded. */
export const refusalOf = (history: readonly Sent[], last: Sent): Refusal | undefined => {
  given(...history);
  return play(...history, last).refusals.get(last.id);
};

/** The events as corrections left them; written apart from the projector's own way, to compare with. */
export function effective(recorded: readonly ContractEvent<object>[]): EffectiveEvent<object>[] {
  const deciding = new Map<string, ContractEvent<EventCorrected>>();
  for (const event of recorded)
    if (event.type === 'EventCorrected') {
      const correction = event as ContractEvent<EventCorrected>;
      deciding.set(`${correction.data.event.source ?? event.source} ${correction.data.event.id}`, correction);
    }
  return recorded.map((event) => {
    const correction = deciding.get(`${event.source} ${event.id}`);
    const replacement = correction?.data.replacement;
    const corrects = event.type === 'EventCorrected' ? (event as ContractEvent<EventCorrected>) : undefined;
    return {
      ...event,
      asSent: event.data,
      data: replacement === undefined ? event.data : (upcast(event.type, event.version, replacement) as object),
      position: BigInt(event.revision + 1),
      dataText: canonicalJson(event.data),
      withdrawn: correction?.data.reason === 'did-not-occur',
      correctedBy:
        correction === undefined
          ? undefined
          : { id: correction.id, source: correction.source, recordedtime: correction.recordedtime },
      superseded:
        corrects !== undefined &&
        deciding.get(`${corrects.data.event.source ?? event.source} ${corrects.data.event.id}`) !== corrects,
    };
  });
}

export function foldAll(recorded: readonly ContractEvent<object>[], on?: string): ContractModel {
  const model = new ContractModel(recorded[0]?.contract ?? CONTRACT, on);
  for (const event of effective(recorded))
    if (on === undefined || event.time.slice(0, 10) <= on || event.type === 'EventCorrected') fold(model, event);
  return model;
}

/** Rows in memory: what a projector would have written. */
export class MemoryRows implements RowSink {
  readonly #tables = new Map<string, Map<string, Row>>();

  put(table: TableDefinition, row: Row): void {
    this.#of(table).set(JSON.stringify(table.key.map((column) => String(row[column]))), row);
  }

  remove(table: TableDefinition, key: Row): void {
    this.#of(table).delete(JSON.stringify(table.key.map((column) => String(key[column]))));
  }

  get rows(): ContractRows {
    return new Map([...this.#tables].map(([name, rows]) => [name, [...rows.values()]]));
  }

  #of(table: TableDefinition): Map<string, Row> {
    let rows = this.#tables.get(table.name);
    if (rows === undefined) this.#tables.set(table.name, (rows = new Map()));
    return rows;
  }
}

export function rowsAfter(projection: Projection, played: Played, on?: string): ContractRows {
  const model = foldAll(played.recorded, on);
  const rows = new MemoryRows();
  projection.evolve(model, model.takeTouched(), rows);
  return rows.rows;
}

/** Rows as they are written while events come in, one by one. */
export function rowsOneByOne(projection: Projection, played: Played): ContractRows {
  const model = foldAll([]);
  const rows = new MemoryRows();
  for (const each of effective(played.recorded)) {
    fold(model, each);
    projection.evolve(model, model.takeTouched(), rows);
  }
  return rows.rows;
}
