/** Every function of the package that takes options: one call of each, and options that it takes. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as oxbow from 'oxbow';
import * as connecting from 'oxbow/client';
import * as interchange from 'oxbow/interchange';
import * as serving from 'oxbow/serve';
import { firstValueFrom, of } from 'rxjs';

// biome-ignore lint/suspicious/noExplicitAny: given what it takes, and what it does not.
export type Any = any;

/** A record that is what its function works on, or what another function gave, and not how it is to work. */
type Subject =
  | Pick<oxbow.Core<Any, Any, Any>, 'params' | 'apply'>
  | Pick<oxbow.Cell<Any, Any>, 'params' | 'initial'>
  | Pick<oxbow.Core<Any>, 'initial'>
  | oxbow.Tensor
  | oxbow.Ops
  | oxbow.LinearChain
  | oxbow.CustomVjp
  | oxbow.Optimizer
  | oxbow.Preparation
  | oxbow.PrincipalColours
  | oxbow.RandomGenerator
  | oxbow.GeneratorState
  | oxbow.Vocabulary
  | oxbow.VocabularyData
  | oxbow.Tokenizer
  | oxbow.TokenizerData
  | oxbow.ModelDescription
  | oxbow.Utterance
  | oxbow.Pending
  | oxbow.Checkpoint
  | oxbow.LearnTagsState
  | oxbow.TrainerState
  | oxbow.SocketLike
  | oxbow.ReadableLike
  | Pick<IteratorObject<unknown>, 'next'>
  | { readonly pipe: unknown }
  | { readonly chunks: unknown }
  | Error
  | URL
  | ArrayBufferView
  | ReadableStream<Any>
  | Iterable<Any>
  | AsyncIterable<Any>
  | ((...args: Any) => unknown);

/** Of a parameter, what is a record of options: it has names, and they are known. */
type Options<P> = P extends object
  ? P extends Subject | ArrayLike<Any>
    ? never
    : [keyof P] extends [never]
      ? never
      : string extends keyof P
        ? never
        : P
  : never;

/** The names of functions that take options. */
type Taking<M> = {
  [Name in keyof M]: M[Name] extends (...args: infer A) => unknown
    ? [Options<A[number]>] extends [never]
      ? never
      : Name
    : never;
}[keyof M] &
  string;

type Methods = `sequential(…).${Taking<oxbow.Sequential>}` | `model.${Taking<oxbow.Model>}`;

/** What takes options of the parts that `oxbow` has not. */
type Parts = 'connect' | Exclude<Taking<typeof serving>, 'bodyOf'> | Taking<typeof interchange>;

export interface Row {
  /** What messages call it, where that is not its name. */
  readonly named?: string;
  readonly call: (options: Any) => unknown;
  /** Options that it takes; the first one is misspelt. */
  readonly options: Readonly<Record<string, unknown>>;
}

const { dense, lstm, gru, ids, tensor, crossEntropy, squaredError, sgd, noCarry } = oxbow;

const bare = { a: dense(2, 2), b: dense(2, 2) };
const learner = () => oxbow.stack({ embed: oxbow.embedding(3, 2), head: dense(2, 3) });
const training = { optimizer: sgd(0.1), loss: crossEntropy() };
const names = { words: ['to'], tags: ['O'], units: 2, features: 2, seed: 1 };
const someTagger = (more: object = {}) => oxbow.tagger({ ...names, characters: false, ...more });
const utterances = [{ words: ['to'], tags: ['O'] }];
const pair = () => oxbow.encoderDecoder({ source: 3, target: 3, length: 4, features: 2, heads: 1, blocks: 1 });
const layers = () => oxbow.sequential([dense(2, 3)]);
const compiled = () => layers().compile({ loss: squaredError(), optimizer: sgd(0.1) });
const [x, y] = [tensor([2, 2], [1, 2, 3, 4]), tensor([2, 3], [1, 2, 3, 4, 5, 6])];
const socket = { bufferedAmount: 0, readyState: 1, addEventListener() {}, removeEventListener() {}, send() {} };
const initializers = (...all: string[]) =>
  Object.fromEntries(
    all.map((name) => [name, (shape: oxbow.Shape) => new Float32Array(shape.reduce((a, b) => a * b, 1))]),
  );
