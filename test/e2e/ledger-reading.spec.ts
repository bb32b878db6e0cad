/** The whole ledger as processes: everything that answers, while it is written to, rebuilt and started again. */
import { randomUUID } from 'node:crypto';
import { SORT_FIELDS } from '../../projections/contract-status/queries.js';
import { projections } from '../../projections/index.js';
import { checkLedger } from '../support/check-ledger.js';
import { describeAt, ledgerPlaces, type OpenPlace } from '../support/ledger-places.js';
import { call, type Answer } from '../support/ledger-process.js';
import { forecastOf, storyOf } from '../support/portfolio-story.js';
import type { Sent } from '../support/scenario.js';

const NDJSON = 'application/x-ndjson';

interface Summary {
  readonly contract: string;
  readonly title: string;
  readonly status: string;
  readonly signedOn: string;
  readonly lateDays: number | null;
  readonly lastReportOn: string | null;
}
interface Page {
  readonly contracts: readonly Summary[];
  readonly next: string | null;
  readonly position: string;
}
interface HistoryEvent {
  readonly id: string;
  readonly revision: string;
  readonly position: string;
  readonly time: string;
  readonly type: string;
  readonly reporter: string;
  readonly contract?: string;
}
interface History {
  readonly events: readonly HistoryEvent[];
  readonly next: string | null;
  readonly checkpoint: null;
}

const lines = (text: string): readonly HistoryEvent[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as HistoryEvent);

/** Lines of an answer that is held open, as they come. */
async function* linesOf(response: Response): AsyncGenerator<HistoryEvent, void, undefined> {
  let text = '';
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n')) {
      const line = text.slice(0, end);
      text = text.slice(end + 1);
      if (line !== '') yield JSON.parse(line) as HistoryEvent;
    }
  }
}

