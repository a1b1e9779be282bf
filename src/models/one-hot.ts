import { requireCount } from '../checks.js';
import { checkIds, rowsAndWidth } from '../ops/shapes.js';
import { placeOfLargest } from '../streams/logits.js';
import { checkedNumbers, type Ids, ids, type Tensor, tensor } from '../tensor.js';

/**
 * Class ids as one-hot rows.
 *
 * Equation: `y[…, v] = 1` where v is the id, else 0; −1 (padding) gives a row of zeros.
 * Source: the lecture's one-hot labels; Keras' `to_categorical`.
 *
 * Shapes: ids `[…] → […, classes]`. (The layer `oneHot` does it within a model, and is the better place for inputs.)
 *
 * @param labels ids `[…]`.
 * @param classes how many numbers a row has.
 * @returns rows `[…, classes]`.
 * @throws TypeError where the tensor holds no ids.
 * @throws RangeError where an id is outside −1 … classes − 1.
 * @example
 * toOneHot(ids([2], [3, 0]), 4).data; // 0 0 0 1 | 1 0 0 0
 */
export function toOneHot(labels: Ids, classes: number): Tensor {
  requireCount('toOneHot', 'classes', classes);
  checkIds(labels, classes, 'toOneHot', true);
  const rows = new Float32Array(labels.data.length * classes);
  labels.data.forEach((id, at) => {
    if (id >= 0) rows[at * classes + id] = 1;
  });
  return tensor([...labels.shape, classes], rows);
}

/**
 * The class of each row: of one-hot rows what `toOneHot` was given, of predictions the most probable one.
 *
 * Equation: `y[…] = argmax_v x[…, v]`, the first one where several are equal; −1 for a row of zeros.
 * Source: Keras' examples, `argmax(axis=-1)`.
 *
 * Shapes: `[…, classes] →` ids `[…]`.
 *
 * @param x one-hot rows or predictions, `[…, classes]`.
 * @returns an id for each row, `[…]`.
 * @throws RangeError where there is no axis to choose from, or a number is NaN: the model has diverged.
 * @example
 * toIds(tensor([2, 2], [0, 1, 1, 0])).data; // 1 0
 */
export function toIds(x: Tensor): Ids {
  const { shape } = x;
  const data = checkedNumbers(x, 'toIds');
  const { rows, width } = rowsAndWidth(shape, 'toIds');
  const classes = Int32Array.from({ length: rows }, (_, row) => classOf('toIds', data, row * width, width));
  return ids(shape.slice(0, -1), classes);
}

/** The place of the largest number of a row, the first of equal ones; −1 where all are 0. @throws RangeError for NaN. */
export function classOf(operation: string, data: ArrayLike<number>, start: number, width: number): number {
  const best = placeOfLargest(operation, data, start, width);
  if (data[start + best] !== 0) return best;
  for (let v = start; v < start + width; v += 1) if (data[v] !== 0) return best;
  return -1;
}
