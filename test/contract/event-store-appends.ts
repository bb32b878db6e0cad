import type { EventStore, EventToAppend, ExpectedRevision } from '../../src/event-store/event-store.js';
import { MAX_APPEND_BYTES } from '../../src/event-store/event-store.js';
import { all, event, eventOfBytes, events, failure, freshStream, ids } from './event-store-support.js';

/** The part of the behaviour suite about `append`; see `event-store.ts`. */
export function describeAppends(store: () => EventStore): void {
  describe('append', () => {
    it('starts a stream with no-stream and goes on at the exact revision', async () => {
      const stream = freshStream();
      const [first, second] = [events(2), events(3, 2)];
      const one = await store().append(stream, 'no-stream', first);
      const two = await store().append(stream, one.revision, second);
      expect([one.revision, two.revision]).toEqual([1n, 4n]);
      const found = await all(store().readStream(stream));
      expect(ids(found)).toEqual(ids([...first, ...second]));
      expect(found.map(({ revision }) => revision)).toEqual([0n, 1n, 2n, 3n, 4n]);
      expect([found[1]?.position, found[4]?.position]).toEqual([one.position, two.position]);
    });

    it('takes any revision with any, on a missing and on an existing stream', async () => {
      const stream = freshStream();
      const one = await store().append(stream, 'any', events(1));
      const two = await store().append(stream, 'any', events(2));
      expect([one.revision, two.revision]).toEqual([0n, 2n]);
      const found = await all(store().readStream(stream));
      expect([found[0]?.position, found[2]?.position]).toEqual([one.position, two.position]);
    });

    const conflicts: readonly [string, number, ExpectedRevision, bigint | 'no-stream'][] = [
      ['no-stream on an existing stream', 2, 'no-stream', 1n],
      ['an exact revision that is behind', 3, 0n, 2n],
      ['an exact revision that is ahead', 2, 2n, 1n],
      ['an exact revision that is far ahead', 1, 2n ** 53n + 1n, 0n],
      ['an exact revision on a missing stream', 0, 0n, 'no-stream'],
      ['a later exact revision on a missing stream', 0, 7n, 'no-stream'],
    ];
    it.each(conflicts)('refuses %s, says what is there, and writes nothing', async (_, existing, expected, actual) => {
      const stream = freshStream();
      if (existing > 0) await store().append(stream, 'no-stream', events(existing));
      const error = await failure(() => store().append(stream, expected, events(2)));
      expect(error).toMatchObject({ code: 'wrong-expected-revision', stream, actual, retryable: false });
      expect(await all(store().readStream(stream))).toHaveLength(existing);
    });

    it('goes on after a conflict at the revision that the conflict named', async () => {
      const stream = freshStream();
      await store().append(stream, 'no-stream', events(3));
      const { actual } = await failure(() => store().append(stream, 0n, events(1)));
      expect(await store().append(stream, actual ?? 'any', events(1))).toMatchObject({ revision: 3n });
    });

    it('keeps the order of a batch of 2,000 events', async () => {
      const stream = freshStream();
      const batch = events(2000);
      expect(await store().append(stream, 'no-stream', batch)).toMatchObject({ revision: 1999n });
      expect(ids(await all(store().readStream(stream)))).toEqual(ids(batch));
    });

    it('takes 50 appends at once to one stream, each at a revision of its own', async () => {
      const stream = freshStream();
      const batches = Array.from({ length: 50 }, (_, at) => events(2, at * 2));
      const results = await Promise.all(batches.map((batch) => store().append(stream, 'any', batch)));
      const found = await all(store().readStream(stream));
      expect(found.map(({ revision }) => revision)).toEqual(Array.from({ length: 100 }, (_, at) => BigInt(at)));
      for (const [at, { revision, position }] of results.entries()) {
        const last = Number(revision);
        expect(ids(found.slice(last - 1, last + 1))).toEqual(ids(batches[at] ?? []));
        expect(found[last]?.position).toBe(position);
      }
    });

    it('takes 50 appends at once to 50 streams', async () => {
      const streams = Array.from({ length: 50 }, freshStream);
      const results = await Promise.all(streams.map((stream) => store().append(stream, 'no-stream', events(3))));
      expect(results.map(({ revision }) => revision)).toEqual(streams.map(() => 2n));
      expect(new Set(results.map(({ position }) => position)).size).toBe(50);
      for (const stream of streams) expect(await all(store().readStream(stream))).toHaveLength(3);
    });

    it('lets one of 10 appends at once with no-stream win and tells the others what is there', async () => {
      const stream = freshStream();
      const batches = Array.from({ length: 10 }, () => events(1));
      const outcomes = await Promise.allSettled(batches.map((batch) => store().append(stream, 'no-stream', batch)));
      const won = batches.filter((_, at) => outcomes[at]?.status === 'fulfilled');
      const errors = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []));
      expect(won).toHaveLength(1);
      expect(errors).toHaveLength(9);
      for (const error of errors) expect(error).toMatchObject({ code: 'wrong-expected-revision', stream, actual: 0n });
      expect(ids(await all(store().readStream(stream)))).toEqual(ids(won[0] ?? []));
    });

    it('does not let an append that fails harm those made at the same time', async () => {
      const [good, bad, other] = [freshStream(), freshStream(), freshStream()];
      const [one, two, three, four] = await Promise.allSettled([
        store().append(good, 'no-stream', events(2)),
        store().append(bad, 5n, events(2)),
        store().append(bad, 'no-stream', [event(), { ...event(), id: 'no-uuid' }]),
        store().append(other, 'no-stream', events(1)),
      ]);
      expect([one, two, three, four]).toMatchObject([
        { status: 'fulfilled', value: { revision: 1n } },
        { status: 'rejected', reason: { code: 'wrong-expected-revision', actual: 'no-stream' } },
        { status: 'rejected', reason: { code: 'invalid-append' } },
        { status: 'fulfilled', value: { revision: 0n } },
      ]);
      expect(await all(store().readStream(bad))).toEqual([]);
    });

    const invalid: readonly [string, string | undefined, ExpectedRevision, () => readonly EventToAppend[]][] = [
      ['no events', undefined, 'no-stream', () => []],
      ['an id that is no UUID', undefined, 'no-stream', () => [{ ...event(), id: 'x' }]],
      ['an empty id', undefined, 'any', () => [{ ...event(), id: '' }]],
      ['an id in upper case', undefined, 'any', () => [{ ...event(), id: 'ABCDEF00-0000-4000-8000-000000000000' }]],
      ['one id twice', undefined, 'no-stream', () => [event(), ...Array<EventToAppend>(2).fill(event())]],
      ['an empty type', undefined, 'any', () => [{ ...event(), type: '' }]],
      ['a type of 129 characters', undefined, 'any', () => [{ ...event(), type: 'T'.repeat(129) }]],
      ['data that is no object', undefined, 'any', () => [event(0, '[1]')]],
      ['empty data', undefined, 'any', () => [event(0, '')]],
      ['metadata that is no object', undefined, 'any', () => [event(0, '{}', '"m"')]],
      ['a negative revision', undefined, -1n, () => events(1)],
      ['an empty stream name', '', 'any', () => events(1)],
      ['a stream that is not the ledger’s', 'orders-1', 'any', () => events(1)],
      ['a system stream', '$all', 'any', () => events(1)],
      ['a stream that only begins like the ledger’s', 'ledger2', 'any', () => events(1)],
      ['a contract without an id', 'contract-', 'any', () => events(1)],
      ['a contract id with a slash', 'contract-a/b', 'any', () => events(1)],
      ['a contract id with a newline', 'contract-a\n', 'any', () => events(1)],
      ['a contract id of 129 characters', `contract-${'c'.repeat(129)}`, 'any', () => events(1)],
    ];
    it.each(invalid)('refuses %s as invalid and goes on working', async (_, named, expected, make) => {
      const stream = named ?? freshStream();
      expect(await failure(() => store().append(stream, expected, make()))).toMatchObject({
        code: 'invalid-append',
        stream,
        retryable: false,
      });
      if (named === undefined)
        expect(await store().append(stream, 'no-stream', events(1))).toMatchObject({ revision: 0n });
    });

    it('takes an append of the largest size, as one event and as many', async () => {
      const [one, many] = [freshStream(), freshStream()];
      const largest = eventOfBytes(MAX_APPEND_BYTES);
      await store().append(one, 'no-stream', [largest]);
      const found = await all(store().readStream(one));
      expect(found.map(({ id, data }) => [id, data.length])).toEqual([[largest.id, largest.data.length]]);
      const tenth = Array.from({ length: 10 }, () => eventOfBytes(MAX_APPEND_BYTES / 10));
      expect(await store().append(many, 'no-stream', tenth)).toMatchObject({ revision: 9n });
      expect(ids(await all(store().readStream(many)))).toEqual(ids(tenth));
    });

    it('refuses an append one byte over the largest size, counted in bytes', async () => {
      const stream = freshStream();
      const half = eventOfBytes(MAX_APPEND_BYTES / 2);
      // "é" is one character and two bytes.
      const over = event(0, half.data.replace('xx', 'éx'));
      const code = 'append-too-large';
      expect(await failure(() => store().append(stream, 'any', [eventOfBytes(MAX_APPEND_BYTES + 1)]))).toMatchObject({
        code,
        stream,
        retryable: false,
      });
      expect(await failure(() => store().append(stream, 'any', [half, over]))).toMatchObject({ code });
      expect(await all(store().readStream(stream))).toEqual([]);
    });
  });
}

