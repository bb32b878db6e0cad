import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, posix, resolve } from 'node:path';

/**
 * That the import rules mean what they say: a small tree with one import a file, each either allowed or broken by exactly
 * the rules named. All are judged in one run.
 */

/** The packages of the small tree, empty. */
const PACKAGES = ['@eventstore/db-client', '@nestjs/common', 'better-sqlite3', 'class-validator', 'kysely', 'pg'];
const DEV_PACKAGES = ['fast-check'];
const UNDECLARED_PACKAGES = ['lodash'];

/** Files that import nothing. */
const LEAVES = [
  'src/clock.ts',
  'src/access/leaf.ts',
  'src/app.module.ts',
  'src/client/leaf.ts',
  'src/commands/leaf.ts',
  'src/contract/calendar.ts',
  'src/contract/contract.ts',
  'src/contract/leaf.ts',
  'src/contract/leaf.spec.ts',
  'src/event-store/event-store.ts',
  'src/event-store/eventstoredb/leaf.ts',
  'src/event-store/sqlite/leaf.ts',
  'src/evidence/leaf.ts',
  'src/http/leaf.ts',
  'src/log/leaf.ts',
  'src/subscriptions/leaf.ts',
  'projections/projection.ts',
  'projections/audit-trail/leaf.ts',
  'projections/schedule/leaf.ts',
  'test/support/leaf.ts',
];

type Kind = 'value' | 'type';

interface Case {
  /** The file, or a folder in which a file of its own is made. */
  readonly from: string;
  readonly to: string;
  readonly kind: Kind;
  /** The rules that it breaks; none where it is allowed. */
  readonly breaks: readonly string[];
}

const allowed = (from: string, to: string, kind: Kind = 'value'): Case => ({ from, to, kind, breaks: [] });
const broken = (from: string, to: string, breaks: string | readonly string[], kind: Kind = 'value'): Case => ({
  from,
  to,
  kind,
  breaks: typeof breaks === 'string' ? [breaks] : breaks,
});

