import { status } from '@grpc/grpc-js';
import type { EventStore } from '../../src/event-store/event-store.js';
import { openEventStoreDb } from '../../src/event-store/eventstoredb/eventstoredb.js';
import type { Fault } from '../support/eventstoredb/faults.js';
import type { EventStoreServer } from '../support/eventstoredb/server.js';
import { startEventStoreServer } from '../support/eventstoredb/server.js';
import { Recorder, all, events, freshStream, ids, pause, withSubscription } from './event-store-support.js';

/** The traps of subscribing; see `eventstoredb-guards.spec.ts`. */
let server: EventStoreServer;
let store: EventStore;

beforeEach(async () => {
  server = await startEventStoreServer();
  store = await openEventStoreDb(server.url, { answerMs: 500, retryMs: 5000 });
});

afterEach(async () => {
  await store.close();
  await server.close();
});

const breaks: readonly [string, Fault][] = [
  ['is refused as unavailable', { kind: 'refuse', code: status.UNAVAILABLE }],
  ['is dropped as too slow', { kind: 'refuse', code: status.ABORTED }],
  ['is cancelled', { kind: 'refuse', code: status.CANCELLED }],
  ['meets a server that is not ready', { kind: 'not-ready' }],
  ['meets a server that is not the leader', { kind: 'not-leader' }],
  ['is never confirmed', { kind: 'hang' }],
  ['loses its connection at once', { kind: 'drop' }],
  ['loses its connection within the first portion', { kind: 'drop', after: 77 }],
  ['loses its connection after many', { kind: 'drop', after: 543 }],
  ['ends without an error', { kind: 'end', after: 600 }],
  ['is sent a checkpoint beyond the head', { kind: 'checkpoint-beyond' }],
];

it.each(breaks)('a subscription that %s goes on without a gap or a repeat', async (_, fault) => {
  const stream = freshStream();
  const batch = events(700);
  await store.append(stream, 'no-stream', batch);
  const recorder = new Recorder(stream);
  server.faults.next('subscribe', fault, 2);
  await withSubscription(store, undefined, recorder, async () => {
    await recorder.received(700);
    await recorder.told('live');
    await server.dropConnections();
    const more = events(20);
    await store.append(stream, 699n, more);
    await recorder.received(720);
    expect(ids(recorder.events)).toEqual(ids([...batch, ...more]));
  });
  expect(server.faults.left).toBe(0);
  expect(recorder.broken).toEqual([]);
  expect(recorder.heard.map(({ what }) => what)).not.toContain('ended');
});

it('tells lost once for each loss, and restored before the first batch that follows', async () => {
  const stream = freshStream();
  await store.append(stream, 'no-stream', events(3));
  const recorder = new Recorder(stream);
  await withSubscription(store, undefined, recorder, async () => {
    await recorder.told('live');
    server.faults.next('subscribe', { kind: 'not-ready' }, 3);
    await server.restart(200);
    await recorder.told('restored');
    await store.append(stream, 2n, events(1));
    await recorder.received(4);
  });
  const told = recorder.heard
    .map(({ what }) => what)
    .filter((what, at, heard) => what !== 'live' && !(what === 'batch' && heard[at - 1] === 'batch'));
  expect(told).toEqual(['batch', 'lost', 'restored', 'batch']);
  expect(recorder.heard.find(({ what }) => what === 'lost')).toMatchObject({ error: { code: 'store-unavailable' } });
});

it('becomes live on a server that never says so', async () => {
  const stream = freshStream();
  await store.append(stream, 'no-stream', events(3));
  const recorder = new Recorder(stream);
  server.faults.next('subscribe', { kind: 'no-caught-up' }, 2);
  await withSubscription(store, undefined, recorder, async () => {
    await recorder.told('live');
    expect(recorder.events).toHaveLength(3);
    const head = await store.head();
    expect(recorder.heard.at(-1)).toEqual({ what: 'live', position: head?.position });
    const fromHead = new Recorder(stream);
    await withSubscription(store, head?.position, fromHead, () => fromHead.told('live'));
    await store.append(stream, 2n, events(1));
    await recorder.received(4);
  });
});

