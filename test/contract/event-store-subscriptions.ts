import type { EventStore } from '../../src/event-store/event-store.js';
import type { NotApplicable, StoreUnderTest } from './event-store-support.js';
import {
  Recorder,
  all,
  appendSurely,
  event,
  events,
  failure,
  freshStream,
  ids,
  pause,
  withSubscription,
} from './event-store-support.js';

/** The part of the behaviour suite about `subscribe`; see `event-store.ts`. */
export function describeSubscriptions(
  store: () => EventStore,
  open: () => Promise<StoreUnderTest>,
  without: NotApplicable,
): void {
  describe('subscribe', () => {
    describeDelivery(store);
    describeEnding(store, open);
    describeLostConnection(open, without);
  });
}

function describeDelivery(store: () => EventStore): void {
  it('catches up from the beginning and goes live while appends go on, without a gap or a repeat', async () => {
    const [a, b] = [freshStream(), freshStream()];
    await store().append(a, 'no-stream', events(700));
    await store().append(b, 'no-stream', events(1));
    const recorder = new Recorder(a, b);
    await withSubscription(store(), undefined, recorder, async () => {
      let [inA, inB] = [699n, 0n];
      for (let at = 0; at < 60; at++) {
        ({ revision: inA } = await store().append(a, inA, events(1)));
        ({ revision: inB } = await store().append(b, inB, events(3)));
        if (at % 10 === 0) await pause(5);
      }
      await recorder.received(700 + 1 + 60 * 4);
      await recorder.told('live');
      await store().append(a, inA, events(1));
      await recorder.received(700 + 1 + 60 * 4 + 1);
    });
    const written = (await all(store().readAll())).filter(({ stream }) => stream === a || stream === b);
    expect(recorder.events).toEqual(written);
    expect(recorder.broken).toEqual([]);
    expect(recorder.heard.map(({ what }) => what)).not.toContain('ended');
  });

  it('begins after the given position', async () => {
    const stream = freshStream();
    await store().append(stream, 'no-stream', events(5));
    const stored = await all(store().readStream(stream));
    const recorder = new Recorder(stream);
    await withSubscription(store(), stored[2]?.position, recorder, async () => {
      await recorder.told('live');
      await store().append(stream, 4n, events(2));
      await recorder.received(4);
    });
    expect(recorder.events.map(({ revision }) => revision)).toEqual([3n, 4n, 5n, 6n]);
    expect(recorder.broken).toEqual([]);
  });

  it('says that it is live when there is nothing to catch up with, and then pushes', async () => {
    const stream = freshStream();
    await store().append(stream, 'no-stream', events(2));
    const head = await store().head();
    const recorder = new Recorder(stream);
    await withSubscription(store(), head?.position, recorder, async () => {
      await recorder.told('live');
      expect(recorder.events).toEqual([]);
      const said = recorder.heard.find(({ what }) => what === 'live');
      expect(said).toMatchObject({ what: 'live' });
      if (said?.what === 'live') expect(said.position).toBeGreaterThanOrEqual(head?.position ?? 0n);
      const batch = events(3);
      await store().append(stream, 1n, batch);
      await recorder.received(3);
      expect(ids(recorder.events)).toEqual(ids(batch));
    });
    expect(recorder.broken).toEqual([]);
  });

  it('has delivered everything up to the head when it says so', async () => {
    const stream = freshStream();
    await store().append(stream, 'no-stream', events(1500));
    const stored = await all(store().readStream(stream));
    const recorder = new Recorder(stream);
    await withSubscription(store(), stored[0]?.position, recorder, () => recorder.told('live'));
    expect(recorder.events).toHaveLength(1499);
    expect(recorder.broken).toEqual([]);
  });

  it('delivers appends made at once, in the order of their positions', async () => {
    const streams = Array.from({ length: 20 }, freshStream);
    const recorder = new Recorder(...streams);
    const head = await store().head();
    await withSubscription(store(), head?.position, recorder, async () => {
      await recorder.told('live');
      const appends = streams.flatMap((stream) => [0, 1, 2].map(() => store().append(stream, 'any', events(2))));
      await Promise.all(appends);
      await recorder.received(120);
    });
    expect(recorder.broken).toEqual([]);
    for (const stream of streams) {
      const mine = recorder.events.filter((one) => one.stream === stream);
      expect(mine.map(({ revision }) => revision)).toEqual([0n, 1n, 2n, 3n, 4n, 5n]);
    }
  });

  it('waits for a slow handler, and leaves nothing out for it', async () => {
    const stream = freshStream();
    await store().append(stream, 'no-stream', events(1));
    const head = await store().head();
    const recorder = new Recorder(stream);
    let calls = 0;
    recorder.during = () => pause(calls++ < 20 ? 20 : 0);
    await withSubscription(store(), head?.position, recorder, async () => {
      await recorder.told('live');
      let revision = 0n;
      for (let at = 0; at < 60; at++) ({ revision } = await store().append(stream, revision, events(50)));
      await recorder.received(3000);
    });
    expect(recorder.events.map(({ revision }) => Number(revision))).toEqual(
      Array.from({ length: 3000 }, (_, at) => at + 1),
    );
    expect(recorder.broken).toEqual([]);
  });

  it('does not let a handler that stands still hold up another subscription or an append', async () => {
    const stream = freshStream();
    await store().append(stream, 'no-stream', events(1));
    const head = await store().head();
    const [still, other] = [new Recorder(stream), new Recorder(stream)];
    let goOn: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    still.during = () => gate;
    await withSubscription(store(), head?.position, still, () =>
      withSubscription(store(), head?.position, other, async () => {
        await Promise.all([still.told('live'), other.told('live')]);
        for (let at = 0; at < 10; at++) await store().append(stream, BigInt(at), events(1));
        await other.received(10);
        expect(still.events).toEqual([]);
        goOn();
        await still.received(10);
      }),
    );
    expect(ids(still.events)).toEqual(ids(other.events));
    expect([...still.broken, ...other.broken]).toEqual([]);
  });
}

