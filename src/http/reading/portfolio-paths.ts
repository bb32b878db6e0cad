/** What is asked about all contracts at once. */
import { AGES, GROUPINGS } from '../../../projections/contract-status/exposure.js';
import { STATUSES } from '../../../projections/contract-status/queries.js';
import { CHANGE_KINDS } from '../../../projections/schedule/changes.js';
import type { ApiParameter, ApiPaths } from '../api.js';
import {
  ASKING,
  CURSOR,
  day,
  eventName,
  instant,
  integer,
  LIMIT,
  list,
  maybe,
  money,
  object,
  PAST,
  query,
  SHOWN,
  tabular,
  text,
  textOrNull,
} from './schemas.js';

/** Parameters that choose among contracts. */
export const FILTERS: readonly ApiParameter[] = [
  query('status', 'Only contracts of this status.', { type: 'string', enum: [...STATUSES] }),
  query('party', 'Only contracts that this party is or was on.', text),
  query('programme', 'Only contracts of this programme.', text),
  query('q', 'Looked for in id, title, reference and programme.', text),
  query('overdueReports', 'Only contracts with an overdue report, or only those without.', { type: 'boolean' }),
];

const SIDES = [
  query('programme', 'Only contracts of this programme.', text),
  query('buyer', 'Only contracts of this buyer.', text),
  query('seller', 'Only contracts of this seller.', text),
];

const GROUP = object({
  key: text,
  currency: text,
  contracts: integer,
  value: money,
  paid: money,
  deliveredValue: money,
  undeliveredValue: money,
  exposure: money,
  overdue: object({ contracts: integer, undeliveredValue: money, paid: money }),
  age: list(object({ overYears: { type: 'integer', enum: [...AGES] }, contracts: integer, undeliveredValue: money })),
  deliveredUnsettled: object({ contracts: integer, paid: money, overdueContracts: integer, overduePaid: money }),
  unsettled: object({ contracts: integer, paid: money }),
});

const CHANGE = object({
  contract: text,
  programme: text,
  milestone: text,
  kind: { type: 'string', enum: [...CHANGE_KINDS] },
  by: text,
  onBehalfOf: textOrNull,
  time: instant,
  recordedtime: instant,
  baseline: day,
  from: maybe(day),
  to: maybe(day),
  days: maybe(integer),
  daysFromBaseline: maybe(integer),
  basis: { type: 'string', enum: ['agreed', 'imposed', 'stated', 'corrected'] },
  agreedAt: maybe(instant),
  refusedAt: maybe(instant),
  consulted: maybe(list(text)),
  rationale: textOrNull,
  amendment: textOrNull,
  delay: textOrNull,
  event: eventName,
  corrects: maybe(eventName),
  correctedBy: maybe(eventName),
  correctedAt: maybe(instant),
});

const SCORECARD = object({
  party: text,
  contracts: integer,
  deliveries: object({ reached: integer, onTime: integer, overdue: integer, onTimeRate: textOrNull }),
  notices: object({ delays: integer, late: integer, lagDays: integer, averageLagDays: textOrNull }),
  checks: object({ first: integer, passed: integer, firstPassYield: textOrNull }),
  discrepancies: object({
    raised: integer,
    raisedLate: integer,
    answered: integer,
    answerDays: integer,
    averageAnswerDays: textOrNull,
    open: integer,
    openDays: integer,
  }),
  reports: object({ missed: integer, overdue: integer }),
});

export const portfolioPaths: ApiPaths = {
  '/portfolio/exposure': {
    get: {
      operationId: 'getExposure',
      tag: 'Reading',
      summary: 'What was paid against what was delivered, and how late and old the rest is',
      description: 'Sums over contracts; currencies are never added together. Without `groupBy` one group a currency.',
      parameters: [
        ...FILTERS,
        query('groupBy', 'One group for each of these.', { type: 'string', enum: [...GROUPINGS] }),
        ...PAST,
      ],
      responses: tabular('The sums.', object({ ...SHOWN, groups: list(GROUP) })),
      problems: ASKING,
    },
  },
  '/portfolio/changes': {
    get: {
      operationId: 'listChanges',
      tag: 'Reading',
      summary: 'Every date that was moved',
      description:
        'By whom, from what to what, agreed, imposed or only stated, and who was asked before. In the order in which the ledger heard of it.',
      parameters: [
        query('since', 'Only what was recorded or agreed then or later: a day or an instant.', text),
        query('kind', 'Re-datings, dates that were stated, or dates that a correction changed.', {
          type: 'string',
          enum: [...CHANGE_KINDS],
        }),
        query('contract', 'Only of this contract.', text),
        query('by', 'Only what this party recorded, or had recorded for it.', text),
        ...SIDES,
        LIMIT,
        CURSOR,
        ...PAST,
      ],
      responses: tabular(
        'A page of changes; `Link` has the next one.',
        object({ ...SHOWN, changes: list(CHANGE), next: textOrNull }),
      ),
      problems: ASKING,
    },
  },
  '/portfolio/scorecards': {
    get: {
      operationId: 'listScorecards',
      tag: 'Reading',
      summary: 'How each party does',
      description: 'Deliveries on time, notice of delays, first-pass yield, discrepancies, reports that were missed.',
      parameters: [query('party', 'Only this party.', text), ...SIDES, LIMIT, CURSOR, ...PAST],
      responses: tabular(
        'A page of parties; `Link` has the next one.',
        object({ ...SHOWN, parties: list(SCORECARD), next: textOrNull }),
      ),
      problems: ASKING,
    },
  },
};