/** The same append again, as a caller does who does not know how it ended. */
export function describeRepeats(store: () => EventStore): void {
  describe('a repeated append', () => {
    it('is answered with the first result and writes nothing', async () => {
      const stream = freshStream();
      const [start, next] = [events(2), events(3)];
      const one = await store().append(stream, 'no-stream', start);
      expect(await store().append(stream, 'no-stream', start)).toEqual(one);
      const two = await store().append(stream, 1n, next);
      expect(await store().append(stream, 1n, next)).toEqual(two);
      expect(ids(await all(store().readStream(stream)))).toEqual(ids([...start, ...next]));
    });

    it('is answered so after others have appended, too', async () => {
      const stream = freshStream();
      const [start, next] = [events(2), events(2)];
      const one = await store().append(stream, 'no-stream', start);
      const two = await store().append(stream, 1n, next);
      await store().append(stream, 3n, events(600));
      expect(await store().append(stream, 'no-stream', start)).toEqual(one);
      expect(await store().append(stream, 1n, next)).toEqual(two);
      expect(await all(store().readStream(stream))).toHaveLength(604);
    });

    it('is answered so when both are under way at once', async () => {
      const stream = freshStream();
      const batch = events(3);
      const append = () => store().append(stream, 'no-stream', batch);
      const [one, two] = await Promise.all([append(), append()]);
      expect(two).toEqual(one);
      expect(ids(await all(store().readStream(stream)))).toEqual(ids(batch));
    });

    it('does not compare content, and the first content stays', async () => {
      const stream = freshStream();
      const first = event('first');
      const one = await store().append(stream, 'no-stream', [first]);
      expect(await store().append(stream, 'no-stream', [{ ...first, data: '{"n":"second"}' }])).toEqual(one);
      expect((await all(store().readStream(stream))).map(({ data }) => data)).toEqual(['{"n":"first"}']);
    });

    it('may be the first part of what was appended, and names the last event of that part', async () => {
      const stream = freshStream();
      const batch = events(3);
      await store().append(stream, 'no-stream', batch);
      const part = await store().append(stream, 'no-stream', batch.slice(0, 2));
      const found = await all(store().readStream(stream));
      expect(part).toEqual({ revision: 1n, position: found[1]?.position });
      expect(found).toHaveLength(3);
    });

    it('that only overlaps is a conflict', async () => {
      const stream = freshStream();
      const batch = events(2);
      await store().append(stream, 'no-stream', batch);
      const conflict = { code: 'wrong-expected-revision', stream, actual: 1n };
      const longer = () => store().append(stream, 'no-stream', [...batch, event()]);
      const shifted = () => store().append(stream, 0n, [...batch.slice(0, 1), event()]);
      const swapped = () => store().append(stream, 'no-stream', batch.slice().reverse());
      for (const repeat of [longer, shifted, swapped]) expect(await failure(repeat)).toMatchObject(conflict);
      expect(await all(store().readStream(stream))).toHaveLength(2);
    });

    it('on another stream is an append of its own', async () => {
      const batch = events(2);
      for (const stream of [freshStream(), freshStream()]) {
        expect(await store().append(stream, 'no-stream', batch)).toMatchObject({ revision: 1n });
        expect(ids(await all(store().readStream(stream)))).toEqual(ids(batch));
      }
    });
  });
}
