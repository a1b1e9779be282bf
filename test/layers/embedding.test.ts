import { describe, expect, it } from 'vitest';
import { noCarry } from '../../src/layer.js';
import { embedding } from '../../src/layers/embedding.js';
import { reference } from '../../src/ops/reference.js';
import { parametersOf } from '../../src/parameters/parameter.js';
import { ids } from '../../src/tensor.js';
import { expectGradients, scatterParameters } from '../backprop/differences.js';

describe('embedding', () => {
  it('gives each symbol its row', () => {
    const layer = embedding(3, 2);
    new Map(parametersOf(layer.params)).get('table')?.assign([1, 2, 3, 4, 5, 6]);
    const [y] = layer.apply(reference(), noCarry, ids([3, 1], [2, 0, 2]));
    expect(y.shape).toEqual([3, 1, 2]);
    expect([...y.data]).toEqual([5, 6, 1, 2, 5, 6]);
  });

  it('has the right gradient, symbols repeated', () => {
    const layer = embedding(4, 3);
    const x = ids([2, 2], [1, 3, 1, 0]);
    expectGradients(scatterParameters(layer.params), (ops) => layer.apply(ops, noCarry, x)[0]);
  });

  it('refuses symbols that it does not have', () => {
    expect(() => embedding(3, 2).apply(reference(), noCarry, ids([1, 1], [3]))).toThrow(
      /id 3 at position 0 of \[1, 1\] is outside 0 … 2/,
    );
  });
});
