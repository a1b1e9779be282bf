import { described } from '../../description.js';
import { Rule, SparsePolicy } from '../../kernels/jobs.js';
import { checkedOptions } from '../../options.js';
import type { Schedule } from '../schedules.js';
import { decayOf, type Optimizer, rateOf } from './optimizer.js';

/** Options of {@link nesterov}. */
export interface NesterovOptions {
  /** μ, the share of the velocity that stays, a number or a function of the step; 0.9 by default. */
  readonly decay?: number | Schedule;
  /** Whether the weights stand where the gradient is taken (the simplified computation); default false (the definition). */
  readonly simplified?: boolean;
}

/**
 * Nesterov's momentum in both forms of the lecture. By definition the gradient is taken where the velocity leads:
 *
 * v′ = μₜ v − ηₜ ∇L(w + μₜ v); w′ = w + v′
 *
 * Simplified, the weights kept are W = w + μₜ v, so that the gradient is taken where they stand:
 *
 * v′ = μₜ v − ηₜ ∇L(W); W′ = W + μₜ₊₁ μₜ v − (1 + μₜ₊₁) ηₜ ∇L(W)
 *
 * Both give the same losses step by step; the weights of the second are slightly offset, W′ = w′ + μₜ₊₁ v′. The loss that
 * a trainer reports, and the carry it hands out, are those at w + μₜ v in both. With the definition each window has a
 * copy of the weights that is moved there: one fork more, and the memory of the weights once more.
 *
 * Source: the lecture's Nesterov momentum, definition and simplified computation; Bengio, Boulanger-Lewandowski and Pascanu,
 * "Advances in Optimizing Recurrent Networks", 2012, section 3.5; Nesterov, 1983.
 *
 * @param learningRate η, a number or a function of the step.
 * @param options μ, and which of the two forms.
 * @returns the optimizer, for `trainer`, `tbptt`, `learnTags`, `compile`, or the end of a `chain`.
 * @throws RangeError where η is negative or μ outside [0, 1).
 * @throws TypeError where an option is not known.
 * @example
 * tbptt(model, { loss: crossEntropy(), optimizer: nesterov(0.05, { decay: 0.95 }) })
 */
export function nesterov(learningRate: number | Schedule, options: NesterovOptions = {}): Optimizer {
  const rate = rateOf('nesterov', learningRate);
  checkedOptions('nesterov', options, { decay: true, simplified: 'boolean' });
  const decay = decayOf('nesterov', options.decay ?? 0.9);
  const common = { kind: 'nesterov', sparsePolicy: SparsePolicy.moves, learningRate: rate };
  const simplified: Optimizer = {
    ...common,
    slots: ['velocity'],
    linear: true,
    rule: Rule.nesterovSimplified,
    numbers(step) {
      const [eta, now, next] = [rate(step), decay(step), decay(step + 1)];
      return [eta, now, next * now, (1 + next) * eta];
    },
  };
  const whole: Optimizer = {
    ...common,
    slots: ['velocity'],
    linear: true,
    rule: Rule.classicalMomentum,
    lookAhead: { rule: Rule.lookAhead, arrays: 1, when: 'before', numbers: (step) => [decay(step)] },
    numbers: (step) => [rate(step), decay(step)],
  };
  return described(options.simplified ? simplified : whole, 'nesterov', [learningRate, options]);
}
