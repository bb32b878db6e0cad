import { Controller, Inject, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isRefusal, type IncomingEvent } from '../commands/envelope.js';
import type { RecordOptions } from '../commands/recorder.js';
import { FIELD_KINDS } from '../contract/fields.js';
import { refuseField } from '../contract/event-type.js';
import { Closing } from './closing.js';
import { parseIJson, parseIJsonText, type ParsedJson } from './ijson.js';
import { checkSent, checkTwice, Intake, sentId, type Checked, type Recorded } from './intake.js';
import type { Line } from './lines.js';
import { CLOUDEVENT, CLOUDEVENTS_BATCH, contentTypeOf, JSON_TYPE, NDJSON } from './media-types.js';
import { Metrics } from './metrics.js';
import { answerLines, MAX_LINE_BYTES } from './ndjson.js';
import { Problem, problemAt, PROBLEMS, refusalProblem, RETRY_AFTER_SECONDS } from './problem.js';
import { unsupportedMediaType } from './problem-filter.js';
import { flagParameter, readQuery } from './query.js';
import { checkRegistration, inBody } from './registration-body.js';
import { resultJson, Tally, type ItemOutcome } from './results.js';
import { answerStream } from './streaming.js';

/** Most events of one JSON batch. Streams of lines have no such bound. */
export const MAX_BATCH_EVENTS = 1_000;

const JSON_ANSWER = 'application/json; charset=utf-8';

interface PathId {
  readonly id: string;
}

/** Recording over HTTP. These routes take and write bytes themselves: they are what the ledger does most. */
@Controller()
export class WritingController {
  readonly #intake: Intake;
  readonly #metrics: Metrics;
  readonly #closing: Closing;

  constructor(@Inject(Intake) intake: Intake, @Inject(Metrics) metrics: Metrics, @Inject(Closing) closing: Closing) {
    this.#intake = intake;
    this.#metrics = metrics;
    this.#closing = closing;
  }

  @Post('contracts')
  async register(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    noQuery(request);
    const ifMatch = ifMatchOf(request);
    const type = contentTypeOf(request);
    if (type !== JSON_TYPE && type !== CLOUDEVENT) throw unsupportedMediaType([JSON_TYPE, CLOUDEVENT], request);
    const short = type === JSON_TYPE;
    const sent = parsedBody(parseIJson(request.body as Buffer));
    const checked = short ? checkRegistration(sent) : checkSent(sent, undefined);
    if (!isRefusal(checked) && checked.proposed.type !== 'ContractRegistered')
      throw problemAt('invalid-event', '/type', 'must be ContractRegistered here');
    await this.#one(reply, checked, { ifMatch }, short);
  }

  @Post('contracts/:id/events')
  record(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { id } = request.params as PathId;
    if (!FIELD_KINDS.id.check(id))
      throw new Problem('unknown-contract', `the id of a contract ${FIELD_KINDS.id.message}`);
    return this.#record(request, reply, id);
  }

  @Post('events')
  recordMany(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.#record(request, reply, undefined);
  }

