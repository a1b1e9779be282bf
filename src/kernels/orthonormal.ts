/** Orthonormal sets by Gram–Schmidt, many vectors at a time: of normal vectors it makes a uniformly distributed set. */
import type { PiecewiseTask } from '../piecewise-task.js';
import { uncaptured } from './capture.js';
import { fork } from './fork.js';
import type { Want } from './heap.js';
import type { Machine } from './machine-type.js';

/** Vectors that are made orthonormal among themselves before all later ones are freed of them at once; an even number. */
const PANEL = 16;
/** Later rows that make an item. */
const TOGETHER = 4;
/** Numbers that are drawn, or read, in a piece. */
const NUMBERS = 1 << 14;
/** Numbers of a row that an item works through in about 5 µs. */
const LENGTH_A_GRAIN = 512;

const WORK: Want = { what: 'drawing an orthogonal matrix', remedy: 'make the layer smaller' };

/**
 * Draws `count` rows of `length` numbers each and makes them orthonormal: the k-th of them spans with those before it what
 * it did. In pieces; each row is in the machine's memory as long as it is read.
 *
 * Equation: `v_j ← v_j − Σ_{i<j} (q_i · v_j) q_i`, `q_j = v_j / ‖v_j‖`, the sum over one panel of rows after another
 * (modified Gram–Schmidt by blocks).
 *
 * Rows have to be far from dependent, as normal ones are: what is left of a row is not made orthogonal once more. The set
 * follows from what was drawn alone, bit for bit, in every tier and on any number of threads.
 */
export function* orthonormal(
  machine: Machine,
  count: number,
  length: number,
  draw: (into: Float64Array) => void,
  read: (row: Float64Array, k: number) => void,
): PiecewiseTask<void> {
  const size = count * length;
  const address = machine.heap.allocate(8 * size, WORK);
  // Anew each time: what is between two pieces may have taken memory.
  const rows = (from: number, to: number) =>
    machine.doubles.subarray(address / 8 + from * length, address / 8 + to * length);
  const together = Math.max(1, Math.floor(NUMBERS / length));
  const grain = Math.max(1, Math.floor(LENGTH_A_GRAIN / length));
  try {
    for (let row = 0; row < count; row += together) {
      draw(rows(row, Math.min(row + together, count)));
      yield;
    }
    for (let first = 0; first < count; first += PANEL) {
      const end = Math.min(first + PANEL, count);
      uncaptured(machine, () => {
        // For each thread, a copy of four rows, or the sums of four by two others.
        const working = machine.heap.allocate(machine.threads * (32 * length + 64), WORK);
        try {
          const panel = { rows: address, length, first, end, count, working };
          fork(machine, 'orthonormalPanel', panel, 1, 1);
          if (end < count) fork(machine, 'freeOfPanel', panel, Math.ceil((count - end) / TOGETHER), grain);
        } finally {
          machine.heap.free(working);
        }
      });
      yield;
    }
    for (let row = 0; row < count; row += 1) {
      read(rows(row, row + 1), row);
      if (row % together === together - 1) yield;
    }
  } finally {
    machine.heap.free(address);
  }
}
