import { described } from '../../description.js';
import { Rule, SparsePolicy } from '../../kernels/jobs.js';
import type { Schedule } from '../schedules.js';
import { type Optimizer, rateOf } from './optimizer.js';

/**
 * Stochastic gradient descent.
 *
 * w ← w − η g
 *
 * Source: Robbins and Monro, "A Stochastic Approximation Method", 1951.
 *
 * @param learningRate η, a number or a function of the step.
 * @returns the optimizer, for `trainer`, `tbptt`, `learnTags`, `compile`, or the end of a `chain`.
 * @throws RangeError where η is negative or not a number.
 * @example
 * tbptt(model, { loss: crossEntropy(), optimizer: sgd(0.1) })
 */
export function sgd(learningRate: number | Schedule): Optimizer {
  const rate = rateOf('sgd', learningRate);
  return described(
    {
      kind: 'sgd',
      slots: [],
      linear: true,
      rule: Rule.sgd,
      sparsePolicy: SparsePolicy.stays,
      learningRate: rate,
      numbers: (step) => [rate(step)],
    },
    'sgd',
    [learningRate],
  );
}
