/** The feeder against a small server that keeps to the documented answers, and against one that does not. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { feedPortfolio, MAX_BATCH } from './feed.js';
import { isObject, type DemoError } from './http.js';
import { generatePortfolio, type Portfolio } from './portfolio.js';
import type { Sending } from './script.js';

interface Request {
  readonly method: string;
  readonly path: string;
  readonly type: string;
  readonly body: unknown;
}
type Reply = { readonly status: number; readonly body: unknown };

/** Records everything that is sent once, and moves its clock forward only. */
class SmallLedger {
  readonly requests: Request[] = [];
  readonly seen = new Map<string, { text: string; at: number }>();
  now = Date.parse('2012-01-01T00:00:00Z');
  /** Answers instead of the ledger where it gives something back. */
  instead: (request: Request) => Reply | undefined = () => undefined;

  answer(request: Request): Reply {
    this.requests.push(request);
    const replaced = this.instead(request);
    if (replaced !== undefined) return replaced;
    switch (request.path) {
      case '/clock': {
        const now = Date.parse((request.body as { now: string }).now);
        if (now < this.now) return { status: 422, body: { code: 'clock-goes-back', detail: 'never' } };
        this.now = now;
        return { status: 200, body: { now: new Date(now).toISOString() } };
      }
      case '/contracts':
        return this.results([request.body]);
      case '/events':
        return this.results(request.body as unknown[]);
      default:
        return { status: 404, body: { code: 'not-found' } };
    }
  }

  results(events: readonly unknown[]): Reply {
    const results = events.map((event) => {
      const { source, subject, id } = event as { source: string; subject: string; id: string };
      const name = `${subject} ${source} ${id}`;
      const known = this.seen.get(name);
      if (known === undefined) this.seen.set(name, { text: JSON.stringify(event), at: this.now });
      return {
        id,
        status: known === undefined ? 'recorded' : 'duplicate',
        revision: '0',
        position: String([...this.seen.keys()].indexOf(name)),
        problem: null,
      };
    });
    return { status: results.every(({ status }) => status === 'duplicate') ? 200 : 201, body: { results } };
  }
}

let server: Server;
let ledger: SmallLedger;
let baseUrl: string;

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return JSON.parse(text) as unknown;
}

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { status, body } = ledger.answer({
    method: request.method ?? '',
    path: request.url ?? '',
    type: request.headers['content-type'] ?? '',
    body: await bodyOf(request),
  });
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

beforeAll(async () => {
  server = createServer((request, response) => void serve(request, response));
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => {
    server.close(resolve);
  });
});
beforeEach(() => {
  ledger = new SmallLedger();
});

const whole = generatePortfolio();
/** The first events alone: enough to have several moments, registrations and batches. */
const some: Portfolio = { ...whole, sendings: whole.sendings.slice(0, 60) };
const error = (code: string) => expect.objectContaining({ name: 'DemoError', code });

test('the clock is moved to each moment, then what is sent at it follows', async () => {
  const days: string[] = [];
  const result = await feedPortfolio(baseUrl, some, ({ day, sent, total }) => {
    days.push(day);
    expect(sent).toBeLessThanOrEqual(total);
  });
  expect(result).toMatchObject({ recorded: 60, duplicate: 0, position: '59' });
  expect(result.requests).toBe(ledger.requests.length);
  for (const sending of some.sendings) {
    const { source, subject, id } = sending.event;
    const seen = ledger.seen.get(`${subject} ${source} ${id}`);
    expect(seen).toEqual({ text: JSON.stringify(sending.event), at: Date.parse(sending.at) });
  }
  expect(days).toEqual([...days].sort());
  expect(ledger.now).toBe(Date.parse(whole.end));
  const types = new Set(ledger.requests.map(({ path, type }) => `${path} ${type}`));
  expect(types).toEqual(
    new Set([
      '/clock application/json',
      '/contracts application/cloudevents+json',
      '/events application/cloudevents-batch+json',
    ]),
  );
});

test('a registration is sent before the events of the same moment', async () => {
  const [registration] = some.sendings;
  const event = some.sendings.find(({ kind }) => kind === 'event');
  expect(registration?.kind).toBe('register');
  const at = registration?.at ?? '';
  const together = [registration, event].map((sending) => ({ ...(sending as Sending), at, day: at.slice(0, 10) }));
  await feedPortfolio(baseUrl, { ...some, sendings: together });
  expect(ledger.requests.map(({ path }) => path)).toEqual(['/clock', '/contracts', '/events', '/clock']);
});

test('fed again, everything is a duplicate', async () => {
  await feedPortfolio(baseUrl, some);
  const again = await feedPortfolio(baseUrl, some);
  expect(again).toMatchObject({ recorded: 0, duplicate: 60 });
});

test('after an interruption it goes on where it stopped', async () => {
  const half = some.sendings.slice(0, 30);
  await feedPortfolio(baseUrl, { ...some, end: half.at(-1)?.at ?? '', sendings: half });
  const rest = await feedPortfolio(baseUrl, some);
  expect(rest).toMatchObject({ recorded: 30, duplicate: 30 });
});

