/**
 * 117 of the 118 contracts of the audit programme (the 118th is told in `e2d-support.ts`). What is modelled on the
 * published report are the totals alone: how many cases, how much undelivered, how old. Everything else is made up.
 */
import { addDays, addYears } from '../contract/calendar.js';
import type { MilestoneTerms } from '../contract/registration.js';
import { E2D, KINDS, type Kind } from './audit-items.js';
import { ADJUDICATORS, BUYER, CARRIERS, INSPECTORS, PRIMES, SELLER, SUBCONTRACTORS } from './cast.js';
import { nonconform } from './claims-scenes.js';
import { Course, DEMO_TERMS, undeliveredOf, type ContractPlan, type LinePlan } from './plan.js';
import type { Random } from './random.js';
import { contest, type DisputeEnd } from './dispute-scenes.js';
import { payAhead } from './money-scenes.js';
import { keepReporting, type Silence } from './reporting-scenes.js';
import {
  amendTerms,
  close,
  correct,
  delay,
  forecast,
  gatherParties,
  inTime,
  reach,
  redate,
  register,
  type Outcome,
} from './schedule-scenes.js';
import type { PayloadOf } from './payloads.js';
import { DEMO_LAST_DAY, type Script } from './script.js';
import { check, dayMade, deliver, firstArticle, manufacture, type Production } from './works-scenes.js';

export const AUDIT_PROGRAMME = 'fms-japan-audit-2026';
/** Cases undelivered more than five years after signature, as the Board of Audit of Japan published it in January 2026. */
export const AUDIT_CASES = 118;
/** What they come to: about 1.14 trillion yen; here exactly, in yen. */
export const AUDIT_UNDELIVERED_JPY = 1_140_000_000_000n;

/** So many of the generated cases are for E-2D support equipment, beside the one told with care. */
const E2D_CASES = 5;
/** Cases with a dispute, by number. How far one comes depends on the contract’s delays. */
const DISPUTED: ReadonlyMap<number, DisputeEnd> = new Map([
  ...[8, 31, 54, 77, 100].map((number) => [number, 'withdrawn'] as const),
  ...[15, 46, 69, 92].map((number) => [number, 'decided'] as const),
  ...[23, 61].map((number) => [number, 'open'] as const),
]);
const STANDARDS = ['AS9102', 'AQAP-2110', 'AQAP-2310'];

/** One contract of the programme, its story told to the end. `undelivered` is in yen, met exactly. */
export function auditContract(number: number, undelivered: bigint, random: Random): Script {
  const kind = number <= E2D_CASES ? E2D : random.pick(KINDS);
  const course = new Course(planOf(number, kind, undelivered, random), random);
  tell(course, number);
  return course.script;
}

function planOf(number: number, kind: Kind, undelivered: bigint, random: Random): ContractPlan {
  const signedOn = addDays('2012-02-01', random.int(0, 3_250)); // the last on 2020-12-26
  const lines = linesOf(kind, undelivered, random);
  const estimate = () => (random.chance(85) ? 'estimate' : 'firm');
  const milestones: MilestoneTerms[] = [
    {
      milestone: 'M-PAY',
      kind: 'payment',
      description: 'Advance payment',
      due: addDays(signedOn, random.int(90, 240)),
      binding: 'firm',
    },
  ];
  for (const [at, { line, description }] of lines.entries()) {
    const made = addDays(signedOn, random.int(500, 900) + at * 60);
    if (line !== 'SUPPORT')
      milestones.push({
        milestone: `M-${line}-MFG`,
        line,
        kind: 'manufacturing',
        description: `${description}: made`,
        due: made,
        binding: estimate(),
      });
    if (at === 0)
      milestones.push({
        milestone: 'M-FAI',
        line,
        kind: 'quality',
        description: 'First article accepted',
        due: addDays(made, -random.int(90, 200)),
        binding: estimate(),
      });
    milestones.push({
      milestone: `M-${line}-DEL`,
      line,
      kind: 'delivery',
      description: `${description}: all delivered`,
      due: addDays(made, random.int(120, 500)),
      binding: estimate(),
    });
  }
  return {
    contract: `JP-${kind.service}-X${String(number).padStart(3, '0')}`,
    title: `${kind.title}, lot ${number}`,
    programme: AUDIT_PROGRAMME,
    currency: 'JPY',
    signedOn,
    cast: {
      buyer: BUYER,
      seller: SELLER,
      prime: random.pick(PRIMES),
      subcontractors: twoOf(random),
      carrier: random.pick(CARRIERS),
      inspector: random.pick(INSPECTORS),
      adjudicator: ADJUDICATORS[0]!,
    },
    lines,
    milestones,
    terms: DEMO_TERMS,
    registered: [
      ...(random.chance(80) ? (['prime'] as const) : []),
      ...(random.chance(60) ? (['inspector'] as const) : []),
      ...(random.chance(40) ? (['carrier'] as const) : []),
    ],
  };
}

