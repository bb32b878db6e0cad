/** What was checked against which standard, what failed, and what became of it. */
import { accepted } from './delivery.js';
import {
  byText,
  byTime,
  ever,
  nameOf,
  notBelowZero,
  openedId,
  orNull,
  quantityOf,
  ratio,
  reference,
  said,
  shownQuantity,
  sum,
  type Book,
  type Data,
  type Fact,
} from './record.js';
import { lines } from './terms.js';

const serialsOf = (check: Fact): readonly string[] => (check.data['serials'] ?? []) as string[];

const covering = (book: Book, line: string): Fact[] =>
  said(book, 'QualityCheckRecorded').filter(
    ({ data }) =>
      data['line'] === line && ['final', 'source', 'receiving'].includes(data['kind']) && data['result'] === 'pass',
  );

/** Units that passed by a standard: each serial once, what has no serials by quantity. */
function covered(book: Book, line: string, standard: string): bigint {
  const checks = covering(book, line).filter(({ data }) => data['standard'] === standard);
  const serials = new Set(checks.flatMap(serialsOf));
  const without = checks.filter((check) => serialsOf(check).length === 0);
  return quantityOf(serials.size) + sum(without.map(({ data }) => quantityOf(data['quantity'])));
}

export interface FirstCheck {
  readonly line: string;
  readonly passed: boolean;
}

/** The first check of each line, kind and serial, else lot, else neither. */
export function firstChecks(book: Book): FirstCheck[] {
  const firsts = new Map<string, FirstCheck>();
  for (const check of said(book, 'QualityCheckRecorded').toSorted(byTime)) {
    const { line, kind, lot, result } = check.data as Data & { readonly line: string };
    const units =
      serialsOf(check).length > 0
        ? serialsOf(check).map((serial) => ['serial', serial])
        : [lot === undefined ? [] : ['lot', lot as string]];
    for (const unit of units) {
      const key = JSON.stringify([line, kind, ...unit]);
      if (!firsts.has(key)) firsts.set(key, { line, passed: result === 'pass' });
    }
  }
  return [...firsts.values()];
}

const dispositions = (book: Book, raised: Fact): Fact[] =>
  said(book, 'NonconformanceDispositioned').filter((fact) => reference(fact, 'nonconformance') === openedId(raised));

function nonconformanceStatus(book: Book, raised: Fact): 'withdrawn' | 'dispositioned' | 'open' {
  if (raised.withdrawn) return 'withdrawn';
  return dispositions(book, raised).length > 0 ? 'dispositioned' : 'open';
}

export const openCriticalNonconformances = (book: Book): number =>
  said(book, 'NonconformanceRaised').filter(
    (raised) => raised.data['severity'] === 'critical' && nonconformanceStatus(book, raised) === 'open',
  ).length;

export function quality(book: Book) {
  return {
    lines: lines(book).map((line) => {
      const standards = new Set(covering(book, line.line).map(({ data }) => data['standard'] as string));
      const firsts = firstChecks(book).filter((check) => check.line === line.line);
      const passed = firsts.filter((check) => check.passed);
      const byOwn = line.standard === null ? null : covered(book, line.line, line.standard);
      return {
        line: line.line,
        standard: line.standard,
        accepted: shownQuantity(accepted(book, line)),
        covered: byOwn === null ? null : shownQuantity(byOwn),
        uncovered: byOwn === null ? null : shownQuantity(notBelowZero(accepted(book, line) - byOwn)),
        coveredBy: [...standards]
          .toSorted(byText)
          .map((standard) => ({ standard, quantity: shownQuantity(covered(book, line.line, standard)) })),
        firstChecks: firsts.length,
        firstPassed: passed.length,
        firstPassYield: ratio(passed.length, firsts.length, 4),
      };
    }),
    checks: ever(book, 'QualityCheckRecorded').map((check) => ({
      check: openedId(check),
      line: check.data['line'] as string,
      kind: check.data['kind'] as string,
      standard: check.data['standard'] as string,
      quantity: shownQuantity(quantityOf(check.data['quantity'])),
      result: check.data['result'] as string,
      sampleSize: orNull(check.data['sampleSize'] as number | undefined),
      characteristics: orNull(
        (check.data['characteristics'] as Data[] | undefined)?.map(
          ({ name, nominal, lower, upper, measured, unit }) => ({
            name: name as string,
            nominal: orNull(nominal as unknown),
            lower: orNull(lower as unknown),
            upper: orNull(upper as unknown),
            measured: orNull(measured as unknown),
            unit: orNull(unit as unknown),
          }),
        ),
      ),
      serials: orNull(check.data['serials'] as readonly string[] | undefined),
      lot: orNull(check.data['lot'] as string | undefined),
      certificate: orNull(check.data['certificate'] as string | undefined),
      by: check.reporter,
      onBehalfOf: orNull(check.onBehalfOf),
      time: check.time,
      recordedtime: check.recordedtime,
      event: nameOf(check),
      withdrawn: check.withdrawn,
    })),
    nonconformances: ever(book, 'NonconformanceRaised').map((raised) => ({
      nonconformance: openedId(raised),
      line: raised.data['line'] as string,
      check: orNull(reference(raised, 'check')),
      quantity: shownQuantity(quantityOf(raised.data['quantity'])),
      defect: raised.data['defect'] as string,
      severity: raised.data['severity'] as string,
      by: raised.reporter,
      onBehalfOf: orNull(raised.onBehalfOf),
      raisedAt: raised.recordedtime,
      status: nonconformanceStatus(book, raised),
      dispositions: dispositions(book, raised).map((fact) => ({
        disposition: fact.data['disposition'] as string,
        approvedBy: fact.data['approvedBy'] as string,
        by: fact.reporter,
        onBehalfOf: orNull(fact.onBehalfOf),
        dispositionedAt: fact.recordedtime,
        event: nameOf(fact),
      })),
      event: nameOf(raised),
    })),
  };
}
