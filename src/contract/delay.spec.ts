import { accountabilityView } from '../../projections/delay-accountability/queries.js';
import { delayAccountability } from '../../projections/delay-accountability/delay-accountability.js';
import {
  confirmed,
  event,
  given,
  refusalOf,
  registered,
  registrationData,
  rowsAfter,
  type Options,
  type Sent,
} from '../../test/support/scenario.js';

const judge = { party: 'judge', name: 'judge (illustrative)', role: 'adjudicator', country: 'CH' };
const base = [registered({ parties: [...registrationData().parties, judge] }), confirmed()];
const unconfirmed = base.slice(0, 1);
const view = (day: string, history: readonly Sent[], on?: string) =>
  accountabilityView(rowsAfter(delayAccountability, given(...history), on), day)!;
const d1 = (day: string, history: readonly Sent[]) =>
  view(day, history).milestones.find(({ milestone }) => milestone === 'D1')!;

const delay = (forecast: string | undefined, options: Options & { locus?: string; delay?: string } = {}) =>
  event(
    'DelayReported',
    {
      delay: options.delay ?? 'X1',
      cause: { code: 'supply', locus: options.locus ?? 'subcontractor', party: 'sub-a', detail: 'castings' },
      startedOn: '2020-03-01',
      forecasts: forecast === undefined ? [] : [{ milestone: 'D1', forecast }],
    },
    { by: 'prime-a', time: '2020-05-01', ...options },
  );
const share = (days: number, accountable: string, of = 'excusable') => ({ days, class: of, accountable });
const determined = (shares: readonly object[], options: Options & { delay?: string; milestone?: string } = {}) =>
  event(
    'DelayDetermined',
    {
      delay: options.delay ?? 'prime-a/X1',
      milestone: options.milestone ?? 'D1',
      shares,
      reasons: 'as the record shows',
      evidence: [],
    },
    { by: 'judge', time: '2020-06-01', ...options },
  );

