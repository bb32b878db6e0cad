/** Events as the ledger would hold them, for examples that are worked out by hand. */
import type { ContractEvent } from '../../src/contract/event-type.js';
import { CONTRACT, registrationData } from '../support/scenario.js';

export interface Said {
  readonly type: string;
  readonly data: object;
  readonly by: string;
  /** The day it happened; recorded on the same day unless said otherwise. */
  readonly time: string;
  readonly id?: string;
  readonly recorded?: string;
  readonly onBehalfOf?: string;
}

/** Ids are `e` and the revision unless said otherwise. */
export const recorded = (...all: readonly Said[]): ContractEvent<object>[] =>
  all.map(({ type, data, by, time, id, recorded, onBehalfOf }, revision) => ({
    contract: CONTRACT,
    revision,
    id: id ?? `e${revision}`,
    source: `urn:waybook:party:${by}`,
    type,
    version: 1,
    time: `${time}T12:00:00Z`,
    recordedtime: `${recorded ?? time}T12:00:00.000Z`,
    reporter: by,
    onBehalfOf,
    party: onBehalfOf ?? by,
    data,
  }));

export const say = (type: string, data: object, by: string, time: string, more: Partial<Said> = {}): Said => ({
  type,
  data,
  by,
  time,
  ...more,
});
export const registration = (change: Record<string, unknown> = {}) =>
  say('ContractRegistered', registrationData(change), 'us-gov', '2020-01-10');
export const confirmed = say('RegistrationConfirmed', {}, 'jp-mod', '2020-01-10');
export const amend = (amendment: string, change: object, by: string, time: string) =>
  say('ContractAmended', { amendment, consulted: [], rationale: 'x', ...change }, by, time);
export const agree = (amendment: string, by: string, time: string) => say('AmendmentAgreed', { amendment }, by, time);
export const redate = (amendment: string, due: string, by: string, time: string) =>
  amend(amendment, { milestones: [{ milestone: 'D1', due }] }, by, time);
export const forecast = (to: string, by: string, time: string, more: Partial<Said> = {}) =>
  say('ForecastRevised', { milestone: 'D1', forecast: to, reason: 'x' }, by, time, more);
export const takeBack = (id: string, by: string, time: string) =>
  say('EventCorrected', { event: { id }, reason: 'did-not-occur' }, by, time);
export const dispatch = (shipment: string, quantity: number, by: string, time: string, more: Partial<Said> = {}) =>
  say(
    'ShipmentDispatched',
    { shipment, items: [{ line: '1', quantity }], carrier: 'carrier-a', mode: 'sea', from: 'a', to: 'b', eta: 'x' },
    by,
    time,
    more,
  );
export const accept = (quantity: number, acceptancePoint: string, time: string, shipment?: string) =>
  say('DeliveryAccepted', { shipment, items: [{ line: '1', quantity }], acceptancePoint }, 'jp-mod', time);
export const revoke = (quantity: number, time: string, shipment?: string) =>
  say('DeliveryRejected', { shipment, items: [{ line: '1', quantity }], reason: 'x', revokes: true }, 'jp-mod', time);
export const delay = (id: string, startedOn: string, to: string, by: string, time: string, more: Partial<Said> = {}) =>
  say(
    'DelayReported',
    {
      delay: id,
      cause: { code: 'parts', locus: 'subcontractor', party: 'sub-a', detail: 'x' },
      startedOn,
      forecasts: to === '' ? [] : [{ milestone: 'D1', forecast: to }],
    },
    by,
    time,
    more,
  );

/** One line of four at 200.00, delivered by the prime; reports every ten days. */
export const short = (change: Record<string, unknown> = {}) =>
  registration({
    lines: registrationData().lines.slice(0, 1),
    milestones: registrationData().milestones.slice(1, 2),
    terms: { ...registrationData().terms, reportEveryDays: 10 },
    ...change,
  });
