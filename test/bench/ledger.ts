/** The ledger under test: the real program in a process of its own, filled over HTTP and watched from outside. */
import { setTimeout as pause } from 'node:timers/promises';
import { call, LedgerProcess, type LedgerOptions } from '../support/ledger-process.js';
import { EventSource, registrationOf } from './events.js';
import { dealt, requestBytes, sendAll, streamLines } from './load.js';
import { peakMemory } from './machine.js';

const PIECE_LINES = 200;
const MB = 1024 * 1024;

interface Health {
  readonly store: { readonly position: string | null };
  readonly projections: readonly { readonly name: string; readonly position: string | null; readonly state: string }[];
}

/**
 * Runs `work` with a ledger of its own, which is gone afterwards.
 * @throws Error with what the server wrote to standard error, where it wrote anything; else whatever `work` throws
 */
export async function withLedger<T>(options: LedgerOptions, work: (ledger: LedgerProcess) => Promise<T>): Promise<T> {
  const ledger = await LedgerProcess.start(options);
  try {
    return await work(ledger).finally(() => {
      if (ledger.errors !== '') throw new Error(`the server complained: ${ledger.errors}`);
    });
  } finally {
    await ledger.remove();
  }
}

export async function register(url: string, contracts: readonly string[]): Promise<void> {
  const requests = contracts.map((contract) =>
    requestBytes(url, '/contracts', 'application/json', registrationOf(contract)),
  );
  await sendAll(url, dealt(requests, 8));
}

/** Pieces of a stream of lines, made while it is sent. */
export function* linePieces(source: EventSource, events: number): Generator<Buffer> {
  for (let sent = 0; sent < events; sent += PIECE_LINES) {
    let text = '';
    for (let at = sent; at < Math.min(events, sent + PIECE_LINES); at += 1) text += `${source.next()}\n`;
    yield Buffer.from(text);
  }
}

/** Registers contracts and gives them so many events, over HTTP as everything else. */
export async function fill(url: string, contracts: readonly string[], events: number): Promise<void> {
  await register(url, contracts);
  await streamLines(url, '/events', linePieces(new EventSource(contracts), events), events);
}

export const healthOf = async (url: string): Promise<Health> =>
  (await call<Health & Record<string, unknown>>(url, '/health')).body;

export interface Lag {
  readonly positions: number;
  readonly seconds: number;
}

/** How far the projections are behind now, and how long they take to catch up. */
export async function catchUp(url: string): Promise<Lag> {
  const startedMs = performance.now();
  let positions: number | undefined;
  for (;;) {
    const { store, projections } = await healthOf(url);
    const head = Number(store.position);
    const slowest = Math.min(...projections.map(({ position }) => Number(position ?? 0)));
    positions ??= head - slowest;
    if (slowest >= head) return { positions, seconds: (performance.now() - startedMs) / 1_000 };
    await pause(20);
  }
}

/** Peak memory of the ledger's process in MB. */
export const peakOf = (ledger: LedgerProcess): number | undefined => {
  const bytes = peakMemory(ledger.pid);
  return bytes === undefined ? undefined : bytes / MB;
};

/**
 * Rebuilds all projections in the server, and gives the seconds it took.
 * @throws Error where it did not succeed
 */
export async function rebuildAll(url: string): Promise<number> {
  const startedMs = performance.now();
  const response = await fetch(new URL('/rebuild', url), { method: 'POST' });
  const lines = (await response.text()).trimEnd().split('\n');
  const seconds = (performance.now() - startedMs) / 1_000;
  if (lines.at(-1) !== '{"rebuilt":true}') throw new Error(`the rebuild did not succeed: ${lines.at(-1)}`);
  return seconds;
}
