import { requireCount } from '../checks.js';
import { described } from '../description.js';
import { type Layer, layer } from '../layer.js';
import { type ActivationChoice, activationOf } from '../ops/activation-names.js';
import { relu } from '../ops/activations.js';
import { checkLengths, type Lengths, lengthsAfterLooks, realSteps } from '../ops/lengths.js';
import type { Ops } from '../ops/ops.js';
import { taken } from '../ops/padding.js';
import { checkedOptions, type Names } from '../options.js';
import { glorotUniform, zeros as zeroInitializer } from '../parameters/initializers.js';
import { type Initializer, type Parameter, parameter } from '../parameters/parameter.js';
import { type Features, type Tensor, zeros } from '../tensor.js';
import { turned, zerosAround } from './convolution-2d.js';
import { checkSequence } from './images.js';

/** The last inputs, `[B, k − 1, I]`, where the convolution is causal; empty otherwise. */
export type Convolution1dCarry = {
  readonly past: Tensor;
};

/** `b` unless it was left out. */
export type Convolution1dParams = { readonly w: Parameter; readonly b?: Parameter };

/** Options of {@link convolution1d}. */
export interface Convolution1dOptions {
  /** Draws the first weights, unless a model around it has a seed. */
  readonly seed?: number;
  /**
   * `'causal'` (default): each output sees its own moment and the k − 1 before it, across windows: the carry has them.
   * The others take each window for a whole sequence. `'valid'` (the lecture's narrow): T − k + 1 outputs; `'same'`: T,
   * with the smaller half of k − 1 zeros before the first; `'full'` (the lecture's wide): T + k − 1.
   */
  readonly padding?: 'causal' | 'valid' | 'same' | 'full';
  /** Moments from one output to the next; default 1, and always 1 where the convolution is causal. */
  readonly stride?: number;
  /** f; default none. ReLU costs nothing: it is worked out in the same pass as the convolution. */
  readonly activation?: ActivationChoice;
  /** Whether the kernel is turned, as in the lecture's equation: a convolution in the strict sense. Default false. */
  readonly flipped?: boolean;
  /** Whether there is a bias; default true. */
  readonly bias?: boolean;
  /** Default: `w` Glorot uniform, `b` zeros. */
  readonly initializers?: { readonly w?: Initializer; readonly b?: Initializer };
}

const names: Names<Convolution1dOptions> = {
  seed: true,
  padding: true,
  stride: true,
  activation: true,
  flipped: 'boolean',
  bias: 'boolean',
  initializers: { w: true, b: true },
};

/**
 * A convolutional layer over time: each feature map is the sequence seen through a kernel of its own.
 *
 * Equation: `y_t = f(b + Σ_{i=1}^{k} x_{t−k+i} · w_i)` where it is causal; `y_t = f(b + Σ_i x_{t·s−p+i} · w_i)`, x being 0
 * beyond its ends, where it is not.
 * Source: the lecture's one-dimensional convolution, narrow, same and wide; its kernel is turned, `y_t = Σ w_k x_{t−k+1}`:
 * `flipped`. By default ours is not, as in PyTorch and Keras.
 *
 * Shapes: `x: [T, B, I] → y: [T′, B, O]`; parameters `w [k, I, O]`, `b [O]`. The carry: the last k − 1 inputs,
 * `[B, k − 1, I]`, zeros at first, where it is causal; then T′ = T, and T windows of one give bit for bit what one window of
 * T gives. In a padded window (`masked`) each lane ends after its own last step.
 *
 * @param inputs features that it takes, I.
 * @param outputs feature maps, O.
 * @param size of the kernel, in moments, k.
 * @param options padding, stride, f, the first weights and their seed.
 * @returns the layer, for `pipe` or a `stack`.
 * @throws RangeError where a size is not a whole number above 0, x has other axes or features, or it or a lane of it is
 * shorter than a kernel without padding.
 * @throws TypeError where a causal convolution has a stride, there is no activation of that name, or an option is not known.
 * @example
 * signal$.pipe(convolution1d(8, 16, 3, { activation: 'relu' }), dense(16, 4))
 */
