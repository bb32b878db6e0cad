import {
  EventStoreError,
  type EventStore,
  type StoredEvent,
  type SubscriptionHandler,
} from '../event-store/event-store.js';
import { Feed } from './feed.js';

const stored = (n: number, bytes = 10): StoredEvent => ({
  stream: 'contract-a',
  revision: BigInt(n),
  position: BigInt(n + 1),
  id: `${n}`,
  type: 'T',
  data: 'x'.repeat(bytes),
  metadata: '{}',
});
const many = (from: number, count: number, bytes?: number) =>
  Array.from({ length: count }, (_, n) => stored(from + n, bytes));

describe('the feed', () => {
  let handler: SubscriptionHandler;
  let present: StoredEvent | undefined;
  const store = {
    subscribe: (_: unknown, given: SubscriptionHandler) => {
      handler = given;
      return { close: () => Promise.resolve() };
    },
    readStream: async function* () {
      yield present === undefined ? [] : [present];
    },
  } as unknown as EventStore;
  const ids = (events: readonly StoredEvent[] | undefined) => events?.map(({ id }) => Number(id));

  it('joins small batches, cuts large ones, and keeps the order', async () => {
    const feed = new Feed(store, undefined);
    handler.live?.(0n);
    expect(await feed.next(8)).toEqual([]);
    for (let n = 0; n < 6; n += 1) void handler.batch([stored(n)]);
    void handler.batch(many(6, 6));
    expect(ids(await feed.next(8))).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(feed.queued).toBe(4);
    expect(ids(await feed.next(8))).toEqual([8, 9, 10, 11]);
    const waiting = feed.next(8);
    void handler.batch([stored(12)]);
    expect(ids(await waiting)).toEqual([12]);
    await feed.close();
    expect(await feed.next(8)).toBeUndefined();
  });

  it('waits for a full batch while it is catching up, and for no more than there is', async () => {
    const feed = new Feed(store, undefined);
    const full = feed.next(5);
    void handler.batch(many(0, 4));
    void handler.batch(many(4, 4));
    expect(ids(await full)).toEqual([0, 1, 2, 3, 4]);
    const rest = feed.next(5);
    handler.live?.(8n);
    expect(ids(await rest)).toEqual([5, 6, 7]);
    await feed.close();
  });

  it('lets the store go on when a larger batch is wanted than before', async () => {
    const feed = new Feed(store, undefined);
    let pushed = false;
    const first = Promise.resolve(handler.batch(many(0, 3_000))).then(() => (pushed = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect(pushed).toBe(false);
    const large = feed.next(5_000);
    await first;
    void handler.batch(many(3_000, 3_000));
    expect(await large).toHaveLength(5_000);
    await feed.close();
  });

  it('says once that it has come to the head, and what was there then', async () => {
    const feed = new Feed(store, undefined);
    void handler.batch(many(0, 3));
    handler.live?.(99n);
    expect([feed.atHead, feed.liveFrom]).toEqual([false, 3n]);
    expect(ids(await feed.next(2))).toEqual([0, 1]);
    expect(ids(await feed.next(2))).toEqual([2]);
    expect(await feed.next(2)).toEqual([]);
    expect(feed.atHead).toBe(true);
    void handler.batch([stored(3)]);
    expect(ids(await feed.next(2))).toEqual([3]);
    handler.lost?.(new EventStoreError('store-unavailable', 'away'));
    expect([feed.atHead, feed.liveFrom]).toEqual([false, 3n]);
    await feed.close();
  });

  it.each([
    ['events', 5_000, 10],
    ['bytes', 40, 900_000],
  ])('holds the store up when too many %s wait', async (_, count, bytes) => {
    const feed = new Feed(store, undefined);
    let taken = false;
    const pushed = Promise.resolve(handler.batch(many(0, count, bytes))).then(() => (taken = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect(taken).toBe(false);
    handler.live?.(0n);
    let left = count;
    while (left > 0) {
      const events = await feed.next(1_000);
      expect(events!.length * bytes).toBeLessThan(10_000_000);
      left -= events!.length;
    }
    await pushed;
    expect(left).toBe(0);
    await feed.close();
  });

  it('ends where the last event read is gone after the connection was lost, and goes on where it is there', async () => {
    const feed = new Feed(store, undefined);
    void handler.batch(many(0, 2));
    present = stored(1);
    await handler.restored?.();
    expect(ids(await feed.next(1))).toEqual([0]);
    for (const wrong of [undefined, { ...stored(1), id: 'other' }, { ...stored(1), position: 7n }]) {
      present = wrong;
      await expect(Promise.resolve(handler.restored?.())).rejects.toMatchObject({ name: 'HistoryChanged' });
    }
    await expect(feed.next(1)).rejects.toMatchObject({ name: 'HistoryChanged' });
    await feed.close();
  });

  it('passes on why the subscription has ended', async () => {
    const feed = new Feed(store, undefined);
    const waiting = feed.next(1);
    handler.ended?.(new EventStoreError('store-damaged', 'no'));
    await expect(waiting).rejects.toMatchObject({ code: 'store-damaged' });
    await feed.close();
  });
});
