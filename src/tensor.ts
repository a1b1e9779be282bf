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

/** The elements of a tensor: a typed array of one of the three number types. */
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

const remedy = 'make it by tensor() or ids()';

const arrays = { float32: Float32Array, int32: Int32Array, float64: Float64Array } as const;

/** Number of elements of what should be a shape; NaN where it is none. */
function countOf(shape: unknown): number {
  if (!Array.isArray(shape)) return Number.NaN;
  let size = 1;
  for (const length of shape) {
    if (!Number.isSafeInteger(length) || length < 0) return Number.NaN;
    size *= length;
  }
  return size;
}

/**
 * A tensor's numbers, once its type, shape and numbers are known to agree. Numbers that come from outside go through here
 * before anyone counts, copies or looks them up: what lies in the kernels' memory is then as long as its shape says.
 *
 * @throws TypeError, RangeError where they do not agree.
 */
export function checkedNumbers(x: Tensor, what: string): Numbers {
  const { shape, type, data } = x ?? NONE;
  return typeOf(data) === type && data?.length === countOf(shape) ? data : refuse(x, what);
}

const NONE = {} as Tensor;

/** Whether a tensor's type, shape and numbers agree. What is in the kernels' memory does: it has its numbers by a getter. */
export function agrees(x: Tensor): boolean {
  if (typeof x !== 'object' || x === null || !('data' in x)) return false;
  return !Object.hasOwn(x, 'data') || (typeOf(x.data) === x.type && x.data?.length === countOf(x.shape));
}

function refuse(x: Tensor, what: string): never {
  if (typeof x !== 'object' || x === null) {
    throw new TypeError(`${what}: a tensor is a shape, a type and its numbers, not ${nameOf(x)}; ${remedy}.`);
  }
  const { shape, type, data } = x;
  const size = checkShape(shape, what);
  if (!Object.hasOwn(arrays, type)) {
    throw new TypeError(`${what}: a tensor is 'float32', 'int32' or 'float64', not ${nameOf(type)}; ${remedy}.`);
  }
  if (!(data instanceof arrays[type])) {
    throw new TypeError(
      `${what}: ${type} ${showShape(shape)} has its numbers in ${nameOf(data)} instead of a ${arrays[type].name}; ${remedy}.`,
    );
  }
  throw miscounted(what, shape, size, data.length);
}

const miscounted = (what: string, shape: Shape, size: number, given: number) =>
  new RangeError(`${what}: shape ${showShape(shape)} holds ${size} numbers, but ${given} were given; give as many.`);

/** Number of elements of a shape that comes from outside. @throws RangeError where it is not a list of sizes. */
export function checkShape(shape: Shape, what: string): number {
  const size = countOf(shape);
  if (!Number.isNaN(size)) return size;
  const got = Array.isArray(shape) ? showShape(shape) : nameOf(shape);
  throw new RangeError(`${what}: a shape is a list of whole numbers from 0 up, not ${got}; give one size an axis.`);
}

/** A value as messages show it: what it is, or what made it. */
function nameOf(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value !== 'object' || value === null) return String(value);
  const maker: unknown = value.constructor?.name;
  const name = typeof maker === 'string' ? maker : 'Object';
  return `${/^[AEIOU]/.test(name) ? 'an' : 'a'} ${name}`;
}

/**
 * The tensor itself, or, of one that went through JSON, the tensor that it was: its numbers may be an array, or a record
 * by index as JSON writes a typed array. What is in the kernels' memory is left alone.
 *
 * @throws TypeError, RangeError where type, shape and numbers do not agree.
 */
export function restoredTensor(x: Tensor, what: string): Tensor {
  if (agrees(x)) return x;
  const { shape, type, data } = x ?? NONE;
  if (ArrayBuffer.isView(data) || typeof data !== 'object' || data === null || !Object.hasOwn(arrays, type)) {
    checkedNumbers(x, what);
    return x;
  }
  const size = checkShape(shape, what);
  const given = Array.isArray(data) ? (data as ArrayLike<unknown>).length : Object.keys(data).length;
  if (given !== size) throw miscounted(what, shape, size, given);
  return { shape, type, data: filled(new arrays[type](size), data as ArrayLike<unknown>, what) };
}

