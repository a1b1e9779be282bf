// Vector functions, four lanes at a time. Constants come from memory and are loaded by `v128.load32_splat`: a `v128.const`
// within a loop is built again at each use.
import { FMA } from './config';

/** a · b + c, with one rounding where the tier has it. */
// @ts-ignore: decorator
@inline
export function madd(a: v128, b: v128, c: v128): v128 {
  return FMA ? f32x4.relaxed_madd(a, b, c) : f32x4.add(f32x4.mul(a, b), c);
}

// e^x = 2^n · e^r with n = round(x / ln 2) and r = x − n ln 2 in two parts (Cody and Waite, 1980);
// e^r = 1 + r + r² g(r), g the polynomial of degree 4 through the Chebyshev nodes of |r| ≤ ½ ln 2 (relative error 1.0e-8).
// 1.5 · 2²³ added to x / ln 2 leaves n in the low bits: shifted by 23 they are the exponent. 126 more make it biased,
// one less than the format's bias so that n = 128 still fits; the missing factor 2 comes last.
export const EXP: usize = memory.data<f32>([
  1.4426950408889634, // 0: 1 / ln 2
  12583038.0, // 4: 1.5 · 2²³ + 126
  -0.693359375, // 8: −ln 2, upper part (exact in 10 bits)
  2.12194440e-4, // 12: −ln 2, lower part
  0.0013926184037700295, // 16: g
  0.008363178931176662, // 20
  0.041666556149721146, // 24
  0.16666576266288757, // 28
  0.5, // 32
  1.0, // 36
  2.0, // 40
  88.8, // 44: above, the result is infinite
  -86.6, // 48: below, the result is 0
  9.1, // 52: tanh is ±1 beyond
  -9.1, // 56
  12583039.0, // 60: 1.5 · 2²³ + 127
  88.0, // 64: logistic's argument is held within ±88
  -1.0, // 68
]);

/** r of the reduction above. */
// @ts-ignore: decorator
@inline
function remainder(x: v128, n: v128, high: v128, low: v128): v128 {
  return madd(n, low, madd(n, high, x));
}

/** log x = n ln 2 + 2 artanh(s), s = (m − 1) / (m + 1), x = 2ⁿ m with m in [√½, √2). */
export const LOG: usize = memory.data<f32>([
  0.693359375, // 0
  -2.12194440e-4, // 4
  0.2222222222, // 8: 2/9
  0.2857142857, // 12: 2/7
  0.4, // 16: 2/5
  0.6666666667, // 20: 2/3
]);

// @ts-ignore: decorator
@inline
export function log4(x: v128): v128 {
  const tiny = f32x4.lt(x, f32x4.splat(1.17549435e-38));
  const scaled = v128.bitselect(f32x4.mul(x, f32x4.splat(8388608.0)), x, tiny);
  const bits = i32x4.sub(scaled, i32x4.splat(0x3f3504f3));
  const exponent = i32x4.shr_s(bits, 23);
  const m = i32x4.sub(scaled, i32x4.shl(exponent, 23));
  const n = f32x4.sub(
    f32x4.convert_i32x4_s(exponent),
    v128.and(f32x4.splat(23.0), tiny),
  );
  const s = f32x4.div(f32x4.sub(m, f32x4.splat(1.0)), f32x4.add(m, f32x4.splat(1.0)));
  const q = f32x4.mul(s, s);
  const series = madd(
    madd(madd(v128.load32_splat(LOG, 8), q, v128.load32_splat(LOG, 12)), q, v128.load32_splat(LOG, 16)),
    q,
    v128.load32_splat(LOG, 20),
  );
  // 2 s is kept apart from the rest of the series, which is small in comparison.
  const rest = madd(f32x4.mul(q, s), series, f32x4.mul(n, v128.load32_splat(LOG, 4)));
  const value = madd(n, v128.load32_splat(LOG, 0), f32x4.add(f32x4.add(s, s), rest));
  // log 0 = −∞, log of a negative number = NaN, log ∞ = ∞.
  const infinity = f32x4.splat(f32.MAX_VALUE * 2.0);
  const zero = f32x4.eq(x, f32x4.splat(0.0));
  const negative = f32x4.lt(x, f32x4.splat(0.0));
  let result = v128.bitselect(x, value, v128.or(f32x4.eq(x, infinity), f32x4.ne(x, x)));
  result = v128.bitselect(f32x4.neg(infinity), result, zero);
  return v128.or(result, negative);
}

