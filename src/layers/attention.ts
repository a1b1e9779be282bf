import { requireCount } from '../checks.js';
import { described } from '../description.js';
import { type Layer, layer, type NoCarry, noCarry } from '../layer.js';
import type { AttentionForm } from '../ops/attention.js';
import { checkLengths, type Lengths, realSteps } from '../ops/lengths.js';
import type { Ops } from '../ops/ops.js';
import { taken } from '../ops/padding.js';
import { checkedOptions, type Names } from '../options.js';
import type { Initializer, Params } from '../parameters/parameter.js';
import { isTensor, showShape, type Tensor, tensor, zeros } from '../tensor.js';
import { dense } from './dense.js';
import { dropper } from './drop.js';
import { countOn } from './positions.js';
import { attendTo, type Masks } from './scaled-dot-product.js';

/** Options of {@link selfAttention} and {@link crossAttention}. */
export interface AttentionOptions {
  /** Draws the first weights, unless a model around it has a seed. */
  readonly seed?: number;
  /** Whether the projections have biases; default true. */
  readonly bias?: boolean;
  /** The share of weights, after the softmax, that is set to 0 at random while learning; default 0. */
  readonly dropout?: number;
  /** Default: weights Glorot uniform, biases zeros; `output` is W^O's. */
  readonly initializers?: { readonly w?: Initializer; readonly output?: Initializer; readonly b?: Initializer };
}

/** Those of blocks too. */
export const attentionInitializers: Names<NonNullable<AttentionOptions['initializers']>> = {
  w: true,
  output: true,
  b: true,
};

const names: Names<AttentionOptions> = {
  seed: true,
  bias: 'boolean',
  dropout: true,
  initializers: attentionInitializers,
};

/** Options of {@link causalAttention}. */
export interface CausalAttentionOptions extends AttentionOptions {
  /** Steps that a step sees, itself included: at least 2. */
  readonly context: number;
}

/** The last context − 1 steps' keys and values, `[B, context − 1, F]` each, and how many of them there have been, `[B]`. */
export type AttentionCarry = {
  readonly keys: Tensor;
  readonly values: Tensor;
  readonly known: Tensor;
};

/**
 * A signal `[T, B, F]` and what of it is hidden: padding of lanes that end at different steps, where the mask `[T, B]` is 0;
 * a step from another, where the pairs, `[T, T]` or by lanes `[B, T, T]`, are 0.
 */
export interface MaskedKeys extends Masks {
  readonly x: Tensor;
}

/** A signal `[T, B, F]` and the memory `[S, B, F]` that it attends to; where masks `[S, B]` or pairs `[T, S]` are 0 it does not. */
export interface WithMemory extends Masks {
  readonly x: Tensor;
  readonly memory: Tensor;
}

/** The four projections of multi-head attention, and what is made of them. */
function projections(
  kind: string,
  features: number,
  heads: number,
  { bias, dropout = 0, initializers = {} }: AttentionOptions,
) {
  requireCount(kind, 'features', features);
  requireCount(kind, 'heads', heads);
  if (features % heads !== 0) {
    throw new RangeError(`${kind}: ${features} features cannot be cut into ${heads} heads of as many; choose others.`);
  }
  const { w, output: last = w, b } = initializers;
  const projection = (weights: Initializer | undefined) =>
    dense(features, features, {
      ...(bias !== undefined && { bias }),
      initializers: { ...(weights && { w: weights }), ...(b && { b }) },
    });
  const [query, key, value, output] = [projection(w), projection(w), projection(w), projection(last)];
  const project = (ops: Ops, by: Layer<NoCarry>, x: Tensor): Tensor => {
    if (x.shape.length !== 3 || x.shape[2] !== features) {
      throw new RangeError(`${kind}: takes signals [T, B, ${features}], but got ${showShape(x.shape)}.`);
    }
    return by.apply(ops, noCarry, x)[0];
  };
  const drop = dropper(dropout, kind);
  const params: Params = {
    query: query.params,
    key: key.params,
    value: value.params,
    output: output.params,
    ...drop.params,
  };
  return {
    params,
    attend(ops: Ops, x: Tensor, memory: Tensor, masks: Masks): Tensor {
      const operands = {
        queries: project(ops, query, x),
        keys: project(ops, key, memory),
        values: project(ops, value, memory),
        ...masks,
      };
      const y = attendTo(ops, operands, { heads, drop: drop.weights(ops) });
      return project(ops, output, y);
    },
    attendPast(ops: Ops, x: Tensor, carry: AttentionCarry): readonly [Tensor, AttentionCarry] {
      const { keys, values, known } = carry;
      const [k, v] = [project(ops, key, x), project(ops, value, x)];
      const form: AttentionForm = { heads, causal: true, drop: drop.weights(ops) };
      const y = ops.attention([project(ops, query, x), k, v, keys, values], form, undefined, known);
      const [steps, most] = [x.shape[0] as number, keys.shape[1] as number];
      const lengths = checkLengths(ops.lengths, x, kind);
      const next = {
        keys: remember(ops, keys, k, lengths),
        values: remember(ops, values, v, lengths),
        known: countOn(ops, known, steps, most, lengths),
      };
      return [project(ops, output, y), next];
    },
  };
}

