// Updates in place, eight parameters a turn. The arrays are padded to whole groups of eight.
// args of each: parameter, gradient, slot, slot, clip factor, then numbers of its own. Items: numbers.
import { at } from './address';
import { madd } from './math';

// @ts-ignore: decorator
@inline
function array(args: usize, slot: usize, index: i32): usize {
  return at(load<usize>(args + (slot << 2)), index);
}

/** w ← w − η g. Numbers: η. */
export function sgd(args: usize, from: i32, to: i32): void {
  let w = array(args, 0, from);
  let g = array(args, 1, from);
  const clip = v128.load32_splat(args, 16);
  const minusRate = f32x4.neg(v128.load32_splat(args, 20));
  for (const end = array(args, 0, to); w < end; w += 32, g += 32) {
    const a = madd(minusRate, f32x4.mul(clip, v128.load(g)), v128.load(w));
    const b = madd(minusRate, f32x4.mul(clip, v128.load(g, 16)), v128.load(w, 16));
    v128.store(w, a);
    v128.store(w, b, 16);
  }
}

/** v ← μ v + g; w ← w − η v, or with Nesterov's look ahead w ← w − η (g + μ v). Numbers: η, μ, Nesterov. */
export function momentum(args: usize, from: i32, to: i32): void {
  let w = array(args, 0, from);
  let g = array(args, 1, from);
  let v = array(args, 2, from);
  const clip = v128.load32_splat(args, 16);
  const minusRate = f32x4.neg(v128.load32_splat(args, 20));
  const mu = v128.load32_splat(args, 24);
  const nesterov = load<i32>(args, 28);
  for (const end = array(args, 0, to); w < end; w += 32, g += 32, v += 32) {
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
export function rmsprop(args: usize, from: i32, to: i32): void {
  let w = array(args, 0, from);
  let g = array(args, 1, from);
  let s = array(args, 2, from);
  const clip = v128.load32_splat(args, 16);
  const minusRate = f32x4.neg(v128.load32_splat(args, 20));
  const decay = v128.load32_splat(args, 24);
  const rest = v128.load32_splat(args, 28);
  const epsilon = v128.load32_splat(args, 32);
  for (const end = array(args, 0, to); w < end; w += 32, g += 32, s += 32) {
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
export function adam(args: usize, from: i32, to: i32): void {
  let w = array(args, 0, from);
  let g = array(args, 1, from);
  let m = array(args, 2, from);
  let v = array(args, 3, from);
  const clip = v128.load32_splat(args, 16);
  const minusRate = f32x4.neg(v128.load32_splat(args, 20));
  const decay1 = v128.load32_splat(args, 24);
  const rest1 = v128.load32_splat(args, 28);
  const decay2 = v128.load32_splat(args, 32);
  const rest2 = v128.load32_splat(args, 36);
  const correction = v128.load32_splat(args, 40);
  const epsilon = v128.load32_splat(args, 44);
  for (const end = array(args, 0, to); w < end; w += 32, g += 32, m += 32, v += 32) {
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