it('says live only when a slow handler, too, has been given all there was', async () => {
  const stream = freshStream();
  await store.append(stream, 'no-stream', events(700));
  const recorder = new Recorder(stream);
  // While the first batch is handled everything else arrives: more than waits for the handler, so that the rest waits
  // in the client, which meanwhile hears that all has been sent.
  let calls = 0;
  recorder.during = () => pause(calls++ === 0 ? 500 : 0);
  await withSubscription(store, undefined, recorder, () => recorder.told('live'));
  expect(recorder.events).toHaveLength(700);
});

it('says live again after it fell behind', async () => {
  const stream = freshStream();
  await store.append(stream, 'no-stream', events(1));
  const recorder = new Recorder(stream);
  await withSubscription(store, undefined, recorder, async () => {
    await recorder.told('live');
    // More at once than the server pushes as they come.
    await store.append(stream, 0n, events(2000));
    await recorder.until(() => recorder.heard.filter(({ what }) => what === 'live').length >= 2);
    expect(recorder.events).toHaveLength(2001);
  });
  expect(recorder.broken).toEqual([]);
});

it('ends where the user may not subscribe', async () => {
  const recorder = new Recorder();
  server.faults.next('subscribe', { kind: 'refuse', code: status.PERMISSION_DENIED });
  await withSubscription(store, undefined, recorder, () => recorder.told('ended'));
  expect(recorder.heard).toMatchObject([{ what: 'ended', error: { code: 'store-refused' } }]);
});

it('hears what was done to the ledger’s streams, in its place among the events', async () => {
  const [soft, hard, named] = [freshStream(), freshStream(), freshStream()];
  const told: string[] = [];
  const subscription = store.subscribe(undefined, {
    batch: (batch) => void told.push(...batch.map(({ stream }) => `event of ${stream}`)),
    tampered: (stream, how) => void told.push(`${how} of ${stream}`),
  });
  for (const stream of [soft, hard, named]) await store.append(stream, 'no-stream', events(1));
  const metadata = (stream: string, text: string) => ({
    id: crypto.randomUUID(),
    type: '$metadata',
    contentType: 'application/json',
    data: Buffer.from(text),
    metadata: Buffer.alloc(0),
    stream: `$$${stream}`,
  });
  await server.log.commit(() => server.log.delete(soft, 'any'));
  await server.log.commit(() => server.log.tombstone(hard, 'any'));
  for (const one of [metadata(named, '{"$maxCount":1}'), metadata('orders-1', '{"$maxCount":1}')])
    await server.log.commit(() => server.log.append(one.stream, 'any', [one]));
  await store.append(named, 0n, events(1));
  const expected = [
    ...[soft, hard, named].map((stream) => `event of ${stream}`),
    `deleted of ${soft}`,
    `deleted of ${hard}`,
    `metadata of ${named}`,
    `event of ${named}`,
  ];
  for (let left = 200; told.length < expected.length && left > 0; left--) await pause(10);
  await subscription.close();
  expect(told).toEqual(expected);
  // What can no longer be read in its stream is still among all.
  expect(await all(store.readAll())).toHaveLength(4);
});

it('keeps what waits for a slow handler within bounds', async () => {
  const stream = freshStream();
  await store.append(stream, 'no-stream', events(1));
  for (let at = 0; at < 3; at++) await store.append(stream, BigInt(at * 1000), events(1000));
  const sizes: number[] = [];
  const count = () => sizes.reduce((sum, size) => sum + size, 0);
  const subscription = store.subscribe(undefined, {
    batch: async (batch) => {
      sizes.push(batch.length);
      await pause(5);
    },
  });
  for (let left = 2000; count() < 3001 && left > 0; left--) await pause(10);
  await subscription.close();
  expect(count()).toBe(3001);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(500);
});
