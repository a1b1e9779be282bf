// What is left of a row beyond whole groups of eight numbers goes through a member's own small memory.

import { at } from '../address';

/** Copies fewer than eight numbers. */
// @ts-ignore: decorator
@inline
export function copyFew(target: usize, source: usize, count: i32): void {
  for (let k = 0; k < count; k += 1) store<f32>(target + ((<usize>k) << 2), load<f32>(source + ((<usize>k) << 2)));
}

/** Copies what is left of each of several parts. */
export function copyParts(target: usize, targetStride: usize, source: usize, sourceStride: usize, parts: i32, rest: i32): void {
  for (; parts > 0; parts -= 1, target += targetStride, source += sourceStride) copyFew(target, source, rest);
}

/** Lays down rows of the input's part, `row` being the first: those of z, or, with ids, the table's rows that they name. */
export function layRows(target: usize, z: usize, ids: usize, row: i32, rows: i32, width: i32): void {
  if (ids == 0) return copyMany(target, at(z, row * width), rows * width);
  for (let r = 0; r < rows; r += 1) copyMany(at(target, r * width), rowOf(z, ids, row + r, width), width);
}

/** A row of z, or of the table that z is. */
// @ts-ignore: decorator
@inline
export function rowOf(z: usize, ids: usize, row: i32, width: i32): usize {
  return at(z, (ids == 0 ? row : load<i32>(at(ids, row))) * width);
}

/** Copies numbers, eight a turn. */
function copyMany(target: usize, source: usize, count: i32): void {
  for (const end = target + ((<usize>(count & ~7)) << 2); target < end; target += 32, source += 32) {
    const a = v128.load(source);
    const b = v128.load(source, 16);
    v128.store(target, a);
    v128.store(target, b, 16);
  }
  copyFew(target, source, count & 7);
}
