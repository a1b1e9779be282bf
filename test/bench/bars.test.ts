import { describe, expect, test } from 'vitest';
import { barOf, type Contender, compare, kindOf, ratioOf, type Setting } from '../../bench/bars.js';

const at = (median: number) => ({ median, min: median / 2, max: median * 2 });
const onE: Setting = { kind: 'E', tier: 'wide', threads: 2, processors: 2 };
const onX: Setting = { ...onE, kind: 'X' };
const torch: Contender = { name: 'torch 1/2', vectors: 'own' };
const held: Contender = { name: 'torch 1/2 AVX2', vectors: 'AVX2' };
const other: Contender = { name: 'tfjs wasm' };
const product = { name: 'W1 512x512x512', unit: 'GFLOP/s' } as const;
const training = { name: 'W3 lstm128x2', unit: 'chars/s' } as const;
const generation = { name: 'W5 lstm512x2', unit: 'us/char' } as const;

test('a processor is X where it has AVX-512, and E otherwise', () => {
  expect(kindOf('flags\t\t: fpu avx2 avx512f avx512dq\n')).toBe('X');
  expect(kindOf('flags\t\t: fpu avx avx2 avx512\n')).toBe('E');
  expect(kindOf('')).toBe('E');
});

describe('bars', () => {
  test.each([
    ['W1 20x10000x500', 1, 1],
    ['W2 rnn128', 4, 2.7],
    ['W3 lstm128x2', 4, 3],
    ['W3b lstm512x2', 2.2, 1.4],
    ['W3g gru128x2', 4, 2.7],
    ['W3o online lstm128 B1 T32', 20, 9],
    ['W4 word lstm500x2', 2.5, 1.5],
    ['W5 lstm128x1', 20, 10],
    ['W5 lstm512x2', 4, 2.5],
    ['W6 lenet5', 3, 2],
    ['W8 lstm128 streams64', 2.5, 2.2],
    ['W8 lstm128 streams1024', 2.5, 2.2],
  ])('%s: %d on E, %d on X', (name, e, x) => {
    expect(barOf(name, onE)).toBe(e);
    expect(barOf(name, onX)).toBe(x);
  });

  test('on one thread of two, a product has a bar and nothing else has', () => {
    expect(barOf(product.name, { ...onX, threads: 1 })).toBe(0.95);
    expect(barOf(training.name, { ...onX, threads: 1 })).toBeUndefined();
  });

  test('there are none for more threads than processors, for another tier, or for a case nobody set one for', () => {
    expect(barOf(product.name, { ...onE, threads: 4 })).toBeUndefined();
    expect(barOf(training.name, { ...onE, tier: 'fma' })).toBeUndefined();
    expect(barOf('W0 nothing', onE)).toBeUndefined();
  });
});

describe('the comparison', () => {
  test('a rate counts as more, a time as less', () => {
    expect(ratioOf('chars/s', 300, 100)).toBe(3);
    expect(ratioOf('us/char', 100, 300)).toBe(3);
  });

  test('is with PyTorch where it ran, by medians, however fast another peer is', () => {
    const rates = compare(training, at(120), [[torch, at(40)] as const, [other, at(10)] as const], onE);
    expect(rates).toEqual({ ratio: 3, against: 'torch 1/2', bar: 4, reached: false });
    const times = compare(generation, at(100), [[torch, at(800)] as const, [other, at(500)] as const], onE);
    expect(times).toEqual({ ratio: 8, against: 'torch 1/2', bar: 4, reached: true });
  });

  test('a bar that is met exactly is reached', () => {
    expect(compare(training, at(120), [[torch, at(40)] as const], onX)).toMatchObject({ bar: 3, reached: true });
  });

  test('on X a product is compared with OpenBLAS held to AVX2, all else with PyTorch as it comes', () => {
    const both = [
      [torch, at(300)],
      [held, at(200)],
    ] as const;
    expect(compare(product, at(220), both, onX)).toEqual({
      ratio: 1.1,
      against: 'torch 1/2 AVX2',
      bar: 1,
      reached: true,
    });
    expect(compare(training, at(600), both, onX)).toMatchObject({ ratio: 2, against: 'torch 1/2' });
  });

  test('no bar is judged without PyTorch, and nothing is compared with nobody', () => {
    expect(compare(training, at(120), [[other, at(10)] as const], onE)).toEqual({ ratio: 12, against: 'tfjs wasm' });
    expect(compare(training, at(120), [[held, at(40)] as const], onX)).toBeUndefined();
    expect(compare(training, at(120), [], onE)).toBeUndefined();
  });
});
