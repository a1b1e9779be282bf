// C (+)= op(A)·op(B), row-major.
//
// An item is a cell of C: at most `cellColumns` columns (so that the packed block of B stays in the second-level cache)
// and `cellRows` rows. Within a cell: blocks of K, blocks of rows, panels of 16 columns, register tiles.
//
// Every element of C is one chain of multiply-adds over k, from the first to the last: blocks of K continue from C.
// So the bits depend neither on the tile's shape nor on the cells nor on the number of rows asked for at once.
import { TILE_ROWS } from './config';
import { tile, tileAdd } from './generated/tiles';
import { madd } from './math';
import { scratchOf } from './team';
import { transpose } from './transpose';

/** Depth of a block: its panel of B (16 KB) and its rows of A stay in the first-level cache. */
const DEPTH: i32 = 256;
/** Rows of A in a block: 96 KB of the second-level cache. */
const ROWS: i32 = 96;
/** Columns a member's scratch holds at DEPTH. */
const CELL_COLUMNS: i32 = 256;
/** Leading dimension of transposed A, off multiples of 4 KB. */
const A_STRIDE: usize = (<usize>DEPTH + 16) << 2;

const B_BYTES: usize = (<usize>(DEPTH * CELL_COLUMNS)) << 2;
const A_BYTES: usize = <usize>ROWS * A_STRIDE;
const EDGE_BYTES: usize = 6 * 64;
/** Twenty-four groups of eight numbers. */
export const TAIL_BYTES: usize = 24 * 32;
export const SCRATCH_BYTES: usize = B_BYTES + A_BYTES + EDGE_BYTES + TAIL_BYTES;

/** Fewer rows than this against an unpacked B: B is streamed once per row, which costs less than packing it. */
const STREAM_ROWS: i32 = 3;

/**
 * args: a, lda, transposed a, b, ldb, form of b (0 row-major, 1 transposed, 2 packed by `pack`), c, ldc, m, n, k,
 * accumulate, cell columns (a multiple of 16), cell rows, bias [n] or 0. Leading dimensions in numbers. Items: cells,
 * column-major.
 */
export function gemm(args: usize, from: i32, to: i32, member: i32): void {
  const m = load<i32>(args, 32);
  const n = load<i32>(args, 36);
  const cellColumns = load<i32>(args, 48);
  const cellRows = load<i32>(args, 52);
  const down = (m + cellRows - 1) / cellRows;
  for (let item = from; item < to; item += 1) {
    const column = (item / down) * cellColumns;
    const row = (item % down) * cellRows;
    cell(args, row, min(m, row + cellRows), column, min(n, column + cellColumns), member);
  }
}

function cell(args: usize, rowFrom: i32, rowTo: i32, columnFrom: i32, columnTo: i32, member: i32): void {
  const a = load<usize>(args);
  const lda = (<usize>load<i32>(args, 4)) << 2;
  const aTransposed = load<i32>(args, 8);
  const b = load<usize>(args, 12);
  const ldb = (<usize>load<i32>(args, 16)) << 2;
  const bForm = load<i32>(args, 20);
  const c = load<usize>(args, 24);
  const ldc = (<usize>load<i32>(args, 28)) << 2;
  const k = load<i32>(args, 40);
  // What the product is added to: nothing (0), c itself, or a bias under every row.
  const bias = load<usize>(args, 56);
  let z = bias != 0 ? bias : load<i32>(args, 44) ? c : 0;
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

  const scratch = scratchOf(member);
  const panels = (columnTo - columnFrom + 15) >> 4;
  for (let depth = 0; depth < k; depth += DEPTH) {
    const deep = min(DEPTH, k - depth);
    let block = scratch;
    let panelBytes = (<usize>deep) << 6;
    if (bForm == 2) {
      panelBytes = (<usize>k) << 6;
      block = b + <usize>(columnFrom >> 4) * panelBytes + ((<usize>depth) << 6);
    } else {
      for (let p = 0; p < panels; p += 1) {
        const column = columnFrom + (p << 4);
        packPanel(b, ldb, bForm, depth, deep, column, min(16, columnTo - column), block + <usize>p * panelBytes);
      }
    }
    for (let row = rowFrom; row < rowTo; row += ROWS) {
      const rows = min(ROWS, rowTo - row);
      let block_a = a + <usize>row * lda + ((<usize>depth) << 2);
      let stride = lda;
      if (aTransposed) {
        block_a = scratch + B_BYTES;
        stride = A_STRIDE;
        transpose(a + <usize>depth * lda + ((<usize>row) << 2), lda, deep, rows, block_a, stride);
      }
      for (let p = 0; p < panels; p += 1) {
        const column = columnFrom + (p << 4);
        const target = c + <usize>row * ldc + ((<usize>column) << 2);
        const addend = z == 0 ? 0 : z + <usize>row * ldz + ((<usize>column) << 2);
        const panel = block + <usize>p * panelBytes;
        if (columnTo - column >= 16) strip(rows, deep, block_a, stride, panel, addend, ldz, target, ldc);
        else edge(rows, deep, block_a, stride, panel, addend, ldz, target, ldc, columnTo - column, scratch);
      }
    }
    z = c;
    ldz = ldc;
  }
}

