/**
 * Which process writes a projection, where several share a read model on PostgreSQL: the one that holds the advisory
 * lock of the copy, for as long as its session lasts. A leader that lost its session without noticing writes nothing
 * wrong: its checkpoint has been moved by the next leader, and its transaction is taken back.
 */
import { createHash } from 'node:crypto';
import { Client } from 'pg';
import { clientConfig, postgresError } from './postgres-connection.js';
import { CHANNEL } from './postgres-writer.js';

export interface Leadership {
  /**
   * Tries to lead these copies and no others.
   * @returns the keys of those that this process leads now
   * @throws ReadModelError `read-model-unavailable`
   */
  lead(keys: readonly string[]): Promise<ReadonlySet<string>>;
  close(): Promise<void>;
}

/** Of a read model that belongs to this process alone. */
export const soleLeader: Leadership = {
  lead: async (keys) => new Set(keys),
  close: () => Promise.resolve(),
};

export interface LeadershipEvents {
  /** The session is gone, and all locks with it. */
  lost(): void;
  /** Some leader has moved a checkpoint. */
  moved(): void;
}

export class PostgresLeadership implements Leadership {
  readonly #url: string;
  readonly #events: LeadershipEvents;
  readonly #held = new Set<string>();
  #client: Client | undefined;

  constructor(url: string, events: LeadershipEvents) {
    this.#url = url;
    this.#events = events;
  }

  async lead(keys: readonly string[]): Promise<ReadonlySet<string>> {
    const client = this.#client ?? (await this.#connect());
    try {
      for (const key of this.#held) {
        if (keys.includes(key)) continue;
        await client.query('select pg_advisory_unlock($1)', [lockId(key)]);
        this.#held.delete(key);
      }
      for (const key of keys) {
        if (this.#held.has(key)) continue;
        const tried = await client.query<{ led: boolean }>('select pg_try_advisory_lock($1) as led', [lockId(key)]);
        if (tried.rows[0]?.led === true) this.#held.add(key);
      }
      // Also says whether the session is still there, where there was nothing to try.
      await client.query('select 1');
    } catch (error) {
      this.#drop(client);
      throw postgresError(error);
    }
    return new Set(this.#held);
  }

  async close(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    this.#held.clear();
    await client?.end();
  }

  async #connect(): Promise<Client> {
    const client = new Client(clientConfig(this.#url));
    const gone = () => {
      if (this.#client === client) this.#drop(client);
    };
    client.on('error', gone);
    client.on('end', gone);
    client.on('notification', () => this.#events.moved());
    try {
      await client.connect();
      await client.query(`listen ${CHANNEL}`);
    } catch (error) {
      // Ends what may have been opened; that it failed is known already.
      client.end().catch(() => undefined);
      throw postgresError(error);
    }
    this.#client = client;
    return client;
  }

  #drop(client: Client): void {
    if (this.#client !== client) return;
    this.#client = undefined;
    this.#held.clear();
    client.end().catch(() => undefined);
    this.#events.lost();
  }
}

/** 64 bits of a hash, as PostgreSQL's signed bigint. */
const lockId = (key: string): string =>
  createHash('sha256').update(`waybook projection ${key}`).digest().readBigInt64BE(0).toString();
