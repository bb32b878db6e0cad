/**
 * Two contracts whose disputes can be followed from the report of a delay to the decision. `MX-061`: a contractor takes
 * back the very report that a finding rests on. `MX-062`: days that are nobody's, and days that are several sides'.
 * All of it is made up.
 */
import { moneyOf } from '../contract/money.js';
import { ADJUDICATORS, CARRIERS, INSPECTORS, MIXED_BUYERS, MIXED_SELLERS, PRIMES, SUBCONTRACTORS } from './cast.js';
import { documentOf } from './dispute-scenes.js';
import { MIXED_PROGRAMME } from './mixed-programme.js';
import { Course, DEMO_TERMS, registrationOf, type ContractPlan } from './plan.js';
import type { Random } from './random.js';
import { correct } from './schedule-scenes.js';
import type { Script } from './script.js';
import { nameOf, teller, type Tell } from './telling.js';

export const TAKEN_BACK_CONTRACT = 'MX-061';
export const CONCURRENT_CONTRACT = 'MX-062';
const DELIVERY = 'M-L1-DEL';

export function disputedContracts(random: Random): Script[] {
  return [takenBack(random.fork('taken-back')), concurrent(random.fork('concurrent'))];
}

interface Outline extends Pick<ContractPlan, 'contract' | 'title' | 'currency' | 'signedOn'> {
  readonly side: 0 | 1;
  readonly item: string;
  readonly quantity: number;
  readonly unitMinor: bigint;
  readonly made: string;
  readonly due: string;
}

/** Like the other contracts of the programme, but with a panel among the parties from the start. */
function planOf({ side, item, quantity, unitMinor, made, due, ...of }: Outline): ContractPlan {
  const milestone = (id: string, kind: 'manufacturing' | 'delivery', description: string, day: string) =>
    ({ milestone: id, line: 'L1', kind, description: `${item}: ${description}`, due: day, binding: 'firm' }) as const;
  return {
    ...of,
    programme: MIXED_PROGRAMME,
    cast: {
      buyer: MIXED_BUYERS[side]!,
      seller: MIXED_SELLERS[side]!,
      prime: PRIMES[side + 1]!,
      subcontractors: [SUBCONTRACTORS[side]!, SUBCONTRACTORS[side + 2]!],
      carrier: CARRIERS[side]!,
      inspector: INSPECTORS[side]!,
      adjudicator: ADJUDICATORS[1]!,
    },
    lines: [
      {
        line: 'L1',
        description: item,
        quantity,
        unit: 'EA',
        unitMinor,
        standard: 'AQAP-2110',
        accepted: quantity,
      },
    ],
    milestones: [
      milestone('M-L1-MFG', 'manufacturing', 'made', made),
      milestone(DELIVERY, 'delivery', 'delivered', due),
    ],
    terms: { ...DEMO_TERMS, reportEveryDays: 180 },
    registered: ['prime', 'subcontractor', 'carrier', 'inspector', 'adjudicator'],
  };
}

interface Works {
  readonly confirmed: string;
  readonly paid: string;
  readonly started: string;
  readonly half: string;
  readonly made: string;
  readonly shipped: string;
  readonly received: string;
  readonly accepted: string;
}

