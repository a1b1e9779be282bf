/** Layer normalisation over rows, and its derivative. */
import type { Arguments } from './arguments.js';
import { fork } from './fork.js';
import type { Machine } from './machine-type.js';

/** Numbers that a thread takes at a time. */
const GRAIN = 8_192;

const rowsAtOnce = (columns: number) => Math.max(1, Math.floor(GRAIN / Math.max(1, columns)));

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
  fork(machine, 'layerNorm', { x, gain, bias, y, columns, epsilon }, rows, rowsAtOnce(columns));
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
  const values = { gradient, x, gain, dx, columns, epsilon, known };
  fork(machine, 'layerNormAdjoint', values, rows, rowsAtOnce(columns));
  layerNormSums(machine, { gradient, x, known, dgain, dbias, rows, columns });
}

/** Gradients of gain and bias: sums over all rows, whose means and 1/σ are known. */
export function layerNormSums(machine: Machine, sums: Arguments<'layerNormSums'>): void {
  const grain = Math.max(1, Math.floor(GRAIN / Math.max(1, sums.rows * 8)));
  fork(machine, 'layerNormSums', sums, Math.ceil(sums.columns / 8), grain);
}
