import { hash } from 'node:crypto';
import { canonicalString } from './canonical.js';
import { chainBroken, EvidenceError, type EventPlace } from './errors.js';
import { leafDigest, type Digest } from './merkle.js';

/** The CloudEvents 1.0 attributes of an event exactly as it was sent: what was absent stays absent. */
export interface CloudEventAttributes {
  readonly specversion: '1.0';
  readonly id: string;
  readonly source: string;
  readonly type: string;
  /** RFC 3339, as the reporter wrote it. */
  readonly time: string;
  /** The id of the contract, also where only the path of the request named it. */
  readonly subject: string;
  readonly datacontenttype?: string;
  readonly correlationid?: string;
  readonly causationid?: string;
  readonly onbehalfof?: string;
  /** Version of the type's payload; left out means 1. */
  readonly version?: number;
}

/** All that goes into a record. */
export interface RecordInput {
  readonly attributes: CloudEventAttributes;
  /** The event's data in canonical form (`canonicalJson`); trusted to be so. */
  readonly canonicalData: string;
  /** 16 random bytes that keep the data from being guessed from their hash. */
  readonly nonce: Uint8Array;
  /** The revision the event will have in its stream: its leaf index. */
  readonly revision: bigint | number;
  /** When the ledger took the event in: `2026-01-15T09:30:00.000Z`, always three decimals and `Z`. */
  readonly recordedtime: string;
  /** The bare id of the party that reported it. */
  readonly reporter: string;
  /** The payload's version, with 1 filled in where `attributes` leave it out. */
  readonly version: number;
  /** How the reporter was known: base64url SHA-256 of the API key, or issuer and subject of the token. */
  readonly credential?: string;
  /** Detached JWS over the signed form. */
  readonly signature?: string;
}

/** An event made ready to be stored: its id and what its metadata and the tree need. */
export interface SealedEvent {
  /** The event's id in the store, see {@link eventId}. */
  readonly id: string;
  /** For the frontier of the stream. */
  readonly leaf: Digest;
  readonly record: string;
  /** base64url, 22 characters. */
  readonly nonce: string;
}

export const NONCE_BYTES = 16;

/** Year to millisecond, UTC. Texts of this form sort as the instants they name. */
export const RECORDED_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/**
 * base64url of SHA-256(nonce || UTF-8 of the canonical data).
 *
 * @throws EvidenceError `not-canonical` where the nonce is not 16 bytes
 */
export function dataHash(nonce: Uint8Array, canonicalData: string): string {
  if (nonce.length !== NONCE_BYTES)
    throw new EvidenceError('not-canonical', `a nonce has ${NONCE_BYTES} bytes, not ${nonce.length}`, {
      field: 'nonce',
    });
  // A UTF-16 code unit takes at most three bytes of UTF-8.
  const room = NONCE_BYTES + 3 * canonicalData.length;
  const bytes = room <= scratch.length ? scratch : Buffer.allocUnsafe(room);
  bytes.set(nonce, 0);
  const end = NONCE_BYTES + bytes.write(canonicalData, NONCE_BYTES, 'utf8');
  return hash('sha256', bytes.subarray(0, end), 'base64url');
}

/** Joins nonce and data of all but large events without an allocation. Hashing is synchronous, so one is enough. */
const scratch = Buffer.allocUnsafeSlow(16 * 1024);

/**
 * What a reporter signs: the canonical JSON of the CloudEvent as sent, without `nonce` and `signature`, and with
 * `datahash` in place of `data`. The order of the names is fixed, so it is written by template.
 *
 * @throws EvidenceError `not-canonical` for a lone surrogate or a version that is no integer
 */
export function signedForm(attributes: CloudEventAttributes, datahash: string): string {
  const { causationid, correlationid, datacontenttype, onbehalfof, version } = attributes;
  let text = '{';
  if (causationid !== undefined) text += `"causationid":${canonicalString(causationid)},`;
  if (correlationid !== undefined) text += `"correlationid":${canonicalString(correlationid)},`;
  if (datacontenttype !== undefined) text += `"datacontenttype":${canonicalString(datacontenttype)},`;
  text += `"datahash":"${datahash}","id":${canonicalString(attributes.id)}`;
  if (onbehalfof !== undefined) text += `,"onbehalfof":${canonicalString(onbehalfof)}`;
  text += `,"source":${canonicalString(attributes.source)},"specversion":${canonicalString(attributes.specversion)}`;
  text += `,"subject":${canonicalString(attributes.subject)},"time":${canonicalString(attributes.time)}`;
  text += `,"type":${canonicalString(attributes.type)}`;
  if (version !== undefined) text += `,"version":${integer('version', version)}`;
  return `${text}}`;
}

