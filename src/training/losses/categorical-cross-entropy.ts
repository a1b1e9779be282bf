import { described } from '../../description.js';
import type { Ops } from '../../ops/ops.js';
import { rowsAndWidth } from '../../ops/shapes.js';
import { ids, type Numbers, sameShape, showShape, type Tensor, tensor } from '../../tensor.js';
import { logitsOf } from './logits-of.js';
import { type Loss, type LossOptions, reduced } from './loss.js';

/** How far a distribution's sum may be from 1: rounding, not a mistake. */
const TOLERANCE = 1e-3;

/** A target's rows, as the loss needs them. */
interface Rows {
  /** The most probable class of each row; −1 where the row is zeros. */
  readonly classes: Int32Array;
  /** The sum of each row. */
  readonly sums: Numbers;
  /** What the rows have beyond all of their sum at that class; undefined where that is nothing. */
  readonly rest: Numbers | undefined;
  readonly count: number;
}

function numbersLike(data: Numbers, length: number): Float32Array | Float64Array {
  return data instanceof Float64Array ? new Float64Array(length) : new Float32Array(length);
}

function rowsOfTarget({ shape, type, data }: Tensor): Rows {
  if (type === 'int32') {
    throw new TypeError(
      `categoricalCrossEntropy: targets are one-hot rows or distributions, but got ids ${showShape(shape)}; ` +
        'use crossEntropy, which takes ids as they are, or toOneHot.',
    );
  }
  const { rows, width } = rowsAndWidth(shape, 'categoricalCrossEntropy');
  const classes = new Int32Array(rows);
  const sums = numbersLike(data, rows);
  const rest = numbersLike(data, data.length);
  let count = 0;
  let soft = false;
  for (let row = 0; row < rows; row += 1) {
    const start = row * width;
    let best = 0;
    let sum = 0;
    for (let v = 0; v < width; v += 1) {
      const value = data[start + v] as number;
      if (!(value >= 0)) throw notADistribution(shape, row, `has ${value}`);
      sum += value;
      if (value > (data[start + best] as number)) best = v;
    }
    if (sum !== 0 && Math.abs(sum - 1) > TOLERANCE) throw notADistribution(shape, row, `adds up to ${sum}`);
    classes[row] = sum === 0 ? -1 : best;
    if (sum === 0) continue;
    count += 1;
    sums[row] = sum;
    if (data[start + best] === 1 && sum === 1) continue;
    soft = true;
    for (let v = 0; v < width; v += 1) rest[start + v] = (v === best ? sum : 0) - (data[start + v] as number);
  }
  return { classes, sums, rest: soft ? rest : undefined, count };
}

function notADistribution(shape: readonly number[], row: number, what: string): RangeError {
  return new RangeError(
    `categoricalCrossEntropy: row ${row} of the target ${showShape(shape)} ${what}; a row is a distribution over the ` +
      'classes, one-hot by toOneHot, or all zeros where the position does not count.',
  );
}

/**
 * Cross-entropy of logits against one-hot rows, or against any distribution over the classes (smoothed labels, another
 * model's predictions), in nats per position.
 *
 * Equation: `L = −1/n Σ over n positions Σ_v t_v log softmax(logits)_v`; rows of zeros are padding and do not count; with
 * `{ reduction: 'sum' }` without the 1/n. For one-hot rows it is `crossEntropy` of their ids, bit for bit.
 * Source: the lecture's cross-entropy between the softmax output and the target; Keras' `categorical_crossentropy` with
 * `from_logits`, PyTorch's `cross_entropy` with probabilities as target.
 *
 * Shapes: `prediction: [..., V], target: [..., V] → []`.
 *
 * @param options whether it is the mean or the sum over positions; the mean by default.
 * @returns the loss, for `trainer`, `tbptt` or `compile`; it gives one number, `[]`.
 * @throws TypeError where the target holds ids, or padding only, of which there is no mean.
 * @throws RangeError where the shapes disagree, or a row is no distribution.
 * @throws TypeError where the reduction is neither of the two, or an option is not known.
 * @example
 * const loss = categoricalCrossEntropy();
 * loss(reference(), tensor([1, 1, 2], [0, 0]), toOneHot(ids([1, 1], [1]), 2)).data[0]; // ln 2
 */
export function categoricalCrossEntropy(options: LossOptions = {}): Loss {
  return described(
    reduced('categoricalCrossEntropy', options, {
      scale: 1,
      takes: 'logits',
      count(target) {
        const { count } = rowsOfTarget(target);
        if (count > 0) return count;
        throw new TypeError(
          `categoricalCrossEntropy: every row of the target ${showShape(target.shape)} is zeros (padding), so there is ` +
            'nothing to average; leave such windows out.',
        );
      },
      terms(ops, prediction, target) {
        if (!sameShape(prediction.shape, target.shape)) {
          throw new RangeError(
            `categoricalCrossEntropy: prediction ${showShape(prediction.shape)} and target ${showShape(target.shape)} ` +
              'must have the same shape; give as many classes as the model gives logits.',
          );
        }
        return termsOf(ops, prediction, rowsOfTarget(target));
      },
    }),
    'categoricalCrossEntropy',
    [options],
  );
}

/**
 * With c the most probable class, `−Σ_v t_v log softmax(z)_v = S·(−log softmax(z)_c) + Σ_v (S·[v = c] − t_v) (z_v − z_c)`, S
 * being the row's sum: the fused, stable primitive, and a rest that is 0 for one-hot rows. What all logits have in common
 * leaves the rest as z_c does, before it can take the digits of their differences.
 */
function termsOf(ops: Ops, logits: Tensor, { classes, sums, rest }: Rows): readonly [Tensor, ...Tensor[]] {
  const positions = logits.shape.slice(0, -1);
  const nats = ops.crossEntropy(logits, ids(positions, classes));
  if (rest === undefined) return [nats];
  const certain = ops.multiply(nats, tensor(positions, sums));
  const above = ops.subtract(logits, ops.reshape(logitsOf(ops, logits, classes), [...positions, 1]));
  return [certain, ops.multiply(above, tensor(logits.shape, rest))];
}
