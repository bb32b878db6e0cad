/** Who owes a report on which line, since when, and what was noticed to have been missed. */
import { accepted, named } from './delivery.js';
import { actualOf, dates, forecastsIn } from './schedule.js';
import {
  addDays,
  byText,
  ever,
  later,
  nameOf,
  nullFirst,
  once,
  openedId,
  orNull,
  recordedDay,
  reference,
  said,
  until,
  type Book,
  type Data,
  type Fact,
} from './record.js';
import {
  closedOn,
  holderOfSide,
  lineOf,
  lines,
  milestones,
  speakingPrime,
  sideOf,
  termsInForce,
  type Milestone,
} from './terms.js';

/** A line, or a milestone without one, which is a line of its own. */
export interface Subject {
  readonly line: string | null;
  readonly milestone: string | null;
}
export const sameSubject = (a: Subject, b: Subject): boolean => a.line === b.line && a.milestone === b.milestone;

export function subjects(book: Book): Subject[] {
  const found: Subject[] = lines(book).map(({ line }) => ({ line, milestone: null }));
  for (const { line, milestone } of milestones(book)) {
    const own = { line: null, milestone };
    // One that has been given a line since is shown while a report of it was missed before.
    if (line === null || said(book, 'ReportOverdue').some(({ data }) => data['milestone'] === milestone))
      found.push(own);
  }
  return found;
}

const milestonesOf = (book: Book, subject: Subject): Milestone[] =>
  milestones(book).filter((milestone) =>
    subject.line === null ? milestone.milestone === subject.milestone : milestone.line === subject.line,
  );

/** A line; of a milestone the one that it has now, where it had none when it was owed a report of. */
const lineNow = (book: Book, subject: Subject): string | null =>
  subject.line ?? milestonesOf(book, subject)[0]?.line ?? null;

/** A line; of a milestone all those that it has been of since it had none. */
const linesSince = (book: Book, subject: Subject): string[] =>
  subject.line !== null ? [subject.line] : milestonesOf(book, subject).flatMap((milestone) => milestone.linesEver);

export const isCancelled = (book: Book, subject: Subject): boolean =>
  subject.line === null
    ? milestonesOf(book, subject).every(({ cancelled }) => cancelled)
    : lines(book).some(({ line, cancelled }) => line === subject.line && cancelled);

/** Who owes reports on it as things stand: the responsible party of the first milestone due that is not reached. */
export function owing(book: Book, subject: Subject): string | undefined {
  if (closedOn(book) !== undefined || isCancelled(book, subject) || lineNow(book, subject) !== subject.line)
    return undefined;
  const waitedFor = milestonesOf(book, subject)
    .filter(({ kind, cancelled }) => kind !== 'payment' && !cancelled)
    .filter((milestone) => actualOf(book, milestone) === undefined)
    .map((milestone) => ({ ...milestone, agreed: dates(book, milestone).agreed }))
    .toSorted((a, b) => byText(a.agreed, b.agreed) || byText(a.milestone, b.milestone));
  return waitedFor[0]?.responsible;
}

/** The lines that data name themselves, be they proposed only. */
export function linesNamed({ type, data }: Fact): string[] {
  switch (type) {
    case 'ManufacturingStarted':
    case 'ManufacturingProgressed':
    case 'ManufacturingCompleted':
    case 'QualityCheckRecorded':
    case 'NonconformanceRaised':
      return [data['line'] as string];
    case 'DiscrepancyRaised':
      return data['line'] === undefined ? [] : [data['line'] as string];
    case 'ShipmentDispatched':
    case 'ShipmentReceived':
    case 'DeliveryAccepted':
    case 'DeliveryRejected':
    case 'StatementIssued':
      return ((data['items'] ?? []) as Data[]).map((item) => item['line'] as string);
    default:
      return [];
  }
}
export const namesLine = (fact: Fact, line: string): boolean => linesNamed(fact).includes(line);

function namesMilestone(fact: Fact, of: readonly Milestone[]): boolean {
  const isOne = (id: string): boolean => of.some(({ milestone }) => milestone === id);
  if (fact.type === 'MilestoneReached') return isOne(fact.data['milestone']);
  if (fact.type === 'ForecastRevised' || fact.type === 'DelayReported')
    return forecastsIn(fact).some(({ milestone }) => isOne(milestone));
  return false;
}

const SHIPMENT_REPORTS = [
  'ShipmentDispatched',
  'ShipmentMoved',
  'ShipmentReceived',
  'DeliveryAccepted',
  'DeliveryRejected',
  'DiscrepancyRaised',
  'StatementMatched',
];

