import { requireCount } from '../checks.js';
import { described } from '../description.js';
import { type Layer, layer, type NoCarry, noCarry } from '../layer.js';
import type { AttentionForm } from '../ops/attention.js';
import { checkLengths } from '../ops/lengths.js';
import type { Ops } from '../ops/ops.js';
import { checkedOptions, type Names } from '../options.js';
import { sameShape, showShape, type Tensor, tensor } from '../tensor.js';

/** What is hidden from attention. */
export interface Masks {
  /** `[S, B]`: a key of a lane is seen by none where it is 0. */
  readonly mask?: Tensor | undefined;
  /** `[T, S]`, or `[B, T, S]` for each lane by itself: a query does not see a key where it is 0, and does where it is 1. */
  readonly pairs?: Tensor | undefined;
}

/** Queries `[T, B, D]`, keys `[S, B, D]` and values `[S, B, E]`, and what is hidden. */
export interface AttentionOperands extends Masks {
  readonly queries: Tensor;
  readonly keys: Tensor;
  readonly values: Tensor;
}

/** Options of {@link scaledDotProductAttention}. */
export interface ScaledDotProductOptions {
  /** Heads that the features are cut into, side by side; default 1. */
  readonly heads?: number;
  /** Whether a query sees its own step and earlier ones alone. Default false. */
  readonly causal?: boolean;
}

/**
 * Scaled dot-product attention by itself, without weights: each query's mean of the values, weighed by how well it
 * goes with their keys.
 *
 * Equation: `y = softmax(Q·Kᵀ/√d_k + M)·V`, d_k = D / heads, M = 0 where a query may see a key and −∞ where it may not;
 * 0 for a query that sees nothing. With several heads, each by itself on its D / heads and E / heads features.
 * Source: the lecture's scaled dot-product attention; Vaswani et al., Attention is all you need (2017), eq. 1.
 *
 * Shapes: `{ queries: [T, B, D], keys: [S, B, D], values: [S, B, E], mask?: [S, B], pairs?: [T, S] or [B, T, S] } →
 * y: [T, B, E]`. Masks hold 1 where a key is seen and 0 where it is not, and all apply at once. No parameters, no carry.
 * Within a layer of one's own: `scaledDotProductAttention().apply(ops, noCarry, { queries, keys, values })[0]`.
 *
 * @param options how many heads, and whether it is causal.
 * @returns the layer, for `pipe` or a `stack`.
 * @throws RangeError where `heads` is not a whole number above 0, shapes do not fit together, or features cannot be cut into
 * heads.
 * @throws TypeError in a padded window (`masked`) without a mask of the keys, unless it is causal.
 * @throws TypeError where an option is not known.
 * @example
 * operands$.pipe(scaledDotProductAttention({ heads: 4, causal: true })) // { queries, keys, values }
 */
export function scaledDotProductAttention(options: ScaledDotProductOptions = {}): Layer<NoCarry, AttentionOperands> {
  const names: Names<ScaledDotProductOptions> = { heads: true, causal: 'boolean' };
  const { heads = 1, causal = false } = checkedOptions('scaledDotProductAttention', options, names);
  requireCount('scaledDotProductAttention', 'heads', heads);
  return described(
    layer({
      kind: 'scaledDotProductAttention',
      params: {},
      initial: () => noCarry,
      apply(ops, carry, operands) {
        const lengths = checkLengths(ops.lengths, operands.queries, 'scaledDotProductAttention');
        if (lengths !== undefined && !causal && operands.mask === undefined) {
          throw new TypeError(
            'scaledDotProductAttention: in a padded window it cannot tell which keys are padding; give it a mask ' +
              `[${operands.keys.shape.slice(0, 2).join(', ')}] of them, 1 where they are real.`,
          );
        }
        return [attendTo(ops, operands, { heads, causal }), carry];
      },
    }),
    'scaledDotProductAttention',
    [options],
  );
}

