import { MAX_BATCH_EVENTS } from '../../src/http/writing.controller.js';
import { EventStoreError, type EventStore } from '../../src/event-store/event-store.js';
import {
  BATCH,
  CLOUDEVENT,
  post,
  problem,
  progress,
  register,
  registration,
  results,
  startServer,
  type TestServer,
} from './http-support.js';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(async () => {
  expect(server.errors).toEqual([]);
  await server.close();
});

const events = (contract: string): string => `${server.url}/contracts/${contract}/events`;
const statuses = async (response: Response) => (await results(response)).map(({ status }) => status);

describe('registering', () => {
  test('in the short form, and again', async () => {
    const first = await post(`${server.url}/contracts`, 'application/json; charset=utf-8', registration('R-1'));
    expect(first.status).toBe(201);
    expect(first.headers.get('location')).toBe('/contracts/R-1');
    expect(first.headers.get('etag')).toBe('"0"');
    const [result] = await results(first);
    expect(result).toEqual({
      id: 'registration',
      status: 'recorded',
      revision: '0',
      position: expect.any(String),
      problem: null,
    });
    expect(first.headers.get('waybook-position')).toBe(result?.position);

    const again = await post(`${server.url}/contracts`, 'application/json', registration('R-1'));
    expect(again.status).toBe(200);
    expect(await results(again)).toEqual([{ ...result, status: 'duplicate' }]);

    const other = await post(`${server.url}/contracts`, 'application/json', { ...registration('R-1'), title: 'Other' });
    expect(await problem(other)).toEqual([409, 'event-id-reused', '/id']);
    const stored = (await server.stored()).find(({ stream }) => stream === 'contract-R-1');
    expect(JSON.parse(JSON.parse(stored!.metadata).record)).toMatchObject({
      reporter: 'jmod',
      event: { id: 'registration', source: 'urn:waybook:party:jmod', subject: 'R-1', time: '2025-03-01T00:00:00Z' },
    });
  });

  test('with time and source given, or as a CloudEvent', async () => {
    const given = { ...registration('R-2'), time: '2025-03-02T08:00:00Z', source: 'urn:waybook:party:operator:import' };
    expect((await post(`${server.url}/contracts`, 'application/json', given)).status).toBe(201);
    const { contract: _, ...data } = registration('R-3');
    const event = progress('e1', {
      type: 'ContractRegistered',
      source: 'urn:waybook:party:usgov',
      subject: 'R-3',
      data,
    });
    expect((await post(`${server.url}/contracts`, CLOUDEVENT, event)).status).toBe(201);
    expect(await problem(await post(`${server.url}/contracts`, CLOUDEVENT, { ...event, id: 'e2' }))).toEqual([
      409,
      'already-registered',
      '/subject',
    ]);
  });

  test.each([
    ['an id is missing', { contract: undefined }, [422, 'invalid-event', '/contract']],
    ['an id has a slash', { contract: 'a/b' }, [422, 'invalid-event', '/contract']],
    ['a field is missing', { title: undefined }, [422, 'invalid-event', '/title']],
    ['a field is unknown', { colour: 'red' }, [422, 'invalid-event', '/colour']],
    ['a date does not exist', { signedOn: '2025-02-30' }, [422, 'invalid-event', '/signedOn']],
    ['there is no buyer', { parties: [] }, [422, 'invalid-event', '/parties']],
    [
      'buyers are two',
      { parties: ['a', 'b', 'c'].map((party) => ({ party, name: party, role: 'buyer', country: 'JP' })) },
      [422, 'invalid-registration', '/parties'],
    ],
    ['the source is nobody', { source: 'jmod' }, [422, 'invalid-event', '/source']],
    ['the source is the ledger', { source: 'urn:waybook:party:ledger' }, [403, 'not-permitted', '/source']],
    [
      'the currency is no currency',
      { value: { amount: '1', currency: 'XQX' } },
      [422, 'invalid-event', '/value/currency'],
    ],
  ])('is refused where %s', async (_why, over, expected) => {
    const body = { ...registration('R-9'), ...over };
    expect(await problem(await post(`${server.url}/contracts`, 'application/json', body))).toEqual(expected);
  });

  test('is refused where the event is another', async () => {
    expect(await problem(await post(`${server.url}/contracts`, CLOUDEVENT, progress('p', { subject: 'R-9' })))).toEqual(
      [422, 'invalid-event', '/type'],
    );
  });
});

