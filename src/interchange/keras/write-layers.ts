/** Layers by their descriptions, as Keras has them: its class, its config, and the numbers of its variables in their order. */

import type { Json, ModelDescription } from '../../runs/description.js';
import type { Tensor } from '../../tensor.js';
import { kerasActivation } from './activations.js';
import type { Size } from './signal.js';
import { beside } from './weights.js';

/** A layer of Keras. */
export interface Written {
  readonly className: string;
  readonly config: Readonly<Record<string, unknown>>;
  /** Variables of the layer, by the place within its group. */
  readonly arrays: readonly (readonly [inner: string, values: readonly Tensor[]])[];
  /** What it gives for one example. */
  readonly gives: Shapes;
}

/** What flows between layers: steps of a sequence, undefined where an example is one moment, and the axes of one of them. */
export interface Shapes {
  readonly steps: Size | undefined;
  readonly shape: readonly Size[];
}

/** A described layer, what flows into it, and its weights. */
export interface Given {
  readonly description: ModelDescription;
  readonly input: Shapes;
  /** By its parameter's path within the layer; of no use where only the config is asked for. */
  weight(path: string): Tensor;
  refuse(reason: string, attribute?: string): never;
}

type Options = Readonly<Record<string, Json>>;

/** The options of a factory, without what draws its first weights. */
export function optionsOf({ args }: ModelDescription, at: number): Options {
  const given = (args[at] ?? {}) as Options;
  const { seed: _, initializers: __, grows: ___, ...rest } = given;
  return rest;
}

/** Refuses options that have another value than those that Keras can express. */
function only(
  { refuse }: Given,
  options: Options,
  allowed: Readonly<Record<string, readonly Json[]>>,
  why: string,
): void {
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(allowed, name) || (allowed[name] as readonly Json[]).includes(value)) continue;
    refuse(`${JSON.stringify(value)}: ${why}`, name);
  }
}

/** A layer that is nothing but an activation. */
export function bend(given: Pick<Given, 'input' | 'refuse'>, json: Json): Written {
  const layer = (className: string, config: object): Written => ({
    className,
    config: { ...config },
    arrays: [],
    gives: given.input,
  });
  const name = kerasActivation(json);
  if (name !== undefined) return layer('Activation', { activation: name });
  const { $, args = [] } = (typeof json === 'object' ? json : {}) as Partial<ModelDescription>;
  if ($ === 'activations.leakyRelu' || json === 'leakyRelu')
    return layer('LeakyReLU', { negative_slope: args[0] ?? 0.01 });
  if ($ === 'activations.elu') return layer('ELU', { alpha: args[0] ?? 1 });
  return given.refuse(`${JSON.stringify(json)} is none of Keras' activations`, 'activation');
}

/** A layer with an activation, which is a layer of its own where Keras has it with a number. */
function bent(given: Given, activation: Json | undefined, make: (name: string) => Written): readonly Written[] {
  const name = kerasActivation(activation);
  if (name !== undefined) return [make(name)];
  const linear = make('linear');
  return [linear, bend({ input: linear.gives, refuse: given.refuse }, activation as Json)];
}

const parameters = (given: Given, ...paths: readonly string[]): readonly Tensor[] =>
  paths.map((path) => given.weight(path));

const zerosLike = (count: number) => new Float32Array(count);

/** A cell's class, config and variables; `path` leads to its weights. */
export function cellOf(
  given: Given,
  description: ModelDescription,
  path: string,
): Pick<Written, 'className' | 'config'> & {
  readonly units: number;
  readonly inputs: number;
  readonly values: readonly Tensor[];
} {
  const { $ } = description;
  const [inputs, units] = description.args as readonly [number, number];
  const options = optionsOf(description, 2);
  const names = (...all: readonly string[]) => parameters(given, ...all.map((name) => `${path}${name}`));
  const common = { units, use_bias: true };
  if ($ === 'lstm') {
    only(given, options, { forget: ['learned'], peepholes: [false], layerNorm: [false] }, 'Keras has no such LSTM');
    const config = { ...common, activation: 'tanh', recurrent_activation: 'sigmoid', unit_forget_bias: true };
    return { className: 'LSTM', config, units, inputs, values: names('wx', 'wh', 'b') };
  }
  if ($ === 'gru') {
    const after = options.reset !== 'before';
    const config = { ...common, activation: 'tanh', recurrent_activation: 'sigmoid', reset_after: after };
    if (!after) {
      const [wx, wh, wn, b] = names('wx', 'wh', 'wn', 'b') as [Tensor, Tensor, Tensor, Tensor];
      return { className: 'GRU', config, units, inputs, values: [wx, beside([wh, wn]), b] };
    }
    const [wx, wh, b, bn] = names('wx', 'wh', 'b', 'bn') as [Tensor, Tensor, Tensor, Tensor];
    const both = new Float32Array([...b.data, ...zerosLike(2 * units), ...bn.data]);
    return {
      className: 'GRU',
      config,
      units,
      inputs,
      values: [wx, wh, { shape: [2, 3 * units], type: 'float32', data: both }],
    };
  }
  if ($ === 'simpleRnn') {
    const activation = options.activation === undefined ? 'tanh' : kerasActivation(options.activation);
    if (activation === undefined)
      return given.refuse(`${JSON.stringify(options.activation)} is none of Keras' activations`, 'activation');
    return { className: 'SimpleRNN', config: { ...common, activation }, units, inputs, values: names('wx', 'wh', 'b') };
  }
  return given.refuse(`${$}: Keras has SimpleRNN, LSTM and GRU`);
}

