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
  Optional,
} from './fields.js';
import { eventType, mention, named, type EffectiveEvent, type Named, type Role } from './event-type.js';
import { insertByStand, type ContractModel, type DeliveryFacts } from './model.js';
import { quantityOf } from './money.js';
import { noteReport } from './reporting.js';
import { flagAdded, reviewQuantities } from './quantity-flags.js';
import { inForce } from './terms-in-force.js';

export class Item {
  @IsId() readonly line!: string;
  @IsQuantity() readonly quantity!: number | string;
}
export class SerialisedItem extends Item {
  @Optional() @ListOf('name') readonly serials?: readonly string[];
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

function carry(
  model: ContractModel,
  event: EffectiveEvent<WithItems & { readonly shipment: string }>,
  order: readonly Role[],
  what: 'shipped' | 'received',
): void {
  const found = order.findIndex((role) => model.holds(event.party, role));
  const { revision, id, source, data } = event;
  for (const [line, quantity] of quantities(data.items)) {
    model.line(line)[what].add({
      shipment: data.shipment,
      rank: found === -1 ? order.length : found,
      quantity,
      event: { revision, id, source },
    });
    flagAdded(model, event, line, what);
  }
}

function deliver(
  model: ContractModel,
  event: EffectiveEvent<WithItems & { readonly shipment?: string }>,
  point: DeliveryFacts['point'],
): void {
  let late = false;
  for (const [id, quantity] of quantities(event.data.items)) {
    const line = model.line(id);
    const delivery: DeliveryFacts = {
      time: event.time,
      revision: event.revision,
      event: { id: event.id, source: event.source },
      shipment: event.data.shipment,
      point,
      quantity,
    };
    insertByStand(line.deliveries, delivery);
    line.accepted.add(delivery);
    late ||= line.deliveries.at(-1) !== delivery;
    if (point !== 'revoked') flagAdded(model, event, id, 'accepted');
    for (const milestone of inForce(model).deliveriesOf(id)) model.milestone(milestone);
  }
  // Recorded after what happened later: another event may be the one with which a line was exceeded.
  if (late) model.later('quantities', () => reviewQuantities(model));
}

const shipmentMention = (data: { readonly shipment?: string }) => mention('shipment', data.shipment, '/shipment');

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
    fold: (model, event) => {
      if (event.withdrawn) return;
      noteReport(
        model,
        event,
        event.data.items.map((item) => item.line),
      );
      carry(model, event, DISPATCHED_BY, 'shipped');
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
  }),
  eventType<ShipmentReceived>({
    type: 'ShipmentReceived',
    description: 'What arrived of a shipment, and in which condition.',
    version: 1,
    payload: ShipmentReceived,
    act: false,
    by: ['buyer', 'inspector'],
    names: linesOf,
    mentions: shipmentMention,
    fold: (model, event) => {
      if (event.withdrawn) return;
      noteReport(
        model,
        event,
        event.data.items.map((item) => item.line),
      );
      carry(model, event, RECEIVED_BY, 'received');
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
    fold: (model, event) => {
      if (event.withdrawn) return;
      noteReport(
        model,
        event,
        event.data.items.map((item) => item.line),
      );
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
    names: linesOf,
    mentions: shipmentMention,
    fold: (model, event) => {
      if (event.withdrawn) return;
      noteReport(
        model,
        event,
        event.data.items.map((item) => item.line),
      );
      for (const [id, quantity] of quantities(event.data.items)) model.line(id).rejected += quantity;
      if (event.data.revokes === true) deliver(model, event, 'revoked');
    },
  }),
];
