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
import { type BufferOptions, buffer, checkBufferOptions, type Taken, WAIT_OR_FAIL } from './buffer.js';
import { deliver, during, stageOf } from './demand.js';
import { nextTurn } from './event-loop.js';
import { fromAsync } from './from-async.js';

const isAsyncIterable = (given: unknown): given is AsyncIterable<unknown> => Symbol.asyncIterator in Object(given);

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
 * With the policy `block` a pull source waits until its value has been dealt with: its work is complete, and so is that of
 * operators that go on with what came out of it. Memory: the values that one chunk of the source gives.
 *
 * @param options capacity, policy, gauge, and for `block` what is to be paused.
 * @param work what is done for each value: an observable, a promise, or any iterable. By default it is handed on.
 * @param operation whose name messages begin with.
 * @returns an operator: what the work gives, in the order of the values.
 * @throws TypeError where an option is not known.
 * @throws RangeError, TypeError where the options are impossible.
 * @throws RangeError (as an error notification) where the buffer is full and its policy is `error`, or `block` and its source
 * cannot wait.
 * @example
 * spoken$.pipe(bounded({ capacity: 64, policy: 'drop-oldest' }, async (line) => line.toUpperCase()))
 */
export function bounded<T, R = T>(
  options: BufferOptions,
  work: (value: T) => ObservableInput<R> = onePerTurn as (value: T) => ObservableInput<never>,
  operation = 'bounded',
): OperatorFunction<T, R> {
  checkBufferOptions(operation, options);
  return (source) =>
    new Observable((subscriber) => {
      const waiting = buffer<T>(operation, options);
      let working: Taken<T> | undefined;
      let ended = false;

      function proceed(): void {
        // A loop, not a recursion: work that completes at once must not grow the stack.
        while (!working && waiting.depth > 0 && !subscriber.closed) {
          working = waiting.take() as Taken<T>;
          start(working);
        }
        if (ended && !working && waiting.depth === 0) subscriber.complete();
      }

      function start({ value, within, release }: Taken<T>): void {
        const stage = stageOf(waiting, within);
        let immediate = true;
        // The work itself, and what it gave that is not dealt with yet.
        let open = 1;
        const done = () => {
          open -= 1;
          if (open > 0) return;
          working = undefined;
          release?.();
          if (!immediate) proceed();
        };
        const handOn = (output: R) => {
          const dealt = deliver(stage, () => subscriber.next(output));
          if (dealt === undefined) return;
          open += 1;
          void dealt.then(done);
        };
        try {
          during(stage, () => {
            const given = work(value);
            // RxJS would not wait for what becomes of its values.
            const result = isAsyncIterable(given) ? fromAsync(given) : from(given);
            subscriber.add(
              result.subscribe({ next: handOn, error: (error) => subscriber.error(error), complete: done }),
            );
          });
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
      subscriber.add(() => {
        working?.release?.();
        waiting.clear();
      });
    });
}

/**
 * `concatMap` for what takes its time, behind a source that is pulled: the source waits until the work on its value is
 * complete, so that nothing queues but what one chunk gives. Any asynchronous operator of RxJS can be part of the work.
 *
 * Memory: the values of one chunk of a pull source. Of a source that cannot wait up to 1024 values do; `bounded` has a capacity
 * and a policy of your own.
 *
 * Work that needs a further value of the same source waits for ever.
 *
 * @param work what is done for each value: an observable, a promise, or any iterable.
 * @returns an operator: what the work gives, in the order of the values.
 * @throws RangeError (as an error notification) where more than 1024 values wait, of a source that cannot.
 * @example
 * windows$.pipe(paced(async ({ input }) => vocab.decode(input.data)));
 * fromText(corpus, { chunk: 64 }).pipe(paced((chunk) => of(chunk).pipe(delay(10))));
 */
export function paced<T, R>(work: (value: T) => ObservableInput<R>): OperatorFunction<T, R> {
  return bounded(WAIT_OR_FAIL, work, 'paced');
}
