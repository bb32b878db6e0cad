/** Moved dates, worked out by hand from what counts as one. */
import { naiveChanges } from './naive.js';
import {
  agree,
  amend,
  delay,
  forecast,
  recorded,
  redate,
  registration,
  say,
  short,
  takeBack,
  type Said,
} from './said.js';

/** Where D1 of `registration` was promised for 30 June 2021. */
const moved = (all: readonly Said[], question: { on?: string; day: string } = { day: '2021-01-01' }, since?: string) =>
  naiveChanges([recorded(registration(), ...all)], question, since).changes;
const shown = (...all: Parameters<typeof moved>) =>
  moved(...all).map(({ event, from, to, basis }) => [event.id, from, to, basis]);

describe('what counts as a moved date', () => {
  test('a re-dating, and a forecast of who has a say in the date', () => {
    const history = [
      redate('A', '2022-06-30', 'us-gov', '2020-05-01'),
      forecast('2022-07-10', 'prime-a', '2020-05-02'),
      forecast('2022-12-31', 'sub-a', '2020-05-03'),
      forecast('2023-12-31', 'jp-mod', '2020-05-04'),
      delay('X', '2020-04-01', '2022-08-01', 'us-gov', '2020-05-05'),
      delay('Y', '2020-04-01', '2023-08-01', 'sub-a', '2020-05-06'),
    ];
    expect(moved(history)).toEqual([
      {
        contract: 'JP-D-001',
        programme: 'test',
        milestone: 'D1',
        kind: 'redating',
        by: 'us-gov',
        onBehalfOf: null,
        time: '2020-05-01T12:00:00Z',
        recordedtime: '2020-05-01T12:00:00.000Z',
        baseline: '2021-06-30',
        from: '2021-06-30',
        to: '2022-06-30',
        days: 365,
        daysFromBaseline: 365,
        basis: 'imposed',
        agreedAt: null,
        refusedAt: null,
        consulted: [],
        rationale: 'x',
        amendment: 'A',
        delay: null,
        event: { id: 'e1', source: 'urn:waybook:party:us-gov' },
        corrects: null,
        correctedBy: null,
        correctedAt: null,
      },
      expect.objectContaining({
        kind: 'forecast',
        by: 'prime-a',
        from: '2022-06-30',
        to: '2022-07-10',
        days: 10,
        daysFromBaseline: 375,
        basis: 'stated',
        agreedAt: null,
        consulted: null,
        amendment: null,
        delay: null,
      }),
      expect.objectContaining({ kind: 'forecast', from: '2022-07-10', to: '2022-08-01', days: 22, delay: 'us-gov/X' }),
    ]);
  });

  test('what a responsible party says, be it a subcontractor; whose word it is follows who is responsible now', () => {
    const given = amend(
      'R',
      {
        milestones: [
          {
            milestone: 'S1',
            line: '2',
            kind: 'shipment',
            description: 'x',
            due: '2021-03-01',
            binding: 'firm',
            responsible: 'sub-a',
          },
        ],
      },
      'us-gov',
      '2020-02-01',
    );
    const later = say(
      'ForecastRevised',
      { milestone: 'S1', forecast: '2021-04-01', reason: 'x' },
      'sub-a',
      '2020-03-01',
    );
    expect(shown([given, later])).toEqual([]);
    // Introducing a milestone moves no date.
    expect(shown([given, agree('R', 'jp-mod', '2020-02-02'), later])).toEqual([
      ['e3', '2021-03-01', '2021-04-01', 'stated'],
    ]);
  });

  test('a forecast that repeats the standing date is none, one that brings it back is', () => {
    expect(
      shown([
        forecast('2021-06-30', 'prime-a', '2020-03-01'),
        forecast('2021-09-30', 'prime-a', '2020-03-02'),
        forecast('2021-09-30', 'us-gov', '2020-03-03'),
        forecast('2021-06-30', 'us-gov', '2020-03-04'),
      ]),
    ).toEqual([
      ['e2', '2021-06-30', '2021-09-30', 'stated'],
      ['e4', '2021-09-30', '2021-06-30', 'stated'],
    ]);
  });

  test('a re-dating to the date that is agreed and stands is none; agreed only, or standing only, it is', () => {
    expect(shown([redate('A', '2021-06-30', 'us-gov', '2020-03-01')])).toEqual([]);
    // It was forecast: what stands is brought back to what is agreed.
    expect(
      shown([forecast('2021-09-30', 'prime-a', '2020-03-01'), redate('A', '2021-06-30', 'jp-mod', '2020-03-02')]),
    ).toEqual([
      ['e1', '2021-06-30', '2021-09-30', 'stated'],
      ['e2', '2021-09-30', '2021-06-30', 'imposed'],
    ]);
    // What stands is made what is agreed.
    expect(
      shown([
        forecast('2021-09-30', 'prime-a', '2020-03-01'),
        redate('A', '2021-09-30', 'us-gov', '2020-03-02'),
        agree('A', 'jp-mod', '2020-03-03'),
      ]),
    ).toEqual([
      ['e1', '2021-06-30', '2021-09-30', 'stated'],
      ['e2', '2021-09-30', '2021-09-30', 'agreed'],
    ]);
    // Said again by the other side after that, it changes nothing.
    expect(
      shown([
        redate('A', '2021-09-30', 'us-gov', '2020-03-02'),
        agree('A', 'jp-mod', '2020-03-03'),
        redate('B', '2021-09-30', 'jp-mod', '2020-03-04'),
      ]),
    ).toEqual([['e1', '2021-06-30', '2021-09-30', 'agreed']]);
  });

  test('before is by `time`: a report that comes late moves what stood when it was made, and what came after', () => {
    expect(
      shown([
        forecast('2021-09-30', 'prime-a', '2020-03-10'),
        forecast('2021-09-30', 'us-gov', '2020-03-01', { recorded: '2020-04-01' }),
      ]),
    ).toEqual([['e2', '2021-06-30', '2021-09-30', 'stated']]);
  });

  test('what is cancelled still has its moves, what was taken back has that alone, what nobody agreed to has no date', () => {
    const cancelled = amend('C', { milestones: [{ milestone: 'D1', cancelled: true }] }, 'us-gov', '2020-03-01');
    const late = forecast('2021-09-30', 'prime-a', '2020-04-01');
    expect(shown([cancelled, agree('C', 'jp-mod', '2020-03-02'), late])).toHaveLength(1);
    expect(shown([late, takeBack('e1', 'prime-a', '2020-04-02')])).toEqual([['e2', '2021-09-30', null, 'corrected']]);
    const proposed = amend(
      'N',
      {
        milestones: [
          { milestone: 'N1', line: '1', kind: 'delivery', description: 'x', due: '2021-03-01', binding: 'firm' },
        ],
      },
      'us-gov',
      '2020-03-01',
    );
    expect(
      shown([
        proposed,
        say('ForecastRevised', { milestone: 'N1', forecast: '2021-05-01', reason: 'x' }, 'us-gov', '2020-04-01'),
      ]),
    ).toEqual([]);
  });
});

