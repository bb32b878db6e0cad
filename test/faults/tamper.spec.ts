/**
 * Somebody changes what is stored, behind the ledger's back: that contract takes no more events and says why, and all
 * others go on.
 */
import { join } from 'node:path';
import Driver from 'better-sqlite3';
import { EventStoreDBClient } from '@eventstore/db-client';
import { startEventStoreServer, type EventStoreServer } from '../support/eventstoredb/server.js';
import { call, LedgerProcess } from '../support/ledger-process.js';
import { confirmed, event, registered, type Sent } from '../support/scenario.js';

let count = 0;
const forecast = (contract: string): Sent => {
  count += 1;
  return event(
    'ForecastRevised',
    { milestone: 'D1', forecast: '2022-03-01', reason: `no. ${count}` },
    { contract, by: 'prime-a' },
  );
};

/** Status and code of sending one event. */
async function send(ledger: LedgerProcess, sent: Sent): Promise<readonly [number, string]> {
  const answer = await call<{ code?: string; results?: { status: string }[] }>(
    ledger.url,
    '/events',
    sent,
    'application/cloudevents+json',
  );
  return [answer.status, answer.body.code ?? answer.body.results?.[0]?.status ?? ''];
}
const RECORDED = [201, 'recorded'];

async function tell(ledger: LedgerProcess, ...contracts: readonly string[]): Promise<void> {
  for (const contract of contracts)
    for (const sent of [registered({}, { contract }), confirmed({ contract }), forecast(contract), forecast(contract)])
      expect(await send(ledger, sent)).toEqual(RECORDED);
}

interface Health {
  readonly status: string;
  readonly projections: readonly {
    readonly name: string;
    readonly state: string;
    readonly error: { readonly code: string; readonly event: string | null } | null;
  }[];
}
const health = async (ledger: LedgerProcess): Promise<Health> => (await call<Health>(ledger.url, '/health')).body;

/** Waits until it is so; the test's own timeout is the limit. */
async function until(met: () => Promise<boolean>): Promise<void> {
  while (!(await met())) await new Promise((resolve) => setTimeout(resolve, 50));
}

