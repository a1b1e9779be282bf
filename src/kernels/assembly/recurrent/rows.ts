// Functions of a row in place, a loop each: where a loop stores more than one pair, or loads between two stores, the
// revectorizer gives up, and its body runs at half the speed.
import { logistic4, madd, store8, tanh4 } from '../math';

/** x ← σ(x) for a multiple of 8 numbers. */
export function logisticRow(x: usize, count: i32): void {
  for (const end = x + ((<usize>count) << 2); x < end; x += 32) {
    const a = logistic4(v128.load(x));
    const b = logistic4(v128.load(x, 16));
    store8(x, a, b);
  }
}

/** x ← tanh(x) for a multiple of 8 numbers. */
export function tanhRow(x: usize, count: i32): void {
  for (const end = x + ((<usize>count) << 2); x < end; x += 32) {
    const a = tanh4(v128.load(x));
    const b = tanh4(v128.load(x, 16));
    store8(x, a, b);
  }
}

/** y ← σ(a + b) for a multiple of 8 numbers. */
export function logisticOfSum(a: usize, b: usize, y: usize, count: i32): void {
  for (const end = y + ((<usize>count) << 2); y < end; y += 32, a += 32, b += 32) {
    const low = logistic4(f32x4.add(v128.load(a), v128.load(b)));
    const high = logistic4(f32x4.add(v128.load(a, 16), v128.load(b, 16)));
    store8(y, low, high);
  }
}

/** x ← σ(x + a ⊙ b) for a multiple of 8 numbers. */
export function logisticOfPeephole(x: usize, a: usize, b: usize, count: i32): void {
  for (const end = x + ((<usize>count) << 2); x < end; x += 32, a += 32, b += 32) {
    const low = logistic4(madd(v128.load(a), v128.load(b), v128.load(x)));
    const high = logistic4(madd(v128.load(a, 16), v128.load(b, 16), v128.load(x, 16)));
    store8(x, low, high);
  }
}

/** y ← y + a ⊙ b for a multiple of 8 numbers. */
export function addProduct(y: usize, a: usize, b: usize, count: i32): void {
  for (const end = y + ((<usize>count) << 2); y < end; y += 32, a += 32, b += 32) {
    const low = madd(v128.load(a), v128.load(b), v128.load(y));
    const high = madd(v128.load(a, 16), v128.load(b, 16), v128.load(y, 16));
    store8(y, low, high);
  }
}
