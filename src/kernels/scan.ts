/** A linear recurrence, element by element: its columns are shared out among the threads, all T steps at once. */
import { fork } from './fork.js';
import type { Machine } from './machine-type.js';

/** Numbers that a thread takes at a time. */
const GRAIN = 16_384;

export interface Scan {
  readonly a: number;
  /** What goes in before the first step. */
  readonly h: number;
  /** The states, `[steps, columns]` as a. */
  readonly y: number;
  readonly steps: number;
  readonly columns: number;
}

/** Groups of eight columns. A line of the cache, two groups, is seldom written by two threads. */
function forkColumns(run: (groups: number, grain: number) => void, { steps, columns }: Scan): void {
  run(Math.ceil(columns / 8), Math.max(4, Math.floor(GRAIN / (8 * steps))));
}

/** y_t = a_t ⊙ y_{t−1} + b_t. */
export function scan(machine: Machine, of: Scan, b: number): void {
  forkColumns((groups, grain) => fork(machine, 'scan', { ...of, b }, groups, grain), of);
}

/** Gradients of a, b and h. */
export function scanAdjoint(machine: Machine, of: Scan, gradient: number, da: number, db: number, dh: number): void {
  forkColumns((groups, grain) => fork(machine, 'scanAdjoint', { ...of, gradient, da, db, dh }, groups, grain), of);
}
