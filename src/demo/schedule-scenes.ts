/** Scenes about registration, parties and dates. Each writes what the parties' systems send into a contract's script. */
import { addDays } from '../contract/calendar.js';
import type { AmendedMilestone } from '../contract/amendment.js';
import type { DelayReported, LOCI } from '../contract/delay.js';
import { OPERATOR_DESK, type Party } from './cast.js';
import { registrationOf, type Course } from './plan.js';
import type { PayloadOf } from './payloads.js';
import { DEMO_LAST_DAY, type Sent } from './script.js';

/** Registers the contract and has the other side (both, where the operator registered) confirm it. */
export function register(course: Course, by: 'buyer' | 'seller' | 'operator', contested = false): void {
  const { plan, random, script, cast } = course;
  const registrar = by === 'operator' ? OPERATOR_DESK : cast[by];
  const right = registrationOf(plan);
  const wrong = { ...right, terms: { ...plan.terms, delayNoticeDays: plan.terms.delayNoticeDays * 3 } };
  let registered: Sent | undefined = script.send(
    'ContractRegistered',
    { by: registrar, on: plan.signedOn, lag: random.int(3, 45), required: true },
    contested ? wrong : right,
  );
  const others = [cast.buyer, cast.seller].filter((side) => side !== registrar);
  const [other] = others;
  if (contested && registered !== undefined && other !== undefined) {
    const objection = script.send(
      'RegistrationContested',
      { by: other, on: addDays(registered.day, random.int(5, 30)), after: registered },
      { reason: 'The period for notices of delay is not the one that was signed.' },
    );
    if (objection !== undefined)
      registered = correct(course, registered, addDays(objection.day, random.int(3, 20)), right) ?? registered;
  }
  for (const side of others)
    if (registered !== undefined)
      script.send(
        'RegistrationConfirmed',
        { by: side, on: addDays(registered.day, random.int(4, 80)), after: registered },
        {},
      );
}

/** Brings in the parties that the registration does not name, and replaces the subcontractor on `replaceOn`. */
export function gatherParties(course: Course, replaceOn?: string): void {
  const { plan, random, script, cast } = course;
  const start = plan.signedOn;
  const add = (party: Party, role: PayloadOf['PartyAdded']['role'], by: Party, on: string) =>
    script.send('PartyAdded', { by, on }, { party: party.id, name: party.name, role, country: party.country });
  if (!plan.registered.includes('prime')) add(cast.prime, 'prime', cast.seller, addDays(start, random.int(60, 140)));
  if (!plan.registered.includes('inspector'))
    add(cast.inspector, 'inspector', random.chance(50) ? cast.buyer : cast.seller, addDays(start, random.int(60, 200)));
  if (!plan.registered.includes('carrier'))
    add(cast.carrier, 'carrier', cast.prime, addDays(start, random.int(180, 300)));
  if (!plan.registered.includes('subcontractor'))
    add(cast.subcontractors[0], 'subcontractor', cast.prime, addDays(start, random.int(100, 190)));
  if (replaceOn === undefined) return;
  const [first, second] = cast.subcontractors;
  const removed = script.send(
    'PartyRemoved',
    { by: cast.prime, on: replaceOn },
    { party: first.id, role: 'subcontractor', reason: 'Work was moved to another supplier.' },
  );
  if (removed === undefined) return;
  course.replacedOn = addDays(removed.day, random.int(20, 90));
  add(second, 'subcontractor', cast.prime, course.replacedOn);
}

export type Outcome = 'agreed' | 'refused' | 'unanswered' | 'second-hand';

const RATIONALES = [
  'Production capacity was assigned to other orders.',
  'Obsolete components must be replaced and qualified again.',
  'The supplier base has announced longer lead times.',
  'Test equipment became available later than planned.',
  'Export approval of a component took longer than planned.',
];
const REFUSALS = [
  'We were not asked before this date was set.',
  'No recovery plan was given with the new date.',
  'The first date was paid for in advance.',
];

/** What an amendment moves: every open milestone but payments, by so many days, to at least `notBefore`. */
function moved(course: Course, days: number, notBefore: string, only?: readonly string[]): AmendedMilestone[] {
  return [...course.open.values()]
    .filter(({ terms }) => terms.kind !== 'payment' && (only === undefined || only.includes(terms.milestone)))
    .map(({ terms, standing }) => {
      const wanted = addDays(standing, days);
      return { milestone: terms.milestone, due: wanted > notBefore ? wanted : addDays(notBefore, days % 30) };
    });
}

