/** From a gradient to other weights. */

import { SparsePolicy } from '../kernels/jobs.js';
import type { UpdateStep } from '../kernels/parameter-table.js';
import type { Workspace } from '../ops/eager/workspace.js';
import { inWindow, toSignal } from '../ops/window.js';
import { finish, inOnePiece, type PiecewiseTask } from '../piecewise-task.js';
import type { Tensor } from '../tensor.js';
import { gradients, type Objective, type Trainable } from './forward.js';
import { lookAhead } from './look-ahead.js';
import { moveInOps } from './move-in-ops.js';
import type { Optimizer, Pass } from './optimizers/optimizer.js';
import { prepare, requireBearable, scaled } from './optimizers/preparing.js';
import type { Kept } from './trained.js';
import type { TrainingWindow } from './training-window.js';

/** What came of an update: its loss, its gradient and the carry. */
export interface Learned<S, O = undefined> {
  /** The loss of the weights as they were before this update. */
  readonly loss: number;
  /** Of the same pass the loss of each position, `[T, B]`, 0 at padding; there where `each` asked for it. */
  readonly each?: Tensor;
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
  /** What `observe` has read; nothing without it. */
  readonly observed: O;
}

/** Goes through a body and runs its kernels, at once or in pieces; what the body gives, once they have run. */
export type RunKernels = <R>(body: () => PiecewiseTask<R>) => PiecewiseTask<R>;

/** The updates of a trainer. */
export interface Updates<S, X, Z, O> {
  /** How many there were; another number where a state of then is put back. */
  steps: number;
  /**
   * One, within a window that is open until it is over: gradients, whose kernels are run by `run` and change nothing that
   * others see, and as the last piece what changes weights.
   *
   * @throws RangeError where a gradient is not finite, or other numbers would not be; then nothing has changed.
   */
  update(within: Workspace, window: TrainingWindow<S, X, Z>, run: RunKernels): PiecewiseTask<Learned<S, O>>;
  /** The same at once, in the window that it opens or in one that is open. */
  atOnce(window: TrainingWindow<S, X, Z>, within?: Workspace): Learned<S, O>;
}

const now: RunKernels = (body) => inOnePiece(() => finish(body()));

export function trainerUpdates<S, X, Y, Z, O>(
  model: Trainable<S, X, Y>,
  given: Objective<Y, Z, O> & { readonly optimizer: Optimizer },
  kept: Kept,
  stepsBefore: number,
): Updates<S, X, Z, O> {
  const { optimizer } = given;
  const { lookAhead: ahead, rule, sparsePolicy, preparations = [], passes = [], slots } = optimizer;
  const gradient = gradients(model, given, kept);
  let step = stepsBefore;

  /** What is done in addition to the rule, to all weights. */
  function pass(when: Pass['when'], taken: UpdateStep): void {
    for (const each of passes) {
      const numbers = each.when === when ? each.numbers(step) : undefined;
      if (numbers === undefined) continue;
      const places = each.slots.map((slot) => slots.indexOf(slot));
      taken.update({ rule: each.rule, sparsePolicy: SparsePolicy.moves, numbers, slots: places });
    }
  }

  function* update(within: Workspace, window: TrainingWindow<S, X, Z>, run: RunKernels): PiecewiseTask<Learned<S, O>> {
    const before = ahead?.when === 'before' ? ahead : undefined;
    const weightsAhead = before && (() => lookAhead(before, kept, step, within));
    const from = yield* run(() => gradient.of(step, within, window, weightsAhead));
    const { squares, value, norm } = gradient.finite(step, from, window);
    const learningRate = optimizer.learningRate(step);
    const prepared = scaled(optimizer, prepare(preparations, from.taken, squares), from.taken, squares);
    requireBearable(optimizer, learningRate, prepared, from.taken, squares);
    let { taken } = from;
    if (ahead?.when === 'between') {
      const there = yield* run(() =>
        gradient.of(step, within, window, () => lookAhead(ahead, kept, step, within, from.gradients, prepared)),
      );
      requireBearable(optimizer, learningRate, prepared, there.taken, gradient.finite(step, there, window).squares);
      ({ taken } = there);
    }
    const { carry, finalCarry } = from;
    const carryOut = window.alone ? window.carry : toSignal(carry);
    const finalOut = window.alone || finalCarry === carry ? carryOut : toSignal(finalCarry);
    const each = from.each && toSignal(from.each);
    const observed = from.observed();
    pass('before', taken);
    if (typeof rule === 'function') moveInOps(rule, optimizer, kept, from, prepared, { step, learningRate });
    else taken.update({ rule, sparsePolicy, numbers: optimizer.numbers(step), ...prepared });
    pass('after', taken);
    step += 1;
    for (const parameter of kept.parameters) parameter.written();
    return {
      loss: value,
      ...(each && { each }),
      gradientNorm: norm,
      gradientNorms: Object.fromEntries(
        kept.trained.map(({ path }, k) => [path, Math.sqrt(squares.each[k] as number)]),
      ),
      learningRate,
      carry: carryOut,
      finalCarry: finalOut,
      observed,
    };
  }

  function atOnce(window: TrainingWindow<S, X, Z>, within?: Workspace): Learned<S, O> {
    if (within !== undefined) return finish(update(within, window, now));
    return inWindow((_, space) => atOnce(window, space));
  }

  return {
    get steps() {
      return step;
    },
    set steps(count) {
      step = count;
    },
    update,
    atOnce,
  };
}
