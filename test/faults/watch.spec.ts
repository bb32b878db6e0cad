/** The watch under kill -9: whatever is cut off in the middle of a day, each miss is noticed once, and none is left out. */
import { randomInt } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { ContractEvent } from '../../src/contract/event-type.js';
import { decodeEvent } from '../../src/evidence/record.js';
import { openReader } from '../../src/open-store.js';
import { contractRules, fromDecoded } from '../../src/subscriptions/decoding.js';
import { naiveNotices } from '../naive/naive.js';
import { checkLedger } from '../support/check-ledger.js';
import { call, LedgerProcess } from '../support/ledger-process.js';
import { event, registrationData, type Sent } from '../support/scenario.js';

const NAMES = ['WATCHED-1', 'WATCHED-2', 'WATCHED-3'] as const;
const KILLS = 6;
let ledger: LedgerProcess;

beforeAll(async () => {
  ledger = await LedgerProcess.start({ start: '2020-01-15T09:00:00Z' });
}, 60_000);
afterAll(async () => {
  await ledger.remove();
});

const day = (number: number): string =>
  new Date(Date.parse('2020-01-15T10:00:00Z') + number * 86_400_000).toISOString();

async function send(...events: readonly Sent[]): Promise<void> {
  const { body } = await call<{ results: { status: string; problem: unknown }[] }>(
    ledger.url,
    '/events',
    events,
    'application/cloudevents-batch+json',
  );
  expect(body.results.filter(({ status }) => status !== 'recorded')).toEqual([]);
}

async function eventsOf(contract: string): Promise<readonly ContractEvent<object>[]> {
  const { store } = await openReader(ledger.eventStore);
  try {
    const found: ContractEvent<object>[] = [];
    for await (const page of store.readStream(`contract-${contract}`, 0n))
      for (const stored of page) found.push(fromDecoded(decodeEvent(stored), contractRules) as ContractEvent<object>);
    return found;
  } finally {
    await store.close();
  }
}

test('killed in the middle of stepping through days, again and again', async () => {
  const terms = { ...registrationData().terms, reportEveryDays: 10, acknowledgeWithinDays: 5, resolveWithinDays: 20 };
  for (const contract of NAMES) {
    const options = { contract, time: '2020-01-10' };
    await send(
      event('ContractRegistered', registrationData({ terms }), { ...options, by: 'us-gov', id: 'registration' }),
      event(
        'DelayReported',
        {
          delay: 'X1',
          cause: { code: 'supply', locus: 'prime', detail: 'late' },
          startedOn: '2020-01-05',
          forecasts: [],
        },
        { ...options, by: 'prime-a', time: '2020-01-15T08:00:00Z' },
      ),
      event(
        'ForecastRevised',
        { milestone: 'D1', forecast: '2021-07-01', reason: 'r' },
        { ...options, by: 'prime-a', id: 'said', time: '2020-01-15T08:00:00Z' },
      ),
    );
  }
  let at = 0;
  for (let kill = 0; kill < KILLS; kill += 1) {
    at += 40;
    // Cut off somewhere on the way; where it stood is where it goes on.
    const step = call(ledger.url, '/clock', { now: day(at) }).catch(() => undefined);
    await pause(randomInt(5, 120));
    await ledger.kill();
    await step;
    await ledger.serve();
    const { body } = await call<{ clock: { now: string } }>(ledger.url, '/health');
    const now = Date.parse(body.clock.now);
    if (kill === 2)
      await send(
        event(
          'EventCorrected',
          { event: { id: 'said' }, reason: 'did-not-occur' },
          { contract: NAMES[1], by: 'prime-a', time: body.clock.now },
        ),
      );
    const behind = Math.floor((now - Date.parse(day(0))) / 86_400_000);
    at = Math.max(at - 40, behind);
  }
  expect((await call(ledger.url, '/clock', { now: day(at + 120) })).status).toBe(200);
  await checkLedger(ledger);
  for (const contract of NAMES) {
    const recorded = await eventsOf(contract);
    const expected = naiveNotices(recorded, day(at + 120).slice(0, 10)).map(({ id }) => id);
    const found = recorded.filter(({ reporter }) => reporter === 'ledger').map(({ id }) => id);
    expect({ contract, found: [...found].sort() }).toEqual({ contract, found: [...expected].sort() });
    expect(found.length).toBeGreaterThan(20);
  }
  expect(ledger.errors).toBe('');
}, 180_000);