export const isCell = ({ $ }: ModelDescription): boolean => $ === 'lstm' || $ === 'gru' || $ === 'simpleRnn';

const merges: Readonly<Record<string, string>> = { concat: 'concat', sum: 'sum', average: 'ave', product: 'mul' };

/** A layer's serialisation: what Keras makes it of. */
export const serialised = (module: string, className: string, config: object, input?: readonly Size[]) => ({
  module,
  class_name: className,
  config,
  registered_name: null,
  ...(input && { build_config: { input_shape: input } }),
});

/** As every layer's config begins. */
export const baseOf = (name: string) => ({
  name,
  trainable: true,
  dtype: serialised('keras', 'DTypePolicy', { name: 'float32' }),
});

export function writeBidirectional(given: Given): Written {
  const { description, input } = given;
  const options = optionsOf(description, 2);
  const [forward, backward] = description.args as unknown as readonly [ModelDescription, ModelDescription];
  const merge = merges[(options.merge as string | undefined) ?? 'concat'];
  if (merge === undefined) return given.refuse('a merge of one’s own is a function', 'merge');
  const last = options.last === true;
  const made = [forward, backward].map((each, k) => {
    const side = k === 0 ? 'forward' : 'backward';
    if (!isCell(each)) given.refuse(`${each.$}: Keras has SimpleRNN, LSTM and GRU within Bidirectional`, side);
    const cell = cellOf(given, each, `${side}.`);
    const config = { ...baseOf(`${side}_rnn`), ...cell.config, return_sequences: !last, go_backwards: k === 1 };
    return { ...cell, serialised: serialised('keras.layers', cell.className, config) };
  });
  const [ahead, behind] = made as [(typeof made)[number], (typeof made)[number]];
  return {
    className: 'Bidirectional',
    config: { merge_mode: merge, layer: ahead.serialised, backward_layer: behind.serialised },
    arrays: [
      ['forward_layer/cell', ahead.values],
      ['backward_layer/cell', behind.values],
    ],
    gives: {
      steps: last ? undefined : input.steps,
      shape: [merge === 'concat' ? ahead.units + behind.units : ahead.units],
    },
  };
}

const pairOf = (value: Json | undefined, count: number): readonly number[] =>
  typeof value === 'number' ? new Array<number>(count).fill(value) : (value as unknown as readonly number[]);

const along = (length: Size, size: number, stride: number): Size =>
  length === null ? null : Math.floor((length - size) / stride) + 1;

function writeConvolution(given: Given): readonly Written[] {
  const { description, input } = given;
  const count = description.$ === 'convolution1d' ? 1 : 2;
  const [, filters, size] = description.args as readonly [number, number, Json];
  const options = optionsOf(description, 3);
  only(given, options, { flipped: [false] }, 'Keras does not turn kernels');
  const padding = options.padding ?? (count === 1 ? 'causal' : 'valid');
  const sizes = pairOf(size, count);
  const strides = pairOf(options.stride ?? 1, count);
  const isSame = padding === 'same' && strides.every((stride) => stride === 1);
  if (!isSame && padding !== 'valid' && padding !== 'causal') {
    given.refuse(
      `${JSON.stringify(padding)} with strides ${strides.join(' × ')}: Keras has other zeros; take "valid"`,
      'padding',
    );
  }
  const bias = options.bias !== false;
  const lengths = count === 1 ? [input.steps as Size] : input.shape.slice(0, 2);
  const after = lengths.map((length, k) =>
    padding === 'valid' ? along(length, sizes[k] as number, strides[k] as number) : length,
  );
  return bent(given, options.activation, (activation) => ({
    className: `Conv${count}D`,
    config: {
      ...{
        filters,
        kernel_size: sizes,
        strides,
        padding,
        data_format: 'channels_last',
        dilation_rate: sizes.map(() => 1),
      },
      ...{ groups: options.groups ?? 1, activation, use_bias: bias },
    },
    arrays: [['', parameters(given, ...(bias ? ['w', 'b'] : ['w']))]],
    gives: count === 1 ? { steps: after[0] as Size, shape: [filters] } : { ...input, shape: [...after, filters] },
  }));
}

