// Brings a fresh clone to where it can run: dependencies as locked, then the build, each only when stale.
// `node .ci/setup.mjs [--no-build]`
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`Waybook needs Node 20.19 or later; this is ${process.version}.`);
  process.exit(1);
}

const time = (file) => (existsSync(file) ? statSync(file).mtimeMs : 0);
const run = (command, args) =>
  execFileSync(command, args, { stdio: 'inherit', shell: process.platform === 'win32', env: process.env });

function newest(folder, ignored = () => false) {
  let latest = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (ignored(path)) continue;
    latest = Math.max(latest, entry.isDirectory() ? newest(path, ignored) : time(path));
  }
  return latest;
}

if (time('node_modules/.package-lock.json') < time('package-lock.json')) {
  console.log('Installing dependencies (npm ci) ...');
  run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
}
if (!process.argv.includes('--no-build')) {
  const sources = Math.max(
    newest('src', (path) => path.endsWith('.spec.ts')),
    newest('projections', (path) => path.endsWith('.spec.ts')),
    time('tsconfig.json'),
    time('nest-cli.json'),
  );
  if (time('dist/src/main.js') < sources) {
    console.log('Building ...');
    run('npm', ['run', '--silent', 'build']);
  }
}
