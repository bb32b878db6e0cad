/**
 * What `JP-D-E2D-SUPPORT` costs, what is wrong with what came, and who is accountable for its delays. Told apart from the
 * story of its dates (`e2d-support.ts`), which it rests on. All of it is made up.
 */
import { BUYER, SELLER } from './cast.js';
import { documentOf } from './dispute-scenes.js';
import { STORY_CAST, STORY_CONTRACT, STORY_MILESTONE } from './e2d-plan.js';
import type { Random } from './random.js';
import type { Sent } from './script.js';
import { asParty, nameOf, type Tell } from './telling.js';

const { prime, subcontractor, inspector, panel } = STORY_CAST;
const TOW_BARS = `${STORY_CONTRACT}-S01`;
const FOUR_SETS = `${STORY_CONTRACT}-S02`;
const yen = (amount: number) => ({ amount: String(amount), currency: 'JPY' });

/** What the claims are about. */
export interface Grounds {
  /** The delay that was reported fifteen months late. */
  readonly first: Sent<'DelayReported'>;
  /** The second re-dating that nobody was asked about. */
  readonly redated: Sent<'ContractAmended'>;
  readonly second: Sent<'DelayReported'>;
}

export function claims(told: Tell, random: Random, grounds: Grounds): void {
  payments(told);
  quality(told);
  discrepancies(told);
  const panelNamed = naming(told);
  firstDispute(told, random, grounds, panelNamed);
  laterDisputes(told, random, grounds);
}

/** 23.65 billion yen are paid in two years; by the end goods for 6.65 billion have been accepted. */
function payments(told: Tell): void {
  told(BUYER, '2017-09-28', 4, 'PaymentMade', { payment: 'P-01', amount: yen(9_150_000_000), kind: 'advance' });
  told(BUYER, '2018-09-27', 5, 'PaymentMade', { payment: 'P-02', amount: yen(8_000_000_000), kind: 'progress' });
  // The buyer's office forgot to enter what its treasury had sent.
  told(BUYER, '2019-09-26', 46, 'PaymentMade', { payment: 'P-03', amount: yen(6_500_000_000), kind: 'progress' });
  // Storage is paid in another currency, and counts in no sum of the contract.
  const storage = { amount: '118400.00', currency: 'USD' };
  told(BUYER, '2021-09-15', 1, 'PaymentMade', { payment: 'P-04', amount: storage, kind: 'progress' });

  const tow = yen(24 * 8_400_000);
  told(SELLER, '2020-04-06', 7, 'StatementIssued', {
    statement: 'ST-01',
    amount: tow,
    items: [{ line: 'TOW', quantity: 24, amount: tow }],
  });
  told(BUYER, '2020-06-15', 1, 'StatementMatched', {
    statement: `${SELLER.id}/ST-01`,
    shipment: TOW_BARS,
    comparedBy: 'Depot 2 receiving office (illustrative)',
    differences: [],
  });
  const sets = yen(4 * 2_150_000_000);
  told(SELLER, '2021-01-11', 14, 'StatementIssued', {
    statement: 'ST-02',
    amount: sets,
    items: [{ line: 'TEST', quantity: 4, amount: sets }],
  });
  told(BUYER, '2021-04-12', 2, 'StatementMatched', {
    statement: `${SELLER.id}/ST-02`,
    shipment: FOUR_SETS,
    comparedBy: 'Accounts office 1 (illustrative)',
    differences: [{ field: 'quantity', statement: '4', receipt: '3, one was sent back' }],
  });
  told(SELLER, '2021-10-04', 21, 'StatementIssued', { statement: 'ST-03', amount: yen(12_900_000), items: [] });
}

