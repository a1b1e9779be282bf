/** Models written as `.keras`: read back here, and by h5py as Keras' reader would, with numpy working out what they give. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as oxbow from 'oxbow';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keras } from '../../../src/interchange/keras/index.js';
import type { Any } from '../../cells/masked-layers.js';
import { rows } from '../table.js';
import { differenceOf, predicted, source } from './golden.js';

const {
  activation,
  activations,
  bidirectional,
  convolution1d,
  convolution2d,
  dense,
  dropout,
  embedding,
  flatten,
  gru,
} = oxbow;
const { lastStep, layerNorm, lstm, maxPooling1d, maxPooling2d, meanPooling1d, meanPooling2d, prelu, reverse } = oxbow;
const { sequential, simpleRnn, stack, stacked } = oxbow;

const figures = rows('keras', 'export');
afterAll(() => figures.finish());
const PYTHON = '/usr/bin/python3';
const hasPython = spawnSync(PYTHON, ['-c', 'import h5py, numpy']).status === 0;
if (!hasPython)
  console.warn('Without python3-h5py and python3-numpy exported files are read back by this package alone.');

interface Case {
  readonly layers: readonly string[];
  readonly make: () => object;
  readonly x: oxbow.Tensor;
  readonly options?: { readonly inputShape: readonly (number | null)[] };
}

const waves = (...shape: number[]) => {
  const size = shape.reduce((product, each) => product * each, 1);
  return oxbow.tensor(
    shape,
    Float32Array.from({ length: size }, (_, k) => Math.sin(k * k + 1)),
  );
};
const ids = oxbow.ids([3, 4], Int32Array.of(1, 2, 3, 4, 4, 3, 0, 0, 2, 0, 0, 0));
const plainIds = oxbow.ids([2, 4], Int32Array.of(1, 2, 3, 4, 0, 3, 0, 1));
const seed = { seed: 3 };

const cases: Readonly<Record<string, Case>> = {
  dense: {
    layers: ['Dense', 'LayerNormalization', 'Dropout'],
    make: () =>
      sequential([dense(4, 5, { activation: 'relu' }), layerNorm(5), dropout(0.3), dense(5, 2, { bias: false })], seed),
    x: waves(3, 4),
  },
  bends: {
    layers: ['Activation', 'LeakyReLU', 'ELU', 'PReLU'],
    make: () =>
      sequential(
        [
          dense(4, 5, { activation: activations.leakyRelu(0.1) }),
          prelu(5),
          activation(activations.elu(0.5)),
          dense(5, 5, { activation: 'gelu' }),
          activation('softmax'),
        ],
        seed,
      ),
    x: waves(3, 4),
  },
  embedding: {
    layers: ['Embedding'],
    make: () => stack({ embed: embedding(5, 3), rnn: lstm(3, 4), head: dense(4, 2) }, seed),
    x: plainIds,
  },
  padding: {
    layers: ['Embedding, mask_zero'],
    make: () => sequential([embedding(5, 3), gru(3, 4), lstm(4, 3), lastStep(), dense(3, 2)], { ...seed, padding: 0 }),
    x: ids,
  },
  masking: {
    layers: ['Masking'],
    make: () =>
      sequential([bidirectional(gru(2, 3), gru(2, 3), { last: true }), dense(6, 2)], { ...seed, padding: -1 }),
    x: oxbow.tensor([2, 3, 2], [1, -1, 0.5, 2, -1, -1, 3, 1, -1, -1, -1, -1]),
  },
  recurrent: {
    layers: ['SimpleRNN', 'LSTM', 'GRU'],
    make: () =>
      stack(
        {
          a: simpleRnn(3, 4, { activation: 'relu' }),
          b: stacked([lstm(4, 3), gru(3, 4)], { dropout: { rate: 0.2, mask: 'window' } }),
        },
        seed,
      ),
    x: waves(2, 5, 3),
  },
  before: {
    layers: ['GRU, reset_after=False'],
    make: () => sequential([gru(3, 4, { reset: 'before' }), lastStep()], seed),
    x: waves(2, 5, 3),
  },
  backwards: {
    layers: ['go_backwards'],
    make: () => sequential([reverse(), lstm(3, 4), lastStep()], seed),
    x: waves(2, 5, 3),
  },
  both: {
    layers: ['Bidirectional'],
    make: () =>
      sequential(
        [
          bidirectional(lstm(3, 4), lstm(3, 4)),
          bidirectional(gru(8, 3), gru(8, 3), { merge: 'average' }),
          bidirectional(simpleRnn(3, 2), simpleRnn(3, 2), { last: true, merge: 'product' }),
        ],
        seed,
      ),
    x: waves(2, 5, 3),
  },
  sequence: {
    layers: ['Conv1D', 'MaxPooling1D', 'AveragePooling1D', 'Flatten, of steps'],
    make: () =>
      sequential(
        [
          convolution1d(3, 4, 3),
          convolution1d(4, 4, 2, { padding: 'same', activation: 'relu' }),
          maxPooling1d(2),
          meanPooling1d(2, { stride: 1 }),
          flatten({ time: true }),
          dense(12, 2),
        ],
        seed,
      ),
    x: waves(2, 8, 3),
    options: { inputShape: [8, 3] },
  },
  images: {
    layers: ['Conv2D', 'MaxPooling2D', 'AveragePooling2D', 'Flatten'],
    make: () =>
      sequential(
        [
          convolution2d(2, 4, 3, { padding: 'same', activation: 'relu', groups: 2 }),
          maxPooling2d(2),
          convolution2d(4, 3, 2, { stride: 2 }),
          meanPooling2d(2, { stride: 1 }),
          flatten(),
          dense(3, 2),
        ],
        seed,
      ),
    x: waves(2, 8, 8, 2),
    options: { inputShape: [8, 8, 2] },
  },
  films: {
    layers: ['TimeDistributed'],
    make: () => stack({ see: convolution2d(1, 3, 2), flat: flatten(), rnn: gru(27, 2) }, seed),
    x: waves(2, 3, 4, 4, 1),
    options: { inputShape: [null, 4, 4, 1] },
  },
};

const folder = mkdtempSync(join(tmpdir(), 'keras-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A model with numbers in all of its biases, so that a forgotten one shows. */
function made({ make }: Case): Any {
  const model = make() as Any;
  const weights = oxbow.weightsOf(model.params);
  const shaken = Object.entries(weights).map(([path, value], n) => [
    path,
    { ...value, data: value.data.map((each, k) => each + Math.sin(n + k) / 4) },
  ]);
  oxbow.loadWeights(model.params, Object.fromEntries(shaken));
  return model;
}

