/** Scenes about what is wrong with things: nonconformances and what is done with them, discrepancy reports and their answers. */
import { addDays } from '../contract/calendar.js';
import { moneyOf } from '../contract/money.js';
import type { Party } from './cast.js';
import type { Course, LinePlan } from './plan.js';
import type { PayloadOf } from './payloads.js';
import type { Sent } from './script.js';

const two = (count: number): string => String(count).padStart(2, '0');

export interface Defect {
  readonly by: Party;
  readonly on: string;
  readonly quantity: number;
  readonly severity: PayloadOf['NonconformanceRaised']['severity'];
  readonly defect: string;
  /** The check that found it. */
  readonly check?: Sent | undefined;
  /** Left out where nobody has decided what becomes of it. */
  readonly disposition?: PayloadOf['NonconformanceDispositioned']['disposition'];
}

/** Something does not conform, and the inspector (of minor ones the seller) says what is done with it. */
export function nonconform(course: Course, { line }: LinePlan, told: Defect): Sent<'NonconformanceRaised'> | undefined {
  const { random, script, cast } = course;
  const { by, on, quantity, severity, defect, check, disposition } = told;
  course.nonconformances += 1;
  const id = `NC-${two(course.nonconformances)}`;
  const found = check === undefined ? undefined : (check.event.data as PayloadOf['QualityCheckRecorded']).check;
  const raised = script.send(
    'NonconformanceRaised',
    { by, on, lag: random.int(0, 8), routine: true, after: check },
    {
      nonconformance: id,
      ...(check === undefined || found === undefined ? {} : { check: `${check.by.id}/${found}` }),
      line,
      quantity,
      defect,
      severity,
    },
  );
  if (raised === undefined || disposition === undefined) return raised;
  const decider = severity === 'minor' ? cast.seller : cast.inspector;
  script.send(
    'NonconformanceDispositioned',
    { by: decider, on: addDays(raised.day, random.int(10, 120)), after: raised, routine: true },
    { nonconformance: `${by.id}/${id}`, disposition, approvedBy: decider.id },
  );
  return raised;
}

export interface Complaint {
  readonly kind: PayloadOf['DiscrepancyRaised']['kind'];
  readonly shipment: string;
  /** The day of the receipt, or of the comparison, from which it is raised. */
  readonly from: string;
  readonly quantity?: number;
  readonly detail: string;
  readonly after?: Sent | undefined;
}

/**
 * The buyer reports a discrepancy: mostly in the time that the terms give, one in five after it. Seller or prime answer
 * most of them, and the buyer closes most of those that were answered.
 */
export function complain(course: Course, line: LinePlan, told: Complaint): void {
  const { plan, random, script, cast } = course;
  const { kind, shipment, quantity, detail } = told;
  const allowed = plan.terms.discrepancyWithinDays;
  const late = kind !== 'billing' && random.chance(20);
  course.discrepancies += 1;
  const id = `DR-${two(course.discrepancies)}`;
  const raised = script.send(
    'DiscrepancyRaised',
    {
      by: cast.buyer,
      on: addDays(told.from, late ? allowed + random.int(10, 240) : random.int(5, 200)),
      lag: random.int(0, 12),
      routine: true,
      after: told.after,
    },
    {
      discrepancy: id,
      kind,
      shipment,
      line: line.line,
      ...(quantity === undefined ? {} : { quantity, value: moneyOf(BigInt(quantity) * line.unitMinor, plan.currency) }),
      detail,
    },
  );
  if (raised === undefined || !random.chance(75)) return;
  const discrepancy = `${cast.buyer.id}/${id}`;
  const accepted = !late && random.chance(75);
  const remedy = !accepted
    ? 'none'
    : kind === 'billing'
      ? 'credit'
      : kind === 'documentation'
        ? 'repair'
        : random.pick(['replace', 'repair'] as const);
  const answered = script.send(
    'DiscrepancyAnswered',
    {
      by: random.chance(60) ? cast.seller : cast.prime,
      on: addDays(raised.day, random.int(20, 330)),
      after: raised,
      routine: true,
    },
    { discrepancy, answer: accepted ? 'accepted' : 'rejected', remedy },
  );
  if (answered === undefined || !random.chance(70)) return;
  script.send(
    'DiscrepancyClosed',
    { by: cast.buyer, on: addDays(answered.day, random.int(20, 260)), after: answered, routine: true },
    { discrepancy, outcome: accepted ? `Made good: ${remedy}.` : 'Not recognised; left as it is.' },
  );
}
