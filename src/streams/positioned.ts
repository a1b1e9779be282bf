import { map, Observable, type OperatorFunction } from 'rxjs';
import { withPosition } from './demand.js';

/**
 * A source of your own that can go on where it was: says of each value where the source goes on after it. What a run keeps with
 * `checkpointed` has that position, and `resume` gives it back.
 *
 * Shapes: the values stay as they are. Positions are plain data: what JSON can hold.
 *
 * @param after the position after a value, of the value and its index from 0.
 * @returns an operator that gives the same values.
 * @example
 * from(['the river ', 'bends ']).pipe(positioned((_, index) => ({ line: index + 1 })), tokens(vocab))
 */
export function positioned<T>(after: (value: T, index: number) => unknown): OperatorFunction<T, T> {
  return (source) =>
    source.pipe(
      map((value, index) => [value, after(value, index)] as const),
      withPositions(),
    );
}

/** Values that come with the position after them. */
export function withPositions<T>(): OperatorFunction<readonly [value: T, position: unknown], T> {
  return (source) =>
    new Observable((subscriber) =>
      source.subscribe({
        next: ([value, position]) => withPosition(position, () => subscriber.next(value)),
        error: (error) => subscriber.error(error),
        complete: () => subscriber.complete(),
      }),
    );
}
