// Draws from softmax(logits / temperature), cut to the most probable ids. Items are rows; a row is one thread's.
//
// A row's weights e^((x − max) / temperature) lie in its scratch, padded with zeros to whole groups of eight, so that
// what a loop reads beyond a row of logits has no weight. What is cut off has its weights set to 0; the draw is the same.
import { at } from './address';
import { SampleArguments } from './generated/arguments';
import { exp4, store8 } from './math';
import { maximum } from './softmax';

const MINUS_INFINITY: f32 = -f32.MAX_VALUE * 2.0;
/** Weights that are added up before their sum is added to the total; whole groups of eight. */
const BLOCK: i32 = 64;

/** How a row's id is drawn; `writeDrawing` of drawing.ts puts it there. */
@unmanaged
class Drawing {
  /** Uniform in [0, 1). */
  uniform: f64;
  /** 1 / temperature. */
  inverse: f32;
  /** 0 for all. */
  topK: i32;
  topP: f32;
  minP: f32;
  greedy: i32;
  /** Of the ids in `recent`; 1 for none. */
  penalty: f32;
  recent: u32;
  recentCount: i32;
  never: i32;
  /** The first and the last id of each range that may be drawn from, in their order. */
  allowed: u32;
  /** 0 for all. */
  allowedCount: i32;
  /** Rows begin at multiples of eight bytes. */
  rest: i32;
}

/**
 * Scratch has for each row twice `columns` floats, each padded to whole groups of eight. An id is −1 where the row's largest
 * logit, of those that may be drawn, is not finite.
 */
export function sample(args: SampleArguments, from: i32, to: i32): void {
  const columns = args.columns;
  const padded = (columns + 7) & ~7;
  for (let row = from; row < to; row += 1) {
    const drawing = changetype<Drawing>(args.drawings + <usize>row * offsetof<Drawing>());
    const weights = at(args.scratch, 2 * row * padded);
    let x = at(args.logits, row * columns);
    if (drawing.penalty != 1 || drawing.never >= 0 || drawing.allowedCount > 0) x = adjusted(x, columns, drawing, at(weights, padded));
    const id = at(args.ids, row);
    const most = maximum(x, columns, weights);
    // The difference of infinities, and of NaN from itself, is NaN.
    if (most - most != 0) {
      store<i32>(id, -1);
      continue;
    }
    if (drawing.greedy) {
      store<i32>(id, firstEqual(x, most));
      continue;
    }
    const k = drawing.topK;
    const p = drawing.topP;
    weigh(x, columns, most, drawing.inverse, weights);
    if (k > 0 && k < columns) cut(x, weights, padded, most, k, false);
    if (p < 1) cut(x, weights, padded, most, p * sumFrom(x, weights, padded, MINUS_INFINITY), true);
    // The most probable id has weight 1.
    if (drawing.minP > 0) cutBelow(weights, padded, drawing.minP);
    store<i32>(id, draw(weights, padded, drawing.uniform));
  }
}

/**
 * A copy of a row in which logits of recent ids are divided by the penalty where they are above 0, and otherwise multiplied; that of an id
 * which is never drawn is as low as a number is that others can be held against. Those outside of what is allowed are −∞, so that
 * they have no weight, whatever the model says of them.
 */
function adjusted(x: usize, columns: i32, drawing: Drawing, copy: usize): usize {
  memory.copy(copy, x, (<usize>columns) << 2);
  const penalty = drawing.penalty;
  for (let k = 0; k < drawing.recentCount; k += 1) {
    const id = load<i32>(at(drawing.recent, k));
    if (<u32>id >= <u32>columns) continue;
    const logit = load<f32>(at(x, id));
    store<f32>(at(copy, id), logit > 0 ? logit / penalty : logit * penalty);
  }
  if (<u32>drawing.never < <u32>columns) store<f32>(at(copy, drawing.never), -1e30);
  if (drawing.allowedCount > 0) allowOnly(copy, columns, drawing);
  return copy;
}

function allowOnly(x: usize, columns: i32, drawing: Drawing): void {
  let from = 0;
  for (let k = 0; k < drawing.allowedCount; k += 1) {
    hide(x, from, min(load<i32>(at(drawing.allowed, 2 * k)), columns));
    from = load<i32>(at(drawing.allowed, 2 * k + 1)) + 1;
  }
  hide(x, from, columns);
}

function hide(x: usize, from: i32, to: i32): void {
  for (let id = from; id < to; id += 1) store<f32>(at(x, id), MINUS_INFINITY);
}

/** Sets weights to 0 that are below `least`. */
function cutBelow(weights: usize, padded: i32, least: f32): void {
  const threshold = f32x4.splat(least);
  for (const end = at(weights, padded); weights < end; weights += 16) {
    const w = v128.load(weights);
    v128.store(weights, v128.and(w, f32x4.ge(w, threshold)));
  }
}

/** The place of the first number that equals one of them. */
function firstEqual(x: usize, value: f32): i32 {
  const wanted = f32x4.splat(value);
  let id = 0;
  let hits = 0;
  for (; ; id += 4) {
    hits = i32x4.bitmask(f32x4.eq(v128.load(at(x, id)), wanted));
    if (hits) break;
  }
  return id + ctz(hits);
}

/** weights = e^((x − most) · inverse), then zeros up to a whole group. */
function weigh(x: usize, columns: i32, most: f32, inverse: f32, weights: usize): void {
  const shift = f32x4.splat(most);
  const scale = f32x4.splat(inverse);
  const end = at(weights, columns);
  for (let w = weights; w < end; w += 32, x += 32) {
    const a = f32x4.mul(f32x4.sub(v128.load(x), shift), scale);
    const b = f32x4.mul(f32x4.sub(v128.load(x, 16), shift), scale);
    store8(w, exp4(a), exp4(b));
  }
  // The last group may have read into the next row.
  for (let v = columns; v & 7; v += 1) store<f32>(at(weights, v), 0);
}