/**
 * The last M steps of a past `[B, M, F]` and a window `[T, B, F]` after it, as a past again: up to the window's end, or to
 * each lane's own.
 */
function remember(ops: Ops, past: Tensor, window: Tensor, lengths: Lengths | undefined): Tensor {
  const [most, steps] = [past.shape[1] as number, window.shape[0] as number];
  if (lengths !== undefined) {
    const all = ops.concat([ops.swapAxes(past), window], 0);
    return ops.swapAxes(taken(ops, all, most, (step, lane) => (lengths[lane] as number) + step));
  }
  if (steps < most) {
    const kept = ops.split(past, 1, [steps, most - steps])[1] as Tensor;
    return ops.concat([kept, ops.swapAxes(window)], 1);
  }
  return ops.swapAxes(steps === most ? window : (ops.split(window, 0, [steps - most, most])[1] as Tensor));
}

/** What is hidden from attention within a window, the padding of its lanes as well. */
function hidingPadding(ops: Ops, x: Tensor, masks: Masks, kind: string): Masks {
  const lengths = checkLengths(ops.lengths, x, kind);
  if (lengths === undefined) return masks;
  const [steps = 0, lanes = 0] = x.shape;
  const real = tensor([steps, lanes], realSteps(steps, lengths).data);
  return { ...masks, mask: masks.mask === undefined ? real : ops.multiply(masks.mask, real) };
}

/**
 * Multi-head self-attention within a window: each step sees all steps, before and after it.
 *
 * Equation: `y = [head₁ … head_h]·W^O`, `head_i = softmax(Q_i·K_iᵀ/√d)·V_i` with `Q = x·W^Q + b^Q` and K, V likewise, each
 * cut into h heads of d = F/h features.
 * Source: the lecture's multi-head attention; Vaswani et al., Attention is all you need (2017), §3.2.2.
 *
 * Shapes: `x: [T, B, F] → y: [T, B, F]`, or `{ x, mask?: [T, B], pairs?: [T, T] or [B, T, T] }`: steps are seen by none where
 * the mask is 0, and by one where its pair is 0. Parameters `query.w [F, F]`, `query.b [F]`, and likewise `key`, `value`,
 * `output`. No carry, since windows stand alone. In a padded window (`masked`) padding is seen by none, as with a mask. (Which
 * weights are dropped depends on the window's size.)
 *
 * @param features features that it takes and gives, F.
 * @param heads parts into which the features are cut; they divide them.
 * @param options biases, dropout, the first weights and their seed.
 * @returns the layer, for `pipe` or a `stack`.
 * @throws RangeError where a size is not a whole number above 0, features cannot be cut into heads, the rate of dropout is not
 * in [0, 1), or x has other features.
 * @throws TypeError where an option is not known.
 * @example
 * signal$.pipe(selfAttention(8, 4))
 */
export function selfAttention(
  features: number,
  heads: number,
  options: AttentionOptions = {},
): Layer<NoCarry, Tensor | MaskedKeys> {
  const { seed, ...form } = checkedOptions('selfAttention', options, names);
  const { params, attend } = projections('selfAttention', features, heads, form);
  return described(
    layer<NoCarry, Tensor | MaskedKeys, Tensor>(
      {
        kind: 'selfAttention',
        inputs: features,
        outputs: features,
        params,
        initial: () => noCarry,
        apply(ops, carry, signal) {
          const { x, ...masks } = isTensor(signal) ? { x: signal } : signal;
          return [attend(ops, x, x, hidingPadding(ops, x, masks, 'selfAttention')), carry];
        },
      },
      seed,
    ),
    'selfAttention',
    [features, heads, options],
  );
}