/** From the registration to the acceptance of everything; what is in dispute comes in between and after. */
function works({ plan, cast }: Course, told: Tell, at: Works): void {
  const { buyer, seller, prime, inspector, carrier } = cast;
  const { line, quantity, unitMinor } = plan.lines[0]!;
  const shipment = `${plan.contract}-S01`;
  told(buyer, plan.signedOn, 14, 'ContractRegistered', registrationOf(plan));
  told(seller, at.confirmed, 0, 'RegistrationConfirmed', {});
  const advance = moneyOf((BigInt(quantity) * unitMinor * 6n) / 10n, plan.currency);
  told(buyer, at.paid, 2, 'PaymentMade', { payment: 'P-01', amount: advance, kind: 'advance' });
  told(prime, at.started, 1, 'ManufacturingStarted', { line, site: 'Plant 6 (illustrative)', stage: 'parts made' });
  told(prime, at.half, 3, 'ManufacturingProgressed', {
    line,
    stage: 'assembly',
    percent: 55,
    unitsCompleted: Math.floor(quantity / 3),
  });
  told(prime, at.made, 2, 'ManufacturingCompleted', { line, quantity });
  told(prime, at.made, 2, 'MilestoneReached', { milestone: 'M-L1-MFG', on: at.made });
  told(inspector, at.made, 4, 'QualityCheckRecorded', {
    check: 'Q-01',
    line,
    kind: 'final',
    standard: 'AQAP-2110',
    quantity,
    result: 'pass',
  });
  told(prime, at.shipped, 1, 'ShipmentDispatched', {
    shipment,
    items: [{ line, quantity }],
    carrier: carrier.id,
    mode: 'sea',
    from: 'Plant 6 (illustrative)',
    to: 'Depot 5 (illustrative)',
    eta: `${at.received}T12:00:00Z`,
  });
  told(carrier, at.received, 0, 'ShipmentMoved', { shipment, location: 'Port (illustrative)', status: 'arrived' });
  told(buyer, at.received, 1, 'ShipmentReceived', {
    shipment,
    items: [{ line, quantity, condition: 'good' }],
    location: 'Depot 5 (illustrative)',
  });
  told(buyer, at.accepted, 1, 'DeliveryAccepted', {
    shipment,
    items: [{ line, quantity }],
    acceptancePoint: 'destination',
  });
  told(buyer, at.accepted, 3, 'MilestoneReached', { milestone: DELIVERY, on: at.accepted });
}

/** 148 days late. The prime blames the buyer, is believed, is contested, loses, and then takes its report back. */
function takenBack(random: Random): Script {
  const plan = planOf({
    contract: TAKEN_BACK_CONTRACT,
    title: 'Rescue boat engines, second order',
    currency: 'USD',
    signedOn: '2020-05-11',
    side: 0,
    item: 'Engines',
    quantity: 12,
    unitMinor: 48_000_000n,
    made: '2021-08-31',
    due: '2021-12-15',
  });
  const course = new Course(plan, random);
  const told = teller(course);
  const { buyer, seller, prime, adjudicator: panel } = course.cast;
  works(course, told, {
    confirmed: '2020-06-15',
    paid: '2020-08-05',
    started: '2020-10-05',
    half: '2021-03-08',
    made: '2022-02-21',
    shipped: '2022-04-04',
    received: '2022-05-02',
    accepted: '2022-05-12',
  });
  const reported = told(prime, '2021-07-14', 5, 'DelayReported', {
    delay: 'D-01',
    cause: {
      code: 'late-input',
      locus: 'buyer',
      party: buyer.id,
      detail: 'Interface drawings of the buyer came late.',
    },
    startedOn: '2021-05-03',
    forecasts: [{ milestone: DELIVERY, forecast: '2022-04-14' }],
  });
  told(buyer, '2021-08-09', 0, 'DelayAcknowledged', { delay: `${prime.id}/D-01` });
  told(prime, '2022-05-16', 0, 'DelayResolved', { delay: 'D-01', resolvedOn: '2022-05-12', actualDays: 148 });
  const finding = { delay: `${prime.id}/D-01`, milestone: DELIVERY, evidence: [nameOf(reported)] };
  const determined = told(panel!, '2022-06-20', 1, 'DelayDetermined', {
    ...finding,
    shares: [
      { days: 120, class: 'compensable', accountable: buyer.id },
      { days: 28, class: 'non-excusable', accountable: prime.id },
    ],
    reasons: 'The report of the prime was not contested when it was made.',
  });
  told(buyer, '2022-07-18', 0, 'DisputeOpened', {
    dispute: 'DSP-01',
    claim: 'The drawings were sent in March 2021, before the delay is said to have begun.',
    contests: [nameOf(reported), nameOf(determined)],
    relief: 'That no day is found to be the buyer’s, and no compensation is owed.',
  });
  const dispute = `${buyer.id}/DSP-01`;
  told(buyer, '2022-07-20', 0, 'EvidenceSubmitted', documentOf(dispute, 'E-01', 'Transmittal of drawings', random));
  told(prime, '2022-08-15', 0, 'DisputeAnswered', {
    dispute,
    position: 'What came in March lacked two sheets; the work could not begin.',
  });
  told(seller, '2022-08-22', 0, 'DisputeAnswered', { dispute, position: 'The office takes no side in this.' });
  told(prime, '2022-09-05', 0, 'EvidenceSubmitted', documentOf(dispute, 'E-01', 'Minutes of a meeting', random));
  told(panel!, '2023-02-13', 1, 'DisputeDecided', {
    dispute,
    decision: 'Two sheets were missing for two months; the rest of the delay lay with the prime.',
    determinations: [
      {
        ...finding,
        shares: [
          { days: 60, class: 'excusable', accountable: buyer.id },
          { days: 88, class: 'non-excusable', accountable: prime.id },
        ],
        reasons: 'The transmittal lists all sheets but two, which were sent on 2021-05-28.',
      },
    ],
  });
  // Its own archive showed that work had begun in time. What others found on the strength of the report stays.
  correct(course, reported, '2023-05-08');
  const settled = { finalAmount: moneyOf(576_000_000n, 'USD'), refund: moneyOf(0n, 'USD') };
  told(buyer, '2023-06-05', 2, 'PaymentMade', { payment: 'P-02', amount: moneyOf(230_400_000n, 'USD'), kind: 'final' });
  told(seller, '2023-06-19', 0, 'AccountSettled', settled);
  told(buyer, '2023-07-10', 0, 'AccountSettled', settled);
  told(seller, '2023-07-17', 0, 'ContractClosed', { reason: 'Delivered, decided and settled.' });
  told(buyer, '2023-08-21', 0, 'ContractClosed', { reason: 'Everything ordered has been accepted.' });
  return course.script;
}

