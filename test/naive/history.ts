/** Everything that was sent, in order, and what became of it. */
import { flagsOn } from './flags.js';
import { byTime, isNamed, nameOf, orNull, resolved, type Book, type Fact } from './record.js';
import type { EventName } from '../../src/contract/event-type.js';

export type Order = 'recorded' | 'time';

const corrected = (correction: Fact): Required<EventName> =>
  resolved(correction, correction.sent['event'] as EventName);

/** The last correction of an event, by revision: it decides. */
const decidingFor = (book: Book, name: Required<EventName>): Fact | undefined =>
  book.selected.findLast((fact) => fact.type === 'EventCorrected' && isNamed(name, corrected(fact)));

/** All on one page. Where an event stands in the store is not known here, and whether there is a checkpoint. */
export function history(book: Book, order: Order = 'recorded') {
  const events = order === 'time' ? book.selected.toSorted(byTime) : book.selected;
  return {
    events: events.map((fact) => {
      const corrects = fact.type === 'EventCorrected' ? corrected(fact) : undefined;
      const correction = decidingFor(book, nameOf(fact));
      const overruled = corrects !== undefined && decidingFor(book, corrects) !== fact;
      return {
        revision: String(fact.revision),
        id: fact.id,
        source: fact.source,
        type: fact.type,
        version: fact.version,
        time: fact.time,
        recordedtime: fact.recordedtime,
        reporter: fact.reporter,
        onBehalfOf: orNull(fact.onBehalfOf),
        data: fact.sent,
        effective: correction === undefined && !overruled,
        corrects: orNull(corrects),
        correctedBy: correction === undefined ? null : nameOf(correction),
        flags: flagsOn(book, fact),
      };
    }),
    next: null,
  };
}
