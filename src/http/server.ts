/** The HTTP server: built from open parts, listening, and closed without cutting anybody off. */
import { isIPv4, type Socket } from 'node:net';
import type { LoggerService } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { bodyTypes } from './api.js';
import { takeBodies } from './bodies.js';
import { Closing } from './closing.js';
import { HttpModule, mergedPaths, type HttpExtension } from './http.module.js';
import { Metrics } from './metrics.js';
import type { HttpParts, Log } from './ports.js';
import { Problem, problemBody } from './problem.js';
import { ProblemFilter } from './problem-filter.js';
import { RouteTable } from './route-table.js';

export interface ServerOptions {
  /** A loopback address, or `localhost`. Default 127.0.0.1. */
  readonly host?: string;
  /** 0 for any free one. */
  readonly port: number;
  /**
   * Allows an address that others can reach although no caller is identified: whoever reaches it may write in every
   * party's name. For a network that is closed by other means.
   */
  readonly insecurelyAllowAnyHost?: boolean;
  readonly extensions?: readonly HttpExtension[];
  /** How long answers under way may take to finish after the server was told to close, in milliseconds. Default 10,000. */
  readonly closeWithinMs?: number;
}

/** Thrown where the server would be reached by callers that it cannot tell apart. */
export class ServerError extends Error {
  override readonly name = 'ServerError';
  readonly code = 'not-loopback';
}

/** Headers must have arrived by then; a connection on which nothing comes is closed as well. */
const HEADERS_TIMEOUT_MS = 15_000;
const KEEP_ALIVE_MS = 65_000;
/** A connection on which nothing moves either way for so long is given up. Feeds are kept moving by heartbeats. */
const SOCKET_IDLE_MS = 10 * 60_000;
const MAX_HEADER_BYTES = 16 * 1024;
/** Ids have up to 128 characters, each of which may come as three. */
const MAX_PARAM_LENGTH = 400;
const CLOSE_WITHIN_MS = 10_000;

const SECURITY_HEADERS = {
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
} as const;

/**
 * Builds the server and listens. `await app.close()` stops taking connections, lets answers under way finish, ends those
 * that would never end by themselves, and resolves; the parts are the caller's to close after that.
 *
 * @throws ServerError `not-loopback`; the system's error where the port cannot be had (`EADDRINUSE`)
 */
export async function createServer(parts: HttpParts, options: ServerOptions): Promise<NestFastifyApplication> {
  const host = options.host ?? '127.0.0.1';
  const open = options.insecurelyAllowAnyHost === true;
  if (!open && !isLoopback(host))
    throw new ServerError(
      `refusing to listen on ${host}: callers are not identified yet, so only loopback addresses are allowed`,
    );
  const routes = new RouteTable(bodyTypes(mergedPaths(options.extensions ?? [])));
  const filter = new ProblemFilter(parts.log, routes);
  const adapter = new FastifyAdapter({
    http: { headersTimeout: HEADERS_TIMEOUT_MS, maxHeaderSize: MAX_HEADER_BYTES },
    // Bodies have deadlines of their own: a stream of lines may rightly go on for hours.
    requestTimeout: 0,
    connectionTimeout: SOCKET_IDLE_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    // Requests on connections that are still open are answered to the end; the connection is then closed.
    return503OnClosing: false,
    requestIdHeader: false,
    skipMiddie: true,
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH, ignoreTrailingSlash: true },
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) =>
      filter.answer(error, request, reply),
    clientErrorHandler: answerClientError,
  });
  const app = await NestFactory.create<NestFastifyApplication>(
    HttpModule.register(parts, options.extensions),
    adapter,
    { bodyParser: false, abortOnError: false, logger: nestLogger(parts.log) },
  );
  const fastify = app.getHttpAdapter().getInstance();
  const closing = app.get(Closing);
  const metrics = app.get(Metrics);
  routes.watch(fastify);
  takeBodies(fastify);
  app.useGlobalFilters(filter);
  fastify.addHook('onRequest', (request, reply, done) => {
    void reply.headers(SECURITY_HEADERS);
    if (closing.signal.aborted) void reply.header('connection', 'close');
    if (!open && !isLoopback(hostName(request.headers.host))) done(misdirected());
    else if (isForeign(request)) done(foreignOrigin());
    else if (!parts.health.ready() && !ALWAYS_SERVED.has(request.url)) done(new Problem('not-ready', 'starting up'));
    else done();
  });
  fastify.addHook('onResponse', (request, reply, done) => {
    metrics.answered(request.method, request.routeOptions.url ?? 'none', reply.statusCode, reply.elapsedTime / 1_000);
    done();
  });
  let sweeping: NodeJS.Timeout | undefined;
  let deadline: NodeJS.Timeout | undefined;
  fastify.addHook('preClose', (done) => {
    closing.begin();
    // A connection becomes idle when its answer is finished, and would then be kept for the next request.
    sweeping = setInterval(() => fastify.server.closeIdleConnections(), 50);
    deadline = setTimeout(() => {
      parts.log.warn('answers were still under way when the time to close was over; they were broken off');
      fastify.server.closeAllConnections();
    }, options.closeWithinMs ?? CLOSE_WITHIN_MS);
    done();
  });
  fastify.addHook('onClose', (_instance, done) => {
    clearInterval(sweeping);
    clearTimeout(deadline);
    done();
  });
  await app.listen(options.port, host);
  parts.log.info(await listeningNotice(app, open));
  return app;
}

