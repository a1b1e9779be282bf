import { described } from '../description.js';
import { type Layer, layer, type NoCarry, noCarry } from '../layer.js';
import { type ActivationChoice, activationOf } from '../ops/activation-names.js';
import { checkedOptions, type Names } from '../options.js';
import type { Initializer } from '../parameters/parameter.js';
import type { Features, Tensor } from '../tensor.js';
import { type DenseParams, dense } from './dense.js';

/** Weights and biases of both layers. */
export type FeedForwardParams = { readonly inner: DenseParams; readonly outer: DenseParams };

/** Options of {@link feedForward}. */
export interface FeedForwardOptions {
  /** Draws the first weights, unless a model around it has a seed. */
  readonly seed?: number;
  /** f; default ReLU. */
  readonly activation?: ActivationChoice;
  /** Default: weights Glorot uniform, biases zeros; `outer` is the second layer's weights. */
  readonly initializers?: { readonly w?: Initializer; readonly outer?: Initializer; readonly b?: Initializer };
}

/** Those of blocks too. */
export const feedForwardInitializers: Names<NonNullable<FeedForwardOptions['initializers']>> = {
  w: true,
  outer: true,
  b: true,
};

/**
 * A position-wise feed-forward network: two fully connected layers, at each moment by itself.
 *
 * Equation: `y = f(x·w₁ + b₁)·w₂ + b₂`, f = max(0, z) unless another is given.
 * Source: the lecture's position-wise FFN; Vaswani et al., Attention is all you need (2017), eq. 2.
 *
 * Shapes: `x: [T, B, F] → y: [T, B, F]`, parameters `inner.w [F, hidden]`, `inner.b`, `outer.w [hidden, F]`, `outer.b`.
 * No carry.
 *
 * @param features features that it takes and gives, F.
 * @param hidden features between the two layers.
 * @param options f, the first weights and their seed.
 * @returns the layer, for `pipe` or a `stack`.
 * @throws RangeError where a size is not a whole number above 0, or x has other features.
 * @throws TypeError where there is no activation of that name, or an option is not known.
 * @example
 * signal$.pipe(feedForward(8, 32))
 */
export function feedForward(
  features: number,
  hidden: number,
  options: FeedForwardOptions = {},
): Layer<NoCarry, Features, Tensor, FeedForwardParams> {
  const {
    seed,
    activation: f = 'relu',
    initializers = {},
  } = checkedOptions('feedForward', options, {
    seed: true,
    activation: true,
    initializers: feedForwardInitializers,
  });
  const activation = activationOf('feedForward', f);
  const { w, outer: last = w, b } = initializers;
  const of = (weights: Initializer | undefined) => ({ ...(weights && { w: weights }), ...(b && { b }) });
  const inner = dense(features, hidden, { activation, initializers: of(w) });
  const outer = dense(hidden, features, { initializers: of(last) });
  return described(
    layer(
      {
        kind: 'feedForward',
        inputs: features,
        outputs: features,
        params: { inner: inner.params, outer: outer.params },
        initial: () => noCarry,
        apply(ops, carry: NoCarry, x: Tensor) {
          const [hiddenSignal] = inner.apply(ops, noCarry, x);
          return [outer.apply(ops, noCarry, hiddenSignal)[0], carry];
        },
      },
      seed,
    ),
    'feedForward',
    [features, hidden, options],
  );
}
