/**
 * The projector in a thread of its own, so that projecting never holds up the thread that answers requests. This is the
 * side that asks; the other one is `src/projector-worker.ts`, which opens store and read model by itself.
 */
import { Worker } from 'node:worker_threads';
import { ReadModelError } from './errors.js';
import { StatusBoard, type ProjectionStatus, type ProjectorControl, type RebuildProgress } from './status.js';
import {
  ThreadError,
  type ErrorAsData,
  type FromProjector,
  type ProjectorThreadData,
  type ToProjector,
} from './threads.js';

export interface ProjectorHostOptions extends ProjectorThreadData {
  /** The compiled worker. */
  readonly worker: URL;
  /** Told what is for the log: also when the thread has ended by itself, and why, which the status forgets with the next one. */
  readonly warn: (line: string) => void;
}

export interface ProjectorHost extends ProjectorControl {
  /** Something has been committed: for stores that cannot push to another thread. Cheap, however often it is called. */
  poke(): void;
}

/** How long the thread may take to finish its transactions before it is ended. */
const CLOSE_MS = 15_000;
/** Events and rows live for one batch: with room for that, few of them are copied by the garbage collector. */
const YOUNG_MB = 32;
/**
 * The first commit after a pause is told of at once, and so is one that somebody waits to read; while they follow each
 * other closely, so often. Each telling wakes the thread, and each waking is a transaction of its own: told of every
 * commit, it would write the rows of a contract again for each of its events.
 */
const POKE_EVERY_MS = 250;
/** How long to wait before a thread that ended by itself is started again. */
const RESTART_MS = 1_000;

interface Request {
  readonly onProgress: ((progress: RebuildProgress) => void) | undefined;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/**
 * Starts the thread. Resolves when it has opened everything, so that queries find the tables.
 * @throws ThreadError with the code of the EventStoreError or ReadModelError that kept it from starting
 */
export async function startProjectorHost(options: ProjectorHostOptions): Promise<ProjectorHost> {
  const host = new Host(options);
  await host.start();
  return host;
}

class Host implements ProjectorHost {
  readonly #options: ProjectorHostOptions;
  readonly #board = new StatusBoard();
  readonly #requests = new Map<number, Request>();
  #nextId = 1;
  #worker: Worker | undefined;
  #exited: Promise<void> = Promise.resolve();
  #restart: NodeJS.Timeout | undefined;
  #pokeIsDue = false;
  #pokedMs = 0;
  #closed = false;

  constructor(options: ProjectorHostOptions) {
    this.#options = options;
  }

  start(): Promise<void> {
    const { worker: url, eventStore, readModel } = this.#options;
    const workerData: ProjectorThreadData = { eventStore, readModel };
    const worker = new Worker(url, { workerData, resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB } });
    this.#worker = worker;
    let why: Error | undefined;
    this.#exited = new Promise((resolve) => {
      worker.once('exit', () => {
        this.#gone(worker, why);
        resolve();
      });
    });
    return new Promise((resolve, reject) => {
      worker.on('message', (message: FromProjector) => {
        if (message.kind === 'started') resolve();
        else if (message.kind === 'refused') {
          // It ends by itself; who asked for the start hears why and decides.
          this.#worker = undefined;
          reject(new ThreadError(message.error));
        } else this.#hear(message);
      });
      worker.once('error', (error: Error) => {
        why = error;
        reject(error);
      });
    });
  }

  status(): readonly ProjectionStatus[] {
    return this.#board.get();
  }

  waitFor(projection: string, position: bigint, timeoutMs: number): Promise<boolean> {
    if (this.#pokeIsDue) this.#pokeNow();
    return this.#board.waitFor(projection, position, timeoutMs);
  }

  rebuild(projection: string, onProgress?: (progress: RebuildProgress) => void): Promise<void> {
    if (this.#closed || this.#worker === undefined)
      return Promise.reject(new ReadModelError('projector-stopped', 'the projector is not running'));
    const id = this.#nextId;
    this.#nextId += 1;
    this.#post({ kind: 'rebuild', id, projection });
    return new Promise((resolve, reject) => {
      this.#requests.set(id, { onProgress, resolve, reject });
    });
  }

  poke(): void {
    if (this.#pokeIsDue || this.#closed) return;
    this.#pokeIsDue = true;
    const wait = this.#pokedMs + POKE_EVERY_MS - performance.now();
    const send = (): void => {
      if (this.#pokeIsDue) this.#pokeNow();
    };
    // Commits come many at a time; one message a turn of the event loop says as much.
    if (wait <= 0) setImmediate(send);
    else setTimeout(send, wait).unref();
  }

  #pokeNow(): void {
    this.#pokeIsDue = false;
    this.#pokedMs = performance.now();
    if (!this.#closed) this.#post({ kind: 'poke' });
  }

  async close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      clearTimeout(this.#restart);
      this.#post({ kind: 'close' });
      this.#board.close();
    }
    const worker = this.#worker;
    const timer = setTimeout(() => void worker?.terminate(), CLOSE_MS);
    await this.#exited;
    clearTimeout(timer);
  }

  #post(message: ToProjector): void {
    this.#worker?.postMessage(message);
  }

  #hear(message: Exclude<FromProjector, { kind: 'started' | 'refused' }>): void {
    switch (message.kind) {
      case 'status':
        this.#board.set(message.statuses);
        break;
      case 'warning':
        this.#options.warn(message.line);
        break;
      case 'progress':
        this.#requests.get(message.id)?.onProgress?.(message.progress);
        break;
      case 'rebuilt':
        this.#answer(message.id, message.error);
        break;
    }
  }

  #answer(id: number, error: ErrorAsData | undefined): void {
    const request = this.#requests.get(id);
    this.#requests.delete(id);
    if (error === undefined) request?.resolve();
    else request?.reject(new ThreadError(error));
  }

  #gone(worker: Worker, why: Error | undefined): void {
    const stopped = new ReadModelError('projector-stopped', 'the thread of the projector has ended', why);
    for (const { reject } of this.#requests.values()) reject(stopped);
    this.#requests.clear();
    if (this.#closed || this.#worker !== worker) return;
    this.#worker = undefined;
    const error = { code: 'projector-stopped', detail: why?.message ?? stopped.message } as const;
    this.#options.warn(`the thread of the projector has ended and is started again: ${error.detail}`);
    this.#board.set(this.#board.get().map((status) => ({ ...status, state: 'catching-up', error })));
    this.#scheduleRestart();
  }

  #scheduleRestart(): void {
    this.#restart = setTimeout(() => {
      this.start().catch(() => {
        // One that fails is told of in the status as it ends; one that is refused has to be tried again from here.
        if (!this.#closed && this.#worker === undefined) this.#scheduleRestart();
      });
    }, RESTART_MS).unref();
  }
}
