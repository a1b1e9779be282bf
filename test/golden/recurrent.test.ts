import { describe, it } from 'vitest';
import { bidirectional } from '../../src/cells/bidirectional.js';
import { type GruCarry, gru } from '../../src/cells/gru.js';
import { type LstmCarry, lstm } from '../../src/cells/lstm.js';
import { masked } from '../../src/cells/masked.js';
import { type SimpleRnnCarry, simpleRnn } from '../../src/cells/simple-rnn.js';
import { stacked } from '../../src/cells/stacked.js';
import type { Layer } from '../../src/layer.js';
import type { Padded } from '../../src/ops/lengths.js';
import type { Ops } from '../../src/ops/ops.js';
import type { Tensor } from '../../src/tensor.js';
import { asLayers, expectCase, signals } from './hold.js';
import {
  caseOf,
  type Figures,
  golden,
  gruGradients,
  gruWeights,
  type Named,
  recurrentGradients,
  recurrentWeights,
} from './load.js';

type Of = typeof recurrentWeights;

/** Parameters of several of PyTorch's layers, by our paths: `[['layer1.', 0], …]`. */
const gathered = (
  of: Of,
  torch: Named<Figures>,
  places: readonly (readonly [prefix: string, layer: number | string])[],
) =>
  Object.fromEntries(
    places.flatMap(([prefix, at]) => Object.entries(of(torch, at)).map(([name, value]) => [prefix + name, value])),
  );

const cases = golden('recurrent');

/** PyTorch starts from zero, and so does a layer of ours; its states are one below the other, layer by layer. */
function expectLayer<S>(
  name: string,
  layer: Layer<S>,
  [weightsOf, gradientsOf]: readonly [Of, Of],
  places: readonly (readonly [prefix: string, layer: number | string])[],
  statesOf: (carry: S) => readonly { readonly h: Tensor; readonly c?: Tensor }[],
): void {
  it(name, () => {
    const figures = caseOf(cases, name);
    const weights = gathered(weightsOf, figures.parameters, places);
    const slopes = gathered(gradientsOf, figures.gradients, places);
    expectCase(figures, layer.params, weights, slopes, signals(figures), (ops: Ops, { x }) => {
      const { lengths } = figures;
      // A copy with lengths is another tensor to the tape: they are put on the watched one.
      const given = Object.assign(x as Tensor, { lengths }) as Padded;
      const [y, after] = masked(layer).apply(ops, layer.initial(lengths.length), given);
      const states = statesOf(after);
      const c = states.flatMap((state) => (state.c === undefined ? [] : [state.c]));
      const h = states.map((state) => state.h);
      return { y, h: asLayers(ops, h), ...(c.length > 0 && { c: asLayers(ops, c) }) };
    });
  });
}

const plain = [recurrentWeights, recurrentGradients] as const;
const gates = [gruWeights, gruGradients] as const;
const one = [['', 0]] as const;
const both = [
  ['forward.', 0],
  ['backward.', '0_reverse'],
] as const;

describe('sequences of several lengths are packed sequences', () => {
  expectLayer<SimpleRnnCarry>('RNN, packed', simpleRnn(4, 5), plain, one, (carry) => [carry]);
  expectLayer<LstmCarry>('LSTM, packed', lstm(4, 5), plain, one, (carry) => [carry]);
  expectLayer<GruCarry>('GRU, packed', gru(4, 5), gates, one, (carry) => [carry]);
});

describe('both directions', () => {
  for (const form of ['bidirectional', 'bidirectional, packed']) {
    expectLayer(`LSTM, ${form}`, bidirectional(lstm(4, 5), lstm(4, 5)), plain, both, (carry) => [
      carry.forward,
      carry.backward,
    ]);
    expectLayer(`GRU, ${form}`, bidirectional(gru(4, 5), gru(4, 5)), gates, both, (carry) => [
      carry.forward,
      carry.backward,
    ]);
  }
});

describe('several layers', () => {
  const floors = [
    ['layer1.', 0],
    ['layer2.', 1],
  ] as const;
  expectLayer('GRU, 2 layers', stacked([gru(4, 5), gru(5, 5)]), gates, floors, ({ layer1, layer2 }) => [
    layer1,
    layer2,
  ]);

  const directions = floors.flatMap(([prefix, at]) => [
    [`${prefix}forward.`, at] as const,
    [`${prefix}backward.`, `${at}_reverse`] as const,
  ]);
  for (const form of ['bidirectional', 'bidirectional, packed']) {
    const layer = stacked([bidirectional(lstm(4, 3), lstm(4, 3)), bidirectional(lstm(6, 3), lstm(6, 3))]);
    expectLayer(`LSTM, 2 layers, ${form}`, layer, plain, directions, ({ layer1, layer2 }) => [
      layer1.forward,
      layer1.backward,
      layer2.forward,
      layer2.backward,
    ]);
  }
});
