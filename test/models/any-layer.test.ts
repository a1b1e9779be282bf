import { lastValueFrom, of } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { bidirectional } from '../../src/cells/bidirectional.js';
import { gru, gruCell } from '../../src/cells/gru.js';
import { lstm, lstmCell } from '../../src/cells/lstm.js';
import { minGru } from '../../src/cells/min-gru.js';
import { minLstm } from '../../src/cells/min-lstm.js';
import { residualRnn } from '../../src/cells/residual-rnn.js';
import { rgLru } from '../../src/cells/rg-lru.js';
import { simpleRnn } from '../../src/cells/simple-rnn.js';
import { stacked } from '../../src/cells/stacked.js';
import { unroll } from '../../src/cells/unroll.js';
import { weightsOf } from '../../src/formats/weights.js';
import { activation } from '../../src/layers/activation.js';
import { causalAttention, selfAttention } from '../../src/layers/attention.js';
import { convolution1d } from '../../src/layers/convolution-1d.js';
import { convolution2d } from '../../src/layers/convolution-2d.js';
import { dense } from '../../src/layers/dense.js';
import { depthwiseConvolution1d } from '../../src/layers/depthwise-convolution-1d.js';
import { dropout } from '../../src/layers/dropout.js';
import { embedding } from '../../src/layers/embedding.js';
import { feedForward } from '../../src/layers/feed-forward.js';
import { flatten } from '../../src/layers/flatten.js';
import { gatedDeltaNet } from '../../src/layers/gated-delta-net.js';
import { griffinBlock } from '../../src/layers/griffin-block.js';
import { lastStep } from '../../src/layers/last-step.js';
import { layerNorm } from '../../src/layers/layer-norm.js';
import { localResponseNorm } from '../../src/layers/local-response-norm.js';
import { maxout } from '../../src/layers/maxout.js';
import { oneHot } from '../../src/layers/one-hot.js';
import { maxPooling1d, maxPooling2d, meanPooling1d, meanPooling2d } from '../../src/layers/pooling.js';
import { learnedPositions, sinusoidalPositions } from '../../src/layers/positions.js';
import { prelu } from '../../src/layers/prelu.js';
import { residual } from '../../src/layers/residual.js';
import { causalBlocks, encoder } from '../../src/layers/transformer.js';
import { causalBlock, encoderBlock } from '../../src/layers/transformer-blocks.js';
import { bert } from '../../src/models/bert.js';
import { convolutionBlocks } from '../../src/models/convolution-blocks.js';
import { gpt } from '../../src/models/gpt.js';
import type { AnyCore } from '../../src/models/layered-model.js';
import { leNet5 } from '../../src/models/le-net.js';
import { sequential } from '../../src/models/sequential.js';
import { stack } from '../../src/stack.js';
import { ids, type Tensor } from '../../src/tensor.js';
import { crossEntropy } from '../../src/training/losses/cross-entropy.js';
import { squaredError } from '../../src/training/losses/squared-error.js';
import { adam } from '../../src/training/optimizers/adam.js';
import { draw } from '../backprop/differences.js';

const examples = 6;
const signals = draw([examples, 4, 6], 'signals');
const images = draw([examples, 8, 8, 2], 'images');
const digits = draw([examples, 28, 28, 1], 'digits');
const tokens = ids(
  [examples, 4],
  [...Array(examples * 4).keys()].map((k) => (k * 7) % 5),
);
const transformer = { features: 6, heads: 2, blocks: 1, dropout: 0.1 };

