/**
 * Sends a portfolio to a running ledger through its public HTTP interface: the clock is moved to each moment at which
 * somebody sent something, and then that is sent. Needs a ledger whose clock is stepped and stands no later than the
 * portfolio's start, or one that was fed the same portfolio before, wholly or in part.
 */
import type { Portfolio } from './portfolio.js';
import type { Sending } from './script.js';
import { ask, DemoError, isObject, listOf, problemText, textOf, type Answer } from './http.js';

/** Most events that one request carries. */
export const MAX_BATCH = 500;

const CLOUDEVENT = 'application/cloudevents+json';
const CLOUDEVENTS_BATCH = 'application/cloudevents-batch+json';

export interface FeedProgress {
  /** Events sent and answered so far. */
  readonly sent: number;
  readonly total: number;
  /** UTC day on which the ledger's clock stands. */
  readonly day: string;
}

export interface FeedResult {
  readonly recorded: number;
  /** Known to the ledger before, with the same content. */
  readonly duplicate: number;
  readonly contracts: number;
  readonly requests: number;
  readonly elapsedMs: number;
  /** Recorded or known events a second of `elapsedMs`, the moving of the clock included. */
  readonly eventsPerSecond: number;
  /** The highest position that an event of the portfolio has; a read with `after` waits for it. */
  readonly position: string | undefined;
}

interface Counts {
  recorded: number;
  duplicate: number;
  requests: number;
  position: bigint | undefined;
}

/**
 * Feeds the portfolio in its order. Doing it again, after an interruption too, changes nothing: what is there already is
 * answered as a duplicate. One request is under way at a time, so that the order holds.
 *
 * @throws DemoError any of its codes; what was sent before stays recorded
 */
export async function feedPortfolio(
  baseUrl: string,
  portfolio: Portfolio,
  onProgress: (progress: FeedProgress) => void = () => undefined,
): Promise<FeedResult> {
  const counts: Counts = { recorded: 0, duplicate: 0, requests: 0, position: undefined };
  const began = performance.now();
  let sent = 0;
  for (const group of groupsByMoment(portfolio.sendings)) {
    const { at, day } = group[0];
    const past = await moveClock(baseUrl, at, counts);
    const before = counts.recorded;
    for (const sending of group) if (sending.kind === 'register') await register(baseUrl, sending, counts);
    const events = group.filter(({ kind }) => kind === 'event');
    for (let from = 0; from < events.length; from += MAX_BATCH)
      await sendBatch(baseUrl, events.slice(from, from + MAX_BATCH), counts);
    if (past && counts.recorded > before)
      throw new DemoError(
        'other-ledger',
        `the ledger’s clock was past ${at}, yet it had not heard of what was sent then`,
      );
    sent += group.length;
    onProgress({ sent, total: portfolio.sendings.length, day });
  }
  await moveClock(baseUrl, portfolio.end, counts);
  const elapsedMs = performance.now() - began;
  return {
    recorded: counts.recorded,
    duplicate: counts.duplicate,
    contracts: portfolio.contracts,
    requests: counts.requests,
    elapsedMs,
    eventsPerSecond: sent === 0 ? 0 : (sent * 1_000) / Math.max(elapsedMs, 1),
    position: counts.position?.toString(),
  };
}

/** What is sent at one and the same moment, in its order. */
function* groupsByMoment(sendings: readonly Sending[]): Generator<readonly [Sending, ...Sending[]]> {
  let group: [Sending, ...Sending[]] | undefined;
  for (const sending of sendings) {
    if (group !== undefined && group[0].at === sending.at) group.push(sending);
    else {
      if (group !== undefined) yield group;
      group = [sending];
    }
  }
  if (group !== undefined) yield group;
}

/** @returns whether the ledger's clock was past that moment already, and stays where it is */
async function moveClock(baseUrl: string, now: string, counts: Counts): Promise<boolean> {
  counts.requests += 1;
  const { status, body } = await ask(baseUrl, '/clock', {
    method: 'POST',
    contentType: 'application/json',
    body: { now },
  });
  if (status >= 200 && status < 300) return false;
  const problem = textOf(body, 'code');
  if (problem === 'clock-goes-back') return true;
  if (problem === 'clock-not-stepped' || status === 404 || status === 405)
    throw new DemoError('clock-not-stepped', 'the ledger’s clock moves by itself: the demo needs a stepped one', {
      problem,
    });
  throw new DemoError('refused', `the ledger’s clock cannot be moved to ${now}: ${problemText(body)}`, { problem });
}

async function register(baseUrl: string, sending: Sending, counts: Counts): Promise<void> {
  counts.requests += 1;
  const answer = await ask(baseUrl, '/contracts', { method: 'POST', contentType: CLOUDEVENT, body: sending.event });
  const [result] = listOf(answer.body, 'results');
  if (result !== undefined) note(sending, result, counts);
  // One registration may also be answered without a list: by its status alone.
  else if (answer.status === 201) counts.recorded += 1;
  else if (answer.status === 200) counts.duplicate += 1;
  else throw notRecorded(sending, answer.body);
}

async function sendBatch(baseUrl: string, batch: readonly Sending[], counts: Counts): Promise<void> {
  counts.requests += 1;
  const answer = await ask(baseUrl, '/events', {
    method: 'POST',
    contentType: CLOUDEVENTS_BATCH,
    body: batch.map(({ event }) => event),
  });
  const results = listOf(answer.body, 'results');
  if (results.length !== batch.length) throw noResults(answer, batch.length);
  for (const [index, sending] of batch.entries()) note(sending, results[index], counts);
}

function noResults({ status, body }: Answer, wanted: number): DemoError {
  return status >= 400 && listOf(body, 'results').length === 0
    ? new DemoError('refused', `the ledger refuses a batch of ${wanted} events: ${problemText(body)}`, {
        problem: textOf(body, 'code'),
      })
    : new DemoError('unexpected-answer', `the ledger answers ${wanted} events with another number of results`);
}

function note(sending: Sending, result: unknown, counts: Counts): void {
  const status = textOf(result, 'status');
  if (status !== 'recorded' && status !== 'duplicate')
    throw notRecorded(sending, isObject(result) ? result['problem'] : undefined, status);
  if (textOf(result, 'id') !== sending.event.id)
    throw new DemoError('unexpected-answer', `the result of ${sending.event.id} is about ${textOf(result, 'id')}`);
  counts[status] += 1;
  const position = textOf(result, 'position');
  if (position === undefined || !/^\d+$/.test(position)) return;
  if (counts.position === undefined || BigInt(position) > counts.position) counts.position = BigInt(position);
}

function notRecorded({ contract, at, event }: Sending, problem: unknown, status = 'refused'): DemoError {
  const again = status === 'failed' ? ' Sending it again is safe.' : '';
  return new DemoError(
    'not-recorded',
    `${event.type} ${event.id} of ${contract}, sent at ${at}, is ${status}: ${problemText(problem)}.${again}`,
    { problem: textOf(problem, 'code') },
  );
}
