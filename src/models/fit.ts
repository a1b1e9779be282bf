import { lastValueFrom, type MonoTypeOperatorFunction, Observable, Subject, type Subscriber } from 'rxjs';
import { requireCount } from '../checks.js';
import type { Ops } from '../ops/ops.js';
import { checkedOptions, type Names } from '../options.js';
import type { PiecewiseTask } from '../piecewise-task.js';
import { generator } from '../random.js';
import { type BadWindowOptions, badWindowNames, badWindows, checkBadWindowOptions } from '../streams/bad-windows.js';
import { hearerOf } from '../streams/moments.js';
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
import { batchSize, dataOf, shuffled, sizesOf } from './fit-data.js';
import { checkFitSnapshot } from './fit-snapshot.js';
import type { LayeredModel } from './layered-model.js';
import type { Mask } from './mask.js';
import { type Meter, meter } from './meter.js';
import type { Metric } from './metrics/metric.js';
import { everyOf, type PreparedExamples } from './prepared.js';
import type { EpochRecord, FitProgress, FitSnapshot, History, WatchState } from './progress.js';
import { type EarlyStopping, watch } from './stopping.js';

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
  /** Called one after another before each step of progress is emitted. What they keep for themselves is theirs to keep. */
  readonly callbacks?: readonly Callback[];
  /**
   * Where a training goes on that was stopped, as `snapshot()` of its last progress gave it, with the model's weights and the same
   * data; `epochs` may be more than before.
   */
  readonly from?: FitSnapshot | undefined;
}

const names: Names<FitOptions> = {
  epochs: true,
  batch: true,
  shuffle: 'boolean',
  seed: true,
  mask: true,
  validationData: true,
  validationSplit: true,
  earlyStopping: { monitor: true, patience: true, minDelta: true, restoreBest: 'boolean' },
  callbacks: true,
  from: true,
  thread: true,
  slice: true,
  ...badWindowNames,
};

/** A training to be: subscribe for its progress, or await its history. Each subscription, and each await, is one. */
export interface Fit extends Observable<FitProgress>, PromiseLike<History> {
  /** As of any observable; kept in a folder by `checkpointed` it is a training that can be awaited too. */
  readonly pipe: ((keep: KeepingOperator<FitProgress>) => Fit) & Observable<FitProgress>['pipe'];
}

/** An operator that keeps the run that goes by, in the folder of that path, and gives all of it. */
export interface KeepingOperator<T> extends MonoTypeOperatorFunction<T> {
  readonly folder: string;
}

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
      .catch((error: unknown) => {
        training.failed();
        throw error;
      })
      .finally(training.end)
      .then(
        () => subscriber.complete(),
        (error: unknown) => subscriber.error(error),
      );
  });
  return awaitable(progress$, options.from);
}

function awaitable(progress$: Observable<FitProgress>, from: FitSnapshot | undefined): Fit {
  const history = async () => {
    const last = await lastValueFrom(progress$, { defaultValue: undefined });
    if (last?.kind === 'epoch') return last.history;
    // Where all epochs were over before, there is nothing to be learnt.
    if (last === undefined && from?.batch === 0) return historyOf(from.records, from.stopped, from.watched);
    throw new Error('fit: training ended within an epoch.');
  };
  const piped = progress$.pipe.bind(progress$) as (...operators: readonly unknown[]) => Observable<FitProgress>;
  return Object.assign(progress$, {
    // biome-ignore lint/suspicious/noThenProperty: `await model.fit(…)` is what people write.
    then: ((done, failed) => history().then(done, failed)) as Fit['then'],
    pipe: ((...operators: readonly unknown[]) => {
      const given$ = piped(...operators);
      const [keep, ...others] = operators as readonly Partial<KeepingOperator<FitProgress>>[];
      return keep?.folder !== undefined && others.length === 0 ? awaitable(given$, from) : given$;
    }) as Fit['pipe'],
  });
}

interface Training {
  run(subscriber: Subscriber<FitProgress>): Promise<void>;
  /** Says that it has failed, before the best weights come back. */
  failed(): void;
  /** Restores the best weights where that was wanted, keeps what the optimizer knows, and lets go of the rest. */
  end(): void;
}