const CASES: readonly Case[] = [
  allowed('src/contract/', 'src/contract/leaf.ts'),
  allowed('src/contract/', 'class-validator'),
  allowed('src/contract/', 'node:crypto'),
  broken('src/contract/', 'node:fs', 'place-contract'),
  broken('src/contract/', 'src/clock.ts', 'place-contract'),
  broken('src/contract/', 'src/clock.ts', 'place-contract', 'type'),
  broken('src/contract/', 'src/evidence/leaf.ts', 'place-contract'),
  broken('src/contract/', '@nestjs/common', 'place-contract'),

  allowed('src/evidence/', 'node:crypto'),
  allowed('src/evidence/', 'src/clock.ts', 'type'),
  broken('src/evidence/', 'src/contract/leaf.ts', 'place-evidence', 'type'),
  broken('src/evidence/', 'src/event-store/event-store.ts', 'place-evidence', 'type'),
  broken('src/evidence/', 'node:fs', 'place-evidence'),

  allowed('src/event-store/sqlite/', 'src/event-store/event-store.ts'),
  allowed('src/event-store/sqlite/', 'better-sqlite3'),
  allowed('src/event-store/sqlite/', 'node:fs'),
  broken('src/event-store/sqlite/', 'src/event-store/eventstoredb/leaf.ts', 'place-event-store-sqlite'),
  broken('src/event-store/sqlite/', '@eventstore/db-client', 'place-event-store-sqlite', 'type'),
  broken('src/event-store/sqlite/', 'src/contract/leaf.ts', 'place-event-store-sqlite', 'type'),
  allowed('src/event-store/eventstoredb/', '@eventstore/db-client'),
  broken('src/event-store/eventstoredb/', 'src/event-store/sqlite/leaf.ts', 'place-event-store-eventstoredb'),
  broken('src/event-store/eventstoredb/', 'better-sqlite3', 'place-event-store-eventstoredb'),

  allowed('src/commands/', 'src/contract/leaf.ts'),
  allowed('src/commands/', 'src/evidence/leaf.ts'),
  allowed('src/commands/', 'src/event-store/event-store.ts'),
  broken('src/commands/', '@nestjs/common', 'place-commands'),
  broken('src/commands/', 'src/event-store/sqlite/leaf.ts', 'place-commands'),
  broken('src/commands/', 'src/subscriptions/leaf.ts', 'place-commands', 'type'),
  allowed('src/commands/record-events.ts', '@nestjs/common'),

  allowed('src/subscriptions/', 'kysely'),
  allowed('src/subscriptions/', 'projections/projection.ts'),
  allowed('src/subscriptions/', 'better-sqlite3', 'type'),
  broken('src/subscriptions/', 'better-sqlite3', 'types-only-subscriptions'),
  broken('src/subscriptions/', 'pg', 'types-only-subscriptions'),
  broken('src/subscriptions/', 'src/commands/leaf.ts', 'place-subscriptions'),
  broken('src/subscriptions/', 'src/event-store/sqlite/leaf.ts', 'place-subscriptions'),
  allowed('src/subscriptions/sqlite-connection.ts', 'better-sqlite3'),
  broken(
    'src/subscriptions/postgres-connection.ts',
    'src/event-store/event-store.ts',
    'place-subscriptions-connections',
  ),

  allowed('src/watch/', 'src/commands/leaf.ts'),
  broken('src/watch/', 'src/event-store/event-store.ts', 'place-watch'),
  broken('src/watch/', 'src/http/leaf.ts', 'place-watch'),

  allowed('projections/schedule/', 'projections/schedule/leaf.ts'),
  allowed('projections/schedule/', 'projections/projection.ts', 'type'),
  allowed('projections/schedule/', 'src/contract/leaf.ts'),
  allowed('projections/schedule/', 'src/contract/contract.ts', 'type'),
  broken('projections/schedule/', 'src/contract/contract.ts', 'projections-do-not-decide'),
  broken('projections/schedule/', 'projections/audit-trail/leaf.ts', 'place-projection'),
  broken('projections/schedule/', 'projections/audit-trail/leaf.ts', 'place-projection', 'type'),
  broken('projections/schedule/', 'src/clock.ts', 'place-projection', 'type'),
  broken('projections/schedule/', 'src/subscriptions/leaf.ts', 'place-projection'),
  broken('projections/schedule/', 'better-sqlite3', 'place-projection'),
  allowed('projections/index.ts', 'projections/audit-trail/leaf.ts'),

  allowed('src/log/', 'src/subscriptions/leaf.ts'),
  broken('src/log/', 'src/commands/leaf.ts', 'place-log'),
  allowed('src/access/', 'src/contract/leaf.ts', 'type'),
  broken('src/access/', 'src/contract/leaf.ts', 'types-only-access'),
  broken('src/access/', 'src/http/leaf.ts', 'place-access'),

  allowed('src/http/', 'src/commands/leaf.ts'),
  allowed('src/http/', 'projections/schedule/leaf.ts'),
  allowed('src/http/', 'src/access/leaf.ts'),
  allowed('src/http/', 'src/log/leaf.ts'),
  allowed('src/http/', 'src/event-store/event-store.ts'),
  allowed('src/http/', '@nestjs/common'),
  broken('src/http/', 'src/event-store/sqlite/leaf.ts', 'place-http'),
  broken('src/http/', 'src/event-store/eventstoredb/leaf.ts', 'place-http', 'type'),
  broken('src/http/', 'better-sqlite3', 'place-http'),
  broken('src/http/', 'src/app.module.ts', 'place-http'),

  allowed('src/client/', 'src/contract/leaf.ts', 'type'),
  broken('src/client/', 'src/contract/leaf.ts', 'types-only-client'),
  broken('src/client/', 'src/http/leaf.ts', 'place-client', 'type'),
  allowed('src/web/', 'src/client/leaf.ts'),
  broken('src/web/', 'src/contract/leaf.ts', 'place-web', 'type'),
  broken('src/web/', 'node:fs', 'place-web'),
  allowed('src/demo/', 'src/client/leaf.ts'),
  allowed('src/demo/', 'src/contract/leaf.ts', 'type'),
  allowed('src/demo/', 'src/contract/calendar.ts'),
  broken('src/demo/', 'src/contract/leaf.ts', 'types-only-demo'),
  broken('src/demo/', 'src/commands/leaf.ts', 'place-demo'),

  allowed('src/main.ts', 'src/event-store/sqlite/leaf.ts'),
  allowed('src/cli/', 'src/event-store/eventstoredb/leaf.ts'),
  broken('src/unheard-of/', 'src/clock.ts', 'place-unknown'),
  broken('src/cli/', 'src/nowhere.ts', 'no-unresolvable'),
  broken('src/cli/', 'fast-check', 'no-dev-dependencies'),
  broken('src/cli/', 'lodash', 'no-undeclared-packages'),
  broken('src/cli/', 'test/support/leaf.ts', 'not-to-tests'),
  broken('src/cli/', 'src/contract/leaf.spec.ts', 'not-to-tests'),
  allowed('src/contract/own.spec.ts', 'fast-check'),
];

const root = resolve(import.meta.dirname, '../..');
const byName = (a: string, b: string) => (a < b ? -1 : 1);
let folder: string;
let found: ReadonlyMap<string, readonly string[]>;

function write(path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}

const isPath = (to: string) => to.endsWith('.ts');