describe('in the SQLite file', () => {
  let ledger: LedgerProcess;
  beforeAll(async () => {
    ledger = await LedgerProcess.start();
    await tell(ledger, 'CHANGED', 'CUT', 'HOLED', 'ENDED', 'SWAPPED', 'GARBLED', 'WHOLE');
    const batch = Array.from({ length: 3 }, () => forecast('ENDED'));
    await call(ledger.url, '/contracts/ENDED/events?atomic=true', batch, 'application/cloudevents-batch+json');
  }, 60_000);
  afterAll(() => ledger.remove(), 60_000);

  /** Does something to the file as one with a shell could: the triggers are no obstacle. */
  async function tamper(how: (file: Driver.Database) => void, putBack = true): Promise<readonly string[]> {
    await ledger.stop();
    const file = new Driver(join(ledger.folder, 'events.db'));
    const triggers = file
      .prepare<[], { name: string; sql: string }>("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
      .all();
    for (const { name } of triggers) file.exec(`DROP TRIGGER ${name}`);
    how(file);
    if (putBack) for (const { sql } of triggers) file.exec(sql);
    file.close();
    return triggers.map(({ sql }) => sql);
  }
  const where = (contract: string, revision: number): string =>
    `stream = (SELECT key FROM streams WHERE name = 'contract-${contract}') AND revision = ${revision}`;

  test('without its triggers the file is not opened any more', async () => {
    const triggers = await tamper(() => undefined, false);
    const { code, stderr } = await ledger.run(['serve']);
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/is damaged: events_no_update is missing or was changed/),
    ]);
    const file = new Driver(join(ledger.folder, 'events.db'));
    for (const sql of triggers) file.exec(sql);
    file.close();
    await ledger.serve();
    expect(await send(ledger, forecast('WHOLE'))).toEqual(RECORDED);
  }, 60_000);

  test('a byte changed, an event taken out or put in another place: no more events for that contract', async () => {
    await tamper((file) => {
      // 2022-03-01 becomes 2023-03-01: as good a forecast as the other.
      expect(file.exec(`UPDATE events SET data = replace(data, '2022-', '2023-') WHERE ${where('CHANGED', 2)}`)).toBe(
        file,
      );
      file.exec(`DELETE FROM events WHERE ${where('CUT', 3)}`);
      file.exec(`DELETE FROM events WHERE ${where('HOLED', 1)}`);
      file.exec(`DELETE FROM events WHERE ${where('ENDED', 6)}`);
      file.exec(
        `UPDATE events SET metadata = (SELECT metadata FROM events WHERE ${where('SWAPPED', 3)}) WHERE ${where('SWAPPED', 2)}`,
      );
      file.exec(`UPDATE events SET data = '{"milestone' WHERE ${where('GARBLED', 2)}`);
    });
    await ledger.serve();
    expect(await send(ledger, forecast('CHANGED'))).toEqual([503, 'chain-broken']);
    expect(await send(ledger, forecast('HOLED'))).toEqual([503, 'stream-truncated']);
    expect(await send(ledger, forecast('ENDED'))).toEqual([503, 'stream-truncated']);
    expect(await send(ledger, forecast('SWAPPED'))).toEqual([503, 'chain-broken']);
    expect(await send(ledger, forecast('GARBLED'))).toEqual([503, 'chain-broken']);
    // In batches, and for repeats of what is there, too; the others in the batch are recorded.
    const mixed = [forecast('WHOLE'), forecast('CHANGED'), forecast('WHOLE')];
    const { status, body } = await call<{ results: { status: string; problem: { code: string } | null }[] }>(
      ledger.url,
      '/events',
      mixed,
      'application/cloudevents-batch+json',
    );
    expect([status, body.results.map(({ problem, status: of }) => problem?.code ?? of)]).toEqual([
      207,
      ['recorded', 'chain-broken', 'recorded'],
    ]);
    expect(await send(ledger, registered({}, { contract: 'CHANGED' }))).toEqual([503, 'chain-broken']);
    expect(await send(ledger, forecast('WHOLE'))).toEqual(RECORDED);
    // An append cut off at its end, whole appends before it: from the stream alone nobody can tell.
    expect(await send(ledger, forecast('CUT'))).toEqual(RECORDED);
  }, 60_000);

  test('the command line names the event and the field', async () => {
    const [changed, garbled, whole] = await Promise.all(
      ['CHANGED', 'GARBLED', 'WHOLE'].map((contract) => ledger.run(['replay', contract])),
    );
    expect(changed).toMatchObject({ code: 1, stderr: expect.stringMatching(/contract-CHANGED.*revision 2.*datahash/) });
    expect(garbled).toMatchObject({ code: 1, stderr: expect.stringContaining('contract-GARBLED') });
    expect(whole).toMatchObject({ code: 0, stderr: '' });
  }, 60_000);

  test('what cannot even be read stops the projections that meet it, and /health names the event', async () => {
    const file = new Driver(join(ledger.folder, 'events.db'), { readonly: true });
    const id = file
      .prepare<[], string>(`SELECT lower(hex(id)) FROM events WHERE ${where('GARBLED', 2)}`)
      .pluck()
      .get()!;
    file.close();
    const fresh = LedgerProcess.prepare({
      eventStore: ledger.eventStore,
      env: { WAYBOOK_KEY: join(ledger.folder, 'ledger.key') },
    });
    await ledger.stop();
    try {
      await fresh.serve();
      await until(async () => (await health(fresh)).projections.every(({ state }) => state === 'failed'));
      const { status, projections } = await health(fresh);
      expect(status).toBe('degraded');
      for (const { error } of projections)
        expect({ ...error, event: error?.event?.replaceAll('-', '') }).toMatchObject({
          code: 'chain-broken',
          event: id,
        });
      expect(await send(fresh, forecast('WHOLE'))).toEqual(RECORDED);
    } finally {
      await fresh.remove();
      await ledger.serve();
    }
  }, 60_000);
});

