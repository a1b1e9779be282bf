import type { TaskEither } from 'fp-ts/lib/TaskEither.js';
import { toldLengths } from '../cells/masked.js';
import { requireCount } from '../checks.js';
import { described } from '../description.js';
import type { FileError, FormatError, WeightsError } from '../errors.js';
import { orThrow } from '../formats/or-throw.js';
import { type Core, type Layer, layer } from '../layer.js';
import type { Ops } from '../ops/ops.js';
import { checkedOptions, type Names } from '../options.js';
import { type Children, stackCore } from '../stack.js';
import type { Tensor } from '../tensor.js';
import { type L2Options, l2Penalty } from '../training/losses/l2.js';
import type { Loss } from '../training/losses/loss.js';
import type { Optimizer } from '../training/optimizers/optimizer.js';
import { BATCH, type PredictOptions, predict, score } from './evaluate.js';
import type { Data, ExampleLayout } from './examples.js';
import { type Compiled, type Fit, type FitOptions, fitModel } from './fit.js';
import type { AnyCore, LayeredModel } from './layered-model.js';
import type { Mask } from './mask.js';
import { type MetricName, metricsOf } from './metrics/by-name.js';
import type { Metric } from './metrics/metric.js';
import { prepareExamples } from './prepared.js';
import type { Evaluation } from './progress.js';
import { loadModel, saveModel } from './saved.js';
import { summary } from './summary.js';

/** The options of {@link sequential}. */
export interface SequentialOptions {
  /** Draws all weights, each by its own path. */
  readonly seed?: number;
  /**
   * Whether an example is a `sequence`, `[T, …]`, or an `example` of one moment, `[…]`. By default ids `[N, T]` and numbers
   * `[N, T, F]` are sequences, and everything else is examples: say it for images `[N, H, W]` or videos.
   */
  readonly input?: ExampleLayout;
  /**
   * The id that fills up shorter sequences at their ends, as Keras' `mask_zero` has 0, or of sequences of numbers the one that all
   * features of such a step have, as in Keras' `Masking`: no layer reads it, and nothing is asked there. `mask` says the same of one
   * call's data. Default: there is none.
   */
  readonly padding?: number;
}

/** The options of a model's `compile`: what is to become small, and how. */
export interface CompileOptions {
  /** What is to become small. */
  readonly loss: Loss;
  /** How weights follow their gradients. */
  readonly optimizer: Optimizer;
  /** What is reported besides the loss; metrics without options by their names. */
  readonly metrics?: readonly (Metric | MetricName)[];
  /** λ of `J = L + ½ λ ‖W‖²_F`, on weights and not on biases. Default none. */
  readonly l2?: number;
  /** Which parameters are penalised; default those of two axes or more. */
  readonly penalise?: L2Options['penalise'];
  /** Gradients whose global norm is greater are scaled down to it; by default none are. */
  readonly clipNorm?: number;
}

const compileNames: Names<CompileOptions> = {
  loss: true,
  optimizer: true,
  metrics: true,
  l2: true,
  penalise: true,
  clipNorm: true,
};

type InputOf<C> = C extends { apply(ops: Ops, carry: never, x: infer X): unknown } ? X : never;

/** What a list of layers takes: what its first one takes. */
export type SequentialInput<L extends readonly unknown[]> = L extends readonly [infer First, ...unknown[]]
  ? InputOf<First>
  : Tensor;

/** What both kinds of models can do. */
interface Common<X> extends Layer<unknown, X> {
  /**
   * The outputs for examples `[N, …]`: `[N, …]`, or `[N, T, …]` where there are several steps. Logits, where the loss has
   * the softmax.
   *
   * @throws TypeError (as a rejection) where an option is not known.
   * @throws TypeError, RangeError (as rejections) where `batch` is not a whole number of at least 1, or the examples are not what
   * the model takes.
   */
  predict(x: Data, options?: PredictOptions): Promise<Tensor>;
  /** The layers in a table: with examples given, the shapes `[T, B, …]` that each layer gives for one of them. */
  summary(x?: Data): string;
  /**
   * Writes weights, and where compiled what training needs to go on, to a safetensors file: whole or not at all.
   *
   * @throws OxbowError (as a rejection), a {@link FileError}, where the file cannot be written.
   */
  save(path: string): Promise<void>;
  /** `save` for fp-ts: weights are taken at once, and written where the result is called. */
  saveEither(path: string): TaskEither<FileError, void>;
  /**
   * Takes them back. Nothing changes where they are of another model.
   *
   * @throws OxbowError (as a rejection), a {@link FileError}, {@link FormatError} or {@link WeightsError}, that names the file.
   * @throws Error (as a rejection) while the model is being trained.
   */
  load(path: string): Promise<void>;
  /**
   * `load` for fp-ts: the file is read where the result is called.
   *
   * @throws Error while the model is being trained.
   */
  loadEither(path: string): TaskEither<FileError | FormatError | WeightsError, void>;
}

