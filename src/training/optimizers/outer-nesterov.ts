import { requireCount } from '../../checks.js';
import { described } from '../../description.js';
import { Rule } from '../../kernels/jobs.js';
import { checkedOptions, type Names } from '../../options.js';
import { fraction, type Optimizer, positive, withPasses } from './optimizer.js';

/** Options of {@link outerNesterov}. */
export interface OuterNesterovOptions {
  /** K, the inner steps from one outer step to the next; default 20. */
  readonly every?: number;
  /** η of the outer step; default 0.7. */
  readonly learningRate?: number;
  /** μ, the share of the outer velocity that stays; default 0.9. At 0 it is Lookahead (Zhang et al., 2019). */
  readonly momentum?: number;
}

const names: Names<OuterNesterovOptions> = { every: true, learningRate: true, momentum: true };

/**
 * An optimizer whose steps are the inner ones of an outer optimizer: what K of them come to is a gradient, of sorts, for
 * Nesterov's momentum.
 *
 * Equation: after every K inner steps, which began at the outer weights θ and ended at w,
 * `Δ = θ − w; v ← μ v + Δ; θ ← θ − η (Δ + μ v); w ← θ`.
 * Source: Kallusky, Rao, Nandavanam and Shi, SNOO: Step-K Nesterov outer optimizer (2025), which is DiLoCo (Douillard et al.,
 * 2023) with one worker; η and μ are DiLoCo's.
 *
 * What the inner optimizer keeps goes on over outer steps. Of each parameter there are two arrays more, θ (`outer`) and v
 * (`outerVelocity`), in what the trainer keeps, so that a run that is resumed goes on bit for bit. All weights take the outer step,
 * also rows that had no gradient. It costs two passes over the weights every K steps.
 *
 * @param optimizer the inner one.
 * @param options K, η and μ.
 * @returns the optimizer, for `trainer`, `tbptt`, `learnTags`, `compile`, or the end of a `chain`.
 * @throws RangeError where K is not a whole number above 0, η is negative or μ not in [0, 1).
 * @throws TypeError where the first argument is no optimizer, or one that has an outer one already, or an option is not known.
 * @example
 * tbptt(model, { loss: crossEntropy(), optimizer: outerNesterov(adamw(2e-3), { every: 10 }) })
 */
export function outerNesterov(optimizer: Optimizer, options: OuterNesterovOptions = {}): Optimizer {
  const { every = 20, learningRate = 0.7, momentum = 0.9 } = checkedOptions('outerNesterov', options, names);
  requireCount('outerNesterov', 'every', every);
  const numbers = [
    positive('outerNesterov', 'learningRate', learningRate),
    fraction('outerNesterov', 'momentum', momentum),
  ];
  const outer = withPasses('outerNesterov', optimizer, ['outer', 'outerVelocity'], { outer: 'weights' }, [
    {
      when: 'before',
      rule: Rule.average,
      slots: ['outer'],
      numbers: (step) => (step % every === 0 ? [0, 1] : undefined),
    },
    {
      when: 'after',
      rule: Rule.outerNesterov,
      slots: ['outer', 'outerVelocity'],
      numbers: (step) => ((step + 1) % every === 0 ? numbers : undefined),
    },
  ]);
  return described(outer, 'outerNesterov', [optimizer, options]);
}
