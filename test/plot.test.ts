import { describe, expect, it } from 'vitest';
import { logPlot } from '../src/plot.js';

/** Points of each curve, as the paths have them. */
const paths = (svg: string) => [...svg.matchAll(/<path d="([^"]*)"/g)].map(([, d]) => d as string);
const points = (d: string) =>
  [...d.matchAll(/[ML]([\d.]+) ([\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)] as const);

describe('logPlot', () => {
  it('makes a straight line of a power', () => {
    const svg = logPlot([{ name: 'half', values: Array.from({ length: 11 }, (_, k) => 10 ** -k) }]);
    const line = points(paths(svg)[0] as string);
    expect(line).toHaveLength(11);
    line.forEach(([x, y], k) => {
      expect(x - (line[0]?.[0] as number)).toBeCloseTo(
        (k * ((line[10]?.[0] as number) - (line[0]?.[0] as number))) / 10,
        0,
      );
      expect(y - (line[0]?.[1] as number)).toBeCloseTo(
        (k * ((line[10]?.[1] as number) - (line[0]?.[1] as number))) / 10,
        0,
      );
    });
    expect(line[10]?.[1]).toBeGreaterThan(line[0]?.[1] as number);
  });

  it('leaves a gap where there is nothing to show', () => {
    expect(paths(logPlot([{ name: 'a', values: [1, 0.1, 0, 0.1, 1] }]))[0]?.match(/M/g)).toHaveLength(2);
  });

  it('names curves, axes and decades, as text', () => {
    const svg = logPlot(
      [
        { name: 'a < b', values: [1, 100] },
        { name: 'c', values: [0.001] },
      ],
      { title: 'T & T', x: 't − k', y: '‖δ‖' },
    );
    for (const text of ['a &lt; b', 'T &amp; T', 't − k', '‖δ‖', '10²', '10⁻³']) expect(svg).toContain(`>${text}<`);
  });

  it('names numbers between decades where there are few of those', () => {
    const marks = (values: readonly number[]) =>
      [...logPlot([{ name: '', values }]).matchAll(/text-anchor="end">([^<]*)</g)].map(([, name]) => name);
    expect(marks([6.25, 4.1])).toEqual(['4', '5', '6', '8']);
    expect(marks([0.15, 0.031])).toEqual(['0.03', '0.04', '0.05', '0.06', '0.08', '0.1', '0.15']);
    expect(marks([520, 12])).toEqual(['10', '20', '50', '100', '200', '500', '1000']);
    expect(marks([2, 2])).toEqual(['2', '3']);
    expect(marks([1, 1000])).toEqual(['10⁰', '10¹', '10²', '10³']);
  });

  it('breaks the line of a curve that is dashed, and of no other', () => {
    const svg = logPlot([
      { name: 'a', values: [1, 2] },
      { name: 'b', values: [1, 2], dashed: true },
    ]);
    // The curve's and that of its name.
    expect(svg.match(/stroke-dasharray/g)).toHaveLength(2);
    expect(svg.indexOf('stroke-dasharray')).toBeGreaterThan(svg.indexOf('>a<'));
  });

  it('shows thirty decades at most', () => {
    const [line] = paths(logPlot([{ name: 'a', values: [1, 1e-10, 1e-40] }]));
    expect(points(line as string)).toHaveLength(2);
  });

  it('refuses what has no logarithm', () => {
    expect(() => logPlot([{ name: 'a', values: [0, 0] }])).toThrow(RangeError);
  });
});
