/** Operators each of whose subscriptions is a run of its own. */
import { Observable, type OperatorFunction, Subscriber } from 'rxjs';

/** Where a run's outcome goes. */
export interface End {
  readonly closed: boolean;
  error(error: unknown): void;
  complete(): void;
}

/** One subscription: what comes in, and its end. */
export interface KeyedRun<T> {
  push(input: T): void;
  /** The source is complete. */
  end(): void;
  release(): void;
}

export function runs<T, R>(begin: (next: (output: R) => void, end: End) => KeyedRun<T>): OperatorFunction<T, R> {
  return (source) =>
    new Observable((subscriber) => {
      const run = begin((output) => subscriber.next(output), subscriber);
      subscriber.add(run.release);
      // Made before it subscribes: a source that gives all of its values at once is not to go on when nobody listens any more.
      const values = new Subscriber<T>({
        next: run.push,
        error: (error: unknown) => subscriber.error(error),
        complete: run.end,
      });
      subscriber.add(values);
      source.subscribe(values);
    });
}
