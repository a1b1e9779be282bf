/** Recurrent kernels as functions: a window of T steps, the batch's rows shared out among the threads. */
import { Job } from './jobs.js';
import type { Machine } from './machine.js';
import { wantsPacking } from './product.js';

/** Rows that fill the register tiles well: chunks are cut to about this many. */
const CHUNK_ROWS = 18;

export interface Window {
  readonly steps: number;
  readonly batch: number;
  readonly units: number;
}

/** Even chunks of rows: at least one a thread, none much larger than what fills the tiles. */
function rowsOfChunk(machine: Machine, batch: number): number {
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

export function lstmForward(
  machine: Machine,
  w: Window,
  z: number,
  ids: number,
  wh: number,
  gates: number,
  cells: number,
  states: number,
): void {
  window(machine, Job.lstmForward, w, z, wh, packedFlag(w), gates, cells, states, w.steps, w.batch, w.units, ids);
}

export function lstmBackward(
  machine: Machine,
  w: Window,
  dy: number,
  wht: number,
  gates: number,
  cells: number,
  dz: number,
  dh: number,
  dc: number,
): void {
  window(machine, Job.lstmBackward, w, dy, wht, packedFlag(w), gates, cells, dz, dh, dc, w.steps, w.batch, w.units);
}

/** `wn` is 0 where the reset gate acts after the product, and then `bn` is not. */
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
): void {
  const product = machine.region.allocate(4 * w.batch * 3 * w.units);
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

/** `wnt` is 0 where the reset gate acts after the product, and then `du` is not. */
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
): void {
  const working = wnt === 0 ? 0 : machine.region.allocate(4 * w.batch * w.units);
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
