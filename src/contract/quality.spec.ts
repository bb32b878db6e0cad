import { contractView } from '../../projections/contract-status/queries.js';
import { contractStatus } from '../../projections/contract-status/contract-status.js';
import { qualityView } from '../../projections/quality/queries.js';
import { quality } from '../../projections/quality/quality.js';
import {
  confirmed,
  event,
  given,
  refusalOf,
  registered,
  rowsAfter,
  type Options,
  type Sent,
} from '../../test/support/scenario.js';

const base = [registered(), confirmed()];
const view = (...sent: readonly Sent[]) => qualityView(rowsAfter(quality, given(...base, ...sent)), '2020-06-01')!;
const status = (...sent: readonly Sent[]) =>
  contractView(rowsAfter(contractStatus, given(...base, ...sent)), '2020-06-01')!.status;
const check = (id: string, data: object, options: Options = {}) =>
  event(
    'QualityCheckRecorded',
    { check: id, line: '1', kind: 'final', standard: 'AQAP-2110', quantity: 1, result: 'pass', ...data },
    { by: 'inspector-a', time: '2020-03-01', ...options },
  );
const accept = (quantity: number) =>
  event(
    'DeliveryAccepted',
    { items: [{ line: '1', quantity }], acceptancePoint: 'origin' },
    { by: 'jp-mod', time: '2020-04-01' },
  );
const raised = (severity: string, options: Options = {}) =>
  event(
    'NonconformanceRaised',
    { nonconformance: 'N1', line: '1', quantity: 1, defect: 'crack', severity },
    { by: 'inspector-a', time: '2020-05-01', ...options },
  );
const disposed = (options: Options = {}) =>
  event(
    'NonconformanceDispositioned',
    { nonconformance: 'inspector-a/N1', disposition: 'use-as-is', approvedBy: 'jp-mod' },
    { by: 'us-gov', time: '2020-05-10', ...options },
  );

test('covered: each serial once, else by quantity, of passed final, source and receiving checks of the line’s standard', () => {
  const [line, cable] = view(
    check('Q1', { serials: ['A', 'B'], quantity: 2 }),
    check('Q2', { serials: ['B', 'C'], quantity: 2, kind: 'receiving' }),
    check('Q3', { quantity: 3, result: 'conditional' }),
    check('Q4', { quantity: 3, kind: 'in-process' }),
    check('Q5', { quantity: 3, standard: 'AS9102' }),
    accept(4),
  ).lines;
  expect(line).toMatchObject({
    accepted: 4,
    covered: 3,
    uncovered: 1,
    coveredBy: [
      { standard: 'AQAP-2110', quantity: 3 },
      { standard: 'AS9102', quantity: 3 },
    ],
  });
  expect(cable).toMatchObject({ standard: null, covered: null, uncovered: null });
});

test('first-pass yield is over the first check of each kind and serial or lot, by `time`', () => {
  const { lines } = view(
    check('Q1', { serials: ['A', 'B'], result: 'fail', quantity: 2 }, { time: '2020-03-02', recorded: '2020-03-02' }),
    check('Q2', { serials: ['A'], result: 'pass' }, { time: '2020-03-01', recorded: '2020-03-03' }), // came first
    check('Q3', { serials: ['B'], result: 'pass' }, { time: '2020-03-04' }), // a second try
    check('Q4', { lot: 'L1', result: 'pass' }, { time: '2020-03-05' }),
  );
  expect(lines[0]).toMatchObject({ firstChecks: 3, firstPassed: 2, firstPassYield: '0.6667' });
  expect(lines[1]!.firstPassYield).toBeNull();
});

test('a nonconformance is open until somebody disposes of it; an open critical one puts the contract at risk', () => {
  expect(view(raised('major')).nonconformances).toMatchObject([
    { nonconformance: 'inspector-a/N1', status: 'open', check: null },
  ]);
  expect(status(raised('major'))).toBe('on-track');
  expect(status(raised('critical'))).toBe('at-risk');
  expect(view(raised('critical'), disposed()).nonconformances).toMatchObject([
    { status: 'dispositioned', dispositions: [{ disposition: 'use-as-is', approvedBy: 'jp-mod', by: 'us-gov' }] },
  ]);
  expect(status(raised('critical'), disposed())).toBe('on-track');
  const back = (id: string, by: string) =>
    event('EventCorrected', { event: { id }, reason: 'did-not-occur' }, { by, time: '2020-05-20' });
  // Taken back by who raised it, it is not open; a disposition that is taken back opens it again.
  expect(status(raised('critical', { id: 'n' }), back('n', 'inspector-a'))).toBe('on-track');
  expect(status(raised('critical'), disposed({ id: 'd' }), back('d', 'us-gov'))).toBe('at-risk');
  expect(view(raised('critical', { id: 'n' }), back('n', 'inspector-a')).nonconformances).toMatchObject([
    { status: 'withdrawn' },
  ]);
});

test('who may do what', () => {
  expect(refusalOf(base, raised('minor', { by: 'sub-a' }))).toMatchObject({ code: 'not-permitted' });
  expect(refusalOf(base, disposed())).toMatchObject({
    code: 'unknown-reference',
    problems: [{ pointer: '/data/nonconformance' }],
  });
  expect(refusalOf([...base, raised('minor')], disposed({ by: 'prime-a' }))).toMatchObject({ code: 'not-permitted' });
  expect(refusalOf([...base, raised('minor')], raised('minor', { id: 'again' }))).toMatchObject({ code: 'id-in-use' });
});

test('nobody disposes of a nonconformance in the name of another', () => {
  const inItsName = disposed({ by: 'prime-a', onbehalfof: 'jp-mod' });
  expect(refusalOf([...base, raised('critical')], inItsName)).toMatchObject({ code: 'not-permitted' });
});