test('a moment with many events is sent in batches', async () => {
  const event = some.sendings.find(({ kind }) => kind === 'event') as Sending;
  const sendings = Array.from({ length: MAX_BATCH + 1 }, (_, index) => ({
    ...event,
    event: { ...event.event, id: `e-${index}` },
  }));
  const result = await feedPortfolio(baseUrl, { ...some, sendings });
  const sizes = ledger.requests.filter(({ path }) => path === '/events').map(({ body }) => (body as unknown[]).length);
  expect(sizes).toEqual([MAX_BATCH, 1]);
  expect(result.recorded).toBe(MAX_BATCH + 1);
});

describe('it stops with a clear error', () => {
  const refusing = (status: string) => (request: Request) =>
    request.path === '/events'
      ? {
          status: 207,
          body: {
            results: (request.body as { id: string }[]).map(({ id }) => ({
              id,
              status,
              revision: null,
              position: null,
              problem: {
                code: 'time-in-future',
                detail: 'the event lies in the future',
                errors: [{ pointer: '/time', detail: 'must be at most five minutes ahead' }],
              },
            })),
          },
        }
      : undefined;

  test('where an event is refused, naming it', async () => {
    ledger.instead = refusing('refused');
    const failure = await feedPortfolio(baseUrl, some).catch((thrown: unknown) => thrown);
    expect(failure).toEqual(error('not-recorded'));
    expect(failure).toMatchObject({ problem: 'time-in-future' });
    const first = some.sendings.find(({ kind }) => kind === 'event') as Sending;
    expect((failure as DemoError).message).toContain(`${first.event.id} of ${first.contract}`);
    expect((failure as DemoError).message).toContain('/time must be at most five minutes ahead');
  });

  test('where it is not known whether an event was recorded', async () => {
    ledger.instead = refusing('failed');
    await expect(feedPortfolio(baseUrl, some)).rejects.toEqual(error('not-recorded'));
  });

  test('where a registration is refused', async () => {
    ledger.instead = ({ path }) =>
      path === '/contracts' ? { status: 409, body: { code: 'already-registered', detail: 'it is there' } } : undefined;
    await expect(feedPortfolio(baseUrl, some)).rejects.toMatchObject({
      code: 'not-recorded',
      problem: 'already-registered',
    });
  });

  test('where a whole batch is refused', async () => {
    ledger.instead = ({ path }) =>
      path === '/events' ? { status: 413, body: { code: 'body-too-large', detail: 'too large' } } : undefined;
    await expect(feedPortfolio(baseUrl, some)).rejects.toMatchObject({ code: 'refused', problem: 'body-too-large' });
  });

  test('where results are missing, or are about something else', async () => {
    ledger.instead = ({ path }) => (path === '/events' ? { status: 201, body: { results: [] } } : undefined);
    await expect(feedPortfolio(baseUrl, some)).rejects.toEqual(error('unexpected-answer'));
    ledger = new SmallLedger();
    ledger.instead = ({ path, body }) =>
      path === '/events'
        ? { status: 201, body: { results: (body as unknown[]).map(() => ({ id: 'other', status: 'recorded' })) } }
        : undefined;
    await expect(feedPortfolio(baseUrl, some)).rejects.toEqual(error('unexpected-answer'));
  });

  test('where the clock moves by itself, before anything is sent', async () => {
    ledger.instead = ({ path }) =>
      path === '/clock' ? { status: 409, body: { code: 'clock-not-stepped', detail: 'no' } } : undefined;
    await expect(feedPortfolio(baseUrl, some)).rejects.toEqual(error('clock-not-stepped'));
    expect(ledger.requests.map(({ path }) => path)).toEqual(['/clock']);
  });

  test('where the ledger is one of another day, after the first moment', async () => {
    ledger.now = Date.parse('2026-01-17T00:00:00Z');
    await expect(feedPortfolio(baseUrl, some)).rejects.toEqual(error('other-ledger'));
    const first = some.sendings.filter(({ at }) => at === some.sendings[0]?.at);
    expect(ledger.seen.size).toBe(first.length);
  });

  test('where nobody answers', async () => {
    const unused = createServer();
    await new Promise<void>((resolve) => {
      unused.listen(0, '127.0.0.1', resolve);
    });
    const { port } = unused.address() as AddressInfo;
    await new Promise((resolve) => {
      unused.close(resolve);
    });
    await expect(feedPortfolio(`http://127.0.0.1:${port}`, some)).rejects.toEqual(error('unreachable'));
  });
});

test('every event of the whole portfolio is an object that JSON gives back as it was', () => {
  for (const { event } of whole.sendings.slice(0, 500)) expect(isObject(event)).toBe(true);
  expect(JSON.parse(JSON.stringify(whole.sendings))).toEqual(whole.sendings);
});
