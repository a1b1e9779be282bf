import {
  adam,
  evaluate,
  type Ids,
  inWindow,
  reference,
  type TaggerOptions,
  type Tensor,
  tagger,
  taggerTrainer,
} from 'oxbow';
import { describe, expect, it } from 'vitest';
import { sizeOf } from '../../../src/tensor.js';
import { expectGradients, scatterParameters } from '../../backprop/differences.js';

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
      const model = small({ bidirectional, layers: 2, cell: 'gru', hashed: {}, mask: 'window' });
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

  it('has the right gradients, dropout and hidden words included', () => {
    for (const options of [
      { hashed: { buckets: 5, features: 1 } },
      { chain: false, bidirectional: false, cell: 'gru' as const, layers: 2 },
    ]) {
      const model = small({ features: 3, units: 2, characters: { features: 2, maps: 2 }, dropout: 0.3, ...options });
      const watched = scatterParameters(model.params).filter((x) => sizeOf(x.shape) < 100);
      const [input, target] = [model.encode(utterances), model.target(EXAMPLES)];
      expectGradients(watched, (ops) => model.loss(ops, model.apply(ops, model.initial(3), input)[0], target));
    }
  });

  it('is on the kernels what it is in float64', () => {
    const model = small({ units: 20, layers: 2 });
    scatterParameters(model.params, 0.3);
    const input = model.encode(utterances);
    const [exact] = model.apply(reference(), model.initial(3), input);
    const [found] = evaluate(model, model.initial(3), input);
    for (const name of ['tags', 'intents'] as const) {
      const wanted = exact[name]?.data as Float64Array;
      // Scores of some units, after sums over 40 states in float32.
      for (const [k, value] of (found[name]?.data ?? []).entries()) {
        expect(Math.abs(value - (wanted[k] as number))).toBeLessThan(2e-6);
      }
    }
  });

  it('counts words and intents that are there, and nothing else', () => {
    const model = small({ dropout: 0, wordDropout: 0 });
    const lossOf = (examples: typeof EXAMPLES) =>
      inWindow((ops) => {
        const input = model.encode(examples.map(({ words }) => words));
        return model.loss(ops, model.apply(ops, model.initial(examples.length), input)[0], model.target(examples))
          .data[0];
      });
    const [first, second, third] = EXAMPLES as [(typeof EXAMPLES)[0], (typeof EXAMPLES)[0], (typeof EXAMPLES)[0]];
    const without = ({ intent: _, ...example }: (typeof EXAMPLES)[0]) => example as (typeof EXAMPLES)[0];
    const slots = [first, second, third].map((example) => lossOf([without(example)]) as number);
    const all = [first, second, third].map((example) => lossOf([example]) as number);
    const [a, b, c] = slots as [number, number, number];
    expect(lossOf([first, third].map(without))).toBeCloseTo((5 * a + 2 * c) / 7, 5);
    // The intent of the second is not known: the mean is over the other two.
    const intents = ((all[0] as number) - a + (all[2] as number) - c) / 2;
    expect(lossOf([first, without(second), third])).toBeCloseTo((5 * a + 5 * b + 2 * c) / 12 + intents, 5);
  });

  it('reads any number of the same length as one word, whatever the case, where it is told to', () => {
    const model = tagger({ words: ['Flight', '838', '1110'], tags: ['O'], seed: 1 });
    const idsOf = (...words: string[]) => [...model.encode([words]).words.data];
    expect(model.words.names).toEqual(['', 'flight', '000', '0000']);
    expect(idsOf('FLIGHT', '417', '٣٤٥', '12')).toEqual([1, 2, 2, 0]);
    const exact = tagger({ words: ['Flight', '838'], tags: ['O'], seed: 1, form: { lowerCase: false, digits: false } });
    expect([...exact.encode([['Flight', 'flight', '838', '417']]).words.data]).toEqual([1, 0, 2, 0]);
  });

  it('tells words that it has never seen by their spelling', () => {
    const model = small();
    const [scores] = evaluate(model, model.initial(2), model.encode([['osaka'], ['kyoto']]));
    const { data } = scores.tags;
    expect([...data.slice(0, TAGS.length)]).not.toEqual([...data.slice(TAGS.length)]);
    const blind = small({ characters: false });
    const [same] = evaluate(blind, blind.initial(2), blind.encode([['osaka'], ['kyoto']]));
    expect([...same.tags.data.slice(0, TAGS.length)]).toEqual([...same.tags.data.slice(TAGS.length)]);
  });

  it('hides seldom words while it learns, and only then', () => {
    const words = ['rare', ...new Array<string>(1000).fill('frequent')];
    const model = tagger({
      words,
      tags: ['O'],
      characters: false,
      dropout: 0,
      wordDropout: 1,
      features: 4,
      units: 2,
      seed: 1,
    });
    const seen = (training: boolean) => {
      const base = reference({ training });
      const rows: number[] = [];
      const ops = {
        ...base,
        gather(table: Tensor, x: Ids) {
          rows.push(...x.data);
          return base.gather(table, x);
        },
      };
      const steps = new Array<string>(500).fill('rare');
      model.apply(ops, model.initial(2), model.encode([steps, steps.map(() => 'frequent')]));
      const hiddenOf = (lane: number) => rows.slice(0, 1000).filter((id, k) => k % 2 === lane && id === 0).length;
      return [hiddenOf(0), hiddenOf(1)] as const;
    };
    expect(seen(false)).toEqual([0, 0]);
    const [rare, frequent] = seen(true);
    // Half of 500, within six standard deviations; and one of 1,001.
    expect(Math.abs(rare - 250)).toBeLessThan(68);
    expect(frequent).toBeLessThan(5);
  });

  it('draws other masks at each update, and goes on from what it kept bit for bit', () => {
    const optimizer = adam(1e-2);
    const [whole, cut] = [small(), small()];
    const run = taggerTrainer(whole, { optimizer });
    const losses = Array.from({ length: 6 }, () => run.learn(EXAMPLES).loss);
    const before = taggerTrainer(cut, { optimizer });
    const first = Array.from({ length: 3 }, () => before.learn(EXAMPLES).loss);
    const after = taggerTrainer(cut, { optimizer, state: before.state() });
    expect([...first, ...Array.from({ length: 3 }, () => after.learn(EXAMPLES).loss)]).toEqual(losses);
    expect(after.steps).toBe(6);
    const still = small();
    const frozen = taggerTrainer(still, { optimizer: adam(1e-30) });
    expect(frozen.learn(EXAMPLES).loss).not.toBe(frozen.learn(EXAMPLES).loss);
  });

  it('refuses what it cannot learn, and says what it is', () => {
    const model = small();
    const learn = (examples: Parameters<typeof model.target>[0]) =>
      taggerTrainer(model, { optimizer: adam(1e-3) }).learn(examples);
    expect(() => learn([{ words: ['to'], tags: ['B-time'] }])).toThrow(/"B-time" is none of the model's 6 tags/);
    expect(() => learn([{ words: ['to'], tags: ['O'], intent: 'sing' }])).toThrow(
      /"sing" is none of the model's 2 intents/,
    );
    expect(() => learn([{ words: ['to'], tags: [] }])).toThrow(/utterance 0 has 1 words and 0 tags/);
    expect(() => learn([])).toThrow(/there is no utterance/);
    expect(() => tagger({ words: [], tags: [] })).toThrow(/there is no tag/);
    for (const wrong of [-1, Number.NaN]) {
      expect(() => tagger({ words: [], tags: ['O'], intentWeight: wrong })).toThrow(/intentWeight is a number/);
      expect(() => tagger({ words: [], tags: ['O'], wordDropout: wrong })).toThrow(/wordDropout is a number/);
    }
    expect(learn([{ words: [], tags: [] }]).loss).toBe(0);
  });
});