/** The sum of four lanes, always in the same order. */
// @ts-ignore: decorator
@inline
export function horizontalSum(x: v128): f32 {
  return (
    f32x4.extract_lane(x, 0) + f32x4.extract_lane(x, 1) + (f32x4.extract_lane(x, 2) + f32x4.extract_lane(x, 3))
  );
}

// @ts-ignore: decorator
@inline
export function horizontalMax(x: v128): f32 {
  return max(
    max(f32x4.extract_lane(x, 0), f32x4.extract_lane(x, 1)),
    max(f32x4.extract_lane(x, 2), f32x4.extract_lane(x, 3)),
  );
}

/** The last `count` (0 to 3) numbers of a row, the other lanes filled. */
// @ts-ignore: decorator
@inline
export function loadTail(pointer: usize, count: i32, filler: f32): v128 {
  let x = f32x4.splat(filler);
  if (count > 0) x = f32x4.replace_lane(x, 0, load<f32>(pointer));
  if (count > 1) x = f32x4.replace_lane(x, 1, load<f32>(pointer, 4));
  if (count > 2) x = f32x4.replace_lane(x, 2, load<f32>(pointer, 8));
  return x;
}

// @ts-ignore: decorator
@inline
export function storeTail(pointer: usize, count: i32, x: v128): void {
  if (count > 0) store<f32>(pointer, f32x4.extract_lane(x, 0));
  if (count > 1) store<f32>(pointer, f32x4.extract_lane(x, 1), 4);
  if (count > 2) store<f32>(pointer, f32x4.extract_lane(x, 2), 8);
}

/** e^x; infinite above 88.8 and 0 below −86.6. */
// @ts-ignore: decorator
@inline
export function exp4(x: v128): v128 {
  const held = f32x4.pmin(x, v128.load32_splat(EXP, 44));
  const magic = v128.load32_splat(EXP, 4);
  const t = madd(held, v128.load32_splat(EXP, 0), magic);
  const r = remainder(held, f32x4.sub(t, magic), v128.load32_splat(EXP, 8), v128.load32_splat(EXP, 12));
  const half = f32x4.mul(f32x4.add(core(r), v128.load32_splat(EXP, 36)), i32x4.shl(t, 23));
  const y = f32x4.mul(half, v128.load32_splat(EXP, 40));
  return v128.andnot(y, f32x4.lt(x, v128.load32_splat(EXP, 48)));
}

/** e^x − 1 = 2ⁿ (e^r − 1) + (2ⁿ − 1), which keeps its digits near 0; infinite above 88.7. */
// @ts-ignore: decorator
@inline
export function expm14(x: v128): v128 {
  const magic = v128.load32_splat(EXP, 4);
  const held = f32x4.pmax(f32x4.pmin(x, v128.load32_splat(EXP, 44)), v128.load32_splat(EXP, 48));
  const t = madd(held, v128.load32_splat(EXP, 0), magic);
  const r = remainder(held, f32x4.sub(t, magic), v128.load32_splat(EXP, 8), v128.load32_splat(EXP, 12));
  // Half of it, since 2ⁿ itself may be too large.
  const half = i32x4.shl(t, 23);
  const less = madd(half, core(r), f32x4.sub(half, v128.load32_splat(EXP, 32)));
  return v128.bitselect(x, f32x4.add(less, less), f32x4.ne(x, x));
}

/**
 * log(1 + e^x) = max(x, 0) + log(1 + u) with u = e^−|x| ≤ 1. What rounding took from 1 + u is put back to first order.
 */
// @ts-ignore: decorator
@inline
export function softplus4(x: v128): v128 {
  const one = v128.load32_splat(EXP, 36);
  const u = exp4(f32x4.neg(f32x4.abs(x)));
  const v = f32x4.add(one, u);
  const lost = f32x4.div(f32x4.sub(u, f32x4.sub(v, one)), v);
  return f32x4.add(f32x4.max(x, f32x4.splat(0)), f32x4.add(log4(v), lost));
}

