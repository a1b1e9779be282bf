import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { fromConll, toConll } from '../../../src/formats/utterances/conll.js';
import { fromJsonLines, toJsonLine } from '../../../src/formats/utterances/json-lines.js';
import type { Utterance } from '../../../src/formats/utterances/utterance.js';
import { generator } from '../../../src/random.js';
import { all } from './files.js';

/** Through bytes, as a file has them. */
const bytes = (text: string) => ({ name: 'trip', chunks: Readable.from([Buffer.from(text)]) });
const readConll = (text: string) => all(fromConll(bytes(text)));
const readLines = (text: string) => all(fromJsonLines(bytes(text)));

const written = (write: (utterance: Utterance) => string, utterance: Utterance): string | undefined => {
  try {
    return write(utterance);
  } catch (error) {
    if (error instanceof TypeError && /^to(Conll|JsonLine): /.test(error.message)) return undefined;
    throw error;
  }
};

describe('columns are read as they were, or are not written', () => {
  const word = (text: string): Utterance => ({ words: [text, 'x'], tags: ['B-a', 'O'] });
  it.each<readonly [string, Utterance]>([
    ['a first word that would be a comment', word('#a=b')],
    ['the same without tags', { words: ['#a=b'] }],
    ['a tag that makes a comment of #', { words: ['#'], tags: ['a=b'] }],
    ['-DOCSTART-', word('-DOCSTART-')],
    ['-DOCSTART- later', { words: ['a', '-DOCSTART-', 'b'], tags: ['O', 'O', 'O'] }],
    ['a byte-order mark at the start', word('\uFEFFa')],
    ['a word of a byte-order mark alone', { words: ['\uFEFF'] }],
    ['an empty word', word('')],
    ['an empty tag', { words: ['a'], tags: [''] }],
    ['a space', word('New York')],
    ['a tab', word('a\tb')],
    ['a line end', word('a\nb')],
    ['a return at a line’s end', { words: ['a\r'] }],
    ['a tag with one', { words: ['a'], tags: ['O\r'] }],
    ['half a pair', word('\uD83E')],
    ['half a pair in a tag', { words: ['a'], tags: ['\uDD9C'] }],
    ['half a pair in an id', { id: '\uD83E', words: ['a'] }],
    ['an id with a space at its end', { id: 'a ', words: ['a'] }],
    ['an intent that begins with a tab', { intent: '\ta', words: ['a'] }],
    ['an id with a line end', { id: 'a\nb', words: ['a'] }],
    ['an id with a return at its end', { id: 'a\r', words: ['a'] }],
    ['an id that is a number', { id: 7 as never, words: ['a'] }],
    ['a word that is a number', { words: [7 as never] }],
    ['a word that is not there', { words: [undefined as never] }],
    ['too few tags', { words: ['a'], tags: [] }],
    ['a line of nothing but a form feed', { words: ['\f'] }],
  ])('not %s', (_, utterance) => {
    expect(() => toConll(utterance)).toThrow(/^toConll: /);
    expect(() => toConll(utterance)).toThrow(TypeError);
  });

  it.each<readonly [string, Utterance]>([
    ['#a=b after another word', { words: ['a', '#a=b'], tags: ['O', 'O'] }],
    ['#a=b after a word of an utterance with an id', { id: '1', words: ['a', '#a=b'] }],
    ['#', { words: ['#'], tags: ['O'] }],
    ['= after #', { words: ['#', '='], tags: ['O', 'O'] }],
    ['a no-break space', { words: ['New\u00A0York'], tags: ['B-to'] }],
    ['a word that is one', { words: ['\u00A0', '\u3000'] }],
    [
      'line and paragraph separators',
      { id: 'a\u2028b', intent: '\u2029', words: ['a\u2028', '\u2029b'], tags: ['O', 'O'] },
    ],
    ['a byte-order mark within', { id: '\uFEFF', words: ['a\uFEFF', '\uFEFF'] }],
    ['a return within', { words: ['a\rb'], tags: ['\rO'] }],
    ['no-break spaces around an id', { id: '\u00A0a\u00A0', words: ['a'] }],
    ['an empty id', { id: '', intent: '', words: ['a'] }],
    ['spaces within an intent', { intent: 'a = b # c', words: ['a'] }],
    ['no words, with tags', { words: [], tags: [] }],
    ['no words, without', { id: '1', words: [] }],
    ['characters of two units', { id: '🐂', words: ['🐂'], tags: ['B-🐂'] }],
    ['a null character', { words: ['\0'], tags: ['O'] }],
  ])('%s', async (_, utterance) => {
    expect(await readConll(toConll(utterance))).toEqual([utterance]);
  });
});

describe('JSON lines', () => {
  it.each<readonly [string, unknown]>([
    ['words that are none', { words: 'a b' }],
    ['a word that is a number', { words: [7] }],
    ['a word that is not there', { words: [undefined] }],
    ['tags that are no list', { words: ['a'], tags: 'O' }],
    ['too many tags', { words: ['a'], tags: ['O', 'O'] }],
    ['an id that is a number', { id: 7, words: [] }],
    ['an intent that is null', { intent: null, words: [] }],
  ])('are not written of %s', (_, utterance) => {
    expect(() => toJsonLine(utterance as Utterance)).toThrow(/^toJsonLine: /);
    expect(() => toJsonLine(utterance as Utterance)).toThrow(TypeError);
  });
});

describe('any utterances', () => {
  const telling = [
    ...'#= \t\n\r\v\f-BIO"\\{}\0\u0085\u00A0\u2028\u2029\u3000\uFEFF\u200B\u0301\uD83E\uDD9C\uFFFD',
    '-DOCSTART-',
    '# id = ',
    'O',
  ];
  const random = generator(7, 'utterances');
  const some = <T>(items: readonly T[]): T => items[random.below(items.length)] as T;

  function text(longest: number): string {
    const parts = Array.from({ length: random.below(longest + 1) }, () => {
      // What means something somewhere, plain letters, and every code unit there is.
      const kind = random.below(8);
      if (kind === 0) return some(telling);
      return kind < 6 ? some(['a', 'b', 'é', '水']) : String.fromCharCode(random.below(0x10000));
    });
    return parts.join('');
  }

  function utterance(tagged: boolean): Utterance {
    const words = Array.from({ length: random.below(4) }, () => text(3));
    return {
      ...(random.below(3) === 0 && { id: text(3) }),
      words,
      ...(tagged && { tags: words.map(() => (random.below(2) === 0 ? 'O' : text(3))) }),
      ...(random.below(3) === 0 && { intent: text(3) }),
    };
  }

  it.each([true, false])('are read as they were wherever they are written, with tags: %s', async (tagged) => {
    const utterances = Array.from({ length: 3000 }, () => utterance(tagged));
    const kept = utterances.filter((each) => written(toConll, each) !== undefined);
    expect(kept.length).toBeGreaterThan(500);
    expect(kept.length).toBeLessThan(2900);
    // One by one, since each may be a file's first; and all in one file.
    for (const each of kept.slice(0, 300)) expect(await readConll(toConll(each))).toEqual([each]);
    expect(await readConll(kept.map(toConll).join(''))).toEqual(kept);
    expect(await readLines(utterances.map(toJsonLine).join(''))).toEqual(utterances);
  });
});
