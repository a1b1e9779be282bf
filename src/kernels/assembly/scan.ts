// A linear recurrence, y_t = a_t ⊙ y_{t−1} + b_t, and its derivative. Items are groups of eight columns, which no other thread
// touches: each is one chain of multiply-adds over the steps, whichever thread runs it and whatever the window's length.
import { at } from './address';
import { ScanAdjointArguments, ScanArguments } from './generated/arguments';
import { madd, store8 } from './math';

export function scan(args: ScanArguments, from: i32, to: i32): void {
  const columns = args.columns;
  const first = from << 3;
  const count = min(to << 3, columns) - first;
  const stride = (<usize>columns) << 2;
  let a = at(args.a, first);
  let b = at(args.b, first);
  let before = at(args.h, first);
  let y = at(args.y, first);
  for (let t = args.steps; t > 0; t -= 1) {
    addProduct(count, a, before, b, y);
    before = y;
    a += stride;
    b += stride;
    y += stride;
  }
}

/**
 * From the last step to the first: db_t = g_t + a_{t+1} ⊙ db_{t+1}, da_t = db_t ⊙ y_{t−1}; at last dh = a_1 ⊙ db_1. The product is
 * rounded by itself, as that of dh is: gradients that flow through two windows are bit for bit those of one.
 */
export function scanAdjoint(args: ScanAdjointArguments, from: i32, to: i32): void {
  const columns = args.columns;
  const first = from << 3;
  const count = min(to << 3, columns) - first;
  const stride = (<usize>columns) << 2;
  const last = first + (args.steps - 1) * columns;
  let gradient = at(args.gradient, last);
  let a = at(args.a, last);
  let before = at(args.y, last) - stride;
  let da = at(args.da, last);
  let db = at(args.db, last);
  for (let t = args.steps; t > 0; t -= 1) {
    if (t == args.steps) copy(count, gradient, db);
    else addRounded(count, a + stride, db + stride, gradient, db);
    multiply(count, db, t == 1 ? at(args.h, first) : before, da);
    if (t == 1) multiply(count, a, db, at(args.dh, first));
    gradient -= stride;
    a -= stride;
    before -= stride;
    da -= stride;
    db -= stride;
  }
}

/** y = a ⊙ x + b. What is left of eight takes the same operations, since a product that is rounded by itself has other bits. */
function addProduct(count: i32, a: usize, x: usize, b: usize, y: usize): void {
  const end = at(y, count & ~7);
  for (; y < end; a += 32, x += 32, b += 32, y += 32) {
    const p = madd(v128.load(a), v128.load(x), v128.load(b));
    const q = madd(v128.load(a, 16), v128.load(x, 16), v128.load(b, 16));
    store8(y, p, q);
  }
  for (let k = count & 7; k > 0; k -= 1, a += 4, x += 4, b += 4, y += 4) {
    v128.store_lane<f32>(y, madd(v128.load32_splat(a), v128.load32_splat(x), v128.load32_splat(b)), 0);
  }
}

/** As `addProduct`, with a rounding more. */
function addRounded(count: i32, a: usize, x: usize, b: usize, y: usize): void {
  const end = at(y, count & ~7);
  for (; y < end; a += 32, x += 32, b += 32, y += 32) {
    const p = f32x4.add(f32x4.mul(v128.load(a), v128.load(x)), v128.load(b));
    const q = f32x4.add(f32x4.mul(v128.load(a, 16), v128.load(x, 16)), v128.load(b, 16));
    store8(y, p, q);
  }
  for (let k = count & 7; k > 0; k -= 1, a += 4, x += 4, b += 4, y += 4) {
    store<f32>(y, load<f32>(a) * load<f32>(x) + load<f32>(b));
  }
}

function multiply(count: i32, a: usize, x: usize, y: usize): void {
  const end = at(y, count & ~7);
  for (; y < end; a += 32, x += 32, y += 32) {
    const p = f32x4.mul(v128.load(a), v128.load(x));
    const q = f32x4.mul(v128.load(a, 16), v128.load(x, 16));
    store8(y, p, q);
  }
  for (let k = count & 7; k > 0; k -= 1, a += 4, x += 4, y += 4) store<f32>(y, load<f32>(a) * load<f32>(x));
}

function copy(count: i32, x: usize, y: usize): void {
  memory.copy(y, x, (<usize>count) << 2);
}
