// What is left of a row beyond whole groups of eight numbers goes through a member's own small memory.

/** Copies fewer than eight numbers. */
// @ts-ignore: decorator
@inline
export function copyFew(target: usize, source: usize, count: i32): void {
  for (let k = 0; k < count; k += 1) store<f32>(target + ((<usize>k) << 2), load<f32>(source + ((<usize>k) << 2)));
}