/** Puts numbers that may be anything into an array. @throws TypeError, RangeError naming the first that it cannot hold. */
function filled<N extends Numbers>(into: N, values: ArrayLike<unknown>, what: string): N {
  const whole = into instanceof Int32Array;
  for (let k = 0; k < into.length; k += 1) {
    const value = values[k];
    if (typeof value !== 'number') {
      const why = value === null ? ' (which is what JSON makes of NaN and infinities)' : '';
      throw new TypeError(`${what}: element ${k} is ${nameOf(value)}${why}, not a number; put the data right.`);
    }
    if (whole && !isId(value)) {
      const got = Object.is(value, -0) ? '-0' : value;
      throw new RangeError(`${what}: id ${got} at position ${k} is not a whole number of 32 bits; put the data right.`);
    }
    into[k] = value;
  }
  return into;
}

const isId = (value: number): boolean => (value | 0) === value && !Object.is(value, -0);

/**
 * So many numbers as a typed array: the list itself where it is one that a tensor has, else a copy in `ArrayOf`.
 *
 * @throws TypeError, RangeError where it is not a list of so many numbers.
 */
export function listed(
  values: ArrayLike<number>,
  shape: Shape,
  what: string,
  ArrayOf = Float32Array as NumbersOf,
): Numbers {
  const size = checkShape(shape, what);
  const given: unknown = typeof values === 'object' ? values?.length : undefined;
  if (typeof given !== 'number') {
    throw new TypeError(`${what}: its numbers are a list, not ${nameOf(values)}; give an array of them.`);
  }
  if (given !== size) throw miscounted(what, shape, size, given);
  const isOwn = ArrayOf === Int32Array ? values instanceof Int32Array : typeOf(values) !== undefined;
  return isOwn ? (values as Numbers) : filled(new ArrayOf(size), values, what);
}

type NumbersOf = new (size: number) => Numbers;

const typeOf = (data: unknown): NumberType | undefined =>
  data instanceof Float32Array
    ? 'float32'
    : data instanceof Int32Array
      ? 'int32'
      : data instanceof Float64Array
        ? 'float64'
        : undefined;

/**
 * A tensor over the given numbers; plain arrays become `Float32Array`, and so do typed arrays of other kinds than a tensor
 * has; the others are taken as they are.
 *
 * @param shape sizes from the outermost axis to the innermost.
 * @param data as many numbers, in row-major order.
 * @returns the tensor; its type is that of the array.
 * @throws RangeError where the shape and the number of elements disagree.
 * @throws TypeError where an element is not a number.
 * @example
 * const x = tensor([2, 3], [1, 2, 3, 4, 5, 6]);
 */
export function tensor(shape: Shape, data: Numbers | readonly number[]): Tensor {
  const numbers = listed(data, shape, 'tensor');
  return { shape, type: typeOf(numbers) as NumberType, data: numbers };
}

/**
 * Symbol ids as a tensor.
 *
 * @param shape sizes, `[T, B]` for a signal.
 * @param data as many ids, in row-major order.
 * @returns the ids, int32; an `Int32Array` is taken as it is.
 * @throws RangeError where the shape and the number of ids disagree, or an id is not a whole number of 32 bits.
 * @throws TypeError where an id is not a number.
 * @example
 * const x = ids([3, 1], [0, 5, 2]); // three steps of one lane
 */
export function ids(shape: Shape, data: Int32Array | readonly number[]): Ids {
  return { shape, type: 'int32', data: listed(data, shape, 'ids', Int32Array) as Int32Array };
}

/**
 * Zeros of a shape, in an array of their own.
 *
 * @param shape sizes from the outermost axis to the innermost.
 * @returns the tensor, float32.
 * @throws RangeError where the shape is not a list of sizes.
 * @example
 * zeros([2, 3]).data.length; // 6
 */
export function zeros(shape: Shape): Tensor {
  return { shape, type: 'float32', data: new Float32Array(checkShape(shape, 'zeros')) };
}

/**
 * Whether a value is a tensor (and not, say, a record of tensors).
 *
 * @param value anything.
 * @returns whether it has a shape and data; whether these agree is not checked.
 * @example
 * isTensor(x); // true
 */
export function isTensor(value: unknown): value is Tensor {
  return typeof value === 'object' && value !== null && 'shape' in value && 'data' in value;
}

/** Whether a value is a list (TypeScript's own guard does not know read-only ones). */
export const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value);
