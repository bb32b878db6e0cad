/** Flags and the audit trail, worked out by hand from their tables. */
import { usd } from '../support/scenario.js';
import { FLAGS, naiveFlags, naiveHistory, type Question } from './naive.js';
import {
  accept,
  agree,
  amend,
  delay,
  dispatch,
  forecast,
  recorded,
  redate,
  registration,
  revoke,
  say,
  takeBack,
  type Said,
} from './said.js';

const flags = (all: readonly Said[], question: Question = { day: '2021-01-01' }, first = registration()) =>
  naiveFlags(recorded(first, ...all), question)!.map(({ code, event }) => `${event.id} ${code}`);

const check = (id: string, quantity: number, time: string) =>
  say(
    'QualityCheckRecorded',
    { check: id, line: '1', kind: 'final', standard: 's', quantity, result: 'pass' },
    'inspector-a',
    time,
    { id },
  );
const raise = (id: string, checked?: string) =>
  say(
    'NonconformanceRaised',
    {
      nonconformance: id,
      line: '1',
      quantity: 5,
      defect: 'x',
      severity: 'minor',
      ...(checked === undefined ? {} : { check: checked }),
    },
    'inspector-a',
    '2020-03-02',
  );
const close = (by: string, time: string, more: Partial<Said> = {}) =>
  say('ContractClosed', { reason: 'x' }, by, time, more);
const settle = (by: string, finalAmount: string) =>
  say('AccountSettled', { finalAmount: usd(finalAmount), refund: usd('0.00') }, by, '2020-05-01');
const progress = (percent: number | string, time: string) =>
  say('ManufacturingProgressed', { line: '1', stage: 'x', percent, unitsCompleted: 9 }, 'prime-a', time);

test('every row of the table', () => {
  expect(FLAGS).toHaveLength(10);
});

test('second-hand: what is recorded for another, while it is not taken back', () => {
  const letter = forecast('2021-09-30', 'us-gov', '2020-03-01', { onBehalfOf: 'prime-a' });
  expect(flags([letter])).toEqual(['e1 second-hand']);
  expect(flags([letter, takeBack('e1', 'us-gov', '2020-03-02')])).toEqual([]);
});

test('after-closing: recorded after both closings, and happened after the later of them', () => {
  const closed = [close('jp-mod', '2020-06-05'), close('us-gov', '2020-06-01')];
  const said = (time: string, recordedOn = time) => forecast('2021-07-01', 'prime-a', time, { recorded: recordedOn });
  expect(flags([...closed, said('2020-06-03', '2020-06-10'), said('2020-06-05'), said('2020-06-06')])).toEqual([
    'e5 after-closing',
  ]);
  // Recorded before there were both, nobody could have known; and one alone closes nothing.
  expect(flags([said('2020-06-06'), ...closed])).toEqual([]);
  expect(flags([closed[0]!, said('2020-06-06')])).toEqual(['e1 one-sided']);
  // So is a correction, which no day leaves out.
  expect(flags([said('2020-05-01'), ...closed, takeBack('e1', 'prime-a', '2020-06-10')])).toEqual(['e4 after-closing']);
});

test('unknown-reference: while a thing is not opened, or an event not recorded', () => {
  const raised = raise('N', 'Q');
  expect(flags([raised])).toEqual(['e1 unknown-reference']);
  expect(flags([raised, check('Q', 1, '2020-03-05')])).toEqual(['e1 quantity-exceeds-line']);
  // The day asked about leaves out what happened after it.
  expect(flags([raised, check('Q', 1, '2020-03-05')], { on: '2020-03-04', day: '2020-03-04' })).toEqual([
    'e1 unknown-reference',
  ]);
  const dispute = (id: string, source?: string) =>
    say('DisputeOpened', { dispute: 'D', claim: 'x', contests: [{ id, source }], relief: 'x' }, 'us-gov', '2020-04-01');
  expect(flags([dispute('e0')])).toEqual([]);
  expect(flags([dispute('e0', 'urn:waybook:party:jp-mod')])).toEqual(['e1 unknown-reference']);
});

