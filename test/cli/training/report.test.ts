/** The report as a page: all of it in one file, and texts as texts whatever they say. */
import { describe, expect, it } from 'vitest';
import { escaped } from '../../../src/cli/training/report/html.js';
import { type ReportData, reportPage } from '../../../src/cli/training/report/page.js';
import { logTicksOf, plot, ticksOf } from '../../../src/cli/training/report/plot.js';

const nasty = '</code><script>alert("1")</script>&amp;\'\0\x1b[31m<img src=x onerror=alert(1)>';

const data: ReportData = {
  title: nasty,
  state: 'learning',
  date: '2026-01-01',
  command: nasty,
  history: {
    training: [
      { steps: 1, seconds: 1, nats: 4 },
      { steps: 100, seconds: 200, nats: 1.5 },
    ],
    validation: [{ steps: 50, seconds: 100, nats: 2 }],
    samples: [{ steps: 50, seconds: 100, text: nasty }],
    spoken: 1,
    every: 1,
  },
  scores: [{ how: nasty, characters: 10, natsPerCharacter: 1, bitsPerCharacter: 1.5, perplexity: 3, seconds: 1 }],
  passages: [{ name: nasty, symbols: ['<', 'b', '>', '"', '\n', '&', '🦜'], bits: [null, 0, 1, 2, 3, 9, 20] }],
  about: [[nasty, nasty]],
  recipe: [[nasty, nasty]],
  machine: [[nasty, nasty]],
};

describe('a page', () => {
  const page = reportPage(data);

  it('has no markup but its own', () => {
    expect(page).not.toMatch(/<(script|img|b)\b/);
    expect(page).not.toContain('\0');
    expect(page).not.toContain('\x1b');
    expect(page).toContain(escaped(nasty));
    expect(page).toContain('title="“&quot;”: 2.00 bits">&quot;</span>');
    expect(page).toContain('🦜');
  });

  it('asks for nothing from anywhere', () => {
    expect(page.replaceAll(escaped(nasty), '')).not.toMatch(/https?:|\bsrc=|\bhref=|@import|url\(/);
    expect(page).toContain("default-src 'none'");
  });

  it('is whole where nothing is known yet', () => {
    const empty = { ...data.history, training: [], validation: [], samples: [] };
    expect(reportPage({ ...data, history: empty, scores: [], passages: [] })).toMatch(
      /nothing to show yet.*<\/html>\n$/s,
    );
  });
});

it.each([
  ['a < b & c > "d"', 'a &lt; b &amp; c &gt; &quot;d&quot;'],
  ["it's", 'it&#39;s'],
  ['\0\u0007\u007f\u0085', '\u2400\u2407\u2421\ufffd'],
  ['tab\tline\n', 'tab\tline\n'],
])('%j is escaped', (text, wanted) => expect(escaped(text)).toBe(wanted));

it.each([
  [0, 1, 5, [0, 0.2, 0.4, 0.6, 0.8, 1]],
  [1.42, 4.2, 5, [2, 3, 4]],
  [0, 3600, 6, [0, 1000, 2000, 3000]],
  [2, 2, 5, [2]],
])('ticks from %d to %d', (low, high, many, wanted) => expect(ticksOf(low, high, many)).toEqual(wanted));

it.each([
  [1, 100, [1, 10, 100]],
  [1, 5000, [1, 10, 100, 1000]],
  [3, 30, [5, 10, 20]],
])('powers from %d to %d', (low, high, wanted) => expect(logTicksOf(low, high)).toEqual(wanted));

it('curves of one point, or of none, are drawn', () => {
  const axis = { name: 'x', scale: 'log', show: String } as const;
  const one = { name: 'A', style: 'solid', points: [[1, 1]] } as const;
  const figure = plot('Loss', [one, { name: 'B', style: 'dotted', points: [] }], axis, axis);
  expect(figure).not.toMatch(/NaN|Infinity|undefined/);
  expect(figure).toContain('aria-label="Loss: A from 1 to 1."');
});
