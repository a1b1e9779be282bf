import type { Ops } from '../../ops/ops.js';
import { checkedOptions } from '../../options.js';
import type { Tensor } from '../../tensor.js';

/** How the losses of many positions become one number. */
export type Reduction = 'mean' | 'sum';

/** Options of {@link crossEntropy}, {@link categoricalCrossEntropy} and {@link squaredError}. */
export interface LossOptions {
  /**
   * `mean` over positions, so that a rate suits any batch and length; or `sum`, the lecture's total loss over all
   * examples, whose gradient grows with their number. Default `mean`.
   */
  readonly reduction?: Reduction;
}

/**
 * A model's output and what it should have been → one number, `[]`, to be made small. Any function of that kind is a
 * loss; what else stands here lets several windows be put together. Of a model with several outputs both are records.
 */
export interface Loss<Y = Tensor, Z = Tensor> {
  (ops: Ops, prediction: Y, target: Z): Tensor;
  readonly reduction?: Reduction;
  /** Positions of a target that count. Without it, its lanes. */
  readonly count?: (target: Z) => number;
  /** Set where the loss has the softmax within it, so that the model must not. */
  readonly takes?: 'logits';
}

/**
 * A loss that is `scale` times a sum over positions, or that divided by their number.
 *
 * @throws TypeError where the reduction is neither.
 */
export function reduced(
  operation: string,
  options: LossOptions,
  parts: {
    readonly scale: number;
    readonly count: (target: Tensor) => number;
    readonly total: (ops: Ops, prediction: Tensor, target: Tensor) => Tensor;
    readonly takes?: 'logits';
  },
): Loss {
  const { reduction = 'mean' } = checkedOptions(operation, options, { reduction: true });
  if (reduction !== 'mean' && reduction !== 'sum') {
    throw new TypeError(`${operation}: reduction is 'mean' or 'sum', not ${JSON.stringify(reduction)}.`);
  }
  const { scale, count, total, takes } = parts;
  const loss = (ops: Ops, prediction: Tensor, target: Tensor): Tensor => {
    const sum = total(ops, prediction, target);
    const factor = reduction === 'sum' ? scale : scale / count(target);
    return factor === 1 ? sum : ops.affine(sum, factor, 0);
  };
  return Object.assign(loss, { reduction, count, ...(takes && { takes }) });
}
