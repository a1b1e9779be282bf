// Element by element over flat arrays. Every array of a window starts at a multiple of 64 bytes and is padded to one, so
// a loop may run past the end of its numbers: whole groups of eight, and no tails.
//
// Two v128 a turn, stored last and side by side: the revectorizer makes one 256-bit operation of each pair.
import { at } from './address';
import { Binary, Broadcast, Unary } from '../jobs';
import {
  AffineArguments, BernoulliArguments, BinaryArguments, CopyBlockArguments, FillArguments, SwapAxesArguments, UnaryArguments,
} from './generated/arguments';
import {
  EXP, exp4, expm14, gelu4, geluSlope4, geluTanh4, geluTanhSlope4, log4, logistic4, madd, softplus4, store8, tanh4,
} from './math';

export function unary(args: UnaryArguments, from: i32, to: i32): void {
  const x = args.x;
  const y = args.y;
  switch (args.op) {
    case Unary.exp: return exp(at(x, from), at(x, to), at(y, from));
    case Unary.log: return log(at(x, from), at(x, to), at(y, from));
    case Unary.sqrt: return sqrt(at(x, from), at(x, to), at(y, from));
    case Unary.tanh: return tanh(at(x, from), at(x, to), at(y, from));
    case Unary.logistic: return logistic(at(x, from), at(x, to), at(y, from));
    case Unary.relu: return relu(at(x, from), at(x, to), at(y, from));
    case Unary.expm1: return expm1(at(x, from), at(x, to), at(y, from));
    case Unary.softplus: return softplus(at(x, from), at(x, to), at(y, from));
    case Unary.gelu: return gelu(at(x, from), at(x, to), at(y, from));
    case Unary.geluTanh: return geluTanh(at(x, from), at(x, to), at(y, from));
  }
}

function exp(x: usize, end: usize, y: usize): void {
  for (; x < end; x += 32, y += 32) store8(y, exp4(v128.load(x)), exp4(v128.load(x, 16)));
}

function tanh(x: usize, end: usize, y: usize): void {
  for (; x < end; x += 32, y += 32) store8(y, tanh4(v128.load(x)), tanh4(v128.load(x, 16)));
}

function logistic(x: usize, end: usize, y: usize): void {
  for (; x < end; x += 32, y += 32) store8(y, logistic4(v128.load(x)), logistic4(v128.load(x, 16)));
}

function expm1(x: usize, end: usize, y: usize): void {
  for (; x < end; x += 32, y += 32) store8(y, expm14(v128.load(x)), expm14(v128.load(x, 16)));
}

function softplus(x: usize, end: usize, y: usize): void {
  for (; x < end; x += 16, y += 16) v128.store(y, softplus4(v128.load(x)));
}

function gelu(x: usize, end: usize, y: usize): void {
  for (; x < end; x += 32, y += 32) store8(y, gelu4(v128.load(x)), gelu4(v128.load(x, 16)));
}

function geluTanh(x: usize, end: usize, y: usize): void {
  for (; x < end; x += 32, y += 32) store8(y, geluTanh4(v128.load(x)), geluTanh4(v128.load(x, 16)));
}

function log(x: usize, end: usize, y: usize): void {
  for (; x < end; x += 16, y += 16) v128.store(y, log4(v128.load(x)));
}

function sqrt(x: usize, end: usize, y: usize): void {
  for (; x < end; x += 32, y += 32) {
    const a = f32x4.sqrt(v128.load(x));
    const b = f32x4.sqrt(v128.load(x, 16));
    store8(y, a, b);
  }
}

function relu(x: usize, end: usize, y: usize): void {
  const zero = f32x4.splat(0);
  for (; x < end; x += 32, y += 32) {
    const a = f32x4.pmax(v128.load(x), zero);
    const b = f32x4.pmax(v128.load(x, 16), zero);
    store8(y, a, b);
  }
}

/** y = scale · x + shift. */
export function affine(args: AffineArguments, from: i32, to: i32): void {
  let x = at(args.x, from);
  const end = at(args.x, to);
  let y = at(args.y, from);
  const scale = v128.load32_splat(changetype<usize>(args), offsetof<AffineArguments>('scale'));
  const shift = v128.load32_splat(changetype<usize>(args), offsetof<AffineArguments>('shift'));
  for (; x < end; x += 32, y += 32) {
    const a = madd(v128.load(x), scale, shift);
    const b = madd(v128.load(x, 16), scale, shift);
    store8(y, a, b);
  }
}

