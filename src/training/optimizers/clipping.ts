import { described } from '../../description.js';
import { limitOf, type Preparation } from './optimizer.js';

/**
 * Scales the gradient of all parameters together down to a global norm, where its own is greater.
 *
 * ‖g‖ = √(Σ over parameters Σ g²); g ← g · min(1, c / ‖g‖)
 *
 * Source: the lecture's cure for exploding gradients; Pascanu, Mikolov and Bengio, "On the difficulty of training
 * recurrent neural networks", 2013, algorithm 1.
 *
 * @param limit c, the greatest norm.
 * @returns a part of a `chain`, before its optimizer.
 * @throws RangeError where c is not a number above 0.
 * @example
 * tbptt(model, { loss: crossEntropy(), optimizer: chain(clipByGlobalNorm(5), adam(1e-3)) })
 */
export function clipByGlobalNorm(limit: number): Preparation {
  return described({ kind: 'clipByGlobalNorm', limit: limitOf('clipByGlobalNorm', limit) }, 'clipByGlobalNorm', [
    limit,
  ]);
}

/**
 * Holds each number of the gradient within ±c.
 *
 * g ← max(−c, min(c, g))
 *
 * Source: Mikolov, "Statistical Language Models Based on Neural Networks", 2012 (gradients held within ±15).
 *
 * @param limit c, the greatest size of a number.
 * @returns a part of a `chain`, before its optimizer.
 * @throws RangeError where c is not a number above 0.
 * @example
 * tbptt(model, { loss: crossEntropy(), optimizer: chain(clipByValue(15), sgd(0.1)) })
 */
export function clipByValue(limit: number): Preparation {
  return described({ kind: 'clipByValue', limit: limitOf('clipByValue', limit) }, 'clipByValue', [limit]);
}
