/** Discrepancy reports: what the buyer found wrong with a delivery or a bill, what was answered, how it ended. */
import { IsId, IsOneOf, IsQuantity, IsReference, IsText, Money, Optional, Part } from './fields.js';
import { eventType, mention, named, nameOf, qualified, reportedBy, type EffectiveEvent } from './event-type.js';
import { dayOf, daysBetween } from './calendar.js';
import type { ContractModel } from './model.js';
import { flagCurrency } from './payment.js';
import { answersAsSeller } from './registration.js';
import { shipmentOf } from './shipment.js';
import { dueBy } from './terms-in-force.js';

export const DISCREPANCY_KINDS = ['shortage', 'overage', 'damage', 'deficient', 'documentation', 'billing'] as const;
export const REMEDIES = ['replace', 'repair', 'credit', 'none'] as const;

export class DiscrepancyRaised {
  @IsId() readonly discrepancy!: string;
  @IsOneOf(DISCREPANCY_KINDS) readonly kind!: (typeof DISCREPANCY_KINDS)[number];
  @Optional() @IsId() readonly shipment?: string;
  @Optional() @IsId() readonly line?: string;
  @Optional() @IsQuantity() readonly quantity?: number | string;
  @Optional() @Part(() => Money) readonly value?: Money;
  @IsText() readonly detail!: string;
}

export class DiscrepancyAnswered {
  @IsReference() readonly discrepancy!: string;
  @IsOneOf(['accepted', 'rejected']) readonly answer!: 'accepted' | 'rejected';
  @IsOneOf(REMEDIES) readonly remedy!: (typeof REMEDIES)[number];
}

export class DiscrepancyClosed {
  @IsReference() readonly discrepancy!: string;
  @IsText() readonly outcome!: string;
}

export interface DiscrepancyFacts {
  /** `PARTY/ID`. */
  readonly discrepancy: string;
  readonly raised: EffectiveEvent<DiscrepancyRaised>;
  /** In recorded order. */
  readonly answers: EffectiveEvent<DiscrepancyAnswered>[];
  /** The first that was recorded. */
  closing: { readonly outcome: string; readonly recordedtime: string } | undefined;
}

/** A discrepancy report as rows keep it: all that does not depend on the day or the terms. */
export function reportFacts(model: ContractModel, { discrepancy, raised, answers, closing }: DiscrepancyFacts) {
  const { kind, shipment, line, quantity, value, detail } = raised.data;
  const receivedOn = shipment === undefined ? undefined : model.shipments.get(shipment)?.receivedOn;
  return {
    discrepancy,
    kind,
    shipment: shipment ?? null,
    line: line ?? null,
    quantity: quantity ?? null,
    value: value ?? null,
    detail,
    ...reportedBy(raised),
    raisedAt: raised.recordedtime,
    withdrawn: raised.withdrawn,
    receivedOn: receivedOn ?? null,
    /** By when it was to be raised. */
    dueOn: receivedOn === undefined ? null : dueBy(model, receivedOn, 'discrepancyWithinDays'),
    answers: answers.map((answer) => ({
      ...reportedBy(answer),
      answer: answer.data.answer,
      remedy: answer.data.remedy,
      answeredAt: answer.recordedtime,
      event: nameOf(answer),
    })),
    closing: closing ?? null,
    event: nameOf(raised),
  };
}
export type ReportFacts = ReturnType<typeof reportFacts>;

/** A discrepancy report as it is shown on a day. What waits for an answer, or to be closed, waits to that day. */
export function reportOn({ withdrawn, dueOn, closing, ...facts }: ReportFacts, day: string) {
  const { answers, receivedOn } = facts;
  const raisedOn = dayOf(facts.raisedAt);
  const raisedAfterDays = receivedOn === null ? null : daysBetween(receivedOn, raisedOn);
  const waits = withdrawn ? null : daysBetween(raisedOn, day);
  const until = (instant: string | undefined, waiting: number | null) =>
    instant === undefined ? waiting : daysBetween(raisedOn, dayOf(instant));
  return {
    discrepancy: facts.discrepancy,
    kind: facts.kind,
    shipment: facts.shipment,
    line: facts.line,
    quantity: facts.quantity,
    value: facts.value,
    detail: facts.detail,
    by: facts.by,
    onBehalfOf: facts.onBehalfOf,
    raisedAt: facts.raisedAt,
    status: withdrawn ? 'withdrawn' : closing !== null ? 'closed' : answers.length > 0 ? 'answered' : 'open',
    receivedOn,
    raisedAfterDays,
    raisedLate: dueOn === null ? null : raisedOn > dueOn,
    answers,
    answeredAfterDays: until(answers[0]?.answeredAt, closing === null ? waits : null),
    outcome: closing?.outcome ?? null,
    closedAt: closing?.recordedtime ?? null,
    closedAfterDays: until(closing?.recordedtime, waits),
    event: facts.event,
  };
}

