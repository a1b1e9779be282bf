/** Layers and models, what they are given, and what they are called in the table. */
import {
  activation,
  activations,
  alexNet,
  bidirectional,
  type Core,
  causalAttention,
  causalBlock,
  causalBlocks,
  convolution1d,
  convolution2d,
  convolutionBlocks,
  dense,
  dropout,
  embedding,
  encoder,
  encoderBlock,
  feedForward,
  flatten,
  gpt,
  gru,
  gruCell,
  ids,
  languageModel,
  lastStep,
  layerNorm,
  learnedPositions,
  leNet5,
  localResponseNorm,
  lstm,
  masked,
  maxout,
  maxPooling1d,
  maxPooling2d,
  meanPooling1d,
  meanPooling2d,
  oneHot,
  prelu,
  residual,
  selfAttention,
  sequential,
  simpleRnn,
  sinusoidalPositions,
  stack,
  stacked,
  type Tensor,
  tensor,
  unroll,
} from 'oxbow';

export type Any = Core<never, never, unknown>;

export interface Case {
  readonly make: () => Any;
  /** A window. */
  readonly x: () => Tensor;
  /** Lengths of its lanes, where it is padded. */
  readonly lengths?: readonly number[];
  /** Whether steps one by one give what a window gives: not so where windows stand alone. */
  readonly streams?: false;
  /** Why what was written is not read again. */
  readonly notRead?: string;
}

const [T, B] = [5, 2];
const numbers = (shape: readonly number[]): Tensor =>
  tensor(
    shape,
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, k) => Math.sin(k * 0.7) * 0.8),
  );
const signal = (features: number) => () => numbers([T, B, features]);
const symbols = (count: number) => () =>
  ids(
    [T, B],
    Int32Array.from({ length: T * B }, (_, k) => (k * 7 + 3) % count),
  );
const images = (side: number, channels: number) => () => numbers([2, B, side, side, channels]);
const any = (core: unknown): Any => core as Any;
const seed = { seed: 3 };
const lengths = [5, 3];

