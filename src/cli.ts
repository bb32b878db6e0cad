#!/usr/bin/env node
/** The command line: `waybook COMMAND`. Exit codes: 0 done, 1 failed, 2 the call is wrong, 3 something is not to be had now. */
import './heap.js';
import 'reflect-metadata';
import { Command, CommanderError, Option } from 'commander';
import { CommandFailure, EXIT } from './cli/exit.js';
import type { PastOptions } from './cli/history.js';
import { outputOf } from './cli/output.js';
import { CONFIG_HELP, ConfigError, parseConfig, type Config } from './config.js';
import { VERSION } from './version.js';

// What a command needs is loaded when it runs: a server and two databases are a second of loading, a help text is none.

interface Common {
  readonly json?: boolean;
  readonly data?: string;
  readonly host?: string;
  readonly port?: string;
}

/** What stands on the command line goes before what stands in the environment. */
function configOf({ data, host, port, clock }: Common & { readonly clock?: string }): Config {
  return parseConfig({
    ...process.env,
    ...(data === undefined ? {} : { WAYBOOK_DATA: data }),
    ...(host === undefined ? {} : { WAYBOOK_HOST: host }),
    ...(port === undefined ? {} : { WAYBOOK_PORT: port }),
    ...(clock === undefined ? {} : { WAYBOOK_CLOCK: clock }),
  });
}

const program = new Command('waybook')
  .description('An event-sourced supply-chain ledger for contracts whose parties must one day agree on what happened.')
  .version(VERSION)
  .exitOverride()
  .configureHelp({ sortSubcommands: false })
  .addHelpText(
    'after',
    `\nEnvironment:\n${CONFIG_HELP.map(({ name, help }) => `  ${name.padEnd(30)} ${help}`).join('\n')}\n\nExit codes: 0 done, 1 failed, 2 the call is wrong, 3 something is not to be had now.`,
  );

const dataOption = new Option('--data <dir>', 'folder of the embedded stores and the key');
const jsonOption = new Option('--json', 'answer in JSON');
const hostOption = new Option('--host <address>', 'address of the server');
const clockOption = new Option(
  '--clock <kind>',
  'the machine’s clock, or one moved by hand for demonstrations',
).choices(['system', 'stepped']);
const startOption = new Option('--start <instant>', 'where a stepped clock starts (default 2012-01-01T00:00:00Z)');
const portOption = new Option('--port <number>', 'port of the server');

function command(usage: string, description: string): Command {
  return program.command(usage).description(description).addOption(dataOption).addOption(jsonOption);
}

command('init', 'make the ledger: its key and its first event. Done once; origin, clock and key never change')
  .option('--origin <name>', 'name of the ledger, such as ledger.example.org; of a demonstration it begins with demo.')
  .addOption(clockOption)
  .addOption(startOption)
  .option('--if-missing', 'do nothing where there is a ledger already')
  .action(
    async (
      options: Common & { origin?: string; clock?: 'system' | 'stepped'; start?: string; ifMissing?: boolean },
    ) => {
      const output = outputOf(options.json ?? false);
      const config = configOf(options);
      const { initLedger } = await import('./cli/init.js');
      const { made, ...identity } = await initLedger(config, {
        origin: options.origin,
        clock: options.clock,
        start: options.start,
        ifMissing: options.ifMissing ?? false,
      });
      output.answer({ made, origin: identity.origin, clock: identity.clock, key: identity.key });
      output.say(`${made ? 'made ledger' : 'there is a ledger already:'} ${identity.origin}, clock ${identity.clock}`);
      if (made) output.say(`  key ${identity.key}\n  kept in ${config.keyFile} (keep a copy; nobody else needs it)`);
    },
  );

command('serve', 'run the ledger: HTTP API, projections, watch. With --clock, made first where there is none')
  .addOption(hostOption)
  .addOption(portOption)
  .addOption(clockOption)
  .addOption(startOption)
  .action(async (options: Common & { clock?: 'system' | 'stepped'; start?: string }) => {
    const config = configOf(options);
    if (options.clock !== undefined) {
      const { initLedger } = await import('./cli/init.js');
      await initLedger(config, { origin: undefined, clock: options.clock, start: options.start, ifMissing: true });
    } else if (options.start !== undefined) throw new CommandFailure('--start goes with --clock stepped', EXIT.usage);
    const { serveUntilStopped } = await import('./cli/serve.js');
    await serveUntilStopped(config, outputOf(options.json ?? false));
  });

