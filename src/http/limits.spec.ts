import type { HttpParts } from './ports.js';
import { Limiter, Limits, MAX_WAITS } from './limits.js';

test('counts what each caller has going on, and forgets it however it ends', async () => {
  const limiter = new Limiter(2, 'replays');
  let finish: () => void = () => undefined;
  const going = new Promise<void>((resolve) => (finish = resolve));
  const two = [limiter.run('a', () => going), limiter.run('a', () => going)];
  let called = false;
  await expect(
    limiter.run('a', () => {
      called = true;
      return Promise.resolve();
    }),
  ).rejects.toMatchObject({ code: 'too-many-requests', status: 429 });
  expect(called).toBe(false);
  expect(await limiter.run('b', () => Promise.resolve(7))).toBe(7);
  finish();
  await Promise.all(two);
  await expect(limiter.run('a', () => Promise.reject(new Error('x')))).rejects.toThrow('x');
  expect(await limiter.run('a', () => Promise.resolve(1))).toBe(1);
});

describe('after', () => {
  const asked: unknown[] = [];
  let answer: Promise<boolean> = Promise.resolve(true);
  const limits = new Limits({
    waiter: {
      waitFor: (...question: unknown[]) => {
        asked.push(question);
        return answer;
      },
    },
  } as unknown as HttpParts);
  const wait = (after?: string) =>
    limits.waitAfter({ ip: '127.0.0.1' }, new Map(after === undefined ? [] : [['after', after]]), 'schedule');

  test('waits for the position, for five seconds', async () => {
    await wait();
    expect(asked).toEqual([]);
    await wait('12');
    expect(asked).toEqual([['schedule', 12n, 5_000]]);
    answer = Promise.resolve(false);
    await expect(wait('13')).rejects.toMatchObject({ code: 'position-not-reached', status: 504 });
  });

  test('at most eight at once', async () => {
    let reach: (reached: boolean) => void = () => undefined;
    answer = new Promise((resolve) => (reach = resolve));
    const waiting = Array.from({ length: MAX_WAITS }, () => wait('1'));
    await expect(wait('1')).rejects.toMatchObject({ code: 'too-many-requests' });
    reach(true);
    await Promise.all(waiting);
    await wait('1');
  });
});
