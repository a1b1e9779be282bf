import { lastValueFrom, Observable, Subject, type Subscriber } from 'rxjs';
import { requireCount } from '../checks.js';
import type { Ops } from '../ops/ops.js';
import { checkedOptions, type Names } from '../options.js';
import type { PiecewiseTask } from '../piecewise-task.js';
import { generator } from '../random.js';
import { type BadWindowOptions, badWindowNames, badWindows, checkBadWindowOptions } from '../streams/bad-windows.js';
import { throughput } from '../streams/throughput.js';
import {
  checkUpdatesOptions,
  turnsOf,
  type UpdatesOptions,
  update,
  updatesAtOnce,
  withThread,
} from '../streams/updates.js';
import type { Tensor } from '../tensor.js';
import type { Loss } from '../training/losses/loss.js';
import type { Optimizer } from '../training/optimizers/optimizer.js';
import { type Learned, trainer } from '../training/trainer.js';
import type { TrainerState } from '../training/trainer-state.js';
import { score } from './evaluate.js';
import type { Data } from './examples.js';
import type { LayeredModel } from './layered-model.js';
import type { Mask } from './mask.js';
import { type Meter, meter } from './meter.js';
import type { Metric } from './metrics/metric.js';
import { everyOf, type PreparedExamples, prepareExamples } from './prepared.js';
import type { EpochRecord, FitProgress, History } from './progress.js';
import { type EarlyStopping, type Watch, watch } from './stopping.js';

/** Called with each step of training; where it returns a promise, training goes on when that is fulfilled. */
export type Callback = (progress: FitProgress) => unknown;

/** The options of a model's `fit`. Validation runs on the calling thread, a batch a turn, also where others run the updates. */
export interface FitOptions extends Omit<UpdatesOptions, 'waiting'>, BadWindowOptions {
  /** Times through the data. Default 1. */
  readonly epochs?: number;
  /** Examples of a step; what remains of an epoch is a smaller step. Default 32, or all where there are fewer. */
  readonly batch?: number;
  /** Whether the examples come in another order in each epoch. Default true. */
  readonly shuffle?: boolean;
  /** Of the orders. Default 0. */
  readonly seed?: number;
  /** Which steps of x are real, `[N, T]`; the others are neither read nor asked for. By default all, or what `padding` leaves. */
  readonly mask?: Mask;
  /** What is looked at after each epoch, and not learnt from. */
  readonly validationData?: readonly [x: Data, y: Data, mask?: Mask];
  /** Or that share of the data, taken from its end before anything is shuffled. */
  readonly validationSplit?: number;
  /** Ends training where validation no longer gets better. */
  readonly earlyStopping?: EarlyStopping;
  /** Called one after another before each step of progress is emitted. */
  readonly callbacks?: readonly Callback[];
}

const names: Names<FitOptions> = {
  epochs: true,
  batch: true,
  shuffle: true,
  seed: true,
  mask: true,
  validationData: true,
  validationSplit: true,
  earlyStopping: { monitor: true, patience: true, minDelta: true, restoreBest: true },
  callbacks: true,
  thread: true,
  slice: true,
  ...badWindowNames,
};

/** A training to be: subscribe for its progress, or await its history. Each subscription, and each await, is one. */
export interface Fit extends Observable<FitProgress>, PromiseLike<History> {}

/** What a compiled model is made of. */
export interface Compiled extends LayeredModel {
  readonly loss: Loss;
  /** What is added to the loss for the sake of small weights. */
  readonly penalty: ((ops: Ops) => Tensor) | undefined;
  readonly optimizer: Optimizer;
  readonly clipNorm: number | undefined;
  readonly metrics: readonly Metric[];
  readonly memory: Memory;
}

/** What a compiled model keeps from one training to the next. */
export interface Memory {
  optimizer: TrainerState | undefined;
  /** The same while it is being trained. */
  current: (() => TrainerState) | undefined;
  /** Epochs so far: the next order follows from it. */
  epochs: number;
}

