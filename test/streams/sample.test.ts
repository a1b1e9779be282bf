import { describe, expect, it } from 'vitest';
import { generator, type RandomGenerator } from '../../src/random.js';
import { distribution, type SamplingOptions, sampler } from '../../src/streams/sample.js';

/** Logits whose softmax are the given probabilities. */
const logitsOf = (...probabilities: number[]) => Float64Array.from(probabilities, Math.log);
const close = (actual: Float64Array, expected: number[]) => {
  expect(actual.length).toBe(expected.length);
  for (const [id, probability] of expected.entries()) expect(actual[id]).toBeCloseTo(probability, 12);
};
/** A generator that gives the uniform numbers it is told to. */
const draws = (...uniforms: number[]): RandomGenerator => ({
  ...generator(0),
  uniform: () => uniforms.shift() as number,
});

describe('distribution', () => {
  const logits = logitsOf(0.1, 0.4, 0.2, 0.3);

  it('is the softmax', () => {
    close(distribution(logits), [0.1, 0.4, 0.2, 0.3]);
    close(distribution(logits.map((logit) => logit + 1000)), [0.1, 0.4, 0.2, 0.3]);
  });

  it('has a temperature', () => {
    const squares = 0.01 + 0.16 + 0.04 + 0.09;
    close(
      distribution(logits, { temperature: 0.5 }),
      [0.01, 0.16, 0.04, 0.09].map((p) => p / squares),
    );
    const flat = distribution(logits, { temperature: 1e6 });
    for (const probability of flat) expect(probability).toBeCloseTo(0.25, 5);
    close(distribution(logits, { temperature: 1e-3 }), [0, 1, 0, 0]);
  });

  it('keeps the k most probable', () => {
    close(distribution(logits, { topK: 2 }), [0, 4 / 7, 0, 3 / 7]);
    close(distribution(logits, { topK: 1 }), [0, 1, 0, 0]);
    close(distribution(logits, { topK: 4 }), [0.1, 0.4, 0.2, 0.3]);
    close(distribution(logits, { topK: 99 }), [0.1, 0.4, 0.2, 0.3]);
    close(distribution(logitsOf(0.25, 0.25, 0.25, 0.25), { topK: 2 }), [0.5, 0.5, 0, 0]);
  });

  it('keeps the nucleus: the fewest that have the probability together', () => {
    close(distribution(logits, { topP: 0.39 }), [0, 1, 0, 0]);
    close(distribution(logits, { topP: 0.41 }), [0, 4 / 7, 0, 3 / 7]);
    close(distribution(logits, { topP: 0.85 }), [0, 4 / 9, 2 / 9, 3 / 9]);
    close(distribution(logits, { topP: 1e-9 }), [0, 1, 0, 0]);
    close(distribution(logits, { topP: 1 }), [0.1, 0.4, 0.2, 0.3]);
  });

  it('takes the nucleus of the k most probable, at the temperature', () => {
    // After top-2: 4/7 and 3/7, of which the first alone has 0.5.
    close(distribution(logits, { topK: 2, topP: 0.5 }), [0, 1, 0, 0]);
    close(distribution(logits, { topK: 3, topP: 0.6 }), [0, 4 / 7, 0, 3 / 7]);
    const root = (p: number) => Math.sqrt(p);
    const sum = root(0.4) + root(0.3);
    close(distribution(logits, { temperature: 2, topK: 2 }), [0, root(0.4) / sum, 0, root(0.3) / sum]);
  });

  it('takes masked symbols, but no logits without a finite largest one', () => {
    close(distribution([0, Number.NEGATIVE_INFINITY, 0]), [0.5, 0, 0.5]);
    expect(() => distribution([0, Number.NaN])).toThrow(/diverged/);
    expect(() => distribution([0, Number.POSITIVE_INFINITY])).toThrow(RangeError);
    expect(() => distribution([])).toThrow(RangeError);
  });
});

describe('sampler', () => {
  it('draws the id at which the probabilities add up to more than the uniform number', () => {
    const choose = sampler({}, draws(0, 0.2499, 0.25, 0.7499, 0.75, 0.999999));
    const logits = logitsOf(0.25, 0.5, 0.25);
    expect(Array.from({ length: 6 }, () => choose(logits))).toEqual([0, 0, 1, 1, 2, 2]);
  });

  it('never draws what has no probability', () => {
    const choose = sampler({ topK: 2 }, draws(0, 0.5, 1 - 2 ** -32));
    const logits = logitsOf(0.1, 0.4, 0.2, 0.3);
    expect(Array.from({ length: 3 }, () => choose(logits))).toEqual([1, 1, 3]);
  });

  it('is greedy without a draw', () => {
    const choose = sampler({ greedy: true }, draws());
    expect(choose([1, 3, 3, 2])).toBe(1);
    close(distribution([1, 3, 3, 2], { greedy: true }), [0, 1, 0, 0]);
  });

  it('is the same for the same seed, and another for another', () => {
    const run = (seed?: number) => {
      const choose = sampler(seed === undefined ? {} : { seed });
      return Array.from({ length: 64 }, () => choose(new Float32Array(16)));
    };
    expect(run(3)).toEqual(run(3));
    expect(run(3)).not.toEqual(run(4));
    expect(run()).toEqual(run(0));
  });

  it('draws as often as the probabilities say', () => {
    const choose = sampler({ seed: 1 });
    const logits = logitsOf(0.5, 0.3, 0.2);
    const drawn = Array.from({ length: 20_000 }, () => choose(logits));
    // Within four standard deviations, √(n p (1 − p)) ≤ 71.
    for (const [id, expected] of [10_000, 6_000, 4_000].entries()) {
      expect(Math.abs(drawn.filter((each) => each === id).length - expected)).toBeLessThan(283);
    }
  });

  it('rejects impossible options', () => {
    const impossible: SamplingOptions[] = [
      { temperature: 0 },
      { temperature: -1 },
      { temperature: Number.NaN },
      { topK: 0 },
      { topK: 1.5 },
      { topP: 0 },
      { topP: 1.1 },
      { seed: 0.5 },
    ];
    for (const options of impossible) expect(() => sampler(options)).toThrow(RangeError);
    expect(() => sampler({ temperature: 0 })).toThrow(/greedy: true/);
  });
});
