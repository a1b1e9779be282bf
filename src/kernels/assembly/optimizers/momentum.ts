import { at } from '../address';
import { madd } from '../math';

/** w ← w − η g. Numbers: η. */
export function sgd(operands: usize, count: i32, numbers: usize, span: usize): void {
  let w = load<usize>(operands);
  let g = load<usize>(operands, 4);
  const scale = v128.load32_splat(span);
  const minusRate = f32x4.neg(v128.load32_splat(numbers));
  for (const end = at(w, count); w < end; w += 32, g += 32) {
    const a = madd(minusRate, f32x4.mul(scale, v128.load(g)), v128.load(w));
    const b = madd(minusRate, f32x4.mul(scale, v128.load(g, 16)), v128.load(w, 16));
    v128.store(w, a);
    v128.store(w, b, 16);
  }
}

/** v ← μ v + g; w ← w − η v, or with Nesterov's look ahead w ← w − η (g + μ v). Numbers: η, μ, Nesterov. */
export function momentum(operands: usize, count: i32, numbers: usize, span: usize): void {
  let w = load<usize>(operands);
  let g = load<usize>(operands, 4);
  let v = load<usize>(operands, 8);
  const scale = v128.load32_splat(span);
  const minusRate = f32x4.neg(v128.load32_splat(numbers));
  const mu = v128.load32_splat(numbers, 4);
  const nesterov = load<i32>(numbers, 8);
  for (const end = at(w, count); w < end; w += 32, g += 32, v += 32) {
    const g0 = f32x4.mul(scale, v128.load(g));
    const g1 = f32x4.mul(scale, v128.load(g, 16));
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

/** v ← μ v − η g; w ← w + v. Numbers: η, μ. */
export function classicalMomentum(operands: usize, count: i32, numbers: usize, span: usize): void {
  let w = load<usize>(operands);
  let g = load<usize>(operands, 4);
  let v = load<usize>(operands, 8);
  const minusRate = f32x4.neg(v128.load32_splat(numbers));
  const mu = v128.load32_splat(numbers, 4);
  const scale = v128.load32_splat(span);
  for (const end = at(w, count); w < end; w += 32, g += 32, v += 32) {
    const v0 = madd(minusRate, f32x4.mul(scale, v128.load(g)), f32x4.mul(mu, v128.load(v)));
    const v1 = madd(minusRate, f32x4.mul(scale, v128.load(g, 16)), f32x4.mul(mu, v128.load(v, 16)));
    const w0 = f32x4.add(v128.load(w), v0);
    const w1 = f32x4.add(v128.load(w, 16), v1);
    v128.store(v, v0);
    v128.store(v, v1, 16);
    v128.store(w, w0);
    v128.store(w, w1, 16);
  }
}

/** a ← w + μ v: where the velocity leads. Numbers: μ. */
export function lookAhead(operands: usize, count: i32, numbers: usize): void {
  let w = load<usize>(operands);
  let v = load<usize>(operands, 8);
  let a = load<usize>(operands, 12);
  const mu = v128.load32_splat(numbers);
  for (const end = at(w, count); w < end; w += 32, a += 32, v += 32) {
    const a0 = madd(mu, v128.load(v), v128.load(w));
    const a1 = madd(mu, v128.load(v, 16), v128.load(w, 16));
    v128.store(a, a0);
    v128.store(a, a1, 16);
  }
}

/** w ← w + μ′ μ v − (1 + μ′) η g; v ← μ v − η g. Numbers: η, μ, μ′ μ, (1 + μ′) η. */
export function nesterovSimplified(operands: usize, count: i32, numbers: usize, span: usize): void {
  let w = load<usize>(operands);
  let g = load<usize>(operands, 4);
  let v = load<usize>(operands, 8);
  const minusRate = f32x4.neg(v128.load32_splat(numbers));
  const mu = v128.load32_splat(numbers, 4);
  const both = v128.load32_splat(numbers, 8);
  const minusMore = f32x4.neg(v128.load32_splat(numbers, 12));
  const scale = v128.load32_splat(span);
  for (const end = at(w, count); w < end; w += 32, g += 32, v += 32) {
    const g0 = f32x4.mul(scale, v128.load(g));
    const g1 = f32x4.mul(scale, v128.load(g, 16));
    const old0 = v128.load(v);
    const old1 = v128.load(v, 16);
    const w0 = f32x4.add(v128.load(w), madd(minusMore, g0, f32x4.mul(both, old0)));
    const w1 = f32x4.add(v128.load(w, 16), madd(minusMore, g1, f32x4.mul(both, old1)));
    const v0 = madd(minusRate, g0, f32x4.mul(mu, old0));
    const v1 = madd(minusRate, g1, f32x4.mul(mu, old1));
    v128.store(v, v0);
    v128.store(v, v1, 16);
    v128.store(w, w0);
    v128.store(w, w1, 16);
  }
}
