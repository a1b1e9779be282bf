/** How a training goes: figures for its live line. */

export interface FadingMean {
  /** One value more; the mean now. */
  add(value: number): number;
  /** Not a number before the first value. */
  mean(): number;
}

/** A mean that forgets: with each further value the earlier ones count `memory` as much. */
export function fadingMean(memory: number): FadingMean {
  let sum = 0;
  let weight = 0;
  const mean = () => sum / weight;
  return {
    add(value) {
      sum = memory * sum + value;
      weight = memory * weight + 1;
      return mean();
    },
    mean,
  };
}

export interface Clock {
  /** Since it was made. */
  seconds(): number;
  /** How many more, where this part of the work is done. */
  left(part: number): number;
}

export function clock(): Clock {
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1000;
  return { seconds, left: (part) => Math.max(0, seconds() / part - seconds()) };
}
