import { describe, expect, it } from 'vitest';
import { linesOf } from '../../../src/cli/scoring/lines.js';
import { highlighted } from '../../../src/cli/scoring/shown.js';

async function* chunks(parts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield Buffer.from(part, 'latin1');
}

async function read(...parts: string[]): Promise<readonly string[]> {
  const all: string[] = [];
  for await (const lines of linesOf(chunks(parts))) all.push(...lines);
  return all;
}

describe('lines of bytes', () => {
  it.each([
    [['a\nb\n'], ['a', 'b']],
    [['a\nb'], ['a', 'b']],
    [
      ['a\r\nb\r', '\nc'],
      ['a', 'b', 'c'],
    ],
    [['\n\na'], ['', '', 'a']],
    [[], []],
    // A character that is cut, and a byte that is none.
    [
      ['\xC3', '\xA9\n\xFF'],
      ['é', '\uFFFD'],
    ],
  ])('%j', async (parts, lines) => expect(await read(...parts)).toEqual(lines));

  it('are cut where one has no end', async () => {
    const all = await read(...Array.from({ length: 40 }, () => 'x'.repeat(10_000)));
    expect(Math.max(...all.map((line) => line.length))).toBe(65_536);
    expect(all.join('')).toHaveLength(400_000);
  });

  it.each([0, 1])('are cut between characters, %i before those of two units', async (before) => {
    const text = 'x'.repeat(before) + '😀'.repeat(70_000);
    const all = await read(Buffer.from(text).toString('latin1'));
    expect(all.join('')).toBe(text);
    expect(all.length).toBeGreaterThan(1);
    for (const line of all) expect([/\p{Surrogate}/u.test(line), line.length <= 65_536]).toEqual([false, true]);
  });
});

describe('a line as it is shown', () => {
  it.each([
    [{ text: 'usual', span: [0, 2] }, false, true, 'usual'],
    [{ text: 'a strange one', span: [2, 9] }, true, true, 'a \u001b[1;31mstrange\u001b[0m one'],
    [{ text: 'a strange one', span: [2, 9] }, true, false, 'a strange one'],
    [{ text: 'strange', span: undefined }, true, true, 'strange'],
    // A terminal does not get orders from a log.
    [{ text: 'a\u001b[2Jb\tc\u009b', span: undefined }, false, true, 'a\u241b[2Jb\tc\uFFFD'],
  ] as const)('%#', (line, isStrange, coloured, shown) => expect(highlighted(line, isStrange, coloured)).toBe(shown));
});
