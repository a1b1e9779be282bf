import { Observable } from 'rxjs';
import { timeSlice } from './event-loop.js';

/**
 * An async iterable as a source that is pulled: the next value is asked for once the consumer of the last one has
 * returned, so nothing queues here. Values that are there at once still leave the event loop a turn every few
 * milliseconds.
 *
 * Unsubscribing calls the iterator's `return`, which closes what the iterable holds open.
 *
 * @throws whatever the iterable throws, as an error notification.
 * @example
 * fromAsync(fetchedLines()).pipe(tokens(vocab))
 */
export function fromAsync<T>(iterable: AsyncIterable<T>): Observable<T> {
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
          subscriber.next(value);
          await slice();
        }
      } catch (error) {
        exhausted = true;
        subscriber.error(error);
      }
    }

    async function close(): Promise<void> {
      try {
        await iterator.return?.();
      } catch {
        // Nobody is subscribed any more who could be told.
      }
    }

    void pull();
    return () => {
      if (!exhausted) void close();
    };
  });
}
