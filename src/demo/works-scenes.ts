/** Scenes about things: made, checked, shipped, received, accepted and turned back. */
import { addDays, daysBetween } from '../contract/calendar.js';
import type { Party } from './cast.js';
import { complain, nonconform } from './claims-scenes.js';
import { bill, type Billing } from './money-scenes.js';
import type { Course, LinePlan } from './plan.js';
import { correct, reach } from './schedule-scenes.js';
import type { PayloadOf } from './payloads.js';
import type { Sent } from './script.js';

const STAGES = ['material on order', 'parts made', 'assembly', 'system test', 'packing'];
const stageAt = (percent: number): string => STAGES[Math.min(STAGES.length - 1, Math.floor(percent / 20))] as string;

export interface Production {
  readonly from: string;
  readonly until: string;
  /** Percent made by `until`; 100 completes the line. */
  readonly percent: number;
  /** Days between two reports, about. */
  readonly everyDays: number;
  /** A day on which there is a report in any case: before things leave. */
  readonly reportOn?: string;
}

/** The day by which so many units are made, and a little more. */
export function dayMade(line: LinePlan, { from, until, percent }: Production, units: number): string {
  const wanted = Math.ceil((100 * units) / line.quantity) + 3;
  return addDays(from, Math.floor((daysBetween(from, until) * Math.min(wanted, percent)) / percent));
}

/** A line is started, reported on more or less regularly, and completed where it gets that far. */
export function manufacture(course: Course, line: LinePlan, told: Production): void {
  const { random, script, cast } = course;
  const site = `Plant ${random.int(1, 9)} (illustrative)`;
  script.send(
    'ManufacturingStarted',
    { by: course.maker(told.from), on: told.from, lag: random.int(0, 20), routine: true },
    { line: line.line, site, stage: stageAt(0) },
  );
  const length = daysBetween(told.from, told.until);
  if (told.reportOn !== undefined) {
    const percent = Math.floor((told.percent * daysBetween(told.from, told.reportOn)) / length);
    script.send(
      'ManufacturingProgressed',
      { by: course.maker(told.reportOn), on: told.reportOn, routine: true },
      {
        line: line.line,
        stage: stageAt(percent),
        percent,
        unitsCompleted: Math.floor((line.quantity * percent) / 100),
      },
    );
  }
  for (let passed = told.everyDays; passed < length; passed += told.everyDays + random.int(-12, 12)) {
    const on = addDays(told.from, passed);
    const percent = Math.max(
      1,
      Math.floor((told.percent * passed) / length) - (random.chance(6) ? random.int(2, 9) : 0),
    );
    const maker = course.maker(on);
    // The prime passes on what a subcontractor without a system told it by telephone.
    const passedOn = maker !== cast.prime && random.chance(9);
    script.send(
      'ManufacturingProgressed',
      {
        by: passedOn ? cast.prime : maker,
        on,
        lag: random.chance(9) ? random.int(40, 160) : random.int(0, 9),
        routine: true,
        ...(passedOn ? { onBehalfOf: maker } : {}),
      },
      {
        line: line.line,
        stage: stageAt(percent),
        percent,
        unitsCompleted: Math.floor((line.quantity * percent) / 100),
      },
    );
  }
  if (told.percent < 100) return;
  const done = course.maker(told.until);
  const data = { line: line.line, quantity: line.quantity, ...(random.chance(50) ? { lot: `LOT-${line.line}` } : {}) };
  script.send('ManufacturingCompleted', { by: done, on: told.until, lag: random.int(0, 15), routine: true }, data);
  const milestone = `M-${line.line}-MFG`;
  if (course.open.has(milestone)) reach(course, milestone, cast.prime, told.until, random.int(0, 20));
}

export type Check = Pick<PayloadOf['QualityCheckRecorded'], 'kind' | 'result'> & { readonly quantity: number };

