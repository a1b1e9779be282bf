import { at } from '../address';
import { madd } from '../math';

/**
 * m ← β₁ m + (1 − β₁) g; v ← β₂ v + (1 − β₂) g²; w ← w − η′ m / (√v / √(1 − β₂ᵗ) + ε) with η′ = η / (1 − β₁ᵗ).
 * Numbers: η′, β₁, 1 − β₁, β₂, 1 − β₂, 1 / √(1 − β₂ᵗ), ε.
 */
export function adam(operands: usize, count: i32, numbers: usize, span: usize): void {
  let w = load<usize>(operands);
  let g = load<usize>(operands, 4);
  let m = load<usize>(operands, 8);
  let v = load<usize>(operands, 12);
  const scale = v128.load32_splat(span);
  const minusRate = f32x4.neg(v128.load32_splat(numbers));
  const decay1 = v128.load32_splat(numbers, 4);
  const rest1 = v128.load32_splat(numbers, 8);
  const decay2 = v128.load32_splat(numbers, 12);
  const rest2 = v128.load32_splat(numbers, 16);
  const correction = v128.load32_splat(numbers, 20);
  const epsilon = v128.load32_splat(numbers, 24);
  for (const end = at(w, count); w < end; w += 32, g += 32, m += 32, v += 32) {
    const g0 = f32x4.mul(scale, v128.load(g));
    const g1 = f32x4.mul(scale, v128.load(g, 16));
    const m0 = madd(decay1, v128.load(m), f32x4.mul(rest1, g0));
    const m1 = madd(decay1, v128.load(m, 16), f32x4.mul(rest1, g1));
    const v0 = madd(decay2, v128.load(v), f32x4.mul(rest2, f32x4.mul(g0, g0)));
    const v1 = madd(decay2, v128.load(v, 16), f32x4.mul(rest2, f32x4.mul(g1, g1)));
    const w0 = madd(minusRate, f32x4.div(m0, madd(f32x4.sqrt(v0), correction, epsilon)), v128.load(w));
    const w1 = madd(minusRate, f32x4.div(m1, madd(f32x4.sqrt(v1), correction, epsilon)), v128.load(w, 16));
    v128.store(m, m0);
    v128.store(m, m1, 16);
    v128.store(v, v0);
    v128.store(v, v1, 16);
    v128.store(w, w0);
    v128.store(w, w1, 16);
  }
}

/**
 * Adam's step from weights that decayed first, w ← (1 − ηλ) w. Numbers: Adam's, then 1 − ηλ of weights and of biases.
 */
export function adamw(operands: usize, count: i32, numbers: usize, span: usize): void {
  let w = load<usize>(operands);
  let g = load<usize>(operands, 4);
  let m = load<usize>(operands, 8);
  let v = load<usize>(operands, 12);
  const minusRate = f32x4.neg(v128.load32_splat(numbers));
  const decay1 = v128.load32_splat(numbers, 4);
  const rest1 = v128.load32_splat(numbers, 8);
  const decay2 = v128.load32_splat(numbers, 12);
  const rest2 = v128.load32_splat(numbers, 16);
  const correction = v128.load32_splat(numbers, 20);
  const epsilon = v128.load32_splat(numbers, 24);
  const shrink = v128.load32_splat(numbers + load<i32>(span, 4), 28);
  const scale = v128.load32_splat(span);
  for (const end = at(w, count); w < end; w += 32, g += 32, m += 32, v += 32) {
    const g0 = f32x4.mul(scale, v128.load(g));
    const g1 = f32x4.mul(scale, v128.load(g, 16));
    const m0 = madd(decay1, v128.load(m), f32x4.mul(rest1, g0));
    const m1 = madd(decay1, v128.load(m, 16), f32x4.mul(rest1, g1));
    const v0 = madd(decay2, v128.load(v), f32x4.mul(rest2, f32x4.mul(g0, g0)));
    const v1 = madd(decay2, v128.load(v, 16), f32x4.mul(rest2, f32x4.mul(g1, g1)));
    const kept0 = f32x4.mul(shrink, v128.load(w));
    const kept1 = f32x4.mul(shrink, v128.load(w, 16));
    const w0 = madd(minusRate, f32x4.div(m0, madd(f32x4.sqrt(v0), correction, epsilon)), kept0);
    const w1 = madd(minusRate, f32x4.div(m1, madd(f32x4.sqrt(v1), correction, epsilon)), kept1);
    v128.store(m, m0);
    v128.store(m, m1, 16);
    v128.store(v, v0);
    v128.store(v, v1, 16);
    v128.store(w, w0);
    v128.store(w, w1, 16);
  }
}

/**
 * m ← β₁ m + (1 − β₁) g; v ← β₂ v + (1 − β₂) g²; w ← w − (a m + b g) / (√v / √(1 − β₂ᵗ) + ε).
 * Numbers: a, β₁, 1 − β₁, β₂, 1 − β₂, 1 / √(1 − β₂ᵗ), ε, b.
 */
export function nadam(operands: usize, count: i32, numbers: usize, span: usize): void {
  let w = load<usize>(operands);
  let g = load<usize>(operands, 4);
  let m = load<usize>(operands, 8);
  let v = load<usize>(operands, 12);
  const ofMean = v128.load32_splat(numbers);
  const decay1 = v128.load32_splat(numbers, 4);
  const rest1 = v128.load32_splat(numbers, 8);
  const decay2 = v128.load32_splat(numbers, 12);
  const rest2 = v128.load32_splat(numbers, 16);
  const correction = v128.load32_splat(numbers, 20);
  const epsilon = v128.load32_splat(numbers, 24);
  const ofGradient = v128.load32_splat(numbers, 28);
  const scale = v128.load32_splat(span);
  for (const end = at(w, count); w < end; w += 32, g += 32, m += 32, v += 32) {
    const g0 = f32x4.mul(scale, v128.load(g));
    const g1 = f32x4.mul(scale, v128.load(g, 16));
    const m0 = madd(decay1, v128.load(m), f32x4.mul(rest1, g0));
    const m1 = madd(decay1, v128.load(m, 16), f32x4.mul(rest1, g1));
    const v0 = madd(decay2, v128.load(v), f32x4.mul(rest2, f32x4.mul(g0, g0)));
    const v1 = madd(decay2, v128.load(v, 16), f32x4.mul(rest2, f32x4.mul(g1, g1)));
    const step0 = madd(ofMean, m0, f32x4.mul(ofGradient, g0));
    const step1 = madd(ofMean, m1, f32x4.mul(ofGradient, g1));
    const w0 = f32x4.sub(v128.load(w), f32x4.div(step0, madd(f32x4.sqrt(v0), correction, epsilon)));
    const w1 = f32x4.sub(v128.load(w, 16), f32x4.div(step1, madd(f32x4.sqrt(v1), correction, epsilon)));
    v128.store(m, m0);
    v128.store(m, m1, 16);
    v128.store(v, v0);
    v128.store(v, v1, 16);
    v128.store(w, w0);
    v128.store(w, w1, 16);
  }
}
