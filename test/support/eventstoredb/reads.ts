import { randomUUID } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import type { ServerWritableStream } from '@grpc/grpc-js';
import type { Fault } from './faults.js';
import { callError, refusal } from './faults.js';
import type { EventLog, LoggedEvent } from './log.js';
import type { Node } from './node.js';
import { encodeReadEvent, shared, streams } from './protocol.js';

type ReadReq = InstanceType<typeof streams.ReadReq>;
type Options = NonNullable<ReturnType<ReadReq['getOptions']>>;
export type ReadCall = ServerWritableStream<ReadReq, Uint8Array>;

const PAGE = 500;
const DEFAULT_WINDOW = 32;
/** Beyond any revision and position, and still a number SQLite takes. */
const END = Number.MAX_SAFE_INTEGER;

/** Thrown where the client has gone away. */
class Gone extends Error {}

/** Thrown where a fault wants the call to end here. */
class Enough extends Error {}

/** `Streams.Read`: streams and `$all`, in both directions, once or as a subscription. */
export function read(node: Node, call: ReadCall): void {
  call.on('error', () => undefined);
  serve(node, call).then(
    () => call.end(),
    (error: unknown) => {
      if (error instanceof Enough) call.end();
      else if (!(error instanceof Gone))
        call.emit('error', isCallError(error) ? error : callError(status.UNKNOWN, String(error)));
    },
  );
}

const isCallError = (error: unknown): boolean => typeof error === 'object' && error !== null && 'details' in error;

async function serve(node: Node, call: ReadCall): Promise<void> {
  const options = call.request.getOptions();
  if (options === undefined) throw callError(status.INVALID_ARGUMENT, 'no options');
  const fault = node.faults.take(options.hasSubscription() ? 'subscribe' : 'read');
  const refused = refusal(fault, node);
  if (refused !== undefined) throw refused;
  if (fault?.kind === 'hang') {
    await new Promise((resolve) => call.once('cancelled', resolve));
    throw new Gone();
  }
  if (fault?.kind === 'slow') await node.sleep(fault.ms);
  const outlet = new Outlet(node, call, fault);
  // Even the first answer may be too many.
  outlet.cutIfDue();
  if (options.hasSubscription()) await subscription(node.log, options, outlet, fault);
  else await once(node.log, options, outlet);
}

/** Where the answers go: waits while the client does not take them, and cuts the connection where a fault says so. */
class Outlet {
  readonly #node: Node;
  readonly #call: ReadCall;
  #left: number;
  readonly #ends: boolean;

  constructor(node: Node, call: ReadCall, fault: Fault | undefined) {
    this.#node = node;
    this.#call = call;
    this.#left = fault?.kind === 'drop' || fault?.kind === 'end' ? (fault.after ?? 0) : Infinity;
    this.#ends = fault?.kind === 'end';
  }

  get gone(): boolean {
    return this.#call.cancelled || this.#call.destroyed;
  }

  cutIfDue(): void {
    if (this.#left > 0) return;
    if (this.#ends) throw new Enough();
    this.#node.cut(this.#call.getPeer());
    throw new Gone();
  }

  /** Gives a promise only where it has to be waited for. */
  event({ record, position }: LoggedEvent): Promise<void> | undefined {
    this.cutIfDue();
    this.#left--;
    return this.send(encodeReadEvent(record, position));
  }

  send(message: Uint8Array): Promise<void> | undefined {
    if (this.gone) throw new Gone();
    return this.#call.write(message) ? undefined : this.#drained();
  }

  async #drained(): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = () => {
        this.#call.off('drain', done);
        this.#call.off('cancelled', done);
        resolve();
      };
      this.#call.once('drain', done);
      this.#call.once('cancelled', done);
    });
    if (this.gone) throw new Gone();
  }

  onGone(listener: () => void): void {
    this.#call.once('cancelled', listener);
    this.#call.once('close', listener);
  }
}

const nameOf = (options: Options): string | undefined => {
  const identifier = options.getStream()?.getStreamIdentifier();
  return identifier === undefined ? undefined : Buffer.from(identifier.getStreamName_asU8()).toString();
};

