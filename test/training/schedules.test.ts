import { describe, expect, it } from 'vitest';
import { constant, cosine, inTurn, inverseSqrt, oneCycle, stepDecay, warmup } from '../../src/training/schedules.js';

describe('schedules', () => {
  it('constant stays', () => {
    expect([0, 1, 1e6].map(constant(0.1))).toEqual([0.1, 0.1, 0.1]);
  });

  it('stepDecay cuts at whole multiples', () => {
    expect([0, 9, 10, 19, 20].map(stepDecay({ rate: 8, factor: 0.5, every: 10 }))).toEqual([8, 8, 4, 4, 2]);
  });

  it('inverseSqrt is η/√(t+1)', () => {
    expect([0, 3, 8, 99].map(inverseSqrt(3))).toEqual([3, 1.5, 1, 0.3]);
  });

  it('cosine goes from the rate to the floor and stays there', () => {
    const rates = [0, 25, 50, 100, 1000].map(cosine({ rate: 1, steps: 100, floor: 0.2 }));
    const expected = [1, 0.2 + 0.4 * (1 + Math.SQRT1_2), 0.6, 0.2, 0.2];
    expected.forEach((rate, k) => {
      expect(rates[k]).toBeCloseTo(rate, 14);
    });
  });

  it.each([
    // PyTorch's OneCycleLR.
    [
      { rate: 0.5, steps: 10 },
      [
        0.02, 0.26, 0.5, 0.475242316007, 0.405872826975, 0.305631010968, 0.194370989032, 0.094129173025, 0.024759683993,
        2e-6,
      ],
    ],
    [
      { rate: 2, steps: 7, rising: 0.6, from: 4, to: 10 },
      [0.5, 0.833322325235, 1.537012574274, 1.985588960302, 1.632902556812, 0.60196335436, 0.05],
    ],
  ])('oneCycle rises and falls by cosines: %o', (options, wanted) => {
    const rate = oneCycle(options);
    wanted.forEach((value, step) => {
      expect(rate(step)).toBeCloseTo(value, 11);
    });
    expect(rate(1000)).toBe(rate(options.steps - 1));
  });

  it.each([{ steps: 1 }, { steps: 2.5 }, { rising: 0 }, { rising: 1 }, { from: 0 }, { to: Number.NaN }])(
    'oneCycle refuses %o',
    (wrong) => {
      expect(() => oneCycle({ rate: 1, steps: 10, ...wrong })).toThrow(/^oneCycle: (steps|rising|from|to) /);
    },
  );

  it.each([2, 3])('oneCycle in %i steps has the highest rate in none or one of them', (steps) => {
    const rates = Array.from({ length: steps }, (_, step) => oneCycle({ rate: 1, steps })(step));
    expect(rates.every((rate) => rate > 0 && rate <= 1)).toBe(true);
  });

  it('warmup rises to the inner schedule and then follows it from its beginning', () => {
    const rates = [0, 1, 2, 3, 4].map(warmup(3, stepDecay({ rate: 4, factor: 0.5, every: 1 })));
    expect(rates).toEqual([1, 2, 3, 4, 2]);
  });

  it('inTurn follows each schedule from its own beginning, and the last one on', () => {
    const each = inTurn(
      [
        [2, constant(5)],
        [3, stepDecay({ rate: 4, factor: 0.5, every: 1 })],
      ],
      inverseSqrt(3),
    );
    expect([0, 1, 2, 3, 4, 5, 8].map(each)).toEqual([5, 5, 4, 2, 1, 3, 1.5]);
    expect(() => inTurn([[0, constant(1)]], constant(1))).toThrow('inTurn: steps is a whole number of at least 1');
  });

  it('refuses spans that are no number of steps', () => {
    expect(() => warmup(0, constant(1))).toThrow('warmup: steps is a whole number of at least 1, not 0.');
    expect(() => cosine({ rate: 1, steps: 1.5 })).toThrow(RangeError);
    expect(() => stepDecay({ rate: 1, factor: 0.5, every: -1 })).toThrow(/stepDecay: every/);
  });
});
