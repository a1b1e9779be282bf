import {
  fanUniform,
  glorotUniform,
  normal,
  ones,
  orthogonal,
  sideBySide,
  sumOf,
  uniform,
  zeros,
} from './initializers.js';

/**
 * What other frameworks draw their layers' first weights from, as the `initializers` of ours. Numbers are drawn by our
 * generators, so that distributions are theirs and single numbers are not.
 *
 * PyTorch: Linear U(±1/√I); RNN, LSTM and GRU U(±1/√H) throughout, each of our biases being the sum of two of its, but for
 * the GRU's n; Embedding N(0, 1).
 * Keras: kernels Glorot uniform (over all gates as one matrix, as it draws them), recurrent kernels orthogonal (likewise),
 * biases 0, the LSTM's forget gate 1; Embedding U(±0.05).
 *
 * Source: `reset_parameters` of PyTorch 1.13's modules; Keras 2's layers (Dense, SimpleRNN, LSTM, GRU, Embedding).
 *
 * @example
 * dense(64, 10, { initializers: defaultsOf.pytorch.linear(64) })
 * lstm(64, 256, { initializers: defaultsOf.pytorch.lstm(256) })
 * gru(64, 256, { initializers: defaultsOf.keras.gru() })
 */
export const defaultsOf = {
  pytorch: {
    linear: (inputs: number) => ({ w: fanUniform(inputs), b: fanUniform(inputs) }),
    rnn: (units: number) => {
      const each = fanUniform(units);
      return { wx: each, wh: each, b: sumOf([each, each]) };
    },
    lstm: (units: number) => {
      const each = fanUniform(units);
      return { wx: each, wh: each, b: sumOf([each, each]) };
    },
    /** For `reset: 'after'`, which is PyTorch's; `wn` is there for the other form. */
    gru: (units: number) => {
      const each = fanUniform(units);
      const both = sumOf([each, each]);
      return { wx: each, wh: each, wn: each, b: sideBySide([both, both, each]), bn: each };
    },
    embedding: () => ({ table: normal(1) }),
  },
  keras: {
    dense: () => ({ w: glorotUniform(), b: zeros() }),
    simpleRnn: () => ({ wx: glorotUniform(), wh: orthogonal(), b: zeros() }),
    lstm: () => ({ wx: glorotUniform(), wh: orthogonal(), b: sideBySide([zeros(), ones(), zeros(), zeros()]) }),
    /** For both forms; Keras' own recurrent kernel is `[wh wn]` where it resets before, drawn here as two. */
    gru: () => ({ wx: glorotUniform(), wh: orthogonal(), wn: orthogonal(), b: zeros(), bn: zeros() }),
    embedding: () => ({ table: uniform(0.05) }),
  },
};
