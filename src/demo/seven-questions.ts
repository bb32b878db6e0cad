/**
 * The seven things that auditors asked and were not told, each asked of a running ledger and answered in a few lines for a
 * terminal. The last five are about one contract, so that its answers can be laid beside each other.
 */
import { AUDIT_PROGRAMME } from './audit-programme.js';
import { STORY_CONTRACT, STORY_MILESTONE } from './e2d-plan.js';
import {
  DemoError,
  get,
  isObject,
  listOf,
  numberOf,
  quantityOf,
  textOf,
  type AnswerOptions,
  type Json,
} from './http.js';
import { IMPORTED_DAY, IMPORTED_PROGRAMME } from './imported-programme.js';
import { DEMO_LAST_DAY } from './script.js';
import { grouped, shortened, table } from './terminal.js';

export interface Question {
  readonly question: string;
  /** What is asked, for somebody who wants to ask the same: one request each. */
  readonly paths: readonly string[];
  /** @throws DemoError `refused`, `unexpected-answer`, `unreachable` */
  ask(baseUrl: string, options?: AnswerOptions): Promise<string[]>;
}

/** A day of the past that is asked about. */
export const EARLIER = '2024-01-16T00:00:00Z';
const CONTRACT = `/contracts/${STORY_CONTRACT}`;
const SCHEDULE_PATH = `${CONTRACT}/schedule`;

/** A question whose answer is written from the bodies of its requests, in their order. */
function question(text: string, paths: readonly string[], write: (...bodies: Json[]) => string[]): Question {
  const ask = async (baseUrl: string, options: AnswerOptions = {}): Promise<string[]> => {
    const bodies: Json[] = [];
    // What was known in the past waits for nothing.
    for (const path of paths) bodies.push(await get(baseUrl, path, path.includes('asOf=') ? {} : options));
    return write(...bodies);
  };
  return { question: text, paths, ask };
}

export const QUESTIONS: readonly Question[] = [
  question(
    'Which contracts are past their delivery date, what is their undelivered value, how old are they?',
    [`/portfolio/exposure?programme=${AUDIT_PROGRAMME}&on=${DEMO_LAST_DAY}`],
    overdueAndOld,
  ),
  question(
    'What has been paid against what has been delivered, and what is still not settled?',
    [`/portfolio/exposure?programme=${IMPORTED_PROGRAMME}&on=${IMPORTED_DAY}`],
    unsettled,
  ),
  question(
    'Who moved a date, when, by how much from the first promise, and was the other side asked?',
    [SCHEDULE_PATH],
    movedDates,
  ),
  question('What stage is each item in, when did someone last report, and who has gone silent?', [CONTRACT], stages),
  question(
    'Did every item meet the standard it had to, and how long did each discrepancy take?',
    [`${CONTRACT}/quality`],
    qualityAndDiscrepancies,
  ),
  question(
    'For each delay: how late was the notice, who is accountable for how many days, what is disputed?',
    [`${CONTRACT}/accountability`],
    accountable,
  ),
  question(
    `What was known on ${EARLIER.slice(0, 10)}, and can nobody have rewritten it since?`,
    [`${CONTRACT}?asOf=${EARLIER}`],
    knownThen,
  ),
];

const member = (of: unknown, name: string): unknown => (isObject(of) ? of[name] : undefined);
const said = (of: unknown, name: string, none = '-'): string => textOf(of, name) ?? none;
/** A number of days or things; `-` where there is none. */
const counted = (of: unknown, name: string): string => String(numberOf(of, name) ?? '-');

/** `1,140 JPY`, of a member that is an amount. */
function amount(of: unknown, name: string): string {
  const money = member(of, name);
  const [value, currency] = [textOf(money, 'amount'), textOf(money, 'currency')];
  if (value === undefined || currency === undefined)
    throw new DemoError('unexpected-answer', `the answer has no amount in ${name}`);
  return `${grouped(value)} ${currency}`;
}

