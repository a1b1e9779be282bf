/**
 * Tensors: a shape and an array of numbers in row-major order.
 *
 * Whatever flows between operators is a plain immutable value with an array of its own. Inside a window a tensor may
 * be a place in the kernels' memory instead; it has the same face.
 */

/** Sizes from the outermost axis to the innermost: `[T, B, F]` is time, batch, features. A scalar has shape `[]`. */
export type Shape = readonly number[];

/** What the elements are: `float32` for signals, `int32` for symbol ids, `float64` on the reference only. */
export type NumberType = 'float32' | 'int32' | 'float64';

/**
 * Folding, said once for all three kinds of array: each has overloads of its own, of which TypeScript finds none that
 * fits all.
 */
interface Folds {
  reduce(fold: (previous: number, value: number, index: number) => number, initial?: number): number;
  reduce<U>(fold: (previous: U, value: number, index: number) => U, initial: U): U;
  reduceRight(fold: (previous: number, value: number, index: number) => number, initial?: number): number;
  reduceRight<U>(fold: (previous: U, value: number, index: number) => U, initial: U): U;
}

export type Numbers = (Float32Array | Int32Array | Float64Array) & Folds;

/** A shape and its numbers, row by row. */
export interface Tensor {
  readonly shape: Shape;
  readonly type: NumberType;
  /** The elements in row-major order. Treat them as read-only: tensors are values. */
  readonly data: Numbers;
}

/** Says of a type alone, never of a value, that it holds ids. */
declare const symbols: unique symbol;

/** A tensor of symbol ids, `[T, B]` as it comes from `tokens`. */
export interface Ids extends Tensor {
  readonly [symbols]?: true;
  readonly type: 'int32';
  readonly data: Int32Array;
}

/** A tensor of numbers to calculate with, which ids are not: what a layer of features takes. */
export interface Features extends Tensor {
  readonly [symbols]?: never;
}

/** Number of elements of a shape. */
export function sizeOf(shape: Shape): number {
  let size = 1;
  for (const length of shape) size *= length;
  return size;
}

/** `[50, 32, 128]` as people write it. */
export function showShape(shape: Shape): string {
  return `[${shape.join(', ')}]`;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((length, axis) => length === b[axis]);
}

function typeOf(data: Numbers): NumberType {
  if (data instanceof Float32Array) return 'float32';
  return data instanceof Int32Array ? 'int32' : 'float64';
}

/**
 * A tensor over the given numbers; plain arrays become `Float32Array`, typed arrays are taken as they are.
 *
 * @throws RangeError where the shape and the number of elements disagree.
 * @example
 * const x = tensor([2, 3], [1, 2, 3, 4, 5, 6]);
 */
export function tensor(shape: Shape, data: Numbers | readonly number[]): Tensor {
  const numbers = ArrayBuffer.isView(data) ? data : Float32Array.from(data);
  if (shape.some((length) => !Number.isInteger(length) || length < 0)) {
    throw new RangeError(`tensor: a shape is a list of whole numbers, not ${showShape(shape)}.`);
  }
  if (numbers.length !== sizeOf(shape)) {
    throw new RangeError(
      `tensor: shape ${showShape(shape)} holds ${sizeOf(shape)} numbers, but ${numbers.length} were given.`,
    );
  }
  return { shape, type: typeOf(numbers), data: numbers };
}

/**
 * Symbol ids as a tensor.
 *
 * @throws RangeError where the shape and the number of ids disagree.
 * @example
 * const x = ids([3, 1], [0, 5, 2]); // three steps of one lane
 */
export function ids(shape: Shape, data: Int32Array | readonly number[]): Ids {
  return tensor(shape, data instanceof Int32Array ? data : Int32Array.from(data)) as Ids;
}

/** Zeros of a shape, in an array of their own. */
export function zeros(shape: Shape): Tensor {
  return { shape, type: 'float32', data: new Float32Array(sizeOf(shape)) };
}

/** Whether a value is a tensor (and not, say, a record of tensors). */
export function isTensor(value: unknown): value is Tensor {
  return typeof value === 'object' && value !== null && 'shape' in value && 'data' in value;
}

/** Whether a value is a list (TypeScript's own guard does not know read-only ones). */
export const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value);
