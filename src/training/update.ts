/** From a gradient to other weights. */
import type { Workspace } from '../ops/eager/workspace.js';
import { inWindow, toSignal } from '../ops/window.js';
import type { Tensor } from '../tensor.js';
import { type Asked, type Gradient, gradients, type Trainable } from './forward.js';
import { type Away, comingBack } from './look-ahead.js';
import { moveInOps } from './move-in-ops.js';
import type { Optimizer } from './optimizers/optimizer.js';
import { prepare, requireBearable, scaled } from './optimizers/preparing.js';
import type { Kept } from './trained.js';
import type { TrainingWindow } from './training-window.js';

/** What came of an update: its loss, its gradient and the carry. */
export interface Learned<S> {
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
}

/** The updates of a trainer, each in two parts: the gradient, which may be captured and run elsewhere, and what changes weights. */
export interface Updates<S, X, Z> {
  /** How many there were. */
  readonly steps: number;
  /** The gradient of a window, to be taken within a window of the kernels' that stays open until `updated`. */
  gradientOf(within: Workspace, window: TrainingWindow<S, X, Z>): Gradient<S>;
  /**
   * Moves all weights along a gradient whose kernels have run.
   *
   * @throws RangeError where it is not finite, or other numbers would not be; then nothing has changed.
   */
  updated(window: TrainingWindow<S, X, Z>, gradient: Gradient<S>): Learned<S>;
  /** Both at once; an optimizer that moves weights aside has no other way. */
  atOnce(window: TrainingWindow<S, X, Z>): Learned<S>;
}

export function updates<S, X, Y, Z>(
  model: Trainable<S, X, Y>,
  { optimizer, ...asked }: Asked<Y, Z> & { readonly optimizer: Optimizer },
  kept: Kept,
  stepsBefore: number,
): Updates<S, X, Z> {
  const { lookAhead, rule, sparsePolicy, preparations = [] } = optimizer;
  const gradient = gradients(model, asked, kept);
  let step = stepsBefore;

  function updated(window: TrainingWindow<S, X, Z>, from: Gradient<S>, away?: Away): Learned<S> {
    const { taken, carry, finalCarry } = from;
    const each = from.each && toSignal(from.each);
    const { squares, value, norm } = gradient.finite(step, from, window);
    const learningRate = optimizer.learningRate(step);
    const carryOut = window.alone ? window.carry : toSignal(carry);
    const finalOut = window.alone || finalCarry === carry ? carryOut : toSignal(finalCarry);
    const prepared = scaled(optimizer, prepare(preparations, taken, squares), taken, squares);
    requireBearable(optimizer, learningRate, prepared, taken, squares);
    if (typeof rule === 'function') {
      moveInOps(rule, optimizer, kept, from, prepared, { step, learningRate });
    } else if (lookAhead?.when === 'between') {
      away?.(taken, prepared);
      // Other weights: packed and multiplied anew, in a window of its own.
      inWindow((_, within) => {
        const there = gradient.of(step, within, window);
        requireBearable(optimizer, learningRate, prepared, there.taken, gradient.finite(step, there, window).squares);
        there.taken.update({ rule, sparsePolicy, numbers: optimizer.numbers(step), ...prepared });
      });
    } else {
      taken.update({ rule, sparsePolicy, numbers: optimizer.numbers(step), ...prepared });
    }
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
    };
  }

  return {
    get steps() {
      return step;
    },
    gradientOf: (within, window) => gradient.of(step, within, window),
    updated: (window, from) => updated(window, from),
    atOnce: (window) =>
      comingBack(optimizer, kept, step, (away) =>
        inWindow((_, within) => {
          if (lookAhead?.when === 'before') away(kept.standing(within), { stages: [], scale: 1 });
          return updated(window, gradient.of(step, within, window), away);
        }),
      ),
  };
}
