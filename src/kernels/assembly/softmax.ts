// Softmax and cross-entropy over rows. Items are rows; a row is one thread's.
import { at } from './address';
import {
  CrossEntropyAdjointArguments, CrossEntropyArguments, SoftmaxAdjointArguments, SoftmaxArguments,
} from './generated/arguments';
import { exp4, horizontalMax, horizontalSum, loadTail, log4, store8, storeTail } from './math';
import { tailOf } from './scratch';

const MINUS_INFINITY: f32 = -f32.MAX_VALUE * 2.0;

// Where a row is summed up, two sums run side by side and are stored before they are joined: the revectorizer makes one of
// 256 bits of them, which it finds by such a pair of stores only. `aside` is room for it, 32 bytes. No function here takes a
// v128: V8 dies where one meets such a pair.
//
// A column belongs to one of the eight sums by its number alone, at the end of a row too: what is hidden there, and adds 0,
// changes no bit of what is seen.

/** The largest of a row; NaN where one of them is. */
export function maximum(x: usize, columns: i32, aside: usize): f32 {
  let m = f32x4.splat(MINUS_INFINITY);
  let n = m;
  for (const end = x + ((<usize>(columns & ~7)) << 2); x < end; x += 32) {
    m = f32x4.max(m, v128.load(x));
    n = f32x4.max(n, v128.load(x, 16));
  }
  store8(aside, m, n);
  let rest = f32x4.max(v128.load(aside), v128.load(aside, 16));
  if (columns & 4) {
    rest = f32x4.max(rest, v128.load(x));
    x += 16;
  }
  return horizontalMax(f32x4.max(rest, loadTail(x, columns & 3, MINUS_INFINITY)));
}

/** Σ e^(x − most). */
export function sumOfExponentials(x: usize, columns: i32, most: f32, aside: usize): f32 {
  store<f32>(aside, most);
  const shift = v128.load32_splat(aside);
  let s = f32x4.splat(0);
  let t = s;
  for (const end = x + ((<usize>(columns & ~7)) << 2); x < end; x += 32) {
    s = f32x4.add(s, exp4(f32x4.sub(v128.load(x), shift)));
    t = f32x4.add(t, exp4(f32x4.sub(v128.load(x, 16), shift)));
  }
  store8(aside, s, t);
  let a = v128.load(aside);
  let b = v128.load(aside, 16);
  if (columns & 4) {
    a = f32x4.add(a, exp4(f32x4.sub(v128.load(x), shift)));
    b = f32x4.add(b, exp4(f32x4.sub(loadTail(x + 16, columns & 3, MINUS_INFINITY), shift)));
  } else a = f32x4.add(a, exp4(f32x4.sub(loadTail(x, columns & 3, MINUS_INFINITY), shift)));
  return horizontalSum(f32x4.add(a, b));
}

/** y = factor · e^(x − most). */
export function scaledExponentials(x: usize, columns: i32, most: f32, factor: f32, y: usize, aside: usize): void {
  store<f32>(aside, most);
  store<f32>(aside, factor, 4);
  const shift = v128.load32_splat(aside);
  const scale = v128.load32_splat(aside, 4);
  for (const end = x + ((<usize>(columns & ~7)) << 2); x < end; x += 32, y += 32) {
    const a = f32x4.mul(scale, exp4(f32x4.sub(v128.load(x), shift)));
    const b = f32x4.mul(scale, exp4(f32x4.sub(v128.load(x, 16), shift)));
    store8(y, a, b);
  }
  if (columns & 4) {
    v128.store(y, f32x4.mul(scale, exp4(f32x4.sub(v128.load(x), shift))));
    x += 16;
    y += 16;
  }
  storeTail(y, columns & 3, f32x4.mul(scale, exp4(f32x4.sub(loadTail(x, columns & 3, 0), shift))));
}

/** Items: rows. */
export function softmax(args: SoftmaxArguments, from: i32, to: i32, member: i32): void {
  const aside = tailOf(member);
  const columns = args.columns;
  const bytes = (<usize>columns) << 2;
  for (let row = from; row < to; row += 1) {
    const x = args.x + <usize>row * bytes;
    const most = maximum(x, columns, aside);
    const factor: f32 = 1.0 / sumOfExponentials(x, columns, most, aside);
    scaledExponentials(x, columns, most, factor, args.y + <usize>row * bytes, aside);
  }
}

