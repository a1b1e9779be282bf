import { describe, expect, it } from 'vitest';
import { bidirectional } from '../../src/cells/bidirectional.js';
import { gru } from '../../src/cells/gru.js';
import { masked } from '../../src/cells/masked.js';
import { evaluate } from '../../src/layer.js';
import { flatten } from '../../src/layers/flatten.js';
import { reverse } from '../../src/layers/reverse.js';
import { tensor } from '../../src/tensor.js';

const x = tensor([3, 2, 1], [1, 2, 3, 4, 5, 6]);

describe('reverse', () => {
  it('turns the steps of a window', () => {
    expect([...evaluate(reverse(), {}, x)[0].data]).toEqual([5, 6, 3, 4, 1, 2]);
  });

  it('turns the own steps of each lane of a padded window', () => {
    const [y] = evaluate(masked(reverse()), {}, { ...x, lengths: [2, 3] });
    expect([y.data[0], y.data[2], y.data[1], y.data[3], y.data[5]]).toEqual([3, 1, 6, 4, 2]);
  });
});

describe('flatten over time', () => {
  it('puts the steps of each lane into one row', () => {
    const [y] = evaluate(flatten({ time: true }), {}, x);
    expect(y.shape).toEqual([1, 2, 3]);
    expect([...y.data]).toEqual([1, 3, 5, 2, 4, 6]);
  });

  it('refuses lanes of several lengths', () => {
    expect(() => evaluate(masked(flatten({ time: true })), {}, { ...x, lengths: [2, 3] })).toThrow(
      'flatten: puts all 3 steps into one row, but lanes have [2, 3] of their own',
    );
  });
});

describe('merges by name', () => {
  const both = (merge: 'sum' | 'average' | 'product') =>
    evaluate(
      bidirectional(gru(1, 2), gru(1, 2), { merge, seed: 1 }),
      bidirectional(gru(1, 2), gru(1, 2)).initial(2),
      x,
    )[0];
  const [side] = evaluate(
    bidirectional(gru(1, 2), gru(1, 2), { seed: 1 }),
    bidirectional(gru(1, 2), gru(1, 2)).initial(2),
    x,
  );
  const pairs = Array.from({ length: 12 }, (_, k) => {
    const row = Math.floor(k / 2) * 4 + (k % 2);
    return [side.data[row] as number, side.data[row + 2] as number] as const;
  });
  it.each([
    ['sum', (a: number, b: number) => a + b],
    ['average', (a: number, b: number) => (a + b) / 2],
    ['product', (a: number, b: number) => a * b],
  ] as const)('%s is made element by element', (merge, of) => {
    expect([...both(merge).data]).toEqual(pairs.map(([a, b]) => Math.fround(of(a, b))));
  });

  it('are refused where the directions differ, or there is none of the name', () => {
    expect(() => bidirectional(gru(1, 2), gru(1, 3), { merge: 'sum' })).toThrow('sum of 2 and 3 features');
    expect(() => bidirectional(gru(1, 2), gru(1, 2), { merge: 'max' as 'sum' })).toThrow('bidirectional: merge');
  });
});
