import { describe, expect, it } from 'vitest';
import type { TextSource } from '../../src/serve/live.js';
import { strangeLines } from '../../src/serve/strange-lines.js';

const source = () => ({}) as TextSource;

/** Symbols that all cost the same. */
const heard = (from: TextSource, text: string, bits: number, at = 1, afresh = at === 1) => ({
  source: from,
  at,
  afresh,
  text,
  bits: new Float64Array(Array.from(text).length).fill(bits),
});

describe('strangeLines', () => {
  it('ranks the lines of all sources by their bits a symbol, however they were cut', () => {
    const lines = strangeLines();
    const [a, b] = [source(), source()];
    lines.hear([heard(a, 'an ordinary ', 1), heard(b, 'a strange 🐂', 6)]);
    lines.hear([heard(a, 'line\nanother one\n', 1.5, 13), heard(b, ' line\n', 6, 12)]);
    expect(lines.top(2)).toEqual([
      { text: 'a strange 🐂 line', bitsPerSymbol: 6, at: 2 },
      { text: 'another one', bitsPerSymbol: 1.5, at: 1 },
    ]);
    expect(lines.heard).toBe(3);
  });

  it.each<[string, (from: TextSource) => ReturnType<typeof heard>[]]>([
    ['short lines', (from) => [heard(from, 'x\n\n1234567\n', 9)]],
    ['lines that have no end yet', (from) => [heard(from, 'a line without its end', 9)]],
    [
      'lines whose beginning was another’s place',
      (from) => [heard(from, 'of a line that began before\n', 9, 40, true)],
    ],
    [
      'lines that lost their middle',
      (from) => [heard(from, 'a line that ', 9), heard(from, ' goes on\n', 9, 40, true)],
    ],
  ])('passes over %s', (_, said) => {
    const lines = strangeLines();
    const from = source();
    for (const each of said(from)) lines.hear([each]);
    expect(lines.top(5)).toEqual([]);
  });

  it('shows the beginning of a long line, and counts all of it', () => {
    const lines = strangeLines();
    const from = source();
    lines.hear([heard(from, 'x'.repeat(2000), 1), heard(from, `${'y'.repeat(2000)}\n`, 3, 2001)]);
    expect(lines.top(1)).toEqual([{ text: 'x'.repeat(512), bitsPerSymbol: 2, at: 0 }]);
  });

  it('forgets what is a thousand lines ago', () => {
    const lines = strangeLines();
    const from = source();
    lines.hear([heard(from, 'what surprised at first\n', 9)]);
    for (let k = 0; k < 1000; k += 1) lines.hear([heard(from, `line number ${k}\n`, 1, 25)]);
    expect(lines.top(1)[0]).toMatchObject({ bitsPerSymbol: 1 });
  });
});
