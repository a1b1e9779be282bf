import type { Ops } from '../../ops/ops.js';
import { checkedOptions } from '../../options.js';
import { sameShape, type Tensor } from '../../tensor.js';

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
  /**
   * The loss of each position, before any mean: of predictions and a target `[T, B, …]` it is `[T, B]`, 0 at padding. What the
   * option `each` of a trainer asks for.
   */
  readonly each?: (ops: Ops, prediction: Y, target: Z) => Tensor;
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
    /** What is added up over all positions, one number a position or one for each of its features. */
    readonly terms: (ops: Ops, prediction: Tensor, target: Tensor) => readonly [Tensor, ...Tensor[]];
    readonly takes?: 'logits';
  },
): Loss {
  const { reduction = 'mean' } = checkedOptions(operation, options, { reduction: true });
  if (reduction !== 'mean' && reduction !== 'sum') {
    throw new TypeError(`${operation}: reduction is 'mean' or 'sum', not ${JSON.stringify(reduction)}.`);
  }
  const { scale, count, terms, takes } = parts;
  const scaled = (ops: Ops, sums: readonly Tensor[], factor: number): Tensor => {
    const sum = sums.reduce((one, other) => ops.add(one, other));
    return factor === 1 ? sum : ops.affine(sum, factor, 0);
  };
  const loss = (ops: Ops, prediction: Tensor, target: Tensor): Tensor => {
    const sums = terms(ops, prediction, target).map((term) => ops.sumTo(term, []));
    return scaled(ops, sums, reduction === 'sum' ? scale : scale / count(target));
  };
  const each = (ops: Ops, prediction: Tensor, target: Tensor): Tensor => {
    const positions = prediction.shape.slice(0, -1);
    const ofPosition = (term: Tensor) =>
      sameShape(term.shape, positions) ? term : ops.reshape(ops.sumTo(term, [...positions, 1]), positions);
    return scaled(ops, terms(ops, prediction, target).map(ofPosition), scale);
  };
  return Object.assign(loss, { reduction, count, each, ...(takes && { takes }) });
}
