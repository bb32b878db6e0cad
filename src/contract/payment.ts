/** Payments, statements and what they were compared with, and the settlement of the account. */
import {
  IsId,
  IsName,
  IsOneOf,
  IsQuantity,
  IsReference,
  IsText,
  ListOfParts,
  Money,
  Optional,
  Part,
} from './fields.js';
import { dayOf } from './calendar.js';
import { allDeliveredSince } from './completion.js';
import { eventType, mention, named, nameOf, qualified, type EffectiveEvent, type EventName } from './event-type.js';
import { insertByStand, type ContractModel, type Stand } from './model.js';
import { minorUnits, quantityOf, valueOf } from './money.js';
import { acceptedOf, holdsFrom, inForce } from './terms-in-force.js';

export class PaymentMade {
  @IsId() readonly payment!: string;
  @Part(() => Money) readonly amount!: Money;
  @IsOneOf(['advance', 'progress', 'final']) readonly kind!: 'advance' | 'progress' | 'final';
}

export class StatementItem {
  @IsId() readonly line!: string;
  @IsQuantity() readonly quantity!: number | string;
  @Part(() => Money) readonly amount!: Money;
}

export class StatementIssued {
  @IsId() readonly statement!: string;
  @Part(() => Money) readonly amount!: Money;
  @ListOfParts(() => StatementItem) readonly items!: readonly StatementItem[];
}

/** One field in which statement and receipt say different things. */
export class Difference {
  @IsName() readonly field!: string;
  @IsText() readonly statement!: string;
  @IsText() readonly receipt!: string;
}

export class StatementMatched {
  @IsReference() readonly statement!: string;
  @Optional() @IsId() readonly shipment?: string;
  /** The office that compared, not a person. */
  @IsName() readonly comparedBy!: string;
  @ListOfParts(() => Difference) readonly differences!: readonly Difference[];
}

export class AccountSettled {
  @Part(() => Money) readonly finalAmount!: Money;
  @Part(() => Money) readonly refund!: Money;
}

export interface PaymentFacts {
  /** `PARTY/ID`. */
  readonly payment: string;
  readonly event: EffectiveEvent<PaymentMade>;
  /** In the contract's currency, and not taken back. */
  readonly counts: boolean;
}

export interface StatementFacts {
  /** `PARTY/ID`. */
  readonly statement: string;
  readonly issued: EffectiveEvent<StatementIssued>;
  /** In order of {@link Stand}. */
  readonly matches: EffectiveEvent<StatementMatched>[];
}

export interface SettlementFacts extends Stand {
  /** From when it holds. */
  readonly holdsFrom: string;
  readonly side: 'buyer' | 'seller';
  readonly by: string;
  readonly event: Required<EventName>;
  readonly recordedtime: string;
  readonly finalAmount: Money;
  readonly refund: Money;
}

/** The currency of the contract: that of its registration. */
export const currencyOf = (model: ContractModel): string => model.registration?.value.currency ?? '';

/** Flags an amount that is not in the contract's currency. */
export function flagCurrency(model: ContractModel, event: EffectiveEvent, what: string, { currency }: Money): void {
  const own = currencyOf(model);
  if (currency !== own)
    model.flag('other-currency', event, `${what} in ${currency}, which is not the contract's ${own}`);
}

function foldPayment(model: ContractModel, event: EffectiveEvent<PaymentMade>): void {
  const { payment, amount } = event.data;
  const currency = currencyOf(model);
  const counts = !event.withdrawn && amount.currency === currency;
  model.touched.said.payments.push({ payment: `${event.party}/${payment}`, event, counts });
  if (event.withdrawn) return;
  if (counts) model.paid += minorUnits(amount);
  else flagCurrency(model, event, 'paid', amount);
}

function foldStatement(model: ContractModel, event: EffectiveEvent<StatementIssued>): void {
  const statement = `${event.party}/${event.data.statement}`;
  model.statements.set(statement, { statement, issued: event, matches: [] });
  model.touch('statement', statement);
  if (event.withdrawn) return;
  const currency = currencyOf(model);
  if (event.data.amount.currency === currency) model.billed += minorUnits(event.data.amount);
  else flagCurrency(model, event, 'billed', event.data.amount);
  for (const { line, quantity, amount } of event.data.items) {
    const billed = (model.line(line).billed ??= { quantity: 0n, minor: 0n });
    billed.quantity += quantityOf(quantity);
    if (amount.currency === currency) billed.minor += minorUnits(amount);
    else flagCurrency(model, event, 'billed', amount);
  }
}

function foldMatched(model: ContractModel, event: EffectiveEvent<StatementMatched>): void {
  if (event.withdrawn) return;
  const facts = model.statements.get(qualified('statement', event.data.statement, event.party));
  if (facts === undefined) return; // issued after the day that is asked about
  insertByStand(facts.matches, event);
  model.touch('statement', facts.statement);
}

const same = (a: Money, b: Money): boolean => a.currency === b.currency && minorUnits(a) === minorUnits(b);

