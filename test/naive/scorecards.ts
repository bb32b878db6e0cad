/** How each party does, over all its contracts. */
import { discrepancy, discrepancyReports, firstAnswerBy } from './commerce.js';
import { delayReports, determinations, isNoticeLate, noticeLagDays } from './delays.js';
import { firstChecks } from './quality.js';
import { byText, openedId, ratio, said, type Book } from './record.js';
import { overdueReports } from './reporting.js';
import { datedMilestones } from './schedule.js';
import { closedOn, holderOfSide, lines, partiesEver } from './terms.js';

const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

function ofContract(book: Book, party: string) {
  const deliveries = datedMilestones(book).filter(
    ({ kind, cancelled, responsible }) => kind === 'delivery' && !cancelled && responsible === party,
  );
  const reached = deliveries.filter(({ dates }) => dates.actual !== null);
  const delays = delayReports(book).filter(
    (report) =>
      report.party === party &&
      report.onBehalfOf === undefined &&
      (!report.withdrawn || determinations(book).some(({ delay }) => delay === openedId(report))),
  );
  const checks = firstChecks(book).filter((check) =>
    lines(book).some(({ line, responsible }) => line === check.line && responsible === party),
  );
  const reports = discrepancyReports(book);
  const own = reports.filter((report) => report.onBehalfOf === undefined);
  const raised = own.filter((report) => report.party === party && !report.withdrawn);
  const answered = own.filter((report) => firstAnswerBy(book, report) === party);
  const toAnswer =
    holderOfSide(book, 'seller') === party
      ? reports.filter((report) => discrepancy(book, report).status === 'open')
      : [];
  return {
    contracts: 1,
    reached: reached.length,
    onTime: reached.filter(({ dates }) => dates.actual! <= dates.agreed).length,
    overdue:
      closedOn(book) === undefined
        ? deliveries.filter(({ dates }) => dates.actual === null && dates.agreed < book.day).length
        : 0,
    delays: delays.length,
    late: delays.filter((report) => isNoticeLate(book, report)).length,
    lagDays: total(delays.map((report) => Math.max(0, noticeLagDays(book, report)))),
    first: checks.length,
    passed: checks.filter(({ passed }) => passed).length,
    raised: raised.length,
    raisedLate: raised.filter((report) => discrepancy(book, report).raisedLate === true).length,
    answered: answered.length,
    answerDays: total(answered.map((report) => discrepancy(book, report).answeredAfterDays!)),
    open: toAnswer.length,
    openDays: total(toAnswer.map((report) => discrepancy(book, report).answeredAfterDays!)),
    missed: said(book, 'ReportOverdue').filter(({ data }) => data['party'] === party).length,
    reportsOverdue: overdueReports(book).filter((each) => each.party === party).length,
  };
}

export function scorecards(books: readonly Book[]) {
  const parties = [...new Set(books.flatMap(partiesEver))].toSorted(byText);
  return parties.map((party) => {
    const each = books.filter((book) => partiesEver(book).includes(party)).map((book) => ofContract(book, party));
    const all = (field: keyof (typeof each)[number]): number => total(each.map((numbers) => numbers[field]));
    return {
      party,
      contracts: all('contracts'),
      deliveries: {
        reached: all('reached'),
        onTime: all('onTime'),
        overdue: all('overdue'),
        onTimeRate: ratio(all('onTime'), all('reached') + all('overdue'), 4),
      },
      notices: {
        delays: all('delays'),
        late: all('late'),
        lagDays: all('lagDays'),
        averageLagDays: ratio(all('lagDays'), all('delays'), 1),
      },
      checks: {
        first: all('first'),
        passed: all('passed'),
        firstPassYield: ratio(all('passed'), all('first'), 4),
      },
      discrepancies: {
        raised: all('raised'),
        raisedLate: all('raisedLate'),
        answered: all('answered'),
        answerDays: all('answerDays'),
        averageAnswerDays: ratio(all('answerDays'), all('answered'), 1),
        open: all('open'),
        openDays: all('openDays'),
      },
      reports: { missed: all('missed'), overdue: all('reportsOverdue') },
    };
  });
}
