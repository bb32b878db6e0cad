/** Every date that was moved, of any contract, in the order in which the ledger heard of it. */
import {
  byText,
  correctionShown,
  daysBetween,
  isNamed,
  nameOf,
  openedId,
  orNull,
  resolved,
  type Book,
  type Data,
  type Fact,
} from './record.js';
import { agreedDate, restsOnTold, standingDate, timeline, type Entry } from './schedule.js';
import { milestones, registrationOf, type Milestone } from './terms.js';

/** Whether it moved the date, given what the timeline held just before it. */
function moves(entry: Entry, before: readonly Entry[], baseline: string): boolean {
  const standing = standingDate(before, baseline);
  if (entry.kind === 'forecast') {
    const isOwn = entry.counts && entry.fact.onBehalfOf === undefined;
    return standingDate([...before, entry], baseline) !== standing || (isOwn && restsOnTold(before));
  }
  if (entry.isBefore) return false;
  return entry.to !== standing || entry.to !== agreedDate(before, baseline);
}

function change(book: Book, milestone: Milestone, entry: Entry, before: readonly Entry[]) {
  const { fact } = entry;
  const { baseline } = milestone;
  const from = standingDate(before, baseline);
  const amended = entry.kind === 'redating' ? entry.amendment : undefined;
  return {
    contract: fact.contract,
    programme: registrationOf(book)!.data['programme'] as string,
    milestone: milestone.milestone,
    kind: entry.kind,
    by: fact.reporter,
    onBehalfOf: orNull(fact.onBehalfOf),
    time: fact.time,
    recordedtime: fact.recordedtime,
    baseline,
    from,
    to: entry.to,
    days: daysBetween(from, entry.to),
    daysFromBaseline: daysBetween(baseline, entry.to),
    basis: amended === undefined ? 'stated' : amended.agreement === undefined ? 'imposed' : 'agreed',
    agreedAt: orNull(amended?.agreement?.recordedtime),
    refusedAt: orNull(amended?.refusal?.recordedtime),
    consulted: amended === undefined ? null : (fact.data['consulted'] as readonly string[]),
    rationale: amended === undefined ? null : (fact.data['rationale'] as string),
    amendment: orNull(amended?.id),
    delay: fact.type === 'DelayReported' ? openedId(fact) : null,
    event: nameOf(fact),
    corrects: null,
    ...(amended === undefined ? correctionShown(fact) : { correctedBy: null, correctedAt: null }),
  };
}

/** The dates that data of an event give milestones. */
function datesIn({ type }: Fact, data: Data): ReadonlyMap<string, string> {
  const listed = (list: string, date: string) =>
    new Map((data[list] as Data[]).map((entry) => [entry['milestone'] as string, entry[date] as string]));
  switch (type) {
    case 'ForecastRevised':
      return new Map([[data['milestone'], data['forecast']]]);
    case 'DelayReported':
      return listed('forecasts', 'forecast');
    case 'ContractRegistered':
      return listed('milestones', 'due');
    default:
      return new Map();
  }
}

/** What each correction changed of the dates that the event had given until then. */
function corrected(book: Book) {
  const corrections = book.selected.filter(({ type }) => type === 'EventCorrected');
  const targetOf = (correction: Fact): Fact | undefined =>
    book.selected.find((fact) => isNamed(resolved(correction, correction.data['event']), fact));
  return corrections.flatMap((correction) => {
    const target = targetOf(correction);
    if (target === undefined) return [];
    const earlier = corrections.findLast((other) => other.revision < correction.revision && targetOf(other) === target);
    const givenBy = (said: Fact | undefined): ReadonlyMap<string, string> => {
      if (said === undefined) return datesIn(target, target.sent);
      return said.data['replacement'] === undefined ? new Map() : datesIn(target, said.data['replacement']);
    };
    const [before, since] = [givenBy(earlier), givenBy(correction)];
    return milestones(book)
      .filter(({ milestone }) => before.get(milestone) !== since.get(milestone))
      .map(({ milestone, baseline }) => {
        const [from, to] = [orNull(before.get(milestone)), orNull(since.get(milestone))];
        return {
          revision: correction.revision,
          shown: {
            contract: correction.contract,
            programme: registrationOf(book)!.data['programme'] as string,
            milestone,
            kind: 'correction' as const,
            by: correction.reporter,
            onBehalfOf: null,
            time: correction.time,
            recordedtime: correction.recordedtime,
            baseline,
            from,
            to,
            days: from === null || to === null ? null : daysBetween(from, to),
            daysFromBaseline: to === null ? null : daysBetween(baseline, to),
            basis: 'corrected',
            agreedAt: null,
            refusedAt: null,
            consulted: null,
            rationale: null,
            amendment: null,
            delay: target.type === 'DelayReported' ? openedId(target) : null,
            event: nameOf(correction),
            corrects: nameOf(target),
            correctedBy: null,
            correctedAt: null,
          },
        };
      });
  });
}

const changesOf = (book: Book) => [
  ...corrected(book),
  ...milestones(book).flatMap((milestone) => {
    const entries = timeline(book, milestone);
    return entries.flatMap((entry, at) => {
      const before = entries.slice(0, at);
      if (!moves(entry, before, milestone.baseline)) return [];
      return [{ revision: entry.fact.revision, shown: change(book, milestone, entry, before) }];
    });
  }),
];

/** A day or an instant; what was recorded before it is left out. */
const recordedBefore = (recordedtime: string, since: string): boolean => Date.parse(recordedtime) < Date.parse(since);

export function changes(books: readonly Book[], since?: string) {
  return {
    changes: books
      .flatMap(changesOf)
      .filter(
        ({ shown: { recordedtime, agreedAt } }) =>
          since === undefined ||
          !recordedBefore(recordedtime, since) ||
          (agreedAt !== null && !recordedBefore(agreedAt, since)),
      )
      .toSorted(
        (a, b) =>
          byText(a.shown.recordedtime, b.shown.recordedtime) ||
          byText(a.shown.contract, b.shown.contract) ||
          a.revision - b.revision ||
          byText(a.shown.milestone, b.shown.milestone),
      )
      .map(({ shown }) => shown),
    next: null,
  };
}
