import { describe, it } from 'vitest';
import { type Layer, type NoCarry, noCarry } from '../../src/layer.js';
import {
  type AttentionCarry,
  causalAttention,
  crossAttention,
  type MaskedKeys,
  selfAttention,
} from '../../src/layers/attention.js';
import { layerNorm } from '../../src/layers/layer-norm.js';
import { type BlockCarry, causalBlock, decoderBlock, encoderBlock } from '../../src/layers/transformer-blocks.js';
import { type Tensor, tensor } from '../../src/tensor.js';
import { expectCase, signals } from './hold.js';
import { caseOf, entry, type Figures, golden, type Named } from './load.js';
import { attentionOf, blockOf, normOf } from './transformer-weights.js';

const cases = golden('attention');
const [features, heads, context] = [8, 2, 5];

/** 1 where there is no padding, `[T, B]`. */
const maskOf = (steps: number, lengths: readonly number[]): Tensor =>
  tensor(
    [steps, lengths.length],
    Array.from({ length: steps * lengths.length }, (_, k) =>
      Math.floor(k / lengths.length) < (lengths[k % lengths.length] as number) ? 1 : 0,
    ),
  );

function expectLayer<S, X>(
  name: string,
  layer: Layer<S, X>,
  ours: (torch: Named<Figures>) => Named<Figures>,
  inputOf: (inputs: Named<Tensor>) => X,
  carry: S,
): void {
  const figures = caseOf(cases, name);
  expectCase(
    figures,
    layer.params,
    ours(figures.parameters),
    ours(figures.gradients),
    signals(figures),
    (ops, inputs) => ({ y: layer.apply(ops, carry, inputOf(inputs))[0] }),
  );
}

const x = (inputs: Named<Tensor>): Tensor => entry(inputs, 'x');
const multiHead = (torch: Named<Figures>) => attentionOf(torch, '', '');

describe('attention against PyTorch', () => {
  it('layerNorm is LayerNorm', () => {
    expectLayer('LayerNorm', layerNorm(features), (torch) => normOf(torch), x, noCarry);
  });

  it('selfAttention is MultiheadAttention, with padding too', () => {
    const layer = selfAttention(features, heads);
    expectLayer('MultiheadAttention', layer, multiHead, x, noCarry);
    const mask = maskOf(5, [5, 2, 4]);
    expectLayer('MultiheadAttention, padded', layer, multiHead, (inputs) => ({ x: x(inputs), mask }), noCarry);
  });

  it('causalAttention is MultiheadAttention with a causal mask', () => {
    const layer: Layer<AttentionCarry> = causalAttention(features, heads, { context });
    expectLayer('MultiheadAttention, causal', layer, multiHead, x, layer.initial(3));
  });

  it('crossAttention is MultiheadAttention with keys and values from a memory', () => {
    const pair = (inputs: Named<Tensor>) => ({ x: x(inputs), memory: entry(inputs, 'memory') });
    expectLayer('MultiheadAttention, memory', crossAttention(features, heads), multiHead, pair, noCarry);
  });
});

describe('blocks against PyTorch', () => {
  it.each(['post', 'pre'] as const)('encoderBlock, %s, is TransformerEncoderLayer', (norm) => {
    const layer: Layer<NoCarry, Tensor | MaskedKeys> = encoderBlock(features, heads, {
      hidden: 12,
      norm,
    });
    expectLayer(`TransformerEncoderLayer, ${norm}`, layer, blockOf(2, false), x, noCarry);
  });

  it('encoderBlock with a mask is TransformerEncoderLayer with padding', () => {
    const mask = maskOf(5, [5, 2, 4]);
    const layer = encoderBlock(features, heads, { hidden: 12 });
    const padded = (inputs: Named<Tensor>) => ({ x: x(inputs), mask });
    expectLayer('TransformerEncoderLayer, pre, padded', layer, blockOf(2, false), padded, noCarry);
  });

  it('causalBlock is TransformerEncoderLayer with a causal mask', () => {
    const layer: Layer<BlockCarry> = causalBlock(features, heads, { hidden: 12, context });
    expectLayer('TransformerEncoderLayer, pre, causal', layer, blockOf(2, false), x, layer.initial(3));
  });

  it.each(['post', 'pre'] as const)('decoderBlock, %s, is TransformerDecoderLayer', (norm) => {
    const layer = decoderBlock(features, heads, { hidden: 12, norm, context });
    const mask = maskOf(4, [4, 1, 3]);
    const pair = (inputs: Named<Tensor>) => ({ x: x(inputs), memory: entry(inputs, 'memory'), mask });
    expectLayer(`TransformerDecoderLayer, ${norm}`, layer, blockOf(3, true), pair, layer.initial(3));
  });
});
