/** Quality: checks against a standard and what they cover, nonconformances and what became of them. */
import {
  IsCount,
  IsDecimal,
  IsId,
  IsName,
  IsOneOf,
  IsQuantity,
  IsReference,
  IsText,
  IsUnit,
  ListOf,
  ListOfParts,
  MAX_SERIALS,
  Optional,
} from './fields.js';
import {
  eventType,
  mention,
  named,
  nameOf,
  qualified,
  without,
  type EffectiveEvent,
  type EventName,
} from './event-type.js';
import { isAfter, type ContractModel, type LineFacts, type Stand } from './model.js';
import { quantityData, quantityOf } from './money.js';
import { flagStated } from './quantity-flags.js';
import { acceptedOf, inForce } from './terms-in-force.js';

/** One measured property: what it should be, within which limits, and what it was. */
export class Characteristic {
  @IsName() readonly name!: string;
  @IsDecimal() readonly nominal!: number | string;
  @IsDecimal() readonly lower!: number | string;
  @IsDecimal() readonly upper!: number | string;
  @IsDecimal() readonly measured!: number | string;
  @IsUnit() readonly unit!: string;
}

export class QualityCheckRecorded {
  @IsId() readonly check!: string;
  @IsId() readonly line!: string;
  @IsOneOf(['first-article', 'in-process', 'final', 'source', 'receiving']) readonly kind!: string;
  /** AS9102, AQAP-2110 and the like. */
  @IsName() readonly standard!: string;
  @IsQuantity() readonly quantity!: number | string;
  @IsOneOf(['pass', 'fail', 'conditional']) readonly result!: 'pass' | 'fail' | 'conditional';
  @Optional() @IsCount() readonly sampleSize?: number;
  @Optional() @ListOfParts(() => Characteristic) readonly characteristics?: readonly Characteristic[];
  @Optional() @ListOf('name', { max: MAX_SERIALS }) readonly serials?: readonly string[];
  @Optional() @IsName() readonly lot?: string;
  @Optional() @IsName() readonly certificate?: string;
}

export const SEVERITIES = ['minor', 'major', 'critical'] as const;
export const DISPOSITIONS = ['rework', 'repair', 'use-as-is', 'scrap', 'return'] as const;

export class NonconformanceRaised {
  @IsId() readonly nonconformance!: string;
  @Optional() @IsReference() readonly check?: string;
  @IsId() readonly line!: string;
  @IsQuantity() readonly quantity!: number | string;
  @IsText() readonly defect!: string;
  @IsOneOf(SEVERITIES) readonly severity!: (typeof SEVERITIES)[number];
}

export class NonconformanceDispositioned {
  @IsReference() readonly nonconformance!: string;
  @IsOneOf(DISPOSITIONS) readonly disposition!: (typeof DISPOSITIONS)[number];
  /** The party that approved it. */
  @IsId() readonly approvedBy!: string;
}

/** A check as it is shown; it changes no more but by a correction. */
export type CheckFacts = EffectiveEvent<QualityCheckRecorded>;

export interface DispositionFacts extends Stand {
  readonly event: Required<EventName>;
  readonly by: string;
  readonly onBehalfOf: string | undefined;
  readonly recordedtime: string;
  readonly disposition: string;
  readonly approvedBy: string;
}

export interface NonconformanceFacts {
  /** `PARTY/ID`. */
  readonly nonconformance: string;
  readonly raised: EffectiveEvent<NonconformanceRaised>;
  readonly line: string;
  /** `PARTY/ID` of the check that found it. */
  readonly check: string | undefined;
  /** In recorded order. */
  readonly dispositions: DispositionFacts[];
}

/** What the checks of a line come to. */
export class LineQuality {
  /** By standard, what passed checks of units that are made cover: serials once each, and quantities without (millionths). */
  readonly #covered = new Map<string, { readonly serials: Set<string>; quantity: bigint }>();
  /** The first check of each kind and serial or lot. */
  readonly #first = new Map<string, Stand & { readonly passed: boolean }>();
  #passed = 0;

