/** Arrays whose axes become longer: where their numbers go, in place or to another address. */
import { type Shape, sizeOf } from '../tensor.js';

/** So many pieces, each of which becomes longer. */
export interface Lengthened {
  readonly pieces: number;
  readonly before: number;
  readonly after: number;
}

/** What becomes of numbers in row-major order where axes grow: one axis after the other. */
export function lengthenings(before: Shape, after: Shape): readonly Lengthened[] {
  return after.flatMap((length, axis) => {
    const short = before[axis] as number;
    const inner = sizeOf(before.slice(axis + 1));
    // Axes further out have grown by then.
    const pieces = sizeOf(after.slice(0, axis));
    return length === short ? [] : [{ pieces, before: short * inner, after: length * inner }];
  });
}

/** Moves the pieces together again, in place: what each gained by `step` is left out. */
export function shorten(numbers: Float32Array, at: number, { pieces, before, after }: Lengthened): void {
  for (let piece = 1; piece < pieces; piece += 1) {
    const old = at + piece * after;
    numbers.copyWithin(at + piece * before, old, old + before);
  }
}

/** Moves the pieces apart, from index `from` to index `to`; what each gains is the given value. Both may be the same. */
export function lengthen(numbers: Float32Array, from: number, to: number, step: Lengthened, value: number): void {
  const { pieces, before, after } = step;
  // The last first: within one array, each goes where nothing is that is still to be moved.
  for (let piece = pieces - 1; piece >= 0; piece -= 1) {
    const [old, start] = [from + piece * before, to + piece * after];
    numbers.copyWithin(start, old, old + before);
    numbers.fill(value, start + before, start + after);
  }
}
