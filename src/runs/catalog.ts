/** All factories by the names that descriptions have for them, and what else may stand in what they are given. */

import { bidirectional } from '../cells/bidirectional.js';
import { gatedDeltaRuleCell } from '../cells/gated-delta-rule.js';
import { gru, gruCell } from '../cells/gru.js';
import { lstm, lstmCell } from '../cells/lstm.js';
import { masked } from '../cells/masked.js';
import { minGru, minGruCell } from '../cells/min-gru.js';
import { minLstm, minLstmCell } from '../cells/min-lstm.js';
import { mogrifier } from '../cells/mogrifier.js';
import { residualRnn, residualRnnCell } from '../cells/residual-rnn.js';
import { rgLru, rgLruCell } from '../cells/rg-lru.js';
import { simpleRnn, simpleRnnCell } from '../cells/simple-rnn.js';
import { stacked } from '../cells/stacked.js';
import { unroll } from '../cells/unroll.js';
import { activation } from '../layers/activation.js';
import { activationRegularization } from '../layers/activation-regularization.js';
import { causalAttention, crossAttention, selfAttention } from '../layers/attention.js';
import { convolution1d } from '../layers/convolution-1d.js';
import { convolution2d } from '../layers/convolution-2d.js';
import { dense } from '../layers/dense.js';
import { depthwiseConvolution1d } from '../layers/depthwise-convolution-1d.js';
import { dropout } from '../layers/dropout.js';
import { embedding } from '../layers/embedding.js';
import { feedForward } from '../layers/feed-forward.js';
import { flatten } from '../layers/flatten.js';
import { gatedDeltaNet } from '../layers/gated-delta-net.js';
import { griffinBlock } from '../layers/griffin-block.js';
import { hashedFeatures } from '../layers/hashed-features.js';
import { highway } from '../layers/highway.js';
import { lastStep } from '../layers/last-step.js';
import { layerNorm } from '../layers/layer-norm.js';
import { localResponseNorm } from '../layers/local-response-norm.js';
import { maxout } from '../layers/maxout.js';
import { oneHot } from '../layers/one-hot.js';
import { onnxGraph } from '../layers/onnx-graph/onnx-graph.js';
import { maxPooling1d, maxPooling2d, meanPooling1d, meanPooling2d } from '../layers/pooling.js';
import { learnedPositions, sinusoidalPositions } from '../layers/positions.js';
import { prelu } from '../layers/prelu.js';
import { residual } from '../layers/residual.js';
import { reverse } from '../layers/reverse.js';
import { scaledDotProductAttention } from '../layers/scaled-dot-product.js';
import { spelling } from '../layers/spelling.js';
import { tied } from '../layers/tied.js';
import { causalBlocks, decoder, encoder } from '../layers/transformer.js';
import { causalBlock, decoderBlock, encoderBlock } from '../layers/transformer-blocks.js';
import { alexNet } from '../models/alex-net.js';
import { bert } from '../models/bert.js';
import { convolutionBlocks } from '../models/convolution-blocks.js';
import { encoderDecoder } from '../models/encoder-decoder.js';
import { gpt } from '../models/gpt.js';
import { languageModel } from '../models/language-model.js';
import { leNet5 } from '../models/le-net.js';
import { accuracy, categoricalAccuracy, topKAccuracy } from '../models/metrics/accuracy.js';
import { confusionMatrix, f1, precision, recall } from '../models/metrics/classes.js';
import { conlleval } from '../models/metrics/conlleval.js';
import { bitsPerCharacter, perplexity } from '../models/metrics/perplexity.js';
import { type CompileOptions, type Sequential, sequential } from '../models/sequential.js';
import { rebuiltTagger } from '../models/tagger/rebuilt.js';
import { elu, leakyRelu } from '../ops/activations.js';
import * as initializers from '../parameters/initializers.js';
import { stack } from '../stack.js';
import { categoricalCrossEntropy } from '../training/losses/categorical-cross-entropy.js';
import { crossEntropy } from '../training/losses/cross-entropy.js';
import { squaredError } from '../training/losses/squared-error.js';
import { adadelta } from '../training/optimizers/adadelta.js';
import { adagrad } from '../training/optimizers/adagrad.js';
import { adam } from '../training/optimizers/adam.js';
import { adamw } from '../training/optimizers/adamw.js';
import { adasecant } from '../training/optimizers/adasecant.js';
import { averaged } from '../training/optimizers/averaged.js';
import { chain } from '../training/optimizers/chain.js';
import { classicalMomentum } from '../training/optimizers/classical-momentum.js';
import { clipByGlobalNorm, clipByValue } from '../training/optimizers/clipping.js';
import { optimizer } from '../training/optimizers/in-ops.js';
import { momentum } from '../training/optimizers/momentum.js';
import { nadam } from '../training/optimizers/nadam.js';
import { nesterov } from '../training/optimizers/nesterov.js';
import { outerNesterov } from '../training/optimizers/outer-nesterov.js';
import { rmsprop } from '../training/optimizers/rmsprop.js';
import { sgd } from '../training/optimizers/sgd.js';
import { vsgd } from '../training/optimizers/vsgd.js';
import { weightDecay } from '../training/optimizers/weight-decay.js';
import { constant, cosine, inTurn, inverseSqrt, oneCycle, stepDecay, warmup } from '../training/schedules.js';
import { constantActivations } from './description.js';

