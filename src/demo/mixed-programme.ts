/** The other programme: contracts in three currencies that go well, go badly, recover, are completed and are closed. */
import { addDays } from '../contract/calendar.js';
import type { MilestoneTerms } from '../contract/registration.js';
import { twoOf, mend } from './audit-programme.js';
import { CARRIERS, INSPECTORS, MIXED_BUYERS, MIXED_SELLERS, PRIMES } from './cast.js';
import { Course, DEMO_TERMS, type ContractPlan, type LinePlan } from './plan.js';
import type { Random } from './random.js';
import { pay, settle, type Settlement } from './money-scenes.js';
import { keepReporting } from './reporting-scenes.js';
import { amendTerms, close, delay, forecast, gatherParties, reach, redate, register } from './schedule-scenes.js';
import { DEMO_LAST_DAY, type Script } from './script.js';
import { check, dayMade, deliver, firstArticle, manufacture, type Production } from './works-scenes.js';

export const MIXED_PROGRAMME = 'illustrative-mixed';

/** What becomes of a contract by the end. `recovering` had a delay and is back on its dates. */
type Ending = 'closed' | 'one-sided' | 'completed' | 'late' | 'at-risk' | 'recovering' | 'on-track';

const COUNTS: Readonly<Record<Ending, number>> = {
  closed: 15,
  'one-sided': 3,
  completed: 9,
  late: 11,
  'at-risk': 10,
  recovering: 6,
  'on-track': 6,
};

const THINGS: readonly (readonly [title: string, item: string])[] = [
  ['Field hospital containers', 'Container modules'],
  ['Rescue boat engines', 'Engines'],
  ['Weather radar upgrade', 'Processor cabinets'],
  ['Airfield lighting', 'Lamp sets'],
  ['Water purification units', 'Filter units'],
  ['Bridge-laying equipment', 'Bridge segments'],
  ['Fire engines for airfields', 'Vehicles'],
  ['Navigation receivers', 'Receivers'],
  ['Diving equipment', 'Breathing sets'],
  ['Emergency generators', 'Generator sets'],
];
const CURRENCIES = ['USD', 'JPY', 'EUR'] as const;

export function mixedContracts(random: Random): Script[] {
  const courses = (Object.keys(COUNTS) as Ending[]).flatMap((kind) => Array<Ending>(COUNTS[kind]).fill(kind));
  return courses.map((kind, at) => {
    const own = random.fork(String(at));
    const course = new Course(planOf(at + 1, kind, own), own);
    tell(course, kind);
    return course.script;
  });
}

/** Whether everything is delivered by the end. */
const isDone = (kind: Ending): boolean => kind === 'closed' || kind === 'one-sided' || kind === 'completed';

interface Dates {
  readonly signedOn: string;
  readonly firstArticle: string;
  readonly made: string;
  readonly delivered: string;
}

function datesOf(kind: Ending, random: Random): Dates {
  const within = (from: string, days: number) => addDays(from, random.int(0, days));
  switch (kind) {
    case 'closed':
    case 'one-sided':
    case 'completed': {
      const signedOn = kind === 'completed' ? within('2019-01-10', 1_300) : within('2013-02-01', 2_900);
      const made = addDays(signedOn, random.int(430, 560));
      return { signedOn, firstArticle: addDays(signedOn, 300), made, delivered: addDays(made, random.int(150, 220)) };
    }
    case 'late': {
      const signedOn = within('2020-03-01', 1_100);
      const made = addDays(signedOn, random.int(420, 600));
      return { signedOn, firstArticle: addDays(signedOn, 300), made, delivered: addDays(made, random.int(100, 250)) };
    }
    case 'at-risk':
    case 'recovering':
    case 'on-track': {
      const signedOn = within('2022-06-01', 780);
      const made = addDays(DEMO_LAST_DAY, random.int(30, 260));
      return { signedOn, firstArticle: addDays(signedOn, 300), made, delivered: addDays(made, random.int(60, 240)) };
    }
  }
}

