import { connect } from 'node:net';
import { SteppedClock, SystemClock } from '../../src/clock.js';
import { isLoopback } from '../../src/http/server.js';
import { CLOUDEVENT, post, problem, progress, register, startServer, type TestServer } from './http-support.js';

let server: TestServer;
const days: string[] = [];
beforeAll(async () => {
  server = await startServer({ parts: { onDay: (day) => Promise.resolve(void days.push(day)) } });
});
afterAll(async () => {
  await server.close();
});

/** Sends bytes as they are and gives everything that comes back. */
function raw(text: string): Promise<string> {
  const { hostname, port } = new URL(server.url);
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(Number(port), hostname, () => socket.write(text));
    socket.on('data', (bytes) => (answer += bytes.toString('utf8')));
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
  });
}

describe('what is not there', () => {
  test('an address', async () => {
    for (const path of ['/nothing', '/contracts/C/nothing/more', '/%2e%2e/etc'])
      expect(await problem(await fetch(`${server.url}${path}`))).toEqual([404, 'not-found', undefined]);
  });

  test('a method', async () => {
    const response = await fetch(`${server.url}/events`, { method: 'DELETE' });
    expect(response.headers.get('allow')).toBe('GET, HEAD, POST');
    expect(await problem(response)).toEqual([405, 'method-not-allowed', undefined]);
    expect((await fetch(`${server.url}/contracts/C/events`, { method: 'PUT' })).headers.get('allow')).toBe('POST');
  });

  test('a type of body, which is answered with those there are', async () => {
    for (const type of ['text/plain', 'application/xml', 'multipart/form-data; boundary=x', 'application/json']) {
      const response = await post(`${server.url}/contracts/C/events`, type, '{}');
      const body = await response.clone().text();
      expect(await problem(response)).toEqual([415, 'unsupported-media-type', 'Content-Type:']);
      for (const taken of [CLOUDEVENT, 'application/cloudevents-batch+json', 'application/x-ndjson'])
        expect(body).toContain(taken);
    }
    const none = await fetch(`${server.url}/contracts`, { method: 'POST', body: Buffer.from('{}') });
    expect(await problem(none)).toEqual([415, 'unsupported-media-type', 'Content-Type:']);
    const empty = await fetch(`${server.url}/contracts`, { method: 'POST' });
    expect(await problem(empty)).toEqual([415, 'unsupported-media-type', 'Content-Type:']);
    const packed = await post(`${server.url}/contracts`, 'application/json', '{}', { 'content-encoding': 'gzip' });
    expect(await problem(packed)).toEqual([415, 'unsupported-media-type', 'Content-Encoding:']);
  });

  test('an address that is malformed or endless', async () => {
    expect(await problem(await fetch(`${server.url}/contracts/%zz/events`))).toEqual([400, 'bad-request', undefined]);
    const long = await fetch(`${server.url}/contracts/${'x'.repeat(2_000)}/events`, { method: 'POST' });
    expect(await problem(long)).toEqual([414, 'uri-too-long', undefined]);
  });
});

