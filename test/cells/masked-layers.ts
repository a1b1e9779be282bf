/** Every layer and model that the package makes, as `masked` meets it. */

import type { Core, Ops, Tensor } from 'oxbow';
import * as oxbow from 'oxbow';
import {
  activation,
  activationRegularization,
  alexNet,
  bert,
  bidirectional,
  causalAttention,
  causalBlock,
  causalBlocks,
  convolution1d,
  convolution2d,
  convolutionBlocks,
  crossAttention,
  decoder,
  decoderBlock,
  dense,
  depthwiseConvolution1d,
  dropout,
  embedding,
  encoder,
  encoderBlock,
  encoderDecoder,
  feedForward,
  flatten,
  gatedDeltaNet,
  gpt,
  griffinBlock,
  gru,
  gruCell,
  hashedFeatures,
  highway,
  languageModel,
  lastStep,
  layer,
  layerNorm,
  learnedPositions,
  leNet5,
  localResponseNorm,
  lstm,
  lstmCell,
  masked,
  maxout,
  maxPooling1d,
  maxPooling2d,
  meanPooling1d,
  meanPooling2d,
  minGru,
  minLstm,
  mogrifier,
  noCarry,
  oneHot,
  prelu,
  residual,
  residualRnn,
  reverse,
  rgLru,
  scaledDotProductAttention,
  selfAttention,
  sequential,
  simpleRnn,
  sinusoidalPositions,
  spelling,
  spellingsOf,
  stack,
  stacked,
  tagger,
  tensor,
  tied,
  unroll,
} from 'oxbow';
import { realSteps } from '../../src/ops/lengths.js';

// biome-ignore lint/suspicious/noExplicitAny: a layer whatever its carry and signals are.
export type Any = Core<any, any, any>;

/** A layer over signals of which a step of a lane is so many ids or numbers. */
export interface Lawful {
  readonly make: () => Any;
  /** Ids below `symbols`, or numbers; of the given shape at each step of a lane. */
  readonly symbols?: number;
  readonly shape: readonly number[];
  readonly lengths?: readonly number[];
  /** Whether it wants lengths alone too, being masked within. */
  readonly told?: boolean;
  /** Whether only the kernels run it, the reference being too slow. */
  readonly large?: boolean;
}

/** A layer that takes a record, which has no lengths: `masked` refuses it. */
export interface Refused {
  readonly make: () => Any;
  readonly signal: () => unknown;
}

const features = { shape: [4] };
const some = (make: () => unknown): Lawful => ({ make: make as () => Any, ...features });
const ofIds = (make: () => unknown): Lawful => ({ make: make as () => Any, symbols: 5, shape: [] });
const ofImages = (make: () => unknown, shape: readonly number[], large = false): Lawful => ({
  make: make as () => Any,
  shape,
  lengths: [1, 2, 2],
  large,
});
/** Lanes that are long enough for a layer that looks at three steps at once. */
const long = { lengths: [3, 6, 4, 3] };

/** A layer of its operands, made from one signal: queries, keys and what is hidden, padding as `ops.lengths` has it. */
const from = (inner: Any, record: (x: Tensor, mask: Tensor | undefined) => unknown): Any => ({
  kind: 'from',
  params: inner.params,
  initial: inner.initial,
  apply(ops: Ops, carry: unknown, x: Tensor) {
    const [steps = 0, lanes = 0] = x.shape;
    const mask = ops.lengths && tensor([steps, lanes], realSteps(steps, ops.lengths).data);
    return inner.apply(ops, carry, record(x, mask));
  },
});
const memory = (x: Tensor, mask: Tensor | undefined) => ({ x, memory: x, ...(mask && { mask }) });
/** Each step sees those that are two steps away at most. */
const band = (x: Tensor) => {
  const [steps = 0] = x.shape;
  const pairs = Float32Array.from({ length: steps ** 2 }, (_, k) =>
    Number(Math.abs(Math.floor(k / steps) - (k % steps)) < 3),
  );
  return { x, pairs: tensor([steps, steps], pairs) };
};
/** As many steps as fill several registers and leave a tail, each lane another. */
const manySteps = (make: () => unknown): Lawful => ({ ...some(make), lengths: [41, 17, 36, 29] });
const signal = () => tensor([2, 1, 4], [1, 2, 3, 4, 5, 6, 7, 8]);
const block = { hidden: 6, activation: 'gelu', dropout: 0.5 } as const;
const both = () => [lstm(4, 3), gru(4, 3)] as const;
const words = () => tagger({ words: ['to'], tags: ['O'], units: 2, features: 2, characters: false, seed: 1 });

type Variants = Readonly<Record<string, Lawful | Refused>>;

