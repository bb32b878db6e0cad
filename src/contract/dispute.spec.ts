import { accountabilityView } from '../../projections/delay-accountability/queries.js';
import { delayAccountability } from '../../projections/delay-accountability/delay-accountability.js';
import {
  confirmed,
  event,
  foldAll,
  given,
  refusalOf,
  registered,
  registrationData,
  rowsAfter,
  type Options,
  type Sent,
} from '../../test/support/scenario.js';

const judge = { party: 'judge', name: 'judge (illustrative)', role: 'adjudicator', country: 'CH' };
const base = [
  registered({ parties: [...registrationData().parties, judge] }),
  confirmed(),
  event(
    'DelayReported',
    {
      delay: 'X1',
      cause: { code: 'supply', locus: 'buyer', detail: 'late drawings' },
      startedOn: '2020-03-01',
      forecasts: [{ milestone: 'D1', forecast: '2021-10-08' }],
    },
    { by: 'prime-a', time: '2020-05-01', id: 'report' },
  ),
];
const opened = (options: Options & { contests?: readonly object[] } = {}) =>
  event(
    'DisputeOpened',
    {
      dispute: 'C1',
      claim: 'it is not the buyer’s',
      contests: options.contests ?? [{ id: 'report', source: 'urn:waybook:party:prime-a' }],
      relief: 'strike it',
    },
    { by: 'jp-mod', time: '2020-06-01', ...options },
  );
const answered = event(
  'DisputeAnswered',
  { dispute: 'jp-mod/C1', position: 'it is' },
  { by: 'prime-a', time: '2020-06-02' },
);
const withdrawn = (by = 'jp-mod', time = '2020-06-20') =>
  event('DisputeWithdrawn', { dispute: 'jp-mod/C1', reason: 'agreed otherwise' }, { by, time });
const decided = (determinations?: readonly object[], time = '2020-06-10') =>
  event(
    'DisputeDecided',
    { dispute: 'jp-mod/C1', decision: 'in part', ...(determinations === undefined ? {} : { determinations }) },
    { by: 'judge', time },
  );
const finding = (accountable: string, days: number) => ({
  delay: 'prime-a/X1',
  milestone: 'D1',
  shares: [{ days, class: 'non-excusable', accountable }],
  reasons: 'as the logs show',
  evidence: [{ id: 'report', source: 'urn:waybook:party:prime-a' }],
});
const view = (...sent: readonly Sent[]) =>
  accountabilityView(rowsAfter(delayAccountability, given(...base, ...sent)), '2021-07-30')!;
const flagsOf = (...sent: readonly Sent[]) => [...foldAll(given(...base, ...sent).recorded).flags.values()];

test('a dispute is open, answered, withdrawn, or decided, and shows with the delay that it contests', () => {
  const status = (...sent: readonly Sent[]) => {
    const { delays, disputes } = view(...sent);
    expect(delays[0]!.disputes.map((each) => each.status)).toEqual([disputes[0]!.status]);
    return disputes[0]!.status;
  };
  expect(status(opened())).toBe('open');
  expect(status(opened(), answered)).toBe('answered');
  expect(status(opened(), answered, withdrawn())).toBe('withdrawn');
  expect(status(opened(), answered, decided())).toBe('decided');
  // A decision is not undone by who asked for it, nor kept away by who no longer wants it.
  expect(status(opened(), decided(), withdrawn())).toBe('decided');
  expect(status(opened(), withdrawn('jp-mod', '2020-06-05'), decided())).toBe('decided');
  expect(flagsOf(opened(), decided(), withdrawn())).toMatchObject([{ code: 'repeated-answer' }]);
});

test('what a decision determines takes the place of what was determined before', () => {
  const determined = event('DelayDetermined', finding('jp-mod', 90), { by: 'judge', time: '2020-06-05', id: 'first' });
  const contesting = opened({ contests: [{ id: 'first', source: 'urn:waybook:party:judge' }], time: '2020-06-06' });
  const { milestones, delays } = view(determined, contesting, decided([finding('prime-a', 30)]));
  expect(milestones.find(({ milestone }) => milestone === 'D1')!.determined).toEqual([
    { party: 'prime-a', class: 'non-excusable', days: 30 },
  ]);
  expect(delays[0]!.determinations.map(({ counts }) => counts)).toEqual([false, true]);
  // It contests a determination of the delay, so it is one of the delay's.
  expect(delays[0]!.disputes.map(({ dispute }) => dispute)).toEqual(['jp-mod/C1']);
});

