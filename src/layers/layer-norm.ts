import { requireCount } from '../checks.js';
import { described } from '../description.js';
import { type Layer, layer, type NoCarry, noCarry } from '../layer.js';
import { checkedOptions, type Names } from '../options.js';
import { ones, zeros } from '../parameters/initializers.js';
import { type Initializer, type Parameter, parameter } from '../parameters/parameter.js';
import type { Features, Tensor } from '../tensor.js';

/** What each feature is multiplied by and what is added to it, `[F]` each. */
export type LayerNormParams = { readonly gain: Parameter; readonly bias: Parameter };

/** Options of {@link layerNorm}. */
export interface LayerNormOptions {
  /** Draws the first weights, unless a model around it has a seed. */
  readonly seed?: number;
  /** ε; default 1e-5. */
  readonly epsilon?: number;
  /** Default: `gain` ones, `bias` zeros. */
  readonly initializers?: { readonly gain?: Initializer; readonly bias?: Initializer };
}

/**
 * Layer normalisation: every position's features brought to mean 0 and variance 1, then to a gain and a bias that are
 * learnt.
 *
 * Equation: `y = gain ⊙ (x − μ) / √(σ² + ε) + bias`, μ and σ² the mean and variance of the position's features.
 * Source: the lecture's layer normalisation; Ba, Kiros and Hinton, Layer normalization (2016), eq. 4.
 *
 * Shapes: `x: [T, B, F] → y: [T, B, F]`, parameters `gain [F]`, `bias [F]`. No carry.
 *
 * @param features features that it takes and gives, F.
 * @param options ε, the first gain and bias and their seed.
 * @returns the layer, for `pipe` or a `stack`.
 * @throws RangeError where the size is not a whole number above 0, ε is not above 0, or x has other features.
 * @throws TypeError where an option is not known.
 * @example
 * signal$.pipe(layerNorm(8))
 */
export function layerNorm(
  features: number,
  options: LayerNormOptions = {},
): Layer<NoCarry, Features, Tensor, LayerNormParams> {
  const names: Names<LayerNormOptions> = { seed: true, epsilon: true, initializers: { gain: true, bias: true } };
  const { seed, epsilon = 1e-5, initializers = {} } = checkedOptions('layerNorm', options, names);
  requireCount('layerNorm', 'features', features);
  if (!(epsilon > 0)) throw new RangeError(`layerNorm: epsilon is a number above 0, not ${epsilon}.`);
  const gain = parameter([features], initializers.gain ?? ones());
  const bias = parameter([features], initializers.bias ?? zeros());
  return described(
    layer(
      {
        kind: 'layerNorm',
        inputs: features,
        outputs: features,
        params: { gain, bias },
        initial: () => noCarry,
        apply: (ops, carry: NoCarry, x) => [ops.layerNorm(x, gain, bias, epsilon), carry],
      },
      seed,
    ),
    'layerNorm',
    [features, options],
  );
}
