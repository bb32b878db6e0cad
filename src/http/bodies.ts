/** How bodies arrive: as the bytes that were sent, within a limit and a time, or as a stream. */
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { CLOUDEVENT, CLOUDEVENTS_BATCH, JSON_TYPE, NDJSON } from './media-types.js';
import { Problem } from './problem.js';

const MAX_EVENT_BYTES = 1024 * 1024;
const MAX_BATCH_BYTES = 16 * 1024 * 1024;
/** A body that is too large is still read, and thrown away, up to here: closing while it comes would hide the answer. */
const MAX_DRAINED_BYTES = 64 * 1024 * 1024;
/** A body that is kept whole must have arrived by then. */
const BODY_DEADLINE_MS = 60_000;

type Done = (error: Error | null, body?: Buffer | IncomingMessage) => void;

/** Replaces Fastify's parsers: nothing is parsed before the controllers, and no type but these is taken. */
export function takeBodies(instance: FastifyInstance): void {
  instance.removeAllContentTypeParsers();
  instance.addContentTypeParser([JSON_TYPE, CLOUDEVENT], collector(MAX_EVENT_BYTES));
  instance.addContentTypeParser(CLOUDEVENTS_BATCH, collector(MAX_BATCH_BYTES));
  instance.addContentTypeParser(NDJSON, (request: FastifyRequest, payload: IncomingMessage, done: Done) => {
    done(encodingProblem(request), payload);
  });
}

/** Fastify's own collecting has no deadline, and closes the connection in the middle of a body that is too large. */
function collector(limit: number) {
  return (request: FastifyRequest, payload: IncomingMessage, done: Done): void => {
    const wrong = encodingProblem(request);
    if (wrong !== null) {
      done(wrong);
      return;
    }
    const chunks: Buffer[] = [];
    let bytes = 0;
    const onData = (chunk: Buffer): void => {
      bytes += chunk.length;
      if (bytes <= limit) chunks.push(chunk);
      else if (bytes > MAX_DRAINED_BYTES) finish(tooLarge(limit));
      else chunks.length = 0;
    };
    const onEnd = (): void => {
      if (bytes > limit) finish(tooLarge(limit));
      else finish(null, chunks.length === 1 ? chunks[0] : Buffer.concat(chunks, bytes));
    };
    // Stays: an error after the end goes nowhere, and would end the process were nobody listening.
    payload.on('error', (cause) => finish(new Problem('bad-request', 'the body broke off', [], { cause })));
    const deadline = setTimeout(() => finish(tooSlow()), BODY_DEADLINE_MS);
    let finished = false;
    const finish = (error: Error | null, body?: Buffer): void => {
      if (finished) return;
      finished = true;
      clearTimeout(deadline);
      payload.off('data', onData).off('end', onEnd);
      done(error, body);
    };
    payload.on('data', onData).on('end', onEnd);
  };
}

const tooSlow = (): Problem =>
  new Problem('request-timeout', `the body must have arrived within ${BODY_DEADLINE_MS / 1_000} seconds`);

const tooLarge = (limit: number): Problem =>
  new Problem('body-too-large', `a body of this type is at most ${limit} bytes`, [
    { pointer: '', detail: `must be at most ${limit} bytes` },
  ]);

/** Compressed bodies are not taken: a small one could be the start of a very large one. */
function encodingProblem(request: FastifyRequest): Problem | null {
  const encoding = request.headers['content-encoding'];
  if (encoding === undefined || encoding.toLowerCase() === 'identity') return null;
  return new Problem('unsupported-media-type', 'bodies are taken as they are, without a content encoding', [
    { pointer: 'Content-Encoding:', detail: 'must be left out' },
  ]);
}
