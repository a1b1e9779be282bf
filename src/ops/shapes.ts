/**
 * The shape rules of the primitives, with their errors: `reference` and `eager` ask the same functions, so that both
 * accept and refuse the same operands. Each rule also gives the counts that a loop or a kernel needs.
 */
import {
  checkedNumbers,
  checkShape,
  type Ids,
  type Shape,
  sameShape,
  showShape,
  sizeOf,
  type Tensor,
} from '../tensor.js';

/** Which operands of a product are taken transposed. */
export interface Transposed {
  readonly a?: boolean;
  readonly b?: boolean;
}

/**
 * How a second operand lies under a first one that is seen as `[outer, inner]`. Its element for the first operand's
 * element k is: `same` k (outer is 1), `trailing` k mod inner, `rows` ⌊k / inner⌋, `one` 0 (outer is 1).
 */
export interface Broadcast {
  readonly form: 'same' | 'trailing' | 'rows' | 'one';
  readonly outer: number;
  readonly inner: number;
}

/**
 * How `b` is broadcast to `a`.
 *
 * @throws RangeError where it is in none of the forms.
 */
export function broadcastOf(a: Shape, b: Shape, operation: string): Broadcast {
  if (sameShape(a, b)) return { form: 'same', outer: 1, inner: sizeOf(a) };
  if (b.length === 0 || (b.length === 1 && b[0] === 1)) return { form: 'one', outer: 1, inner: sizeOf(a) };
  const leading = a.length - b.length;
  if (leading > 0 && b.every((length, axis) => length === a[leading + axis])) {
    return { form: 'trailing', outer: sizeOf(a.slice(0, leading)), inner: sizeOf(b) };
  }
  if (leading === 0 && b.at(-1) === 1 && sameShape(a.slice(0, -1), b.slice(0, -1))) {
    return { form: 'rows', outer: sizeOf(b), inner: a.at(-1) as number };
  }
  throw new RangeError(
    `${operation}: ${showShape(b)} does not broadcast to ${showShape(a)}. The second shape must equal the first, be ` +
      'its trailing axes, have a last axis of 1 under all its other axes, or be one number; put the larger operand first.',
  );
}

/** @throws RangeError where gain and bias are not as wide as the rows of `layerNorm`'s x. */
export function checkLayerNorm(x: Shape, gain: Shape, bias: Shape, operation = 'layerNorm'): void {
  const { width } = rowsAndWidth(x, operation);
  if (!sameShape(gain, [width]) || !sameShape(bias, [width])) {
    throw new RangeError(
      `${operation}: x ${showShape(x)} wants gain and bias [${width}], but got ${showShape(gain)} and ${showShape(bias)}.`,
    );
  }
}

/**
 * What `swapAxes(x)` gives.
 *
 * @throws RangeError where there are not two axes.
 */
export function swapShape(x: Shape): Shape {
  const [first, second, ...rest] = x;
  if (first === undefined || second === undefined) {
    throw new RangeError(`swapAxes: needs two axes at least, but got ${showShape(x)}.`);
  }
  return [second, first, ...rest];
}

/**
 * What `countFrom(start, steps, below)` gives.
 *
 * @throws RangeError where start is not one number a lane, or there is nothing to count.
 */
export function countShape(start: Shape, steps: number, below: number): Shape {
  if (start.length !== 1 || !Number.isInteger(steps) || steps < 0 || !Number.isInteger(below) || below < 1) {
    throw new RangeError(
      `countFrom: counts ${steps} steps below ${below} from ${showShape(start)}; start is one number a lane, [B].`,
    );
  }
  return [steps, start[0] as number];
}

/** A product of an `[m, k]` and a `[k, n]` matrix, after transposition, and the shape of its result. */
export interface ProductSize {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly shape: Shape;
}

/**
 * What `matmul(a, b, transposed)` multiplies.
 *
 * @throws RangeError where the inner lengths disagree, or an operand has too few or too many axes.
 */
export function matmulShape(a: Shape, b: Shape, transposed: Transposed = {}): ProductSize {
  const bMustBeMatrix = transposed.b === true || transposed.a !== true;
  if (a.length === 0 || b.length === 0 || (bMustBeMatrix && b.length !== 2)) {
    throw new RangeError(
      `matmul: ${showProduct(a, b, transposed)} is no product: ` +
        `the first operand needs an axis at least, the second ${bMustBeMatrix ? 'two axes' : 'an axis at least'}.`,
    );
  }
  const aWidth = a.at(-1) as number;
  const bWidth = b.at(-1) as number;
  const aRows = sizeOf(a.slice(0, -1));
  const bRows = sizeOf(b.slice(0, -1));
  const k = transposed.a ? aRows : aWidth;
  const n = transposed.b ? bRows : bWidth;
  const kOfB = transposed.b ? bWidth : bRows;
  checkInner(k, kOfB, 'matmul', a, b, transposed);
  return transposed.a ? { m: aWidth, n, k, shape: [aWidth, n] } : { m: aRows, n, k, shape: [...a.slice(0, -1), n] };
}