describe('what was known, and had happened, by then', () => {
  const history = [
    redate('A', '2022-01-01', 'us-gov', '2020-05-01'),
    forecast('2022-03-01', 'prime-a', '2020-05-10', { id: 'f' }),
    agree('A', 'jp-mod', '2020-06-01'),
    say(
      'EventCorrected',
      {
        event: { id: 'f' },
        reason: 'incorrect-data',
        replacement: { milestone: 'D1', forecast: '2022-02-01', reason: 'x' },
      },
      'prime-a',
      '2020-07-01',
    ),
  ];
  const at = (upToRevision: number) =>
    naiveChanges([recorded(registration(), ...history)], { day: '2020-08-01', upToRevision }).changes.map(
      ({ to, basis, agreedAt }) => [to, basis, agreedAt],
    );

  test('agreed later it is still imposed, corrected later it still says what it said', () => {
    expect(at(2)).toEqual([
      ['2022-01-01', 'imposed', null],
      ['2022-03-01', 'stated', null],
    ]);
    expect(at(3)[0]).toEqual(['2022-01-01', 'agreed', '2020-06-01T12:00:00.000Z']);
    expect(at(4)[1]).toEqual(['2022-02-01', 'stated', null]);
  });

  test('a day leaves out what happened after it, but no correction', () => {
    expect(shown(history, { on: '2020-05-20', day: '2020-05-20' })).toEqual([
      ['e1', '2021-06-30', '2022-01-01', 'imposed'],
      ['f', '2022-01-01', '2022-02-01', 'stated'],
      ['e4', '2022-03-01', '2022-02-01', 'corrected'],
    ]);
    expect(shown(history, { on: '2020-01-09', day: '2020-01-09' })).toEqual([]);
  });

  test('since a day: what was recorded since, what was agreed since, what was corrected since', () => {
    const since = (day: string) =>
      moved(history, undefined, day).map(({ event, from, to, basis, corrects, correctedBy }) => [
        `${event.id} ${from} ${to} ${basis}`,
        corrects?.id ?? null,
        correctedBy?.id ?? null,
      ]);
    const agreed = ['e1 2021-06-30 2022-01-01 agreed', null, null];
    const corrected = ['e4 2022-03-01 2022-02-01 corrected', 'f', null];
    expect(since('2020-05-05')).toEqual([agreed, ['f 2022-01-01 2022-02-01 stated', null, 'e4'], corrected]);
    expect(since('2020-06-01')).toEqual([agreed, corrected]);
    expect(since('2020-06-02')).toEqual([corrected]);
    expect(since('2020-07-02')).toEqual([]);
  });

  test('a refusal is shown, and what it refused is imposed', () => {
    const refused = say('AmendmentRefused', { amendment: 'A', reason: 'x' }, 'jp-mod', '2020-05-05');
    expect(moved([history[0]!, refused])).toMatchObject([
      { basis: 'imposed', agreedAt: null, refusedAt: '2020-05-05T12:00:00.000Z' },
    ]);
  });
});

