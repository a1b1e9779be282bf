import { describe, expect, it } from 'vitest';
import { crossEntropy } from '../../src/backprop/losses/cross-entropy.js';
import { squaredError } from '../../src/backprop/losses/squared-error.js';
import { reference } from '../../src/backprop/reference.js';
import { ids, tensor } from '../../src/tensor.js';
import { draw, expectGradients } from './differences.js';

const ops = reference();

describe('crossEntropy', () => {
  const loss = crossEntropy();

  it('is ln V for even logits, whatever V', () => {
    const even = loss(ops, tensor([2, 1, 3], [5, 5, 5, 0, 0, 0]), ids([2, 1], [0, 2]));
    expect(even.shape).toEqual([]);
    expect(even.data[0]).toBeCloseTo(Math.log(3), 14);
  });

  it('averages over the positions that are not padding', () => {
    const logits = tensor([3, 1, 2], [0, 0, 7, 0, 0, 0]);
    expect(loss(ops, logits, ids([3, 1], [0, -1, 1])).data[0]).toBeCloseTo(Math.log(2), 14);
  });

  it('has the right gradient', () => {
    const logits = draw([2, 2, 3], 'logits');
    expectGradients([logits], (o) => loss(o, logits, ids([2, 2], [2, -1, 0, 1])));
  });

  it('refuses windows of padding only, and targets that are no ids', () => {
    const logits = tensor([1, 1, 2], [0, 0]);
    expect(() => loss(ops, logits, ids([1, 1], [-1]))).toThrow(/every target of \[1, 1\] is −1/);
    expect(() => loss(ops, logits, tensor([1, 1], [0]))).toThrow(/targets are ids \(int32\), but got float32/);
  });
});

describe('squaredError', () => {
  const loss = squaredError();

  it('is half the squared distance, averaged over positions and not over features', () => {
    const prediction = tensor([1, 2, 2], [1, 2, 3, 4]);
    const target = tensor([1, 2, 2], [0, 0, 3, 2]);
    // (½ (1 + 4) + ½ (0 + 4)) / 2
    expect(loss(ops, prediction, target).data[0]).toBe(2.25);
  });

  it('has the right gradient', () => {
    const prediction = draw([2, 2, 3], 'prediction');
    const target = draw([2, 2, 3], 'target');
    expectGradients([prediction, target], (o) => loss(o, prediction, target));
  });

  it('does not broadcast a target', () => {
    expect(() => loss(ops, tensor([1, 2, 1], [0, 0]), tensor([2], [0, 0]))).toThrow(
      /prediction \[1, 2, 1\] and target \[2\] must have the same shape/,
    );
  });
});
