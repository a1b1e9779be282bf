import { describe, expect, it } from 'vitest';
import { noCarry } from '../../src/layer.js';
import { lastStep } from '../../src/layers/last-step.js';
import { reference } from '../../src/ops/reference.js';
import { inWindow } from '../../src/ops/window.js';
import { tensor, zeros } from '../../src/tensor.js';
import { draw, expectGradients } from '../backprop/differences.js';

describe('lastStep', () => {
  const layer = lastStep();

  it('is the last step, whatever comes after the lanes', () => {
    const [y] = layer.apply(reference(), noCarry, tensor([3, 2, 1], [1, 2, 3, 4, 5, 6]));
    expect(y.shape).toEqual([1, 2, 1]);
    expect([...y.data]).toEqual([5, 6]);
    const images = inWindow((ops) => layer.apply(ops, noCarry, zeros([2, 3, 4, 5]))[0].shape);
    expect(images).toEqual([1, 3, 4, 5]);
  });

  it('of one step is that step', () => {
    const x = tensor([1, 2, 1], [1, 2]);
    expect(layer.apply(reference(), noCarry, x)[0]).toBe(x);
  });

  it('has the right gradient: none for the steps before', () => {
    const x = draw([3, 2, 2], 'x');
    expectGradients([x], (ops) => layer.apply(ops, noCarry, x)[0]);
  });

  it('refuses a window without steps', () => {
    expect(() => layer.apply(reference(), noCarry, zeros([0, 2, 1]))).toThrow('lastStep: takes a window [T, B, …]');
  });
});
