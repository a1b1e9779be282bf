/** The public face: names only. */

export { type Tape, tape } from './backprop/tape.js';
export {
  type BidirectionalCarry,
  type BidirectionalOptions,
  bidirectional,
  type Merge,
  type MergeName,
} from './cells/bidirectional.js';
export type { Cell } from './cells/cell.js';
export {
  type GatedDeltaRuleCarry,
  type GatedDeltaRuleOptions,
  gatedDeltaRuleCell,
} from './cells/gated-delta-rule.js';
export { type FlowOptions, type GradientFlow, gradientFlow } from './cells/gradient-flow.js';
export { type GruCarry, type GruCellOptions, type GruOptions, type GruParams, gru, gruCell } from './cells/gru.js';
export {
  type LstmCarry,
  type LstmCellOptions,
  type LstmOptions,
  type LstmParams,
  lstm,
  lstmCell,
} from './cells/lstm.js';
export { masked } from './cells/masked.js';
export {
  type Candidate,
  type MinGruCarry,
  type MinGruCellOptions,
  type MinGruOptions,
  type MinGruParams,
  minGru,
  minGruCell,
} from './cells/min-gru.js';
export {
  type MinLstmCarry,
  type MinLstmCellOptions,
  type MinLstmOptions,
  type MinLstmParams,
  minLstm,
  minLstmCell,
} from './cells/min-lstm.js';
export { type MogrifierOptions, type MogrifierParams, mogrifier } from './cells/mogrifier.js';
export {
  type ResidualRnnCarry,
  type ResidualRnnOptions,
  residualRnn,
  residualRnnCell,
} from './cells/residual-rnn.js';
export {
  type RgLruCarry,
  type RgLruCellOptions,
  type RgLruOptions,
  type RgLruParams,
  rgLru,
  rgLruCell,
} from './cells/rg-lru.js';
export {
  type SimpleRnnCarry,
  type SimpleRnnCellOptions,
  type SimpleRnnOptions,
  type SimpleRnnParams,
  simpleRnn,
  simpleRnnCell,
} from './cells/simple-rnn.js';
export { type StackedCarry, type StackedOptions, stacked } from './cells/stacked.js';
export { unroll } from './cells/unroll.js';
export { register } from './description.js';
export {
  type BadWindowError,
  type CorrectionError,
  type DescriptionError,
  type FileError,
  type FolderError,
  type FormatError,
  type InterchangeError,
  OxbowError,
  type TaggerError,
  type TokenizerError,
  type UtteranceError,
  type WeightsError,
} from './errors.js';
export * from './faces/models.js';
export * from './faces/node.js';
export * from './faces/tagger.js';
export { type Checkpoint, decodeCheckpoint, decodeCheckpointEither, encodeCheckpoint } from './formats/checkpoint.js';
export {
  type SavedTraining,
  type TrainingRecord,
  trainingCheckpoint,
  trainingOf,
  trainingOfEither,
} from './formats/training.js';
export { loadWeights, loadWeightsEither, weightsOf } from './formats/weights.js';
export type { Tier } from './host/host.js';
export type { Rule, SparsePolicy } from './kernels/jobs.js';
export { configure, type MachineOptions, machine } from './kernels/machine.js';
export type { Machine } from './kernels/machine-type.js';
export type { MemoryUse } from './kernels/memory-limit.js';
export { type ReadyOptions, ready } from './kernels/ready.js';
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
export { type ActivationRegularizationOptions, activationRegularization } from './layers/activation-regularization.js';
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
export {
  type DepthwiseConvolution1dOptions,
  type DepthwiseConvolution1dParams,
  depthwiseConvolution1d,
} from './layers/depthwise-convolution-1d.js';
export { type DropoutForm, type DropoutOptions, type DropoutParams, dropout } from './layers/dropout.js';
export { type EmbeddingOptions, type EmbeddingParams, embedding } from './layers/embedding.js';
export { type FeedForwardOptions, type FeedForwardParams, feedForward } from './layers/feed-forward.js';
export { type FlattenOptions, flatten } from './layers/flatten.js';
export {
  type GatedDeltaNetCarry,
  type GatedDeltaNetOptions,
  type GatedDeltaNetParams,
  gatedDeltaNet,
} from './layers/gated-delta-net.js';
export {
  type GriffinBlockCarry,
  type GriffinBlockOptions,
  type GriffinBlockParams,
  griffinBlock,
} from './layers/griffin-block.js';
export { type HashedFeaturesOptions, hashedFeatures, hashesOf } from './layers/hashed-features.js';
export { type HighwayOptions, type HighwayParams, highway } from './layers/highway.js';
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
export { reverse } from './layers/reverse.js';
export {
  type AttentionOperands,
  type Masks,
  type ScaledDotProductOptions,
  scaledDotProductAttention,
} from './layers/scaled-dot-product.js';
export { type SpellingOptions, type Spellings, spelling, spellingsOf } from './layers/spelling.js';
export { type TiedOptions, type TiedParams, tied } from './layers/tied.js';
export { type BlockCarries, causalBlocks, decoder, encoder, type StackedBlocksOptions } from './layers/transformer.js';
export {
  type BlockCarry,
  type BlockOptions,
  type CausalBlockOptions,
  causalBlock,
  decoderBlock,
  encoderBlock,
} from './layers/transformer-blocks.js';
export type { ActivationChoice, ActivationName } from './ops/activation-names.js';
export type { Activation } from './ops/activations.js';
export * as activations from './ops/activations.js';
export type { AttentionForm } from './ops/attention.js';
export { customVjp } from './ops/custom.js';
export type { Draw } from './ops/draws.js';
export type { Convolution, Pair, Pooling } from './ops/images.js';
export type { Lengths, Padded, Restarts } from './ops/lengths.js';
export type { Adjoints, CustomVjp, Lookup, Ops, Primitives, Sources } from './ops/ops.js';
export type { LstmWindow, Normalised, RecurrenceAdjoints, Recurrences } from './ops/recurrences.js';
export { type ReferenceOptions, reference } from './ops/reference.js';
export type { Transposed } from './ops/shapes.js';
export { inWindow, toSignal } from './ops/window.js';
export { defaultsOf } from './parameters/framework-defaults.js';
export type { Fill } from './parameters/initializer.js';
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
export { finish, inTurns, type PiecewiseTask } from './piecewise-task.js';
export { type Curve, type LogPlotOptions, logPlot } from './plot.js';
export { type GeneratorState, generator, type RandomGenerator, restoreGenerator } from './random.js';
export { build, buildEither } from './runs/build.js';
export { type CheckpointedOptions, checkpointed, type SavedRun, saveRuns } from './runs/checkpointed.js';
export { describe } from './runs/describe.js';
export type { Json, ModelDescription } from './runs/description.js';
export { type LoadedRun, type LoadRunOptions, loadRun } from './runs/load-run.js';
export { type Resumed, type ResumeOptions, resume } from './runs/resume.js';
export {
  type CarryOf,
  type Children,
  type StackCarry,
  type StackOptions,
  type StackParams,
  stack,
} from './stack.js';
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
export type { BadWindow, BadWindowCounts, BadWindowOptions, BadWindowPolicy } from './streams/bad-windows.js';
export { bounded, paced } from './streams/bounded.js';
export type { BoundedBuffer, BufferOptions, BufferPolicy, BufferState, Pausable } from './streams/buffer.js';
export { holdSource, positionNow } from './streams/demand.js';
export {
  type DynamicEvaluationOptions,
  type DynamicEvaluationSnapshot,
  type DynamicStep,
  dynamicEvaluation,
  type GradientSquaresOptions,
  gradientSquares,
} from './streams/dynamic-evaluation.js';
export type { GradientSquares } from './streams/dynamic-rules.js';
export { timeSlice } from './streams/event-loop.js';
export { fromAsync } from './streams/from-async.js';
export { fromReadable, type ReadableLike } from './streams/from-readable.js';
export { fromSocket } from './streams/from-socket.js';
export { type FromTextOptions, fromText, type TextPosition } from './streams/from-text.js';
export { fromWebStream } from './streams/from-web-stream.js';
export {
  type GeneratedSymbol,
  type GenerateOptions,
  type GenerationOptions,
  generate,
  generateFrom,
  generateIterable,
} from './streams/generate.js';
export type { AlternativeSymbol } from './streams/generation/speaker.js';
export type { PastSteps } from './streams/history.js';
export type { Answers, KeyedOutput } from './streams/keyed/answers.js';
export { keyed } from './streams/keyed/keyed.js';
export { keyedTbptt } from './streams/keyed/keyed-tbptt.js';
export type { KeyedSnapshot, KeyedState, KeyedSteps } from './streams/keyed/layout.js';
export type {
  KeyedLearning,
  KeyedLesson,
  KeyedTbpttOptions,
  KeyedTraining,
  KeyedTrainingStep,
} from './streams/keyed/learning-options.js';
export type { Keyed, KeyedAnswer, KeyedCarries, KeyedOptions } from './streams/keyed/options.js';
export type { KeyedStore } from './streams/keyed/store.js';
export { type LanesOptions, type LaneWindow, lanes } from './streams/lanes.js';
export { liveLanes } from './streams/live-lanes/live-lanes.js';
export type { LaneSpan, LiveWindow } from './streams/live-lanes/live-window.js';
export type { CutOptions, LiveLanesOptions } from './streams/live-lanes/options.js';
export { type MaskSymbolsOptions, maskSymbols } from './streams/mask-symbols.js';
export { type OpenVocabulary, openVocabulary } from './streams/open-vocabulary.js';
export { type PaddedWindow, padded, type Sequence, type Steps } from './streams/padded.js';
export { positioned } from './streams/positioned.js';
export { type RandomWindow, type RandomWindowsOptions, randomWindows } from './streams/random-windows.js';
export { type Resets, resetLanes } from './streams/reset.js';
export { type Resettable, resettable } from './streams/resettable.js';
export { distribution, type Sampler, type SamplingOptions, sampler } from './streams/sample.js';
export type { PredictionOptions, SignalOf, StepsLike } from './streams/signals.js';
export type { SocketLike } from './streams/socket.js';
export { stopAt } from './streams/stop.js';
export { type SurprisalOptions, surprisal } from './streams/surprisal.js';
export type { NamedSymbol } from './streams/symbol-growth.js';
export { type TbpttOptions, type TbpttSnapshot, type TbpttStep, tbptt } from './streams/tbptt.js';
export { text } from './streams/text.js';
export { type ToSocketOptions, toSocket } from './streams/to-socket.js';
export { toWebStream } from './streams/to-web-stream.js';
export { bytes } from './streams/tokenizer/bytes.js';
export type { TokenDecoder, TokenEncoder, Tokenizer, TokenizerData } from './streams/tokenizer/tokenizer.js';
export { tokenizerFrom } from './streams/tokenizer/tokenizer-from.js';
export { type TokensOptions, tokens } from './streams/tokens.js';
export type { TrainingStep } from './streams/training-step.js';
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
export { type WindowPosition, type WindowsOptions, windows } from './streams/windows.js';
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
export { averagedWeights, withAveraged } from './training/averaged-weights.js';
export type { BadReason } from './training/bad-reason.js';
export type { Observe, Observed, Trainable } from './training/forward.js';
export { type GradientNorms, type GradientNormsOptions, gradientNorms } from './training/gradient-norms.js';
export { categoricalCrossEntropy } from './training/losses/categorical-cross-entropy.js';
export { type CrossEntropyOptions, crossEntropy } from './training/losses/cross-entropy.js';
export { type L2Options, l2Penalty, withL2 } from './training/losses/l2.js';
export { type LinearChain, linearChain } from './training/losses/linear-chain.js';
export type { Loss, LossOptions, Reduction } from './training/losses/loss.js';
export { squaredError } from './training/losses/squared-error.js';
export { type AdadeltaOptions, adadelta } from './training/optimizers/adadelta.js';
export { type AdagradOptions, adagrad } from './training/optimizers/adagrad.js';
export { type AdamOptions, adam } from './training/optimizers/adam.js';
export { type AdamwOptions, adamw } from './training/optimizers/adamw.js';
export { type AdasecantOptions, adasecant } from './training/optimizers/adasecant.js';
export {
  type AveragedOptions,
  averaged,
  type NonMonotonicOptions,
  nonMonotonic,
} from './training/optimizers/averaged.js';
export { chain } from './training/optimizers/chain.js';
export { type ClassicalMomentumOptions, classicalMomentum } from './training/optimizers/classical-momentum.js';
export { clipByGlobalNorm, clipByValue } from './training/optimizers/clipping.js';
export { type OptimizerOptions, optimizer } from './training/optimizers/in-ops.js';
export { type MomentumOptions, momentum } from './training/optimizers/momentum.js';
export { type NadamOptions, nadam } from './training/optimizers/nadam.js';
export { type NesterovOptions, nesterov } from './training/optimizers/nesterov.js';
export type {
  LookAhead,
  Optimizer,
  Pass,
  Preparation,
  RuleInOps,
  RuleNumbers,
} from './training/optimizers/optimizer.js';
export { type OuterNesterovOptions, outerNesterov } from './training/optimizers/outer-nesterov.js';
export { type RmspropOptions, rmsprop } from './training/optimizers/rmsprop.js';
export { sgd } from './training/optimizers/sgd.js';
export { type VsgdOptions, vsgd } from './training/optimizers/vsgd.js';
export { type WeightDecayOptions, weightDecay } from './training/optimizers/weight-decay.js';
export {
  type Cosine,
  constant,
  cosine,
  inTurn,
  inverseSqrt,
  type OneCycle,
  oneCycle,
  type Schedule,
  type StepDecay,
  stepDecay,
  warmup,
} from './training/schedules.js';
export { type Learned, type ObservingOptions, type Trainer, type TrainerOptions, trainer } from './training/trainer.js';
export type { TrainerState } from './training/trainer-state.js';
export type { TrainingWindow } from './training/training-window.js';
