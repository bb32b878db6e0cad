/** (a), (b) and (c): recording over HTTP, durably, on the embedded stores. */
import type { LedgerOptions, LedgerProcess } from '../support/ledger-process.js';
import { rawInserts, startPlainHandler } from './baselines.js';
import { contractNames, EventSource, eventText } from './events.js';
import { catchUp, healthOf, peakOf, register, withLedger } from './ledger.js';
import { dealt, requestBytes, sendAll, streamLines } from './load.js';
import { processorSeconds, quantile } from './machine.js';
import type { Measurement, Run } from './report.js';

const CLOUDEVENT = 'application/cloudevents+json';
const BATCH = 'application/cloudevents-batch+json';

export const BATCH_EVENTS = 500;
export const CONTRACTS = 100;
export const SINGLE_CONNECTIONS = 32;
/** Connections that send batches: enough to have one arrive while another is decided. */
export const BATCH_CONNECTIONS = 4;
const RECORDING_ONLY = { WAYBOOK_PROJECTING: 'off' };

/** Whether a batch goes round all contracts, or is of one of them. */
export type Shape = 'mixed' | 'one-contract';

/** What is sent on each connection: a part to warm up, and the part by the clock. */
interface Queues {
  readonly warmUp: readonly (readonly Buffer[])[];
  readonly timed: readonly (readonly Buffer[])[];
}

/** So much of a load goes before the clock is started. */
const WARM_UP = 0.25;

function parted(all: readonly (readonly Buffer[])[]): Queues {
  const timed = (queue: readonly Buffer[]): number => Math.round(queue.length / (1 + WARM_UP));
  return {
    warmUp: all.map((queue) => queue.slice(0, queue.length - timed(queue))),
    timed: all.map((queue) => queue.slice(queue.length - timed(queue))),
  };
}

/** Single events: each connection has contracts of its own and sends for them in turn. */
function singleRequests(url: string, contracts: readonly string[], events: number): Queues {
  return parted(
    dealt(contracts, SINGLE_CONNECTIONS).map((own) => {
      const source = new EventSource(own);
      return Array.from({ length: Math.round((events * (1 + WARM_UP)) / SINGLE_CONNECTIONS) }, (_, at) =>
        requestBytes(url, `/contracts/${own[at % own.length]!}/events`, CLOUDEVENT, source.next()),
      );
    }),
  );
}

/** Batches of 500 events. */
function batchRequests(url: string, contracts: readonly string[], events: number, shape: Shape): Queues {
  const each = Math.round((events * (1 + WARM_UP)) / BATCH_EVENTS / BATCH_CONNECTIONS);
  return parted(
    dealt(contracts, BATCH_CONNECTIONS).map((own, lane) => {
      const source = shape === 'mixed' ? new EventSource(contracts, `${lane}.`) : new EventSource(own);
      return Array.from({ length: each }, (_, batch) => {
        const at = batch % own.length;
        const texts = Array.from({ length: BATCH_EVENTS }, () => (shape === 'mixed' ? source.next() : source.of(at)));
        const path = shape === 'mixed' ? '/events' : `/contracts/${own[at]!}/events`;
        return requestBytes(url, path, BATCH, `[${texts.join(',')}]`);
      });
    }),
  );
}

type Found = Pick<Measurement, 'figure' | 'latencyMs' | 'lag' | 'processorMicros' | 'peakMemoryMb'>;

/** Sends to a new ledger: first until the server runs at its speed, then by the clock. */
async function measured(
  options: LedgerOptions,
  tag: string,
  eventsEach: number,
  make: (url: string, contracts: readonly string[]) => Queues,
): Promise<Found> {
  return withLedger(options, async (ledger) => {
    const contracts = contractNames(CONTRACTS, tag);
    await register(ledger.url, contracts);
    const { warmUp, timed } = make(ledger.url, contracts);
    await sendAll(ledger.url, warmUp);
    return byTheClock(ledger, async () => {
      const { seconds, tookMs } = await sendAll(ledger.url, timed);
      const latencyMs = { p50: quantile(tookMs, 0.5), p99: quantile(tookMs, 0.99) };
      return { seconds, events: tookMs.length * eventsEach, latencyMs };
    });
  });
}

/** One measured load, with what is to be seen of the server before and after it. */
async function byTheClock(
  ledger: LedgerProcess,
  send: () => Promise<{ readonly seconds: number; readonly events: number } & Pick<Measurement, 'latencyMs'>>,
): Promise<Found> {
  const projects = (await healthOf(ledger.url)).projections.length > 0;
  if (projects) await catchUp(ledger.url);
  const before = processorSeconds(ledger.pid);
  const { seconds, events, ...latency } = await send();
  const after = processorSeconds(ledger.pid);
  const lag = projects ? await catchUp(ledger.url) : undefined;
  return {
    figure: { value: events / seconds, unit: 'events/s' },
    ...latency,
    ...(lag === undefined ? {} : { lag }),
    processorMicros: before === undefined || after === undefined ? undefined : ((after - before) / events) * 1e6,
    peakMemoryMb: peakOf(ledger),
  };
}