describe('over several contracts', () => {
  const other = (events: ReturnType<typeof recorded>) => events.map((event) => ({ ...event, contract: 'A-1' }));
  const contracts = [
    recorded(
      registration(),
      amend(
        'A',
        {
          milestones: [
            { milestone: 'P1', due: '2022-01-01' },
            { milestone: 'D1', due: '2022-01-01' },
          ],
        },
        'jp-mod',
        '2020-05-01',
      ),
      forecast('2022-02-01', 'prime-a', '2020-04-01', { recorded: '2020-06-01' }),
    ),
    other(recorded(short({ programme: 'other' }), forecast('2021-07-01', 'prime-a', '2020-05-01'))),
    other(recorded(short())).slice(0, 0),
  ];
  const ids = (since?: string) =>
    naiveChanges(contracts, { day: '2021-01-01' }, since).changes.map(({ contract, programme, milestone, kind }) => [
      contract,
      programme,
      milestone,
      kind,
    ]);

  test('the order is that in which the ledger heard of them, then contract, revision, milestone', () => {
    expect(ids()).toEqual([
      ['A-1', 'other', 'D1', 'forecast'],
      ['JP-D-001', 'test', 'D1', 'redating'],
      ['JP-D-001', 'test', 'P1', 'redating'],
      ['JP-D-001', 'test', 'D1', 'forecast'],
    ]);
  });

  test('since a day or an instant, by when it was recorded', () => {
    expect(ids('2020-05-01')).toHaveLength(4);
    expect(ids('2020-05-01T12:00:00Z')).toHaveLength(4);
    expect(ids('2020-05-01T12:00:00.001Z')).toHaveLength(1);
    expect(ids('2020-05-02')).toHaveLength(1);
    expect(ids('2020-06-02')).toEqual([]);
  });
});