function foldRaised(model: ContractModel, event: EffectiveEvent<DiscrepancyRaised>): void {
  const discrepancy = `${event.party}/${event.data.discrepancy}`;
  model.discrepancies.set(discrepancy, { discrepancy, raised: event, answers: [], closing: undefined });
  if (event.data.shipment !== undefined) shipmentOf(model, event.data.shipment).discrepancies.add(discrepancy);
  model.touch('discrepancy', discrepancy);
  if (!event.withdrawn && event.data.value !== undefined) flagCurrency(model, event, 'valued', event.data.value);
}

/** The discrepancy that an event is about, noted as changed; `undefined` where it was raised after the day asked about. */
function discrepancyOf(
  model: ContractModel,
  event: EffectiveEvent<{ readonly discrepancy: string }>,
): DiscrepancyFacts | undefined {
  const facts = model.discrepancies.get(qualified('discrepancy', event.data.discrepancy, event.party));
  if (facts !== undefined) model.touch('discrepancy', facts.discrepancy);
  return facts;
}

const answered = (data: { readonly discrepancy: string }) => mention('discrepancy', data.discrepancy, '/discrepancy');

export const discrepancyTypes = [
  eventType<DiscrepancyRaised>({
    type: 'DiscrepancyRaised',
    description: 'The buyer reports what is wrong with what arrived, or with a bill.',
    version: 1,
    payload: DiscrepancyRaised,
    act: false,
    by: ['buyer'],
    names: (data) => named('line', data.line, '/line'),
    mentions: (data) => mention('shipment', data.shipment, '/shipment'),
    opens: (data) => ({ kind: 'discrepancy', id: data.discrepancy, pointer: '/discrepancy' }),
    keeps: (data) => [`discrepancy ${data.discrepancy}`],
    portfolio: {
      folds: true,
      keep: ({ discrepancy, shipment, line }) => ({
        discrepancy,
        ...(shipment === undefined ? {} : { shipment }),
        ...(line === undefined ? {} : { line }),
      }),
    },
    fold: foldRaised,
  }),
  eventType<DiscrepancyAnswered>({
    type: 'DiscrepancyAnswered',
    description: 'Seller or prime accepts or rejects a discrepancy report, and says what it will do.',
    version: 1,
    payload: DiscrepancyAnswered,
    act: false,
    by: ['seller', 'prime'],
    inPersonOnly: true,
    answers: answered,
    rules: answersAsSeller,
    portfolio: { folds: true, keep: ({ discrepancy }) => ({ discrepancy }) },
    fold: (model, event) => {
      if (!event.withdrawn) discrepancyOf(model, event)?.answers.push(event);
    },
  }),
  eventType<DiscrepancyClosed>({
    type: 'DiscrepancyClosed',
    description: 'The buyer closes a discrepancy report and says how it ended.',
    version: 1,
    payload: DiscrepancyClosed,
    act: false,
    by: ['buyer'],
    // Who closes it for the buyer would say that the buyer is content, and the buyer could not correct it.
    inPersonOnly: true,
    answers: answered,
    portfolio: { folds: true, keep: ({ discrepancy }) => ({ discrepancy }) },
    fold: (model, event) => {
      if (event.withdrawn) return;
      const facts = discrepancyOf(model, event);
      if (facts === undefined) return;
      if (facts.closing === undefined)
        facts.closing = { outcome: event.data.outcome, recordedtime: event.recordedtime };
      else model.flag('repeated-answer', event, `discrepancy ${facts.discrepancy} had been closed before`);
    },
  }),
];
