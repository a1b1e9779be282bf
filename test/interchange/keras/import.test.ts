/** Files as Keras 3 lays them out, read: what their models give is what numpy works out from the documented equations. */

import { strToU8, zipSync } from 'fflate';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { host } from '#host';
import { bidirectional } from '../../../src/cells/bidirectional.js';
import { gru } from '../../../src/cells/gru.js';
import { lstm } from '../../../src/cells/lstm.js';
import { openArchive } from '../../../src/interchange/keras/archive.js';
import { keras } from '../../../src/interchange/keras/index.js';
import { dense } from '../../../src/layers/dense.js';
import { embedding } from '../../../src/layers/embedding.js';
import { describe as described } from '../../../src/runs/describe.js';
import { stack } from '../../../src/stack.js';
import type { Any } from '../../cells/masked-layers.js';
import { rows } from '../table.js';
import { bytesOf, dataOf, differenceOf, golden, goldenFile, predicted, source } from './golden.js';

const figures = rows('keras', 'import');
afterAll(() => figures.finish());
afterEach(() => void vi.restoreAllMocks());

const isIds = (name: string) => ['embedding.keras', 'mask-zero.keras', 'alone.weights.h5'].includes(name);
const alone = stack({
  embed: embedding(7, 4),
  rnn: gru(4, 5, { reset: 'before' }),
  both: bidirectional(lstm(5, 3), lstm(5, 3), { last: true }),
  head: dense(6, 2),
});

describe('a file of Keras', () => {
  it.each(golden)('$file gives what its model gives', async ({ file, layers, x, y }) => {
    const given = goldenFile(file);
    expect(keras.recognises(given)).toBe(true);
    const as = file.endsWith('.weights.h5') ? described(alone) : undefined;
    const model = (await keras.read(given, { as })) as Any;
    const difference = differenceOf(await predicted(model, dataOf(x, isIds(file))), y);
    for (const layer of layers) figures.report({ layer, direction: 'import', outputs: difference });
  });

  it('becomes the model of a description with the same layers', async () => {
    const as = described(stack({ rnn: lstm(4, 5), again: stack({ rnn: lstm(5, 3) }) }));
    const { x } = golden.find(({ file }) => file === 'lstm.keras') as (typeof golden)[number];
    const [own, other] = await Promise.all([
      keras.read(goldenFile('lstm.keras'), {}),
      keras.read(goldenFile('lstm.keras'), { as }),
    ]);
    const [last, all] = [
      await predicted(own as Any, dataOf(x, false)),
      await predicted(other as Any, dataOf(x, false)),
    ];
    const [lanes = 0, steps = 0] = all.shape;
    const lasts = Array.from({ length: lanes }, (_, lane) => [
      ...all.data.slice((lane * steps + steps - 1) * 3, (lane + 1) * steps * 3),
    ]);
    expect(lasts.flat()).toEqual([...last.data]);
    await expect(
      keras.read(goldenFile('lstm.keras'), { as: described(stack({ rnn: lstm(4, 5) })) }),
    ).rejects.toMatchObject({
      _tag: 'Interchange',
      place: 'as',
    });
  });
});

type Fields = Record<string, unknown>;

/** A golden file with its first layer's config changed. */
function changed(file: string, change: (config: Fields, layer: Fields, model: Fields) => void): Uint8Array {
  const archive = openArchive('Keras 3', bytesOf(file));
  const model = JSON.parse(new TextDecoder().decode(archive.file('config.json')));
  const layer = model.config.layers[1];
  change(layer.config, layer, model.config);
  return zipSync({
    'config.json': strToU8(JSON.stringify(model)),
    'model.weights.h5': archive.file('model.weights.h5'),
  });
}
const set = (values: Fields) => (config: Fields) => void Object.assign(config, values);