type Factory = (...args: never) => object;
type Factories = Readonly<Record<string, Factory>>;

/** What things are: where one belongs, no other does. */
export type SlotKind =
  | 'layer'
  | 'cell'
  | 'initializer'
  | 'activation'
  | 'schedule'
  | 'optimizer'
  | 'preparation'
  | 'loss'
  | 'metric'
  | 'own';

/** Names within `activations` and `initializers`, as users write them. */
const named = (space: string, all: Factories): Factories =>
  Object.fromEntries(Object.entries(all).map(([name, each]) => [`${space}.${name}`, each]));

/** Activations that no factory makes. */
const constants = (): Factories =>
  Object.fromEntries(Object.entries(constantActivations()).map(([name, each]) => [name, () => each]));

function compiled(model: Sequential, options: CompileOptions) {
  if (typeof model.compile === 'function') return model.compile(options);
  throw new TypeError('sequential.compile: the first one is made by sequential.');
}

/** By what they make. Asked for by `build` alone: a bundle without it leaves all of them out. */
const kinds = (): Readonly<Record<SlotKind, Factories>> => ({
  layer: {
    stack,
    stacked,
    bidirectional,
    unroll,
    masked,
    residual,
    highway,
    reverse,
    simpleRnn,
    lstm,
    gru,
    residualRnn,
    minGru,
    minLstm,
    rgLru,
    griffinBlock,
    gatedDeltaNet,
    dense,
    embedding,
    tied,
    oneHot,
    activation,
    activationRegularization,
    dropout,
    feedForward,
    flatten,
    lastStep,
    hashedFeatures,
    spelling,
    layerNorm,
    localResponseNorm,
    maxout,
    prelu,
    convolution1d,
    convolution2d,
    depthwiseConvolution1d,
    maxPooling1d,
    maxPooling2d,
    meanPooling1d,
    meanPooling2d,
    learnedPositions,
    sinusoidalPositions,
    scaledDotProductAttention,
    selfAttention,
    causalAttention,
    crossAttention,
    encoderBlock,
    causalBlock,
    decoderBlock,
    encoder,
    causalBlocks,
    decoder,
    gpt,
    languageModel,
    bert,
    encoderDecoder,
    alexNet,
    leNet5,
    convolutionBlocks,
    sequential,
    'sequential.compile': compiled,
    tagger: rebuiltTagger,
    onnxGraph,
  },
  cell: {
    simpleRnnCell,
    lstmCell,
    gruCell,
    residualRnnCell,
    minGruCell,
    minLstmCell,
    rgLruCell,
    gatedDeltaRuleCell,
    mogrifier,
  },
  initializer: named('initializers', initializers),
  activation: named('activations', { ...constants(), leakyRelu, elu }),
  schedule: { constant, stepDecay, inverseSqrt, cosine, oneCycle, warmup, inTurn },
  optimizer: {
    sgd,
    momentum,
    classicalMomentum,
    nesterov,
    adagrad,
    adadelta,
    rmsprop,
    adam,
    adamw,
    nadam,
    adasecant,
    vsgd,
    chain,
    averaged,
    outerNesterov,
    optimizer,
  },
  preparation: { clipByGlobalNorm, clipByValue, weightDecay },
  loss: { crossEntropy, categoricalCrossEntropy, squaredError },
  metric: {
    accuracy,
    categoricalAccuracy,
    topKAccuracy,
    precision,
    recall,
    f1,
    perplexity,
    bitsPerCharacter,
    confusionMatrix,
    conlleval,
  },
  own: {},
});

