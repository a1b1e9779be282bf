import { describe, it } from 'vitest';
import { noCarry } from '../../src/layer.js';
import { selfAttention } from '../../src/layers/attention.js';
import {
  type Masks,
  type ScaledDotProductOptions,
  scaledDotProductAttention,
} from '../../src/layers/scaled-dot-product.js';
import { bert } from '../../src/models/bert.js';
import { encoderDecoder } from '../../src/models/encoder-decoder.js';
import { gpt } from '../../src/models/gpt.js';
import type { ActivationName } from '../../src/ops/activation-names.js';
import { type Tensor, tensor } from '../../src/tensor.js';
import { expectCase, signals } from './hold.js';
import { caseOf, entry, type Figures, golden, idsOf, type Named, transpose } from './load.js';
import { attentionOf, blockOf, blocksOf } from './transformer-weights.js';

const cases = golden('transformers');
const [symbols, features, heads, hidden, blocks, steps] = [7, 8, 2, 12, 2, 5];
const lengths = [5, 2, 4];

const ones = (shape: readonly number[], seen: (k: number) => boolean): Tensor =>
  tensor(
    shape,
    Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, k) => Number(seen(k))),
  );
const mask = ones([steps, 3], (k) => Math.floor(k / 3) < (lengths[k % 3] as number));
/** Which step (row) does not see which (column), as in make_transformers.py. */
const unseen = [
  [0, 1, 0, 0, 1],
  [1, 0, 0, 1, 0],
  [0, 0, 0, 0, 0],
  [1, 1, 1, 0, 1],
  [0, 0, 1, 1, 0],
];
const hides = (t: number, s: number) => unseen[t]?.[s] === 1;
const place = (k: number) => [Math.floor(k / steps) % steps, k % steps] as const;
const pairs = ones([steps, steps], (k) => !hides(...place(k)));
const blindRow = ones([steps, steps], (k) => place(k)[0] !== 3 && !hides(...place(k)));
const byLanes = ones([3, steps, steps], (k) => {
  const [t, s] = place(k);
  return [!hides(t, s), !hides(s, t), hides(t, s)][Math.floor(k / steps / steps)] as boolean;
});

describe('scaledDotProductAttention is its formula', () => {
  it.each<[string, ScaledDotProductOptions, Masks]>([
    ['attention', {}, {}],
    ['attention, 2 heads, causal', { heads: 2, causal: true }, {}],
    ['attention, padded', {}, { mask }],
    ['attention, pairs', { heads: 4 }, { pairs }],
    ['attention, pairs, a query that sees nothing', {}, { pairs: blindRow }],
    ['attention, pairs by lanes, causal and padded', { heads: 2, causal: true }, { mask, pairs: byLanes }],
    ['attention, wider values', { heads: 2 }, {}],
  ])('%s', (name, options, masks) => {
    const figures = caseOf(cases, name);
    const layer = scaledDotProductAttention(options);
    expectCase(figures, layer.params, {}, {}, signals(figures), (ops, { queries, keys, values }) => {
      const operands = { queries, keys, values } as Readonly<Record<'queries' | 'keys' | 'values', Tensor>>;
      return { y: layer.apply(ops, noCarry, { ...operands, ...masks })[0] };
    });
  });

  it('selfAttention with a mask of pairs is MultiheadAttention with one', () => {
    const figures = caseOf(cases, 'MultiheadAttention, pairs');
    const layer = selfAttention(features, heads);
    const ours = (torch: Named<Figures>) => attentionOf(torch, '', '');
    expectCase(
      figures,
      layer.params,
      ours(figures.parameters),
      ours(figures.gradients),
      signals(figures),
      (ops, inputs) => ({ y: layer.apply(ops, noCarry, { x: entry(inputs, 'x'), pairs })[0] }),
    );
  });
});

/** Embedding and learned positions, where a model has them, and a head. */
const table = (torch: Named<Figures>, from: string, to: string) => ({ [to]: entry(torch, `${from}.weight`) });
const headOf = (torch: Named<Figures>) => ({
  ...('head.weight' in torch && { 'head.w': transpose(entry(torch, 'head.weight')) }),
  ...('head.bias' in torch && { 'head.b': entry(torch, 'head.bias') }),
});

const size = { features, heads, hidden, blocks };

describe('whole models against PyTorch, every gradient', () => {
  it.each<[string, ActivationName, boolean]>([
    ['GPT', 'gelu', false],
    ['GPT, tied', 'geluTanh', true],
  ])('%s, %s', (name, activation, tied) => {
    const figures = caseOf(cases, name);
    const model = gpt({ ...size, symbols, context: steps, activation, tied });
    const ours = (torch: Named<Figures>) => ({
      ...table(torch, 'embed', 'embed.table'),
      ...table(torch, 'positions', 'positions.table'),
      ...blocksOf(torch, blocks, blockOf(2, false), 'blocks.', 'blocks.'),
      ...headOf(torch),
    });
    const x = idsOf(entry(figures.inputs, 'x'));
    expectCase(figures, model.params, ours(figures.parameters), ours(figures.gradients), {}, (ops) => ({
      y: model.apply(ops, model.initial(3), x)[0],
    }));
  });

  it.each<['pre' | 'post', ActivationName]>([
    ['pre', 'geluTanh'],
    ['post', 'gelu'],
  ])('BERT, %s-norm, %s, padded', (norm, activation) => {
    const figures = caseOf(cases, `BERT, ${norm}`);
    const model = bert({ ...size, symbols, length: steps, norm, activation, padding: symbols - 1 });
    const ours = (torch: Named<Figures>) => ({
      ...table(torch, 'embed', 'embed.table'),
      ...table(torch, 'positions', 'positions.table'),
      ...blocksOf(torch, blocks, blockOf(2, false), 'encoder.', 'encoder.'),
      ...headOf(torch),
    });
    const x = idsOf(entry(figures.inputs, 'x'));
    expectCase(figures, model.params, ours(figures.parameters), ours(figures.gradients), {}, (ops) => ({
      y: model.apply(ops, model.initial(3), x)[0],
    }));
  });

  it.each<['pre' | 'post', ActivationName]>([
    ['pre', 'gelu'],
    ['post', 'relu'],
  ])('encoder and decoder, %s-norm, %s, the source padded', (norm, activation) => {
    const figures = caseOf(cases, `encoder-decoder, ${norm}`);
    const model = encoderDecoder({
      ...size,
      source: symbols,
      target: symbols + 1,
      length: steps,
      norm,
      activation,
      padding: symbols - 1,
    });
    const ours = (torch: Named<Figures>) => ({
      ...table(torch, 'read', 'read.embed.table'),
      ...table(torch, 'write', 'write.embed.table'),
      ...blocksOf(torch, blocks, blockOf(2, false), 'encoder.', 'read.encoder.'),
      ...blocksOf(torch, blocks, blockOf(3, true), 'decoder.', 'write.decoder.'),
      ...headOf(torch),
    });
    const pair = {
      source: idsOf(entry(figures.inputs, 'source')),
      target: idsOf(entry(figures.inputs, 'target')),
    };
    expectCase(figures, model.params, ours(figures.parameters), ours(figures.gradients), {}, (ops) => ({
      y: model.apply(ops, model.initial(3), pair)[0],
    }));
  });
});
