/** `/contracts/{id}/shipments`, from the rows of `shipments`. */
import { dayOf } from '../../src/contract/calendar.js';
import { isAfter } from '../../src/contract/model.js';
import {
  isSpokesmans,
  type DeliveryAccepted,
  type DeliveryRejected,
  type ShipmentDispatched,
  type ShipmentMoved,
  type ShipmentReceived,
} from '../../src/contract/shipment.js';
import { groupRows, integer, json, ordered, rowsOf, text, type ContractRows, type Row } from '../projection.js';
import { shipmentEventTable, shipmentLineTable, shipmentsContractTable, type ShipmentLineRow } from './shipments.js';

interface Said<D> {
  readonly rank: number;
  readonly revision: number;
  readonly time: string;
  readonly withdrawn: boolean;
  readonly data: D;
  readonly reported: {
    readonly by: string;
    readonly onBehalfOf: string | null;
    readonly time: string;
    readonly recordedtime: string;
    readonly event: { readonly id: string; readonly source: string };
  };
}

const saidBy = (row: Row): Said<unknown> => ({
  rank: integer(row, 'rank'),
  revision: integer(row, 'revision'),
  time: text(row, 'time'),
  withdrawn: integer(row, 'withdrawn') === 1,
  data: json(row, 'data'),
  reported: json(row, 'reported'),
});

/** The answer without `asOf`, `on` and `position`; `undefined` where there is no such contract. */
export function shipmentsView(rows: ContractRows) {
  if (rowsOf(rows, shipmentsContractTable).length === 0) return undefined;
  const events = groupRows(ordered(rowsOf(rows, shipmentEventTable), 'revision'), shipmentOf);
  const lines = groupRows(rowsOf(rows, shipmentLineTable), shipmentOf);
  // Dispatches name every shipment; in the order of the first of each, what names none last.
  const names = [...new Set([...events.keys(), ...lines.keys()])];
  const first = (name: string): number => {
    const of = events.get(name) ?? [];
    const dispatch = of.find((row) => text(row, 'kind') === 'dispatch');
    return dispatch === undefined ? Number.MAX_SAFE_INTEGER : integer(dispatch, 'revision');
  };
  names.sort((a, b) => first(a) - first(b));
  return { shipments: names.map((name) => shipmentView(name, events.get(name) ?? [], lines.get(name) ?? [])) };
}

const shipmentOf = (row: Row): string => text(row, 'shipment');

function shipmentView(name: string, events: readonly Row[], lines: readonly Row[]) {
  const of = <D>(kind: string) => events.filter((row) => text(row, 'kind') === kind).map(saidBy) as readonly Said<D>[];
  const dispatches = of<ShipmentDispatched>('dispatch');
  const movements = of<ShipmentMoved>('movement');
  const receipts = of<ShipmentReceived>('receipt');
  const counted = receipts.filter(({ rank }) => isSpokesmans(rank));
  const standing = dispatches.filter(({ withdrawn }) => !withdrawn);
  const counting = standing.reduce<Said<ShipmentDispatched> | undefined>(
    (best, entry) => (best === undefined || entry.rank < best.rank ? entry : best),
    undefined,
  );
  const moved = [...movements].sort((a, b) => (isAfter(a, b) ? 1 : -1));
  const last = moved.at(-1);
  return {
    shipment: name === '' ? null : name,
    withdrawn: dispatches.length > 0 && standing.length === 0,
    carrier: counting?.data.carrier ?? null,
    mode: counting?.data.mode ?? null,
    from: counting?.data.from ?? null,
    to: counting?.data.to ?? null,
    eta: moved.findLast(({ data }) => data.eta !== undefined)?.data.eta ?? counting?.data.eta ?? null,
    status: last?.data.status ?? null,
    location: last?.data.location ?? null,
    dispatchedOn: earliest(standing),
    receivedOn: earliest(counted.length > 0 ? counted : receipts),
    lines: lines
      .map((row) => ({ line: text(row, 'line'), ...json<ShipmentLineRow>(row, 'facts') }))
      .sort((a, b) => (a.line < b.line ? -1 : 1)),
    dispatches: dispatches.map(({ data, reported, withdrawn }) => ({
      by: reported.by,
      onBehalfOf: reported.onBehalfOf,
      time: reported.time,
      recordedtime: reported.recordedtime,
      carrier: data.carrier,
      mode: data.mode,
      from: data.from,
      to: data.to,
      eta: data.eta,
      items: data.items,
      event: reported.event,
      withdrawn,
    })),
    movements: movements.map(({ data, reported: { event, ...reported } }) => ({
      ...reported,
      location: data.location,
      status: data.status,
      eta: data.eta ?? null,
      event,
    })),
    receipts: receipts.map(({ data, reported: { event, ...reported } }) => ({
      ...reported,
      location: data.location,
      items: data.items,
      event,
    })),
    acceptances: of<DeliveryAccepted>('acceptance').map(({ data, reported }) => ({
      by: reported.by,
      time: reported.time,
      recordedtime: reported.recordedtime,
      acceptancePoint: data.acceptancePoint,
      items: data.items,
      event: reported.event,
    })),
    rejections: of<DeliveryRejected>('rejection').map(({ data, reported: { event, ...reported } }) => ({
      ...reported,
      reason: data.reason,
      revokes: data.revokes === true,
      items: data.items,
      event,
    })),
  };
}

const earliest = (said: readonly { readonly time: string }[]): string | null =>
  said.reduce<string | null>((first, { time }) => (first === null || dayOf(time) < first ? dayOf(time) : first), null);
