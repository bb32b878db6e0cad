import { randomUUID } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import type { EventStore } from '../../src/event-store/event-store.js';
import type { EventStoreDbOptions } from '../../src/event-store/eventstoredb/eventstoredb.js';
import { openEventStoreDb } from '../../src/event-store/eventstoredb/eventstoredb.js';
import { layCable } from '../support/eventstoredb/cable.js';
import type { Fault } from '../support/eventstoredb/faults.js';
import type { EventStoreServer } from '../support/eventstoredb/server.js';
import { startEventStoreServer } from '../support/eventstoredb/server.js';
import { all, appendSurely, event, events, failure, freshStream, ids, pause } from './event-store-support.js';

/**
 * What the client and the server do to those who trust them, one test for each trap that the adapter guards against in
 * appending, reading and connecting. jest fails a test in which an exception or a rejection reaches nobody, which is how
 * several of these traps would end the process.
 */
let server: EventStoreServer;
const opened: EventStore[] = [];
const lines: string[] = [];

beforeEach(async () => {
  server = await startEventStoreServer();
});

afterEach(async () => {
  for (const store of opened.splice(0)) await store.close();
  await server.close();
  lines.length = 0;
});

async function open(options: EventStoreDbOptions = {}, url = server.url): Promise<EventStore> {
  const store = await openEventStoreDb(url, {
    answerMs: 300,
    retryMs: 5000,
    log: (line) => void lines.push(line),
    ...options,
  });
  opened.push(store);
  return store;
}

