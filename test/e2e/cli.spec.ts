/** The command line: what it does, what it prints, and with which exit code it refuses. */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projections } from '../../projections/index.js';
import { checkLedger } from '../support/check-ledger.js';
import { call, LedgerProcess, type Ended } from '../support/ledger-process.js';
import { confirmed, event, registered, registrationData, type Sent } from '../support/scenario.js';

const opened: LedgerProcess[] = [];
const prepare = (...args: Parameters<typeof LedgerProcess.prepare>): LedgerProcess => {
  const ledger = LedgerProcess.prepare(...args);
  opened.push(ledger);
  return ledger;
};
const scratch = mkdtempSync(join(tmpdir(), 'waybook-cli-'));
afterAll(async () => {
  for (const ledger of opened) await ledger.remove();
  rmSync(scratch, { recursive: true });
}, 60_000);

/** Each command is a process of its own: two at a time, as there are cores. */
async function each<T, R>(list: readonly T[], work: (item: T) => Promise<R>): Promise<readonly R[]> {
  const results: R[] = [];
  const entries = list.entries();
  const worker = async (): Promise<void> => {
    for (const [index, item] of entries) results[index] = await work(item);
  };
  await Promise.all([worker(), worker()]);
  return results;
}
const words = (line: string): readonly string[] => (line === '' ? [] : line.split(' '));
const COMMANDS = ['init', 'serve', 'demo', 'replay', 'history', 'rebuild', 'import', 'stats'];

test('says how each command is used, and which settings and exit codes there are', async () => {
  const ledger = prepare();
  const help = await each(['', ...COMMANDS], (command) => ledger.run([...words(command), '--help']));
  expect(help.map(({ code, stderr }) => [code, stderr])).toEqual(help.map(() => [0, '']));
  for (const command of COMMANDS) expect(help[0]!.stdout).toMatch(new RegExp(`^ +${command}\\b`, 'm'));
  for (const text of ['EVENT_STORE', 'READ_MODEL', 'WAYBOOK_DATA', 'Exit codes: 0 done, 1 failed, 2', '3 something'])
    expect(help[0]!.stdout).toContain(text);
  for (const [index, command] of COMMANDS.entries()) {
    const { stdout } = help[index + 1]!;
    expect(stdout).toContain(`Usage: waybook ${command}`);
    for (const option of ['--data', '--json']) expect(stdout).toContain(option);
  }
  expect((await ledger.run(['--version'])).stdout.trim()).toBe(
    (JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }).version,
  );
}, 60_000);

test('a call that is wrong ends with 2 and says what is wrong, and makes nothing', async () => {
  const ledger = prepare();
  const cases: readonly (readonly [string, Readonly<Record<string, string>>, RegExp])[] = [
    ['nonsense', {}, /unknown command 'nonsense'/],
    ['replay', {}, /missing required argument 'contract'/],
    ['init --clock sundial', {}, /Allowed choices are system, stepped/],
    ['init --colour red', {}, /unknown option '--colour'/],
    ['init --clock stepped --origin ledger.example', {}, /begins with "demo\."/],
    ['init --origin demo.example', {}, /begins with "demo\."/],
    ['init --start 2020-01-01T00:00:00Z', {}, /--start goes with --clock stepped/],
    ['serve --start 2020-01-01T00:00:00Z', {}, /--start goes with --clock stepped/],
    ['serve --clock sundial', {}, /Allowed choices are system, stepped/],
    ['init --clock stepped --start yesterday', {}, /--start must be an instant/],
    ['init --origin white+space', {}, /WAYBOOK_ORIGIN must be a name/],
    ['serve --port 99999', {}, /WAYBOOK_PORT must be a whole number/],
    ['serve --host 0.0.0.0', {}, /WAYBOOK_HOST is 0\.0\.0\.0: only a loopback address/],
    ['serve', { EVENT_STORE: 'mysql://user:secret@host' }, /EVENT_STORE is of no known form/],
    ['serve', { READ_MODEL: 'mysql://user:secret@host' }, /READ_MODEL is of no known form/],
    ['rebuild nothing', {}, /there is no projection nothing; there are contract-status, schedule, audit-trail/],
  ];
  const ended = await each(cases, ([line, env]) => ledger.run(words(line), env));
  for (const [index, [line, , message]] of cases.entries()) {
    const { code, stderr, stdout } = ended[index]!;
    expect({ line, code }).toEqual({ line, code: 2 });
    expect(stderr).toMatch(message);
    expect(stderr + stdout).not.toContain('secret');
  }
  expect(() => statSync(join(ledger.folder, 'events.db'))).toThrow('ENOENT');
}, 60_000);

