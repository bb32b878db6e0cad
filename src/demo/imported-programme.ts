/**
 * The programme of the audit of 2019: history that was entered into the ledger long after it had happened. All of it was
 * recorded on two days of November 2019, with the days on which it happened as its `time`, so that only a question about
 * the end of the fiscal year (`on=2018-03-31`) finds what was unsettled then. Modelled on the published report are how many
 * cases and how much was paid for them; everything else is made up.
 */
import { addDays, daysBetween } from '../contract/calendar.js';
import { moneyOf } from '../contract/money.js';
import { KINDS, type Kind } from './audit-items.js';
import { BUYER, CARRIERS, INSPECTORS, PRIMES, SELLER, SUBCONTRACTORS } from './cast.js';
import { settle } from './money-scenes.js';
import { Course, DEMO_TERMS, registrationOf, type ContractPlan, type LinePlan } from './plan.js';
import type { Random } from './random.js';
import type { Script } from './script.js';
import { sharesOf } from './shares.js';

export const IMPORTED_PROGRAMME = 'fms-japan-audit-2019';
/** The day that the figures are about: the end of the fiscal year 2017. */
export const IMPORTED_DAY = '2018-03-31';
/** Cases unsettled on that day and what had been paid for them, in yen, as the Board of Audit published it in October 2019. */
export const IMPORTED_OVERDUE = { contracts: 85, paid: 34_900_000_000n };
export const IMPORTED_DELIVERED = { contracts: 568, paid: 106_800_000_000n };
/** Beside them, cases that are not among the unsettled ones: settled by then, or still to be delivered. */
const SETTLED = 16;
const COMING = 11;
export const IMPORTED_CONTRACTS = IMPORTED_OVERDUE.contracts + IMPORTED_DELIVERED.contracts + SETTLED + COMING;

/** Fridays on which the buyer's office entered it all. */
const ENTERED = ['2019-11-08T20:00:00Z', '2019-11-15T20:00:00Z'] as const;

/** What a contract is on the day: overdue and delivered ones are unsettled, the others are not. */
type Standing = 'overdue' | 'delivered' | 'settled' | 'coming';

export function importedContracts(random: Random): Script[] {
  const told = (standing: Standing, shares: readonly bigint[]) => shares.map((paid) => ({ standing, paid }));
  const contracts = [
    ...told('overdue', sharesOf(IMPORTED_OVERDUE.paid, IMPORTED_OVERDUE.contracts, random.fork('overdue'))),
    ...told('delivered', sharesOf(IMPORTED_DELIVERED.paid, IMPORTED_DELIVERED.contracts, random.fork('delivered'))),
    ...told('settled', sharesOf(2_400_000_000n, SETTLED, random.fork('settled'))),
    ...told('coming', sharesOf(6_100_000_000n, COMING, random.fork('coming'))),
  ];
  return contracts.map(({ standing, paid }, at) => {
    const own = random.fork(`contract/${at}`);
    const course = new Course(planOf(at + 1, standing, paid, own), own);
    tell(course, standing, paid);
    return course.script;
  });
}

/** What was paid in advance is near what was ordered: less than it while goods are missing, often more where all came. */
function planOf(number: number, standing: Standing, paid: bigint, random: Random): ContractPlan {
  const kind: Kind = random.pick(KINDS);
  const [description, unit] = random.pick(kind.items);
  const quantity = random.int(1, 24);
  const percent = BigInt(
    standing === 'delivered' || standing === 'settled' ? random.int(86, 99) : random.int(103, 190),
  );
  const line: LinePlan = {
    line: 'L1',
    description,
    quantity,
    unit,
    unitMinor: (paid * percent) / 100n / BigInt(quantity),
    standard: 'AQAP-2110',
    accepted: standing === 'delivered' || standing === 'settled' ? quantity : 0,
  };
  const due =
    standing === 'coming'
      ? addDays(IMPORTED_DAY, random.int(40, 560))
      : addDays(IMPORTED_DAY, -random.int(standing === 'overdue' ? 20 : 250, 2_250));
  // Estimates of two to four years; the oldest cases are of 2008.
  const signedOn = addDays(due, -random.int(700, 1_400));
  return {
    contract: `JP-${kind.service}-H${String(number).padStart(3, '0')}`,
    title: `${kind.title}: ${description.toLowerCase()}, case ${number}`,
    programme: IMPORTED_PROGRAMME,
    currency: 'JPY',
    signedOn,
    importedAt: ENTERED[number % ENTERED.length]!,
    cast: {
      buyer: BUYER,
      seller: SELLER,
      prime: random.pick(PRIMES),
      subcontractors: [SUBCONTRACTORS[0]!, SUBCONTRACTORS[1]!],
      carrier: random.pick(CARRIERS),
      inspector: INSPECTORS[0]!,
    },
    lines: [line],
    milestones: [
      {
        milestone: 'M-DEL',
        line: 'L1',
        kind: 'delivery',
        description: `${description}: all delivered`,
        due,
        binding: 'estimate',
      },
    ],
    // What is entered years later is in nobody's debt of reports: the ledger looks for none before 2029.
    terms: { ...DEMO_TERMS, reportEveryDays: 3_650, acknowledgeWithinDays: 3_650, resolveWithinDays: 3_650 },
    registered: ['carrier'],
  };
}

