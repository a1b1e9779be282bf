/** From a window to its loss and the gradient: everything before weights change. */
import { tape } from '../backprop/tape.js';
import { outcome, startedFrom } from '../carry.js';
import type { Squares, UpdateStep } from '../kernels/parameter-table.js';
import type { Workspace } from '../ops/eager/workspace.js';
import type { Ops } from '../ops/ops.js';
import { windowOps } from '../ops/window.js';
import type { Params } from '../parameters/parameter.js';
import type { PiecewiseTask } from '../piecewise-task.js';
import { isTensor, type Tensor } from '../tensor.js';
import { because } from './bad-reason.js';
import type { Loss } from './losses/loss.js';
import type { Beside, Kept } from './trained.js';
import {
  counted,
  joined,
  requireFinite,
  requireFiniteStart,
  stepsBetween,
  type TrainingWindow,
} from './training-window.js';

/** What a trainer needs of a model; every `Core` and `Layer` is one. */
export interface Trainable<S, X = Tensor, Y = Tensor> {
  readonly kind: string;
  readonly params: Params;
  /** The carry before the first step; carries from outside are held against it. */
  initial?(batch: number): S;
  apply(ops: Ops, carry: S, x: X): readonly [y: Y, carry: S];
}

/** What the loss has seen of a window, and what it said. */
export interface Observed<Y = Tensor, Z = Tensor> {
  readonly prediction: Y;
  readonly target: Z;
  readonly loss: Tensor;
}

/** What is wanted of a window besides: called where the loss is, before there are numbers; what it gives reads them. */
export type Observe<Y = Tensor, Z = Tensor, O = unknown> = (ops: Ops, seen: Observed<Y, Z>) => () => O;

/** What a window comes to, and its gradient. The numbers are there once its kernels have run, which may be captured. */
export interface Gradient<S, O = unknown> {
  readonly loss: Tensor;
  /** The loss of each position, where it was asked for. */
  readonly each?: Tensor | undefined;
  /** Reads what is observed. */
  readonly observed: () => O;
  /** The carry after `carryAfter` steps. */
  readonly carry: S;
  /** The carry after the last one. */
  readonly finalCarry: S;
  /** One for each parameter. */
  readonly gradients: readonly Tensor[];
  /** The window's, in which they are. */
  readonly space: Workspace;
  readonly taken: UpdateStep;
  /** Reads the sums of their squares. */
  readonly sums: () => Squares;
}

/** The loss, and what else is wanted of the pass. */
export interface Objective<Y, Z, O> {
  readonly loss: Loss<Y, Z>;
  readonly each: Loss<Y, Z>['each'] | undefined;
  readonly observe: Observe<Y, Z, O>;
}

/** Gradients of a model's loss, at step t. */
export function gradients<S, X, Y, Z, O>(
  model: Trainable<S, X, Y>,
  { loss, each, observe }: Objective<Y, Z, O>,
  kept: Kept,
) {
  /** The loss of a window, and what else is wanted of it; the rest of its forward pass is the same whatever that is. */
  function judged(ops: Ops, predictions: Y, target: Z) {
    const prediction = counted(ops, predictions, target);
    const value = loss(ops, prediction, target);
    return {
      loss: value,
      each: each?.(ops, prediction, target),
      observed: observe(ops, { prediction, target, loss: value }),
    };
  }

  const placesOf = ({ arrays }: Beside) =>
    new Map(arrays.map(([weights], k) => [kept.parameters[k] as Tensor, weights] as const));

  return {
    /** At the weights, or at a copy of them elsewhere that is made first: forward pass, walk back and squares, in pieces. */
    *of(
      step: number,
      within: Workspace,
      window: TrainingWindow<S, X, Z>,
      copied?: () => Beside,
    ): PiecewiseTask<Gradient<S, O>> {
      const beside = copied?.();
      const space = beside === undefined ? within : within.withPlaces(placesOf(beside));
      const ops = windowOps(space, (kernels) => tape(kernels, kept.parameters, step));
      const after = forward(ops, model, judged, window);
      yield;
      const gradients = yield* ops.gradientsInPieces(after.loss);
      yield;
      const taken = kept.step(space, gradients, beside);
      return { ...after, space, gradients, taken, sums: taken.squares() };
    },
    /** What one comes to whose kernels have run. @throws RangeError where that is not finite. */
    finite(step: number, { loss: { data }, sums }: Gradient<S>, window: TrainingWindow<S, X, Z>) {
      const squares = sums();
      const [value, norm] = [data[0] as number, Math.sqrt(squares.total)];
      if (!Number.isFinite(value) || !Number.isFinite(norm)) {
        requireFinite(model.kind, 'the input', window.input);
        requireFinite(model.kind, 'the target', window.target);
        requireFiniteStart(model.kind, window.carry, kept.trained);
        throw because(
          'loss',
          new RangeError(
            `trainer: at step ${step} the loss of ${model.kind} is ${value} and its gradient's norm ${norm}; ` +
              'the weights were left as they are. Lower the learning rate, or clip the gradient.',
          ),
        );
      }
      return { squares, value, norm };
    },
  };
}

/** Runs a model over a window, in one part, or in two where a carry is wanted in between. */
function forward<S, X, Y, Z, J>(
  ops: Ops,
  model: Trainable<S, X, Y>,
  judged: (ops: Ops, predictions: Y, target: Z) => J,
  { input, target, carry: entering, carryAfter }: TrainingWindow<S, X, Z>,
): Pick<Gradient<S>, 'carry' | 'finalCarry'> & J {
  const applied = (before: S, x: X) => outcome(model.kind, before, model.apply(ops, before, x));
  const started = (x: X) => startedFrom('trainer', model, entering, () => applied(entering, x));
  const steps = isTensor(input) ? (input.shape[0] as number) : carryAfter;
  if (!isTensor(input) || carryAfter === undefined || carryAfter === steps) {
    const [predictions, carry] = started(input);
    return { ...judged(ops, predictions, target), carry, finalCarry: carry };
  }
  const [first, carry] = started(stepsBetween(input, 0, carryAfter) as Tensor & X);
  const [second, finalCarry] = applied(carry, stepsBetween(input, carryAfter, steps as number) as Tensor & X);
  return { ...judged(ops, joined(ops, model.kind, first, second), target), carry, finalCarry };
}
