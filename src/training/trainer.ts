/** A trainer: a model, a loss and an optimizer, and what the optimizer keeps. One call learns from one window. */

import { requireModel, shown } from '../checks.js';
import type { Arena } from '../kernels/arena.js';
import { type Keeper, keptBy } from '../kernels/in-place.js';
import { machine } from '../kernels/machine.js';
import type { ParameterTable } from '../kernels/parameter-table.js';
import { checkedOptions, type Names } from '../options.js';
import { inOnePiece, type PiecewiseTask } from '../piecewise-task.js';
import type { Tensor } from '../tensor.js';
import { attempts } from './attempts.js';
import type { Observe, Trainable } from './forward.js';
import type { Loss } from './losses/loss.js';
import { chain } from './optimizers/chain.js';
import { clipByGlobalNorm } from './optimizers/clipping.js';
import type { Optimizer } from './optimizers/optimizer.js';
import { caller, learner, type Runner } from './runner.js';
import { kept as keptFor } from './trained.js';
import type { TrainerState } from './trainer-state.js';
import { checkedWindow, type TrainingWindow } from './training-window.js';
import { inLine } from './turns.js';
import { type Learned, trainerUpdates as updatesOf } from './update.js';

export type { Learned } from './update.js';

/** Options of {@link trainer}. */
export interface TrainerOptions<Y = Tensor, Z = Tensor> {
  readonly loss: Loss<Y, Z>;
  readonly optimizer: Optimizer;
  /** Gradients whose global norm is greater are scaled down to it, before all that the optimizer does; by default none are. */
  readonly clipNorm?: number | undefined;
  /**
   * Whether the loss of each position is wanted too, of the same pass, so that scoring costs no second one. The loss must be a sum
   * over positions that has an `each`: `crossEntropy`, `categoricalCrossEntropy`, `squaredError`, or one of your own.
   */
  readonly each?: boolean | undefined;
  /** What the optimizer kept in an earlier run, from `state()`. */
  readonly state?: TrainerState | undefined;
  /**
   * Who runs the kernels of an update in pieces: the thread that asks for its pieces (`'caller'`, the default), or a team of
   * its own (`'learner'`), while the caller goes on with other things. The results are the same, bit for bit. Where memory is
   * not shared there is no such team, and the caller runs them.
   */
  readonly thread?: 'caller' | 'learner' | undefined;
}

/** Those of whatever trains. */
export const trainerNames: Names<TrainerOptions> = {
  loss: true,
  optimizer: true,
  clipNorm: true,
  each: 'boolean',
  state: true,
  thread: true,
};

/** What a trainer is to tell of each window besides. */
export interface ObservingOptions<Y = Tensor, Z = Tensor, O = undefined> {
  /**
   * Looks at tensors of the pass that learns: predictions, or what Ops make of them, such as losses of positions. It is called
   * where the loss is, before there are numbers; what it gives is called when there are, of the weights as they were before
   * the update, and comes out as `observed`. What is to outlive that call goes through `toSignal`; where it throws, nothing changes.
   */
  readonly observe?: Observe<Y, Z, O> | undefined;
}

const observingNames: Names<TrainerOptions & ObservingOptions> = { ...trainerNames, observe: true };

/** What {@link trainer} gives: it learns from one window at a time, and has what the optimizer keeps. */
export interface Trainer<S, X = Tensor, Z = Tensor, O = undefined> {
  /**
   * Forward, gradients, clipping, update. Nothing changes where it throws.
   *
   * @throws RangeError where the loss or the gradient is not finite.
   * @throws Error where an update in pieces is under way, or the trainer was released.
   */
  learn(window: TrainingWindow<S, X, Z>): Learned<S, O>;
  /**
   * The same update in pieces, of which the last one alone changes weights: between them others may use the model. Where
   * they change its weights (an update at once, `assign`, growth), or the machine's tier or threads, it starts over; where
   * weights have changed under it twice, the rest is one piece, so that it comes to its end whatever others do. Updates in
   * pieces of the same parameters come one after the other, in the order of their first pieces: a piece of one that is in line
   * does a piece of the first. One that is not gone through with is to be ended by `return()`.
   *
   * @throws as `learn`, by `next`.
   */
  learnInPieces(window: TrainingWindow<S, X, Z>): PiecewiseTask<Learned<S, O>>;
  /** Updates so far. */
  readonly steps: number;
  /** A copy of what the optimizer keeps. */
  state(): TrainerState;
  /**
   * Goes on from where a state was taken; the weights of then are the caller's to put back.
   *
   * @throws TypeError, RangeError where the state is not of this model as it is and this optimizer; then nothing changes.
   * @throws Error where an update in pieces is under way, or the trainer was released.
   */
  restore(state: TrainerState): void;
  /** Gives back the optimizer's memory; the trainer is of no use afterwards. */
  release(): void;
  /** `release`, for `using`. */
  [Symbol.dispose](): void;
}

