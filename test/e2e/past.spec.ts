/** Years of reports, late and out of order, on a stepped clock: what was known then is what is answered about then. */
import fc from 'fast-check';
import { checkLedger } from '../support/check-ledger.js';
import { call, LedgerProcess } from '../support/ledger-process.js';
import { eventsOf, steps, type Step } from '../support/random-history.js';
import { CONTRACT, confirmed, event, registered, type Options, type Sent } from '../support/scenario.js';
import { chance } from '../support/seed.js';

const TOLD = 'TOLD-1';
const { seed } = chance();

let ledger: LedgerProcess;
beforeAll(async () => {
  ledger = await LedgerProcess.start({ start: '2015-01-01T00:00:00Z' });
}, 60_000);
afterAll(async () => {
  await ledger.remove();
  expect(ledger.errors).toBe('');
}, 60_000);
afterEach(() => checkLedger(ledger), 60_000);

const get = <T = Record<string, unknown>>(path: string) => call<T>(ledger.url, path);
const moveTo = async (now: string): Promise<number> => (await call(ledger.url, '/clock', { now })).status;
let position = '0';
async function send(...events: readonly Sent[]): Promise<readonly string[]> {
  const { body, headers } = await call<{ results: { status: string }[] }>(
    ledger.url,
    '/events',
    events,
    'application/cloudevents-batch+json',
  );
  position = headers.get('waybook-position') ?? position;
  return body.results.map(({ status }) => status);
}
const said = (type: string, data: object, options: Options = {}): Sent =>
  event(type, data, { contract: TOLD, by: 'prime-a', ...options });

/** An answer without what must differ: when it was asked for. */
const answer = async (path: string): Promise<object> => {
  const { status, body } = await get(path);
  const { asOf: _, position: at, ...rest } = body;
  return { path: path.split('?')[0], status, at: status === 200 ? String(at) : null, ...rest };
};
const withoutPosition = <T extends { readonly at?: string | null }>(shown: T) => ({ ...shown, at: null });

describe('what a live ledger said at many times', () => {
  const DAYS = ['', 'on=2020-07-01', 'on=2021-06-30', 'on=2035-01-01'];
  const PARTS = ['', 'schedule', 'history', 'accountability', 'quality', 'shipments', 'discrepancies', 'payments'];
  const LISTS = ['/contracts', '/portfolio/exposure', '/portfolio/scorecards', '/portfolio/changes'];
  const PATHS = [
    ...[...PARTS, 'obligations'].map((part) => `/contracts/${CONTRACT}${part === '' ? '' : `/${part}`}`),
    ...LISTS,
  ];
  const question = (path: string, ...parameters: readonly string[]): string => {
    const all = [...parameters, ...(/\/history$|\/changes$/.test(path) ? ['limit=500'] : [])].filter(
      (each) => each !== '',
    );
    return `${path}?${all.join('&')}`;
  };
  const asked: {
    readonly now: string;
    readonly position: string;
    readonly path: string;
    readonly on: string;
    readonly live: object;
  }[] = [];

  const story = (): readonly Step[] => {
    return fc
      .sample(fc.tuple(steps, steps, steps), { seed, numRuns: 4 })
      .flat(2)
      .slice(0, 120);
  };

  test('is what the same ledger says of those times later', async () => {
    // Before anything was recorded of it, there is nothing.
    await moveTo('2019-01-01T00:00:00Z');
    let recorded = 0;
    for (const [index, each] of eventsOf(story()).entries()) {
      // Refused where it would go back, which is as well: what comes is recorded later then.
      await moveTo(each.recorded);
      recorded += (await send({ ...each.sent })).filter((status) => status === 'recorded').length;
      if (index % 10 !== 0) continue;
      const { body } = await get<{ clock: { now: string }; store: { position: string } }>('/health');
      const { now } = body.clock;
      // The watch records what it notices, too.
      position = body.store.position;
      for (const path of PATHS)
        for (const on of DAYS) {
          const live = await answer(question(path, on, `after=${position}`));
          asked.push({ now, position, path, on, live });
        }
      // What is recorded from here on is recorded at another time.
      await moveTo(new Date(Date.parse(now) + 1).toISOString());
    }
    expect(recorded).toBeGreaterThan(30);
    expect(asked.length).toBeGreaterThan(100);
    await moveTo('2034-01-01T00:00:00Z');
    for (const { now, path, on, live } of asked) {
      const later = await answer(question(path, `asOf=${now}`, on));
      expect(withoutPosition(later)).toEqual(withoutPosition(live));
    }
  }, 120_000);

  test('by position, too, and after a restart', async () => {
    await ledger.stop();
    await ledger.serve();
    for (const { now, position: at, path, on, live } of asked) {
      // The day of a position is that of its event; what was live is asked about on the day it was asked on.
      const day = on === '' ? `on=${now.slice(0, 10)}` : on;
      const later = await answer(question(path, `asOf=${at}`, day));
      expect(withoutPosition(later)).toEqual(withoutPosition(live));
      // The position that an answer by instant names is one to ask by again.
      const byInstant = (await answer(question(path, `asOf=${now}`, on))) as { readonly at: string | null };
      if (byInstant.at === null) continue;
      expect(BigInt(byInstant.at)).toBeLessThanOrEqual(BigInt(at));
      expect(await answer(question(path, `asOf=${byInstant.at}`, day))).toEqual(byInstant);
    }
  }, 120_000);

  test('and before it was registered there was none', async () => {
    expect(await answer('/contracts?asOf=2018-12-31T00:00:00Z')).toMatchObject({ status: 200, contracts: [] });
    expect(await answer('/portfolio/exposure?asOf=2018-12-31T00:00:00Z')).toMatchObject({ status: 200, groups: [] });
    for (const path of PATHS.filter((each) => !LISTS.includes(each)))
      expect((await answer(question(path, 'asOf=2018-12-31T00:00:00Z'))) as object).toMatchObject({
        status: 404,
        code: 'unknown-contract',
      });
  });
});

