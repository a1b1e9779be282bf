/** The adding problem (Hochreiter and Schmidhuber, 1997): the sum of two marked numbers, far back among many others. */
import { type Ops, type RandomGenerator, squaredError, type Tensor, tensor } from 'oxbow';
import type { Task, TaskName } from './task.js';

/** Numbers in [0, 1) and marks: one in the first half, one in the second. */
function sums(
  random: RandomGenerator,
  steps: number,
  lanes: number,
): { readonly input: Tensor; readonly target: Tensor } {
  const input = new Float32Array(steps * lanes * 2);
  const target = new Float32Array(lanes);
  const half = Math.floor(steps / 2);
  for (let b = 0; b < lanes; b += 1) {
    for (let t = 0; t < steps; t += 1) input[2 * (t * lanes + b)] = random.uniform();
    for (const t of [random.below(half), half + random.below(steps - half)]) {
      const at = 2 * (t * lanes + b);
      input[at + 1] = 1;
      target[b] = (target[b] as number) + (input[at] as number);
    }
  }
  return { input: tensor([steps, lanes, 2], input), target: tensor([1, lanes, 1], target) };
}

/** The mean square itself. */
const meanSquare = (ops: Ops, prediction: Tensor, target: Tensor): Tensor =>
  ops.affine(squaredError()(ops, prediction, target), 2, 0);

function adding(name: TaskName, steps: number, updates: number): Task {
  const all = (lanes: number) => new Array<number>(lanes).fill(steps);
  return {
    name,
    about: `the adding problem, ${steps} steps: the sum of two marked numbers, told after the last step`,
    measure: 'mean square error (0.167 by saying 1 each time; passes below 0.005)',
    input: { features: 2 },
    outputs: 1,
    loss: meanSquare,
    span: steps,
    updates,
    units: 32,
    learningRates: {
      mlp: 1e-2,
      rnn: 1e-3,
      lstm: 1e-2,
      gru: 1e-2,
      minGru: 1e-2,
      minLstm: 1e-2,
      griffin: 5e-3,
      gatedDeltaNet: 1e-2,
    },
    window(random) {
      const { input, target } = sums(random, steps, 32);
      return { input: { ...input, lengths: all(32) }, target, reset: all(32).map(() => true) };
    },
    exam(random) {
      const { input, target } = sums(random, steps, 500);
      return {
        input: { ...input, lengths: all(500) },
        grade({ data }) {
          const last = Array.from(data.subarray((steps - 1) * 500));
          const figure = last.reduce((sum, y, b) => sum + (y - (target.data[b] as number)) ** 2, 0) / 500;
          return { figure, passed: figure < 0.005 };
        },
      };
    },
    show: (figure) => figure.toFixed(4),
  };
}

export const adding100 = adding('adding-100', 100, 3000);
export const adding400 = adding('adding-400', 400, 2000);
