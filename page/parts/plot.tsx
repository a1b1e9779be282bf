import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { Series } from '../logic/series.js';

export interface Curve {
  readonly label: string;
  /** A class whose colour the curve has. */
  readonly tone: 'tone-a' | 'tone-b';
  readonly width: number;
}

/** What the style sheet makes of a class: a canvas takes no variables. */
function colourOf(home: Element, name: string): string {
  const probe = home.ownerDocument.createElement('i');
  probe.className = name;
  home.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

/** Curves on a canvas, which assistive technology does not see: the sentence and the table stand for them. */
export function Plot({
  series,
  curves,
  isDark,
}: {
  readonly series: Series;
  readonly curves: readonly Curve[];
  readonly isDark: boolean;
}) {
  const home = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const data = [series.xs, ...series.ys] as unknown as uPlot.AlignedData;
  useEffect(() => {
    const element = home.current as HTMLDivElement;
    const quiet = colourOf(element, 'tone-quiet');
    const grid = { stroke: colourOf(element, 'tone-line'), width: 1 };
    const axis = { stroke: quiet, grid, ticks: grid, font: '12px system-ui, sans-serif' };
    const size = () => ({ width: element.clientWidth, height: 220 });
    const made = new uPlot(
      {
        ...size(),
        scales: { x: { time: false } },
        legend: { show: false },
        cursor: { show: false },
        axes: [axis, { ...axis, size: 44 }],
        series: [
          {},
          ...curves.map(({ label, tone, width }) => ({
            label,
            stroke: colourOf(element, tone),
            width,
            points: { show: false },
            spanGaps: true,
          })),
        ],
      },
      data,
      element,
    );
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize(size()));
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
    };
  }, [isDark]);
  useEffect(() => plot.current?.setData(data), [series]);
  return <div ref={home} class="plot" aria-hidden="true" />;
}
