/**
 * Builds copies from nothing, contract by contract instead of event by event: each contract is folded once from its stream,
 * each of its rows is written once, in the order of the key, and nothing of a contract waits for the next one. Until the
 * last contract is written the rows are of no one position; the copies carry a claim instead of a checkpoint. Contracts
 * know nothing of each other, so that several threads share the work.
 */
import { randomUUID } from 'node:crypto';
import type { EventStore, StreamExtent } from '../event-store/event-store.js';
import { Moved, writeChanges, type Change } from './batch.js';
import type { BuildClaim, Checkpoint, CopyId } from './checkpoint.js';
import { claimCopies, holdsClaim, releaseClaim } from './copies.js';
import type { ContractModel } from '../contract/model.js';
import { contractOf, streamOf, type FoldRules } from './decoding.js';
import { checkpointOf } from './feed.js';
import { foldHistory } from './history.js';
import type { OwnCopy } from './lane.js';
import type { ModelCache } from './model-cache.js';
import type { ReadModelWriter } from './read-model-writer.js';
import { changesOf, RowBuffer } from './row-buffer.js';

/** What whoever works on a build has to do with. */
export interface ShareOptions {
  readonly store: EventStore;
  readonly writer: ReadModelWriter;
  readonly rules: FoldRules;
  readonly copies: readonly OwnCopy[];
  readonly claim: BuildClaim;
  /** Looked at between pages: whether to break off. */
  readonly signal: AbortSignal;
  /** Takes the facts that were folded, for the events to come. */
  readonly cache?: ModelCache;
  /** Told after each transaction how many events more are in the rows. */
  readonly written: (events: number) => void;
}

/** Somebody who takes contracts on. */
export interface Share {
  /** Folds contracts, and writes their rows when there are enough. @throws Stopped, Moved */
  take(extents: readonly StreamExtent[]): Promise<void>;
  /** Writes what is left. @throws Moved */
  finish(): Promise<void>;
  /** Ends whatever it is doing; nothing is written once this has resolved. */
  close(): Promise<void>;
}

export interface BuildOptions extends Omit<ShareOptions, 'claim' | 'written' | 'cache'> {
  readonly cache: ModelCache;
  /** Told after each transaction how many events are in the rows. */
  readonly written: (events: number) => void;
  /** Starts what helps, where there is any. */
  readonly help: (
    copies: readonly CopyId[],
    claim: BuildClaim,
    written: (events: number) => void,
  ) => Promise<readonly Share[]>;
}

/** Rows, and characters of the data of their events, that go into one transaction, about. */
const BATCH_ROWS = 10_000;
const BATCH_CHARACTERS = 8 * 1024 * 1024;

/**
 * A contract with more events than these, or with more data than goes into one transaction, is looked through for
 * corrections first, so that its rows can be written while it is folded. Of others all rows are held until it is known that
 * there are none.
 */
const LONG_EVENTS = 5_000;

/** Events that are taken on at once. */
const CHUNK_EVENTS = 4_000;

/** What keeps a helper busy while the next chunk is on its way to it. */
const CHUNKS_AHEAD = 2;

/** Thrown to leave a build in the middle. */
export class Stopped extends Error {
  override readonly name = 'Stopped';
}

/** Thrown to begin again with a contract that has turned out to be long. */
class Long extends Error {}

/** Where several processes share a database, who writes a projection leads it. */
const isLed = (writer: ReadModelWriter): boolean => writer.shared !== undefined;

/**
 * Empties copies that stand before the first event, whatever an interrupted build has left in them.
 * @throws Moved where one of them does not stand there; ReadModelError `read-model-unavailable` where another process
 * is building one of them
 */
export async function claimFor(writer: ReadModelWriter, copies: readonly OwnCopy[], by?: BuildClaim): Promise<void> {
  const tables = copies.map(({ id, projection }) => ({ ...id, tables: projection.tables }));
  await writer.transaction(async ({ db }) => {
    if (!(await claimCopies(db, tables, by, isLed(writer)))) throw new Moved();
  });
}

/**
 * @returns the event that the rows show, the last one there was when it began; `undefined` where it was stopped, or the
 * store cannot list its streams
 * @throws Moved where another process has taken the copies over; whatever reading, folding and writing throw
 */
