import { SteppedClock } from '../clock.js';
import { Problem } from './problem.js';
import {
  asOfParameter,
  choiceParameter,
  cursorParameter,
  cursorText,
  dayParameter,
  flagParameter,
  instantParameter,
  limitParameter,
  positionParameter,
  readQuery,
  sortParameter,
  textParameter,
} from './query.js';

const query = (members: Record<string, string>) => new Map(Object.entries(members));

function problem(work: () => unknown): readonly [string, string | undefined] {
  try {
    work();
  } catch (error) {
    if (error instanceof Problem) return [error.code, error.errors[0]?.pointer];
    throw error;
  }
  return ['none', undefined];
}
const invalid = (name: string) => ['invalid-query', `?${name}`] as const;

test('parameters that nobody asked for, or that come twice, are all named', () => {
  const request = { query: { limit: ['1', '2'], colour: 'red', __proto__x: '1', q: 'radar' } };
  let errors: Problem['errors'] = [];
  try {
    readQuery(request, ['limit', 'q']);
  } catch (error) {
    errors = (error as Problem).errors;
  }
  expect(errors.map(({ pointer }) => pointer)).toEqual(['?limit', '?colour', '?__proto__x']);
  expect(readQuery({ query: { q: 'radar' } }, ['q'])).toEqual(new Map([['q', 'radar']]));
});

test('positions', () => {
  expect(positionParameter(query({}), 'after')).toBeUndefined();
  expect(positionParameter(query({ after: '0' }), 'after')).toBe(0n);
  expect(positionParameter(query({ after: '9223372036854775807' }), 'after')).toBe(2n ** 63n - 1n);
  for (const after of ['', '-1', '+1', '01', '1.0', '1e3', ' 1', '9223372036854775808', '0x1', '１'])
    expect(problem(() => positionParameter(query({ after }), 'after'))).toEqual(invalid('after'));
});

test('flags, days, instants, choices, text', () => {
  expect(flagParameter(query({ follow: 'true' }), 'follow')).toBe(true);
  expect(flagParameter(query({}), 'follow')).toBe(false);
  expect(problem(() => flagParameter(query({ follow: '1' }), 'follow'))).toEqual(invalid('follow'));
  expect(dayParameter(query({ on: '2028-02-29' }), 'on')).toBe('2028-02-29');
  expect(problem(() => dayParameter(query({ on: '2026-02-29' }), 'on'))).toEqual(invalid('on'));
  expect(instantParameter(query({ from: '2026-01-01T00:00:00Z' }), 'from')).toBe('2026-01-01T00:00:00Z');
  expect(problem(() => instantParameter(query({ from: '2026-01-01T00:00:00+09:00' }), 'from'))).toEqual(
    invalid('from'),
  );
  expect(choiceParameter(query({ order: 'time' }), 'order', ['time', 'recorded'])).toBe('time');
  expect(problem(() => choiceParameter(query({ order: 'toString' }), 'order', ['time']))).toEqual(invalid('order'));
  expect(textParameter(query({ q: 'E-2D' }), 'q')).toBe('E-2D');
  for (const q of ['', 'a\0', 'x'.repeat(201), '\ud800'])
    expect(problem(() => textParameter(query({ q }), 'q'))).toEqual(invalid('q'));
});

test('pages', () => {
  const bounds = { max: 500, usual: 50 };
  expect(limitParameter(query({}), bounds)).toBe(50);
  expect(limitParameter(query({ limit: '500' }), bounds)).toBe(500);
  for (const limit of ['0', '501', '-1', 'all', ''])
    expect(problem(() => limitParameter(query({ limit }), bounds))).toEqual(invalid('limit'));
  const usual = { field: 'contract', descending: false } as const;
  expect(sortParameter(query({}), ['contract', 'slipDays'], usual)).toBe(usual);
  expect(sortParameter(query({ sort: '-slipDays' }), ['contract', 'slipDays'], usual)).toEqual({
    field: 'slipDays',
    descending: true,
  });
  for (const sort of ['', '-', '--slipDays', 'SlipDays', 'constructor'])
    expect(problem(() => sortParameter(query({ sort }), ['contract', 'slipDays'], usual))).toEqual(invalid('sort'));
});

test('cursors come back as they went out, and nothing else does', () => {
  const isPlace = (value: Readonly<Record<string, unknown>>) =>
    typeof value['contract'] === 'string' ? value['contract'] : undefined;
  expect(cursorParameter(query({}), 'it', isPlace)).toBeUndefined();
  expect(cursorParameter(query({ cursor: cursorText(query({}), 'it', { contract: 'é/1' }) }), 'it', isPlace)).toBe(
    'é/1',
  );
  const others = [
    '',
    '!',
    'AAAA',
    cursorText(query({}), 'it', { contract: 1 }),
    cursorText(query({}), 'it', {}),
    `${cursorText(query({}), 'it', { contract: 'a' })}=`,
  ];
  for (const cursor of [...others, Buffer.from('[]').toString('base64url'), 'A'.repeat(3_000)])
    expect(problem(() => cursorParameter(query({ cursor }), 'it', isPlace))).toEqual(invalid('cursor'));
});

describe('asOf', () => {
  const ledger = {
    clock: new SteppedClock(Date.parse('2026-01-15T09:30:00.000Z')),
    health: { ready: () => true, head: () => Promise.resolve(41n), projections: () => [] },
  };
  const ask = (asOf: string) => asOfParameter(query({ asOf }), ledger);

  test('is an instant or a position, and not to come', async () => {
    expect(await asOfParameter(query({}), ledger)).toBeUndefined();
    expect(await ask('41')).toEqual({ kind: 'position', position: 41n });
    expect(await ask('2026-01-15T09:30:00Z')).toEqual({ kind: 'instant', instant: '2026-01-15T09:30:00Z' });
    await expect(ask('42')).rejects.toMatchObject({ code: 'as-of-in-future', status: 422 });
    await expect(ask('2026-01-15T09:30:00.001Z')).rejects.toMatchObject({ code: 'as-of-in-future' });
    for (const wrong of ['', 'now', '2026-01-15', '-1', '2026-02-30T00:00:00Z'])
      await expect(ask(wrong)).rejects.toMatchObject({ code: 'invalid-query', errors: [{ pointer: '?asOf' }] });
  });

  test('before the first event every position but 0 is to come', async () => {
    const empty = { ...ledger, health: { ...ledger.health, head: () => Promise.resolve(undefined) } };
    expect(await asOfParameter(query({ asOf: '0' }), empty)).toEqual({ kind: 'position', position: 0n });
    await expect(asOfParameter(query({ asOf: '1' }), empty)).rejects.toMatchObject({ code: 'as-of-in-future' });
  });
});