  async #record(request: FastifyRequest, reply: FastifyReply, contract: string | undefined): Promise<void> {
    const ifMatch = ifMatchOf(request);
    switch (contentTypeOf(request)) {
      case CLOUDEVENT: {
        notAtomic(request);
        const sent = parsedBody(parseIJson(request.body as Buffer));
        return this.#one(reply, checkSent(sent, contract), { ifMatch }, false);
      }
      case CLOUDEVENTS_BATCH: {
        const atomic = atomicOf(request);
        return this.#batch(reply, parsedBody(parseIJson(request.body as Buffer)), contract, { ifMatch, atomic });
      }
      case NDJSON: {
        notAtomic(request);
        if (ifMatch !== undefined)
          throw problemAt('invalid-header', 'If-Match:', 'cannot hold for a stream of lines, only for what is one');
        const record = (lines: readonly Line[]) => this.#lines(lines, contract);
        const body = request.body as AsyncIterable<Buffer>;
        return answerStream(reply, NDJSON, answerLines(body, record, this.#closing.signal));
      }
    }
    throw unsupportedMediaType([CLOUDEVENT, CLOUDEVENTS_BATCH, NDJSON], request);
  }

  /** One event: its refusal is the answer's own problem. */
  async #one(reply: FastifyReply, checked: Checked, options: RecordOptions, short: boolean): Promise<void> {
    if (isRefusal(checked)) {
      this.#count([{ status: 'refused', refusal: checked }]);
      throw refusalProblem(checked);
    }
    const { contract, id, type } = checked.proposed;
    const { results, revision } = matched(await this.#intake.execute(contract, [checked], options));
    const result = results[0]!;
    const { position } = this.#count(results);
    switch (result.status) {
      case 'refused':
      case 'failed':
        if ('problem' in result) throw result.problem;
        if ('refusal' in result) throw refusalProblem(short ? inBody(result.refusal) : result.refusal);
        throw new Problem(result.code, result.detail);
      case 'recorded':
      case 'duplicate':
        if (type === 'ContractRegistered') void reply.header('location', `/contracts/${contract}`);
        void reply
          .code(result.status === 'recorded' ? 201 : 200)
          .header('content-type', JSON_ANSWER)
          .header('etag', `"${revision}"`)
          .header('waybook-position', String(position))
          .send(`{"results":[${resultJson(id, result)}]}`);
    }
  }

  async #batch(
    reply: FastifyReply,
    sent: unknown,
    contract: string | undefined,
    options: RecordOptions,
  ): Promise<void> {
    const events = listOf(sent);
    const items: Checked[] = [];
    for (const event of events) items.push(checkSent(event, contract));
    checkTwice(items);
    const one = options.ifMatch !== undefined || options.atomic === true;
    const only = one ? onlyContract(items, options) : contract;
    const outcome = only === undefined ? undefined : await this.#together(only, items, options);
    const outcomes = outcome?.outcomes ?? (await this.#intake.recordAll(items));
    const tally = this.#count(outcomes);
    if (outcome !== undefined && outcome.revision >= 0n) void reply.header('etag', `"${outcome.revision}"`);
    if (tally.position !== undefined) void reply.header('waybook-position', String(tally.position));
    // Of an atomic batch with a refusal nothing is recorded, whatever had been recorded before.
    const status = options.atomic === true && tally.refused > 0 ? atomicRefusal(outcomes) : tally.httpStatus;
    if (status === 503) void reply.header('retry-after', RETRY_AFTER_SECONDS);
    let text = '{"results":[';
    for (let place = 0; place < outcomes.length; place += 1)
      text += `${place === 0 ? '' : ','}${resultJson(sentId(events[place]), outcomes[place]!)}`;
    void reply.code(status).header('content-type', JSON_ANSWER).send(`${text}]}`);
  }

  /** The events of a batch that are all one contract's, with one command whose options hold for them all. */
  async #together(
    contract: string,
    items: readonly Checked[],
    options: RecordOptions,
  ): Promise<{ readonly outcomes: readonly ItemOutcome[]; readonly revision: bigint } | undefined> {
    const events = items.filter((item): item is IncomingEvent => !isRefusal(item));
    if (options.atomic === true && events.length < items.length)
      return { outcomes: items.map(refusedWithOthers), revision: -1n };
    if (events.length === 0) return undefined;
    const { results, revision } = matched(await this.#intake.execute(contract, events, options));
    if (events.length === items.length) return { outcomes: results, revision };
    let next = 0;
    const outcomes = items.map((item): ItemOutcome => {
      if (isRefusal(item)) return { status: 'refused', refusal: item };
      next += 1;
      return results[next - 1]!;
    });
    return { outcomes, revision };
  }

  /** A group of lines: as many lines of results. */
  async #lines(lines: readonly Line[], contract: string | undefined): Promise<string> {
    const ids: (string | undefined)[] = [];
    const items: Checked[] = [];
    const unread = new Map<number, ItemOutcome>();
    for (const line of lines) {
      const parsed: ParsedJson = 'text' in line ? parseIJsonText(line.text) : unreadable(line.wrong);
      if (parsed.ok) {
        ids.push(sentId(parsed.value));
        items.push(checkSent(parsed.value, contract));
        continue;
      }
      const code = 'wrong' in line && line.wrong === 'too-large' ? 'line-too-large' : 'invalid-json';
      unread.set(items.length, {
        status: 'refused',
        problem: new Problem(code, PROBLEMS[code].title.replace('body', 'line'), parsed.problems),
      });
      ids.push(undefined);
      // Holds the place; the outcome is the one above.
      items.push(refuseField('invalid-event', '', 'cannot be read'));
    }
    const recorded = await this.#intake.recordAll(items);
    const outcomes = unread.size === 0 ? recorded : recorded.map((outcome, place) => unread.get(place) ?? outcome);
    this.#count(outcomes);
    let text = '';
    for (let place = 0; place < lines.length; place += 1)
      text += `${resultJson(ids[place], outcomes[place]!, lines[place]!.number)}\n`;
    return text;
  }

  #count(outcomes: readonly ItemOutcome[]): Tally {
    const tally = new Tally();
    for (const outcome of outcomes) tally.add(outcome);
    this.#metrics.recorded(tally);
    return tally;
  }
}