describe('one event', () => {
  beforeAll(() => register(server, 'ONE'));

  test('is recorded, known, refused', async () => {
    const first = await post(events('ONE'), CLOUDEVENT, progress('p1'));
    expect([first.status, first.headers.get('etag')]).toEqual([201, '"1"']);
    expect(await results(first)).toMatchObject([{ id: 'p1', status: 'recorded', revision: '1' }]);
    const again = await post(events('ONE'), CLOUDEVENT, progress('p1'));
    expect([again.status, await statuses(again)]).toEqual([200, ['duplicate']]);
    const unknown = progress('p2', { data: { line: '999', stage: 'assembly', percent: 40, unitsCompleted: 1 } });
    expect(await problem(await post(events('ONE'), CLOUDEVENT, unknown))).toEqual([
      422,
      'unknown-reference',
      '/data/line',
    ]);
    expect(await problem(await post(events('NONE'), CLOUDEVENT, progress('p1')))).toEqual([
      404,
      'unknown-contract',
      undefined,
    ]);
    expect(await problem(await post(events('ONE'), CLOUDEVENT, progress('p3', { subject: 'TWO' })))).toEqual([
      422,
      'invalid-event',
      '/subject',
    ]);
    const ledgers = progress('p4', { source: 'urn:waybook:party:ledger:watch' });
    expect(await problem(await post(events('ONE'), CLOUDEVENT, ledgers))).toEqual([403, 'not-permitted', '/source']);
  });

  test('an id with characters that JSON escapes comes back as it was sent', async () => {
    const id = 'a"b\\c</script>';
    const response = await post(events('ONE'), CLOUDEVENT, progress(id));
    expect(await results(response)).toMatchObject([{ id, status: 'recorded' }]);
  });

  test('If-Match lets it through at its revision only', async () => {
    await register(server, 'MATCH');
    const send = (id: string, revision: string) =>
      post(events('MATCH'), CLOUDEVENT, progress(id), { 'if-match': revision });
    expect((await send('p1', '"0"')).status).toBe(201);
    expect((await send('p2', '1')).status).toBe(201);
    const late = await send('p3', '"1"');
    expect(late.headers.get('etag')).toBe('"2"');
    expect(await problem(late)).toEqual([412, 'precondition-failed', 'If-Match:']);
    expect((await send('p1', '"77"')).status).toBe(200);
    for (const bad of ['*', 'W/"2"', '"2", "3"', '-1', '"x"', '""'])
      expect(await problem(await send('p3', bad))).toEqual([400, 'invalid-header', 'If-Match:']);
  });
});

