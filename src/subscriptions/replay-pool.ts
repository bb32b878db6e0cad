/**
 * Replays and sums in threads of their own: folding a long contract, or adding up many, never holds up the thread that
 * answers requests. The other side is `src/replay-worker.ts`.
 */
import { Worker } from 'node:worker_threads';
import type { ExposureGroups, ExposureQuestion } from '../../projections/contract-status/exposure.js';
import type { ScorecardPage, Scorecards } from '../../projections/scorecards/queries.js';
import { ReadModelError } from './errors.js';
import type { PortfolioAnswer, PortfolioQuestion } from './portfolio.js';
import type { Answer } from './read-model.js';
import type { ReplayedRows, ReplayRequest } from './replay.js';
import { ThreadError, type FromReplayer, type ReplayJob, type ReplayThreadData, type ToReplayer } from './threads.js';

export interface ReplayPool {
  /**
   * The rows of a contract as of a time, `undefined` where it had not been registered. Waits for a thread that is free.
   * @throws ThreadError with the code of what `replayContract` threw; ReadModelError `projector-stopped`
   */
  replay(request: ReplayRequest): Promise<ReplayedRows | undefined>;
  /**
   * Contracts as they were, a part for each question; the questions are answered at the same time as far as there are
   * threads.
   * @throws ThreadError with the code of what `portfolioAnswer` threw; ReadModelError `projector-stopped`
   */
  portfolio(questions: readonly PortfolioQuestion[]): Promise<readonly PortfolioAnswer[]>;
  /** Sums over all contracts as they are. Errors as of {@link portfolio}. */
  exposure(question: ExposureQuestion): Promise<Answer<ExposureGroups>>;
  /** A page of parties as they are. Errors as of {@link portfolio}. */
  scorecards(page: ScorecardPage): Promise<Answer<Scorecards>>;
  /** Lets replays under way finish. May be called twice. */
  close(): Promise<void>;
}

export interface ReplayPoolOptions extends ReplayThreadData {
  /** The compiled worker. */
  readonly worker: URL;
  /** How many threads; each is started when it is first needed. Default 2. */
  readonly threads?: number;
}

/** Facts of a contract live until its rows are made: with room for many, few of them are copied by the garbage collector. */
const YOUNG_MB = 32;

type Done = Extract<FromReplayer, { readonly kind: 'done' }>['result'];

interface Job {
  readonly message: ReplayJob;
  readonly resolve: (result: Done) => void;
  readonly reject: (error: Error) => void;
}

export const startReplayPool = (options: ReplayPoolOptions): ReplayPool => new Pool(options);

class Pool implements ReplayPool {
  readonly #options: ReplayPoolOptions;
  readonly #waiting: Job[] = [];
  readonly #threads = new Set<Thread>();
  #closed = false;

  constructor(options: ReplayPoolOptions) {
    this.#options = options;
  }

  async replay(request: ReplayRequest): Promise<ReplayedRows | undefined> {
    return (await this.#do({ kind: 'replay', request })) as ReplayedRows | undefined;
  }

  async portfolio(questions: readonly PortfolioQuestion[]): Promise<readonly PortfolioAnswer[]> {
    const parts = await Promise.all(questions.map((question) => this.#do({ kind: 'portfolio', question })));
    return parts as PortfolioAnswer[];
  }

  async exposure(question: ExposureQuestion): Promise<Answer<ExposureGroups>> {
    return (await this.#do({ kind: 'exposure', question })) as Answer<ExposureGroups>;
  }

  async scorecards(page: ScorecardPage): Promise<Answer<Scorecards>> {
    return (await this.#do({ kind: 'scorecards', page })) as Answer<Scorecards>;
  }

  #do(message: ReplayJob): Promise<Done> {
    if (this.#closed) return Promise.reject(stopped());
    return new Promise((resolve, reject) => {
      this.#waiting.push({ message, resolve, reject });
      this.#assign();
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const { reject } of this.#waiting.splice(0)) reject(stopped());
    await Promise.all([...this.#threads].map((thread) => thread.close()));
  }

  #assign(): void {
    while (this.#waiting.length > 0) {
      const thread = [...this.#threads].find(({ isFree }) => isFree) ?? this.#startThread();
      if (thread === undefined) return;
      thread.take(this.#waiting.shift()!);
    }
  }

  #startThread(): Thread | undefined {
    const { worker, eventStore, readModel, threads = 2 } = this.#options;
    if (this.#threads.size >= threads) return undefined;
    const thread: Thread = new Thread(
      worker,
      { eventStore, readModel },
      {
        free: () => this.#assign(),
        gone: () => {
          this.#threads.delete(thread);
          this.#assign();
        },
      },
    );
    this.#threads.add(thread);
    return thread;
  }
}

class Thread {
  readonly #worker: Worker;
  readonly #exited: Promise<void>;
  readonly #free: () => void;
  #job: Job | undefined;
  #closing = false;

  constructor(
    url: URL,
    workerData: ReplayThreadData,
    events: { readonly free: () => void; readonly gone: () => void },
  ) {
    this.#worker = new Worker(url, { workerData, resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB } });
    this.#free = events.free;
    let why: Error | undefined;
    this.#worker.on('message', (message: FromReplayer) => this.#answer(message));
    this.#worker.once('error', (error: Error) => {
      why = error;
    });
    this.#exited = new Promise((resolve) => {
      this.#worker.once('exit', () => {
        this.#job?.reject(stopped(why));
        this.#job = undefined;
        this.#closing = true;
        events.gone();
        resolve();
      });
    });
  }

  get isFree(): boolean {
    return this.#job === undefined && !this.#closing;
  }

  take(job: Job): void {
    this.#job = job;
    this.#post(job.message);
  }

  async close(): Promise<void> {
    if (!this.#closing && this.#job === undefined) this.#post({ kind: 'close' });
    this.#closing = true;
    await this.#exited;
  }

  #post(message: ToReplayer): void {
    this.#worker.postMessage(message, []);
  }

  #answer(message: FromReplayer): void {
    const job = this.#job;
    this.#job = undefined;
    switch (message.kind) {
      case 'done':
        job?.resolve(message.result);
        break;
      case 'failed':
        job?.reject(new ThreadError(message.error));
        break;
    }
    if (this.#closing) this.#post({ kind: 'close' });
    else this.#free();
  }
}

const stopped = (cause?: Error): ReadModelError =>
  new ReadModelError(
    'projector-stopped',
    `the replay was stopped${cause === undefined ? '' : `: ${cause.message}`}`,
    cause,
  );
