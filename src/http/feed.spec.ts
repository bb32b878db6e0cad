import { setTimeout as pause } from 'node:timers/promises';
import type { EventStore, StoredEvent, SubscriptionHandler } from '../event-store/event-store.js';
import { EventStoreError } from '../event-store/event-store.js';
import { metadataText, sealEvent } from '../evidence/record.js';
import { feedLine, withHeartbeat } from './feed.controller.js';
import { StoreFeed } from './feed.js';

function stored(stream: string, position: number, type = 'MilestoneReached', data = '{"a":1}'): StoredEvent {
  const sealed = sealEvent({
    attributes: {
      specversion: '1.0',
      id: `e${position}`,
      source: 'urn:waybook:party:p',
      type,
      time: '2026-01-01T00:00:00Z',
      subject: 'C',
    },
    canonicalData: data,
    nonce: new Uint8Array(16),
    revision: 0n,
    recordedtime: '2026-01-01T00:00:00.000Z',
    reporter: 'p',
    version: 1,
  });
  return {
    id: sealed.id,
    type,
    data,
    metadata: metadataText(sealed),
    stream,
    revision: 0n,
    position: BigInt(position),
  };
}

/** A store of which only reading and pushing matter here. */
function storeOf(pages: readonly (readonly StoredEvent[])[]) {
  const state: { handler?: SubscriptionHandler; closed: boolean; taken: number } = { closed: false, taken: 0 };
  const store = {
    async *readAll() {
      yield* pages;
    },
    subscribe(_from: bigint | undefined, handler: SubscriptionHandler) {
      state.handler = handler;
      const pushing = (async () => {
        for (const page of pages) {
          if (state.closed) return;
          await handler.batch(page);
          state.taken += 1;
        }
      })();
      return {
        close: async () => {
          state.closed = true;
          await pushing;
        },
      };
    },
  } as unknown as EventStore;
  return { store, state };
}

const pages = [
  [stored('ledger', 1), stored('contract-A', 2)],
  [stored('party-x', 3)],
  [stored('contract-B', 4), stored('contract-A', 5)],
];
const signal = () => new AbortController().signal;

async function positions(feed: AsyncIterable<readonly { contract: string; event: { position: bigint } }[]>) {
  const found: string[] = [];
  for await (const page of feed) {
    expect(page.length).toBeGreaterThan(0);
    for (const { contract, event } of page) found.push(`${contract}@${event.position}`);
  }
  return found;
}

test('events of contracts, and no others, up to the limit', async () => {
  const { store } = storeOf(pages);
  const read = (limit: number) =>
    positions(new StoreFeed(store).read(undefined, { follow: false, limit, signal: signal() }));
  expect(await read(100)).toEqual(['A@2', 'B@4', 'A@5']);
  expect(await read(2)).toEqual(['A@2', 'B@4']);
});

test('following takes a page only when the one before is taken, and ends when it is told to', async () => {
  const { store, state } = storeOf(pages);
  const stop = new AbortController();
  const feed = new StoreFeed(store).read(undefined, { follow: true, limit: 100, signal: stop.signal });
  expect((await feed.next()).value?.length).toBe(1);
  await pause(5);
  expect(state.taken).toBe(0);
  expect((await feed.next()).value?.length).toBe(2);
  const last = feed.next();
  await pause(5);
  expect(state.taken).toBe(3);
  stop.abort();
  expect(await last).toEqual({ done: true, value: undefined });
  expect(state.closed).toBe(true);
});

test('who stops reading in the middle of a page closes the subscription', async () => {
  const { store, state } = storeOf(pages);
  const feed = new StoreFeed(store).read(undefined, { follow: true, limit: 100, signal: signal() });
  await feed.next();
  await feed.return();
  expect(state.closed).toBe(true);
});

test('a subscription that ends is an error, unless the store was closed', async () => {
  for (const [code, outcome] of [
    ['store-unavailable', 'store-unavailable'],
    ['store-closed', 'done'],
  ] as const) {
    const { store, state } = storeOf([]);
    const feed = new StoreFeed(store).read(undefined, { follow: true, limit: 1, signal: signal() });
    const next = feed.next().then(
      () => 'done',
      (error: EventStoreError) => error.code,
    );
    await pause(1);
    state.handler?.ended?.(new EventStoreError(code, 'x'));
    expect(await next).toBe(outcome);
  }
});

test('a line tells what a correction names, with the source it means', async () => {
  const data = '{"event":{"id":"e1"},"reason":"did-not-occur"}';
  const { store } = storeOf([[stored('contract-A', 9, 'EventCorrected', data)]]);
  for await (const page of new StoreFeed(store).read(undefined, { follow: false, limit: 1, signal: signal() }))
    expect(page.map((entry) => JSON.parse(feedLine(entry)))).toEqual([
      expect.objectContaining({
        contract: 'A',
        data: JSON.parse(data),
        corrects: { id: 'e1', source: 'urn:waybook:party:p' },
      }),
    ]);
});

describe('the heartbeat', () => {
  test('comes while nothing else does, and loses nothing', async () => {
    async function* slow() {
      yield 'a';
      await pause(40);
      yield 'b';
    }
    const pieces: string[] = [];
    for await (const piece of withHeartbeat(slow(), 10)) pieces.push(piece);
    expect(pieces[0]).toBe('a');
    expect(pieces.at(-1)).toBe('b');
    expect(pieces.slice(1, -1).length).toBeGreaterThan(0);
    expect(pieces.slice(1, -1).every((piece) => piece === '\n')).toBe(true);
  });

  test('ends its source when it is given up', async () => {
    let ended = false;
    async function* endless() {
      try {
        for (;;) yield 'x';
      } finally {
        ended = true;
      }
    }
    for await (const _ of withHeartbeat(endless(), 1_000)) break;
    expect(ended).toBe(true);
  });
});
