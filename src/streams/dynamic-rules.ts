/** How weights move in a dynamic evaluation: along gradients, and back to where they were trained. */

import { isRecord, requireKind } from '../checks.js';
import { type Params, parametersOf } from '../parameters/parameter.js';
import { isTensor, restoredTensor, sameShape, showShape, type Tensor, tensor } from '../tensor.js';
import { optimizer } from '../training/optimizers/in-ops.js';
import { epsilonOf, type Optimizer } from '../training/optimizers/optimizer.js';
import type { Schedule } from '../training/schedules.js';

/** The mean of each weight's squared gradient over windows of training, by path. */
export type GradientSquares = Readonly<Record<string, Tensor>>;

/** A mean of squares as an optimizer keeps it; weights stay. */
export const counting = optimizer({
  kind: 'gradientSquares',
  slots: ['mean'],
  least: { mean: 0 },
  learningRate: 0,
  update(ops, { weights, gradient, mean }, { step }) {
    const more = ops.subtract(ops.multiply(gradient, gradient), mean);
    return { weights, mean: ops.add(mean, ops.affine(more, 1 / (step + 1), 0)) };
  },
});

/** `θ − η g + λ (θ_g − θ)`. */
export function plainRule(learningRate: number | Schedule, decay: number): Optimizer {
  return optimizer({
    kind: 'dynamicEvaluation',
    slots: ['trained'],
    learningRate,
    update(ops, { weights, gradient, trained }, { learningRate: rate }) {
      const back = ops.affine(ops.subtract(trained, weights), decay, 0);
      return { weights: ops.add(weights, ops.subtract(back, ops.affine(gradient, rate, 0))), trained };
    },
  });
}

/** `θ − η g ⊘ (√MS + ε) + min(λ √MS / r, 1) ⊙ (θ_g − θ)`. */
export function scaledRule(
  learningRate: number | Schedule,
  decay: number,
  given: number | undefined,
  { mean }: Roots,
): Optimizer {
  const epsilon = epsilonOf('dynamicEvaluation', given ?? 1e-5);
  return optimizer({
    kind: 'dynamicEvaluation',
    slots: ['trained', 'root'],
    least: { root: 0 },
    learningRate,
    update(ops, { weights, gradient, trained, root }, { learningRate: rate }) {
      // min(a, 1) = −max(−a, −1).
      const share = ops.affine(ops.maximum(ops.affine(root, -decay / mean, 0), ops.fill([1], -1)), -1, 0);
      const back = ops.multiply(ops.subtract(trained, weights), share);
      const step = ops.affine(ops.divide(gradient, ops.affine(root, 1, epsilon)), rate, 0);
      return { weights: ops.add(weights, ops.subtract(back, step)), trained, root };
    },
  });
}

/** Roots of mean squares by path, and their mean over all weights, r. */
export interface Roots {
  readonly byPath: Readonly<Record<string, Tensor>>;
  readonly mean: number;
}

/** @throws TypeError where squares are not of these parameters; RangeError where they are none. */
export function rootsOf(params: Params, squares: GradientSquares): Roots {
  requireKind('dynamicEvaluation', isRecord(squares), 'squares by path', squares, 'give what gradientSquares() found');
  const byPath: Record<string, Tensor> = {};
  let [sum, count] = [0, 0];
  for (const [path, { shape }] of parametersOf(params)) {
    const given = squares[path];
    if (!isTensor(given) || !sameShape(given.shape, shape)) {
      throw new TypeError(
        `dynamicEvaluation: squares have no tensor ${showShape(shape)} for ${path}; give what gradientSquares() found for this model.`,
      );
    }
    const roots = Float32Array.from(restoredTensor(given, 'dynamicEvaluation: squares').data, Math.sqrt);
    for (const root of roots) sum += root;
    count += roots.length;
    byPath[path] = tensor(shape, roots);
  }
  if (!(sum >= 0 && sum < Number.POSITIVE_INFINITY)) {
    throw new RangeError(
      'dynamicEvaluation: squares are not all numbers from 0 up; give what gradientSquares() found.',
    );
  }
  // Where nothing is left to learn, as of a text of one symbol, all are 0: then no weight is above the mean, and none comes back.
  return { byPath, mean: sum === 0 ? 1 : sum / count };
}
