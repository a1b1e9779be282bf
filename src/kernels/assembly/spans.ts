// All parameters of a model at once, as one row of spans. Items are blocks of their numbers; a span's blocks start at its
// own first number, so that sums do not depend on what stands before it. Where a gradient stores some rows only, the
// others are 0: sums leave them out, which changes no bit, and updates read zeros that all of them share.
//
// Where stages prepare the gradient, they do so in a copy of the item, in the member's own memory.
import { SparsePolicy, Stage } from '../jobs';
import { BLOCK } from '../limits';
import {
  BIAS,
  BLOCKS,
  COLUMNS,
  FIRST,
  GRADIENT,
  MOST_SLOTS,
  ROWS,
  SCALE,
  SIZE,
  SLOTS,
  SPAN_BYTES,
  STAGE_BYTES,
  STORED,
  TAKEN_AT,
  WEIGHTS,
} from '../span';
import { at } from './address';
import { SquaresArguments, UpdateArguments } from './generated/arguments';
import { madd } from './math';
import { apply } from './optimizers';
import { sum8 } from './reduce';
import { packedOf, tailOf } from './scratch';

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

/** A sum of squares in float32 below or above these may have lost much to underflow, or have overflowed. */
const LEAST_SUM: f64 = 7.888609052210118e-31; // 2⁻¹⁰⁰
const MOST_SUM: f64 = 1.2676506002282294e30; // 2¹⁰⁰

/**
 * The sum of each item's squares; number k of a block is added to lane
 * k mod 8. Where that is at float32's edges, it is added up once more, in float64.
 */
export function squares(args: SquaresArguments, from: i32, to: i32, member: i32): void {
  const partial = args.partial;
  let span = args.spans;
  for (let item = from; item < to; item += 1) {
    span = spanOf(span, item);
    const start = startOf(span, item);
    const end = min(start + BLOCK, load<i32>(span, SIZE));
    let source = at(load<usize>(span, GRADIENT), start);
    let whole = load<usize>(span, ROWS) == 0;
    if (args.howMany) {
      source = packedOf(member);
      whole = true;
      copyItem(span, start, end, source);
      prepare(args.stages, args.howMany, span, start, source, end - start);
    }
    let sum = squaresOf(span, start, end, source, whole, tailOf(member));
    // Not `<`: what is not a number is to stay so.
    if (!(sum >= LEAST_SUM && sum <= MOST_SUM)) sum = exactSquaresOf(span, start, end, source, whole);
    store<f64>(partial + ((<usize>item) << 3), sum);
  }
}

/** The sum of a block's squares, from `source` on where it is there as a whole, else row by row. */
function squaresOf(span: usize, start: i32, end: i32, source: usize, whole: bool, lanes: usize): f64 {
  memory.fill(lanes, 0, 32);
  if (whole) addSquares(lanes, 0, source, end - start);
  else {
    const columns = load<i32>(span, COLUMNS);
    const rows = load<usize>(span, ROWS);
    const stored = load<i32>(span, STORED);
    for (let k = firstStored(rows, stored, start / columns); k < stored; k += 1) {
      const first = rowAt(rows, k) * columns;
      if (first >= end) break;
      const left = max(first, start);
      const right = min(first + columns, end);
      addSquares(lanes, (left - start) & 7, at(load<usize>(span, GRADIENT), k * columns + (left - first)), right - left);
    }
  }
  return sum8(v128.load(lanes), v128.load(lanes, 16));
}

/** The same one by one in float64, which no square of a float32 leaves; numbers that are 0 cost a look. */
function exactSquaresOf(span: usize, start: i32, end: i32, source: usize, whole: bool): f64 {
  if (whole) return exactSquares(0, source, end - start);
  let sum: f64 = 0;
  const columns = load<i32>(span, COLUMNS);
  const rows = load<usize>(span, ROWS);
  const stored = load<i32>(span, STORED);
  for (let k = firstStored(rows, stored, start / columns); k < stored; k += 1) {
    const first = rowAt(rows, k) * columns;
    if (first >= end) break;
    const left = max(first, start);
    const right = min(first + columns, end);
    sum = exactSquares(sum, at(load<usize>(span, GRADIENT), k * columns + (left - first)), right - left);
  }
  return sum;
}

function exactSquares(sum: f64, source: usize, count: i32): f64 {
  if (isZero(source, count)) return sum;
  for (const end = at(source, count); source < end; source += 4) {
    const x = <f64>load<f32>(source);
    sum += x * x;
  }
  return sum;
}

/** The gradient from `start` to `end`, zeros where it stores no row. */
function copyItem(span: usize, start: i32, end: i32, copy: usize): void {
  const gradient = load<usize>(span, GRADIENT);
  const rows = load<usize>(span, ROWS);
  if (!rows) {
    memory.copy(copy, at(gradient, start), (<usize>(end - start)) << 2);
    return;
  }
  memory.fill(copy, 0, (<usize>(end - start)) << 2);
  const columns = load<i32>(span, COLUMNS);
  const stored = load<i32>(span, STORED);
  for (let k = firstStored(rows, stored, start / columns); k < stored; k += 1) {
    const first = rowAt(rows, k) * columns;
    if (first >= end) break;
    const left = max(first, start);
    const right = min(first + columns, end);
    const source = at(gradient, k * columns + (left - first));
    memory.copy(at(copy, left - start), source, (<usize>(right - left)) << 2);
  }
}

