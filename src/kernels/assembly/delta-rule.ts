// The gated delta rule, S_t = α S_{t−1} + k uᵀ with u = β (v − α S_{t−1}ᵀk), and y_t = S_tᵀ q.
//
// A column of S never meets another one, so items are groups of sixteen columns of a head; each number is one chain of multiply-adds over the keys or
// over the steps, whichever thread runs it and whatever the window's length. Between steps a group is held as rows of sixteen one after the other; a
// group that has fewer columns is made up by zeros.
import { at } from './address';
import { DeltaRuleArguments } from './generated/arguments';
import { madd, store8 } from './math';

/** Bytes of a row of a group. */
export const ROW: usize = 64;

/** Rows of `count` numbers to rows of sixteen. */
export function hold(keys: i32, count: i32, from: usize, stride: usize, to: usize): void {
  const bytes = (<usize>count) << 2;
  for (let k = keys; k > 0; k -= 1, from += stride, to += ROW) {
    memory.copy(to, from, bytes);
    memory.fill(to + bytes, 0, ROW - bytes);
  }
}

/** Back again. */
export function release(keys: i32, count: i32, from: usize, to: usize, stride: usize): void {
  const bytes = (<usize>count) << 2;
  for (let k = keys; k > 0; k -= 1, from += ROW, to += stride) memory.copy(to, from, bytes);
}

/** Sᵀk of a group. */
export function find(keys: i32, k: usize, s: usize, stride: usize, found: usize): void {
  let a = f32x4.splat(0);
  let b = a;
  let c = a;
  let d = a;
  for (const end = at(k, keys); k < end; k += 4, s += stride) {
    const x = v128.load32_splat(k);
    a = madd(x, v128.load(s), a);
    b = madd(x, v128.load(s, 16), b);
    c = madd(x, v128.load(s, 32), c);
    d = madd(x, v128.load(s, 48), d);
  }
  store8(found, a, b);
  store8(found + 32, c, d);
}

/** u = β (v − α found) of a group. */
export function correct(decay: usize, rate: usize, v: usize, found: usize, u: usize): void {
  const alpha = v128.load32_splat(decay);
  const beta = v128.load32_splat(rate);
  for (const end = u + ROW; u < end; u += 32, v += 32, found += 32) {
    const a = f32x4.mul(beta, f32x4.sub(v128.load(v), f32x4.mul(alpha, v128.load(found))));
    const b = f32x4.mul(beta, f32x4.sub(v128.load(v, 16), f32x4.mul(alpha, v128.load(found, 16))));
    store8(u, a, b);
  }
}

/** To = α S + k uᵀ of a group. */
export function advance(keys: i32, k: usize, decay: usize, u: usize, s: usize, to: usize): void {
  const alpha = v128.load32_splat(decay);
  const u0 = v128.load(u);
  const u1 = v128.load(u, 16);
  const u2 = v128.load(u, 32);
  const u3 = v128.load(u, 48);
  for (const end = at(k, keys); k < end; k += 4, s += ROW, to += ROW) {
    const x = v128.load32_splat(k);
    const a = madd(x, u0, f32x4.mul(alpha, v128.load(s)));
    const b = madd(x, u1, f32x4.mul(alpha, v128.load(s, 16)));
    const c = madd(x, u2, f32x4.mul(alpha, v128.load(s, 32)));
    const d = madd(x, u3, f32x4.mul(alpha, v128.load(s, 48)));
    store8(to, a, b);
    store8(to + 32, c, d);
  }
}

/** The same, and y = Toᵀq. */
function advanceAndRead(
  keys: i32, k: usize, q: usize, decay: usize, u: usize, s: usize, stride: usize, to: usize, toStride: usize, y: usize,
): void {
  const alpha = v128.load32_splat(decay);
  const u0 = v128.load(u);
  const u1 = v128.load(u, 16);
  const u2 = v128.load(u, 32);
  const u3 = v128.load(u, 48);
  let y0 = f32x4.splat(0);
  let y1 = y0;
  let y2 = y0;
  let y3 = y0;
  for (const end = at(k, keys); k < end; k += 4, q += 4, s += stride, to += toStride) {
    const x = v128.load32_splat(k);
    const z = v128.load32_splat(q);
    const a = madd(x, u0, f32x4.mul(alpha, v128.load(s)));
    const b = madd(x, u1, f32x4.mul(alpha, v128.load(s, 16)));
    const c = madd(x, u2, f32x4.mul(alpha, v128.load(s, 32)));
    const d = madd(x, u3, f32x4.mul(alpha, v128.load(s, 48)));
    y0 = madd(z, a, y0);
    y1 = madd(z, b, y1);
    y2 = madd(z, c, y2);
    y3 = madd(z, d, y3);
    store8(to, a, b);
    store8(to + 32, c, d);
  }
  store8(y, y0, y1);
  store8(y + 32, y2, y3);
}

/** Items: groups of the first head, of the second, … A whole group goes from the operand's memory to the result's without a copy. */
export function deltaRule(args: DeltaRuleArguments, from: i32, to: i32, member: i32): void {
  const steps = args.steps;
  const heads = args.heads;
  const keys = args.keys;
  const values = args.values;
  const groups = (values + 15) >> 4;
  const rowBytes = (<usize>values) << 2;
  const held = args.scratch + <usize>member * <usize>args.scratchBytes;
  const found = held + <usize>keys * ROW;
  const u = found + ROW;
  const value = u + ROW;
  const read = value + ROW;
  for (let item = from; item < to; item += 1) {
    const head = item / groups;
    const column = (item % groups) << 4;
    const count = min(16, values - column);
    const whole = count == 16;
    const first = head * keys * values + column;
    let s = at(args.state, first);
    let stride = rowBytes;
    if (!whole) {
      hold(keys, count, s, stride, held);
      s = held;
      stride = ROW;
    }
    for (let t = 0; t < steps; t += 1) {
      const step = t * heads + head;
      const k = at(args.k, step * keys);
      const decay = at(args.decay, step);
      const v = at(args.v, step * values + column);
      const y = at(args.y, step * values + column);
      if (!whole) hold(1, count, v, 0, value);
      find(keys, k, s, stride, found);
      correct(decay, at(args.rate, step), whole ? v : value, found, u);
      const ends = whole && t == steps - 1;
      const next = ends ? at(args.last, first) : held;
      const nextStride = ends ? rowBytes : ROW;
      advanceAndRead(keys, k, at(args.q, step * keys), decay, u, s, stride, next, nextStride, whole ? y : read);
      if (!whole) release(1, count, read, y, 0);
      s = next;
      stride = nextStride;
    }
    if (!whole) release(keys, count, held, at(args.last, first), rowBytes);
  }
}