describe('an append', () => {
  const passing: readonly [string, Fault][] = [
    ['is not answered', { kind: 'hang' }],
    ['loses its connection before it is stored', { kind: 'drop' }],
    ['is stored and loses its connection', { kind: 'stored-then-drop' }],
    ['is stored and not answered', { kind: 'stored-then-hang' }],
    ['is stored only after it was given up', { kind: 'slow', ms: 600 }],
    ['meets a server that is not ready', { kind: 'not-ready' }],
    ['meets a server that is busy', { kind: 'busy' }],
    ['meets a server that is not the leader', { kind: 'not-leader' }],
    ['meets a server that is unavailable', { kind: 'refuse', code: status.UNAVAILABLE }],
    ['is cancelled by the server', { kind: 'refuse', code: status.CANCELLED }],
    ['fails in a way nobody knows', { kind: 'refuse', code: status.UNKNOWN }],
  ];
  it.each(passing)('that %s is repeated until it is known to be stored, once', async (_, fault) => {
    const store = await open();
    const stream = freshStream();
    const [start, next] = [events(2), events(3)];
    server.faults.next('append', fault, 2);
    expect(await store.append(stream, 'no-stream', start)).toMatchObject({ revision: 1n });
    server.faults.next('append', fault);
    const { position } = await store.append(stream, 1n, next);
    expect(server.faults.left).toBe(0);
    const found = await all(store.readStream(stream));
    expect(ids(found)).toEqual(ids([...start, ...next]));
    expect(found.at(-1)?.position).toBe(position);
  });

  it.each([
    ['not answered', { kind: 'hang' }, 0],
    ['stored and not answered', { kind: 'stored-then-hang' }, 2],
    ['stored and its answer lost', { kind: 'stored-then-drop' }, 2],
  ] as const)('with any that is %s is never repeated', async (_, fault, stored) => {
    const store = await open();
    const stream = freshStream();
    server.faults.next('append', fault);
    expect(await failure(() => store.append(stream, 'any', events(2)))).toMatchObject({
      code: 'append-outcome-unknown',
      stream,
      retryable: true,
    });
    expect(server.faults.taken.append).toBe(1);
    expect(await all(store.readStream(stream))).toHaveLength(stored);
  });

  it.each([
    ['append-outcome-unknown', { kind: 'hang' }],
    ['append-outcome-unknown', { kind: 'refuse', code: status.UNAVAILABLE }],
    ['store-unavailable', { kind: 'not-ready' }],
    ['store-unavailable', { kind: 'not-leader' }],
  ] as const)('that goes on failing ends as %s: %j', async (code, fault) => {
    const store = await open({ retryMs: 400 });
    const stream = freshStream();
    server.faults.next('append', fault, 1000);
    expect(await failure(() => store.append(stream, 'no-stream', events(1)))).toMatchObject({
      code,
      stream,
      retryable: true,
    });
    server.faults.clear();
    expect(await store.append(stream, 'no-stream', events(1))).toMatchObject({ revision: 0n });
  });

  it('that cannot have been sent is known not to be stored', async () => {
    const store = await open({ retryMs: 200 });
    await appendSurely(store, freshStream(), 'no-stream', events(1));
    await server.stop();
    // The first one may still find the connection that has just been cut.
    await failure(() => store.append(freshStream(), 'any', events(1)));
    expect(await failure(() => store.append(freshStream(), 'any', events(1)))).toMatchObject({
      code: 'store-unavailable',
    });
    await server.start();
    await appendSurely(store, freshStream(), 'no-stream', events(1));
  });

  it('of unknown outcome that lost the race for its revision is a conflict', async () => {
    const [store, other] = [await open(), await open()];
    const stream = freshStream();
    server.faults.next('append', { kind: 'drop' });
    server.faults.next('append', { kind: 'slow', ms: 200 });
    const [mine, theirs] = await Promise.allSettled([
      store.append(stream, 'no-stream', events(1)),
      pause(50).then(() => appendSurely(other, stream, 'no-stream', events(2))),
    ]);
    const outcome = mine.status === 'fulfilled' ? 'stored' : (mine.reason as { code: string }).code;
    const found = await all(store.readStream(stream));
    // Whoever comes first, the other one is told so.
    if (outcome === 'stored') expect([theirs.status, found.length]).toEqual(['rejected', 1]);
    else expect([outcome, theirs.status, found.length]).toEqual(['wrong-expected-revision', 'fulfilled', 2]);
  });

  it.each(['no-position', 'huge-position'] as const)('answered with %s reads its position back', async (kind) => {
    const store = await open();
    const stream = freshStream();
    server.faults.next('append', { kind });
    const { revision, position } = await store.append(stream, 'no-stream', events(3));
    expect(revision).toBe(2n);
    expect((await all(store.readStream(stream)))[2]?.position).toBe(position);
  });

  it('answered twice does no harm, and the second answer is noted', async () => {
    const store = await open();
    const stream = freshStream();
    await store.append(stream, 'no-stream', events(1));
    server.faults.next('append', { kind: 'answer-twice' }, 2);
    expect(await store.append(stream, 0n, events(1))).toMatchObject({ revision: 1n });
    expect(await store.append(stream, 1n, events(1))).toMatchObject({ revision: 2n });
    expect(await store.append(stream, 2n, events(1))).toMatchObject({ revision: 3n });
    expect(lines.filter((line) => line.includes('nobody waits for'))).toHaveLength(2);
  });

  it('survives that the failure of another client’s stream rejects it, and so does its late answer', async () => {
    const [store, other] = [await open({ answerMs: 2000 }), await open()];
    const [stream, theirs] = [freshStream(), freshStream()];
    await store.append(stream, 'no-stream', events(1));
    await other.append(theirs, 'no-stream', events(1));
    server.faults.next('append', { kind: 'slow', ms: 400 });
    const mine = store.append(stream, 0n, events(2));
    await pause(50);
    server.faults.next('append', { kind: 'refuse', code: status.INTERNAL });
    await other.append(theirs, 0n, events(1));
    expect(await mine).toMatchObject({ revision: 2n });
    expect(await store.append(stream, 2n, events(1))).toMatchObject({ revision: 3n });
    await pause(500);
    expect(await all(store.readStream(stream))).toHaveLength(4);
  });

  it('loses nothing and doubles nothing when the server is killed under many large ones', async () => {
    const store = await open({ answerMs: 2000 });
    const text = JSON.stringify({ x: 'x'.repeat(200_000) });
    const streams = Array.from({ length: 40 }, freshStream);
    const appends = streams.map(async (stream) => {
      const batch = [event(0, text), event(1, text)];
      await appendSurely(store, stream, 'no-stream', batch);
      await appendSurely(store, stream, 1n, events(1));
    });
    await pause(30);
    await server.restart(100);
    await pause(100);
    await server.dropConnections();
    await Promise.all(appends);
    for (const stream of streams) expect(await all(store.readStream(stream))).toHaveLength(3);
  });

  it.each(['goes on', 'goes away'] as const)(
    'is stored once, however many there are, when the server stands still and then %s',
    async (then) => {
      const cable = await layCable(server.port);
      try {
        const store = await open({ answerMs: 500, retryMs: 20_000 }, `esdb://127.0.0.1:${cable.port}?tls=false`);
        const streams = Array.from({ length: 40 }, freshStream);
        for (const stream of streams) await store.append(stream, 'no-stream', events(1));
        const text = JSON.stringify({ x: 'x'.repeat(10_000) });
        const batches = streams.map(() => [event(0, text), event(1, text)]);
        cable.freeze();
        const appends = streams.map((stream, at) => appendSurely(store, stream, 0n, batches[at] ?? []));
        await pause(700);
        if (then === 'goes away') cable.cut();
        cable.thaw();
        await Promise.all(appends);
        for (const stream of streams) expect(await all(store.readStream(stream))).toHaveLength(3);
        await store.close();
      } finally {
        await cable.close();
      }
    },
  );

  it('that the server would answer twice, or not at all, is never sent', async () => {
    const store = await open();
    const stream = freshStream();
    const wrong = [
      [],
      [{ ...event(), id: 'no-uuid' }],
      [{ ...event(), type: '' }],
      [event(0, '{"a":}')],
      [event(0, '{"a":1n}')],
      [event(0, '{"a":undefined}')],
      [event(0, '{}', '{x}')],
    ];
    for (const batch of wrong)
      expect(await failure(() => store.append(stream, 'no-stream', batch))).toMatchObject({ code: 'invalid-append' });
    expect(await failure(() => store.append(stream, -1n, events(1)))).toMatchObject({ code: 'invalid-append' });
    expect(server.faults.taken.append).toBe(0);
  });

  it('that only the server finds too large is told so', async () => {
    const store = await open({ answerMs: 10_000 });
    // The server counts two bytes for a character of a type.
    const batch = Array.from({ length: 6500 }, () => ({ ...event(0, '{}', '{}'), type: 'T'.repeat(128) }));
    expect(await failure(() => store.append(freshStream(), 'no-stream', batch))).toMatchObject({
      code: 'append-too-large',
      retryable: false,
    });
  });

  it('with no-stream on a stream that was deleted is refused and writes nothing', async () => {
    const store = await open();
    const stream = freshStream();
    await store.append(stream, 'no-stream', events(2));
    await server.log.commit(() => server.log.delete(stream, 'any'));
    const head = await store.head();
    const truncated = { code: 'stream-truncated', stream, retryable: false };
    // Not as if it had never been.
    expect(await failure(() => all(store.readStream(stream)))).toMatchObject(truncated);
    expect(await failure(() => store.append(stream, 'no-stream', events(1)))).toMatchObject(truncated);
    expect(await store.head()).toEqual(head);
  });

  it('on a stream that was deleted for ever is refused, as is reading it', async () => {
    const store = await open();
    const stream = freshStream();
    await store.append(stream, 'no-stream', events(2));
    await server.log.commit(() => server.log.tombstone(stream, 'any'));
    const deleted = { code: 'stream-deleted', stream, retryable: false };
    expect(await failure(() => store.append(stream, 'no-stream', events(1)))).toMatchObject(deleted);
    expect(await failure(() => store.append(stream, 1n, events(1)))).toMatchObject(deleted);
    expect(await failure(() => all(store.readStream(stream)))).toMatchObject(deleted);
    expect(await all(store.readAll())).toHaveLength(2);
  });
});

