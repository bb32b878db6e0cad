/**
 * Random histories of one contract: steps that fast-check draws and shrinks, turned into events as parties would send
 * them. What the decider refuses is left out by whoever plays them; most is taken.
 */
import fc from 'fast-check';
import { canonicalJson } from '../../src/evidence/canonical.js';
import { event, registrationData, usd, type Options, type Sent } from './scenario.js';

const KINDS = [
  'forecast',
  'reached',
  'amend',
  'agree',
  'refuse',
  'make',
  'check',
  'dispatch',
  'move',
  'receive',
  'accept',
  'reject',
  'delay',
  'acknowledge',
  'resolve',
  'party',
  'confirm',
  'contest',
  'close',
  'nonconform',
  'disposition',
  'mitigate',
  'mitigated',
  'determine',
  'raise',
  'answer',
  'closeReport',
  'pay',
  'bill',
  'match',
  'settle',
  'dispute',
  'position',
  'withdraw',
  'submit',
  'decide',
  'overdue',
  'escalate',
  'correct',
] as const;
export type Kind = (typeof KINDS)[number];

/** One thing that somebody says. The numbers choose among whatever there is to choose from. */
export interface Step {
  readonly kind: Kind;
  /** Days that pass before the ledger takes it in; none means the very same instant. */
  readonly gap: number;
  /** How many days before that it happened. */
  readonly late: number;
  readonly pick: number;
  readonly other: number;
  readonly third: number;
}

const weight: Readonly<Partial<Record<Kind, number>>> = {
  forecast: 3,
  amend: 4,
  agree: 5,
  dispatch: 3,
  accept: 6,
  reject: 2,
  correct: 8,
  party: 2,
  delay: 3,
  determine: 4,
  decide: 3,
  settle: 3,
  overdue: 1,
  escalate: 1,
  mitigate: 3,
  mitigated: 3,
  answer: 3,
  position: 3,
};

const number = fc.nat({ max: 999 });
/** Histories of some kinds of step only, which meet each other more often so. */
export const stepsAmong = (kinds: readonly Kind[]): fc.Arbitrary<readonly Step[]> =>
  fc.array(
    fc.record({
      kind: fc.oneof(...kinds.map((kind) => ({ weight: weight[kind] ?? 2, arbitrary: fc.constant(kind) }))),
      gap: fc.oneof(fc.constant(0), fc.nat({ max: 40 })),
      late: fc.oneof(fc.constant(0), fc.nat({ max: 400 })),
      pick: number,
      other: number,
      third: number,
    }),
    { maxLength: 60, size: 'max' },
  );

export const steps = stepsAmong(KINDS);

const START = Date.parse('2020-06-01T12:00:00Z');
const DAY_MS = 86_400_000;
const LINES = ['1', '2', 'L3'] as const;
const MILESTONES = ['M1', 'D1', 'P1', 'D2', 'D3'] as const;
const SHIPMENTS = ['S1', 'S2', 'S3'] as const;
const TERMS = [
  { delayNoticeDays: 5, settleWithinDays: 1 },
  { delayNoticeDays: 400, acknowledgeWithinDays: 2 },
  { discrepancyWithinDays: 3, settleWithinDays: 30 },
  { discrepancyWithinDays: 900, resolveWithinDays: 10 },
  { settleWithinDays: 900, reportEveryDays: 5 },
] as const;
const QUANTITIES = [0, 1, 2, 4, '0.5', '1.25', '0.000001'] as const;

const of = <T>(list: readonly T[], index: number): T => list[index % list.length]!;
/** A day within about four years; half of them are of a few, so that the same day is often said again. */
const day = (number: number): string => {
  const days = (number % 2 === 0 ? number : number - (number % 250)) * 1.7;
  return new Date(Date.parse('2020-02-01T00:00:00Z') + days * DAY_MS).toISOString().slice(0, 10);
};

const ARBITER = { party: 'arbiter', name: 'Arbiter (illustrative)', role: 'adjudicator', country: 'CH' };

interface Said {
  readonly type: string;
  readonly data: object;
  readonly by: string;
  readonly onbehalfof?: string;
}

