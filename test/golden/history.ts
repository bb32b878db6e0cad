/** Three contracts whose events have every type there is, each with all its optional fields somewhere. */
import { event, registrationData, usd, type Options, type Sent } from '../support/scenario.js';

const FIRST = 'GOLD-1';
const SECOND = 'GOLD.second_2';

/** One append: the day it is recorded on, and its events. */
export interface GoldenAppend {
  readonly contract: string;
  readonly recorded: string;
  readonly events: readonly Sent[];
}

const made: GoldenAppend[] = [];
let contract = FIRST;
let ids = 0;

function said(type: string, data: object, options: Options & Record<string, unknown> = {}): Sent {
  const { by, time, id, onbehalfof, ...attributes } = options;
  ids += 1;
  return {
    ...event(type, data, {
      id: id ?? `g${ids}`,
      ...(by === undefined ? {} : { by }),
      ...(time === undefined ? {} : { time }),
      ...(onbehalfof === undefined ? {} : { onbehalfof }),
    }),
    subject: contract,
    ...attributes,
  };
}
const append = (recorded: string, ...events: Sent[]): void => void made.push({ contract, recorded, events });
const corrected = (id: string, by: string, time: string, replacement?: object): Sent =>
  said(
    'EventCorrected',
    {
      event: { id },
      ...(replacement === undefined ? { reason: 'did-not-occur' } : { reason: 'incorrect-data', replacement }),
    },
    { by, time },
  );

const items = (line: string, quantity: number | string) => [{ line, quantity }];
const dispatched = (shipment: string, quantity: number) => ({
  shipment,
  items: [{ line: '1', quantity, serials: ['SN-001', 'SN-002'] }],
  carrier: 'carrier-a',
  mode: 'sea',
  from: 'Long Beach',
  to: '横須賀',
  eta: '2021-07-20T06:00:00.5Z',
});
const delayed = (forecast: string) => ({
  delay: 'X1',
  cause: { code: 'castings', locus: 'subcontractor', party: 'sub-a', detail: 'a “cold” furnace \\ "again" 🧊' },
  startedOn: '2021-01-04',
  forecasts: [{ milestone: 'D1', forecast }],
  remedy: 'a second furnace',
});
const check = (result: string) => ({
  check: 'Q1',
  line: '1',
  kind: 'final',
  standard: 'AQAP-2110',
  quantity: 2,
  result,
  sampleSize: 2,
  characteristics: [{ name: 'gain', nominal: '12.5', lower: -1, upper: '13.0', measured: '12.75', unit: 'MTR' }],
  serials: ['SN-001'],
  lot: 'L-7',
  certificate: 'C-1',
});