/** A quality check of a line against its standard. */
export function check(course: Course, line: LinePlan, by: Party, on: string, told: Check): Sent | undefined {
  const { random } = course;
  course.checks += 1;
  const id = `Q-${String(course.checks).padStart(2, '0')}`;
  const nominal = random.int(20, 400);
  const measured = told.result === 'pass' ? nominal : nominal + 3;
  return course.script.send(
    'QualityCheckRecorded',
    { by, on, lag: random.int(0, 25), routine: true },
    {
      check: id,
      line: line.line,
      kind: told.kind,
      standard: line.standard ?? 'AQAP-2110',
      quantity: told.quantity,
      result: told.result,
      ...(told.kind === 'first-article'
        ? {
            sampleSize: 1,
            characteristics: [
              { name: 'Bore diameter', nominal, lower: nominal - 1, upper: nominal + 1, measured, unit: 'MMT' },
            ],
          }
        : {}),
      ...(told.result === 'pass' && random.chance(40) ? { certificate: `CERT-${course.plan.contract}-${id}` } : {}),
    },
  );
}

/** The first article is checked; where it fails, once more. The milestone is reached when it passes. */
export function firstArticle(course: Course, line: LinePlan, on: string, fails: boolean): void {
  const { random, cast } = course;
  let day = on;
  if (fails) {
    const failed = check(course, line, cast.inspector, day, { kind: 'first-article', result: 'fail', quantity: 1 });
    nonconform(course, line, {
      by: cast.inspector,
      on: day,
      quantity: 1,
      severity: random.chance(30) ? 'critical' : 'major',
      defect: 'The first article is out of tolerance.',
      check: failed,
      disposition: random.chance(70) ? 'rework' : 'scrap',
    });
    day = addDays(day, random.int(60, 200));
  }
  const result = random.chance(12) ? 'conditional' : 'pass';
  check(course, line, cast.inspector, day, { kind: 'first-article', result, quantity: 1 });
  if (course.open.has('M-FAI')) reach(course, 'M-FAI', cast.prime, day, random.int(0, 20));
}

export interface Delivery {
  readonly on: string;
  readonly quantity: number;
  readonly mode: 'air' | 'sea';
  /** Whether the buyer first accepts at the plant, so that what is accepted again at its depot counts once. */
  readonly atOrigin?: boolean;
  /** Accepted in two parts at the depot. */
  readonly inParts?: boolean;
  /** So many of what had been accepted are turned back; the prime ships them again. */
  readonly revoked?: number;
  /** So many arrive damaged and are turned back at once; they come again too. Not together with `atOrigin`. */
  readonly rejected?: number;
}

const DEPOT = 'Depot 2 (illustrative)';
const TRANSIT_DAYS = { air: [4, 12], sea: [25, 60] } as const;

/**
 * One shipment of a line, from its final check to its acceptance; what is turned back comes again in a second one. In
 * the end the buyer has accepted `quantity`.
 *
 * @returns the day of the last acceptance
 * @throws RangeError where that is not before the end of the demo
 */
export function deliver(course: Course, line: LinePlan, told: Delivery): string {
  const { random, script, cast } = course;
  const { on, quantity, mode } = told;
  course.shipments += 1;
  const shipment = `${course.plan.contract}-S${String(course.shipments).padStart(2, '0')}`;
  const items = [{ line: line.line, quantity }];
  const [shortest, longest] = TRANSIT_DAYS[mode];
  const arrived = addDays(on, random.int(shortest, longest));
  const received = addDays(arrived, random.int(1, 6));

  // Rarely something leaves unchecked: then what is accepted of it is covered by no check.
  if (!random.chance(8))
    check(course, line, cast.inspector, addDays(on, -random.int(2, 20)), { kind: 'final', result: 'pass', quantity });
  if (told.atOrigin === true && (told.rejected ?? 0) === 0)
    script.send(
      'DeliveryAccepted',
      { by: cast.buyer, on, lag: random.int(0, 3), required: true },
      { shipment, items, acceptancePoint: 'origin' },
    );
  // Now and then the prime's nightly run is days behind, and the carrier speaks of a shipment nobody has heard of.
  const behind = random.chance(35) ? random.int(2, 6) : 0;
  const serials = Array.from({ length: Math.min(quantity, 6) }, (_, at) => `${line.line}-${course.shipments}${at}`);
  const dispatched = script.send(
    'ShipmentDispatched',
    { by: cast.prime, on, lag: behind },
    {
      shipment,
      items: [{ line: line.line, quantity, ...(quantity <= 6 ? { serials } : {}) }],
      carrier: cast.carrier.id,
      mode,
      from: `Plant ${random.int(1, 9)} (illustrative)`,
      to: DEPOT,
      eta: `${arrived}T12:00:00Z`,
    },
  );
  const port = mode === 'air' ? 'Airport' : 'Port';
  const moved = (status: string, day: string, where: string, lag = 0) =>
    script.send(
      'ShipmentMoved',
      { by: cast.carrier, on: day, lag },
      { shipment, location: `${port} of ${where} (illustrative)`, status },
    );
  moved('departed', addDays(on, 1), 'departure');
  if (random.chance(20)) {
    const held = moved('held', addDays(on, 2), 'transit');
    if (held !== undefined && random.chance(30)) correct(course, held, addDays(held.day, random.int(1, 20)));
  }
  moved('arrived', arrived, 'arrival', random.chance(15) ? random.int(3, 15) : 0);
  if (random.chance(40)) moved('cleared', arrived, 'arrival');
  script.send(
    'ShipmentReceived',
    { by: cast.buyer, on: received, lag: random.int(0, 8), after: dispatched },
    {
      shipment,
      items: [{ line: line.line, quantity, condition: (told.rejected ?? 0) > 0 ? 'partly damaged' : 'good' }],
      location: DEPOT,
    },
  );
  if (random.chance(45))
    check(course, line, cast.buyer, addDays(received, 2), { kind: 'receiving', result: 'pass', quantity });
  return accept(course, line, told, shipment, received);
}

