import { Controller, Get, Inject, Param, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { auditTrail } from '../../../projections/audit-trail/audit-trail.js';
import {
  historyChunk,
  historyPage,
  historyView,
  isOtherwise,
  lastRevision,
  type HistoryPage,
} from '../../../projections/audit-trail/queries.js';
import { contractStatus } from '../../../projections/contract-status/contract-status.js';
import { comparePlaced } from '../../../projections/contract-status/past.js';
import {
  contractPage,
  contractView,
  shownPage,
  SORT_FIELDS,
  type ContractPage,
} from '../../../projections/contract-status/queries.js';
import { loadRows } from '../../../projections/projection.js';
import { isInstant } from '../../contract/calendar.js';
import { eventTypes } from '../../contract/contract.js';
import { CSV, csvOf, jsonOrCsv, sendCsv } from '../csv.js';
import { JSON_TYPE, NDJSON, negotiate } from '../media-types.js';
import { Problem } from '../problem.js';
import {
  choiceParameter,
  cursorParameter,
  cursorText,
  dayParameter,
  limitParameter,
  readQuery,
  sortParameter,
  textParameter,
  type Query,
} from '../query.js';
import { answerStream } from '../streaming.js';
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
} from './reading.js';

const CONTRACT_LIST = [...CONTRACT_FILTERS, 'sort', 'limit', 'cursor', ...ONE_CONTRACT];
/** Of the list as CSV. */
const CONTRACT_COLUMNS = [
  'contract',
  'title',
  'reference',
  'programme',
  'buyer',
  'seller',
  'signedOn',
  'value.amount',
  'value.currency',
  'status',
  'slipDays',
  'lateDays',
  'deliveryLateDays',
  'ageYears',
  'paid.amount',
  'deliveredValue.amount',
  'undeliveredValue.amount',
  'exposure.amount',
  'settledOn',
  'openDelays',
  'overdueReports',
  'lastReportOn',
  'revision',
];
const HISTORY = ['type', 'reporter', 'from', 'to', 'order', 'limit', 'cursor', ...ONE_CONTRACT];

@Controller('contracts')
export class ContractsController {
  readonly #reading: Reading;
  readonly #parts: ReadingParts;

  constructor(@Inject(Reading) reading: Reading, @Inject(READING) parts: ReadingParts) {
    this.#reading = reading;
    this.#parts = parts;
  }

