/** Threads that share in a build. The other side is `src/build-worker.ts`. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { EventStoreError, type StreamExtent } from '../event-store/event-store.js';
import { Moved } from './batch.js';
import { Stopped, type BuildOptions, type Share } from './build.js';
import { ReadModelError } from './errors.js';
import { ThreadError, type BuildThreadData, type ErrorAsData, type FromBuilder, type ToBuilder } from './threads.js';

export interface BuildHelpersOptions extends Pick<BuildThreadData, 'eventStore' | 'readModel'> {
  /** The compiled worker. */
  readonly worker: URL;
  /** How many; one for each core but the one of who asks, where it is left out. */
  readonly threads?: number;
}

/** Rows live until their batch is written: with room for that, few of them are copied by the garbage collector. */
const YOUNG_MB = 32;

/** More than these have to wait for each other to write. */
const MOST_HELPERS = 3;

export function buildHelpers(options: BuildHelpersOptions): BuildOptions['help'] {
  const { worker: url, eventStore, readModel } = options;
  const count = options.threads ?? Math.min(availableParallelism() - 1, MOST_HELPERS);
  return (copies, claim, written) => {
    const workerData: BuildThreadData = { eventStore, readModel, copies, claim };
    const start = (): Share => {
      const worker = new Worker(url, { workerData, resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB } });
      return new Thread(worker, written);
    };
    const helpers: Share[] = [];
    try {
      while (helpers.length < count) helpers.push(start());
      return Promise.resolve(helpers);
    } catch (error) {
      // One that cannot be started has those end that have been.
      return Promise.all(helpers.map((helper) => helper.close())).then(() => Promise.reject(error as Error));
    }
  };
}

interface Job {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

class Thread implements Share {
  readonly #worker: Worker;
  /** Answered in the order they were sent. */
  readonly #jobs: Job[] = [];
  readonly #exited: Promise<void>;
  #gone: Error | undefined;

  constructor(worker: Worker, written: (events: number) => void) {
    this.#worker = worker;
    let why: Error | undefined;
    worker.once('error', (error: Error) => {
      why = error;
    });
    worker.on('message', (message: FromBuilder) => {
      switch (message.kind) {
        case 'written':
          written(message.events);
          break;
        case 'done':
          this.#jobs.shift()?.resolve();
          break;
        case 'failed':
          this.#jobs.shift()?.reject(asThrown(message.error));
          break;
      }
    });
    this.#exited = new Promise((resolve) => {
      worker.once('exit', () => {
        this.#gone = why ?? new Error('a thread that helped to build has ended');
        for (const { reject } of this.#jobs.splice(0)) reject(this.#gone);
        resolve();
      });
    });
  }

  take(extents: readonly StreamExtent[]): Promise<void> {
    return this.#ask({ kind: 'take', extents });
  }

  finish(): Promise<void> {
    return this.#ask({ kind: 'finish' });
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
    await this.#exited;
  }

  #ask(message: ToBuilder): Promise<void> {
    if (this.#gone !== undefined) return Promise.reject(this.#gone);
    return new Promise((resolve, reject) => {
      this.#jobs.push({ resolve, reject });
      this.#worker.postMessage(message);
    });
  }
}

/** The error as this thread would have thrown it, where it matters what kind it is. */
function asThrown(error: ErrorAsData): Error {
  if (error.name === 'Moved') return new Moved();
  if (error.name === 'Stopped') return new Stopped();
  const { code, message } = error;
  if (code === 'read-model-unavailable') return new ReadModelError(code, message);
  if (code === 'store-unavailable' || code === 'store-closed') return new EventStoreError(code, message);
  return new ThreadError(error);
}
