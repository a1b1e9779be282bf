import { adam, dense, lastStep, oneHot, rmsprop, simpleRnn, stack } from '../../src/index.js';
import type { Workload } from '../workload.js';
import { forwardFlop, type LanguageModel, languageModel, trainingBytes, trainingCase } from './models.js';

const small: LanguageModel = { cell: 'lstm', symbols: 65, features: 64, units: 128, layers: 2 };

function language(
  id: string,
  title: string,
  name: string,
  model: LanguageModel,
  steps: number,
  batch: number,
  unit: 'chars/s' | 'words/s' = 'chars/s',
): Workload {
  return {
    id,
    title,
    cases: () => [
      trainingCase(languageModel(model), {
        name,
        unit,
        steps,
        batch,
        symbols: model.symbols,
        flop: 3 * forwardFlop(model),
        ...(batch === 1 && { bytes: trainingBytes(model) }),
        optimizer: adam(1e-3),
        clipNorm: 5,
      }),
    ],
  };
}

/** Training steps of the recurrent workloads. */
export const training: readonly Workload[] = [
  {
    id: 'W2',
    title: 'one-hot 65, SimpleRNN 128, last step, Dense 65, T 10, B 128, RMSprop',
    cases: () => [
      trainingCase(
        stack({ symbols: oneHot(65), rnn: simpleRnn(65, 128), last: lastStep(), head: dense(128, 65) }) as never,
        {
          name: 'W2 rnn128',
          unit: 'chars/s',
          steps: 10,
          batch: 128,
          symbols: 65,
          counted: 1,
          flop: 3 * 2 * 128 * (65 + 128) + (3 * 2 * 128 * 65) / 10,
          optimizer: rmsprop(1e-3),
        },
      ),
    ],
  },
  language('W3', 'Embedding 65×64, LSTM 128 ×2, Dense 65, T 50, B 32, clip, Adam', 'W3 lstm128x2', small, 50, 32),
  language('W3b', 'as W3, LSTM 512 ×2, B 50', 'W3b lstm512x2', { ...small, units: 512 }, 50, 50),
  language('W3g', 'as W3 with GRU', 'W3g gru128x2', { ...small, cell: 'gru' }, 50, 32),
  language('W3o', 'online: LSTM 128, B 1, T 32', 'W3o online lstm128 B1 T32', { ...small, layers: 1 }, 32, 1),
  language(
    'W4',
    'Embedding 10000×500, LSTM 500 ×2, Dropout 0.5, Dense 10000, T 30, B 20',
    'W4 word lstm500x2',
    { cell: 'lstm', symbols: 10_000, features: 500, units: 500, layers: 2, dropout: 0.5 },
    30,
    20,
    'words/s',
  ),
];