export function twoOf(random: Random): ContractPlan['cast']['subcontractors'] {
  const first = random.int(0, SUBCONTRACTORS.length - 1);
  const second = (first + random.int(1, SUBCONTRACTORS.length - 1)) % SUBCONTRACTORS.length;
  return [SUBCONTRACTORS[first]!, SUBCONTRACTORS[second]!];
}

/**
 * One to three lines of things and one of support services. Prices are whole thousands of yen; what that leaves of
 * `undelivered` is the price of the support, of which nothing is ever accepted.
 */
function linesOf(kind: Kind, undelivered: bigint, random: Random): LinePlan[] {
  const first = random.int(0, kind.items.length - 1);
  const things = Array.from({ length: random.int(1, 3) }, (_, at) => {
    const [description, unit] = kind.items[(first + at) % kind.items.length]!;
    const quantity = random.int(2, 36);
    // Of the first line something is always missing.
    const delivered = random.chance(45) ? random.int(1, quantity) : 0;
    return { description, unit, quantity, accepted: at === 0 ? Math.min(delivered, quantity - 1) : delivered };
  });
  const supportPercent = BigInt(random.int(4, 15));
  const shares = things.map(({ quantity, accepted }) => (accepted < quantity ? BigInt(random.int(20, 60)) : 0n));
  const allShares = shares.reduce((sum, share) => sum + share, 0n);
  const forThings = (undelivered * (100n - supportPercent)) / 100n;
  const lines: LinePlan[] = things.map((thing, at) => {
    const missing = BigInt(thing.quantity - thing.accepted);
    const unitThousands =
      missing === 0n
        ? forThings / BigInt(thing.quantity) / 6_000n
        : (forThings * shares[at]!) / allShares / missing / 1_000n;
    return { ...thing, line: `L${at + 1}`, unitMinor: unitThousands * 1_000n, standard: random.pick(STANDARDS) };
  });
  return [
    ...lines,
    {
      line: 'SUPPORT',
      description: 'Technical data and programme support',
      quantity: 1,
      unit: 'LO',
      unitMinor: undelivered - undeliveredOf(lines),
      accepted: 0,
    },
  ];
}

function tell(course: Course, number: number): void {
  const { plan, random, cast } = course;
  const { signedOn } = plan;
  const way = random.int(1, 100);
  register(course, way <= 50 ? 'buyer' : way <= 85 ? 'seller' : 'operator', random.chance(6));
  gatherParties(course, random.chance(22) ? addDays(signedOn, random.int(900, 1_800)) : undefined);
  const pay = plan.milestones[0]!;
  const paidOn = addDays(pay.due, random.int(-20, 60));
  reach(course, 'M-PAY', cast.buyer, paidOn, random.int(0, 40));
  payAhead(course, paidOn);
  make(course);
  slipAgain(course);
  if (random.chance(20)) amendTerms(course, addDays(signedOn, random.int(1_000, 1_800)), random.chance(70));
  speakNow(course);
  const disputed = DISPUTED.get(number);
  if (disputed !== undefined) contest(course, disputed);
  keepReporting(course, random.chance(9) ? silenceOf(course) : undefined);
  mend(course);
  if (random.chance(4)) close(course, addDays(DEMO_LAST_DAY, -random.int(40, 300)), false);
}