/** The real server says no more than this to a read that makes no sense to it. */
const senseless = (what: string) => callError(status.UNKNOWN, `Unexpected ${what}: Error`);

async function once(log: EventLog, options: Options, outlet: Outlet): Promise<void> {
  const backwards = options.getReadDirection() === streams.ReadReq.Options.ReadDirection.BACKWARDS;
  let left = Number(options.getCount());
  const stream = nameOf(options);
  if (left === 0) throw senseless(stream === undefined ? 'ReadAllResult' : 'ReadStreamResult');
  const pages = stream === undefined ? allPages(log, options, backwards) : streamPages(log, options, stream, backwards);
  for (const page of pages) {
    if (page === undefined) {
      const identifier = new shared.StreamIdentifier().setStreamName(Buffer.from(stream ?? ''));
      const notFound = new streams.ReadResp.StreamNotFound().setStreamIdentifier(identifier);
      return void outlet.send(new streams.ReadResp().setStreamNotFound(notFound).serializeBinary());
    }
    for (const event of page) {
      const full = outlet.event(event);
      if (full !== undefined) await full;
      if (--left <= 0) return;
    }
    // Others want their turn, too.
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function* streamPages(
  log: EventLog,
  options: Options,
  stream: string,
  backwards: boolean,
): Generator<readonly LoggedEvent[] | undefined> {
  const from = options.getStream();
  if (from?.hasEnd() === true && !backwards) throw senseless('ReadStreamResult');
  const view = log.view(stream);
  if (view.kind === 'deleted') throw deleted(stream);
  if (view.kind === 'missing') return void (yield undefined);
  const asked = from?.hasRevision() === true ? Math.min(Number(from.getRevision()), END) : 0;
  let next = from?.hasEnd() === true ? view.last : asked;
  if (!backwards) next = Math.max(next, view.first);
  for (;;) {
    const page = log.readStream(stream, next, backwards, PAGE);
    const visible = backwards ? page.filter(({ revision }) => revision >= view.first) : page;
    if (visible.length > 0) yield visible;
    const last = visible.at(-1);
    if (last === undefined || page.length < PAGE) return;
    next = last.revision + (backwards ? -1 : 1);
    if (next < 0) return;
  }
}

/** A read begins where a record begins. The real server looks at the bytes there, and fails to read a record in them. */
function mustBegin(log: EventLog, position: number): void {
  if (position <= 0 || position >= END || log.readAll(position - 1, false, 1)[0]?.position === position) return;
  if (position > log.head) return;
  throw callError(status.UNKNOWN, 'Unexpected ReadAllResult: InvalidPosition');
}

function* allPages(log: EventLog, options: Options, backwards: boolean): Generator<readonly LoggedEvent[]> {
  const from = options.getAll();
  const position = Math.min(Number(from?.getPosition()?.getCommitPosition() ?? 0), END);
  // Forwards the given position belongs to what is asked for, backwards it does not.
  if (from?.hasPosition() === true) mustBegin(log, position);
  let next = from?.hasPosition() === true ? position - (backwards ? 0 : 1) : 0;
  if (from?.hasEnd() === true) next = END;
  const accepts = filterOf(options);
  for (;;) {
    const page = log.readAll(next, backwards, PAGE);
    const last = page.at(-1);
    if (last === undefined) return;
    yield page.filter(accepts);
    if (page.length < PAGE) return;
    next = last.position;
  }
}

const deleted = (stream: string) =>
  callError(status.FAILED_PRECONDITION, `Event stream '${stream}' is deleted.`, {
    exception: 'stream-deleted',
    'stream-name': stream,
  });

/** By stream name or event type; one regular expression, or prefixes of which one must fit. */
function filterOf(options: Options): (event: LoggedEvent) => boolean {
  const filter = options.getFilter();
  if (filter === undefined) return () => true;
  const byStream = filter.getStreamIdentifier();
  const expression = byStream ?? filter.getEventType();
  const prefixes = expression?.getPrefixList() ?? [];
  const regex = new RegExp(expression?.getRegex() ?? '');
  const fits =
    prefixes.length > 0
      ? (text: string) => prefixes.some((one) => text.startsWith(one))
      : (text: string) => regex.test(text);
  return byStream === undefined ? ({ type }) => fits(type) : ({ stream }) => fits(stream);
}

async function subscription(log: EventLog, options: Options, outlet: Outlet, fault: Fault | undefined): Promise<void> {
  const stream = nameOf(options);
  const source = stream === undefined ? allSource(log, options) : streamSource(log, options, stream);
  const accepts = filterOf(options);
  const filter = options.getFilter();
  const window = filter?.hasMax() === true ? filter.getMax() : DEFAULT_WINDOW;
  const interval = filter === undefined ? Infinity : window * filter.getCheckpointintervalmultiplier();
  const confirmation = new streams.ReadResp.SubscriptionConfirmation().setSubscriptionId(randomUUID());
  await outlet.send(new streams.ReadResp().setConfirmation(confirmation).serializeBinary());
  if (fault?.kind === 'checkpoint-beyond') await outlet.send(checkpoint(2n ** 63n - 1n));

  const news = new News(log);
  outlet.onGone(() => news.note());
  let live = false;
  let considered = 0;
  try {
    for (;;) {
      news.forget();
      const page = source.next(PAGE);
      if (live && page.length === PAGE) {
        live = false;
        await outlet.send(new streams.ReadResp().setFellBehind(new streams.ReadResp.FellBehind()).serializeBinary());
      }
      for (const event of page) {
        const full = accepts(event) ? outlet.event(event) : undefined;
        if (full !== undefined) await full;
        if (++considered % interval === 0) await outlet.send(checkpoint(BigInt(event.position)));
      }
      if (page.length === PAGE) {
        await new Promise((resolve) => setImmediate(resolve));
        continue;
      }
      if (!live) {
        live = true;
        const caughtUp = new streams.ReadResp().setCaughtUp(new streams.ReadResp.CaughtUp());
        if (fault?.kind !== 'no-caught-up') await outlet.send(caughtUp.serializeBinary());
      }
      await news.come();
      if (outlet.gone) throw new Gone();
    }
  } finally {
    news.stop();
  }
}

/** Whether something was committed since it was last asked. */
class News {
  #there = true;
  #wake: () => void = () => undefined;
  readonly stop: () => void;

  constructor(log: EventLog) {
    this.stop = log.onCommit(() => this.note());
  }

  note(): void {
    this.#there = true;
    this.#wake();
  }

  forget(): void {
    this.#there = false;
  }

  async come(): Promise<void> {
    if (!this.#there) await new Promise<void>((resolve) => (this.#wake = resolve));
  }
}

const checkpoint = (position: bigint): Uint8Array => {
  const at = new streams.ReadResp.Checkpoint().setCommitPosition(String(position)).setPreparePosition(String(position));
  return new streams.ReadResp().setCheckpoint(at).serializeBinary();
};

/** Gives what comes next, and remembers how far it got. */
interface Source {
  next(count: number): readonly LoggedEvent[];
}

function allSource(log: EventLog, options: Options): Source {
  const from = options.getAll();
  let position = from?.hasEnd() === true ? log.head : Number(from?.getPosition()?.getCommitPosition() ?? 0);
  mustBegin(log, position);
  return {
    next: (count) => {
      const page = log.readAll(position, false, count);
      position = page.at(-1)?.position ?? position;
      return page;
    },
  };
}

function streamSource(log: EventLog, options: Options, stream: string): Source {
  const from = options.getStream();
  const start = log.view(stream);
  let next = from?.hasRevision() === true ? Number(from.getRevision()) + 1 : 0;
  if (from?.hasEnd() === true) next = start.kind === 'there' ? start.last + 1 : 0;
  return {
    next: (count) => {
      const view = log.view(stream);
      if (view.kind === 'deleted') throw deleted(stream);
      if (view.kind === 'missing') return [];
      const page = log.readStream(stream, Math.max(next, view.first), false, count);
      next = (page.at(-1)?.revision ?? next - 1) + 1;
      return page;
    },
  };
}