describe('demo', () => {
  test('removes no ledger but a demo of its own that nobody serves', async () => {
    const ledger = prepare();
    await ledger.cli('init', '--origin', 'ledger.example/real');
    const key = readFileSync(join(ledger.folder, 'ledger.key'), 'utf8');
    const real = await ledger.run(['demo', '--exit', '--data', ledger.folder]);
    expect(real).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(
        'holds the ledger ledger.example/real, which is not the demo; nothing was removed',
      ),
    });
    expect(readFileSync(join(ledger.folder, 'ledger.key'), 'utf8')).toBe(key);
    await ledger.serve();
    const served = await ledger.run(['demo', '--exit', '--data', ledger.folder]);
    expect(served).toMatchObject({ code: 1, stderr: expect.stringContaining('holds a ledger that is being served') });
    await ledger.stop();

    const other = prepare();
    writeFileSync(join(other.folder, 'ledger.key'), 'a key whose ledger is elsewhere');
    const lonely = await other.run(['demo', '--exit', '--data', other.folder]);
    expect(lonely).toMatchObject({ code: 1, stderr: expect.stringContaining("holds files that are no demo's") });
    expect(readFileSync(join(other.folder, 'ledger.key'), 'utf8')).toBe('a key whose ledger is elsewhere');
  }, 60_000);
});

test('what others wrote is printed and moves no cursor', async () => {
  const ledger = prepare();
  await ledger.cli('init');
  await ledger.serve();
  const registration = registrationData({ title: 'evil \u001b[31mred\u0007\nsecond line' });
  const sent = await call(ledger.url, '/contracts', { contract: 'T', ...registration });
  expect(sent.status).toBe(201);
  const printed = await ledger.cli('replay', 'T');
  expect(printed).toContain(String.raw`evil \u{1b}[31mred\u{7}\u{a}second line`);
  expect([...printed].filter((character) => character < ' ' && character !== '\n')).toEqual([]);
  await ledger.stop();
}, 60_000);

describe('init', () => {
  test('makes a ledger once, its key for its owner alone', async () => {
    const ledger = prepare();
    const made = await ledger.run(['init', '--origin', 'ledger.example/one', '--json']);
    expect(made).toMatchObject({ code: 0, stderr: '' });
    const answer = JSON.parse(made.stdout) as Record<string, unknown>;
    expect(answer).toEqual({
      made: true,
      origin: 'ledger.example/one',
      clock: 'system',
      key: expect.stringMatching(/^ledger\.example\/one\+[0-9a-f]{8}\+A[A-Za-z0-9+/]{43}$/),
    });
    expect(statSync(join(ledger.folder, 'ledger.key')).mode & 0o777).toBe(0o600);
    // One after the other: each opens the store for writing.
    const again = await ledger.run(['init']);
    const missing = await ledger.run(['init', '--if-missing']);
    const missingJson = await ledger.run(['init', '--if-missing', '--json', '--origin', 'other.example']);
    expect(again).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('there is a ledger already: ledger.example/one, clock system'),
    });
    expect(missing).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('there is a ledger already: ledger.example/one'),
    });
    expect(JSON.parse(missingJson.stdout)).toMatchObject({ ...answer, made: false });
  }, 60_000);

  test('of a demonstration says so', async () => {
    const ledger = prepare();
    const { code, stdout } = await ledger.run([
      'init',
      '--clock',
      'stepped',
      '--origin',
      'demo.example',
      '--start',
      '2012-01-01T00:00:00Z',
    ]);
    expect([code, stdout]).toEqual([0, expect.stringContaining('made ledger demo.example, clock stepped')]);
    expect((await ledger.run(['serve'], { WAYBOOK_CLOCK: 'system' })).stderr).toContain('clock is stepped, not system');
  }, 60_000);
});

