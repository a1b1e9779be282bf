/**
 * Real PyTorch reads what is exported and writes what is imported: outputs, and the gradients of all parameters, are ours. Debian's
 * python3-torch; without it the tests are skipped.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as oxbow from 'oxbow';
import { exportModel, importModel } from 'oxbow/interchange';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tape } from '../../src/backprop/tape.js';
import { rows } from '../interchange/table.js';

// Debian's own, which may not be the first on the path.
const PYTHON = '/usr/bin/python3';
const hasTorch = existsSync('/usr/lib/python3/dist-packages/torch') && existsSync(PYTHON);
if (!hasTorch) console.warn('No python3-torch: weights are held against PyTorch nowhere but in golden files.');

// biome-ignore lint/suspicious/noExplicitAny: models of all kinds of inputs and outputs.
type AnyCore = oxbow.Core<any, any, any>;

interface Told {
  readonly shape: readonly number[];
  readonly type: 'float32' | 'int32';
  readonly data: readonly number[];
}

const random = oxbow.generator(3);
const told = ({ shape, type, data }: oxbow.Tensor | oxbow.Ids) => ({ shape, type, data: [...data] });
const tensorOf = ({ shape, type, data }: Told) =>
  type === 'int32' ? oxbow.ids(shape, data) : oxbow.tensor(shape, Float32Array.from(data));
const signal = (...shape: number[]) =>
  oxbow.tensor(
    shape,
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => 2 * random.uniform() - 1),
  );
const symbols = (count: number, ...shape: number[]) =>
  oxbow.ids(
    shape,
    Int32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.below(count)),
  );

/** Made numbers as the weights of a mean. */
const meanOf = ({ shape, data }: oxbow.Tensor) =>
  oxbow.tensor(
    shape,
    data.map((value) => value / data.length),
  );

/** What a model takes, of what a module of PyTorch takes. */
type Input = (inputs: readonly (oxbow.Tensor | oxbow.Ids)[]) => unknown;
const first: Input = ([x]) => x;
const withMemory: Input = ([x, memory]) => ({ x, memory });
const pair: Input = ([source, target]) => ({ source, target });
const utterances: Input = ([words]) => ({ words, lengths: new Array(words?.shape[1]).fill(words?.shape[0]) });

interface Case {
  readonly make: () => AnyCore;
  readonly inputs: () => readonly (oxbow.Tensor | oxbow.Ids)[];
  readonly input?: Input;
}

const x = () => [signal(5, 2, 4)];
const block = { hidden: 8, seed: 1 } as const;
const taggerOf = (intents: boolean) =>
  oxbow.tagger({
    words: ['a', 'b', 'c', 'd', 'e', 'f'],
    tags: ['O', 'B-x', 'I-x'],
    ...(intents && { intents: ['go', 'stop'] }),
    features: 4,
    units: 3,
    layers: 2,
    dropout: 0,
    wordDropout: 0,
    characters: false,
    chain: false,
    seed: 1,
  });
const { gru, lstm, simpleRnn, dense } = oxbow;

