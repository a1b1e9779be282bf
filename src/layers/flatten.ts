import { described } from '../description.js';
import { type Layer, layer, type NoCarry, noCarry } from '../layer.js';
import { showShape, sizeOf, type Tensor } from '../tensor.js';

/**
 * The numbers of each image in one row, as `dense` takes them.
 *
 * Equation: `y[(i·W + j)·C + c] = x[i, j, c]`.
 * Source: the lecture's flatten, between the convolutional and the fully connected layers.
 *
 * Shapes: `x: [T, B, …] → y: [T, B, F]`, F being the product of all other axes. No parameters, no carry.
 *
 * @returns the layer, for `pipe` or a `stack`.
 * @throws RangeError where x has no axes beyond time and batch.
 * @example
 * stack({ convolve: convolution2d(1, 6, 5), flat: flatten(), head: dense(24 * 24 * 6, 10) })
 */
export function flatten(): Layer<NoCarry> {
  return described(
    layer({
      kind: 'flatten',
      params: {},
      initial: () => noCarry,
      apply(ops, carry: NoCarry, x: Tensor) {
        if (x.shape.length < 3) {
          throw new RangeError(
            `flatten: takes [T, B, …] with an axis at least to flatten, but got ${showShape(x.shape)}.`,
          );
        }
        const [steps = 0, batch = 0, ...rest] = x.shape;
        return [ops.reshape(x, [steps, batch, sizeOf(rest)]), carry];
      },
    }),
    'flatten',
    [],
  );
}