const ALWAYS_SERVED = new Set(['/health', '/metrics']);

async function listeningNotice(app: NestFastifyApplication, open: boolean): Promise<string> {
  const url = await app.getUrl();
  return open
    ? `listening on ${url}. INSECURE: callers are not identified, and whoever reaches this address writes in any party's name`
    : `listening on ${url}, for this machine alone: callers are not identified yet`;
}

/** Whether only this machine reaches the address. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || (isIPv4(host) && host.startsWith('127.'));
}

const hostName = (header: string | undefined): string => (header ?? '').replace(/:\d*$/, '').toLowerCase();

/**
 * A page from elsewhere can make a browser ask this machine under its own name (DNS rebinding); the browser then sends
 * that name, which is how it is told.
 */
const misdirected = (): Problem =>
  new Problem('misdirected-request', 'this server answers for localhost alone', [
    { pointer: 'Host:', detail: 'must be localhost or a loopback address' },
  ]);

/**
 * Whether a page of another origin makes a browser write here. A body that needs no preflight, or none at all, would get
 * through otherwise; browsers name the origin with everything that is not a GET (Fetch standard, section 3.1).
 */
function isForeign({ method, headers }: FastifyRequest): boolean {
  if (headers.origin === undefined || method === 'GET' || method === 'HEAD') return false;
  return !URL.canParse(headers.origin) || new URL(headers.origin).host !== headers.host?.toLowerCase();
}

const foreignOrigin = (): Problem =>
  new Problem('foreign-origin', 'a page from elsewhere may not write here', [
    { pointer: 'Origin:', detail: 'must be the origin of this server, or be left out' },
  ]);

/** What is no HTTP at all, or too slow, or has headers that are too large: there is no request to answer properly. */
function answerClientError(error: Error & { readonly code?: string }, socket: Socket): void {
  if (socket.destroyed || error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const problem =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? new Problem('headers-too-large', `the headers are at most ${MAX_HEADER_BYTES} bytes`)
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? new Problem('request-timeout', 'the headers took too long to arrive')
        : new Problem('bad-request', 'this is not HTTP/1.1 as it is understood here');
  const body = JSON.stringify(problemBody(problem.code, problem.detail, problem.errors));
  socket.end(
    `HTTP/1.1 ${problem.status} ${problem.code}\r\nContent-Type: application/problem+json; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

/** Nest is heard only when something is wrong. */
function nestLogger(log: Log): LoggerService {
  const words = (message: unknown): string => (message instanceof Error ? message.message : String(message));
  const ignore = (): void => undefined;
  return {
    log: ignore,
    debug: ignore,
    verbose: ignore,
    warn: (message: unknown) => log.warn(words(message)),
    error: (message: unknown, stack: unknown) => log.error(words(message), stack),
    fatal: (message: unknown, stack: unknown) => log.error(words(message), stack),
  };
}