/** Of 24 tow bars that were accepted 20 had been checked; of the test sets each was, and one failed all the same. */
function quality(told: Tell): void {
  told(inspector, '2018-10-24', 1, 'NonconformanceRaised', {
    nonconformance: 'NC-01',
    check: 'FAI-1',
    line: 'TEST',
    quantity: 1,
    defect: 'The output level is above its limit.',
    severity: 'major',
  });
  told(inspector, '2018-12-03', 2, 'NonconformanceDispositioned', {
    nonconformance: 'NC-01',
    disposition: 'rework',
    approvedBy: inspector.id,
  });
  told(inspector, '2020-01-06', 1, 'QualityCheckRecorded', {
    check: 'FIN-TOW',
    line: 'TOW',
    kind: 'final',
    standard: 'AQAP-2110',
    quantity: 20,
    result: 'pass',
    lot: 'LOT-TOW-1',
  });
  told(BUYER, '2021-02-05', 3, 'QualityCheckRecorded', {
    check: 'RCV-1',
    line: 'TEST',
    kind: 'receiving',
    standard: 'AS9102',
    quantity: 1,
    result: 'fail',
    serials: ['TS-003'],
  });
  told(BUYER, '2021-02-08', 2, 'NonconformanceRaised', {
    nonconformance: 'NC-01',
    check: 'RCV-1',
    line: 'TEST',
    quantity: 1,
    defect: 'Test set TS-003 shuts down under load.',
    severity: 'critical',
  });
  told(inspector, '2021-03-22', 1, 'NonconformanceDispositioned', {
    nonconformance: `${BUYER.id}/NC-01`,
    disposition: 'return',
    approvedBy: SELLER.id,
  });
  // Nobody has said yet what is done with these.
  told(prime, '2025-04-28', 3, 'NonconformanceRaised', {
    nonconformance: 'NC-01',
    line: 'TEST',
    quantity: 3,
    defect: 'Three sets fail the acceptance test at low temperature.',
    severity: 'major',
  });
}

/** One in time and answered but not made good, one raised too late and rejected, one closed, one left lying. */
function discrepancies(told: Tell): void {
  told(BUYER, '2021-02-10', 2, 'DiscrepancyRaised', {
    discrepancy: 'DR-01',
    kind: 'deficient',
    shipment: FOUR_SETS,
    line: 'TEST',
    quantity: 1,
    value: yen(2_150_000_000),
    detail: 'Test set TS-003 failed in its first use.',
  });
  told(prime, '2021-05-10', 2, 'DiscrepancyAnswered', {
    discrepancy: `${BUYER.id}/DR-01`,
    answer: 'accepted',
    remedy: 'replace',
  });
  told(BUYER, '2021-04-19', 0, 'DiscrepancyRaised', {
    discrepancy: 'DR-02',
    kind: 'billing',
    shipment: FOUR_SETS,
    line: 'TEST',
    quantity: 1,
    value: yen(2_150_000_000),
    detail: 'Statement ST-02 bills four test sets; three are accepted.',
  });
  told(SELLER, '2021-12-06', 3, 'DiscrepancyAnswered', {
    discrepancy: `${BUYER.id}/DR-02`,
    answer: 'accepted',
    remedy: 'credit',
  });
  told(BUYER, '2022-03-07', 0, 'DiscrepancyClosed', { discrepancy: 'DR-02', outcome: 'Credited in full.' });
  told(BUYER, '2021-06-14', 0, 'DiscrepancyRaised', {
    discrepancy: 'DR-03',
    kind: 'documentation',
    shipment: TOW_BARS,
    line: 'TOW',
    detail: 'For four tow bars there is no certificate.',
  });
  told(SELLER, '2021-09-06', 4, 'DiscrepancyAnswered', {
    discrepancy: `${BUYER.id}/DR-03`,
    answer: 'rejected',
    remedy: 'none',
  });
  told(BUYER, '2022-01-24', 0, 'DiscrepancyClosed', { discrepancy: 'DR-03', outcome: 'Rejected for being late.' });
  told(BUYER, '2025-10-06', 0, 'DiscrepancyRaised', {
    discrepancy: 'DR-04',
    kind: 'documentation',
    shipment: FOUR_SETS,
    line: 'TEST',
    detail: 'The calibration records of two sets end in 2023.',
  });
}

/** The buyer proposes a panel and the seller agrees; before that nobody could have found anything. */
function naming(told: Tell): Sent {
  told(BUYER, '2020-06-22', 0, 'ContractAmended', {
    amendment: 'A-PANEL',
    consulted: [SELLER.id],
    rationale: 'A panel is to find who is accountable for the delay of the test sets.',
    adjudicators: [asParty(panel)],
  });
  return told(SELLER, '2020-07-27', 0, 'AmendmentAgreed', { amendment: 'A-PANEL' });
}

