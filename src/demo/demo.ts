/** What the `demo` command says and needs to know about the portfolio it plays. */
import { AUDIT_CASES, AUDIT_PROGRAMME } from './audit-programme.js';
import type { FeedResult } from './feed.js';
import { STORY_CONTRACT } from './e2d-plan.js';
import { IMPORTED_DAY, IMPORTED_PROGRAMME } from './imported-programme.js';
import { MIXED_PROGRAMME } from './mixed-programme.js';
import { DEMO_SEED, type Portfolio } from './portfolio.js';
import { DEMO_END, DEMO_START } from './script.js';

/** The ledger that the portfolio is fed to: what `init` is to be given. */
export const DEMO_LEDGER = {
  origin: 'demo.waybook.example',
  clock: 'stepped',
  /** Where its clock begins. */
  start: DEMO_START,
} as const;

/** Printed before anything else, so that nobody takes the demo for a record. */
export const ILLUSTRATIVE =
  'Illustrative: every contract, party, date and event of this demo is generated. None of it happened.';

/** What the demo is, where its totals come from, and what is made up. Lines for a terminal. */
export function describeDemo(): string[] {
  return [
    ILLUSTRATIVE,
    '',
    `Programme ${AUDIT_PROGRAMME}: ${AUDIT_CASES} contracts that together have 1,140,000,000,000 JPY undelivered more`,
    'than five years after signature. These totals, and that E-2D support equipment is among the cases, follow what the',
    'Board of Audit of Japan published in its report of January 2026: 118 cases, about 1.14 trillion yen.',
    `Programme ${IMPORTED_PROGRAMME}: history entered in 2019. On ${IMPORTED_DAY} 653 of its contracts are unsettled, for which`,
    '141,700,000,000 JPY were paid: 85 overdue (34,900,000,000) and 568 delivered but not settled (106,800,000,000). These',
    'totals follow the report of October 2019. How all that splits over contracts, and what happens on them, is made up.',
    `Programme ${MIXED_PROGRAMME}: contracts in USD, JPY and EUR that are on time, late, recovering, completed and closed.`,
    `One contract to follow: ${STORY_CONTRACT}.`,
    `The ledger's clock is stepped from ${DEMO_START.slice(0, 10)} to ${DEMO_END.slice(0, 10)}; reports come as late as they did.`,
  ];
}

/** What was generated. */
export function describePortfolio({ contracts, sendings, seed }: Portfolio): string {
  const of = seed === DEMO_SEED ? '' : ` (seed ${seed})`;
  return `${sendings.length.toLocaleString('en')} events on ${contracts} contracts${of}`;
}

/** What became of feeding it. */
export function describeFeed({
  recorded,
  duplicate,
  contracts,
  requests,
  elapsedMs,
  eventsPerSecond,
}: FeedResult): string {
  const known = duplicate === 0 ? '' : `, ${duplicate.toLocaleString('en')} known before`;
  return (
    `${recorded.toLocaleString('en')} events recorded${known} on ${contracts} contracts in ` +
    `${(elapsedMs / 1_000).toFixed(1)} s: ${Math.round(eventsPerSecond).toLocaleString('en')} events/s ` +
    `in ${requests.toLocaleString('en')} requests, one at a time, the clock moved in between`
  );
}
