// Sums. Each result is one chain of additions in an order that depends on the shape alone, so the bits are the same for
// any number of threads. Long chains are cut into blocks whose sums are added up, which keeps the rounding error low.
import { BLOCK } from '../limits';
import { at } from './address';
import { SumBlocksArguments, SumFinishArguments, SumRowsArguments, SumTrailingArguments } from './generated/arguments';
import { horizontalSum, loadTail } from './math';

/** Rows that are summed before their sum is added to the total. */
const BLOCK_ROWS: i32 = 64;

/** y[j] = Σ_r x[r][j]. Items: groups of 8 columns. */
export function sumTrailing(args: SumTrailingArguments, from: i32, to: i32): void {
  const x = args.x;
  const y = args.y;
  const rows = args.rows;
  const columns = args.columns;
  const stride = (<usize>columns) << 2;
  for (let group = from; group < to; group += 1) {
    const column = group << 3;
    const offset = (<usize>column) << 2;
    if (column + 8 <= columns) {
      let source = x + offset;
      let total = f32x4.splat(0);
      let totalRight = f32x4.splat(0);
      for (let row = 0; row < rows; row += BLOCK_ROWS) {
        let s = f32x4.splat(0);
        let t = f32x4.splat(0);
        for (let r = min(BLOCK_ROWS, rows - row); r > 0; r -= 1, source += stride) {
          s = f32x4.add(s, v128.load(source));
          t = f32x4.add(t, v128.load(source, 16));
        }
        total = f32x4.add(total, s);
        totalRight = f32x4.add(totalRight, t);
      }
      v128.store(y + offset, total);
      v128.store(y + offset, totalRight, 16);
      continue;
    }
    for (let j = column; j < columns; j += 1) {
      let source = x + ((<usize>j) << 2);
      let total: f32 = 0;
      for (let row = 0; row < rows; row += BLOCK_ROWS) {
        let s: f32 = 0;
        for (let r = min(BLOCK_ROWS, rows - row); r > 0; r -= 1, source += stride) s += load<f32>(source);
        total += s;
      }
      store<f32>(y + ((<usize>j) << 2), total);
    }
  }
}

/** y[r] = Σ_j x[r][j]. Items: rows. */
export function sumRows(args: SumRowsArguments, from: i32, to: i32): void {
  const x = args.x;
  const y = args.y;
  const columns = args.columns;
  for (let row = from; row < to; row += 1) {
    let source = x + ((<usize>(row * columns)) << 2);
    let s = f32x4.splat(0);
    for (const end = source + ((<usize>(columns & ~3)) << 2); source < end; source += 16) {
      s = f32x4.add(s, v128.load(source));
    }
    s = f32x4.add(s, loadTail(source, columns & 3, 0));
    store<f32>(y + ((<usize>row) << 2), horizontalSum(s));
  }
}

/** Items: blocks. */
export function sumBlocks(args: SumBlocksArguments, from: i32, to: i32): void {
  const x = args.x;
  const partial = args.partial;
  const size = args.size;
  for (let block = from; block < to; block += 1) {
    const count = min(BLOCK, size - block * BLOCK);
    let source = at(x, block * BLOCK);
    let s = f32x4.splat(0);
    let t = f32x4.splat(0);
    for (const end = at(source, count & ~7); source < end; source += 32) {
      s = f32x4.add(s, v128.load(source));
      t = f32x4.add(t, v128.load(source, 16));
    }
    let sum = sum8(s, t);
    for (let rest = count & 7; rest > 0; rest -= 1, source += 4) sum += <f64>load<f32>(source);
    store<f64>(partial + ((<usize>block) << 3), sum);
  }
}

/** y (one f32) is their sum. One item. */
export function sumFinish(args: SumFinishArguments): void {
  const partial = args.partial;
  let sum: f64 = 0;
  for (let k = 0; k < args.blocks; k += 1) sum += load<f64>(partial + ((<usize>k) << 3));
  store<f32>(args.y, <f32>sum);
}

/** The sum of eight numbers in float64. */
// @ts-ignore: decorator
@inline
export function sum8(a: v128, b: v128): f64 {
  const s = f32x4.add(a, b);
  return (
    <f64>f32x4.extract_lane(s, 0) + <f64>f32x4.extract_lane(s, 1) +
    (<f64>f32x4.extract_lane(s, 2) + <f64>f32x4.extract_lane(s, 3))
  );
}
