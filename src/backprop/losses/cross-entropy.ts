import { type Ids, showShape } from '../../tensor.js';
import type { Loss } from './loss.js';

/**
 * Cross-entropy of logits against symbol ids, in nats per position; divide by `Math.LN2` for bits.
 *
 * Equation: `L = −1/n Σ log softmax(logits)[target]` over the n positions whose target is not −1 (padding).
 * Source: the lecture's cross-entropy with softmax output, fused for stability; PyTorch's
 * `cross_entropy(…, ignore_index=-1)` with its default reduction, the mean.
 *
 * Shapes: `prediction: [..., V], target: [...] → []`.
 *
 * @throws TypeError where the target holds no ids, or padding only.
 * @throws RangeError where the shapes disagree or a target is outside −1 … V−1.
 * @example
 * const loss = crossEntropy();
 * loss(reference(), tensor([1, 1, 2], [0, 0]), ids([1, 1], [1])).data[0]; // ln 2
 */
export function crossEntropy(): Loss {
  return (ops, prediction, target) => {
    if (target.type !== 'int32') {
      throw new TypeError(
        `crossEntropy: targets are ids (int32), but got ${target.type} ${showShape(target.shape)}; ` +
          'make them by ids(), or use squaredError for numbers.',
      );
    }
    let count = 0;
    for (const id of target.data) if (id !== -1) count += 1;
    if (count === 0) {
      throw new TypeError(
        `crossEntropy: every target of ${showShape(target.shape)} is −1 (padding), so there is nothing to average; ` +
          'leave such windows out.',
      );
    }
    return ops.affine(ops.sumTo(ops.crossEntropy(prediction, target as Ids), []), 1 / count, 0);
  };
}