export function fitModel(model: Compiled, x: Data, y: Data, given: FitOptions): Fit {
  const options = checkedOptions('fit', given, names);
  const progress$ = new Observable<FitProgress>((subscriber) => {
    const training = begin(model, x, y, options);
    subscriber.add(training.end);
    // Weights and optimizer are what they stay before anybody hears that it has ended, well or not.
    training
      .run(subscriber)
      .finally(training.end)
      .then(
        () => subscriber.complete(),
        (error: unknown) => subscriber.error(error),
      );
  });
  const history = async () => {
    const last = await lastValueFrom(progress$);
    if (last.kind === 'epoch') return last.history;
    throw new Error('fit: training ended within an epoch.');
  };
  return Object.assign(progress$, {
    // biome-ignore lint/suspicious/noThenProperty: `await model.fit(…)` is what people write.
    then: ((done, failed) => history().then(done, failed)) as Fit['then'],
  });
}

interface Training {
  run(subscriber: Subscriber<FitProgress>): Promise<void>;
  /** Restores the best weights where that was wanted, keeps what the optimizer knows, and lets go of the rest. */
  end(): void;
}

function begin(model: Compiled, x: Data, y: Data, given: FitOptions): Training {
  const options = withThread(given);
  const { memory, metrics } = model;
  const { epochs = 1, shuffle = true, seed = 0, earlyStopping, callbacks = [] } = options;
  requireCount('fit', 'epochs', epochs);
  checkUpdatesOptions('fit', options);
  checkBadWindowOptions('fit', options);
  if (memory.current)
    throw new Error('fit: the model is being trained already; wait for that, or unsubscribe from it.');
  const { training, validation } = dataOf(model, x, y, options);
  const batch = batchSize(options.batch, training.count);
  if (earlyStopping && !validation) {
    throw new TypeError('fit: earlyStopping looks at validation data; give validationData or validationSplit.');
  }
  const watching = earlyStopping && watch(earlyStopping, metrics, model.core.params);
  // An impossible seed is an error now, not at the first order.
  generator(seed);
  const learner = learnerOf(model, options);
  const ended$ = new Subject<void>();
  let ended = false;

  async function run(subscriber: Subscriber<FitProgress>): Promise<void> {
    const turns = turnsOf(options);
    const clock = clockOf(epochs * training.count);
    const records: EpochRecord[] = [];
    const tell = async (progress: FitProgress) => {
      for (const callback of callbacks) {
        const answer = callback(progress);
        if (answer instanceof Promise) await answer;
      }
      subscriber.next(progress);
    };
    for (let epoch = 1; epoch <= epochs; epoch += 1) {
      const started = performance.now();
      const order = shuffle ? shuffled(training.count, seed, memory.epochs) : everyOf(training.count);
      const seen = meter(model.loss, metrics);
      const batches = Math.ceil(training.count / batch);
      for (let k = 0; k < batches; k += 1) {
        await turns();
        if (subscriber.closed) return;
        const numbers = order.subarray(k * batch, (k + 1) * batch);
        const learned = await update(options, turns, () => learner.learn(training.batch(numbers), seen), ended$);
        if (learned === undefined) {
          if (subscriber.closed) return;
          continue;
        }
        const { observed: batchLoss, gradientNorm, learningRate } = learned;
        const course = { epoch, epochs, ...clock(numbers.length), ...seen.evaluation(), bad: learner.bad.counts };
        await tell({
          kind: 'batch',
          batch: k + 1,
          batches,
          batchLoss,
          gradientNorm,
          learningRate,
          ...course,
        });
        if (subscriber.closed) return;
      }
      memory.epochs += 1;
      const found = validation && (await score(model, validation, batch, () => subscriber.closed));
      if (subscriber.closed) return;
      const figures = { ...seen.evaluation(), ...(found && { validation: found }) };
      records.push({ epoch, ...figures, seconds: (performance.now() - started) / 1000 });
      const stop = found && watching?.see(epoch, found);
      if (stop || epoch === epochs) watching?.end();
      const history = historyOf([...records], stop === true && epoch < epochs, watching);
      await tell({ kind: 'epoch', epoch, epochs, ...clock(0), ...figures, bad: learner.bad.counts, history });
      if (stop || subscriber.closed) return;
    }
  }

  function end(): void {
    if (ended) return;
    ended = true;
    ended$.next();
    watching?.end();
    learner.end();
  }
  return { run, end };
}

function historyOf(epochs: readonly EpochRecord[], stoppedEarly: boolean, watching: Watch | undefined): History {
  const best = watching?.bestEpoch;
  return { epochs, stoppedEarly, ...(best !== undefined && { bestEpoch: best }) };
}

