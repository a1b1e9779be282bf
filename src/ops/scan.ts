/** A linear recurrence, element by element: its sizes, and itself and its derivative in plain float64. */
import { type Shape, sameShape, showShape, sizeOf, type Tensor } from '../tensor.js';
import type { Ops } from './ops.js';
import { checkSame } from './shapes.js';

/** T steps of so many numbers each. */
export interface ScanSizes {
  readonly steps: number;
  readonly columns: number;
}

/**
 * Sizes of `scan(a, b, h)`.
 *
 * @throws RangeError where a and b are not of one shape `[T, …]`, T ≥ 1, or h is not one step of theirs.
 */
export function scanSizes(a: Shape, b: Shape, h: Shape): ScanSizes {
  const [steps = 0, ...step] = a;
  if (steps < 1 || !sameShape(a, b) || !sameShape(step, h)) {
    throw new RangeError(
      `scan: factors ${showShape(a)}, summands ${showShape(b)} and a state ${showShape(h)} do not meet; ` +
        'it wants [T, …] twice, T ≥ 1, and […].',
    );
  }
  return { steps, columns: sizeOf(h) };
}

/** `y_t = a_t ⊙ y_{t−1} + b_t`, the step before the first being h. */
function scanned({ columns }: ScanSizes, a: Float64Array, b: Float64Array, h: Float64Array): Float64Array {
  const y = b.slice();
  for (let k = 0; k < y.length; k += 1) {
    const before = k < columns ? h[k] : y[k - columns];
    y[k] = (y[k] as number) + (a[k] as number) * (before as number);
  }
  return y;
}

/** `db_t = g_t + a_{t+1} ⊙ db_{t+1}`, `da_t = db_t ⊙ y_{t−1}` and `dh = a_1 ⊙ db_1`. */
function scannedAdjoint(
  { columns }: ScanSizes,
  gradient: Float64Array,
  a: Float64Array,
  y: Float64Array,
  h: Float64Array,
): readonly [da: Float64Array, db: Float64Array, dh: Float64Array] {
  const db = gradient.slice();
  for (let k = db.length - columns - 1; k >= 0; k -= 1) {
    db[k] = (db[k] as number) + (a[k + columns] as number) * (db[k + columns] as number);
  }
  const da = db.map((slope, k) => slope * ((k < columns ? h[k] : y[k - columns]) as number));
  const dh = h.map((_, k) => (a[k] as number) * (db[k] as number));
  return [da, db, dh];
}

/** The primitive and its adjoint for the reference. */
export const referenceScan = (
  read: (x: Tensor) => Float64Array,
  real: (shape: Shape, data: Float64Array) => Tensor,
): Pick<Ops, 'scan' | 'scanAdjoint'> => ({
  scan: (a, b, h) => real(a.shape, scanned(scanSizes(a.shape, b.shape, h.shape), read(a), read(b), read(h))),
  scanAdjoint(gradient, a, y, h) {
    checkSame(gradient.shape, y.shape, 'scanAdjoint');
    const sizes = scanSizes(a.shape, y.shape, h.shape);
    const [da, db, dh] = scannedAdjoint(sizes, read(gradient), read(a), read(y), read(h));
    return [real(a.shape, da), real(a.shape, db), real(h.shape, dh)];
  },
});
