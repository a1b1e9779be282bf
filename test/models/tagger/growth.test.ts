import { lexicon, parametersOf } from 'oxbow';
import { describe, expect, it } from 'vitest';
import { bitsOf, empty, journeys } from './online/small.js';

describe('a tagger that grows', () => {
  it('has a row for each word and a column for each tag and intent, in the order in which they came', () => {
    const model = empty();
    const grown = model.grow([
      { words: ['To', 'Taipei', 'to', '747'], tags: ['O', 'B-toloc', 'O', 'B-craft'], intent: 'go' },
    ]);
    expect(grown).toEqual({ words: ['to', 'taipei', '000'], tags: ['B-toloc', 'B-craft'], intents: ['go'] });
    expect(model.words.names).toEqual(['', 'to', 'taipei', '000']);
    expect(model.words.countOf(1)).toBe(2);
    const shapes = Object.fromEntries(parametersOf(model.params).map(([path, { shape }]) => [path, shape]));
    expect(shapes).toMatchObject({
      'words.table': [4, 12],
      'tags.w': [10, 3],
      'tags.b': [3],
      'intents.w': [10, 2],
      'intents.b': [2],
      'chain.transitions': [3, 3],
      'chain.start': [3],
      'chain.end': [3],
    });
    expect(model.grow([{ words: ['to'], tags: ['O'] }])).toEqual({ words: [], tags: [], intents: [] });
  });

  it('is the same whether its utterances come one by one or at once', () => {
    const lessons = journeys(30);
    const [slowly, once] = [empty(), empty()];
    for (const lesson of lessons) slowly.grow([lesson]);
    once.grow(lessons);
    expect(bitsOf(slowly)).toEqual(bitsOf(once));
  });

  it('says the same of words it knew, as long as it has not learnt what it gained', () => {
    const model = empty({ chain: false, constrained: false });
    model.grow(journeys(1));
    const before = model.tag([['leave', 'Taipei']]);
    model.grow([{ words: ['unheard-of'], tags: ['O'] }]);
    expect(model.tag([['leave', 'Taipei']])).toEqual(before);
  });

  it('does not grow by what is impossible', () => {
    const model = empty();
    const before = bitsOf(model);
    expect(() => model.grow([...journeys(1), { words: ['a', 'b'], tags: ['O'] }])).toThrow(
      'utterance 1 has 2 words and 1 tags',
    );
    expect(bitsOf(model)).toEqual(before);
  });
});

describe('a lexicon', () => {
  it('becomes one that was written down, if that begins with its names', () => {
    const words = lexicon(['a', 'b', 'a', 'c']);
    const data = JSON.parse(JSON.stringify(words));
    expect(data).toEqual({ names: ['a', 'b', 'c'], counts: [2, 1, 1] });
    const other = lexicon(['a']);
    other.restore(data);
    expect([other.names, other.countOf(0), other.idOf('c'), other.add('d')]).toEqual([
      ['a', 'b', 'c', 'd'].slice(0, 4),
      2,
      2,
      3,
    ]);
    expect(() => lexicon(['b']).restore(data)).toThrow('has "a" for name 0, not "b"');
    expect(() => lexicon(['a', 'b', 'c', 'd']).restore(data)).toThrow('must begin with the 4 names');
  });
});

describe('a lexicon that is cut', () => {
  it('forgets the names that came last, and their ids go to others', () => {
    const names = lexicon(['', 'to', 'to']);
    const before = names.toJSON();
    for (const name of ['taipei', 'to', 'rome']) names.add(name);
    names.uncount('to');
    names.cut(2);
    expect(names.toJSON()).toEqual(before);
    expect([names.idOf('taipei'), names.size, names.cuts]).toEqual([undefined, 2, 1]);
    expect(names.add('rome')).toBe(2);
    names.cut(9);
    expect(names.size).toBe(3);
    expect(() => names.cut(-1)).toThrow(RangeError);
    names.uncount('nobody');
    for (let k = 0; k < 9; k += 1) names.uncount('to');
    expect(names.countOf(1)).toBe(0);
  });
});