function accept(course: Course, line: LinePlan, told: Delivery, shipment: string, received: string): string {
  const { random, script, cast } = course;
  const { rejected = 0, revoked = 0 } = told;
  const taken = told.quantity - rejected;
  const accepting = (day: string, quantity: number) =>
    script.send(
      'DeliveryAccepted',
      { by: cast.buyer, on: day, lag: random.int(0, 10), required: true },
      { shipment, items: [{ line: line.line, quantity }], acceptancePoint: 'destination' },
    );
  let day = addDays(received, random.int(2, 30));
  const found = { by: cast.buyer, disposition: 'return' } as const;
  if (rejected > 0) {
    script.send(
      'DeliveryRejected',
      { by: cast.buyer, on: day, lag: random.int(0, 5), required: true },
      { shipment, items: [{ line: line.line, quantity: rejected }], reason: 'Damaged on the way.' },
    );
    const defect = 'The housing was bent on the way.';
    nonconform(course, line, { ...found, on: day, quantity: rejected, severity: 'minor', defect });
    complain(course, line, { kind: 'damage', shipment, from: received, quantity: rejected, detail: defect });
  }
  if (told.inParts === true && taken > 1) {
    accepting(day, Math.ceil(taken / 2));
    day = addDays(day, random.int(10, 45));
    accepting(day, Math.floor(taken / 2));
  } else if (taken > 0) accepting(day, taken);
  if (taken > 0 && random.chance(75)) invoice(course, line, { shipment, quantity: taken, on: day });
  if (revoked > 0) {
    day = addDays(day, random.int(10, 60));
    script.send(
      'DeliveryRejected',
      { by: cast.buyer, on: day, lag: random.int(0, 5), required: true },
      { shipment, items: [{ line: line.line, quantity: revoked }], reason: 'Failed in first use.', revokes: true },
    );
    const defect = 'Failed in its first use.';
    nonconform(course, line, { ...found, on: day, quantity: revoked, severity: 'critical', defect });
    complain(course, line, { kind: 'deficient', shipment, from: day, quantity: revoked, detail: defect });
  } else if (random.chance(18))
    complain(course, line, {
      kind: random.pick(['documentation', 'shortage', 'overage'] as const),
      shipment,
      from: received,
      detail: 'The packing list and what was in the crates do not agree.',
    });
  if (rejected + revoked === 0) return day;
  return deliver(course, line, { on: addDays(day, random.int(40, 90)), quantity: rejected + revoked, mode: 'air' });
}

/** The seller bills what was accepted; where the buyer's office finds a difference it says so in a report, mostly. */
function invoice(course: Course, line: LinePlan, told: Pick<Billing, 'shipment' | 'quantity' | 'on'>): void {
  const { random } = course;
  const way = random.int(1, 100);
  const comparison = way <= 55 ? 'matches' : way <= 80 ? 'differs' : 'uncompared';
  const issued = bill(course, line, { ...told, comparison });
  if (issued === undefined || comparison !== 'differs' || !random.chance(70)) return;
  const detail = 'The statement bills what the receipt does not show.';
  complain(course, line, { kind: 'billing', shipment: told.shipment, from: issued.day, detail, after: issued });
}
