/**
 * The load: HTTP/1.1 over plain sockets, every request written as bytes that were made before the clock was started,
 * and of every answer only the status and the length looked at. On a machine of two cores the generator has to share
 * them with what is measured: a general HTTP client would take more of them than the server does.
 */
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { connect, type Socket } from 'node:net';

export class LoadError extends Error {
  override readonly name = 'LoadError';
  readonly code = 'unexpected-answer';
}

/** A whole request as it goes over the wire. */
export function requestBytes(url: string, path: string, contentType: string, body: string): Buffer {
  const { host } = new URL(url);
  const bytes = Buffer.from(body);
  const head = `POST ${path} HTTP/1.1\r\nhost: ${host}\r\ncontent-type: ${contentType}\r\ncontent-length: ${bytes.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), bytes]);
}

/** One connection on which requests go one after the other. */
class Connection {
  readonly #socket: Socket;
  #chunks: Buffer[] = [];
  #bytes = 0;
  /** Bytes of the answer that is coming, head and body; 0 while it is not known. */
  #expected = 0;
  #settle: { readonly resolve: (answer: Buffer) => void; readonly reject: (error: Error) => void } | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('error', (error) => this.#settle?.reject(error));
    socket.on('close', () => this.#settle?.reject(new LoadError('the server closed the connection')));
  }

  static async open(url: string): Promise<Connection> {
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port), noDelay: true });
    await once(socket, 'connect');
    return new Connection(socket);
  }

  /** @throws LoadError, or the socket's error */
  send(request: Buffer): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
      this.#socket.write(request);
    });
  }

  close(): void {
    this.#settle = undefined;
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#expected === 0) {
      const sofar = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks, this.#bytes);
      const end = sofar.indexOf('\r\n\r\n');
      if (end === -1) return;
      const length = /\r\ncontent-length: (\d+)/i.exec(sofar.toString('latin1', 0, end))?.[1];
      if (length === undefined) {
        this.#settle?.reject(new LoadError(`an answer without its length: ${sofar.toString('latin1', 0, end)}`));
        return;
      }
      this.#expected = end + 4 + Number(length);
    }
    if (this.#bytes < this.#expected) return;
    const answer = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks, this.#bytes);
    this.#chunks = [];
    this.#bytes = 0;
    this.#expected = 0;
    this.#settle?.resolve(answer);
  }
}

export interface Load {
  readonly seconds: number;
  /** How long each answer took, in milliseconds. */
  readonly tookMs: Float64Array;
}

const CREATED = Buffer.from('HTTP/1.1 201 ');

/**
 * Sends each queue over a connection of its own, a request when the one before it has been answered.
 * @throws LoadError where an answer is anything but 201: then nothing was measured
 */
export async function sendAll(url: string, queues: readonly (readonly Buffer[])[]): Promise<Load> {
  const open = await Promise.all(queues.map(() => Connection.open(url)));
  const starts: number[] = [];
  let count = 0;
  for (const queue of queues) {
    starts.push(count);
    count += queue.length;
  }
  const tookMs = new Float64Array(count);
  const startedMs = performance.now();
  try {
    await Promise.all(
      queues.map(async (queue, at) => {
        let place = starts[at]!;
        for (const request of queue) {
          const sentMs = performance.now();
          const answer = await open[at]!.send(request);
          tookMs[place] = performance.now() - sentMs;
          place += 1;
          if (answer.compare(CREATED, 0, CREATED.length, 0, CREATED.length) !== 0)
            throw new LoadError(`a request was answered ${answer.toString('utf8', 0, 1_000)}`);
        }
      }),
    );
    return { seconds: (performance.now() - startedMs) / 1_000, tookMs };
  } finally {
    for (const connection of open) connection.close();
  }
}

/** What is to be sent dealt out to so many queues, in its order within each. */
export const dealt = <T>(all: readonly T[], queues: number): readonly (readonly T[])[] =>
  Array.from({ length: Math.min(queues, all.length) }, (_, queue) => all.filter((_, at) => at % queues === queue));

const NEWLINE = 0x0a;

/**
 * Sends one stream of lines and reads its answer to the end. What is sent waits for the server, so that nothing piles up
 * on either side.
 * @throws LoadError where there are not as many answers as lines, or one of them is not `recorded`
 */
export async function streamLines(url: string, path: string, pieces: Iterable<Buffer>, lines: number): Promise<number> {
  const startedMs = performance.now();
  const request = httpRequest(new URL(path, url), {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
  });
  const answered = new Promise<number>((resolve, reject) => {
    request.once('error', reject);
    request.once('response', (response) => {
      let count = 0;
      response.on('data', (chunk: Buffer) => {
        for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, at + 1)) count += 1;
        // Part of a word may be cut off at the end of a chunk; what was not recorded is found in the count of the store.
        if (chunk.includes('"status":"refused"') || chunk.includes('"status":"failed"'))
          reject(new LoadError(`a line was not recorded: ${chunk.toString('utf8', 0, 2_000)}`));
      });
      response.once('end', () => resolve(count));
      response.once('error', reject);
    });
  });
  for (const piece of pieces)
    if (!request.write(piece)) await Promise.race([once(request, 'drain'), answered.then(() => undefined)]);
  request.end();
  const count = await answered;
  if (count !== lines) throw new LoadError(`${lines} lines were answered with ${count}`);
  return (performance.now() - startedMs) / 1_000;
}
