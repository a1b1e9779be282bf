import { lastValueFrom, map, type Observable, type OperatorFunction, takeUntil } from 'rxjs';
import { host } from '#host';
import type { Names } from '../options.js';
import { finish, inTurns, type PiecewiseTask } from '../piecewise-task.js';
import { bounded } from './bounded.js';
import { type BufferOptions, bufferNames, checkBufferOptions, WAIT_OR_FAIL } from './buffer.js';
import { timeSlice } from './event-loop.js';

/** How the updates of an operator that learns are done. */
export interface UpdatesOptions {
  /**
   * Who runs an update's kernels: the calling thread (`'caller'`), at once or in slices, or a team of its own
   * (`'learner'`), while this thread goes on with other things: it only prepares the update and, when the gradient is there, does
   * the last piece, which changes the weights. The results are the same, bit for bit. Where memory is not shared, or no thread can
   * be started, there is no such team, and the calling thread runs them in slices. The default is the calling thread, and in a
   * page, whose own thread must not be held, the learner.
   */
  readonly thread?: 'caller' | 'learner' | undefined;
  /**
   * Milliseconds after which an update on the calling thread lets others have their turn: they see the weights as they are before
   * it. By default it is done at once; where a learner is asked for and cannot be had, 2.
   */
  readonly slice?: number | undefined;
  /**
   * Where values wait while an update is under way on another thread or in slices. By default a pull source waits itself; of
   * others 1024 do, and an error where there are more. Its gauge shows depth and drops.
   */
  readonly waiting?: BufferOptions | undefined;
}

export const updatesNames: Names<UpdatesOptions> = { thread: true, slice: true, waiting: bufferNames };

/** Milliseconds of a slice where none are given. */
export const SLICE = 2;

/** Options with what follows where neither thread nor slice is given: a page's own thread must not be held. */
export const withThread = <O extends UpdatesOptions>(options: O): O =>
  host.isPage && options.thread === undefined && options.slice === undefined
    ? { ...options, thread: 'learner' }
    : options;

/** Whether an update is done at once, before its value's `next` returns. */
export const updatesAtOnce = ({ thread, slice }: UpdatesOptions): boolean =>
  slice === undefined && thread !== 'learner';

/** @throws RangeError, TypeError where an option is impossible; `operation` names it. */
export function checkUpdatesOptions(operation: string, { thread, slice, waiting }: UpdatesOptions): void {
  if (thread !== undefined && thread !== 'caller' && thread !== 'learner') {
    throw new RangeError(`${operation}: thread is 'caller' or 'learner', not ${String(thread)}.`);
  }
  if (slice !== undefined && !(slice >= 0)) {
    throw new RangeError(
      `${operation}: slice is a number of milliseconds from 0 on, not ${slice}; leave it out for none.`,
    );
  }
  if (waiting !== undefined) checkBufferOptions(operation, waiting);
}

/** When those whose turn it is next have it: between two pieces of an update, and between two updates that a loop does. */
export const turnsOf = (options: UpdatesOptions) =>
  timeSlice(updatesAtOnce(options) ? undefined : (options.slice ?? SLICE));

/** Does a task for a loop that waits for it; nothing comes of it where it is ended before. */
export async function update<R>(
  options: UpdatesOptions,
  turns: ReturnType<typeof timeSlice>,
  begin: () => PiecewiseTask<R>,
  ended$: Observable<unknown>,
): Promise<R | undefined> {
  if (updatesAtOnce(options)) return finish(begin());
  return lastValueFrom(inTurns(begin, turns).pipe(takeUntil(ended$)), { defaultValue: undefined });
}

/** Does a task for each value, one after the other. */
export function eachUpdated<T, R>(
  operation: string,
  options: UpdatesOptions,
  begin: (value: T) => PiecewiseTask<R>,
): OperatorFunction<T, R> {
  if (updatesAtOnce(options)) return map((value) => finish(begin(value)));
  const turns = turnsOf(options);
  return bounded(options.waiting ?? WAIT_OR_FAIL, (value) => inTurns(() => begin(value), turns), operation);
}
