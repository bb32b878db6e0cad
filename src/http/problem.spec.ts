import { ContractError } from '../contract/contract.js';
import { EventStoreError } from '../event-store/event-store.js';
import { EvidenceError } from '../evidence/errors.js';
import { ReadModelError } from '../subscriptions/errors.js';
import { ThreadError } from '../subscriptions/threads.js';
import { Problem, problemBody, problemOf, PROBLEMS, type ProblemCode } from './problem.js';
import { resultJson, Tally, type ItemOutcome } from './results.js';

describe('errors of the folders below', () => {
  test.each([
    [new EventStoreError('store-unavailable', 'db.internal:2113 refused'), 'store-unavailable'],
    [new EventStoreError('append-outcome-unknown', 'x'), 'append-outcome-unknown'],
    [new EventStoreError('store-closed', 'x'), 'shutting-down'],
    [new EventStoreError('stream-deleted', 'x', { stream: 'contract-C' }), 'stream-deleted'],
    [new EvidenceError('chain-broken', 'secret', { stream: 'contract-C' }), 'chain-broken'],
    [new EvidenceError('stream-truncated', 'x'), 'stream-truncated'],
    [new ContractError('unknown-type', 'x'), 'unknown-type-in-store'],
    [new ContractError('unknown-version', 'x'), 'unknown-version-in-store'],
    [new ReadModelError('projection-building', 'schedule version 9'), 'projection-building'],
    [new ReadModelError('read-model-unavailable', 'db.internal refused'), 'read-model-unavailable'],
    // As they come from the threads that replay and add up.
    [new ThreadError({ name: 'ReadModelError', message: 'db', code: 'projection-building' }), 'projection-building'],
    [new ThreadError({ name: 'EvidenceError', message: 'secret', code: 'chain-broken' }), 'chain-broken'],
    [new ThreadError({ name: 'EventStoreError', message: 'db', code: 'store-unavailable' }), 'store-unavailable'],
  ])('%s', (error, code) => {
    const problem = problemOf(error);
    expect([problem?.code, problem?.status]).toEqual([code, 503]);
    expect(problem?.detail).not.toContain(error.message);
    expect(problem?.cause).toBe(error);
  });

  test('what a caller cannot have caused is nobody’s problem but ours', () => {
    for (const error of [
      new EventStoreError('wrong-expected-revision', 'x'),
      new EvidenceError('not-canonical', 'x'),
      new ReadModelError('row-refused', 'x'),
      new Error('x'),
      'text',
      undefined,
    ])
      expect(problemOf(error)).toBeUndefined();
    const problem = new Problem('not-found', 'x');
    expect(problemOf(problem)).toBe(problem);
  });
});

test('every code has a type, a title and a status of its kind', () => {
  for (const code of Object.keys(PROBLEMS) as ProblemCode[]) {
    const body = problemBody(code, 'because', [{ pointer: '/a', detail: 'b' }], { status: 1, more: true });
    expect(body).toEqual({
      type: `/docs#problem-${code}`,
      title: PROBLEMS[code].title,
      status: PROBLEMS[code].status,
      code,
      detail: 'because',
      errors: [{ pointer: '/a', detail: 'b' }],
      more: true,
    });
    expect(body.status).toBeGreaterThanOrEqual(400);
    expect(body.status).toBeLessThan(600);
  }
});

describe('results', () => {
  const recorded: ItemOutcome = { status: 'recorded', revision: 2n ** 60n, position: 7n };
  const duplicate: ItemOutcome = { status: 'duplicate', revision: 1n, position: 3n };
  const refused: ItemOutcome = {
    status: 'refused',
    refusal: { code: 'not-permitted', detail: 'no', problems: [{ pointer: '/source', detail: 'x' }] },
  };
  const failed: ItemOutcome = { status: 'failed', code: 'contended', detail: 'again' };

  test('are JSON whatever the id', () => {
    for (const id of ['plain-1', 'a b', '"', '\\', '\u0000', '\u2028', '😀', '</script>', ''])
      expect(JSON.parse(resultJson(id, recorded, 3))).toEqual({
        line: 3,
        id,
        status: 'recorded',
        revision: '1152921504606846976',
        position: '7',
        problem: null,
      });
    expect(JSON.parse(resultJson(undefined, refused))).toEqual({
      id: null,
      status: 'refused',
      revision: null,
      position: null,
      problem: problemBody('not-permitted', 'no', [{ pointer: '/source', detail: 'x' }]),
    });
    expect(JSON.parse(resultJson('a', failed))).toMatchObject({ status: 'failed', problem: { code: 'contended' } });
  });

  test.each([
    [[recorded], 201],
    [[recorded, duplicate], 201],
    [[duplicate, duplicate], 200],
    [[recorded, refused], 207],
    [[duplicate, failed], 207],
    [[refused, refused], 422],
    [[failed, failed], 503],
    [[refused, failed], 207],
  ])('make one status: %#', (outcomes, status) => {
    const tally = new Tally();
    for (const outcome of outcomes) tally.add(outcome);
    expect(tally.httpStatus).toBe(status);
  });

  test('the position of an answer is the highest', () => {
    const tally = new Tally();
    for (const outcome of [duplicate, recorded, refused, duplicate]) tally.add(outcome);
    expect(tally.position).toBe(7n);
  });
});
