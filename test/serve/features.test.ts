import { describe, expect, it } from 'vitest';
import type { FeatureName } from '../../src/protocol/messages.js';
import { correlation, featuresOf } from '../../src/serve/features.js';

describe('featuresOf', () => {
  it.each<[FeatureName, string, number[]]>([
    ['quotes', 'a "b" c', [0, 0, 1, 1, 0, 0, 0]],
    ['quotes', '“ab” c', [1, 1, 1, 0, 0, 0]],
    ['brackets', 'a(b[c])d)', [0, 1, 1, 2, 2, 1, 0, 0, 0]],
    ['line length', 'ab\nc', [1, 2, 0, 1]],
    ['indentation', '  a b\n\tc', [1, 2, 2, 2, 2, 0, 1, 1]],
    ['word length', 'ab c', [1, 2, 0, 1]],
    ['word gaps', 'ab c\n', [0, 0, 1, 0, 1]],
    ['capitals', 'aBÉ1', [0, 1, 1, 0]],
    ['digits', 'a1٣', [0, 1, 1]],
    ['line ends', 'a\n\n', [0, 1, 1]],
  ])('has %s of %j', (name, text, expected) => {
    expect(Array.from(featuresOf(Array.from(text))[name])).toEqual(expected);
  });
});

describe('correlation', () => {
  it.each<[string, number[], number[], number | undefined]>([
    ['of a series and itself', [1, 2, 4], [1, 2, 4], 1],
    ['of opposites', [1, 2, 3], [6, 4, 2], -1],
    ['of what has nothing to do with each other', [1, -1, 1, -1], [1, 1, -1, -1], 0],
    ['as a textbook has it', [1, 2, 3, 4], [2, 1, 4, 3], 0.6],
    ['of a constant', [1, 2, 3], [5, 5, 5], undefined],
    ['of nothing', [], [], undefined],
  ])('%s', (_, x, y, expected) => {
    const r = correlation(x, y);
    if (expected === undefined) expect(r).toBeUndefined();
    else expect(r).toBeCloseTo(expected, 12);
  });
});
