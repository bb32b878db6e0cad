import { readFileSync } from 'node:fs';
import { EventStoreError } from '../event-store.js';

/** What the client needs to know to connect, taken from a connection string. */
export interface StoreAddress {
  readonly hosts: readonly { readonly address: string; readonly port: number }[];
  /** The one host is a DNS name behind which the nodes of a cluster are found. */
  readonly discover: boolean;
  readonly credentials: { readonly username: string; readonly password: string } | undefined;
  readonly tls:
    | false
    | {
        readonly rootCertificate: Buffer | undefined;
        readonly userCertFile: Buffer | undefined;
        readonly userKeyFile: Buffer | undefined;
      };
  /** The options that are numbers or names, as the client calls them. Absent where not given. */
  readonly settings: Readonly<Partial<Record<NumericOption, number>>> & { readonly connectionName?: string };
  /** The connection string without its user and password: fit for logs and messages. */
  readonly redacted: string;
}

const NUMERIC = [
  'maxDiscoverAttempts',
  'discoveryInterval',
  'gossipTimeout',
  'defaultDeadline',
  'keepAliveInterval',
  'keepAliveTimeout',
] as const;
type NumericOption = (typeof NUMERIC)[number];

const OTHER = [
  'connectionName',
  'nodePreference',
  'throwOnAppendFailure',
  'tls',
  'tlsVerifyCert',
  'tlsCAFile',
  'userCertFile',
  'userKeyFile',
] as const;

const DEFAULT_PORT = 2113;
const SCHEME = /^(esdb|esdb\+discover):\/\//;
const HOST = /^([A-Za-z0-9._-]+)(?::(\d{1,5}))?$/;

/**
 * Reads `esdb://[USER:PASSWORD@]HOST[:PORT][,HOST[:PORT]...][?OPTION=VALUE[&...]]`, or `esdb+discover://` with one host.
 *
 * The client is never given the string itself: it prints all of it, password included, when it meets an option it does
 * not know. What the client would silently ignore or weaken is refused here instead.
 *
 * @throws EventStoreError `store-refused`; its message never contains the user, the password or an unknown value
 */
export function parseConnectionString(text: string): StoreAddress {
  const scheme = SCHEME.exec(text.trim());
  if (scheme === null) throw refused('it must begin with esdb:// or esdb+discover://');
  const rest = text.trim().slice(scheme[0].length);
  const [authority = '', query, ...more] = rest.split('?');
  if (more.length > 0) throw refused('it has more than one "?" (percent-encode those in the password)');
  const at = authority.lastIndexOf('@');
  const credentials = at < 0 ? undefined : parseCredentials(authority.slice(0, at));
  const hosts = authority
    .slice(at + 1)
    .replace(/\/+$/, '')
    .split(',')
    .map(parseHost);
  const discover = scheme[1] === 'esdb+discover';
  if (discover && hosts.length > 1)
    throw refused('esdb+discover:// takes one DNS name and would use only the first; give the nodes as esdb://A,B,C');
  const options = parseOptions(query);
  const tls = parseTls(options);
  if (tls === false && credentials !== undefined)
    throw refused('with tls=false the client drops user and password silently; leave out one or the other');
  return {
    hosts,
    discover,
    credentials,
    tls,
    settings: parseSettings(options),
    redacted: `${scheme[0]}${hosts.map(({ address, port }) => `${address}:${port}`).join(',')}`,
  };
}

const refused = (why: string): EventStoreError =>
  new EventStoreError('store-refused', `the connection string of EventStoreDB is refused: ${why}`);

function parseCredentials(text: string): { username: string; password: string } {
  const [username, password, ...more] = text.split(':');
  // The client would cut the password at its first ":".
  if (!username || !password || more.length > 0 || text.includes('@'))
    throw refused('before the "@" stands USER:PASSWORD, with ":", "@", "/" and "?" in either percent-encoded');
  try {
    return { username: decodeURIComponent(username), password: decodeURIComponent(password) };
  } catch {
    // The URIError says no more than this, but it is not for us to rely on that.
    throw refused('a "%" in the user or the password is not followed by two hexadecimal digits');
  }
}

