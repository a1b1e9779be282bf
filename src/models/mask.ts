/** Which steps of examples are real, and which are there only because arrays have no ragged edge. */

import type { Lengths } from '../ops/lengths.js';
import { showShape, sizeOf } from '../tensor.js';
import { type Data, type ExampleLayout, type Examples, examplesOf } from './examples.js';

/** `[N, T]`: 1 or true at each example's real steps, which come first, and 0 or false at the padding after them. */
export type Mask = Data | readonly (readonly boolean[])[];

/**
 * How many steps of each example are real, by a mask.
 *
 * @throws TypeError where examples have no steps.
 * @throws RangeError where it is not one row for each example, or a row is not ones and then zeros.
 */
export function lengthsOfMask(what: string, mask: Mask, { count, shape }: Examples, layout: ExampleLayout): Lengths {
  checkSequences(what, layout);
  const rows = Array.isArray(mask) ? mask.map((row) => (isRow(row) ? Array.from(row, Number) : row)) : mask;
  const given = examplesOf(what, rows as Data);
  const steps = shape[0] as number;
  if (given.count !== count || given.shape.length !== 1 || given.shape[0] !== steps) {
    throw new RangeError(
      `${what} is ${showShape([given.count, ...given.shape])}, but there are ${count} examples of ${steps} steps; ` +
        `give a row of ${steps} for each.`,
    );
  }
  const wrong = given.data.findIndex((value) => value !== 0 && value !== 1);
  if (wrong >= 0) {
    throw new RangeError(
      `${what} has ${given.data[wrong]} in example ${Math.floor(wrong / steps)}; it holds 1 where a step is real and 0 where not.`,
    );
  }
  return lengthsWhere(what, given.data, [count, steps], (value) => value === 1);
}

/**
 * How many steps of each example are real, where an id stands for padding, or a number that all features of a step have.
 *
 * @throws TypeError where examples have no steps, or are numbers without features.
 * @throws RangeError where an example has nothing else, or padding before a real step.
 */
export function lengthsOfIds(
  what: string,
  { count, shape, type, data }: Examples,
  layout: ExampleLayout,
  padding: number,
): Lengths {
  checkSequences(what, layout);
  const steps = shape[0] as number;
  if (type === 'int32') return lengthsWhere(what, data, [count, steps], (id) => id !== padding);
  const width = sizeOf(shape.slice(1));
  if (shape.length < 2)
    throw new TypeError(`${what} is numbers without features, and padding is an id; give a mask instead.`);
  const fill = Math.fround(padding);
  const isReal = (_: unknown, step: number) =>
    data.subarray(step * width, (step + 1) * width).some((value) => Math.fround(value) !== fill);
  return lengthsWhere(what, Array.from({ length: count * steps }, isReal), [count, steps], (real) => real);
}

const isRow = (row: unknown): row is ArrayLike<unknown> => Array.isArray(row) || ArrayBuffer.isView(row);

function checkSequences(what: string, layout: ExampleLayout): void {
  if (layout === 'sequence') return;
  throw new TypeError(
    `${what} says which steps are real, but x is examples of one moment; leave it out, or give { input: 'sequence' }.`,
  );
}

function lengthsWhere<V>(
  what: string,
  data: ArrayLike<V>,
  [count, steps]: readonly [count: number, steps: number],
  isReal: (value: V) => boolean,
): Lengths {
  return Array.from({ length: count }, (_, example) => {
    const real = Array.from({ length: steps }, (_, step) => isReal(data[example * steps + step] as V));
    const length = real.lastIndexOf(true) + 1;
    if (length === 0) throw new RangeError(`${what}: example ${example} has no real step; leave it out.`);
    const gap = real.indexOf(false);
    if (gap < 0 || gap >= length) return length;
    throw new RangeError(
      `${what}: example ${example} has padding at step ${gap}, before a real step; put padding at the end.`,
    );
  });
}

/** Examples of which the steps after the given ones are padding, whatever stood there. */
export function paddedAfter(examples: Examples, lengths: Lengths, padding: number): Examples {
  const { shape, data } = examples;
  const [steps = 1, ...rest] = shape;
  if (lengths.every((length) => length === steps)) return { ...examples, lengths };
  const width = sizeOf(rest);
  const filled = data.slice();
  lengths.forEach((length, example) => {
    filled.fill(padding, (example * steps + length) * width, (example + 1) * steps * width);
  });
  return { ...examples, data: filled, lengths };
}
