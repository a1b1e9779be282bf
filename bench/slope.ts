/**
 * By which part of its mean something grew from the end of the first quarter of its samples to the end: the slope of the line
 * that fits best, times their number. Of so many neighbours the lowest counts. NaN where there are too few samples.
 */
export function grownBy(samples: readonly number[], neighbours: number): number {
  const late = samples.slice(Math.ceil(samples.length / 4));
  const lows = Array.from({ length: Math.floor(late.length / neighbours) }, (_, k) =>
    Math.min(...late.slice(k * neighbours, (k + 1) * neighbours)),
  );
  const mean = lows.reduce((sum, low) => sum + low, 0) / lows.length;
  const middle = (lows.length - 1) / 2;
  const covariance = lows.reduce((sum, low, k) => sum + (k - middle) * (low - mean), 0);
  const variance = lows.reduce((sum, _, k) => sum + (k - middle) ** 2, 0);
  return ((covariance / variance) * (lows.length - 1)) / mean;
}
