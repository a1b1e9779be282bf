/** Timing: warm up, repeat, and quote the median with the smallest and the largest. */

export interface Figure {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** @throws RangeError where there are no numbers. */
export function summary(numbers: readonly number[]): Figure {
  if (numbers.length === 0) throw new RangeError('summary: there are no numbers; measure at least once.');
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] as number;
  return {
    median: sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2,
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
