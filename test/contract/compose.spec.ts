import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Script } from 'node:vm';
import { parse } from 'yaml';
import { CONFIG_VARIABLES, parseConfig } from '../../src/config.js';
import { parseConnectionString } from '../../src/event-store/eventstoredb/connection-string.js';

/** `docker-compose.yml` against what Waybook accepts and what the deployment promises. Nothing is started. */

interface Service {
  readonly image?: string;
  readonly build?: { readonly context: string; readonly dockerfile_inline: string };
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly networks?: readonly string[];
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly network_mode?: string;
  readonly privileged?: boolean;
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly networks: Readonly<Record<string, { readonly internal?: boolean } | null>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

type Variables = Readonly<Record<string, string>>;

const root = resolve(import.meta.dirname, '../..');
const text = readFileSync(join(root, 'docker-compose.yml'), 'utf8');

/** Puts in the variables as compose does: `${NAME}`, `${NAME:-default}` and `${NAME:?message}`; `$$` is a dollar sign. */
function interpolate(source: string, variables: Variables): string {
  return source.replace(
    /\$(?:\$|\{(\w+)(?:(:-|:\?)([^}]*))?\})|\$/g,
    (whole: string, name: string | undefined, operator: string | undefined, operand: string | undefined) => {
      if (whole === '$$') return '$';
      if (name === undefined) throw new Error('a dollar sign that compose does not know');
      const value = variables[name] ?? '';
      if (value !== '') return value;
      if (operator === ':-') return operand ?? '';
      throw new Error(`required variable ${name} is missing a value`);
    },
  );
}

