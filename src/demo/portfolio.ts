/**
 * The demo portfolio: what the systems of the parties would have sent over fourteen years, day by day. A pure function
 * of its seed. Illustrative throughout: see README.md for what the figures are modelled on.
 */
import { AUDIT_CASES, AUDIT_UNDELIVERED_JPY, auditContract } from './audit-programme.js';
import { disputedContracts } from './disputed-contracts.js';
import { STORY_UNDELIVERED_JPY } from './e2d-plan.js';
import { storyContract } from './e2d-support.js';
import { importedContracts } from './imported-programme.js';
import { mixedContracts } from './mixed-programme.js';
import { Random } from './random.js';
import { DEMO_END, DEMO_START, type Script, type Sending } from './script.js';
import { sharesOf } from './shares.js';

export interface Portfolio {
  readonly seed: number;
  /** Where the ledger's stepped clock begins, and where it stands when everything has been sent. RFC 3339. */
  readonly start: string;
  readonly end: string;
  readonly contracts: number;
  /** In the order of sending. A contract's registration comes before everything else of it. */
  readonly sendings: readonly Sending[];
}

export const DEMO_SEED = 20_260_116;

/** The same seed gives the same portfolio, to the byte. */
export function generatePortfolio(seed: number = DEMO_SEED): Portfolio {
  const random = new Random(seed);
  const shares = sharesOf(AUDIT_UNDELIVERED_JPY - STORY_UNDELIVERED_JPY, AUDIT_CASES - 1, random.fork('shares'));
  const scripts: Script[] = [
    storyContract(random.fork('story')),
    ...shares.map((share, at) => auditContract(at + 1, share, random.fork(`audit/${at}`))),
    ...mixedContracts(random.fork('mixed')),
    ...disputedContracts(random.fork('disputed')),
    ...importedContracts(random.fork('imported')),
  ];
  const sendings = scripts.flatMap((script) => script.sendings());
  // Stable: what one contract's parties send at one moment stays in the order in which it was written.
  sendings.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
  return { seed, start: DEMO_START, end: DEMO_END, contracts: scripts.length, sendings };
}
