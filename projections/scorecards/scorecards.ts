/** What each party's scorecard is made of, contract by contract. */
import { dayOf, daysBetween } from '../../src/contract/calendar.js';
import { noticedFrom } from '../../src/contract/delay.js';
import type { ContractModel, Touched } from '../../src/contract/model.js';
import { overdueReports } from '../../src/contract/obligations.js';
import { milestoneDates } from '../../src/contract/schedule-arithmetic.js';
import { dueBy, inForce } from '../../src/contract/terms-in-force.js';
import type { Projection, Row, RowSink, TableDefinition } from '../projection.js';

export const scorecardsTable: TableDefinition = {
  name: 'scorecards_party',
  columns: {
    contract: { type: 'text' },
    party: { type: 'text' },
    programme: { type: 'text' },
    buyer: { type: 'text' },
    seller: { type: 'text' },
    facts: { type: 'json' },
  },
  key: ['contract', 'party'],
  indexes: [['party', 'contract']],
};

const nothing = () => ({
  reached: 0,
  onTime: 0,
  /** Agreed dates of deliveries still to come, none once the contract is closed. */
  dueOn: [] as string[],
  delays: 0,
  lateNotices: 0,
  lagDays: 0,
  firstChecks: 0,
  firstPassed: 0,
  raised: 0,
  raisedLate: 0,
  answered: 0,
  answerDays: 0,
  /** Recorded days of discrepancy reports that wait for the party's answer. */
  openSince: [] as string[],
  missedReports: 0,
  overdueReports: 0,
});
export type ScorecardRow = ReturnType<typeof nothing>;

function cards(facts: ContractModel): ReadonlyMap<string, ScorecardRow> {
  const found = new Map<string, ScorecardRow>();
  const of = (party: string): ScorecardRow => {
    let card = found.get(party);
    if (card === undefined) found.set(party, (card = nothing()));
    return card;
  };
  for (const party of facts.partiesEver) of(party);
  deliveries(facts, of);
  delays(facts, of);
  for (const { line, responsible } of inForce(facts).lines.values()) {
    const { firstChecks = 0, firstPassed = 0 } = facts.lines.get(line)?.quality ?? {};
    if (firstChecks === 0) continue;
    of(responsible).firstChecks += firstChecks;
    of(responsible).firstPassed += firstPassed;
  }
  discrepancies(facts, of);
  for (const byParty of facts.noticed.values())
    for (const [party, missed] of byParty) of(party).missedReports += missed.length;
  for (const { party } of overdueReports(facts)) of(party).overdueReports += 1;
  return found;
}

type CardOf = (party: string) => ScorecardRow;

function deliveries(facts: ContractModel, of: CardOf): void {
  for (const { kind, cancelledOn, milestone, responsible } of inForce(facts).milestones.values()) {
    if (kind !== 'delivery' || cancelledOn !== undefined) continue;
    const { agreed, actual } = milestoneDates(facts, milestone);
    const card = of(responsible);
    if (actual !== undefined) {
      card.reached += 1;
      if (actual <= agreed) card.onTime += 1;
    } else if (facts.closed === undefined) card.dueOn.push(agreed);
  }
}

function delays(facts: ContractModel, of: CardOf): void {
  for (const delay of facts.delays.values()) {
    const { withdrawn, party, onBehalfOf, recordedtime, determinations } = delay;
    // What another reported in its name is no notice of the party's own. One on which a finding rests is not taken back.
    if ((withdrawn && determinations.length === 0) || onBehalfOf !== null) continue;
    const reportedOn = dayOf(recordedtime);
    const from = noticedFrom(facts, delay);
    const lag = Math.max(0, daysBetween(from, reportedOn));
    const card = of(party);
    card.delays += 1;
    card.lagDays += lag;
    if (reportedOn > dueBy(facts, from, 'delayNoticeDays')) card.lateNotices += 1;
  }
}

function discrepancies(facts: ContractModel, of: CardOf): void {
  for (const { raised, answers, closing } of facts.discrepancies.values()) {
    const raisedOn = dayOf(raised.recordedtime);
    const { shipment } = raised.data;
    const receivedOn = shipment === undefined ? undefined : facts.shipments.get(shipment)?.receivedOn;
    // What another raised in its name is no report of the party's own, and to answer it is no answer to the party.
    const isOwn = raised.onBehalfOf === undefined;
    if (isOwn && !raised.withdrawn) {
      of(raised.party).raised += 1;
      if (receivedOn !== undefined && raisedOn > dueBy(facts, receivedOn, 'discrepancyWithinDays'))
        of(raised.party).raisedLate += 1;
    }
    const first = answers[0];
    if (first !== undefined) {
      if (!isOwn) continue;
      of(first.party).answered += 1;
      of(first.party).answerDays += daysBetween(raisedOn, dayOf(first.recordedtime));
    } else if (!raised.withdrawn && closing === undefined) {
      const seller = facts.holder('seller');
      if (seller !== undefined) of(seller).openSince.push(raisedOn);
    }
  }
}

/** Whether anything was touched that a card is made of. */
function concerns(facts: ContractModel, touched: Touched): boolean {
  const { changed } = touched;
  return (
    touched.all ||
    touched.parties ||
    touched.milestones.size > 0 ||
    touched.said.checks.length > 0 ||
    changed.has('delay') ||
    changed.has('discrepancy') ||
    // Without anything noticed a report changes nothing here.
    (changed.has('report') && facts.noticed.size > 0)
  );
}

/** A row for each party that is or was on the contract. */
export function cardRows(facts: ContractModel): readonly Row[] {
  const { contract, registration } = facts;
  const [buyer, seller] = [facts.holder('buyer') ?? '', facts.holder('seller') ?? ''];
  return [...cards(facts)].map(([party, card]) => ({
    contract,
    party,
    programme: registration?.programme ?? '',
    buyer,
    seller,
    facts: JSON.stringify(card),
  }));
}

export const scorecards: Projection = {
  name: 'scorecards',
  version: 8,
  tables: [scorecardsTable],
  evolve(facts: ContractModel, touched: Touched, rows: RowSink): void {
    if (concerns(facts, touched)) for (const row of cardRows(facts)) rows.put(scorecardsTable, row);
  },
};
