/** So many at once, and a line of bounded length before them. */
import { Observable, type Subscription } from 'rxjs';
import { ServeError } from '../protocol/problem.js';

export interface Gate {
  readonly active: number;
  readonly queued: number;
  /** How many were refused. */
  readonly refused: number;
  /** A stream that begins when it is its turn; unsubscribing leaves the line too. @throws ServeError (as an error notification) where the line is full. */
  through<T>(source: Observable<T>): Observable<T>;
}

export function gate(what: string, atOnce: number, capacity: number): Gate {
  const line = new Set<() => void>();
  let active = 0;
  let refused = 0;

  function leave(): void {
    active -= 1;
    const [next] = line;
    if (next === undefined) return;
    line.delete(next);
    next();
  }

  return {
    get active() {
      return active;
    },
    get queued() {
      return line.size;
    },
    get refused() {
      return refused;
    },
    through: <T>(source: Observable<T>) =>
      new Observable<T>((subscriber) => {
        let inner: Subscription | undefined;
        const begin = () => {
          active += 1;
          subscriber.add(leave);
          inner = source.subscribe(subscriber);
          subscriber.add(inner);
        };
        if (active < atOnce) {
          begin();
          return;
        }
        if (line.size >= capacity) {
          refused += 1;
          subscriber.error(
            new ServeError('overloaded', `${what}: ${line.size} wait already; try again later.`, { retryAfter: 1 }),
          );
          return;
        }
        line.add(begin);
        subscriber.add(() => line.delete(begin));
      }),
  };
}