const unreadable = (wrong: 'not-utf8' | 'too-large'): ParsedJson => ({
  ok: false,
  problems: [
    { pointer: '', detail: wrong === 'not-utf8' ? 'is not UTF-8' : `must be at most ${MAX_LINE_BYTES} bytes` },
  ],
});

/** @throws Problem `invalid-json` */
function parsedBody(parsed: ParsedJson): unknown {
  if (parsed.ok) return parsed.value;
  const first = parsed.problems[0];
  const place = first === undefined || first.pointer === '' ? 'the body' : first.pointer;
  throw new Problem('invalid-json', `${place} ${first?.detail ?? 'is not I-JSON'}`, parsed.problems);
}

/** @throws Problem `invalid-batch`, `too-many-events` */
function listOf(sent: unknown): readonly unknown[] {
  if (!Array.isArray(sent)) throw problemAt('invalid-batch', '', 'must be a list of events');
  if (sent.length === 0) throw problemAt('invalid-batch', '', 'must have at least one event');
  if (sent.length > MAX_BATCH_EVENTS)
    throw problemAt('too-many-events', '', `must have at most ${MAX_BATCH_EVENTS} events, has ${sent.length}`);
  return sent;
}

/**
 * The one contract that the events of a batch are about; `undefined` where none of them is an event.
 * @throws Problem `atomic-not-possible`, `invalid-header`
 */
function onlyContract(items: readonly Checked[], { atomic }: RecordOptions): string | undefined {
  let only: string | undefined;
  for (const [place, item] of items.entries()) {
    if (isRefusal(item)) continue;
    const { contract } = item.proposed;
    only ??= contract;
    if (contract === only) continue;
    const detail = `is ${contract}, and an event before it is of ${only}`;
    if (atomic === true) throw problemAt('atomic-not-possible', `/${place}/subject`, detail);
    throw new Problem('invalid-header', 'If-Match holds for one contract', [
      { pointer: 'If-Match:', detail: 'cannot hold for events of several contracts' },
    ]);
  }
  return only;
}

function refusedWithOthers(item: Checked): ItemOutcome {
  if (isRefusal(item)) return { status: 'refused', refusal: item };
  const detail = 'another event of the atomic batch is refused';
  return { status: 'refused', refusal: { code: 'atomic-batch-refused', detail, problems: [] } };
}

/** @throws Problem `precondition-failed` */
function matched(outcome: Recorded): Exclude<Recorded, { readonly kind: 'precondition-failed' }> {
  if (outcome.kind === 'itemised') return outcome;
  const exists = outcome.revision >= 0n;
  const detail = exists ? `the contract is at revision ${outcome.revision}` : 'the contract has no revision yet';
  throw new Problem('precondition-failed', detail, [{ pointer: 'If-Match:', detail }], {
    extra: { revision: exists ? String(outcome.revision) : null },
    headers: exists ? { etag: `"${outcome.revision}"` } : {},
  });
}

const ENTITY_TAG = /^(?:"(\d{1,18})"|(\d{1,18}))$/;

/** @throws Problem `invalid-header` */
function ifMatchOf(request: FastifyRequest): bigint | undefined {
  const header = request.headers['if-match'];
  if (header === undefined) return undefined;
  const match = ENTITY_TAG.exec(header.trim());
  const digits = match?.[1] ?? match?.[2];
  if (digits === undefined) throw problemAt('invalid-header', 'If-Match:', 'must be one revision, such as "12"');
  return BigInt(digits);
}

/** Looking at the address alone saves the usual request the parsing. */
const hasQuery = (request: FastifyRequest): boolean => request.url.includes('?');

function noQuery(request: FastifyRequest): void {
  if (hasQuery(request)) readQuery(request, []);
}

/** @throws Problem `atomic-not-possible`, `invalid-query` */
function notAtomic(request: FastifyRequest): void {
  if (!atomicOf(request)) return;
  throw problemAt('atomic-not-possible', '?atomic', 'holds for one JSON batch of events of one contract');
}

function atomicOf(request: FastifyRequest): boolean {
  return hasQuery(request) && flagParameter(readQuery(request, ['atomic']), 'atomic');
}

/** Of an atomic batch that is refused: too large is told from wrong. */
const atomicRefusal = (outcomes: readonly ItemOutcome[]): 413 | 422 =>
  outcomes.some(
    (outcome) =>
      outcome.status === 'refused' &&
      'refusal' in outcome &&
      (outcome.refusal.code === 'batch-too-large' || outcome.refusal.code === 'event-too-large'),
  )
    ? 413
    : 422;
