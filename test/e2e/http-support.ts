/** A whole server in this process, over a store in a folder of its own, on a real port. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { SteppedClock, type Clock } from '../../src/clock.js';
import { Recorder } from '../../src/commands/recorder.js';
import type { EventStore, StoredEvent } from '../../src/event-store/event-store.js';
import { openSqliteStore } from '../../src/event-store/sqlite/sqlite-event-store.js';
import { StoreFeed } from '../../src/http/feed.js';
import type { HttpParts, ProjectionHealth } from '../../src/http/ports.js';
import { createServer, type ServerOptions } from '../../src/http/server.js';

export const NOW = '2026-01-15T09:30:00.000Z';

export interface TestServer {
  readonly url: string;
  readonly app: NestFastifyApplication;
  readonly store: EventStore;
  readonly clock: Clock;
  /** What was logged as an error; a test that expects none looks here. */
  readonly errors: { readonly message: string; readonly error: unknown }[];
  readonly notices: string[];
  /** Shown on /health; a test may change it. */
  readonly health: { ready: boolean; projections: ProjectionHealth[] };
  stored(): Promise<readonly StoredEvent[]>;
  close(): Promise<void>;
}

export interface TestOptions {
  readonly clock?: Clock;
  readonly parts?: Partial<HttpParts>;
  readonly server?: Partial<ServerOptions>;
  /** Stands between the recorder and the store, to fail in a test's place. */
  readonly wrap?: (store: EventStore) => EventStore;
}

export async function startServer(options: TestOptions = {}): Promise<TestServer> {
  const folder = mkdtempSync(join(tmpdir(), 'waybook-http-'));
  const real = openSqliteStore(join(folder, 'events.db'));
  const store = options.wrap?.(real) ?? real;
  const clock = options.clock ?? new SteppedClock(Date.parse(NOW));
  const errors: TestServer['errors'] = [];
  const notices: string[] = [];
  const health: TestServer['health'] = { ready: true, projections: [] };
  const parts: HttpParts = {
    recorder: new Recorder(
      store,
      { clock, random: (bytes) => randomBytes(bytes) },
      { soleWriter: true, retryDelaysMs: [] },
    ),
    clock,
    health: {
      ready: () => health.ready,
      head: async () => (await store.head())?.position,
      projections: () => health.projections,
    },
    waiter: { waitFor: () => Promise.resolve(true) },
    feed: new StoreFeed(store),
    origin: 'demo.example/ledger',
    version: '0.0.0-test',
    log: {
      error: (message, error) => void errors.push({ message, error }),
      warn: (message) => void notices.push(message),
      info: (message) => void notices.push(message),
    },
    ...options.parts,
  };
  const app = await createServer(parts, { port: 0, ...options.server });
  return {
    url: await app.getUrl(),
    app,
    store: real,
    clock,
    errors,
    notices,
    health,
    async stored() {
      const all: StoredEvent[] = [];
      for await (const page of real.readAll()) all.push(...page);
      return all;
    },
    async close() {
      await app.close();
      await real.close();
      rmSync(folder, { recursive: true });
    },
  };
}

export const CLOUDEVENT = 'application/cloudevents+json';
export const BATCH = 'application/cloudevents-batch+json';
export const NDJSON = 'application/x-ndjson';

/** A registration in its short form, with one line and one milestone. */
export const registration = (contract: string): Record<string, unknown> => ({
  contract,
  title: 'Airborne early warning aircraft',
  reference: `JA-${contract}`,
  programme: 'airborne-early-warning',
  signedOn: '2025-03-01',
  value: { amount: '1000000.00', currency: 'USD' },
  parties: [
    { party: 'jmod', name: 'Ministry', role: 'buyer', country: 'JP' },
    { party: 'usgov', name: 'Seller', role: 'seller', country: 'US' },
    { party: 'northgate', name: 'Prime', role: 'prime', country: 'US' },
  ],
  lines: [
    {
      line: '001',
      description: 'Radar set',
      quantity: 4,
      unit: 'EA',
      unitValue: { amount: '250000.00', currency: 'USD' },
    },
  ],
  milestones: [
    {
      milestone: 'M1',
      line: '001',
      kind: 'delivery',
      description: 'First set',
      due: '2026-06-30',
      binding: 'estimate',
    },
  ],
  terms: {
    reportEveryDays: 30,
    delayNoticeDays: 14,
    acknowledgeWithinDays: 14,
    resolveWithinDays: 90,
    discrepancyWithinDays: 365,
    settleWithinDays: 365,
  },
});

/** A small event that the prime may report. */
export const progress = (id: string, over: Record<string, unknown> = {}): Record<string, unknown> => ({
  specversion: '1.0',
  id,
  source: 'urn:waybook:party:northgate',
  type: 'ManufacturingProgressed',
  time: '2025-09-01T12:00:00Z',
  data: { line: '001', stage: 'assembly', percent: 40, unitsCompleted: 1 },
  ...over,
});

export function post(
  url: string,
  type: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Response> {
  const bytes = typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body);
  return fetch(url, { method: 'POST', headers: { 'content-type': type, ...headers }, body: bytes });
}

export interface Result {
  readonly line?: number;
  readonly id: string | null;
  readonly status: 'recorded' | 'duplicate' | 'refused' | 'failed';
  readonly revision: string | null;
  readonly position: string | null;
  readonly problem: ProblemAnswer | null;
}

export interface ProblemAnswer {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly errors: readonly { readonly pointer: string; readonly detail: string }[];
}

export async function results(response: Response): Promise<readonly Result[]> {
  return ((await response.json()) as { results: Result[] }).results;
}

/** Status, code and first pointer of a problem, after a look at its form. */
export async function problem(response: Response): Promise<readonly [number, string, string | undefined]> {
  expect(response.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
  const body = (await response.json()) as ProblemAnswer;
  expect(body).toMatchObject({ type: `/docs#problem-${body.code}`, status: response.status });
  expect(body.title).not.toBe('');
  expect(body.detail).not.toBe('');
  return [response.status, body.code, body.errors[0]?.pointer];
}

export async function register(server: TestServer, contract: string): Promise<void> {
  const response = await post(`${server.url}/contracts`, 'application/json', registration(contract));
  expect([response.status, await response.text()]).toEqual([201, expect.stringContaining('recorded')]);
}
