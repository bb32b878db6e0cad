/** `waybook rebuild [NAME]`: asks the server that holds the files, or does it here where there is none. */
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { projections } from '../../projections/index.js';
import type { Config } from '../config.js';
import { openReader } from '../open-store.js';
import { buildHelpers } from '../subscriptions/build-helpers.js';
import { Projector } from '../subscriptions/projector.js';
import { ALL, type RebuildProgress } from '../subscriptions/status.js';
import { CommandFailure, EXIT } from './exit.js';
import { progress, type Output, type Progress } from './output.js';

/** Whether a Waybook server answers there. */
export async function isServed(url: string): Promise<boolean> {
  try {
    const response = await fetch(new URL('/health', url), { signal: AbortSignal.timeout(2_000) });
    return ((await response.json()) as { origin?: unknown }).origin !== undefined;
  } catch {
    return false; // nobody is there, or somebody else
  }
}

export const urlOf = (config: Config): string =>
  `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${config.port}`;

export async function rebuildCommand(
  config: Config,
  name: string | undefined,
  url: string,
  output: Output,
): Promise<void> {
  const known = projections.map((projection) => projection.name);
  if (name !== undefined && !known.includes(name))
    throw new CommandFailure(`there is no projection ${name}; there are ${known.join(', ')}`, EXIT.usage);
  const bars = new Map<string, Progress>();
  const startedMs = performance.now();
  const report = ({ name: of, position, target }: { name: string; position: bigint; target: bigint }): void => {
    let bar = bars.get(of);
    if (bar === undefined) bars.set(of, (bar = progress(`rebuilding ${of}`, Number(target), output.json)));
    bar.update(Number(position));
  };
  const served = await isServed(url);
  try {
    if (served) await atServer(url, name, report);
    else await here(config, name ?? ALL, report);
  } finally {
    for (const bar of bars.values()) bar.stop();
  }
  const seconds = (performance.now() - startedMs) / 1_000;
  output.say(
    `rebuilt ${name ?? known.join(', ')} in ${seconds.toFixed(1)} s${served ? ` by the server at ${url}` : ''}`,
  );
  output.answer({
    rebuilt: name === undefined ? known : [name],
    seconds: Number(seconds.toFixed(3)),
    server: served ? url : null,
  });
}

async function here(config: Config, name: string, report: (progress: RebuildProgress) => void): Promise<void> {
  const { store } = await openReader(config.eventStore);
  try {
    const { eventStore, readModel } = config;
    const help = buildHelpers({ worker: new URL('../build-worker.js', import.meta.url), eventStore, readModel });
    const projector = await Projector.start({ store, readModel, projections, help, threaded: true });
    try {
      await projector.rebuild(name, report);
    } finally {
      await projector.close();
    }
  } finally {
    await store.close();
  }
}

interface RebuildLine {
  readonly progress?: { readonly name: string; readonly position: string; readonly target: string };
  readonly rebuilt?: boolean;
  readonly problem?: { readonly code: string; readonly detail: string };
}

async function atServer(
  url: string,
  name: string | undefined,
  report: (progress: { name: string; position: bigint; target: bigint }) => void,
): Promise<void> {
  const address = new URL('/rebuild', url);
  if (name !== undefined) address.searchParams.set('projection', name);
  const response = await fetch(address, { method: 'POST' });
  if (!response.ok || response.body === null)
    throw new CommandFailure(
      `the server at ${url} answered ${response.status}: ${await response.text()}`,
      EXIT.unavailable,
    );
  let last: RebuildLine = {};
  for await (const line of createInterface({ input: Readable.fromWeb(response.body as never) })) {
    if (line === '') continue;
    last = JSON.parse(line) as RebuildLine;
    if (last.progress !== undefined) {
      const { name: of, position, target } = last.progress;
      report({ name: of, position: BigInt(position), target: BigInt(target) });
    }
  }
  if (last.rebuilt !== true)
    throw new CommandFailure(`the rebuild failed: ${last.problem?.detail ?? 'the server broke off'}`);
}
