/** What is said of shipments, and of deliveries of none. */
import { nameOf, reportedBy } from '../../src/contract/event-type.js';
import type { ContractModel, Touched } from '../../src/contract/model.js';
import { quantityData } from '../../src/contract/money.js';
import { flag, type Projection, type RowSink, type TableDefinition } from '../projection.js';

export const shipmentsContractTable: TableDefinition = {
  name: 'shipments_contract',
  columns: { contract: { type: 'text' } },
  key: ['contract'],
};

export const shipmentLineTable: TableDefinition = {
  name: 'shipments_line',
  columns: {
    contract: { type: 'text' },
    /** Empty for what names no shipment. */
    shipment: { type: 'text' },
    line: { type: 'text' },
    facts: { type: 'json' },
  },
  key: ['contract', 'shipment', 'line'],
};

export const shipmentEventTable: TableDefinition = {
  name: 'shipments_event',
  columns: {
    contract: { type: 'text' },
    revision: { type: 'integer' },
    shipment: { type: 'text' },
    kind: { type: 'text' },
    /** Of who reports: the lowest counts most. */
    rank: { type: 'integer' },
    time: { type: 'text' },
    withdrawn: { type: 'integer' },
    data: { type: 'json' },
    reported: { type: 'json' },
  },
  key: ['contract', 'revision'],
};

/** Of one shipment and line. */
function lineFacts(facts: ContractModel, shipment: string, line: string) {
  const of = facts.lines.get(line);
  const name = shipment === '' ? undefined : shipment;
  const { origin = 0n, destination = 0n, revoked = 0n, accepted = 0n } = of?.accepted.of(name) ?? {};
  return {
    shipped: quantityData(of?.shipped.of(shipment) ?? 0n),
    received: quantityData(of?.received.of(shipment) ?? 0n),
    acceptedAtOrigin: quantityData(origin),
    acceptedAtDestination: quantityData(destination),
    revoked: quantityData(revoked),
    accepted: quantityData(accepted),
    rejected: quantityData(of?.rejectedOf.get(name) ?? 0n),
  };
}
export type ShipmentLineRow = ReturnType<typeof lineFacts>;

export const shipments: Projection = {
  name: 'shipments',
  version: 3,
  tables: [shipmentsContractTable, shipmentLineTable, shipmentEventTable],
  evolve(facts: ContractModel, touched: Touched, rows: RowSink): void {
    const { contract } = facts;
    if (touched.all) rows.put(shipmentsContractTable, { contract });
    for (const name of touched.changed.get('shipment-line') ?? []) {
      const [shipment = '', line = ''] = name.split('\n');
      rows.put(shipmentLineTable, {
        contract,
        shipment,
        line,
        facts: JSON.stringify(lineFacts(facts, shipment, line)),
      });
    }
    for (const { kind, shipment, rank, event } of touched.said.shipmentEvents)
      rows.put(shipmentEventTable, {
        contract,
        revision: event.revision,
        shipment: shipment ?? '',
        kind,
        rank,
        time: event.time,
        withdrawn: flag(event.withdrawn),
        data: JSON.stringify(event.data),
        reported: JSON.stringify({
          ...reportedBy(event),
          time: event.time,
          recordedtime: event.recordedtime,
          event: nameOf(event),
        }),
      });
  },
};
