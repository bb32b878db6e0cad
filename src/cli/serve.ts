/** `waybook serve`: runs the ledger until it is told to stop. */
import type { Config } from '../config.js';
import { startWaybook, type Waybook } from '../waybook.js';
import type { Output } from './output.js';

/** Resolves when the process has been told to stop, and everything is closed. */
export async function serveUntilStopped(config: Config, output: Output): Promise<void> {
  const waybook = await startWaybook(config);
  introduce(waybook, output);
  await stopped();
  output.say('stopping');
  await waybook.close();
}

export function introduce(waybook: Waybook, output: Output): void {
  const { identity, url, config } = waybook;
  output.say(`Waybook ledger ${identity.origin} at ${url}`);
  if (identity.clock === 'stepped')
    output.say('  a DEMONSTRATION: its clock is moved by hand, and its records prove nothing about any time');
  output.say(
    config.insecureAllowRemote
      ? '  INSECURE: reachable from elsewhere, and callers are not identified: anyone may write in any party’s name'
      : '  for this machine alone: callers are not identified yet, and a report is taken to be from the party in its `source`',
  );
  output.say(`  API: ${url}/docs   health: ${url}/health`);
}

/** SIGINT or SIGTERM. A second one ends the process at once. */
export function stopped(): Promise<void> {
  return new Promise((resolve) => {
    const stop = (): void => {
      process.once('SIGINT', () => process.exit(130));
      process.once('SIGTERM', () => process.exit(143));
      resolve();
    };
    process.once('SIGINT', stop);
    process.once('SIGTERM', stop);
  });
}
