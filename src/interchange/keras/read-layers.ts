/** Layers of Keras by their classes: what each is here, its weights, and what flows out of it. */

import { activationOf, asOption } from './activations.js';
import { type Config, quoted } from './config.js';
import { readConvolution, readGlobalPooling, readPooling } from './read-images.js';
import { innerOf, isRecurrent, readBidirectional, readRecurrent, type Step } from './read-recurrent.js';
import { type Signal, type Size, showSignal } from './signal.js';
import { type LayerWeights, shaped, thing } from './weights.js';

type Reader = (config: Config, signal: Signal, weights: LayerWeights) => Step;

/** A layer without weights that leaves axes as they are. */
const plain = (signal: Signal, description: ReturnType<typeof thing> | undefined): Step => ({
  parts: description === undefined ? [] : [{ description, weights: {} }],
  signal,
});

/** The features of each step, which the weights are for. */
function featuresOf(config: Config, signal: Signal): number {
  const features = signal.shape.at(-1);
  if (typeof features === 'number') return features;
  return config.refuse(
    `it is given ${showSignal(signal)}, of which the model does not say the features; give its Input a shape`,
  );
}

const readDense: Reader = (config, signal, weights) => {
  const inputs = featuresOf(config, signal);
  const units = config.count('units');
  const bias = config.flag('use_bias', true);
  const options = { ...(!bias && { bias }), ...asOption(activationOf(config)) };
  const [w, b] = weights.take(config, '', bias ? ['kernel', 'bias'] : ['kernel']);
  return {
    parts: [
      {
        description: thing('dense', inputs, units, ...(Object.keys(options).length === 0 ? [] : [options])),
        weights: {
          w: shaped(config, 'kernel', w, [inputs, units]),
          ...(bias && { b: shaped(config, 'bias', b, [units]) }),
        },
      },
    ],
    signal: { ...signal, shape: [...signal.shape.slice(0, -1), units] },
  };
};

const readEmbedding: Reader = (config, signal, weights) => {
  if (!signal.first || signal.shape.length > 1) {
    config.refuse(`it takes ids [batch] or [batch, steps] as they come, but is given ${showSignal(signal)}`);
  }
  const [symbols, features] = [config.count('input_dim'), config.count('output_dim')];
  const masks = config.flag('mask_zero');
  const [steps] = signal.shape;
  const [table] = weights.take(config, '', ['embeddings']);
  return {
    parts: [
      {
        description: thing('embedding', symbols, features),
        weights: { table: shaped(config, 'embeddings', table, [symbols, features]) },
      },
    ],
    signal: { ...signal, steps, shape: [features], mask: masks ? 'on' : 'none', ...(masks && { padding: 0 }) },
  };
};

const readMasking: Reader = (config, signal) => {
  if (!signal.first || signal.steps === undefined) {
    config.refuse(`it masks sequences as they come, but is given ${showSignal(signal)}`);
  }
  return plain({ ...signal, mask: 'on', padding: config.number('mask_value', 0) }, undefined);
};

const readNorm: Reader = (config, signal, weights) => {
  const features = featuresOf(config, signal);
  const last = signal.shape.length + (signal.steps === undefined ? 0 : 1);
  config.only('axis', [-1, last, [-1], [last]], 'features are normalised over the last axis here');
  config.only('center', [true], 'there is a bias here');
  config.only('scale', [true], 'there is a gain here');
  const epsilon = config.number('epsilon', 1e-3);
  const [gain, bias] = weights.take(config, '', ['gamma', 'beta']);
  return {
    parts: [
      {
        description: thing('layerNorm', features, { epsilon }),
        weights: { gain: shaped(config, 'gamma', gain, [features]), bias: shaped(config, 'beta', bias, [features]) },
      },
    ],
    signal,
  };
};

const readDropout: Reader = (config, signal) => {
  config.only(
    'noise_shape',
    [],
    'each feature of a step is drawn by itself here, or by SpatialDropout1D that of a lane',
  );
  return plain(signal, thing('dropout', config.rate('rate')));
};

const readSpatialDropout: Reader = (config, signal) => {
  if (signal.steps === undefined || signal.shape.length !== 1) config.refuse(`it is given ${showSignal(signal)}`);
  return plain(signal, thing('dropout', config.rate('rate'), { mask: 'window' }));
};

const readActivation: Reader = (config, signal) => {
  const activation = activationOf(config);
  return plain(signal, activation === null ? undefined : thing('activation', activation));
};

const leaky = (config: Config, signal: Signal, slope: number): Step => {
  if (!(slope >= 0 && slope < 1)) config.refuse(`a slope below 0 is a number from 0 to below 1 here, not ${slope}`);
  return plain(signal, thing('activation', slope === 0 ? 'relu' : thing('activations.leakyRelu', slope)));
};

const readRelu: Reader = (config, signal) => {
  config.only('max_value', [], 'it has no end here');
  config.only('threshold', [0], 'it begins at 0 here');
  return leaky(config, signal, config.number('negative_slope', 0));
};

/** Keras 3 calls the slope `negative_slope`, and earlier ones `alpha`. */
const readLeakyRelu: Reader = (config, signal) =>
  leaky(config, signal, config.number('negative_slope', config.number('alpha', 0.3)));

