/** Curves as SVG within HTML, which says in words what they show, and has their numbers as a table. */
import { escaped, table } from './html.js';

export interface Curve {
  readonly name: string;
  /** Of the style sheet: `solid` or `dotted`. */
  readonly style: 'solid' | 'dotted';
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface Axis {
  readonly name: string;
  readonly scale: 'linear' | 'log';
  show(value: number): string;
}

const WIDTH = 640;
const HEIGHT = 300;
const EDGE = { left: 56, right: 16, top: 12, bottom: 48 };

/** Round numbers in a range, about so many. */
export function ticksOf(low: number, high: number, many: number): number[] {
  if (!(high > low)) return [low];
  const rough = (high - low) / many;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((each) => each * power >= rough) as number);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, k) => Number(((first + k) * step).toPrecision(12)));
}

/** Powers of ten in a range, with twos and fives where there are few. */
export function logTicksOf(low: number, high: number): number[] {
  const within = (factors: readonly number[]) => {
    const ticks: number[] = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power += 1) {
      for (const factor of factors) {
        const tick = Number((factor * 10 ** power).toPrecision(12));
        if (tick >= low && tick <= high) ticks.push(tick);
      }
    }
    return ticks;
  };
  const tens = within([1]);
  return tens.length >= 3 ? tens : within([1, 2, 5]);
}

const rounded = (value: number): string => String(Number(value.toFixed(1)));

/** A figure of curves over one axis; nothing where there are no points yet. */
export function plot(title: string, curves: readonly Curve[], x: Axis, y: Axis): string {
  const all = curves.flatMap(({ points }) => points);
  if (all.length === 0) return `<p>${escaped(title)}: nothing to show yet.</p>`;
  const place = x.scale === 'log' ? (value: number) => Math.log10(Math.max(value, 1e-9)) : (value: number) => value;
  const [left, right] = [Math.min(...all.map(([at]) => at)), Math.max(...all.map(([at]) => at))];
  const yTicks = ticksOf(Math.min(...all.map(([, at]) => at)), Math.max(...all.map(([, at]) => at)), 5);
  const values = [...all.map(([, at]) => at), ...yTicks];
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const [inner, outer] = [WIDTH - EDGE.left - EDGE.right, HEIGHT - EDGE.top - EDGE.bottom];
  const share = (value: number, from: number, to: number) => (to > from ? (value - from) / (to - from) : 0.5);
  const atX = (value: number) => rounded(EDGE.left + inner * share(place(value), place(left), place(right)));
  const atY = (value: number) => rounded(EDGE.top + outer * (1 - share(value, low, high)));
  const xTicks = x.scale === 'log' ? logTicksOf(left, right) : ticksOf(left, right, 6);
  const bottom = HEIGHT - EDGE.bottom;

  const grid = [
    ...yTicks.map(
      (tick) =>
        `<line class="grid" x1="${EDGE.left}" x2="${WIDTH - EDGE.right}" y1="${atY(tick)}" y2="${atY(tick)}"/>` +
        `<text class="end" x="${EDGE.left - 8}" y="${atY(tick)}" dy="0.35em">${escaped(y.show(tick))}</text>`,
    ),
    ...xTicks.map(
      (tick) =>
        `<line class="grid" x1="${atX(tick)}" x2="${atX(tick)}" y1="${EDGE.top}" y2="${bottom}"/>` +
        `<text class="middle" x="${atX(tick)}" y="${bottom + 18}">${escaped(x.show(tick))}</text>`,
    ),
    `<text class="middle" x="${EDGE.left + inner / 2}" y="${HEIGHT - 6}">${escaped(x.name)}</text>`,
    `<text class="middle" transform="rotate(-90)" x="${-EDGE.top - outer / 2}" y="14">${escaped(y.name)}</text>`,
  ];
  const lines = curves.map(({ style, points, name }) => {
    const path = points.map(([a, b]) => `${atX(a)},${atY(b)}`).join(' ');
    const marks =
      style === 'dotted' || points.length === 1
        ? points.map(([a, b]) => mark(atX(a), atY(b), style, `${name}: ${x.show(a)}, ${y.show(b)}`))
        : [];
    return `<polyline class="${style}" points="${path}"/>${marks.join('')}`;
  });
  const words = curves.flatMap(({ name, points }) => {
    const [first, last] = [points[0], points.at(-1)];
    if (first === undefined || last === undefined) return [];
    return [`${name} from ${y.show(first[1])} to ${y.show(last[1])}`];
  });
  const summary = `${title}: ${words.join('; ')}.`;
  const shown = curves.filter(({ points }) => points.length > 0);
  return `<figure>
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escaped(summary)}">
${[...grid, ...lines].join('\n')}
</svg>
<figcaption>${escaped(summary)} ${shown.map(({ name, style }) => `<span class="key ${style}">${escaped(name)}</span>`).join(' ')}</figcaption>
<details><summary>${escaped(title)} in numbers</summary>
${shown
  .map(({ name, points }) =>
    table(
      `${name}, ${y.name}`,
      [x.name, y.name],
      thinned(points).map(([a, b]) => [x.show(a), y.show(b)]),
    ),
  )
  .join('\n')}
</details>
</figure>`;
}

const mark = (x: string, y: string, style: string, title: string): string =>
  `<circle class="${style}" cx="${x}" cy="${y}" r="3"><title>${escaped(title)}</title></circle>`;

/** Rows of a table that one can read. */
const ROWS = 40;

const thinned = <T>(points: readonly T[]): readonly T[] => {
  const every = Math.ceil(points.length / ROWS);
  return points.filter((_, k) => k % every === (points.length - 1) % every);
};
