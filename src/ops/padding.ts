/**
 * Padding: sequences of several lengths side by side. A lane's real steps come first; what follows them is there only
 * because a tensor has no ragged edge.
 */
import { type Ids, ids, showShape, sizeOf, type Tensor, tensor } from '../tensor.js';
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

/** The lengths that a signal has with it, where it has some. */
export const lengthsWith = (x: Tensor): Lengths | undefined => (x as Partial<Padded>).lengths;

/** The lengths of steps `from` to `to` of a signal that has some. */
export const lengthsWithin = (lengths: Lengths, from: number, to: number): Lengths =>
  lengths.map((length) => Math.min(Math.max(length, from), to) - from);

/**
 * The lengths of two signals one after the other in time, of so many steps and lanes; undefined where neither has any.
 *
 * @throws TypeError where a lane goes on after its padding.
 */
export function lengthsJoined(first: Tensor, second: Tensor): Lengths | undefined {
  const [before, after] = [lengthsWith(first), lengthsWith(second)];
  if (before === undefined && after === undefined) return undefined;
  const [steps, more] = [first.shape[0] as number, second.shape[0] as number];
  return Array.from({ length: first.shape[1] as number }, (_, lane) => {
    const [early, late] = [before?.[lane] ?? steps, after?.[lane] ?? more];
    if (early === steps || late === 0) return early + late;
    throw new TypeError(
      `lane ${lane} of a padded window ended after ${early} of ${steps} steps and goes on in the next one, so the two cannot ` +
        'be learnt from as one; reset it there, or let gradients flow through one window at a time.',
    );
  });
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
  const width = sizeOf(shape.slice(1));
  const rows = ops.reshape(ops.concat(states, 0), [states.length * lanes, width]);
  return ops.reshape(ops.gather(rows, lastRows(moments, lengths)), shape);
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

/** How a layer over time looks at its input: so many steps at once, from one look to the next, zeros at both ends together. */
export interface Looks {
  readonly size: number;
  readonly stride: number;
  readonly zeros: number;
}

/**
 * Steps of each lane after a layer that looks at several at once: as many as that lane gives alone.
 *
 * @throws RangeError where a lane has too few steps to be looked at, as it would be refused alone.
 */
export function lengthsAfterLooks(operation: string, lengths: Lengths, { size, stride, zeros }: Looks): Lengths {
  return lengths.map((length, lane) => {
    if (length > 0 && length + zeros < size) {
      throw new RangeError(
        `${operation}: takes ${size} steps at once, but lane ${lane} has ${length} of its own; ` +
          'leave such lanes out, or take fewer at once.',
      );
    }
    return length === 0 ? 0 : Math.floor((length + zeros - size) / stride) + 1;
  });
}