function firstContract(): void {
  contract = FIRST;
  append('2020-01-15', said('ContractRegistered', registrationData(), { id: 'registration', time: '2020-01-10T00:00:00Z' }));
  append('2020-01-18', corrected('registration', 'us-gov', '2020-01-18', registrationData({ title: 'Radar 支援 equipment' })));
  append('2020-01-20', said('RegistrationConfirmed', {}, { by: 'jp-mod', time: '2020-01-20', correlationid: 'letter-7' }));
  append(
    '2020-03-01',
    said('PartyAdded', { party: 'sub-b', name: 'Sub B', role: 'subcontractor', country: 'JP' }, { by: 'prime-a' }),
    said('ManufacturingStarted', { line: '1', site: 'Plant 2', stage: 'casting' }, { by: 'sub-a' }),
    said('ForecastRevised', { milestone: 'M1', forecast: '2021-03-01', reason: 'tooling' }, { by: 'prime-a', version: 1 }),
  );
  append(
    '2020-06-01',
    said(
      'ManufacturingProgressed',
      { line: '1', stage: 'assembly', percent: '42.5', unitsCompleted: 1 },
      { by: 'sub-a', time: '2020-05-20', id: 'progress', source: 'urn:waybook:party:sub-a:mes' },
    ),
    said('PartyRemoved', { party: 'sub-b', role: 'subcontractor', reason: 'withdrew' }, { by: 'prime-a', time: '2020-05-30' }),
  );
  append(
    '2020-09-01',
    said(
      'ContractAmended',
      {
        amendment: 'A1',
        consulted: ['jp-mod'],
        rationale: 'the supplier needs longer',
        milestones: [
          { milestone: 'D1', due: '2021-09-30', binding: 'firm' },
          { milestone: 'D2', line: 'L3', quantity: 1, kind: 'delivery', description: 'Spares', due: '2021-12-01', binding: 'estimate', responsible: 'sub-a' },
        ],
        lines: [
          { line: '2', quantity: '3.25', unitValue: usd('81.25'), responsible: 'prime-a' },
          { line: 'L3', description: 'Spare', quantity: 2, unit: 'EA', unitValue: usd('33.33'), standard: 'AS9102' },
        ],
        value: usd('1200.00'),
        terms: { reportEveryDays: 60, signed: false },
        adjudicators: [{ party: 'judge', name: 'Judge', country: 'CH' }],
      },
      { time: '2020-08-30' },
    ),
    said('AmendmentAgreed', { amendment: 'A1' }, { by: 'jp-mod', time: '2020-09-01' }),
  );
  append(
    '2020-11-01',
    said('ContractAmended', { amendment: 'A2', consulted: [], rationale: 'moved', milestones: [{ milestone: 'D1', due: '2022-03-31' }] }, { time: '2020-10-10' }),
    said('AmendmentRefused', { amendment: 'A2', reason: 'not asked' }, { by: 'jp-mod', time: '2020-10-20' }),
    said('ContractAmended', { amendment: 'A3', consulted: [], rationale: 'by letter', milestones: [{ milestone: 'M1', due: '2021-02-15' }] }, { by: 'jp-mod', onbehalfof: 'us-gov', time: '2020-10-12' }),
  );
  append('2021-02-01', said('DelayReported', delayed('2021-11-30'), { by: 'prime-a', time: '2021-01-20', id: 'delay' }));
  append('2021-02-10', said('DelayAcknowledged', { delay: 'prime-a/X1' }, { by: 'jp-mod', time: '2021-02-10', causationid: 'delay' }));
  append('2021-02-20', corrected('delay', 'prime-a', '2021-02-19', delayed('2021-10-31')));
  append('2021-03-01', said('DelayReported', { ...delayed('2022-01-01'), delay: 'X2' }, { by: 'sub-a', time: '2021-02-25', id: 'delay2' }));
  append('2021-03-05', corrected('delay2', 'sub-a', '2021-03-04'));
  append('2021-04-01', said('DelayResolved', { delay: 'X1', resolvedOn: '2021-03-30', actualDays: 85 }, { by: 'prime-a', time: '2021-03-31' }));
  append(
    '2021-06-01',
    said('QualityCheckRecorded', check('pass'), { by: 'inspector-a', time: '2021-05-20', id: 'check' }),
    said('ManufacturingCompleted', { line: '1', quantity: 4, serials: ['SN-001'], lot: 'L-7' }, { by: 'prime-a', time: '2021-05-25' }),
    said('MilestoneReached', { milestone: 'M1', on: '2021-05-25' }, { by: 'prime-a', time: '2021-05-25' }),
    said('ShipmentMoved', { shipment: 'TCN-1', location: 'Honolulu', status: 'departed', eta: '2021-07-22T00:00:00Z' }, { by: 'carrier-a', time: '2021-05-30' }),
  );
  append('2021-06-03', said('ShipmentDispatched', dispatched('TCN-1', 4), { by: 'prime-a', time: '2021-05-28', datacontenttype: 'application/json' }));
  append('2021-07-01', said('ShipmentReceived', { shipment: 'TCN-1', items: [{ line: '1', quantity: 3, serials: ['SN-001'], condition: 'one box wet' }], location: 'Yokosuka' }, { by: 'jp-mod', time: '2021-06-29', id: 'received' }));
  append(
    '2021-07-10',
    said('DeliveryAccepted', { shipment: 'TCN-1', items: items('1', 3), acceptancePoint: 'destination' }, { by: 'jp-mod', time: '2021-07-09', id: 'accepted' }),
    said('DeliveryRejected', { shipment: 'TCN-1', items: items('1', 1), reason: 'missing' }, { by: 'jp-mod', time: '2021-07-09' }),
    said('DeliveryRejected', { items: items('2', '0.25'), reason: 'frayed', revokes: true }, { by: 'jp-mod', time: '2021-07-10' }),
    said('DeliveryAccepted', { items: items('2', '3.25'), acceptancePoint: 'origin' }, { by: 'jp-mod', time: '2021-07-08' }),
  );
  append('2021-08-01', corrected('accepted', 'jp-mod', '2021-08-01', { shipment: 'TCN-1', items: items('1', 4), acceptancePoint: 'destination' }));
  append('2021-08-02', corrected('accepted', 'jp-mod', '2021-08-02', { shipment: 'TCN-1', items: items('1', 2), acceptancePoint: 'destination' }));
  append('2021-10-01', said('ContractAmended', { amendment: 'A4', consulted: ['us-gov'], rationale: 'no spares', lines: [{ line: 'L3', cancelled: true }], milestones: [{ milestone: 'P1', cancelled: true }] }, { by: 'jp-mod', time: '2021-09-30' }));
  append('2021-10-05', said('AmendmentAgreed', { amendment: 'A4' }, { time: '2021-10-04' }), said('ContractClosed', { reason: 'the end' }, { time: '2021-10-05' }));
}