/** Layers that take signals `[T, B, 6]`. */
const ofSignals: Readonly<Record<string, () => AnyCore>> = {
  dense: () => dense(6, 5),
  activation: () => activation('gelu'),
  dropout: () => dropout(0.2),
  feedForward: () => feedForward(6, 5, { activation: 'gelu' }),
  lastStep: () => lastStep(),
  layerNorm: () => layerNorm(6),
  maxout: () => maxout(6, 4),
  prelu: () => prelu(6),
  residual: () => residual(dense(6, 6)),
  convolution1d: () => convolution1d(6, 4, 3),
  maxPooling1d: () => maxPooling1d(2),
  meanPooling1d: () => meanPooling1d(2),
  learnedPositions: () => learnedPositions(4, 6),
  sinusoidalPositions: () => sinusoidalPositions(4, 6),
  selfAttention: () => selfAttention(6, 2, { dropout: 0.1 }),
  causalAttention: () => causalAttention(6, 2, { context: 3 }),
  encoderBlock: () => encoderBlock(6, 2),
  causalBlock: () => causalBlock(6, 2, { context: 3, dropout: 0.1 }),
  encoder: () => encoder(6, 2, { blocks: 2, dropout: 0.1 }),
  causalBlocks: () => causalBlocks(6, 2, { blocks: 2, context: 4 }),
  simpleRnn: () => simpleRnn(6, 5),
  lstm: () => lstm(6, 5),
  'lstm, coupled with peepholes': () => lstm(6, 5, { forget: 'coupled', peepholes: true }),
  'lstm, normalised': () => lstm(6, 5, { layerNorm: true, dropConnect: 0.2 }),
  gru: () => gru(6, 5, { reset: 'before' }),
  minGru: () => minGru(6, 5),
  minLstm: () => minLstm(6, 5, { candidate: 'positive' }),
  rgLru: () => rgLru(6),
  griffinBlock: () => griffinBlock(6, 5),
  gatedDeltaNet: () => gatedDeltaNet(6, 10),
  depthwiseConvolution1d: () => depthwiseConvolution1d(6, 3),
  residualRnn: () => residualRnn(6, 5, dense(11, 5)),
  bidirectional: () => bidirectional(unroll(lstmCell(6, 3)), unroll(gruCell(6, 3))),
  stacked: () => stacked([gru(6, 4), lstm(4, 5)]),
  stack: () => stack({ inner: dense(6, 4), rnn: gru(4, 3) }),
} as unknown as Readonly<Record<string, () => AnyCore>>;
const ofImages: Readonly<Record<string, () => AnyCore>> = {
  convolution2d: () => convolution2d(2, 3, 3),
  convolutionBlocks: () => convolutionBlocks({ channels: 2, maps: [3, 4] }),
  localResponseNorm: () => localResponseNorm(2),
  maxPooling2d: () => maxPooling2d(2),
  meanPooling2d: () => meanPooling2d(2),
} as unknown as Readonly<Record<string, () => AnyCore>>;
const ofIds: Readonly<Record<string, () => AnyCore>> = {
  embedding: () => embedding(5, 3),
  oneHot: () => oneHot(5),
  gpt: () => gpt({ ...transformer, symbols: 5, context: 4 }),
  bert: () => bert({ ...transformer, symbols: 5, length: 4 }),
} as unknown as Readonly<Record<string, () => AnyCore>>;

/** A model of a layer and a head as wide as what the layer gives, trained for two epochs. */
async function fitted(layers: readonly AnyCore[], x: Tensor) {
  const bare = sequential(layers, { seed: 1 });
  const width = (await bare.predict(x)).shape.at(-1) as number;
  const model = sequential([...layers, dense(width, 2)], { seed: 1 }).compile({
    loss: squaredError(),
    optimizer: adam(0.01),
  });
  const y = (await model.predict(x)).shape;
  const before = weightsOf(model.params);
  const { epochs } = await model.fit(x, draw(y, 'y'), { batch: 4, epochs: 2 });
  expect(epochs.map(({ loss }) => Number.isFinite(loss))).toEqual([true, true]);
  expect(weightsOf(model.params)).not.toEqual(before);
  return model;
}

describe('any layer works in a compiled model', () => {
  it.each(Object.keys(ofSignals))('%s', async (name) => {
    const model = await fitted([(ofSignals[name] as () => AnyCore)()], signals);
    // And the model is a stream operator still.
    const lanes = draw([4, 3, 6], 'lanes');
    const [given] = [await lastValueFrom(of(lanes).pipe(model as never))] as readonly Tensor[];
    expect(given?.shape[1]).toBe(3);
  });

  it.each(Object.keys(ofImages))('%s', async (name) => {
    await fitted([(ofImages[name] as () => AnyCore)(), flatten() as unknown as AnyCore], images);
  });

  it.each(Object.keys(ofIds))('%s', async (name) => {
    await fitted([(ofIds[name] as () => AnyCore)()], tokens);
  });

  it('leNet5', async () => {
    const model = sequential([leNet5({ seed: 1 }) as unknown as AnyCore]).compile({
      loss: crossEntropy(),
      optimizer: adam(1e-3),
      metrics: ['accuracy'],
    });
    const { epochs } = await model.fit(digits, Int32Array.of(0, 1, 2, 3, 4, 5), { epochs: 25, batch: 6 });
    expect(epochs.at(-1)?.metrics.accuracy).toBe(1);
  });
});
