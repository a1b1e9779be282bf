import { describe, expect, it } from 'vitest';
import { reference } from '../../src/ops/reference.js';
import { ids, tensor } from '../../src/tensor.js';
import { categoricalCrossEntropy } from '../../src/training/losses/categorical-cross-entropy.js';
import { crossEntropy } from '../../src/training/losses/cross-entropy.js';
import { squaredError } from '../../src/training/losses/squared-error.js';
import { draw, expectGradients } from '../backprop/differences.js';

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

  describe('with smoothing', () => {
    const smooth = crossEntropy({ smoothing: 0.1 });
    const logits = draw([2, 2, 3], 'logits');
    const labels = ids([2, 2], [2, -1, 0, 1]);
    const even = 0.1 / 3;
    const spread = (id: number) => [0, 1, 2].map((each) => (id === -1 ? 0 : even + (each === id ? 0.9 : 0)));
    const distributions = tensor([2, 2, 3], Float64Array.from([2, -1, 0, 1].flatMap(spread)));

    it('is the cross-entropy of targets of which a share is spread over all symbols', () => {
      const wanted = categoricalCrossEntropy()(ops, logits, distributions).data[0] as number;
      expect(smooth(ops, logits, labels).data[0]).toBeCloseTo(wanted, 12);
      const each = [...(smooth.each?.(ops, logits, labels).data ?? [])];
      const wantedEach = [...(categoricalCrossEntropy().each?.(ops, logits, distributions).data ?? [])];
      expect(Math.max(...each.map((value, k) => Math.abs(value - (wantedEach[k] as number))))).toBeLessThan(1e-12);
      expect(each[1]).toBe(0);
    });

    it('has the right gradient, with padding and without', () => {
      expectGradients([logits], (o) => smooth(o, logits, labels));
      expectGradients([logits], (o) => smooth(o, logits, ids([2, 2], [2, 1, 0, 1])));
    });

    it('stays finite where the target is all but excluded', () => {
      const sure = tensor([1, 1, 2], [1000, -1000]);
      expect(smooth(ops, sure, ids([1, 1], [1])).data[0]).toBeCloseTo(1900, 6);
    });

    it.each([-0.1, 1, Number.NaN])('refuses %d', (smoothing) => {
      expect(() => crossEntropy({ smoothing })).toThrow('crossEntropy: smoothing is a share');
    });
  });

  it('refuses windows of padding only, and targets that are no ids', () => {
    const logits = tensor([1, 1, 2], [0, 0]);
    expect(() => loss(ops, logits, ids([1, 1], [-1]))).toThrow(/every target of \[1, 1\] is −1/);
    expect(() => loss(ops, logits, tensor([1, 1], [0]))).toThrow(/targets are ids \(int32\), but got float32/);
  });
});

describe('categoricalCrossEntropy', () => {
  const loss = categoricalCrossEntropy();
  const logits = draw([2, 2, 3], 'logits');
  const rows = (...data: readonly number[]) => tensor([2, 2, 3], Float64Array.from(data));
  const hard = rows(0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0);
  const soft = rows(0.25, 0.25, 0.5, 0, 0, 0, 1, 0, 0, 0, 0.75, 0.25);

  it('of one-hot rows is crossEntropy of their ids, bit for bit', () => {
    const labels = ids([2, 2], [2, -1, 0, 1]);
    expect(loss(ops, logits, hard).data[0]).toBe(crossEntropy()(ops, logits, labels).data[0]);
    const sum = { reduction: 'sum' } as const;
    expect(categoricalCrossEntropy(sum)(ops, logits, hard).data[0]).toBe(
      crossEntropy(sum)(ops, logits, labels).data[0],
    );
  });

  it('has the right gradient, for one-hot rows and for distributions', () => {
    expectGradients([logits], (o) => loss(o, logits, hard));
    expectGradients([logits], (o) => loss(o, logits, soft));
  });

  it('stays finite where a class of no probability is all but excluded', () => {
    const sure = tensor([1, 1, 2], [1000, -1000]);
    expect(loss(ops, sure, tensor([1, 1, 2], [0.75, 0.25])).data[0]).toBeCloseTo(500, 9);
  });

  it('refuses ids, rows that are no distribution, and padding only', () => {
    const even = tensor([1, 1, 2], [0, 0]);
    expect(() => loss(ops, even, ids([1, 1], [0]))).toThrow('must have the same shape');
    expect(() => loss(ops, even, ids([1, 1, 2], [0, 1]))).toThrow('use crossEntropy, which takes ids as they are');
    expect(() => loss(ops, even, tensor([1, 1, 2], [0.5, 0.25]))).toThrow(
      'row 0 of the target [1, 1, 2] adds up to 0.75',
    );
    expect(() => loss(ops, even, tensor([1, 1, 2], [2, -1]))).toThrow('has -1');
    expect(() => loss(ops, even, tensor([1, 1, 2], [0, 0]))).toThrow('every row of the target [1, 1, 2] is zeros');
  });
});

describe('a summed loss', () => {
  it('is the mean times the positions that count', () => {
    const logits = draw([3, 1, 2], 'logits');
    const labels = ids([3, 1], [0, -1, 1]);
    const sum = crossEntropy({ reduction: 'sum' })(ops, logits, labels).data[0] as number;
    expect(sum).toBeCloseTo(2 * (crossEntropy()(ops, logits, labels).data[0] as number), 14);
    const [y, t] = [draw([3, 2, 2], 'y'), draw([3, 2, 2], 't')];
    const squares = squaredError({ reduction: 'sum' })(ops, y, t).data[0] as number;
    expect(squares).toBeCloseTo(6 * (squaredError()(ops, y, t).data[0] as number), 13);
  });

  it('of padding only is 0', () => {
    expect(crossEntropy({ reduction: 'sum' })(ops, tensor([1, 1, 2], [0, 0]), ids([1, 1], [-1])).data[0]).toBe(0);
  });

  it('is one of two reductions', () => {
    expect(() => crossEntropy({ reduction: 'none' as 'sum' })).toThrow("reduction is 'mean' or 'sum', not \"none\"");
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