describe('a read', () => {
  const passing: readonly [string, Fault][] = [
    ['is not answered', { kind: 'hang' }],
    ['meets a server that is not ready', { kind: 'not-ready' }],
    ['meets a server that is not the leader', { kind: 'not-leader' }],
    ['meets a server that is unavailable', { kind: 'refuse', code: status.UNAVAILABLE }],
    ['loses its connection before the first event', { kind: 'drop' }],
    ['loses its connection within the first page', { kind: 'drop', after: 123 }],
    ['loses its connection within the second page', { kind: 'drop', after: 650 }],
  ];
  it.each(passing)('that %s goes on where it was, without a gap or a repeat', async (_, fault) => {
    const store = await open();
    const stream = freshStream();
    const batch = events(700);
    await store.append(stream, 'no-stream', batch);
    for (const read of [() => store.readStream(stream), () => store.readAll()]) {
      server.faults.next('read', fault, 2);
      expect(ids(await all(read()))).toEqual(ids(batch));
      expect(server.faults.left).toBe(0);
    }
    server.faults.next('read', fault);
    expect(ids(await all(store.readStream(stream, undefined, 'backwards')))).toEqual(ids(batch).slice().reverse());
    server.faults.next('read', fault);
    expect(await store.head()).toMatchObject({ id: batch.at(-1)?.id });
  });

  it.each([
    ['store-unavailable', { kind: 'hang' }, true],
    ['store-unavailable', { kind: 'not-leader' }, true],
    ['store-refused', { kind: 'refuse', code: status.PERMISSION_DENIED }, false],
    ['store-refused', { kind: 'refuse', code: status.UNAUTHENTICATED }, false],
  ] as const)('that goes on failing ends as %s: %j', async (code, fault, retryable) => {
    const store = await open({ retryMs: 400 });
    server.faults.next('read', fault, 1000);
    expect(await failure(() => all(store.readStream(freshStream())))).toMatchObject({ code, retryable });
    expect(await failure(() => store.head())).toMatchObject({ code, retryable });
  });

  it('of nothing is not sent, as the server takes it for an error', async () => {
    const store = await open();
    const before = server.faults.taken.read;
    expect(await all(store.readStream(freshStream(), undefined, 'forwards', 0))).toEqual([]);
    expect(await all(store.readAll(undefined, 0))).toEqual([]);
    expect(server.faults.taken.read).toBe(before);
  });

  it('of everything from a position at which nothing begins says so, at once', async () => {
    const store = await open();
    await store.append(freshStream(), 'no-stream', events(3));
    const { position } = await store.append(freshStream(), 'no-stream', events(1));
    const began = performance.now();
    for (const direction of ['forwards', 'backwards'] as const)
      expect(await failure(() => all(store.readAll(position - 1n, 1, direction)))).toMatchObject({
        code: 'no-such-position',
        retryable: false,
      });
    // Not tried again until patience is over.
    expect(performance.now() - began).toBeLessThan(4_000);
    const ended = new Promise((resolve) => {
      store.subscribe(position - 1n, { batch: () => undefined, ended: (error) => resolve(error.code) });
    });
    expect(await ended).toBe('no-such-position');
  });

  it('gives what is no JSON as a text that is no object', async () => {
    const store = await open();
    const stream = freshStream();
    const bytes = (text: string) => Buffer.from(text);
    const written: readonly [string, string, string][] = [
      ['application/json', '{"broken":', '{"a":1}'],
      ['application/json', '"{}"', 'not json'],
      ['application/octet-stream', '{"a":1}', '{}'],
    ];
    const proposed = written.map(([contentType, data, metadata]) => ({
      id: randomUUID(),
      type: 'Odd',
      contentType,
      data: bytes(data),
      metadata: bytes(metadata),
    }));
    await server.log.commit(() => server.log.append(stream, 'any', proposed));
    const found = await all(store.readStream(stream));
    expect(found.map(({ data, metadata }) => [typeof JSON.parse(data), typeof JSON.parse(metadata)])).toEqual([
      ['string', 'object'],
      ['string', 'string'],
      ['string', 'object'],
    ]);
  });

  it('keeps the canonical order of names that look like array indexes', async () => {
    const store = await open();
    const stream = freshStream();
    const text = '{" ":0,"1":[{"10":1,"9":2,"a":{"2":1}}],"10":{},"9":"\\"1\\":"}';
    await store.append(stream, 'no-stream', [event(0, text, text)]);
    expect(await all(store.readStream(stream))).toMatchObject([{ data: text, metadata: text }]);
  });

  it('sees nothing of what is not the ledger’s', async () => {
    const store = await open();
    const stream = freshStream();
    const foreign = (name: string, count: number) =>
      server.log.commit(() =>
        server.log.append(
          name,
          'any',
          events(count).map((one) => ({
            ...one,
            contentType: 'application/json',
            data: Buffer.from(one.data),
            metadata: Buffer.from(one.metadata),
          })),
        ),
      );
    await foreign('orders-1', 700);
    const { position } = await store.append(stream, 'no-stream', events(2));
    await foreign('ledger-of-others', 700);
    await foreign('$settings', 1);
    expect(await store.head()).toMatchObject({ position });
    expect(await all(store.readAll())).toHaveLength(2);
    expect(await all(store.readAll(undefined, 1))).toHaveLength(1);
    expect(await all(store.readStream('orders-1'))).toEqual([]);
  });

  it('that hangs is ended by closing the store', async () => {
    const store = await open({ answerMs: 60_000 });
    server.faults.next('read', { kind: 'hang' });
    const reading = failure(() => all(store.readStream(freshStream())));
    await pause(50);
    await store.close();
    expect(await reading).toMatchObject({ code: 'store-closed' });
  });
});

