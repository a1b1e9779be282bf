// Softmax and cross-entropy over rows. Items are rows; a row is one thread's.
import { exp4, horizontalMax, horizontalSum, loadTail, log4, storeTail } from './math';

const MINUS_INFINITY: f32 = -f32.MAX_VALUE * 2.0;

/** The largest of a row; NaN where one of them is. */
export function maximum(x: usize, columns: i32): f32 {
  let m = f32x4.splat(MINUS_INFINITY);
  let n = m;
  for (const end = x + ((<usize>(columns & ~7)) << 2); x < end; x += 32) {
    m = f32x4.max(m, v128.load(x));
    n = f32x4.max(n, v128.load(x, 16));
  }
  if (columns & 4) {
    m = f32x4.max(m, v128.load(x));
    x += 16;
  }
  return horizontalMax(f32x4.max(f32x4.max(m, n), loadTail(x, columns & 3, MINUS_INFINITY)));
}

/** Σ e^(x − shift). */
function sumOfExponentials(x: usize, columns: i32, shift: v128): f32 {
  let s = f32x4.splat(0);
  for (const end = x + ((<usize>(columns & ~3)) << 2); x < end; x += 16) {
    s = f32x4.add(s, exp4(f32x4.sub(v128.load(x), shift)));
  }
  return horizontalSum(f32x4.add(s, exp4(f32x4.sub(loadTail(x, columns & 3, MINUS_INFINITY), shift))));
}

/** y = scale · e^(x − shift). */
function scaledExponentials(x: usize, columns: i32, shift: v128, scale: v128, y: usize): void {
  for (const end = x + ((<usize>(columns & ~3)) << 2); x < end; x += 16, y += 16) {
    v128.store(y, f32x4.mul(scale, exp4(f32x4.sub(v128.load(x), shift))));
  }
  storeTail(y, columns & 3, f32x4.mul(scale, exp4(f32x4.sub(loadTail(x, columns & 3, 0), shift))));
}

/** args: x, y, columns. */
export function softmax(args: usize, from: i32, to: i32): void {
  const columns = load<i32>(args, 8);
  const bytes = (<usize>columns) << 2;
  for (let row = from; row < to; row += 1) {
    const x = load<usize>(args) + <usize>row * bytes;
    const shift = f32x4.splat(maximum(x, columns));
    const scale = f32x4.splat(1.0 / sumOfExponentials(x, columns, shift));
    scaledExponentials(x, columns, shift, scale, load<usize>(args, 4) + <usize>row * bytes);
  }
}

/** args: gradient, y, result, columns: y ⊙ (g − Σ g ⊙ y). */
export function softmaxAdjoint(args: usize, from: i32, to: i32): void {
  const columns = load<i32>(args, 12);
  const bytes = (<usize>columns) << 2;
  const whole = (<usize>(columns & ~3)) << 2;
  const rest = columns & 3;
  for (let row = from; row < to; row += 1) {
    const offset = <usize>row * bytes;
    const g = load<usize>(args) + offset;
    const y = load<usize>(args, 4) + offset;
    const result = load<usize>(args, 8) + offset;
    let s = f32x4.splat(0);
    for (let k: usize = 0; k < whole; k += 16) s = f32x4.add(s, f32x4.mul(v128.load(g + k), v128.load(y + k)));
    const gTail = loadTail(g + whole, rest, 0);
    const yTail = loadTail(y + whole, rest, 0);
    const dot = f32x4.splat(horizontalSum(f32x4.add(s, f32x4.mul(gTail, yTail))));
    for (let k: usize = 0; k < whole; k += 16) {
      v128.store(result + k, f32x4.mul(v128.load(y + k), f32x4.sub(v128.load(g + k), dot)));
    }
    storeTail(result + whole, rest, f32x4.mul(yTail, f32x4.sub(gTail, dot)));
  }
}

/** args: logits, targets, y, columns. y = log Σ e^(x − max) + max − x[target]; 0 for the target −1. */
export function crossEntropy(args: usize, from: i32, to: i32): void {
  const columns = load<i32>(args, 12);
  const bytes = (<usize>columns) << 2;
  for (let row = from; row < to; row += 1) {
    const x = load<usize>(args) + <usize>row * bytes;
    const target = load<i32>(load<usize>(args, 4) + ((<usize>row) << 2));
    let loss: f32 = 0;
    if (target >= 0) {
      const shift = maximum(x, columns);
      const sum = f32x4.splat(sumOfExponentials(x, columns, f32x4.splat(shift)));
      loss = f32x4.extract_lane(log4(sum), 0) + (shift - load<f32>(x + ((<usize>target) << 2)));
    }
    store<f32>(load<usize>(args, 8) + ((<usize>row) << 2), loss);
  }
}

/** args: gradient (one a row), logits, targets, result, columns. */
export function crossEntropyAdjoint(args: usize, from: i32, to: i32): void {
  const columns = load<i32>(args, 16);
  const bytes = (<usize>columns) << 2;
  for (let row = from; row < to; row += 1) {
    const at = (<usize>row) << 2;
    const gradient = load<f32>(load<usize>(args) + at);
    const x = load<usize>(args, 4) + <usize>row * bytes;
    const target = load<i32>(load<usize>(args, 8) + at);
    const result = load<usize>(args, 12) + <usize>row * bytes;
    if (target < 0) {
      memory.fill(result, 0, bytes);
      continue;
    }
    const shift = f32x4.splat(maximum(x, columns));
    const scale = f32x4.splat(gradient / sumOfExponentials(x, columns, shift));
    scaledExponentials(x, columns, shift, scale, result);
    const hit = result + ((<usize>target) << 2);
    store<f32>(hit, load<f32>(hit) - gradient);
  }
}