const read = (source: string) => parse(source, { merge: true }) as Compose;
const GIVEN: Variables = { POSTGRES_PASSWORD: '5b1d8c0e9f', WAYBOOK_ORIGIN: 'ledger.example.org' };
const compose = read(interpolate(text.replaceAll(/^\s*#.*$/gm, ''), GIVEN));
const raw = read(text);

const STORES = ['eventstore', 'postgres'];
const OURS = ['init', 'waybook'];

function service(name: string): Service {
  const found = compose.services[name];
  if (found === undefined) throw new Error(`docker-compose.yml has no service ${name}`);
  return found;
}

/** Target folder of a volume by its name. */
const mounts = (name: string) => new Map((service(name).volumes ?? []).map((mount) => splitOnce(mount)));

function splitOnce(mount: string): [string, string] {
  const [source = '', target = ''] = mount.split(':');
  return [source, target];
}

test('the services are the two stores, the first step and Waybook', () => {
  expect(Object.keys(compose.services).toSorted()).toEqual([...STORES, ...OURS].toSorted());
});

describe('configuration', () => {
  test.each(OURS)('%s is given only variables that Waybook reads', (name) => {
    const unknown = Object.keys(service(name).environment ?? {}).filter((key) => !CONFIG_VARIABLES.includes(key));
    expect(unknown).toEqual([]);
  });

  test.each(OURS)('%s accepts what it is given', (name) => {
    expect(parseConfig(service(name).environment ?? {})).toMatchObject({
      dataDirectory: '/data',
      eventStore: 'esdb://eventstore:2113?tls=false',
      readModel: 'postgres://waybook:5b1d8c0e9f@postgres:5432/waybook',
      host: '0.0.0.0',
      port: 8080,
      insecureAllowRemote: true,
      origin: 'ledger.example.org',
      clock: 'system',
    });
  });

  test('the first step and Waybook are configured alike, from one image', () => {
    expect(service('init').environment).toEqual(service('waybook').environment);
    expect(service('init').image).toBe(service('waybook').image);
    expect(mounts('init')).toEqual(mounts('waybook'));
  });

  test('the event store named is the service, as the adapter reads it', () => {
    const address = parseConnectionString(parseConfig(service('waybook').environment ?? {}).eventStore);
    expect(address.hosts).toEqual([{ address: 'eventstore', port: 2113 }]);
    expect(service('eventstore').environment).toMatchObject({ EVENTSTORE_INSECURE: 'true' });
    expect(address.tls).toBe(false);
  });

  test('the read model named is the service, with its user, password and database', () => {
    const url = new URL(parseConfig(service('waybook').environment ?? {}).readModel);
    expect(url.hostname).toBe('postgres');
    expect(service('postgres').environment).toEqual({
      POSTGRES_USER: url.username,
      POSTGRES_PASSWORD: url.password,
      POSTGRES_DB: url.pathname.slice(1),
    });
  });
});

describe('secrets', () => {
  test.each(Object.keys(GIVEN))('%s has no default: without it compose refuses to start', (missing) => {
    expect(() => interpolate(text.replaceAll(/^\s*#.*$/gm, ''), { ...GIVEN, [missing]: '' })).toThrow(missing);
  });

  test('none stands in the file', () => {
    const values = Object.values(raw.services).flatMap((item) => Object.entries(item.environment ?? {}));
    const named = values.filter(([key]) => /PASSWORD|SECRET|TOKEN|CREDENTIAL/.test(key));
    expect(named.length).toBeGreaterThan(0);
    for (const [, value] of named) expect(value).toMatch(/^\$\{\w+:\?[^}]+\}$/);
    const inUrls = values.flatMap(([, value]) => {
      const match = /^\w+:\/\/[^/:@]+:(.+)@[^@]*$/.exec(value);
      return match?.[1] === undefined ? [] : [match[1]];
    });
    expect(inUrls.length).toBe(OURS.length);
    for (const password of inUrls) expect(password).toMatch(/^\$\{\w+:\?[^}]+\}$/);
  });

  test('the file that the head of docker-compose.yml has them written to is ignored by git', () => {
    expect(text).toContain('> .env');
    // Exits with 1, and so throws, where it is not.
    expect(execFileSync('git', ['check-ignore', '.env'], { cwd: root, encoding: 'utf8' })).toBe('.env\n');
  });
});

describe('reach', () => {
  test.each([...STORES, 'init'])('%s publishes no port and is on the inner network alone', (name) => {
    expect(service(name).ports ?? []).toEqual([]);
    expect(service(name).networks).toEqual(['stores']);
    expect(compose.networks['stores']).toEqual({ internal: true });
  });

  test('Waybook is published on the loopback address of the host, at the port that it listens on', () => {
    const { port } = parseConfig(service('waybook').environment ?? {});
    expect(service('waybook').ports).toEqual([`127.0.0.1:8080:${port}`]);
    expect(interpolate(raw.services['waybook']?.ports?.[0] ?? '', { WAYBOOK_PORT: '9000' })).toBe(
      `127.0.0.1:9000:${port}`,
    );
    expect(service('waybook').networks).toContain('stores');
  });

  test.each(Object.keys(compose.services))('%s has no way around its networks', (name) => {
    expect(service(name).network_mode).toBeUndefined();
    expect(service(name).privileged).toBeUndefined();
  });
});

describe('health and order', () => {
  test.each([...STORES, 'waybook'])('%s has a health check', (name) => {
    expect(service(name).healthcheck?.test.length).toBeGreaterThan(1);
  });

  test('Waybook waits for both stores and for the first step, which waits for the event store', () => {
    expect(service('waybook').depends_on).toEqual({
      eventstore: { condition: 'service_healthy' },
      postgres: { condition: 'service_healthy' },
      init: { condition: 'service_completed_successfully' },
    });
    expect(service('init').depends_on).toEqual({ eventstore: { condition: 'service_healthy' } });
    expect(service('init').command).toEqual(['node', 'dist/src/cli.js', 'init', '--if-missing']);
  });

  test('the health check of Waybook is a program that Node can read, and asks where Waybook listens', () => {
    const [kind, command, flag, program = ''] = service('waybook').healthcheck?.test ?? [];
    expect([kind, command, flag]).toEqual(['CMD', 'node', '-e']);
    expect(() => new Script(program)).not.toThrow();
    const { port } = parseConfig(service('waybook').environment ?? {});
    expect(program).toContain(`http://127.0.0.1:${port}/health`);
  });
});

describe('volumes', () => {
  test('whatever must outlive a container is on a named volume', () => {
    expect(mounts('eventstore').get('eventstore-data')).toBe('/var/lib/eventstore');
    expect(mounts('postgres').get('postgres-data')).toBe('/var/lib/postgresql/data');
    const { dataDirectory } = parseConfig(service('waybook').environment ?? {});
    expect([...mounts('waybook').values()]).toContain(dataDirectory);
  });

  test('each volume mounted is declared, and each declared is mounted', () => {
    const mounted = Object.keys(compose.services).flatMap((name) => [...mounts(name).keys()]);
    expect([...new Set(mounted)].toSorted()).toEqual(Object.keys(compose.volumes).toSorted());
  });
});

describe('image', () => {
  const stages = (service('waybook').build?.dockerfile_inline ?? '').split(/^(?=FROM )/m);
  const runtime = stages.at(-1) ?? '';

  test('it is built in one stage and run from another, with production dependencies, by a user without rights', () => {
    expect(stages).toHaveLength(2);
    expect(stages[0]).toMatch(/^RUN npm ci /m);
    expect(stages[0]).toMatch(/npm prune --omit=dev/);
    expect(runtime).toMatch(/^USER node$/m);
    expect(runtime.lastIndexOf('RUN ')).toBeLessThan(runtime.indexOf('USER node'));
  });

  test('it runs the program that package.json names', () => {
    const { bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { bin: { waybook: string } };
    expect(runtime).toContain(`CMD ["node", "${bin.waybook}", "serve"]`);
    expect(service('init').command?.[1]).toBe(bin.waybook);
  });

  test('what it copies exists, and is let through by .dockerignore', () => {
    const copied = [...(stages[0] ?? '').matchAll(/^COPY (.+) \S+$/gm)].flatMap(([, names = '']) => names.split(' '));
    const lines = readFileSync(join(root, '.dockerignore'), 'utf8').split('\n');
    expect(lines).toContain('*');
    expect(copied.length).toBeGreaterThan(5);
    for (const name of copied) {
      expect([name, existsSync(join(root, name))]).toEqual([name, true]);
      expect(lines).toContain(`!${name}`);
    }
  });
});
