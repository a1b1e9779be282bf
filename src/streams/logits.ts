/** What is read off rows of logits, in float64. That a model has diverged, or gives no such symbol, is an error that says so. */

type Row = ArrayLike<number>;

const diverged = (operation: string, width: number, largest: number): RangeError =>
  new RangeError(
    `${operation}: cannot choose among ${width} logits of which the largest is ${largest}; the model has diverged: ` +
      'lower the learning rate or clip the gradients.',
  );

/** @throws RangeError where the largest logit is no finite number. */
export function largestLogit(operation: string, logits: Row, start = 0, width = logits.length): number {
  let max = Number.NEGATIVE_INFINITY;
  for (let v = start; v < start + width; v += 1) max = Math.max(max, logits[v] as number);
  if (!Number.isFinite(max)) throw diverged(operation, width, max);
  return max;
}

/**
 * The place of the largest number of a row, counted from its start; of the first one where there are several.
 *
 * @throws RangeError where one of them is NaN.
 */
export function placeOfLargest(operation: string, numbers: Row, start = 0, width = numbers.length): number {
  let best = start;
  for (let k = start; k < start + width; k += 1) {
    const value = numbers[k] as number;
    if (Number.isNaN(value)) throw diverged(operation, width, value);
    if (value > (numbers[best] as number)) best = k;
  }
  return best - start;
}

/** @throws RangeError where a symbol is none of those that there are logits of. */
export function checkSymbol(operation: string, id: number, width: number): void {
  if (id >= 0 && id < width) return;
  throw new RangeError(
    `${operation}: symbol ${id} has no logit: the model gives ${width}, of ids from 0 to ${width - 1}; ` +
      'make its head as wide as the vocabulary.',
  );
}

/** The `count` most probable symbols, from the most probable down; of equals the first. */
export function mostProbable(logits: Row, count: number): number[] {
  const best: number[] = [];
  for (let id = 0; id < logits.length; id += 1) {
    let at = best.length;
    while (at > 0 && (logits[best[at - 1] as number] as number) < (logits[id] as number)) at -= 1;
    if (at >= count) continue;
    best.splice(at, 0, id);
    if (best.length > count) best.pop();
  }
  return best;
}

/**
 * `−log softmax(logits)[id]` in nats, stable for logits of any size.
 *
 * @throws RangeError where the largest logit is no finite number, or the id is none of theirs.
 */
export function natsOf(operation: string, logits: Row, id: number, start = 0, width = logits.length): number {
  checkSymbol(operation, id, width);
  const max = largestLogit(operation, logits, start, width);
  let sum = 0;
  for (let v = start; v < start + width; v += 1) sum += Math.exp((logits[v] as number) - max);
  // In this order: added to a logit of 1e30 the sum's logarithm would be lost.
  return Math.log(sum) + (max - (logits[start + id] as number));
}
