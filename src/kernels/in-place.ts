/**
 * Numbers that are read where they lie. What gives copies gives views meanwhile, to somebody who has all of them copied by
 * kernels, into memory that is there already: a copy into new arrays is mostly the system finding pages for them.
 */
import type { PiecewiseTask } from '../piecewise-task.js';

/** Who changes numbers in pieces, and so knows when they may be copied. */
export interface Keeper {
  /** Runs the kernels of a body after the change that is under way, and before the next one; what `then` gives, which is called between. */
  run<R>(body: () => void, then: () => R): PiecewiseTask<R>;
  /** Keeps the numbers where they lie until the function that is returned is called. */
  stay(): () => void;
  /** Calls back when kernels of a task that was ended before its time write nothing any more. */
  settled(then: () => void): void;
}

let reading: { keeper: Keeper | undefined } | undefined;

/** A copy of numbers in the kernels' memory; within {@link inPlace} the numbers as they lie. */
export const copied = (numbers: Float32Array): Float32Array => (reading === undefined ? numbers.slice() : numbers);

/** Says who changes the numbers that are being read; where nobody does, they are to be copied at once. */
export function keptBy(keeper: Keeper): void {
  if (reading !== undefined) reading.keeper = keeper;
}

/** Runs a body that reads numbers where they lie. */
export function inPlace<R>(body: () => R): { readonly result: R; readonly keeper: Keeper | undefined } {
  const own = { keeper: undefined as Keeper | undefined };
  const outer = reading;
  reading = own;
  try {
    return { result: body(), keeper: own.keeper };
  } finally {
    reading = outer;
  }
}
