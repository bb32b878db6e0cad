/** How much one caller may have going on at once. */
import { Inject, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { PARTS, type HttpParts } from './ports.js';
import { Problem } from './problem.js';
import { positionParameter, type Query } from './query.js';

const MAX_REPLAYS = 2;
export const MAX_WAITS = 8;
/** How long `after` waits for a read model. */
export const WAIT_MS = 5_000;

/** Who asks. Until callers have identities, whoever comes from one address is one caller. */
export const callerOf = (request: Pick<FastifyRequest, 'ip'>): string => request.ip;

/** Counts what each caller has going on and refuses what is over the limit; nothing is queued. */
export class Limiter {
  readonly #limit: number;
  readonly #what: string;
  readonly #running = new Map<string, number>();

  /** @param what in words and the plural, for the answer: "replays" */
  constructor(limit: number, what: string) {
    this.#limit = limit;
    this.#what = what;
  }

  /** @throws Problem `too-many-requests` without calling `work`; what `work` throws */
  async run<T>(caller: string, work: () => Promise<T>): Promise<T> {
    const running = this.#running.get(caller) ?? 0;
    if (running >= this.#limit)
      throw new Problem('too-many-requests', `a caller has at most ${this.#limit} ${this.#what} at once`);
    this.#running.set(caller, running + 1);
    try {
      return await work();
    } finally {
      const left = this.#running.get(caller)! - 1;
      if (left === 0) this.#running.delete(caller);
      else this.#running.set(caller, left);
    }
  }
}

/** The limits that the reading controllers share. */
@Injectable()
export class Limits {
  readonly replays = new Limiter(MAX_REPLAYS, 'replays');
  readonly #waits = new Limiter(MAX_WAITS, 'waits');
  readonly #parts: HttpParts;

  constructor(@Inject(PARTS) parts: HttpParts) {
    this.#parts = parts;
  }

  /**
   * `after`: waits until the projection has got to that position, so that a caller reads what it wrote.
   * @throws Problem `invalid-query`, `too-many-requests`, `position-not-reached` after {@link WAIT_MS}
   */
  async waitAfter(request: Pick<FastifyRequest, 'ip'>, query: Query, projection: string): Promise<void> {
    const position = positionParameter(query, 'after');
    if (position !== undefined) await this.waitFor(request, position, projection, 'after');
  }

  /**
   * Waits until the projection has got to a position, which the query parameter `name` asks for.
   * @throws Problem `too-many-requests`, `position-not-reached` after {@link WAIT_MS}
   */
  async waitFor(
    request: Pick<FastifyRequest, 'ip'>,
    position: bigint,
    projection: string,
    name: string,
  ): Promise<void> {
    const reached = await this.#waits.run(callerOf(request), () =>
      this.#parts.waiter.waitFor(projection, position, WAIT_MS),
    );
    if (reached) return;
    const detail = `${projection} has not got to position ${position} within ${WAIT_MS / 1_000} seconds`;
    throw new Problem('position-not-reached', detail, [{ pointer: `?${name}`, detail }]);
  }
}