export async function build(options: BuildOptions): Promise<Checkpoint | undefined> {
  const { store, writer, copies, help, written } = options;
  const last = await lastEvent(store);
  if (store.streams === undefined || last === undefined) return undefined;
  const claim: BuildClaim = { eventId: randomUUID(), position: undefined, stream: undefined, revision: undefined };
  await claimFor(writer, copies, claim);
  const ids = copies.map(({ id }) => id);
  let events = 0;
  const more = (count: number): void => written((events += count));
  /** Whoever fails first, or whoever stops it, has all of them leave off. */
  const over = new AbortController();
  const signal = AbortSignal.any([options.signal, over.signal]);
  const own = openShare({ ...options, signal, claim, written: more });
  const helpers: Share[] = [];
  const closeHelpers = (): Promise<unknown> => Promise.all(helpers.map((helper) => helper.close()));
  signal.addEventListener('abort', () => void closeHelpers(), { once: true });
  const chunks = chunksOf(store.streams(streamOf(''), last.position));
  const together = async (of: readonly Share[], work: (share: Share) => Promise<void>): Promise<void> => {
    const worked = of.map((share) =>
      work(share).catch((error: unknown) => {
        if (!signal.aborted) over.abort(error);
      }),
    );
    await Promise.all(worked);
    if (options.signal.aborted) throw new Stopped();
    over.signal.throwIfAborted();
  };
  try {
    helpers.push(...(await help(ids, claim, more)));
    const busy = [own, ...helpers.flatMap((helper) => Array<Share>(CHUNKS_AHEAD).fill(helper))];
    await together(busy, async (share) => {
      for (;;) {
        const { value: chunk } = await chunks.next();
        if (chunk === undefined || signal.aborted) return;
        await share.take(chunk);
      }
    });
    await together([own, ...helpers], (share) => share.finish());
    await writer.transaction(async (transaction) => {
      if (!(await transaction.moveCheckpoints(ids, claim, last))) throw new Moved();
    });
    return last;
  } catch (error) {
    await Promise.all([own.close(), closeHelpers()]);
    // Where that cannot be said either, others wait until the claim is old.
    await writer.transaction(({ db }) => releaseClaim(db, ids, claim)).catch(() => undefined);
    if (error instanceof Stopped) return undefined;
    throw error;
  } finally {
    await closeHelpers();
  }
}

export function openShare(options: ShareOptions): Share {
  const { store, writer, rules, copies, claim, cache, signal } = options;
  const ids = copies.map(({ id }) => id);
  let rows = emptyBuffers(copies);
  /** Whether rows of the contract at hand have been written, so that the same keys may come again. */
  let isBegun = false;
  let characters = 0;
  let folded = 0;
  // While the database writes, the next contracts are folded.
  let writing: Promise<void> = Promise.resolve();

  const write = async (changes: readonly Change[], events: number, isNew: boolean): Promise<void> => {
    await writer.transaction(async (transaction) => {
      if (!(await holdsClaim(transaction.db, ids, claim, isLed(writer)))) throw new Moved();
      // What a build removes it has not written before: nothing of it is there.
      if (isNew)
        for (const {
          copy,
          table,
          rows: { puts },
        } of changes)
          await transaction.add(copy, table, puts);
      else await writeChanges(transaction, changes);
    });
    options.written(events);
  };
  const flush = async (): Promise<void> => {
    await writing;
    writing = write(changesOf(rows), folded, !isBegun);
    // It is awaited before the next one, or at the end.
    writing.catch(() => undefined);
    rows = emptyBuffers(copies);
    characters = 0;
    folded = 0;
  };
  const isFull = (): boolean => {
    let size = 0;
    for (const buffer of rows.values()) size += buffer.size;
    return size >= BATCH_ROWS || characters >= BATCH_CHARACTERS;
  };
  const forget = (contract: string): void => {
    for (const buffer of rows.values()) buffer.forget(contract);
  };
  const fold = async ({ stream, revision }: StreamExtent, isLong: boolean): Promise<ContractModel> => {
    const contract = contractOf(stream)!;
    let own = 0;
    const { model, count } = await foldHistory(
      store,
      contract,
      rules,
      { upTo: revision, corrected: isLong },
      {
        page: async (facts, events) => {
          if (signal.aborted) throw new Stopped();
          const touched = facts.takeTouched();
          for (const [{ projection }, buffer] of rows) projection.evolve(facts, touched, buffer);
          for (const { dataText } of events) own += dataText.length;
          if (!isLong && own >= BATCH_CHARACTERS) throw new Long();
          if (!isLong) return;
          folded += events.length;
          characters += own;
          own = 0;
          if (!isFull()) return;
          await flush();
          isBegun = true;
        },
        again: () => forget(contract),
      },
    );
    if (!isLong) folded += count;
    characters += own;
    return model;
  };
  const foldWhole = async (extent: StreamExtent): Promise<ContractModel> => {
    if (extent.revision >= LONG_EVENTS) return fold(extent, true);
    try {
      return await fold(extent, false);
    } catch (error) {
      if (!(error instanceof Long)) throw error;
      forget(contractOf(extent.stream)!);
      return fold(extent, true);
    }
  };
  return {
    take: async (extents) => {
      for (const extent of extents) {
        const model = await foldWhole(extent);
        cache?.put(model.contract, extent.revision, model);
        if (!isBegun && !isFull()) continue;
        await flush();
        isBegun = false;
      }
    },
    finish: async () => {
      await flush();
      await writing;
    },
    close: () => writing.catch(() => undefined),
  };
}

/** Streams, a number of events at once, about. */
async function* chunksOf(
  pages: AsyncIterable<readonly StreamExtent[]>,
): AsyncGenerator<readonly StreamExtent[], undefined> {
  let chunk: StreamExtent[] = [];
  let events = 0;
  for await (const page of pages)
    for (const extent of page) {
      chunk.push(extent);
      events += Number(extent.revision) + 1;
      if (events < CHUNK_EVENTS) continue;
      yield chunk;
      chunk = [];
      events = 0;
    }
  if (chunk.length > 0) yield chunk;
  return undefined;
}

const emptyBuffers = (copies: readonly OwnCopy[]): ReadonlyMap<OwnCopy, RowBuffer> =>
  new Map(copies.map((copy) => [copy, new RowBuffer()]));

async function lastEvent(store: EventStore): Promise<Checkpoint | undefined> {
  for await (const page of store.readAll(undefined, 1, 'backwards')) return checkpointOf(page[0]!);
  return undefined;
}
