import { defer, type Observable } from 'rxjs';
import { fromAsync } from './from-async.js';

function iterate<T>(stream: ReadableStream<T>): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator]() {
      const reader = stream.getReader();
      return {
        async next(): Promise<IteratorResult<T>> {
          const { done, value } = await reader.read();
          if (!done) return { done, value };
          reader.releaseLock();
          return { done, value: undefined };
        },
        // Unlike the stream's own iterator, this does not wait for a read that is under way.
        async return(): Promise<IteratorResult<T>> {
          await reader.cancel();
          reader.releaseLock();
          return { done: true, value: undefined };
        },
      };
    },
  };
}

/**
 * A web stream as a source that is pulled: a chunk is read when the consumer of the last one has returned.
 *
 * Unsubscribing cancels the stream and gives its lock back. A stream can be read once, so it can be subscribed to once.
 *
 * @throws TypeError (as an error notification) where the stream is locked by another reader; the stream's own error.
 * @example
 * const { body } = await fetch(url);
 * fromWebStream(body).pipe(tokens(vocab))
 */
export function fromWebStream<T>(stream: ReadableStream<T>): Observable<T> {
  return defer(() => fromAsync(iterate(stream)));
}
