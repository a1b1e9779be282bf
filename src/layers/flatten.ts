import { described } from '../description.js';
import { type Layer, layer, type NoCarry, noCarry } from '../layer.js';
import { checkLengths, type Lengths } from '../ops/lengths.js';
import { checkedOptions } from '../options.js';
import { showShape, sizeOf, type Tensor } from '../tensor.js';

/** Options of {@link flatten}. */
export interface FlattenOptions {
  /** Whether a window's steps come into the same row, as in Keras' `Flatten` over sequences: one step is left. Default false. */
  readonly time?: boolean;
}

/**
 * The numbers of each image in one row, as `dense` takes them.
 *
 * Equation: `y[(i·W + j)·C + c] = x[i, j, c]`; with `time`, `y[t·F + k] = x_t[k]`.
 * Source: the lecture's flatten, between the convolutional and the fully connected layers.
 *
 * Shapes: `x: [T, B, …] → y: [T, B, F]`, F being the product of all other axes; with `time`, `y: [1, B, T·F]`, so that T is the same for
 * each window, and none is padded. No parameters, no carry.
 *
 * @param options whether time is flattened too.
 * @returns the layer, for `pipe` or a `stack`.
 * @throws RangeError where x has no axes beyond time and batch, or time is to be flattened and lanes have lengths of their own.
 * @throws TypeError where an option is not known.
 * @example
 * stack({ convolve: convolution2d(1, 6, 5), flat: flatten(), head: dense(24 * 24 * 6, 10) })
 */
export function flatten(options: FlattenOptions = {}): Layer<NoCarry> {
  const { time = false } = checkedOptions('flatten', options, { time: 'boolean' });
  return described(
    layer({
      kind: 'flatten',
      params: {},
      initial: () => noCarry,
      // Padding would be features like any others, so a window with padding is refused.
      ...(time && { lengthsAfter: (lengths: Lengths) => lengths.map(() => 1) }),
      apply(ops, carry: NoCarry, x: Tensor) {
        if (x.shape.length < 3) {
          throw new RangeError(
            `flatten: takes [T, B, …] with an axis at least to flatten, but got ${showShape(x.shape)}.`,
          );
        }
        const [steps = 0, batch = 0, ...rest] = x.shape;
        if (!time) return [ops.reshape(x, [steps, batch, sizeOf(rest)]), carry];
        const lengths = checkLengths(ops.lengths, x, 'flatten');
        if (lengths !== undefined) {
          throw new RangeError(
            `flatten: puts all ${steps} steps into one row, but lanes have [${lengths.join(', ')}] of their own; make them equally long.`,
          );
        }
        return [ops.reshape(ops.swapAxes(x), [1, batch, steps * sizeOf(rest)]), carry];
      },
    }),
    'flatten',
    [options],
  );
}
