import { evaluate, noCarry, spelling, spellingsOf } from 'oxbow';
import { describe, expect, it } from 'vitest';
import { expectGradients, scatterParameters } from '../backprop/differences.js';

const layerOf = () => spelling({ features: 3, maps: 4, width: 3, seed: 5 });

const featuresOf = (word: string, beside: readonly string[] = []) => {
  const wide = spelling({ features: 8, maps: 64, seed: 5 });
  const [y] = evaluate(wide, noCarry, spellingsOf([[word, ...beside]], 1 + beside.length));
  return [...y.data.slice(0, 64)];
};

describe('spelling', () => {
  it('gives each step its word’s features, and a word the same ones everywhere', () => {
    const [y] = evaluate(layerOf(), noCarry, spellingsOf([['to', 'taipei'], ['taipei'], []], 2));
    expect(y.shape).toEqual([2, 3, 4]);
    const at = (step: number, lane: number) => [...y.data.slice((step * 3 + lane) * 4, (step * 3 + lane + 1) * 4)];
    expect(at(1, 0)).toEqual(at(0, 1));
    expect(at(0, 0)).not.toEqual(at(0, 1));
  });

  it('knows nothing of the longer words beside a word, bit for bit', () => {
    expect(featuresOf('to', ['philadelphia'])).toEqual(featuresOf('to'));
  });

  it('tells words by their order of letters, and where a word begins and ends', () => {
    expect(featuresOf('dtw')).not.toEqual(featuresOf('wtd'));
    expect(featuresOf('aa')).not.toEqual(featuresOf('aaa'));
  });

  it('takes the first and the last of a long word’s characters', () => {
    const long = (middle: string) => `abcdefghijkl${middle.repeat(1000)}mnopqrstuvwx`;
    expect(spellingsOf([[long('!')]], 1).characters.shape).toEqual([26, 1]);
    expect(featuresOf(long('!'))).toEqual(featuresOf(long('?')));
    expect(featuresOf(long('!'))).not.toEqual(featuresOf(`x${long('!')}`));
    expect(featuresOf('🐂'.repeat(1000))).toEqual(featuresOf('🐂'.repeat(900)));
  });

  it('reads code points, in any script', () => {
    expect(spellingsOf([['🐂', 'שלום', 'é']], 3).lengths).toEqual([3, 6, 3]);
    for (const word of ['🐂', 'שלום', 'é', '\u0000', '']) {
      for (const value of featuresOf(word)) expect(value).toBeGreaterThanOrEqual(0);
    }
  });

  it('has the right gradients', () => {
    const layer = layerOf();
    const { table } = layer.params.embed as Record<string, never>;
    const watched = scatterParameters(layer.params).filter((parameter) => parameter !== table);
    expectGradients(watched, (ops) => layer.apply(ops, noCarry, spellingsOf([['to', 'taipei'], ['to']], 2))[0]);
  });

  it('refuses impossible sizes', () => {
    expect(() => spelling({ maps: 0 })).toThrow(/outputs is a whole number of at least 1/);
    expect(() => spelling({ features: 1.5 })).toThrow(/features is a whole number of at least 1/);
  });
});
