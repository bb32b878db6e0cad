/** What is surprising in the record, and on which events it stands: the table `Flags`, a function for each of its rows. */
import { acceptedInAll, deliveries, DISPATCHERS, named, RECEIVERS, settlement, statedInAll } from './delivery.js';
import {
  byTime,
  dayOf,
  daysBetween,
  ever,
  instantKey,
  isNamed,
  mentions,
  nameOf,
  opening,
  quantityOf,
  recordedDay,
  reference,
  resolved,
  said,
  sameMoney,
  timeDay,
  type Book,
  type Data,
  type Fact,
  type Money,
  until,
} from './record.js';
import {
  amendments,
  closings,
  currencyOf,
  done,
  holds,
  holdsFrom,
  lastHolds,
  lineOf,
  lines,
  registrationOf,
  sideOf,
} from './terms.js';
import type { EventName } from '../../src/contract/event-type.js';

type Stands = (book: Book, fact: Fact) => boolean;

/** What some types of event that take effect said before it, in recorded order. */
const saidBefore = (book: Book, fact: Fact, ...types: readonly string[]): Fact[] =>
  done(book, ...types).filter(({ revision }) => revision < fact.revision);

const secondHand: Stands = (_book, fact) => fact.onBehalfOf !== undefined;

/** Both closings had been recorded before it, and it says that it happened after the later of them by `time`. */
const afterClosing: Stands = (book, fact) => {
  const both = closings(book);
  return (
    both !== undefined &&
    both.every(({ revision }) => revision < fact.revision) &&
    instantKey(fact.time) > instantKey(lastHolds(book, both))
  );
};

const backdated: Stands = (book, fact) =>
  (['AmendmentAgreed', 'ContractClosed', 'AccountSettled'].includes(fact.type) &&
    holdsFrom(book, fact) !== fact.time) ||
  isOfLongAgo(book, fact);

/** What one side alone says of a day so long ago, or so early, that dates long known come out otherwise. */
function isOfLongAgo(book: Book, fact: Fact): boolean {
  const revoked = fact.type === 'DeliveryRejected' && fact.data['revokes'] === true;
  if (!['MilestoneReached', 'DeliveryAccepted'].includes(fact.type) && !revoked) return false;
  const registration = registrationOf(book)!;
  const day = (fact.data['on'] as string | undefined) ?? timeDay(fact);
  const isLate = (since: string): boolean =>
    daysBetween(since, dayOf(fact.correction?.recordedtime ?? fact.recordedtime)) > 30;
  return (
    book.facts.includes(fact) &&
    (day < registration.data['signedOn'] || (isLate(day) && isLate(recordedDay(registration))))
  );
}

/** The events that data name; an `evidence` may also be the name of a document, which is no event. */
const eventsNamed = (fact: Fact): Required<EventName>[] => {
  const all: EventName[] = [];
  if (fact.type === 'DisputeOpened') all.push(...((fact.data['contests'] ?? []) as EventName[]));
  if (fact.type === 'DelayDetermined') all.push(...((fact.data['evidence'] ?? []) as EventName[]));
  if (fact.type === 'DisputeDecided')
    for (const { evidence } of (fact.data['determinations'] ?? []) as Data[])
      all.push(...((evidence ?? []) as EventName[]));
  return all.map((name) => resolved(fact, name));
};

const unknownReference: Stands = (book, fact) =>
  !book.facts.includes(fact) || eventsNamed(fact).some((name) => !book.selected.some((event) => isNamed(name, event)));

/** All that ever opened a thing was taken back; a shipment may have been opened several times. */
const basisWithdrawn: Stands = (book, fact) =>
  mentions(fact).some((thing) => {
    const openings = book.facts.filter((opener) => opening(opener) === thing);
    return openings.length > 0 && openings.every(({ withdrawn }) => withdrawn);
  });

const oneSided: Stands = (book, fact) => {
  if (!holds(book, fact)) return false;
  if (fact.type === 'ContractClosed') return closings(book) === undefined && !repeatedAnswer(book, fact);
  if (fact.type !== 'AccountSettled') return false;
  const matched = done(book, 'AccountSettled').some(
    (other) =>
      !settledBefore(book, other) &&
      sideOf(book, other.party) !== sideOf(book, fact.party) &&
      sameMoney(other.data['finalAmount'], fact.data['finalAmount']) &&
      sameMoney(other.data['refund'], fact.data['refund']),
  );
  return !matched && !settledBefore(book, fact);
};
const settledBefore = (book: Book, fact: Fact): boolean =>
  settlement(book)?.facts.every(({ revision }) => revision < fact.revision) === true;

/** A correction of the registration voids the confirmations before it, so that a confirmation after it says something. */
const lastRegistered = (book: Book, fact: Fact): number =>
  Math.max(
    0,
    ...book.selected
      .filter(({ type, revision }) => type === 'EventCorrected' && revision < fact.revision)
      .filter((correction) =>
        isNamed(resolved(correction, correction.data['event'] as EventName), ever(book, 'ContractRegistered')[0]!),
      )
      .map(({ revision }) => revision),
  );

const sameThing = (fact: Fact, kind: string) => (other: Fact) => reference(other, kind) === reference(fact, kind);

