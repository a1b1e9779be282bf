/** A trainer: a model, a loss and an optimizer, and what the optimizer keeps. One call learns from one window. */

import { tape } from '../backprop/tape.js';
import type { Course } from '../course.js';
import { deferring } from '../kernels/deferral.js';
import { Idle } from '../kernels/jobs.js';
import { lengthenings } from '../kernels/lines.js';
import { machine } from '../kernels/machine.js';
import { type Region, region } from '../kernels/region.js';
import { type Extent, type Moved, type Step, spans } from '../kernels/spans.js';
import { staying } from '../kernels/staying.js';
import { Rows } from '../ops/eager/rows.js';
import type { Workspace } from '../ops/eager/workspace.js';
import { throughLookups } from '../ops/lookups.js';
import type { Ops } from '../ops/ops.js';
import { inWindow, type OpenWindow, openWindow, toSignal } from '../ops/window.js';
import { type Params, parametersOf } from '../parameters/parameter.js';
import { isTensor, sizeOf, type Tensor } from '../tensor.js';
import { withNumbersOf } from './carry.js';
import type { Loss } from './losses/loss.js';
import { clipByGlobalNorm } from './optimizers/clipping.js';
import type { Optimizer } from './optimizers/optimizer.js';
import { type Prepared, prepare, scaleOf } from './optimizers/preparing.js';
import { checkState, restore, slotsOf, type Trained, type TrainerState } from './trainer-state.js';
import { checkWindow, counted, joined, requireFinite, stepsOf, type TrainingWindow } from './training-window.js';

/** What a trainer needs of a model; every `Core` and `Layer` is one. */
export interface Trainable<S, X = Tensor, Y = Tensor> {
  readonly kind: string;
  readonly params: Params;
  apply(ops: Ops, carry: S, x: X): readonly [y: Y, carry: S];
}

export interface TrainerOptions<Y = Tensor, Z = Tensor> {
  readonly loss: Loss<Y, Z>;
  readonly optimizer: Optimizer;
  /** Gradients whose global norm is greater are scaled down to it, before all that the optimizer does; by default none are. */
  readonly clipNorm?: number | undefined;
  /** What the optimizer kept in an earlier run, from `state()`. */
  readonly state?: TrainerState | undefined;
}

export interface Learned<S> {
  /** The loss of the weights as they were before this update. */
  readonly loss: number;
  /** Global norm of the gradient, before clipping. */
  readonly gradientNorm: number;
  /**
   * The norm of each parameter's gradient by its path, before clipping: where gradients vanish or explode on their way
   * back through a deep net, this shows it.
   */
  readonly gradientNorms: Readonly<Record<string, number>>;
  readonly learningRate: number;
  /** The carry after `carryAfter` steps. */
  readonly carry: S;
  /** The carry after the last step; by default `carry` itself. */
  readonly finalCarry: S;
}

export interface Trainer<S, X = Tensor, Z = Tensor> {
  /**
   * Forward, gradients, clipping, update. Nothing changes where it throws.
   *
   * @throws RangeError where the loss or the gradient is not finite.
   * @throws Error where an update in pieces is under way, or the trainer was released.
   */
  learn(window: TrainingWindow<S, X, Z>): Learned<S>;
  /**
   * The same update in pieces, of which the last one alone changes weights: between them others may use the model. Where
   * they change its weights (another trainer, `assign`, growth), or the machine's tier or threads, it starts over. An
   * optimizer that moves weights aside has one piece. One that is not gone through with is to be ended by `return()`.
   *
   * @throws as `learn`, by `next`.
   */
  course(window: TrainingWindow<S, X, Z>): Course<Learned<S>>;
  /** Updates so far. */
  readonly steps: number;
  /** A copy of what the optimizer keeps. */
  state(): TrainerState;
  /** Gives back the optimizer's memory; the trainer is of no use afterwards. */
  release(): void;
  /** `release`, for `using`. */
  [Symbol.dispose](): void;
}

/**
 * A trainer of a model.
 *
 * @throws RangeError where clipNorm is not a number above 0, or `state` is not of this model.
 * @example
 * const { learn } = trainer(model, { loss: crossEntropy(), optimizer: adam(2e-3), clipNorm: 5 });
 * const { loss, carry } = learn({ carry: model.initial(32), input, target });
 */