describe('what was determined', () => {
  test('counts by party and class; the parts always add up to the slip', () => {
    const shares = [
      share(40, 'prime-a'),
      share(5, 'prime-a', 'compensable'),
      share(20, 'force-majeure'),
      share(10, 'concurrent'),
    ];
    const history = [...base, delay('2021-10-08'), determined(shares)];
    expect(d1('2021-07-30', history)).toMatchObject({
      slipDays: 100,
      determined: [
        { party: 'prime-a', class: 'compensable', days: 5 },
        { party: 'prime-a', class: 'excusable', days: 40 },
      ],
      forceMajeureDays: 20,
      concurrentDays: 10,
      unattributedDays: 25,
      overAttributedDays: 0,
    });
    // Before it is late, more is attributed than there is.
    expect(d1('2020-06-02', [...base, delay(undefined), determined(shares)])).toMatchObject({
      slipDays: 0,
      unattributedDays: 0,
      overAttributedDays: 75,
    });
  });

  test('of one delay and milestone the latest by `time` holds; of several delays all are added', () => {
    const history = [
      ...base,
      delay('2021-10-08'),
      delay(undefined, { delay: 'X2' }),
      determined([share(10, 'jp-mod')], { time: '2020-07-01', recorded: '2020-07-01', id: 'later' }),
      determined([share(90, 'prime-a')], { time: '2020-06-01', recorded: '2020-07-02', id: 'earlier' }),
      determined([share(3, 'sub-a')], { delay: 'prime-a/X2', time: '2020-07-03' }),
    ];
    expect(d1('2020-08-01', history).determined).toEqual([
      { party: 'jp-mod', class: 'excusable', days: 10 },
      { party: 'sub-a', class: 'excusable', days: 3 },
    ]);
    const [first] = view('2020-08-01', history).delays;
    expect(first!.determinations.map(({ event: of, counts }) => [of.id, counts])).toEqual([
      ['later', true],
      ['earlier', false],
    ]);
    // One with no shares attributes nothing, and takes the place of the one before.
    const none = determined([], { time: '2020-07-04' });
    expect(d1('2020-08-01', [...history, none]).determined).toEqual([{ party: 'sub-a', class: 'excusable', days: 3 }]);
  });

  test('is kept and shown but does not count until the registration is confirmed', () => {
    const history = [...unconfirmed, delay('2021-10-08'), determined([share(50, 'prime-a')])];
    expect(d1('2021-07-30', history)).toMatchObject({ determined: [], unattributedDays: 100 });
    expect(view('2021-07-30', history).delays[0]!.determinations).toMatchObject([{ counts: false }]);
    const late = [...history, confirmed({ time: '2021-01-01' })];
    expect(d1('2021-07-30', late)).toMatchObject({ determined: [{ days: 50 }], unattributedDays: 50 });
  });

  test('agreed days are the part of what nobody is accountable for that both sides agreed to', () => {
    const amended = event(
      'ContractAmended',
      {
        amendment: 'A1',
        consulted: ['jp-mod'],
        rationale: 'asked',
        milestones: [{ milestone: 'D1', due: '2021-07-30' }],
      },
      { by: 'us-gov', time: '2020-02-10' },
    );
    const agreed = event('AmendmentAgreed', { amendment: 'A1' }, { by: 'jp-mod', time: '2020-02-20' });
    expect(d1('2021-10-08', [...base, amended, agreed])).toMatchObject({
      slipDays: 100,
      unattributedDays: 100,
      agreedDays: 30,
    });
    const history = [...base, amended, agreed, delay(undefined), determined([share(90, 'prime-a')])];
    expect(d1('2021-10-08', history)).toMatchObject({ unattributedDays: 10, agreedDays: 10 });
  });

  test('is for adjudicators alone, about what is there, and of parties of the contract', () => {
    const history = [...base, delay(undefined)];
    expect(refusalOf(history, determined([], { by: 'jp-mod' }))).toMatchObject({ code: 'not-permitted' });
    expect(refusalOf(history, determined([], { delay: 'prime-a/X9' }))).toMatchObject({
      code: 'unknown-reference',
      problems: [{ pointer: '/data/delay' }],
    });
    expect(refusalOf(history, determined([share(1, 'nobody')]))).toMatchObject({
      code: 'unknown-reference',
      problems: [{ pointer: '/data/shares/0/accountable' }],
    });
    expect(
      refusalOf(history, determined([{ ...share(1, 'concurrent'), between: ['jp-mod', 'nobody'] }])),
    ).toMatchObject({
      problems: [{ pointer: '/data/shares/0/between/1' }],
    });
    expect(refusalOf(history, determined([], { milestone: 'D9' }))).toMatchObject({
      problems: [{ pointer: '/data/milestone' }],
    });
  });
});

test('what is recorded in its name takes no days from what a party alleges itself', () => {
  const letter = event(
    'ForecastRevised',
    { milestone: 'D1', forecast: '2021-09-30', reason: 'their letter' },
    { by: 'jp-mod', onbehalfof: 'prime-a', time: '2020-02-15' },
  );
  const own = delay('2021-09-30', { time: '2020-03-01' });
  const alleged = [{ by: 'prime-a', recordedBy: null, locus: 'subcontractor', party: 'sub-a', days: 92 }];
  expect(d1('2021-01-01', [...base, own]).alleged).toEqual(alleged);
  expect(d1('2021-01-01', [...base, letter, own])).toMatchObject({
    alleged,
    unexplained: [{ by: 'prime-a', recordedBy: 'jp-mod', days: 92 }],
  });
});