describe('what there is nothing for', () => {
  const cases: readonly (readonly [
    string,
    string,
    (config: Fields, layer: Fields, model: Fields) => void,
    string,
    string,
  ])[] = [
    [
      'a layer',
      'dense.keras',
      (_, layer) => void Object.assign(layer, { class_name: 'BatchNormalization' }),
      'dense',
      '"BatchNormalization": it is no layer here; fold it',
    ],
    [
      'a layer with code',
      'dense.keras',
      (_, layer) => void Object.assign(layer, { class_name: 'Lambda' }),
      'dense',
      'which is not run',
    ],
    [
      'a layer of a name that objects have',
      'dense.keras',
      (_, layer) => void Object.assign(layer, { class_name: 'constructor' }),
      'dense',
      'there is no such layer',
    ],
    [
      'an activation',
      'dense.keras',
      set({ activation: 'mish' }),
      'dense.activation',
      'the activations here are linear, relu',
    ],
    ['an attribute', 'dense.keras', set({ warp: 3 }), 'dense.warp', '3: there is nothing for it here'],
    ['low ranks', 'dense.keras', set({ lora_rank: 4 }), 'dense.lora_rank', 'there is nothing'],
    ['float16', 'dense.keras', set({ dtype: 'float16' }), 'dense.dtype', 'float32 here'],
    ['other units', 'dense.keras', set({ units: 7 }), 'dense.kernel', 'the config makes it [4, 7], but it is [4, 6]'],
    ['units that overflow', 'dense.keras', set({ units: 2 ** 60 }), 'dense.units', 'no whole number'],
    ['a carry', 'lstm.keras', set({ return_state: true }), 'lstm.return_state', 'scanCarry'],
    [
      'dropout in the recurrence',
      'lstm.keras',
      set({ recurrent_dropout: 0.1 }),
      'lstm.recurrent_dropout',
      'nothing is dropped',
    ],
    [
      'hard gates',
      'lstm.keras',
      set({ recurrent_activation: 'hard_sigmoid' }),
      'lstm.recurrent_activation',
      'gates are logistic',
    ],
    ['no bias', 'gru.keras', set({ use_bias: false }), 'gru.use_bias', 'have a bias'],
    ['another form of GRU', 'gru.keras', set({ reset_after: false }), 'gru.bias', 'the config makes it [15]'],
    ['two outputs', 'both.keras', set({ merge_mode: null }), 'bidirectional.merge_mode', 'two outputs'],
    ['steps between', 'conv1d.keras', set({ dilation_rate: [2] }), 'conv1d.dilation_rate', 'no dilation'],
    [
      'channels first',
      'conv2d.keras',
      set({ data_format: 'channels_first' }),
      'conv2d.data_format',
      'channels come last',
    ],
    ['uneven zeros', 'conv2d.keras', set({ strides: [2, 2] }), 'conv2d.padding', 'other zeros before than after'],
    ['another axis', 'norm.keras', set({ axis: 1 }), 'layer_normalization.axis', 'over the last axis'],
    [
      'weights that nobody asks for',
      'dense.keras',
      (_, __, model) => void (model.layers as unknown[]).pop(),
      'layers/dense_1',
      'the model does not have',
    ],
    [
      'no layers',
      'dense.keras',
      (_, __, model) => void Object.assign(model, { layers: [] }),
      'the model',
      'no list of layers',
    ],
  ];
  it.each(cases)('is refused by name: %s', async (_, file, change, place, reason) => {
    const reading = keras.read(source('a.keras', changed(file, change)), {});
    await expect(reading).rejects.toMatchObject({ _tag: 'Interchange', format: 'Keras 3', place });
    await expect(reading).rejects.toThrow(reason);
  });

  it('is a graph that is no chain', async () => {
    const branch = (_: Fields, __: Fields, model: Fields) => {
      const [, lstm, head] = model.layers as { inbound_nodes: unknown }[];
      (head as { inbound_nodes: unknown }).inbound_nodes = (lstm as { inbound_nodes: unknown }).inbound_nodes;
    };
    await expect(keras.read(source('a.keras', changed('functional.keras', branch)), {})).rejects.toThrow(
      'importModel: Keras 3: dense: it takes ["input_layer"], but "lstm" comes before it: the graph is no chain',
    );
  });

  it('is a mask where Keras has none any more', async () => {
    const file = changed('both.keras', (_, __, model) => {
      (model.layers as unknown[]).splice(1, 0, { class_name: 'Masking', config: { name: 'masking', mask_value: 0 } });
    });
    await expect(keras.read(source('a.keras', file), {})).rejects.toMatchObject({ place: 'bidirectional_1.layer' });
  });

  it('is said and left out where it is of training alone', async () => {
    const said: string[] = [];
    vi.spyOn(host, 'warn').mockImplementation((message, code) => void said.push(`${code} ${message}`));
    const regularizer = { class_name: 'L2', config: { l2: 0.1 } };
    await keras.read(
      source('a.keras', changed('lstm.keras', set({ kernel_regularizer: regularizer, stateful: true }))),
      {},
    );
    expect(said).toEqual([
      expect.stringMatching(
        /^OXBOW_NOT_IMPORTED importModel: Keras 3: not taken over: lstm\.stateful: .*each batch of fit/,
      ),
      expect.stringMatching(/lstm\.kernel_regularizer: .*compile\(\{ l2 \}\)/),
    ]);
  });
});

describe('a file that is damaged or hostile', () => {
  const whole = bytesOf('dense.keras');
  const at = (text: string) => Buffer.from(whole).indexOf(text);
  const spoilt = (change: (bytes: Uint8Array, view: DataView) => void) => {
    const bytes = whole.slice();
    change(bytes, new DataView(bytes.buffer));
    return bytes;
  };
  const entry = Buffer.from(whole).lastIndexOf('PK\x01\x02', undefined, 'latin1');
  it.each<readonly [string, Uint8Array, string]>([
    ['cut', whole.slice(0, -30), 'the archive'],
    [
      'of other bytes than its checksum has',
      spoilt((bytes) => bytes.fill(0, at('"class_name"'), at('"class_name"') + 1)),
      'config.json',
    ],
    ['a bomb', spoilt((_, view) => view.setUint32(entry + 24, 0xfffffff0, true)), 'model.weights.h5'],
    ['packed by another method', spoilt((_, view) => view.setUint16(entry + 10, 93, true)), 'model.weights.h5'],
    ['without weights', zipSync({ 'config.json': strToU8('{}') }), '"model.weights.h5"'],
    [
      'of weights that are none',
      zipSync({ 'config.json': strToU8('{}'), 'model.weights.h5': strToU8('no') }),
      'model.weights.h5',
    ],
    ['no JSON', zipSync({ 'config.json': strToU8('{'), 'model.weights.h5': strToU8('') }), 'config.json'],
  ])('is refused where it is %s', async (_, bytes, place) => {
    await expect(keras.read(source('a.keras', bytes), {})).rejects.toMatchObject({ _tag: 'Interchange', place });
  });

  it('is refused where the HDF5 within is', async () => {
    const h5 = bytesOf('alone.weights.h5');
    const as = described(alone);
    for (const end of [20, 600, h5.length - 1000]) {
      await expect(keras.read(source('a.weights.h5', h5.slice(0, end)), { as })).rejects.toMatchObject({
        _tag: 'Interchange',
      });
    }
    await expect(keras.read(source('a.weights.h5', h5), {})).rejects.toThrow(
      'it has weights alone; say of which model by { as }',
    );
  });
});
