/**
 * Data as people have it, example by example, `[N, …]`, and the signals that are made of it, `[T, B, …]`.
 */
import type { Lengths, Padded } from '../ops/lengths.js';
import {
  checkedNumbers,
  isTensor,
  type Numbers,
  type NumberType,
  type Shape,
  showShape,
  sizeOf,
  type Tensor,
} from '../tensor.js';

/** Arrays within arrays, all of one length at each depth. */
export type Nested = readonly number[] | readonly Nested[] | readonly Numbers[];

/**
 * Examples, the first axis being their number N: a tensor, a typed array (N numbers or ids), or arrays within arrays.
 * `Int32Array` and `ids()` are ids; everything else is numbers.
 */
export type Data = Tensor | Numbers | Nested;

/** Examples side by side. */
export interface Examples {
  readonly count: number;
  /** Of one example. */
  readonly shape: Shape;
  readonly type: NumberType;
  readonly data: Numbers;
  /** How many steps of each are real, where some are padding. */
  readonly lengths?: Lengths;
  /** Whether it was plain arrays, whose whole numbers may be ids. */
  readonly plain: boolean;
}

/**
 * Data as examples. Nothing is copied where it is a tensor or a typed array.
 *
 * @throws TypeError where it is none of the forms of `Data`, or its parts are of unequal lengths.
 * @throws RangeError where there is no example.
 */
export function examplesOf(what: string, data: Data): Examples {
  const { shape, type, numbers, plain } = read(what, data);
  const [count, ...rest] = shape;
  if (count === undefined) throw new TypeError(`${what} is one number; give examples, [N, …].`);
  if (count === 0 || numbers.length === 0) {
    throw new RangeError(`${what} is ${showShape(shape)}, with nothing in it; give one example at least.`);
  }
  return { count, shape: rest, type, data: numbers, plain };
}

interface Read {
  readonly shape: Shape;
  readonly type: NumberType;
  readonly numbers: Numbers;
  readonly plain: boolean;
}

const isNumbers = (value: unknown): value is Numbers =>
  value instanceof Float32Array || value instanceof Int32Array || value instanceof Float64Array;

const typeOf = (numbers: Numbers): NumberType =>
  numbers instanceof Int32Array ? 'int32' : numbers instanceof Float32Array ? 'float32' : 'float64';

function read(what: string, data: Data): Read {
  if (isNumbers(data)) return { shape: [data.length], type: typeOf(data), numbers: data, plain: false };
  if (isTensor(data)) return { shape: data.shape, type: data.type, numbers: checkedNumbers(data, what), plain: false };
  if (Array.isArray(data)) return readNested(what, data as Nested);
  const name = (data as { constructor?: { name?: string } } | null)?.constructor?.name ?? String(data);
  throw new TypeError(
    `${what} is a tensor, an Int32Array (ids), a Float32Array or Float64Array (numbers), or arrays within arrays, ` +
      `not ${name}; convert it.`,
  );
}

function readNested(what: string, data: Nested): Read {
  const shape: number[] = [];
  let leaf: unknown = data;
  while (Array.isArray(leaf)) {
    shape.push(leaf.length);
    leaf = leaf[0];
  }
  const rows = isNumbers(leaf) ? leaf : undefined;
  if (rows) shape.push(rows.length);
  const size = sizeOf(shape);
  const numbers = rows instanceof Int32Array ? new Int32Array(size) : new Float32Array(size);
  let at = 0;

  function fill(value: unknown, axis: number): void {
    const length = Array.isArray(value) || isNumbers(value) ? value.length : undefined;
    if (length !== shape[axis] || (rows !== undefined && isNumbers(value) && typeOf(value) !== typeOf(rows))) {
      const got = length === undefined ? typeof value : `${length}`;
      throw new TypeError(
        `${what} is not even: its first part is ${showShape(shape.slice(axis))}, but another one at that depth has ` +
          `${got}; give all the same length and type (pad where need be).`,
      );
    }
    if (length === undefined) {
      if (typeof value !== 'number') throw new TypeError(`${what} holds ${typeof value}, not numbers.`);
      numbers[at] = value;
      at += 1;
    } else if (isNumbers(value)) {
      numbers.set(value, at);
      at += value.length;
    } else {
      for (const part of value as readonly unknown[]) fill(part, axis + 1);
    }
  }
  fill(data, 0);
  return { shape, type: typeOf(numbers), numbers, plain: rows === undefined };
}

/** Whether an example is one moment, `[…]`, or steps in time, `[T, …]`. */
export type ExampleLayout = 'example' | 'sequence';

/**
 * How inputs are taken unless it is said: ids `[N, T]` and numbers `[N, T, F]` are sequences; ids `[N]`, numbers `[N]`
 * and `[N, F]`, and whatever has more axes (images) are examples of one moment.
 */
export function exampleLayoutOf({ shape, type }: Examples): ExampleLayout {
  return shape.length === (type === 'int32' ? 1 : 2) ? 'sequence' : 'example';
}

/**
 * A batch as a signal: the examples of the given numbers side by side. Sequences `[N, T, …]` are turned to `[T, B, …]`;
 * examples of one moment, `[N, …]`, become `[1, B, …]`. Numbers get a last axis of 1 where they have no features.
 */
export function signalOf(examples: Examples, order: Int32Array, layout: ExampleLayout): Tensor {
  const { shape, type, data, lengths } = examples;
  const [steps, rest] = layout === 'sequence' ? [shape[0] ?? 1, shape.slice(1)] : [1, shape];
  const width = sizeOf(rest);
  const lanes = order.length;
  const size = steps * lanes * width;
  const numbers = type === 'int32' ? new Int32Array(size) : new Float32Array(size);
  for (let t = 0; t < steps; t += 1) {
    for (let b = 0; b < lanes; b += 1) {
      const from = ((order[b] as number) * steps + t) * width;
      const to = (t * lanes + b) * width;
      // One number is quicker moved than cut out.
      if (width === 1) numbers[to] = data[from] as number;
      else numbers.set(data.subarray(from, from + width), to);
    }
  }
  const features = rest.length === 0 && type !== 'int32' ? [1] : rest;
  const signal: Tensor = { shape: [steps, lanes, ...features], type: typeOf(numbers), data: numbers };
  if (lengths === undefined) return signal;
  const padded: Padded = { ...signal, lengths: Array.from(order, (k) => lengths[k] as number) };
  return padded;
}

/** A signal `[T, B, …]` into examples `[N, T, …]` from the given one on; one step only becomes `[N, …]`. */
export function intoExamples({ shape, data }: Tensor, into: Numbers, first: number): void {
  const [steps = 0, lanes = 0, ...rest] = shape;
  const width = sizeOf(rest);
  for (let t = 0; t < steps; t += 1) {
    for (let b = 0; b < lanes; b += 1) {
      const from = (t * lanes + b) * width;
      into.set(data.subarray(from, from + width), ((first + b) * steps + t) * width);
    }
  }
}
