// What the recurrent kernels share: the logistic function and tanh of four lanes, and rows that are no multiple of
// eight long.
import { EXP, expm1Core, madd, remainder } from '../math';

/** The logistic function; see `elementwise.ts` for the same with its constants in locals. */
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

// @ts-ignore: decorator
@inline
function core(r: v128): v128 {
  return expm1Core(
    r,
    v128.load32_splat(EXP, 16),
    v128.load32_splat(EXP, 20),
    v128.load32_splat(EXP, 24),
    v128.load32_splat(EXP, 28),
    v128.load32_splat(EXP, 32),
  );
}

/** Two numbers, eight lanes wide: stored last and side by side, so that the revectorizer pairs what leads to them. */
// @ts-ignore: decorator
@inline
export function store8(pointer: usize, a: v128, b: v128): void {
  v128.store(pointer, a);
  v128.store(pointer, b, 16);
}

/** Copies fewer than eight numbers. */
// @ts-ignore: decorator
@inline
export function copyFew(target: usize, source: usize, count: i32): void {
  for (let k = 0; k < count; k += 1) store<f32>(target + ((<usize>k) << 2), load<f32>(source + ((<usize>k) << 2)));
}


