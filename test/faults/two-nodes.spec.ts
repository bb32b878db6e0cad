/**
 * Two Waybook processes on one EventStoreDB that misbehaves: the same events sent to both at once. There is one history,
 * and no answer that is not so: what was recorded, or known, stands at that revision with that content; what was refused
 * contradicts what is recorded; only what failed may be either.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { status as grpcStatus } from '@grpc/grpc-js';
import { decide, evolve, latestTime } from '../../src/contract/contract.js';
import { DecisionState } from '../../src/contract/state.js';
import { checkEvent, isRefusal, sameContent, type IncomingEvent } from '../../src/commands/envelope.js';
import { contractEvent } from '../../src/commands/loaded-contract.js';
import type { DecodedEvent } from '../../src/evidence/record.js';
import { openReader } from '../../src/open-store.js';
import { checkLedger } from '../support/check-ledger.js';
import type { Fault, FaultyCall } from '../support/eventstoredb/faults.js';
import { startEventStoreServer, type EventStoreServer } from '../support/eventstoredb/server.js';
import { call, LedgerProcess } from '../support/ledger-process.js';
import { confirmed, event, registered, type Options, type Sent } from '../support/scenario.js';
import { chance } from '../support/seed.js';
import { checkedStream } from '../support/stores.js';

const BATCH = 'application/cloudevents-batch+json';
const NDJSON = 'application/x-ndjson';

interface Result {
  readonly id: string;
  readonly status: 'recorded' | 'duplicate' | 'refused' | 'failed';
  readonly revision: string | null;
  readonly position: string | null;
  readonly problem: { readonly code: string } | null;
}
/** One event as one node was sent it, and what that node said. */
interface Said {
  readonly round: string;
  readonly node: number;
  readonly event: IncomingEvent;
  readonly result: Result;
}

const folder = mkdtempSync(join(tmpdir(), 'waybook-two-'));
const path = join(folder, 'store.db');
let server: EventStoreServer;
let nodes: readonly LedgerProcess[] = [];
const said: Said[] = [];
/** Ids of each atomic batch. */
const atomicBatches: (readonly string[])[] = [];
/** Sent with the revision it expects: what came of it. */
const races: {
  readonly round: string;
  readonly expected: bigint;
  readonly answers: readonly { readonly status: number; readonly revision: string | null }[];
}[] = [];

beforeAll(async () => {
  server = await startEventStoreServer({ path });
  const first = await LedgerProcess.start({ eventStore: server.url });
  const second = LedgerProcess.prepare({
    eventStore: server.url,
    env: { WAYBOOK_KEY: join(first.folder, 'ledger.key') },
  });
  nodes = [first, second];
  await second.serve();
}, 120_000);
afterAll(async () => {
  for (const node of nodes) await node.remove();
  await server.close();
  rmSync(folder, { recursive: true });
}, 60_000);

const incomingOf = (sent: Sent): IncomingEvent => {
  const checked = checkEvent(sent, undefined);
  if (isRefusal(checked)) throw new Error(JSON.stringify(checked));
  return checked;
};

async function post(round: string, node: number, target: string, events: readonly Sent[], type = BATCH): Promise<void> {
  const body = type === NDJSON ? events.map((each) => `${JSON.stringify(each)}\n`).join('') : events;
  const answer = await call<{ results: Result[] } | string>(nodes[node]!.url, target, body, type);
  const results =
    typeof answer.body === 'string'
      ? answer.body
          .trimEnd()
          .split('\n')
          .map((line) => JSON.parse(line) as Result)
      : answer.body.results;
  expect({ round, answer: results === undefined ? answer.body : results.length }).toEqual({
    round,
    answer: events.length,
  });
  for (const [index, result] of results.entries())
    said.push({ round, node, event: incomingOf(events[index]!), result });
}

let count = 0;
const forecast = (contract: string, options: Options = {}): Sent => {
  count += 1;
  return event(
    'ForecastRevised',
    { milestone: 'D1', forecast: '2022-03-01', reason: `no. ${count}` },
    { contract, by: 'prime-a', ...options },
  );
};
const delay = (contract: string, id: string): Sent =>
  event(
    'DelayReported',
    { delay: id, cause: { code: 'supply', locus: 'prime', detail: 'x' }, startedOn: '2021-01-01', forecasts: [] },
    { contract, by: 'prime-a' },
  );