/** As the project writes it: a relative path ending in `.js`, or the name of a package. */
function specifier(from: string, to: string): string {
  if (!isPath(to)) return to;
  const path = posix.relative(posix.dirname(from), to).replace(/\.ts$/, '.js');
  return path.startsWith('.') ? path : `./${path}`;
}

const importOf = (from: string, to: string, kind: Kind) =>
  `import ${kind === 'type' ? 'type ' : ''}{ x } from '${specifier(from, to)}';\n` +
  (kind === 'type' ? 'export type Y = typeof x;\n' : 'export const y = x;\n');

/** The file of each case: its own, so that what is found is told apart. */
const fileOf = ({ from }: Case, index: number) => (from.endsWith('/') ? `${from}case-${index}.ts` : from);

function writeTree(): void {
  const versions = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, '1.0.0']));
  write(
    'package.json',
    JSON.stringify({ type: 'module', dependencies: versions(PACKAGES), devDependencies: versions(DEV_PACKAGES) }),
  );
  write('tsconfig.json', JSON.stringify({ compilerOptions: { module: 'nodenext', verbatimModuleSyntax: true } }));
  for (const name of [...PACKAGES, ...DEV_PACKAGES, ...UNDECLARED_PACKAGES]) {
    write(`node_modules/${name}/package.json`, JSON.stringify({ name, version: '1.0.0', main: 'index.js' }));
    write(`node_modules/${name}/index.js`, 'exports.x = 1;\n');
  }
  for (const path of LEAVES) write(path, 'export const x = 1;\n');
  CASES.forEach((item, index) => write(fileOf(item, index), importOf(fileOf(item, index), item.to, item.kind)));
  // Two that need each other, once for real and once as types only, and one that nobody needs.
  write(
    'src/commands/egg.ts',
    importOf('src/commands/egg.ts', 'src/commands/hen.ts', 'value') + 'export const x = 1;\n',
  );
  write(
    'src/commands/hen.ts',
    importOf('src/commands/hen.ts', 'src/commands/egg.ts', 'value') + 'export const x = 1;\n',
  );
  write(
    'src/contract/day.ts',
    importOf('src/contract/day.ts', 'src/contract/night.ts', 'type') + 'export const x = 1;\n',
  );
  write(
    'src/contract/night.ts',
    importOf('src/contract/night.ts', 'src/contract/day.ts', 'value') + 'export const x = 1;\n',
  );
  write('src/commands/forgotten.ts', 'export const x = 1;\n');
}

interface Outcome {
  readonly summary: {
    readonly violations: readonly { readonly from: string; readonly rule: { readonly name: string } }[];
  };
}

/** In a process of its own, as in `npm run lint`. The exit code is the number of violations. */
function cruise(): Promise<Outcome> {
  const program = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  const rules = join(root, '.dependency-cruiser.cjs');
  const args = [program, 'src', 'projections', '--config', rules, '--output-type', 'json'];
  return new Promise((settle, reject) => {
    execFile(process.execPath, args, { cwd: folder, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      try {
        settle(JSON.parse(stdout) as Outcome);
      } catch {
        reject(new Error(`dependency-cruiser gave no result: ${stderr}`, { cause: error }));
      }
    });
  });
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'waybook-imports-'));
  writeTree();
  const { summary } = await cruise();
  const rules = new Map<string, string[]>();
  for (const { from, rule } of summary.violations) {
    const names = rules.get(from) ?? [];
    if (!names.includes(rule.name)) names.push(rule.name);
    rules.set(from, names);
  }
  found = rules;
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('import rules', () => {
  test.each(CASES.map((item, index) => ({ ...item, index })))('$from imports $kind $to: $breaks', (item) => {
    const names = found.get(fileOf(item, item.index)) ?? [];
    expect(names.toSorted(byName)).toEqual(item.breaks.toSorted(byName));
  });

  test('two modules that need each other are a cycle, unless one needs only types', () => {
    const rules = (path: string) => found.get(path) ?? [];
    // The cycle is reported once, at the module from which it is met first.
    expect([...rules('src/commands/egg.ts'), ...rules('src/commands/hen.ts')]).toEqual(['no-circular']);
    expect([...rules('src/contract/day.ts'), ...rules('src/contract/night.ts')]).toEqual([]);
  });

  test('a module that nobody needs is an orphan', () => {
    expect(found.get('src/commands/forgotten.ts')).toEqual(['no-orphans']);
  });

  test('nothing else in the tree is found fault with', () => {
    const expected = CASES.map((item, index) => (item.breaks.length > 0 ? fileOf(item, index) : undefined));
    const others = [...found.keys()].filter((from) => !expected.includes(from) && !/egg|hen|forgotten/.test(from));
    expect(others).toEqual([]);
  });
});