test('basis-withdrawn: what opened it was taken back; of a shipment every dispatch', () => {
  const answered = say('DelayAcknowledged', { delay: 'sub-a/X' }, 'jp-mod', '2020-05-02');
  const reported = delay('X', '2020-03-01', '', 'sub-a', '2020-05-01');
  expect(flags([reported, answered])).toEqual([]);
  expect(flags([reported, answered, takeBack('e1', 'sub-a', '2020-05-03')])).toEqual(['e2 basis-withdrawn']);
  const sent = [
    dispatch('S', 1, 'prime-a', '2020-03-01'),
    dispatch('S', 1, 'carrier-a', '2020-03-01'),
    accept(1, 'origin', '2020-03-02', 'S'),
    takeBack('e1', 'prime-a', '2020-03-03'),
  ];
  expect(flags(sent)).toEqual([]);
  expect(flags([...sent, takeBack('e2', 'carrier-a', '2020-03-04')])).toEqual(['e3 basis-withdrawn']);
});

test('one-sided and repeated-answer: closings', () => {
  const twice = [close('jp-mod', '2020-06-01'), close('jp-mod', '2020-06-02')];
  expect(flags(twice)).toEqual(['e1 one-sided', 'e2 repeated-answer']);
  expect(flags([...twice, close('us-gov', '2020-06-03')])).toEqual(['e2 repeated-answer']);
});

test('one-sided and repeated-answer: settlements', () => {
  expect(flags([settle('us-gov', '100'), settle('jp-mod', '90'), settle('jp-mod', '100.00')])).toEqual([
    'e2 one-sided',
  ]);
  // Once settled, a further one is repeated, whether or not it has a match.
  const settled = [settle('us-gov', '100'), settle('jp-mod', '100')];
  expect(flags([...settled, settle('us-gov', '100'), settle('jp-mod', '80')])).toEqual([
    'e3 repeated-answer',
    'e4 repeated-answer',
  ]);
  // Said twice by one side before that, both have the match of the other.
  expect(flags([settled[0]!, ...settled])).toEqual([]);
});

test('repeated-answer: to an amendment, of each side', () => {
  const refuse = (time: string) => say('AmendmentRefused', { amendment: 'A', reason: 'x' }, 'jp-mod', time);
  const amended = redate('A', '2022-01-01', 'us-gov', '2020-03-01');
  const agreed = agree('A', 'jp-mod', '2020-03-02');
  expect(flags([amended, refuse('2020-03-02'), refuse('2020-03-03'), agreed, agreed, refuse('2020-03-04')])).toEqual([
    'e3 repeated-answer',
    'e5 repeated-answer',
    'e6 repeated-answer',
  ]);
  // In the order recorded, whatever they say of when it was.
  expect(flags([amended, agreed, agree('A', 'jp-mod', '2020-03-01')])).toEqual(['e3 repeated-answer']);
  // A day that leaves out the amendment leaves nothing to answer.
  expect(flags([{ ...amended, time: '2020-03-09', recorded: '2020-03-09' }, agreed, agreed])).toHaveLength(1);
  expect(
    flags([{ ...amended, time: '2020-03-09', recorded: '2020-03-09' }, agreed, agreed], {
      on: '2020-03-05',
      day: '2020-03-05',
    }),
  ).toEqual([]);
  // Recorded for the seller, it needs both.
  const letter = { ...redate('A', '2022-01-01', 'jp-mod', '2020-03-01'), onBehalfOf: 'us-gov' };
  expect(flags([letter, agreed, agreed, agree('A', 'us-gov', '2020-03-03')])).toEqual([
    'e1 second-hand',
    'e3 repeated-answer',
  ]);
});

test('repeated-answer: a confirmation, unless the registration was corrected in between', () => {
  const confirm = (by: string) => say('RegistrationConfirmed', {}, by, '2020-02-01');
  const corrected = say(
    'EventCorrected',
    { event: { id: 'e0' }, reason: 'incorrect-data', replacement: registration().data },
    'operator',
    '2020-02-01',
  );
  const first = { ...registration(), by: 'operator' };
  const ask = (...all: readonly Said[]) => flags(all, { day: '2021-01-01' }, first);
  expect(ask(confirm('jp-mod'), confirm('jp-mod'), confirm('us-gov'))).toEqual(['e2 repeated-answer']);
  expect(ask(confirm('jp-mod'), corrected, confirm('jp-mod'), confirm('jp-mod'))).toEqual(['e4 repeated-answer']);
});

