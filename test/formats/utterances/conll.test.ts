import { describe, expect, it } from 'vitest';
import { type ConllOptions, fromConll, toConll } from '../../../src/formats/utterances/conll.js';
import type { Utterance } from '../../../src/formats/utterances/utterance.js';
import { all, folderOf } from './files.js';

async function* chunksOf(text: string, size: number): AsyncGenerator<string> {
  for (let at = 0; at < text.length; at += size) yield text.slice(at, at + size);
}
const read = (text: string, options: ConllOptions = {}, size = 7): Promise<readonly Utterance[]> =>
  all(fromConll({ name: 'trip.txt', chunks: chunksOf(text, size) }, options));
const words = async (text: string, options: ConllOptions = {}) =>
  (await read(text, options)).map((utterance) => utterance.words.join(' '));

describe('columns', () => {
  it('are words and tags, and a blank line ends an utterance', async () => {
    const text = 'arrive O\nTaipei B-to\n\nleave O\n';
    const wanted = [
      { words: ['arrive', 'Taipei'], tags: ['O', 'B-to'] },
      { words: ['leave'], tags: ['O'] },
    ];
    expect(await read(text)).toEqual(wanted);
    expect(await all(fromConll(`${folderOf({ 'trip.txt': text })}/trip.txt`))).toEqual(wanted);
  });

  it('are read alike however they arrive', async () => {
    const text = '\uFEFFarrive O\r\nTaipei\tB-to\r\n\r\n \n\nleave  O\r\n\n\n';
    const whole = await read(text, {}, 1000);
    expect(whole).toHaveLength(2);
    for (const size of [1, 2, 3, 11]) expect(await read(text, {}, size)).toEqual(whole);
    const bytes = Buffer.from(text);
    async function* byteByByte(): AsyncGenerator<Uint8Array> {
      for (const byte of bytes) yield Uint8Array.of(byte);
    }
    expect(await all(fromConll({ name: 'bytes', chunks: byteByByte() }))).toEqual(whole);
  });

  it('can be chosen', async () => {
    const text = '1 U.N. NNP I-ORG\n2 official NN O\n';
    expect(await read(text, { columns: { word: 1 } })).toEqual([{ words: ['U.N.', 'official'], tags: ['I-ORG', 'O'] }]);
    expect(await read(text, { columns: { word: -3, tag: 2 } })).toEqual([
      { words: ['U.N.', 'official'], tags: ['NNP', 'NN'] },
    ]);
    expect(await read(text, { columns: { tag: null } })).toEqual([{ words: ['1', '2'] }]);
    expect(await read('New York\tB-to\n', { separator: 'tab' })).toEqual([{ words: ['New York'], tags: ['B-to'] }]);
  });

  it('of words alone have no tags', async () => {
    expect(await read('arrive\nTaipei\n')).toEqual([{ words: ['arrive', 'Taipei'] }]);
  });

  it('leave documents’ starts out, and comments before an utterance say what is known of it', async () => {
    const text =
      '-DOCSTART- O\n\n# sent_id = 7\n# intent = atis_flight\n# lang = en\nhi O\n\n# id = u-8\nho O\n\nhe O\n';
    expect(await read(text)).toEqual([
      { id: '7', words: ['hi'], tags: ['O'], intent: 'atis_flight' },
      { id: 'u-8', words: ['ho'], tags: ['O'] },
      { words: ['he'], tags: ['O'] },
    ]);
  });

  it('have # as a word like any other, unless it begins a comment', async () => {
    expect(await words('# O\n4 B-n\n')).toEqual(['# 4']);
    expect(await words('hi O\n# = x O\n').catch((error: Error) => error.message)).toMatch('trip.txt:2: 4 columns');
    expect(await words('# id 3 domain=en\nhi O\n# well\nho O\n', { comment: '#' })).toEqual(['hi ho']);
  });

  it('name the line where they are none', async () => {
    const fault = async (text: string, options: ConllOptions = {}) => {
      const { _tag, path, line, message } = await read(text, options).catch((error) => error);
      return [_tag, path, line, message];
    };
    expect(await fault('hi O\n\nho\n')).toEqual([
      'BadLine',
      'trip.txt',
      3,
      'fromConll: trip.txt:3: 1 column, where the lines before have 2: "ho". Put the line right, or leave it out.',
    ]);
    expect(await fault('\n\nhi O\n', { columns: { tag: 3 } })).toEqual([
      'BadLine',
      'trip.txt',
      3,
      'fromConll: trip.txt:3: 2 columns, and so no column 3. Put the line right, or leave it out.',
    ]);
    await expect(all(fromConll('/nowhere/trip.txt'))).rejects.toMatchObject({
      _tag: 'FileError',
      path: '/nowhere/trip.txt',
      message: expect.stringContaining('/nowhere/trip.txt cannot be read: ENOENT'),
    });
  });
});

describe('utterances as columns', () => {
  it('come back as they were', async () => {
    const utterances: readonly Utterance[] = [
      { words: ['leave', 'Taipei'], tags: ['O', 'B-from'] },
      { id: '7', words: ['#', '='], tags: ['O', 'O'], intent: 'go' },
      { words: [], tags: [] },
      { id: 'nothing', words: [], tags: [] },
      { words: ['🐂', 'שלום'], tags: ['I-x', 'O'] },
    ];
    expect(await read(utterances.map(toConll).join(''))).toEqual(utterances);
    expect(toConll(utterances[0] as Utterance)).toBe('leave O\nTaipei B-from\n\n');
    expect(await read(toConll({ words: ['a', 'b'] }))).toEqual([{ words: ['a', 'b'] }]);
  });

  it('cannot be written where a column would not hold them', () => {
    expect(() => toConll({ words: ['New York'], tags: ['B-to'] })).toThrow('toConll: "New York" cannot stand in');
    expect(() => toConll({ words: [''], tags: ['O'] })).toThrow(TypeError);
    expect(() => toConll({ words: ['a'], tags: [] })).toThrow('toConll: 0 tags for 1 words');
  });
});
