import { status } from '@grpc/grpc-js';
import type { ServerDuplexStream, ServerReadableStream, ServerUnaryCall, sendUnaryData } from '@grpc/grpc-js';
import type { CallError, Fault } from './faults.js';
import { callError, refusal } from './faults.js';
import type { AppendOutcome, Expected } from './log.js';
import { MAX_APPEND_SIZE } from './log.js';
import type { Node } from './node.js';
import type { ProposedEvent } from './protocol.js';
import { Any, Code, Empty, shared, status as rpcStatus, streams } from './protocol.js';

type AppendReq = InstanceType<typeof streams.AppendReq>;
type AppendResp = InstanceType<typeof streams.AppendResp>;
type BatchAppendReq = InstanceType<typeof streams.BatchAppendReq>;
type BatchAppendResp = InstanceType<typeof streams.BatchAppendResp>;
type DeleteReq = InstanceType<typeof streams.DeleteReq>;
type DeleteResp = InstanceType<typeof streams.DeleteResp>;
type Uuid = InstanceType<typeof shared.UUID>;

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** After a bad request the real server says "timeout" as well, about this much later. */
const SECOND_ANSWER_MS = 2000;

interface Proposed {
  getId(): Uuid | undefined;
  getMetadataMap(): { get(name: string): string | undefined };
  getData_asU8(): Uint8Array;
  getCustomMetadata_asU8(): Uint8Array;
}

const nameOf = (identifier: { getStreamName_asU8(): Uint8Array } | undefined): string =>
  Buffer.from(identifier?.getStreamName_asU8() ?? []).toString();