/** Products of `[m, k]` and `[k, n]` matrices, `count` of them. */
export interface BatchedProductSize extends ProductSize {
  readonly count: number;
}

/**
 * What `batchedMatmul(a, b, transposed)` multiplies.
 *
 * @throws RangeError where an operand is no batch of matrices, or leading axes or inner lengths disagree.
 */
export function batchedMatmulShape(a: Shape, b: Shape, transposed: Transposed = {}): BatchedProductSize {
  const leading = a.slice(0, -2);
  if (a.length < 2 || b.length < 2 || !sameShape(leading, b.slice(0, -2))) {
    throw new RangeError(
      `batchedMatmul: ${showProduct(a, b, transposed)} is no product of as many matrices: ` +
        'both operands need the same axes before their last two; for one right matrix under all, use matmul.',
    );
  }
  const [aRows, aWidth] = a.slice(-2) as [number, number];
  const [bRows, bWidth] = b.slice(-2) as [number, number];
  const [m, k] = transposed.a ? [aWidth, aRows] : [aRows, aWidth];
  const [kOfB, n] = transposed.b ? [bWidth, bRows] : [bRows, bWidth];
  checkInner(k, kOfB, 'batchedMatmul', a, b, transposed);
  return { m, n, k, count: sizeOf(leading), shape: [...leading, m, n] };
}

function checkInner(k: number, kOfB: number, operation: string, a: Shape, b: Shape, transposed: Transposed): void {
  if (k !== kOfB) {
    throw new RangeError(
      `${operation}: ${showProduct(a, b, transposed)} sums over ${k} numbers on the left and ${kOfB} on the right; ` +
        'they must be as many.',
    );
  }
}

/** @throws RangeError where `linear(x, w, b)` does not fit together. */
export function checkLinear(x: Shape, w: Shape, b: Shape): void {
  if (w.length !== 2 || x.at(-1) !== w[0] || b.length !== 1 || b[0] !== w[1]) {
    throw new RangeError(
      `linear: x ${showShape(x)}, w ${showShape(w)} and b ${showShape(b)} do not fit; ` +
        'x wants as many features as w has rows, and b as many numbers as w has columns.',
    );
  }
}

function showProduct(a: Shape, b: Shape, transposed: Transposed): string {
  return `${showShape(a)}${transposed.a ? 'ᵀ' : ''} × ${showShape(b)}${transposed.b ? 'ᵀ' : ''}`;
}

/** Parts along an axis: the whole is seen as `[outer, length of the axis, inner]`. */
export interface Parts {
  readonly shape: Shape;
  readonly shapes: readonly Shape[];
  readonly sizes: readonly number[];
  readonly outer: number;
  readonly inner: number;
}

function checkAxis(shape: Shape, axis: number, operation: string): void {
  if (!Number.isInteger(axis) || axis < 0 || axis >= shape.length) {
    throw new RangeError(
      `${operation}: ${showShape(shape)} has no axis ${axis}; axes count from 0 to ${shape.length - 1}.`,
    );
  }
}

/**
 * What `split(x, axis, sizes)` gives.
 *
 * @throws RangeError where the axis does not exist or the sizes do not add up to its length.
 */
export function splitShapes(shape: Shape, axis: number, sizes: readonly number[]): Parts {
  checkAxis(shape, axis, 'split');
  const sum = sizes.reduce((total, size) => total + size, 0);
  if (sum !== shape[axis] || sizes.some((size) => !Number.isInteger(size) || size < 0)) {
    throw new RangeError(
      `split: parts of ${sizes.join(' + ')} do not make up axis ${axis} of ${showShape(shape)}; ` +
        `give whole numbers that add up to ${shape[axis]}.`,
    );
  }
  const before = shape.slice(0, axis);
  const after = shape.slice(axis + 1);
  const shapes = sizes.map((size) => [...before, size, ...after]);
  return { shape, shapes, sizes, outer: sizeOf(before), inner: sizeOf(after) };
}

/**
 * What `concat(parts, axis)` gives.
 *
 * @throws RangeError where there is no part, no such axis, or the parts differ along another axis.
 */
export function concatShape(shapes: readonly Shape[], axis: number): Parts {
  const [first] = shapes;
  if (first === undefined) throw new RangeError('concat: there is nothing to join; give one tensor at least.');
  checkAxis(first, axis, 'concat');
  const before = first.slice(0, axis);
  const after = first.slice(axis + 1);
  for (const shape of shapes) {
    const fits = sameShape(shape.slice(0, axis), before) && sameShape(shape.slice(axis + 1), after);
    if (!fits || shape.length !== first.length) {
      throw new RangeError(
        `concat: ${showShape(shape)} does not join ${showShape(first)} along axis ${axis}; ` +
          'their other axes must be equal.',
      );
    }
  }
  const sizes = shapes.map((shape) => shape[axis] as number);
  const length = sizes.reduce((total, size) => total + size, 0);
  return { shape: [...before, length, ...after], shapes, sizes, outer: sizeOf(before), inner: sizeOf(after) };
}