/** Data that name a shipment, check or nonconformance of a line. What was taken back is still one of that line. */
function namesThingOf(book: Book, fact: Fact, line: string): boolean {
  const shipment = reference(fact, 'shipment');
  if (
    SHIPMENT_REPORTS.includes(fact.type) &&
    ever(book, 'ShipmentDispatched', 'ShipmentReceived').some(
      (other) => reference(other, 'shipment') === shipment && named(other, line),
    )
  )
    return true;
  const openedFor = (type: string, id: string | undefined): boolean =>
    ever(book, type).some((opener) => openedId(opener) === id && opener.data['line'] === line);
  if (fact.type === 'NonconformanceRaised') return openedFor('QualityCheckRecorded', reference(fact, 'check'));
  if (fact.type === 'NonconformanceDispositioned')
    return openedFor('NonconformanceRaised', reference(fact, 'nonconformance'));
  return false;
}

/** The recorded day of the last report that a party made itself. */
export function lastOwnReportOn(book: Book, subject: Subject, party: string): string | undefined {
  const its = linesSince(book, subject);
  const days = book.facts
    .filter((fact) => fact.reporter === party && fact.onBehalfOf === undefined && !fact.withdrawn)
    .filter(
      (fact) =>
        namesMilestone(fact, milestonesOf(book, subject)) ||
        its.some(
          (line) =>
            namesMilestone(fact, milestonesOf(book, { line, milestone: null })) ||
            namesLine(fact, line) ||
            namesThingOf(book, fact, line),
        ),
    )
    .map(recordedDay);
  return days.length === 0 ? undefined : days.reduce(later);
}

export interface Owed {
  readonly subject: Subject;
  readonly party: string;
  readonly lastReportOn: string | undefined;
}
export const reportsOwing = once((book: Book): Owed[] =>
  subjects(book).flatMap((subject) => {
    const party = owing(book, subject);
    return party === undefined ? [] : [{ subject, party, lastReportOn: lastOwnReportOn(book, subject, party) }];
  }),
);
const owes = (book: Book, subject: Subject, party: string): boolean =>
  reportsOwing(book).some((owed) => sameSubject(owed.subject, subject) && owed.party === party);

/** The recorded day on which a party came to owe what it owes now. It is looked at where a recorded day ends. */
function owedSince(book: Book, subject: Subject, party: string): string | undefined {
  let since: string | undefined;
  for (const day of [...new Set(book.selected.map(recordedDay))].toSorted(byText))
    if (!owes(atEndOf(book, day), subject, party)) since = undefined;
    else since ??= day;
  return since;
}

/** What was recorded by the end of a day, as it is known now. */
function atEndOf(book: Book, day: string): Book {
  return until(book, book.selected.findLast((fact) => recordedDay(fact) <= day)?.revision ?? -1);
}

const noticed = (book: Book, subject: Subject, party: string): Fact[] =>
  said(book, 'ReportOverdue').filter(
    ({ data }) =>
      data['party'] === party &&
      sameSubject({ line: data['line'] ?? null, milestone: data['milestone'] ?? null }, subject),
  );

export interface Missing {
  readonly overdue: boolean;
  readonly overdueSince: string | null;
}

/** Closed, cancelled, or all of the line accepted: nobody waits for a report any more. */
function isOver(book: Book, subject: Subject): boolean {
  const line = lineOf(book, subject.line);
  const isDelivered = line !== undefined && accepted(book, line) >= line.quantity;
  const isReached =
    line === undefined &&
    milestonesOf(book, subject).some((each) => each.kind === 'delivery' && actualOf(book, each) !== undefined);
  return closedOn(book) !== undefined || isCancelled(book, subject) || isDelivered || isReached;
}

/** Whether a party has reported since it was noticed to have missed a day. */
export function missing(book: Book, subject: Subject, party: string): Missing {
  if (isOver(book, subject) && !owes(book, subject, party)) return { overdue: false, overdueSince: null };
  const last = lastOwnReportOn(book, subject, party);
  const open = noticed(book, subject, party)
    .map(({ data }) => data['dueOn'] as string)
    .filter((dueOn) => last === undefined || last <= dueOn)
    .toSorted(byText);
  return { overdue: open.length > 0, overdueSince: orNull(open[0]) };
}

