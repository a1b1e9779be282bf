import { described } from '../../description.js';
import { Rule, SparsePolicy } from '../../kernels/jobs.js';
import { checkedOptions } from '../../options.js';
import type { Schedule } from '../schedules.js';
import { fraction, type Optimizer, rateOf } from './optimizer.js';

/** Options of {@link momentum}. */
export interface MomentumOptions {
  /** μ, the share of the velocity that stays; 0.9 by default. */
  readonly decay?: number;
  /** Whether to step from where the velocity leads (Nesterov) rather than along the velocity. */
  readonly nesterov?: boolean;
}

/**
 * Gradient descent with momentum.
 *
 * v ← μ v + g; w ← w − η v, and with Nesterov's look ahead w ← w − η (g + μ v)
 *
 * Source: Polyak, 1964; Sutskever et al., "On the importance of initialization and momentum in deep learning", 2013, in
 * the form of PyTorch's SGD.
 *
 * @param learningRate η, a number or a function of the step.
 * @param options μ, and whether it steps as Nesterov does.
 * @returns the optimizer, for `trainer`, `tbptt`, `learnTags`, `compile`, or the end of a `chain`.
 * @throws RangeError where η is negative or μ outside [0, 1).
 * @throws TypeError where an option is not known.
 * @example
 * tbptt(model, { loss: crossEntropy(), optimizer: momentum(0.05, { decay: 0.9, nesterov: true }) })
 */
export function momentum(learningRate: number | Schedule, options: MomentumOptions = {}): Optimizer {
  const rate = rateOf('momentum', learningRate);
  checkedOptions('momentum', options, { decay: true, nesterov: 'boolean' });
  const decay = fraction('momentum', 'decay', options.decay ?? 0.9);
  const nesterov = options.nesterov ? 1 : 0;
  return described(
    {
      kind: 'momentum',
      slots: ['velocity'],
      linear: true,
      rule: Rule.momentum,
      sparsePolicy: SparsePolicy.moves,
      learningRate: rate,
      numbers: (step) => [rate(step), decay, nesterov],
    },
    'momentum',
    [learningRate, options],
  );
}