describe('what is no HTTP, or not for us', () => {
  test('garbage, and headers without end', async () => {
    expect(await raw('GARBAGE\r\n\r\n')).toMatch(
      /^HTTP\/1\.1 400 [^]*application\/problem\+json[^]*"code":"bad-request"/,
    );
    expect(await raw(`GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`)).toMatch(
      /^HTTP\/1\.1 431 [^]*"code":"headers-too-large"/,
    );
  });

  test('another name for this machine', async () => {
    const ask = (host: string) => raw(`GET /health HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    for (const host of ['evil.example', 'evil.example:80', '127.0.0.1.evil.example', '10.0.0.1', ''])
      expect(await ask(host)).toMatch(/^HTTP\/1\.1 421 [^]*"code":"misdirected-request"/);
    for (const host of ['localhost', 'LOCALHOST:3000', '127.0.0.1:1', '[::1]:80'])
      expect(await ask(host)).toMatch(/^HTTP\/1\.1 200 /);
  });
});

describe('a page from elsewhere', () => {
  test('does not get a browser to write here', async () => {
    const from = (origin: string) =>
      post(`${server.url}/clock`, 'application/json', { now: '2026-01-15T09:30:00Z' }, { origin });
    for (const origin of [
      'https://evil.example',
      'null',
      'http://127.0.0.1:1',
      server.url.replace('127.0.0.1', 'localhost'),
    ])
      expect(await problem(await from(origin))).toEqual([403, 'foreign-origin', 'Origin:']);
    expect((await from(server.url)).status).toBe(200);
  });
});

describe('headers', () => {
  test('nothing tells what runs here; nothing may be kept, sniffed or framed', async () => {
    const { headers } = await fetch(`${server.url}/health`);
    expect(headers.get('server')).toBeNull();
    expect(headers.get('x-powered-by')).toBeNull();
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    expect((await fetch(`${server.url}/nothing`)).headers.get('cache-control')).toBe('no-store');
  });
});

describe('listening', () => {
  test('is for loopback addresses alone', async () => {
    for (const host of ['127.0.0.1', '127.1.2.3', '::1', 'localhost']) expect(isLoopback(host)).toBe(true);
    for (const host of ['0.0.0.0', '::', '10.0.0.1', '', '127.0.0.1.evil.example', '128.0.0.1'])
      expect(isLoopback(host)).toBe(false);
    await expect(startServer({ server: { host: '0.0.0.0' } })).rejects.toMatchObject({ code: 'not-loopback' });
    expect(server.notices).toEqual([expect.stringContaining('for this machine alone')]);
  });

  test('elsewhere only when that is asked for, and it says what that means', async () => {
    const open = await startServer({ server: { host: '0.0.0.0', insecurelyAllowAnyHost: true } });
    expect(open.notices).toEqual([expect.stringContaining('INSECURE')]);
    await open.close();
  });
});

describe('health and metrics', () => {
  test('ok, degraded, failed', async () => {
    const get = async () => {
      const response = await fetch(`${server.url}/health`);
      return [response.status, await response.json()];
    };
    expect(await get()).toEqual([
      200,
      {
        status: 'ok',
        version: '0.0.0-test',
        origin: 'demo.example/ledger',
        clock: { kind: 'stepped', now: '2026-01-15T09:30:00.000Z' },
        note: expect.stringContaining('demonstration'),
        store: { reachable: true, position: null },
        projections: [],
        watch: null,
      },
    ]);
    await register(server, 'H');
    server.health.projections = [
      {
        name: 'schedule',
        version: 2,
        state: 'live',
        position: 1n,
        building: undefined,
        lag: { events: 0, milliseconds: 0 },
      },
      {
        name: 'audit-trail',
        version: 1,
        state: 'failed',
        position: undefined,
        building: { version: 2, position: 1n },
        lag: { milliseconds: 1_500 },
        error: { code: 'poison-event', detail: 'it broke', event: 'f00' },
      },
    ];
    expect(await get()).toMatchObject([
      200,
      {
        status: 'degraded',
        store: { position: '1' },
        projections: [
          {
            name: 'schedule',
            version: 2,
            state: 'live',
            position: '1',
            building: null,
            lag: { events: 0, milliseconds: 0 },
          },
          {
            name: 'audit-trail',
            position: null,
            building: { version: 2, position: '1' },
            lag: { events: null, milliseconds: 1_500 },
            error: { code: 'poison-event', detail: 'it broke', event: 'f00' },
          },
        ],
      },
    ]);
    const text = await (await fetch(`${server.url}/metrics`)).text();
    expect(text).toMatch(/waybook_events_total\{result="recorded"\} 1\n/);
    expect(text).toMatch(/waybook_projection_lag_seconds\{projection="audit-trail",version="1"\} 1\.5\n/);
    expect(text).toMatch(/waybook_http_request_duration_seconds_count\{method="GET",route="\/health",status="200"\}/);
    expect(text).toContain('process_resident_memory_bytes');

    server.health.ready = false;
    expect(await get()).toMatchObject([503, { status: 'failed' }]);
    expect(await problem(await post(`${server.url}/contracts`, 'application/json', '{}'))).toEqual([
      503,
      'not-ready',
      undefined,
    ]);
    server.health.ready = true;
    server.health.projections = [];
  });
});

describe('the clock', () => {
  const step = (body: unknown) => post(`${server.url}/clock`, 'application/json', body);

  test('passes each day in turn, and never goes back', async () => {
    days.length = 0;
    const response = await step({ now: '2026-01-18T06:00:00Z' });
    expect([response.status, await response.json()]).toEqual([200, { now: '2026-01-18T06:00:00.000Z', position: '1' }]);
    expect(days).toEqual(['2026-01-16', '2026-01-17', '2026-01-18']);
    expect((await step({ now: '2026-01-18T06:00:00Z' })).status).toBe(200);
    expect(await problem(await step({ now: '2026-01-18T05:59:59.999Z' }))).toEqual([422, 'clock-goes-back', '/now']);
    expect(days.length).toBe(3);
    const both = await Promise.all([step({ now: '2026-01-19T00:00:00Z' }), step({ now: '2026-01-20T00:00:00Z' })]);
    expect(both.map(({ status }) => status)).toEqual([200, 200]);
    expect(days.slice(3)).toEqual(['2026-01-19', '2026-01-20']);
  });

  test('what is no instant', async () => {
    expect(await problem(await step({}))).toEqual([422, 'invalid-body', '/now']);
    expect(await problem(await step({ now: '2026-02-30T00:00:00Z' }))).toEqual([422, 'invalid-body', '/now']);
    expect(await problem(await step({ now: '2027-01-01T00:00:00Z', by: 1 }))).toEqual([422, 'invalid-body', '/by']);
    expect(await problem(await step('{"now":'))).toEqual([400, 'invalid-json', '/now']);
    expect(await problem(await post(`${server.url}/clock`, CLOUDEVENT, '{}'))).toEqual([
      415,
      'unsupported-media-type',
      'Content-Type:',
    ]);
  });

  test('a clock of a real ledger is not moved', async () => {
    const real = await startServer({ clock: new SystemClock() });
    expect(await problem(await post(`${real.url}/clock`, 'application/json', { now: '2030-01-01T00:00:00Z' }))).toEqual(
      [409, 'clock-not-stepped', undefined],
    );
    await real.close();
  });

  test('a day that fails leaves the clock standing at it', async () => {
    const clock = new SteppedClock(Date.parse('2026-01-01T12:00:00Z'));
    const failing = await startServer({ clock, parts: { onDay: () => Promise.reject(new Error('secret')) } });
    const response = await post(`${failing.url}/clock`, 'application/json', { now: '2026-01-05T00:00:00Z' });
    const text = await response.clone().text();
    expect(await problem(response)).toEqual([500, 'internal-error', undefined]);
    expect(text).not.toContain('secret');
    const { errorId } = JSON.parse(text) as { errorId: string };
    expect(failing.errors).toEqual([
      { message: `unexpected error ${errorId}`, error: expect.objectContaining({ message: 'secret' }) },
    ]);
    expect(clock.now()).toBe(Date.parse('2026-01-02T00:00:00Z'));
    await failing.close();
  });
});

describe('the feed', () => {
  beforeAll(async () => {
    await register(server, 'FEED');
    await post(`${server.url}/contracts/FEED/events`, CLOUDEVENT, progress('f1'));
  });

  test('gives every event in order, from where it is asked to', async () => {
    const response = await fetch(`${server.url}/events`);
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/x-ndjson']);
    const text = (await response.text()).trimEnd().split('\n');
    const all = text.map((line) => JSON.parse(line) as { contract: string; position: string; revision: string });
    expect(response.headers.get('waybook-position')).toBe(all.at(-1)?.position);
    const last = all.at(-1);
    expect(last).toEqual({
      contract: 'FEED',
      revision: '1',
      position: last?.position,
      id: 'f1',
      source: 'urn:waybook:party:northgate',
      type: 'ManufacturingProgressed',
      version: 1,
      time: '2025-09-01T12:00:00Z',
      recordedtime: expect.stringMatching(/^2026-.*Z$/),
      reporter: 'northgate',
      onBehalfOf: null,
      data: { line: '001', stage: 'assembly', percent: 40, unitsCompleted: 1 },
      effective: null,
      corrects: null,
      correctedBy: null,
      flags: null,
    });
    const after = await (await fetch(`${server.url}/events?after=${all.at(-2)?.position}`)).text();
    expect(after).toBe(`${text.at(-1)}\n`);
    expect(await (await fetch(`${server.url}/events?limit=2`)).text()).toBe(`${text.slice(0, 2).join('\n')}\n`);
    expect(await (await fetch(`${server.url}/events?after=${last?.position}`)).text()).toBe('');
  });

  test('follow goes on with what is recorded, until the server is closed', async () => {
    const own = await startServer();
    await register(own, 'LIVE');
    const response = await fetch(`${own.url}/events?follow=true`);
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    const id = async () => (JSON.parse((await reader.read()).value!) as { id: string }).id;
    expect(await id()).toBe('registration');
    await post(`${own.url}/contracts/LIVE/events`, CLOUDEVENT, progress('l1'));
    expect(await id()).toBe('l1');
    const limited = await fetch(`${own.url}/events?follow=true&limit=1`);
    expect((await limited.text()).split('\n').length).toBe(2);
    const ended = reader.read();
    await own.close();
    expect((await ended).done).toBe(true);
    expect(own.errors).toEqual([]);
  });

  test('what is no question', async () => {
    for (const [query, pointer] of [
      ['after=-1', '?after'],
      ['after=1.5', '?after'],
      ['after=99999999999999999999', '?after'],
      ['follow=yes', '?follow'],
      ['limit=0', '?limit'],
      ['since=1', '?since'],
      ['limit=1&limit=2', '?limit'],
    ] as const)
      expect(await problem(await fetch(`${server.url}/events?${query}`))).toEqual([400, 'invalid-query', pointer]);
    const html = await fetch(`${server.url}/events`, { headers: { accept: 'text/html' } });
    expect(await problem(html)).toEqual([406, 'not-acceptable', 'Accept:']);
  });
});

describe('the description of the API', () => {
  test('as JSON and as a page', async () => {
    const json = await fetch(`${server.url}/docs/openapi.json`);
    expect(await json.json()).toMatchObject({ openapi: '3.1.0', paths: { '/events': { get: {}, post: {} } } });
    const page = await fetch(`${server.url}/docs`);
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    const html = await page.text();
    expect(html).toContain('id="problem-event-id-reused"');
    expect(html).not.toMatch(/<script|https?:\/\//);
  });
});
