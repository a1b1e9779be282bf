import { concat, from, lastValueFrom, NEVER, of, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { generateFrom } from '../../src/streams/generate.js';
import { stopAt } from '../../src/streams/stop.js';
import { text } from '../../src/streams/text.js';
import { vocabulary } from '../../src/streams/vocabulary.js';
import { ids, tensor } from '../../src/tensor.js';
import { bigram } from './model.js';

/** What comes before the first stop, by the slowest way there is. */
function before(whole: string, stops: readonly string[]): string {
  for (let end = 1; end <= whole.length; end += 1) {
    const found = stops.filter((stop) => whole.slice(0, end).endsWith(stop));
    if (found.length > 0) return whole.slice(0, end - Math.max(...found.map(({ length }) => length)));
  }
  return whole;
}

/** A text in pieces, cut after each place whose bit is set. */
function cut(whole: string, bits: number): string[] {
  const pieces: string[] = [];
  let start = 0;
  for (let at = 1; at <= whole.length; at += 1) {
    if (at < whole.length && !((bits >> (at - 1)) & 1)) continue;
    pieces.push(whole.slice(start, at));
    start = at;
  }
  return pieces;
}

const texts: readonly (readonly [whole: string, stops: readonly string[]])[] = [
  ['abcabd', ['abd']],
  ['aaaaab', ['aab']],
  ['ababac', ['abac']],
  ['abcdef', ['cd', 'bcde']],
  ['abcdef', ['bcde', 'cd']],
  ['xxEND', ['END']],
  ['ENDxx', ['END', 'x']],
  ['no stop', ['st!']],
  ['tail EN', ['END']],
  ['🐂🐃🐄', ['🐃']],
  ['a\n\nb', ['\n\n']],
  ['abc', []],
];

describe('stopAt', () => {
  it.each(texts)('%j ends at %j wherever it is cut', async (whole, stops) => {
    for (let bits = 0; bits < 2 ** Math.min(7, whole.length - 1); bits += 1) {
      const pieces = await lastValueFrom(from(cut(whole, bits)).pipe(stopAt(...stops), toArray()));
      expect(pieces.join('')).toBe(before(whole, stops));
      expect(pieces).not.toContain('');
    }
  });

  it('holds back only what may be the beginning of a stop, and leaves its source at the stop', async () => {
    const heard: string[] = [];
    const left = await new Promise<boolean>((resolve) => {
      concat(of('one E', 'N', 'D', 'x E', 'NDING'), NEVER)
        .pipe(stopAt('ENDI'))
        .subscribe({ next: (piece) => heard.push(piece), complete: () => resolve(true) });
    });
    expect(left).toBe(true);
    expect(heard).toEqual(['one ', 'ENDx ']);
  });

  it.each([[['']], [[3]], [[null]]])('refuses %j', (stops) => {
    expect(() => stopAt(...(stops as string[]))).toThrow(/stopAt: /);
  });
});

describe('stops of a generation', () => {
  const alphabet = 'abcd';
  const vocab = vocabulary(alphabet);
  /** After a comes b, then c, d, and a again. */
  const model = bigram(tensor([4, 4], [0, 9, 0, 0, 0, 0, 9, 0, 0, 0, 0, 9, 9, 0, 0, 0]));
  const say = (stop: readonly string[], length = 10) =>
    lastValueFrom(
      generateFrom(model, ids([1, 1], [3]), { length, greedy: true, stop, vocab }).pipe(text(vocab), toArray()),
    ).then((pieces) => pieces.join(''));

  it.each([
    [['d'], 'abc'],
    [['da'], 'abc'],
    [['cda', 'zzz'], 'ab'],
    [['abcd'], ''],
    [['dd'], 'abcdabcdab'],
    [['abd'], 'abcdabcdab'],
    [[], 'abcdabcdab'],
  ])('%j', async (stop, said) => {
    expect(await say(stop)).toBe(said);
    if (said.length < 10) expect(await say(stop, Number.POSITIVE_INFINITY)).toBe(said);
  });

  it.each([
    [{ stop: ['a'] }, 'give the vocabulary too'],
    [{ stop: [''], vocab }, 'an empty text would stop everything'],
    [{ stop: 'a', vocab }, 'stop is a list of texts'],
    [{ repetitionPenalty: 0 }, 'repetitionPenalty is a number above 0'],
    [{ repetitionPenalty: Number.NaN }, 'repetitionPenalty is a number above 0'],
    [{ repetitionWindow: 0 }, 'repetitionWindow is a whole number from 1'],
    [{ minP: 1.5 }, 'minP is a share from 0 to 1'],
    [{ minP: Number.NaN }, 'minP is a share from 0 to 1'],
  ])('%j is refused', (options, message) => {
    expect(() => generateFrom(model, ids([1, 1], [0]), { length: 1, ...options } as never)).toThrow(message);
  });
});