function planOf(number: number, kind: Ending, random: Random): ContractPlan {
  const [title, item] = random.pick(THINGS);
  const currency = CURRENCIES[number % CURRENCIES.length]!;
  const dates = datesOf(kind, random);
  const quantity = random.int(3, 24);
  const cents = BigInt(random.int(1_500_000, 90_000_000)); // 15,000.00 to 900,000.00
  const line: LinePlan = {
    line: 'L1',
    description: item,
    quantity,
    unit: 'EA',
    unitMinor: currency === 'JPY' ? cents : cents - (cents % 5n),
    standard: random.pick(['AQAP-2110', 'AQAP-2131', 'ISO 9001']),
    accepted: isDone(kind) ? quantity : kind === 'late' && random.chance(50) ? Math.floor(quantity / 3) : 0,
  };
  return {
    contract: `MX-${String(number).padStart(3, '0')}`,
    title,
    programme: MIXED_PROGRAMME,
    currency,
    signedOn: dates.signedOn,
    cast: {
      buyer: random.pick(MIXED_BUYERS),
      seller: random.pick(MIXED_SELLERS),
      prime: random.pick(PRIMES),
      subcontractors: twoOf(random),
      carrier: random.pick(CARRIERS),
      inspector: random.pick(INSPECTORS),
    },
    lines: [line],
    milestones: milestonesOf(line, dates, random),
    terms: { ...DEMO_TERMS, reportEveryDays: random.pick([90, 120, 180]) },
    registered: ['prime', 'carrier', ...(random.chance(60) ? (['inspector'] as const) : [])],
  };
}

function milestonesOf({ line, description, quantity }: LinePlan, dates: Dates, random: Random): MilestoneTerms[] {
  const firm = () => (random.chance(70) ? 'firm' : 'estimate');
  return [
    {
      milestone: 'M-PAY',
      kind: 'payment',
      description: 'First instalment',
      due: addDays(dates.signedOn, 90),
      binding: 'firm',
    },
    {
      milestone: 'M-FAI',
      line,
      kind: 'quality',
      description: 'First article accepted',
      due: dates.firstArticle,
      binding: firm(),
    },
    {
      milestone: `M-${line}-MFG`,
      line,
      kind: 'manufacturing',
      description: `${description}: made`,
      due: dates.made,
      binding: firm(),
    },
    {
      milestone: `M-${line}-SHIP`,
      line,
      kind: 'shipment',
      description: `${description}: first shipment left`,
      due: addDays(dates.made, 40),
      binding: 'estimate',
    },
    {
      milestone: `M-${line}-DEL`,
      line,
      quantity,
      kind: 'delivery',
      description: `${description}: all delivered`,
      due: dates.delivered,
      binding: firm(),
    },
  ];
}

function tell(course: Course, kind: Ending): void {
  const { plan, random, cast } = course;
  const { signedOn } = plan;
  const way = random.int(1, 100);
  register(course, way <= 45 ? 'buyer' : way <= 80 ? 'seller' : 'operator', random.chance(5));
  gatherParties(course, random.chance(15) ? addDays(signedOn, random.int(380, 600)) : undefined);
  const paidOn = addDays(signedOn, random.int(50, 88));
  reach(course, 'M-PAY', cast.buyer, paidOn, random.int(0, 20));
  pay(course, 'advance', random.int(15, 40), paidOn);
  pay(course, 'progress', random.int(10, 30), addDays(paidOn, random.int(200, 330)));
  if (isDone(kind)) finish(course, kind);
  else struggle(course, kind);
  if (random.chance(25)) amendTerms(course, addDays(signedOn, random.int(200, 420)), random.chance(70));
  keepReporting(course);
  mend(course);
}

