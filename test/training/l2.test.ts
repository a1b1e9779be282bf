import { describe, expect, it } from 'vitest';
import { tape } from '../../src/backprop/tape.js';
import { lstm } from '../../src/cells/lstm.js';
import { noCarry } from '../../src/layer.js';
import { dense } from '../../src/layers/dense.js';
import { embedding } from '../../src/layers/embedding.js';
import { reference } from '../../src/ops/reference.js';
import { parametersOf } from '../../src/parameters/parameter.js';
import { stack } from '../../src/stack.js';
import { ids, tensor } from '../../src/tensor.js';
import { crossEntropy } from '../../src/training/losses/cross-entropy.js';
import { l2Penalty, withL2 } from '../../src/training/losses/l2.js';
import { squaredError } from '../../src/training/losses/squared-error.js';
import { draw, expectGradients, scatterParameters } from '../backprop/differences.js';

describe('the L2 penalty', () => {
  it('is ½ λ times the squares of the weights, and of no bias', () => {
    const layer = dense(2, 2);
    const named = new Map(parametersOf(layer.params));
    named.get('w')?.assign([1, 2, 3, -4]);
    named.get('b')?.assign([100, 100]);
    expect(l2Penalty(layer.params, 0.5)(reference()).data[0]).toBe(0.25 * 30);
  });

  it('is of matrices, tables and recurrent weights', () => {
    const model = stack({ embed: embedding(3, 2), rnn: lstm(2, 2), head: dense(2, 3) });
    const watched = parametersOf(model.params);
    const ops = tape(
      reference(),
      watched.map(([, parameter]) => parameter),
    );
    const gradients = ops.gradients(l2Penalty(model.params, 0.25)(ops));
    watched.forEach(([path, { data, shape }], k) => {
      const expected = shape.length === 2 ? [...data].map((w) => 0.25 * w) : [...data].map(() => 0);
      expect([...(gradients[k]?.data ?? [])], path).toEqual(expected);
    });
  });

  it('has the right gradient together with its loss', () => {
    const model = stack({ rnn: lstm(2, 3), head: dense(3, 2) }, { seed: 1 });
    const watched = scatterParameters(model.params);
    const loss = withL2(crossEntropy(), model.params, 0.7);
    const x = draw([3, 2, 2], 'x');
    expectGradients(watched, (ops) => {
      const [y] = model.apply(ops, model.initial(2), x);
      return loss(ops, y, ids([3, 2], [0, 1, 1, 0, 1, 1]));
    });
  });

  it('counts tied weights once, and only what is chosen', () => {
    const layer = dense(1, 1);
    parametersOf(layer.params)[0]?.[1].assign([3]);
    parametersOf(layer.params)[1]?.[1].assign([5]);
    const twice = { a: layer.params, b: layer.params };
    expect(l2Penalty(twice, 2)(reference()).data[0]).toBe(9);
    const biases = { penalise: ({ shape }: { readonly shape: readonly number[] }) => shape.length === 1 };
    expect(l2Penalty(layer.params, 2, biases)(reference()).data[0]).toBe(25);
  });

  it('of λ 0 changes nothing', () => {
    const layer = dense(1, 1);
    const [y, t] = [tensor([1, 1, 1], [3]), tensor([1, 1, 1], [1])];
    expect(withL2(squaredError(), layer.params, 0)(reference(), y, t).data[0]).toBe(2);
    expect(layer.apply(reference(), noCarry, y)[0].shape).toEqual([1, 1, 1]);
  });

  it('refuses what cannot be', () => {
    expect(() => l2Penalty(dense(1, 1).params, Number.NaN)).toThrow('λ is a number from 0 up, not NaN');
    expect(() => l2Penalty({}, 1)).toThrow('none of 0 parameters');
  });
});