export const singles = (options: LedgerOptions, events: number, tag = 'B'): Promise<Found> =>
  measured(options, tag, 1, (url, contracts) => singleRequests(url, contracts, events));

export const batches = (options: LedgerOptions, events: number, shape: Shape, tag = 'B'): Promise<Found> =>
  measured(options, tag, BATCH_EVENTS, (url, contracts) => batchRequests(url, contracts, events, shape));

/** The plain handler under the same load, with bodies of the same size. */
async function plainHandler(events: number): Promise<number> {
  const handler = await startPlainHandler();
  try {
    const request = (sequence: number): Buffer => {
      const event = JSON.parse(eventText('B-0000', sequence * 20)) as Record<string, unknown>;
      const { data, ...envelope } = event;
      return requestBytes(
        handler.url,
        '/contracts/B-0000/events',
        'application/json',
        JSON.stringify({ ...envelope, ...(data as object) }),
      );
    };
    const requests = Array.from({ length: Math.round(events * (1 + WARM_UP)) }, (_, sequence) => request(sequence));
    const { warmUp, timed } = parted(dealt(requests, SINGLE_CONNECTIONS));
    await sendAll(handler.url, warmUp);
    const { seconds, tookMs } = await sendAll(handler.url, timed);
    return tookMs.length / seconds;
  } finally {
    await handler.stop();
  }
}

export async function singlesBench(run: Run): Promise<void> {
  const events = run.sized(60_000, 1_000);
  const handler = await plainHandler(events);
  const found = await singles({}, events);
  const ratio = found.figure.value / handler;
  run.report({
    what: 'single events, 32 connections',
    ...found,
    baseline: { what: 'NestJS handler', figure: { value: handler, unit: 'requests/s' }, ratio },
    aim: { words: '0.75 of the handler', met: ratio >= 0.75 },
  });
}

/** The same events as they were sent, inserted raw. */
function insertsBeside(events: number): Measurement['baseline'] & object {
  const contracts = contractNames(CONTRACTS, 'B');
  const source = new EventSource(contracts);
  const figure = rawInserts(
    Array.from({ length: events }, (_, at) => ({ contract: contracts[at % CONTRACTS]!, text: source.next() })),
  );
  return { what: 'raw inserts', figure, ratio: 0 };
}

const against = (baseline: Measurement['baseline'] & object, value: number) => ({
  baseline: { ...baseline, ratio: value / baseline.figure.value },
});

const atLeast = (aim: number, value: number) => ({
  aim: { words: `${aim.toLocaleString('en')} events/s`, met: value >= aim },
});

export async function batchesBench(run: Run): Promise<void> {
  const events = run.sized(150_000, BATCH_EVENTS * 4);
  const baseline = insertsBeside(events);
  for (const [env, aim, words] of [
    [{}, 20_000, ''],
    [RECORDING_ONLY, 30_000, ', projections off'],
  ] as const)
    for (const [shape, shaped] of [
      ['mixed', 'batches of 500, each over all 100 contracts'],
      ['one-contract', 'batches of 500, each of one of 100 contracts'],
    ] as const) {
      const found = await batches({ env }, events, shape);
      const { value } = found.figure;
      run.report({ what: `${shaped}${words}`, ...found, ...against(baseline, value), ...atLeast(aim, value) });
    }
}

export async function streamBench(run: Run): Promise<void> {
  const events = run.sized(200_000, 1_000);
  const baseline = insertsBeside(events);
  for (const [env, aim, words] of [
    [{}, 20_000, ''],
    [RECORDING_ONLY, 30_000, ', projections off'],
  ] as const) {
    const found = await withLedger({ env }, async (ledger) => {
      const contracts = contractNames(CONTRACTS, 'B');
      await register(ledger.url, contracts);
      const source = new EventSource(contracts);
      const piecesOf = (count: number): readonly Buffer[] => {
        const pieces: Buffer[] = [];
        for (let sent = 0; sent < count; sent += 200)
          pieces.push(Buffer.from(Array.from({ length: 200 }, () => `${source.next()}\n`).join('')));
        return pieces;
      };
      const before = events * WARM_UP;
      const [warmUp, timed] = [piecesOf(before), piecesOf(events)];
      await streamLines(ledger.url, '/events', warmUp, before);
      return byTheClock(ledger, async () => ({
        seconds: await streamLines(ledger.url, '/events', timed, events),
        events,
      }));
    });
    const { value } = found.figure;
    run.report({
      what: `one NDJSON stream to 100 contracts${words}`,
      ...found,
      ...against(baseline, value),
      ...atLeast(aim, value),
    });
  }
}