/** Parties that were noticed to have missed a report on it. */
const partiesNoticed = (book: Book, subject: Subject): string[] => [
  ...new Set(
    said(book, 'ReportOverdue')
      .map(({ data }) => data['party'] as string)
      .filter((party) => noticed(book, subject, party).length > 0),
  ),
];

export interface Overdue extends Subject {
  readonly party: string;
  readonly since: string;
}
export const overdueReports = once((book: Book): Overdue[] =>
  subjects(book).flatMap((subject) =>
    partiesNoticed(book, subject).flatMap((party): Overdue[] => {
      const { overdueSince } = missing(book, subject, party);
      return overdueSince === null ? [] : [{ ...subject, party, since: overdueSince }];
    }),
  ),
);

/** The first due day that the watch has not noticed. */
function nextDueOn(book: Book, subject: Subject, party: string): string {
  const since = owedSince(book, subject, party)!;
  const seen = noticed(book, subject, party).map(({ data }) => data['dueOn'] as string);
  let due = later(lastOwnReportOn(book, subject, party) ?? since, since);
  do due = addDays(due, termsInForce(atEndOf(book, due)).reportEveryDays);
  while (seen.includes(due));
  return due;
}

function reportsOwed(book: Book) {
  return subjects(book)
    .flatMap((subject) => {
      const owing = reportsOwing(book).filter((owed) => sameSubject(owed.subject, subject));
      const parties = new Set([...owing.map(({ party }) => party), ...partiesNoticed(book, subject)]);
      return [...parties].map((party) => ({
        ...subject,
        party,
        owed: owes(book, subject, party),
        reportEveryDays: termsInForce(book).reportEveryDays,
        owedSince: orNull(owedSince(book, subject, party)),
        lastReportOn: orNull(lastOwnReportOn(book, subject, party)),
        nextDueOn: owes(book, subject, party) ? nextDueOn(book, subject, party) : null,
        ...missing(book, subject, party),
        missed: noticed(book, subject, party).map((fact) => ({
          dueOn: fact.data['dueOn'] as string,
          noticedAt: fact.recordedtime,
          event: nameOf(fact),
        })),
      }));
    })
    .toSorted((a, b) => nullFirst(a.line, b.line) || nullFirst(a.milestone, b.milestone) || byText(a.party, b.party));
}

export const STEPS = ['acknowledge', 'resolve'] as const;
export type Step = (typeof STEPS)[number];

/** Whether a step of a delay was taken; it is not asked for once the delay is resolved or taken back. */
export function stepDone(book: Book, report: Fact, step: Step): boolean {
  const done = (type: string): boolean =>
    said(book, type).some((fact) => reference(fact, 'delay') === openedId(report));
  return report.withdrawn || done('DelayResolved') || (step === 'acknowledge' && done('DelayAcknowledged'));
}

/** The period for a step that was in force at the end of the recorded day of the report. */
export function periodFor(atEndOfReportDay: Book, step: Step): number {
  const { acknowledgeWithinDays, resolveWithinDays } = termsInForce(atEndOfReportDay);
  return step === 'acknowledge' ? acknowledgeWithinDays : resolveWithinDays;
}

/** Who may take it: the buyer acknowledges, but seller and prime what the buyer reported; seller and prime resolve. */
function whoMay(book: Book, report: Fact, step: Step): string[] {
  if (step === 'acknowledge' && sideOf(book, report.party) !== 'buyer') return [holderOfSide(book, 'buyer')];
  const prime = speakingPrime(book, Number.POSITIVE_INFINITY);
  return [...new Set([holderOfSide(book, 'seller'), ...(prime === undefined ? [] : [prime])])];
}

function delaySteps(book: Book) {
  return ever(book, 'DelayReported').flatMap((report) =>
    STEPS.map((step) => {
      const dueOn = addDays(recordedDay(report), periodFor(atEndOf(book, recordedDay(report)), step));
      const done = stepDone(book, report, step) || closedOn(book) !== undefined;
      return {
        delay: openedId(report),
        step,
        by: whoMay(book, report, step),
        dueOn,
        done,
        overdue: !done && book.day > dueOn,
        escalations: said(book, 'DelayEscalated')
          .filter((fact) => reference(fact, 'delay') === openedId(report) && fact.data['step'] === step)
          .map((fact) => ({
            level: fact.data['level'] as number,
            overdueSince: fact.data['overdueSince'] as string,
            noticedAt: fact.recordedtime,
            event: nameOf(fact),
          })),
      };
    }),
  );
}

export const obligations = (book: Book) => ({ reports: reportsOwed(book), delays: delaySteps(book) });