/** The logistic function 1 / (1 + e^−x). */
// @ts-ignore: decorator
@inline
export function logistic4(x: v128): v128 {
  const limit = v128.load32_splat(EXP, 64);
  const one = v128.load32_splat(EXP, 36);
  const magic = v128.load32_splat(EXP, 60);
  const held = f32x4.mul(f32x4.pmax(f32x4.pmin(x, limit), f32x4.neg(limit)), v128.load32_splat(EXP, 68));
  const t = madd(held, v128.load32_splat(EXP, 0), magic);
  const r = remainder(held, f32x4.sub(t, magic), v128.load32_splat(EXP, 8), v128.load32_splat(EXP, 12));
  return f32x4.div(one, f32x4.add(f32x4.mul(f32x4.add(core(r), one), i32x4.shl(t, 23)), one));
}

/** tanh x = (e^2x − 1) / (e^2x + 1), from e^2x − 1 = 2ⁿ (e^r − 1) + (2ⁿ − 1), which keeps its digits near 0. */
// @ts-ignore: decorator
@inline
export function tanh4(x: v128): v128 {
  const one = v128.load32_splat(EXP, 36);
  const magic = v128.load32_splat(EXP, 60);
  const held = f32x4.pmax(f32x4.pmin(x, v128.load32_splat(EXP, 52)), v128.load32_splat(EXP, 56));
  const twice = f32x4.add(held, held);
  const t = madd(twice, v128.load32_splat(EXP, 0), magic);
  const r = remainder(twice, f32x4.sub(t, magic), v128.load32_splat(EXP, 8), v128.load32_splat(EXP, 12));
  const power = i32x4.shl(t, 23);
  const less = madd(power, core(r), f32x4.sub(power, one));
  return f32x4.div(less, f32x4.add(less, v128.load32_splat(EXP, 40)));
}

// Φ(−u) = e^(−u²/2) · t · R(t) with t = 1 / (1 + 0.35 u), R of degree 8: within 3.2e-8 of itself for u from 0 to 13.3, beyond
// which e^(−u²/2) is 0 here.
export const NORMAL: usize = memory.data<f32>([
  0.35, // 0
  14.0, // 4: u is held below
  -14.0, // 8
  -0.5, // 12
  -0.029115022195238507, // 16: R
  0.143818448107021, // 20
  -0.25539107512392595, // 24
  0.15879663231380933, // 28
  -0.022843470935602447, // 32
  0.1053921645708021, // 36
  0.1198630845681524, // 40
  0.13985756256788032, // 44
  0.13962166028239512, // 48
  0.3989422804014327, // 52: 1 / √(2π)
  1.5957691216057308, // 56: 2 √(2/π)
  0.07135481282553, // 60: 0.044715 · 2 √(2/π)
  0.21406443847659, // 64: three times that
]);
const UPPER: usize = memory.data<i32>([-4096]);

/** e^(−u²/2) for u from 0 to 14. u² is taken in two parts, the upper one exact: rounded, it would cost u²/2 units. */
// @ts-ignore: decorator
@inline
function bell4(u: v128): v128 {
  const half = v128.load32_splat(NORMAL, 12);
  const magic = v128.load32_splat(EXP, 4);
  const upper = v128.and(u, v128.load32_splat(UPPER));
  const high = f32x4.mul(f32x4.mul(upper, upper), half);
  const low = f32x4.mul(f32x4.mul(f32x4.sub(u, upper), f32x4.add(u, upper)), half);
  const x = f32x4.add(high, low);
  const t = madd(x, v128.load32_splat(EXP, 0), magic);
  const whole = remainder(high, f32x4.sub(t, magic), v128.load32_splat(EXP, 8), v128.load32_splat(EXP, 12));
  const power = f32x4.mul(
    f32x4.add(core(f32x4.add(whole, low)), v128.load32_splat(EXP, 36)),
    i32x4.shl(t, 23),
  );
  return v128.andnot(f32x4.mul(power, v128.load32_splat(EXP, 40)), f32x4.lt(x, v128.load32_splat(EXP, 48)));
}

/** Φ(x), from u = |x| and e^(−u²/2): what lies beyond u, or what is left of 1. */
// @ts-ignore: decorator
@inline
function normal4(x: v128, u: v128, bell: v128): v128 {
  const one = v128.load32_splat(EXP, 36);
  const t = f32x4.div(one, madd(u, v128.load32_splat(NORMAL, 0), one));
  let r = madd(v128.load32_splat(NORMAL, 16), t, v128.load32_splat(NORMAL, 20));
  r = madd(r, t, v128.load32_splat(NORMAL, 24));
  r = madd(r, t, v128.load32_splat(NORMAL, 28));
  r = madd(r, t, v128.load32_splat(NORMAL, 32));
  r = madd(r, t, v128.load32_splat(NORMAL, 36));
  r = madd(r, t, v128.load32_splat(NORMAL, 40));
  r = madd(r, t, v128.load32_splat(NORMAL, 44));
  r = madd(r, t, v128.load32_splat(NORMAL, 48));
  const beyond = f32x4.mul(f32x4.mul(r, t), bell);
  return v128.bitselect(beyond, f32x4.sub(one, beyond), f32x4.lt(x, f32x4.splat(0)));
}

