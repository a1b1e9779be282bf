/** Many matrix products of one shape at once. */
import { fork } from './fork.js';
import type { Machine } from './machine-type.js';
import { cells, type OperandLayout, type Product, productOf, WORTH_SHARING } from './product.js';

/** Multiply-adds that a thread takes at a time: about 5 µs. */
const GRAIN = 250_000;

/** The first product, and how far the others are from it. */
export interface BatchedProduct extends Omit<Product, 'bias'> {
  readonly layout: OperandLayout.rows | OperandLayout.transposed;
  readonly count: number;
  /** Numbers from one matrix to the next in a; 0 repeats the first. Heads may lie interleaved in rows. */
  readonly aStride: number;
  readonly bStride: number;
  readonly cStride: number;
}

/**
 * `C[i] = op(A[i])·op(B[i])`, added to C where `accumulate`, for `count` matrices. Matrices go whole to a thread where
 * they are enough to keep all threads busy, else they are cut into cells; the cut changes no bit of the result.
 */
export function batchedGemm(machine: Machine, p: BatchedProduct): void {
  const { count, m, n, k, aStride, bStride, cStride } = p;
  if (count * m * n === 0) return;
  const { threads } = machine;
  // Four rounds or more, so that the last one leaves no thread idle for long.
  const [columns, rows] = cells(threads === 1 ? 1 : Math.ceil((4 * threads) / count), m, n, k);
  const each = Math.ceil(n / columns) * Math.ceil(m / rows);
  const work = m * n * k;
  const grain =
    count * work < WORTH_SHARING ? count * each : Math.max(1, Math.floor((GRAIN * each) / Math.max(1, work)));
  const products = { ...productOf(p, columns, rows), aStride, bStride, cStride };
  fork(machine, 'batchedGemm', products, count * each, grain);
}