export function convolution1d(
  inputs: number,
  outputs: number,
  size: number,
  options: Convolution1dOptions = {},
): Layer<Convolution1dCarry, Features, Tensor, Convolution1dParams> {
  requireCount('convolution1d', 'inputs', inputs);
  requireCount('convolution1d', 'outputs', outputs);
  requireCount('convolution1d', 'the size', size);
  const checked = checkedOptions('convolution1d', options, names);
  const { seed, padding = 'causal', stride = 1, flipped = false, bias = true, initializers = {} } = checked;
  const activation = activationOf('convolution1d', checked.activation);
  requireCount('convolution1d', 'the stride', stride);
  const causal = padding === 'causal';
  if (causal && stride !== 1) {
    throw new TypeError(
      `convolution1d: a causal convolution gives an output at each moment, so its stride is 1, not ${stride}; ` +
        "choose another padding, as in { padding: 'valid' }.",
    );
  }
  const w = parameter([size, inputs, outputs], initializers.w ?? glorotUniform());
  const b = bias ? parameter([outputs], initializers.b ?? zeroInitializer()) : undefined;
  const around = causal ? ([0, 0] as const) : zerosAround(size, padding);
  const kept = causal ? size - 1 : 0;
  const looks = { size, stride, zeros: kept + around[0] + around[1] };
  const lengthsAfter = (lengths: Lengths) => lengthsAfterLooks('convolution1d', lengths, looks);

  return described(
    layer(
      {
        kind: 'convolution1d',
        inputs,
        outputs,
        params: b === undefined ? { w } : { w, b },
        initial: (batch) => ({ past: zeros([batch, kept, inputs]) }),
        lengthsAfter,
        apply(ops, { past }: Convolution1dCarry, x) {
          checkSequence(x.shape, inputs, 'convolution1d');
          const lengths = checkLengths(ops.lengths, x, 'convolution1d');
          if (lengths !== undefined) lengthsAfter(lengths);
          // A lane that is no longer than its real steps has zeros after them.
          const ended = lengths === undefined || causal ? x : ops.multiply(x, realSteps(x.shape[0] as number, lengths));
          const whole = kept === 0 ? ended : ops.concat([stepsFirst(ops, past), ended], 0);
          // Time is the image's height and the batch its width: a kernel one column wide sees each lane by itself.
          const kernel = flipped ? turned(ops, w, 0) : w;
          const z = ops.convolution2d(whole, ops.reshape(kernel, [size, 1, inputs, outputs]), b, {
            stride: [stride, 1],
            padding: [...around, 0, 0],
            relu: activation === relu,
          });
          return [
            activation === undefined || activation === relu ? z : activation(ops, z),
            { past: kept === 0 ? past : lanesFirst(ops, pastOf(ops, whole, kept, lengths)) },
          ];
        },
      },
      seed,
    ),
    'convolution1d',
    [inputs, outputs, size, options],
  );
}

const ones = (count: number) => new Array<number>(count).fill(1);

/** `[B, S, F] → [S, B, F]`. */
export function stepsFirst(ops: Ops, x: Tensor): Tensor {
  const [lanes = 0, steps = 0, features = 0] = x.shape;
  const parts = ops.split(x, 1, ones(steps)).map((part) => ops.reshape(part, [1, lanes, features]));
  return ops.concat(parts, 0);
}

/** `[S, B, F] → [B, S, F]`. */
export function lanesFirst(ops: Ops, x: Tensor): Tensor {
  const [steps = 0, lanes = 0, features = 0] = x.shape;
  const parts = ops.split(x, 0, ones(steps)).map((part) => ops.reshape(part, [lanes, 1, features]));
  return ops.concat(parts, 1);
}

/** What a window leaves for the next one: the steps before the window's end, or before each lane's own. */
export function pastOf(ops: Ops, whole: Tensor, kept: number, lengths: Lengths | undefined): Tensor {
  if (lengths !== undefined) return taken(ops, whole, kept, (step, lane) => (lengths[lane] as number) + step);
  return ops.split(whole, 0, [(whole.shape[0] as number) - kept, kept])[1] as Tensor;
}