export function fill(args: FillArguments, from: i32, to: i32): void {
  let y = at(args.y, from);
  const end = at(args.y, to);
  const value = v128.load32_splat(changetype<usize>(args), offsetof<FillArguments>('value'));
  for (; y < end; y += 32) {
    store8(y, value, value);
  }
}

/** Element k is hashed from key + k by MurmurHash3's finaliser. */
export function bernoulli(args: BernoulliArguments, from: i32, to: i32): void {
  let y = at(args.y, from);
  const end = at(args.y, to);
  const threshold = i32x4.splat(args.threshold);
  const always = i32x4.splat(-args.always);
  const one = f32x4.splat(1);
  const first = i32x4.splat(0x85ebca6b);
  const second = i32x4.splat(0xc2b2ae35);
  let counter = i32x4.add(i32x4.splat(args.key + from), i32x4(0, 1, 2, 3));
  for (; y < end; y += 16) {
    let h = counter;
    h = i32x4.mul(v128.xor(h, i32x4.shr_u(h, 16)), first);
    h = i32x4.mul(v128.xor(h, i32x4.shr_u(h, 13)), second);
    h = v128.xor(h, i32x4.shr_u(h, 16));
    v128.store(y, v128.and(one, v128.or(always, i32x4.lt_u(h, threshold))));
    counter = i32x4.add(counter, i32x4.splat(4));
  }
}

// @ts-ignore: decorator
@inline
function combine(op: i32, a: v128, b: v128, one: v128): v128 {
  if (op == Binary.add) return f32x4.add(a, b);
  if (op == Binary.subtract) return f32x4.sub(a, b);
  if (op == Binary.multiply) return f32x4.mul(a, b);
  if (op == Binary.divide) return f32x4.div(a, b);
  if (op == Binary.maximum) return f32x4.max(a, b);
  if (op == Binary.tanhAdjoint) return f32x4.mul(a, f32x4.sub(one, f32x4.mul(b, b)));
  if (op == Binary.logisticAdjoint) return f32x4.mul(a, f32x4.mul(b, f32x4.sub(one, b)));
  return v128.and(a, f32x4.gt(b, f32x4.splat(0)));
}

// @ts-ignore: decorator
@inline
function flat(op: i32, x: usize, end: usize, w: usize, y: usize): void {
  const one = v128.load32_splat(EXP, 36);
  for (; x < end; x += 32, w += 32, y += 32) {
    const a = combine(op, v128.load(x), v128.load(w), one);
    const b = combine(op, v128.load(x, 16), v128.load(w, 16), one);
    store8(y, a, b);
  }
}

/** The second operand is one number, or one a row. */
// @ts-ignore: decorator
@inline
function withNumber(op: i32, x: usize, count: i32, w: usize, y: usize): void {
  const one = v128.load32_splat(EXP, 36);
  const b = v128.load32_splat(w);
  const end = at(x, count & ~3);
  for (; x < end; x += 16, y += 16) v128.store(y, combine(op, v128.load(x), b, one));
  for (let k = count & 3; k > 0; k -= 1, x += 4, y += 4) {
    v128.store_lane<f32>(y, combine(op, v128.load32_splat(x), b, one), 0);
  }
}

/** The second operand is a row; rows may have any length, so no number past a row's end is touched. */
// @ts-ignore: decorator
@inline
function withRow(op: i32, x: usize, count: i32, w: usize, y: usize): void {
  const one = v128.load32_splat(EXP, 36);
  const end = at(x, count & ~7);
  for (; x < end; x += 32, w += 32, y += 32) {
    const a = combine(op, v128.load(x), v128.load(w), one);
    const b = combine(op, v128.load(x, 16), v128.load(w, 16), one);
    store8(y, a, b);
  }
  for (let k = count & 7; k > 0; k -= 1, x += 4, w += 4, y += 4) {
    v128.store_lane<f32>(y, combine(op, v128.load32_splat(x), v128.load32_splat(w), one), 0);
  }
}

