import { described } from '../../description.js';
import { Rule, SparsePolicy } from '../../kernels/jobs.js';
import { checkedOptions } from '../../options.js';
import type { Schedule } from '../schedules.js';
import { decayOf, type Optimizer, rateOf } from './optimizer.js';

/** Options of {@link classicalMomentum}. */
export interface ClassicalMomentumOptions {
  /** μ, the share of the velocity that stays, a number or a function of the step; 0.9 by default. */
  readonly decay?: number | Schedule;
}

/**
 * Standard momentum, as the lecture gives it: the learning rate is a part of the velocity.
 *
 * v ← μ v − η g; w ← w + v
 *
 * While η stays the same this is `momentum`, which multiplies by η last; after η has changed, here the old velocity still
 * has the old rate.
 *
 * Source: the lecture's standard momentum; Polyak, "Some methods of speeding up the convergence of iteration methods",
 * 1964; Sutskever et al., "On the importance of initialization and momentum in deep learning", 2013, equations 1 and 2.
 *
 * @param learningRate η, a number or a function of the step.
 * @param options μ.
 * @returns the optimizer, for `trainer`, `tbptt`, `learnTags`, `compile`, or the end of a `chain`.
 * @throws RangeError where η is negative or μ outside [0, 1).
 * @throws TypeError where an option is not known.
 * @example
 * tbptt(model, { loss: crossEntropy(), optimizer: classicalMomentum(0.05) })
 */
export function classicalMomentum(learningRate: number | Schedule, options: ClassicalMomentumOptions = {}): Optimizer {
  const rate = rateOf('classicalMomentum', learningRate);
  checkedOptions('classicalMomentum', options, { decay: true });
  const decay = decayOf('classicalMomentum', options.decay ?? 0.9);
  return described(
    {
      kind: 'classicalMomentum',
      slots: ['velocity'],
      linear: true,
      rule: Rule.classicalMomentum,
      sparsePolicy: SparsePolicy.moves,
      learningRate: rate,
      numbers: (step) => [rate(step), decay(step)],
    },
    'classicalMomentum',
    [learningRate, options],
  );
}
