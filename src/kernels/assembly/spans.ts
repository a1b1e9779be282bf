// All parameters of a model at once, as one row of spans. Items are blocks of their numbers; a span's blocks start at its
// own first number, so that sums do not depend on what stands before it. Where a gradient stores some rows only, the
// others are 0: sums leave them out, which changes no bit, and updates read zeros that all of them share.
import { Idle } from '../jobs';
import { BLOCK } from '../limits';
import { BLOCKS, COLUMNS, FIRST, GRADIENT, MOST_SLOTS, ROWS, SIZE, SLOTS, SPAN_BYTES, STORED, WEIGHTS } from '../span';
import { at } from './address';
import { apply } from './optimizers';
import { sum8 } from './reduce';
import { tailOf } from './scratch';

/** The span that an item belongs to, from `span` on; a last one that has no items ends the row. */
// @ts-ignore: decorator
@inline
function spanOf(span: usize, item: i32): usize {
  while (item >= load<i32>(span + SPAN_BYTES, FIRST)) span += SPAN_BYTES;
  return span;
}

/** Index of the first number of an item. */
// @ts-ignore: decorator
@inline
function startOf(span: usize, item: i32): i32 {
  const blocks = load<usize>(span, BLOCKS);
  const block = item - load<i32>(span, FIRST);
  return BLOCK * (blocks ? load<i32>(at(blocks, block)) : block);
}

/** Which row of the parameter the k-th stored one is. */
// @ts-ignore: decorator
@inline
function rowAt(rows: usize, k: i32): i32 {
  return rows ? load<i32>(at(rows, k)) : k;
}

/** The first stored row that is not before a row. */
function firstStored(rows: usize, stored: i32, row: i32): i32 {
  if (!rows) return row;
  let low = 0;
  while (low < stored) {
    const middle = (low + stored) >>> 1;
    if (load<i32>(at(rows, middle)) < row) low = middle + 1;
    else stored = middle;
  }
  return low;
}

/** args: spans, partial sums (f64). The sum of each item's squares; number k of a block is added to lane k mod 8. */
export function squares(args: usize, from: i32, to: i32, member: i32): void {
  const lanes = tailOf(member);
  let span = load<usize>(args);
  for (let item = from; item < to; item += 1) {
    span = spanOf(span, item);
    const start = startOf(span, item);
    const end = min(start + BLOCK, load<i32>(span, SIZE));
    const gradient = load<usize>(span, GRADIENT);
    const rows = load<usize>(span, ROWS);
    memory.fill(lanes, 0, 32);
    if (!rows) {
      addSquares(lanes, 0, at(gradient, start), end - start);
    } else {
      const columns = load<i32>(span, COLUMNS);
      const stored = load<i32>(span, STORED);
      for (let k = firstStored(rows, stored, start / columns); k < stored; k += 1) {
        const first = rowAt(rows, k) * columns;
        if (first >= end) break;
        const left = max(first, start);
        const right = min(first + columns, end);
        addSquares(lanes, (left - start) & 7, at(gradient, k * columns + (left - first)), right - left);
      }
    }
    store<f64>(load<usize>(args, 4) + ((<usize>item) << 3), sum8(v128.load(lanes), v128.load(lanes, 16)));
  }
}

/** Adds the squares of `count` numbers to eight lanes, the first of them to `lane`. */
function addSquares(lanes: usize, lane: i32, source: usize, count: i32): void {
  for (; lane > 0 && count > 0; lane = (lane + 1) & 7, count -= 1, source += 4) addSquare(at(lanes, lane), source);
  let s = v128.load(lanes);
  let t = v128.load(lanes, 16);
  for (const end = at(source, count & ~7); source < end; source += 32) {
    const a = v128.load(source);
    const b = v128.load(source, 16);
    s = f32x4.add(s, f32x4.mul(a, a));
    t = f32x4.add(t, f32x4.mul(b, b));
  }
  v128.store(lanes, s);
  v128.store(lanes, t, 16);
  for (let rest = count & 7; rest > 0; rest -= 1, lanes += 4, source += 4) addSquare(lanes, source);
}

