// Rules that estimate curvature keep more for each weight than there are registers: four numbers a turn, since none of
// their loops is bound by arithmetic.
import { at } from '../address';
import { madd } from '../math';

/** k ← (1 − 1/τ) k + x/τ. */
// @ts-ignore: decorator
@inline
function blend(kept: v128, x: v128, share: v128, rest: v128): v128 {
  return madd(rest, kept, f32x4.mul(share, x));
}

// @ts-ignore: decorator
@inline
function square(x: v128): v128 {
  return f32x4.mul(x, x);
}

/** Whether |x − mean| > 2 √(meanSquare − mean²); not where rounding made the variance negative. Numbers: 4 and 0. */
// @ts-ignore: decorator
@inline
function isOutlier(x: v128, mean: v128, meanSquare: v128, four: v128, zero: v128): v128 {
  const variance = f32x4.sub(meanSquare, square(mean));
  return v128.and(
    f32x4.ge(variance, zero),
    f32x4.gt(square(f32x4.sub(x, mean)), f32x4.mul(four, variance)),
  );
}

/**
 * AdaSecant, as its description has it. Slots: mean and mean square of the gradient, of its change and of the step, mean
 * product of step and change, numerator and denominator of γ², memory, last gradient, last corrected gradient.
 * Numbers: 1 at the first step, ρ, 1 − ρ, γ's bound, δ, ε, 1, 4, 2.1, 2.2, 1.5, 10⁸, 0.
 */
export function adasecant(operands: usize, count: i32, numbers: usize, span: usize): void {
  const first = load<f32>(numbers) != 0;
  const decay = v128.load32_splat(numbers, 4);
  const rest = v128.load32_splat(numbers, 8);
  const most = v128.load32_splat(numbers, 12);
  const damping = v128.load32_splat(numbers, 16);
  const epsilon = v128.load32_splat(numbers, 20);
  const one = v128.load32_splat(numbers, 24);
  const four = v128.load32_splat(numbers, 28);
  const zero = v128.load32_splat(numbers, 48);
  const scale = v128.load32_splat(span);
  const w = load<usize>(operands);
  const gradient = load<usize>(operands, 4);
  const mean = load<usize>(operands, 8);
  const meanSquare = load<usize>(operands, 12);
  const change = load<usize>(operands, 16);
  const changeSquare = load<usize>(operands, 20);
  const step = load<usize>(operands, 24);
  const stepSquare = load<usize>(operands, 28);
  const product = load<usize>(operands, 32);
  const numerator = load<usize>(operands, 36);
  const denominator = load<usize>(operands, 40);
  const memory = load<usize>(operands, 44);
  const last = load<usize>(operands, 48);
  const lastCorrected = load<usize>(operands, 52);
  const bytes = (<usize>count) << 2;
  for (let o: usize = 0; o < bytes; o += 16) {
    const g = f32x4.mul(scale, v128.load(gradient + o));
    if (first) {
      v128.store(mean + o, damping);
      v128.store(meanSquare + o, damping);
      v128.store(change + o, damping);
      v128.store(changeSquare + o, damping);
      v128.store(step + o, zero);
      v128.store(stepSquare + o, square(g));
      v128.store(product + o, damping);
      v128.store(numerator + o, damping);
      v128.store(denominator + o, damping);
      v128.store(memory + o, v128.load32_splat(numbers, 32));
      v128.store(last + o, damping);
      v128.store(lastCorrected + o, damping);
    }
    const tau = v128.load(memory + o);
    const share = f32x4.div(one, tau);
    const keep = f32x4.sub(one, share);
    const corrected = v128.load(lastCorrected + o);
    const m = madd(decay, v128.load(mean + o), f32x4.mul(rest, g));
    const s = madd(decay, v128.load(meanSquare + o), f32x4.mul(rest, square(g)));

    const n = v128.load(numerator + o);
    const d = v128.load(denominator + o);
    const gamma = f32x4.pmin(f32x4.div(f32x4.sqrt(n), f32x4.sqrt(f32x4.add(d, damping))), most);
    const apart = f32x4.sub(corrected, m);
    v128.store(numerator + o, blend(n, square(f32x4.mul(f32x4.sub(g, corrected), apart)), share, keep));
    v128.store(denominator + o, blend(d, square(f32x4.mul(f32x4.sub(m, g), apart)), share, keep));
    const better = f32x4.div(madd(gamma, m, g), f32x4.add(one, gamma));

    const alpha = f32x4.sub(g, v128.load(last + o));
    const a = blend(v128.load(change + o), alpha, share, keep);
    const a2 = blend(v128.load(changeSquare + o), square(alpha), share, keep);
    const e2 = v128.load(stepSquare + o);
    const curvature = f32x4.add(a2, epsilon);
    const c = v128.load(product + o);
    const rate = f32x4.sub(
      f32x4.div(f32x4.sqrt(f32x4.add(e2, epsilon)), f32x4.sqrt(curvature)),
      f32x4.div(c, curvature),
    );
    const delta = f32x4.neg(f32x4.mul(rate, better));

    // The first step counts as if the gradient had been the step before.
    const e = v128.load(step + o);
    const before = first ? g : e;
    const longer = f32x4.sub(one, f32x4.div(square(before), f32x4.add(e2, damping)));
    const next = f32x4.add(madd(longer, tau, one), damping);
    const outlier = v128.or(isOutlier(g, m, s, four, zero), isOutlier(alpha, a, a2, four, zero));
    const reset = v128.bitselect(v128.load32_splat(numbers, 36), next, outlier);
    const held = f32x4.pmin(f32x4.pmax(reset, v128.load32_splat(numbers, 40)), v128.load32_splat(numbers, 44));

    v128.store(mean + o, m);
    v128.store(meanSquare + o, s);
    v128.store(change + o, a);
    v128.store(changeSquare + o, a2);
    v128.store(step + o, blend(e, delta, share, keep));
    v128.store(stepSquare + o, blend(e2, square(delta), share, keep));
    v128.store(product + o, blend(c, f32x4.mul(delta, alpha), share, keep));
    v128.store(memory + o, held);
    v128.store(last + o, g);
    v128.store(lastCorrected + o, better);
    v128.store(w + o, f32x4.add(v128.load(w + o), delta));
  }
}