function parseHost(text: string): { address: string; port: number } {
  const match = HOST.exec(text);
  const port = Number(match?.[2] ?? DEFAULT_PORT);
  // The text is not repeated: with a stray "@" or "/" it may be half a password.
  if (match === null || port === 0 || port > 65_535) throw refused('a host is NAME or NAME:PORT');
  return { address: match[1] ?? '', port };
}

type Options = ReadonlyMap<NumericOption | (typeof OTHER)[number], string>;

function parseOptions(query: string | undefined): Options {
  const flat = (name: string) => name.toLowerCase().replaceAll(/[_-]/g, '');
  const known = new Map([...NUMERIC, ...OTHER].map((name) => [flat(name), name]));
  const options = new Map<NumericOption | (typeof OTHER)[number], string>();
  for (const pair of (query ?? '').split('&').filter((one) => one !== '')) {
    const [name = '', value, ...more] = pair.split('=');
    const option = known.get(flat(name));
    if (option === undefined)
      throw refused(
        /^\w{1,40}$/.test(name) ? `there is no option "${name}"` : 'it has an option without a proper name',
      );
    if (!value || more.length > 0) throw refused(`option "${option}" needs one value, percent-encoded`);
    if (options.has(option)) throw refused(`option "${option}" stands twice`);
    try {
      options.set(option, decodeURIComponent(value));
    } catch {
      throw refused(`option "${option}" is not percent-encoded properly`);
    }
  }
  if (flag(options, 'throwOnAppendFailure') === false)
    throw refused('throwOnAppendFailure=false makes the client report wrong revisions');
  if (flag(options, 'tlsVerifyCert') === false)
    throw refused('tlsVerifyCert=false has no effect in the client; give the certificate as tlsCAFile');
  const preference = options.get('nodePreference');
  if (preference !== undefined && preference.toLowerCase() !== 'leader')
    throw refused('nodePreference must be leader: what was acknowledged must be there when it is read');
  return options;
}

function flag(options: Options, name: 'tls' | 'tlsVerifyCert' | 'throwOnAppendFailure'): boolean | undefined {
  const value = options.get(name);
  if (value === undefined) return undefined;
  if (value !== 'true' && value !== 'false') throw refused(`option "${name}" is true or false`);
  return value === 'true';
}

function parseTls(options: Options): StoreAddress['tls'] {
  const files = ['tlsCAFile', 'userCertFile', 'userKeyFile'] as const;
  if (flag(options, 'tls') === false) {
    const given = files.find((name) => options.has(name));
    if (given !== undefined) throw refused(`option "${given}" means nothing with tls=false`);
    return false;
  }
  if (options.has('userCertFile') !== options.has('userKeyFile'))
    throw refused('userCertFile and userKeyFile go together');
  const [rootCertificate, userCertFile, userKeyFile] = files.map((name) => {
    const path = options.get(name);
    if (path === undefined) return undefined;
    try {
      return readFileSync(path);
    } catch (cause) {
      throw new EventStoreError('store-refused', `${name} of the connection string cannot be read`, { cause });
    }
  });
  return { rootCertificate, userCertFile, userKeyFile };
}

function parseSettings(options: Options): StoreAddress['settings'] {
  const settings: Partial<Record<NumericOption, number>> = {};
  for (const name of NUMERIC) {
    const value = options.get(name);
    if (value === undefined) continue;
    const off = value === '-1' && name.startsWith('keepAlive');
    if (!off && !/^[1-9]\d{0,8}$/.test(value)) throw refused(`option "${name}" is a whole number above 0`);
    settings[name] = Number(value);
  }
  const connectionName = options.get('connectionName');
  return connectionName === undefined ? settings : { ...settings, connectionName };
}