command('demo', 'run a ledger of its own with the illustrative portfolio, fed through the HTTP API')
  .addOption(portOption)
  .option('--exit', 'end after the answers instead of staying up')
  .action(async (options: Common & { exit?: boolean }) => {
    const { demoCommand } = await import('./cli/demo.js');
    await demoCommand(process.env, options, options.exit ?? false, outputOf(options.json ?? false));
  });

const past = (name: string, description: string): Command =>
  command(`${name} <contract>`, description)
    .option('--as-of <instant|position>', 'only what the ledger had recorded by then')
    .option('--on <date>', 'the day asked about; only what happened by then');

past('replay', 'fold a contract from its stream, every hash checked, and show where it stands').action(
  async (contract: string, options: Common & PastOptions) => {
    const { replayCommand } = await import('./cli/history.js');
    await replayCommand(configOf(options), contract, options, outputOf(options.json ?? false));
  },
);
past('history', 'list every event of a contract from its stream, every hash checked').action(
  async (contract: string, options: Common & PastOptions) => {
    const { historyCommand } = await import('./cli/history.js');
    await historyCommand(configOf(options), contract, options, outputOf(options.json ?? false));
  },
);

command('rebuild [projection]', 'build read models anew beside their rows; queries keep answering')
  .addOption(hostOption)
  .addOption(portOption)
  .action(async (name: string | undefined, options: Common) => {
    const config = configOf(options);
    const { rebuildCommand, urlOf } = await import('./cli/rebuild.js');
    await rebuildCommand(config, name, urlOf(config), outputOf(options.json ?? false));
  });

command('import <file>', 'send a file of CloudEvents, one a line; the same again goes on where it stopped')
  .addOption(hostOption)
  .addOption(portOption)
  .option('--url <url>', 'the server to send to (default: the one of this configuration, else one started for it)')
  .action(async (file: string, options: Common & { url?: string }) => importCommand(file, options));

async function importCommand(file: string, options: Common & { url?: string }): Promise<void> {
  const output = outputOf(options.json ?? false);
  const config = configOf(options);
  const { importFile } = await import('./cli/import.js');
  const startedMs = performance.now();
  const counts = await withServer(config, options.url, (url) => importFile(file, url, output));
  const seconds = (performance.now() - startedMs) / 1_000;
  const all = counts.recorded + counts.duplicate + counts.refused + counts.failed;
  output.answer({ ...counts, seconds: Number(seconds.toFixed(3)) });
  output.say(
    `${counts.recorded} recorded, ${counts.duplicate} there already, ${counts.refused} refused, ${counts.failed} failed; ${Math.round(all / seconds)} events/s`,
  );
  if (counts.refused + counts.failed > 0) throw new CommandFailure('not everything is recorded', EXIT.failed);
}

/** Uses the server there is; where there is none, runs one for as long as it is needed. */
async function withServer<T>(config: Config, url: string | undefined, use: (url: string) => Promise<T>): Promise<T> {
  const { isServed, urlOf } = await import('./cli/rebuild.js');
  const there = url ?? urlOf(config);
  if (url !== undefined || (await isServed(there))) return use(there);
  const { startWaybook } = await import('./waybook.js');
  const waybook = await startWaybook({ ...config, port: 0 });
  try {
    return await use(waybook.url);
  } finally {
    await waybook.close();
  }
}

command('stats', 'count what is in the store, and say how far the read models are').action(async (options: Common) => {
  const { statsCommand } = await import('./cli/stats.js');
  await statsCommand(configOf(options), outputOf(options.json ?? false));
});

/** Codes of errors that mean: not now. */
const UNAVAILABLE = new Set(['store-unavailable', 'store-locked', 'read-model-unavailable', 'EADDRINUSE']);

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`waybook: ${message}\n`);
  if (error instanceof CommandFailure) return error.exitCode;
  if (error instanceof ConfigError) return EXIT.usage;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === '' && error instanceof Error && error.stack !== undefined) process.stderr.write(`${error.stack}\n`);
  return UNAVAILABLE.has(code) ? EXIT.unavailable : EXIT.failed;
}

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error);
}