describe('on the EventStoreDB server', () => {
  let server: EventStoreServer;
  let client: EventStoreDBClient;
  let nodes: readonly LedgerProcess[] = [];
  beforeAll(async () => {
    server = await startEventStoreServer();
    client = EventStoreDBClient.connectionString(server.url);
    const first = await LedgerProcess.start({ eventStore: server.url });
    const second = LedgerProcess.prepare({
      eventStore: server.url,
      env: { WAYBOOK_KEY: join(first.folder, 'ledger.key') },
    });
    await second.serve();
    nodes = [first, second];
    await tell(first, 'DELETED', 'TRUNCATED', 'TOMBSTONED', 'COUNTED', 'WHOLE');
    // Both nodes know them all, and have them folded.
    for (const contract of ['DELETED', 'TRUNCATED', 'TOMBSTONED', 'COUNTED', 'WHOLE'])
      expect(await send(second, forecast(contract))).toEqual(RECORDED);
  }, 60_000);
  afterAll(async () => {
    for (const node of nodes) await node.remove();
    await client.dispose();
    await server.close();
  }, 60_000);

  /** Both nodes come to refuse, each by itself; what a third says that has never seen the contract is the same. */
  async function refused(contract: string, ...codes: readonly string[]): Promise<void> {
    for (const node of nodes) {
      await until(async () => (await send(node, confirmed({ contract, id: 'probe', by: 'stranger' })))[0] === 503);
      for (const sent of [forecast(contract), registered({}, { contract }), registered({}, { contract, id: 'anew' })]) {
        const [status, code] = await send(node, sent);
        expect({ contract, status, right: codes.includes(code) ? 'right' : code }).toEqual({
          contract,
          status: 503,
          right: 'right',
        });
      }
      expect(await send(node, forecast('WHOLE'))).toEqual(RECORDED);
    }
    expect(stored(contract)).toBe(5);
  }
  /** How many events there are in truth, whatever the server lets anybody read. */
  const stored = (contract: string): number => server.log.readStream(`contract-${contract}`, 0, false, 1_000).length;

  test('a stream that is deleted', async () => {
    await client.deleteStream('contract-DELETED');
    await refused('DELETED', 'stream-truncated', 'stream-deleted');
  }, 30_000);

  test('a stream whose metadata say that its beginning is not to be read', async () => {
    await client.setStreamMetadata('contract-TRUNCATED', { truncateBefore: 2 });
    await refused('TRUNCATED', 'stream-truncated');
  }, 30_000);

  test('a stream that is to keep so many events only', async () => {
    await client.setStreamMetadata('contract-COUNTED', { maxCount: 1 });
    await refused('COUNTED', 'stream-truncated');
  }, 30_000);

  test('a stream that is deleted for ever', async () => {
    await client.tombstoneStream('contract-TOMBSTONED');
    await refused('TOMBSTONED', 'stream-deleted');
  }, 30_000);

  test('and so it is after a restart, while the rows of the others stay right', async () => {
    const [first] = nodes;
    await first!.stop();
    await first!.serve();
    await refused('DELETED', 'stream-truncated', 'stream-deleted');
    await refused('TRUNCATED', 'stream-truncated');
    await refused('TOMBSTONED', 'stream-deleted');
    const { position } = (
      await call<{ results: { position: string }[] }>(
        first!.url,
        '/events',
        forecast('WHOLE'),
        'application/cloudevents+json',
      )
    ).body.results[0]!;
    expect((await call(first!.url, `/contracts/WHOLE?after=${position}`)).status).toBe(200);
    expect((await health(first!)).status).toBe('ok');
  }, 60_000);
});
