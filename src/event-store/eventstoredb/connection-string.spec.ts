import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { parseConnectionString } from './connection-string.js';

const SECRET = 's3cr3t';

describe('parseConnectionString', () => {
  it('reads hosts, ports and credentials', () => {
    expect(parseConnectionString('esdb://localhost')).toEqual({
      hosts: [{ address: 'localhost', port: 2113 }],
      discover: false,
      credentials: undefined,
      tls: { rootCertificate: undefined, userCertFile: undefined, userKeyFile: undefined },
      settings: {},
      redacted: 'esdb://localhost:2113',
    });
    expect(parseConnectionString(` esdb://us%3Aer:${SECRET}%40%2F%3F@a:1,b-2.example,10.0.0.1:65535/ `)).toMatchObject({
      hosts: [
        { address: 'a', port: 1 },
        { address: 'b-2.example', port: 2113 },
        { address: '10.0.0.1', port: 65_535 },
      ],
      credentials: { username: 'us:er', password: `${SECRET}@/?` },
      redacted: 'esdb://a:1,b-2.example:2113,10.0.0.1:65535',
    });
    expect(parseConnectionString('esdb+discover://cluster.example')).toMatchObject({ discover: true });
  });

  it('reads options, however their names are written', () => {
    const parsed = parseConnectionString(
      'esdb://a?tls=false&keep_alive-interval=-1&DefaultDeadline=5000&connectionName=way%20book&nodePreference=Leader&throwOnAppendFailure=true',
    );
    expect(parsed.tls).toBe(false);
    expect(parsed.settings).toEqual({ keepAliveInterval: -1, defaultDeadline: 5000, connectionName: 'way book' });
  });

  it('reads certificates', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'waybook-'));
    try {
      const path = join(folder, 'ca.pem');
      writeFileSync(path, 'certificate');
      const parsed = parseConnectionString(`esdb://u:p@a?tlsCAFile=${encodeURIComponent(path)}`);
      expect(parsed.tls).toMatchObject({ rootCertificate: Buffer.from('certificate') });
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  const refused: readonly [string, string, RegExp][] = [
    ['no scheme', `user:${SECRET}@host`, /begin with esdb/],
    ['another scheme', `http://user:${SECRET}@host`, /begin with esdb/],
    ['a newer scheme, which the client does not know', `kurrentdb://user:${SECRET}@host`, /begin with esdb/],
    ['several hosts to discover, of which only the first would count', 'esdb+discover://a,b', /esdb:\/\/A,B,C/],
    ['a user without TLS, which the client would drop', `esdb://user:${SECRET}@host?tls=false`, /tls=false/],
    ['an option that does not exist', `esdb://user:${SECRET}@host?tlss=true`, /no option "tlss"/],
    ['an option with a secret for a name', `esdb://user@host?${SECRET}*=1`, /USER:PASSWORD/],
    ['an unescaped question mark in the password', `esdb://user:${SECRET}?x@host`, /NAME or NAME:PORT/],
    ['an unescaped @ in the password', `esdb://user:a@${SECRET}@host`, /percent-encoded/],
    ['an unescaped colon in the password, at which the client would cut it', `esdb://user:a:${SECRET}@host`, /percent/],
    ['a bad escape in the password', `esdb://user:%zz${SECRET}@host`, /hexadecimal/],
    ['no password', `esdb://${SECRET}@host`, /USER:PASSWORD/],
    ['no host', `esdb://user:${SECRET}@`, /NAME or NAME:PORT/],
    ['a port too large', `esdb://user:${SECRET}@host:65536`, /NAME or NAME:PORT/],
    ['tls that is neither', `esdb://user:${SECRET}@host?tls=no`, /true or false/],
    ['an option twice', `esdb://user:${SECRET}@host?tls=true&TLS=true`, /twice/],
    ['an option without a value', `esdb://user:${SECRET}@host?tls`, /one value/],
    ['append failures that do not throw', 'esdb://host?throwOnAppendFailure=false', /wrong revisions/],
    ['certificates that are not verified', `esdb://user:${SECRET}@host?tlsVerifyCert=false`, /tlsCAFile/],
    ['a node that is not the leader', `esdb://user:${SECRET}@host?nodePreference=follower`, /leader/],
    ['a number that is none', `esdb://user:${SECRET}@host?gossipTimeout=${SECRET}`, /whole number/],
    ['a certificate that is not there', `esdb://user:${SECRET}@host?tlsCAFile=/nowhere`, /tlsCAFile/],
    ['a user certificate without its key', 'esdb://host?userCertFile=/nowhere', /together/],
    ['a certificate without TLS', 'esdb://host?tls=false&tlsCAFile=/nowhere', /tls=false/],
  ];
  it.each(refused)('refuses %s, and says why without the password', (_, text, why) => {
    const error = thrown(() => parseConnectionString(text));
    expect(error).toMatchObject({ code: 'store-refused', retryable: false });
    expect(String(error)).toMatch(why);
    expect(String(error)).not.toContain(SECRET);
  });

  it('never says the password, whatever the rest is like', () => {
    const noise = fc.string({ maxLength: 20 });
    fc.assert(
      fc.property(noise, noise, noise, (before, between, after) => {
        for (const text of [
          `esdb://u${before}:${SECRET}${between}@h${after}`,
          `${before}:${SECRET}@${between}?${after}`,
        ]) {
          const [said] = [outcome(text)];
          expect(said).not.toContain(SECRET);
        }
      }),
    );
  });
});

function thrown(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

function outcome(text: string): string {
  try {
    return parseConnectionString(text).redacted;
  } catch (error) {
    return String(error);
  }
}