// @ts-ignore: decorator
@inline
function broadcast(op: i32, args: BinaryArguments, from: i32, to: i32): void {
  const x = args.a;
  const w = args.b;
  const y = args.y;
  const form = args.form;
  if (form == Broadcast.same) return flat(op, at(x, from), at(x, to), at(w, from), at(y, from));
  if (form == Broadcast.one) return withNumber(op, at(x, from), to - from, w, at(y, from));
  const inner = args.inner;
  for (let row = from; row < to; row += 1) {
    const offset = row * inner;
    if (form == Broadcast.trailing) withRow(op, at(x, offset), inner, w, at(y, offset));
    else withNumber(op, at(x, offset), inner, at(w, row), at(y, offset));
  }
}

/** Items are elements (same, one) or rows of `inner` elements. */
export function binary(args: BinaryArguments, from: i32, to: i32): void {
  switch (args.op) {
    case Binary.add: return broadcast(Binary.add, args, from, to);
    case Binary.subtract: return broadcast(Binary.subtract, args, from, to);
    case Binary.multiply: return broadcast(Binary.multiply, args, from, to);
    case Binary.divide: return broadcast(Binary.divide, args, from, to);
    case Binary.maximum: return broadcast(Binary.maximum, args, from, to);
    case Binary.tanhAdjoint: return broadcast(Binary.tanhAdjoint, args, from, to);
    case Binary.logisticAdjoint: return broadcast(Binary.logisticAdjoint, args, from, to);
    case Binary.reluAdjoint: return broadcast(Binary.reluAdjoint, args, from, to);
    // Of one shape always.
    case Binary.geluAdjoint: return geluAdjoint(args, from, to);
    case Binary.geluTanhAdjoint: return geluTanhAdjoint(args, from, to);
  }
}

function geluAdjoint(args: BinaryArguments, from: i32, to: i32): void {
  let g = at(args.a, from);
  const end = at(args.a, to);
  let x = at(args.b, from);
  for (let y = at(args.y, from); g < end; g += 32, x += 32, y += 32) {
    const a = f32x4.mul(v128.load(g), geluSlope4(v128.load(x)));
    const b = f32x4.mul(v128.load(g, 16), geluSlope4(v128.load(x, 16)));
    store8(y, a, b);
  }
}

function geluTanhAdjoint(args: BinaryArguments, from: i32, to: i32): void {
  let g = at(args.a, from);
  const end = at(args.a, to);
  let x = at(args.b, from);
  for (let y = at(args.y, from); g < end; g += 32, x += 32, y += 32) {
    const a = f32x4.mul(v128.load(g), geluTanhSlope4(v128.load(x)));
    const b = f32x4.mul(v128.load(g, 16), geluTanhSlope4(v128.load(x, 16)));
    store8(y, a, b);
  }
}

/** Items are rows: cuts out or puts in a block. */
export function copyBlock(args: CopyBlockArguments, from: i32, to: i32): void {
  const x = args.x;
  const xStride = args.xStride;
  const y = args.y;
  const yStride = args.yStride;
  const bytes = (<usize>args.columns) << 2;
  for (let row = from; row < to; row += 1) {
    copyRow(at(x, row * xStride), at(y, row * yStride), bytes);
  }
}

/** x `[outer, inner, columns]`, y `[inner, outer, columns]`. Items: rows of y. */
export function swapAxes(args: SwapAxesArguments, from: i32, to: i32): void {
  const outer = args.outer;
  const inner = args.inner;
  const columns = args.columns;
  const bytes = (<usize>columns) << 2;
  let y = at(args.y, from * columns);
  for (let row = from; row < to; row += 1, y += bytes) {
    copyRow(at(args.x, ((row % outer) * inner + row / outer) * columns), y, bytes);
  }
}

/** Whole float32s, and both places at multiples of four bytes. */
export function copyRow(source: usize, target: usize, bytes: usize): void {
  const end = source + (bytes & ~31);
  for (; source < end; source += 32, target += 32) {
    const a = v128.load(source);
    const b = v128.load(source, 16);
    v128.store(target, a);
    v128.store(target, b, 16);
  }
  for (let rest = bytes & 31; rest > 0; rest -= 4, source += 4, target += 4) store<f32>(target, load<f32>(source));
}
