/** A small portfolio in which every status, filter and empty field of `/contracts` occurs. */
import { confirmed, event, registered, usd, type Sent } from './scenario.js';

export const forecastOf = (contract: string, day: string, time = '2020-05-01'): Sent =>
  event(
    'ForecastRevised',
    { milestone: 'D1', forecast: day, reason: 'as it looks' },
    { contract, by: 'prime-a', time },
  );

/** The events of one contract; `index` says what becomes of it. */
export function storyOf(contract: string, programme: string, index: number): readonly Sent[] {
  const due = index % 3 === 0 ? '2099-01-01' : '2021-06-30';
  const delivery = { milestone: 'D1', line: '1', kind: 'delivery', description: 'All', due, binding: 'firm' };
  const registration = {
    title: `Title ${index % 5}${index % 2 === 0 ? ' Ä%_' : ' ä'}`,
    programme,
    signedOn: `20${10 + (index % 7)}-01-10`,
    lines: [{ line: '1', description: 'Set', quantity: 4, unit: 'EA', unitValue: usd('200.00') }],
    milestones: index % 6 === 5 ? [] : [delivery],
  };
  const accepted = { items: [{ line: '1', quantity: 4 }], acceptancePoint: 'destination' };
  const time = `2021-0${1 + (index % 9)}-01`;
  return [
    registered(registration, { contract }),
    confirmed({ contract }),
    ...(index % 4 === 1 ? [event('DeliveryAccepted', accepted, { contract, by: 'jp-mod', time })] : []),
    ...(index % 8 === 2 ? ['jp-mod', 'us-gov'] : []).map((by) =>
      event('ContractClosed', { reason: 'done' }, { contract, by }),
    ),
    ...(index % 6 === 3 ? [forecastOf(contract, '2099-06-01')] : []),
    ...(index === 7
      ? [event('PartyAdded', { party: 'late-comer', name: 'Late', role: 'carrier', country: 'US' }, { contract })]
      : []),
  ];
}
