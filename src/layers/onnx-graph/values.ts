/** What flows through a graph of ONNX: signals, symbols that are looked up, and numbers that are known before anything is computed. */
import { MOST_NUMBERS } from '../../checks.js';
import type { Ops } from '../../ops/ops.js';
import { type Ids, type Shape, showShape, sizeOf, type Tensor, tensor } from '../../tensor.js';

/** Numbers that do not depend on a signal's: sizes, constants, and what follows from them. */
export interface Fixed {
  readonly fixed: 'int' | 'float' | 'bool';
  readonly shape: Shape;
  readonly data: readonly number[];
}

/** Places that are counted: `start[b] + t`, of which ids are made once there is a last one. */
export interface Counted {
  readonly counted: Tensor;
  readonly steps: number | undefined;
}

export type Value = Tensor | Fixed | Counted;

/** Fixed numbers at most: a graph that works out more before it begins is no model. */
export const MOST_FIXED = 2 ** 20;

export const isFixed = (value: Value): value is Fixed => 'fixed' in value;
export const isCounted = (value: Value): value is Counted => 'counted' in value;
export const isIds = (value: Value): value is Ids => !isFixed(value) && !isCounted(value) && value.type === 'int32';

export const fixed = (kind: Fixed['fixed'], shape: Shape, data: readonly number[]): Fixed => ({
  fixed: kind,
  shape,
  data,
});

export const shapeOf = (value: Value): Shape =>
  isCounted(value) ? [value.steps ?? 1, ...value.counted.shape] : value.shape;

/** @throws RangeError where numbers are more than a signal can have, or than are worked out beforehand. */
export function requireSize(shape: Shape, most = MOST_NUMBERS): number {
  const size = sizeOf(shape);
  const whole = shape.every((length) => Number.isSafeInteger(length) && length >= 0);
  if (whole && size <= most) return size;
  throw new RangeError(`${showShape(shape)} is no shape of at most ${most} numbers`);
}

const tensors = new WeakMap<Fixed, Tensor>();

/** A value as a signal. @throws TypeError where it is ids, which there is no calculating with. */
export function signalOf(value: Value): Tensor {
  if (isCounted(value) || isIds(value)) throw new TypeError('ids are looked up, and not calculated with');
  if (!isFixed(value)) return value;
  const known = tensors.get(value);
  if (known !== undefined) return known;
  const made = tensor(value.shape, Float32Array.from(value.data));
  tensors.set(value, made);
  return made;
}

/** @throws TypeError where a value depends on a signal, and has to be known before. */
export function fixedOf(value: Value | undefined, what: string): Fixed {
  if (value !== undefined && isFixed(value)) return value;
  throw new TypeError(`${what} follows from a signal's numbers, which is not known before it is computed`);
}

/** The shape of two that are broadcast. @throws RangeError where they cannot be. */
export function broadcastShape(a: Shape, b: Shape): Shape {
  const axes = Math.max(a.length, b.length);
  return Array.from({ length: axes }, (_, k) => {
    const [m = 1, n = 1] = [a[k - axes + a.length], b[k - axes + b.length]];
    if (m !== n && m !== 1 && n !== 1) throw new RangeError(`${showShape(a)} and ${showShape(b)} cannot be broadcast`);
    return m === 1 ? n : m;
  });
}

/** A negative axis counted from the end. @throws RangeError where there is no such axis. */
export function axisOf(axis: number, axes: number): number {
  const from = axis < 0 ? axis + axes : axis;
  if (Number.isInteger(from) && from >= 0 && from < axes) return from;
  throw new RangeError(`there is no axis ${axis} of ${axes}`);
}

const product = (shape: Shape, from: number, to?: number): number => sizeOf(shape.slice(from, to));

export const reshape = (ops: Ops, x: Tensor, shape: Shape): Tensor =>
  x.shape.length === shape.length && x.shape.every((length, k) => length === shape[k]) ? x : ops.reshape(x, shape);

/** Repeats axes of length 1 up to a shape: each by a product with ones, `[P, n, 1]·[P, 1, Q] → [P, n, Q]`. */
export function expand(ops: Ops, x: Tensor, shape: Shape): Tensor {
  requireSize(shape);
  let now: number[] = [...new Array<number>(shape.length - x.shape.length).fill(1), ...x.shape];
  let y = x;
  shape.forEach((length, axis) => {
    if (now[axis] === length) return;
    const [before, after] = [product(now, 0, axis), product(now, axis + 1)];
    y = ops.batchedMatmul(ops.fill([before, length, 1], 1), reshape(ops, y, [before, 1, after]));
    now = now.with(axis, length);
  });
  return reshape(ops, y, shape);
}

/** A second operand in one of the forms that primitives take under a first one of the given shape. */
export function under(ops: Ops, x: Tensor, shape: Shape): Tensor {
  if (sizeOf(x.shape) === 1) return reshape(ops, x, []);
  const padded = [...new Array<number>(shape.length - x.shape.length).fill(1), ...x.shape];
  const first = padded.findIndex((length) => length !== 1);
  const trailing = padded.slice(first);
  if (trailing.every((length, k) => length === shape[first + k])) return reshape(ops, x, trailing);
  const isPerRow = padded.every((length, k) => (k === padded.length - 1 ? length === 1 : length === shape[k]));
  return isPerRow ? reshape(ops, x, padded) : expand(ops, x, shape);
}

/** Axes in another order: neighbouring groups of them exchanged, by the one exchange that there is. */
export function transpose(ops: Ops, x: Tensor, order: readonly number[]): Tensor {
  const now = x.shape.map((_, axis) => axis);
  let y = x;
  order.forEach((axis, to) => {
    const from = now.indexOf(axis);
    if (from === to) return;
    const lengths = now.map((each) => x.shape[each] as number);
    const [p, a, b, q] = [
      product(lengths, 0, to),
      product(lengths, to, from),
      lengths[from] as number,
      product(lengths, from + 1),
    ];
    y = exchanged(ops, y, p, a, b, q);
    now.splice(to, 0, ...now.splice(from, 1));
  });
  return reshape(
    ops,
    y,
    order.map((axis) => x.shape[axis] as number),
  );
}

/** `[P, A, B, Q] → [P, B, A, Q]`. */
function exchanged(ops: Ops, x: Tensor, p: number, a: number, b: number, q: number): Tensor {
  if (a === 1 || b === 1) return x;
  const swapped = (y: Tensor, shape: Shape) => ops.swapAxes(reshape(ops, y, shape));
  if (p === 1) return swapped(x, [a, b, q]);
  const first = swapped(x, [p, a * b, q]);
  return swapped(swapped(first, [a, b, p * q]), [b * a, p, q]);
}

/** Parts of an axis. */
export function cut(ops: Ops, x: Tensor, axis: number, sizes: readonly number[]): readonly Tensor[] {
  return sizes.length === 1 ? [x] : ops.split(x, axis, sizes);
}

/** The steps from one place of an axis up to another. */
export function slice(ops: Ops, x: Tensor, axis: number, from: number, to: number): Tensor {
  const length = x.shape[axis] as number;
  if (from === 0 && to === length) return x;
  const sizes = [from, to - from, length - to];
  const kept = sizes.map((size, k) => [size, k] as const).filter(([size]) => size > 0);
  const at = kept.findIndex(([, k]) => k === 1);
  if (at < 0) throw new RangeError(`nothing is left of axis ${axis} of ${showShape(x.shape)}`);
  return cut(
    ops,
    x,
    axis,
    kept.map(([size]) => size),
  )[at] as Tensor;
}