/** Everything at once, to both nodes: most of it the same, some of it at odds. */
async function sendAll(round: string): Promise<void> {
  const [own, shared] = [`NODE-${round}`, 'NODE-SHARED'];
  const registration = [registered({}, { contract: own }), confirmed({ contract: own, id: `${round}-c` })];
  const mixed = [
    forecast(shared),
    forecast(own),
    forecast(shared),
    forecast('NODE-NONE'),
    forecast(own),
    forecast(shared, { by: 'inspector-a' }),
  ];
  const lines = Array.from({ length: 12 }, (_, at) => forecast(at % 2 === 0 ? shared : own));
  const atomic = Array.from({ length: 5 }, () => forecast(shared));
  atomicBatches.push(atomic.map(({ id }) => id));
  await Promise.all([0, 1].map((node) => post(round, node, '/events', registration)));
  const at = async (node: number): Promise<bigint> => {
    const { status, body } = await call<{ revision: string }>(nodes[node]!.url, `/contracts/${own}`);
    return status === 200 ? BigInt(body.revision) : 1n;
  };
  const expected = await at(0);
  const racing = Promise.all(
    [0, 1].map(async (node) => {
      const sent = forecast(own);
      const { status, body } = await call<{ results?: Result[] }>(
        nodes[node]!.url,
        `/contracts/${own}/events`,
        sent,
        'application/cloudevents+json',
        { 'if-match': `"${expected}"` },
      );
      const result = body.results?.[0];
      if (result !== undefined) said.push({ round, node, event: incomingOf(sent), result });
      return { status, revision: result?.revision ?? null };
    }),
  );
  await Promise.all([
    ...[0, 1].flatMap((node) => [
      post(round, node, '/events', [
        ...mixed,
        forecast(shared, { id: `${round}-reused` }),
        delay(shared, `${round}-opened`),
      ]),
      post(round, node, `/contracts/${shared}/events?atomic=true`, atomic),
      post(round, node, '/events', lines, NDJSON),
    ]),
    racing.then((answers) => void races.push({ round, expected, answers })),
  ]);
}

/** Each round: which calls meet which faults, and what is done to the server meanwhile. */
interface Round {
  readonly name: string;
  readonly faults?: readonly (readonly [FaultyCall, Fault, number])[];
  readonly meanwhile?: () => Promise<void>;
}
const { upTo, of } = chance();
/** Everything that goes by, in any mixture. */
const anyFault = (): readonly [FaultyCall, Fault, number] =>
  of<readonly [FaultyCall, Fault, number]>([
    ['append', { kind: 'refuse', code: grpcStatus.UNAVAILABLE }, upTo(3)],
    ['append', { kind: 'not-ready' }, upTo(3)],
    ['append', { kind: 'not-leader' }, upTo(3)],
    ['append', { kind: 'drop' }, upTo(3)],
    ['append', { kind: 'stored-then-drop' }, upTo(3)],
    ['append', { kind: 'answer-twice' }, upTo(3)],
    ['append', { kind: 'no-position' }, upTo(3)],
    ['append', { kind: 'slow', ms: upTo(200) }, upTo(3)],
    ['read', { kind: 'drop', after: upTo(5) }, upTo(3)],
    ['read', { kind: 'not-ready' }, upTo(3)],
    ['subscribe', { kind: 'end', after: upTo(9) }, upTo(3)],
  ]);
const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const rounds: readonly Round[] = [
  { name: 'quiet' },
  { name: 'refused', faults: [['append', { kind: 'refuse', code: grpcStatus.UNAVAILABLE }, 3]] },
  {
    name: 'not-ready',
    faults: [
      ['append', { kind: 'not-ready' }, 4],
      ['read', { kind: 'not-ready' }, 2],
    ],
  },
  { name: 'busy', faults: [['append', { kind: 'busy' }, 4]] },
  {
    name: 'not-leader',
    faults: [
      ['append', { kind: 'not-leader' }, 3],
      ['read', { kind: 'not-leader' }, 1],
    ],
  },
  {
    name: 'dropped',
    faults: [
      ['append', { kind: 'drop' }, 3],
      ['read', { kind: 'drop', after: 2 }, 2],
    ],
  },
  { name: 'stored-lost', faults: [['append', { kind: 'stored-then-drop' }, 4]] },
  { name: 'twice', faults: [['append', { kind: 'answer-twice' }, 6]] },
  {
    name: 'no-position',
    faults: [
      ['append', { kind: 'no-position' }, 4],
      ['append', { kind: 'huge-position' }, 4],
    ],
  },
  { name: 'slow', faults: [['append', { kind: 'slow', ms: 400 }, 4]] },
  {
    name: 'hangs',
    faults: [
      ['append', { kind: 'stored-then-hang' }, 1],
      ['append', { kind: 'hang' }, 1],
    ],
  },
  {
    name: 'unsubscribed',
    faults: [
      ['subscribe', { kind: 'checkpoint-beyond' }, 2],
      ['subscribe', { kind: 'drop', after: 3 }, 2],
    ],
    meanwhile: () => server.dropConnections(),
  },
  { name: 'stopped', meanwhile: async () => pause(20).then(() => server.restart(300)) },
  ...Array.from({ length: 8 }, (_, at) => ({
    name: `mixed-${at + 1}`,
    faults: Array.from({ length: 5 }, anyFault),
    ...(at % 3 === 2 ? { meanwhile: () => pause(upTo(100)).then(() => server.dropConnections()) } : {}),
  })),
  {
    name: 'killed',
    // As a new process on the same file: what it only had in memory is gone.
    meanwhile: async () => {
      await pause(20);
      const { port } = server;
      await server.close();
      await pause(300);
      server = await startEventStoreServer({ path, port });
    },
  },
];

