/** The parties, lines, dates and terms of `JP-D-E2D-SUPPORT`, before anything happens to it. All of it is made up. */
import { ADJUDICATORS, BUYER, CARRIERS, INSPECTORS, PRIMES, SELLER, SUBCONTRACTORS } from './cast.js';
import { AUDIT_PROGRAMME } from './audit-programme.js';
import { DEMO_TERMS, undeliveredOf, type ContractPlan, type LinePlan } from './plan.js';

export const STORY_CONTRACT = 'JP-D-E2D-SUPPORT';
/** The milestone that the story is about: the test sets, all twelve delivered. */
export const STORY_MILESTONE = 'M-TEST-DEL';

const [prime, subcontractor, carrier, inspector] = [PRIMES[0]!, SUBCONTRACTORS[2]!, CARRIERS[1]!, INSPECTORS[0]!];
/** Who plays in the story beside the two governments. The panel comes in later, by an amendment. */
export const STORY_CAST = { prime, subcontractor, carrier, inspector, panel: ADJUDICATORS[0]! };

const LINES: readonly LinePlan[] = [
  {
    line: 'TEST',
    description: 'E-2D avionics test sets',
    quantity: 12,
    unit: 'SET',
    unitMinor: 2_150_000_000n,
    standard: 'AS9102',
    accepted: 3,
  },
  {
    line: 'TOW',
    description: 'Tow bars and jacks',
    quantity: 24,
    unit: 'EA',
    unitMinor: 8_400_000n,
    standard: 'AQAP-2110',
    accepted: 24,
  },
  {
    line: 'SPARES',
    description: 'Initial spares for the test sets',
    quantity: 40,
    unit: 'EA',
    unitMinor: 96_500_000n,
    standard: 'AQAP-2110',
    accepted: 0,
  },
  {
    line: 'DATA',
    description: 'Technical publications',
    quantity: 1,
    unit: 'LO',
    unitMinor: 640_000_000n,
    accepted: 0,
  },
];

export const STORY_UNDELIVERED_JPY = undeliveredOf(LINES);

export const STORY_PLAN: ContractPlan = {
  contract: STORY_CONTRACT,
  title: 'E-2D support equipment: avionics test sets and spares',
  programme: AUDIT_PROGRAMME,
  currency: 'JPY',
  signedOn: '2017-03-15',
  cast: {
    buyer: BUYER,
    seller: SELLER,
    prime,
    subcontractors: [subcontractor, SUBCONTRACTORS[4]!],
    carrier,
    inspector,
    adjudicator: STORY_CAST.panel,
  },
  lines: LINES,
  milestones: [
    { milestone: 'M-PAY', kind: 'payment', description: 'Advance payment', due: '2017-09-29', binding: 'firm' },
    {
      milestone: 'M-FAI',
      line: 'TEST',
      kind: 'quality',
      description: 'First test set accepted as first article',
      due: '2018-09-28',
      binding: 'estimate',
    },
    {
      milestone: 'M-TEST-MFG',
      line: 'TEST',
      kind: 'manufacturing',
      description: 'Test sets made',
      due: '2019-09-30',
      binding: 'estimate',
    },
    {
      milestone: 'M-TEST-DEL-1',
      line: 'TEST',
      quantity: 4,
      kind: 'delivery',
      description: 'First four test sets delivered',
      due: '2019-06-28',
      binding: 'estimate',
    },
    {
      milestone: STORY_MILESTONE,
      line: 'TEST',
      kind: 'delivery',
      description: 'All twelve test sets delivered',
      due: '2020-03-31',
      binding: 'estimate',
    },
    {
      milestone: 'M-TOW-DEL',
      line: 'TOW',
      kind: 'delivery',
      description: 'Tow bars and jacks delivered',
      due: '2019-12-20',
      binding: 'firm',
    },
    {
      milestone: 'M-SPARES-DEL',
      line: 'SPARES',
      kind: 'delivery',
      description: 'Spares delivered',
      due: '2020-06-30',
      binding: 'estimate',
    },
    {
      milestone: 'M-DATA-DEL',
      line: 'DATA',
      kind: 'delivery',
      description: 'Publications delivered',
      due: '2020-06-30',
      binding: 'estimate',
    },
  ],
  terms: { ...DEMO_TERMS, reportEveryDays: 180 },
  registered: ['prime', 'inspector'],
};
