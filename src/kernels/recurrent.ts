/** Recurrent kernels as functions: a window of T steps, the batch's rows shared out among the threads. */
import type { Arguments, JobName } from './arguments.js';
import { fork } from './fork.js';
import { Forget } from './jobs.js';
import { layerNormSums } from './layer-norm.js';
import type { Machine } from './machine-type.js';
import { gemm, OperandLayout, wantsPacking, worthSharing } from './product.js';

/** Rows that fill the register tiles well: chunks are cut to about this many. */
const CHUNK_ROWS = 18;

export interface Window {
  readonly steps: number;
  readonly batch: number;
  readonly units: number;
}

/** Even chunks of rows: at least one a thread, none much larger than what fills the tiles. */
export function rowsOfChunk(machine: Machine, batch: number): number {
  if (!wantsPacking(batch)) return batch;
  const most = Math.ceil(batch / machine.threads);
  const chunks = Math.ceil(batch / Math.min(most, CHUNK_ROWS));
  const even = Math.ceil(chunks / machine.threads) * machine.threads;
  return Math.max(1, Math.ceil(batch / Math.min(even, batch)));
}

/** Forks over the batch's rows. */
function forkRows<J extends JobName>(machine: Machine, job: J, { batch }: Window, values: Arguments<J>): void {
  fork(machine, job, values, batch, rowsOfChunk(machine, batch));
}

/** What every recurrent job takes. */
const sizesOf = ({ steps, batch, units }: Window) => ({ steps, batch, units, packed: wantsPacking(batch) });

/** In each: with `ids` (0 for none) z is a table, and they choose its rows. */
export function rnnForward(machine: Machine, w: Window, z: number, ids: number, wh: number, states: number): void {
  forkRows(machine, 'rnnForward', w, { ...sizesOf(w), z, wh, states, ids });
}

export function rnnBackward(
  machine: Machine,
  w: Window,
  dy: number,
  wht: number,
  y: number,
  dz: number,
  dh: number,
): void {
  forkRows(machine, 'rnnBackward', w, { ...sizesOf(w), dy, wht, y, dz, dh });
}

/** Which LSTM it is. */
export interface LstmForm {
  readonly forget: keyof typeof Forget;
  /** Address of vi, vf and vo one after the other; vf only where there is a forget gate. 0 where the gates do not see c. */
  readonly peepholes: number;
  /** What is normalised, if anything is. */
  readonly norm?: LstmNorm | undefined;
}

/** Layer normalisation within an LSTM: of h·wh, and of c before the output's tanh. */
export interface LstmNorm {
  /** Address of the gains of h·wh, then gain and bias of c, one after the other. */
  readonly parameters: number;
  readonly epsilon: number;
  /** h·wh before it, of all steps. */
  readonly product: number;
  /** c after it, of all steps. */
  readonly normed: number;
}

/** Where the gradients of what is normalised go. */
export interface LstmNormAdjoint {
  /** Of h·wh, of all steps. */
  readonly du: number;
  /** Of its parameters. */
  readonly parameters: number;
  /** Room for what the sums need: the gradient of c after it, means and deviations, and a bias that h·wh has not. */
  readonly dn: number;
  readonly known: number;
  readonly bias: number;
}

const normWords = (norm: LstmNorm | undefined) => ({
  norms: norm?.parameters ?? 0,
  epsilon: norm?.epsilon ?? 0,
  product: norm?.product ?? 0,
  normed: norm?.normed ?? 0,
});

/** How many gates an LSTM has: one less where it has no forget gate of its own. */
export const lstmGates = (forget: keyof typeof Forget): number => (forget === 'learned' ? 4 : 3);

export function lstmForward(
  machine: Machine,
  w: Window,
  z: number,
  ids: number,
  wh: number,
  { forget, peepholes, norm }: LstmForm,
  gates: number,
  cells: number,
  states: number,
): void {
  const { steps, batch, units } = w;
  const size = lstmGates(forget) * units;
  const form = { forget: Forget[forget], peepholes, ...normWords(norm) };
  if (machine.threads === 1 || batch !== 1 || ids !== 0 || !worthSharing(1, size, units)) {
    forkRows(machine, 'lstmForward', w, { ...sizesOf(w), ...form, z, wh, gates, cells, states, ids });
    return;
  }
  // One stream and a large matrix: the rows of the batch give the other threads nothing to do, so the columns of each
  // step's product are shared out. Each sum starts where it does in the kernel, at z or at nothing: the bits are the same.
  const one = { steps: 1, batch, units };
  for (let t = 0; t < steps; t += 1) {
    const [input, gate, cell, state] = [
      z + 4 * t * size,
      gates + 4 * t * size,
      cells + 4 * t * units,
      states + 4 * t * units,
    ];
    const product = form.product + 4 * t * size;
    gemm(machine, {
      a: state,
      lda: units,
      aTransposed: false,
      b: wh,
      ldb: size,
      layout: OperandLayout.rows,
      c: norm === undefined ? gate : product,
      ldc: size,
      m: 1,
      n: size,
      k: units,
      accumulate: false,
      bias: norm === undefined ? input : 0,
    });
    const row = { z: input, wh: 0, packed: false, gates: gate, cells: cell, states: state, ids: 0 };
    const normed = form.normed + 4 * t * units;
    forkRows(machine, 'lstmForward', one, { ...one, ...form, ...row, product, normed });
  }
}

/** `slopes` are rows of the peepholes' gradients, one for each row of the batch; 0 where there are no peepholes. */
export function lstmBackward(
  machine: Machine,
  w: Window,
  dy: number,
  wht: number,
  { forget, peepholes, norm }: LstmForm,
  gates: number,
  cells: number,
  dz: number,
  dh: number,
  dc: number,
  slopes: number,
  { du, dn, known, parameters, bias }: LstmNormAdjoint = { du: 0, dn: 0, known: 0, parameters: 0, bias: 0 },
): void {
  const form = { forget: Forget[forget], peepholes, ...normWords(norm), du, dn, known };
  forkRows(machine, 'lstmBackward', w, { ...sizesOf(w), ...form, dy, wht, gates, cells, dz, dh, dc, slopes });
  if (norm === undefined) return;
  const { steps, batch, units } = w;
  const rows = steps * batch;
  const columns = lstmGates(forget) * units;
  layerNormSums(machine, { gradient: dz, x: norm.product, known, dgain: parameters, dbias: bias, rows, columns });
  layerNormSums(machine, {
    gradient: dn,
    x: cells + 4 * batch * units,
    known: known + 8 * rows,
    dgain: parameters + 4 * columns,
    dbias: parameters + 4 * (columns + units),
    rows,
    columns: units,
  });
}

/** `wn` is 0 where the reset gate acts after the product, and then `bn` is not. `product` is room for `[B, 3H]`. */
export function gruForward(
  machine: Machine,
  w: Window,
  x: number,
  ids: number,
  wh: number,
  wn: number,
  bn: number,
  gates: number,
  states: number,
  product: number,
): void {
  forkRows(machine, 'gruForward', w, { ...sizesOf(w), x, wh, wn, bn, gates, states, product, ids });
}

/**
 * `wnt` is 0 where the reset gate acts after the product, and then `du` is not; where it is not, `working` is room for
 * `[B, H]`.
 */
export function gruBackward(
  machine: Machine,
  w: Window,
  dy: number,
  wht: number,
  wnt: number,
  gates: number,
  states: number,
  dx: number,
  du: number,
  dh: number,
  working: number,
): void {
  forkRows(machine, 'gruBackward', w, { ...sizesOf(w), dy, wht, wnt, gates, states, dx, du, dh, working });
}
