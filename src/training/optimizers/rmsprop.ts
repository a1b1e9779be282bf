import { described } from '../../description.js';
import { Rule, SparsePolicy } from '../../kernels/jobs.js';
import { checkedOptions } from '../../options.js';
import type { Schedule } from '../schedules.js';
import { epsilonOf, fraction, type Optimizer, rateOf } from './optimizer.js';

/** Options of {@link rmsprop}. */
export interface RmspropOptions {
  /** ρ, the share of the old mean square that stays; 0.99 by default, as in PyTorch (Keras: 0.9). */
  readonly decay?: number;
  /** ε; 1e-8 by default. */
  readonly epsilon?: number;
}

/**
 * RMSprop: each step divided by a running root mean square of the gradient.
 *
 * s ← ρ s + (1 − ρ) g²; w ← w − η g / (√s + ε)
 *
 * Source: Tieleman and Hinton, Lecture 6.5 of "Neural Networks for Machine Learning", 2012.
 *
 * @param learningRate η, a number or a function of the step.
 * @param options ρ and ε.
 * @returns the optimizer, for `trainer`, `tbptt`, `learnTags`, `compile`, or the end of a `chain`.
 * @throws RangeError where η is negative, ε not above 0 or ρ outside [0, 1).
 * @throws TypeError where an option is not known.
 * @example
 * tbptt(model, { loss: crossEntropy(), optimizer: rmsprop(1e-3) })
 */
export function rmsprop(learningRate: number | Schedule, options: RmspropOptions = {}): Optimizer {
  const rate = rateOf('rmsprop', learningRate);
  checkedOptions('rmsprop', options, { decay: true, epsilon: true });
  const decay = fraction('rmsprop', 'decay', options.decay ?? 0.99);
  const epsilon = epsilonOf('rmsprop', options.epsilon);
  return described(
    {
      kind: 'rmsprop',
      slots: ['meanSquare'],
      least: { meanSquare: 0 },
      rule: Rule.rmsprop,
      sparsePolicy: SparsePolicy.moves,
      learningRate: rate,
      numbers: (step) => [rate(step), decay, 1 - decay, epsilon],
    },
    'rmsprop',
    [learningRate, options],
  );
}
