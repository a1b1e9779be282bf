/**
 * Models of TensorFlow.js, read. Where its packages are (`npm ci --ignore-scripts` in test/tfjs) they make the files, and what they give and
 * learn in one step is held against ours; a few of their files are in golden/tfjs.json, and read everywhere.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import * as oxbow from 'oxbow';
import { afterAll, describe, expect, it } from 'vitest';
import { tfjs } from '../../../src/interchange/tfjs/index.js';
import { dataOf, differenceOf, source } from '../keras/golden.js';
import { rows } from '../table.js';

// biome-ignore lint/suspicious/noExplicitAny: another library's models, whose packages are not there everywhere.
type Any = any;

const figures = rows('tfjs', 'import');
afterAll(() => figures.finish());
const from = new URL('../../tfjs/', import.meta.url);
const isThere = existsSync(new URL('node_modules/@tensorflow/tfjs-layers/package.json', from));
if (!isThere)
  console.warn(
    'Without TensorFlow.js (npm ci --ignore-scripts in test/tfjs) only files that it has written before are read.',
  );

interface Saved {
  readonly name: string;
  readonly model: Record<string, unknown>;
  /** The shard, in base64. */
  readonly weights: string;
  readonly x: { readonly shape: readonly number[]; readonly data: readonly number[] };
  readonly y: { readonly shape: readonly number[]; readonly data: readonly number[] };
}

const goldenPath = new URL('../golden/tfjs.json', import.meta.url);
const golden: readonly Saved[] = existsSync(goldenPath) ? JSON.parse(readFileSync(goldenPath, 'utf8')) : [];

const fileOf = ({ model, weights }: Pick<Saved, 'model' | 'weights'>) =>
  source('m/model.json', new TextEncoder().encode(JSON.stringify(model)), {
    'w.bin': new Uint8Array(Buffer.from(weights, 'base64')),
  });
const imported = (saved: Pick<Saved, 'model' | 'weights'>) => tfjs.read(fileOf(saved), {}) as Promise<Any>;
const isIds = ({ model }: Pick<Saved, 'model'>) => JSON.stringify(model).includes('"Embedding"');

const bias = { biasInitializer: 'randomNormal' };
// By default they are orthogonal, for which its core alone has not all it takes.
const recurrent = { ...bias, recurrentInitializer: 'glorotNormal' };
const gates = { ...recurrent, recurrentActivation: 'sigmoid' };

type Layers = Any;
/** By name: the layers, one example's axes, and the features that they give. */
const cases: Readonly<
  Record<
    string,
    readonly [figures: readonly string[], make: (l: Layers) => readonly unknown[], shape: readonly (number | null)[]]
  >
> = {
  dense: [
    ['Dense', 'Dropout', 'Activation'],
    (l) => [
      l.dense({ units: 5, activation: 'tanh', inputShape: [4], ...bias }),
      l.dropout({ rate: 0 }),
      l.activation({ activation: 'softplus' }),
      l.dense({ units: 2, ...bias }),
    ],
    [4],
  ],
  embedding: [
    ['Embedding'],
    (l) => [
      l.embedding({ inputDim: 6, outputDim: 3, inputShape: [5] }),
      l.lstm({ units: 4, ...gates }),
      l.dense({ units: 2 }),
    ],
    [5],
  ],
  simpleRnn: [
    ['SimpleRNN'],
    (l) => [
      l.simpleRNN({ units: 4, returnSequences: true, inputShape: [5, 3], ...recurrent }),
      l.simpleRNN({ units: 2, activation: 'relu', ...recurrent }),
    ],
    [5, 3],
  ],
  lstm: [
    ['LSTM'],
    (l) => [
      l.lstm({ units: 4, returnSequences: true, inputShape: [5, 3], ...gates }),
      l.lstm({ units: 2, goBackwards: true, ...gates }),
    ],
    [5, 3],
  ],
  gru: [
    ['GRU'],
    (l) => [l.gru({ units: 4, returnSequences: true, inputShape: [5, 3], ...gates }), l.gru({ units: 2, ...gates })],
    [5, 3],
  ],
  both: [
    ['Bidirectional'],
    (l) => [
      l.bidirectional({
        layer: l.lstm({ units: 3, returnSequences: true, ...gates }),
        mergeMode: 'concat',
        inputShape: [5, 3],
      }),
      l.bidirectional({ layer: l.gru({ units: 2, ...gates }), mergeMode: 'ave' }),
    ],
    [5, 3],
  ],
  distributed: [
    ['TimeDistributed', 'LayerNormalization'],
    (l) => [
      l.timeDistributed({ layer: l.dense({ units: 4, ...bias }), inputShape: [5, 3] }),
      l.layerNormalization({ gammaInitializer: 'randomNormal' }),
      l.dense({ units: 2 }),
    ],
    [5, 3],
  ],
  conv2d: [
    ['Conv2D', 'MaxPooling2D', 'AveragePooling2D', 'Flatten'],
    (l) => [
      l.conv2d({ filters: 4, kernelSize: 3, padding: 'same', activation: 'relu', inputShape: [8, 8, 2], ...bias }),
      l.maxPooling2d({ poolSize: 2 }),
      l.conv2d({ filters: 3, kernelSize: 2, strides: 1, ...bias }),
      l.averagePooling2d({ poolSize: 2, strides: 1 }),
      l.flatten(),
      l.dense({ units: 2 }),
    ],
    [8, 8, 2],
  ],
  conv1d: [
    ['Conv1D', 'MaxPooling1D', 'GlobalAveragePooling1D'],
    (l) => [
      l.conv1d({ filters: 4, kernelSize: 3, inputShape: [9, 3], ...bias }),
      l.maxPooling1d({ poolSize: 2 }),
      l.conv1d({ filters: 3, kernelSize: 2, padding: 'same', ...bias }),
      l.globalAveragePooling1d({}),
      l.dense({ units: 2 }),
    ],
    [9, 3],
  ],
};

