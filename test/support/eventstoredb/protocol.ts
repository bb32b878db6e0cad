import { createRequire } from 'node:module';
import codes from '@eventstore/db-client/generated/code_pb.js';
import gossip from '@eventstore/db-client/generated/gossip_grpc_pb.js';
import gossipMessages from '@eventstore/db-client/generated/gossip_pb.js';
import features from '@eventstore/db-client/generated/serverfeatures_grpc_pb.js';
import featureMessages from '@eventstore/db-client/generated/serverfeatures_pb.js';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import status from '@eventstore/db-client/generated/status_pb.js';
import streamsService from '@eventstore/db-client/generated/streams_grpc_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import type * as AnyModule from 'google-protobuf/google/protobuf/any_pb.js';
import type * as EmptyModule from 'google-protobuf/google/protobuf/empty_pb.js';

/**
 * The wire format of EventStoreDB, as the client's own generated code has it. The well-known types must come from the
 * google-protobuf that this generated code uses, which need not be the one at the top of node_modules.
 */
const here = createRequire(import.meta.url);
const theirs = createRequire(here.resolve('@eventstore/db-client/package.json'));
const { Any } = theirs('google-protobuf/google/protobuf/any_pb.js') as typeof AnyModule;
const { Empty } = theirs('google-protobuf/google/protobuf/empty_pb.js') as typeof EmptyModule;

export { Any, Empty, featureMessages, gossipMessages, shared, status, streams };
export const { Code } = codes;
export const { GossipService } = gossip;
export const { ServerFeaturesService } = features;
export const { StreamsService } = streamsService;

/** What an event is made of, before the log gives it a place. */
export interface ProposedEvent {
  readonly id: string;
  readonly type: string;
  readonly contentType: string;
  readonly data: Uint8Array;
  readonly metadata: Uint8Array;
}

/** The place the log gave it. `created` is in ticks of 100 ns since the Unix epoch. */
export interface Place {
  readonly stream: string;
  readonly revision: bigint;
  readonly position: number;
  readonly created: bigint;
}

// Wire types of protobuf: (field number << 3) | type, type 0 for a varint and 2 for bytes of a given length.
const VARINT = 0;
const BYTES = 2;
const tag = (field: number, type: number): number => (field << 3) | type;

const varint = (value: bigint): Buffer => {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  bytes.push(Number(rest));
  return Buffer.from(bytes);
};

/** A field of bytes; like every proto3 writer it leaves out a value that is the default. */
const bytes = (field: number, value: Uint8Array): readonly Uint8Array[] =>
  value.length === 0 ? [] : [Buffer.from([tag(field, BYTES)]), varint(BigInt(value.length)), value];
const text = (field: number, value: string): readonly Uint8Array[] => bytes(field, Buffer.from(value));
const number = (field: number, value: bigint): readonly Uint8Array[] =>
  value === 0n ? [] : [Buffer.from([tag(field, VARINT)]), varint(value)];
const entry = (name: string, value: string): readonly Uint8Array[] =>
  bytes(6, Buffer.concat([...text(1, name), ...text(2, value)]));

/**
 * `ReadResp.ReadEvent.RecordedEvent` in protobuf. Written by hand, and kept in this form by the log, because the
 * generated code would spend most of a read's time on encoding the same event again.
 */
export function encodeRecordedEvent(event: ProposedEvent, place: Place): Buffer {
  return Buffer.concat([
    ...bytes(1, Buffer.concat(text(2, event.id))),
    ...bytes(2, Buffer.concat(text(3, place.stream))),
    ...number(3, place.revision),
    ...number(4, BigInt(place.position)),
    ...number(5, BigInt(place.position)),
    ...entry('type', event.type),
    ...entry('created', place.created.toString()),
    ...entry('content-type', event.contentType),
    ...bytes(7, event.metadata),
    ...bytes(8, event.data),
  ]);
}

/** `ReadResp` with one event: `record` is what {@link encodeRecordedEvent} made. */
export function encodeReadEvent(record: Uint8Array, position: number): Buffer {
  const inner = [...bytes(1, record), Buffer.from([tag(3, VARINT)]), varint(BigInt(position))];
  return Buffer.concat(bytes(1, Buffer.concat(inner)));
}