/** What a record says beside the event. */
export type RecordFrame = Pick<RecordInput, 'revision' | 'recordedtime' | 'reporter' | 'version'> & {
  readonly credential?: string | undefined;
  readonly signature?: string | undefined;
};

/**
 * The record: the canonical JSON of what the ledger says about an event, with the signed form inside it.
 *
 * @throws EvidenceError `not-canonical` for a lone surrogate or an integer beyond 2^53 - 1
 */
export function recordText(signed: string, frame: RecordFrame): string {
  const { credential, signature } = frame;
  let text = '{';
  if (credential !== undefined) text += `"credential":${canonicalString(credential)},`;
  text += `"event":${signed},"recordedtime":${canonicalString(frame.recordedtime)}`;
  text += `,"reporter":${canonicalString(frame.reporter)},"revision":${integer('revision', Number(frame.revision))}`;
  if (signature !== undefined) text += `,"signature":${canonicalString(signature)}`;
  return `${text},"version":${integer('version', frame.version)}}`;
}

function integer(field: string, value: number): string {
  if (!Number.isSafeInteger(value) || value < 0)
    throw new EvidenceError('not-canonical', `${field} is no integer from 0 to 2^53 - 1`, {
      field,
      found: String(value),
    });
  return `${value}`;
}

/**
 * Makes, in this order, datahash, signed form, record, leaf and event id.
 *
 * @throws EvidenceError `not-canonical` where the verifier would later refuse the record: a nonce that is not 16 bytes,
 * a recordedtime of another form, a lone surrogate, a number out of range, a `version` other than the attributes'
 */
export function sealEvent(input: RecordInput): SealedEvent {
  if (!RECORDED_TIME.test(input.recordedtime))
    throw new EvidenceError('not-canonical', 'recordedtime needs three decimals and Z', {
      field: 'recordedtime',
      found: input.recordedtime,
    });
  if (input.version !== (input.attributes.version ?? 1))
    throw new EvidenceError('not-canonical', 'the version of a record is that of its event', {
      field: 'version',
      expected: `${input.attributes.version ?? 1}`,
      found: `${input.version}`,
    });
  const signed = signedForm(input.attributes, dataHash(input.nonce, input.canonicalData));
  const record = recordText(signed, input);
  const leaf = leafDigest(record);
  const { buffer, byteOffset } = input.nonce;
  const nonce = Buffer.from(buffer, byteOffset, NONCE_BYTES).toString('base64url');
  return { id: eventId(leaf), leaf, record, nonce };
}

/**
 * The id of an event in the store: the first 16 bytes of its leaf as a UUIDv8 (RFC 9562 section 5.8), that is with the
 * version and variant bits set. So only the same record at the same revision has the same id.
 */