function foldSettled(model: ContractModel, event: EffectiveEvent<AccountSettled>): void {
  const { time, revision, recordedtime, party, data } = event;
  const from = holdsFrom(model, event);
  if (from === undefined) return;
  const side = model.holds(party, 'buyer') ? 'buyer' : 'seller';
  const settlement: SettlementFacts = {
    time,
    revision,
    recordedtime,
    holdsFrom: from,
    side,
    by: party,
    event: nameOf(event),
    finalAmount: data.finalAmount,
    refund: data.refund,
  };
  model.touch('settlement', String(revision));
  for (const amount of [data.finalAmount, data.refund]) flagCurrency(model, event, 'settled', amount);
  if (model.settled !== undefined) {
    model.settlements.push(settlement);
    model.flag('repeated-answer', event, 'the account had been settled before');
    return;
  }
  const other = model.settlements.find(
    (entry) => entry.side !== side && same(entry.finalAmount, data.finalAmount) && same(entry.refund, data.refund),
  );
  model.settlements.push(settlement);
  if (other === undefined) {
    model.flag(
      'one-sided',
      event,
      `no settlement of the other side has this final amount and refund; only the ${side}'s`,
    );
    return;
  }
  for (const entry of model.settlements)
    if (entry.side === other.side && same(entry.finalAmount, data.finalAmount) && same(entry.refund, data.refund))
      model.unflag('one-sided', entry.revision);
  model.settled = { first: other, second: settlement };
  model.touch('settlement', String(other.revision));
}

/** The day from which the later of the two settlements that agree holds; `undefined` while there are none. */
export function settledOn({ settled }: ContractModel): string | undefined {
  if (settled === undefined) return undefined;
  const [first, second] = [dayOf(settled.first.holdsFrom), dayOf(settled.second.holdsFrom)];
  return first > second ? first : second;
}

/** Value in minor units over all lines, each rounded half up by itself. */
export interface DeliveredValue {
  readonly delivered: bigint;
  readonly undelivered: bigint;
}

export function deliveredValue(model: ContractModel): DeliveredValue {
  let [delivered, total] = [0n, 0n];
  for (const terms of inForce(model).lines.values()) {
    const unit = minorUnits(terms.unitValue);
    const value = valueOf(acceptedOf(model, terms.line), unit);
    delivered += value;
    total += terms.cancelledOn === undefined ? valueOf(terms.quantity, unit) : value;
  }
  return { delivered, undelivered: total - delivered };
}

/** The day from which every line's quantity has stood accepted, cancelled lines left out; `undefined` while it has not. */
export function deliveredSince(model: ContractModel): string | undefined {
  const cached = model.memo.deliveredSince;
  if (cached !== undefined && cached.version === model.datesVersion) return cached.day;
  const day = allDeliveredSince(model);
  model.memo.deliveredSince = { version: model.datesVersion, day };
  return day;
}

/** paid less delivered, not below zero; zero once settled. Minor units. */
export const exposureOf = (paid: bigint, delivered: bigint, settled: boolean): bigint =>
  settled || paid <= delivered ? 0n : paid - delivered;

export const paymentTypes = [
  eventType<PaymentMade>({
    type: 'PaymentMade',
    description: 'The buyer paid: in advance, by progress, or at the end.',
    version: 1,
    payload: PaymentMade,
    act: false,
    by: ['buyer'],
    inPersonOnly: true,
    opens: (data) => ({ kind: 'payment', id: data.payment, pointer: '/payment' }),
    keeps: (data) => [`payment ${data.payment}`],
    portfolio: { folds: true, keep: ({ payment, amount }) => ({ payment, amount }) },
    fold: foldPayment,
  }),
  eventType<StatementIssued>({
    type: 'StatementIssued',
    description: 'The seller bills: a statement of lines, quantities and amounts.',
    version: 1,
    payload: StatementIssued,
    act: false,
    by: ['seller'],
    names: (data) => data.items.flatMap(({ line }, index) => named('line', line, `/items/${index}/line`)),
    opens: (data) => ({ kind: 'statement', id: data.statement, pointer: '/statement' }),
    keeps: (data) => [`statement ${data.statement}`],
    portfolio: {
      folds: false,
      keep: ({ statement, items }) => ({ statement, items: items.map(({ line }) => ({ line })) }),
    },
    fold: foldStatement,
  }),
  eventType<StatementMatched>({
    type: 'StatementMatched',
    description:
      'An office of the buyer compared a statement with what was received, and found these differences, or none.',
    version: 1,
    payload: StatementMatched,
    act: false,
    by: ['buyer'],
    inPersonOnly: true,
    mentions: (data) => [
      ...mention('statement', data.statement, '/statement'),
      ...mention('shipment', data.shipment, '/shipment'),
    ],
    portfolio: {
      folds: false,
      keep: ({ statement, shipment }) => ({ statement, ...(shipment === undefined ? {} : { shipment }) }),
    },
    fold: foldMatched,
  }),
  eventType<AccountSettled>({
    type: 'AccountSettled',
    description: 'One side states the final amount and the refund; settled once the other states the same.',
    version: 1,
    payload: AccountSettled,
    act: true,
    by: ['seller', 'buyer'],
    inPersonOnly: true,
    portfolio: { folds: true, keep: (data) => data },
    fold: foldSettled,
  }),
];
