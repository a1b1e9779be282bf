/** Orthonormal sets by Gram–Schmidt, many vectors at a time: of normal vectors it makes a uniformly distributed set. */
import { aside } from './capture.js';
import { fork } from './fork.js';
import type { Want } from './heap.js';
import type { Machine } from './machine-type.js';

/** Vectors that are made orthonormal among themselves before all later ones are freed of them at once; an even number. */
const PANEL = 16;
/** Later rows that make an item. */
const TOGETHER = 4;
/** Numbers of a row that an item works through in about 5 µs. */
const LENGTH_A_GRAIN = 512;

const WORK: Want = { what: 'drawing an orthogonal matrix', remedy: 'make the layer smaller' };

/**
 * Draws `count` rows of `length` numbers each and makes them orthonormal: the k-th of them spans with those before it what
 * it did. They are in the machine's memory as long as they are read.
 *
 * Equation: `v_j ← v_j − Σ_{i<j} (q_i · v_j) q_i`, `q_j = v_j / ‖v_j‖`, the sum over one panel of rows after another
 * (modified Gram–Schmidt by blocks).
 *
 * Rows have to be far from dependent, as normal ones are: what is left of a row is not made orthogonal once more. The set
 * follows from what was drawn alone, bit for bit, in every tier and on any number of threads.
 */
export function orthonormal<R>(
  machine: Machine,
  count: number,
  length: number,
  draw: (into: Float64Array) => void,
  read: (rows: Float64Array) => R,
): R {
  const size = count * length;
  // For each thread, a copy of four rows, or the sums of four by two others.
  const address = machine.heap.allocate(8 * size + machine.threads * (32 * length + 64), WORK);
  const rows = machine.doubles.subarray(address / 8, address / 8 + size);
  const grain = Math.max(1, Math.floor(LENGTH_A_GRAIN / length));
  try {
    draw(rows);
    aside(machine, () => {
      for (let first = 0; first < count; first += PANEL) {
        const end = Math.min(first + PANEL, count);
        const panel = { rows: address, length, first, end, count, working: address + 8 * size };
        fork(machine, 'orthonormalPanel', panel, 1, 1);
        if (end < count) fork(machine, 'freeOfPanel', panel, Math.ceil((count - end) / TOGETHER), grain);
      }
    });
    return read(rows);
  } finally {
    machine.heap.free(address);
  }
}
