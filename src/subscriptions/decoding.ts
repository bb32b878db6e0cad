/**
 * From stored events to the effective events that facts are folded from. Of all the ledger's streams only those of
 * contracts are decoded here; events of the others move positions and mean nothing to read models.
 */
import { fold, upcast } from '../contract/contract.js';
import { CORRECTION, correctedName, type EventCorrected } from '../contract/correction.js';
import { nameOf, nameText, type CorrectionName, type EffectiveEvent } from '../contract/event-type.js';
import type { ContractModel } from '../contract/model.js';
import type { StoredEvent } from '../event-store/event-store.js';
import { decodeEvent, type DecodedEvent } from '../evidence/record.js';

const CONTRACT_STREAM = 'contract-';
export const REGISTRATION = 'ContractRegistered';

/** How the contract reads its events. Handed in so that a test can say what an event does to the facts. */
export interface FoldRules {
  /** Brings data to the newest version of its type. @throws ContractError `unknown-type`, `unknown-version` */
  upcast(type: string, version: number, data: unknown): unknown;
  /** Takes an effective event into the facts, in place. */
  fold(model: ContractModel, event: EffectiveEvent): void;
}

export const contractRules: FoldRules = { upcast, fold };

/** The contract whose stream it is, `undefined` for streams that are no contract's. */
export const contractOf = (stream: string): string | undefined =>
  stream.startsWith(CONTRACT_STREAM) ? stream.slice(CONTRACT_STREAM.length) : undefined;

export const streamOf = (contract: string): string => CONTRACT_STREAM + contract;

/**
 * The event as it was recorded, its data brought to the newest version; corrections not looked at.
 * @throws EvidenceError `chain-broken` where the stored event has not the shape of one of the ledger's
 * @throws ContractError `unknown-type`, `unknown-version`
 */
export const effectiveEvent = (stored: StoredEvent, rules: FoldRules): EffectiveEvent =>
  fromDecoded(decodeEvent(stored), rules);

/** The same for an event of a contract's stream that has been taken apart already. */
export function fromDecoded(decoded: DecodedEvent, rules: FoldRules): EffectiveEvent {
  const { attributes, reporter, version } = decoded;
  const onBehalfOf = attributes.onbehalfof;
  const data = rules.upcast(attributes.type, version, decoded.data);
  return {
    contract: decoded.stream.slice(CONTRACT_STREAM.length),
    revision: Number(decoded.revision),
    id: attributes.id,
    source: attributes.source,
    type: attributes.type,
    version,
    time: attributes.time,
    recordedtime: decoded.recordedtime,
    reporter,
    onBehalfOf,
    party: onBehalfOf ?? reporter,
    data,
    asSent: data,
    position: decoded.position,
    dataText: decoded.dataText,
    withdrawn: false,
    correctedBy: undefined,
    superseded: false,
  };
}

interface Deciding {
  readonly revision: number;
  readonly by: CorrectionName;
  readonly correction: EventCorrected;
}

/**
 * The corrections of one contract: which of them decides what each event is now. That is the last one of an event by
 * revision, whatever the `time` of any of them.
 */
export class Corrections {
  readonly #deciding = new Map<string, Deciding>();

  /** Notes a correction. To be called in the order of revisions. */
  note(event: EffectiveEvent): void {
    const correction = event.data as EventCorrected;
    this.#deciding.set(nameText(correctedName({ source: event.source, data: correction })), {
      revision: event.revision,
      by: { ...nameOf(event), recordedtime: event.recordedtime },
      correction,
    });
  }

  /** The event as the deciding correction leaves it. One that nobody corrected is given back as it is. */
  apply(event: EffectiveEvent, rules: FoldRules): EffectiveEvent {
    if (this.#deciding.size === 0) return event;
    if (event.type === CORRECTION) {
      const data = event.data as EventCorrected;
      const deciding = this.#deciding.get(nameText(correctedName({ source: event.source, data })));
      return deciding === undefined || deciding.revision <= event.revision ? event : { ...event, superseded: true };
    }
    const deciding = this.#deciding.get(nameText(event));
    // An event that comes after what names it was not there to be corrected.
    if (deciding === undefined || deciding.revision < event.revision) return event;
    const { by, correction } = deciding;
    switch (correction.reason) {
      case 'did-not-occur':
        return { ...event, withdrawn: true, correctedBy: by };
      case 'incorrect-data':
        return {
          ...event,
          data: rules.upcast(event.type, event.version, correction.replacement),
          correctedBy: by,
        };
    }
  }
}