/** y ⊙ (g − Σ g ⊙ y). */
export function softmaxAdjoint(args: SoftmaxAdjointArguments, from: i32, to: i32, member: i32): void {
  const aside = tailOf(member);
  const columns = args.columns;
  const bytes = (<usize>columns) << 2;
  const whole = (<usize>(columns & ~7)) << 2;
  const rest = columns & 7;
  for (let row = from; row < to; row += 1) {
    const offset = <usize>row * bytes;
    const g = args.gradient + offset;
    const y = args.y + offset;
    const result = args.result + offset;
    let s = f32x4.splat(0);
    let t = s;
    for (let k: usize = 0; k < whole; k += 32) {
      s = f32x4.add(s, f32x4.mul(v128.load(g + k), v128.load(y + k)));
      t = f32x4.add(t, f32x4.mul(v128.load(g + k, 16), v128.load(y + k, 16)));
    }
    store8(aside, s, t);
    let a = v128.load(aside);
    let b = v128.load(aside, 16);
    const gEnd = g + whole;
    const yEnd = y + whole;
    if (rest & 4) {
      a = f32x4.add(a, f32x4.mul(v128.load(gEnd), v128.load(yEnd)));
      b = f32x4.add(b, f32x4.mul(loadTail(gEnd + 16, rest & 3, 0), loadTail(yEnd + 16, rest & 3, 0)));
    } else a = f32x4.add(a, f32x4.mul(loadTail(gEnd, rest & 3, 0), loadTail(yEnd, rest & 3, 0)));
    const sum = horizontalSum(f32x4.add(a, b));
    store<f32>(aside, sum);
    const dot = v128.load32_splat(aside);
    for (let k: usize = 0; k < whole; k += 32) {
      const a = f32x4.mul(v128.load(y + k), f32x4.sub(v128.load(g + k), dot));
      const b = f32x4.mul(v128.load(y + k, 16), f32x4.sub(v128.load(g + k, 16), dot));
      store8(result + k, a, b);
    }
    for (let k = 0; k < rest; k += 1) {
      store<f32>(at(result + whole, k), load<f32>(at(y + whole, k)) * (load<f32>(at(g + whole, k)) - sum));
    }
  }
}

/** y = log Σ e^(x − max) + max − x[target]; 0 for the target −1. */
export function crossEntropy(args: CrossEntropyArguments, from: i32, to: i32, member: i32): void {
  const aside = tailOf(member);
  const columns = args.columns;
  const bytes = (<usize>columns) << 2;
  for (let row = from; row < to; row += 1) {
    const x = args.logits + <usize>row * bytes;
    const target = load<i32>(args.targets + ((<usize>row) << 2));
    let loss: f32 = 0;
    if (target >= 0) {
      const most = maximum(x, columns, aside);
      const sum = f32x4.splat(sumOfExponentials(x, columns, most, aside));
      loss = f32x4.extract_lane(log4(sum), 0) + (most - load<f32>(x + ((<usize>target) << 2)));
    }
    store<f32>(args.y + ((<usize>row) << 2), loss);
  }
}

/** `gradient` is one number a row. */
export function crossEntropyAdjoint(args: CrossEntropyAdjointArguments, from: i32, to: i32, member: i32): void {
  const aside = tailOf(member);
  const columns = args.columns;
  const bytes = (<usize>columns) << 2;
  for (let row = from; row < to; row += 1) {
    const gradient = load<f32>(at(args.gradient, row));
    const x = args.logits + <usize>row * bytes;
    const target = load<i32>(at(args.targets, row));
    const result = args.result + <usize>row * bytes;
    if (target < 0) {
      memory.fill(result, 0, bytes);
      continue;
    }
    const most = maximum(x, columns, aside);
    const factor = gradient / sumOfExponentials(x, columns, most, aside);
    scaledExponentials(x, columns, most, factor, result, aside);
    const hit = result + ((<usize>target) << 2);
    store<f32>(hit, load<f32>(hit) - gradient);
  }
}
