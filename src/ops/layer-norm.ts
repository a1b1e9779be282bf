/** Layer normalisation in plain float64: rows as wide as the gain. */

/** Mean and 1/√(variance + ε) of a row. */
function momentsOf(row: Float64Array, epsilon: number): readonly [mean: number, inverse: number] {
  const mean = row.reduce((sum, value) => sum + value, 0) / row.length;
  const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / row.length;
  return [mean, 1 / Math.sqrt(variance + epsilon)];
}

/** `gain ⊙ x̂ + bias` with `x̂ = (x − μ) / √(σ² + ε)`. */
export function normalise(x: Float64Array, gain: Float64Array, bias: Float64Array, epsilon: number): Float64Array {
  const width = gain.length;
  const y = x.slice();
  for (let start = 0; start < x.length; start += width) {
    const [mean, inverse] = momentsOf(x.subarray(start, start + width), epsilon);
    for (let k = 0; k < width; k += 1) {
      y[start + k] = (gain[k] as number) * ((x[start + k] as number) - mean) * inverse + (bias[k] as number);
    }
  }
  return y;
}

/** With `u = g ⊙ gain`: `dx = (u − mean u − x̂ · mean(u ⊙ x̂)) / √(σ² + ε)`, `dgain = Σ g ⊙ x̂`, `dbias = Σ g`. */
export function normaliseAdjoint(
  gradient: Float64Array,
  x: Float64Array,
  gain: Float64Array,
  epsilon: number,
): readonly [dx: Float64Array, dgain: Float64Array, dbias: Float64Array] {
  const width = gain.length;
  const [dx, dgain, dbias] = [x.slice(), new Float64Array(width), new Float64Array(width)];
  for (let start = 0; start < x.length; start += width) {
    const [mean, inverse] = momentsOf(x.subarray(start, start + width), epsilon);
    const g = gradient.subarray(start, start + width);
    const normed = x.subarray(start, start + width).map((value) => (value - mean) * inverse);
    const u = g.map((value, k) => value * (gain[k] as number));
    const sum = u.reduce((total, value) => total + value, 0) / width;
    const dot = u.reduce((total, value, k) => total + value * (normed[k] as number), 0) / width;
    for (let k = 0; k < width; k += 1) {
      dx[start + k] = ((u[k] as number) - sum - (normed[k] as number) * dot) * inverse;
      dgain[k] = (dgain[k] as number) + (g[k] as number) * (normed[k] as number);
      dbias[k] = (dbias[k] as number) + (g[k] as number);
    }
  }
  return [dx, dgain, dbias];
}
