/** Timing: warm up, repeat, and quote the median with the smallest and the largest. */

export interface Figure {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export function summary(numbers: readonly number[]): Figure {
  const sorted = [...numbers].sort((a, b) => a - b);
  return {
    median: sorted[sorted.length >> 1] as number,
    min: sorted[0] as number,
    max: sorted[sorted.length - 1] as number,
  };
}

/** Calls a step until the budget's time is up; work done a second. */
export function rate(step: () => void, work: number, seconds: number): number {
  const start = performance.now();
  let count = 0;
  do {
    step();
    count += 1;
  } while (performance.now() - start < seconds * 1000);
  return (work * count) / ((performance.now() - start) / 1000);
}
