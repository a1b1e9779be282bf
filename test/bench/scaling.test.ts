import { expect, test } from 'vitest';
import { cells } from '../../bench/scaling/cells.js';
import { cellLines, plotBar, table } from '../../bench/scaling/scaling.js';
import { series } from '../../bench/scaling/training.js';

test('a bar is as long as its share of the greatest, to an eighth of a character', () => {
  expect(plotBar(10, 10, 4)).toBe('████');
  expect(plotBar(5, 10, 4)).toBe('██');
  expect(plotBar(1, 8, 4)).toBe('▌');
  expect(plotBar(0, 10, 4)).toBe('');
});

test('each series varies one thing; threads go from one to all', () => {
  for (const { axis, points } of series(6)) {
    const others = points.map((point) => JSON.stringify({ ...point, [axis]: undefined }));
    expect(new Set(others).size).toBe(1);
    expect(new Set(points.map((point) => point[axis])).size).toBe(points.length);
  }
  const threads = (most: number) =>
    series(most)
      .at(-1)
      ?.points.map((point) => point.threads);
  expect(threads(1)).toEqual([1]);
  expect(threads(6)).toEqual([1, 2, 3, 4, 6]);
});

test('a table names what stays as it is, and has a line for each point', () => {
  const measured = [1, 2].map((threads) => ({
    point: { T: 64, B: 32, H: 128, threads },
    time: { median: 40 / threads, min: 1, max: 2 },
    speed: 50_000 * threads,
    gflops: 100 * threads,
  }));
  const [, title, header, one, two] = table('threads', measured, 250);
  expect(title).toBe('A window of training against threads (T 64, B 32, H 128)');
  expect(header).toMatch(/threads +ms +chars\/s +GFLOP\/s +of the peak/);
  expect(one).toMatch(/ 1 +40 +50,000 +100 +40 % {2}█{16}$/);
  expect(two).toMatch(/ 2 +20 +100,000 +200 +80 % {2}█{32}$/);
});

test('cells stand beside their own steps and beside the first of them, the plain LSTM', () => {
  const figure = (median: number) => ({ median, min: median, max: median });
  const [, , header, plain, other] = cellLines([
    { cell: 'lstm', atOnce: figure(16), oneByOne: figure(40), work: 1600 },
    { cell: 'gru', atOnce: figure(8), oneByOne: figure(24), work: 1600 },
  ]);
  expect(header).toMatch(/at once, ms +steps, ms +gain +chars\/s +of lstm$/);
  expect(plain).toMatch(/^lstm +16 +40 +× 2\.50 +100,000 +100 %$/);
  expect(other).toMatch(/^gru +8 +24 +× 3\.00 +200,000 +200 %$/);
  expect(Object.keys(cells)[0]).toBe('lstm');
});
