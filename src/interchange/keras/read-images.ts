/** Convolutions and pooling of Keras. */

import type { Json } from '../../runs/description.js';
import { activationOf, asOption } from './activations.js';
import type { Config } from './config.js';
import type { Step } from './read-recurrent.js';
import { type Signal, type Size, showSignal } from './signal.js';
import { type LayerWeights, shaped, thing } from './weights.js';

/** How a kernel or a pool goes along one axis. */
interface Axis {
  readonly size: number;
  readonly stride: number;
  readonly length: Size;
}

/** What TensorFlow puts before and after an axis for `same`: as much as the last place wants, the smaller half before. */
function sameZeros({ size, stride, length }: Axis): readonly [before: number, after: number] | undefined {
  // Where the stride is 1, the length does not matter.
  if (length === null && stride !== 1) return undefined;
  const places = length === null ? 0 : Math.ceil(length / stride);
  const zeros = stride === 1 ? size - 1 : Math.max((places - 1) * stride + size - (length as number), 0);
  return [Math.floor(zeros / 2), Math.ceil(zeros / 2)];
}

const placesOf = ({ size, stride, length }: Axis, zeros: number): Size =>
  length === null ? null : Math.floor((length + zeros - size) / stride) + 1;

/** @throws OxbowError, an InterchangeError, where channels come first. */
function channelsLast(config: Config): void {
  config.only('data_format', ['channels_last'], 'channels come last here');
}

/** The axes that a layer goes along: of a sequence its steps, of images their rows and columns. */
function axesOf(config: Config, { steps, shape, mask }: Signal, count: 1 | 2, kernel: string): readonly Axis[] {
  channelsLast(config);
  const fits = count === 1 ? steps !== undefined && shape.length === 1 : steps === undefined && shape.length === 3;
  if (!fits) {
    const takes = count === 1 ? 'sequences [batch, steps, features]' : 'images [batch, rows, columns, channels]';
    config.refuse(`it takes ${takes}, but is given ${showSignal({ steps, shape, mask, first: false })}`);
  }
  if (count === 1 && mask !== 'none') {
    config.refuse('Keras reads padding here, and has no mask after it; leave mask_zero or Masking out');
  }
  const sizes = config.sizes(kernel, count);
  const strides = config.sizes('strides', count, kernel === 'pool_size' ? sizes : new Array(count).fill(1));
  const lengths = count === 1 ? [steps as Size] : shape;
  return sizes.map((size, k) => ({ size, stride: strides[k] as number, length: lengths[k] as Size }));
}

const pairOrOne = (values: readonly number[]): Json =>
  values.every((value) => value === values[0]) ? (values[0] as number) : values;

/** Padding by which `convolution1d` and `convolution2d` see the same places as Keras. */
function paddingOf(
  config: Config,
  axes: readonly Axis[],
): { readonly padding: Json; readonly lengths: readonly Size[] } {
  const padding = config.text('padding', 'valid');
  if (padding === 'valid') return { padding, lengths: axes.map((axis) => placesOf(axis, 0)) };
  if (padding === 'causal' && axes.length === 1) {
    config.only('strides', [1, [1]], 'a causal convolution gives each moment here');
    return { padding, lengths: axes.map(({ length }) => length) };
  }
  if (padding !== 'same') return config.refuse(`${JSON.stringify(padding)} is not valid, same or causal`, 'padding');
  const zeros = axes.map(sameZeros);
  const lengths = axes.map(({ stride, length }) => (length === null ? null : Math.ceil(length / stride)));
  // Zeros after the last place matter to nobody; those before the first one move all places.
  if (axes.every(({ size }, k) => zeros[k]?.[0] === Math.floor((size - 1) / 2))) return { padding, lengths };
  const before = zeros.map((pair) => pair?.[0] ?? -1);
  const isEven = axes.every((axis, k) => placesOf(axis, 2 * (before[k] as number)) === lengths[k]);
  if (axes.length === 2 && isEven && before.every((count) => count >= 0))
    return { padding: pairOrOne(before), lengths };
  return config.refuse(
    '"same" puts other zeros before than after an axis of this length and stride; take "valid"',
    'padding',
  );
}

