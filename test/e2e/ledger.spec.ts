/** The whole ledger as processes: everything that records, and after each step the whole ledger holds. */
import { randomUUID } from 'node:crypto';
import { checkLedger } from '../support/check-ledger.js';
import { describeAt, ledgerPlaces, type OpenPlace } from '../support/ledger-places.js';
import { call, type Answer } from '../support/ledger-process.js';
import { confirmed, event, registered, registrationData, type Options, type Sent } from '../support/scenario.js';

const CLOUDEVENT = 'application/cloudevents+json';
const BATCH = 'application/cloudevents-batch+json';
const NDJSON = 'application/x-ndjson';

interface Result {
  readonly id: string;
  readonly status: string;
  readonly revision: string | null;
  readonly position: string | null;
  readonly problem: { readonly code: string; readonly errors: readonly { readonly pointer: string }[] } | null;
}
interface Problem {
  readonly code: string;
  readonly errors: readonly { readonly pointer: string }[];
}
type Results = { readonly results: readonly Result[] };

const lines = (...events: readonly object[]): string => events.map((each) => `${JSON.stringify(each)}\n`).join('');

describeAt(await ledgerPlaces(), (open) => {
  // Names nobody has used before: a server may be shared.
  const run = randomUUID().slice(0, 8);
  const [first, second, third] = [`E2E-${run}-1`, `E2E-${run}-2`, `E2E-${run}-3`];
  let place: OpenPlace;
  beforeAll(async () => {
    place = await open();
  }, 60_000);
  afterAll(async () => {
    await place.close();
    expect(place.ledger.errors).toBe('');
  }, 60_000);
  /** Ids that were acknowledged, by contract: each must be there, once. */
  const acknowledged = new Map<string, string[]>();
  afterEach(async () => {
    const { contracts } = await checkLedger(place.ledger);
    for (const [contract, ids] of acknowledged) expect(contracts.get(contract)).toEqual(ids);
  }, 60_000);

  const post = async <T>(path: string, body: unknown, type: string, headers = {}): Promise<Answer<T>> => {
    const answer = await call<T>(place.ledger.url, path, body, type, headers);
    const results =
      type === NDJSON && answer.status === 200
        ? (answer.body as string)
            .trimEnd()
            .split('\n')
            .map((line) => JSON.parse(line) as Result)
        : ((answer.body as Partial<Results>).results ?? []);
    const subjects = eventsIn(body).map(({ subject }) => subject ?? /^\/contracts\/([^/]+)/.exec(path)?.[1] ?? '');
    for (const [index, { status, id }] of results.entries()) {
      const contract = subjects[index] ?? '';
      if (status === 'recorded') acknowledged.set(contract, [...(acknowledged.get(contract) ?? []), id]);
    }
    return answer;
  };
  const eventsIn = (body: unknown): readonly { readonly subject?: string }[] =>
    typeof body === 'string'
      ? body
          .trimEnd()
          .split('\n')
          .map((line) => JSON.parse(line) as { subject?: string })
      : Array.isArray(body)
        ? (body as { subject?: string }[])
        : [
            {
              subject:
                (body as { contract?: string; subject?: string }).contract ?? ((body as Sent)['subject'] as string),
            },
          ];
  const events = (contract: string): string => `/contracts/${contract}/events`;
  const one = (sent: Sent, headers = {}) =>
    post<Results & Problem>(events(String(sent['subject'])), sent, CLOUDEVENT, headers);
  const statuses = ({ body }: Answer<Results>): readonly string[] => body.results.map(({ status }) => status);
  const said = (type: string, data: object, options: Options = {}): Sent =>
    event(type, data, { contract: first, by: 'prime-a', ...options });
  const forecast = (day: string, options: Options = {}): Sent =>
    said('ForecastRevised', { milestone: 'D1', forecast: day, reason: 'as it looks' }, options);
  const correct = (id: string, replacement?: object, options: Options = {}): Sent =>
    said(
      'EventCorrected',
      { event: { id }, reason: replacement === undefined ? 'did-not-occur' : 'incorrect-data', replacement },
      options,
    );
  const read = async <T>(path: string): Promise<T> => {
    const answer = await call<T>(place.ledger.url, path);
    expect({ path, status: answer.status }).toEqual({ path, status: 200 });
    return answer.body;
  };

  test('registers in the short form and as a CloudEvent, once', async () => {
    const body = { contract: first, ...registrationData() };
    const answer = await post<Results>('/contracts', body, 'application/json');
    expect([answer.status, answer.headers.get('location'), answer.headers.get('etag')]).toEqual([
      201,
      `/contracts/${first}`,
      '"0"',
    ]);
    expect(statuses(await post('/contracts', body, 'application/json'))).toEqual(['duplicate']);
    expect(await post<Problem>('/contracts', { ...body, title: 'Another' }, 'application/json')).toMatchObject({
      status: 409,
      body: { code: 'event-id-reused' },
    });
    for (const contract of [second, third])
      expect(statuses(await post('/contracts', registered({ programme: run }, { contract }), CLOUDEVENT))).toEqual([
        'recorded',
      ]);
    expect(await one(registered({}, { contract: first, id: 'again' }))).toMatchObject({
      status: 409,
      body: { code: 'already-registered' },
    });
  });

  test('a registration is corrected until it is confirmed', async () => {
    const by = { by: 'us-gov' };
    expect(
      statuses(await one(correct('registration', registrationData({ title: 'Renamed' }), { contract: second, ...by }))),
    ).toEqual(['recorded']);
    const { position } = (await one(confirmed({ contract: second }))).body.results[0]!;
    expect(await read(`/contracts/${second}?after=${position}`)).toMatchObject({
      title: 'Renamed',
      revision: '2',
      registration: { by: 'us-gov', confirmedBy: ['jp-mod'] },
    });
    expect(await one(correct('registration', registrationData(), { contract: second, ...by }))).toMatchObject({
      status: 422,
      body: { code: 'not-correctable' },
    });
  });

  test('single events: recorded, known, in use, not permitted; a writer reads what it wrote', async () => {
    // The short form registers as the buyer, so the seller confirms.
    const sent = confirmed({ contract: first, by: 'us-gov' });
    const answer = await one(sent);
    expect([answer.status, answer.headers.get('etag'), statuses(answer)]).toEqual([201, '"1"', ['recorded']]);
    const again = await one(sent);
    expect([again.status, again.body.results[0]]).toEqual([200, { ...answer.body.results[0]!, status: 'duplicate' }]);
    expect(await one({ ...sent, time: '2020-01-21T00:00:00Z' })).toMatchObject({
      status: 409,
      body: { code: 'event-id-reused' },
    });
    expect(await one(forecast('2022-01-01', { by: 'inspector-a' }))).toMatchObject({
      status: 403,
      body: { code: 'not-permitted' },
    });
    expect(await one(forecast('2022-01-01', { by: 'stranger' }))).toMatchObject({
      status: 403,
      body: { code: 'not-permitted' },
    });
    for (const day of ['2021-08-01', '2021-09-01']) {
      const { position } = (await one(forecast(day))).body.results[0]!;
      const shown = await call<{ milestones: { milestone: string; forecast: string }[] }>(
        place.ledger.url,
        `/contracts/${first}/schedule?after=${position}`,
      );
      expect(BigInt(shown.headers.get('waybook-position') ?? '') >= BigInt(position!)).toBe(true);
      expect(shown.body.milestones.find(({ milestone }) => milestone === 'D1')?.forecast).toBe(day);
    }
  });

  test('batches: each item has its own result', async () => {
    const good = [said('ManufacturingStarted', { line: '1', site: 'Plant', stage: 'casting' }), forecast('2021-10-01')];
    const answer = await post<Results>(events(first), [...good, forecast('2021-11-01', { by: 'stranger' })], BATCH);
    expect([answer.status, statuses(answer)]).toEqual([207, ['recorded', 'recorded', 'refused']]);
    const known = await post<Results>(events(first), good, BATCH);
    expect([known.status, statuses(known)]).toEqual([200, ['duplicate', 'duplicate']]);
    const refused = await post<Results>(events(first), [forecast('2021-11-01', { by: 'stranger' })], BATCH);
    expect([refused.status, refused.body.results[0]?.problem?.code]).toEqual([422, 'not-permitted']);
  });

  test('an atomic batch is recorded whole or not at all', async () => {
    const batch = [forecast('2021-12-01'), said('ManufacturingCompleted', { line: '999', quantity: 1 })];
    const refused = await post<Results>(`${events(first)}?atomic=true`, batch, BATCH);
    expect([refused.status, refused.body.results.map(({ problem }) => problem?.code)]).toEqual([
      422,
      ['atomic-batch-refused', 'unknown-reference'],
    ]);
    const good = Array.from({ length: 40 }, (_, at) => forecast(`2021-12-${String(1 + (at % 28)).padStart(2, '0')}`));
    const answer = await post<Results>(`${events(first)}?atomic=true`, good, BATCH);
    expect(answer.status).toBe(201);
    const revisions = answer.body.results.map(({ revision }) => Number(revision));
    expect(revisions).toEqual(revisions.map((_, at) => revisions[0]! + at));
    expect(new Set(answer.body.results.map(({ position }) => position)).size).toBe(1);
    const across = await post<Problem>(
      '/events?atomic=true',
      [forecast('2022-01-01'), forecast('2022-01-01', { contract: second })],
      BATCH,
    );
    expect(across).toMatchObject({ status: 422, body: { code: 'atomic-not-possible' } });
  });

  test('a stream of lines, for one contract and for several', async () => {
    const many = Array.from({ length: 150 }, (_, at) =>
      said('ManufacturingProgressed', { line: '1', stage: 'assembly', percent: at % 100, unitsCompleted: 1 }),
    );
    const answer = await post<string>(events(first), lines(...many), NDJSON);
    expect([answer.status, answer.body.split('"status":"recorded"').length - 1]).toEqual([200, 150]);
    const mixed = [
      forecast('2022-02-01', { contract: second }),
      forecast('2022-02-01', { contract: third }),
      forecast('2022-02-01', { contract: `E2E-${run}-none` }),
      forecast('2022-03-01', { contract: second }),
    ];
    const results = (await post<string>('/events', lines(...mixed), NDJSON)).body
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Result);
    expect(results.map(({ status, problem }) => problem?.code ?? status)).toEqual([
      'recorded',
      'recorded',
      'unknown-contract',
      'recorded',
    ]);
    expect(
      statuses(
        await post(
          '/events',
          mixed.filter((_, at) => at !== 2),
          BATCH,
        ),
      ),
    ).toEqual(['duplicate', 'duplicate', 'duplicate']);
    const batch = [third, second, third].map((contract) => forecast('2022-04-01', { contract }));
    expect(statuses(await post('/events', batch, BATCH))).toEqual(['recorded', 'recorded', 'recorded']);
  });

  test('If-Match holds for the revision it names; a repeat is known whatever it names', async () => {
    const { revision } = await read<{ revision: string }>(
      `/contracts/${third}?after=${(await one(forecast('2022-05-01', { contract: third }))).body.results[0]!.position}`,
    );
    const sent = forecast('2022-06-01', { contract: third });
    const stale = await one(sent, { 'if-match': '"0"' });
    expect([stale.status, stale.body.code, stale.headers.get('etag')]).toEqual([
      412,
      'precondition-failed',
      `"${revision}"`,
    ]);
    expect((await one(sent, { 'if-match': `"${revision}"` })).status).toBe(201);
    expect((await one(sent, { 'if-match': `"${revision}"` })).status).toBe(200);
  });

  test('on behalf of another party: shown as second-hand, and never an agreement', async () => {
    const amended = said(
      'ContractAmended',
      { amendment: 'A1', consulted: [], rationale: 'by letter', milestones: [{ milestone: 'D1', due: '2021-12-31' }] },
      { by: 'jp-mod', onbehalfof: 'us-gov' },
    );
    const { position } = (await one(amended)).body.results[0]!;
    expect(
      await one(said('AmendmentAgreed', { amendment: 'A1' }, { by: 'us-gov', onbehalfof: 'jp-mod' })),
    ).toMatchObject({ status: 403, body: { code: 'not-permitted' } });
    const { flags } = await read<{ flags: { code: string; event: { id: string } }[] }>(
      `/contracts/${first}?after=${position}`,
    );
    expect(flags.filter(({ event: { id } }) => id === amended.id).map(({ code }) => code)).toEqual(['second-hand']);
    const agreedOf = async (): Promise<string> => {
      const { milestones } = await read<{ milestones: { milestone: string; agreed: string }[] }>(
        `/contracts/${first}/schedule?after=${last}`,
      );
      return milestones.find(({ milestone }) => milestone === 'D1')!.agreed;
    };
    let last = (await one(said('AmendmentAgreed', { amendment: 'A1' }, { by: 'jp-mod' }))).body.results[0]!.position;
    expect(await agreedOf()).toBe('2021-06-30');
    last = (await one(said('AmendmentAgreed', { amendment: 'A1' }, { by: 'us-gov' }))).body.results[0]!.position;
    expect(await agreedOf()).toBe('2021-12-31');
  });

  test('corrections of each kind, and those that are refused', async () => {
    const sent = said('DelayReported', {
      delay: 'X1',
      cause: { code: 'supply', locus: 'subcontractor', party: 'sub-a', detail: 'castings' },
      startedOn: '2021-01-01',
      forecasts: [{ milestone: 'D1', forecast: '2022-01-31' }],
    });
    const { data } = sent as unknown as { data: Record<string, unknown> };
    const answered = said('DelayAcknowledged', { delay: 'prime-a/X1' }, { by: 'jp-mod' });
    await post(
      events(first),
      [sent, answered, said('DelayResolved', { delay: 'X1', resolvedOn: '2021-02-01', actualDays: 31 })],
      BATCH,
    );
    const forecastOf = async (position: string | null): Promise<string | null> => {
      const { milestones } = await read<{ milestones: { milestone: string; forecast: string | null }[] }>(
        `/contracts/${first}/schedule?after=${position}`,
      );
      return milestones.find(({ milestone }) => milestone === 'D1')!.forecast;
    };
    const replaced = await one(correct(sent.id, { ...data, forecasts: [{ milestone: 'D1', forecast: '2023-03-31' }] }));
    const withdrawn = await one(correct(sent.id));
    const again = await one(correct(sent.id, { ...data, forecasts: [{ milestone: 'D1', forecast: '2023-05-31' }] }));
    expect([replaced, withdrawn, again].flatMap(statuses)).toEqual(['recorded', 'recorded', 'recorded']);
    const before = await forecastOf(again.body.results[0]!.position);
    const refusals: readonly (readonly [Sent, string])[] = [
      [correct(answered.id, undefined, { by: 'jp-mod' }), 'not-correctable'],
      [correct(sent.id, undefined, { by: 'us-gov' }), 'unknown-event'],
      [
        said(
          'EventCorrected',
          { event: { id: sent.id, source: sent.source }, reason: 'did-not-occur' },
          { by: 'us-gov' },
        ),
        'not-permitted',
      ],
      [correct('nothing'), 'unknown-event'],
      [correct(sent.id, { ...data, delay: 'X2' }), 'invalid-event'],
      [correct(sent.id, { ...data, startedOn: 'yesterday' }), 'invalid-event'],
    ];
    for (const [refused, code] of refusals) expect((await one(refused)).body.code).toBe(code);
    const { events: history } = await read<{
      events: { id: string; effective: boolean; corrects: { id: string } | null; correctedBy: { id: string } | null }[];
    }>(`/contracts/${first}/history?limit=500`);
    const corrections = history.filter(({ corrects }) => corrects?.id === sent.id);
    expect(corrections.map(({ effective }) => effective)).toEqual([false, false, true]);
    expect(history.find(({ id }) => id === sent.id)).toMatchObject({
      effective: false,
      correctedBy: { id: corrections.at(-1)!.id },
    });
    expect(before).toBe('2023-05-31');
  });

  test('is stopped and started again, and goes on', async () => {
    expect(await place.ledger.stop()).toBe(0);
    await place.ledger.serve();
    expect(statuses(await post('/contracts', { contract: first, ...registrationData() }, 'application/json'))).toEqual([
      'duplicate',
    ]);
    expect(statuses(await one(forecast('2024-01-01')))).toEqual(['recorded']);
  });

  test('is killed and started again, and goes on', async () => {
    await place.ledger.kill();
    await place.ledger.serve();
    expect(statuses(await one(forecast('2024-02-01')))).toEqual(['recorded']);
  });
});
