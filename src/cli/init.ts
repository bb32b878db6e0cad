/** `waybook init`: makes the ledger's key and writes the first event of the stream `ledger`. Done once. */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isInstant } from '../contract/calendar.js';
import { checkOrigin, type Config } from '../config.js';
import {
  initialise,
  LedgerError,
  makeKey,
  readIdentity,
  verifierKey,
  type LedgerIdentity,
} from '../log/ledger-stream.js';
import { openWriter } from '../open-store.js';
import { CommandFailure, EXIT } from './exit.js';

export interface InitOptions {
  readonly origin: string | undefined;
  readonly clock: 'system' | 'stepped' | undefined;
  /** Where a stepped clock starts, RFC 3339. */
  readonly start: string | undefined;
  /** Do nothing where there is a ledger already. */
  readonly ifMissing: boolean;
}

export type Initialised = LedgerIdentity & { readonly made: boolean };

const DEFAULT_ORIGIN = 'localhost/waybook';

/** @throws CommandFailure, EventStoreError, ConfigError */
export async function initLedger(config: Config, options: InitOptions): Promise<Initialised> {
  const clock = options.clock ?? config.clock ?? 'system';
  const origin = checkOrigin(
    options.origin ?? config.origin ?? (clock === 'stepped' ? 'demo.localhost/waybook' : DEFAULT_ORIGIN),
  );
  if ((clock === 'stepped') !== origin.startsWith('demo.'))
    throw new CommandFailure(
      'the origin of a ledger with a stepped clock begins with "demo.", and no other does',
      EXIT.usage,
    );
  const startMs = startOf(options.start, clock);
  const store = await openWriter(config.eventStore, { mustExist: false });
  try {
    const before = await readIdentity(store).catch((error: unknown) => {
      if (error instanceof LedgerError && error.code === 'not-initialised') return undefined;
      throw error;
    });
    if (before !== undefined) {
      // Without its key nothing could be served; another one would be another ledger's.
      if (options.ifMissing) return { ...before, key: await keyOf(config, before.origin), made: false };
      throw new CommandFailure(`there is a ledger already: ${before.origin}, clock ${before.clock}`);
    }
    const madeKey = !existsSync(config.keyFile);
    const pem = madeKey ? makeKey() : await readFile(config.keyFile, 'utf8');
    if (madeKey) await keep(config.keyFile, pem);
    const identity: LedgerIdentity = { origin, clock, key: verifierKey(origin, pem) };
    try {
      await initialise(store, identity, startMs, (bytes) => randomBytes(bytes));
    } catch (error) {
      if (!(error instanceof LedgerError && error.code === 'already-initialised')) throw error;
      // Another process was faster: its key is the ledger's.
      if (madeKey) await rm(config.keyFile);
      if (options.ifMissing) return { ...(await readIdentity(store)), made: false };
      throw new CommandFailure(error.message);
    }
    return { ...identity, made: true };
  } finally {
    await store.close();
  }
}

function startOf(start: string | undefined, clock: 'system' | 'stepped'): number {
  if (start === undefined) return clock === 'stepped' ? Date.parse('2012-01-01T00:00:00Z') : Date.now();
  if (clock === 'system') throw new CommandFailure('--start goes with --clock stepped', EXIT.usage);
  if (!isInstant(start))
    throw new CommandFailure('--start must be an instant such as 2012-01-01T00:00:00Z', EXIT.usage);
  return Date.parse(start);
}

/** Only its owner reads the key, from the moment the file exists. */
async function keep(file: string, pem: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, pem, { mode: 0o600, flag: 'wx' });
  await chmod(file, 0o600);
}

/** The verifier key of the key file. @throws CommandFailure where it cannot be read */
export async function keyOf(config: Config, origin: string): Promise<string> {
  const pem = await readFile(config.keyFile, 'utf8').catch((error: unknown) => {
    throw new CommandFailure(
      `cannot read the ledger's key ${config.keyFile}; \`waybook init\` made it`,
      EXIT.failed,
      error,
    );
  });
  return verifierKey(origin, pem);
}
