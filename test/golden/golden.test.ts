import { describe, it } from 'vitest';
import { gru } from '../../src/cells/gru.js';
import { lstm } from '../../src/cells/lstm.js';
import { simpleRnn } from '../../src/cells/simple-rnn.js';
import { stacked } from '../../src/cells/stacked.js';
import { type Layer, noCarry } from '../../src/layer.js';
import { dense } from '../../src/layers/dense.js';
import { embedding } from '../../src/layers/embedding.js';
import type { Ops } from '../../src/ops/ops.js';
import type { Tensor } from '../../src/tensor.js';
import { crossEntropy } from '../../src/training/losses/cross-entropy.js';
import { squaredError } from '../../src/training/losses/squared-error.js';
import { asLayers, expectCase, layersOf, signals } from './hold.js';
import {
  caseOf,
  entry,
  type Figures,
  golden,
  gruGradients,
  gruWeights,
  idsOf,
  type Named,
  numbersOf,
  recurrentGradients,
  recurrentWeights,
  transpose,
} from './load.js';

describe('cells against PyTorch', () => {
  const cells = golden('cells');
  const only = (ops: Ops, h: Tensor | undefined) => layersOf(ops, h as Tensor)[0] as Tensor;

  function expectHidden(
    name: string,
    layer: Layer<{ readonly h: Tensor }>,
    weightsOf: (torch: Named<Figures>) => Named<Figures>,
    gradientsOf: (torch: Named<Figures>) => Named<Figures>,
  ): void {
    const figures = caseOf(cells, name);
    const [weights, slopes] = [weightsOf(figures.parameters), gradientsOf(figures.gradients)];
    expectCase(figures, layer.params, weights, slopes, signals(figures), (ops, { x, h }) => {
      const [y, after] = layer.apply(ops, { h: only(ops, h) }, x as Tensor);
      return { y, h: asLayers(ops, [after.h]) };
    });
  }

  it('simpleRnn is RNN', () => expectHidden('RNN', simpleRnn(4, 5), recurrentWeights, recurrentGradients));

  it('gru, reset after, is GRU', () => expectHidden('GRU', gru(4, 5), gruWeights, gruGradients));

  it('lstm is LSTM', () => {
    const figures = caseOf(cells, 'LSTM');
    const layer = lstm(4, 5);
    const [weights, slopes] = [recurrentWeights(figures.parameters), recurrentGradients(figures.gradients)];
    expectCase(figures, layer.params, weights, slopes, signals(figures), (ops, { x, h, c }) => {
      const [y, after] = layer.apply(ops, { h: only(ops, h), c: only(ops, c) }, x as Tensor);
      return { y, h: asLayers(ops, [after.h]), c: asLayers(ops, [after.c]) };
    });
  });

  it('stacked LSTMs are an LSTM of two layers', () => {
    const figures = caseOf(cells, 'LSTM, 2 layers');
    const layer = stacked([lstm(4, 5), lstm(5, 5)]);
    const both = (of: typeof recurrentWeights, torch: Named<Figures>): Named<Figures> =>
      Object.fromEntries(
        [0, 1].flatMap((at) => Object.entries(of(torch, at)).map(([name, value]) => [`layer${at + 1}.${name}`, value])),
      );
    const weights = both(recurrentWeights, figures.parameters);
    const slopes = both(recurrentGradients, figures.gradients);
    expectCase(figures, layer.params, weights, slopes, signals(figures), (ops, { x, h, c }) => {
      const [h1, h2] = layersOf(ops, h as Tensor) as readonly [Tensor, Tensor];
      const [c1, c2] = layersOf(ops, c as Tensor) as readonly [Tensor, Tensor];
      const carry = { layer1: { h: h1, c: c1 }, layer2: { h: h2, c: c2 } };
      const [y, { layer1, layer2 }] = layer.apply(ops, carry, x as Tensor);
      return { y, h: asLayers(ops, [layer1.h, layer2.h]), c: asLayers(ops, [layer1.c, layer2.c]) };
    });
  });
});

describe('layers against PyTorch', () => {
  const layers = golden('layers');

  it('dense is Linear', () => {
    const figures = caseOf(layers, 'Linear');
    const layer = dense(4, 3);
    const ours = (torch: Named<Figures>) => ({ w: transpose(entry(torch, 'weight')), b: entry(torch, 'bias') });
    const [weights, slopes] = [ours(figures.parameters), ours(figures.gradients)];
    expectCase(figures, layer.params, weights, slopes, signals(figures), (ops, { x }) => ({
      y: layer.apply(ops, noCarry, x as Tensor)[0],
    }));
  });

  it('embedding is Embedding', () => {
    const figures = caseOf(layers, 'Embedding');
    const layer = embedding(7, 4);
    const x = idsOf(entry(figures.inputs, 'x'));
    const ours = (torch: Named<Figures>) => ({ table: entry(torch, 'weight') });
    expectCase(figures, layer.params, ours(figures.parameters), ours(figures.gradients), { x }, (ops) => ({
      y: layer.apply(ops, noCarry, x)[0],
    }));
  });
});

describe('losses against PyTorch', () => {
  const losses = golden('losses');

  it.each(['cross_entropy', 'cross_entropy, ignore_index'])('crossEntropy is %s', (name) => {
    const figures = caseOf(losses, name);
    const prediction = numbersOf(entry(figures.inputs, 'prediction'));
    const target = idsOf(entry(figures.inputs, 'target'));
    expectCase(figures, {}, {}, {}, { prediction, target }, (ops) => ({
      loss: crossEntropy()(ops, prediction, target),
    }));
  });

  it('squaredError is F/2 times mse_loss', () => {
    const figures = caseOf(losses, 'mse_loss');
    const features = entry(figures.inputs, 'prediction').shape.at(-1) as number;
    expectCase(figures, {}, {}, {}, signals(figures), (ops, { prediction, target }) => ({
      loss: ops.affine(squaredError()(ops, prediction as Tensor, target as Tensor), 2 / features, 0),
    }));
  });
});