/** What may stand at a place: things of these kinds, or a plain value of that type. */
export interface ArgumentSlot {
  readonly kinds: readonly SlotKind[];
  readonly plain?: 'number' | 'string';
}

const layer: ArgumentSlot = { kinds: ['layer'] };
const initializer: ArgumentSlot = { kinds: ['initializer'] };
const schedule: ArgumentSlot = { kinds: ['schedule'] };
const rate: ArgumentSlot = { ...schedule, plain: 'number' };
const choice: ArgumentSlot = { kinds: ['activation'], plain: 'string' };
/** Functions of users alone. */
const own: ArgumentSlot = { kinds: [] };

/** Places by position, `*` being each one there. */
const positions: Readonly<Record<string, Readonly<Record<string, ArgumentSlot>>>> = {
  stack: { '0.*': layer },
  stacked: { '0.*': layer },
  sequential: { '0.*': layer },
  'sequential.compile': { '0': layer },
  bidirectional: { '0': layer, '1': layer },
  unroll: { '0': { kinds: ['cell'] } },
  masked: { '0': layer },
  residual: { '0': layer },
  highway: { '0': layer },
  tied: { '0': layer },
  mogrifier: { '0': { kinds: ['cell'] } },
  residualRnn: { '2': layer },
  residualRnnCell: { '2': layer },
  activation: { '0': choice },
  'initializers.sumOf': { '0.*': initializer },
  'initializers.sideBySide': { '0.*': initializer },
  chain: { '*': { kinds: ['preparation', 'optimizer'] } },
  averaged: { '0': { kinds: ['optimizer'] } },
  outerNesterov: { '0': { kinds: ['optimizer'] } },
  warmup: { '1': schedule },
  inTurn: { '0.*.1': schedule, '1': schedule },
  sgd: { '0': rate },
  momentum: { '0': rate },
  classicalMomentum: { '0': rate },
  nesterov: { '0': rate },
  adagrad: { '0': rate },
  rmsprop: { '0': rate },
  adam: { '0': rate },
  adamw: { '0': rate },
  nadam: { '0': rate },
};

/** Options that mean the same wherever they are. */
const options: Readonly<Record<string, ArgumentSlot>> = {
  activation: choice,
  learningRate: rate,
  decay: rate,
  loss: { kinds: ['loss'] },
  optimizer: { kinds: ['optimizer'] },
  merge: { ...own, plain: 'string' },
  penalise: own,
  initializer,
  update: own,
};

const perMetric: ArgumentSlot = { kinds: ['metric'], plain: 'string' };

/** What a factory makes, and how. */
export interface CatalogEntry {
  readonly kind: SlotKind;
  readonly make: Factory;
  /** What is asked for at a place within what it is given, if anything in particular. */
  slotAt(path: readonly string[]): ArgumentSlot | undefined;
}

function slotOf(name: string, path: readonly string[]): ArgumentSlot | undefined {
  for (const [pattern, slot] of Object.entries(positions[name] ?? {})) {
    const parts = pattern.split('.');
    if (parts.length === path.length && parts.every((part, k) => part === '*' || part === path[k])) return slot;
  }
  const [last = '', before = ''] = [path.at(-1), path.at(-2)];
  if (path.length < 2) return undefined;
  if (before === 'initializers') return initializer;
  if (before === 'metrics') return perMetric;
  return Object.hasOwn(options, last) ? options[last] : undefined;
}

let catalog: ReadonlyMap<string, CatalogEntry> | undefined;

/** The factory of a name. */
export function entryOf(name: string): CatalogEntry | undefined {
  catalog ??= new Map(
    Object.entries(kinds()).flatMap(([kind, factories]) =>
      Object.entries(factories).map(([each, make]) => [
        each,
        { kind: kind as SlotKind, make, slotAt: (path: readonly string[]) => slotOf(each, path) },
      ]),
    ),
  );
  return catalog.get(name);
}