  /** How many serial numbers, lots and the like it remembers. */
  get size(): number {
    let size = this.#first.size;
    for (const { serials } of this.#covered.values()) size += serials.size;
    return size;
  }
  get firstChecks(): number {
    return this.#first.size;
  }
  get firstPassed(): number {
    return this.#passed;
  }

  add(check: CheckFacts): void {
    const { kind, standard, result, quantity, serials, lot } = check.data;
    const passed = result === 'pass';
    if (passed && (kind === 'final' || kind === 'source' || kind === 'receiving')) {
      let of = this.#covered.get(standard);
      if (of === undefined) this.#covered.set(standard, (of = { serials: new Set(), quantity: 0n }));
      if (serials === undefined || serials.length === 0) of.quantity += quantityOf(quantity);
      else for (const serial of serials) of.serials.add(serial);
    }
    const keys =
      serials === undefined || serials.length === 0
        ? [`${kind}\nlot\n${lot ?? ''}`]
        : new Set(serials.map((serial) => `${kind}\nserial\n${serial}`));
    const stand = { time: check.time, revision: check.revision, passed };
    for (const key of keys) {
      const before = this.#first.get(key);
      if (before !== undefined && !isAfter(before, check)) continue;
      this.#first.set(key, stand);
      this.#passed += Number(passed) - Number(before?.passed ?? false);
    }
  }

  /** What is covered by a standard, in millionths. */
  covered(standard: string): bigint {
    const of = this.#covered.get(standard);
    return of === undefined ? 0n : of.quantity + BigInt(of.serials.size) * 1_000_000n;
  }

  get standards(): readonly string[] {
    return [...this.#covered.keys()].sort();
  }
}

const qualityOf = (line: LineFacts): LineQuality => (line.quality ??= new LineQuality());

function foldCheck(model: ContractModel, event: EffectiveEvent<QualityCheckRecorded>): void {
  const { check, line, quantity } = event.data;
  model.checkLines.set(`${event.party}/${check}`, line);
  model.touched.said.checks.push(event);
  if (event.withdrawn) return;
  qualityOf(model.line(line)).add(event);
  flagStated(model, event, line, quantityOf(quantity));
}

function foldRaised(model: ContractModel, event: EffectiveEvent<NonconformanceRaised>): void {
  const { data } = event;
  const nonconformance = `${event.party}/${data.nonconformance}`;
  model.nonconformances.set(nonconformance, {
    nonconformance,
    raised: event,
    line: data.line,
    check: data.check === undefined ? undefined : qualified('check', data.check, event.party),
    dispositions: [],
  });
  model.touch('nonconformance', nonconformance);
  if (event.withdrawn) return;
  if (data.severity === 'critical') model.criticalOpen.add(nonconformance);
  flagStated(model, event, data.line, quantityOf(data.quantity));
}

function foldDispositioned(model: ContractModel, event: EffectiveEvent<NonconformanceDispositioned>): void {
  if (event.withdrawn) return;
  const facts = model.nonconformances.get(qualified('nonconformance', event.data.nonconformance, event.party));
  if (facts === undefined) return; // raised after the day that is asked about
  const { time, revision, recordedtime, onBehalfOf } = event;
  facts.dispositions.push({
    time,
    revision,
    recordedtime,
    event: nameOf(event),
    by: event.reporter,
    onBehalfOf,
    disposition: event.data.disposition,
    approvedBy: event.data.approvedBy,
  });
  model.criticalOpen.delete(facts.nonconformance);
  model.touch('nonconformance', facts.nonconformance);
}

export interface LineCoverage {
  readonly accepted: number | string;
  readonly covered: number | string | null;
  readonly uncovered: number | string | null;
  readonly coveredBy: readonly { readonly standard: string; readonly quantity: number | string }[];
}

/** What of a line's accepted quantity is covered by passed checks of its own standard, and by each that was named. */
export function coverageOf(model: ContractModel, id: string): LineCoverage {
  const facts = model.lines.get(id);
  const accepted = acceptedOf(model, id);
  const standard = inForce(model).lines.get(id)?.standard ?? null;
  const covered = standard === null ? undefined : (facts?.quality?.covered(standard) ?? 0n);
  return {
    accepted: quantityData(accepted),
    covered: covered === undefined ? null : quantityData(covered),
    uncovered: covered === undefined ? null : quantityData(accepted > covered ? accepted - covered : 0n),
    coveredBy: (facts?.quality?.standards ?? []).map((name) => ({
      standard: name,
      quantity: quantityData(facts?.quality?.covered(name) ?? 0n),
    })),
  };
}

export const qualityTypes = [
  eventType<QualityCheckRecorded>({
    type: 'QualityCheckRecorded',
    description: 'An inspection of some quantity of a line against a standard, and its result.',
    version: 1,
    payload: QualityCheckRecorded,
    act: false,
    by: ['prime', 'subcontractor', 'inspector', 'buyer'],
    inPersonOnly: true,
    names: (data) => named('line', data.line, '/line'),
    opens: (data) => ({ kind: 'check', id: data.check, pointer: '/check' }),
    keeps: (data) => [`check ${data.check}`],
    portfolio: {
      folds: true,
      keep: (data) => ({
        ...without(data, 'standard', 'quantity', 'sampleSize', 'characteristics', 'certificate'),
        standard: '',
        quantity: 0,
      }),
    },
    fold: foldCheck,
  }),
  eventType<NonconformanceRaised>({
    type: 'NonconformanceRaised',
    description: 'Some quantity of a line does not conform: what is wrong, and how grave it is.',
    version: 1,
    payload: NonconformanceRaised,
    act: false,
    by: ['inspector', 'prime', 'buyer'],
    names: (data) => named('line', data.line, '/line'),
    mentions: (data) => mention('check', data.check, '/check'),
    opens: (data) => ({ kind: 'nonconformance', id: data.nonconformance, pointer: '/nonconformance' }),
    keeps: (data) => [`nonconformance ${data.nonconformance}`],
    portfolio: { folds: true, keep: (data) => ({ ...without(data, 'defect'), quantity: 0 }) },
    fold: foldRaised,
  }),
  eventType<NonconformanceDispositioned>({
    type: 'NonconformanceDispositioned',
    description: 'What is done with what does not conform, and which party approved it.',
    version: 1,
    payload: NonconformanceDispositioned,
    act: false,
    by: ['inspector', 'seller', 'buyer'],
    inPersonOnly: true,
    names: (data) => named('party', data.approvedBy, '/approvedBy'),
    answers: (data) => mention('nonconformance', data.nonconformance, '/nonconformance'),
    portfolio: { folds: true, keep: (data) => data },
    fold: foldDispositioned,
  }),
];