const readElu: Reader = (config, signal) => {
  const scale = config.number('alpha', 1);
  if (scale < 0) config.refuse(`${scale} is below 0`, 'alpha');
  return plain(signal, thing('activation', thing('activations.elu', scale)));
};

const readSoftmax: Reader = (config, signal) => {
  const last = signal.shape.length + (signal.steps === undefined ? 0 : 1);
  config.only('axis', [-1, last], 'it is over the last axis here');
  return plain(signal, thing('activation', 'softmax'));
};

const readPrelu: Reader = (config, signal, weights) => {
  const features = featuresOf(config, signal);
  config.value('shared_axes');
  const [slope] = weights.take(config, '', ['alpha']);
  const { shape, data } = slope as NonNullable<typeof slope>;
  if (shape.at(-1) !== features || data.length !== features) {
    config.refuse(
      `each feature has one slope here, but there are [${shape}]; share them over the other axes`,
      'shared_axes',
    );
  }
  return {
    parts: [
      { description: thing('prelu', features), weights: { slope: { shape: [features], type: 'float32', data } } },
    ],
    signal,
  };
};

const productOf = (sizes: readonly Size[]): Size =>
  sizes.reduce((product, size) => (product === null || size === null ? null : product * size), 1);

const readFlatten: Reader = (config, signal) => {
  config.only('data_format', ['channels_last'], 'channels come last here');
  const { steps, shape, mask } = signal;
  if (steps === undefined) {
    return plain({ ...signal, shape: [productOf(shape)] }, shape.length === 1 ? undefined : thing('flatten'));
  }
  if (mask !== 'none')
    config.refuse('over masked steps it would make features of padding; leave mask_zero or Masking out');
  return plain(
    { ...signal, steps: undefined, shape: [productOf([steps, ...shape])] },
    thing('flatten', { time: true }),
  );
};

const readDistributed: Reader = (config, signal, weights) => {
  const inner = innerOf(config, 'layer') ?? config.refuse('it is not there', 'layer');
  const { steps, mask } = signal;
  if (steps === undefined) config.refuse(`it takes sequences, but is given ${showSignal(signal)}`);
  if (!distributed.has(inner.className)) {
    inner.refuse(`${inner.className}: what takes each step by itself here is ${[...distributed].join(', ')}`);
  }
  const read = (readers.get(inner.className) as Reader)(
    inner,
    { ...signal, steps: undefined, mask: 'none' },
    { take: (each, path, names) => weights.take(each, path === '' ? 'layer' : `layer/${path}`, names), done() {} },
  );
  inner.done();
  return { parts: read.parts, signal: { ...read.signal, steps, mask: mask === 'none' ? 'none' : 'ended' } };
};

const pools = ['Max', 'Average'].flatMap((kind) => [1, 2].map((axes) => `${kind}Pooling${axes}D`));

const readers: ReadonlyMap<string, Reader> = new Map([
  ['Dense', readDense],
  ['Embedding', readEmbedding],
  ['Masking', readMasking],
  ['LayerNormalization', readNorm],
  ['Dropout', readDropout],
  ['SpatialDropout1D', readSpatialDropout],
  ['Activation', readActivation],
  ['ReLU', readRelu],
  ['LeakyReLU', readLeakyRelu],
  ['ELU', readElu],
  ['Softmax', readSoftmax],
  ['PReLU', readPrelu],
  ['Flatten', readFlatten],
  ['Conv1D', readConvolution],
  ['Conv2D', readConvolution],
  ...pools.map((name) => [name, readPooling] as const),
  ...pools.map((name) => [`Global${name}`, readGlobalPooling] as const),
  ['TimeDistributed', readDistributed],
  ['Bidirectional', readBidirectional],
]);

/** What takes each step by itself. */
const distributed = new Set([
  ...['Dense', 'LayerNormalization', 'Dropout', 'Activation', 'ReLU', 'LeakyReLU', 'ELU', 'Softmax', 'PReLU'],
  ...['Flatten', 'Conv2D', 'MaxPooling2D', 'AveragePooling2D', 'GlobalMaxPooling2D', 'GlobalAveragePooling2D'],
]);

/** Why there is no such layer here. */
const reasons: Readonly<Record<string, string>> = {
  BatchNormalization: 'it is no layer here; fold it into the layer before it, or retrain with LayerNormalization',
  Lambda: 'it has code of its own, which is not run',
  MultiHeadAttention: 'a graph of it is no chain; build it of selfAttention and load its weights',
};

/** @throws OxbowError, an InterchangeError, that names the layer, and the attribute for which there is nothing here. */
export function readLayer(config: Config, signal: Signal, weights: LayerWeights): Step {
  const { className } = config;
  const reader = isRecurrent(className) ? readRecurrent : readers.get(className);
  if (reader === undefined) {
    const reason = Object.hasOwn(reasons, className) ? reasons[className] : 'there is no such layer here';
    return config.refuse(`${quoted(className)}: ${reason}`);
  }
  const { parts, signal: given } = reader(config, signal, weights);
  config.done();
  weights.done(config);
  return { parts, signal: { ...given, first: signal.first && className === 'InputLayer' } };
}
