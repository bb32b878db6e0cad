import { EventStoreDBClient } from '@eventstore/db-client';
import type { ChannelCredentialOptions, SingleNodeOptions } from '@eventstore/db-client';
import type { StoreAddress } from './connection-string.js';

/** The part of a gRPC stream that the guard needs. */
interface AnyStream {
  listeners(event: string): unknown[];
  on(event: string, listener: (...values: unknown[]) => void): unknown;
  off(event: string, listener: (...values: unknown[]) => void): unknown;
  once(event: string, listener: () => void): unknown;
}

/**
 * The client with what it lacks: its batch append stream cannot bring the process down, and it can be told whether its
 * call for the server's features has failed for good. Both need what the client keeps `protected`, which the lockfile
 * pins and the guards' specs watch.
 */
class GuardedClient extends EventStoreDBClient {
  readonly #log: (line: string) => void;
  #streams = 0;
  #retired = false;

  constructor(address: StoreAddress, log: (line: string) => void) {
    super(endpointsOf(address), channelOf(address), address.credentials);
    this.#log = log;
    const create = this.GRPCStreamCreator;
    this.GRPCStreamCreator = (Client, name, creator, cache) =>
      create(
        Client,
        name,
        async (client) => {
          const stream = await creator(client);
          this.#watch(stream);
          if (name === 'appendToStream') this.#guardBatchAppend(stream as never);
          return stream;
        },
        cache,
      );
  }

  /**
   * Resolves to false where the call for the server's features failed and the client will never make it again, or
   * where it has not been answered within `ms`.
   */
  async usable(ms: number): Promise<boolean> {
    const asked = this.capabilities;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'hanging'>((resolve) => {
      timer = setTimeout(() => resolve('hanging'), ms);
    });
    const state = await Promise.race([
      asked.then(
        () => 'known',
        () => 'failed',
      ),
      late,
    ]);
    clearTimeout(timer);
    if (state !== 'failed') return state === 'known';
    // After some failures the client does ask again: then this is another promise, and nobody else looks at it.
    const again = this.capabilities;
    again.catch(() => undefined);
    return again !== asked;
  }

  /** Lets the streams that are open go on, and closes the connection after the last one. */
  retire(): void {
    this.#retired = true;
    if (this.#streams === 0) void this.#closeChannel();
  }

  /** Ends everything at once. Waits at most `ms` for the streams to say that they have ended. */
  async end(ms: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ms);
    });
    await Promise.race([this.dispose().then(() => this.#closeChannel()), late]);
    clearTimeout(timer);
  }

  get ended(): boolean {
    return this.#retired && this.#streams === 0;
  }

  #watch(stream: AnyStream): void {
    this.#streams++;
    let counted = true;
    const gone = () => {
      if (!counted) return;
      counted = false;
      this.#streams--;
      if (this.ended) void this.#closeChannel();
    };
    for (const event of ['close', 'error', 'end']) stream.once(event, gone);
  }

  /**
   * Two ways in which the client's batch append takes the process down, closed here:
   *
   * - It looks up each answer among its promises and throws where there is none, outside of anything that could catch
   *   it. There is none after a second answer to the same append, and none for any answer that comes after some other
   *   stream of the process has failed, since the promises are the process's, not the stream's.
   * - Writes that wait for a full stream are rejected when it fails, where nobody handles that. Here they never wait:
   *   how much is under way is limited by the store instead.
   */
  #guardBatchAppend(stream: AnyStream & { write(...values: unknown[]): boolean }): void {
    const answers = stream.listeners('data') as ((...values: unknown[]) => void)[];
    stream.on('data', (...values) => {
      try {
        for (const answer of answers) answer(...values);
      } catch (error) {
        this.#log(`an answer to an append that nobody waits for was left unread: ${String(error)}`);
      }
    });
    for (const answer of answers) stream.off('data', answer);
    const write = stream.write.bind(stream);
    stream.write = (...values) => {
      write(...values);
      return true;
    };
  }

  async #closeChannel(): Promise<void> {
    try {
      (await this.getChannel()).close();
    } catch (error) {
      // Without a channel there is nothing to close: discovery failed, or it was closed already.
      this.#log(`closing a connection: ${String(error)}`);
    }
  }
}

/** The client of the moment, replaced where it cannot recover by itself. */
export class Connection {
  readonly #address: StoreAddress;
  readonly #log: (line: string) => void;
  #client: GuardedClient;
  #retired: GuardedClient[] = [];
  #checking: Promise<void> | undefined;

  constructor(address: StoreAddress, log: (line: string) => void) {
    this.#address = address;
    this.#log = log;
    this.#client = new GuardedClient(address, log);
  }

  get client(): EventStoreDBClient {
    return this.#client;
  }

  /** To be called after a call that failed and before it is made again. Takes at most `ms`. */
  check(ms: number): Promise<void> {
    this.#checking ??= this.#check(ms).finally(() => {
      this.#checking = undefined;
    });
    return this.#checking;
  }

  async #check(ms: number): Promise<void> {
    const checked = this.#client;
    if (await checked.usable(ms)) return;
    this.#log(`the client for ${this.#address.redacted} cannot recover, a new one takes its place`);
    this.#client = new GuardedClient(this.#address, this.#log);
    checked.retire();
    this.#retired = [...this.#retired.filter((client) => !client.ended), checked];
  }

  async close(ms: number): Promise<void> {
    await Promise.all([this.#client, ...this.#retired].map((client) => client.end(ms)));
  }
}

/** Typed as one of the client's three ways to say where the server is; its constructor tells them apart by their names. */
function endpointsOf({ hosts, discover, settings }: StoreAddress): SingleNodeOptions {
  const [first = { address: '', port: 0 }, ...others] = hosts;
  const where = discover ? { discover: first } : others.length > 0 ? { endpoints: [...hosts] } : { endpoint: first };
  return { ...settings, ...where } as SingleNodeOptions;
}

function channelOf({ tls }: StoreAddress): ChannelCredentialOptions {
  return tls === false ? { insecure: true } : { insecure: false, ...definedOf(tls) };
}

function definedOf<T extends object>(values: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never;
}