/** Made and delivered, on time or a little late with dates agreed on; then closed or left open. */
function finish(course: Course, kind: Ending): void {
  const { plan, random, cast, script } = course;
  const line = plan.lines[0]!;
  const slips = random.chance(40) ? random.int(30, 160) : 0;
  const made = addDays(dueOf(course, 'M-L1-MFG'), slips - random.int(5, 30));
  firstArticle(course, line, addDays(dueOf(course, 'M-FAI'), -random.int(5, 60)), random.chance(15));
  if (slips > 0) {
    const noticed = addDays(made, -random.int(120, 200));
    delay(course, {
      by: random.chance(70) ? cast.prime : cast.seller,
      startedOn: addDays(noticed, -20),
      noticeDays: random.int(5, 50),
      slipDays: slips,
      acknowledged: true,
      resolvedAfterDays: random.int(60, 120),
    });
    redate(course, addDays(noticed, random.int(40, 70)), slips, random.chance(80) ? 'agreed' : 'refused');
  }
  const from = addDays(plan.signedOn, random.int(90, 160));
  manufacture(course, line, { from, until: made, percent: 100, everyDays: random.int(50, 90) });
  const leaves = addDays(made, random.int(8, 30));
  const parts = line.quantity >= 6 && random.chance(50) ? [3, line.quantity - 3] : [line.quantity];
  let last = leaves;
  for (const [at, quantity] of parts.entries())
    last = deliver(course, line, {
      on: addDays(leaves, at * random.int(15, 30)),
      quantity,
      mode: random.chance(50) ? 'air' : 'sea',
      atOrigin: random.chance(30),
      inParts: random.chance(30),
      ...(random.chance(8) && quantity > 1 ? { rejected: 1, atOrigin: false } : {}),
    });
  reach(course, 'M-L1-SHIP', cast.prime, leaves);
  reach(course, 'M-L1-DEL', cast.buyer, last, random.int(0, 12));
  // What is left is paid on delivery, and the account is settled before the sides close; a few never get that far.
  if (random.chance(80)) pay(course, 'final', 25, addDays(last, random.int(15, 60)));
  if (random.chance(85))
    settle(course, addDays(last, random.int(70, 120)), random.pick(SETTLEMENTS), kind === 'completed' ? 200 : 40);
  if (kind === 'completed') return;
  const closing = addDays(last, random.int(40, 200));
  close(course, closing, kind === 'closed');
  if (random.chance(15))
    check(course, line, cast.buyer, addDays(closing, 300), { kind: 'receiving', result: 'conditional', quantity: 1 });
  else if (random.chance(20))
    script.send('ShipmentMoved', moveLongAgo(course, leaves), {
      shipment: `${plan.contract}-S01`,
      location: 'Warehouse of a forwarder (illustrative)',
      status: 'cleared',
    });
}

const SETTLEMENTS: readonly Settlement[] = ['match', 'match', 'match', 'one-sided', 'differ'];

/** A carrier's report that turns up when the contract is all but forgotten. */
const moveLongAgo = ({ cast, random }: Course, leaves: string) => ({
  by: cast.carrier,
  on: addDays(leaves, 3),
  lag: random.int(300, 500),
});

const dueOf = ({ plan }: Course, milestone: string): string => {
  const found = plan.milestones.find((terms) => terms.milestone === milestone);
  if (found === undefined) throw new RangeError(`${plan.contract} has no milestone ${milestone}`);
  return found.due;
};

/** Not finished by the end: late, at risk, recovering or on its way as planned. */
function struggle(course: Course, kind: Ending): void {
  const { plan, random, cast } = course;
  const line = plan.lines[0]!;
  const due = dueOf(course, 'M-L1-DEL');
  firstArticle(course, line, addDays(dueOf(course, 'M-FAI'), -random.int(5, 40)), kind === 'late' && random.chance(50));
  const production: Production = {
    from: addDays(plan.signedOn, random.int(90, 160)),
    until: addDays(DEMO_LAST_DAY, kind === 'late' ? -random.int(120, 400) : -random.int(3, 30)),
    percent: random.int(45, 95),
    everyDays: random.int(60, 110),
  };
  const made = line.accepted > 0 ? { reportOn: dayMade(line, production, line.accepted) } : {};
  manufacture(course, line, { ...production, ...made });
  const began = addDays(DEMO_LAST_DAY, -random.int(380, 520));
  const wanting = { by: cast.prime, startedOn: began, noticeDays: random.int(8, 100), slipDays: random.int(60, 240) };
  switch (kind) {
    case 'late':
      if (line.accepted > 0)
        deliver(course, line, {
          on: dayMade(line, production, line.accepted),
          quantity: line.accepted,
          mode: 'sea',
        });
      delay(course, { ...wanting, startedOn: addDays(due, -random.int(60, 140)), acknowledged: random.chance(80) });
      redate(
        course,
        addDays(due, -random.int(5, 50)),
        random.int(60, 300),
        random.chance(50) ? 'refused' : 'unanswered',
      );
      break;
    case 'at-risk':
      if (random.chance(60)) delay(course, { ...wanting, acknowledged: random.chance(60) });
      else forecast(course, 'M-L1-DEL', cast.prime, began, addDays(due, random.int(40, 200)), 'Parts come later.');
      break;
    case 'recovering':
      delay(course, { ...wanting, acknowledged: true, resolvedAfterDays: random.int(60, 200), recovered: true });
      break;
    case 'on-track':
      forecast(course, 'M-L1-DEL', cast.prime, began, addDays(due, -random.int(0, 25)), 'Work goes as planned.');
      break;
    case 'closed':
    case 'one-sided':
    case 'completed':
      throw new RangeError(`a contract that is ${kind} does not struggle`);
  }
}
