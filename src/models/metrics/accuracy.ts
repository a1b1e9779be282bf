import { requireCount } from '../../checks.js';
import { described } from '../../description.js';
import { placeOfLargest } from '../../streams/logits.js';
import { type Metric, meanOver } from './metric.js';

/**
 * The share of positions whose most probable class is the right one; 1 − it is the lecture's error rate.
 *
 * Equation: `1/n Σ [argmax_v prediction_v = target]`, the first of equal ones.
 * Source: the lecture's Keras examples, `metrics=['accuracy']`.
 *
 * Shapes: predictions `[…, C]`, targets ids `[…]` or one-hot `[…, C]`.
 *
 * @returns a metric from 0 to 1, of which higher is better.
 * @example
 * const counted = accuracy().start();
 * counted.update(tensor([2, 2], [1, 0, 1, 0]), ids([2], [0, 1]));
 * counted.result(); // 0.5
 */
export function accuracy(): Metric {
  return described(named('accuracy'), 'accuracy', []);
}

/**
 * The same by Keras' other name, for one-hot targets.
 *
 * Equation: that of {@link accuracy}.
 * Source: the lecture's word model, `metrics=['categorical_accuracy']`.
 *
 * @returns a metric from 0 to 1, of which higher is better.
 * @example
 * classifier.compile({ loss: categoricalCrossEntropy(), optimizer, metrics: [categoricalAccuracy()] })
 */
export function categoricalAccuracy(): Metric {
  return described(named('categoricalAccuracy'), 'categoricalAccuracy', []);
}

const named = (name: string): Metric =>
  meanOver(name, 'higher', (data, start, width, id) => (placeOfLargest(name, data, start, width) === id ? 1 : 0));

/**
 * The share of positions whose right class is among the k most probable ones.
 *
 * Equation: `1/n Σ [fewer than k classes have a larger prediction than the target's]`.
 * Source: Keras' `top_k_categorical_accuracy`, k = 5 by default; the top-5 error of ILSVRC.
 *
 * Shapes: predictions `[…, C]`, targets ids `[…]` or one-hot `[…, C]`.
 *
 * @param k how many of the most probable classes may hold the right one; default 5.
 * @returns a metric from 0 to 1, named by k (`top5Accuracy`), of which higher is better.
 * @throws RangeError where k is not a whole number above 0.
 * @example
 * classifier.compile({ loss, optimizer, metrics: [topKAccuracy(3)] })
 */
export function topKAccuracy(k = 5): Metric {
  requireCount('topKAccuracy', 'k', k);
  const name = `top${k}Accuracy`;
  return described(
    meanOver(name, 'higher', (data, start, width, id) => {
      placeOfLargest(name, data, start, width);
      const own = data[start + id] as number;
      let above = 0;
      for (let v = start; v < start + width; v += 1) if ((data[v] as number) > own) above += 1;
      return above < k ? 1 : 0;
    }),
    'topKAccuracy',
    [k],
  );
}
