/** The public face: names only. */

export { type Tape, tape } from './backprop/tape.js';
export {
  type BidirectionalCarry,
  type BidirectionalOptions,
  bidirectional,
  type Merge,
} from './cells/bidirectional.js';
export type { Cell } from './cells/cell.js';
export { type FlowOptions, type GradientFlow, gradientFlow } from './cells/gradient-flow.js';
export { type GruCarry, type GruOptions, type GruParams, gru, gruCell } from './cells/gru.js';
export { type LstmCarry, type LstmOptions, type LstmParams, lstm, lstmCell } from './cells/lstm.js';
export { masked } from './cells/masked.js';
export {
  type ResidualRnnCarry,
  type ResidualRnnOptions,
  residualRnn,
  residualRnnCell,
} from './cells/residual-rnn.js';
export {
  type SimpleRnnCarry,
  type SimpleRnnOptions,
  type SimpleRnnParams,
  simpleRnn,
  simpleRnnCell,
} from './cells/simple-rnn.js';
export { type StackedCarry, type StackedOptions, stacked } from './cells/stacked.js';
export { unroll } from './cells/unroll.js';
export { type Course, finish, inTurns } from './course.js';
export { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from './formats/checkpoint.js';
export { loadCheckpoint, saveCheckpoint } from './formats/checkpoint-file.js';
export type { FileError, FormatError, UtteranceError, WeightsError } from './formats/errors.js';
export { type ConllOptions, fromConll, toConll } from './formats/utterances/conll.js';
export { fromJsonLines, toJsonLine } from './formats/utterances/json-lines.js';
export type { TextSource } from './formats/utterances/lines.js';
export { loadUtterances } from './formats/utterances/load.js';
export { fromSequenceFiles, type SequenceFilesOptions } from './formats/utterances/sequence-files.js';
export type { Utterance } from './formats/utterances/utterance.js';
export { loadWeights, weightsOf } from './formats/weights.js';
export type { Tier } from './kernels/host.js';
export { configure, type MachineOptions, machine } from './kernels/machine.js';
export type { Machine } from './kernels/machine-type.js';
export type { MemoryUse } from './kernels/memory-limit.js';
export {
  batchOf,
  type Carried,
  type Core,
  evaluate,
  type Layer,
  layer,
  type NoCarry,
  noCarry,
  scanCarry,
} from './layer.js';
export { activation } from './layers/activation.js';
export {
  type AttentionCarry,
  type AttentionOptions,
  type CausalAttentionOptions,
  causalAttention,
  crossAttention,
  type MaskedKeys,
  selfAttention,
  type WithMemory,
} from './layers/attention.js';
export {
  type Convolution1dCarry,
  type Convolution1dOptions,
  type Convolution1dParams,
  convolution1d,
} from './layers/convolution-1d.js';
export { type Convolution2dOptions, type Convolution2dParams, convolution2d } from './layers/convolution-2d.js';
export { type DenseOptions, type DenseParams, dense } from './layers/dense.js';
export { type DropoutForm, type DropoutOptions, type DropoutParams, dropout } from './layers/dropout.js';
export { type EmbeddingOptions, type EmbeddingParams, embedding } from './layers/embedding.js';
export { type FeedForwardOptions, type FeedForwardParams, feedForward } from './layers/feed-forward.js';
export { flatten } from './layers/flatten.js';
export { type HashedFeaturesOptions, hashedFeatures, hashesOf } from './layers/hashed-features.js';
export { lastStep } from './layers/last-step.js';
export { type LayerNormOptions, type LayerNormParams, layerNorm } from './layers/layer-norm.js';
export { type LocalResponseNormOptions, localResponseNorm } from './layers/local-response-norm.js';
export { type MaxoutOptions, type MaxoutParams, maxout } from './layers/maxout.js';
export { oneHot } from './layers/one-hot.js';
export {
  maxPooling1d,
  maxPooling2d,
  meanPooling1d,
  meanPooling2d,
  type Pooling1dOptions,
  type Pooling2dOptions,
} from './layers/pooling.js';
export {
  type LearnedPositionsOptions,
  learnedPositions,
  type PositionsCarry,
  type PositionsOptions,
  sinusoidalPositions,
} from './layers/positions.js';
export { type PreluOptions, type PreluParams, prelu } from './layers/prelu.js';
export { residual } from './layers/residual.js';
export {
  type AttentionOperands,
  type Masks,
  type ScaledDotProductOptions,
  scaledDotProductAttention,
} from './layers/scaled-dot-product.js';
export { type SpellingOptions, type Spellings, spelling, spellingsOf } from './layers/spelling.js';
export {
  type BlockCarries,
  type BlockCarry,
  type BlockOptions,
  type CausalBlockOptions,
  causalBlock,
  causalBlocks,
  decoder,
  decoderBlock,
  encoder,
  encoderBlock,
  type StackedBlocksOptions,
} from './layers/transformer.js';
export { type AlexNetOptions, alexNet } from './models/alex-net.js';
export { type BertCarry, type BertOptions, bert } from './models/bert.js';
export { type ConvolutionBlocksOptions, convolutionBlocks } from './models/convolution-blocks.js';
export { type BeamOptions, decodeBeam } from './models/decode-beam.js';
export {
  type DecoderCarry,
  decodeGreedy,
  type EncoderDecoder,
  type EncoderDecoderOptions,
  encoderDecoder,
  type GreedyOptions,
  type SequencePair,
} from './models/encoder-decoder.js';
export type { PredictOptions } from './models/evaluate.js';
export type { Data, Layout, Nested } from './models/examples.js';
export type { Callback, Fit, FitOptions } from './models/fit.js';
export { type GptCarry, type GptOptions, gpt } from './models/gpt.js';
export { type LeNet5Options, leNet5 } from './models/le-net.js';
export type { Mask } from './models/mask.js';
export { accuracy, categoricalAccuracy, topKAccuracy } from './models/metrics/accuracy.js';
export type { MetricName } from './models/metrics/by-name.js';
export { type Chunk, chunksOf } from './models/metrics/chunks.js';
export { type AverageOptions, confusionMatrix, f1, precision, recall } from './models/metrics/classes.js';
export {
  conlleval,
  type Labelled,
  type SlotAccumulator,
  type SlotConfusion,
  type SlotCounts,
  type SlotMetric,
  type SlotScores,
  scoreSlots,
} from './models/metrics/conlleval.js';
export type { Accumulator, Metric } from './models/metrics/metric.js';
export { bitsPerCharacter, perplexity } from './models/metrics/perplexity.js';
export { toIds, toOneHot } from './models/one-hot.js';
export type {
  BatchProgress,
  EpochProgress,
  EpochRecord,
  Evaluation,
  Figures,
  FitProgress,
  History,
} from './models/progress.js';
export {
  type CompileOptions,
  type EvaluateOptions,
  type Model,
  type Sequential,
  type SequentialOptions,
  sequential,
} from './models/sequential.js';
export type { EarlyStopping } from './models/stopping.js';
export type { TaggedUtterance, TaggerInput, TaggerTarget, Words } from './models/tagger/encoding.js';
export { type FitTaggerOptions, fitTagger, scoreTagger, type TaggerEpoch } from './models/tagger/fit.js';
export type { Grown } from './models/tagger/growth.js';
export { type Lexicon, type LexiconData, lexicon } from './models/tagger/lexicon.js';
export type { NetOptions, TaggerCarry, TaggerOutput } from './models/tagger/net.js';
export {
  loadTagger,
  restoreTagger,
  saveTagger,
  type TaggerError,
  taggerCheckpoint,
} from './models/tagger/online/checkpoint.js';
export { correctTags, type SlotCorrection } from './models/tagger/online/corrections.js';
export { type LearnTagsOptions, learnTags } from './models/tagger/online/learn-tags.js';
export type {
  Corrected,
  LearnedTags,
  LearnTagsState,
  PredictedTags,
  RefusedTags,
  TagLesson,
  TagOutcome,
  Taught,
} from './models/tagger/online/lessons.js';
export {
  type Missing,
  type OpenTagging,
  type Outstanding,
  type OutstandingOptions,
  type OutstandingPolicy,
  type OutstandingState,
  outstanding,
} from './models/tagger/online/outstanding.js';
export { type Asked, type Predicted, predictTags } from './models/tagger/online/predict-tags.js';
export {
  type Reservoir,
  type ReservoirOptions,
  type ReservoirState,
  reservoir,
} from './models/tagger/online/reservoir.js';
export { type Slot, type Slots, slots, slotsOf } from './models/tagger/online/slots.js';
export {
  type EndOfUtterance,
  endOfUtterance,
  type Spoken,
  type TagOptions,
  tag,
  type UtteranceTagged,
  type WordTagged,
} from './models/tagger/online/tag.js';
export type { OpenUtterance, ProvisionalTag } from './models/tagger/streaming.js';
export {
  type SubstituteSlotsOptions,
  type SubstitutionOptions,
  substituteSlots,
} from './models/tagger/substitution.js';
export { type Tagger, type TaggerOptions, tagger } from './models/tagger/tagger.js';
export type { TaggedWord, Tagging } from './models/tagger/tagging.js';
export {
  type TaggerLearned,
  type TaggerTrainer,
  type TaggerTrainerOptions,
  taggerTrainer,
} from './models/tagger/trainer.js';
export type { ActivationChoice, ActivationName } from './ops/activation-names.js';
export type { Activation } from './ops/activations.js';
export * as activations from './ops/activations.js';
export type { AttentionForm } from './ops/attention.js';
export { customVjp } from './ops/custom.js';
export type { Convolution, Pair, Pooling } from './ops/images.js';
export type { Lengths, Padded } from './ops/lengths.js';
export type { Adjoints, CustomVjp, Ops, Primitives, Sources } from './ops/ops.js';
export { type ReferenceOptions, reference } from './ops/reference.js';
export type { Transposed } from './ops/shapes.js';
export { inWindow, toSignal } from './ops/window.js';
export { defaultsOf } from './parameters/framework-defaults.js';
export * as initializers from './parameters/initializers.js';
export {
  type Initializer,
  type Parameter,
  type ParameterOptions,
  type Params,
  parameter,
  parametersOf,
} from './parameters/parameter.js';
export { RandomKey } from './parameters/random-key.js';
export { type Curve, type LogPlotOptions, logPlot } from './plot.js';
export { type GeneratorState, generator, type RandomGenerator, restoreGenerator } from './random.js';
export { type StackCarry, type StackOptions, type StackParams, stack } from './stack.js';
export { type Stepper, type StepperOptions, stepper } from './stepper.js';
export { argmax } from './streams/argmax.js';
export {
  type AugmentOptions,
  type ImagesOrWindow,
  type PrincipalColours,
  principalColours,
  randomColour,
  randomCrop,
  randomFlip,
  randomShift,
} from './streams/augment.js';
export { bounded, paced } from './streams/bounded.js';
export type { BoundedBuffer, BufferOptions, BufferPolicy, BufferState, Pausable } from './streams/buffer.js';
export { holdSource } from './streams/demand.js';
export { timeSlice } from './streams/event-loop.js';
export { fromAsync } from './streams/from-async.js';
export { fromFile } from './streams/from-file.js';
export { fromReadable, type ReadableLike } from './streams/from-readable.js';
export { fromSocket } from './streams/from-socket.js';
export { fromText } from './streams/from-text.js';
export { fromWebStream } from './streams/from-web-stream.js';
export {
  type GenerateOptions,
  type GenerationOptions,
  generate,
  generateFrom,
  generateIterable,
} from './streams/generate.js';
export type { Answers, KeyedOutput } from './streams/keyed/answers.js';
export { keyed } from './streams/keyed/keyed.js';
export type { KeyedSnapshot, KeyedState } from './streams/keyed/layout.js';
export type { Keyed, KeyedAnswer, KeyedCarries, KeyedOptions } from './streams/keyed/options.js';
export type { KeyedStore } from './streams/keyed/residents.js';
export { type LanesOptions, type LaneWindow, lanes } from './streams/lanes.js';
export { type MaskSymbolsOptions, maskSymbols } from './streams/mask-symbols.js';
export { type PaddedWindow, padded, type Sequence, type Steps } from './streams/padded.js';
export { type RandomWindow, type RandomWindowsOptions, randomWindows } from './streams/random-windows.js';
export { type Resets, resetLanes } from './streams/reset.js';
export { type Resettable, resettable } from './streams/resettable.js';
export { distribution, type Sampler, type SamplingOptions, sampler } from './streams/sample.js';
export type { SocketLike } from './streams/socket.js';
export { surprisal } from './streams/surprisal.js';
export { type TbpttOptions, type TrainingStep, tbptt } from './streams/tbptt.js';
export { text } from './streams/text.js';
export { type ToSocketOptions, toSocket } from './streams/to-socket.js';
export { toWebStream } from './streams/to-web-stream.js';
export { tokens } from './streams/tokens.js';
export type { SocketSink } from './streams/unsent.js';
export {
  type UnknownSymbols,
  type Vocabulary,
  type VocabularyData,
  vocabulary,
  vocabularyFrom,
} from './streams/vocabulary.js';
export { wellFormed } from './streams/well-formed.js';
export type { SignalWindow, SymbolWindow } from './streams/window.js';
export { type WindowsOptions, windows } from './streams/windows.js';
export {
  type Features,
  type Ids,
  ids,
  isTensor,
  type Numbers,
  type NumberType,
  type Shape,
  type Tensor,
  tensor,
  zeros,
} from './tensor.js';
export type { Trainable } from './training/forward.js';
export { type GradientNorms, gradientNorms } from './training/gradient-norms.js';
export { categoricalCrossEntropy } from './training/losses/categorical-cross-entropy.js';
export { crossEntropy } from './training/losses/cross-entropy.js';
export { type L2Options, l2Penalty, withL2 } from './training/losses/l2.js';
export { type LinearChain, linearChain } from './training/losses/linear-chain.js';
export type { Loss, LossOptions, Reduction } from './training/losses/loss.js';
export { squaredError } from './training/losses/squared-error.js';
export { type AdadeltaOptions, adadelta } from './training/optimizers/adadelta.js';
export { type AdagradOptions, adagrad } from './training/optimizers/adagrad.js';
export { type AdamOptions, adam } from './training/optimizers/adam.js';
export { type AdamwOptions, adamw } from './training/optimizers/adamw.js';
export { type AdasecantOptions, adasecant } from './training/optimizers/adasecant.js';
export { chain } from './training/optimizers/chain.js';
export { type ClassicalMomentumOptions, classicalMomentum } from './training/optimizers/classical-momentum.js';
export { clipByGlobalNorm, clipByValue } from './training/optimizers/clipping.js';
export { type MomentumOptions, momentum } from './training/optimizers/momentum.js';
export { type NadamOptions, nadam } from './training/optimizers/nadam.js';
export { type NesterovOptions, nesterov } from './training/optimizers/nesterov.js';
export type { Aside, Optimizer, Preparation } from './training/optimizers/optimizer.js';
export { type RmspropOptions, rmsprop } from './training/optimizers/rmsprop.js';
export { sgd } from './training/optimizers/sgd.js';
export { type VsgdOptions, vsgd } from './training/optimizers/vsgd.js';
export { type WeightDecayOptions, weightDecay } from './training/optimizers/weight-decay.js';
export { constant, cosine, inTurn, inverseSqrt, type Schedule, stepDecay, warmup } from './training/schedules.js';
export { type Learned, type Trainer, type TrainerOptions, trainer } from './training/trainer.js';
export type { TrainerState } from './training/trainer-state.js';
export type { TrainingWindow } from './training/training-window.js';
