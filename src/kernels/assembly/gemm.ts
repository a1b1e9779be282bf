// C (+)= op(A)·op(B), row-major.
//
// An item is a cell of C: at most `cellColumns` columns and `cellRows` rows (so that the packed block of B stays in the
// second-level cache). Within a cell: blocks of K, blocks of rows, panels of 16 columns, register tiles.
//
// Every element of C is one chain of multiply-adds over k, from the first to the last: blocks of K continue from C.
// So the bits depend neither on the tile's shape nor on the cells nor on the number of rows asked for at once.
import { CELL_COLUMNS, STREAM_ROWS } from '../limits';
import { TILE_ROWS } from './config';
import { ProductArguments } from './generated/arguments';
import { tile, tileAdd } from './generated/tiles';
import { packBlock, panelStride } from './pack';
import { stream } from './stream';
import { A_STRIDE, BLOCK_ROWS, DEPTH, packedOf, squareOf, transposedOf, WIDE_DEPTH } from './scratch';
import { transposeStrided } from './transpose';

/** Items: cells, column-major. */
export function gemm(args: ProductArguments, from: i32, to: i32, member: i32): void {
  const m = args.m;
  const n = args.n;
  const cellColumns = args.cellColumns;
  const cellRows = args.cellRows;
  const down = (m + cellRows - 1) / cellRows;
  const a = args.a;
  const b = args.b;
  const c = args.c;
  for (let item = from; item < to; item += 1) {
    const column = (item / down) * cellColumns;
    const row = (item % down) * cellRows;
    cell(args, a, b, c, row, min(m, row + cellRows), column, min(n, column + cellColumns), member);
  }
}

/** A cell of C; the operands' addresses are not those in `args` where there are many products. */
export function cell(
  args: ProductArguments, a: usize, b: usize, c: usize, rowFrom: i32, rowTo: i32, columnFrom: i32, columnTo: i32, member: i32,
): void {
  const lda = (<usize>args.lda) << 2;
  const aTransposed = args.aTransposed;
  const ldb = (<usize>args.ldb) << 2;
  const bForm = args.layout;
  const ldc = (<usize>args.ldc) << 2;
  const k = args.k;
  // What the product is added to: nothing (0), c itself, or a bias under every row.
  const bias = args.bias;
  let z = bias != 0 ? bias : args.accumulate ? c : 0;
  let ldz = bias != 0 ? 0 : ldc;

  if (k == 0) {
    if (z == c) return;
    for (let row = rowFrom; row < rowTo; row += 1) {
      const at = (<usize>columnFrom) << 2;
      const bytes = ((<usize>columnTo) << 2) - at;
      if (z == 0) memory.fill(c + <usize>row * ldc + at, 0, bytes);
      else memory.copy(c + <usize>row * ldc + at, z + at, bytes);
    }
    return;
  }
  if (bForm == 0 && !aTransposed && rowTo - rowFrom <= STREAM_ROWS) {
    for (let row = rowFrom; row < rowTo; row += 1) {
      const addend = z == 0 ? 0 : z + <usize>row * ldz;
      stream(k, a + <usize>row * lda, b, ldb, addend, c + <usize>row * ldc, columnFrom, columnTo);
    }
    return;
  }

  const panels = (columnTo - columnFrom + 15) >> 4;
  const most = columnTo - columnFrom > CELL_COLUMNS ? WIDE_DEPTH : DEPTH;
  for (let depth = 0; depth < k; depth += most) {
    const deep = min(most, k - depth);
    let block = packedOf(member);
    let panelBytes = panelStride(deep);
    if (bForm == 2) {
      panelBytes = panelStride(k);
      block = b + <usize>(columnFrom >> 4) * panelBytes + ((<usize>depth) << 6);
    } else {
      packBlock(b, ldb, bForm, depth, deep, columnFrom, columnTo, block, panelBytes);
    }
    for (let row = rowFrom; row < rowTo; row += BLOCK_ROWS) {
      const rows = min(BLOCK_ROWS, rowTo - row);
      let blockOfA = a + <usize>row * lda + ((<usize>depth) << 2);
      let stride = lda;
      if (aTransposed) {
        blockOfA = transposedOf(member);
        stride = A_STRIDE;
        transposeStrided(a + <usize>depth * lda + ((<usize>row) << 2), lda, deep, rows, blockOfA, stride);
      }
      for (let p = 0; p < panels; p += 1) {
        const column = columnFrom + (p << 4);
        const target = c + <usize>row * ldc + ((<usize>column) << 2);
        const addend = z == 0 ? 0 : z + <usize>row * ldz + ((<usize>column) << 2);
        const panel = block + <usize>p * panelBytes;
        if (columnTo - column >= 16) strip(rows, deep, blockOfA, stride, 4, panel, 64, addend, ldz, target, ldc);
        else edge(rows, deep, blockOfA, stride, 4, panel, addend, ldz, target, ldc, columnTo - column, member);
      }
    }
    z = c;
    ldz = ldc;
  }
}

