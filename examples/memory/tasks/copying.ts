/**
 * Selective copying (Gu and Dao, Mamba, 2023; after Arjovsky, Shah and Bengio, 2016): some symbols far apart among blanks, at other
 * places each time, are to be said again in their order at the end. When they came says nothing: a net has to choose what it keeps.
 */
import { crossEntropy, ids, type Padded, type RandomGenerator, type SignalWindow } from 'oxbow';
import { likeliest, percent, type Task } from './task.js';

const [symbols, kept, spread] = [8, 4, 60];
const [blank, ask] = [symbols, symbols + 1];
const steps = spread + kept;

/** So many different numbers below another, in order. */
function places(random: RandomGenerator): readonly number[] {
  const chosen = new Set<number>();
  while (chosen.size < kept) chosen.add(random.below(spread));
  return [...chosen].sort((a, b) => a - b);
}

function drawn(random: RandomGenerator, lanes: number): SignalWindow<Padded> {
  const input = new Int32Array(steps * lanes).fill(blank);
  const target = new Int32Array(steps * lanes).fill(-1);
  for (let b = 0; b < lanes; b += 1) {
    for (const [k, place] of places(random).entries()) {
      const symbol = random.below(symbols);
      input[place * lanes + b] = symbol;
      input[(spread + k) * lanes + b] = ask;
      target[(spread + k) * lanes + b] = symbol;
    }
  }
  const all = new Array<number>(lanes).fill(steps);
  return {
    input: { ...ids([steps, lanes], input), lengths: all },
    target: ids([steps, lanes], target),
    reset: all.map(() => true),
  };
}

export const copying: Task = {
  name: 'copying',
  about: `selective copying: ${kept} symbols of ${symbols} among ${spread - kept} blanks, said again in order at the end`,
  measure: 'symbols said right (passes at 99 %)',
  input: { symbols: symbols + 2 },
  outputs: symbols,
  loss: crossEntropy(),
  span: steps,
  updates: 4000,
  units: 64,
  learningRates: {
    mlp: 1e-2,
    rnn: 1e-3,
    lstm: 5e-3,
    gru: 5e-3,
    minGru: 5e-3,
    minLstm: 5e-3,
    griffin: 5e-3,
    gatedDeltaNet: 1e-2,
  },
  window: (random) => drawn(random, 32),
  exam(random) {
    const { input, target } = drawn(random, 500);
    return {
      input,
      grade(prediction) {
        const asked = Array.from({ length: kept * 500 }, (_, k) => [spread + Math.floor(k / 500), k % 500] as const);
        const right = asked.filter(([t, b]) => likeliest(prediction, t, b) === target.data[t * 500 + b]);
        const figure = right.length / asked.length;
        return { figure, passed: figure >= 0.99 };
      },
    };
  },
  show: percent,
};
