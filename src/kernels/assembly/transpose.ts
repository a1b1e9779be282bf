import { TransposeArguments } from './generated/arguments';

/**
 * target[c][r] = source[r][c], strides in bytes: 4 × 4 blocks in registers, edges one by one. Four blocks side by side, since
 * a row's cache line should be met once: rows a power of two apart crowd each other out of the cache.
 */
export function transposeStrided(
  source: usize, sourceStride: usize, rows: i32, columns: i32, target: usize, targetStride: usize,
): void {
  const evenRows = rows & ~3;
  const evenColumns = columns & ~3;
  let column = 0;
  for (; column + 16 <= evenColumns; column += 16) {
    let from = source + ((<usize>column) << 2);
    let to = target + <usize>column * targetStride;
    for (let row = 0; row < evenRows; row += 4, from += sourceStride << 2, to += 16) {
      block(from, sourceStride, to, targetStride);
      block(from + 16, sourceStride, to + (targetStride << 2), targetStride);
      block(from + 32, sourceStride, to + (targetStride << 3), targetStride);
      block(from + 48, sourceStride, to + targetStride * 12, targetStride);
    }
  }
  for (; column < evenColumns; column += 4) {
    let from = source + ((<usize>column) << 2);
    let to = target + <usize>column * targetStride;
    for (let row = 0; row < evenRows; row += 4, from += sourceStride << 2, to += 16) {
      block(from, sourceStride, to, targetStride);
    }
  }
  for (let row = 0; row < rows; row += 1) {
    const first = row < evenRows ? evenColumns : 0;
    for (let column = first; column < columns; column += 1) {
      store<f32>(
        target + <usize>column * targetStride + ((<usize>row) << 2),
        load<f32>(source + <usize>row * sourceStride + ((<usize>column) << 2)),
      );
    }
  }
}

// @ts-ignore: decorator
@inline
function block(from: usize, sourceStride: usize, to: usize, targetStride: usize): void {
  const a = v128.load(from);
  const b = v128.load(from + sourceStride);
  const c = v128.load(from + sourceStride * 2);
  const d = v128.load(from + sourceStride * 3);
  const ab = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
  const cd = v128.shuffle<f32>(c, d, 0, 4, 1, 5);
  const ef = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
  const gh = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<f32>(ab, cd, 0, 1, 4, 5));
  v128.store(to + targetStride, v128.shuffle<f32>(ab, cd, 2, 3, 6, 7));
  v128.store(to + targetStride * 2, v128.shuffle<f32>(ef, gh, 0, 1, 4, 5));
  v128.store(to + targetStride * 3, v128.shuffle<f32>(ef, gh, 2, 3, 6, 7));
}

/** One item. */
export function transpose(args: TransposeArguments): void {
  const rows = args.rows;
  const columns = args.columns;
  transposeStrided(args.x, (<usize>columns) << 2, rows, columns, args.y, (<usize>rows) << 2);
}
