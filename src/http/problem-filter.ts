import { randomUUID } from 'node:crypto';
import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { acceptedTypes } from './media-types.js';
import type { Log } from './ports.js';
import { Problem, problemBody, problemOf, RETRY_AFTER_SECONDS, type ProblemCode } from './problem.js';
import type { RouteTable } from './route-table.js';

const PROBLEM_JSON = 'application/problem+json; charset=utf-8';

/** Turns whatever is thrown, by us, by Nest or by Fastify, into a problem. Nothing else writes an error answer. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  readonly #log: Log;
  readonly #routes: RouteTable;

  constructor(log: Log, routes: RouteTable) {
    this.#log = log;
    this.#routes = routes;
  }

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    this.answer(error, http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>());
  }

  answer(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
    if (reply.sent || reply.raw.headersSent) {
      // An answer has begun: all that is left is to break it off, so that nobody takes it for whole.
      this.#log.error(`${request.method} ${request.routeOptions.url ?? ''}: failed while it was being answered`, error);
      reply.raw.destroy();
      return;
    }
    sendProblem(reply, this.#problem(error, request));
  }

  #problem(error: unknown, request: FastifyRequest): Problem {
    const known = problemOf(error) ?? this.#ofFramework(error, request);
    if (known !== undefined) {
      // That a read model is being built is no failure; `/health` says so, and every query would say it here.
      if (known.status >= 500 && known.cause !== undefined && known.code !== 'projection-building')
        this.#log.error(`${request.method} ${request.routeOptions.url ?? ''}: ${known.code}`, known.cause);
      return known;
    }
    return unexpected(error, this.#log);
  }

  /** What Nest and Fastify throw of their own: only the status is taken from it, the words are ours. */
  #ofFramework(error: unknown, request: FastifyRequest): Problem | undefined {
    const status = statusOf(error);
    const path = request.url.split('?', 1)[0] ?? '';
    if (status === undefined) return undefined;
    if (status === 404) {
      const allowed = this.#routes.methodsOf(path);
      if (allowed.length === 0) return new Problem('not-found', 'nothing is served at this address');
      return new Problem('method-not-allowed', `only ${allowed.join(', ')} is possible here`, [], {
        headers: { allow: allowed.join(', ') },
      });
    }
    if (status === 415) return unsupportedMediaType(this.#routes.acceptedBy(request.method, path) ?? [], request);
    const known = BY_STATUS[status];
    return known === undefined ? undefined : new Problem(...known);
  }
}

const BY_STATUS: Readonly<Record<number, readonly [ProblemCode, string]>> = {
  400: ['bad-request', 'the request is malformed: its address, its headers, or its length is not what it says'],
  408: ['request-timeout', 'the request took too long to arrive'],
  413: ['body-too-large', 'the body is larger than is taken here'],
  414: ['uri-too-long', 'the address is longer than is taken here'],
  431: ['headers-too-large', 'the headers are larger than is taken here'],
  503: ['shutting-down', 'the ledger is being stopped'],
};

function statusOf(error: unknown): number | undefined {
  if (error instanceof HttpException) return error.getStatus();
  if (typeof error !== 'object' || error === null || !('statusCode' in error)) return undefined;
  return typeof error.statusCode === 'number' ? error.statusCode : undefined;
}

/** The 500 of an error nobody expected: logged with an id, answered with that id and not a word of the error. */
export function unexpected(error: unknown, log: Log): Problem {
  const id = randomUUID();
  log.error(`unexpected error ${id}`, error);
  return new Problem('internal-error', `an error nobody expected; it is in the log as ${id}`, [], {
    extra: { errorId: id },
  });
}

export function unsupportedMediaType(accepted: readonly string[], request: FastifyRequest): Problem {
  const sent = request.headers['content-type'];
  const detail = `must be ${accepted.length === 0 ? 'left out' : acceptedTypes(accepted)}${sent === undefined ? '' : `, not ${sent.slice(0, 100)}`}`;
  return new Problem('unsupported-media-type', `the type of the body ${detail}`, [
    { pointer: 'Content-Type:', detail },
  ]);
}

function sendProblem(reply: FastifyReply, problem: Problem): void {
  const { code, status, detail, errors, extra, headers } = problem;
  void reply.headers(headers);
  if (status === 503 || status === 429) void reply.header('retry-after', RETRY_AFTER_SECONDS);
  void reply
    .code(status)
    .header('content-type', PROBLEM_JSON)
    .send(JSON.stringify(problemBody(code, detail, errors, extra)));
}
