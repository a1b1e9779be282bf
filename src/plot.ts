/** A plot of curves over 1, 2, 3, … on a logarithmic scale: an SVG as text, which any browser shows. */

import { checkedOptions } from './options.js';

/** A curve of {@link logPlot}, with its name. */
export interface Curve {
  readonly name: string;
  /** At 1, 2, 3, …; values that are not above 0 leave a gap. */
  readonly values: readonly number[];
  /** A broken line, so that another one shows beneath it. */
  readonly dashed?: boolean;
}

/** Options of {@link logPlot}: what stands around it. */
export interface LogPlotOptions {
  readonly title?: string;
  /** What is counted along the bottom. */
  readonly x?: string;
  /** What is measured upwards. */
  readonly y?: string;
}

const [width, height] = [720, 400];
const frame = { left: 64, right: 150, top: 40, bottom: 48 };
// Okabe and Ito's colours: everyone can distinguish them, on white as well as on grey.
const colours = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#000000'];
/** Decades below the highest value that are shown at most. */
const deepest = 30;

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

const superscript = (power: number): string =>
  String(power).replaceAll(/[-\d]/g, (sign) => (sign === '-' ? '⁻' : ('⁰¹²³⁴⁵⁶⁷⁸⁹'[Number(sign)] as string)));

/**
 * Curves over steps on a logarithmic scale, as an SVG.
 *
 * @param curves the curves, by name.
 * @param options the title, and what the axes measure.
 * @returns the SVG, as text.
 * @throws RangeError where no value is above 0.
 * @throws TypeError where an option is not known.
 * @example
 * const flows = { rnn: gradientFlow(simpleRnnCell(2, 32)), gru: gradientFlow(gruCell(2, 32)) };
 * const svg = logPlot(
 *   Object.entries(flows).map(([name, { norms }]) => ({ name, values: norms.h ?? [] })),
 *   { title: 'Gradient flow', x: 't − k', y: '‖∂L_t/∂h_k‖' },
 * );
 */
export function logPlot(curves: readonly Curve[], options: LogPlotOptions = {}): string {
  const { title = '', x = '', y = '' } = checkedOptions('logPlot', options, { title: true, x: true, y: true });
  const positive = curves.flatMap(({ values }) =>
    values.filter((value) => value > 0 && value < Number.POSITIVE_INFINITY),
  );
  if (positive.length === 0) throw new RangeError('logPlot: there is no value above 0 to show on a logarithmic scale.');
  const { lowest, highest, marks: marksUp } = scaleOf(positive);
  const length = Math.max(...curves.map(({ values }) => values.length));
  const right = width - frame.right;
  const bottom = height - frame.bottom;
  const across = (step: number) => frame.left + ((step - 1) / Math.max(1, length - 1)) * (right - frame.left);
  const up = (power: number) => bottom - ((power - lowest) / (highest - lowest)) * (bottom - frame.top);

  const scale = marksUp.map(
    ({ at, name }) =>
      `<line class="grid" x1="${frame.left}" x2="${right}" y1="${fix(up(at))}" y2="${fix(up(at))}"/>` +
      `<text x="${frame.left - 8}" y="${fix(up(at) + 4)}" text-anchor="end">${name}</text>`,
  );
  const marks = [...new Set([1, Math.ceil(length / 4), Math.ceil(length / 2), Math.ceil((3 * length) / 4), length])];
  const steps = marks.map(
    (step) => `<text x="${fix(across(step))}" y="${bottom + 18}" text-anchor="middle">${step}</text>`,
  );
  const lines = curves.map(({ name, values, dashed }, k) => {
    const stroke = `stroke="${colours[k % colours.length]}" stroke-width="2"${dashed ? ' stroke-dasharray="5 4"' : ''}`;
    const at = frame.top + 12 + 20 * k;
    return (
      `<path d="${pathOf(values, across, up, lowest)}" fill="none" ${stroke}/>` +
      `<line x1="${right + 12}" x2="${right + 32}" y1="${at - 4}" y2="${at - 4}" ${stroke}/>` +
      `<text x="${right + 38}" y="${at}">${escaped(name)}</text>`
    );
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(title)}">`,
    '<style>text{font:12px sans-serif;fill:#333}.grid{stroke:#ddd}.title{font-size:15px}</style>',
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    `<text class="title" x="${frame.left}" y="22">${escaped(title)}</text>`,
    ...scale,
    ...steps,
    `<text x="${fix((frame.left + right) / 2)}" y="${height - 10}" text-anchor="middle">${escaped(x)}</text>`,
    `<text transform="translate(14 ${(frame.top + bottom) / 2}) rotate(-90)" text-anchor="middle">${escaped(y)}</text>`,
    ...lines,
    '</svg>\n',
  ].join('\n');
}

const fix = (value: number): string => value.toFixed(1);

interface Mark {
  /** The power of ten. */
  readonly at: number;
  readonly name: string;
}

interface Scale {
  /** Powers of ten. */
  readonly lowest: number;
  readonly highest: number;
  readonly marks: readonly Mark[];
}

/** A scale that holds the values, marked at decades, or where there are few of those at numbers between them. */
function scaleOf(positive: readonly number[]): Scale {
  const most = positive.reduce((a, b) => Math.max(a, b));
  const least = positive.reduce((a, b) => Math.min(a, b));
  const decades = Math.log10(most / least);
  if (decades < 1) return between(least, most, [1, 1.5, 2, 3, 4, 5, 6, 8]);
  if (decades < 2) return between(least, most, [1, 2, 5]);
  const highest = Math.ceil(Math.log10(most));
  const lowest = Math.max(Math.floor(Math.log10(least)), highest - deepest);
  const every = Math.ceil((highest - lowest) / 8);
  const powers = Array.from({ length: Math.floor((highest - lowest) / every) + 1 }, (_, k) => lowest + k * every);
  return { lowest, highest, marks: powers.map((at) => ({ at, name: `10${superscript(at)}` })) };
}

/** So many times a power of ten, from the last that is not above `least` to the first that is not below `most`. */
function between(least: number, most: number, times: readonly number[]): Scale {
  const from = Math.floor(Math.log10(least));
  const numbers = [0, 1, 2, 3].flatMap((more) => times.map((digit) => Number(`${digit}e${from + more}`)));
  const first = numbers.findLastIndex((number) => number <= least);
  const last = numbers.findIndex((number, k) => number >= most && k > first);
  const marks = numbers.slice(first, last + 1).map((number) => ({ at: Math.log10(number), name: String(number) }));
  return { lowest: marks[0]?.at as number, highest: marks.at(-1)?.at as number, marks };
}

/** A line through what can be shown; it starts over after a gap. */
function pathOf(
  values: readonly number[],
  across: (step: number) => number,
  up: (power: number) => number,
  lowest: number,
): string {
  let pen = 'M';
  return values
    .flatMap((value, k) => {
      const power = Math.log10(value);
      if (!Number.isFinite(power) || power < lowest) {
        pen = 'M';
        return [];
      }
      const point = `${pen}${fix(across(k + 1))} ${fix(up(power))}`;
      pen = 'L';
      return [point];
    })
    .join('');
}
