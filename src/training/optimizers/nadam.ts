import { described } from '../../description.js';
import { Rule, SparsePolicy } from '../../kernels/jobs.js';
import { checkedOptions } from '../../options.js';
import type { Schedule } from '../schedules.js';
import { epsilonOf, fraction, type Optimizer, positive, rateOf } from './optimizer.js';

/** Options of {@link nadam}. */
export interface NadamOptions {
  /** β₁, the share of the old mean that stays; 0.9 by default. */
  readonly beta1?: number;
  /** β₂, the share of the old mean square that stays; 0.999 by default. */
  readonly beta2?: number;
  /** ε; 1e-8 by default. */
  readonly epsilon?: number;
  /** ψ, how fast the momentum rises to β₁; 0.004 by default. */
  readonly momentumDecay?: number;
}

/**
 * Nadam: Adam with Nesterov's momentum, which steps from where the mean leads.
 *
 * μₜ = β₁ (1 − ½ · 0.96^(t ψ)); m ← β₁ m + (1 − β₁) g; v ← β₂ v + (1 − β₂) g²;
 * m̂ = μₜ₊₁ m / (1 − μ₁ ⋯ μₜ₊₁) + (1 − μₜ) g / (1 − μ₁ ⋯ μₜ); w ← w − η m̂ / (√(v / (1 − β₂ᵗ)) + ε), t = 1, 2, …
 *
 * Source: Dozat, "Incorporating Nesterov Momentum into Adam", 2016, with its schedule of μ, in
 * the form of PyTorch's NAdam.
 *
 * @param learningRate η, a number or a function of the step.
 * @param options β₁, β₂, ε and ψ.
 * @returns the optimizer, for `trainer`, `tbptt`, `learnTags`, `compile`, or the end of a `chain`.
 * @throws RangeError where η or ψ is negative, ε not above 0 or a β outside [0, 1).
 * @throws TypeError where an option is not known.
 * @example
 * tbptt(model, { loss: crossEntropy(), optimizer: nadam(2e-3) })
 */
export function nadam(learningRate: number | Schedule, options: NadamOptions = {}): Optimizer {
  const rate = rateOf('nadam', learningRate);
  checkedOptions('nadam', options, { beta1: true, beta2: true, epsilon: true, momentumDecay: true });
  const beta1 = fraction('nadam', 'beta1', options.beta1 ?? 0.9);
  const beta2 = fraction('nadam', 'beta2', options.beta2 ?? 0.999);
  const epsilon = epsilonOf('nadam', options.epsilon);
  const psi = positive('nadam', 'momentumDecay', options.momentumDecay ?? 4e-3);
  const momentum = (t: number) => beta1 * (1 - 0.5 * 0.96 ** (t * psi));

  /** μ₁ ⋯ μₜ, or a number too small to change 1 when added. */
  function product(t: number): number {
    let all = 1;
    for (let k = 1; k <= t && all > 1e-18; k += 1) all *= momentum(k);
    return all;
  }

  return described(
    {
      kind: 'nadam',
      slots: ['mean', 'meanSquare'],
      least: { meanSquare: 0 },
      rule: Rule.nadam,
      sparsePolicy: SparsePolicy.moves,
      learningRate: rate,
      numbers(step) {
        const [t, eta] = [step + 1, rate(step)];
        const until = product(t);
        return [
          (eta * momentum(t + 1)) / (1 - until * momentum(t + 1)),
          beta1,
          1 - beta1,
          beta2,
          1 - beta2,
          1 / Math.sqrt(1 - beta2 ** t),
          epsilon,
          (eta * (1 - momentum(t))) / (1 - until),
        ];
      },
    },
    'nadam',
    [learningRate, options],
  );
}