describeAt(await ledgerPlaces(), (open) => {
  const run = randomUUID().slice(0, 8);
  const COUNT = 23;
  const programme = `programme-${run}`;
  const name = (index: number): string => `READ-${run}-${String(index).padStart(2, '0')}`;
  const all = Array.from({ length: COUNT }, (_, index) => name(index));
  const main = name(0);
  let place: OpenPlace;
  let position = '0';

  const get = <T>(path: string, headers = {}) => call<T>(place.ledger.url, path, undefined, undefined, headers);
  const read = async <T>(path: string): Promise<T> => {
    const answer = await get<T>(path);
    expect({ path, status: answer.status }).toEqual({ path, status: 200 });
    return answer.body;
  };
  const send = async (...events: readonly Sent[]): Promise<void> => {
    const answer = await call<{ results: { status: string; position: string }[] }>(
      place.ledger.url,
      '/events',
      events,
      'application/cloudevents-batch+json',
    );
    expect({
      status: answer.status,
      body: JSON.stringify(answer.body.results?.filter(({ status }) => status !== 'recorded')),
    }).toEqual({ status: 201, body: '[]' });
    position = answer.headers.get('waybook-position')!;
  };
  beforeAll(async () => {
    place = await open();
    for (const [index, contract] of all.entries()) await send(...storyOf(contract, programme, index));
    // One contract with a longer story, told out of order.
    for (let at = 0; at < 60; at += 1)
      await send(
        forecastOf(main, `2022-01-${String(1 + (at % 28)).padStart(2, '0')}`, `2020-0${1 + ((at * 7) % 9)}-1${at % 9}`),
      );
  }, 120_000);
  afterAll(async () => {
    await place.close();
    expect(place.ledger.errors).toBe('');
  }, 60_000);
  afterEach(() => checkLedger(place.ledger), 60_000);

  /** All pages, by the Link header, and what the answers say of the next one must be the same. */
  async function walk(query: string, limit: number): Promise<readonly Summary[]> {
    const found: Summary[] = [];
    let path: string | undefined = `/contracts?${query}&limit=${limit}`;
    while (path !== undefined) {
      const { body, headers }: Answer<Page> = await get<Page>(path);
      expect(body.contracts.length).toBeLessThanOrEqual(limit);
      found.push(...body.contracts);
      path = /^<([^>]+)>; rel="next"$/.exec(headers.get('link') ?? '')?.[1];
      expect(path === undefined).toBe(body.next === null);
      if (path !== undefined) expect(new URL(path, 'http://x').searchParams.get('cursor')).toBe(body.next);
    }
    return found;
  }

  test('/contracts: walking the pages in any order gives every contract once', async () => {
    const whole = await read<Page>(`/contracts?programme=${programme}&limit=500&after=${position}`);
    expect(whole.contracts.map(({ contract }) => contract)).toEqual(all);
    for (const sort of SORT_FIELDS.flatMap((field) => [field, `-${field}`])) {
      const walked = await walk(`programme=${programme}&sort=${sort}`, 7);
      expect({ sort, contracts: walked.map(({ contract }) => contract).sort() }).toEqual({ sort, contracts: all });
      const atOnce = await read<Page>(`/contracts?programme=${programme}&sort=${sort}&limit=500`);
      expect(walked).toEqual(atOnce.contracts);
    }
  }, 60_000);

  test('/contracts: in order, and what is empty comes last', async () => {
    for (const [sort, sign] of [
      ['lateDays', 1],
      ['-lateDays', -1],
    ] as const) {
      const days = (await walk(`programme=${programme}&sort=${sort}`, 500)).map(({ lateDays }) => lateDays);
      const known = days.filter((value) => value !== null);
      expect(known).toEqual([...known].sort((a, b) => (a - b) * sign));
      expect(known.length).toBeLessThan(days.length);
      expect(days.slice(known.length).every((value) => value === null)).toBe(true);
    }
    const signed = (await walk(`programme=${programme}&sort=-signedOn`, 5)).map(({ signedOn }) => signedOn);
    expect(signed).toEqual([...signed].sort().reverse());
  });

  test('/contracts: every filter, alone and together', async () => {
    const whole = await walk(`programme=${programme}`, 500);
    const byStatus = new Map<string, readonly string[]>();
    for (const status of ['closed', 'completed', 'late', 'at-risk', 'on-track']) {
      const expected = whole.filter((each) => each.status === status).map(({ contract }) => contract);
      byStatus.set(status, expected);
      expect((await walk(`programme=${programme}&status=${status}`, 3)).map(({ contract }) => contract)).toEqual(
        expected,
      );
    }
    expect([...byStatus].filter(([, contracts]) => contracts.length === 0)).toEqual([]);
    expect((await walk(`programme=${programme}&party=late-comer`, 3)).map(({ contract }) => contract)).toEqual([
      name(7),
    ]);
    expect((await walk(`programme=${programme}&party=jp-mod`, 9)).length).toBe(COUNT);
    expect(await walk(`programme=${programme}&party=nobody`, 9)).toEqual([]);
    for (const [q, matches] of [
      [`read-${run}-04`, (each: Summary) => each.contract === name(4)],
      ['TITLE 3', (each: Summary) => each.title.startsWith('Title 3')],
      ['ä%25_', (each: Summary) => each.title.endsWith('Ä%_')],
      ['%25', (each: Summary) => each.title.includes('%')],
    ] as const)
      expect({ q, found: await walk(`programme=${programme}&q=${q}`, 4) }).toEqual({ q, found: whole.filter(matches) });
    const late = whole.filter((each) => each.status === 'late' && each.title.includes('Title 1'));
    expect(await walk(`programme=${programme}&status=late&q=title%201&party=us-gov`, 1)).toEqual(late);
  });

  test('/contracts: folded from dated facts, as of the last position, it is what the database sorts, filters and pages', async () => {
    const today = new Date().toISOString().slice(0, 10);
    for (const field of SORT_FIELDS)
      for (const sort of [field, `-${field}`]) {
        const query = `programme=${programme}&sort=${sort}`;
        const live = await walk(query, 7);
        expect({ sort, found: await walk(`${query}&asOf=${position}&on=${today}`, 5) }).toEqual({ sort, found: live });
      }
    for (const filter of [
      'status=late',
      'q=title%203',
      'party=us-gov',
      'party=nobody',
      'overdueReports=false',
      'q=%C3%A4%25',
    ])
      expect({ filter, found: await walk(`programme=${programme}&${filter}&asOf=${position}&on=${today}`, 4) }).toEqual(
        {
          filter,
          found: await walk(`programme=${programme}&${filter}`, 4),
        },
      );
    const { groups } = await read<{ groups: unknown[] }>(`/portfolio/exposure?programme=${programme}&groupBy=seller`);
    expect(groups.length).toBeGreaterThan(0);
    expect(
      (
        await read<{ groups: unknown[] }>(
          `/portfolio/exposure?programme=${programme}&groupBy=seller&asOf=${position}&on=${today}`,
        )
      ).groups,
    ).toEqual(groups);
  }, 60_000);

  test('/contracts: a day to come moves what is late; what is wrong is refused by name', async () => {
    const now = await walk(`programme=${programme}&sort=-lateDays`, 500);
    const later = await walk(`programme=${programme}&sort=-lateDays&on=2150-01-01`, 500);
    expect(now[0]!.lateDays).toBeLessThan(later[0]!.lateDays!);
    for (const query of [
      'overdueReports=perhaps',
      'asOf=yesterday',
      'on=2001-02-30',
      'status=lost',
      'sort=colour',
      'limit=0',
      'limit=501',
      'cursor=abc',
      'on=2026-02-30',
      'colour=red',
      'limit=1&limit=2',
    ])
      expect({ query, status: (await get(`/contracts?${query}`)).status }).toEqual({ query, status: 400 });
    const ahead = await get(`/contracts?asOf=99999999999999`);
    expect(ahead.status).toBe(422);
    const { next } = await read<Page>(`/contracts?sort=title&limit=1`);
    expect((await get(`/contracts?sort=status&limit=1&cursor=${next}`)).status).toBe(400);
  });

  test('/history: in both orders, in pages, filtered, and as lines', async () => {
    const pages = async (query: string, limit: number): Promise<readonly HistoryEvent[]> => {
      const found: HistoryEvent[] = [];
      for (let cursor: string | null = ''; cursor !== null;) {
        const page: History = await read<History>(
          `/contracts/${main}/history?${query}&limit=${limit}${cursor === '' ? '' : `&cursor=${cursor}`}`,
        );
        expect(page.checkpoint).toBeNull();
        found.push(...page.events);
        cursor = page.next;
      }
      return found;
    };
    const recorded = await pages(`after=${position}`, 500);
    expect(recorded.map(({ revision }) => Number(revision))).toEqual(recorded.map((_, at) => at));
    const byTime = await pages('order=time', 500);
    expect(byTime.map(({ id }) => id)).toEqual(
      [...recorded]
        .sort((a, b) => (a.time === b.time ? Number(a.revision) - Number(b.revision) : a.time < b.time ? -1 : 1))
        .map(({ id }) => id),
    );
    expect(byTime.map(({ id }) => id)).not.toEqual(recorded.map(({ id }) => id));
    for (const limit of [1, 7, 60]) {
      expect(await pages('', limit)).toEqual(recorded);
      expect(await pages('order=time', limit)).toEqual(byTime);
    }
    const march = byTime.filter(
      ({ time, type }) => time >= '2020-03' && time < '2020-04' && type === 'ForecastRevised',
    );
    expect(await pages('order=time&type=ForecastRevised&from=2020-03-01&to=2020-03-31', 2)).toEqual(march);
    expect(march.length).toBeGreaterThan(2);
    const byPrime = recorded.filter(({ reporter }) => reporter === 'prime-a');
    expect(await pages('reporter=prime-a', 9)).toEqual(byPrime);
    expect(await pages('reporter=jp-mod&type=ForecastRevised', 9)).toEqual([]);
    for (const query of ['', '?order=time', '?reporter=prime-a', `?asOf=${position}`]) {
      const { body, headers } = await get<string>(`/contracts/${main}/history${query}`, { accept: NDJSON });
      const streamed = body.trimEnd().split('\n');
      expect(headers.get('content-type')).toContain(NDJSON);
      expect(streamed.pop()).toBe('{"checkpoint":null}');
      const expected = query === '?order=time' ? byTime : query === '?reporter=prime-a' ? byPrime : recorded;
      expect(streamed.map((line) => JSON.parse(line) as HistoryEvent)).toEqual(expected);
    }
  });

  test('/contracts/{id} and /schedule as of an instant, as of a position, and on a day', async () => {
    const { events } = await read<History>(`/contracts/${main}/history?limit=500`);
    const third = events[3]!;
    for (const path of [`/contracts/${main}`, `/contracts/${main}/schedule`]) {
      const then = await get<{ position: string; asOf: string; revision?: string }>(`${path}?asOf=${third.position}`);
      expect([then.status, then.headers.get('waybook-position'), then.body.asOf]).toEqual([
        200,
        third.position,
        third.position,
      ]);
      const now = await read<Record<string, unknown>>(`${path}?after=${position}`);
      const asOfNow = await read<Record<string, unknown>>(`${path}?asOf=${String(now['asOf'])}`);
      expect({ ...asOfNow, position: '' }).toEqual({ ...now, position: '' });
      expect((await get(`${path}?asOf=2001-01-01T00:00:00Z`)).status).toBe(404);
      expect((await get(`${path}?asOf=1`)).status).toBe(404);
      expect((await get<{ code: string }>(`${path}?asOf=2999-01-01T00:00:00Z`)).body.code).toBe('as-of-in-future');
      expect((await get<{ code: string }>(`${path}?asOf=999999999999`)).body.code).toBe('as-of-in-future');
    }
    expect((await read<{ revision: string }>(`/contracts/${main}?asOf=${third.position}`)).revision).toBe('3');
    const on = await read<{ on: string; milestones: { forecasts: { event: { id: string } }[] }[] }>(
      `/contracts/${main}/schedule?on=2020-03-31`,
    );
    expect(on.milestones[0]!.forecasts.length).toBe(
      events.filter(({ type, time }) => type === 'ForecastRevised' && time < '2020-04').length,
    );
    expect(on.on).toBe('2020-03-31');
    expect((await get(`/contracts/${main}?on=2019-01-01`)).status).toBe(404);
  });

  test('/events: the whole feed, from a position, and held open for what comes', async () => {
    const { body } = await get<string>('/events', { accept: NDJSON });
    const feed = lines(body);
    const positions = feed.map((each) => BigInt(each.position));
    expect(positions.every((each, at) => at === 0 || positions[at - 1]! < each)).toBe(true);
    expect(feed.filter(({ contract }) => contract === main).map(({ revision }) => Number(revision))).toEqual(
      Array.from({ length: 62 }, (_, at) => at),
    );
    const middle = feed[Math.floor(feed.length / 2)]!;
    expect(lines((await get<string>(`/events?after=${middle.position}`)).body)).toEqual(
      feed.slice(feed.indexOf(middle) + 1),
    );
    expect(lines((await get<string>(`/events?after=${middle.position}&limit=3`)).body)).toEqual(
      feed.slice(feed.indexOf(middle) + 1).slice(0, 3),
    );

    const ended = new AbortController();
    const response = await fetch(new URL(`/events?follow=true&after=${feed.at(-3)!.position}`, place.ledger.url), {
      signal: ended.signal,
    });
    const coming = linesOf(response);
    const next = async (): Promise<string> => ((await coming.next()).value as HistoryEvent).id;
    expect([await next(), await next()]).toEqual([feed.at(-2)!.id, feed.at(-1)!.id]);
    for (let round = 0; round < 5; round += 1) {
      const sent = [forecastOf(main, '2025-01-01'), forecastOf(name(3), '2025-01-01')];
      await send(...sent);
      // Two contracts are recorded at once: either may come first.
      expect([await next(), await next()].sort()).toEqual(sent.map(({ id }) => id).sort());
    }
    ended.abort();
    await expect(coming.next()).rejects.toMatchObject({ name: 'AbortError' });
  });

  test('/health, /metrics and /docs', async () => {
    const health = await read<{
      status: string;
      store: { position: string };
      projections: { name: string; state: string; position: string }[];
    }>('/health');
    expect(health).toMatchObject({
      status: 'ok',
      clock: { kind: 'system' },
      note: null,
      store: { reachable: true, position },
    });
    expect(health.projections.map(({ name: of, state, position: at }) => [of, state, at])).toEqual(
      projections.map((of) => [of.name, 'live', position]),
    );
    const metrics = (await get<string>('/metrics')).body;
    expect(metrics).toMatch(/^waybook_events_total\{result="recorded"\} [1-9]/m);
    expect(metrics).toContain(`waybook_store_position ${position}`);
    expect((await get<string>('/docs')).body).toContain('<html');
  });

  test('rebuilds over HTTP and by the command line, and answers all the while', async () => {
    let [done, answered] = [false, 0];
    const asking = (async () => {
      while (!done) {
        const page = await read<Page>(`/contracts?programme=${programme}&limit=500`);
        expect(page.contracts.length).toBe(COUNT);
        expect(BigInt(page.position) >= BigInt(position)).toBe(true);
        const { events } = await read<History>(`/contracts/${main}/history?limit=500`);
        expect(events.length).toBeGreaterThan(60);
        answered += 1;
      }
    })();
    const { body } = await call<string>(place.ledger.url, '/rebuild', '', 'application/json');
    const last = JSON.parse(body.trimEnd().split('\n').at(-1)!) as object;
    expect(last).toEqual({ rebuilt: true });
    const port = new URL(place.ledger.url).port;
    const answer = JSON.parse(await place.ledger.cli('rebuild', 'schedule', '--port', port, '--json')) as object;
    expect(answer).toMatchObject({ rebuilt: ['schedule'], server: expect.stringContaining(`:${port}`) });
    expect((await call(place.ledger.url, '/rebuild?projection=nothing', '', 'application/json')).status).toBe(400);
    done = true;
    await asking;
    expect(answered).toBeGreaterThan(0);
  }, 60_000);

  test('an unknown contract is 404 everywhere, whatever is asked about it', async () => {
    for (const id of [`READ-${run}-none`, 'a%2Fb', '..%2F..', `${'x'.repeat(200)}`, '%00'])
      for (const path of [
        '',
        '?asOf=1',
        '?on=2020-01-01',
        '/schedule',
        '/schedule?asOf=1',
        '/history',
        '/history?on=2020-01-01',
        '/history?order=time',
      ]) {
        const { status, body } = await get<{ code: string }>(`/contracts/${id}${path}`);
        expect({ id, path, status, code: body.code }).toEqual({ id, path, status: 404, code: 'unknown-contract' });
      }
    const streamed = await get<{ code: string }>(`/contracts/READ-${run}-none/history`, { accept: NDJSON });
    expect([streamed.status, streamed.body.code]).toEqual([404, 'unknown-contract']);
    const written = await call<{ code: string }>(
      place.ledger.url,
      `/contracts/READ-${run}-none/events`,
      forecastOf(`READ-${run}-none`, '2025-01-01'),
      'application/cloudevents+json',
    );
    expect([written.status, written.body.code]).toEqual([404, 'unknown-contract']);
  });

  test('is started again and shows the same', async () => {
    const paths = [
      `/contracts?programme=${programme}&limit=500&on=2150-01-01`,
      `/contracts/${main}/schedule?asOf=${position}&on=2024-01-01`,
      `/contracts/${main}/history?limit=500&order=time`,
    ];
    const shown = async (): Promise<readonly unknown[]> =>
      Promise.all(paths.map(async (path) => ({ ...(await read<object>(path)), asOf: '', on: '' })));
    const before = await shown();
    await place.ledger.stop();
    await place.ledger.serve();
    expect(await shown()).toEqual(before);
  });
});