/** The seller re-dates what is open; the buyer agrees, refuses or leaves it. `second-hand`: the buyer records the seller's letter. */
export function redate(course: Course, on: string, days: number, outcome: Outcome, notBefore = addDays(on, 60)): void {
  const { random, script, cast } = course;
  const milestones = moved(course, days, notBefore);
  if (milestones.length === 0) return;
  course.amendments += 1;
  const amendment = `A-${String(course.amendments).padStart(2, '0')}`;
  const secondHand = outcome === 'second-hand';
  const sent = script.send(
    'ContractAmended',
    secondHand
      ? { by: cast.buyer, onBehalfOf: cast.seller, on, lag: random.int(10, 60) }
      : { by: cast.seller, on, lag: random.int(0, outcome === 'agreed' ? 20 : 110) },
    {
      amendment,
      consulted: outcome === 'agreed' || (outcome === 'refused' && random.chance(30)) ? [cast.buyer.id] : [],
      rationale: secondHand ? `As stated in a letter. ${random.pick(RATIONALES)}` : random.pick(RATIONALES),
      milestones,
    },
  );
  if (sent === undefined) return;
  for (const { milestone, due } of milestones) {
    const open = course.open.get(milestone);
    if (open !== undefined && due !== undefined) open.standing = due;
  }
  const answered = { by: cast.buyer, on: addDays(sent.day, random.int(10, 90)), after: sent };
  switch (outcome) {
    case 'agreed':
      script.send('AmendmentAgreed', answered, { amendment });
      break;
    case 'refused':
      script.send('AmendmentRefused', answered, { amendment, reason: random.pick(REFUSALS) });
      break;
    case 'unanswered':
    case 'second-hand': // binding only once both sides agree in person, which neither does
      break;
  }
}

/** One side changes what a line costs or how it is reported on, and the other agrees. Quantities and prices stay. */
export function amendTerms(course: Course, on: string, agreed: boolean): void {
  const { random, script, cast } = course;
  course.amendments += 1;
  const amendment = `A-${String(course.amendments).padStart(2, '0')}`;
  const sent = script.send(
    'ContractAmended',
    { by: cast.buyer, on, lag: random.int(0, 10) },
    {
      amendment,
      consulted: [cast.seller.id],
      rationale: 'Reports are to come more often, so that silence is noticed earlier.',
      terms: { reportEveryDays: Math.round((course.plan.terms.reportEveryDays * 2) / 3) },
    },
  );
  if (sent === undefined) return;
  const answered = { by: cast.seller, on: addDays(sent.day, random.int(15, 120)), after: sent };
  if (agreed) script.send('AmendmentAgreed', answered, { amendment });
  else script.send('AmendmentRefused', answered, { amendment, reason: 'The present period suffices.' });
}

interface Cause {
  readonly code: string;
  readonly locus: (typeof LOCI)[number];
  readonly detail: string;
}
const CAUSES: readonly Cause[] = [
  { code: 'late-material', locus: 'subcontractor', detail: 'Castings came later than ordered.' },
  { code: 'capacity', locus: 'prime', detail: 'The assembly line was taken by other orders.' },
  { code: 'test-failure', locus: 'prime', detail: 'Acceptance tests had to be repeated.' },
  { code: 'approval', locus: 'seller', detail: 'An approval to release technical data was pending.' },
  { code: 'late-input', locus: 'buyer', detail: 'Interface data of the buyer came late.' },
  { code: 'transport', locus: 'carrier', detail: 'A consignment was held on its way.' },
  { code: 'weather', locus: 'force-majeure', detail: 'A storm closed the plant.' },
  { code: 'unknown', locus: 'undetermined', detail: 'The cause is being looked into.' },
];

export interface DelayPlan {
  readonly by: Party;
  readonly startedOn: string;
  /** Days from the start of the delay to its report: the notice lag. */
  readonly noticeDays: number;
  readonly slipDays: number;
  readonly acknowledged: boolean;
  /** Days from the report to its resolution; left out where it stays open. */
  readonly resolvedAfterDays?: number;
  /** Whether what is resolved also went back to the date before. */
  readonly recovered?: boolean;
}

