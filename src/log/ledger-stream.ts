/**
 * The stream `ledger`: what this ledger is. Its first event, `LedgerInitialised`, fixes origin, clock and key for ever;
 * nothing is signed with the key yet. Where the clock is moved by hand, each move is an event of it, too.
 */
import { createHash, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { canonicalJson } from '../evidence/canonical.js';
import { Frontier } from '../evidence/merkle.js';
import { decodeEvent, metadataText, sealEvent } from '../evidence/record.js';
import { StreamVerifier } from '../evidence/stream-verifier.js';
import { EventStoreError, type EventStore, type EventToAppend } from '../event-store/event-store.js';

export const LEDGER_STREAM = 'ledger';

export interface LedgerIdentity {
  /** A name without scheme, spaces or plus signs; that of a demonstration begins with `demo.`. */
  readonly origin: string;
  readonly clock: 'system' | 'stepped';
  /** A C2SP signed-note verifier key: NAME+ID+BASE64(0x01 || Ed25519 public key). */
  readonly key: string;
}

export type LedgerErrorCode = 'not-initialised' | 'already-initialised' | 'other-ledger';

export class LedgerError extends Error {
  override readonly name = 'LedgerError';
  readonly code: LedgerErrorCode;
  constructor(code: LedgerErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** A new Ed25519 key, as PEM (PKCS 8). It is the caller's to keep it, mode 0600. */
export const makeKey = (): string =>
  generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

/**
 * The verifier key of a private or public key under a name.
 * C2SP signed-note: the id is the first four bytes of SHA-256(name || LF || 0x01 || public key).
 */
export function verifierKey(origin: string, key: string | KeyObject): string {
  const { x } = createPublicKey(key).export({ format: 'jwk' });
  if (x === undefined) throw new TypeError('the ledger’s key must be an Ed25519 key');
  const algorithmAndKey = Buffer.concat([Buffer.of(1), Buffer.from(x, 'base64url')]);
  const id = createHash('sha256').update(`${origin}\n`).update(algorithmAndKey).digest().subarray(0, 4);
  return `${origin}+${id.toString('hex')}+${algorithmAndKey.toString('base64')}`;
}

/**
 * Writes the first event of the stream `ledger`.
 * @param nowMs where the ledger's time begins
 * @throws LedgerError `already-initialised`
 */
export async function initialise(
  store: EventStore,
  identity: LedgerIdentity,
  nowMs: number,
  random: (bytes: number) => Uint8Array,
): Promise<void> {
  const { event } = seal(
    { id: 'initialised', type: 'LedgerInitialised', content: identity },
    nowMs,
    random,
    Frontier.empty,
  );
  try {
    await store.append(LEDGER_STREAM, 'no-stream', [event]);
  } catch (error) {
    if (error instanceof EventStoreError && error.code === 'wrong-expected-revision')
      throw new LedgerError('already-initialised', 'this event store holds a ledger already');
    throw error;
  }
}

/** The next event of the ledger about itself, as it is stored, and the frontier after it. */
function seal(
  { id, type, content }: { readonly id: string; readonly type: string; readonly content: object },
  nowMs: number,
  random: (bytes: number) => Uint8Array,
  before: Frontier,
): { readonly event: EventToAppend; readonly frontier: Frontier } {
  const recordedtime = new Date(nowMs).toISOString();
  const data = canonicalJson({ ...content });
  const sealed = sealEvent({
    attributes: {
      specversion: '1.0',
      id,
      source: 'urn:waybook:party:ledger',
      type,
      time: recordedtime,
      subject: LEDGER_STREAM,
    },
    canonicalData: data,
    nonce: random(16),
    revision: before.size,
    recordedtime,
    reporter: 'ledger',
    version: 1,
  });
  const frontier = before.append(sealed.leaf);
  return { event: { id: sealed.id, type, data, metadata: metadataText(sealed, frontier.root()) }, frontier };
}

interface StreamEnd {
  readonly frontier: Frontier;
  /** How far the clock had been moved by then. */
  readonly movedMs: number;
}

/**
 * Keeps how far a stepped clock was moved, as `ClockMoved` in the stream `ledger`: the clock of a process that is started
 * again goes on from the last event there is, and never back.
 */
export class ClockLog {
  readonly #store: EventStore;
  readonly #random: (bytes: number) => Uint8Array;
  /** Where the stream ends; `undefined` until it has been read, and where that is not known. */
  #end: StreamEnd | undefined;

  constructor(store: EventStore, random: (bytes: number) => Uint8Array) {
    this.#store = store;
    this.#random = random;
  }

  /**
   * Resolves when it is on the disk that the clock stands at `nowMs`, or was further already. One call follows another.
   * @throws EventStoreError, EvidenceError
   */
  async moved(nowMs: number): Promise<void> {
    for (;;) {
      const { frontier, movedMs } = (this.#end ??= await this.#read());
      if (movedMs >= nowMs) return;
      const now = new Date(nowMs).toISOString();
      const what = { id: `clock-${now}`, type: 'ClockMoved', content: { now } };
      const next = seal(what, nowMs, this.#random, frontier);
      this.#end = undefined;
      try {
        await this.#store.append(LEDGER_STREAM, frontier.size - 1n, [next.event]);
        this.#end = { frontier: next.frontier, movedMs: nowMs };
        return;
      } catch (error) {
        // Another process was faster: its event is read, and then there may be nothing left to say.
        if (!(error instanceof EventStoreError && error.code === 'wrong-expected-revision')) throw error;
      }
    }
  }

  async #read(): Promise<StreamEnd> {
    const verifier = new StreamVerifier(LEDGER_STREAM);
    let movedMs = 0;
    for await (const page of this.#store.readStream(LEDGER_STREAM, 0n))
      for (const stored of page) {
        const event = decodeEvent(stored);
        verifier.check(event);
        movedMs = Date.parse(event.recordedtime);
      }
    return { frontier: verifier.frontier, movedMs };
  }
}

/**
 * What the store says the ledger is, and when its time began.
 * @throws LedgerError `not-initialised`
 * @throws EvidenceError where the stream does not hold
 */
export async function readIdentity(store: EventStore): Promise<LedgerIdentity & { readonly startMs: number }> {
  const verifier = new StreamVerifier(LEDGER_STREAM);
  for await (const page of store.readStream(LEDGER_STREAM, 0n, 'forwards', 1))
    for (const stored of page) {
      const event = decodeEvent(stored);
      verifier.check(event);
      const { origin, clock, key } = event.data as Record<string, unknown>;
      if (event.attributes.type !== 'LedgerInitialised' || typeof origin !== 'string' || typeof key !== 'string') break;
      return {
        origin,
        clock: clock === 'stepped' ? 'stepped' : 'system',
        key,
        startMs: Date.parse(event.recordedtime),
      };
    }
  throw new LedgerError('not-initialised', 'this event store holds no ledger yet; `waybook init` makes one');
}

/** @throws LedgerError `other-ledger` naming what differs */
export function mustBe(
  identity: LedgerIdentity,
  wanted: { readonly origin: string | undefined; readonly clock: string | undefined; readonly key: string },
): void {
  const differs = (what: string, is: string, expected: string): LedgerError =>
    new LedgerError(
      'other-ledger',
      `the ledger’s ${what} is ${is}, not ${expected}; it was fixed at init and never changes`,
    );
  if (wanted.origin !== undefined && wanted.origin !== identity.origin)
    throw differs('origin', identity.origin, wanted.origin);
  if (wanted.clock !== undefined && wanted.clock !== identity.clock)
    throw differs('clock', identity.clock, wanted.clock);
  if (wanted.key !== identity.key) throw differs('key', identity.key, `${wanted.key} of the key file`);
}
