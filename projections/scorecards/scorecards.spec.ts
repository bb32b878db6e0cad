import {
  confirmed,
  event,
  given,
  registered,
  registrationData,
  rowsAfter,
  type Options,
  type Sent,
} from '../../test/support/scenario.js';
import { pageOfRows } from './queries.js';
import { scorecards, scorecardsTable } from './scorecards.js';

const judge = { party: 'judge', name: 'judge (illustrative)', role: 'adjudicator', country: 'CH' };
const base = [registered({ parties: [...registrationData().parties, judge] }), confirmed()];
const card = (party: string, ...sent: readonly Sent[]) =>
  pageOfRows(rowsAfter(scorecards, given(...base, ...sent)).get(scorecardsTable.name)!, {
    day: '2021-01-01',
    limit: 100,
  }).parties.find((entry) => entry.party === party)!;

const report = event(
  'DelayReported',
  {
    delay: 'X1',
    cause: { code: 'supply', locus: 'prime', party: 'prime-a', detail: 'x' },
    startedOn: '2020-02-01',
    forecasts: [{ milestone: 'D1', forecast: '2021-09-30' }],
  },
  { by: 'prime-a', time: '2020-07-01', id: 'report' },
);
const takenBack = event(
  'EventCorrected',
  { event: { id: 'report' }, reason: 'did-not-occur' },
  { by: 'prime-a', time: '2020-09-01' },
);

test('a late notice that was taken back counts as long as a finding rests on it', () => {
  const found = event(
    'DelayDetermined',
    {
      delay: 'prime-a/X1',
      milestone: 'D1',
      shares: [{ days: 10, class: 'non-excusable', accountable: 'prime-a' }],
      reasons: 'x',
      evidence: [],
    },
    { by: 'judge', time: '2020-08-01', id: 'found' },
  );
  const late = { delays: 1, late: 1, lagDays: 151, averageLagDays: '151.0' };
  expect(card('prime-a', report).notices).toEqual(late);
  expect(card('prime-a', report, takenBack).notices).toMatchObject({ delays: 0, late: 0 });
  expect(card('prime-a', report, found, takenBack).notices).toEqual(late);
  // Nor does a later beginning make it a timely one, once the finding rests on what was said.
  const { data } = report as unknown as { readonly data: object };
  const moved = (time: string) =>
    event(
      'EventCorrected',
      { event: { id: 'report' }, reason: 'incorrect-data', replacement: { ...data, startedOn: '2020-06-30' } },
      { by: 'prime-a', time, id: `moved-${time}` },
    );
  expect(card('prime-a', report, found, moved('2020-09-01')).notices).toEqual(late);
  expect(card('prime-a', report, moved('2020-07-15'), found).notices).toMatchObject({ late: 0, lagDays: 1 });
  // What stood when it was found counts: neither what was sent before, nor what is said since.
  expect(card('prime-a', report, moved('2020-07-15'), found, moved('2020-09-01')).notices).toMatchObject({ late: 0 });
  const back = event(
    'EventCorrected',
    { event: { id: 'report' }, reason: 'incorrect-data', replacement: data },
    { by: 'prime-a', time: '2020-07-20', id: 'back' },
  );
  expect(card('prime-a', report, moved('2020-07-15'), back, found, moved('2020-09-01')).notices).toEqual(late);
});

test('what one side raises in the name of the other, and answers, is nobody’s merit', () => {
  const raised = (options: Options) =>
    event(
      'DiscrepancyRaised',
      { discrepancy: 'R1', kind: 'damage', line: '1', detail: 'water' },
      { time: '2020-05-01', ...options },
    );
  const answer = event(
    'DiscrepancyAnswered',
    { discrepancy: 'jp-mod/R1', answer: 'accepted', remedy: 'repair' },
    { by: 'us-gov', time: '2020-05-11' },
  );
  const own = raised({ by: 'jp-mod' });
  expect(card('jp-mod', own, answer).discrepancies).toMatchObject({ raised: 1 });
  expect(card('us-gov', own, answer).discrepancies).toMatchObject({ answered: 1, answerDays: 10 });
  const second = raised({ by: 'us-gov', onbehalfof: 'jp-mod' });
  expect(card('jp-mod', second, answer).discrepancies).toMatchObject({ raised: 0 });
  expect(card('us-gov', second, answer).discrepancies).toMatchObject({ answered: 0, answerDays: 0, open: 0 });
  // It waits for an answer all the same.
  expect(card('us-gov', second).discrepancies).toMatchObject({ open: 1, openDays: 245 });
});
