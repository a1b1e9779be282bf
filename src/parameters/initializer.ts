/** What draws a parameter's first value, into an array of its own or to where it is to lie. */
import { finish, type PiecewiseTask } from '../piecewise-task.js';
import type { RandomGenerator } from '../random.js';
import { type Shape, showShape, sizeOf } from '../tensor.js';

/** Draws a parameter's first value. */
export interface Initializer {
  (shape: Shape, random: RandomGenerator): Float32Array;
  /** Puts the same numbers where they are to lie, in pieces, which spares an array and time in one go; optional. */
  readonly fill?: Fill;
}

/** Draws a first value to where it is to lie, in pieces of less than a millisecond. */
export type Fill = (shape: Shape, random: RandomGenerator, target: Target) => PiecewiseTask<void>;

/** Numbers that are drawn in a piece: less than a millisecond. */
const PIECE = 1 << 14;

/** Fills one row after the other, in pieces. */
export function* rowByRow(shape: Shape, target: Target, fill: (row: Float32Array) => void): PiecewiseTask<void> {
  const [rows, columns] = [sizeOf(shape.slice(0, -1)), columnsOf(shape)];
  for (let row = 0, since = 0; row < rows; row += 1, since += columns) {
    if (since >= PIECE) {
      yield;
      since = 0;
    }
    const start = target.at + row * target.stride;
    fill(target.numbers.subarray(start, start + columns));
  }
}

/** Where numbers go. Rows, what one index of all axes but the last selects, may lie apart. */
export interface Target {
  /** To be asked for anew whenever memory may have been taken: it may be another array then. */
  readonly numbers: Float32Array;
  /** Index of the first one. */
  readonly at: number;
  /** Numbers from the start of one row to the next. */
  readonly stride: number;
}

/** An initialiser that fills. */
export function filling(fill: Fill): Initializer {
  const draw = (shape: Shape, random: RandomGenerator) => {
    const numbers = new Float32Array(sizeOf(shape));
    finish(fill(shape, random, { numbers, at: 0, stride: columnsOf(shape) }));
    return numbers;
  };
  return Object.assign(draw, { fill });
}

/** Draws as many numbers as the shape has, or says of the path that they are not. */
export function drawn(initializer: Initializer, shape: Shape, random: RandomGenerator, path = ''): Float32Array {
  const values = initializer(shape, random);
  if (values.length === sizeOf(shape)) return values;
  throw new RangeError(
    `parameter: the initialiser of ${path || 'a parameter'} gave ${values.length} numbers for ${showShape(shape)}; it ` +
      `gives ${sizeOf(shape)}.`,
  );
}

/** Draws to where the numbers are to lie, in pieces. @throws RangeError where they are not as many as the shape has. */
export function* drawInto(
  initializer: Initializer,
  shape: Shape,
  random: RandomGenerator,
  target: Target,
  path?: string,
): PiecewiseTask<void> {
  if (initializer.fill !== undefined) {
    return yield* initializer.fill(shape, random, target);
  }
  const values = drawn(initializer, shape, random, path);
  const columns = columnsOf(shape);
  const { numbers, at, stride } = target;
  for (let from = 0, to = at; from < values.length; from += columns, to += stride) {
    numbers.set(values.subarray(from, from + columns), to);
  }
}

/** Numbers of a row. */
export const columnsOf = (shape: Shape): number => shape.at(-1) ?? 1;