/** a ← w + m, or w + g at the first step, where vSGD asks for a second gradient; b ← g. Numbers: 1 at the first. */
export function probe(operands: usize, count: i32, numbers: usize, span: usize): void {
  let w = load<usize>(operands);
  let g = load<usize>(operands, 4);
  let m = load<usize>(operands, 8);
  let a = load<usize>(operands, 28);
  let b = load<usize>(operands, 32);
  const first = load<f32>(numbers) != 0;
  const scale = v128.load32_splat(span);
  for (const end = at(w, count); w < end; w += 16, g += 16, a += 16, b += 16, m += 16) {
    const here = v128.load(w);
    const slope = f32x4.mul(scale, v128.load(g));
    const shift = first ? slope : v128.load(m);
    v128.store(b, slope);
    v128.store(a, f32x4.add(here, shift));
  }
}

/**
 * vSGD after `probe`, as its description has it. Slots: mean and mean square of the gradient and of the curvature, memory;
 * then what `probe` left. Numbers: 1 while it collects, its share then, what v and h are multiplied by, the same of v_h,
 * least shift, ε, 1, 4, 0, memory at first, 10⁻³⁰.
 */
export function vsgd(operands: usize, count: i32, numbers: usize, span: usize): void {
  const collects = load<f32>(numbers) != 0;
  const collected = v128.load32_splat(numbers, 4);
  const more = v128.load32_splat(numbers, 8);
  const muchMore = v128.load32_splat(numbers, 12);
  const least = v128.load32_splat(numbers, 16);
  const epsilon = v128.load32_splat(numbers, 20);
  const one = v128.load32_splat(numbers, 24);
  const four = v128.load32_splat(numbers, 28);
  const zero = v128.load32_splat(numbers, 32);
  const scale = v128.load32_splat(span);
  const w = load<usize>(operands);
  const gradient = load<usize>(operands, 4);
  const mean = load<usize>(operands, 8);
  const meanSquare = load<usize>(operands, 12);
  const curvature = load<usize>(operands, 16);
  const curvatureSquare = load<usize>(operands, 20);
  const memory = load<usize>(operands, 24);
  const aside = load<usize>(operands, 28);
  const slope = load<usize>(operands, 32);
  const bytes = (<usize>count) << 2;
  for (let o: usize = 0; o < bytes; o += 16) {
    const here = v128.load(w + o);
    const g = v128.load(slope + o);
    const shift = f32x4.sub(v128.load(aside + o), here);
    const seen = f32x4.ge(f32x4.abs(shift), least);
    const h1 = f32x4.abs(f32x4.div(f32x4.sub(g, f32x4.mul(scale, v128.load(gradient + o))), shift));
    const m0 = v128.load(mean + o);
    const v0 = v128.load(meanSquare + o);
    const h0 = v128.load(curvature + o);
    const k0 = v128.load(curvatureSquare + o);
    const strange = v128.or(isOutlier(g, m0, v0, four, zero), v128.and(seen, isOutlier(h1, h0, k0, four, zero)));
    const tau = f32x4.add(v128.load(memory + o), v128.and(one, strange));
    const share = collects ? collected : f32x4.div(one, tau);
    const keep = f32x4.sub(one, share);
    const m = blend(m0, g, share, keep);
    const v = f32x4.mul(more, blend(v0, square(g), share, keep));
    const h = f32x4.mul(more, v128.bitselect(blend(h0, h1, share, keep), h0, seen));
    const k = f32x4.mul(muchMore, v128.bitselect(blend(k0, square(h1), share, keep), k0, seen));
    const sure = f32x4.div(square(m), f32x4.add(v, v128.load32_splat(numbers, 40)));
    const rate = f32x4.mul(f32x4.div(f32x4.add(h, epsilon), f32x4.add(k, epsilon)), sure);
    const next = madd(f32x4.pmax(f32x4.sub(one, sure), zero), tau, one);
    const moved = f32x4.sub(here, f32x4.mul(rate, g));
    v128.store(mean + o, m);
    v128.store(meanSquare + o, v);
    v128.store(curvature + o, h);
    v128.store(curvatureSquare + o, k);
    v128.store(memory + o, collects ? v128.load32_splat(numbers, 36) : next);
    v128.store(w + o, collects ? here : moved);
  }
}
