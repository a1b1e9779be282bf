import { adam, evaluate, type TaggerOptions, tagger, taggerTrainer } from 'oxbow';
import { describe, expect, it } from 'vitest';

const TAGS = ['O', 'B-toloc', 'I-toloc', 'B-fromloc', 'B-date', 'I-date'];

const EXAMPLES = [
  {
    words: ['arrive', 'taipei', 'on', 'november', '2nd'],
    tags: ['O', 'B-toloc', 'O', 'B-date', 'I-date'],
    intent: 'go',
  },
  {
    words: ['leave', 'taipei', 'on', 'november', '2nd'],
    tags: ['O', 'B-fromloc', 'O', 'B-date', 'I-date'],
    intent: 'go',
  },
  { words: ['which', 'flights'], tags: ['O', 'O'], intent: 'ask' },
];

const small = (options: Partial<TaggerOptions> = {}) =>
  tagger({
    words: EXAMPLES.flatMap(({ words }) => words),
    tags: TAGS,
    intents: ['go', 'ask'],
    features: 8,
    units: 6,
    characters: { features: 4, maps: 5 },
    seed: 3,
    ...options,
  });

const utterances = EXAMPLES.map(({ words }) => words);

describe('tagger', () => {
  it('learns what only the word before tells', () => {
    const model = small({ units: 16, dropout: 0 });
    const { learn } = taggerTrainer(model, { optimizer: adam(2e-2) });
    for (let step = 0; step < 60; step += 1) learn(EXAMPLES);
    const found = model.tag(utterances);
    expect(found.map(({ words }) => words.map(({ tag }) => tag))).toEqual(EXAMPLES.map(({ tags }) => tags));
    expect(found.map(({ intent }) => intent?.name)).toEqual(['go', 'go', 'ask']);
    for (const { words } of found) for (const { probability } of words) expect(probability).toBeGreaterThan(0.9);
  });

  it('says of a padded utterance what it says of it alone, bit for bit', () => {
    for (const bidirectional of [true, false]) {
      const model = small({ bidirectional, layers: 2, cell: 'gru' });
      const alone = utterances.map((utterance) => model.tag([utterance])[0]);
      expect(model.tag(utterances)).toEqual(alone);
    }
  });

  it('gives words one by one the scores that it gives the utterance, where it reads forwards', () => {
    const model = small({ bidirectional: false });
    const [words] = utterances as [string[]];
    const [whole] = evaluate(model, model.initial(1), model.encode([words]));
    let carry = model.initial(1);
    const parts = words.map((word) => {
      const [output, next] = evaluate(model, carry, model.encode([[word]]));
      carry = next;
      return output;
    });
    expect(parts.flatMap(({ tags }) => [...tags.data])).toEqual([...whole.tags.data]);
    expect(parts.at(-1)?.intents?.data).toEqual(whole.intents?.data);
  });

  it('has an answer to every utterance', () => {
    const model = small();
    expect(model.tag([])).toEqual([]);
    expect(model.tag([[]])[0]?.words).toEqual([]);
    const odd = [[], ['🐂🐂'], ['שלום', 'מטאיפיי'], ['x'.repeat(1000)], new Array(5000).fill('taipei')];
    const found = model.tag(odd);
    expect(found.map(({ words }) => words.map(({ word }) => word))).toEqual(odd);
    for (const { words, intent } of found) {
      for (const { tag, probability } of words) {
        expect(TAGS).toContain(tag);
        expect(probability).toBeGreaterThan(0);
        expect(probability).toBeLessThanOrEqual(1);
      }
      expect(['go', 'ask']).toContain(intent?.name);
    }
  });
});
