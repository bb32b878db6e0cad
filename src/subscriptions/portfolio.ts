/**
 * The portfolio's past: each contract folded from its dated facts (`projections/portfolio-facts`), as far as they were known
 * and had happened by then, into the row that the present is answered from.
 */
import { contractRow } from '../../projections/contract-status/contract-status.js';
import { Exposure, type Group, type Grouping } from '../../projections/contract-status/exposure.js';
import { matches, pageOf, type Placed } from '../../projections/contract-status/past.js';
import type { ContractFilters, ContractPage } from '../../projections/contract-status/queries.js';
import type { CorrectionFact, Fact } from '../../projections/portfolio-facts/portfolio-facts.js';
import {
  factsOf,
  type ContractFacts,
  type ContractRange,
  type PastOfPortfolio,
} from '../../projections/portfolio-facts/queries.js';
import type { Row, Snapshot } from '../../projections/projection.js';
import { changesOf, firstOf, type Change, type ChangesPage } from '../../projections/schedule/changes.js';
import { isAsked, type ScorecardFilters } from '../../projections/scorecards/queries.js';
import { cardRows } from '../../projections/scorecards/scorecards.js';
import { foldCorrectionForPortfolio, foldForPortfolio, portfolioPart, upcast } from '../contract/contract.js';
import type { CorrectionName } from '../contract/event-type.js';
import { ContractModel } from '../contract/model.js';
import { CORRECTION } from '../contract/correction.js';

export interface PortfolioQuestion {
  readonly past: PastOfPortfolio;
  readonly filters: ContractFilters;
  /** The day asked about (YYYY-MM-DD). */
  readonly day: string;
  /** What is wanted: a page of the list, sums, rows of scorecards, or a page of what moved dates. */
  readonly want:
    | { readonly kind: 'page'; readonly page: ContractPage }
    | { readonly kind: 'sums'; readonly groupBy: Grouping | undefined }
    | { readonly kind: 'scorecards'; readonly of: ScorecardFilters }
    | { readonly kind: 'changes'; readonly page: ChangesPage };
  readonly range: ContractRange;
}

/** Part of an answer: of a page at most one row more than it has, in no order; sums by group; rows of scorecards; changes. */
export interface PortfolioAnswer {
  readonly page: readonly Placed[];
  readonly groups: readonly Group[];
  readonly cards: readonly Row[];
  readonly changes: readonly Change[];
  /** Of the last event known then; 0 where nothing was. */
  readonly position: bigint;
}

/** What is asked about the contracts of the range, as they were. */
export async function portfolioAnswer(snapshot: Snapshot, question: PortfolioQuestion): Promise<PortfolioAnswer> {
  const { past, filters, day, want, range } = question;
  const rows: Row[] = [];
  const cards: Row[] = [];
  let changes: Change[] = [];
  let position = 0n;
  const sums = new Exposure({ day, groupBy: want.kind === 'sums' ? want.groupBy : undefined });
  for await (const contracts of factsOf(snapshot, past, range))
    for (const facts of contracts) {
      if (facts.position > position) position = facts.position;
      const model = foldFacts(facts, past.on);
      if (model.registration === undefined) continue;
      if (want.kind === 'scorecards') {
        for (const row of cardRows(model)) if (isAsked(row, want.of)) cards.push(row);
        continue;
      }
      if (want.kind === 'changes') {
        changes.push(...changesOf(model, want.page));
        if (changes.length > CHANGES_KEPT) changes = [...firstOf(changes, want.page.limit + 1)];
        continue;
      }
      if (filters.party !== undefined && !model.partiesEver.has(filters.party)) continue;
      const row = contractRow(model);
      if (!matches(row, filters, day)) continue;
      if (want.kind === 'sums') sums.add(row);
      else rows.push(row);
    }
  return { page: want.kind === 'page' ? pageOf(rows, want.page) : [], groups: sums.groups, cards, changes, position };
}

/** More than twice as many changes as the largest page has: they are put in order so seldom that it costs nothing. */
const CHANGES_KEPT = 2_000;

/**
 * The facts of a contract as its sums are computed from them; without a registration where it was not there yet.
 * @param on the day asked about, where what happened after it was left out
 */
export function foldFacts(
  { contract, revision, facts: text }: Omit<ContractFacts, 'position'>,
  on?: string,
): ContractModel {
  const facts = JSON.parse(`[${text}]`) as Fact[];
  facts.sort((a, b) => a[0] - b[0]);
  let corrections: Map<number, Deciding> | undefined;
  for (const [, type, , recordedtime, , , , data, source = '', id = ''] of facts)
    if (type === CORRECTION) {
      const correction = data as CorrectionFact;
      (corrections ??= new Map()).set(correction.of, { ...correction, by: { id, source, recordedtime } });
    }
  const model = new ContractModel(contract, on);
  for (const fact of facts)
    if (fact[1] === CORRECTION) takeCorrection(model, fact);
    else take(model, fact, corrections?.get(fact[0]));
  model.revision = revision;
  return model;
}

/** The correction that decides what an event is. */
interface Deciding extends CorrectionFact {
  readonly by: CorrectionName;
}

function takeCorrection(model: ContractModel, fact: Fact): void {
  const [revision, , time, recordedtime, reporter, , , correction, source = '', id = ''] = fact;
  const { of, data } = correction as CorrectionFact;
  foldCorrectionForPortfolio(model, { revision, time, recordedtime, reporter, source, id }, of, data);
}

function take(model: ContractModel, fact: Fact, correction: Deciding | undefined): void {
  const [revision, type, time, recordedtime, reporter, behalf, version, sent, source = '', id = ''] = fact;
  const onBehalfOf = behalf === 0 ? undefined : behalf;
  const withdrawn = correction?.data === null;
  const data =
    correction === undefined || correction.data === null
      ? sent
      : (portfolioPart(type, upcast(type, version, correction.data) as object) ?? {});
  foldForPortfolio(model, {
    contract: model.contract,
    revision,
    id,
    source,
    type,
    version,
    time,
    recordedtime,
    reporter,
    onBehalfOf,
    party: onBehalfOf ?? reporter,
    data,
    position: 0n,
    asSent: sent,
    dataText: '',
    withdrawn,
    correctedBy: correction?.by,
    superseded: false,
  });
}
