/** A clock that is moved by hand: where it stands is kept, whatever becomes of the process. */
import { checkLedger } from '../support/check-ledger.js';
import { call, LedgerProcess } from '../support/ledger-process.js';
import { registrationData } from '../support/scenario.js';

let ledger: LedgerProcess;

beforeAll(async () => {
  // Made by the server itself, as it is told what clock to go by.
  ledger = LedgerProcess.prepare();
  await ledger.serve('--clock', 'stepped', '--start', '2020-01-10T12:00:00Z');
}, 60_000);
afterAll(async () => {
  await ledger.remove();
});

const moveTo = (now: string) => call<{ now: string; position: string; code: string }>(ledger.url, '/clock', { now });
const health = async () =>
  (await call<{ clock: { now: string }; store: { position: string } }>(ledger.url, '/health')).body;

test('it stands after a kill where the last answer said that it stands, though nothing was recorded since', async () => {
  const registered = await call(ledger.url, '/contracts', { contract: 'C-1', ...registrationData() });
  expect(registered.status).toBe(201);
  await moveTo('2020-02-01T00:00:00Z');
  const moved = await moveTo('2020-02-01T08:30:00.250Z');
  expect([moved.status, moved.body.now]).toEqual([200, '2020-02-01T08:30:00.250Z']);
  await ledger.kill();
  await ledger.serve();
  expect((await health()).clock.now).toBe('2020-02-01T08:30:00.250Z');
  const back = await moveTo('2020-02-01T08:30:00.249Z');
  expect([back.status, back.body.code]).toEqual([422, 'clock-goes-back']);
  await checkLedger(ledger);
}, 60_000);

test('moved to where it stands, it has nothing to keep', async () => {
  const before = (await health()).store.position;
  expect((await moveTo('2020-02-01T08:30:00.250Z')).status).toBe(200);
  expect((await health()).store.position).toBe(before);
  expect(BigInt((await moveTo('2020-02-01T08:30:01Z')).body.position)).toBeGreaterThan(BigInt(before));
  expect((await health()).clock.now).toBe('2020-02-01T08:30:01.000Z');
});