/**
 * A trainer of a model.
 *
 * @param model the model, whose weights it changes.
 * @param options the loss and the optimizer, clipping, a state to go on from, who runs the kernels, and what is observed.
 * @returns the trainer.
 * @throws RangeError where clipNorm is not a number above 0, or `state` is not of this model and optimizer, or holds what no
 * training can have left.
 * @throws TypeError where the model has no parameters, `state` is no state, or an option is not known.
 * @example
 * const { learn } = trainer(model, { loss: crossEntropy(), optimizer: adam(2e-3), clipNorm: 5 });
 * const { loss, carry } = learn({ carry: model.initial(2), input, target });
 *
 * @example
 * const { learn } = trainer(model, {
 *   loss: crossEntropy(),
 *   optimizer: adam(2e-3),
 *   observe: (_, { prediction }) => () => toSignal(prediction),
 * });
 * learn({ carry: model.initial(2), input, target }).observed.shape; // what the model said, before it learnt
 */
export function trainer<S, X = Tensor, Y = Tensor, Z = Tensor, O = undefined>(
  model: Trainable<S, X, Y>,
  options: TrainerOptions<Y, Z> & ObservingOptions<Y, Z, O>,
): Trainer<S, X, Z, O> {
  requireModel('trainer', model);
  const {
    loss,
    clipNorm,
    each = false,
    state,
    thread = 'caller',
    ...rest
  } = checkedOptions('trainer', options, observingNames);
  if (clipNorm !== undefined && !(typeof clipNorm === 'number' && clipNorm > 0)) {
    throw new RangeError(
      `trainer: clipNorm is a number above 0, not ${shown(clipNorm)}; leave it out for no clipping.`,
    );
  }
  if (thread !== 'caller' && thread !== 'learner') {
    throw new RangeError(`trainer: thread is 'caller' or 'learner', not ${String(thread)}.`);
  }
  if (each && loss.each === undefined) {
    throw new TypeError(
      'trainer: the loss does not say what each position comes to; take crossEntropy, categoricalCrossEntropy or squaredError, ' +
        'give yours an `each`, Object.assign(loss, { each: (ops, prediction, target) => … }), or leave each out.',
    );
  }
  const optimizer = clipNorm === undefined ? rest.optimizer : chain(clipByGlobalNorm(clipNorm), rest.optimizer);
  const home = machine();
  const kept = keptFor(home, model.params, optimizer, state);
  const observe = rest.observe ?? (() => () => undefined as O);
  const updates = updatesOf(
    model,
    { loss, each: each ? loss.each : undefined, observe, optimizer },
    kept,
    state?.step ?? 0,
  );
  const rooms: Arena[] = [];
  const runner = thread === 'learner' && home.shared ? learner(home) : caller(home);
  let released = false;
  let underWay = false;
  /** Whether the last update was one in pieces. Those at once stand in no line, in which copies could be before the next one. */
  let inPieces = false;

  function requireFree(): void {
    if (released) throw new Error('trainer: it was released; make a new one.');
    if (underWay) throw new Error('trainer: an update in pieces is under way; end it before the next one begins.');
  }

  /** Makes ready for a window, which comes from outside. */
  function begin(given: TrainingWindow<S, X, Z>): TrainingWindow<S, X, Z> {
    requireFree();
    const window = checkedWindow(model.kind, given);
    kept.follow();
    return window;
  }

  function learn(given: TrainingWindow<S, X, Z>): Learned<S, O> {
    const window = begin(given);
    inPieces = false;
    return updates.atOnce(window);
  }

  function requireHeld(): void {
    if (released) throw new Error('trainer: it was released while an update was under way; nothing was changed.');
  }

  function* learnInPieces(given: TrainingWindow<S, X, Z>): PiecewiseTask<Learned<S, O>> {
    // It cannot be captured within what is captured itself.
    if (home.capturing !== undefined) return learn(given);
    const window = begin(given);
    try {
      underWay = true;
      inPieces = true;
      return yield* inLine(kept.parameters, attempts({ home, kept, updates, rooms, runner, requireHeld }, window));
    } finally {
      underWay = false;
    }
  }

  function* afterSettled<R>(body: () => void, then: () => R): PiecewiseTask<R> {
    yield* runner.settled();
    requireHeld();
    yield* runner.run(() => inOnePiece(body));
    return then();
  }

  const keeper: Keeper = {
    run: (body, then) => inLine(kept.parameters, afterSettled(body, then)),
    stay: kept.stay,
    settled: runner.whenSettled,
  };

  const self: Trainer<S, X, Z, O> = {
    learn,
    learnInPieces,
    get steps() {
      return updates.steps;
    },
    state() {
      if (released) throw new Error('trainer: it was released, and what it kept with it.');
      kept.follow();
      if (inPieces) keptBy(keeper);
      return { step: updates.steps, slots: kept.slots() };
    },
    restore(given) {
      requireFree();
      kept.follow();
      kept.put(given);
      updates.steps = Number(given.step);
    },
    release() {
      if (released) return;
      released = true;
      abandoned.unregister(self);
      giveBack({ runner, rooms, spans: kept.table });
    },
    [Symbol.dispose]: () => self.release(),
  };
  // A trainer that nobody holds any more gives its memory back all the same.
  abandoned.register(self, { runner, rooms }, self);
  return self;
}

/** What a trainer has of the machine. */
interface Belongings {
  readonly runner: Runner;
  readonly rooms: readonly Arena[];
  /** Those of one that nobody holds go by themselves. */
  readonly spans?: ParameterTable;
}

function giveBack({ runner, rooms, spans }: Belongings): void {
  runner.release(() => {
    spans?.free();
    for (const { free } of rooms) free();
  });
}

const abandoned = new FinalizationRegistry<Belongings>(giveBack);
