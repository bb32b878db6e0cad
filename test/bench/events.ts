/**
 * The events that the benches send: what the parties of a production contract report, in the mix and at the size
 * (about 450 bytes as sent) in which it comes from their systems. Made by counting, so that every run sends the same.
 */

/** When everything here is said to have happened; before any clock of today, so that nothing is refused as to come. */
const YEAR = 2024;
const LINES = 6;
const URN = 'urn:waybook:party:';
const two = (value: number): string => (value < 10 ? `0${value}` : String(value));

/** A day of the year, going round. */
const day = (step: number): string => `${YEAR}-${two(1 + (Math.floor(step / 28) % 12))}-${two(1 + (step % 28))}`;
const instant = (step: number): string =>
  `${day(Math.floor(step / 96))}T${two(step % 24)}:${two((step * 7) % 60)}:${two((step * 13) % 60)}Z`;

export const lineOf = (index: number): string => `L${two(1 + (index % LINES))}`;

/** The registration of a contract in its short form, with six lines and a milestone of each kind for each line. */
export function registrationOf(contract: string): string {
  const usd = (amount: string) => ({ amount, currency: 'USD' });
  const party = (id: string, role: string, country: string) => ({
    party: id,
    name: `${id} (illustrative)`,
    role,
    country,
  });
  const lines = Array.from({ length: LINES }, (_, index) => index);
  return JSON.stringify({
    contract,
    title: `Airborne early warning support equipment ${contract}`,
    reference: `JA-${contract}`,
    programme: 'bench',
    signedOn: `${YEAR - 1}-11-01`,
    value: usd('120000000.00'),
    parties: [
      party('jp-mod', 'buyer', 'JP'),
      party('us-gov', 'seller', 'US'),
      party('northgate', 'prime', 'US'),
      party('radarworks', 'subcontractor', 'US'),
      party('pacific-lines', 'carrier', 'US'),
      party('dcma', 'inspector', 'US'),
    ],
    lines: lines.map((index) => ({
      line: lineOf(index),
      description: `Receiver group ${index + 1}, with spares and technical data`,
      // Enough for all that a million events deliver.
      quantity: 2_000_000,
      unit: 'EA',
      unitValue: usd('10.00'),
      standard: 'AS9102',
    })),
    milestones: lines.flatMap((index) =>
      (['manufacturing', 'quality', 'shipment', 'delivery'] as const).map((kind) => ({
        milestone: `${lineOf(index)}-${kind}`,
        line: lineOf(index),
        kind,
        description: `${kind} of line ${lineOf(index)}`,
        due: `${YEAR + 1}-06-30`,
        binding: 'estimate',
      })),
    ),
    terms: {
      reportEveryDays: 30,
      delayNoticeDays: 30,
      acknowledgeWithinDays: 14,
      resolveWithinDays: 365,
      discrepancyWithinDays: 365,
      settleWithinDays: 730,
    },
  });
}

/** What comes round and round: out of twenty events seven of progress, four of quality, six of shipments and so on. */
const ROUND = [
  'progress',
  'quality',
  'progress',
  'dispatched',
  'forecast',
  'progress',
  'moved',
  'quality',
  'progress',
  'moved-again',
  'delay',
  'progress',
  'quality',
  'received',
  'progress',
  'accepted',
  'acknowledged',
  'progress',
  'quality',
  'forecast',
] as const;

/**
 * One event as it is sent: a CloudEvent in the compact JSON that a client's `JSON.stringify` writes.
 * @param sequence from 0 within its contract and lane; what a later event speaks of was said by an earlier one
 * @param lane keeps apart what several connections send of one contract at once
 */
