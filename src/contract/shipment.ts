/** Shipments and deliveries: what left, where it is, what arrived, what the buyer accepted or turned back. */
import {
  IsFlag,
  IsId,
  IsInstant,
  IsName,
  IsOneOf,
  IsQuantity,
  IsText,
  ListOf,
  ListOfParts,
  MAX_SERIALS,
  Optional,
} from './fields.js';
import {
  eventType,
  mention,
  named,
  nameOf,
  without,
  type EffectiveEvent,
  type Named,
  type Role,
} from './event-type.js';
import { dayOf } from './calendar.js';
import { insertByStand, type ContractModel, type DeliveryFacts } from './model.js';
import { noteOwnReport } from './obligations.js';
import { quantityOf } from './money.js';
import { flagAdded, reviewQuantities } from './quantity-flags.js';
import { flagBackdated, inForce } from './terms-in-force.js';

export class Item {
  @IsId() readonly line!: string;
  @IsQuantity() readonly quantity!: number | string;
}
export class SerialisedItem extends Item {
  @Optional() @ListOf('name', { max: MAX_SERIALS }) readonly serials?: readonly string[];
}
export class ReceivedItem extends SerialisedItem {
  @IsName() readonly condition!: string;
}

export class ShipmentDispatched {
  /** Transport control number or bill of lading: one id for all parties. */
  @IsId() readonly shipment!: string;
  @ListOfParts(() => SerialisedItem, { min: 1 }) readonly items!: readonly SerialisedItem[];
  @IsId() readonly carrier!: string;
  @IsOneOf(['air', 'sea', 'road', 'rail']) readonly mode!: string;
  @IsName() readonly from!: string;
  @IsName() readonly to!: string;
  @IsInstant() readonly eta!: string;
}

export class ShipmentMoved {
  @IsId() readonly shipment!: string;
  @IsName() readonly location!: string;
  @IsOneOf(['departed', 'arrived', 'held', 'cleared']) readonly status!: string;
  @Optional() @IsInstant() readonly eta?: string;
}

export class ShipmentReceived {
  @IsId() readonly shipment!: string;
  @ListOfParts(() => ReceivedItem, { min: 1 }) readonly items!: readonly ReceivedItem[];
  @IsName() readonly location!: string;
}

export class DeliveryAccepted {
  @Optional() @IsId() readonly shipment?: string;
  @ListOfParts(() => Item, { min: 1 }) readonly items!: readonly Item[];
  @IsOneOf(['origin', 'destination']) readonly acceptancePoint!: 'origin' | 'destination';
}

export class DeliveryRejected {
  @Optional() @IsId() readonly shipment?: string;
  @ListOfParts(() => Item, { min: 1 }) readonly items!: readonly Item[];
  @IsText() readonly reason!: string;
  /** True: of what had been accepted. */
  @Optional() @IsFlag() readonly revokes?: boolean;
}

/** What is known of a shipment. */
export interface ShipmentFacts {
  readonly shipment: string;
  /** Lines that dispatches and receipts name, withdrawn or not. */
  readonly lines: Set<string>;
  /** Who named it in a report of its own, with the last recorded day (days since 1970-01-01). */
  readonly namedBy: Map<string, number>;
  /** The day (`time`) of the first receipt; of those by whoever speaks for who receives, where there are such. */
  receivedOn: string | undefined;
  receivedBySpokesman: boolean;
  /** Discrepancies (`PARTY/ID`) that name it. */
  readonly discrepancies: Set<string>;
}

/** Something said of a shipment, or of deliveries of none. It changes no more but by a correction. */
export interface ShipmentEventFacts {
  readonly kind: 'dispatch' | 'movement' | 'receipt' | 'acceptance' | 'rejection';
  readonly shipment: string | undefined;
  /** How much the word of its party's role counts; the lowest counts most. */
  readonly rank: number;
  readonly event: EffectiveEvent<object>;
}

type WithItems = { readonly items: readonly Item[] };

/** The quantity of each line named, added up over the items. Millionths. */
function quantities(items: readonly Item[]): Map<string, bigint> {
  const sums = new Map<string, bigint>();
  for (const { line, quantity } of items) sums.set(line, (sums.get(line) ?? 0n) + quantityOf(quantity));
  return sums;
}