function writePooling({ description, input }: Given): Written {
  const count = description.$.endsWith('1d') ? 1 : 2;
  const sizes = pairOf(description.args[0], count);
  const strides = pairOf(optionsOf(description, 1).stride ?? description.args[0], count);
  const lengths = count === 1 ? [input.steps as Size] : input.shape.slice(0, 2);
  const after = lengths.map((length, k) => along(length, sizes[k] as number, strides[k] as number));
  return {
    className: `${description.$.startsWith('max') ? 'Max' : 'Average'}Pooling${count}D`,
    config: { pool_size: sizes, strides, padding: 'valid', data_format: 'channels_last' },
    arrays: [],
    gives:
      count === 1
        ? { steps: after[0] as Size, shape: input.shape }
        : { ...input, shape: [...after, input.shape[2] as Size] },
  };
}

const product = (sizes: readonly Size[]): Size =>
  sizes.reduce((all, size) => (all === null || size === null ? null : all * size), 1);

/** The layers that one of ours becomes; undefined where Keras has none. */
export function writeLayer(given: Given): readonly Written[] | undefined {
  const { description, input } = given;
  const { $, args } = description;
  const plain = (className: string, config: object, gives = input): readonly Written[] => [
    { className, config: { ...config }, arrays: [], gives },
  ];
  switch ($) {
    case 'dense': {
      // One that has grown has more units than it was made with.
      const units = given.weight('w').shape[1] ?? (args[1] as number);
      const options = optionsOf(description, 2);
      const bias = options.bias !== false;
      return bent(given, options.activation, (activation) => ({
        className: 'Dense',
        config: { units, activation, use_bias: bias },
        arrays: [['', parameters(given, ...(bias ? ['w', 'b'] : ['w']))]],
        gives: { ...input, shape: [...input.shape.slice(0, -1), units] },
      }));
    }
    case 'activation':
      return [bend(given, args[0] as Json)];
    case 'dropout': {
      const options = optionsOf(description, 1);
      only(given, options, { scaling: ['inverted'] }, 'Keras makes up for what is dropped while it learns');
      const isWindow = options.mask === 'window' && input.steps !== undefined;
      return plain(isWindow ? 'SpatialDropout1D' : 'Dropout', { rate: args[0] });
    }
    case 'layerNorm': {
      const epsilon = optionsOf(description, 1).epsilon ?? 1e-5;
      const config = { axis: -1, epsilon, center: true, scale: true };
      return [
        { className: 'LayerNormalization', config, arrays: [['', parameters(given, 'gain', 'bias')]], gives: input },
      ];
    }
    case 'prelu': {
      const all = [...(input.steps === undefined ? [] : [input.steps]), ...input.shape];
      const [slope] = parameters(given, 'slope') as [Tensor];
      const value = { ...slope, shape: [...all.slice(1).map(() => 1), args[0] as number] };
      const config = { shared_axes: all.length === 1 ? null : all.slice(1).map((_, k) => k + 1) };
      return [{ className: 'PReLU', config, arrays: [['', [value]]], gives: input }];
    }
    case 'flatten': {
      const time = optionsOf(description, 0).time === true;
      if (time) return plain('Flatten', {}, { steps: undefined, shape: [product([input.steps ?? 1, ...input.shape])] });
      return plain('Flatten', {}, { ...input, shape: [product(input.shape)] });
    }
    case 'convolution1d':
    case 'convolution2d':
      return writeConvolution(given);
    case 'maxPooling1d':
    case 'meanPooling1d':
    case 'maxPooling2d':
    case 'meanPooling2d':
      return [writePooling(given)];
    default:
      return undefined;
  }
}
