import { describe, expect, it } from 'vitest';
import { parameter } from '../src/parameters/parameter.js';
import { ids, isTensor, type Shape, tensor, zeros } from '../src/tensor.js';

const any = (value: unknown) => value as never;
const sparse = (): number[] => {
  const list = [1, 2];
  delete list[1];
  return list;
};

/** What is no shape, whatever is to be made in it. */
const noShapes: readonly (readonly [what: string, shape: unknown])[] = [
  ['a fraction', [1.5]],
  ['NaN', [Number.NaN]],
  ['an infinity', [Number.POSITIVE_INFINITY]],
  ['a negative size', [-1]],
  ['two negative sizes', [-1, -2]],
  ['a text', ['2']],
  ['null', [null]],
  ['a hole', sparse().slice(1)],
  ['no list', 2],
  ['nothing', undefined],
  ['a size that is not exact', [2 ** 53]],
];

describe('a shape', () => {
  it.each(noShapes)('is not %s', (_, shape) => {
    for (const make of [
      () => tensor(any(shape), [1, 2]),
      () => ids(any(shape), [1, 2]),
      () => zeros(any(shape)),
      () => parameter(any(shape), () => new Float32Array(2)),
    ]) {
      expect(make).toThrow(/a shape is a list of whole numbers/);
      expect(make).toThrow(RangeError);
    }
  });

  it.each<[Shape, number]>([
    [[], 1],
    [[0], 0],
    [[3, 0], 0],
    [[2, 3], 6],
  ])('%j holds %i numbers', (shape, size) => {
    expect(zeros(shape).data.length).toBe(size);
    expect(tensor(shape, new Array<number>(size).fill(1)).data.length).toBe(size);
  });
});

describe('numbers', () => {
  it.each<[string, unknown, string]>([
    ['null', [1, null], 'element 1 is null'],
    ['undefined', [undefined, 1], 'element 0 is undefined'],
    ['a hole', sparse(), 'element 1 is undefined'],
    ['a text', [1, '2'], 'element 1 is "2"'],
    ['a bigint', BigInt64Array.of(1n, 2n), 'element 0 is 1'],
    ['a truth', [true, false], 'element 0 is true'],
    ['lists', [[1], [2]], 'element 0 is an Array'],
  ])('are not %s', (_, data, message) => {
    const p = parameter([2], () => Float32Array.of(5, 6));
    for (const make of [() => tensor([2], any(data)), () => ids([2], any(data)), () => p.assign(any(data))]) {
      expect(make).toThrow(message);
      expect(make).toThrow(TypeError);
    }
    expect([...p.data]).toEqual([5, 6]);
  });

  it.each<[string, unknown]>([
    ['null', null],
    ['nothing', undefined],
    ['a text', '12'],
    ['a number', 12],
    ['a set', new Set([1, 2])],
    ['a view without elements', new DataView(new ArrayBuffer(8))],
    ['a buffer', new ArrayBuffer(8)],
    ['a record without a length', { 0: 1, 1: 2 }],
  ])('are not in %s', (_, data) => {
    const p = parameter([2], () => Float32Array.of(5, 6));
    for (const make of [() => tensor([2], any(data)), () => ids([2], any(data)), () => p.assign(any(data))]) {
      expect(make).toThrow(/its numbers are a list|2 were given|2 numbers/);
    }
    expect([...p.data]).toEqual([5, 6]);
  });

  it('are as many as the shape says', () => {
    expect(() => tensor([2, 1, 4], new Float32Array(5))).toThrow('shape [2, 1, 4] holds 8 numbers, but 5 were given');
    expect(() => ids([2], [1])).toThrow('holds 2 numbers, but 1 were given');
    expect(() => ids([], [])).toThrow('holds 1 numbers, but 0 were given');
  });

  it('may be NaN and infinite, and come from typed arrays of any kind', () => {
    expect([...tensor([2], [Number.NaN, Number.NEGATIVE_INFINITY]).data]).toEqual([Number.NaN, -Infinity]);
    for (const data of [Uint8Array.of(1, 255), Uint8ClampedArray.of(1, 255), Uint16Array.of(1, 255)]) {
      expect(tensor([2], any(data))).toEqual({ shape: [2], type: 'float32', data: Float32Array.of(1, 255) });
      expect(ids([2], any(data))).toEqual({ shape: [2], type: 'int32', data: Int32Array.of(1, 255) });
    }
    const own = Float64Array.of(1, 2);
    expect(tensor([2], own)).toEqual({ shape: [2], type: 'float64', data: own });
    expect(tensor([2], own).data).toBe(own);
  });
});

describe('ids', () => {
  it.each<[string, number]>([
    ['a half', 0.5],
    ['less than a half', 1e-300],
    ['NaN', Number.NaN],
    ['an infinity', Number.POSITIVE_INFINITY],
    ['2³² + 3', 2 ** 32 + 3],
    ['2³¹', 2 ** 31],
    ['−2³¹ − 1', -(2 ** 31) - 1],
    ['negative zero', -0],
  ])('are not %s, in any kind of list', (_, id) => {
    for (const data of [[1, id], Float64Array.of(1, id)]) {
      expect(() => ids([2], any(data))).toThrow(/^ids: id .* at position 1 is not a whole number of 32 bits/);
      expect(() => ids([2], any(data))).toThrow(RangeError);
    }
  });

  it('are whole numbers of 32 bits', () => {
    const all = [0, -1, 1, 2 ** 31 - 1, -(2 ** 31)];
    expect([...ids([5], all).data]).toEqual(all);
    expect(isTensor(ids([5], any(Float64Array.from(all))))).toBe(true);
  });
});

it('an initialiser gives as many numbers as the shape has, when drawn and when it grows', () => {
  expect(() => parameter([2, 2], () => new Float32Array(3)).place).toThrow(
    /the initialiser of a parameter gave 3 .* 4/,
  );
  const p = parameter([2, 2], ([rows = 0]) => new Float32Array(rows === 1 ? 1 : 4), { grows: [0] });
  expect(() => p.grow(0, 3)).toThrow(/the initialiser of \[0: 2\] gave 1 numbers for \[1, 2\]/);
});