const ROUND_AGES = [5, 10];

function overdueAndOld(exposure: Json): string[] {
  return listOf(exposure, 'groups').flatMap((group) => [
    `${AUDIT_PROGRAMME} on ${said(exposure, 'on')}: ${counted(group, 'contracts')} contracts, undelivered ${amount(group, 'undeliveredValue')}`,
    ...listOf(group, 'age')
      .filter((of) => ROUND_AGES.includes(numberOf(of, 'overYears') ?? 0))
      .map(
        (of) =>
          `  more than ${counted(of, 'overYears')} years after signature: ${counted(of, 'contracts')}, undelivered ${amount(of, 'undeliveredValue')}`,
      ),
    `  past an agreed delivery date: ${counted(member(group, 'overdue'), 'contracts')}, undelivered ` +
      `${amount(member(group, 'overdue'), 'undeliveredValue')}, paid ${amount(member(group, 'overdue'), 'paid')}`,
  ]);
}

function unsettled(exposure: Json): string[] {
  return listOf(exposure, 'groups').flatMap((group) => {
    const [all, overdue, delivered] = ['unsettled', 'overdue', 'deliveredUnsettled'].map((name) => member(group, name));
    return [
      `${IMPORTED_PROGRAMME} on ${said(exposure, 'on')}: ${counted(all, 'contracts')} of ${counted(group, 'contracts')} contracts are unsettled, paid ${amount(all, 'paid')}`,
      `  past an agreed delivery date: ${counted(overdue, 'contracts')}, paid ${amount(overdue, 'paid')}`,
      `  delivered and not settled: ${counted(delivered, 'contracts')}, paid ${amount(delivered, 'paid')}; ` +
        `of these ${counted(delivered, 'overdueContracts')} past the time for settlement, paid ${amount(delivered, 'overduePaid')}`,
    ];
  });
}

const askedOf = (redating: unknown): string => {
  const parties = listOf(redating, 'consulted').filter((party) => typeof party === 'string');
  return parties.length === 0 ? 'nobody was asked' : `asked ${parties.join(', ')}`;
};
const answerTo = (redating: unknown): string =>
  textOf(redating, 'agreedAt') !== undefined
    ? 'agreed'
    : textOf(redating, 'refusedAt') !== undefined
      ? 'refused'
      : 'not answered';

/** The deliveries, and each amendment that moved the one that the story is about. */
function movedDates(schedule: Json): string[] {
  const milestones = listOf(schedule, 'milestones');
  const dates = milestones
    .filter((of) => textOf(of, 'kind') === 'delivery')
    .map((of) => [
      said(of, 'milestone'),
      ...['baseline', 'agreed', 'standing', 'actual'].map((name) => said(of, name)),
      counted(of, 'slipDays'),
      counted(of, 'timesRedated'),
    ]);
  const story = milestones.find((of) => textOf(of, 'milestone') === STORY_MILESTONE);
  return [
    ...table(['milestone', 'promised', 'agreed', 'standing', 'delivered', 'slip', 're-dated'], dates, [
      'slip',
      're-dated',
    ]),
    ...listOf(story, 'redatings').map(
      (of) =>
        `  ${STORY_MILESTONE}: ${said(of, 'by')} on ${said(of, 'recordedtime').slice(0, 10)} from ${said(of, 'from')} to ` +
        `${said(of, 'to')}, ${counted(of, 'days')} days; ${askedOf(of)}, ${answerTo(of)}`,
    ),
  ];
}

const stageOf = (line: unknown): string =>
  textOf(line, 'stage') === undefined
    ? '-'
    : `${said(line, 'stage')}, ${quantityOf(line, 'percent')}%, ${quantityOf(line, 'unitsCompleted')} made`;

