import { expect, test } from 'vitest';
import { rate, summary } from '../../bench/measure.js';

test('a summary is the median, the smallest and the largest, whatever the order', () => {
  const numbers = [10, 9, 100];
  expect(summary(numbers)).toEqual({ median: 10, min: 9, max: 100 });
  expect(numbers).toEqual([10, 9, 100]);
  expect(summary([4, 1, 2, 9])).toEqual({ median: 3, min: 1, max: 9 });
  expect(summary([7])).toEqual({ median: 7, min: 7, max: 7 });
  expect(() => summary([])).toThrow(/measure at least once/);
});

test('a rate does at least one step, however short its time', () => {
  let steps = 0;
  const step = () => {
    steps += 1;
  };
  expect(rate(step, 100, 1e-12)).toBeGreaterThan(0);
  expect(steps).toBe(1);
});