function amendment({ pick, other, third }: Step, count: number): object {
  const changes: object[] = [
    { milestones: [{ milestone: of(MILESTONES, other), due: day(third) }] },
    {
      milestones: [{ milestone: of(MILESTONES, other), due: day(third), binding: 'firm' }],
      terms: { reportEveryDays: 30 },
    },
    { terms: of(TERMS, third) },
    { milestones: [{ milestone: of(MILESTONES, other), cancelled: true }] },
    { lines: [{ line: of(LINES, other), cancelled: true }] },
    {
      lines: [
        { line: of(LINES, other), quantity: of(QUANTITIES, third), responsible: of(['sub-a', 'prime-a'], third) },
      ],
    },
    { lines: [{ line: of(LINES, other), unitValue: usd(`${third}.50`) }], value: usd(`${third}.00`) },
    {
      lines: [
        { line: 'L3', description: 'Spare', quantity: of(QUANTITIES, other), unit: 'EA', unitValue: usd('33.33') },
      ],
      milestones: [
        { milestone: 'D2', kind: 'delivery', description: 'All of it', due: day(third), binding: 'firm' },
        {
          milestone: 'D3',
          line: of(LINES, other),
          quantity: 1,
          kind: 'delivery',
          description: 'One',
          due: day(other),
          binding: 'firm',
        },
      ],
    },
    { adjudicators: [{ party: 'judge', name: 'Judge (illustrative)', country: 'CH' }] },
  ];
  return { amendment: `A${count}`, consulted: ['us-gov'], rationale: 'as things are', ...of(changes, pick) };
}

const CHECKS = ['inspector-a/Q1', 'prime-a/Q2', 'prime-a/Q4'] as const;
const delayName = ({ pick, third }: Step): string => `${of(['prime-a', 'sub-a', 'jp-mod'], third)}/X${pick % 2}`;
const disputeName = ({ pick, third }: Step): string => `${of(['us-gov', 'jp-mod', 'sub-a'], third)}/C${pick % 2}`;

function determination(step: Step): object {
  const { pick, other, third } = step;
  const share = (days: number, index: number): object => {
    const accountable = of(['prime-a', 'jp-mod', 'force-majeure', 'concurrent', 'sub-a'], pick + index);
    return {
      days,
      class: of(['compensable', 'excusable', 'non-excusable'], other + index),
      accountable,
      ...(accountable === 'concurrent' ? { between: ['prime-a', 'jp-mod'] } : {}),
    };
  };
  return {
    delay: delayName(step),
    milestone: of(MILESTONES, other),
    shares: [third % 90, pick % 40, third % 7].slice(0, 1 + (pick % 3)).map(share),
    reasons: 'as found',
    evidence: other % 2 === 0 ? [] : [{ id: `e${other % 40}`, source: 'urn:waybook:party:prime-a' }],
  };
}

