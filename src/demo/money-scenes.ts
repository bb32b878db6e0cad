/** Scenes about money: paid in advance and by progress, billed, compared with what came, and settled at the end. */
import { addDays } from '../contract/calendar.js';
import { moneyOf } from '../contract/money.js';
import type { Course, LinePlan } from './plan.js';
import type { PayloadOf } from './payloads.js';
import type { Sent } from './script.js';

const two = (count: number): string => String(count).padStart(2, '0');

/** What is ordered, in minor units. */
export const valueOfPlan = ({ plan }: Course): bigint =>
  plan.lines.reduce((sum, line) => sum + BigInt(line.quantity) * line.unitMinor, 0n);

/**
 * The buyer pays so many percent of what is ordered. `isLate`: its office enters the payment weeks after it was made.
 * @returns `undefined` where it would come after the demo's end
 */
export function pay(
  course: Course,
  kind: PayloadOf['PaymentMade']['kind'],
  percent: number,
  on: string,
  isLate = false,
): Sent<'PaymentMade'> | undefined {
  const { random, script, cast, plan } = course;
  const share = (valueOfPlan(course) * BigInt(percent)) / 100n;
  // Whole hundreds of the minor unit: nobody is sent an instalment of odd pennies.
  const minor = share - (share % 100n);
  course.payments += 1;
  const sent = script.send(
    'PaymentMade',
    { by: cast.buyer, on, lag: isLate ? random.int(10, 50) : random.int(0, 9), routine: true },
    { payment: `P-${two(course.payments)}`, amount: moneyOf(minor, plan.currency), kind },
  );
  if (sent !== undefined) course.paid += minor;
  return sent;
}

/** An advance when the first instalment is due, and progress payments that run ahead of what is delivered. */
export function payAhead(course: Course, firstOn: string): void {
  const { random } = course;
  pay(course, 'advance', random.int(15, 45), firstOn);
  let day = firstOn;
  for (let times = random.int(1, 3); times > 0; times -= 1) {
    day = addDays(day, random.int(250, 480));
    // Now and then the office enters late what the treasury sent.
    pay(course, 'progress', random.int(8, 17), day, random.chance(8));
  }
}

/** How a statement compares with what was received. */
export type Comparison = 'matches' | 'differs' | 'uncompared';

const OFFICES = ['Depot 2 receiving office', 'Accounts office 1', 'Accounts office 3'].map(
  (name) => `${name} (illustrative)`,
);

export interface Billing {
  readonly shipment: string;
  readonly quantity: number;
  readonly on: string;
  readonly comparison: Comparison;
}

/** The seller bills a shipment of a line; an office of the buyer compares that with the receipt, months later. */
export function bill(
  course: Course,
  { line, unitMinor }: LinePlan,
  { shipment, quantity, on, comparison }: Billing,
): Sent<'StatementIssued'> | undefined {
  const { random, script, cast, plan } = course;
  course.statements += 1;
  const statement = `ST-${two(course.statements)}`;
  const over = comparison === 'differs' && random.chance(60) ? 1 : 0;
  const billed = quantity + over;
  const amount = moneyOf(BigInt(billed) * unitMinor, plan.currency);
  const issued = script.send(
    'StatementIssued',
    { by: cast.seller, on, lag: random.int(2, 30), routine: true },
    { statement, amount, items: [{ line, quantity: billed, amount }] },
  );
  if (issued === undefined || comparison === 'uncompared') return issued;
  const differences =
    comparison === 'matches'
      ? []
      : over > 0
        ? [{ field: 'quantity', statement: String(billed), receipt: String(quantity) }]
        : [{ field: 'document number', statement: `${shipment}-A`, receipt: shipment }];
  script.send(
    'StatementMatched',
    { by: cast.buyer, on: addDays(issued.day, random.int(15, 300)), after: issued, routine: true },
    { statement: `${cast.seller.id}/${statement}`, shipment, comparedBy: random.pick(OFFICES), differences },
  );
  return issued;
}

/** Whether both sides state the same, only the seller states anything, or they state different amounts. */
export type Settlement = 'match' | 'one-sided' | 'differ';

/** The seller states the final amount, and the buyer, up to `withinDays` later, the same, another one, or nothing. */
export function settle(course: Course, on: string, outcome: Settlement, withinDays: number): void {
  const { random, script, cast, plan } = course;
  const delivered = plan.lines.reduce((sum, line) => sum + BigInt(line.accepted) * line.unitMinor, 0n);
  const paid = course.paid > delivered ? course.paid : delivered;
  const stated = (final: bigint): PayloadOf['AccountSettled'] => ({
    finalAmount: moneyOf(final, plan.currency),
    refund: moneyOf(paid - final, plan.currency),
  });
  const first = script.send('AccountSettled', { by: cast.seller, on, routine: true }, stated(delivered));
  if (first === undefined || outcome === 'one-sided') return;
  const answered = addDays(on, random.int(1, withinDays));
  // They differ by charges for handling, which the buyer does not recognise.
  const charges = outcome === 'differ' ? (delivered * 3n) / 100n : 0n;
  script.send(
    'AccountSettled',
    { by: cast.buyer, on: answered, after: first, routine: true },
    stated(delivered - charges),
  );
}