test('alleged and unexplained days count from what the same party stated last, and begin anew when both sides agree', () => {
  const forecast = (to: string, time: string, by = 'prime-a') =>
    event('ForecastRevised', { milestone: 'D1', forecast: to, reason: 'r' }, { by, time });
  const history = [
    ...base,
    forecast('2021-07-10', '2020-02-01'), // 10 from the agreed date
    delay('2021-07-30', { time: '2020-02-02' }), // 20 from its own forecast
    delay('2021-07-20', { time: '2020-02-03', delay: 'X2', locus: 'buyer' }), // earlier: none
    forecast('2021-07-05', '2020-02-04', 'jp-mod'), // 5: the buyer stated nothing before
    event(
      'ContractAmended',
      { amendment: 'A1', consulted: [], rationale: 'asked', milestones: [{ milestone: 'D1', due: '2021-07-31' }] },
      { by: 'us-gov', time: '2020-02-05' },
    ),
    event('AmendmentAgreed', { amendment: 'A1' }, { by: 'jp-mod', time: '2020-02-06' }),
    forecast('2021-08-07', '2020-02-07'), // 7 from the date agreed now
  ];
  expect(d1('2020-03-01', history)).toMatchObject({
    alleged: [
      { by: 'prime-a', recordedBy: null, locus: 'buyer', party: 'sub-a', days: 0 },
      { by: 'prime-a', recordedBy: null, locus: 'subcontractor', party: 'sub-a', days: 20 },
    ],
    unexplained: [
      { by: 'jp-mod', recordedBy: null, days: 5 },
      { by: 'prime-a', recordedBy: null, days: 17 },
    ],
  });
});

describe('how a delay was dealt with', () => {
  const acknowledged = event(
    'DelayAcknowledged',
    { delay: 'prime-a/X1' },
    { by: 'jp-mod', time: '2020-05-05', recorded: '2020-05-20' },
  );
  const resolved = (time: string, resolvedOn: string) =>
    event('DelayResolved', { delay: 'X1', resolvedOn, actualDays: 9 }, { by: 'prime-a', time, recorded: '2020-09-01' });
  const proposed = (time: string, id: string) =>
    event(
      'MitigationProposed',
      { delay: 'X1', plan: 'shifts', recoversDays: 12, by: 'sub-a' },
      { by: 'prime-a', time, id },
    );
  const accepted = (time: string) => event('MitigationAccepted', { delay: 'prime-a/X1' }, { by: 'jp-mod', time });

  test('by recorded days and, for imported history, by the days that are stated', () => {
    const history = [
      ...base,
      delay(undefined, { time: '2020-03-20', recorded: '2020-05-01' }),
      acknowledged,
      resolved('2020-08-01', '2020-07-31'),
      resolved('2020-07-01', '2020-06-30'),
    ];
    expect(view('2020-09-02', history).delays).toMatchObject([
      {
        status: 'resolved',
        noticeLagDays: 61,
        noticeLate: true,
        acknowledgedAfterDays: 19,
        resolvedOn: '2020-07-31',
        resolvedAfterDays: 123,
        statedNoticeLagDays: 19,
        statedNoticeLate: false,
        statedAcknowledgedAfterDays: 46,
        statedResolvedAfterDays: 134,
      },
    ]);
  });

  test('a plan is accepted that was proposed last by then; without a plan there is nothing to accept', () => {
    const history = [
      ...base,
      delay(undefined),
      proposed('2020-06-01', 'one'),
      accepted('2020-06-10'),
      proposed('2020-06-20', 'two'),
    ];
    const [first] = view('2020-09-02', history).delays;
    expect(first!.mitigations.map(({ event: of, acceptedAt }) => [of.id, acceptedAt])).toEqual([
      ['one', '2020-06-10T12:00:00.000Z'],
      ['two', null],
    ]);
    expect(refusalOf([...base, delay(undefined)], accepted('2020-06-10'))).toMatchObject({
      code: 'unknown-reference',
      problems: [{ pointer: '/data/delay' }],
    });
    expect(refusalOf(history, event('MitigationAccepted', { delay: 'prime-a/X1' }, { by: 'us-gov' }))).toMatchObject({
      code: 'not-permitted',
    });
  });

  test('a report that is taken back alleges nothing, and what others found stays, flagged', () => {
    const history = [
      ...base,
      delay('2021-10-08', { id: 'report' }),
      determined([share(50, 'prime-a')]),
      event(
        'EventCorrected',
        { event: { id: 'report' }, reason: 'did-not-occur' },
        { by: 'prime-a', time: '2020-07-01' },
      ),
    ];
    expect(d1('2021-07-30', history)).toMatchObject({
      slipDays: 30,
      alleged: [],
      determined: [{ days: 50 }],
      overAttributedDays: 20,
    });
    expect(view('2021-07-30', history).delays).toMatchObject([{ status: 'withdrawn' }]);
  });
});