// @ts-ignore: decorator
@inline
function magnitude(x: v128): v128 {
  return f32x4.pmin(f32x4.abs(x), v128.load32_splat(NORMAL, 4));
}

/** x Φ(x), the factor x held from −14 up, where the result is 0. */
// @ts-ignore: decorator
@inline
export function gelu4(x: v128): v128 {
  const u = magnitude(x);
  return f32x4.mul(f32x4.pmax(x, v128.load32_splat(NORMAL, 8)), normal4(x, u, bell4(u)));
}

/** Its derivative, Φ(x) + x e^(−x²/2) / √(2π). */
// @ts-ignore: decorator
@inline
export function geluSlope4(x: v128): v128 {
  const u = magnitude(x);
  const bell = bell4(u);
  const density = f32x4.mul(bell, v128.load32_splat(NORMAL, 52));
  const held = f32x4.pmax(f32x4.pmin(x, v128.load32_splat(NORMAL, 4)), v128.load32_splat(NORMAL, 8));
  return madd(held, density, normal4(x, u, bell));
}

/** x σ(z), z = 2 √(2/π) (x + 0.044715 x³), which is ½ x (1 + tanh ½z) with all its digits. */
// @ts-ignore: decorator
@inline
export function geluTanh4(x: v128): v128 {
  const held = f32x4.pmax(f32x4.pmin(x, v128.load32_splat(NORMAL, 4)), v128.load32_splat(NORMAL, 8));
  const factor = madd(f32x4.mul(held, held), v128.load32_splat(NORMAL, 60), v128.load32_splat(NORMAL, 56));
  return f32x4.mul(f32x4.pmax(x, v128.load32_splat(NORMAL, 8)), logistic4(f32x4.mul(held, factor)));
}

/** Its derivative, σ(z) (1 + x (1 − σ(z)) z′). */
// @ts-ignore: decorator
@inline
export function geluTanhSlope4(x: v128): v128 {
  const one = v128.load32_splat(EXP, 36);
  const held = f32x4.pmax(f32x4.pmin(x, v128.load32_splat(NORMAL, 4)), v128.load32_splat(NORMAL, 8));
  const square = f32x4.mul(held, held);
  const factor = madd(square, v128.load32_splat(NORMAL, 60), v128.load32_splat(NORMAL, 56));
  const steepness = madd(square, v128.load32_splat(NORMAL, 64), v128.load32_splat(NORMAL, 56));
  const s = logistic4(f32x4.mul(held, factor));
  return f32x4.mul(s, madd(f32x4.mul(held, f32x4.sub(one, s)), steepness, one));
}

/** e^r − 1 for |r| ≤ ½ ln 2. */
// @ts-ignore: decorator
@inline
function core(r: v128): v128 {
  const square = f32x4.mul(r, r);
  const upper = madd(madd(v128.load32_splat(EXP, 16), r, v128.load32_splat(EXP, 20)), square, madd(v128.load32_splat(EXP, 24), r, v128.load32_splat(EXP, 28)));
  const g = madd(upper, r, v128.load32_splat(EXP, 32));
  return madd(square, g, r);
}

/** Two numbers, eight lanes wide: stored last and side by side, so that the revectorizer pairs what leads to them. */
// @ts-ignore: decorator
@inline
export function store8(pointer: usize, a: v128, b: v128): void {
  v128.store(pointer, a);
  v128.store(pointer, b, 16);
}

/** Stores four numbers, or the first `count` of them where there are fewer. */
// @ts-ignore: decorator
@inline
export function storeUpTo(y: usize, x: v128, count: i32): void {
  if (count >= 4) {
    v128.store(y, x);
    return;
  }
  if (count & 2) v128.store_lane<i64>(y, x, 0);
  if (count & 1) {
    if (count & 2) v128.store_lane<f32>(y, x, 2, 8);
    else v128.store_lane<f32>(y, x, 0);
  }
}
