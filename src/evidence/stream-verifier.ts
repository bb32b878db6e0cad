import { isCanonical } from './canonical.js';
import { chainBroken, EvidenceError } from './errors.js';
import { Frontier, leafDigest } from './merkle.js';
import {
  dataHash,
  eventId,
  metadataText,
  NONCE_BYTES,
  RECORDED_TIME,
  recordOf,
  recordText,
  signedForm,
  type DecodedEvent,
} from './record.js';

const CONTRACT_STREAM = 'contract-';

/** Where to go on from: a frontier that was checked before, and the recordedtime of the event it ends with. */
export interface VerifiedSoFar {
  readonly frontier: Frontier;
  readonly lastRecordedtime?: string;
}

/**
 * Checks the events of one stream as they are read, in order and from revision 0, or on from where an earlier check
 * ended. Every hash is computed anew from the stored bytes; nothing the record says is taken on trust.
 *
 * It proves that the stream is what was appended, as far as it goes. That no later append is missing, and that the
 * operator did not write the whole stream anew, only a checkpoint held by somebody else can show.
 */
export class StreamVerifier {
  readonly #stream: string;
  #frontier: Frontier;
  #lastRecordedtime: string;
  /** Whether a root was checked after the last event. A frontier to start from has been. */
  #rooted = true;

  constructor(stream: string, start: VerifiedSoFar = { frontier: Frontier.empty }) {
    this.#stream = stream;
    this.#frontier = start.frontier;
    this.#lastRecordedtime = start.lastRecordedtime ?? '';
  }

  /** The frontier after the events checked so far. */
  get frontier(): Frontier {
    return this.#frontier;
  }

  /**
   * Checks the next event. After it has thrown, the verifier still stands before that event.
   *
   * @throws EvidenceError `stream-truncated` where revisions are missing before this one; `chain-broken`, with the field,
   * for an event of another stream or one seen already, data or a record that is not canonical, a datahash, event id or
   * root that does not follow, a record that contradicts itself or the place it is stored at, or a recordedtime that
   * goes back
   */
  check(event: DecodedEvent): void {
    this.#checkPlace(event);
    const datahash = recomputeDatahash(event);
    const record = recomputeRecord(event, datahash);
    if (!isStored(event, record)) throw explain(event, datahash, record);
    this.#checkMeaning(event);
    const leaf = leafDigest(record);
    const id = eventId(leaf);
    if (id !== event.storeId) throw chainBroken(event, 'id', id, event.storeId);
    const frontier = this.#frontier.append(leaf);
    if (event.root !== undefined) {
      const root = frontier.root().toString('base64url');
      if (root !== event.root) throw chainBroken(event, 'metadata.root', root, event.root);
    }
    this.#frontier = frontier;
    this.#lastRecordedtime = event.recordedtime;
    this.#rooted = event.root !== undefined;
  }

  /** To be called after the last event. @throws EvidenceError `stream-truncated` where that event has no root */
  finish(): void {
    if (this.#rooted) return;
    const revision = this.#frontier.size - 1n;
    throw new EvidenceError(
      'stream-truncated',
      `${this.#stream} ends within an append: revision ${revision}, its last event, has no root`,
      { stream: this.#stream, revision, field: 'metadata.root', expected: 'a root', found: 'absent' },
    );
  }

  #checkPlace(event: DecodedEvent): void {
    if (event.stream !== this.#stream) throw chainBroken(event, 'stream', this.#stream, event.stream);
    const next = this.#frontier.size;
    if (event.revision > next)
      throw new EvidenceError('stream-truncated', `${this.#stream}: revision ${next} is missing`, {
        stream: this.#stream,
        revision: next,
        field: 'revision',
        expected: `${next}`,
        found: `${event.revision}`,
      });
    if (event.revision < next) throw chainBroken(event, 'revision', `${next}`, `${event.revision}`);
  }

  /** What the record says is true of where it is stored, and does not contradict itself or the event before. */
  #checkMeaning(event: DecodedEvent): void {
    const { attributes, recordedtime, version } = event;
    if (this.#stream.startsWith(CONTRACT_STREAM)) {
      const contract = this.#stream.slice(CONTRACT_STREAM.length);
      if (attributes.subject !== contract)
        throw chainBroken(event, 'record.event.subject', contract, attributes.subject);
    }
    const sent = attributes.version ?? 1;
    if (version !== sent) throw chainBroken(event, 'record.version', `${sent}`, `${version}`);
    if (!RECORDED_TIME.test(recordedtime))
      throw chainBroken(event, 'record.recordedtime', 'an instant with three decimals and Z', recordedtime);
    if (recordedtime < this.#lastRecordedtime)
      throw chainBroken(event, 'record.recordedtime', `not before ${this.#lastRecordedtime}`, recordedtime);
  }
}

/** The datahash of the stored data under the stored nonce. */
function recomputeDatahash(event: DecodedEvent): string {
  if (!isCanonical(event.dataText, event.data))
    throw chainBroken(event, 'data', 'canonical JSON', 'another form of it');
  const nonce = Buffer.from(event.nonce, 'base64url');
  // Two spellings of one nonce differ in spare bits of the last character, which no hash covers.
  if (nonce.length !== NONCE_BYTES || nonce.toString('base64url') !== event.nonce)
    throw chainBroken(event, 'metadata.nonce', `base64url of ${NONCE_BYTES} bytes`, event.nonce);
  return dataHash(nonce, event.dataText);
}

/**
 * The record that revision, attributes and datahash make. Being written anew from the decoded members, it differs from
 * the stored one also where that has a member too many or is not canonical.
 */
function recomputeRecord(event: DecodedEvent, datahash: string): string {
  try {
    return recordText(signedForm(event.attributes, datahash), event);
  } catch (error) {
    if (!(error instanceof EvidenceError)) throw error;
    throw chainBroken(event, 'record', 'canonical JSON', recordOf(event), error);
  }
}

/** Whether this very record is in the metadata: as we write them, or in whatever other spelling they came back. */
const isStored = (event: DecodedEvent, record: string): boolean =>
  metadataText({ record, nonce: event.nonce }, event.root) === event.metadata || recordOf(event) === record;

/** Names the field in which the stored record differs from the one that should be there. */
function explain(event: DecodedEvent, datahash: string, rebuilt: string): EvidenceError {
  const revision = memberText(recordOf(event), 'revision');
  if (revision !== `${event.revision}`) return chainBroken(event, 'record.revision', `${event.revision}`, revision);
  const stored = memberText(recordOf(event), 'event', 'datahash');
  if (stored !== `"${datahash}"`) return chainBroken(event, 'record.event.datahash', `"${datahash}"`, stored);
  return chainBroken(event, 'record', rebuilt, recordOf(event));
}

/** A member of a record as JSON, `absent` where the path leads nowhere. The record was parsed once already. */
function memberText(record: string, ...path: readonly string[]): string {
  let value: unknown = JSON.parse(record);
  for (const name of path) value = (value as Readonly<Record<string, unknown>> | null | undefined)?.[name];
  return JSON.stringify(value) ?? 'absent';
}