function secondContract(): void {
  contract = SECOND;
  const yen = { amount: '1500000', currency: 'JPY' };
  const registration = registrationData({
    value: yen,
    parties: registrationData().parties.filter(({ role }) => role === 'buyer' || role === 'seller'),
    lines: [{ line: '1', description: 'Study', quantity: '0.000001', unit: 'EA', unitValue: yen, responsible: 'us-gov' }],
    milestones: [],
  });
  append('2022-01-01', said('ContractRegistered', registration, { by: 'operator', time: '2020-01-10', id: 'registration' }));
  append('2022-01-02', said('RegistrationConfirmed', {}, { time: '2022-01-02' }), said('RegistrationContested', { reason: 'the price' }, { by: 'jp-mod', time: '2022-01-02' }));
  append('2022-01-03', said('RegistrationConfirmed', {}, { by: 'jp-mod', time: '2022-01-03' }), said('ContractClosed', { reason: 'done' }, { by: 'jp-mod', time: '2022-01-03' }));
  append('2022-01-05', said('ContractClosed', { reason: 'done' }, { time: '2022-01-03' }), said('ManufacturingStarted', { line: '1', site: 'Office', stage: 'late' }, { time: '2022-01-04T00:00:00Z' }));
}

const THIRD = 'GOLD-3';

