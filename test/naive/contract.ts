/** Where a contract stands, and the portfolio's sums over several. */
import { accepted, account, ageYears, deliveredOn, isOver, received, rejected, shipped } from './delivery.js';
import { delayReports, delayStatus } from './delays.js';
import { openCriticalNonconformances } from './quality.js';
import {
  correctionShown,
  byText,
  earlier,
  lastByTime,
  orNull,
  quantityOf,
  recordedDay,
  said,
  shownMoney,
  shownQuantity,
  sum,
  type Book,
  type Fact,
} from './record.js';
import { linesNamed, namesLine, overdueReports } from './reporting.js';
import { datedMilestones } from './schedule.js';
import {
  closedOn,
  confirmation,
  dueBy,
  holderOfSide,
  lines,
  registrationOf,
  seatsNow,
  termsInForce,
  valueInForce,
  type Line,
} from './terms.js';

export type Status = 'closed' | 'completed' | 'late' | 'at-risk' | 'on-track';

export function status(book: Book): Status {
  const all = datedMilestones(book).filter(({ cancelled }) => !cancelled);
  const unreached = all.filter(({ dates }) => dates.actual === null);
  if (closedOn(book) !== undefined) return 'closed';
  if (all.length > 0 && unreached.length === 0) return 'completed';
  if (unreached.some(({ dates }) => dates.agreed < book.day)) return 'late';
  if (
    unreached.some(({ dates }) => dates.standing > dates.agreed) ||
    openDelays(book) > 0 ||
    openCriticalNonconformances(book) > 0 ||
    overdueReports(book).length > 0
  )
    return 'at-risk';
  return 'on-track';
}

const openDelays = (book: Book): number =>
  delayReports(book).filter((report) => ['open', 'acknowledged'].includes(delayStatus(book, report))).length;

const largest = (days: readonly number[]): number | null => (days.length === 0 ? null : Math.max(...days));

/** An unreached delivery milestone that was agreed for a day before the one asked about. */
export const isOverdue = (book: Book): boolean =>
  closedOn(book) === undefined &&
  datedMilestones(book).some(
    ({ kind, cancelled, dates }) =>
      kind === 'delivery' && !cancelled && dates.actual === null && dates.agreed < book.day,
  );

export const settlementDueOn = (book: Book): string | undefined => {
  const since = deliveredOn(book);
  return since === undefined ? undefined : dueBy(book, since, 'settleWithinDays');
};
export const settlementOverdue = (book: Book): boolean => {
  const due = settlementDueOn(book);
  return account(book).settledOn === undefined && due !== undefined && book.day > due;
};
export const isUnsettled = (book: Book): boolean => {
  const { paid, settledOn, deliveredUnsettled } = account(book);
  return paid > 0n && settledOn === undefined && (isOverdue(book) || deliveredUnsettled);
};

/** The last event that names a line, or any line. */
const lastReport = (book: Book, line?: string): Fact | undefined =>
  lastByTime(
    book.facts.filter(
      (fact) => !fact.withdrawn && (line === undefined ? linesNamed(fact).length > 0 : namesLine(fact, line)),
    ),
  );

export function summary(book: Book) {
  const { data } = registrationOf(book)!;
  const all = datedMilestones(book).filter(({ cancelled }) => !cancelled);
  const { currency, paid, delivered, undelivered, exposure, settledOn } = account(book);
  const last = lastReport(book);
  return {
    contract: registrationOf(book)!.contract,
    title: data['title'] as string,
    reference: data['reference'] as string,
    programme: data['programme'] as string,
    buyer: holderOfSide(book, 'buyer'),
    seller: holderOfSide(book, 'seller'),
    signedOn: data['signedOn'] as string,
    value: valueInForce(book),
    status: status(book),
    slipDays: largest(all.map(({ dates }) => dates.slipDays)),
    lateDays: largest(all.map(({ dates }) => dates.lateDays)),
    deliveryLateDays: largest(all.filter(({ kind }) => kind === 'delivery').map(({ dates }) => dates.lateDays)),
    ageYears: ageYears(book),
    paid: shownMoney(paid, currency),
    deliveredValue: shownMoney(delivered, currency),
    undeliveredValue: shownMoney(undelivered, currency),
    exposure: shownMoney(exposure, currency),
    settledOn: orNull(settledOn),
    openDelays: openDelays(book),
    overdueReports: overdueReports(book).length,
    lastReportOn: last === undefined ? null : recordedDay(last),
    revision: String(book.lastRevision),
  };
}

