/** What the threads of this folder say to each other. Everything is plain data that can be cloned. */
import type { ExposureGroups, ExposureQuestion } from '../../projections/contract-status/exposure.js';
import type { ScorecardPage, Scorecards } from '../../projections/scorecards/queries.js';
import type { StreamExtent } from '../event-store/event-store.js';
import type { BuildClaim, CopyId } from './checkpoint.js';
import { codeOf, messageOf } from './errors.js';
import type { PortfolioAnswer, PortfolioQuestion } from './portfolio.js';
import type { Answer } from './read-model.js';
import type { ReplayedRows, ReplayRequest } from './replay.js';
import type { ProjectionStatus, RebuildProgress } from './status.js';

export interface ErrorAsData {
  readonly name: string;
  readonly message: string;
  readonly code: string | undefined;
}

export const errorAsData = (error: unknown): ErrorAsData => ({
  name: error instanceof Error ? error.name : 'Error',
  message: messageOf(error),
  code: codeOf(error),
});

/** An error of another thread. Its `code` is the one that error had there. */
export class ThreadError extends Error {
  override readonly name: string;
  readonly code: string | undefined;

  constructor({ name, message, code }: ErrorAsData) {
    super(message);
    this.name = name;
    this.code = code;
  }
}

/** What a projector's thread is started with: URLs as the configuration has them. */
export interface ProjectorThreadData {
  readonly eventStore: string;
  readonly readModel: string;
}

export interface ReplayThreadData {
  readonly eventStore: string;
  readonly readModel: string;
}

/** What a thread that shares in a build is started with. */
export interface BuildThreadData {
  readonly eventStore: string;
  readonly readModel: string;
  readonly copies: readonly CopyId[];
  readonly claim: BuildClaim;
}

/** Done one after the other, each answered once. */
export type ToBuilder =
  { readonly kind: 'take'; readonly extents: readonly StreamExtent[] } | { readonly kind: 'finish' };

export type FromBuilder =
  /** So many events more are in the rows. */
  | { readonly kind: 'written'; readonly events: number }
  | { readonly kind: 'done' }
  | { readonly kind: 'failed'; readonly error: ErrorAsData };

export type ToProjector =
  /** Something has been committed to the event store. */
  | { readonly kind: 'poke' }
  | { readonly kind: 'rebuild'; readonly id: number; readonly projection: string }
  | { readonly kind: 'close' };

export type FromProjector =
  | { readonly kind: 'started' }
  /** It cannot start, and ends. */
  | { readonly kind: 'refused'; readonly error: ErrorAsData }
  /** For the log. */
  | { readonly kind: 'warning'; readonly line: string }
  | { readonly kind: 'status'; readonly statuses: readonly ProjectionStatus[] }
  | { readonly kind: 'progress'; readonly id: number; readonly progress: RebuildProgress }
  | { readonly kind: 'rebuilt'; readonly id: number; readonly error: ErrorAsData | undefined };

/** A replayer does one at a time, and closes after the one under way. */
export type ReplayJob =
  | { readonly kind: 'replay'; readonly request: ReplayRequest }
  | { readonly kind: 'portfolio'; readonly question: PortfolioQuestion }
  | { readonly kind: 'exposure'; readonly question: ExposureQuestion }
  | { readonly kind: 'scorecards'; readonly page: ScorecardPage };
export type ToReplayer = ReplayJob | { readonly kind: 'close' };

type ReplayResult = ReplayedRows | PortfolioAnswer | Answer<ExposureGroups> | Answer<Scorecards> | undefined;

export type FromReplayer =
  { readonly kind: 'done'; readonly result: ReplayResult } | { readonly kind: 'failed'; readonly error: ErrorAsData };