async function library() {
  const require = createRequire(new URL('package.json', from));
  const [tf, layers] = [require('@tensorflow/tfjs-core'), require('@tensorflow/tfjs-layers')];
  require('@tensorflow/tfjs-backend-cpu');
  await tf.setBackend('cpu');
  return { tf, layers } as { tf: Any; layers: Any };
}

/** What `model.save` gives, with one shard. */
async function save(model: Any): Promise<Pick<Saved, 'model' | 'weights'>> {
  let saved: Any;
  await model.save({
    async save(given: unknown) {
      saved = given;
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
    },
  });
  return {
    model: {
      format: saved.format,
      modelTopology: saved.modelTopology,
      weightsManifest: [{ paths: ['w.bin'], weights: saved.weightSpecs }],
    },
    weights: Buffer.from(saved.weightData).toString('base64'),
  };
}

const most = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a, (value, k) => Math.abs(value - (b[k] as number))).reduce((x, y) => Math.max(x, y), 0);

describe.skipIf(!isThere)('beside TensorFlow.js itself', () => {
  it.each(Object.entries(cases))('gives and learns the same: %s', async (name, [names, make, shape]) => {
    const { tf, layers } = await library();
    const model = layers.sequential({ layers: make(layers.layers) });
    const ids = name === 'embedding';
    const full = [3, ...(shape as number[])];
    const size = full.reduce((product, each) => product * each, 1);
    const values = Array.from({ length: size }, (_, k) => (ids ? (k * k) % 6 : Math.sin(k * k + 1)));
    const input = tf.tensor(values, full);
    const y = model.predict(input) as Any;
    const saved = {
      ...(await save(model)),
      x: { shape: full, data: values },
      y: { shape: y.shape, data: [...y.dataSync()] },
    };
    const own = await imported(saved);
    const x = dataOf(saved.x, ids);
    const outputs = differenceOf(await own.predict(x), saved.y);

    // One step of gradient descent in both. A squared error is a mean over all numbers there, and half a sum over features here.
    const width = y.shape.at(-1) as number;
    const target = Array.from({ length: saved.y.data.length }, (_, k) => Math.cos(k));
    model.compile({ optimizer: tf.train.sgd(1), loss: 'meanSquaredError' });
    await model.trainOnBatch(input, tf.tensor(target, y.shape));
    const learner = own.compile({ loss: oxbow.squaredError(), optimizer: oxbow.sgd(2 / width) });
    await learner.fit(x, oxbow.tensor(y.shape, Float32Array.from(target)), { epochs: 1, batch: 3 });
    const [here, there] = [oxbow.weightsOf(own.params), oxbow.weightsOf((await imported(await save(model))).params)];
    const gradients = Math.max(...Object.entries(here).map(([path, { data }]) => most(data, there[path]?.data ?? [])));
    for (const layer of names) figures.report({ layer, direction: 'import', outputs, gradients });
    if (process.env.OXBOW_FIGURES) {
      const known: readonly Saved[] = existsSync(goldenPath) ? JSON.parse(readFileSync(goldenPath, 'utf8')) : [];
      const all = [...known.filter((each) => each.name !== name), { name, ...saved }];
      writeFileSync(goldenPath, `[\n${all.map((each) => JSON.stringify(each)).join(',\n')}\n]\n`);
    }
  });
});