export function readConvolution(config: Config, signal: Signal, weights: LayerWeights): Step {
  const count = config.className === 'Conv1D' ? 1 : 2;
  const axes = axesOf(config, signal, count, 'kernel_size');
  config.only('dilation_rate', [1, [1], [1, 1]], 'there is no dilation here');
  const groups = config.count('groups', 1);
  if (count === 1 && groups !== 1) config.refuse(`${groups}: convolutions over time have one group here`, 'groups');
  const inputs = signal.shape.at(-1);
  if (typeof inputs !== 'number') return config.refuse('its input says nothing of channels');
  const filters = config.count('filters');
  const bias = config.flag('use_bias', true);
  const activation = activationOf(config);
  const { padding, lengths } = paddingOf(config, axes);
  const sizes = axes.map(({ size }) => size);
  const strides = axes.map(({ stride }) => stride);
  const options = {
    padding,
    ...(strides.some((stride) => stride !== 1) && { stride: pairOrOne(strides) }),
    ...(groups !== 1 && { groups }),
    ...(!bias && { bias }),
    ...asOption(activation),
  };
  const [w, b] = weights.take(config, '', bias ? ['kernel', 'bias'] : ['kernel']);
  return {
    parts: [
      {
        description: thing(count === 1 ? 'convolution1d' : 'convolution2d', inputs, filters, pairOrOne(sizes), options),
        weights: {
          w: shaped(config, 'kernel', w, [...sizes, inputs / groups, filters]),
          ...(bias && { b: shaped(config, 'bias', b, [filters]) }),
        },
      },
    ],
    signal:
      count === 1
        ? { ...signal, steps: lengths[0] as Size, shape: [filters] }
        : { ...signal, shape: [...lengths, filters] },
  };
}

export function readPooling(config: Config, signal: Signal): Step {
  const [, kind = '', dimensions] = /^(Max|Average)Pooling([12])D$/.exec(config.className) ?? [];
  const count = dimensions === '1' ? 1 : 2;
  const axes = axesOf(config, signal, count, 'pool_size');
  const padding = config.text('padding', 'valid');
  const isWhole = padding === 'same' && axes.every((axis) => axis.length !== null && sameZeros(axis)?.[1] === 0);
  if (padding !== 'valid' && !isWhole) {
    config.refuse(
      `${JSON.stringify(padding)}: pools lie within their input here; take "valid", or pools that fit`,
      'padding',
    );
  }
  const [size, stride] = [axes.map((axis) => axis.size), axes.map((axis) => axis.stride)];
  const lengths = axes.map((axis) => placesOf(axis, 0));
  const options = size.join() === stride.join() ? [] : [{ stride: pairOrOne(stride) }];
  const name = `${kind === 'Max' ? 'max' : 'mean'}Pooling${count}d`;
  return {
    parts: [{ description: thing(name, pairOrOne(size), ...options), weights: {} }],
    signal:
      count === 1
        ? { ...signal, steps: lengths[0] as Size }
        : { ...signal, shape: [...lengths, signal.shape.at(-1) as Size] },
  };
}

/** One pool over everything, whose size has to be known. */
export function readGlobalPooling(config: Config, signal: Signal): Step {
  const [, kind = '', dimensions] = /^Global(Max|Average)Pooling([12])D$/.exec(config.className) ?? [];
  const count = dimensions === '1' ? 1 : 2;
  channelsLast(config);
  const { steps, shape, mask } = signal;
  const lengths = count === 1 ? [steps] : shape.slice(0, -1);
  const fits = count === 1 ? steps !== undefined && shape.length === 1 : steps === undefined && shape.length === 3;
  if (!fits) config.refuse(`it is given ${showSignal(signal)}`);
  if (!lengths.every((length) => typeof length === 'number')) {
    config.refuse(`it pools ${showSignal(signal)}, of which the model does not say the size; give its Input a shape`);
  }
  if (count === 1 && mask !== 'none')
    config.refuse('over masked steps there is no such pool here; leave mask_zero or Masking out');
  const keeps = config.flag('keepdims');
  const pool = thing(`${kind === 'Max' ? 'max' : 'mean'}Pooling${count}d`, pairOrOne(lengths as number[]));
  const channels = shape.at(-1) as Size;
  const flat = count === 2 && !keeps ? [thing('flatten')] : [];
  return {
    parts: [pool, ...flat].map((description) => ({ description, weights: {} })),
    signal:
      count === 1
        ? { ...signal, steps: keeps ? 1 : undefined }
        : { ...signal, shape: keeps ? [1, 1, channels] : [channels] },
  };
}
