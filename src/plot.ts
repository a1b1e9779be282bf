/** A plot of curves over 1, 2, 3, … on a logarithmic scale: an SVG as text, which any browser shows. */

export interface Curve {
  readonly name: string;
  /** At 1, 2, 3, …; values that are not above 0 leave a gap. */
  readonly values: readonly number[];
}

export interface LogPlotOptions {
  readonly title?: string;
  /** What is counted along the bottom. */
  readonly x?: string;
  /** What is measured upwards. */
  readonly y?: string;
}

const [width, height] = [720, 400];
const frame = { left: 64, right: 150, top: 40, bottom: 48 };
// Okabe and Ito's colours: they can be told apart by everyone, and on white as well as on grey.
const colours = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#000000'];
/** Decades below the highest value that are shown at most. */
const deepest = 30;

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

const superscript = (power: number): string =>
  String(power).replaceAll(/[-\d]/g, (sign) => (sign === '-' ? '⁻' : ('⁰¹²³⁴⁵⁶⁷⁸⁹'[Number(sign)] as string)));

/**
 * Curves over steps on a logarithmic scale, as an SVG.
 *
 * @throws RangeError where no value is above 0.
 * @example
 * const flows = { rnn: gradientFlow(simpleRnnCell(2, 32)), gru: gradientFlow(gruCell(2, 32)) };
 * const svg = logPlot(
 *   Object.entries(flows).map(([name, { norms }]) => ({ name, values: norms.h ?? [] })),
 *   { title: 'Gradient flow', x: 't − k', y: '‖∂L_t/∂h_k‖' },
 * );
 */
export function logPlot(curves: readonly Curve[], options: LogPlotOptions = {}): string {
  const positive = curves.flatMap(({ values }) =>
    values.filter((value) => value > 0 && value < Number.POSITIVE_INFINITY),
  );
  if (positive.length === 0) throw new RangeError('logPlot: there is no value above 0 to show on a logarithmic scale.');
  const { lowest, highest, length } = extent(curves, positive);
  const right = width - frame.right;
  const bottom = height - frame.bottom;
  const across = (step: number) => frame.left + ((step - 1) / Math.max(1, length - 1)) * (right - frame.left);
  const up = (power: number) => bottom - ((power - lowest) / (highest - lowest)) * (bottom - frame.top);

  const every = Math.ceil((highest - lowest) / 8);
  const powers = Array.from({ length: Math.floor((highest - lowest) / every) + 1 }, (_, k) => lowest + k * every);
  const scale = powers.map(
    (power) =>
      `<line class="grid" x1="${frame.left}" x2="${right}" y1="${fix(up(power))}" y2="${fix(up(power))}"/>` +
      `<text x="${frame.left - 8}" y="${fix(up(power) + 4)}" text-anchor="end">10${superscript(power)}</text>`,
  );
  const marks = [...new Set([1, Math.ceil(length / 4), Math.ceil(length / 2), Math.ceil((3 * length) / 4), length])];
  const steps = marks.map(
    (step) => `<text x="${fix(across(step))}" y="${bottom + 18}" text-anchor="middle">${step}</text>`,
  );
  const lines = curves.map(({ name, values }, k) => {
    const colour = colours[k % colours.length];
    const at = frame.top + 12 + 20 * k;
    return (
      `<path d="${pathOf(values, across, up, lowest)}" fill="none" stroke="${colour}" stroke-width="2"/>` +
      `<line x1="${right + 12}" x2="${right + 32}" y1="${at - 4}" y2="${at - 4}" stroke="${colour}" stroke-width="2"/>` +
      `<text x="${right + 38}" y="${at}">${escaped(name)}</text>`
    );
  });
  const { title = '', x = '', y = '' } = options;
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

/** Whole decades that hold the values, and the longest curve. */
function extent(curves: readonly Curve[], positive: readonly number[]) {
  const logs = positive.map(Math.log10);
  const most = logs.reduce((a, b) => Math.max(a, b));
  const least = logs.reduce((a, b) => Math.min(a, b));
  const highest = Math.ceil(most);
  const lowest = Math.max(Math.floor(least), highest - deepest);
  return {
    lowest: lowest === highest ? lowest - 1 : lowest,
    highest,
    length: Math.max(...curves.map(({ values }) => values.length)),
  };
}

/** A line through what can be shown; it starts anew after a gap. */
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