  @Get()
  async list(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const query = readQuery(request, CONTRACT_LIST);
    const type = jsonOrCsv(request, reply);
    const sort = sortParameter(query, SORT_FIELDS, { field: 'contract', descending: false });
    const page: Omit<ContractPage, 'day'> = {
      ...contractFilters(query),
      sort: sort.field,
      descending: sort.descending,
      limit: limitParameter(query, PAGE),
      after: cursorParameter(query, 'contracts', (place) => contractPlace(place, sort.field, sort.descending)),
    };
    const shown = await this.#reading.portfolio(
      request,
      reply,
      query,
      { filters: contractFilters(query), want: { kind: 'page', page } },
      contractStatus,
      {
        present: (day) => this.#parts.query(contractStatus, (snapshot) => contractPage(snapshot, { ...page, day })),
        past: ({ page: rows, on: day }) =>
          shownPage([...rows].sort(comparePlaced(page.descending)).slice(0, page.limit + 1), { ...page, day }),
      },
    );
    const { contracts, next: last } = shown.result;
    const next =
      last === null ? null : cursorText(query, 'contracts', { ...last, sort: sort.field, descending: sort.descending });
    linkNext(request, reply, next);
    if (type === CSV) sendCsv(reply, csvOf(contracts, CONTRACT_COLUMNS));
    else void reply.send({ asOf: shown.asOf, on: shown.on, position: shown.position, contracts, next });
  }

  @Get(':id')
  async contract(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const query = readQuery(request, ONE_CONTRACT);
    negotiate(request, [JSON_TYPE]);
    const shown = await this.#reading.contract(
      request,
      reply,
      query,
      id,
      contractStatus,
      async (snapshot, day) => contractView(await loadRows(snapshot, contractStatus.tables, id), day),
      contractView,
    );
    if (!query.has('asOf') && !query.has('on')) void reply.header('etag', `"${shown.result.revision}"`);
    void reply.send({ asOf: shown.asOf, on: shown.on, position: shown.position, ...shown.result });
  }

  @Get(':id/history')
  async history(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const query = readQuery(request, HISTORY);
    const streamed = negotiate(request, [JSON_TYPE, NDJSON]) === NDJSON;
    const order = choiceParameter(query, 'order', ['recorded', 'time']) ?? 'recorded';
    const page: HistoryPage = {
      order,
      type: choiceParameter(
        query,
        'type',
        eventTypes.map(({ type }) => type),
      ),
      reporter: textParameter(query, 'reporter', 128),
      from: dayParameter(query, 'from'),
      to: dayParameter(query, 'to'),
      limit: streamed ? Number.MAX_SAFE_INTEGER : limitParameter(query, PAGE),
      after: cursorParameter(query, `${id} ${order}`, (place) => historyPlace(place, order)),
    };
    if (page.from !== undefined && page.to !== undefined && page.from > page.to) {
      const detail = `must not be before from, which is ${page.from}`;
      throw new Problem('invalid-query', `the query parameter to ${detail}`, [{ pointer: '?to', detail }]);
    }
    if (streamed) {
      await this.#wholeHistory(id, query, page, request, reply);
      return;
    }
    const shown = await this.#reading.contract(
      request,
      reply,
      query,
      id,
      auditTrail,
      (snapshot) => historyPage(snapshot, id, page),
      (rows) => historyView(rows, page),
    );
    const { events, next: last } = shown.result;
    const next = last === null ? null : cursorText(query, `${id} ${order}`, { ...last, order });
    linkNext(request, reply, next);
    const { asOf, on, position } = shown;
    void reply.send({ asOf, on, position, events, checkpoint: null, next });
  }

  /** The whole history, an event a line, the last line the checkpoint: null until there are receipts. */
  async #wholeHistory(
    id: string,
    query: Query,
    page: HistoryPage,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<void> {
    for (const name of ['limit', 'cursor'])
      if (query.has(name)) {
        const detail = 'is not taken here: as NDJSON the history is not paged';
        throw new Problem('invalid-query', `the query parameter ${name} ${detail}`, [{ pointer: `?${name}`, detail }]);
      }
    if (query.has('asOf') || query.has('on')) {
      const shown = await this.#reading.contract(
        request,
        reply,
        query,
        id,
        auditTrail,
        () => Promise.resolve(undefined),
        (rows) => historyView(rows, page),
      );
      await answerStream(reply, NDJSON, lines([shown.result.events]));
      return;
    }
    // Read as it is sent, a chunk at a time, so that a history of any length takes constant memory.
    const first = await this.#reading.contract(
      request,
      reply,
      query,
      id,
      auditTrail,
      async (snapshot) => {
        const last = await lastRevision(snapshot, id);
        return last === undefined
          ? undefined
          : { last, events: await historyChunk(snapshot, id, page, snapshot.position) };
      },
      () => undefined,
    );
    await answerStream(reply, NDJSON, lines(this.#chunks(id, page, first.result, BigInt(first.position))));
  }

  /**
   * Chunks up to the position that the answer's header names; events that come meanwhile are not in it. Where one of them
   * changes what is shown of those before, the answer is broken off: half of it would be of another state.
   */
  async *#chunks(
    id: string,
    asked: HistoryPage,
    first: { readonly events: Chunk; readonly last: number },
    position: bigint,
  ): AsyncGenerator<Chunk, void, undefined> {
    for (let chunk = first.events; chunk.length > 0;) {
      yield chunk;
      const { time, revision } = chunk.at(-1)!;
      const page = { ...asked, after: { time, revision: Number(revision) } };
      const next = await this.#parts.query(auditTrail, async (snapshot) =>
        (await isOtherwise(snapshot, id, first.last)) ? undefined : historyChunk(snapshot, id, page, position),
      );
      if (next.result === undefined)
        throw new Problem('store-unavailable', `${id} was corrected while its history was sent; ask again`, []);
      chunk = next.result;
    }
  }
}

type Chunk = Awaited<ReturnType<typeof historyChunk>>;

async function* lines(chunks: Iterable<Chunk> | AsyncIterable<Chunk>): AsyncGenerator<string, void, undefined> {
  for await (const chunk of chunks) {
    let text = '';
    for (const event of chunk) text += `${JSON.stringify(event)}\n`;
    if (text !== '') yield text;
  }
  yield '{"checkpoint":null}\n';
}

type Place = Readonly<Record<string, unknown>>;

/** Fields that are sorted by as numbers; all others as text. */
const NUMBERS: ReadonlySet<string> = new Set([
  'slipDays',
  'lateDays',
  'deliveryLateDays',
  'openDelays',
  'overdueReports',
  'revision',
]);

function contractPlace(place: Place, sort: string, descending: boolean): ContractPage['after'] {
  const { value, contract } = place;
  if (place['sort'] !== sort || place['descending'] !== descending) return undefined;
  if (typeof contract !== 'string' || !ID.test(contract)) return undefined;
  if (value === null) return { value, contract };
  if (NUMBERS.has(sort)) return Number.isSafeInteger(value) ? { value: value as number, contract } : undefined;
  return typeof value === 'string' && value.isWellFormed() && !value.includes('\0') ? { value, contract } : undefined;
}

function historyPlace({ time, revision, order }: Place, asked: string): HistoryPage['after'] {
  return order === asked && isInstant(time) && Number.isSafeInteger(revision) && Number(revision) >= 0
    ? { time, revision: revision as number }
    : undefined;
}
