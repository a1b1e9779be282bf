/**
 * Metrics: what is counted of predictions besides the loss. A metric is a description; what it has seen belongs to the
 * accumulator that it starts, so one metric may serve many runs.
 */
import { host } from '#host';
import { isRecord, requireKind } from '../../checks.js';
import { checkedNumbers, type Numbers, sameShape, showShape, type Tensor } from '../../tensor.js';
import { classOf } from '../one-hot.js';

/** Counts as it goes: batch after batch, whatever their sizes. */
export interface Accumulator<R = number> {
  /**
   * Counts a batch: predictions (logits) `[…, C]` and what they should have been, ids `[…]` or one-hot rows `[…, C]`. Ids
   * of −1 and rows of zeros are padding and do not count.
   *
   * @throws RangeError where the shapes disagree.
   */
  update(prediction: Tensor, target: Tensor): void;
  /** The figure of all that was counted; NaN where nothing was. */
  result(): R;
  /**
   * What was counted so far, as plain data that `start` takes: a run that is kept and goes on within an epoch goes on counting. A
   * metric without it counts from there on.
   */
  state?(): unknown;
}

/** What is counted of predictions besides the loss; each start counts from nothing. */
export interface Metric<R = number> {
  /** What it is called where it is reported: `accuracy`. */
  readonly name: string;
  /** Which way is better, for early stopping. */
  readonly better: 'higher' | 'lower';
  /** Counts from nothing, or on from what `state` of an earlier one gave. */
  start(state?: unknown): Accumulator<R>;
}

/** Starts a metric where an earlier run of it stood. One that had not said where that was starts over, with a warning. */
export function startedAgain<A>(
  operation: string,
  { name, start }: { readonly name: string; start(state?: unknown): A },
  state: unknown,
): A {
  if (state === undefined) {
    host.warn(
      `${operation}: the metric ${name} did not say what it had counted, so it counts from here on; give what it starts a state().`,
      'OXBOW_METRIC_ANEW',
    );
  }
  return start(state);
}

/**
 * What was counted of one metric, checked.
 *
 * @throws TypeError where it is not what the metric's `state()` gave.
 */
export function countedBefore<S>(name: string, state: unknown, fits: (state: Partial<S>) => boolean): S | undefined {
  if (state === undefined) return undefined;
  requireKind(name, isRecord(state) && fits(state as Partial<S>), 'what its state() gave', state, 'or nothing');
  return state as S;
}

/** A position that counts: its logits are `data[start … start + width − 1]`. */
export type Position = (data: Numbers, start: number, width: number, id: number) => void;

export const areCounts = (value: unknown): boolean => Array.isArray(value) && value.every(Number.isSafeInteger);

/** Goes through the positions that count. @throws RangeError where the shapes disagree or an id is out of range. */
export function eachPosition(name: string, prediction: Tensor, target: Tensor, see: Position): void {
  const { shape } = prediction;
  const [data, targets] = [checkedNumbers(prediction, name), checkedNumbers(target, name)];
  const width = shape.at(-1) ?? 0;
  const asIds = target.type === 'int32';
  if (width < 2 || !sameShape(asIds ? shape.slice(0, -1) : shape, target.shape)) {
    throw new RangeError(
      `${name}: takes predictions […, C] of at least two classes and ids […] or one-hot rows […, C], but got ` +
        `${showShape(shape)} and ${target.type} ${showShape(target.shape)}.`,
    );
  }
  const rows = data.length / width;
  for (let row = 0; row < rows; row += 1) {
    if (!asIds) requireNumbers(name, targets, row, width);
    const id = asIds ? (targets[row] as number) : classOf(name, targets, row * width, width);
    if (id < -1 || id >= width) {
      throw new RangeError(`${name}: target ${row} is ${id}, but ${width} classes have ids from 0 to ${width - 1}.`);
    }
    if (id >= 0) see(data, row * width, width, id);
  }
}

function requireNumbers(name: string, target: Numbers, row: number, width: number): void {
  for (let k = row * width; k < (row + 1) * width; k += 1) {
    if (!Number.isNaN(target[k])) continue;
    throw new RangeError(
      `${name}: row ${row} of the target holds NaN; rows are one-hot, or zeros where they do not count.`,
    );
  }
}

/** A metric that is a mean over positions, or something made of that. */
export function meanOver(
  name: string,
  better: Metric['better'],
  value: (data: Numbers, start: number, width: number, id: number) => number,
  finish: (mean: number) => number = (mean) => mean,
): Metric {
  return {
    name,
    better,
    start(state) {
      const before = countedBefore<{ sum: number; count: number }>(
        name,
        state,
        (given) => typeof given.sum === 'number' && typeof given.count === 'number',
      );
      let { sum, count } = before ?? { sum: 0, count: 0 };
      return {
        update(prediction, target) {
          eachPosition(name, prediction, target, (data, start, width, id) => {
            sum += value(data, start, width, id);
            count += 1;
          });
        },
        result: () => finish(sum / count),
        state: () => ({ sum, count }),
      };
    },
  };
}