/** A delay is reported (often late), acknowledged by the other side, and perhaps resolved. */
export function delay(course: Course, told: DelayPlan): Sent<'DelayReported'> | undefined {
  const { random, script, cast } = course;
  course.delays += 1;
  const id = `D-${String(course.delays).padStart(2, '0')}`;
  const cause = random.pick(CAUSES);
  const [supplier] = cast.subcontractors;
  const blamed = cause.locus === 'subcontractor' && script.knows(supplier, told.startedOn) ? supplier : undefined;
  const target = [...course.open.values()].find(({ terms }) => terms.kind === 'delivery');
  const before = target?.standing;
  const forecasts: DelayReported['forecasts'] =
    target === undefined || random.chance(15)
      ? []
      : [{ milestone: target.terms.milestone, forecast: addDays(target.standing, told.slipDays) }];
  const lag = Math.min(told.noticeDays, random.int(0, 25));
  const reported = script.send(
    'DelayReported',
    { by: told.by, on: addDays(told.startedOn, told.noticeDays - lag), lag },
    {
      delay: id,
      cause: blamed === undefined ? cause : { ...cause, party: blamed.id },
      startedOn: told.startedOn,
      forecasts,
      ...(random.chance(40) ? { remedy: 'A second shift is planned.' } : {}),
    },
  );
  if (reported === undefined) return undefined;
  if (target !== undefined && forecasts[0] !== undefined) target.standing = forecasts[0].forecast;
  const reference = `${told.by.id}/${id}`;
  const answering = told.by === cast.buyer ? cast.seller : cast.buyer;
  if (told.acknowledged)
    script.send(
      'DelayAcknowledged',
      { by: answering, on: addDays(reported.day, random.int(2, 110)), after: reported },
      { delay: reference },
    );
  if (random.chance(30)) mitigate(course, reported, told);
  if (told.resolvedAfterDays === undefined) return reported;
  const on = addDays(reported.day, told.resolvedAfterDays);
  const resolver = random.chance(50) ? cast.prime : cast.seller;
  script.send(
    'DelayResolved',
    { by: resolver, on, lag: random.int(0, 30), after: reported },
    { delay: reference, resolvedOn: on, actualDays: told.recovered === true ? 0 : told.slipDays },
  );
  if (told.recovered === true && target !== undefined && before !== undefined)
    forecast(course, target.terms.milestone, cast.prime, addDays(on, 1), before, 'The delay has been made up for.');
  return reported;
}

/** Who reported the delay (the prime, where that was the buyer) has a plan; the buyer accepts it or says nothing. */
function mitigate({ random, script, cast }: Course, reported: Sent<'DelayReported'>, told: DelayPlan): void {
  const delay = `${told.by.id}/${reported.event.data.delay}`;
  const planner = told.by === cast.buyer ? cast.prime : told.by;
  const proposed = script.send(
    'MitigationProposed',
    { by: planner, on: addDays(reported.day, random.int(10, 90)), after: reported, routine: true },
    {
      delay,
      plan: random.pick(['A second shift until the end of the year.', 'A second source for the castings.']),
      recoversDays: Math.floor((told.slipDays * random.int(20, 60)) / 100),
      by: planner.id,
    },
  );
  if (proposed === undefined || !random.chance(60)) return;
  script.send(
    'MitigationAccepted',
    { by: cast.buyer, on: addDays(proposed.day, random.int(10, 80)), after: proposed, routine: true },
    { delay },
  );
}

export function forecast(
  course: Course,
  milestone: string,
  by: Party,
  on: string,
  expected: string,
  reason: string,
  onBehalfOf?: Party,
): Sent<'ForecastRevised'> | undefined {
  const sent = course.script.send(
    'ForecastRevised',
    { by, on, lag: course.random.int(0, 12), routine: true, ...(onBehalfOf === undefined ? {} : { onBehalfOf }) },
    { milestone, forecast: expected, reason },
  );
  const open = course.open.get(milestone);
  if (sent !== undefined && open !== undefined) open.standing = expected;
  return sent;
}

/** A party says that a milestone was reached; from then on it is not re-dated. */
export function reach(course: Course, milestone: string, by: Party, on: string, lag = 0): Sent | undefined {
  const sent = course.script.send('MilestoneReached', { by, on, lag, routine: true }, { milestone, on });
  if (sent !== undefined) course.open.delete(milestone);
  return sent;
}

/** The reporter takes back (without a replacement) or replaces what it said. */
export function correct<T extends Sent['type']>(
  course: Course,
  original: Sent<T>,
  on: string,
  replacement?: PayloadOf[T],
): Sent<'EventCorrected'> | undefined {
  return course.script.send(
    'EventCorrected',
    { by: original.by, on, after: original },
    replacement === undefined
      ? { event: { id: original.event.id }, reason: 'did-not-occur' }
      : {
          event: { id: original.event.id },
          reason: 'incorrect-data',
          replacement: { ...replacement },
        },
  );
}

/** Both sides close, or the seller alone. */
export function close(course: Course, on: string, both: boolean): void {
  const { random, script, cast } = course;
  const first = script.send(
    'ContractClosed',
    { by: cast.seller, on, lag: random.int(0, 20) },
    { reason: 'All items are delivered.' },
  );
  if (!both || first === undefined) return;
  script.send(
    'ContractClosed',
    { by: cast.buyer, on: addDays(first.day, random.int(10, 120)), after: first },
    { reason: 'Everything ordered has been accepted.' },
  );
}

/** Whether there is time left for something that begins on that day. */
export const inTime = (day: string): boolean => day < DEMO_LAST_DAY;
