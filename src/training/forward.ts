/** From a window to its loss. */
import { outcome, startedFrom } from '../carry.js';
import type { Ops } from '../ops/ops.js';
import type { Params } from '../parameters/parameter.js';
import { isTensor, type Tensor } from '../tensor.js';
import type { Loss } from './losses/loss.js';
import { counted, joined, stepsOf, type TrainingWindow } from './training-window.js';

/** What a trainer needs of a model; every `Core` and `Layer` is one. */
export interface Trainable<S, X = Tensor, Y = Tensor> {
  readonly kind: string;
  readonly params: Params;
  /** The carry before the first step; carries from outside are held against it. */
  initial?(batch: number): S;
  apply(ops: Ops, carry: S, x: X): readonly [y: Y, carry: S];
}

/** What a window comes to before anything is learnt from it. */
export interface Forward<S> {
  readonly loss: Tensor;
  /** The carry after `carryAfter` steps. */
  readonly carry: S;
  /** The carry after the last one. */
  readonly finalCarry: S;
}

/** Runs a model over a window, in one part, or in two where a carry is wanted in between. */
export function forward<S, X, Y, Z>(
  ops: Ops,
  model: Trainable<S, X, Y>,
  loss: Loss<Y, Z>,
  window: TrainingWindow<S, X, Z>,
): Forward<S> {
  const [predictions, carry, finalCarry] = predicted(ops, model, window);
  return { loss: loss(ops, counted(ops, predictions, window.target), window.target), carry, finalCarry };
}

function predicted<S, X, Y, Z>(
  ops: Ops,
  model: Trainable<S, X, Y>,
  { input, carry: entering, carryAfter }: TrainingWindow<S, X, Z>,
): readonly [predictions: Y, carry: S, finalCarry: S] {
  const applied = (before: S, x: X) => outcome(model.kind, before, model.apply(ops, before, x));
  const started = (x: X) => startedFrom('trainer', model, entering, () => applied(entering, x));
  const steps = isTensor(input) ? (input.shape[0] as number) : carryAfter;
  if (!isTensor(input) || carryAfter === undefined || carryAfter === steps) {
    const [predictions, carry] = started(input);
    return [predictions, carry, carry];
  }
  const [first, carry] = started(stepsOf(input, 0, carryAfter) as Tensor & X);
  const [second, finalCarry] = applied(carry, stepsOf(input, carryAfter, steps as number) as Tensor & X);
  return [joined(ops, model.kind, first, second), carry, finalCarry];
}