/** Takes both forms of a UUID: text, and two signed halves. */
function uuidOf(uuid: Uuid | undefined): string {
  if (uuid === undefined || !uuid.hasStructured()) return uuid?.getString() ?? '';
  const halves = uuid.getStructured();
  const hex = (half: string | undefined) =>
    BigInt.asUintN(64, BigInt(half ?? 0))
      .toString(16)
      .padStart(16, '0');
  const all = hex(halves?.getMostSignificantBits()) + hex(halves?.getLeastSignificantBits());
  return all.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

const proposed = (message: Proposed): ProposedEvent => ({
  id: uuidOf(message.getId()),
  type: message.getMetadataMap().get('type') ?? '',
  contentType: message.getMetadataMap().get('content-type') ?? 'application/octet-stream',
  data: message.getData_asU8(),
  metadata: message.getCustomMetadata_asU8(),
});

const acceptable = (events: readonly ProposedEvent[]): boolean =>
  events.every(({ id, type }) => UUID.test(id) && type !== '');

/** Trailers are ASCII; a stream name need not be. */
// oxlint-disable-next-line no-control-regex
const ascii = (text: string): string => text.replace(/[^\x20-\x7e]/g, '?');

const streamDeleted = (stream: string): CallError =>
  callError(status.FAILED_PRECONDITION, `Event stream '${ascii(stream)}' is deleted.`, {
    exception: 'stream-deleted',
    'stream-name': ascii(stream),
  });

const tooLarge = (): CallError =>
  callError(status.INVALID_ARGUMENT, `Maximum Append Size of ${MAX_APPEND_SIZE} Exceeded.`, {
    exception: 'maximum-append-size-exceeded',
    'maximum-append-size': String(MAX_APPEND_SIZE),
  });

const badRequest = (): CallError => callError(status.INVALID_ARGUMENT, 'BadRequest');

/** Runs `store` as the fault wants it and gives the outcome, or `undefined` where nothing is to be answered. */
async function storing(
  node: Node,
  fault: Fault | undefined,
  peer: string,
  store: () => AppendOutcome,
): Promise<AppendOutcome | undefined> {
  if (fault?.kind === 'hang') return undefined;
  if (fault?.kind === 'drop') {
    node.cut(peer);
    return undefined;
  }
  if (fault?.kind === 'slow') await node.sleep(fault.ms);
  const outcome = await node.log.commit(store);
  if (fault?.kind === 'stored-then-drop') node.cut(peer);
  return fault?.kind === 'stored-then-drop' || fault?.kind === 'stored-then-hang' ? undefined : outcome;
}

/** `Streams.Append`: one call for one append, each event a message of its own. */
export function append(
  node: Node,
  call: ServerReadableStream<AppendReq, AppendResp>,
  answer: sendUnaryData<AppendResp>,
): void {
  let options: ReturnType<AppendReq['getOptions']>;
  const events: ProposedEvent[] = [];
  call.on('data', (request: AppendReq) => {
    if (request.hasOptions()) options = request.getOptions();
    const message = request.getProposedMessage();
    if (message !== undefined) events.push(proposed(message));
  });
  call.on('end', () => {
    void (async () => {
      const fault = node.faults.take('append');
      const refused = refusal(fault, node);
      if (refused !== undefined) return answer(refused);
      const stream = nameOf(options?.getStreamIdentifier());
      if (options === undefined || stream === '' || !acceptable(events)) return answer(badRequest());
      const expected = expectedOf(options, options.hasRevision() ? options.getRevision() : undefined);
      const outcome = await storing(node, fault, call.getPeer(), () => node.log.append(stream, expected, events));
      if (outcome === undefined) return undefined;
      switch (outcome.kind) {
        case 'deleted':
          return answer(streamDeleted(stream));
        case 'too-large':
          return answer(tooLarge());
        case 'wrong-version':
          return answer(
            null,
            new streams.AppendResp().setWrongExpectedVersion(wrongVersion(expected, outcome.current)),
          );
        case 'done':
          return answer(null, new streams.AppendResp().setSuccess(success(outcome, fault)));
      }
    })().catch((error: unknown) => answer(callError(status.UNKNOWN, String(error))));
  });
}

function success({ revision, position }: AppendOutcome & { kind: 'done' }, fault: Fault | undefined) {
  const message = new streams.AppendResp.Success();
  if (revision < 0) message.setNoStream(new shared.Empty());
  else message.setCurrentRevision(String(revision));
  if (fault?.kind === 'no-position') return message.setNoPosition(new shared.Empty());
  const at = fault?.kind === 'huge-position' ? String(2n ** 64n - 1n) : String(position);
  return message.setPosition(new streams.AppendResp.Position().setCommitPosition(at).setPreparePosition(at));
}

function wrongVersion(expected: Expected, current: number) {
  const message = new streams.AppendResp.WrongExpectedVersion();
  if (current < 0) message.setCurrentNoStream(new shared.Empty());
  else message.setCurrentRevision(String(current));
  if (expected === 'any') return message.setExpectedAny(new shared.Empty());
  if (expected === 'no-stream') return message.setExpectedNoStream(new shared.Empty());
  if (expected === 'stream-exists') return message.setExpectedStreamExists(new shared.Empty());
  return message.setExpectedRevision(String(expected));
}

interface ExpectedOptions {
  hasNoStream(): boolean;
  hasAny(): boolean;
  hasStreamExists(): boolean;
}

function expectedOf(options: ExpectedOptions, revision: string | undefined): Expected {
  if (revision !== undefined) return BigInt(revision);
  if (options.hasNoStream()) return 'no-stream';
  return options.hasStreamExists() ? 'stream-exists' : 'any';
}

/** `Streams.BatchAppend`: one call for many appends, told apart by their correlation ids. */
export function batchAppend(node: Node, call: ServerDuplexStream<BatchAppendReq, BatchAppendResp>): void {
  const open = new Map<string, { options: ReturnType<BatchAppendReq['getOptions']>; events: ProposedEvent[] }>();
  const send = (response: BatchAppendResp) => {
    if (!call.cancelled && !call.destroyed) call.write(response);
  };
  call.on('error', () => undefined);
  call.on('end', () => call.end());
  call.on('data', (request: BatchAppendReq) => {
    const id = uuidOf(request.getCorrelationId());
    const batch = open.get(id) ?? { options: request.getOptions(), events: [] };
    for (const message of request.getProposedMessagesList()) batch.events.push(proposed(message));
    if (!request.getIsFinal()) return void open.set(id, batch);
    open.delete(id);
    return void answerBatch(node, call, request.getCorrelationId(), batch, send).catch((error: unknown) =>
      call.destroy(error as Error),
    );
  });
}

async function answerBatch(
  node: Node,
  call: ServerDuplexStream<BatchAppendReq, BatchAppendResp>,
  correlation: Uuid | undefined,
  { options, events }: { options: ReturnType<BatchAppendReq['getOptions']>; events: readonly ProposedEvent[] },
  send: (response: BatchAppendResp) => void,
): Promise<void> {
  const stream = nameOf(options?.getStreamIdentifier());
  const response = () => {
    const identifier = new shared.StreamIdentifier().setStreamName(Buffer.from(stream));
    return new streams.BatchAppendResp().setCorrelationId(correlation).setStreamIdentifier(identifier);
  };
  const failed = (code: (typeof Code)[keyof typeof Code], message: string, type: string, details: Uint8Array) => {
    const any = new Any();
    any.pack(details, type);
    return response().setError(new rpcStatus.Status().setCode(code).setMessage(message).setDetails(any));
  };
  const fault = node.faults.take('append');
  if (fault?.kind === 'not-ready' || fault?.kind === 'busy') {
    const text = fault.kind === 'busy' ? 'Server Is Busy' : 'Server Is Not Ready';
    return send(failed(Code.UNAVAILABLE, text, 'google.protobuf.Empty', new Empty().serializeBinary()));
  }
  const refused = refusal(fault, node);
  // A refusal ends the whole call, and with it every append that is under way on it.
  if (refused !== undefined) return void call.emit('error', refused);

  const bad = () =>
    failed(
      Code.INVALID_ARGUMENT,
      'BadRequest',
      'event_store.client.BadRequest',
      new shared.BadRequest().serializeBinary(),
    );
  const timeout = () =>
    failed(Code.DEADLINE_EXCEEDED, 'Timeout', 'event_store.client.Timeout', new shared.Timeout().serializeBinary());
  if (options === undefined || stream === '') return send(bad());
  if (!acceptable(events)) {
    send(bad());
    await node.sleep(SECOND_ANSWER_MS);
    return send(timeout());
  }
  const expected = expectedOf(options, options.hasStreamPosition() ? options.getStreamPosition() : undefined);
  const outcome = await storing(node, fault, call.getPeer(), () => node.log.append(stream, expected, events));
  if (outcome === undefined) return undefined;
  const answer = () => {
    switch (outcome.kind) {
      case 'deleted':
        return failed(
          Code.FAILED_PRECONDITION,
          'Stream deleted',
          'event_store.client.StreamDeleted',
          new shared.StreamDeleted().serializeBinary(),
        );
      case 'too-large':
        return failed(
          Code.INVALID_ARGUMENT,
          'Maximum Append Size Exceeded',
          'event_store.client.MaximumAppendSizeExceeded',
          new shared.MaximumAppendSizeExceeded().setMaxappendsize(MAX_APPEND_SIZE).serializeBinary(),
        );
      case 'wrong-version':
        return failed(
          Code.FAILED_PRECONDITION,
          'Wrong Expected Version',
          'event_store.client.WrongExpectedVersion',
          batchWrongVersion(expected, outcome.current).serializeBinary(),
        );
      case 'done':
        return response().setSuccess(batchSuccess(outcome, fault));
    }
  };
  send(answer());
  if (fault?.kind === 'answer-twice') send(answer());
}

function batchSuccess({ revision, position }: AppendOutcome & { kind: 'done' }, fault: Fault | undefined) {
  const message = new streams.BatchAppendResp.Success();
  if (revision < 0) message.setNoStream(new Empty());
  else message.setCurrentRevision(String(revision));
  if (fault?.kind === 'no-position') return message.setNoPosition(new Empty());
  const at = fault?.kind === 'huge-position' ? String(2n ** 64n - 1n) : String(position);
  return message.setPosition(new shared.AllStreamPosition().setCommitPosition(at).setPreparePosition(at));
}

function batchWrongVersion(expected: Expected, current: number) {
  const message = new shared.WrongExpectedVersion();
  if (current < 0) message.setCurrentNoStream(new Empty());
  else message.setCurrentStreamRevision(String(current));
  if (expected === 'any') return message.setExpectedAny(new Empty());
  if (expected === 'no-stream') return message.setExpectedNoStream(new Empty());
  if (expected === 'stream-exists') return message.setExpectedStreamExists(new Empty());
  return message.setExpectedStreamPosition(String(expected));
}

/** `Streams.Delete` and `Streams.Tombstone`. */
export function remove(
  node: Node,
  how: 'delete' | 'tombstone',
  call: ServerUnaryCall<DeleteReq, DeleteResp>,
  answer: sendUnaryData<DeleteResp>,
): void {
  void (async () => {
    const fault = node.faults.take('delete');
    const refused = refusal(fault, node);
    if (refused !== undefined) return answer(refused);
    const options = call.request.getOptions();
    const stream = nameOf(options?.getStreamIdentifier());
    if (options === undefined || stream === '') return answer(badRequest());
    const expected = expectedOf(options, options.hasRevision() ? options.getRevision() : undefined);
    const outcome = await storing(node, fault, call.getPeer(), () => node.log[how](stream, expected));
    if (outcome === undefined) return undefined;
    switch (outcome.kind) {
      case 'deleted':
        return answer(streamDeleted(stream));
      case 'too-large':
        return answer(tooLarge());
      case 'wrong-version': {
        const details = { 'expected-version': expectedNumber(expected), 'actual-version': String(outcome.current) };
        const trailers = { exception: 'wrong-expected-version', 'stream-name': ascii(stream), ...details };
        return answer(callError(status.FAILED_PRECONDITION, 'Append failed due to WrongExpectedVersion.', trailers));
      }
      case 'done': {
        const at = String(outcome.position);
        const message = how === 'delete' ? new streams.DeleteResp() : new streams.TombstoneResp();
        const place = how === 'delete' ? new streams.DeleteResp.Position() : new streams.TombstoneResp.Position();
        // Both answers have the same fields under the same numbers.
        return answer(null, message.setPosition(place.setCommitPosition(at).setPreparePosition(at)));
      }
    }
  })().catch((error: unknown) => answer(callError(status.UNKNOWN, String(error))));
}

/** The numbers of old, which only the trailers still show. */
function expectedNumber(expected: Expected): string {
  if (expected === 'no-stream') return '-1';
  if (expected === 'any') return '-2';
  return expected === 'stream-exists' ? '-4' : String(expected);
}