/** Manufacture, checks, and the deliveries that the plan says will have been accepted by the end. */
function make(course: Course): void {
  const { plan, random, cast } = course;
  for (const [at, line] of plan.lines.entries()) {
    if (line.line === 'SUPPORT') continue;
    const from = addDays(plan.signedOn, random.int(380, 560) + at * 40);
    const complete = line.accepted === line.quantity;
    // What was accepted must have been made, and early enough for what is turned back to come again before the end.
    const latestShipping = addDays(DEMO_LAST_DAY, -560);
    const acceptedPercent = Math.ceil((100 * line.accepted) / line.quantity);
    const planned: Production = {
      from,
      until: earlier(
        addDays(from, complete ? random.int(420, 800) : random.int(700, 2_300)),
        addDays(DEMO_LAST_DAY, -10),
      ),
      percent: complete ? 100 : Math.min(98, Math.max(random.int(35, 96), acceptedPercent + 3)),
      everyDays: random.int(110, 230),
    };
    const wanted = dayMade(line, planned, line.accepted);
    const shipping = earlier(wanted, latestShipping);
    const production: Production =
      line.accepted === 0
        ? planned
        : {
            ...planned,
            ...(wanted > latestShipping ? { until: latestShipping } : {}),
            ...(complete ? {} : { reportOn: shipping }),
          };
    manufacture(course, line, production);
    if (at === 0) firstArticle(course, line, addDays(from, random.int(120, 300)), random.chance(35));
    if (random.chance(30)) {
      const [on, result] = [addDays(from, random.int(100, 400)), random.chance(60) ? 'pass' : 'fail'] as const;
      const checked = check(course, line, cast.prime, on, { kind: 'in-process', result, quantity: 1 });
      if (result === 'fail')
        nonconform(course, line, {
          by: cast.prime,
          on,
          quantity: 1,
          severity: random.chance(60) ? 'minor' : 'major',
          defect: 'A weld is porous.',
          check: checked,
          ...(random.chance(70) ? { disposition: random.pick(['repair', 'use-as-is', 'rework'] as const) } : {}),
        });
    }
    if (line.accepted > 0) ship(course, line, addDays(shipping, random.int(5, 60)));
  }
}

const earlier = (a: string, b: string): string => (a < b ? a : b);

function ship(course: Course, line: LinePlan, first: string): void {
  const { random } = course;
  const twice = line.accepted >= 4 && random.chance(45);
  const parts = twice
    ? [Math.floor(line.accepted / 3), line.accepted - Math.floor(line.accepted / 3)]
    : [line.accepted];
  let day = '';
  for (const [at, quantity] of parts.entries()) {
    const turnedBack = random.int(1, 100);
    day = deliver(course, line, {
      on: at === 0 ? first : addDays(first, random.int(20, 60)),
      quantity,
      mode: random.chance(60) ? 'air' : 'sea',
      atOrigin: random.chance(25),
      inParts: random.chance(35),
      ...(turnedBack <= 10 && quantity > 1 ? { revoked: 1 } : {}),
      ...(turnedBack > 90 && quantity > 1 ? { rejected: 1, atOrigin: false } : {}),
    });
  }
  const milestone = `M-${line.line}-DEL`;
  if (line.accepted === line.quantity)
    reach(course, milestone, random.chance(60) ? course.cast.buyer : course.cast.prime, day, random.int(0, 30));
  else if (random.chance(10)) {
    // Somebody claims too much, and takes it back.
    const { script, cast } = course;
    const claimed = script.send('MilestoneReached', { by: cast.prime, on: day }, { milestone, on: day });
    if (claimed !== undefined) correct(course, claimed, addDays(claimed.day, random.int(5, 60)));
  }
}