export function trainer<S, X = Tensor, Y = Tensor, Z = Tensor>(
  model: Trainable<S, X, Y>,
  options: TrainerOptions<Y, Z>,
): Trainer<S, X, Z> {
  const { loss: lossOf, optimizer, clipNorm, state } = options;
  if (clipNorm !== undefined && !(clipNorm > 0)) {
    throw new RangeError(`trainer: clipNorm is a number above 0, not ${clipNorm}; leave it out for no clipping.`);
  }
  const { aside, preparations: own = [] } = optimizer;
  const preparations = clipNorm === undefined ? own : [clipByGlobalNorm(clipNorm), ...own];
  const home = machine();
  const trained = trainedOf(model.params);
  if (state !== undefined) checkState(state, trained, optimizer);
  const parameters = trained.map(({ parameter }) => parameter);
  const kept = spans(home, trained.map(extentOf), optimizer.slots.length);
  if (state !== undefined) restore(kept, trained, optimizer, state);
  const late = optimizer.slots.map((slot) => optimizer.late?.[slot] ?? 0);
  let step = state?.step ?? 0;
  let released = false;
  let underWay = false;
  /** Where courses have their windows, since those of others come and go meanwhile. */
  const rooms: Region[] = [];

  function forward(ops: Ops, window: TrainingWindow<S, X, Z>): readonly [predictions: Y, carry: S, finalCarry: S] {
    const { input, carryAfter } = window;
    const steps = isTensor(input) ? (input.shape[0] as number) : carryAfter;
    if (!isTensor(input) || carryAfter === undefined || carryAfter === steps) {
      const [predictions, carry] = model.apply(ops, window.carry, input);
      return [predictions, carry, carry];
    }
    const [first, carry] = model.apply(ops, window.carry, stepsOf(input, 0, carryAfter) as Tensor & X);
    const [second, finalCarry] = model.apply(ops, carry, stepsOf(input, carryAfter, steps as number) as Tensor & X);
    return [joined(ops, model.kind, first, second), carry, finalCarry];
  }

  interface Forward {
    readonly loss: Tensor;
    readonly carry: S;
    readonly finalCarry: S;
  }

  const taped = (eager: Ops) => throughLookups(tape(eager, parameters));

  function lossAfter(ops: Ops, window: TrainingWindow<S, X, Z>): Forward {
    const [predictions, carry, finalCarry] = forward(ops, window);
    return { loss: lossOf(ops, counted(ops, predictions, window.target), window.target), carry, finalCarry };
  }

  /** A gradient as a step that is yet to be taken. */
  function stepOf(space: Workspace, window: TrainingWindow<S, X, Z>, loss: Tensor, gradients: readonly Tensor[]) {
    const taken = kept.step(
      gradients.map((gradient, k) => movedOf(space, trained[k] as Trained, gradient)),
      space.region,
    );
    const squares = taken.squares();
    const [lossValue, gradientNorm] = [loss.data[0] as number, Math.sqrt(squares.total)];
    if (!Number.isFinite(lossValue) || !Number.isFinite(gradientNorm)) {
      requireFinite(model.kind, 'the input', window.input);
      requireFinite(model.kind, 'the target', window.target);
      throw new RangeError(
        `trainer: at step ${step} the loss of ${model.kind} is ${lossValue} and its gradient's norm ${gradientNorm}; ` +
          'the weights were left as they are. Lower the learning rate, or clip the gradient.',
      );
    }
    return { taken, squares, lossValue, gradientNorm };
  }

  /** Runs with weights that may be moved aside by `away`, and puts them back where it fails. */
  function comingBack<R>(run: (away: (from: Step, prepared: Prepared) => void) => R): R {
    let gone = false;
    try {
      return run((from, { stages, scale }) => {
        if (aside === undefined) return;
        const numbers = aside.numbers(step);
        from.update({ rule: aside.rule, idle: Idle.moves, numbers, stages, scale });
        // Only now: before it what is kept of them is of an earlier step.
        gone = true;
      });
    } catch (error) {
      if (gone) for (const [k, { parameter }] of trained.entries()) parameter.assign(kept.slot(k, 0));
      throw error;
    }
  }

  /** Lets what the optimizer keeps grow with the parameters. */
  function follow(): void {
    trained.forEach((each, k) => {
      const { parameter, shape } = each;
      if (parameter.shape === shape) return;
      kept.grow(k, extentOf(each), lengthenings(shape, parameter.shape), late);
      each.shape = parameter.shape;
    });
  }

  type Away = (from: Step, prepared: Prepared) => void;

  /** What a window comes to, and the update, which alone changes weights. */
  function updated(
    space: Workspace,
    window: TrainingWindow<S, X, Z>,
    { loss, carry, finalCarry }: Forward,
    gradients: readonly Tensor[],
    away?: Away,
  ): Learned<S> {
    const { taken, squares, lossValue, gradientNorm } = stepOf(space, window, loss, gradients);
    const learningRate = optimizer.learningRate(step);
    const [rule, idle, numbers] = [optimizer.rule, optimizer.idle, optimizer.numbers(step)];
    const carryOut = window.alone ? withNumbersOf(window.carry, carry) : toSignal(carry);
    const finalOut = window.alone || finalCarry === carry ? carryOut : toSignal(finalCarry);
    const prepared = prepare(preparations, taken, squares);
    const scale = scaleOf(optimizer, prepared, taken, squares);
    const { stages } = prepared;
    if (aside?.when === 'between') {
      away?.(taken, { stages, scale });
      // Other weights: packed and multiplied anew, in a window of its own.
      inWindow((eagerThere, spaceThere) => {
        const ops = taped(eagerThere);
        const { loss: lossThere } = lossAfter(ops, window);
        const { taken: takenThere } = stepOf(spaceThere, window, lossThere, ops.gradients(lossThere));
        takenThere.update({ rule, idle, numbers, stages, scale });
      });
    } else {
      taken.update({ rule, idle, numbers, stages, scale });
    }
    step += 1;
    for (const parameter of parameters) parameter.written();
    return {
      loss: lossValue,
      gradientNorm,
      gradientNorms: Object.fromEntries(trained.map(({ path }, k) => [path, Math.sqrt(squares.each[k] as number)])),
      learningRate,
      carry: carryOut,
      finalCarry: finalOut,
    };
  }

  function begin(window: TrainingWindow<S, X, Z>): void {
    if (released) throw new Error('trainer: it was released; make a new one.');
    if (underWay) throw new Error('trainer: an update in pieces is under way; end it before the next one begins.');
    checkWindow(model.kind, window);
    follow();
  }

  function learn(window: TrainingWindow<S, X, Z>): Learned<S> {
    begin(window);
    return comingBack((away) =>
      inWindow((eager, space) => {
        if (aside?.when === 'before') away(kept.step(trained.map(standing), space.region), { stages: [], scale: 1 });
        const ops = taped(eager);
        const after = lossAfter(ops, window);
        return updated(space, window, after, ops.gradients(after.loss), away);
      }),
    );
  }

  /** An update in pieces, within a window that stays open. */
  function* pieces({ ops: eager, space, scope }: OpenWindow, window: TrainingWindow<S, X, Z>): Course<Learned<S>> {
    const ops = taped(eager);
    const after = yield* deferring(home, scope, () => lossAfter(ops, window));
    return updated(space, window, after, yield* ops.walkBack(after.loss));
  }

  /** The same; nothing comes of it where the ground that it stands on has changed in between. */
  function* attempt(window: TrainingWindow<S, X, Z>, within: Region): Course<Learned<S> | undefined> {
    // Packed weights are for the tier's width, and working memory for so many threads.
    const { tier, threads } = home;
    const versions = parameters.map(({ version }) => version);
    const open = openWindow(within);
    const course = pieces(open, window);
    // Kernels that are yet to run know where weights lie.
    const leave = parameters.map((parameter) => parameter.stay());
    try {
      for (;;) {
        const piece = staying(home, () => course.next());
        if (piece.done) return piece.value;
        yield;
        if (released) throw new Error('trainer: it was released while an update was under way; nothing was changed.');
        if (home.tier !== tier || home.threads !== threads) return undefined;
        if (parameters.some(({ version }, k) => version !== versions[k])) return undefined;
      }
    } finally {
      for (const each of leave) each();
      open.close();
    }
  }

  function* course(window: TrainingWindow<S, X, Z>): Course<Learned<S>> {
    // Nor can it be put off within what is put off itself.
    if (aside !== undefined || home.deferred !== undefined) return learn(window);
    begin(window);
    underWay = true;
    const [room = region(home.heap)] = rooms;
    rooms[0] = room;
    try {
      for (;;) {
        const learned = yield* attempt(window, room);
        if (learned !== undefined) return learned;
        follow();
      }
    } finally {
      underWay = false;
    }
  }

  const self: Trainer<S, X, Z> = {
    learn,
    course,
    get steps() {
      return step;
    },
    state() {
      if (released) throw new Error('trainer: it was released, and what it kept with it.');
      follow();
      return { step, slots: slotsOf(kept, trained, optimizer) };
    },
    release() {
      if (released) return;
      released = true;
      abandoned.unregister(self);
      kept.free();
      giveBack(rooms);
    },
    [Symbol.dispose]: () => self.release(),
  };
  // A trainer that nobody holds any more gives its memory back all the same.
  abandoned.register(self, rooms, self);
  return self;
}