test.each(rounds)(
  '$name',
  async ({ name, faults = [], meanwhile }) => {
    const shared = [
      registered({}, { contract: 'NODE-SHARED' }),
      confirmed({ contract: 'NODE-SHARED', id: 'confirmed' }),
    ];
    if (said.length === 0) await post('first', 0, '/events', shared);
    for (const [which, fault, times] of faults) server.faults.next(which, fault, times);
    await Promise.all([sendAll(name), meanwhile?.()]);
    server.faults.clear();
    for (const node of nodes) await checkLedger(node);
    expect(nodes.map(({ errors }) => errors.replaceAll(/^warning: .*\n/gm, ''))).toEqual(['', '']);
  },
  120_000,
);

describe('in the end', () => {
  const streams = new Map<string, readonly DecodedEvent[]>();
  beforeAll(async () => {
    const { store } = await openReader(server.url);
    try {
      for (const contract of new Set(said.map(({ event: sent }) => sent.proposed.contract)))
        streams.set(contract, await checkedStream(store, `contract-${contract}`));
    } finally {
      await store.close();
    }
  }, 60_000);

  test('what was recorded, or known, is there, at that revision and position, as it was sent', () => {
    let checked = 0;
    for (const { round, node, event: sent, result } of said) {
      if (result.status !== 'recorded' && result.status !== 'duplicate') continue;
      const { contract, id, source } = sent.proposed;
      const found = streams.get(contract)?.[Number(result.revision)];
      expect({ round, node, id: found?.attributes.id, source: found?.attributes.source }).toEqual({
        round,
        node,
        id,
        source,
      });
      expect(sameContent(sent, found!)).toBe(true);
      // The position of an append is that of its last event.
      expect(found!.position <= BigInt(result.position!)).toBe(true);
      checked += 1;
    }
    expect(checked).toBeGreaterThan(rounds.length * 30);
  });

  test('nothing is recorded twice, by whomever, and nothing that was not sent', () => {
    const recorded = new Set<string>();
    for (const { event: sent, result } of said) {
      const name = `${sent.proposed.contract} ${sent.proposed.id}`;
      if (result.status !== 'recorded') continue;
      expect(recorded.has(name)).toBe(false);
      recorded.add(name);
    }
    for (const [contract, events] of streams)
      for (const found of events) {
        const name = { contract, id: found.attributes.id };
        const sent = said.filter(({ event: one }) => one.proposed.contract === contract && one.proposed.id === name.id);
        expect({ ...name, sent: sent.some(({ event: one }) => sameContent(one, found)) }).toEqual({
          ...name,
          sent: true,
        });
      }
  });

  test('what was refused contradicts what is recorded, or the rules', () => {
    const codes = new Map<string, number>();
    for (const { round, event: sent, result } of said) {
      if (result.status !== 'refused') continue;
      const { proposed } = sent;
      const code = result.problem?.code ?? '';
      codes.set(code, (codes.get(code) ?? 0) + 1);
      const events = streams.get(proposed.contract) ?? [];
      const known = events.find(
        ({ attributes }) => attributes.id === proposed.id && attributes.source === proposed.source,
      );
      const state = new DecisionState();
      for (const each of events) evolve(state, contractEvent(each), Number(each.revision));
      const refusal = decide(state, proposed, { latest: latestTime(Date.now()), lookup: () => undefined })?.code;
      const really = known === undefined ? refusal : sameContent(sent, known) ? 'is recorded' : 'event-id-reused';
      expect({ round, id: proposed.id, code }).toEqual({ round, id: proposed.id, code: really });
    }
    expect([...codes.keys()].sort()).toEqual(['event-id-reused', 'id-in-use', 'not-permitted', 'unknown-contract']);
  });

  test('an atomic batch is there whole, in its order, or not at all', () => {
    const shared = streams.get('NODE-SHARED') ?? [];
    const place = new Map(shared.map(({ attributes }, at) => [attributes.id, at]));
    for (const batch of atomicBatches) {
      const places = batch.flatMap((id) => place.get(id) ?? []);
      expect([0, batch.length]).toContain(places.length);
      expect(places).toEqual(places.map((_, at) => places[0]! + at));
    }
    expect(atomicBatches.length).toBe(rounds.length);
  });

  test('of two that expect the same revision at most one is recorded, and who is told of another is told so rightly', () => {
    for (const { round, expected, answers } of races) {
      const won = answers.filter(({ status }) => status === 201);
      expect(won.length).toBeLessThanOrEqual(1);
      for (const { revision } of won) expect({ round, revision }).toEqual({ round, revision: `${expected + 1n}` });
      for (const { status } of answers) expect([201, 404, 412, 503]).toContain(status);
    }
  });
});
