/** How far a copy of a projection has got, and where its rows are. */

/** The last event whose effect is in the rows. */
export interface Checkpoint {
  readonly position: bigint;
  /** The event's id in the store. */
  readonly eventId: string;
  /** Where to find the event again: positions may have gaps, a stream's revisions have none. */
  readonly stream: string;
  readonly revision: bigint;
}

/**
 * What stands in the place of a checkpoint while a copy is built contract by contract: its rows then show no position.
 * It says whose attempt it is, so that the rows of two attempts never mix.
 */
export interface BuildClaim {
  readonly eventId: string;
  readonly position: undefined;
  readonly stream: undefined;
  readonly revision: undefined;
}

/** Names one set of a projection's tables. A rebuild of the same version goes to the set that does not serve. */
export interface CopyId {
  readonly name: string;
  readonly version: number;
  readonly copy: CopySuffix;
}
export type CopySuffix = '' | '_b';

/**
 * - `serving`: queries read it. One for each projection.
 * - `building`: is being built beside it.
 * - `retired`: replaced; its tables are about to be dropped.
 */
export type CopyRole = 'serving' | 'building' | 'retired';

/** Why a projection stands still. */
export interface ProjectionFailure {
  /** `poison`, or the code of the error: `unknown-type`, `unknown-version`, `row-refused`, `chain-broken`, ... */
  readonly code: string;
  readonly stream: string;
  /** The event's id in the store. */
  readonly event: string;
  readonly revision: string;
  readonly position: string;
  readonly detail: string;
}

/** A row of the table of copies. */
export interface CopyRecord extends CopyId {
  readonly role: CopyRole;
  /** `undefined` before the first event. */
  readonly checkpoint: Checkpoint | undefined;
  /** Whether it is being built contract by contract, or was when its writer broke off: its rows are of no position. */
  readonly isClaimed: boolean;
  readonly failure: ProjectionFailure | undefined;
  /** The columns of its tables, by the tables' names without version: what queries must find there. */
  readonly tables: Readonly<Record<string, readonly string[]>>;
}

export const keyOfCopy = ({ name, version, copy }: CopyId): string => `${name} v${version}${copy}`;

/** `contract_status` of version 2 stands in `contract_status_v2`, its second copy in `contract_status_v2_b`. */
export const physicalTable = (table: string, { version, copy }: Pick<CopyId, 'version' | 'copy'>): string =>
  `${table}_v${version}${copy}`;
