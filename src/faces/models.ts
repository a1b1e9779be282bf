/** `oxbow/models`: whole models, `sequential` and metrics. All of it is in `oxbow` too. */

export { type AlexNetOptions, alexNet } from '../models/alex-net.js';
export { type BertCarry, type BertOptions, bert } from '../models/bert.js';
export { type ConvolutionBlocksOptions, convolutionBlocks } from '../models/convolution-blocks.js';
export { type BeamOptions, decodeBeam } from '../models/decode-beam.js';
export {
  type DecoderCarry,
  decodeGreedy,
  type EncoderDecoder,
  type EncoderDecoderOptions,
  encoderDecoder,
  type GreedyOptions,
  type SequencePair,
} from '../models/encoder-decoder.js';
export type { PredictOptions } from '../models/evaluate.js';
export type { Data, ExampleLayout, Nested } from '../models/examples.js';
export type { Callback, Fit, FitOptions, KeepingOperator } from '../models/fit.js';
export { type GptCarry, type GptOptions, gpt } from '../models/gpt.js';
export { type LeNet5Options, leNet5 } from '../models/le-net.js';
export type { Mask } from '../models/mask.js';
export { accuracy, categoricalAccuracy, topKAccuracy } from '../models/metrics/accuracy.js';
export type { MetricName } from '../models/metrics/by-name.js';
export { type AverageOptions, confusionMatrix, f1, precision, recall } from '../models/metrics/classes.js';
export type { Accumulator, Metric } from '../models/metrics/metric.js';
export { bitsPerCharacter, perplexity } from '../models/metrics/perplexity.js';
export { toIds, toOneHot } from '../models/one-hot.js';
export type { RunPlan } from '../models/plan.js';
export type {
  BatchProgress,
  EpochProgress,
  EpochRecord,
  Evaluation,
  Figures,
  FitProgress,
  FitSnapshot,
  History,
  MeterState,
  WatchState,
} from '../models/progress.js';
export {
  type CompileOptions,
  type EvaluateOptions,
  type Model,
  type Sequential,
  type SequentialOptions,
  sequential,
} from '../models/sequential.js';
export type { EarlyStopping } from '../models/stopping.js';