describe('the connection', () => {
  it.each([
    ['failed', { kind: 'refuse', code: status.INTERNAL }],
    ['was not answered', { kind: 'hang' }],
    ['met a server that is not ready', { kind: 'not-ready' }],
  ] as const)('outlives that the call for the server’s features %s, which the client remembers', async (_, fault) => {
    const store = await open();
    server.faults.next('features', fault);
    expect(await store.append(freshStream(), 'no-stream', events(1))).toMatchObject({ revision: 0n });
    expect(server.faults.left).toBe(0);
  });

  it('is refused at the opening where the user may not read $all', async () => {
    server.faults.next('read', { kind: 'refuse', code: status.PERMISSION_DENIED });
    expect(await failure(() => open())).toMatchObject({ code: 'store-refused' });
  });

  it('is tried for a while at the opening', async () => {
    server.faults.next('read', { kind: 'not-ready' }, 3);
    const store = await open();
    expect(await store.head()).toBeUndefined();
    await server.stop();
    expect(await failure(() => open({ retryMs: 100 }))).toMatchObject({ code: 'store-unavailable', retryable: true });
    await server.start();
  });

  it('is found through the gossip of any node that is named', async () => {
    const nowhere = '127.0.0.1:1';
    const store = await openEventStoreDb(`esdb://${nowhere},127.0.0.1:${server.port}?tls=false`);
    opened.push(store);
    expect(await store.append(freshStream(), 'no-stream', events(1))).toMatchObject({ revision: 0n });
    expect(server.faults.taken.gossip).toBeGreaterThan(0);
  });

  it('is gone after closing', async () => {
    const store = await open();
    await store.append(freshStream(), 'no-stream', events(1));
    store.subscribe(undefined, { batch: () => undefined });
    expect(server.connections).toBeGreaterThan(0);
    await store.close();
    for (let left = 100; server.connections > 0 && left > 0; left--) await pause(20);
    expect(server.connections).toBe(0);
  });
});