const linesOf = (data: WithItems): Named[] =>
  data.items.flatMap((item, index) => named('line', item.line, `/items/${index}/line`));

/** Whose word on a shipment counts first; the first recorded within a rank. */
const DISPATCHED_BY: readonly Role[] = ['prime', 'subcontractor', 'carrier'];
const RECEIVED_BY: readonly Role[] = ['buyer', 'inspector'];

/** What was recorded for a party stands behind what one of its role said itself. */
function rankOf(
  model: ContractModel,
  { party, onBehalfOf }: Pick<EffectiveEvent, 'party' | 'onBehalfOf'>,
  order: readonly Role[],
): number {
  const found = order.findIndex((role) => model.speaksAs(party, role));
  return 2 * (found === -1 ? order.length : found) + (onBehalfOf === undefined ? 0 : 1);
}

/** Whether a receipt of that rank is by the buyer, or by an inspector who speaks for it. */
export const isSpokesmans = (rank: number): boolean => rank < 2 * RECEIVED_BY.length;

/** The shipment of an event, made known with the first that names it. */
export function shipmentOf(model: ContractModel, id: string): ShipmentFacts {
  let facts = model.shipments.get(id);
  if (facts === undefined) {
    facts = {
      shipment: id,
      lines: new Set(),
      namedBy: new Map(),
      receivedOn: undefined,
      receivedBySpokesman: false,
      discrepancies: new Set(),
    };
    model.shipments.set(id, facts);
  }
  return facts;
}

/** Lines that belong to a shipment from now on; who named it before has reported on them. */
function addLines(model: ContractModel, shipment: ShipmentFacts, items: readonly Item[]): void {
  for (const { line } of items) {
    if (shipment.lines.has(line)) continue;
    shipment.lines.add(line);
    for (const [party, day] of shipment.namedBy) noteOwnReport(model, party, [line], day);
  }
}

function say(
  model: ContractModel,
  kind: ShipmentEventFacts['kind'],
  event: EffectiveEvent<{ readonly shipment?: string }>,
  rank = 0,
): void {
  model.touched.said.shipmentEvents.push({ kind, shipment: event.data.shipment, rank, event });
}

const touchLine = (model: ContractModel, shipment: string | undefined, line: string): void =>
  model.touch('shipment-line', `${shipment ?? ''}\n${line}`);

function carry(
  model: ContractModel,
  event: EffectiveEvent<WithItems & { readonly shipment: string }>,
  rank: number,
  what: 'shipped' | 'received',
): void {
  const { revision, id, source, data } = event;
  const added = quantities(data.items);
  for (const [line, quantity] of added) {
    model.line(line)[what].add({
      shipment: data.shipment,
      rank,
      quantity,
      event: { revision, id, source },
    });
    touchLine(model, data.shipment, line);
  }
  flagAdded(model, event, added, what);
}

function deliver(
  model: ContractModel,
  event: EffectiveEvent<WithItems & { readonly shipment?: string }>,
  point: DeliveryFacts['point'],
): void {
  let late = false;
  const added = quantities(event.data.items);
  for (const [id, quantity] of added) {
    const line = model.line(id);
    const delivery: DeliveryFacts = {
      time: event.time,
      revision: event.revision,
      event: nameOf(event),
      shipment: event.data.shipment,
      point,
      quantity,
    };
    model.datesVersion += 1;
    insertByStand(line.deliveries, delivery);
    line.accepted.add(delivery);
    touchLine(model, event.data.shipment, id);
    late ||= line.deliveries.at(-1) !== delivery;
    for (const milestone of inForce(model).deliveriesOf(id)) model.milestone(milestone);
  }
  if (point !== 'revoked') flagAdded(model, event, added, 'accepted');
  // Recorded after what happened later: another event may be the one with which a line was exceeded.
  if (late) model.later('quantities', () => reviewQuantities(model));
}

const shipmentMention = (data: { readonly shipment?: string }) => mention('shipment', data.shipment, '/shipment');

/** Which lines a shipment has; what was shipped or received is in no sum over the portfolio. */
const linesOnly = ({ shipment, items }: WithItems & { readonly shipment: string }) => ({
  shipment,
  items: items.map(({ line }) => ({ line, quantity: 0 })),
});