const wb = initializers('w', 'b');
const recurrent = initializers('wx', 'wh', 'b');
const block = {
  hidden: 3,
  norm: 'post',
  epsilon: 1e-4,
  activation: 'gelu',
  dropout: 0.1,
  seed: 1,
  attention: { bias: false, dropout: 0.1, initializers: wb },
  feedForward: { initializers: wb },
};
const blocks = { blocks: 1, finalNorm: true, ...block };
const transformer = { features: 2, heads: 1, blocks: 1, hidden: 3, activation: 'gelu', dropout: 0.1, seed: 1 };
const keeping = { everyMs: 10, keep: 1, signals: false, tier: 'any' };
const closed = (made: Promise<serving.LiveModel>) => made.then((live) => live.close());
/** Each in a folder of its own: calls need not wait for one another. */
async function inFolder(run: (path: string) => Promise<unknown>): Promise<void> {
  const path = mkdtempSync(join(tmpdir(), 'oxbow-'));
  try {
    await run(path);
  } finally {
    rmSync(path, { recursive: true });
  }
}

const sampling = { temperature: 0.5, topK: 2, topP: 0.9, minP: 0.1, greedy: false, seed: 1 };
const repetition = { repetitionPenalty: 1.1, repetitionWindow: 8 };
const stopping = { stop: ['.'], vocab: Object.assign(() => undefined, { decode: () => '' }) };
const generating = { length: 2, context: 4, surprisal: true, alternatives: 2, ...repetition, ...stopping, ...sampling };
const badWindows = {
  badWindow: 'rollback',
  rollback: { every: 10, most: 2 },
  bad: Object.assign(() => undefined, { next() {} }),
};
const buffer = { capacity: 4, policy: 'block', source: { pause() {}, resume() {} }, gauge: { next() {} } };
const prompt = () => ids([1, 1], [0]);

