/**
 * The configuration: read once from the environment into frozen, typed data. A value that is not right stops the start
 * with the name of its variable. Secrets in connection strings never stand in an error.
 */
import { join } from 'node:path';

export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly code = 'invalid-config';
  readonly variable: string;

  constructor(variable: string, detail: string) {
    super(`${variable} ${detail}`);
    this.variable = variable;
  }
}

export type ClockKind = 'system' | 'stepped';

export interface Config {
  /** Folder of the embedded stores and the key. */
  readonly dataDirectory: string;
  /** `sqlite:PATH` or `esdb://...`. */
  readonly eventStore: string;
  /** `sqlite:PATH` or `postgres://...`. */
  readonly readModel: string;
  readonly keyFile: string;
  readonly host: string;
  readonly port: number;
  /** Whether an address that others can reach may be bound to, though nobody is asked who they are. */
  readonly insecureAllowRemote: boolean;
  /** What the ledger must be, where it is said; `init` needs it, `serve` compares it. */
  readonly origin: string | undefined;
  readonly clock: ClockKind | undefined;
  /** Whether this process projects; one that only records leaves it to others. */
  readonly projecting: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

interface Variable {
  readonly name: string;
  readonly help: string;
}

const VARIABLES = [
  { name: 'WAYBOOK_DATA', help: 'folder of the embedded stores and the key (default .waybook)' },
  { name: 'EVENT_STORE', help: 'sqlite:PATH or esdb://HOST:PORT (default sqlite:DATA/events.db)' },
  { name: 'READ_MODEL', help: 'sqlite:PATH or postgres://... (default sqlite:DATA/read-model.db)' },
  { name: 'WAYBOOK_KEY', help: 'file of the ledger’s key (default DATA/ledger.key)' },
  { name: 'WAYBOOK_HOST', help: 'address to listen on, loopback only (default 127.0.0.1)' },
  { name: 'WAYBOOK_PORT', help: 'port to listen on, 0 for any free one (default 8080)' },
  {
    name: 'WAYBOOK_INSECURE_ALLOW_REMOTE',
    help: '"yes" lets WAYBOOK_HOST be reachable from elsewhere, though callers are not identified',
  },
  { name: 'WAYBOOK_ORIGIN', help: 'name of the ledger, such as ledger.example.org; fixed by init' },
  { name: 'WAYBOOK_CLOCK', help: 'system or stepped; fixed by init' },
  { name: 'WAYBOOK_PROJECTING', help: '"off" for a process that only records (default on)' },
] as const satisfies readonly Variable[];

/** The names of all environment variables that Waybook reads. */
export const CONFIG_VARIABLES: readonly string[] = VARIABLES.map((variable) => variable.name);
export const CONFIG_HELP: readonly Variable[] = VARIABLES;

const LOOPBACK = /^(?:127(?:\.\d{1,3}){3}|::1|localhost)$/;
/** A schema-less name as C2SP signed-note key names are: no spaces, no plus sign. */
const ORIGIN = /^[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?:\/[A-Za-z0-9._~-]+)*$/;

/** @throws ConfigError naming the variable */
export function parseConfig(env: Environment): Config {
  const dataDirectory = env['WAYBOOK_DATA'] || '.waybook';
  const host = env['WAYBOOK_HOST'] || '127.0.0.1';
  const insecureAllowRemote = oneOf(env, 'WAYBOOK_INSECURE_ALLOW_REMOTE', ['yes', 'no'], 'no') === 'yes';
  if (!LOOPBACK.test(host) && !insecureAllowRemote)
    throw new ConfigError(
      'WAYBOOK_HOST',
      `is ${host}: only a loopback address is allowed, as callers are not identified yet (see WAYBOOK_INSECURE_ALLOW_REMOTE)`,
    );
  const clock = env['WAYBOOK_CLOCK'] ? oneOf(env, 'WAYBOOK_CLOCK', ['system', 'stepped'], 'system') : undefined;
  return Object.freeze({
    dataDirectory,
    eventStore: url(
      env,
      'EVENT_STORE',
      /^(?:sqlite:.+|(?:esdb|kurrentdb)(?:\+discover)?:\/\/.+)$/,
      `sqlite:${join(dataDirectory, 'events.db')}`,
    ),
    readModel: url(
      env,
      'READ_MODEL',
      /^(?:sqlite:.+|postgres(?:ql)?:\/\/.+)$/,
      `sqlite:${join(dataDirectory, 'read-model.db')}`,
    ),
    keyFile: env['WAYBOOK_KEY'] || join(dataDirectory, 'ledger.key'),
    host,
    port: port(env),
    insecureAllowRemote,
    origin: env['WAYBOOK_ORIGIN'] ? checkOrigin(env['WAYBOOK_ORIGIN']) : undefined,
    clock,
    projecting: oneOf(env, 'WAYBOOK_PROJECTING', ['on', 'off'], 'on') === 'on',
  });
}

/** @throws ConfigError */
export function checkOrigin(origin: string): string {
  if (origin.length > 200 || !ORIGIN.test(origin))
    throw new ConfigError(
      'WAYBOOK_ORIGIN',
      'must be a name such as ledger.example.org or example.org/ledger, of at most 200 characters',
    );
  return origin;
}

function oneOf<T extends string>(env: Environment, variable: string, allowed: readonly T[], fallback: T): T {
  const value = env[variable];
  if (value === undefined || value === '') return fallback;
  const found = allowed.find((candidate) => candidate === value);
  if (found === undefined) throw new ConfigError(variable, `must be one of ${allowed.join(', ')}`);
  return found;
}

function url(env: Environment, variable: string, form: RegExp, fallback: string): string {
  const value = env[variable];
  if (value === undefined || value === '') return fallback;
  // The value may hold a password: it is not repeated.
  if (!form.test(value)) throw new ConfigError(variable, 'is of no known form; see `waybook serve --help`');
  return value;
}

function port(env: Environment): number {
  const value = env['WAYBOOK_PORT'];
  if (value === undefined || value === '') return 8080;
  const number = Number(value);
  if (!/^\d{1,5}$/.test(value) || number > 65_535)
    throw new ConfigError('WAYBOOK_PORT', 'must be a whole number from 0 to 65535');
  return number;
}
