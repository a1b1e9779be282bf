/** Work in pieces, between which others may have their turn. */
import { Observable } from 'rxjs';

/**
 * Each `next` does one piece; the last one gives what came out. A piece that is done elsewhere gives a promise, which is
 * fulfilled when there is something to go on with; a `next` before that does nothing.
 */
export type Course<R> = Generator<Promise<void> | undefined, R, undefined>;

/**
 * Does all pieces, one right after the other.
 *
 * @param course the work, begun or not.
 * @returns what its last piece gives.
 * @throws Error where a piece is done elsewhere, for which `inTurns` can wait; the course is ended.
 * @example
 * const { course } = trainer(model, { loss, optimizer });
 * finish(course({ carry, input, target })).carry.rnn.h.shape[0]; // 2
 */
export function finish<R>(course: Course<R>): R {
  for (;;) {
    const piece = course.next();
    if (piece.done) return piece.value;
    if (piece.value !== undefined) {
      course.return(undefined as R);
      throw new Error(
        'finish: a piece of the course is done by another thread, for which this one cannot wait; use inTurns.',
      );
    }
  }
}

/**
 * Does a course in slices of time, and lets timers, sockets and the other pipelines of the process have their turn between
 * them. Each subscription begins a course of its own, and to unsubscribe ends it where it is. What comes out never comes
 * before `subscribe` has returned.
 *
 * @param begin makes the course.
 * @param slice counts the time, from `timeSlice`; several courses may share one.
 * @returns what comes out, once, in a later turn of the event loop.
 * @example
 * const { course } = trainer(model, { loss, optimizer });
 * const learned$ = inTurns(() => course({ carry, input, target }), timeSlice(2));
 * (await lastValueFrom(learned$)).carry.rnn.h.shape[0]; // 2
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
        await (piece.value ?? slice());
      }
    }
    subscriber.add(() => course.return(undefined as R));
    run().catch((error: unknown) => subscriber.error(error));
  });
}
