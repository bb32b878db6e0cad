import * as fc from 'fast-check';
import { Random } from './random.js';

const draw = (random: Random, count: number): number[] => Array.from({ length: count }, () => random.next());

test('draws what Mulberry32 draws', () => {
  // As the published C function gives them for the seed 0, computed with another program.
  expect(draw(new Random(0), 3)).toEqual([1144304738, 1416247, 958946056]);
});

test('the same seed draws the same, for ever', () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      expect(draw(new Random(seed), 20)).toEqual(draw(new Random(seed), 20));
    }),
  );
});

test('numbers are whole and within their bounds, which are reached', () => {
  const random = new Random(42);
  const drawn = Array.from({ length: 500 }, () => random.int(-3, 4));
  expect(new Set(drawn)).toEqual(new Set([-3, -2, -1, 0, 1, 2, 3, 4]));
});

test('what one part draws moves nothing in another', () => {
  const one = new Random(9);
  const before = draw(one.fork('part'), 5);
  draw(one, 100);
  expect(draw(one.fork('part'), 5)).toEqual(before);
  expect(draw(one.fork('other part'), 5)).not.toEqual(before);
  expect(draw(new Random(10).fork('part'), 5)).not.toEqual(before);
});

test('there is nothing to pick from an empty list', () => {
  expect(() => new Random(1).pick([])).toThrow(RangeError);
});
