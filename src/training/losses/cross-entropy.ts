import { requireNumber } from '../../checks.js';
import { described } from '../../description.js';
import type { Ops } from '../../ops/ops.js';
import { checkedOptions } from '../../options.js';
import { type Ids, showShape, type Tensor, tensor } from '../../tensor.js';
import { logitsOf } from './logits-of.js';
import { type Loss, type LossOptions, reduced } from './loss.js';

/** Options of {@link crossEntropy}. */
export interface CrossEntropyOptions extends LossOptions {
  /**
   * ε, the share of each target that is spread evenly over all symbols (label smoothing: Szegedy et al., Rethinking the inception
   * architecture for computer vision, 2016). The loss that is given has it too, so a smoothed one is no measure of a model. Default 0.
   */
  readonly smoothing?: number;
}

/**
 * Cross-entropy of logits against symbol ids, in nats per position; divide by `Math.LN2` for bits.
 *
 * Equation: `L = −1/n Σ log softmax(logits)[target]` over the n positions whose target is not −1 (padding); with
 * `{ reduction: 'sum' }` without the 1/n.
 * With smoothing: `L = (1 − ε) L₀ + ε · mean_v(−log softmax(logits)[v])`, L₀ being that.
 * Source: the lecture's cross-entropy with softmax output, fused for stability; PyTorch's
 * `cross_entropy(…, ignore_index=-1)` with its default reduction, the mean; its `label_smoothing` is ε.
 *
 * Shapes: `prediction: [..., V], target: [...] → []`.
 *
 * @param options whether it is the mean or the sum over positions, the mean by default; and ε.
 * @returns the loss, for `trainer`, `tbptt` or `compile`; it gives one number, `[]`.
 * @throws TypeError where the target holds no ids, or padding only, of which there is no mean.
 * @throws RangeError where the shapes disagree, a target is outside −1 … V−1, or ε is not in [0, 1).
 * @throws TypeError where the reduction is neither of the two, or an option is not known.
 * @example
 * const loss = crossEntropy();
 * loss(reference(), tensor([1, 1, 2], [0, 0]), ids([1, 1], [1])).data[0]; // ln 2
 */
export function crossEntropy(options: CrossEntropyOptions = {}): Loss {
  const { smoothing = 0, ...reducing } = checkedOptions('crossEntropy', options, { reduction: true, smoothing: true });
  const isShare = (share: number) => share >= 0 && share < 1;
  requireNumber('crossEntropy', 'smoothing', smoothing, 'a share, from 0 to below 1', isShare);
  function idsOf(target: Tensor): Ids {
    if (target.type === 'int32') return target as Ids;
    throw new TypeError(
      `crossEntropy: targets are ids (int32), but got ${target.type} ${showShape(target.shape)}; make them by ids(), ` +
        'or use categoricalCrossEntropy for one-hot targets and squaredError for numbers.',
    );
  }
  return described(
    reduced('crossEntropy', reducing, {
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
      terms(ops, prediction, target) {
        const nats = ops.crossEntropy(prediction, idsOf(target));
        return smoothing === 0 ? [nats] : [nats, ...spread(ops, prediction, idsOf(target), smoothing)];
      },
    }),
    'crossEntropy',
    [options],
  );
}

/** What smoothing adds to the nats: `ε (z_target − mean(z))`, since `mean_v(−log softmax(z)_v)` is the nats and that without the ε. */
function spread(ops: Ops, logits: Tensor, targets: Ids, smoothing: number): readonly Tensor[] {
  const positions = targets.shape;
  const share = ops.affine(logits, -smoothing / (logits.shape.at(-1) as number), 0);
  const own = ops.affine(ops.reshape(logitsOf(ops, logits, targets.data), positions), smoothing, 0);
  if (!targets.data.includes(-1)) return [own, share];
  const counts = Float32Array.from(targets.data, (id) => (id === -1 ? 0 : 1));
  return [ops.multiply(own, tensor(positions, counts)), ops.multiply(share, tensor([...positions, 1], counts))];
}
