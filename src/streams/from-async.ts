import { Observable } from 'rxjs';
import { closingIterator, isPullable, type Pullable } from './closing.js';
import { currentStage, deliver } from './demand.js';
import { timeSlice } from './event-loop.js';

/**
 * An async iterable, or any other, as a source that is pulled: the next value is asked for once the pipeline has dealt with
 * the last one, so nothing queues. Operators of this library that go on with a value later (`generate`, `learnTags`,
 * `toSocket`, `bounded` with the policy `block`, `paced`) let it wait until they have; those of RxJS cannot, so put
 * what takes its time into `paced`. Values that are there at once still leave the event loop a turn every few milliseconds.
 *
 * Unsubscribing closes at once what the iterable holds open, also while a value is waited for: a Node readable is destroyed, a
 * web stream cancelled, a readline interface closed; of others the iterator's `return` is called. That of an async generator
 * takes effect only when its own `await` is over: let one that waits for something take the signal, which is
 * aborted then.
 *
 * @param values what is iterated; or what makes it, at each subscription anew.
 * @returns the values; of a function each subscription has its own.
 * @throws TypeError where there is nothing to iterate over.
 * @throws whatever the iterable throws, as an error notification.
 * @example
 * async function* lines(signal: AbortSignal) {
 *   for (const line of ['the river ', 'bends ']) if (!signal.aborted) yield line;
 * }
 * fromAsync(lines).pipe(tokens(vocab));
 */
export function fromAsync<T>(
  values: AsyncIterable<T> | Iterable<T> | ((signal: AbortSignal) => AsyncIterable<T> | Iterable<T>),
): Observable<T> {
  if (typeof values === 'function') return pulled(values);
  return pulledFrom('fromAsync', values);
}

/** @throws TypeError where there is nothing to iterate over. */
export function pulledFrom<T>(operation: string, values: Pullable<T>): Observable<T> {
  checkPullable(values, operation);
  return pulled(() => values);
}

function checkPullable(values: unknown, operation = 'fromAsync'): void {
  if (isPullable(values)) return;
  throw new TypeError(
    `${operation}: takes an iterable, or a function that makes one, not ${values === null ? 'null' : typeof values}; ` +
      'give an async iterable, a generator, a stream or an array.',
  );
}

/** What `fromAsync` gives, also of web streams, whose types lack their iterator. */
export function pulled<T>(begin: (signal: AbortSignal) => Pullable<T>): Observable<T> {
  return new Observable<T>((subscriber) => {
    const controller = new AbortController();
    const values = begin(controller.signal);
    checkPullable(values);
    const iterator = closingIterator(values);
    const stage = currentStage();
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
          const dealt = deliver(stage, () => subscriber.next(value));
          if (dealt) await dealt;
          await slice();
        }
      } catch (error) {
        exhausted = true;
        subscriber.error(error);
      }
    }

    void pull();
    return () => {
      if (exhausted) return;
      controller.abort();
      iterator.close();
    };
  });
}
