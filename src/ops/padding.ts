/** Padded signals in Ops: steps taken from each lane by its own length. */
import { type Ids, ids, showShape, sizeOf, type Tensor } from '../tensor.js';
import type { Lengths } from './lengths.js';
import type { Ops } from './ops.js';

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
  const width = sizeOf(shape.slice(1));
  const rows = ops.reshape(ops.concat(states, 0), [states.length * lanes, width]);
  return ops.reshape(ops.gather(rows, lastRows(moments, lengths)), shape);
}

/** Of a tensor `[B, …]` the lanes that go on, and of another one those that begin afresh. */
export function mixedLanes(ops: Ops, kept: Tensor, fresh: Tensor, isFresh: (lane: number) => boolean): Tensor {
  const { shape } = kept;
  const lanes = shape[0] as number;
  const rows = ops.reshape(ops.concat([kept, fresh], 0), [2 * lanes, sizeOf(shape.slice(1))]);
  const from = Int32Array.from({ length: lanes }, (_, lane) => (isFresh(lane) ? lanes + lane : lane));
  return ops.reshape(ops.gather(rows, ids([lanes], from)), shape);
}

/** Of a signal `[S, B, …]`, for each step and lane, the one at the moment that the function says: `[steps, B, …]`. */
export function taken<X extends Tensor>(
  ops: Ops,
  x: X,
  steps: number,
  moment: (step: number, lane: number) => number,
): X {
  const [moments = 0, lanes = 0, ...rest] = x.shape;
  const from = Int32Array.from({ length: steps * lanes }, (_, k) => {
    const lane = k % lanes;
    return moment(Math.floor(k / lanes), lane) * lanes + lane;
  });
  const width = sizeOf(rest);
  const shape = [steps, lanes, ...rest];
  if (x.type === 'int32') {
    const data = new Int32Array(from.length * width);
    from.forEach((row, k) => {
      data.set(x.data.subarray(row * width, (row + 1) * width), k * width);
    });
    return ids(shape, data) as Tensor as X;
  }
  const rows = ops.gather(ops.reshape(x, [moments * lanes, width]), ids([steps * lanes], from));
  return ops.reshape(rows, shape) as X;
}

/**
 * Each lane's real steps in the opposite order, its padding where it was: `y_t = x_{length + 1 − t}`.
 */
export function reversed<X extends Tensor>(ops: Ops, x: X, lengths: Lengths | undefined): X {
  const [steps = 0] = x.shape;
  if (steps < 2) return x;
  return taken(ops, x, steps, (step, lane) => {
    const length = lengths?.[lane] ?? steps;
    return step < length ? length - 1 - step : step;
  });
}

/**
 * The last real step of each lane, `[T, B, …] → [1, B, …]`.
 *
 * @throws RangeError where a lane has none.
 */
export function lastOf<X extends Tensor>(ops: Ops, x: X, lengths: Lengths | undefined, operation: string): X {
  const [steps = 0] = x.shape;
  if (lengths !== undefined) {
    const empty = lengths.indexOf(0);
    if (empty < 0) return taken(ops, x, 1, (_, lane) => (lengths[lane] as number) - 1);
    throw new RangeError(`${operation}: lane ${empty} has no step of its own, so there is no last one; leave it out.`);
  }
  if (steps === 0) {
    throw new RangeError(`${operation}: takes a window [T, B, …] with T ≥ 1, but got ${showShape(x.shape)}.`);
  }
  return steps === 1 ? x : (ops.split(x, 0, [steps - 1, 1])[1] as X);
}

/**
 * Padding as zeros, whatever stood there: what is multiplied by 0 afterwards must not be NaN, nor an id outside a table.
 */
export function cleared<X extends Tensor>(ops: Ops, x: X, lengths: Lengths): X {
  const [steps = 0, lanes = 0, ...rest] = x.shape;
  const width = sizeOf(rest);
  const isPadding = (k: number) =>
    Math.floor(k / (lanes * width)) >= (lengths[Math.floor(k / width) % lanes] as number);
  const { data } = x;
  const first = Math.min(steps, ...lengths) * lanes * width;
  let clean = true;
  for (let k = first; k < data.length && clean; k += 1) clean = data[k] === 0 || !isPadding(k);
  if (clean) return x;
  if (x.type === 'int32') {
    return ids(
      x.shape,
      (data as Int32Array).map((id, k) => (isPadding(k) ? 0 : id)),
    ) as Tensor as X;
  }
  const more = ops.concat([x, ops.fill([1, lanes, ...rest], 0)], 0);
  return taken(ops, more, steps, (step, lane) => (step < (lengths[lane] as number) ? step : steps)) as X;
}