/** How the first delay is found, contested by the prime, and decided anew: part of it becomes the seller's. */
function firstDispute(told: Tell, random: Random, { first }: Grounds, panelNamed: Sent): void {
  const plan = 'The board is made by a second source as well.';
  const delay = `${prime.id}/D-01`;
  told(prime, '2020-03-02', 0, 'MitigationProposed', { delay, plan, recoversDays: 120, by: subcontractor.id });
  told(BUYER, '2020-04-06', 0, 'MitigationAccepted', { delay });
  const finding = { delay, milestone: STORY_MILESTONE, evidence: [nameOf(first)] };
  const determined = told(
    panel,
    '2020-12-14',
    1,
    'DelayDetermined',
    {
      ...finding,
      shares: [
        { days: 310, class: 'non-excusable', accountable: subcontractor.id },
        { days: 120, class: 'non-excusable', accountable: prime.id },
      ],
      reasons: 'The board failed in October 2018; that was kept back for fifteen months.',
    },
    { after: panelNamed },
  );
  told(prime, '2021-02-22', 0, 'DisputeOpened', {
    dispute: 'DSP-01',
    claim: 'The seller had assigned the capacity to other orders before the board was ready: see amendment A-01.',
    contests: [nameOf(determined)],
    relief: 'That the days which amendment A-01 cost are found to be the seller’s.',
  });
  const dispute = `${prime.id}/DSP-01`;
  const submit = (by: typeof prime, on: string, evidence: string, title: string) =>
    told(by, on, 0, 'EvidenceSubmitted', documentOf(dispute, evidence, title, random));
  submit(prime, '2021-02-22', 'E-01', 'Capacity plan of the year 2019');
  told(BUYER, '2021-03-22', 0, 'DisputeAnswered', {
    dispute,
    position: 'We refused amendment A-01. Whose capacity it was is not for us to say, but nobody told us of the board.',
  });
  submit(BUYER, '2021-03-23', 'E-01', 'Minutes of the programme review of May 2019');
  told(SELLER, '2021-03-29', 0, 'DisputeAnswered', {
    dispute,
    position: 'Capacity was assigned elsewhere because there was no board to put into the sets.',
  });
  submit(prime, '2021-04-06', 'E-02', 'Letter of the seller on capacity');
  submit(subcontractor, '2021-04-12', 'E-01', 'Test report of the new board');
  told(panel, '2021-11-22', 1, 'DisputeDecided', {
    dispute,
    decision: 'The board was ready in February 2019. What came after that was a question of capacity.',
    determinations: [
      {
        ...finding,
        shares: [
          { days: 132, class: 'non-excusable', accountable: subcontractor.id },
          { days: 90, class: 'non-excusable', accountable: prime.id },
          { days: 213, class: 'compensable', accountable: SELLER.id },
          { days: 40, class: 'excusable', accountable: 'force-majeure' },
        ],
        reasons: 'From the failed to the passed check it is 132 days. The plants were closed for forty days in 2020.',
      },
      {
        ...finding,
        milestone: 'M-TEST-DEL-1',
        shares: [{ days: 132, class: 'non-excusable', accountable: subcontractor.id }],
        reasons: 'The first four sets waited for the board alone.',
      },
    ],
  });
}

/** One is withdrawn when the sides talk again; another one has just been opened when the demo ends. */
function laterDisputes(told: Tell, random: Random, { redated, second }: Grounds): void {
  told(BUYER, '2022-08-15', 0, 'DisputeOpened', {
    dispute: 'DSP-01',
    claim: 'Amendment A-02 sets dates that we were not asked about.',
    contests: [nameOf(redated)],
    relief: 'That the dates of amendment A-02 bind nobody.',
  });
  const dispute = `${BUYER.id}/DSP-01`;
  told(SELLER, '2022-09-26', 0, 'DisputeAnswered', { dispute, position: 'Dates are estimates, not obligations.' });
  told(BUYER, '2022-10-03', 0, 'EvidenceSubmitted', documentOf(dispute, 'E-02', 'Letter of June 2022', random));
  told(BUYER, '2024-12-09', 0, 'DisputeWithdrawn', {
    dispute,
    reason: 'The dates of spares and publications are agreed; the sides talk about the rest.',
  });
  const determined = told(panel, '2025-11-17', 0, 'DelayDetermined', {
    delay: `${prime.id}/D-02`,
    milestone: STORY_MILESTONE,
    shares: [{ days: 300, class: 'non-excusable', accountable: prime.id }],
    reasons: 'The tests have to be repeated for reasons of the prime alone.',
    evidence: [nameOf(second)],
  });
  told(prime, '2025-12-15', 0, 'DisputeOpened', {
    dispute: 'DSP-02',
    claim: 'The chamber for tests at low temperature belongs to the seller and was out of order.',
    contests: [nameOf(determined)],
    relief: 'That half of the days are found to be the seller’s.',
  });
}
