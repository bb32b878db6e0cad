/** What the reading controllers share: the present from the read model, the past by replay, and what is said of both. */
import { Inject, Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type {
  ExposureGroups,
  ExposureQuestion,
  Group,
  Grouping,
} from '../../../projections/contract-status/exposure.js';
import type { Placed } from '../../../projections/contract-status/past.js';
import { STATUSES, type ContractFilters, type ContractPage } from '../../../projections/contract-status/queries.js';
import { portfolioFacts } from '../../../projections/portfolio-facts/portfolio-facts.js';
import type { Change, ChangesPage } from '../../../projections/schedule/changes.js';
import type { ScorecardFilters, ScorecardPage, Scorecards } from '../../../projections/scorecards/queries.js';
import type { ContractRows, Projection, Row, Snapshot } from '../../../projections/projection.js';
import { dayOf } from '../../contract/calendar.js';
import type { Answer } from '../../subscriptions/read-model.js';
import { Limits, callerOf } from '../limits.js';
import { PARTS, type HttpParts } from '../ports.js';
import { Problem } from '../problem.js';
import {
  asOfParameter,
  choiceParameter,
  dayParameter,
  flagParameter,
  textParameter,
  type AsOf,
  type Query,
} from '../query.js';

export const READING = Symbol('the parts that reading needs');

/** Two questions about time: what was known, and which day is asked about. */
export interface PastQuestion {
  readonly contract: string;
  /** `undefined`: all that is recorded by now. */
  readonly asOf: AsOf | undefined;
  /** `undefined`: the day of `asOf`, and no event is left out. */
  readonly on: string | undefined;
  /** Name of the projection whose rows are asked for. */
  readonly projection: string;
}

export interface Past {
  /** Rows of the projection, as they were. */
  readonly rows: ContractRows;
  /** Of the last event of the contract that was recorded by then. */
  readonly position: bigint;
  readonly on: string;
}

/** What was, or what is about a day that is past, of all contracts. */
export interface PastPortfolioQuestion {
  readonly asOf: AsOf | undefined;
  readonly on: string | undefined;
  readonly filters: ContractFilters;
  /** A page of the list, without its day; sums; rows of scorecards; or a page of what moved dates. */
  readonly want:
    | { readonly kind: 'page'; readonly page: Omit<ContractPage, 'day'> }
    | { readonly kind: 'sums'; readonly groupBy: Grouping | undefined }
    | { readonly kind: 'scorecards'; readonly of: ScorecardFilters }
    | { readonly kind: 'changes'; readonly page: ChangesPage };
}

/** What was asked for, put together from parts that were answered each by itself; in no order. */
export interface PastPortfolio {
  /** Of a page at most one row more than it has from each part. */
  readonly page: readonly Placed[];
  readonly groups: readonly Group[];
  readonly cards: readonly Row[];
  readonly changes: readonly Change[];
  readonly position: bigint;
  readonly on: string;
}

export interface ReadingParts {
  /** Sums over all contracts as they are, off the main thread. */
  exposure(question: ExposureQuestion): Promise<Answer<ExposureGroups>>;
  /** A page of parties as they are, off the main thread. */
  scorecards(page: ScorecardPage): Promise<Answer<Scorecards>>;
  /** All contracts as they were, off the main thread. */
  portfolio(question: PastPortfolioQuestion): Promise<PastPortfolio>;
  /** One snapshot of the rows of one projection. */
  query<T>(projection: Projection, use: (snapshot: Snapshot) => Promise<T>): Promise<Answer<T>>;
  /** Replays one contract, off the main thread. `undefined` where it was not registered then. */
  replay(question: PastQuestion): Promise<Past | undefined>;
}

/** What an answer shows: as it stood where, on which day. */
export interface Shown<T> {
  readonly asOf: string;
  readonly on: string;
  readonly position: string;
  readonly result: T;
}

/** Parameters of what is asked about one contract. */
export const ONE_CONTRACT = ['asOf', 'on', 'after'];
/** Parameters that choose among contracts. */
export const CONTRACT_FILTERS = ['status', 'party', 'programme', 'q', 'overdueReports'];

/** @throws Problem `invalid-query` */
export const contractFilters = (query: Query): ContractFilters => ({
  status: choiceParameter(query, 'status', STATUSES),
  party: textParameter(query, 'party', 128),
  programme: textParameter(query, 'programme'),
  q: textParameter(query, 'q'),
  overdueReports: query.has('overdueReports') ? flagParameter(query, 'overdueReports') : undefined,
});

/** RFC 8288: the same question with the next cursor. */
export function linkNext(request: FastifyRequest, reply: FastifyReply, next: string | null): void {
  if (next === null) return;
  const url = new URL(request.url, 'http://localhost');
  url.searchParams.set('cursor', next);
  void reply.header('link', `<${url.pathname}${url.search}>; rel="next"`);
}

/** How much a page holds. */
export const PAGE = { max: 500, usual: 50 };

export const ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

/** @throws Problem `unknown-contract` */
export const unknownContract = (contract: string): Problem =>
  new Problem('unknown-contract', ID.test(contract) ? `there is no contract ${contract}` : 'there is no such contract');

@Injectable()
export class Reading {
  readonly #parts: HttpParts;
  readonly #reading: ReadingParts;
  readonly #limits: Limits;

  constructor(@Inject(PARTS) parts: HttpParts, @Inject(READING) reading: ReadingParts, @Inject(Limits) limits: Limits) {
    this.#parts = parts;
    this.#reading = reading;
    this.#limits = limits;
  }

  now(): string {
    return new Date(this.#parts.clock.now()).toISOString();
  }

  /** Waits for `after`, then asks about the present; the answer's headers say which position it shows. */
  async #present<T>(
    request: FastifyRequest,
    reply: FastifyReply,
    query: Query,
    projection: Projection,
    ask: (day: string) => Promise<Answer<T>>,
    on = dayOf(this.now()),
  ): Promise<Shown<T>> {
    await this.#limits.waitAfter(request, query, projection.name);
    const asOf = this.now();
    const { result, position } = await ask(on);
    void reply.header('waybook-position', String(position));
    return { asOf, on, position: String(position), result };
  }

  /**
   * All contracts at once: the present, and days to come, from rows of a projection; what was known at a
   * time, and what had happened by a day that is past, from dated facts.
   */
  async portfolio<T>(
    request: FastifyRequest,
    reply: FastifyReply,
    query: Query,
    question: Pick<PastPortfolioQuestion, 'filters' | 'want'>,
    projection: Projection,
    answers: {
      readonly present: (day: string) => Promise<Answer<T>>;
      readonly past: (past: PastPortfolio) => T;
    },
  ): Promise<Shown<T>> {
    const asOf = await asOfParameter(query, this.#parts);
    const on = dayParameter(query, 'on');
    const now = this.now();
    if (asOf === undefined && (on === undefined || on >= dayOf(now)))
      return this.#present(request, reply, query, projection, answers.present, on ?? dayOf(now));
    await this.#limits.waitAfter(request, query, portfolioFacts.name);
    // A position that was given by an answer is in the rows soon; what is shown then never changes.
    if (asOf?.kind === 'position') await this.#limits.waitFor(request, asOf.position, portfolioFacts.name, 'asOf');
    const past = await this.#limits.replays.run(callerOf(request), () =>
      this.#reading.portfolio({ asOf, on, ...question }),
    );
    void reply.header('waybook-position', String(past.position));
    return {
      asOf: asOfText(asOf) ?? now,
      on: past.on,
      position: String(past.position),
      result: answers.past(past),
    };
  }

  /**
   * One contract, now or in the past: `asOf` and `on` are answered by replay, everything else from the read model.
   * `view` and `load` give the same shape from rows.
   * @throws Problem `unknown-contract`
   */
  async contract<T>(
    request: FastifyRequest,
    reply: FastifyReply,
    query: Query,
    contract: string,
    projection: Projection,
    load: (snapshot: Snapshot, day: string) => Promise<T | undefined>,
    view: (rows: ContractRows, day: string) => T | undefined,
  ): Promise<Shown<T>> {
    if (!ID.test(contract)) throw unknownContract(contract);
    const asOf = await asOfParameter(query, this.#parts);
    const on = dayParameter(query, 'on');
    if (asOf === undefined && on === undefined) {
      const shown = await this.#present(request, reply, query, projection, (day) =>
        this.#reading.query(projection, (snapshot) => load(snapshot, day)),
      );
      if (shown.result === undefined) throw unknownContract(contract);
      return { ...shown, result: shown.result };
    }
    // `after` is kept as a promise also here: what was written before is in the stream by then.
    await this.#limits.waitAfter(request, query, projection.name);
    const question = { contract, asOf, on, projection: projection.name };
    const past = await this.#limits.replays.run(callerOf(request), () => this.#reading.replay(question));
    const result = past === undefined ? undefined : view(past.rows, past.on);
    if (past === undefined || result === undefined) throw unknownContract(contract);
    void reply.header('waybook-position', String(past.position));
    return { asOf: asOfText(asOf) ?? this.now(), on: past.on, position: String(past.position), result };
  }
}

const asOfText = (asOf: AsOf | undefined): string | undefined =>
  asOf === undefined ? undefined : asOf.kind === 'instant' ? asOf.instant : String(asOf.position);
