/**
 * Group commit in a thread of its own: while one group is written and synced, the thread that decides goes on, and what it
 * appends meanwhile becomes the next group. The other side is `commit-worker.ts`.
 */
import { Worker } from 'node:worker_threads';
import { EventStoreError } from '../event-store.js';
import type { AppendResult, EventStoreErrorCode, EventToAppend, ExpectedRevision } from '../event-store.js';

/**
 * Appends as they cross threads, one after the other in one flat list: stream, expected revision, number of events, and of
 * each event id, type, data and metadata. Cloned so it takes a third of what cloning objects does.
 */
export type FlatAppends = (string | bigint | number)[];

export type ToCommitter = { readonly kind: 'append'; readonly appends: FlatAppends } | { readonly kind: 'close' };

export interface ErrorAnswer {
  readonly code: EventStoreErrorCode;
  readonly message: string;
  readonly stream: string | undefined;
  readonly actual: bigint | 'no-stream' | undefined;
}

/** What became of appends, in the order in which they were sent. */
export interface FromCommitter {
  readonly answers: readonly (AppendResult | ErrorAnswer)[];
  /** The last event there is now, where this commit wrote something. */
  readonly committed: bigint | undefined;
}

/** Events live here from their message to their statement. */
const YOUNG_MB = 16;

interface Waiting {
  readonly resolve: (result: AppendResult) => void;
  readonly reject: (error: EventStoreError) => void;
}

export class CommitThread {
  readonly #path: string;
  readonly #url: URL;
  readonly #onCommitted: (position: bigint) => void;
  readonly #onLost: () => void;
  /** Started with the first append, and again after it has ended by itself. */
  #worker: Worker | undefined;
  #exited: Promise<void> = Promise.resolve();
  /** In the order in which they will be answered. */
  #waiting: Waiting[] = [];
  /** What this turn of the event loop has appended so far. */
  #next: FlatAppends = [];

  /**
   * @param path of a file whose lock this process holds
   * @param url the compiled worker
   * @param onCommitted told the position of the last event after each commit that wrote something
   * @param onLost told when the thread has ended by itself: it may have committed what it could not tell of any more
   */
  constructor(path: string, url: URL, onCommitted: (position: bigint) => void, onLost: () => void) {
    this.#path = path;
    this.#url = url;
    this.#onCommitted = onCommitted;
    this.#onLost = onLost;
  }

  /** @param events already checked */
  append(stream: string, expected: ExpectedRevision, events: readonly EventToAppend[]): Promise<AppendResult> {
    // All appends of one turn go in one message.
    if (this.#next.length === 0) setImmediate(() => this.#send());
    this.#next.push(stream, expected, events.length);
    for (const { id, type, data, metadata } of events) this.#next.push(id, type, data, metadata);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
    });
  }

  /** Resolves when all that was appended is written and answered, and the thread's connection is closed. */
  async finish(): Promise<void> {
    this.#send();
    if (this.#worker !== undefined) this.#post(this.#worker, { kind: 'close' });
    await this.#exited;
  }

  #send(): void {
    if (this.#next.length === 0) return;
    const appends = this.#next;
    this.#next = [];
    this.#post(this.#worker ?? this.#start(), { kind: 'append', appends });
  }

  #post(worker: Worker, message: ToCommitter): void {
    worker.postMessage(message, []);
  }

  #start(): Worker {
    const worker = new Worker(this.#url, {
      workerData: this.#path,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
    });
    this.#worker = worker;
    let why: Error | undefined;
    worker.once('error', (error: Error) => {
      why = error;
    });
    worker.on('message', ({ answers, committed }: FromCommitter) => {
      const answered = this.#waiting.splice(0, answers.length);
      for (const [at, { resolve, reject }] of answered.entries()) {
        const answer = answers[at]!;
        if ('code' in answer) reject(errorOf(answer));
        else resolve(answer);
      }
      if (committed !== undefined) this.#onCommitted(committed);
    });
    this.#exited = new Promise((resolve) => {
      worker.once('exit', () => {
        this.#worker = undefined;
        const message = `appending to ${this.#path}: the thread that writes has ended`;
        const error = new EventStoreError('append-outcome-unknown', message, { cause: why });
        // What waits to be sent has not been seen by that thread, but may build on what was.
        this.#next = [];
        const waiting = this.#waiting.splice(0);
        for (const { reject } of waiting) reject(error);
        if (waiting.length > 0) this.#onLost();
        resolve();
      });
    });
    return worker;
  }
}

function errorOf({ code, message, stream, actual }: ErrorAnswer): EventStoreError {
  return new EventStoreError(code, message, {
    ...(stream === undefined ? {} : { stream }),
    ...(actual === undefined ? {} : { actual }),
  });
}
