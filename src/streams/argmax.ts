import { map, type OperatorFunction } from 'rxjs';
import { requireTensor } from '../checks.js';
import { checkedNumbers, type Ids, ids, showShape, type Tensor } from '../tensor.js';
import { placeOfLargest } from './logits.js';

/**
 * The most probable symbol at each position: `argmax_v x[…, v]`, the first one where several are equal.
 *
 * Shapes: `[T, B, V]` → ids `[T, B]`.
 *
 * @returns an operator: ids of logits.
 * @throws TypeError (as an error notification) where a signal has no last axis to choose from.
 * @throws RangeError (as an error notification) where a number is NaN: the model has diverged.
 * @example
 * ids$.pipe(embedding(65, 64), lstm(64, 128), dense(128, 65), argmax())
 */
export function argmax(): OperatorFunction<Tensor, Ids> {
  return map((x) => {
    requireTensor('argmax', x, 'logits [T, B, V]', 'put it after a model');
    const { shape } = x;
    const data = checkedNumbers(x, 'argmax');
    const width = shape.at(-1);
    if (!width) throw new TypeError(`argmax: takes logits [T, B, V], but got ${showShape(shape)}.`);
    const best = new Int32Array(data.length / width);
    for (let row = 0; row < best.length; row += 1) {
      best[row] = placeOfLargest('argmax', data, row * width, width);
    }
    return ids(shape.slice(0, -1), best);
  });
}
