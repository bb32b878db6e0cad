/** What the watch has to have noticed by the start of a day: each day by itself, on what was recorded before it. */
import {
  addDays,
  bookOf,
  byText,
  dayNumber,
  ever,
  later,
  openedId,
  recordedDay,
  type Book,
  type Events,
} from './record.js';
import { periodFor, reportsOwing, stepDone, STEPS } from './reporting.js';
import { closedOn, termsInForce } from './terms.js';

export interface Notice {
  readonly id: string;
  readonly type: 'ReportOverdue' | 'DelayEscalated';
  readonly time: string;
  readonly data: object;
}

const MOST = 100;

export function notices(events: Events, throughDay: string): Notice[] {
  if (events.length === 0) return [];
  // What the watch itself recorded is no report and changes no terms.
  const reported = events.filter(({ type }) => type !== 'ReportOverdue' && type !== 'DelayEscalated');
  /** The record at the end of a day, with the corrections recorded by then. */
  const books = new Map<number, Book>();
  const atEndOf = (day: string): Book => {
    const known = reported.filter((event) => recordedDay(event) <= day);
    const book = books.get(known.length) ?? bookOf(known, { day });
    books.set(known.length, book);
    return book;
  };
  const found: Notice[] = [];
  const noticed: { readonly key: string; readonly dueOn: string }[] = [];
  /** By party and line, the recorded day on which the party came to owe. */
  let owed = new Map<string, string>();

  const first = recordedDay(events[0]!);
  for (let day = first; day < throughDay; day = addDays(day, 1)) {
    const book = atEndOf(day);
    const time = `${addDays(day, 1)}T00:00:00Z`;
    const owedNow = new Map<string, string>();
    for (const { subject, party, lastReportOn } of reportsOwing(book)) {
      const key = `${party}/${subject.line ?? `milestone:${subject.milestone}`}`;
      const since = owed.get(key) ?? day;
      owedNow.set(key, since);
      const start = later(lastReportOn ?? since, since);
      let due = start;
      while (due < day) due = addDays(due, termsInForce(atEndOf(due)).reportEveryDays);
      if (due !== day || due === start) continue;
      const inARow = noticed.filter((miss) => miss.key === key && miss.dueOn > (lastReportOn ?? ''));
      if (inARow.length >= MOST) continue;
      noticed.push({ key, dueOn: day });
      const what = subject.line === null ? { milestone: subject.milestone } : { line: subject.line };
      found.push({ id: `overdue/${key}/${day}`, type: 'ReportOverdue', time, data: { party, ...what, dueOn: day } });
    }
    owed = owedNow;

    if (closedOn(book) !== undefined) continue;
    for (const report of ever(book, 'DelayReported'))
      for (const step of STEPS) {
        if (stepDone(book, report, step)) continue;
        const reportDay = recordedDay(report);
        const period = periodFor(atEndOf(reportDay), step);
        const level = (dayNumber(day) - dayNumber(reportDay)) / period;
        if (!Number.isInteger(level) || level < 1 || level > MOST) continue;
        const delay = openedId(report);
        found.push({
          id: `escalated/${delay}/${step}/${level}`,
          type: 'DelayEscalated',
          time,
          data: { delay, step, overdueSince: addDays(reportDay, period), level },
        });
      }
  }
  return found.toSorted((a, b) => byText(a.time, b.time) || byText(a.id, b.id));
}