/** What the first two have not: quality, discrepancies, money, findings, disputes, and what the ledger notices by itself. */
function thirdContract(): void {
  contract = THIRD;
  const judge = { party: 'judge', name: 'Panel 仲裁', role: 'adjudicator', country: 'CH' };
  const about = { delay: 'prime-a/X1', milestone: 'D1' };
  const shares = [
    { days: 40, class: 'non-excusable', accountable: 'prime-a' },
    { days: 12, class: 'excusable', accountable: 'force-majeure' },
    { days: 8, class: 'compensable', accountable: 'concurrent', between: ['prime-a', 'jp-mod'] },
  ];
  const found = (changes: object = {}) => ({ ...about, shares, reasons: 'the log of 2023', evidence: [{ id: 'delay', source: 'urn:waybook:party:prime-a' }], ...changes });
  append('2023-01-10', said('ContractRegistered', registrationData({ parties: [...registrationData().parties, judge] }), { id: 'registration', time: '2020-01-10' }));
  append('2023-01-11', said('RegistrationConfirmed', {}, { by: 'jp-mod', time: '2023-01-11' }));
  append(
    '2023-01-12',
    said('PaymentMade', { payment: 'P1', amount: usd('600.00'), kind: 'advance' }, { by: 'jp-mod', time: '2020-02-01' }),
    said('PaymentMade', { payment: 'P2', amount: { amount: '9000', currency: 'JPY' }, kind: 'progress' }, { by: 'jp-mod', time: '2020-02-02' }),
    said('QualityCheckRecorded', check('fail'), { by: 'inspector-a', time: '2020-03-01' }),
    said('NonconformanceRaised', { nonconformance: 'N1', check: 'inspector-a/Q1', line: '1', quantity: 2, defect: 'gain too low', severity: 'critical' }, { by: 'prime-a', time: '2020-03-02' }),
    said('NonconformanceDispositioned', { nonconformance: 'prime-a/N1', disposition: 'rework', approvedBy: 'us-gov' }, { by: 'us-gov', time: '2020-03-05', id: 'disposition' }),
    said('ShipmentDispatched', dispatched('TCN-3', 2), { by: 'carrier-a', time: '2020-04-01' }),
    said('ShipmentReceived', { shipment: 'TCN-3', items: [{ line: '1', quantity: 2, condition: 'damp' }], location: '横須賀' }, { by: 'inspector-a', time: '2020-05-01' }),
    said('DiscrepancyRaised', { discrepancy: 'R1', kind: 'damage', shipment: 'TCN-3', line: '1', quantity: 1, value: usd('12.50'), detail: 'mould' }, { by: 'jp-mod', time: '2020-05-02' }),
    said('DiscrepancyAnswered', { discrepancy: 'jp-mod/R1', answer: 'accepted', remedy: 'repair' }, { by: 'prime-a', time: '2020-06-01' }),
    said('DiscrepancyClosed', { discrepancy: 'R1', outcome: 'repaired' }, { by: 'jp-mod', time: '2020-07-01' }),
    said('StatementIssued', { statement: 'B1', amount: usd('410.00'), items: [{ line: '1', quantity: 2, amount: usd('400.00') }] }, { by: 'us-gov', time: '2020-08-01' }),
    said('StatementMatched', { statement: 'us-gov/B1', shipment: 'TCN-3', comparedBy: 'finance office', differences: [{ field: 'quantity', statement: '2', receipt: '1' }] }, { by: 'jp-mod', time: '2020-08-05' }),
  );
  append('2023-02-01', said('DelayReported', delayed('2021-09-30'), { by: 'prime-a', time: '2023-01-31', id: 'delay' }));
  append(
    '2023-02-20',
    said('DelayEscalated', { delay: 'prime-a/X1', step: 'acknowledge', overdueSince: '2023-02-15', level: 1 }, { by: 'ledger', id: 'escalated/prime-a/X1/acknowledge/1', time: '2023-02-16T00:00:00Z' }),
    said('MitigationProposed', { delay: 'X1', plan: 'a second shift', recoversDays: 9, by: 'sub-a' }, { by: 'prime-a', time: '2023-02-18' }),
    said('MitigationAccepted', { delay: 'prime-a/X1' }, { by: 'jp-mod', time: '2023-02-19' }),
  );
  append('2023-03-01', corrected('disposition', 'us-gov', '2023-02-28', { nonconformance: 'prime-a/N1', disposition: 'repair', approvedBy: 'jp-mod' }));
  append('2023-05-15', said('ReportOverdue', { party: 'prime-a', line: '1', dueOn: '2023-05-01' }, { by: 'ledger', id: 'overdue/prime-a/1/2023-05-01', time: '2023-05-02T00:00:00Z' }));
  append('2023-06-01', said('DelayDetermined', found(), { by: 'judge', time: '2023-05-31', id: 'finding' }));
  append(
    '2023-07-01',
    said('DisputeOpened', { dispute: 'C1', claim: 'the furnace was the buyer’s', contests: [{ id: 'finding', source: 'urn:waybook:party:judge' }, { id: 'to-come' }], relief: 'find again' }, { by: 'us-gov', time: '2023-06-30' }),
    said('DisputeAnswered', { dispute: 'us-gov/C1', position: 'it was not' }, { by: 'jp-mod', time: '2023-07-01' }),
    said('EvidenceSubmitted', { dispute: 'us-gov/C1', evidence: 'V1', title: 'furnace log', mediaType: 'text/csv; charset=utf-8', sha256: '9f'.repeat(32), uri: 'https://example.org/log.csv' }, { by: 'jp-mod', time: '2023-07-01', id: 'evidence' }),
    said('DisputeOpened', { dispute: 'C2', claim: 'the bill', contests: [], relief: 'none' }, { by: 'jp-mod', time: '2023-06-30' }),
    said('DisputeWithdrawn', { dispute: 'C2', reason: 'settled' }, { by: 'jp-mod', time: '2023-07-01' }),
  );
  append('2023-07-10', corrected('evidence', 'jp-mod', '2023-07-09'));
  append('2023-08-01', said('DisputeDecided', { dispute: 'us-gov/C1', decision: 'in part', determinations: [found({ shares: [{ days: 30, class: 'excusable', accountable: 'jp-mod' }] })] }, { by: 'judge', time: '2023-07-31' }));
  append('2023-09-01', said('AccountSettled', { finalAmount: usd('500.00'), refund: usd('100.00') }, { by: 'jp-mod', time: '2023-08-31' }));
  append('2023-09-02', said('AccountSettled', { finalAmount: usd('500'), refund: usd('100') }, { time: '2023-09-01' }));
}

firstContract();
secondContract();
thirdContract();

/** In the order in which they are recorded. */
export const goldenHistory: readonly GoldenAppend[] = made;