const written = async (model: Any, options: Case['options']) => {
  const [file] = await keras.write(
    { description: oxbow.describe(model), weights: oxbow.weightsOf(model.params) },
    options ?? {},
  );
  return (file as NonNullable<typeof file>).bytes;
};

describe('a model as .keras', () => {
  const found = new Map<string, { shape: number[]; data: number[] }>();
  beforeAll(async () => {
    if (!hasPython) return;
    const asked = [];
    for (const [name, each] of Object.entries(cases)) {
      const path = join(folder, `${name}.keras`);
      writeFileSync(path, await written(made(each), each.options));
      asked.push([path, { ids: each.x.type === 'int32', shape: each.x.shape, data: [...each.x.data] }]);
    }
    const script = fileURLToPath(new URL('check.py', import.meta.url));
    const answers = JSON.parse(execFileSync(PYTHON, [script], { input: JSON.stringify(asked), encoding: 'utf8' }));
    Object.keys(cases).forEach((name, k) => void found.set(name, answers[k]));
  }, 60_000);

  it.each(Object.entries(cases))('gives what it gives here: %s', async (name, each) => {
    const model = made(each);
    const bytes = await written(model, each.options);
    const again = (await keras.read(source(`${name}.keras`, bytes), {})) as Any;
    const y = await predicted(model, each.x);
    expect(differenceOf(await predicted(again, each.x), { shape: y.shape, data: [...y.data] })).toBe(0);
    expect(await written(made(each), each.options)).toEqual(bytes);
    const there = found.get(name);
    // Padding is 0 here, and whatever comes of it there: it is nobody's.
    if (there !== undefined)
      for (const layer of each.layers) figures.report({ layer, direction: 'export', outputs: differenceOf(y, there) });
  });

  it.each<readonly [string, () => object, string, string]>([
    [
      'a layer that Keras does not have',
      () => stack({ a: oxbow.maxout(2, 2) }),
      'a',
      'maxout: Keras has no such layer',
    ],
    ['ways past a layer', () => stacked([lstm(2, 2), lstm(2, 2)], { residual: true }), 'residual', 'no chain'],
    ['peepholes', () => stack({ a: lstm(2, 2, { peepholes: true }) }), 'a.peepholes', 'no such LSTM'],
    ['layer normalisation', () => stack({ a: lstm(2, 2, { layerNorm: true }) }), 'a.layerNorm', 'no such LSTM'],
    [
      'classic dropout',
      () => sequential([dense(2, 2), dropout(0.5, { scaling: 'classic' })]),
      'dropout1.scaling',
      'while it learns',
    ],
    ['a last step by itself', () => stack({ a: dense(2, 2), b: lastStep() }), 'b', 'directly after a recurrent layer'],
    ['turned steps by themselves', () => stack({ a: reverse(), b: dense(2, 2) }), 'a', 'recurrent layers alone'],
    ['wide zeros', () => stack({ a: convolution1d(2, 2, 3, { padding: 'full' }) }), 'a.padding', 'take "valid"'],
    [
      'sizes that nobody has said',
      () => sequential([convolution2d(1, 2, 3), flatten(), dense(8, 2)]),
      'dense1',
      'give { inputShape }',
    ],
    [
      'an activation',
      () => stack({ a: dense(2, 2, { activation: 'geluTanh' }) }),
      'a.activation',
      "none of Keras' activations",
    ],
    [
      'padding that a convolution would read',
      () => sequential([embedding(3, 2), convolution1d(2, 2, 2)], { padding: 0 }),
      'convolution1d1',
      'leave padding out',
    ],
  ])('refuses by name: %s', async (_, make, place, reason) => {
    const writing = written(make() as Any, undefined);
    await expect(writing).rejects.toMatchObject({ _tag: 'Interchange', format: 'Keras 3', place });
    await expect(writing).rejects.toThrow(reason);
  });
});
