/**
 * The one contract of the demo that is told with care, `JP-D-E2D-SUPPORT`: a first promise, re-dated twice by the seller
 * without asking, a delay reported long after it began, part of the goods delivered. All of it is made up.
 */
import type { Party } from './cast.js';
import { BUYER, SELLER } from './cast.js';
import { claims } from './e2d-claims.js';
import { STORY_CAST, STORY_CONTRACT, STORY_MILESTONE, STORY_PLAN } from './e2d-plan.js';
import { statusReports } from './e2d-reports.js';
import type { PayloadOf } from './payloads.js';
import { Course, registrationOf } from './plan.js';
import type { Random } from './random.js';
import { correct } from './schedule-scenes.js';
import type { Script } from './script.js';
import { teller, type Tell } from './telling.js';

const { prime, subcontractor, carrier, inspector } = STORY_CAST;

/** The seed only sets the hours of the day, and the digests of documents. */
export function storyContract(random: Random): Script {
  const course = new Course(STORY_PLAN, random);
  const told = teller(course);
  const progress = (by: Party, on: string, lag: number, stage: string, percent: number, units: number) =>
    told(by, on, lag, 'ManufacturingProgressed', { line: 'TEST', stage, percent, unitsCompleted: units });

  // The first promise.
  told(BUYER, '2017-03-15', 19, 'ContractRegistered', registrationOf(STORY_PLAN));
  told(SELLER, '2017-05-22', 0, 'RegistrationConfirmed', {});
  told(prime, '2017-08-14', 1, 'PartyAdded', added(subcontractor, 'subcontractor'));
  told(prime, '2017-08-14', 1, 'PartyAdded', added(carrier, 'carrier'));
  told(BUYER, '2017-09-28', 4, 'MilestoneReached', { milestone: 'M-PAY', on: '2017-09-28' });
  told(subcontractor, '2018-01-29', 2, 'ManufacturingStarted', {
    line: 'TEST',
    site: 'Plant 4 (illustrative)',
    stage: 'material on order',
  });
  progress(subcontractor, '2018-05-14', 2, 'parts made', 15, 0);
  progress(subcontractor, '2018-09-10', 3, 'assembly', 25, 1);
  const article = (check: string, on: string, result: 'fail' | 'pass', measured: string) =>
    told(inspector, on, 6, 'QualityCheckRecorded', {
      check,
      line: 'TEST',
      kind: 'first-article',
      standard: 'AS9102',
      quantity: 1,
      result,
      sampleSize: 1,
      characteristics: [{ name: 'Output level', nominal: '5.00', lower: '4.75', upper: '5.25', measured, unit: 'VLT' }],
    });
  told(prime, '2018-08-06', 1, 'ManufacturingStarted', {
    line: 'TOW',
    site: 'Plant 2 (illustrative)',
    stage: 'parts made',
  });
  article('FAI-1', '2018-10-17', 'fail', '5.41');
  // What was found then began a delay that nobody reports for more than a year.
  progress(subcontractor, '2019-01-21', 3, 'assembly', 30, 1);
  article('FAI-2', '2019-02-26', 'pass', '5.08');
  told(prime, '2019-02-26', 9, 'MilestoneReached', { milestone: 'M-FAI', on: '2019-02-26' });

  // The seller sets new dates and asks nobody; the ledger hears of it eleven weeks later. The buyer refuses.
  told(SELLER, '2019-06-10', 77, 'ContractAmended', {
    amendment: 'A-01',
    consulted: [],
    rationale: 'Production capacity was assigned to other orders.',
    milestones: [
      { milestone: 'M-TEST-DEL-1', due: '2020-06-30' },
      { milestone: 'M-TEST-MFG', due: '2021-03-31' },
      { milestone: STORY_MILESTONE, due: '2021-09-30' },
    ],
  });
  told(BUYER, '2019-10-15', 0, 'AmendmentRefused', {
    amendment: 'A-01',
    reason: 'We were not asked, and the goods have been paid for in advance.',
  });
  progress(subcontractor, '2019-11-04', 3, 'assembly', 40, 3);
  const first = told(prime, '2019-12-02', 49, 'DelayReported', {
    delay: 'D-01',
    cause: {
      code: 'redesign',
      locus: 'subcontractor',
      party: subcontractor.id,
      detail: 'A board failed the first article check and had to be designed anew.',
    },
    startedOn: '2018-10-17',
    forecasts: [
      { milestone: 'M-TEST-DEL-1', forecast: '2020-11-30' },
      { milestone: STORY_MILESTONE, forecast: '2021-12-17' },
    ],
    remedy: 'A second source for the board is being qualified.',
  });
  told(BUYER, '2020-02-10', 0, 'DelayAcknowledged', { delay: `${prime.id}/D-01` });

  // The tow bars come, ten weeks late.
  told(prime, '2019-12-16', 2, 'ManufacturingCompleted', { line: 'TOW', quantity: 24, lot: 'LOT-TOW-1' });
  ship(told, `${STORY_CONTRACT}-S01`, 'TOW', 24, '2020-01-13', '2020-02-24', 'sea', 0);
  told(BUYER, '2020-03-02', 1, 'DeliveryAccepted', destination(`${STORY_CONTRACT}-S01`, 'TOW', 24));
  told(BUYER, '2020-03-02', 1, 'MilestoneReached', { milestone: 'M-TOW-DEL', on: '2020-03-02' });
  told(
    prime,
    '2020-07-06',
    8,
    'ManufacturingProgressed',
    { line: 'TEST', stage: 'system test', percent: 50, unitsCompleted: 5 },
    { onBehalfOf: subcontractor },
  );

  // Four test sets come. The carrier is heard four days before the prime's own report; one set fails and goes back.
  const four = `${STORY_CONTRACT}-S02`;
  told(inspector, '2020-10-29', 1, 'QualityCheckRecorded', {
    check: 'FIN-1',
    line: 'TEST',
    kind: 'final',
    standard: 'AS9102',
    quantity: 4,
    result: 'pass',
    serials: ['TS-001', 'TS-002', 'TS-003', 'TS-004'],
    certificate: 'CERT-FIN-1',
  });
  ship(told, four, 'TEST', 4, '2020-11-05', '2020-11-16', 'air', 5);
  const counted = told(BUYER, '2020-11-25', 1, 'DeliveryAccepted', destination(four, 'TEST', 3));
  correct(course, counted, '2020-12-01', destination(four, 'TEST', 4));
  told(BUYER, '2021-02-08', 2, 'DeliveryRejected', {
    shipment: four,
    items: [{ line: 'TEST', quantity: 1 }],
    reason: 'Test set TS-003 failed in its first use.',
    revokes: true,
  });
  told(prime, '2021-04-12', 0, 'ForecastRevised', {
    milestone: STORY_MILESTONE,
    forecast: '2022-05-31',
    reason: 'The failed set is taken apart to find the cause.',
  });
  progress(subcontractor, '2021-08-30', 40, 'system test', 55, 6);

  // Dates are set a second time without asking; the buyer leaves it unanswered.
  const redated = told(SELLER, '2022-04-05', 86, 'ContractAmended', {
    amendment: 'A-02',
    consulted: [],
    rationale: 'Obsolete components must be replaced and qualified again.',
    milestones: [
      { milestone: 'M-TEST-DEL-1', due: '2023-09-29' },
      { milestone: 'M-TEST-MFG', due: '2023-12-29' },
      { milestone: STORY_MILESTONE, due: '2024-06-28' },
      { milestone: 'M-SPARES-DEL', due: '2024-09-30' },
      { milestone: 'M-DATA-DEL', due: '2024-09-30' },
    ],
  });
  told(
    BUYER,
    '2022-09-20',
    10,
    'ForecastRevised',
    { milestone: 'M-SPARES-DEL', forecast: '2024-12-27', reason: 'As the seller stated at a meeting.' },
    { onBehalfOf: SELLER },
  );
  progress(subcontractor, '2022-11-14', 3, 'system test', 70, 8);
  const rosy = progress(subcontractor, '2023-11-20', 2, 'packing', 90, 11);

  // What was not known on 2024-01-16: that the last report was wrong, and how much later it would all be.
  correct(course, rosy, '2024-05-13', { line: 'TEST', stage: 'system test', percent: 72, unitsCompleted: 8 });
  told(prime, '2024-05-20', 0, 'ForecastRevised', {
    milestone: STORY_MILESTONE,
    forecast: '2025-11-28',
    reason: 'Eight sets are made, not eleven as reported last year.',
  });
  told(SELLER, '2024-10-07', 4, 'ContractAmended', {
    amendment: 'A-03',
    consulted: [BUYER.id],
    rationale: 'Spares are ordered together with those of another programme, which saves a year.',
    milestones: [
      { milestone: 'M-SPARES-DEL', due: '2026-09-30' },
      { milestone: 'M-DATA-DEL', due: '2026-09-30' },
    ],
  });
  told(BUYER, '2024-11-18', 0, 'AmendmentAgreed', { amendment: 'A-03' });
  told(BUYER, '2024-12-02', 0, 'ContractAmended', {
    amendment: 'A-04',
    consulted: [SELLER.id],
    rationale: 'Reports are to come every 90 days.',
    terms: { reportEveryDays: 90 },
  });
  told(SELLER, '2025-01-21', 0, 'AmendmentRefused', { amendment: 'A-04', reason: 'The present period suffices.' });
  told(prime, '2025-02-03', 2, 'DelayResolved', {
    delay: 'D-01',
    resolvedOn: '2025-01-31',
    actualDays: 2_298,
  });
  progress(subcontractor, '2025-03-10', 3, 'system test', 78, 9);
  const second = told(prime, '2025-07-14', 35, 'DelayReported', {
    delay: 'D-02',
    cause: { code: 'test-failure', locus: 'prime', detail: 'Acceptance tests of three sets have to be repeated.' },
    startedOn: '2025-04-22',
    forecasts: [{ milestone: STORY_MILESTONE, forecast: '2027-03-31' }],
  });
  told(BUYER, '2025-09-08', 0, 'DelayAcknowledged', { delay: `${prime.id}/D-02` });
  statusReports(told);
  claims(told, random, { first, redated, second });
  return course.script;
}