/** The one primitive where it has what is asked for; else in several, by whole matrices of weights. */
export function attendTo(ops: Ops, operands: AttentionOperands, form: AttentionForm): Tensor {
  const { queries, keys, values, mask, pairs } = operands;
  const ofOneWidth = values.shape.at(-1) === queries.shape.at(-1);
  if (pairs === undefined && ofOneWidth) return ops.attention([queries, keys, values], form, mask);
  checkOperands(operands, form);
  const { heads, causal, drop } = form;
  const [steps = 0, lanes = 0, width = 0] = queries.shape;
  const [count = 0] = keys.shape;
  // [T, B, F] → [B · heads, T, F / heads]: a head of a lane is a matrix.
  const byHead = (x: Tensor): Tensor => {
    const [rows = 0, , features = 0] = x.shape;
    return ops.swapAxes(ops.reshape(x, [rows, lanes * heads, features / heads]));
  };
  const products = ops.batchedMatmul(byHead(queries), byHead(keys), { b: true });
  const seen = seenBy(ops, operands, [steps, lanes, count], heads, causal === true);
  const scores = ops.add(ops.affine(products, Math.sqrt(heads / width), 0), ops.affine(seen, 1e9, -1e9));
  // Once more by what is seen: a query that sees nothing has equal weights else.
  const weights = ops.multiply(ops.softmax(scores), seen);
  const kept =
    drop === undefined
      ? weights
      : ops.affine(ops.multiply(weights, ops.bernoulli(weights.shape, drop.keep, drop.key)), 1 / drop.keep, 0);
  const sums = ops.swapAxes(ops.batchedMatmul(kept, byHead(values)));
  return ops.reshape(sums, [steps, lanes, values.shape[2] as number]);
}

/** 1 where a query sees a key and 0 elsewhere, `[T, S]` or `[B · heads, T, S]`. */
function seenBy(
  ops: Ops,
  { mask, pairs }: Masks,
  [steps, lanes, count]: readonly [steps: number, lanes: number, count: number],
  heads: number,
  causal: boolean,
): Tensor {
  const order = causal
    ? tensor(
        [steps, count],
        Float32Array.from({ length: steps * count }, (_, k) => Number(k % count <= Math.floor(k / count))),
      )
    : undefined;
  const all = pairs ?? order ?? ops.fill([steps, count], 1);
  const both = pairs && order ? ops.multiply(pairs, order) : all;
  if (mask === undefined && both.shape.length === 2) return both;
  // One number times each of many, to repeat them: [B, n, 1]·[B, 1, m] is [B, n, m].
  const repeated = (x: Tensor, n: number, m: number) =>
    ops.batchedMatmul(ops.fill([lanes, n, 1], 1), ops.reshape(x, [lanes, 1, m]));
  const padded = mask && repeated(ops.swapAxes(mask), steps, count);
  const [large, small] = padded && both.shape.length === 2 ? [padded, both] : [both, padded];
  const ofLanes = small ? ops.multiply(large, small) : large;
  return ops.reshape(repeated(ofLanes, heads, steps * count), [lanes * heads, steps, count]);
}

function checkOperands(
  { queries, keys, values, mask, pairs }: AttentionOperands,
  { heads, causal }: AttentionForm,
): void {
  const [steps = 0, lanes = 0, width = 0] = queries.shape;
  const [count = 0] = keys.shape;
  const [, , across = 0] = values.shape;
  const fits =
    queries.shape.length === 3 &&
    sameShape(keys.shape, [count, lanes, width]) &&
    sameShape(values.shape, [count, lanes, across]) &&
    (!causal || steps === count);
  if (!fits) {
    throw new RangeError(
      `attention: queries are [T, B, D], keys [S, B, D] and values [S, B, E], T = S where it is causal; but got ` +
        `${[queries, keys, values].map(({ shape }) => showShape(shape)).join(', ')}.`,
    );
  }
  if (width % heads !== 0 || across % heads !== 0) {
    throw new RangeError(
      `attention: ${width} features and ${across} of values cannot be cut into ${heads} heads of as many; choose others.`,
    );
  }
  if (mask && !sameShape(mask.shape, [count, lanes])) {
    throw new RangeError(`attention: the mask of ${showShape([count, lanes])} keys is not ${showShape(mask.shape)}.`);
  }
  if (pairs && !sameShape(pairs.shape, [steps, count]) && !sameShape(pairs.shape, [lanes, steps, count])) {
    throw new RangeError(
      `attention: the mask of pairs is ${showShape([steps, count])}, or ${showShape([lanes, steps, count])} by lanes, ` +
        `not ${showShape(pairs.shape)}.`,
    );
  }
}
