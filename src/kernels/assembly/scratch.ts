// A member's own memory: blocks of the operands of a product, a small square for its edges, and the rest of a row.
import { CELL_COLUMNS, WIDE_COLUMNS } from '../limits';

/** Depth of a block: a panel of B is 32 KB, and a block's rows of A (48 KB) pass by it from the second-level cache. */
export const DEPTH: i32 = 512;
/** The same in a wide cell, so that its block of B takes no more of that cache. */
export const WIDE_DEPTH: i32 = 256;
export const BLOCK_ROWS: i32 = 24;
/** Bytes between the rows of a transposed block of A, off multiples of 4 KB. */
export const A_STRIDE: usize = (<usize>DEPTH + 16) << 2;

/** The panels of a cell, each a line longer than it is deep (`panelStride`). */
const B_BYTES: usize = (<usize>max((DEPTH + 1) * CELL_COLUMNS, (WIDE_DEPTH + 1) * WIDE_COLUMNS)) << 2;
const A_BYTES: usize = <usize>BLOCK_ROWS * A_STRIDE;
const SQUARE_BYTES: usize = 6 * 64;
/** Twenty-four groups of eight numbers. */
const TAIL_BYTES: usize = 24 * 32;
const MEMBER_BYTES: usize = B_BYTES + A_BYTES + SQUARE_BYTES + TAIL_BYTES;

// Per thread: module globals belong to an instance.
let base: usize = 0;

/** Bytes of working memory a member needs. */
export function scratchBytes(): usize {
  return MEMBER_BYTES;
}

/** Sets, for this thread, where the members' memory lies. */
export function setScratch(address: usize): void {
  base = address;
}

/** Where a member packs its columns of B. */
// @ts-ignore: decorator
@inline
export function packedOf(member: i32): usize {
  return base + <usize>member * MEMBER_BYTES;
}

/** Where a member transposes its rows of A. */
// @ts-ignore: decorator
@inline
export function transposedOf(member: i32): usize {
  return packedOf(member) + B_BYTES;
}

/** Six rows of sixteen, for tiles that reach over an edge. */
// @ts-ignore: decorator
@inline
export function squareOf(member: i32): usize {
  return transposedOf(member) + A_BYTES;
}

/** For what is left of a row, or of a span, beyond whole groups of eight numbers. */
// @ts-ignore: decorator
@inline
export function tailOf(member: i32): usize {
  return squareOf(member) + SQUARE_BYTES;
}
