/** What an event says, in a few words: for a line of a history on a terminal. */
import { isObject, listOf, quantityOf, textOf } from './http.js';

/** Tolerant: of data that are not as expected it says what it can, of a type it does not know nothing. */
export function gistOf(type: string, data: unknown): string {
  const text = (name: string) => textOf(data, name) ?? '?';
  const within = (name: string): unknown => (isObject(data) ? data[name] : undefined);
  switch (type) {
    case 'ContractRegistered':
      return `${text('title')}, signed ${text('signedOn')}`;
    case 'RegistrationContested':
    case 'ContractClosed':
      return text('reason');
    case 'PartyAdded':
    case 'PartyRemoved':
      return `${text('party')} as ${text('role')}`;
    case 'ContractAmended': {
      const consulted = listOf(data, 'consulted');
      const moved = listOf(data, 'milestones').map(
        (entry) => `${textOf(entry, 'milestone')} to ${textOf(entry, 'due')}`,
      );
      const asked = consulted.length === 0 ? 'nobody asked' : `asked ${consulted.join(', ')}`;
      return `${text('amendment')}, ${asked}: ${moved.length > 0 ? moved.join(', ') : text('rationale')}`;
    }
    case 'AmendmentAgreed':
      return text('amendment');
    case 'AmendmentRefused':
      return `${text('amendment')}: ${text('reason')}`;
    case 'ForecastRevised':
      return `${text('milestone')} on ${text('forecast')}: ${text('reason')}`;
    case 'MilestoneReached':
      return `${text('milestone')} on ${text('on')}`;
    case 'ManufacturingStarted':
      return `${text('line')}: ${text('stage')}`;
    case 'ManufacturingProgressed':
      return `${text('line')}: ${text('stage')}, ${quantityOf(data, 'percent')}%, ${quantityOf(data, 'unitsCompleted')} made`;
    case 'ManufacturingCompleted':
      return `${text('line')}: ${quantityOf(data, 'quantity')} made`;
    case 'QualityCheckRecorded':
      return `${text('line')} ${text('kind')}: ${text('result')} (${text('standard')})`;
    case 'ShipmentDispatched':
    case 'ShipmentReceived':
      return `${text('shipment')}: ${items(data)}`;
    case 'ShipmentMoved':
      return `${text('shipment')}: ${text('status')}, ${text('location')}`;
    case 'DeliveryAccepted':
      return `${items(data)}, at ${text('acceptancePoint')}`;
    case 'DeliveryRejected':
      return `${items(data)}: ${text('reason')}`;
    case 'DelayReported': {
      const cause = within('cause');
      return `${text('delay')}, began ${text('startedOn')}, says ${textOf(cause, 'locus') ?? '?'}: ${textOf(cause, 'detail') ?? '?'}`;
    }
    case 'DelayAcknowledged':
      return text('delay');
    case 'DelayResolved':
      return `${text('delay')}, after ${quantityOf(data, 'actualDays')} days`;
    case 'EventCorrected':
      return `${textOf(within('event'), 'id') ?? '?'}: ${text('reason')}`;
    default: // types come from the ledger, which may know more of them
      return '';
  }
}

function items(data: unknown): string {
  return listOf(data, 'items')
    .map((item) => `${quantityOf(item, 'quantity')} x ${textOf(item, 'line') ?? '?'}`)
    .join(', ');
}
