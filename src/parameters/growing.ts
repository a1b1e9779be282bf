/** How an array grows along its axes: what it comes to, which lines are new, and how they are put in. */
import { lengthen, lengthenings } from '../kernels/lines.js';
import { type Shape, showShape, sizeOf } from '../tensor.js';

/** An axis that is to become so long. */
export type AxisGrowth = readonly [axis: number, length: number];

/** A growth for which everything is there. */
export interface Planned {
  /** Makes it so. */
  commit(): void;
  /** Leaves everything as it was. */
  cancel(): void;
}

/** Lines that an array gains along an axis, one after the other. */
export interface AxisLines {
  readonly axis: number;
  readonly before: Shape;
  readonly after: Shape;
  readonly values: Float32Array;
}

/**
 * The shape after growths, one after the other.
 *
 * @throws RangeError where it does not grow along an axis, or is longer already.
 */
export function grownShape(
  what: string,
  before: Shape,
  grows: readonly number[],
  growths: readonly AxisGrowth[],
): Shape {
  const after = [...before];
  for (const [axis, length] of growths) {
    if (!grows.includes(axis) || !Number.isSafeInteger(length) || length < (after[axis] ?? 0)) {
      throw new RangeError(
        `grow: ${what} is ${showShape(after)} and grows along ${grows.length > 0 ? `axis ${grows}` : 'no axis'}, ` +
          `so its axis ${axis} cannot become ${length} long; say { grows: [${axis}] } where it is made, and never less.`,
      );
    }
    after[axis] = length;
  }
  return after;
}

/** The new lines of growths, one after the other, each drawn by itself. */
export function axisLinesOf(
  shape: Shape,
  growths: readonly AxisGrowth[],
  draw: (line: Shape, axis: number, index: number) => Float32Array,
): readonly AxisLines[] {
  let before = shape;
  return growths.map(([axis, length]) => {
    const short = before[axis] as number;
    const line = before.map((size, k) => (k === axis ? 1 : size));
    const values = new Float32Array((length - short) * sizeOf(line));
    for (let index = short; index < length; index += 1) {
      const drawn = draw(line, axis, index);
      values.set(drawn, (index - short) * drawn.length);
    }
    const after = before.map((size, k) => (k === axis ? length : size));
    const lines = { axis, before, after, values };
    before = after;
    return lines;
  });
}

/** Makes an array longer where it is, and puts its new lines in. */
export function putLines(numbers: Float32Array, at: number, { axis, before, after, values }: AxisLines): void {
  for (const step of lengthenings(before, after)) lengthen(numbers, at, at, step, 0);
  const [pieces, inner] = [sizeOf(before.slice(0, axis)), sizeOf(before.slice(axis + 1))];
  const [short, length] = [before[axis] as number, after[axis] as number];
  for (let index = short; index < length; index += 1) {
    for (let piece = 0; piece < pieces; piece += 1) {
      const from = ((index - short) * pieces + piece) * inner;
      numbers.set(values.subarray(from, from + inner), at + (piece * length + index) * inner);
    }
  }
}
