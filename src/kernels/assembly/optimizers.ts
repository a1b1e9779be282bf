// Updates in place, eight numbers a turn. An optimizer is one function of
//   operands: addresses of the weights, the gradient and each slot;
//   count: how many numbers, whole groups of eight;
//   numbers: the clip factor, then the optimizer's own.
// A new one is such a function, a name in `Rule` and a case of `apply`.
import { Rule } from '../jobs';
import { at } from './address';
import { madd } from './math';

export function apply(rule: i32, operands: usize, count: i32, numbers: usize): void {
  switch (rule) {
    case Rule.sgd: return sgd(operands, count, numbers);
    case Rule.momentum: return momentum(operands, count, numbers);
    case Rule.rmsprop: return rmsprop(operands, count, numbers);
    case Rule.adam: return adam(operands, count, numbers);
  }
}

/** w ← w − η g. Numbers: η. */
function sgd(operands: usize, count: i32, numbers: usize): void {
  let w = load<usize>(operands);
  let g = load<usize>(operands, 4);
  const clip = v128.load32_splat(numbers);
  const minusRate = f32x4.neg(v128.load32_splat(numbers, 4));
  for (const end = at(w, count); w < end; w += 32, g += 32) {
    const a = madd(minusRate, f32x4.mul(clip, v128.load(g)), v128.load(w));
    const b = madd(minusRate, f32x4.mul(clip, v128.load(g, 16)), v128.load(w, 16));
    v128.store(w, a);
    v128.store(w, b, 16);
  }
}

/** v ← μ v + g; w ← w − η v, or with Nesterov's look ahead w ← w − η (g + μ v). Numbers: η, μ, Nesterov. */
function momentum(operands: usize, count: i32, numbers: usize): void {
  let w = load<usize>(operands);
  let g = load<usize>(operands, 4);
  let v = load<usize>(operands, 8);
  const clip = v128.load32_splat(numbers);
  const minusRate = f32x4.neg(v128.load32_splat(numbers, 4));
  const mu = v128.load32_splat(numbers, 8);
  const nesterov = load<i32>(numbers, 12);
  for (const end = at(w, count); w < end; w += 32, g += 32, v += 32) {
    const g0 = f32x4.mul(clip, v128.load(g));
    const g1 = f32x4.mul(clip, v128.load(g, 16));
    const v0 = madd(mu, v128.load(v), g0);
    const v1 = madd(mu, v128.load(v, 16), g1);
    const step0 = nesterov ? madd(mu, v0, g0) : v0;
    const step1 = nesterov ? madd(mu, v1, g1) : v1;
    const w0 = madd(minusRate, step0, v128.load(w));
    const w1 = madd(minusRate, step1, v128.load(w, 16));
    v128.store(v, v0);
    v128.store(v, v1, 16);
    v128.store(w, w0);
    v128.store(w, w1, 16);
  }
}

/** s ← ρ s + (1 − ρ) g²; w ← w − η g / (√s + ε). Numbers: η, ρ, 1 − ρ, ε. */
function rmsprop(operands: usize, count: i32, numbers: usize): void {
  let w = load<usize>(operands);
  let g = load<usize>(operands, 4);
  let s = load<usize>(operands, 8);
  const clip = v128.load32_splat(numbers);
  const minusRate = f32x4.neg(v128.load32_splat(numbers, 4));
  const decay = v128.load32_splat(numbers, 8);
  const rest = v128.load32_splat(numbers, 12);
  const epsilon = v128.load32_splat(numbers, 16);
  for (const end = at(w, count); w < end; w += 32, g += 32, s += 32) {
    const g0 = f32x4.mul(clip, v128.load(g));
    const g1 = f32x4.mul(clip, v128.load(g, 16));
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
 * m ← β₁ m + (1 − β₁) g; v ← β₂ v + (1 − β₂) g²; w ← w − η′ m / (√v / √(1 − β₂ᵗ) + ε) with η′ = η / (1 − β₁ᵗ).
 * Numbers: η′, β₁, 1 − β₁, β₂, 1 − β₂, 1 / √(1 − β₂ᵗ), ε.
 */
function adam(operands: usize, count: i32, numbers: usize): void {
  let w = load<usize>(operands);
  let g = load<usize>(operands, 4);
  let m = load<usize>(operands, 8);
  let v = load<usize>(operands, 12);
  const clip = v128.load32_splat(numbers);
  const minusRate = f32x4.neg(v128.load32_splat(numbers, 4));
  const decay1 = v128.load32_splat(numbers, 8);
  const rest1 = v128.load32_splat(numbers, 12);
  const decay2 = v128.load32_splat(numbers, 16);
  const rest2 = v128.load32_splat(numbers, 20);
  const correction = v128.load32_splat(numbers, 24);
  const epsilon = v128.load32_splat(numbers, 28);
  for (const end = at(w, count); w < end; w += 32, g += 32, m += 32, v += 32) {
    const g0 = f32x4.mul(clip, v128.load(g));
    const g1 = f32x4.mul(clip, v128.load(g, 16));
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
