/** `npm run bench -- scaling`: tables of time against size, of each cell, and of what the streams cost. */
import { configure } from '../../src/index.js';
import { figures, number, percent, round } from '../report.js';
import type { TableOptions } from '../table.js';
import { type MeasuredCell, measureCells } from './cells.js';
import { type Plumbing, plumbing } from './plumbing.js';
import { type Axis, type Measured, measurePoint, series } from './training.js';

const PLOT_WIDTH = 32;

/** A bar as long as its share of the greatest, in eighths of a character. */
export function plotBar(value: number, greatest: number, width: number = PLOT_WIDTH): string {
  const eighths = Math.round((8 * width * value) / greatest);
  return '█'.repeat(Math.floor(eighths / 8)) + (['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'][eighths % 8] as string);
}

const right = (cells: readonly string[]) => cells.map((cell) => cell.padStart(12)).join('');

/** A table of one axis, with a bar of the speed. */
export function table(axis: Axis, measured: readonly Measured[], peak: number): readonly string[] {
  const fixed = Object.entries(measured[0]?.point ?? {}).filter(([name]) => name !== axis);
  const greatest = Math.max(...measured.map(({ speed }) => speed));
  return [
    '',
    `A window of training against ${axis} (${fixed.map(([name, value]) => `${name} ${value}`).join(', ')})`,
    right([axis, 'ms', 'chars/s', 'GFLOP/s', 'of the peak']),
    ...measured.map(
      ({ point, time, speed, gflops }) =>
        `${right([String(point[axis]), number(time.median), number(speed), number(gflops), percent(gflops / peak)])}  ${plotBar(speed, greatest)}`,
    ),
  ];
}

function plumbingLines(rows: readonly Plumbing[]): readonly string[] {
  return [
    '',
    'What the streams cost, in µs a signal (chunks and windows of 32 characters, layers at T 1, B 1)',
    `${''.padEnd(26)}${right(['piped', 'by hand', 'plumbing'])}`,
    ...rows.map(
      ({ what, piped, direct, cost }) =>
        `${what.padEnd(26)}${right([number(piped.median), number(direct.median), cost.median.toFixed(2)])}  (${cost.min.toFixed(2)} … ${cost.max.toFixed(2)})`,
    ),
  ];
}

/** A table of cells, each beside its own steps and beside the first one. */
export function cellLines(measured: readonly MeasuredCell[]): readonly string[] {
  const plain = measured[0]?.atOnce.median ?? Number.NaN;
  return [
    '',
    'A window of training with each cell, all steps at once and one by one (T 50, B 32, H 128, two layers)',
    `${''.padEnd(32)}${right(['at once, ms', 'steps, ms', 'gain', 'chars/s', `of ${measured[0]?.cell}`])}`,
    ...measured.map(({ cell, atOnce, oneByOne, work }) => {
      const gain = `× ${(oneByOne.median / atOnce.median).toFixed(2)}`;
      const speed = number((1000 * work) / atOnce.median);
      return `${cell.padEnd(32)}${right([number(atOnce.median), number(oneByOne.median), gain, speed, percent(plain / atOnce.median)])}`;
    }),
  ];
}

/** Measures and prints all of it. @throws Error where a result is wrong. */
export async function scaling(options: TableOptions): Promise<void> {
  const { repetitions, seconds, threads, peak, progress, print } = options;
  // First, since what the models below leave behind makes collecting garbage slower.
  const rows: Plumbing[] = [];
  const next = (what: string) => progress.show(`streams: ${what}`);
  for await (const row of plumbing(repetitions, seconds, next)) rows.push(row);
  print(
    plumbingLines(rows),
    rows.map(({ what, piped, direct, cost }) => ({
      plumbing: what,
      unit: 'us/signal',
      piped: figures(piped),
      direct: figures(direct),
      cost: figures(cost),
    })),
  );
  for (const { axis, points } of series(threads)) {
    const measured = points.map((point) => {
      progress.show(`scaling: ${axis} ${point[axis]}`);
      return measurePoint(point, repetitions, seconds);
    });
    print(
      table(axis, measured, peak),
      measured.map(({ point, time, speed, gflops }) => ({
        scaling: axis,
        ...point,
        unit: 'ms/window',
        ...figures(time),
        charsPerSecond: round(speed),
        gflops: round(gflops),
        share: round(gflops / peak),
      })),
    );
  }
  configure({ threads });
  const measured = measureCells(repetitions, seconds, (what) => progress.show(`scaling: ${what}`));
  print(
    cellLines(measured),
    measured.map(({ cell, atOnce, oneByOne, work }) => ({
      cell,
      unit: 'ms/window',
      ...figures(atOnce),
      stepByStep: figures(oneByOne),
      charsPerSecond: round((1000 * work) / atOnce.median),
    })),
  );
}
