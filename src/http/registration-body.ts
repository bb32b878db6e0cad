/** The short form of a registration: the data of `ContractRegistered`, and beside them what its envelope needs. */
import { isCalendarDate } from '../contract/calendar.js';
import { FIELD_KINDS, isPlainObject } from '../contract/fields.js';
import { refuseField, type Refusal } from '../contract/event-type.js';
import { isRefusal, PARTY_URN } from '../commands/envelope.js';
import { checkSent, type Checked } from './intake.js';

/** The id of a registration's event where the short form is used: registering twice is then recognised as such. */
const REGISTRATION_ID = 'registration';

/**
 * Checks a registration in its short form: `contract` (its id), optionally `time` (the start of `signedOn`, UTC) and
 * `source` (the buyer), all else data. Pointers are into the body as it was sent.
 */
export function checkRegistration(body: unknown): Checked {
  if (!isPlainObject(body)) return refuseField('invalid-event', '', 'must be a JSON object');
  const { contract, time, source, ...data } = body;
  if (contract === undefined)
    return refuseField(
      'invalid-event',
      '/contract',
      `is missing: the id of the contract${'specversion' in body ? '; a whole CloudEvent is sent as application/cloudevents+json' : ''}`,
    );
  if (!FIELD_KINDS.id.check(contract)) return refuseField('invalid-event', '/contract', FIELD_KINDS.id.message);
  const buyer = buyerOf(data['parties']);
  // Where nothing can be put in, something that passes is: what is wrong with the data is then said of the data.
  const { signedOn } = data;
  const checked = checkSent(
    {
      specversion: '1.0',
      id: REGISTRATION_ID,
      source: source ?? `${PARTY_URN}${buyer ?? 'unknown'}`,
      type: 'ContractRegistered',
      subject: contract,
      time: time ?? `${isCalendarDate(signedOn) ? signedOn : '2000-01-01'}T00:00:00Z`,
      data,
    },
    undefined,
  );
  if (isRefusal(checked)) return inBody(checked);
  if (source === undefined && buyer === undefined)
    return refuseField('invalid-registration', '/parties', 'must have exactly one buyer, or source must be given');
  return checked;
}

/** Pointers of an event's data, in a body that has no `data`. */
export const inBody = <T extends Pick<Refusal, 'problems'>>(refusal: T): T => ({
  ...refusal,
  problems: refusal.problems.map(({ pointer, detail }) => ({
    pointer: pointer === '/data' ? '' : pointer.startsWith('/data/') ? pointer.slice('/data'.length) : pointer,
    detail,
  })),
});

function buyerOf(parties: unknown): string | undefined {
  if (!Array.isArray(parties)) return undefined;
  const buyers = parties.filter((entry) => isPlainObject(entry) && entry['role'] === 'buyer') as { party: unknown }[];
  const party = buyers.length === 1 ? buyers[0]?.party : undefined;
  return FIELD_KINDS.id.check(party) ? (party as string) : undefined;
}
