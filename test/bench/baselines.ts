/** What the figures are compared with, run beside them in the same minute on the same disk. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { Figure } from './report.js';

const BATCH = 100;

/**
 * The events as they were sent, inserted with better-sqlite3 in transactions of 100, each synced to the disk: a table
 * with a number, the contract, its revision and the text, unique by contract and revision. Nothing is checked, decided,
 * hashed or answered.
 */
export function rawInserts(events: readonly { readonly contract: string; readonly text: string }[]): Figure {
  const folder = mkdtempSync(join(tmpdir(), 'waybook-raw-'));
  try {
    const db = new Database(join(folder, 'raw.db'));
    db.pragma('journal_mode = WAL');
    db.pragma('synchronous = FULL');
    db.exec(
      'create table events (position integer primary key, contract text not null, revision integer not null, event text not null, unique (contract, revision))',
    );
    const insert = db.prepare('insert into events (contract, revision, event) values (?, ?, ?)');
    const revisions = new Map<string, number>();
    const startedMs = performance.now();
    for (let from = 0; from < events.length; from += BATCH) {
      db.exec('begin immediate');
      for (const { contract, text } of events.slice(from, from + BATCH)) {
        const revision = (revisions.get(contract) ?? -1) + 1;
        revisions.set(contract, revision);
        insert.run(contract, revision, text);
      }
      db.exec('commit');
    }
    const seconds = (performance.now() - startedMs) / 1_000;
    db.close();
    return { value: events.length / seconds, unit: 'events/s' };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** All events of a store, or of one of its streams, read as rows with better-sqlite3 and nothing done with them. */
export function rawReads(
  path: string,
  stream?: string,
): { readonly figure: Figure; readonly events: number; readonly ms: number } {
  const db = new Database(path, { readonly: true });
  try {
    const columns = 'select position, stream, revision, id, type, data, metadata from events';
    const rows =
      stream === undefined
        ? db.prepare(`${columns} order by position`).raw()
        : db.prepare(`${columns} where stream = (select key from streams where name = ?) order by revision`).raw();
    const startedMs = performance.now();
    let events = 0;
    for (const row of stream === undefined ? rows.iterate() : rows.iterate(stream)) if (row !== undefined) events += 1;
    const ms = performance.now() - startedMs;
    return { figure: { value: (events / ms) * 1_000, unit: 'events/s' }, events, ms };
  } finally {
    db.close();
  }
}

export interface PlainHandler {
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts `handler-program.ts` in a process of its own. */
export async function startPlainHandler(): Promise<PlainHandler> {
  const child = fork(new URL('./handler-program.js', import.meta.url), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const [url] = (await once(child, 'message')) as [string];
  return {
    url,
    stop: async () => {
      child.kill();
      await once(child, 'exit');
    },
  };
}
