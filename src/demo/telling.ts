/** For contracts that are told event by event, with days and figures that their story depends on. */
import type { Party } from './cast.js';
import type { Course } from './plan.js';
import type { DemoEventType, PayloadOf } from './payloads.js';
import type { Sent, Telling } from './script.js';

/** Writes down what happened on `on` and was sent `lag` days later. @throws RangeError where it would not be sent */
export type Tell = <T extends DemoEventType>(
  by: Party,
  on: string,
  lag: number,
  type: T,
  data: PayloadOf[T],
  more?: Partial<Telling>,
) => Sent<T>;

export const teller = ({ script }: Course): Tell => {
  return (by, on, lag, type, data, more = {}) => {
    const sent = script.send(type, { by, on, lag, required: true, ...more }, data);
    if (sent === undefined) throw new RangeError(`${script.contract}: ${type} of ${on} would not be sent`);
    return sent;
  };
};

/** How another event names it. */
export const nameOf = ({ event: { id, source } }: Sent): { readonly id: string; readonly source: string } => ({
  id,
  source,
});

export const asParty = ({ id, name, country }: Party) => ({ party: id, name, country });
