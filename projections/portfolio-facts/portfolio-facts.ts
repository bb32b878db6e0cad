/** The dated facts behind the portfolio's past: every event as it was sent, or as little of it as the sums need. */
import { dayOf } from '../../src/contract/calendar.js';
import { CORRECTION, correctedName, type EventCorrected } from '../../src/contract/correction.js';
import type { ContractEvent, EffectiveEvent, PortfolioPart } from '../../src/contract/event-type.js';
import type { ContractModel, Touched } from '../../src/contract/model.js';
import { flag, type Projection, type RowSink, type TableDefinition } from '../projection.js';

export const factTable: TableDefinition = {
  name: 'portfolio_facts',
  columns: {
    contract: { type: 'text' },
    revision: { type: 'integer' },
    position: { type: 'bigint' },
    recordedtime: { type: 'text' },
    /** The day of its `time`. */
    day: { type: 'text' },
    /** Corrections known by then hold on every day. */
    correction: { type: 'integer' },
    /** {@link Fact} as JSON; none where nothing of the event bears on a sum. */
    fact: { type: 'text', nullable: true },
  },
  key: ['contract', 'revision'],
  clustered: true,
};

/**
 * revision, type, time, recordedtime, reporter, party, version, data; of what is shown by its name (corrections, too), source and
 * id. Of a correction: which revision it corrects, and how.
 */
export type Fact = readonly [
  revision: number,
  type: string,
  time: string,
  recordedtime: string,
  reporter: string,
  onBehalfOf: string | 0,
  version: number,
  data: object,
  source?: string,
  id?: string,
];

/** The data of a correction's fact. */
export interface CorrectionFact {
  /** Revision of the event it corrects. */
  readonly of: number;
  /** The whole data that take the place of the event's, of the event's version; `null` where it did not occur. */
  readonly data: Readonly<Record<string, unknown>> | null;
}

function correctionFact(facts: ContractModel, event: ContractEvent<EventCorrected>): CorrectionFact | undefined {
  const of = facts.revisionOf(correctedName(event));
  return of === undefined ? undefined : { of, data: event.data.replacement ?? null };
}

function factText(facts: ContractModel, event: EffectiveEvent, part: PortfolioPart | undefined): string | null {
  const data =
    event.type === CORRECTION
      ? correctionFact(facts, event as ContractEvent<EventCorrected>)
      : part?.keep(event.asSent as object);
  if (data === undefined) return null;
  const { revision, type, time, recordedtime, reporter, onBehalfOf = 0, version, source, id } = event;
  const fact: Fact =
    part?.named === true || event.type === CORRECTION
      ? [revision, type, time, recordedtime, reporter, onBehalfOf, version, data, source, id]
      : [revision, type, time, recordedtime, reporter, onBehalfOf, version, data];
  return JSON.stringify(fact);
}

export const portfolioFacts: Projection = {
  name: 'portfolio-facts',
  version: 7,
  tables: [factTable],
  evolve(facts: ContractModel, touched: Touched, rows: RowSink): void {
    const { contract } = facts;
    for (const [index, event] of touched.events.entries())
      rows.put(factTable, {
        contract,
        revision: event.revision,
        position: event.position,
        recordedtime: event.recordedtime,
        day: dayOf(event.time),
        correction: flag(event.type === CORRECTION),
        fact: factText(facts, event, touched.portfolio[index]),
      });
  },
};
