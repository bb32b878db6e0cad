import { Controller, Get, Inject, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CORRECTION } from '../contract/correction.js';
import { Closing } from './closing.js';
import { negotiate, NDJSON } from './media-types.js';
import { PARTS, type FeedEvent, type HttpParts } from './ports.js';
import { problemBody, problemOf } from './problem.js';
import { unexpected } from './problem-filter.js';
import { flagParameter, limitParameter, reachedParameter, readQuery } from './query.js';
import { answerStream } from './streaming.js';

/** An empty line this often keeps a feed that waits from being taken for dead, by either side or what is between. */
const HEARTBEAT_MS = 15_000;

@Controller()
export class FeedController {
  readonly #parts: HttpParts;
  readonly #closing: Closing;

  constructor(@Inject(PARTS) parts: HttpParts, @Inject(Closing) closing: Closing) {
    this.#parts = parts;
    this.#closing = closing;
  }

  @Get('events')
  async read(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const query = readQuery(request, ['after', 'follow', 'limit']);
    const follow = flagParameter(query, 'follow');
    const limit = limitParameter(query, { max: Number.MAX_SAFE_INTEGER, usual: Number.MAX_SAFE_INTEGER });
    negotiate(request, [NDJSON]);
    const head = await this.#parts.health.head();
    const after = reachedParameter(query, 'after', head);
    void reply.header('waybook-position', String(head ?? 0n));
    const gone = new AbortController();
    const stop = (): void => gone.abort();
    reply.raw.once('close', stop);
    this.#closing.signal.addEventListener('abort', stop);
    if (this.#closing.signal.aborted) stop();
    try {
      const pages = this.#parts.feed.read(after, { follow, limit, signal: gone.signal });
      await answerStream(reply, NDJSON, follow ? withHeartbeat(this.#lines(pages), HEARTBEAT_MS) : this.#lines(pages));
    } finally {
      reply.raw.removeListener('close', stop);
      this.#closing.signal.removeEventListener('abort', stop);
    }
  }

  /** What goes wrong after the first line can only be said in a line: the last one, with nothing but `problem`. */
  async *#lines(pages: AsyncIterable<readonly FeedEvent[]>): AsyncGenerator<string, void, undefined> {
    try {
      for await (const page of pages) {
        let text = '';
        for (const entry of page) text += `${feedLine(entry)}\n`;
        yield text;
      }
    } catch (error) {
      const problem = problemOf(error) ?? unexpected(error, this.#parts.log);
      if (problem.cause !== undefined) this.#parts.log.error(`the feed: ${problem.code}`, problem.cause);
      const { code, detail, errors, extra } = problem;
      yield `${JSON.stringify({ problem: problemBody(code, detail, errors, extra) })}\n`;
    }
  }
}

/**
 * One event as `/history` gives it, and its contract. `effective`, `correctedBy` and `flags` depend on events that may
 * come after it, so the feed leaves them null; `corrects` names what a correction names.
 */
export function feedLine({ contract, event }: FeedEvent): string {
  const { attributes } = event;
  const head = JSON.stringify({
    contract,
    revision: String(event.revision),
    position: String(event.position),
    id: attributes.id,
    source: attributes.source,
    type: attributes.type,
    version: event.version,
    time: attributes.time,
    recordedtime: event.recordedtime,
    reporter: event.reporter,
    onBehalfOf: attributes.onbehalfof ?? null,
  });
  const tail = JSON.stringify({ effective: null, corrects: correctedBy(event), correctedBy: null, flags: null });
  // The data go out as the text that was hashed, not as it would be written anew.
  return `${head.slice(0, -1)},"data":${event.dataText},${tail.slice(1)}`;
}

function correctedBy({
  attributes,
  data,
}: FeedEvent['event']): { readonly id: string; readonly source: string } | null {
  if (attributes.type !== CORRECTION) return null;
  const { event } = data as { readonly event: { readonly id: string; readonly source?: string } };
  return { id: event.id, source: event.source ?? attributes.source };
}

/** The same pieces, and an empty line whenever nothing came for a while. */
export async function* withHeartbeat(
  pieces: AsyncGenerator<string, void, undefined>,
  afterMs: number,
): AsyncGenerator<string, void, undefined> {
  let next: Promise<IteratorResult<string, void>> | undefined;
  try {
    for (;;) {
      next ??= pieces.next();
      let timer: NodeJS.Timeout | undefined;
      const silence = new Promise<'silence'>((resolve) => {
        timer = setTimeout(resolve, afterMs, 'silence');
      });
      const came = await Promise.race([next, silence]).finally(() => clearTimeout(timer));
      if (came === 'silence') {
        yield '\n';
        continue;
      }
      next = undefined;
      if (came.done === true) return;
      yield came.value;
    }
  } finally {
    // Ends the source too; one that waits for its next piece has been told to stop by then and does not throw.
    await pieces.return();
  }
}
