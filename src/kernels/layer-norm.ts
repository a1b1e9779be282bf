/** Layer normalisation over rows, and its derivative. */
import { Job } from './jobs.js';
import type { Machine } from './machine.js';

/** Numbers that a thread takes at a time. */
const GRAIN = 8_192;

const rowsAtOnce = (columns: number) => Math.max(1, Math.floor(GRAIN / Math.max(1, columns)));

function give(machine: Machine, words: readonly number[], epsilon: number): void {
  const { ints, floats, arguments: base } = machine;
  for (let k = 0; k < words.length; k += 1) ints[base + k] = words[k] as number;
  floats[base + 5] = epsilon;
}

export interface LayerNorm {
  readonly x: number;
  readonly gain: number;
  readonly rows: number;
  readonly columns: number;
  readonly epsilon: number;
}

/** y = gain ⊙ (x − mean x) / √(var x + ε) + bias, row by row. */
export function layerNorm(machine: Machine, norm: LayerNorm, bias: number, y: number): void {
  const { x, gain, rows, columns, epsilon } = norm;
  give(machine, [x, gain, bias, y, columns], epsilon);
  machine.run(Job.layerNorm, rows, rowsAtOnce(columns));
}

/** Gradients of x, of the gain and of the bias; `known` takes two numbers a row. */
export function layerNormAdjoint(
  machine: Machine,
  norm: LayerNorm,
  gradient: number,
  dx: number,
  dgain: number,
  dbias: number,
  known: number,
): void {
  const { x, gain, rows, columns, epsilon } = norm;
  give(machine, [gradient, x, gain, dx, columns], epsilon);
  machine.ints[machine.arguments + 6] = known;
  machine.run(Job.layerNormAdjoint, rows, rowsAtOnce(columns));
  const { ints, arguments: base } = machine;
  for (const [at, word] of [gradient, x, known, dgain, dbias, rows, columns].entries()) ints[base + at] = word;
  machine.run(Job.layerNormSums, Math.ceil(columns / 8), Math.max(1, Math.floor(GRAIN / Math.max(1, rows * 8))));
}
