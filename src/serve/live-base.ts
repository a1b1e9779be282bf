/** What live models have in common: their figures, and how their runs are kept. */
import { interval, type MonoTypeOperatorFunction, map, merge, type Observable, share, throttleTime } from 'rxjs';
import { LONGEST_TIMER_MS, requireChoice, requireCount, requireKind, shown } from '../checks.js';
import type { Params } from '../parameters/parameter.js';
import { ServeError } from '../protocol/problem.js';
import { checkpointed, saveRuns } from '../runs/checkpointed.js';
import { folderOf } from '../runs/resume.js';

/** Where a live model is kept, and how often. */
export interface KeepingOptions {
  /** The run's folder; without one nothing is kept. */
  readonly folder?: string | undefined;
  /** Milliseconds from one checkpoint to the next. Default 30,000. */
  readonly everyMs?: number | undefined;
  /** How many checkpoints stay. Default 3. */
  readonly keep?: number | undefined;
  /** Whether SIGINT, SIGTERM and SIGHUP have it saved before they end the process. Default false: the program that runs it calls `close`. */
  readonly signals?: boolean | undefined;
}

/** @throws TypeError, RangeError where one of them is impossible, whether or not there is a folder. */
export function checkKeeping(operation: string, { folder, everyMs = 0, keep = 1 }: KeepingOptions): void {
  requireKind(
    operation,
    folder === undefined || typeof folder === 'string',
    'a path as folder',
    folder,
    'give one, or none',
  );
  if (!(typeof everyMs === 'number' && everyMs >= 0)) {
    throw new RangeError(`${operation}: everyMs is a number of milliseconds from 0 up, not ${shown(everyMs)}.`);
  }
  requireCount(operation, 'keep', keep);
}

/** How a live model learns. */
export interface LearningOptions {
  readonly learningRate?: number | undefined;
  readonly clipNorm?: number | undefined;
  readonly thread?: 'learner' | 'caller' | undefined;
}

/** @throws TypeError, RangeError where one of them is impossible: before a folder is taken, which would be held then. */
export function checkLearning(operation: string, { learningRate = 1, clipNorm = 1, thread }: LearningOptions): void {
  if (!(Number.isFinite(learningRate) && learningRate >= 0)) {
    throw new RangeError(`${operation}: learningRate is a number from 0 up, not ${shown(learningRate)}.`);
  }
  if (!(typeof clipNorm === 'number' && clipNorm > 0)) {
    throw new RangeError(`${operation}: clipNorm is a number above 0, not ${shown(clipNorm)}.`);
  }
  if (thread !== undefined) requireChoice(operation, 'thread', thread, ['learner', 'caller']);
}

/** @throws RangeError where an option is no time that a timer has. */
export function requireTime(operation: string, name: string, value: number): void {
  if (Number.isFinite(value) && value >= 0 && value <= LONGEST_TIMER_MS) return;
  throw new RangeError(
    `${operation}: ${name} is a number of milliseconds from 0 to ${LONGEST_TIMER_MS}, not ${shown(value)}.`,
  );
}

export const keepingNames = { folder: true, everyMs: true, keep: true, signals: 'boolean' } as const;

/** Keeps a run where there is a folder. */
export function kept<T>(
  { folder, everyMs, keep, signals = false }: KeepingOptions,
  model: { readonly kind: string; readonly params: Params },
  about: () => unknown,
): MonoTypeOperatorFunction<T> {
  if (folder === undefined) return (source) => source;
  return checkpointed<T>(folder, { model, about, everyMs, keep, signals });
}

/** Whether what was learnt in so many steps is on the disk now. */
export async function saveNow(folder: string | undefined, step: number): Promise<boolean> {
  if (folder === undefined) return false;
  await saveRuns();
  return step > 0;
}

/** Lets a folder go that was opened by `resume`, and throws. */
export async function refuseRun(folder: string, what: string): Promise<never> {
  await (await folderOf(folder)).close();
  throw new TypeError(`${what}: ${folder} holds a run of another kind; give another folder, or open it as what it is.`);
}

/** Milliseconds between two figures at least, and at most. */
const [OFTEN, SELDOM] = [100, 1000];

/** Figures after each change, not too often; one timer for all who ask. */
export const figures = <T>(changes$: Observable<unknown>, read: () => T): Observable<T> =>
  merge(interval(SELDOM), changes$).pipe(throttleTime(OFTEN), map(read), share());

/** Why a model that is closed, or whose learning has failed, takes nothing more. */
export const isClosing = (): ServeError =>
  new ServeError('closing', 'the model is being closed; try again later.', { retryAfter: 5 });
