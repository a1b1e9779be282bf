/** Matrix products: the choice of cells, and packed operands. */
import type { Arguments } from './arguments.js';
import { fork } from './fork.js';
import { CELL_COLUMNS, STREAM_ROWS, WIDE_COLUMNS } from './limits.js';
import type { Machine } from './machine-type.js';

/** How a right operand lies in memory. */
export enum OperandLayout {
  /** [K, N], row by row. */
  rows,
  /** [N, K], row by row: it is multiplied transposed. */
  transposed,
  /** As `pack` left it: panels of 16 columns. */
  packed,
}

/** Multiply-adds below which a product stays on one thread: about 10 µs. */
export const WORTH_SHARING = 500_000;
/**
 * The same for a shallow one, which writes much for what it computes: what another core has written lies in that core's cache,
 * and the next to need it waits for it.
 */
const WORTH_SHARING_SHALLOW = 3_000_000;
const SHALLOW = 64;
/** The same where a right operand is streamed: it is read at 60 to 120 GB/s, whatever the arithmetic. */
const WORTH_SHARING_STREAMED = 150_000;
/** Multiply-adds a thread from which a product is cut finer: about 5 ms. */
const LARGE = 256_000_000;

export interface Product {
  readonly a: number;
  readonly lda: number;
  readonly aTransposed: boolean;
  readonly b: number;
  readonly ldb: number;
  readonly layout: OperandLayout;
  readonly c: number;
  readonly ldc: number;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** Whether the product is added to what c holds. */
  readonly accumulate: boolean;
  /** Address of n numbers that every row of the product is added to; 0 for none. */
  readonly bias?: number;
}

/** Whether a product of so many rows wants its row-major right operand packed rather than streamed. */
export const wantsPacking = (rows: number): boolean => rows > STREAM_ROWS;

/** Whether a product is large enough to be shared out among the threads. */
export const worthSharing = (m: number, n: number, k: number): boolean =>
  m > STREAM_ROWS
    ? m * n * k >= (k < SHALLOW ? WORTH_SHARING_SHALLOW : WORTH_SHARING)
    : n * k >= WORTH_SHARING_STREAMED;

const roundUp = (value: number, unit: number) => Math.ceil(value / unit) * unit;

/**
 * Cuts C into about as many cells as are wanted. Columns are cut first, since then nothing is packed twice; rows only
 * where the columns are too few. Where cells are to be wide it is the other way round: rows of B and of C are then read
 * and written in one piece, and half a row at a time the processor's fetching ahead would bring the other half too. The
 * cut changes no bit of the result.
 */
export function cells(
  wanted: number,
  m: number,
  n: number,
  k: number,
  wide = false,
): readonly [columns: number, rows: number] {
  const widest = Math.min(wide ? WIDE_COLUMNS : CELL_COLUMNS, roundUp(n, 16));
  if (wanted === 1 || !worthSharing(m, n, k)) return [widest, m];
  const columns = wide && m >= 24 * wanted ? widest : Math.min(widest, Math.max(64, roundUp(n / wanted, 16)));
  const down = Math.min(Math.ceil(wanted / Math.ceil(n / columns)), Math.ceil(m / 24));
  return [columns, down <= 1 ? m : roundUp(m / down, 6)];
}

/** C = op(A)·op(B), added to C where `accumulate`, or to a bias; leading dimensions count numbers. */
export function gemm(machine: Machine, p: Product): void {
  const { m, n, k, aTransposed } = p;
  // A transposed A is long in comparison with the product: a gradient of weights.
  const wide = aTransposed || m >= 2 * n;
  const [columns, rows] = cells(cellsWanted(machine.threads, p), m, n, k, wide);
  const count = Math.ceil(n / columns) * Math.ceil(m / rows);
  fork(machine, 'gemm', productOf(p, columns, rows), count, worthSharing(m, n, k) ? 1 : count);
}

/**
 * Two cells a thread; more in a large product, where a thread that is held up then holds up less. One where A is
 * transposed: its rows are cut, and all of B is packed for each cell in a column.
 */
function cellsWanted(threads: number, { m, n, k, aTransposed }: Product): number {
  if (threads === 1 || aTransposed) return threads;
  return (m * n * k >= LARGE * threads ? 4 : 2) * threads;
}

/** A product as a job takes it, its cells being so large. */
export function productOf(p: Product, cellColumns: number, cellRows: number): Arguments<'gemm'> {
  const { a, lda, aTransposed, b, ldb, layout, c, ldc, m, n, k, accumulate, bias = 0 } = p;
  return { a, lda, aTransposed, b, ldb, layout, c, ldc, m, n, k, accumulate, cellColumns, cellRows, bias };
}

/** Numbers that a packed right operand takes: each panel is an odd number of lines long. */
export function packedSize(n: number, k: number): number {
  return roundUp(n, 16) * (k | 1);
}

/** yᵀ = x for a matrix x `[rows, columns]`. */
export function transpose(machine: Machine, x: number, y: number, rows: number, columns: number): void {
  fork(machine, 'transpose', { x, y, rows, columns }, 1, 1);
}

/** Packs a right operand [K, N] (or [N, K], transposed) into panels, so that many products can share the work. */
export function pack(
  machine: Machine,
  b: number,
  ldb: number,
  transposed: boolean,
  n: number,
  k: number,
  target: number,
): void {
  const grain = Math.max(1, Math.floor(32_768 / Math.max(1, 16 * k)));
  fork(machine, 'pack', { b, ldb, transposed, n, k, target }, Math.ceil(n / 16), grain);
}