/** Learns from batches, and counts what the model says of them on the way; it says their loss without the penalty. */
function learnerOf(model: Compiled, options: FitOptions) {
  const { memory } = model;
  let counting: Meter;
  let dataLoss: Tensor;
  const learner = trainer(model.core, {
    loss(ops, prediction: Tensor, target: Tensor) {
      dataLoss = model.loss(ops, prediction, target);
      return model.penalty ? ops.add(dataLoss, model.penalty(ops)) : dataLoss;
    },
    observe(_, { prediction, target }) {
      const loss = dataLoss;
      return () => {
        const value = loss.data[0] as number;
        counting.see(value, prediction, target);
        bad.sound();
        return value;
      };
    },
    optimizer: model.optimizer,
    clipNorm: model.clipNorm,
    state: memory.optimizer,
    thread: options.thread,
  });
  const bad = badWindows('fit', options, { params: model.core.params, learner, snapshot: learner.state });
  memory.current = learner.state;

  function* learn({ input, target }: ReturnType<PreparedExamples['batch']>): PiecewiseTask<Learned<unknown, number>> {
    const window = { carry: model.core.initial(input.shape[1] as number), input, target };
    return updatesAtOnce(options) ? learner.learn(window) : yield* learner.learnInPieces(window);
  }

  return {
    bad,
    learn(examples: ReturnType<PreparedExamples['batch']>, seen: Meter) {
      counting = seen;
      return bad.attempt(() => learn(examples));
    },
    end() {
      memory.optimizer = learner.state();
      memory.current = undefined;
      learner.release();
    },
  };
}

/** Training and validation data, both held against the model. */
function dataOf(
  model: Compiled,
  x: Data,
  y: Data,
  { validationData, validationSplit, mask }: FitOptions,
): { readonly training: PreparedExamples; readonly validation: PreparedExamples | undefined } {
  const { loss } = model;
  if (validationData !== undefined && validationSplit !== undefined) {
    throw new TypeError(
      'fit: validationData and validationSplit are two ways to say one thing; leave one of them out.',
    );
  }
  if (validationSplit === undefined) {
    const training = prepareExamples('fit', model, loss, [x, y, mask]);
    const names = ['validationData x', 'validationData y', 'validationData mask'] as const;
    return { training, validation: validationData && prepareExamples('fit', model, loss, validationData, names) };
  }
  if (!(validationSplit > 0 && validationSplit < 1)) {
    throw new RangeError(`fit: validationSplit is a share of the data between 0 and 1, not ${validationSplit}.`);
  }
  const all = prepareExamples('fit', model, loss, [x, y, mask]);
  const kept = all.count - Math.round(all.count * validationSplit);
  if (kept < 1 || kept === all.count) {
    throw new RangeError(
      `fit: validationSplit ${validationSplit} leaves ${kept} of ${all.count} examples to learn from and ` +
        `${all.count - kept} to look at; both are 1 at least.`,
    );
  }
  const shifted = (order: Int32Array) => order.map((k) => k + kept);
  return {
    training: { ...all, count: kept },
    validation: { count: all.count - kept, batch: (order) => all.batch(shifted(order)) },
  };
}

const USUAL_BATCH = 32;

function batchSize(given: number | undefined, count: number): number {
  if (given === undefined) return Math.min(USUAL_BATCH, count);
  requireCount('fit', 'batch', given);
  if (given <= count) return given;
  throw new RangeError(
    `fit: batch is ${given}, but there are ${count} examples to learn from; choose ${count} or fewer.`,
  );
}

/** 0, 1, … n − 1 in random order (Fisher and Yates), each epoch's its own. */
function shuffled(count: number, seed: number, epoch: number): Int32Array {
  const random = generator(seed, `shuffle ${epoch}`);
  const order = everyOf(count);
  for (let k = count - 1; k > 0; k -= 1) {
    const other = random.below(k + 1);
    [order[k], order[other]] = [order[other] as number, order[k] as number];
  }
  return order;
}

/** How far training is, and how fast. */
function clockOf(total: number) {
  const started = performance.now();
  const rate = throughput();
  let samples = 0;
  let samplesPerSecond = 0;
  return (more: number) => {
    samples += more;
    if (more > 0) samplesPerSecond = rate(more);
    const elapsed = (performance.now() - started) / 1000;
    return { samples, samplesPerSecond, secondsLeft: (elapsed * (total - samples)) / samples };
  };
}