describe('what was known, and what happened', () => {
  interface Schedule {
    readonly on: string;
    readonly milestones: readonly {
      readonly milestone: string;
      readonly forecast: string | null;
      readonly agreed: string;
      readonly lateDays: number;
      readonly actual: string | null;
    }[];
  }
  const d1 = async (query: string) => {
    const { status, body } = await get<Schedule>(`/contracts/${TOLD}/schedule?${query}`);
    expect({ query, status }).toEqual({ query, status: 200 });
    const { forecast, agreed, lateDays, actual } = body.milestones.find(({ milestone }) => milestone === 'D1')!;
    return { on: body.on, forecast, agreed, lateDays, actual };
  };
  const forecast = (day: string, time: string, id?: string): Sent =>
    said(
      'ForecastRevised',
      { milestone: 'D1', forecast: day, reason: 'as it looks' },
      { time, ...(id === undefined ? {} : { id }) },
    );

  beforeAll(async () => {
    // Due on 2041-06-30; told in 2040 to 2043.
    const milestones = [
      { milestone: 'D1', line: '1', kind: 'delivery', description: 'Sets', due: '2041-06-30', binding: 'firm' },
    ];
    await moveTo('2040-01-10T00:00:00Z');
    expect(
      await send(
        registered({ signedOn: '2040-01-10', milestones }, { contract: TOLD, time: '2040-01-10T00:00:00Z' }),
        confirmed({ contract: TOLD, time: '2040-01-10T00:00:00Z' }),
      ),
    ).toEqual(['recorded', 'recorded']);
    await moveTo('2041-03-01T00:00:00Z');
    await send(forecast('2041-09-30', '2041-02-20', 'first'));
    await moveTo('2042-01-01T00:00:00Z');
    // Told late, and out of order: in between, somebody had already expected later.
    await send(forecast('2041-12-31', '2041-01-15', 'earlier'));
    await send(
      said(
        'DeliveryAccepted',
        { items: [{ line: '1', quantity: 4 }], acceptancePoint: 'origin' },
        { by: 'jp-mod', time: '2041-11-20', id: 'accepted' },
      ),
    );
    await moveTo('2043-01-01T00:00:00Z');
    await send(
      said(
        'EventCorrected',
        {
          event: { id: 'first' },
          reason: 'incorrect-data',
          replacement: { milestone: 'D1', forecast: '2041-10-31', reason: 'misread' },
        },
        { time: '2043-01-01T00:00:00Z' },
      ),
    );
    await moveTo('2043-06-01T00:00:00Z');
  }, 30_000);

  test('`on` leaves out what happened after that day, whenever it was recorded', async () => {
    expect(await d1('on=2041-01-31')).toEqual({
      on: '2041-01-31',
      forecast: '2041-12-31',
      agreed: '2041-06-30',
      lateDays: 184,
      actual: null,
    });
    expect(await d1('on=2041-11-19')).toMatchObject({ actual: null, lateDays: 142 });
    expect(await d1('on=2041-11-20')).toMatchObject({ actual: '2041-11-20', lateDays: 143 });
    const { body } = await get<{ events: { id: string }[] }>(`/contracts/${TOLD}/history?on=2041-01-31`);
    const ids = body.events.map(({ id }) => id).filter((id) => !id.startsWith('overdue/'));
    expect(ids).toEqual(['registration', expect.any(String), 'earlier', expect.any(String)]);
  });

  test('`asOf` leaves out what was recorded after that time, whenever it happened', async () => {
    expect(await d1('asOf=2041-02-28T23:59:59Z')).toEqual({
      on: '2041-02-28',
      forecast: null,
      agreed: '2041-06-30',
      lateDays: 0,
      actual: null,
    });
    expect(await d1('asOf=2041-12-01T00:00:00Z')).toEqual({
      on: '2041-12-01',
      forecast: '2041-09-30',
      agreed: '2041-06-30',
      lateDays: 154,
      actual: null,
    });
    // Known later, about the same day.
    expect(await d1('on=2041-12-01')).toMatchObject({ forecast: '2041-10-31', actual: '2041-11-20' });
  });

  test('a correction changes what is known of a day, and never what was known on it', async () => {
    const before = await d1('asOf=2042-12-31T00:00:00Z&on=2041-03-01');
    const after = await d1('asOf=2043-01-01T00:00:00Z&on=2041-03-01');
    expect([before.forecast, after.forecast]).toEqual(['2041-09-30', '2041-10-31']);
    expect((await d1('on=2041-03-01')).forecast).toBe('2041-10-31');
    // Its own time lies after the day asked about; it holds all the same.
    expect((await d1('on=2041-02-20')).forecast).toBe('2041-10-31');
    expect((await d1('on=2041-02-19')).forecast).toBe('2041-12-31');
  });

  test('what is still to come is not known: 422', async () => {
    for (const path of ['', '/schedule', '/history'])
      for (const asOf of ['2043-06-01T00:00:00.001Z', '2999-01-01T00:00:00Z', '999999999']) {
        const { status, body } = await get<{ code: string }>(`/contracts/${TOLD}${path}?asOf=${asOf}`);
        expect({ path, asOf, status, code: body.code }).toEqual({ path, asOf, status: 422, code: 'as-of-in-future' });
      }
    expect((await get(`/contracts/${TOLD}?asOf=2043-06-01T00:00:00Z`)).status).toBe(200);
    expect(await d1('on=2050-01-01')).toMatchObject({ on: '2050-01-01', lateDays: 143 });
    const ahead = forecast('2044-01-01', '2043-06-01T00:05:00.001Z');
    expect(await send(ahead)).toEqual(['refused']);
    expect(await send({ ...ahead, time: '2043-06-01T00:05:00Z' })).toEqual(['recorded']);
  });

  test('the clock never goes back, and says what it is', async () => {
    expect(await moveTo('2043-05-31T00:00:00Z')).toBe(422);
    expect((await get('/health')).body).toMatchObject({
      origin: 'demo.localhost/waybook',
      clock: { kind: 'stepped', now: '2043-06-01T00:00:00.000Z' },
      note: expect.stringContaining('demonstration'),
    });
    const { body } = await get<{ events: { recordedtime: string }[] }>(`/contracts/${TOLD}/history`);
    const times = body.events.map(({ recordedtime }) => recordedtime);
    expect(times).toEqual([...times].sort());
  });

  test('the command line says the same of the past as the API', async () => {
    for (const [flags, query] of [
      [['--as-of', '2041-12-01T00:00:00Z'], 'asOf=2041-12-01T00:00:00Z'],
      [['--on', '2041-12-01'], 'on=2041-12-01'],
      [['--as-of', '2042-12-31T00:00:00Z', '--on', '2041-03-01'], 'asOf=2042-12-31T00:00:00Z&on=2041-03-01'],
    ] as const) {
      const printed = JSON.parse(await ledger.cli('replay', TOLD, '--json', ...flags)) as Record<string, unknown>;
      const { asOf: _a, position: _p, ...contract } = (await get(`/contracts/${TOLD}?${query}`)).body;
      const { milestones } = (await get<Schedule>(`/contracts/${TOLD}/schedule?${query}`)).body;
      const { asOf: _b, position: _q, ...said } = printed;
      expect(said).toEqual({ ...contract, milestones });
      const history = JSON.parse(await ledger.cli('history', TOLD, '--json', ...flags)) as { events: unknown[] };
      expect(history.events).toEqual(
        (await get<{ events: unknown[] }>(`/contracts/${TOLD}/history?limit=500&${query}`)).body.events,
      );
    }
  }, 60_000);
});
