import { sameShape, showShape } from '../../tensor.js';
import { rowsOf } from '../shapes.js';
import type { Loss } from './loss.js';

/**
 * Half the squared distance, averaged over positions (not over features).
 *
 * Equation: `L = 1/n Σ over n positions ½ Σ over F features (y − t)²`.
 * Source: the lecture's square error ½‖y − t‖² of an example. PyTorch: `mse_loss(y, t, reduction='sum') / (2 n)`, that
 * is F/2 times its default, which averages over features too.
 *
 * Shapes: `prediction: [..., F], target: [..., F] → []`, n being the product of the leading axes.
 *
 * @throws RangeError where the shapes are not equal: nothing is broadcast, since that hides mistakes.
 * @example
 * const loss = squaredError();
 * loss(reference(), tensor([1, 1, 2], [3, 1]), tensor([1, 1, 2], [1, 1])).data[0]; // 2
 */
export function squaredError(): Loss {
  return (ops, prediction, target) => {
    if (!sameShape(prediction.shape, target.shape)) {
      throw new RangeError(
        `squaredError: prediction ${showShape(prediction.shape)} and target ${showShape(target.shape)} ` +
          'must have the same shape; reshape one of them.',
      );
    }
    const { rows } = rowsOf(prediction.shape, 'squaredError');
    const difference = ops.subtract(prediction, target);
    return ops.affine(ops.sumTo(ops.multiply(difference, difference), []), 0.5 / rows, 0);
  };
}
