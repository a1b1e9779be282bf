import { evaluate, hashedFeatures, hashesOf, noCarry, type Parameter } from 'oxbow';
import { describe, expect, it } from 'vitest';
import { expectGradients, scatterParameters } from '../backprop/differences.js';

const rowsOf = (word: string) => [...hashesOf([[word]], 1).data];

describe('hashedFeatures', () => {
  it('is the rows that a word’s properties name, side by side', () => {
    const layer = hashedFeatures({ buckets: 50, features: 2, seed: 1 });
    const x = hashesOf([['Taipei', 'to'], ['747']], 2, 50);
    expect(x.shape).toEqual([2, 2, 4]);
    const [y] = evaluate(layer, noCarry, x);
    expect(y.shape).toEqual([2, 2, 8]);
    const { data } = layer.params.table as Parameter;
    expect([...y.data]).toEqual([...x.data].flatMap((row) => [...data.slice(2 * row, 2 * row + 2)]));
  });

  it('lets words share what they have in common, and nothing else', () => {
    const [first, last, lastTwo, shape] = rowsOf('denver');
    expect(rowsOf('dender')).toEqual([first, rowsOf('dender')[1], lastTwo, shape]);
    expect(rowsOf('hanover').slice(1)).toEqual([last, lastTwo, shape]);
    expect(rowsOf('Denver')[3]).not.toBe(shape);
    expect(rowsOf('L10')[3]).toBe(rowsOf('D9')[3]);
    // A first property never is a last one, though the characters are the same.
    expect(new Set(rowsOf('aaa')).size).toBe(4);
  });

  it('reads code points, of long words their ends', () => {
    expect(rowsOf('🐂🐎🐪')[0]).not.toBe(rowsOf('🐂🐎🐬')[0]);
    expect(rowsOf(`de${'n'.repeat(5000)}ver`).slice(1, 3)).toEqual(rowsOf('denver').slice(1, 3));
    expect(rowsOf('')).toHaveLength(4);
  });

  it('has the right gradients', () => {
    const layer = hashedFeatures({ buckets: 9, features: 2 });
    const x = hashesOf([['to', 'taipei']], 2, 9);
    expectGradients(scatterParameters(layer.params), (ops) => layer.apply(ops, noCarry, x)[0]);
  });

  it('refuses impossible sizes', () => {
    expect(() => hashedFeatures({ buckets: 0 })).toThrow(/buckets is a whole number of at least 1/);
    expect(() => hashedFeatures({ features: 0.5 })).toThrow(/features is a whole number of at least 1/);
  });
});
