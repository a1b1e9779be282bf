import { MOST_NUMBERS, requireCount } from '../checks.js';
import { described } from '../description.js';
import { type Layer, layer, type NoCarry, noCarry } from '../layer.js';
import type { Ops } from '../ops/ops.js';
import { checkedOptions, type Names } from '../options.js';
import { showShape, type Tensor, tensor } from '../tensor.js';

/** Options of {@link localResponseNorm}: the numbers of its equation. */
export interface LocalResponseNormOptions {
  /** n, how many neighbouring channels count, the channel itself in their middle; default 5. */
  readonly size?: number;
  /** k; default 2. */
  readonly k?: number;
  /** α; default 1e-4. (PyTorch's `LocalResponseNorm` divides its own by n.) */
  readonly alpha?: number;
  /** β; default 0.75. */
  readonly beta?: number;
}

/**
 * Divides each channel by what its neighbours amount to at the same place.
 *
 * Equation: `y_c = x_c / (k + α Σ_{|j − c| ≤ n/2} x_j²)^β`.
 * Source: Krizhevsky, Sutskever and Hinton (2012), §3.3, with their numbers.
 *
 * Shapes: `x: [T, B, …, C] → y: [T, B, …, C]`. No parameters, no carry.
 *
 * @param channels channels that it takes and gives, C.
 * @param options the numbers of the equation.
 * @returns the layer, for `pipe` or a `stack`.
 * @throws RangeError where a count is not a whole number above 0, or x has other channels.
 * @throws TypeError where an option is not known.
 * @example
 * stack({ convolve: convolution2d(3, 96, 11, { stride: 4, activation: 'relu' }), norm: localResponseNorm(96) })
 */
export function localResponseNorm(channels: number, options: LocalResponseNormOptions = {}): Layer<NoCarry> {
  const names: Names<LocalResponseNormOptions> = { size: true, k: true, alpha: true, beta: true };
  const { size = 5, k = 2, alpha = 1e-4, beta = 0.75 } = checkedOptions('localResponseNorm', options, names);
  requireCount('localResponseNorm', 'channels', channels, 1, Math.sqrt(MOST_NUMBERS));
  requireCount('localResponseNorm', 'the size', size);
  // Row j has a 1 for each channel that j counts for: the sums over neighbours are a product.
  const before = Math.floor(size / 2);
  const numbers = () =>
    Float32Array.from({ length: channels * channels }, (_, at) => {
      const distance = Math.floor(at / channels) - (at % channels);
      return distance >= -before && distance < size - before ? 1 : 0;
    });
  let near: Tensor | undefined;
  return described(
    layer({
      kind: 'localResponseNorm',
      inputs: channels,
      outputs: channels,
      params: {},
      initial: () => noCarry,
      apply(ops: Ops, carry: NoCarry, x: Tensor) {
        if (x.shape.at(-1) !== channels) {
          throw new RangeError(`localResponseNorm: takes ${channels} channels, but got ${showShape(x.shape)}.`);
        }
        near ??= tensor([channels, channels], numbers());
        const sums = ops.affine(ops.matmul(ops.multiply(x, x), near), alpha, k);
        return [ops.multiply(x, ops.exp(ops.affine(ops.log(sums), -beta, 0))), carry];
      },
    }),
    'localResponseNorm',
    [channels, options],
  );
}
