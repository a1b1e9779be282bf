import { at } from '../address';
import { madd } from '../math';

/** s ← s + g²; w ← w − η g / (√s + ε). Numbers: η, ε. */
export function adagrad(operands: usize, count: i32, numbers: usize, span: usize): void {
  let w = load<usize>(operands);
  let g = load<usize>(operands, 4);
  let s = load<usize>(operands, 8);
  const minusRate = f32x4.neg(v128.load32_splat(numbers));
  const epsilon = v128.load32_splat(numbers, 4);
  const scale = v128.load32_splat(span);
  for (const end = at(w, count); w < end; w += 32, g += 32, s += 32) {
    const g0 = f32x4.mul(scale, v128.load(g));
    const g1 = f32x4.mul(scale, v128.load(g, 16));
    const s0 = madd(g0, g0, v128.load(s));
    const s1 = madd(g1, g1, v128.load(s, 16));
    const w0 = madd(minusRate, f32x4.div(g0, f32x4.add(f32x4.sqrt(s0), epsilon)), v128.load(w));
    const w1 = madd(minusRate, f32x4.div(g1, f32x4.add(f32x4.sqrt(s1), epsilon)), v128.load(w, 16));
    v128.store(s, s0);
    v128.store(s, s1, 16);
    v128.store(w, w0);
    v128.store(w, w1, 16);
  }
}

/** s ← ρ s + (1 − ρ) g²; w ← w − η g / (√s + ε). Numbers: η, ρ, 1 − ρ, ε. */
export function rmsprop(operands: usize, count: i32, numbers: usize, span: usize): void {
  let w = load<usize>(operands);
  let g = load<usize>(operands, 4);
  let s = load<usize>(operands, 8);
  const scale = v128.load32_splat(span);
  const minusRate = f32x4.neg(v128.load32_splat(numbers));
  const decay = v128.load32_splat(numbers, 4);
  const rest = v128.load32_splat(numbers, 8);
  const epsilon = v128.load32_splat(numbers, 12);
  for (const end = at(w, count); w < end; w += 32, g += 32, s += 32) {
    const g0 = f32x4.mul(scale, v128.load(g));
    const g1 = f32x4.mul(scale, v128.load(g, 16));
    const s0 = madd(decay, v128.load(s), f32x4.mul(rest, f32x4.mul(g0, g0)));
    const s1 = madd(decay, v128.load(s, 16), f32x4.mul(rest, f32x4.mul(g1, g1)));
    const w0 = madd(minusRate, f32x4.div(g0, f32x4.add(f32x4.sqrt(s0), epsilon)), v128.load(w));
    const w1 = madd(minusRate, f32x4.div(g1, f32x4.add(f32x4.sqrt(s1), epsilon)), v128.load(w, 16));
    v128.store(s, s0);
    v128.store(s, s1, 16);
    v128.store(w, w0);
    v128.store(w, w1, 16);
  }
}

/**
 * s ← ρ s + (1 − ρ) g²; δ = g √(u + ε) / √(s + ε); u ← ρ u + (1 − ρ) δ²; w ← w − η δ. Numbers: η, ρ, 1 − ρ, ε.
 */
export function adadelta(operands: usize, count: i32, numbers: usize, span: usize): void {
  let w = load<usize>(operands);
  let g = load<usize>(operands, 4);
  let s = load<usize>(operands, 8);
  let u = load<usize>(operands, 12);
  const minusRate = f32x4.neg(v128.load32_splat(numbers));
  const decay = v128.load32_splat(numbers, 4);
  const rest = v128.load32_splat(numbers, 8);
  const epsilon = v128.load32_splat(numbers, 12);
  const scale = v128.load32_splat(span);
  for (const end = at(w, count); w < end; w += 32, g += 32, s += 32, u += 32) {
    const g0 = f32x4.mul(scale, v128.load(g));
    const g1 = f32x4.mul(scale, v128.load(g, 16));
    const s0 = madd(decay, v128.load(s), f32x4.mul(rest, f32x4.mul(g0, g0)));
    const s1 = madd(decay, v128.load(s, 16), f32x4.mul(rest, f32x4.mul(g1, g1)));
    const old0 = v128.load(u);
    const old1 = v128.load(u, 16);
    const d0 = f32x4.mul(g0, f32x4.div(f32x4.sqrt(f32x4.add(old0, epsilon)), f32x4.sqrt(f32x4.add(s0, epsilon))));
    const d1 = f32x4.mul(g1, f32x4.div(f32x4.sqrt(f32x4.add(old1, epsilon)), f32x4.sqrt(f32x4.add(s1, epsilon))));
    const u0 = madd(decay, old0, f32x4.mul(rest, f32x4.mul(d0, d0)));
    const u1 = madd(decay, old1, f32x4.mul(rest, f32x4.mul(d1, d1)));
    const w0 = madd(minusRate, d0, v128.load(w));
    const w1 = madd(minusRate, d1, v128.load(w, 16));
    v128.store(s, s0);
    v128.store(s, s1, 16);
    v128.store(u, u0);
    v128.store(u, u1, 16);
    v128.store(w, w0);
    v128.store(w, w1, 16);
  }
}
