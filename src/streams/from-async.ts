import { Observable } from 'rxjs';
import { deliver } from './demand.js';
import { timeSlice } from './event-loop.js';

/**
 * An async iterable as a source that is pulled: the next value is asked for once the pipeline has dealt with the last one,
 * so nothing queues here. That is when its consumers have returned and nobody holds the source any more: operators that
 * work asynchronously do, where they take `{ policy: 'block' }` (`bounded`, `generate`, `toSocket`) or call `holdSource`.
 * `concatMap` of an asynchronous function does not; `bounded({ capacity, policy: 'block' }, work)` is what takes its place.
 * Values that are there at once still leave the event loop a turn every few milliseconds.
 *
 * Unsubscribing calls the iterator's `return`, which closes what the iterable holds open. That of an async generator
 * waits for a value that it is waiting for itself: where that may never come, say how to `close` what it reads from.
 *
 * @param close closes at once what the iterable reads from; called where it is unsubscribed from before its end.
 *
 * @throws whatever the iterable throws, as an error notification.
 * @example
 * fromAsync(fetchedLines()).pipe(tokens(vocab))
 */
export function fromAsync<T>(iterable: AsyncIterable<T>, close?: () => void): Observable<T> {
  return new Observable<T>((subscriber) => {
    const iterator = iterable[Symbol.asyncIterator]();
    const slice = timeSlice();
    let exhausted = false;

    async function pull(): Promise<void> {
      try {
        while (!subscriber.closed) {
          const { done, value } = await iterator.next();
          if (done) {
            exhausted = true;
            subscriber.complete();
            return;
          }
          await deliver(() => subscriber.next(value));
          await slice();
        }
      } catch (error) {
        exhausted = true;
        subscriber.error(error);
      }
    }

    async function end(): Promise<void> {
      try {
        close?.();
        await iterator.return?.();
      } catch {
        // Nobody is subscribed any more who could be told.
      }
    }

    void pull();
    return () => {
      if (!exhausted) void end();
    };
  });
}
