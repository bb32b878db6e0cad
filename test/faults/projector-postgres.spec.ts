import { Bench, statusWhere } from '../contract/projections.js';
import { counted } from '../contract/projections-support.js';
import { startPostgres, withClient } from '../support/postgres.js';

const postgres = await startPostgres();

if (postgres.kind === 'absent') it.skip(`the projector on PostgreSQL (${postgres.reason})`, () => undefined);
else describeFaults(postgres.freshDatabase, postgres.stop);

function describeFaults(freshDatabase: () => Promise<string>, stop: () => Promise<void>): void {
  afterAll(stop);

  describe('the projector on PostgreSQL', () => {
    let bench: Bench;
    beforeEach(async () => {
      bench = new Bench(await freshDatabase());
    });
    afterEach(() => bench?.close());

    const endConnections = (condition: string) =>
      withClient(bench.url, async (client) => {
        const ended = await client.query(
          `select pg_terminate_backend(pid) from pg_stat_activity
           where datname = current_database() and pid <> pg_backend_pid() and ${condition}`,
        );
        return ended.rowCount ?? 0;
      });

    it('leads alone; the others stand by, know how far it is, and one takes over when it goes', async () => {
      await bench.ledger.register('a');
      const first = await bench.start();
      await bench.settled(first);
      const second = await bench.start();
      for (const name of ['toy-head', 'toy-items', 'toy-trail']) {
        await statusWhere(first, name, ({ state }) => state === 'live');
        await statusWhere(second, name, ({ state }) => state === 'standby');
      }
      await bench.ledger.append('a', counted('nut', 1));
      await bench.settled(second);
      await statusWhere(second, 'toy-head', ({ state, lag }) => state === 'standby' && lag.milliseconds < 60_000);
      await bench.stop(first);
      await statusWhere(second, 'toy-head', ({ state }) => state === 'live');
      await bench.ledger.append('a', counted('nut', 1));
      await bench.settled(second);
      await bench.expectReplay(['a']);
    });

    it('hands over when its session is ended, and writes nothing twice', async () => {
      await bench.ledger.register('a');
      const projectors = [await bench.start({ batchEvents: 2 }), await bench.start({ batchEvents: 3 })];
      let ended = 0;
      for (let n = 0; n < 60; n += 1) {
        await bench.ledger.append('a', counted(`i${n % 3}`, 1, {}, { id: `e${n}` }));
        // The session with the locks is the one that listens.
        if (n % 20 === 10) ended += await endConnections(`state = 'idle' and query = 'select 1'`);
        if (n % 15 === 7) await bench.ledger.correct('a', `e${n}`, { item: 'i0', amount: 5 });
      }
      for (const projector of projectors) await bench.settled(projector);
      expect(ended).toBeGreaterThan(0);
      await bench.expectReplay(['a']);
    });

    it('goes on after all its connections were ended, at any moment', async () => {
      await bench.ledger.register('a');
      const projector = await bench.start({ batchEvents: 2 });
      for (let n = 0; n < 80; n += 1) {
        await bench.ledger.append('a', counted(`i${n % 3}`, 1, {}, { id: `e${n}` }));
        if (n % 8 === 5) await endConnections('true');
      }
      await bench.settled(projector);
      await bench.expectReplay(['a']);
      await statusWhere(projector, 'toy-trail', ({ state, error }) => state === 'live' && error === undefined);
    });

    it('rebuilds in a process that does not lead, which leads the new rows from then on', async () => {
      await bench.ledger.register('a');
      for (let n = 0; n < 30; n += 1) await bench.ledger.append('a', counted('nut', 1));
      const first = await bench.start();
      await bench.settled(first);
      const second = await bench.start();
      await second.rebuild('toy-items');
      await statusWhere(second, 'toy-items', ({ state }) => state === 'live');
      await statusWhere(first, 'toy-items', ({ state }) => state === 'standby');
      await bench.ledger.append('a', counted('bolt', 1));
      await bench.settled(first);
      await bench.settled(second);
      await bench.expectReplay(['a']);
    });

    it('stops a projection whose text the database cannot hold, and no other', async () => {
      const { ledger } = bench;
      const projector = await bench.start();
      await ledger.register('a');
      await ledger.append('a', counted('nut', 1, { note: 'a\0b' }));
      await ledger.append('a', counted('nut', 1));
      const status = await statusWhere(projector, 'toy-trail', ({ state }) => state === 'failed');
      expect(status.error).toMatchObject({ code: 'row-refused', revision: '1' });
      await statusWhere(projector, 'toy-items', ({ state, position }) => state === 'live' && position === 3n);
    });
  });
}