const added = ({ id, name, country }: Party, role: 'subcontractor' | 'carrier') => ({ party: id, name, role, country });

const destination = (shipment: string, line: string, quantity: number): PayloadOf['DeliveryAccepted'] => ({
  shipment,
  items: [{ line, quantity }],
  acceptancePoint: 'destination',
});

/** A shipment from the plant to the depot. `behind`: days by which the prime's own report is late. */
function ship(
  told: Tell,
  shipment: string,
  line: string,
  quantity: number,
  on: string,
  arrived: string,
  mode: 'air' | 'sea',
  behind: number,
): void {
  const at = (location: string, status: string) => ({ shipment, location: `${location} (illustrative)`, status });
  told(prime, on, behind, 'ShipmentDispatched', {
    shipment,
    items: [{ line, quantity }],
    carrier: carrier.id,
    mode,
    from: 'Plant 4 (illustrative)',
    to: 'Depot 2 (illustrative)',
    eta: `${arrived}T12:00:00Z`,
  });
  told(carrier, on, 1, 'ShipmentMoved', at('Port of departure', 'departed'));
  told(carrier, arrived, 0, 'ShipmentMoved', at('Port of arrival', 'arrived'));
  told(BUYER, arrived, 3, 'ShipmentReceived', {
    shipment,
    items: [{ line, quantity, condition: 'good' }],
    location: 'Depot 2 (illustrative)',
  });
}
