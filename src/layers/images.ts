import { type Shape, showShape } from '../tensor.js';

/** @throws RangeError where a signal does not hold images of so many channels (of any number where that is undefined). */
export function checkImages(x: Shape, channels: number | undefined, operation: string): void {
  if (x.length !== 5 || (channels !== undefined && x[4] !== channels)) {
    throw new RangeError(
      `${operation}: takes images [T, B, H, W, ${channels ?? 'C'}], channels last, but got ${showShape(x)}; ` +
        'a batch of images is a window of one step, [1, B, H, W, C].',
    );
  }
}

/** @throws RangeError where a signal is no sequence of so many features (of any number where that is undefined). */
export function checkSequence(x: Shape, features: number | undefined, operation: string): void {
  if (x.length !== 3 || x[0] === 0 || (features !== undefined && x[2] !== features)) {
    throw new RangeError(
      `${operation}: takes sequences [T, B, ${features ?? 'F'}] with T ≥ 1, but got ${showShape(x)}.`,
    );
  }
}
