/**
 * Padding: sequences of several lengths side by side. A lane's real steps come first; what follows them is there only
 * because a tensor has no ragged edge.
 */
import { type Ids, ids, showShape, type Tensor, tensor } from '../tensor.js';
import type { Ops } from './ops.js';

/** How many steps of each lane are real. */
export type Lengths = readonly number[];

/** A signal `[T, B, …]` whose lanes have lengths of their own. */
export type Padded<X extends Tensor = Tensor> = X & { readonly lengths: Lengths };

/**
 * Lengths that say something: undefined where every lane is as long as the signal.
 *
 * @throws RangeError where there is not one for each lane, or one is not a whole number from 0 to T.
 */
export function checkLengths(lengths: Lengths | undefined, x: Tensor, operation: string): Lengths | undefined {
  if (lengths === undefined) return undefined;
  const [steps = 0, lanes] = x.shape;
  const wrong = lengths.find((length) => !Number.isInteger(length) || length < 0 || length > steps);
  if (lengths.length !== lanes || wrong !== undefined) {
    throw new RangeError(
      `${operation}: ${showShape(x.shape)} takes ${lanes} lengths from 0 to ${steps}, but got [${lengths.join(', ')}]; ` +
        'give one for each lane.',
    );
  }
  return lengths.every((length) => length === steps) ? undefined : lengths;
}

/** 1 at real steps and 0 at padding, `[T, B, 1]`. */
export function realSteps(steps: number, lengths: Lengths): Tensor {
  const lanes = lengths.length;
  const data = new Float32Array(steps * lanes);
  for (let k = 0; k < data.length; k += 1) data[k] = Math.floor(k / lanes) < (lengths[k % lanes] as number) ? 1 : 0;
  return tensor([steps, lanes, 1], data);
}

/** For each lane the row of its last state, where the states before the first step and after each one are stacked. */
function lastRows(moments: readonly number[], lengths: Lengths): Ids {
  return ids(
    [lengths.length],
    lengths.map((length, lane) => moments.indexOf(length) * lengths.length + lane),
  );
}

/**
 * Of a tensor `[B, …]` as it was at several moments, for each lane the one at its own length.
 *
 * @param moments after how many steps each of the states was; every length is one of them.
 */
export function atLengths(ops: Ops, states: readonly Tensor[], moments: readonly number[], lengths: Lengths): Tensor {
  const { shape } = states[0] as Tensor;
  const lanes = shape[0] as number;
  const width = shape.slice(1).reduce((size, length) => size * length, 1);
  const rows = ops.reshape(ops.concat(states, 0), [states.length * lanes, width]);
  return ops.reshape(ops.gather(rows, lastRows(moments, lengths)), shape);
}

/**
 * Each lane's real steps in the opposite order, its padding where it was: `y_t = x_{length + 1 − t}`.
 */
export function reversed<X extends Tensor>(ops: Ops, x: X, lengths: Lengths | undefined): X {
  const [steps = 0, lanes = 0, ...rest] = x.shape;
  if (steps < 2) return x;
  const from = Int32Array.from({ length: steps * lanes }, (_, k) => {
    const [step, lane] = [Math.floor(k / lanes), k % lanes];
    const length = lengths?.[lane] ?? steps;
    return step < length ? (length - 1 - step) * lanes + lane : k;
  });
  if (x.type === 'int32') {
    const { data } = x;
    return ids(
      x.shape,
      from.map((k) => data[k] as number),
    ) as Tensor as X;
  }
  const width = rest.reduce((size, length) => size * length, 1);
  const rows = ops.gather(ops.reshape(x, [steps * lanes, width]), ids([steps * lanes], from));
  return ops.reshape(rows, x.shape) as X;
}
