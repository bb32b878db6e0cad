import { Controller, Get, Inject, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { contractStatus } from '../../../projections/contract-status/contract-status.js';
import { AGES, GROUPINGS, groupsView } from '../../../projections/contract-status/exposure.js';
import {
  CHANGE_COLUMNS,
  CHANGE_KINDS,
  changesPage,
  shownChanges,
  type ChangePlace,
} from '../../../projections/schedule/changes.js';
import { schedule } from '../../../projections/schedule/schedule.js';
import { pageOfRows } from '../../../projections/scorecards/queries.js';
import { scorecards } from '../../../projections/scorecards/scorecards.js';
import { isCalendarDate, isInstant } from '../../contract/calendar.js';
import { CSV, csvOf, jsonOrCsv, sendCsv } from '../csv.js';
import { Problem } from '../problem.js';
import {
  choiceParameter,
  cursorParameter,
  cursorText,
  limitParameter,
  readQuery,
  textParameter,
  type Query,
} from '../query.js';
import {
  CONTRACT_FILTERS,
  contractFilters,
  ID,
  linkNext,
  ONE_CONTRACT,
  PAGE,
  Reading,
  READING,
  type ReadingParts,
  type Shown,
} from './reading.js';

const SIDES = ['programme', 'buyer', 'seller'];
const EXPOSURE = [...CONTRACT_FILTERS, 'groupBy', ...ONE_CONTRACT];
const CHANGES = ['since', 'kind', 'contract', 'by', ...SIDES, 'limit', 'cursor', ...ONE_CONTRACT];
const SCORECARDS = ['party', ...SIDES, 'limit', 'cursor', ...ONE_CONTRACT];

const EXPOSURE_COLUMNS = [
  'key',
  'currency',
  'contracts',
  'value.amount',
  'paid.amount',
  'deliveredValue.amount',
  'undeliveredValue.amount',
  'exposure.amount',
  'overdue.contracts',
  'overdue.undeliveredValue.amount',
  'overdue.paid.amount',
  ...AGES.flatMap((years) => [`age.over${years}.contracts`, `age.over${years}.undeliveredValue.amount`]),
  'deliveredUnsettled.contracts',
  'deliveredUnsettled.paid.amount',
  'deliveredUnsettled.overdueContracts',
  'deliveredUnsettled.overduePaid.amount',
  'unsettled.contracts',
  'unsettled.paid.amount',
];

const SCORECARD_COLUMNS = [
  'party',
  'contracts',
  'deliveries.reached',
  'deliveries.onTime',
  'deliveries.overdue',
  'deliveries.onTimeRate',
  'notices.delays',
  'notices.late',
  'notices.lagDays',
  'notices.averageLagDays',
  'checks.first',
  'checks.passed',
  'checks.firstPassYield',
  'discrepancies.raised',
  'discrepancies.raisedLate',
  'discrepancies.answered',
  'discrepancies.answerDays',
  'discrepancies.averageAnswerDays',
  'discrepancies.open',
  'discrepancies.openDays',
  'reports.missed',
  'reports.overdue',
];

/** All contracts at once: sums, dates moved, how each party does. */
@Controller('portfolio')
export class PortfolioController {
  readonly #reading: Reading;
  readonly #parts: ReadingParts;

  constructor(@Inject(Reading) reading: Reading, @Inject(READING) parts: ReadingParts) {
    this.#reading = reading;
    this.#parts = parts;
  }

  @Get('exposure')
  async exposure(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const query = readQuery(request, EXPOSURE);
    const type = jsonOrCsv(request, reply);
    const filters = contractFilters(query);
    const groupBy = choiceParameter(query, 'groupBy', GROUPINGS);
    const want = { kind: 'sums', groupBy } as const;
    const shown = await this.#reading.portfolio(request, reply, query, { filters, want }, contractStatus, {
      present: (day) => this.#parts.exposure({ ...filters, groupBy, day }),
      past: ({ groups }) => groupsView(groups),
    });
    if (type === CSV) {
      const entries = shown.result.map(({ age, ...group }) => ({
        ...group,
        age: Object.fromEntries(age.map(({ overYears, ...sums }) => [`over${overYears}`, sums])),
      }));
      sendCsv(reply, csvOf(entries, EXPOSURE_COLUMNS));
    } else send(reply, shown, { groups: shown.result });
  }

  @Get('changes')
  async changes(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const query = readQuery(request, CHANGES);
    const type = jsonOrCsv(request, reply);
    const page = {
      since: sinceParameter(query),
      kind: choiceParameter(query, 'kind', CHANGE_KINDS),
      contract: textParameter(query, 'contract', 128),
      by: textParameter(query, 'by', 128),
      ...sidesOf(query),
      limit: limitParameter(query, PAGE),
      after: cursorParameter(query, 'changes', changePlace),
    };
    const want = { kind: 'changes', page } as const;
    const shown = await this.#reading.portfolio(request, reply, query, { filters: {}, want }, schedule, {
      present: () => this.#parts.query(schedule, (snapshot) => changesPage(snapshot, page)),
      past: ({ changes }) => shownChanges(changes, page),
    });
    const { changes, next: last } = shown.result;
    const next = last === null ? null : cursorText(query, 'changes', { ...last });
    linkNext(request, reply, next);
    if (type === CSV) sendCsv(reply, csvOf(changes, CHANGE_COLUMNS));
    else send(reply, shown, { changes, next });
  }

  @Get('scorecards')
  async scorecards(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const query = readQuery(request, SCORECARDS);
    const type = jsonOrCsv(request, reply);
    const page = {
      party: textParameter(query, 'party', 128),
      ...sidesOf(query),
      limit: limitParameter(query, PAGE),
      after: cursorParameter(query, 'scorecards', ({ party }) =>
        typeof party === 'string' && ID.test(party) ? party : undefined,
      ),
    };
    const want = { kind: 'scorecards', of: page } as const;
    const shown = await this.#reading.portfolio(request, reply, query, { filters: {}, want }, scorecards, {
      present: (day) => this.#parts.scorecards({ ...page, day }),
      past: ({ cards, on: day }) => pageOfRows(cards, { ...page, day }),
    });
    const { parties, next: last } = shown.result;
    const next = last === null ? null : cursorText(query, 'scorecards', { party: last });
    linkNext(request, reply, next);
    if (type === CSV) sendCsv(reply, csvOf(parties, SCORECARD_COLUMNS));
    else send(reply, shown, { parties, next });
  }
}

