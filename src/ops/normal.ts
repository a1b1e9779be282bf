/** The distribution of N(0, 1) in float64, and what comes near it: what GELU is made of. */

/** φ(x) = e^(−x²/2) / √(2π). */
export const normalDensity = (x: number): number => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);

/**
 * Φ(x). Near 0 it is ½ + φ(x) (x + x³/3 + x⁵/(3·5) + …); further out, what lies beyond |x| is the continued fraction
 * φ(x) / (x + 1/(x + 2/(x + 3/(x + …)))). Both by as many terms as float64 can tell apart.
 */
export function normalDistribution(x: number): number {
  const u = Math.abs(x);
  if (u < 3) {
    let [term, sum] = [x, x];
    for (let odd = 3; Math.abs(term) > Math.abs(sum) * 1e-18; odd += 2) {
      term *= (x * x) / odd;
      sum += term;
    }
    return 0.5 + normalDensity(x) * sum;
  }
  let fraction = u;
  for (let k = 200; k > 0; k -= 1) fraction = u + k / fraction;
  const beyond = normalDensity(u) / fraction;
  return x < 0 ? beyond : 1 - beyond;
}

const [SLOPE, CUBIC] = [2 * Math.sqrt(2 / Math.PI), 0.044715];

/** ½ (1 + tanh(√(2/π) (x + 0.044715 x³))), which comes near Φ(x). */
export const nearNormal = (x: number): number => 1 / (1 + Math.exp(-SLOPE * (x + CUBIC * x ** 3)));

/** The derivative of x times that. */
export function nearNormalSlope(x: number): number {
  const s = nearNormal(x);
  const bend = s * (1 - s);
  // Far out the bend is 0, and x³ may be too much.
  return bend === 0 ? s : s + x * bend * SLOPE * (1 + 3 * CUBIC * x * x);
}