/** Layers one after another, not yet compiled. */
export interface Sequential<X = Tensor> extends Common<X> {
  /** The model with one more layer at its end, as Keras' `add`; it is another value, and this one stays as it is. */
  add(layer: AnyCore): Sequential<X>;
  /**
   * The model with a loss and an optimizer. The weights are the same ones: compiling again keeps what was learnt, and
   * starts the optimizer afresh.
   *
   * @throws TypeError where an option is not known.
   * @throws TypeError, RangeError where a metric is not known, λ is impossible, or there is nothing to learn.
   */
  compile(options: CompileOptions): Model<X>;
}

/** The options of a model's `evaluate`. */
export interface EvaluateOptions {
  /** Examples at once. Default 128. */
  readonly batch?: number;
  /** Which steps of x are real, `[N, T]`; the others do not count. By default all, or what `padding` leaves. */
  readonly mask?: Mask;
}

/** A model that learns. */
export interface Model<X = Tensor> extends Common<X> {
  /**
   * A training, which starts when it is subscribed to or awaited; see {@link sequential}.
   *
   * @throws TypeError where an option is not known.
   */
  fit(x: Data, y: Data, options?: FitOptions): Fit;
  /**
   * Loss and metrics of data, as they are for all of it at once, whatever the batch.
   *
   * @throws TypeError (as a rejection) where an option is not known.
   * @throws TypeError, RangeError (as rejections) where `batch` is not a whole number of at least 1, or the data are not what the
   * model and its loss take.
   */
  evaluate(x: Data, y: Data, options?: EvaluateOptions): Promise<Evaluation>;
}

/**
 * A model as in Keras: a list of layers that is compiled, fitted to arrays, evaluated, saved. It is a layer like any other
 * all the same, so `ids$.pipe(model)` works, while it learns too.
 *
 * Equation: `y = layer_n(… layer_2(layer_1(x)))`; `fit` makes `J = 1/n Σ L(y, target) + ½ λ ‖W‖²_F` small.
 * Source: the lecture's Keras examples; its algorithm 4.1 is
 * `fit(x, y, { batch: 1, epochs, validationData, earlyStopping: { monitor: 'accuracy' } })`.
 *
 * Shapes: data is example by example, `[N, …]`; signals are time-major, `[T, B, …]`. Sequences `[N, T, …]` are turned to
 * `[T, B, …]`, examples of one moment become `[1, B, …]`. Every layer works on all steps, so nothing need be distributed
 * over time; where only the last step counts, `lastStep()` stands before the head. The carry: each batch starts from zero,
 * as in Keras.
 *
 * Sequences of several lengths are padded at their ends, and `mask` (or `padding`) says where: each is then what it is
 * alone, as in `masked`. A signal with lengths of its own (`padded`) is taken so too.
 *
 * `fit` gives an observable of progress, batch by batch and epoch by epoch, that can be awaited for its history. It is
 * cold: each subscription, and each await, is one training. Unsubscribing stops it, with the weights of the last whole
 * batch. Every few milliseconds it leaves the event loop a turn; by `thread` and `slice` within a batch too. Data is held against the model before any weight changes. A second `fit`
 * goes on where the first ended, optimizer and all.
 *
 * Layers are named by kind and number, `lstm1`, `lstm2`, `dense1`: so their weights are called in checkpoints.
 *
 * @param layers from the first to the last, each taking what the one before gives.
 * @param options the seed, and how examples are taken.
 * @returns a model that predicts and is saved, and that `compile` makes one that learns.
 * @throws TypeError where there is no layer, or an option is not known.
 * @throws RangeError where a layer gives another number of features than the next one takes, or `padding` is no number.
 * @example
 * const model = sequential([dense(2, 8, { activation: (ops, z) => ops.tanh(z) }), dense(8, 2)], { seed: 1 }).compile({
 *   loss: crossEntropy(),
 *   optimizer: adam(0.05),
 *   metrics: ['accuracy'],
 * });
 * const { epochs } = await model.fit([[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0], { epochs: 100 });
 * await model.predict([[1, 0]], { finish: (ops, y) => ops.softmax(y) });
 */
