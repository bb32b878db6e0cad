/** `waybook demo`: a ledger of its own, made anew each time, fed with the illustrative portfolio through the public API. */
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseConfig, type Config } from '../config.js';
import { DEMO_LEDGER, describeDemo, describeFeed, describePortfolio } from '../demo/demo.js';
import { feedPortfolio } from '../demo/feed.js';
import { generatePortfolio } from '../demo/portfolio.js';
import { QUESTIONS } from '../demo/seven-questions.js';
import { EventStoreError } from '../event-store/event-store.js';
import { LedgerError, readIdentity } from '../log/ledger-stream.js';
import { openWriter } from '../open-store.js';
import { startWaybook, type Waybook } from '../waybook.js';
import { CommandFailure, EXIT } from './exit.js';
import { initLedger } from './init.js';
import { progress, type Output } from './output.js';
import { introduce, stopped } from './serve.js';

export interface DemoOptions {
  readonly data?: string;
  readonly port?: string;
}

/** What a demo leaves in its folder. Any ledger has files of these names: see {@link clear}. */
const DEMO_FILES = [
  'read-model.db',
  'read-model.db-wal',
  'read-model.db-shm',
  'ledger.key',
  // Last: as long as it is there, it says that the rest is a demo's.
  'events.db-wal',
  'events.db-shm',
  'events.db',
  'events.db.lock',
];

/** @throws CommandFailure, and what initialising, serving and feeding throw */
export async function demoCommand(
  env: Readonly<Record<string, string | undefined>>,
  options: DemoOptions,
  exit: boolean,
  output: Output,
): Promise<void> {
  const folder = resolve(options.data ?? join(env['WAYBOOK_DATA'] || '.waybook', 'demo'));
  // The demo has stores of its own, whatever the environment says of others.
  const config = parseConfig({
    WAYBOOK_DATA: folder,
    WAYBOOK_HOST: env['WAYBOOK_HOST'],
    WAYBOOK_PORT: options.port ?? env['WAYBOOK_PORT'],
  });
  await clear(folder, config, options.data === undefined);
  for (const line of describeDemo()) output.say(line);
  await initLedger(config, { ...DEMO_LEDGER, ifMissing: false });
  const waybook = await started(
    config.port,
    () => startWaybook(config),
    () => startWaybook({ ...config, port: 0 }),
    output,
  );
  try {
    output.say('');
    introduce(waybook, output);
    output.say('');
    const answers = await play(waybook, output);
    output.answer({ url: waybook.url, ...answers });
    if (exit) return;
    output.say(
      `\nStays up at ${waybook.url} until stopped (Ctrl-C). Its files are in ${folder}; the next demo makes them anew.`,
    );
    await stopped();
    output.say('stopping');
  } finally {
    await waybook.close();
  }
}

/**
 * Removes what an earlier demo left, and nothing else. In the demo's `own` folder that may be one broken off before its first
 * event.
 * @throws CommandFailure where the folder holds a ledger that is no demo of ours, or a demo that is being served
 */
async function clear(folder: string, config: Config, own: boolean): Promise<void> {
  const kept = (what: string, cause?: unknown): CommandFailure =>
    new CommandFailure(
      `${folder} ${what}; nothing was removed. --data gives the demo another folder`,
      EXIT.failed,
      cause,
    );
  if (!DEMO_FILES.some((file) => existsSync(join(folder, file)))) return;
  let origin: string = DEMO_LEDGER.origin;
  try {
    // Opened for writing: a ledger that is being served is locked.
    const store = await openWriter(config.eventStore, { mustExist: true });
    try {
      ({ origin } = await readIdentity(store));
    } finally {
      await store.close();
    }
  } catch (error) {
    if (error instanceof EventStoreError && error.code === 'store-locked')
      throw kept('holds a ledger that is being served', error);
    const unborn = error instanceof LedgerError && error.code === 'not-initialised' && own;
    if (!unborn && (error instanceof EventStoreError || error instanceof LedgerError))
      throw kept(`holds files that are no demo's (${error.message})`, error);
    if (!unborn) throw error;
  }
  if (origin !== DEMO_LEDGER.origin) throw kept(`holds the ledger ${origin}, which is not the demo`);
  for (const file of DEMO_FILES) await rm(join(folder, file), { force: true });
}

/** On the usual port; where somebody has that, on any free one. */
async function started(
  port: number,
  start: () => Promise<Waybook>,
  elsewhere: () => Promise<Waybook>,
  output: Output,
): Promise<Waybook> {
  try {
    return await start();
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error;
    output.say(`Port ${port} is taken; using a free one.`);
    return elsewhere();
  }
}

async function play(waybook: Waybook, output: Output): Promise<Record<string, unknown>> {
  const portfolio = generatePortfolio();
  output.say(`Feeding ${describePortfolio(portfolio)} through the HTTP API, day by day.`);
  const bar = progress('feeding', portfolio.sendings.length, output.json);
  const fed = await feedPortfolio(waybook.url, portfolio, ({ sent, day }) => bar.update(sent, day)).finally(() =>
    bar.stop(),
  );
  output.say(describeFeed(fed));
  const after = { after: fed.position };
  const answers: { readonly question: string; readonly paths: readonly string[]; readonly lines: readonly string[] }[] =
    [];
  for (const asking of QUESTIONS) {
    const { question, paths } = asking;
    const lines = await asking.ask(waybook.url, after);
    const asked = paths.map((path) => `  ${waybook.url}${path}`).join('\n');
    output.say(`\n${question}\n${asked}\n\n${lines.join('\n')}`);
    answers.push({ question, paths, lines });
  }
  if (fed.recorded + fed.duplicate !== portfolio.sendings.length)
    throw new CommandFailure('not every event of the portfolio is in the ledger', EXIT.failed);
  return { fed, answers };
}
