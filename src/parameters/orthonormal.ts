/**
 * Orthonormal sets by Gram–Schmidt, many vectors at a time: of normal vectors it makes a uniformly distributed set.
 * Sums run from first to last, so that a set follows from its vectors alone.
 */

/** Vectors that are made orthonormal among themselves before all later ones are freed of them at once. */
const PANEL = 16;

/**
 * Makes the `count` rows of `length` numbers each orthonormal, in place: the k-th of them spans with those before it
 * what it did.
 *
 * Equation: `v_j ← v_j − Σ_{i<j} (q_i · v_j) q_i`, `q_j = v_j / ‖v_j‖`, the sum over one panel of rows after another
 * (modified Gram–Schmidt by blocks).
 *
 * Rows have to be far from dependent, as normal ones are: what is left of a row is not made orthogonal once more.
 */
export function orthonormalise(rows: Float64Array, count: number, length: number): void {
  for (let first = 0; first < count; first += PANEL) {
    const end = Math.min(first + PANEL, count);
    for (let at = first; at < end; at += 1) {
      normalise(rows, at * length, length);
      for (let later = at + 1; later < end; later += 1) free(rows, length, at, later);
    }
    let later = end;
    for (; later + 4 <= count; later += 4) freeFour(rows, length, first, end, later);
    for (; later < count; later += 1) for (let of = first; of < end; of += 1) free(rows, length, of, later);
  }
}

function normalise(rows: Float64Array, start: number, length: number): void {
  const factor = 1 / Math.sqrt(dot(rows, start, start, length));
  for (let k = start; k < start + length; k += 1) rows[k] = (rows[k] as number) * factor;
}

/** Four sums at once: one alone waits for its own last addition. */
function dot(rows: Float64Array, a: number, b: number, length: number): number {
  const whole = length - (length % 4);
  let [s, t, u, v] = [0, 0, 0, 0];
  for (let k = 0; k < whole; k += 4) {
    s += (rows[a + k] as number) * (rows[b + k] as number);
    t += (rows[a + k + 1] as number) * (rows[b + k + 1] as number);
    u += (rows[a + k + 2] as number) * (rows[b + k + 2] as number);
    v += (rows[a + k + 3] as number) * (rows[b + k + 3] as number);
  }
  for (let k = whole; k < length; k += 1) s += (rows[a + k] as number) * (rows[b + k] as number);
  return s + t + (u + v);
}

/** Frees a row of one orthonormal row. */
function free(rows: Float64Array, length: number, of: number, later: number): void {
  const [q, v] = [of * length, later * length];
  const c = dot(rows, q, v, length);
  for (let k = 0; k < length; k += 1) rows[v + k] = (rows[v + k] as number) - c * (rows[q + k] as number);
}

/** The same for four rows, two orthonormal ones at a time: each number that is read meets others, which makes it fast. */
function freeFour(rows: Float64Array, length: number, first: number, end: number, later: number): void {
  const v = later * length;
  let i = first;
  for (; i + 2 <= end; i += 2) freeFourOfTwo(rows, length, i * length, v);
  if (i < end) for (let k = 0; k < 4; k += 1) free(rows, length, i, later + k);
}

function freeFourOfTwo(rows: Float64Array, length: number, p: number, v0: number): void {
  const [q, v1, v2, v3] = [p + length, v0 + length, v0 + 2 * length, v0 + 3 * length];
  let [c0, c1, c2, c3] = [0, 0, 0, 0];
  let [d0, d1, d2, d3] = [0, 0, 0, 0];
  for (let k = 0; k < length; k += 1) {
    const x = rows[p + k] as number;
    const y = rows[q + k] as number;
    const a0 = rows[v0 + k] as number;
    const a1 = rows[v1 + k] as number;
    const a2 = rows[v2 + k] as number;
    const a3 = rows[v3 + k] as number;
    c0 += x * a0;
    c1 += x * a1;
    c2 += x * a2;
    c3 += x * a3;
    d0 += y * a0;
    d1 += y * a1;
    d2 += y * a2;
    d3 += y * a3;
  }
  for (let k = 0; k < length; k += 1) {
    const x = rows[p + k] as number;
    const y = rows[q + k] as number;
    rows[v0 + k] = (rows[v0 + k] as number) - c0 * x - d0 * y;
    rows[v1 + k] = (rows[v1 + k] as number) - c1 * x - d1 * y;
    rows[v2 + k] = (rows[v2 + k] as number) - c2 * x - d2 * y;
    rows[v3 + k] = (rows[v3 + k] as number) - c3 * x - d3 * y;
  }
}
