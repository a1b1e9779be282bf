// What is done to weights in addition to an optimizer's rule; gradients play no part.
import { at } from '../address';
import { madd } from '../math';

/** a ← κ a + s w: κ = 0 and s = 1 copy the weights, bit for bit. Numbers: κ, s. */
export function average(operands: usize, count: i32, numbers: usize): void {
  let w = load<usize>(operands);
  let a = load<usize>(operands, 8);
  const stays = v128.load32_splat(numbers);
  const share = v128.load32_splat(numbers, 4);
  for (const end = at(w, count); w < end; w += 32, a += 32) {
    const a0 = madd(stays, v128.load(a), f32x4.mul(share, v128.load(w)));
    const a1 = madd(stays, v128.load(a, 16), f32x4.mul(share, v128.load(w, 16)));
    v128.store(a, a0);
    v128.store(a, a1, 16);
  }
}

/** d = o − w; v ← μ v + d; w ← o − η (d + μ v). Numbers: η, μ. */
export function outerNesterov(operands: usize, count: i32, numbers: usize): void {
  let w = load<usize>(operands);
  let o = load<usize>(operands, 8);
  let v = load<usize>(operands, 12);
  const minusRate = f32x4.neg(v128.load32_splat(numbers));
  const mu = v128.load32_splat(numbers, 4);
  for (const end = at(w, count); w < end; w += 32, o += 32, v += 32) {
    const o0 = v128.load(o);
    const o1 = v128.load(o, 16);
    const d0 = f32x4.sub(o0, v128.load(w));
    const d1 = f32x4.sub(o1, v128.load(w, 16));
    const v0 = madd(mu, v128.load(v), d0);
    const v1 = madd(mu, v128.load(v, 16), d1);
    const w0 = madd(minusRate, madd(mu, v0, d0), o0);
    const w1 = madd(minusRate, madd(mu, v1, d1), o1);
    v128.store(v, v0);
    v128.store(v, v1, 16);
    v128.store(w, w0);
    v128.store(w, w1, 16);
  }
}