function tell(course: Course, standing: Standing, paid: bigint): void {
  const { plan, random, script, cast } = course;
  const { signedOn } = plan;
  const { quantity } = plan.lines[0]!;
  course.paid = paid;
  const due = plan.milestones[0]!.due;
  script.send('ContractRegistered', { by: cast.buyer, on: signedOn }, registrationOf(plan));
  script.send('RegistrationConfirmed', { by: cast.seller, on: addDays(signedOn, random.int(5, 60)) }, {});
  const advance = random.chance(20) ? (paid * 7n) / 10n : paid;
  const first = addDays(signedOn, random.int(60, 200));
  for (const [at, minor] of [advance, paid - advance].entries())
    if (minor > 0n)
      script.send(
        'PaymentMade',
        { by: cast.buyer, on: addDays(first, at * random.int(150, 330)) },
        { payment: `P-0${at + 1}`, amount: moneyOf(minor, 'JPY'), kind: at === 0 ? 'advance' : 'progress' },
      );
  switch (standing) {
    case 'overdue':
      // Part of it may have come in time; the rest comes after the day, or never.
      if (quantity > 1 && random.chance(25)) arrive(course, earliest(due, IMPORTED_DAY), Math.floor(quantity / 2), 100);
      else if (random.chance(30)) arrive(course, addDays('2018-07-01', random.int(0, 420)), quantity);
      break;
    case 'delivered': {
      const accepted = arrive(course, addDays(due, random.int(-120, 180)), quantity);
      if (random.chance(40)) {
        const from = accepted > IMPORTED_DAY ? accepted : addDays(IMPORTED_DAY, 1);
        settle(course, addDays(from, random.int(0, 500)), random.chance(85) ? 'match' : 'differ', 30);
      } else if (random.chance(20)) settle(course, addDays(accepted, random.int(20, 60)), 'one-sided', 30);
      break;
    }
    case 'settled': {
      const accepted = arrive(course, addDays(due, -random.int(0, 120)), quantity);
      settle(course, addDays(accepted, random.int(10, 40)), 'match', 40);
      break;
    }
    case 'coming':
      if (due > addDays(IMPORTED_DAY, 160) && random.chance(50))
        arrive(course, addDays(due, -random.int(62, 90)), quantity);
      break;
  }
}

const earliest = (a: string, b: string): string => (a < b ? a : b);

/** Dispatched, received and accepted. @returns the day of acceptance */
function arrive(course: Course, on: string, quantity: number, before = 0): string {
  const { random, script, cast, plan } = course;
  const leaves = addDays(on, -before);
  const shipment = `${plan.contract}-S01`;
  const received = addDays(leaves, random.int(6, 35));
  const accepted = addDays(received, random.int(1, 25));
  script.send(
    'ShipmentDispatched',
    { by: cast.carrier, on: leaves },
    {
      shipment,
      items: [{ line: 'L1', quantity }],
      carrier: cast.carrier.id,
      mode: daysBetween(leaves, received) > 20 ? 'sea' : 'air',
      from: 'Port of departure (illustrative)',
      to: 'Depot 2 (illustrative)',
      eta: `${received}T12:00:00Z`,
    },
  );
  script.send(
    'ShipmentReceived',
    { by: cast.buyer, on: received },
    { shipment, items: [{ line: 'L1', quantity, condition: 'good' }], location: 'Depot 2 (illustrative)' },
  );
  script.send(
    'DeliveryAccepted',
    { by: cast.buyer, on: accepted, required: true },
    { shipment, items: [{ line: 'L1', quantity }], acceptancePoint: 'destination' },
  );
  return accepted;
}