/** What a step says; `count` makes ids that nobody has used. `undefined` for steps that need what came before. */
function said(kind: Exclude<Kind, 'correct'>, step: Step, count: number): Said {
  const { pick, other, third } = step;
  const line = of(LINES, other);
  const milestone = of(MILESTONES, other);
  const shipment = of(SHIPMENTS, pick);
  const items = [{ line, quantity: of(QUANTITIES, third) }];
  switch (kind) {
    case 'forecast':
      return {
        type: 'ForecastRevised',
        data: { milestone, forecast: day(third), reason: 'as it looks' },
        by: of(['us-gov', 'prime-a', 'sub-a', 'carrier-a', 'jp-mod'], pick),
        ...(pick % 7 === 0 ? { by: 'prime-a', onbehalfof: 'sub-a' } : {}),
        ...(pick % 7 === 1 ? { by: 'jp-mod', onbehalfof: of(['us-gov', 'prime-a'], other) } : {}),
      };
    case 'reached':
      return {
        type: 'MilestoneReached',
        data: { milestone, on: day(third) },
        by: of(['prime-a', 'jp-mod', 'sub-a', 'inspector-a'], pick),
        ...(pick % 7 === 0 ? { by: 'us-gov', onbehalfof: of(['jp-mod', 'prime-a'], other) } : {}),
      };
    case 'amend':
      return {
        type: 'ContractAmended',
        data: amendment(step, count),
        by: of(['us-gov', 'jp-mod'], third),
        ...(pick % 5 === 0 ? { by: 'jp-mod', onbehalfof: 'us-gov' } : {}),
        ...(pick % 5 === 1 ? { by: 'us-gov', onbehalfof: 'jp-mod' } : {}),
      };
    case 'agree':
      return {
        type: 'AmendmentAgreed',
        data: { amendment: `A${pick % (count + 1)}` },
        by: of(['jp-mod', 'us-gov'], other),
      };
    case 'refuse':
      return {
        type: 'AmendmentRefused',
        data: { amendment: `A${pick % (count + 1)}`, reason: 'not so' },
        by: of(['jp-mod', 'us-gov'], other),
      };
    case 'make': {
      const by = of(['prime-a', 'sub-a'], third);
      if (pick % 3 === 0) return { type: 'ManufacturingStarted', data: { line, site: 'Plant', stage: 'casting' }, by };
      if (pick % 3 === 1)
        return { type: 'ManufacturingCompleted', data: { line, quantity: of(QUANTITIES, third) }, by };
      return {
        type: 'ManufacturingProgressed',
        data: { line, stage: 'assembly', percent: third % 101, unitsCompleted: of(QUANTITIES, third) },
        by,
      };
    }
    case 'check':
      return {
        type: 'QualityCheckRecorded',
        data: {
          check: `Q${pick % 6}`,
          line,
          kind: of(['final', 'receiving', 'in-process'], pick),
          standard: of(['AQAP-2110', 'AS9102'], other),
          quantity: of(QUANTITIES, other),
          result: of(['pass', 'fail', 'conditional'], third),
          ...(pick % 2 === 0 ? { serials: [`SN${third % 4}`, `SN${other % 4}`] } : {}),
          ...(pick % 5 === 0 ? { lot: 'LOT1' } : {}),
        },
        by: of(['inspector-a', 'prime-a'], pick),
      };
    case 'dispatch':
      return {
        type: 'ShipmentDispatched',
        data: { shipment, items, carrier: 'carrier-a', mode: 'sea', from: 'A', to: 'B', eta: '2024-01-01T00:00:00Z' },
        by: of(['prime-a', 'sub-a', 'carrier-a'], third),
      };
    case 'move':
      return { type: 'ShipmentMoved', data: { shipment, location: 'Port', status: 'departed' }, by: 'carrier-a' };
    case 'receive':
      return {
        type: 'ShipmentReceived',
        data: { shipment, items: items.map((item) => ({ ...item, condition: 'good' })), location: 'Base' },
        by: of(['jp-mod', 'inspector-a'], third),
      };
    case 'accept':
      return {
        type: 'DeliveryAccepted',
        data: { ...(pick % 4 === 3 ? {} : { shipment }), items, acceptancePoint: of(['origin', 'destination'], pick) },
        by: 'jp-mod',
      };
    case 'reject':
      return {
        type: 'DeliveryRejected',
        data: {
          ...(pick % 4 === 3 ? {} : { shipment }),
          items,
          reason: 'damaged',
          ...(third % 3 === 0 ? {} : { revokes: true }),
        },
        by: 'jp-mod',
      };
    case 'delay':
      return {
        type: 'DelayReported',
        data: {
          delay: `X${pick % 2}`,
          cause: { code: 'supply', locus: 'subcontractor', party: 'sub-a', detail: 'late castings' },
          startedOn: day(other),
          forecasts: pick % 2 === 0 ? [] : [{ milestone, forecast: day(third) }],
        },
        by: of(['prime-a', 'sub-a', 'jp-mod'], third),
      };
    case 'acknowledge':
      return {
        type: 'DelayAcknowledged',
        data: { delay: `${of(['prime-a', 'sub-a', 'jp-mod'], third)}/X${pick % 2}` },
        by: of(['jp-mod', 'us-gov'], other),
      };
    case 'resolve':
      return {
        type: 'DelayResolved',
        data: {
          delay: `${of(['prime-a', 'sub-a', 'jp-mod'], third)}/X${pick % 2}`,
          resolvedOn: day(other),
          actualDays: third,
        },
        by: of(['prime-a', 'us-gov'], other),
      };
    case 'party': {
      const party = of(['sub-a', 'sub-b', 'carrier-b', 'prime-a', 'prime-b'], pick);
      const role = party.slice(0, -2) === 'sub' ? 'subcontractor' : party.slice(0, -2);
      return other % 2 === 0
        ? { type: 'PartyAdded', data: { party, name: party, role, country: 'US' }, by: 'us-gov' }
        : { type: 'PartyRemoved', data: { party, role, reason: 'done' }, by: 'jp-mod' };
    }
    case 'confirm':
      return { type: 'RegistrationConfirmed', data: {}, by: 'jp-mod' };
    case 'contest':
      return { type: 'RegistrationContested', data: { reason: 'not as signed' }, by: 'jp-mod' };
    case 'close':
      return { type: 'ContractClosed', data: { reason: 'all done' }, by: of(['jp-mod', 'us-gov'], pick) };
    case 'nonconform':
      return {
        type: 'NonconformanceRaised',
        data: {
          nonconformance: `N${pick % 2}`,
          line,
          quantity: of(QUANTITIES, third),
          defect: 'a crack',
          severity: of(['minor', 'major', 'critical'], pick),
          ...(other % 2 === 0 ? {} : { check: of(CHECKS, third) }),
        },
        by: of(['inspector-a', 'prime-a'], pick),
      };
    case 'disposition':
      return {
        type: 'NonconformanceDispositioned',
        data: {
          nonconformance: `${of(['inspector-a', 'prime-a'], pick)}/N${pick % 2}`,
          disposition: of(['rework', 'scrap'], third),
          approvedBy: of(['jp-mod', 'us-gov'], other),
        },
        by: of(['inspector-a', 'us-gov', 'jp-mod'], third),
        ...(pick % 5 === 0 ? { by: 'prime-a', onbehalfof: 'us-gov' } : {}),
      };
    case 'mitigate':
      return {
        type: 'MitigationProposed',
        data: {
          delay: delayName(step),
          plan: 'night shifts',
          recoversDays: third,
          by: of(['sub-a', 'prime-a'], other),
        },
        by: of(['prime-a', 'sub-a'], other),
      };
    case 'mitigated':
      return { type: 'MitigationAccepted', data: { delay: delayName(step) }, by: 'jp-mod' };
    case 'determine':
      return { type: 'DelayDetermined', data: determination(step), by: 'arbiter' };
    case 'raise':
      return {
        type: 'DiscrepancyRaised',
        data: {
          discrepancy: `R${pick % 2}`,
          kind: of(['shortage', 'billing'], third),
          ...(other % 2 === 0 ? { shipment } : { line }),
          ...(third % 2 === 0
            ? { quantity: of(QUANTITIES, third) }
            : { value: third % 3 === 0 ? { amount: `${third}`, currency: 'JPY' } : usd(`${third}.25`) }),
          detail: 'not as listed',
        },
        by: 'jp-mod',
      };
    case 'answer':
      return {
        type: 'DiscrepancyAnswered',
        data: {
          discrepancy: `jp-mod/R${pick % 2}`,
          answer: of(['accepted', 'rejected'], third),
          remedy: of(['replace', 'none'], other),
        },
        by: of(['us-gov', 'prime-a'], third),
      };
    case 'closeReport':
      return {
        type: 'DiscrepancyClosed',
        data: { discrepancy: `R${pick % 2}`, outcome: `so be it ${third}` },
        by: 'jp-mod',
      };
    case 'pay':
      return {
        type: 'PaymentMade',
        data: {
          payment: `P${count}-${pick % 5}`,
          amount: other % 6 === 0 ? { amount: `${third}`, currency: 'JPY' } : usd(`${third}.75`),
          kind: of(['advance', 'progress', 'final'], pick),
        },
        by: 'jp-mod',
        ...(pick % 7 === 0 ? { by: 'us-gov', onbehalfof: 'jp-mod' } : {}),
      };
    case 'bill':
      return {
        type: 'StatementIssued',
        data: {
          statement: `B${pick % 2}`,
          amount: usd(`${third}.10`),
          items: [
            {
              line,
              quantity: of(QUANTITIES, third),
              amount: other % 5 === 0 ? { amount: `${other}`, currency: 'JPY' } : usd(`${other}.01`),
            },
          ],
        },
        by: 'us-gov',
      };
    case 'match':
      return {
        type: 'StatementMatched',
        data: {
          statement: `us-gov/B${pick % 2}`,
          ...(other % 3 === 0 ? {} : { shipment }),
          comparedBy: 'finance office',
          differences: third % 2 === 0 ? [] : [{ field: 'quantity', statement: '3', receipt: '2' }],
        },
        by: 'jp-mod',
      };
    case 'settle':
      return {
        type: 'AccountSettled',
        data: { finalAmount: usd(of(['100', '100.00', '90.00'], pick)), refund: usd(of(['0', '10.00'], third)) },
        by: of(['us-gov', 'jp-mod'], other),
      };
    case 'dispute':
      return {
        type: 'DisputeOpened',
        data: {
          dispute: `C${pick % 2}`,
          claim: 'not our delay',
          contests: [
            { id: `e${third % 40}`, source: `urn:waybook:party:${of(['prime-a', 'arbiter', 'sub-a'], other)}` },
          ],
          relief: 'find again',
        },
        by: of(['us-gov', 'jp-mod', 'sub-a'], third),
      };
    case 'position':
      return {
        type: 'DisputeAnswered',
        data: { dispute: disputeName(step), position: 'it is' },
        by: of(['jp-mod', 'prime-a'], other),
        ...(pick % 5 === 0 ? { by: 'us-gov', onbehalfof: 'jp-mod' } : {}),
      };
    case 'withdraw':
      return {
        type: 'DisputeWithdrawn',
        data: { dispute: `C${pick % 2}`, reason: 'settled' },
        by: of(['us-gov', 'jp-mod', 'sub-a'], third),
      };
    case 'submit':
      return {
        type: 'EvidenceSubmitted',
        data: {
          dispute: disputeName(step),
          evidence: `V${count}-${pick % 4}`,
          title: `log ${third}`,
          mediaType: 'application/pdf',
          sha256: 'a1'.repeat(32),
          ...(other % 2 === 0 ? {} : { uri: 'https://example.org/log.pdf' }),
        },
        by: of(['us-gov', 'jp-mod'], third),
      };
    case 'decide':
      return {
        type: 'DisputeDecided',
        data: {
          dispute: disputeName(step),
          decision: 'in part',
          ...(pick % 3 === 0 ? {} : { determinations: [determination(step)] }),
        },
        by: 'arbiter',
      };
    case 'overdue':
      return {
        type: 'ReportOverdue',
        data: {
          party: of(['prime-a', 'us-gov'], third),
          // The ledger notices nothing of a line that is only proposed.
          line: of(['1', '2'], other),
          dueOn: day(third % 200),
        },
        by: 'ledger',
      };
    case 'escalate':
      return {
        type: 'DelayEscalated',
        data: {
          delay: delayName(step),
          step: of(['acknowledge', 'resolve'], other),
          overdueSince: day(third),
          level: 1 + (third % 3),
        },
        by: 'ledger',
      };
  }
}