/**
 * One panel against all rows of a block, cut evenly: 16 rows are 6 + 5 + 5, with no thin tile at the end. `aStep` and
 * `step` are bytes from one k to the next, in A and in the panel. The product is added to z, which may be c itself;
 * z = 0: to nothing.
 */
export function strip(
  rows: i32, k: i32, a: usize, lda: usize, aStep: usize, panel: usize, step: usize, z: usize, ldz: usize, c: usize,
  ldc: usize,
): void {
  const tiles = (rows + TILE_ROWS - 1) / TILE_ROWS;
  const base = rows / tiles;
  let larger = rows - base * tiles;
  for (let t = 0; t < tiles; t += 1) {
    const height = larger > 0 ? base + 1 : base;
    larger -= 1;
    if (z != 0) {
      tileAdd(height, k, a, lda, aStep, panel, step, z, ldz, c, ldc);
      z += <usize>height * ldz;
    } else {
      tile(height, k, a, lda, aStep, panel, step, c, ldc);
    }
    a += <usize>height * lda;
    c += <usize>height * ldc;
  }
}

/** The last panel of a row with fewer than 16 columns, packed: through a small square next to the block. */
export function edge(
  rows: i32, k: i32, a: usize, lda: usize, aStep: usize, panel: usize, z: usize, ldz: usize, c: usize, ldc: usize,
  columns: i32, member: i32,
): void {
  const square = squareOf(member);
  const bytes = (<usize>columns) << 2;
  for (let row = 0; row < rows; row += TILE_ROWS) {
    const height = min(TILE_ROWS, rows - row);
    const source = a + <usize>row * lda;
    const target = c + <usize>row * ldc;
    if (z != 0) {
      const addend = z + <usize>row * ldz;
      for (let r = 0; r < height; r += 1) memory.copy(square + ((<usize>r) << 6), addend + <usize>r * ldz, bytes);
      tileAdd(height, k, source, lda, aStep, panel, 64, square, 64, square, 64);
    } else {
      tile(height, k, source, lda, aStep, panel, 64, square, 64);
    }
    for (let r = 0; r < height; r += 1) memory.copy(target + <usize>r * ldc, square + ((<usize>r) << 6), bytes);
  }
}

/**
 * C = Z + A·B, or C = A·B where z is 0, for a few rows against a right operand that is packed as a whole (or, where
 * there are no more than STREAM_ROWS of them and `packed` is 0, against a row-major one). For kernels that multiply in
 * the middle of something else; strides in bytes.
 */
export function multiplyRows(
  rows: i32, k: i32, n: i32, a: usize, lda: usize, b: usize, packed: i32, z: usize, ldz: usize, c: usize, ldc: usize,
  member: i32,
): void {
  if (!packed) {
    for (let row = 0; row < rows; row += 1) {
      stream(k, a + <usize>row * lda, b, (<usize>n) << 2, z == 0 ? 0 : z + <usize>row * ldz, c + <usize>row * ldc, 0, n);
    }
    return;
  }
  const panelBytes = panelStride(k);
  for (let depth = 0; depth < k; depth += DEPTH) {
    const deep = min(DEPTH, k - depth);
    const source = a + ((<usize>depth) << 2);
    let panel = b + ((<usize>depth) << 6);
    for (let column = 0; column < n; column += 16, panel += panelBytes) {
      const at = (<usize>column) << 2;
      const target = c + at;
      const addend = z == 0 ? 0 : z + at;
      if (n - column >= 16) strip(rows, deep, source, lda, 4, panel, 64, addend, ldz, target, ldc);
      else edge(rows, deep, source, lda, 4, panel, addend, ldz, target, ldc, n - column, member);
    }
    z = c;
    ldz = ldc;
  }
}