export function eventId(leaf: Digest): string {
  scratch.write(leaf, 0, 16, 'latin1');
  const hex = scratch.toString('hex', 0, 16);
  const variant = '89ab'[(leaf.charCodeAt(8) >> 4) & 3]!;
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20)}`;
}

/** The metadata of a stored event, as canonical JSON. `root` stands on the last event of each append. */
export function metadataText(
  sealed: { readonly record: string; readonly nonce: string },
  root?: Buffer | string,
): string {
  const text = typeof root === 'string' ? root : root?.toString('base64url');
  const end = text === undefined ? '}' : `,"root":"${text}"}`;
  return `{"nonce":"${sealed.nonce}","record":${JSON.stringify(sealed.record)}${end}`;
}

/** An event as a store gives it back. */
export interface EventToDecode extends EventPlace {
  readonly position: bigint;
  readonly id: string;
  readonly type: string;
  readonly data: string;
  readonly metadata: string;
}

/** A stored event taken apart. Its shapes are right; whether its hashes are is for the stream verifier to say. */
export interface DecodedEvent {
  readonly stream: string;
  readonly revision: bigint;
  readonly position: bigint;
  /** The event's id in the store, a UUIDv8. Not the reporter's, which is `attributes.id`. */
  readonly storeId: string;
  readonly attributes: CloudEventAttributes;
  /** What `dataText` parses to. */
  readonly data: unknown;
  /** The data as stored: the text that was hashed. */
  readonly dataText: string;
  readonly version: number;
  readonly recordedtime: string;
  readonly reporter: string;
  readonly credential: string | undefined;
  readonly signature: string | undefined;
  /** As stored; {@link recordOf} gives the record in it. */
  readonly metadata: string;
  /** base64url. */
  readonly nonce: string;
  /** base64url; only on the last event of an append. */
  readonly root: string | undefined;
}

/**
 * Takes a stored event apart: metadata, record and data. Looks at shapes only, and that the stored type is the record's.
 * Members that a record should not have are left for the stream verifier to find.
 *
 * @throws EvidenceError `chain-broken` with stream, revision, field, expected and found
 */
export function decodeEvent(event: EventToDecode): DecodedEvent {
  return decodePlain(event) ?? decodeAny(event);
}

/** The record in the metadata of a stored event that was decoded. */
export const recordOf = ({ metadata }: Pick<DecodedEvent, 'metadata'>): string =>
  (JSON.parse(metadata) as { readonly record: string }).record;

/** Text that JSON writes as it is, inside a string inside a string. */
const PLAIN = '([^"\\\\\\u0000-\\u001f]*)';
const INTEGER = '(0|[1-9][0-9]{0,14})';
const quoted = (text: string): string => String.raw`\\"${text}\\"`;
const member = (name: string): string => `${quoted(name)}:${quoted(PLAIN)}`;
const maybe = (pattern: string): string => `(?:${pattern})?`;

/** Metadata as {@link metadataText} writes them, of a record in which no text has to be escaped: nearly all of them. */
const PLAIN_METADATA = new RegExp(
  [
    `^\\{"nonce":"${PLAIN}","record":"\\{`,
    maybe(`${member('credential')},`),
    `${quoted('event')}:\\{`,
    ...['causationid', 'correlationid', 'datacontenttype'].map((name) => maybe(`${member(name)},`)),
    `${member('datahash')},${member('id')},`,
    maybe(`${member('onbehalfof')},`),
    `${member('source')},${quoted('specversion')}:${quoted('1[.]0')},${member('subject')},${member('time')},${member('type')}`,
    maybe(`,${quoted('version')}:${INTEGER}`),
    `\\},${member('recordedtime')},${member('reporter')},${quoted('revision')}:${INTEGER}`,
    maybe(`,${member('signature')}`),
    `,${quoted('version')}:${INTEGER}\\}"`,
    maybe(`,"root":"${PLAIN}"`),
    '\\}$',
  ].join(''),
  'u',
);

/**
 * The short way through {@link decodeAny}, which parses the record out of the metadata and then parses the record: here
 * one expression picks the members out of the metadata. `undefined` for whatever has another form.
 */
function decodePlain(event: EventToDecode): DecodedEvent | undefined {
  const found = PLAIN_METADATA.exec(event.metadata);
  if (found === null) return undefined;
  const [, nonce, credential, causationid, correlationid, datacontenttype, , id, onbehalfof, source, subject] = found;
  if (found[12] !== event.type) return undefined;
  const attributes: { -readonly [K in keyof CloudEventAttributes]: CloudEventAttributes[K] } = {
    specversion: '1.0',
    id: detached(id!),
    source: shared(source!),
    type: event.type,
    time: detached(found[11]!),
    subject: shared(subject!),
  };
  if (datacontenttype !== undefined) attributes.datacontenttype = datacontenttype;
  if (correlationid !== undefined) attributes.correlationid = correlationid;
  if (causationid !== undefined) attributes.causationid = causationid;
  if (onbehalfof !== undefined) attributes.onbehalfof = shared(onbehalfof);
  if (found[13] !== undefined) attributes.version = Number(found[13]);
  return {
    stream: event.stream,
    revision: event.revision,
    position: event.position,
    storeId: event.id,
    attributes,
    data: parseJson(event, 'data', event.data),
    dataText: event.data,
    version: Number(found[18]),
    recordedtime: detached(found[14]!),
    reporter: shared(found[15]!),
    credential,
    signature: found[17],
    metadata: event.metadata,
    nonce: nonce!,
    root: found[19],
  };
}