/** A correction of some event before it: taken back, or said again with other numbers and the same ids. */
function correction(
  before: readonly { readonly sent: Sent; readonly step: Step | undefined; readonly count: number }[],
  step: Step,
): Said {
  const { sent, step: original, count } = of(before, step.pick);
  const by = sent.source.slice('urn:waybook:party:'.length);
  const named = { event: { id: sent.id } };
  if (original === undefined) {
    const replacement = registrationData({
      title: `Corrected ${step.third}`,
      signedOn: day(step.other % 200),
      parties: [...registrationData().parties, ARBITER],
    });
    return { type: 'EventCorrected', data: { ...named, reason: 'incorrect-data', replacement }, by };
  }
  if (step.third % 2 === 0 || original.kind === 'correct')
    return { type: 'EventCorrected', data: { ...named, reason: 'did-not-occur' }, by };
  const { data } = said(original.kind, { ...original, other: step.other, third: step.third }, count);
  return { type: 'EventCorrected', data: { ...named, reason: 'incorrect-data', replacement: data }, by };
}

/** Data as they come back from the store: in canonical order. */
const stored = (data: object): object => JSON.parse(canonicalJson(data)) as object;

/** The events of a history, in the order in which the ledger hears of them; each says when through `recorded`. */
export function eventsOf(history: readonly Step[]): readonly { readonly sent: Sent; readonly recorded: string }[] {
  const parties = [...registrationData().parties, ARBITER];
  const first = event('ContractRegistered', stored(registrationData({ parties })), {
    id: 'registration',
    time: '2020-01-10',
    recorded: '2020-01-15',
  });
  const all: { sent: Sent; step: Step | undefined; count: number; recorded: string }[] = [
    { sent: first, step: undefined, count: 0, recorded: '2020-01-15T12:00:00Z' },
  ];
  let now = START;
  let amendments = 0;
  for (const [index, each] of history.entries()) {
    now += each.gap * DAY_MS;
    const what = each.kind === 'correct' ? correction(all, each) : said(each.kind, each, amendments);
    const { type, data, ...options } = what;
    const recorded = new Date(now).toISOString();
    const time = new Date(now - each.late * DAY_MS).toISOString();
    all.push({
      sent: event(type, stored(data), { ...options, id: `e${index}`, time, recorded }),
      step: each,
      count: amendments,
      recorded,
    });
    if (each.kind === 'amend') amendments += 1;
  }
  return all;
}

