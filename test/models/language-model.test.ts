import { describe, expect, it } from 'vitest';
import {
  dense,
  embedding,
  gatedDeltaNet,
  griffinBlock,
  gru,
  type LanguageModelOptions,
  languageModel,
  lstm,
  minGru,
  oneHot,
  parametersOf,
  simpleRnn,
  stack,
  stacked,
} from '../../src/index.js';

const numbersOf = ({ params }: Pick<ReturnType<typeof languageModel>, 'params'>) =>
  parametersOf(params).map(([path, each]) => [path, each.shape, [...each.data]]);

describe('languageModel', () => {
  it.each<[string, LanguageModelOptions, () => Parameters<typeof numbersOf>[0]]>([
    [
      'LSTM 256 over 64 features',
      { symbols: 7 },
      () => stack({ embed: embedding(7, 64), rnn: stacked([lstm(64, 256)]), head: dense(256, 7) }, { seed: 42 }),
    ],
    [
      'two GRU layers',
      { symbols: 7, cell: 'gru', units: 4, layers: 2, embed: 3, seed: 5 },
      () => stack({ embed: embedding(7, 3), rnn: stacked([gru(3, 4), gru(4, 4)]), head: dense(4, 7) }, { seed: 5 }),
    ],
    [
      'one-hot symbols',
      { symbols: 7, cell: 'rnn', units: 4, embed: 0 },
      () => stack({ embed: oneHot(7), rnn: stacked([simpleRnn(7, 4)]), head: dense(4, 7) }, { seed: 42 }),
    ],
    [
      'two minGRU layers',
      { symbols: 7, cell: 'minGru', units: 4, layers: 2, embed: 3 },
      () =>
        stack({ embed: embedding(7, 3), rnn: stacked([minGru(3, 4), minGru(4, 4)]), head: dense(4, 7) }, { seed: 42 }),
    ],
    [
      "two of Griffin's blocks",
      { symbols: 7, cell: 'griffin', units: 4, layers: 2, embed: 3 },
      () =>
        stack(
          {
            embed: embedding(7, 3),
            rnn: stacked([griffinBlock(3, 4, { outputs: 4 }), griffinBlock(4, 4)]),
            head: dense(4, 7),
          },
          { seed: 42 },
        ),
    ],
    [
      'two gated delta networks',
      { symbols: 7, cell: 'gatedDeltaNet', units: 6, layers: 2, embed: 3 },
      () =>
        stack(
          {
            embed: embedding(7, 3),
            rnn: stacked([gatedDeltaNet(3, 6, { heads: 2, outputs: 6 }), gatedDeltaNet(6, 6)]),
            head: dense(6, 7),
          },
          { seed: 42 },
        ),
    ],
  ])('is a stack: %s', (_, options, byHand) => {
    expect(numbersOf(languageModel(options))).toEqual(numbersOf(byHand()));
  });

  it.each<[Partial<Record<keyof LanguageModelOptions, unknown>>, RegExp]>([
    [{ symbols: 0 }, /languageModel: symbols/],
    [{ symbols: 7, units: 0 }, /languageModel: units/],
    [{ symbols: 7, layers: 1.5 }, /languageModel: layers/],
    [{ symbols: 7, embed: -1 }, /languageModel: embed/],
    [
      { symbols: 7, cell: 'toString' },
      /cell is one of rnn, lstm, gru, minGru, minLstm, griffin, gatedDeltaNet, not toString/,
    ],
  ])('refuses %j', (options, message) => {
    expect(() => languageModel(options as unknown as LanguageModelOptions)).toThrow(message);
  });
});