/** 172 days late. A flood first, then a test bench that was late while the buyer’s site was not ready either. */
function concurrent(random: Random): Script {
  const plan = planOf({
    contract: CONCURRENT_CONTRACT,
    title: 'Emergency generators, second order',
    currency: 'EUR',
    signedOn: '2020-11-02',
    side: 1,
    item: 'Generator sets',
    quantity: 20,
    unitMinor: 9_650_000n,
    made: '2022-03-31',
    due: '2022-06-30',
  });
  const course = new Course(plan, random);
  const told = teller(course);
  const { buyer, seller, prime, subcontractors, adjudicator: panel } = course.cast;
  const [supplier] = subcontractors;
  works(course, told, {
    confirmed: '2020-12-07',
    paid: '2021-02-15',
    started: '2021-04-12',
    half: '2021-10-04',
    made: '2022-10-10',
    shipped: '2022-11-07',
    received: '2022-12-05',
    accepted: '2022-12-19',
  });
  const flood = told(prime, '2022-02-25', 3, 'DelayReported', {
    delay: 'D-01',
    cause: { code: 'weather', locus: 'force-majeure', detail: 'A flood closed the plant of the prime.' },
    startedOn: '2022-02-14',
    forecasts: [{ milestone: DELIVERY, forecast: '2022-10-28' }],
    remedy: 'Winding is moved to a plant of the subcontractor.',
  });
  told(buyer, '2022-03-21', 0, 'DelayAcknowledged', { delay: `${prime.id}/D-01` });
  const plan2 = 'Winding at the plant of the subcontractor, in two shifts.';
  told(prime, '2022-04-11', 0, 'MitigationProposed', { delay: 'D-01', plan: plan2, recoversDays: 30, by: supplier.id });
  told(buyer, '2022-05-02', 0, 'MitigationAccepted', { delay: `${prime.id}/D-01` });
  const bench = told(buyer, '2022-07-21', 4, 'DelayReported', {
    delay: 'D-01',
    cause: { code: 'test-equipment', locus: 'prime', party: prime.id, detail: 'The test bench was not ready.' },
    startedOn: '2022-07-04',
    forecasts: [{ milestone: DELIVERY, forecast: '2022-12-19' }],
  });
  told(prime, '2022-08-22', 0, 'DelayAcknowledged', { delay: `${buyer.id}/D-01` });
  for (const [delay, days] of [
    [`${prime.id}/D-01`, 120],
    [`${buyer.id}/D-01`, 52],
  ] as const)
    told(seller, '2023-01-09', 0, 'DelayResolved', { delay, resolvedOn: '2022-12-19', actualDays: days });
  const ofFlood = { delay: `${prime.id}/D-01`, milestone: DELIVERY, evidence: [nameOf(flood)] };
  const ofBench = { delay: `${buyer.id}/D-01`, milestone: DELIVERY, evidence: [nameOf(bench)] };
  told(panel!, '2023-02-06', 1, 'DelayDetermined', {
    ...ofFlood,
    shares: [{ days: 120, class: 'excusable', accountable: 'force-majeure' }],
    reasons: 'The flood is not in question, nor how long the plant was closed.',
  });
  const determined = told(panel!, '2023-02-06', 1, 'DelayDetermined', {
    ...ofBench,
    shares: [{ days: 52, class: 'non-excusable', accountable: prime.id }],
    reasons: 'The bench was ordered late.',
  });
  told(prime, '2023-03-06', 0, 'DisputeOpened', {
    dispute: 'DSP-01',
    claim: 'Nothing could have been received before December: the buyer’s site was not ready.',
    contests: [nameOf(bench), nameOf(determined)],
    relief: 'That the days be shared with the buyer.',
  });
  const dispute = `${prime.id}/DSP-01`;
  told(prime, '2023-03-08', 0, 'EvidenceSubmitted', documentOf(dispute, 'E-01', 'Photographs of the site', random));
  told(buyer, '2023-04-03', 0, 'DisputeAnswered', {
    dispute,
    position: 'The site would have been made ready for a delivery that was announced.',
  });
  told(buyer, '2023-04-03', 0, 'EvidenceSubmitted', documentOf(dispute, 'E-01', 'Order for the foundations', random));
  told(
    supplier,
    '2023-04-17',
    0,
    'EvidenceSubmitted',
    documentOf(dispute, 'E-01', 'Shift plans of the winding', random),
  );
  told(panel!, '2023-09-18', 1, 'DisputeDecided', {
    dispute,
    decision: 'Each of several causes would have sufficed for part of the time. Those days are shared.',
    determinations: [
      {
        ...ofFlood,
        shares: [
          { days: 90, class: 'excusable', accountable: 'force-majeure' },
          { days: 30, class: 'excusable', accountable: 'concurrent', between: [prime.id, supplier.id] },
        ],
        reasons: 'From the 91st day on the winding was behind for reasons of its own.',
      },
      {
        ...ofBench,
        shares: [
          { days: 40, class: 'excusable', accountable: 'concurrent', between: [buyer.id, prime.id] },
          { days: 12, class: 'non-excusable', accountable: prime.id },
        ],
        reasons: 'For forty days neither the bench nor the site was ready.',
      },
    ],
  });
  // The two sides do not agree on what is still owed: the account stays unsettled.
  const stated = (final: bigint) => ({ finalAmount: moneyOf(final, 'EUR'), refund: moneyOf(0n, 'EUR') });
  told(seller, '2023-11-06', 0, 'AccountSettled', stated(193_000_000n));
  told(buyer, '2023-12-04', 0, 'AccountSettled', stated(188_500_000n));
  return course.script;
}
