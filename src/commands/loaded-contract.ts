/** A contract's stream folded for deciding: its state, and where its tree stands. */
import { evolve, upcast } from '../contract/contract.js';
import type { ContractEvent } from '../contract/event-type.js';
import { DecisionState } from '../contract/state.js';
import { decodeEvent, type DecodedEvent } from '../evidence/record.js';
import { Frontier } from '../evidence/merkle.js';
import { StreamVerifier } from '../evidence/stream-verifier.js';
import type { EventStore } from '../event-store/event-store.js';

export const streamOf = (contract: string): string => `contract-${contract}`;

/** Changes in place; whoever changes it ahead of an append rolls it back where the append comes to nothing. */
export class LoadedContract {
  readonly contract: string;
  readonly state = new DecisionState();
  frontier = Frontier.empty;
  /** Of the last event; -1 for none. */
  revision = -1;
  /** Of the last event, '' for none. */
  recordedtime = '';

  constructor(contract: string) {
    this.contract = contract;
  }

  /**
   * Reads on from where it stands to the end of the stream, checking every hash.
   * @throws EvidenceError `stream-truncated`, `chain-broken`
   * @throws ContractError `unknown-type`, `unknown-version`
   * @throws EventStoreError
   */
  async readOn(store: EventStore): Promise<void> {
    const stream = streamOf(this.contract);
    const verifier = new StreamVerifier(stream, { frontier: this.frontier, lastRecordedtime: this.recordedtime });
    for await (const page of store.readStream(stream, BigInt(this.revision + 1))) {
      for (const stored of page) {
        const event = decodeEvent(stored);
        verifier.check(event);
        evolve(this.state, contractEvent(event), Number(event.revision));
        this.revision = Number(event.revision);
        this.recordedtime = event.recordedtime;
      }
      this.frontier = verifier.frontier;
      this.state.commit();
    }
    verifier.finish();
  }

  get bytes(): number {
    return this.state.bytes + 2_048;
  }
}

/** A decoded event as deciding sees it. @throws ContractError `unknown-type`, `unknown-version` */
export function contractEvent(event: DecodedEvent): ContractEvent<object> {
  const { id, source, type, time, subject, onbehalfof } = event.attributes;
  return {
    contract: subject,
    revision: Number(event.revision),
    id,
    source,
    type,
    version: event.version,
    time,
    recordedtime: event.recordedtime,
    reporter: event.reporter,
    onBehalfOf: onbehalfof,
    party: onbehalfof ?? event.reporter,
    data: upcast(type, event.version, event.data) as object,
  };
}