export const shipmentTypes = [
  eventType<ShipmentDispatched>({
    type: 'ShipmentDispatched',
    description: 'A shipment with its items left for somewhere.',
    version: 1,
    payload: ShipmentDispatched,
    act: false,
    by: ['prime', 'subcontractor', 'carrier'],
    names: (data) => [...linesOf(data), ...named('party', data.carrier, '/carrier')],
    opens: (data) => ({ kind: 'shipment', id: data.shipment, pointer: '/shipment' }),
    keeps: (data) => [`shipment ${data.shipment}`],
    portfolio: { folds: true, keep: linesOnly },
    fold: (model, event) => {
      addLines(model, shipmentOf(model, event.data.shipment), event.data.items);
      const rank = rankOf(model, event, DISPATCHED_BY);
      say(model, 'dispatch', event, rank);
      if (!event.withdrawn) carry(model, event, rank, 'shipped');
    },
  }),
  eventType<ShipmentMoved>({
    type: 'ShipmentMoved',
    description: 'Where a shipment is: departed, arrived, held or cleared.',
    version: 1,
    payload: ShipmentMoved,
    act: false,
    by: ['carrier', 'prime'],
    mentions: shipmentMention,
    portfolio: { folds: false, keep: ({ shipment }) => ({ shipment }) },
    fold: (model, event) => {
      if (!event.withdrawn) say(model, 'movement', event);
    },
  }),
  eventType<ShipmentReceived>({
    type: 'ShipmentReceived',
    description: 'What arrived of a shipment, and in which condition.',
    version: 1,
    payload: ShipmentReceived,
    act: false,
    by: ['buyer', 'inspector'],
    inPersonOnly: true,
    names: linesOf,
    mentions: shipmentMention,
    portfolio: { folds: true, keep: linesOnly },
    fold: (model, event) => {
      // Who names a shipment names the lines of what was taken back too.
      const shipment = shipmentOf(model, event.data.shipment);
      addLines(model, shipment, event.data.items);
      if (event.withdrawn) return;
      const rank = rankOf(model, event, RECEIVED_BY);
      say(model, 'receipt', event, rank);
      carry(model, event, rank, 'received');
      const day = dayOf(event.time);
      const bySpokesman = isSpokesmans(rank);
      const isFirst = shipment.receivedOn === undefined || day < shipment.receivedOn;
      if (bySpokesman === shipment.receivedBySpokesman ? isFirst : bySpokesman) {
        shipment.receivedOn = day;
        shipment.receivedBySpokesman = bySpokesman;
        for (const discrepancy of shipment.discrepancies) model.touch('discrepancy', discrepancy);
      }
    },
  }),
  eventType<DeliveryAccepted>({
    type: 'DeliveryAccepted',
    description: 'The buyer accepts quantities, at origin or at destination.',
    version: 1,
    payload: DeliveryAccepted,
    act: false,
    by: ['buyer'],
    inPersonOnly: true,
    names: linesOf,
    mentions: shipmentMention,
    portfolio: { folds: true, keep: (data) => data },
    fold: (model, event) => {
      if (event.withdrawn) return;
      say(model, 'acceptance', event);
      flagBackdated(model, event, dayOf(event.time));
      deliver(model, event, event.data.acceptancePoint);
    },
  }),
  eventType<DeliveryRejected>({
    type: 'DeliveryRejected',
    description: 'The buyer turns quantities back, or (`revokes`) takes back an acceptance.',
    version: 1,
    payload: DeliveryRejected,
    act: false,
    by: ['buyer'],
    inPersonOnly: true,
    names: linesOf,
    mentions: shipmentMention,
    portfolio: { folds: true, keep: (data) => without(data, 'reason') },
    fold: (model, event) => {
      if (event.withdrawn) return;
      say(model, 'rejection', event);
      for (const [id, quantity] of quantities(event.data.items)) {
        const line = model.line(id);
        line.rejected += quantity;
        line.rejectedOf.set(event.data.shipment, (line.rejectedOf.get(event.data.shipment) ?? 0n) + quantity);
        touchLine(model, event.data.shipment, id);
      }
      if (event.data.revokes !== true) return;
      flagBackdated(model, event, dayOf(event.time));
      deliver(model, event, 'revoked');
    },
  }),
];
