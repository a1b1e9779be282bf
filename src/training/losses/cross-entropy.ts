import { described } from '../../description.js';
import { type Ids, showShape, type Tensor } from '../../tensor.js';
import { type Loss, type LossOptions, reduced } from './loss.js';

/**
 * Cross-entropy of logits against symbol ids, in nats per position; divide by `Math.LN2` for bits.
 *
 * Equation: `L = −1/n Σ log softmax(logits)[target]` over the n positions whose target is not −1 (padding); with
 * `{ reduction: 'sum' }` without the 1/n.
 * Source: the lecture's cross-entropy with softmax output, fused for stability; PyTorch's
 * `cross_entropy(…, ignore_index=-1)` with its default reduction, the mean.
 *
 * Shapes: `prediction: [..., V], target: [...] → []`.
 *
 * @param options whether it is the mean or the sum over positions; the mean by default.
 * @returns the loss, for `trainer`, `tbptt` or `compile`; it gives one number, `[]`.
 * @throws TypeError where the target holds no ids, or padding only, of which there is no mean.
 * @throws RangeError where the shapes disagree or a target is outside −1 … V−1.
 * @throws TypeError where the reduction is neither of the two, or an option is not known.
 * @example
 * const loss = crossEntropy();
 * loss(reference(), tensor([1, 1, 2], [0, 0]), ids([1, 1], [1])).data[0]; // ln 2
 */
export function crossEntropy(options: LossOptions = {}): Loss {
  function idsOf(target: Tensor): Ids {
    if (target.type === 'int32') return target as Ids;
    throw new TypeError(
      `crossEntropy: targets are ids (int32), but got ${target.type} ${showShape(target.shape)}; make them by ids(), ` +
        'or use categoricalCrossEntropy for one-hot targets and squaredError for numbers.',
    );
  }
  return described(
    reduced('crossEntropy', options, {
      scale: 1,
      takes: 'logits',
      count(target) {
        let count = 0;
        for (const id of idsOf(target).data) if (id !== -1) count += 1;
        if (count > 0) return count;
        throw new TypeError(
          `crossEntropy: every target of ${showShape(target.shape)} is −1 (padding), so there is nothing to average; ` +
            'leave such windows out.',
        );
      },
      terms: (ops, prediction, target) => [ops.crossEntropy(prediction, idsOf(target))],
    }),
    'crossEntropy',
    [options],
  );
}
