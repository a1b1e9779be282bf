import { requireCount } from '../checks.js';
import { described } from '../description.js';
import { type Layer, layer, type NoCarry, noCarry } from '../layer.js';
import { type ActivationChoice, activationOf } from '../ops/activation-names.js';
import { relu } from '../ops/activations.js';
import type { Convolution, Pair } from '../ops/images.js';
import type { Ops } from '../ops/ops.js';
import { checkedOptions, type Names } from '../options.js';
import { glorotUniform, zeros as zeroInitializer } from '../parameters/initializers.js';
import { type Initializer, type Parameter, parameter } from '../parameters/parameter.js';
import type { Features, Tensor } from '../tensor.js';
import { checkImages } from './images.js';

/** `b` unless it was left out. */
export type Convolution2dParams = { readonly w: Parameter; readonly b?: Parameter };

/** Options of {@link convolution2d}. */
export interface Convolution2dOptions {
  /** Draws the first weights, unless a model around it has a seed. */
  readonly seed?: number;
  /** Pixels from one place of the kernel to the next, one number or rows and columns; default 1. */
  readonly stride?: number | Pair;
  /**
   * Zeros around an image. `'valid'` (the lecture's narrow; default): none, so that `H′ = H − kh + 1`. `'same'`: kh − 1
   * rows in all, the smaller half above, so that H′ = H where the stride is 1. `'full'` (the lecture's wide): kh − 1 rows
   * above and below, `H′ = H + kh − 1`. Numbers: so many rows above and below, columns left and right.
   */
  readonly padding?: 'valid' | 'same' | 'full' | number | Pair;
  /**
   * Parts into which channels and feature maps are cut; each part of the maps sees its own part of the channels alone.
   * Default 1. `w` is `[kh, kw, C / groups, O]` then.
   */
  readonly groups?: number;
  /** f; default none. ReLU costs nothing: it is worked out in the same pass as the convolution. */
  readonly activation?: ActivationChoice;
  /** Whether the kernel is turned, as in the lecture's equation: a convolution in the strict sense. Default false. */
  readonly flipped?: boolean;
  /** Whether there is a bias; default true. */
  readonly bias?: boolean;
  /** Default: `w` Glorot uniform, `b` zeros. */
  readonly initializers?: { readonly w?: Initializer; readonly b?: Initializer };
}

const names: Names<Convolution2dOptions> = {
  seed: true,
  stride: true,
  padding: true,
  groups: true,
  activation: true,
  flipped: 'boolean',
  bias: 'boolean',
  initializers: { w: true, b: true },
};

export const pairOf = (value: number | Pair): Pair => (typeof value === 'number' ? [value, value] : value);

/** Zeros before and after a line of pixels. */
export function zerosAround(size: number, padding: 'valid' | 'same' | 'full' | number): Pair {
  if (padding === 'valid') return [0, 0];
  if (padding === 'same') return [Math.floor((size - 1) / 2), Math.ceil((size - 1) / 2)];
  return padding === 'full' ? [size - 1, size - 1] : [padding, padding];
}

/**
 * A convolutional layer over images: each feature map is the image seen through a kernel of its own.
 *
 * Equation: `y[i, j, o] = f(b[o] + Σ_{r,q,c} x[i·s + r − p, j·s + q − p, c] · w[r, q, c, o])`, x being 0 beyond its edges.
 * Source: the lecture's convolutional layer; LeCun et al. (1998). The lecture turns the kernel, `y_t = Σ w_k x_{t−k+1}`:
 * `flipped`. By default it is not turned (cross-correlation), as in PyTorch and Keras, whose weights therefore fit.
 *
 * Shapes: `x: [T, B, H, W, C] → y: [T, B, H′, W′, O]`, channels last, with `H′ = ⌊(H + zeros − kh) / s⌋ + 1`; parameters
 * `w [kh, kw, C, O]`, `b [O]`. A batch of images that follow from nothing is a window of one step, `[1, B, H, W, C]`. No carry.
 *
 * @param inputs channels that it takes, C.
 * @param outputs feature maps, O.
 * @param size of the kernel, one number or rows and columns.
 * @param options padding, stride, groups, f, the first weights and their seed.
 * @returns the layer, for `pipe` or a `stack`.
 * @throws RangeError where a size is not a whole number above 0, the groups do not divide channels and maps, x has other axes
 * or channels, or the kernel does not fit.
 * @throws TypeError where there is no activation of that name, or an option is not known.
 * @example
 * stack({ convolve: convolution2d(1, 6, 5, { activation: 'relu' }), pool: maxPooling2d(2), flat: flatten() })
 */
export function convolution2d(
  inputs: number,
  outputs: number,
  size: number | Pair,
  options: Convolution2dOptions = {},
): Layer<NoCarry, Features, Tensor, Convolution2dParams> {
  const [rows, columns] = pairOf(size);
  requireCount('convolution2d', 'inputs', inputs);
  requireCount('convolution2d', 'outputs', outputs);
  requireCount('convolution2d', 'a size', rows);
  requireCount('convolution2d', 'a size', columns);
  const checked = checkedOptions('convolution2d', options, names);
  const { seed, stride = 1, padding = 'valid', groups = 1, flipped = false, bias = true, initializers = {} } = checked;
  const activation = activationOf('convolution2d', checked.activation);
  requireCount('convolution2d', 'groups', groups);
  if (inputs % groups !== 0 || outputs % groups !== 0) {
    throw new RangeError(
      `convolution2d: ${inputs} channels and ${outputs} feature maps do not divide into ${groups} groups.`,
    );
  }
  const [down, across] = typeof padding === 'object' ? padding : [padding, padding];
  const convolution: Convolution = {
    stride: pairOf(stride),
    padding: [...zerosAround(rows, down), ...zerosAround(columns, across)],
    relu: activation === relu,
  };
  const w = parameter([rows, columns, inputs / groups, outputs], initializers.w ?? glorotUniform());
  const b = bias ? parameter([outputs], initializers.b ?? zeroInitializer()) : undefined;
  return described(
    layer(
      {
        kind: 'convolution2d',
        inputs,
        outputs,
        params: b === undefined ? { w } : { w, b },
        initial: () => noCarry,
        apply(ops, carry: NoCarry, x) {
          checkImages(x.shape, inputs, 'convolution2d');
          const kernel = flipped ? turned(ops, turned(ops, w, 0), 1) : w;
          const z =
            groups === 1
              ? ops.convolution2d(x, kernel, b, convolution)
              : inGroups(ops, x, kernel, b, groups, convolution);
          return [activation === undefined || activation === relu ? z : activation(ops, z), carry];
        },
      },
      seed,
    ),
    'convolution2d',
    [inputs, outputs, size, options],
  );
}

/** A kernel with the places of one axis in the other order. */
export function turned(ops: Ops, w: Tensor, axis: number): Tensor {
  const count = w.shape[axis] as number;
  return count === 1 ? w : ops.concat([...ops.split(w, axis, new Array<number>(count).fill(1))].reverse(), axis);
}

function inGroups(
  ops: Ops,
  x: Tensor,
  w: Tensor,
  b: Tensor | undefined,
  groups: number,
  convolution: Convolution,
): Tensor {
  const cut = (whole: Tensor, axis: number) =>
    ops.split(whole, axis, new Array<number>(groups).fill((whole.shape[axis] as number) / groups));
  const [images, kernels, biases] = [cut(x, 4), cut(w, 3), b && cut(b, 0)];
  const parts = images.map((part, k) => ops.convolution2d(part, kernels[k] as Tensor, biases?.[k], convolution));
  return ops.concat(parts, 4);
}
