import { expect, it } from 'vitest';
import { grownBy } from '../../bench/slope.js';

const samples = (of: (k: number) => number) => Array.from({ length: 240 }, (_, k) => of(k));

it.each<readonly [what: string, of: (k: number) => number, grown: number]>([
  ['what stays', () => 100, 0],
  ['what grew in the first quarter only', (k) => Math.min(k, 60), 0],
  ['garbage that comes and goes', (k) => 100 + (k % 10) * 50, 0],
  // From 160 to 330 in the samples that count, the lowest of each ten, about a mean of 245.
  ['what grows', (k) => 100 + k, 170 / 245],
  ['what shrinks', (k) => 340 - k, -170 / 186],
])('%s', (_, of, grown) => {
  expect(grownBy(samples(of), 10)).toBeCloseTo(grown, 9);
});

it('too few samples tell nothing', () => {
  expect(grownBy([1, 2, 3], 10)).toBeNaN();
});
