/** How a training goes: figures for its live line. */
import { type OperatorFunction, tap } from 'rxjs';

export interface FadingMean {
  /** One value more; the mean now. */
  add(value: number): number;
  /** Not a number before the first value. */
  mean(): number;
  /** To go on with it. */
  state(): FadingState;
}

export interface FadingState {
  readonly sum: number;
  readonly weight: number;
}

/** A mean that forgets: with each further value the earlier ones count `memory` as much. */
export function fadingMean(memory: number, from: FadingState = { sum: 0, weight: 0 }): FadingMean {
  let { sum, weight } = from;
  const mean = () => sum / weight;
  return {
    add(value) {
      sum = memory * sum + value;
      weight = memory * weight + 1;
      return mean();
    },
    mean,
    state: () => ({ sum, weight }),
  };
}

export interface Clock {
  /** Since it was made, and those before. */
  seconds(): number;
  /** How many more, where this part of the work is done. */
  left(part: number): number;
}

export function clock(before = 0): Clock {
  const started = performance.now() - 1000 * before;
  const seconds = () => (performance.now() - started) / 1000;
  return { seconds, left: (part) => Math.max(0, seconds() / part - seconds()) };
}

/** Counts the time that something takes, and not what comes between. */
export interface Stopwatch {
  start(): void;
  stop(): void;
  /** All in all. */
  seconds(): number;
}

export function stopwatch(before = 0): Stopwatch {
  let total = 1000 * before;
  let since: number | undefined;
  return {
    start() {
      since = performance.now();
    },
    stop() {
      if (since !== undefined) total += performance.now() - since;
      since = undefined;
    },
    seconds: () => (total + (since === undefined ? 0 : performance.now() - since)) / 1000,
  };
}

/**
 * An operator that answers each value within the call, with its time taken: a rate that is made of it knows nothing of
 * what else the program does.
 */
export const timed =
  <A, B>(watch: Stopwatch, operator: OperatorFunction<A, B>): OperatorFunction<A, B> =>
  (source$) =>
    source$.pipe(tap(watch.start), operator, tap(watch.stop));
