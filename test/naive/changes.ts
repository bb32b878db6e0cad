/** Every date that was moved, of any contract, in the order in which the ledger heard of it. */
import { byText, daysBetween, nameOf, openedId, orNull, type Book } from './record.js';
import { agreedDate, standingDate, timeline, type Entry } from './schedule.js';
import { milestones, registrationOf, type Milestone } from './terms.js';

/** Whether it moved the date, given what the timeline held just before it. */
function moves(entry: Entry, before: readonly Entry[], baseline: string): boolean {
  const standing = standingDate(before, baseline);
  if (entry.kind === 'forecast') return standingDate([...before, entry], baseline) !== standing;
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
  };
}

const changesOf = (book: Book) =>
  milestones(book).flatMap((milestone) => {
    const entries = timeline(book, milestone);
    return entries.flatMap((entry, at) => {
      const before = entries.slice(0, at);
      if (!moves(entry, before, milestone.baseline)) return [];
      return [{ revision: entry.fact.revision, shown: change(book, milestone, entry, before) }];
    });
  });

/** A day or an instant; what was recorded before it is left out. */
const recordedBefore = (recordedtime: string, since: string): boolean => Date.parse(recordedtime) < Date.parse(since);

export function changes(books: readonly Book[], since?: string) {
  return {
    changes: books
      .flatMap(changesOf)
      .filter(({ shown }) => since === undefined || !recordedBefore(shown.recordedtime, since))
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
