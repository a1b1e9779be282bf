import { describe, expect, it } from 'vitest';
import { recipe } from '../../../src/cli/scoring/recipe.js';
import { beginningOf, encoder, lanesOf, windowOf } from '../../../src/cli/scoring/windows.js';
import { vocabulary } from '../../../src/streams/vocabulary.js';

const vocab = vocabulary('\nabc', { unknown: { replace: '\uFFFD' } });
const encode = encoder(vocab);
const begin = beginningOf(vocab);
const text = (ids: readonly number[]) => vocab.decode(ids.filter((id) => id >= 0));

/** Input and target of a lane. */
function lane(window: ReturnType<typeof windowOf>, b: number): readonly [input: string, target: string] {
  const [, lanes] = window.input.shape as [number, number];
  const of = (data: ArrayLike<number>) => Array.from(data).filter((_, k) => k % lanes === b);
  return [text(of(window.input.data)), text(of(window.target.data))];
}

describe('lines as windows', () => {
  it('ask of each line all its symbols and its end, after the end of another', () => {
    const window = windowOf(['ab', 'abca'].map(encode), begin);
    expect(window.input.shape).toEqual([5, 2]);
    expect([lane(window, 0), lane(window, 1)]).toEqual([
      ['\nab\n\n', 'ab\n'],
      ['\nabca', 'abca\n'],
    ]);
  });

  it.each([
    ['a🐂c', { symbols: 'a\uFFFDc\n', places: [0, 1, 3, 4] }],
    ['', { symbols: '\n', places: [0] }],
  ])('know where the symbols of %j are', (line, { symbols, places }) => {
    const encoded = encode(line);
    expect({ symbols: text(encoded.symbols), places: encoded.places }).toEqual({ symbols, places });
  });

  it('leave out what a vocabulary skips', () => {
    const skipping = encoder(vocabulary('abc', { unknown: 'skip' }));
    expect(skipping('axb')).toEqual({ text: 'axb', symbols: [0, 1], places: [0, 2] });
  });

  it('go on in a further lane where a line is long, and ask each symbol once', () => {
    const line = Array.from({ length: 600 }, (_, k) => 'abc'[(k * k) % 3]).join('');
    const encoded = encode(line);
    const window = windowOf([encoded], begin);
    expect(lanesOf(encoded)).toBe(window.pieces.length);
    expect(window.pieces.map((_, b) => lane(window, b)[1]).join('')).toBe(`${line}\n`);
    expect(lane(window, 1)[0].slice(0, recipe.overlap)).toBe(
      line.slice(recipe.piece - recipe.overlap - 1, recipe.piece - 1),
    );
  });

  it('end with the longest that is scored', () => {
    const encoded = encode('a'.repeat(100_000));
    expect(encoded.symbols).toHaveLength(recipe.longest);
    expect(windowOf([encoded], begin).input.shape).toEqual([
      recipe.piece + recipe.overlap,
      recipe.longest / recipe.piece,
    ]);
  });
});
