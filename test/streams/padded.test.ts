import { describe, expect, it } from 'vitest';
import { reference } from '../../src/ops/reference.js';
import { padded } from '../../src/streams/padded.js';
import { tensor } from '../../src/tensor.js';
import { squaredError } from '../../src/training/losses/squared-error.js';

describe('padded', () => {
  it('puts ids side by side, with −1 where there is nothing to say', () => {
    const { input, target, reset } = padded([
      { input: [3, 1, 4], target: [0, 0, 2] },
      { input: [1, 5], target: Int32Array.of(-1, 1) },
    ]);
    expect(input).toEqual({ shape: [3, 2], type: 'int32', data: Int32Array.of(3, 1, 1, 5, 4, 0), lengths: [3, 2] });
    expect(target).toEqual({ shape: [3, 2], type: 'int32', data: Int32Array.of(0, -1, 0, 1, 2, -1), lengths: [3, 2] });
    expect(reset).toEqual([true, true]);
  });

  it('puts features side by side, with 0', () => {
    const { input, target } = padded([
      { input: tensor([1, 2], [1, 2]), target: [7] },
      { input: tensor([2, 2], [3, 4, 5, 6]), target: [8, 9] },
    ]);
    expect(input.shape).toEqual([2, 2, 2]);
    expect([...input.data]).toEqual([1, 2, 3, 4, 0, 0, 5, 6]);
    expect([...target.data]).toEqual([7, 8, -1, 9]);
  });

  it('gives the squared error lengths to count by', () => {
    const { target } = padded([
      { input: [0], target: tensor([1, 1], [1]) },
      { input: [0, 0], target: tensor([2, 1], [2, 3]) },
    ]);
    const prediction = tensor([2, 2, 1], [0, 0, 100, 0]);
    // ½ (1 + 4 + 9) over three real positions; the 100 stands at padding.
    expect(squaredError()(reference(), prediction, target).data[0]).toBeCloseTo(7 / 3, 14);
    expect(() => squaredError()(reference(), prediction, { ...target, lengths: [0, 0] } as typeof target)).toThrow(
      'squaredError: every lane has length 0, so there is nothing to average.',
    );
  });

  it('refuses what cannot stand side by side', () => {
    expect(() => padded([])).toThrow('padded: there is no sequence; give one at least.');
    expect(() => padded([{ input: [1, 2], target: [1] }])).toThrow(
      'padded: sequence 0 has 2 steps and 1 targets; give each one step at least and as many targets.',
    );
    expect(() => padded([{ input: [], target: [] }])).toThrow(RangeError);
    const wide = { input: tensor([1, 2], [1, 2]), target: [0] };
    expect(() => padded([wide, { input: tensor([1, 3], [1, 2, 3]), target: [0] }])).toThrow(
      'padded: input [1, 3] of lane 1 and [1, 2] of lane 0 have other features; make them as wide.',
    );
    expect(() => padded<number[] | typeof wide.input>([wide, { input: [1], target: [0] }])).toThrow(TypeError);
  });
});