/** @throws RangeError where a reshape would gain or lose elements. */
export function checkReshape(from: Shape, to: Shape): void {
  if (sizeOf(from) !== checkShape(to, 'reshape')) {
    throw new RangeError(
      `reshape: ${showShape(from)} has ${sizeOf(from)} elements and ${showShape(to)} has ${sizeOf(to)}; ` +
        'they must be as many.',
    );
  }
}

/** @throws RangeError where two shapes that must be equal are not. */
export function checkSame(a: Shape, b: Shape, operation: string): void {
  if (!sameShape(a, b)) {
    throw new RangeError(`${operation}: ${showShape(a)} and ${showShape(b)} must be the same shape.`);
  }
}

/**
 * A tensor's rows along its last axis.
 *
 * @throws RangeError for a tensor without axes.
 */
export function rowsAndWidth(shape: Shape, operation: string): { readonly rows: number; readonly width: number } {
  const width = shape.at(-1);
  if (width === undefined) throw new RangeError(`${operation}: needs an axis at least, but got one number, [].`);
  return { rows: sizeOf(shape.slice(0, -1)), width };
}

/**
 * Checks that ids are whole numbers from 0 up to `rows` − 1, and −1 too where that means padding.
 *
 * @throws TypeError where the tensor does not hold ids.
 * @throws RangeError naming the first id outside the range.
 */
export function checkIds(ids: Tensor, rows: number, operation: string, padding = false): asserts ids is Ids {
  if (ids.type !== 'int32') {
    throw new TypeError(
      `${operation}: needs ids (int32), but got ${ids.type} ${showShape(ids.shape)}; make them by ids().`,
    );
  }
  if (!Number.isInteger(rows) || rows < 0) {
    throw new RangeError(`${operation}: there are ${rows} rows to choose from; give a whole number of them.`);
  }
  const lowest = padding ? -1 : 0;
  const data = checkedNumbers(ids, operation);
  for (let k = 0; k < data.length; k += 1) {
    const id = data[k] as number;
    if (id < lowest || id >= rows) {
      throw new RangeError(
        `${operation}: id ${id} at position ${k} of ${showShape(ids.shape)} is outside ${lowest} … ${rows - 1}; ` +
          'use the vocabulary that the model was made for, or a larger model.',
      );
    }
  }
}

/**
 * What `gather(table, ids)` gives.
 *
 * @throws TypeError where the ids are none.
 * @throws RangeError where the table is no matrix or an id is none of its rows.
 */
export function gatherShape(table: Shape, ids: Tensor): Shape {
  const [rows, width] = table;
  if (table.length !== 2 || rows === undefined || width === undefined) {
    throw new RangeError(`gather: a table is a matrix [V, E], not ${showShape(table)}.`);
  }
  checkIds(ids, rows, 'gather');
  return [...ids.shape, width];
}

/**
 * What `oneHot(ids, classes)` gives.
 *
 * @throws TypeError where the ids are none.
 * @throws RangeError where an id is none of the classes.
 */
export function oneHotShape(ids: Tensor, classes: number): Shape {
  checkIds(ids, classes, 'oneHot');
  return [...ids.shape, classes];
}

/**
 * What `scatterAdd(gradient, ids, rows)` gives.
 *
 * @throws TypeError where the ids are none.
 * @throws RangeError where the gradient is not one row for each id, or an id is outside the table.
 */
export function scatterShape(gradient: Shape, ids: Tensor, rows: number): Shape {
  const { width } = rowsAndWidth(gradient, 'scatterAdd');
  checkSame(gradient.slice(0, -1), ids.shape, 'scatterAdd');
  checkIds(ids, rows, 'scatterAdd');
  return [rows, width];
}

/**
 * Positions and classes of logits `[..., V]` against targets `[...]`.
 *
 * @throws TypeError where the targets are no ids.
 * @throws RangeError where the shapes disagree or a target is outside −1 … V−1.
 */
export function crossEntropyShape(
  logits: Shape,
  targets: Tensor,
): { readonly positions: number; readonly classes: number } {
  const { rows, width } = rowsAndWidth(logits, 'crossEntropy');
  if (!sameShape(logits.slice(0, -1), targets.shape)) {
    throw new RangeError(
      `crossEntropy: logits ${showShape(logits)} want targets ${showShape(logits.slice(0, -1))}, ` +
        `but got ${showShape(targets.shape)}.`,
    );
  }
  checkIds(targets, width, 'crossEntropy', true);
  return { positions: rows, classes: width };
}
