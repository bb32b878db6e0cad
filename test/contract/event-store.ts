import { randomUUID } from 'node:crypto';
import type { EventStore, StoredEvent } from '../../src/event-store/event-store.js';
import { describeAppends, describeRepeats } from './event-store-appends.js';
import type { NotApplicable, StoreUnderTest } from './event-store-support.js';
import { all, event, events, failure, freshStream, ids } from './event-store-support.js';
import { describeSubscriptions } from './event-store-subscriptions.js';

/**
 * Every promise of the port, as tests that any adapter must pass. They may run on a server that others use too: each
 * test writes to streams of its own and looks only at those.
 *
 * @param open makes a store ready for use; called once for most tests and again for those that close it
 * @param without names what this kind of store cannot do, with the reason; what is not named here must be offered
 */
export function describeEventStore(
  name: string,
  open: () => Promise<StoreUnderTest>,
  without: NotApplicable = {},
): void {
  describe(`${name} as an event store`, () => {
    let opened: StoreUnderTest;
    let store: EventStore;
    beforeAll(async () => {
      opened = await open();
      store = opened.store;
    });
    afterAll(() => opened?.close());

    describeAppends(() => store);
    describeRepeats(() => store);
    describeContent(() => store);
    describeReads(() => store);
    describeStreams(() => store, without);
    describeSubscriptions(() => store, open, without);
    describeClosing(open, without);
  });
}

function describeContent(store: () => EventStore): void {
  describe('what is stored', () => {
    const contents: readonly [string, string][] = [
      ['an empty object', '{}'],
      ['NUL as JSON escapes it', String.raw`{"text":"a\u0000b"}`],
      ['line and paragraph separators', '{"text":"\u2028\u2029"}'],
      ['emoji and letters beyond the basic plane', '{"text":"🚢 漢字 𝒳 é e\u0301 \u{10FFFF}","🚢":true}'],
      ['escapes', String.raw`{"text":"\"\\\b\f\n\r\t\u001f/"}`],
      ['numbers at their edges', '{"big":9007199254740991,"exp":1e+21,"low":-9007199254740991,"small":1e-7,"zero":0}'],
      ['names of prototypes', '{"__proto__":{"a":1},"constructor":1,"toString":null}'],
      ['depth', `{"deep":${'['.repeat(30)}1${']'.repeat(30)}}`],
      ['quotes of the query language', `{"text":"'; DROP TABLE events; --"}`],
    ];
    it.each(contents)('comes back as the same text: %s', async (_, text) => {
      const stream = freshStream();
      const appended = [event(0, text, text), event(1, text, '{}')];
      await store().append(stream, 'no-stream', appended);
      const found = await all(store().readStream(stream));
      expect(found.map(({ id, type, data, metadata }) => ({ id, type, data, metadata }))).toEqual(appended);
    });

    it('has its own id, type, stream, revision and position', async () => {
      const stream = `party-${randomUUID()}`;
      const one = { ...event(), type: 'T'.repeat(128) };
      const { position } = await store().append(stream, 'no-stream', [one]);
      expect(await all(store().readStream(stream))).toEqual([{ ...one, stream, revision: 0n, position }]);
    });

    it('tells streams apart that differ only in case', async () => {
      const stream = freshStream();
      const named = [`${stream}-a`, `${stream}-A`, `${stream}-`];
      for (const [at, one] of named.entries()) await store().append(one, 'no-stream', events(at + 1));
      const found = await Promise.all(named.map((one) => all(store().readStream(one))));
      expect(found.map(({ length }) => length)).toEqual([1, 2, 3]);
    });
  });
}