export function eventText(contract: string, sequence: number, lane = ''): string {
  const kind = ROUND[sequence % ROUND.length]!;
  const line = lineOf(sequence);
  // All of a round is about one shipment of one line, and about one delay.
  const round = Math.floor(sequence / ROUND.length);
  const shipped = lineOf(round);
  const shipment = `TCN-${lane}${round}`;
  const sent = (party: string, type: string, data: string): string =>
    `{"specversion":"1.0","id":"${party}-${contract}-${lane}${sequence}","source":"${URN}${party}:plant-2",` +
    `"type":"${type}","time":"${instant(sequence)}","subject":"${contract}",` +
    `"correlationid":"wo-${7_000_000 + sequence}","datacontenttype":"application/json","data":${data}}`;
  switch (kind) {
    case 'progress':
      return sent(
        sequence % 2 === 0 ? 'northgate' : 'radarworks',
        'ManufacturingProgressed',
        `{"line":"${line}","stage":"final assembly, station ${1 + (sequence % 40)}: receiver exciter and power ` +
          `distribution harness routed, torqued and witnessed by the cell lead","percent":${Math.min(100, Math.floor(sequence / 200))},` +
          `"unitsCompleted":${Math.floor(sequence / 25)}}`,
      );
    case 'quality':
      return sent(
        'dcma',
        'QualityCheckRecorded',
        `{"check":"QC-${lane}${sequence}","line":"${line}","kind":"in-process","standard":"AS9102","quantity":4,` +
          `"result":"${sequence % 17 === 0 ? 'conditional' : 'pass'}","sampleSize":4,"characteristics":[` +
          `{"name":"insertion loss","nominal":"0.80","lower":"0.60","upper":"1.00","measured":"0.${70 + (sequence % 25)}","unit":"DBM"}],` +
          `"lot":"LOT-${Math.floor(sequence / 60)}"}`,
      );
    case 'dispatched':
      return sent(
        'northgate',
        'ShipmentDispatched',
        `{"shipment":"${shipment}","items":[{"line":"${shipped}","quantity":2,` +
          `"serials":["SN-${sequence}-A","SN-${sequence}-B"]}],"carrier":"pacific-lines","mode":"air",` +
          `"from":"Melbourne, Florida","to":"Misawa Air Base","eta":"${instant(sequence + 900)}"}`,
      );
    case 'moved':
    case 'moved-again':
      return sent(
        'pacific-lines',
        'ShipmentMoved',
        `{"shipment":"${shipment}","location":"${kind === 'moved' ? 'Travis Air Force Base, California, outbound freight terminal' : 'Yokota Air Base, Tokyo, inbound customs and bonded storage'}",` +
          `"status":"${kind === 'moved' ? 'departed' : 'arrived'}","eta":"${instant(sequence + 500)}"}`,
      );
    case 'received':
      return sent(
        'jp-mod',
        'ShipmentReceived',
        `{"shipment":"${shipment}","items":[{"line":"${shipped}","quantity":2,` +
          `"serials":["SN-${sequence - 10}-A","SN-${sequence - 10}-B"],"condition":"sealed and undamaged"}],` +
          `"location":"Misawa Air Base, supply squadron, bay 4"}`,
      );
    case 'accepted':
      return sent(
        'jp-mod',
        'DeliveryAccepted',
        `{"shipment":"${shipment}","items":[{"line":"${shipped}","quantity":2}],"acceptancePoint":"destination"}`,
      );
    case 'forecast':
      return sent(
        'northgate',
        'ForecastRevised',
        `{"milestone":"${line}-${sequence % 3 === 0 ? 'delivery' : 'manufacturing'}","forecast":"${YEAR + 2}-${two(1 + (sequence % 12))}-15",` +
          `"reason":"The supplier of the travelling wave tube has moved its promised date; the line waits for the second lot"}`,
      );
    case 'delay':
      return sent(
        'radarworks',
        'DelayReported',
        `{"delay":"D-${lane}${round}","cause":{"code":"parts-shortage","locus":"subcontractor",` +
          `"party":"radarworks","detail":"Gallium nitride wafers arrive six weeks late; no second source is qualified"},` +
          `"startedOn":"${day(sequence)}","forecasts":[{"milestone":"${line}-delivery","forecast":"${YEAR + 2}-09-${two(1 + (sequence % 28))}"}]}`,
      );
    case 'acknowledged':
      return sent('jp-mod', 'DelayAcknowledged', `{"delay":"radarworks/D-${lane}${round}"}`);
  }
}

/** A series of events that goes round some contracts, each contract's in their order. */
export class EventSource {
  readonly #contracts: readonly string[];
  readonly #lane: string;
  readonly #next: number[];
  #at = 0;

  constructor(contracts: readonly string[], lane = '') {
    this.#contracts = contracts;
    this.#lane = lane;
    this.#next = contracts.map(() => 0);
  }

  /** The next event, of the next contract. */
  next(): string {
    const at = this.#at;
    this.#at = at + 1 === this.#contracts.length ? 0 : at + 1;
    return this.of(at);
  }

  /** The next event of the contract at that place in the list. */
  of(at: number): string {
    const sequence = this.#next[at]!;
    this.#next[at] = sequence + 1;
    return eventText(this.#contracts[at]!, sequence, this.#lane);
  }
}

/** Names for contracts; `tag` keeps the runs on one store apart. */
export const contractNames = (count: number, tag: string): readonly string[] =>
  Array.from({ length: count }, (_, index) => `${tag}-${String(index).padStart(4, '0')}`);