/**
 * One panel against all rows of a block, cut evenly: 16 rows are 6 + 5 + 5, with no thin tile at the end. The product
 * is added to z, which may be c itself; z = 0: to nothing.
 */
function strip(
  rows: i32, k: i32, a: usize, lda: usize, panel: usize, z: usize, ldz: usize, c: usize, ldc: usize,
): void {
  const tiles = (rows + TILE_ROWS - 1) / TILE_ROWS;
  const base = rows / tiles;
  let larger = rows - base * tiles;
  for (let t = 0; t < tiles; t += 1) {
    const height = larger > 0 ? base + 1 : base;
    larger -= 1;
    if (z != 0) {
      tileAdd(height, k, a, lda, panel, z, ldz, c, ldc);
      z += <usize>height * ldz;
    } else {
      tile(height, k, a, lda, panel, c, ldc);
    }
    a += <usize>height * lda;
    c += <usize>height * ldc;
  }
}

/** The last panel of a row with fewer than 16 columns: through a small square beside the block. */
function edge(
  rows: i32, k: i32, a: usize, lda: usize, panel: usize, z: usize, ldz: usize, c: usize, ldc: usize, columns: i32,
  scratch: usize,
): void {
  const square = scratch + B_BYTES + A_BYTES;
  const bytes = (<usize>columns) << 2;
  for (let row = 0; row < rows; row += TILE_ROWS) {
    const height = min(TILE_ROWS, rows - row);
    const source = a + <usize>row * lda;
    const target = c + <usize>row * ldc;
    if (z != 0) {
      const addend = z + <usize>row * ldz;
      for (let r = 0; r < height; r += 1) memory.copy(square + ((<usize>r) << 6), addend + <usize>r * ldz, bytes);
      tileAdd(height, k, source, lda, panel, square, 64, square, 64);
    } else {
      tile(height, k, source, lda, panel, square, 64);
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
  const panelBytes = (<usize>k) << 6;
  for (let depth = 0; depth < k; depth += DEPTH) {
    const deep = min(DEPTH, k - depth);
    const source = a + ((<usize>depth) << 2);
    let panel = b + ((<usize>depth) << 6);
    for (let column = 0; column < n; column += 16, panel += panelBytes) {
      const at = (<usize>column) << 2;
      const target = c + at;
      const addend = z == 0 ? 0 : z + at;
      if (n - column >= 16) strip(rows, deep, source, lda, panel, addend, ldz, target, ldc);
      else edge(rows, deep, source, lda, panel, addend, ldz, target, ldc, n - column, scratchOf(member));
    }
    z = c;
    ldz = ldc;
  }
}

/** Packs `columns` (at most 16) columns of op(B), k from `depth` on; missing columns are zeros. */
function packPanel(
  b: usize, ldb: usize, form: i32, depth: i32, deep: i32, column: i32, columns: i32, target: usize,
): void {
  if (columns < 16) memory.fill(target, 0, (<usize>deep) << 6);
  if (form == 1) {
    transpose(b + <usize>column * ldb + ((<usize>depth) << 2), ldb, columns, deep, target, 64);
    return;
  }
  let source = b + <usize>depth * ldb + ((<usize>column) << 2);
  const end = target + ((<usize>deep) << 6);
  if (columns == 16) {
    for (; target < end; target += 64, source += ldb) {
      const x0 = v128.load(source);
      const x1 = v128.load(source, 16);
      const x2 = v128.load(source, 32);
      const x3 = v128.load(source, 48);
      v128.store(target, x0);
      v128.store(target, x1, 16);
      v128.store(target, x2, 32);
      v128.store(target, x3, 48);
    }
    return;
  }
  const bytes = (<usize>columns) << 2;
  for (; target < end; target += 64, source += ldb) memory.copy(target, source, bytes);
}

/** args: b, ldb, transposed, n, k, target. Items: panels of 16 columns, each k × 16 numbers in one piece. */
export function pack(args: usize, from: i32, to: i32): void {
  const n = load<i32>(args, 12);
  const k = load<i32>(args, 16);
  const ldb = (<usize>load<i32>(args, 4)) << 2;
  for (let panel = from; panel < to; panel += 1) {
    const column = panel << 4;
    packPanel(
      load<usize>(args), ldb, load<i32>(args, 8), 0, k, column, min(16, n - column),
      load<usize>(args, 20) + ((<usize>panel * <usize>k) << 6),
    );
  }
}

/** c = z + a·B (z = 0: nothing to add) for one row and a row-major B, 64 columns at a time: eight accumulators of 256 bits. */
function stream(
  k: i32, a: usize, b: usize, ldb: usize, z: usize, c: usize, columnFrom: i32, columnTo: i32,
): void {
  let column = columnFrom;
  for (; column + 64 <= columnTo; column += 64) {
    const at = (<usize>column) << 2;
    stream64(k, a, b + at, ldb, z == 0 ? 0 : z + at, c + at);
  }
  for (; column + 4 <= columnTo; column += 4) {
    const at = (<usize>column) << 2;
    let s = z == 0 ? f32x4.splat(0) : v128.load(z + at);
    let source = b + at;
    for (let x = a, end = a + ((<usize>k) << 2); x < end; x += 4, source += ldb) {
      s = madd(v128.load32_splat(x), v128.load(source), s);
    }
    v128.store(c + at, s);
  }
  for (; column < columnTo; column += 1) {
    const at = (<usize>column) << 2;
    let s = z == 0 ? f32x4.splat(0) : v128.load32_splat(z + at);
    let source = b + at;
    for (let x = a, end = a + ((<usize>k) << 2); x < end; x += 4, source += ldb) {
      s = madd(v128.load32_splat(x), v128.load32_splat(source), s);
    }
    v128.store_lane<f32>(c + at, s, 0);
  }
}

function stream64(k: i32, a: usize, b: usize, ldb: usize, z: usize, c: usize): void {
  let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0;
  let s8 = s0, s9 = s0, s10 = s0, s11 = s0, s12 = s0, s13 = s0, s14 = s0, s15 = s0;
  if (z != 0) {
    s0 = v128.load(z); s1 = v128.load(z, 16); s2 = v128.load(z, 32); s3 = v128.load(z, 48);
    s4 = v128.load(z, 64); s5 = v128.load(z, 80); s6 = v128.load(z, 96); s7 = v128.load(z, 112);
    s8 = v128.load(z, 128); s9 = v128.load(z, 144); s10 = v128.load(z, 160); s11 = v128.load(z, 176);
    s12 = v128.load(z, 192); s13 = v128.load(z, 208); s14 = v128.load(z, 224); s15 = v128.load(z, 240);
  }
  for (const end = a + ((<usize>k) << 2); a < end; a += 4, b += ldb) {
    const x = v128.load32_splat(a);
    s0 = madd(x, v128.load(b), s0); s1 = madd(x, v128.load(b, 16), s1);
    s2 = madd(x, v128.load(b, 32), s2); s3 = madd(x, v128.load(b, 48), s3);
    s4 = madd(x, v128.load(b, 64), s4); s5 = madd(x, v128.load(b, 80), s5);
    s6 = madd(x, v128.load(b, 96), s6); s7 = madd(x, v128.load(b, 112), s7);
    s8 = madd(x, v128.load(b, 128), s8); s9 = madd(x, v128.load(b, 144), s9);
    s10 = madd(x, v128.load(b, 160), s10); s11 = madd(x, v128.load(b, 176), s11);
    s12 = madd(x, v128.load(b, 192), s12); s13 = madd(x, v128.load(b, 208), s13);
    s14 = madd(x, v128.load(b, 224), s14); s15 = madd(x, v128.load(b, 240), s15);
  }
  v128.store(c, s0); v128.store(c, s1, 16); v128.store(c, s2, 32); v128.store(c, s3, 48);
  v128.store(c, s4, 64); v128.store(c, s5, 80); v128.store(c, s6, 96); v128.store(c, s7, 112);
  v128.store(c, s8, 128); v128.store(c, s9, 144); v128.store(c, s10, 160); v128.store(c, s11, 176);
  v128.store(c, s12, 192); v128.store(c, s13, 208); v128.store(c, s14, 224); v128.store(c, s15, 240);
}