function lineAnswer(book: Book, line: Line) {
  const made = lastByTime(
    said(book, 'ManufacturingStarted', 'ManufacturingProgressed', 'ManufacturingCompleted').filter((fact) =>
      namesLine(fact, line.line),
    ),
  );
  const completed = made?.type === 'ManufacturingCompleted';
  const units = made?.data[completed ? 'quantity' : 'unitsCompleted'] as number | string | undefined;
  const last = lastReport(book, line.line);
  const overdue = overdueReports(book).filter((each) => each.line === line.line);
  return {
    line: line.line,
    description: line.description,
    quantity: shownQuantity(line.quantity),
    unit: line.unit,
    unitValue: line.unitValue,
    responsible: line.responsible,
    standard: line.standard,
    cancelled: line.cancelled,
    stage: completed ? 'completed' : orNull(made?.data['stage'] as string | undefined),
    percent: completed ? 100 : orNull(made?.data['percent'] as number | string | undefined),
    unitsCompleted: units === undefined ? null : shownQuantity(quantityOf(units)),
    shipped: shownQuantity(shipped(book, line.line)),
    received: shownQuantity(received(book, line.line)),
    accepted: shownQuantity(accepted(book, line)),
    rejected: shownQuantity(rejected(book, line.line)),
    lastReportOn: last === undefined ? null : recordedDay(last),
    lastReportBy: orNull(last?.reporter),
    overdueSince: overdue.length === 0 ? null : overdue.map(({ since }) => since).reduce(earlier),
  };
}

export function contract(book: Book) {
  return {
    ...summary(book),
    registration: {
      by: registrationOf(book)!.reporter,
      ...confirmation(book),
      contestedAt: orNull(lastByTime(said(book, 'RegistrationContested'))?.recordedtime),
      ...correctionShown(registrationOf(book)!),
    },
    terms: termsInForce(book),
    parties: seatsNow(book),
    lines: lines(book).map((line) => lineAnswer(book, line)),
  };
}

export type GroupBy = 'programme' | 'buyer' | 'seller';
const AGES = [1, 2, 3, 5, 10];

export function exposure(books: readonly Book[], groupBy?: GroupBy) {
  const summaries = books.map((book) => ({
    book,
    key: groupBy === undefined ? 'all' : summary(book)[groupBy],
    currency: account(book).currency,
  }));
  const groups = new Map(summaries.map(({ key, currency }) => [JSON.stringify([key, currency]), { key, currency }]));
  return [...groups.values()]
    .toSorted((a, b) => byText(a.key, b.key) || byText(a.currency, b.currency))
    .map(({ key, currency }) => {
      const inGroup = summaries
        .filter((each) => each.key === key && each.currency === currency)
        .map(({ book }) => book);
      const total = (of: readonly Book[], field: 'value' | 'paid' | 'delivered' | 'undelivered' | 'exposure') =>
        shownMoney(sum(of.map((book) => account(book)[field])), currency);
      const overdue = inGroup.filter(isOverdue);
      const unsettled = inGroup.filter(isUnsettled);
      const deliveredUnsettled = inGroup.filter((book) => account(book).deliveredUnsettled);
      const settlementsOverdue = deliveredUnsettled.filter(settlementOverdue);
      return {
        key,
        currency,
        contracts: inGroup.length,
        value: total(inGroup, 'value'),
        paid: total(inGroup, 'paid'),
        deliveredValue: total(inGroup, 'delivered'),
        undeliveredValue: total(inGroup, 'undelivered'),
        exposure: total(inGroup, 'exposure'),
        overdue: {
          contracts: overdue.length,
          undeliveredValue: total(overdue, 'undelivered'),
          paid: total(overdue, 'paid'),
        },
        age: AGES.map((overYears) => {
          const older = inGroup.filter((book) => isOver(book, overYears));
          return { overYears, contracts: older.length, undeliveredValue: total(older, 'undelivered') };
        }),
        deliveredUnsettled: {
          contracts: deliveredUnsettled.length,
          paid: total(deliveredUnsettled, 'paid'),
          overdueContracts: settlementsOverdue.length,
          overduePaid: total(settlementsOverdue, 'paid'),
        },
        unsettled: { contracts: unsettled.length, paid: total(unsettled, 'paid') },
      };
    });
}
