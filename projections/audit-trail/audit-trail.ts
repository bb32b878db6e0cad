/** Every event of a contract as it was sent, what corrected it, and what is surprising about it. */
import { sortableInstant } from '../../src/contract/calendar.js';
import { CORRECTION, correctedName, type EventCorrected } from '../../src/contract/correction.js';
import type { ContractEvent, EffectiveEvent } from '../../src/contract/event-type.js';
import type { ContractModel, Touched } from '../../src/contract/model.js';
import { flag, type Projection, type Row, type RowSink, type TableDefinition } from '../projection.js';

export const eventTable: TableDefinition = {
  name: 'audit_trail_event',
  columns: {
    contract: { type: 'text' },
    revision: { type: 'integer' },
    position: { type: 'bigint' },
    id: { type: 'text' },
    source: { type: 'text' },
    type: { type: 'text' },
    version: { type: 'integer' },
    time: { type: 'text' },
    /** `time` in the one spelling that sorts. */
    happened: { type: 'text' },
    recordedtime: { type: 'text' },
    reporter: { type: 'text' },
    on_behalf_of: { type: 'text', nullable: true },
    /** As it was sent, canonical JSON. */
    data: { type: 'json' },
    effective: { type: 'integer' },
    corrects_id: { type: 'text', nullable: true },
    corrects_source: { type: 'text', nullable: true },
    corrected_by_id: { type: 'text', nullable: true },
    corrected_by_source: { type: 'text', nullable: true },
  },
  key: ['contract', 'revision'],
  indexes: [['contract', 'happened', 'revision']],
};

export const eventFlagTable: TableDefinition = {
  name: 'audit_trail_flag',
  columns: {
    contract: { type: 'text' },
    revision: { type: 'integer' },
    code: { type: 'text' },
    detail: { type: 'text' },
  },
  key: ['contract', 'revision', 'code'],
};

function eventRow(contract: string, event: EffectiveEvent): Row {
  const corrects =
    event.type === CORRECTION ? correctedName(event as unknown as ContractEvent<EventCorrected>) : undefined;
  return {
    contract,
    revision: event.revision,
    position: event.position,
    id: event.id,
    source: event.source,
    type: event.type,
    version: event.version,
    time: event.time,
    happened: sortableInstant(event.time),
    recordedtime: event.recordedtime,
    reporter: event.reporter,
    on_behalf_of: event.onBehalfOf ?? null,
    data: event.dataText,
    effective: flag(event.correctedBy === undefined && !event.superseded),
    corrects_id: corrects?.id ?? null,
    corrects_source: corrects?.source ?? null,
    corrected_by_id: event.correctedBy?.id ?? null,
    corrected_by_source: event.correctedBy?.source ?? null,
  };
}

export const auditTrail: Projection = {
  name: 'audit-trail',
  version: 6,
  tables: [eventTable, eventFlagTable],
  evolve(facts: ContractModel, touched: Touched, rows: RowSink): void {
    const { contract } = facts;
    for (const event of touched.events) rows.put(eventTable, eventRow(contract, event));
    for (const { revision, code, detail } of touched.flagged.values())
      rows.put(eventFlagTable, { contract, revision, code, detail });
    for (const { revision, code } of touched.unflagged.values())
      rows.remove(eventFlagTable, { contract, revision, code });
  },
};
