/**
 * A table of which only some rows are stored, the gradient of an embedding: all others are 0. Code that asks for its place
 * or its numbers gets the whole table; code that knows of it can do with the rows.
 */

import type { BufferView } from '../../kernels/buffer-view.js';
import { scatterAdd } from '../../kernels/kernels.js';
import type { StoredRows } from '../../kernels/parameter-table.js';
import { type Shape, sizeOf, type Tensor } from '../../tensor.js';

/** Tables of fewer numbers are stored whole: to keep account of rows costs more than some zeros. */
const LEAST_TABLE = 16_384;

export class Rows implements Tensor {
  readonly type = 'float32';
  readonly shape: Shape;
  /** The stored rows, one after another. */
  readonly stored: BufferView;
  /** Which rows they are. */
  readonly rows: StoredRows;

  constructor(shape: Shape, stored: BufferView, rows: StoredRows) {
    this.shape = shape;
    this.stored = stored;
    this.rows = rows;
  }

  /** The whole table in an array of its own. */
  get data(): Float32Array {
    const { data } = this.stored;
    const columns = this.shape[1] as number;
    const table = new Float32Array(sizeOf(this.shape));
    this.rows.numbers.forEach((row, k) => {
      table.set(data.subarray(k * columns, (k + 1) * columns), row * columns);
    });
    return table;
  }

  /** Puts the whole table at an address. */
  spread(address: number): void {
    const { machine, address: from, scope } = this.stored;
    if (!scope.open) void this.stored.data; // throws: the window ended
    const [rows, columns] = this.shape as readonly [number, number];
    scatterAdd(machine, from, this.rows.address, this.rows.numbers.length, address, rows, columns);
  }
}

/** The rows that ids name, in ascending order, where so few of a large table are named that the others need not be stored. */
export function fewRows(ids: Int32Array, rows: number, columns: number): Int32Array | undefined {
  if (rows * columns < LEAST_TABLE) return undefined;
  const named = Int32Array.from(new Set(ids)).sort();
  return 2 * named.length <= rows ? named : undefined;
}
