/** Which reports and answers are owed, and which were missed; and when the watch has to look again. */
import { addDays, dayNumber, dayOf } from '../../src/contract/calendar.js';
import type { DelayFacts, EscalationStep } from '../../src/contract/delay.js';
import type { ContractModel, Touched } from '../../src/contract/model.js';
import { nextNotice, periodsOn, reportStates } from '../../src/contract/obligations.js';
import { reportsTouched } from '../../src/contract/reporting.js';
import { inForce } from '../../src/contract/terms-in-force.js';
import { flag, listTable, putListed, type Projection, type RowSink, type TableDefinition } from '../projection.js';

export const obligationsContractTable: TableDefinition = {
  name: 'obligations_contract',
  columns: {
    contract: { type: 'text' },
    report_every_days: { type: 'integer' },
    /** Who acknowledges what the other side reports, and who resolves. */
    buyer: { type: 'text' },
    seller: { type: 'text' },
    prime: { type: 'text', nullable: true },
    revision: { type: 'integer' },
    /** The earliest day (since 1970-01-01) on which there may be something to notice. */
    look_on: { type: 'integer', nullable: true },
    /** Something was corrected: what was known on a day is then for the watch to work out. */
    corrected: { type: 'integer' },
  },
  key: ['contract'],
  indexes: [['look_on', 'contract']],
};

export const obligationsReportTable: TableDefinition = {
  name: 'obligations_report',
  columns: {
    contract: { type: 'text' },
    /** Line, or `milestone:ID`. */
    report: { type: 'text' },
    line: { type: 'text', nullable: true },
    milestone: { type: 'text', nullable: true },
    /** `ReportState` of `src/contract/obligations.ts`, one a party. */
    states: { type: 'json' },
  },
  key: ['contract', 'report'],
};

export const obligationsDelayTable = listTable('obligations_delay', 'delay');

function stepFacts(facts: ContractModel, delay: DelayFacts, step: EscalationStep, days: number) {
  const { withdrawn, resolved, acknowledgedAt, recordedtime, escalations } = delay;
  const over = withdrawn || resolved !== undefined || facts.closed !== undefined;
  return {
    step,
    dueOn: addDays(dayOf(recordedtime), days),
    done: over || (step === 'acknowledge' && acknowledgedAt !== undefined),
    escalations: escalations
      .filter((entry) => entry.step === step)
      .map(({ level, overdueSince, recordedtime: noticedAt, event }) => ({ level, overdueSince, noticedAt, event })),
  };
}

function delayFacts(facts: ContractModel, delay: DelayFacts) {
  const periods = periodsOn(facts, dayNumber(dayOf(delay.recordedtime)));
  return {
    byBuyer: delay.byBuyer,
    steps: [
      stepFacts(facts, delay, 'acknowledge', periods.acknowledgeWithinDays),
      stepFacts(facts, delay, 'resolve', periods.resolveWithinDays),
    ],
  };
}
export type ObligationsDelayRow = ReturnType<typeof delayFacts>;

export const obligations: Projection = {
  name: 'obligations',
  version: 7,
  tables: [obligationsContractTable, obligationsReportTable, obligationsDelayTable],
  evolve(facts: ContractModel, touched: Touched, rows: RowSink): void {
    const { contract } = facts;
    rows.put(obligationsContractTable, {
      contract,
      report_every_days: inForce(facts).terms.reportEveryDays,
      buyer: facts.holder('buyer') ?? '',
      seller: facts.holder('seller') ?? '',
      prime: facts.speakingPrime ?? null,
      revision: facts.revision,
      look_on: nextNotice(facts) ?? null,
      corrected: flag(facts.corrected),
    });
    for (const report of reportsTouched(facts, touched)) {
      const milestone = report.startsWith('milestone:') ? report.slice('milestone:'.length) : null;
      const states = reportStates(facts, report);
      const key = { contract, report };
      if (states.length === 0) rows.remove(obligationsReportTable, key);
      else
        rows.put(obligationsReportTable, {
          ...key,
          line: milestone === null ? report : null,
          milestone,
          states: JSON.stringify(states),
        });
    }
    // A period that changes on the day of a report still counts for it.
    const delays = touched.all ? facts.delays.keys() : (touched.changed.get('delay') ?? []);
    for (const name of delays) {
      const delay = facts.delays.get(name);
      if (delay === undefined) continue;
      putListed(rows, obligationsDelayTable, {
        contract,
        id: name,
        seq: delay.revision,
        facts: delayFacts(facts, delay),
      });
    }
  },
};
