import { describe, expect, it } from 'vitest';
import { reference } from '../../src/ops/reference.js';
import { mix32 } from '../../src/random.js';
import { ids, type Tensor, tensor } from '../../src/tensor.js';

const ops = reference();
const numbers = (x: Tensor) => [...x.data];

describe('reference, by hand', () => {
  const a = tensor([2, 3], [1, 2, 3, 4, 5, 6]);
  const b = tensor([3, 2], [7, 8, 9, 10, 11, 12]);

  it('multiplies matrices in all four cases of transposition', () => {
    const at = tensor([3, 2], [1, 4, 2, 5, 3, 6]);
    const bt = tensor([2, 3], [7, 9, 11, 8, 10, 12]);
    const expected = [58, 64, 139, 154];
    expect(numbers(ops.matmul(a, b))).toEqual(expected);
    expect(numbers(ops.matmul(at, b, { a: true }))).toEqual(expected);
    expect(numbers(ops.matmul(a, bt, { b: true }))).toEqual(expected);
    expect(numbers(ops.matmul(at, bt, { a: true, b: true }))).toEqual(expected);
  });

  it('takes leading axes as rows', () => {
    expect(ops.matmul(tensor([1, 2, 3], a.data), b).shape).toEqual([1, 2, 2]);
    expect(ops.matmul(tensor([1, 2, 3], a.data), tensor([2, 1, 2], [1, 2, 3, 4]), { a: true }).shape).toEqual([3, 2]);
  });

  it('multiplies matrix by matrix in all four cases of transposition', () => {
    const left = tensor([2, 2, 3], [1, 2, 3, 4, 5, 6, 1, 0, 0, 0, 0, 1]);
    const right = tensor([2, 3, 2], [7, 8, 9, 10, 11, 12, 1, 2, 3, 4, 5, 6]);
    const leftT = tensor([2, 3, 2], [1, 4, 2, 5, 3, 6, 1, 0, 0, 0, 0, 1]);
    const rightT = tensor([2, 2, 3], [7, 9, 11, 8, 10, 12, 1, 3, 5, 2, 4, 6]);
    const expected = [58, 64, 139, 154, 1, 2, 5, 6];
    expect(numbers(ops.batchedMatmul(left, right))).toEqual(expected);
    expect(numbers(ops.batchedMatmul(leftT, right, { a: true }))).toEqual(expected);
    expect(numbers(ops.batchedMatmul(left, rightT, { b: true }))).toEqual(expected);
    expect(numbers(ops.batchedMatmul(leftT, rightT, { a: true, b: true }))).toEqual(expected);
    expect(ops.batchedMatmul(tensor([1, 2, 2, 3], left.data), tensor([1, 2, 3, 2], right.data)).shape).toEqual([
      1, 2, 2, 2,
    ]);
  });

  it('broadcasts in each form', () => {
    expect(numbers(ops.subtract(a, tensor([3], [1, 1, 2])))).toEqual([0, 1, 1, 3, 4, 4]);
    expect(numbers(ops.multiply(a, tensor([2, 1], [10, -1])))).toEqual([10, 20, 30, -4, -5, -6]);
    expect(numbers(ops.divide(a, tensor([], [2])))).toEqual([0.5, 1, 1.5, 2, 2.5, 3]);
    expect(numbers(ops.add(a, tensor([1], [1])))).toEqual([2, 3, 4, 5, 6, 7]);
    expect(numbers(ops.add(a, a))).toEqual([2, 4, 6, 8, 10, 12]);
  });

  it('sums what broadcasting repeated', () => {
    expect(numbers(ops.sumTo(a, [3]))).toEqual([5, 7, 9]);
    expect(numbers(ops.sumTo(a, [2, 1]))).toEqual([6, 15]);
    expect(numbers(ops.sumTo(a, []))).toEqual([21]);
  });

  it('cuts and joins, in the middle too', () => {
    const x = tensor([2, 3, 2], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    const [first, second] = ops.split(x, 1, [1, 2]) as [Tensor, Tensor];
    expect(numbers(first)).toEqual([1, 2, 7, 8]);
    expect(numbers(second)).toEqual([3, 4, 5, 6, 9, 10, 11, 12]);
    expect(numbers(ops.concat([first, second], 1))).toEqual(numbers(x));
  });

  it('keeps ids whole where it only moves them', () => {
    const x = ids([4], [3, 1, 2, 0]);
    expect(ops.reshape(x, [2, 2])).toEqual(ids([2, 2], [3, 1, 2, 0]));
    expect(ops.concat(ops.split(x, 0, [1, 3]), 0)).toEqual(x);
  });

  it('stays finite where exponentials would not', () => {
    const logits = tensor([1, 3], [1000, 0, -1000]);
    expect(numbers(ops.softmax(logits))).toEqual([1, 0, 0]);
    expect(numbers(ops.crossEntropy(logits, ids([1], [2])))).toEqual([2000]);
    expect(numbers(ops.logistic(tensor([2], [-800, 800])))).toEqual([0, 1]);
  });

  it('gathers rows, and scatters them back with repeats added', () => {
    const table = tensor([3, 2], [1, 2, 3, 4, 5, 6]);
    expect(numbers(ops.gather(table, ids([2, 1], [2, 0])))).toEqual([5, 6, 1, 2]);
    const gradient = tensor([3, 2], [1, 1, 10, 10, 100, 100]);
    expect(numbers(ops.scatterAdd(gradient, ids([3], [1, 0, 1]), 3))).toEqual([10, 10, 101, 101, 0, 0]);
  });

  it('gives padding no loss and no gradient', () => {
    const logits = tensor([2, 2], [1, 1, 5, 0]);
    const targets = ids([2], [0, -1]);
    expect(numbers(ops.crossEntropy(logits, targets))).toEqual([Math.log(2), 0]);
    const gradient = ops.crossEntropyAdjoint(tensor([2], [2, 2]), logits, targets);
    expect(numbers(gradient)).toEqual([-1, 1, 0, 0]);
  });

  it('draws masks by key and place', () => {
    const mask = numbers(ops.bernoulli([1000], 0.3, 99));
    expect(mask).toEqual(Array.from({ length: 1000 }, (_, k) => (mix32(99 + k) / 2 ** 32 < 0.3 ? 1 : 0)));
    const share = mask.reduce((sum, value) => sum + value, 0) / 1000;
    expect(Math.abs(share - 0.3)).toBeLessThan(0.05);
  });

  it('reads other numbers for a tensor that has a substitute', () => {
    const x = tensor([2], [1, 2]);
    const other = reference({ substitute: new Map([[x, Float64Array.of(5, 6)]]) });
    expect(numbers(other.affine(x, 1, 0))).toEqual([5, 6]);
  });
});

describe('reference, refusing', () => {
  const x = tensor([2, 3], [1, 2, 3, 4, 5, 6]);
  const refusals: readonly (readonly [title: string, run: () => unknown, message: RegExp])[] = [
    [
      'matmul',
      () => ops.matmul(x, x),
      /matmul: \[2, 3\] × \[2, 3\] sums over 3 numbers on the left and 2 on the right/,
    ],
    ['matmul by a vector', () => ops.matmul(x, tensor([3], [1, 2, 3])), /second two axes/],
    [
      'batchedMatmul of unequal batches',
      () => ops.batchedMatmul(tensor([1, 2, 3], x.data), tensor([2, 3, 1], x.data)),
      /batchedMatmul: \[1, 2, 3\] × \[2, 3, 1\] is no product of as many matrices.*use matmul/,
    ],
    [
      'batchedMatmul of a vector',
      () => ops.batchedMatmul(x, tensor([3], [1, 2, 3])),
      /the same axes before their last/,
    ],
    [
      'batchedMatmul lengths',
      () => ops.batchedMatmul(tensor([1, 2, 3], x.data), tensor([1, 2, 3], x.data), { a: true, b: true }),
      /batchedMatmul: \[1, 2, 3\]ᵀ × \[1, 2, 3\]ᵀ sums over 2 numbers on the left and 3 on the right/,
    ],
    ['add', () => ops.add(x, tensor([2], [1, 2])), /add: \[2\] does not broadcast to \[2, 3\]/],
    ['add, the larger one second', () => ops.add(tensor([3], [1, 2, 3]), x), /put the larger operand first/],
    ['sumTo', () => ops.sumTo(x, [3, 2]), /sumTo: \[3, 2\] does not broadcast to \[2, 3\]/],
    ['reshape', () => ops.reshape(x, [4]), /reshape: \[2, 3\] has 6 elements and \[4\] has 4/],
    ['split sizes', () => ops.split(x, 1, [1, 1]), /split: parts of 1 \+ 1 do not make up axis 1 of \[2, 3\]/],
    ['split axis', () => ops.split(x, 2, [1]), /split: \[2, 3\] has no axis 2/],
    [
      'concat',
      () => ops.concat([x, tensor([1, 2], [1, 2])], 0),
      /concat: \[1, 2\] does not join \[2, 3\] along axis 0/,
    ],
    ['concat of nothing', () => ops.concat([], 0), /there is nothing to join/],
    ['softmax of a number', () => ops.softmax(tensor([], [1])), /softmax: needs an axis/],
    ['gather', () => ops.gather(x, ids([1, 2], [0, 2])), /gather: id 2 at position 1 of \[1, 2\] is outside 0 … 1/],
    ['gather from a vector', () => ops.gather(tensor([1], [1]), ids([1], [0])), /a table is a matrix/],
    ['cross-entropy shapes', () => ops.crossEntropy(x, ids([3], [0, 0, 0])), /want targets \[2\], but got \[3\]/],
    [
      'cross-entropy ids',
      () => ops.crossEntropy(x, ids([2], [0, -2])),
      /id -2 at position 1 of \[2\] is outside -1 … 2/,
    ],
    ['an adjoint', () => ops.tanhAdjoint(x, tensor([1], [1])), /tanhAdjoint: \[2, 3\] and \[1\] must be the same/],
    ['scatterAdd', () => ops.scatterAdd(x, ids([2], [0, 5]), 3), /scatterAdd: id 5 at position 1/],
  ];
  it.each(refusals)('%s', (_, run, message) => {
    expect(run).toThrow(RangeError);
    expect(run).toThrow(message);
  });

  it('numbers where ids belong', () => {
    const floats = tensor([1], [0]);
    expect(() => ops.gather(x, floats as never)).toThrow(TypeError);
    expect(() => ops.gather(x, floats as never)).toThrow(/gather: needs ids \(int32\), but got float32 \[1\]/);
  });
});
