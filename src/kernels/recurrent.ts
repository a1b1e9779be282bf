/** Recurrent kernels as functions: a window of T steps, the batch's rows shared out among the threads. */
import { Forget, Job } from './jobs.js';
import type { Machine } from './machine.js';
import { gemm, Layout, wantsPacking, worthSharing } from './product.js';

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

function call(machine: Machine, job: Job, items: number, grain: number, ...words: readonly number[]): void {
  const { ints, arguments: base } = machine;
  for (let k = 0; k < words.length; k += 1) ints[base + k] = words[k];
  machine.run(job, items, grain);
}

function window(machine: Machine, job: Job, { batch }: Window, ...words: readonly number[]): void {
  call(machine, job, batch, rowsOfChunk(machine, batch), ...words);
}

const packedFlag = ({ batch }: Window) => (wantsPacking(batch) ? 1 : 0);

/** In each: with `ids` (0 for none) z is a table, and they choose its rows. */
export function rnnForward(machine: Machine, w: Window, z: number, ids: number, wh: number, states: number): void {
  window(machine, Job.rnnForward, w, z, wh, packedFlag(w), states, w.steps, w.batch, w.units, ids);
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
  window(machine, Job.rnnBackward, w, dy, wht, packedFlag(w), y, dz, dh, w.steps, w.batch, w.units);
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
  const form = [Forget[forget], peepholes] as const;
  if (machine.threads === 1 || batch !== 1 || ids !== 0 || !worthSharing(1, size, units)) {
    window(machine, Job.lstmForward, w, z, wh, packedFlag(w), gates, cells, states, steps, batch, units, ids, ...form);
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
      layout: Layout.rows,
      c: gate,
      ldc: size,
      m: 1,
      n: size,
      k: units,
      accumulate: false,
      bias: input,
    });
    window(machine, Job.lstmForward, one, input, 0, 0, gate, cell, state, 1, batch, units, 0, ...form);
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
  window(
    machine,
    Job.lstmBackward,
    w,
    dy,
    wht,
    packedFlag(w),
    gates,
    cells,
    dz,
    dh,
    dc,
    w.steps,
    w.batch,
    w.units,
    Forget[forget],
    peepholes,
    slopes,
  );
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
  window(
    machine,
    Job.gruForward,
    w,
    x,
    wh,
    packedFlag(w),
    wn,
    bn,
    gates,
    states,
    w.steps,
    w.batch,
    w.units,
    product,
    ids,
  );
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
  window(
    machine,
    Job.gruBackward,
    w,
    dy,
    wht,
    packedFlag(w),
    wnt,
    gates,
    states,
    dx,
    du,
    dh,
    w.steps,
    w.batch,
    w.units,
    working,
  );
}