/** Factories of layers among the package's exports; what `stacked` gives follows from its list, so it is named. */
export type Factory =
  | 'stacked'
  | {
      // biome-ignore lint/suspicious/noExplicitAny: whatever it takes.
      [Name in keyof typeof oxbow]: (typeof oxbow)[Name] extends (...args: any) => infer R
        ? R extends Pick<Any, 'kind' | 'params' | 'initial' | 'apply'>
          ? Name
          : never
        : never;
    }[keyof typeof oxbow];

export const table = {
  simpleRnn: { plain: some(() => simpleRnn(4, 3)) },
  lstm: {
    plain: some(() => lstm(4, 3)),
    coupled: some(() => lstm(4, 3, { forget: 'coupled', peepholes: true })),
    normalised: some(() => lstm(4, 3, { layerNorm: true, dropConnect: 0.2 })),
  },
  gru: { plain: some(() => gru(4, 3)), before: some(() => gru(4, 3, { reset: 'before' })) },
  residualRnn: {
    dense: some(() => residualRnn(4, 3, dense(7, 3))),
    'over steps': some(() => residualRnn(4, 4, stack({ pool: maxPooling1d(1), dense: dense(4, 4) }))),
  },
  minGru: {
    plain: some(() => minGru(4, 3)),
    positive: some(() => minGru(4, 3, { candidate: 'positive' })),
  },
  minLstm: {
    plain: some(() => minLstm(4, 3)),
    positive: some(() => minLstm(4, 3, { candidate: 'positive' })),
  },
  rgLru: { plain: some(() => rgLru(4)) },
  griffinBlock: {
    plain: some(() => griffinBlock(4, 6)),
    'wider than a lane': some(() => griffinBlock(4, 5, { size: 6, outputs: 3 })),
  },
  gatedDeltaNet: {
    plain: some(() => gatedDeltaNet(4, 6)),
    'wider than a lane': some(() => gatedDeltaNet(4, 6, { heads: 3, keys: 3, size: 6, outputs: 3 })),
  },
  unroll: { cell: some(() => unroll(gruCell(4, 3))), mogrifier: some(() => unroll(mogrifier(lstmCell(4, 3)))) },
  stacked: {
    plain: some(() => stacked([gru(4, 4), lstm(4, 4)], { residual: true, dropout: 0.5 })),
    'of other lengths': {
      ...some(() => stacked([convolution1d(4, 4, 3, { padding: 'valid' }), lstm(4, 3)], { dropout: 0.5 })),
      ...long,
    },
  },
  bidirectional: {
    plain: some(() => bidirectional(...both())),
    merged: some(() => bidirectional(...both(), { merge: (ops, f, b) => ops.multiply(f, b), outputs: 3 })),
    average: some(() => bidirectional(...both(), { merge: 'average' })),
    last: some(() => bidirectional(...both(), { last: true })),
    'last, merged': some(() =>
      bidirectional(...both(), { last: true, merge: (ops, f, b) => ops.add(f, b), outputs: 3 }),
    ),
    'of other lengths': {
      ...some(() => {
        const half = () => stack({ c: convolution1d(4, 3, 2, { padding: 'full', stride: 2 }), rnn: gru(3, 2) });
        return bidirectional(half(), half());
      }),
      ...long,
    },
  },
  masked: {
    within: { ...some(() => masked(lstm(4, 3))), told: true },
    twice: { ...some(() => masked(masked(stack({ last: lastStep() })))), told: true },
  },
  layer: {
    own: some(() =>
      layer({ kind: 'own', params: {}, initial: () => noCarry, apply: (ops, s, x: Tensor) => [ops.tanh(x), s] }),
    ),
  },
  stack: {
    'to one step': some(() => stack({ rnn: lstm(4, 3), last: lastStep(), head: dense(3, 2), again: gru(2, 2) })),
    deep: {
      ...some(() =>
        stack({
          same: convolution1d(4, 6, 3, { padding: 'same', activation: 'relu' }),
          pool: maxPooling1d(2),
          rnn: bidirectional(gru(6, 2), gru(6, 2)),
          sees: selfAttention(4, 2),
          last: lastStep(),
          head: dense(4, 2),
        }),
      ),
      ...long,
    },
  },
  sequential: {
    'to one step': some(() => sequential([simpleRnn(4, 3), lastStep(), dense(3, 2)])),
    'masked inside': {
      ...some(() => sequential([dense(4, 4), masked(gru(4, 3)), lastStep()])),
      told: true,
    },
    ids: ofIds(() => sequential([embedding(5, 4), bidirectional(...both(), { last: true }), dense(6, 2)])),
  },
  highway: { rnn: some(() => highway(lstm(4, 4))) },
  tied: { plain: some(() => tied(embedding(5, 4))) },
  residual: {
    rnn: some(() => residual(lstm(4, 4))),
    same: some(() => residual(convolution1d(4, 4, 3, { padding: 'same' }))),
  },
  activationRegularization: { plain: some(() => activationRegularization()) },
  activation: { softmax: some(() => activation('softmax')) },
  convolution1d: {
    causal: some(() => convolution1d(4, 3, 3)),
    'causal, one wide': some(() => convolution1d(4, 3, 1)),
    'causal, wider than a lane': some(() => convolution1d(4, 3, 5)),
    same: some(() => convolution1d(4, 3, 3, { padding: 'same', activation: 'relu' })),
    'same, even, turned': some(() => convolution1d(4, 3, 4, { padding: 'same', flipped: true })),
    'same, stride 2': some(() => convolution1d(4, 3, 3, { padding: 'same', stride: 2 })),
    full: some(() => convolution1d(4, 3, 3, { padding: 'full', activation: 'tanh' })),
    'full, stride 3': some(() => convolution1d(4, 3, 4, { padding: 'full', stride: 3 })),
    valid: { ...some(() => convolution1d(4, 3, 3, { padding: 'valid' })), ...long },
    'valid, stride 2': { ...some(() => convolution1d(4, 3, 3, { padding: 'valid', stride: 2, bias: false })), ...long },
  },
  depthwiseConvolution1d: {
    plain: some(() => depthwiseConvolution1d(4, 3)),
    'one wide': some(() => depthwiseConvolution1d(4, 1)),
    'wider than a lane': some(() => depthwiseConvolution1d(4, 7)),
  },
  maxPooling1d: {
    plain: { ...some(() => maxPooling1d(2)), ...long },
    overlapping: { ...some(() => maxPooling1d(3, { stride: 1 })), ...long },
  },
  meanPooling1d: {
    plain: { ...some(() => meanPooling1d(3)), ...long },
    overlapping: { ...some(() => meanPooling1d(2, { stride: 1 })), ...long },
  },
  lastStep: { plain: some(() => lastStep()) },
  dense: { plain: some(() => dense(4, 3, { activation: 'gelu' })) },
  dropout: {
    plain: some(() => dropout(0.5)),
    classic: some(() => dropout(0.5, { scaling: 'classic', mask: 'window' })),
  },
  embedding: { plain: ofIds(() => embedding(5, 4)) },
  oneHot: { plain: ofIds(() => oneHot(5)) },
  hashedFeatures: { plain: { ...ofIds(() => hashedFeatures({ buckets: 5, features: 2 })), shape: [4] } },
  feedForward: { plain: some(() => feedForward(4, 6)) },
  layerNorm: { plain: some(() => layerNorm(4)) },
  maxout: { plain: some(() => maxout(4, 3)) },
  prelu: { plain: some(() => prelu(4)) },
  flatten: { images: ofImages(() => flatten(), [2, 2, 3]) },
  reverse: { plain: some(() => reverse()) },
  convolution2d: { plain: ofImages(() => convolution2d(2, 3, 3, { padding: 'same' }), [4, 4, 2]) },
  maxPooling2d: { plain: ofImages(() => maxPooling2d(2), [4, 4, 2]) },
  meanPooling2d: { plain: ofImages(() => meanPooling2d(2), [4, 4, 2]) },
  localResponseNorm: { plain: ofImages(() => localResponseNorm(5), [2, 2, 5]) },
  convolutionBlocks: {
    plain: ofImages(() => convolutionBlocks({ channels: 1, maps: [2], convolutions: 1 }), [4, 4, 1]),
  },
  leNet5: { plain: ofImages(() => leNet5({ side: 16, classes: 3, dropout: 0.5 }), [16, 16, 1], true) },
  alexNet: {
    plain: ofImages(() => alexNet({ side: 67, classes: 3, narrower: 16, initialization: 'he' }), [67, 67, 3], true),
  },
  selfAttention: {
    plain: some(() => selfAttention(4, 2, { dropout: 0.5 })),
    pairs: some(() => from(selfAttention(4, 2), (x) => band(x))),
    'many steps': manySteps(() => selfAttention(4, 2)),
    'pairs of many steps': manySteps(() => from(selfAttention(4, 2), (x) => band(x))),
    'a mask besides': some(() =>
      from(selfAttention(4, 2), (x) => ({ x, mask: tensor(x.shape.slice(0, 2), alternating(x)) })),
    ),
  },
  causalAttention: {
    'longer than a window': some(() => causalAttention(4, 2, { context: 9, dropout: 0.5 })),
    'shorter than a window': some(() => causalAttention(4, 2, { context: 3 })),
    'many steps': manySteps(() => causalAttention(4, 2, { context: 30 })),
  },
  crossAttention: {
    inner: some(() => from(crossAttention(4, 2), memory)),
    'many steps': manySteps(() => from(crossAttention(4, 2), memory)),
    record: { make: () => crossAttention(4, 2), signal: () => ({ x: signal(), memory: signal() }) },
  },
  scaledDotProductAttention: {
    masked: some(() => from(scaledDotProductAttention({ heads: 2 }), attended)),
    causal: some(() => from(scaledDotProductAttention({ causal: true }), (x) => attended(x))),
    'many steps': manySteps(() => from(scaledDotProductAttention({ heads: 2 }), attended)),
    'narrow values of many steps': manySteps(() =>
      from(scaledDotProductAttention(), (x, mask) => {
        const { values, ...rest } = attended(x, mask);
        return {
          ...rest,
          values: tensor(
            [...x.shape.slice(0, 2), 1],
            values.data.filter((_, k) => k % 4 === 0),
          ),
        };
      }),
    ),
    record: { make: () => scaledDotProductAttention(), signal: () => attended(signal()) },
  },
  encoderBlock: {
    plain: some(() => encoderBlock(4, 2, block)),
    post: some(() => encoderBlock(4, 2, { norm: 'post' })),
  },
  encoder: { plain: some(() => encoder(4, 2, { ...block, blocks: 2 })) },
  causalBlock: { plain: some(() => causalBlock(4, 2, { ...block, context: 4 })) },
  causalBlocks: { plain: some(() => causalBlocks(4, 2, { ...block, context: 4, blocks: 2 })) },
  decoderBlock: {
    inner: some(() => from(decoderBlock(4, 2, { ...block, context: 4 }), memory)),
    record: { make: () => decoderBlock(4, 2, { context: 4 }), signal: () => ({ x: signal(), memory: signal() }) },
  },
  decoder: {
    inner: some(() => from(decoder(4, 2, { context: 9, blocks: 1 }), memory)),
    record: { make: () => decoder(4, 2, { context: 4, blocks: 1 }), signal: () => ({ x: signal(), memory: signal() }) },
  },
  learnedPositions: {
    plain: some(() => learnedPositions(20, 4)),
    'at the end': some(() => learnedPositions(7, 4)),
    restart: some(() => learnedPositions(6, 4, { restart: true })),
  },
  sinusoidalPositions: { plain: some(() => sinusoidalPositions(20, 4)) },
  gpt: {
    plain: ofIds(() => gpt({ symbols: 5, context: 9, features: 4, heads: 2, blocks: 1, tied: true, dropout: 0.5 })),
  },
  languageModel: {
    plain: ofIds(() => languageModel({ symbols: 5, units: 4, layers: 2, embed: 3 })),
    oneHot: ofIds(() => languageModel({ symbols: 5, cell: 'rnn', units: 4, embed: 0 })),
    gatedDeltaNet: ofIds(() => languageModel({ symbols: 5, cell: 'gatedDeltaNet', units: 4, layers: 2, embed: 3 })),
    griffin: ofIds(() => languageModel({ symbols: 5, cell: 'griffin', units: 4, layers: 2, embed: 3 })),
  },
  bert: {
    plain: ofIds(() => bert({ symbols: 5, length: 6, features: 4, heads: 2, blocks: 1, dropout: 0.5 })),
    padding: ofIds(() => bert({ symbols: 5, length: 6, features: 4, heads: 2, blocks: 1, padding: 3 })),
  },
  encoderDecoder: {
    writer: ofIds(() => encoderDecoder({ source: 5, target: 5, length: 9, features: 4, heads: 2, blocks: 1 }).writer),
    record: {
      make: () => encoderDecoder({ source: 5, target: 5, length: 9, features: 4, heads: 2, blocks: 1 }),
      signal: () => ({ source: oxbow.ids([1, 1], [0]), target: oxbow.ids([1, 1], [0]) }),
    },
  },
  spelling: { record: { make: () => spelling(), signal: () => spellingsOf([['to']], 1) } },
  tagger: { record: { make: words, signal: () => words().encode([['to']]) } },
} satisfies Readonly<Record<Factory, Variants>>;

function attended(x: Tensor, mask?: Tensor) {
  return { queries: x, keys: x, values: x, ...(mask && { mask }) };
}

/** Every other step hidden, but never a lane's first. */
function alternating(x: Tensor): Float32Array {
  const [steps = 0, lanes = 0] = x.shape;
  return Float32Array.from({ length: steps * lanes }, (_, k) => Number(Math.floor(k / lanes) % 2 === 0));
}
