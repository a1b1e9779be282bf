import {
  concat,
  defer,
  from,
  ignoreElements,
  Observable,
  type ObservableInput,
  type OperatorFunction,
  of,
  tap,
} from 'rxjs';
import { type BufferOptions, buffer, checkBufferOptions } from './buffer.js';
import { nextTurn } from './event-loop.js';

/** The value now, completion a turn later: what waits behind it is let through one by one. */
function onePerTurn<T>(value: T): Observable<T> {
  return concat(of(value), defer(nextTurn).pipe(ignoreElements()));
}

/**
 * `concatMap` with a queue that is bounded: each value is worked on when the work on the one before is complete, and
 * what arrives meanwhile waits in a buffer of finite capacity with a named policy.
 *
 * Without `work` the values themselves come out, one for each turn of the event loop, so that a burst of arrivals
 * leaves timers and other pipelines room in between.
 *
 * @param operation the name in error messages, for operators that are built on this one.
 * @throws RangeError, TypeError where the options are impossible.
 * @throws RangeError (as an error notification) where the buffer is full and its policy is `error`.
 * @example
 * fromSocket(socket).pipe(bounded({ capacity: 64, policy: 'block', source: socket }, (line) => translate(line)))
 */
export function bounded<T>(options: BufferOptions): OperatorFunction<T, T>;
export function bounded<T, R>(
  options: BufferOptions,
  work: (value: T) => ObservableInput<R>,
  operation?: string,
): OperatorFunction<T, R>;
export function bounded<T>(
  options: BufferOptions,
  work: (value: T) => ObservableInput<unknown> = onePerTurn,
  operation = 'bounded',
): OperatorFunction<T, unknown> {
  checkBufferOptions(operation, options);
  return (source) =>
    new Observable((subscriber) => {
      const waiting = buffer<T>(operation, options);
      let working = false;
      let ended = false;

      function proceed(): void {
        // A loop, not a recursion: work that completes at once must not grow the stack.
        while (!working && waiting.depth > 0 && !subscriber.closed) {
          working = true;
          start(waiting.shift() as T);
        }
        if (ended && !working && waiting.depth === 0) subscriber.complete();
      }

      function start(value: T): void {
        let immediate = true;
        const done = () => {
          working = false;
          if (!immediate) proceed();
        };
        try {
          const result = from(work(value));
          subscriber.add(
            result.subscribe({
              next: (output) => subscriber.next(output),
              error: (error) => subscriber.error(error),
              complete: done,
            }),
          );
        } catch (error) {
          subscriber.error(error);
        }
        immediate = false;
      }

      // Pushed in a `tap`, where an overflow becomes an error notification.
      subscriber.add(
        source.pipe(tap((value) => waiting.push(value))).subscribe({
          next: proceed,
          error: (error) => subscriber.error(error),
          complete: () => {
            ended = true;
            proceed();
          },
        }),
      );
      subscriber.add(waiting.clear);
    });
}