export const table: Readonly<Record<Taking<typeof oxbow> | Methods | Parts, Row>> = {
  configure: { call: oxbow.configure, options: { threads: 1 } },
  ready: { call: oxbow.ready, options: { tier: 'simd', kernels: '/oxbow/', worker: '/oxbow/worker.js' } },
  reference: { call: oxbow.reference, options: { training: true, step: 1, substitute: new Map() } },
  parameter: { call: (o) => oxbow.parameter([2], oxbow.initializers.zeros(), o), options: { grows: [0] } },
  logPlot: {
    call: (o) => oxbow.logPlot([{ name: 'a', values: [1, 2] }], o),
    options: { title: 'a', x: 'b', y: 'c' },
  },

  simpleRnn: {
    call: (o) => oxbow.simpleRnn(2, 2, o),
    options: { seed: 1, activation: 'relu', dropConnect: 0.1, initializers: recurrent },
  },
  simpleRnnCell: {
    call: (o) => oxbow.simpleRnnCell(2, 2, o),
    options: { activation: 'relu', dropConnect: 0.1, initializers: recurrent },
  },
  lstm: {
    call: (o) => lstm(2, 2, o),
    options: {
      seed: 1,
      forget: 'learned',
      peepholes: true,
      layerNorm: true,
      dropConnect: 0.1,
      initializers: initializers('wx', 'wh', 'b', 'vi', 'vf', 'vo', 'gx', 'gh', 'gc', 'bc'),
    },
  },
  lstmCell: {
    call: (o) => oxbow.lstmCell(2, 2, o),
    options: { peepholes: true, layerNorm: true, dropConnect: 0.1, forget: 'none' },
  },
  gru: {
    call: (o) => gru(2, 2, o),
    options: { seed: 1, reset: 'before', dropConnect: 0.1, initializers: initializers('wx', 'wh', 'wn', 'b', 'bn') },
  },
  gruCell: {
    call: (o) => oxbow.gruCell(2, 2, o),
    options: { reset: 'before', dropConnect: 0.1, initializers: recurrent },
  },
  minGru: {
    call: (o) => oxbow.minGru(2, 2, o),
    options: { seed: 1, candidate: 'positive', initializers: initializers('wz', 'bz', 'wh', 'bh') },
  },
  minGruCell: {
    call: (o) => oxbow.minGruCell(2, 2, o),
    options: { candidate: 'linear', initializers: initializers('wz', 'bz', 'wh', 'bh') },
  },
  minLstm: {
    call: (o) => oxbow.minLstm(2, 2, o),
    options: { seed: 1, candidate: 'positive', initializers: initializers('wf', 'bf', 'wi', 'bi', 'wh', 'bh') },
  },
  minLstmCell: {
    call: (o) => oxbow.minLstmCell(2, 2, o),
    options: { candidate: 'linear', initializers: initializers('wf', 'bf', 'wi', 'bi', 'wh', 'bh') },
  },
  rgLru: {
    call: (o) => oxbow.rgLru(2, o),
    options: { seed: 1, decays: [0.5, 0.9], initializers: initializers('wa', 'ba', 'wx', 'bx', 'lambda') },
  },
  rgLruCell: {
    call: (o) => oxbow.rgLruCell(2, o),
    options: { decays: [0.5, 0.9], initializers: initializers('wa', 'ba', 'wx', 'bx', 'lambda') },
  },
  griffinBlock: {
    call: (o) => oxbow.griffinBlock(2, 2, o),
    options: { seed: 1, outputs: 3, size: 2, decays: [0.5, 0.9] },
  },
  gatedDeltaRuleCell: {
    call: (o) => oxbow.gatedDeltaRuleCell(1, 2, 2, o),
    options: { negativeEigenvalues: false },
  },
  gatedDeltaNet: {
    call: (o) => oxbow.gatedDeltaNet(2, 4, o),
    options: { seed: 1, heads: 2, keys: 3, outputs: 3, size: 2, decays: [0.5, 0.9], negativeEigenvalues: false },
  },
  depthwiseConvolution1d: {
    call: (o) => oxbow.depthwiseConvolution1d(2, 2, o),
    options: { seed: 1, initializers: wb },
  },
  mogrifier: {
    call: (o) => oxbow.mogrifier(oxbow.gruCell(2, 2), o),
    options: { rounds: 3, initializer: oxbow.initializers.normal(0.1) },
  },
  residualRnn: { call: (o) => oxbow.residualRnn(2, 2, dense(4, 2), o), options: { seed: 1 } },
  bidirectional: {
    call: (o) => oxbow.bidirectional(gru(2, 2), gru(2, 2), o),
    options: { merge: (_: oxbow.Ops, f: oxbow.Tensor) => f, outputs: 2, last: true, seed: 1 },
  },
  stacked: {
    call: (o) => oxbow.stacked([gru(2, 2), gru(2, 2)], o),
    options: { dropout: { rate: 0.1, mask: 'step', scaling: 'classic' }, residual: true, seed: 1 },
  },
  stack: { call: (o) => oxbow.stack(bare, o), options: { seed: 1 } },
  gradientFlow: {
    call: (o) => oxbow.gradientFlow(gru(2, 2), o),
    options: {
      steps: 2,
      x: tensor([2, 1, 2], [1, 2, 3, 4]),
      loss: (ops: oxbow.Ops, h: oxbow.Tensor) => ops.sumTo(h, []),
      seed: 1,
    },
  },
  stepper: {
    call: (o) => oxbow.stepper(learner(), o).release(),
    options: { finish: (ops: oxbow.Ops, h: oxbow.Tensor) => ops.softmax(h), carry: { embed: noCarry, head: noCarry } },
  },

  dense: {
    call: (o) => dense(2, 2, o),
    options: { seed: 1, activation: 'relu', bias: true, grows: true, initializers: wb },
  },
  activationRegularization: { call: oxbow.activationRegularization, options: { alpha: 1, beta: 0 } },
  dropout: { call: (o) => oxbow.dropout(0.1, o), options: { scaling: 'classic', mask: 'window', seed: 1 } },
  embedding: {
    call: (o) => oxbow.embedding(2, 2, o),
    options: { grows: true, dropout: 0.1, seed: 1, initializers: initializers('table') },
  },
  tied: {
    call: (o) => oxbow.tied(oxbow.embedding(2, 2), o),
    options: { bias: true, seed: 1, initializers: initializers('b') },
  },
  highway: { call: (o) => oxbow.highway(dense(2, 2), o), options: { seed: 1, initializers: wb } },
  feedForward: {
    call: (o) => oxbow.feedForward(2, 2, o),
    options: { activation: 'gelu', seed: 1, initializers: initializers('w', 'outer', 'b') },
  },
  hashedFeatures: { call: oxbow.hashedFeatures, options: { buckets: 4, features: 2, seed: 1 } },
  layerNorm: {
    call: (o) => oxbow.layerNorm(2, o),
    options: { epsilon: 1e-4, seed: 1, initializers: initializers('gain', 'bias') },
  },
  localResponseNorm: {
    call: (o) => oxbow.localResponseNorm(2, o),
    options: { alpha: 1e-3, beta: 0.5, size: 3, k: 1 },
  },
  maxout: { call: (o) => oxbow.maxout(2, 2, o), options: { group: 3, seed: 1, initializers: wb } },
  prelu: { call: (o) => oxbow.prelu(2, o), options: { seed: 1, initializers: initializers('slope') } },
  spelling: { call: oxbow.spelling, options: { features: 2, maps: 2, width: 1, seed: 1 } },
  flatten: { call: oxbow.flatten, options: { time: true } },
  convolution1d: {
    call: (o) => oxbow.convolution1d(2, 2, 3, o),
    options: {
      padding: 'same',
      stride: 2,
      activation: 'relu',
      flipped: true,
      bias: true,
      seed: 1,
      initializers: wb,
    },
  },
  convolution2d: {
    call: (o) => oxbow.convolution2d(2, 2, 3, o),
    options: {
      padding: 'same',
      stride: 2,
      groups: 2,
      activation: 'relu',
      flipped: true,
      bias: true,
      seed: 1,
      initializers: wb,
    },
  },
  maxPooling1d: { call: (o) => oxbow.maxPooling1d(2, o), options: { stride: 1 } },
  maxPooling2d: { call: (o) => oxbow.maxPooling2d(2, o), options: { stride: 1 } },
  meanPooling1d: { call: (o) => oxbow.meanPooling1d(2, o), options: { stride: 1 } },
  meanPooling2d: { call: (o) => oxbow.meanPooling2d(2, o), options: { stride: 1 } },
  learnedPositions: {
    call: (o) => oxbow.learnedPositions(2, 2, o),
    options: { restart: true, seed: 1, initializers: initializers('table') },
  },
  sinusoidalPositions: { call: (o) => oxbow.sinusoidalPositions(2, 2, o), options: { restart: true } },
  scaledDotProductAttention: { call: oxbow.scaledDotProductAttention, options: { causal: true, heads: 2 } },
  selfAttention: {
    call: (o) => oxbow.selfAttention(2, 1, o),
    options: { dropout: 0.1, bias: true, seed: 1, initializers: initializers('w', 'output', 'b') },
  },
  crossAttention: { call: (o) => oxbow.crossAttention(2, 1, o), options: { dropout: 0.1, bias: false, seed: 1 } },
  causalAttention: {
    call: (o) => oxbow.causalAttention(2, 1, o),
    options: { context: 4, dropout: 0.1, bias: false, seed: 1 },
  },
  encoderBlock: { call: (o) => oxbow.encoderBlock(2, 1, o), options: block },
  causalBlock: { call: (o) => oxbow.causalBlock(2, 1, o), options: { context: 4, ...block } },
  decoderBlock: { call: (o) => oxbow.decoderBlock(2, 1, o), options: { context: 4, ...block } },
  encoder: { call: (o) => oxbow.encoder(2, 1, o), options: blocks },
  causalBlocks: { call: (o) => oxbow.causalBlocks(2, 1, o), options: { context: 4, ...blocks } },
  decoder: { call: (o) => oxbow.decoder(2, 1, o), options: { context: 4, ...blocks } },

  gpt: { call: oxbow.gpt, options: { symbols: 3, context: 4, tied: true, ...transformer } },
  languageModel: {
    call: oxbow.languageModel,
    options: { symbols: 3, cell: 'gru', units: 2, layers: 2, embed: 2, seed: 1, grows: true },
  },
  bert: { call: oxbow.bert, options: { symbols: 3, length: 4, padding: 0, norm: 'post', ...transformer } },
  encoderDecoder: {
    call: oxbow.encoderDecoder,
    options: { source: 3, target: 3, length: 4, padding: 0, norm: 'post', ...transformer },
  },
  decodeGreedy: { call: (o) => oxbow.decodeGreedy(pair(), prompt(), o), options: { start: 0, steps: 1 } },
  decodeBeam: { call: (o) => oxbow.decodeBeam(pair(), prompt(), o), options: { start: 0, steps: 1, width: 2, end: 1 } },
  alexNet: {
    call: oxbow.alexNet,
    options: { narrower: 16, side: 67, channels: 1, classes: 2, dropout: 0.1, initialization: 'he', seed: 1 },
  },
  leNet5: {
    call: oxbow.leNet5,
    options: { side: 16, channels: 1, classes: 2, maps: [2, 2], units: [2, 2], relu: 'all', dropout: 0.1, seed: 1 },
  },
  convolutionBlocks: {
    call: oxbow.convolutionBlocks,
    options: {
      maps: [2],
      channels: 1,
      convolutions: 1,
      poolings: 1,
      size: 3,
      pool: 2,
      pooling: 'mean',
      activation: 'relu',
      initializers: wb,
      seed: 1,
    },
  },
  sequential: { call: (o) => oxbow.sequential([dense(2, 2)], o), options: { input: 'example', padding: 0, seed: 1 } },
  'sequential(…).compile': {
    named: 'compile',
    call: (o) => layers().compile(o),
    options: {
      loss: squaredError(),
      optimizer: sgd(0.1),
      metrics: ['accuracy'],
      l2: 0.1,
      penalise: () => true,
      clipNorm: 1,
    },
  },
  'sequential(…).predict': {
    named: 'predict',
    call: (o) => layers().predict(x, o),
    options: { batch: 1, finish: (ops: oxbow.Ops, h: oxbow.Tensor) => ops.softmax(h) },
  },
  'model.predict': { named: 'predict', call: (o) => compiled().predict(x, o), options: { batch: 1 } },
  'model.evaluate': { named: 'evaluate', call: (o) => compiled().evaluate(x, y, o), options: { batch: 1 } },
  'model.fit': {
    named: 'fit',
    call: (o) => compiled().fit(x, y, o),
    options: {
      epochs: 1,
      batch: 1,
      shuffle: false,
      seed: 1,
      callbacks: [],
      validationSplit: 0.5,
      earlyStopping: { monitor: 'loss', patience: 1, minDelta: 0, restoreBest: true },
      from: undefined,
      thread: 'caller',
      slice: 2,
      ...badWindows,
    },
  },
  precision: { call: oxbow.precision, options: { average: 'micro' } },
  recall: { call: oxbow.recall, options: { average: 'micro' } },
  f1: { call: oxbow.f1, options: { average: 'micro' } },

  adadelta: { call: oxbow.adadelta, options: { learningRate: 1, decay: 0.9, epsilon: 1e-6 } },
  adagrad: { call: (o) => oxbow.adagrad(0.1, o), options: { epsilon: 1e-6 } },
  adam: { call: (o) => oxbow.adam(0.1, o), options: { epsilon: 1e-6, beta1: 0.9, beta2: 0.99, lazy: true } },
  adamw: {
    call: (o) => oxbow.adamw(0.1, o),
    options: { decay: 0.1, biases: true, beta1: 0.9, beta2: 0.99, epsilon: 1e-6 },
  },
  adasecant: { call: oxbow.adasecant, options: { mostCorrection: 1.5, decay: 0.9, epsilon: 1e-6 } },
  averaged: { call: (o) => oxbow.averaged(sgd(0.1), o), options: { decay: 0.9, from: 3 } },
  nonMonotonic: { call: (o) => oxbow.nonMonotonic([1, 2], o), options: { patience: 2 } },
  outerNesterov: {
    call: (o) => oxbow.outerNesterov(sgd(0.1), o),
    options: { every: 5, learningRate: 0.5, momentum: 0.8 },
  },
  classicalMomentum: { call: (o) => oxbow.classicalMomentum(0.1, o), options: { decay: 0.9 } },
  momentum: { call: (o) => oxbow.momentum(0.1, o), options: { nesterov: true, decay: 0.9 } },
  nadam: { call: (o) => oxbow.nadam(0.1, o), options: { momentumDecay: 0.1, beta1: 0.9, beta2: 0.99, epsilon: 1e-6 } },
  nesterov: { call: (o) => oxbow.nesterov(0.1, o), options: { simplified: true, decay: 0.9 } },
  optimizer: {
    call: (o) => oxbow.optimizer(o),
    options: {
      kind: 'own',
      slots: ['mean'],
      first: { mean: 0 },
      least: { mean: 0 },
      learningRate: 0.1,
      update: (_: never, { weights }: Any) => ({ weights }),
    },
  },
  trainingCheckpoint: {
    call: (o) => oxbow.trainingCheckpoint(learner().params, 'training', o),
    options: { about: undefined, state: undefined },
  },
  keyed: {
    call: (o) => oxbow.keyed(learner(), o),
    options: {
      maxBatch: 4,
      key: ({ key }: Any) => key,
      output: 'step',
      finish: (ops: oxbow.Ops, y: oxbow.Tensor) => ops.softmax(y),
      maxDelayMs: 1,
      maxKeys: 10,
      idleMs: 1000,
      store: Object.assign(() => undefined, { get() {}, put() {} }),
      from: undefined,
      carries: undefined,
      waiting: buffer,
    },
  },
  keyedTbptt: {
    call: (o) => oxbow.keyedTbptt(learner(), o),
    options: {
      ...training,
      clipNorm: 1,
      state: undefined,
      slice: 2,
      ...badWindows,
      key: ({ key }: Any) => key,
      length: 4,
      batch: 2,
      maxDelayMs: 1,
      partial: undefined,
      vocab: oxbow.vocabulary('ab'),
      maxKeys: 10,
      idleMs: 1000,
      store: Object.assign(() => undefined, { get() {}, put() {} }),
      from: undefined,
      carries: undefined,
      waiting: buffer,
    },
  },
  rmsprop: { call: (o) => oxbow.rmsprop(0.1, o), options: { decay: 0.9, epsilon: 1e-6 } },
  vsgd: { call: oxbow.vsgd, options: { slowStart: 2, samples: 3, leastShift: 1e-6 } },
  weightDecay: { call: (o) => oxbow.weightDecay(0.1, o), options: { biases: true } },
  oneCycle: { call: oxbow.oneCycle, options: { steps: 3, rate: 0.1, rising: 0.5, from: 10, to: 10 } },
  cosine: { call: oxbow.cosine, options: { steps: 3, rate: 0.1, floor: 0.01 } },
  stepDecay: { call: oxbow.stepDecay, options: { factor: 0.5, rate: 0.1, every: 2 } },
  crossEntropy: { call: crossEntropy, options: { reduction: 'sum', smoothing: 0.1 } },
  categoricalCrossEntropy: { call: oxbow.categoricalCrossEntropy, options: { reduction: 'sum' } },
  squaredError: { call: squaredError, options: { reduction: 'sum' } },
  l2Penalty: { call: (o) => oxbow.l2Penalty(learner().params, 0.1, o), options: { penalise: () => true } },
  withL2: { call: (o) => oxbow.withL2(squaredError(), learner().params, 0.1, o), options: { penalise: () => true } },
  trainer: {
    call: (o) => oxbow.trainer(learner(), o).release(),
    options: { ...training, clipNorm: 1, each: true, state: undefined, thread: 'caller', observe: undefined },
  },
  gradientNorms: {
    call: (o) => oxbow.gradientNorms(learner(), o),
    options: { target: prompt(), input: prompt(), loss: crossEntropy(), carry: { embed: noCarry, head: noCarry } },
  },

  bounded: { call: oxbow.bounded, options: buffer },
  toWebStream: { call: (o) => oxbow.toWebStream(of(1), o), options: buffer },
  toSocket: { call: (o) => oxbow.toSocket(socket as Any, o), options: { highWaterMark: 10, waiting: buffer } },
  fromFile: { call: (o) => oxbow.fromFile('none', o), options: { chunk: 3, from: undefined } },
  fromText: { call: (o) => oxbow.fromText('text', o), options: { chunk: 3, from: undefined } },
  vocabulary: { call: (o) => oxbow.vocabulary('text', o), options: { unknown: 'skip' } },
  surprisal: { call: (o) => oxbow.surprisal(learner(), o), options: { vocab: oxbow.vocabulary('ab') } },
  openVocabulary: { call: (o) => oxbow.openVocabulary('text', o), options: { most: 100 } },
  tokens: { call: (o) => oxbow.tokens(oxbow.vocabulary('ab'), o), options: { whole: true, grows: false } },
  windows: {
    call: oxbow.windows,
    options: { length: 3, partial: 'drop', from: undefined, input: (x: Any) => x, target: (x: Any) => x },
  },
  lanes: {
    call: (o) => oxbow.lanes(Int32Array.of(0, 1, 2, 0, 1), o),
    options: { batch: 1, length: 2, epochs: 2, partial: 'drop', from: { epoch: 1, index: 1 }, target: (x: Any) => x },
  },
  liveLanes: {
    call: (o) => oxbow.liveLanes([of(1)], o),
    options: {
      length: 2,
      batch: 1,
      maxDelayMs: 5,
      partial: 'drop',
      waiting: buffer,
      joining: buffer,
      input: (x: Any) => x,
      target: (x: Any) => x,
    },
  },
  randomWindows: {
    call: (o) => oxbow.randomWindows(Int32Array.of(0, 1, 2, 0, 1), o),
    options: { length: 2, batch: 1, count: 1, seed: 1, from: undefined, target: (x: Any) => x },
  },
  maskSymbols: { call: oxbow.maskSymbols, options: { symbols: 3, mask: 3, rate: 0.5, seed: 1 } },
  randomShift: { call: (o) => oxbow.randomShift(1, o), options: { seed: 1 } },
  randomCrop: { call: (o) => oxbow.randomCrop(1, 1, o), options: { seed: 1 } },
  randomFlip: { call: oxbow.randomFlip, options: { seed: 1 } },
  randomColour: {
    call: (o) => oxbow.randomColour({ directions: [[1]], variances: [1] }, 0.1, o),
    options: { seed: 1 },
  },
  tbptt: {
    call: (o) => oxbow.tbptt(learner(), o),
    options: { ...training, clipNorm: 1, k2: 4, from: undefined, vocab: oxbow.vocabulary('ab'), ...badWindows },
  },
  dynamicEvaluation: {
    call: (o) => oxbow.dynamicEvaluation(learner(), o),
    options: {
      learningRate: 0.1,
      decay: 0.1,
      squares: undefined,
      vocab: oxbow.vocabulary('ab'),
      epsilon: 1e-4,
      length: 4,
      clipNorm: 1,
      from: undefined,
      thread: 'caller',
      slice: 2,
      waiting: buffer,
    },
  },
  gradientSquares: {
    call: (o) => oxbow.gradientSquares(learner(), o),
    options: { thread: 'caller', slice: 2, waiting: buffer },
  },
  sampler: { call: oxbow.sampler, options: sampling },
  distribution: { call: (o) => oxbow.distribution([1, 2], o), options: sampling },
  generate: {
    call: (o) => oxbow.generate(learner(), o),
    options: { ...generating, waiting: buffer },
  },
  generateFrom: {
    call: (o) => oxbow.generateFrom(learner(), prompt(), o),
    options: { ...generating, from: undefined },
  },
  generateIterable: {
    call: (o) => oxbow.generateIterable(learner(), prompt(), o),
    options: generating,
  },

  fromConll: {
    call: (o) => oxbow.fromConll('none', o),
    options: { columns: { word: 0, tag: null }, separator: 'tab', comment: '#' },
  },
  resume: {
    call: (o) => inFolder((path) => oxbow.resume(path, o)),
    options: { model: undefined, tier: 'any' },
  },
  loadRun: {
    call: (o) =>
      oxbow.loadRun('none', o).catch((error) => {
        if (!(error instanceof oxbow.OxbowError)) throw error;
      }),
    options: { model: learner() },
  },
  checkpointed: {
    call: (o) => oxbow.checkpointed('none', o),
    options: {
      model: learner(),
      everySteps: 1,
      everyMs: 1,
      keep: 1,
      about: 'alice',
      signals: false,
      saved: Object.assign(() => undefined, { next() {} }),
    },
  },
  openRunFolder: {
    call: (o) => inFolder(async (path) => (await oxbow.openRunFolder(path, o)).close()),
    options: { takeOver: false, keep: 2 },
  },
  fromSequenceFiles: {
    call: (o) => oxbow.fromSequenceFiles('none', o),
    options: { intents: null, words: 'a', tags: 'b' },
  },
  tagger: {
    call: oxbow.tagger,
    options: {
      ...names,
      intents: ['go'],
      form: { lowerCase: true, digits: false },
      constrained: true,
      intentWeight: 0.1,
      characters: { limit: 4, features: 2, maps: 2, width: 2 },
      hashed: { buckets: 4, features: 2 },
      cell: 'gru',
      layers: 1,
      bidirectional: false,
      dropout: 0.1,
      mask: 'window',
      wordDropout: 0.1,
      chain: false,
    },
  },
  fitTagger: {
    call: (o) => firstValueFrom(oxbow.fitTagger(someTagger(), o)),
    options: {
      train: utterances,
      valid: utterances,
      epochs: 1,
      batch: 1,
      learningRate: 0.1,
      clipNorm: 1,
      average: 0.9,
      substitute: { share: 0.5, typeOf: (slot: string) => slot },
      seed: 1,
      from: undefined,
      thread: 'caller',
      slice: 2,
      ...badWindows,
    },
  },
  taggerTrainer: {
    call: (o) => oxbow.taggerTrainer(someTagger(), o).release(),
    options: { optimizer: sgd(0.1), clipNorm: 1, state: undefined },
  },
  substituteSlots: {
    call: (o) => oxbow.substituteSlots(utterances, o),
    options: { share: 0.5, typeOf: (slot: string) => slot, seed: 1 },
  },
  learnTags: {
    call: (o) => firstValueFrom(of(utterances[0] as Any).pipe(oxbow.learnTags(someTagger(), o))),
    options: {
      optimizer: sgd(0.1),
      clipNorm: 1,
      replay: { size: 2, per: 1, seed: 1 },
      pending: oxbow.pending({ capacity: 1 }),
      metric: oxbow.conlleval(),
      longest: 10,
      ...badWindows,
      most: { words: 10, tags: 10, intents: 10 },
      from: undefined,
      slice: 1,
      waiting: buffer,
    },
  },
  pending: { call: oxbow.pending, options: { capacity: 2, policy: 'error' } },
  reservoir: { call: oxbow.reservoir, options: { size: 2, seed: 1, state: undefined } },
  tag: { call: (o) => oxbow.tag(someTagger(), o), options: { longest: 3 } },
  connect: {
    call: (o) => connecting.connect('http://127.0.0.1:1', o).close(),
    options: {
      token: 'a',
      backoff: { firstMs: 1, mostMs: 2 },
      attempts: 1,
      webSocket: class {
        close() {}
      },
    },
  },
  importModel: {
    async call(o) {
      const [file] = await interchange.encodeModel(learner(), { format: 'pytorch' });
      return interchange.importModel(file?.bytes as Uint8Array, o);
    },
    options: { as: learner() },
  },
  encodeModel: { call: (o) => interchange.encodeModel(learner(), o), options: { format: 'pytorch' } },
  exportModel: {
    call: (o) => inFolder((path) => interchange.exportModel(learner(), join(path, 'a.safetensors'), o)),
    options: { format: 'pytorch' },
  },
  liveLanguageModel: {
    call: (o) => closed(serving.liveLanguageModel(o)),
    options: {
      vocab: oxbow.vocabulary('ab'),
      model: { cell: 'gru', units: 2, layers: 1, embed: 0, seed: 1 },
      learningRate: 0.1,
      clipNorm: 1,
      batch: 1,
      length: 2,
      maxDelayMs: 1,
      thread: 'caller',
      learning: false,
      waiting: { perSource: 10, inAll: 20 },
      sources: 2,
      idleMs: 1,
      atOnce: 1,
      queue: 1,
      ...keeping,
    },
  },
  liveTagger: {
    call: (o) => closed(serving.liveTagger(o)),
    options: {
      learningRate: 0.1,
      model: someTagger(),
      clipNorm: 1,
      replay: { size: 2, per: 1, seed: 1 },
      corrigible: 2,
      queue: 1,
      thread: 'caller',
      learning: false,
      ...keeping,
    },
  },
  openLive: {
    named: 'openLive',
    call: (o) => inFolder((path) => closed(serving.openLive(path, o))),
    options: { learningRate: 0.1, model: { units: 2 }, thread: 'caller', everyMs: 10, keep: 1, signals: false },
  },
  serve: {
    call: (o) => serving.serve(o).then((server) => server.close()),
    options: {
      models: { slots: await serving.liveTagger({ model: someTagger(), thread: 'caller' }) },
      host: '127.0.0.1',
      port: 0,
      tokens: [{ token: 'a token of good length', learn: true, control: false }],
      origins: ['https://example.org'],
      trustProxy: true,
      page: false,
      limits: {
        sessions: 1,
        sessionsPerClient: 1,
        perSession: 1,
        length: 1,
        requestsPerSecond: 1,
        burst: 1,
        learnPerMinute: 1,
        buffer: 1,
        stallMs: 1,
        pingMs: 1000,
        headersMs: 1000,
        requestMs: 1000,
      },
      routes: [],
      log: () => {},
    },
  },
};

/** None of these takes options; a line that no longer compiles has one that does, which takes its place above. */
export const none: readonly [Taking<typeof oxbow.initializers>, Taking<typeof oxbow.activations>] extends readonly [
  never,
  never,
]
  ? true
  : false = true;