function describeReads(store: () => EventStore): void {
  describe('readStream', () => {
    const stream = freshStream();
    const numbers = (from: number, to: number): readonly number[] =>
      from <= to
        ? Array.from({ length: to - from + 1 }, (_, at) => from + at)
        : Array.from({ length: from - to + 1 }, (_, at) => from - at);
    const revisions = (found: readonly StoredEvent[]) => found.map(({ revision }) => Number(revision));
    beforeAll(async () => {
      await store().append(stream, 'no-stream', events(1200));
    });

    const cases: readonly [
      string,
      Parameters<EventStore['readStream']>[1],
      'forwards' | 'backwards',
      number | undefined,
      readonly number[],
    ][] = [
      ['forwards, whole', undefined, 'forwards', undefined, numbers(0, 1199)],
      ['forwards from 0', 0n, 'forwards', undefined, numbers(0, 1199)],
      ['forwards from within', 1190n, 'forwards', undefined, numbers(1190, 1199)],
      ['forwards from the last', 1199n, 'forwards', undefined, [1199]],
      ['forwards from past the end', 1200n, 'forwards', undefined, []],
      ['forwards, one', undefined, 'forwards', 1, [0]],
      ['forwards, limited across pages', 100n, 'forwards', 1050, numbers(100, 1149)],
      ['forwards, limited past the end', 1198n, 'forwards', 10, [1198, 1199]],
      ['forwards, none', undefined, 'forwards', 0, []],
      ['backwards, whole', undefined, 'backwards', undefined, numbers(1199, 0)],
      ['backwards from within', 1100n, 'backwards', undefined, numbers(1100, 0)],
      ['backwards from the start', 0n, 'backwards', undefined, [0]],
      ['backwards, one', undefined, 'backwards', 1, [1199]],
      ['backwards, limited across pages', 1100n, 'backwards', 1050, numbers(1100, 51)],
      ['backwards, limited past the start', 1n, 'backwards', 10, [1, 0]],
      ['backwards, none', 5n, 'backwards', 0, []],
    ];
    it.each(cases)('gives a stream %s', async (_, from, direction, limit, expected) => {
      expect(revisions(await all(store().readStream(stream, from, direction, limit)))).toEqual(expected);
    });

    it('gives nothing of a stream that does not exist', async () => {
      const missing = freshStream();
      expect(await all(store().readStream(missing))).toEqual([]);
      expect(await all(store().readStream(missing, undefined, 'backwards'))).toEqual([]);
      expect(await all(store().readStream(missing, 3n, 'forwards', 1))).toEqual([]);
    });

    it('gives the same stream to readers at once, and may be left in the middle', async () => {
      const left: number[] = [];
      for await (const page of store().readStream(stream)) {
        left.push(page.length);
        break;
      }
      const both = await Promise.all([
        all(store().readStream(stream)),
        all(store().readStream(stream, undefined, 'backwards')),
      ]);
      expect(left).toHaveLength(1);
      expect(revisions(both[0])).toEqual(numbers(0, 1199));
      expect(revisions(both[1])).toEqual(numbers(1199, 0));
    });

    it('does not hold up appends, also to the stream being read', async () => {
      const mine = freshStream();
      await store().append(mine, 'no-stream', events(1200));
      let revision = 1199n;
      const found: StoredEvent[] = [];
      for await (const page of store().readStream(mine, undefined, 'forwards', 1200)) {
        ({ revision } = await store().append(mine, revision, events(1)));
        found.push(...page);
      }
      expect(revisions(found)).toEqual(numbers(0, 1199));
      expect(revision).toBeGreaterThan(1199n);
    });
  });

  describe('readAll and head', () => {
    const own = (found: readonly StoredEvent[], ...streams: readonly string[]) =>
      found.filter(({ stream }) => streams.includes(stream));

    it('gives the events of all streams in the order of their positions, which rise', async () => {
      const [a, b] = [freshStream(), freshStream()];
      const batches = [events(2), events(2), events(600), events(3)] as const;
      await store().append(a, 'no-stream', batches[0]);
      await store().append(b, 'no-stream', batches[1]);
      await store().append(a, 1n, batches[2]);
      const last = await store().append(b, 1n, batches[3]);
      const found = await all(store().readAll());
      expect(ids(own(found, a, b))).toEqual(ids(batches.flat()));
      expect(own(found, b).map(({ revision }) => revision)).toEqual([0n, 1n, 2n, 3n, 4n]);
      expect(own(found, b).at(-1)?.position).toBe(last.position);
      const falling = found.filter(({ position }, at) => at > 0 && position <= (found[at - 1]?.position ?? -1n));
      expect(falling).toEqual([]);
    });

    it('begins after the given position', async () => {
      const stream = freshStream();
      const before = await store().append(stream, 'no-stream', events(2));
      const batch = events(3);
      const after = await store().append(stream, 1n, batch);
      expect(ids(own(await all(store().readAll(before.position)), stream))).toEqual(ids(batch));
      expect(own(await all(store().readAll(after.position)), stream)).toEqual([]);
      const positions = (await all(store().readStream(stream))).map(({ position }) => position);
      expect(ids(own(await all(store().readAll(positions[3])), stream))).toEqual(ids(batch.slice(2)));
    });

    it('gives at most limit events, the first of those that follow', async () => {
      const stream = freshStream();
      const { position } = await store().append(stream, 'no-stream', events(1));
      await store().append(stream, 0n, events(1200));
      const whole = await all(store().readAll(position));
      expect(whole.length).toBeGreaterThanOrEqual(1200);
      for (const limit of [0, 1, 7, 1100])
        expect(ids(await all(store().readAll(position, limit)))).toEqual(ids(whole.slice(0, limit)));
    });

    it('goes backwards from the given position, which belongs to what is asked for, and from the head', async () => {
      const stream = freshStream();
      const { position } = await store().append(stream, 'no-stream', events(3));
      await store().append(stream, 2n, events(1200));
      const since = await all(store().readAll(position));
      const stored = await all(store().readStream(stream));
      const before = await all(store().readAll(stored[2]?.position, 3, 'backwards'));
      expect(own(before, stream)).toEqual(stored.slice(0, 3).toReversed());
      const last = since.at(-1)?.position;
      for (const limit of [0, 1, 7, 1100])
        expect(ids(await all(store().readAll(last, limit, 'backwards')))).toEqual(
          ids(since.toReversed().slice(0, limit)),
        );
      const head = await store().head();
      expect((await all(store().readAll(undefined, 1, 'backwards')))[0]?.id).toBe(head?.id);
    });

    it('gives the same events as reading their stream does', async () => {
      const stream = freshStream();
      const { position } = await store().append(freshStream(), 'no-stream', events(1));
      await store().append(stream, 'no-stream', [event('é🚢', '{"n":"é🚢"}', '{}'), event()]);
      expect(own(await all(store().readAll(position)), stream)).toEqual(await all(store().readStream(stream)));
    });

    it('names in head the last event of all', async () => {
      const stream = freshStream();
      const batch = events(3);
      const { position } = await store().append(stream, 'no-stream', batch);
      const head = await store().head();
      // Others may write to the same server: then the head is an event of theirs, which stands in readAll as well.
      const since = [...(await all(store().readStream(stream, 2n))), ...(await all(store().readAll(position)))];
      expect(head?.position).toBeGreaterThanOrEqual(position);
      expect(since.find(({ id }) => id === head?.id)?.position).toBe(head?.position);
    });
  });
}