/** What is exported. The names are those of the page. */
const ours: Readonly<Record<string, Case>> = {
  simpleRnn: { make: () => simpleRnn(4, 3, { seed: 1 }), inputs: x },
  'simpleRnn, relu': { make: () => simpleRnn(4, 3, { activation: 'relu', seed: 1 }), inputs: x },
  lstm: { make: () => lstm(4, 3, { seed: 1 }), inputs: x },
  gru: { make: () => gru(4, 3, { seed: 1 }), inputs: x },
  'unrolled gruCell': { make: () => oxbow.unroll(oxbow.gruCell(4, 3), 1), inputs: x },
  'lstm, bidirectional': { make: () => oxbow.bidirectional(lstm(4, 3), lstm(4, 3), { seed: 1 }), inputs: x },
  'gru, bidirectional': { make: () => oxbow.bidirectional(gru(4, 3), gru(4, 3), { seed: 1 }), inputs: x },
  'gru, bidirectional, last': {
    make: () => oxbow.bidirectional(gru(4, 3), gru(4, 3), { seed: 1, last: true }),
    inputs: x,
  },
  'gru, 3 layers': { make: () => oxbow.stacked([gru(4, 3), gru(3, 3), gru(3, 3)], { seed: 1 }), inputs: x },
  'lstm, 2 layers, bidirectional': {
    make: () =>
      oxbow.stacked([oxbow.bidirectional(lstm(4, 3), lstm(4, 3)), oxbow.bidirectional(lstm(6, 3), lstm(6, 3))], {
        seed: 1,
      }),
    inputs: x,
  },
  'stacked of two kinds': { make: () => oxbow.stacked([gru(4, 3), lstm(3, 5)], { seed: 1 }), inputs: x },
  embedding: { make: () => oxbow.embedding(6, 4, { seed: 1 }), inputs: () => [symbols(6, 5, 2)] },
  dense: { make: () => dense(4, 3, { seed: 1 }), inputs: x },
  'dense without a bias': { make: () => dense(4, 3, { bias: false, seed: 1 }), inputs: x },
  ...Object.fromEntries(
    (['sigmoid', 'tanh', 'relu', 'leakyRelu', 'elu', 'softplus', 'gelu', 'geluTanh', 'softmax'] as const).map(
      (activation) => [`dense, ${activation}`, { make: () => dense(4, 3, { activation, seed: 1 }), inputs: x }],
    ),
  ),
  layerNorm: { make: () => oxbow.layerNorm(4, { epsilon: 1e-3, seed: 1 }), inputs: x },
  prelu: { make: () => oxbow.prelu(4, { seed: 1 }), inputs: x },
  feedForward: { make: () => oxbow.feedForward(4, 7, { activation: 'gelu', seed: 1 }), inputs: x },
  'residual, dropout, lastStep': {
    make: () =>
      oxbow.stack({ a: oxbow.residual(dense(4, 4)), drop: oxbow.dropout(0), last: oxbow.lastStep() }, { seed: 1 }),
    inputs: x,
  },
  'oneHot, learnedPositions': {
    make: () => oxbow.stack({ one: oxbow.oneHot(6), at: oxbow.learnedPositions(8, 6) }, { seed: 1 }),
    inputs: () => [symbols(6, 5, 2)],
  },
  ...Object.fromEntries(
    (['causal', 'same', 'valid', 'full'] as const).map((padding) => [
      `convolution1d, ${padding}`,
      { make: () => oxbow.convolution1d(4, 3, 3, { padding, seed: 1 }), inputs: x },
    ]),
  ),
  pooling1d: {
    make: () =>
      oxbow.stack(
        { a: dense(4, 4), max: oxbow.maxPooling1d(2), mean: oxbow.meanPooling1d(2, { stride: 1 }) },
        { seed: 1 },
      ),
    inputs: () => [signal(7, 2, 4)],
  },
  images: {
    make: () =>
      oxbow.stack(
        {
          first: oxbow.convolution2d(2, 4, 3, { activation: 'relu' }),
          pool: oxbow.maxPooling2d(2),
          second: oxbow.convolution2d(4, 4, [3, 2], { padding: 'same', groups: 2, stride: [1, 2] }),
          mean: oxbow.meanPooling2d(2, { stride: 1 }),
          flat: oxbow.flatten(),
          head: dense(8, 3),
        },
        { seed: 1 },
      ),
    inputs: () => [signal(1, 2, 8, 8, 2)],
  },
  selfAttention: { make: () => oxbow.selfAttention(4, 2, { seed: 1 }), inputs: x },
  'selfAttention without biases': { make: () => oxbow.selfAttention(4, 2, { bias: false, seed: 1 }), inputs: x },
  causalAttention: { make: () => oxbow.causalAttention(4, 2, { context: 3, seed: 1 }), inputs: x },
  crossAttention: {
    make: () => oxbow.crossAttention(4, 2, { seed: 1 }),
    inputs: () => [signal(5, 2, 4), signal(3, 2, 4)],
    input: withMemory,
  },
  'encoderBlock, pre': { make: () => oxbow.encoderBlock(4, 2, block), inputs: x },
  'encoderBlock, post, gelu': {
    make: () => oxbow.encoderBlock(4, 2, { ...block, norm: 'post', activation: 'gelu', epsilon: 1e-4 }),
    inputs: x,
  },
  causalBlock: { make: () => oxbow.causalBlock(4, 2, { ...block, context: 3 }), inputs: x },
  decoderBlock: {
    make: () => oxbow.decoderBlock(4, 2, { ...block, context: 8 }),
    inputs: () => [signal(5, 2, 4), signal(3, 2, 4)],
    input: withMemory,
  },
  'encoder, 2 blocks': { make: () => oxbow.encoder(4, 2, { ...block, blocks: 2 }), inputs: x },
  'causalBlocks, 2 blocks, post': {
    make: () => oxbow.causalBlocks(4, 2, { ...block, blocks: 2, context: 3, norm: 'post', activation: 'geluTanh' }),
    inputs: x,
  },
  'decoder, 2 blocks': {
    make: () => oxbow.decoder(4, 2, { ...block, blocks: 2, context: 8 }),
    inputs: () => [signal(5, 2, 4), signal(3, 2, 4)],
    input: withMemory,
  },
  sequential: {
    make: () => oxbow.sequential([dense(4, 6, { activation: 'tanh' }), lstm(6, 3), dense(3, 2)], { seed: 1 }),
    inputs: x,
  },
  'char-rnn': {
    make: () => oxbow.languageModel({ symbols: 9, embed: 4, units: 5, layers: 2 }),
    inputs: () => [symbols(9, 5, 2)],
  },
  'char-rnn, one-hot gru': {
    make: () => oxbow.languageModel({ symbols: 9, embed: 0, units: 5, cell: 'gru' }),
    inputs: () => [symbols(9, 5, 2)],
  },
  gpt: {
    make: () =>
      oxbow.gpt({ symbols: 9, context: 6, features: 4, heads: 2, blocks: 2, activation: 'geluTanh', seed: 1 }),
    inputs: () => [symbols(9, 5, 2)],
  },
  'gpt, tied': {
    make: () => oxbow.gpt({ symbols: 9, context: 6, features: 4, heads: 2, blocks: 2, tied: true, seed: 1 }),
    inputs: () => [symbols(9, 5, 2)],
  },
  bert: {
    make: () => oxbow.bert({ symbols: 9, length: 6, features: 4, heads: 2, blocks: 2, padding: 8, seed: 1 }),
    inputs: () => [oxbow.ids([4, 2], [1, 2, 3, 4, 5, 6, 7, 8])],
  },
  encoderDecoder: {
    make: () =>
      oxbow.encoderDecoder({ source: 9, target: 7, length: 6, features: 4, heads: 2, blocks: 2, padding: 8, seed: 1 }),
    inputs: () => [oxbow.ids([4, 2], [1, 2, 3, 4, 5, 6, 7, 8]), symbols(7, 5, 2)],
    input: pair,
  },
  'tagger without its chain': {
    make: () => taggerOf(true),
    inputs: () => [symbols(7, 5, 2)],
    input: utterances,
  },
};

