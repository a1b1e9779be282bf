import { type MonoTypeOperatorFunction, Observable } from 'rxjs';
import { holdSource } from '../streams/demand.js';

/** Lets a source that can wait go on so many times a second at most. */
export function pacedAt<T>(rate: number): MonoTypeOperatorFunction<T> {
  return (source) =>
    new Observable((subscriber) => {
      let begun: number | undefined;
      let count = 0;
      let timer: ReturnType<typeof setTimeout> | undefined;
      let release: (() => void) | undefined;
      subscriber.add(() => {
        clearTimeout(timer);
        release?.();
      });
      return source.subscribe({
        next(value) {
          begun ??= performance.now();
          count += 1;
          const wait = begun + (count * 1000) / rate - performance.now();
          if (wait > 0) {
            release = holdSource();
            timer = setTimeout(() => release?.(), wait);
          } else {
            // What was late is not made up for all at once.
            begun -= wait;
          }
          subscriber.next(value);
        },
        error: (error) => subscriber.error(error),
        complete: () => subscriber.complete(),
      });
    });
}