test('repeated-answer: to a delay, a discrepancy, a dispute', () => {
  const raised = say('DiscrepancyRaised', { discrepancy: 'R', kind: 'damage', detail: 'x' }, 'jp-mod', '2020-03-01');
  const done = say('DiscrepancyClosed', { discrepancy: 'R', outcome: 'x' }, 'jp-mod', '2020-03-02');
  expect(flags([raised, done, done])).toEqual(['e3 repeated-answer']);
  // The first was taken back.
  expect(flags([raised, done, done, takeBack('e2', 'jp-mod', '2020-03-03')])).toEqual([]);
  const acknowledged = (by: string) => say('DelayAcknowledged', { delay: 'jp-mod/X' }, by, '2020-05-02');
  const reported = delay('X', '2020-03-01', '', 'jp-mod', '2020-05-01');
  expect(flags([reported, acknowledged('us-gov'), acknowledged('prime-a')])).toEqual(['e3 repeated-answer']);
  const dispute = say('DisputeOpened', { dispute: 'D', claim: 'x', contests: [], relief: 'x' }, 'us-gov', '2020-04-01');
  const withdrawn = say('DisputeWithdrawn', { dispute: 'D', reason: 'x' }, 'us-gov', '2020-04-02');
  const decided = say('DisputeDecided', { dispute: 'us-gov/D', decision: 'x' }, 'judge', '2020-04-03');
  expect(flags([dispute, withdrawn, decided, withdrawn])).toEqual(['e4 repeated-answer']);
  expect(flags([dispute, decided, withdrawn])).toEqual(['e3 repeated-answer']);
});

test('quantity-exceeds-line: by itself, of what was in force, and is', () => {
  const made = [
    check('Q', 5, '2020-03-01'),
    check('T', 4, '2020-03-01'),
    raise('N'),
    say('ManufacturingCompleted', { line: '1', quantity: '4.000001' }, 'prime-a', '2020-03-03'),
    progress(50, '2020-03-01'),
  ];
  expect(flags(made)).toEqual(['Q', 'e3', 'e4'].map((id) => `${id} quantity-exceeds-line`));
  const changed = (quantity: number) => [
    amend('A', { lines: [{ line: '1', quantity }] }, 'us-gov', '2020-05-01'),
    agree('A', 'jp-mod', '2020-05-02'),
  ];
  expect(flags([...made, ...changed(5)])).toEqual([]);
  // Nobody is surprised afterwards by what was not too much when it was said.
  expect(flags([...made, ...changed(3)])).toEqual(['Q', 'e3', 'e4'].map((id) => `${id} quantity-exceeds-line`));
});

test('quantity-exceeds-line: in all, in the order in which it took effect, acceptances in that of `time`', () => {
  const late = dispatch('S', 1, 'carrier-a', '2020-03-01', { recorded: '2020-06-01' });
  // It was exceeded with the one that was heard of last, whenever that was.
  expect(flags([dispatch('T', 4, 'prime-a', '2020-03-02'), late])).toEqual(['e2 quantity-exceeds-line']);
  expect(flags([dispatch('T', 4, 'prime-a', '2020-02-28'), late])).toEqual(['e2 quantity-exceeds-line']);
  // The prime's word on one shipment counts before the carrier's.
  expect(flags([dispatch('T', 5, 'carrier-a', '2020-03-01'), dispatch('T', 4, 'prime-a', '2020-03-02')])).toEqual([
    'e1 quantity-exceeds-line',
  ]);
  expect(
    flags([
      accept(3, 'origin', '2020-03-01'),
      accept(3, 'destination', '2020-03-02'),
      accept(2, 'origin', '2020-03-03'),
      revoke(1, '2020-03-04'),
      accept(1, 'destination', '2020-03-05'),
    ]),
  ).toEqual(['e3 quantity-exceeds-line']);
});

test('percent-decreased: below what was last said by `time` of what was recorded before', () => {
  expect(flags([progress('50.5', '2020-03-01'), progress(51, '2020-03-02'), progress('50.9', '2020-03-03')])).toEqual([
    'e3 percent-decreased',
  ]);
  // A late report of an earlier day is not compared, and is not what is compared with.
  expect(flags([progress(50, '2020-03-02'), progress(20, '2020-03-01'), progress(40, '2020-03-03')])).toEqual([
    'e3 percent-decreased',
  ]);
  const started = say('ManufacturingStarted', { line: '1', site: 'x', stage: 'x' }, 'prime-a', '2020-03-04');
  expect(flags([progress(50, '2020-03-02'), started, progress(40, '2020-03-03')])).toEqual([]);
  expect(flags([progress(50, '2020-03-02'), started, progress(40, '2020-03-05')])).toEqual(['e3 percent-decreased']);
  const completed = say('ManufacturingCompleted', { line: '1', quantity: 1 }, 'prime-a', '2020-03-04');
  expect(flags([completed, progress(99, '2020-03-05')])).toEqual(['e2 percent-decreased']);
});

