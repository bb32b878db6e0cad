/** Answers that are written piece by piece. */
import { once } from 'node:events';
import type { FastifyReply } from 'fastify';

/**
 * Writes the pieces as they come, asking for the next one only when the last has been taken: a caller that reads slowly
 * slows the source down. The status line goes out at once, before there is a first piece.
 *
 * Returns quietly where the caller went away; whatever the source throws is thrown, and the answer is then broken off by
 * the filter so that nobody takes it for whole.
 */
export async function answerStream(
  reply: FastifyReply,
  contentType: string,
  pieces: AsyncIterable<string>,
): Promise<void> {
  const { raw } = reply;
  reply.hijack();
  for (const [name, value] of Object.entries(reply.getHeaders())) if (value !== undefined) raw.setHeader(name, value);
  raw.writeHead(200, { 'content-type': contentType });
  raw.flushHeaders();
  const gone = new AbortController();
  const onClose = (): void => gone.abort();
  raw.once('close', onClose);
  // A socket that fails is closed too, which is what is looked at.
  raw.on('error', onClose);
  try {
    for await (const piece of pieces) {
      if (gone.signal.aborted) return;
      if (!raw.write(piece)) await once(raw, 'drain', { signal: gone.signal });
    }
    raw.end();
    // A body that was not read to its end can have no request after it.
    if (!reply.request.raw.complete) raw.once('finish', () => reply.request.raw.socket.destroySoon());
  } catch (error) {
    if (!gone.signal.aborted && !reply.request.raw.destroyed) throw error;
    raw.destroy();
  } finally {
    raw.removeListener('close', onClose);
  }
}
