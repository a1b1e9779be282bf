// Many products at once: C[i] (+)= op(A[i])·op(B[i]), i = 0 … count − 1, row-major.
//
// Small matrices must not pay for packing: a row-major B that the first-level cache holds is read as it lies, and so is
// a transposed A that the second-level cache holds. What is larger goes the way of the single product. Either way an
// element is one chain of multiply-adds over k, first to last, so the bits are those of a product a matrix.
import { STREAM_ROWS } from '../limits';
import { TILE_ROWS } from './config';
import { cell, edge, strip } from './gemm';
import { BatchedProductArguments, ProductArguments } from './generated/arguments';
import { packBlock, panelStride } from './pack';
import { DEPTH, packedOf } from './scratch';

/** Rows of B within so many bytes do not push each other out of the first-level cache: packing them gains nothing. */
const B_NEAR: usize = 32_768;
/** Up to here a transposed A is read in place, a column a step; beyond, its rows are far apart and are copied together. */
const A_NEAR: usize = 262_144;
/** Rows that pass by all panels together. */
const ROWS: i32 = 64;

/**
 * b is row-major or transposed, and there is no bias. Items: the cells of the first matrix, of the second, and so on.
 */
export function batchedGemm(args: BatchedProductArguments, from: i32, to: i32, member: i32): void {
  const m = args.m;
  const n = args.n;
  const cellColumns = args.cellColumns;
  const cellRows = args.cellRows;
  const down = (m + cellRows - 1) / cellRows;
  const cells = down * ((n + cellColumns - 1) / cellColumns);
  for (let item = from; item < to; item += 1) {
    const matrix = <usize>(item / cells);
    const column = ((item % cells) / down) * cellColumns;
    const row = ((item % cells) % down) * cellRows;
    const a = args.a + ((matrix * <usize>args.aStride) << 2);
    const b = args.b + ((matrix * <usize>args.bStride) << 2);
    const c = args.c + ((matrix * <usize>args.cStride) << 2);
    const rowTo = min(m, row + cellRows);
    const columnTo = min(n, column + cellColumns);
    if (small(args, rowTo - row, columnTo - column)) near(args, a, b, c, row, rowTo, column, columnTo, member);
    else cell(args, a, b, c, row, rowTo, column, columnTo, member);
  }
}

/** Whether a cell is one block of K, wants no transposed copy of A, and is not better streamed. */
function small(args: ProductArguments, rows: i32, columns: i32): bool {
  const k = args.k;
  if (k == 0 || k > DEPTH) return false;
  if (args.aTransposed) return (<usize>args.lda << 2) * <usize>k <= A_NEAR;
  return args.layout != 0 || rows > STREAM_ROWS || (columns & 63) != 0;
}

function near(
  args: ProductArguments, a: usize, b: usize, c: usize, rowFrom: i32, rowTo: i32, columnFrom: i32, columnTo: i32, member: i32,
): void {
  const aTransposed = args.aTransposed;
  const lda = (<usize>args.lda) << 2;
  const aRow: usize = aTransposed ? 4 : lda;
  const aStep: usize = aTransposed ? lda : 4;
  const ldb = (<usize>args.ldb) << 2;
  const bTransposed = args.layout;
  const ldc = (<usize>args.ldc) << 2;
  const k = args.k;
  const accumulate = args.accumulate;
  const rows = rowTo - rowFrom;
  const columns = columnTo - columnFrom;
  const whole = columns >> 4;
  const rest = columns & 15;
  // The last panel reaches back over columns that are done: the same bits once more, and no detour through a square. Not
  // where there are none to reach back over, or where they would be added twice.
  const back = rest != 0 && whole > 0 && !accumulate;
  const lastFrom = back ? columnTo - 16 : columnFrom + (whole << 4);

  const packed = packedOf(member);
  const packedBytes = panelStride(k);
  const packs = bTransposed != 0 || (ldb * <usize>k > B_NEAR && rows > TILE_ROWS);
  let panels = b + ((<usize>columnFrom) << 2);
  let panelBytes: usize = 64;
  let step = ldb;
  if (packs) {
    panels = packed;
    panelBytes = packedBytes;
    step = 64;
    packBlock(b, ldb, bTransposed, 0, k, columnFrom, columnFrom + (whole << 4), packed, packedBytes);
  }
  const last = back && !packs ? b + ((<usize>lastFrom) << 2) : packed + <usize>whole * packedBytes;
  if (rest && (packs || !back)) packBlock(b, ldb, bTransposed, 0, k, lastFrom, columnTo, last, packedBytes);

  const blocks = (rows + ROWS - 1) / ROWS;
  for (let block = 0; block < blocks; block += 1) {
    const row = rowFrom + (rows * block) / blocks;
    const height = rowFrom + (rows * (block + 1)) / blocks - row;
    const source = a + <usize>row * aRow;
    const row0 = c + <usize>row * ldc;
    let target = row0 + ((<usize>columnFrom) << 2);
    for (let p = 0; p < whole; p += 1, target += 64) {
      const panel = panels + <usize>p * panelBytes;
      strip(height, k, source, aRow, aStep, panel, step, accumulate ? target : 0, ldc, target, ldc);
    }
    if (back) strip(height, k, source, aRow, aStep, last, step, 0, 0, row0 + ((<usize>lastFrom) << 2), ldc);
    else if (rest) edge(height, k, source, aRow, aStep, last, accumulate ? target : 0, ldc, target, ldc, rest, member);
  }
}
