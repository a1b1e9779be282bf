import { describe, expect, it } from 'vitest';
import { tape } from '../../src/backprop/tape.js';
import { noCarry } from '../../src/layer.js';
import { dense } from '../../src/layers/dense.js';
import { dropout } from '../../src/layers/dropout.js';
import { reference } from '../../src/ops/reference.js';
import { parametersOf } from '../../src/parameters/parameter.js';
import { stack } from '../../src/stack.js';
import { type Tensor, tensor } from '../../src/tensor.js';
import { draw, expectGradients } from '../backprop/differences.js';

const ones = tensor([50, 2, 10], new Float64Array(1000).fill(1));
/** A window of training at a step. */
const training = (step = 0) => reference({ training: true, step });
const numbers = (y: Tensor) => [...y.data];

describe('dropout', () => {
  const layer = dropout(0.25, { seed: 5 });

  it('changes nothing when not training', () => {
    expect(layer.apply(reference(), noCarry, ones)).toEqual([ones, noCarry]);
  });

  it('drops its share while training and scales what stays', () => {
    const [y] = layer.apply(training(), noCarry, ones);
    expect(new Set(numbers(y))).toEqual(new Set([0, 1 / 0.75]));
    expect(numbers(y).filter((value) => value === 0).length / 1000).toBeCloseTo(0.25, 1);
  });

  it('draws another mask at each step, the same at the same step', () => {
    const mask = (step: number) => numbers(layer.apply(training(step), noCarry, ones)[0]);
    expect(mask(1)).not.toEqual(mask(0));
    expect(mask(1)).toEqual(mask(1));
  });

  it('draws another mask each time that it runs within a window', () => {
    const [ops, next] = [training(), training(1)];
    const masks = [ops, ops, ops, next].map((each) => numbers(layer.apply(each, noCarry, ones)[0]).join());
    expect(new Set(masks).size).toBe(4);
  });

  it('draws by seed and by place in the model', () => {
    const mask = (model: ReturnType<typeof models>) => numbers(model.apply(training(), model.initial(2), ones)[0]);
    const models = (first: string, seed: number) => stack({ [first]: dropout(0.5) }, { seed });
    expect(mask(models('a', 1))).toEqual(mask(models('a', 1)));
    expect(mask(models('a', 1))).not.toEqual(mask(models('a', 2)));
    expect(mask(models('a', 1))).not.toEqual(mask(models('b', 1)));
  });

  it('draws by its place in the outermost model, whatever stands beside it', () => {
    const inside = stack({ outer: stack({ drop: dropout(0.5) }) }, { seed: 1 });
    const beside = stack({ outer: stack({ first: dropout(0), drop: dropout(0.5) }) }, { seed: 1 });
    const [left] = inside.apply(training(), inside.initial(2), ones);
    const [right] = beside.apply(training(), beside.initial(2), ones);
    expect(left).toEqual(right);
  });

  it('has the right gradient, and drops under a tape', () => {
    const x = draw([2, 2, 3], 'x');
    expectGradients([x], (ops) => layer.apply(ops, noCarry, x)[0]);
    expect(numbers(layer.apply(tape(reference(), [x]), noCarry, ones)[0])).toContain(0);
  });

  describe('with one mask for a window', () => {
    const variational = dropout(0.5, { seed: 5, mask: 'window' });
    const at = (y: Tensor, step: number) => numbers(y).slice(step * 20, (step + 1) * 20);

    it('drops the same features at every step, others in each lane and each window', () => {
      const [y] = variational.apply(training(), noCarry, ones);
      for (let step = 1; step < 50; step += 1) expect(at(y, step)).toEqual(at(y, 0));
      expect(at(y, 0).slice(0, 10)).not.toEqual(at(y, 0).slice(10));
      expect(at(variational.apply(training(1), noCarry, ones)[0], 0)).not.toEqual(at(y, 0));
    });

    it('drops in a window of T what it drops in one of 1', () => {
      const one = tensor([1, 2, 10], ones.data.slice(0, 20));
      const [whole] = variational.apply(training(3), noCarry, ones);
      expect(numbers(variational.apply(training(3), noCarry, one)[0])).toEqual(at(whole, 0));
    });

    it('has the right gradient', () => {
      const x = draw([3, 2, 3], 'x');
      expectGradients([x], (ops) => variational.apply(ops, noCarry, x)[0]);
    });
  });

  describe('in its classic form', () => {
    const classic = dropout(0.25, { seed: 5, scaling: 'classic' });

    it('scales by the share that is kept when not training, and not while training', () => {
      const [learning] = classic.apply(training(), noCarry, ones);
      expect(new Set(numbers(learning))).toEqual(new Set([0, 1]));
      const [otherwise] = classic.apply(reference(), noCarry, ones);
      expect(new Set(numbers(otherwise))).toEqual(new Set([0.75]));
    });

    it('drops what the inverted one drops', () => {
      const [inverted] = layer.apply(training(), noCarry, ones);
      const [y] = classic.apply(training(), noCarry, ones);
      expect(numbers(y)).toEqual(numbers(inverted).map((value) => value * 0.75));
    });

    it('has the right gradient', () => {
      const x = draw([2, 2, 3], 'x');
      expectGradients([x], (ops) => classic.apply(ops, noCarry, x)[0]);
    });
  });

  it('refuses forms that do not exist', () => {
    expect(() => dropout(0.5, { mask: 'steps' as 'step' })).toThrow("dropout: mask is 'step' or 'window', not steps.");
    expect(() => dropout(0.5, { scaling: '' as 'classic' })).toThrow(TypeError);
  });

  it.each([-0.1, 1, Number.NaN])('refuses the rate %s', (rate) => {
    expect(() => dropout(rate)).toThrow(`from 0 to below 1, not ${rate}.`);
  });
});

describe('dropout as an ensemble', () => {
  it('classic scaling of one softmax layer gives the geometric mean of all its thinned nets, normalised', () => {
    // Hinton et al., Improving neural networks by preventing co-adaptation of feature detectors (2012): exact at rate ½.
    const [inputs, classes] = [6, 3];
    const [x, w] = [draw([inputs], 'x').data, draw([inputs, classes], 'w')];
    const head = dense(inputs, classes, { activation: 'softmax' });
    for (const [path, parameter] of parametersOf(head.params)) if (path === 'w') parameter.assign(w.data);
    const predict = (features: ArrayLike<number>) => {
      const signal = tensor([1, 1, inputs], Float64Array.from(features));
      return numbers(head.apply(reference(), noCarry, signal)[0]);
    };
    const [scaled] = dropout(0.5, { scaling: 'classic' }).apply(
      reference(),
      noCarry,
      tensor([1, 1, inputs], Float64Array.from(x)),
    );
    const nets = Array.from({ length: 2 ** inputs }, (_, net) =>
      predict(Float64Array.from(x, (value, k) => ((net >> k) & 1 ? value : 0))),
    );
    const means = Array.from({ length: classes }, (_, c) =>
      Math.exp(nets.reduce((sum, net) => sum + Math.log(net[c] as number), 0) / nets.length),
    );
    const total = means.reduce((a, b) => a + b, 0);
    predict(scaled.data).forEach((value, c) => {
      expect(value).toBeCloseTo((means[c] as number) / total, 12);
    });
  });
});