describe('a ledger', () => {
  const ids = Array.from({ length: 30 }, (_, at) => `f${at}`);
  const forecasts = ids.map((id) =>
    event(
      'ForecastRevised',
      { milestone: 'D1', forecast: '2022-01-01', reason: 'as it looks' },
      { id, by: 'prime-a', contract: 'CLI-1' },
    ),
  );
  const file = join(scratch, 'events.ndjson');
  const write = (events: readonly Sent[]): void =>
    writeFileSync(file, events.map((each) => `${JSON.stringify(each)}\n`).join(''));
  const ledger = prepare({ env: { WAYBOOK_PORT: '0' } });
  const json = ({ stdout }: Ended): Record<string, unknown> => JSON.parse(stdout) as Record<string, unknown>;
  beforeAll(async () => {
    await ledger.cli('init');
  }, 60_000);

  test('is not served before it is made, with another key, as another ledger, or where nothing can listen', async () => {
    const other = prepare();
    const unmade = await other.run(['serve']);
    expect([unmade.code, unmade.stderr]).toEqual([1, expect.stringContaining('`waybook init` makes one')]);
    for (const line of ['replay X', 'history X', 'stats'])
      expect([line, await other.run(words(line))]).toMatchObject([
        line,
        { code: 1, stderr: expect.stringContaining('`waybook init` makes one') },
      ]);
    await other.cli('init', '--origin', 'other.example');
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const address = taken.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const cases: readonly (readonly [Readonly<Record<string, string>>, number, string])[] = [
      [{ WAYBOOK_KEY: join(other.folder, 'ledger.key') }, 1, 'of the key file; it was fixed at init and never changes'],
      [{ WAYBOOK_KEY: join(other.folder, 'nothing.key') }, 1, "cannot read the ledger's key"],
      [{ WAYBOOK_ORIGIN: 'other.example' }, 1, 'origin is localhost/waybook, not other.example'],
      [{ WAYBOOK_CLOCK: 'stepped' }, 1, 'clock is system, not stepped'],
      [{ WAYBOOK_PORT: String(port) }, 3, 'EADDRINUSE'],
      [{ EVENT_STORE: `sqlite:${scratch}` }, 1, 'is not a file'],
      [{ EVENT_STORE: `sqlite:${join(ledger.folder, 'ledger.key')}` }, 1, 'is not a SQLite database'],
    ];
    // One after the other: each opens the store for writing, which two cannot.
    const ended: Ended[] = [];
    for (const [env] of cases) ended.push(await ledger.run(['serve'], env));
    taken.close();
    for (const [index, [env, code, message]] of cases.entries()) {
      expect({ env, code: ended[index]!.code }).toEqual({ env, code });
      expect(ended[index]!.stderr).toContain(message);
      // A message for people, not the trace of an error.
      expect(ended[index]!.stderr).not.toMatch(/^ +at /m);
    }
  }, 90_000);

  test('imports a file without a server, tells what is refused, and goes on with the rest', async () => {
    write([
      registered({}, { contract: 'CLI-1' }),
      confirmed({ contract: 'CLI-1', id: 'c1' }),
      ...forecasts.slice(0, 10),
    ]);
    const first = await ledger.run(['import', file]);
    expect(first).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^12 recorded, 0 there already, 0 refused, 0 failed; \d+ events\/s$/m),
    });
    expect(first.stderr).toContain('importing 100%');
    // Longer by now, and somebody is in it who has no business there.
    write([
      registered({}, { contract: 'CLI-1' }),
      confirmed({ contract: 'CLI-1', id: 'c1' }),
      ...forecasts,
      { ...forecasts[0]!, id: 'bad', source: 'urn:waybook:party:stranger' },
    ]);
    const second = await ledger.run(['import', file, '--json']);
    expect([second.code, json(second)]).toEqual([
      1,
      { recorded: 20, duplicate: 12, refused: 1, failed: 0, seconds: expect.any(Number) },
    ]);
    expect(second.stderr).toContain('refused line 33 bad: not-permitted');
    expect(second.stderr).toContain('not everything is recorded');
    const [gone, nobody] = await each(
      [
        ['import', join(scratch, 'none.ndjson')],
        ['import', file, '--url', 'http://127.0.0.1:1'],
      ],
      (args) => ledger.run(args),
    );
    expect(gone).toMatchObject({ code: 2, stderr: expect.stringContaining('cannot read') });
    expect(nobody).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('the same import again goes on from there'),
    });
  }, 60_000);

  test('shows contracts and counts, for people and as JSON, without a server', async () => {
    const lines = [
      'replay CLI-1',
      'replay CLI-1 --json',
      'history CLI-1',
      'history CLI-1 --json',
      'stats',
      'stats --json',
      'replay NONE',
      'history NONE --json',
      'replay CLI-1 --as-of soon',
      'replay CLI-1 --on 2022-02-30',
      'replay CLI-1 --as-of 2001-01-01T00:00:00Z',
      'rebuild',
      'rebuild schedule --json',
    ];
    const [
      replay,
      replayJson,
      history,
      historyJson,
      stats,
      statsJson,
      none,
      noneJson,
      soon,
      noDay,
      before,
      rebuilt,
      rebuiltJson,
    ] = await each(lines, (line) => ledger.run(words(line)));
    expect(replay).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('every hash checked') });
    expect(replay!.stdout).toMatch(/^D1 .*2021-06-30/m);
    expect(json(replayJson!)).toMatchObject({
      contract: 'CLI-1',
      revision: '31',
      milestones: [{ milestone: 'M1' }, { milestone: 'D1', forecast: '2022-01-01' }, { milestone: 'P1' }],
    });
    expect(history!.stdout.trimEnd().split('\n').length).toBe(2 + 32);
    expect((json(historyJson!)['events'] as { id: string }[]).map(({ id }) => id)).toEqual([
      'registration',
      'c1',
      ...ids,
    ]);
    expect(stats!.stdout).toContain('32 events on 1 contracts');
    expect(json(statsJson!)).toMatchObject({
      origin: 'localhost/waybook',
      clock: 'system',
      head: '33',
      contracts: 1,
      events: 32,
      types: expect.arrayContaining([{ type: 'ForecastRevised', count: 30 }]),
    });
    expect(none).toMatchObject({ code: 1, stderr: expect.stringContaining('there is no contract NONE') });
    expect(noneJson).toMatchObject({ code: 1, stdout: '' });
    expect(soon).toMatchObject({ code: 2, stderr: expect.stringContaining('--as-of must be an instant') });
    expect(noDay).toMatchObject({ code: 2, stderr: expect.stringContaining('--on must be a date') });
    expect(before).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('there is no contract CLI-1 as of 2001-01-01T00:00:00Z'),
    });
    expect(rebuilt).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(`rebuilt ${projections.map(({ name }) => name).join(', ')} in`),
    });
    expect(json(rebuiltJson!)).toMatchObject({ rebuilt: ['schedule'], server: null });
  }, 90_000);

  test('is served by one process; the others ask it, and none writes beside it', async () => {
    await ledger.serve();
    const { port } = new URL(ledger.url);
    const lines = [
      'serve',
      'replay CLI-1 --json',
      'stats --json',
      `rebuild --json --port ${port}`,
      `import ${file} --json --url ${ledger.url}`,
      `import ${file} --json --port ${port}`,
      `import ${file} --json`,
    ];
    const [second, replay, stats, rebuilt, byUrl, byPort, alone] = await each(lines, (line) => ledger.run(words(line)));
    expect(second).toMatchObject({
      code: 3,
      stdout: '',
      stderr: expect.stringContaining('is already open for writing'),
    });
    expect(json(replay!)).toMatchObject({ revision: '31' });
    expect(json(stats!)).toMatchObject({ events: 32 });
    expect(json(rebuilt!)).toMatchObject({
      rebuilt: projections.map(({ name }) => name),
      server: `http://127.0.0.1:${port}`,
    });
    for (const imported of [byUrl!, byPort!])
      expect([imported.code, json(imported)]).toMatchObject([1, { recorded: 0, duplicate: 32, refused: 1 }]);
    // Told of no server it would open the files itself, which another has.
    expect(alone).toMatchObject({ code: 3, stderr: expect.stringContaining('is already open for writing') });
    await checkLedger(ledger);
    const { url } = ledger;
    expect(await ledger.stop()).toBe(0);
    expect(ledger.errors).toBe('');
    for (const text of [
      `Waybook ledger localhost/waybook at ${url}`,
      'for this machine alone',
      `${url}/docs`,
      'stopping',
    ])
      expect(ledger.output).toContain(text);
  }, 90_000);
});
