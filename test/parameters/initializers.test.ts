import { describe, expect, it } from 'vitest';
import { reference } from '../../src/ops/reference.js';
import * as initializers from '../../src/parameters/initializers.js';
import type { Initializer } from '../../src/parameters/parameter.js';
import { generator, hashText } from '../../src/random.js';
import { type Shape, tensor } from '../../src/tensor.js';

const { chrono, constant, fanUniform, glorotNormal, glorotUniform, heNormal, heUniform, normal, ones } = initializers;
const { orthogonal, sideBySide, sumOf, uniform, zeros } = initializers;

const drawn = (initializer: Initializer, shape: Shape, seed = 1) => initializer(shape, generator(seed, 'test'));

function moments(values: Float32Array): { readonly mean: number; readonly deviation: number; readonly most: number } {
  const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
  const deviation = Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length);
  return { mean, deviation, most: values.reduce((most, v) => Math.max(most, Math.abs(v)), 0) };
}

describe('initializers', () => {
  it('fill with one number', () => {
    expect([...drawn(zeros(), [2])]).toEqual([0, 0]);
    expect([...drawn(ones(), [2])]).toEqual([1, 1]);
    expect([...drawn(constant(-2), [1, 2])]).toEqual([-2, -2]);
  });

  it('draw the same from the same generator, and other numbers from another', () => {
    for (const initializer of [normal(1), uniform(1), glorotUniform(), orthogonal()]) {
      expect(drawn(initializer, [3, 4])).toEqual(drawn(initializer, [3, 4]));
      expect(drawn(initializer, [3, 4])).not.toEqual(drawn(initializer, [3, 4], 2));
    }
  });

  it.each([
    ['orthogonal, square', orthogonal(1.5), [67, 67], 3666841513],
    ['orthogonal, tall', orthogonal(1.5), [70, 33], 1776101391],
    ['orthogonal, wide', orthogonal(1.5), [33, 90], 3224246885],
    ['normal', normal(2), [100], 1425549574],
    ['uniform', uniform(2), [100], 3391813094],
  ] as const)('draw the numbers that they always drew: %s', (_, initializer, shape, hash) => {
    const values = initializer(shape, generator(1, 'w'));
    expect(hashText(new Uint32Array(values.buffer).join())).toBe(hash);
  });

  it('normal(σ) has mean 0 and deviation σ', () => {
    const { mean, deviation } = moments(drawn(normal(0.5), [20_000]));
    expect(Math.abs(mean)).toBeLessThan(0.02);
    expect(Math.abs(deviation - 0.5)).toBeLessThan(0.01);
  });

  it.each([
    ['uniform(0.3)', uniform(0.3), 0.3],
    ['fanUniform(25)', fanUniform(25), 0.2],
    ['glorotUniform of [100, 50]', glorotUniform(), 0.2],
    ['heUniform of [100, 50]', heUniform(), Math.sqrt(0.06)],
  ])('%s fills its interval evenly', (_, initializer, limit) => {
    const { mean, deviation, most } = moments(drawn(initializer, [100, 50]));
    expect(most).toBeLessThanOrEqual(Math.fround(limit));
    expect(most).toBeGreaterThan(0.99 * limit);
    expect(Math.abs(mean)).toBeLessThan(0.05 * limit);
    expect(deviation).toBeCloseTo(limit / Math.sqrt(3), 2);
  });

  it('chrono opens gates for spans up to the longest, evenly', () => {
    const spans = drawn(chrono(401), [4000]).map(Math.exp);
    const { mean, deviation, most } = moments(spans);
    expect(Math.min(...spans)).toBeGreaterThanOrEqual(1);
    expect(most).toBeLessThan(400.01);
    // Uniform in [1, 400): mean 200.5, deviation 399 / √12.
    expect(Math.abs(mean - 200.5)).toBeLessThan(8);
    expect(Math.abs(deviation - 399 / Math.sqrt(12))).toBeLessThan(5);
    expect(drawn(chrono(401, -1), [9])).toEqual(drawn(chrono(401), [9]).map((bias) => -bias));
    expect(() => chrono(2)).toThrow('chrono: the longest span is a number of steps above 2, not 2.');
  });

  it.each([
    ['glorotNormal', glorotNormal(), Math.sqrt(2 / 150)],
    ['heNormal', heNormal(), Math.sqrt(2 / 100)],
    ['sumOf', sumOf([uniform(0.3), uniform(0.4)]), Math.sqrt((0.09 + 0.16) / 3)],
  ] as const)('%s of [100, 50] has mean 0 and its deviation', (_, initializer, expected) => {
    const { mean, deviation } = moments(drawn(initializer, [100, 50]));
    expect(Math.abs(mean)).toBeLessThan(0.06 * expected);
    expect(Math.abs(deviation / expected - 1)).toBeLessThan(0.04);
  });

  it.each([
    ['square', [9, 9], { b: true }],
    ['wide', [5, 12], { b: true }],
    ['tall', [12, 5], { a: true }],
    ['square of several panels and a rest', [67, 67], { b: true }],
    ['wide of several panels', [50, 90], { b: true }],
    ['tall of several panels', [90, 39], { a: true }],
  ] as const)('orthogonal: a %s matrix times its transpose is gain² times the identity', (_, shape, transposed) => {
    const w = tensor(shape, drawn(orthogonal(3), shape));
    const gram = reference().matmul(w, w, transposed);
    const size = Math.min(...shape);
    expect(gram.shape).toEqual([size, size]);
    gram.data.forEach((value, k) => {
      expect(value).toBeCloseTo(k % (size + 1) === 0 ? 9 : 0, 5);
    });
  });

  it('sideBySide puts blocks beside each other, each drawn as the matrix it is', () => {
    const w = drawn(sideBySide([orthogonal(), constant(7)]), [3, 6]);
    const left = tensor(
      [3, 3],
      Float32Array.from({ length: 9 }, (_, k) => w[Math.floor(k / 3) * 6 + (k % 3)] as number),
    );
    const gram = reference().matmul(left, left, { b: true });
    gram.data.forEach((value, k) => {
      expect(value).toBeCloseTo(k % 4 === 0 ? 1 : 0, 5);
    });
    expect([3, 4, 5, 9, 10, 11, 15, 16, 17].map((k) => w[k])).toEqual(new Array(9).fill(7));
  });

  it('sideBySide takes blocks of a user that only give arrays', () => {
    const count: Initializer = (shape) => new Float32Array(shape.reduce((a, b) => a * b, 1)).map((_, k) => k);
    expect([...drawn(sideBySide([count, constant(9), count]), [2, 6])]).toEqual([0, 1, 9, 9, 0, 1, 2, 3, 9, 9, 2, 3]);
  });

  it('refuse shapes they have no meaning for', () => {
    expect(() => drawn(glorotUniform(), [3])).toThrow(
      'glorotUniform: draws matrices [fan-in, fan-out] and kernels [kh, kw, C, O], not [3].',
    );
    expect(() => drawn(orthogonal(), [2, 2, 2])).toThrow(RangeError);
    expect(() => drawn(sideBySide([zeros(), ones()]), [5])).toThrow(/\[5\] does not divide into 2 blocks/);
  });
});
