/** A curve of any length in a bounded number of points: where it is full, neighbours become one, and from then on each point is of more. */

/** Points of several curves over one axis, for uPlot: `xs[k]` belongs to `ys[curve][k]`. */
export interface Series {
  readonly xs: readonly number[];
  readonly ys: readonly (readonly (number | null)[])[];
  /** Values that a point is the mean of. */
  readonly each: number;
  /** Values that are not yet a point. */
  readonly pending: readonly { readonly x: number; readonly y: readonly (number | null)[] }[];
}

/** An even number of points: all of a phone's width, and half of a desk's. */
export const MOST_POINTS = 480;

export const emptySeries = (curves: number): Series => ({
  xs: [],
  ys: Array.from({ length: curves }, () => []),
  each: 1,
  pending: [],
});

function mean(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
}

const pairs = <T, R>(list: readonly T[], join: (a: T, b: T) => R): R[] =>
  Array.from({ length: list.length / 2 }, (_, k) => join(list[2 * k] as T, list[2 * k + 1] as T));

/**
 * A series and one more value of each of its curves. Where x goes back, as after a server was restarted from a checkpoint, what lies
 * beyond it is taken back.
 */
export function withValue(series: Series, x: number, y: readonly (number | null)[], most = MOST_POINTS): Series {
  const last = series.pending.at(-1)?.x ?? series.xs.at(-1);
  if (last !== undefined && x < last) return withValue(before(series, x), x, y, most);
  if (last === x) return series;
  const pending = [...series.pending, { x, y }];
  if (pending.length < series.each) return { ...series, pending };
  const joined: Series = {
    each: series.each,
    xs: [...series.xs, x],
    ys: series.ys.map((curve, k) => [...curve, mean(pending.map((value) => value.y[k] ?? null))]),
    pending: [],
  };
  if (joined.xs.length < most) return joined;
  return {
    each: 2 * joined.each,
    xs: pairs(joined.xs, (_, b) => b),
    ys: joined.ys.map((curve) => pairs(curve, (a, b) => mean([a, b]))),
    pending: [],
  };
}

function before(series: Series, x: number): Series {
  const kept = series.xs.filter((at) => at < x).length;
  return {
    each: series.each,
    xs: series.xs.slice(0, kept),
    ys: series.ys.map((curve) => curve.slice(0, kept)),
    pending: [],
  };
}

/** A few of its points, evenly, the last one among them: for a table. */
export function fewOf({ xs, ys }: Series, most: number): { x: number; y: (number | null)[] }[] {
  const count = Math.min(most, xs.length);
  return Array.from({ length: count }, (_, k) => {
    const at = count === 1 ? xs.length - 1 : Math.round((k * (xs.length - 1)) / (count - 1));
    return { x: xs[at] as number, y: ys.map((curve) => curve[at] ?? null) };
  });
}

/** The curve in a sentence, for those who do not see it. */
export function curveInWords({ xs, ys }: Series, curve: number, format: (value: number) => string): string {
  const known = xs.flatMap((x, k) => {
    const y = ys[curve]?.[k];
    return y === null || y === undefined ? [] : [{ x, y }];
  });
  const [first, last] = [known[0], known.at(-1)];
  if (first === undefined || last === undefined) return 'Nothing has been learnt yet.';
  const least = known.reduce((a, b) => (b.y < a.y ? b : a));
  return `From ${format(first.y)} at update ${first.x} to ${format(last.y)} at update ${last.x}; the least was ${format(least.y)} at update ${least.x}.`;
}
