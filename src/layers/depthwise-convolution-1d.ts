import { requireCount } from '../checks.js';
import { described } from '../description.js';
import { type Layer, layer } from '../layer.js';
import { checkLengths } from '../ops/lengths.js';
import type { Ops } from '../ops/ops.js';
import { checkedOptions, type Names } from '../options.js';
import { fanUniform, zeros as zeroInitializer } from '../parameters/initializers.js';
import { type Initializer, type Parameter, parameter } from '../parameters/parameter.js';
import { type Features, type Tensor, zeros } from '../tensor.js';
import { type Convolution1dCarry, lanesFirst, pastOf, stepsFirst } from './convolution-1d.js';
import { checkSequence } from './images.js';

/** A kernel for each feature, and a bias for each. */
export type DepthwiseConvolution1dParams = { readonly w: Parameter; readonly b: Parameter };

/** Options of {@link depthwiseConvolution1d}. */
export interface DepthwiseConvolution1dOptions {
  /** Draws the first weights, unless a model around it has a seed. */
  readonly seed?: number;
  /** Default: `w` uniform in ±1/√k, `b` zeros. */
  readonly initializers?: { readonly w?: Initializer; readonly b?: Initializer };
}

const names: Names<DepthwiseConvolution1dOptions> = { seed: true, initializers: { w: true, b: true } };

/**
 * A causal convolution over time in which each feature sees itself alone: its own moment and the k − 1 before it, across windows.
 *
 * Equation: `y_t = b + Σ_{i=1}^{k} w_i ⊙ x_{t−k+i}`.
 * Source: the temporal convolution of Griffin's recurrent block (De et al., 2024, §2.3), k = 4; depthwise, after Chollet, Xception
 * (2017). PyTorch's `Conv1d` with as many groups as channels, and k − 1 zeros before the first step.
 *
 * Shapes: `x: [T, B, F] → y: [T, B, F]`; parameters `w [k, F]`, `b [F]`. The carry: the last k − 1 inputs, `[B, k − 1, F]`, zeros at first.
 *
 * @param features features that it takes and gives, F.
 * @param size of the kernels, in moments, k.
 * @param options the first weights and their seed.
 * @returns the layer, for `pipe` or a `stack`.
 * @throws RangeError where a size is not a whole number above 0, or x has other axes or features.
 * @throws TypeError where an option is not known.
 * @example
 * signal$.pipe(depthwiseConvolution1d(8, 4, { seed: 1 }))
 */
export function depthwiseConvolution1d(
  features: number,
  size: number,
  options: DepthwiseConvolution1dOptions = {},
): Layer<Convolution1dCarry, Features, Tensor, DepthwiseConvolution1dParams> {
  requireCount('depthwiseConvolution1d', 'features', features);
  requireCount('depthwiseConvolution1d', 'the size', size);
  const { seed, initializers = {} } = checkedOptions('depthwiseConvolution1d', options, names);
  const w = parameter([size, features], initializers.w ?? fanUniform(size));
  const b = parameter([features], initializers.b ?? zeroInitializer());
  const kept = size - 1;

  /** From all steps, the carry's first, what is seen of them at each of the window's. */
  function convolved(ops: Ops, whole: Tensor, steps: number): Tensor {
    const kernels = ops.split(w, 0, new Array<number>(size).fill(1));
    return kernels.reduce<Tensor>((sum, kernel, k) => {
      const seen = ops.split(whole, 0, [k, steps, kept - k])[1] as Tensor;
      const product = ops.multiply(seen, ops.reshape(kernel, [features]));
      return ops.add(product, sum);
    }, b);
  }

  return described(
    layer(
      {
        kind: 'depthwiseConvolution1d',
        inputs: features,
        outputs: features,
        params: { w, b },
        initial: (batch) => ({ past: zeros([batch, kept, features]) }),
        apply(ops, { past }: Convolution1dCarry, x) {
          checkSequence(x.shape, features, 'depthwiseConvolution1d');
          const lengths = checkLengths(ops.lengths, x, 'depthwiseConvolution1d');
          const whole = kept === 0 ? x : ops.concat([stepsFirst(ops, past), x], 0);
          const y = convolved(ops, whole, x.shape[0] as number);
          return [y, { past: kept === 0 ? past : lanesFirst(ops, pastOf(ops, whole, kept, lengths)) }];
        },
      },
      seed,
    ),
    'depthwiseConvolution1d',
    [features, size, options],
  );
}