interface Told {
  readonly data: object;
  readonly time: string;
  readonly onbehalfof?: string;
  readonly subject: string;
}

/** An event sent anew, with something about it changed. */
function sentAgain(sent: Sent, recorded: string, change: Options & { readonly data?: object } = {}) {
  const { type, data, source, id, time, onbehalfof, subject } = sent as Sent & Told;
  const told = { by: source.slice('urn:waybook:party:'.length), id, time, recorded, contract: subject };
  const { data: other = data, ...options } = change;
  const named = onbehalfof === undefined ? told : { ...told, onbehalfof };
  return { sent: event(type, stored(other), { ...named, ...options }), recorded };
}

/** The same events with the same `time`s, recorded in another order after all of it had happened; the registration stays first. */
export function shuffled(events: ReturnType<typeof eventsOf>, seed: number): ReturnType<typeof eventsOf> {
  const [first, ...rest] = events;
  const order = rest.map(({ sent }, index) => ({ sent, key: (Math.imul(index + 1, seed | 1) ^ (seed >>> 3)) >>> 0 }));
  order.sort((a, b) => a.key - b.key);
  const end = Math.max(...events.map(({ recorded }) => Date.parse(recorded)));
  const start = Date.parse(first!.recorded);
  return [
    first!,
    ...order.map(({ sent }, index) =>
      sentAgain(sent, new Date(end + (Date.parse(rest[index]!.recorded) - start)).toISOString()),
    ),
  ];
}