function begin(model: Compiled, x: Data, y: Data, given: FitOptions): Training {
  const options = withThread(given);
  const { memory, metrics } = model;
  const { epochs = 1, shuffle = true, seed = 0, earlyStopping, callbacks = [], from } = options;
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
  // An impossible seed is an error now, not at the first order.
  generator(seed);
  const plan = { ...sizesOf(training, validation), batch, shuffle, seed };
  checkFitSnapshot(from, plan);
  const watching = earlyStopping && watch(earlyStopping, metrics, model.core.params, from?.watched);
  const learner = learnerOf(model, options);
  if (from) memory.epochs = from.orders;
  const hearer = hearerOf(model.core);
  const ended$ = new Subject<void>();
  let ended = false;
  /** How often weights have come back that are not those of the last update. */
  let replaced = 0;

  /** Where training stands now. */
  function momentOf(place: Omit<FitSnapshot, 'plan' | 'trainer' | 'counted' | 'watched'>, counting?: Meter) {
    const [step, before, watched] = [learner.steps(), replaced, watching?.seen];
    return {
      step,
      snapshot(): FitSnapshot {
        if (learner.steps() === step && replaced === before) {
          return { plan, trainer: learner.state(), ...place, counted: counting?.state(), watched };
        }
        throw new Error(
          `fit: the snapshot after update ${step} is gone, since training has gone on; take it while its progress is handled.`,
        );
      },
    };
  }

  async function run(subscriber: Subscriber<FitProgress>): Promise<void> {
    const turns = turnsOf(options);
    const batches = Math.ceil(training.count / batch);
    let records = from?.records ?? [];
    if (from?.stopped) return;
    const clock = clockOf(
      epochs * training.count,
      records.length * training.count + Math.min((from?.batch ?? 0) * batch, training.count),
    );
    const tell = async (progress: FitProgress) => {
      for (const callback of callbacks) {
        const answer = callback(progress);
        if (answer instanceof Promise) await answer;
      }
      subscriber.next(progress);
    };
    for (let epoch = records.length + 1, begun = from; epoch <= epochs; epoch += 1, begun = undefined) {
      const started = performance.now();
      const seconds = () => (begun?.seconds ?? 0) + (performance.now() - started) / 1000;
      const orders = memory.epochs;
      const order = shuffle ? shuffled(training.count, seed, orders) : everyOf(training.count);
      const seen = meter(model.loss, metrics, begun?.counted);
      for (let k = begun?.batch ?? 0; k < batches; k += 1) {
        await turns();
        if (subscriber.closed) return;
        const numbers = order.subarray(k * batch, (k + 1) * batch);
        const learned = await update(options, turns, () => learner.learn(training.batch(numbers), seen), ended$);
        if (learned === undefined) {
          if (subscriber.closed) return;
          continue;
        }
        const { observed: batchLoss, gradientNorm, learningRate } = learned;
        const place = { orders, records, batch: k + 1, seconds: seconds(), stopped: false };
        const course = {
          epoch,
          epochs,
          ...clock(numbers.length),
          ...seen.evaluation(),
          bad: learner.bad.counts,
          ...momentOf(place, seen),
        };
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
      records = [...records, { epoch, ...figures, seconds: seconds() }];
      const stop = found && watching?.see(epoch, found);
      if (stop || epoch === epochs) giveBack();
      const stopped = stop === true && epoch < epochs;
      const history = historyOf(records, stopped, watching?.seen);
      const moment = momentOf({ orders: memory.epochs, records, batch: 0, seconds: 0, stopped });
      await tell({
        kind: 'epoch',
        epoch,
        epochs,
        ...clock(0),
        ...figures,
        bad: learner.bad.counts,
        history,
        ...moment,
      });
      if (stop || subscriber.closed) return;
    }
  }

  function giveBack(): void {
    if (watching?.end()) replaced += 1;
  }

  function end(): void {
    if (ended) return;
    ended = true;
    ended$.next();
    giveBack();
    learner.end();
  }
  return { run, failed: () => hearer?.failed(), end };
}

function historyOf(epochs: readonly EpochRecord[], stoppedEarly: boolean, seen: WatchState | undefined): History {
  const best = seen?.bestEpoch;
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
    state: options.from === undefined ? memory.optimizer : options.from.trainer,
    thread: options.thread,
  });
  const bad = badWindows('fit', options, { params: model.core.params, learner, snapshot: learner.state });
  memory.current = learner.state;
  function* learn({ input, target }: ReturnType<PreparedExamples['batch']>): PiecewiseTask<Learned<unknown, number>> {
    const window = { carry: model.core.initial(input.shape[1] as number), input, target };
    return updatesAtOnce(options) ? learner.learn(window) : yield* learner.learnInPieces(window);
  }

  let last: TrainerState | undefined;
  return {
    bad,
    steps: () => learner.steps,
    /** What the optimizer keeps, also after the end. */
    state: () => last ?? learner.state(),
    learn(examples: ReturnType<PreparedExamples['batch']>, seen: Meter) {
      counting = seen;
      return bad.attempt(() => learn(examples));
    },
    end() {
      last = learner.state();
      memory.optimizer = last;
      memory.current = undefined;
      learner.release();
    },
  };
}

/** How far training is, and how fast. */
function clockOf(total: number, before: number) {
  const started = performance.now();
  const rate = throughput();
  let samples = before;
  let samplesPerSecond = 0;
  return (more: number) => {
    samples += more;
    if (more > 0) samplesPerSecond = rate(more);
    const elapsed = (performance.now() - started) / 1000;
    return { samples, samplesPerSecond, secondsLeft: (elapsed * (total - samples)) / Math.max(1, samples - before) };
  };
}
