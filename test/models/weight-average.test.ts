import { dense, type Parameter } from 'oxbow';
import { describe, expect, it } from 'vitest';
import { weightAverage } from '../../src/models/weight-average.js';

const modelOf = () => {
  const model = dense(1, 1, { seed: 1 });
  const { w } = model.params as { readonly w: Parameter };
  w.assign([0]);
  return { model, w };
};

describe('weightAverage', () => {
  it('follows its equation', () => {
    const { model, w } = modelOf();
    const mean = weightAverage(model.params, 0.5);
    const wanted = [1, 5, -2, 7].reduce((m, value, at) => {
      w.assign([value]);
      mean.update();
      const decay = Math.min(0.5, (at + 1) / (at + 11));
      return decay * m + (1 - decay) * value;
    }, 0);
    expect(mean.weights()[0]?.[0]).toBeCloseTo(wanted, 6);
  });

  it('lends its weights to a body and puts the model’s back, also where that throws', () => {
    const { model, w } = modelOf();
    const mean = weightAverage(model.params, 0.9);
    w.assign([8]);
    expect(mean.within(() => w.data[0])).toBe(0);
    expect(w.data[0]).toBe(8);
    const fails = () => {
      throw new Error('no');
    };
    expect(() => mean.within(fails)).toThrow('no');
    expect(w.data[0]).toBe(8);
  });

  it('refuses a decay that never forgets', () => {
    expect(() => weightAverage(modelOf().model.params, 1)).toThrow(/decay is a number from 0 to below 1, not 1/);
  });
});