/**
 * A copy that stands by itself. What an expression finds is a view of the text it was found in, and would keep all of that
 * text in memory for as long as somebody remembers one time out of it.
 */
const detached = (text: string): string => `"${text}`.slice(1);

/** Texts that come again and again, each kept once. */
const known = new Map<string, string>();
const MOST_KNOWN = 5_000;

function shared(text: string): string {
  let one = known.get(text);
  if (one !== undefined) return one;
  if (known.size >= MOST_KNOWN) known.clear();
  one = detached(text);
  known.set(one, one);
  return one;
}

function decodeAny(event: EventToDecode): DecodedEvent {
  const metadata = parseObject(event, 'metadata', event.metadata);
  const { record: text, nonce, root } = metadata;
  if (Object.keys(metadata).length !== (root === undefined ? 2 : 3))
    throw chainBroken(event, 'metadata', 'nonce, record and perhaps root', Object.keys(metadata).join(', '));
  const recordString = string(event, 'metadata.record', text);
  const record = parseObject(event, 'record', recordString);
  const attributes = decodeAttributes(event, record['event']);
  if (attributes.type !== event.type) throw chainBroken(event, 'type', attributes.type, event.type);
  return {
    stream: event.stream,
    revision: event.revision,
    position: event.position,
    storeId: event.id,
    attributes,
    data: parseJson(event, 'data', event.data),
    dataText: event.data,
    version: number(event, 'record.version', record['version']),
    recordedtime: string(event, 'record.recordedtime', record['recordedtime']),
    reporter: string(event, 'record.reporter', record['reporter']),
    credential: optional(event, 'record.credential', record['credential']),
    signature: optional(event, 'record.signature', record['signature']),
    metadata: event.metadata,
    nonce: string(event, 'metadata.nonce', nonce),
    root: optional(event, 'metadata.root', root),
  };
}

function decodeAttributes(event: EventToDecode, value: unknown): CloudEventAttributes {
  if (!isObject(value)) throw chainBroken(event, 'record.event', 'an object', kind(value));
  if (value['specversion'] !== '1.0')
    throw chainBroken(event, 'record.event.specversion', '1.0', kind(value['specversion']));
  // `datahash` is left behind on purpose: it is not an attribute, and the verifier computes it anew.
  const attributes: { -readonly [K in keyof CloudEventAttributes]: CloudEventAttributes[K] } = {
    specversion: '1.0',
    id: string(event, 'record.event.id', value['id']),
    source: string(event, 'record.event.source', value['source']),
    type: string(event, 'record.event.type', value['type']),
    time: string(event, 'record.event.time', value['time']),
    subject: string(event, 'record.event.subject', value['subject']),
  };
  const { datacontenttype, correlationid, causationid, onbehalfof, version } = value;
  if (datacontenttype !== undefined)
    attributes.datacontenttype = string(event, 'record.event.datacontenttype', datacontenttype);
  if (correlationid !== undefined)
    attributes.correlationid = string(event, 'record.event.correlationid', correlationid);
  if (causationid !== undefined) attributes.causationid = string(event, 'record.event.causationid', causationid);
  if (onbehalfof !== undefined) attributes.onbehalfof = string(event, 'record.event.onbehalfof', onbehalfof);
  if (version !== undefined) attributes.version = number(event, 'record.event.version', version);
  return attributes;
}

type JsonObject = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function parseJson(place: EventPlace, field: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw chainBroken(place, field, 'JSON', text, error);
  }
}

function parseObject(place: EventPlace, field: string, text: string): JsonObject {
  const value = parseJson(place, field, text);
  if (!isObject(value)) throw chainBroken(place, field, 'an object', kind(value));
  return value;
}

function string(place: EventPlace, field: string, value: unknown): string {
  if (typeof value !== 'string') throw chainBroken(place, field, 'a string', kind(value));
  return value;
}

function optional(place: EventPlace, field: string, value: unknown): string | undefined {
  return value === undefined ? undefined : string(place, field, value);
}

function number(place: EventPlace, field: string, value: unknown): number {
  if (typeof value !== 'number') throw chainBroken(place, field, 'a number', kind(value));
  return value;
}

const kind = (value: unknown): string => (value === undefined ? 'absent' : (JSON.stringify(value) ?? typeof value));