/** What sets one contract of a portfolio apart from another. */
export interface Apart {
  readonly contract: string;
  readonly programme: string;
  /** In the place of `jp-mod` and of `us-gov`. */
  readonly buyer: string;
  readonly seller: string;
  /** In the place of US dollars; what was in another currency stays in another. */
  readonly currency: 'USD' | 'EUR' | 'JPY';
  /** How many times as much everything costs. */
  readonly times: number;
}

/** The same history, told of another contract between other parties. */
export function retold(events: ReturnType<typeof eventsOf>, apart: Apart): ReturnType<typeof eventsOf> {
  const { contract, programme, buyer, seller } = apart;
  const renamed = (text: string): string => text.replaceAll('jp-mod', buyer).replaceAll('us-gov', seller);
  const other = apart.currency === 'JPY' ? 'USD' : 'JPY';
  const priced = (money: { readonly amount: string; readonly currency: string }): object => {
    const currency = money.currency === 'USD' ? apart.currency : other;
    const hundredths = Math.round(Number(money.amount) * apart.times * 100);
    return { amount: currency === 'JPY' ? `${Math.round(hundredths / 100)}` : (hundredths / 100).toFixed(2), currency };
  };
  const changed = (value: unknown): unknown => {
    if (typeof value === 'string') return renamed(value);
    if (Array.isArray(value)) return value.map(changed);
    if (typeof value !== 'object' || value === null) return value;
    if ('amount' in value && 'currency' in value && typeof value.amount === 'string')
      return priced(value as { amount: string; currency: string });
    return Object.fromEntries(
      Object.entries(value).map(([name, each]) => [name, name === 'programme' ? programme : changed(each)]),
    );
  };
  return events.map(({ sent, recorded }) => {
    const { data, source, onbehalfof } = sent as Sent & Told;
    return sentAgain(sent, recorded, {
      data: changed(data) as object,
      by: renamed(source.slice('urn:waybook:party:'.length)),
      contract,
      ...(onbehalfof === undefined ? {} : { onbehalfof: renamed(onbehalfof) }),
    });
  });
}
