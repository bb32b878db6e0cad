/**
 * A second reading of the rules, as plainly as they can be read: from the list of recorded events, with loops and filters,
 * nothing carried from one event to the next. To be compared with the read models. A contract that is not registered for
 * a question has no answer.
 */
import { changes } from './changes.js';
import { discrepancies, payments, shipments } from './commerce.js';
import { contract, exposure, type GroupBy } from './contract.js';
import { accountability } from './delays.js';
import { flags, FLAGS } from './flags.js';
import { history, type Order } from './history.js';
import { notices, type Notice } from './notices.js';
import { quality } from './quality.js';
import { bookOf, type Book, type Events, type Question } from './record.js';
import { obligations } from './reporting.js';
import { schedule } from './schedule.js';
import { scorecards } from './scorecards.js';
import { registrationOf } from './terms.js';

export { FLAGS };
export type { Notice, Question };

function answered<A>(events: Events, q: Question, answer: (book: Book) => A): A | undefined {
  const book = bookOf(events, q);
  return registrationOf(book) === undefined ? undefined : answer(book);
}

export const naiveContract = (events: Events, q: Question) => answered(events, q, contract);
export const naiveSchedule = (events: Events, q: Question) => answered(events, q, schedule);
export const naiveAccountability = (events: Events, q: Question) => answered(events, q, accountability);
export const naiveQuality = (events: Events, q: Question) => answered(events, q, quality);
export const naiveShipments = (events: Events, q: Question) => answered(events, q, shipments);
export const naiveDiscrepancies = (events: Events, q: Question) => answered(events, q, discrepancies);
export const naivePayments = (events: Events, q: Question) => answered(events, q, payments);
export const naiveObligations = (events: Events, q: Question) => answered(events, q, obligations);

export const naiveFlags = (events: Events, q: Question) => answered(events, q, flags);
export const naiveHistory = (events: Events, q: Question, order?: Order) =>
  answered(events, q, (book) => history(book, order));

const registered = (contracts: readonly Events[], q: Question): Book[] =>
  contracts.map((events) => bookOf(events, q)).filter((book) => registrationOf(book) !== undefined);

export const naiveExposure = (contracts: readonly Events[], q: Question, groupBy?: GroupBy) =>
  exposure(registered(contracts, q), groupBy);
export const naiveScorecards = (contracts: readonly Events[], q: Question) => scorecards(registered(contracts, q));
/** The dates that were moved; with `since`, those of which the ledger heard from then on. */
export const naiveChanges = (contracts: readonly Events[], q: Question, since?: string) =>
  changes(registered(contracts, q), since);

/** What the watch has to have recorded by the start of a day, given what else was recorded. */
export const naiveNotices = (events: Events, throughDay: string): Notice[] => notices(events, throughDay);