/** What is imported: by what models the tensors are, or undefined where names and shapes say it. */
const theirs: Readonly<
  Record<string, { readonly as?: () => AnyCore; readonly input?: Input; readonly fixed?: readonly string[] }>
> = {
  simpleRnn: { as: () => simpleRnn(4, 3) },
  'simpleRnn, relu': { as: () => simpleRnn(4, 3, { activation: 'relu' }) },
  lstm: {},
  // Ours has some, which are zeros, and learns them.
  'lstm without biases': { fixed: ['b'] },
  gru: {},
  'lstm, bidirectional': {},
  'gru, bidirectional': {},
  'gru, 3 layers': {},
  'lstm, 2 layers, bidirectional': {},
  embedding: { as: () => oxbow.embedding(6, 4) },
  dense: {},
  'dense without a bias': { as: () => dense(4, 3, { bias: false }) },
  layerNorm: { as: () => oxbow.layerNorm(4) },
  prelu: { as: () => oxbow.prelu(4) },
  'convolution1d, causal': { as: () => oxbow.convolution1d(4, 3, 3) },
  // Their modules are numbers of two lists.
  images: {
    as: () =>
      oxbow.stack({
        features: oxbow.stack({
          first: oxbow.convolution2d(2, 3, 3, { activation: 'relu' }),
          pool: oxbow.maxPooling2d(2),
          second: oxbow.convolution2d(3, 4, 2, { padding: 1, activation: 'tanh' }),
        }),
        flat: oxbow.flatten(),
        classifier: oxbow.stack({ hidden: dense(64, 6, { activation: 'relu' }), head: dense(6, 3) }),
      }),
  },
  selfAttention: { as: () => oxbow.selfAttention(4, 2) },
  causalAttention: { as: () => oxbow.causalAttention(4, 2, { context: 8 }) },
  crossAttention: { as: () => oxbow.crossAttention(4, 2), input: withMemory },
  'encoderBlock, pre': { as: () => oxbow.encoderBlock(4, 2, { hidden: 8 }) },
  'encoderBlock, post, gelu': {
    as: () => oxbow.encoderBlock(4, 2, { hidden: 8, norm: 'post', activation: 'gelu' }),
  },
  decoderBlock: { as: () => oxbow.decoderBlock(4, 2, { hidden: 8, context: 8 }), input: withMemory },
  'encoder, 2 blocks': { as: () => oxbow.encoder(4, 2, { hidden: 8, blocks: 2 }) },
  'char-rnn': {},
  gpt: { as: () => oxbow.gpt({ symbols: 9, context: 6, features: 4, heads: 2, blocks: 2 }) },
  'tagger without its chain': { as: () => taggerOf(true), input: utterances },
};

