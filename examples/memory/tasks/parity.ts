/** A finite automaton of two states: is the number of ones so far odd? */
import { crossEntropy, padded, type RandomGenerator } from 'oxbow';
import { drawMany, likeliest, percent, type Task } from './task.js';

const [longest, examined] = [20, 100];

function string(random: RandomGenerator, length: number) {
  const input = Array.from({ length }, () => random.below(2));
  let state = 0;
  const target = input.map((bit) => {
    state ^= bit;
    return state;
  });
  return { input, target };
}

export const parity: Task = {
  name: 'parity',
  about: `a parity automaton: learnt from strings of 1 to ${longest} bits, examined on strings of ${examined}`,
  measure: 'states told right (passes at 99.9 %)',
  input: { symbols: 2 },
  outputs: 2,
  loss: crossEntropy(),
  span: 20,
  updates: 2500,
  units: 16,
  learningRates: {
    mlp: 1e-2,
    rnn: 5e-3,
    lstm: 1e-2,
    gru: 1e-2,
    minGru: 1e-2,
    minLstm: 1e-2,
    griffin: 1e-2,
    gatedDeltaNet: 1e-2,
  },
  window: (random) => padded(drawMany(32, () => string(random, 1 + random.below(longest)))),
  exam(random) {
    const strings = drawMany(200, () => string(random, examined));
    return {
      input: padded(strings).input,
      grade(prediction) {
        const right = strings.map(
          ({ target }, b) => target.filter((state, t) => likeliest(prediction, t, b) === state).length,
        );
        const figure = right.reduce((sum, count) => sum + count, 0) / (strings.length * examined);
        return { figure, passed: figure >= 0.999 };
      },
    };
  },
  show: percent,
};