/**
 * Multi-head self-attention over a stream: each step sees itself and the context − 1 steps before it, in this window or in
 * earlier ones.
 *
 * Equation: that of `selfAttention`, the softmax of step t running over the steps t − context + 1 … t that there are.
 * Source: the lecture's masked self-attention; Vaswani et al., Attention is all you need (2017), §3.2.3.
 *
 * Shapes: `x: [T, B, F] → y: [T, B, F]`, parameters as `selfAttention`'s. The carry: `keys` and `values`
 * `[B, context − 1, F]`, the newest last, and `known [B]`, how many of them there have been. T windows of one give bit for
 * bit what one window of T gives. Gradients end at the carry: a window's keys learn, those of the past are constant.
 *
 * @param features features that it takes and gives, F.
 * @param heads parts into which the features are cut; they divide them.
 * @param options the context, biases, dropout, the first weights and their seed.
 * @returns the layer, for `pipe` or a `stack`.
 * @throws RangeError where a size is not a whole number above 0, features cannot be cut into heads, the context is not a whole
 * number of at least 2, the rate of dropout is not in [0, 1), or x has other features.
 * @throws TypeError where an option is not known.
 * @example
 * signal$.pipe(causalAttention(8, 4, { context: 64 }))
 */
export function causalAttention(
  features: number,
  heads: number,
  options: CausalAttentionOptions,
): Layer<AttentionCarry> {
  const { context, seed, ...form } = checkedOptions('causalAttention', options, { context: true, ...names });
  requireCount('causalAttention', 'context', context, 2);
  const { params, attendPast } = projections('causalAttention', features, heads, form);
  return described(
    layer(
      {
        kind: 'causalAttention',
        inputs: features,
        outputs: features,
        params,
        initial: (batch) => ({
          keys: zeros([batch, context - 1, features]),
          values: zeros([batch, context - 1, features]),
          known: zeros([batch]),
        }),
        apply: (ops, carry: AttentionCarry, x: Tensor) => attendPast(ops, x, carry),
      },
      seed,
    ),
    'causalAttention',
    [features, heads, options],
  );
}

/**
 * Multi-head attention from one sequence to another, as from a decoder to its encoder.
 *
 * Equation: that of `selfAttention`, `Q = x·W^Q + b^Q`, but `K = memory·W^K + b^K` and `V = memory·W^V + b^V`.
 * Source: the lecture's decoder-to-encoder attention; Vaswani et al., Attention is all you need (2017), §3.2.3.
 *
 * Shapes: `{ x: [T, B, F], memory: [S, B, F], mask?: [S, B], pairs?: [T, S] or [B, T, S] } → y: [T, B, F]`, parameters and carry
 * as `selfAttention`'s.
 *
 * @param features features that it takes and gives, F.
 * @param heads parts into which the features are cut; they divide them.
 * @param options biases, dropout, the first weights and their seed.
 * @returns the layer, for `pipe` or a `stack`.
 * @throws RangeError where a size is not a whole number above 0, features cannot be cut into heads, the rate of dropout is not
 * in [0, 1), or x or the memory has other features.
 * @throws TypeError where an option is not known.
 * @example
 * pair$.pipe(crossAttention(8, 4)) // pairs { x, memory }
 */
export function crossAttention(
  features: number,
  heads: number,
  options: AttentionOptions = {},
): Layer<NoCarry, WithMemory> {
  const { seed, ...form } = checkedOptions('crossAttention', options, names);
  const { params, attend } = projections('crossAttention', features, heads, form);
  return described(
    layer<NoCarry, WithMemory, Tensor>(
      {
        kind: 'crossAttention',
        outputs: features,
        params,
        initial: () => noCarry,
        apply: (ops, carry, { x, memory, ...masks }) => [attend(ops, x, memory, masks), carry],
      },
      seed,
    ),
    'crossAttention',
    [features, heads, options],
  );
}
