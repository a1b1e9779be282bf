import { type Observable, type Subscription, tap } from 'rxjs';
import { type BufferOptions, buffer } from './buffer.js';

/**
 * A stream of values as a web stream, to be read when the reader is ready; what comes faster waits in a bounded
 * buffer. With the policy `block` a pull source waits until the web stream wants its value.
 *
 * Cancelling the web stream unsubscribes. An error of the source, or an overflow under the policy `error`, is the
 * error of the web stream.
 *
 * @param source subscribed to at once.
 * @param options capacity, policy, gauge, and for `block` what is to be paused.
 * @returns a web stream of its values.
 * @throws TypeError where an option is not known.
 * @throws RangeError, TypeError where the options are impossible.
 * @example
 * const bytes$ = spoken$.pipe(map((line) => new TextEncoder().encode(line)));
 * new Response(toWebStream(bytes$, { capacity: 1024, policy: 'error' }))
 */
export function toWebStream<T>(source: Observable<T>, options: BufferOptions): ReadableStream<T> {
  const waiting = buffer<T>('toWebStream', options);
  let subscription: Subscription | undefined;
  let ended = false;

  function flush(controller: ReadableStreamDefaultController<T>): void {
    while (waiting.depth > 0 && (controller.desiredSize ?? 0) > 0) controller.enqueue(waiting.shift() as T);
    if (ended && waiting.depth === 0) controller.close();
  }

  return new ReadableStream<T>({
    start(controller) {
      // Pushed in a `tap`, where an overflow becomes an error notification.
      subscription = source.pipe(tap((value) => waiting.push(value))).subscribe({
        next: () => flush(controller),
        error: (error) => {
          waiting.clear();
          controller.error(error);
        },
        complete: () => {
          ended = true;
          flush(controller);
        },
      });
    },
    pull: flush,
    cancel() {
      subscription?.unsubscribe();
      waiting.clear();
    },
  });
}