/** Four years or more in which nobody who owes a report is heard. */
function silenceOf({ plan, random }: Course): Silence {
  const from = addDays(plan.signedOn, random.int(600, 1_400));
  return { from, until: addDays(from, random.int(1_500, 3_000)) };
}

const OUTCOMES: readonly Outcome[] = [
  ...Array<Outcome>(8).fill('unanswered'),
  ...Array<Outcome>(5).fill('refused'),
  ...Array<Outcome>(3).fill('agreed'),
  ...Array<Outcome>(2).fill('second-hand'),
];

/** Dates move again and again: a delay is reported late, a new date is set, sometimes asked for, mostly not. */
function slipAgain(course: Course): void {
  const { plan, random, cast } = course;
  const firstDue = plan.milestones.find(({ kind }) => kind === 'delivery')?.due ?? plan.signedOn;
  let day = addDays(firstDue, -random.int(20, 260));
  while (inTime(addDays(day, 150))) {
    const slipDays = random.int(120, 560);
    const reporter = random.pick([cast.prime, cast.prime, cast.seller, course.maker(day), cast.buyer]);
    if (random.chance(55))
      delay(course, {
        by: reporter,
        startedOn: addDays(day, -random.int(10, 60)),
        noticeDays: random.int(15, 320),
        slipDays,
        acknowledged: random.chance(86),
        ...(random.chance(35) ? { resolvedAfterDays: random.int(90, 500) } : {}),
      });
    if (random.chance(75)) redate(course, addDays(day, random.int(20, 140)), slipDays, random.pick(OUTCOMES));
    day = addDays(day, random.int(380, 900));
  }
  // A few sides sat down together in the last years and agreed on dates still to come.
  if (random.chance(14)) {
    const agreedOn = addDays('2024-06-01', random.int(0, 450));
    redate(course, agreedOn, random.int(60, 300), 'agreed', addDays(DEMO_LAST_DAY, random.int(90, 700)));
  }
}

/** What is said of the dates in the last years. */
function speakNow(course: Course): void {
  const { random, cast, open, plan } = course;
  for (let times = random.int(0, 4); times > 0; times -= 1) {
    const target = [...open.values()].find(({ terms }) => terms.kind === 'delivery');
    if (target === undefined) return;
    const earliest = addYears(plan.signedOn, 3);
    const on = addDays(earliest, random.int(0, 1_900));
    const expected = addDays(target.standing > on ? target.standing : on, random.int(30, 240));
    const second = random.chance(12);
    forecast(
      course,
      target.terms.milestone,
      second ? cast.buyer : random.pick([cast.prime, cast.seller, cast.prime]),
      on,
      expected,
      'As the latest production plan shows.',
      second ? cast.seller : undefined,
    );
  }
}

/** A report turns out to be wrong and is corrected, now and then twice. */
export function mend(course: Course): void {
  const { random } = course;
  const reports = course.sentOf('ManufacturingProgressed').filter(({ event }) => event.onbehalfof === undefined);
  if (reports.length === 0 || !random.chance(45)) return;
  const wrong = random.pick(reports);
  const data = wrong.event.data as PayloadOf['ManufacturingProgressed'];
  const { quantity } = course.line(data.line);
  const less = (by: number) => {
    const percent = Math.max(0, Number(data.percent) - by);
    return { ...data, percent, unitsCompleted: Math.floor((quantity * percent) / 100) };
  };
  const first = correct(course, wrong, addDays(wrong.day, random.int(5, 200)), less(random.int(3, 12)));
  if (first === undefined || !random.chance(30)) return;
  if (random.chance(50)) correct(course, wrong, addDays(first.day, random.int(5, 90)), less(1));
  else correct(course, wrong, addDays(first.day, random.int(5, 90)));
}
