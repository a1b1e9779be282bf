/** Work in pieces: whoever does it may let others have their turn between two of them. */
import { Observable } from 'rxjs';

/** Each `next` does one piece; the last one gives what came out. */
export type Course<R> = Generator<undefined, R, undefined>;

/** Does all pieces, one right after the other. */
export function finish<R>(course: Course<R>): R {
  for (;;) {
    const piece = course.next();
    if (piece.done) return piece.value;
  }
}

/**
 * Does a course in slices of time, and lets timers, sockets and the other pipelines of the process have their turn between
 * them. Each subscription begins a course of its own, and to unsubscribe ends it where it is. What comes out never comes
 * before `subscribe` has returned.
 *
 * @param begin makes the course.
 * @param slice counts the time, from `timeSlice`; several courses may share one.
 * @example
 * inTurns(() => course(window), timeSlice(2)).subscribe(({ loss }) => console.log(loss));
 */
export function inTurns<R>(begin: () => Course<R>, slice: () => Promise<void> | undefined): Observable<R> {
  return new Observable((subscriber) => {
    const course = begin();
    async function run(): Promise<void> {
      await undefined;
      while (!subscriber.closed) {
        const piece = course.next();
        if (piece.done) {
          subscriber.next(piece.value);
          subscriber.complete();
          return;
        }
        await slice();
      }
    }
    subscriber.add(() => course.return(undefined as R));
    run().catch((error: unknown) => subscriber.error(error));
  });
}
