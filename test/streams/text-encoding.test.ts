import { Readable } from 'node:stream';
import { firstValueFrom, from, lastValueFrom, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { fromConll } from '../../src/formats/utterances/conll.js';
import { fromJsonLines } from '../../src/formats/utterances/json-lines.js';
import { fromFile } from '../../src/streams/from-file.js';
import { fromText } from '../../src/streams/from-text.js';
import { wellFormed } from '../../src/streams/well-formed.js';
import { all, folderOf } from '../formats/utterances/files.js';

const read = async (bytes: Uint8Array, chunk: number): Promise<string> =>
  (await all(fromFile(`${folderOf({ text: bytes })}/text`, { chunk }))).join('');
const sizes = [1, 2, 3, 4, 5, 100];

describe('a byte-order mark', () => {
  it.each([
    ['\uFEFFab', 'ab'],
    ['\uFEFF', ''],
    ['\uFEFF\uFEFFa', '\uFEFFa'],
    ['a\uFEFFb', 'a\uFEFFb'],
    ['\n\uFEFFb', '\n\uFEFFb'],
    ['ab', 'ab'],
    ['', ''],
    ['\uFEFF🐂', '🐂'],
  ])('is left out of %j at its very start alone', async (text, wanted) => {
    for (const size of sizes) {
      expect(await read(Buffer.from(text), size)).toBe(wanted);
      expect((await all(fromText(text, { chunk: size }))).join('')).toBe(wanted);
    }
  });

  it('is one in the first of the bytes, and in no later ones', async () => {
    const mark = Uint8Array.of(0xef, 0xbb, 0xbf);
    const joined = (chunks: readonly (string | Uint8Array)[]) =>
      lastValueFrom(from(chunks).pipe(wellFormed(), toArray())).then((texts) => texts.join(''));
    expect(await joined([mark, 'a'])).toBe('a');
    expect(await joined([mark.subarray(0, 1), mark.subarray(1), mark])).toBe('\uFEFF');
    expect(await joined(['a', mark, 'b'])).toBe('a\uFEFFb');
    expect(await joined([Uint8Array.of(0x61), 'b', mark])).toBe('ab\uFEFF');
    expect(await joined(['\uD800', mark])).toBe('\uFFFD\uFEFF');
  });
});

describe('lines of strings and bytes in turns', () => {
  const half = Uint8Array.of(0xf0, 0x9f);
  const wordsOf = async (...chunks: readonly (string | Uint8Array)[]) => {
    const source = { name: 'turns', chunks: Readable.from(chunks, { objectMode: true }) };
    return (await all(fromConll(source, { columns: { tag: null } }))).map(({ words }) => words);
  };

  it.each<[string, readonly (string | Uint8Array)[], string]>([
    ['half a character before a string', ['b', half, 'a c\n'], 'b\uFFFDa'],
    ['the other half behind a string', [half, 'a', Uint8Array.of(0x90, 0x82)], '\uFFFDa\uFFFD\uFFFD'],
    ['half a mark before a string', [Uint8Array.of(0xff), 'a'], '\uFFFDa'],
    ['a mark of others behind a string', ['a', Uint8Array.of(0xff, 0xfe)], 'a\uFFFD\uFFFD'],
    ['nothing before a mark', ['', Uint8Array.of(0xef, 0xbb, 0xbf), 'a'], 'a'],
    ['a character in halves', [half, Uint8Array.of(0x90, 0x82)], '🐂'],
  ])('have %s where it came', async (_, chunks, word) => {
    expect(await wordsOf(...chunks)).toEqual([[word]]);
  });

  it('are refused by a mark before a string', async () => {
    await expect(wordsOf(Uint8Array.of(0xff, 0xfe), 'a')).rejects.toThrow(/turns cannot be read: .* UTF-16LE/);
  });
});

describe('texts that are no UTF-8', () => {
  const utf16 = Buffer.from('\uFEFFa O\n', 'utf16le');
  const cases: readonly (readonly [string, Uint8Array])[] = [
    ['UTF-16LE', utf16],
    ['UTF-16LE', Uint8Array.of(0xff, 0xfe)],
    ['UTF-16LE', Uint8Array.of(0xff, 0xfe, 0)],
    ['UTF-16BE', Buffer.from(utf16).swap16()],
    ['UTF-32LE', Uint8Array.of(0xff, 0xfe, 0, 0, 0x61, 0, 0, 0)],
    ['UTF-32BE', Uint8Array.of(0, 0, 0xfe, 0xff, 0, 0, 0, 0x61)],
  ];
  it.each(cases)('%s is refused by its byte-order mark before anything is read of it', async (encoding, bytes) => {
    const path = `${folderOf({ text: bytes })}/text`;
    const message = new RegExp(`${path}.*byte-order mark.*${encoding}.*UTF-8; convert it first.*iconv`);
    for (const chunk of sizes)
      await expect(all(fromFile(path, { chunk }))).rejects.toThrow(`fromFile: ${path} cannot be read`);
    await expect(all(fromFile(path))).rejects.toThrow(message);
    for (const reader of [fromConll, fromJsonLines]) {
      await expect(all(reader(path))).rejects.toMatchObject({
        _tag: 'FileError',
        message: expect.stringMatching(message),
      });
    }
  });

  it.each([
    [[0xff], '\uFFFD'],
    [[0, 0, 0x61], '\0\0a'],
    [[0, 0], '\0\0'],
    [[0xfe, 0x61], '\uFFFDa'],
    [[0x61, 0xff, 0xfe], 'a\uFFFD\uFFFD'],
  ])('without such a mark are read: %j', async (bytes, wanted) => {
    for (const chunk of sizes) expect(await read(Uint8Array.from(bytes), chunk)).toBe(wanted);
  });

  it('keep nothing waiting that cannot be a mark', async () => {
    const waits = new Promise<never>(() => undefined);
    async function* said(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('a\n\n');
      await waits;
    }
    expect(await firstValueFrom(fromConll({ name: 'stdin', chunks: said() }))).toEqual({ words: ['a'] });
  });
});
