import { expect, it } from 'vitest';
import { showQuantiles, stopwatch } from '../../../examples/slot-filling/quantiles.js';

it('the p50 and p99 of times are within the scale’s 2 %, and never too small', () => {
  const { add, result } = stopwatch();
  for (let k = 1; k <= 1000; k += 1) add(k / 100);
  const { p50, p99 } = result();
  expect(p50).toBeGreaterThanOrEqual(5);
  expect(p50).toBeLessThan(5.11);
  expect(p99).toBeGreaterThanOrEqual(9.9);
  expect(p99).toBeLessThan(10.1);
  expect(showQuantiles({ p50: 5, p99: 9.9 })).toBe('p50 5.00 ms, p99 9.90 ms');
});

it('a time may count several times, be tiny or huge, and there may be none', () => {
  const { add, result } = stopwatch();
  expect(result().p50).toBeNaN();
  add(1, 98);
  add(0, 1);
  add(1e12, 1);
  expect(result().p50).toBeCloseTo(1, 1);
  expect(result().p99).toBeCloseTo(1, 1);
});