function describeStreams(store: () => EventStore, { streams: reason }: NotApplicable): void {
  (reason === undefined ? describe : describe.skip)(`streams${reason === undefined ? '' : ` (${reason})`}`, () => {
    it('are listed by prefix in the order of their names, each as far as it goes at a position', async () => {
      const prefix = `contract-${randomUUID()}-`;
      const names = Array.from({ length: 1_100 }, (_, n) => `${prefix}${String((n * 7) % 1_100).padStart(4, '0')}`);
      for (const name of names) await store().append(name, 'no-stream', events(1));
      const { position } = await store().append(names[0]!, 0n, events(3));
      await store().append(names[0]!, 3n, events(2));
      await store().append(names[1]!, 0n, events(1));
      await store().append(`${prefix}late`, 'no-stream', events(1));
      const found: (readonly [string, bigint])[] = [];
      for await (const page of store().streams!(prefix, position)) {
        expect(page.length).toBeGreaterThan(0);
        for (const { stream, revision } of page) found.push([stream, revision]);
      }
      expect(found).toEqual(names.toSorted().map((name) => [name, name === names[0] ? 3n : 0n]));
    });

    it('are none where nothing begins so', async () => {
      const { position } = await store().append(freshStream(), 'no-stream', events(1));
      let pages = 0;
      for await (const page of store().streams!(`contract-${randomUUID()}`, position)) pages += page.length;
      expect(pages).toBe(0);
    });
  });
}

function describeClosing(open: () => Promise<StoreUnderTest>, without: NotApplicable): void {
  describe('close', () => {
    it('may be called twice, and every call after it is refused as store-closed', async () => {
      const { store, close } = await open();
      try {
        const stream = freshStream();
        await store.append(stream, 'no-stream', events(1));
        await store.close();
        await store.close();
        const calls: readonly (() => unknown)[] = [
          () => store.append(stream, 0n, events(1)),
          () => all(store.readStream(stream)),
          () => all(store.readAll()),
          () => store.subscribe(undefined, { batch: () => undefined }),
          () => store.head(),
        ];
        for (const call of calls) expect(await failure(call)).toMatchObject({ code: 'store-closed', retryable: false });
      } finally {
        await close();
      }
    });

    it('lets appends under way finish', async () => {
      const { store, close } = await open();
      try {
        const appends = Array.from({ length: 20 }, () => store.append(freshStream(), 'no-stream', events(5)));
        const closing = store.close();
        expect((await Promise.all(appends)).map(({ revision }) => revision)).toEqual(appends.map(() => 4n));
        await closing;
      } finally {
        await close();
      }
    });

    const title = 'keeps what was appended, and repeats are still recognised';
    if (without.reopen !== undefined) it.skip(`${title} (${without.reopen})`, () => undefined);
    else
      it(title, async () => {
        const { store, reopen, close } = await open();
        try {
          if (reopen === undefined) throw new Error('offer `reopen`, or give the reason in `without`');
          const stream = freshStream();
          const [start, next] = [events(2), events(2)];
          const first = await store.append(stream, 'no-stream', start);
          const second = await store.append(stream, 1n, next);
          const before = await all(store.readStream(stream));
          const again = await reopen();
          expect(await all(again.readStream(stream))).toEqual(before);
          expect(await again.append(stream, 'no-stream', start)).toEqual(first);
          expect(await again.append(stream, 1n, next)).toEqual(second);
          expect(await failure(() => again.append(stream, 1n, events(1)))).toMatchObject({ actual: 3n });
          const third = await again.append(stream, 3n, events(1));
          expect(third.revision).toBe(4n);
          expect(third.position).toBeGreaterThan(second.position);
        } finally {
          await close();
        }
      });
  });
}
