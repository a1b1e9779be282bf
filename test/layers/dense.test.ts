import { describe, expect, it } from 'vitest';
import { noCarry } from '../../src/layer.js';
import { dense } from '../../src/layers/dense.js';
import { reference } from '../../src/ops/reference.js';
import { parametersOf } from '../../src/parameters/parameter.js';
import { tensor, zeros } from '../../src/tensor.js';
import { draw, expectGradients, scatterParameters } from '../backprop/differences.js';

describe('dense', () => {
  it('is x·w + b, then its activation', () => {
    const relu = dense(2, 2, { activation: (ops, z) => ops.relu(z) });
    const named = new Map(parametersOf(relu.params));
    named.get('w')?.assign([1, 2, 3, -4]);
    named.get('b')?.assign([10, 20]);
    const [y] = relu.apply(reference(), noCarry, tensor([2, 1, 2], [1, 1, 1, 10]));
    expect(y.shape).toEqual([2, 1, 2]);
    expect([...y.data]).toEqual([14, 18, 41, 0]);
  });

  it.each([true, false])('has the right gradients, bias %s', (bias) => {
    const layer = dense(3, 2, { bias });
    const x = draw([2, 2, 3], 'x');
    const watched = [...scatterParameters(layer.params), x];
    expect(watched).toHaveLength(bias ? 3 : 2);
    expectGradients(watched, (ops) => layer.apply(ops, noCarry, x)[0]);
  });

  it('refuses other features, naming what it got', () => {
    expect(() => dense(3, 2).apply(reference(), noCarry, zeros([1, 1, 4]))).toThrow(
      /dense: takes 3 features, but got \[1, 1, 4\]/,
    );
    expect(() => dense(3, 0)).toThrow('dense: units is a whole number of at least 1, not 0.');
  });
});