describe('a batch', () => {
  test('for one contract', async () => {
    await register(server, 'BATCH');
    const first = await post(events('BATCH'), BATCH, [progress('b1'), progress('b2'), progress('b3')]);
    expect([first.status, first.headers.get('etag')]).toEqual([201, '"3"']);
    expect((await results(first)).map(({ id, revision }) => [id, revision])).toEqual([
      ['b1', '1'],
      ['b2', '2'],
      ['b3', '3'],
    ]);
    const all = await post(events('BATCH'), BATCH, [progress('b1'), progress('b2')]);
    expect([all.status, await statuses(all)]).toEqual([200, ['duplicate', 'duplicate']]);
    const mixed = await post(events('BATCH'), BATCH, [
      progress('b1'),
      progress('b4', { time: 'noon' }),
      7,
      progress('b5'),
    ]);
    expect(mixed.status).toBe(207);
    const items = await results(mixed);
    expect(items.map(({ id, status }) => [id, status])).toEqual([
      ['b1', 'duplicate'],
      ['b4', 'refused'],
      [null, 'refused'],
      ['b5', 'recorded'],
    ]);
    expect(items[1]?.problem).toMatchObject({ code: 'invalid-event', status: 422, errors: [{ pointer: '/time' }] });
    const none = await post(events('BATCH'), BATCH, [progress('b6', { type: 'Nothing' })]);
    expect([none.status, await statuses(none)]).toEqual([422, ['refused']]);
  });

  test('atomic: all or nothing', async () => {
    await register(server, 'ATOM');
    const before = (await server.stored()).length;
    for (const bad of [progress('a2', { time: 'noon' }), progress('a2', { source: 'urn:waybook:party:stranger' })]) {
      const response = await post(`${events('ATOM')}?atomic=true`, BATCH, [progress('a1'), bad]);
      expect(response.status).toBe(422);
      expect((await results(response)).map((item) => item.problem?.code)).toEqual([
        'atomic-batch-refused',
        expect.not.stringContaining('atomic'),
      ]);
    }
    expect((await server.stored()).length).toBe(before);
    const good = await post(`${events('ATOM')}?atomic=true`, BATCH, [progress('a1'), progress('a2')]);
    expect([good.status, await statuses(good)]).toEqual([201, ['recorded', 'recorded']]);
    const known = [
      progress('a1'),
      progress('a3', { data: { line: '999', stage: 's', percent: 1, unitsCompleted: 1 } }),
    ];
    const late = await post(`${events('ATOM')}?atomic=true`, BATCH, known);
    expect([late.status, await statuses(late)]).toEqual([422, ['duplicate', 'refused']]);
  });

  test('for many contracts, each for itself', async () => {
    for (const contract of ['MANY-1', 'MANY-2']) await register(server, contract);
    const batch = ['MANY-1', 'MANY-2', 'MANY-3', 'MANY-1'].map((subject, at) => progress(`m${at}`, { subject }));
    const response = await post(`${server.url}/events`, BATCH, [...batch, progress('m9')]);
    expect(response.status).toBe(207);
    const items = await results(response);
    expect(items.map(({ id, status, revision }) => [id, status, revision])).toEqual([
      ['m0', 'recorded', '1'],
      ['m1', 'recorded', '1'],
      ['m2', 'refused', null],
      ['m3', 'recorded', '2'],
      ['m9', 'refused', null],
    ]);
    expect(items.map((item) => item.problem?.code)).toEqual([
      undefined,
      undefined,
      'unknown-contract',
      undefined,
      'invalid-event',
    ]);
    expect(response.headers.get('etag')).toBeNull();
    const highest = items.map((item) => BigInt(item.position ?? 0)).reduce((a, b) => (a > b ? a : b));
    expect(response.headers.get('waybook-position')).toBe(String(highest));
    expect(await problem(await post(`${server.url}/events?atomic=true`, BATCH, batch))).toEqual([
      422,
      'atomic-not-possible',
      '/1/subject',
    ]);
    expect(await problem(await post(`${server.url}/events`, BATCH, batch, { 'if-match': '"2"' }))).toEqual([
      400,
      'invalid-header',
      'If-Match:',
    ]);
    const one = [progress('n1', { subject: 'MANY-2' }), progress('n2', { subject: 'MANY-2' })];
    expect((await post(`${server.url}/events?atomic=true`, BATCH, one, { 'if-match': '"1"' })).status).toBe(201);
  });

  test('what is no batch', async () => {
    await register(server, 'BAD');
    const before = (await server.stored()).length;
    const send = async (body: unknown) => problem(await post(events('BAD'), BATCH, body));
    expect(await send({})).toEqual([422, 'invalid-batch', '']);
    expect(await send([])).toEqual([422, 'invalid-batch', '']);
    expect(await send(Array.from({ length: MAX_BATCH_EVENTS + 1 }, () => 1))).toEqual([413, 'too-many-events', '']);
    expect(await send([progress('d1'), progress('d2'), progress('d1')])).toEqual([
      422,
      'duplicate-id-in-batch',
      '/2/id',
    ]);
    expect((await server.stored()).length).toBe(before);
  });
});

describe('when the store does not answer', () => {
  let failing: TestServer;
  const away = { now: false };
  beforeAll(async () => {
    failing = await startServer({
      wrap: (store): EventStore =>
        new Proxy(store, {
          get(target, name) {
            if (name === 'append' && away.now)
              return () => Promise.reject(new EventStoreError('store-unavailable', 'secret host is away'));
            const member: unknown = Reflect.get(target, name, target);
            return typeof member === 'function' ? member.bind(target) : member;
          },
        }),
    });
    await register(failing, 'F');
    away.now = true;
  });
  afterAll(() => failing.close());

  test('events fail with 503 and may be sent again', async () => {
    const url = `${failing.url}/contracts/F/events`;
    const one = await post(url, CLOUDEVENT, progress('f1'));
    expect(one.headers.get('retry-after')).toBe('1');
    const text = await one.clone().text();
    expect(await problem(one)).toEqual([503, 'store-unavailable', undefined]);
    expect(text).not.toContain('secret');
    const batch = await post(url, BATCH, [progress('f1'), progress('f2')]);
    expect([batch.status, batch.headers.get('retry-after'), await statuses(batch)]).toEqual([
      503,
      '1',
      ['failed', 'failed'],
    ]);
    away.now = false;
    const again = await post(url, BATCH, [progress('f1'), progress('f2')]);
    expect([again.status, await statuses(again)]).toEqual([201, ['recorded', 'recorded']]);
  });
});
