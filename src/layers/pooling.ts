import { requireCount } from '../checks.js';
import { described } from '../description.js';
import { type Layer, layer, type NoCarry, noCarry } from '../layer.js';
import type { Pair, Pooling } from '../ops/images.js';
import { checkLengths, type Lengths, lengthsAfterLooks } from '../ops/lengths.js';
import type { Ops } from '../ops/ops.js';
import { checkedOptions } from '../options.js';
import type { Shape, Tensor } from '../tensor.js';
import { pairOf } from './convolution-2d.js';
import { checkImages, checkSequence } from './images.js';

/** Options of {@link maxPooling2d} and {@link meanPooling2d}. */
export interface Pooling2dOptions {
  /** Pixels from one pool to the next, one number or rows and columns; default the pool's size. */
  readonly stride?: number | Pair;
}

/** Options of {@link maxPooling1d} and {@link meanPooling1d}. */
export interface Pooling1dOptions {
  /** Moments from one pool to the next; default the pool's size. */
  readonly stride?: number;
}

type Pool = (ops: Ops, x: Tensor, pooling: Pooling) => Tensor;
const largest: Pool = (ops, x, pooling) => ops.maxPooling2d(x, pooling)[0];
const mean: Pool = (ops, x, pooling) => ops.meanPooling2d(x, pooling);

function pooling(
  kind: string,
  pool: Pool,
  size: Pair,
  stride: Pair,
  check: (x: Shape, channels: undefined, operation: string) => void,
  overTime = false,
): Layer<NoCarry> {
  for (const value of size) requireCount(kind, 'a size', value);
  for (const value of stride) requireCount(kind, 'a stride', value);
  const looks = { size: size[0], stride: stride[0], zeros: 0 };
  // A pool that reaches beyond a lane's own end is none of that lane's.
  const lengthsAfter = (lengths: Lengths) => lengthsAfterLooks(kind, lengths, looks);
  return layer({
    kind,
    outputs: 'inputs',
    params: {},
    initial: () => noCarry,
    ...(overTime && { lengthsAfter }),
    apply(ops, carry: NoCarry, x: Tensor) {
      check(x.shape, undefined, kind);
      const lengths = overTime ? checkLengths(ops.lengths, x, kind) : undefined;
      if (lengths !== undefined) lengthsAfter(lengths);
      return [pool(ops, x, { size, stride }), carry];
    },
  });
}

/**
 * The largest of each pool of an image, map by map.
 *
 * Equation: `y[i, j, c] = max_{r,q} x[i·s + r, j·s + q, c]`; the gradient goes to the first of several that are largest.
 * Source: the lecture's max pooling.
 *
 * Shapes: `x: [T, B, H, W, C] → y: [T, B, H′, W′, C]` with `H′ = ⌊(H − size) / s⌋ + 1`, as in PyTorch and Keras: what is
 * left at the edges is left out. No parameters, no carry.
 *
 * @param size of a pool, one number or rows and columns.
 * @param options pixels from one pool to the next.
 * @returns the layer, for `pipe` or a `stack`.
 * @throws RangeError where a size is not a whole number above 0, x has other axes, or a pool does not fit.
 * @throws TypeError where an option is not known.
 * @example
 * stack({ convolve: convolution2d(1, 6, 5), pool: maxPooling2d(2), flat: flatten(), head: dense(864, 10) })
 */
export function maxPooling2d(size: number | Pair, options: Pooling2dOptions = {}): Layer<NoCarry> {
  const { stride = size } = checkedOptions('maxPooling2d', options, { stride: true });
  return described(pooling('maxPooling2d', largest, pairOf(size), pairOf(stride), checkImages), 'maxPooling2d', [
    size,
    options,
  ]);
}

/**
 * The mean of each pool of an image, map by map.
 *
 * Equation: `y[i, j, c] = 1/(kh·kw) Σ_{r,q} x[i·s + r, j·s + q, c]`.
 * Source: the lecture's mean pooling.
 *
 * Shapes: `x: [T, B, H, W, C] → y: [T, B, H′, W′, C]` with `H′ = ⌊(H − size) / s⌋ + 1`. No parameters, no carry.
 *
 * @param size of a pool, one number or rows and columns.
 * @param options pixels from one pool to the next.
 * @returns the layer, for `pipe` or a `stack`.
 * @throws RangeError where a size is not a whole number above 0, x has other axes, or a pool does not fit.
 * @throws TypeError where an option is not known.
 * @example
 * stack({ convolve: convolution2d(1, 6, 5), pool: meanPooling2d(2), flat: flatten(), head: dense(864, 10) })
 */
export function meanPooling2d(size: number | Pair, options: Pooling2dOptions = {}): Layer<NoCarry> {
  const { stride = size } = checkedOptions('meanPooling2d', options, { stride: true });
  return described(pooling('meanPooling2d', mean, pairOf(size), pairOf(stride), checkImages), 'meanPooling2d', [
    size,
    options,
  ]);
}

/**
 * The largest of each pool of moments, feature by feature. A window is a whole sequence.
 *
 * Equation: `y_t = max_{r} x_{t·s + r}`; the gradient goes to the first of several that are largest.
 * Source: the lecture's max pooling, over one dimension.
 *
 * Shapes: `x: [T, B, F] → y: [T′, B, F]` with `T′ = ⌊(T − size) / s⌋ + 1`. No parameters, no carry. In a padded
 * window (`masked`) no pool of a lane reaches beyond its own last step.
 *
 * @param size of a pool, in moments.
 * @param options moments from one pool to the next.
 * @returns the layer, for `pipe` or a `stack`.
 * @throws RangeError where a size is not a whole number above 0, x has other axes, or it or a lane of it is shorter than a
 * pool.
 * @throws TypeError where an option is not known.
 * @example
 * signal$.pipe(convolution1d(8, 16, 3, { padding: 'same' }), maxPooling1d(2))
 */
export function maxPooling1d(size: number, options: Pooling1dOptions = {}): Layer<NoCarry> {
  const { stride = size } = checkedOptions('maxPooling1d', options, { stride: true });
  return described(pooling('maxPooling1d', largest, [size, 1], [stride, 1], checkSequence, true), 'maxPooling1d', [
    size,
    options,
  ]);
}

/**
 * The mean of each pool of moments, feature by feature. A window is a whole sequence.
 *
 * Equation: `y_t = 1/k Σ_{r} x_{t·s + r}`.
 * Source: the lecture's mean pooling, over one dimension.
 *
 * Shapes: `x: [T, B, F] → y: [T′, B, F]` with `T′ = ⌊(T − size) / s⌋ + 1`. No parameters, no carry. In a padded
 * window (`masked`) no pool of a lane reaches beyond its own last step.
 *
 * @param size of a pool, in moments.
 * @param options moments from one pool to the next.
 * @returns the layer, for `pipe` or a `stack`.
 * @throws RangeError where a size is not a whole number above 0, x has other axes, or it or a lane of it is shorter than a
 * pool.
 * @throws TypeError where an option is not known.
 * @example
 * signal$.pipe(convolution1d(8, 16, 3, { padding: 'same' }), meanPooling1d(2))
 */
export function meanPooling1d(size: number, options: Pooling1dOptions = {}): Layer<NoCarry> {
  const { stride = size } = checkedOptions('meanPooling1d', options, { stride: true });
  return described(pooling('meanPooling1d', mean, [size, 1], [stride, 1], checkSequence, true), 'meanPooling1d', [
    size,
    options,
  ]);
}