/** The sum of the weights of ids with a logit of at least `least`. */
function sumFrom(x: usize, weights: usize, padded: i32, least: f32): f64 {
  const threshold = f32x4.splat(least);
  let a = f64x2.splat(0);
  let b = f64x2.splat(0);
  for (const end = at(weights, padded); weights < end; weights += 16, x += 16) {
    const w = v128.and(v128.load(weights), f32x4.ge(v128.load(x), threshold));
    a = f64x2.add(a, f64x2.promote_low_f32x4(w));
    b = f64x2.add(b, f64x2.promote_low_f32x4(v128.shuffle<i64>(w, w, 1, 1)));
  }
  const s = f64x2.add(a, b);
  return f64x2.extract_lane(s, 0) + f64x2.extract_lane(s, 1);
}

/** The sum of a block's weights. */
// @ts-ignore: decorator
@inline
function sumOf(weights: usize, padded: i32, block: i32): f64 {
  const start = at(weights, block);
  return sumFrom(start, start, min(BLOCK, padded - block), 0);
}

/** The first id at which the weights up to it add up to more than u of the total. */
function draw(weights: usize, padded: i32, u: f64): i32 {
  let total: f64 = 0;
  for (let v = 0; v < padded; v += BLOCK) total += sumOf(weights, padded, v);
  const wanted = u * total;
  // Where rounding leaves every sum at or below what is wanted, it is the last id that has a weight.
  let block = 0;
  let start: f64 = 0;
  let before: f64 = 0;
  for (let v = 0; v < padded; v += BLOCK) {
    const sum = sumOf(weights, padded, v);
    if (sum == 0) continue;
    block = v;
    start = before;
    before += sum;
    if (before > wanted) break;
  }
  let last = block;
  for (let v = block, end = min(block + BLOCK, padded); v < end; v += 1) {
    const weight = load<f32>(at(weights, v));
    if (weight == 0) continue;
    start += weight;
    if (start > wanted) return v;
    last = v;
  }
  return last;
}

/**
 * Keeps the fewest most probable ids that are `wanted` in number, or have so much weight together, and sets the weights
 * of the others to 0. The least logit of those kept is found by bisection over the bits of all floats: logits are what
 * is compared, since different ones may have the same weight.
 */
function cut(x: usize, weights: usize, padded: i32, most: f32, wanted: f64, byWeight: bool): void {
  let low = keyOf(MINUS_INFINITY);
  let high = keyOf(most) + 1;
  let lowCount = countFrom(x, weights, padded, MINUS_INFINITY);
  if (!byWeight && lowCount <= <i32>wanted) return;
  let highCount = 0;
  let above: f64 = 0;
  while (lowCount - highCount > 1 && high - low > 1) {
    const middle = low + ((high - low) >> 1);
    const count = countFrom(x, weights, padded, numberOf(middle));
    const kept = byWeight ? sumFrom(x, weights, padded, numberOf(middle)) : <f64>count;
    if (kept < wanted) {
      high = middle;
      highCount = count;
      above = kept;
    } else {
      low = middle;
      lowCount = count;
      if (kept == wanted) break;
    }
  }
  const least = numberOf(low);
  const threshold = f32x4.splat(least);
  for (let w = weights, end = at(weights, padded); w < end; w += 32, x += 32) {
    const a = v128.and(v128.load(w), f32x4.ge(v128.load(x), threshold));
    const b = v128.and(v128.load(w, 16), f32x4.ge(v128.load(x, 16), threshold));
    store8(w, a, b);
  }
  if (high - low == 1) cutEqual(x - ((<usize>padded) << 2), weights, padded, least, above, wanted, byWeight);
}

/** Of several ids with the least logit the lower ones are kept, until what is wanted is there. */
function cutEqual(x: usize, weights: usize, padded: i32, least: f32, kept: f64, wanted: f64, byWeight: bool): void {
  for (let id = 0; id < padded; id += 1) {
    const weight = load<f32>(at(weights, id));
    if (weight == 0 || load<f32>(at(x, id)) != least) continue;
    if (kept >= wanted) store<f32>(at(weights, id), 0);
    else kept += byWeight ? <f64>weight : 1;
  }
}

/** How many ids have a weight, and a logit of at least `least`. */
function countFrom(x: usize, weights: usize, padded: i32, least: f32): i32 {
  const threshold = f32x4.splat(least);
  const zero = f32x4.splat(0);
  let a = i32x4.splat(0);
  let b = i32x4.splat(0);
  for (const end = at(weights, padded); weights < end; weights += 32, x += 32) {
    // True is −1 in every lane.
    a = i32x4.sub(a, v128.and(f32x4.ge(v128.load(x), threshold), f32x4.gt(v128.load(weights), zero)));
    b = i32x4.sub(b, v128.and(f32x4.ge(v128.load(x, 16), threshold), f32x4.gt(v128.load(weights, 16), zero)));
  }
  const s = i32x4.add(a, b);
  return (
    i32x4.extract_lane(s, 0) + i32x4.extract_lane(s, 1) + i32x4.extract_lane(s, 2) + i32x4.extract_lane(s, 3)
  );
}

/** A number whose order among unsigned ones is the float's among floats. */
// @ts-ignore: decorator
@inline
function keyOf(value: f32): u32 {
  const word = reinterpret<i32>(value);
  return <u32>(word ^ ((word >> 31) | i32.MIN_VALUE));
}

// @ts-ignore: decorator
@inline
function numberOf(key: u32): f32 {
  return reinterpret<f32>(<i32>key < 0 ? key ^ 0x80000000 : ~key);
}