function stages(contract: Json): string[] {
  return table(
    ['line', 'stage', 'accepted', 'last report', 'by', 'overdue since'],
    listOf(contract, 'lines').map((line) => [
      said(line, 'line'),
      stageOf(line),
      `${quantityOf(line, 'accepted')} of ${quantityOf(line, 'quantity')}`,
      said(line, 'lastReportOn'),
      said(line, 'lastReportBy'),
      said(line, 'overdueSince'),
    ]),
    [],
  );
}

function qualityAndDiscrepancies(quality: Json): string[] {
  return [
    ...table(
      ['line', 'standard', 'accepted', 'not covered', 'first pass'],
      listOf(quality, 'lines').map((line) => [
        said(line, 'line'),
        said(line, 'standard'),
        quantityOf(line, 'accepted'),
        String(numberOf(line, 'uncovered') ?? textOf(line, 'uncovered') ?? '-'),
        said(line, 'firstPassYield'),
      ]),
      ['accepted', 'not covered', 'first pass'],
    ),
    '',
    ...table(
      ['discrepancy', 'kind', 'raised after', '', 'answered after', 'closed after', ''],
      listOf(quality, 'discrepancies').map((of) => [
        said(of, 'discrepancy'),
        said(of, 'kind'),
        counted(of, 'raisedAfterDays'),
        member(of, 'raisedLate') === true ? 'late' : '',
        waited(of, 'answeredAfterDays', listOf(of, 'answers').length > 0),
        waited(of, 'closedAfterDays', textOf(of, 'closedAt') !== undefined),
        said(of, 'status'),
      ]),
      ['raised after', 'answered after', 'closed after'],
    ),
  ];
}

/** Days until something was done, or that it has been waited for. */
function waited(of: unknown, name: string, isDone: boolean): string {
  const days = counted(of, name);
  return isDone || days === '-' ? days : `${days} so far`;
}

function accountable(accountability: Json): string[] {
  const delays = listOf(accountability, 'delays').map((of) => {
    const late = member(of, 'noticeLate') === true ? ', late' : '';
    const blamed = textOf(member(of, 'cause'), 'locus') ?? '?';
    return `  ${said(of, 'delay')}: noticed after ${counted(of, 'noticeLagDays')} days${late}, blames ${blamed}, ${said(of, 'status')}`;
  });
  const milestones = listOf(accountability, 'milestones')
    .filter((of) => listOf(of, 'determined').length > 0)
    .map((of) => {
      const part = (name: string, field: string) =>
        (numberOf(of, field) ?? 0) > 0 ? [`${name} ${counted(of, field)}`] : [];
      const shares = [
        ...listOf(of, 'determined').map(
          (share) => `${said(share, 'party')} ${counted(share, 'days')} ${said(share, 'class')}`,
        ),
        ...part('force majeure', 'forceMajeureDays'),
        ...part('concurrent', 'concurrentDays'),
        ...part('nobody’s yet', 'unattributedDays'),
      ];
      return `  ${said(of, 'milestone')}, ${counted(of, 'slipDays')} days: ${shares.join(', ')}`;
    });
  const disputes = listOf(accountability, 'disputes').map(
    (of) => `  ${said(of, 'dispute')}, ${said(of, 'status')}: ${shortened(said(of, 'claim'), 90)}`,
  );
  return ['Reported', ...delays, 'Found', ...milestones, 'Disputed', ...disputes];
}

function knownThen(contract: Json): string[] {
  return [
    `As recorded up to position ${said(contract, 'position')}, on ${said(contract, 'on')}; asked with both, the answer is the same for ever.`,
    ...listOf(contract, 'lines')
      .filter((line) => textOf(line, 'stage') !== undefined)
      .map((line) => {
        const silent = textOf(line, 'overdueSince');
        return `  ${said(line, 'line')}: ${stageOf(line)}${silent === undefined ? '' : `; report overdue since ${silent}`}`;
      }),
    `  slip of up to ${counted(contract, 'slipDays')} days, ${counted(contract, 'openDelays')} open delays, exposure ${amount(contract, 'exposure')}`,
  ];
}
