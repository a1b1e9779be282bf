// Packing of the right operand of a product in panels of 16 columns: k × 16 numbers in one piece.
import { PackArguments } from './generated/arguments';
import { transposeStrided } from './transpose';

/** Bytes between panels of depth k, an odd number of lines: at a multiple of 4 KB they would share sets of the caches. */
// @ts-ignore: decorator
@inline
export function panelStride(k: i32): usize {
  return (<usize>(k | 1)) << 6;
}

/**
 * Packs columns `from` to `to` of op(B), k from `depth` on, panels `panelBytes` apart; columns missing in the last panel are
 * zeros. A row-major B is read row by row, as the processor likes to fetch ahead, and written to all panels at once.
 */
export function packBlock(
  b: usize, ldb: usize, transposed: i32, depth: i32, deep: i32, from: i32, to: i32, target: usize, panelBytes: usize,
): void {
  const whole = (to - from) >> 4;
  const rest = (to - from) & 15;
  if (rest) memory.fill(target + <usize>whole * panelBytes, 0, (<usize>deep) << 6);
  if (transposed) {
    for (let column = from; column < to; column += 16, target += panelBytes) {
      transposeStrided(b + <usize>column * ldb + ((<usize>depth) << 2), ldb, min(16, to - column), deep, target, 64);
    }
    return;
  }
  let source = b + <usize>depth * ldb + ((<usize>from) << 2);
  // The revectorizer pairs no bare copies: an `or` with nothing between load and store makes them 256 bits wide.
  const zero = i32x4.splat(0);
  for (let k = 0; k < deep; k += 1, source += ldb, target += 64) {
    let x = source;
    let y = target;
    for (let panel = 0; panel < whole; panel += 1, x += 64, y += panelBytes) {
      const x0 = v128.or(v128.load(x), zero);
      const x1 = v128.or(v128.load(x, 16), zero);
      const x2 = v128.or(v128.load(x, 32), zero);
      const x3 = v128.or(v128.load(x, 48), zero);
      v128.store(y, x0);
      v128.store(y, x1, 16);
      v128.store(y, x2, 32);
      v128.store(y, x3, 48);
    }
    if (rest) memory.copy(y, x, (<usize>rest) << 2);
  }
}

/** Items: panels of 16 columns. */
export function pack(args: PackArguments, from: i32, to: i32): void {
  const n = args.n;
  const k = args.k;
  const ldb = (<usize>args.ldb) << 2;
  const panelBytes = panelStride(k);
  const target = args.target + <usize>from * panelBytes;
  packBlock(args.b, ldb, args.transposed, 0, k, from << 4, min(n, to << 4), target, panelBytes);
}
