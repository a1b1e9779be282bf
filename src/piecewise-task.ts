/** Work in pieces, between which others may have their turn. */

import { Observable } from 'rxjs';
import { requireKind } from './checks.js';

/**
 * Each `next` does one piece; the last one gives what came out. A piece that is done elsewhere gives a promise, which is
 * fulfilled when there is something to go on with; a `next` before that does nothing.
 */
export type PiecewiseTask<R> = Generator<Promise<void> | undefined, R, undefined>;

/** A body as a task that is one piece. */
export function* inOnePiece<R>(body: () => R): PiecewiseTask<R> {
  // Nothing comes between.
  yield* [];
  return body();
}

/**
 * Does all pieces, one right after the other.
 *
 * @param task the work, begun or not.
 * @returns what its last piece gives.
 * @throws Error where a piece is done elsewhere, for which `inTurns` can wait; the task is ended.
 * @example
 * const { learnInPieces } = trainer(model, { loss, optimizer });
 * finish(learnInPieces({ carry, input, target })).carry.rnn.h.shape[0]; // 2
 */
export function finish<R>(task: PiecewiseTask<R>): R {
  requireKind(
    'finish',
    typeof Object(task).next === 'function',
    'a task in pieces',
    task,
    'give what learnInPieces() gives',
  );
  for (;;) {
    const piece = task.next();
    if (piece.done) return piece.value;
    if (piece.value !== undefined) {
      task.return(undefined as R);
      throw new Error(
        'finish: a piece of the task is done by another thread, for which this one cannot wait; use inTurns.',
      );
    }
  }
}

/**
 * Does a task in slices of time, and lets timers, sockets and the other pipelines of the process have their turn between
 * them. Each subscription begins a task of its own, and to unsubscribe ends it where it is. What comes out never comes
 * before `subscribe` has returned.
 *
 * @param begin makes the task.
 * @param slice counts the time, from `timeSlice`; several tasks may share one.
 * @returns what comes out, once, in a later turn of the event loop.
 * @throws TypeError where the task, or the slice, is no function.
 * @example
 * const { learnInPieces } = trainer(model, { loss, optimizer });
 * const learned$ = inTurns(() => learnInPieces({ carry, input, target }), timeSlice(2));
 * (await lastValueFrom(learned$)).carry.rnn.h.shape[0]; // 2
 */
export function inTurns<R>(begin: () => PiecewiseTask<R>, slice: () => Promise<void> | undefined): Observable<R> {
  requireKind(
    'inTurns',
    typeof begin === 'function',
    'a function that begins a task',
    begin,
    'give () => learnInPieces(…)',
  );
  requireKind('inTurns', typeof slice === 'function', 'a slice of time', slice, 'give timeSlice(1)');
  return new Observable((subscriber) => {
    const task = begin();
    async function run(): Promise<void> {
      await undefined;
      while (!subscriber.closed) {
        const piece = task.next();
        if (piece.done) {
          subscriber.next(piece.value);
          subscriber.complete();
          return;
        }
        await (piece.value ?? slice());
      }
    }
    subscriber.add(() => task.return(undefined as R));
    run().catch((error: unknown) => subscriber.error(error));
  });
}