/** By what the table calls them. */
export const cases: Readonly<Record<string, Case>> = {
  simpleRnn: { make: () => any(simpleRnn(3, 4, seed)), x: signal(3) },
  'simpleRnn, relu': { make: () => any(simpleRnn(3, 4, { ...seed, activation: 'relu' })), x: signal(3) },
  'simpleRnn, logistic': {
    make: () => any(simpleRnn(3, 4, { ...seed, activation: activations.logistic })),
    x: signal(3),
  },
  'simpleRnn, softplus': { make: () => any(simpleRnn(3, 4, { ...seed, activation: 'softplus' })), x: signal(3) },
  'simpleRnn, leakyRelu': {
    make: () => any(simpleRnn(3, 4, { ...seed, activation: activations.leakyRelu(0.2) })),
    x: signal(3),
  },
  'simpleRnn, elu': { make: () => any(simpleRnn(3, 4, { ...seed, activation: activations.elu(0.7) })), x: signal(3) },
  lstm: { make: () => any(lstm(3, 4, seed)), x: signal(3) },
  'lstm, peepholes': { make: () => any(lstm(3, 4, { ...seed, peepholes: true })), x: signal(3) },
  'lstm, coupled': { make: () => any(lstm(3, 4, { ...seed, forget: 'coupled' })), x: signal(3) },
  'lstm, coupled, peepholes': {
    make: () => any(lstm(3, 4, { ...seed, forget: 'coupled', peepholes: true })),
    x: signal(3),
  },
  gru: { make: () => any(gru(3, 4, seed)), x: signal(3) },
  'gru, reset before': { make: () => any(gru(3, 4, { ...seed, reset: 'before' })), x: signal(3) },
  'unroll of a cell': { make: () => any(unroll(gruCell(3, 4), 1)), x: signal(3) },
  'stacked lstm': { make: () => any(stacked([lstm(3, 4), lstm(4, 5)], { ...seed, dropout: 0.5 })), x: signal(3) },
  'stacked gru, residual': {
    make: () => any(stacked([gru(4, 4), gru(4, 4)], { ...seed, residual: true })),
    x: signal(4),
  },
  'stacked, classic dropout': {
    make: () => any(stacked([gru(4, 4), gru(4, 4)], { ...seed, dropout: { rate: 0.25, scaling: 'classic' } })),
    x: signal(4),
  },
  'bidirectional lstm': { make: () => any(bidirectional(lstm(3, 4), lstm(3, 5), seed)), x: signal(3), streams: false },
  'bidirectional gru, last': {
    make: () => any(bidirectional(gru(3, 4), gru(3, 4), { ...seed, last: true })),
    x: signal(3),
    streams: false,
  },
  'masked lstm': { make: () => any(masked(lstm(3, 4, seed))), x: signal(3), lengths, streams: false },
  'masked bidirectional gru': {
    make: () => any(masked(stack({ rnn: bidirectional(gru(3, 4), gru(3, 4)), head: dense(8, 2) }, seed))),
    x: signal(3),
    lengths,
    streams: false,
  },
  'masked, last step': {
    make: () => any(masked(stack({ rnn: gru(3, 4), last: lastStep() }, seed))),
    x: signal(3),
    lengths,
    streams: false,
    notRead: 'GatherND',
  },
  embedding: { make: () => any(embedding(7, 4, seed)), x: symbols(7) },
  oneHot: { make: () => any(oneHot(7)), x: symbols(7) },
  dense: { make: () => any(dense(3, 4, seed)), x: signal(3) },
  'dense without bias': { make: () => any(dense(3, 4, { ...seed, bias: false })), x: signal(3) },
  ...Object.fromEntries(
    (['logistic', 'tanh', 'relu', 'softplus', 'gelu', 'geluTanh', 'softmax', 'elu', 'leakyRelu'] as const).map(
      (name) => [`dense, ${name}`, { make: () => any(dense(3, 4, { ...seed, activation: name })), x: signal(3) }],
    ),
  ),
  activation: {
    make: () => any(stack({ sums: dense(3, 4), bend: activation(activations.elu(0.5)) }, seed)),
    x: signal(3),
  },
  dropout: {
    make: () => any(stack({ sums: dense(3, 4), drop: dropout(0.5, { scaling: 'classic' }) }, seed)),
    x: signal(3),
  },
  prelu: { make: () => any(prelu(4)), x: signal(4) },
  maxout: { make: () => any(maxout(3, 4, { ...seed, group: 3 })), x: signal(3) },
  layerNorm: { make: () => any(layerNorm(4, { epsilon: 1e-3 })), x: signal(4) },
  localResponseNorm: { make: () => any(localResponseNorm(6, { size: 3 })), x: signal(6) },
  residual: { make: () => any(residual(dense(4, 4, seed))), x: signal(4) },
  feedForward: { make: () => any(feedForward(4, 8, { ...seed, activation: 'gelu' })), x: signal(4) },
  lastStep: { make: () => any(stack({ rnn: simpleRnn(3, 4), last: lastStep() }, seed)), x: signal(3), streams: false },
  'convolution1d, causal': { make: () => any(convolution1d(3, 4, 3, seed)), x: signal(3) },
  'convolution1d, causal, flipped': {
    make: () => any(convolution1d(3, 4, 2, { ...seed, flipped: true, activation: 'relu' })),
    x: signal(3),
  },
  'convolution1d, valid, stride': {
    make: () => any(convolution1d(3, 4, 2, { ...seed, padding: 'valid', stride: 2 })),
    x: signal(3),
    streams: false,
  },
  'convolution1d, same': {
    make: () => any(convolution1d(3, 4, 4, { ...seed, padding: 'same' })),
    x: signal(3),
    streams: false,
  },
  'convolution1d, full': {
    make: () => any(convolution1d(3, 4, 3, { ...seed, padding: 'full' })),
    x: signal(3),
    streams: false,
  },
  'maxPooling1d, meanPooling1d': {
    make: () => any(stack({ most: maxPooling1d(2, { stride: 1 }), mean: meanPooling1d(2) })),
    x: signal(3),
    streams: false,
  },
  convolution2d: { make: () => any(convolution2d(3, 4, 3, seed)), x: images(6, 3) },
  'convolution2d, stride, groups': {
    make: () =>
      any(convolution2d(4, 6, [3, 2], { ...seed, stride: [2, 1], padding: 'same', groups: 2, flipped: true })),
    x: images(6, 4),
  },
  'maxPooling2d, meanPooling2d': {
    make: () => any(stack({ most: maxPooling2d(2, { stride: 1 }), mean: meanPooling2d([2, 3]) })),
    x: images(7, 3),
  },
  'convolution2d, flatten, dense': {
    make: () =>
      any(stack({ see: convolution2d(1, 3, 3), pool: maxPooling2d(2), flat: flatten(), head: dense(12, 4) }, seed)),
    x: images(6, 1),
  },
  convolutionBlocks: {
    make: () => any(convolutionBlocks({ ...seed, maps: [3, 4], channels: 2, convolutions: 1 })),
    x: images(8, 2),
  },
  leNet5: {
    make: () => any(leNet5({ ...seed, side: 16, maps: [2, 3], units: [7, 6], classes: 4, dropout: 0.5 })),
    x: images(16, 1),
  },
  alexNet: {
    make: () => any(alexNet({ ...seed, side: 67, classes: 3, narrower: 16, initialization: 'he' })),
    x: () => numbers([1, 1, 67, 67, 3]),
  },
  learnedPositions: { make: () => any(learnedPositions(6, 4, seed)), x: signal(4) },
  'learnedPositions, restart': {
    make: () => any(learnedPositions(6, 4, { ...seed, restart: true })),
    x: signal(4),
    streams: false,
  },
  sinusoidalPositions: { make: () => any(sinusoidalPositions(6, 4)), x: signal(4) },
  selfAttention: { make: () => any(selfAttention(8, 2, seed)), x: signal(8), streams: false },
  'causalAttention, longer context': { make: () => any(causalAttention(8, 2, { ...seed, context: 7 })), x: signal(8) },
  'causalAttention, shorter context': { make: () => any(causalAttention(8, 4, { ...seed, context: 3 })), x: signal(8) },
  encoderBlock: {
    make: () => any(encoderBlock(8, 2, { ...seed, hidden: 6, activation: 'gelu' })),
    x: signal(8),
    streams: false,
  },
  'encoderBlock, post': {
    make: () => any(encoderBlock(8, 2, { ...seed, norm: 'post' })),
    x: signal(8),
    streams: false,
  },
  encoder: { make: () => any(encoder(8, 2, { ...seed, blocks: 2, hidden: 6 })), x: signal(8), streams: false },
  causalBlock: { make: () => any(causalBlock(8, 2, { ...seed, context: 4, hidden: 6 })), x: signal(8) },
  causalBlocks: { make: () => any(causalBlocks(8, 2, { ...seed, blocks: 2, context: 4, norm: 'post' })), x: signal(8) },
  gpt: {
    make: () =>
      any(
        gpt({
          ...seed,
          symbols: 7,
          context: 6,
          features: 8,
          heads: 2,
          blocks: 2,
          activation: 'geluTanh',
          dropout: 0.1,
        }),
      ),
    x: symbols(7),
  },
  'gpt, tied': {
    make: () => any(gpt({ ...seed, symbols: 7, context: 6, features: 8, heads: 2, blocks: 1, tied: true })),
    x: symbols(7),
  },
  languageModel: {
    make: () => any(languageModel({ ...seed, symbols: 7, units: 5, layers: 2, embed: 4 })),
    x: symbols(7),
  },
  'languageModel, one-hot': {
    make: () => any(languageModel({ ...seed, symbols: 7, cell: 'rnn', units: 5, embed: 0 })),
    x: symbols(7),
  },
  sequential: {
    make: () => any(sequential([embedding(7, 4), gru(4, 5), gru(5, 5), dense(5, 3, { activation: 'softmax' })], seed)),
    x: symbols(7),
  },
};
