/** `waybook stats`: what is in the store and how far the read models are. */
import { projections } from '../../projections/index.js';
import { auditTrail, eventTable } from '../../projections/audit-trail/audit-trail.js';
import { contractStatus, contractTable } from '../../projections/contract-status/contract-status.js';
import type { Config } from '../config.js';
import { openReader } from '../open-store.js';
import { readIdentity } from '../log/ledger-stream.js';
import { openReadModel } from '../subscriptions/read-model.js';
import { table, type Output } from './output.js';

export async function statsCommand(config: Config, output: Output): Promise<void> {
  const { store } = await openReader(config.eventStore);
  const readModel = openReadModel(config.readModel);
  try {
    const identity = await readIdentity(store);
    const head = await store.head();
    const types = await readModel.query(auditTrail, ({ db, table: named }) =>
      db
        .selectFrom(named(eventTable))
        .select((eb) => ['type', eb.fn.countAll<number | string | bigint>().as('count')])
        .groupBy('type')
        .orderBy('type')
        .execute(),
    );
    const contracts = await readModel.query(contractStatus, ({ db, table: named }) =>
      db
        .selectFrom(named(contractTable))
        .select((eb) => eb.fn.countAll<number | string | bigint>().as('count'))
        .execute(),
    );
    const positions = [];
    for (const projection of projections) {
      const { position } = await readModel.query(projection, async () => undefined);
      positions.push({ projection: projection.name, version: projection.version, position });
    }
    const byType = types.result.map(({ type, count }) => ({ type: String(type), count: Number(count) }));
    const events = byType.reduce((sum, { count }) => sum + count, 0);
    const { origin, clock } = identity;
    output.answer({
      origin,
      clock,
      head: head?.position ?? null,
      contracts: Number(contracts.result[0]?.count ?? 0),
      events,
      types: byType,
      projections: positions,
    });
    output.say(
      `${origin}: ${events} events on ${Number(contracts.result[0]?.count ?? 0)} contracts, head at ${head?.position ?? '-'}\n`,
    );
    output.say(
      table(
        ['type', 'events'],
        byType.map(({ type, count }) => [type, count]),
      ),
    );
    output.say('');
    output.say(
      table(
        ['projection', 'version', 'position'],
        positions.map((each) => [each.projection, each.version, Number(each.position)]),
      ),
    );
  } finally {
    await readModel.close();
    await store.close();
  }
}