export function sequential<const L extends readonly AnyCore[]>(
  layers: L,
  options: SequentialOptions = {},
): Sequential<SequentialInput<L>> {
  const { seed, input, padding } = checkedOptions('sequential', options, { seed: true, input: true, padding: true });
  const named = namesOf(layers);
  if (padding !== undefined && !Number.isFinite(padding)) {
    throw new RangeError(`sequential: padding is an id, or the number that features of padding have, not ${padding}.`);
  }
  const core = stackCore('sequential', Object.fromEntries(named) as Children) as unknown as Core<unknown>;
  const subject: LayeredModel = {
    core: layer(toldLengths(core), seed, ''),
    layers: named,
    input,
    padding,
  };
  const model: Sequential<SequentialInput<L>> = Object.assign(operatorOf<SequentialInput<L>>(subject), {
    ...commonOf(subject),
    add: (each: AnyCore) => sequential([...layers, each], options) as unknown as Sequential<SequentialInput<L>>,
    compile: (given: CompileOptions) =>
      described(compile<SequentialInput<L>>(subject, given), 'sequential.compile', [model, given]),
  });
  return described(model, 'sequential', [layers, options]);
}

function compile<X>(subject: LayeredModel, options: CompileOptions): Model<X> {
  const { loss, optimizer, metrics = [], l2, penalise, clipNorm } = checkedOptions('compile', options, compileNames);
  const { params } = subject.core;
  const compiled: Compiled = {
    ...subject,
    loss,
    optimizer,
    clipNorm,
    metrics: metricsOf('compile', metrics),
    penalty: l2 === undefined ? undefined : l2Penalty(params, l2, penalise ? { penalise } : {}),
    memory: { optimizer: undefined, current: undefined, epochs: 0 },
  };
  return Object.assign(operatorOf<X>(subject), {
    ...commonOf(compiled),
    fit: (x: Data, y: Data, given: FitOptions = {}) => fitModel(compiled, x, y, given),
    async evaluate(x: Data, y: Data, given: EvaluateOptions = {}) {
      const { batch = BATCH, mask } = checkedOptions('evaluate', given, { batch: true, mask: true });
      requireCount('evaluate', 'batch', batch);
      return score(compiled, prepareExamples('evaluate', compiled, loss, [x, y, mask]), batch);
    },
  });
}

/** The model's own operator, as a function that methods can be put on. */
function operatorOf<X>({ core }: LayeredModel): Layer<unknown, X> {
  return layer(core as unknown as Core<unknown, X>, undefined, '');
}

function commonOf(subject: LayeredModel) {
  return {
    predict: (x: Data, options: PredictOptions = {}) => predict(subject, x, options),
    summary: (x?: Data) => summary(subject, x),
    save: async (path: string) => orThrow(await saveModel(subject, path)()),
    saveEither: (path: string) => saveModel(subject, path),
    load: async (path: string) => orThrow(await loadModel(subject, path)()),
    loadEither: (path: string) => loadModel(subject, path),
  };
}

/** `lstm1`, `lstm2`, `dense1`: by kind, so that a layer put between two others leaves their names alone. */
function namesOf(layers: readonly AnyCore[]): readonly (readonly [name: string, layer: AnyCore])[] {
  const counts = new Map<string, number>();
  return layers.map((each) => {
    const number = (counts.get(each.kind) ?? 0) + 1;
    counts.set(each.kind, number);
    return [`${each.kind}${number}`, each] as const;
  });
}
