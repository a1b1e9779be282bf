import { described } from '../../description.js';
import { Rule, SparsePolicy } from '../../kernels/jobs.js';
import { checkedOptions } from '../../options.js';
import type { Schedule } from '../schedules.js';
import { epsilonOf, type Optimizer, rateOf } from './optimizer.js';

/** Options of {@link adagrad}. */
export interface AdagradOptions {
  /** ε; 1e-10 by default, as in PyTorch. */
  readonly epsilon?: number;
}

/**
 * Adagrad: each step divided by the root of all squared gradients so far.
 *
 * s ← s + g²; w ← w − η g / (√s + ε)
 *
 * Source: the lecture's Adagrad (its ε is 0); Duchi, Hazan and Singer, "Adaptive Subgradient Methods for Online Learning
 * and Stochastic Optimization", 2011, with ε where PyTorch has it.
 *
 * @param learningRate η, a number or a function of the step.
 * @param options ε.
 * @returns the optimizer, for `trainer`, `tbptt`, `learnTags`, `compile`, or the end of a `chain`.
 * @throws RangeError where η is negative or ε not above 0.
 * @throws TypeError where an option is not known.
 * @example
 * tbptt(model, { loss: crossEntropy(), optimizer: adagrad(0.01) })
 */
export function adagrad(learningRate: number | Schedule, options: AdagradOptions = {}): Optimizer {
  const rate = rateOf('adagrad', learningRate);
  checkedOptions('adagrad', options, { epsilon: true });
  const epsilon = epsilonOf('adagrad', options.epsilon ?? 1e-10);
  return described(
    {
      kind: 'adagrad',
      slots: ['squares'],
      least: { squares: 0 },
      rule: Rule.adagrad,
      sparsePolicy: SparsePolicy.stays,
      learningRate: rate,
      numbers: (step) => [rate(step), epsilon],
    },
    'adagrad',
    [learningRate, options],
  );
}
