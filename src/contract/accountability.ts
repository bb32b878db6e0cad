/**
 * Who is accountable for a milestone's slip (what adjudicators determined), and, never mixed with it, how many days reporters
 * blamed on whom or left unexplained.
 */
import { daysBetween } from './calendar.js';
import { CONCURRENT, FORCE_MAJEURE, type Cause } from './delay.js';
import type { ContractModel } from './model.js';
import { timelineOf } from './schedule-arithmetic.js';

export interface DeterminedDays {
  readonly party: string;
  readonly class: string;
  readonly days: number;
}

/** What a reporter's reports of delays add to the dates it stated before. */
export interface AllegedDays {
  readonly by: string;
  /** Who recorded it in its name; `null` where it did itself. */
  readonly recordedBy: string | null;
  readonly locus: Cause['locus'];
  readonly party: string | null;
  readonly days: number;
}

export interface UnexplainedDays {
  readonly by: string;
  /** Who recorded it in its name; `null` where it did itself. */
  readonly recordedBy: string | null;
  readonly days: number;
}

/** What is known of a milestone's accountability that does not depend on the day asked about. */
export interface Attribution {
  readonly determined: readonly DeterminedDays[];
  readonly forceMajeureDays: number;
  readonly concurrentDays: number;
  readonly alleged: readonly AllegedDays[];
  readonly unexplained: readonly UnexplainedDays[];
}

/** @throws RangeError where the contract has no such milestone */
export function attributionOf(model: ContractModel, milestone: string): Attribution {
  return { ...determinedOf(model, milestone), ...statedOf(model, milestone) };
}

/** The shares of the latest determination of each delay, added up. */
function determinedOf(model: ContractModel, milestone: string) {
  const byParty = new Map<string, DeterminedDays>();
  let [forceMajeureDays, concurrentDays] = [0, 0];
  for (const { shares } of model.milestones.get(milestone)?.determined.values() ?? [])
    for (const { accountable: party, class: of, days } of shares) {
      if (party === FORCE_MAJEURE) forceMajeureDays += days;
      else if (party === CONCURRENT) concurrentDays += days;
      else {
        const key = `${party}\n${of}`;
        byParty.set(key, { party, class: of, days: (byParty.get(key)?.days ?? 0) + days });
      }
    }
  return { determined: sorted(byParty), forceMajeureDays, concurrentDays };
}

/**
 * Each stated date counts from what the same party last stated for the milestone since its last agreed re-dating, else
 * from the agreed date as it stood then; never below zero. What was recorded in its name takes nothing from what it says itself.
 */
function statedOf(model: ContractModel, milestone: string) {
  const alleged = new Map<string, AllegedDays>();
  const unexplained = new Map<string, UnexplainedDays>();
  /** What each party said last itself; and the last of that and what was said in its name. */
  const own = new Map<string, string>();
  const known = new Map<string, string>();
  const { baseline, entries } = timelineOf(model, milestone);
  let agreed = baseline;
  for (const entry of entries) {
    if (entry.kind === 'redating') {
      if (!entry.agreed) continue;
      agreed = entry.to;
      own.clear();
      known.clear();
      continue;
    }
    const { party: by, to, delay } = entry.forecast;
    const last = entry.secondHand ? known : own;
    const days = Math.max(0, daysBetween(last.get(by) ?? agreed, to));
    known.set(by, to);
    if (!entry.secondHand) own.set(by, to);
    const cause = delay === undefined ? undefined : model.delays.get(delay)?.cause;
    const recordedBy = entry.secondHand ? entry.forecast.by : null;
    const who = `${by}\n${recordedBy ?? ''}`;
    if (cause === undefined) unexplained.set(who, { by, recordedBy, days: (unexplained.get(who)?.days ?? 0) + days });
    else {
      const { locus, party = null } = cause;
      const key = `${who}\n${locus}\n${party ?? ''}`;
      alleged.set(key, { by, recordedBy, locus, party, days: (alleged.get(key)?.days ?? 0) + days });
    }
  }
  return { alleged: sorted(alleged), unexplained: sorted(unexplained) };
}

/** By the texts of the key, of which LF, below all that an id may have, parts the fields. */
const sorted = <T>(of: ReadonlyMap<string, T>): readonly T[] =>
  [...of].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, value]) => value);

/** How a slip divides up. determined + forceMajeure + concurrent + unattributed - overAttributed = slip, always. */
export interface SlipParts {
  readonly unattributedDays: number;
  /** The part of `unattributedDays` that both sides agreed to by re-dating. */
  readonly agreedDays: number;
  readonly overAttributedDays: number;
}

/** @param attributed all days that determinations give to anybody or anything */
export function slipParts(slipDays: number, extensionsAgreedDays: number, attributed: number): SlipParts {
  const slip = Math.max(0, slipDays);
  const unattributedDays = Math.max(0, slip - attributed);
  return {
    unattributedDays,
    agreedDays: Math.max(0, Math.min(unattributedDays, extensionsAgreedDays)),
    overAttributedDays: Math.max(0, attributed - slip),
  };
}