test('backdated: what binds both sides, recorded long after it is said to have been done', () => {
  // The registration was recorded on 10 January 2020.
  const closed = (time: string, recordedOn: string) => close('us-gov', time, { recorded: recordedOn });
  expect(flags([closed('2020-03-01', '2020-03-31')])).toEqual(['e1 one-sided']);
  expect(flags([closed('2020-03-01', '2020-04-01')])).toEqual(['e1 backdated', 'e1 one-sided']);
  // What is recorded with the registration is history; what comes years later is not, whatever its day.
  expect(flags([closed('2019-03-01', '2020-02-09')])).toEqual(['e1 one-sided']);
  expect(flags([closed('2019-03-01', '2020-02-10')])).toEqual(['e1 backdated', 'e1 one-sided']);
});

test('other-currency: a payment or a statement', () => {
  const yen = { amount: '5', currency: 'JPY' };
  expect(
    flags([
      say('PaymentMade', { payment: 'P', amount: yen, kind: 'advance' }, 'jp-mod', '2020-03-01'),
      say('PaymentMade', { payment: 'Q', amount: usd('1.00'), kind: 'advance' }, 'jp-mod', '2020-03-01'),
      say('StatementIssued', { statement: 'B', amount: yen, items: [] }, 'us-gov', '2020-03-01'),
    ]),
  ).toEqual(['e1 other-currency', 'e3 other-currency']);
});

describe('the audit trail', () => {
  const replacement = { milestone: 'D1', forecast: '2021-08-01', reason: 'y' };
  const history = recorded(
    registration(),
    forecast('2021-09-01', 'us-gov', '2020-03-05', { id: 'f', onBehalfOf: 'prime-a' }),
    say('EventCorrected', { event: { id: 'f' }, reason: 'incorrect-data', replacement }, 'us-gov', '2020-03-01'),
    takeBack('f', 'us-gov', '2020-03-03'),
  );
  const name = (id: string) => ({ id, source: 'urn:waybook:party:us-gov' });

  test('shows what was sent, and links a correction and what it corrects both ways', () => {
    const { events } = naiveHistory(history, { day: '2020-04-01' })!;
    expect(events[1]).toEqual({
      ...name('f'),
      revision: '1',
      type: 'ForecastRevised',
      version: 1,
      time: '2020-03-05T12:00:00Z',
      recordedtime: '2020-03-05T12:00:00.000Z',
      reporter: 'us-gov',
      onBehalfOf: 'prime-a',
      data: { milestone: 'D1', forecast: '2021-09-01', reason: 'x' },
      effective: false,
      corrects: null,
      correctedBy: name('e3'),
      flags: [],
    });
    expect(events.map(({ effective, corrects, correctedBy }) => [effective, corrects, correctedBy])).toEqual([
      [true, null, null],
      [false, null, name('e3')],
      [false, name('f'), null],
      [true, name('f'), null],
    ]);
  });

  test('as it was known before the last correction, what was said again keeps its flags', () => {
    const { events } = naiveHistory(history, { day: '2020-04-01', upToRevision: 2 })!;
    expect(events.map(({ effective, flags }) => [effective, flags])).toEqual([
      [true, []],
      [false, ['second-hand']],
      [true, []],
    ]);
  });

  test('by `time`; a day leaves out what happened after it, but no correction', () => {
    const ids = (q: Question) => naiveHistory(history, q, 'time')?.events.map(({ id }) => id);
    expect(ids({ day: '2020-04-01' })).toEqual(['e0', 'e2', 'e3', 'f']);
    expect(ids({ on: '2020-02-01', day: '2020-02-01' })).toEqual(['e0', 'e2', 'e3']);
    expect(ids({ on: '2020-01-09', day: '2020-01-09' })).toBeUndefined();
  });
});
