import { startPostgres } from '../support/postgres.js';
import { describeReadModel } from './projections.js';

const postgres = await startPostgres();

if (postgres.kind === 'absent') it.skip(`PostgreSQL as a read model (${postgres.reason})`, () => undefined);
else {
  afterAll(() => postgres.stop());
  describeReadModel('PostgreSQL', () => postgres.freshDatabase());
}
