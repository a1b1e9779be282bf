import { described } from '../../description.js';
import { Rule, SparsePolicy } from '../../kernels/jobs.js';
import { checkedOptions, type Names } from '../../options.js';
import type { Schedule } from '../schedules.js';
import { type AdamOptions, adam } from './adam.js';
import { type Optimizer, positive } from './optimizer.js';

/** Options of {@link adamw}. */
export interface AdamwOptions extends Omit<AdamOptions, 'lazy'> {
  /** λ; 0.01 by default. */
  readonly decay?: number;
  /** Whether biases decay too; default false. */
  readonly biases?: boolean;
}

/**
 * AdamW: Adam whose weights decay apart from the gradient, each by the same share.
 *
 * w ← (1 − η λ) w, then Adam's step: m ← β₁ m + (1 − β₁) g; v ← β₂ v + (1 − β₂) g²;
 * w ← w − η (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε), t = 1, 2, …
 *
 * A bias is a parameter of one axis, and does not decay unless asked to. (PyTorch's AdamW decays every parameter it is
 * given.)
 *
 * Source: Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2019, algorithm 2, with η λ as PyTorch has it
 * (the paper's λ is multiplied by the schedule alone, not by the rate it schedules).
 *
 * @param learningRate η, a number or a function of the step.
 * @param options λ, whether biases decay, β₁, β₂ and ε.
 * @returns the optimizer, for `trainer`, `tbptt`, `learnTags`, `compile`, or the end of a `chain`.
 * @throws RangeError where η or λ is negative, η λ above 1, ε not above 0 or a β outside [0, 1).
 * @throws TypeError where an option is not known.
 * @example
 * tbptt(model, { loss: crossEntropy(), optimizer: adamw(1e-3, { decay: 0.1 }) })
 */
export function adamw(learningRate: number | Schedule, options: AdamwOptions = {}): Optimizer {
  const names: Names<AdamwOptions> = { decay: true, biases: 'boolean', beta1: true, beta2: true, epsilon: true };
  const { decay = 0.01, biases = false, ...rest } = checkedOptions('adamw', options, names);
  const lambda = positive('adamw', 'decay', decay);
  const base = adam(learningRate, rest);
  return described(
    {
      ...base,
      kind: 'adamw',
      rule: Rule.adamw,
      sparsePolicy: SparsePolicy.moves,
      numbers(step) {
        const kept = 1 - base.learningRate(step) * lambda;
        if (kept < 0)
          throw new RangeError(`adamw: η λ is at most 1, not ${1 - kept} at step ${step}; lower one of them.`);
        return [...base.numbers(step), kept, biases ? kept : 1];
      },
    },
    'adamw',
    [learningRate, options],
  );
}
