/** What the fold of several families shares: that an event speaks of a line. */
import type { EffectiveEvent } from './event-type.js';
import { isAfter, type ContractModel } from './model.js';

/** Notes who last reported on a line, and with that on the contract. */
export function noteReport(model: ContractModel, event: EffectiveEvent, lines: Iterable<string>): void {
  for (const id of new Set(lines)) {
    const line = model.line(id);
    if (line.lastReport === undefined || isAfter(event, line.lastReport))
      line.lastReport = {
        time: event.time,
        revision: event.revision,
        recordedtime: event.recordedtime,
        by: event.party,
      };
    if (model.lastReport === undefined || isAfter(event, model.lastReport))
      model.lastReport = { time: event.time, revision: event.revision, recordedtime: event.recordedtime };
  }
}
