/**
 * Who plays in the demo. All names are made up and say so; no real company or person is meant. Private parties are
 * told apart by a letter, and those of the mixed programme have countries from the range that ISO 3166-1 leaves to
 * users (XA to XZ), so that no real state is drawn in.
 */

export interface Party {
  readonly id: string;
  readonly name: string;
  readonly country: string;
  /** The system of the party that sends: the last part of an event's `source`; none for the operator. */
  readonly system?: string;
  /** When its system sends, UTC: carriers at noon, all others by a nightly run. */
  readonly sends: 'noon' | 'night';
}

const party = (id: string, name: string, country: string, system: string, sends: Party['sends'] = 'night'): Party => ({
  id,
  name: `${name} (illustrative)`,
  country,
  system,
  sends,
});

/** Who runs the ledger and may register contracts for others. On no contract. */
export const OPERATOR_DESK: Party = { id: 'operator', name: 'Operator', country: 'XX', sends: 'night' };

export const BUYER = party('jp-mod', 'Ministry of Defense of Japan', 'JP', 'contracts');
export const SELLER = party('us-fms-office', 'Foreign military sales office', 'US', 'case-office');

export const PRIMES = ['A', 'B', 'C', 'D', 'E', 'F'].map((letter) =>
  party(`prime-${letter.toLowerCase()}`, `Prime contractor ${letter}`, 'US', 'erp'),
);
export const SUBCONTRACTORS = ['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H'].map((letter) =>
  party(`subcontractor-${letter.toLowerCase()}`, `Subcontractor ${letter}`, 'US', 'shopfloor'),
);
export const CARRIERS = ['A', 'B', 'C'].map((letter) =>
  party(`carrier-${letter.toLowerCase()}`, `Carrier ${letter}`, 'US', 'tracking', 'noon'),
);
export const INSPECTORS = ['A', 'B', 'C'].map((letter) =>
  party(`inspector-${letter.toLowerCase()}`, `Government quality inspector ${letter}`, 'US', 'quality'),
);

/** Who decides disputes, where both sides named it. */
export const ADJUDICATORS = ['A', 'B'].map((letter) =>
  party(`panel-${letter.toLowerCase()}`, `Adjudication panel ${letter}`, 'XZ', 'registry'),
);

export const MIXED_BUYERS: readonly Party[] = [
  party('agency-north', 'Procurement agency North', 'XA', 'contracts'),
  party('agency-south', 'Procurement agency South', 'XB', 'contracts'),
  party('agency-east', 'Procurement agency East', 'XC', 'contracts'),
];
export const MIXED_SELLERS: readonly Party[] = [
  party('supply-office-x', 'Supply office X', 'XX', 'case-office'),
  party('supply-office-y', 'Supply office Y', 'XY', 'case-office'),
];

/** The parties of one contract. */
export interface Cast {
  readonly buyer: Party;
  readonly seller: Party;
  readonly prime: Party;
  /** The first works from the start; a second one takes its place where the story wants it. */
  readonly subcontractors: readonly [Party, Party];
  readonly carrier: Party;
  readonly inspector: Party;
  readonly adjudicator?: Party;
}
