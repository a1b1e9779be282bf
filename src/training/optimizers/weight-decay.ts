import { described } from '../../description.js';
import { checkedOptions } from '../../options.js';
import { type Preparation, positive } from './optimizer.js';

/** Options of {@link weightDecay}. */
export interface WeightDecayOptions {
  /** Whether biases decay too; default false. */
  readonly biases?: boolean;
}

/**
 * Adds λ times each weight to its gradient: descent on the regularised objective.
 *
 * J = Σ L + ½ λ ‖W‖²; g ← g + λ w
 *
 * A bias is a parameter of one axis, and does not decay unless asked to: b of `dense` and of the cells, slopes of `prelu`.
 * The loss that a trainer reports is L alone. An optimizer that scales its steps (Adam) scales the decay with them; what
 * decays apart from the gradient is `adamw`.
 *
 * Source: the lecture's regularised objective (on weights, not on biases); Krogh and Hertz, "A Simple Weight Decay Can
 * Improve Generalization", 1991.
 *
 * @param decay λ.
 * @param options whether biases decay too.
 * @returns a part of a `chain`, before its optimizer.
 * @throws RangeError where λ is negative.
 * @throws TypeError where an option is not known.
 * @example
 * tbptt(model, { loss: crossEntropy(), optimizer: chain(weightDecay(1e-4), momentum(0.1)) })
 */
export function weightDecay(decay: number, options: WeightDecayOptions = {}): Preparation {
  const { biases = false } = checkedOptions('weightDecay', options, { biases: 'boolean' });
  const weights = positive('weightDecay', 'decay', decay);
  return described({ kind: 'weightDecay', weights, biases: biases ? weights : 0 }, 'weightDecay', [decay, options]);
}
