import { described } from '../../description.js';
import { Rule, SparsePolicy } from '../../kernels/jobs.js';
import { checkedOptions } from '../../options.js';
import type { Schedule } from '../schedules.js';
import { epsilonOf, fraction, type Optimizer, rateOf } from './optimizer.js';

/** Options of {@link adadelta}. */
export interface AdadeltaOptions {
  /** η, a factor on the steps that follow from the rule; 1 by default, as in the paper. */
  readonly learningRate?: number | Schedule;
  /** ρ, the share of the old mean squares that stays; 0.9 by default. */
  readonly decay?: number;
  /** ε; 1e-6 by default. */
  readonly epsilon?: number;
}

/**
 * Adadelta: steps in the units of the weights, the ratio of two running root mean squares. It needs no learning rate.
 *
 * s ← ρ s + (1 − ρ) g²; δ = g √(u + ε) / √(s + ε); u ← ρ u + (1 − ρ) δ²; w ← w − η δ
 *
 * Source: Zeiler, "ADADELTA: An Adaptive Learning Rate Method", 2012, algorithm 1.
 *
 * @param options η, ρ and ε.
 * @returns the optimizer, for `trainer`, `tbptt`, `learnTags`, `compile`, or the end of a `chain`.
 * @throws RangeError where η is negative, ε not above 0 or ρ outside [0, 1).
 * @throws TypeError where an option is not known.
 * @example
 * tbptt(model, { loss: crossEntropy(), optimizer: adadelta() })
 */
export function adadelta(options: AdadeltaOptions = {}): Optimizer {
  checkedOptions('adadelta', options, { learningRate: true, decay: true, epsilon: true });
  const rate = rateOf('adadelta', options.learningRate ?? 1);
  const decay = fraction('adadelta', 'decay', options.decay ?? 0.9);
  const epsilon = epsilonOf('adadelta', options.epsilon ?? 1e-6);
  return described(
    {
      kind: 'adadelta',
      slots: ['meanSquare', 'meanSquareStep'],
      least: { meanSquare: 0, meanSquareStep: 0 },
      rule: Rule.adadelta,
      sparsePolicy: SparsePolicy.moves,
      learningRate: rate,
      numbers: (step) => [rate(step), decay, 1 - decay, epsilon],
    },
    'adadelta',
    [options],
  );
}