/** Runs the stages over `count` numbers of a gradient's copy, those of the parameter from `index` on. */
function prepare(stages: usize, howMany: i32, span: usize, index: i32, copy: usize, count: i32): void {
  const bias = load<i32>(span, BIAS);
  for (let k = 0; k < howMany; k += 1, stages += STAGE_BYTES) {
    const kind = load<i32>(stages);
    const x = v128.load32_splat(stages + bias, 4);
    let w = at(load<usize>(span, TAKEN_AT), index);
    let g = copy;
    for (const end = at(copy, count & ~7); g < end; g += 32, w += 32) {
      const a = stage(kind, v128.load(g), v128.load(w), x);
      const b = stage(kind, v128.load(g, 16), v128.load(w, 16), x);
      v128.store(g, a);
      v128.store(g, b, 16);
    }
    for (let rest = count & 7; rest > 0; rest -= 1, g += 4, w += 4) {
      v128.store_lane<f32>(g, stage(kind, v128.load32_splat(g), v128.load32_splat(w), x), 0);
    }
  }
}

// @ts-ignore: decorator
@inline
function stage(kind: i32, g: v128, w: v128, x: v128): v128 {
  if (kind == Stage.scale) return f32x4.mul(g, x);
  if (kind == Stage.clamp) return f32x4.pmin(f32x4.pmax(g, f32x4.neg(x)), x);
  return madd(x, w, g);
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

/** Items: blocks. */
export function update(args: UpdateArguments, from: i32, to: i32, member: i32): void {
  const policy = args.sparsePolicy;
  const zeros = args.zeros;
  let span = args.spans;
  for (let item = from; item < to; item += 1) {
    span = spanOf(span, item);
    const start = startOf(span, item);
    const end = min(start + BLOCK, load<i32>(span, SIZE));
    const gradient = load<usize>(span, GRADIENT);
    const rows = load<usize>(span, ROWS);
    if (!rows && policy != SparsePolicy.skipped) {
      move(args, span, start, at(gradient, start), end - start, member);
      continue;
    }
    const columns = load<i32>(span, COLUMNS);
    const stored = load<i32>(span, STORED);
    let done = start;
    for (let k = firstStored(rows, stored, start / columns); k < stored; k += 1) {
      const first = rowAt(rows, k) * columns;
      if (first >= end) break;
      const row = at(gradient, k * columns);
      if (policy == SparsePolicy.skipped && isZero(row, columns)) continue;
      const left = max(first, start);
      const right = min(first + columns, end);
      if (policy == SparsePolicy.moves) move(args, span, done, zeros, left - done, member);
      move(args, span, left, at(row, left - first), right - left, member);
      done = right;
    }
    if (policy == SparsePolicy.moves) move(args, span, done, zeros, end - done, member);
  }
}

function isZero(row: usize, columns: i32): bool {
  const zero = f32x4.splat(0);
  const end = at(row, columns & ~3);
  for (; row < end; row += 16) if (v128.any_true(f32x4.ne(v128.load(row), zero))) return false;
  for (let rest = columns & 3; rest > 0; rest -= 1, row += 4) if (load<f32>(row) != 0) return false;
  return true;
}

/** Updates `count` numbers of a span from `index` on, by a gradient that the stages prepare first. */
function move(args: UpdateArguments, span: usize, index: i32, gradient: usize, count: i32, member: i32): void {
  const howMany = args.howMany;
  if (howMany && count > 0) {
    const copy = packedOf(member);
    memory.copy(copy, gradient, (<usize>count) << 2);
    prepare(args.stages, howMany, span, index, copy, count);
    gradient = copy;
  }
  step(args, span, index, gradient, count, tailOf(member));
}

/** Room for the addresses of a step's operands; a group of eight numbers of each follows. */
const GROUPS: usize = (((<usize>(MOST_SLOTS + 2)) << 2) + 31) & ~31;

/**
 * Updates `count` numbers of a span from `index` on. Rows start and end anywhere: what is left of a whole group of eight
 * is updated in a copy, so that no number beyond it is touched.
 */
function step(args: UpdateArguments, span: usize, index: i32, gradient: usize, count: i32, operands: usize): void {
  const rule = args.rule;
  const arrays = args.slots + 2;
  // They follow the struct.
  const numbers = changetype<usize>(args) + offsetof<UpdateArguments>();
  store<usize>(operands, at(load<usize>(span, WEIGHTS), index));
  store<usize>(operands, gradient, 4);
  for (let k = 2; k < arrays; k += 1) store<usize>(at(operands, k), at(load<usize>(at(span + SLOTS, k - 2)), index));

  const whole = count & ~7;
  if (whole > 0) apply(rule, operands, whole, numbers, span + SCALE);
  const rest = count & 7;
  if (rest == 0) return;
  const group = operands + GROUPS;
  for (let k = 0; k < arrays; k += 1) {
    copyNumbers(group + ((<usize>k) << 5), at(load<usize>(at(operands, k)), whole), rest);
    store<usize>(at(operands, k), group + ((<usize>k) << 5));
  }
  apply(rule, operands, 8, numbers, span + SCALE);
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
