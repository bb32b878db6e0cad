/** What a contract is before anything happens to it, and how much of it will have been delivered in the end. */
import { moneyOf } from '../contract/money.js';
import type { ContractTerms, MilestoneTerms } from '../contract/registration.js';
import type { Role } from '../contract/event-type.js';
import type { Cast, Party } from './cast.js';
import type { Random } from './random.js';
import type { PayloadOf, Plain } from './payloads.js';
import { Script, type Sent } from './script.js';

export interface LinePlan {
  readonly line: string;
  readonly description: string;
  readonly quantity: number;
  /** UNECE Recommendation 20: EA each, SET set, LO lot. */
  readonly unit: string;
  /** Price of one, in minor units of the contract's currency. */
  readonly unitMinor: bigint;
  readonly standard?: string;
  /** How many the buyer will have accepted by the end of the demo. */
  readonly accepted: number;
}

export interface ContractPlan {
  readonly contract: string;
  readonly title: string;
  readonly programme: string;
  readonly currency: 'JPY' | 'USD' | 'EUR';
  readonly signedOn: string;
  /** When everything about it was entered at once; left out where it was sent as it happened. */
  readonly importedAt?: string;
  readonly cast: Cast;
  readonly lines: readonly LinePlan[];
  readonly milestones: readonly MilestoneTerms[];
  readonly terms: Plain<ContractTerms>;
  /** Parties that the registration names besides buyer and seller; the others are added later. */
  readonly registered: readonly Role[];
}

export const DEMO_TERMS = {
  reportEveryDays: 365,
  delayNoticeDays: 30,
  acknowledgeWithinDays: 90,
  resolveWithinDays: 1_095,
  discrepancyWithinDays: 365,
  settleWithinDays: 365,
} as const satisfies ContractTerms;

/** A milestone that has not been reached yet, and the date that its parties reckon with by now. */
export interface OpenMilestone {
  readonly terms: MilestoneTerms;
  standing: string;
}

/** One contract while its story is being written. */
export class Course {
  readonly plan: ContractPlan;
  readonly random: Random;
  readonly script: Script;
  readonly open: Map<string, OpenMilestone>;
  shipments = 0;
  amendments = 0;
  /** Delays opened so far: their ids. */
  delays = 0;
  checks = 0;
  payments = 0;
  statements = 0;
  discrepancies = 0;
  nonconformances = 0;
  /** What the buyer has paid so far in the contract's currency, in minor units. */
  paid = 0n;
  /** When the second subcontractor takes the place of the first. */
  replacedOn: string | undefined;

  constructor(plan: ContractPlan, random: Random) {
    this.plan = plan;
    this.random = random;
    this.script = new Script(plan.contract, random, plan.importedAt);
    this.open = new Map(plan.milestones.map((terms) => [terms.milestone, { terms, standing: terms.due }]));
  }

  get cast(): Cast {
    return this.plan.cast;
  }

  line(id: string): LinePlan {
    const found = this.plan.lines.find(({ line }) => line === id);
    if (found === undefined) throw new RangeError(`${this.plan.contract} has no line ${id}`);
    return found;
  }

  /** Who makes things on that day: the subcontractor at work then, else the prime. */
  maker(day: string): Party {
    const [first, second] = this.cast.subcontractors;
    const at = this.replacedOn !== undefined && day >= this.replacedOn ? second : first;
    return this.script.has(at, day) ? at : this.cast.prime;
  }

  sentOf(type: Sent['type']): readonly Sent[] {
    return this.script.sent.filter((sent) => sent.type === type);
  }
}

const PARTY_OF = (cast: Cast): Readonly<Partial<Record<Role, Party | undefined>>> => ({
  prime: cast.prime,
  subcontractor: cast.subcontractors[0],
  carrier: cast.carrier,
  inspector: cast.inspector,
  adjudicator: cast.adjudicator,
});

/** The data of the registration. */
export function registrationOf(plan: ContractPlan): PayloadOf['ContractRegistered'] {
  const { cast, currency } = plan;
  const byRole = PARTY_OF(cast);
  const parties: { party: Party; role: Role }[] = [
    { party: cast.buyer, role: 'buyer' },
    { party: cast.seller, role: 'seller' },
  ];
  for (const role of plan.registered) {
    const party = byRole[role];
    if (party !== undefined) parties.push({ party, role });
  }
  return {
    title: plan.title,
    reference: `${plan.contract} (illustrative)`,
    programme: plan.programme,
    signedOn: plan.signedOn,
    value: moneyOf(
      plan.lines.reduce((sum, line) => sum + BigInt(line.quantity) * line.unitMinor, 0n),
      currency,
    ),
    parties: parties.map(({ party: { id, name, country }, role }) => ({ party: id, name, role, country })),
    lines: plan.lines.map(({ line, description, quantity, unit, unitMinor, standard }) => ({
      line,
      description,
      quantity,
      unit,
      unitValue: moneyOf(unitMinor, currency),
      ...(standard === undefined ? {} : { standard }),
    })),
    milestones: plan.milestones,
    terms: plan.terms,
  };
}

/** What is left undelivered at the end, in minor units: quantity x unit value of all that is not accepted. */
export const undeliveredOf = (lines: readonly Pick<LinePlan, 'quantity' | 'accepted' | 'unitMinor'>[]): bigint =>
  lines.reduce((sum, line) => sum + BigInt(line.quantity - line.accepted) * line.unitMinor, 0n);