const repeatedAnswer: Stands = (book, fact) => {
  if (!holds(book, fact)) return false;
  const side = sideOf(book, fact.party);
  const bySameSide = ({ party }: Fact): boolean => sideOf(book, party) === side;
  switch (fact.type) {
    case 'RegistrationConfirmed':
      return saidBefore(book, fact, fact.type)
        .filter(({ revision }) => revision > lastRegistered(book, fact))
        .some(bySameSide);
    case 'ContractClosed':
      return saidBefore(book, fact, fact.type).some(bySameSide);
    case 'AmendmentAgreed':
    case 'AmendmentRefused': {
      const amendment = amendments(book).find(({ id }) => id === fact.data['amendment']);
      // The day asked about may leave out the amendment and not its answers: these answer nothing then.
      if (amendment === undefined) return false;
      const agreedBefore = amendment.agreement !== undefined && amendment.agreement.revision < fact.revision;
      const answers = fact.type === 'AmendmentAgreed' ? ['AmendmentAgreed'] : ['AmendmentAgreed', 'AmendmentRefused'];
      return (
        agreedBefore ||
        saidBefore(book, fact, ...answers)
          .filter(({ data }) => data['amendment'] === amendment.id)
          .some(bySameSide)
      );
    }
    case 'DelayAcknowledged':
      return saidBefore(book, fact, fact.type).some(sameThing(fact, 'delay'));
    case 'DiscrepancyClosed':
      return saidBefore(book, fact, fact.type).some(sameThing(fact, 'discrepancy'));
    case 'DisputeWithdrawn':
      return saidBefore(book, fact, 'DisputeWithdrawn', 'DisputeDecided').some(sameThing(fact, 'dispute'));
    case 'AccountSettled':
      return settledBefore(book, fact);
    default:
      return false;
  }
};

/** The revision with which it took effect: its own, or that of what it had waited for. */
const effectOf = (book: Book, fact: Fact): number =>
  Math.max(
    fact.revision,
    ...mentions(fact).map((thing) =>
      Math.min(...book.facts.filter((opener) => opening(opener) === thing).map((opener) => effectOf(book, opener))),
    ),
  );

const quantityExceedsLine: Stands = (book, fact) => {
  // What is held has no effect: it states nothing of a line before what it names arrives.
  if (!book.facts.includes(fact)) return false;
  switch (fact.type) {
    case 'ManufacturingCompleted':
    case 'QualityCheckRecorded':
    case 'NonconformanceRaised': {
      const states = quantityOf(fact.data['quantity']);
      const then = lineOf(until(book, effectOf(book, fact)), fact.data['line'] as string);
      const line = lineOf(book, fact.data['line'] as string);
      return then !== undefined && line !== undefined && states > then.quantity && states > line.quantity;
    }
    case 'ShipmentDispatched':
    case 'ShipmentReceived': {
      const roles = fact.type === 'ShipmentDispatched' ? DISPATCHERS : RECEIVERS;
      const [effect, { revision }] = [effectOf(book, fact), fact];
      const isSoFar = (other: Fact): boolean => {
        const its = effectOf(book, other);
        return its < effect || (its === effect && other.revision <= revision);
      };
      const soFar = said(book, fact.type).filter(isSoFar);
      return lines(book).some(
        ({ line, quantity }) => named(fact, line) && statedInAll(book, soFar, line, roles) > quantity,
      );
    }
    case 'DeliveryAccepted': {
      const soFar = deliveries(book).filter((other) => byTime(other, fact) <= 0);
      return lines(book).some(({ line, quantity }) => named(fact, line) && acceptedInAll(soFar, line) > quantity);
    }
    default:
      return false;
  }
};

const MADE = ['ManufacturingStarted', 'ManufacturingProgressed', 'ManufacturingCompleted'];
const percentOf = ({ type, data }: Fact): bigint =>
  quantityOf(type === 'ManufacturingCompleted' ? 100 : data['percent']);

const percentDecreased: Stands = (book, fact) => {
  if (fact.type !== 'ManufacturingProgressed') return false;
  const before = saidBefore(book, fact, ...MADE).filter(({ data }) => data['line'] === fact.data['line']);
  const isNews = (each: Fact): boolean =>
    before.every((other) => other.revision >= each.revision || byTime(other, each) < 0);
  const stated = before.filter((each) => isNews(each) && each.type !== 'ManufacturingStarted').at(-1);
  return isNews(fact) && stated !== undefined && percentOf(fact) < percentOf(stated);
};

function amountsIn({ type, data }: Fact): readonly Money[] {
  const items = (data['items'] ?? []) as readonly { readonly amount: Money }[];
  switch (type) {
    case 'PaymentMade':
      return [data['amount']];
    case 'StatementIssued':
      return [data['amount'], ...items.map(({ amount }) => amount)];
    case 'AccountSettled':
      return [data['finalAmount'], data['refund']];
    case 'DiscrepancyRaised':
      return data['value'] === undefined ? [] : [data['value']];
    default:
      return [];
  }
}
/** What is held states nothing yet. */
const otherCurrency: Stands = (book, fact) =>
  book.facts.includes(fact) && amountsIn(fact).some(({ currency }) => currency !== currencyOf(book));

const BY_CODE: Readonly<Record<string, Stands>> = {
  'second-hand': secondHand,
  'after-closing': afterClosing,
  backdated,
  'unknown-reference': unknownReference,
  'basis-withdrawn': basisWithdrawn,
  'one-sided': oneSided,
  'repeated-answer': repeatedAnswer,
  'quantity-exceeds-line': quantityExceedsLine,
  'percent-decreased': percentDecreased,
  'other-currency': otherCurrency,
};

export const FLAGS: readonly string[] = Object.keys(BY_CODE);

/** The codes that stand on an event, sorted. What was taken back has none. */
export const flagsOn = (book: Book, fact: Fact): string[] =>
  fact.withdrawn
    ? []
    : Object.entries(BY_CODE)
        .filter(([, stands]) => stands(book, fact))
        .map(([code]) => code)
        .sort();

/** Without `detail`, which is for people; in recorded order, the codes of one event sorted. */
export const flags = (book: Book) =>
  book.selected.flatMap((fact) => flagsOn(book, fact).map((code) => ({ code, event: nameOf(fact) })));
