/** Recurrent kernels as functions: a window of T steps, the batch's rows shared out among the threads. */
import type { Arguments, JobName } from './arguments.js';
import { fork } from './fork.js';
import { Forget } from './jobs.js';
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
}

/** How many gates an LSTM has: one less where it has no forget gate of its own. */
export const lstmGates = (forget: keyof typeof Forget): number => (forget === 'learned' ? 4 : 3);

export function lstmForward(
  machine: Machine,
  w: Window,
  z: number,
  ids: number,
  wh: number,
  { forget, peepholes }: LstmForm,
  gates: number,
  cells: number,
  states: number,
): void {
  const { steps, batch, units } = w;
  const size = lstmGates(forget) * units;
  const form = { forget: Forget[forget], peepholes };
  if (machine.threads === 1 || batch !== 1 || ids !== 0 || !worthSharing(1, size, units)) {
    forkRows(machine, 'lstmForward', w, { ...sizesOf(w), ...form, z, wh, gates, cells, states, ids });
    return;
  }
  // One stream and a large matrix: the rows of the batch give the other threads nothing to do, so the columns of each
  // step's product are shared out. Each sum starts at z, as in the kernel: the bits are the same.
  const one = { steps: 1, batch, units };
  for (let t = 0; t < steps; t += 1) {
    const [input, gate, cell, state] = [
      z + 4 * t * size,
      gates + 4 * t * size,
      cells + 4 * t * units,
      states + 4 * t * units,
    ];
    gemm(machine, {
      a: state,
      lda: units,
      aTransposed: false,
      b: wh,
      ldb: size,
      layout: OperandLayout.rows,
      c: gate,
      ldc: size,
      m: 1,
      n: size,
      k: units,
      accumulate: false,
      bias: input,
    });
    const row = { z: input, wh: 0, packed: false, gates: gate, cells: cell, states: state, ids: 0 };
    forkRows(machine, 'lstmForward', one, { ...one, ...form, ...row });
  }
}

/** `slopes` are rows of the peepholes' gradients, one for each row of the batch; 0 where there are no peepholes. */
export function lstmBackward(
  machine: Machine,
  w: Window,
  dy: number,
  wht: number,
  { forget, peepholes }: LstmForm,
  gates: number,
  cells: number,
  dz: number,
  dh: number,
  dc: number,
  slopes: number,
): void {
  const form = { forget: Forget[forget], peepholes };
  forkRows(machine, 'lstmBackward', w, { ...sizesOf(w), ...form, dy, wht, gates, cells, dz, dh, dc, slopes });
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