test('evidence is a hash with a name, and may be taken back by who submitted it', () => {
  const document = {
    dispute: 'jp-mod/C1',
    evidence: 'V1',
    title: 'drawing log',
    mediaType: 'text/csv',
    sha256: 'ab'.repeat(32),
  };
  const submitted = (data: object = {}) =>
    event('EvidenceSubmitted', { ...document, ...data }, { by: 'prime-a', time: '2020-06-03', id: 'evidence' });
  const back = event(
    'EventCorrected',
    { event: { id: 'evidence' }, reason: 'did-not-occur' },
    { by: 'prime-a', time: '2020-06-04' },
  );
  expect(view(opened(), submitted()).disputes[0]!.evidence).toMatchObject([
    { evidence: 'prime-a/V1', by: 'prime-a', sha256: 'ab'.repeat(32), uri: null, status: 'submitted' },
  ]);
  expect(view(opened(), submitted(), back).disputes[0]!.evidence).toMatchObject([{ status: 'withdrawn' }]);
  // It stays where it came before the dispute, too, and in the order in which it was recorded.
  const before = (id: string) =>
    event('EvidenceSubmitted', { ...document, evidence: id }, { by: 'prime-a', time: '2020-05-01', id });
  const takenBack = event('EventCorrected', { event: { id: 'V3' }, reason: 'did-not-occur' }, { by: 'prime-a' });
  expect(view(before('V2'), before('V3'), takenBack, opened(), submitted()).disputes[0]!.evidence).toMatchObject([
    { evidence: 'prime-a/V2', status: 'submitted' },
    { evidence: 'prime-a/V3', status: 'withdrawn' },
    { evidence: 'prime-a/V1', status: 'submitted' },
  ]);
  for (const [field, value] of [
    ['sha256', 'AB'.repeat(32)],
    ['sha256', 'ab'.repeat(31)],
    ['mediaType', 'csv'],
    ['uri', 'no uri'],
    ['uri', 'https://example.org/a b'],
  ] as const)
    expect(() => given(...base, opened(), submitted({ [field]: value }))).toThrow(`/data/${field}`);
  // 32 bytes as unpadded base64url are as good.
  expect(view(opened(), submitted({ sha256: 'A'.repeat(43) })).disputes[0]!.evidence).toHaveLength(1);
});

test('what is contested and not there yet is flagged until it comes', () => {
  const contesting = opened({ contests: [{ id: 'to-come', source: 'urn:waybook:party:sub-a' }] });
  expect(flagsOf(contesting)).toMatchObject([{ code: 'unknown-reference' }]);
  const come = event(
    'ForecastRevised',
    { milestone: 'D1', forecast: '2021-09-01', reason: 'r' },
    { by: 'sub-a', id: 'to-come', time: '2020-07-01' },
  );
  expect(flagsOf(contesting, come)).toEqual([]);
  expect(view(contesting).disputes).toHaveLength(1);
});

test('who may do what', () => {
  expect(refusalOf([...base, opened()], withdrawn('us-gov'))).toMatchObject({ code: 'not-permitted' });
  expect(refusalOf(base, withdrawn())).toMatchObject({
    code: 'unknown-reference',
    problems: [{ pointer: '/data/dispute' }],
  });
  expect(refusalOf(base, decided())).toMatchObject({ code: 'unknown-reference' });
  expect(refusalOf([...base, opened()], { ...decided(), source: 'urn:waybook:party:us-gov' })).toMatchObject({
    code: 'not-permitted',
  });
  expect(refusalOf([...base, opened()], decided([{ ...finding('prime-a', 1), delay: 'prime-a/X9' }]))).toMatchObject({
    code: 'unknown-reference',
    problems: [{ pointer: '/data/determinations/0/delay' }],
  });
  expect(refusalOf([...base, opened()], opened({ id: 'again' }))).toMatchObject({ code: 'id-in-use' });
  expect(refusalOf(base, opened({ by: 'us-gov', onbehalfof: 'jp-mod' }))).toMatchObject({ code: 'not-permitted' });
  // An answer may come before the dispute is heard of.
  expect(refusalOf(base, answered)).toBeUndefined();
});

test('nobody answers a dispute for another: neither the other side nor the adjudicator', () => {
  for (const onbehalfof of ['jp-mod', 'judge'])
    expect(
      refusalOf(
        [...base, opened()],
        event('DisputeAnswered', { dispute: 'jp-mod/C1', position: 'we give in' }, { by: 'us-gov', onbehalfof }),
      ),
    ).toMatchObject({ code: 'not-permitted', problems: [{ pointer: '/onbehalfof' }] });
});
