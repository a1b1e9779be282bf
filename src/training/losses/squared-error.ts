import { described } from '../../description.js';
import { checkLengths, type Padded, realSteps } from '../../ops/lengths.js';
import { rowsAndWidth } from '../../ops/shapes.js';
import { sameShape, showShape, type Tensor } from '../../tensor.js';
import { type Loss, type LossOptions, reduced } from './loss.js';

/**
 * Half the squared distance, averaged over positions (not over features).
 *
 * Equation: `L = 1/n Σ over n positions ½ Σ over F features (y − t)²`; with `{ reduction: 'sum' }` without the 1/n.
 * Source: the lecture's square error ½‖y − t‖² of an example. PyTorch: `mse_loss(y, t, reduction='sum') / (2 n)`, that
 * is F/2 times its default, which averages over features too.
 *
 * Shapes: `prediction: [..., F], target: [..., F] → []`, n being the product of the leading axes. Of a target with
 * lengths (`padded`), `[T, B, F]`, only the real steps count, in the sum and in n.
 *
 * @param options whether it is the mean or the sum over positions; the mean by default.
 * @returns the loss, for `trainer`, `tbptt` or `compile`; it gives one number, `[]`.
 * @throws RangeError where the shapes are not equal: nothing is broadcast, since that hides mistakes.
 * @throws RangeError where the target's lengths are not one for each lane, from 0 to T, or all 0.
 * @throws TypeError where the reduction is neither of the two, or an option is not known.
 * @example
 * const loss = squaredError();
 * loss(reference(), tensor([1, 1, 2], [3, 1]), tensor([1, 1, 2], [1, 1])).data[0]; // 2
 */
export function squaredError(options: LossOptions = {}): Loss {
  return described(
    reduced('squaredError', options, {
      scale: 0.5,
      count(target) {
        const lengths = lengthsOf(target);
        if (lengths === undefined) return rowsAndWidth(target.shape, 'squaredError').rows;
        const real = lengths.reduce((sum, length) => sum + length, 0);
        if (real === 0) throw new RangeError('squaredError: every lane has length 0, so there is nothing to average.');
        return real;
      },
      terms(ops, prediction, target) {
        if (!sameShape(prediction.shape, target.shape)) {
          throw new RangeError(
            `squaredError: prediction ${showShape(prediction.shape)} and target ${showShape(target.shape)} ` +
              'must have the same shape; reshape one of them.',
          );
        }
        const difference = ops.subtract(prediction, target);
        const lengths = lengthsOf(target);
        const counted =
          lengths === undefined ? difference : ops.multiply(difference, realSteps(target.shape[0] as number, lengths));
        return [ops.multiply(counted, counted)];
      },
    }),
    'squaredError',
    [options],
  );
}

const lengthsOf = (target: Tensor) => checkLengths((target as Partial<Padded>).lengths, target, 'squaredError');
