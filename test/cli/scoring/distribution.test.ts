import { describe, expect, it } from 'vitest';
import { distribution, distributionFrom } from '../../../src/cli/scoring/distribution.js';
import { recipe } from '../../../src/cli/scoring/recipe.js';
import { generator } from '../../../src/random.js';
import { tensor } from '../../../src/tensor.js';

const random = generator(3);
const scores = Array.from({ length: 3000 }, () => random.uniform());

describe('how a score stands among those before it', () => {
  it('is not known before there are enough', () => {
    const lately = distribution();
    const standings = scores.slice(0, recipe.grace + 1).map((score) => lately.add(score));
    expect(standings.slice(0, recipe.grace).every(({ rank }) => rank === undefined)).toBe(true);
    expect(standings.at(-1)?.rank).toBeTypeOf('number');
  });

  it('is the share of the latter half of them that are below it, and deviations from their median', () => {
    const lately = distribution();
    scores.forEach((score, k) => {
      const { rank, deviations } = lately.add(score);
      if (k !== 2999) return;
      const half = scores.slice(2999 - (2999 >> 1), 2999).map(Math.fround);
      expect(rank).toBe(half.filter((each) => each < Math.fround(score)).length / half.length);
      // Of a uniform distribution on 0 to 1 the median deviation is ¼.
      expect(deviations).toBeCloseTo((score - 0.5) / (1.4826 / 4), 0);
    });
  });

  it('forgets how it began', () => {
    const lately = distribution();
    for (let k = 0; k < 2000; k += 1) lately.add(k < 500 ? 6 : 1 + 1e-3 * (k % 10));
    expect(lately.add(3).rank).toBe(1);
  });

  it('goes on from what was kept as if there had been no break', () => {
    const [whole, first] = [distribution(), distribution()];
    for (const score of scores.slice(0, 1000)) {
      whole.add(score);
      first.add(score);
    }
    const second = distributionFrom(structuredClone(first.data()));
    expect(second.lines).toBe(1000);
    for (const score of scores.slice(1000)) expect(second.add(score).rank).toBe(whole.add(score).rank);
  });

  it.each([
    undefined,
    null,
    {},
    { scores: [1, 2], lines: 2 },
    { scores: tensor([2], [1, Number.NaN]), lines: 2 },
    { scores: tensor([2], [1, 2]), lines: 1 },
    { scores: tensor([2], [1, 2]), lines: Number.POSITIVE_INFINITY },
  ])('begins afresh from what is none: %#', (data) => expect(distributionFrom(data).lines).toBe(0));
});
