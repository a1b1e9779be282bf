import { described } from '../../description.js';
import { Rule, SparsePolicy } from '../../kernels/jobs.js';
import { checkedOptions } from '../../options.js';
import type { Schedule } from '../schedules.js';
import { epsilonOf, fraction, type Optimizer, rateOf } from './optimizer.js';

/** Options of {@link adam}. */
export interface AdamOptions {
  /** β₁, the share of the old mean that stays; 0.9 by default. */
  readonly beta1?: number;
  /** β₂, the share of the old mean square that stays; 0.999 by default. */
  readonly beta2?: number;
  /** ε; 1e-8 by default. */
  readonly epsilon?: number;
  /** Whether rows that had no gradient in a window are left as they are (lazy Adam); by default they are not. */
  readonly lazy?: boolean;
}

/**
 * Adam: momentum over a running root mean square, both corrected for their start at zero.
 *
 * m ← β₁ m + (1 − β₁) g; v ← β₂ v + (1 − β₂) g²; w ← w − η (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε), t = 1, 2, …
 *
 * By default it is dense: m and v of every weight decay at each step, and the weight moves by what is left of m, whatever
 * its gradient. With `lazy`, a row whose gradient is 0 throughout is left as it is, w, m and v, and costs nothing; t goes
 * on for all. A row is what one index of a parameter's first axis selects (an embedding's row of a symbol); a vector is
 * one row. Only numbers count: it is the same whether a row was not looked up, or was and got a gradient of 0.
 *
 * Source: Kingma and Ba, "Adam: A Method for Stochastic Optimization", 2015, algorithm 1; lazily, TensorFlow's
 * `LazyAdamOptimizer` and PyTorch's `SparseAdam`, which leave the rows that a sparse gradient does not list.
 *
 * @param learningRate η, a number or a function of the step.
 * @param options β₁, β₂ and ε, and whether it is lazy.
 * @returns the optimizer, for `trainer`, `tbptt`, `learnTags`, `compile`, or the end of a `chain`.
 * @throws RangeError where η is negative, ε not above 0 or a β outside [0, 1).
 * @throws TypeError where an option is not known.
 * @example
 * tbptt(model, { loss: crossEntropy(), optimizer: adam(2e-3) })
 * tbptt(model, { loss: crossEntropy(), optimizer: adam(2e-3, { lazy: true }) }) // a large vocabulary
 */
export function adam(learningRate: number | Schedule, options: AdamOptions = {}): Optimizer {
  const rate = rateOf('adam', learningRate);
  checkedOptions('adam', options, { beta1: true, beta2: true, epsilon: true, lazy: 'boolean' });
  const beta1 = fraction('adam', 'beta1', options.beta1 ?? 0.9);
  const beta2 = fraction('adam', 'beta2', options.beta2 ?? 0.999);
  const epsilon = epsilonOf('adam', options.epsilon);
  return described(
    {
      kind: 'adam',
      slots: ['mean', 'meanSquare'],
      least: { meanSquare: 0 },
      rule: Rule.adam,
      sparsePolicy: options.lazy ? SparsePolicy.skipped : SparsePolicy.moves,
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
    },
    'adam',
    [learningRate, options],
  );
}
