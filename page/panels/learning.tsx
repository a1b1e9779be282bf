import { useEffect, useState } from 'preact/hooks';
import type { Metrics } from '../live.js';
import { curveInWords, emptySeries, fewOf, withValue } from '../logic/series.js';
import { shownCount, shownFixed, shownMs, shownWhole } from '../logic/show.js';
import { Card, Figures } from '../parts/card.js';
import { type Curve, Plot } from '../parts/plot.js';

const curves: readonly Curve[] = [
  { label: 'Loss of a window, in bits', tone: 'tone-b', width: 1 },
  { label: 'Bits per symbol, over the latest windows', tone: 'tone-a', width: 2.5 },
];

/** Curves and figures of learning. */
export function Learning({
  metrics,
  firstMs,
  isDark,
}: {
  readonly metrics: Metrics | undefined;
  readonly firstMs: number | undefined;
  readonly isDark: boolean;
}) {
  const [series, setSeries] = useState(() => emptySeries(curves.length));
  useEffect(() => {
    if (metrics === undefined || metrics.loss === null) return;
    const { step, loss, bitsPerSymbol } = metrics;
    setSeries((before) => withValue(before, step, [loss / Math.LN2, bitsPerSymbol]));
  }, [metrics]);
  const bits = (value: number) => `${value.toFixed(3)} bits`;
  return (
    <Card id="learning" title="Learning" wide>
      <Figures
        of={[
          ['Bits per symbol', shownFixed(metrics?.bitsPerSymbol, 3)],
          ['Loss, nats', shownFixed(metrics?.loss, 3)],
          ['Updates', metrics ? shownWhole(metrics.step) : '–'],
          ['Learnt per second', metrics ? shownCount(metrics.learntPerSecond) : '–'],
          ['Said per second', metrics ? shownCount(metrics.saidPerSecond) : '–'],
          ['Waiting to be learnt', metrics ? shownCount(metrics.waiting) : '–'],
          ['Answers under way', metrics ? shownCount(metrics.active) : '–'],
          ['Queue', metrics ? shownCount(metrics.queued) : '–'],
          ['Clients', metrics ? shownCount(metrics.clients) : '–'],
          ['Dropped', metrics ? shownCount(metrics.dropped) : '–'],
          ['First symbol after', shownMs(firstMs), 'Of the last prompt of this page, seen from here'],
          ['Event loop late, p99', shownMs(metrics?.loopDelayMs)],
        ]}
      />
      <figure>
        <Plot series={series} curves={curves} isDark={isDark} />
        <figcaption>
          <ul class="key">
            {curves.map(({ label, tone }) => (
              <li key={label}>
                <i class={`swatch ${tone}`} aria-hidden="true" />
                {label}
              </li>
            ))}
          </ul>
          Over updates, in bits per symbol. <span id="curve-words">{curveInWords(series, 1, bits)}</span>
        </figcaption>
      </figure>
      <details>
        <summary>The curves as a table</summary>
        <table>
          <thead>
            <tr>
              <th scope="col">Update</th>
              {curves.map(({ label }) => (
                <th key={label} scope="col">
                  {label}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {fewOf(series, 12).map(({ x, y }) => (
              <tr key={x}>
                <th scope="row">{x}</th>
                {y.map((value, k) => (
                  <td key={curves[k]?.label}>{shownFixed(value, 3)}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </Card>
  );
}