describe('a model that TensorFlow.js has written', () => {
  it.each(golden.map((each) => [each.name, each] as const))('gives what it gave there: %s', async (_, saved) => {
    const own = await imported(saved);
    expect(tfjs.recognises(fileOf(saved))).toBe(true);
    expect(differenceOf(await own.predict(dataOf(saved.x, isIds(saved))), saved.y)).toBeLessThan(1e-5);
  });

  /** A dense layer from 2 to 1, its weights stored in some way. */
  const stored = (specs: readonly object[], bytes: Uint8Array, more: object = {}) => ({
    model: {
      format: 'layers-model',
      modelTopology: {
        class_name: 'Sequential',
        config: { layers: [{ class_name: 'Dense', config: { name: 'd', units: 1, batch_input_shape: [null, 2] } }] },
      },
      weightsManifest: [{ paths: ['w.bin'], weights: specs, ...more }],
    },
    weights: Buffer.from(bytes).toString('base64'),
  });
  const kernel = { name: 'd/kernel', shape: [2, 1], dtype: 'float32' };
  const offset = { name: 'd/bias', shape: [1], dtype: 'float32' };
  const packed = (dtype: string, more: object = {}) =>
    [kernel, offset].map((each) => ({ ...each, quantization: { dtype, ...more } }));

  it.each<readonly [string, Pick<Saved, 'model' | 'weights'>, readonly number[]]>([
    [
      'float16',
      stored(packed('float16'), new Uint8Array(Uint16Array.of(0x3c00, 0xc100, 0x0001).buffer)),
      [1, -2.5, 2 ** -24],
    ],
    ['uint8', stored(packed('uint8', { scale: 0.5, min: -1 }), Uint8Array.of(0, 3, 255)), [-1, 0.5, 126.5]],
    [
      'uint16',
      stored(packed('uint16', { scale: 0.25, min: 0 }), new Uint8Array(Uint16Array.of(1, 4, 65535).buffer)),
      [0.25, 1, 16383.75],
    ],
  ])('has its weights, stored as %s', async (_, saved, wanted) => {
    const { params } = await imported(saved);
    expect(Object.values(oxbow.weightsOf(params)).flatMap(({ data }) => [...data])).toEqual(wanted);
  });

  const plain = [kernel, offset];
  const twelve = new Uint8Array(12);
  it.each<readonly [string, Pick<Saved, 'model' | 'weights'>, string, string]>([
    [
      'leads out of its folder',
      stored(plain, twelve, { paths: ['../w.bin'] }),
      'weightsManifest[0].paths',
      'no name of a file in the folder',
    ],
    [
      'leads to another drive',
      stored(plain, twelve, { paths: ['c:w.bin'] }),
      'weightsManifest[0].paths',
      'no name of a file',
    ],
    [
      'has shapes whose product overflows',
      stored([{ ...kernel, shape: [2 ** 40, 2 ** 40] }], twelve),
      'weightsManifest[0]: "d/kernel"',
      'is no shape',
    ],
    [
      'has more in its manifest than in its shards',
      stored([{ ...kernel, shape: [4, 1] }], twelve),
      'weightsManifest[0]: "d/kernel"',
      'have 12 left',
    ],
    [
      'has more in its shards',
      stored(plain, new Uint8Array(16)),
      'weightsManifest[0]',
      'have 16 bytes, but its weights are 12',
    ],
    [
      'has weights of nobody',
      stored([...plain, { name: 'e/kernel', shape: [0], dtype: 'float32' }], twelve),
      '"e/kernel"',
      'no layer whose',
    ],
    [
      'is quantised without a scale',
      stored(packed('uint8'), twelve.slice(9)),
      'weightsManifest[0]: "d/kernel"',
      'no scale and min',
    ],
    [
      'is of complex numbers',
      stored([{ ...kernel, dtype: 'complex64' }], twelve),
      'weightsManifest[0]: "d/kernel"',
      'weights are float32',
    ],
    [
      'has gates that are not logistic',
      (() => {
        const saved = stored(plain, twelve);
        (saved.model.modelTopology.config.layers as object[])[0] = {
          class_name: 'LSTM',
          config: { name: 'd', units: 1, recurrent_activation: 'hard_sigmoid', batch_input_shape: [null, 3, 2] },
        };
        return saved;
      })(),
      'd.recurrent_activation',
      'gates are logistic here',
    ],
    [
      'is a graph of operations',
      { ...stored(plain, twelve), model: { format: 'graph-model', modelTopology: { node: [] }, weightsManifest: [] } },
      'format',
      'tfjs_layers_model',
    ],
  ])('is refused where it %s', async (_, saved, place, reason) => {
    await expect(imported(saved)).rejects.toMatchObject({ _tag: 'Interchange', format: 'TensorFlow.js', place });
    await expect(imported(saved)).rejects.toThrow(reason);
  });

  it('is not written', async () => {
    await expect(tfjs.write({ description: oxbow.describe(oxbow.dense(1, 1)), weights: {} }, {})).rejects.toThrow(
      'it is read, and not written',
    );
  });
});
