import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** What holds for the checkout as a whole: what lies where, and that it builds from any registry that npm is set to. */

const root = resolve(import.meta.dirname, '../..');

/** Beside these there are only dotfiles. */
const TOP_LEVEL = [
  'LICENSE',
  'README.md',
  'docker-compose.yml',
  'nest-cli.json',
  'package-lock.json',
  'package.json',
  'projections',
  'src',
  'test',
  'tsconfig.json',
];

/**
 * Hosts that packages are fetched from, by the forms of their names. Which one is used is a setting of the machine, so
 * none may stand in a file: a lockfile or script that names one fails wherever that one is not reached.
 */
const REGISTRY_HOST =
  /\bregistry\.[a-z0-9-]+\.[a-z]{2,}|\b(?:npm|yarn)(?:js|pkg)\.[a-z]{2,}|\bdeb\.debian\.[a-z]{2,}|\bfiles\.pythonhosted\.[a-z]{2,}|\b(?:npm|maven|nuget)\.pkg\.[a-z]/i;

/** Files that git has or, once added, would have; those deleted but not yet committed left out. */
function files(): readonly string[] {
  const list = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  return list.split('\0').filter((path) => path !== '' && existsSync(join(root, path)));
}

interface LockedPackage extends Readonly<Record<string, unknown>> {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

interface Lockfile {
  /** By place: '' is the project itself, else `node_modules/a`, `node_modules/a/node_modules/b`. */
  readonly packages: Readonly<Record<string, LockedPackage>>;
}

/** The places where Node would look for `name` from within the package at `place`, nearest first. */
function placesFor(name: string, place: string): readonly string[] {
  const outer = place.lastIndexOf('/node_modules/');
  const here = `${place === '' ? '' : `${place}/`}node_modules/${name}`;
  if (place === '') return [here];
  return [here, ...placesFor(name, outer < 0 ? '' : place.slice(0, outer))];
}

const lockfile = () => JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as Lockfile;

test('the top level holds what it is meant to, and nothing else', () => {
  const entries = new Set(files().map((path) => path.split('/', 1)[0] ?? path));
  const others = [...entries].filter((name) => !name.startsWith('.') && !TOP_LEVEL.includes(name));
  expect(others).toEqual([]);
  expect(TOP_LEVEL.filter((name) => !entries.has(name))).toEqual([]);
});

test('every folder of src explains itself in a README', () => {
  const listed = new Set(files());
  const folders = readdirSync(join(root, 'src'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && [...listed].some((path) => path.startsWith(`src/${entry.name}/`)))
    .map((entry) => entry.name);
  expect(folders.length).toBeGreaterThan(0);
  expect(folders.filter((name) => !listed.has(`src/${name}/README.md`))).toEqual([]);
});

describe('the lockfile', () => {
  test('says what is installed by content, not by address', () => {
    const packages = Object.entries(lockfile().packages).filter(([path]) => path !== '');
    expect(packages.length).toBeGreaterThan(100);
    const linked = packages.filter(([, entry]) => 'resolved' in entry).map(([path]) => path);
    expect(linked).toEqual([]);
    // A package within another's archive has no archive of its own.
    const unproved = packages.filter(
      ([, entry]) => entry['inBundle'] !== true && typeof entry['integrity'] !== 'string',
    );
    expect(unproved.map(([path]) => path)).toEqual([]);
  });

  // `npm ci` refuses one that is not, on every platform. npm writes such a lockfile, without a word, where the registry
  // that it asks does not have the binaries of other platforms in the version chosen.
  test('is whole: the binaries of other platforms stand in it too', () => {
    const { packages } = lockfile();
    const lacking = Object.entries(packages).flatMap(([place, { dependencies, optionalDependencies }]) =>
      Object.keys({ ...dependencies, ...optionalDependencies })
        .filter((name) => !placesFor(name, place).some((candidate) => candidate in packages))
        .map((name) => `${name}, of ${place}`),
    );
    expect(lacking).toEqual([]);
  });

  test('fits package.json', () => {
    const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<string, unknown>;
    const locked = lockfile().packages[''];
    for (const key of ['name', 'version', 'engines', 'dependencies', 'devDependencies'])
      expect([key, locked?.[key]]).toEqual([key, manifest[key]]);
  });
});

describe('no file names the host of a package registry', () => {
  // In two parts, or this file would be found.
  test.each([
    ['registry', 'example.org'],
    ['npmjs', 'com'],
    ['deb', 'debian.org'],
  ])('%s.%s would be found', (...parts) => expect(REGISTRY_HOST.test(`see ${parts.join('.')}/jest`)).toBe(true));

  test('and none is found', () => {
    const naming = files().filter((path) => {
      if (!statSync(join(root, path)).isFile()) return false;
      return REGISTRY_HOST.test(readFileSync(join(root, path), 'latin1'));
    });
    expect(naming).toEqual([]);
  });
});