const sidesOf = (query: Query) => ({
  programme: textParameter(query, 'programme'),
  buyer: textParameter(query, 'buyer', 128),
  seller: textParameter(query, 'seller', 128),
});

/** A day, from its start on, or an instant. @throws Problem `invalid-query` */
function sinceParameter(query: Query): string | undefined {
  const text = query.get('since');
  if (text === undefined) return undefined;
  if (isCalendarDate(text)) return `${text}T00:00:00.000Z`;
  // Recorded times have three decimals: what is finer than that lies before the next of them.
  if (isInstant(text)) return new Date(Math.ceil(preciseMs(text))).toISOString();
  const detail = 'must be a date, as 2026-01-16, or an instant in UTC, as 2026-01-16T09:30:00Z';
  throw new Problem('invalid-query', `the query parameter since ${detail}`, [{ pointer: '?since', detail }]);
}

const preciseMs = (instant: string): number => {
  const fraction = /\.(\d+)Z$/.exec(instant)?.[1] ?? '';
  return Date.parse(`${instant.slice(0, 19)}Z`) + (fraction === '' ? 0 : Number(`0.${fraction}`) * 1_000);
};

function changePlace({ recordedtime, contract, revision, milestone }: Readonly<Record<string, unknown>>) {
  return isInstant(recordedtime) &&
    typeof contract === 'string' &&
    ID.test(contract) &&
    Number.isSafeInteger(revision) &&
    typeof milestone === 'string' &&
    ID.test(milestone)
    ? ({ recordedtime, contract, revision: revision as number, milestone } satisfies ChangePlace)
    : undefined;
}

function send(reply: FastifyReply, { asOf, on, position }: Shown<unknown>, answer: object): void {
  void reply.send({ asOf, on, position, ...answer });
}
