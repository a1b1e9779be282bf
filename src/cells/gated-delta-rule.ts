import { requireCount } from '../checks.js';
import { described } from '../description.js';
import type { Ops } from '../ops/ops.js';
import { checkedOptions, type Names } from '../options.js';
import { sizeOf, type Tensor, zeros } from '../tensor.js';
import type { Cell } from './cell.js';

/** What the gated delta rule remembers: a matrix a head, values by keys, `[B, N, K, V]`. */
export type GatedDeltaRuleCarry = {
  readonly s: Tensor;
};

/** Options of {@link gatedDeltaRuleCell}. */
export interface GatedDeltaRuleOptions {
  /**
   * Whether β may reach 2 instead of 1; default true. Above 1 a step's matrix has a negative eigenvalue, so that what is under a key may change
   * its sign: what counting modulo 2 takes.
   */
  readonly negativeEigenvalues?: boolean;
}

export const gatedDeltaRuleNames: Names<GatedDeltaRuleOptions> = { negativeEigenvalues: 'boolean' };

/** Added to a sum of squares, since the root's slope at 0 has no end. */
const LEAST = 1e-6;

/** The lengths of rows, `[..., F] → [rows, 1]`. */
function lengthsOf(ops: Ops, rows: Tensor): Tensor {
  const squares = ops.sumTo(ops.multiply(rows, rows), [rows.shape[0] as number, 1]);
  return ops.sqrt(ops.affine(squares, 1, LEAST));
}

/**
 * The gated delta rule: a memory of values by keys, in which a step forgets a share of everything, then replaces a share of what is under its key.
 * It has no weights: what it takes is what a layer has made of its input, such as {@link gatedDeltaNet}.
 *
 * Equation, for each head: `k̂ = k / √(|k|² + 10⁻⁶)`, `q̂` likewise, `α = σ(a)`, `β = 2 σ(b)` (or `σ(b)`),
 * `S_t = α_t (S_{t−1} − β_t k̂_t (k̂_tᵀ S_{t−1})) + β_t k̂_t v_tᵀ`, `y_t = S_tᵀ q̂_t`.
 * Source: Yang, Kautz and Hatamizadeh, Gated delta networks: improving Mamba2 with delta rule (2024), eq. 10, whose S is ours transposed; β up to 2
 * after Grazzi et al., Unlocking state-tracking in linear RNNs through negative eigenvalues (2024).
 *
 * Shapes, N heads: `x: [T, B, N·(2K + V) + 2N]`, that is q, k `[N, K]` and v `[N, V]` of all heads, then a and b `[N]`, `→ y: [T, B, N·V]`.
 * The carry: `s [B, N, K, V]`; its size does not depend on how long a stream is.
 *
 * @param heads memories of a lane, N.
 * @param keys numbers of a key and of a query, K.
 * @param values numbers of a value, V.
 * @param options how far β goes.
 * @returns the cell, for `unroll`.
 * @throws RangeError where a size is not a whole number above 0.
 * @throws TypeError where an option is not known.
 * @example
 * signal$.pipe(unroll(gatedDeltaRuleCell(1, 2, 2))) // q and k [2], v [2], a and b: [T, B, 8] → [T, B, 2]
 */
export function gatedDeltaRuleCell(
  heads: number,
  keys: number,
  values: number,
  options: GatedDeltaRuleOptions = {},
): Cell<GatedDeltaRuleCarry> {
  requireCount('gatedDeltaRule', 'heads', heads);
  requireCount('gatedDeltaRule', 'keys', keys);
  requireCount('gatedDeltaRule', 'values', values);
  const { negativeEigenvalues = true } = checkedOptions('gatedDeltaRuleCell', options, gatedDeltaRuleNames);
  const [allKeys, allValues] = [heads * keys, heads * values];

  /** What of a window or a step, `[..., I]`, the rule takes; `[..., N, K]`, `[..., N, V]` and `[..., N]`. */
  function parts(ops: Ops, x: Tensor) {
    const lead = x.shape.slice(0, -1);
    const cut = ops.split(x, lead.length, [2 * allKeys, allValues, heads, heads]);
    const [both, v, a, b] = cut as [Tensor, Tensor, Tensor, Tensor];
    const rows = ops.reshape(both, [sizeOf(lead) * 2 * heads, keys]);
    const unit = ops.reshape(ops.divide(rows, lengthsOf(ops, rows)), both.shape);
    const [q, k] = ops.split(unit, lead.length, [allKeys, allKeys]) as [Tensor, Tensor];
    const rate = ops.logistic(b);
    return {
      q: ops.reshape(q, [...lead, heads, keys]),
      k: ops.reshape(k, [...lead, heads, keys]),
      v: ops.reshape(v, [...lead, heads, values]),
      decay: ops.logistic(a),
      rate: negativeEigenvalues ? ops.affine(rate, 2, 0) : rate,
    };
  }

  return described(
    {
      kind: 'gatedDeltaRule',
      inputs: 2 * allKeys + allValues + 2 * heads,
      units: allValues,
      params: {},
      initial: (batch) => ({ s: zeros([batch, heads, keys, values]) }),
      window(ops, carry, x) {
        const { q, k, v, decay, rate } = parts(ops, x);
        const [y, s] = ops.deltaRule(carry.s, q, k, v, decay, rate);
        return [ops.reshape(y, [...x.shape.slice(0, -1), allValues]), { s }];
      },
      step(ops, carry, x) {
        const { q, k, v, decay, rate } = parts(ops, x);
        const rows = (x.shape[0] as number) * heads;
        const [alpha, beta] = [decay, rate].map((of) => ops.reshape(of, [rows, 1])) as [Tensor, Tensor];
        const key = ops.reshape(k, [rows, 1, keys]);
        const faded = ops.reshape(ops.multiply(ops.reshape(carry.s, [rows, keys * values]), alpha), [
          rows,
          keys,
          values,
        ]);
        const found = ops.reshape(ops.batchedMatmul(key, faded), [rows, values]);
        const written = ops.multiply(ops.subtract(ops.reshape(v, [rows, values]), found), beta);
        const s = ops.add(faded, ops.batchedMatmul(key, ops.reshape(written, [rows, 1, values]), { a: true }));
        const y = ops.batchedMatmul(ops.reshape(q, [rows, 1, keys]), s);
        return [ops.reshape(y, [x.shape[0] as number, allValues]), { s: ops.reshape(s, carry.s.shape) }];
      },
    },
    'gatedDeltaRuleCell',
    [heads, keys, values, options],
  );
}
