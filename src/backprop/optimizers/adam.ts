import { Job } from '../../kernels/jobs.js';
import type { Schedule } from '../schedules.js';
import { epsilonOf, fraction, type Optimizer, rateOf } from './optimizer.js';

export interface AdamOptions {
  /** β₁, the share of the old mean that stays; 0.9 by default. */
  readonly beta1?: number;
  /** β₂, the share of the old mean square that stays; 0.999 by default. */
  readonly beta2?: number;
  /** ε; 1e-8 by default. */
  readonly epsilon?: number;
}

/**
 * Adam: momentum over a running root mean square, both corrected for their start at zero.
 *
 * m ← β₁ m + (1 − β₁) g; v ← β₂ v + (1 − β₂) g²; w ← w − η (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε), t = 1, 2, …
 *
 * Source: Kingma and Ba, "Adam: A Method for Stochastic Optimization", 2015, algorithm 1.
 *
 * @throws RangeError where η is negative, ε not above 0 or a β outside [0, 1).
 * @example
 * tbptt(model, { loss: crossEntropy(), optimizer: adam(2e-3) })
 */
export function adam(learningRate: number | Schedule, options: AdamOptions = {}): Optimizer {
  const rate = rateOf('adam', learningRate);
  const beta1 = fraction('adam', 'beta1', options.beta1 ?? 0.9);
  const beta2 = fraction('adam', 'beta2', options.beta2 ?? 0.999);
  const epsilon = epsilonOf('adam', options.epsilon);
  return {
    kind: 'adam',
    slots: ['mean', 'meanSquare'],
    kernel: Job.adam,
    learningRate: rate,
    numbers: (step) => [
      rate(step) / (1 - beta1 ** (step + 1)),
      beta1,
      1 - beta1,
      beta2,
      1 - beta2,
      1 / Math.sqrt(1 - beta2 ** (step + 1)),
      epsilon,
    ],
  };
}