function describeEnding(store: () => EventStore, open: () => Promise<StoreUnderTest>): void {
  it.each([
    [
      'throws',
      () => {
        throw new Error('the handler broke');
      },
    ],
    ['rejects', () => Promise.reject(new Error('the handler broke'))],
  ] as const)('ends when a handler %s, says why, and calls it no more', async (_, during) => {
    const stream = freshStream();
    await store().append(stream, 'no-stream', events(1));
    const head = await store().head();
    const recorder = new Recorder(stream);
    let calls = 0;
    recorder.during = () => {
      calls++;
      return during();
    };
    await withSubscription(store(), head?.position, recorder, async () => {
      await recorder.told('live');
      await store().append(stream, 0n, events(2));
      await recorder.told('ended');
      const after = recorder.heard.length;
      await store().append(stream, 2n, events(2));
      await pause(100);
      expect(recorder.heard).toHaveLength(after);
    });
    const ended = recorder.heard.flatMap((one) => (one.what === 'ended' ? [one.error] : []));
    expect(ended).toHaveLength(1);
    expect(ended[0]).toMatchObject({ name: 'EventStoreError', cause: { message: 'the handler broke' } });
    expect(calls).toBe(1);
    expect(recorder.events).toEqual([]);
  });

  it('ends quietly on close: nothing is called after it', async () => {
    const stream = freshStream();
    await store().append(stream, 'no-stream', events(1));
    const head = await store().head();
    const recorder = new Recorder(stream);
    const subscription = store().subscribe(head?.position, recorder);
    await recorder.told('live');
    await store().append(stream, 0n, events(1));
    await recorder.received(1);
    await subscription.close();
    const before = recorder.heard.length;
    await store().append(stream, 1n, events(5));
    await subscription.close();
    await pause(100);
    expect(recorder.heard).toHaveLength(before);
    expect(recorder.heard.map(({ what }) => what)).not.toContain('ended');
  });

  it('ends quietly on close in the middle of catching up', async () => {
    const stream = freshStream();
    const { position } = await store().append(stream, 'no-stream', [event()]);
    for (let at = 0; at < 3; at++) await store().append(stream, BigInt(at * 1000), events(1000));
    const recorder = new Recorder(stream);
    recorder.during = () => pause(1);
    const subscription = store().subscribe(position, recorder);
    await recorder.received(1);
    await subscription.close();
    const before = recorder.heard.length;
    await pause(100);
    expect(recorder.heard).toHaveLength(before);
    expect(recorder.heard.map(({ what }) => what)).not.toContain('ended');
  });

  it('ends quietly when the store is closed, and cannot be had any more', async () => {
    const opened = await open();
    try {
      const stream = freshStream();
      const recorder = new Recorder(stream);
      opened.store.subscribe(undefined, recorder);
      await recorder.told('live');
      await opened.store.append(stream, 'no-stream', events(1));
      await recorder.received(1);
      await opened.store.close();
      const before = recorder.heard.length;
      await pause(100);
      expect(recorder.heard).toHaveLength(before);
      expect(recorder.heard.map(({ what }) => what)).not.toContain('ended');
      expect(await failure(() => opened.store.subscribe(undefined, recorder))).toMatchObject({ code: 'store-closed' });
    } finally {
      await opened.close();
    }
  });
}

function describeLostConnection(open: () => Promise<StoreUnderTest>, without: NotApplicable): void {
  const title = 'goes on by itself after the connection was lost, without a gap or a repeat';
  if (without.loseConnection !== undefined) {
    it.skip(`${title} (${without.loseConnection})`, () => undefined);
    return;
  }
  it(title, async () => {
    const { store, loseConnection, close } = await open();
    try {
      if (loseConnection === undefined) throw new Error('offer `loseConnection`, or give the reason in `without`');
      const stream = freshStream();
      await appendSurely(store, stream, 'no-stream', events(3));
      const recorder = new Recorder(stream);
      await withSubscription(store, undefined, recorder, async () => {
        await recorder.told('live');
        const before = recorder.heard.length;
        await loseConnection();
        await appendSurely(store, stream, 2n, events(4));
        await recorder.received(7);
        await loseConnection();
        await appendSurely(store, stream, 6n, events(2));
        await recorder.received(9);
        const since = recorder.heard.slice(before).map(({ what }) => what);
        expect(since.indexOf('lost')).toBeGreaterThanOrEqual(0);
        expect(since.indexOf('restored')).toBeGreaterThan(since.indexOf('lost'));
        expect(since.indexOf('batch')).toBeGreaterThan(since.indexOf('restored'));
        expect(since).not.toContain('ended');
      });
      expect(recorder.events.map(({ revision }) => Number(revision))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
      expect(recorder.broken).toEqual([]);
    } finally {
      await close();
    }
  });
}
