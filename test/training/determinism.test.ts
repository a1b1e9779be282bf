import { afterAll, describe, expect, it } from 'vitest';
import * as oxbow from '../../src/index.js';
import { clipNorm, differing, trainingRun } from './training-run.js';

const { configure } = oxbow;

afterAll(() => void configure({ threads: 2 }));

for (const cell of ['lstm', 'gru'] as const) {
  describe(`training two ${cell} layers`, () => {
    configure({ threads: 1 });
    const one = trainingRun(oxbow, cell);

    it('moves every weight, by clipped gradients', () => {
      for (const norm of one.gradientNorms) expect(norm).toBeGreaterThan(clipNorm);
      const untrained = trainingRun(oxbow, cell, 42, 0);
      expect(differing(untrained, one)).toEqual(Object.keys(one.weights));
    });

    it.each([2, 3])('%i threads give the bits of one', (threads) => {
      configure({ threads });
      const several = trainingRun(oxbow, cell);
      expect(several.losses).toEqual(one.losses);
      expect(several.gradientNorms).toEqual(one.gradientNorms);
      expect(differing(several, one)).toEqual([]);
    });

    it('the same seed gives the same losses and weights twice, another seed others', () => {
      configure({ threads: 2 });
      const again = trainingRun(oxbow, cell);
      expect(again.losses).toEqual(one.losses);
      expect(differing(again, one)).toEqual([]);

      const other = trainingRun(oxbow, cell, 43);
      expect(other.losses).not.toEqual(one.losses);
      expect(differing(other, one)).toEqual(Object.keys(one.weights));
    });
  });
}