// @ts-ignore: decorator
@inline
function addSquare(lane: usize, source: usize): void {
  const x = load<f32>(source);
  store<f32>(lane, load<f32>(lane) + x * x);
}

/** args: spans, rule, what becomes of idle rows, slots, zeros, clip factor, numbers of the rule. */
export function update(args: usize, from: i32, to: i32, member: i32): void {
  const idle = load<i32>(args, 8);
  const zeros = load<usize>(args, 16);
  const operands = tailOf(member);
  let span = load<usize>(args);
  for (let item = from; item < to; item += 1) {
    span = spanOf(span, item);
    const start = startOf(span, item);
    const end = min(start + BLOCK, load<i32>(span, SIZE));
    const gradient = load<usize>(span, GRADIENT);
    const rows = load<usize>(span, ROWS);
    if (!rows && idle != Idle.skipped) {
      step(args, span, start, at(gradient, start), end - start, operands);
      continue;
    }
    const columns = load<i32>(span, COLUMNS);
    const stored = load<i32>(span, STORED);
    let done = start;
    for (let k = firstStored(rows, stored, start / columns); k < stored; k += 1) {
      const first = rowAt(rows, k) * columns;
      if (first >= end) break;
      const row = at(gradient, k * columns);
      if (idle == Idle.skipped && isZero(row, columns)) continue;
      const left = max(first, start);
      const right = min(first + columns, end);
      if (idle == Idle.moves) step(args, span, done, zeros, left - done, operands);
      step(args, span, left, at(row, left - first), right - left, operands);
      done = right;
    }
    if (idle == Idle.moves) step(args, span, done, zeros, end - done, operands);
  }
}

function isZero(row: usize, columns: i32): bool {
  const zero = f32x4.splat(0);
  const end = at(row, columns & ~3);
  for (; row < end; row += 16) if (v128.any_true(f32x4.ne(v128.load(row), zero))) return false;
  for (let rest = columns & 3; rest > 0; rest -= 1, row += 4) if (load<f32>(row) != 0) return false;
  return true;
}

/** Room for the addresses of a step's operands; a group of eight numbers of each follows. */
const GROUPS: usize = (((<usize>(MOST_SLOTS + 2)) << 2) + 31) & ~31;

/**
 * Updates `count` numbers of a span from `index` on. Rows start and end anywhere: what is left of a whole group of eight
 * is updated in a copy, so that no number beyond it is touched.
 */
function step(args: usize, span: usize, index: i32, gradient: usize, count: i32, operands: usize): void {
  const rule = load<i32>(args, 4);
  const arrays = load<i32>(args, 12) + 2;
  const numbers = args + 20;
  store<usize>(operands, at(load<usize>(span, WEIGHTS), index));
  store<usize>(operands, gradient, 4);
  for (let k = 2; k < arrays; k += 1) store<usize>(at(operands, k), at(load<usize>(at(span + SLOTS, k - 2)), index));

  const whole = count & ~7;
  if (whole > 0) apply(rule, operands, whole, numbers);
  const rest = count & 7;
  if (rest == 0) return;
  const group = operands + GROUPS;
  for (let k = 0; k < arrays; k += 1) {
    copyNumbers(group + ((<usize>k) << 5), at(load<usize>(at(operands, k)), whole), rest);
    store<usize>(at(operands, k), group + ((<usize>k) << 5));
  }
  apply(rule, operands, 8, numbers);
  copyNumbers(at(load<usize>(span, WEIGHTS), index + whole), group, rest);
  for (let k = 2; k < arrays; k += 1) {
    copyNumbers(at(load<usize>(at(span + SLOTS, k - 2)), index + whole), group + ((<usize>k) << 5), rest);
  }
}

// @ts-ignore: decorator
@inline
function copyNumbers(target: usize, source: usize, count: i32): void {
  for (; count > 0; count -= 1, target += 4, source += 4) store<f32>(target, load<f32>(source));
}
