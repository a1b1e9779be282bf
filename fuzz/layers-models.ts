/** Mutated files of Keras and TensorFlow.js: each is read, or refused by name. */
import fc from 'fast-check';
import {
  bidirectional,
  convolution1d,
  dense,
  describe,
  embedding,
  flatten,
  gru,
  layerNorm,
  lstm,
  sequential,
  weightsOf,
} from '../src/index.js';
import type { SourceFile } from '../src/interchange/format.js';
import { openArchive, packed } from '../src/interchange/keras/archive.js';
import { keras } from '../src/interchange/keras/index.js';
import { tfjs } from '../src/interchange/tfjs/index.js';
import { settled } from './judging.js';
import {
  type ByteMutation,
  byteMutation,
  mutatedBytes,
  mutatedText,
  type TextMutation,
  textMutation,
  upTo,
} from './mutations.js';
import type { Target } from './run.js';

const models = () => [
  sequential([embedding(5, 3), lstm(3, 2), dense(2, 5)], { seed: 1, padding: 0 }),
  sequential([bidirectional(gru(3, 2), gru(3, 2)), layerNorm(4), dense(4, 2, { activation: 'relu' })], { seed: 1 }),
  sequential([convolution1d(2, 3, 2, { padding: 'valid' }), flatten({ time: true }), dense(9, 2)], { seed: 1 }),
];

const file = (path: string, bytes: Uint8Array, shard: Uint8Array = new Uint8Array(0)): SourceFile => ({
  path,
  bytes,
  beside: async () => shard,
});

interface KerasCase {
  readonly model: number;
  readonly config: readonly TextMutation[];
  readonly weights: readonly ByteMutation[];
  readonly archive: readonly ByteMutation[];
}

/** Archives whose config, HDF5 or zip was changed; checksums of what is in them are right, so that they refuse nothing first. */
export async function kerasFiles(): Promise<Target<KerasCase>> {
  const shapes = [{}, {}, { inputShape: [4, 2] }];
  const wholes = await Promise.all(
    models().map(async (model, k) => {
      const given = { description: describe(model), weights: weightsOf(model.params) };
      const [written] = await keras.write(given, shapes[k] as object);
      const archive = openArchive('Keras 3', (written as NonNullable<typeof written>).bytes);
      return [new TextDecoder().decode(archive.file('config.json')), archive.file('model.weights.h5')] as const;
    }),
  );
  return {
    name: 'keras',
    cases: fc.record({
      model: fc.nat({ max: wholes.length - 1 }),
      config: upTo(3, textMutation),
      weights: upTo(4, byteMutation),
      archive: upTo(2, byteMutation),
    }),
    async judge(each) {
      const [config, weights] = wholes[each.model] as (typeof wholes)[number];
      const whole = packed({
        'config.json': new TextEncoder().encode(mutatedText(config, each.config)),
        'model.weights.h5': mutatedBytes(weights, each.weights),
      });
      const bytes = mutatedBytes(whole, each.archive);
      await settled('importModel', () => keras.read(file('a.keras', bytes), {}));
      return bytes.length;
    },
  };
}

interface TfjsCase {
  readonly model: readonly TextMutation[];
  readonly shard: readonly ByteMutation[];
}

/** A `model.json` and its shard. */
export async function tfjsFiles(): Promise<Target<TfjsCase>> {
  const layers = [
    {
      class_name: 'Embedding',
      config: { name: 'e', input_dim: 5, output_dim: 3, mask_zero: true, batch_input_shape: [null, 4] },
    },
    {
      class_name: 'GRU',
      config: { name: 'g', units: 2, activation: 'tanh', recurrent_activation: 'sigmoid', return_sequences: true },
    },
    { class_name: 'Dense', config: { name: 'd', units: 2, activation: 'relu' } },
  ];
  const named = {
    'e/embeddings': [5, 3],
    'g/kernel': [3, 6],
    'g/recurrent_kernel': [2, 6],
    'g/bias': [6],
    'd/kernel': [2, 2],
    'd/bias': [2],
  };
  const weights = Object.entries(named).map(([name, shape], k) => ({
    name,
    shape,
    dtype: 'float32',
    ...(k > 3 && { quantization: { dtype: k === 4 ? 'uint8' : 'float16', scale: 0.5, min: -1 } }),
  }));
  const text = JSON.stringify({
    format: 'layers-model',
    modelTopology: { class_name: 'Sequential', config: { name: 's', layers } },
    weightsManifest: [{ paths: ['w.bin'], weights }],
  });
  const shard = Uint8Array.from({ length: 4 * (15 + 18 + 12 + 6) + 4 + 4 }, (_, k) => k % 61);
  return {
    name: 'tfjs',
    cases: fc.record({ model: upTo(3, textMutation), shard: upTo(2, byteMutation) }),
    async judge(each) {
      const bytes = new TextEncoder().encode(mutatedText(text, each.model));
      await settled('importModel', () => tfjs.read(file('model.json', bytes, mutatedBytes(shard, each.shard)), {}));
      return bytes.length + shard.length;
    },
  };
}
