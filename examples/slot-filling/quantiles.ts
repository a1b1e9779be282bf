/** How long things take. */
export interface Quantiles {
  readonly p50: number;
  readonly p99: number;
}

export interface Stopwatch {
  /** So many of them took so many milliseconds each. */
  add(milliseconds: number, times?: number): void;
  result(): Quantiles;
}

/** Steps of the scale: 2 % apart, from a microsecond to a quarter of an hour. */
const [step, least, steps] = [Math.log(1.02), 1e-3, 1042];

/** Times on a scale, so that a stream without an end needs no more memory than a short one. */
export function stopwatch(): Stopwatch {
  const counts = new Float64Array(steps);
  let total = 0;
  const quantile = (share: number): number => {
    let [place, seen] = [0, counts[0] as number];
    while (seen < share * total && place < steps - 1) {
      place += 1;
      seen += counts[place] as number;
    }
    return total === 0 ? Number.NaN : least * Math.exp(step * place);
  };
  return {
    add(milliseconds, times = 1) {
      const place = Math.ceil(Math.log(Math.max(milliseconds, least) / least) / step);
      const at = Math.min(steps - 1, place);
      counts[at] = (counts[at] as number) + times;
      total += times;
    },
    result: () => ({ p50: quantile(0.5), p99: quantile(0.99) }),
  };
}

export const showQuantiles = ({ p50, p99 }: Quantiles): string => `p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms`;