function giveBack(rooms: readonly Region[]): void {
  for (const { free } of rooms) free();
}

const abandoned = new FinalizationRegistry<readonly Region[]>(giveBack);

function trainedOf(params: Params): readonly Trained[] {
  // A parameter that stands at two places of a model (tied weights) learns once.
  const distinct = new Map(parametersOf(params).map(([path, parameter]) => [parameter, path]));
  if (distinct.size === 0) throw new TypeError('trainer: the model has no parameters, so there is nothing to learn.');
  return Array.from(distinct, ([parameter, path]) => ({ path, parameter, shape: parameter.shape }));
}

/** A row is what one index of the first axis selects; a vector is one row, and a bias. */
function extentOf({ parameter: { shape } }: Trained): Extent {
  const size = sizeOf(shape);
  return { size, columns: shape.length < 2 ? size : sizeOf(shape.slice(1)), bias: shape.length < 2 };
}

/** A parameter without a gradient, for rules that ask for none. */
function standing({ parameter }: Trained): Moved {
  const weights = parameter.place.address;
  return { weights, gradient: weights };
}

function movedOf(space: Workspace, { parameter }: Trained, gradient: Tensor): Moved {
  const weights = parameter.place.address;
  return gradient instanceof Rows
    ? { weights, gradient: gradient.stored.address, rows: gradient.rows }
    : { weights, gradient: space.place(gradient).address };
}