/** Outputs of a model, and the gradients of all parameters by the sum of mix ⊙ output. */
function outcomeOf(model: AnyCore, input: unknown, mix: readonly Told[]) {
  const named = oxbow.parametersOf(model.params);
  return oxbow.inWindow((eager) => {
    const ops = tape(
      eager,
      named.map(([, each]) => each),
    );
    const [y] = model.apply(ops, model.initial(2), input);
    const outputs: readonly oxbow.Tensor[] = oxbow.isTensor(y) ? [y] : Object.values(y);
    const parts = outputs.map((output, k) => ops.sumTo(ops.multiply(output, tensorOf(mix[k] as Told)), []));
    const gradients = ops.gradients(parts.reduce((sum, part) => ops.add(sum, part)));
    return {
      outputs: outputs.map((each) => told(each) as Told),
      gradients: Object.fromEntries(named.map(([path], k) => [path, told(gradients[k] as oxbow.Tensor) as Told])),
    };
  });
}

/** The largest difference; not a number where shapes differ. */
function difference(a: readonly Told[], b: readonly Told[]): number {
  expect(a.map(({ shape }) => shape)).toEqual(b.map(({ shape }) => shape));
  return Math.max(
    0,
    ...a.flatMap(({ data }, k) => [...data].map((value, j) => Math.abs(value - (b[k]?.data[j] as number)))),
  );
}

const inOrderOf = (like: Readonly<Record<string, Told>>, given: Readonly<Record<string, oxbow.Tensor>>) =>
  Object.keys(like).map((path) => told(given[path] as oxbow.Tensor) as Told);

describe.skipIf(!hasTorch)('PyTorch', () => {
  const figures = rows('pytorch');
  let folder: string;
  const made = new Map<string, { readonly model: AnyCore; readonly input: unknown; readonly mix: readonly Told[] }>();
  const read = (name: string) => JSON.parse(readFileSync(join(folder, name), 'utf8'));

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'torch-'));
    for (const [name, { make, inputs, input = first }] of Object.entries(ours)) {
      const model = make();
      // Norms and biases begin as ones and zeros, which would hide where they go.
      for (const [, each] of oxbow.parametersOf(model.params))
        each.assign(each.data.map((value) => value + 0.4 * (random.uniform() - 0.5)));
      const given = inputs();
      const [y] = oxbow.evaluate(model, model.initial(2), input(given));
      const outputs: readonly oxbow.Tensor[] = oxbow.isTensor(y) ? [y] : Object.values(y);
      const mix = outputs.map(({ shape }) => told(meanOf(signal(...shape))) as Told);
      made.set(name, { model, input: input(given), mix });
      await exportModel(model, join(folder, `${name}.safetensors`));
      writeFileSync(join(folder, `${name}.json`), JSON.stringify({ inputs: given.map(told), mix }));
    }
    execFileSync(PYTHON, [fileURLToPath(new URL('../interchange/pytorch/travel.py', import.meta.url)), folder], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
  }, 120_000);
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
    figures.finish();
  });

  it.each(Object.keys(ours))('takes %s, and gives its outputs and gradients', async (layer) => {
    const { model, input, mix } = made.get(layer) as NonNullable<ReturnType<(typeof made)['get']>>;
    const { outputs, gradients } = outcomeOf(model, input, mix);
    const slopes = oxbow.weightsOf(
      (await importModel<AnyCore>(join(folder, `${layer}.grad.pt`), { as: model })).params,
    );
    figures.report({
      layer,
      direction: 'export',
      outputs: difference(outputs, read(`${layer}.out.json`)),
      gradients: difference(Object.values(gradients), inOrderOf(gradients, slopes)),
    });
  });

  it.each(Object.keys(ours))('gives %s back bit for bit', async (name) => {
    const { model } = made.get(name) as NonNullable<ReturnType<(typeof made)['get']>>;
    const again = await importModel<AnyCore>(join(folder, `${name}.safetensors`));
    expect(oxbow.weightsOf(again.params)).toEqual(oxbow.weightsOf(model.params));
    expect(oxbow.describe(again)).toEqual(oxbow.describe(model));
  });

  it.each(Object.entries(theirs))(
    'gives %s, with its outputs and gradients',
    async (layer, { as, input = first, fixed = [] }) => {
      const file = join(folder, 'theirs', layer);
      const model = await importModel<AnyCore>(`${file}.pt`, as && { as: as() });
      const case_ = read(`theirs/${layer}.json`);
      const { outputs, gradients: all } = outcomeOf(model, input(case_.inputs.map(tensorOf)), case_.mix);
      const gradients = Object.fromEntries(Object.entries(all).filter(([path]) => !fixed.includes(path)));
      const slopes = oxbow.weightsOf((await importModel<AnyCore>(`${file}.grad.pt`, { as: model })).params);
      figures.report({
        layer,
        direction: 'import',
        outputs: difference(outputs, case_.outputs),
        gradients: difference(Object.values(gradients), inOrderOf(gradients, slopes)),
      });
    },
  );
});
